"""The object that `linearize` returns: a function of tangents, a linear operator, a matrix, a chain of layers."""

import copy
import functools
import pickle
from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as sl

import jacfwd as jf
import jacfwd.linear
from jacfwd.linear import LinearMap
from tests.awkward import FUNCTIONS, POINT

every = pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())
Pair = namedtuple("Pair", "first second")
TALL = np.random.default_rng(0).standard_normal((5, 3))


@dataclass
class State:
    u: object
    v: object


def tall(x):
    return np.sin(TALL @ x) * np.sum(x)


def structured(a, p):
    return {"s": np.sin(a) * np.sum(p["w"]), "t": Pair(np.sum(a), p["b"] * 2)}


@pytest.fixture(name="J")
def tall_map():
    return jf.linearize(tall, POINT)[1]


@pytest.fixture(name="A")
def tall_matrix():
    return jf.jacobian(tall)(POINT)


# A function of tangents


def test_it_takes_and_returns_shaped_tangents():
    y, J = jf.linearize(structured, POINT, {"w": np.ones((2, 2)), "b": 4.0})
    assert y["t"].second == 8.0
    moved = J(POINT, {"w": np.ones((2, 2)), "b": 1.0})
    assert list(moved) == ["s", "t"] and type(moved["t"]) is Pair
    np.testing.assert_allclose(moved["s"], np.cos(POINT) * POINT * 4 + np.sin(POINT) * 4)
    assert moved["t"] == (np.sum(POINT), 2.0) and type(moved["t"].second) is np.float64
    back = J.T({"s": np.ones(3), "t": Pair(1.0, 2.0)})
    assert type(back) is tuple and back[1].keys() == {"w", "b"}
    assert back[1]["w"].shape == (2, 2) and back[1]["b"] == 4.0


@pytest.mark.parametrize(
    "tangents",
    [
        (),
        (POINT,),
        (POINT, {"w": np.ones((2, 3)), "b": 1.0}),
        (POINT, {"w": np.ones((2, 2)), "c": 1.0}),
        (POINT, (1.0, np.ones((2, 2)))),
        (POINT, POINT, POINT),
    ],
)
def test_tangents_of_another_structure_or_shape(tangents):
    _, J = jf.linearize(structured, POINT, {"w": np.ones((2, 2)), "b": 4.0})
    with pytest.raises(ValueError, match=r"expected tangents \(\*, \{'b': \*, 'w': \*\}\) of shapes .*, got"):
        J(*tangents)


@pytest.mark.parametrize("tangent", [None, "up", object(), np.array(["a"])])
def test_tangents_that_are_no_numbers(J, tangent):
    with pytest.raises(TypeError, match="expected numbers or an array"):
        J(tangent)


def test_a_tuple_as_the_argument():
    assert jf.linearize(lambda p: p[0] * p[1], (1.0, 2.0))[1]((3.0, 5.0)) == 11.0
    assert jf.linearize(lambda p: p[0] * 2, (1.0,))[1]((3.0,)) == 6.0
    assert jf.linearize(lambda p: p * 2, 1.0, argnums=(0,))[1](3.0) == 6.0
    assert jf.linearize(lambda p: p * 2, 1.0, argnums=(0,))[1].T(3.0) == (6.0,)
    assert jf.linearize(lambda p, q: p * q, 1.0, 2.0)[1].T(1.0) == (2.0, 1.0)


def test_a_dataclass_as_argument_and_output():
    _, J = jf.linearize(lambda s: State(s.u * s.v, s.v), State(2.0, POINT))
    moved = J(State(1.0, np.zeros(3)))
    assert type(moved) is State
    np.testing.assert_array_equal(moved.u, POINT)
    np.testing.assert_array_equal(moved.v, np.zeros(3))


def test_lists_are_arrays():
    _, J = jf.linearize(lambda x: [x[0] * x[1], x[0]], [2.0, 3.0])
    np.testing.assert_array_equal(J([1.0, 0.0]), [3, 1])
    np.testing.assert_array_equal(J.T([1, 1]), [4, 2])


def test_tangents_have_the_dtype_of_their_values():
    _, J = jf.linearize(lambda x, y: (x * x, y * 2.0), POINT.astype(np.float32), 1.0)
    a, b = J(POINT, 1)
    assert a.dtype == np.float32 and b.dtype == np.float64
    assert [part.dtype for part in J.T(np.ones(3), 1.0)] == [np.float32, np.float64]


def test_complex_and_real_outputs_together():
    _, J = jf.linearize(lambda x: (np.exp(1j * x), x), POINT)
    z, x = J(POINT)
    assert z.dtype == complex and x.dtype == float
    w = np.array([1j, 2.0, 1.0])
    np.testing.assert_allclose(J.T(w, POINT), 1j * np.exp(1j * POINT) * w + POINT)
    np.testing.assert_allclose(J.T(w, POINT), J.T @ np.concatenate([w, POINT]))
    for wrong in (lambda: J(w), lambda: J.T(w, w)):
        with pytest.raises(TypeError, match="is complex, but its value is float64: pass a real tangent"):
            wrong()


def test_tangents_of_integers_are_integers():
    y, J = jf.linearize(lambda x: (np.argsort(x), x > 0), POINT)
    assert [part.dtype for part in J(POINT)] == [part.dtype for part in y]
    assert not any(part.any() for part in J(POINT))


def test_derivatives_that_are_not_complex_linear_are_still_functions_of_tangents():
    z, v = np.array([3 + 4j, 1j]), np.array([1 - 1j, 2 + 3j])
    _, J = jf.linearize(lambda z: np.abs(z) * np.conj(z), z)
    _y, dy = jf.jvp(lambda z: np.abs(z) * np.conj(z), z, v)
    np.testing.assert_allclose(J(v), dy)
    w = np.array([0.5 + 1j, -1.0])
    np.testing.assert_allclose(np.sum(np.real(J.T(w) * v)), np.sum(np.real(w * dy)))
    for reading in (lambda: J @ v, J.toarray, J.tocsr, lambda: J.layers, lambda: J.rmatvec(w), lambda: J.T @ w):
        with pytest.raises(jf.NotDifferentiableError, match="not complex differentiable"):
            reading()
    assert J.pattern.nnz == 2
    assert "2 x 2" in repr(J)


# A linear operator


@every
def test_all_readings_agree(f):
    _y, J = jf.linearize(f, POINT)
    A = jf.jacobian(f, flat=True, method="forward")(POINT)
    rng = np.random.default_rng(1)
    m, n = A.shape
    assert J.shape == (m, n) and J.dtype == A.dtype
    for k in ((), (1,), (4,), (0,)):
        v, w = rng.standard_normal((n, *k)), rng.standard_normal((m, *k))
        np.testing.assert_allclose(J @ v, A @ v, atol=1e-13)
        np.testing.assert_allclose(J.T @ w, A.T @ w, atol=1e-13)
        np.testing.assert_allclose(J.H @ w, A.conj().T @ w, atol=1e-13)
        assert (J @ v).shape == (m, *k) and (J.T @ w).shape == (n, *k)
        np.testing.assert_allclose(J @ (v + 2j * v), A @ (v + 2j * v), atol=1e-13)
        np.testing.assert_allclose(J.T @ (w - 1j * w), A.T @ (w - 1j * w), atol=1e-13)
        np.testing.assert_allclose(J.H @ (w - 1j * w), A.conj().T @ (w - 1j * w), atol=1e-13)
    for turned, expected in ((J, A), (J.T, A.T), (J.H, A.conj().T), (J.T.H, A.conj()), (J.H.T, A.conj())):
        assert type(turned) is LinearMap and turned.shape == expected.shape
        np.testing.assert_allclose(turned.toarray(), expected, atol=1e-13)
        np.testing.assert_allclose(turned.tocsr().toarray(), expected, atol=1e-13)
        np.testing.assert_allclose(turned.tocsc().toarray(), expected, atol=1e-13)
        np.testing.assert_allclose(functools.reduce(lambda a, b: b @ a, turned.layers).toarray(), expected, atol=1e-13)
        assert [len(state) for state in turned.states] == [
            turned.layers[0].shape[1],
            *(layer.shape[0] for layer in turned.layers),
        ]
        assert turned.pattern.shape == expected.shape
        assert turned.pattern.toarray()[expected != 0].all()


def test_the_four_products_of_a_linear_operator(J, A):
    np.testing.assert_allclose(J.matvec(np.ones(3)), A @ np.ones(3))
    assert J.matvec(np.ones((3, 1))).shape == (5, 1)
    np.testing.assert_allclose(J.rmatvec(np.ones(5)), A.T @ np.ones(5))
    assert J.rmatvec(np.ones((5, 1))).shape == (3, 1)
    np.testing.assert_allclose(J.matmat(np.eye(3)), A)
    np.testing.assert_allclose(J.rmatmat(np.eye(5)), A.T)
    np.testing.assert_allclose(np.ones(5) @ J, np.ones(5) @ A)
    np.testing.assert_allclose(J.dot(np.ones(3)), A @ np.ones(3))


@pytest.mark.parametrize("order", ["C", "F"])
def test_columns_of_wide_matrices(J, A, order, monkeypatch):
    monkeypatch.setattr(jacfwd.linear, "TRANSPOSED", 8)
    V = np.asarray(np.random.default_rng(5).standard_normal((A.shape[1], 4)), order=order)
    W = np.asarray(np.random.default_rng(6).standard_normal((A.shape[0], 4)), order=order)
    np.testing.assert_allclose(J @ V, A @ V, atol=1e-14)
    np.testing.assert_allclose(J.T @ W, A.T @ W, atol=1e-14)
    assert (J @ V[:, :0]).shape == (A.shape[0], 0)


def test_complex_products_conjugate_where_the_operator_says_so():
    _, J = jf.linearize(lambda x: np.exp(1j * x), POINT)
    A, w = J.toarray(), np.array([1 + 1j, 2.0, 3j])
    np.testing.assert_allclose(J.rmatvec(w), A.conj().T @ w)
    np.testing.assert_allclose(J.rmatmat(w[:, None])[:, 0], A.conj().T @ w)
    np.testing.assert_allclose(J.T.rmatvec(w), A.conj() @ w)


@pytest.mark.parametrize("method", ["transpose", "adjoint"])
def test_transposing_by_method(J, A, method):
    turned = getattr(J, method)()
    assert type(turned) is LinearMap
    np.testing.assert_allclose(turned.toarray(), A.T)


def test_arithmetic_of_operators(J, A):
    np.testing.assert_allclose((2 * J) @ POINT, 2 * A @ POINT)
    np.testing.assert_allclose((J + J) @ POINT, 2 * A @ POINT)
    np.testing.assert_allclose((J.T @ J) @ POINT, A.T @ A @ POINT)
    assert sl.aslinearoperator(J) is J


@pytest.mark.parametrize("wrong", [np.ones(4), np.ones((4, 2)), np.ones((1, 3)), np.ones((2, 3, 1)), 3.0])
def test_products_of_wrong_shapes(J, wrong):
    with pytest.raises(ValueError, match=r"dimension|expected|Scalar"):
        J @ wrong


def test_solvers_of_scipy(J, A):
    b = np.arange(5.0)
    expected = np.linalg.lstsq(A, b)[0]
    np.testing.assert_allclose(sl.lsmr(J, b, atol=1e-14, btol=1e-14)[0], expected, rtol=1e-8)
    np.testing.assert_allclose(sl.lsqr(J, b, atol=1e-14, btol=1e-14)[0], expected, rtol=1e-8)
    np.testing.assert_allclose(np.sort(sl.svds(J, k=2)[1]), np.sort(np.linalg.svd(A)[1])[1:], rtol=1e-10)


def test_square_solvers_of_scipy():
    x = np.linspace(-1, 1, 8)
    _, J = jf.linearize(lambda x: np.tanh(x) + 0.1 * x[::-1], x)
    A = J.toarray()
    np.testing.assert_allclose(sl.gmres(J, x, rtol=1e-12)[0], np.linalg.solve(A, x), rtol=1e-8)
    largest = np.sort(np.linalg.eigvals(A).real)[-2:]
    np.testing.assert_allclose(np.sort(sl.eigs(J, k=2)[0].real), largest, rtol=1e-10)


# A matrix


def test_blocks_by_input_and_output():
    _, J = jf.linearize(structured, POINT, {"w": np.ones((2, 2)), "b": 4.0})
    A = J.toarray()
    assert J.block(0, 0).shape == (3, 3) and J.block(2, 1).shape == (1, 4)
    blocks = [[J.block(i, o) for i in range(3)] for o in range(3)]
    np.testing.assert_array_equal(sp.block_array(blocks).toarray(), A)
    np.testing.assert_array_equal(J.T.block(1, 2).toarray(), J.block(2, 1).toarray().T)
    for i, o in ((-1, 0), (0, -1), (3, 0), (0, 3)):
        with pytest.raises(ValueError, match=rf"block \({i}, {o}\) of a Jacobian with 3 inputs and 3 outputs"):
            J.block(i, o)


def test_matrices_are_new_each_time(J):
    J.tocsr().data[:] = 0
    J.toarray()[:] = 0
    J.tocsc().data[:] = 0
    assert J.tocsr().data.all() and J.toarray().all()


def test_products_are_new_memory():
    _, J = jf.linearize(lambda x: x, POINT)
    v = POINT.copy()
    assert not np.shares_memory(J @ v, v)
    assert not np.shares_memory(J(v), v)
    assert not np.shares_memory(J @ v[:, None], v)
    assert (J @ v).flags.writeable and J(v).flags.writeable


def test_the_point_may_change_afterwards():
    x = POINT.copy()
    _, J = jf.linearize(lambda x: x * x, x)
    x[:] = 77
    np.testing.assert_array_equal(J.toarray(), np.diag(2 * POINT))


def test_repr_shows_shape_entries_and_a_picture():
    _, J = jf.linearize(lambda x: x[1:] * x[:-1], np.ones(6))
    head, *picture = repr(J).splitlines()
    assert head == "<5 x 6 Jacobian, float64, 10 entries>"
    assert "nnz=10" in picture[0] and len(picture) > 1
    assert repr(jf.linearize(lambda x: x[:0], POINT)[1]) == "<0 x 3 Jacobian, float64, 0 entries>"
    assert "3 x 5" in repr(jf.linearize(tall, POINT)[1].T)


def test_it_pickles_and_copies(J, A):
    for other in (pickle.loads(pickle.dumps(J)), copy.deepcopy(J), copy.copy(J)):
        np.testing.assert_allclose(other @ POINT, A @ POINT)
        np.testing.assert_allclose(other(POINT), A @ POINT)
        np.testing.assert_allclose(other.T.toarray(), A.T)


def test_too_large_a_dense_matrix():
    _, J = jf.linearize(lambda x: x * x, np.ones(3_000_000))
    with pytest.raises(jf.MemoryBudgetError, match="use tocsr"):
        J.toarray()
    assert J.tocsr().nnz == 3_000_000


@pytest.mark.parametrize("f", [lambda x: x / np.linalg.norm(x), np.cumsum])
def test_more_entries_than_memory_holds(f):
    _, J = jf.linearize(f, np.linspace(0.1, 1, 200_000))
    for reading in (J.tocsr, J.tocsc, lambda: J.pattern, lambda: J.T.pattern, lambda: J.block(0, 0)):
        with pytest.raises(
            jf.MemoryBudgetError, match="40,000,200,000|40,000,000,000 entries needs .*; use products J @ v"
        ):
            reading()
    assert repr(J) == "<200000 x 200000 Jacobian, float64>"
    assert (J @ np.ones(200_000)).shape == (200_000,)


def test_layers_beyond_memory():
    _, J = jf.linearize(np.cumsum, np.ones(200_000))
    with pytest.raises(jf.MemoryBudgetError, match="layers of 40,000,000,000 entries"):
        J.layers  # noqa: B018  (built when it is asked for)
    assert len(jf.linearize(lambda x: x / np.linalg.norm(x), np.ones(200_000))[1].layers) == 2


# Under an outer derivative


def test_it_is_differentiated_again():
    def inner(x):
        return x**3 * np.sum(x)

    expected = jf.jvp(lambda x: jf.jvp(inner, x, x)[1], POINT, POINT)[1]
    for product in (
        lambda x: jf.linearize(inner, x)[1] @ x,
        lambda x: jf.linearize(inner, x)[1](x),
        lambda x: jf.linearize(inner, x)[1].toarray() @ x,
        lambda x: jf.linearize(inner, x)[1].T.T @ x,
        lambda x: (jf.linearize(inner, x)[1] @ x[:, None])[:, 0],
    ):
        np.testing.assert_allclose(jf.jvp(product, POINT, POINT)[1], expected)
        np.testing.assert_allclose(jf.jacobian(product)(POINT) @ POINT, expected)
    pattern = []
    jf.jvp(lambda x: pattern.append(jf.linearize(inner, x)[1].pattern.nnz) or x, POINT, POINT)
    assert pattern == [9]


def test_a_constant_map_of_traced_vectors(J, A):
    np.testing.assert_allclose(jf.jacobian(lambda x: J @ x)(POINT), A)
    np.testing.assert_allclose(jf.jacobian(lambda x: J.T @ np.tile(x, 2)[:5])(POINT), A.T @ np.eye(3)[[0, 1, 2, 0, 1]])
    with pytest.raises(ValueError, match=r"expected \(3,\) or \(3, k\), got \(2,\)"):
        jf.jacobian(lambda x: J @ x[:2])(POINT)
    with pytest.raises(ValueError, match="Scalar operands are not allowed"):
        jf.jacobian(lambda x: J @ x[0])(POINT)


@pytest.mark.parametrize("reading", ["tocsr", "tocsc", "layers", "states"])
def test_sparse_readings_refuse_traced_values(reading):
    def f(x):
        found = getattr(jf.linearize(np.sin, x)[1], reading)
        return found() if callable(found) else found

    with pytest.raises(TypeError, match="cannot be traced by an outer derivative"):
        jf.jvp(f, POINT, POINT)
