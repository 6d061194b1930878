"""What a drawing of a derivative graph shows, before anybody decides where: nodes, edges and their texts.

A scene belongs to a point and to one input, a flat index: forward derivatives are those in that input.
Nodes are those that carry a derivative from some input to an output. What a node's box says stands in `lines`.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jacfwd.chain import Chain
from jacfwd.draw.labels import brief, described, element, number, operations, ratio
from jacfwd.formats.base import Format
from jacfwd.formats.combined import Pair, Product, Sum
from jacfwd.formats.entries import Entries
from jacfwd.graph import names_of
from jacfwd.locations import line, source
from jacfwd.recorded import Recorded

__all__ = ["Edge", "Link", "Node", "Scene", "forward_derivatives", "input_name", "kind_of", "links_of", "scene_of"]

# Above this number of nodes arrows carry values only; the names of the derivatives are in tooltips.
CROWD = 24
INPUT, OUTPUT, INNER = "input", "output", "inner"


@dataclasses.dataclass(frozen=True)
class Node:
    """One box: `key` is the position in the graph (or of a fold), `reached` whether the chosen input leads here."""

    key: int
    name: str
    operation: str
    value: str
    derivative: str
    level: int
    role: str
    shape: tuple[int, ...]
    reached: bool = True
    where: str = ""
    count: int = 1

    @property
    def lines(self) -> tuple[str, ...]:
        """The texts in the box: the variable and its value, what it does, its forward derivative."""
        head = f"{self.name} = {self.value}" if self.value else self.name
        return tuple(text for text in (head, self.operation, described(self.shape), self.derivative) if text)


@dataclasses.dataclass(frozen=True)
class Edge:
    """An arrow from one node to another: `label` names the local derivative, `value` says what it is."""

    parent: int
    child: int
    label: str
    value: str
    reached: bool = True
    crowded: bool = False

    @property
    def text(self) -> str:
        """Label and value together."""
        return f"{self.label} = {self.value}" if self.label and self.value else self.label or self.value

    @property
    def caption(self) -> str:
        """What stands on the arrow: the whole text, or the value alone in a crowd."""
        return self.value if self.crowded else self.text


@dataclasses.dataclass(frozen=True)
class Scene:
    """A derivative graph to be drawn."""

    title: str
    nodes: list[Node]
    edges: list[Edge]
    note: str = ""


class Link:
    """All local Jacobians of one node with respect to one parent: parallel edges are one."""

    def __init__(self, parent: int, child: int) -> None:
        self.parent, self.child = parent, child
        self.formats: list[Format] = []

    @property
    def scalar(self) -> bool:
        """Whether it is a number."""
        return all(fmt.in_shape == fmt.out_shape == () and not isinstance(fmt, Pair) for fmt in self.formats)

    @property
    def number(self) -> Any:
        """The local derivative between two scalars."""
        return sum(np.sum(fmt.coo()[2]) for fmt in self.formats)

    @property
    def nnz(self) -> int:
        """Entries of the local Jacobian."""
        return sum(fmt.nnz for fmt in self.formats)

    @property
    def value(self) -> str:
        """A number, or the matrix in words."""
        if self.scalar:
            return number(self.number)
        fmt = self.formats[0]
        kind = kind_of(fmt) if len(self.formats) == 1 else "sum"
        return f"{fmt.n_out} × {fmt.n_in} {kind}, nnz {self.nnz}"


def kind_of(fmt: Format) -> str:
    """What a local Jacobian looks like, in a word or two."""
    if isinstance(fmt, Entries):
        weights = np.asarray(fmt.weights)
        if fmt.rows is None and fmt.cols is None:
            if weights.ndim:
                return "mask" if weights.dtype.kind == "b" else "diagonal"
            return "identity" if weights == 1 else "scaled identity"
        if fmt.rows is None:
            return "weighted selection" if weights.ndim else "selection"
        return "sums" if fmt.cols is None else "sparse"
    if isinstance(fmt, Sum):
        return "banded" if len(fmt.terms) > 1 else kind_of(fmt.terms[0])
    return "product" if isinstance(fmt, Product) else type(fmt).__name__.lower()


def links_of(chain: Chain) -> dict[tuple[int, int], Link]:
    """The edges by (parent, child)."""
    links: dict[tuple[int, int], Link] = {}
    for parent, child, fmt in chain.edges():
        links.setdefault((parent, child), Link(parent, child)).formats.append(fmt)
    return links


def input_name(chain: Chain, wrt: int, names: Sequence[str]) -> str:
    """What flat input `wrt` is called."""
    if not 0 <= wrt < chain.n:
        raise ValueError(f"wrt={wrt} is out of range for {chain.n} flat inputs")
    k = int(np.searchsorted(chain.offsets, wrt, side="right")) - 1
    at = chain.wrt[k]
    return element(names[at], chain.graph.nodes[at].shape, wrt - chain.offsets[k])


def forward_derivatives(chain: Chain, wrt: int) -> dict[int, Any]:
    """Forward derivatives of the nodes that flat input `wrt` leads to."""
    seeds = np.zeros((1, chain.n), np.result_type(chain.dtype, np.float16))
    seeds[0, wrt] = 1
    source = int(np.searchsorted(chain.offsets, wrt, side="right")) - 1
    only = [block if k == source else None for k, block in enumerate(chain.split(seeds))]
    return {at: block[0] for at, block in chain.tangents(only, keep=True).items()}


def scene_of(found: Recorded, wrt: int = 0, chain: Chain | None = None) -> Scene:
    """The scene of a recording at a point, with forward derivatives in flat input `wrt`; its chain, if made already.

    Raises ValueError where there is no such input.
    """
    chain, graph = chain or found.chain(), found.graph
    names = names_of(graph)
    inner = input_name(chain, wrt, names)
    moved, level, does = forward_derivatives(chain, wrt), chain.levels(), operations(graph, names)
    outputs = {out.node for out in graph.outputs}
    nodes = []
    for at in sorted(level, key=lambda at: (level[at], at)):
        role = INPUT if at in chain.wrt else OUTPUT if at in outputs else INNER
        slope = f"{ratio('d', names[at], inner)} = {brief(moved[at]) if at in moved else '0'}"
        value = brief(found.values[at]) if math.prod(graph.nodes[at].shape) <= 3 else ""
        nodes.append(
            Node(
                at, names[at], does[at] if does[at] != names[at] else "", value, slope, level[at], role,
                graph.nodes[at].shape, at in moved, _where(graph.nodes[at].location),
            )
        )  # fmt: skip
    links = links_of(chain)
    partial, crowded = _partial(links), len(nodes) > CROWD
    edges = [_edge(link, names, moved, partial, crowded) for link in links.values()]
    return Scene(f"Derivative graph of {inner}{_point(found, chain, names)}", nodes, edges)


def _partial(links: dict[tuple[int, int], Link]) -> set[int]:
    """Nodes where several parents meet: derivatives there are partial ones."""
    parents: dict[int, int] = {}
    for _, child in links:
        parents[child] = parents.get(child, 0) + 1
    return {child for child, count in parents.items() if count > 1}


def _edge(link: Link, names: Sequence[str], moved: dict[int, Any], partial: set[int], crowded: bool) -> Edge:
    sign = "∂" if link.child in partial else "d"
    label = ratio(sign, names[link.child], names[link.parent])
    return Edge(link.parent, link.child, label, link.value, link.parent in moved, crowded)


def _point(found: Recorded, chain: Chain, names: Sequence[str]) -> str:
    """Where the inputs are, if they are few numbers."""
    scalars = [at for at in chain.wrt if found.graph.nodes[at].shape == ()]
    if not scalars or len(scalars) > 4 or len(scalars) < len(chain.wrt):
        return ""
    return ", at " + ", ".join(f"{names[at]} = {number(found.values[at])}" for at in scalars)


def _where(location: Any) -> str:
    """The user's line, for tooltips."""
    if location is None:
        return ""
    text = source(location)
    return f"line {line(location)}" + (f": {text}" if text else "")
