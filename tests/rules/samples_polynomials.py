"""Sample calls of polynomials: functions to lists of calls."""

from typing import Any

import numpy as np
import numpy.polynomial.polynomial as series

from jacfwd.rules import polynomials
from tests.rules.samples_movement import Calls, calls

__all__ = ["FIXED", "SAMPLES"]

CUBIC = np.array([0.5, -1.25, 3.0, 2.0])
LINE = np.array([2.0, -0.75])
POINTS = np.array([[0.25, -1.5], [2.0, 0.0]])
SINGLE = CUBIC.astype(np.float32)
STRIDED = np.linspace(-1, 2, 8)[::-2]
PADDED = np.array([0.0, 0.0, 1.5, -0.5])
ENDING = np.array([1.0, -0.5, -1.5, 0.0])
COMPLEX = CUBIC + 1j * CUBIC[::-1]
SCALAR = np.float64(0.75)
NODES = np.linspace(-1.0, 1.5, 6)
VALUES = np.array([0.5, 2.0, -1.0, 0.25, 1.5, 3.0])
COLUMNS = np.stack([VALUES, VALUES[::-1] ** 2], axis=1)
WEIGHTS = np.array([1.0, 2.0, 0.5, 1.5, 1.0, 0.25])

PAIRS: Calls = [
    calls(CUBIC, LINE),
    calls(LINE, CUBIC),
    calls(SINGLE, SINGLE[1:]),
    calls(CUBIC, STRIDED),
    calls(COMPLEX, LINE),
    calls(CUBIC, 2.0),
    calls([1.0, 2.0], CUBIC),
]

SAMPLES: dict[Any, Calls] = {
    polynomials.value: [
        calls(CUBIC, POINTS),
        calls(CUBIC, SCALAR),
        calls(CUBIC[:1], POINTS),
        calls(COMPLEX, POINTS),
        calls(CUBIC, POINTS + 0.5j),
        calls(SINGLE, POINTS.astype(np.float32)),
        calls(STRIDED, POINTS.T),
        calls(CUBIC, np.zeros((0, 2))),
    ],
    np.polyval: [
        calls(CUBIC, POINTS),
        calls([1.0, 2.0, 3.0], POINTS),
        calls(np.poly1d(CUBIC), POINTS),
        calls(CUBIC, [1, 2]),
        calls(np.stack([CUBIC, CUBIC**2], axis=1), POINTS),
        calls(SINGLE, 0.5),
    ],
    np.vander: [
        calls(CUBIC),
        calls(CUBIC, 3),
        calls(CUBIC, N=2, increasing=True),
        calls(COMPLEX),
        calls(SINGLE, 3),
        calls(STRIDED),
        calls(np.zeros(0), 2),
        calls(CUBIC, 0),
    ],
    np.polyadd: PAIRS,
    np.polysub: PAIRS,
    np.polymul: PAIRS,
    np.polydiv: PAIRS,
    np.polyder: [
        calls(CUBIC),
        calls(SINGLE, 2),
        calls(COMPLEX, m=3),
        calls(CUBIC, 5),
        calls(CUBIC, m=0),
        calls(np.poly1d(CUBIC)),
        calls(STRIDED),
        calls([3.0, 1.0]),
    ],
    np.polyint: [
        calls(CUBIC),
        calls(SINGLE, 2),
        calls(COMPLEX, k=np.array([2.5])),
        calls(CUBIC, 2, np.float64(1.5)),
        calls(CUBIC, m=2, k=np.array([1.5, -0.5, 7.0])),
        calls(CUBIC, m=0),
        calls(np.poly1d(CUBIC), 1, 2.0),
        calls(STRIDED),
        calls([3.0, 1.0], 1),
    ],
    np.polyfit: [
        calls(NODES, VALUES, 2),
        calls(NODES, COLUMNS, 1),
        calls(list(NODES), VALUES, deg=0),
        calls(NODES, VALUES, 2, 1e-12),
        calls(NODES, VALUES, 2, full=True),
        calls(NODES, COLUMNS, 1, None, True, WEIGHTS),
        calls(NODES, VALUES, 2, w=WEIGHTS),
        calls(NODES, VALUES, 2, cov=True),
        calls(NODES, COLUMNS, 1, cov=True, w=WEIGHTS),
        calls(NODES, VALUES, 2, None, False, None, "unscaled"),
        calls(NODES, COLUMNS, 2, cov="unscaled"),
        calls(NODES, VALUES + 1j * WEIGHTS, 1),
    ],
    polynomials.is_closed: [calls(CUBIC + 0j), calls(COMPLEX), calls(np.array([1j, -1j]))],
    np.poly: [calls(CUBIC), calls(SINGLE), calls(STRIDED), calls(COMPLEX), calls([1, 2, 3]), calls(np.zeros(0))],
    polynomials.zeros_of: [
        calls(CUBIC),
        calls(ENDING),
        calls(COMPLEX),
        calls(LINE),
        calls(SINGLE),
        calls(np.array([1.0, 0.0, 1.0])),
    ],
    np.roots: [
        calls(CUBIC),
        calls(ENDING),
        calls(np.array([2.0, 1.0, -3.0])),
        calls(COMPLEX),
        calls(SINGLE),
        calls(LINE),
        calls(CUBIC[:1]),
        calls([1, -3, 2]),
    ],
    series.polyval2d: [
        calls(POINTS, POINTS + 1.0, CUBIC.reshape(2, 2)),
        calls(SCALAR, SCALAR**2, COMPLEX.reshape(2, 2)),
        calls([0.5, 1.0], [1.5, 2.0], CUBIC.reshape(4, 1)),
    ],
    series.polygrid2d: [
        calls(LINE, CUBIC, CUBIC.reshape(2, 2)),
        calls(SCALAR, LINE, COMPLEX.reshape(2, 2)),
    ],
}

# Where the shape of the result, or its dtype, depends on values: the derivative holds it fixed.
FIXED: dict[Any, Calls] = {
    np.polyadd: [calls(np.poly1d([1.0, 2.0]), CUBIC), calls(CUBIC, PADDED)],
    np.polysub: [calls(np.poly1d([1.0, 2.0]), CUBIC), calls(CUBIC, PADDED)],
    np.polyval: [calls(LINE, np.poly1d([1.0, 2.0]))],
    np.polymul: [calls(CUBIC, PADDED), calls(np.zeros(3), CUBIC), calls(np.poly1d(LINE), LINE)],
    np.polydiv: [
        calls(LINE, COMPLEX),
        calls(np.convolve(LINE, [1.0, 0.5]), LINE),
        calls(np.convolve(LINE, [1.0, 0.5, 2.0]) + [0, 0, 0, 1.0], LINE),
        calls(np.poly1d(CUBIC), LINE),
    ],
    np.poly: [calls(np.array([1 + 2j, 1 - 2j]))],
    np.roots: [calls(PADDED), calls(np.zeros(3)), calls(np.array([2j, 0])), calls(np.array([0.0, 3.0, 0.0]))],
}
