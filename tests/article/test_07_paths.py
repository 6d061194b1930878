"""7. Paths: 4, 9, 27, exponentially many in the depth, while the chain of matrices grows linearly."""

import math

import numpy as np
import pytest

import jacfwd as jf


def two(x, y):
    a = x * y
    b = x + y
    return a * b


def three(x, y, z):
    a = x * y * z
    b = x + y + z
    c = x / y / z
    return a * b * c


def three_and_three(x, y, z):
    a, b, c = x * y * z, x + y + z, x / y / z
    d, e, f = a * b * c, a + b + c, a / b / c
    return d * e * f


@pytest.mark.parametrize(("f", "n", "count"), [(two, 2, 4), (three, 3, 9), (three_and_three, 3, 27)])
def test_counted_over_all_inputs(f, n, count):
    point = tuple(float(k) for k in range(1, n + 1))
    G = jf.trace(f, *point)
    counts = G.count_paths()
    assert counts.shape == (1, n)
    assert counts.sum() == count
    assert set(counts.flat) == {count // n}
    gradient = jf.gradient(f, argnums=tuple(range(n)))(*point)
    for j in range(n):
        paths = list(G.paths(0, j))
        assert len(paths) == len({path.nodes for path in paths}) == G.count_paths(0, j) == count // n
        assert sum(path.product for path in paths) == pytest.approx(gradient[j], rel=1e-12, abs=1e-12)


WEIGHTS = np.array([[1.0, 0.5, -0.3], [0.2, -1.0, 0.7], [-0.4, 0.9, 1.1]]) / 2


def deep(depth):
    """`depth` layers of three nodes that read all of the one before, and an output that reads all three."""

    def f(x):
        for _ in range(depth):
            x = WEIGHTS @ x
        return np.sum(x)

    return f


@pytest.mark.parametrize("depth", [1, 2, 3, 40])
def test_exponential_in_depth(depth):
    counts = jf.trace(deep(depth), np.ones(3)).count_paths()
    assert counts.tolist() == [[3**depth] * 3]
    assert all(type(count) is int for count in counts.flat)


def test_one_and_two_layers_of_arrays():
    assert [jf.trace(deep(depth), np.ones(3)).count_paths().sum() for depth in (1, 2)] == [9, 27]


@pytest.mark.parametrize("depth", [1, 2, 3, 40])
def test_the_chain_of_matrices_stays_linear_in_depth(depth):
    """Nine entries a layer, and the same Jacobian: the sum over all paths."""
    _, J = jf.linearize(deep(depth), np.ones(3))
    assert [L.nnz for L in J.layers] == [9] * depth + [3]
    expected = np.ones(3) @ np.linalg.matrix_power(WEIGHTS, depth)
    product = J.layers[0]
    for L in J.layers[1:]:
        product = L @ product
    np.testing.assert_allclose(product.toarray(), [expected], rtol=1e-10)
    np.testing.assert_allclose(J.toarray(), [expected], rtol=1e-10)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_the_sum_over_paths_is_the_derivative(depth):
    G = jf.trace(deep(depth), np.ones(3))
    expected = np.ones(3) @ np.linalg.matrix_power(WEIGHTS, depth)
    for j in range(3):
        products = [path.product for path in G.paths(0, j)]
        assert len(products) == 3**depth
        assert math.fsum(products) == pytest.approx(expected[j], rel=1e-12)


def test_operations_of_one_direction_stay_linear_too():
    costs = [jf.trace(deep(depth), np.ones(3)).cost().jvp for depth in (10, 20, 40)]
    assert [cost.mul for cost in costs] == [90, 180, 360]
