"""Sparse matrices as pictures: a pattern with its coloring, and layers in a row whose product is the Jacobian."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from jacfwd.draw.boxes import INK
from jacfwd.draw.labels import number
from jacfwd.draw.svg import Drawing, Svg, text_width
from jacfwd.pattern import Pattern

__all__ = ["draw_layers", "draw_pattern", "spy"]

# Colors told apart by people with color-blindness, too (Okabe and Ito), and then again with another frame.
COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#5f6670")
MARGIN, TITLE, GAP = 18, 40, 34
SIDE = 220
# Above this size a square stands for several entries.
FINEST = 160
NAMED = 14


def draw_pattern(pattern: Any, colors: Any = None) -> Drawing:
    """Where a matrix has entries; with `colors` (a coloring, or one integer per column) columns in their colors.

    Columns of one color share no row, so that one seed yields all of them.
    """
    given = pattern if isinstance(pattern, Pattern) else Pattern.from_sparse(pattern)
    chosen = None if colors is None else np.asarray(getattr(colors, "colors", colors))
    m, n = given.shape
    if chosen is not None and chosen.shape != (n,):
        raise ValueError(f"expected one color for each of {n} columns, got an array of shape {chosen.shape}")
    cell = _cell(m, n)
    title = f"Pattern, {m} × {n}, {given.nnz} entries"
    if chosen is not None:
        title += f", {int(chosen.max(initial=-1)) + 1} colors"
    width = max(n * cell, text_width(title, 14) * 1.12)
    svg = Svg(width + 2 * MARGIN, m * cell + 2 * MARGIN + TITLE, title)
    _ground(svg, title)
    spy(svg, MARGIN, MARGIN + TITLE - 8, given, cell, chosen)
    return svg.drawing()


def _ground(svg: Svg, title: str) -> None:
    svg.add("rect", width=svg.width, height=svg.height, fill=INK["ground"], rx=6)
    svg.text(MARGIN, MARGIN + 8, title, font_size=14, font_weight="bold", fill=INK["text"])


def _cell(m: int, n: int, side: float = 2 * SIDE) -> float:
    """The side of an entry's square."""
    return min(22.0, side / max(m, n, 1))


def spy(svg: Svg, x: float, y: float, pattern: Pattern, cell: float, colors: Any = None) -> None:
    """A frame with a square for each entry; in big matrices a square for each block that has one."""
    m, n = pattern.shape
    svg.add("rect", x=x, y=y, width=n * cell, height=m * cell, fill="#fbfcfd", stroke=INK["inner_edge"])
    rows, cols = pattern.rows, pattern.indices
    shown = np.zeros(len(cols), int) if colors is None else colors[cols] % len(COLORS)
    blocks = max(1, math.ceil(max(m, n) / FINEST))
    listed = np.unique(np.stack([rows // blocks, cols // blocks, shown]), axis=1)
    side = cell * blocks
    inset = side * 0.08 if side > 6 else 0
    for color in np.unique(listed[2]):
        squares = [
            f"M{x + j * side + inset:.2f} {y + i * side + inset:.2f}h{side - 2 * inset:.2f}v{side - 2 * inset:.2f}"
            f"h-{side - 2 * inset:.2f}z"
            for i, j, _ in listed[:, listed[2] == color].T
        ]
        svg.add("path", d="".join(squares), fill=COLORS[int(color)])


def draw_layers(
    matrices: Sequence[sp.csr_array], states: Sequence[Sequence[tuple[str, int]]], title: str = "Jacobian"
) -> Drawing:
    """The product written as in a book: the last layer first, `L_K ... L_2 L_1 = J`, each factor a picture.

    Rows and columns carry the names of the states where there are few; entries carry their values where all is small.
    """
    product = matrices[0]
    for matrix in matrices[1:]:
        product = matrix @ product
    factors = [(f"L{k + 1}", matrices[k], states[k + 1], states[k]) for k in reversed(range(len(matrices)))]
    factors.append(("J", sp.csr_array(product), states[-1], states[0]))
    cell = _shared_cell(matrices)
    return _row_of(factors, cell, f"{title}: the product of {len(matrices)} layers")


def _shared_cell(matrices: Sequence[sp.csr_array]) -> float:
    """One scale for all factors, so that what meets has the same size."""
    largest = max((size for matrix in matrices for size in matrix.shape), default=1)
    return min(30.0, SIDE / max(largest, 1)) if largest > 6 else 34.0


def _row_of(factors: Sequence[tuple[str, sp.csr_array, Any, Any]], cell: float, title: str) -> Drawing:
    """Factors side by side, with dots between them and the sign of equality before the last."""
    named = max(max(matrix.shape) for _, matrix, _, _ in factors) <= NAMED
    left = max([_label_width(rows) for _, _, rows, _ in factors]) + 8 if named else 0.0
    above = max([_label_width(cols) for _, _, _, cols in factors]) + 8 if named else 0.0
    tallest = max(matrix.shape[0] for _, matrix, _, _ in factors) * cell
    places, x = [], float(MARGIN)
    for label, matrix, rows, cols in factors:
        x += left
        places.append((x, label, matrix, rows, cols))
        x += max(matrix.shape[1] * cell, 44) + GAP
    width = max(x - GAP, text_width(title, 14) * 1.12 + MARGIN) + MARGIN
    svg = Svg(width, MARGIN * 2 + TITLE + above + tallest + 30, title)
    _ground(svg, title)
    base = MARGIN + TITLE + above
    for k, (x, label, matrix, rows, cols) in enumerate(places):
        y = base + (tallest - matrix.shape[0] * cell) / 2
        if k:
            sign = "=" if k == len(places) - 1 else "·"
            svg.text(
                x - left - GAP / 2, base + tallest / 2 + 6, sign, font_size=20, text_anchor="middle", fill=INK["text"]
            )
        _factor(svg, x, y, matrix, cell)
        if named:
            _names(svg, x, y, rows, cols, cell)
        _caption(svg, x + matrix.shape[1] * cell / 2, base + tallest + 18, label, matrix)
    return svg.drawing()


def _caption(svg: Svg, x: float, y: float, label: str, matrix: sp.csr_array) -> None:
    m, n = matrix.shape
    svg.text(x, y, label, font_size=13, font_weight="bold", text_anchor="middle", fill=INK["text"])
    svg.text(x, y + 15, f"{m} × {n}, nnz {matrix.nnz}", font_size=11, text_anchor="middle", fill=INK["quiet"])


def _label_width(state: Sequence[tuple[str, int]]) -> float:
    return max([text_width(text, 10) for text in _labels(state)], default=0.0)


def _labels(state: Sequence[tuple[str, int]]) -> list[str]:
    """`x` for numbers, `x[2]` where a node has several elements."""
    several = {name for name, k in state if k}
    return [f"{name}[{k}]" if name in several else name for name, k in state]


def _names(svg: Svg, x: float, y: float, rows: Any, cols: Any, cell: float) -> None:
    """Names of rows to the left, of columns above."""
    for k, text in enumerate(_labels(rows)):
        svg.text(x - 5, y + (k + 0.5) * cell + 4, text, font_size=10, text_anchor="end", fill=INK["quiet"])
    for k, text in enumerate(_labels(cols)):
        at = f"translate({x + (k + 0.5) * cell + 4:.1f} {y - 5:.1f}) rotate(-90)"
        svg.text(0, 0, text, font_size=10, transform=at, fill=INK["quiet"])


def _factor(svg: Svg, x: float, y: float, matrix: sp.csr_array, cell: float) -> None:
    """One matrix: values where cells have room for them, squares else."""
    if cell < 28:
        spy(svg, x, y, Pattern.from_sparse(matrix), cell)
        return
    m, n = matrix.shape
    svg.add("rect", x=x, y=y, width=n * cell, height=m * cell, fill="#fbfcfd", stroke=INK["inner_edge"])
    listed = matrix.tocoo()
    for i, j, value in zip(*listed.coords, listed.data, strict=True):
        left, top = x + j * cell, y + i * cell
        svg.add("rect", x=left + 1.0, y=top + 1.0, width=cell - 2, height=cell - 2, fill="#dcebfb")
        text = number(value, 3)
        size = min(11.0, (cell - 3) / max(text_width(text, 1), 1))
        svg.text(left + cell / 2, top + cell / 2 + 4, text, font_size=size, text_anchor="middle", fill=INK["text"])
