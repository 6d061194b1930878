"""Graphs made smaller: equal operations become one, and what no output or guard needs goes."""

from collections.abc import Hashable
from typing import Any

import numpy as np

from jacfwd.formats.index import IndexMap
from jacfwd.graph import Graph, Guard, Node

__all__ = ["optimised"]


def optimised(graph: Graph) -> Graph:
    """The same function with fewer nodes: common subexpressions once, dead nodes not at all."""
    return without_dead(without_repeats(graph))


def without_repeats(graph: Graph) -> Graph:
    """Nodes that compute the same from the same become one."""
    stands_for = list(range(len(graph.nodes)))
    seen: dict[Hashable, int] = {}
    for at, node in enumerate(graph.nodes):
        if node.primitive is not None:
            stands_for[at] = seen.setdefault(_key(node, stands_for), at)
    return _rewired(graph, stands_for, list(range(len(graph.nodes))))


def rewired(graph: Graph, nodes: list[Node], stands_for: list[int]) -> Graph:
    """The graph on new nodes; `stands_for` says which of them each old one has become."""
    outputs = [out._replace(node=None if out.node is None else stands_for[out.node]) for out in graph.outputs]
    guards = [Guard(stands_for[guard.node], guard.value, guard.where) for guard in graph.guards]
    return Graph(nodes, [stands_for[at] for at in graph.inputs], outputs, guards)


def _key(node: Node, stands_for: list[int]) -> Hashable:
    parents = tuple(None if p is None else stands_for[p] for p in node.parents)
    constants = tuple(map(_constant_key, node.constants))
    params = tuple((name, _constant_key(value)) for name, value in sorted(node.params.items()))
    return id(node.primitive), parents, constants, params, node.dtype


class Positions:
    """An index map that is equal to others which send everything to the same places."""

    def __init__(self, index: IndexMap) -> None:
        self.index = index

    def __hash__(self) -> int:
        return hash(self.index.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Positions) and self.index.same(other.index)


def _constant_key(value: Any) -> Hashable:
    """Equal only for constants that are surely the same: numbers by type and bits, index maps, else identity."""
    if isinstance(value, IndexMap):
        return "map", value.shape, value.target, Positions(value)
    if isinstance(value, tuple):
        return "tuple", tuple(map(_constant_key, value))
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.size == 1):
        return type(value), value.dtype.str, np.shape(value), value.tobytes()
    if isinstance(value, int | str | bool | None):
        return type(value), value
    if isinstance(value, float):
        return float, value.hex()
    return "same object", id(value)


def without_dead(graph: Graph) -> Graph:
    """Only inputs, and the nodes that outputs and guards are computed from."""
    needed = {out.node for out in graph.outputs} | {guard.node for guard in graph.guards}
    for at in range(len(graph.nodes) - 1, -1, -1):
        if at in needed:
            needed.update(graph.nodes[at].parents)
    needed.update(graph.inputs)
    return _rewired(graph, list(range(len(graph.nodes))), [at for at in range(len(graph.nodes)) if at in needed])


def _rewired(graph: Graph, stands_for: list[int], kept: list[int]) -> Graph:
    """The graph of the kept nodes, each reference going to what stands for it."""
    place = {at: k for k, at in enumerate(kept)}

    def new(at: int | None) -> int | None:
        return None if at is None else place[stands_for[at]]

    nodes = []
    for at in kept:
        old = graph.nodes[at]
        parents = tuple(map(new, old.parents))
        node = Node(old.primitive, parents, old.constants, old.params, old.shape, old.dtype, old.location)
        node.name = old.name
        nodes.append(node)
    outputs = [out._replace(node=new(out.node)) for out in graph.outputs]
    guards = [Guard(place[stands_for[guard.node]], guard.value, guard.where) for guard in graph.guards]
    return Graph(nodes, [place[at] for at in graph.inputs], outputs, guards)
