"""Sample calls of scipy.signal: functions to lists of calls."""

from typing import Any

import numpy as np
import scipy.signal as ss

from jacfwd.rules import signals
from tests.rules.samples_movement import Calls, calls

__all__ = ["SAMPLES"]

RANDOM = np.random.default_rng(41)


def real(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape)


ROW, SHORT, LONG, TABLE, K = real(8), real(3), real(40), real(5, 6), real(2, 3)
COMPLEX = ROW + 1j * real(8)
MODES = ("full", "same", "valid")
PRODUCTS: Calls = [
    *(calls(ROW, SHORT, mode) for mode in MODES),
    *(calls(SHORT, ROW, mode=mode) for mode in MODES),
    *(calls(ROW, real(4), mode=mode) for mode in MODES),
    *(calls(TABLE, K, mode) for mode in MODES),
    calls(LONG, real(35)),
    calls(real(2, 3, 2), real(2, 2, 2), "same"),
    calls(ROW.astype(np.float32), SHORT.astype(np.float32)),
    calls(COMPLEX, SHORT),
    calls(COMPLEX, COMPLEX[:3] * 1j, "same"),
]
METHODS: Calls = [calls(ROW, SHORT, method=method) for method in ("direct", "fft")]
B, A = np.array([0.4, 0.3, 0.2]), np.array([1.5, -0.6, 0.2])
ZI = real(2)
SOS = ss.butter(4, 0.3, output="sos")
BUTTER = ss.butter(3, 0.3)
SIGNAL = real(30)

SAMPLES: dict[Any, Calls] = {
    signals.convolved: [
        *(
            calls(x, h, mode=mode)
            for mode in MODES
            for x, h in ((ROW, SHORT), (SHORT, ROW), (TABLE, K), (LONG, real(35)))
        ),
        calls(COMPLEX, SHORT + 0j, mode="same"),
        calls(TABLE, K, mode="full", name="fftconvolve"),
    ],
    ss.convolve: [*PRODUCTS, *METHODS],
    ss.fftconvolve: PRODUCTS,
    ss.oaconvolve: PRODUCTS,
    ss.correlate: [*PRODUCTS, *METHODS],
    ss.convolve2d: [*(calls(TABLE, K, mode) for mode in MODES), calls(K, TABLE, "valid")],
    ss.correlate2d: [*(calls(TABLE, K, mode) for mode in MODES), calls(TABLE + 1j, K * (1 + 2j))],
    signals.recursive: [
        calls(B, A, ROW, axis=-1),
        calls(B, A, TABLE, axis=0),
        calls(B, A[:1], TABLE, axis=1),
        calls(B[:1], A, ROW, axis=0),
        calls(B, A, COMPLEX, axis=0),
        calls(np.ones(12) / 12, A, ROW, axis=0),
    ],
    ss.lfilter: [
        calls(B, A, ROW),
        calls(B, A, TABLE, 0),
        calls(B, A, ROW, zi=ZI),
        calls(B, A[:1], ROW, zi=ZI),
        calls(B[:1], A, ROW, -1, ZI),
        calls(B, A, TABLE, axis=0, zi=real(2, 6)),
        calls(B, A, ROW[:1], zi=ZI),
        calls([0.5, 0.5], 1.0, ROW),
        calls(B, A, COMPLEX),
    ],
    ss.sosfilt: [
        calls(SOS, ROW),
        calls(SOS, TABLE, 0),
        calls(SOS, ROW, zi=real(2, 2)),
        calls(SOS, TABLE, axis=0, zi=real(2, 2, 6)),
    ],
    ss.filtfilt: [
        calls([0.5, 0.25], [1.0, -0.25], SIGNAL),
        calls(*BUTTER, SIGNAL),
        calls(*BUTTER, real(3, 20), padtype="even"),
        calls(*BUTTER, SIGNAL, padtype="constant", padlen=5),
        calls(*BUTTER, SIGNAL, padtype=None),
        calls(*BUTTER, real(20, 2), 0, padlen=0),
        calls(np.ones(3) / 3, 1.0, SIGNAL),
    ],
    ss.sosfiltfilt: [calls(SOS, SIGNAL), calls(SOS, real(20, 2), 0, "even", 4), calls(SOS, SIGNAL, padtype=None)],
    ss.savgol_filter: [
        calls(SIGNAL, 7, 2),
        calls(SIGNAL, 6, 2, 1, 0.5),
        *(calls(SIGNAL, 5, 2, mode=mode) for mode in ("mirror", "constant", "nearest", "wrap")),
        calls(TABLE, 5, 3, axis=0),
        calls(TABLE, 3, 1, axis=1, deriv=1),
        calls(ROW[:5], 5, 2),
        calls(ROW.astype(np.float32), 5, 2),
    ],
    ss.detrend: [
        calls(ROW),
        calls(TABLE, 0),
        calls(SIGNAL, bp=[10, 20]),
        calls(TABLE, type="constant"),
        calls(SIGNAL, type="linear", bp=7, overwrite_data=False),
    ],
    ss.hilbert: [calls(ROW), calls(ROW[:7]), calls(ROW, 11), calls(TABLE, 4, 0)],
}
