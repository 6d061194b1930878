"""Padding: every mode against NumPy and differences, and through recordings."""

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.rules import find, padding
from jacfwd.testing import bound, check_rule
from tests.rules.recorded import call_label, check_recorded, check_second_order, flat_function
from tests.rules.samples_padding import SAMPLES

CALLS = [(function, args, kwargs) for function, samples in SAMPLES.items() for args, kwargs in samples]
FLOATING = [call for call in CALLS if flat_function(*call)[1]]


def test_every_rule_has_a_sample():
    assert SAMPLES.keys() == padding.RULES.keys()


@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=map(call_label, CALLS))
def test_rule(function, args, kwargs):
    check_rule(function, *args, **kwargs)


@pytest.mark.parametrize(("function", "args", "kwargs"), FLOATING, ids=map(call_label, FLOATING))
def test_recorded(function, args, kwargs):
    check_recorded(function, args, kwargs, rounding=1e-14)


def test_second_order():
    x = np.array([[0.5, -1.25, 3.0], [2.0, -0.75, 1.5]])
    for mode in ("mean", "linear_ramp", "edge"):
        check_second_order(lambda x, mode=mode: np.pad(x**3, 1, mode), (x,), {})


def test_holes_have_no_entries():
    call = bound(find(padding.surrounded), (np.ones(2),), {"pad_width": 3, "mode": "constant"})
    assert call.primitive.local(call, 0).nnz == 2


def test_constants_that_pad_are_no_positions():
    call = bound(find(padding.surrounded), (np.ones(2), 1.0), {"pad_width": 1, "mode": "constant"})
    assert call.primitive.local(call, 0).nnz == 2
    assert call.primitive.local(call, 1).nnz == 2


def test_what_mirrors_in_value_has_three_entries_at_most():
    x = np.arange(6.0)
    J = jf.jacobian(lambda x: np.pad(x, 3, "reflect", reflect_type="odd"), sparse=True)(x)
    assert J.nnz == 6 + 2 * 3 * 2
    np.testing.assert_array_equal(J.toarray() @ x, np.pad(x, 3, "reflect", reflect_type="odd"))
    np.testing.assert_array_equal(J.toarray()[0], [2, 0, 0, -1, 0, 0])


def test_constants_around_a_constant_array_may_be_traced():
    plain = np.arange(2.0)
    J = jf.jacobian(lambda c: np.pad(plain, 1, constant_values=c))(2.5)
    np.testing.assert_array_equal(J, [1, 0, 0, 1])
    J = jf.jacobian(lambda c: np.pad(plain, 2, "linear_ramp", end_values=(c, 0.0)))(2.5)
    np.testing.assert_array_equal(J, [1, 0.5, 0, 0, 0, 0])


def test_the_largest_share_equally():
    J = jf.jacobian(lambda x: np.pad(x, (1, 0), "maximum"))(np.array([2.0, 1.0, 2.0]))
    np.testing.assert_array_equal(J[0], [0.5, 0, 0.5])
    J = jf.jacobian(lambda x: np.pad(x, (1, 0), "median"))(np.array([2.0, 2.0, 2.0]))
    np.testing.assert_array_equal(J[0], [0, 1, 0])


def test_ramps_on_integers_are_floored():
    found = jf.jacobian(lambda c: np.pad(np.array([4, 9]), 2, "linear_ramp", end_values=c) * c)(-3.25)
    np.testing.assert_array_equal(found, np.pad(np.array([4, 9]), 2, "linear_ramp", end_values=-3.25))


def test_undefined_surroundings_may_be_written():
    def f(x):
        out = np.pad(x, 1, "empty")
        out[0], out[-1] = x[-1], 2 * x[0]
        return out

    np.testing.assert_array_equal(jf.jacobian(f)(np.arange(2.0)), [[0, 1], [1, 0], [0, 1], [2, 0]])


def test_functions_pad_vector_by_vector():
    def ends(vector, width, axis, options):
        scale = options.get("scale", 1.0)
        vector[: width[0]] = scale * vector[width[0]]
        if width[1]:
            vector[-width[1] :] = (axis + 2) * vector[-width[1] - 1]

    x = np.array([[0.5, -1.25, 3.0], [2.0, -0.75, 1.5]])
    for options in ({}, {"scale": 3.0}):
        check_recorded(lambda x, options=options: np.pad(x, ((1, 0), (2, 1)), ends, **options), (x,), {})
    np.testing.assert_array_equal(jf.jacobian(lambda x: np.pad(x, 1, ends))(np.array([2.0]))[:, 0], [1, 1, 2])


def test_what_is_padded_is_a_new_array():
    def f(x):
        np.pad(x, 0, "mean")[0] = 7.0
        np.pad(x, 0, lambda *_: None)[0] = 7.0
        return x

    np.testing.assert_array_equal(jf.jacobian(f)(np.arange(2.0)), np.eye(2))


X = np.ones((2, 2))


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((X, 1, "mirror"), {}),
        ((X, 1, "mean"), {"constant_values": 1.0}),
        ((X, 1, "constant"), {"reflect_type": "odd"}),
        ((X, -1, "mean"), {}),
        ((X, 1.5, "linear_ramp"), {}),
        ((X, 1, "maximum"), {"stat_length": 0}),
        ((X, 1, "maximum"), {"stat_length": -1}),
        ((X, ((1, 1),) * 3, "mean"), {}),
        ((X[:0], 1, "mean"), {}),
        ((X[:0], 1, "edge"), {}),
    ],
)
def test_mistakes_are_those_of_numpy(args, kwargs):
    with pytest.raises(Exception) as expected:  # noqa: PT011
        np.pad(*args, **kwargs)
    with pytest.raises(expected.type):
        padding.pad(*args, **kwargs)
