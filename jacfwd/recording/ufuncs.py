"""Ufuncs called on Tracers, their methods (`reduce accumulate outer reduceat at`), and functions that write."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.dispatch import is_tracer
from jacfwd.locations import describe, here
from jacfwd.recording.apply import SPECIAL, apply, call_function, unsupported, write_out
from jacfwd.rules import find

__all__ = ["call"]

REDUCE: dict[np.ufunc, Callable] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_or: np.any,
    np.logical_and: np.all,
}
ACCUMULATE: dict[np.ufunc, Callable] = {np.add: np.cumsum, np.multiply: np.cumprod}


def call(ufunc: np.ufunc, method: str, inputs: tuple, kwargs: dict) -> Any:
    """Do what `getattr(ufunc, method)(*inputs, **kwargs)` does."""
    if method == "__call__":
        return _call(ufunc, inputs, kwargs)
    return METHODS[method](ufunc, *inputs, **kwargs)


def _call(ufunc: np.ufunc, inputs: tuple, kwargs: dict) -> Any:
    primitive = find(ufunc)
    if primitive is None:
        raise unsupported(ufunc)
    if not kwargs:
        return primitive.rewrite(*inputs) if primitive.rewrite is not None else apply(primitive, inputs, {})
    params = dict(kwargs)
    out, where = params.pop("out", None), params.pop("where", True)
    if not any(is_tracer(x) for x in inputs):
        # Only `out` (or `where`) is traced: the values are plain.
        result = ufunc(*inputs, **params)
    elif primitive.rewrite is not None:
        result = primitive.rewrite(*inputs, **params)
    else:
        result = apply(primitive, inputs, params)
    if where is not True:
        if out is None:
            raise UnsupportedFunctionError(
                f"{ufunc.__name__} with where= and without out= leaves elements undefined, at {describe(here())}; "
                "give out=, or use np.where"
            )
        result = np.where(where, result, out[0])
    if out is None or type(out) is tuple and all(o is None for o in out):
        return result
    if type(result) is tuple:
        return tuple(r if o is None else write_out(o, r) for r, o in zip(result, out, strict=True))
    return write_out(out, result)


def rebound(ufunc: np.ufunc, inputs: tuple, kwargs: dict) -> Any:
    """`a += x` where `a` is a plain array with one holder: the holder gets a new array."""
    target = kwargs["out"][0]
    result = _call(ufunc, inputs, {key: value for key, value in kwargs.items() if key != "out"})
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise TypeError(
            f"Cannot cast ufunc '{ufunc.__name__}' output from {result.dtype} to {target.dtype} with casting rule "
            "'same_kind'"
        )
    if np.shape(result) != target.shape:
        raise ValueError(f"non-broadcastable output operand with shape {target.shape}")
    return result if result.dtype == target.dtype else result.astype(target.dtype)


def _reduce(ufunc: np.ufunc, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False,
            initial: Any = np._NoValue, where: Any = True) -> Any:  # fmt: skip
    if ufunc not in REDUCE:
        raise unsupported_method(ufunc, "reduce")
    kwargs: dict[str, Any] = {"axis": axis}
    if dtype is not None:
        kwargs["dtype"] = dtype
    if keepdims:
        kwargs["keepdims"] = keepdims
    if initial is not np._NoValue and initial is not None:
        kwargs["initial"] = initial
    if where is not True:
        kwargs["where"] = where
    if is_tracer(array):
        result = REDUCE[ufunc](array, **kwargs)
    else:
        result = call_function(REDUCE[ufunc], (array,), kwargs) if _traced(kwargs) else REDUCE[ufunc](array, **kwargs)
    return result if out is None else write_out(out, result)


def _traced(kwargs: dict) -> bool:
    return any(is_tracer(value) for value in kwargs.values())


def _accumulate(ufunc: np.ufunc, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    if ufunc in ACCUMULATE:
        result = ACCUMULATE[ufunc](array, axis=axis, dtype=dtype)
    else:
        moved = np.moveaxis(array, axis, 0)
        rows = [moved[0]] if len(moved) else []
        for row in moved[1:] if len(moved) else ():
            rows.append(ufunc(rows[-1], row))
        result = np.moveaxis(np.stack(rows), 0, axis) if rows else array.copy()
    return result if out is None else write_out(out, result)


def _outer(ufunc: np.ufunc, a: Any, b: Any, **kwargs: Any) -> Any:
    a, b = (x if is_tracer(x) else np.asarray(x) for x in (a, b))
    return ufunc(np.reshape(a, (*a.shape, *(1,) * b.ndim)), b, **kwargs)


def _reduceat(ufunc: np.ufunc, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    if ufunc is not np.add:
        raise unsupported_method(ufunc, "reduceat")
    starts = [int(k) for k in np.asarray(indices)]
    moved = np.moveaxis(array, axis, 0)
    ends = [*starts[1:], len(moved)]
    rows = [np.sum(moved[a:b], axis=0) if a < b else moved[a] for a, b in zip(starts, ends, strict=True)]
    result = np.moveaxis(np.stack(rows), 0, axis)
    result = result if dtype is None else result.astype(dtype)
    return result if out is None else write_out(out, result)


def _at(ufunc: np.ufunc, target: Any, indices: Any, *values: Any) -> None:
    """`ufunc.at`: as if element by element; sums of what meets for add and subtract."""
    if not is_tracer(target):
        write_out(target, None)
    if ufunc in (np.add, np.subtract) and target.dtype.kind == "f":
        positions = np.arange(target.size).reshape(target.shape)[indices]
        spread = np.reshape(np.broadcast_to(values[0], positions.shape), (-1,))
        if not is_tracer(spread) or spread.dtype.kind != "c":
            sums = np.bincount(positions.reshape(-1), weights=spread, minlength=target.size)
            target[...] = ufunc(target, np.reshape(sums, target.shape))
            return
    if not values:
        target[indices] = ufunc(target[indices])
        return
    flat = np.arange(target.size).reshape(target.shape)[indices]
    spread = np.broadcast_to(values[0], flat.shape)
    for k in np.ndindex(flat.shape):
        at = np.unravel_index(flat[k], target.shape)
        target[at] = ufunc(target[at], spread[k])


METHODS: dict[str, Callable] = {
    "reduce": _reduce,
    "accumulate": _accumulate,
    "outer": _outer,
    "reduceat": _reduceat,
    "at": _at,
}


def unsupported_method(ufunc: np.ufunc, method: str) -> UnsupportedFunctionError:
    """The error for a ufunc's method without a rule."""
    return UnsupportedFunctionError(f"np.{ufunc.__name__}.{method} has no derivative rule, at {describe(here())}")


# Functions that write into their first argument


def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    write_out(dst, np.broadcast_to(src, dst.shape) if where is True else np.where(where, src, dst))


def _put(a: Any, ind: Any, v: Any, mode: Any = "raise") -> None:
    if not is_tracer(a):
        write_out(a, None)
    flat = np.arange(a.size)
    at = np.take(flat, np.asarray(ind).reshape(-1), mode=mode)
    values = np.reshape(v, (-1,))
    if len(at):
        _flat_view(a, at, np.resize(values, at.shape) if values.shape != at.shape else values)


def _flat_view(a: Any, at: np.ndarray, values: Any) -> None:
    """Write at flat C-order positions."""
    a[np.unravel_index(at, a.shape)] = values


def _place(arr: Any, mask: Any, vals: Any) -> None:
    at = np.flatnonzero(np.asarray(mask))
    _put(arr, at, vals)


def _putmask(a: Any, mask: Any, values: Any) -> None:
    at = np.flatnonzero(np.asarray(mask))
    spread = np.reshape(values, (-1,))
    _put(a, at, spread[at % len(spread)])


def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    if not is_tracer(a):
        write_out(a, None)
    positions = np.arange(a.size).reshape(a.shape)
    marks = np.zeros(a.shape, bool)
    np.fill_diagonal(marks, True, wrap)
    _put(a, positions[marks], val)


def _put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    if not is_tracer(arr):
        write_out(arr, None)
    positions = np.arange(arr.size).reshape(arr.shape)
    at = np.take_along_axis(positions, np.asarray(indices), axis)
    _flat_view(arr, at, np.broadcast_to(values, at.shape))


SPECIAL |= {
    np.copyto: _copyto,
    np.put: _put,
    np.place: _place,
    np.putmask: _putmask,
    np.fill_diagonal: _fill_diagonal,
    np.put_along_axis: _put_along_axis,
}
