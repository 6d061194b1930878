"""Rewritten graphs: constants moved out of products and sums, signs, elements put among zeros where they are made."""

import numpy as np
import pytest

import jacfwd as jf


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def springs(x):
    d = x[1:] - x[:-1]
    return 0.5 * np.sum(3.0 * (d - 1.0) ** 2) + 0.25 * np.sum(x**4)


def variation(x):
    return np.sum(np.sqrt(np.diff(x) ** 2 + 1e-3))


def residuals(x):
    return np.sum((np.tanh(x[:-1]) * x[1:] - 0.3) ** 2) + np.mean(np.log1p(np.exp(-3 * x)))


def scaled_terms(x):
    return np.sum((2 * x[1:]) * (3 * x[:-1]) * (-4 * x[1:]) + 5 * np.sin(x[1:]) - 5 * np.cos(x[:-1]))


def every_other(x):
    return np.sum((x[::2] - 2 * x[1::2]) ** 2) + np.sum(-(x[2:] ** 3) * x[:-2]) + np.sum(x[None] * x[None], axis=1)[0]


FUNCTIONS = [rosenbrock, springs, variation, residuals, scaled_terms, every_other]


def by_complex_step(f, x, v):
    return f(x + 1e-30j * v).imag / 1e-30


@pytest.mark.parametrize("n", [10, 1000, 40_000])
@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_gradients_tangents_and_products(f, n):
    rng = np.random.default_rng(0)
    x, v = rng.uniform(0.5, 1.5, n), rng.uniform(-1, 1, n)
    G = jf.trace(f, x)
    for point in (x, x * x):
        g = G.gradient(point)
        assert g.shape == (n,) and g.flags.writeable and not np.shares_memory(g, G.gradient(point))
        along = by_complex_step(f, point, v)
        np.testing.assert_allclose(g @ v, along, rtol=1e-11, atol=1e-11 * np.linalg.norm(g))
        value, tangent = G.jvp(point, v)
        np.testing.assert_allclose(value, f(point), rtol=1e-13)
        np.testing.assert_allclose(tangent, along, rtol=1e-11, atol=1e-11 * np.linalg.norm(g))
        value, product = G.hvp(point, v)
        step = 1e-6
        difference = (G.gradient(point + step * v) - G.gradient(point - step * v)) / (2 * step)
        np.testing.assert_allclose(product, difference, rtol=1e-6, atol=1e-6 * np.abs(product).max())


def _statements(source, title):
    part = source.split(f"# {title}\n")[1].split("\n\n")[0]
    return [line.strip() for line in part.splitlines() if "(" in line and "out=" in line]


def test_products_have_one_constant():
    x = np.linspace(0.5, 1.5, 1000)
    G = jf.trace(rosenbrock, x)
    G.gradient(x)
    # x^2, x' - x^2, 1 - x, three products with constants, one with x, and two sums
    assert len(_statements(G.source, "gradient")) == 9


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e-150, 1e150, 1e154, 1e300])
def test_no_constant_decides_what_is_finite(scale):
    def f(x, y):
        return np.sum((0.25 * x) * (1e-3 * y) * 3.0 + (7.0 * x) * (-2.0 * y))

    x, y = scale * np.linspace(1, 2, 50), np.linspace(1, 2, 50) / scale
    G = jf.trace(f, x, y)
    plain = jf.gradient(f, argnums=(0, 1))
    for args in ((x, y), (x, x), (y, x), (0 * x, y), (np.where(x > x.mean(), x, 0), np.where(y > y.mean(), np.inf, y))):
        with np.errstate(all="ignore"):
            expected = plain(*args)
        for found, other in zip(G.gradient(*args), expected, strict=True):
            np.testing.assert_allclose(found, other, rtol=1e-13)


def test_minus_among_zeros_is_subtracted():
    x = np.linspace(0.5, 1.5, 1000)
    G = jf.trace(variation, x)
    G.gradient(x)
    assert not any("negative" in line for line in _statements(G.source, "gradient"))


@pytest.mark.parametrize("exponent", [-4, -3, -2, -1, 2, 3, 4, -3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5, -5, 0.25])
def test_powers(exponent):
    x = np.array([0.0, -0.0, 1e-320, 1e-160, 1e-110, 0.3, 1.0, 7.0, 1e70, 1e120, 1e200, np.inf, -np.inf, -2.0, np.nan])
    x = np.tile(x, 10)
    for f in (lambda x: x**exponent, lambda x: (x * x + 0.5) ** exponent, lambda x: (np.abs(x) * 3) ** exponent):
        with np.errstate(all="ignore"):
            G = jf.trace(f, np.ones(x.size))
            np.testing.assert_allclose(G(x), f(x), rtol=1e-14, atol=1e-300)
            _, tangent = G.jvp(x, np.ones(x.size))
            _, expected = jf.jvp(f, x, np.ones(x.size))
        np.testing.assert_allclose(tangent, expected, rtol=1e-13, atol=1e-300)


def test_a_power_of_sums_of_squares_needs_no_power():
    x = np.linspace(0.5, 1.5, 1000)

    def f(x):
        r = (x[1:] - x[:-1]) ** 2 + 0.5
        return np.sum(4 * (r**-3 * r**-3 - r**-3)) + np.sum(r**-1.5)

    G = jf.trace(f, x)
    G.gradient(x)
    assert not any("power" in line for line in G.source.splitlines())
    v, g = np.cos(np.arange(1000.0)), G.gradient(x)
    np.testing.assert_allclose(g @ v, by_complex_step(f, x, v), atol=1e-13 * np.abs(g).sum())


def test_signs_go_into_products():
    x = np.linspace(0.5, 1.5, 1000)
    G = jf.trace(lambda x: np.mean(np.log1p(np.exp(-x))) - np.sum(np.sin(x) * np.exp(-x)), x)
    G.gradient(x)
    v = np.ones(1000)
    expected = -np.exp(-x) / (1 + np.exp(-x)) / 1000 - np.exp(-x) * (np.cos(x) - np.sin(x))
    np.testing.assert_allclose(G.gradient(x) @ v, expected @ v, rtol=1e-13)
    assert sum("negative" in line for line in _statements(G.source, "gradient")) <= 1
