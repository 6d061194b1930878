"""Rules of `np.pad`: what surrounds an array is moved there, or computed from it axis by axis."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import as_array, dispatched
from jacfwd.primitive import Rule, composed, moves

__all__ = ["RULES"]

MOVED = ("constant", "edge", "reflect", "symmetric", "wrap")
STATISTICS: dict[str, Callable] = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}
PAD = "array, constant_values=0, *, pad_width, mode"


@dispatched
def surrounded(array: Any, constant_values: Any = 0, *, pad_width: Any, mode: Any) -> Any:
    """`np.pad` in the modes that only move elements and constants."""
    options = {"constant_values": constant_values} if mode == "constant" else {}
    return np.pad(array, pad_width, mode, **options)


def pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    """`np.pad`: what cannot be moved is computed one axis after the other."""
    array = as_array(array)
    if callable(mode):
        return by_function(array, pad_width, mode, options)
    # NumPy's own complaints, on an array that takes no memory.
    plain = {name: value if name in ("stat_length", "reflect_type") else 0 for name, value in options.items()}
    tiny: Any = np.broadcast_to(np.int8(0), [min(n, 2) for n in array.shape])
    np.pad(tiny, pad_width, mode, **plain)
    if mode == "empty":
        # What NumPy leaves there means nothing.
        return surrounded(array, pad_width=pad_width, mode="constant")
    if mode in MOVED and options.get("reflect_type", "even") == "even":
        constants = [as_array(options["constant_values"])] if "constant_values" in options else []
        return surrounded(array, *constants, pad_width=pad_width, mode=mode)
    if not array.size:
        return surrounded(array, pad_width=pad_width, mode="edge")
    padded = array
    for axis, width in enumerate(widths(array.ndim, pad_width)):
        if any(width):
            padded = np.concatenate(along(padded, axis, width, mode, options), axis=axis, dtype=array.dtype)
    return np.copy(padded) if padded is array else padded


def widths(ndim: int, pad_width: Any) -> list[tuple[int, int]]:
    """How much is put before and after along each axis."""
    mark = np.pad(np.ones((1,) * ndim, bool), pad_width)
    before = [int(k) for k in np.argwhere(mark)[0]]
    return [(k, n - 1 - k) for k, n in zip(before, mark.shape, strict=True)]


def pair(value: Any, axis: int, ndim: int) -> Any:
    """What a parameter says of the two sides of an axis."""
    return np.broadcast_to(as_array(value), (ndim, 2))[axis]


def along(x: Any, axis: int, width: tuple[int, int], mode: str, options: dict[str, Any]) -> list[Any]:
    """The array and what stands before and after it along one axis."""
    if mode in STATISTICS:
        lengths = pair(options.get("stat_length"), axis, x.ndim)
        sides = [statistic(x, axis, width[k], k, lengths[k], STATISTICS[mode]) for k in (0, 1)]
    elif mode == "linear_ramp":
        ends = pair(options.get("end_values", 0), axis, x.ndim)
        sides = [ramp(x, axis, width[k], k, ends[k]) for k in (0, 1)]
    elif x.shape[axis] == 1:
        sides = [np.repeat(x, n, axis) for n in width]
    else:
        return [reflected(x, axis, width, mode == "symmetric")]
    return [sides[0], x, sides[1]]


def part(x: Any, axis: int, start: int, stop: int) -> Any:
    """A slice along an axis."""
    return x[(*(slice(None),) * axis, slice(start, stop))]


def edge(x: Any, axis: int, side: int) -> Any:
    """The first (0) or the last (1) slice along an axis."""
    return part(x, axis, *((0, 1) if side == 0 else (x.shape[axis] - 1, x.shape[axis])))


def statistic(x: Any, axis: int, width: int, side: int, length: Any, function: Callable) -> Any:
    """A function of the slices nearest to a side, repeated."""
    n = x.shape[axis]
    length = n if length is None else min(int(length), n)
    if length == 0 and function in (np.max, np.min):
        raise ValueError("stat_length of 0 yields no value for padding")
    near = part(x, axis, 0, length) if side == 0 else part(x, axis, n - length, n)
    value = function(near, axis=axis, keepdims=True)
    return np.repeat(typed(np.round(value) if x.dtype.kind in "iu" else value, x.dtype), width, axis)


def ramp(x: Any, axis: int, width: int, side: int, end: Any) -> Any:
    """Even steps from a value at the end to the edge of the array, which they do not reach."""
    inner = edge(x, axis, side)
    count = np.reshape(np.arange(width * 1.0), [-1 if k == axis else 1 for k in range(x.ndim)])
    count = count.astype(np.result_type(inner, end, 1.0))
    out = count * (np.subtract(inner, end) / max(width, 1)) + end
    out = typed(np.floor(out) if x.dtype.kind in "iu" else out, x.dtype)
    return np.flip(out, axis) if side else out


def typed(value: Any, dtype: np.dtype) -> Any:
    """A value in the dtype of the array that it stands beside."""
    return value if value.dtype == dtype else value.astype(dtype)


def reflected(x: Any, axis: int, width: tuple[int, int], with_edge: bool) -> Any:
    """The array mirrored at its edges in place and in value, again and again until the width is reached."""
    (left, right), period = width, x.shape[axis] - (0 if with_edge else 1)
    while left > 0 or right > 0:
        n = x.shape[axis]
        most = (n if with_edge else n - 1) // period * period
        skipped = 0 if with_edge else 1
        before, after = min(most, left), min(most, right)
        x = np.concatenate(
            [
                2 * edge(x, axis, 0) - np.flip(part(x, axis, skipped, skipped + before), axis),
                x,
                2 * edge(x, axis, 1) - np.flip(part(x, axis, n - skipped - after, n - skipped), axis),
            ],
            axis=axis,
        )
        left, right = left - before, right - after
    return x


def by_function(array: Any, pad_width: Any, function: Callable, options: dict[str, Any]) -> Any:
    """Every vector along every axis, surrounded by zeros, is handed to a function that writes into it."""
    padded = np.copy(surrounded(array, pad_width=pad_width, mode="constant"))
    for axis, width in enumerate(widths(padded.ndim, pad_width)):
        rows = np.moveaxis(padded, axis, -1)
        for place in np.ndindex(rows.shape[:-1]):
            function(rows[(*place, ...)], np.array(width), axis, options)
    return padded


RULES: dict[Any, Rule] = {
    surrounded: moves().on("array", "constant_values", signature=PAD),
    np.pad: composed(pad),
}
