"""Sample calls of reductions, running sums and averages: functions to lists of calls."""

from typing import Any

import numpy as np

from tests.rules.samples_movement import Calls, calls

__all__ = ["SAMPLES"]

VECTOR = np.array([0.5, -1.25, 3.0, 2.0])
MATRIX = np.array([[0.5, -1.25, 3.0], [2.0, -0.75, 1.5]])
CUBE = np.random.default_rng(3).permutation(np.linspace(-2.0, 3.0, 24)).reshape(2, 3, 4)
SINGLE = MATRIX.astype(np.float32)
COMPLEX = MATRIX + 1j * MATRIX[::-1]
FORTRAN = np.asfortranarray(MATRIX)
STRIDED = CUBE[::-1, ::2, 1::2]
SCALAR = np.float64(1.5)
EMPTY = np.zeros((0, 3))
ZEROS = np.array([[0.0, -1.25, 3.0], [0.0, -0.75, 0.0], [2.0, 0.5, 1.5]])
HOLES = np.array([[np.nan, -1.25, 3.0], [0.5, -0.75, np.nan], [2.0, 0.5, 1.5]])
SOME = np.array([[True, False, True], [True, True, True]])

# Of every reduction: shapes, layouts and dtypes; axes; keywords.
KINDS = (MATRIX, SINGLE, FORTRAN, STRIDED, SCALAR)
ALONG: Calls = [
    *(calls(x) for x in KINDS),
    calls(MATRIX, 0),
    calls(FORTRAN, -1),
    calls(CUBE, axis=(0, -1)),
    calls(CUBE, axis=(2, 0), keepdims=True),
    calls(MATRIX, axis=()),
    calls(STRIDED, axis=None, keepdims=True),
]
MASKED: Calls = [
    calls(MATRIX, where=SOME),
    calls(MATRIX, axis=1, where=SOME[:1]),
    calls(CUBE, 1, where=CUBE > -2),
    calls(CUBE, axis=(0, 1), where=np.array([[[1], [0], [1]]]) > 0),
]
TYPED: Calls = [
    calls(SINGLE, axis=0, dtype=np.float64),
    calls(MATRIX, dtype=np.float32),
    calls(MATRIX, dtype=complex),
]
COMPLEXES: Calls = [calls(COMPLEX), calls(COMPLEX, axis=0), calls(COMPLEX.astype(np.complex64), 1)]
STARTED: Calls = [calls(MATRIX, initial=2.5), calls(CUBE, axis=1, initial=np.float64(4.0), where=CUBE > 0)]
NOTHING: Calls = [calls(EMPTY), calls(EMPTY, axis=0), calls(EMPTY, axis=1)]
SPREAD: Calls = [
    *ALONG,
    *MASKED,
    *TYPED,
    *COMPLEXES,
    calls(MATRIX, ddof=1),
    calls(CUBE, axis=(0, 1), ddof=2.5),
    calls(CUBE, axis=1, correction=1, keepdims=True),
    calls(MATRIX, axis=1, ddof=1, where=SOME),
    calls(EMPTY, axis=1),
]
RUNNING: Calls = [
    *(calls(x) for x in KINDS),
    calls(COMPLEX, 1),
    calls(CUBE, axis=1),
    calls(CUBE, -1),
    calls(ZEROS, axis=0),
    calls(EMPTY, axis=0),
    calls(EMPTY, axis=1),
    calls(EMPTY),
    calls(SINGLE, 0, dtype=np.float64),
    calls(MATRIX, dtype=np.float32),
]
SMALL = [*ALONG, *STARTED, calls(MATRIX, axis=1, where=SOME[:1], initial=-0.5), calls(CUBE, 1, initial=9.0)]
IGNORING: Calls = [
    calls(HOLES),
    calls(HOLES, axis=0),
    calls(HOLES, 1, keepdims=True),
    calls(SINGLE),
    calls(SCALAR),
]
PART = np.array([[True, True, False], [True, True, True], [False, True, True]])

SAMPLES: dict[Any, Calls] = {
    np.sum: [*ALONG, *MASKED, *TYPED, *COMPLEXES, *STARTED, *NOTHING],
    np.mean: [*ALONG, *MASKED, *TYPED, *COMPLEXES, calls(EMPTY, axis=1), calls(MATRIX[None], axis=0)],
    np.prod: [
        *ALONG,
        *MASKED,
        *TYPED,
        *COMPLEXES,
        *STARTED,
        *NOTHING,
        calls(ZEROS),
        calls(ZEROS, axis=0),
        calls(ZEROS, axis=1),
        calls(ZEROS, axis=(0, 1), initial=2.0, where=ZEROS > -1),
    ],
    **{
        function: [*SMALL, calls(COMPLEX, axis=1), calls(EMPTY, 0, initial=1.5), calls(MATRIX, 1, None, True)]
        for function in (np.max, np.min, np.amax, np.amin)
    },
    **{function: [*SMALL, *IGNORING, calls(HOLES, where=PART, initial=0.0)] for function in (np.nanmax, np.nanmin)},
    **{
        function: [
            *SPREAD,
            calls(MATRIX, axis=0, mean=np.array([[1.0, 2.0, 0.5]])),
            calls(MATRIX, axis=0, mean=np.array([1.0, 2.0, 0.5])),
            calls(MATRIX, mean=np.float64(0.25)),
            calls(COMPLEX, axis=1, mean=np.array([[0.5 + 1j], [0.25j]]), ddof=1),
            calls(np.eye(2) + 0.5, axis=1, mean=np.array([0.5, 0.25])),
        ]
        for function in (np.var, np.std)
    },
    np.cumsum: RUNNING,
    np.cumprod: RUNNING,
    np.diff: [
        *(calls(x) for x in (MATRIX, SINGLE, COMPLEX, FORTRAN, STRIDED, VECTOR)),
        calls(CUBE, 2, axis=0),
        calls(CUBE, n=2, axis=1),
        calls(VECTOR, n=3),
        calls(VECTOR, n=6),
        calls(MATRIX, 0),
        calls(MATRIX, prepend=0.5),
        calls(MATRIX, axis=0, append=np.float64(2.0)),
        calls(MATRIX, 2, axis=0, prepend=MATRIX[:1] ** 2, append=FORTRAN),
        calls(VECTOR[:1], prepend=VECTOR, append=2.5),
        calls(np.zeros(0)),
    ],
    np.bincount: [
        calls([0, 2, 1, 0], VECTOR),
        calls(np.array([3, 3, 0, 1]), weights=VECTOR.astype(np.float32), minlength=6),
        calls(np.zeros(0, int), np.zeros(0)),
    ],
    np.ediff1d: [
        calls(MATRIX),
        calls(VECTOR, 2.5),
        calls(SINGLE, to_begin=SINGLE[0], to_end=MATRIX),
        calls(VECTOR[:1], VECTOR),
        calls([1.0, 2.0, 4.0], VECTOR),
        calls(np.zeros(0), 1.5),
    ],
    np.trapezoid: [
        calls(MATRIX),
        calls(MATRIX, dx=0.5),
        calls(MATRIX, np.array([0.0, 0.5, 2.0])),
        calls(MATRIX, np.array([0.5, 2.0]), axis=0),
        calls(CUBE, x=CUBE**2, axis=1),
        calls(SINGLE, axis=0),
        calls(VECTOR[:1]),
        calls([1.0, 2.0], np.array([0.5, 2.0])),
    ],
    np.ptp: ALONG,
    np.average: [
        *(calls(x) for x in KINDS),
        calls(CUBE, (0, 2), keepdims=True),
        calls(MATRIX, weights=FORTRAN**2),
        calls(MATRIX, 0, np.array([1.0, 3.0])),
        calls(CUBE, axis=1, weights=np.array([1.0, 3.0, -0.5]), returned=True),
        calls(CUBE, axis=-1, weights=CUBE**2, returned=True, keepdims=True),
        calls(SINGLE, axis=1, weights=np.array([1.0, 3.0, 0.5], np.float32)),
        calls(COMPLEX, axis=1, weights=np.array([1, 3, 2])),
        calls([[1, 2], [3, 4]], axis=0, weights=np.array([0.5, 2.0])),
        calls(MATRIX, 1, None, True),
    ],
    np.nansum: [*IGNORING, *TYPED, calls(HOLES, initial=2.0, where=PART), calls(COMPLEX * HOLES[:2])],
    np.nanprod: [*IGNORING, calls(HOLES, axis=0, initial=2.0, where=PART)],
    np.nancumsum: [*RUNNING, calls(HOLES), calls(HOLES, axis=1)],
    np.nancumprod: [*RUNNING, calls(HOLES), calls(HOLES, axis=0)],
    np.nanmean: [*IGNORING, *COMPLEXES, calls(HOLES, axis=0, where=PART), calls(HOLES, dtype=np.float32)],
    **{
        function: [
            *IGNORING,
            *COMPLEXES,
            calls(HOLES, axis=0, ddof=1),
            calls(HOLES, axis=1, where=PART),
            calls(HOLES, axis=1, ddof=2),
        ]
        for function in (np.nanvar, np.nanstd)
    },
}
for name in ("cumulative_sum", "cumulative_prod"):
    if hasattr(np, name):
        SAMPLES[getattr(np, name)] = [
            calls(VECTOR),
            calls(SCALAR),
            calls(MATRIX, axis=1),
            calls(CUBE, axis=-2, include_initial=True),
            calls(VECTOR, include_initial=True, dtype=np.float32),
            calls(SINGLE, axis=0, dtype=np.float64),
        ]
