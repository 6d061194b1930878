"""Entries: `out[rows[e]] += weights[e] * x[cols[e]]`, the one format behind most of the table.

`rows is None`: entry e is output e (identity, diagonal, mask, selection, diagonal x selection).
`cols is None`: entry e is input e (segment sums). Neither: COO, and constant scipy.sparse matrices.
"""

import math
from typing import Any

import numpy as np

from jacfwd.formats.base import Coo, Format, Shape, Work
from jacfwd.formats.dispatch import strong_product
from jacfwd.formats.index import IndexMap

__all__ = ["Entries", "coo_entries", "diagonal", "identity", "nothing", "segments", "selection", "weigh"]


class Entries(Format):
    """Weighted entries between flat positions; weights broadcast to the entries' shape, booleans are masks."""

    def __init__(
        self, in_shape: Shape, out_shape: Shape, rows: IndexMap | None, cols: IndexMap | None, weights: Any = 1
    ) -> None:
        self.in_shape, self.out_shape = in_shape, out_shape
        self.rows = None if rows is None or _is_all(rows, out_shape) else rows
        self.cols = None if cols is None or _is_all(cols, in_shape) else cols
        self.weights = weights

    @property
    def shape(self) -> Shape:
        """The shape in which the entries are laid out."""
        if self.cols is not None:
            return self.cols.shape
        return self.in_shape if self.rows is None else self.rows.shape

    @property
    def nnz(self) -> int:
        return math.prod(self.shape)

    @property
    def T(self) -> "Entries":
        return Entries(self.out_shape, self.in_shape, self.cols, self.rows, self.weights)

    def push(self, block: Any) -> Any:
        moved = block if self.cols is None else self.cols.take(block)
        moved = weigh(self.weights, moved)
        return moved if self.rows is None else self.rows.add(moved)

    def coo(self) -> Coo:
        size = self.nnz
        rows = np.arange(size) if self.rows is None else self.rows.flat
        cols = np.arange(size) if self.cols is None else self.cols.flat
        return rows, cols, self.flat_weights()

    def flat_weights(self) -> Any:
        """The weights written out, one per entry."""
        weights = self.weights
        if np.size(weights) == self.nnz and np.ndim(weights) == len(self.shape):
            return np.reshape(weights, (-1,))
        return np.reshape(np.broadcast_to(weights, self.shape), (-1,))

    def conj(self) -> "Entries":
        if not np.iscomplexobj(self.weights):
            return self
        return Entries(self.in_shape, self.out_shape, self.rows, self.cols, np.conjugate(self.weights))

    def scaled(self, weights: Any) -> "Entries":
        """The same entries with other weights."""
        return Entries(self.in_shape, self.out_shape, self.rows, self.cols, weights)

    def work(self) -> Work:
        return (0 if _is_unit(self.weights) else self.nnz), (0 if self.rows is None else self.nnz)

    def same_places(self, other: "Entries") -> bool:
        """Whether the entries stand at the same places in the same order, so that weights may be added."""
        return _same(self.rows, other.rows) and _same(self.cols, other.cols) and self.nnz == other.nnz


def weigh(weights: Any, block: Any) -> Any:
    """Multiply a tangent block by weights: strong zeros, masks, and nothing at all for one."""
    if type(weights) is int:
        if weights == 1:
            return block
        if weights == -1:
            return np.negative(block)
    if getattr(weights, "dtype", None) == np.bool_:
        return np.where(weights, block, np.zeros((), block.dtype))
    return strong_product(weights, block)


def _is_unit(weights: Any) -> bool:
    """Whether weighing costs nothing: one, minus one, masks."""
    if type(weights) is int:
        return abs(weights) == 1
    return getattr(weights, "dtype", None) == np.bool_


def _is_all(index: IndexMap, whole: Shape) -> bool:
    return index.shape == whole and index.is_identity


def _same(a: IndexMap | None, b: IndexMap | None) -> bool:
    if a is None or b is None:
        index = a if b is None else b
        return index is None or index.is_identity
    return a.same(b)


def identity(shape: Shape, scale: Any = 1) -> Entries:
    """Pass-through, negation, scaling: `out = scale * x`."""
    return Entries(shape, shape, None, None, scale)


def nothing(in_shape: Shape, out_shape: Shape) -> Entries:
    """The zero map, which has no entries."""
    none = np.zeros(0, np.intp)
    return coo_entries(in_shape, out_shape, none, none, np.zeros(0))


def diagonal(weights: Any, in_shape: Shape, out_shape: Shape) -> Entries:
    """Elementwise: `out = weights * broadcast(x)`; boolean weights are a mask."""
    cols = None if in_shape == out_shape else IndexMap.broadcast(in_shape, out_shape)
    return Entries(in_shape, out_shape, None, cols, weights)


def selection(index: IndexMap) -> Entries:
    """Data movement: `out[i] = x[index[i]]`."""
    return Entries(index.target, index.shape, None, index)


def segments(index: IndexMap, weights: Any = 1) -> Entries:
    """Segment sum: `out[index[e]] += weights[e] * x[e]`."""
    return Entries(index.shape, index.target, index, None, weights)


def coo_entries(in_shape: Shape, out_shape: Shape, rows: np.ndarray, cols: np.ndarray, weights: Any) -> Entries:
    """Entries from flat rows and columns."""
    return Entries(
        in_shape, out_shape, IndexMap.of_positions(rows, out_shape), IndexMap.of_positions(cols, in_shape), weights
    )
