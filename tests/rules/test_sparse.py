"""Constant scipy.sparse matrices, their solutions, and linear operators."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as sl
from scipy.sparse.linalg import LinearOperator, aslinearoperator, factorized, splu, spsolve

import jacfwd as jf
from jacfwd.errors import TracerConversionError, UnsupportedFunctionError
from jacfwd.rules.sparse import RULES, Factors, operator_product, sparse_solution
from jacfwd.testing import check_rule

D = np.arange(12.0).reshape(3, 4)
FORMATS = ("csr", "csc", "coo", "dia", "bsr", "lil", "dok")
PRODUCTS = {
    "A @ x": (lambda A, x: A @ (x * x), (4,)),
    "A.dot(x)": (lambda A, x: A.dot(x * x), (4,)),
    "x @ A.T": (lambda A, x: (x * x) @ A.T, (4,)),
    "A @ X": (lambda A, x: A @ (x * x), (4, 2)),
    "X @ A.T": (lambda A, x: (x * x) @ A.T, (2, 4)),
}


@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("format", FORMATS)
def test_products_agree_with_the_dense_ones(format, product, kind):
    f, shape = PRODUCTS[product]
    A = getattr(sp, f"{format}_{kind}")(sp.csr_array(D))
    x = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    dense = PRODUCTS[product.replace("A.dot(x)", "A @ x")][0]
    expected = jf.jacobian(lambda x: dense(D, x))(x)
    for method in ("forward", "reverse", "accumulate"):
        assert np.allclose(jf.jacobian(lambda x: f(A, x), method=method)(x), expected)
    y, dy = jf.jvp(lambda x: f(A, x), x, x)
    assert np.allclose(y, dense(D, x))
    assert np.allclose(dy, np.tensordot(expected, x, x.ndim))


def test_a_matrix_times_a_vector_is_a_product():
    A = sp.csr_matrix(D)
    assert np.allclose(jf.jacobian(lambda x: A * x)(np.ones(4)), D)


def test_the_local_jacobian_is_the_matrix():
    values = np.random.default_rng(0).random((30, 20))
    A = sp.csr_array(np.where(values < 0.1, values, 0))
    J = jf.jacobian(lambda x: A @ x, sparse=True)(np.ones(20))
    assert J.nnz == A.nnz
    assert abs(J - A).max() == 0


def test_second_order():
    A = sp.csr_array(D)
    H = jf.hessian(lambda x: np.sum((A @ x) ** 2))(np.ones(4))
    assert np.allclose(H, 2 * D.T @ D)


@pytest.mark.parametrize(
    "f",
    [
        lambda A, x: A + x[0],
        lambda A, x: A.multiply(x),
        lambda A, x: A * x,
        lambda A, x: sp.diags_array(x) @ A,
    ],
)
def test_matrices_of_traced_values_are_refused(f):
    A = sp.csr_array(D)
    with pytest.raises((TypeError, NotImplementedError)):
        jf.jacobian(lambda x: f(A, x))(np.ones(4))


# Solutions and operators, against dense inverses and products

SQUARE = np.random.default_rng(3).normal(size=(4, 4)) + 4 * np.eye(4)
S = sp.csc_array(SQUARE)
INVERSE = np.linalg.inv(SQUARE)
TURNED = S + 1j * sp.csc_array(np.diag([1.0, 2.0], 2))
OUTSIDE, SOLVES = splu(S), factorized(S)


class Custom(LinearOperator):
    """A class of the user's."""

    def __init__(self):
        super().__init__(np.dtype(float), (4, 4))

    def _matvec(self, x):
        return SQUARE @ x

    def _rmatvec(self, x):
        return SQUARE.T @ x


CUSTOM = Custom()
ONE_WAY = LinearOperator((4, 4), matvec=lambda x: SQUARE @ x, dtype=float)
BOTH_WAYS = LinearOperator((4, 4), matvec=lambda x: SQUARE @ x, rmatvec=lambda x: SQUARE.T @ x, dtype=float)


def in_a_cell():
    lu, solve = splu(S), factorized(S)
    return lambda x: lu.solve(x) + solve(x)


LINEAR = {
    "spsolve": (lambda x: spsolve(S, x), INVERSE),
    "spsolve by module": (lambda x: sl.spsolve(S.tocsr(), x, permc_spec="NATURAL", use_umfpack=False), INVERSE),
    "spsolve of a matrix": (lambda x: spsolve(sp.csc_matrix(SQUARE), np.stack([x, 2 * x], 1))[:, 1], 2 * INVERSE),
    "spsolve of a column": (lambda x: spsolve(S, x[:, None]), INVERSE),
    "spsolve built inside": (lambda x: spsolve(sp.diags_array(np.full(4, 2.0)).tocsc(), x), np.eye(4) / 2),
    "splu": (lambda x: splu(S).solve(x), INVERSE),
    "splu transposed": (lambda x: splu(S).solve(x, trans="T"), INVERSE.T),
    "splu adjoint": (lambda x: splu(S).solve(x, "H"), INVERSE.T),
    "splu of a matrix": (lambda x: splu(S).solve(np.outer(x, [1.0, 3.0]))[:, 1], 3 * INVERSE),
    "splu outside": (lambda x: OUTSIDE.solve(x), INVERSE),
    "splu in a cell": (in_a_cell(), 2 * INVERSE),
    "factorized": (lambda x: factorized(S)(x), INVERSE),
    "factorized outside": (lambda x: SOLVES(x), INVERSE),
    "complex splu": (lambda x: splu(TURNED).solve(x + 0j, "H").real, np.linalg.inv(TURNED.toarray()).conj().T.real),
    "operator @ x": (lambda x: CUSTOM @ x, SQUARE),
    "operator * x": (lambda x: BOTH_WAYS * x, SQUARE),
    "operator(x)": (lambda x: CUSTOM(x), SQUARE),
    "operator.T @ x": (lambda x: CUSTOM.T @ x, SQUARE.T),
    "operator.H @ x": (lambda x: BOTH_WAYS.H @ x, SQUARE.T),
    "x @ operator": (lambda x: x @ CUSTOM, SQUARE.T),
    "X @ operator": (lambda x: (x[None] @ BOTH_WAYS)[0], SQUARE.T),
    "matvec": (lambda x: CUSTOM.matvec(x), SQUARE),
    "matvec of a column": (lambda x: CUSTOM.matvec(x[:, None])[:, 0], SQUARE),
    "rmatvec": (lambda x: CUSTOM.rmatvec(x), SQUARE.T),
    "matmat": (lambda x: CUSTOM.matmat(np.outer(x, [1.0, 2.0]))[:, 1], 2 * SQUARE),
    "rmatmat": (lambda x: CUSTOM.rmatmat(np.outer(x, [1.0, 2.0]))[:, 1], 2 * SQUARE.T),
    "aslinearoperator": (lambda x: aslinearoperator(S) @ x, SQUARE),
    "sums of operators": (lambda x: (CUSTOM + 2 * BOTH_WAYS) @ x, 3 * SQUARE),
    "expm_multiply": (lambda x: sl.expm_multiply(0 * S, x), np.eye(4)),
}


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize("name", LINEAR)
def test_linear_functions_are_their_matrices(name):
    linear, matrix = LINEAR[name]
    x = np.arange(1.0, 5)

    def f(x):
        return linear(x * x)

    f.linear = linear
    np.testing.assert_allclose(jf.value_and_jacobian(f)(x)[0], f(x), rtol=1e-14)
    for method in ("forward", "reverse", "accumulate"):
        np.testing.assert_allclose(jf.jacobian(f, method=method)(x), matrix * 2 * x, atol=1e-12)
    np.testing.assert_allclose(jf.jacobian(f, sparse=True)(x).toarray(), matrix * 2 * x, atol=1e-12)
    graph = jf.trace(f, x)
    np.testing.assert_allclose(graph(3 * x), f(3 * x), rtol=1e-13)
    np.testing.assert_allclose(graph.jacobian(3 * x), matrix * 6 * x, atol=1e-11)

    def total(x):
        return np.sum(linear(x * x) * np.arange(4.0))

    total.linear = linear
    np.testing.assert_allclose(jf.hessian(total)(x), np.diag(2 * np.arange(4.0) @ matrix), atol=1e-11)


SAMPLES = {
    sparse_solution: [
        (x, {"factors": Factors(matrix), "trans": trans})
        for matrix in (S, TURNED)
        for trans in "NTH"
        for x in (np.arange(4.0), np.arange(8.0).reshape(4, 2) * (1 + 2j), np.zeros((4, 0)), np.ones(4, np.float32))
    ],
    operator_product: [
        (x, {"operator": operator})
        for operator in (CUSTOM, BOTH_WAYS.T, aslinearoperator(TURNED))
        for x in (np.arange(4.0), np.arange(8.0).reshape(4, 2), np.arange(4) * (1 + 2j))
    ],
}


@pytest.mark.parametrize("function", SAMPLES)
def test_rules(function):
    assert function in RULES
    for x, params in SAMPLES[function]:
        check_rule(function, x, **params)


def test_a_solution_takes_one_factorization(monkeypatch):
    made = []
    original = sl.splu
    monkeypatch.setattr(sl, "splu", lambda *args, **kwargs: made.append(1) or original(*args, **kwargs))
    n = 500
    A = sp.diags_array([np.full(n, 3.0), np.ones(n - 1)], offsets=[0, 1]).tocsc()
    graph = jf.trace(lambda x: spsolve(A, x), np.ones(n))
    graph.jvp(np.ones(n), np.ones(n))
    assert len(made) == 1
    v = graph.linearize(np.ones(n))[1].T @ np.ones(n)
    np.testing.assert_allclose(A.T @ v, np.ones(n))


def test_the_caller_may_change_the_matrix_afterwards():
    A = S.copy()
    graph = jf.trace(lambda x: spsolve(A, x), np.ones(4))
    A.data[:] = 7.0
    np.testing.assert_allclose(graph.jacobian(np.ones(4)), INVERSE, atol=1e-14)


def test_names_are_put_back():
    jf.jacobian(lambda x: OUTSIDE.solve(x) + CUSTOM @ x)(np.ones(4))
    assert type(OUTSIDE) is sl.SuperLU
    assert "Gate" not in type(sl.splu).__name__
    assert vars(LinearOperator)["dot"].__code__.co_filename.endswith("_interface.py")


def test_a_factorization_is_what_it_stands_for():
    def f(x):
        lu = splu(S)
        assert isinstance(lu, sl.SuperLU)
        assert lu.shape == (4, 4)
        assert "SuperLU" in repr(lu)
        np.testing.assert_array_equal(lu.solve(np.ones(4)), splu(S).solve(np.ones(4)))
        return lu.solve(x) * lu.L[0, 0]

    np.testing.assert_allclose(jf.jacobian(f)(np.ones(4)), INVERSE, atol=1e-14)


HELD = {"lu": OUTSIDE}


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: HELD["lu"].solve(x), "works on plain arrays but not on traced ones"),
        (lambda x: spsolve(S, sp.csc_array(np.ones((4, 1)))) * spsolve(sp.csc_array(np.diag(x)), x), "converting"),
        (lambda x: spsolve(np.eye(4), x), "constant scipy.sparse"),
        (lambda x: (x[0] * CUSTOM) @ np.ones(4), "test_sparse.py"),
        (lambda x: CUSTOM.dot(x[0]), "multiply its product"),
        (lambda x: LinearOperator((4, 4), matvec=lambda v: x * v) @ np.ones(4), "test_sparse.py"),
        (lambda x: sl.cg(S, x)[0], "test_sparse.py"),
        (lambda x: sl.gmres(S, x)[0], "test_sparse.py"),
    ],
)
def test_what_has_no_derivative_is_refused(f, words):
    with pytest.raises((TracerConversionError, UnsupportedFunctionError), match=words):
        jf.jacobian(f)(np.ones(4))


def test_the_other_side_of_an_operator_takes_rmatvec():
    np.testing.assert_allclose(jf.jacobian(lambda x: ONE_WAY @ x, method="forward")(np.ones(4)), SQUARE)
    with pytest.raises(UnsupportedFunctionError, match=r"give it rmatvec="):
        jf.jacobian(lambda x: ONE_WAY @ x, method="reverse")(np.ones(4))


@pytest.mark.parametrize("name", ["matvec", "matmat", "rmatvec"])
def test_shapes_that_do_not_fit(name):
    with pytest.raises(ValueError, match="dimension mismatch"):
        jf.jacobian(lambda x: getattr(CUSTOM, name)(x))(np.ones(5))


def test_single_precision_stays():
    A = S.astype(np.float32)
    y, J = jf.value_and_jacobian(lambda x: spsolve(A, x))(np.ones(4, np.float32))
    assert y.dtype == J.dtype == np.float32
    np.testing.assert_allclose(J, INVERSE, atol=1e-6)
