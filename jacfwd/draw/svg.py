"""Scalable vector graphics as text: elements, the size of words, and the object that a drawing is."""

import os
import re
from html import escape
from pathlib import Path
from typing import Any

__all__ = ["Drawing", "Svg", "text_width", "tidy"]

FAMILY = "'DejaVu Sans', Verdana, 'Segoe UI', sans-serif"
NARROW, WIDE = frozenset("ijl|.,:;'![](){}/ ·ftI"), frozenset("mwMWQO@%∂…×")


class Drawing:
    """A picture as SVG. Notebooks show it by themselves.

    >>> drawing = Drawing("<svg></svg>")
    >>> drawing.svg
    '<svg></svg>'
    """

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file whose name ends in `.svg`.

        Raises ValueError for other names: there is nothing here that could make other formats.
        """
        path = Path(path)
        if path.suffix.lower() != ".svg":
            raise ValueError(
                f"drawings are saved as .svg, got {path.name!r}; for others use jf.draw.plot(graph).figure"
            )
        path.write_text(self.svg, encoding="utf-8")

    def __repr__(self) -> str:
        found = re.search(r'width="([\d.]+)" height="([\d.]+)"', self.svg)
        return f"<Drawing, {found[1]} x {found[2]}>" if found else "<Drawing>"


def text_width(text: str, size: float) -> float:
    """About how wide a text is, rather too wide than too narrow: fonts differ from viewer to viewer."""
    units = sum(0.36 if c in NARROW else 0.95 if c in WIDE else 0.72 if c.isupper() else 0.635 for c in text)
    return units * size


def tidy(value: float) -> str:
    """A coordinate in at most one decimal."""
    return (
        f"{value:.1f}".removesuffix(".0").replace("-0", "0") if abs(value) < 0.05 else f"{value:.1f}".removesuffix(".0")
    )


class Svg:
    """Collects elements; `drawing` closes the picture. Attributes with `_` for `-`, as `stroke_width`."""

    def __init__(self, width: float, height: float, title: str, style: str = "") -> None:
        self.width, self.height, self.title, self.style = width, height, title, style
        self.parts: list[str] = []

    def add(self, tag: str, content: str = "", **attributes: Any) -> None:
        """One element; `content` is markup."""
        self.parts.append(made(tag, content, **attributes))

    def text(self, x: float, y: float, content: str, **attributes: Any) -> None:
        """Words, which are escaped."""
        self.add("text", escape(content, quote=False), x=x, y=y, **attributes)

    def markup(self, **attributes: Any) -> str:
        """The whole picture."""
        w, h = tidy(self.width), tidy(self.height)
        extra = "".join(f" {key.replace('_', '-')}={value!r}" for key, value in attributes.items())
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img"'
            f' font-family="{FAMILY}"{extra}>'
        )
        style = f"<style>{self.style}</style>" if self.style else ""
        return "\n".join([head, f"<title>{escape(self.title)}</title>{style}", *self.parts, "</svg>\n"])

    def drawing(self) -> Drawing:
        """The whole picture as an object."""
        return Drawing(self.markup())


def made(tag: str, content: str, **attributes: Any) -> str:
    """An element as text; attributes that are None are left out."""
    pairs = []
    for key, value in attributes.items():
        if value is not None:
            shown = tidy(value) if isinstance(value, float) else escape(str(value))
            pairs.append(f' {key.rstrip("_").replace("_", "-")}="{shown}"')
    return f"<{tag}{''.join(pairs)}>{content}</{tag}>" if content else f"<{tag}{''.join(pairs)}/>"
