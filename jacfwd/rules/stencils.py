"""Derivatives by differences on a grid: `np.gradient` as sums of slices, with weights that steps decide."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import as_array, as_dtype, is_plain
from jacfwd.primitive import Rule, composed

__all__ = ["RULES"]


def steps_between(points: Any, length: int) -> Any:
    """The distances of grid points; one number where constant points are evenly spaced, as NumPy sees it.

    Traced points keep their distances apart: each of them may change by itself.
    """
    if not np.ndim(points):
        return points
    if points.ndim != 1:
        raise ValueError(f"gradient: distances must be numbers or of shape (n,), got {points.shape}")
    if len(points) != length:
        raise ValueError(f"gradient: {length} points are needed along this axis, got {len(points)}")
    steps = np.diff(points.astype(float) if points.dtype.kind in "iu" else points)
    return steps[0] if is_plain(steps) and np.all(steps == steps[0]) else steps


def spacings(f: Any, axes: tuple[int, ...], given: tuple[Any, ...]) -> list[Any]:
    """For each axis a number, or the distances between its points."""
    if not given:
        return [1.0] * len(axes)
    if len(given) == 1 and np.ndim(given[0]) == 0:
        return list(given) * len(axes)
    if len(given) != len(axes):
        raise TypeError(f"gradient: {len(axes)} axes need as many spacings, or one number, got {len(given)}")
    return [steps_between(points, f.shape[axis]) for points, axis in zip(given, axes, strict=True)]


def inner_weights(before: Any, after: Any) -> tuple[Any, Any, Any]:
    """Of the three neighbours of a point between steps of two lengths: second order."""
    both = before + after
    return -after / (before * both), (after - before) / (before * after), before / (after * both)


def first_weights(near: Any, far: Any) -> tuple[Any, Any, Any]:
    """Of the first three points, for the first of them: second order."""
    both = near + far
    return -(2.0 * near + far) / (near * both), both / (near * far), -near / (far * both)


def weighted(weights: tuple[Any, Any, Any], x: Any, y: Any, z: Any) -> Any:
    """`a x + b y + c z`."""
    a, b, c = weights
    return a * x + b * y + c * z


def first_order_edges(at: Callable[[Any], Any], steps: Any) -> tuple[Any, Any]:
    """Differences of the two points at either end."""
    ends = (steps, steps) if np.ndim(steps) == 0 else (steps[0], steps[-1])
    return (at(slice(1, 2)) - at(slice(0, 1))) / ends[0], (at(slice(-1, None)) - at(slice(-2, -1))) / ends[1]


def second_order_edges(at: Callable[[Any], Any], steps: Any) -> tuple[Any, Any]:
    """Differences of the three points at either end."""
    if np.ndim(steps) == 0:
        first, last = (-1.5 / steps, 2.0 / steps, -0.5 / steps), (0.5 / steps, -2.0 / steps, 1.5 / steps)
    else:
        first = first_weights(steps[0], steps[1])
        c, b, a = first_weights(steps[-1], steps[-2])
        last = -a, -b, -c
    start = [at(slice(k, k + 1)) for k in range(3)]
    end = [at(slice(-3, -2)), at(slice(-2, -1)), at(slice(-1, None))]
    return weighted(first, *start), weighted(last, *end)


def along(f: Any, axis: int, steps: Any, edge_order: int) -> Any:
    """The derivative along one axis, in the dtype of f."""
    if f.shape[axis] < edge_order + 1:
        raise ValueError(f"gradient: at least {edge_order + 1} points are needed along axis {axis}")

    def at(part: slice) -> Any:
        return f[(slice(None),) * axis + (part,)]

    if np.ndim(steps) == 0:
        inner = (at(slice(2, None)) - at(slice(None, -2))) / (2.0 * steps)
    else:
        shape = (-1,) + (1,) * (f.ndim - axis - 1)
        a, b, c = (np.reshape(w, shape) for w in inner_weights(steps[:-1], steps[1:]))
        inner = weighted((a, b, c), at(slice(None, -2)), at(slice(1, -1)), at(slice(2, None)))
    first, last = (first_order_edges if edge_order == 1 else second_order_edges)(at, steps)
    return as_dtype(np.concatenate([first, inner, last], axis=axis), f.dtype)


def laid_like(f: Any, out: Any) -> Any:
    """An array of the same shape whose axes have the order in memory that those of f have, as `np.empty_like` does."""
    strides = np.empty_like(f).strides
    order = sorted(range(f.ndim), key=lambda k: -strides[k])
    return np.transpose(np.transpose(out, order).copy(), np.argsort(order)) if order != list(range(f.ndim)) else out


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """`np.gradient`: one derivative, or a tuple of them for several axes."""
    f = as_array(f)
    f = f.astype(float) if f.dtype.kind in "iu" else f
    axes = tuple(range(f.ndim)) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, f.ndim)
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order must be 1 or 2, got {edge_order}")
    # Numbers stay what they are: they leave the dtype of f alone.
    given = tuple(as_array(points) if isinstance(points, list | tuple) else points for points in varargs)
    found = [along(f, k, steps, edge_order) for k, steps in zip(axes, spacings(f, axes, given), strict=True)]
    if not f.flags.c_contiguous:  # it lies in memory as f does
        found = [laid_like(f, each) for each in found]
    return found[0] if len(found) == 1 else tuple(found)


RULES: dict[Any, Rule] = {np.gradient: composed(gradient)}
