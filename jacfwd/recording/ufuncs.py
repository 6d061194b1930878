"""Ufuncs called on Tracers, their methods (`reduce accumulate outer reduceat at`), functions that write."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import TracerConversionError, UnsupportedFunctionError
from jacfwd.formats.dispatch import is_tracer
from jacfwd.locations import describe, here
from jacfwd.recording.apply import (
    SPECIAL,
    any_tracer,
    apply,
    boxed,
    broadcasts,
    call_function,
    stacked,
    unboxed,
    unsupported,
    write_out,
)
from jacfwd.rules import find
from jacfwd.rules.internal import add_at, segment_sums

__all__ = ["call", "rebound"]

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
        if is_python(ufunc):
            return by_elements(ufunc, inputs, kwargs)
        raise unsupported(ufunc)
    if any(type(x) is np.ndarray and x.dtype.kind == "O" for x in inputs):
        inputs = tuple(map(unboxed, inputs))
        if any(type(x) is np.ndarray and x.dtype.kind == "O" for x in inputs):
            return ufunc(*map(boxed, inputs), **kwargs)
    if not kwargs:
        return primitive.rewrite(*inputs) if primitive.rewrite is not None else apply(primitive, inputs, {})
    params = dict(kwargs)
    out, where = params.pop("out", None), params.pop("where", True)
    if where is not True:
        inputs = _harmless(ufunc, inputs, where, out)
    if not any(is_tracer(x) for x in inputs):
        # Only `out` (or `where`) is traced: the values are plain.
        result = ufunc(*inputs, **params)
    elif primitive.rewrite is not None:
        result = primitive.rewrite(*inputs, **params)
    else:
        result = apply(primitive, inputs, params)
    if _is_discrete(out):
        result = tuple(map(_decided, result)) if type(result) is tuple else _decided(result)
    results = result if type(result) is tuple else (result,)
    outs = out if type(out) is tuple else (None,) * len(results)
    if where is not True:
        results = tuple(_masked(where, r, o) for r, o in zip(results, outs, strict=True))
    written = tuple(r if o is None else write_out(o, r) for r, o in zip(results, outs, strict=True))
    return written if type(result) is tuple else written[0]


def _is_discrete(out: Any) -> bool:
    """Whether `out` is a plain array of integers or booleans."""
    outs = out if type(out) is tuple else (out,)
    return any(type(o) is np.ndarray and o.dtype.kind in "biu" for o in outs)


def _decided(result: Any) -> Any:
    """Integers and booleans as plain values, which are relied on."""
    return result.plain("out=") if is_tracer(result) and result.dtype.kind in "biu" else result


def is_python(ufunc: np.ufunc) -> bool:
    """Whether a ufunc was made of a Python function, by `np.frompyfunc`."""
    return all(set(kinds) <= set("O->") for kinds in ufunc.types)


def by_elements(ufunc: np.ufunc, inputs: tuple, kwargs: dict) -> Any:
    """A ufunc of a Python function, called for one element after the other; numbers come back as a traced array."""
    found = ufunc(*map(boxed, inputs), **kwargs)
    return tuple(map(unboxed, found)) if type(found) is tuple else unboxed(found)


def _harmless(ufunc: np.ufunc, inputs: tuple, where: Any, out: Any) -> tuple:
    """Operands without the elements that a mask leaves out, which may lie where the function has no value."""
    if out is None:
        raise UnsupportedFunctionError(
            f"{ufunc.__name__} with where= and without out= leaves elements undefined, at {describe(here())}; give "
            "out=, or use np.where"
        )
    inside = 1.5 if ufunc is np.arccosh else 0.5
    return tuple(np.where(where, x, x.dtype.type(inside)) if _is_floating(x) else x for x in inputs)


def _is_floating(x: Any) -> bool:
    return hasattr(x, "dtype") and x.dtype.kind in "fc"


def _masked(where: Any, result: Any, out: Any) -> Any:
    """The result where the mask says so, and what `out` holds elsewhere."""
    dtype = np.result_type(result)
    return np.where(where, result, out if out.dtype == dtype else out.astype(dtype))


def rebound(ufunc: np.ufunc, inputs: tuple, kwargs: dict) -> Any:
    """`a += x` where `a` is a plain array with one holder: the holder gets a new array."""
    target = kwargs["out"][0]
    result = _call(ufunc, inputs, {key: value for key, value in kwargs.items() if key != "out"})
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise TypeError(
            f"Cannot cast ufunc '{ufunc.__name__}' output from {result.dtype} to {target.dtype} with "
            "casting rule 'same_kind'"
        )
    if not broadcasts(np.shape(result), target.shape):
        raise ValueError(f"non-broadcastable output operand with shape {target.shape}")
    if np.shape(result) != target.shape:
        result = np.broadcast_to(result, target.shape).copy()
    return (result if result.dtype == target.dtype else result.astype(target.dtype)).as_array()


# Methods


def _reduce(
    ufunc: np.ufunc,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Any:
    kwargs: dict[str, Any] = {"axis": axis}
    if dtype is not None:
        kwargs["dtype"] = dtype
    if keepdims:
        kwargs["keepdims"] = keepdims
    if initial is not np._NoValue and initial is not None:
        kwargs["initial"] = initial
    if where is not True:
        kwargs["where"] = where
    if ufunc in REDUCE:
        traced = is_tracer(array) or any(is_tracer(value) for value in kwargs.values())
        result = call_function(REDUCE[ufunc], (array,), kwargs) if traced else ufunc.reduce(array, **kwargs)
    elif kwargs.keys() <= {"axis", "keepdims"}:
        result = _folded_axes(ufunc, array, axis)
        result = np.expand_dims(result, _axes(array, axis)) if keepdims else result
    else:
        raise unsupported_method(ufunc, "reduce")
    return result if out is None else write_out(out, result)


def _axes(array: Any, axis: Any) -> tuple[int, ...]:
    every: tuple[int, ...] = tuple(range(array.ndim))
    return every if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, array.ndim)


def _folded_axes(ufunc: np.ufunc, array: Any, axis: Any) -> Any:
    """`_folded` along one axis or several; none leaves the array."""
    axes = _axes(array, axis)
    if len(axes) > 1:
        # NumPy's own complaint where the order would matter.
        ufunc.reduce(np.ones((1,) * array.ndim), axis=axes)
        rest = tuple(n for k, n in enumerate(array.shape) if k not in axes)
        return _folded(ufunc, np.moveaxis(array, axes, range(len(axes))).reshape((-1, *rest)), 0)
    return _folded(ufunc, array, axes[0]) if axes else array.copy()


def _folded(ufunc: np.ufunc, array: Any, axis: int) -> Any:
    """One after the other: `((a0 * a1) * a2) ...` along an axis."""
    rows = list(np.moveaxis(array, axis, 0))
    if not rows:
        if ufunc.identity is None:
            raise ValueError(f"zero-size array to reduction operation {ufunc.__name__} which has no identity")
        return np.full(array.shape[:axis] + array.shape[axis % array.ndim + 1 :], ufunc.identity, array.dtype)[()]
    total = rows[0]
    for row in rows[1:]:
        total = ufunc(total, row)
    if len(rows) > 1:
        return total
    return total.copy() if ufunc.identity is None else ufunc(total, ufunc.identity)


def _accumulate(ufunc: np.ufunc, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    if ufunc in ACCUMULATE:
        result = ACCUMULATE[ufunc](array, axis=axis, dtype=dtype)
    elif dtype is not None and dtype != array.dtype:
        raise unsupported_method(ufunc, "accumulate")
    else:
        moved = np.moveaxis(array, axis, 0)
        rows = [moved[0]] if len(moved) else []
        for row in moved[1:] if len(moved) else ():
            rows.append(ufunc(rows[-1], row))
        result = np.stack(rows, axis) if rows else array.copy()
    return result if out is None else write_out(out, result)


def _outer(ufunc: np.ufunc, a: Any, b: Any, **kwargs: Any) -> Any:
    a, b = (x if is_tracer(x) else np.asarray(x) for x in map(stacked, (a, b)))
    return ufunc(np.reshape(a, (*a.shape, *(1,) * b.ndim)), b, **kwargs)


def _reduceat(ufunc: np.ufunc, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    if dtype is not None:
        raise unsupported_method(ufunc, "reduceat")
    starts, n = np.array(indices, np.intp), array.shape[axis]
    if any(not 0 <= k < n for k in starts):
        raise IndexError(f"an index of {starts} is out of bounds for reduceat over {n} elements")
    if ufunc is np.add:
        result = segment_sums(array, starts=starts, axis=axis)
    else:
        moved, ends = np.moveaxis(array, axis, 0), [*starts[1:], n]
        rows = [ufunc.reduce(moved[a:b]) if a < b else moved[a] for a, b in zip(starts, ends, strict=True)]
        result = np.stack(rows, axis)
    return result if out is None else write_out(out, result)


def _at(ufunc: np.ufunc, target: Any, indices: Any, *values: Any) -> None:
    """`ufunc.at`: as if element by element; sums of what meets are one node for add and subtract."""
    if not is_tracer(target):
        return into_plain(ufunc.at, target, indices, *values)
    positions = np.arange(target.size).reshape(target.shape)[indices]
    places, which = np.unique(positions, return_inverse=True)
    value = stacked(values[0]) if values else target.dtype.type(0)
    dtype = np.result_type(value, target.dtype)
    if not np.can_cast(dtype, target.dtype, "same_kind"):
        raise TracerConversionError(
            f"{ufunc.__name__}.at would cast {np.result_type(value)} to {target.dtype}, at {describe(here())}; cast "
            "it before"
        )
    where = np.unravel_index(places, target.shape)
    if ufunc in (np.add, np.subtract) and dtype == target.dtype:
        added = value if ufunc is np.add else np.negative(value)
        target[where] = add_at(target[where], added, positions=np.reshape(which, np.shape(positions)))
    elif len(places) == np.size(positions):
        target[indices] = ufunc(target[indices], *(value for _ in values))
    else:
        spread = np.broadcast_to(value, np.shape(positions))
        for k in np.ndindex(np.shape(positions)):
            at = np.unravel_index(positions[k], target.shape)
            target[at] = ufunc(target[at], *(spread[k] for _ in values))


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


def into_plain(function: Callable, target: Any, *args: Any, **kwargs: Any) -> None:
    """A write into an ordinary array: NumPy's, with plain values, unless these have derivatives."""
    every = (*args, *kwargs.values())
    if type(target) is not np.ndarray or any(any_tracer(x) and not _is_settled(x) for x in every):
        write_out(target, None)
    function(target, *map(_settled, args), **{name: _settled(value) for name, value in kwargs.items()})


def _is_settled(x: Any) -> bool:
    """Whether a value can be handed out: a constant, integers, booleans."""
    return is_tracer(x) and (x.constant or x.dtype.kind not in "fc")


def _settled(x: Any) -> Any:
    return x.plain("a write into a plain array") if is_tracer(x) else x


def _writer(function: Callable, write: Callable) -> Callable:
    """A function that writes into its first argument: `write` where that is a Tracer."""

    def call(target: Any, *args: Any, **kwargs: Any) -> None:
        if is_tracer(target):
            write(target, *args, **kwargs)
        else:
            into_plain(function, target, *args, **kwargs)

    return call


def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    src = stacked(src)
    kind = getattr(src, "dtype", None)
    if kind is not None and not np.can_cast(kind, dst.dtype, casting):
        raise TypeError(f"Cannot cast array data from {kind!r} to {dst.dtype!r} according to the rule '{casting}'")
    dst[...] = src if where is True else np.where(where, src, dst)


def _put(a: Any, ind: Any, v: Any, mode: Any = "raise") -> None:
    at, values = np.asarray(ind).reshape(-1), np.reshape(stacked(v), (-1,))
    if len(at) and len(values):
        at = np.take(np.arange(a.size), at, mode=mode)
        _write_flat(a, at, values if values.shape == at.shape else np.resize(values, at.shape))


def _write_flat(a: Any, at: np.ndarray, values: Any) -> None:
    """Write at flat C-order positions."""
    a[np.unravel_index(at, a.shape) if a.ndim else (np.newaxis,)] = values[-1:] if not a.ndim else values


def _place(arr: Any, mask: Any, vals: Any) -> None:
    at, values = np.flatnonzero(np.asarray(mask)), stacked(vals)
    if len(at) and not np.size(values):
        raise ValueError("Cannot insert from an empty array!")
    _put(arr, at, values)


def _putmask(a: Any, mask: Any, values: Any) -> None:
    at = np.flatnonzero(np.asarray(mask))
    spread = np.reshape(stacked(values), (-1,))
    if len(at) and len(spread):
        _put(a, at, spread[at % len(spread)])


def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    marks = np.zeros(a.shape, bool)
    np.fill_diagonal(marks, True, wrap)
    _put(a, np.flatnonzero(marks), val)


def _put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    positions = np.arange(arr.size).reshape(arr.shape)
    indices = np.asarray(indices)
    if axis is None:
        at, axis = np.take_along_axis(positions.reshape(-1), indices, 0), 0
    else:
        at = np.take_along_axis(positions, indices, axis)
    _write_flat(arr, at, np.broadcast_to(stacked(values), at.shape))


WRITERS: dict[Callable, Callable] = {
    np.copyto: _copyto,
    np.put: _put,
    np.place: _place,
    np.putmask: _putmask,
    np.fill_diagonal: _fill_diagonal,
    np.put_along_axis: _put_along_axis,
}
SPECIAL |= {function: _writer(function, write) for function, write in WRITERS.items()}
