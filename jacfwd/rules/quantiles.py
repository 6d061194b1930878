"""Rules of medians and quantiles: elements picked by their rank, and what lies between two of them.

Which elements have those ranks is relied on, not the order of all others: a replay raises BranchChangedError
only where another element takes one of them. Equal elements keep their order.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.base import Shape
from jacfwd.formats.dispatch import as_array, dispatched
from jacfwd.primitive import Rule, composed, constant

__all__ = ["RULES"]

# Since NumPy 2.1 or so Python numbers as `q` leave the dtype of the array alone, and NumPy's do not.
Q_IS_WEAK = np.quantile(np.ones(1, np.float32), np.float64(0.5)).dtype == np.float64


class Ranked:
    """The rows of an array along the reduced axes and the order of their elements, nan last.

    `rows`, `order` and `missing` (where nan is) have shape `(*kept, n)`; `n`, how many are ranked, broadcasts to
    `kept`.
    """

    missing: Any

    def __init__(self, a: Any, axis: Any, skipping: bool) -> None:
        self.shape, self.axes = a.shape, axes_of(axis, a.ndim)
        self.rows = self.laid_out(a)
        self.order = np.argsort(self.rows, axis=-1, kind="stable")
        self.kept = self.rows.shape[:-1]
        self.n: Any = np.full((1,) * len(self.kept), self.rows.shape[-1])
        self.missing = np.isnan(self.rows) if a.dtype.kind in "fc" else None
        self.skipping = skipping and self.missing is not None
        if self.skipping:
            self.n = np.sum(np.logical_not(self.missing), axis=-1)

    def laid_out(self, a: Any) -> Any:
        """An array with the reduced axes last, as one."""
        kept = [k for k in range(a.ndim) if k not in self.axes]
        moved = np.transpose(a, (*kept, *self.axes))
        return np.reshape(moved, (*moved.shape[: len(kept)], -1))

    def laid_back(self, rows: Any) -> Any:
        """Rows like those of this array, as the array is laid out."""
        order = [*(k for k in range(len(self.shape)) if k not in self.axes), *self.axes]
        return np.transpose(np.reshape(rows, [self.shape[k] for k in order]), np.argsort(order))

    def pick(self, ranks: Any) -> Any:
        """The elements of ranks that broadcast to `(*q, *kept)`, counted from the end where negative."""
        many = np.shape(ranks)[: np.ndim(ranks) - len(self.kept)]
        wanted = np.reshape(np.broadcast_to(ranks, (*many, *self.kept)), (-1, *self.kept))
        places = np.take_along_axis(self.order, np.moveaxis(wanted, 0, -1), axis=-1)
        picked = np.moveaxis(np.take_along_axis(self.rows, places, axis=-1), -1, 0)
        return np.reshape(picked, (*many, *self.kept))

    def finished(self, out: Any, keepdims: Any) -> Any:
        """What was picked, nan where an element is, with the reduced axes kept where asked for."""
        if self.missing is not None and not self.skipping:
            out = np.where(np.any(self.missing, axis=-1), out + out.dtype.type(np.nan), out)
        if keepdims and keepdims is not np._NoValue:
            many = out.shape[: out.ndim - len(self.kept)]
            out = np.reshape(out, (*many, *(1 if k in self.axes else n for k, n in enumerate(self.shape))))
        return out[()]


def axes_of(axis: Any, ndim: int) -> Shape:
    """The reduced axes in order; None is all of them."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(sorted(np.lib.array_utils.normalize_axis_tuple(axis, ndim)))


def written(result: Any, out: Any) -> Any:
    """The result, in `out` where that was given by position."""
    return result if out is None else np.positive(result, out=out)


# Medians


def median(original: Callable, skipping: bool) -> Rule:
    """`np.median` and `np.nanmedian`: the mean of the one or two elements in the middle."""

    def rewrite(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False) -> Any:
        a = as_array(a)
        if not a.size:
            return written(original(np.zeros(a.shape, a.dtype), axis, keepdims=keepdims), out)
        ranked = Ranked(a, axis, skipping)
        # Rows without any number take the first nan.
        below = np.maximum(ranked.n - 1, 0) // 2
        above = np.minimum(ranked.n // 2, ranked.rows.shape[-1] - 1)
        middle = np.mean(ranked.pick(below[None]), axis=0)
        if ranked.skipping or np.any(below != above):
            both = np.mean(ranked.pick(np.stack([below, above])), axis=0)
            # The mean of an element with itself may overflow.
            middle = np.where(np.equal(below, above), middle, both)
        return written(ranked.finished(middle, keepdims), out)

    return composed(rewrite)


# Quantiles

# How Hyndman and Fan number their continuous methods by two parameters: "Sample quantiles in statistical
# packages", The American Statistician 50, 1996.
CONTINUOUS = {
    "interpolated_inverted_cdf": (0, 1),
    "hazen": (0.5, 0.5),
    "weibull": (0, 0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
# These pick one of the elements.
DISCRETE = ("inverted_cdf", "closest_observation", "lower", "higher", "nearest")


def place(method: str, n: Any, q: Any) -> Any:
    """Where a quantile lies among n ranks that count from zero; an integer for `linear` where q is one."""
    if method == "linear":
        return (n - 1) * q
    if method == "midpoint":
        return 0.5 * (np.floor((n - 1) * q) + np.ceil((n - 1) * q))
    if method == "averaged_inverted_cdf":
        return n * q - 1
    if method not in CONTINUOUS:
        raise ValueError(f"{method!r} is no method of np.quantile")
    alpha, beta = CONTINUOUS[method]
    return n * q + (alpha + q * (1 - alpha - beta)) - 1


def share(method: str, index: Any, below: Any) -> Any:
    """How much of the step from the rank below to the next one is taken."""
    fraction = index - below
    if method == "averaged_inverted_cdf":
        fraction = np.where(np.equal(fraction, 0), 0.5, 1.0)
    if method == "midpoint":
        fraction = np.where(np.equal(index % 1, 0), 0.0, 0.5)
    return fraction if fraction.dtype == index.dtype else fraction.astype(index.dtype)


def interpolated(ranked: Ranked, q: Any, method: str, weak: bool) -> Any:
    """The quantiles between the two elements around each of them, `(*q, *kept)`."""
    q = np.reshape(q, (*np.shape(q), *(1,) * len(ranked.kept)))
    index = place(method, ranked.n.astype(q.dtype) if q.dtype.kind == "f" else ranked.n, q)
    if index.dtype.kind in "iu":
        return ranked.pick(np.clip(index, 0, ranked.rows.shape[-1] - 1))
    last = np.maximum(ranked.n - 1, 0)
    floor = np.floor(index)
    inside = np.logical_and(np.greater_equal(index, 0), np.less(index, last))
    below = np.where(inside, floor.astype(np.intp), np.where(np.less(index, 0), 0, last))
    above = np.where(inside, below + 1, below)
    previous, following = ranked.pick(below), ranked.pick(above)
    fraction = share(method, index, np.where(inside, floor, np.where(np.less(index, 0), 0.0, -1.0)))
    if weak and ranked.rows.dtype.kind == "f":
        fraction = fraction.astype(ranked.rows.dtype)
    step = following - previous
    # Both ends of the interval are met exactly.
    return np.where(np.greater_equal(fraction, 0.5), following - step * (1 - fraction), previous + step * fraction)


@dispatched
def discrete_ranks(a: Any, q: Any, weights: Any, *, axis: Any, method: str, original: Callable) -> Any:
    """Ranks `(*q, *kept)` of the elements that NumPy picks: its own answer where the elements are their ranks."""
    ranked = Ranked(a, axis, skipping=False)
    ranks = np.empty(ranked.rows.shape)
    np.put_along_axis(ranks, ranked.order, np.arange(ranks.shape[-1] * 1.0), axis=-1)
    if ranked.missing is not None:
        ranks[ranked.missing] = np.nan
    found = original(ranked.laid_back(ranks), q, axis, method=method, weights=weights)
    return np.where(np.isnan(found), -1, found).astype(np.intp)


def share_of(q: Any, dtype: np.dtype, percent: bool) -> tuple[Any, bool]:
    """The quantiles as an array of shares of one, and whether they leave the dtype of the array alone."""
    weak = type(q) in (int, float)
    if Q_IS_WEAK:
        return np.true_divide(as_array(q), 100) if percent else as_array(q), weak
    if percent:
        return np.true_divide(as_array(q) if not weak else q, dtype.type(100) if dtype.kind == "f" else 100), False
    adapts = isinstance(q, (int, float)) and dtype.kind == "f"
    return as_array(q).astype(dtype) if adapts else as_array(q), False


def quantile(original: Callable, skipping: bool, percent: bool) -> Rule:
    """`np.quantile`, `np.percentile` and those that pass nan over."""

    def rewrite(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
        *,
        weights: Any = None,
    ) -> Any:
        a = as_array(a)
        if a.dtype.kind == "c":
            raise TypeError("a must be an array of real numbers")
        shares, weak = share_of(q, a.dtype, percent)
        if np.ndim(shares) > 2:
            raise ValueError("q must be a scalar or 1d")
        if not np.all(np.greater_equal(shares, 0) & np.less_equal(shares, 1)):
            raise ValueError(
                f"{'Percentiles' if percent else 'Quantiles'} must be in the range [0, {100 if percent else 1}]"
            )
        if weights is not None and method != "inverted_cdf":
            raise ValueError(f"Only method 'inverted_cdf' supports weights. Got: {method}.")
        if not a.size:
            # What kind of number q is decides about the dtype.
            plain = type(q)(0) if isinstance(q, int | float) else np.zeros(np.shape(q))
            nothing = np.zeros(a.shape, a.dtype)
            return written(original(nothing, plain, axis, method=method, keepdims=keepdims), out)
        ranked = Ranked(a, axis, skipping)
        if skipping and np.ndim(shares) == 2 and len(ranked.axes) > 1:
            raise UnsupportedFunctionError(f"{original.__name__}: the axes of a 2-d q are out of order; pass q.ravel()")
        if method in DISCRETE:
            given = None if weights is None else as_array(weights)
            ranks = discrete_ranks(a, as_array(q), given, axis=axis, method=method, original=original)
            result = ranked.pick(ranks)
        else:
            result = interpolated(ranked, shares, method, weak)
        return written(ranked.finished(result, keepdims), out)

    return composed(rewrite)


RULES: dict[Any, Rule] = {
    np.median: median(np.median, skipping=False),
    np.nanmedian: median(np.nanmedian, skipping=True),
    discrete_ranks: constant(),
    np.quantile: quantile(np.quantile, skipping=False, percent=False),
    np.percentile: quantile(np.percentile, skipping=False, percent=True),
    np.nanquantile: quantile(np.nanquantile, skipping=True, percent=False),
    np.nanpercentile: quantile(np.nanpercentile, skipping=True, percent=True),
}
