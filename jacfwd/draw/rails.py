"""A derivative graph for terminals: one line for each node, and lanes that show who reads whom.

A lane begins at a node and ends at its last reader. On the line of a node, its parents' lanes are joined to its
own by a horizontal line.
"""

from jacfwd.draw.scene import INPUT, OUTPUT, Node, Scene

__all__ = ["as_text"]

MARKS = {INPUT: "○", OUTPUT: "◉"}


def as_text(scene: Scene) -> str:
    """The scene as lines."""
    last = {edge.parent: edge.child for edge in sorted(scene.edges, key=lambda edge: _place(scene, edge.child))}
    parents: dict[int, list[int]] = {}
    for edge in scene.edges:
        parents.setdefault(edge.child, []).append(edge.parent)
    lanes: list[int | None] = []
    rails, rows = [], []
    for node in scene.nodes:
        rails.append(_row(node, lanes, parents.get(node.key, []), last))
        rows.append(_cells(node, scene))
    widths = [max(len(row[k]) for row in rows) for k in range(3)] if rows else [0, 0, 0]
    wide = max(map(len, rails), default=0)
    lines = [scene.title, ""]
    for rail, row in zip(rails, rows, strict=True):
        cells = "   ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True))
        lines.append(f"{rail.ljust(wide)}  {cells}".rstrip())
    return "\n".join(lines)


def _place(scene: Scene, key: int) -> int:
    return next(k for k, node in enumerate(scene.nodes) if node.key == key)


def _cells(node: Node, scene: Scene) -> tuple[str, str, str]:
    """What stands on a node's line: it and its value, its forward derivative, its local derivatives."""
    shape = f" [{', '.join(map(str, node.shape))}]" if node.shape else ""
    formula = f" = {node.operation}" if node.operation else ""
    local = ", ".join(edge.text for edge in scene.edges if edge.child == node.key)
    return f"{node.name}{shape}{formula}{f' = {node.value}' if node.value else ''}", node.derivative, local


def _row(node: Node, lanes: list[int | None], parents: list[int], last: dict[int, int]) -> str:
    """The rails of a line; `lanes` says whose each is, and is brought up to date."""
    before = list(lanes)
    for k, owner in enumerate(lanes):
        if owner in parents and last[owner] == node.key:
            lanes[k] = None
    own = next((k for k, owner in enumerate(before) if owner is None), len(before))
    joined = [k for k, owner in enumerate(before) if owner is not None and owner in parents]
    first, final = min([*joined, own]), max([*joined, own])
    cells = []
    for k in range(max(len(before), own + 1)):
        owner = before[k] if k < len(before) else None
        if k == own:
            cells.append(MARKS.get(node.role, "●"))
        elif k in joined:
            cells.append(_joint(goes_on=lanes[k] is not None, at_left=k == first, at_right=k == final))
        else:
            cells.append("│" if owner is not None else "─" if first < k < final else " ")
    _take(lanes, own, node.key if node.key in last else None)
    between = ["─" if first <= k < final else " " for k in range(len(cells))]
    return "".join(cell + line for cell, line in zip(cells, between, strict=True)).rstrip()


def _joint(goes_on: bool, at_left: bool, at_right: bool) -> str:
    """Where a parent's lane meets the horizontal line."""
    if at_left:
        return "├" if goes_on else "└"
    if at_right:
        return "┤" if goes_on else "┘"
    return "┼" if goes_on else "┴"


def _take(lanes: list[int | None], k: int, key: int | None) -> None:
    """Give lane k to a node; lanes at the end that nobody has are given up."""
    if k == len(lanes):
        lanes.append(key)
    else:
        lanes[k] = key
    while lanes and lanes[-1] is None:
        lanes.pop()
