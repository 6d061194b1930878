"""Accumulation: structured products give the Jacobian that seeds give, sparse, dense and as a pattern."""

import numpy as np
import pytest

import jacfwd as jf
from bench.problems import PROBLEMS
from jacfwd.accumulate import accumulate, columns_of, most_entries, structure, to_csr, to_dense
from jacfwd.arguments import select
from jacfwd.bracketing import reversible
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


@every
def test_products_may_meet_anywhere(f):
    chain = chain_of(f, POINT)
    expected = to_csr(chain, accumulate(chain))
    for meet in range(len(chain.steps)) if reversible(chain) else ():
        matrix = to_csr(chain, accumulate(chain, meet))
        np.testing.assert_allclose(matrix.toarray(), expected.toarray(), atol=1e-13)
        # Orders differ in which terms cancel or merge: none may miss an entry.
        missing = expected.toarray().astype(bool) & ~structure(chain, accumulate(chain, meet)).toarray()
        assert not missing.any()


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.title.replace(" ", "_"))
def test_meeting_places_give_one_matrix_on_the_problems(problem):
    chain = chain_of(problem.function, problem.point)
    expected = to_csr(chain, accumulate(chain))
    steps = len(chain.steps)
    for meet in {0, steps // 3, 2 * steps // 3, steps - 1}:
        matrix = to_csr(chain, accumulate(chain, meet))
        assert matrix.nnz == expected.nnz
        assert abs(matrix - expected).max() <= 1e-12 * abs(expected).max()


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
