"""The derivative at a point as one object: a function of tangents, a LinearOperator, a chain of sparse layers."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator

from jacfwd.accumulate import accumulate, structure, to_csr, to_dense
from jacfwd.chain import Chain
from jacfwd.errors import MemoryBudgetError, NotDifferentiableError
from jacfwd.formats.base import Format
from jacfwd.formats.dispatch import is_tracer
from jacfwd.layers import Layer, inputs_state, layers
from jacfwd.memory import require
from jacfwd.pattern import Pattern
from jacfwd.recording.tracer import plain_value

__all__ = ["LinearMap", "check_holomorphic", "flat_rows", "pushed", "transposed"]

# Elements that are transposed at a time.
TRANSPOSED = 1 << 16
# Given whether the map is transposed: flattens the tangents that go in, shapes those that come out.
Shaped = Callable[[bool], tuple[Callable, Callable]]


def pushed(chain: Chain, seeds: Any) -> Any:
    """`J v` for each row v of `(p, n)`, complex-linear also where inputs are real."""
    if np.iscomplexobj(seeds) and not chain.complex_inputs.all():
        return chain.push(np.real(seeds)) + 1j * chain.push(np.imag(seeds))
    return chain.push(seeds)


def transposed(chain: Chain, seeds: Any) -> Any:
    """`J^T w` for each row w of `(p, m)`, complex-linear also where inputs are real.

    A sweep gives `Re(J^T w)` at real inputs, `J^T w` at complex ones: `w` and `-i w` make up the whole.
    """
    if chain.complex_inputs.all() or not (np.iscomplexobj(seeds) or chain.complex_outputs):
        return chain.pull(seeds)
    both = chain.pull(seeds) + 1j * chain.pull(-1j * seeds)
    return both * np.where(chain.complex_inputs, 0.5, 1.0).astype(chain.dtype)


def check_holomorphic(chain: Chain) -> None:
    """Raise NotDifferentiableError unless `J (i v) = i J v` in one random direction of the complex inputs."""
    inside = chain.complex_inputs
    if not inside.any():
        return
    rng = np.random.default_rng(0)
    v = np.where(inside, rng.standard_normal((1, chain.n)) + 1j * rng.standard_normal((1, chain.n)), 0)
    along, across = plain_value(chain.push(v)), plain_value(chain.push(1j * v))
    scale = np.abs(along).max(initial=0) + np.abs(across).max(initial=0)
    if np.abs(across - 1j * along).max(initial=0) > np.sqrt(np.finfo(along.dtype).eps) * scale:
        raise NotDifferentiableError(
            "the function is not complex differentiable here (it uses abs, conj, real or imag), so no complex "
            "matrix is its derivative; use jvp, or differentiate with respect to real and imaginary parts"
        )


class LinearMap(LinearOperator):
    """The Jacobian of a function at a point, `J: R^n -> R^m`, without forming it.

    Called with shaped tangents it returns shaped tangents; as a `scipy.sparse.linalg.LinearOperator` of shape
    `(m, n)` it works on flat vectors in the order of the inputs and outputs. `.T` and `.H` are of the same class.

    Where inputs are complex and the function is not complex differentiable, it still is a function of tangents,
    `v -> A v + B conj(v)`, but no matrix: then everything flat raises NotDifferentiableError.
    """

    def __init__(self, chain: Chain, shaped: Shaped, turned: bool = False, conjugated: bool = False) -> None:
        """Wrap a chain; `shaped(turned)` gives `(flatten, unflatten)` for the tangents on the way in and out."""
        self.chain, self.shaped, self.turned, self.conjugated = chain, shaped, turned, conjugated
        super().__init__(chain.dtype, (chain.n, chain.m) if turned else (chain.m, chain.n))

    # A function of tangents

    def __call__(self, *tangents: Any) -> Any:
        """Push shaped tangents forward (for `.T`: pull shaped cotangents back)."""
        flatten, unflatten = self.shaped(self.turned)
        return unflatten(self._rows(flatten(tangents)[None])[0])

    def _rows(self, rows: Any) -> Any:
        """The map applied to each row."""
        rows = np.conjugate(rows) if self.conjugated else rows
        out = transposed(self.chain, rows) if self.turned else pushed(self.chain, rows)
        return np.conjugate(out) if self.conjugated else out

    # A linear operator

    @functools.cached_property
    def _checked(self) -> Chain:
        """The chain, known to be complex-linear."""
        check_holomorphic(self.chain)
        return self.chain

    def _flat(self, rows: Any) -> Any:
        """The matrix applied to each row, as new memory."""
        assert self._checked
        out = self._rows(rows)
        return out if is_tracer(out) or not np.may_share_memory(out, rows) else np.array(out)

    def dot(self, x: Any) -> Any:
        """The product with a vector, a matrix or another operator; traced vectors `(n,)` and `(n, k)` too."""
        if not is_tracer(x):
            return super().dot(x)
        if x.ndim not in (1, 2) or x.shape[0] != self.shape[1]:
            raise ValueError(f"expected ({self.shape[1]},) or ({self.shape[1]}, k), got {x.shape}")
        return self._flat(x[None])[0] if x.ndim == 1 else self._flat(x.T).T

    def _matmat(self, block: np.ndarray) -> np.ndarray:
        return self._flat(rows_of(np.asarray(block))).T

    def _matvec(self, vector: np.ndarray) -> np.ndarray:
        return self._flat(np.reshape(vector, (1, -1)))[0]

    def _rmatmat(self, block: np.ndarray) -> np.ndarray:
        return self._adjoint()._matmat(block)

    def _rmatvec(self, vector: np.ndarray) -> np.ndarray:
        return self._adjoint()._matvec(vector)

    # What `.T`, `.transpose()`, `.H` and `.adjoint()` of every LinearOperator call:

    def _transpose(self) -> "LinearMap":
        return LinearMap(self.chain, self.shaped, not self.turned, self.conjugated)

    def _adjoint(self) -> "LinearMap":
        conjugated = self.conjugated != (self.dtype.kind == "c")
        return LinearMap(self.chain, self.shaped, not self.turned, conjugated)

    # A matrix

    @functools.cached_property
    def _parts(self) -> list[Format | None]:
        return accumulate(self.chain)

    @functools.cached_property
    def _matrix(self) -> sp.csr_array:
        matrix = to_csr(self._checked, self._parts)
        if self.turned:
            matrix = matrix.T.tocsr()
        return matrix.conj() if self.conjugated else matrix

    def tocsr(self) -> sp.csr_array:
        """The matrix as CSR, structural zeros stored."""
        return self._matrix.copy()

    def tocsc(self) -> sp.csc_array:
        """The matrix as CSC."""
        return self._matrix.tocsc()

    def toarray(self) -> Any:
        """The matrix `(m, n)` as a dense array; under an outer recording a traced one."""
        m, n = self.shape
        require(m * n * self.dtype.itemsize, f"a dense Jacobian of shape {self.shape}", "use tocsr() or products J @ v")
        matrix = to_dense(self._checked, self._parts)
        matrix = matrix.T if self.turned else matrix
        return np.conjugate(matrix) if self.conjugated else matrix

    @functools.cached_property
    def pattern(self) -> Pattern:
        """The structure of the matrix."""
        found = structure(self.chain, self._parts)
        return found.T if self.turned else found

    def block(self, i: int, o: int) -> sp.csr_array:
        """The part of the matrix that takes input i to output o, both by position."""
        chain = self.chain
        outs, ins = (chain.out_offsets, chain.offsets)
        if self.turned:
            outs, ins = ins, outs
        if not (0 <= o < len(outs) - 1 and 0 <= i < len(ins) - 1):
            raise ValueError(f"block ({i}, {o}) of a Jacobian with {len(ins) - 1} inputs and {len(outs) - 1} outputs")
        return self._matrix[outs[o] : outs[o + 1], ins[i] : ins[i + 1]]

    # A chain of layers

    @functools.cached_property
    def _layers(self) -> list[Layer]:
        return layers(self._checked)

    @property
    def layers(self) -> list[sp.csr_array]:
        """One sparse matrix per level, nearest the input first; `layers[-1] @ ... @ layers[0]` is the Jacobian."""
        matrices = [layer.matrix for layer in self._layers]
        if self.turned:
            matrices = [matrix.T.tocsr() for matrix in reversed(matrices)]
        return [matrix.conj() for matrix in matrices] if self.conjugated else matrices

    @property
    def states(self) -> list[list[tuple[str, int]]]:
        """What the vectors between the layers hold: lists of `(node name, flat index)`, inputs first."""
        found = [inputs_state(self.chain), *(layer.state for layer in self._layers)]
        return found[::-1] if self.turned else found

    def draw_layers(self) -> Any:
        """The layers as pictures in a row, the last one first, and their product, the Jacobian."""
        from jacfwd.draw.spy import draw_layers

        return draw_layers(self.layers, self.states)

    def __repr__(self) -> str:
        head = f"<{self.shape[0]} x {self.shape[1]} Jacobian, {self.dtype}"
        try:
            entries = f"{head}, {self.pattern.nnz} entries>"
        except MemoryBudgetError:
            return f"{head}>"
        return f"{entries}\n{self.pattern!r}" if min(self.shape) else entries


def rows_of(block: np.ndarray) -> np.ndarray:
    """Columns of a matrix as contiguous rows, some at a time, so that each is read from a cache."""
    n, k = block.shape
    if block.T.flags.c_contiguous:
        return block.T
    rows, some = np.empty((k, n), block.dtype), max(1, TRANSPOSED // max(k, 1))
    for start in range(0, n, some):
        rows[:, start : start + some] = block[start : start + some].T
    return rows


def flat_rows(parts: Sequence[Any]) -> Any:
    """Shaped parts as one flat vector."""
    rows = [np.reshape(part, (-1,)) for part in parts]
    return rows[0] if len(rows) == 1 else np.concatenate(rows) if rows else np.zeros(0)
