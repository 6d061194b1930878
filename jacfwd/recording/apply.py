"""Applying functions to Tracers: find the rule, bind the call, and hand it to the innermost recording."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import JacfwdError, NotDifferentiableError, TracerConversionError, UnsupportedFunctionError
from jacfwd.formats.dispatch import is_tracer
from jacfwd.locations import describe, here, placed
from jacfwd.primitive import Primitive
from jacfwd.recording.interpose import running
from jacfwd.rules import find, name_of

__all__ = [
    "any_tracer",
    "apply",
    "boxed",
    "broadcasts",
    "call_function",
    "holds_tracers",
    "noted",
    "stacked",
    "unboxed",
    "unsupported",
    "write_out",
]

# Functions that are no operation on values: they write, or ask for shapes. Modules that know how fill it in.
SPECIAL: dict[Callable, Callable] = {}

STACK: Any = find(np.stack)

# An array of objects holds at most so many scalar Tracers.
MOST_OBJECTS = 4096


def noted(error: JacfwdError) -> JacfwdError:
    """The error, of which the running recordings take note: whoever catches it may go on without a derivative."""
    rec = running()
    while rec is not None:
        rec.refused = rec.refused or error
        rec = rec.outer
    return error


def any_tracer(value: Any) -> bool:
    """Whether a Tracer stands anywhere in nested lists and tuples, or in an array of objects there."""
    if isinstance(value, list | tuple) and not is_tracer(value):
        return any(any_tracer(v) for v in value)
    return holds_tracers(value)


def stacked(value: Any) -> Any:
    """Lists and tuples with Tracers in them as one array; other lists as plain arrays; the rest as it is."""
    if isinstance(value, list | tuple) and not is_tracer(value):
        if any_tracer(value):
            operands = [np.asarray(v) if type(v) in (int, float, complex) else stacked(v) for v in value]
            return apply(STACK, tuple(operands), {})
        return np.asarray(value)
    return unboxed(value)


def holds_tracers(value: Any) -> bool:
    """Whether a value is a Tracer, or an array of objects with one in it."""
    if type(value) is np.ndarray:
        return value.dtype.kind == "O" and value.size <= MOST_OBJECTS and any(map(is_tracer, value.flat))
    return is_tracer(value)


def boxed(x: Any) -> Any:
    """A Tracer as an array of objects, its scalar Tracers; anything else as it is."""
    if not is_tracer(x):
        return x
    if x.size > MOST_OBJECTS:
        raise TracerConversionError(
            f"a traced array of shape {x.shape} would become an array of {x.size} objects, at "
            f"{describe(here())}; use arrays of numbers"
        )
    box = np.empty(x.shape, object)
    for index in np.ndindex(x.shape):
        box[index] = x[index]
    return box


def unboxed(x: Any) -> Any:
    """An array of objects that are numbers, scalar Tracers among them, as one traced array; anything else as it is."""
    if type(x) is not np.ndarray or x.dtype.kind != "O" or x.size > MOST_OBJECTS:
        return x
    elements = list(x.flat)
    traced = [each for each in elements if is_tracer(each)]
    if not traced or not all(is_tracer(each) or isinstance(each, PLAIN_NUMBERS) for each in elements):
        return x
    if any(each.shape for each in traced):
        return x
    return np.reshape(stacked(elements), x.shape)


PLAIN_NUMBERS = (bool, int, float, complex, np.number, np.bool_)


def broadcasts(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether NumPy broadcasts a shape to another one."""
    if len(shape) > len(target):
        return False
    return all(n in (1, m) for n, m in zip(shape[::-1], target[::-1], strict=False))


def write_out(out: Any, result: Any) -> Any:
    """Honour `out=`: write into a Tracer's storage; a plain array cannot hold a derivative."""
    target = out[0] if type(out) is tuple else out
    if type(target) is np.ndarray and result is not None and not is_tracer(result):
        np.copyto(target, result, casting="same_kind")
        return target
    if not is_tracer(target):
        raise TracerConversionError(
            f"out= (or an augmented assignment) is a plain {getattr(target, 'dtype', type(target).__name__)} array, "
            f"which cannot hold a derivative, at {describe(here())}; write a = a + ... instead of a += ..., or make "
            "the array inside the function with np.array(...)"
        )
    dtype = np.result_type(result)
    if not np.can_cast(dtype, target.dtype, "same_kind"):
        raise TypeError(f"cannot cast output from {dtype} to {target.dtype} with casting rule 'same_kind'")
    if not broadcasts(np.shape(result), target.shape):
        raise ValueError(
            f"non-broadcastable output operand with shape {target.shape} doesn't match the broadcast shape "
            f"{np.shape(result)}"
        )
    target[...] = result
    return target


# To these, lists of arrays are lists of arrays.
OF_LISTS = frozenset({np.block, np.select, np.choose, np.piecewise})


def as_operand(value: Any) -> Any:
    """A list with float or complex Tracers in it as an array; lists of integers may be shapes or axes."""
    if type(value) in (list, tuple) and any_tracer(value):
        return stacked(value) if any(map(_floating, _leaves(value))) else value
    return value


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, list | tuple) and not is_tracer(value):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value]


def _floating(value: Any) -> bool:
    return (is_tracer(value) and value.dtype.kind in "fc") or (holds_tracers(value) and not is_tracer(value))


def call_function(function: Any, args: tuple, kwargs: dict) -> Any:
    """A NumPy function met a Tracer: find its rule, which refuses what it does not know, and say where."""
    try:
        return _call_function(function, args, kwargs)
    except (NotDifferentiableError, UnsupportedFunctionError) as error:
        raise noted(placed(error, here())) from error.__cause__


def _call_function(function: Any, args: tuple, kwargs: dict) -> Any:
    """Bind the call, write into `out`, apply the primitive."""
    special = SPECIAL.get(function)
    if special is not None:
        return special(*map(as_operand, args), **kwargs)
    primitive = find(function)
    if primitive is None:
        raise unsupported(function)
    kwargs = dict(kwargs)
    out = kwargs.pop("out", None)
    if primitive.rewrite is not None:
        if function not in OF_LISTS and not primitive.rule.sequence:
            args = tuple(map(as_operand, args))
            kwargs = {name: as_operand(value) for name, value in kwargs.items()}
        result = primitive.rewrite(*args, **kwargs)
    else:
        operands, params = primitive.bind(args, kwargs)
        out = params.pop("out", out)
        result = apply(primitive, operands, params)
    return result if out is None else _write_result(function, out, result)


def _write_result(function: Any, out: Any, result: Any) -> Any:
    """`out=` of functions that are no ufuncs: of exactly the result's shape."""
    if np.shape(out) != np.shape(result):
        raise ValueError(f"{function.__name__}: out has shape {np.shape(out)}, the result {np.shape(result)}")
    return write_out(out, result)


def unsupported(function: Any) -> UnsupportedFunctionError:
    """The error for a function without a rule."""
    name = name_of(function).replace(":", ".") if hasattr(function, "__name__") else repr(function)
    return UnsupportedFunctionError(
        f"{name} has no derivative rule, at {describe(here())}; write it with functions that have "
        "one, or make it a node with jf.black_box or jf.custom_jvp"
    )


def apply(primitive: Primitive, operands: tuple, params: dict[str, Any]) -> Any:
    """Apply a primitive to operands of which some are Tracers: compute the value, tell the recording."""
    params = {name: _static(primitive, name, value) for name, value in params.items()} if params else params
    operands = tuple([_operand(x) for x in operands])
    rec = None
    for x in operands:
        if is_tracer(x) and (rec is None or x._rec.level > rec.level):
            rec = x._rec
    if rec is None:
        return primitive.evaluate(operands, params)
    return rec.apply(primitive, operands, params)


NUMBERS = frozenset({bool, int, float, complex, np.float64, type(None)})


def _operand(x: Any) -> Any:
    """An operand as recordings take it: a plain array, a number, or a Tracer that is still in use."""
    kind = type(x)
    if kind in NUMBERS:
        return x
    if hasattr(kind, "__jacfwd_tracer__"):
        return x if x._rec.is_running() else x._rec.released(x)
    if isinstance(x, list | tuple):
        return stacked(x)
    if isinstance(x, np.ndarray):
        return x if kind is np.ndarray and x.dtype != object else _ordinary(x)
    return x


def _ordinary(x: np.ndarray) -> Any:
    """Refuse arrays with operations of their own, which would be differentiated as if they were NumPy's."""
    if type(x) is np.memmap:
        return np.asarray(x)
    inside = unboxed(x)
    if inside is not x:
        return inside
    kind = "an array of objects" if type(x) is np.ndarray else f"a {type(x).__module__}.{type(x).__name__}"
    raise TracerConversionError(
        f"a traced array met {kind}, at {describe(here())}; convert it to an ordinary array of numbers first"
    )


def _static(primitive: Primitive, name: str, value: Any) -> Any:
    """A parameter that is no operand: integers and booleans are handed out with a guard, floats refused."""
    if is_tracer(value):
        if value.dtype.kind not in "fc" or value.handle is None:
            return value.plain(name)
        raise UnsupportedFunctionError(
            f"{primitive.short} does not differentiate with respect to '{name}', at {describe(value._rec.here())}"
        )
    if type(value) in (tuple, list) and any(is_tracer(v) for v in value):
        return type(value)(_static(primitive, name, v) for v in value)
    return value
