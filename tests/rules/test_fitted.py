"""Curves through traced data: values, derivatives of the data and of the places, and what is refused."""

import numpy as np
import pytest
import scipy.interpolate as si

import jacfwd as jf
from tests.rules.recorded import check_recorded, check_second_order

X = np.array([0.0, 0.7, 1.5, 2.1, 3.0, 3.6, 4.4, 5.0])
Y = np.sin(X)
BOTH = np.stack([np.sin(X), np.cos(X), X * X], axis=1)
Q = np.array([0.3, 1.9, 4.2])
KNOTS = np.arange(12.0)

CURVES = {
    "cubic": (lambda y: si.CubicSpline(X, y), Y),
    "lists": (lambda y: si.CubicSpline(list(X), [y[k] for k in range(8)]), Y),
    "natural": (lambda y: si.CubicSpline(X, y, bc_type="natural"), BOTH),
    "mixed ends": (lambda y: si.CubicSpline(X, y, bc_type=("clamped", "natural")), Y),
    "periodic": (lambda y: si.CubicSpline(X, np.append(y, y[0]), bc_type="periodic"), Y[:7]),
    "along an axis": (lambda y: si.CubicSpline(X, y, axis=1), BOTH.T),
    "along the last axis": (lambda y: si.CubicSpline(x=X, y=y, axis=-1, extrapolate=True), BOTH.T.reshape(3, 1, 8)),
    "derivative": (lambda y: si.CubicSpline(X, y).derivative(), Y),
    "antiderivative": (lambda y: si.CubicSpline(X, y).antiderivative(), Y),
    "b-spline": (lambda y: si.make_interp_spline(X, y), BOTH),
    "b-spline of degree 2": (lambda y: si.make_interp_spline(X, y, 2, axis=1), BOTH.T),
    "coefficients": (lambda c: si.BSpline(KNOTS - 3, c, 3), Y),
    "lines": (lambda y: si.interp1d(X, y), BOTH.T),
    "unsorted": (lambda y: si.interp1d(X[::-1], y, fill_value="extrapolate"), Y),
    "cubic interp1d": (lambda y: si.interp1d(X, y, kind="cubic", axis=0), BOTH),
    "nearest": (lambda y: si.interp1d(X, y, "nearest"), Y),
    "krogh": (lambda y: si.KroghInterpolator(X, y), Y),
}


@pytest.mark.parametrize("q", [Q, Q.reshape(1, 3, 1), np.float64(1.2)], ids=["row", "cube", "number"])
@pytest.mark.parametrize("name", CURVES)
def test_data_and_places(name, q):
    make, data = CURVES[name]
    check_recorded(lambda y: make(y)(q), (data,), {}, rounding=1e-12)
    if name != "nearest":
        check_recorded(lambda y, q: make(y)(q), (data, q), {}, rounding=1e-12)


@pytest.mark.parametrize("name", CURVES)
def test_second_order(name):
    make, data = CURVES[name]
    check_second_order(lambda y, q: make(y)(q) ** 2, (data, Q), {})


def test_what_curves_can_do():
    check_recorded(lambda y: si.CubicSpline(X, y).integrate(0.2, 3.3), (Y,), {}, rounding=1e-13)
    check_recorded(lambda y, b: si.CubicSpline(X, y).integrate(b[0], b[1]), (Y, Q), {}, rounding=1e-13)
    check_recorded(lambda y: si.make_interp_spline(X, y).integrate(0.2, 3.3), (Y,), {}, rounding=1e-13)
    check_recorded(lambda y: si.CubicSpline(X, y)(Q, 1), (Y,), {}, rounding=1e-12)
    check_recorded(lambda y, q: si.splev(q, si.make_interp_spline(X, y), der=1), (Y, Q), {}, rounding=1e-12)


def test_the_pattern_of_a_b_spline_is_a_band():
    q = np.linspace(0.1, 4.9, 20)
    J = jf.jacobian(lambda c: si.BSpline(KNOTS - 3, c, 3)(q), sparse=True)(Y)
    assert J.nnz <= 4 * 20
    np.testing.assert_allclose(J.toarray(), si.BSpline.design_matrix(q, KNOTS - 3, 3).toarray(), atol=1e-15)


def test_a_recording_is_kept():
    f = jf.jacobian(lambda y: si.CubicSpline(X, y)(Q) ** 2, record=True)
    for y in (Y, Y + 1):
        plain = si.CubicSpline(X, np.eye(8))(Q)
        np.testing.assert_allclose(f(y), 2 * (plain @ y)[:, None] * plain, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda y: si.CubicSpline(y, Y)(Q), "only its data"),
        (lambda y: si.CubicSpline(X, y).c, "call the curve"),
        (lambda y: si.CubicSpline(X, y).roots(), "call the curve"),
        (lambda y: si.interp1d(X, y).y, "call the curve"),
        (lambda y: si.make_interp_spline(X, y).tck[1], "call the curve"),
        (lambda y: si.CubicSpline(X, y, bc_type=((1, 0.5), (2, 0.0)))(Q), "by name"),
        (lambda y: si.interp1d(X, y, bounds_error=False, fill_value=2.0)(Q), "fill_value"),
        (lambda y: si.PchipInterpolator(X, y)(Q), "traced data"),
        (lambda y: si.UnivariateSpline(X, y)(Q), "traced data"),
    ],
)
def test_what_is_refused(f, words):
    with pytest.raises(jf.UnsupportedFunctionError, match=rf"(?s){words}.*test_fitted\.py"):
        jf.jacobian(f)(X + 0.01)


def test_classes_are_scipys():
    def f(y):
        curve = si.CubicSpline(X, y)
        assert isinstance(curve, si.CubicSpline) and isinstance(curve, si.PPoly) and curve.x is not None
        return curve(Q)

    jf.jacobian(f)(Y)
    assert type(si.CubicSpline(X, Y)) is si.CubicSpline
