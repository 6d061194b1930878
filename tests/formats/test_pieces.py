"""The small functions that formats are made of, one by one."""

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.formats import coo, terms, weights
from jacfwd.formats.dispatch import (
    as_array,
    as_dtype,
    constant_value,
    dispatched,
    on_arrays,
    strong_matmul,
    strong_product,
)
from jacfwd.formats.entries import Entries, coo_entries
from jacfwd.formats.index import IndexMap, c_strides

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
INF, NAN = np.inf, np.nan
MASK = np.array([True, False, True])
X = np.array([2.0, INF, -3.0])


class TestWeights:
    @pytest.mark.parametrize(
        ("weight", "expected"),
        [
            (1, X),
            (-1, -X),
            (3, 3 * X),
            (0, [0, 0, 0]),
            (MASK, [2, 0, -3]),
            (np.array([1.0, 0.0, 2.0]), [2, 0, -6]),
            (True, X),
        ],
    )
    def test_tangents_are_weighed(self, weight, expected):
        np.testing.assert_array_equal(weights.weigh(weight, X), expected)

    def test_one_is_no_work(self):
        assert weights.weigh(1, X) is X and weights.times(1, X) is X and weights.times(X, 1) is X

    @pytest.mark.parametrize(
        ("a", "b", "expected"),
        [
            (2, 3, 6),
            (-1, X, -X),
            (X, 2, 2 * X),
            (2, X, 2 * X),
            (MASK, ~MASK, [False, False, False]),
            (MASK, np.array([True, True, False]), [True, False, False]),
            (MASK, X, [2, 0, -3]),
            (X, MASK, [2, 0, -3]),
            (MASK, 4, [4, 0, 4]),
            (4, MASK, [4, 0, 4]),
            (np.array([0.0, 1.0, 2.0]), X, [0, INF, -6]),
        ],
    )
    def test_products(self, a, b, expected):
        found = weights.times(a, b)
        np.testing.assert_array_equal(found, expected)
        assert (np.asarray(found).dtype == bool) == (np.asarray(expected).dtype == bool)
        if type(a) is int and type(b) is int:
            assert type(found) is int

    @pytest.mark.parametrize(
        ("a", "b", "expected"),
        [(2, 3, 5), (MASK, 1, [2, 1, 2]), (1, MASK, [2, 1, 2]), (MASK, MASK, [2, 0, 2]), (X, 1, X + 1)],
    )
    def test_sums(self, a, b, expected):
        found = weights.plus(a, b)
        np.testing.assert_array_equal(found, expected)
        assert (type(found) is int) == (type(a) is int and type(b) is int)
        assert np.asarray(found).dtype != bool

    def test_masks(self):
        assert weights.is_mask(MASK) and not weights.is_mask(X) and not weights.is_mask(1)
        assert weights.numbers(MASK).tolist() == [1, 0, 1] and weights.numbers(MASK).dtype == float
        assert weights.numbers(X) is X


class TestDispatch:
    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("step", [1, 2, -1])
    @pytest.mark.parametrize(("m", "k", "n"), [(2, 3, 4), (1, 3, 1), (3, 1, 2), (1, 1, 1), (2, 0, 2)])
    def test_products_of_matrices_of_any_layout(self, order, step, m, k, n):
        random = np.random.default_rng(1)
        a = np.array(random.normal(size=(2, 2 * m, 2 * k)), order=order)[
            :, : m * abs(step) : step, : k * abs(step) : step
        ]
        b = np.array(random.normal(size=(2, 2 * k, 2 * n)), order=order)[
            :, : k * abs(step) : step, : n * abs(step) : step
        ]
        a, b = a[:, :m, :k], b[:, :k, :n]
        np.testing.assert_allclose(strong_matmul(a, b), np.einsum("sik,skj->sij", a, b), rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(strong_matmul(a[0], b), np.einsum("ik,skj->sij", a[0], b), rtol=1e-13, atol=1e-15)

    def test_broadcast_matrices(self):
        a = np.broadcast_to(np.arange(3.0), (4, 3))
        np.testing.assert_array_equal(strong_matmul(a, a.T), np.full((4, 4), 5.0))
        b = np.broadcast_to(np.arange(4.0)[:, None], (4, 3))
        np.testing.assert_array_equal(strong_matmul(b.T, b), np.full((3, 3), 14.0))

    def test_zeros_are_strong_in_products_of_matrices(self):
        a, b = np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 1.0]]), np.array([[INF, 3.0], [1.0, NAN]])
        np.testing.assert_array_equal(strong_matmul(a, b), [[1, NAN], [INF, 6], [INF, NAN]])
        many = np.zeros((1, 3000))
        many[0, 2999] = 1
        column = np.full((3000, 1), INF)
        column[-1] = 7
        np.testing.assert_array_equal(strong_matmul(many, column), [[7.0]])

    def test_zeros_are_strong(self):
        a, b = np.array([0.0, 1.0, NAN, 0.0, 2.0]), np.array([INF, INF, 0.0, NAN, 3.0])
        np.testing.assert_array_equal(strong_product(a, b), [0, INF, 0, 0, 6])
        assert strong_product(np.float32(0), np.float32(INF)).dtype == np.float32

    def test_lists_are_arrays(self):
        assert as_array([1.0, 2.0]).tolist() == [1.0, 2.0] and as_array(X) is X
        assert on_arrays(lambda a, b: (type(a), type(b)))([1.0], [2.0]) == (np.ndarray, list)

    @pytest.mark.parametrize(("dtype", "kind"), [(np.float32, "f"), (np.complex128, "c"), (np.float64, "f")])
    def test_tangents_take_the_dtype_of_their_node(self, dtype, kind):
        z = np.array([1 + 2j, 3.0])
        found = as_dtype(z, np.dtype(dtype))
        assert found.dtype == dtype and found.dtype.kind == kind
        np.testing.assert_array_equal(found, z if kind == "c" else [1, 3])
        assert as_dtype(X, X.dtype) is X

    def test_numbers_of_constant_stand_ins_are_known(self):
        def f(x):
            assert constant_value(x) is None
            assert constant_value([x[0], 1.0]) is None
            np.testing.assert_array_equal(constant_value(np.zeros_like(x) + 2.0), [2.0, 2.0])
            return x

        jf.linearize(f, np.ones(2))
        assert constant_value([1.0]) == [1.0]


class TestIndexMaps:
    def test_identity(self):
        index = IndexMap.identity((2, 3))
        assert index.is_identity and index.target == (2, 3) and index.flat.tolist() == list(range(6))
        part = IndexMap.identity((3,), (10,), offset=4)
        assert not part.is_identity and part.target == (10,) and part.flat.tolist() == [4, 5, 6]
        assert part.linear == (4, 1)

    def test_positions_that_are_evenly_spaced_are_linear(self):
        assert IndexMap.of_positions(np.array([2, 5, 8]), (9,)).linear == (2, 3)
        assert IndexMap.of_positions(np.array([8, 5, 2]), (9,)).linear == (8, -3)
        assert IndexMap.of_positions(np.array([7]), (9,)).linear == (7, 1)
        assert IndexMap.of_positions(np.array([2, 5, 9]), (10,)).linear is None
        assert IndexMap.of_positions(np.array([2, 6, 8]), (10,)).linear is None
        assert IndexMap.of_positions(np.zeros(0, int), (10,)).linear is None

    @pytest.mark.parametrize("outer", [(0, (6, 2)), (1, (6, -2)), (8, (-6, 2)), (3, (0, 2)), (3, (6, 0))])
    @pytest.mark.parametrize(
        "inner", [(0, (3, 1)), (5, (-3, -1)), (1, (1, 3)), (3, (-3, 1)), (0, (0, 1)), (2, (3, -1))]
    )
    def test_maps_compose(self, outer, inner):
        a = IndexMap((2, 3), (30,), affine=(outer[0] + 6, outer[1]))
        shape = (2, 3) if inner != (1, (1, 3)) else (2, 2)
        b = IndexMap(shape, (2, 3), affine=inner)
        np.testing.assert_array_equal(a.at(b).flat, a.flat[b.flat])
        copy = IndexMap(shape, (2, 3), flat=b.flat)
        np.testing.assert_array_equal(a.at(copy).flat, a.flat[b.flat])

    def test_a_stride_that_carries_over(self):
        # Every second element of a 2 x 3 array does not stay on one axis.
        a = IndexMap((2, 3), (60,), affine=(0, (20, 3)))
        b = IndexMap((3,), (2, 3), affine=(0, (2,)))
        np.testing.assert_array_equal(a.at(b).flat, [0, 6, 23])

    @pytest.mark.parametrize(
        ("shape", "affine"),
        [((2, 3), (0, (3, 1))), ((2, 3), (0, (1, 1))), ((3, 2), (0, (1, 2))), ((2, 2), (0, (0, 1))), ((3,), (8, (-4,))),
         ((1, 3), (1, (0, 2))), ((2, 2), (0, (2, 4))), ((2, 2), (0, (1, 1))), ((4, 2), (0, (2, 1))),
         ((2, 4), (0, (3, 1)))],
    )  # fmt: skip
    def test_scattering_is_the_transpose_of_gathering(self, shape, affine):
        index = IndexMap(shape, (12,), affine=affine)
        block = np.arange(1.0, 1 + 2 * index.size).reshape(2, *shape) ** 2
        expected = np.zeros((2, 12))
        for row, values in zip(expected, block.reshape(2, -1), strict=True):
            np.add.at(row, index.flat, values)
        np.testing.assert_array_equal(index.add(block), expected)
        written = IndexMap(shape, (12,), flat=index.flat)
        np.testing.assert_array_equal(written.add(block), expected)
        rows = np.arange(24.0).reshape(2, 12)
        np.testing.assert_array_equal(index.take(rows), rows[:, index.flat].reshape(2, *shape))
        np.testing.assert_array_equal(written.take(rows), rows[:, index.flat].reshape(2, *shape))

    def test_strides(self):
        assert c_strides((2, 3, 4)) == (12, 4, 1) and c_strides(()) == ()

    def test_text(self):
        assert repr(IndexMap.identity((3,))) == "[0,1,2]"
        assert repr(IndexMap.identity((13,))) == "<(13,) of (13,)>"


class TestPlaces:
    def test_weights_are_added_only_where_entries_stand_at_the_same_places(self):
        forth, back = IndexMap.of_positions(np.arange(3), (3,)), IndexMap.of_positions(np.arange(3)[::-1], (3,))
        indices = [None, forth, back]
        made = [Entries((3,), (3,), rows, cols, 1) for rows in indices for cols in indices]
        for a in made:
            for b in made:
                same = all(np.array_equal(x, y) for x, y in zip(a.coo()[:2], b.coo()[:2], strict=True))
                assert a.same_places(b) == same


class TestTerms:
    def test_distinct_places_are_counted(self):
        assert coo.distinct(np.array([0, 0, 1, 1]), np.array([2, 2, 0, 2]), 3) == 3
        assert coo.distinct(np.zeros(0, int), np.zeros(0, int), 3) == 0
        assert coo.distinct(np.array([1]), np.array([1]), 3) == 1

    def test_weights_in_different_shapes_are_summed(self):
        rows = IndexMap.identity((6,))
        a = Entries((6,), (6,), None, None, np.arange(6.0).reshape(6))
        b = Entries((2, 3), (2, 3), None, None, np.arange(3.0))
        assert rows.is_identity
        merged = terms.merge_equal([a, Entries((6,), (6,), None, None, np.ones(6))])
        assert len(merged) == 1
        np.testing.assert_array_equal(merged[0].coo()[2], np.arange(6.0) + 1)
        assert b.nnz == 6

    def test_axes_on_which_nothing_moves_are_summed(self):
        rows = IndexMap((3, 4), (3,), affine=(0, (1, 0)))
        cols = IndexMap((3, 4), (3,), affine=(0, (1, 0)))
        values = np.arange(12.0).reshape(3, 4)
        for weight, expected in ((values, values.sum(1)), (2, [8, 8, 8]), (np.arange(4.0), [6, 6, 6]),
                                 (values > 4, (values > 4).sum(1)), (values[:, :1], 4 * values[:, 0])):  # fmt: skip
            found = terms.folded(Entries((3,), (3,), rows, cols, weight))
            dense = np.zeros((3, 3))
            i, j, w = found.coo()
            np.add.at(dense, (i, j), w)
            np.testing.assert_array_equal(dense, np.diag(expected))
            assert found.nnz == 3

    @pytest.mark.parametrize(("count", "dense"), [(4, False), (5, True)])
    def test_more_than_a_quarter_is_dense(self, count, dense):
        places = np.arange(count)
        entries = coo_entries((4,), (4,), places // 4, places % 4, np.arange(1.0, count + 1))
        assert (type(terms.settled(entries)).__name__ == "Dense") == dense


def test_stand_ins_are_found_among_arguments_and_keywords():
    @dispatched
    def own(x, *, y):
        return x + y

    class StandIn:
        __jacfwd_tracer__ = True

        def __array_function__(self, function, types, args, kwargs):
            return function, types, args, kwargs

    one = StandIn()
    assert own(one, y=2.0) == (own, (StandIn,), (one,), {"y": 2.0})
    assert own(1.0, y=one) == (own, (StandIn,), (1.0,), {"y": one})
    assert own(1.0, y=2.0) == 3.0
