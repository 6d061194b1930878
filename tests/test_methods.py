"""One matrix by any method: the same numbers, the same structure, in the format that was asked for."""

import numpy as np
import pytest

import jacfwd as jf
from jacfwd import memory, methods
from jacfwd.arguments import select
from jacfwd.coloring import fewest
from jacfwd.pattern import Pattern
from jacfwd.recorded import record
from tests.awkward import FUNCTIONS, POINT

METHODS = ("forward", "compress", "accumulate", "reverse", "auto")
every = pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())


def chain_of(f, *args):
    return record(select(f, args, {}, None, holomorphic=True)).chain()


@every
def test_dense_matrices_agree(f):
    chain = chain_of(f, POINT)
    expected = methods.dense(chain, "forward")
    assert expected.shape == (chain.m, chain.n)
    for method in METHODS:
        matrix = methods.dense(chain, method)
        np.testing.assert_allclose(matrix, expected, atol=1e-13)
        assert matrix.dtype == chain.dtype and matrix.flags.writeable


@every
@pytest.mark.parametrize("format", methods.FORMATS)
def test_sparse_matrices_agree(f, format):
    chain = chain_of(f, POINT)
    expected = methods.sparse(chain, "accumulate")
    for method in METHODS:
        matrix = methods.in_format(methods.sparse(chain, method), format)
        assert matrix.format == format and matrix.shape == expected.shape and matrix.dtype == chain.dtype
        np.testing.assert_allclose(matrix.toarray(), expected.toarray(), atol=1e-13)
        back = matrix.tocsr()
        if format != "bsr":
            assert matrix.nnz == expected.nnz
            np.testing.assert_array_equal(back.indices, expected.indices)
            np.testing.assert_array_equal(back.indptr, expected.indptr)


@pytest.mark.parametrize("method", METHODS)
def test_seeds_go_through_in_blocks_where_memory_is_short(method, monkeypatch):
    chain = chain_of(lambda x: np.sin(x) * np.sum(x), np.linspace(0, 1, 7))
    expected = methods.dense(chain, method)
    found = []
    push, pull = chain.push, chain.pull
    monkeypatch.setattr(chain, "push", lambda seeds: found.append(len(seeds)) or push(seeds))
    monkeypatch.setattr(chain, "pull", lambda seeds: found.append(len(seeds)) or pull(seeds))
    monkeypatch.setattr(methods, "SMALL", 0)
    monkeypatch.setattr(methods, "budget", lambda: 8 * 2 * 8 * 7 * 8)
    np.testing.assert_array_equal(methods.dense(chain, method), expected)
    assert method == "accumulate" or found == [2, 2, 2, 1]


@pytest.mark.parametrize("method", ["forward", "reverse", "compress"])
def test_structures_are_filled_in_blocks(method, monkeypatch):
    chain = chain_of(lambda x: np.concatenate([x * x, x[1:] * x[:-1]]), np.linspace(0, 1, 7))
    expected = methods.sparse(chain, "accumulate").toarray()
    monkeypatch.setattr(methods, "SMALL", 0)
    for seeds in (1, 2, 3):
        monkeypatch.setattr(methods, "budget", lambda seeds=seeds: seeds * 8 * 13 * 8 * 8)
        np.testing.assert_array_equal(methods.sparse(chain, method).toarray(), expected)


@pytest.mark.parametrize(
    ("f", "kind", "seeds"),
    [
        (lambda x: x[1:] * x[:-1], "columns", 2),
        (lambda x: np.concatenate([np.sum(x**2)[None], x[1:] * x[0]]), "columns", 6),
        (lambda x: np.stack([np.sum(x), x[0]]), "rows", 2),
        (lambda x: np.concatenate([x * x[0], x]), "columns", 2),
    ],
)
def test_compression_takes_the_side_with_fewer_colors(f, kind, seeds):
    chain = chain_of(f, np.linspace(1, 2, 6))
    C = fewest(Pattern.from_sparse(methods.sparse(chain, "accumulate")))
    assert (C.kind, C.n_colors) == (kind, seeds)
    pushed, pulled = [], []
    push, pull = chain.push, chain.pull
    chain.push = lambda rows: pushed.append(len(rows)) or push(rows)
    chain.pull = lambda rows: pulled.append(len(rows)) or pull(rows)
    methods.sparse(chain, "compress")
    assert (pushed, pulled) == (([seeds], []) if kind == "columns" else ([], [seeds]))


@pytest.mark.parametrize(
    ("f", "n", "chosen"),
    [
        (lambda x: np.sum(x), 1000, "reverse"),
        (lambda x: np.stack([np.sum(x), x[0]]), 1000, "reverse"),
        (lambda x: x[:3] * 2, 1000, "reverse"),
        (lambda x: x[0] * np.ones(1000), 1, "forward"),
        (lambda x: x * x, 4, "forward"),
        (lambda x: x[:3] * 2, 4, "forward"),
        (lambda x: np.sin(x * x), 1000, "accumulate"),
        (lambda x: np.tanh(np.ones((300, 300)) @ x), 300, "forward"),
    ],
)
def test_auto_takes_what_is_estimated_cheapest(f, n, chosen):
    chain = chain_of(f, np.arange(float(n)))
    assert methods.choose(chain, "auto", sparse=False)[0] == chosen
    assert methods.choose(chain, "auto", sparse=True)[0] == "accumulate"
    assert methods.choose(chain, "forward", sparse=True)[0] == "forward"


def test_choices_that_do_not_exist():
    chain = chain_of(np.sin, POINT)
    with pytest.raises(ValueError, match="method must be one of 'auto', 'forward', .*, got 'fast'"):
        methods.dense(chain, "fast")
    with pytest.raises(ValueError, match="method must be one of"):
        methods.sparse(chain, "fast")
    with pytest.raises(ValueError, match="format must be one of 'csr', 'csc', 'coo', 'bsr', got 'lil'"):
        methods.check_choices("auto", "lil")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("write", [methods.dense, methods.sparse])
def test_complex_inputs_need_complex_differentiability(method, write):
    z = np.array([1 + 2j, -1j])
    expected = np.diag(3 * z**2)
    matrix = write(chain_of(lambda z: np.conj(np.conj(z) ** 3), z), method)
    np.testing.assert_allclose(matrix if write is methods.dense else matrix.toarray(), expected, atol=1e-14)
    for f in (np.abs, np.conj, np.real, lambda z: z * z.imag, lambda z: np.sum(np.abs(z) ** 2)):
        with pytest.raises(jf.NotDifferentiableError, match="not complex differentiable"):
            write(chain_of(f, z), method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128, np.clongdouble])
def test_real_and_complex_inputs_together(method, dtype):
    x, z = POINT.astype(dtype(0).real.dtype), np.array([1 + 2j, -1j, 3]).astype(dtype)

    def f(x, z):
        return np.exp(1j * x) * z, x * 2

    chain = chain_of(f, x, z)
    expected = np.block(
        [[np.diag(1j * np.exp(1j * x) * z), np.diag(np.exp(1j * x))], [2 * np.eye(3), np.zeros((3, 3))]]
    )
    tolerance = 1e-5 if dtype is np.complex64 else 1e-14
    for matrix in (methods.dense(chain, method), methods.sparse(chain, method).toarray()):
        assert matrix.dtype == dtype
        np.testing.assert_allclose(matrix, expected, atol=tolerance)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_dtypes_are_followed(method, dtype):
    chain = chain_of(lambda x: x * x, POINT.astype(dtype))
    assert methods.dense(chain, method).dtype == dtype
    assert methods.sparse(chain, method).dtype == (np.float32 if dtype is np.float16 else dtype)


@pytest.mark.parametrize("method", METHODS)
def test_strong_zeros(method):
    x = np.array([0.0, 1.0, 4.0])
    J = jf.jacobian(np.sqrt, method=method)(x)
    np.testing.assert_array_equal(J, np.diag([np.inf, 0.5, 0.25]))
    J = jf.jacobian(np.sqrt, method=method, sparse=True)(x)
    np.testing.assert_array_equal(J.diagonal(), [np.inf, 0.5, 0.25])
    assert J.nnz == 3


def test_a_dense_matrix_beyond_the_budget_is_refused_before_it_is_tried(monkeypatch):
    monkeypatch.setattr(memory, "_limit", 1000)
    chain = chain_of(lambda x: x * x, np.ones(20))
    for method in METHODS:
        with pytest.raises(jf.MemoryBudgetError, match=r"\(20, 20\) needs .* pass sparse=True"):
            methods.dense(chain, method)
    assert methods.sparse(chain, "auto").nnz == 20
