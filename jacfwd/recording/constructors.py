"""Constructors and conversions during a recording: what they make can hold traced values later.

Float and complex arrays made inside the function are Tracers that hold a constant until something is written.
Integer, boolean and string arrays stay what they are.
"""

import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import is_tracer
from jacfwd.recording.apply import SPECIAL, any_tracer, call_function, stacked, unsupported
from jacfwd.recording.interpose import register, running
from jacfwd.recording.tracer import plain_value
from jacfwd.rules import TABLE

__all__ = ["SUBSTITUTES"]


def fresh(value: Any) -> Any:
    """A new array of this recording."""
    rec = running()
    return value if rec is None else rec.constant(value)


def _made(constructor: Callable) -> Callable:
    """A constructor whose result may be written to."""

    def make(*args: Any, **kwargs: Any) -> Any:
        made = constructor(*args, **kwargs)
        # What was made of traced values is traced already.
        return made if is_tracer(made) else fresh(made)

    return make


def _array(obj: Any, dtype: Any = None, *, copy: Any = True, order: Any = "K", subok: bool = False, ndmin: int = 0,
           ndmax: int = 0, like: Any = None) -> Any:  # fmt: skip
    if not is_tracer(obj) and not any_tracer(obj):
        made = np.array(obj, dtype, copy=copy, order=order, subok=subok, ndmin=ndmin)
        return made if made is obj else fresh(made)
    out = stacked(obj)
    if dtype is not None and np.dtype(dtype) != out.dtype:
        out = out.astype(dtype)
    elif out is obj and copy:
        out = _as_array(out).copy()
    return out if out.ndim >= ndmin else np.reshape(out, (1,) * (ndmin - out.ndim) + tuple(out.shape))


def _as_array(x: Any) -> Any:
    """A scalar Tracer as a zero-dimensional array, which can be written to; arrays as they are."""
    return np.reshape(np.reshape(x, (1,)), ()) if is_tracer(x) and x.is_scalar else x


def _asarray(obj: Any, dtype: Any = None, order: Any = None, *, copy: Any = None, **kwargs: Any) -> Any:
    if isinstance(obj, np.ndarray) and not is_tracer(obj):
        made = np.asarray(obj, dtype, order)
        return made if made is obj else fresh(made)
    return _array(obj, dtype, copy=bool(copy))


def _copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return _array(a, copy=True, order=order)


def _full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", **kwargs: Any) -> Any:
    if not is_tracer(fill_value):
        return fresh(np.full(shape, fill_value, dtype, order))
    out = np.broadcast_to(fill_value, shape).copy()
    return out if dtype is None else out.astype(dtype)


def _linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: Any = False, dtype: Any = None,
              axis: int = 0) -> Any:  # fmt: skip
    if not (is_tracer(start) or is_tracer(stop)):
        made = np.linspace(start, stop, num, endpoint, retstep, dtype, axis)
        return (fresh(made[0]), made[1]) if retstep else fresh(made)
    start, stop = np.asarray(start) if not is_tracer(start) else start, stop
    gaps = max(num - 1 if endpoint else num, 1)
    ramp = np.arange(num).reshape((num,) + (1,) * np.ndim(stop - start))
    step = (stop - start) / gaps
    out = start + ramp * step
    if endpoint and num > 1:
        out = np.concatenate([out[:-1], np.reshape(stop * np.ones(np.shape(step)), (1, *out.shape[1:]))])
    out = np.moveaxis(out, 0, axis) if axis else out
    out = out if dtype is None else out.astype(dtype)
    return (out, step) if retstep else out


def _arange(*args: Any, **kwargs: Any) -> Any:
    if not any(is_tracer(a) for a in (*args, *kwargs.values())):
        return fresh(np.arange(*args, **kwargs))
    start, stop, step = _arange_limits(*args, **{k: v for k, v in kwargs.items() if k in ("start", "stop", "step")})
    count = max(int(np.ceil((stop - start) / step)), 0)
    out = start + step * np.arange(count)
    dtype = kwargs.get("dtype")
    return out if dtype is None else out.astype(dtype)


def _arange_limits(start: Any, stop: Any = None, step: Any = 1) -> tuple[Any, Any, Any]:
    return (0, start, step) if stop is None else (start, stop, step)


def _fromiter(iterable: Any, dtype: Any, count: int = -1) -> Any:
    items = list(iterable) if count < 0 else [item for item, _ in zip(iterable, range(count), strict=False)]
    return _array(items, dtype)


def _shaped_like(constructor: Callable) -> Callable:
    """`zeros_like` and its kin depend on no value."""

    def make(a: Any, *args: Any, **kwargs: Any) -> Any:
        return fresh(constructor(np.broadcast_to(np.empty((), a.dtype), a.shape), *args, **kwargs))

    return make


def _full_like(a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None,
               **kwargs: Any) -> Any:  # fmt: skip
    return _full(np.shape(a) if shape is None else shape, fill_value, a.dtype if dtype is None else dtype)


SPECIAL |= {
    np.zeros_like: _shaped_like(np.zeros_like),
    np.ones_like: _shaped_like(np.ones_like),
    np.empty_like: _shaped_like(np.empty_like),
    np.full_like: _full_like,
    np.copy: _copy,
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: a.size if axis is None else a.shape[axis],
    np.iscomplexobj: lambda x: x.dtype.kind == "c",
    np.isrealobj: lambda x: x.dtype.kind != "c",
    np.result_type: lambda *args: np.result_type(*(a.dtype if is_tracer(a) else a for a in args)),
    np.can_cast: lambda a, to, casting="safe": np.can_cast(a.dtype, to, casting),
    np.common_type: lambda *args: np.common_type(*(np.empty(0, a.dtype) for a in args)),
    np.array_repr: lambda a, *args, **kwargs: repr(a),
    np.array_str: lambda a, *args, **kwargs: str(a),
    np.array2string: lambda a, *args, **kwargs: np.array2string(plain_value(a), *args, **kwargs),
    np.may_share_memory: lambda a, b, max_work=None: False,
    np.shares_memory: lambda a, b, max_work=None: False,
}


# Names that never dispatch


def _with_lists(function: Callable) -> Callable:
    """A NumPy function that may be given lists with Tracers in them."""

    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in args:
            if type(arg) in (list, tuple) and any_tracer(arg):
                if isinstance(function, np.ufunc):
                    return function(*(stacked(a) for a in args), **kwargs)
                return call_function(function, args, kwargs)
        return function(*args, **kwargs)

    return call


MATH: dict[str, Any] = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "atan2": np.arctan2, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh, "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log2": np.log2,
    "log10": np.log10, "log1p": np.log1p, "sqrt": np.sqrt, "cbrt": np.cbrt, "pow": np.power, "fabs": np.fabs,
    "copysign": np.copysign, "fmod": np.fmod, "degrees": np.degrees, "radians": np.radians, "isnan": np.isnan,
    "isinf": np.isinf, "isfinite": np.isfinite, "remainder": lambda x, y: x - y * np.rint(x / y),
    "modf": np.modf, "ldexp": np.ldexp, "log": lambda x, base=None: np.log(x) if base is None else np.log(x) / np.log(base),
    "hypot": lambda *xs: np.sqrt(np.sum(stacked([x * x for x in xs]))) if len(xs) != 2 else np.hypot(*xs),
    "fsum": lambda xs: sum(xs), "prod": lambda xs, start=1: _product(xs, start),
    "dist": lambda p, q: np.linalg.norm(stacked(list(p)) - stacked(list(q))),
    "floor": lambda x: int(np.floor(x)), "ceil": lambda x: int(np.ceil(x)), "trunc": lambda x: int(np.trunc(x)),
}  # fmt: skip
CMATH: dict[str, Any] = {name: MATH[name] for name in ("sin cos tan asin acos atan sinh cosh tanh exp log log10 sqrt").split()} | {
    "phase": np.angle,
    "polar": lambda z: (np.abs(z), np.angle(z)),
    "rect": lambda r, phi: r * np.exp(1j * phi),
}


def _product(xs: Any, start: Any) -> Any:
    for x in xs:
        start = start * x
    return start


def _scalar_function(function: Callable, traced: Callable | None) -> Callable:
    """A function of the math module: NumPy's for Tracers."""

    def call(*args: Any, **kwargs: Any) -> Any:
        args = tuple(list(a) if hasattr(a, "__next__") else a for a in args)
        if any(is_tracer(a) or any_tracer(a) for a in args):
            if traced is None:
                raise unsupported(function)
            return traced(*args, **kwargs)
        return function(*args, **kwargs)

    return call


def _substitutes() -> dict[Any, Any]:
    table: dict[Any, Any] = {
        np.array: _array,
        np.asarray: _asarray,
        np.asanyarray: _asarray,
        np.ascontiguousarray: lambda a, dtype=None, **kw: _atleast(_asarray(a, dtype)),
        np.asfortranarray: lambda a, dtype=None, **kw: _atleast(_asarray(a, dtype)),
        np.asarray_chkfinite: lambda a, dtype=None, order=None: _asarray(a, dtype),
        np.copy: _copy,
        np.full: _full,
        np.linspace: _linspace,
        np.arange: _arange,
        np.fromiter: _fromiter,
    }
    plain = "zeros ones empty eye identity tri logspace geomspace zeros_like ones_like empty_like full_like vander"
    for name in plain.split():
        function = getattr(np, name)
        table[function] = _made(_with_lists(function))
    known: list[Any] = list(TABLE)
    for function in known:
        if getattr(np, getattr(function, "__name__", ""), None) is function and function not in table:
            table[function] = _with_lists(function)
    for name in dir(math):
        if not name.startswith("_") and callable(getattr(math, name)):
            table[getattr(math, name)] = _scalar_function(getattr(math, name), MATH.get(name))
    for name in dir(cmath):
        if not name.startswith("_") and callable(getattr(cmath, name)):
            table[getattr(cmath, name)] = _scalar_function(getattr(cmath, name), CMATH.get(name))
    return table


def _atleast(x: Any) -> Any:
    return np.atleast_1d(x) if is_tracer(x) else x


SUBSTITUTES = _substitutes()
register(SUBSTITUTES, [np, np.linalg, np.fft, math, cmath])
