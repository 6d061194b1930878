"""Patterns against dense boolean matrices, which do the same the obvious way."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from jacfwd.pattern import Pattern, framed, picture

SIZES = st.integers(0, 7)


def masks(shape=None):
    shapes = st.tuples(SIZES, SIZES) if shape is None else shape
    return hnp.arrays(bool, shapes)


def pattern_of(mask):
    return Pattern.from_coo(*np.nonzero(mask), mask.shape)


@st.composite
def equal_shapes(draw):
    shape = draw(st.tuples(SIZES, SIZES))
    return draw(masks(st.just(shape))), draw(masks(st.just(shape)))


@st.composite
def factors(draw):
    m, k, n = draw(st.tuples(SIZES, SIZES, SIZES))
    return draw(masks(st.just((m, k)))), draw(masks(st.just((k, n))))


@given(masks())
def test_readings_agree_with_the_dense_mask(mask):
    pattern = pattern_of(mask)
    assert pattern.shape == mask.shape
    assert pattern.nnz == np.count_nonzero(mask)
    np.testing.assert_array_equal(pattern.toarray(), mask)
    np.testing.assert_array_equal(pattern.tocsr().toarray(), mask)
    np.testing.assert_array_equal(pattern.T.toarray(), mask.T)
    np.testing.assert_array_equal(pattern.rows, np.nonzero(mask)[0])
    np.testing.assert_array_equal(pattern.indices, np.nonzero(mask)[1])


@given(equal_shapes())
def test_union_equality_and_containment(pair):
    a, b = map(pattern_of, pair)
    union = a | b
    np.testing.assert_array_equal(union.toarray(), pair[0] | pair[1])
    assert union.contains(a)
    assert union.contains(b)
    assert a.contains(b) == bool(np.all(pair[0] >= pair[1]))
    assert (a == b) == np.array_equal(*pair)
    assert a != b or hash(a) == hash(b)


@given(factors())
def test_product(pair):
    a, b = map(pattern_of, pair)
    np.testing.assert_array_equal((a @ b).toarray(), pair[0].astype(int) @ pair[1].astype(int) > 0)
    assert (a @ b).T == b.T @ a.T


def test_products_count_no_paths():
    """256 paths would wrap around to zero in an 8-bit count."""
    row = Pattern.from_coo(np.zeros(256, int), np.arange(256), (1, 256))
    assert (row @ row.T).nnz == 1


@given(masks(), st.randoms(use_true_random=False))
def test_order_and_duplicates_do_not_matter(mask, random):
    entries = list(zip(*np.nonzero(mask), strict=True)) * 2
    random.shuffle(entries)
    rows, cols = np.array(entries, dtype=int).reshape(-1, 2).T
    shuffled = Pattern.from_coo(rows, cols, mask.shape)
    assert shuffled == pattern_of(mask)
    assert hash(shuffled) == hash(pattern_of(mask))


@given(masks())
def test_pickle(mask):
    pattern = pattern_of(mask)
    copy = pickle.loads(pickle.dumps(pattern))
    assert copy == pattern
    assert not copy.indices.flags.writeable


def test_save_and_load_use_the_very_path(tmp_path):
    pattern = Pattern.from_coo([0, 2], [1, 0], (3, 2))
    path = tmp_path / "brusselator.pattern"
    pattern.save(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["brusselator.pattern"]
    assert Pattern.load(path) == pattern


def test_load_refuses_other_files(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, data=np.arange(3))
    with pytest.raises(ValueError, match="does not hold a Pattern"):
        Pattern.load(path)
    np.save(tmp_path / "other.npy", np.arange(3))
    with pytest.raises(ValueError, match="does not hold a Pattern"):
        Pattern.load(tmp_path / "other.npy")


@pytest.mark.parametrize("format", ["csr", "csc", "coo", "bsr", "lil", "dok", "dia"])
def test_from_sparse_takes_every_format(format):
    dense = np.diag([1.0, 2.0, 3.0]) + np.diag([4.0, 5.0], 1)
    expected = pattern_of(dense != 0)
    assert Pattern.from_sparse(sparse.coo_array(dense).asformat(format)) == expected
    assert Pattern.from_sparse(sparse.coo_matrix(dense).asformat(format)) == expected


def test_from_sparse_keeps_stored_zeros_and_its_argument():
    indices, indptr = np.array([2, 0, 0]), np.array([0, 3, 3])
    unsorted = sparse.csr_array((np.array([0.0, 1.0, -1.0]), indices, indptr), shape=(2, 3))
    pattern = Pattern.from_sparse(unsorted)
    np.testing.assert_array_equal(pattern.toarray(), [[True, False, True], [False, False, False]])
    np.testing.assert_array_equal(unsorted.indices, [2, 0, 0])


def test_from_sparse_refuses_what_is_no_sparse_matrix():
    with pytest.raises(TypeError, match="ndarray"):
        Pattern.from_sparse(np.eye(2))
    with pytest.raises(ValueError, match="two dimensions"):
        Pattern.from_sparse(sparse.coo_array(np.ones(3)))


def test_arrays_are_read_only_and_never_the_callers():
    indptr, indices = np.array([0, 1, 2], dtype=np.int32), np.array([0, 1], dtype=np.int32)
    pattern = Pattern(indptr, indices, (2, 2))
    indices[:] = 7
    np.testing.assert_array_equal(pattern.indices, [0, 1])
    for array in (pattern.indptr, pattern.indices, pattern.tocsr().indices):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(AttributeError):
        pattern.shape = (3, 3)


def test_a_read_only_view_of_writeable_memory_is_copied():
    indices = np.array([0, 1], dtype=np.int32)
    view = indices[:]
    view.flags.writeable = False
    pattern = Pattern([0, 1, 2], view, (2, 2))
    indices[:] = 0
    np.testing.assert_array_equal(pattern.indices, [0, 1])


def test_read_only_arrays_are_shared():
    pattern = Pattern.from_coo([0, 1], [0, 1], (2, 2))
    assert Pattern(pattern.indptr, pattern.indices, (2, 2)).indices is pattern.indices
    assert np.shares_memory(pattern.tocsr().indices, pattern.indices)


def test_indices_are_int32_where_they_fit():
    assert Pattern.from_coo([0], [2**31 - 2], (1, 2**31 - 1)).indices.dtype == np.int32
    wide = Pattern.from_coo([0, 0], [2**31, 5], (1, 2**31 + 1))
    assert wide.indices.dtype == np.int64
    np.testing.assert_array_equal(wide.indices, [5, 2**31])


def test_a_large_pattern():
    n = 200_000
    i = np.arange(n)
    ring = Pattern.from_coo(np.tile(i, 3), np.concatenate([i, (i + 1) % n, (i - 1) % n]), (n, n))
    assert ring.nnz == 3 * n
    assert ring == ring.T
    assert (ring @ ring).nnz == 5 * n
    assert len(repr(ring)) < 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0], (2, 2)), "equal length"),
        (([0], [2], (2, 2)), r"cols must lie in \[0, 2\), got 2 to 2"),
        (([-1], [0], (2, 2)), "rows must lie in"),
        (([0.0], [0], (2, 2)), "rows must be a one-dimensional integer array, got float64"),
        (([[0]], [0], (2, 2)), "of shape"),
        (([0], [0], (2, 2, 2)), "two dimensions"),
        (([], [], (-1, 2)), "negative"),
    ],
)
def test_from_coo_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Pattern.from_coo(*arguments)


@pytest.mark.parametrize(
    ("indptr", "indices", "message"),
    [
        ([0, 1], [0], "indptr must have 3 elements"),
        ([0, 2, 1], [0], "rise from 0 to 1"),
        ([1, 1, 1], [0], "rise from 0 to 1"),
        ([0, 1, 1], [0, 1], "rise from 0 to 2"),
        ([0, 1, 2], [0, 2], "indices must lie in"),
        ([0, 2, 2], [1, 0], "strictly increasing"),
        ([0, 2, 2], [1, 1], "strictly increasing"),
    ],
)
def test_the_constructor_takes_canonical_arrays_only(indptr, indices, message):
    with pytest.raises(ValueError, match=message):
        Pattern(indptr, indices, (2, 2))


def test_a_fall_between_rows_is_no_fault_even_across_empty_rows():
    assert Pattern([0, 1, 1, 2], [1, 0], (3, 2)).nnz == 2


def test_mismatched_operands():
    a, b = Pattern.from_coo([0], [0], (1, 2)), Pattern.from_coo([0], [0], (1, 3))
    with pytest.raises(ValueError, match="equal shapes"):
        a | b
    with pytest.raises(ValueError, match="inner sizes"):
        a @ b
    with pytest.raises(TypeError):
        a | 1
    with pytest.raises(TypeError):
        a @ 1
    assert a != 1


def test_repr_draws_the_pattern():
    assert repr(pattern_of(np.eye(4, dtype=bool))) == "Pattern(shape=(4, 4), nnz=4)\n[⠑⢄]"
    assert repr(Pattern.from_coo([], [], (0, 3))) == "Pattern(shape=(0, 3), nnz=0)"


def test_every_position_has_its_own_dot_in_a_small_matrix():
    drawings = {picture([i], [j], (4, 2)) for i in range(4) for j in range(2)}
    assert len(drawings) == 8
    assert picture(np.repeat(range(4), 2), [0, 1] * 4, (4, 2)) == "[⣿]"


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 60))
def test_pictures_stay_within_their_frame(m, n, width):
    lines = picture([0, m - 1], [0, n - 1], (m, n), width=width).splitlines()
    assert len(lines) <= (width + 1) // 2
    assert {len(line) for line in lines} == {len(lines[0])}
    assert 3 <= len(lines[0]) <= width + 2
    blank = "⠀[]⎡⎤⎢⎥⎣⎦"
    assert any(dot not in blank for dot in lines[0])
    assert any(dot not in blank for dot in lines[-1])


def test_frames():
    assert framed(["ab"]) == "[ab]"
    assert framed(["ab", "cd", "ef"]).splitlines() == ["⎡ab⎤", "⎢cd⎥", "⎣ef⎦"]
