"""All methods are one product in another order: the same matrix, on every problem, at three sizes."""

import numpy as np
import pytest
from scipy import sparse

import jacfwd as jf
from bench import problems
from jacfwd.differences import richardson
from jacfwd.methods import METHODS

BUILDERS = {
    "P1": lambda k: problems.brusselator((3, 5, 9)[k]),
    "P1-slices": lambda k: problems.brusselator((3, 5, 9)[k], slices=True),
    "P2": lambda k: problems.bratu((2, 5, 12)[k]),
    "P2-assigned": lambda k: problems.bratu((2, 5, 12)[k], assigned=True),
    "P3": lambda k: problems.burgers((3, 5, 9)[k]),
    "P3-upwind": lambda k: problems.burgers((3, 5, 9)[k], upwind=True),
    "P4": lambda k: problems.heat((3, 10, 60)[k]),
    "P4-vectorised": lambda k: problems.heat((3, 10, 200)[k], loop=False),
    "P5-tridiagonal": lambda k: problems.broyden_tridiagonal((2, 10, 200)[k]),
    "P5-banded": lambda k: problems.broyden_banded((7, 20, 200)[k]),
    "P6": lambda k: problems.arrowhead((2, 10, 200)[k]),
    "P7-rosenbrock": lambda k: problems.rosenbrock((2, 10, 200)[k]),
    "P7-ackley": lambda k: problems.ackley((2, 10, 200)[k]),
    "P8": lambda k: problems.logistic_regression((1, 10, 200)[k]),
    "P9": lambda k: problems.bundle_adjustment(*((1, 1, 1), (2, 4, 6), (3, 20, 60))[k]),
    "P10": lambda k: problems.gather_scatter((2, 10, 150)[k]),
    "P10-at": lambda k: problems.gather_scatter((2, 10, 150)[k], at=True),
    "P11-input": lambda k: problems.perceptron((1, 6, 40)[k]),
    "P11-weights": lambda k: problems.perceptron_of_weights((1, 3, 8)[k]),
    "P12-network": lambda k: problems.mass_action(*((2, 3), (20, 25), (60, 80))[k]),
    "P13": lambda k: problems.elementwise_chain((1, 10, 200)[k]),
}


@pytest.mark.parametrize("size", range(3))
@pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS.keys())
def test_all_methods_agree(build, size):
    problem = build(size)
    f, x = problem.function, problem.point
    expected = jf.jacobian(f, sparse=True, method="accumulate")(x)
    scale = abs(expected).max() if expected.nnz else 1.0
    assert expected.has_canonical_format and expected.nnz == jf.sparsity(f, x).nnz
    if problem.jacobian is not None:
        exact = problem.jacobian(x)
        exact = exact.toarray() if sparse.issparse(exact) else np.reshape(exact, expected.shape)
        np.testing.assert_allclose(expected.toarray(), exact, rtol=0, atol=1e-12 * scale)
    for method in METHODS:
        J = jf.jacobian(f, sparse=True, method=method)(x)
        np.testing.assert_array_equal(J.indptr, expected.indptr)
        np.testing.assert_array_equal(J.indices, expected.indices)
        np.testing.assert_allclose(J.data, expected.data, rtol=0, atol=1e-12 * scale)
        dense = jf.jacobian(f, method=method)(x).reshape(expected.shape)
        np.testing.assert_allclose(dense, expected.toarray(), rtol=0, atol=1e-12 * scale)


@pytest.mark.slow
@pytest.mark.parametrize(
    "problem",
    [
        problems.brusselator(707),
        problems.bratu(1000),
        problems.burgers(707),
        problems.broyden_banded(10**6),
        problems.arrowhead(10**6),
        problems.bundle_adjustment(21, 11315, 36455),
        problems.elementwise_chain(10**6),
    ],
    ids=lambda problem: problem.title.replace(" ", "_"),
)
def test_directional_differences_confirm_large_ones(problem):
    """`J v` against extrapolated differences of f itself, in a random direction."""
    f, x = problem.function, problem.point
    v = np.random.default_rng(0).choice([-1.0, 1.0], x.shape)
    expected, error = richardson(f, x, v)
    J = jf.jacobian(f, sparse=True)(x)
    assert J.has_canonical_format
    scale = np.max(np.abs(expected))
    np.testing.assert_allclose(J @ v, expected, rtol=0, atol=1e-8 * scale + 10 * np.max(error))
    np.testing.assert_allclose(J @ v, jf.jvp(f, x, v)[1], rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("record", [False, True])
def test_colors_of_a_hessian_make_use_of_its_symmetry(record):
    """An arrowhead: two star colors where columns need n."""

    def f(x):
        return np.sum(x**3) + x[0] ** 2 * np.sum(np.sin(x))

    x = np.linspace(0.1, 1, 12)
    expected = jf.hessian(f)(x)
    H = jf.hessian(f, sparse=True, method="compress", record=record)
    for point in (x, x, 1.1 * x):
        expected = jf.hessian(f)(point)
        np.testing.assert_allclose(H(point).toarray(), expected, atol=1e-12)
        np.testing.assert_allclose(jf.hessian(f, method="compress", record=record)(point), expected, atol=1e-12)
    G = jf.trace(f, x)
    np.testing.assert_allclose(G.hessian(x, sparse=True, method="compress").toarray(), jf.hessian(f)(x), atol=1e-12)
    assert jf.coloring(H(x), "star").n_colors == 2


def test_compressed_derivatives_are_differentiated_again():
    f = lambda x: x[1:] ** 3 * x[:-1]  # noqa: E731
    x = np.linspace(1, 2, 5)
    expected = jf.jacobian(jf.jacobian(f))(x)
    np.testing.assert_allclose(jf.jacobian(jf.jacobian(f, method="compress"))(x), expected, atol=1e-12)
    np.testing.assert_allclose(jf.jacobian(jf.jacobian(f), method="compress")(x), expected, atol=1e-12)


@pytest.mark.parametrize("sparse_too", [False, True])
def test_long_loops_are_differentiated_level_by_level(sparse_too):
    """Of thousands of scalar nodes a single call makes a few operations; names and structure stay what they were."""
    loop, oracle = problems.heat(400), problems.heat(400, loop=False)

    def f(x):
        return {"out": loop.function(x["a"]), "sum": np.sum(x["a"]) * x["b"]}

    def same(x):
        return {"out": oracle.function(x["a"]), "sum": np.sum(x["a"]) * x["b"]}

    x = {"a": loop.point, "b": 2.0}
    for method in METHODS:
        J = jf.jacobian(f, sparse=sparse_too, method=method)(x)
        expected = jf.jacobian(same, sparse=sparse_too)(x)
        for output, row in expected.items():
            for name, block in row.items():
                ours, theirs = J[output][name], block
                ours, theirs = (m.toarray() if sparse_too else m for m in (ours, theirs))
                np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    g = jf.gradient(lambda x: np.sum(f(x)["out"]) + f(x)["sum"])(x)
    np.testing.assert_allclose(
        g["a"], jf.gradient(lambda x: np.sum(same(x)["out"]) + same(x)["sum"])(x)["a"], atol=1e-12
    )
