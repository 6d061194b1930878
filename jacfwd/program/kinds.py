"""What kinds of operations a program distinguishes, all read off primitives and their rules."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import strong_product
from jacfwd.formats.index import scattered
from jacfwd.graph import Node
from jacfwd.primitive import Call, Group
from jacfwd.rules import TABLE
from jacfwd.rules.internal import assemble, view

__all__ = [
    "SUM",
    "function_of",
    "is_assembled",
    "is_buffered",
    "is_count",
    "is_elementwise",
    "is_gather",
    "is_linear",
    "is_placed",
    "is_short_sum",
    "is_total",
    "linear_parts",
    "makes_nan_silently",
]

VIEW, STRONG = TABLE[view], TABLE[strong_product]
SCATTERED, ASSEMBLE = TABLE[scattered], TABLE[assemble]
# Reductions by ufuncs look at the flags as the ufuncs do.
SUM = TABLE[np.sum]
MEAN = TABLE[np.mean]
REDUCED = (SUM, MEAN, TABLE[np.prod])


def function_of(node: Node) -> np.ufunc | None:
    """The ufunc that computes a node element by element; a strong product is a product where nothing is nan."""
    assert node.primitive is not None
    if node.primitive is STRONG:
        return np.multiply
    function = node.primitive.function
    if isinstance(function, np.ufunc) and function.signature is None and function.nout == 1 and not node.params:
        return function
    return None


def is_elementwise(node: Node, careful: bool = False) -> bool:
    """Whether a ufunc without options computes it into an array; careful programs leave strong products alone."""
    if node.primitive is None or node.shape == () or (careful and node.primitive is STRONG):
        return False
    return function_of(node) is not None


def is_gather(node: Node) -> bool:
    """Whether elements are picked by their positions."""
    return node.primitive is VIEW and node.shape != ()


def is_count(node: Node) -> bool:
    """Whether elements of one row are summed by where they go, as `np.bincount` does it."""
    return (
        node.primitive is SCATTERED
        and node.shape[0] == 1
        and node.dtype == np.float64
        and node.params["index"].size > 0
    )


def is_assembled(node: Node) -> bool:
    """Whether it is put together from elements of others, without any conversion."""
    return (
        node.primitive is ASSEMBLE
        and node.shape != ()
        and all(c is None or np.asarray(c).dtype == node.dtype for c in node.constants)
    )


def is_placed(node: Node) -> bool:
    """Whether elements of one row are put into evenly spaced places among zeros."""
    if node.primitive is not SCATTERED or node.shape[0] != 1:
        return False
    linear = node.params["index"].linear
    return linear is not None and linear[1] > 0 and node.params["index"].size > 0


def is_short_sum(node: Node) -> bool:
    """Whether the last axis, of few elements, is summed: NumPy's loop over so few is slow."""
    if node.primitive is not SUM or node.dtype != np.float64 or not set(node.params) <= {"axis", "keepdims"}:
        return False
    if any(p is not None or c is not None for p, c in zip(node.parents[1:], node.constants[1:], strict=True)):
        return False  # a mask, or what the sum begins with
    axis = node.params.get("axis")
    return axis is not None and node.shape != () and np.ndim(axis) in (0, 1) and np.size(axis) == 1


def is_total(node: Node, nodes: Sequence[Node]) -> bool:
    """Whether all elements are summed, or averaged, to one number."""
    if node.primitive not in (SUM, MEAN) or not set(node.params) <= {"axis", "keepdims"} or math.prod(node.shape) != 1:
        return False
    if any(p is not None or c is not None for p, c in zip(node.parents[1:], node.constants[1:], strict=True)):
        return False  # a mask, or what the sum begins with
    parent = node.parents[0]
    if parent is None or nodes[parent].dtype != node.dtype or node.dtype.char not in "fdFD":
        return False
    axis, shape = node.params.get("axis"), nodes[parent].shape
    along = range(len(shape)) if axis is None else [int(k) % len(shape) for k in np.ravel(axis)]
    return 0 not in shape and all(n == 1 for k, n in enumerate(shape) if k not in along)


def is_buffered(node: Node, careful: bool = False) -> bool:
    """Whether a program computes it into memory of its own."""
    return is_elementwise(node, careful) or is_gather(node) or is_assembled(node) or is_placed(node)


def is_linear(node: Node, moving: Iterable[np.dtype]) -> bool:
    """Whether the function is its local Jacobian, the same at every point, in operands of these dtypes.

    A mask that changes is no operand of a linear function.
    """
    assert node.primitive is not None
    return node.primitive.moves or (node.primitive.rule.linear and all(t.kind == node.dtype.kind for t in moving))


def linear_parts(node: Node, still: Sequence[Any], wanted: Sequence[int]) -> tuple[np.ndarray, list[Group]]:
    """A linear node as `base + J x`: its value where the wanted operands are zero, and its local Jacobians."""
    primitive = node.primitive
    assert primitive is not None
    base = np.asarray(primitive.evaluate(still, node.params))
    return base, primitive.groups(Call(primitive, base, tuple(still), node.params), tuple(wanted))


def makes_nan_silently(node: Node) -> bool:
    """Whether nan may come out where none went in, and the processor's flag for that is not looked at."""
    if node.primitive is None or node.dtype.kind not in "fc" or node.primitive.moves or node.primitive is VIEW:
        return False
    if is_placed(node) or node.primitive in REDUCED:
        return False
    function = function_of(node)
    return function is None or not is_numpy(function)


def is_numpy(function: np.ufunc) -> bool:
    """Whether NumPy itself defines a ufunc: those look at the flags."""
    return getattr(np, function.__name__, None) is function
