"""Layers: their product is the Jacobian, states say what their rows are, levels are the article's."""

import functools
import itertools

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.formats.combined import Pair
from jacfwd.formats.entries import diagonal
from jacfwd.layers import on_parts
from tests.awkward import FUNCTIONS, POINT

every = pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())


def product(layers):
    return functools.reduce(lambda before, after: after @ before, layers)


@every
def test_the_product_is_the_jacobian(f):
    _, J = jf.linearize(f, POINT)
    layers, states = J.layers, J.states
    assert len(layers) >= 1
    assert layers[0].shape[1] == J.shape[1] and layers[-1].shape[0] == J.shape[0]
    assert [len(state) for state in states] == [J.shape[1], *(layer.shape[0] for layer in layers)]
    assert all(after.shape[1] == before.shape[0] for before, after in itertools.pairwise(layers))
    np.testing.assert_allclose(product(layers).toarray(), J.toarray(), atol=1e-13)


@every
def test_layers_are_canonical_matrices_of_floats(f):
    for layer in jf.linearize(f, POINT)[1].layers:
        assert layer.format == "csr" and layer.has_canonical_format
        assert layer.dtype.kind in "fc" and layer.indices.dtype == np.int32


@every
def test_only_the_last_state_of_complex_outputs_is_complex(f):
    *inner, last = jf.linearize(f, POINT)[1].layers
    assert all(layer.dtype == np.float64 for layer in inner)
    assert last.dtype.kind == "f" or jf.linearize(f, POINT)[1].dtype.kind == "c"


@every
def test_states_name_nodes_and_flat_indices(f):
    G = jf.trace(f, POINT)
    states = jf.linearize(f, POINT)[1].states
    names = {*G.nodes, "constant"}
    assert states[0] == [("x", 0), ("x", 1), ("x", 2)]
    for state in states:
        for name, i in state:
            base = name.removesuffix(".real").removesuffix(".imag")
            assert base in names and (base == "constant" or 0 <= i < max(1, np.prod(G.nodes[base].shape)))
    assert all(len(set(state)) == len(state) for state in states[:-1])


def test_a_value_still_needed_is_carried_by_identity_rows():
    def f(x):
        g = np.sin(x)
        h = np.exp(g)
        return h * x

    x = np.array([1.0, 2.0])
    _, J = jf.linearize(f, x)
    assert J.states[1] == [("x", 0), ("x", 1), ("g", 0), ("g", 1)]
    assert J.states[2] == [("x", 0), ("x", 1), ("h", 0), ("h", 1)]
    first, second, third = (layer.toarray() for layer in J.layers)
    np.testing.assert_allclose(first, np.vstack([np.eye(2), np.diag(np.cos(x))]))
    np.testing.assert_allclose(second[:2], np.eye(2, 4))
    h = np.exp(np.sin(x))
    np.testing.assert_allclose(third, np.hstack([np.diag(h), np.diag(x)]))


def test_what_nobody_needs_later_leaves_the_state():
    _, J = jf.linearize(lambda x: np.sin(np.cos(np.exp(x))), POINT)
    assert [len(state) for state in J.states] == [3, 3, 3, 3]


def test_parallel_edges_are_one_entry():
    (layer,) = jf.linearize(lambda y: y * y, POINT)[1].layers
    assert layer.nnz == 3
    np.testing.assert_array_equal(layer.diagonal(), 2 * POINT)


def test_a_complex_node_has_two_rows():
    def f(x):
        z = np.exp(1j * x)
        return np.abs(z)

    _, J = jf.linearize(f, 0.5)
    assert [("z.real", 0), ("z.imag", 0)] in J.states


def test_a_complex_input_has_one_column_and_a_complex_output_one_row():
    z = np.array([1 + 2j, 3.0])
    _, J = jf.linearize(lambda z: z * z * z, z)
    assert [len(state) for state in J.states] == [2, 6, 2]
    np.testing.assert_allclose(product(J.layers).toarray(), np.diag(3 * z * z))


def test_outputs_repeated_constant_or_inputs_are_rows_of_the_last_state():
    def f(x):
        s = np.sum(x)
        return s, x[0], 5.0, s, x

    _, J = jf.linearize(f, np.ones(2))
    assert [name for name, _ in J.states[-1]][2] == "constant"
    last = J.layers[-1].toarray()
    np.testing.assert_array_equal(last[0], last[3])
    assert not last[2].any()
    np.testing.assert_array_equal(product(J.layers).toarray(), [[1, 1], [1, 0], [0, 0], [1, 1], [1, 0], [0, 1]])


def test_outputs_alone_still_make_a_layer():
    layers = jf.linearize(lambda x: (x, x[:1] * 0 + 1.0), POINT)[1].layers
    assert len(layers) == 2 + 1
    (only,) = jf.linearize(lambda x: x, POINT)[1].layers
    np.testing.assert_array_equal(only.toarray(), np.eye(3))
    (none,) = jf.linearize(lambda x: np.ones(2), POINT)[1].layers
    assert none.shape == (2, 3) and none.nnz == 0


def test_empty_arrays():
    _, J = jf.linearize(lambda x: np.sum(x) + np.ones(2), np.ones(0))
    assert J.states[0] == [] and J.layers[0].shape[1] == 0
    _, J = jf.linearize(lambda x: x[:0], POINT)
    assert J.states[-1] == [] and J.layers[-1].shape[0] == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_layers_keep_the_precision(dtype):
    def f(x):
        return np.sin(x) * x, x

    layers = jf.linearize(f, POINT.astype(dtype))[1].layers
    assert {layer.dtype for layer in layers} == {np.dtype(np.float32 if dtype is np.float16 else dtype)}


def test_structural_zeros_are_entries():
    (layer,) = jf.linearize(lambda x: x * x, np.zeros(3))[1].layers
    assert layer.nnz == 3


def test_a_pair_on_real_and_imaginary_parts():
    a, b = np.array([1 + 2j, 3.0]), np.array([1j, -1.0])
    pair = Pair(diagonal(a, (2,), (2,)), diagonal(b, (2,), (2,)))
    rows, cols, values = on_parts(pair, split=True)
    whole = np.zeros((2, 4), complex)
    np.add.at(whole, (rows, cols), values)
    v = np.array([1 - 1j, 2 + 5j])
    np.testing.assert_allclose(whole @ np.concatenate([v.real, v.imag]), a * v + b * np.conj(v))
    rows, cols, values = on_parts(pair, split=False)
    assert cols.max() == 1
