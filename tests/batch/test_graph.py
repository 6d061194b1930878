"""A recorded graph at many points."""

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.errors import BranchChangedError

POINTS = np.abs(np.random.default_rng(0).normal(size=(20, 3)))


def f(x, y):
    return np.cumsum(x * y) if x[0] > 0 else x


G = jf.trace(f, np.ones(3), 2.0)
Y = POINTS[:, 1]


def test_values():
    expected = [f(x, y) for x, y in zip(POINTS, Y, strict=True)]
    B = G.batch(POINTS, Y)
    assert len(B) == 20
    np.testing.assert_allclose(B.value, expected, rtol=1e-14)
    np.testing.assert_allclose(np.asarray(B), expected, rtol=1e-14)


def test_tangents():
    y, dy = G.batch(POINTS, Y).jvp((POINTS[::-1], Y[::-1]))
    for k in range(20):
        one, done = G.jvp((POINTS[k], Y[k]), (POINTS[-1 - k], Y[-1 - k]))
        np.testing.assert_allclose(y[k], one, rtol=1e-14)
        np.testing.assert_allclose(dy[k], done, rtol=1e-13)
    held = G.batch(POINTS, Y).jvp((None, Y))[1]
    np.testing.assert_allclose(held[3], G.jvp((POINTS[3], Y[3]), (None, Y[3]))[1], rtol=1e-13)


def test_jacobians():
    J = G.batch(POINTS, Y).jacobian()
    S = G.batch(POINTS, Y).jacobian(sparse=True, flat=True)
    assert S.shape == (60, 80)
    for k in range(20):
        one = G.jacobian(POINTS[k], Y[k])
        np.testing.assert_allclose(J[0][k], one[0], rtol=1e-14)
        np.testing.assert_allclose(J[1][k], one[1], rtol=1e-14)
        block = S[3 * k : 3 * k + 3, 4 * k : 4 * k + 4].toarray()
        np.testing.assert_allclose(block, np.column_stack(one), rtol=1e-14)


def test_one_argument_has_one_result():
    g = jf.trace(lambda x: np.sum(x**2), np.ones(3))
    np.testing.assert_allclose(g.batch(POINTS).gradient(), 2 * POINTS)
    np.testing.assert_allclose(g.batch(POINTS).jvp(POINTS)[1], 2 * np.sum(POINTS**2, axis=1))
    with pytest.raises(ValueError, match="size 1"):
        G.batch(POINTS, Y).gradient()


def test_points_of_another_branch():
    some = POINTS.copy()
    some[[4, 9], 0] = -1
    B = G.batch(some, Y)
    for ask in (lambda: B.value, B.jacobian, lambda: B.jvp((some, Y))):
        with pytest.raises(BranchChangedError, match="2 of 20 points, the first of them point 4: .*test_graph.py"):
            ask()


def test_other_shapes():
    with pytest.raises(ValueError, match=r"recorded for inputs float64\[3\]"):
        G.batch(np.ones((5, 2)), np.ones(5))
    with pytest.raises(ValueError, match="leading axis"):
        G.batch(np.ones((5, 3)), np.ones(4))
