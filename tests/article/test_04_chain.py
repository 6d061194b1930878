"""4. The chain (3x)^2: node values, local derivatives on edges, forward derivatives on nodes."""

import math

import numpy as np
import pytest

import jacfwd as jf


def chain(x):
    g = 3 * x
    f = g**2
    return f


def test_the_numbers_at_4():
    G = jf.trace(chain, 4.0)
    d = G.derivatives(4.0)
    assert d.values == {"x": 4, "g": 12, "f": 144}
    assert d.edges == {("x", "g"): 3, ("g", "f"): 24}
    assert d.nodes == {"x": 1, "g": 3, "f": 72}
    assert G(4.0) == 144
    assert jf.jvp(chain, 4.0, 1.0) == (144, 72)


def test_the_numbers_elsewhere_by_replay():
    d = jf.trace(chain, 4.0).derivatives(-0.5)
    assert d.values == {"x": -0.5, "g": -1.5, "f": 2.25}
    assert d.nodes == {"x": 1, "g": 3, "f": -9}


def test_three_functions():
    """h(f(g(x))) with g = 3x, f = g^2, h = sin: each node is the one before times the edge between."""

    def composed(x):
        g = 3 * x
        f = g**2
        h = np.sin(f)
        return h

    x = 0.6
    d = jf.trace(composed, x).derivatives(x)
    slopes = [3, 2 * (3 * x), math.cos((3 * x) ** 2)]
    assert list(d.edges) == [("x", "g"), ("g", "f"), ("f", "h")]
    assert list(d.edges.values()) == pytest.approx(slopes, rel=1e-14)
    assert list(d.nodes.values()) == pytest.approx([1, *np.cumprod(slopes)], rel=1e-14)
    assert jf.gradient(composed)(x) == pytest.approx(math.prod(slopes), rel=1e-14)


def test_nodes_come_in_level_order():
    """The input first with dx/dx = 1; then by distance from it, not as they were computed."""

    def f(x):
        a = np.sin(x)
        b = np.cos(a)
        c = 2 * x
        d = b * c
        return d

    d = jf.trace(f, 0.5).derivatives(0.5)
    assert list(d.nodes) == ["x", "a", "c", "b", "d"]
    assert next(iter(d.nodes.items())) == ("x", 1)


def test_the_second_input_comes_first_in_its_own_graph():
    def f(x, y):
        p = x * y
        q = np.exp(y)
        return p + q

    d = jf.trace(f, 2.0, 3.0).derivatives(2.0, 3.0, wrt=1)
    assert list(d.nodes)[:3] == ["y", "p", "q"]
    assert "x" not in d.nodes
    assert d.nodes["y"] == 1
