"""Applying functions to Tracers: find the rule, bind the call, and hand it to the innermost recording."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import TracerConversionError, UnsupportedFunctionError
from jacfwd.formats.dispatch import is_tracer
from jacfwd.locations import describe, here
from jacfwd.primitive import Primitive
from jacfwd.rules import find

__all__ = ["any_tracer", "apply", "call_function", "stacked", "unsupported", "write_out"]

# Functions that are no operation on values (they write, or ask for shapes); filled by the modules that know how.
SPECIAL: dict[Callable, Callable] = {}


def any_tracer(value: Any) -> bool:
    """Whether a Tracer stands anywhere in nested lists and tuples."""
    if type(value) in (list, tuple):
        return any(any_tracer(v) for v in value)
    return is_tracer(value)


def stacked(value: Any) -> Any:
    """Lists and tuples with Tracers in them as one array; other lists as plain arrays; the rest as it is."""
    if type(value) in (list, tuple):
        if any_tracer(value):
            return np.stack([np.asarray(v) if type(v) in (int, float, complex) else stacked(v) for v in value])
        return np.asarray(value)
    return value


def write_out(out: Any, result: Any) -> Any:
    """Honour `out=`: write into a Tracer's storage; a plain array cannot hold a derivative."""
    target = out[0] if type(out) is tuple else out
    if not is_tracer(target):
        raise TracerConversionError(
            f"out= (or an augmented assignment) is a plain {getattr(target, 'dtype', type(target).__name__)} array, "
            f"which cannot hold a derivative, at {describe(here())}; write a = a + ... instead of a += ..., or make "
            "the array inside the function with np.array(...)"
        )
    if is_tracer(result) and not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise TypeError(f"cannot cast output from {result.dtype} to {target.dtype} with casting rule 'same_kind'")
    if np.shape(result) != target.shape and len(np.shape(result)) >= target.ndim:
        raise ValueError(f"non-broadcastable output operand with shape {target.shape} doesn't match the broadcast "
                         f"shape {np.shape(result)}")  # fmt: skip
    target[...] = result
    return target


def call_function(function: Any, args: tuple, kwargs: dict) -> Any:
    """A NumPy function met a Tracer: bind the call, write into `out`, apply the primitive."""
    kwargs = dict(kwargs)
    special = SPECIAL.get(function)
    if special is not None:
        return special(*args, **kwargs)
    primitive = find(function)
    if primitive is None:
        raise unsupported(function)
    out = kwargs.pop("out", None)
    if primitive.rewrite is not None:
        result = primitive.rewrite(*args, **kwargs)
    else:
        operands, params = primitive.bind(args, kwargs)
        out = params.pop("out", out)
        result = apply(primitive, operands, params)
    return result if out is None else write_out(out, result)


def unsupported(function: Any) -> UnsupportedFunctionError:
    """The error for a function without a rule."""
    module, name = getattr(function, "__module__", None) or "numpy", getattr(function, "__name__", repr(function))
    return UnsupportedFunctionError(
        f"{module}.{name} has no derivative rule, at {describe(here())}; write it with functions that have one, "
        "or give it a rule of your own"
    )


def apply(primitive: Primitive, operands: tuple, params: dict[str, Any]) -> Any:
    """Apply a primitive to operands of which some are Tracers: compute the value, tell the recording."""
    params = {name: _static(primitive, name, value) for name, value in params.items()} if params else params
    operands = tuple(_operand(x) for x in operands)
    rec = None
    for x in operands:
        if is_tracer(x) and (rec is None or x._rec.level > rec.level):
            rec = x._rec
    if rec is None:
        return primitive.evaluate(operands, params)
    return rec.apply(primitive, operands, params)


def _operand(x: Any) -> Any:
    if type(x) is list or type(x) is tuple:
        return stacked(x)
    return x


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
