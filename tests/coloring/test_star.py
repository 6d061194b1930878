"""Star colorings of random graphs against the definition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jacfwd.coloring.star import fewest_star_colors, is_symmetric, star
from jacfwd.pattern import Pattern
from jacfwd.testing import check_coloring

SQUARE = st.integers(0, 9).flatmap(lambda n: hnp.arrays(bool, (n, n)))


def pattern_of(mask):
    return Pattern.from_coo(*np.nonzero(mask), np.shape(mask))


@given(SQUARE, st.randoms())
def test_star_colorings_are_valid_in_any_order(mask, random):
    pattern = pattern_of(mask | mask.T)
    order = list(range(len(mask)))
    for given_order in (None, order):
        colors = star(pattern, given_order)
        check_coloring(pattern, colors, "star")
        assert colors.max(initial=-1) + 1 >= fewest_star_colors(pattern)
        random.shuffle(order)


@given(SQUARE)
def test_no_color_could_be_smaller(mask):
    """Each vertex took the least color that was valid with those colored before it."""
    mask = mask | mask.T
    colors = star(pattern_of(mask))
    for v in range(len(mask)):
        so_far = pattern_of(mask[: v + 1, : v + 1])
        for smaller in range(colors[v]):
            tried = np.append(colors[:v], smaller)
            try:
                check_coloring(so_far, tried, "star")
            except ValueError:
                continue
            raise AssertionError(f"vertex {v} could have had color {smaller}")


def test_symmetry():
    assert is_symmetric(pattern_of(np.eye(3, dtype=bool)))
    assert is_symmetric(Pattern.from_coo([], [], (0, 0)))
    assert not is_symmetric(pattern_of(np.tri(3, dtype=bool)))
    assert not is_symmetric(Pattern.from_coo([], [], (2, 3)))


def test_the_bound_of_complete_graphs_is_sharp():
    for n in range(6):
        assert fewest_star_colors(pattern_of(np.ones((n, n), bool))) == n
    assert fewest_star_colors(pattern_of(np.eye(4, dtype=bool))) == 1
