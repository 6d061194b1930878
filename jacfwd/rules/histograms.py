"""Histograms: counts are constant, sums of weights and the edges that data decide are not."""

import builtins
import functools
import math
from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.dispatch import as_array, is_plain, is_tracer
from jacfwd.primitive import Rule, composed
from jacfwd.rules.ranges import linspace

__all__ = ["RULES"]


def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """`np.histogram_bin_edges`: those given, or evenly spaced ones from the least element to the largest."""
    a = as_array(a)
    if isinstance(bins, str):
        if not is_plain(a):
            raise UnsupportedFunctionError(
                f"histogram: bins={bins!r} depends on values; give a number of bins, or edges"
            )
        return np.histogram_bin_edges(a, bins, range)
    if np.ndim(bins):
        edges = as_array(bins)
        if np.ndim(edges) != 1 or np.any(edges[1:] < edges[:-1]):
            raise ValueError("`bins` must increase monotonically, when an array")
        return edges
    if bins < 1:
        raise ValueError("`bins` must be positive, when an integer")
    low, high = (0.0, 1.0) if a.size == 0 else (np.min(a), np.max(a))
    low, high = (low, high) if range is None else range
    if low > high or not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"histogram: the range [{low}, {high}] must be finite and in order")
    if low == high:
        low, high = low - 0.5, high + 0.5
    return linspace(low, high, int(bins) + 1)


def bins_of(a: Any, edges: Any) -> Any:
    """Which bin each element falls into, the last for its right edge too; their number for those outside."""
    n = len(edges) - 1
    at = np.searchsorted(edges, a, side="right") - 1
    at = np.where(np.equal(a, edges[-1]), n - 1, at)
    return np.asarray(np.where((at < 0) | (at >= n), n, at))


def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """`np.histogram`: which bin an element falls into is relied on where weights are summed."""
    a, edges = np.ravel(as_array(a)), histogram_bin_edges(a, bins, range)
    n = len(edges) - 1
    at = bins_of(a, edges)
    if weights is None:
        found = np.bincount(at, minlength=n + 1)[:n]
    else:
        weights = as_array(weights)
        if np.size(weights) != len(a):
            raise ValueError("weights should have the same shape as a.")
        if np.iscomplexobj(weights):
            raise UnsupportedFunctionError("histogram: complex weights have no derivative rule; sum the parts apart")
        found = np.bincount(at, np.ravel(weights), n + 1)[:n]
        found = found.astype(weights.dtype)
    if density:
        return found / np.diff(edges) / np.sum(found), edges
    return found, edges


def histogramdd(sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """`np.histogramdd` of points `(n, d)`, or of d rows of coordinates."""
    if is_tracer(sample) or isinstance(sample, np.ndarray):
        sample = np.reshape(sample, (-1, 1)) if np.ndim(sample) == 1 else sample
        parts = [sample[:, k] for k in builtins.range(np.shape(sample)[1])]
    else:
        parts = [as_array(part) for part in sample]
    d = len(parts)
    each = [bins] * d if isinstance(bins, int | np.integer) else list(bins)
    ranges = [None] * d if range is None else list(range)
    if len(each) != d or len(ranges) != d:
        raise ValueError(f"histogramdd: bins and range must be given for each of {d} dimensions")
    edges = [histogram_bin_edges(*given) for given in zip(parts, each, ranges, strict=True)]
    shape = tuple(len(own) - 1 for own in edges)
    places = [bins_of(part, own) for part, own in zip(parts, edges, strict=True)]
    inside = functools.reduce(np.logical_and, (np.less(at, n) for at, n in zip(places, shape, strict=True)))
    total = math.prod(shape)
    flat: Any = 0
    for at, n in zip(places, shape, strict=True):
        flat = flat * n + at
    flat = np.asarray(np.where(inside, flat, total))
    weights = None if weights is None else np.ravel(as_array(weights)) * 1.0
    counted = np.bincount(flat, minlength=total + 1) if weights is None else np.bincount(flat, weights, total + 1)
    found = np.reshape(counted[:total], shape) * 1.0
    if density:
        sizes = [np.reshape(np.diff(own), (-1,) + (1,) * (d - 1 - k)) for k, own in enumerate(edges)]
        found = found / functools.reduce(np.multiply, sizes) / np.sum(found)
    return found, tuple(edges)


def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> tuple[Any, Any, Any]:
    """`np.histogram2d`."""
    x, y = as_array(x), as_array(y)
    if len(x) != len(y):
        raise ValueError("x and y must have the same length.")
    shared = not isinstance(bins, int | np.integer) and len(bins) not in (1, 2)
    found, edges = histogramdd([x, y], [bins, bins] if shared else bins, range, density, weights)
    return found, edges[0], edges[1]


RULES: dict[Any, Rule] = {
    np.histogramdd: composed(histogramdd, sequence=True),
    np.histogram2d: composed(histogram2d, sequence=True),
    np.histogram_bin_edges: composed(histogram_bin_edges),
    np.histogram: composed(histogram),
}
