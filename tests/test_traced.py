"""The graph as `jf.trace` returns it: a function at other points, its derivatives, its pictures in numbers."""

import functools
import pickle
import subprocess
import sys

import numpy as np
import pytest

import jacfwd as jf
from tests.awkward import FUNCTIONS, POINT

every = pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())
OTHER = np.array([0.7, -1.1, 2.5])


def two(a, b, scale=2):
    g = np.sin(a) * b
    h = g + scale * a
    return {"h": h, "s": np.sum(g)}


def branching(x):
    if np.sum(x) > 0:
        return x * 2
    return x * x


def assert_equal(found, expected):
    """Structures of numbers and arrays, equal in everything."""
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        found, expected = tuple(found.items()), tuple(expected.items())
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            assert_equal(a, b)
    elif isinstance(expected, str):
        assert found == expected
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


# A function at other points


@every
def test_it_is_the_function(f):
    G = jf.trace(f, POINT)
    assert_equal(G(OTHER), jf.linearize(f, OTHER)[0])
    y, dy = G.jvp(OTHER, POINT)
    expected_y, expected_dy = jf.jvp(f, OTHER, POINT)
    assert_equal(y, expected_y)
    assert_equal(dy, expected_dy)
    y, J = G.linearize(OTHER)
    assert_equal(y, expected_y)
    assert_equal(J(POINT), expected_dy)
    assert_equal(G.jacobian(OTHER), jf.jacobian(f)(OTHER))
    assert_equal(G.jacobian(OTHER, flat=True, method="reverse"), jf.jacobian(f, flat=True)(OTHER))
    flat = G.jacobian(OTHER, sparse=True, flat=True, format="csc")
    assert flat.format == "csc"
    np.testing.assert_allclose(flat.toarray(), J.toarray(), atol=1e-13)
    product = functools.reduce(lambda a, b: b @ a, G.layers(OTHER))
    np.testing.assert_allclose(product.toarray(), J.toarray(), atol=1e-13)
    assert G.pattern == jf.sparsity(f, POINT)


def test_arguments_as_recorded():
    G = jf.trace(two, POINT, 2.0, scale=3)
    assert_equal(G(OTHER, 5.0, scale=3), two(OTHER, 5.0, scale=3))
    assert_equal(G(list(OTHER), 5.0, scale=3), two(OTHER, 5.0, scale=3))
    y, dy = jf.trace(two, POINT, 2.0).jvp((OTHER, 5.0), (POINT, None))
    assert_equal((y, dy), jf.jvp(two, (OTHER, 5.0), (POINT, None)))
    assert_equal(jf.trace(two, POINT, 2.0).jacobian(OTHER, 5.0), jf.jacobian(two, argnums=(0, 1))(OTHER, 5.0))


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((np.ones(4), 2.0), {"scale": 3}, r"recorded for inputs float64\[3\], float64\[\], got float64\[4\]"),
        ((POINT.astype(np.float32), 2.0), {"scale": 3}, r"got float32\[3\]"),
        ((np.array([1, 2, 3]), 2.0), {"scale": 3}, r"got int64\[3\]"),
        ((POINT, 2), {"scale": 3}, r"float64\[3\], int64\[\]"),
        ((POINT[None], 2.0), {"scale": 3}, r"got float64\[1, 3\]"),
        ((POINT,), {"scale": 3}, "recorded with 2 positional arguments, got 1"),
        ((POINT,), {"scale": 3, "b": 2.0}, "recorded with 2 positional arguments, got 1"),
        ((POINT, 2.0, 3), {}, "argument 2 was not given when the graph was recorded, got 3"),
        ((POINT, 2.0), {"scale": 4}, "scale= was 3 when the graph was recorded, got 4; record it again"),
        ((POINT, 2.0), {"scale": 3.0}, "scale= was 3 when the graph was recorded, got 3.0"),
        ((POINT, 2.0), {}, "scale= was 3 when the graph was recorded, got not given"),
        (((POINT, POINT), 2.0), {"scale": 3}, r"recorded for \(\*, \*\), got \(\(\*, \*\), \*\)"),
    ],
)
def test_other_arguments_than_recorded(args, kwargs, message):
    G = jf.trace(two, POINT, 2.0, scale=3)
    for call in (G, G.linearize, G.jacobian, G.layers, G.derivatives):
        with pytest.raises(ValueError, match=message):
            call(*args, **kwargs)


def test_other_keys_than_recorded():
    G = jf.trace(lambda p: p["a"] * p["b"], {"a": 1.0, "b": 2.0})
    assert G({"b": 5.0, "a": 3.0}) == 15.0
    with pytest.raises(ValueError, match=r"recorded for \{'a': \*, 'b': \*\}, got \{'a': \*, 'c': \*\}"):
        G({"a": 3.0, "c": 5.0})


@pytest.mark.parametrize(
    ("then", "same", "other"),
    [
        ((3, 1), (3, 1), (1, 3)),
        ([0, 2], [0, 2], [0, 2, 1]),
        ({"axis": 0}, {"axis": 0}, {"axis": 1}),
        (np.arange(3), np.arange(3), np.arange(3.0).astype(np.float32).astype(int) + 1),
        (np.arange(3), np.arange(3), np.arange(3, dtype=np.int32)),
        ("C", "C", "F"),
        (None, None, 0),
        (np.sin, np.sin, np.cos),
        (2, 2, 2.5),
        (True, True, 1),
        (slice(0, 2), slice(0, 2), slice(0, 3)),
        ((1, [2, (3,)]), (1, [2, (3,)]), (1, [2, (4,)])),
    ],
)
def test_what_is_not_differentiated_is_part_of_the_graph(then, same, other):
    G = jf.trace(lambda x, option: x * 2, POINT, then)
    np.testing.assert_array_equal(G(OTHER, same), OTHER * 2)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(G))(OTHER, same), OTHER * 2)
    with pytest.raises(ValueError, match="argument 1 was .* when the graph was recorded, got .*; record it again"):
        G(OTHER, other)


def test_options_that_changed_since():
    for option, change in (
        ([0, 1], lambda o: o.append(2)),
        (np.arange(2), lambda o: o.fill(0)),
        ({}, lambda o: o.update(a=1)),
    ):
        G = jf.trace(lambda x, option: x * 2, POINT, option)
        change(option)
        with pytest.raises(ValueError, match="record it again"):
            G(OTHER, option)


def test_options_that_are_not_a_number_are_the_same():
    G = jf.trace(lambda x, option, array: x * 2, POINT, (float("nan"),)[:0], np.array(["a"]))
    G(OTHER, (), np.array(["a"]))


def test_nothing_to_differentiate():
    with pytest.raises(jf.NotDifferentiableError, match="no float or complex positional argument"):
        jf.trace(lambda k: k, 3)


@pytest.mark.parametrize("tangents", [(np.ones(2), None), (None, np.ones(3))])
def test_tangents_that_do_not_fit(tangents):
    with pytest.raises(ValueError, match="the tangents do not fit the primals"):
        jf.trace(two, POINT, 2.0).jvp((OTHER, 5.0), tangents)


def test_another_branch():
    G = jf.trace(branching, POINT)
    np.testing.assert_array_equal(G(OTHER), OTHER * 2)
    for call in (
        lambda: G(-OTHER),
        lambda: G.jvp(-OTHER, OTHER),
        lambda: G.linearize(-OTHER),
        lambda: G.jacobian(-OTHER),
        lambda: G.layers(-OTHER),
        lambda: G.derivatives(-OTHER),
        lambda: list(G.paths(0, 0, -OTHER)),
    ):
        with pytest.raises(jf.BranchChangedError, match=r"if np.sum\(x\) > 0"):
            call()
    assert [guard.value for guard in G.guards] == [np.True_]


def test_the_point_may_change_afterwards():
    G, x = jf.trace(lambda x: x * x, POINT), OTHER.copy()
    _, J = G.linearize(x)
    found = G.derivatives(x)
    x[:] = 77
    np.testing.assert_array_equal(J.toarray(), np.diag(2 * OTHER))
    np.testing.assert_array_equal(found.values["x"], OTHER)


# Under an outer derivative


def test_graphs_are_differentiated_as_functions_are():
    def f(x):
        return x**3 * np.sum(x) if np.sum(x) > 0 else x

    G, point = jf.trace(f, POINT), np.abs(POINT)
    np.testing.assert_allclose(jf.jacobian(G)(point), jf.jacobian(f)(point))
    np.testing.assert_allclose(jf.jacobian(G.jacobian)(point), jf.jacobian(jf.jacobian(f))(point))
    np.testing.assert_allclose(
        jf.jvp(lambda x: G.jvp(x, x)[1], point, point)[1], jf.jvp(lambda x: jf.jvp(f, x, x)[1], point, point)[1]
    )
    np.testing.assert_allclose(
        jf.jacobian(lambda x: G.linearize(x)[1](x))(point), jf.jacobian(lambda x: jf.linearize(f, x)[1](x))(point)
    )
    with pytest.raises(jf.BranchChangedError):
        jf.jvp(G, -point, point)
    with pytest.raises(TypeError, match="cannot be traced by an outer derivative"):
        jf.jvp(lambda x: G.jacobian(x, sparse=True), point, point)


# Looking


def test_forward_derivatives_in_level_order():
    G = jf.trace(two, POINT, 2.0)
    found = G.derivatives(OTHER, 5.0, wrt=3)
    assert list(found.nodes) == ["b", "g", "h", "t3"]
    assert found.nodes["b"] == 1.0
    np.testing.assert_allclose(found.nodes["g"], np.sin(OTHER))
    np.testing.assert_allclose(found.nodes["t3"], np.sum(np.sin(OTHER)))
    assert set(found.edges) == {("b", "g"), ("g", "h"), ("g", "t3")}
    np.testing.assert_allclose(found.edges["b", "g"].toarray()[:, 0], np.sin(OTHER))
    np.testing.assert_array_equal(found.edges["g", "h"].toarray(), np.eye(3))
    np.testing.assert_array_equal(found.values["g"], np.sin(OTHER) * 5.0)
    found = G.derivatives(OTHER, 5.0, wrt=1)
    np.testing.assert_array_equal(found.nodes["a"], [0, 1, 0])
    assert "b" not in found.nodes


def test_edges_between_scalars_are_numbers_and_parallel_ones_add_up():
    def f(x):
        g = x * x
        h = g + g
        return h

    found = jf.trace(f, 3.0).derivatives(3.0)
    assert found.nodes == {"x": 1.0, "g": 6.0, "h": 12.0}
    assert found.edges == {("x", "g"): 6.0, ("g", "h"): 2.0}


def test_edges_of_conjugation_are_matrices_on_parts():
    def f(x):
        z = np.exp(1j * x)
        w = np.conj(z)
        a = np.abs(w)
        return a

    edges = jf.trace(f, 0.5).derivatives(0.5).edges
    np.testing.assert_array_equal(edges["z", "w"].toarray(), [[1, 0], [0, -1]])
    np.testing.assert_allclose(edges["w", "a"].toarray(), [[np.cos(0.5), -np.sin(0.5)]])
    np.testing.assert_allclose(edges["x", "z"] if "z" in edges else edges["t1", "z"], np.exp(0.5j))


def test_edges_in_half_precision_and_of_structure():
    G = jf.trace(lambda x: np.sin(x)[::-1], POINT.astype(np.float16))
    edges = G.derivatives(POINT.astype(np.float16)).edges
    assert all(edge.dtype.kind == "f" for edge in edges.values())
    assert len(edges) == 2


@pytest.mark.parametrize("wrt", [-1, 4])
def test_derivatives_with_respect_to_an_input_that_is_not_there(wrt):
    with pytest.raises(ValueError, match=f"wrt={wrt} is out of range for 4 flat inputs"):
        jf.trace(two, POINT, 2.0).derivatives(OTHER, 5.0, wrt=wrt)


def test_numbers_of_paths():
    G = jf.trace(two, POINT, 2.0)
    counts = G.count_paths()
    assert counts.shape == (4, 4) and counts.dtype == object
    assert counts[0].tolist() == [2, 0, 0, 1] and counts[3].tolist() == [1, 1, 1, 3]
    assert G.count_paths(3, 3) == 3 and type(G.count_paths(3, 3)) is int
    assert G.count_paths(3) == 1 and G.count_paths(j=3) == 1
    assert len(list(G.paths(3, 3))) == 3


def test_numbers_of_paths_are_exact_beyond_64_bits():
    def f(x):
        for _ in range(100):
            x = np.sin(x[0] * x[1]) * np.ones(2) + 0.1 * x
        return x[0]

    count = jf.trace(f, np.array([0.1, 0.2])).count_paths(0, 0)
    assert count > 2**64


def test_paths_at_the_recorded_point_and_at_others():
    G = jf.trace(lambda x: np.sin(x) * x, 2.0)
    assert sum(path.product for path in G.paths(0, 0)) == pytest.approx(np.sin(2) + 2 * np.cos(2))
    assert sum(path.product for path in G.paths(0, 0, 3.0)) == pytest.approx(np.sin(3) + 3 * np.cos(3))
    assert len(G.layers()) == len(G.layers(3.0)) == 2


def test_text_and_nodes():
    G = jf.trace(two, POINT, 2.0)
    assert repr(G) == "<Graph of 7 nodes, 2 inputs, 2 outputs, 0 guards>"
    assert str(G).startswith("graph(a: float64[3], b: float64[])\n  t1: float64[3] = sin(a)")
    assert list(G.nodes) == ["a", "b", "t1", "g", "t2", "h", "t3"]
    assert G.nodes["g"].shape == (3,)


# Pickling


def test_it_pickles_without_the_function(tmp_path):
    source = "import numpy as np\n\ndef lost(x):\n    u = np.sin(x)\n    return {'y': u * x if u[0] > 0 else x}\n"
    (tmp_path / "vanishing.py").write_text(source)
    write = (
        "import pickle, numpy as np, jacfwd as jf, vanishing\n"
        "G = jf.trace(vanishing.lost, np.array([1.0, 2.0]))\n"
        "pickle.dump(G, open('graph', 'wb')) or print(G)\n"
    )
    read = (
        "import pickle, numpy as np, sys\n"
        "G = pickle.load(open('graph', 'rb'))\n"
        "assert 'vanishing' not in sys.modules\n"
        "x = np.array([0.5, 3.0])\n"
        "assert np.array_equal(G(x)['y'], np.sin(x) * x)\n"
        "assert np.allclose(G.jacobian(x)['y'], np.diag(np.cos(x) * x + np.sin(x)))\n"
        "y, J = G.linearize(x)\n"
        "assert list(G.derivatives(x).nodes)[:2] == ['x', 'u']\n"
        "assert G.count_paths(0, 0) == 2 and str(G.cost())\n"
        "try:\n    G(-x)\nexcept RuntimeError as error:\n    assert 'u[0] > 0' in str(error)\nelse:\n    sys.exit(1)\n"
        "print(G)\n"
    )
    first = subprocess.run([sys.executable, "-c", write], cwd=tmp_path, capture_output=True, text=True, check=True)
    (tmp_path / "vanishing.py").unlink()
    second = subprocess.run([sys.executable, "-c", read], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    assert first.stdout == second.stdout


@every
def test_every_graph_pickles(f):
    G = jf.trace(f, POINT)
    other = pickle.loads(pickle.dumps(G))
    assert str(other) == str(G)
    assert_equal(other(OTHER), G(OTHER))
    assert_equal(other.jacobian(OTHER), G.jacobian(OTHER))
