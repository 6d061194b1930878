"""Functions written as other NumPy calls: their values, their derivatives, what they refuse."""

import functools
import sys

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.differences import richardson
from jacfwd.errors import UnsupportedFunctionError
from jacfwd.rules import rewritten
from jacfwd.testing import check_rule
from tests.rules.samples_elementwise import ROWS
from tests.rules.samples_rewritten import ELEMENTWISE, SAMPLES


def resolved(key):
    """The function behind a key of the table."""
    if not isinstance(key, str):
        return key
    module, name = key.split(":")
    return functools.reduce(getattr, name.split("."), sys.modules[module])


def calls(samples):
    """One test for each sample call."""
    for function, each in samples.items():
        for number, sample in enumerate(each):
            yield pytest.param(function, sample, id=f"{function.__name__}-{number}")


def test_every_rule_has_a_sample():
    assert SAMPLES.keys() == {resolved(key) for key in rewritten.RULES}


@pytest.mark.parametrize(("function", "sample"), list(calls(SAMPLES)))
def test_value(function, sample):
    check_rule(function, *sample.args, **sample.kwargs)


@pytest.mark.parametrize(("function", "sample"), list(calls(ELEMENTWISE)))
def test_derivative(function, sample):
    def f(x, k):
        out = function(*sample.args[:k], x, *sample.args[k + 1 :], **sample.kwargs)
        return np.stack(out) if isinstance(out, tuple) else out

    for k in range(len(sample.args)):
        x = np.asarray(sample.args[k])
        if x.dtype.kind not in "fc" or not x.size:
            continue
        v = np.random.default_rng(0).uniform(0.5, 1.5, x.shape).astype(x.dtype)
        y, dy = jf.jvp(lambda x, k=k: f(x, k), x, v)
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(y, f(x, k))
            expected, error = richardson(lambda x, k=k: f(x, k), x, v)
        known = error < 1e-2 * max(np.max(np.abs(expected), where=np.isfinite(expected), initial=0), 1)
        rtol = 2e-3 if np.asarray(y).dtype == np.float32 else 1e-7
        np.testing.assert_allclose(np.asarray(dy)[known], expected[known], rtol=rtol, atol=1e-5)


def test_clip_takes_half_at_a_bound():
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    _, dx = jf.jvp(lambda x: np.clip(x, -1, 1), x, np.ones(5))
    np.testing.assert_array_equal(dx, [0, 0.5, 1, 0.5, 0])
    _, dlow = jf.jvp(lambda low: np.clip(x, a_min=low, a_max=1), -1.0, 1.0)
    np.testing.assert_array_equal(dlow, [1, 0.5, 0, 0, 0])
    _, dhigh = jf.jvp(lambda high: x.clip(-1, high), np.array(1.0), np.array(1.0))
    np.testing.assert_array_equal(dhigh, [0, 0, 0, 0.5, 1])


def test_clip_writes_where_it_is_told():
    def f(x):
        out = np.zeros(3)
        np.clip(x, -1, 1, out, where=np.array([True, True, False]))
        return out

    y, dy = jf.jvp(f, np.array([0.5, 2.0, 0.5]), np.ones(3))
    np.testing.assert_array_equal(y, [0.5, 1, 0])
    np.testing.assert_array_equal(dy, [1, 0, 0])


@pytest.mark.parametrize("bounds", [((0, 1), {"min": 0}), ((0, None), {"max": 1}), ((None, 1), {"min": 0})])
def test_clip_refuses_two_kinds_of_bounds(bounds):
    with pytest.raises(ValueError, match="not both"):
        jf.jvp(lambda x: np.clip(x, *bounds[0], **bounds[1]), ROWS, ROWS)


def test_frexp_of_zero_has_its_value():
    check_rule(np.frexp, np.array([0.0, -0.0, np.inf]))


def test_a_dtype_that_depends_on_values_is_refused():
    with pytest.raises(UnsupportedFunctionError, match="its dtype depends"):
        rewritten.real_if_close(ROWS + 0j)


def test_results_that_numpy_gives_as_tuples_and_bools():
    def f(x):
        assert np.allclose(x, x)
        assert np.array_equal(x, x)
        assert not np.array_equal(x, x[:1])
        assert np.array_equiv(x, x[None])
        assert np.count_nonzero(x) == 4
        i, j = np.unravel_index(np.argmax(x), x.shape)
        rows, cols = np.nonzero(x > 2)
        return x[i, j] * x[rows, cols]

    x = np.array([[1.0, 3.0], [4.0, 2.0]])
    np.testing.assert_array_equal(jf.jacobian(f)(x), [[[0, 4], [3, 0]], [[0, 0], [8, 0]]])


@pytest.mark.parametrize("indices", [6, -1, np.array([0, 7])])
def test_indices_out_of_bounds_raise(indices):
    with pytest.raises(ValueError, match="out of bounds"):
        rewritten.unravel_index(indices, (2, 3))


def test_positions_in_a_scalar_are_refused():
    with pytest.raises(ValueError, match="zero-dimensional"):
        rewritten.nonzero(np.float64(1))
