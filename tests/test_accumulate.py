"""Accumulation: structured products give the Jacobian that seeds give, sparse, dense and as a pattern."""

import numpy as np
import pytest

import jacfwd as jf
from bench.further import FURTHER
from bench.problems import PROBLEMS
from jacfwd.accumulate import accumulate, columns_of, listed, most_entries, structure, to_csr, to_dense
from jacfwd.arguments import select
from jacfwd.bracketing import bracketing, reversible
from jacfwd.formats.blocks import Dense
from jacfwd.formats.combined import Product
from jacfwd.formats.entries import identity, nothing
from jacfwd.recorded import record
from tests.awkward import FUNCTIONS, POINT

every = pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())


def chain_of(f, *args):
    return record(select(f, args, {}, None, holomorphic=True)).chain()


@every
def test_all_forms_agree_with_seeds(f):
    chain = chain_of(f, POINT)
    expected = chain.push(np.eye(3)).T
    parts = accumulate(chain)
    matrix = to_csr(chain, parts)
    np.testing.assert_allclose(matrix.toarray(), expected, atol=1e-13)
    np.testing.assert_allclose(to_dense(chain, parts), expected, atol=1e-13)
    pattern = structure(chain, parts)
    assert pattern.shape == matrix.shape == (chain.m, 3)
    assert pattern.toarray()[expected != 0].all()
    np.testing.assert_array_equal(pattern.indices, matrix.indices)
    np.testing.assert_array_equal(pattern.indptr, matrix.indptr)


def orders(chain, count):
    """From the output side, then random ones."""
    nodes = [step.node for step in chain.steps]
    rng = np.random.default_rng(len(nodes))
    yield nodes[::-1]
    for _ in range(count):
        yield rng.permutation(nodes).tolist()


@every
def test_nodes_are_eliminated_in_any_order(f):
    chain = chain_of(f, POINT)
    expected = to_csr(chain, accumulate(chain))
    for order in orders(chain, 10) if reversible(chain) else ():
        matrix = to_csr(chain, accumulate(chain, order))
        np.testing.assert_allclose(matrix.toarray(), expected.toarray(), atol=1e-13)
        # Orders differ in which terms cancel or merge: none may miss an entry.
        missing = expected.toarray().astype(bool) & ~structure(chain, accumulate(chain, order)).toarray()
        assert not missing.any()


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.title.replace(" ", "_"))
def test_all_orders_give_one_matrix_on_the_problems(problem):
    chain = chain_of(problem.function, problem.point)
    expected = to_csr(chain, accumulate(chain))
    for order in orders(chain, 2):
        matrix = to_csr(chain, accumulate(chain, order))
        assert matrix.nnz == expected.nnz
        assert abs(matrix - expected).max() <= 1e-12 * abs(expected).max()


@pytest.mark.parametrize("name", FURTHER)
def test_the_order_found_gives_the_matrix_of_seeds(name):
    """In one call and as a program: waists, feedback by one number, sums over groups, stencils."""
    build, sizes = FURTHER[name]
    problem = build(sizes[0])
    chain = chain_of(problem.function, problem.point)
    expected = chain.push(np.eye(problem.n)).T
    found = accumulate(chain, bracketing(chain).order)
    np.testing.assert_allclose(to_dense(chain, found), expected, rtol=1e-10, atol=1e-12)
    J = jf.jacobian(problem.function, sparse=True, record=True, method="accumulate")
    for _ in range(3):
        np.testing.assert_allclose(J(problem.point).toarray(), expected, rtol=1e-10, atol=1e-12)


def random_function(seed):
    """A graph of wide, narrow and scalar nodes: matrices, sums, broadcasts, joins, products of two nodes."""
    rng = np.random.default_rng(seed)
    plan = [(int(rng.integers(7)), *rng.integers(0, 8, 2).tolist(), int(rng.integers(1, 7))) for _ in range(8)]

    def f(x):
        nodes = [x, np.sin(x)]
        for kind, i, j, size in plan:
            a, b = nodes[i % len(nodes)], nodes[j % len(nodes)]
            matrix = np.cos(np.arange(size * a.size)).reshape(size, a.size)
            nodes.append(
                [
                    lambda a, b, m: np.tanh(m @ a),
                    lambda a, b, m: a * np.sum(b),
                    lambda a, b, m: np.concatenate([a, b * b])[-12:],
                    lambda a, b, m: np.cos(a) * a,
                    lambda a, b, m: np.outer(a, b).reshape(-1)[:12],
                    lambda a, b, m: np.cumsum(a) / (2 + np.max(b)),
                    lambda a, b, m: a[::-1] + np.linalg.norm(b),
                ][kind](a, b, matrix)
            )
        return nodes[-1], np.sin(nodes[-2]), nodes[4]

    return f


@pytest.mark.parametrize("seed", range(30))
def test_the_jacobian_does_not_depend_on_the_order(seed):
    f, x = random_function(seed), np.linspace(0.3, 1.1, 5)
    chain = chain_of(f, x)
    expected = chain.push(np.eye(5)).T
    for order in [*orders(chain, 4), bracketing(chain).order]:
        np.testing.assert_allclose(to_dense(chain, accumulate(chain, order)), expected, rtol=1e-9, atol=1e-10)
    program = jf.jacobian(f, flat=True, method="accumulate", record=True)
    for _ in range(3):
        np.testing.assert_allclose(program(x), expected, rtol=1e-9, atol=1e-10)


def test_long_joins_are_taken_apart_where_they_must_be():
    def f(x):
        return np.sin(np.stack([x[k] * x[0] for k in range(100)])) * np.sum(x)

    chain = chain_of(f, np.linspace(0, 1, 100))
    expected = chain.push(np.eye(100)).T
    for order in [*orders(chain, 2), bracketing(chain).order]:
        np.testing.assert_allclose(to_dense(chain, accumulate(chain, order)), expected, atol=1e-13)


@every
def test_the_matrix_is_canonical(f):
    chain = chain_of(f, POINT)
    matrix = to_csr(chain, accumulate(chain))
    assert matrix.format == "csr" and matrix.has_canonical_format and matrix.has_sorted_indices
    assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
    assert matrix.dtype == chain.dtype
    assert to_dense(chain, accumulate(chain)).dtype == chain.dtype
    assert matrix.data.flags.writeable


def test_outputs_that_depend_on_nothing_have_no_format():
    assert accumulate(chain_of(lambda x: (x, 1.0, x > 0), POINT))[1:] == [None, None]


def test_inputs_begin_at_their_columns():
    chain = chain_of(lambda x, y: x * y, POINT, np.ones(3))
    np.testing.assert_array_equal(columns_of(chain, 1).todense(), np.eye(3, 6, 3))


@pytest.mark.parametrize("point", [np.zeros(4), np.ones(4), np.array([0.0, np.inf, np.nan, 1.0])])
def test_the_structure_does_not_depend_on_the_point(point):
    def f(x):
        with np.errstate(all="ignore"):
            return x[1:] * x[:-1] + np.where(x[1:] > 0.5, x[1:] ** 2, 0.0), np.max(x) * x[0]

    chain = chain_of(f, point)
    expected = chain_of(f, np.arange(4.0))
    assert structure(chain, accumulate(chain)) == structure(expected, accumulate(expected))
    assert to_csr(chain, accumulate(chain)).nnz == structure(expected, accumulate(expected)).nnz


def test_joined_inputs_of_which_one_is_constant():
    def f(x, y):
        return np.concatenate([np.sin(x), np.floor(y), y])

    chain = chain_of(f, POINT, POINT)
    np.testing.assert_allclose(to_dense(chain, accumulate(chain)), chain.push(np.eye(6)).T)


def test_bounds_on_numbers_of_entries():
    """Unmultiplied products are not refused for what they could hold at most."""

    def f(x):
        y = x * x
        for shift in (1, 2, -1):
            y = np.sin(y) * np.roll(y, shift)
        return y + np.roll(y, 3)

    for function, n in ((f, 3000), (lambda x: x / np.linalg.norm(x), 2000)):
        chain = chain_of(function, np.linspace(0.1, 1, n))
        parts = accumulate(chain)
        exact = to_csr(chain, parts).nnz
        bound = sum(map(most_entries, parts))
        assert exact <= bound <= 4 * exact
    products = [
        Product([identity((2000,)), identity((2000,))]),
        Product([nothing((2000,), (3,)), nothing((3,), (2000,))]),
    ]
    assert [most_entries(product) for product in products] == [2000, 0]
    dense = Dense(np.ones((2000, 2000)), (2000,))
    assert most_entries(Product([dense, identity((2000,))])) == 2000 * 2000


def test_half_precision():
    chain = chain_of(lambda x: x * x, POINT.astype(np.float16))
    assert to_csr(chain, accumulate(chain)).dtype == np.float32
    assert to_dense(chain, accumulate(chain)).dtype == np.float16


@pytest.mark.parametrize("z", [np.array([1 + 2j, 3 - 1j]), np.array([0.5j, -1.0])])
def test_dense_accumulation_is_differentiated_again(z):
    def f(z):
        return jf.jacobian(lambda z: z**3 * np.sum(z), method="accumulate", holomorphic=True)(z)

    H = jf.jacobian(f, holomorphic=True)(z)
    expected = jf.jacobian(
        jf.jacobian(lambda z: z**3 * np.sum(z), method="forward", holomorphic=True), holomorphic=True
    )(z)
    np.testing.assert_allclose(H, expected, rtol=1e-13)


def test_low_rank_is_written_out_as_one_block():
    """Two networks with a narrow middle, added: one list of all entries, in rows; sums within groups stay lists."""
    rng = np.random.default_rng(0)
    A, B, C = rng.standard_normal((3, 40)), rng.standard_normal((40, 3)), rng.standard_normal((3, 40))
    groups = np.repeat(np.arange(20), 2)
    x = rng.uniform(0.1, 1, 40)
    for f, full in (
        (lambda x: B @ np.tanh(A @ x) + x * np.linalg.norm(x) + B @ np.cos(C @ x), True),
        (lambda x: np.bincount(groups, weights=x * x)[groups] * x, False),
    ):
        chain = chain_of(f, x)
        lists = [len(rows) for rows, _, _ in listed(chain, accumulate(chain))]
        assert (1600 in lists) == full and sum(lists) <= 1600 + 80
        np.testing.assert_allclose(to_dense(chain, accumulate(chain)), chain.push(np.eye(40)).T, atol=1e-13)
