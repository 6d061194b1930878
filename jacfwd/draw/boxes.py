"""A derivative graph as a picture: levels from left to right, boxes for variables, arrows for local derivatives."""

from html import escape

from jacfwd.draw.fold import folded
from jacfwd.draw.geometry import FONT, LINE, MARGIN, PAD_Y, SMALL, Box, Curve, Placed, legend, place
from jacfwd.draw.scene import INPUT, OUTPUT, Node, scene_of
from jacfwd.draw.svg import Drawing, Svg, text_width, tidy
from jacfwd.recorded import Recorded

__all__ = ["INK", "curve_path", "draw", "draw_placed"]

# Every pair of a text and its ground has a contrast of at least 4.5 : 1; tests compute it.
INK = {
    "ground": "#ffffff",
    "text": "#1b1f24",
    "quiet": "#57606a",
    "line": "#57606a",
    "inner": "#f3f5f8",
    "input": "#dcebfb",
    "output": "#dff3e2",
    "input_edge": "#1f5fa8",
    "output_edge": "#1a7038",
    "inner_edge": "#8b949e",
    "slope": "#a3340f",
    "local": "#1f4f96",
}


def draw(found: Recorded, wrt: int = 0, fold: str | None = "auto") -> Drawing:
    """The derivative graph of flat input `wrt` as a picture."""
    return draw_placed(place(folded(scene_of(found, wrt), found, fold)))


def draw_placed(placed: Placed) -> Drawing:
    """A scene that has its places, as a picture."""
    svg = Svg(placed.width, placed.height, placed.scene.title)
    svg.add("rect", width=placed.width, height=placed.height, fill=INK["ground"], rx=6)
    svg.text(MARGIN, MARGIN + 8, placed.scene.title, font_size=14, font_weight="bold", fill=INK["text"])
    svg.add("defs", _arrow("arrow", INK["line"]) + _arrow("pale", "#b6bcc4"))
    for curve in placed.curves:
        _draw_curve(svg, curve)
    for box in placed.boxes:
        _draw_box(svg, box)
    for curve in placed.curves:
        _draw_label(svg, curve)
    _draw_legend(svg, placed)
    return svg.drawing()


def _arrow(name: str, color: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"'
        f' markerUnits="userSpaceOnUse"><path d="M0 0.8 L8 4 L0 7.2 z" fill="{color}"/></marker>'
    )


def curve_path(curve: Curve) -> str:
    """The curve in the language of SVG's paths."""
    (x, y), *rest = curve.points
    steps = [f"{tidy(a)} {tidy(b)}" for a, b in rest]
    pieces = [f"C{', '.join(steps[k : k + 3])}" for k in range(0, len(steps), 3)]
    return f"M{tidy(x)} {tidy(y)} " + " ".join(pieces)


def _draw_curve(svg: Svg, curve: Curve) -> None:
    pale = not curve.edge.reached
    svg.add(
        "path",
        f"<title>{escape(curve.edge.text)}</title>",
        d=curve_path(curve),
        fill="none",
        stroke="#b6bcc4" if pale else INK["line"],
        stroke_width=1.3,
        stroke_dasharray="4 3" if pale else None,
        marker_end="url(#pale)" if pale else "url(#arrow)",
    )


def _draw_box(svg: Svg, box: Box) -> None:
    node = box.node
    x, y, _, _ = box.rectangle
    tip = "\n".join(filter(None, [*node.lines, node.where]))
    svg.add(
        "rect",
        f"<title>{escape(tip)}</title>",
        x=x,
        y=y,
        width=box.w,
        height=box.h,
        rx=box.h / 2 if node.role == INPUT else 6,
        fill=INK[node.role] if node.reached else INK["ground"],
        stroke=INK[f"{node.role}_edge"],
        stroke_width=1.6,
        stroke_dasharray=None if node.reached else "4 3",
    )
    if node.role == OUTPUT:
        # A double frame, as terminal states have.
        svg.add(
            "rect", x=x + 3, y=y + 3, width=box.w - 6, height=box.h - 6, rx=4, fill="none", stroke=INK["output_edge"]
        )
    for k, text in enumerate(node.lines):
        svg.text(box.x, y + PAD_Y + LINE * (k + 0.75), text, text_anchor="middle", **_style(node, text, k))


def _style(node: Node, text: str, k: int) -> dict[str, object]:
    """How a line in a box is written: the variable bold, its derivative in color, the rest small."""
    if k == 0:
        return {"font_size": FONT, "font_weight": "bold", "fill": INK["text" if node.reached else "quiet"]}
    if text == node.derivative:
        return {"font_size": SMALL + 1, "fill": INK["slope" if node.reached else "quiet"]}
    return {"font_size": SMALL, "fill": INK["quiet"]}


def _draw_label(svg: Svg, curve: Curve) -> None:
    if not curve.edge.caption:
        return
    x, y = curve.label
    w = text_width(curve.edge.caption, SMALL)
    svg.add("rect", x=x - w / 2, y=y - 7, width=w, height=14.0, rx=3, fill=INK["ground"], fill_opacity=0.9)
    ink = INK["local"] if curve.edge.reached else INK["quiet"]
    svg.text(x, y + 4, curve.edge.caption, text_anchor="middle", font_size=SMALL, fill=ink)


def _draw_legend(svg: Svg, placed: Placed) -> None:
    """One line below: what the shapes mean."""
    svg.text(MARGIN, placed.height - 10, legend(placed.scene), font_size=SMALL, fill=INK["quiet"])
