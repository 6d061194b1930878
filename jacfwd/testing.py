"""Checks, slow and obvious, which explain their verdict.

`check_rule` holds one primitive at one call against everything that can be known without its rule: NumPy's
own value, differences, and the laws that tie the readings of a local Jacobian together. `check_coloring` holds
colors against the definition of their kind.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
from scipy import sparse

from jacfwd.differences import complex_step, richardson
from jacfwd.errors import JacobianMismatchError, UnsupportedFunctionError
from jacfwd.formats.base import Format
from jacfwd.formats.dispatch import as_dtype
from jacfwd.pattern import Pattern
from jacfwd.primitive import Call, Primitive, Rule
from jacfwd.rules import find, name_of
from jacfwd.structure import flatten

__all__ = ["check_coloring", "check_rule"]

Array = npt.NDArray[Any]

MOST_SEEDS = 32
MOST_SHOWN = 5


def check_rule(
    function: Callable,
    *args: Any,
    rule: Rule | None = None,
    analytic: bool = False,
    tolerance: float = 1e-7,
    **kwargs: Any,
) -> None:
    """Check the rule of `function` at the call `function(*args, **kwargs)`.

    For every float or complex operand x with local Jacobian L, up to 32 unit directions and two random ones:

    1. value: binding the call and evaluating it again gives what `function` gives;
    2. push: `L v` equals the directional derivative by extrapolated differences, in direction i v too where x
       is complex; entries for which differences find no answer, as at a pole, are passed over;
    3. transpose: `Re(w . (L v)) = Re((L^T w) . v)`, infinite and nan entries included;
    4. coo: the entries add up to what unit vectors are pushed to;
    5. pattern: every entry that is not zero stands in the pattern.

    Operands that the rule treats jointly are checked jointly too. A piecewise constant function must have
    differences zero. A function that the rule replaces by others is checked by its value, there and nearby.

    Parameters
    ----------
    rule : the rule to check; by default the one in the table
    analytic : whether `function` is analytic where it is called, so that real operands of real results can be
        moved into the complex plane, which is exact to rounding
    tolerance : relative to the largest entry of a derivative; for results below float64 at least 10^4 of
        their rounding errors

    Raises
    ------
    JacobianMismatchError
        Which check failed, for which operand, and the worst entries, expected against got.
    UnsupportedFunctionError
        If there is no rule.

    >>> from jacfwd.primitive import elementwise
    >>> check_rule(np.sin, [0.0, 1.0])
    >>> check_rule(np.sin, [0.0, 0.5], rule=elementwise(lambda out, x: 1 - x))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    jacfwd.errors.JacobianMismatchError: numpy:sin: push disagrees with differences for operand 0, ...
    """
    primitive = find(function) if rule is None else Primitive(name_of(function), function, rule)
    if primitive is None:
        raise UnsupportedFunctionError(f"{name_of(function)} has no rule to check")
    with np.errstate(all="ignore"):
        if primitive.rewrite is not None:
            check_rewrite(primitive, args, kwargs)
            return
        call = bound(primitive, args, kwargs)
        check_value(primitive, function(*args, **kwargs), primitive.returned(call.out, call.params))
        wanted = tuple(k for k, x in enumerate(call.operands) if x is not None and kind(x) in "fc")
        for k in wanted if isinstance(call.out, (np.ndarray, np.generic)) else ():
            check_subject(Subject(call, (k,), analytic, tolerance), local(call, k))
        if len(wanted) > 1 and primitive.rule.joint is not None:
            joined = Subject(call, wanted, analytic, tolerance)
            check_subject(joined, primitive.rule.joint(call, wanted))


def bound(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """The call as rules see it, lists as arrays."""
    operands, params = primitive.bind(args, kwargs)
    operands = tuple(np.asarray(x) if isinstance(x, (list, tuple)) else x for x in operands)
    return Call(primitive, primitive.evaluate(operands, params), operands, params)


def local(call: Call, k: int) -> Format | None:
    """The local Jacobian of operand k; None where it is zero."""
    return call.primitive.local(call, k) if call.primitive.differentiable else None


def kind(x: Any) -> str:
    """The kind of number, as a character of `dtype.kind`."""
    return np.asarray(x).dtype.kind


# Values


def check_value(primitive: Primitive, expected: Any, got: Any, where: str = "") -> None:
    """Compare results, or tuples of them, in structure, dtype and value."""
    if isinstance(expected, dict) or dataclasses.is_dataclass(expected):
        (expected, mine), (got, theirs) = flatten(expected), flatten(got)
        if not mine.matches(theirs):
            raise JacobianMismatchError(f"{primitive.name}: expected a result {mine}, got {theirs}")
    if isinstance(expected, (tuple, list)):
        if not isinstance(got, (tuple, list)) or len(got) != len(expected):
            raise JacobianMismatchError(f"{primitive.name}: expected {len(expected)} results, got {got!r}")
        for e, g in zip(expected, got, strict=True):
            check_value(primitive, e, g, where)
        return
    e, g = np.asarray(expected), np.asarray(got)
    if e.shape != g.shape or e.dtype != g.dtype:
        expected, got = (f"{a.dtype} of shape {a.shape}" for a in (e, g))
        raise JacobianMismatchError(f"{primitive.name}: value{where}: expected {expected}, got {got}")
    if e.dtype.kind in "US":
        if not np.array_equal(e, g):
            raise JacobianMismatchError(f"{primitive.name}: value{where}: expected {e}, got {g}")
        return
    floating = e.dtype.kind in "fc"
    rtol = max(1e-12, 16 * float(np.finfo(e.dtype).eps)) if floating else 0
    if not np.allclose(e, g, rtol=rtol, atol=0, equal_nan=floating):
        raise JacobianMismatchError(f"{primitive.name}: value{where}: expected {e}, got {g}")


def check_rewrite(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A rewritten function must agree with the original at the call and at points nearby."""
    assert primitive.rewrite is not None
    random = np.random.default_rng(0)
    for nearby in (0.0, 1e-6, 1e-2):
        moved = [moved_by(nearby, random, x) for x in args]
        expected = primitive.function(*moved, **kwargs)
        check_value(primitive, expected, primitive.rewrite(*moved, **kwargs), f" at {moved}")


def moved_by(amount: float, random: np.random.Generator, x: Any) -> Any:
    """An argument a little further on, if it is a number or an array of them."""
    if isinstance(x, (list, tuple)):
        return type(x)(moved_by(amount, random, part) for part in x)
    if amount == 0 or isinstance(x, str) or x is None or kind(x) not in "fc":
        return x
    values = np.asarray(x)
    moved = values * (1 + amount * random.standard_normal(values.shape)).astype(values.real.dtype)
    return moved if isinstance(x, np.ndarray) else moved[()]


# Derivatives


@dataclasses.dataclass(frozen=True)
class Subject:
    """One call seen as a function of one operand, or of several flattened and joined."""

    call: Call
    wanted: tuple[int, ...]
    analytic: bool
    tolerance: float

    @property
    def point(self) -> Array:
        """Where the function is differentiated, of shape `in_shape`."""
        operands = [np.asarray(self.call.operands[k]) for k in self.wanted]
        return operands[0] if len(operands) == 1 else np.concatenate([x.reshape(-1) for x in operands])

    def at(self, point: Array) -> Any:
        """The function at another point."""
        operands = list(self.call.operands)
        if len(self.wanted) == 1:
            operands[self.wanted[0]] = point
            return self.call.again(operands)
        start = 0
        for k in self.wanted:
            shape = self.call.shape(k)
            operands[k] = point[start : start + math.prod(shape)].reshape(shape)
            start += math.prod(shape)
        return self.call.again(operands)

    @property
    def is_complex(self) -> bool:
        """Whether every operand may be moved along the imaginary axis."""
        return all(kind(self.call.operands[k]) == "c" for k in self.wanted)

    @property
    def precision(self) -> float:
        """The tolerance, widened to what the dtypes allow."""
        dtypes = [
            np.asarray(self.call.out).dtype,
            *(np.asarray(self.call.operands[k]).dtype for k in self.wanted),
        ]
        eps = max(float(np.finfo(dtype).eps) for dtype in dtypes if dtype.kind in "fc")
        return max(self.tolerance, min(1e4 * eps, 0.05))

    def __str__(self) -> str:
        names = self.call.primitive.rule.operands
        named = [
            f"{k} ({names[k]})" if names and not self.call.primitive.rule.sequence else str(k) for k in self.wanted
        ]
        what = f"operand {named[0]}" if len(named) == 1 else f"operands {', '.join(named)} together"
        return f"{what}, shape {self.point.shape}, {self.point.dtype}"


@dataclasses.dataclass(frozen=True)
class Seeds:
    """Unit vectors, as flat positions times 1 or i."""

    positions: Array
    units: Array
    shape: tuple[int, ...]
    dtype: np.dtype

    @classmethod
    def of(cls, values: Array, imaginary: bool) -> "Seeds":
        """All unit vectors of an array, or a selection of them; times i as well where asked for."""
        positions = np.arange(values.size)
        if values.size > MOST_SEEDS:
            positions = np.sort(np.random.default_rng(0).choice(values.size, MOST_SEEDS, replace=False))
        units = np.repeat([1, 1j] if imaginary else [1], len(positions))
        return cls(np.tile(positions, 2 if imaginary else 1), units, values.shape, values.dtype)

    def block(self) -> Array:
        """The vectors as a tangent block `(p,) + shape`."""
        block = np.zeros((len(self.positions), math.prod(self.shape)), np.result_type(self.dtype, np.float64))
        for row, (position, unit) in enumerate(zip(self.positions, self.units, strict=True)):
            block[row, position] = unit if block.dtype.kind == "c" else unit.real
        return block.reshape(len(block), *self.shape)

    def read(self, block: Array) -> Array:
        """`Re(seed . row)` for every row of a block and every seed, without multiplying."""
        picked = block.reshape(len(block), math.prod(self.shape))[:, self.positions]
        return np.where(self.units == 1, picked.real, -picked.imag)


def check_subject(subject: Subject, fmt: Format | None) -> None:
    """All readings of one local Jacobian."""
    out = np.asarray(subject.call.out)
    point = subject.point
    if out.dtype.kind not in "fc":
        return
    if fmt is not None and (fmt.in_shape, fmt.out_shape) != (point.shape, out.shape):
        raise JacobianMismatchError(
            f"{subject.call.primitive.name}: local Jacobian for {subject}: expected a map {point.shape} -> "
            f"{out.shape}, got {fmt.in_shape} -> {fmt.out_shape}"
        )
    inputs = Seeds.of(point, subject.is_complex)
    units = inputs.block()
    pushed = push(fmt, units, out)
    check_push(subject, units, pushed, [f"d in{place(j, point.shape)}" for j in inputs.positions])
    random = random_directions(point)
    check_push(subject, random, push(fmt, random, out), ["a random direction"] * len(random))
    if fmt is not None:
        check_transpose(subject, fmt, inputs, pushed, Seeds.of(out, out.dtype.kind == "c"))
        check_entries(subject, fmt, inputs, pushed)


def push(fmt: Format | None, block: Array, out: Array) -> Array:
    """The tangents of the output, in its dtype; zero where there is no format."""
    if fmt is None:
        return np.zeros((len(block), *out.shape), out.dtype)
    pushed = np.asarray(fmt.push(block))
    if pushed.shape != (len(block), *out.shape):
        raise JacobianMismatchError(f"{fmt!r}: push gives shape {pushed.shape} for {len(block)} tangents")
    return np.asarray(as_dtype(pushed, np.result_type(out.dtype, np.float64)))


def random_directions(point: Array) -> Array:
    """Two directions that mix everything, complex where the point is."""
    random = np.random.default_rng(1)
    block = random.uniform(0.5, 1.5, (2, *point.shape))
    return block + 1j * random.uniform(0.5, 1.5, block.shape) if point.dtype.kind == "c" else block


def check_push(subject: Subject, block: Array, pushed: Array, labels: list[str]) -> None:
    """Tangents against the directional derivatives of the value, where those can be known."""
    if not len(block):
        return
    known = [oracle(subject, direction) for direction in block]
    expected, error = (np.stack(parts) for parts in zip(*known, strict=True))
    each = tuple(range(1, expected.ndim))
    scale = np.maximum(magnitude(expected, each), magnitude(pushed, each)) + natural_slope(subject)
    allowed = subject.precision * scale
    wrong = (error <= allowed) & ~(np.abs(pushed - expected) <= allowed + 10 * error)
    if np.any(wrong):
        fail("push disagrees with differences", subject, wrong, expected, pushed,
             lambda at: f"d out{at[1:] or ''} / {labels[at[0]]}")  # fmt: skip


def oracle(subject: Subject, direction: Array) -> tuple[Array, Array]:
    """The directional derivative without the rule, and its error."""
    if subject.analytic and kind(subject.point) == kind(subject.call.out) == "f":
        derivative = complex_step(subject.at, subject.point, direction)
        return derivative, 1e-13 * np.abs(derivative)
    return richardson(subject.at, subject.point, direction)


def natural_slope(subject: Subject) -> float:
    """The value over the argument: what a derivative is to be small against."""
    value, argument = (float(magnitude(a)) for a in (np.asarray(subject.call.out), subject.point))
    return value / (argument or 1.0)


def magnitude(array: Array, axis: tuple[int, ...] | None = None) -> Array:
    """The largest finite magnitude along axes, kept as axes of length one; 0 if there is none."""
    keep = axis is not None
    return np.asarray(np.max(np.abs(array), axis, where=np.isfinite(array), initial=0, keepdims=keep))


def check_transpose(subject: Subject, fmt: Format, inputs: Seeds, pushed: Array, outputs: Seeds) -> None:
    """`Re(w . (L v)) = Re((L^T w) . v)` for unit vectors v and w, so that infinities can be compared."""
    back = np.asarray(fmt.T.push(outputs.block()))
    if back.shape != (len(outputs.positions), *fmt.in_shape):
        raise JacobianMismatchError(f"{fmt!r}: pull gives shape {back.shape} for {len(outputs.positions)} cotangents")
    expected, got = outputs.read(pushed).T, inputs.read(back)
    wrong = ~np.isclose(expected, got, rtol=1e-9, atol=1e-12 * float(magnitude(expected)), equal_nan=True)
    if np.any(wrong):
        rows, cols = (seeds.positions for seeds in (outputs, inputs))
        fail("transpose disagrees with push", subject, wrong, expected, got,
             lambda at: f"entry ({rows[at[0]]}, {cols[at[1]]})")  # fmt: skip


def check_entries(subject: Subject, fmt: Format, inputs: Seeds, pushed: Array) -> None:
    """The columns of the listed entries against pushed unit vectors, and the pattern against both."""
    real = inputs.units == 1
    columns = pushed.reshape(len(pushed), fmt.n_out).T
    positions = inputs.positions
    rows, cols, values = fmt.coo()
    values = np.asarray(values)
    # Entries that are products of several weights are rounded in the weights' own precision.
    rounding = 8 * float(np.finfo(values.dtype).eps) if values.dtype.kind in "fc" else 0.0
    values = as_dtype(values.astype(np.result_type(values, np.float64)), columns.dtype)
    listed = sparse.coo_array((values, (rows, cols)), shape=(fmt.n_out, fmt.n_in)).tocsc()
    got = listed[:, positions[real]].toarray()
    expected = columns[:, real]
    wrong = ~np.isclose(
        expected, got, rtol=max(1e-9, rounding), atol=1e-12 * float(magnitude(expected)), equal_nan=True
    )
    if np.any(wrong):
        fail("coo disagrees with push", subject, wrong, expected, got,
             lambda at: f"entry ({at[0]}, {positions[real][at[1]]})")  # fmt: skip
    held = fmt.pattern().tocsr().astype(bool)[:, positions].toarray()
    missing = (columns != 0) & ~held
    if np.any(missing):
        fail("the pattern misses entries", subject, missing, columns, np.zeros_like(columns),
             lambda at: f"entry ({at[0]}, {positions[at[1]]})")  # fmt: skip


# The verdict


def place(position: int, shape: tuple[int, ...]) -> str:
    """A flat position as an index, e.g. `[1, 2]`; nothing for scalars."""
    return str([int(i) for i in np.unravel_index(position, shape)]) if shape else ""


def fail(
    verdict: str, subject: Subject, wrong: Array, expected: Array, got: Array, describe: Callable[[Any], str]
) -> NoReturn:  # fmt: skip
    """Raise with the entries that are furthest off."""
    expected, got, wrong = np.atleast_1d(expected), np.atleast_1d(got), np.atleast_1d(wrong)
    off = np.where(wrong, np.abs(got - expected), -1.0)
    off[wrong & ~np.isfinite(off)] = np.inf
    worst = np.argsort(-off, axis=None, kind="stable")[: min(MOST_SHOWN, int(wrong.sum()))]
    lines = [f"{subject.call.primitive.name}: {verdict} for {subject}: {int(wrong.sum())} of {wrong.size} entries"]
    for position in worst:
        at = [int(i) for i in np.unravel_index(position, wrong.shape)]
        lines.append(f"  {describe(at)}: expected {expected.flat[position]}, got {got.flat[position]}")
    raise JacobianMismatchError("\n".join(lines))


# Colorings


def check_coloring(S: Any, colors: npt.ArrayLike, kind: str = "columns") -> None:
    """Verify by the definition that colors allow every entry of a matrix to be read off its products with seeds.

    "columns": no two columns of one color have entries in one row; "rows": the same of the transpose. "star":
    neighbours in the graph of a symmetric pattern differ, and no path of four vertices has only two colors.

    Parameters
    ----------
    S : Pattern or two-dimensional scipy.sparse array, shape (m, n)
    colors : integer array, shape (n,), for rows (m,)

    Raises
    ------
    ValueError
        If there is not one non-negative integer for each column, or the definition is not met; the message
        names the columns.

    >>> check_coloring(sparse.eye_array(3), [0, 0, 0])
    >>> check_coloring(sparse.csr_array([[1, 1]]), [0, 0])
    Traceback (most recent call last):
        ...
    ValueError: columns 0 and 1 share color 0, and both have an entry in row 0
    """
    pattern = S if isinstance(S, Pattern) else Pattern.from_sparse(S)
    pattern = pattern.T if kind == "rows" else pattern
    given: Array = np.asarray(colors)
    n = pattern.shape[1]
    if given.shape != (n,) or (n and (given.dtype.kind not in "iu" or given.min() < 0)):
        got = f"{given.dtype} of shape {given.shape}"
        raise ValueError(f"colors must be {n} non-negative integers, one for each of the {kind}, got {got}")
    rows = [pattern.indices[a:b].tolist() for a, b in itertools.pairwise(pattern.indptr.tolist())]
    if kind == "star":
        check_star(rows, given.tolist())
    else:
        check_groups(rows, given.tolist(), ("columns", "row") if kind == "columns" else ("rows", "column"))


def check_groups(rows: list[list[int]], color: list[int], names: tuple[str, str]) -> None:
    """No two columns of one color have entries in one row."""
    for row, columns in enumerate(rows):
        for a, b in itertools.combinations(columns, 2):
            if color[a] == color[b]:
                both = f"{names[0]} {a} and {b}"
                raise ValueError(f"{both} share color {color[a]}, and both have an entry in {names[1]} {row}")


def check_star(rows: list[list[int]], color: list[int]) -> None:
    """Neighbours differ, and every path of four vertices has three colors."""
    near = [[w for w in row if w != v] for v, row in enumerate(rows)]
    for a, row in enumerate(near):
        for b in row:
            if color[a] == color[b]:
                raise ValueError(f"columns {a} and {b} are neighbours and share color {color[a]}")
            for c in near[b]:
                for d in near[c]:
                    if color[a] == color[c] and color[b] == color[d] and a != c and b != d:
                        raise ValueError(f"the path of columns {a}, {b}, {c}, {d} has only two colors")
