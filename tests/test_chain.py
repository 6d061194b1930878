"""The chain: products with seeds from either side agree with the matrix, whatever the graph looks like."""

import gc
import tracemalloc

import numpy as np
import pytest

import jacfwd as jf
import jacfwd.chain
from jacfwd.arguments import select
from jacfwd.chain import Chain, storable
from jacfwd.recorded import record
from tests.awkward import FUNCTIONS, POINT, REAL

every = pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())


def chain_of(f, *args):
    return record(select(f, args, {}, None, holomorphic=True)).chain()


def flat(value):
    """All leaves of an output as one vector."""
    if isinstance(value, dict):
        value = tuple(value[key] for key in sorted(value))
    if isinstance(value, tuple):
        return np.concatenate([np.zeros(0), *map(flat, value)])
    return np.ravel(value) * 1.0


def differences(f, x, v, h=1e-6):
    return (flat(f(x + h * v)) - flat(f(x - h * v))) / (2 * h)


@every
def test_push_is_the_directional_derivative(f):
    chain = chain_of(f, POINT)
    v = np.array([[1.0, 2.0, -1.0], [0.0, 0.5, 3.0]])
    moved = chain.push(v)
    assert moved.shape == (2, chain.m)
    for row, direction in zip(moved, v, strict=True):
        expected = differences(f, POINT, direction)
        np.testing.assert_allclose(row, expected if chain.m else row, atol=1e-7)


@every
def test_pull_is_the_transpose_of_push(f):
    chain = chain_of(f, POINT)
    rng = np.random.default_rng(0)
    v, w = rng.standard_normal((4, chain.n)), rng.standard_normal((4, chain.m)) * (1 + 1j)
    w = w if chain.complex_outputs else w.real
    back = chain.pull(w)
    assert back.shape == (4, chain.n) and back.dtype.kind == "f"
    np.testing.assert_allclose(back @ v.T, np.real(w @ chain.push(v).T), atol=1e-12)


@every
def test_sweeps_have_the_dtype_of_what_they_meet(f):
    chain = chain_of(f, POINT.astype(np.float32))
    moved, back = chain.push(np.eye(3, dtype=np.float32)), chain.pull(np.ones((1, chain.m), chain.dtype))
    assert np.can_cast(moved.dtype, chain.dtype) or moved.dtype.kind in "iu"
    assert back.dtype == np.float32


@pytest.mark.parametrize("f", REAL.values(), ids=REAL.keys())
def test_levels_rise_along_edges(f):
    chain = chain_of(f, POINT)
    level = chain.levels()
    parents = {}
    for parent, child, fmt in chain.edges():
        assert fmt.in_shape == chain.graph.nodes[parent].shape
        assert fmt.n_out == int(np.prod(chain.graph.nodes[child].shape))
        parents.setdefault(child, []).append(level[parent])
    assert all(level[child] >= 1 + max(found) for child, found in parents.items())
    assert all(level[at] == 0 for at in chain.wrt)


def test_what_no_output_needs_has_no_local_jacobian():
    def f(x):
        np.exp(x) * np.cos(x)
        return np.sin(x)

    chain = chain_of(f, POINT)
    assert [chain.graph.nodes[step.node].primitive.short for step in chain.steps] == ["sin"]


def test_what_no_input_reaches_has_none_either():
    def f(x, y):
        return np.sin(y) * x

    found = record(select(f, (POINT, POINT), {}, None))
    chain = Chain(found.graph, found.values, found.graph.inputs[:1])
    assert chain.n == 3
    assert [found.graph.nodes[step.node].primitive.short for step in chain.steps] == ["multiply"]


def test_integers_on_the_way_end_a_derivative():
    chain = chain_of(lambda x: np.floor(x).astype(int) * x, POINT)
    np.testing.assert_array_equal(chain.push(np.eye(3)), np.diag(np.floor(POINT)))


def test_joined_parents_come_apart_as_edges():
    chain = chain_of(lambda x, y: np.concatenate([y, x, y * 2]), POINT, np.ones(2))
    (step,) = [step for step in chain.steps if chain.graph.nodes[step.node].shape == (7,)]
    assert [len(parents) for parents, _ in step.groups] == [3]
    found = {parent: fmt.todense() for parent, child, fmt in chain.edges() if child == step.node}
    assert len(found) == 3
    x, y = chain.wrt
    np.testing.assert_array_equal(found[x], np.eye(7, 3, -2))
    np.testing.assert_array_equal(found[y], np.eye(7, 2))


def test_a_tangent_that_is_not_given_is_zero():
    chain = chain_of(lambda x, y: np.concatenate([x, y]) * 2, POINT, np.ones(2))
    held = chain.tangents([None, np.ones((1, 2))])
    np.testing.assert_array_equal(held[chain.graph.outputs[0].node], [[0, 0, 0, 2, 2]])
    assert chain.tangents([None, None]) == {}


def test_kept_tangents_are_all_there():
    chain = chain_of(lambda x: np.sin(np.cos(x)) * x, POINT)
    assert len(chain.tangents(chain.split(np.eye(3)), keep=True)) == 4


def test_of_large_tangents_only_those_still_needed_are_held():
    chain = chain_of(lambda x: np.sin(np.cos(x)) * x, np.ones(100_000))
    seeds = np.ones((1, 100_000))
    assert len(chain.tangents(chain.split(seeds), keep=True)) == 4
    assert len(chain.tangents(chain.split(seeds))) == 1


def test_a_sweep_keeps_no_tape():
    def f(x):
        for _ in range(200):
            x = np.sin(x)
        return x

    chain = chain_of(f, np.ones(10_000))
    seeds = np.ones((1, 10_000))
    gc.collect()
    tracemalloc.start()
    chain.push(seeds)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * seeds.nbytes


@every
@pytest.mark.parametrize("point", [POINT, POINT.astype(np.float32)], ids=["double", "single"])
def test_products_some_seeds_at_a_time_are_the_same(f, point):
    chain, slow = chain_of(f, point), chain_of(f, point)
    rng = np.random.default_rng(1)
    v, w = rng.standard_normal((5, chain.n)), rng.standard_normal((5, chain.m)).astype(chain.dtype)
    chain.slab, slow.slab = 2, 5
    for fast, expected in ((chain.push(v), slow.push(v)), (chain.pull(w), slow.pull(w))):
        assert fast.dtype == expected.dtype
        np.testing.assert_allclose(
            fast, expected, rtol=0, atol=16 * np.finfo(point.dtype).eps * np.abs(expected).max(initial=0)
        )


def test_seeds_go_together_where_a_matrix_is_read_for_all_of_them(monkeypatch):
    A = np.random.default_rng(2).standard_normal((60, 40))
    assert chain_of(lambda x: A @ x, np.ones(40)).slab > 1000
    monkeypatch.setattr(jacfwd.chain, "CACHED", 1)
    assert chain_of(lambda x: np.tanh(A @ x), np.ones(40)).slab == (60 * 40 + 60) // (40 + 2 * 60)
    assert chain_of(lambda x: np.sin(x[1:]) * x[:-1], np.ones(1000)).slab == 1


def test_complex_inputs_are_told_by_column():
    chain = chain_of(lambda x, z: x[0] * z, POINT, np.ones(2, complex))
    np.testing.assert_array_equal(chain.complex_inputs, [False, False, False, True, True])
    assert chain_of(np.sin, np.ones(0)).complex_inputs.shape == (0,)


def test_sparse_matrices_hold_no_traced_values():
    def f(x):
        _, J = jf.linearize(np.sin, x)
        return J.layers

    with pytest.raises(TypeError, match="cannot be traced by an outer derivative"):
        jf.jvp(f, POINT, POINT)


@pytest.mark.parametrize(("given", "expected"), [("f2", "f4"), ("f4", "f4"), ("f8", "f8"), ("c8", "c8")])
def test_half_precision_is_stored_as_single(given, expected):
    assert storable(np.dtype(given)) == expected


@pytest.mark.parametrize("method", ["forward", "reverse", "accumulate"])
@pytest.mark.parametrize("root", [np.sqrt, np.cbrt])
def test_differences_of_the_same_cancel_before_anything_infinite(method, root):
    x = np.array([1.0, 2.0])
    assert np.array_equal(jf.jacobian(lambda x: root(x - x), method=method)(x), np.zeros((2, 2)))
