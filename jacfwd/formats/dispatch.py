"""Functions of our own that dispatch as NumPy's do, so that a derivative computed with them can be recorded."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["as_dtype", "dispatched", "is_plain", "strong_product"]


def is_plain(*values: Any) -> bool:
    """Tell whether no value is a stand-in array, so that NumPy may look at its numbers."""
    return not any(hasattr(type(value), "__jacfwd_tracer__") for value in values)


def dispatched(function: Callable) -> Callable:
    """Let `function(*arrays, **static)` go through `__array_function__` of stand-in arrays, as NumPy's own do."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in args:
            if hasattr(type(arg), "__jacfwd_tracer__"):
                return arg.__array_function__(call, (type(arg),), args, kwargs)
        return function(*args, **kwargs)

    return call


@dispatched
def strong_product(a: Any, b: Any) -> Any:
    """Multiply so that an exact zero times anything, `inf` and `nan` included, is zero.

    Only a product that is not finite is looked at twice; `0 * inf` is the one way in which a structural zero
    could otherwise spoil a derivative that exists.
    """
    out = np.multiply(a, b)
    if not np.isfinite(out.sum()):
        out = np.where(np.equal(a, 0) | np.equal(b, 0), np.zeros((), out.dtype), out)
    return out


def as_dtype(tangent: Any, dtype: np.dtype) -> Any:
    """Give a tangent the dtype of its node: the real part where the node is real."""
    if tangent.dtype == dtype:
        return tangent
    if tangent.dtype.kind == "c" and dtype.kind != "c":
        tangent = np.real(tangent)
    return tangent if tangent.dtype == dtype else tangent.astype(dtype)
