"""The graph of a derivative: what a chain computes at a point, recorded as a graph of its own.

Index structure is constant and only values flow through NumPy calls, so running the chain's algebra on Tracers
of the inputs records exactly the values' part: what depends on no input folds to constants on the way.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jacfwd.chain import Chain
from jacfwd.graph import Graph, Guard, labels_of
from jacfwd.program.optimise import optimised
from jacfwd.recording.interpose import RUNNING
from jacfwd.recording.record import Record
from jacfwd.recording.tracer import Tracer

__all__ = ["Derived", "derive"]

Read = Callable[..., Sequence[Any]]


@dataclasses.dataclass(frozen=True)
class Derived:
    """A graph with the inputs of another one, and as outputs its outputs, then what was read off its chain.

    `n_values` counts the former. `leaves` are the latter at the point of derivation: constants are plain arrays.
    """

    graph: Graph
    n_values: int
    leaves: list[Any]


class Derivation(Record):
    """A recording of our own algebra: arrays it meets are ours and never change, so they are not copied."""

    def __init__(self) -> None:
        super().__init__()
        self.boxes = None

    def own(self, value: Any) -> Any:
        return value.frozen() if type(value) is Tracer else value

    def _kept(self, value: Any) -> Any:
        return value


def derive(
    graph: Graph,
    point: Sequence[Any],
    wrt: Sequence[int],
    read: Read,
    values: bool = False,
    extra: Sequence[Any] = (),
) -> Derived:
    """Record `read(chain, *extra)` as a graph; `values` keeps the outputs of the original as well.

    `point` holds the inputs' leaves; the structure is the same at every point of the branch. What is `extra`,
    such as seeds, becomes inputs after those.
    """
    rec = Derivation()
    tracers = [rec.input(leaf, "") for leaf in point]
    for tracer, at in zip(tracers, graph.inputs, strict=True):
        rec.nodes[tracer.handle].name = graph.nodes[at].name
    more = [rec.input(leaf, "") for leaf in extra]
    token = RUNNING.set(rec)
    try:
        with np.errstate(all="ignore"):
            computed = _again(rec, graph, tracers)
            before = len(rec.nodes)
            found = [rec.leaf(leaf) for leaf in read(Chain(graph, computed, wrt), *more)]
            for node in rec.nodes[before:]:
                node.location = None  # no line of the user's computes it
        outputs = graph.results(computed) if values else []
    finally:
        RUNNING.reset(token)
        rec.owner = None
    recorded = rec.graph([*outputs, *found])
    leaves = [out.value if out.node is None else rec.values[out.node] for out in recorded.outputs[len(outputs) :]]
    return Derived(optimised(recorded), len(outputs), leaves)


def _again(rec: Record, graph: Graph, tracers: Sequence[Any]) -> list[Any]:
    """Every node's value as a Tracer, with the names, places and guards of the first recording."""
    values: list[Any] = [None] * len(graph.nodes)
    for at, tracer in zip(graph.inputs, tracers, strict=True):
        values[at] = tracer
    labels = labels_of(graph.nodes)
    for at, node in enumerate(graph.nodes):
        if node.primitive is None:
            continue
        before = len(rec.nodes)
        values[at] = node.primitive.evaluate(node.operands(values), node.params)
        for new in rec.nodes[before:]:
            new.location, new.name = node.location, None
        if len(rec.nodes) > before:
            rec.nodes[-1].name = labels[at]
    # Reading a value here would be a guard of our own making: only the user's are kept.
    rec.guards[:] = [
        Guard(values[guard.node].handle, guard.value, guard.where)
        for guard in graph.guards
        if type(values[guard.node]) is Tracer
    ]
    return values
