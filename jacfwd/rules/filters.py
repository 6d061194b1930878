"""Rules of scipy.ndimage for linear filters: every output is a weighted sum of its neighbourhood.

Where a neighbourhood leaves the array, `mode` says which element stands for the missing one.
"""

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.base import Format
from jacfwd.formats.dispatch import as_array, as_dtype, constant_value, dispatched, is_plain
from jacfwd.formats.entries import Entries, coo_entries
from jacfwd.formats.index import IndexMap, c_strides
from jacfwd.primitive import Call, Rule, composed, constant, structured
from jacfwd.rules.sparse import before_sparse

__all__ = ["RULES", "extended", "filtered"]

SAME = {"grid-mirror": "reflect", "grid-wrap": "wrap", "grid-constant": "constant"}


def extended(at: np.ndarray, n: int, mode: str) -> np.ndarray:
    """Which element of n stands at any position, -1 for none (`constant`)."""
    mode = SAME.get(mode, mode)
    inside = (at >= 0) & (at < n)
    if mode == "constant":
        return np.where(inside, at, -1)
    if mode == "nearest":
        return np.clip(at, 0, n - 1)
    if mode == "wrap":
        return at % n
    if mode == "reflect":
        at = at % (2 * n)
        return np.minimum(at, 2 * n - 1 - at)
    if mode == "mirror":
        at = at % max(2 * n - 2, 1)
        return np.minimum(at, max(2 * n - 2, 0) - at)
    raise RuntimeError(f"boundary mode not supported: {mode}")


@dispatched
def filtered(x: Any, weights: Any, *, mode: str = "reflect", cval: float = 0.0, origin: tuple[int, ...]) -> Any:
    """`out[i] = sum_k weights[k] x[i + k - len(k) // 2 - origin]` in as many dimensions as x has; weights real."""
    from scipy import ndimage

    long = [axis for axis, n in enumerate(weights.shape) if n > 1]
    if len(long) > 1:
        return ndimage.correlate(x, weights, mode=mode, cval=cval, origin=origin)
    axis = long[0] if long else 0
    return ndimage.correlate1d(x, weights.reshape(-1), axis, mode=mode, cval=cval, origin=origin[axis])


def neighbours(shape: tuple[int, ...], sizes: tuple[int, ...], call: Call) -> np.ndarray:
    """The flat position of every neighbour of every element, of shape `shape + sizes`; -1 for none."""
    mode, origin, ndim = call.params.get("mode", "reflect"), call.params["origin"], len(shape)
    total, missing = np.zeros(shape + sizes, np.intp), np.zeros(shape + sizes, bool)
    for axis, (n, k, stride) in enumerate(zip(shape, sizes, c_strides(shape), strict=True)):
        offsets = np.arange(k) - k // 2 - origin[axis]
        found = extended(np.arange(n)[:, None] + offsets, n, mode)
        spread = [1] * (2 * ndim)
        spread[axis], spread[ndim + axis] = n, k
        total = total + (found * stride).reshape(spread)
        missing = missing | (found < 0).reshape(spread)
    return np.where(missing, -1, total)


def filtered_local_x(call: Call) -> Format:
    """The weights, once for each output."""
    shape, weights = call.shape(0), call.operands[1]
    sizes = np.shape(weights)
    cols = neighbours(shape, sizes, call)
    values = np.reshape(weights, (1,) * len(shape) + sizes)
    rows = IndexMap(cols.shape, call.out_shape, affine=(0, c_strides(shape) + (0,) * len(sizes)))
    if cols.size and cols.min() >= 0:
        return Entries(shape, call.out_shape, rows, IndexMap.of_positions(cols, shape), values)
    kept = np.flatnonzero(cols >= 0)
    values = np.reshape(np.broadcast_to(values, cols.shape), (-1,))[kept]
    return coo_entries(shape, call.out_shape, rows.flat[kept], cols.reshape(-1)[kept], values)


def filtered_local_weights(call: Call) -> Format:
    """The neighbourhoods, of which missing elements are `cval`."""
    x, sizes = call.operands[0], call.shape(1)
    at = neighbours(call.shape(0), sizes, call)
    values = np.where(at < 0, call.params.get("cval", 0.0), np.reshape(x, (-1,))[np.maximum(at, 0)])
    ndim = len(sizes)
    rows = IndexMap(at.shape, call.out_shape, affine=(0, c_strides(call.out_shape) + (0,) * ndim))
    cols = IndexMap(at.shape, sizes, affine=(0, (0,) * ndim + c_strides(sizes)))
    return Entries(sizes, call.out_shape, rows, cols, values)


# What SciPy calls them


def normalized(value: Any, n: int) -> list[Any]:
    """One value for each of n axes."""
    if isinstance(value, str) or np.ndim(value) == 0:
        return [value] * n
    values = list(value)
    if len(values) != n:
        raise RuntimeError(f"sequence argument must have length equal to the number of axes, {n}, got {len(values)}")
    return values


def axes_of(axes: Any, ndim: int) -> list[int]:
    """The axes that are filtered."""
    return list(range(ndim)) if axes is None else list(np.lib.array_utils.normalize_axis_tuple(axes, ndim))


def only_dtype(x: Any, output: Any) -> Any:
    """The array in the dtype asked for; arrays to write into are refused."""
    if output is None:
        return x
    if isinstance(output, np.ndarray) or not is_plain(output):
        raise UnsupportedFunctionError("output= cannot be an array here; assign the result: out[...] = filter(x)")
    if np.dtype(output).kind not in "fc":
        raise UnsupportedFunctionError(f"output={np.dtype(output)} would round; leave it away")
    return x.astype(output)


def given(x: Any, weights: Any) -> tuple[Any, Any]:
    """Operands as arrays; complex weights are refused."""
    weights = as_array(weights)
    if np.iscomplexobj(weights):
        raise UnsupportedFunctionError("complex weights have no derivative rule; filter by their parts")
    return as_array(x), weights if weights.dtype.kind == "f" else weights.astype(float)


def correlate(
    input: Any,
    weights: Any,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    """`scipy.ndimage.correlate`."""
    x, weights = given(input, weights)
    along = axes_of(axes, np.ndim(x))
    if np.ndim(weights) != len(along):
        raise RuntimeError(f"weights.ndim ({np.ndim(weights)}) must match len(axes) ({len(along)})")
    shape, origins = [1] * np.ndim(x), [0] * np.ndim(x)
    for axis, n, start in zip(along, np.shape(weights), normalized(origin, len(along)), strict=True):
        shape[axis], origins[axis] = n, operator.index(start)
        if not -(n // 2) <= origins[axis] <= (n - 1) // 2:
            raise ValueError(f"Invalid origin {start} of {n} weights")
    weights = np.reshape(np.transpose(weights, np.argsort(along)), shape)
    return only_dtype(filtered(x, weights, mode=mode, cval=cval, origin=tuple(origins)), output)


def convolve(input: Any, weights: Any, output: Any = None, mode: str = "reflect", cval: float = 0.0,
             origin: Any = 0, *, axes: Any = None) -> Any:  # fmt: skip
    """`scipy.ndimage.convolve`: the weights from their ends."""
    x, weights = given(input, weights)
    starts = normalized(origin, np.ndim(weights))
    starts = [-start - (n % 2 == 0) for start, n in zip(starts, np.shape(weights), strict=True)]
    return correlate(x, np.flip(weights), output, mode, cval, starts, axes=axes)


def correlate1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Any:
    """`scipy.ndimage.correlate1d`."""
    return correlate(input, weights, output, mode, cval, origin, axes=(axis,))


def convolve1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Any:
    """`scipy.ndimage.convolve1d`."""
    return convolve(input, weights, output, mode, cval, origin, axes=(axis,))


def gaussian_kernel(sigma: Any, order: int, radius: int) -> Any:
    """Samples of the normal density with sum one, or of its derivative: times a Hermite polynomial."""
    x = np.arange(-radius, radius + 1)
    density = np.exp(-0.5 / (sigma * sigma) * x**2)
    density = density / np.sum(density)
    powers: list[Any] = [1.0] + [0.0] * order
    for _ in range(order):  # q' - q x / sigma^2
        powers = [
            ((j + 1) * powers[j + 1] if j < order else 0.0) - (powers[j - 1] / (sigma * sigma) if j else 0.0)
            for j in range(order + 1)
        ]
    return density * sum(c * x**j for j, c in enumerate(powers)) if order else density


def gaussian_filter1d(
    input: Any,
    sigma: Any,
    axis: int = -1,
    order: int = 0,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    truncate: float = 4.0,
    *,
    radius: Any = None,
) -> Any:
    """`scipy.ndimage.gaussian_filter1d`, by its width too: as many samples as here."""
    if order < 0:
        raise ValueError("order must be non-negative")
    width = int(truncate * sigma + 0.5) if radius is None else operator.index(radius)
    if width < 0:
        raise ValueError("Radius must be a nonnegative integer.")
    kernel = np.flip(gaussian_kernel(sigma, order, width))
    return correlate1d(input, kernel, axis, output, mode, cval)


def gaussian_filter(
    input: Any,
    sigma: Any,
    order: Any = 0,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    truncate: float = 4.0,
    *,
    radius: Any = None,
    axes: Any = None,
) -> Any:
    """`scipy.ndimage.gaussian_filter`: one axis after the other."""
    x = only_dtype(as_array(input), output)
    along = axes_of(axes, np.ndim(x))
    each = (normalized(value, len(along)) for value in (sigma, order, mode, radius))
    for axis, width, k, kind, reach in zip(along, *each, strict=True):
        if width > 1e-15:
            x = gaussian_filter1d(x, width, axis, k, None, kind, cval, truncate, radius=reach)
    return x


def laplacian(second: Callable[[Any, int, str], Any], input: Any, output: Any, mode: Any, axes: Any) -> Any:
    """The sum of second derivatives along axes."""
    x = only_dtype(as_array(input), output)
    along = axes_of(axes, np.ndim(x))
    terms = [second(x, axis, kind) for axis, kind in zip(along, normalized(mode, len(along)), strict=True)]
    return sum(terms[1:], terms[0]) if terms else x


def laplace(input: Any, output: Any = None, mode: Any = "reflect", cval: float = 0.0, *, axes: Any = None) -> Any:
    """`scipy.ndimage.laplace`."""
    return laplacian(
        lambda x, axis, kind: correlate1d(x, [1, -2, 1], axis, None, kind, cval), input, output, mode, axes
    )


def gaussian_derivatives(x: Any, sigma: Any, order: int, mode: Any, cval: float, axes: Any, options: dict) -> list[Any]:
    """Derivatives of the smoothed array along each axis."""
    along = axes_of(axes, np.ndim(x))
    orders = [[order if other == axis else 0 for other in along] for axis in along]
    return [gaussian_filter(x, sigma, own, None, mode, cval, axes=tuple(along), **options) for own in orders]


def gaussian_laplace(
    input: Any,
    sigma: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    *,
    axes: Any = None,
    **kwargs: Any,
) -> Any:
    """`scipy.ndimage.gaussian_laplace`."""
    terms = gaussian_derivatives(only_dtype(as_array(input), output), sigma, 2, mode, cval, axes, kwargs)
    return sum(terms[1:], terms[0])


def gaussian_gradient_magnitude(
    input: Any,
    sigma: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    *,
    axes: Any = None,
    **kwargs: Any,
) -> Any:
    """`scipy.ndimage.gaussian_gradient_magnitude`."""
    terms = gaussian_derivatives(only_dtype(as_array(input), output), sigma, 1, mode, cval, axes, kwargs)
    return np.sqrt(sum(term * term for term in terms))


def edges(across: Sequence[int]) -> Callable[..., Any]:
    """Differences along one axis, sums along the others: Sobel's and Prewitt's filters."""

    def function(input: Any, axis: int = -1, output: Any = None, mode: Any = "reflect", cval: float = 0.0) -> Any:
        x = only_dtype(as_array(input), output)
        modes, (own,) = normalized(mode, np.ndim(x)), axes_of((axis,), np.ndim(x))
        x = correlate1d(x, [-1, 0, 1], own, None, modes[own], cval)
        for other in range(np.ndim(x)):
            x = x if other == own else correlate1d(x, across, other, None, modes[other], cval)
        return x

    return function


def uniform_filter1d(
    input: Any, size: int, axis: int = -1, output: Any = None, mode: str = "reflect", cval: float = 0.0, origin: int = 0
) -> Any:
    """`scipy.ndimage.uniform_filter1d`: equal weights."""
    if size < 1:
        raise RuntimeError("incorrect filter size")
    return correlate1d(input, np.full(size, 1 / size), axis, output, mode, cval, origin)


def uniform_filter(
    input: Any,
    size: Any = 3,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    """`scipy.ndimage.uniform_filter`: one axis after the other."""
    x = only_dtype(as_array(input), output)
    along = axes_of(axes, np.ndim(x))
    each = (normalized(value, len(along)) for value in (size, mode, origin))
    for axis, n, kind, start in zip(along, *each, strict=True):
        if n > 1:
            x = uniform_filter1d(x, int(n), axis, None, kind, cval, start)
    return x


# Interpolation between the elements, linearly


def corner_weights(at: Any, n: int, mode: str) -> list[tuple[Any, Any]]:
    """For positions along an axis of n elements: elements and their weights; -1 for `cval`."""
    if mode in ("constant", "nearest", "mirror", "reflect", "grid-constant", "grid-wrap", "grid-mirror"):
        left = np.floor(at)
        share = at - left
        left = left.astype(np.intp)
        return [(index(left, n=n, mode=mode), 1 - share), (index(left + 1, n=n, mode=mode), share)]
    raise UnsupportedFunctionError(f"map_coordinates: mode={mode!r} has no derivative rule; write mode='grid-wrap'")


@dispatched
def index(at: Any, *, n: int, mode: str) -> Any:
    """`extended` of a traced position."""
    return extended(at, n, mode)


@dispatched
def nearest(places: Any, *, shape: tuple[int, ...], mode: str) -> Any:
    """Which element SciPy takes for each position, counted from one; zero for none."""
    from scipy import ndimage

    counted = np.arange(1, math.prod(shape) + 1).reshape(shape)
    return ndimage.map_coordinates(counted, places, order=0, mode=mode, cval=0, prefilter=False)


def map_coordinates(
    input: Any,
    coordinates: Any,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: float = 0.0,
    prefilter: bool = True,
) -> Any:
    """`scipy.ndimage.map_coordinates` of order 0 or 1: elements nearby, times the distances to those across."""
    x, places = only_dtype(as_array(input), output), as_array(coordinates)
    if order not in (0, 1):
        raise UnsupportedFunctionError(
            f"map_coordinates: splines of order={order} have no derivative rule; write order=1, or call a "
            "scipy.interpolate.RegularGridInterpolator"
        )
    if np.shape(places)[0] != np.ndim(x):
        raise RuntimeError("invalid shape for coordinate array")
    flat = np.concatenate([np.full(1, cval, x.dtype), np.reshape(x, (-1,))])
    if order == 0:
        return flat[nearest(places, shape=np.shape(x), mode=mode)]
    inside: Any = True
    total: Any = [(np.zeros(np.shape(places)[1:], np.intp), 1.0, False)]
    for axis, (n, stride) in enumerate(zip(np.shape(x), c_strides(np.shape(x)), strict=True)):
        at = places[axis]
        if mode == "constant":
            inside = inside & np.greater_equal(at, 0) & np.less_equal(at, n - 1)
        corners = corner_weights(at, n, mode)
        total = [
            (position + np.maximum(here, 0) * stride, weight * share, outside | np.less(here, 0))
            for position, weight, outside in total
            for here, share in corners
        ]
    values = sum(weight * flat[np.where(outside, 0, position + 1)] for position, weight, outside in total)
    return as_dtype(np.where(inside, values, cval) if mode == "constant" else values, x.dtype)


# Resampling of a grid by constant amounts: one sparse matrix for each axis


def along_axes(x: Any, one: Callable[[np.ndarray, int], np.ndarray]) -> Any:
    """The map of vectors `one(vector, axis)`, linear with constant coefficients, along each axis in turn."""
    from scipy import sparse

    for axis, n in enumerate(np.shape(x)):
        matrix = np.stack([one(unit, axis) for unit in np.eye(n)], axis=-1) if n else np.zeros((0, 0))
        moved = np.moveaxis(x, axis, 0)
        out = before_sparse(np.reshape(moved, (n, -1)), matrix=sparse.csr_array(matrix))
        x = np.moveaxis(np.reshape(out, (matrix.shape[0], *np.shape(moved)[1:])), 0, axis)
    return x


def resampling(name: str) -> Rule:
    """The rule of `shift` and `zoom`, by a constant amount for each axis."""

    def function(
        input: Any,
        amount: Any,
        output: Any = None,
        order: int = 3,
        mode: str = "constant",
        cval: float = 0.0,
        prefilter: bool = True,
        **options: Any,
    ) -> Any:
        from scipy import ndimage

        amount, cval = constant_value(amount), constant_value(cval)
        if amount is None or cval is None:
            raise UnsupportedFunctionError(f"{name}: no derivative with respect to its amount; hold it constant")
        x, whole = only_dtype(as_array(input), output), getattr(ndimage, name)
        amounts = normalized(amount, np.ndim(x))
        settings = {"order": order, "mode": mode, "prefilter": prefilter, **options}
        out = along_axes(x, lambda unit, axis: whole(unit, amounts[axis], **settings))
        constant_part = whole(np.zeros(np.shape(x)), amount, cval=cval, **settings) if cval else 0
        return as_dtype(out + constant_part, x.dtype)

    return composed(function)


RULES: dict[Any, Rule] = {
    filtered: structured(filtered_local_x, filtered_local_weights),
    "scipy.ndimage:correlate": composed(correlate),
    "scipy.ndimage:convolve": composed(convolve),
    "scipy.ndimage:correlate1d": composed(correlate1d),
    "scipy.ndimage:convolve1d": composed(convolve1d),
    "scipy.ndimage:gaussian_filter1d": composed(gaussian_filter1d),
    "scipy.ndimage:gaussian_filter": composed(gaussian_filter),
    "scipy.ndimage:laplace": composed(laplace),
    "scipy.ndimage:gaussian_laplace": composed(gaussian_laplace),
    "scipy.ndimage:gaussian_gradient_magnitude": composed(gaussian_gradient_magnitude),
    "scipy.ndimage:sobel": composed(edges([1, 2, 1])),
    "scipy.ndimage:prewitt": composed(edges([1, 1, 1])),
    "scipy.ndimage:uniform_filter1d": composed(uniform_filter1d),
    "scipy.ndimage:uniform_filter": composed(uniform_filter),
    index: constant(),
    nearest: constant(),
    "scipy.ndimage:map_coordinates": composed(map_coordinates),
    "scipy.ndimage:shift": resampling("shift"),
    "scipy.ndimage:zoom": resampling("zoom"),
}
