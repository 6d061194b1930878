"""Opaque functions as nodes: differences, complex steps, Jacobians of the user's, under every reading."""

import ctypes
import pickle

import numpy as np
import pytest
import scipy.sparse as sp

import jacfwd as jf
from jacfwd.errors import (
    BranchChangedError,
    JacobianMismatchError,
    NotDifferentiableError,
    UnsupportedFunctionError,
)
from jacfwd.testing import check_rule

X = np.array([0.5, -1.25, 2.0])
C_SIN = ctypes.CDLL(None).sin
C_SIN.restype, C_SIN.argtypes = ctypes.c_double, [ctypes.c_double]


def compiled(x):
    """Sines by the C library, which knows no arrays, times the next element."""
    return np.array([C_SIN(float(v)) for v in x]) * np.roll(x, -1)


def plain(x):
    return np.sin(x) * np.roll(x, -1)


def plain_jac(x):
    n = len(x)
    J = np.diag(np.cos(x) * np.roll(x, -1))
    J[np.arange(n), (np.arange(n) + 1) % n] += np.sin(x)
    return J


def sparse_jac(x):
    return sp.csc_matrix(plain_jac(x))


def analytic(x):
    return np.exp(x) * np.sin(x[::-1])


dense = jf.black_box(compiled, jac=plain_jac)
sparse = jf.black_box(compiled, jac=sparse_jac)
differences = jf.black_box(compiled)
steps = jf.black_box(plain, method="complex_step")
BOXES = {"dense": dense, "sparse": sparse, "differences": differences, "steps": steps}
boxes = pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)


def tolerance(box):
    return {"rtol": 1e-7, "atol": 1e-9} if box is differences else {"rtol": 1e-13, "atol": 1e-14}


@boxes
@pytest.mark.parametrize("method", ["forward", "accumulate", "reverse", "auto"])
def test_every_method(box, method):
    expected = jf.jacobian(lambda x: np.exp(plain(2 * x)))(X)
    for sparsely in (False, True):
        J = jf.jacobian(lambda x: np.exp(box(2 * x)), method=method, sparse=sparsely)(X)
        np.testing.assert_allclose(J.toarray() if sparsely else J, expected, **tolerance(box))
    y, dy = jf.jvp(box, X, np.ones(3))
    np.testing.assert_array_equal(y, plain(X))
    np.testing.assert_allclose(dy, plain_jac(X).sum(axis=1), **tolerance(box))


@boxes
def test_rule(box):
    check_rule(box, X)
    check_rule(box, X[::-1])
    np.testing.assert_array_equal(box(X), compiled(X))


def test_structure():
    n = 6
    x = np.linspace(0.5, 1.5, n)
    assert jf.sparsity(sparse, x).nnz == 2 * n
    assert jf.sparsity(dense, x).nnz == n * n


@boxes
def test_second_order_by_differences(box):
    expected = jf.hessian(lambda x: plain(x).sum())(X)
    found = jf.hessian(lambda x: box(x).sum())(X)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    _, Hv = jf.hvp(lambda x: box(x).sum(), X, np.ones(3))
    np.testing.assert_allclose(Hv, expected @ np.ones(3), atol=1e-6)


@boxes
def test_replay_and_programs(box):
    def f(function):
        return lambda x: np.cos(function(x * x))

    G = jf.trace(f(box), X)
    other = np.array([1.5, 0.25, -0.75])
    y, J = jf.value_and_jacobian(f(plain))(other)
    np.testing.assert_allclose(G(other), y, rtol=1e-14)
    np.testing.assert_allclose(G.jacobian(other), J, **tolerance(box))
    np.testing.assert_allclose(G.jacobian(other, sparse=True).toarray(), J, **tolerance(box))
    np.testing.assert_allclose(G.linearize(other)[1].toarray(), J, **tolerance(box))
    S = jf.trace(lambda x: f(box)(x).sum(), X)
    np.testing.assert_allclose(S.gradient(other), J.sum(axis=0), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(S.hessian(other), jf.hessian(lambda x: f(plain)(x).sum())(other), atol=1e-5)


@boxes
def test_graphs_pickle_by_reference(box):
    G = jf.trace(lambda x: box(x) * 2, X)
    G.jacobian(X)
    again = pickle.loads(pickle.dumps(G))
    np.testing.assert_array_equal(again(X + 1), 2 * compiled(X + 1))
    np.testing.assert_allclose(again.jacobian(X), 2 * plain_jac(X), rtol=1e-7)
    assert pickle.loads(pickle.dumps(box.derivative)) is box.derivative


def test_several_arguments_results_and_static_ones():
    def g(a, power, b, *, scale=1.0, label="none"):
        assert label in ("none", "x")
        return {"product": a**power * b * scale, "sum": np.sum(a) + b}

    def jac(a, power, b, *, scale=1.0, label="none"):
        one = power * a ** (power - 1) * b * scale
        return {"product": (np.diag(one), a**power * scale), "sum": (np.ones(len(a)), 1.0)}

    a, b = np.array([1.0, 2.0, 3.0]), 0.5
    for box in (jf.black_box(g, jac=jac), jf.black_box(g), jf.black_box(g, "complex_step")):
        found = jf.jacobian(lambda a, b, box=box: box(a, 3, b, scale=2.0, label="x"), (0, 1))(a, b)
        expected = jac(a, 3, b, scale=2.0)
        for key, parts in expected.items():
            for part, wanted in zip(found[key], parts, strict=True):
                np.testing.assert_allclose(part, wanted, rtol=1e-8, atol=1e-10)
        check_rule(box, a, 2, b)


def test_static_arguments_may_be_anything():
    box = jf.black_box(lambda x, kind, nothing, names: x * len(kind) + len(names), jac=lambda x, *rest: np.eye(3) * 4)
    np.testing.assert_array_equal(jf.jacobian(lambda x: box(x, "four", None, ["a", "b"]))(X), np.eye(3) * 4)


def test_sparse_and_dense_blocks_side_by_side():
    box = jf.black_box(
        lambda x, y: (x * x * y, np.sum(x)),
        jac=lambda x, y: ((sp.diags_array(2 * x * y), x * x), (np.ones(len(x)), 0.0)),
    )
    (a, b), (c, d) = jf.jacobian(box, (0, 1), sparse=True)(X, 3.0)
    np.testing.assert_array_equal(a.toarray(), np.diag(6 * X))
    assert a.nnz == 3
    np.testing.assert_array_equal(b.toarray()[:, 0], X * X)
    np.testing.assert_array_equal(c.toarray(), np.ones((1, 3)))
    assert d.toarray() == 0


def test_integers_beside_floats_must_fit():
    small = jf.black_box(lambda x: (x.sum(), 2**40 + 1), jac=lambda x: (np.ones(3), np.zeros(3)))
    assert jf.value_and_jacobian(lambda x: small(x))(X)[0][1] == 2**40 + 1
    large = jf.black_box(lambda x: (x.sum(), 2**60 + 1), jac=lambda x: (np.ones(3), np.zeros(3)))
    with pytest.raises(UnsupportedFunctionError, match="too large"):
        jf.jacobian(lambda x: large(x)[0])(X)


def test_integers_that_are_traced_are_what_they_are():
    box = jf.black_box(lambda x, k: x * k, jac=lambda x, k: float(k))
    G = jf.trace(lambda x: box(x, np.floor(x).astype(int)), 2.5)
    assert G.gradient(2.75) == 2
    assert jf.gradient(lambda x: box(x, np.floor(x).astype(int)))(3.5) == 3


def test_the_names_inside_are_the_originals():
    seen = []

    @jf.black_box
    def inner(x):
        seen.append((type(np.zeros(2)), type(x)))
        return x.sum()

    jf.jacobian(inner)(X)
    assert set(seen) == {(np.ndarray, np.ndarray)}


def test_single_precision():
    x = X.astype(np.float32)
    box = jf.black_box(lambda x: x * x * np.float32(0.5))
    y, J = jf.value_and_jacobian(box)(x)
    assert (y.dtype, J.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(J, np.diag(x), atol=1e-3)


def test_empty_and_scalars():
    box = jf.black_box(lambda x: x**3)
    np.testing.assert_allclose(jf.gradient(box)(2.0), 12, rtol=1e-9)
    assert jf.jacobian(box)(np.zeros((0, 2))).shape == (0, 2, 0, 2)
    np.testing.assert_allclose(jf.jacobian(box)(np.zeros(2)), np.zeros((2, 2)), atol=1e-12)


# Mistakes


def test_a_sparse_jacobian_that_grows_is_noticed():
    box = jf.black_box(lambda x: x * x, jac=lambda x: sp.csr_array(np.diag(2 * x)))
    G = jf.trace(box, np.array([1.0, 0.0]))
    np.testing.assert_array_equal(G.jacobian(np.array([3.0, 0.0]), sparse=True).toarray(), [[6, 0], [0, 0]])
    with pytest.raises(BranchChangedError, match="store all entries"):
        G.jacobian(np.array([3.0, 1.0]), sparse=True)
    H = jf.trace(box, np.array([1.0, 2.0]))
    np.testing.assert_array_equal(H.jacobian(np.array([0.0, 1.0]), sparse=True).toarray(), [[0, 0], [0, 2]])


def test_a_wrong_jacobian_is_noticed_by_the_check():
    with pytest.raises(JacobianMismatchError, match="push disagrees"):
        check_rule(jf.black_box(plain, jac=lambda x: plain_jac(x).T), X)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.real * x,
        lambda x: np.abs(x),
        lambda x: np.where(x.real > 0, x.real, x),
        lambda x: np.array(x.real) + 0j,
        lambda x: np.conj(x) * 2,
    ],
)
def test_functions_that_are_not_analytic_refuse_complex_steps(function):
    with pytest.raises(NotDifferentiableError, match="differences"):
        jf.jacobian(lambda x: np.real(jf.black_box(function, "complex_step")(x)))(X)


def test_differences_that_do_not_converge():
    noise = np.random.default_rng(0)
    box = jf.black_box(lambda x: x + noise.normal(size=x.shape))
    with pytest.raises(NotDifferentiableError, match="do not converge"):
        jf.jacobian(box)(X)
    with pytest.raises(NotDifferentiableError, match="do not converge"):
        jf.jacobian(jf.black_box(np.sign))(np.array([0.0]))


def test_complex_arguments_need_a_jacobian():
    with pytest.raises(NotDifferentiableError, match="jac="):
        jf.jacobian(lambda x: np.real(jf.black_box(lambda z: z * z)(x + 1j)))(X)
    box = jf.black_box(lambda z: z * z, jac=lambda z: np.diag(2 * z))
    found = jf.jacobian(lambda x: np.imag(box(x + 1j)))(X)
    np.testing.assert_allclose(found, 2 * np.eye(3))


@pytest.mark.parametrize(
    ("jac", "error"),
    [
        (lambda x: np.eye(2), ValueError),
        (lambda x: sp.eye_array(2), ValueError),
        (lambda x: (np.eye(3), np.eye(3)), ValueError),
    ],
)
def test_mistakes_of_jacobians(jac, error):
    with pytest.raises(error, match=r"jac of plain.*test_opaque\.py"):
        jf.jacobian(jf.black_box(plain, jac=jac))(X)


def test_mistakes_of_calls():
    with pytest.raises(ValueError, match="method"):
        jf.black_box(plain, method="reverse")
    with pytest.raises(TypeError, match="jac"):
        jf.black_box(plain, jac=3)
    with pytest.raises(TypeError, match="takes a function"):
        jf.black_box(3)
    with pytest.raises(NotDifferentiableError, match=r"in place.*test_opaque\.py"):
        jf.jacobian(jf.black_box(lambda x: x.sort() or x))(X)


def test_results_of_another_shape_are_noticed():
    box = jf.black_box(lambda x: x[x > 0], jac=lambda x: np.eye(3)[x > 0])
    G = jf.trace(box, X)
    np.testing.assert_array_equal(G(X * 2), X[[0, 2]] * 2)
    with pytest.raises(ValueError, match="the function returned"):
        G(-X)
