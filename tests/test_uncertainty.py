"""Linear propagation of uncertainties, against closed forms, the package `uncertainties` and Monte Carlo."""

from dataclasses import dataclass

import numpy as np
import pytest
import scipy.sparse as sp

import jacfwd as jf

RNG = np.random.default_rng(5)
X = np.array([1.5, -0.5, 2.0])
ROOT = RNG.normal(size=(3, 3))
C = ROOT @ ROOT.T


@dataclass
class Setting:
    gain: float
    offset: float


def f(x):
    return np.array([x[0] * x[1], np.exp(x[2] / 4), np.sin(x[0]) + x[2], x[1] ** 2])


@pytest.mark.parametrize(
    ("given", "full"),
    [
        (C, C),
        (C.tolist(), C),
        ([1.0, 4.0, 9.0], np.diag([1.0, 4.0, 9.0])),
        (0.25, 0.25 * np.eye(3)),
        (2, 2 * np.eye(3)),
    ],
    ids=["covariance", "list", "variances", "one variance", "an integer"],
)
def test_covariances_variances_and_a_number(given, full):
    y, C_y = jf.propagate(f, X, given)
    J = jf.jacobian(f)(X)
    np.testing.assert_array_equal(y, f(X))
    np.testing.assert_allclose(C_y, J @ full @ J.T, rtol=1e-14, atol=1e-14)
    np.testing.assert_array_equal(C_y, C_y.T)


@pytest.mark.parametrize("format", ["csr", "csc", "coo", "dia"])
def test_sparse_covariances_stay_sparse(format):
    n = 40
    given = sp.diags_array([np.full(n - 1, 0.1), np.ones(n), np.full(n - 1, 0.1)], offsets=[-1, 0, 1], format=format)
    x = np.linspace(0, 1, n)
    _, C_y = jf.propagate(lambda x: x[1:] * x[:-1], x, given)
    J = jf.jacobian(lambda x: x[1:] * x[:-1])(x)
    assert sp.issparse(C_y)
    assert C_y.nnz < 8 * n
    np.testing.assert_allclose(C_y.toarray(), J @ given.toarray() @ J.T, atol=1e-15)


def test_a_number_for_a_number():
    y, variance = jf.propagate(lambda a, b: a / b, (6.0, 2.0), (0.04, 0.01))
    assert type(variance) is np.float64
    np.testing.assert_allclose([y, variance], [3, 0.04 / 4 + 0.01 * (6 / 4) ** 2])


def test_several_inputs_and_what_is_known_exactly():
    a, b = np.array([1.0, 2.0]), np.array([[3.0], [4.0]])

    def g(a, b, k):
        return k * a * b

    J_a, J_b = jf.jacobian(g, argnums=(0, 1))(a, b, 2)
    J_a, J_b = J_a.reshape(4, 2), J_b.reshape(4, 2)
    both = np.array([[1.0, 0.5], [0.5, 2.0]])
    y, C_y = jf.propagate(g, (a, b, 2), (both, [0.1, 0.2], None))
    assert C_y.shape == (2, 2, 2, 2)
    expected = J_a @ both @ J_a.T + J_b @ np.diag([0.1, 0.2]) @ J_b.T
    np.testing.assert_allclose(C_y.reshape(4, 4), expected, rtol=1e-14)
    np.testing.assert_array_equal(y, g(a, b, 2))
    only = jf.propagate(g, (a, b, 2), (both, None, None))[1].reshape(4, 4)
    np.testing.assert_allclose(only, J_a @ both @ J_a.T, rtol=1e-14)
    mixed = jf.propagate(g, (a, b, 2), (sp.csr_array(both), 0.1, None))[1]
    np.testing.assert_allclose(mixed.toarray(), J_a @ both @ J_a.T + 0.1 * J_b @ J_b.T, rtol=1e-14)
    joint = np.eye(4) + 0.3
    J = np.hstack([J_a, J_b])
    np.testing.assert_allclose(jf.propagate(g, (a, b, 2), joint)[1].reshape(4, 4), J @ joint @ J.T, rtol=1e-14)


def test_structure_goes_in_and_comes_out():
    x = {"u": np.array([1.0, 2.0]), "v": Setting(3.0, 4.0)}

    def g(x):
        return {"p": x["u"] * x["v"].gain, "q": x["v"].offset ** 2}

    y, C_y = jf.propagate(g, x, {"u": [0.1, 0.2], "v": Setting(np.float64(0.3), None)})
    np.testing.assert_allclose(C_y["p"]["p"], 9 * np.diag([0.1, 0.2]) + 0.3 * np.outer([1, 2], [1, 2]))
    np.testing.assert_array_equal(C_y["p"]["q"], [0, 0])
    assert C_y["q"]["q"] == 0
    assert y["q"] == 16
    whole = jf.propagate(g, x, np.diag([0.1, 0.2, 0.3, 0.4]))[1]
    np.testing.assert_allclose(whole["q"]["q"], 64 * 0.4)
    with pytest.raises(ValueError, match=r"C_x has entries \['u'\], its argument \['u', 'v'\]"):
        jf.propagate(g, x, {"u": 1.0})


def test_complex_outputs():
    _, C_y = jf.propagate(lambda x: x[0] * np.exp(1j * x[1]), np.array([2.0, 0.3]), [0.01, 0.04])
    J = np.array([np.exp(0.3j), 2j * np.exp(0.3j)])
    np.testing.assert_allclose(C_y, J @ np.diag([0.01, 0.04]) @ J.conj(), rtol=1e-14)
    with pytest.raises(jf.NotDifferentiableError, match="real and imaginary parts"):
        jf.propagate(np.square, np.array([1j]), 1.0)


def test_large_jacobians_are_multiplied_sparse():
    x = np.linspace(0, 1, 1100)
    _, C_y = jf.propagate(np.sin, x, np.full(1100, 0.1))
    np.testing.assert_allclose(C_y, np.diag(0.1 * np.cos(x) ** 2), atol=1e-16)


def test_a_singular_derivative_stays_in_its_row():
    _, C_y = jf.propagate(np.sqrt, np.array([0.0, 4.0]), 1.0)
    np.testing.assert_array_equal(C_y, [[np.inf, 0], [0, 1 / 16]])


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (np.ones((3, 2)), r"of shape \(3,\) or \(3, 3\), got \(3, 2\)"),
        (np.ones(4), r"got \(4,\)"),
        (np.arange(9.0).reshape(3, 3), "not symmetric"),
        ([1.0, -1.0, 0.0], "negative variance, -1.0"),
        (1j * np.eye(3), "real numbers"),
        ((1.0, 2.0), "tuple of 2, but there are 1 arguments"),
    ],
)
def test_what_is_no_covariance(given, complaint):
    with pytest.raises(ValueError, match=complaint):
        jf.propagate(f, X, given)
    with pytest.raises(ValueError, match=r"C_x\[1\] belongs to an argument without a derivative"):
        jf.propagate(lambda x, k: x**k, (X, 2), (1.0, 1.0))


def test_as_the_package_uncertainties():
    uncertainties = pytest.importorskip("uncertainties")
    from uncertainties import umath

    a, b, c = uncertainties.correlated_values(X, C)
    there = [a * b, umath.exp(c / 4), umath.sin(a) + c, b**2]
    y, C_y = jf.propagate(f, X, C)
    np.testing.assert_allclose(y, [each.nominal_value for each in there], rtol=1e-14)
    np.testing.assert_allclose(C_y, uncertainties.covariance_matrix(there), rtol=1e-12)


def test_as_monte_carlo():
    small = 1e-4 * C
    samples = np.random.default_rng(1).multivariate_normal(X, small, size=200_000)
    observed = np.cov(f(samples.T))
    C_y = jf.propagate(f, X, small)[1]
    spread = np.sqrt(np.diag(C_y))
    np.testing.assert_allclose(observed / np.outer(spread, spread), C_y / np.outer(spread, spread), atol=0.02)
