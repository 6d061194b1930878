"""Distances and Rosenbrock's function: against SciPy, differences, themselves; metrics that are refused."""

import numpy as np
import pytest
import scipy.optimize as so
import scipy.spatial.distance as sd

import jacfwd as jf
from jacfwd.errors import UnsupportedFunctionError
from jacfwd.rules import distances
from jacfwd.testing import check_rule
from tests.rules.recorded import call_label, check_recorded, check_second_order
from tests.rules.samples_scipy import DISTANCES, ROW, VI, X, Y
from tests.rules.test_fourier import resolved

CALLS = [(function, args, kwargs) for function, samples in DISTANCES.items() for args, kwargs in samples]
PARAMETERS = ("function", "args", "kwargs")
LABELS = [call_label(call) + str(call[2].get("metric", "")) for call in CALLS]


def test_every_rule_has_a_sample():
    assert DISTANCES.keys() == set(map(resolved, distances.RULES))


@pytest.mark.parametrize(PARAMETERS, CALLS, ids=LABELS)
def test_rule(function, args, kwargs):
    check_rule(function, *args, **kwargs)


@pytest.mark.parametrize(PARAMETERS, CALLS, ids=LABELS)
def test_recorded(function, args, kwargs):
    check_recorded(function, args, kwargs, rounding=1e-12)


@pytest.mark.parametrize(PARAMETERS, CALLS[::5], ids=LABELS[::5])
def test_second_order(function, args, kwargs):
    check_second_order(function, args, kwargs)


def test_coincident_points_have_derivative_zero():
    for metric in ("euclidean", "sqeuclidean", "cityblock", "chebyshev", "mahalanobis", "minkowski"):
        options = {"VI": VI} if metric == "mahalanobis" else {}
        J = jf.jacobian(lambda x, m=metric, o=options: sd.cdist(x, X[:1], m, **o))(X[:1])
        np.testing.assert_array_equal(J, 0)


def test_a_distance_depends_on_two_points():
    J = jf.jacobian(lambda x: sd.pdist(x), sparse=True)(X)
    assert J.shape == (6, 12)
    assert (J.indptr[1:] - J.indptr[:-1] == 6).all()


def test_rosenbrock_is_its_own_check():
    np.testing.assert_allclose(jf.gradient(so.rosen)(ROW), so.rosen_der(ROW), rtol=1e-12)
    np.testing.assert_allclose(jf.jacobian(lambda x: so.rosen_der(x), sparse=True)(ROW).toarray(), so.rosen_hess(ROW))
    np.testing.assert_allclose(jf.hessian(lambda x: so.rosen(x))(ROW), so.rosen_hess(ROW))


@pytest.mark.parametrize("metric", ["hamming", "jaccard", "yule", lambda u, v: 0.0])
def test_other_metrics_are_refused(metric):
    with pytest.raises(UnsupportedFunctionError, match="have no derivative rule; there are"):
        jf.jacobian(lambda x: sd.cdist(x, Y, metric))(X)


def test_results_are_written_where_asked():
    def f(x):
        out = np.zeros((4, 5))
        sd.cdist(x, Y, out=out)
        return out

    np.testing.assert_allclose(jf.jacobian(f)(X), jf.jacobian(lambda x: sd.cdist(x, Y))(X))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: sd.cdist(x, Y[:, :2]),
        lambda x: sd.pdist(x[0]),
        lambda x: sd.squareform(x[0, :2]),
        lambda x: sd.squareform(x[:3]),
    ],
)
def test_mistakes_are_errors(call):
    with pytest.raises(ValueError, match=r"must be|Incompatible"):
        jf.jacobian(call)(X)


def test_the_size_of_the_matrix_is_found_for_long_vectors():
    v = np.linspace(-1.0, 1.0, 40 * 39 // 2)
    J = jf.jacobian(sd.squareform, sparse=True)(v)
    np.testing.assert_array_equal(J @ v, np.ravel(sd.squareform(v)))


def test_symmetric_matrices_become_vectors():
    J = jf.jacobian(lambda v: sd.squareform(2 * sd.squareform(v)), sparse=True)(ROW)
    np.testing.assert_array_equal(J.toarray(), 2 * np.eye(6))
