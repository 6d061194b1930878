"""What is known of colorings: theorems, and the examples of the papers."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp

import jacfwd as jf
from jacfwd.testing import check_coloring


def pattern_of_edges(n, edges):
    """The symmetric pattern of a graph, with its diagonal."""
    mask = np.eye(n, dtype=bool)
    for a, b in edges:
        mask[a, b] = mask[b, a] = True
    return sp.csr_array(mask.astype(float))


def grid(rows, cols):
    """The 5-point pattern of a grid."""
    at = np.arange(rows * cols).reshape(rows, cols)
    down, along = zip(at[:-1].flat, at[1:].flat, strict=True), zip(at[:, :-1].flat, at[:, 1:].flat, strict=True)
    return pattern_of_edges(rows * cols, [*down, *along])


def can_be_star_colored(pattern, count):
    """Whether a star coloring with so many colors exists, by trying all, smaller graphs first."""
    n = pattern.shape[0]

    def extend(colors):
        if len(colors) == n:
            return True
        for color in range(min(count, 1 + max(colors, default=-1) + 1)):
            tried = [*colors, color]
            try:
                check_coloring(pattern[: len(tried), : len(tried)], np.array(tried), "star")
            except ValueError:
                continue
            if extend(tried):
                return True
        return False

    return extend([])


@pytest.mark.parametrize(("lower", "upper"), [(0, 0), (1, 1), (5, 1), (0, 4)])
@pytest.mark.parametrize("kind", ["columns", "rows"])
def test_a_band_needs_as_many_colors_as_it_is_wide(lower, upper, kind):
    """Curtis, Powell and Reid (1974): column j has color j mod width."""
    mask = np.tri(20, k=upper, dtype=bool) & ~np.tri(20, k=-lower - 1, dtype=bool)
    C = jf.coloring(sp.csr_array(mask), kind)
    assert C.n_colors == C.lower_bound == lower + upper + 1
    np.testing.assert_array_equal(C.colors, np.arange(20) % (lower + upper + 1))


def test_an_arrowhead_needs_a_color_for_every_column_but_two_in_a_hessian():
    """The example of Coleman and Moré (1984) for the use of symmetry."""
    arrow = pattern_of_edges(50, [(0, k) for k in range(1, 50)])
    assert jf.coloring(arrow).n_colors == jf.coloring(arrow, "rows").n_colors == 50
    assert jf.coloring(arrow, "star").n_colors == 2


@pytest.mark.parametrize("shape", [(5, 5), (10, 10), (7, 12)])
def test_five_colors_are_right_for_the_5_point_grid(shape):
    """Goldfarb and Toint (1984): (i + 2 j) mod 5; no fewer, since a row has five entries."""
    S = grid(*shape)
    i, j = np.indices(shape)
    check_coloring(S, ((i + 2 * j) % 5).reshape(-1))
    C = jf.coloring(S)
    assert C.lower_bound == 5 <= C.n_colors <= 7


@pytest.mark.parametrize("n", range(4, 9))
def test_paths_take_three_star_colors(n):
    path = pattern_of_edges(n, itertools.pairwise(range(n)))
    assert not can_be_star_colored(path, 2)
    assert jf.coloring(path, "star").n_colors == 3


@pytest.mark.parametrize(("n", "least"), [(3, 3), (4, 3), (5, 4), (6, 3), (7, 3), (8, 3), (9, 3)])
def test_cycles_take_three_star_colors_but_the_pentagon_four(n, least):
    """Fertin, Raspaud and Reed, "Star coloring of graphs" (2004)."""
    cycle = pattern_of_edges(n, [(k, (k + 1) % n) for k in range(n)])
    assert can_be_star_colored(cycle, least) and not can_be_star_colored(cycle, least - 1)
    assert least <= jf.coloring(cycle, "star").n_colors <= 4


@pytest.mark.parametrize(("shape", "least"), [((2, 2), 3), ((2, 3), 4), ((3, 3), 4), ((4, 4), 5)])
def test_star_colors_of_grids(shape, least):
    """Fertin, Raspaud and Reed (2004): 3 for a square, 4 for two or three rows, else 5."""
    S = grid(*shape)
    assert can_be_star_colored(S, least) and not can_be_star_colored(S, least - 1)
    assert least <= jf.coloring(S, "star").n_colors <= least + 1


@pytest.mark.parametrize(("a", "b"), [(1, 5), (2, 3), (3, 3), (2, 4)])
def test_complete_bipartite_graphs_take_one_more_than_the_smaller_side(a, b):
    """Fertin, Raspaud and Reed (2004)."""
    S = pattern_of_edges(a + b, [(i, a + j) for i in range(a) for j in range(b)])
    least = min(a, b) + 1
    assert can_be_star_colored(S, least) and not can_be_star_colored(S, least - 1)
    assert least <= jf.coloring(S, "star").n_colors <= max(a, b) + 1


@pytest.mark.parametrize(
    ("n", "edges", "published", "colors"),
    [
        (
            6,
            "12 23 25 26 34 46",
            [0, 1, 0, 2, 0, 0],
            3,
        ),
        (
            10,
            "12 17 23 25 34 36 4x 56 58 69 78 89 9x",
            [0, 1, 0, 2, 0, 3, 2, 4, 0, 1],
            5,
        ),
    ],
    ids=["Gebremedhin, Manne, Pothen (2005), figure 4.1", "Gebremedhin, Pothen, Tarafdar, Walther (2009), figure 1"],
)
def test_published_star_colorings(n, edges, published, colors):
    """Our checker accepts them, and we need no more colors."""
    places = "123456789x"
    S = pattern_of_edges(n, [(places.index(a), places.index(b)) for a, b in edges.split()])
    check_coloring(S, published, "star")
    assert max(published) + 1 == colors
    assert jf.coloring(S, "star").n_colors <= colors
