"""How solutions move with parameters, against closed forms and against solving again."""

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

import jacfwd as jf
from bench.problems import broyden_tridiagonal
from jacfwd import solvers
from jacfwd.differences import richardson

TIGHT = {"rtol": 1e-10, "atol": 1e-12}


def logistic(t, y, p):
    return p[0] * y * (1 - y / p[1])


def robertson(t, y, k):
    slow, fast, up = k[0] * y[0], k[1] * y[1] * y[2], k[2] * y[1] ** 2
    return np.array([fast - slow, slow - fast - up, up])


def along(solve, at, direction):
    """The derivative of the solution in one direction by extrapolated differences."""
    return richardson(solve, np.asarray(at, float), 0.1 * direction, steps=6)[0] / 0.1


@pytest.mark.parametrize("method", ["RK45", "DOP853", "Radau", "BDF", "LSODA"])
def test_against_the_closed_form(method):
    times, p, y0 = np.linspace(0, 2, 5), np.array([1.3, 4.0]), 0.5
    found = solvers.sensitivities(logistic, (0, 2), [y0], p, method=method, t_eval=times, **TIGHT)

    def solution(p, y0):
        return p[1] / (1 + (p[1] / y0 - 1) * np.exp(-p[0] * times))

    np.testing.assert_allclose(found.y[0], solution(p, y0), rtol=1e-6)
    dp, dy0 = jf.jacobian(solution, argnums=(0, 1))(p, y0)
    assert found.dy_dp.shape == (5, 1, 2)
    assert found.dy_dy0.shape == (5, 1, 1)
    np.testing.assert_allclose(found.dy_dp[:, 0], dp, atol=1e-6)
    np.testing.assert_allclose(found.dy_dy0[:, 0, 0], dy0, atol=1e-6)
    assert found.jacfwd.recordings == 1


@pytest.mark.parametrize("method", ["Radau", "BDF"])
def test_a_stiff_system_against_solving_again(method):
    k, y0 = np.array([0.04, 1e4, 3e7]), np.array([1.0, 0, 0])
    found = solvers.sensitivities(robertson, (0, 40), y0, k, method=method, t_eval=[40], rtol=1e-5, atol=1e-9)

    def solve(k):
        return solvers.solve_ivp(robertson, (0, 40), y0, "Radau", [40], args=(k,), rtol=1e-8, atol=1e-12).y[:, -1]

    step = 1e-3 * k
    differences = np.stack(
        [(solve(k + s * e) - solve(k - s * e)) / (2 * s) for s, e in zip(step, np.eye(3), strict=True)], -1
    )
    np.testing.assert_allclose(found.dy_dp[-1] * k, differences * k, atol=1e-4)
    assert np.abs(found.dy_dy0.sum(axis=1) - 1).max() < 1e-4  # the sum of the species is preserved


def test_structure_events_dense_output_and_further_arguments():
    def fall(t, y, p, drag):
        return np.array([y[1], -p["g"] - drag * p["k"][0] * y[1]])

    def ground(t, y, p, drag):
        return y[0]

    ground.terminal, ground.direction = True, -1
    found = solvers.sensitivities(
        fall, (0, 10), np.array([10, 0]), {"g": 9.81, "k": np.array([0.0, 5.0])}, args=(1.0,), events=[ground],
        dense_output=True, atol=np.array([1e-10, 1e-12]), rtol=1e-10,
    )  # fmt: skip
    end = found.t_events[0][0]
    np.testing.assert_allclose(end, np.sqrt(20 / 9.81), rtol=1e-7)
    assert found.y_events[0].shape == (1, 2)
    np.testing.assert_allclose(found.dy_dp[-1, :, 0], [-(end**2) / 2, -end], rtol=1e-6)  # with respect to g
    np.testing.assert_array_equal(found.dy_dp[:, :, 2], 0)
    np.testing.assert_allclose(found.sol(0.5), [10 - 9.81 / 8, -9.81 / 2], rtol=1e-6)
    dp, dy0 = found.sol.derivatives(0.5)
    np.testing.assert_allclose(dp[:, 0], [-1 / 8, -1 / 2], rtol=1e-6)
    np.testing.assert_allclose(dy0, [[1, 0.5], [0, 1]], atol=1e-6)
    assert found.sol.derivatives(np.array([0.1, 0.2]))[0].shape == (2, 2, 3)
    assert found.sol.ts[-1] == found.t[-1]
    single = solvers.sensitivities(fall, (0, 10), [10.0, 0], {"g": 9.81, "k": np.zeros(2)}, args=(1.0,), events=ground)
    assert len(single.t_events[0]) == 1


def test_large_systems_are_sparse():
    n = 60

    def heat(t, y, k):
        framed = np.pad(y, 1)
        return k * (framed[2:] - 2 * y + framed[:-2])

    found = solvers.sensitivities(heat, (0, 0.5), np.ones(n), 2.0, method="BDF", rtol=1e-8, atol=1e-10)
    assert found.jacfwd.method == "sparse"
    A = np.diag(np.full(n - 1, 1.0), 1) + np.diag(np.full(n - 1, 1.0), -1) - 2 * np.eye(n)
    exact = scipy.linalg.expm(2 * 0.5 * A)
    np.testing.assert_allclose(found.dy_dy0[-1], exact, atol=1e-5)
    np.testing.assert_allclose(found.dy_dp[-1, :, 0], 0.5 * A @ exact @ np.ones(n), atol=1e-5)


def test_what_has_no_place():
    with pytest.raises(ValueError, match="jac= has no place"):
        solvers.sensitivities(logistic, (0, 1), [0.5], [1.0, 2.0], jac="2-point")
    with pytest.raises(ValueError, match="real states"):
        solvers.sensitivities(logistic, (0, 1), [0.5j], [1.0, 2.0])


# Roots and minima


def test_a_root_against_solving_again():
    def F(x, p):
        return np.array([x[0] + p[0] * x[1] - 1, p[1] * (x[1] - x[0]) ** 3 + x[1]])

    p = np.array([0.5, 0.7])

    def solve(p):
        return solvers.root(F, [0.0, 0.0], p, tol=1e-14, method="lm").x

    dx = solvers.root_sensitivity(F, solvers.root(F, [0.0, 0.0], p, tol=1e-13), p)
    v = np.array([0.3, -0.7])
    np.testing.assert_allclose(dx @ v, along(solve, p, v), rtol=1e-7)


@pytest.mark.parametrize("least_squares", [None, True])
def test_a_minimum_against_solving_again(least_squares):
    t = np.linspace(0, 1, 8)

    def residual(x, y):
        return x[0] * np.exp(x[1] * t) - y

    y = 1 + t**2 + 0.3 * np.cos(7 * t)  # far from any curve of the family: second derivatives matter

    def solve(y):
        return solvers.least_squares(residual, [1.0, 1.0], xtol=1e-15, ftol=1e-15, gtol=1e-15, args=(y,)).x

    dx = solvers.root_sensitivity(residual, solve(y), y, least_squares=least_squares)
    assert dx.shape == (2, 8)
    v = np.cos(3 * t)
    np.testing.assert_allclose(dx @ v, along(solve, y, v), rtol=1e-5)


def test_variables_on_a_bound_stay():
    def residual(x, p):
        return np.array([x[0] - p, x[1] - p * x[0], x[0] * x[1] - 2])

    found = solvers.least_squares(residual, [0.5, 0.4], args=(1.5,), bounds=([0, 0], [3, 0.5]), gtol=1e-14, xtol=1e-14)
    assert found.active_mask[1] == 1
    dx = solvers.root_sensitivity(residual, found, 1.5)

    def solve(p):
        problem = lambda x, p: residual(np.array([x[0], 0.5]), p[0])  # noqa: E731 - the reduced problem
        return solvers.least_squares(problem, [0.5], args=(p,), gtol=1e-14, xtol=1e-14).x

    np.testing.assert_allclose(dx, [along(solve, [1.5], np.ones(1))[0], 0], rtol=1e-5)


def test_large_sparse_systems_and_structures():
    problem = broyden_tridiagonal(60)

    def F(x, p):
        return problem.function(x) - p["shift"] * p["scale"]

    p = {"shift": np.linspace(0, 0.1, 60), "scale": 1.0}
    x = solvers.root(F, -np.ones(60), p, tol=1e-12).x
    dx = solvers.root_sensitivity(F, x, p)
    assert dx["shift"].shape == (60, 60)
    J = np.asarray(problem.jacobian(x).todense())
    np.testing.assert_allclose(dx["shift"], np.linalg.inv(J), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dx["scale"], np.linalg.solve(J, p["shift"]), rtol=1e-9, atol=1e-12)


def test_shapes_and_arguments():
    X, P = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 2.0, 3.0, 4.0])
    dx = solvers.root_sensitivity(lambda x, p, k: k * (np.ravel(x) - p), X, P, args=(2.0,))
    np.testing.assert_array_equal(dx, np.eye(4).reshape(2, 2, 4))


def test_what_is_no_solution():
    with pytest.raises(ValueError, match="no solution"):
        solvers.root_sensitivity(lambda x, p: x**2 - p, 1.0, 2.0)
    with pytest.raises(ValueError, match="no isolated solution"):
        solvers.root_sensitivity(lambda x, p: x[:1] - p, np.ones(2), 1.0)
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        solvers.root_sensitivity(lambda x, p: (x - p) ** 2, 1.0, 1.0)
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        solvers.root_sensitivity(lambda x, p: np.full(60, np.sum(x) - p), np.full(60, 1 / 60), 1.0)
