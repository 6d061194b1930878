"""Functions that cannot be seen into: one node, whose Jacobian comes from a function or from differences."""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from jacfwd.differences import complex_step, richardson
from jacfwd.errors import BranchChangedError, NotDifferentiableError
from jacfwd.formats.base import Format, Shape
from jacfwd.formats.blocks import Dense
from jacfwd.formats.dispatch import is_plain, is_tracer
from jacfwd.formats.entries import coo_entries
from jacfwd.own.base import Own, defined
from jacfwd.own.calls import Layout, Structured, leaves_of
from jacfwd.primitive import Call, Rule
from jacfwd.recording.interpose import suspended
from jacfwd.recording.tracer import plain_value
from jacfwd.structure import flatten

__all__ = ["black_box"]

METHODS = ("differences", "complex_step")


@dataclasses.dataclass(frozen=True)
class Matrix:
    """A Jacobian's values: the block `(n_in,) + out_shape`, or those of the entries at `rows` and `cols`."""

    values: np.ndarray
    rows: np.ndarray | None = None
    cols: np.ndarray | None = None

    def format(self, values: Any, in_shape: Shape, out_shape: Shape) -> Format:
        """The local Jacobian of this structure with other values."""
        if self.rows is None or self.cols is None:
            return Dense(values, in_shape)
        return coo_entries(in_shape, out_shape, self.rows, self.cols, values)

    def at(self, rows: np.ndarray | None, cols: np.ndarray | None, n_in: int, name: str) -> np.ndarray:
        """The values of another structure's entries.

        Raises BranchChangedError where an entry has no place in it.
        """
        if (rows is None) != (self.rows is None):
            raise BranchChangedError(f"the Jacobian of {name} was sparse or dense when recorded, and is not so now")
        if rows is None or cols is None or self.rows is None or self.cols is None:
            return self.values
        wanted, known = rows * n_in + cols, self.rows * n_in + self.cols
        order = np.argsort(wanted)
        where = np.minimum(np.searchsorted(wanted, known, sorter=order), max(len(wanted) - 1, 0))
        if len(known) and (not len(wanted) or not np.array_equal(wanted[order[where]], known)):
            raise BranchChangedError(
                f"the sparse Jacobian of {name} has entries where it had none when recorded; let it store all entries "
                "that may differ from zero"
            )
        out = np.zeros(len(wanted), self.values.dtype)
        out[order[where]] = self.values
        return out


class Opaque:
    """What gives a primitive of the user's own a rule: `jacobian(operands, params, k)`, of plain operands.

    Its values are a node where operands are traced, so that they are computed anew at a replay and can be
    differentiated once more, by differences.
    """

    short: str

    def jacobian(self, operands: Sequence[Any], params: dict[str, Any], k: int) -> Matrix:
        """The Jacobian with respect to operand k."""
        raise NotImplementedError

    @functools.cached_property
    def derivative(self) -> "Derivative":
        """The primitive that computes the values of Jacobians."""
        return Derivative(self)

    def local(self, call: Call, k: int) -> Format:
        """The local Jacobian of operand k."""
        found = self.jacobian([plain_value(x) for x in call.operands], call.params, k)
        values: Any = found.values
        if not is_plain(*call.operands):
            inner = {"k": k, "rows": found.rows, "cols": found.cols, "params": call.params}
            values = self.derivative.function(*call.operands, **inner)
        return found.format(values, call.shape(k), call.out_shape)


class Derivative(Opaque, Own):
    """The values of a Jacobian of an opaque function as a primitive; its own Jacobian is known by differences."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent
        Own.__init__(self, parent.jacobian, Rule("opaque", self.local), "derivative")
        self.name = f"{parent.name}.derivative"

    def compute(self, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        k = params["k"]
        found = self.parent.jacobian(operands, params["params"], k)
        return found.at(params["rows"], params["cols"], np.size(operands[k]), self.parent.short)

    def jacobian(self, operands: Sequence[Any], params: dict[str, Any], k: int) -> Matrix:
        return Matrix(by_differences(lambda at: self._evaluated(at, params), operands, k, self.short))

    def __reduce__(self) -> Any:
        return getattr, (self.parent, "derivative")


class black_box(Opaque, Structured):
    """An opaque function, such as compiled code, as one node with a dense or sparse Jacobian.

    Parameters
    ----------
    function : of arrays, or tuples, dicts and dataclasses of arrays, and returns such; called with plain arrays.
        Arguments without floating numbers in them (integers, strings, objects) are static
    method : how the Jacobian is found where `jac` is None. `"differences"`: extrapolated central differences, 24
        evaluations for each input, good to about 1e-10 of the largest entry. `"complex_step"`: one evaluation with a
        complex argument for each input, exact to rounding, for analytic functions
    jac : gives the Jacobian at the same arguments, with the structure of `jf.jacobian(function, argnums=...)` for all
        floating arguments: an array of shape `out.shape + x.shape` or a scipy.sparse matrix `(out.size, x.size)`, a
        tuple of these for several arguments; a sparse matrix stores all entries that may differ from zero

    Second derivatives are differences of the Jacobian.

    Raises
    ------
    NotDifferentiableError
        If differences do not converge, a complex step is not confirmed by them, or an argument is complex and there is
        no `jac`.
    BranchChangedError
        At a replay at which a sparse Jacobian has entries where it had none.

    References: C. J. F. Ridders, Advances in Engineering Software 4, 1982; W. Squire and G. Trapp, SIAM Review 40,
    1998.

    >>> import jacfwd as jf
    >>> cube = jf.black_box(lambda x: x**3, method="complex_step")
    >>> jf.gradient(cube)(2.0)
    np.float64(12.0)
    """

    def __init__(self, function: Callable, method: str = "differences", jac: Callable | None = None) -> None:
        if method not in METHODS:
            raise ValueError(f"black_box: method must be one of {METHODS}, got {method!r}")
        if jac is not None and not callable(jac):
            raise TypeError(f"black_box: jac must be a function, got {type(jac).__name__}")
        self.method, self.jac = method, jac
        self._confirmed = False
        Structured.__init__(self, function, Rule("opaque", self.local))

    def static_places(self, args: Sequence[Any]) -> Iterable[int]:
        return [k for k, arg in enumerate(args) if not _has_floats(arg)]

    def jacobian(self, operands: Sequence[Any], params: dict[str, Any], k: int) -> Matrix:
        layout: Layout = params["layout"]
        if self.jac is not None:
            return self._given(layout, operands, k)

        def value(at: Sequence[Any]) -> Any:
            return self._evaluated(at, params)

        if self.method == "differences":
            return Matrix(by_differences(value, operands, k, self.short))
        return Matrix(self._by_complex_step(value, operands, k))

    def _by_complex_step(self, value: Callable, operands: Sequence[Any], k: int) -> np.ndarray:
        x = _real(operands[k], self.short)

        def at(point: Any) -> Any:
            return value(_with(operands, k, point))

        try:
            rows = [complex_step(at, x, seed) for seed in _units(x)]
        except TypeError as error:
            raise NotDifferentiableError(
                f"black_box: a complex step through {self.short} fails ({error}), {defined(self.plain)}; use "
                "method='differences'"
            ) from error
        block = _stacked(rows, x, value(operands))
        if not self._confirmed and x.size:
            direction = np.linspace(0.5, 1.5, x.size).reshape(x.shape)
            expected, doubt = richardson(at, x, direction)
            found = np.tensordot(direction.reshape(-1), block, 1)
            allowed = 1e-6 * max(_size(found), _size(expected))
            if np.any((doubt < allowed) & ~(np.abs(found - expected) <= allowed + 10 * doubt)):
                raise NotDifferentiableError(
                    f"black_box: {self.short} is not analytic, so that a complex step is wrong, "
                    f"{defined(self.plain)}; use method='differences'"
                )
            self._confirmed = True
        return block

    def _given(self, layout: Layout, operands: Sequence[Any], k: int) -> Matrix:
        """Columns of operand k in what `jac` returns."""
        assert self.jac is not None
        floats = [j for j, x in enumerate(operands) if np.result_type(x).kind in "fc"]
        with suspended():
            found = self.jac(*layout.arguments([np.copy(x)[()] for x in operands]), **layout.keywords)
        leaves, _ = flatten(found, is_leaf=sparse.issparse, root="jac(...)")
        if len(leaves) != len(layout.outs) * len(floats):
            raise ValueError(
                f"the jac of {self.short} must return {len(layout.outs)} x {len(floats)} blocks, one for each output "
                f"and floating argument, got {len(leaves)}, {defined(self.jac)}"
            )
        mine = leaves[floats.index(k) :: len(floats)]
        shape, n = np.shape(operands[k]), np.size(operands[k])
        for part, (out, _) in zip(mine, layout.outs, strict=True):
            expected = (math.prod(out), n) if sparse.issparse(part) else out + shape
            if np.shape(part) != expected:
                raise ValueError(
                    f"the jac of {self.short} returned a block of shape {np.shape(part)}, expected {expected}, "
                    f"{defined(self.jac)}"
                )
        if any(map(sparse.issparse, mine)):
            return _entries(mine, n)
        blocks = [np.reshape(part, (math.prod(out), n)) for part, (out, _) in zip(mine, layout.outs, strict=True)]
        matrix = np.concatenate(blocks).T
        return Matrix(matrix.reshape(n, *layout.outs[0][0]) if layout.single else matrix)


def _entries(parts: Sequence[Any], n: int) -> Matrix:
    """Matrices on top of each other as entries, in canonical order."""
    whole = sparse.csr_array(
        sparse.vstack([sparse.csr_array(np.reshape(p, (-1, n)) if not sparse.issparse(p) else p) for p in parts])
    )
    whole.sum_duplicates()
    coo = whole.tocoo()
    return Matrix(coo.data, coo.row.astype(np.intp), coo.col.astype(np.intp))


def _has_floats(arg: Any) -> bool:
    """Whether an argument has traced or floating numbers in it."""
    try:
        leaves, _ = leaves_of(arg, "argument")
    except TypeError:
        return False
    return any(is_tracer(leaf) or np.asarray(leaf).dtype.kind in "fc" for leaf in leaves)


def _with(operands: Sequence[Any], k: int, point: Any) -> list[Any]:
    return [point[()] if j == k else x for j, x in enumerate(operands)]


def _real(x: Any, name: str) -> np.ndarray:
    x = np.asarray(x)
    if x.dtype.kind == "c":
        raise NotDifferentiableError(f"black_box: an argument of {name} is complex; give its derivative with jac=")
    return x


def _units(x: np.ndarray) -> Iterable[np.ndarray]:
    """Unit vectors of the shape of x, one at a time."""
    for j in range(x.size):
        seed = np.zeros(x.size)
        seed[j] = 1
        yield seed.reshape(x.shape)


def _stacked(rows: Sequence[Any], x: np.ndarray, out: Any) -> np.ndarray:
    """The block of all unit directions, in the dtype of the derivative."""
    dtype = np.result_type(x, out, np.float16)
    return np.stack(rows).astype(dtype) if rows else np.zeros((0, *np.shape(out)), dtype)


def by_differences(value: Callable[[Sequence[Any]], Any], operands: Sequence[Any], k: int, name: str) -> np.ndarray:
    """The block `(n_in,) + out_shape` by extrapolated differences, in the precision of the operand.

    Raises NotDifferentiableError where they do not converge.
    """
    x = _real(operands[k], name)

    def at(point: Any) -> Any:
        return value(_with(operands, k, point.astype(x.dtype)))

    out = value(operands)
    known = [richardson(at, x, seed) for seed in _units(x)]
    block = _stacked([derivative for derivative, _ in known], x, out)
    if known:
        # Where every derivative is zero, errors are small against quotients over a step like those taken.
        step = 0.1 * (_size(x) or 1.0)
        size = max(_size(block), _size(np.subtract(at(x + step), out)) / step)
        worst = max(float(np.max(error, initial=0)) for _, error in known)
        if worst > (1e-4 if np.finfo(x.dtype).eps < 1e-10 else 0.05) * size:
            raise NotDifferentiableError(
                f"black_box: differences of {name} do not converge (it may have a kink or be noisy here); give its "
                "derivative with jac="
            )
    return block


def _size(array: Any) -> float:
    """The largest finite magnitude."""
    array = np.asarray(array)
    return float(np.abs(array[np.isfinite(array)]).max(initial=0))
