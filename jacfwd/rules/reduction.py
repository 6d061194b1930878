"""Rules of reductions: every output is made of the elements along some axes."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.base import Format, Shape
from jacfwd.formats.combined import Pair
from jacfwd.formats.dispatch import is_plain, strong_product
from jacfwd.formats.entries import Entries, diagonal, segments
from jacfwd.formats.index import IndexMap
from jacfwd.primitive import Call, Rule, local_rule, reduced, wirtinger

__all__ = ["RULES"]


class Fold:
    """One reduction as its elements see it: `out` has the reduced axes with length one."""

    def __init__(self, call: Call) -> None:
        self.call = call

    @property
    def x(self) -> Any:
        """The elements."""
        return self.call.operands[0]

    @functools.cached_property
    def axes(self) -> Shape:
        """The axes reduced."""
        axis, ndim = self.call.params.get("axis"), len(self.call.shape(0))
        if axis is None or not ndim:  # NumPy takes the axes 0 and -1 of what has none
            return tuple(range(ndim))
        return np.lib.array_utils.normalize_axis_tuple(axis, ndim)

    @functools.cached_property
    def index(self) -> IndexMap:
        """The output that each element goes into."""
        return reduced(self.call.shape(0), self.axes, self.call.out_shape).map

    @functools.cached_property
    def kept(self) -> Shape:
        """The output's shape with the reduced axes kept."""
        return tuple(1 if k in self.axes else n for k, n in enumerate(self.call.shape(0)))

    @functools.cached_property
    def out(self) -> Any:
        """The result, broadcastable against the elements."""
        return np.reshape(self.call.out, self.kept)

    def operand(self, name: str) -> Any:
        """Another operand by its name; None where it was not given."""
        names = self.call.primitive.rule.operands or ()
        k = names.index(name) if name in names else len(names)
        return self.call.operands[k] if k < len(self.call.operands) else None

    @functools.cached_property
    def mask(self) -> Any:
        """The boolean array given as `where`, or None."""
        where = self.operand("where")
        return None if where is None or where is True else where if hasattr(where, "dtype") else np.asarray(where)

    def masked(self, weights: Any) -> Any:
        """Weights of the elements that take part, zero for the others."""
        return weights if self.mask is None else np.where(self.mask, weights, 0)

    @functools.cached_property
    def count(self) -> Any:
        """How many elements go into each output."""
        if self.mask is None:
            return math.prod(self.call.shape(0)[k] for k in self.axes)
        mask = np.broadcast_to(self.mask, self.call.shape(0))
        return np.sum(mask, axis=self.axes, keepdims=True)


def fold(weight: Callable[[Fold], Any], initial: Callable[[Fold], Any] | None = None, **options: Any) -> Rule:
    """Sums of `weight * element`, weights broadcast to elements; `initial` is the weight of that operand."""

    def local(call: Call, k: int) -> Format | None:
        seen = Fold(call)
        names = call.primitive.rule.operands or ()
        if names[k] == "initial" and initial is not None:
            weights = initial(seen)
            return diagonal(
                weights if np.ndim(weights) == 0 else np.reshape(weights, call.out_shape), (), call.out_shape
            )
        if names[k] == "mean":
            return by_mean(seen, negated(weight(seen)))
        return by_element(seen, weight(seen)) if k == 0 else None

    return local_rule(local, **options)


def by_element(seen: Fold, weights: Any) -> Format:
    """The local Jacobian from the weights of the elements."""
    if isinstance(weights, wirtinger):
        return Pair(segments(seen.index, weights.a), segments(seen.index, weights.b))
    return segments(seen.index, weights)


def by_mean(seen: Fold, weights: Any) -> Format:
    """The local Jacobian for an operand that every element has taken off, such as the mean."""
    if isinstance(weights, wirtinger):
        return Pair(by_mean(seen, weights.a), by_mean(seen, weights.b))
    shape = np.shape(seen.operand("mean"))
    if (1,) * (len(seen.kept) - len(shape)) + shape == seen.kept:
        total = np.sum(np.broadcast_to(weights, seen.index.shape), axis=seen.axes)
        return Entries(shape, seen.call.out_shape, None, IndexMap.identity(seen.call.out_shape, shape),
                       np.reshape(total, seen.call.out_shape))  # fmt: skip
    cols = IndexMap.broadcast(shape, seen.index.shape)
    return Entries(shape, seen.call.out_shape, seen.index, cols, weights)


def negated(weights: Any) -> Any:
    """Weights with the other sign."""
    return wirtinger(-weights.a, -weights.b) if isinstance(weights, wirtinger) else -weights


# Sums and products


def sum_weight(seen: Fold) -> Any:
    """Ones, or the mask."""
    return 1 if seen.mask is None else seen.mask


def mean_weight(seen: Fold) -> Any:
    """One over the number of elements."""
    return 1 / max(seen.count, 1) if seen.mask is None else seen.masked(np.divide(1, seen.count))


def prod_weight(seen: Fold) -> Any:
    """The product of all other elements, times `initial`."""
    x = seen.x if seen.mask is None else np.where(seen.mask, seen.x, 1)
    weights = seen.masked(others_product(x, seen.axes))
    initial = seen.operand("initial")
    return weights if initial is None else strong_product(weights, initial)


def prod_initial(seen: Fold) -> Any:
    """The product of the elements."""
    return np.prod(seen.x if seen.mask is None else np.where(seen.mask, seen.x, 1), axis=seen.axes)


def others_product(x: Any, axes: Shape) -> Any:
    """For each element the product of all others along the axes: exact with any number of zeros.

    The products before an element times those after it, without dividing.
    """
    shape = np.shape(x)
    rest = tuple(k for k in range(len(shape)) if k not in axes)
    order = (*rest, *axes)
    ordered = tuple(shape[k] for k in order)
    rows = np.reshape(np.transpose(x, order), (*(shape[k] for k in rest), math.prod(shape[k] for k in axes)))
    if rows.shape[-1] == 0:
        return x
    one = np.ones((*rows.shape[:-1], 1), rows.dtype)
    before = np.concatenate([one, np.cumprod(rows[..., :-1], axis=-1)], axis=-1)
    after = np.flip(np.concatenate([one, np.cumprod(np.flip(rows[..., 1:], -1), axis=-1)], axis=-1), -1)
    back = tuple(order.index(k) for k in range(len(shape)))
    return np.transpose(np.reshape(before * after, ordered), back)


# Largest and smallest


def hits(seen: Fold) -> Any:
    """Which elements equal the result; nan equals nan."""
    found = np.equal(seen.x, seen.out) | (np.isnan(seen.x) & np.isnan(seen.out))
    return found if seen.mask is None else found & seen.mask


def initial_hit(seen: Fold) -> Any:
    """Whether `initial` equals the result."""
    initial = seen.operand("initial")
    return np.equal(initial, seen.out) | (np.isnan(initial) & np.isnan(seen.out))


def ties(seen: Fold, found: Any) -> Any:
    """How many share the result, in its dtype."""
    dtype = np.finfo(seen.out.dtype).dtype
    number = np.sum(found, axis=seen.axes, keepdims=True, dtype=dtype)
    return number if seen.operand("initial") is None else number + initial_hit(seen)


def extreme_weight(seen: Fold) -> Any:
    """1/k for each of the k elements that equal the result."""
    found = hits(seen)
    number = ties(seen, found)
    if is_plain(number) and np.all(number == 1):
        return found
    return np.where(found, np.divide(1, number), 0)


def extreme_initial(seen: Fold) -> Any:
    """The share of `initial`."""
    return np.where(initial_hit(seen), np.divide(1, ties(seen, hits(seen))), 0)


# Variance


def deviation(seen: Fold) -> tuple[Any, Any]:
    """`(x - mean, 1 / (n - ddof))`, the first zero for elements that take no part."""
    given = seen.operand("mean")
    if given is None:
        where = {} if seen.mask is None else {"where": seen.mask}
        given = np.mean(seen.x, axis=seen.axes, keepdims=True, **where)
    ddof = seen.call.params.get("correction", seen.call.params.get("ddof", 0))
    return seen.masked(np.subtract(seen.x, given)), np.divide(1, np.maximum(seen.count - ddof, 0))


def var_weight(seen: Fold) -> Any:
    """`2 (x - mean) / (n - ddof)`; the mean's own change has no effect: deviations from it sum to zero."""
    apart, scale = deviation(seen)
    if np.iscomplexobj(apart):
        return wirtinger(np.conjugate(apart) * scale, apart * scale)
    return apart * (2 * scale)


def std_weight(seen: Fold) -> Any:
    """`(x - mean) / ((n - ddof) std)`, zero where the standard deviation is zero, or the rounding of equal elements."""
    apart, scale = deviation(seen)
    noise = np.finfo(seen.call.out.dtype).eps * np.max(np.abs(seen.x), axis=seen.axes, keepdims=True, initial=0)
    slope = np.where(np.less_equal(seen.out, noise), 0, np.divide(scale, seen.out))
    if np.iscomplexobj(apart):
        return wirtinger(np.conjugate(apart) * slope / 2, apart * slope / 2)
    return apart * slope


def extreme(folds: np.ufunc | None = None) -> Rule:
    """The largest or the smallest element."""
    return fold(extreme_weight, extreme_initial, folds=folds).on("a", "initial", "where")


RULES: dict[Any, Rule] = {
    np.sum: fold(sum_weight, lambda seen: 1, linear=True).on("a", "initial", "where"),
    np.mean: fold(mean_weight, linear=True).on("a", "where"),
    np.prod: fold(prod_weight, prod_initial, folds=np.multiply).on("a", "initial", "where"),
    **dict.fromkeys((np.max, np.amax), extreme(np.maximum)),
    **dict.fromkeys((np.min, np.amin), extreme(np.minimum)),
    **dict.fromkeys((np.nanmax, np.nanmin), extreme()),
    np.var: fold(var_weight).on("a", "where", "mean"),
    np.std: fold(std_weight).on("a", "where", "mean"),
}
