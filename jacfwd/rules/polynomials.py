"""Rules of polynomials, coefficients from the highest power down as `np.polyval` takes them.

`numpy.polynomial` needs no rules: it is Python code that recordings see into (`OPEN` in `recording/names.py`).
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import NotDifferentiableError
from jacfwd.formats.base import Format
from jacfwd.formats.blocks import Contraction
from jacfwd.formats.dispatch import as_array, dispatched, is_tracer
from jacfwd.formats.entries import Entries, diagonal
from jacfwd.formats.index import IndexMap
from jacfwd.formats.labels import STACKED
from jacfwd.primitive import Call, Rule, composed, constant, structured

__all__ = ["RULES", "dropped", "without_leading_zeros"]


def coefficients(p: Any) -> Any:
    """The coefficients of a `poly1d`; lists and numbers as arrays of one dimension at least."""
    p = p.coeffs if isinstance(p, np.poly1d) else as_array(p)
    return p if p.ndim else np.reshape(p, (1,))


def of_coefficients(function: Callable[..., Any], operands: int) -> Callable[..., Any]:
    """The function of coefficients alone; among its operands a `poly1d` makes the results such."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        objects = any(isinstance(p, np.poly1d) for p in args[:operands])
        out = function(*map(coefficients, args[:operands]), *args[operands:], **kwargs)
        if not objects:
            return out
        return tuple(map(np.poly1d, out)) if isinstance(out, tuple) else np.poly1d(out)

    return call


# Values


@dispatched
def value(p: Any, x: Any) -> Any:
    """`np.polyval` of one polynomial at points."""
    return np.polyval(p, x)


def value_local_p(call: Call) -> Format:
    """The powers of x, highest first."""
    n = call.shape(0)[0]
    labels = "".join(STACKED[: len(call.out_shape)])
    powers = as_array(call.operands[1])[..., None] ** np.arange(n - 1, -1, -1)
    sizes = dict(zip(labels, call.out_shape, strict=True)) | {"n": n}
    return Contraction("n", [(powers, labels + "n")], labels, sizes)


def value_local_x(call: Call) -> Format:
    """The derivative's polynomial."""
    slope = np.polyval(polyder(as_array(call.operands[0])), call.operands[1])
    return diagonal(slope, call.shape(1), call.out_shape)


def polyval(p: Any, x: Any) -> Any:
    """`np.polyval`: by Horner's rule where coefficients are arrays, or x is a polynomial."""
    p = p.coeffs if isinstance(p, np.poly1d) else as_array(p)
    if p.ndim == 1 and not isinstance(x, np.poly1d):
        return value(p, as_array(x))
    y: Any = 0 if isinstance(x, np.poly1d) else np.zeros_like(x)
    for coefficient in p:
        y = y * x + coefficient
    return y


def vander_local(call: Call) -> Format:
    """`n x^(n-1)`, in each row for its own x."""
    n = call.out_shape[1]
    powers = np.arange(n) if call.params.get("increasing", False) else np.arange(n)[::-1]
    weights = powers * as_array(call.operands[0])[:, None] ** np.maximum(powers - 1, 0)
    rows = IndexMap(call.out_shape, call.shape(0), affine=(0, (1, 0)))
    return Entries(call.shape(0), call.out_shape, None, rows, weights)


# Coefficients


def aligned(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """A function of coefficients of like powers: the shorter operand is filled up with zeros in front."""

    def call(a1: Any, a2: Any) -> Any:
        n = max(len(a1), len(a2))
        a1, a2 = (a if len(a) == n else np.concatenate([np.zeros(n - len(a), a.dtype), a]) for a in (a1, a2))
        return function(a1, a2)

    return call


def dropped(p: Any) -> None:
    """Coefficients that are zero are left out, as NumPy does it.

    Raises NotDifferentiableError where they carry a derivative, which would be lost with them.
    """
    if is_tracer(p) and np.size(p) and p.moves:
        raise NotDifferentiableError(
            "a leading coefficient that depends on what is differentiated is exactly 0 here; NumPy drops it, and its "
            "derivative would be lost; use np.polyval, which keeps it, or move the point a little"
        )


def without_leading_zeros(p: Any) -> Any:
    """The coefficients from the first on that is not zero, which the recording relies on."""
    present = np.not_equal(p, 0)
    if not np.any(present):
        dropped(p)
        return np.zeros(1, p.dtype)
    first = int(np.argmax(present))
    dropped(p[:first])
    return p[first:] if first else p


def polymul(a1: Any, a2: Any) -> Any:
    """Products of polynomials are convolutions."""
    return np.convolve(without_leading_zeros(a1), without_leading_zeros(a2))


def polydiv(u: Any, v: Any) -> Any:
    """Long division: quotient and remainder."""
    u, v = u + 0.0, v + 0.0
    dtype = (u[:1] + v[:1]).dtype
    scale, degree = 1.0 / v[0], len(v) - 1
    quotient, rest = [], u if u.dtype == dtype else u.astype(dtype)
    for k in range(len(u) - degree):
        digit = scale * rest[k]
        quotient.append(digit)
        rest = np.concatenate([rest[:k], rest[k : k + degree + 1] - digit * v, rest[k + degree + 1 :]])
    cancelled = len(u) - degree  # these are zero wherever one divides
    while np.allclose(rest[0], 0, rtol=1e-14) and len(rest) > 1:
        if cancelled <= 0:
            dropped(rest[:1])
        rest, cancelled = rest[1:], cancelled - 1
    return (np.stack(quotient) if quotient else np.zeros(1, dtype)), rest


def polyder(p: Any, m: int = 1) -> Any:
    """The m-th derivative."""
    if m < 0:
        raise ValueError("polyder: m counts derivatives; polyint integrates")
    for _ in range(int(m)):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The m-th integral, with the constants k."""
    m = int(m)
    if m < 0:
        raise ValueError("polyint: m counts integrals; polyder differentiates")
    k = np.zeros(m) if k is None else coefficients(k)
    k = k[0] * np.ones(m) if len(k) == 1 and m > 1 else k
    if len(k) < m:
        raise ValueError(f"polyint: {m} constants are needed, or one for all of them, got {len(k)}")
    for at in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), k[at : at + 1]])
    return p


# Zeros


@dispatched
def is_closed(z: Any) -> Any:
    """Whether conjugate numbers are as many."""
    return np.all(np.sort(z) == np.sort(z.conjugate()))


def poly(seq_of_zeros: Any) -> Any:
    """The polynomial with these zeros, or with those of a matrix's characteristic polynomial."""
    zeros = coefficients(seq_of_zeros)
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] > 0:
        zeros = np.linalg.eigvals(zeros)
    elif zeros.ndim != 1:
        raise ValueError(f"poly: zeros or a square matrix are needed, got shape {zeros.shape}")
    if not len(zeros):
        return 1.0
    dtype = np.dtype(np.mintypecode(zeros.dtype.char))
    zeros = zeros if zeros.dtype == dtype else zeros.astype(dtype)
    p = np.ones(1, dtype)
    for k in range(len(zeros)):
        p = np.convolve(p, np.concatenate([np.ones(1, dtype), np.negative(zeros[k : k + 1])]))
    return np.real(p) if dtype.kind == "c" and is_closed(zeros) else p


@dispatched
def zeros_of(p: Any) -> Any:
    """The zeros of a polynomial whose first coefficient is not zero, as complex numbers."""
    zeros = np.roots(p)
    return zeros.astype(np.result_type(zeros.dtype, np.complex64))


def zeros_local(call: Call) -> Format:
    """`dz = -sum_k dp[k] z^(n-k) / p'(z)`.

    Raises
    ------
    NotDifferentiableError
        If a zero is double, exactly: zeros part there like square roots.
    """
    p, z = as_array(call.operands[0]), call.out
    n = len(p) - 1
    slope = np.polyval(polyder(p), z)
    if np.any(np.equal(slope, 0)):
        raise NotDifferentiableError("roots: a double zero has no derivative; its polynomial has")
    weights = np.negative(z[:, None] ** np.arange(n, -1, -1)) / slope[:, None]
    return Contraction("k", [(weights, "jk")], "j", {"j": n, "k": n + 1})


def roots(p: Any) -> Any:
    """`np.roots`: real where all of them are."""
    p = coefficients(p)
    if p.ndim != 1:
        raise ValueError(f"roots: one polynomial is needed, got shape {p.shape}")
    if not np.any(np.not_equal(p, 0)):
        return np.zeros(0)
    p = without_leading_zeros(p)
    if len(p) == 1:
        return np.zeros(0)
    z = zeros_of(p)
    real = np.all(np.equal(np.imag(z), 0)) if p.dtype.kind != "c" else np.all(np.equal(p[1:], 0))
    return np.real(z) if real else z


def polyfit(
    x: Any, y: Any, deg: int, rcond: float | None = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """Least squares in powers of x, each scaled to the length one."""
    x, y, order = as_array(x) + 0.0, as_array(y) + 0.0, int(deg) + 1
    w = None if w is None else as_array(w) + 0.0
    check_fit(x, y, order, w)
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    powers = np.vander(x, order)
    if w is not None:
        powers, y = powers * w[:, None], y * (w[:, None] if y.ndim == 2 else w)
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    powers = powers / scale
    c, squares, rank, s = np.linalg.lstsq(powers, y, rcond)
    c = (c.T / scale).T
    if full:
        return c, squares, rank, s, rcond
    if not cov:
        return c
    spread = np.linalg.inv(np.dot(powers.T, powers)) / np.outer(scale, scale)
    spread = spread if y.ndim == 1 else spread[:, :, None]
    if cov == "unscaled":
        return c, spread
    if len(x) <= order:
        raise ValueError("polyfit: more points than coefficients are needed to scale the covariance")
    return c, spread * (squares / (len(x) - order))


def check_fit(x: Any, y: Any, order: int, w: Any) -> None:
    """Raise what NumPy raises for shapes that do not fit."""
    if order < 1:
        raise ValueError(f"polyfit: the degree must not be negative, got {order - 1}")
    if x.ndim != 1 or not x.size:
        raise TypeError(f"polyfit: points of shape (n,), n > 0, are needed, got {x.shape}")
    if y.ndim not in (1, 2) or len(y) != len(x):
        raise TypeError(f"polyfit: values of shape ({len(x)},) or ({len(x)}, k) are needed, got {y.shape}")
    if w is not None and w.shape != x.shape:
        raise TypeError(f"polyfit: weights of shape {x.shape} are needed, got {w.shape}")


# Series in several variables, the two that dispatch


def polyval2d(x: Any, y: Any, c: Any) -> Any:
    """`sum c[i, j] x^i y^j` at points."""
    from numpy.polynomial.polynomial import polyval as series

    x, y = as_array(x), as_array(y)
    if x.shape != y.shape:
        raise ValueError(f"polyval2d: x and y must agree in shape, got {x.shape} and {y.shape}")
    return series(y, series(x, c), tensor=False)


def polygrid2d(x: Any, y: Any, c: Any) -> Any:
    """`sum c[i, j] x^i y^j` on the grid of all x and y."""
    from numpy.polynomial.polynomial import polyval as series

    return series(y, series(x, c))


RULES: dict[Any, Rule] = {
    value: structured(value_local_p, value_local_x),
    np.polyval: composed(polyval),
    np.vander: structured(vander_local).on("x"),
    np.polyadd: composed(of_coefficients(aligned(np.add), 2)),
    np.polysub: composed(of_coefficients(aligned(np.subtract), 2)),
    np.polymul: composed(of_coefficients(polymul, 2)),
    np.polydiv: composed(of_coefficients(polydiv, 2)),
    np.polyder: composed(of_coefficients(polyder, 1)),
    np.polyint: composed(of_coefficients(polyint, 1)),
    np.polyfit: composed(polyfit),
    is_closed: constant(),
    np.poly: composed(poly),
    zeros_of: structured(zeros_local),
    np.roots: composed(roots),
    "numpy.polynomial.polynomial:polyval2d": composed(polyval2d),
    "numpy.polynomial.polynomial:polygrid2d": composed(polygrid2d),
}
