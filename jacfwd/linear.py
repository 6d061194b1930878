"""The derivative at a point as one object: a function of tangents, a LinearOperator, a chain of sparse layers."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator

from jacfwd.accumulate import accumulate, to_csr
from jacfwd.chain import Chain, Layer
from jacfwd.graph import names_of
from jacfwd.memory import require
from jacfwd.pattern import Pattern

__all__ = ["LinearMap", "pushed", "transposed"]


def pushed(chain: Chain, seeds: Any) -> Any:
    """`J v` for each row v of `(p, n)`, complex-linear also where the inputs are real."""
    if np.iscomplexobj(seeds) and chain.real_inputs:
        return chain.push(np.real(seeds)) + 1j * chain.push(np.imag(seeds))
    return chain.push(seeds)


def transposed(chain: Chain, seeds: Any) -> Any:
    """`J^T w` for each row w of `(p, m)`, complex-linear also where the inputs are real."""
    if chain.real_inputs and (np.iscomplexobj(seeds) or chain.complex_outputs):
        return chain.pull(seeds) + 1j * chain.pull(-1j * seeds)
    return chain.pull(seeds)


class LinearMap(LinearOperator):
    """The Jacobian of a function at a point, `J: R^n -> R^m`, without forming it.

    Called with shaped tangents it returns shaped tangents; as a `scipy.sparse.linalg.LinearOperator` of shape
    `(m, n)` it works on flat vectors in the order of the inputs and outputs. `.T` and `.H` are of the same class.
    """

    def __init__(self, chain: Chain, shaped: Callable, transpose: bool = False, conjugate: bool = False) -> None:
        """Wrap a chain; `shaped(transpose)` gives `(flatten, unflatten)` for the tangents on the way in and out."""
        self.chain, self._shaped = chain, shaped
        self._transpose, self._conjugate = transpose, conjugate
        dtype = chain.dtype
        super().__init__(dtype, (chain.n, chain.m) if transpose else (chain.m, chain.n))

    # A function of tangents

    def __call__(self, *tangents: Any) -> Any:
        """Push shaped tangents forward (for `.T`: pull shaped cotangents back)."""
        flatten, unflatten = self._shaped(self._transpose)
        return unflatten(self._rows(flatten(tangents)[None])[0])

    def _rows(self, rows: Any) -> Any:
        """The map applied to each row."""
        rows = np.conjugate(rows) if self._conjugate else rows
        out = transposed(self.chain, rows) if self._transpose else pushed(self.chain, rows)
        return np.conjugate(out) if self._conjugate else out

    # A linear operator

    def _matmat(self, block: np.ndarray) -> np.ndarray:
        return self._rows(np.asarray(block).T).T

    def _matvec(self, vector: np.ndarray) -> np.ndarray:
        return self._rows(np.reshape(vector, (1, -1)))[0]

    def _rmatmat(self, block: np.ndarray) -> np.ndarray:
        return self.H._matmat(block)

    def _rmatvec(self, vector: np.ndarray) -> np.ndarray:
        return self.H._matvec(vector)

    def _turned(self, transpose: bool, conjugate: bool) -> "LinearMap":
        return LinearMap(
            self.chain, self._shaped, self._transpose != transpose, self._conjugate != (conjugate and self._is_complex)
        )

    def _transpose_map(self) -> "LinearMap":
        return self._turned(True, False)

    def _adjoint(self) -> "LinearMap":
        return self._turned(True, True)

    @property
    def T(self) -> "LinearMap":
        """The transposed map: reverse mode."""
        return self._transpose_map()

    @property
    def H(self) -> "LinearMap":
        """The conjugate transposed map."""
        return self._adjoint()

    @property
    def _is_complex(self) -> bool:
        return self.dtype.kind == "c"

    # A matrix

    @functools.cached_property
    def _matrix(self) -> sp.csr_array:
        matrix = to_csr(self.chain, accumulate(self.chain))
        if self._transpose:
            matrix = matrix.T.tocsr()
        return matrix.conj() if self._conjugate else matrix

    def tocsr(self) -> sp.csr_array:
        """The matrix as CSR, structural zeros stored."""
        return self._matrix.copy()

    def tocsc(self) -> sp.csc_array:
        """The matrix as CSC."""
        return self._matrix.tocsc()

    def toarray(self) -> np.ndarray:
        """The matrix `(m, n)` as a dense array."""
        m, n = self.shape
        require(m * n * self.dtype.itemsize, f"a dense Jacobian of shape {self.shape}", "use tocsr() or products J @ v")
        matrix = self._matrix.toarray()
        return matrix if matrix.dtype == self.dtype else matrix.astype(self.dtype)

    @property
    def pattern(self) -> Pattern:
        """The structure of the matrix."""
        return Pattern.from_sparse(self._matrix)

    def block(self, output: int, input: int) -> sp.csr_array:  # noqa: A002  (as NumPy names it)
        """The part of the matrix that belongs to one output and one input, both by position."""
        chain = self.chain
        if not (0 <= output < len(chain.out_sizes) and 0 <= input < len(chain.sizes)):
            raise ValueError(
                f"block ({output}, {input}) of a Jacobian with {len(chain.out_sizes)} outputs and "
                f"{len(chain.sizes)} inputs"
            )
        rows = slice(chain.out_offsets[output], chain.out_offsets[output + 1])
        cols = slice(chain.offsets[input], chain.offsets[input + 1])
        return self._matrix[cols, rows] if self._transpose else self._matrix[rows, cols]

    # A chain of layers

    @functools.cached_property
    def _layers(self) -> list[Layer]:
        return self.chain.layers()

    @property
    def layers(self) -> list[sp.csr_array]:
        """One sparse matrix per level, nearest the input first; `layers[-1] @ ... @ layers[0]` is the Jacobian."""
        matrices = [layer.matrix for layer in self._layers]
        if self._transpose:
            matrices = [matrix.T.tocsr() for matrix in reversed(matrices)]
        return [matrix.conj() for matrix in matrices] if self._conjugate else matrices

    @property
    def states(self) -> list[list[tuple[str, int]]]:
        """What the vectors between the layers hold: lists of `(node name, flat index)`, inputs first."""
        names = names_of(self.chain.graph)
        first = [
            (names[at], i) for at, size in zip(self.chain.wrt, self.chain.sizes, strict=True) for i in range(size)
        ]
        found = [first, *(layer.state for layer in self._layers)]
        return found[::-1] if self._transpose else found

    def __repr__(self) -> str:
        head = f"<{self.shape[0]} x {self.shape[1]} Jacobian, {self.dtype}"
        if self.shape[0] * self.shape[1] == 0 or not self.chain.plain:
            return head + ">"
        return f"{head}, {self._matrix.nnz} entries>\n{self.pattern!r}"


def flat_rows(parts: Sequence[Any]) -> Any:
    """Shaped parts as one flat vector."""
    rows = [np.reshape(part, (-1,)) for part in parts]
    return rows[0] if len(rows) == 1 else np.concatenate(rows) if rows else np.zeros(0)
