"""Greedy colorings of columns: the published algorithm, in any order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jacfwd.coloring.greedy import greedy
from jacfwd.pattern import Pattern
from jacfwd.testing import check_coloring

MASKS = hnp.arrays(bool, st.tuples(st.integers(0, 8), st.integers(0, 8)))


def pattern_of(mask):
    return Pattern.from_coo(*np.nonzero(mask), np.shape(mask))


def greedy_as_published(mask, order):
    """Algorithm 3.2 of Gebremedhin, Manne and Pothen (2005), which visits all distance-2 neighbours."""
    m, n = mask.shape
    colors = [-1] * n
    for v in order:
        forbidden = {colors[x] for w in range(m) if mask[w, v] for x in range(n) if mask[w, x]}
        colors[v] = next(color for color in range(n) if color not in forbidden)
    return colors


@given(MASKS, st.randoms())
def test_greedy_is_valid_and_is_the_published_algorithm(mask, random):
    order = list(range(mask.shape[1]))
    for given_order in (None, order):
        colors = greedy(pattern_of(mask), given_order)
        check_coloring(pattern_of(mask), colors)
        if not mask.all(axis=1).any():  # a full row: the same partition, other names
            np.testing.assert_array_equal(colors, greedy_as_published(mask, order))
        random.shuffle(order)


def test_another_order_gives_other_colors():
    path = pattern_of(np.array([[1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 1]], bool))
    np.testing.assert_array_equal(greedy(path), [0, 0, 1, 2])
    np.testing.assert_array_equal(greedy(path, [2, 3, 0, 1]), [1, 0, 0, 1])


def test_a_full_row_takes_a_color_for_every_column_at_once():
    n = 10**5
    zeros = np.zeros(n, int)
    np.testing.assert_array_equal(greedy(Pattern.from_coo(zeros, np.arange(n), (n, n))), np.arange(n))


@pytest.mark.parametrize("shape", [(3, 4), (3, 0), (0, 0), (0, 2)])
def test_empty_columns_share_color_zero(shape):
    np.testing.assert_array_equal(greedy(Pattern.from_coo([], [], shape)), np.zeros(shape[1]))
