"""1. Logistic regression: f(a, b, x) = sigma(a x + b) as two blocks with their local derivatives."""

import math

import numpy as np
import pytest
from scipy.special import expit

import jacfwd as jf

POINTS = [(2.0, -1.0, 1.5), (0.0, 0.0, 3.0), (-0.7, 0.4, 2.2)]


def by_exp(z):
    return 1 / (1 + np.exp(-z))


def by_tanh(z):
    return (1 + np.tanh(z / 2)) / 2


def by_logaddexp(z):
    return np.exp(-np.logaddexp(0.0, -z))


def affine(a, b, x):
    g = a * x + b
    return g


def sigma(z):
    """The closed form, on plain numbers."""
    return 1 / (1 + math.exp(-z))


@pytest.mark.parametrize("point", POINTS)
def test_the_affine_block(point):
    a, b, x = point
    G = jf.trace(affine, *point)
    derivatives = [G.derivatives(*point, wrt=k) for k in range(3)]
    assert [d.nodes["g"] for d in derivatives] == [x, 1, a]
    assert derivatives[0].values["g"] == a * x + b


@pytest.mark.parametrize("block", [by_exp, by_tanh, by_logaddexp, expit])
@pytest.mark.parametrize("z", [-3.0, 0.0, 0.5, 2.0])
def test_the_sigmoid_block(block, z):
    slope = sigma(z) * (1 - sigma(z))
    assert jf.gradient(block)(z) == pytest.approx(slope, rel=1e-14)
    assert sum(path.product for path in jf.trace(block, z).paths()) == pytest.approx(slope, rel=1e-14)


@pytest.mark.parametrize("block", [by_exp, by_tanh, by_logaddexp, expit])
@pytest.mark.parametrize("point", POINTS)
def test_both_blocks_together(block, point):
    def f(a, b, x):
        g = a * x + b
        return jf.name("f", block(g))

    a, b, x = point
    value = sigma(a * x + b)
    slope = value * (1 - value)
    G = jf.trace(f, *point)
    for k, expected in enumerate([slope * x, slope, slope * a]):
        d = G.derivatives(*point, wrt=k)
        assert d.values["f"] == pytest.approx(value, rel=1e-14)
        assert d.nodes["f"] == pytest.approx(expected, rel=1e-14)
        # The later block multiplies what comes out of the earlier one.
        assert d.nodes["f"] == pytest.approx(slope * d.nodes["g"], rel=1e-14)
    df_da, df_db = jf.gradient(f, argnums=(0, 1))(*point)
    assert (df_da, df_db) == pytest.approx((slope * x, slope), rel=1e-14)


def test_the_sigmoid_as_one_node():
    def f(a, b, x):
        g = a * x + b
        f = expit(g)
        return f

    a, b, x = POINTS[0]
    value = sigma(a * x + b)
    for k in range(3):
        d = jf.trace(f, a, b, x).derivatives(a, b, x, wrt=k)
        assert d.edges["g", "f"] == pytest.approx(value * (1 - value), rel=1e-14)


def test_the_sum_over_a_data_set():
    """The same by arrays: the gradient of the likelihood is `X^T (sigma(X w + b) - y)`."""
    random = np.random.default_rng(1)
    X, y = random.standard_normal((20, 3)), (random.random(20) < 0.5).astype(float)
    w, b = random.standard_normal(3), 0.3

    def loss(w, b):
        return np.sum(np.logaddexp(0.0, (1 - 2 * y) * (X @ w + b)))

    residual = np.array([sigma(z) for z in X @ w + b]) - y
    dw, db = jf.gradient(loss, argnums=(0, 1))(w, b)
    np.testing.assert_allclose(dw, X.T @ residual, rtol=1e-13)
    np.testing.assert_allclose(db, residual.sum(), rtol=1e-13)
