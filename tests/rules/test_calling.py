"""Functions that call others, ranges, phases, histograms, general eigenvalues: differences, recorded, conventions."""

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.errors import BranchChangedError, NotDifferentiableError, TracerConversionError, UnsupportedFunctionError
from jacfwd.rules import calling, general, histograms, phases, ranges
from jacfwd.testing import check_rule
from tests.rules.recorded import call_label, check_recorded, check_second_order, flat_function
from tests.rules.samples_calling import NORMAL, ROW, SAMPLES, TURNING

CALLS = [(function, args, kwargs) for function, samples in SAMPLES.items() for args, kwargs in samples]
FLOATING = [call for call in CALLS if flat_function(*call)[1]]
PARAMETERS = ("function", "args", "kwargs")
FAMILIES = (calling, ranges, phases, histograms, general)
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def test_every_rule_has_a_sample():
    assert SAMPLES.keys() == {function for family in FAMILIES for function in family.RULES}


@pytest.mark.parametrize(PARAMETERS, CALLS, ids=map(call_label, CALLS))
def test_rule(function, args, kwargs):
    check_rule(function, *args, **kwargs)


@pytest.mark.parametrize(PARAMETERS, FLOATING, ids=map(call_label, FLOATING))
def test_recorded(function, args, kwargs):
    check_recorded(function, args, kwargs, rounding=1e-14 if args[0].__class__ is np.ndarray else 1e-12)


@pytest.mark.parametrize(PARAMETERS, FLOATING[::2], ids=map(call_label, FLOATING[::2]))
def test_second_order(function, args, kwargs):
    check_second_order(function, args, kwargs, tolerance=1e-5)


# Functions of the user's


def test_functions_may_refer_to_traced_values():
    grid = np.linspace(-1, 1, 7)

    def model(p):
        return np.piecewise(grid, [grid < p[0], grid >= p[0]], [lambda x: p[1] * x, lambda x: p[1] * x**2 + p[2]])

    p = np.array([0.2, 2.0, 3.0])
    below = grid < 0.2
    np.testing.assert_allclose(
        jf.jacobian(model)(p), np.stack([0 * grid, np.where(below, grid, grid**2), ~below], axis=1)
    )
    found = jf.jacobian(lambda p: np.apply_along_axis(lambda row: row * p[0], 0, np.ones((2, 2))))(p)
    np.testing.assert_array_equal(found[..., 0], np.ones((2, 2)))
    found = jf.gradient(
        lambda p: np.apply_over_axes(lambda a, axis: np.sum(a * p[0], axis), np.ones((2, 2)), [0])[0, 0]
    )
    np.testing.assert_array_equal(found(p), [2, 0, 0])


def test_pieces_are_relied_on():
    G = jf.trace(lambda x: np.piecewise(x, [x < 0], [np.square, np.sin]), ROW)
    np.testing.assert_array_equal(G(ROW * 2), np.piecewise(ROW * 2, [ROW < 0], [np.square, np.sin]))
    with pytest.raises(BranchChangedError):
        G(-ROW)


def test_integers_hold_no_derivative():
    with pytest.raises(TracerConversionError, match="floats"):
        jf.jacobian(lambda p: np.piecewise(np.arange(3), [np.arange(3) < 1], [lambda x: x * p, 1]))(2.0)


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (np.piecewise, (ROW, [ROW < 0, ROW > 1], [np.sin])),
        (np.apply_along_axis, (np.sum, 1, np.zeros((0, 2)))),
        (np.apply_along_axis, (np.sum, 2, np.ones((2, 2)))),
        (np.apply_over_axes, (lambda a, axis: np.sum(a), np.ones((2, 2)), [0])),
        (np.geomspace, (0.0, 1.0)),
        (np.linspace, (0.0, 1.0, -1)),
        (np.histogram, (ROW, [1.0, 0.5])),
        (np.histogram, (ROW, 0)),
        (np.histogram, (ROW, 3, (1.0, 0.0))),
        (np.histogram, (ROW, 3, (0.0, np.inf))),
        (np.histogram, (ROW, 3, (-np.inf, 0.0))),
        (np.histogram, (ROW, 3, None, None, ROW[:2])),
    ],
)
def test_mistakes_are_those_of_numpy(function, args):
    with pytest.raises(Exception) as expected:  # noqa: PT011
        function(*args)
    rules = {**calling.RULES, **ranges.RULES, **histograms.RULES}
    with pytest.raises(expected.type):
        rules[function].rewrite(*args)


# Phases


def test_jumps_of_half_a_period_and_at_the_limit():
    """Half a period goes up where the phase went up; a step as large as the limit is a jump."""
    for steps in ([2.0, 2.0, -2.0], [-2.0, -2.0, 4.0], [3.0, -3.0, 6.0]):
        x = np.cumsum([0.0, *steps])
        for keywords in ({"period": 4.0}, {"period": 4.0, "discont": 3.0}, {"period": 4.0, "discont": 2.0}):
            y, J = jf.value_and_jacobian(lambda x, keywords=keywords: np.unwrap(x, **keywords))(x)
            np.testing.assert_array_equal(y, np.unwrap(x, **keywords))
            np.testing.assert_array_equal(J, np.eye(4))


# Histograms


def test_counts_are_constant_and_edges_follow_the_extremes():
    x = np.array([0.5, 2.0, 1.0, 4.0])
    counts, edges = jf.jacobian(lambda x: np.histogram(x, 2))(x)
    np.testing.assert_array_equal(counts, np.zeros((2, 4)))
    np.testing.assert_array_equal(edges, [[1, 0, 0, 0], [0.5, 0, 0, 0.5], [0, 0, 0, 1]])
    for bad in ({"bins": "auto"}, {"weights": np.ones(4) * 1j}):
        with pytest.raises(UnsupportedFunctionError, match="histogram"):
            jf.jacobian(lambda x, bad=bad: np.histogram(x, **bad)[1])(x)


# Eigenvalues


def test_real_answers_are_relied_on():
    G = jf.trace(np.linalg.eigvals, NORMAL)
    assert G(NORMAL * 1.1).dtype == np.float64
    with pytest.raises(BranchChangedError):
        G(TURNING)
    assert jf.jacobian(np.linalg.eigvals)(TURNING).dtype == np.complex128


def test_sums_and_products_of_eigenvalues():
    for a in (NORMAL, TURNING):
        trace = jf.gradient(lambda a: np.sum(np.linalg.eigvals(a)).real)(a)
        np.testing.assert_allclose(trace, np.eye(3), atol=1e-14)
        det = jf.gradient(lambda a: np.prod(np.linalg.eigvals(a)).real)(a)
        np.testing.assert_allclose(det, np.linalg.det(a) * np.linalg.inv(a).T, atol=1e-13)


def test_repeated_eigenvalues_and_defective_matrices():
    found = jf.jacobian(np.linalg.eigvals)(np.eye(2))
    np.testing.assert_array_equal(found.reshape(2, 4), [[1, 0, 0, 0], [0, 0, 0, 1]])
    with pytest.raises(NotDifferentiableError, match="equal"):
        jf.jacobian(lambda a: np.linalg.eig(a)[1])(np.eye(2))
    for f in (np.linalg.eigvals, lambda a: np.linalg.eig(a)[1]):
        with pytest.raises(NotDifferentiableError, match="defective"):
            jf.jacobian(f)(np.array([[1.0, 1.0], [0.0, 1.0]]))


def test_pieces_take_the_dtype_of_the_array():
    x = np.array([-1.0, 2.0], np.float32)
    y, dy = jf.jvp(lambda x: np.piecewise(x, [x > 0], [lambda x: x.astype(np.float64) ** 2]), x, np.ones_like(x))
    assert y.dtype == dy.dtype == np.float32
    np.testing.assert_array_equal([y, dy], [[0, 4], [0, 4]])
