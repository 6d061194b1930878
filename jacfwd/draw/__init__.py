"""Pictures of what the library computes: derivative graphs, layers, patterns, paths, tangents, costs.

All pictures are SVG, made without further packages; `plot` draws on matplotlib's axes.

    graph, text, plot, to_dot, to_networkx, to_html    a recorded graph (`G.draw()` and so on are the same)
    layers, pattern, paths                             factors of a Jacobian, structure with its coloring, paths
    tangent_line, tangent_plane                        what a derivative is
"""

import os
from typing import Any

from jacfwd.draw.export import to_dot as _to_dot
from jacfwd.draw.export import to_networkx as _to_networkx
from jacfwd.draw.figure import on_axes
from jacfwd.draw.fold import folded
from jacfwd.draw.geometry import place
from jacfwd.draw.rails import as_text
from jacfwd.draw.scene import scene_of
from jacfwd.draw.spy import draw_pattern
from jacfwd.draw.svg import Drawing
from jacfwd.draw.tangents import tangent_line, tangent_plane
from jacfwd.draw.trails import draw_paths
from jacfwd.linear import LinearMap
from jacfwd.pattern import Pattern
from jacfwd.traced import Graph

__all__ = [
    "Drawing",
    "graph",
    "layers",
    "paths",
    "pattern",
    "plot",
    "tangent_line",
    "tangent_plane",
    "text",
    "to_dot",
    "to_html",
    "to_networkx",
]


def graph(G: Graph, *args: Any, wrt: int = 0, fold: str | None = "auto", **kwargs: Any) -> Drawing:
    """The derivative graph of flat input `wrt` as a picture, at a point (the recorded one by default).

    Boxes are variables with value, operation and forward derivative, arrows local derivatives; levels are columns.
    Graphs of more than 60 nodes are folded by the user's line, function or level: `fold` chooses one of
    `"line"`, `"function"`, `"level"`, and None draws every node.
    """
    return G.draw(*args, wrt=wrt, fold=fold, **kwargs)


def text(G: Graph, *args: Any, wrt: int = 0, fold: str | None = "auto", **kwargs: Any) -> str:
    """The derivative graph of flat input `wrt` for a terminal, one line for each node.

    >>> import jacfwd as jf
    >>> G = jf.trace(lambda x: jf.name("f", jf.name("g", 3 * x) ** 2), 4.0)
    >>> print(text(G))
    Derivative graph of x, at x = 4
    <BLANKLINE>
    ○    x = 4            dx/dx = 1
    └─●  g = 3 · x = 12   dg/dx = 3    dg/dx = 3
    ◉─┘  f = g^2 = 144    df/dx = 72   df/dg = 24
    """
    found = G.at(*args, **kwargs)
    return as_text(folded(scene_of(found, wrt), found, fold))


def plot(G: Graph, *args: Any, ax: Any = None, wrt: int = 0, fold: str | None = "auto", **kwargs: Any) -> Any:
    """The derivative graph of flat input `wrt` on matplotlib's axes; returns them.

    Raises ImportError, with advice, where matplotlib is not installed.
    """
    found = G.at(*args, **kwargs)
    return on_axes(place(folded(scene_of(found, wrt), found, fold)), ax)


def to_dot(G: Graph, *args: Any, wrt: int = 0, fold: str | None = None, **kwargs: Any) -> str:
    """The derivative graph of flat input `wrt` in Graphviz's language."""
    return _to_dot(G.at(*args, **kwargs), wrt, fold)


def to_html(G: Graph, path: str | os.PathLike[str] | None = None, *args: Any, **kwargs: Any) -> str:
    """The page of a graph, on which one can step through the forward sweep; written to `path` if that is given."""
    return G.to_html(path, *args, **kwargs)


def to_networkx(G: Graph, *args: Any, wrt: int = 0, **kwargs: Any) -> Any:
    """The derivative graph of flat input `wrt` as a `networkx.DiGraph`."""
    return _to_networkx(G.at(*args, **kwargs), wrt)


def layers(J: LinearMap) -> Drawing:
    """The layers of a Jacobian in a row, last one first, and their product."""
    return J.draw_layers()


def pattern(S: Pattern, colors: Any = None) -> Drawing:
    """Where a matrix has entries; with a coloring (or one integer for each column) columns in their colors."""
    return draw_pattern(S, colors)


def paths(G: Graph, i: int = 0, j: int = 0, *args: Any, **kwargs: Any) -> Drawing:
    """Paths from flat input j to flat output i with their products, which sum to `J[i, j]`."""
    return draw_paths(G.at(*args, **kwargs), i, j)
