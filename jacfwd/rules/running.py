"""Rules of running sums and products, differences and sums by segments: structure along one axis."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.base import Format, Shape
from jacfwd.formats.combined import Sum
from jacfwd.formats.dispatch import is_plain, strong_product
from jacfwd.formats.entries import Entries, identity, segments
from jacfwd.formats.index import IndexMap, c_strides
from jacfwd.formats.operators import Operator
from jacfwd.primitive import Call, Rule, composed, local_rule, structured

__all__ = ["RULES"]


def running(
    call: Call, forward: Callable[[Any], Any], backward: Callable[[Any], Any], cost: tuple[int, int]
) -> Operator:
    """A linear map along one axis, given on arrays whose last axis it is; no axis means all, flattened."""
    shape, axis = call.shape(0), axis_of(call)
    if axis is None:
        mixed = (tuple(range(len(shape))), (0,))
        at = 1
    else:
        axis = np.lib.array_utils.normalize_axis_index(axis, len(shape))
        mixed, at = ((axis,), (axis,)), axis + 1

    def through(function: Callable[[Any], Any], source: Shape, target: Shape) -> Callable[[Any], Any]:
        def apply(block: Any) -> Any:
            rows = np.reshape(block, (block.shape[0], *call.out_shape)) if axis is None else block
            moved = np.moveaxis(function(np.moveaxis(rows, at, -1)), -1, at)
            return np.reshape(moved, (block.shape[0], *target))

        return apply

    out_shape = call.out_shape
    return Operator(
        shape, out_shape, through(forward, shape, out_shape), through(backward, out_shape, shape), mixed,
        support=lambda i, o: i <= o, cost=cost,
    )  # fmt: skip


def axis_of(call: Call) -> Any:
    """The axis; None for all of them, flattened, as also where there is none and NumPy takes 0 and -1."""
    return call.params.get("axis") if call.shape(0) else None


def cumsum_local(call: Call) -> Format:
    """The lower triangle of ones."""
    dtype = call.out.dtype

    def forward(rows: Any) -> Any:
        return np.cumsum(rows, axis=-1, dtype=np.result_type(rows.dtype, dtype))

    return running(call, forward, lambda rows: np.flip(forward(np.flip(rows, -1)), -1), (0, math.prod(call.out_shape)))


def cumprod_local(call: Call) -> Format:
    """`dy[k] = x[k] dy[k-1] + y[k-1] dx[k]`: exact with any number of zeros, in log n passes."""
    axis = axis_of(call)
    x = np.reshape(call.operands[0], (-1,)) if axis is None else np.moveaxis(call.operands[0], axis, -1)
    out = call.out if axis is None else np.moveaxis(call.out, axis, -1)
    one = np.ones((*np.shape(out)[:-1], min(np.shape(out)[-1], 1)), out.dtype)
    before = np.concatenate([one, out[..., :-1]], axis=-1)
    after = np.concatenate([one, np.flip(x, -1)[..., :-1]], axis=-1)

    def forward(rows: Any) -> Any:
        return recurrence(x, strong_product(before, rows))

    def backward(rows: Any) -> Any:
        return strong_product(before, np.flip(recurrence(after, np.flip(rows, -1)), -1))

    n = math.prod(call.out_shape)
    passes = max(np.shape(out)[-1] - 1, 0).bit_length()
    return running(call, forward, backward, (n * (1 + passes), n * passes))


def recurrence(a: Any, b: Any) -> Any:
    """`t[k] = a[k] t[k-1] + b[k]` along the last axis, by doubling: W. Hillis and G. Steele, "Data parallel
    algorithms", Communications of the ACM 29, 1986."""
    shift, n = 1, np.shape(b)[-1]
    while shift < n:
        met = b[..., shift:] + strong_product(a[..., shift:], b[..., :-shift])
        b = np.concatenate([b[..., :shift], met], axis=-1)
        a = np.concatenate([a[..., :shift], a[..., shift:] * a[..., :-shift]], axis=-1)
        shift *= 2
    return b


def cumulative(function: Callable, start: int) -> Callable[..., Any]:
    """`cumulative_sum` and `cumulative_prod`, which may begin with the empty sum or product."""

    def rewrite(x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Any:
        if axis is None:
            if np.ndim(x) > 1:
                raise ValueError("give an axis for an array of more than one dimension")
            axis = 0
        out = function(np.reshape(x, (1,)) if np.ndim(x) == 0 else x, axis=axis, dtype=dtype)
        if not include_initial:
            return out
        shape = tuple(1 if k == axis % out.ndim else n for k, n in enumerate(out.shape))
        return np.concatenate([np.full(shape, start, out.dtype), out], axis=axis)

    return rewrite


# Differences


def diff_local(call: Call, k: int) -> Format | None:
    """n-th differences `out[o] = sum_j (-1)^(n-j) binomial(n, j) total[o + j]` of all operands joined."""
    n, ndim = call.params.get("n", 1), len(call.out_shape)
    if n == 0:
        return identity(call.out_shape) if k == 0 else None
    axis = np.lib.array_utils.normalize_axis_index(call.params.get("axis", -1), ndim)
    joined = [1, 0, 2]  # the operands are a, prepend, append
    before = joined[: joined.index(k)]
    start = sum(length_along(call, q, axis) for q in before)
    terms = [
        term
        for j in range(n + 1)
        if (term := shifted(call, k, axis, start - j, (-1) ** (n - j) * math.comb(n, j))) is not None
    ]
    return None if not terms else terms[0] if len(terms) == 1 else Sum(list(terms))


def length_along(call: Call, k: int, axis: int) -> int:
    """How much an operand of `diff` adds to the axis; numbers count once."""
    if k >= len(call.operands) or call.operands[k] is None:
        return 0
    return call.shape(k)[axis] if call.shape(k) else 1


def shifted(call: Call, k: int, axis: int, start: int, weight: int) -> Entries | None:
    """An operand that lies along the output's axis from `start` on, as far as it overlaps the output."""
    out_shape, shape = call.out_shape, call.shape(k)
    first, stop = max(start, 0), min(start + length_along(call, k, axis), out_shape[axis])
    if stop <= first:
        return None
    overlap = tuple(stop - first if q == axis else n for q, n in enumerate(out_shape))
    rows, cols = c_strides(out_shape), c_strides(shape) if shape else (0,) * len(out_shape)
    return Entries(
        shape,
        out_shape,
        IndexMap(overlap, out_shape, affine=(first * rows[axis], rows)),
        IndexMap(overlap, shape, affine=((first - start) * cols[axis], cols)),
        weight,
    )


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of the flattened array between two given ends."""
    steps = np.diff(np.ravel(ary))
    parts = [np.ravel(part) for part in (to_begin, steps, to_end) if part is not None]
    return steps if len(parts) == 1 else np.concatenate(parts, dtype=steps.dtype, casting="same_kind")


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The trapezoidal rule: steps times the means of neighbours."""
    ndim = np.ndim(y)
    if x is None:
        step = dx
    elif np.ndim(x) == 1:
        step = np.reshape(np.diff(x), tuple(-1 if k == axis % ndim else 1 for k in range(ndim)))
    else:
        step = np.diff(x, axis=axis)
    lead = (slice(None),) * (axis % ndim)
    y = np.asanyarray(y) if is_plain(y) else y
    return np.sum(step * (y[(*lead, slice(1, None))] + y[(*lead, slice(None, -1))]) / 2.0, axis=axis)


def bincount_local(call: Call) -> Format:
    """Weights go where x says."""
    index = IndexMap.of_positions(np.asarray(call.params["x"]), call.out_shape)
    return segments(index)


RULES: dict[Any, Rule] = {
    np.cumsum: structured(cumsum_local, linear=True).on("a"),
    np.cumprod: structured(cumprod_local).on("a"),
    np.diff: local_rule(diff_local, linear=True).on("a", "prepend", "append"),
    np.bincount: structured(bincount_local).on("weights", signature="x, /, weights=None, minlength=0"),
    np.ediff1d: composed(ediff1d),
    np.trapezoid: composed(trapezoid),
    **{
        getattr(np, name): composed(cumulative(function, start))
        for name, function, start in (("cumulative_sum", np.cumsum, 0), ("cumulative_prod", np.cumprod, 1))
        if hasattr(np, name)
    },
}
