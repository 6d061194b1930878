"""Sample calls of padding: functions to lists of calls."""

from typing import Any

import numpy as np

from jacfwd.rules.padding import surrounded
from tests.rules.samples_movement import (
    COMPLEX,
    CUBE,
    EMPTY,
    FORTRAN,
    KINDS,
    MATRIX,
    SCALAR,
    SINGLE,
    VECTOR,
    Calls,
    calls,
)

__all__ = ["SAMPLES"]

INTEGERS = np.array([4, 9, 1, 6])

SAMPLES: dict[Any, Calls] = {
    np.pad: [
        *(calls(x, 1) for x in KINDS),
        calls(MATRIX, ((1, 0), (0, 2)), "constant"),
        calls(MATRIX, 2, constant_values=0.5),
        calls(MATRIX, 1, constant_values=np.array([[3.0, 4.0], [5.0, 6.0]])),
        calls(VECTOR, (2, 1), constant_values=((1.5, 2.5),)),
        calls(MATRIX, 0),
        *(calls(MATRIX, ((1, 1), (2, 1)), mode=mode) for mode in ("edge", "reflect", "symmetric", "wrap")),
        calls(VECTOR, 6, "reflect"),
        calls(VECTOR, 1, mode="reflect", reflect_type="even"),
        *(calls(x, ((2, 0),) * x.ndim, "mean") for x in (VECTOR, SINGLE, COMPLEX, FORTRAN)),
        *(calls(MATRIX, ((1, 2), (0, 3)), mode) for mode in ("maximum", "minimum", "mean", "median")),
        *(calls(VECTOR, 2, mode, stat_length=2) for mode in ("maximum", "minimum", "mean", "median")),
        calls(CUBE, ((0, 0), (1, 2), (2, 0)), mode="mean", stat_length=((1, 1), (2, 3), (9, 2))),
        calls(CUBE, ((1, 0), (0, 0), (2, 1)), mode="maximum", stat_length=((1, 2),)),
        calls(MATRIX, 1, "median", stat_length=None),
        *(calls(x, ((2, 1),) * x.ndim, "linear_ramp") for x in (VECTOR, SINGLE, COMPLEX, CUBE[::-1, ::2, 1::2])),
        calls(MATRIX, ((0, 2), (3, 1)), mode="linear_ramp", end_values=((1.0, 2.0), (3.0, 4.0))),
        calls(MATRIX, 2, mode="linear_ramp", end_values=np.array([[1.5, 2.5], [3.5, 4.5]])),
        calls(VECTOR, (2, 3), "linear_ramp", end_values=np.array(0.5)),
        calls(SINGLE, 2, "linear_ramp", end_values=np.float32(0.5)),
        calls(INTEGERS, 3, "linear_ramp", end_values=-5),
        calls(INTEGERS, 1, "mean", stat_length=2),
        calls(VECTOR, (0, 1), "reflect", reflect_type="odd"),
        calls(VECTOR, (1, 0), "reflect", reflect_type="odd"),
        *(calls(x, ((2, 1),) * x.ndim, "reflect", reflect_type="odd") for x in (VECTOR, SINGLE, COMPLEX, FORTRAN)),
        *(
            calls(x, ((2, 1),) * x.ndim, "symmetric", reflect_type="odd")
            for x in (VECTOR, CUBE[::-1, ::2, 1::2], INTEGERS)
        ),
        *(calls(VECTOR, (3, 14), mode, reflect_type="odd") for mode in ("reflect", "symmetric")),
        *(calls(VECTOR, (14, 0), mode, reflect_type="odd") for mode in ("reflect", "symmetric")),
        *(calls(MATRIX[:1], ((2, 1), (7, 8)), mode, reflect_type="odd") for mode in ("reflect", "symmetric")),
        calls(EMPTY, ((0, 0), (1, 2)), "mean"),
        calls(SCALAR, 1, "mean"),
    ],
    surrounded: [
        calls(VECTOR, pad_width=2, mode="edge"),
        calls(MATRIX, np.array(1.5), pad_width=((1, 0), (0, 2)), mode="constant"),
    ],
}
