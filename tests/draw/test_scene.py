"""What drawings say: the article's labels, in the article's places."""

import numpy as np
import pytest
import scipy.sparse as sp

import jacfwd as jf
from jacfwd.draw.labels import brief, number, operations, ratio, shortened
from jacfwd.draw.scene import scene_of
from tests.draw.functions import CASES, graph_of


def texts(name, wrt=0):
    scene = scene_of(graph_of(name).at(), wrt)
    return {node.name: node for node in scene.nodes}, {edge.text for edge in scene.edges}, scene


def test_the_chain():
    nodes, edges, scene = texts("chain")
    assert scene.title == "Derivative graph of x, at x = 4"
    assert [node.lines for node in nodes.values()] == [
        ("x = 4", "dx/dx = 1"),
        ("g = 12", "3 · x", "dg/dx = 3"),
        ("f = 144", "g^2", "df/dx = 72"),
    ]
    assert edges == {"dg/dx = 3", "df/dg = 24"}
    assert [node.role for node in nodes.values()] == ["input", "inner", "output"]


def test_partial_signs_where_parents_meet():
    _, edges, _ = texts("product")
    assert edges == {"ds/dx = -0.41615", "dc/dx = -0.9093", "∂p/∂s = -0.41615", "∂p/∂c = 0.9093"}


def test_one_derivative_graph_for_each_input():
    of_x, _, _ = texts("total", 0)
    of_y, _, _ = texts("total", 1)
    assert of_x["q"].derivative == "dq/dx = 0"
    assert not of_x["q"].reached
    assert of_y["q"].derivative == "dq/dy = 1.4"
    assert [node.value for node in of_x.values()] == [node.value for node in of_y.values()]


def test_arrays_have_shapes_formats_and_entries():
    nodes, edges, scene = texts("arrays", 2)
    assert scene.title == "Derivative graph of x[2]"
    assert "4 numbers" in nodes["u"].lines
    assert nodes["x"].derivative == "dx/dx[2] = [0, 0, 1, …]"
    assert "du/dx = 4 × 4 diagonal, nnz 4" in edges
    assert "ds/dv = 1 × 3 sums, nnz 3" in edges


@pytest.mark.parametrize("name", CASES)
def test_a_scene_of_everything(name):
    f, *args = CASES[name]
    graph = jf.trace(f, *args)
    found = graph.at()
    chain = found.chain()
    for wrt in range(chain.n):
        scene = scene_of(found, wrt)
        assert {node.key for node in scene.nodes} == chain.levels().keys()
        assert {(edge.parent, edge.child) for edge in scene.edges} == {(p, c) for p, c, _ in chain.edges()}
    with pytest.raises(ValueError, match="out of range"):
        scene_of(found, chain.n)


def test_the_users_line_is_there():
    nodes, _, _ = texts("chain")
    assert nodes["g"].where.endswith(": g = 3 * x")


def test_operations_are_formulas():
    def f(x, y):
        return np.arctan2(-x, y) + np.clip(x, 0, 1) * np.array([1.0, 2.0])

    graph = jf.trace(f, 1.0, 2.0).data
    found = operations(graph, [f"n{k}" for k in range(len(graph.nodes))])
    assert found[:2] == ["", ""]
    assert "-n0" in found
    assert "arctan2(n2, n1)" in found
    assert any(text.endswith("· array[2]") for text in found)


def test_formats_have_words():
    A = sp.csr_array(np.array([[1.0, 3.0, 0.0], [0.0, 1.0, 2.0]]))
    operations = {
        "identity": lambda x: x + 1,
        "scaled identity": lambda x: 4.0 * x,
        "diagonal": lambda x: x * np.arange(3.0),
        "mask": lambda x: np.where(np.array([True, False, True]), x, 0.0),
        "selection": lambda x: x[::-1],
        "sums": lambda x: np.sum(x),
        "sparse": lambda x: A @ x,
        "contraction": lambda x: np.ones((2, 3)) @ x,
        "sum": lambda x: x * x,
    }
    for word, f in operations.items():
        scene = scene_of(jf.trace(f, np.array([1.0, 2.0, 3.0])).at())
        assert any(f" {word}, nnz" in edge.value for edge in scene.edges), (word, [e.value for e in scene.edges])


def test_words():
    assert ratio("∂", "f", "sin(x)") == "∂f/∂(sin(x))"
    assert number(1 + 2j) == "1+2i"
    assert brief(np.array([True, False])) == "[True, False]"
    assert shortened("a\n  b") == "a b"
    assert len(shortened("x" * 100)) == 26


def test_a_node_called_by_its_operation_does_not_say_it_twice():
    scene = scene_of(jf.trace(lambda x: jf.name("sin(x)", np.sin(x)), 1.0).at())
    assert scene.nodes[1].lines == ("sin(x) = 0.84147", "d(sin(x))/dx = 0.5403")
