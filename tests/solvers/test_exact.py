"""Values from the function, derivatives from recordings that are kept."""

import numpy as np
import pytest

import jacfwd as jf
from bench.problems import broyden_tridiagonal, brusselator
from jacfwd.solvers.exact import BRANCHES, Exact


def branching(x):
    return x**2 if x[0] > 0 else -3 * x


def test_one_recording_serves_every_point_of_a_branch():
    exact = Exact(lambda x: np.sin(x) * x[::-1])
    for x in np.random.default_rng(0).normal(size=(5, 3)):
        np.testing.assert_allclose(exact.dense(x), jf.jacobian(lambda x: np.sin(x) * x[::-1])(x), rtol=1e-14)
    assert exact.report.recordings == 1
    assert exact.report.jacobians == 5


def test_another_branch_is_recorded_and_both_are_kept():
    exact = Exact(branching)
    for sign in (1, -1, 1, -1, 1):
        x = sign * np.array([1.0, 2.0])
        np.testing.assert_array_equal(exact.dense(x), np.diag(2 * x) if sign > 0 else -3 * np.eye(2))
    assert exact.report.recordings == 2


def test_only_so_many_graphs_are_kept_for_products():
    exact = Exact(lambda x: x * np.arange(40)[int(x[0])])
    for k in range(2 * BRANCHES):
        np.testing.assert_array_equal(exact.product(np.array([k + 0.5]), np.array([2.0])), [2 * k])
    (graphs,) = exact._graphs.values()
    assert len(graphs) == BRANCHES
    exact.product(np.array([2 * BRANCHES - 3.5]), np.array([2.0]))
    assert exact.report.recordings == 2 * BRANCHES


def test_products_notice_that_a_function_has_changed():
    weights = np.array([1.0, 2.0])
    exact, x, v = Exact(lambda x: weights * x), np.array([3.0, 4.0]), np.ones(2)
    for scale in (1.0, 5.0):
        weights[:] = scale
        exact.value(x)
        np.testing.assert_array_equal(exact.product(x, v), scale * v)


def test_what_a_function_refers_to_may_become_another_object():
    class Model:
        rate = 2.0

        def __call__(self, x):
            return self.rate * x

    model = Model()
    exact, x = Exact(model), np.array([3.0])
    for rate in (2.0, 3.0):
        model.rate = rate
        np.testing.assert_array_equal(exact.dense(x), [[rate]])


def test_shapes_have_recordings_of_their_own():
    exact = Exact(lambda x: x**2)
    for n in (2, 3, 2, 3):
        assert exact.dense(np.ones(n)).shape == (n, n)
    assert exact.report.recordings == 2


def test_integers_count_as_floats():
    np.testing.assert_array_equal(Exact(lambda x: x**2).dense([1, 2]), np.diag([2.0, 4.0]))


def test_what_is_not_differentiated_may_change():
    exact = Exact(lambda t, y: t * y, 2, (1,))
    for t in (1.0, 2.0, 3.0):
        np.testing.assert_array_equal(exact.dense(t, np.ones(2)), t * np.eye(2))
    assert exact.report.recordings == 1


def test_a_function_that_has_changed_is_recorded_again():
    weights = np.array([1.0, 2.0])
    exact = Exact(lambda x: weights * x)
    x = np.array([3.0, 4.0])
    for scale in (1.0, 5.0, 7.0):
        weights[:] = scale
        exact.value(x)
        np.testing.assert_array_equal(exact.dense(x), scale * np.eye(2))
    assert exact.report.recordings == 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_no_reason_to_record_again(value):
    exact = Exact(lambda x: np.log(x))
    for x in (np.array([1.0, value]), np.array([2.0, value])):
        with np.errstate(invalid="ignore"):
            exact.value(x)
            exact.dense(x)
    assert exact.report.recordings == 1


def test_values_are_what_the_function_returns():
    calls = []

    def f(x):
        calls.append(type(x))
        return {"any": "thing"}

    assert Exact(f).value(np.ones(2), "rest") == {"any": "thing"}
    assert calls == [np.ndarray]


@pytest.mark.parametrize("problem", [broyden_tridiagonal(80), brusselator(6)], ids=lambda p: p.name)
def test_large_sparse_patterns_are_preferred_sparse(problem):
    exact = Exact(problem.function)
    for scale in (1.0, 1.1, 0.9):
        J = exact.automatic(scale * problem.point)
        expected = problem.jacobian(scale * problem.point)
        np.testing.assert_allclose(J.toarray(), expected.toarray() if hasattr(expected, "toarray") else expected)
    assert exact.report.recordings == 1
    assert exact.done("automatic").method == "sparse"


def test_small_or_full_ones_dense():
    small, full = Exact(lambda x: x[1:] * x[:-1]), Exact(lambda x: x * np.sum(x))
    assert isinstance(small.automatic(np.ones(9)), np.ndarray)
    assert isinstance(full.automatic(np.ones(60)), np.ndarray)


def test_products_and_operators():
    problem = broyden_tridiagonal(10)
    exact, v = Exact(problem.function), np.random.default_rng(0).normal(size=10)
    J = np.asarray(problem.jacobian(problem.point).todense())
    for _ in range(2):
        np.testing.assert_allclose(exact.product(problem.point, v), J @ v, rtol=1e-13)
        np.testing.assert_allclose(exact.operator(problem.point) @ v, J @ v, rtol=1e-13)
        np.testing.assert_allclose(exact.operator(problem.point).T @ v, J.T @ v, rtol=1e-13)
    assert exact.report.recordings == 1


def test_complex_points():
    exact, z = Exact(lambda z: z**3), np.array([1 + 1j, 2 - 1j])
    for scale in (1, 2):
        np.testing.assert_allclose(exact.dense(scale * z), np.diag(3 * (scale * z) ** 2))
        np.testing.assert_allclose(exact.product(scale * z, z), 3 * (scale * z) ** 2 * z)
    with pytest.raises(jf.NotDifferentiableError, match="complex differentiable"):
        Exact(np.conj).dense(z)


def test_errors_say_what_to_pass_instead():
    with pytest.raises(jf.TracerConversionError) as caught:
        Exact(lambda x: np.frombuffer(x.tobytes())).dense(np.ones(3))
    assert any("2-point" in note for note in caught.value.__notes__)


def test_errors_name_the_place_in_the_users_code():
    rng = np.random.default_rng(0)

    def noisy(x):
        return x + 1e-3 * rng.normal(size=2)

    with pytest.raises(jf.TracerConversionError, match="in noisy"):
        Exact(noisy).dense(np.ones(2))


def test_what_was_returned_may_be_written_to():
    exact, x = Exact(lambda x: 2 * x), np.array([1.0, 2.0])
    exact.value(x)[:] = 7
    exact.dense(x)
    exact.value(x)[:] = 7
    exact.dense(x)
    assert exact.report.recordings == 1
