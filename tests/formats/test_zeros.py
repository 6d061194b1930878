"""Zeros are strong: an exact zero times anything, `inf` and `nan` included, is zero, in every format."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jacfwd.formats.blocks import Contraction, Dense
from jacfwd.formats.combined import Sum
from jacfwd.formats.compose import add, compose
from jacfwd.formats.entries import coo_entries, diagonal, identity, segments, selection
from jacfwd.formats.index import IndexMap
from jacfwd.formats.weights import numbers, plus, times, weigh

EXAMPLES = settings(max_examples=60, deadline=None)
SPECIAL = st.sampled_from([0.0, 1.0, -2.0, math.inf, -math.inf, math.nan])


def strong(a, b):
    """The product of two numbers, zeros being strong."""
    return 0.0 if a == 0 or b == 0 else a * b


def arrays(shape):
    """Arrays with zeros, infinities and nan."""
    size = math.prod(shape)
    return st.lists(SPECIAL, min_size=size, max_size=size).map(lambda values: np.array(values).reshape(shape))


def strong_matvec(rows, cols, values, v, n_out):
    """Row by row, entry by entry."""
    out = np.zeros(n_out)
    for row, col, value in zip(rows, cols, values, strict=True):
        out[row] += strong(value, v[col])
    return out


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@EXAMPLES
@given(arrays((3,)), arrays((2, 3)), st.sampled_from(["dense", "contraction", "entries", "sum", "diagonal"]))
def test_products_with_tangents(v, values, kind):
    rows, cols = np.divmod(np.arange(6), 3)
    if kind == "dense":
        fmt = Dense(values.T, (3,))
    elif kind == "contraction":
        fmt = Contraction("j", [(values, "ij")], "i", {"i": 2, "j": 3})
    elif kind == "sum":
        fmt = Sum([diagonal(values[0], (3,), (3,)), diagonal(values[1], (3,), (3,))])
        rows, cols = np.tile(np.arange(3), 2), np.tile(np.arange(3), 2)
    elif kind == "diagonal":
        fmt = diagonal(values, (3,), (2, 3))
        rows = np.arange(6)
    else:
        fmt = coo_entries((3,), (2,), rows, cols, values.reshape(-1))
    expected = strong_matvec(rows, cols, values.reshape(-1), v, fmt.n_out)
    np.testing.assert_array_equal(fmt.push(v[None]).reshape(-1), expected)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@EXAMPLES
@given(arrays((2, 3)), arrays((3, 2)), st.booleans(), st.booleans())
def test_products_of_lists_and_blocks(a, b, first_dense, second_dense):
    after = Dense(a.T, (3,)) if second_dense else as_list(a)
    before = Dense(b.T, (2,)) if first_dense else as_list(b)
    expected = np.array([[sum(map(strong, row, col)) for col in b.T] for row in a])
    got = compose(after, before)
    rows, cols, values = got.coo()
    listed = np.zeros((2, 2))
    np.add.at(listed, (rows, cols), values)
    np.testing.assert_array_equal(listed, expected)


def as_list(matrix):
    """A matrix as entries in an order of its own."""
    rows, cols = np.nonzero(np.ones(matrix.shape))
    order = np.argsort(cols * 7 % 5, kind="stable")
    return coo_entries(matrix.shape[1:], matrix.shape[:1], rows[order], cols[order], matrix.reshape(-1)[order])


NUMBERS = [1, -1, 3, 0, 2.0, 0.0, math.inf, 1j, np.array(2.0), np.float32(3.0)]
WEIGHTS = [
    *NUMBERS,
    np.array([0.0, 2.0, math.inf]),
    np.array([True, False, True]),
    np.array(False),
    np.array([1, 0, -2]),
]


def as_values(weights):
    """Three numbers."""
    return [complex(w) for w in np.broadcast_to(np.asarray(weights), (3,))]


def equal(got, expected):
    """Compare weights that may be of any kind."""
    np.testing.assert_array_equal(np.array(as_values(got)), np.array(expected))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("a", WEIGHTS, ids=repr)
@pytest.mark.parametrize("b", WEIGHTS, ids=repr)
def test_weights_multiply_and_add(a, b):
    x, y = as_values(a), as_values(b)
    with np.errstate(all="ignore"):
        products = [0 if p == 0 or q == 0 else real_product(p, q) for p, q in zip(x, y, strict=True)]
    equal(times(a, b), products)
    equal(plus(a, b), [p + q for p, q in zip(x, y, strict=True)])


def real_product(p, q):
    """Complex numbers without an imaginary part multiply as real ones: `inf` stays real."""
    if p.imag == 0 and q.imag == 0:
        return p.real * q.real
    return np.complex128(p) * np.complex128(q)


def test_small_weights_keep_their_kind():
    assert times(1, 1) == 1
    assert type(times(-1, 3)) is int
    mask = np.array([True, False])
    assert times(mask, 1) is mask
    assert times(1, mask) is mask
    assert times(mask, ~mask).dtype == bool
    assert numbers(mask).dtype == float
    assert plus(mask, mask).tolist() == [2, 0]
    assert type(plus(1, 2)) is int
    assert times(np.float32([2, 3]), 1).dtype == np.float32
    assert times(mask, np.float32([2, 3])).dtype == np.float32


def test_weighing_by_one_copies_nothing():
    block = np.ones((2, 3))
    assert weigh(1, block) is block
    np.testing.assert_array_equal(weigh(-1, block), -block)


def test_masks_choose():
    block = np.array([[math.nan, 1.0, math.inf]])
    mask = np.array([False, True, False])
    np.testing.assert_array_equal(diagonal(mask, (3,), (3,)).push(block), [[0, 1, 0]])
    np.testing.assert_array_equal(segments(IndexMap.of_positions(np.zeros(3, int), (1,)), mask).push(block), [[1]])


def test_a_pole_beside_a_mask():
    """`where(x > 0, log(x), 0)` at 0: the mask takes nothing of the infinite derivative."""
    pole = diagonal(np.array([math.inf, 1.0]), (2,), (2,))
    mask = diagonal(np.array([False, True]), (2,), (2,))
    made = compose(mask, pole)
    np.testing.assert_array_equal(made.push(np.eye(2)), [[0, 0], [0, 1]])
    np.testing.assert_array_equal(add([made, identity((2,))]).todense(), [[1, 0], [0, 2]])


def test_holes_let_nothing_through():
    block = np.full((1, 2), math.nan)
    padded = coo_entries((2,), (4,), np.array([1]), np.array([0]), 1)
    np.testing.assert_array_equal(padded.push(block), [[0, math.nan, 0, 0]])
    np.testing.assert_array_equal(
        selection(IndexMap.of_positions(np.array([1]), (2,))).T.push(block[:, :1]), [[0, math.nan]]
    )
