"""Rules of scipy.special for gamma and beta functions, and the distributions that are made of them.

Formulas: NIST Digital Library of Mathematical Functions, chapters 5 and 8.
"""

import math
from typing import Any

import numpy as np

from jacfwd.primitive import Rule, composed, constant, elementwise
from jacfwd.rules.lazy import refused, special

__all__ = ["RULES"]

PI = math.pi


def trigamma(x: Any) -> Any:
    """The derivative of digamma: `polygamma(1, x)`; complex arguments have none in SciPy."""
    if np.iscomplexobj(x):
        return refused("digamma", "z", "SciPy has no trigamma function of complex numbers")()
    return special.polygamma(1, x)


def rgamma_slope(out: Any, x: Any) -> Any:
    """`-psi(x) / gamma(x)`, at the poles of gamma `(-1)^n n!` for x = -n."""
    pole = np.equal(x, np.rint(np.real(x))) & np.less_equal(np.real(x), 0)
    n = np.where(pole, -np.real(x), 0)
    regular = -special.psi(np.where(pole, 1, x)) * out
    return np.where(pole, np.cos(PI * n) * special.gamma(n + 1), regular)


# Densities, through their logarithms


def gamma_density(a: Any, x: Any) -> Any:
    """`x^(a-1) e^-x / gamma(a)`."""
    return np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """`x^(a-1) (1 - x)^(b-1) / B(a, b)`."""
    return np.exp(special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b))


def student_density(df: Any, t: Any) -> Any:
    """Student's density with df degrees of freedom."""
    log = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - 0.5 * np.log(df * PI)
    return np.exp(log - (df + 1) / 2 * np.log1p(t * t / df))


def fisher_density(d1: Any, d2: Any, x: Any) -> Any:
    """The density of Fisher's F with d1 and d2 degrees of freedom."""
    log = 0.5 * (special.xlogy(d1, d1) + special.xlogy(d2, d2)) + special.xlogy(d1 / 2 - 1, x)
    return np.exp(log - (d1 + d2) / 2 * np.log(d1 * x + d2) - special.betaln(d1 / 2, d2 / 2))


def of_last(function: str, names: str, density: Any, sign: int = 1) -> Rule:
    """A distribution function: its derivative by the last operand is a density, by its parameters unknown."""
    *parameters, _ = names.split()

    def last(out: Any, *operands: Any) -> Any:
        return sign * density(*operands)

    return elementwise(*(refused(function, name) for name in parameters), last)


def quantile(function: str, names: str, density: Any, sign: int = 1) -> Rule:
    """An inverse distribution function: one over the density there."""
    *parameters, _ = names.split()

    def last(out: Any, *operands: Any) -> Any:
        return sign / density(*operands[:-1], out)

    return elementwise(*(refused(function, name) for name in parameters), last)


# Counting


def multigammaln(a: Any, d: int) -> Any:
    """`log Gamma_d(a)` as the sum that it is."""
    constant_term = 0.25 * d * (d - 1) * math.log(PI)
    return constant_term + sum(special.gammaln(a - 0.5 * j) for j in range(d))


def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    """`scipy.special.comb` of real numbers: zero outside `0 <= k <= N`."""
    if exact:
        refused("comb", "N", "exact=True counts with integers; leave it out")()
    if repetition:
        N = N + k - 1
    inside = np.less_equal(k, N) & np.greater_equal(N, 0) & np.greater_equal(k, 0)
    return np.where(inside, special.binom(N, k), 0.0)[()]


def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    """`scipy.special.factorial` as a gamma function, zero for negative numbers."""
    if exact:
        refused("factorial", "n", "exact=True counts with integers; leave it out")()
    if extend != "zero":
        refused("factorial", "n", "write scipy.special.gamma(n + 1)")()
    return np.where(np.greater_equal(n, 0), special.gamma(n + 1), 0.0)[()]


RULES: dict[Any, Rule] = {
    "scipy.special:gamma": elementwise(lambda out, x: out * special.psi(x)),
    "scipy.special:gammaln": elementwise(lambda out, x: special.psi(x)),
    "scipy.special:loggamma": elementwise(lambda out, x: special.psi(x)),
    "scipy.special:gammasgn": constant(),
    "scipy.special:rgamma": elementwise(rgamma_slope),
    "scipy.special:psi": elementwise(lambda out, x: trigamma(x)),
    "scipy.special:polygamma": elementwise(
        refused("polygamma", "n"), lambda out, n, x: special.polygamma(np.asarray(n) + 1, x)
    ).on("n", "x"),
    "scipy.special:multigammaln": composed(multigammaln),
    "scipy.special:poch": elementwise(
        lambda out, z, m: out * (special.psi(z + m) - special.psi(z)), lambda out, z, m: out * special.psi(z + m)
    ),
    "scipy.special:beta": elementwise(
        lambda out, a, b: out * (special.psi(a) - special.psi(a + b)),
        lambda out, a, b: out * (special.psi(b) - special.psi(a + b)),
    ),
    "scipy.special:betaln": elementwise(
        lambda out, a, b: special.psi(a) - special.psi(a + b), lambda out, a, b: special.psi(b) - special.psi(a + b)
    ),
    "scipy.special:binom": elementwise(
        lambda out, n, k: out * (special.psi(n + 1) - special.psi(n - k + 1)),
        lambda out, n, k: out * (special.psi(n - k + 1) - special.psi(k + 1)),
    ),
    "scipy.special:comb": composed(comb),
    "scipy.special:factorial": composed(factorial),
    # incomplete functions
    "scipy.special:gammainc": of_last("gammainc", "a x", gamma_density),
    "scipy.special:gammaincc": of_last("gammaincc", "a x", gamma_density, -1),
    "scipy.special:gammaincinv": quantile("gammaincinv", "a y", gamma_density),
    "scipy.special:gammainccinv": quantile("gammainccinv", "a y", gamma_density, -1),
    "scipy.special:betainc": of_last("betainc", "a b x", beta_density),
    "scipy.special:betaincc": of_last("betaincc", "a b x", beta_density, -1),
    "scipy.special:betaincinv": quantile("betaincinv", "a b y", beta_density),
    "scipy.special:betainccinv": quantile("betainccinv", "a b y", beta_density, -1),
    # distributions
    "scipy.special:chdtr": of_last("chdtr", "v x", lambda v, x: 0.5 * gamma_density(v / 2, x / 2)),
    "scipy.special:chdtrc": of_last("chdtrc", "v x", lambda v, x: 0.5 * gamma_density(v / 2, x / 2), -1),
    "scipy.special:chdtri": quantile("chdtri", "v p", lambda v, x: 0.5 * gamma_density(v / 2, x / 2), -1),
    "scipy.special:gdtr": elementwise(
        lambda out, a, b, x: x * gamma_density(b, a * x),
        refused("gdtr", "b"),
        lambda out, a, b, x: a * gamma_density(b, a * x),
    ),
    "scipy.special:gdtrc": elementwise(
        lambda out, a, b, x: -x * gamma_density(b, a * x),
        refused("gdtrc", "b"),
        lambda out, a, b, x: -a * gamma_density(b, a * x),
    ),
    "scipy.special:stdtr": of_last("stdtr", "df t", student_density),
    "scipy.special:stdtrit": quantile("stdtrit", "df p", student_density),
    "scipy.special:fdtr": of_last("fdtr", "dfn dfd x", fisher_density),
    "scipy.special:fdtrc": of_last("fdtrc", "dfn dfd x", fisher_density, -1),
    "scipy.special:fdtri": quantile("fdtri", "dfn dfd p", fisher_density),
    "scipy.special:pdtr": elementwise(None, lambda out, k, m: -gamma_density(np.floor(k) + 1, m)),
    "scipy.special:pdtrc": elementwise(None, lambda out, k, m: gamma_density(np.floor(k) + 1, m)),
    "scipy.special:bdtr": elementwise(
        None, refused("bdtr", "n"), lambda out, k, n, p: -beta_density(np.floor(k) + 1, n - np.floor(k), p)
    ),
    "scipy.special:bdtrc": elementwise(
        None, refused("bdtrc", "n"), lambda out, k, n, p: beta_density(np.floor(k) + 1, n - np.floor(k), p)
    ),
}
