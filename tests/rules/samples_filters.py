"""Sample calls of scipy.ndimage: functions to lists of calls."""

from typing import Any

import numpy as np
import scipy.ndimage as nd

from jacfwd.rules import filters
from tests.rules.samples_movement import Calls, calls

__all__ = ["MODES", "SAMPLES"]

RANDOM = np.random.default_rng(31)


def real(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape)


ROW, TABLE, CUBE = real(6), real(4, 5), real(3, 2, 4)
COMPLEX = TABLE + 1j * real(4, 5)
SINGLE = TABLE.astype(np.float32)
MODES = ("reflect", "constant", "nearest", "mirror", "wrap", "grid-mirror", "grid-constant", "grid-wrap")
W3, W4, K = real(3), real(4), real(3, 2)
SIGMA = np.float64(0.8)
PLACES = np.array([[0.3, 1.7, 2.9, -0.6, 4.2], [0.2, 3.3, 1.1, 2.2, 5.1]])

ONE: Calls = [
    *(calls(ROW, W3, mode=mode, cval=2.0) for mode in MODES),
    calls(ROW, W4),
    calls(ROW, W4, origin=1, mode="constant"),
    calls(ROW, W3, origin=-1),
    calls(TABLE, W3, 0),
    calls(SINGLE, W4, axis=0, mode="wrap"),
    calls(ROW, [1, -2, 1]),
    calls(TABLE, real(9), mode="mirror"),
    calls(CUBE[::-1, :, ::2], W3, output=np.float64),
]
MANY: Calls = [
    *(calls(TABLE, K, mode=mode, cval=0.5) for mode in MODES),
    calls(TABLE, K, origin=(1, -1)),
    calls(TABLE, real(2, 2), origin=0, mode="nearest"),
    calls(CUBE, real(2, 1, 3)),
    calls(SINGLE, K),
    calls(np.zeros((0, 3)), K),
]
SMOOTH: Calls = [
    calls(TABLE, 0.8),
    calls(ROW, SIGMA, mode="constant", cval=1.0),
    calls(TABLE, 0.7, order=1, mode="wrap"),
    calls(TABLE, 0.7, truncate=2.0),
    calls(TABLE, SIGMA, radius=2),
]

SAMPLES: dict[Any, Calls] = {
    filters.filtered: [
        *(calls(ROW, W3, mode=mode, cval=2.0, origin=(0,)) for mode in MODES),
        calls(TABLE, K, mode="constant", cval=0.5, origin=(1, 0)),
        calls(TABLE, K, mode="mirror", origin=(0, 0)),
        calls(COMPLEX, K, mode="reflect", origin=(0, 0)),
    ],
    nd.correlate1d: ONE,
    nd.convolve1d: ONE,
    nd.correlate: MANY,
    nd.convolve: MANY,
    nd.gaussian_filter1d: [*SMOOTH, calls(ROW, SIGMA, order=2), calls(TABLE, 1.0, 0, 3)],
    nd.gaussian_filter: [
        *SMOOTH,
        calls(TABLE, 1.0, mode="constant"),
        calls(TABLE, (0.5, 0.9), (0, 1), mode=("wrap", "nearest")),
        calls(TABLE, (0, 1.0)),
    ],
    nd.laplace: [calls(TABLE), calls(CUBE, mode="constant", cval=1.0), calls(ROW, None, "wrap")],
    nd.gaussian_laplace: [calls(TABLE, 0.8), calls(ROW, 0.8, mode="wrap", truncate=3.0)],
    nd.gaussian_gradient_magnitude: [calls(TABLE, 0.8), calls(ROW, SIGMA, mode="nearest")],
    nd.sobel: [calls(TABLE), calls(CUBE, 1, mode="constant"), calls(ROW)],
    nd.prewitt: [calls(TABLE), calls(TABLE, 0, mode=("wrap", "mirror"))],
    nd.uniform_filter1d: [calls(ROW, 3), calls(TABLE, 2, 0, mode="wrap", origin=-1)],
    nd.uniform_filter: [calls(TABLE), calls(TABLE, (2, 3), mode="constant"), calls(CUBE, 2)],
    filters.index: [calls(np.array([0, 5, -1]), n=4, mode="reflect")],
    filters.nearest: [calls(PLACES, shape=(4, 5), mode="constant")],
    nd.map_coordinates: [
        *(calls(TABLE, PLACES, order=1, mode=mode, cval=2.0) for mode in MODES if mode != "wrap"),
        *(calls(TABLE, PLACES, order=0, mode=mode, cval=2.0) for mode in MODES),
        calls(ROW, np.array([[[0.5, 1.25], [3.75, 2.5]]]), order=1),
        calls(SINGLE, PLACES, order=1),
    ],
    nd.shift: [
        *(calls(TABLE, (0.4, -1.2), order=order, mode=mode) for order in (0, 1, 3) for mode in MODES),
        calls(ROW, 1.5, mode="constant", cval=2.0),
        calls(ROW, 2, order=2, prefilter=False),
    ],
    nd.zoom: [
        *(
            calls(TABLE, 1.7, order=order, mode=mode)
            for order in (1, 3)
            for mode in ("constant", "nearest", "grid-wrap")
        ),
        calls(TABLE, (2, 0.5), grid_mode=True, mode="mirror"),
    ],
}
