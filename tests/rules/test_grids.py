"""`gradient`, `cov` and `corrcoef`: against differences, recorded, twice; keywords and mistakes."""

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.errors import UnsupportedFunctionError
from jacfwd.rules import covariance, stencils
from jacfwd.testing import check_rule
from tests.rules.recorded import call_label, check_recorded, check_second_order
from tests.rules.samples_grids import COUNTS, EVEN, MATRIX, ROW, SAMPLES, UNEVEN, WEIGHTS

CALLS = [(function, args, kwargs) for function, samples in SAMPLES.items() for args, kwargs in samples]
PARAMETERS = ("function", "args", "kwargs")
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def test_every_rule_has_a_sample():
    assert SAMPLES.keys() == {**stencils.RULES, **covariance.RULES}.keys()


@pytest.mark.parametrize(PARAMETERS, CALLS, ids=map(call_label, CALLS))
def test_rule(function, args, kwargs):
    check_rule(function, *args, **kwargs)


@pytest.mark.parametrize(PARAMETERS, CALLS, ids=map(call_label, CALLS))
def test_recorded(function, args, kwargs):
    check_recorded(function, args, kwargs, rounding=1e-14)


@pytest.mark.parametrize(PARAMETERS, CALLS[::2], ids=map(call_label, CALLS[::2]))
def test_second_order(function, args, kwargs):
    check_second_order(function, args, kwargs)


# Derivatives on grids


def test_a_gradient_is_a_band():
    J = jf.jacobian(np.gradient, sparse=True)(np.arange(6.0))
    assert J.nnz == 12
    expected = (np.eye(6, k=1) - np.eye(6, k=-1)) / 2
    expected[0, :2], expected[-1, -2:] = [-1, 1], [-1, 1]
    np.testing.assert_array_equal(J.toarray(), expected)
    J = jf.jacobian(lambda x: np.gradient(x, UNEVEN, edge_order=2), sparse=True)(np.ones(5))
    assert J.nnz == 15
    np.testing.assert_allclose(J @ UNEVEN, np.ones(5), rtol=1e-14)
    np.testing.assert_allclose(J @ UNEVEN**2, 2 * UNEVEN, atol=1e-14)


def test_evenly_spaced_points_may_move_apart():
    """NumPy computes with one step there, but its value at uneven points nearby tells the derivative."""
    f = ROW[:5]
    points = EVEN / 4
    value, J = jf.value_and_jacobian(lambda x: np.gradient(f, x, edge_order=2))(points)
    np.testing.assert_allclose(value, np.gradient(f, points, edge_order=2), rtol=1e-13)
    for k in range(5):
        moved = points + 1e-6 * np.eye(5)[k]
        back = points - 1e-6 * np.eye(5)[k]
        expected = (np.gradient(f, moved, edge_order=2) - np.gradient(f, back, edge_order=2)) / 2e-6
        np.testing.assert_allclose(J[:, k], expected, atol=1e-7)


def test_constant_points_evenly_spaced_are_one_step():
    f = lambda x: np.gradient(x, EVEN / 10)  # noqa: E731
    np.testing.assert_array_equal(jf.value_and_jacobian(f)(ROW[:5])[0], f(ROW[:5]))


def test_steps_may_be_traced():
    assert np.all(jf.jacobian(lambda h: np.gradient(ROW, h))(2.0) == -np.gradient(ROW) / 4)
    f = lambda x, h: np.gradient(x, h, x[0] * UNEVEN)[1]  # noqa: E731
    jf.check_jacobian(f, MATRIX, 0.7)


def test_real_gradients_of_real_values():
    """NumPy casts to the dtype of the values: also from complex steps."""
    with pytest.warns(np.exceptions.ComplexWarning):
        expected = np.gradient(ROW, 1 + 1j)
    value, J = jf.value_and_jacobian(lambda x: np.gradient(x, 1 + 1j))(ROW)
    np.testing.assert_array_equal(value, expected)
    assert J.dtype == float


# Covariances


def test_correlation_with_itself_is_constant():
    c, J = jf.value_and_jacobian(np.corrcoef)(MATRIX)
    np.testing.assert_allclose(J[np.arange(3), np.arange(3)], 0, atol=1e-15)
    assert np.abs(c).max() <= 1
    one, slope = jf.value_and_jacobian(np.corrcoef)(ROW)
    assert one == 1
    np.testing.assert_allclose(slope, 0, atol=1e-15)
    _, J = jf.value_and_jacobian(lambda x: np.corrcoef(x, 2 * x + 1))(ROW)
    np.testing.assert_allclose(J, 0, atol=1e-14)


def test_importance_is_differentiated_and_frequency_is_not():
    jf.check_jacobian(lambda w: np.cov(MATRIX, aweights=w), WEIGHTS)
    jf.check_jacobian(lambda w: np.cov(MATRIX, aweights=w, fweights=COUNTS), WEIGHTS)
    with pytest.raises(UnsupportedFunctionError, match="aweights"):
        jf.jacobian(lambda w: np.cov(MATRIX, fweights=w))(np.ones(5))
    jf.check_jacobian(lambda x: np.cov(x, fweights=np.argsort(x[0])), MATRIX)


def test_no_degrees_of_freedom_are_warned_of():
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        y = jf.value_and_jacobian(lambda x: np.cov(x, ddof=5))(MATRIX)[0]
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(y, np.cov(MATRIX, ddof=5))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.gradient(x, edge_order=3),
        lambda x: np.gradient(x[:, :2], edge_order=2),
        lambda x: np.gradient(x[:1]),
        lambda x: np.gradient(x, 1.0, 2.0, 3.0),
        lambda x: np.gradient(x, x, 1.0),
        lambda x: np.gradient(x, x[0], x[0]),
        lambda x: np.gradient(x, axis=2),
        lambda x: np.cov(x[None]),
        lambda x: np.cov(x, x[None]),
        lambda x: np.cov(x, ddof=0.5),
        lambda x: np.cov(x, fweights=COUNTS + 0.5),
        lambda x: np.cov(x, fweights=-COUNTS),
        lambda x: np.cov(x, fweights=COUNTS[1:]),
        lambda x: np.cov(x, aweights=np.ones((1, 5))),
        lambda x: np.cov(x, aweights=-(x[0] ** 2)),
        lambda x: np.cov(x, aweights=0 * x[0]),
        lambda x: np.cov(x, x[:, 1:]),
    ],
)
def test_mistakes_are_those_of_numpy(call):
    with pytest.raises(Exception) as expected:  # noqa: PT011
        call(MATRIX)
    with pytest.raises(expected.type):
        jf.jacobian(call)(MATRIX)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_gradients_lie_in_memory_as_their_argument_does(axes):
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).transpose(axes)
    weights = np.arange(60.0)

    def f(x):
        return np.gradient(x, axis=1).ravel("K") * weights

    np.testing.assert_allclose(jf.value_and_jacobian(f)(x)[0], f(x), rtol=1e-14)
