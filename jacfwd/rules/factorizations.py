"""Rules of the factorizations by Cholesky and QR, and what rules of factorizations share."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import NotDifferentiableError, UnsupportedFunctionError
from jacfwd.formats.base import Format
from jacfwd.formats.dispatch import dispatched, on_arrays
from jacfwd.formats.entries import identity
from jacfwd.formats.operators import Operator, real_linear
from jacfwd.primitive import Call, Rule, composed, structured
from jacfwd.rules.linalg import adjoint, transposed

__all__ = ["RULES", "masked", "on_matrices", "read", "reads", "unread"]

QR = type(np.linalg.qr(np.eye(1)))

Apply = Callable[[Any], Any]
Support = Callable[[np.ndarray, np.ndarray], np.ndarray]


def on_matrices(call: Call, apply: Apply, back: Apply, out_axes: int, support: Support | None = None) -> Format:
    """A map of stacks of matrices, linear over the reals, and its adjoint under `Re(conj(w) . v)`."""

    def transposed_map(block: Any) -> Any:
        return np.conjugate(back(np.conjugate(block))) if np.iscomplexobj(block) or turns else back(block)

    is_complex = np.iscomplexobj(call.operands[0])
    turns = is_complex or np.iscomplexobj(call.out)
    n_in, n_out = len(call.shape(0)), len(call.out_shape)
    mixed = ((n_in - 2, n_in - 1), tuple(range(n_out - out_axes, n_out)))
    fmt = Operator(call.shape(0), call.out_shape, apply, transposed_map, mixed, support)
    return real_linear(fmt) if is_complex else fmt


# Hermitian matrices, of which NumPy reads one triangle


def masked(mask: np.ndarray, block: Any) -> Any:
    """The block where the mask is true, zero elsewhere."""
    return np.where(mask, block, np.zeros((), block.dtype))


def read(block: Any, upper: bool) -> Any:
    """The Hermitian matrices of which one triangle is given."""
    n = block.shape[-1]
    triangle = np.tri(n, k=-1, dtype=bool)
    strict = masked(triangle.T if upper else triangle, block)
    return strict + adjoint(strict) + masked(np.eye(n, dtype=bool), np.real(block))


def unread(block: Any, upper: bool) -> Any:
    """The adjoint of `read`: both triangles' share, in the one that is read."""
    n = block.shape[-1]
    triangle = np.tri(n, k=-1, dtype=bool)
    both = masked(triangle.T if upper else triangle, block + adjoint(block))
    return both + masked(np.eye(n, dtype=bool), np.real(block))


def reads(n: int, upper: bool) -> Support:
    """Only the triangle that is read has a part in anything."""

    def support(i: np.ndarray, o: np.ndarray) -> np.ndarray:
        row, column = np.divmod(i, n)
        return row <= column if upper else row >= column

    return support


def cholesky_local(call: Call) -> Format:
    """`dL = L F(L^-1 dA L^-H)`, F taking the lower triangle and half the diagonal.

    S. P. Smith, "Differentiation of the Cholesky algorithm", Journal of Computational and Graphical
    Statistics 4, 1995.
    """
    upper, n = bool(call.params.get("upper", False)), call.out_shape[-1]
    lower = adjoint(call.out) if upper else call.out
    inverse = np.tril(np.linalg.inv(lower))
    half = np.tri(n) - np.eye(n) / 2

    def apply(block: Any) -> Any:
        out = lower @ (half * (inverse @ read(block, upper) @ adjoint(inverse)))
        return adjoint(out) if upper else out

    def back(block: Any) -> Any:
        inner = half * (adjoint(lower) @ (adjoint(block) if upper else block))
        return unread(adjoint(inverse) @ inner @ inverse, upper)

    def support(i: np.ndarray, o: np.ndarray) -> np.ndarray:
        (row, column), (k, m) = (np.divmod(at, n)[:: -1 if upper else 1] for at in (i, o))
        return (row >= column) & (k >= m) & (row <= k) & (column <= m)

    return on_matrices(call, apply, back, 2, support)


# QR


@dispatched
def orthogonal_factor(a: Any) -> Any:
    """Q of shape (m, n) for matrices with m >= n."""
    return np.linalg.qr(a)[0]


@dispatched
def triangular_factor(a: Any) -> Any:
    """R of shape (n, n) for matrices with m >= n."""
    return np.linalg.qr(a, "r")


@dispatched
def of_full_rank(r: Any) -> Any:
    """R as it is.

    Raises NotDifferentiableError if a diagonal element is zero to rounding: Q is not determined there.
    """
    size = np.abs(np.diagonal(r, axis1=-2, axis2=-1))
    least = r.shape[-1] * np.finfo(r.dtype).eps * np.max(size, axis=-1, keepdims=True, initial=0)
    if np.any(size <= least):
        raise NotDifferentiableError("qr has no derivative where the columns of the matrix depend on each other")
    return r


def antisymmetric(block: Any) -> Any:
    """`M - M^T` of the part M below the diagonal."""
    strict = masked(np.tri(block.shape[-1], k=-1, dtype=bool), block)
    return strict - transposed(strict)


def orthogonal_local(call: Call) -> Format:
    """`dQ = Q W + (1 - Q Q^T) dA R^-1`, W antisymmetric with the lower triangle of `Q^T dA R^-1`."""
    q = call.out
    inverse = np.linalg.inv(of_full_rank(triangular_factor(call.operands[0])))

    def apply(block: Any) -> Any:
        scaled = block @ inverse
        c = transposed(q) @ scaled
        return scaled - q @ (c - antisymmetric(c))

    def back(block: Any) -> Any:
        c = transposed(q) @ block
        lower = masked(np.tri(c.shape[-1], k=-1, dtype=bool), c - transposed(c))
        return (block - q @ (c - lower)) @ transposed(inverse)

    return on_matrices(call, apply, back, 2)


def triangular_local(call: Call) -> Format:
    """`dR = (C - W) R` with `C = Q^T dA R^-1` and W as for Q."""
    r = call.out
    inverse, q = np.linalg.inv(of_full_rank(r)), orthogonal_factor(call.operands[0])

    def apply(block: Any) -> Any:
        c = transposed(q) @ block @ inverse
        return (c - antisymmetric(c)) @ r

    def back(block: Any) -> Any:
        g = block @ transposed(r)
        lower = masked(np.tri(g.shape[-1], k=-1, dtype=bool), g - transposed(g))
        return q @ (g - lower) @ transposed(inverse)

    return on_matrices(call, apply, back, 2)


def qr(a: Any, mode: str = "reduced") -> Any:
    """Q and R, each by itself; the columns beyond the square of a wide matrix go through Q."""
    m, n = np.shape(a)[-2:]
    if np.iscomplexobj(a):
        raise UnsupportedFunctionError("qr: complex matrices have no derivative rule; use np.linalg.cholesky of A^H A")
    if mode not in ("reduced", "r", "complete") or (mode == "complete" and m > n):
        raise UnsupportedFunctionError(f"qr: mode={mode!r} has no derivative rule; write mode='reduced'")
    square = a if m >= n else a[..., :m]
    r = triangular_factor(square)
    if mode == "r" and m >= n:
        return r
    q = orthogonal_factor(square)
    if m < n:
        r = np.concatenate([r, transposed(q) @ a[..., m:]], axis=-1)
    return r if mode == "r" else QR(q, r)


RULES: dict[Any, Rule] = {
    np.linalg.cholesky: structured(cholesky_local, stacks=np.linalg.cholesky).on("a", signature="a, /, *, upper=False"),
    orthogonal_factor: structured(orthogonal_local, stacks=orthogonal_factor),
    triangular_factor: structured(triangular_local, stacks=triangular_factor),
    of_full_rank: structured(lambda call: identity(call.out_shape), stacks=of_full_rank),
    np.linalg.qr: composed(on_arrays(qr)),
}
