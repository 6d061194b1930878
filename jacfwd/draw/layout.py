"""Where nodes of a layered graph go: columns are levels, few edges cross, parents and children face each other.

The method of Sugiyama, Tagawa and Toda (1981). An edge over several columns gets a bend in each column between.
Orders are improved by barycentres, down and up in turn. Given the orders, heights are the least-squares solution
that keeps order and distance: each column is a problem of isotonic regression, solved by pooling neighbours.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from itertools import pairwise

__all__ = ["Layout", "columns_of", "lay_out"]

Edge = tuple[int, int]
SWEEPS = 12
HEIGHT_SWEEPS = 8


@dataclasses.dataclass(frozen=True)
class Layout:
    """Order and heights: `columns[k]` lists vertices from top to bottom, `y` are their centres.

    Vertices are the nodes given, and negative numbers for bends; `routes[edge]` lists the vertices that the
    edge goes through, its ends included.
    """

    columns: list[list[int]]
    y: dict[int, float]
    routes: dict[Edge, list[int]]


def columns_of(levels: dict[int, int], edges: Iterable[Edge]) -> tuple[list[list[int]], dict[Edge, list[int]]]:
    """Nodes by level with bends put in, and the route of each edge."""
    columns: list[list[int]] = [[] for _ in range(max(levels.values(), default=-1) + 1)]
    for node, level in levels.items():
        columns[level].append(node)
    routes, bend = {}, -1
    for parent, child in edges:
        route = [parent]
        for level in range(levels[parent] + 1, levels[child]):
            columns[level].append(bend)
            route.append(bend)
            bend -= 1
        routes[parent, child] = [*route, child]
    return columns, routes


def lay_out(levels: dict[int, int], edges: Sequence[Edge], heights: dict[int, float], gap: float) -> Layout:
    """Place nodes of given heights, at least `gap` apart; bends need a third of that."""
    columns, routes = columns_of(levels, edges)
    segments = {step for route in routes.values() for step in pairwise(route)}
    before: dict[int, list[int]] = {v: [] for column in columns for v in column}
    after: dict[int, list[int]] = {v: [] for column in columns for v in column}
    for a, b in sorted(segments):
        after[a].append(b)
        before[b].append(a)
    columns = _ordered(columns, before, after)
    y = _heights(columns, before, after, heights, gap)
    return Layout(columns, y, routes)


def _ordered(columns: list[list[int]], before: dict[int, list[int]], after: dict[int, list[int]]) -> list[list[int]]:
    """Columns in the order with the fewest crossings among those that the sweeps come by."""
    size = sum(map(len, columns))
    sweeps = SWEEPS if size < 2000 else 4
    best, fewest = columns, _crossings(columns, after)
    for sweep in range(sweeps):
        if not fewest:
            break
        forward = sweep % 2 == 0
        columns = _swept(columns, before if forward else after, forward)
        crossings = _crossings(columns, after)
        if crossings < fewest:
            best, fewest = columns, crossings
    return best


def _swept(columns: list[list[int]], neighbours: dict[int, list[int]], forward: bool) -> list[list[int]]:
    """One sweep: each column sorted by the mean place of its neighbours in the column just sorted."""
    done: list[list[int]] = []
    place: dict[int, float] = {}
    for column in columns if forward else columns[::-1]:
        own = {v: k / max(len(column) - 1, 1) for k, v in enumerate(column)}
        centre = {v: _mean([place[n] for n in neighbours[v] if n in place], own[v]) for v in column}
        column = sorted(column, key=lambda v: centre[v])
        place = {v: k / max(len(column) - 1, 1) for k, v in enumerate(column)}
        done.append(column)
    return done if forward else done[::-1]


def _mean(values: list[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _crossings(columns: list[list[int]], after: dict[int, list[int]]) -> int:
    """Pairs of segments that cross, counted as inversions with a binary indexed tree (Barth et al. 2004)."""
    total = 0
    for left, right in pairwise(columns):
        place = {v: k for k, v in enumerate(right)}
        ends = [k for v in left for k in sorted(place[w] for w in after[v])]
        tree = [0] * (len(right) + 1)
        for seen, end in enumerate(ends):
            total += seen - _count(tree, end + 1)
            k = end + 1
            while k <= len(right):
                tree[k] += 1
                k += k & -k
    return total


def _count(tree: list[int], k: int) -> int:
    """How many of those put in have one of the first k places."""
    total = 0
    while k:
        total += tree[k]
        k -= k & -k
    return total


def _heights(
    columns: list[list[int]],
    before: dict[int, list[int]],
    after: dict[int, list[int]],
    heights: dict[int, float],
    gap: float,
) -> dict[int, float]:
    """Centres of all vertices, the topmost edge at 0."""
    y: dict[int, float] = {}
    for column in columns:
        offsets = _offsets(column, heights, gap)
        y.update({v: at - offsets[-1] / 2 for v, at in zip(column, offsets, strict=True)})
    for sweep in range(HEIGHT_SWEEPS):
        both = sweep == HEIGHT_SWEEPS - 1
        forward = sweep % 2 == 0
        for column in columns if forward else columns[::-1]:
            offsets = _offsets(column, heights, gap)
            wanted, weights = [], []
            for v in column:
                near = before[v] + after[v] if both else (before if forward else after)[v]
                wanted.append(_mean([y[n] for n in near], y[v]))
                # An edge that bends is uglier than one that begins or ends off centre.
                weights.append(8.0 if v < 0 else 1.0)
            shifts = _isotonic([w - o for w, o in zip(wanted, offsets, strict=True)], weights)
            y.update({v: s + o for v, s, o in zip(column, shifts, offsets, strict=True)})
    top = min((y[v] - heights.get(v, 0.0) / 2 for v in y), default=0.0)
    return {v: at - top for v, at in y.items()}


def _offsets(column: list[int], heights: dict[int, float], gap: float) -> list[float]:
    """The least distances of a column's vertices from its first one."""
    offsets = [0.0] * bool(column)
    for a, b in pairwise(column):
        free = gap if a >= 0 and b >= 0 else gap * 0.7
        offsets.append(offsets[-1] + (heights.get(a, 0.0) + heights.get(b, 0.0)) / 2 + free)
    return offsets


def _isotonic(values: list[float], weights: list[float]) -> list[float]:
    """The rising sequence closest to the values in weighted squares, by pooling adjacent violators.

    >>> _isotonic([1.0, 3.0, 2.0], [1.0, 1.0, 1.0])
    [1.0, 2.5, 2.5]
    """
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        pool = (value, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, heavy, count = pools.pop()
            total = heavy + pool[1]
            pool = ((mean * heavy + pool[0] * pool[1]) / total, total, count + pool[2])
        pools.append(pool)
    return [mean for mean, _, count in pools for _ in range(count)]
