"""What a derivative looks like: the line, or the plane, that fits a function best at a point."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.api import gradient, jvp
from jacfwd.draw.boxes import INK
from jacfwd.draw.chart import Chart, span_of
from jacfwd.draw.labels import number
from jacfwd.draw.svg import Drawing, Svg

__all__ = ["tangent_line", "tangent_plane"]

SAMPLES = 121
GRID = 16
# Room above the curve for the legend.
HEADROOM = 0.22
# The view of the surface: turned by the first angle, seen from above by the second.
TURN, TILT = math.radians(-58), math.radians(24)


def tangent_line(f: Callable, x: float, step: float | None = None, radius: float = 2.0, name: str = "f") -> Drawing:
    """The graph of `f: R -> R` around `x`, its tangent there, and with `step` the secant to `x + step`.

    The slope of the tangent is `jvp(f, x, 1)`, the limit of the slopes of secants.
    """
    x = float(x)
    value, slope = (float(part) for part in jvp(f, x, 1.0))
    grid = np.linspace(x - radius, x + radius, SAMPLES)
    with np.errstate(all="ignore"):
        curve = [(float(t), float(f(t))) for t in grid]
    ends = [(t, value + slope * (t - x)) for t in (x - radius, x + radius)]
    shown = [y for _, y in curve if math.isfinite(y)] + [value]
    low, high = span_of(shown)
    high += HEADROOM * (high - low)
    line = [_clipped(end, (x, value), low, high) for end in ends]
    title = f"The tangent at {number(x)}: slope {number(slope)}"
    chart = Chart(title, (x - radius, x + radius), (low, high), ("x", f"{name}(x)"))
    chart.curve([point for point in curve if math.isfinite(point[1])], f"{name}(x)", 0)
    chart.curve(line, f"{number(value)} + {number(slope)} (x - {number(x)})", 1)
    if step is not None:
        there = float(f(x + step))
        quotient = (there - value) / step
        secant = [(t, value + quotient * (t - x)) for t in (x - radius, x + radius)]
        chart.curve(
            [_clipped(end, (x, value), low, high) for end in secant], f"secant, slope {number(quotient)}", 2, True
        )
        chart.point(x + step, there)
    chart.point(x, value, f"({number(x)}, {number(value)})")
    return chart.svg.drawing()


def _clipped(end: tuple[float, float], at: tuple[float, float], low: float, high: float) -> tuple[float, float]:
    """The end of a line through `at`, or where the line leaves the picture."""
    (x, y), (x0, y0) = end, at
    inside = min(max(y, low), high)
    return (x, y) if y == inside else (x0 + (x - x0) * (inside - y0) / (y - y0), inside)


def tangent_plane(f: Callable, x: float, y: float, radius: float = 1.5, name: str = "f") -> Drawing:
    """The graph of `f: R^2 -> R` around `(x, y)`, as a surface, and its tangent plane there.

    The plane's slopes along the axes are the partial derivatives `jf.gradient(f, argnums=(0, 1))(x, y)`.
    """
    x, y = float(x), float(y)
    value = float(f(x, y))
    a, b = (float(part) for part in gradient(f, argnums=(0, 1))(x, y))
    u = np.linspace(-radius, radius, GRID + 1)
    with np.errstate(all="ignore"):
        surface = np.array([[float(f(x + du, y + dv)) for dv in u] for du in u])
    finite = surface[np.isfinite(surface)]
    view = View(radius, float(finite.min()), float(finite.max()))
    title = f"The tangent plane at ({number(x)}, {number(y)}): slopes {number(a)} and {number(b)}"
    svg = Svg(540, 400, title)
    svg.add("rect", width=540, height=400, fill=INK["ground"], rx=6)
    svg.text(18, 24, title, font_size=14, font_weight="bold", fill=INK["text"])
    _surface(svg, u, surface, view)
    wide = 0.62 * radius
    corners = [(p * wide, q * wide) for p, q in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    patch = _polygon([view.project(p, q, value + a * p + b * q) for p, q in corners])
    svg.add("path", d=patch, fill="#d9622b", fill_opacity=0.55, stroke=INK["slope"])
    cx, cy, _ = view.project(0.0, 0.0, value)
    svg.add("circle", cx=cx, cy=cy, r=4, fill=INK["text"])
    svg.text(cx + 9, cy - 7, f"{name} = {number(value)}", font_size=12, fill=INK["text"])
    for at, axis, where in (((0.1, -1.12), "x", x), ((1.12, 0.1), "y", y)):
        px, py, _ = view.project(at[0] * radius, at[1] * radius, view.low)
        words = f"{axis} from {number(where - radius)} to {number(where + radius)}"
        svg.text(px, py + 14, words, font_size=11, text_anchor="middle", fill=INK["quiet"])
    return svg.drawing()


@dataclasses.dataclass(frozen=True)
class View:
    """How space is seen: a parallel projection that fits the surface into the picture."""

    radius: float
    low: float
    high: float

    def share(self, z: float) -> float:
        """Where a height is between the lowest and the highest."""
        return (z - self.low) / max(self.high - self.low, 1e-12)

    def project(self, a: float, b: float, z: float) -> tuple[float, float, float]:
        """The place in the picture, and how far behind it is."""
        p, q = a / self.radius, b / self.radius
        across = p * math.cos(TURN) - q * math.sin(TURN)
        depth = p * math.sin(TURN) + q * math.cos(TURN)
        rise = 1.5 * (self.share(z) - 0.5)
        return 260 + 150 * across, 205 - 120 * (rise * math.cos(TILT) + depth * math.sin(TILT)), depth


def _surface(svg: Svg, u: Any, surface: Any, view: View) -> None:
    """Quadrangles from the far ones to the near ones, the higher the darker."""
    quads = []
    for i in range(GRID):
        for j in range(GRID):
            places = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
            heights = [surface[p] for p in places]
            if all(map(math.isfinite, heights)):
                points = [view.project(u[a], u[b], h) for (a, b), h in zip(places, heights, strict=True)]
                quads.append((sum(p[2] for p in points), sum(heights) / 4, points))
    for _, height, points in sorted(quads, key=lambda quad: -quad[0]):
        share = view.share(height)
        color = f"rgb({round(222 - 130 * share)},{round(235 - 85 * share)},{round(247 - 35 * share)})"
        svg.add("path", d=_polygon(points), fill=color, stroke="#5b7fa6", stroke_width=0.5)


def _polygon(points: Any) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in points) + "z"
