"""5. Branches: a derivative as the sum over paths, and as the sum over incoming edges."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jacfwd as jf


def product(x):
    s = np.sin(x)
    c = np.cos(x)
    p = s * c
    return p


def test_sine_times_cosine_at_2():
    d = jf.trace(product, 2.0).derivatives(2.0)
    sin, cos = math.sin(2), math.cos(2)
    edges = {("x", "s"): cos, ("x", "c"): -sin, ("s", "p"): cos, ("c", "p"): sin}
    assert d.edges == pytest.approx(edges, rel=1e-14)
    assert d.nodes["p"] == pytest.approx(math.cos(4), rel=1e-14)


def test_as_a_sum_over_paths():
    paths = {path.nodes: path for path in jf.trace(product, 2.0).paths()}
    sin, cos = math.sin(2), math.cos(2)
    assert set(paths) == {("x", "s", "p"), ("x", "c", "p")}
    assert paths["x", "s", "p"].factors == pytest.approx((cos, cos), rel=1e-14)
    assert paths["x", "c", "p"].factors == pytest.approx((-sin, sin), rel=1e-14)
    assert sum(path.product for path in paths.values()) == pytest.approx(math.cos(4), rel=1e-14)


def test_as_a_sum_over_incoming_edges():
    d = jf.trace(product, 2.0).derivatives(2.0)
    into = {parent: local for (parent, child), local in d.edges.items() if child == "p"}
    assert into == pytest.approx({"s": math.cos(2), "c": math.sin(2)}, rel=1e-14)
    total = sum(local * d.nodes[parent] for parent, local in into.items())
    assert total == pytest.approx(math.cos(4), rel=1e-14)


def test_a_step_before_the_branches():
    """cos(x^2) sin(x^2): both paths begin with the same edge 2 x."""

    def f(x):
        u = x**2
        c = np.cos(u)
        s = np.sin(u)
        p = c * s
        return p

    x = 0.9
    G = jf.trace(f, x)
    assert [path.factors[0] for path in G.paths()] == [2 * x, 2 * x]
    expected = 2 * x * math.cos(2 * x**2)
    assert sum(path.product for path in G.paths()) == pytest.approx(expected, rel=1e-14)
    assert G.derivatives(x).nodes["p"] == pytest.approx(expected, rel=1e-14)


def test_two_branches_of_two_steps():
    """f(g1(h1(x)), g2(h2(x))): the sum over paths and the sum over edges into f are the same number."""

    def f(x):
        h1 = np.exp(x)
        g1 = np.sin(h1)
        h2 = x**3
        g2 = np.sqrt(h2)
        f = g1 / g2
        return f

    x = 0.8
    g1, g2 = math.sin(math.exp(x)), math.sqrt(x**3)
    dg1, dg2 = math.cos(math.exp(x)) * math.exp(x), 3 * x**2 / (2 * g2)
    G = jf.trace(f, x)
    d = G.derivatives(x)
    assert d.nodes["g1"] == pytest.approx(dg1, rel=1e-14)
    assert d.nodes["g2"] == pytest.approx(dg2, rel=1e-14)
    by_paths = {path.nodes[1:3]: path.product for path in G.paths()}
    by_edges = {parent: d.edges[parent, "f"] * d.nodes[parent] for parent in ("g1", "g2")}
    assert by_paths == pytest.approx({("h1", "g1"): dg1 / g2, ("h2", "g2"): -g1 / g2**2 * dg2}, rel=1e-13)
    assert sum(by_paths.values()) == pytest.approx(sum(by_edges.values()), rel=1e-14)
    assert d.nodes["f"] == pytest.approx(dg1 / g2 - g1 / g2**2 * dg2, rel=1e-13)


def random_map(random, n, m):
    """A nonlinear function from n to m numbers."""
    A, B, c = random.standard_normal((m, n)), random.standard_normal((m, n)), random.standard_normal(m)
    return lambda x: np.tanh(A @ x + c) * (B @ x) + np.sin(B @ x)


@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.tuples(*[st.integers(1, 5)] * 3),
    method=st.sampled_from(["forward", "accumulate", "reverse"]),
)
def test_the_multivariate_chain_rule(seed, sizes, method):
    """jacobian(f o g)(x) = jacobian(f)(g(x)) @ jacobian(g)(x)."""
    random = np.random.default_rng(seed)
    n, k, m = sizes
    g, f = random_map(random, n, k), random_map(random, k, m)
    x = random.standard_normal(n)
    outer, inner = jf.jacobian(f, method=method)(g(x)), jf.jacobian(g, method=method)(x)
    whole = jf.jacobian(lambda x: f(g(x)), method=method)(x)
    assert whole.shape == (m, n)
    scale = (np.abs(outer) @ np.abs(inner)).max()
    np.testing.assert_allclose(whole, outer @ inner, rtol=0, atol=1e-12 * scale)
