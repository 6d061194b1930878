"""What every structured Jacobian can do."""

import abc
import math
from typing import Any

import numpy as np

from jacfwd.pattern import Pattern

__all__ = ["Coo", "Format", "Work"]

Shape = tuple[int, ...]
Coo = tuple[np.ndarray, np.ndarray, Any]
Work = tuple[int, int]


class Format(abc.ABC):
    """A linear map from arrays of `in_shape` to arrays of `out_shape`, as structure and values.

    `push` takes a tangent block `(p,) + in_shape` to `(p,) + out_shape`; `T.push` goes the other way with
    `w . (J v) = (J^T w) . v` (no conjugation). Values may themselves be stand-in arrays of an outer recording.
    """

    in_shape: Shape
    out_shape: Shape

    @abc.abstractmethod
    def push(self, block: Any) -> Any:
        """Apply to a tangent block of the input."""

    @property
    @abc.abstractmethod
    def T(self) -> "Format":
        """The transposed map."""

    @abc.abstractmethod
    def coo(self) -> Coo:
        """Rows, columns (flat, C order) and values of the entries; duplicates stand for their sum."""

    @property
    @abc.abstractmethod
    def nnz(self) -> int:
        """The number of entries that `coo` would list, without listing them."""

    @abc.abstractmethod
    def conj(self) -> "Format":
        """The map with conjugate values."""

    @abc.abstractmethod
    def work(self) -> Work:
        """Multiplications and additions of one product with one tangent."""

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
