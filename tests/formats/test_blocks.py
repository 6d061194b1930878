"""Dense blocks and contractions against einsum written out."""

import itertools

import numpy as np
import pytest

from jacfwd.formats.blocks import Contraction, Dense, contraction
from jacfwd.formats.compose import add, compose
from jacfwd.formats.contract import _plan, contract
from jacfwd.formats.entries import Entries, diagonal, selection
from jacfwd.formats.index import IndexMap
from jacfwd.formats.operators import Operator

SIZES = {"i": 2, "j": 3, "k": 4, "l": 5, "m": 1, "b": 2}

# x, labels of the factors, out
SHAPES = [
    ("jk", ["ij"], "ik"),  # A @ x, x a matrix
    ("ij", ["jk"], "ik"),  # x @ B
    ("j", ["ij"], "i"),
    ("i", ["ij"], "j"),
    ("bij", ["bjk"], "bik"),
    ("bjk", ["bij"], "bik"),
    ("bjk", ["ij"], "bik"),
    ("jk", ["bij"], "bik"),
    ("bj", ["bij"], "bi"),
    ("bi", ["bi"], "b"),
    ("i", ["i"], ""),
    ("ij", ["ij"], ""),
    ("i", ["j"], "ij"),
    ("j", ["i"], "ij"),
    ("ij", ["kl"], "ikjl"),
    ("ij", ["ij"], "ij"),
    ("ij", ["j"], "ij"),
    ("", ["ij"], "ij"),
    ("ij", [""], "ji"),
    ("ij", [], "ji"),
    ("ij", [], "i"),
    ("ij", [], ""),
    ("i", [], "ij"),
    ("ii", [], "i"),
    ("bb", [], ""),
    ("bib", ["ij"], "jb"),
    ("i", ["jj"], "ij"),
    ("i", ["jj"], "i"),
    ("i", ["ijk"], "j"),
    ("ij", ["jk", "kl"], "il"),
    ("jk", ["ij", "kl"], "il"),
    ("kl", ["ij", "jk"], "il"),
    ("i", ["ij", "j"], ""),
    ("ij", ["i", "j"], ""),
    ("jk", ["ij", "ki"], "i"),
    ("i", ["j", "k"], "ijk"),
    ("im", ["ij"], "j"),
    ("j", ["ij"], "imj"),
    ("mj", ["ij"], "ij"),
    ("ijkl", ["kjli"], ""),
    ("ijk", ["kjl"], "il"),
    ("ijk", ["jkl"], "il"),
    ("jl", ["ijk"], "lki"),
]


def sizes_of(*labels):
    return {label: SIZES[label] for own in labels for label in own}


def made(case, dtype=float, seed=0):
    x, factors, out = case
    rng = np.random.default_rng(seed)

    def values(labels):
        shape = tuple(SIZES[label] for label in labels)
        parts = rng.normal(size=(2, *shape))
        return (parts[0] + 1j * parts[1]).astype(dtype) if np.dtype(dtype).kind == "c" else parts[0].astype(dtype)

    arrays = [(values(labels), labels) for labels in factors]
    return Contraction(x, arrays, out, sizes_of(x, out, *factors)), values


def written_out(fmt, block):
    """The slow twin: a sum over every label, one term at a time."""
    every = "".join(dict.fromkeys(fmt.x + fmt.out + "".join(labels for _, labels in fmt.factors)))
    out = np.zeros((len(block), *fmt.out_shape), np.result_type(block, *(f for f, _ in fmt.factors)))
    for index in itertools.product(*(range(fmt.sizes[label]) for label in every)):
        at = dict(zip(every, index, strict=True))

        def place(labels, at=at):
            return tuple(at[label] for label in labels)

        weight = np.prod([factor[place(labels)] for factor, labels in fmt.factors])
        out[(slice(None), *place(fmt.out))] += weight * block[(slice(None), *place(fmt.x))]
    return out


@pytest.mark.parametrize("case", SHAPES, ids=lambda case: f"{case[0]},{','.join(case[1])}->{case[2]}")
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
class TestContraction:
    def test_push_and_pull(self, case, dtype):
        fmt, values = made(case, dtype)
        for p in (1, 3):
            block = np.stack([values(fmt.x) for _ in range(p)])
            np.testing.assert_allclose(fmt.push(block), written_out(fmt, block), rtol=1e-12, atol=1e-12)
            back = np.stack([values(fmt.out) for _ in range(p)])
            np.testing.assert_allclose(fmt.T.push(back), written_out(fmt.T, back), rtol=1e-12, atol=1e-12)
            pairing = np.sum(back * fmt.push(block))
            np.testing.assert_allclose(np.sum(fmt.pull(back) * block), pairing, rtol=1e-10)

    def test_coo(self, case, dtype):
        fmt, _ = made(case, dtype)
        for own in (fmt, fmt.T):
            rows, cols, values = own.coo()
            assert len(rows) == len(cols) == len(values) == own.nnz
            dense = np.zeros((own.n_out, own.n_in), dtype)
            np.add.at(dense, (rows, cols), values)
            np.testing.assert_allclose(dense, own.todense(), rtol=1e-12, atol=1e-12)
            assert own.pattern().contains(type(own.pattern()).from_coo(*np.nonzero(dense), dense.shape))

    def test_conj(self, case, dtype):
        fmt, _ = made(case, dtype)
        np.testing.assert_allclose(fmt.conj().todense(), np.conj(fmt.todense()), rtol=1e-12, atol=1e-12)

    def test_layouts_of_the_block(self, case, dtype):
        """Strided and broadcast blocks, as views of other formats hand them over."""
        fmt, values = made(case, dtype)
        one = values(fmt.x)
        broadcast = np.broadcast_to(one, (4, *one.shape))
        strided = np.repeat(np.stack([one] * 4), 2, axis=0)[::2]
        fortran = np.asfortranarray(strided)
        for block in (broadcast, strided, fortran):
            np.testing.assert_allclose(fmt.push(block), written_out(fmt, block), rtol=1e-12, atol=1e-12)


def test_factor_dtypes():
    block = np.ones((1, 3), np.float32)
    for factor in (np.arange(6).reshape(2, 3), np.ones((2, 3), bool), np.ones((2, 3), np.float32)):
        fmt = Contraction("j", [(factor, "ij")], "i", {"i": 2, "j": 3})
        np.testing.assert_allclose(fmt.push(block)[0], factor.sum(axis=1))
    assert fmt.push(block).dtype == np.float32


def test_empty_axes():
    for i, j, k in itertools.product((0, 2), repeat=3):
        fmt = Contraction("jk", [(np.ones((i, j)), "ij")], "ik", {"i": i, "j": j, "k": k})
        assert fmt.push(np.ones((0, j, k))).shape == (0, i, k)
        np.testing.assert_array_equal(fmt.push(np.ones((2, j, k))), np.full((2, i, k), float(j)))
        np.testing.assert_array_equal(fmt.T.push(np.ones((2, i, k))), np.full((2, j, k), float(i)))
        assert len(fmt.coo()[0]) == fmt.nnz == i * j * k


class TestStrongZeros:
    """An exact zero of a factor or a tangent annihilates what is not finite."""

    FACTOR = np.array([[0.0, 2.0, np.inf], [np.nan, 0.0, -np.inf]])

    def expected(self, block):
        with np.errstate(all="ignore"):
            terms = self.FACTOR[None] * block[:, None]
        terms[(self.FACTOR[None] == 0) | (block[:, None] == 0)] = 0
        return terms.sum(axis=-1)

    @pytest.mark.parametrize("p", [1, 5])
    def test_matrix_and_vector(self, p):
        rng = np.random.default_rng(0)
        block = rng.choice([0.0, 1.0, -2.0, np.inf, np.nan], size=(p, 3))
        fmt = Contraction("j", [(self.FACTOR, "ij")], "i", {"i": 2, "j": 3})
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(fmt.push(block), self.expected(block))
            np.testing.assert_array_equal(fmt.entries().push(block), self.expected(block))

    def test_dense(self):
        block = np.array([[0.0, 1.0], [np.inf, 0.0]])
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(
                Dense(block, (2,)).push(np.array([[1.0, 0.0], [0.0, 3.0]])), [[0, 1], [np.inf, 0]]
            )

    def test_batched(self):
        rng = np.random.default_rng(1)
        a = rng.choice([0.0, 1.0, np.inf], size=(2, 3, 4))
        block = rng.choice([0.0, -1.0, np.inf, np.nan], size=(3, 2, 4, 5))
        fmt = Contraction("bkl", [(a, "bjk")], "bjl", {"b": 2, "j": 3, "k": 4, "l": 5})
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(fmt.push(block), fmt.entries().push(block))

    def test_overflow_is_no_structural_zero(self):
        fmt = Contraction("j", [(np.array([[1e300, 1e300]]), "ij")], "i", {"i": 1, "j": 2})
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(fmt.push(np.array([[1e300, 0.0]])), [[np.inf]])

    def test_sum_that_overflows_although_the_values_do_not(self):
        fmt = Contraction("j", [(np.array([[1e308], [1e308]]), "ij")], "i", {"i": 2, "j": 1})
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(fmt.push(np.ones((1, 1))), [[1e308, 1e308]])


class TestNoKroneckerProduct:
    def test_push_of_three_factors(self):
        """d(A X B) = A dX B at a size at which the Kronecker product would have 10^10 entries."""
        n = 320
        rng = np.random.default_rng(0)
        a, b, v = rng.normal(size=(3, n, n))
        fmt = Contraction("jk", [(a, "ij"), (b, "kl")], "il", dict.fromkeys("ijkl", n))
        np.testing.assert_allclose(fmt.push(v[None])[0], a @ v @ b, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(fmt.T.push(v[None])[0], a.T @ v @ b.T, rtol=1e-9, atol=1e-9)
        assert fmt.nnz == n**4
        assert fmt.work()[0] == 2 * n**3

    def test_factors_are_multiplied_once_where_that_is_smaller(self):
        fmt, _ = made(("i", ["ij", "j"], ""))
        assert [labels for _, labels in fmt.terms] == ["i"]
        assert len(fmt.T.factors) == 1

    def test_labels_that_nothing_needs_are_summed_once(self):
        fmt, _ = made(("i", ["ijk"], "j"))
        assert [labels for _, labels in fmt.terms] == ["ij"]
        fmt, _ = made(("ij", ["jkl", "kb"], "ib"))
        assert [labels for _, labels in fmt.terms] == ["jb"]

    def test_factors_are_multiplied_where_that_is_no_larger(self):
        fmt, _ = made(("i", ["ij", "ij"], "j"))
        assert [labels for _, labels in fmt.terms] == ["ij"]
        fmt, _ = made(("i", ["j", "k"], "ijk"))
        assert [labels for _, labels in fmt.terms] == ["j", "k"]

    def test_the_cheaper_factor_comes_first(self):
        """(A V) B or A (V B), whichever makes less."""
        a, b = np.zeros((2, 3)), np.zeros((4, 5))
        for factors in ([(a, "ij"), (b, "kl")], [(b, "kl"), (a, "ij")]):
            fmt = Contraction("jk", factors, "il", {"i": 2, "j": 3, "k": 4, "l": 5})
            assert [own for _, _, own, _ in fmt.steps] == ["ij", "kl"]
            assert fmt.work() == (2 * 3 * 4 + 2 * 4 * 5, 2 * 3 * 4 + 2 * 4 * 5 - 2 * 4 - 2 * 5)
            turned = Contraction("kj", [(f, labels[::-1]) for f, labels in factors], "li", fmt.sizes)
            assert [own for _, _, own, _ in turned.steps] == ["ji", "lk"]
        long = Contraction("jk", [(np.zeros((9, 3)), "ij"), (b, "kl")], "il", {"i": 9, "j": 3, "k": 4, "l": 5})
        assert [own for _, _, own, _ in long.steps] == ["kl", "ij"]

    def test_work_counts_one_product(self):
        fmt, _ = made(("jk", ["ij"], "ik"))
        assert fmt.work() == (2 * 3 * 4, 2 * 3 * 4 - 2 * 4)
        assert Contraction("ij", [], "i", {"i": 2, "j": 3}).work() == (0, 4)


class TestChoice:
    def test_outer_products_are_entries(self):
        fmt = contraction("i", [(np.arange(3.0), "j")], "ij", {"i": 2, "j": 3})
        assert isinstance(fmt, Entries)
        assert fmt.rows is None
        assert fmt.nnz == 6

    def test_sums_stay_contractions_but_compose_as_entries(self):
        dot = contraction("i", [(np.arange(3.0), "i")], "", {"i": 3})
        assert isinstance(dot, Contraction)
        assert dot.slim
        scaled = compose(dot, diagonal(np.array([1.0, 2.0, 3.0]), (3,), (3,)))
        assert isinstance(scaled, Entries)
        np.testing.assert_array_equal(scaled.todense(), [[0, 2, 6]])

    def test_equal_sums_merge(self):
        """x . x has two equal edges, which are one list of entries."""
        x = np.arange(3.0)
        total = add([contraction("i", [(x, "i")], "", {"i": 3}), contraction("i", [(x, "i")], "", {"i": 3})])
        assert isinstance(total, Entries)
        assert total.nnz == 3
        np.testing.assert_array_equal(total.todense(), [2 * x])

    def test_matrix_products_stay_whole(self):
        fmt = contraction("jk", [(np.ones((2, 3)), "ij")], "ik", {"i": 2, "j": 3, "k": 4})
        assert isinstance(fmt, Contraction)
        assert not fmt.slim


class TestDense:
    def made(self):
        rng = np.random.default_rng(3)
        return Dense(rng.normal(size=(6, 4, 5)), (2, 3))

    def test_transposed_and_conjugate(self):
        fmt = self.made()
        rng = np.random.default_rng(4)
        v, w = rng.normal(size=(2, 2, 3)), rng.normal(size=(2, 4, 5))
        assert fmt.push(v).shape == (2, 4, 5)
        assert fmt.T.push(w).shape == (2, 2, 3)
        np.testing.assert_allclose(np.sum(fmt.push(v) * w), np.sum(fmt.pull(w) * v))
        np.testing.assert_array_equal(fmt.T.T.block, fmt.block)
        turned = Dense(fmt.block * (1 + 2j), (2, 3))
        np.testing.assert_array_equal(turned.conj().block, np.conj(turned.block))

    def test_coo(self):
        fmt = self.made()
        rows, cols, values = fmt.coo()
        dense = np.zeros((20, 6))
        dense[rows, cols] = values
        np.testing.assert_array_equal(dense, fmt.todense())
        assert fmt.work() == (120, 100)

    def test_composition_on_either_side(self):
        fmt = self.made()
        flip = selection(IndexMap.of_view(np.flip, (4, 5)))
        np.testing.assert_array_equal(compose(flip, fmt).todense(), flip.todense() @ fmt.todense())
        turn = selection(IndexMap.of_view(np.transpose, (3, 2)))
        np.testing.assert_array_equal(compose(fmt, turn).todense(), fmt.todense() @ turn.todense())

    def test_scalars(self):
        fmt = Dense(np.full((1,), 3.0), ())
        assert (fmt.in_shape, fmt.out_shape) == ((), ())
        np.testing.assert_array_equal(fmt.push(np.array([2.0])), [6.0])


class TestContract:
    """The two-operand product by itself."""

    def test_labels_known_to_one_operand_only_are_summed(self):
        a, b = np.arange(6.0).reshape(2, 3), np.arange(20.0).reshape(5, 4)
        np.testing.assert_allclose(contract(a, "ij", b, "lk", "ki"), np.einsum("ij,lk->ki", a, b))

    def test_products_as_they_mostly_come_move_nothing(self):
        """Matrix times block, block times matrix and their transposes: views, then one product."""
        sizes = {"*": 3, "b": 6, "m": 20, "k": 30, "n": 40}
        for a, b, out in (
            ("*mk", "kn", "*mn"),
            ("*mn", "kn", "*mk"),
            ("*kn", "mk", "*mn"),
            ("*mn", "mk", "*kn"),
            ("*k", "mk", "*m"),
            ("*m", "mk", "*k"),
            ("*bmk", "bkn", "*bmn"),
            ("*bmn", "bkn", "*bmk"),
            ("*bkn", "bmk", "*bmn"),
            ("*bmn", "bmk", "*bkn"),
            ("*bkn", "mk", "*bmn"),
            ("*b", "b", "*"),
        ):
            x = np.zeros([sizes[label] for label in a])
            y = np.zeros([sizes[label] for label in b])
            plan = _plan(a, b, out, x.shape, y.shape)
            assert np.shares_memory(plan.a.of(x), x)
            assert np.shares_memory(plan.b.of(y), y)
            assert plan.order is None
            assert contract(x, a, y, b, out).flags.c_contiguous

    def test_many_directions_of_few_columns_are_one_product(self):
        """A thousand products of a matrix with one column each would read the matrix a thousand times."""
        few = _plan("*kn", "mk", "*mn", (1000, 200, 2), (200, 200))
        assert few.a.of(np.zeros((1000, 200, 2))).shape == (2000, 200)
        wide = _plan("*kn", "mk", "*mn", (10, 200, 200), (200, 200))
        assert wide.a.of(np.zeros((10, 200, 200))).shape == (10, 200, 200)

    def test_many_directions_of_a_stack_of_vectors(self):
        """One product for each matrix of the stack, not for each direction too."""
        plan = _plan("*bk", "bmk", "*bm", (500, 4, 30), (4, 20, 30))
        assert plan.a.of(np.zeros((500, 4, 30))).shape == (4, 500, 30)

    def test_two_summed_labels_in_either_order(self):
        """The operand that is larger stays where it is."""
        for p in (1, 50):
            x, y = np.zeros((p, 20, 30)), np.zeros((30, 20, 40))
            plan = _plan("*ij", "jik", "*k", x.shape, y.shape)
            assert np.shares_memory(plan.b.of(y), y) == (p == 1)
            assert np.shares_memory(plan.a.of(x), x) == (p == 50)

    def test_few_directions_and_many_take_different_ways_to_one_result(self):
        rng = np.random.default_rng(0)
        a = rng.normal(size=(40, 30))
        for p, n in ((1, 1), (50, 2), (2, 50), (1, 40)):
            block = rng.normal(size=(p, 30, n))
            np.testing.assert_allclose(
                contract(block, "*jk", a, "ij", "*ik"),
                np.einsum("pjk,ij->pik", block, a),
                rtol=1e-12,
                atol=1e-12,
            )


def test_operator_and_contraction_compose():
    total = Operator(
        (3,),
        (3,),
        lambda b: np.cumsum(b, axis=1),
        lambda b: np.cumsum(b[:, ::-1], axis=1)[:, ::-1],
        ((0,), (0,)),
    )
    fmt, _ = made(("j", ["ij"], "i"))
    np.testing.assert_allclose(compose(fmt, total).todense(), fmt.todense() @ total.todense())
