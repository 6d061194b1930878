"""Rules of scipy.linalg: solutions of linear systems, factorizations, eigenvalues, written with those of NumPy.

What SciPy reads of a matrix depends on what it was told of its structure: only that has a derivative.
"""

from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.base import Format
from jacfwd.formats.combined import Product
from jacfwd.formats.dispatch import as_array, dispatched, on_arrays
from jacfwd.formats.entries import coo_entries
from jacfwd.formats.operators import Operator
from jacfwd.primitive import Call, Rule, composed, constant, structured
from jacfwd.rules.factorizations import cholesky_local, on_matrices, read
from jacfwd.rules.lazy import Lazy
from jacfwd.rules.linalg import HELD, adjoint, best_solution, pinv_local, transposed
from jacfwd.rules.sparse import columns

__all__ = ["RULES"]

linalg = Lazy("scipy.linalg")

HERMITIAN = ("her", "hermitian", "pos", "positive definite")
SYMMETRIC = ("sym", "symmetric")
WHOLE = (None, "gen", "general", "banded")


def assumed(a: Any, assume_a: str | None, lower: bool) -> Any:
    """The matrix that SciPy takes `a` for, of which it reads a part only."""
    n = np.shape(a)[-1]
    if assume_a in WHOLE:
        return a
    if assume_a in HERMITIAN or (assume_a in SYMMETRIC and not np.iscomplexobj(a)):
        return read(a, upper=not lower)
    if assume_a in SYMMETRIC:
        half = np.tril(a) if lower else np.triu(a)
        return half + transposed(half) - half * np.eye(n)
    if assume_a == "diagonal":
        return a * np.eye(n)
    if assume_a == "tridiagonal":
        return np.tril(np.triu(a, -1), 1)
    if assume_a in ("lower triangular", "upper triangular"):
        return np.tril(a) if assume_a[0] == "l" else np.triu(a)
    raise ValueError(f"{assume_a} is not a recognized matrix structure")


def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: str | None = None,
    transposed: bool = False,
) -> Any:
    """`scipy.linalg.solve`."""
    matrix = assumed(a, assume_a, lower)
    if transposed and np.iscomplexobj(matrix) and assume_a not in (*WHOLE, *SYMMETRIC, "diagonal", "tridiagonal"):
        raise UnsupportedFunctionError(f"solve: transposed=True with assume_a={assume_a!r} of complex matrices")
    return np.linalg.solve(np.swapaxes(matrix, -1, -2) if transposed else matrix, b)


def inv(
    a: Any, overwrite_a: bool = False, check_finite: bool = True, *, assume_a: str | None = None, lower: bool = False
) -> Any:
    """`scipy.linalg.inv`."""
    return np.linalg.inv(assumed(a, assume_a, lower))


# Triangular systems


def turned(a: Any, trans: Any) -> Any:
    """The matrix, its transpose or its adjoint, for `trans` 0, 1, 2 or N, T, C."""
    if trans not in (0, 1, 2, "N", "T", "C"):
        raise ValueError(f"trans must be 0, 1, 2, 'N', 'T' or 'C', got {trans!r}")
    return a if trans in (0, "N") else transposed(a) if trans in (1, "T") else adjoint(a)


def triangle(a: Any, lower: bool, unit: bool = False) -> Any:
    """One triangle of a square matrix, with ones on its diagonal if `unit`."""
    if not unit:
        return np.tril(a) if lower else np.triu(a)
    return (np.tril(a, -1) if lower else np.triu(a, 1)) + np.eye(np.shape(a)[-1], dtype=a.dtype)


def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """`scipy.linalg.solve_triangular`."""
    return np.linalg.solve(turned(triangle(a, lower, unit_diagonal), trans), b)


# Cholesky


def upper_or_lower(call: Call) -> Format:
    """NumPy's rule, by SciPy's name of the triangle."""
    return cholesky_local(Call(call.primitive, call.out, call.operands, {"upper": not call.params.get("lower", False)}))


def cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The factor, with what stands in the other triangle of `a`, and which triangle it is."""
    other = np.triu(a, 1) if lower else np.tril(a, -1)
    return linalg.cholesky(a, lower=lower) + other, lower


def cho_solve(c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """Two triangular systems, one after the other."""
    c, lower = c_and_lower
    factor = triangle(as_array(c), lower)
    first, second = (factor, adjoint(factor)) if lower else (adjoint(factor), factor)
    return np.linalg.solve(second, np.linalg.solve(first, b))


# LU


@dispatched
def packed_lu(a: Any) -> Any:
    """L below the diagonal, U on and above it: `L U = P A` with P of largest pivots."""
    from scipy import linalg as scipy_linalg

    return scipy_linalg.lu_factor(a, check_finite=False)[0]


@dispatched
def pivots(a: Any) -> Any:
    """Row k was exchanged with row pivots[k]."""
    from scipy import linalg as scipy_linalg

    return scipy_linalg.lu_factor(a, check_finite=False)[1]


@dispatched
def permutation(piv: Any) -> Any:
    """The matrix P of exchanges made one after the other, in stacks."""
    piv = np.asarray(piv)
    n = piv.shape[-1]
    out = np.empty((*piv.shape, n))
    for at in np.ndindex(piv.shape[:-1]):
        order = np.arange(n)
        for k, other in enumerate(piv[at]):
            order[[k, other]] = order[[other, k]]
        out[at] = np.eye(n)[order]
    return out


def packed_lu_local(call: Call) -> Format:
    """`L tril(G, -1) + triu(G) U` with `G = L^-1 P dA U^-1`.

    F. de Hoog, R. Anderssen and M. Lukas, "Differentiation of matrix functionals using triangular
    factorization", Mathematics of Computation 80, 2011.
    """
    lower, upper = triangle(call.out, True, unit=True), triangle(call.out, False)
    p = permutation(pivots(call.operands[0]))
    left, right = np.linalg.inv(lower) @ p, np.linalg.inv(upper)

    def apply(block: Any) -> Any:
        g = left @ block @ right
        return lower @ np.tril(g, -1) + np.triu(g) @ upper

    def back(block: Any) -> Any:
        g = np.tril(adjoint(lower) @ block, -1) + np.triu(block @ adjoint(upper))
        return adjoint(left) @ g @ adjoint(right)

    return on_matrices(call, apply, back, 2)


def only_square(name: str, a: Any) -> None:
    """Refuse matrices that are not square."""
    if np.shape(a)[-1] != np.shape(a)[-2]:
        raise UnsupportedFunctionError(f"{name}: only square matrices have a derivative rule, got {np.shape(a)}")


def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The packed factors and the pivots."""
    only_square("lu_factor", a)
    return packed_lu(a), pivots(a)


def lu_solve(lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """Two triangular systems and a permutation."""
    lu, piv = as_array(lu_and_piv[0]), lu_and_piv[1]
    lower, upper, p = triangle(lu, True, unit=True), triangle(lu, False), permutation(piv)
    if trans == 0:
        return np.linalg.solve(upper, np.linalg.solve(lower, p @ b))
    return transposed(p) @ np.linalg.solve(turned(lower, trans), np.linalg.solve(turned(upper, trans), b))


def lu(
    a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True, p_indices: bool = False
) -> Any:
    """Permutation, lower and upper factor; the first two multiplied if `permute_l`."""
    only_square("lu", a)
    if p_indices:
        raise UnsupportedFunctionError("lu: p_indices=True has no derivative rule; leave it away")
    packed = packed_lu(a)
    lower, upper = triangle(packed, True, unit=True), triangle(packed, False)
    p = transposed(permutation(pivots(a)))
    p = p.astype(packed.real.dtype)
    return (p @ lower, upper) if permute_l else (p, lower, upper)


# Bands: `ab[above + i - j, j] = A[i, j]`


@dispatched
def banded_solution(ab: Any, b: Any, *, below: int, above: int) -> Any:
    """The solution of a banded system for b of shape `(n,)` or `(n, k)`."""
    from scipy import linalg as scipy_linalg

    return scipy_linalg.solve_banded((below, above), ab, b, check_finite=False)


def band_of_transpose(ab: Any, below: int, above: int) -> Any:
    """The band of the transposed matrix: each diagonal is moved along."""
    rows = []
    for k in range(-below, above + 1):  # of the transpose, from its uppermost diagonal to its lowest
        row = ab[above - k]
        zeros = np.zeros(abs(k), ab.dtype)
        rows.append(np.concatenate([row[k:], zeros] if k >= 0 else [zeros, row[:k]]))
    return np.stack(rows)


def banded_solver(call: Call) -> Operator:
    """`A^-1` on columns."""
    ab, below, above = call.operands[0], call.params["below"], call.params["above"]

    def there(b: Any) -> Any:
        return banded_solution(ab, b, below=below, above=above)

    def back(b: Any) -> Any:
        return banded_solution(band_of_transpose(ab, below, above), b, below=above, above=below)

    return Operator(call.out_shape, call.out_shape, columns(there), columns(back), ((0,), (0,)))


def banded_local_ab(call: Call) -> Format:
    """`-A^-1 dA x`: entry j of each diagonal meets x[j]."""
    (n_rows, n), width = call.shape(0), call.out_shape[1:]
    j, k = (at.reshape(-1) for at in np.indices((n, n_rows)))
    i = j + k - call.params["above"]
    inside = (i >= 0) & (i < n)
    i, j, k = i[inside], j[inside], k[inside]
    if not width:
        return Product([coo_entries(call.shape(0), (n,), i, k * n + j, np.negative(call.out[j])), banded_solver(call)])
    spread = np.arange(width[0])
    rows, cols = i[:, None] * width[0] + spread, np.broadcast_to((k * n + j)[:, None], (len(i), width[0]))
    weights = np.reshape(np.negative(call.out[j]), (-1,))
    return Product(
        [coo_entries(call.shape(0), call.out_shape, rows.reshape(-1), cols.reshape(-1), weights), banded_solver(call)]
    )


def solve_banded(
    l_and_u: Any,
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """`scipy.linalg.solve_banded`: the band stays one."""
    if np.ndim(ab) != 2 or np.ndim(b) not in (1, 2):
        raise UnsupportedFunctionError("solve_banded: stacks have no derivative rule; solve one after the other")
    below, above = l_and_u
    return banded_solution(as_array(ab), as_array(b), below=int(below), above=int(above))


def solveh_banded(
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    lower: bool = False,
    check_finite: bool = True,
) -> Any:
    """The other half of the band filled in."""
    if np.ndim(ab) != 2 or np.ndim(b) not in (1, 2):
        raise UnsupportedFunctionError("solveh_banded: stacks have no derivative rule; solve one after the other")
    ab, width = as_array(ab), np.shape(ab)[0] - 1
    if np.iscomplexobj(ab):  # of which the diagonal's real part is read
        diagonal = np.real(ab[:1] if lower else ab[-1:])
        ab = np.concatenate([diagonal, ab[1:]] if lower else [ab[:-1], diagonal])
    below, above = (width, 0) if lower else (0, width)
    other = band_of_transpose(np.conjugate(ab) if np.iscomplexobj(ab) else ab, below, above)
    whole = np.concatenate([other[:-1], ab] if lower else [ab, other[1:]])
    return banded_solution(whole, as_array(b), below=width, above=width)


# Least squares


def lstsq(
    a: Any,
    b: Any,
    cond: float | None = None,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    lapack_driver: str | None = None,
) -> Any:
    """Solution, sums of squares, rank and singular values, for full rank."""
    m, n = np.shape(a)
    s = np.linalg.svd(a, compute_uv=False)
    rank = np.sum(s > s[0] * (np.finfo(s.dtype).eps if cond is None else cond), dtype=np.intc)
    if int(rank) < min(m, n):
        raise UnsupportedFunctionError(
            f"lstsq: the derivative needs full rank, this {m} x {n} matrix has rank {int(rank)}; "
            "write scipy.linalg.pinv(a) @ b, whose derivative holds the rank fixed"
        )
    x = best_solution(a, b)
    if m <= n or lapack_driver == "gelsy":
        squares = np.zeros(0, x.dtype)
    else:
        gap = b - a @ x
        squares = np.sum(np.real(gap) ** 2 + np.imag(gap) ** 2 if np.iscomplexobj(gap) else gap**2, axis=0)
    return x, squares, int(rank), None if lapack_driver == "gelsy" else s


RULES: dict[Any, Rule] = {
    "scipy.linalg:solve": composed(on_arrays(solve, 2)),
    "scipy.linalg:inv": composed(on_arrays(inv)),
    "scipy.linalg:solve_triangular": composed(on_arrays(solve_triangular, 2)),
    "scipy.linalg:cholesky": structured(upper_or_lower).on("a"),
    "scipy.linalg:cho_factor": composed(on_arrays(cho_factor)),
    "scipy.linalg:cho_solve": composed(cho_solve, sequence=True),
    packed_lu: structured(packed_lu_local),
    pivots: constant(),
    permutation: constant(),
    "scipy.linalg:lu_factor": composed(on_arrays(lu_factor)),
    "scipy.linalg:lu_solve": composed(lu_solve, sequence=True),
    "scipy.linalg:lu": composed(on_arrays(lu)),
    banded_solution: structured(banded_local_ab, banded_solver),
    "scipy.linalg:solve_banded": composed(solve_banded),
    "scipy.linalg:solveh_banded": composed(solveh_banded),
    "scipy.linalg:lstsq": composed(on_arrays(lstsq, 2)),
    "scipy.linalg:pinv": structured(pinv_local).on(
        "a", atol=HELD, rtol=HELD, return_rank="write np.linalg.matrix_rank"
    ),
    "scipy.linalg:det": composed(on_arrays(lambda a, overwrite_a=False, check_finite=True: np.linalg.det(a))),
    "scipy.linalg:norm": composed(
        lambda a, ord=None, axis=None, keepdims=False, check_finite=True: np.linalg.norm(a, ord, axis, keepdims)
    ),
}
