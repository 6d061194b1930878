"""Regions: sums over all blocks, their order, and what reads them."""

import math

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.program.jacobian import SparseJacobian

# One more than the least, blocks that fit exactly, and a last block that repeats nearly all of the one before.
SIZES = [1 << 15, (1 << 15) + 1, 3 << 14, 50_001]


def terms(x):
    return [x[1:] * x[:-1], np.sin(x), np.square(x), np.exp(-x) - 0.5]


def total(x):
    a, b, c, d = terms(x)
    return np.sum(a) + np.mean(b) + 3 * np.sum(2 * c) - np.sum(d)


@pytest.mark.parametrize("n", SIZES)
def test_sums_are_those_of_all_elements(n):
    x = np.random.default_rng(n).uniform(0.5, 1.5, n)
    G = jf.trace(total, x)
    a, b, c, d = (math.fsum(term) for term in terms(x))
    np.testing.assert_allclose(G(x), a + b / n + 6 * c - d, rtol=1e-14)
    value, tangent = G.jvp(x, np.ones(n))
    np.testing.assert_allclose(value, G(x), rtol=1e-14)
    parts = [x[1:] + x[:-1], np.cos(x) / n, 12 * x, np.exp(-x)]
    np.testing.assert_allclose(tangent, sum(map(math.fsum, parts)), rtol=1e-13)
    try:
        jf.set_threads(2)
        assert G(x) == G(x) and (G.jvp(x, np.ones(n))[1], G.jvp(x, np.ones(n))[0]) == (tangent, value)
    finally:
        jf.set_threads(1)


def test_kinds_of_numbers():
    n = 40_000
    x = np.random.default_rng(0).uniform(0.5, 1.5, n)
    single = jf.trace(lambda x: np.sum(x * x) + np.mean(np.sin(x)), x.astype(np.float32))
    point = x.astype(np.float32)
    value, tangent = single.jvp(point, point)
    assert value.dtype == tangent.dtype == np.float32
    np.testing.assert_allclose(value, np.sum(x * x) + np.mean(np.sin(x)), rtol=1e-5)
    z = x * np.exp(1j * x)
    G = jf.trace(lambda z: np.sum(z * z) + np.mean(np.sin(z)), z)
    value, tangent = G.jvp(z, z)
    np.testing.assert_allclose(value, np.sum(z * z) + np.mean(np.sin(z)), rtol=1e-13)
    np.testing.assert_allclose(tangent, 2 * np.sum(z * z) + np.mean(np.cos(z) * z), rtol=1e-13)


def test_what_reads_a_sum():
    n = 40_000
    x = np.random.default_rng(0).uniform(0.5, 1.5, n)

    def normalised(x):
        s = np.sum(x * x)
        if s > 1:
            return x[1:] * x[:-1] / np.sqrt(s), np.mean(np.exp(x))
        return x[1:], s

    G = jf.trace(normalised, x)
    (first, second), (_, tangent) = G.jvp(x, x)
    np.testing.assert_allclose(first, x[1:] * x[:-1] / np.linalg.norm(x), rtol=1e-13)
    np.testing.assert_allclose([second, tangent], [np.mean(np.exp(x)), np.mean(np.exp(x) * x)], rtol=1e-13)
    np.testing.assert_allclose(G.jvp(x, x)[1][0], first, rtol=1e-11)
    with pytest.raises(jf.BranchChangedError):
        G(1e-5 * x)


def test_a_sum_among_the_entries_and_windows_beside_it():
    n = 40_000
    x = np.random.default_rng(0).uniform(0.5, 1.5, n)

    def f(x):
        y = x * (1 + x)
        near = sum(y[k : n - 5 + k] for k in range(6))
        return np.concatenate([near, [x[0] * np.sum(np.exp(x[1:]) * x[1:])]])

    G = jf.trace(f, x)
    program = SparseJacobian(G.data, [x], G.data.inputs)
    for point in (x, x * x):
        J = program([point])[1]
        np.testing.assert_allclose(J @ x, G.jvp(point, x)[1], rtol=1e-12)
        np.testing.assert_allclose(J.data, program.interpreted([point])[1].data, rtol=1e-13)


@pytest.mark.parametrize("n", [100, 40_000])
def test_zeros_are_strong_in_sums_of_products(n):
    x, y = np.ones(n), np.ones(n)
    G = jf.trace(lambda x, y: np.sum(x * y), x, y)
    y[7], v = np.inf, np.ones(n)
    v[7] = 0
    with np.errstate(all="ignore"):
        assert G.jvp((x, y), (v, 0 * v))[1] == n - 1
    gradient = G.gradient(x, y)
    assert gradient[0][7] == np.inf and gradient[1][7] == 1


def test_large_squares_overflow_as_their_sum_does():
    x = np.full(40_000, 1e151)
    G = jf.trace(lambda x: np.sum(x**2 + (3 * x) ** 2), np.ones(40_000))
    with np.errstate(all="ignore"):
        assert G(x) == pytest.approx(4e5 * 1e302) and G(1e5 * x) == np.inf


def test_what_cancels_is_not_summed_apart():
    x = np.full(40_000, 1e8)
    G = jf.trace(lambda x: np.sum(x**2 - (x - 1e-3) ** 2), x + 0.25)
    assert G(x) == np.sum(x**2 - (x - 1e-3) ** 2)
