"""Sample calls of functions that call others, of ranges, phases, histograms and general eigenvalues."""

from typing import Any

import numpy as np

from jacfwd.rules import general, phases
from tests.rules.samples_movement import Calls, calls

__all__ = ["CALLING", "EIGEN", "HISTOGRAMS", "PHASES", "RANGES", "SAMPLES"]

ROW = np.array([0.5, -1.25, 3.0, 2.0, -0.5, 0.25])
MATRIX = np.array([[0.5, -1.25, 3.0], [2.0, -0.75, 1.5]])
CUBE = np.random.default_rng(3).uniform(-2, 2, (2, 3, 4))
SINGLE = MATRIX.astype(np.float32)
COMPLEX = MATRIX + 1j * MATRIX[::-1]
FORTRAN = np.asfortranarray(MATRIX)
STRIDED = CUBE[::-1, ::2, 1::2]
SCALAR = np.float64(1.5)
KINDS = (ROW, MATRIX, SINGLE, FORTRAN, STRIDED)


def cube(x):
    return x**3


def scaled(x, factor=1.0, power=1):
    return factor * x**power


def moment(x, k=2):
    return np.sum(x**k) * x[0]


def both(x):
    return np.stack([x * x[::-1], np.sin(x)])


CALLING: dict[Any, Calls] = {
    np.piecewise: [
        *(calls(x, [x < 0, x >= 0], [np.square, cube]) for x in KINDS),
        calls(ROW, [ROW < -1, ROW > 1], [0.5, cube, np.exp]),
        calls(ROW, [ROW < 0], [0.0, 1.0]),
        calls(ROW, ROW < 0, [np.sin, np.cos]),
        calls(ROW, [ROW < 100, ROW < 0], [np.sin, np.cos]),
        calls(ROW, [ROW > 100, ROW < 0], [np.sin, np.cos]),
        calls(SCALAR, [SCALAR < 0, SCALAR >= 0], [cube, np.square]),
        calls(ROW, [ROW < 0], [scaled, 1.0], 2.0, power=3),
        calls(COMPLEX, [MATRIX < 0], [cube, np.square]),
        calls(np.zeros(0), [np.zeros(0, bool)], [cube, np.square]),
    ],
    np.apply_along_axis: [
        *(calls(moment, 0, x) for x in KINDS),
        calls(moment, -1, CUBE, k=3),
        calls(moment, 1, CUBE, 1),
        calls(both, 1, CUBE),
        calls(both, 0, ROW),
        calls(np.cumsum, 1, COMPLEX),
    ],
    np.apply_over_axes: [
        *(calls(np.sum, x, 0) for x in KINDS),
        calls(np.mean, CUBE, [0, 2]),
        calls(np.cumsum, CUBE, (1, -1)),
    ],
}
RANGES: dict[Any, Calls] = {
    np.linspace: [
        calls(SCALAR, np.float64(4.0)),
        calls(SCALAR, 4.0, 5),
        calls(np.float32(0.5), np.float32(2.0), num=4),
        calls(MATRIX, 2.0, 4, endpoint=False),
        calls(MATRIX, MATRIX[0], 3, True, True, axis=1),
        calls(SCALAR, 3.0, 1),
        calls(SCALAR, 3.0, 1, endpoint=False),
        calls(SCALAR, 3.0, 0),
        calls(1j * SCALAR, 3.0, 4),
        calls(SCALAR, 9.0, 4, dtype=np.float32),
    ],
    np.logspace: [
        calls(np.float64(0.5), np.float64(1.5), 4),
        calls(np.float64(0.5), 1.5, 4, base=np.float64(2.5)),
        calls(np.array([0.5, 1.0]), 1.5, 3, False, np.array([2.0, 3.0]), axis=1),
        calls(np.array([0.5, 1.0]), 1.5, 3, base=np.array([[2.0], [3.0]])),
        calls(np.float64(0.5), 1.5, 3, dtype=np.float32),
    ],
    np.geomspace: [
        calls(np.float64(0.5), np.float64(8.0), 5),
        calls(np.float64(-0.5), np.float64(-8.0), 5),
        calls(np.array([0.5, 2.0]), 8.0, 4, endpoint=False, axis=-1),
        calls(np.float64(0.5), 8.0, 1),
        calls(np.float64(1.0), np.float64(0.25), 3),
        calls(np.float64(0.25), np.float64(1.0), 3),
        calls(np.float64(0.5), 8.0, 0),
        calls(np.float64(0.5), 8.0, 3, dtype=np.float32),
        calls(np.float32(0.5), np.float32(8.0), 3),
        calls(np.complex128(1j), np.complex128(4 + 3j), 4),
    ],
}
PHASE = np.array([[0.5, 2.9, -2.8, -0.3, 4.5], [3.0, -3.0, 9.0, 8.9, 8.0]])
PHASES: dict[Any, Calls] = {
    np.unwrap: [
        *(
            calls(x)
            for x in (ROW, PHASE, PHASE.astype(np.float32), np.asfortranarray(PHASE), CUBE[::-1, ::2, 1::2] * 4)
        ),
        calls(PHASE, 4.0, 1),
        calls(PHASE, axis=0, period=np.float64(2.5)),
        calls(PHASE, discont=1.0, period=np.float64(1.5)),
        calls(PHASE, period=np.float64(5.5)),
    ],
    phases.phase_jumps: [
        calls(PHASE, None, np.float64(2.5), axis=1),
        calls(PHASE, 1.5, np.float64(2.0), axis=0),
    ],
}
DATA = np.array([[0.1, 0.45, 0.7], [0.95, 0.55, 0.3]])
WEIGHTS = np.array([[1.5, 2.0, 0.5], [3.0, 0.25, 1.0]])
HISTOGRAMS: dict[Any, Calls] = {
    np.histogram_bin_edges: [
        calls(DATA),
        calls(DATA, 3, (np.float64(0.2), np.float64(0.8))),
        calls(DATA, bins=np.array([0.0, 0.5, 0.75])),
        calls(DATA.astype(np.float32), 2),
        calls(np.array([0.5, 0.5])),
        calls(np.zeros(0), 3),
    ],
    np.histogram: [
        calls(DATA, 3),
        calls(DATA, 3, weights=WEIGHTS),
        calls(DATA, [0.0, 0.5, 0.85], weights=WEIGHTS),
        calls(DATA, 4, (0.2, 0.8), weights=WEIGHTS),
        calls(DATA, 4, density=True),
        calls(DATA, 3, None, True, WEIGHTS),
        calls(DATA, 3, weights=WEIGHTS.astype(np.float32)),
        calls(np.array([0.25, 0.5, 0.5]), 2),
        calls(DATA, [0.0, 0.5, 1.0, 1.5, 2.0]),
        calls(DATA, [0.0, 0.5, 1.0, 1.5, 2.0], weights=WEIGHTS),
    ],
    np.histogramdd: [
        calls(DATA, 2),
        calls(DATA, 2, weights=WEIGHTS[0, :2]),
        calls((DATA[0], DATA[1]), (2, 3), ((0.0, 1.0), (0.2, 0.9)), weights=WEIGHTS[0]),
        calls(DATA[0], 3, weights=WEIGHTS[0], density=True),
        calls(DATA.T, [[0.0, 0.5, 0.85], 2], None, True, WEIGHTS[0]),
    ],
    np.histogram2d: [
        calls(DATA[0], DATA[1], 2),
        calls(DATA[0], DATA[1], 3, weights=WEIGHTS[0]),
        calls(DATA[0], DATA[1], (2, 3), [(0.0, 1.0), (0.2, 0.9)], True, WEIGHTS[0]),
        calls(DATA[0], DATA[1], [0.0, 0.33, 0.6, 1.0], weights=WEIGHTS[0]),
        calls(DATA[0], DATA[1], [[0.0, 0.33, 1.0], [0.0, 0.6, 1.0]], weights=WEIGHTS[0]),
    ],
}
NORMAL = np.array([[2.0, 1.0, 0.0], [0.3, -1.0, 0.5], [0.2, 0.1, 4.0]])
TURNING = np.array([[1.0, 2.0, 0.1], [-2.0, 1.25, 0.3], [0.2, 0.1, 4.0]])
SQUARES = (
    NORMAL,
    TURNING,
    np.stack([NORMAL, 2 * NORMAL + TURNING / 4]),
    np.asfortranarray(TURNING),
    NORMAL + 0.5j * TURNING,
    np.eye(1),
    NORMAL.astype(np.float32),
    np.zeros((0, 0)),
)
EIGEN: dict[Any, Calls] = {
    **{f: [calls(a) for a in SQUARES] for f in (np.linalg.eig, np.linalg.eigvals, general.complex_eigenvectors)},
    general.complex_eigenvalues: [*(calls(a) for a in SQUARES), calls(TURNING, alone=False)],
    general.inverse_vectors: [calls(a) for a in SQUARES],
}
SAMPLES = {**CALLING, **RANGES, **PHASES, **HISTOGRAMS, **EIGEN}
