"""Paths through the derivative graph: products add up to the Jacobian, numbers are the layers' count."""

import numpy as np
import pytest

import jacfwd as jf


def shared(x):
    s = np.sin(x)
    return s * np.exp(s) + x[::-1]


def unused(x):
    np.cos(x)
    return x[0] * np.ones(2)


def rotated(x):
    return np.exp(1j * x) * (2 + 1j)


def magnitude(x):
    return np.abs((x * (3 + 4j)) ** 2)


def conjugate_product(x):
    z = x + 1j
    return np.real(np.conj(z * (1 + 2j)) * z)


def complex_and_carried(x):
    z = np.exp(1j * x)
    return z, np.sin(np.abs(z) * x)


def same_complex_twice(x):
    z = x * (1 + 2j)
    return np.abs(np.vecdot(z, z))


FUNCTIONS = [
    shared,
    unused,
    rotated,
    magnitude,
    conjugate_product,
    complex_and_carried,
    same_complex_twice,
    lambda x: x,
    lambda x: np.ones(2),
    lambda x: np.sum(x),
    lambda x: np.array([x[0] * x[1], x[0]]),
]


@pytest.mark.parametrize("f", FUNCTIONS)
def test_products_add_up_and_numbers_agree(f):
    x = np.array([0.5, -1.3])
    G = jf.trace(f, x)
    _, J = jf.linearize(f, x)
    expected, counts = J.toarray(), G.count_paths()
    assert counts.shape == expected.shape
    for i, j in np.ndindex(expected.shape):
        paths = list(G.paths(i, j))
        assert sum(path.product for path in paths) == pytest.approx(expected[i, j], rel=1e-13, abs=1e-15)
        assert len(paths) == G.count_paths(i, j) == counts[i, j]
        assert len({path.nodes for path in paths}) == len(paths)


def test_parallel_edges_are_one():
    G = jf.trace(lambda y: y * y, 3.0)
    (path,) = G.paths()
    assert path.factors == (6,)
    assert G.derivatives(3.0).edges == {("y", "t1"): 6}


def test_elements_and_parts_have_names():
    def f(x):
        z = x * (1 + 2j)
        r = np.abs(z)
        return r

    names = {path.nodes for path in jf.trace(f, np.array([1.0, 2.0])).paths(1, 1)}
    assert names == {("x[1]", f"z.{part}[1]", "r[1]") for part in ("real", "imag")}


def test_a_path_as_text():
    (path,) = jf.trace(lambda x: (3 * x) ** 2, 4.0).paths()
    assert str(path) == "x -> t1 -> t2: 3 * 24 = 72"
    (path,) = jf.trace(lambda x: x, 4.0).paths()
    assert str(path) == "x: 1 = 1"


@pytest.mark.parametrize(("i", "j"), [(2, 0), (0, 2), (-1, 0)])
def test_out_of_range(i, j):
    with pytest.raises(ValueError, match="out of range"):
        list(jf.trace(shared, np.ones(2)).paths(i, j))


def test_edges_of_complex_numbers():
    """A complex-linear step is one number; where a number is conjugated, a matrix on its parts."""

    def f(x):
        z = x * (3 + 4j)
        c = np.conj(z)
        r = np.abs(c)
        return r

    edges = jf.trace(f, 2.0).derivatives(2.0).edges
    assert edges["x", "z"] == 3 + 4j
    np.testing.assert_array_equal(edges["z", "c"].toarray(), [[1, 0], [0, -1]])
    np.testing.assert_allclose(edges["c", "r"].toarray(), [[0.6, -0.8]], rtol=1e-15)


def test_edges_of_arrays_are_sparse_in_every_precision():
    for dtype in (np.float16, np.float32, np.float64):
        x = np.array([1, 2], dtype)
        edges = jf.trace(lambda x: x * x, x).derivatives(x).edges
        np.testing.assert_array_equal(edges["x", "t1"].toarray(), [[2, 0], [0, 4]])


def test_at_another_point():
    G = jf.trace(lambda x: x**2, 3.0)
    assert [path.product for path in G.paths(0, 0, 5.0)] == [10]
