"""Large graphs made small: what one line, or one function, of the user's did becomes one box.

Groups that read each other in turn, as the lines of a loop do, are one group: their strongly connected
components. What is left has levels again.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Hashable
from typing import Any

from jacfwd.draw.labels import shortened
from jacfwd.draw.scene import INNER, INPUT, OUTPUT, Edge, Node, Scene
from jacfwd.locations import line
from jacfwd.recorded import Recorded

__all__ = ["FOLDS", "MOST", "folded"]

FOLDS = ("auto", "line", "function", "level")
MOST = 60


def folded(scene: Scene, found: Recorded, fold: str | None = "auto") -> Scene:
    """The scene with groups as nodes, by `"line"`, `"function"` or `"level"`; None leaves it.

    `"auto"` leaves up to 60 nodes and takes the first of the three that makes no more than that. Raises ValueError
    for other words.
    """
    if fold is None:
        return scene
    if fold not in FOLDS:
        raise ValueError(f"fold must be one of {', '.join(map(repr, FOLDS))} or None, got {fold!r}")
    if fold != "auto":
        return _grouped(scene, _keys(scene, found, fold), fold)
    if len(scene.nodes) <= MOST:
        return scene
    for by in FOLDS[1:]:
        made = _grouped(scene, _keys(scene, found, by), by)
        if len(made.nodes) <= MOST:
            break
    return made


def _keys(scene: Scene, found: Recorded, fold: str) -> dict[int, Hashable]:
    """The group of each node; inputs stay alone, if there are not too many."""
    many = sum(node.role == INPUT for node in scene.nodes) > MOST // 3
    deepest = max((node.level for node in scene.nodes), default=0)
    width = max(1, math.ceil((deepest + 1) / (MOST // 2)))
    keys: dict[int, Hashable] = {}
    for node in scene.nodes:
        if node.role == INPUT:
            keys[node.key] = ("inputs",) if many else ("input", node.key)
        elif fold == "level":
            keys[node.key] = ("level", node.level // width)
        else:
            keys[node.key] = _place(found.graph.nodes[node.key].location, fold)
    return keys


def _place(location: Any, fold: str) -> Hashable:
    if location is None:
        return ("somewhere",)
    code = location[0]
    return (code,) if fold == "function" else (code.co_filename, line(location))


def _grouped(scene: Scene, keys: dict[int, Hashable], fold: str) -> Scene:
    """One node for each group, edges between groups counted."""
    numbers: dict[Hashable, int] = {}
    for key in keys.values():
        numbers.setdefault(key, len(numbers))
    follow: dict[int, set[int]] = {k: set() for k in range(len(numbers))}
    for edge in scene.edges:
        follow[numbers[keys[edge.parent]]].add(numbers[keys[edge.child]])
    component = _components(follow)
    group = {node.key: component[numbers[keys[node.key]]] for node in scene.nodes}
    members: dict[int, list[Node]] = {}
    for node in scene.nodes:
        members.setdefault(group[node.key], []).append(node)
    edges = _edges(scene, group)
    level = _levels(members, edges)
    nodes = [_node(k, nodes, level[k]) for k, nodes in members.items()]
    nodes.sort(key=lambda node: node.level)
    note = f"{len(scene.nodes):,} operations folded by {fold}"
    return dataclasses.replace(scene, nodes=nodes, edges=edges, note=note)


def _edges(scene: Scene, group: dict[int, int]) -> list[Edge]:
    """Edges between different groups; a single one keeps its label."""
    found: dict[tuple[int, int], list[Edge]] = {}
    for edge in scene.edges:
        ends = group[edge.parent], group[edge.child]
        if ends[0] != ends[1]:
            found.setdefault(ends, []).append(edge)
    return [
        Edge(
            *ends,
            "",
            several[0].text if len(several) == 1 else f"{len(several):,} edges",
            any(e.reached for e in several),
        )
        for ends, several in found.items()
    ]


def _levels(members: dict[int, list[Node]], edges: list[Edge]) -> dict[int, int]:
    """Longest distances from the groups that read no other."""
    into: dict[int, set[int]] = {k: set() for k in members}
    out: dict[int, list[int]] = {k: [] for k in members}
    for edge in edges:
        into[edge.child].add(edge.parent)
        out[edge.parent].append(edge.child)
    level = dict.fromkeys(members, 0)
    ready = [k for k in members if not into[k]]
    while ready:
        k = ready.pop()
        for child in out[k]:
            level[child] = max(level[child], level[k] + 1)
            into[child].discard(k)
            if not into[child]:
                ready.append(child)
    return level


def _node(key: int, members: list[Node], level: int) -> Node:
    """The box of a group, or its only member."""
    if len(members) == 1:
        return dataclasses.replace(members[0], key=key, level=level)
    roles = {node.role for node in members}
    role = OUTPUT if OUTPUT in roles else INPUT if roles == {INPUT} else INNER
    places = Counter(node.where for node in members if node.where)
    first = members[0].where.partition(": ")
    name = first[2] or first[0] or f"{members[0].name} … {members[-1].name}"
    does = f"{len(members):,} {'inputs' if role == INPUT else 'operations'}"
    does += f" on {len(places)} lines" if len(places) > 1 else ""
    return Node(
        key, shortened(name + (" …" if len(places) > 1 else ""), 40), does, "", "", level, role,
        (), any(node.reached for node in members), " · ".join(list(places)[:8]), len(members),
    )  # fmt: skip


def _components(follow: dict[int, set[int]]) -> dict[int, int]:
    """The strongly connected component of each vertex (Tarjan 1972), without recursion."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    found: dict[int, int] = {}
    stack: list[int] = []
    for root in follow:
        if root in index:
            continue
        work = [(root, iter(sorted(follow[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        while work:
            v, rest = work[-1]
            for w in rest:
                if w not in index:
                    index[w] = low[w] = len(index)
                    stack.append(w)
                    work.append((w, iter(sorted(follow[w]))))
                    break
                if w not in found:
                    low[v] = min(low[v], index[w])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[v])
                if low[v] == index[v]:
                    _close(v, stack, found)
    return found


def _close(root: int, stack: list[int], found: dict[int, int]) -> None:
    """Take a finished component off the stack."""
    while True:
        v = stack.pop()
        found[v] = root
        if v == root:
            return
