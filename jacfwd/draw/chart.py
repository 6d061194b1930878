"""Curves and points on two axes, linear or logarithmic."""

import math
from collections.abc import Iterable, Sequence

from jacfwd.draw.boxes import INK
from jacfwd.draw.svg import Svg, text_width

__all__ = ["Chart", "steps"]

LEFT, RIGHT, TOP, BOTTOM = 66, 18, 44, 48
INKS = ("#1f4f96", "#a3340f", "#1a7038", "#7a3e8f", "#57606a")


class Chart:
    """Axes of `width` by `height` pixels inside; both spans are (from, to) in units of the data."""

    def __init__(
        self,
        title: str,
        x_span: tuple[float, float],
        y_span: tuple[float, float],
        labels: tuple[str, str],
        log: bool = False,
        size: tuple[int, int] = (460, 300),
    ) -> None:
        self.log, (self.width, self.height) = log, size
        self.x_span, self.y_span = x_span, y_span
        self.svg = Svg(LEFT + self.width + RIGHT, TOP + self.height + BOTTOM, title)
        self.svg.add("rect", width=self.svg.width, height=self.svg.height, fill=INK["ground"], rx=6)
        self.svg.text(18, 24, title, font_size=14, font_weight="bold", fill=INK["text"])
        self._axes(labels)
        self.named = 0

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the data is in the picture."""
        u, v = self._share(x, self.x_span), self._share(y, self.y_span)
        return LEFT + u * self.width, TOP + (1 - v) * self.height

    def _share(self, value: float, span: tuple[float, float]) -> float:
        low, high = span
        if self.log:
            value, low, high = (math.log10(max(each, 1e-300)) for each in (value, low, high))
        return (value - low) / (high - low)

    def _axes(self, labels: tuple[str, str]) -> None:
        """Frame, ticks with grid lines, and what the axes mean."""
        svg, bottom = self.svg, TOP + self.height
        quiet = {"font_size": 11, "fill": INK["quiet"]}
        for value in self._ticks(self.x_span):
            x, _ = self.at(value, self.y_span[0])
            svg.add("path", d=f"M{x:.1f} {TOP}V{bottom}", stroke="#e4e8ec")
            svg.text(x, bottom + 16, label(value), text_anchor="middle", **quiet)
        for value in self._ticks(self.y_span):
            _, y = self.at(self.x_span[0], value)
            svg.add("path", d=f"M{LEFT} {y:.1f}H{LEFT + self.width}", stroke="#e4e8ec")
            svg.text(LEFT - 7, y + 4, label(value), text_anchor="end", **quiet)
        svg.add("rect", x=LEFT, y=TOP, width=self.width, height=self.height, fill="none", stroke=INK["inner_edge"])
        svg.text(LEFT + self.width / 2, bottom + 36, labels[0], text_anchor="middle", font_size=12, fill=INK["text"])
        turn = f"translate(16 {TOP + self.height / 2}) rotate(-90)"
        svg.text(0, 0, labels[1], text_anchor="middle", font_size=12, fill=INK["text"], transform=turn)

    def _ticks(self, span: tuple[float, float]) -> list[float]:
        if not self.log:
            return steps(*span)
        low, high = (math.log10(each) for each in span)
        every = max(1, math.ceil((high - low) / 7))
        return [10.0**k for k in range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1, every)]

    def curve(
        self,
        points: Sequence[tuple[float, float]],
        name: str = "",
        ink: int = 0,
        dashed: bool = False,
        dots: bool = False,
    ) -> None:
        """A line through points; its name goes into the legend."""
        places = [self.at(x, y) for x, y in points]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        dash = "5 4" if dashed else None
        self.svg.add("path", d=path, fill="none", stroke=INKS[ink], stroke_width=2, stroke_dasharray=dash)
        if dots:
            for x, y in places:
                self.svg.add("circle", cx=x, cy=y, r=3, fill=INKS[ink])
        if name:
            self._legend(name, ink, dash)

    def _legend(self, name: str, ink: int, dash: str | None) -> None:
        """A line of the legend, in the upper left corner."""
        y, w = TOP + 14 + 17 * self.named, text_width(name, 12)
        self.svg.add("rect", x=LEFT + 6, y=y - 8, width=w + 38, height=16, fill=INK["ground"], fill_opacity=0.9)
        self.svg.add("path", d=f"M{LEFT + 10} {y}h22", stroke=INKS[ink], stroke_width=2, stroke_dasharray=dash)
        self.svg.text(LEFT + 38, y + 4, name, font_size=12, fill=INK["text"])
        self.named += 1

    def point(self, x: float, y: float, text: str = "", ink: int = 4, side: str = "start") -> None:
        """A dot with words beside it."""
        u, v = self.at(x, y)
        self.svg.add("circle", cx=u, cy=v, r=4, fill=INKS[ink])
        if text:
            shift = 9 if side == "start" else -9
            self.svg.text(u + shift, v + 14, text, font_size=12, text_anchor=side, fill=INK["text"])


def steps(low: float, high: float) -> list[float]:
    """Round numbers in a span, about six of them.

    >>> steps(0.0, 10.0)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    rough = (high - low) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(k for k in (1, 2, 5, 10) if k * power >= rough * 0.999)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def label(value: float) -> str:
    """A number at a tick; powers of ten from a hundred thousand on with raised digits."""
    if value and (abs(value) >= 1e5 or abs(value) < 1e-3):
        power = math.floor(math.log10(abs(value)) + 1e-9)
        mantissa = value / 10.0**power
        raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return f"10{raised}" if abs(mantissa - 1) < 1e-9 else f"{mantissa:g}·10{raised}"
    return f"{value:.6g}"


def span_of(values: Iterable[float], margin: float = 0.06) -> tuple[float, float]:
    """The span of the values with some room at both ends."""
    found = list(values)
    low, high = min(found), max(found)
    room = margin * ((high - low) or 1.0)
    return low - room, high + room
