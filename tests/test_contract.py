"""Sentences of the interface that belong to no one module: what every way of asking for a derivative has in common."""

import numpy as np
import pytest

import jacfwd as jf

X = np.array([1.0, -2.0, 3.0, -4.0])
METHODS = ("forward", "compress", "accumulate", "reverse", "auto")
FORMATS = ("csr", "csc", "coo", "bsr")


def kinks(x):
    return x[1:] * x[:-1] * 0 + np.where(x[1:] > 0, x[1:], 0)


@pytest.mark.parametrize("record", [False, True])
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("method", METHODS)
def test_index_arrays_of_sparse_results_are_read_only_int32_and_all_structure_is_stored(method, format, record):
    jacobian = jf.jacobian(kinks, sparse=True, method=method, format=format, record=record)
    for _ in range(2):
        J = jacobian(X)
        for index in J.coords if format == "coo" else (J.indices, J.indptr):
            assert index.dtype == np.int32 and not index.flags.writeable
        assert J.data.flags.writeable and J.format == format and J.nnz == 6
        assert format == "bsr" or J.has_canonical_format
        np.testing.assert_array_equal(J.toarray(), jf.jacobian(kinks)(X))


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"format": "csc"}, ValueError, "sparse=True"),
        ({"executor": 3}, TypeError, "Executor, got int"),
        ({"chunk_size": 1.5}, ValueError, "positive integer, got 1.5"),
        ({"method": "magic"}, ValueError, "got 'magic'"),
        ({"verify": "sometimes"}, ValueError, "got 'sometimes'"),
    ],
    ids=str,
)
def test_options_that_would_do_nothing_or_fail_late_are_refused_at_once(options, kind, words):
    for make in (jf.jacobian, jf.value_and_jacobian):
        with pytest.raises(kind, match=words):
            make(np.sin, **options)


@pytest.mark.parametrize("f", [lambda x: x, lambda x: x[:2], lambda x: (x, x[1:]), lambda x: x.T], ids=range(4))
def test_tangents_are_arrays_of_their_own(f):
    seed = np.ones(4)
    moved = jf.jvp(f, X, seed)[1]
    leaves = moved if isinstance(moved, tuple) else (moved,)
    for k, leaf in enumerate(leaves):
        assert leaf.flags.writeable
        assert not any(np.shares_memory(leaf, other) for other in (X, seed, *leaves[:k]))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "f", [lambda x: x[1:] * x[:-1] + 3 * x[1:], np.sum, lambda x: x[0] ** 2 * np.cos(x[1:]).sum()], ids=range(3)
)
def test_a_dense_jacobian_of_a_graph_is_written_into_out(f, method):
    G = jf.trace(f, X)
    out = np.full_like(jf.jacobian(f)(X), np.nan)
    for x in (X, X + 1, X):
        assert G.jacobian(x, method=method, out=out) is out
        np.testing.assert_array_equal(out, jf.jacobian(f)(x))
    for strided in (np.array(out, order="F"), np.repeat(out[..., None], 2, -1)[..., 0]):
        strided[...] = np.nan
        assert G.jacobian(X, method=method, out=strided) is strided
        np.testing.assert_array_equal(strided, out)
    if out.shape == X.shape:
        same = X.copy()
        np.testing.assert_array_equal(G.jacobian(same, method=method, out=same), out)
    flat = np.empty((G.pattern.shape), float)
    assert G.jacobian(X, method=method, flat=True, out=flat) is flat
    np.testing.assert_array_equal(flat.ravel(), out.ravel())


@pytest.mark.parametrize(
    ("out", "words"),
    [
        (np.empty((4, 3)), r"shape \(4, 4\), float64, got shape \(4, 3\), float64"),
        (np.empty((4, 4), np.float32), "got shape .4, 4., float32"),
        (np.broadcast_to(0.0, (4, 4)), "writeable"),
        ([[0.0]], "got list"),
    ],
    ids=range(4),
)
def test_an_out_that_does_not_fit_is_refused(out, words):
    with pytest.raises(ValueError, match=words):
        jf.trace(np.sin, X).jacobian(X, out=out)
    with pytest.raises(ValueError, match="flat=True"):
        jf.trace(lambda x: (x, x), X).jacobian(X, out=out)
