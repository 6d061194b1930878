"""Laws on the benchmark problems: all methods are one product, and the layers are its factors."""

import functools

import numpy as np
import pytest

import jacfwd as jf
from bench.problems import PROBLEMS, Problem
from jacfwd.differences import difference_jacobian

METHODS = ("forward", "reverse", "accumulate")
every_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name + "-" + p.title.replace(" ", "_"))


def matrix(problem: Problem, method: str) -> np.ndarray:
    J = jf.jacobian(problem.function, method=method)(problem.point)
    return np.reshape(J, (problem.m, problem.n))


def bound(layers: list) -> float:
    """1e-12 of the largest entry of the product of absolute layers: what rounding may do."""
    product = functools.reduce(lambda a, b: abs(b) @ a, layers[1:], abs(layers[0]))
    return 1e-12 * max(abs(product).max(), 1e-300)


@every_problem
def test_the_layers_multiply_to_the_jacobian(problem):
    _, J = jf.linearize(problem.function, problem.point)
    layers = J.layers
    assert layers[0].shape[1] == problem.n
    assert layers[-1].shape[0] == problem.m
    assert [len(state) for state in J.states] == [problem.n, *(layer.shape[0] for layer in layers)]
    product = functools.reduce(lambda a, b: b @ a, layers).toarray()
    assert np.abs(product - J.toarray()).max() <= bound(layers)


@every_problem
def test_methods_agree(problem):
    tolerance = bound(jf.linearize(problem.function, problem.point)[1].layers)
    expected = matrix(problem, "forward")
    for method in METHODS:
        assert np.abs(matrix(problem, method) - expected).max() <= tolerance
        J = jf.jacobian(problem.function, sparse=True, method=method)(problem.point)
        assert np.abs(J.toarray() - expected).max() <= tolerance


@every_problem
def test_the_jacobian_is_that_of_differences(problem):
    expected = difference_jacobian(problem.function, problem.point)
    scale = max(np.abs(expected).max(), 1.0)
    assert np.allclose(matrix(problem, "forward"), expected, rtol=1e-6, atol=1e-7 * scale)


@every_problem
def test_the_closed_form(problem):
    if problem.jacobian is None:
        pytest.skip("no closed form known")
    expected = problem.jacobian(problem.point)
    expected = expected.toarray() if hasattr(expected, "toarray") else np.asarray(expected)
    scale = np.abs(expected).max()
    assert np.allclose(
        matrix(problem, "reverse"), expected.reshape(problem.m, problem.n), rtol=1e-10, atol=1e-12 * scale
    )


@every_problem
def test_the_pattern_holds_every_nonzero(problem):
    pattern = jf.sparsity(problem.function, problem.point).toarray()
    expected = matrix(problem, "forward")
    assert pattern[expected != 0].all()
    if problem.nnz is not None:
        assert pattern.sum() >= problem.nnz


@every_problem
def test_transposed_products(problem):
    rng = np.random.default_rng(1)
    _, J = jf.linearize(problem.function, problem.point)
    v, w = rng.standard_normal(problem.n), rng.standard_normal(problem.m)
    there, back = w @ (J @ v), (J.T @ w) @ v
    assert abs(there - back) <= 1e-11 * (np.abs(w) @ np.abs(J.toarray()) @ np.abs(v) + 1e-300)


@every_problem
def test_one_sweep_is_one_column_of_many(problem):
    rng = np.random.default_rng(2)
    v = rng.standard_normal(problem.point.shape)
    y, dy = jf.jvp(problem.function, problem.point, v)
    expected = matrix(problem, "forward") @ v.reshape(-1)
    assert np.allclose(np.reshape(dy, -1), expected, rtol=1e-10, atol=1e-12 * max(np.abs(expected).max(), 1))
    assert np.allclose(y, problem.function(problem.point), rtol=1e-14)


@every_problem
def test_replay_is_a_fresh_run(problem):
    G = jf.trace(problem.function, problem.point)
    other = problem.point * 1.001
    try:
        replayed = G(other)
    except jf.BranchChangedError:
        pytest.skip("another branch there")
    fresh = problem.function(other)
    assert np.allclose(replayed, fresh, rtol=1e-13, atol=1e-13 * np.abs(fresh).max())
    J = jf.jacobian(problem.function)(other)
    assert np.allclose(G.jacobian(other), J, rtol=1e-13, atol=1e-13 * max(np.abs(J).max(), 1e-300))


@every_problem
def test_inputs_are_unchanged(problem):
    point = problem.point.copy()
    jf.jacobian(problem.function)(point)
    jf.jvp(problem.function, point, point)
    assert np.array_equal(point, problem.point)
