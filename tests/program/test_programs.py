"""Gradients, Hessians, their products and blocks of seeds of a recorded graph, against fresh runs."""

import pickle

import numpy as np
import pytest

import jacfwd as jf
from bench.problems import PROBLEMS, ackley, logistic_regression, rosenbrock

SINGLE = [rosenbrock(7), ackley(5), logistic_regression(4)]
single = pytest.mark.parametrize("problem", SINGLE, ids=lambda p: p.name)
POINTS = (1.0, 1.02, 0.97)


def close(value, expected, tolerance=1e-12):
    np.testing.assert_allclose(value, expected, rtol=0, atol=tolerance * max(np.abs(expected).max(), 1e-300))


@single
def test_gradients(problem):
    G = jf.trace(problem.function, problem.point)
    for factor in POINTS:
        x = problem.point * factor
        close(G.gradient(x), problem.jacobian(x)[0])
        for method in ("forward", "reverse", "accumulate"):
            close(G.gradient(x, method=method), problem.jacobian(x)[0])


@single
def test_hessians_and_their_products(problem):
    f = problem.function
    G = jf.trace(f, problem.point)
    v = np.linspace(-1, 2, problem.n)
    for factor in POINTS:
        x = problem.point * factor
        H = jf.hessian(f)(x)
        close(G.hessian(x), H)
        close(G.hessian(x, sparse=True).toarray(), H)
        y, Hv = G.hvp(x, v)
        close(y, f(x))
        close(Hv, H @ v)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.title)
def test_blocks_of_seeds(problem):
    G = jf.trace(problem.function, problem.point)
    V = np.random.default_rng(0).normal(size=(3, problem.n))
    for factor in POINTS:
        x = problem.point * factor
        J = jf.jacobian(problem.function, flat=True)(x)
        close(G.push(x, V), V @ J.T)


def test_seeds_must_fit():
    G = jf.trace(np.sin, np.ones(3))
    for wrong in (np.ones(3), np.ones((2, 4))):
        with pytest.raises(ValueError, match=r"expected seeds of shape \(p, 3\)"):
            G.push(np.ones(3), wrong)


def test_structure_of_several_arguments():
    def f(x, d):
        return np.sum(x**2) * d["b"] + np.sin(d["a"])

    args = (np.arange(3.0), {"a": 0.5, "b": 2.0})
    G = jf.trace(f, *args)
    expected = jf.gradient(f, argnums=(0, 1))(*args)
    got = G.gradient(*args)
    close(got[0], expected[0])
    assert got[1] == expected[1] and type(got[1]["a"]) is np.float64
    y, (Hx, Hd) = G.hvp(args, (np.ones(3), None))
    assert y == f(*args)
    close(Hx, np.full(3, 4.0))
    assert Hd == {"a": 0, "b": 6}
    H = G.hessian(*args)
    close(H[0][0], 4 * np.eye(3))
    close(H[0][1]["b"], 2 * np.arange(3.0))
    close(H[1]["a"][1]["a"], -np.sin(0.5))


def test_gradients_need_one_number():
    G = jf.trace(np.sin, np.ones(3))
    for call in (G.gradient, G.hessian, lambda x: G.hvp(x, x)):
        with pytest.raises(ValueError, match="needs an output of size 1"):
            call(np.ones(3))


def test_traced_points_are_interpreted():
    f, x = SINGLE[0].function, SINGLE[0].point
    G = jf.trace(f, x)
    close(jf.jacobian(G.gradient)(x), G.hessian(x))
    close(jf.gradient(G)(x), G.gradient(x))
    close(jf.jacobian(lambda x: G.hvp(x, np.ones_like(x))[1])(x).shape, (x.size, x.size))
    close(jf.jacobian(lambda x: G.push(x, np.eye(x.size))[0, 0])(x), np.diag(G.hessian(x))[0] * np.eye(x.size)[0], 10)


def test_complex_inputs_go_the_plain_way():
    f, x = (lambda x: np.sum(x**3).real), np.array([1.0 + 2j, 0.5])
    G = jf.trace(f, x)
    close(G(x), f(x))
    close(G.jvp(x, np.ones_like(x))[1], jf.jvp(f, x, np.ones_like(x))[1])


def test_other_branches_are_refused():
    G = jf.trace(lambda x: np.sum(x * x if x[0] > 0 else x), np.ones(2))
    for call in (G, G.gradient, G.hessian, lambda x: G.hvp(x, x), lambda x: G.push(x, np.eye(2))):
        call(np.ones(2))
        with pytest.raises(jf.BranchChangedError, match=r"test_programs\.py"):
            call(-np.ones(2))


def test_what_was_made_is_pickled_as_it_was_recorded():
    f, x = SINGLE[0].function, SINGLE[0].point
    G = jf.trace(f, x)
    g, H = G.gradient(x), G.hessian(x)
    again = pickle.loads(pickle.dumps(G))
    close(again.gradient(x), g)
    close(again.hessian(x), H)


def test_source_is_what_runs():
    G = jf.trace(SINGLE[0].function, SINGLE[0].point)
    assert "# value" in G.source and "functions.py" in G.source
    G.gradient(SINGLE[0].point)
    assert "# gradient" in G.source
