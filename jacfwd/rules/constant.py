"""Functions whose derivative is zero: integer and boolean results, and piecewise constant ones.

Recordings keep them as nodes, for replays compute them anew, but nothing is differentiated through them.
"""

import math
from typing import Any

import numpy as np

from jacfwd.primitive import Rule, composed, constant

__all__ = ["RULES"]

COMPARISONS = (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)
TESTS = (np.isfinite, np.isinf, np.isnan, np.isnat, np.signbit)
LOGIC = (np.logical_and, np.logical_or, np.logical_xor, np.logical_not)
INTEGERS = (
    np.bitwise_and,
    np.bitwise_or,
    np.bitwise_xor,
    np.invert,
    np.left_shift,
    np.right_shift,
    np.bitwise_count,
    np.gcd,
    np.lcm,
)
STEPS = (np.floor, np.ceil, np.trunc, np.rint, np.floor_divide, np.spacing)

# Results that are no arrays are written with functions whose results are.


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


RULES: dict[Any, Rule] = {
    **{ufunc: constant() for ufunc in (*COMPARISONS, *TESTS, *LOGIC, *INTEGERS, *STEPS)},
    # steps that are no ufuncs
    np.round: constant().on("a"),
    np.around: constant().on("a"),
    np.fix: constant().on("x"),
    # truth of values
    np.all: constant().on("a", "where"),
    np.any: constant().on("a", "where"),
    np.isclose: constant().on("a", "b", "rtol", "atol"),
    np.allclose: composed(allclose),
    np.array_equal: composed(array_equal),
    np.array_equiv: composed(array_equiv),
    np.isin: constant().on("element", "test_elements"),
    np.iscomplex: constant().on("x"),
    np.isreal: constant().on("x"),
    np.isneginf: constant().on("x"),
    np.isposinf: constant().on("x"),
    # positions and counts
    np.argmax: constant().on("a"),
    np.argmin: constant().on("a"),
    np.nanargmax: constant().on("a"),
    np.nanargmin: constant().on("a"),
    np.argsort: constant().on("a"),
    np.argpartition: constant().on("a"),
    np.lexsort: constant().on("keys", signature="keys, axis=-1"),
    np.argwhere: constant().on("a"),
    np.nonzero: composed(nonzero),
    np.flatnonzero: constant().on("a"),
    np.count_nonzero: composed(count_nonzero),
    np.searchsorted: constant().on("a", "v", "sorter"),
    np.digitize: constant().on("x", "bins"),
    np.ravel_multi_index: constant().on(
        "multi_index", signature="multi_index, dims, mode='raise', order='C'"
    ),
    np.unravel_index: composed(unravel_index),
    np.packbits: constant().on("a", signature="a, /, axis=None, bitorder='big'"),
    np.unpackbits: constant().on("a", signature="a, /, axis=None, count=None, bitorder='big'"),
    # arrays that take a shape only
    np.zeros_like: constant().on("a"),
    np.ones_like: constant().on("a"),
    np.empty_like: constant().on(
        "prototype", signature="prototype, /, dtype=None, order='K', subok=True, shape=None, *, device=None"
    ),
}
