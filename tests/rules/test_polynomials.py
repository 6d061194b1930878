"""Polynomials: NumPy's old functions against differences, recorded, twice; every series of `numpy.polynomial`."""

import numpy as np
import numpy.polynomial as npp
import pytest

import jacfwd as jf
from jacfwd.errors import NotDifferentiableError
from jacfwd.rules import find, name_of, polynomials
from jacfwd.testing import check_rule
from tests.rules.recorded import call_label, check_recorded, check_second_order
from tests.rules.samples_polynomials import COLUMNS, CUBIC, FIXED, NODES, SAMPLES, VALUES, WEIGHTS

CALLS = [(function, args, kwargs) for function, samples in SAMPLES.items() for args, kwargs in samples]
OF_VALUES = [(function, args, kwargs) for function, samples in FIXED.items() for args, kwargs in samples]
PARAMETERS = ("function", "args", "kwargs")


def traceable(call):
    """Whether something in the call can be differentiated: an array or NumPy number, not of integers."""
    return any(getattr(x, "dtype", np.dtype(int)).kind in "fc" for x in (*call[1], *call[2].values()))


TRACEABLE = [call for call in CALLS if traceable(call) and find(call[0]).differentiable]


def test_every_rule_has_a_sample():
    keys = {key if isinstance(key, str) else name_of(key) for key in polynomials.RULES}
    assert keys == set(map(name_of, SAMPLES))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(PARAMETERS, CALLS, ids=map(call_label, CALLS))
def test_rule(function, args, kwargs):
    check_rule(function, *args, **kwargs)


@pytest.mark.parametrize(PARAMETERS, OF_VALUES, ids=map(call_label, OF_VALUES))
def test_value(function, args, kwargs):
    expected, got = function(*args, **kwargs), find(function).rewrite(*args, **kwargs)
    if not isinstance(expected, tuple):
        expected, got = (expected,), (got,)
    for e, g in zip(expected, got, strict=True):
        assert type(e) is type(g)
        e, g = np.asarray(e), np.asarray(g)
        assert e.dtype == g.dtype
        np.testing.assert_array_equal(g, e)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(PARAMETERS, TRACEABLE, ids=map(call_label, TRACEABLE))
def test_recorded(function, args, kwargs):
    check_recorded(function, args, kwargs, rounding=1e-14)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(PARAMETERS, TRACEABLE[::2], ids=map(call_label, TRACEABLE[::2]))
def test_second_order(function, args, kwargs):
    check_second_order(function, args, kwargs)


# Conventions and mistakes


def test_zeros_move_by_the_implicit_function_theorem():
    """`(x - 1)(x - 2)`: the zeros move by `-(dp[0] z^2 + dp[1] z + dp[2]) / (2 z - 3)`."""
    z, J = jf.value_and_jacobian(lambda p: np.roots(p))(np.array([1.0, -3.0, 2.0]))
    np.testing.assert_allclose(z, [2, 1])
    np.testing.assert_allclose(J, [[-4, -2, -1], [1, 1, 1]], atol=1e-13)


def test_a_zero_at_zero_moves_too():
    """NumPy takes it off as a factor, so that no eigenvalue stands for it."""
    J = jf.jacobian(np.roots)(np.array([1.0, -1.0, 0.0]))
    np.testing.assert_allclose(J, [[-1, -1, -1], [0, 0, 1]], atol=1e-15)


def test_a_double_zero_has_no_derivative():
    with pytest.raises(NotDifferentiableError, match="double zero"):
        jf.jacobian(np.roots)(np.array([1.0, 0.0, 0.0]))


def test_powers_of_zero_have_derivative_zero():
    assert jf.gradient(lambda x: np.polyval([3.0, 2.0, 1.0], x))(0.0) == 2
    np.testing.assert_array_equal(jf.jacobian(lambda x: np.vander(x, 3))(np.zeros(1))[0, :, 0], [0, 1, 0])


@pytest.mark.parametrize(
    "call",
    [
        lambda c: np.polyder(c, -1),
        lambda c: np.polyint(c, -1),
        lambda c: np.polyint(c, 3, k=[1.0, 2.0]),
        lambda c: np.roots(c[None]),
        lambda c: np.poly(c.reshape(2, 2)[:1]),
        lambda c: np.polyfit(c, c, -1),
        lambda c: np.polyfit(c[None], c, 1),
        lambda c: np.polyfit(c[:0], c[:0], 1),
        lambda c: np.polyfit(c, c[1:], 1),
        lambda c: np.polyfit(c, c[None, None], 1),
        lambda c: np.polyfit(c, c, 1, w=c[1:]),
        lambda c: np.polyfit(c[:2], c[:2], 1, cov=True),
        lambda c: npp.polynomial.polyval2d(c, c[1:], c[None]),
        lambda c: npp.Polynomial(c) + npp.Chebyshev(c),
        lambda c: npp.Polynomial(c) ** -1,
    ],
)
def test_mistakes_are_those_of_numpy(call):
    with pytest.raises(Exception) as expected:  # noqa: PT011
        call(CUBIC)
    with pytest.raises(expected.type):
        jf.jacobian(call)(CUBIC)


# The series of numpy.polynomial, which is Python code that recordings see into

SERIES = {
    "poly": (npp.polynomial, npp.Polynomial),
    "cheb": (npp.chebyshev, npp.Chebyshev),
    "leg": (npp.legendre, npp.Legendre),
    "lag": (npp.laguerre, npp.Laguerre),
    "herm": (npp.hermite, npp.Hermite),
    "herme": (npp.hermite_e, npp.HermiteE),
}
X = np.array([0.1, -0.4, 0.7])
C = np.array([0.5, -0.3, 0.8, 0.2])
D = np.array([1.0, 0.4, -0.6])
TWO = np.random.default_rng(0).random((3, 2))
THREE = np.random.default_rng(1).random((3, 2, 2))
DOMAIN = np.array([-2.0, 1.5])

FUNCTIONS = {
    "val": (lambda f: lambda x, c: f(x, c), X, C),
    "val of several": (lambda f: lambda x, c: f(x, c), X[:, None], TWO),
    "val each": (lambda f: lambda x, c: f(x, c, tensor=False), X[:2], TWO),
    "val of lists": (lambda f: lambda x: f([x[0], x[1]], [1.0, x[2], 3.0]), X),
    "der": (lambda f: lambda c, s: f(c, 2, scl=s), C, 1.5),
    "der along": (lambda f: lambda c: f(c, 1, axis=1), TWO),
    "int": (lambda f: lambda c, k, low, s: f(c, 2, [k, 2.0], lbnd=low, scl=s), C, 0.3, 0.2, 1.3),
    "int along": (lambda f: lambda c: f(c, axis=1), TWO),
    "add": (lambda f: lambda c, d: f(c, d), C, D),
    "sub": (lambda f: lambda c, d: f(c, d), C, D),
    "mul": (lambda f: lambda c, d: f(c, d), C, D),
    "div": (lambda f: lambda c, d: f(c, d), C, D),
    "mulx": (lambda f: lambda c: f(c), C),
    "pow": (lambda f: lambda c: f(c, 3), C),
    "line": (lambda f: lambda a, b: f(a, b), 0.3, 0.7),
    "trim": (lambda f: lambda c: f(c, 0.1), C),
    "companion": (lambda f: lambda c: f(c), C),
    "vander": (lambda f: lambda x: f(x, 3), X),
    "vander2d": (lambda f: lambda x, y: f(x, y, [1, 2]), X, X**2),
    "vander3d": (lambda f: lambda x, y: f(x, y, x * y, [1, 2, 1]), X, X**2),
    "val2d": (lambda f: lambda x, y, c: f(x, y, c), X, X**2, TWO),
    "val3d": (lambda f: lambda x, y, c: f(x, y, x + y, c), X, X**2, THREE),
    "grid2d": (lambda f: lambda x, y, c: f(x, y, c), X, X[:2] * 2, TWO),
    "grid3d": (lambda f: lambda x, y, c: f(x, y, x, c), X, X[:2] * 2, THREE),
    "fit": (lambda f: lambda x, y: f(x, y, 2), NODES, VALUES),
    "fit weighed": (lambda f: lambda x, y, w: f(x, y, 2, w=w), NODES, COLUMNS, WEIGHTS),
    "fit of some": (lambda f: lambda x, y: f(x, y, [0, 2], full=True)[0], NODES, VALUES),
}


@pytest.mark.parametrize("prefix", SERIES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_series(prefix, name):
    made, *point = FUNCTIONS[name]
    jf.check_jacobian(made(getattr(SERIES[prefix][0], prefix + name.partition(" ")[0])), *point)


CLASSES = {
    "at points": (lambda cls: cls(C, domain=[-2, 2]), X),
    "at a number": (lambda cls: cls(C, window=[-2, 2]), 0.3),
    "made of arrays": (lambda cls: lambda c, x: cls(c, domain=[-2, 2.0])(x), C, X),
    "made of lists": (lambda cls: lambda c, x: cls([c[0], c[1], 1.0])(x), C, X),
    "on a domain": (lambda cls: lambda c, x, d: cls(c, domain=d, window=[-1, d[1]])(x), C, X, DOMAIN),
    "products": (lambda cls: lambda c, d, x: (cls(c) * cls(d) + cls(d) ** 2 - 2 * cls(c) / 3)(x), C, D, X),
    "sums": (lambda cls: lambda c, d, x: (cls(c) - cls(d) + c[0] - [d[0], 1.0])(x), C, D, X),
    "division": (lambda cls: lambda c, d: divmod(cls(c), cls(d))[0].coef + (cls(c) % cls(d)).coef[0], C, D),
    "deriv": (lambda cls: lambda c, x, d: cls(c, domain=d).deriv(2)(x), C, X, DOMAIN),
    "integ": (lambda cls: lambda c, x, d: cls(c, domain=d).integ(1, k=c[0], lbnd=c[1])(x), C, X, DOMAIN),
    "convert": (lambda cls: lambda c, x: cls(c).convert(kind=npp.Polynomial)(x), C, X),
    "cast": (lambda cls: lambda c, x: npp.Legendre.cast(cls(c))(x), C, X),
    "fit": (lambda cls: lambda x, y: cls.fit(x, y, 2)(1.2), NODES, VALUES),
    "linspace": (lambda cls: lambda c: cls(c).linspace(5)[1], C),
    "cut": (lambda cls: lambda c, x: cls(c).truncate(2)(x) + cls(c).trim()(x) + cls(c).cutdeg(1)(x), C, X),
    "basis": (lambda cls: lambda x: (cls.basis(3) * x[0] + cls.identity())(x), X),
    "coefficients": (lambda cls: lambda c: (-cls(c)).coef + list(cls(c)), C),
}


@pytest.mark.parametrize("prefix", SERIES)
@pytest.mark.parametrize("name", CLASSES)
def test_classes_of_series(prefix, name):
    made, *point = CLASSES[name]
    jf.check_jacobian(made(SERIES[prefix][1]), *point)


@pytest.mark.parametrize("prefix", SERIES)
def test_series_twice(prefix):
    cls = SERIES[prefix][1]
    H = jf.hessian(lambda c: cls(c).integ()(c[1]) ** 2)(C)
    expected = jf.jacobian(jf.gradient(lambda c: cls(c).integ()(c[1]) ** 2, method="reverse"), method="forward")(C)
    np.testing.assert_allclose(H, expected, rtol=1e-12)
    np.testing.assert_allclose(H, H.T, rtol=1e-12)
    jf.check_jacobian(jf.gradient(lambda c: cls(c).integ()(c[1]) ** 2), C)


def test_other_functions_of_series():
    jf.check_jacobian(lambda c: npp.chebyshev.poly2cheb(c) + npp.chebyshev.cheb2poly(c), C)
    jf.check_jacobian(lambda a: npp.chebyshev.chebinterpolate(lambda x: np.sin(a * x), 5), 0.7)
    jf.check_jacobian(lambda x, r: npp.polynomial.polyvalfromroots(x, r), X, C)
    jf.check_jacobian(lambda x, d: npp.polyutils.mapdomain(x, d, DOMAIN), X, np.array([-1.0, 3.0]))


def test_series_are_left_as_they_were():
    p = npp.Chebyshev(C)
    jf.jacobian(lambda x: p(x) * npp.Chebyshev([x[0], 1.0])(0.5))(X)
    assert type(p.coef) is np.ndarray
    assert npp.chebyshev.np is np
    assert type(npp.Chebyshev([1.0]).coef) is np.ndarray


# Leading coefficients that are zero, which NumPy leaves out

LEADING = np.array([0.0, 1.0, 2.0])
P = np.polynomial.Polynomial
LOST = {
    "poly1d": lambda y: np.poly1d(y)(2.0),
    "sum of poly1d": lambda y: (np.poly1d(y) + np.poly1d([1.0, 0, 0, 0]))(2.0),
    "polymul": lambda y: np.polyval(np.polymul(y, [1.0, 1.0]), 2.0),
    "sum of Polynomials": lambda y: (P(y[::-1]) + P([1.0, 2.0]))(2.0),
    "product of Polynomials": lambda y: (P(y[::-1]) * P([1.0, 2.0]))(2.0),
    "trim": lambda y: P(y[::-1]).trim()(2.0),
    "numpy.polynomial": lambda y: np.polynomial.polynomial.polymul(y[::-1], [1.0, 2.0])[0],
    "numpy.polynomial.chebyshev": lambda y: np.polynomial.chebyshev.chebmul(y[::-1], [1.0, 2.0])[0],
    "remainder": lambda y: np.polydiv([1.0, 0.0, y[0], 1.0], [1.0, 0.0, 0.0])[1][0],
}


@pytest.mark.parametrize("f", LOST.values(), ids=LOST)
@pytest.mark.parametrize("method", ["forward", "reverse"])
def test_coefficients_that_would_be_lost_are_refused(f, method):
    with pytest.raises((jf.NotDifferentiableError, jf.TracerConversionError), match="test_polynomials.py"):
        jf.gradient(f, method=method)(LEADING)
    expected = [(f(LEADING + 0.5 + h) - f(LEADING + 0.5 - h)) / 2e-6 for h in 1e-6 * np.eye(3)]
    np.testing.assert_allclose(jf.gradient(f, method=method)(LEADING + 0.5), expected, atol=1e-7)


def test_constant_zeros_are_left_out():
    np.testing.assert_allclose(jf.gradient(lambda y: np.poly1d([0.0, 0.0, *y])(2.0))(LEADING + 1), [4, 2, 1])


def test_what_is_evaluated_keeps_them():
    for f in (lambda y: np.polyval(y, 2.0), lambda y: P(y[::-1])(2.0)):
        np.testing.assert_allclose(jf.gradient(f)(LEADING), [4, 2, 1])
