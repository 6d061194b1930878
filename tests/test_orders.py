"""Orders of elimination by sizes alone, against all orders, all bracketings and counts by hand."""

import functools
import itertools

import numpy as np
import pytest

from jacfwd.orders import FIRST, LAST, Factor, Tally, Vertices, cheapest, composed, spent, summed


def full(rows, cols, entries=None):
    """A matrix with all entries, or so many."""
    size = rows * cols if entries is None else entries
    return ((Factor(rows, cols, size, size),),)


def diagonal(n):
    return ((Factor(n, n, n, n, False, 1, 1),),)


def chain(*widths):
    """A chain of full matrices between so many numbers."""
    places = [FIRST, *range(len(widths) - 2), LAST]
    return Vertices({c: {p: full(widths[k + 1], widths[k])} for k, (p, c) in enumerate(itertools.pairwise(places))})


def least_of_all(widths):
    """The dynamic program for full matrices that are all written out, from its formula."""

    @functools.cache
    def cost(i, j):
        if j == i + 1:
            return 0
        return min(cost(i, k) + cost(k, j) + widths[j] * widths[k] * widths[i] for k in range(i + 1, j))

    return cost(0, len(widths) - 1)


def best(vertices, what="cost"):
    return min(getattr(spent(vertices, order), what) for order in cheapest(vertices))


WIDTHS = [
    (4, 3, 2),
    (8, 7, 6, 5, 4),
    (3, 8, 2, 8, 3, 8, 2),
    *(tuple(np.random.default_rng(seed).integers(1, 9, 4 + seed % 7).tolist()) for seed in range(40)),
]


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_chains_of_small_full_matrices_take_what_the_dynamic_program_says(widths):
    """Up to 8 rows or columns every product is written out, so that costs are those of Griewank and Naumann (2003)."""
    assert best(chain(*widths), "count") == least_of_all(widths)


@pytest.mark.parametrize("seed", range(12))
def test_chains_are_bracketed_best_whatever_their_matrices(seed):
    """Against all orders, with products that stay unmultiplied, diagonals and few entries among the factors."""
    rng = np.random.default_rng(seed)
    widths = rng.choice([1, 3, 20, 60, 200], 6).tolist()
    vertices = chain(*widths)
    for parents in vertices.into.values():
        for p, edge in parents.items():
            ((factor,),) = edge
            if factor.rows == factor.cols:
                parents[p] = diagonal(factor.rows)
            elif rng.integers(2):
                parents[p] = full(factor.rows, factor.cols, max(factor.rows, factor.cols))
    inner = [at for at in vertices.into if at != LAST]
    costs = [spent(vertices, order).cost for order in itertools.permutations(inner)]
    assert best(vertices) <= 1.05 * min(costs)


def random_graph(seed):
    """Five vertices between the first and the last, each of which some later ones depend on."""
    rng = np.random.default_rng(seed)
    places = [FIRST, *range(5), LAST]
    sizes = dict(zip(places, rng.choice([1, 2, 5, 10, 30], 7).tolist(), strict=True))
    into = {c: {} for c in places[1:]}
    for k, c in enumerate(places[1:], 1):
        for p in rng.choice(places[:k], min(k, int(rng.integers(1, 3))), replace=False).tolist():
            into[c][p] = diagonal(sizes[c]) if sizes[c] == sizes[p] else full(sizes[c], sizes[p])
    for k, p in enumerate(places[:-1]):
        if not any(p in parents for parents in into.values()):
            c = places[min(k + 1, 6)]
            into[c][p] = full(sizes[c], sizes[p])
    return Vertices(into)


def test_random_graphs_are_hardly_worse_than_the_best_of_all_orders():
    over = []
    for seed in range(40):
        vertices = random_graph(seed)
        orders = [list(range(5)), list(range(5))[::-1]]
        found = min(best(vertices), *(spent(vertices, order).cost for order in orders))
        least = min(spent(vertices, order).cost for order in itertools.permutations(range(5)))
        assert least <= found
        over.append(found / max(least, 1))
    assert np.median(over) <= 1.01 and max(over) <= 1.5


def test_what_is_left_is_one_matrix():
    for seed in range(10):
        vertices = random_graph(seed)
        tally = Tally()
        for at in range(5):
            vertices.eliminate(at, tally)
        assert set(vertices.into) == {LAST} and set(vertices.into[LAST]) == {FIRST}


def test_low_rank_stays_unmultiplied():
    tally = Tally()
    product = composed(full(100, 1), full(1, 100), tally)
    assert len(product) == 1 and len(product[0]) == 2 and tally.count == 0
    # A diagonal on its left goes through one factor only.
    scaled = composed(diagonal(100), product, tally)
    assert len(scaled[0]) == 2 and tally.count == 100


def test_what_takes_nothing():
    ones = ((Factor(10, 10, 10, 10, True, 1, 1),),)
    tally = Tally()
    assert composed(ones, ones, tally) == ones
    assert tally.count == 0 and tally.cost == 0.25 * 10


def test_sums():
    assert summed([*diagonal(5), *diagonal(5)], Tally()) == diagonal(5)
    ((one,),) = summed([*full(4, 4, 10), *full(4, 4, 10)], Tally())
    assert one.entries == 16
    ((one,),) = summed([*full(4, 4, 10)], Tally(), most=7)
    assert one.entries == 7


def test_many_products_are_written_out():
    tally = Tally()
    product = composed(full(100, 1), full(1, 100), Tally())
    ((one,),) = summed(20 * product, tally)
    assert one.entries == 100 * 100 and tally.count == 20 * 100 * 100


def test_a_vertex_waits_until_only_the_first_one_is_before_it():
    into = {0: {FIRST: full(5, 9)}, 1: {0: full(1, 5)}, LAST: {1: full(5, 1)}}
    free, held = Vertices(into), Vertices(into, held=frozenset([1]))
    assert free.allows(1) and not held.allows(1)
    for order in cheapest(held):
        assert order == [0, 1]
    held.eliminate(0, Tally())
    assert held.allows(1)


def test_sides():
    vertices = chain(2, 3, 4, 5, 6)
    assert vertices.sides([0, 1, 2]) == (3, 0, 0)
    assert vertices.sides([2, 1, 0]) == (0, 3, 0)
    assert vertices.sides([1, 0, 2]) == (2, 0, 1)
    assert vertices.sides([0, 2, 1]) == (1, 2, 0)


def test_long_chains_are_shortened_first():
    widths = [5, *(3 + k % 4 for k in range(60)), 5]
    assert best(chain(*widths), "count") <= 1.2 * least_of_all(widths)


def test_it_gives_up_where_there_is_too_much_to_look_at():
    """Every vertex depends on all before it."""
    places = [FIRST, *range(60), LAST]
    into = {c: {p: full(2, 2) for p in places[:k]} for k, c in enumerate(places) if k}
    assert all(sorted(order) == list(range(60)) for order in cheapest(Vertices(into)))
