"""Paths from one input to one output: each a row of steps with its product, and their sum below."""

from itertools import islice

from jacfwd.draw.boxes import INK
from jacfwd.draw.labels import number
from jacfwd.draw.svg import Drawing, Svg, text_width
from jacfwd.paths import Path, paths_between
from jacfwd.recorded import Recorded

__all__ = ["MOST", "draw_paths"]

MOST = 24
ROW, MARGIN, TITLE, STEP = 34, 18, 34, 19


def draw_paths(found: Recorded, i: int = 0, j: int = 0) -> Drawing:
    """The first paths from flat input j to flat output i, and what they sum to."""
    listed = list(islice(paths_between(found.chain(), i, j), MOST + 1))
    more = len(listed) > MOST
    listed = listed[:MOST]
    rows = [_cells(path) for path in listed]
    total = sum(path.product for path in listed)
    ends = f"from {listed[0].nodes[0]} to {listed[0].nodes[-1]}" if listed else f"from input {j} to output {i}"
    title = f"{len(listed)}{' of more' if more else ''} path{'' if len(listed) == 1 else 's'} {ends}"
    last = "there are more" if more else f"sum = {number(total)}"
    wide = max([_width(path) for path in listed], default=0.0)
    width = max(wide + 130, text_width(title, 14) * 1.12, 220) + 2 * MARGIN
    svg = Svg(width, MARGIN * 2 + TITLE + ROW * (len(rows) + 1), title)
    svg.add("rect", width=svg.width, height=svg.height, fill=INK["ground"], rx=6)
    svg.text(MARGIN, MARGIN + 8, title, font_size=14, font_weight="bold", fill=INK["text"])
    for k, (path, cells) in enumerate(zip(listed, rows, strict=True)):
        _row(svg, MARGIN + TITLE + ROW * k + 12, cells, number(path.product), wide)
    y = MARGIN + TITLE + ROW * len(rows) + 12
    svg.add("path", d=f"M{MARGIN + wide + 14:.1f} {y - 16}h110", stroke=INK["text"])
    svg.text(MARGIN + wide + 18, y + 4, last, font_size=13, font_weight="bold", fill=INK["slope"])
    return svg.drawing()


def _cells(path: Path) -> list[tuple[str, str]]:
    """Nodes, each with the local derivative of the edge that leads to it."""
    return list(zip(path.nodes, ["", *map(number, path.factors)], strict=True))


def _width(path: Path) -> float:
    return sum(_step(*cell) for cell in _cells(path))


def _step(node: str, factor: str) -> float:
    """The room of an arrow with its factor, and of the box after it."""
    return text_width(node, 12) + STEP + (text_width(factor, 11) + 27 if factor else 0)


def _row(svg: Svg, y: float, cells: list[tuple[str, str]], product: str, wide: float) -> None:
    x = float(MARGIN)
    for node, factor in cells:
        if factor:
            length = text_width(factor, 11) + 24
            svg.add("path", d=f"M{x:.1f} {y:.1f}h{length - 5:.1f}m-5 -3l6 3l-6 3", fill="none", stroke=INK["line"])
            svg.text(x + length / 2 - 3, y - 5, factor, font_size=11, text_anchor="middle", fill=INK["local"])
            x += length + 3
        w = text_width(node, 12) + 14
        svg.add("rect", x=x, y=y - 11, width=w, height=22, rx=5, fill=INK["inner"], stroke=INK["inner_edge"])
        svg.text(x + w / 2, y + 4, node, font_size=12, text_anchor="middle", fill=INK["text"])
        x += w + 5
    svg.text(MARGIN + wide + 18, y + 4, f"= {product}", font_size=12, fill=INK["slope"])
