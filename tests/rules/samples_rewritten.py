"""Sample calls of the functions that are rewritten: elementwise ones, and tests and positions."""

from collections.abc import Callable

import numpy as np

from jacfwd.rules.rewritten import exponent
from tests.rules.samples_constant import FLAGS, X, Y
from tests.rules.samples_elementwise import ENDS, ROWS, SPECIAL_VALUES, Sample, binary, boxed

SINCE_2_1 = np.lib.NumpyVersion(np.__version__) >= "2.1.0"

ELEMENTWISE: dict[Callable, list[Sample]] = {
    np.divmod: binary((-9, 9), (1, 2), analytic=False, complex_too=False),
    np.modf: [
        Sample((ROWS,)),
        Sample((SPECIAL_VALUES,)),
        Sample((np.float32([-0.0, 2.75]),)),
        Sample((-2.5,)),
    ],
    np.frexp: [
        Sample((ROWS,)),
        *(Sample((np.array([x]),)) for x in (5e-324, 1e308)),
        Sample((np.float32(3.0),)),
    ],
    np.clip: [
        Sample((ROWS, -1.0, 1.0)),
        Sample((ROWS, None, ENDS)),
        Sample((ROWS, ENDS, None)),
        Sample((ROWS,), {"a_min": ENDS, "a_max": 0.5}),
        Sample((np.array([np.nan, 1.0]), np.array([0.0, np.nan]), 2.0)),
        Sample((ROWS.astype(np.float32), 0, 1)),
        Sample((ROWS, 1.0, -1.0)),
        Sample((ROWS, -1.0, 1.0), {"dtype": np.float32}),
        *(
            [Sample((ROWS,), bounds) for bounds in ({"min": ENDS, "max": 0.5}, {"min": 0.1}, {"max": 0.1}, {})]
            if SINCE_2_1
            else []
        ),
    ],
    np._core.umath.clip: [Sample((ROWS, ENDS, 1.0)), Sample((boxed(-1, 1, (3,)), 0.0, 1.0))],
    np.angle: [
        Sample((boxed(-1, 1, (2, 2)),)),
        Sample((boxed(-1, 1, (3,)), True)),
        Sample((ROWS,), {"deg": True}),
        Sample((np.array([0j, 1j, -1.0]),)),
    ],
    np.real_if_close: [Sample((ROWS,)), Sample((ROWS,), {"tol": 10})],
    exponent: [Sample((ROWS,)), Sample((np.float32(3),))],
}
CONSTANT: dict[Callable, list[Sample]] = {
    np.allclose: [
        Sample((X, Y)),
        Sample((X, X + 1e-4)),
        Sample((X, X + 1e-9)),
        Sample((X, X), {"rtol": 1e-3}),
    ],
    np.array_equal: [
        Sample((X, X)),
        Sample((X, Y)),
        Sample((X, X[::-1])),
        Sample((np.array([np.nan, 1]), np.array([np.nan, 1])), {"equal_nan": True}),
        Sample((np.array([np.nan, 1]), [np.nan, 1])),
        Sample((np.array([np.nan, 1]), np.array([2.0, 1])), {"equal_nan": True}),
    ],
    np.array_equiv: [Sample((Y, np.stack([Y, Y]))), Sample((X, Y)), Sample((X, Y[:2]))],
    np.nonzero: [Sample((X,)), Sample((FLAGS[0],)), Sample((np.zeros((0, 2)),))],
    np.count_nonzero: [Sample((X,)), Sample((X,), {"axis": 1, "keepdims": True})],
    np.unravel_index: [
        Sample((np.array([0, 1, 5]), (2, 3))),
        Sample((np.array([1, 5], np.int32), (2, 3)), {"order": "F"}),
        Sample((7, (2, 3, 4)), {"order": "F"}),
        Sample((3, 4)),
    ],
}
SQUARE = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, 3.0], [-0.5, 4.0, 1.0]])
ELEMENTWISE |= {np.astype: [Sample((SQUARE, np.float64)), Sample((SQUARE, np.complex128), {"copy": False})]}
CONSTANT |= {
    np.einsum_path: [Sample(("ij,jk,kl", SQUARE, SQUARE, SQUARE)), Sample(("ij,ij", X, X), {"optimize": "optimal"})],
    np.diag_indices_from: [Sample((SQUARE,))],
    np.tril_indices_from: [Sample((SQUARE,)), Sample((SQUARE[:2],), {"k": 1})],
    np.triu_indices_from: [Sample((SQUARE, -1))],
}
SAMPLES = {**ELEMENTWISE, **CONSTANT}
