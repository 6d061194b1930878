"""The object from `linearize` where SciPy takes a linear operator."""

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, eigs, gmres, lsmr, lsqr, spilu, svds

import jacfwd as jf
from bench.problems import bratu, broyden_tridiagonal

PROBLEM = bratu(7)
J = jf.linearize(PROBLEM.function, PROBLEM.point)[1]
FULL = J.toarray()
B = np.random.default_rng(3).normal(size=49)


@pytest.mark.parametrize(("solve", "most"), [(lsmr, "maxiter"), (lsqr, "iter_lim")])
def test_least_squares(solve, most):
    settings = {"atol": 1e-14, "btol": 1e-14, most: 500}
    np.testing.assert_allclose(solve(J, B, **settings)[0], np.linalg.solve(FULL, B), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("solve", [lsmr, lsqr])
def test_rectangular_ones_and_their_transposes(solve):
    tall = jf.linearize(lambda x: np.concatenate([x**2, x[1:] * x[:-1]]), np.linspace(1, 2, 6))[1]
    for operator in (tall, tall.T, tall.H):
        b = np.ones(operator.shape[0])
        expected = np.linalg.lstsq(operator.toarray(), b, rcond=None)[0]
        np.testing.assert_allclose(solve(operator, b, atol=1e-14, btol=1e-14)[0], expected, atol=1e-8)


def test_gmres_with_a_preconditioner_made_of_the_matrix():
    ilu = spilu(J.tocsc(), drop_tol=1e-4)
    steps = []
    x, failed = gmres(
        J, B, M=LinearOperator(J.shape, ilu.solve), rtol=1e-12, callback=steps.append, callback_type="pr_norm"
    )
    assert failed == 0
    assert len(steps) < 15
    np.testing.assert_allclose(J @ x, B, atol=1e-9)


def test_singular_values():
    left, values, right = svds(J, k=4, v0=B, tol=1e-12)
    np.testing.assert_allclose(np.sort(values), np.linalg.svd(FULL, compute_uv=False)[:4][::-1], rtol=1e-9)
    np.testing.assert_allclose(J @ right.T, left * values, atol=1e-9)


def test_eigenvalues():
    unsymmetric = jf.linearize(broyden_tridiagonal(20).function, np.linspace(-1, 0, 20))[1]
    values = eigs(unsymmetric, k=3, v0=np.ones(20), return_eigenvectors=False)
    expected = np.linalg.eigvals(unsymmetric.toarray())
    largest = expected[np.argsort(-abs(expected))[:3]]
    np.testing.assert_allclose(np.sort(abs(values)), np.sort(abs(largest)), rtol=1e-8)


def test_arithmetic_of_operators():
    shifted = 2.0 * J + LinearOperator(J.shape, lambda v: 3.0 * v, dtype=float)
    np.testing.assert_allclose(shifted @ B, 2 * FULL @ B + 3 * B, rtol=1e-12)
    np.testing.assert_allclose((J.T @ J) @ B, FULL.T @ (FULL @ B), rtol=1e-12)
