"""8. Where it leads: the same chain of matrices, multiplied from the other side."""

import numpy as np
import pytest

import jacfwd as jf

RANDOM = np.random.default_rng(8)
W1, W2 = RANDOM.standard_normal((6, 4)), RANDOM.standard_normal((5, 6))
X = RANDOM.standard_normal(4)


def network(x):
    h = np.tanh(W1 @ x)
    return np.sum(np.sin(W2 @ h))


def closed_gradient(x):
    h = np.tanh(W1 @ x)
    return W1.T @ ((1 - h**2) * (W2.T @ np.cos(W2 @ h)))


def test_the_factors():
    _, J = jf.linearize(network, X)
    h = np.tanh(W1 @ X)
    expected = [W1, np.diag(1 - h**2), W2, np.diag(np.cos(W2 @ h)), np.ones((1, 5))]
    assert len(J.layers) == len(expected)
    for layer, matrix in zip(J.layers, expected, strict=True):
        np.testing.assert_allclose(layer.toarray(), matrix, rtol=1e-13)


def test_from_either_side():
    """n columns pushed through from the input, or one row pulled back from the output."""
    _, J = jf.linearize(network, X)
    columns = np.eye(4)
    for layer in J.layers:
        columns = layer @ columns
    row = np.ones((1, 1))
    for layer in reversed(J.layers):
        row = row @ layer
    np.testing.assert_allclose(columns, [closed_gradient(X)], rtol=1e-12)
    np.testing.assert_allclose(row, [closed_gradient(X)], rtol=1e-12)


@pytest.mark.parametrize("method", ["forward", "reverse", "accumulate", "auto"])
def test_all_methods(method):
    np.testing.assert_allclose(jf.gradient(network, method=method)(X), closed_gradient(X), rtol=1e-12)


def test_the_transposed_chain():
    _, J = jf.linearize(network, X)
    assert [L.shape for L in J.T.layers] == [L.shape[::-1] for L in reversed(J.layers)]
    np.testing.assert_allclose(J.T @ np.ones(1), closed_gradient(X), rtol=1e-12)
    np.testing.assert_allclose(J.T(1.0), closed_gradient(X), rtol=1e-12)


def test_what_it_costs():
    """One output: reverse mode costs as much as one direction, forward mode as much as n."""
    cost = jf.trace(network, X).cost()
    assert cost.reverse == cost.jvp
    assert cost.forward == cost.jvp.times(4)


def test_many_outputs_turn_the_tables():
    cost = jf.trace(lambda t: np.tanh(W1[:, 0] * t), 0.3).cost()
    assert cost.forward == cost.jvp
    assert cost.reverse == cost.jvp.times(6)
