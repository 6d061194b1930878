"""Constant entries as one matrix, against sums entry by entry."""

import numpy as np
import pytest
import scipy.sparse as sp

import jacfwd as jf
from jacfwd.formats.entries import LEAST, Entries, coo_entries
from jacfwd.formats.fixed import MANY, FixedMatrix, fixed_matrix


def entries(size, m, n, dtype=float, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.integers(-3, 4, size).astype(dtype)
    return rng.integers(0, m, size), rng.integers(0, n, size), weights


def entry_by_entry(rows, cols, weights, block, m):
    out = np.zeros((len(block), m), np.result_type(weights, block))
    for row, col, weight in zip(rows, cols, weights, strict=True):
        out[:, row] += np.where((weight == 0) | (block[:, col] == 0), 0, weight * block[:, col])
    return out


@pytest.mark.parametrize("p", [1, 3])
@pytest.mark.parametrize("size", [5, LEAST, MANY + 9])
@pytest.mark.parametrize("dtype", [float, complex, np.int32])
def test_products(p, size, dtype):
    rows, cols, weights = entries(size, 30, 20, dtype)
    block = np.random.default_rng(1).integers(-5, 5, (p, 20)).astype(float)
    found = fixed_matrix(rows, cols, weights, (30, 20))(block)
    assert found.shape == (p, 30) and found.flags.c_contiguous
    np.testing.assert_array_equal(found, entry_by_entry(rows, cols, weights, block, 30))


@pytest.mark.parametrize("weight", [np.inf, np.nan])
def test_weights_that_are_not_finite_are_left_to_strong_products(weight):
    assert fixed_matrix(np.arange(2), np.arange(2), np.array([1.0, weight]), (2, 2)) is None
    assert fixed_matrix(np.arange(2), np.arange(2), np.ones(2, np.float32), (2, 2)) is None


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("from_matrix", [False, True])
def test_entries_take_it_and_zeros_stay_strong(from_matrix):
    rows, cols, weights = entries(4 * LEAST, 30, 20)
    block = np.ones((4, 20))
    block[:, 3], block[0, 4], block[1, 4] = 0, np.inf, np.nan
    matrix = sp.csr_array(sp.coo_array((weights, (rows, cols)), shape=(30, 20))) if from_matrix else None
    if matrix is not None:
        coo = matrix.tocoo()
        rows, cols, weights = coo.row, coo.col, coo.data
    made = coo_entries((20,), (30,), rows, cols, weights)
    fmt = Entries((20,), (30,), made.rows, made.cols, weights, matrix)
    assert isinstance(fmt.fixed(block), FixedMatrix)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(fmt.push(block), entry_by_entry(rows, cols, weights, block, 30))


def test_one_product_makes_no_matrix_and_the_next_ones_do():
    rows, cols, weights = entries(4 * LEAST, 30, 20)
    fmt = coo_entries((20,), (30,), rows, cols, weights)
    block = np.arange(20.0)[None]
    assert fmt.fixed(block) is None
    assert isinstance(fmt.fixed(block), FixedMatrix)
    np.testing.assert_allclose(fmt.push(block), entry_by_entry(rows, cols, weights, block, 30), rtol=1e-14)
    assert fmt.fixed(block.astype(np.float32)) is None


def test_memory_of_a_canonical_matrix_is_shared():
    A = sp.csr_array(sp.coo_array((np.arange(1.0, 4), ([0, 2, 2], [1, 0, 3])), shape=(3, 4)))
    assert FixedMatrix.of_csr(A).matrix is A
    A.data[1] = 0
    assert FixedMatrix.of_csr(A) is None
    assert FixedMatrix.of_csr(A.tocsc()) is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
def test_recorded_and_differentiated_again(dtype):
    rng = np.random.default_rng(2)
    A = sp.csr_array(np.where(rng.random((40, 40)) < 0.2, rng.random((40, 40)), 0)).astype(dtype)
    x = rng.normal(size=40).astype(dtype)
    v = rng.normal(size=40).astype(dtype)

    def f(x):
        return A @ (x * x * x)

    G = jf.trace(f, x)
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    dense = A.toarray() * (3 * x * x)
    np.testing.assert_allclose(G.jvp(x, v)[1], dense @ v, rtol=tolerance, atol=tolerance * 10)
    if dtype == np.float64:
        assert "fixed_product" in G.source
        H = jf.trace(lambda x: np.sum(f(x) ** 2), x)
        expected = 2 * (dense.T @ dense @ v) + 12 * x * v * (A.T @ f(x))
        np.testing.assert_allclose(H.hvp(x, v)[1], expected, rtol=1e-11, atol=1e-11)
