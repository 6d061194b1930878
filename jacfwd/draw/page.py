"""A page to play with: one HTML file, without network, that steps through the forward sweep of a graph.

`page.html` is the page, in which three places are filled: the title, the picture of the graph, and data as JSON.
"""

import dataclasses
import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from jacfwd.chain import Chain
from jacfwd.draw.boxes import curve_path
from jacfwd.draw.fold import folded
from jacfwd.draw.geometry import LINE, PAD_Y, SMALL, Box, Curve, Placed, place
from jacfwd.draw.labels import element, ratio
from jacfwd.draw.scene import INPUT, OUTPUT, Node, Scene, input_name, scene_of
from jacfwd.draw.svg import Svg, made, text_width
from jacfwd.graph import names_of
from jacfwd.layers import inputs_state, layers
from jacfwd.paths import Path as Way
from jacfwd.paths import count_matrix, paths_between, walks
from jacfwd.recorded import Recorded

__all__ = ["page", "to_html"]

# Beyond these sizes a page would be slow, or nobody would look: then it shows less, and says so.
MOST_NODES = 500
MOST_INPUTS, MOST_OUTPUTS, MOST_PATHS = 24, 6, 12
MOST_ELEMENTS = 4000
SMALL_SIDE, SMALL_ENTRIES = 30, 300


def to_html(found: Recorded, path: str | os.PathLike[str] | None = None) -> str:
    """The page as text, written to `path` if there is one."""
    text = page(found)
    if path is not None:
        Path(path).write_text(text, encoding="utf-8")
    return text


def page(found: Recorded) -> str:
    """The page of a recording at a point."""
    chain = found.chain()
    if not chain.n:
        raise ValueError("a graph without inputs has no derivative to show")
    first = scene_of(found, 0, chain)
    whole = len(first.nodes) <= MOST_NODES
    # Boxes that stand for many operations have no derivative of their own: one input shows as much as all.
    others = range(1, min(chain.n, MOST_INPUTS)) if whole else ()
    scenes = [first if whole else folded(first, found), *(scene_of(found, wrt, chain) for wrt in others)]
    placed = place(_widest(scenes))
    data = _data(chain, scenes, whole)
    template = resources.files("jacfwd.draw").joinpath("page.html").read_text(encoding="utf-8")
    # Text inside a script element ends at the first "</".
    parts = {"TITLE": escape(scenes[0].title), "SVG": _picture(placed), "DATA": json.dumps(data).replace("</", "<\\/")}
    return re.sub("@(TITLE|SVG|DATA)@", lambda match: parts[match[1]], template)


def _widest(scenes: Sequence[Scene]) -> Scene:
    """The first scene with the longest texts of all, so that boxes have room for each of them."""
    nodes = [
        dataclasses.replace(node, derivative=max((s.nodes[k].derivative for s in scenes), key=len))
        for k, node in enumerate(scenes[0].nodes)
    ]
    return dataclasses.replace(scenes[0], nodes=nodes, title="")


def _picture(placed: Placed) -> str:
    """The graph as SVG whose looks the page's style decides."""
    svg = Svg(placed.width, placed.height, "derivative graph")
    arrow = '<path d="M0 0.8 L8 4 L0 7.2 z" fill="var(--line)"/>'
    svg.add("defs", made("marker", arrow, id="arrow", viewBox="0 0 8 8", refX=7, refY=4, markerWidth=8,
                         markerHeight=8, orient="auto", markerUnits="userSpaceOnUse"))  # fmt: skip
    svg.parts += [_edge(curve) for curve in placed.curves]
    svg.parts += [_node(box) for box in placed.boxes]
    return svg.markup()


def _edge(curve: Curve) -> str:
    path, (x, y), text = curve_path(curve), curve.label, curve.edge.caption
    w = text_width(text, SMALL)
    label = made("rect", "", x=x - w / 2, y=y - 7, width=w, height=14.0, rx=3) if text else ""
    words = made("text", escape(text), x=x, y=y + 4, text_anchor="middle") if text else ""
    seen = made("path", "", class_="seen", d=path, marker_end="url(#arrow)")
    return made("g", seen + made("path", "", class_="hit", d=path) + label + words, class_="edge")


def _node(box: Box) -> str:
    node, (x, y, _, _) = box.node, box.rectangle
    radius = box.h / 2 if node.role == INPUT else 6.0
    parts = [made("rect", "", class_="box", x=x, y=y, width=box.w, height=box.h, rx=radius)]
    if node.role == OUTPUT:
        parts.append(made("rect", "", class_="frame", x=x + 3, y=y + 3, width=box.w - 6, height=box.h - 6, rx=4))
    for k, text in enumerate(node.lines):
        kind = "name" if k == 0 else "slope" if text == node.derivative else "small"
        height = y + PAD_Y + LINE * (k + 0.75)
        parts.append(made("text", escape(text), class_=kind, x=box.x, y=height, text_anchor="middle"))
    tip = made("title", escape(node.where)) if node.where else ""
    return made("g", tip + "".join(parts), class_=f"node {node.role}", data_x=box.x, data_y=box.y)


def _data(chain: Chain, scenes: Sequence[Scene], whole: bool) -> dict[str, Any]:
    """Everything that the page's script reads."""
    names = names_of(chain.graph)
    first = scenes[0]
    at = {node.key: k for k, node in enumerate(first.nodes)}
    position = {level: k for k, level in enumerate(sorted({node.level for node in first.nodes}))}
    found: dict[str, Any] = {
        "titles": [scene.title for scene in scenes],
        "inputs": [input_name(chain, wrt, names) for wrt in range(len(scenes))],
        "outputs": list(islice(_outputs(chain, names), MOST_OUTPUTS)) if whole else ["the output"],
        "levels": len(position),
        "nodes": [_node_data(k, scenes, position) for k in range(len(first.nodes))],
        "edges": [
            {"parent": at[e.parent], "child": at[e.child], "value": e.value, "text": e.text, "number": _plain(e.value)}
            for e in first.edges
        ],
        "note": _note(chain, first, len(scenes)),
        "layers": None,
        "paths": None,
        "cost": None,
        "why": "The graph is folded: its layers and paths are too many to list.",
    }
    if whole:
        found |= _elements(chain, names, len(scenes))
    return found


def _node_data(k: int, scenes: Sequence[Scene], position: dict[int, int]) -> dict[str, Any]:
    node: Node = scenes[0].nodes[k]
    return {
        "name": node.name,
        "label": node.name if node.name.isidentifier() else f"({node.name})",
        "operation": node.operation,
        "value": node.value,
        "level": position[node.level],
        "slopes": [scene.nodes[k].derivative for scene in scenes],
        "reached": [scene.nodes[k].reached for scene in scenes],
    }


def _plain(text: str) -> bool:
    """Whether a text is a real number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _outputs(chain: Chain, names: Sequence[str]) -> Iterator[str]:
    """What the flat outputs are called."""
    for out in chain.graph.outputs:
        name = "constant" if out.node is None else names[out.node]
        yield from (element(name, out.shape, k) for k in range(math.prod(out.shape)))


def _note(chain: Chain, scene: Scene, inputs: int) -> str:
    """What is not shown."""
    parts = [scene.note]
    if inputs < chain.n:
        parts.append(f"the first {inputs} of {chain.n:,} inputs")
    if chain.m > MOST_OUTPUTS:
        parts.append(f"paths to the first {MOST_OUTPUTS} of {chain.m:,} outputs")
    return "; ".join(filter(None, parts))


def _elements(chain: Chain, names: Sequence[str], inputs: int) -> dict[str, Any]:
    """Layers, paths and costs: what is about single elements, if there are not too many."""
    level = chain.levels()
    size = sum(math.prod(chain.graph.nodes[at].shape) for at in level)
    if size > MOST_ELEMENTS or sum(fmt.nnz for _, _, fmt in chain.edges()) > 10 * MOST_ELEMENTS:
        return {"why": f"The graph has {size:,} elements: its layers and paths are too many to list."}
    if any(chain.graph.nodes[at].dtype.kind == "c" for at in level):
        return {"why": "The graph has complex numbers, which layers split into real and imaginary parts."}
    depth = 1 + max(level.values())
    factors = layers(chain)
    states = [inputs_state(chain), *(layer.state for layer in factors)]
    found: dict[str, Any] = {"paths": _paths(chain, names, inputs), "cost": _cost(chain, level, factors, inputs, depth)}
    # A function that returns its input has one factor and no second level.
    if depth == len(states):
        found["layers"] = [_layer(layer.matrix, states[k + 1], states[k]) for k, layer in enumerate(factors)]
    else:
        found["why"] = "There is no operation, and no layer."
    return found


def _layer(matrix: Any, rows: Sequence[tuple[str, int]], cols: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """A matrix, with its entries where they can be looked at or are few."""
    found: dict[str, Any] = {"m": matrix.shape[0], "n": matrix.shape[1], "nnz": matrix.nnz, "entries": None}
    if max(matrix.shape) <= SMALL_SIDE and matrix.nnz <= SMALL_ENTRIES:
        listed = matrix.tocoo()
        places = zip(*(part.tolist() for part in listed.coords), listed.data.tolist(), strict=True)
        found |= {"entries": [[i, j, _json(v)] for i, j, v in places], "rows": _labels(rows), "cols": _labels(cols)}
    return found


def _labels(state: Sequence[tuple[str, int]]) -> list[str]:
    several = {name for name, k in state if k}
    return [f"{name}[{k}]" if name in several else name for name, k in state]


def _json(value: float) -> float | str:
    """A number, or its name where JSON has none: short, for there may be many."""
    return float(f"{value:.9g}") if math.isfinite(value) else f"{value:g}"


def _paths(chain: Chain, names: Sequence[str], inputs: int) -> dict[str, Any]:
    """Paths by "output,input"."""
    counts, outputs = count_matrix(chain), list(islice(_outputs(chain, names), MOST_OUTPUTS))
    found = {}
    for i in range(min(chain.m, MOST_OUTPUTS)):
        for j in range(inputs):
            ways = list(islice(paths_between(chain, i, j), MOST_PATHS)) if counts[i, j] else []
            label = ratio("d", outputs[i], input_name(chain, j, names))
            found[f"{i},{j}"] = {"count": str(counts[i, j]), "label": label, "list": [_way(way) for way in ways]}
    return found


def _way(way: Way) -> dict[str, Any]:
    return {
        "nodes": list(way.nodes),
        "keys": [label.partition("[")[0] for label in way.nodes],
        "factors": [_json(factor) for factor in way.factors],
        "product": _json(way.product),
    }


def _cost(chain: Chain, level: dict[int, int], factors: Sequence[Any], inputs: int, depth: int) -> dict[str, Any]:
    """Edges passed and paths walked up to each level: what the sweep does, and what it spares."""
    edges = np.zeros(depth, int)
    for _, child, fmt in chain.edges():
        edges[level[child]] += fmt.nnz
    matrices = [layer.matrix for layer in factors[: depth - 1]]
    units = [[int(k == j) for k in range(chain.n)] for j in range(inputs)]
    paths = [[str(sum(counts)) for counts in walks(matrices, unit)] for unit in units]
    logs = [[round(math.log10(max(int(count), 1)), 4) for count in column] for column in paths]
    return {"n": chain.n, "edges": np.cumsum(edges).tolist(), "paths": paths, "logs": logs}
