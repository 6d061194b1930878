"""Products with constant scipy.sparse matrices."""

import numpy as np
import pytest
import scipy.sparse as sp

import jacfwd as jf

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
