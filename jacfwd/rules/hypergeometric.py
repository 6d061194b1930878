"""Rules of scipy.special for integrals, elliptic and hypergeometric functions, and polynomials of any degree.

Formulas: NIST Digital Library of Mathematical Functions, chapters 4.13, 6, 7, 13 to 15, 18, 19, 25.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import dispatched
from jacfwd.primitive import Rule, composed, elementwise
from jacfwd.rules.lazy import refused, special

__all__ = ["RULES"]

PI = math.pi

# Integrals, of which some come in pairs


def expn_slope(out: Any, n: Any, x: Any) -> Any:
    """`-E_(n-1)(x)`; `E_0 = e^-x / x` has a derivative of its own."""
    first = np.equal(n, 0)
    return np.where(first, -out * (1 + 1 / x), -special.expn(np.where(first, 1, n) - 1, x))


@dispatched
def sici_part(x: Any, *, part: int) -> Any:
    """Sine and cosine integral."""
    from scipy import special as scipy_special

    return scipy_special.sici(x)[part]


@dispatched
def shichi_part(x: Any, *, part: int) -> Any:
    """Hyperbolic sine and cosine integral."""
    from scipy import special as scipy_special

    return scipy_special.shichi(x)[part]


@dispatched
def fresnel_part(z: Any, *, part: int) -> Any:
    """Fresnel's integrals of the sine and the cosine."""
    from scipy import special as scipy_special

    return scipy_special.fresnel(z)[part]


def sinhc(x: Any) -> Any:
    """`sinh x / x`, 1 at 0."""
    zero = np.equal(x, 0)
    return np.where(zero, 1, np.sinh(x) / np.where(zero, 1, x))


def pair(function: Callable[..., Any]) -> Rule:
    """A function with two results as two functions."""
    return composed(lambda x: (function(x, part=0), function(x, part=1)))


def spence_slope(out: Any, z: Any) -> Any:
    """`log z / (1 - z)`, -1 at 1."""
    one = np.equal(z, 1)
    return np.where(one, -1, np.log(z) / np.where(one, 1, 1 - z))


# Elliptic integrals


@dispatched
def ellipd(m: Any) -> Any:
    """`D = (K - E) / m`, without cancellation: Carlson's `R_D(0, 1 - m, 1) / 3`."""
    from scipy import special as scipy_special

    return scipy_special.elliprd(0.0, 1 - m, 1.0) / 3


def ellipd_slope(out: Any, m: Any) -> Any:
    """`((K - 2 D) / m + D) / (2 (1 - m))`, by a series near 0."""
    near = np.abs(m) < 1e-3
    series = -PI / 16 - 3 * PI / 64 * m - 75 * PI / 2048 * m * m
    far = np.where(near, 1, m)
    return (np.where(near, series, (special.ellipk(m) - 2 * out) / far) + out) / (2 * (1 - m))


def ellipk_slope(out: Any, m: Any) -> Any:
    """`(K - D) / (2 (1 - m))`."""
    return (out - ellipd(m)) / (2 * (1 - m))


def by_modulus(phi: Any, m: Any, regular: Any, first: float, second: float) -> Any:
    """A derivative by m, near 0 from `integral (first sin^2 + second m sin^4)`."""
    near = np.abs(m) < 1e-6
    square = 0.5 * phi - 0.25 * np.sin(2 * phi)
    fourth = 0.375 * phi - 0.25 * np.sin(2 * phi) + np.sin(4 * phi) / 32
    return np.where(near, first * square + second * m * fourth, regular(np.where(near, 0.5, m)))


def ellipkinc_in_m(out: Any, phi: Any, m: Any) -> Any:
    """`E / (2 m (1 - m)) - F / (2 m) - sin 2 phi / (4 (1 - m) sqrt(1 - m sin^2 phi))`."""

    def regular(m: Any) -> Any:
        first, second = special.ellipkinc(phi, m), special.ellipeinc(phi, m)
        root = np.sqrt(1 - m * np.sin(phi) ** 2)
        return second / (2 * m * (1 - m)) - first / (2 * m) - np.sin(2 * phi) / (4 * (1 - m) * root)

    return by_modulus(phi, m, regular, 0.5, 0.75)


def ellipeinc_in_m(out: Any, phi: Any, m: Any) -> Any:
    """`(E - F) / (2 m)`."""
    return by_modulus(phi, m, lambda m: (special.ellipeinc(phi, m) - special.ellipkinc(phi, m)) / (2 * m), -0.5, -0.25)


@dispatched
def ellipj_part(u: Any, m: Any, *, part: int) -> Any:
    """Jacobi's sn, cn, dn and the amplitude."""
    from scipy import special as scipy_special

    return scipy_special.ellipj(u, m)[part]


def ellipj_slope(out: Any, u: Any, m: Any, part: int) -> Any:
    """By the argument: `cn dn`, `-sn dn`, `-m sn cn`, `dn`."""
    sn, cn, dn = (ellipj_part(u, m, part=k) for k in range(3))
    return (cn * dn, -sn * dn, -m * sn * cn, dn)[part]


# Hypergeometric functions


def hyp2f1_slope(out: Any, a: Any, b: Any, c: Any, z: Any) -> Any:
    """`a b / c F(a + 1, b + 1; c + 1; z)`."""
    return a * b / c * special.hyp2f1(a + 1, b + 1, c + 1, z)


def zeta_in_q(out: Any, x: Any, q: Any = None) -> Any:
    """`-x zeta(x + 1, q)`."""
    return -x * special.zeta(x + 1, q)


# Spherical harmonics and orthogonal polynomials


def ladder(n: Any, m: Any, theta: Any, phi: Any, step: int) -> Any:
    """`sqrt((n -+ m)(n +- m + 1)) e^(-+ i phi) Y_n^(m +- 1)`: an operator that raises or lowers m."""
    factor = np.sqrt((n - step * m) * (n + step * m + 1.0))
    there = np.where(np.abs(m + step) <= n, m + step, 0)
    return factor * np.exp(-1j * step * phi) * special.sph_harm_y(n, there, theta, phi)


def harmonic_in_theta(out: Any, n: Any, m: Any, theta: Any, phi: Any, diff_n: Any = None) -> Any:
    """Half the difference of what raises and what lowers m."""
    no_second(diff_n)
    return 0.5 * (ladder(n, m, theta, phi, 1) - ladder(n, m, theta, phi, -1))


def harmonic_in_phi(out: Any, n: Any, m: Any, theta: Any, phi: Any, diff_n: Any = None) -> Any:
    """`i m Y`."""
    no_second(diff_n)
    return 1j * np.asarray(m) * out


def no_second(diff_n: Any) -> None:
    if diff_n:
        refused("sph_harm_y", "theta", "diff_n asks for derivatives already")()


def falling(n: Any, slope: Callable[[Any], Any]) -> Any:
    """A derivative that lowers the degree, zero for degree zero."""
    zero = np.equal(n, 0)
    return np.where(zero, 0, slope(np.where(zero, 1, n)))


def of_degree(name: str, slope: Callable[..., Any], *parameters: str) -> Rule:
    """An orthogonal polynomial, whose derivative `slope(n, *parameters, x)` is one of lower degree."""

    def partial(out: Any, n: Any, *others: Any) -> Any:
        return falling(n, lambda n: slope(n, *others))

    return elementwise(*(refused(name, parameter) for parameter in ("n", *parameters)), partial)


RULES: dict[Any, Rule] = {
    "scipy.special:exp1": elementwise(lambda out, x: -np.exp(-x) / x),
    "scipy.special:expi": elementwise(lambda out, x: np.exp(x) / x),
    "scipy.special:expn": elementwise(refused("expn", "n"), expn_slope),
    "scipy.special:sici": pair(sici_part),
    sici_part: elementwise(lambda out, x, part: np.cos(x) / x if part else np.sinc(x / PI)),
    "scipy.special:shichi": pair(shichi_part),
    shichi_part: elementwise(lambda out, x, part: np.cosh(x) / x if part else sinhc(x)),
    "scipy.special:fresnel": pair(fresnel_part),
    fresnel_part: elementwise(lambda out, z, part: (np.cos if part else np.sin)(PI / 2 * z * z)),
    "scipy.special:spence": elementwise(spence_slope),
    "scipy.special:lambertw": elementwise(lambda out, z, k=0, tol=1e-8: 1 / (z + np.exp(out))).on("z"),
    "scipy.special:wrightomega": elementwise(lambda out, z: out / (1 + out)),
    # elliptic integrals and functions
    "scipy.special:ellipk": elementwise(ellipk_slope),
    "scipy.special:ellipkm1": elementwise(lambda out, p: -(out - ellipd(1 - p)) / (2 * p)),
    "scipy.special:ellipe": elementwise(lambda out, m: -0.5 * ellipd(m)),
    ellipd: elementwise(ellipd_slope),
    "scipy.special:ellipkinc": elementwise(lambda out, phi, m: 1 / np.sqrt(1 - m * np.sin(phi) ** 2), ellipkinc_in_m),
    "scipy.special:ellipeinc": elementwise(lambda out, phi, m: np.sqrt(1 - m * np.sin(phi) ** 2), ellipeinc_in_m),
    "scipy.special:ellipj": composed(lambda u, m: tuple(ellipj_part(u, m, part=part) for part in range(4))),
    ellipj_part: elementwise(ellipj_slope, refused("ellipj", "m")),
    # hypergeometric and zeta functions
    "scipy.special:hyp2f1": elementwise(*(refused("hyp2f1", name) for name in "abc"), hyp2f1_slope),
    "scipy.special:hyp1f1": elementwise(
        refused("hyp1f1", "a"),
        refused("hyp1f1", "b"),
        lambda out, a, b, x: a / b * special.hyp1f1(a + 1, b + 1, x),
    ),
    "scipy.special:hyp0f1": elementwise(refused("hyp0f1", "v"), lambda out, v, z: special.hyp0f1(v + 1, z) / v),
    "scipy.special:hyperu": elementwise(
        refused("hyperu", "a"), refused("hyperu", "b"), lambda out, a, b, x: -a * special.hyperu(a + 1, b + 1, x)
    ),
    "scipy.special:zeta": elementwise(refused("zeta", "x"), zeta_in_q).on("x", "q", signature="x, q=None"),
    "scipy.special:sph_harm_y": elementwise(
        refused("sph_harm_y", "n"), refused("sph_harm_y", "m"), harmonic_in_theta, harmonic_in_phi
    ).on("n", "m", "theta", "phi", signature="n, m, theta, phi, *, diff_n=0", diff_n="it asks for derivatives already"),
    # polynomials
    "scipy.special:eval_legendre": of_degree(
        "eval_legendre", lambda n, x: (n + 1) / 2 * special.eval_jacobi(n - 1, 1, 1, x)
    ),
    "scipy.special:eval_chebyt": of_degree("eval_chebyt", lambda n, x: n * special.eval_chebyu(n - 1, x)),
    "scipy.special:eval_chebyu": of_degree("eval_chebyu", lambda n, x: 2 * special.eval_gegenbauer(n - 1, 2, x)),
    "scipy.special:eval_gegenbauer": of_degree(
        "eval_gegenbauer", lambda n, a, x: 2 * a * special.eval_gegenbauer(n - 1, a + 1, x), "alpha"
    ),
    "scipy.special:eval_jacobi": of_degree(
        "eval_jacobi",
        lambda n, a, b, x: (n + a + b + 1) / 2 * special.eval_jacobi(n - 1, a + 1, b + 1, x),
        "alpha",
        "beta",
    ),
    "scipy.special:eval_laguerre": of_degree("eval_laguerre", lambda n, x: -special.eval_genlaguerre(n - 1, 1, x)),
    "scipy.special:eval_genlaguerre": of_degree(
        "eval_genlaguerre", lambda n, a, x: -special.eval_genlaguerre(n - 1, a + 1, x), "alpha"
    ),
    "scipy.special:eval_hermite": of_degree("eval_hermite", lambda n, x: 2 * n * special.eval_hermite(n - 1, x)),
    "scipy.special:eval_hermitenorm": of_degree(
        "eval_hermitenorm", lambda n, x: n * special.eval_hermitenorm(n - 1, x)
    ),
}
