"""Functions that are other NumPy calls: their derivative is the derivative of those."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.dispatch import dispatched, is_tracer
from jacfwd.primitive import Rule, composed, constant

__all__ = ["RULES"]

# Elementwise functions


def divmod_(x: Any, y: Any, **options: Any) -> Any:
    """`np.divmod`: quotient and remainder."""
    return np.floor_divide(x, y, **options), np.remainder(x, y, **options)


def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
    **options: Any,
) -> Any:
    """`np.clip` as a maximum and a minimum."""
    if (min is not None or max is not None) and (a_min is not None or a_max is not None):
        raise ValueError("np.clip takes a_min and a_max, or min and max, not both")
    low, high = (a_min, a_max) if min is None and max is None else (min, max)
    if low is None and high is None:
        return np.positive(a, out=out, **options)
    if low is None:
        return np.minimum(a, high, out=out, **options)
    if high is None:
        return np.maximum(a, low, out=out, **options)
    where = {"where": options.pop("where")} if "where" in options else {}
    return np.minimum(np.maximum(a, low, **options), high, out=out, **where, **options)


def angle(z: Any, deg: bool = False) -> Any:
    """`np.angle` as the arctan2 of the parts."""
    radians = np.arctan2(np.imag(z), np.real(z)) if np.iscomplexobj(z) else np.arctan2(0, z)
    return radians * (180 / math.pi) if deg else radians


def real_if_close(a: Any, tol: float = 100) -> Any:
    """Real arrays as they are; for complex ones the values would decide the dtype."""
    if np.iscomplexobj(a):
        raise UnsupportedFunctionError("real_if_close: its dtype depends on values; write np.real(a) or a")
    return a


def modf(x: Any, **options: Any) -> Any:
    """The fractional part by `fmod`, the integer part by `trunc`."""
    endless = np.isinf(x)
    fraction = np.fmod(np.where(endless, 0.0, x), 1.0, **options)
    return np.where(endless, np.copysign(0.0, x, **options), fraction), np.trunc(x, **options)


@dispatched
def exponent(x: Any) -> Any:
    """The second result of `np.frexp`."""
    return np.frexp(x)[1]


def frexp(x: Any) -> Any:
    """The mantissa as x scaled by its exponent, which is piecewise constant."""
    power = exponent(x)
    return np.ldexp(x, np.negative(power)), power


# Results that are no arrays are written with functions whose results are


def allclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    """`np.allclose`, but for an `np.bool` where NumPy says `bool`."""
    return np.all(np.isclose(a, b, rtol, atol, equal_nan))


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """`np.array_equal`: shapes first, then values."""
    if np.shape(a1) != np.shape(a2):
        return False
    equal = np.equal(a1, a2)
    return np.all(equal | (np.isnan(a1) & np.isnan(a2)) if equal_nan else equal)


def array_equiv(a1: Any, a2: Any) -> Any:
    """`np.array_equiv`: equal after broadcasting."""
    try:
        np.broadcast_shapes(np.shape(a1), np.shape(a2))
    except ValueError:
        return False
    return np.all(np.equal(a1, a2))


def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """`np.count_nonzero` as a sum."""
    return np.sum(np.not_equal(a, 0), axis=axis, dtype=np.intp, keepdims=keepdims)


def nonzero(a: Any) -> Any:
    """`np.nonzero`: the columns of `np.argwhere`."""
    if np.ndim(a) == 0:
        raise ValueError("np.nonzero does not take zero-dimensional arrays; use np.atleast_1d(a)")
    return tuple(np.argwhere(a).T)


def unravel_index(indices: Any, shape: Any, order: str = "C") -> Any:
    """`np.unravel_index`: remainders by the lengths of the axes, the fastest axis first."""
    lengths = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    size = math.prod(lengths)
    if not np.all(np.less(indices, size) & np.greater_equal(indices, 0)):
        raise ValueError(f"an index is out of bounds for an array of size {size}")
    places, rest = [], np.add(indices, np.intp(0))
    for length in lengths if order == "F" else reversed(lengths):
        places.append(rest % length)
        rest = rest // length
    return tuple(places if order == "F" else reversed(places))


# Results that shapes decide


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """`np.astype`: the method."""
    return x.astype(dtype, copy=copy)


def einsum_path(*operands: Any, **options: Any) -> Any:
    """`np.einsum_path` of arrays of the same shapes."""
    return np.einsum_path(*(np.broadcast_to(0.0, x.shape) if is_tracer(x) else x for x in operands), **options)


def of_shape(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that asks for the shape of its first argument only."""
    return lambda arr, *args, **kwargs: function(np.broadcast_to(0.0, np.shape(arr)), *args, **kwargs)


RULES: dict[Any, Rule] = {
    np.clip: composed(clip),
    # What `ndarray.clip` calls.
    "numpy._core.umath:clip": composed(clip),
    np.divmod: composed(divmod_),
    np.modf: composed(modf),
    np.frexp: composed(frexp),
    exponent: constant(),
    np.angle: composed(angle),
    np.real_if_close: composed(real_if_close),
    np.allclose: composed(allclose),
    np.array_equal: composed(array_equal),
    np.array_equiv: composed(array_equiv),
    np.count_nonzero: composed(count_nonzero),
    np.nonzero: composed(nonzero),
    np.unravel_index: composed(unravel_index),
    np.astype: composed(astype),
    np.einsum_path: composed(einsum_path),
    **{f: composed(of_shape(f)) for f in (np.diag_indices_from, np.tril_indices_from, np.triu_indices_from)},
}
