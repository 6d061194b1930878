"""Sample calls of sorting, sets and quantiles: functions to lists of calls."""

from typing import Any

import numpy as np

from jacfwd.rules.ordering import partition_places, unique_parts, unique_places
from jacfwd.rules.quantiles import discrete_ranks
from tests.rules.samples_movement import Calls, calls

__all__ = ["CONSTANT", "METHODS", "ORDERING", "QUANTILES", "SETS", "TIED"]

VECTOR = np.array([0.5, -1.25, 3.0, 2.0, -0.5])
MATRIX = np.array([[0.5, -1.25, 3.0, 0.25], [2.0, -0.75, 1.5, -2.0], [1.75, 0.75, -0.25, 2.5]])
CUBE = np.random.default_rng(3).permutation(np.linspace(-2.0, 3.0, 24)).reshape(2, 3, 4)
SINGLE = MATRIX.astype(np.float32)
COMPLEX = MATRIX + 1j * MATRIX[:, ::-1]
FORTRAN = np.asfortranarray(MATRIX)
STRIDED = CUBE[::-1, ::2, 1::2]
SCALAR = np.float64(1.5)
EMPTY = np.zeros((0, 3))
HOLES = np.array([[np.nan, -1.25, 3.0, 0.25], [0.5, -0.75, np.nan, np.nan], [2.0, 0.75, 1.5, -1.0]])
NOTHING = np.array([[np.nan, np.nan], [0.5, -0.75]])
KINDS = (VECTOR, SINGLE, COMPLEX, FORTRAN, STRIDED, HOLES)
# Differences say nothing of these: see the conventions.
TIED = np.array([1.0, 3.0, 1.0, 2.0, 3.0, 1.0])
OTHER = np.array([3.0, 0.25, 1.0, -4.0])

METHODS = (
    "inverted_cdf averaged_inverted_cdf closest_observation interpolated_inverted_cdf hazen weibull linear "
    "median_unbiased normal_unbiased lower higher midpoint nearest"
).split()

ORDERING: dict[Any, Calls] = {
    np.sort: [
        *(calls(x) for x in KINDS),
        calls(EMPTY),
        calls(CUBE, 0),
        calls(CUBE, axis=None),
        calls(SCALAR, None),
        calls(MATRIX, 1, "mergesort"),
        calls(MATRIX, kind="stable", order=None),
        calls(MATRIX, stable=True),
    ],
    np.sort_complex: [calls(VECTOR), calls(COMPLEX), calls(SINGLE), calls(MATRIX)],
    np.partition: [
        *(calls(x, 1) for x in KINDS),
        calls(CUBE, [0, 2], 1),
        calls(CUBE, (7, -1), axis=None),
        calls(MATRIX, 2, axis=0, kind="introselect", order=None),
    ],
    np.unique: [
        *(calls(x) for x in (VECTOR, SINGLE, COMPLEX, STRIDED, SCALAR)),
        calls(np.array([[2.0, 1.0], [0.5, 3.0]]), axis=0),
        calls(MATRIX, axis=1, return_index=True, return_inverse=True, return_counts=True),
        calls(VECTOR, True),
        calls(VECTOR, False, True, True),
        calls(HOLES),
        calls(HOLES, equal_nan=False),
        calls(HOLES, equal_nan=False, return_inverse=True),
    ],
    np.unique_all: [calls(MATRIX)],
    np.unique_counts: [calls(HOLES)],
    np.unique_inverse: [calls(MATRIX)],
    np.unique_values: [calls(VECTOR), calls(HOLES)],
}
# Differences say nothing where elements of two arrays are equal.
SETS: dict[Any, Calls] = {
    np.union1d: [calls(MATRIX, VECTOR[1:4]), calls(VECTOR, 7.0), calls([1, 2], VECTOR)],
    np.setdiff1d: [
        calls(MATRIX, OTHER[1:]),
        calls(MATRIX, np.array([0.5, 7.0]), assume_unique=True),
        calls(VECTOR, [0.5, 1.0]),
    ],
    np.intersect1d: [
        calls(MATRIX, np.array([0.5, 7.0, 0.25])),
        calls(VECTOR, np.array([7.0, -1.25, 2.0]), True),
        calls(VECTOR, np.array([7.0, -1.25, 2.0, 2.0]), return_indices=True),
        calls(VECTOR, np.array([7.0, -1.25, 2.0]), assume_unique=True, return_indices=True),
        calls(VECTOR, np.array([3.0, -1.25]), return_indices=True),
    ],
    np.setxor1d: [
        calls(MATRIX, OTHER),
        calls(VECTOR, OTHER[1:], assume_unique=True),
        calls(np.zeros(0), np.zeros(0)),
        calls(VECTOR, np.zeros(0)),
    ],
}
if np.lib.NumpyVersion(np.__version__) >= "2.3.0":
    ORDERING[np.unique] += [
        calls(VECTOR, sorted=False),
        calls(HOLES, sorted=False, equal_nan=False),
        calls(VECTOR, sorted=False, return_index=True),
    ]

ALONG: Calls = [
    *(calls(x) for x in (VECTOR, VECTOR[:4], SINGLE, FORTRAN, STRIDED, SCALAR, HOLES)),
    calls(MATRIX, 0),
    calls(CUBE, axis=(0, -1)),
    calls(CUBE, (2, 0), keepdims=True),
    calls(MATRIX, axis=None, keepdims=True),
    calls(HOLES, axis=1),
    calls(HOLES, 0, keepdims=True),
    calls(MATRIX[:, :0], 0),
    calls(np.array([[0.5, 2.0, -3.0]]), axis=0),
]
SHARES: Calls = [
    *(calls(x, 0.3) for x in (VECTOR, SINGLE, FORTRAN, STRIDED, SCALAR, HOLES)),
    calls(MATRIX, np.float64(0.9), 0),
    calls(SINGLE, np.float64(0.9), 1),
    calls(SINGLE, np.float32([0.2, 0.7]), axis=0, keepdims=True),
    calls(MATRIX, [0.0, 0.1, 0.55, 0.99], 1),
    calls(CUBE, [[0.2], [0.6]], axis=-1),
    calls(CUBE, np.array([0.23, 0.64]), axis=(1, 0), keepdims=True),
    calls(HOLES, [0.15, 0.98], axis=1, keepdims=True),
    calls(VECTOR, 0),
    calls(VECTOR, 1),
    calls(np.array([4, 1, 3]), np.float64(0.3)),
    calls(np.array([4, 1, 3]), np.array([0, 1])),
    calls(MATRIX[:, :0], 0.3, 0),
    *(calls(MATRIX, [0.0, 0.15, 0.4, 0.5, 0.98], 1, method=method) for method in METHODS),
    *(calls(HOLES, np.array([0.17, 0.79]), 1, method=method) for method in METHODS),
    *(calls(VECTOR, 0.42, method=method) for method in METHODS),
    calls(MATRIX, [0.15, 0.8], method="inverted_cdf", weights=np.abs(MATRIX)),
    calls(SINGLE, np.float32(0.7), method="inverted_cdf", weights=np.abs(MATRIX)),
    calls(HOLES, [0.25, 0.98], 1, method="inverted_cdf", weights=np.abs(MATRIX)),
]


# With these NumPy's functions that pass nan over fail.
WITH_NAN_ONLY: Calls = [
    calls(CUBE, [[0.2], [0.6]], axis=(0, -1)),
    calls(CUBE, [0.25, 0.98], (0, 2), method="inverted_cdf", weights=np.abs(CUBE)),
    calls(MATRIX, 0.4, 1, method="inverted_cdf", weights=np.array([0, 1, 3, 2])),
    calls(MATRIX, 0.0, 1, method="inverted_cdf", weights=np.array([0, 0, 2, 0]), keepdims=True),
]


def percent(samples: Calls) -> Calls:
    """The same calls with shares in percent."""
    scaled: Calls = []
    for (a, q, *rest), keywords in samples:
        q = np.multiply(q, 100).tolist() if isinstance(q, list) else 100 * q
        scaled.append(((a, q, *rest), keywords))
    return scaled


QUANTILES: dict[Any, Calls] = {
    np.median: [*ALONG, calls(COMPLEX, 1)],
    np.nanmedian: [*ALONG, calls(COMPLEX, 1), calls(NOTHING, 1)],
    np.quantile: [*SHARES, *WITH_NAN_ONLY],
    np.nanquantile: [*SHARES, calls(NOTHING, [0.2, 0.7], 1)],
    np.percentile: percent([*SHARES, *WITH_NAN_ONLY]),
    np.nanpercentile: percent(SHARES),
}

CONSTANT: dict[Any, Calls] = {
    partition_places: [calls(TIED, kth=2, axis=-1, kind="introselect", order=None)],
    unique_parts: [calls(TIED, part=2, options={}), calls(MATRIX, part=1, options={"axis": 0})],
    unique_places: [calls(TIED, options={}), calls(MATRIX, options={"axis": 1})],
    discrete_ranks: [
        calls(MATRIX, np.array([0.2, 0.6]), weights, axis=1, method="inverted_cdf", original=np.quantile)
        for weights in (None, np.abs(MATRIX))
    ],
}
