"""scipy.interpolate at traced points: against differences, recorded, twice; data that is traced is refused."""

import numpy as np
import pytest
import scipy.interpolate as si

import jacfwd as jf
from jacfwd.errors import JacfwdError, UnsupportedFunctionError
from jacfwd.rules import splines
from jacfwd.testing import check_rule
from tests.rules.recorded import check_recorded, check_second_order

X = np.array([0.0, 0.7, 1.5, 2.1, 3.0, 3.6, 4.4, 5.0])
Y = np.sin(X)
BOTH = np.stack([np.sin(X), np.cos(X)], axis=1)
Q = np.array([0.3, 1.9, 4.2])
SPLREP = si.splrep(X, Y)
GRID = np.sin(X)[:, None] * np.cos(X[:6])
LAYERS = np.stack([GRID, GRID**2, 1 + GRID], axis=-1)
PLACES = np.array([[0.3, 0.4], [1.2, 2.2]])

CURVES = {
    "cubic": si.CubicSpline(X, Y),
    "natural": si.CubicSpline(X, BOTH, bc_type="natural"),
    "along an axis": si.CubicSpline(X, BOTH.T, axis=1),
    "periodic": si.CubicSpline(X, np.cos(2 * np.pi * X / 5), extrapolate="periodic"),
    "derivative": si.CubicSpline(X, Y).derivative(),
    "antiderivative": si.PchipInterpolator(X, Y).antiderivative(),
    "pchip": si.PchipInterpolator(X, BOTH),
    "akima": si.Akima1DInterpolator(X, Y),
    "hermite": si.CubicHermiteSpline(X, Y, np.cos(X)),
    "bernstein": si.BPoly.from_derivatives(X, BOTH),
    "b-spline": si.make_interp_spline(X, Y),
    "b-spline along an axis": si.make_interp_spline(X, BOTH.T, axis=1, k=2),
    "smoothing": si.UnivariateSpline(X, Y),
    "zeros outside": si.InterpolatedUnivariateSpline(X, Y, ext=1),
    "held outside": si.InterpolatedUnivariateSpline(X, Y, ext=3),
    "lines": si.interp1d(X, Y),
    "lines along an axis": si.interp1d(X, BOTH, axis=0, fill_value="extrapolate"),
    "nearest": si.interp1d(X, Y, kind="nearest"),
    "previous": si.interp1d(X, BOTH.T, kind="previous"),
    "quadratic": si.interp1d(X, BOTH.T, kind="quadratic"),
    "cubic interp1d": si.interp1d(X, Y, kind="cubic", bounds_error=False, fill_value=(1.0, 2.0)),
    "krogh": si.KroghInterpolator(X, BOTH),
    "barycentric": si.BarycentricInterpolator(X, Y),
    "splev": lambda x: si.splev(x, SPLREP),
    "splev of a derivative": lambda x: si.splev(x, SPLREP, der=1, ext=3),
    "splev of a b-spline": lambda x: si.splev(x, CURVES["b-spline"]),
    "of order 1": lambda x: CURVES["pchip"](x, 1),
    "by keyword": lambda x: CURVES["smoothing"](x, nu=2, ext=0),
}


@pytest.mark.parametrize("x", [Q, Q.reshape(1, 3, 1), np.float64(1.2)], ids=["row", "cube", "number"])
@pytest.mark.parametrize("name", CURVES)
def test_curves(name, x):
    check_recorded(lambda x: CURVES[name](x), (x,), {})


@pytest.mark.parametrize("name", CURVES)
def test_curves_twice(name):
    check_second_order(lambda x: CURVES[name](x), (Q,), {})


@pytest.mark.parametrize("name", ["periodic", "b-spline", "held outside", "zeros outside", "cubic interp1d", "krogh"])
def test_curves_outside_their_range(name):
    check_recorded(lambda x: CURVES[name](x), (np.array([-0.3, 5.2]),), {})


def test_every_point_has_its_own_value():
    J = jf.jacobian(lambda x: CURVES["natural"](x), sparse=True)(np.linspace(0, 5, 50))
    assert J.shape == (100, 50)
    assert J.nnz == 100


def test_an_object_may_be_the_function():
    np.testing.assert_allclose(jf.jacobian(CURVES["cubic"])(Q), np.diag(CURVES["cubic"](Q, 1)))
    np.testing.assert_allclose(jf.gradient(CURVES["cubic"].__call__)(Q[0]), CURVES["cubic"](Q[0], 1))


def test_limits_of_an_integral():
    for spline in (CURVES["cubic"], CURVES["b-spline"]):
        gradient = jf.gradient(lambda ab, s=spline: s.integrate(ab[0], ab[1]))(Q[:2])
        np.testing.assert_allclose(gradient, [-spline(Q[0]), spline(Q[1])])


def test_rules_of_curves_and_surfaces():
    for name in ("natural", "akima", "lines along an axis", "smoothing"):
        check_rule(splines.curve, Q, spline=CURVES[name])
    check_rule(splines.surface, Q, Q[:1], spline=si.RectBivariateSpline(X, X[:6], GRID), dx=1)
    check_rule(splines.grid_value, PLACES, interpolator=si.RegularGridInterpolator((X, X[:6]), LAYERS), method="cubic")


# Surfaces and grids


@pytest.mark.parametrize("values", [GRID, LAYERS], ids=["numbers", "vectors"])
@pytest.mark.parametrize("method", ["linear", "nearest", "slinear", "cubic", "quintic"])
def test_regular_grids(method, values):
    r = si.RegularGridInterpolator((X, X[:6]), values, method=method)
    for places in (PLACES, PLACES[0], PLACES[None]):
        check_recorded(lambda x: r(x), (places,), {}, rounding=1e-14)
    check_recorded(lambda x, y: r((x, y)), (PLACES[:, :1], PLACES[:, 1]), {}, rounding=1e-14)
    check_second_order(lambda x: r(x), (PLACES,), {})


def test_grids_of_one_and_three_dimensions_and_outside():
    one = si.RegularGridInterpolator((X,), BOTH, bounds_error=False, fill_value=None)
    check_recorded(lambda x: one(x), (np.array([-0.5, 1.0, 5.5]),), {}, rounding=1e-14)
    three = si.RegularGridInterpolator((X, X[:6], X[:3]), LAYERS, bounds_error=False)
    places = np.array([[0.3, 0.4, 1.0], [1.2, 2.2, 0.2], [9.0, 0.0, 0.0]])
    check_recorded(lambda x: three(x), (places,), {}, rounding=1e-14)
    turned = si.RegularGridInterpolator((X[::-1], X[:6]), GRID[::-1])
    check_recorded(lambda x: turned(x), (PLACES,), {}, rounding=1e-14)
    with pytest.raises(ValueError, match="out of bounds"):
        jf.jacobian(lambda x: turned(x))(PLACES + 9)


def test_interpn_in_values_too():
    check_recorded(lambda v, x: si.interpn((X, X[:6]), v, x), (GRID, PLACES), {}, rounding=1e-14)
    check_recorded(lambda x: si.interpn((X, X[:6]), GRID, x, "cubic"), (PLACES,), {}, rounding=1e-14)
    J = jf.jacobian(lambda v: si.interpn((X, X[:6]), v, PLACES), sparse=True)(GRID)
    assert J.nnz == 8


def test_bivariate_splines():
    r = si.RectBivariateSpline(X, X[:6], GRID)
    for f in (
        lambda x, y: r(x, y),
        lambda x, y: r.ev(x, y),
        lambda x, y: r(x, y, dx=1, grid=False),
    ):
        check_recorded(f, (PLACES[:, 0], PLACES[:, 1]), {})
    check_second_order(lambda x, y: r.ev(x, y), (PLACES[:, 0], PLACES[:, 1]), {})
    with pytest.raises(UnsupportedFunctionError, match=r"no derivative of order 3.*test_splines"):
        jf.jacobian(lambda x: r.ev(x, x, dx=2))(Q)


# What is refused


def test_data_made_inside_may_be_constant():
    def f(x):
        t = np.linspace(0.0, 1.0, 5)
        return si.CubicSpline(t, np.array([0.0, 1.0, 0.0, 2.0, 1.0]))(x) + si.make_interp_spline(t, t**3)(x)

    check_recorded(f, (Q / 5,), {})


@pytest.mark.parametrize(
    "f",
    [
        lambda y: si.PchipInterpolator(X, y)(1.0),
        lambda y: si.CubicHermiteSpline(X, y, y)(1.0),
        lambda y: si.UnivariateSpline(X, y)(1.0),
        lambda y: si.splev(1.0, si.splrep(X, y)),
        lambda y: si.splev(1.0, (SPLREP[0], np.concatenate([y, y[:4]]), 3)),
        lambda y: si.PPoly(y.reshape(2, 4), X[:5])(1.0),
        lambda y: si.RegularGridInterpolator((X,), y)([1.0]),
        lambda y: si.griddata(BOTH, y, (0.1, 0.1)),
        lambda y: si.interpn((y,), Y, [1.0]),
    ],
)
def test_traced_data_is_refused_with_the_place_and_a_remedy(f):
    with pytest.raises(UnsupportedFunctionError, match=r"(constant|derivative rule)[\s\S]*test_splines.py"):
        jf.jacobian(f)(Y)


@pytest.mark.parametrize(
    "f",
    [
        lambda y: si.LinearNDInterpolator(BOTH, y)(0.1, 0.1),
        lambda y: si.CloughTocher2DInterpolator(BOTH, Y)(y[:1], y[:1]),
        lambda y: si.NearestNDInterpolator(BOTH, y)(0.1, 0.1),
        lambda y: si.RBFInterpolator(BOTH, Y)(y[:2][None]),
        lambda y: si.lagrange(X[:3], y[1:4])(0.1),
        lambda y: CURVES["cubic"].solve(y[0])[0],
        lambda y: si.pade(y[:3], 1)[0](0.5),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_has_no_rule_is_refused_or_right(f):
    try:
        J = jf.jacobian(f)(Y)
    except JacfwdError as error:
        assert "test_splines.py" in str(error)  # noqa: PT017
    else:
        step = 1e-6 * np.cos(np.arange(8.0))
        np.testing.assert_allclose(J @ step, (f(Y + step) - f(Y - step)) / 2, rtol=1e-3, atol=1e-9)
