"""Histograms: counts are constant, sums of weights and the edges that data decide are not."""

from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.dispatch import as_array, is_plain
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


def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """`np.histogram`: which bin an element falls into is relied on where weights are summed."""
    a, edges = np.ravel(as_array(a)), histogram_bin_edges(a, bins, range)
    n = len(edges) - 1
    at = np.searchsorted(edges, a, side="right") - 1
    at = np.where(np.equal(a, edges[-1]), n - 1, at)
    at = np.asarray(np.where((at < 0) | (at >= n), n, at))
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


RULES: dict[Any, Rule] = {
    np.histogram_bin_edges: composed(histogram_bin_edges),
    np.histogram: composed(histogram),
}
