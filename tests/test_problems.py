"""Benchmark problems: functions against themselves in another form, closed forms against differences."""

import math

import numpy as np
import pytest
from scipy import linalg, optimize, sparse

from bench import functions, problems
from bench.problems import PROBLEMS
from jacfwd.coloring.greedy import greedy
from jacfwd.differences import complex_step, difference_jacobian, richardson
from jacfwd.pattern import Pattern
from jacfwd.testing import check_coloring

BY_NAME = {problem.name: problem for problem in PROBLEMS}
every_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=list(BY_NAME))


def dense(matrix):
    return matrix.toarray() if sparse.issparse(matrix) else matrix


def test_names_are_unique_and_cover_p1_to_p13():
    assert len(BY_NAME) == len(PROBLEMS)
    assert {name.split("-")[0] for name in BY_NAME} == {f"P{k}" for k in range(1, 14)}


@every_problem
def test_differences_confirm_the_closed_form_and_the_number_of_entries(problem):
    before = problem.point.copy()
    jacobian = difference_jacobian(problem.function, problem.point)
    assert jacobian.shape == (problem.m, problem.n)
    np.testing.assert_array_equal(problem.point, before)
    if problem.nnz is not None:
        assert np.count_nonzero(jacobian) == problem.nnz
    if problem.jacobian is not None:
        exact = dense(problem.jacobian(problem.point))
        np.testing.assert_array_equal(exact != 0, jacobian != 0)
        # Columns are compared on their own scale: a rate of 3e7 must not hide one of 0.04.
        scale = np.max(np.abs(exact), axis=0)
        np.testing.assert_allclose(jacobian / scale, exact / scale, rtol=0, atol=1e-9)


@every_problem
def test_a_complex_step_confirms_it_where_the_function_is_analytic(problem):
    direction = np.random.default_rng(0).normal(size=problem.point.shape)
    if not problem.analytic:
        return
    expected, error = richardson(problem.function, problem.point, direction)
    stepped = complex_step(problem.function, problem.point, direction)
    np.testing.assert_allclose(stepped, expected, rtol=0, atol=1e-9 * np.max(np.abs(expected)))
    assert np.max(error) <= 1e-8 * np.max(np.abs(expected))
    if problem.jacobian is not None:
        exact = problem.jacobian(problem.point) @ direction.ravel()
        np.testing.assert_allclose(stepped.ravel(), exact, rtol=0, atol=1e-13 * np.max(np.abs(exact)))


@every_problem
def test_number_of_colors(problem):
    pattern = Pattern.from_sparse(sparse.csr_array(difference_jacobian(problem.function, problem.point)))
    colors = greedy(pattern)
    check_coloring(pattern, colors)
    if problem.colors is not None:
        assert colors.max() + 1 == problem.colors


def test_the_brusselator_takes_12_colors():
    problem = problems.brusselator(10)
    assert greedy(Pattern.from_sparse(problem.jacobian(problem.point))).max() + 1 == 12


# Every function once more, element by element.


def agree(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12 * np.max(np.abs(expected)))


def cells(side):
    """Grid positions with their neighbours on the torus: both along i, then both along j."""
    for i in range(side):
        for j in range(side):
            beside = ((i + 1) % side, j), (i - 1, j), (i, (j + 1) % side), (i, j - 1)
            yield (i, j), *beside


def brusselator_by_cells(x):
    u, v = x.reshape(2, 5, 5)
    out = np.empty((2, 5, 5))
    for c, *beside in cells(5):
        reactions = 1 + u[c] ** 2 * v[c] - 4.4 * u[c], 3.4 * u[c] - u[c] ** 2 * v[c]
        for k, w in enumerate((u, v)):
            out[k][c] = reactions[k] + 10 * 25 * (sum(w[b] for b in beside) - 4 * w[c])
    return out.ravel()


def burgers_by_cells(x, upwind):
    u, v = x.reshape(2, 5, 5)
    out = np.empty((2, 5, 5))
    for c, *beside in cells(5):
        for k, w in enumerate((u, v)):
            slopes = []
            for speed, ahead, behind in ((u[c], *beside[:2]), (v[c], *beside[2:])):
                one_sided = w[c] - w[behind] if speed > 0 else w[ahead] - w[c]
                slopes.append(5 * one_sided if upwind else (w[ahead] - w[behind]) / (2 / 5))
            spread = sum(w[b] for b in beside) - 4 * w[c]
            out[k][c] = -(u[c] * slopes[0] + v[c] * slopes[1]) + 0.01 * 25 * spread
    return out.ravel()


def bratu_by_cells(x):
    u = {(i, j): x[4 * i + j] for i in range(4) for j in range(4)}
    return [
        4 * centre - sum(u.get(b, 0) for b in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)))
        - 6.80 / 25 * np.exp(centre)
        for (i, j), centre in u.items()
    ]  # fmt: skip


def broyden_banded_by_rows(x):
    n = len(x)
    rows = [[j for j in range(i - 5, i + 2) if j != i and 0 <= j < n] for i in range(n)]
    return [x[i] * (2 + 5 * x[i] ** 2) + 1 - sum(x[j] * (1 + x[j]) for j in rows[i]) for i in range(n)]


def bundle_by_observations(x, camera_of, point_of, measured):
    cameras, points, weights = x[:22].reshape(2, 11), x[22:31].reshape(3, 3), x[31:]
    errors = []
    for k, (c, p) in enumerate(zip(camera_of, point_of, strict=True)):
        camera = cameras[c]
        skew = np.cross(camera[:3], np.eye(3)).T
        turned = linalg.expm(skew) @ (points[p] - camera[3:6])
        u = turned[:2] / turned[2]
        r2 = u @ u
        projected = u * (1 + camera[9] * r2 + camera[10] * r2**2) * camera[6] + camera[7:9]
        errors.extend(weights[k] * (measured[k] - projected))
    return np.array([*errors, *(1 - w**2 for w in weights)])


def test_brusselator():
    x = problems.brusselator(5).point
    agree(functions.brusselator(x), brusselator_by_cells(x))
    agree(functions.brusselator_slices(x), brusselator_by_cells(x))


def test_bratu():
    x = problems.bratu(4).point
    agree(functions.bratu(x), bratu_by_cells(x))
    agree(functions.bratu_assigned(x), bratu_by_cells(x))


def test_burgers():
    x = problems.burgers(5).point
    agree(functions.burgers(x), burgers_by_cells(x, upwind=False))
    agree(functions.burgers_upwind(x), burgers_by_cells(x, upwind=True))


def test_heat():
    x = problems.heat(30).point
    agree(functions.heat_loop(x), functions.heat(x))


def test_broyden():
    x = problems.broyden_banded(12).point
    framed = np.array([0, *x, 0])
    tridiagonal = [(3 - 2 * x[i]) * x[i] - framed[i] - 2 * framed[i + 2] + 1 for i in range(12)]
    agree(functions.broyden_tridiagonal(x), tridiagonal)
    agree(functions.broyden_banded(x), broyden_banded_by_rows(x))


def test_arrowhead():
    x = problems.arrowhead(7).point
    agree(functions.arrowhead(x), [sum(x * x), *(x[i] ** 2 + x[0] ** 2 for i in range(1, 7))])


def test_rosenbrock_and_ackley():
    x = problems.rosenbrock(9).point
    agree(functions.rosenbrock(x), optimize.rosen(x))
    agree(problems.rosenbrock(9).jacobian(x)[0], optimize.rosen_der(x))
    rms = np.linalg.norm(x) / 3
    agree(
        functions.ackley(x),
        20 * (1 - np.exp(-rms / 5)) + np.e - np.exp(sum(np.cos(2 * np.pi * t) for t in x) / 9),
    )
    assert functions.ackley(np.full(4, 1e-300)) == pytest.approx(0, abs=1e-14)


def test_logistic():
    assert functions.logistic_scalar(np.array([2.0, -1.0, 0.5])) == 0.5
    X, y = problems.logistic_data(3, 11)
    w, b = np.array([0.5, -1.0, 2.0]), 0.3
    terms = []
    for row, label in zip(X, y, strict=True):
        probability = 1 / (1 + np.exp(-(row @ w + b)))
        terms.append(-np.log(probability if label else 1 - probability))
    agree(functions.logistic_loss(w, b, X, y), np.mean(terms))
    assert functions.logistic_loss(1e4 * w, b, X, y) < np.inf


def test_bundle_adjustment():
    problem = BY_NAME["P9"]
    agree(problem.function(problem.point), bundle_by_observations(problem.point, **problem.function.keywords))


def test_gather_scatter():
    problem = BY_NAME["P10"]
    expected = np.zeros(problem.n)
    for i, j in zip(*problem.function.keywords.values(), strict=True):
        expected[i] += np.exp(problem.point[j] ** 2 / 2)
    agree(problem.function(problem.point), expected)
    agree(BY_NAME["P10-at"].function(problem.point), expected)


def test_perceptron():
    problem = BY_NAME["P11-input"]
    W1, b1, W2, b2 = problem.function.keywords.values()
    hidden = [np.tanh(sum(problem.point * W1[:, j]) + b1[j]) for j in range(6)]
    expected = [np.tanh(sum(hidden * W2[:, k]) + b2[k]) for k in range(6)]
    agree(problem.function(problem.point), expected)
    weights = BY_NAME["P11-weights"]
    x = weights.function.keywords["x"]
    rest = {key: weights.function.keywords[key] for key in ("b1", "W2", "b2")}
    agree(weights.function(weights.point), functions.perceptron(x, weights.point, **rest))


def test_robertson_keeps_mass():
    y = problems.robertson().point
    rates = [0.04 * y[0], 3e7 * y[1] ** 2, 1e4 * y[1] * y[2]]
    agree(functions.robertson(y), [rates[2] - rates[0], rates[0] - rates[1] - rates[2], rates[1]])
    assert abs(sum(functions.robertson(y))) < 1e-9


def test_mass_action():
    problem = BY_NAME["P12-network"]
    k, orders, stoichiometry = problem.function.keywords.values()
    expected = np.zeros(20)
    for r in range(25):
        rate = k[r]
        for species in np.flatnonzero(orders[r]):
            for _ in range(int(orders[r, species])):
                rate *= problem.point[species]
        expected += stoichiometry[:, r] * rate
    agree(problem.function(problem.point), expected)
    assert np.all(orders.sum(axis=1) == 2)
    assert np.all(stoichiometry.sum(axis=0) == 0)


def test_elementwise_chain():
    x = problems.elementwise_chain(9).point
    expected = []
    for t in x:
        y = math.sin(t) * math.exp(-t * t)
        z = math.tanh(y) + t * y / 2
        expected.append(z / (1 + z * z))
    agree(functions.elementwise_chain(x), expected)


def test_points_are_seeded():
    np.testing.assert_array_equal(problems.burgers(6).point, problems.burgers(6).point)
