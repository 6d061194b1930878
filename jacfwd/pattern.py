"""Patterns: the structure of a sparse matrix, without its values."""

import hashlib
import os
from typing import Any, Self, SupportsIndex

import numpy as np
import numpy.typing as npt
from scipy import sparse

__all__ = ["Pattern", "picture"]

IndexArray = npt.NDArray[np.integer[Any]]

# A Braille character shows 4 x 2 dots; dot (i, j) of a cell is bit BRAILLE_BITS[i, j] of the code point.
BRAILLE_BITS = np.array([[0, 3], [1, 4], [2, 5], [6, 7]])
BRAILLE_BLANK = 0x2800


class Pattern:
    """The set of positions (i, j) at which an m x n matrix may hold something other than zero.

    Kept in canonical compressed-row form: the columns of row i are
    `indices[indptr[i] : indptr[i + 1]]`, strictly increasing. Patterns are immutable, hashable, and
    equal exactly where they hold the same positions in the same shape. `A | B` is the union and
    `A @ B` the pattern of a product, (i, j) being in it where some k has (i, k) in A and (k, j) in B.

    Parameters
    ----------
    indptr : integer array of shape (m + 1,)
    indices : integer array of shape (nnz,)
    shape : (m, n)

    Both arrays are stored read-only, as int32 where that holds m, n and nnz and as int64 elsewhere. They
    are copied unless they are read-only already. `from_coo` and `from_sparse` accept any order.

    Raises
    ------
    ValueError
        If the arrays are not the canonical form of a pattern of this shape.

    >>> Pattern.from_coo([0, 1, 1], [0, 0, 2], (2, 3)).toarray().astype(int)
    array([[1, 0, 0],
           [1, 0, 1]])
    """

    __slots__ = ("_hash", "_indices", "_indptr", "_shape")

    _hash: int | None
    _indices: IndexArray
    _indptr: IndexArray
    _shape: tuple[int, int]

    def __init__(self, indptr: npt.ArrayLike, indices: npt.ArrayLike, shape: tuple[int, int]) -> None:
        self._shape = check_shape(shape)
        pointers, columns = as_integers(indptr, "indptr"), as_integers(indices, "indices")
        check_canonical(pointers, columns, self._shape)
        dtype = index_dtype(self._shape, columns.size)
        self._indptr = frozen(pointers, dtype)
        self._indices = frozen(columns, dtype)
        self._hash = None

    @classmethod
    def from_coo(cls, rows: npt.ArrayLike, cols: npt.ArrayLike, shape: tuple[int, int]) -> Self:
        """The pattern with entries (rows[k], cols[k]), in any order, duplicates merged.

        Raises
        ------
        ValueError
            If `rows` and `cols` differ in length, are not integers or lie outside the shape.
        """
        m, n = check_shape(shape)
        i, j = as_integers(rows, "rows"), as_integers(cols, "cols")
        if i.size != j.size:
            raise ValueError(f"rows and cols must have equal length, got {i.size} and {j.size}")
        check_bounds(i, m, "rows")
        check_bounds(j, n, "cols")
        dtype = index_dtype((m, n), i.size)
        entries = np.ones(i.size, dtype=bool)
        coo = sparse.coo_array((entries, (i.astype(dtype), j.astype(dtype))), shape=(m, n))
        return cls._from_csr(coo.tocsr())

    @classmethod
    def from_sparse(cls, matrix: Any) -> Self:
        """The pattern of a two-dimensional `scipy.sparse` array or matrix of any format.

        Stored zeros are entries, except in DIA format, where SciPy itself cannot tell them from padding.

        Raises
        ------
        TypeError
            If `matrix` is not sparse.
        ValueError
            If it is not two-dimensional.
        """
        if not sparse.issparse(matrix):
            raise TypeError(f"expected a scipy.sparse array, got {type(matrix).__name__}")
        if matrix.ndim != 2:
            raise ValueError(f"expected two dimensions, got shape {matrix.shape}")
        csr = matrix.tocsr()
        # `_from_csr` sorts in place, which must not reach the caller's arrays.
        indices, indptr = csr.indices.copy(), csr.indptr.copy()
        return cls._from_csr(sparse.csr_array((np.ones(indices.size, dtype=bool), indices, indptr), shape=csr.shape))

    @classmethod
    def _from_csr(cls, csr: sparse.csr_array) -> Self:
        """The pattern of a boolean `csr_array` that nobody else holds."""
        csr.sum_duplicates()
        return cls(csr.indptr, csr.indices, csr.shape)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, (m, n)."""
        return self._shape

    @property
    def nnz(self) -> int:
        """Number of entries."""
        return self._indices.size

    @property
    def indptr(self) -> IndexArray:
        """Where each row starts in `indices`; read-only, shape (m + 1,)."""
        return self._indptr

    @property
    def indices(self) -> IndexArray:
        """Column of every entry, row by row; read-only, shape (nnz,)."""
        return self._indices

    @property
    def rows(self) -> IndexArray:
        """Row of every entry, in the order of `indices`; a new array of shape (nnz,)."""
        return np.repeat(np.arange(self._shape[0], dtype=self._indices.dtype), np.diff(self._indptr))

    @property
    def T(self) -> "Pattern":
        """The transposed pattern, of shape (n, m)."""
        return Pattern._from_csr(self.tocsr().T.tocsr())

    def tocsr(self) -> sparse.csr_array:
        """A boolean `csr_array`, true at every entry, that shares the read-only index arrays."""
        entries = np.ones(self.nnz, dtype=bool)
        csr = sparse.csr_array((entries, self._indices, self._indptr), shape=self._shape)
        # Known by construction; otherwise SciPy scans for it at the first product.
        csr.has_sorted_indices = True
        csr.has_canonical_format = True
        return csr

    def toarray(self) -> npt.NDArray[np.bool_]:
        """A dense boolean array of shape (m, n)."""
        dense = np.zeros(self._shape, dtype=bool)
        dense[self.rows, self._indices] = True
        return dense

    def contains(self, other: "Pattern") -> bool:
        """Whether every entry of `other`, a pattern of the same shape, is an entry of this one."""
        return (self | other).nnz == self.nnz

    def __or__(self, other: object) -> "Pattern":
        if not isinstance(other, Pattern):
            return NotImplemented
        if self._shape != other._shape:
            raise ValueError(f"a union needs equal shapes, got {self._shape} and {other._shape}")
        return Pattern._from_csr((self.tocsr() + other.tocsr()).tocsr())

    def __matmul__(self, other: object) -> "Pattern":
        if not isinstance(other, Pattern):
            return NotImplemented
        if self._shape[1] != other._shape[0]:
            raise ValueError(f"a product needs matching inner sizes, got {self._shape} and {other._shape}")
        # Boolean products are "or" over "and": they can neither overflow nor cancel.
        return Pattern._from_csr((self.tocsr() @ other.tocsr()).tocsr())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Pattern):
            return NotImplemented
        return (
            self._shape == other._shape
            and np.array_equal(self._indptr, other._indptr)
            and np.array_equal(self._indices, other._indices)
        )

    def __hash__(self) -> int:
        if self._hash is None:
            digest = hashlib.blake2b(self._indptr.data, digest_size=8)
            digest.update(self._indices.data)
            self._hash = hash((self._shape, digest.digest()))
        return self._hash

    def __reduce__(self) -> tuple[type["Pattern"], tuple[IndexArray, IndexArray, tuple[int, int]]]:
        return type(self), (self._indptr, self._indices, self._shape)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the pattern to `path`, an uncompressed npz file, replacing what is there."""
        with open(path, "wb") as file:  # np.savez given a name would append ".npz" to it
            np.savez(file, indptr=self._indptr, indices=self._indices, shape=np.array(self._shape))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a pattern that `save` has written.

        Raises
        ------
        ValueError
            If the file holds something else.
        """
        with open(path, "rb") as file:
            stored = np.load(file, allow_pickle=False)
            if not isinstance(stored, np.lib.npyio.NpzFile) or set(stored) != {"indptr", "indices", "shape"}:
                raise ValueError(f"{os.fspath(path)} does not hold a Pattern")
            return cls(stored["indptr"], stored["indices"], tuple(stored["shape"].tolist()))

    def _repr_svg_(self) -> str:
        """What notebooks show."""
        from jacfwd.draw.spy import draw_pattern

        return str(draw_pattern(self).svg)

    def __repr__(self) -> str:
        head = f"Pattern(shape={self._shape}, nnz={self.nnz})"
        drawing = picture(self.rows, self._indices, self._shape)
        return f"{head}\n{drawing}" if drawing else head


def picture(rows: npt.ArrayLike, cols: npt.ArrayLike, shape: tuple[int, int], width: int = 40) -> str:
    """A picture in Braille characters of where an m x n matrix has entries.

    A dot stands for one position or, in matrices of more than `2 * width` columns or rows, for a square
    block of positions of which at least one is an entry. At most `width` characters wide (the frame
    aside) and half as many lines high; empty for matrices without rows or columns.

    Parameters
    ----------
    rows, cols : integer arrays of equal shape, the positions of the entries
    shape : (m, n)

    >>> print(picture([0, 1, 2, 3], [0, 1, 2, 3], (4, 4)))
    [⠑⢄]
    """
    m, n = shape
    if m == 0 or n == 0:
        return ""
    i, j = np.asarray(rows, dtype=np.int64).ravel(), np.asarray(cols, dtype=np.int64).ravel()
    side = max(m, n)
    dots = min(side, 2 * width)
    # Both directions share one scale, so that a band keeps its slope.
    lines = (m - 1) * dots // side // 4 + 1
    columns = (n - 1) * dots // side // 2 + 1
    i, j = i * dots // side, j * dots // side
    present = np.zeros((4 * lines, 2 * columns), dtype=bool)
    present[i, j] = True
    cells = present.reshape(lines, 4, columns, 2).transpose(0, 2, 1, 3)
    codes = BRAILLE_BLANK + np.sum(cells << BRAILLE_BITS, axis=(2, 3))
    return framed(["".join(map(chr, line)) for line in codes.tolist()])


def framed(lines: list[str]) -> str:
    """The lines between matrix brackets."""
    if len(lines) == 1:
        return f"[{lines[0]}]"
    left = ["⎡", *"⎢" * (len(lines) - 2), "⎣"]
    right = ["⎤", *"⎥" * (len(lines) - 2), "⎦"]
    return "\n".join(a + line + b for a, line, b in zip(left, lines, right, strict=True))


def index_dtype(shape: tuple[int, int], nnz: int) -> type[np.int32] | type[np.int64]:
    """int32 where it holds every index, pointer and count, otherwise int64."""
    return np.int32 if max(*shape, nnz) <= np.iinfo(np.int32).max else np.int64


def frozen(array: IndexArray, dtype: type[np.integer[Any]]) -> IndexArray:
    """`array` as a contiguous read-only array; itself only if nothing else can write to its memory."""
    ready = array.dtype == dtype and array.flags.c_contiguous and array.flags.owndata
    if not ready or array.flags.writeable:
        array = np.array(array, dtype=dtype, order="C")
        array.flags.writeable = False
    return array


def check_shape(shape: tuple[SupportsIndex, SupportsIndex]) -> tuple[int, int]:
    """The shape as two non-negative Python integers."""
    if len(shape) != 2:
        raise ValueError(f"a pattern has two dimensions, got shape {tuple(shape)}")
    m, n = (size.__index__() for size in shape)
    if m < 0 or n < 0:
        raise ValueError(f"a shape cannot be negative, got {(m, n)}")
    return m, n


def as_integers(values: npt.ArrayLike, name: str) -> IndexArray:
    """`values` as a one-dimensional integer array; an empty one may have any dtype."""
    array = np.asarray(values)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        got = f"{array.dtype} of shape {array.shape}"
        raise ValueError(f"{name} must be a one-dimensional integer array, got {got}")
    return array


def check_bounds(index: IndexArray, size: int, name: str) -> None:
    """Raise ValueError unless every index lies in [0, size)."""
    if index.size and not 0 <= index.min() <= index.max() < size:
        raise ValueError(f"{name} must lie in [0, {size}), got {index.min()} to {index.max()}")


def check_canonical(indptr: IndexArray, indices: IndexArray, shape: tuple[int, int]) -> None:
    """Raise ValueError unless the arrays are canonical compressed rows of a matrix of this shape."""
    m, n = shape
    if indptr.size != m + 1:
        raise ValueError(f"indptr must have {m + 1} elements for shape {shape}, got {indptr.size}")
    if indptr[0] != 0 or indptr[-1] != indices.size or np.any(indptr[1:] < indptr[:-1]):
        raise ValueError(f"indptr must rise from 0 to {indices.size}, the number of indices")
    check_bounds(indices, n, "indices")
    falls = np.flatnonzero(indices[1:] <= indices[:-1]) + 1
    # A fall is allowed only where a new row starts.
    if not np.isin(falls, indptr).all():
        raise ValueError("the indices of each row must be strictly increasing")
