"""`jf.coloring`: every kind and order, seeds and decompression."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import jacfwd as jf
from jacfwd.coloring import KINDS, ORDERS
from jacfwd.pattern import Pattern
from jacfwd.testing import check_coloring

MASKS = hnp.arrays(bool, st.tuples(st.integers(0, 8), st.integers(0, 8)))


def matrix_of(mask):
    """A sparse matrix with entries 1, 2, ... where the mask is."""
    rows, cols = np.nonzero(mask)
    return sp.csr_array((np.arange(1.0, len(rows) + 1), (rows, cols)), shape=mask.shape)


def products(C, J):
    return C.seeds() @ J.toarray() if C.kind == "rows" else (J.toarray() @ C.seeds().T).T


@given(MASKS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["best", *ORDERS])
def test_decompression_undoes_compression(kind, order, mask):
    if kind == "star":
        n = min(mask.shape)
        mask = mask[:n, :n] | mask[:n, :n].T
    J = matrix_of(mask)
    if kind == "star":
        J = (J + J.T).tocsr()
    C = jf.coloring(J, kind, order)
    check_coloring(J, C.colors, kind)
    assert C.seeds().shape == (C.n_colors, J.shape[0 if kind == "rows" else 1])
    assert C.lower_bound <= C.n_colors
    back = C.decompress(products(C, J))
    assert isinstance(back, sp.csr_array) and back.nnz == J.nnz and back.has_canonical_format
    np.testing.assert_array_equal(back.toarray(), J.toarray())


def test_best_is_no_worse_than_any_order():
    mask = np.random.default_rng(0).random((60, 50)) < 0.08
    counts = {order: jf.coloring(matrix_of(mask), order=order).n_colors for order in ORDERS}
    best = jf.coloring(matrix_of(mask))
    assert best.n_colors == min(counts.values()) == counts[best.order]


@pytest.mark.parametrize("convert", [sp.csr_array, sp.csc_array, sp.coo_matrix, Pattern.from_sparse])
def test_what_is_colored_is_a_pattern_or_any_sparse_matrix(convert):
    band = convert(sp.diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(9, 9)).tocsr())
    C = jf.coloring(band)
    assert (C.n_colors, C.lower_bound, C.order) == (3, 3, "natural")
    assert repr(C) == "<Coloring of the columns of (9, 9): 3 colors (at least 3), natural>"
    again = pickle.loads(pickle.dumps(C))
    np.testing.assert_array_equal(again.colors, C.colors)


def test_stored_zeros_are_entries():
    S = sp.csr_array(([0.0, 1.0], [0, 1], [0, 2]), shape=(1, 2))
    assert jf.coloring(S).n_colors == 2


def test_fewer_rows_than_columns_matter_for_rows():
    arrow = np.eye(6, dtype=bool)
    arrow[0] = True
    assert jf.coloring(matrix_of(arrow)).n_colors == 6
    assert jf.coloring(matrix_of(arrow), "rows").n_colors == 2
    assert jf.coloring(matrix_of(arrow | arrow.T), "star").n_colors == 2


def test_values_are_passed_on_as_they_are():
    C = jf.coloring(sp.eye_array(3).tocsr())
    back = C.decompress([[1 + 2j, np.inf, 0]])
    assert back.dtype == complex and back.nnz == 3
    np.testing.assert_array_equal(back.diagonal(), [1 + 2j, np.inf, 0])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((sp.eye_array(3), "diagonal"), ValueError, "kind must be one of 'columns', 'rows', 'star', got 'diagonal'"),
        ((sp.eye_array(3), "rows", "random"), ValueError, "order must be one of 'best', 'natural', .* got 'random'"),
        ((np.eye(3),), TypeError, "expected a scipy.sparse array, got ndarray"),
        ((sp.csr_array(np.tri(3)), "star"), ValueError, "needs a symmetric pattern; use kind='columns'"),
        ((sp.csr_array(np.ones((2, 3))), "star"), ValueError, "needs a symmetric pattern"),
    ],
)
def test_what_cannot_be_colored(arguments, error, message):
    with pytest.raises(error, match=message):
        jf.coloring(*arguments)


def test_products_of_another_shape():
    C = jf.coloring(sp.csr_array(np.ones((2, 3))))
    with pytest.raises(ValueError, match=r"products with 3 seeds, shape \(3, 2\), got \(2, 3\)"):
        C.decompress(np.ones((2, 3)))
