"""Drawings of graphs: well-formed, complete, legible, quick, and folded where they are large."""

import time
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.draw.boxes import INK
from jacfwd.draw.svg import Drawing, text_width
from tests.draw.functions import CASES, graph_of, loop, tangle, two_loops

SVG = "{http://www.w3.org/2000/svg}"


def words(drawing):
    """All texts of a picture, which must be well-formed."""
    return [element.text for element in ET.fromstring(drawing.svg).iter(f"{SVG}text")]


def luminance(color):
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    low, high = sorted([luminance(a), luminance(b)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ground", ["ground", "inner", "input", "output"])
@pytest.mark.parametrize("ink", ["text", "quiet", "slope", "local"])
def test_words_stand_out_from_their_ground(ink, ground):
    """The bound of the Web Content Accessibility Guidelines 2.2, level AA."""
    assert contrast(INK[ink], INK[ground]) >= 4.5


def test_the_chain_shows_the_articles_numbers():
    found = words(graph_of("chain").draw())
    assert {"dx/dx = 1", "dg/dx = 3", "df/dx = 72", "df/dg = 24", "x = 4", "g = 12", "f = 144"} <= set(found)
    assert found[0] == "Derivative graph of x, at x = 4"


def test_at_another_point():
    found = words(graph_of("chain").draw(-0.5))
    assert {"f = 2.25", "df/dx = -9"} <= set(found)


@pytest.mark.parametrize("name", [name for name in CASES if name != "empty"])
def test_everything_can_be_drawn(name):
    graph = graph_of(name)
    assert words(graph.draw())[0].startswith("Derivative graph of ")
    assert graph._repr_svg_() == graph.draw().svg


def test_nothing_to_draw():
    graph = graph_of("empty")
    assert graph._repr_svg_() is None
    with pytest.raises(ValueError, match="out of range for 0"):
        graph.draw()


def test_names_that_are_markup():
    graph = jf.trace(lambda x: jf.name("a<b>&\"'", np.sin(x)), 1.0)
    assert any("a<b>&\"'" in text for text in words(graph.draw()))


def test_sixty_nodes_in_half_a_second():
    graph = jf.trace(tangle(60), 0.3)
    start = time.process_time()
    drawing = graph.draw()
    assert time.process_time() - start < 0.5
    assert 55 <= sum("/dx = " in text for text in words(drawing)) <= 60


def test_a_loop_folds_into_its_lines():
    graph = jf.trace(loop, 0.5)
    (box,) = (text for text in words(graph.draw()) if "operations on" in text)
    assert box == "150 operations on 2 lines"
    assert sum("/dx = " in text for text in words(graph.draw(fold=None))) == 151


def test_folds_by_choice():
    graph = jf.trace(two_loops, 0.5)
    by_line = words(graph.draw(fold="line"))
    assert {"80 operations on 2 lines", "40 operations"} <= set(by_line)
    by_function = words(graph.draw(fold="function"))
    assert {"80 operations on 2 lines", "40 operations"} <= set(by_function)
    assert len([text for text in words(graph.draw(fold="level")) if "operations" in text]) > 10
    with pytest.raises(ValueError, match="'file'"):
        graph.draw(fold="file")


def test_what_has_lost_its_lines_folds_by_level(tmp_path):
    import pickle

    graph = pickle.loads(pickle.dumps(jf.trace(loop, 0.5)))
    assert any("operations" in text for text in words(graph.draw()))


def test_many_inputs_fold():
    graph = jf.trace(lambda *xs: sum(xs), *[float(k) for k in range(80)])
    assert "80 inputs" in words(graph.draw())


def test_a_drawing_saves_itself(tmp_path):
    drawing = graph_of("chain").draw()
    drawing.save(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == drawing.svg == drawing._repr_svg_()
    with pytest.raises(ValueError, match="graph.png"):
        drawing.save(tmp_path / "graph.png")
    assert repr(drawing).startswith("<Drawing, ")
    assert repr(Drawing("")) == "<Drawing>"


def test_the_same_graph_gives_the_same_picture():
    assert graph_of("arrays").draw().svg == graph_of("arrays").draw().svg


def test_texts_fit_into_their_boxes():
    """The estimate is never below what the letters take up in DejaVu Sans, the widest of the fonts asked for."""
    font_manager = pytest.importorskip("matplotlib.font_manager")
    from matplotlib.textpath import TextToPath

    for weight, factor in (("normal", 1.0), ("bold", 1.12)):
        font = font_manager.FontProperties(family="DejaVu Sans", weight=weight, size=100)
        for text in ["dg/dx = -0.41615", "∂f/∂(sin(x)) = 1e-05", "4 × 4 diagonal, nnz 4", "weights_2 = 1.5", "W @ x"]:
            width, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
            assert width <= text_width(text, 100) * factor * 1.04, text
