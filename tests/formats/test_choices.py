"""Which format a product or a sum takes: structure decides, and what is written out stays small."""

import numpy as np
import pytest

from jacfwd.formats.base import Format
from jacfwd.formats.blocks import Contraction, Dense
from jacfwd.formats.combined import Product, Sum
from jacfwd.formats.compose import MOST_TERMS, add, compose, stack
from jacfwd.formats.entries import Entries, coo_entries, diagonal, identity, nothing, segments, selection
from jacfwd.formats.index import IndexMap
from jacfwd.formats.operators import Operator

N = 200


def shift(k, n=N, weights=1):
    """Element i of the result is element i + k, cyclically."""
    return Entries((n,), (n,), None, IndexMap.of_positions(np.roll(np.arange(n), -k), (n,)), weights)


def view(offset, step, size, n=N):
    """A slice."""
    return selection(IndexMap((size,), (n,), affine=(offset, (step,))))


def total(n=N):
    return segments(IndexMap((n,), (), affine=(0, (0,))))


def spread(n=N):
    return diagonal(1, (), (n,))


def scatter(n=N, seed=0):
    """A list of entries without order."""
    random = np.random.default_rng(seed)
    rows, cols = random.integers(0, n, (2, 2 * n))
    return coo_entries((n,), (n,), rows, cols, random.random(2 * n))


def running_sum(n=N):
    """The lower triangle of ones, known by what it does."""

    def back(block):
        return np.cumsum(block[:, ::-1], axis=-1)[:, ::-1]

    axes = ((0,), (0,))
    return Operator((n,), (n,), lambda b: np.cumsum(b, -1), back, axes, lambda i, o: i <= o, cost=(0, n))


# Lists of entries


def test_diagonals_and_selections_stay_selections():
    weights = np.arange(float(N))
    made = compose(diagonal(weights, (N,), (N,)), compose(shift(3), diagonal(weights, (N,), (N,))))
    assert type(made) is Entries
    assert made.rows is None
    assert made.nnz == N


def test_affine_maps_stay_affine():
    made = compose(view(3, 2, 10, 50), view(5, 1, 50))
    assert made.cols.affine == (8, (2,))
    made = compose(total(50), view(5, 1, 50))
    assert made.rows.affine == (0, (0,))


def test_identities_vanish():
    assert compose(identity((N,)), identity((N,))).cols is None
    assert compose(identity((N,), -1), shift(1)).weights == -1
    assert compose(identity((N,), -1), identity((N,), -1)).weights == 1
    assert compose(view(0, 1, N), identity((N,))).cols is None


def test_masks_meet_as_masks():
    mask = np.arange(N) % 2 == 0
    made = compose(diagonal(mask, (N,), (N,)), diagonal(~mask, (N,), (N,)))
    assert made.weights.dtype == bool
    assert not made.weights.any()


def test_small_weights_stay_small():
    made = compose(diagonal(np.float64(2.0), (N,), (N,)), shift(1))
    assert np.size(made.weights) == 1
    row = diagonal(np.arange(5.0), (4, 5), (4, 5))
    assert np.shape(compose(row, row).weights) == (5,)


def test_scattered_lists_are_joined_and_merged():
    made = compose(scatter(seed=1), scatter(seed=2))
    assert type(made) is Entries
    assert len(np.unique(made.coo()[0] * N + made.coo()[1])) == made.nnz


def test_rows_that_come_in_order_are_no_list():
    made = coo_entries((3,), (2, 2), np.arange(4), np.array([2, 0, 0, 1]), np.arange(4.0))
    assert made.rows is None
    assert made.shape == (2, 2)
    assert made.T.cols is None
    assert nothing((3,), (0,)).nnz == 0


def test_a_broadcast_that_is_summed_leaves_one_entry_for_each_row():
    """`sum_j (x_i y_j)` has one entry per row with respect to x, the sum of y."""
    y = np.arange(1.0, 6.0)
    outer = diagonal(y, (N, 1), (N, 5))
    for out, axis in (((N,), (1, 0)), ((N, 1), (1, 0))):
        made = compose(segments(IndexMap((N, 5), out, affine=(0, axis))), outer)
        assert type(made) is Entries
        assert made.nnz == N
        np.testing.assert_array_equal(made.push(np.ones((1, N, 1))), np.full((1, *out), 15.0))
    both = compose(segments(IndexMap((N, 5), (N,), affine=(0, (1, 0)))), diagonal(3, (N, 1), (N, 5)))
    assert both.weights == 15
    mask = compose(segments(IndexMap((N, 5), (N,), affine=(0, (1, 0)))), diagonal(y > 2, (N, 1), (N, 5)))
    np.testing.assert_array_equal(mask.push(np.ones((1, N, 1))), np.full((1, N), 3.0))


# Dense


def test_from_scalar_to_scalar_nothing_grows():
    made = compose(total(10**5), spread(10**5))
    assert made.nnz == 1
    assert made.todense() == 10**5


def test_dense_swallows_and_stays():
    block = Dense(np.ones((N, N)), (N,))
    for made in (
        add([block, shift(1)]),
        compose(shift(1), block),
        compose(block, shift(1)),
        add([shift(1), block]),
    ):
        assert type(made) is Dense
    assert type(compose(block, view(0, 1, N, 2 * N))) is Dense


def test_dense_knows_where_it_has_entries():
    half = np.tri(N, dtype=bool)
    block = Dense(np.where(half, 1.0, 0.0), (N,), half)
    assert block.nnz == half.sum()
    assert compose(shift(1), block).nnz == half.sum()
    assert add([block, shift(1)]).nnz == half.sum() + 1
    assert Dense(np.ones((3, 2)), (3,), np.ones((3, 2), bool)).present is None


def test_few_rows_of_a_dense_block_stay_few():
    """`out[:3] = A @ x` in a long array."""
    rows = Dense(np.ones((N, 3)), (N,))
    placed = compose(Entries((3,), (10 * N,), IndexMap.identity((3,), (10 * N,)), None), rows)
    assert placed.nnz == placed.size == 3 * N
    spread_out = compose(selection(IndexMap((1000, 3), (3,), affine=(0, (0, 1)))), rows)
    assert spread_out.size <= 3 * N + 3000


def test_few_dense_rows_in_a_stack_stay_few():
    made = stack([Dense(np.ones((N, 3)), (N,)), shift(1)], (N,), [3, N])
    assert made.size == 4 * N
    assert type(stack([Dense(np.ones((N, N)), (N,)), shift(1)], (N,), [N, N]).terms[0]) is Dense


@pytest.mark.parametrize(("n_in", "n_out"), [(4, 6), (6, 4)])
def test_dense_products_take_the_side_with_fewer_seeds(n_in, n_out):
    seen = []

    def operator(k_in, k_out):
        matrix = np.random.default_rng(k_in).random((k_in, k_out))

        def through(matrix):
            def apply(block):
                seen.append(len(block))
                return block @ matrix

            return apply

        return Operator((k_in,), (k_out,), through(matrix), through(matrix.T), ((0,), (0,)))

    before, after = operator(n_in, 50), operator(50, n_out)
    made = compose(after, before)
    assert type(made) is Dense
    assert set(seen) == {4}
    np.testing.assert_allclose(made.todense(), after.todense() @ before.todense())


def test_a_short_side_is_written_out():
    cumulate = running_sum()
    few = compose(cumulate, view(0, 1, N, N))
    assert type(few) is Product
    three = Entries((3,), (N,), IndexMap((3,), (N,), affine=(0, (90,))), None)
    made = compose(cumulate, three)
    assert type(made) is Dense
    assert made.nnz == N + (N - 90) + (N - 180)
    last = compose(total(), few)
    assert last.nnz == N
    assert type(last) is not Product


# Products


def low_rank(n=N):
    return compose(spread(n), total(n))


def test_a_mean_that_is_spread_is_not_multiplied_out():
    made = low_rank()
    assert type(made) is Product
    assert made.size == 2 * N
    assert made.nnz == N * N
    for _ in range(5):
        made = compose(diagonal(np.arange(float(N)), (N,), (N,)), made)
    assert type(made) is Product
    assert len(made.factors) == 2


def test_a_product_collapses_where_it_gets_narrow():
    made = compose(total(), compose(shift(1), low_rank()))
    assert made.size == N
    made = compose(low_rank(), low_rank())
    assert type(made) is Product
    assert made.size <= 3 * N
    before = compose(low_rank(), add([identity((N,)), shift(1)]))
    assert before.size <= 3 * N


def test_a_product_may_come_out_of_a_product():
    """The last two factors become one that is dense, and that is not multiplied with the first."""
    first = coo_entries((10 * N,), (N,), np.arange(10), np.arange(10) * 7, np.arange(10.0))
    chain = Product([first, running_sum()])
    made = compose(Dense(np.ones((N, 9)), (N,)), chain)
    assert type(made) is Product
    assert [type(factor) for factor in made.factors] == [Entries, Dense]
    np.testing.assert_allclose(made.todense(), np.ones((9, N)) @ chain.todense())


def test_no_sum_makes_a_product_full():
    made = add([low_rank(), identity((N,)), shift(1)])
    assert type(made) is Sum
    assert made.size == 4 * N
    squared = compose(made, made)
    assert squared.size <= 20 * N


def test_many_products_are_kept_apart_until_full_is_cheaper():
    few = add([compose(diagonal(np.arange(float(N)) + k, (N,), (N,)), low_rank()) for k in range(20)])
    assert type(few) is Sum
    many = add([few] * (N // 10))
    assert type(many) is Dense
    np.testing.assert_allclose(many.todense(), few.todense() * (N // 10))


def test_shared_matrices_stay_whole_and_own_ones_are_listed():
    """One matrix for all cells stays a contraction; a matrix for each cell is a list of entries."""
    cells, m = 60, 3
    sizes = {"b": cells, "i": m, "j": m}
    own = Contraction("bj", [(np.ones((cells, m, m)), "bij")], "bi", sizes)
    made = compose(own, diagonal(np.arange(cells * 3.0).reshape(cells, m), (cells, m), (cells, m)))
    assert type(made) is Entries
    assert made.nnz == cells * m * m
    cells, m = 500, 8
    sizes = {"b": cells, "i": m, "j": m}
    shared = Contraction("bj", [(np.ones((m, m)), "ij")], "bi", sizes)
    assert type(compose(shared, diagonal(np.ones((cells, m)), (cells, m), (cells, m)))) is Product


# Sums


def test_lists_are_composed_with_each_term():
    pair = add([shift(1), shift(2, weights=3)])
    weights = np.arange(float(N))
    made = compose(diagonal(weights, (N,), (N,)), pair)
    assert [type(term) for term in made.terms] == [Entries, Entries]
    assert all(term.rows is None for term in made.terms)
    made = compose(pair, diagonal(weights, (N,), (N,)))
    assert [type(term) for term in made.terms] == [Entries, Entries]


def test_paths_that_meet_collapse():
    made = add([shift(1, weights=2), shift(1), shift(1, weights=-1)])
    assert type(made) is Entries
    assert made.weights == 2
    mask = np.arange(N) % 2 == 0
    made = add([diagonal(mask, (N,), (N,))] * 300)
    assert type(made) is Entries
    np.testing.assert_array_equal(made.push(np.ones((1, N)))[0], 300 * mask)
    pairwise = IndexMap((N // 2, 2), (N,), affine=(0, (2, 1)))
    shaped = Entries((N,), (N,), pairwise, pairwise, np.array([1.0, 2.0]))
    made = add([identity((N,)), shaped])
    assert type(made) is Entries
    np.testing.assert_array_equal(made.push(np.ones((1, N)))[0], [2, 3] * (N // 2))


def test_up_to_32_reads_stay_apart():
    assert MOST_TERMS == 32
    terms: list[Format] = [shift(k) for k in range(33)]
    assert type(add(terms[:32])) is Sum
    assert len(add(terms[:32]).terms) == 32
    merged = add(terms)
    assert type(merged) is Entries
    assert merged.nnz == 33 * N


@pytest.mark.parametrize("transposed", [False, True])
def test_no_sum_has_more_than_twice_the_entries_of_its_list(transposed):
    """Maps that agree but for one position are different, and stand at the same places nearly everywhere."""
    terms: list[Format] = []
    for k in range(5):
        cols = np.arange(N)
        cols[k] = N - 1
        term = Entries((N,), (N,), None, IndexMap.of_positions(cols, (N,)), 1.0)
        terms.append(term.T if transposed else term)
    assert type(add(terms[:2])) is Sum
    made = add(terms)
    assert type(made) is Entries
    assert made.nnz == N + 5
    np.testing.assert_array_equal(made.todense(), sum(term.todense() for term in terms))


def test_lists_that_overlap_are_merged():
    made = add([scatter(seed=1), Sum([scatter(seed=1), scatter(seed=1)]), scatter(seed=2)])
    places = made.coo()[0] * N + made.coo()[1]
    assert made.nnz <= 2 * len(np.unique(places))


def test_overlaps_are_counted_once_for_maps_seen_before():
    terms = [shift(k) for k in (0, 1, 5, 9, 20)]
    assert type(add(terms)) is Sum
    assert type(add([compose(diagonal(np.ones(N), (N,), (N,)), term) for term in terms])) is Sum


def test_more_than_a_quarter_is_dense():
    terms = [shift(k, 100) for k in range(40)]
    assert type(add(terms)) is Dense
    assert add(terms).nnz == 4000
    assert type(add([shift(k, 200) for k in range(40)])) is Entries


def test_stacked_parts_keep_their_structure():
    made = stack([shift(1), None, low_rank(), shift(2)], (N,), [N, 5, N, N])
    assert type(made) is Sum
    assert made.size <= 7 * N
    picked = compose(view(N + 5, 1, N, 3 * N + 5), made)
    assert type(picked) is Product
    many = stack([shift(k) for k in range(40)], (N,), [N] * 40)
    assert type(many) is Entries
    assert many.nnz == 40 * N
    assert stack([None, None], (N,), [2, 3]).nnz == 0
