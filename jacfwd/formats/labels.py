"""Index notation: the labels of operands' axes, from einsum's subscripts or a generalized ufunc's core axes.

A label is one character. An axis of length one that is broadcast against longer ones has a label of its own.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jacfwd.formats.base import Shape

__all__ = ["Labels", "core_labels", "einsum_labels", "labelled", "subscripts_of"]

# Characters that no subscripts contain: one for each axis under an ellipsis, or of a stack of matrices ...
STACKED = [chr(code) for code in range(0x3B1, 0x3B1 + 64)]
# ... and one for each axis of length one that is broadcast.
SINGLE = 0x2460


class Labels(NamedTuple):
    """A string of labels for each operand and for the output, one character for each axis; their sizes."""

    operands: tuple[str, ...]
    out: str
    sizes: dict[str, int]


def labelled(operands: Sequence[str], out: str, shapes: Sequence[Shape]) -> Labels:
    """Find the sizes of labels; axes of length one that meet longer ones get labels of their own.

    Raises
    ------
    ValueError
        If an operand has another number of axes than labels.
    """
    sizes: dict[str, int] = {}
    for own, shape in zip(operands, shapes, strict=True):
        for label, n in zip(own, shape, strict=True):
            if sizes.get(label, 1) == 1:
                sizes[label] = n
    fresh = (chr(code) for code in itertools.count(SINGLE))
    renamed = []
    for own, shape in zip(operands, shapes, strict=True):
        labels = [label if n == sizes[label] else next(fresh) for label, n in zip(own, shape, strict=True)]
        sizes.update((label, 1) for label in labels if label not in sizes)
        renamed.append("".join(labels))
    return Labels(tuple(renamed), out, sizes)


def einsum_labels(subscripts: str, shapes: Sequence[Shape]) -> Labels:
    """Labels of a call of einsum that NumPy accepts: ellipses written out, the output made explicit."""
    inputs, arrow, out = subscripts.replace(" ", "").partition("->")
    operands = inputs.split(",")
    hidden = [
        len(shape) - len(own.replace("...", "")) if "..." in own else 0
        for own, shape in zip(operands, shapes, strict=True)
    ]
    stack = "".join(STACKED[: max(hidden)])
    full = [own.replace("...", stack[len(stack) - n :]) for own, n in zip(operands, hidden, strict=True)]
    if not arrow:
        letters = [label for own in operands for label in own.replace("...", "")]
        out = "..." + "".join(sorted(label for label in letters if letters.count(label) == 1))
    return labelled(full, out.replace("...", stack), shapes)


def subscripts_of(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """Einsum's other form, `op, labels, op, labels, ..., [labels]`, as subscripts and arrays."""
    arrays, lists = list(operands[: len(operands) // 2 * 2 : 2]), list(operands[1::2])
    inputs = ",".join(_letters(own) for own in lists)
    out = "->" + _letters(operands[-1]) if len(operands) % 2 else ""
    return inputs + out, arrays


def _letters(sublist: Sequence[Any]) -> str:
    """Integers as letters, in an order that keeps them sorted: 0 is A, 26 is a."""
    return "".join("..." if label is Ellipsis else chr((65 if label < 26 else 71) + int(label)) for label in sublist)


def core_labels(
    cores: Sequence[str],
    out: str,
    shapes: Sequence[Shape],
    axes: Sequence[Any] | None = None,
    axis: int | None = None,
    keepdims: bool = False,
) -> Labels:
    """Labels of a generalized ufunc such as matmul: core axes last or where `axes` says, stacks broadcast.

    An operand with fewer axes than its core, as a vector in matmul, has the core axis nearest to the others,
    and the output goes without the one that is missing.
    """
    if axis is not None:
        axes = [(axis,)] * len(cores) + ([(axis,)] if keepdims else [()])
    stacks = [max(len(shape) - len(core), 0) for core, shape in zip(cores, shapes, strict=True)]
    stack = "".join(STACKED[: max(stacks)])
    missing = ""
    operands = []
    for k, (core, shape, n) in enumerate(zip(cores, shapes, stacks, strict=True)):
        if len(shape) < len(core):
            missing += core[0] if k == 0 else core[-1]
            core = core.strip(missing)
        operands.append(_placed(stack[len(stack) - n :], core, None if axes is None else axes[k]))
    core = "".join(label for label in out if label not in missing)
    if keepdims:
        core = chr(SINGLE - 1)
    places = axes[len(cores)] if axes is not None and len(axes) > len(cores) else None
    full = labelled(operands, _placed(stack, core, places), shapes)
    return full._replace(sizes={**full.sizes, chr(SINGLE - 1): 1})


def _placed(stack: str, core: str, axes: Any) -> str:
    """Core labels at the axes given for them, by default the last; the stack's at the others in order."""
    if axes is None:
        return stack + core
    ndim = len(stack) + len(core)
    at = np.lib.array_utils.normalize_axis_tuple(axes, ndim) if core else ()
    rest = iter(stack)
    return "".join(core[at.index(k)] if k in at else next(rest) for k in range(ndim))
