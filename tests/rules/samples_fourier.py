"""Sample calls of Fourier transforms: functions to lists of calls."""

from typing import Any

import numpy as np
import scipy.fft

from jacfwd.rules.cosines import orthonormal
from tests.rules.samples_movement import Calls, calls

__all__ = ["COSINES", "SAMPLES"]

RANDOM = np.random.default_rng(5)
ROW = RANDOM.uniform(-1, 1, 6)
ODD = RANDOM.uniform(-1, 1, 5)
MATRIX = RANDOM.uniform(-1, 1, (3, 4))
CUBE = RANDOM.uniform(-1, 1, (3, 4, 5))
SINGLE = MATRIX.astype(np.float32)
COMPLEX = MATRIX + 1j * RANDOM.uniform(-1, 1, (3, 4))
SINGLE_COMPLEX = COMPLEX.astype(np.complex64)
FORTRAN = np.asfortranarray(MATRIX)
STRIDED = CUBE[::-1, ::2, 1::2]
EMPTY = np.zeros((0, 4))
ONE = np.array([0.75])

# Of a transform along one axis: shapes, layouts, dtypes; lengths that cut off, fill up, or leave one element.
REAL_KINDS = (ROW, ODD, SINGLE, FORTRAN, STRIDED, EMPTY)
COMPLEX_KINDS = (COMPLEX, SINGLE_COMPLEX, COMPLEX.T, COMPLEX[::-1, ::2])
NOTHING = calls(EMPTY, n=3, axis=0)
LENGTHS: Calls = [
    calls(MATRIX, 3),
    calls(MATRIX, n=7, axis=0),
    calls(CUBE, n=4, axis=-2),
    calls(ROW, n=1),
    calls(ONE, 4),
    NOTHING,
    calls([1.0, 2.0, 4.0], 3),
]
NORMS: Calls = [calls(MATRIX, norm=norm) for norm in ("backward", "ortho", "forward")]
NORMED: Calls = [*NORMS, calls(CUBE, 5, 1, "ortho"), calls(CUBE, 3, axis=0, norm="forward")]
COMPLEX_ONLY: Calls = [
    *(calls(x) for x in COMPLEX_KINDS),
    calls(COMPLEX, 3, norm="ortho"),
    calls(COMPLEX, n=7, axis=0, norm="forward"),
    calls(COMPLEX, 1),
    calls(COMPLEX[:, :1], 2),
]
OF_REAL: Calls = [*(calls(x) for x in REAL_KINDS), *LENGTHS, *NORMED, calls(ONE)]
OF_COMPLEX: Calls = [*OF_REAL, *COMPLEX_ONLY]
# NumPy's real results of nothing, filled up, are memory as it was found.
TO_REAL: Calls = [call for call in OF_COMPLEX if call is not NOTHING and (call[0][0] is not ONE or len(call[0]) > 1)]

# Of one along several axes.
MANY_AXES: Calls = [
    calls(MATRIX),
    calls(SINGLE),
    calls(STRIDED),
    calls(CUBE, (2, 6), (0, 2)),
    calls(CUBE, s=(5, 3), axes=(1, 0)),
    calls(CUBE, s=(-1, 3), axes=(2, 1)),
    calls(CUBE, axes=(-1, 0), norm="ortho"),
    calls(MATRIX, axes=(0,), norm="forward"),
    calls(np.zeros((0, 3, 2)), axes=(1, 2)),
]
MANY_COMPLEX: Calls = [calls(COMPLEX), calls(SINGLE_COMPLEX), calls(COMPLEX, (4, 3), (0, 1), "forward")]
PLANE: Calls = [calls(CUBE), calls(CUBE, norm="ortho")]
TWICE: Calls = [calls(MATRIX, axes=(0, 0)), calls(CUBE, s=(2, 6), axes=(1, 1))]
OUTSIDE: Calls = [calls(MATRIX, overwrite_x=True, workers=1, plan=None)]

SHIFTS: Calls = [
    *(calls(x) for x in (ROW, ODD, SINGLE, COMPLEX, FORTRAN, STRIDED, EMPTY)),
    calls(CUBE, 1),
    calls(CUBE, axes=(0, -1)),
]
SPACINGS: Calls = [calls(5, 0.25), calls(6, np.float64(2.0)), calls(n=1, d=0.5), calls(4, d=np.float32(0.5))]


def transforms(module: Any) -> dict[Any, Calls]:
    """The samples of a module's transforms."""
    samples: dict[Any, Calls] = {}
    kinds = {"fft": OF_COMPLEX, "ifft": OF_COMPLEX, "rfft": OF_REAL, "ihfft": OF_REAL}
    for name, own in {**kinds, "irfft": TO_REAL, "hfft": TO_REAL}.items():
        also = OUTSIDE if module is scipy.fft else []
        samples[getattr(module, name)] = [*own, *also]
        if hasattr(module, name + "n"):
            many = MANY_AXES if own is OF_REAL else [*MANY_AXES, *MANY_COMPLEX]
            samples[getattr(module, name + "n")] = [*many, *also, *([] if module is scipy.fft else TWICE)]
            samples[getattr(module, name + "2")] = [*many[::4], *PLANE, *also]
    return samples


SAMPLES: dict[Any, Calls] = {
    **transforms(np.fft),
    **transforms(scipy.fft),
    **{getattr(module, name): SHIFTS for module in (np.fft, scipy.fft) for name in ("fftshift", "ifftshift")},
    **{getattr(module, name): SPACINGS for module in (np.fft, scipy.fft) for name in ("fftfreq", "rfftfreq")},
    scipy.fft.fftn: [*transforms(scipy.fft)[scipy.fft.fftn], calls(CUBE, 6), calls(CUBE, None, 1)],
}

TYPES: Calls = [
    calls(x, type, norm=norm, orthogonalize=orthogonal)
    for type in (1, 2, 3, 4)
    for norm, orthogonal in (
        (None, None),
        ("ortho", None),
        ("forward", None),
        ("ortho", False),
        ("backward", True),
        ("forward", True),
    )
    for x in (ROW if norm != "ortho" else MATRIX,)
]
COSINE: Calls = [
    *TYPES,
    *(calls(x) for x in (ODD, SINGLE, FORTRAN, STRIDED, EMPTY, COMPLEX, SINGLE_COMPLEX)),
    calls(MATRIX, 3, 3),
    calls(MATRIX, n=6, axis=0),
    calls(COMPLEX, 2, norm="ortho", orthogonalize=False),
    calls(COMPLEX, 3, orthogonalize=True),
    calls(MATRIX, overwrite_x=True, workers=1),
    calls(ONE),
    calls([1.0, 2.0, 4.0], 1),
]
COSINE_MANY: Calls = [
    *(calls(MATRIX, type) for type in (1, 2, 3, 4)),
    calls(CUBE, 2, (2, 6), (0, 2)),
    calls(CUBE, s=(-1, 3), axes=(2, 1), norm="ortho"),
    calls(CUBE, 3, axes=0, norm="forward"),
    calls(STRIDED, 1, norm="ortho", orthogonalize=False),
    calls(SINGLE, 4, norm="backward", orthogonalize=True),
    calls(COMPLEX, 3),
]
COSINES: dict[Any, Calls] = {
    orthonormal: [
        calls(MATRIX, name="dctn", type=2, axes=(0, 1)),
        calls(COMPLEX, name="idstn", type=3, axes=(1,)),
        calls(SINGLE, name="idctn", type=1, axes=(0,)),
    ],
    **{
        getattr(scipy.fft, f"{inverse}{kind}{suffix}"): samples
        for inverse in ("", "i")
        for kind in ("dct", "dst")
        for suffix, samples in (("", COSINE), ("n", COSINE_MANY))
    },
}
