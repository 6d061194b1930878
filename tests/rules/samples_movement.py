"""Sample calls of data movement: functions to lists of calls."""

from typing import Any

import numpy as np

__all__ = ["SAMPLES", "Calls", "calls"]

Calls = list[tuple[tuple[Any, ...], dict[str, Any]]]

VECTOR = np.array([0.5, -1.25, 3.0, 2.0])
MATRIX = np.array([[0.5, -1.25, 3.0], [2.0, -0.75, 1.5]])
CUBE = np.linspace(-2.0, 3.0, 24).reshape(2, 3, 4)
SINGLE = MATRIX.astype(np.float32)
COMPLEX = MATRIX + 1j * MATRIX[::-1]
FORTRAN = np.asfortranarray(MATRIX)
STRIDED = CUBE[::-1, ::2, 1::2]
SCALAR = np.float64(1.5)
EMPTY = np.zeros((0, 3))
KINDS = (MATRIX, SINGLE, COMPLEX, FORTRAN, STRIDED, EMPTY)


def calls(*values: Any, **keywords: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """One call, written as it is in code."""
    return values, keywords


SAMPLES: dict[Any, Calls] = {
    np.reshape: [
        *(calls(x, (-1, 1) if x.size else (3, 0)) for x in KINDS),
        calls(SCALAR, (1, 1)),
        calls(MATRIX, 6),
        calls(CUBE, (6, -1), order="F"),
        calls(VECTOR, (2, 2), "C"),
    ],
    np.ravel: [*(calls(x) for x in KINDS), calls(SCALAR), calls(CUBE, order="F"), calls(VECTOR, order="K")],
    np.copy: [*(calls(x) for x in KINDS), calls(SCALAR), calls(FORTRAN, order="K")],
    np.transpose: [
        *(calls(x) for x in KINDS),
        calls(CUBE, (1, 2, 0)),
        calls(SCALAR),
        calls(CUBE, axes=[-1, 0, 1]),
    ],
    np.swapaxes: [calls(CUBE, 0, 2), calls(MATRIX, -1, axis2=0), calls(EMPTY, 0, 1)],
    np.moveaxis: [calls(CUBE, 0, -1), calls(CUBE, (0, 1), (-1, -2)), calls(EMPTY, 0, 1)],
    np.rollaxis: [calls(CUBE, 2), calls(CUBE, 1, 3)],
    np.squeeze: [
        calls(CUBE[:1]),
        calls(CUBE[:, :1], axis=1),
        calls(np.zeros((1, 0))),
        calls(np.array([[2.0]])),
    ],
    np.expand_dims: [calls(MATRIX, 1), calls(MATRIX, axis=(0, -1)), calls(SCALAR, 0)],
    np.matrix_transpose: [calls(CUBE), calls(MATRIX)],
    np.permute_dims: [calls(CUBE, (2, 0, 1)), calls(MATRIX)],
    np.broadcast_to: [
        calls(MATRIX, (2, 2, 3)),
        calls(SCALAR, (3,)),
        calls(CUBE[:, :1], (2, 3, 4)),
        calls(EMPTY, (2, 0, 3)),
    ],
    np.flip: [*(calls(x) for x in KINDS), calls(CUBE, (0, -1)), calls(MATRIX, axis=1)],
    np.fliplr: [calls(MATRIX), calls(CUBE)],
    np.flipud: [calls(VECTOR), calls(MATRIX)],
    np.rot90: [calls(MATRIX), calls(MATRIX, 2), calls(CUBE, k=-1, axes=(1, 2)), calls(EMPTY)],
    np.roll: [
        *(calls(x, 1) for x in KINDS),
        calls(MATRIX, (1, -2), axis=(0, 1)),
        calls(MATRIX, 7, axis=1),
        calls(SCALAR, 1),
    ],
    np.repeat: [
        *(calls(x, 2) for x in KINDS),
        calls(MATRIX, [0, 2, 1], axis=1),
        calls(SCALAR, 3),
        calls(MATRIX, np.array([1, 2]), 0),
    ],
    np.tile: [
        calls(MATRIX, 2),
        calls(MATRIX, (2, 1, 2)),
        calls(VECTOR, (2, 1)),
        calls(SCALAR, 3),
        calls(MATRIX, (0, 1)),
    ],
    np.resize: [calls(MATRIX, (3, 5)), calls(MATRIX, 2), calls(np.zeros(0), (2, 2)), calls(COMPLEX, (7,))],
    np.take: [
        *(calls(x, [0, -1, 0]) for x in KINDS if x.size),
        calls(CUBE, [[1, 0], [0, 0]], axis=1),
        calls(MATRIX, 2, 1),
        calls(VECTOR, [5, -7], mode="wrap"),
        calls(VECTOR, [5, -7], mode="clip"),
        calls(MATRIX, np.zeros(0, int), axis=0),
    ],
    np.take_along_axis: [
        calls(MATRIX, np.array([[2, 0], [1, 1]]), axis=1),
        calls(MATRIX, np.argsort(MATRIX, axis=0), 0),
        calls(MATRIX, np.array([5, 0]), axis=None),
    ],
    np.compress: [
        calls([True, False, True], MATRIX, axis=1),
        calls([0, 1, 1], MATRIX),
        calls([True], VECTOR, 0),
    ],
    np.extract: [calls(MATRIX > 0, MATRIX), calls([True, False, True], VECTOR)],
    np.delete: [
        calls(MATRIX, 1),
        calls(MATRIX, [0, -1], axis=1),
        calls(VECTOR, slice(0, 3, 2)),
        calls(MATRIX, 1, 0),
    ],
    np.diag: [
        calls(VECTOR),
        calls(VECTOR, k=-2),
        calls(MATRIX),
        calls(MATRIX, 1),
        calls(np.zeros(0)),
        calls(COMPLEX),
    ],
    np.diagflat: [calls(MATRIX), calls(VECTOR, 1), calls(SCALAR)],
    np.diagonal: [calls(MATRIX), calls(CUBE, 1, 0, 2), calls(CUBE, offset=-1, axis2=2), calls(EMPTY)],
    np.tril: [*(calls(x) for x in KINDS), calls(CUBE, k=1), calls(MATRIX, -1)],
    np.triu: [calls(MATRIX), calls(CUBE, k=-1), calls(SINGLE, 1)],
    np.append: [
        calls(MATRIX, VECTOR),
        calls(MATRIX, MATRIX[:1], axis=0),
        calls(MATRIX, 2.0),
        calls([1, 2], VECTOR),
    ],
    np.insert: [
        calls(MATRIX, 1, 5.0),
        calls(MATRIX, [0, 2], VECTOR[:2]),
        calls(MATRIX, 1, VECTOR[:2], axis=1),
        calls(MATRIX, [1, 1], np.array([[1.5], [2.5]]), axis=0),
        calls(VECTOR, slice(0, 2), 1.5),
    ],
    np.concatenate: [
        calls([MATRIX, FORTRAN]),
        calls([MATRIX, VECTOR[:2, None]], axis=1),
        calls((VECTOR, MATRIX), None),
        calls([SINGLE, MATRIX]),
        calls([MATRIX, MATRIX[:1]], dtype=np.float32),
        calls([MATRIX, [[1, 2, 3]]], dtype=np.complex64, casting="unsafe"),
        calls([EMPTY, MATRIX]),
        calls(CUBE, axis=1),
    ],
    np.stack: [
        calls([MATRIX, FORTRAN]),
        calls((VECTOR, VECTOR[::-1], VECTOR), axis=-1),
        calls([SCALAR, 2.0]),
        calls(CUBE, 2),
    ],
    np.vstack: [calls([VECTOR[:3], MATRIX]), calls([SCALAR, 2.0]), calls((MATRIX, EMPTY), dtype=np.float32)],
    np.hstack: [calls([VECTOR, VECTOR[:1]]), calls((MATRIX, COMPLEX)), calls([SCALAR, VECTOR])],
    np.dstack: [calls([MATRIX, FORTRAN]), calls((VECTOR, VECTOR))],
    np.column_stack: [calls([VECTOR[:2], FORTRAN.T[:2]]), calls((VECTOR, VECTOR))],
    np.lib.stride_tricks.sliding_window_view: [
        calls(VECTOR, 2),
        calls(MATRIX, (2, 2)),
        calls(CUBE, 2, axis=1),
        calls(VECTOR, window_shape=4),
    ],
    np.broadcast_arrays: [
        calls(MATRIX, VECTOR[:3], 2.0),
        calls(VECTOR, VECTOR),
        calls(SCALAR, 1.0),
        calls(MATRIX, [1.0, 2.0, 3.0]),
    ],
    np.meshgrid: [
        calls(VECTOR, MATRIX[0]),
        calls(VECTOR, VECTOR[:2], SCALAR, indexing="ij"),
        calls(VECTOR, MATRIX[0], VECTOR[:1], sparse=True),
        calls(VECTOR, MATRIX[0], copy=False),
        calls(np.zeros(0), VECTOR),
        calls(VECTOR),
    ],
    np.block: [
        calls([[MATRIX, VECTOR[:2, None]], [1.0, np.ones((1, 3))]]),
        calls([VECTOR, 2.0]),
        calls(VECTOR),
        calls(SCALAR),
        calls([[CUBE], [CUBE]]),
        calls([[[2.0]], [[SCALAR]]]),
    ],
    np.select: [
        calls([MATRIX > 1, MATRIX > 0], [MATRIX, 2 * MATRIX]),
        calls([MATRIX > 1, VECTOR[:3] > 0], [SINGLE, VECTOR[:3]], default=MATRIX[:, :1]),
        calls([SINGLE > 0], [SINGLE], 1.5),
        calls([True, False], [SCALAR, 2.0]),
    ],
    np.choose: [
        calls([0, 0, 0, 0], [VECTOR]),
        calls([0, 1, 1, 0], [VECTOR, 2 * VECTOR]),
        calls(np.array([[0], [1]]), [VECTOR, 2.5]),
        calls([-3, 5, 1, 0], (VECTOR, VECTOR[::-1], VECTOR**2), mode="wrap"),
        calls([-3, 5, 1, 0], (VECTOR, VECTOR[::-1]), mode="clip"),
        calls([0, 1], np.array([[1.5, 2.5], [3.5, 4.5]])),
    ],
    np.atleast_1d: [calls(SCALAR), calls(MATRIX), calls(VECTOR, 2.0)],
    np.atleast_2d: [calls(SCALAR), calls(VECTOR), calls(CUBE), calls(VECTOR, SCALAR, MATRIX)],
    np.atleast_3d: [calls(SCALAR), calls(VECTOR), calls(MATRIX), calls(CUBE), calls(VECTOR, MATRIX)],
    np.split: [calls(VECTOR, 2), calls(MATRIX, [1], axis=1), calls(VECTOR, [3, 1, 6]), calls(CUBE, 2, -1)],
    np.array_split: [calls(VECTOR, 3), calls(MATRIX, 2, axis=1), calls(VECTOR, [1, 1]), calls(VECTOR, 6)],
    np.hsplit: [calls(VECTOR, 2), calls(MATRIX, [1, 2]), calls(CUBE, 3)],
    np.vsplit: [calls(MATRIX, 2), calls(CUBE, [1])],
    np.dsplit: [calls(CUBE, 2), calls(CUBE, [1, 3])],
    np.trim_zeros: [*(calls(x) for x in (VECTOR, SINGLE[0], COMPLEX[0])), calls(VECTOR, "f"), calls(VECTOR, trim="B")],
}

if hasattr(np, "unstack"):
    SAMPLES[np.unstack] = [calls(MATRIX), calls(CUBE, axis=-1), calls(VECTOR)]
if np.concat is not np.concatenate:
    SAMPLES[np.concat] = [calls([MATRIX, MATRIX])]
