"""Rules of linear algebra: inverses, solutions, determinants; stacks of matrices throughout."""

import operator
from typing import Any

import numpy as np

from jacfwd.errors import NotDifferentiableError, UnsupportedFunctionError
from jacfwd.formats.base import Format, Shape
from jacfwd.formats.blocks import Contraction
from jacfwd.formats.combined import Pair, Product, Sum
from jacfwd.formats.dispatch import dispatched, on_arrays
from jacfwd.formats.entries import segments, selection
from jacfwd.formats.index import IndexMap
from jacfwd.formats.labels import core_labels
from jacfwd.formats.operators import Operator
from jacfwd.primitive import Call, Rule, composed, constant, moves, reduced, structured

__all__ = ["RULES"]

HELD = "the derivative holds the rank fixed, which a cut-off of one's own may change; leave it at its default"
SLOGDET = type(np.linalg.slogdet(np.eye(1)))


def transposed(a: Any) -> Any:
    """The matrices of a stack transposed."""
    return np.swapaxes(a, -1, -2)


def adjoint(a: Any) -> Any:
    """The matrices of a stack transposed and conjugate."""
    return np.conjugate(transposed(a)) if np.iscomplexobj(a) else transposed(a)


def around(left: Any, right: Any, flip: bool = False) -> Contraction:
    """`dX -> left dX right`, or `left dX^T right`; the Kronecker product of left and right is not formed."""
    (*stack, _, n), (k, _) = np.shape(left), np.shape(right)[-2:]
    labels = core_labels(("ij", "jk", "kl"), "il", (np.shape(left), (*stack, n, k), np.shape(right)))
    first, x, last = labels.operands
    if flip:
        x = x[:-2] + x[-1] + x[-2]
    return Contraction(x, [(left, first), (right, last)], labels.out, labels.sizes)


# Inverses and solutions


def inv_local(call: Call) -> Format:
    """`-A^-1 dA A^-1`."""
    return around(np.negative(call.out), call.out)


def pinv_local(call: Call) -> Format:
    """`-P dA P + P P^H dA^H (1 - A P) + (1 - P A) dA^H P^H P`, the rank being constant.

    G. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems
    whose variables separate", SIAM Journal on Numerical Analysis 10, 1973.
    """
    a, p = call.operands[0], call.out
    m, n = np.shape(a)[-2:]
    h = adjoint(p)
    plain = around(np.negative(p), p)
    flipped: list[Format] = [
        around(p @ h, np.eye(m) - a @ p, flip=True),
        around(np.eye(n) - p @ a, h @ p, flip=True),
    ]
    return Pair(plain, Sum(flipped)) if np.iscomplexobj(a) else Sum([plain, *flipped])


def solver(a: Any, shape: Shape, vectors: bool) -> Operator:
    """`A^-1` on stacks of matrices, or of vectors, of `shape`: one factorization for all tangents."""
    axis = len(shape) - (1 if vectors else 2)
    stack, n, columns = shape[:axis], shape[axis], 1 if vectors else shape[-1]

    def through(matrices: Any) -> Any:
        def apply(block: Any) -> Any:
            p = block.shape[0]
            beside = np.moveaxis(np.reshape(block, (p, *stack, n, columns)), 0, -2)
            out = np.linalg.solve(matrices, np.reshape(beside, (*stack, n, p * columns)))
            return np.reshape(np.moveaxis(np.reshape(out, (*stack, n, p, columns)), -2, 0), (p, *shape))

        return apply

    return Operator(shape, shape, through(a), through(transposed(a)), ((axis,), (axis,)))


def solve_local_a(call: Call) -> Format:
    """`-A^-1 dA X`."""
    vectors = len(call.shape(1)) == 1
    cores, out = (("ij", "j"), "i") if vectors else (("ij", "jk"), "ik")
    labels = core_labels(cores, out, (call.shape(0), call.out_shape))
    x, factor = labels.operands
    inner = Contraction(x, [(np.negative(call.out), factor)], labels.out, labels.sizes)
    return Product([inner, solver(call.operands[0], call.out_shape, vectors)])


def solve_local_b(call: Call) -> Format:
    """`A^-1 db`, b being repeated for a stack of matrices."""
    solve = solver(call.operands[0], call.out_shape, len(call.shape(1)) == 1)
    if call.shape(1) == call.out_shape:
        return solve
    return Product([selection(IndexMap.broadcast(call.shape(1), call.out_shape)), solve])


def solve_stacks(a: Any, b: Any) -> Any:
    """`np.linalg.solve` on operands with a leading axis in common; what is then two-dimensional was a vector."""
    vectors = b.ndim == 2
    b = b[..., None] if vectors else b
    rank = max(a.ndim, b.ndim)
    a, b = (np.reshape(x, (x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:])) for x in (a, b))
    out = np.linalg.solve(a, b)
    return out[..., 0] if vectors else out


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """`np.linalg.tensorsolve`: a as a square matrix."""
    if axes is not None:
        kept = [k for k in range(np.ndim(a)) if k not in axes]
        a = np.transpose(a, (*kept, *axes))
    shape = np.shape(a)[np.ndim(b) :]
    n = np.size(b)
    return np.reshape(np.linalg.solve(np.reshape(a, (n, -1)), np.reshape(b, (n,))), shape)


def tensorinv(a: Any, ind: int = 2) -> Any:
    """`np.linalg.tensorinv`: a as a square matrix."""
    shape = np.shape(a)
    flat = np.reshape(a, (np.prod(shape[ind:], dtype=int), -1))
    return np.reshape(np.linalg.inv(flat), shape[ind:] + shape[:ind])


def matrix_power(a: Any, n: int) -> Any:
    """Repeated squaring."""
    n = operator.index(n)
    if n == 0:
        return np.broadcast_to(np.eye(np.shape(a)[-1], dtype=a.dtype), np.shape(a)).copy()
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 3:  # as NumPy multiplies it
        return np.matmul(np.matmul(a, a), a)
    out = square = None
    while n > 0:
        square = a if square is None else np.matmul(square, square)
        n, bit = divmod(n, 2)
        if bit:
            out = square if out is None else np.matmul(out, square)
    return out


def inverse_at(function: str, a: Any) -> Any:
    """The inverse, which a function's derivative needs.

    Raises NotDifferentiableError where there is none.
    """
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError as error:
        raise NotDifferentiableError(f"{function} has no derivative at a singular matrix") from error


def cond(x: Any, p: Any = None) -> Any:
    """The condition number of a matrix, infinite where `0 / 0` stands for it."""
    if p is None or p in (2, -2):
        s = np.linalg.svd(x, compute_uv=False)
        found = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    else:
        found = np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(inverse_at("cond", x), p, axis=(-2, -1))
    return np.where(np.isnan(found) & ~np.any(np.isnan(x), axis=(-2, -1)), np.inf, found)[()]


# Least squares


@dispatched
def best_solution(a: Any, b: Any) -> Any:
    """The x that minimizes `|A x - b|`, A of full rank."""
    return np.linalg.lstsq(a, b)[0]


def best_local_a(call: Call) -> Format:
    """`-P dA x + P P^H dA^H (b - A x) + (1 - P A) dA^H P^H x`, P the pseudo-inverse: as for `pinv`."""
    a, b = call.operands
    x = call.out if len(call.out_shape) == 2 else np.reshape(call.out, (-1, 1))
    p, b = np.linalg.pinv(a), np.reshape(b, (np.shape(a)[0], -1))
    flat = IndexMap.identity(call.out_shape, (np.shape(a)[1], np.shape(b)[1]))
    plain = around(np.negative(p), x)
    flipped: list[Format] = [
        around(p @ adjoint(p), b - a @ x, flip=True),
        around(np.eye(np.shape(a)[1]) - p @ a, adjoint(p) @ x, flip=True),
    ]
    whole = Pair(plain, Sum(flipped)) if np.iscomplexobj(a) else Sum([plain, *flipped])
    return whole if len(call.out_shape) == 2 else Product([whole, selection(flat)])


def best_local_b(call: Call) -> Format:
    """`P db`."""
    a, b = call.operands
    labels = core_labels(("ij", "jk") if np.ndim(b) == 2 else ("ij", "j"), "ik" if np.ndim(b) == 2 else "i",
                         ((np.shape(a)[1], np.shape(a)[0]), np.shape(b)))  # fmt: skip
    return Contraction(labels.operands[1], [(np.linalg.pinv(a), labels.operands[0])], labels.out, labels.sizes)


def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """Solution, residuals, rank and singular values."""
    m, n = np.shape(a)
    s = np.linalg.svd(a, compute_uv=False)
    cut = np.finfo(s.dtype).eps * max(m, n) if rcond is None else max(rcond, 0)
    rank = np.sum(s > cut * s[0], dtype=np.intc)
    if int(rank) < min(m, n):
        raise UnsupportedFunctionError(
            f"lstsq: the derivative needs full rank, this {m} x {n} matrix has rank {int(rank)}; "
            "write np.linalg.pinv(a) @ b, whose derivative holds the rank fixed"
        )
    x = best_solution(a, b)
    gap = np.reshape(b - a @ x, (m, -1))
    squares = np.sum(np.real(gap) ** 2 + np.imag(gap) ** 2 if np.iscomplexobj(gap) else gap**2, axis=0)
    return x, squares if m > n else squares[:0], rank, s


# Determinants


def sum_with(weights: Any, call: Call) -> Format:
    """`sum weights dA` over the matrices of a stack."""
    return segments(reduced(call.shape(0), (-2, -1), call.out_shape).map, weights)


@dispatched
def cofactors(a: Any) -> Any:
    """`det(A) A^-T`, by singular values where A is close to singular: exact there too."""
    with np.errstate(all="ignore"):
        try:
            inverse = np.linalg.inv(a)
        except np.linalg.LinAlgError:
            return _cofactors_by_svd(a)
        spread = np.linalg.norm(a, axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
        if not np.all(spread * np.sqrt(np.finfo(inverse.dtype).eps) < 1):
            return _cofactors_by_svd(a)
        return np.linalg.det(a)[..., None, None] * transposed(inverse)


def _cofactors_by_svd(a: np.ndarray) -> np.ndarray:
    """`det(U) det(V^H) conj(U) G conj(V^H)`, G holding the products of all singular values but one."""
    try:
        u, s, vh = np.linalg.svd(a)
    except np.linalg.LinAlgError:  # of nan and inf there are no singular values
        return np.full(a.shape, np.nan, a.dtype)
    ones = np.ones((*s.shape[:-1], 1), s.dtype)
    before = np.cumprod(np.concatenate([ones, s[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([ones, s[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return (sign[..., None, None] * np.conjugate(u) * (before * after)[..., None, :]) @ np.conjugate(vh)


def det_weights(a: Any) -> Any:
    """The matrix of cofactors; of small matrices written out, so that it can be differentiated anywhere."""
    n = np.shape(a)[-1]
    if n < 2:
        return 1
    if n == 2:
        rows = [[a[..., 1, 1], -a[..., 1, 0]], [-a[..., 0, 1], a[..., 0, 0]]]
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    if n == 3:
        x, y, z = (a[..., k, :] for k in range(3))
        return np.stack([np.cross(y, z), np.cross(z, x), np.cross(x, y)], axis=-2)
    return cofactors(a)


@dispatched
def log_abs_det(a: Any) -> Any:
    """The logarithm of the absolute value of the determinant."""
    return np.linalg.slogdet(a)[1]


def log_abs_det_local(call: Call) -> Format:
    """The real part of `tr(A^-1 dA)`."""
    a = call.operands[0]
    weights = transposed(inverse_at("slogdet", a))
    if not np.iscomplexobj(a):
        return sum_with(weights, call)
    return Pair(sum_with(weights / 2, call), sum_with(np.conjugate(weights) / 2, call))


@dispatched
def det_sign(a: Any) -> Any:
    """The determinant divided by its absolute value."""
    return np.linalg.slogdet(a)[0]


def det_sign_local(call: Call) -> Format | None:
    """Zero for real matrices; else the sign turns with the imaginary part of `tr(A^-1 dA)`."""
    a = call.operands[0]
    if not np.iscomplexobj(a):
        return None
    inverse = transposed(inverse_at("slogdet", a))
    weights = call.out[..., None, None] * inverse / 2
    other = call.out[..., None, None] * np.conjugate(inverse) / -2
    return Pair(sum_with(weights, call), sum_with(other, call))


RULES: dict[Any, Rule] = {
    np.linalg.inv: structured(inv_local, stacks=np.linalg.inv).on("a"),
    np.linalg.pinv: structured(pinv_local, stacks=np.linalg.pinv).on(
        "a", rcond=HELD, rtol=HELD, hermitian="hermitian=True reads one triangle only; leave it away"
    ),
    np.linalg.solve: structured(solve_local_a, solve_local_b, stacks=solve_stacks).on("a", "b"),
    np.linalg.tensorsolve: composed(on_arrays(tensorsolve, 2)),
    np.linalg.tensorinv: composed(on_arrays(tensorinv)),
    np.linalg.matrix_power: composed(on_arrays(matrix_power)),
    np.linalg.cond: composed(on_arrays(cond)),
    best_solution: structured(best_local_a, best_local_b),
    np.linalg.lstsq: composed(on_arrays(lstsq, 2)),
    cofactors: composed(lambda a: np.linalg.det(a)[..., None, None] * transposed(inverse_at("the gradient of det", a))),
    np.linalg.det: structured(lambda call: sum_with(det_weights(call.operands[0]), call), stacks=np.linalg.det).on("a"),
    log_abs_det: structured(log_abs_det_local, stacks=log_abs_det),
    det_sign: structured(det_sign_local, stacks=det_sign),
    np.linalg.slogdet: composed(on_arrays(lambda a: SLOGDET(det_sign(a), log_abs_det(a)))),
    np.linalg.matrix_rank: constant().on("A"),
    np.linalg.diagonal: moves().on("x"),
    np.linalg.matrix_transpose: moves().on("x"),
}
