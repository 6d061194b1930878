"""What every structured Jacobian can do."""

import math
from typing import Any

import numpy as np

from jacfwd.pattern import Pattern

__all__ = ["Coo", "Format", "Work"]

Shape = tuple[int, ...]
Coo = tuple[np.ndarray, np.ndarray, Any]
Work = tuple[int, int]


class Format:
    """A linear map from arrays of `in_shape` to arrays of `out_shape`, as structure and values.

    `push` takes a tangent block `(p,) + in_shape` to `(p,) + out_shape`; `T.push` goes the other way with
    `w . (J v) = (J^T w) . v` (no conjugation). Values may themselves be stand-in arrays of an outer
    recording.
    """

    in_shape: Shape
    out_shape: Shape

    def push(self, block: Any) -> Any:
        """Apply to a tangent block of the input."""
        raise NotImplementedError

    @property
    def T(self) -> "Format":
        """The transposed map."""
        raise NotImplementedError

    def coo(self) -> Coo:
        """Rows, columns (flat, C order) and values of the entries; duplicates stand for their sum."""
        raise NotImplementedError

    @property
    def nnz(self) -> int:
        """The number of entries that `coo` would list (or a bound, where that takes listing them)."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """The numbers that one product with a tangent handles, which may be far less than its entries."""
        return self.nnz

    @property
    def elements(self) -> int:
        """The numbers that it is made of, which one product reads, whatever the number of tangents."""
        return self.size

    def reach(self, block: np.ndarray) -> np.ndarray:
        """Which outputs depend on something, given which inputs do: `(p,) + in_shape` to `(p,) + out_shape`.

        Both are boolean, always plain, and structural: values are not looked at.
        """
        raise NotImplementedError

    def conj(self) -> "Format":
        """The map with conjugate values."""
        raise NotImplementedError

    def work(self) -> Work:
        """Multiplications and additions of one product with one tangent."""
        raise NotImplementedError

    def columns(self) -> tuple[Any, np.ndarray]:
        """All columns, `(n_in,) + out_shape`: the tangents of unit seeds, and where they have entries."""
        eye = np.eye(self.n_in, dtype=bool).reshape(self.n_in, *self.in_shape)
        return self.push(eye.astype(float)), self.reach(eye)

    def pull(self, block: Any) -> Any:
        """Apply the transpose to a cotangent block `(p,) + out_shape`."""
        return self.T.push(block)

    @property
    def n_in(self) -> int:
        """Number of input elements, the columns."""
        return math.prod(self.in_shape)

    @property
    def n_out(self) -> int:
        """Number of output elements, the rows."""
        return math.prod(self.out_shape)

    def pattern(self) -> Pattern:
        """The structure, without values."""
        rows, cols, _ = self.coo()
        return Pattern.from_coo(rows, cols, (self.n_out, self.n_in))

    def todense(self) -> Any:
        """The matrix `(n_out, n_in)` as an array; for looking and for tests."""
        eye = np.eye(self.n_in).reshape(self.n_in, *self.in_shape)
        return np.reshape(self.push(eye), (self.n_in, self.n_out)).T

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.in_shape} -> {self.out_shape}, {self.nnz} entries>"
