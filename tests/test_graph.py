"""The recorded graph: checks itself, replays with guards, names its nodes, prints itself, pickles."""

import pickle

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.arguments import select
from jacfwd.graph import Graph, Guard, Node, Output, names_of
from jacfwd.recorded import record
from jacfwd.rules import TABLE

SIN, ADD = TABLE[np.sin], TABLE[np.add]
FLOAT = np.dtype(float)


def source():
    return Node(None, (), (), {}, (), FLOAT)


def graph_of(f, *args):
    return record(select(f, args, {}, None)).graph


def sine_graph():
    return Graph([source(), Node(SIN, (0,), (None,), {}, (), FLOAT)], [0], [Output(1, None, (), FLOAT)], [])


# Checks


def test_a_graph_made_by_hand():
    G = sine_graph()
    assert G.results(G.evaluate([np.float64(2.0)])) == [np.sin(2.0)]
    assert str(G) == "graph(t1: float64[])\n  t2: float64[] = sin(t1)\n  return t2"


@pytest.mark.parametrize(
    ("nodes", "inputs", "outputs", "guards", "message"),
    [
        ([Node(SIN, (0,), (None,), {}, (), FLOAT)], [], [], [], "node 0 depends on a node that comes later"),
        ([Node(SIN, (-1,), (None,), {}, (), FLOAT)], [], [], [], "node 0 depends on a node that comes later"),
        ([source(), Node(ADD, (0,), (None, 1.0), {}, (), FLOAT)], [0], [], [], "1 parents for 2 operands"),
        ([source()], [], [], [], "node 0 .* no input"),
        ([source(), Node(SIN, (0,), (None,), {}, (), FLOAT)], [0, 1], [], [], "node 1 .* an input"),
        ([source()], [0], [Output(1, None, (), FLOAT)], [], "refers to no node"),
        ([source()], [0], [Output(-1, None, (), FLOAT)], [], "refers to no node"),
        ([source()], [0], [], [Guard(3, True, "here")], "refers to no node"),
    ],
)
def test_a_graph_that_is_not_well_formed(nodes, inputs, outputs, guards, message):
    with pytest.raises(ValueError, match=message):
        Graph(nodes, inputs, outputs, guards)


def test_nodes_know_whether_they_can_carry_a_derivative():
    nodes = graph_of(lambda x: np.floor(x) + np.argsort(x) + (x > 0), np.ones(2)).nodes
    found = {node.primitive.short: node.differentiable for node in nodes if node.primitive}
    assert found["add"] and not found["argsort"] and not found["greater"] and not found["floor"]
    assert nodes[0].differentiable


# Replay


def test_replay_is_a_run_at_another_point():
    G = graph_of(lambda x, y: (np.sin(x) * y, 3.0), np.ones(2), 2.0)
    x = np.array([0.5, -0.5])
    first, second = G.results(G.evaluate([x, np.float64(3.0)]))
    np.testing.assert_array_equal(first, np.sin(x) * 3.0)
    assert second == 3.0


def branching(x):
    if np.sum(x) > 0:
        return x * 2
    return x * x


def test_guards_hold_or_raise_naming_the_line():
    G = graph_of(branching, np.ones(2))
    assert len(G.guards) == 1
    G.evaluate([np.array([3.0, -1.0])])
    with pytest.raises(jf.BranchChangedError) as caught:
        G.evaluate([np.array([-3.0, -1.0])])
    text = str(caught.value)
    assert "True when recorded, False now" in text
    assert "in branching" in text and "if np.sum(x) > 0:" in text and "test_graph.py" in text


def test_a_guard_on_an_index():
    G = graph_of(lambda x: x[np.argmax(x)] * 2, np.array([1.0, 3.0, 2.0]))
    assert G.results(G.evaluate([np.array([0.0, 5.0, 2.0])])) == [10.0]
    with pytest.raises(jf.BranchChangedError, match="1 when recorded, 2 now"):
        G.evaluate([np.array([0.0, 1.0, 2.0])])


def test_a_guard_on_a_mask():
    G = graph_of(lambda x: x[x > 0] * 2, np.array([1.0, -3.0, 2.0]))
    with pytest.raises(jf.BranchChangedError, match=r"\[ True False True\] when recorded, \[False False True\] now"):
        G.evaluate([np.array([-1.0, -3.0, 2.0])])


def test_inputs_must_be_as_many():
    with pytest.raises(ValueError, match="argument 2 is"):
        sine_graph().evaluate([1.0, 2.0])


# Names


def test_names_are_the_users():
    def f(x, y):
        u = np.sin(x)
        v = u * y
        return jf.name("result", v + 1.0) * 2.0

    assert names_of(graph_of(f, 1.0, 2.0)) == ["x", "y", "u", "v", "result", "t1"]


def test_names_are_unique():
    def f(x):
        for _ in range(3):
            x = np.sin(x)
        x_2 = x * 2.0
        t1 = x_2 + 1.0
        return np.cos(t1) * np.exp(t1)

    names = names_of(graph_of(f, 1.0))
    assert names == ["x", "x_3", "x_4", "x_5", "x_2", "t1", "t2", "t3", "t4"]
    assert len(set(names)) == len(names)


def test_one_call_that_becomes_several_nodes_names_the_last():
    def f(x):
        y = np.sum(x[::-1] * x)
        return y

    G = graph_of(f, np.ones(3))
    names = names_of(G)
    assert names.count("y") == 1
    assert G.nodes[names.index("y")].primitive.short == "sum"


def test_what_is_made_after_the_function_returned_has_no_name_of_its_callers():
    found = graph_of(lambda x: x[::-1], np.ones(3))
    listed = graph_of(lambda x: [x[0], x[1] * 2], np.ones(3))
    assert names_of(found) == ["x", "t1"]
    assert not {"found", "listed"} & set(names_of(listed))


# Text


def test_the_text_says_everything():
    def f(x):
        y = np.sum(x * np.array([1.0, 2.0, 3.0]), axis=0)
        if y > 0:
            return y, 5.0, np.arange(20.0)
        return y

    assert str(graph_of(f, np.ones(3))).splitlines() == [
        "graph(x: float64[3])",
        "  t1: float64[3] = multiply(x, [1. 2. 3.])",
        "  y: float64[] = sum(t1, axis=0)",
        "  t2: bool[] = greater(y, 0)",
        "  guard t2 == True",
        "  return y, 5.0, [ 0. 1. 2. ... 17. 18. 19.]",
    ]


def test_long_constants_are_cut_short():
    matrix = np.linspace(0, 1, 36).reshape(6, 6)
    lines = str(graph_of(lambda x: matrix @ x, np.ones(6))).splitlines()
    assert lines[1].endswith("..., x)") and len(lines[1]) < 110


# Pickling


def test_a_pickled_graph_keeps_names_guards_and_constants():
    def f(x):
        u = x * np.array([1.0, 2.0])
        if u[0] > 0:
            return np.sin(u)
        return u

    G = graph_of(f, np.ones(2))
    other = pickle.loads(pickle.dumps(G))
    assert str(other) == str(G)
    assert other.nodes[1].location is None
    np.testing.assert_array_equal(other.results(other.evaluate([np.ones(2)]))[0], np.sin([1.0, 2.0]))
    with pytest.raises(jf.BranchChangedError, match="if u"):
        other.evaluate([-np.ones(2)])


def test_a_graph_keeps_no_memory_of_the_users():
    c = np.array([1.0, 2.0])
    G = graph_of(lambda x: x * c, np.ones(2))
    c[:] = 77
    np.testing.assert_array_equal(G.results(G.evaluate([np.ones(2)]))[0], [1.0, 2.0])
