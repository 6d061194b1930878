"""Functions without a derivative: values and structure only."""

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.rules import constant, find
from jacfwd.testing import check_rule
from tests.rules.samples_constant import SAMPLES

CALLS = [(function, args, kwargs) for function, calls in SAMPLES.items() for args, kwargs in calls]


def label(call):
    """Function and shapes, as an id for tests."""
    return f"{call[0].__name__}({','.join(str(list(np.shape(x))) for x in call[1])})"


def test_every_rule_has_a_sample():
    assert SAMPLES.keys() == constant.RULES.keys()


@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=map(label, CALLS))
def test_value_again_and_zero_differences(function, args, kwargs):
    primitive = find(function)
    assert not primitive.differentiable
    check_rule(function, *args, **kwargs)


@pytest.mark.parametrize("function", [np.floor, np.ceil, np.trunc, np.rint, np.round, np.around, np.fix, np.spacing])
def test_steps_have_derivative_zero_and_no_entries(function):
    x = np.array([-1.5, 0.0, 0.25, 2.0])
    _, dx = jf.jvp(function, x, np.ones(4))
    np.testing.assert_array_equal(dx, 0)
    assert jf.jacobian(function, sparse=True)(x).nnz == 0


def test_results_may_choose_branches_and_elements():
    def f(x):
        k = np.argmax(x)
        order = np.argsort(x)
        big = np.count_nonzero(x > 1)
        y = x[order] * x[k] if np.all(np.isfinite(x)) and big == 2 else x
        return y + np.floor(x)

    x = np.array([0.5, 3.0, 2.0])
    y, J = jf.value_and_jacobian(f)(x)
    np.testing.assert_array_equal(y, x[[0, 2, 1]] * 3 + np.floor(x))
    np.testing.assert_array_equal(J, [[3, 0.5, 0], [0, 2, 3], [0, 6, 0]])


def test_nan_comes_through_tests():
    x = np.array([np.nan, 4.0])
    _, dx = jf.jvp(lambda x: np.where(np.isnan(x), 0.0, np.sqrt(x)), x, np.ones(2))
    np.testing.assert_array_equal(dx, [0, 0.25])
