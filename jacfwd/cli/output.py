"""What commands write: aligned tables, JSON, color where a terminal shows it, a bar for long work."""

import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

import numpy as np
import scipy.sparse as sp

__all__ = ["Bar", "aligned", "as_json", "progress", "say", "styled"]

STYLES = {"bold": "1", "good": "32", "bad": "31"}
WIDTH = 30


def colored(stream: TextIO) -> bool:
    """Whether a stream gets colors: a terminal, unless NO_COLOR is set to anything (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """The text in a style, on streams that show it."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if colored(stream or sys.stdout) else text


def say(command: str, message: object) -> None:
    """A message on the error stream, after the command's name."""
    print(f"{styled(f'jacfwd {command}:', 'bad', sys.stderr)} {message}", file=sys.stderr)


def aligned(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """A blank line and rows of cells as lines with aligned columns, indented; nothing without rows."""
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    yield ""
    for k, row in enumerate((head, *rows)):
        line = ("  " + "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
        yield line if k else styled(line, "bold")


def as_json(value: Any) -> str:
    """Data as JSON; what JSON has no word for (nan, inf) is null."""
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if sp.issparse(value):
        listed = value.tocoo()
        rows, cols = (part.tolist() for part in listed.coords)
        return {"shape": list(value.shape), "rows": rows, "cols": cols, "values": _plain(listed.data)}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, complex):
        return {"real": _plain(value.real), "imag": _plain(value.imag)}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


class Bar:
    """A bar on the error stream: a function of (done, total)."""

    def __init__(self, label: str) -> None:
        self.label = label

    def __call__(self, done: int, total: int) -> None:
        filled = WIDTH * done // max(total, 1)
        end = "\n" if done >= total else ""
        print(
            f"\r{self.label} [{'#' * filled}{'.' * (WIDTH - filled)}] {done}/{total}{end}",
            end="",
            file=sys.stderr,
            flush=True,
        )


def progress(label: str) -> Bar | None:
    """A bar, if somebody looks at the error stream."""
    return Bar(label) if sys.stderr.isatty() else None


def followed(items: Iterable[Any], total: int, label: str) -> Iterator[Any]:
    """The items, with a bar that says how many have come."""
    bar = progress(label)
    for done, item in enumerate(items):
        if bar is not None:
            bar(done, total)
        yield item
    if bar is not None:
        bar(total, total)
