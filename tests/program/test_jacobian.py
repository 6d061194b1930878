"""Jacobians at many points from one structure: the same as fresh ones, at every point, however often."""

import pickle

import numpy as np
import pytest

import jacfwd as jf
from bench.problems import PROBLEMS
from jacfwd.methods import METHODS
from tests.awkward import FUNCTIONS, POINT

every_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name + "-" + p.title.replace(" ", "_"))


def same(J, expected):
    assert J.format == "csr" and J.has_canonical_format and J.dtype == expected.dtype and J.shape == expected.shape
    np.testing.assert_array_equal(J.indices, expected.indices)
    np.testing.assert_array_equal(J.indptr, expected.indptr)
    scale = np.abs(expected.data[np.isfinite(expected.data)]).max(initial=0)
    np.testing.assert_allclose(J.data, expected.data, rtol=0, atol=1e-13 * scale)


@every_problem
def test_replay_is_a_fresh_run(problem):
    G = jf.trace(problem.function, problem.point)
    fresh = jf.jacobian(problem.function, sparse=True)
    out = G.jacobian(problem.point, sparse=True)
    for factor in (1.0, 1.01, 0.97, 1.0):
        x = problem.point * factor
        kept = x.copy()
        J = G.jacobian(x, sparse=True)
        same(J, fresh(x))
        assert G.jacobian(x, sparse=True, out=out) is out
        np.testing.assert_array_equal(out.data, J.data)
        np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())
@pytest.mark.parametrize("flat", [False, True])
def test_awkward_graphs(f, flat):
    G = jf.trace(f, POINT)
    for x in (POINT, POINT * 1.02):
        got = G.jacobian(x, sparse=True, flat=flat)
        expected = jf.jacobian(f, sparse=True, flat=flat)(x)
        for J, other in zip(leaves(got), leaves(expected), strict=True):
            same(J, other)


def leaves(found):
    if isinstance(found, dict):
        found = tuple(found.values())
    return [part for x in found for part in leaves(x)] if isinstance(found, tuple) else [found]


def test_index_arrays_are_shared_and_read_only():
    G = jf.trace(lambda x: x[1:] * x[:-1], np.arange(4.0))
    a, b = (G.jacobian(np.arange(4.0) + k, sparse=True) for k in (1, 2))
    assert a.indices is b.indices and a.indptr is b.indptr and not np.shares_memory(a.data, b.data)
    assert not a.indices.flags.writeable and a.data.flags.writeable
    b.data[:] = 0
    assert a.data.all()
    with pytest.raises(ValueError, match="read-only"):
        a.indices[0] = 3


def test_formats_and_parts():
    G = jf.trace(lambda x, y: (x * y, np.sum(y)), np.ones(2), np.ones(2))
    (xx, xy), (sx, sy) = G.jacobian(np.ones(2), 3 * np.ones(2), sparse=True, format="csc")
    assert {part.format for part in (xx, xy, sx, sy)} == {"csc"}
    assert (xx.toarray() == 3 * np.eye(2)).all() and (xy.toarray() == np.eye(2)).all()
    assert sx.nnz == 0 and (sy.toarray() == 1).all()


@pytest.mark.parametrize("method", METHODS)
@every_problem
def test_programs_of_every_method_give_the_same_matrix(problem, method):
    G = jf.trace(problem.function, problem.point)
    x = problem.point * 1.01
    expected = G.jacobian(x, sparse=True)
    J = G.jacobian(x, sparse=True, method=method)
    scale = abs(expected).max() if expected.nnz else 1
    np.testing.assert_allclose(J.toarray(), expected.toarray(), rtol=0, atol=1e-12 * scale)
    np.testing.assert_array_equal(J.indices, expected.indices)
    again = G.jacobian(x, sparse=True, method=method, out=J)
    assert again is J
    dense = G.jacobian(x, method=method).reshape(expected.shape)
    np.testing.assert_allclose(dense, expected.toarray(), rtol=0, atol=1e-12 * scale)


def test_out_must_come_from_the_same_graph():
    G = jf.trace(np.sin, np.ones(3))
    other = jf.jacobian(np.sin, sparse=True)(np.ones(3))
    for wrong in (other, other.tocsc(), other.toarray()):
        with pytest.raises(ValueError, match="out is no CSR matrix that this graph"):
            G.jacobian(np.ones(3), sparse=True, out=wrong)
    mine = G.jacobian(np.ones(3), sparse=True)
    for options in ({}, {"sparse": True, "format": "csc"}):
        with pytest.raises(ValueError, match="out= is for"):
            G.jacobian(np.ones(3), out=mine, **options)


def test_other_branches_are_refused():
    G = jf.trace(lambda x: x * x if x[0] > 0 else x, np.ones(2))
    G.jacobian(np.ones(2), sparse=True)
    with pytest.raises(jf.BranchChangedError, match=r"test_jacobian\.py"):
        G.jacobian(-np.ones(2), sparse=True)


def test_graphs_with_programs_pickle():
    G = jf.trace(np.sin, np.ones(3))
    J = G.jacobian(np.ones(3), sparse=True)
    again = pickle.loads(pickle.dumps(G)).jacobian(np.ones(3), sparse=True)
    same(again, J)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.longdouble])
def test_dtypes(dtype):
    x = np.linspace(0.5, 1, 4).astype(dtype)

    def f(x):
        return x[1:] * x[:-1] + x[::2].sum()

    G = jf.trace(f, x)
    same(G.jacobian(x, sparse=True), jf.jacobian(f, sparse=True)(x))


def test_strong_zeros_survive_replay():
    G = jf.trace(lambda x: np.where(x > 0, np.log(x), 0.0) + np.sqrt(x), np.array([3.0, 1.0]))
    J = G.jacobian(np.array([1.0, 0.0]), sparse=True)
    np.testing.assert_array_equal(J.toarray(), [[1.5, 0], [0, np.inf]])


def test_constant_functions_and_empty_ones():
    for f, x in ((lambda x: np.ones(2), np.ones(3)), (lambda x: x[:0], np.ones(3)), (np.sin, np.ones(0))):
        G = jf.trace(f, x)
        same(G.jacobian(x, sparse=True), jf.jacobian(f, sparse=True)(x))


def test_what_is_constant_folds():
    G = jf.trace(lambda x: 3 * x[1:] - x[:-1] / 2, np.arange(5.0))
    program = G._programs.sparse(G.data.inputs)
    assert not program.slots.writes and len(program.graph.nodes) == 1
