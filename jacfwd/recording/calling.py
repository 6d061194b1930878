"""NumPy functions that call functions of the user's, which may do anything with traced rows; and what trims zeros."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.recording.apply import SPECIAL, boxed, stacked, unboxed

__all__ = ["by_elements", "is_python"]


def is_python(ufunc: np.ufunc) -> bool:
    """Whether a ufunc was made of a Python function, by `np.frompyfunc`."""
    return all(set(kinds) <= set("O->") for kinds in ufunc.types)


def by_elements(ufunc: np.ufunc, inputs: tuple, kwargs: dict) -> Any:
    """A ufunc of a Python function, called for one element after the other; numbers come back as a traced array."""
    found = ufunc(*map(boxed, inputs), **kwargs)
    return tuple(map(unboxed, found)) if type(found) is tuple else unboxed(found)


def _apply_along_axis(func1d: Callable, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    arr = stacked(arr)
    if not -arr.ndim <= axis < arr.ndim:
        raise np.exceptions.AxisError(axis, arr.ndim)
    rows = np.moveaxis(arr, axis, -1)
    where = list(np.ndindex(rows.shape[:-1]))
    if not where:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    found = np.stack([stacked(func1d(rows[at], *args, **kwargs)) for at in where])
    inner = found.ndim - 1
    found = np.reshape(found, (*rows.shape[:-1], *found.shape[1:]))
    # The axes that the function returned stand where its argument's axis stood.
    axis %= arr.ndim
    return np.moveaxis(found, tuple(range(-inner, 0)), tuple(range(axis, axis + inner)))


def _apply_over_axes(func: Callable, a: Any, axes: Any) -> Any:
    value = stacked(a)
    for axis in np.atleast_1d(axes):
        axis = int(axis) % np.ndim(value)
        found = func(value, axis)
        value = found if np.ndim(found) == np.ndim(value) else np.expand_dims(found, axis)
        if np.ndim(value) != np.ndim(a):
            raise ValueError("function is not returning an array of the correct shape")
    return value


def _trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """`np.trim_zeros`: which elements are zero is relied on."""
    x, sides = stacked(filt), trim.lower()
    if not sides or set(sides) - set("fb"):
        raise ValueError(f"unexpected character(s) in `trim`: {trim!r}")
    # Not dispatched: the mask is a plain one.
    kept = np.argwhere(np.asarray(np.not_equal(x, 0)))
    low, high = (kept.min(0), kept.max(0) + 1) if len(kept) else (np.array(x.shape), np.array(x.shape))
    if not len(kept) and "f" not in sides:
        low, high = np.zeros(x.ndim, int), np.zeros(x.ndim, int)
    axes = range(x.ndim) if axis is None else [k % x.ndim for k in np.atleast_1d(axis)]
    key = [slice(None)] * x.ndim
    for k in axes:
        key[k] = slice(low[k] if "f" in sides else None, high[k] if "b" in sides else None)
    return x[tuple(key)]


SPECIAL |= {
    np.apply_along_axis: _apply_along_axis,
    np.apply_over_axes: _apply_over_axes,
    np.trim_zeros: _trim_zeros,
}
