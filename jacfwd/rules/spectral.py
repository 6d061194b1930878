"""Rules of eigenvalues and singular values, and of their vectors."""

from typing import Any

import numpy as np

from jacfwd.errors import NotDifferentiableError, UnsupportedFunctionError
from jacfwd.formats.base import Format
from jacfwd.formats.blocks import Contraction
from jacfwd.formats.combined import Pair, Sum
from jacfwd.formats.dispatch import dispatched, is_plain, on_arrays
from jacfwd.formats.entries import Entries, identity
from jacfwd.formats.index import IndexMap, c_strides
from jacfwd.formats.labels import core_labels
from jacfwd.primitive import Call, Rule, composed, structured
from jacfwd.rules.factorizations import masked, on_matrices, read, reads, unread
from jacfwd.rules.linalg import adjoint

__all__ = ["RULES"]

EIGH = type(np.linalg.eigh(np.eye(1)))
SVD = type(np.linalg.svd(np.eye(1)))

# Eigenvalues of Hermitian matrices


@dispatched
def eigenvalues(a: Any, *, upper: bool, alone: bool = True) -> Any:
    """Eigenvalues of Hermitian matrices, ascending; rounded as if alone, or as if with the vectors."""
    uplo: Any = "U" if upper else "L"
    return np.linalg.eigvalsh(a, uplo) if alone else np.linalg.eigh(a, uplo)[0]


@dispatched
def eigenvectors(a: Any, *, upper: bool) -> Any:
    """Eigenvectors of Hermitian matrices, as columns."""
    return np.linalg.eigh(a, "U" if upper else "L")[1]


@dispatched
def reciprocal_gaps(w: Any) -> Any:
    """`1 / (w[j] - w[i])` at (i, j), zero on the diagonal.

    Raises
    ------
    NotDifferentiableError
        If two values are equal to rounding.
    """
    n = w.shape[-1]
    gaps = w[..., None, :] - w[..., :, None]
    least = np.abs(gaps) + np.where(np.eye(n, dtype=bool), np.inf, 0)
    size = np.max(np.abs(w), axis=-1, initial=0)[..., None, None]
    if np.any(least <= n * np.finfo(w.dtype).eps * size):
        raise NotDifferentiableError(
            "eigenvectors and singular vectors have no derivative where two eigenvalues or singular values "
            "are equal; the values have one: np.linalg.eigvalsh(a), np.linalg.svd(a, compute_uv=False)"
        )
    return np.where(np.eye(n, dtype=bool), 0, 1 / np.where(gaps == 0, 1, gaps))


def reciprocal_gaps_local(call: Call) -> Format:
    """`-out^2 (dw[j] - dw[i])`."""
    shape, steps = call.out_shape, c_strides(call.shape(0))
    square = call.out * call.out
    column, row = (IndexMap(shape, call.shape(0), affine=(0, (*steps[:-1], *along))) for along in ((0, 1), (1, 0)))
    return Sum(
        [
            Entries(call.shape(0), shape, None, column, np.negative(square)),
            Entries(call.shape(0), shape, None, row, square),
        ]
    )


def eigenvalues_local(call: Call) -> Format:
    """`dw[i] = v_i^H dA v_i`, at repeated eigenvalues for the eigenvectors that NumPy returns."""
    upper = call.params["upper"]
    v = eigenvectors(call.operands[0], upper=upper)

    def apply(block: Any) -> Any:
        return np.real(np.sum(np.conjugate(v) * (read(block, upper) @ v), axis=-2))

    def back(block: Any) -> Any:
        return unread((v * np.real(block)[..., None, :]) @ adjoint(v), upper)

    return on_matrices(call, apply, back, 1, reads(v.shape[-1], upper))


def eigenvectors_local(call: Call) -> Format:
    """`dV = V (F * (V^H dA V))`, F holding the reciprocal gaps of the eigenvalues.

    Complex vectors are held to the phases in which they change least; what this module makes of them does not
    depend on phases.
    """
    upper, v = call.params["upper"], call.out
    gaps = reciprocal_gaps(eigenvalues(call.operands[0], upper=upper, alone=False))

    def apply(block: Any) -> Any:
        return v @ (gaps * (adjoint(v) @ read(block, upper) @ v))

    def back(block: Any) -> Any:
        return unread(v @ (gaps * (adjoint(v) @ block)) @ adjoint(v), upper)

    return on_matrices(call, apply, back, 2, reads(v.shape[-1], upper))


def is_upper(uplo: str) -> bool:
    """Which triangle `UPLO` names."""
    if uplo.upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    return uplo.upper() == "U"


def only_real(name: str, a: Any) -> None:
    """Refuse vectors of complex matrices, of which each may be turned in its plane."""
    if np.iscomplexobj(a):
        raise UnsupportedFunctionError(
            f"{name}: the matrix does not determine the phases of its complex vectors, so they have "
            "no derivative; the values have one: np.linalg.eigvalsh(a), np.linalg.svd(a, compute_uv=False)"
        )


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """The values alone."""
    return eigenvalues(a, upper=is_upper(UPLO))


def eigh(a: Any, UPLO: str = "L") -> Any:
    """Values and vectors, each by itself."""
    only_real("eigh", a)
    upper = is_upper(UPLO)
    return EIGH(eigenvalues(a, upper=upper, alone=False), eigenvectors(a, upper=upper))


# Singular values


@dispatched
def singular_values(a: Any, *, alone: bool = True) -> Any:
    """Singular values, descending; rounded as if alone, or as if with the vectors."""
    return np.linalg.svd(a, compute_uv=False) if alone else np.linalg.svd(a, full_matrices=False)[1]


def triplets(a: Any) -> tuple[Any, Any, Any]:
    """Left vectors, values and right vectors at once, of traced matrices each by itself."""
    if is_plain(a):
        return np.linalg.svd(a, full_matrices=False)
    return left_vectors(a), singular_values(a, alone=False), right_vectors(a)


def singular_values_local(call: Call) -> Format:
    """`ds[i] = Re(u_i^H dA v_i)`, zero where a singular value is."""
    a, s = call.operands[0], call.out
    u, _, vh = triplets(a)
    least = np.max(s, axis=-1, keepdims=True, initial=0) * np.finfo(s.dtype).eps * max(np.shape(a)[-2:])
    left = np.where((s > least)[..., None, :], np.conjugate(u), 0)
    right = np.conjugate(vh)
    labels = core_labels(("jk", "ji", "ik"), "i", (np.shape(a), np.shape(left), np.shape(right)))
    x, of_left, of_right = labels.operands

    def half(left: Any, right: Any) -> Format:
        return Contraction(x, [(left, of_left), (right, of_right)], labels.out, labels.sizes)

    if not np.iscomplexobj(a):
        return half(left, right)
    return Pair(half(left / 2, right), half(np.conjugate(left) / 2, np.conjugate(right)))


@dispatched
def left_vectors(a: Any) -> Any:
    """Left singular vectors, as columns."""
    return np.linalg.svd(a, full_matrices=False)[0]


@dispatched
def right_vectors(a: Any) -> Any:
    """Right singular vectors, as rows."""
    return np.linalg.svd(a, full_matrices=False)[2]


@dispatched
def nonzero(s: Any) -> Any:
    """Singular values as they are.

    Raises NotDifferentiableError if one is zero to rounding: then a tall matrix does not determine its left vectors,
    nor a wide one its right ones.
    """
    if np.any(s <= s.shape[-1] * np.finfo(s.dtype).eps * np.max(s, axis=-1, keepdims=True, initial=0)):
        raise NotDifferentiableError(
            "singular vectors have no derivative where a singular value of a matrix that is not square is zero; the "
            "values have one: np.linalg.svd(a, compute_uv=False)"
        )
    return s


def singular_vectors_local(call: Call, right: bool) -> Format:
    """`dU = U (F * (P S + S P^H)) + (1 - U U^H) dA V / S` with `P = U^H dA V` and F from the gaps of `S^2`.

    J. Townsend, "Differentiating the singular value decomposition", technical report, 2016. The right vectors
    are the left ones of the adjoint matrix. Complex vectors come in pairs, of which the left one turns.
    """
    u, s, vh = triplets(call.operands[0])
    if right:
        u, vh = adjoint(vh), adjoint(u)
    v, gaps = adjoint(vh), reciprocal_gaps(s * s)
    m, k = u.shape[-2:]
    s = nonzero(s) if m > k else s
    row = s[..., None, :]
    turns = np.iscomplexobj(u) and not right

    def turn(block: Any) -> Any:
        return adjoint(block) if right else block

    def phases(p: Any) -> Any:
        return masked(np.eye(k, dtype=bool), 1j * np.imag(p) / row)

    def apply(block: Any) -> Any:
        block = turn(block)
        p = adjoint(u) @ block @ v
        inner = gaps * (p * row + adjoint(p * row))
        out = u @ (inner + phases(p) if turns else inner)
        if m > k:
            out = out + (block @ v - u @ p) / row
        return turn(out)

    def back(block: Any) -> Any:
        block = turn(block)
        inner = adjoint(u) @ block
        q = gaps * inner
        p = (q + adjoint(q)) * row
        out = u @ (p + phases(inner) if turns else p)
        if m > k:
            out = out + (block - u @ inner) / row
        return turn(out @ vh)

    return on_matrices(call, apply, back, 2)


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """Values and vectors, each by itself."""
    if hermitian:
        raise UnsupportedFunctionError("svd: hermitian=True reads one triangle only; leave it away or use eigh")
    if not compute_uv:
        return singular_values(a)
    only_real("svd", a)
    m, n = np.shape(a)[-2:]
    if full_matrices and m != n:
        raise UnsupportedFunctionError(
            "svd: the vectors that complete a basis are not determined by the matrix; write full_matrices=False"
        )
    return SVD(left_vectors(a), singular_values(a, alone=False), right_vectors(a))


RULES: dict[Any, Rule] = {
    eigenvalues: structured(eigenvalues_local, stacks=eigenvalues),
    eigenvectors: structured(eigenvectors_local, stacks=eigenvectors),
    reciprocal_gaps: structured(reciprocal_gaps_local, stacks=reciprocal_gaps),
    np.linalg.eigvalsh: composed(on_arrays(eigvalsh)),
    np.linalg.eigh: composed(on_arrays(eigh)),
    nonzero: structured(lambda call: identity(call.out_shape), stacks=nonzero),
    singular_values: structured(singular_values_local, stacks=singular_values),
    left_vectors: structured(lambda call: singular_vectors_local(call, right=False), stacks=left_vectors),
    right_vectors: structured(lambda call: singular_vectors_local(call, right=True), stacks=right_vectors),
    np.linalg.svd: composed(on_arrays(svd)),
    np.linalg.svdvals: composed(on_arrays(lambda x, /: singular_values(x))),
}
