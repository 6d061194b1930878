"""Entries: `out[rows[e]] += weights[e] * x[cols[e]]`, the one format behind most of the table.

`rows is None`: entry e is output e (identity, diagonal, mask, selection, diagonal x selection).
`cols is None`: entry e is input e (segment sums). Neither: COO, and constant scipy.sparse matrices.
"""

import math
from typing import Any, Literal

import numpy as np

from jacfwd.formats.base import Coo, Format, Shape, Work
from jacfwd.formats.dispatch import is_plain
from jacfwd.formats.fixed import FixedMatrix, fixed_matrix, fixed_product
from jacfwd.formats.index import IndexMap, c_strides
from jacfwd.formats.weights import is_mask, numbers, weigh

__all__ = ["Entries", "coo_entries", "diagonal", "identity", "nothing", "segments", "selection"]

# From so many entries, and for so many tangents, a matrix is worth what it costs to make one.
LEAST, SEVERAL = 64, 4


class Entries(Format):
    """Weighted entries between flat positions; weights broadcast to the entries' shape, masks are boolean.

    `matrix` is the CSR array that they were read off, if there is one.
    """

    def __init__(
        self,
        in_shape: Shape,
        out_shape: Shape,
        rows: IndexMap | None,
        cols: IndexMap | None,
        weights: Any = 1,
        matrix: Any = None,
    ) -> None:
        self.in_shape, self.out_shape = in_shape, out_shape
        self.rows = None if rows is None or _is_all(rows, out_shape) else rows
        self.cols = None if cols is None or _is_all(cols, in_shape) else cols
        self.weights, self.matrix = weights, matrix
        self._fixed: FixedMatrix | Literal[False] | None = None
        self._pushed = False

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
    def elements(self) -> int:
        maps = (m for m in (self.rows, self.cols) if m is not None and m.affine is None)
        return int(np.size(self.weights)) + sum(m.size for m in maps)

    @property
    def T(self) -> "Entries":
        return Entries(self.out_shape, self.in_shape, self.cols, self.rows, self.weights)

    def push(self, block: Any) -> Any:
        fixed = self.fixed(block)
        if fixed is not None:
            moved = fixed_product(np.reshape(block, (-1, self.n_in)), matrix=fixed)
            return np.reshape(moved, (-1, *self.out_shape))
        moved = block if self.cols is None else self.cols.take(block)
        moved = weigh(self.weights, moved)
        return moved if self.rows is None else self.rows.add(moved)

    def fixed(self, block: Any) -> FixedMatrix | None:
        """The entries as one constant matrix, where that gives the same and is faster: not for a single product."""
        if self.rows is None or self.cols is None or not self._may_be_fixed():
            return None
        if block.dtype not in (np.float64, np.complex128):
            return None
        again, self._pushed = self._pushed, True
        if is_plain(block) and not again and len(block) < SEVERAL and self.matrix is None:
            return None
        if self._fixed is None:
            found = None if self.matrix is None else FixedMatrix.of_csr(self.matrix)
            if found is None:
                assert self.rows is not None and self.cols is not None
                weights = numbers(self.flat_weights())
                found = fixed_matrix(self.rows.flat, self.cols.flat, weights, (self.n_out, self.n_in))
            self._fixed = found or False
        return self._fixed or None

    def _may_be_fixed(self) -> bool:
        rows, cols = self.rows, self.cols
        if rows is None or cols is None or rows.size < LEAST or not is_plain(self.weights):
            return False
        return rows.linear is None and cols.linear is None

    def reach(self, block: np.ndarray) -> np.ndarray:
        moved = block if self.cols is None else self.cols.take(block)
        return moved if self.rows is None else self.rows.add(moved.astype(np.float32)) > 0

    def columns(self) -> tuple[Any, np.ndarray]:
        rows, cols, values = self.coo()
        shape = self.n_in, *self.out_shape
        places = cols * self.n_out + rows
        present = np.zeros(math.prod(shape), bool)
        present[places] = True
        values = np.multiply(numbers(values), 1.0)
        block = IndexMap.of_positions(places, present.shape).add(np.reshape(values, (1, -1)))
        return np.reshape(block, shape), present.reshape(shape)

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


def _is_unit(weights: Any) -> bool:
    """Whether weighing costs nothing: one, minus one, masks."""
    if type(weights) is int:
        return abs(weights) == 1
    return is_mask(weights)


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
    """Entries from flat rows and columns; laid out as outputs or inputs are, where they run like these."""
    places, sources = IndexMap.of_positions(rows, out_shape), IndexMap.of_positions(cols, in_shape)
    shape = out_shape if places.is_identity else in_shape if sources.is_identity else rows.shape
    if shape != rows.shape:
        places, sources = (IndexMap(shape, m.target, m.flat, _linear(m, shape)) for m in (places, sources))
        weights = weights if np.ndim(weights) == 0 else np.reshape(weights, shape if np.size(weights) > 1 else ())
    return Entries(in_shape, out_shape, places, sources, weights)


def _linear(index: IndexMap, shape: Shape) -> tuple[int, Shape] | None:
    """A linear map's offset and strides in another shape."""
    if index.linear is None:
        return None
    offset, step = index.linear
    return offset, tuple(step * stride for stride in c_strides(shape))
