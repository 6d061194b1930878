"""Sample calls of derivatives on grids and of covariances: functions to lists of calls."""

from typing import Any

import numpy as np

from tests.rules.samples_movement import Calls, calls

__all__ = ["SAMPLES"]

RANDOM = np.random.default_rng(7)
ROW = RANDOM.uniform(-1, 1, 6)
PAIR = np.array([0.5, 2.0])
MATRIX = RANDOM.uniform(-1, 1, (3, 5))
CUBE = RANDOM.uniform(-1, 1, (3, 4, 5))
SINGLE = MATRIX.astype(np.float32)
COMPLEX = MATRIX + 1j * RANDOM.uniform(-1, 1, (3, 5))
FORTRAN = np.asfortranarray(MATRIX)
STRIDED = CUBE[::-1, :, ::2]
UNEVEN = np.array([0.0, 0.5, 1.25, 2.0, 4.0])
THREE = np.array([1.0, 2.0, 2.5])
EVEN = np.array([1, 3, 5, 7, 9])
COUNTS = np.array([1, 2, 1, 3, 2])
WEIGHTS = np.array([0.5, 1.0, 2.0, 1.5, 0.25])

SAMPLES: dict[Any, Calls] = {
    np.gradient: [
        *(calls(x) for x in (ROW, PAIR, MATRIX, SINGLE, COMPLEX, FORTRAN, STRIDED)),
        calls(ROW, 0.5),
        calls(MATRIX, np.float64(2.0)),
        calls(MATRIX, 0.5, 2.0),
        calls(MATRIX, THREE, UNEVEN),
        calls(MATRIX, THREE, 0.5, edge_order=2),
        calls(MATRIX, UNEVEN, axis=1),
        calls(MATRIX, list(UNEVEN), axis=-1, edge_order=2),
        calls(SINGLE, UNEVEN.astype(np.float32), axis=1, edge_order=2),
        calls(SINGLE, UNEVEN, axis=1),
        calls(CUBE, axis=(0, 2), edge_order=2),
        calls(CUBE, 0.5, UNEVEN, axis=(1, -1)),
        calls(ROW, edge_order=2),
        calls(MATRIX, EVEN, axis=1),
        calls(MATRIX, EVEN / 4, axis=(1,), edge_order=2),
        calls([1.0, 2.0, 4.0, 8.0], np.array([0.0, 1.0, 3.0, 4.0])),
        calls(np.array([1, 2, 4]), np.float64(0.5)),
        calls(MATRIX[:0], axis=1),
        calls(MATRIX, 0.5, axis=()),
    ],
    np.cov: [
        *(calls(x) for x in (ROW, MATRIX, SINGLE, COMPLEX, FORTRAN, STRIDED[0])),
        calls(MATRIX, FORTRAN**2),
        calls(ROW, ROW[::-1]),
        calls(MATRIX, rowvar=False),
        calls(MATRIX, MATRIX**2, False),
        calls(MATRIX, bias=True),
        calls(MATRIX, None, True, False, 2),
        calls(MATRIX, ddof=0),
        calls(MATRIX, fweights=COUNTS),
        calls(MATRIX, fweights=list(COUNTS), ddof=0),
        calls(MATRIX, aweights=WEIGHTS),
        calls(MATRIX, aweights=WEIGHTS, bias=True),
        calls(COMPLEX, fweights=COUNTS, aweights=WEIGHTS),
        calls(MATRIX, ROW[:5], aweights=WEIGHTS, ddof=2),
        calls(SINGLE, dtype=np.float32),
        calls(MATRIX, dtype=complex),
        calls([[1.0, 2.0, 4.0], [2.0, 0.5, 1.0]], np.array([1.0, 0.5, 3.0])),
        calls(np.zeros((0, 3))),
        calls(MATRIX[:1].T, rowvar=False),
        calls(MATRIX[:, :1].T, rowvar=False, ddof=0),
    ],
    np.corrcoef: [
        *(calls(x) for x in (ROW, MATRIX, SINGLE, COMPLEX, FORTRAN, STRIDED[0])),
        calls(MATRIX, FORTRAN**2),
        calls(MATRIX, rowvar=False),
        calls(ROW, ROW[::-1] ** 2, True),
        calls(SINGLE, dtype=np.float32),
        calls([[1.0, 2.0, 4.0], [2.0, 0.5, 1.0]], np.array([1.0, 0.5, 3.0])),
    ],
}
