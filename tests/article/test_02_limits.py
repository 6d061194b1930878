"""2. The derivative as a limit: quotients, tangent lines and planes, and a limit that does not exist."""

import math
from itertools import pairwise

import numpy as np
import pytest

import jacfwd as jf


def quotient(f, x, v, h):
    return (f(x + h * v) - f(x)) / h


def test_quotients_of_the_square_converge():
    """`((x + h)^2 - x^2) / h = 2 x + h`, without rounding where h is a power of two."""
    y, dy = jf.jvp(lambda x: x**2, 3.0, 1.0)
    assert (y, dy) == (9, 6)
    for k in range(20):
        h = 2.0**-k
        assert quotient(lambda x: x**2, 3.0, 1.0, h) - dy == h


def test_the_tangent_line():
    """It misses `f(x + h)` by `h^2`, which is less than any multiple of h."""
    y, slope = jf.jvp(lambda x: x**2, 3.0, 1.0)
    for h in [0.5, -0.25, 2.0**-10]:
        assert (3.0 + h) ** 2 - (y + slope * h) == h**2


def bend(x):
    return np.array([np.sin(x[0]) * x[1], x[0] ** 2 + x[2], np.exp(x[1] * x[2])])


def test_a_column_of_the_jacobian_is_a_limit():
    """`J[:, i]` is the limit in direction e_i; extrapolating two quotients leaves an error of order h^2."""
    x = np.array([0.3, -0.8, 1.1])
    J = jf.jacobian(bend)(x)
    assert J.shape == (3, 3)
    for i, e in enumerate(np.eye(3)):
        np.testing.assert_array_equal(jf.jvp(bend, x, e)[1], J[:, i])
        h = 1e-4
        limit = 2 * quotient(bend, x, e, h / 2) - quotient(bend, x, e, h)
        np.testing.assert_allclose(J[:, i], limit, atol=1e-7)


def test_errors_of_quotients_halve_with_h():
    x, v = np.array([0.3, -0.8, 1.1]), np.array([1.0, 2.0, -0.5])
    _, dy = jf.jvp(bend, x, v)
    errors = [np.abs(quotient(bend, x, v, 2.0**-k) - dy).max() for k in range(8, 14)]
    ratios = [before / after for before, after in pairwise(errors)]
    np.testing.assert_allclose(ratios, 2, atol=0.05)


@pytest.mark.parametrize(
    ("f", "partials"),
    [
        (lambda x, y: x**2 + y**2, lambda x, y: (2 * x, 2 * y)),
        (lambda x, y: x**2 + y**3, lambda x, y: (2 * x, 3 * y**2)),
    ],
)
@pytest.mark.parametrize("point", [(1.0, 2.0), (0.0, 0.0), (-1.5, 0.5)])
def test_partial_derivatives(f, partials, point):
    assert jf.gradient(f, argnums=(0, 1))(*point) == partials(*point)
    along_x = jf.jvp(f, point, (1.0, None))[1]
    along_y = jf.jvp(f, point, (None, 1.0))[1]
    assert (along_x, along_y) == partials(*point)


def test_the_tangent_plane():
    """The plane at (1, 2) misses `x^2 + y^2` by the squared distance from there."""

    def f(x, y):
        return x**2 + y**2

    y, J = jf.linearize(f, 1.0, 2.0)
    assert y == 5
    for u, v in [(0.5, 0.25), (-0.125, 1.0), (0.0, -2.0)]:
        assert f(1 + u, 2 + v) - (y + J(u, v)) == u**2 + v**2


def test_every_direction_is_a_mix_of_the_partials():
    slope = math.sqrt(0.5)
    _, dy = jf.jvp(lambda x, y: x**2 + y**3, (1.0, 2.0), (slope, slope))
    assert dy == pytest.approx(slope * 2 + slope * 12, rel=1e-14)


def test_a_limit_that_does_not_exist():
    """|x| at 0: the quotients are 1 from the right and -1 from the left; the answer is their mean, 0."""
    right = [quotient(abs, 0.0, 1.0, 2.0**-k) for k in range(10)]
    left = [quotient(abs, 0.0, 1.0, -(2.0**-k)) for k in range(10)]
    assert set(right) == {1.0}
    assert set(left) == {-1.0}
    assert jf.gradient(np.abs)(0.0) == (right[-1] + left[-1]) / 2 == 0
    assert jf.gradient(np.abs)(2.0**-1000) == 1
    assert jf.gradient(np.abs)(-(2.0**-1000)) == -1
