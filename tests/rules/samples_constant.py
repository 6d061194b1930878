"""Sample calls of the functions without a derivative: positional arguments and keywords."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.rules.constant import COMPARISONS, LOGIC

X = np.array([[0.25, -1.75, 2.5], [0.25, 3.25, -0.75]])
Y = np.array([0.25, 1.5, -2.25])
INTS = np.array([6, 4, 9])
FLAGS = X > 0

SAMPLES: dict[Callable, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    **{f: [((X, Y), {}), ((X, 0.25), {}), ((X + 1j, Y), {})] for f in COMPARISONS},
    **{f: [((X[:, ::2],), {}), ((np.array([np.nan, np.inf]),), {})] for f in (np.isfinite, np.isinf, np.isnan)},
    np.isnat: [((np.array(["2000-01-01", "NaT"], "datetime64[D]"),), {})],
    np.signbit: [((X,), {})],
    **{f: [((FLAGS, X > 1), {}), ((X, 0.0), {})] for f in LOGIC if f.nin == 2},
    np.logical_not: [((X,), {})],
    **{f: [((INTS, 2), {})] for f in (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift, np.right_shift)},
    np.invert: [((FLAGS,), {})],
    np.bitwise_count: [((INTS,), {})],
    np.gcd: [((INTS, 6), {})],
    np.lcm: [((INTS, 6), {})],
    **{f: [((X,), {}), ((X.astype(np.float32),), {}), ((np.float64(0.3),), {})] for f in (np.floor, np.ceil, np.trunc)},
    np.rint: [((X,), {}), ((X + 0.3j,), {})],
    np.floor_divide: [((X, Y), {}), ((X, 2), {})],
    np.spacing: [((X,), {})],
    np.round: [((X,), {}), ((X, 1), {}), ((X,), {"decimals": -1})],
    np.around: [((X,), {}), ((X + 0.3j, 1), {})],
    np.fix: [((X,), {})],
    np.all: [((X,), {}), ((X, 0), {}), ((X,), {"axis": 1, "keepdims": True, "where": FLAGS})],
    np.any: [((X,), {}), ((X,), {"axis": 0, "where": FLAGS})],
    np.isclose: [
        ((X, Y), {}),
        ((X, X + 1e-9, 1e-5), {"atol": np.full(3, 1e-8)}),
        ((X, Y), {"equal_nan": True}),
    ],
    np.isin: [((X, Y), {}), ((X, Y), {"invert": True})],
    np.iscomplex: [((X + 1j,), {}), ((X,), {})],
    np.isreal: [((X + 1j,), {})],
    np.isneginf: [((np.array([-np.inf, np.inf, 1.0]),), {})],
    np.isposinf: [((np.array([-np.inf, np.inf, 1.0]),), {})],
    **{f: [((X,), {}), ((X, 1), {}), ((X,), {"axis": 0, "keepdims": True})] for f in (np.argmax, np.argmin)},
    **{f: [((np.array([np.nan, 1.0, 3.0]),), {}), ((X,), {"axis": 1})] for f in (np.nanargmax, np.nanargmin)},
    np.argsort: [((X,), {}), ((X, None), {"kind": "stable"}), ((X,), {"axis": 0})],
    np.argpartition: [((X, 1), {})],
    np.lexsort: [((X,), {}), (((Y, INTS),), {}), ((X,), {"axis": 0})],
    np.argwhere: [((FLAGS,), {})],
    np.flatnonzero: [((FLAGS,), {})],
    np.searchsorted: [((np.sort(Y), X), {}), ((Y, 0.5), {"side": "right", "sorter": np.argsort(Y)})],
    np.digitize: [((X, np.sort(Y)), {}), ((X, np.sort(Y)), {"right": True})],
    np.ravel_multi_index: [
        ((np.array([[0, 1], [2, 0]]), (2, 3)), {}),
        (((np.array([0, 1]), [2, 0]), (2, 3)), {"order": "F"}),
    ],
    np.packbits: [((FLAGS,), {"axis": 1}), ((FLAGS,), {"bitorder": "little"})],
    np.unpackbits: [((np.array([3, 9], np.uint8),), {"count": 9})],
    np.zeros_like: [((X,), {}), ((X,), {"dtype": np.float32, "shape": (4,)})],
    np.ones_like: [((X,), {})],
    np.empty_like: [((np.zeros((0, 3)),), {})],
}
