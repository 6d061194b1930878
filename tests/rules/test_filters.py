"""Linear filters of scipy.ndimage: against differences, recorded, twice; sparse by structure; what is refused."""

import numpy as np
import pytest
import scipy.ndimage as nd

import jacfwd as jf
from jacfwd.errors import JacfwdError, UnsupportedFunctionError
from jacfwd.rules import filters
from jacfwd.testing import check_rule
from tests.rules.recorded import call_label, check_recorded, check_second_order
from tests.rules.samples_filters import PLACES, ROW, SAMPLES, TABLE
from tests.rules.test_fourier import resolved

CALLS = [(function, args, kwargs) for function, samples in SAMPLES.items() for args, kwargs in samples]
RECORDED = [call for call in CALLS if call[0] not in (filters.index, filters.nearest)]
PARAMETERS = ("function", "args", "kwargs")


def label(call):
    return call_label(call) + "".join(str(call[2][key]) for key in ("mode", "order") if key in call[2])


def test_every_rule_has_a_sample():
    assert SAMPLES.keys() == set(map(resolved, filters.RULES))


@pytest.mark.parametrize(PARAMETERS, CALLS, ids=map(label, CALLS))
def test_rule(function, args, kwargs):
    check_rule(function, *args, **kwargs)


@pytest.mark.parametrize(PARAMETERS, RECORDED[::2], ids=map(label, RECORDED[::2]))
def test_recorded(function, args, kwargs):
    single = any(getattr(x, "dtype", None) == np.float32 for x in args)
    check_recorded(function, args, kwargs, rounding=1e-6 if single else 1e-13)


@pytest.mark.parametrize(PARAMETERS, RECORDED[::9], ids=map(label, RECORDED[::9]))
def test_second_order(function, args, kwargs):
    check_second_order(lambda *a, **k: function(*a, **k) ** 2, args, kwargs)


# Structure


def test_a_filter_reaches_its_neighbours_only():
    J = jf.jacobian(lambda x: nd.correlate1d(x, [1.0, 2.0, 3.0], mode="constant"), sparse=True)(np.ones(1000))
    assert J.nnz == 3 * 1000 - 2
    J = jf.jacobian(lambda x: nd.laplace(x), sparse=True)(np.ones((20, 30)))
    assert J.nnz <= 5 * 600
    J = jf.jacobian(lambda x: nd.gaussian_filter(x, 0.5), sparse=True)(np.ones((20, 30)))
    assert J.nnz <= 25 * 600
    J = jf.jacobian(lambda x: nd.shift(x, 0.5, order=1), sparse=True)(np.ones(100))
    assert J.nnz <= 200


def test_a_filter_of_many_elements():
    x = np.sin(np.arange(200_000.0))
    _, J = jf.linearize(lambda x: nd.gaussian_filter1d(x, 2.0), x)
    np.testing.assert_allclose(J @ x, nd.gaussian_filter1d(x, 2.0), atol=1e-14)


def test_the_width_of_a_gaussian_has_a_derivative():
    _, found = jf.jvp(lambda s: nd.gaussian_filter(TABLE, s), np.float64(0.9), np.float64(1.0))
    step = 1e-5
    expected = (nd.gaussian_filter(TABLE, 0.9 + step) - nd.gaussian_filter(TABLE, 0.9 - step)) / (2 * step)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_an_image_is_sampled_where_points_are():
    """The derivative of an interpolated plane is its slope."""
    plane = 2.0 * np.arange(6)[:, None] - 3.0 * np.arange(7)
    J = jf.jacobian(lambda c: nd.map_coordinates(plane, c, order=1), sparse=True)(PLACES[:, :3]).toarray()
    np.testing.assert_allclose(J, np.hstack([2 * np.eye(3), -3 * np.eye(3)]), atol=1e-12)


# What is refused


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: nd.map_coordinates(x, PLACES), "order=1"),
        (lambda x: nd.map_coordinates(x, PLACES, order=1, mode="wrap"), "grid-wrap"),
        (lambda x: nd.correlate(x, np.ones((2, 2)) * 1j), "complex weights"),
        (lambda x: nd.gaussian_filter(x, 1.0, output=np.zeros((4, 5))), "output="),
        (lambda x: nd.laplace(x, output=int), "round"),
        (lambda x: nd.shift(x, x[0, 0]), "its amount"),
        (lambda x: nd.zoom(x, x[0, 0] + 3), "its amount"),
    ],
)
def test_what_has_no_derivative_is_refused(f, words):
    with pytest.raises(UnsupportedFunctionError, match=words):
        jf.jacobian(f)(TABLE)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: nd.median_filter(x, 3),
        lambda x: nd.maximum_filter(x, 3),
        lambda x: nd.generic_filter(x, np.sum, 3),
        lambda x: nd.rotate(x, 30.0),
        lambda x: nd.affine_transform(x, np.eye(2)),
        lambda x: nd.spline_filter(x),
        lambda x: nd.distance_transform_edt(x),
        lambda x: np.array(nd.center_of_mass(x)),
    ],
)
def test_what_has_no_rule_is_refused_or_right(f):
    try:
        J = jf.jacobian(f)(TABLE)
    except JacfwdError as error:
        assert "test_filters.py" in str(error)  # noqa: PT017
    else:
        step = 1e-6 * np.cos(np.arange(20.0)).reshape(4, 5)
        got = np.tensordot(J, step, 2)
        np.testing.assert_allclose(got, f(TABLE + step) - f(TABLE), rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: nd.correlate1d(x, np.ones(3), mode="other"), RuntimeError),
        (lambda x: nd.correlate1d(x, np.ones(3), origin=2), ValueError),
        (lambda x: nd.correlate(x, np.ones((3, 3))), RuntimeError),
        (lambda x: nd.gaussian_filter1d(x, 1.0, order=-1), ValueError),
        (lambda x: nd.uniform_filter1d(x, 0), RuntimeError),
    ],
)
def test_mistakes_are_those_of_the_original(call, error):
    with pytest.raises(error):
        call(ROW)
    with pytest.raises(error):
        jf.jacobian(call)(ROW)
