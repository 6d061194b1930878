"""Rules of eigenvalues and eigenvectors of general matrices."""

from typing import Any

import numpy as np

from jacfwd.errors import NotDifferentiableError
from jacfwd.formats.base import Format
from jacfwd.formats.dispatch import dispatched, on_arrays
from jacfwd.primitive import Call, Rule, composed, structured
from jacfwd.rules.factorizations import on_matrices
from jacfwd.rules.linalg import adjoint
from jacfwd.rules.spectral import reciprocal_gaps

__all__ = ["RULES"]

EIG = type(np.linalg.eig(np.eye(1)))


@dispatched
def complex_eigenvalues(a: Any, *, alone: bool = True) -> Any:
    """Eigenvalues, complex in any case; rounded as if alone, or as if with the vectors."""
    w = np.linalg.eigvals(a) if alone else np.linalg.eig(a)[0]
    return w.astype(np.result_type(w, np.complex64))


@dispatched
def complex_eigenvectors(a: Any) -> Any:
    """Eigenvectors as columns of length one, of each of which the largest element is real."""
    v = np.linalg.eig(a)[1]
    return v.astype(np.result_type(v, np.complex64))


@dispatched
def inverse_vectors(v: Any) -> Any:
    """The rows that are dual to eigenvectors.

    Raises NotDifferentiableError where these form no basis, as far as rounding can tell.
    """
    if v.size and np.any(np.linalg.cond(v) * np.finfo(v.dtype).eps > 1e-3):
        raise NotDifferentiableError(
            "eigenvalues have no derivative where the matrix has no basis of eigenvectors (a defective matrix): they "
            "move like roots of the change"
        )
    return np.linalg.inv(v)


def inverse_vectors_local(call: Call) -> Format:
    """`-V^-1 dV V^-1`."""
    w = call.out

    def apply(block: Any) -> Any:
        return np.negative(w @ block @ w)

    def back(block: Any) -> Any:
        return np.negative(adjoint(w) @ block @ adjoint(w))

    return on_matrices(call, apply, back, 2)


def eigenvalues_local(call: Call) -> Format:
    """`dw[i] = (V^-1 dA V)[i, i]`, at repeated eigenvalues for the eigenvectors that NumPy returns."""
    v = complex_eigenvectors(call.operands[0])
    dual = inverse_vectors(v)

    def apply(block: Any) -> Any:
        return np.sum(dual * np.swapaxes(block @ v, -1, -2), axis=-1)

    def back(block: Any) -> Any:
        return (adjoint(dual) * block[..., None, :]) @ adjoint(v)

    return on_matrices(call, apply, back, 1)


def eigenvectors_local(call: Call) -> Format:
    """`dV = N(V (F * (V^-1 dA V)))`, F holding the reciprocal gaps, N keeping lengths and phases as LAPACK sets them.

    `N(u) = u - v (Re(v^H u) + i Im(u[k]) / v[k])` for each column, k the place of the largest element of v, which is
    real. M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation",
    2008.
    """
    v = call.out
    dual, gaps = inverse_vectors(v), reciprocal_gaps(complex_eigenvalues(call.operands[0], alone=False))
    place = np.argmax(np.where(np.imag(v) == 0, np.abs(v), 0), axis=-2) if v.size else np.zeros(0, int)
    largest = np.equal(np.arange(v.shape[-1])[:, None], place[..., None, :])
    scale = np.sum(np.where(largest, np.real(v), 0), -2, keepdims=True)

    def apply(block: Any) -> Any:
        u = v @ (gaps * (dual @ block @ v))
        length = np.real(np.sum(np.conjugate(v) * u, axis=-2, keepdims=True))
        turn = np.sum(np.where(largest, np.imag(u), 0), -2, keepdims=True) / scale
        return u - v * (length + 1j * turn)

    def back(block: Any) -> Any:
        along = np.sum(np.conjugate(v) * block, axis=-2, keepdims=True)
        kept = block - v * np.real(along) - np.where(largest, 1j * np.imag(along) / scale, 0)
        return adjoint(dual) @ (np.conjugate(gaps) * (adjoint(v) @ kept)) @ adjoint(v)

    return on_matrices(call, apply, back, 2)


def settled(a: Any, w: Any) -> bool:
    """Whether NumPy answers with real arrays, which it decides by the values."""
    return not np.iscomplexobj(a) and bool(np.all(np.imag(w) == 0)) and ALL_REAL


ALL_REAL = np.isrealobj(np.linalg.eigvals(np.eye(1)))


def eigvals(a: Any) -> Any:
    """The values alone, real if all of them are."""
    w = complex_eigenvalues(a)
    return np.real(w) if settled(a, w) else w


def eig(a: Any) -> Any:
    """Values and vectors, each by itself."""
    w, v = complex_eigenvalues(a, alone=False), complex_eigenvectors(a)
    return EIG(np.real(w), np.real(v)) if settled(a, w) else EIG(w, v)


RULES: dict[Any, Rule] = {
    complex_eigenvalues: structured(eigenvalues_local, stacks=complex_eigenvalues),
    complex_eigenvectors: structured(eigenvectors_local, stacks=complex_eigenvectors),
    inverse_vectors: structured(inverse_vectors_local, stacks=inverse_vectors),
    np.linalg.eigvals: composed(on_arrays(eigvals)),
    np.linalg.eig: composed(on_arrays(eig)),
}
