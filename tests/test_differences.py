"""The difference oracles against derivatives known in closed form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jacfwd.differences import complex_step, difference_jacobian, richardson

FUNCTIONS = [
    (np.sin, np.cos),
    (np.exp, np.exp),
    (np.log, lambda x: 1 / x),
    (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    (np.arctan, lambda x: 1 / (1 + x**2)),
    (lambda x: x**5, lambda x: 5 * x**4),
    (lambda x: 1 / x, lambda x: -1 / x**2),
]
POINTS = hnp.arrays(float, 4, elements=st.floats(0.5, 3))
DIRECTIONS = hnp.arrays(float, 4, elements=st.floats(-2, 2))


@pytest.mark.parametrize(("f", "df"), FUNCTIONS)
@given(x=POINTS, v=DIRECTIONS)
def test_both_oracles_know_the_elementary_functions(f, df, x, v):
    expected = df(x) * v
    scale = np.max(np.abs(df(x))) * (np.max(np.abs(v)) or 1)
    derivative, error = richardson(f, x, v)
    np.testing.assert_allclose(derivative, expected, rtol=0, atol=1e-10 * scale)
    assert np.all(error <= 1e-8 * scale)
    if np.min(np.abs(v), where=v != 0, initial=1) > 1e-270:  # h v must not underflow
        np.testing.assert_allclose(complex_step(f, x, v), expected, rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("x", [1e-150, 1e-9, 1e-3, 1.0, 1e9, 1e150])
def test_the_step_is_relative_to_the_point(x):
    derivative, error = richardson(np.log, x, 1.0)
    assert derivative * x == pytest.approx(1, rel=1e-11)
    assert error * x < 1e-9


@given(st.floats(1e-6, 1e6))
def test_the_length_of_the_direction_does_not_matter(length):
    derivative, _ = richardson(np.exp, [0.5, 1.0], [length, -length])
    np.testing.assert_allclose(derivative, length * np.exp([0.5, 1.0]) * [1, -1], rtol=1e-11)


def test_steps_that_leave_the_domain_cost_only_what_depends_on_them():
    x = np.array([0.01, 3.0])
    derivative, error = richardson(np.log, x, np.ones(2), steps=20)
    np.testing.assert_allclose(derivative, 1 / x, rtol=1e-9)
    assert np.all(error < 1e-6)


def test_the_error_estimate_tells_where_there_is_no_derivative():
    derivative, error = richardson(np.sqrt, [0.0, 1.0], [1.0, 1.0])
    assert np.isnan(derivative[0])
    assert error[0] == np.inf
    assert derivative[1] == pytest.approx(0.5)


def test_functions_of_complex_arrays():
    z, v = np.array([1 + 2j, 0.5 - 1j]), np.array([1j, 2 - 1j])
    np.testing.assert_allclose(richardson(np.exp, z, v)[0], np.exp(z) * v, rtol=1e-11)
    np.testing.assert_allclose(richardson(np.conj, z, v)[0], np.conj(v), rtol=1e-11)
    turned, _ = richardson(lambda x: np.exp(1j * x), [0.3, 0.4], [1.0, 2.0])
    np.testing.assert_allclose(turned, 1j * np.exp(1j * np.array([0.3, 0.4])) * [1, 2], rtol=1e-11)


def test_single_precision_is_differenced_in_double():
    derivative, _ = richardson(np.sin, np.float32(0.5), np.float32(1))
    assert derivative.dtype == np.float64
    assert derivative == pytest.approx(np.cos(0.5), rel=1e-11)


def test_a_zero_direction_and_a_zero_point():
    assert richardson(np.exp, [1.0, 2.0], [0.0, 0.0])[0].tolist() == [0.0, 0.0]
    assert richardson(np.exp, 0.0, 1.0)[0] == pytest.approx(1.0, rel=1e-11)


def test_the_jacobian_is_numbered_in_c_order():
    x = np.arange(6.0).reshape(2, 3) + 1
    jacobian = difference_jacobian(lambda a: (a**2).T, x)
    expected = np.zeros((6, 6))
    expected[np.arange(6), np.arange(6).reshape(2, 3).T.ravel()] = 2 * x.T.ravel()
    np.testing.assert_allclose(jacobian, expected, rtol=1e-11)
    assert np.count_nonzero(jacobian) == 6


def test_jacobians_of_scalars_and_of_nothing():
    np.testing.assert_allclose(difference_jacobian(np.sin, 0.5), [[np.cos(0.5)]], rtol=1e-11)
    assert difference_jacobian(lambda x: np.ones(3), np.zeros(0)).shape == (3, 0)


def test_a_complex_step_that_is_dropped_is_noticed():
    def into_a_real_array(x):
        out = np.zeros(2)
        out[:] = x
        return out

    with pytest.raises(TypeError, match="stored complex numbers into a real array"):
        complex_step(into_a_real_array, [1.0, 2.0], [1.0, 0.0])
    with pytest.raises(TypeError, match="answered a complex argument with float64"):
        complex_step(np.abs, [1.0], [1.0])


def test_unfit_arguments():
    with pytest.raises(ValueError, match=r"equal shapes, got \(2,\) and \(3,\)"):
        richardson(np.sin, np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match=r"equal shapes, got \(2,\) and \(\)"):
        complex_step(np.sin, np.ones(2), 1.0)
    with pytest.raises(ValueError, match="steps >= 2"):
        richardson(np.sin, 1.0, 1.0, steps=1)
    with pytest.raises(ValueError, match="contraction > 1"):
        richardson(np.sin, 1.0, 1.0, contraction=1.0)
    with pytest.raises(TypeError, match="real x"):
        complex_step(np.sin, 1j, 1.0)
