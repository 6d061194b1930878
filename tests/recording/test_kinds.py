"""Classes of scalars under names of the user's: they convert traced values, and pass for the classes otherwise."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.stats

import jacfwd as jf
from tests.recording.agreement import agrees

DTYPE = np.float64
SINGLE = np.float32
COMPLEX = np.complex128
float64 = np.float64

X = np.array([0.5, 1.5, 2.5])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: DTYPE(x) * 2.0,
        lambda x: DTYPE(x[0]) * x,
        lambda x: DTYPE([x[0], x[1] * x[2]]),
        lambda x: DTYPE([[x[0], 1.0], [2.0, x[1]]]) @ DTYPE(x[:2]),
        lambda x: np.abs(COMPLEX(x) * (1 + 2j)),
        lambda x: DTYPE(np.sum(x * x)) * x,
        lambda x: np.sum(x, dtype=DTYPE) * np.asarray(x, DTYPE),
        lambda x: DTYPE(2.0) * x + np.zeros(3, DTYPE),
        lambda x: (lambda kind: kind(x * x))(DTYPE),
        lambda x: x * x if x.dtype == DTYPE and isinstance(x[0], DTYPE) else x,
    ],
)
def test_conversions_keep_derivatives(f):
    agrees(f, X)


def test_single_precision_and_back():
    y, dy = jf.jvp(lambda x: SINGLE(x) * SINGLE(2.0), (X,), (np.ones(3),))
    assert y.dtype == dy.dtype == np.float32
    assert np.array_equal(dy, np.full(3, 2.0))


def test_kinds_of_results_are_numpys():
    def f(x: Any) -> Any:
        scalar, array = DTYPE(x[0]), DTYPE(x[:1])
        assert scalar.shape == () and isinstance(scalar, np.float64)
        assert array.shape == (1,) and isinstance(array, np.ndarray)
        return scalar * array

    agrees(f, X)


def test_a_class_while_a_recording_runs():
    def f(x: Any) -> Any:
        assert np.float64 == DTYPE and DTYPE in (np.float32, np.float64) and {np.float64: 1}[DTYPE] == 1
        assert isinstance(DTYPE, type) and issubclass(DTYPE, np.floating) and issubclass(np.float64, DTYPE)
        assert isinstance(DTYPE(1.0), DTYPE) and type(DTYPE(1.0)) is np.float64
        assert np.dtype(DTYPE) == np.float64 and np.issubdtype(np.float64, DTYPE)
        assert np.finfo(DTYPE).eps == np.finfo(float).eps and np.can_cast(SINGLE, DTYPE)
        assert np.zeros(3, DTYPE).astype(SINGLE).dtype == np.float32
        assert pickle.loads(pickle.dumps(DTYPE)) is np.float64
        assert copy.deepcopy(DTYPE) is copy.copy(DTYPE) is DTYPE and repr(DTYPE) == repr(np.float64)
        assert np.float64 | None == DTYPE | None and None | np.float64 == None | DTYPE
        assert DTYPE.__name__ == "float64"

        class Mine(DTYPE):
            pass

        assert issubclass(Mine, np.float64)
        return x * x

    agrees(f, X)
    assert DTYPE is np.float64


def test_the_classes_own_names_stay_classes():
    def f(x: Any) -> Any:
        assert type(np.float64(1.0)) is np.float64 and type(float64(1.0)) is float64
        return x * 2.0

    agrees(f, X)


def test_a_complex_value_as_a_real_one_is_refused():
    with pytest.raises(jf.TracerConversionError, match="float64"):
        jf.jvp(lambda x: DTYPE(x * 1j), (X,), (X,))


def test_graphs_hold_the_class_itself():
    graph = pickle.loads(pickle.dumps(jf.trace(lambda x: DTYPE(SINGLE(x)) + np.sum(x, dtype=DTYPE), X)))
    assert np.allclose(graph(X), X + X.sum())


def test_other_packages_go_on_to_work():
    agrees(lambda x: scipy.stats.norm.ppf(0.3) * DTYPE(x), X)
