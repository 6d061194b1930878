"""Functions that call functions of the user's on parts of an array: the parts are traced, and put together again."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jacfwd.errors import TracerConversionError
from jacfwd.formats.dispatch import as_array, is_plain
from jacfwd.primitive import Rule, composed

__all__ = ["RULES"]


def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """`np.piecewise`: each function gets the elements that its condition picks; where the last one holds counts."""
    x = as_array(x)
    conditions = [as_array(condition) for condition in conditions_of(condlist, x)]
    if len(conditions) == len(funclist) - 1:
        conditions.append(~np.any(np.stack(conditions), axis=0))
    elif len(conditions) != len(funclist):
        n = len(conditions)
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    out = np.zeros(x.shape, x.dtype)
    for condition, function in zip(conditions, funclist, strict=True):
        mask = np.broadcast_to(np.asarray(condition, dtype=bool), x.shape)
        if not mask.any():
            continue
        values = function(x[mask], *args, **kw) if callable(function) else function
        out = filled(out, mask, as_array(values))
    return out


def conditions_of(condlist: Any, x: Any) -> list[Any]:
    """The conditions one by one; a single one need be no list."""
    single = np.ndim(condlist) == 0 or (np.ndim(condlist[0]) == 0 and np.ndim(x) != 0)
    return [condlist] if single else list(condlist)


def filled(out: Any, mask: np.ndarray, values: Any) -> Any:
    """`out` with values at the places of a mask, in its dtype."""
    if not is_plain(values) and out.dtype.kind not in "fc":
        raise TracerConversionError(
            f"np.piecewise of an array of {out.dtype} makes one of {out.dtype}, which cannot hold a derivative; give "
            "it an array of floats"
        )
    values = values if values.dtype == out.dtype else values.astype(out.dtype)
    places = np.cumsum(mask.reshape(-1)).reshape(mask.shape) - 1
    spread = np.broadcast_to(values, (int(mask.sum()),))[np.where(mask, places, 0)]
    return np.where(mask, spread, out)


def apply_along_axis(func1d: Callable, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """`np.apply_along_axis`: the results, in the dtype of the first, take the place of the axis."""
    arr = as_array(arr)
    (axis,) = np.lib.array_utils.normalize_axis_tuple(axis, arr.ndim)
    last = np.moveaxis(arr, axis, -1)
    rest = last.shape[:-1]
    places = list(np.ndindex(rest))
    if not places:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    found = [as_array(func1d(last[(*place, ...)], *args, **kwargs)) for place in places]
    if any(np.shape(out) != np.shape(found[0]) for out in found):
        raise ValueError(f"apply_along_axis: results of shapes {sorted({np.shape(out) for out in found})}")
    dtype = found[0].dtype
    stacked = np.stack([out if out.dtype == dtype else out.astype(dtype) for out in found])
    whole = np.reshape(stacked, rest + np.shape(found[0]))
    ndim, own = whole.ndim, np.ndim(found[0])
    order = [*range(axis), *range(ndim - own, ndim), *range(axis, ndim - own)]
    return np.transpose(whole, order)[()] if ndim else whole


def apply_over_axes(func: Callable, a: Any, axes: Any) -> Any:
    """`np.apply_over_axes`: one axis after the other, kept with length one where the function drops it."""
    a = as_array(a)
    ndim = a.ndim
    for axis in np.atleast_1d(np.asarray(axes)):
        axis = int(axis) + ndim if axis < 0 else int(axis)
        found = func(a, axis)
        if np.ndim(found) != ndim:
            found = np.expand_dims(found, axis)
            if np.ndim(found) != ndim:
                raise ValueError("function is not returning an array of the correct shape")
        a = found
    return a


RULES: dict[Any, Rule] = {
    np.piecewise: composed(piecewise),
    np.apply_along_axis: composed(apply_along_axis),
    np.apply_over_axes: composed(apply_over_axes),
}
