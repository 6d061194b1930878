"""Rules of scipy.linalg: functions of matrices, matrices of a special form, matrix equations, decompositions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import NotDifferentiableError, UnsupportedFunctionError
from jacfwd.formats.base import Format
from jacfwd.formats.combined import Product
from jacfwd.formats.dispatch import as_array, dispatched, on_arrays
from jacfwd.formats.operators import Operator
from jacfwd.primitive import Call, Rule, composed, constant, moves, structured
from jacfwd.rules.factorizations import on_matrices, read, reads, unread
from jacfwd.rules.internal import held
from jacfwd.rules.lazy import Lazy
from jacfwd.rules.linalg import adjoint, around, transposed
from jacfwd.rules.spectral import only_real, reciprocal_gaps, triplets

__all__ = ["RULES"]

linalg = Lazy("scipy.linalg")

# Analytic functions of matrices


@dispatched
def of_matrices(a: Any, *, name: str, power: float | None = None) -> Any:
    """A function of scipy.linalg of every matrix in a stack."""
    from scipy import linalg as scipy_linalg

    function = getattr(scipy_linalg, name)
    found = [function(x) if power is None else function(x, power) for x in a.reshape(-1, *a.shape[-2:])]
    return np.reshape(np.stack(found), a.shape) if found else np.zeros(a.shape, a.dtype)


def of_matrices_local(call: Call) -> Format:
    """The upper right block of f([[A, E], [0, A]]), of the transposed matrix for the transpose.

    R. Mathias, "A chain rule for matrix functions and applications", SIAM Journal on Matrix Analysis and
    Applications 17, 1996.
    """
    a, params = call.operands[0], call.params
    if params["name"] == "sqrtm":
        return sqrtm_local(call)

    def through(matrices: Any) -> Callable[[Any], Any]:
        def apply(block: Any) -> Any:
            # f([[A, E]]) takes E for a part of the matrix, so it should be of its size.
            size = np.max(np.abs(block), axis=(-2, -1), keepdims=True, initial=0)
            size = held(np.where(np.equal(size, 0), 1, size))
            corner = np.zeros(block.shape, block.dtype)
            whole = matrices + corner
            upper = np.concatenate([whole, block / size], axis=-1)
            lower = np.concatenate([corner, whole], axis=-1)
            n, name = block.shape[-1], params["name"]
            found = of_matrices(np.concatenate([upper, lower], axis=-2), **params)
            # On a branch cut rounding decides for each copy of an eigenvalue on which side it lies.
            _refuse_unless(found[..., :n, :n], found[..., n:, n:], f"{name}: eigenvalues on the negative real axis")
            return found[..., :n, n:] * size

        return apply

    mixed = (len(call.out_shape) - 2, len(call.out_shape) - 1)
    return Operator(call.shape(0), call.out_shape, through(a), through(transposed(a)), (mixed, mixed))


def sqrtm_local(call: Call) -> Format:
    """`X dX + dX X = dA`, also for eigenvalues on the branch cut, where the block trick fails."""

    def through(x: Any) -> Callable[[Any], Any]:
        def apply(block: Any) -> Any:
            roots = np.reshape(x, (-1, *x.shape[-2:]))
            rows = np.reshape(block, (-1, len(roots), *x.shape[-2:]))
            found = [linalg.solve_sylvester(root, root, row[k]) for row in rows for k, root in enumerate(roots)]
            if not found:
                return block
            out = np.reshape(np.stack(found), block.shape)
            _refuse_unless(x @ out + out @ x, block, "sqrtm: a pair of eigenvalues whose square roots add to zero")
            return out

        return apply

    mixed = (len(call.out_shape) - 2, len(call.out_shape) - 1)
    x = call.out
    return Operator(call.shape(0), call.out_shape, through(x), through(transposed(x)), (mixed, mixed))


def _refuse_unless(one: Any, other: Any, what: str) -> None:
    """Raise NotDifferentiableError where two arrays differ by more than rounding."""
    size = np.maximum(np.max(np.abs(other), initial=0), 1e-300)
    if not np.all(np.abs(one - other) <= 1e-6 * size):
        raise NotDifferentiableError(f"{what}, where it has no derivative")


def matrix_function(name: str) -> Rule:
    """The rule of a function of one matrix."""

    def function(A: Any, **options: Any) -> Any:
        if options:
            raise UnsupportedFunctionError(f"{name}: {', '.join(options)} has no derivative rule; leave it away")
        return of_matrices(A if A.dtype.kind in "fc" else A.astype(float), name=name)

    return composed(on_arrays(function))


def fractional_matrix_power(A: Any, t: float) -> Any:
    """A power of a matrix, by a constant exponent."""
    if not isinstance(t, (int, float, np.integer, np.floating)):
        raise UnsupportedFunctionError("fractional_matrix_power: no derivative with respect to 't'; hold it constant")
    return of_matrices(A, name="fractional_matrix_power", power=t)


# Equations


def on_each(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of matrices on a block of them."""
    return lambda block: np.stack([function(matrix) for matrix in block]) if len(block) else block


def sylvester(call: Call) -> Operator:
    """The X of `A X + X B = Q` for a block of Q; transposed, with both matrices transposed."""
    a, b, _ = call.operands
    if np.ndim(a) != 2 or np.ndim(b) != 2:
        raise UnsupportedFunctionError("solve_sylvester: stacks have no derivative rule; solve one after the other")

    def there(q: Any) -> Any:
        return linalg.solve_sylvester(a, b, q)

    def back(q: Any) -> Any:
        return linalg.solve_sylvester(transposed(a), transposed(b), q)

    return Operator(call.out_shape, call.out_shape, on_each(there), on_each(back), ((0, 1), (0, 1)))


def sylvester_local_a(call: Call) -> Format:
    """`A X' + X' B = -dA X`."""
    n = call.shape(0)[0]
    return Product([around(np.negative(np.eye(n)), call.out), sylvester(call)])


def sylvester_local_b(call: Call) -> Format:
    """`A X' + X' B = -X dB`."""
    n = call.shape(1)[0]
    return Product([around(np.negative(call.out), np.eye(n)), sylvester(call)])


def solve_discrete_lyapunov(a: Any, q: Any, method: str | None = None) -> Any:
    """The X of `A X A^H - X + Q = 0`, element by element."""
    if method not in (None, "direct", "bilinear"):
        raise ValueError(f"Unknown solver {method}")
    n = np.shape(a)[0]
    system = np.eye(n * n) - np.kron(a, np.conjugate(a) if np.iscomplexobj(a) else a)
    return np.reshape(np.linalg.solve(system, np.reshape(q, (-1,))), (n, n))


def both(c_or_cr: Any) -> tuple[Any, Any]:
    """Column and row of a Toeplitz matrix."""
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    c = np.ravel(as_array(c))
    if r is None:
        return c, np.conjugate(c) if np.iscomplexobj(c) else c
    return c, np.ravel(as_array(r))


def solve_circulant(c: Any, b: Any, singular: str = "raise", **options: Any) -> Any:
    """A general system with the circulant matrix."""
    if options or singular != "raise" or np.ndim(c) != 1:
        raise UnsupportedFunctionError("solve_circulant: one vector c and no options have a derivative rule")
    return np.linalg.solve(linalg.circulant(c), b)


# Matrices of a special form


def real_or_given(operands: tuple[Any, ...], params: dict[str, Any]) -> str | None:
    """A complex column alone stands for its conjugate in the first row."""
    if len(operands) == 1 and np.iscomplexobj(operands[0]):
        return "of a complex column the row is the conjugate, which is no movement of data; write toeplitz(c, r)"
    return None


def companion(a: Any) -> Any:
    """The coefficients, divided by the leading one, above a shifted identity."""
    n = np.shape(a)[-1] - 1
    row = np.negative(a[..., 1:]) / a[..., :1]
    below = np.broadcast_to(np.eye(n - 1, n), (*np.shape(a)[:-1], n - 1, n))
    return np.concatenate([row[..., None, :], below], axis=-2)


def khatri_rao(a: Any, b: Any) -> Any:
    """Kronecker products of columns."""
    return np.reshape(a[..., :, None, :] * b[..., None, :, :], (*np.shape(a)[:-2], -1, np.shape(a)[-1]))


# Eigenvalues and decompositions


@dispatched
def definite_values(a: Any, b: Any = None, *, upper: bool, alone: bool) -> Any:
    """The w of `A v = w B v`, ascending; rounded as if alone, or as if with the vectors."""
    from scipy import linalg as scipy_linalg

    if alone:
        return scipy_linalg.eigh(a, b, lower=not upper, eigvals_only=True)
    return scipy_linalg.eigh(a, b, lower=not upper)[0]


@dispatched
def definite_vectors(a: Any, b: Any = None, *, upper: bool) -> Any:
    """The v of `A v = w B v` with `v^H B v = 1`, as columns."""
    from scipy import linalg as scipy_linalg

    return scipy_linalg.eigh(a, b, lower=not upper)[1]


def definite_values_local(call: Call, k: int) -> Format:
    """`dw[i] = v_i^H (dA - w_i dB) v_i`."""
    upper = call.params["upper"]
    v = definite_vectors(*call.operands, upper=upper)
    weights = np.negative(call.out) if k else np.ones((), call.out.dtype)

    def apply(block: Any) -> Any:
        return weights * np.real(np.sum(np.conjugate(v) * (read(block, upper) @ v), axis=-2))

    def back(block: Any) -> Any:
        return unread((v * (weights * np.real(block))[..., None, :]) @ adjoint(v), upper)

    return on_matrices(call, apply, back, 1, reads(v.shape[-1], upper))


def definite_vectors_local(call: Call, k: int) -> Format:
    """`V (F * C)` with `C = V^H dA V`, and `-V (F * C w + diag(C) / 2)` with `C = V^H dB V`, F the reciprocal gaps."""
    upper, v = call.params["upper"], call.out
    w = definite_values(*call.operands, upper=upper, alone=False)
    gaps = reciprocal_gaps(w)
    if k:
        gaps = np.negative(gaps * w[None, :]) - np.eye(len(v)) / 2

    def apply(block: Any) -> Any:
        return v @ (gaps * (adjoint(v) @ read(block, upper) @ v))

    def back(block: Any) -> Any:
        return unread(v @ (gaps * (adjoint(v) @ block)) @ adjoint(v), upper)

    return on_matrices(call, apply, back, 2, reads(v.shape[-1], upper))


def eigh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    type: int = 1,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: Any = None,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """`scipy.linalg.eigh` of one matrix or of a pair, of type 1."""
    if type != 1 or subset_by_value is not None or driver is not None:
        raise UnsupportedFunctionError("eigh: type=, subset_by_value= and driver= have no derivative rule")
    if np.ndim(a) != 2:
        raise UnsupportedFunctionError("eigh: stacks have no derivative rule; write np.linalg.eigh(a)")
    operands = (a,) if b is None else (a, as_array(b))
    first, last = (0, np.shape(a)[0] - 1) if subset_by_index is None else subset_by_index
    w = definite_values(*operands, upper=not lower, alone=eigvals_only)[first : last + 1]
    if eigvals_only:
        return w
    only_real("eigh", a)
    return w, definite_vectors(*operands, upper=not lower)[:, first : last + 1]


def eigvalsh(a: Any, b: Any = None, **options: Any) -> Any:
    """The values alone."""
    return eigh(a, b, eigvals_only=True, **options)


def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """NumPy's, which calls the same driver."""
    if lapack_driver != "gesdd":
        raise UnsupportedFunctionError("svd: lapack_driver= has no derivative rule; leave it away")
    if not compute_uv:
        return np.linalg.svd(a, compute_uv=False)
    return tuple(np.linalg.svd(a, full_matrices))


@dispatched
def pivoted(a: Any) -> Any:
    """The order of columns in which their remainders are largest."""
    from scipy import linalg as scipy_linalg

    return scipy_linalg.qr(a, mode="r", pivoting=True, check_finite=False)[-1]


def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """Q and R, and the order of columns if `pivoting`."""
    m, n = np.shape(a)[-2:]
    if np.ndim(a) != 2 or mode not in ("full", "r", "economic") or (mode == "full" and m > n):
        raise UnsupportedFunctionError(
            f"qr: mode={mode!r} of shape {np.shape(a)} has no derivative rule; write mode='economic'"
        )
    order: tuple[Any, ...] = ()
    if pivoting:
        order = (pivoted(a),)
        a = a[:, order[0]]
    if mode == "r":
        r: Any = np.linalg.qr(a, "r")
        return (np.concatenate([r, np.zeros((max(m - n, 0), n), r.dtype)]), *order)
    q, r = np.linalg.qr(a)
    return (q, r, *order)


def polar(a: Any, side: str = "right") -> Any:
    """The unitary and the positive factor, by singular vectors."""
    if side not in ("right", "left"):
        raise ValueError("`side` must be either 'right' or 'left'")
    u, s, vh = triplets(a)
    inner = vh if side == "right" else adjoint(u)
    return u @ vh, (adjoint(inner) * s[..., None, :]) @ inner


FUNCTIONS = ("expm", "logm", "sqrtm", "cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm")

RULES: dict[Any, Rule] = {
    of_matrices: structured(of_matrices_local),
    **{f"scipy.linalg:{name}": matrix_function(name) for name in FUNCTIONS},
    "scipy.linalg:fractional_matrix_power": composed(on_arrays(fractional_matrix_power)),
    # equations
    "scipy.linalg:solve_sylvester": structured(sylvester_local_a, sylvester_local_b, sylvester).on("a", "b", "q"),
    "scipy.linalg:solve_continuous_lyapunov": composed(
        on_arrays(lambda a, q: linalg.solve_sylvester(a, adjoint(a), q), 2)
    ),
    "scipy.linalg:solve_discrete_lyapunov": composed(on_arrays(solve_discrete_lyapunov, 2)),
    "scipy.linalg:solve_toeplitz": composed(
        lambda c_or_cr, b, check_finite=True: np.linalg.solve(linalg.toeplitz(*both(c_or_cr)), b),
        sequence=True,
    ),
    "scipy.linalg:matmul_toeplitz": composed(
        lambda c_or_cr, x, check_finite=False, workers=None: linalg.toeplitz(*both(c_or_cr)) @ x,
        sequence=True,
    ),
    "scipy.linalg:solve_circulant": composed(on_arrays(solve_circulant, 2)),
    # special forms
    "scipy.linalg:toeplitz": moves().on("c", "r", check=real_or_given),
    "scipy.linalg:circulant": moves().on("c"),
    "scipy.linalg:hankel": moves().on("c", "r"),
    "scipy.linalg:leslie": moves().on("f", "s"),
    "scipy.linalg:block_diag": moves(),
    "scipy.linalg:convolution_matrix": moves().on("a"),
    "scipy.linalg:companion": composed(on_arrays(companion)),
    "scipy.linalg:fiedler": composed(on_arrays(lambda a: np.abs(a[..., :, None] - a[..., None, :]))),
    "scipy.linalg:khatri_rao": composed(on_arrays(khatri_rao, 2)),
    "scipy.linalg:kron": composed(lambda a, b: np.kron(a, b)),
    # decompositions
    definite_values: structured(*(lambda call, k=k: definite_values_local(call, k) for k in (0, 1))),
    definite_vectors: structured(*(lambda call, k=k: definite_vectors_local(call, k) for k in (0, 1))),
    "scipy.linalg:eigh": composed(on_arrays(eigh)),
    "scipy.linalg:eigvalsh": composed(on_arrays(eigvalsh)),
    "scipy.linalg:svd": composed(on_arrays(svd)),
    "scipy.linalg:svdvals": composed(
        on_arrays(lambda a, overwrite_a=False, check_finite=True: np.linalg.svd(a, compute_uv=False))
    ),
    pivoted: constant(),
    "scipy.linalg:qr": composed(on_arrays(qr)),
    "scipy.linalg:polar": composed(on_arrays(polar)),
}
