"""Colorings: theorems about known patterns, and random ones against the slow checker."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jacfwd.coloring import check, greedy
from jacfwd.pattern import Pattern

MASKS = hnp.arrays(bool, st.tuples(st.integers(0, 8), st.integers(0, 8)))


def pattern_of(mask):
    return Pattern.from_coo(*np.nonzero(mask), np.shape(mask))


def greedy_as_published(mask):
    """Algorithm 3.2 of Gebremedhin, Manne and Pothen (2005), which visits all distance-2 neighbours."""
    m, n = mask.shape
    colors = [-1] * n
    for v in range(n):
        forbidden = {colors[x] for w in range(m) if mask[w, v] for x in range(n) if mask[w, x]}
        colors[v] = next(color for color in range(n) if color not in forbidden)
    return colors


@given(MASKS)
def test_greedy_is_valid_and_is_the_published_algorithm(mask):
    colors = greedy(pattern_of(mask))
    check(pattern_of(mask), colors)
    np.testing.assert_array_equal(colors, greedy_as_published(mask))


@given(MASKS)
def test_the_longest_row_bounds_the_colors_from_below(mask):
    colors = greedy(pattern_of(mask))
    longest = max(mask.sum(axis=1), default=0)
    assert len(set(colors.tolist())) >= longest


@pytest.mark.parametrize(("lower", "upper"), [(0, 0), (1, 1), (5, 1), (0, 4)])
def test_a_band_needs_as_many_colors_as_it_is_wide(lower, upper):
    """Curtis, Powell and Reid (1974): column j has color j mod width."""
    mask = np.tri(20, k=upper, dtype=bool) & ~np.tri(20, k=-lower - 1, dtype=bool)
    np.testing.assert_array_equal(greedy(pattern_of(mask)), np.arange(20) % (lower + upper + 1))


def test_an_arrowhead_needs_a_color_for_every_column():
    mask = np.eye(70, dtype=bool)
    mask[0] = True
    np.testing.assert_array_equal(greedy(pattern_of(mask)), np.arange(70))


def test_empty_columns_share_color_zero():
    np.testing.assert_array_equal(greedy(Pattern.from_coo([], [], (3, 4))), [0, 0, 0, 0])
    assert greedy(Pattern.from_coo([], [], (3, 0))).shape == (0,)


def test_the_checker_explains_its_verdict():
    pattern = Pattern.from_coo([1, 1, 0], [0, 2, 1], (2, 3))
    check(pattern, [0, 0, 1])
    with pytest.raises(ValueError, match="columns 0 and 2 share color 4, and both have an entry in row 1"):
        check(pattern, [4, 0, 4])


@pytest.mark.parametrize("colors", [[0, 1], [0.0, 1.0, 2.0], [0, -1, 2], [[0, 1, 2]]])
def test_the_checker_wants_one_color_for_each_column(colors):
    with pytest.raises(ValueError, match="3 non-negative integers"):
        check(Pattern.from_coo([], [], (2, 3)), colors)
