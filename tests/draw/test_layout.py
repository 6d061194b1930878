"""Layouts: columns are levels, nothing overlaps, few edges cross."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jacfwd as jf
from jacfwd.draw.geometry import place
from jacfwd.draw.layout import _crossings, columns_of, lay_out
from jacfwd.draw.scene import scene_of
from tests.draw.functions import CASES, graph_of, tangle

GAP = 30.0


@st.composite
def layered(draw):
    """Levels of nodes, and edges that go up."""
    levels = dict(enumerate(draw(st.lists(st.integers(0, 5), min_size=2, max_size=14))))
    pairs = [(a, b) for a in levels for b in levels if levels[a] < levels[b]]
    return levels, draw(st.lists(st.sampled_from(pairs), unique=True, max_size=20)) if pairs else []


@given(layered())
def test_order_distance_and_routes(graph):
    levels, edges = graph
    heights = {node: 20.0 + node for node in levels}
    layout = lay_out(levels, edges, heights, GAP)
    assert sorted(v for column in layout.columns for v in column if v >= 0) == sorted(levels)
    for level, column in enumerate(layout.columns):
        assert all(levels[v] == level for v in column if v >= 0)
        for a, b in pairwise(v for v in column if v >= 0):
            assert layout.y[b] - layout.y[a] >= (heights[a] + heights[b]) / 2 + GAP - 1e-6
    for (parent, child), route in layout.routes.items():
        assert (route[0], route[-1]) == (parent, child)
        assert len(route) == levels[child] - levels[parent] + 1
        assert all(v < 0 for v in route[1:-1])


def slow_crossings(columns, after):
    """Every pair of segments between neighbouring columns."""
    total = 0
    for left, right in pairwise(columns):
        segments = [(left.index(v), right.index(w)) for v in left for w in after[v]]
        total += sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for a, b in combinations(segments, 2))
    return total


@given(layered())
def test_crossings_are_counted_right(graph):
    columns, routes = columns_of(*graph)
    after = {v: [] for column in columns for v in column}
    for route in routes.values():
        for a, b in pairwise(route):
            after[a].append(b)
    assert _crossings(columns, after) == slow_crossings(columns, after)


def test_a_ladder_is_untangled():
    """Two chains whose nodes are listed in turned order need no crossing."""
    levels = {k: k // 2 for k in range(12)}
    edges = [(k, (k + 2) ^ (k // 2 % 2)) for k in range(10)]
    layout = lay_out(levels, edges, dict.fromkeys(levels, 20.0), GAP)
    after = {k: [b for a, b in edges if a == k] for k in levels}
    assert slow_crossings(layout.columns, after) == 0
    # What is untangled is also straight.
    assert all(abs(layout.y[a] - layout.y[b]) < 1 for a, b in edges)


@pytest.mark.parametrize("name", CASES)
def test_boxes_do_not_overlap(name):
    boxes = place(scene_of(graph_of(name).at())).boxes if name != "empty" else []
    assert not overlaps(boxes)


def test_boxes_of_a_tangle_do_not_overlap_and_are_inside():
    placed = place(scene_of(jf.trace(tangle(60), 0.3).at()))
    assert 55 <= len(placed.boxes) <= 60
    assert not overlaps(placed.boxes)
    for box in placed.boxes:
        left, top, right, bottom = box.rectangle
        assert left >= 0
        assert top >= 0
        assert right <= placed.width
        assert bottom <= placed.height
    for curve in placed.curves:
        points = np.array(curve.points)
        assert np.all(points >= 0)
        assert np.all(points <= [placed.width, placed.height])
        # From left to right, and a label belongs to its own curve.
        assert np.all(np.diff(points[:, 0]) >= 0)
        assert points[0, 0] <= curve.label[0] <= points[-1, 0]


def overlaps(boxes):
    def meet(a, b):
        return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]

    return [(a, b) for a, b in combinations(boxes, 2) if meet(a.rectangle, b.rectangle)]
