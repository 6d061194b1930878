"""A function as solvers need it: values from the function itself, derivatives from recordings that are kept.

Each solver call makes its own `Exact`, so that no recording outlives what it was made of.
"""

import dataclasses
import functools
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from jacfwd.api import trace, value_and_jacobian
from jacfwd.derivatives import Jacobian
from jacfwd.errors import BranchChangedError, JacfwdError
from jacfwd.formats.dispatch import is_tracer
from jacfwd.linear import LinearMap
from jacfwd.structure import flatten
from jacfwd.traced import Graph

__all__ = ["Exact", "Report", "is_sparse"]

# Graphs that are kept for products with inputs of one kind, one for each branch.
BRANCHES = 8
# A sparse matrix pays where a dense one has at least so many entries, and at most one in so many is structural.
LARGE, ONE_IN = 2500, 5
# How far a replay may be from the function itself, relative to the largest entry, before it counts as outdated.
AGREEMENT = 1e-9
HINT = (
    "raised while the function was recorded for its exact derivative; jac='2-point' has SciPy take differences instead"
)


@dataclasses.dataclass
class Report:
    """What a solver's derivatives took: `result.jacfwd`.

    `evaluations` counts calls of the function by the solver, `jacobians` derivatives (products with a vector
    included), `recordings` runs on stand-ins, `method` the kind of derivative supplied, `seconds` the time spent on
    derivatives, recordings included.
    """

    evaluations: int = 0
    jacobians: int = 0
    recordings: int = 0
    method: str = "none"
    seconds: float = 0.0


class Exact:
    """`f` of so many arrays, differentiated with respect to some of them, for one call of a solver.

    Values are what `f` itself returns, so that its exceptions and effects are those the solver would see without
    us. Derivatives are replayed from recordings: where a guard fails, where something that `f` refers to is another
    object, or where a replay disagrees with the value that `f` had at this point, `f` is recorded anew.

    Parameters
    ----------
    f : takes the arrays and nothing else
    count : the number of arrays
    wrt : which of them are differentiated
    report : counts; one of its own by default
    """

    def __init__(self, f: Callable, count: int = 1, wrt: Sequence[int] = (0,), report: Report | None = None) -> None:
        self.f, self.count, self.wrt = f, count, tuple(wrt)
        self.report = Report() if report is None else report
        self._known: tuple[bytes, Any] | None = None
        self._ready: tuple[bytes, Any] | None = None
        self._sparse: bool | None = None
        self._kept: dict[bool, Jacobian] = {}
        self._graphs: dict[Hashable, list[Graph]] = {}
        self._traced = self._watched()

    # What solvers call

    def value(self, *inputs: Any, **_: Any) -> Any:
        """What f returns; further arguments, which f is bound to already, are left aside here and below."""
        self.report.evaluations += 1
        inputs = inputs[: self.count]
        key = _key(inputs)
        found = self.f(*inputs)
        # SciPy, and the function itself, may write to what was returned.
        self._known = key, found.copy() if type(found) is np.ndarray else found
        return found

    def dense(self, *inputs: Any, **_: Any) -> np.ndarray:
        """The Jacobian `(m, n)` as an array."""
        return self._matrix(inputs[: self.count], False)

    def sparse(self, *inputs: Any, **_: Any) -> Any:
        """The Jacobian `(m, n)` as a CSR array."""
        ready, self._ready = self._ready, None
        if ready is not None and ready[0] == _key(inputs[: self.count]):
            self.report.jacobians += 1
            return ready[1]
        return self._matrix(inputs[: self.count], True)

    def automatic(self, *inputs: Any, **_: Any) -> Any:
        """The Jacobian as a CSR array where it is large and sparse by structure, else dense."""
        return self.sparse(*inputs) if self.prefers_sparse(*inputs) else self.dense(*inputs)

    def operator(self, *inputs: Any, **_: Any) -> LinearMap:
        """The Jacobian as an operator, which is never formed."""
        return self.on_graph(inputs[: self.count], lambda graph, at: graph.linearize(*at))

    def product(self, *given: Any) -> np.ndarray:
        """`J v`, flat: the inputs, then one direction of the shape of the differentiated input."""
        inputs, own = given[: self.count], self.wrt[0]
        direction = _as_float(np.reshape(given[self.count], np.shape(inputs[own])))
        tangents = [None] * self.count
        tangents[own] = direction
        moved = self.on_graph(inputs, lambda graph, at: graph.jvp(at, tuple(tangents)))
        return _flat(moved)

    def done(self, kind: str) -> Report:
        """The report of a call in which this kind was supplied."""
        self.report.method = ("sparse" if self._sparse else "dense") if kind == "automatic" else kind
        return self.report

    # Recordings

    def derivative(self, sparse: bool) -> Jacobian:
        """What gives value and matrix, and keeps its recordings."""
        argnums = self.wrt[0] if len(self.wrt) == 1 else self.wrt
        return value_and_jacobian(self._traced, argnums, sparse=sparse, flat=True, holomorphic=True, record=True)

    def read(self, answer: Any) -> tuple[Any, Any]:
        """Value, None where there is none, and matrix, from what the derivative answers."""
        return answer

    def rows(self, inputs: tuple[Any, ...]) -> int:
        """The number of rows of the matrix."""
        if self._known is None or self._known[0] != _key(inputs):
            self._known = _key(inputs), self.f(*inputs)
        return _flat(self._known[1]).size

    def prefers_sparse(self, *inputs: Any) -> bool:
        """Whether the Jacobian is large, and sparse by structure; decided at the first point."""
        if self._sparse is None:
            inputs = inputs[: self.count]
            columns = sum(np.size(inputs[k]) for k in self.wrt)
            self._sparse = self.rows(inputs) * columns >= LARGE
            if self._sparse:
                matrix = self._matrix(inputs, True)
                self.report.jacobians -= 1
                self._sparse = is_sparse(matrix)
                # The solver asks for it next, at the same point.
                self._ready = (_key(inputs), matrix) if self._sparse else None
        return self._sparse

    def on_graph(self, inputs: tuple[Any, ...], read: Callable[[Graph, tuple], tuple[Any, Any]]) -> Any:
        """Value and something else read off the graph that holds at this point; the latter is returned."""
        start = time.perf_counter()
        inputs = tuple(map(_as_float, inputs))
        graphs = self._graphs.setdefault(tuple((each.shape, each.dtype) for each in inputs), [])
        for k, graph in enumerate(graphs):
            try:
                value, found = read(graph, inputs)
            except BranchChangedError:
                continue
            if not self._outdated(inputs, value):
                graphs.insert(0, graphs.pop(k))
                break
            graphs.clear()
        else:
            graphs.insert(0, self._recorded(trace, self._traced, *inputs))
            del graphs[BRANCHES:]
            _, found = read(graphs[0], inputs)
        self._took(start)
        return found

    def _watched(self) -> Callable:
        """f, whose recordings are counted; where its value is known already it is not computed again."""
        f = self.f

        @functools.wraps(f, updated=())
        def traced(*inputs: Any) -> Any:
            if any(map(is_tracer, inputs)):
                self.report.recordings += 1
            elif self._known is not None and self._known[0] == _key(inputs):
                return self._known[1]
            return f(*inputs)

        return traced

    def _matrix(self, inputs: tuple[Any, ...], sparse: bool) -> Any:
        start = time.perf_counter()
        kept = self._kept.get(sparse)
        if kept is None:
            kept = self._kept[sparse] = self.derivative(sparse).in_no_hurry()
        inputs = tuple(map(_as_float, inputs))
        value, found = self.read(self._recorded(kept, *inputs))
        if value is not None and self._outdated(inputs, value):
            kept.clear()
            _, found = self.read(self._recorded(kept, *inputs))
        self._took(start)
        return found

    def _recorded(self, function: Callable, *inputs: Any) -> Any:
        """The result of a function that may have to record; its errors say what else there is."""
        try:
            return function(*inputs)
        except JacfwdError as error:
            error.add_note(HINT)
            raise

    def _took(self, start: float) -> None:
        self.report.jacobians += 1
        self.report.seconds += time.perf_counter() - start

    def _outdated(self, inputs: tuple[Any, ...], replayed: Any) -> bool:
        """Whether f returned something else at this point: what it refers to has changed since it was recorded."""
        if self._known is None or self._known[0] != _key(inputs):
            return False
        replayed, known = _flat(replayed), _flat(self._known[1])
        if replayed.shape != known.shape:
            return True
        if (replayed == known).all():
            return False
        finite = np.isfinite(known)
        gap = np.abs(replayed - known)[finite].max(initial=0)
        return bool(gap > AGREEMENT * np.abs(known[finite]).max(initial=0))


def is_sparse(matrix: Any) -> bool:
    """Whether few enough entries are structural."""
    return bool(matrix.nnz * ONE_IN <= matrix.shape[0] * matrix.shape[1])


def _as_float(value: Any) -> Any:
    """An input as it is, integers as floats, as SciPy has them, and lists as arrays."""
    if type(value) is np.ndarray and value.dtype.kind in "fc" and value.ndim:
        return value
    array = np.asarray(value)
    return (array if array.dtype.kind in "fc" else array.astype(float))[()]


def _key(inputs: Sequence[Any]) -> bytes:
    """What tells one point from another."""
    return b"|".join([np.asarray(value).tobytes() for value in inputs])


def _flat(value: Any) -> np.ndarray:
    """Whatever a function may return as one vector."""
    if type(value) is np.ndarray:
        return value.reshape(-1)
    leaves, _ = flatten(value)
    return np.concatenate([np.ravel(leaf) for leaf in leaves])
