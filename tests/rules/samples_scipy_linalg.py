"""Sample calls of scipy.linalg: functions to lists of calls."""

from typing import Any

import numpy as np
import scipy
import scipy.linalg as sl

from jacfwd.rules import matrices, solutions
from tests.rules.samples_linalg import hermitian, hermitian_complex, real, regular, turned
from tests.rules.samples_movement import Calls, calls

__all__ = ["SAMPLES"]

S3, S4, P4, P4C = regular(3, 3), regular(4, 4), hermitian(4, 4), hermitian_complex(4)
C3 = regular(3, 3) + 0.3j * real(3, 3)
B4, M42, B4C = real(4), real(4, 2), turned(4)
SINGLE = S4.astype(np.float32)
TALL, WIDE = real(5, 3), real(3, 5)
BAND, HALF = real(4, 6) + np.array([[0.0], [0], [7], [0]]), real(3, 5) / 4 + np.array([[0.0], [0], [5]])
ROW, OTHER = real(4) + np.array([6.0, 0, 0, 0]), real(4)
LU, PIV = sl.lu_factor(S4)
LUC = sl.lu_factor(C3)
EMPTY = np.zeros((0, 0))

SOLVE: Calls = [
    calls(S4, B4),
    calls(S4, M42),
    calls(SINGLE, SINGLE[0]),
    calls(np.asfortranarray(S4), M42),
    calls(C3, turned(3)),
    calls(S4, B4, transposed=True),
    calls(S3, [1.0, 2.0, 3.0], overwrite_a=False, check_finite=False),
    *(calls(P4, B4, assume_a=kind, lower=lower) for kind in ("sym", "pos", "her") for lower in (False, True)),
    *(calls(P4C, B4C, assume_a=kind) for kind in ("sym", "pos", "her")),
    calls(S4, B4, assume_a="gen"),
    calls(P4C, B4C, True, assume_a="sym"),
    calls(P4, M42, assume_a="pos", transposed=True),
]
NEWER: Calls = (
    [calls(S4, B4, assume_a=kind) for kind in ("diagonal", "tridiagonal", "upper triangular", "lower triangular")]
    + [calls(S4, M42, assume_a="upper triangular", transposed=True), calls(np.stack([S4, P4]), real(2, 4, 1))]
    if np.lib.NumpyVersion(scipy.__version__) >= "1.15.0"
    else []
)
TRIANGULAR: Calls = [
    *(calls(S4, B4, trans=trans, lower=lower) for trans in (0, 1, "T", "C") for lower in (False, True)),
    calls(S4, M42, unit_diagonal=True),
    calls(S4, M42, 1, True, True),
    calls(C3, turned(3, 2), trans="C"),
    calls(C3, turned(3), trans=1, lower=True),
    calls(SINGLE, SINGLE[0], check_finite=False),
]
FACTOR: Calls = [calls(P4), calls(P4, lower=True), calls(P4C), calls(P4C, True, check_finite=False)]
FUNCTION: Calls = [calls(S3 / 3), calls(C3 / 3), calls((S3 / 3).astype(np.float32)), calls([[1.0, 0.5], [0.25, 2.0]])]
DEFINITE: Calls = [
    calls(P4),
    calls(P4, lower=False),
    calls(P4, hermitian(4, 4)),
    calls(P4, hermitian(4, 4), lower=False, type=1, check_finite=False),
]
VALUES: Calls = [*DEFINITE, calls(P4C), calls(P4C, hermitian_complex(4), lower=False), calls(P4.astype(np.float32))]

SAMPLES: dict[Any, Calls] = {
    sl.solve: [*SOLVE, *NEWER],
    sl.inv: [calls(S4), calls(SINGLE), calls(C3), calls(S3, check_finite=False)],
    sl.solve_triangular: TRIANGULAR,
    sl.cholesky: [*FACTOR, calls(P4.astype(np.float32), lower=True)],
    sl.cho_factor: FACTOR,
    sl.cho_solve: [
        calls(sl.cho_factor(P4), B4),
        calls(sl.cho_factor(P4, lower=True), M42),
        calls(sl.cho_factor(P4C), B4C),
        calls(sl.cho_factor(P4C, lower=True), B4C, check_finite=False),
    ],
    solutions.packed_lu: [calls(S4), calls(S4[::-1]), calls(C3), calls(real(5, 5))],
    solutions.pivots: [calls(S4)],
    solutions.permutation: [calls(PIV), calls(np.array([[1, 1, 2], [0, 2, 2]]))],
    sl.lu_factor: [calls(S4), calls(S4[::-1], check_finite=False), calls(C3[[2, 0, 1]])],
    sl.lu_solve: [
        *(calls((LU, PIV), b, trans) for trans in (0, 1, 2) for b in (B4, M42)),
        *(calls(LUC, turned(3), trans=trans) for trans in (0, 1, 2)),
    ],
    sl.lu: [calls(S4), calls(real(4, 4), permute_l=True), calls(C3[::-1])],
    solutions.banded_solution: [
        calls(BAND, real(6), below=1, above=2),
        calls(BAND, real(6, 2), below=1, above=2),
        calls(BAND[1:] + 0.5j, turned(6), below=1, above=1),
    ],
    sl.solve_banded: [
        calls((1, 2), BAND, real(6)),
        calls((1, 2), BAND, real(6, 2), check_finite=False),
        calls((1, 1), BAND[1:], turned(6)),
        calls((0, 2), BAND[:3], real(6)),
    ],
    sl.solveh_banded: [
        calls(HALF, real(5)),
        calls(HALF[::-1], real(5, 2), lower=True),
        calls(HALF + 0.2j * real(3, 1) * np.array([[1.0], [1], [0]]), turned(5)),
    ],
    sl.lstsq: [
        calls(TALL, real(5)),
        calls(TALL, real(5, 2), lapack_driver="gelss"),
        calls(WIDE, real(3), check_finite=False),
        calls(turned(4, 2), turned(4)),
        calls(TALL, real(5), 1e-10),
    ],
    sl.pinv: [calls(TALL), calls(WIDE), calls(turned(3, 2)), calls(S3, check_finite=False)],
    sl.det: [calls(S4), calls(C3), calls(TALL[:2, :2]), calls(S3, False, False)],
    sl.norm: [
        calls(TALL),
        calls(B4, 3),
        calls(TALL, 1),
        calls(TALL, 2),
        calls(TALL, "nuc"),
        calls(TALL, axis=1, keepdims=True, check_finite=False),
    ],
    matrices.of_matrices: [
        calls(np.stack([S3, P4[:3, :3]])[:, :2, :2], name="expm"),
        calls(S3, name="sqrtm"),
        calls(C3[:2, :2], name="sqrtm"),
        calls(P4[:2, :2], name="fractional_matrix_power", power=0.3),
    ],
    **{getattr(sl, name): FUNCTION[:1] for name in matrices.FUNCTIONS},
    sl.expm: FUNCTION,
    sl.sqrtm: FUNCTION[:2],
    sl.logm: [calls(S3[:2, :2]), calls(C3[:2, :2])],
    sl.fractional_matrix_power: [calls(P4[:2, :2], 0.5), calls(S3[:2, :2], -1.5), calls(P4, 2)],
    sl.solve_sylvester: [calls(S3, S4, real(3, 4)), calls(C3, C3.T, turned(3, 3))],
    sl.solve_continuous_lyapunov: [calls(S3, P4[:3, :3]), calls(C3, turned(3, 3))],
    sl.solve_discrete_lyapunov: [calls(S3 / 5, real(3, 3)), calls(S3 / 5, real(3, 3), method="direct")],
    sl.solve_toeplitz: [calls(ROW, B4), calls((ROW, OTHER), M42, check_finite=False), calls(ROW + 0j, B4C)],
    sl.matmul_toeplitz: [calls(ROW, B4), calls((ROW, OTHER), M42), calls((real(3), real(5)), real(5))],
    sl.solve_circulant: [calls(ROW, B4)],
    sl.toeplitz: [calls(ROW), calls(ROW, real(3)), calls(turned(3), turned(2)), calls(r=B4, c=[1.0, 2.0])],
    sl.circulant: [calls(ROW), calls(turned(3))],
    sl.hankel: [calls(ROW), calls(ROW, real(3)), calls(turned(2), turned(3))],
    sl.leslie: [calls(real(4), real(3))],
    sl.block_diag: [calls(S3, B4, TALL), calls(S3), calls(C3, SINGLE), calls(np.float64(2.0), S3)],
    sl.convolution_matrix: [calls(real(3), 5), calls(real(3), 4, "valid"), calls(turned(2), 3, mode="same")],
    sl.companion: [calls(real(4) + 2)],
    sl.fiedler: [calls(real(4))],
    sl.khatri_rao: [calls(real(2, 3), real(4, 3))],
    matrices.definite_values: [
        calls(P4, upper=False, alone=True),
        calls(P4, hermitian(4, 4), upper=True, alone=False),
        calls(P4C, hermitian_complex(4), upper=True, alone=True),
    ],
    # LAPACK turns the signs of vectors about, of pairs of matrices above all: these are tested without their signs.
    matrices.definite_vectors: [calls(P4, upper=False)],
    sl.eigh: [
        calls(P4),
        *(calls(*args, **options, eigvals_only=True) for args, options in [*DEFINITE, calls(P4C)]),
    ],
    sl.eigvalsh: VALUES,
    sl.svd: [
        calls(TALL, full_matrices=False),
        calls(S4),
        calls(WIDE, False, check_finite=False),
        calls(turned(3, 2), compute_uv=False),
    ],
    sl.svdvals: [calls(TALL), calls(turned(2, 3))],
    matrices.pivoted: [calls(TALL)],
    sl.qr: [
        calls(TALL, mode="economic"),
        calls(S4),
        calls(WIDE),
        calls(TALL, mode="r"),
        calls(WIDE, mode="r", check_finite=False),
        calls(TALL, mode="economic", pivoting=True),
        calls(TALL, pivoting=True, mode="r"),
    ],
    sl.polar: [calls(TALL), calls(WIDE, side="left"), calls(S3, "left"), calls(C3)],
}
