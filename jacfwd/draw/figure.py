"""A derivative graph on matplotlib's axes."""

from typing import Any

from jacfwd.draw.boxes import INK
from jacfwd.draw.geometry import FONT, LINE, MARGIN, PAD_Y, SMALL, Box, Curve, Placed
from jacfwd.draw.scene import INPUT, OUTPUT

__all__ = ["on_axes"]

# Pixels of the layout per inch, and points of type per pixel, so that texts fit into their boxes.
PIXELS = 96
POINTS = 72 / PIXELS


def on_axes(placed: Placed, ax: Any = None) -> Any:
    """Draw on `ax`, or on the axes of a new figure of fitting size; returns the axes.

    Raises ImportError, with advice, where matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError("plots need matplotlib: python -m pip install 'jacfwd[plot]'") from None
    if ax is None:
        figure = pyplot.figure(figsize=(placed.width / PIXELS, placed.height / PIXELS))
        ax = figure.add_axes((0, 0, 1, 1))
    ax.set_xlim(0, placed.width)
    ax.set_ylim(placed.height, 0)
    ax.set_aspect("equal")
    ax.axis("off")
    title = {"fontsize": FONT * POINTS, "weight": "bold", "color": INK["text"]}
    ax.text(MARGIN, MARGIN + 4, placed.scene.title, va="center", parse_math=False, **title)
    for curve in placed.curves:
        _curve(ax, curve)
    for box in placed.boxes:
        _box(ax, box)
    for curve in placed.curves:
        if curve.edge.caption:
            ground = {"boxstyle": "square,pad=0.1", "facecolor": INK["ground"], "edgecolor": "none"}
            ink = INK["local" if curve.edge.reached else "quiet"]
            _text(ax, *curve.label, curve.edge.caption, SMALL, color=ink, bbox=ground)
    return ax


def _curve(ax: Any, curve: Curve) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    codes = [Path.MOVETO] + [Path.CURVE4] * (len(curve.points) - 1)
    style = "solid" if curve.edge.reached else "dashed"
    path = Path(curve.points, codes)
    ax.add_patch(FancyArrowPatch(path=path, arrowstyle="-|>", mutation_scale=9, color=INK["line"], linestyle=style))


def _box(ax: Any, box: Box) -> None:
    from matplotlib.patches import FancyBboxPatch

    node = box.node
    left, top, _, _ = box.rectangle
    rounding = box.h / 2 - 1 if node.role == INPUT else 6
    patch = FancyBboxPatch(
        (left, top),
        box.w,
        box.h,
        boxstyle=f"round,pad=0,rounding_size={rounding}",
        facecolor=INK[node.role] if node.reached else INK["ground"],
        edgecolor=INK[f"{node.role}_edge"],
        linewidth=2.4 if node.role == OUTPUT else 1.2,
        linestyle="solid" if node.reached else "dashed",
    )
    ax.add_patch(patch)
    for k, text in enumerate(node.lines):
        color = INK["text"] if k == 0 else INK["slope"] if text == node.derivative and node.reached else INK["quiet"]
        size, weight = (FONT, "bold") if k == 0 else (SMALL, "normal")
        _text(ax, box.x, top + PAD_Y + LINE * (k + 0.5), text, size, color=color, weight=weight)


def _text(ax: Any, x: float, y: float, content: str, size: float, **style: Any) -> None:
    """Centred words, in which a dollar sign is no mathematics."""
    ax.text(x, y, content, fontsize=size * POINTS, ha="center", va="center", parse_math=False, **style)
