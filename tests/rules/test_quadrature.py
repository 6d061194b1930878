"""scipy.integrate on samples: against SciPy, differences and exact integrals; what calls functions is refused."""

import numpy as np
import pytest
import scipy.integrate as si

import jacfwd as jf
from jacfwd.errors import JacfwdError, UnsupportedFunctionError
from jacfwd.rules import quadrature
from jacfwd.testing import check_rule
from tests.rules.recorded import call_label, check_recorded, check_second_order
from tests.rules.samples_scipy import INTEGRALS, LONG, POINTS, ROW
from tests.rules.test_fourier import resolved

CALLS = [(function, args, kwargs) for function, samples in INTEGRALS.items() for args, kwargs in samples]
PARAMETERS = ("function", "args", "kwargs")


def test_every_rule_has_a_sample():
    assert INTEGRALS.keys() == set(map(resolved, quadrature.RULES))


@pytest.mark.parametrize(PARAMETERS, CALLS, ids=map(call_label, CALLS))
def test_rule(function, args, kwargs):
    check_rule(function, *args, **kwargs)
    single = any(getattr(x, "dtype", None) == np.float32 for x in args)
    check_recorded(function, args, kwargs, rounding=1e-6 if single else 1e-13)


@pytest.mark.parametrize(PARAMETERS, CALLS[1::5], ids=map(call_label, CALLS[1::5]))
def test_second_order(function, args, kwargs):
    check_second_order(function, args, kwargs)


def test_weights_of_the_rules():
    np.testing.assert_allclose(jf.gradient(lambda y: si.simpson(y))(LONG[:5]), np.array([1, 4, 2, 4, 1]) / 3)
    J = jf.jacobian(lambda y: si.cumulative_trapezoid(y))(LONG[:3])
    np.testing.assert_allclose(J, [[0.5, 0.5, 0], [0.5, 1, 0.5]])


@pytest.mark.parametrize("n", [5, 6])
def test_parabolas_are_integrated_exactly(n):
    """So is their dependence on where the last point stands: the integrand there."""
    x = POINTS[:n]

    def integral(end):
        points = np.concatenate([x[:-1], end])
        return si.simpson(3 * points**2, x=points)

    np.testing.assert_allclose(jf.gradient(integral)(x[-1:]), 3 * x[-1:] ** 2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda y: si.trapezoid(y, x=POINTS[:4]), "length of x"),
        (lambda y: si.cumulative_trapezoid(y, initial=1.0), "initial"),
        (lambda y: si.romb(y), "power of 2"),
    ],
)
def test_mistakes_are_those_of_the_original(call, words):
    with pytest.raises(ValueError, match=words):
        jf.jacobian(call)(ROW)


def test_a_table_is_not_printed():
    with pytest.raises(UnsupportedFunctionError, match="show"):
        jf.jacobian(lambda y: si.romb(y, show=True))(LONG)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: si.quad(lambda t: x[0] * t, 0, 1)[0],
        lambda x: si.quad(lambda t: t, 0, x[0])[0],
        lambda x: si.fixed_quad(lambda t: t, 0, x[0])[0],
        lambda x: si.odeint(lambda y, t: -y, x, [0.0, 1.0]),
        lambda x: si.odeint(lambda y, t: -x[0] * y, 1.0, [0.0, 1.0]),
        lambda x: si.solve_ivp(lambda t, y: -x[0] * y, (0.0, 1.0), [1.0]).y[0, -1],
        lambda x: si.solve_ivp(lambda t, y: -y, (0.0, 1.0), x).y[0, -1],
        lambda x: si.dblquad(lambda t, s: x[0] * t, 0, 1, 0, 1)[0],
    ],
)
def test_what_calls_functions_is_refused_or_right(f):
    x = np.array([0.5, 1.5])
    try:
        J = jf.jacobian(f)(x)
    except JacfwdError as error:
        assert "test_quadrature.py" in str(error)  # noqa: PT017
    else:
        step = 1e-5 * np.ones(2)
        np.testing.assert_allclose(J @ np.ones(2), (f(x + step) - f(x - step)) / 2e-5, atol=1e-6)


@pytest.mark.parametrize("f", [si.simpson, si.cumulative_simpson, si.cumulative_trapezoid])
def test_single_precision_has_scipys_dtype(f):
    y = ROW.astype(np.float32)
    value = jf.value_and_jacobian(lambda y: f(y))(y)[0]
    assert value.dtype == f(y).dtype
    np.testing.assert_allclose(value, f(y), rtol=1e-6)
