"""A recorded graph at many points: value, tangents, Jacobian and gradient, each in one pass."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from jacfwd.arguments import Selection
from jacfwd.batch.points import Points
from jacfwd.batch.stacked import Branch, batched
from jacfwd.chain import Chain
from jacfwd.errors import BranchChangedError
from jacfwd.graph import Graph
from jacfwd.methods import check_choices, dense, require_single, sloped, written
from jacfwd.program.reading import pushed, value
from jacfwd.recorded import Recorded
from jacfwd.tangents import match_tangents

__all__ = ["GraphAtPoints"]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is read at every point."""

    sparse: bool = False
    format: str = "csr"
    flat: bool = False
    method: str = "auto"
    value: bool = False


class Matrix:
    """The reading of a Jacobian."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted: Any = wanted

    def matrix(self, found: Recorded, chain: Chain) -> Any:
        """One Jacobian, dense."""
        return written(chain, found.nested, self.wanted.method, None, self.wanted.flat)


class Slope(Matrix):
    """The reading of a gradient."""

    def matrix(self, found: Recorded, chain: Chain) -> Any:
        """One gradient."""
        return found.in_spec.unflatten(sloped(chain, dense(chain, self.wanted.method)))


class GraphAtPoints:
    """What `G.batch(X)` returns: the graph at points along the leading axis of its inputs.

    Each of its results has that axis. As an array it is the value: `np.asarray(G.batch(X))`.

    Raises BranchChangedError where some points take another branch than the recorded one.
    """

    def __init__(self, found: Recorded, point: Sequence[Any], selection: Selection) -> None:
        self._found, self._point, self._selection = found, list(point), selection
        self._leaves = [np.asarray(leaf) for leaf in selection.leaves]

    def __len__(self) -> int:
        return len(self._leaves[0])

    @property
    def _graph(self) -> Graph:
        return self._found.graph

    @property
    def value(self) -> Any:
        """The function's values."""
        reading = value(self._graph, self._point)
        return self._found.out_spec.unflatten(self._run(Points(reading.graph), self._leaves)[0])

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.asarray(self.value, dtype)

    def jvp(self, tangents: Any) -> tuple[Any, Any]:
        """Values and derivatives, each point in its own direction."""
        primals = self._selection.args if len(self._selection.args) != 1 else self._selection.args[0]
        seeds = match_tangents(self._selection, primals, tangents)
        one = [None if v is None else v[0] for v in seeds]
        reading = pushed(self._graph, self._point, one)
        moving = [np.asarray(v) for v in seeds if v is not None]
        found = self._run(Points(reading.graph), [*self._leaves, *moving])[0]
        spec = self._found.out_spec
        return spec.unflatten(found[: reading.n_values]), spec.unflatten(found[reading.n_values :])

    def jacobian(self, *, sparse: bool = False, format: str = "csr", flat: bool = False, method: str = "auto") -> Any:
        """Jacobians as stacked arrays, or as block-diagonal matrices; parameters as for `jf.jacobian`."""
        check_choices(method, format)
        return self._read(Matrix(Wanted(sparse, format, flat, method)))

    def gradient(self, *, method: str = "auto") -> Any:
        """Gradients of a graph with one output of size 1."""
        require_single(self._graph)
        check_choices(method)
        return self._read(Slope(Wanted(method=method)))

    def _read(self, reads: Matrix) -> Any:
        branch = Branch(reads, self._found, self._point, self._graph.inputs)
        found = batched(self._leaves, [branch], self._another, self._run)
        options = reads.wanted
        return found.sparse(options.format, options.flat) if options.sparse else found.dense()

    def _run(self, points: Points, leaves: list[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
        outs, taken = points(leaves)
        if not taken.all():
            self._another(int(np.flatnonzero(~taken)[0]), int(np.count_nonzero(~taken)))
        return outs, taken

    def _another(self, k: int, count: int = 1) -> Branch:
        """There is no other branch in this graph."""
        try:
            self._graph.evaluate([leaf[k] for leaf in self._leaves])
            why = "another branch is taken"
        except BranchChangedError as error:
            why = str(error)
        raise BranchChangedError(f"{count} of {len(self)} points, the first of them point {k}: {why}")
