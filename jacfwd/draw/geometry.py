"""A scene with places: boxes, curves and labels in units of pixels, for whatever draws them."""

import dataclasses
import math
from collections.abc import Iterator
from itertools import pairwise

from jacfwd.draw.layout import Layout, lay_out
from jacfwd.draw.scene import INPUT, OUTPUT, Edge, Node, Scene
from jacfwd.draw.svg import text_width

__all__ = ["Box", "Curve", "Placed", "legend", "place"]

FONT = 13
# Bold letters are wider.
BOLD = 1.12
SMALL = 11
LINE = 17
PAD_X, PAD_Y = 11, 8
GAP_Y = 34
# The least room between two columns; labels may need more.
GAP_X = 56
MARGIN = 18
TITLE = 30
# Along a curve, where its label may stand, the best place first.
STATIONS = (0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78)

Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]


@dataclasses.dataclass(frozen=True)
class Box:
    """A node's rectangle: centre, width and height."""

    node: Node
    x: float
    y: float
    w: float
    h: float

    @property
    def rectangle(self) -> Rectangle:
        """Left, top, right, bottom."""
        return self.x - self.w / 2, self.y - self.h / 2, self.x + self.w / 2, self.y + self.h / 2


@dataclasses.dataclass(frozen=True)
class Curve:
    """An edge: cubic Bézier pieces through `points` (ends and controls), and the centre of its label."""

    edge: Edge
    points: list[Point]
    label: Point


@dataclasses.dataclass(frozen=True)
class Placed:
    """Everything in its place."""

    scene: Scene
    boxes: list[Box]
    curves: list[Curve]
    width: float
    height: float


def place(scene: Scene) -> Placed:
    """Find the places."""
    size = {node.key: _size(node) for node in scene.nodes}
    levels = _dense_levels(scene)
    edges = [(edge.parent, edge.child) for edge in scene.edges]
    layout = lay_out(levels, edges, {key: h for key, (_, h) in size.items()}, GAP_Y)
    left, right = _columns(scene, layout, levels, size)
    top = MARGIN + TITLE
    boxes = {
        node.key: Box(node, (left[levels[node.key]] + right[levels[node.key]]) / 2, top + layout.y[node.key], w, h)
        for node in scene.nodes
        for w, h in [size[node.key]]
    }
    curves = _curves(scene, layout, boxes, left, right, top)
    words = text_width(scene.title, 14) * BOLD, text_width(legend(scene), SMALL)
    width = max([right[-1] if right else 0.0, *(w + MARGIN for w in words)])
    bottom = max([box.rectangle[3] for box in boxes.values()], default=top)
    bends = [top + layout.y[v] for column in layout.columns for v in column if v < 0]
    height = max([bottom, *bends]) + MARGIN + (LINE + 4)
    return Placed(scene, list(boxes.values()), curves, width + MARGIN, height)


def legend(scene: Scene) -> str:
    """What the shapes mean, and what was folded, on one line."""
    roles = {node.role for node in scene.nodes}
    words = [
        "round: input" if INPUT in roles else "",
        "double frame: output" if OUTPUT in roles else "",
        "dashed: not reached from this input" if any(not node.reached for node in scene.nodes) else "",
        scene.note,
    ]
    return " · ".join(filter(None, words))


def _size(node: Node) -> tuple[float, float]:
    """Width and height of a box."""
    widths = [text_width(text, FONT * BOLD if k == 0 else SMALL + 1) for k, text in enumerate(node.lines)]
    return max([*widths, 24.0]) + 2 * PAD_X, LINE * len(node.lines) + 2 * PAD_Y


def _dense_levels(scene: Scene) -> dict[int, int]:
    """Levels without gaps, so that no column is empty."""
    used = {level: k for k, level in enumerate(sorted({node.level for node in scene.nodes}))}
    return {node.key: used[node.level] for node in scene.nodes}


def _columns(
    scene: Scene, layout: Layout, levels: dict[int, int], size: dict[int, tuple[float, float]]
) -> tuple[list[float], list[float]]:
    """Left and right end of every column."""
    count = len(layout.columns)
    widths = [max([size[v][0] for v in column if v >= 0], default=0.0) for column in layout.columns]
    gaps = [float(GAP_X)] * count
    for edge in scene.edges:
        # A label has the gap before the child for itself.
        k = levels[edge.child] - 1
        gaps[k] = max(gaps[k], text_width(edge.caption, SMALL) + 34)
    left: list[float] = []
    right: list[float] = []
    x = float(MARGIN)
    for w, gap in zip(widths, gaps, strict=True):
        left.append(x)
        right.append(x + w)
        x += w + gap
    return left, right


def _curves(
    scene: Scene,
    layout: Layout,
    boxes: dict[int, Box],
    left: list[float],
    right: list[float],
    top: float,
) -> list[Curve]:
    """The edges' curves, and labels in places where they cover as little as possible."""
    column = {v: k for k, vertices in enumerate(layout.columns) for v in vertices}
    ports = _ports(layout, boxes)
    pieces = []
    for edge in scene.edges:
        route = layout.routes[edge.parent, edge.child]
        points: list[Point] = []
        for v, w in pairwise(route):
            a = ports.get((edge.parent, edge.child, v), top + layout.y[v])
            b = ports.get((edge.parent, edge.child, w), top + layout.y[w])
            start = boxes[v].rectangle[2] if v >= 0 else right[column[v]]
            end = boxes[w].rectangle[0] if w >= 0 else left[column[w]]
            if v < 0:
                points += _line((left[column[v]], a), (right[column[v]], a), bool(points))
            middle = (start + end) / 2
            points += [(start, a)] * (not points) + [(middle, a), (middle, b), (end, b)]
        pieces.append((edge, points))
    taken = [box.rectangle for box in boxes.values()]
    curves = []
    for edge, points in sorted(pieces, key=lambda piece: len(piece[1])):
        at = _label_place(edge, points, taken)
        half = text_width(edge.caption, SMALL) / 2 + 2
        taken.append((at[0] - half, at[1] - 8, at[0] + half, at[1] + 8))
        curves.append(Curve(edge, points, at))
    return curves


def _line(a: Point, b: Point, joined: bool) -> list[Point]:
    """A straight stretch as a Bézier piece."""
    third = (b[0] - a[0]) / 3
    return [a] * (not joined) + [(a[0] + third, a[1]), (b[0] - third, b[1]), b]


def _ports(layout: Layout, boxes: dict[int, Box]) -> dict[tuple[int, int, int], float]:
    """Heights at which edges leave and reach the boxes: spread over a side, in the order of the other ends."""
    leaving: dict[int, list[tuple[float, int, int]]] = {}
    reaching: dict[int, list[tuple[float, int, int]]] = {}
    for (parent, child), route in layout.routes.items():
        leaving.setdefault(parent, []).append((layout.y[route[1]], parent, child))
        reaching.setdefault(child, []).append((layout.y[route[-2]], parent, child))
    found = {}
    for side in (leaving, reaching):
        for v, ends in side.items():
            box, count = boxes[v], len(ends)
            step = min(13.0, (box.h - 14) / max(count, 1))
            for k, (_, parent, child) in enumerate(sorted(ends)):
                found[parent, child, v] = box.y + (k - (count - 1) / 2) * step
    return found


def _label_place(edge: Edge, points: list[Point], taken: list[Rectangle]) -> Point:
    """The centre of the label: on the curve, near its middle, covering as little as possible."""
    if not edge.caption:
        return points[len(points) // 2]
    w = text_width(edge.caption, SMALL) / 2 + 2
    best, least = points[len(points) // 2], math.inf
    for k, (x, y) in enumerate(_stations(points)):
        covered = sum(_overlap((x - w, y - 8, x + w, y + 8), other) for other in taken)
        if covered + 0.5 * k < least:
            best, least = (x, y), covered + 0.5 * k
        if not covered:
            break
    return best


def _stations(points: list[Point]) -> Iterator[Point]:
    """Points on the curve, on the last piece (before the child) first."""
    pieces = [points[k : k + 4] for k in range(0, len(points) - 1, 3)]
    for piece in [pieces[-1], *pieces[:-1]]:
        for t in STATIONS:
            yield _bezier(piece, t)


def _bezier(piece: list[Point], t: float) -> Point:
    """The point at parameter t of a cubic."""
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x, y = (sum(w * p[axis] for w, p in zip(weights, piece, strict=True)) for axis in (0, 1))
    return x, y


def _overlap(a: Rectangle, b: Rectangle) -> float:
    """The common area of two rectangles."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
