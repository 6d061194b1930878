"""Values and derivatives of a recorded graph at many points, as programs."""

import functools
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

__all__ = ["Reading", "block_pushed", "gradient", "hessian_product", "pushed", "value"]


class Reading:
    """A graph's outputs, and what `read(chain, *extra)` reads off its chain, as one program.

    Prepared at one point, it holds for all points of the branch. Of the outputs only the first `n_values` are
    computed, all by default.
    """

    def __init__(
        self,
        graph: Graph,
        point: Sequence[Any],
        wrt: Sequence[int],
        read: Read,
        extra: Sequence[Any] = (),
        n_values: int | None = None,
    ) -> None:
        derived = derive(graph, point, wrt, read, True, extra)
        every = derived.graph.outputs
        self.n_values = derived.n_values if n_values is None else n_values
        every[:] = [*every[: self.n_values], *every[derived.n_values :]]
        self.graph = simplified(derived.graph)
        self.run = Compiled(self.graph, len(self.graph.outputs))

    def __call__(self, leaves: Sequence[Any], extra: Sequence[Any] = ()) -> tuple[list[Any], list[Any]]:
        """Outputs and readings at a point, as new arrays.

        Raises BranchChangedError at points of another branch.
        """
        found = self.run([*leaves, *extra])
        return found[: self.n_values], found[self.n_values :]

    @functools.cached_property
    def _interpreter(self) -> Interpreter:
        return Interpreter(self.graph)

    def interpreted(self, leaves: Sequence[Any], extra: Sequence[Any] = ()) -> tuple[list[Any], list[Any]]:
        """The same by interpretation of the graph: slow and obvious."""
        with np.errstate(all="ignore"):
            found = self._interpreter([*leaves, *extra])
        return found[: self.n_values], found[self.n_values :]


def value(graph: Graph, point: Sequence[Any]) -> Reading:
    """The outputs alone."""
    return Reading(graph, point, [], lambda chain: [])


def gradient(graph: Graph, point: Sequence[Any], wrt: Sequence[int], method: str, values: bool = True) -> Reading:
    """The gradient of a graph that has one output, of size 1, one array for each input, and the output if wanted."""

    def read(chain: Chain) -> list[Any]:
        row = dense(chain, method)
        bounds = zip(chain.wrt, chain.offsets[:-1], chain.offsets[1:], strict=True)
        return [np.reshape(row[:, a:b], graph.nodes[at].shape) for at, a, b in bounds]

    return Reading(graph, point, wrt, read, (), None if values else 0)


def pushed(graph: Graph, point: Sequence[Any], tangents: Sequence[Any]) -> Reading:
    """The outputs and their tangents, in the direction given anew at each point; None holds an input."""
    return _pushed(graph, point, tangents, 0, None)


def hessian_product(graph: Graph, point: Sequence[Any], tangents: Sequence[Any]) -> Reading:
    """The output of a graph that has one, of size 1, and the derivative of its gradient in one direction.

    The gradient is with respect to the inputs that have a tangent. Forward over reverse: Griewank and Walther (2008),
    section 3.2.
    """
    wrt = [at for at, v in zip(graph.inputs, tangents, strict=True) if v is not None]
    first = gradient(graph, point, wrt, "reverse")
    return _pushed(first.graph, point, tangents, first.n_values, first.n_values)


def _pushed(graph: Graph, point: Sequence[Any], tangents: Sequence[Any], start: int, n_values: int | None) -> Reading:
    moving = [v for v in tangents if v is not None]

    def read(chain: Chain, *given: Any) -> list[Any]:
        left = list(given)
        seeds = [None if v is None else np.reshape(left.pop(0), (1, *np.shape(v))) for v in tangents]
        held = chain.tangents(seeds)
        return [
            np.reshape(held[out.node], out.shape) if out.node in held else np.zeros(out.shape, out.dtype)
            for out in graph.outputs[start:]
        ]

    return Reading(graph, point, graph.inputs, read, moving, n_values)


def block_pushed(graph: Graph, point: Sequence[Any], wrt: Sequence[int], seeds: Any) -> Reading:
    """Tangents `(p, m)` of the outputs for a block of seeds `(p, n)`, given anew at each point."""
    return Reading(graph, point, wrt, lambda chain, given: [chain.push(given)], [seeds], 0)
