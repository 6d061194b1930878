"""The words in drawings: names of derivatives, numbers, operations."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jacfwd.graph import Graph

__all__ = ["brief", "described", "element", "number", "operations", "ratio", "shortened"]

# How the commonest operations are written; the others are written as calls.
BETWEEN = {
    "add": "{} + {}",
    "divide": "{} / {}",
    "float_power": "{}^{}",
    "matmul": "{} @ {}",
    "multiply": "{} · {}",
    "negative": "-{}",
    "power": "{}^{}",
    "square": "{}^2",
    "subtract": "{} - {}",
}
DIGITS = 5
LONGEST = 26
SHOWN_ELEMENTS = 3


def ratio(sign: str, above: str, below: str) -> str:
    """A derivative's label, such as `dg/dx` or, with the partial sign, `∂f/∂(sin(x))`.

    >>> ratio("d", "g", "x[2]"), ratio("∂", "f", "sin(x)")
    ('dg/dx[2]', '∂f/∂(sin(x))')
    """
    return "/".join(sign + (part if part.partition("[")[0].isidentifier() else f"({part})") for part in (above, below))


def number(value: Any, digits: int = DIGITS) -> str:
    """A number in few digits, complex ones too."""
    value = np.asarray(value)[()]
    if np.iscomplexobj(value):
        return f"{value.real:.{digits}g}{value.imag:+.{digits}g}i"
    return f"{float(value):.{digits}g}" if value.dtype.kind in "fiu" else str(value)


def brief(value: Any, digits: int = DIGITS) -> str:
    """A number, or the first elements of an array.

    >>> brief(144.0), brief(np.arange(5.0))
    ('144', '[0, 1, 2, …]')
    """
    array = np.asarray(value)
    if array.ndim == 0:
        return number(array, digits)
    shown = [number(element, min(digits, 4)) for element in array.flat[:SHOWN_ELEMENTS]]
    return f"[{', '.join(shown)}{', …' if array.size > SHOWN_ELEMENTS else ''}]"


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text on one line, cut where it is too long."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def element(name: str, shape: Sequence[int], k: int) -> str:
    """What flat element k of an array is called: `x`, `x[2]`, `x[0, 1]`."""
    return f"{name}[{', '.join(str(i) for i in np.unravel_index(k, tuple(shape)))}]" if shape else name


def described(shape: Sequence[int]) -> str:
    """A shape in a drawing: nothing for numbers, `5` or `3 × 4` for arrays."""
    return " × ".join(map(str, shape)) if len(shape) != 1 else f"{shape[0]} numbers"


def operations(graph: Graph, names: Sequence[str]) -> list[str]:
    """What each node does, as a formula in the names of its operands; empty for inputs."""
    return [_operation(graph, at, names) for at in range(len(graph.nodes))]


def _operation(graph: Graph, at: int, names: Sequence[str]) -> str:
    node = graph.nodes[at]
    if node.primitive is None:
        return ""
    pairs = list(zip(node.parents, node.constants, strict=True))
    operands = [_constant(constant) if parent is None else names[parent] for parent, constant in pairs]
    short = node.primitive.short
    if short in ("view", "element", "getitem") and len(operands) == 1:
        return f"part of {operands[0]}"
    if short == "assemble":
        return f"assembled from {len({parent for parent, _ in pairs if parent is not None})}"
    form = BETWEEN.get(short)
    if form is not None and form.count("{}") == len(operands) and not node.params:
        return shortened(form.format(*operands))
    return shortened(f"{short}({', '.join(operands)})")


def _constant(value: Any) -> str:
    return number(value, 4) if np.ndim(value) == 0 and not isinstance(value, str) else f"array[{_sizes(value)}]"


def _sizes(value: Any) -> str:
    return ",".join(map(str, np.shape(value)))
