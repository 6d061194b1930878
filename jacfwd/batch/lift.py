"""One node at many points: its operation on blocks of shape `(p,) + shape`, read off its rule.

A node is lifted by the first of these that fits: elementwise functions broadcast; a function that is its own local
Jacobian pushes the block through it, as tangents are pushed; products contract with one more label; functions of
stacks take one more leading axis; functions along an axis have that axis moved by one. Every way is confirmed by the
function itself at some of the points when it is first used; what fits none is evaluated point by point.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jacfwd.formats.contract import contract
from jacfwd.formats.dispatch import as_array, as_dtype
from jacfwd.graph import Node
from jacfwd.program.kinds import is_linear, linear_parts

__all__ = ["Lifted", "point_by_point"]

Blocks = Sequence[Any]
Lift = Callable[[Blocks], Any]
# The label of the axis of points, which no product uses itself.
POINT = "\u2022"


class Lifted:
    """A node as a function of blocks; operands without a parent are the same constants at every point."""

    def __init__(self, node: Node, shapes: Sequence[Any], dtypes: Sequence[Any]) -> None:
        self.node, self.shapes, self.dtypes = node, shapes, dtypes
        self._slow = functools.partial(point_by_point, node)
        self._lift: Lift | None = None
        self._ways = [(make, way) for make in WAYS if (way := make(node, shapes, dtypes)) is not None]

    def __call__(self, blocks: Blocks, p: int) -> Any:
        """The node's values `(p,) + shape` from blocks of its parents (None for constants)."""
        if self._lift is None:
            return self._first(blocks, p)
        return self._lift(blocks)

    def _first(self, blocks: Blocks, p: int) -> Any:
        """Choose the first way that agrees with the function itself."""
        some = sorted({0, p // 2, p - 1})
        expected = self._slow([None if block is None else block[some] for block in blocks])
        apart = any(block is not None and differ(block[some]) for block in blocks)
        for make, way in self._ways:
            found = attempted(way, blocks)
            if found is not None and np.shape(found)[:1] == (p,) and agrees(found, expected, some, self.node):
                if make not in CONVENTIONS or apart:
                    self._lift = way
                    return found
                # Equal points cannot tell one that mixes them: the next block may.
                return self._slow(blocks)
        self._lift = self._slow
        return self._slow(blocks)


def attempted(way: Lift, blocks: Blocks) -> Any:
    """What a way gives, None where the function does not take blocks."""
    try:
        return way(blocks)
    except (TypeError, ValueError, IndexError, NotImplementedError, np.linalg.LinAlgError):
        return None


def differ(block: np.ndarray) -> bool:
    """Whether no two of these points are the same."""
    return all(not np.array_equal(block[j], block[k]) for k in range(len(block)) for j in range(k)) and len(block) > 1


def agrees(found: Any, expected: np.ndarray, some: Sequence[int], node: Node) -> bool:
    """Whether a block has the node's shape and dtype, and the values expected at some points."""
    if np.shape(found)[1:] != node.shape or found.dtype != expected.dtype:
        return False
    got = found[list(some)]
    if node.dtype.kind not in "fc":
        return bool(np.array_equal(got, expected))
    size = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    return bool(np.allclose(got, expected, rtol=0, atol=64 * np.finfo(node.dtype).eps * size, equal_nan=True))


def point_by_point(node: Node, blocks: Blocks) -> Any:
    """The slow and obvious way."""
    assert node.primitive is not None
    count = next(len(block) for block in blocks if block is not None)
    out = np.empty((count, *node.shape), node.dtype)
    for k in range(count):
        operands = [c if block is None else block[k] for block, c in zip(blocks, node.constants, strict=True)]
        out[k] = node.primitive.evaluate(operands, node.params)
    return out


# The ways, in the order in which they are tried


def elementwise(node: Node, shapes: Sequence[Any], dtypes: Sequence[Any]) -> Lift | None:
    """Functions of elements: axes of length one make operands broadcast as they do at one point."""
    primitive = node.primitive
    assert primitive is not None
    function = primitive.function
    by_rule = primitive.by_element and not any(np.shape(value) for value in node.params.values())
    ufunc = isinstance(function, np.ufunc) and function.signature is None and function.nout == 1
    if not (by_rule or ufunc):
        return None
    ndim = len(node.shape)

    def lift(blocks: Blocks) -> Any:
        operands = [
            c if block is None else padded(block, ndim) for block, c in zip(blocks, node.constants, strict=True)
        ]
        return primitive.evaluate(operands, node.params)

    return lift


def padded(block: Any, ndim: int) -> Any:
    """A block with axes of length one after that of the points, for so many axes in all."""
    missing = ndim + 1 - block.ndim
    return block.reshape(len(block), *(1,) * missing, *block.shape[1:]) if missing else block


def linear(node: Node, shapes: Sequence[Any], dtypes: Sequence[Any]) -> Lift | None:
    """Functions that are their local Jacobian: `f(x) = f(0) + J x`, whatever x is."""
    if not is_linear(node, [dtype for dtype in dtypes if dtype is not None]):
        return None
    still = [
        c if shape is None else np.zeros(shape, dtype)
        for c, shape, dtype in zip(node.constants, shapes, dtypes, strict=True)
    ]
    base, groups = linear_parts(node, still, [k for k, shape in enumerate(shapes) if shape is not None])

    def lift(blocks: Blocks) -> Any:
        total = base if np.any(base) else None
        for ks, fmt in groups:
            moved = fmt.push(blocks[ks[0]] if len(ks) == 1 else joined([blocks[k] for k in ks]))
            total = moved if total is None else np.add(total, moved)
        return as_dtype(total, node.dtype)

    return lift if groups else None


def joined(blocks: Blocks) -> Any:
    """Blocks flattened and side by side."""
    return np.concatenate([block.reshape(len(block), -1) for block in blocks], axis=1)


def product(node: Node, shapes: Sequence[Any], dtypes: Sequence[Any]) -> Lift | None:
    """Products in index notation, with one more label for the points."""
    primitive = node.primitive
    assert primitive is not None
    labels_of = primitive.rule.labels
    if labels_of is None or len(shapes) != 2 or any(dtype is not None and dtype.kind == "c" for dtype in dtypes):
        return None
    every = [np.shape(c) if shape is None else shape for c, shape in zip(node.constants, shapes, strict=True)]
    labels = labels_of(*every, **node.params)
    if any(len(set(own)) < len(own) for own in (*labels.operands, labels.out)):
        return None
    own = [text if shape is None else POINT + text for text, shape in zip(labels.operands, shapes, strict=True)]

    def lift(blocks: Blocks) -> Any:
        a, b = (as_array(c) if block is None else block for block, c in zip(blocks, node.constants, strict=True))
        return contract(a, own[0], b, own[1], POINT + labels.out)

    return lift


def stack(node: Node, shapes: Sequence[Any], dtypes: Sequence[Any]) -> Lift | None:
    """Functions of stacks of matrices."""
    primitive = node.primitive
    assert primitive is not None
    function = primitive.rule.stacks
    if function is None:
        return None

    def lift(blocks: Blocks) -> Any:
        operands = [
            np.asarray(c)[None] if block is None else block for block, c in zip(blocks, node.constants, strict=True)
        ]
        return function(*operands, **node.params)

    return lift


def along_axis(node: Node, shapes: Sequence[Any], dtypes: Sequence[Any]) -> Lift | None:
    """Functions of one array along an axis, or over all of it."""
    primitive = node.primitive
    assert primitive is not None
    others = [c for shape, c in zip(shapes[1:], node.constants[1:], strict=True) if shape is not None or c is not None]
    if primitive.positional or not shapes or shapes[0] is None or others:
        return None
    if "axis" not in primitive.signature.parameters:
        return None
    ndim = len(shapes[0])
    given = node.params.get("axis", primitive.signature.parameters["axis"].default)
    flattens = given is None and node.shape not in ((), (1,) * ndim)
    if ndim == 0 and given is not None:
        return None
    if given is None:
        axis: Any = 1 if flattens or ndim == 0 else tuple(range(1, ndim + 1))
    else:
        places = np.lib.array_utils.normalize_axis_tuple(given, ndim)
        axis = tuple(k + 1 for k in places) if isinstance(given, tuple) else places[0] + 1
    params = {**node.params, "axis": axis}

    def lift(blocks: Blocks) -> Any:
        block = blocks[0].reshape(len(blocks[0]), -1) if flattens or ndim == 0 else blocks[0]
        return np.asarray(primitive.evaluate([block], params))

    def whole(blocks: Blocks) -> Any:
        block = blocks[0].reshape(len(blocks[0]), -1)
        out = primitive.evaluate([block], {**params, "axis": 1})
        return np.asarray(out).reshape(len(block), *node.shape)

    return whole if isinstance(axis, tuple) and given is None and math.prod(shapes[0]) else lift


WAYS = (elementwise, linear, product, stack, along_axis)
# Ways that rest on what functions with such parameters are like, and not on what the rule says of this one.
CONVENTIONS = (stack, along_axis)
