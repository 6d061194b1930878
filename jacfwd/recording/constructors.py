"""Constructors and conversions during a recording: what they make can hold traced values later.

Float and complex arrays made inside the function are Tracers that hold a constant until something is written.
Integer, boolean and string arrays stay what they are.
"""

import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import NotDifferentiableError
from jacfwd.formats.dispatch import is_tracer
from jacfwd.locations import here, placed
from jacfwd.recording.apply import (
    SPECIAL,
    any_tracer,
    apply,
    boxed,
    call_function,
    holds_tracers,
    noted,
    stacked,
    unboxed,
)
from jacfwd.recording.interpose import INTERPOSITION, register, running
from jacfwd.recording.jitted import register_jitted
from jacfwd.recording.kinds import CLASSES, ClassGate
from jacfwd.recording.mathematics import scalar_functions
from jacfwd.recording.methods import has_order
from jacfwd.recording.objects import register_factorizations, register_methods
from jacfwd.recording.tracer import plain_value
from jacfwd.recording.types import TYPE_GATE
from jacfwd.recording.vectorized import METHODS
from jacfwd.rules import RESOLVED, TABLE, calling, resolve
from jacfwd.rules.polynomials import dropped, without_leading_zeros
from jacfwd.rules.ranges import linspace

__all__ = ["SUBSTITUTES"]


def fresh(value: Any) -> Any:
    """A new array of this recording, also where it was made of an outer one's traced values."""
    rec = running()
    return value if rec is None or (is_tracer(value) and value._rec is rec) else rec.constant(value)


def _made(constructor: Callable) -> Callable:
    """A constructor whose result may be written to."""
    return lambda *args, **kwargs: fresh(constructor(*args, **kwargs))


def _converter(original: Callable, copies: bool | None) -> Callable:
    """`np.array`, `np.asarray` and their kin: the array itself, or a copy of it where NumPy makes one."""

    def convert(
        obj: Any, dtype: Any = None, order: Any = None, *, copy: Any = copies, ndmin: int = 0, **kwargs: Any
    ) -> Any:
        obj = unboxed(obj) if dtype is None or np.dtype(dtype).kind != "O" else obj
        if not any_tracer(obj):
            given = {"dtype": dtype, "order": order, **kwargs}
            if original is np.array or copy is not copies:
                given["copy"] = copy
            if ndmin:
                given["ndmin"] = ndmin
            made = original(obj, **{key: value for key, value in given.items() if value is not None or key == "copy"})
            return made if _may_share(obj, made, copy) else fresh(made)
        if is_tracer(obj):
            return _converted(obj, dtype, order or "K", copy, ndmin)
        if np.dtype(dtype).kind == "O" if dtype is not None else _holds_objects(obj):
            return _of_objects(obj)
        return fresh(_converted(stacked(obj), dtype, order or "K", None, ndmin))

    return convert


def _holds_objects(value: Any) -> bool:
    """Whether something else than numbers stands in nested lists."""
    if isinstance(value, list | tuple) and not is_tracer(value):
        return any(map(_holds_objects, value))
    return not is_tracer(value) and np.asarray(value).dtype.kind not in "biufc"


def _of_objects(value: Any) -> np.ndarray:
    """Nested lists as an array of objects, scalar Tracers among them."""
    if isinstance(value, list | tuple) and not is_tracer(value):
        return np.stack([_of_objects(part) for part in value])
    box = np.empty((), object)
    box[()] = value
    return boxed(value) if is_tracer(value) else box


def _may_share(obj: Any, made: np.ndarray, copy: bool | None) -> bool:
    """Whether an array may be memory of somebody else's, which must not be written to unseen."""
    if copy or isinstance(obj, list | tuple | np.generic | int | float | complex):
        return False
    return made is obj or not isinstance(obj, np.ndarray) or np.may_share_memory(made, obj)


def _converted(x: Any, dtype: Any, order: Any, copy: bool | None, ndmin: int) -> Any:
    """A Tracer as an array of the dtype and order that were asked for; the same one where nothing changes."""
    out = x.as_array()
    if copy or (dtype is not None and np.dtype(dtype) != out.dtype) or not has_order(out, order):
        if copy is False:
            raise ValueError("Unable to avoid copy while creating an array as requested.")
        out = fresh(out.astype(out.dtype if dtype is None else dtype, order))
    return out if out.ndim >= ndmin else np.reshape(out, (1,) * (ndmin - out.ndim) + tuple(out.shape))


def _require(a: Any, dtype: Any = None, requirements: Any = None, **kwargs: Any) -> Any:
    """`np.require`: of the requirements those on order and ownership mean something here."""
    if not any_tracer(a):
        made = np.require(a, dtype, requirements, **kwargs)
        return made if _may_share(a, made, None) else fresh(made)
    wanted = {str(each).upper() for each in requirements or ()}
    contiguous = {"C": "C", "C_CONTIGUOUS": "C", "CONTIGUOUS": "C"} | dict.fromkeys(
        ("F", "F_CONTIGUOUS", "FORTRAN"), "F"
    )
    orders = {contiguous[each] for each in wanted & contiguous.keys()}
    if len(orders) > 1:
        raise ValueError('Cannot specify both "C" and "F" order')
    out = _asarray(a, dtype, *orders)
    return out.copy("A") if wanted & {"O", "OWNDATA"} else out


_array, _asarray = _converter(np.array, True), _converter(np.asarray, None)


def _at_least_1d(convert: Callable, order: Any) -> Callable:
    """`np.ascontiguousarray` and `np.asfortranarray`."""
    return lambda a, dtype=None, **kwargs: _raised(convert(a, dtype, order, **kwargs))


def _raised(x: Any) -> Any:
    return x if np.ndim(x) else np.reshape(x, (1,))


def _copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    return _array(a, order=order, subok=subok, copy=True)


def _full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", **kwargs: Any) -> Any:
    if not any_tracer(fill_value):
        return fresh(np.full(shape, fill_value, dtype, order, **kwargs))
    out = np.broadcast_to(stacked(fill_value), shape).copy(order)
    return fresh(out if dtype is None or np.dtype(dtype) == out.dtype else out.astype(dtype))


def _linspace(start: Any, stop: Any, *args: Any, **kwargs: Any) -> Any:
    traced = any_tracer(start) or any_tracer(stop)
    made = (linspace if traced else np.linspace)(start, stop, *args, **kwargs)
    return (fresh(made[0]), made[1]) if isinstance(made, tuple) else fresh(made)


def _arange(*args: Any, **kwargs: Any) -> Any:
    if not any(is_tracer(a) for a in (*args, *kwargs.values())):
        return fresh(np.arange(*args, **kwargs))
    return _traced_arange(*args, **kwargs)


def _traced_arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, **kwargs: Any) -> Any:
    """`np.arange` with traced limits: their number is relied on, and the steps are as NumPy rounds them."""
    start, stop = (0, start) if stop is None else (start, stop)
    if np.result_type(start, stop, step).kind in "iu":
        return fresh(np.arange(int(start), int(stop), int(step), dtype=dtype))
    count = max(int(np.ceil((stop - start) / step)), 0)
    out = start + ((start + step) - start) * np.arange(count)
    out = np.concatenate([out[:1], np.reshape(start + step, (1,)), out[2:]]) if count > 1 else out
    return fresh(out if dtype is None else out.astype(dtype))


def _fromiter(iterable: Any, dtype: Any, count: int = -1, **kwargs: Any) -> Any:
    items = list(iterable) if count < 0 else [item for _, item in zip(range(count), iterable, strict=False)]
    if any_tracer(items):
        if len(items) < count:
            raise ValueError(f"iterator too short: Expected {count} but iterator had only {len(items)} items.")
        return _array(items, dtype)
    return fresh(np.fromiter(items, dtype, count))


def _shaped_like(constructor: Callable) -> Callable:
    """`zeros_like` and its kin depend on no value, but on how the array lies in memory."""
    return lambda a, *args, **kwargs: fresh(constructor(_layout(a), *args, **kwargs))


def _layout(a: Any) -> Any:
    return np.empty((), a.dtype) if a.is_scalar else a._layout()


def _full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    **kwargs: Any,
) -> Any:
    a = stacked(a)
    layout = _layout(a) if is_tracer(a) else a
    if not any_tracer(fill_value):
        return fresh(np.full_like(layout, fill_value, dtype, order, subok, shape))
    out = fresh(np.empty_like(layout, dtype, order, subok, shape))
    if not is_tracer(out):  # integers: no derivative to lose
        return np.broadcast_to(stacked(fill_value), out.shape).astype(out.dtype)
    out[...] = stacked(fill_value)
    return out


def _share_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    """Whether two arrays have a cell in common; a Tracer's are its own."""
    if not (is_tracer(a) and is_tracer(b)) or a is b:
        return a is b
    places = [x._layout() for x in (a, b)]
    whole = [getattr(x.storage(), "whole", x.storage()) for x in (a, b)]
    return whole[0] is whole[1] and bool(np.shares_memory(*places))


def _where(condition: Any, *choices: Any) -> Any:
    return apply(WHERE, (condition, *choices), {}) if choices else np.nonzero(condition)


WHERE = TABLE[np.where]

SPECIAL |= {
    np.where: _where,
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
    np.result_type: lambda *args: np.result_type(*(_typed(a) for a in args)),
    np.min_scalar_type: lambda a: np.min_scalar_type(plain_value(a)),
    np.can_cast: lambda a, to, casting="safe": np.can_cast(a.dtype, to, casting),
    np.common_type: lambda *args: np.common_type(*(np.empty(0, a.dtype) for a in args)),
    np.array_repr: lambda a, *args, **kwargs: repr(a),
    np.array_str: lambda a, *args, **kwargs: np.array_str(a.shown(), *args, **kwargs),
    np.array2string: lambda a, *args, **kwargs: np.array2string(a.shown(), *args, **kwargs),
    np.may_share_memory: _share_memory,
    np.shares_memory: _share_memory,
}


def _typed(a: Any) -> Any:
    return a.dtype if is_tracer(a) else a


# Names that never dispatch


def _with_lists(function: Callable) -> Callable:
    """A NumPy function that may be given Tracers in lists, or where NumPy asks no argument what to do."""
    is_ufunc, known = isinstance(function, np.ufunc), function in TABLE or function in SPECIAL

    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in (*args, *kwargs.values()) if kwargs else args:
            if type(arg) is np.ndarray and holds_tracers(arg):
                return call(*map(unboxed, args), **{key: unboxed(value) for key, value in kwargs.items()})
            if type(arg) in (list, tuple) and any_tracer(arg):
                if is_ufunc:
                    return function(*(stacked(a) for a in args), **kwargs)
                if known:
                    return call_function(function, args, kwargs)
            if known and not is_ufunc and is_tracer(arg):
                return call_function(function, args, kwargs)
        return function(*args, **kwargs)

    return call


def _rewritten(function: Callable) -> Callable:
    """What a function is replaced by, whether an argument is traced or not."""
    rewrite = calling.RULES[function].rewrite
    assert rewrite is not None
    return rewrite


def _substitutes() -> dict[Any, Any]:
    table: dict[Any, Any] = {
        np.array: _array,
        np.asarray: _asarray,
        np.asanyarray: _converter(np.asanyarray, None),
        np.ascontiguousarray: _at_least_1d(_asarray, "C"),
        np.asfortranarray: _at_least_1d(_asarray, "F"),
        np.asarray_chkfinite: _asarray_chkfinite,
        np.copy: _copy,
        np.full: _full,
        np.full_like: _full_like,
        np.linspace: _linspace,
        np.arange: _arange,
        np.fromiter: _fromiter,
        np.require: _require,
        np.shape: lambda a: np.shape(stacked(a)),
        np.ndim: lambda a: np.ndim(stacked(a)),
        np.size: lambda a, axis=None: np.size(stacked(a), axis),
    }
    for name in "zeros ones empty eye identity tri logspace geomspace zeros_like ones_like empty_like vander".split():
        function = getattr(np, name)
        table[function] = _made(_with_lists(function))
    # Functions of the user's may refer to traced values that are no arguments.
    table |= {function: _made(_rewritten(function)) for function in calling.RULES}
    for module in (np, np.linalg, np.fft):
        for function in list(vars(module).values()):
            if callable(function) and not isinstance(function, type) and function not in table and function in TABLE:
                table[function] = _with_lists(function)
    return table | scalar_functions()


def _asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    out = _asarray(a, dtype, order)
    if not np.all(np.isfinite(out)):
        raise ValueError("array must not contain infs or NaNs")
    return out


def _scalar_class(original: Any, obj: Any) -> Any:
    """`np.float64(obj)`: a scalar for what has no dimensions, else an array, the same one where nothing changes."""
    if not any_tracer(obj):
        return original(obj)
    made = _asarray(obj)
    if made.dtype.kind == "c" and np.dtype(original).kind == "f":
        made.plain(f"{original.__name__}()")
    made = _asarray(made, original)
    return made if made.ndim else made[()]


for _class in CLASSES:
    INTERPOSITION.register_class(_class, ClassGate(_class, _scalar_class))
INTERPOSITION.register_type(TYPE_GATE)
SUBSTITUTES = _substitutes()
register(SUBSTITUTES, [np, np.linalg, np.fft, math, cmath])


def _register_resolved() -> None:
    """Substitutes of functions and methods keyed by name, once their modules are imported; NumPy's own dispatch."""
    resolve()
    if RESOLVED:
        found = [RESOLVED.pop() for _ in range(len(RESOLVED))]
        outside = [entry for entry in found if entry[1].__name__.partition(".")[0] != "numpy"]
        functions = [entry for entry in outside if "." not in entry[2] and not isinstance(entry[0], type)]
        register({f: _with_lists(f) for f, _, _ in functions}, [module for _, module, _ in outside])
        register_methods([entry for entry in outside if "." in entry[2]], _with_lists)
    register_factorizations()
    register_jitted()


def _kept_or_refused(check: Callable, coefficients: Any) -> None:
    """Refuse with the user's line, which operators of polynomials would swallow."""
    try:
        check(coefficients)
    except NotDifferentiableError as error:
        raise noted(placed(error, here())) from None


def _poly1d(self: Any, c_or_r: Any, r: bool = False, variable: str | None = None) -> None:
    """`np.poly1d(...)`, which leaves leading zeros out."""
    if not r and any_tracer(c_or_r):
        c_or_r = np.atleast_1d(stacked(c_or_r))
        _kept_or_refused(without_leading_zeros, c_or_r)
    POLY1D(self, c_or_r, r, variable)


def _trimseq(seq: Any) -> Any:
    """`numpy.polynomial.polyutils.trimseq`: coefficients without zeros of the highest powers."""
    kept = TRIMSEQ(seq)
    _kept_or_refused(dropped, seq[len(kept) :])
    return kept


POLY1D, TRIMSEQ = np.poly1d.__init__, np.polynomial.polyutils.trimseq
INTERPOSITION.latecomers = _register_resolved
INTERPOSITION.register_methods(np.vectorize, METHODS)
INTERPOSITION.register_methods(np.poly1d, {"__init__": _poly1d})
register({TRIMSEQ: _trimseq}, [np.polynomial.polyutils])
