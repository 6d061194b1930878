"""The page as text: what it carries, how large it is, and what it leaves out. `tests/browser` plays with it."""

import json
import re

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.draw import page
from tests.draw.functions import CASES, graph_of, loop, tangle


def data_of(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_the_chain():
    found = data_of(graph_of("chain").to_html())
    assert [node["slopes"] for node in found["nodes"]] == [["dx/dx = 1"], ["dg/dx = 3"], ["df/dx = 72"]]
    assert [layer["entries"] for layer in found["layers"]] == [[[0, 0, 3.0]], [[0, 0, 24.0]]]
    assert found["paths"]["0,0"] == {
        "count": "1",
        "label": "df/dx",
        "list": [{"nodes": ["x", "g", "f"], "keys": ["x", "g", "f"], "factors": [3.0, 24.0], "product": 72.0}],
    }
    assert found["cost"] == {"n": 1, "edges": [0, 1, 2], "paths": [["1", "1", "1"]], "logs": [[0.0, 0.0, 0.0]]}


@pytest.mark.parametrize("name", [name for name in CASES if name != "empty"])
def test_layers_carry_derivatives_to_where_the_nodes_have_them(name):
    graph = graph_of(name)
    found = data_of(graph.to_html())
    if found["layers"] is None:
        assert name in ("complex", "constant", "passed through"), found["why"]
        return
    vector = np.eye(found["layers"][0]["n"])[0]
    for layer in found["layers"]:
        after = np.zeros(layer["m"])
        for i, j, value in layer["entries"]:
            after[i] += value * vector[j]
        vector = after
    chain = graph.at().chain()
    np.testing.assert_allclose(vector, chain.push(np.eye(chain.n)[:1])[0], rtol=1e-6)


def test_paths_and_their_numbers():
    found = data_of(graph_of("total").to_html())
    of_y = found["paths"]["0,1"]
    assert of_y["count"] == "2"
    assert sum(path["product"] for path in of_y["list"]) == pytest.approx(2 * 0.7 - np.sin(1.2) * np.sin(0.7))
    assert found["cost"]["paths"][1][-1] == "2"


def test_what_json_has_no_word_for():
    with np.errstate(divide="ignore"):
        found = data_of(jf.trace(np.sqrt, 0.0).to_html())
    assert found["layers"][0]["entries"] == [[0, 0, "inf"]]


def test_text_that_looks_like_markup():
    text = jf.trace(lambda x: jf.name("</script><b>", 2 * x), 1.0).to_html()
    assert data_of(text)["nodes"][1]["name"] == "</script><b>"
    assert "<b>" not in text.partition("<script")[0]


def test_no_addresses_of_other_files():
    text = graph_of("arrays").to_html()
    assert set(re.findall(r"https?://[\w./]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in text
    assert not re.search(r"\b(src|href)=", text)


def test_large_graphs_fold():
    found = data_of(jf.trace(lambda x: loop(loop(loop(loop(x)))), 0.5).to_html())
    assert len(found["nodes"]) < 61
    assert found["layers"] is found["paths"] is found["cost"] is None
    assert "folded" in found["note"]


def test_large_graphs_of_many_inputs_have_one_scene():
    graph = jf.trace(lambda x: [np.sin(x[k]) * x[k] for k in range(300)], np.ones(300))
    found = data_of(graph.to_html())
    assert found["inputs"] == ["x[0]"]
    assert "the first 1 of 300 inputs" in found["note"]


def test_large_arrays_have_no_lists():
    text = jf.trace(lambda x: np.sum(np.sin(x)), np.ones(100_000)).to_html()
    found = data_of(text)
    assert len(text) < 100_000
    assert "200,001 elements" in found["why"]
    assert found["note"] == "the first 24 of 100,000 inputs"


def test_many_outputs():
    found = data_of(jf.trace(lambda x: x * np.arange(1.0, 9.0), 1.0).to_html())
    assert found["outputs"] == [f"t1[{k}]" for k in range(6)]
    assert "first 6 of 8 outputs" in found["note"]


def test_five_hundred_nodes_fit_into_two_megabytes():
    graph = jf.trace(tangle(535), 0.3)
    assert 480 <= len(graph.data.nodes) <= page.MOST_NODES
    assert len(graph.to_html().encode()) < 2_000_000


def test_it_is_written(tmp_path):
    graph = graph_of("chain")
    path = tmp_path / "graph.html"
    assert jf.draw.to_html(graph, path) == path.read_text(encoding="utf-8") == graph.to_html()
    assert "at x = 2<" in graph.to_html(None, 2.0)


def test_without_inputs():
    with pytest.raises(ValueError, match="no derivative"):
        graph_of("empty").to_html()
