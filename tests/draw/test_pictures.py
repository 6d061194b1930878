"""Pictures of matrices, paths and tangents, graphs for terminals, and exports."""

import re
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import scipy.sparse as sp

import jacfwd as jf
from jacfwd.coloring import greedy
from tests.draw.functions import CASES, arrays, graph_of, product, total
from tests.draw.test_boxes import words

SVG = "{http://www.w3.org/2000/svg}"


def squares(drawing):
    """The squares drawn: how many in each color."""
    found = {}
    for path in ET.fromstring(drawing.svg).iter(f"{SVG}path"):
        found[path.get("fill")] = found.get(path.get("fill"), 0) + path.get("d").count("M")
    return found


class TestLayers:
    def test_factors_and_their_product(self):
        _, J = jf.linearize(product, 2.0)
        found = words(J.draw_layers())
        assert [text for text in found if text in ("L1", "L2", "J", "·", "=")] == ["L2", "·", "L1", "=", "J"]
        assert {"s", "c", "p", "0.909", "-0.654", "2 × 1, nnz 2"} <= set(found)

    def test_large_ones_are_squares(self):
        _, J = jf.linearize(lambda u: np.sin(u[1:]) * u[:-1], np.ones(60))
        drawing = jf.draw.layers(J)
        assert sum(squares(drawing).values()) == sum(m.nnz for m in J.layers) + J.tocsr().nnz

    def test_turned(self):
        _, J = jf.linearize(arrays, np.arange(4.0))
        assert "4 × 1, nnz 4" in words(J.T.draw_layers())


class TestPattern:
    def test_one_square_for_each_entry(self):
        S = jf.sparsity(lambda u: u[1:] * u[:-1], np.ones(20))
        assert list(squares(jf.draw.pattern(S)).values()) == [38]
        assert S._repr_svg_() == jf.draw.pattern(S).svg

    def test_colors_of_columns(self):
        S = jf.sparsity(lambda u: u[1:] * u[:-1], np.ones(20))
        found = squares(jf.draw.pattern(S, greedy(S)))
        assert sorted(found.values()) == [19, 19]
        with pytest.raises(ValueError, match="20 columns"):
            jf.draw.pattern(S, [0, 1])

    def test_big_ones_are_coarse(self):
        drawing = jf.draw.pattern(sp.eye_array(10_000, format="csr"))
        assert len(drawing.svg) < 30_000
        assert sum(squares(drawing).values()) <= 160

    def test_empty(self):
        assert "Pattern, 0 × 3, 0 entries" in words(jf.draw.pattern(sp.csr_array((0, 3))))


class TestPaths:
    def test_products_and_their_sum(self):
        found = words(jf.draw.paths(graph_of("product")))
        assert found[0] == "2 paths from x to p"
        assert {"= 0.17318", "= -0.82682", "sum = -0.65364"} <= set(found)

    def test_none(self):
        found = words(jf.draw.paths(jf.trace(lambda x, y: x * 2, 1.0, 2.0), 0, 1))
        assert {"0 paths from input 1 to output 0", "sum = 0"} <= set(found)

    def test_too_many(self):
        def f(x):
            for _ in range(6):
                x = np.sin(x) * np.cos(x)
            return x

        assert {"24 of more paths from x to x_2_2", "there are more"} & set(words(jf.draw.paths(jf.trace(f, 1.0))))


class TestTangents:
    def test_the_line(self):
        found = words(jf.draw.tangent_line(lambda x: x**2, 3.0, step=1.0))
        assert {"The tangent at 3: slope 6", "9 + 6 (x - 3)", "secant, slope 7"} <= set(found)

    def test_a_line_where_the_function_ends(self):
        with np.errstate(invalid="ignore"):
            assert "nan" not in jf.draw.tangent_line(np.log, 0.5, radius=2.0).svg

    def test_the_plane(self):
        found = words(jf.draw.tangent_plane(lambda x, y: x**2 + y**2, 1.0, 2.0))
        assert {"The tangent plane at (1, 2): slopes 2 and 4", "f = 5"} <= set(found)

    def test_a_level_plane(self):
        assert "slopes 0 and 0" in words(jf.draw.tangent_plane(lambda x, y: 0 * x * y, 1.0, 2.0))[0]


class TestText:
    def test_lanes(self):
        lines = jf.draw.text(graph_of("product")).splitlines()
        assert [line[:5] for line in lines[2:]] == ["○    ", "├─●  ", "└─│─●", "◉─┴─┘"]

    @pytest.mark.parametrize("name", [name for name in CASES if name != "empty"])
    def test_one_line_for_each_node(self, name):
        graph = graph_of(name)
        lines = jf.draw.text(graph, fold=None).splitlines()[2:]
        assert len(lines) == len(graph.at().chain().levels())
        assert all(sum(mark in line for mark in "○●◉") == 1 for line in lines)

    def test_folded(self):
        from tests.draw.functions import loop

        assert "150 operations on 2 lines" in jf.draw.text(jf.trace(loop, 0.5))


class TestDot:
    def test_nodes_edges_and_ranks(self):
        dot = graph_of("total").to_dot(wrt=1)
        assert dot.count(" -> ") == 7
        assert dot.count("rank=same") == 4
        assert '[label="dq/dy = 1.4"]' in dot
        assert "style=dashed" in dot
        assert jf.draw.to_dot(graph_of("total"), wrt=1) == dot

    def test_names_are_quoted(self):
        dot = jf.trace(lambda x: jf.name('a"b\\c', x * 2), 1.0).to_dot()
        (label,) = re.findall(r'label="(a.*?)\\n', dot)
        assert label == 'a\\"b\\\\c = 2'


class TestNetworkx:
    def test_attributes(self):
        pytest.importorskip("networkx")
        found = graph_of("total").to_networkx(wrt=1)
        assert found.nodes["h"]["derivative"] == pytest.approx(2 * 0.7 - np.sin(1.2) * np.sin(0.7))
        assert found.nodes["x"] | {"role": "input", "derivative": 0.0} == found.nodes["x"]
        assert found.edges["q", "h"] == {"local": 1.0, "label": "∂h/∂q"}
        assert found.graph["wrt"] == "y"

    def test_paths_sum_to_the_derivative(self):
        networkx = pytest.importorskip("networkx")
        found = jf.draw.to_networkx(jf.trace(total, 1.2, 0.7), wrt=0)
        sums = 0.0
        for path in networkx.all_simple_paths(found, "x", "h"):
            sums += np.prod([found.edges[edge]["local"] for edge in networkx.utils.pairwise(path)])
        assert sums == pytest.approx(found.nodes["h"]["derivative"])

    def test_matrices_on_edges(self):
        pytest.importorskip("networkx")
        found = graph_of("arrays").to_networkx()
        assert found.edges["v", "s"]["local"].shape == (1, 3)

    def test_advice_without_it(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "networkx", None)
        with pytest.raises(ImportError, match="pip install networkx"):
            graph_of("chain").to_networkx()


class TestPlot:
    @pytest.fixture(autouse=True)
    def backend(self):
        matplotlib = pytest.importorskip("matplotlib")
        matplotlib.use("agg")
        yield
        from matplotlib import pyplot

        pyplot.close("all")

    def test_a_figure_of_its_own(self):
        ax = jf.draw.plot(graph_of("total"), wrt=1)
        found = {text.get_text() for text in ax.texts}
        assert {"dh/dy = 0.79956", "∂h/∂q = 1", "Derivative graph of y, at x = 1.2, y = 0.7"} <= found
        ax.figure.canvas.draw()

    def test_on_given_axes(self):
        from matplotlib import pyplot

        _, (left, right) = pyplot.subplots(1, 2)
        assert jf.draw.plot(graph_of("chain"), ax=right) is right
        assert len(right.patches) == 5
        assert not left.patches

    def test_advice_without_it(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        with pytest.raises(ImportError, match=r"jacfwd\[plot\]"):
            jf.draw.plot(graph_of("chain"))
