"""Functions whose derivative is zero: integer and boolean results, and piecewise constant ones.

Recordings keep them as nodes, for replays compute them anew, but nothing is differentiated through them.
"""

from typing import Any

import numpy as np

from jacfwd.primitive import Rule, constant

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
    np.flatnonzero: constant().on("a"),
    np.searchsorted: constant().on("a", "v", "sorter"),
    np.digitize: constant().on("x", "bins"),
    np.ravel_multi_index: constant().on("multi_index", signature="multi_index, dims, mode='raise', order='C'"),
    np.packbits: constant().on("a", signature="a, /, axis=None, bitorder='big'"),
    np.unpackbits: constant().on("a", signature="a, /, axis=None, count=None, bitorder='big'"),
    # arrays that take a shape only
    np.zeros_like: constant().on("a"),
    np.ones_like: constant().on("a"),
    np.empty_like: constant().on(
        "prototype", signature="prototype, /, dtype=None, order='K', subok=True, shape=None, *, device=None"
    ),
}
