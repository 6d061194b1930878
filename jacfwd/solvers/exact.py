"""A function as solvers need it: values from the function itself, derivatives from recordings that are kept.

Each solver call makes its own `Exact`, so that recordings never outlive what they were made of.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jacfwd.arguments import Selection, check_dtypes
from jacfwd.chain import Chain, Sides
from jacfwd.errors import BranchChangedError, JacfwdError
from jacfwd.linear import LinearMap
from jacfwd.methods import dense, sparse
from jacfwd.program.programs import Programs
from jacfwd.recorded import Recorded, record

__all__ = ["Exact", "Report", "is_sparse"]

# Branches that are kept for inputs of one kind.
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

    def __add__(self, other: "Report") -> "Report":
        """Both together, as for a function and its constraints."""
        return Report(
            self.evaluations + other.evaluations,
            self.jacobians + other.jacobians,
            self.recordings + other.recordings,
            " + ".join(dict.fromkeys(name for name in (self.method, other.method) if name != "none")) or "none",
            self.seconds + other.seconds,
        )


class Branch:
    """One recording, with respect to some of its inputs: programs from the second use on, many are met once."""

    def __init__(self, found: Recorded, point: list[Any], wrt: Sequence[int]) -> None:
        self.graph = found.graph
        self.wrt = [found.graph.inputs[k] for k in wrt]
        self.point, self.values = point, found.values
        real = all(found.graph.nodes[at].dtype.kind != "c" for at in found.graph.inputs)
        # Where inputs are complex the graph is interpreted.
        self.programs = Programs(found.graph, point) if real else None

    def sides(self, _: list[Any]) -> Sides:
        """Rows and columns of the Jacobian."""
        return Sides(self.graph, self.wrt)

    def chain(self, leaves: list[Any]) -> Chain:
        """Local Jacobians at a point; where the recording was made, its values serve once."""
        values, self.values = self.values, []
        if not values or not all(map(np.array_equal, leaves, self.point)):
            values = self.graph.evaluate(leaves)
        return Chain(self.graph, values, self.wrt)

    def dense(self, leaves: list[Any]) -> tuple[list[Any] | None, np.ndarray]:
        """The values, where they come for free, and the Jacobian `(m, n)`."""
        if not self.values and self.programs is not None:
            program = self.programs.dense(self.wrt, "auto")
            if program is not None:
                values, (matrix,) = program(leaves)
                return values, matrix
        return None, dense(self.chain(leaves), "auto")

    def sparse(self, leaves: list[Any]) -> tuple[list[Any] | None, Any]:
        """The same with a CSR array."""
        if not self.values and self.programs is not None:
            program = self.programs.sparse(self.wrt, True)
            if program is not None:
                return program(leaves)
        return None, sparse(self.chain(leaves), "auto")

    def product(self, leaves: list[Any], tangent: Any) -> list[Any]:
        """The outputs' tangents, in one direction of the first differentiated input."""
        seeds = [tangent if at == self.wrt[0] else None for at in self.graph.inputs]
        self.values = []
        program = None if self.programs is None else self.programs.pushed(seeds)
        if program is not None:
            return program(leaves, [tangent])[1]
        chain = self.chain(leaves)
        held = chain.tangents([np.reshape(tangent, (1, *np.shape(tangent)))])
        return [held[out.node][0] if out.node in held else np.zeros(out.shape, out.dtype) for out in self.graph.outputs]


class Exact:
    """`f` of so many arrays, differentiated with respect to some of them, for one call of a solver.

    Values are what `f` itself returns, so that its exceptions and effects are those the solver would see without
    us. Derivatives are replayed from recordings: where a guard fails, or a replay disagrees with the value that
    `f` had at this point, `f` is recorded anew.

    Parameters
    ----------
    f : takes the arrays and nothing else
    count : the number of arrays
    wrt : which of them are differentiated
    """

    def __init__(self, f: Callable, count: int = 1, wrt: Sequence[int] = (0,), report: Report | None = None) -> None:
        self.f, self.count, self.wrt = f, count, tuple(wrt)
        self.report = Report() if report is None else report
        self._branches: dict[Any, list[Branch]] = {}
        self._known: tuple[bytes, Any] | None = None
        self._sparse: bool | None = None
        self._ready: tuple[bytes, Any] | None = None

    # What solvers call

    def value(self, *inputs: Any, **_: Any) -> Any:
        """What f returns; further arguments, which f is bound to already, are left aside here and below."""
        self.report.evaluations += 1
        inputs = inputs[: self.count]
        key = _key(inputs)
        found = self.f(*inputs)
        self._known = key, found
        return found

    def dense(self, *inputs: Any, **_: Any) -> np.ndarray:
        """The Jacobian `(m, n)` as an array."""
        return self._matrix(inputs, Branch.dense)

    def sparse(self, *inputs: Any, **_: Any) -> Any:
        """The Jacobian `(m, n)` as a CSR array."""
        return self._matrix(inputs, Branch.sparse)

    def operator(self, *inputs: Any, **_: Any) -> LinearMap:
        """The Jacobian as an operator, which is never formed."""
        start = time.perf_counter()
        leaves = _leaves(inputs[: self.count])
        chain = self._on_branch(leaves, Branch.chain)
        found = Recorded(chain.graph, [], self._in_spec, self._out_spec).linear_map(chain)
        self._took(start)
        return found

    def product(self, *given: Any) -> np.ndarray:
        """`J v`, flat: the inputs, then one direction of the shape of the differentiated input."""
        start = time.perf_counter()
        leaves = _leaves(given[: self.count])
        direction = np.reshape(given[self.count], np.shape(leaves[self.wrt[0]]))
        tangent = np.array(direction, leaves[self.wrt[0]].dtype)[()]
        found = self._on_branch(leaves, lambda branch, at: branch.product(at, tangent))
        self._took(start)
        return np.concatenate([np.ravel(part) for part in found])

    def automatic(self, *inputs: Any, **_: Any) -> Any:
        """The Jacobian as a CSR array where it is large and sparse by structure, else dense."""
        return self.sparse(*inputs) if self.prefers_sparse(*inputs) else self.dense(*inputs)

    def done(self, kind: str) -> Report:
        """The report of a call in which this kind was supplied."""
        self.report.method = ("sparse" if self._sparse else "dense") if kind == "automatic" else kind
        return self.report

    def prefers_sparse(self, *inputs: Any) -> bool:
        """Whether the Jacobian is large, and sparse by structure; decided at the first point."""
        if self._sparse is None:
            start = time.perf_counter()
            leaves = _leaves(inputs[: self.count])
            sides = self._on_branch(leaves, Branch.sides)
            self._sparse = sides.m * sides.n >= LARGE
            if self._sparse:
                matrix = self._on_branch(leaves, Branch.sparse)[1]
                self._sparse = is_sparse(matrix)
                # The solver asks for it next, at the same point.
                self._ready = (_key(inputs[: self.count]), matrix) if self._sparse else None
            self.report.seconds += time.perf_counter() - start
        return self._sparse

    # Recordings

    def _matrix(self, inputs: tuple[Any, ...], read: Callable) -> Any:
        start = time.perf_counter()
        inputs = inputs[: self.count]
        ready, self._ready = self._ready, None
        if ready is not None and read is Branch.sparse and ready[0] == _key(inputs):
            self._took(start)
            return ready[1]
        leaves = _leaves(inputs)
        values, found = self._on_branch(leaves, read)
        if values is not None and self._known is not None and self._outdated(inputs, values):
            self._branches.clear()
            _, found = self._on_branch(leaves, read)
        self._took(start)
        return found

    def _took(self, start: float) -> None:
        self.report.jacobians += 1
        self.report.seconds += time.perf_counter() - start

    def _outdated(self, inputs: tuple[Any, ...], values: list[Any]) -> bool:
        """Whether f returned something else at this point: what it refers to has changed since it was recorded."""
        assert self._known is not None
        key, known = self._known
        if key != _key(inputs):
            return False
        replayed, known = _flat(values), _flat(known if isinstance(known, tuple | list) else [known])
        if replayed.shape != known.shape:
            return True
        if (replayed == known).all():
            return False
        gap = np.abs(replayed - known)[np.isfinite(known)]
        return bool(gap.max(initial=0) > AGREEMENT * np.abs(known[np.isfinite(known)]).max(initial=0))

    def _on_branch(self, leaves: list[Any], read: Callable[[Branch, list[Any]], Any]) -> Any:
        """Read something off the recording that holds at this point, the latest first; else off a new one."""
        branches = self._branches.setdefault(tuple((leaf.shape, leaf.dtype) for leaf in leaves), [])
        for k, branch in enumerate(branches):
            try:
                found = read(branch, leaves)
            except BranchChangedError:
                continue
            if k:
                branches.insert(0, branches.pop(k))
            return found
        branch = self._record(leaves)
        branches.insert(0, branch)
        del branches[BRANCHES:]
        return read(branch, leaves)

    def _record(self, leaves: list[Any]) -> Branch:
        """Run f on stand-ins."""
        self.report.recordings += 1
        selection = Selection(self.f, leaves, {}, range(self.count), self.count == 1)
        try:
            check_dtypes(selection, holomorphic=True)
            found = record(selection)
        except JacfwdError as error:
            error.add_note(HINT)
            raise
        self._in_spec, self._out_spec = found.in_spec, found.out_spec
        return Branch(found, leaves, self.wrt)


def is_sparse(matrix: Any) -> bool:
    """Whether few enough entries are structural."""
    return bool(matrix.nnz * ONE_IN <= matrix.shape[0] * matrix.shape[1])


def _leaves(inputs: Sequence[Any]) -> list[Any]:
    """Inputs as leaves of our own: NumPy scalars and copied arrays, integers as floats, as SciPy has them."""
    return [_leaf(value) for value in inputs]


def _leaf(value: Any) -> Any:
    array = np.array(value)
    return (array if array.dtype.kind in "fc" else array.astype(float))[()]


def _key(inputs: Sequence[Any]) -> bytes:
    """What tells one point from another."""
    return b"|".join([np.asarray(value).tobytes() for value in inputs])


def _flat(parts: Sequence[Any]) -> np.ndarray:
    return np.concatenate([np.ravel(part) for part in parts])
