"""3. Partial against total: h(x, y) = f(g(x, y), y) depends on y along two ways."""

import math

import numpy as np
import pytest

import jacfwd as jf

POINTS = [(1.2, 0.7), (0.0, 2.0), (-2.0, -0.3)]


def f(x, y):
    q = y**2
    return x + q


def g(x, y):
    return np.sin(x) * np.cos(y)


def h(x, y):
    inner = jf.name("g", g(x, y))
    return jf.name("h", f(inner, y))


@pytest.mark.parametrize(("x", "y"), POINTS)
def test_the_partial_derivative(x, y):
    """Of f alone, its first argument held fixed."""
    assert jf.gradient(f, argnums=1)(x, y) == 2 * y
    assert jf.gradient(f, argnums=0)(x, y) == 1


@pytest.mark.parametrize(("x", "y"), POINTS)
def test_the_total_derivative(x, y):
    total = 2 * y - math.sin(x) * math.sin(y)
    assert jf.gradient(h, argnums=1)(x, y) == pytest.approx(total, rel=1e-14)
    assert jf.gradient(h, argnums=0)(x, y) == pytest.approx(math.cos(x) * math.cos(y), rel=1e-14)


@pytest.mark.parametrize(("x", "y"), POINTS)
def test_the_derivative_graph_shows_both(x, y):
    G = jf.trace(h, x, y)
    d = G.derivatives(x, y, wrt=1)
    # Forward derivatives are total ones; the edges into h are partial ones.
    assert d.nodes["y"] == 1
    assert d.nodes["q"] == 2 * y
    assert d.nodes["g"] == pytest.approx(-math.sin(x) * math.sin(y), rel=1e-14)
    assert d.nodes["h"] == pytest.approx(2 * y - math.sin(x) * math.sin(y), rel=1e-14)
    assert d.edges["y", "q"] == 2 * y
    assert (d.edges["g", "h"], d.edges["q", "h"]) == (1, 1)
    direct, round_about = sorted(G.paths(0, 1), key=lambda path: "g" in path.nodes)
    assert direct.nodes == ("y", "q", "h")
    assert direct.product == 2 * y
    assert round_about.nodes[-2:] == ("g", "h")
    assert round_about.product == pytest.approx(-math.sin(x) * math.sin(y), rel=1e-14)
