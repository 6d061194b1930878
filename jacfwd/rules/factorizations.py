"""Rules of factorizations: Cholesky, eigenvalues and eigenvectors, singular values, QR."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import NotDifferentiableError, UnsupportedFunctionError
from jacfwd.formats.base import Format
from jacfwd.formats.blocks import Contraction
from jacfwd.formats.combined import Pair, Sum
from jacfwd.formats.dispatch import dispatched, is_plain, on_arrays
from jacfwd.formats.entries import Entries
from jacfwd.formats.index import IndexMap, c_strides
from jacfwd.formats.labels import core_labels
from jacfwd.formats.operators import Operator, real_linear
from jacfwd.primitive import Call, Rule, composed, structured
from jacfwd.rules.linalg import adjoint, transposed

__all__ = ["RULES"]

EIGH = type(np.linalg.eigh(np.eye(1)))
SVD = type(np.linalg.svd(np.eye(1)))
QR = type(np.linalg.qr(np.eye(1)))

Apply = Callable[[Any], Any]
Support = Callable[[np.ndarray, np.ndarray], np.ndarray]


def on_matrices(call: Call, apply: Apply, back: Apply, out_axes: int, support: Support | None = None) -> Format:
    """A map of stacks of matrices, linear over the reals, and its adjoint under `Re(conj(w) . v)`."""

    def transposed_map(block: Any) -> Any:
        return np.conjugate(back(np.conjugate(block))) if np.iscomplexobj(block) or is_complex else back(block)

    is_complex = np.iscomplexobj(call.operands[0])
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


# QR


@dispatched
def orthogonal_factor(a: Any) -> Any:
    """Q of shape (m, n) for matrices with m >= n."""
    return np.linalg.qr(a)[0]


@dispatched
def triangular_factor(a: Any) -> Any:
    """R of shape (n, n) for matrices with m >= n."""
    return np.linalg.qr(a, "r")


def antisymmetric(block: Any) -> Any:
    """`M - M^T` of the part M below the diagonal."""
    strict = masked(np.tri(block.shape[-1], k=-1, dtype=bool), block)
    return strict - transposed(strict)


def orthogonal_local(call: Call) -> Format:
    """`dQ = Q W + (1 - Q Q^T) dA R^-1`, W antisymmetric with the lower triangle of `Q^T dA R^-1`."""
    q = call.out
    inverse = np.linalg.inv(triangular_factor(call.operands[0]))

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
    inverse, q = np.linalg.inv(r), orthogonal_factor(call.operands[0])

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
    np.linalg.cholesky: structured(cholesky_local).on("a", signature="a, /, *, upper=False"),
    eigenvalues: structured(eigenvalues_local),
    eigenvectors: structured(eigenvectors_local),
    reciprocal_gaps: structured(reciprocal_gaps_local),
    np.linalg.eigvalsh: composed(on_arrays(eigvalsh)),
    np.linalg.eigh: composed(on_arrays(eigh)),
    singular_values: structured(singular_values_local),
    left_vectors: structured(lambda call: singular_vectors_local(call, right=False)),
    right_vectors: structured(lambda call: singular_vectors_local(call, right=True)),
    np.linalg.svd: composed(on_arrays(svd)),
    np.linalg.svdvals: composed(on_arrays(lambda x, /: singular_values(x))),
    orthogonal_factor: structured(orthogonal_local),
    triangular_factor: structured(triangular_local),
    np.linalg.qr: composed(on_arrays(qr)),
}
