"""Sample calls of products, norms, linear algebra and interpolation: functions to lists of calls."""

import numpy as np

from jacfwd.formats.dispatch import strong_matmul
from jacfwd.rules import factorizations, interpolation, linalg, norms, products, spectral
from tests.rules.samples_movement import Calls, calls

__all__ = ["SAMPLES"]

RANDOM = np.random.default_rng(11)


def real(*shape: int) -> np.ndarray:
    """Random numbers."""
    return RANDOM.normal(size=shape)


def turned(*shape: int) -> np.ndarray:
    """Random complex numbers."""
    return real(*shape) + 1j * real(*shape)


def regular(*shape: int) -> np.ndarray:
    """Well-conditioned square matrices."""
    return real(*shape) / 3 + np.diag(np.arange(1.0, shape[-1] + 1))


def hermitian(*shape: int) -> np.ndarray:
    """Symmetric matrices, positive definite and so far around."""
    a = real(*shape) / 4
    return a + np.swapaxes(a, -1, -2) + np.diag(np.arange(4.0, 4.0 + shape[-1]))


def hermitian_complex(n: int) -> np.ndarray:
    """A positive definite complex matrix."""
    a = turned(n, n) / 4
    return a + a.conj().T + np.diag(np.arange(4.0, 4.0 + n))


A, B, X, Y = real(2, 3), real(3, 4), real(3), real(3)
STACK, OTHER = real(2, 3, 4), real(2, 4, 2)
CA, CB, CX, CY = turned(2, 3), turned(3, 2), turned(3), turned(3)
SCALAR = np.float64(1.5)
FORTRAN, STRIDED = np.asfortranarray(B), real(6, 8)[::-2, ::2]
SINGLE = A.astype(np.float32)
LONG = A.astype(np.longdouble)
INTEGERS = np.arange(12).reshape(3, 4)

MATMUL: Calls = [
    calls(A, B),
    calls(X, B),
    calls(A, X),
    calls(X, Y),
    calls(STACK, OTHER),
    calls(A, real(5, 3, 2)),
    calls(real(5, 2, 3), B),
    calls(real(1, 2, 3), real(4, 3, 2)),
    calls(real(4, 1, 2, 3), real(5, 3, 2)),
    calls(X, real(2, 3, 2)),
    calls(real(2, 2, 3), X),
    calls(A, FORTRAN),
    calls(A, STRIDED),
    calls(SINGLE, B.astype(np.float32)),
    calls(LONG, B),
    calls(A, INTEGERS),
    calls(CA, CB),
    calls(A, CB),
    calls(CA.astype(np.complex64), CX.astype(np.complex64)),
    calls(np.zeros((0, 3)), B),
    calls(np.zeros((2, 0)), np.zeros((0, 3))),
]
VECTORS: Calls = [
    calls(X, Y),
    calls(A, X),
    calls(A, A[:1]),
    calls(CX, CY),
    calls(CA, X),
    calls(A, CX),
    calls(STACK, real(2, 3, 1), axis=1),
]
GUFUNCS = {
    "vecdot": [
        *VECTORS,
        calls(STACK, real(1, 3, 4), axis=-2, keepdims=True),
        calls(STACK, real(3), axes=[1, 0]),
        calls(X, Y, keepdims=True),
        calls(CX, CY, dtype=complex),
    ],
    "matvec": [
        calls(A, X),
        calls(STACK, real(2, 4)),
        calls(CA, CX),
        calls(STACK, real(5, 1, 4)),
        calls(real(3, 2, 4), real(2, 4), axes=[(0, 1), 0, 0]),
    ],
    "vecmat": [
        calls(X, B),
        calls(real(2, 3), STACK),
        calls(CX, CB),
        calls(X, CB),
        calls(CX, B),
    ],
}
EINSUM: Calls = [
    calls("ij,jk->ik", A, B),
    calls("ij,jk", A, B),
    calls("ij,j", A, X),
    calls("i,i", X, Y),
    calls("i,i->i", X, Y),
    calls("ij->ji", A),
    calls("ji", A),
    calls("ij->", A),
    calls("ii", real(3, 3)),
    calls("ii->i", real(3, 3)),
    calls("iij->j", real(2, 2, 3)),
    calls("ii,ij->j", real(2, 2), A),
    calls("...ij,...jk->...ik", STACK, OTHER),
    calls("...ij,...jk", STACK, real(4, 2)),
    calls("i...,i...->...", A, A[:, :1]),
    calls("...,...", A, X),
    calls("i...->...i", STACK),
    calls("ij,ij->ij", A[:1], A),
    calls("ij,ij->j", A, A[:1]),
    calls("i,j->ij", X, Y),
    calls("ij,jk,kl->il", A, B, real(4, 2)),
    calls("i,ij,j->", X, real(3, 3), Y),
    calls("ij,kj,kl->il", A, real(4, 3), real(4, 2)),
    calls("i,i,i->i", X, Y, X * Y),
    calls(",i->i", SCALAR, X),
    calls(" i j , j -> i ", A, X),
    calls("p,pq->q", X, B),
    calls("zA,Ab->bz", A, B),
    calls("ij,jk", CA, CB),
    calls("ij,j->i", A, CX, optimize=True),
    calls("ij,jk,kl", A, B, real(4, 2), optimize="greedy"),
    calls("ij,jk->ik", SINGLE, B.astype(np.float32), dtype=np.float64, casting="safe"),
    calls("ij,jk->ik", A, B, order="F"),
    calls(A, [0, 1], B, [1, 2], [2, 0]),
    calls(A, [30, 2], B, [2, 0]),
    calls(STACK, [..., 0, 1], OTHER, [..., 1, 2]),
    calls(STACK, [0, ...], [..., 0]),
    calls("ij,jk->ik", np.zeros((0, 3)), B),
]
CONVOLUTIONS: Calls = [
    *(
        calls(real(n), real(m), mode)
        for n, m in ((5, 3), (3, 5), (4, 4), (5, 2), (2, 5), (1, 4))
        for mode in ("full", "same", "valid")
    ),
    calls(real(5), real(2), mode="full"),
    calls(real(5).astype(np.float32), real(2).astype(np.float32)),
    calls(turned(4), turned(2), "full"),
    calls(turned(4), real(3), "same"),
    calls(real(3), turned(4), "same"),
    calls(real(50)[::-1], real(70)[::2], "same"),
    calls(real(33), real(40), "full"),
    calls(turned(34), turned(35), "valid"),
    calls(real(4), real(3), 1),
]
NORMS: Calls = [
    calls(X),
    calls(A),
    calls(STACK),
    calls(SCALAR),
    calls(SINGLE),
    calls(FORTRAN),
    calls(STRIDED, axis=0),
    calls(STACK, axis=(0, 2)),
    calls(STACK, axis=1, keepdims=True),
    calls(A, keepdims=True),
    calls(A, "fro"),
    calls(STACK, "fro", (0, 2), True),
    calls(CX),
    calls(CA, axis=1),
    *(calls(X, p) for p in (2, 1, np.inf, -np.inf, 0, 3, 2.5, 0.5, -1, -2)),
    *(calls(STACK, p, axis=1) for p in (1, np.inf, -np.inf, 0, 4)),
    *(calls(CX, p) for p in (2, 1, np.inf, 3)),
    *(calls(A, p) for p in (1, -1, np.inf, -np.inf, 2, -2, "nuc")),
    *(calls(STACK, p, axis=(0, 2), keepdims=True) for p in (1, np.inf, 2, "nuc")),
    *(calls(CA, p) for p in (1, 2, "nuc")),
    calls(np.array([0.0, 2.0, -1.0]), 0),
    calls(np.zeros(0)),
    calls(np.zeros((0, 3)), axis=0),
]
VECTOR_NORMS: Calls = [
    calls(STACK),
    calls(STACK, axis=(0, 2)),
    calls(STACK, axis=1, keepdims=True, ord=3),
    calls(STACK, axis=(2, 0), ord=1, keepdims=True),
    calls(A, ord=np.inf),
    calls(X, ord=-np.inf),
    calls(A, ord=0),
    calls(CA, axis=0, ord=1.5),
    calls(SCALAR),
]
MATRIX_NORMS: Calls = [
    calls(A),
    calls(STACK, keepdims=True),
    *(calls(STACK, ord=p) for p in (1, -1, np.inf, -np.inf, 2, -2, "nuc")),
]
SQUARE: Calls = [
    calls(regular(3, 3)),
    calls(regular(2, 2, 2)),
    calls(regular(4, 4)),
    calls(regular(5, 5)),
    calls(regular(1, 1)),
    calls(np.zeros((0, 0))),
    calls(np.asfortranarray(regular(3, 3))),
    calls(regular(3, 3).astype(np.float32)),
    calls(regular(2, 3, 3) + 0.3j * real(2, 3, 3)),
    calls(regular(4, 4) + 0.3j * real(4, 4)),
]
SYMMETRIC: Calls = [
    calls(hermitian(3, 3)),
    calls(hermitian(2, 4, 4)),
    calls(hermitian(3, 3) + np.triu(real(3, 3), 1)),
    calls(hermitian(1, 1)),
    calls(hermitian(3, 3).astype(np.float32)),
]
SOLVE: Calls = [
    calls(regular(3, 3), X),
    calls(regular(3, 3), real(3, 2)),
    calls(regular(2, 3, 3), real(2, 3, 2)),
    calls(regular(2, 3, 3), X),
    calls(regular(3, 3), real(2, 3, 2)),
    calls(regular(2, 3, 3), real(3, 2)),
    calls(regular(1, 3, 3), real(4, 3, 1)),
    calls(regular(3, 3) + 0.3j * real(3, 3), CX),
    calls(regular(3, 3), CX),
    calls(regular(3, 3).astype(np.float32), X.astype(np.float32)),
]
RECTANGULAR: Calls = [calls(real(4, 3)), calls(real(3, 5)), calls(real(2, 4, 2)), calls(regular(3, 3))]
KNOTS = np.array([0.0, 1.0, 2.5, 4.0])
LEVELS = np.array([1.0, -2.0, 0.5, 3.0])
POINTS = np.array([[0.5, 1.75, 3.0], [-1.0, 5.0, 2.0]])
INTERP: Calls = [
    calls(POINTS, KNOTS, LEVELS),
    calls(SCALAR, KNOTS, LEVELS),
    calls(POINTS, KNOTS, LEVELS, np.float64(7.0), np.float64(-7.0)),
    calls(POINTS, KNOTS, LEVELS, None, np.float64(-7.0)),
    calls(POINTS, KNOTS, LEVELS + 1j * KNOTS),
    calls(POINTS, [0.0, 2.25], [1.0, 4.0]),
    calls(POINTS, np.array([1.0]), np.array([2.0])),
    calls(np.zeros((0, 2)), KNOTS, LEVELS),
    calls(POINTS.astype(np.float32), KNOTS, LEVELS),
]


def products_samples() -> dict:
    """Of the products."""
    ufuncs = {getattr(np, name): samples for name, samples in GUFUNCS.items() if hasattr(np, name)}
    return {
        np.matmul: [
            *MATMUL,
            calls(real(3, 2), real(4, 3), axes=[(1, 0), (1, 0), (1, 0)]),
            calls(STACK, OTHER, dtype=np.float64),
        ],
        **ufuncs,
        strong_matmul: [calls(A, B), calls(STACK, OTHER), calls(real(1, 2, 3), real(4, 3, 2))],
        np.dot: [
            calls(X, Y), calls(A, X), calls(A, B), calls(X, B), calls(SCALAR, A), calls(A, SCALAR),
            calls(A, 2.0), calls(STACK, real(5, 4, 2)), calls(STACK, real(4)), calls(X, real(2, 3, 2)),
            calls(CA, CB), calls(SINGLE, B.astype(np.float32)),
            calls(np.zeros((0, 3)), B), calls(SCALAR, SCALAR),
        ],
        np.inner: [
            calls(X, Y), calls(A, real(4, 3)), calls(STACK, real(5, 4)), calls(SCALAR, A), calls(CA, CX),
        ],
        np.vdot: [
            calls(X, Y), calls(A, real(3, 2)), calls(CX, CY), calls(CX, Y), calls(X, CY),
            calls(SCALAR, SCALAR),
        ],
        np.outer: [calls(X, Y), calls(A, X), calls(SCALAR, X), calls(CX, Y), calls(np.zeros(0), X)],
        np.kron: [
            calls(A, B), calls(X, Y), calls(X, A), calls(A, X), calls(STACK, A), calls(SCALAR, X),
            calls(CA, B), calls(SINGLE, SINGLE),
        ],
        np.cross: [
            calls(X, Y), calls(real(2, 3), X), calls(real(3, 2), real(3, 2), axis=0), calls(CX, Y),
            calls(real(3, 4), real(4, 3), 0, 1, 0), calls(real(2, 3), real(4, 1, 3)),
            calls(np.zeros((0, 3)), X), calls(real(4, 3), real(4, 3), axisc=0),
        ],
        np.trace: [
            calls(real(3, 3)), calls(A), calls(STACK, 1), calls(STACK, -1, 1, 2), calls(CA),
            calls(STACK, axis1=0, axis2=-1), calls(SINGLE, dtype=np.float64),
        ],
        np.tensordot: [
            calls(STACK, real(3, 4, 2)), calls(A, B, 1), calls(A, X, axes=0),
            calls(STACK, real(4, 3), ([1, 2], [1, 0])), calls(STACK, STACK, axes=([0, 1, 2], [0, 1, 2])),
            calls(A, B, (1, 0)), calls(A, B, [[1], [0]]), calls(CA, CB, 1),
            calls(STACK, real(5, 4), axes=((-1,), (-1,))),
        ],
        np.einsum: EINSUM,
        products.subscripted: [calls(A, B, subscripts="ij,jk->ik")],
        np.convolve: CONVOLUTIONS,
        np.correlate: CONVOLUTIONS,
        np.linalg.multi_dot: [
            calls([A, B]), calls([A, B, real(4, 2)]), calls([X, B, real(4, 2), real(2)]),
            calls([X, B, real(4)]), calls([A, X]), calls([real(5, 2), A, B, real(4, 3)]), calls([CA, CB, CA]),
        ],
        np.linalg.matmul: [calls(A, B), calls(STACK, OTHER)],
        np.linalg.vecdot: [calls(X, Y), calls(STACK, real(2, 3, 1), axis=1), calls(CX, CY)],
        np.linalg.outer: [calls(X, Y)],
        np.linalg.cross: [calls(X, Y), calls(real(3, 2), real(3, 2), axis=0)],
        np.linalg.tensordot: [calls(STACK, real(3, 4, 2)), calls(A, B, axes=1)],
        np.linalg.trace: [calls(STACK), calls(STACK, offset=1), calls(SINGLE, dtype=np.float64)],
    }  # fmt: skip


def norms_samples() -> dict:
    """Of the norms."""
    return {
        norms.power_norm: [
            calls(A, p=2, axis=None, keepdims=False), calls(STACK, p=3, axis=(0, 2), keepdims=True),
        ],
        np.linalg.norm: NORMS,
        np.linalg.vector_norm: VECTOR_NORMS,
        np.linalg.matrix_norm: MATRIX_NORMS,
    }  # fmt: skip


def linalg_samples() -> dict:
    """Of inverses, solutions, determinants and factorizations."""
    tall = real(5, 3)
    return {
        np.linalg.inv: SQUARE,
        np.linalg.pinv: [
            *RECTANGULAR, calls(turned(3, 2)), calls(real(4, 3), rcond=None), calls(np.ones((2, 0))),
        ],
        np.linalg.solve: SOLVE,
        np.linalg.tensorsolve: [
            calls(regular(6, 6).reshape(2, 3, 6), real(2, 3)),
            calls(np.moveaxis(regular(6, 6).reshape(2, 3, 6), 2, 1), real(2, 3), axes=(1,)),
        ],
        np.linalg.tensorinv: [
            calls(regular(6, 6).reshape(6, 2, 3), ind=1), calls(regular(4, 4).reshape(2, 2, 4)),
        ],
        np.linalg.matrix_power: [
            *(calls(regular(3, 3), n) for n in (-3, -1, 0, 1, 2, 3, 5)), calls(np.ones((2, 4, 3, 3)), 0),
        ],
        np.linalg.cond: [
            *(calls(regular(3, 3), p) for p in (None, 2, -2, "fro", 1, np.inf)), calls(real(2, 4, 3)),
            calls(regular(2, 3, 3), "fro"),
        ],
        linalg.best_solution: [
            calls(tall, real(5)), calls(tall, real(5, 2)), calls(tall.T, real(3)),
            calls(turned(3, 2), turned(3)),
        ],
        np.linalg.lstsq: [
            calls(tall, real(5)), calls(tall, real(5, 2)), calls(tall.T, real(3)),
            calls(regular(3, 3), real(3), 1e-10), calls(turned(4, 2), turned(4)),
        ],
        linalg.cofactors: [calls(regular(4, 4)), calls(regular(2, 5, 5))],
        np.linalg.det: SQUARE,
        linalg.log_abs_det: SQUARE[:4],
        linalg.det_sign: [SQUARE[0], *SQUARE[-2:]],
        np.linalg.slogdet: SQUARE,
        np.linalg.matrix_rank: [calls(real(3, 3)), calls(real(2, 3, 4), rtol=1e-8)],
        np.linalg.diagonal: [calls(STACK), calls(STACK, offset=1)],
        np.linalg.matrix_transpose: [calls(STACK)],
        np.linalg.cholesky: [
            *SYMMETRIC, *(calls(*args, upper=True) for args, _ in SYMMETRIC), calls(hermitian_complex(3)),
            calls(hermitian_complex(3), upper=True),
        ],
        np.linalg.eigvalsh: [
            *SYMMETRIC, calls(hermitian(3, 3), "U"), calls(hermitian_complex(3)),
            calls(hermitian_complex(3), UPLO="U"),
        ],
        np.linalg.eigh: [*SYMMETRIC, calls(hermitian(3, 3), "U")],
        spectral.eigenvalues: [
            calls(hermitian(2, 3, 3), upper=True),
            calls(hermitian(3, 3), upper=False), calls(hermitian_complex(3), upper=True),
        ],
        spectral.eigenvectors: [
            calls(hermitian(3, 3), upper=False), calls(hermitian(2, 3, 3), upper=True),
        ],
        spectral.nonzero: [calls(np.array([3.0, 1.0])), calls(np.array([[3.0, 1.0], [2.0, 0.5]]))],
        factorizations.of_full_rank: [calls(np.triu(regular(3, 3))), calls(np.triu(regular(2, 3, 3)))],
        spectral.reciprocal_gaps: [
            calls(np.array([1.0, 2.5, -1.0])), calls(np.array([[1.0, 2.5], [3.0, -1.0]])),
        ],
        np.linalg.svd: [
            *(calls(*args, full_matrices=False) for args, _ in RECTANGULAR), calls(regular(3, 3)),
            calls(real(4, 3), compute_uv=False), calls(turned(4, 3), True, False),
        ],
        np.linalg.svdvals: [*RECTANGULAR, calls(turned(2, 3))],
        spectral.singular_values: [*RECTANGULAR, calls(turned(2, 3)), calls(np.zeros((0, 3)))],
        spectral.left_vectors: RECTANGULAR,
        spectral.right_vectors: RECTANGULAR,
        factorizations.orthogonal_factor: [calls(real(4, 3)), calls(real(2, 3, 3))],
        factorizations.triangular_factor: [calls(real(4, 3)), calls(real(2, 3, 3))],
        np.linalg.qr: [
            *RECTANGULAR, *(calls(*args, "r") for args, _ in RECTANGULAR), calls(real(3, 3), mode="complete"),
            calls(real(3, 5), mode="complete"),
        ],
    }  # fmt: skip


def interpolation_samples() -> dict:
    """Of interpolation."""
    return {
        interpolation.interpolated: INTERP,
        np.interp: [*INTERP, calls(POINTS * 3.1, KNOTS[[2, 0, 3, 1]], LEVELS, period=4.5)],
    }  # fmt: skip


SAMPLES: dict = {
    **products_samples(),
    **norms_samples(),
    **linalg_samples(),
    **interpolation_samples(),
}
