"""Evaluation of a derived graph by interpretation: node after node, each value dropped after its last use."""

from collections.abc import Callable, Sequence
from typing import Any

from jacfwd.graph import Graph, Guard, Node, hold

__all__ = ["Interpreter", "frees"]


class Interpreter:
    """A graph prepared for being run at many points. It keeps no values, so runs may overlap."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        watched: dict[int, list[Guard]] = {}
        for guard in graph.guards:
            watched.setdefault(guard.node, []).append(guard)
        self._input_guards = [(at, watched.get(at, [])) for at in graph.inputs]
        unneeded = frees(graph)
        self._steps = [
            (at, operation(node), watched.get(at, []), unneeded.get(at, []))
            for at, node in enumerate(graph.nodes)
            if node.primitive is not None
        ]

    def __reduce__(self) -> tuple:
        return Interpreter, (self.graph,)

    def __call__(self, leaves: Sequence[Any]) -> list[Any]:
        """The outputs at other inputs.

        Raises BranchChangedError where a guarded value differs from the recorded one.
        """
        values: list[Any] = [None] * len(self.graph.nodes)
        for (at, guards), leaf in zip(self._input_guards, leaves, strict=True):
            values[at] = leaf
            for guard in guards:
                hold(guard, leaf)
        for at, compute, guards, frees in self._steps:
            values[at] = compute(values)
            for guard in guards:
                hold(guard, values[at])
            for gone in frees:
                values[gone] = None
        return self.graph.results(values)


def operation(node: Node) -> Callable[[list[Any]], Any]:
    """A node's value as a function of all values before it, with operands looked up without questions."""
    primitive, constants, params = node.primitive, node.constants, node.params
    assert primitive is not None
    if params or not primitive.positional:
        return lambda values: primitive.evaluate(node.operands(values), params)
    function, operands = primitive.function, tuple(zip(node.parents, constants, strict=True))
    match operands:
        case ((int(a), _),):
            return lambda values: function(values[a])
        case ((int(a), _), (int(b), _)):
            return lambda values: function(values[a], values[b])
        case ((int(a), _), (None, c)):
            return lambda values: function(values[a], c)
        case ((None, c), (int(b), _)):
            return lambda values: function(c, values[b])
    return lambda values: primitive.evaluate(node.operands(values), params)


def frees(graph: Graph) -> dict[int, list[int]]:
    """For each node those that nobody needs after it."""
    last: dict[int, int] = {}
    for at, node in enumerate(graph.nodes):
        last.update((parent, at) for parent in node.parents if parent is not None)
    kept = {out.node for out in graph.outputs}
    frees: dict[int, list[int]] = {}
    for gone, at in last.items():
        if gone not in kept:
            frees.setdefault(at, []).append(gone)
    return frees
