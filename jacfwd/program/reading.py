"""Values and dense derivatives of a recorded graph at many points, as programs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jacfwd.chain import Chain
from jacfwd.graph import Graph
from jacfwd.methods import dense
from jacfwd.program.compiled import Compiled
from jacfwd.program.derive import Read, derive
from jacfwd.program.run import Interpreter
from jacfwd.program.simplify import simplified

__all__ = ["Reading", "dense_jacobian", "pushed", "value"]


class Reading:
    """A graph's outputs, and what `read(chain, *extra)` reads off its chain, as one program.

    Prepared at one point, it holds for all points of the branch.
    """

    def __init__(
        self, graph: Graph, point: Sequence[Any], wrt: Sequence[int], read: Read, extra: Sequence[Any] = ()
    ) -> None:
        derived = derive(graph, point, wrt, read, True, extra)
        self.graph = simplified(derived.graph)
        self.n_values = derived.n_values
        self.run = Compiled(self.graph, len(self.graph.outputs))

    def __call__(self, leaves: Sequence[Any], extra: Sequence[Any] = ()) -> tuple[list[Any], list[Any]]:
        """Outputs and readings at a point, as new arrays.

        Raises BranchChangedError at points of another branch.
        """
        found = self.run([*leaves, *extra])
        return found[: self.n_values], found[self.n_values :]

    def interpreted(self, leaves: Sequence[Any], extra: Sequence[Any] = ()) -> tuple[list[Any], list[Any]]:
        """The same by interpretation of the graph: slow and obvious."""
        with np.errstate(all="ignore"):
            found = Interpreter(self.graph)([*leaves, *extra])
        return found[: self.n_values], found[self.n_values :]


def value(graph: Graph, point: Sequence[Any]) -> Reading:
    """The outputs alone."""
    return Reading(graph, point, graph.inputs, lambda chain: [])


def dense_jacobian(graph: Graph, point: Sequence[Any], wrt: Sequence[int], method: str) -> Reading:
    """The outputs and the Jacobian `(m, n)`."""
    return Reading(graph, point, wrt, lambda chain: [dense(chain, method)])


def pushed(graph: Graph, point: Sequence[Any], tangents: Sequence[Any]) -> Reading:
    """The outputs and their tangents, in the direction given anew at each point; None holds an input."""
    moving = [v for v in tangents if v is not None]

    def read(chain: Chain, *given: Any) -> list[Any]:
        left = list(given)
        seeds = [None if v is None else np.reshape(left.pop(0), (1, *np.shape(v))) for v in tangents]
        held = chain.tangents(seeds)
        return [
            np.reshape(held[out.node], out.shape) if out.node in held else np.zeros(out.shape, out.dtype)
            for out in graph.outputs
        ]

    return Reading(graph, point, graph.inputs, read, moving)
