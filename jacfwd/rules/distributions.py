"""Rules of scipy.stats: densities, distribution functions and quantiles of distributions, in variable and parameters.

SciPy computes the values; location and scale are arithmetic. What a distribution function or a quantile does when its
variable changes, its density says, so that holds for every distribution. For the densities, and for shape parameters,
the table has a line for each distribution that it knows:

* the *score*: the derivatives of the logarithm of the density by the variable and by each shape;
* the *drift*: where the distribution function is `G(h(x, s))`, the quotient of the derivatives of h by s and by x.
  A distribution function changes by the density times that, a quantile by its negative.

Formulas: N. Johnson, S. Kotz and N. Balakrishnan, Continuous Univariate Distributions, 1994; the densities are those
that SciPy's documentation states.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.base import Format
from jacfwd.formats.dispatch import as_array, dispatched, is_plain
from jacfwd.formats.entries import diagonal
from jacfwd.primitive import Call, Rule, composed, constant, local_rule
from jacfwd.rules.lazy import special

__all__ = ["CONTINUOUS", "DISCRETE", "RULES"]

Partial = Callable[..., Any]


@dataclasses.dataclass(frozen=True)
class Known:
    """What is known of a distribution: its score, and its drift in each shape; None for what has no closed form."""

    score: tuple[Partial | None, ...]
    drift: tuple[Partial | None, ...] = ()


def digamma(x: Any) -> Any:
    """The logarithmic derivative of the gamma function."""
    return special.psi(x)


def hazard(t: Any) -> Any:
    """The normal density over the normal distribution function."""
    return np.exp(-0.5 * t * t - 0.5 * math.log(2 * math.pi) - special.log_ndtr(t))


def log_ratio(x: Any, c: Any) -> Any:
    """`x log x / c`: the drift of every function of `x^c`."""
    return x * np.log(x) / c


def t_in_df(x: Any, df: Any) -> Any:
    """By the degrees of freedom of Student's t."""
    square = x * x / df
    gammas = digamma((df + 1) / 2) - digamma(df / 2)
    return 0.5 * (gammas - 1 / df - np.log1p(square) + (1 + 1 / df) * square / (1 + square))


def f_in_dfn(x: Any, m: Any, n: Any) -> Any:
    """By the first degrees of freedom of F."""
    gammas = digamma((m + n) / 2) - digamma(m / 2)
    return 0.5 * (gammas + np.log(m * x / (n + m * x)) + 1 - (m + n) * x / (n + m * x))


def f_in_dfd(x: Any, m: Any, n: Any) -> Any:
    """By the second degrees of freedom of F."""
    gammas = digamma((m + n) / 2) - digamma(n / 2)
    return 0.5 * (gammas - m / n - np.log1p(m * x / n) + (m + n) * m * x / (n * (n + m * x)))


CONTINUOUS: dict[str, Known] = {
    "arcsine": Known((lambda x: 0.5 / (1 - x) - 0.5 / x,)),
    "beta": Known(
        (
            lambda x, a, b: (a - 1) / x - (b - 1) / (1 - x),
            lambda x, a, b: np.log(x) - digamma(a) + digamma(a + b),
            lambda x, a, b: np.log1p(-x) - digamma(b) + digamma(a + b),
        )
    ),
    "cauchy": Known((lambda x: -2 * x / (1 + x * x),)),
    "chi": Known(
        (
            lambda x, df: (df - 1) / x - x,
            lambda x, df: np.log(x) - 0.5 * math.log(2) - 0.5 * digamma(df / 2),
        )
    ),
    "chi2": Known((lambda x, df: (df / 2 - 1) / x - 0.5, lambda x, df: 0.5 * (np.log(x / 2) - digamma(df / 2)))),
    "erlang": Known((lambda x, a: (a - 1) / x - 1, lambda x, a: np.log(x) - digamma(a))),
    "expon": Known((lambda x: -np.ones_like(x),)),
    "f": Known(
        (lambda x, m, n: (m / 2 - 1) / x - (m + n) / 2 * m / (n + m * x), f_in_dfn, f_in_dfd),
    ),
    "fisk": Known(
        (
            lambda x, c: (c - 1) / x - 2 * c / x * special.expit(c * np.log(x)),
            lambda x, c: 1 / c + np.log(x) * (1 - 2 * special.expit(c * np.log(x))),
        ),
        (log_ratio,),
    ),
    "gamma": Known((lambda x, a: (a - 1) / x - 1, lambda x, a: np.log(x) - digamma(a))),
    "gumbel_l": Known((lambda x: -np.expm1(x),)),
    "gumbel_r": Known((lambda x: np.expm1(-x),)),
    "halfcauchy": Known((lambda x: -2 * x / (1 + x * x),)),
    "halflogistic": Known((lambda x: -np.tanh(x / 2),)),
    "halfnorm": Known((lambda x: -x,)),
    "hypsecant": Known((lambda x: -np.tanh(x),)),
    "invgamma": Known((lambda x, a: (1 / x - a - 1) / x, lambda x, a: -np.log(x) - digamma(a))),
    "invgauss": Known(
        (
            lambda x, mu: -1.5 / x - 0.5 / (mu * mu) + 0.5 / (x * x),
            lambda x, mu: (x - mu) / (mu * mu * mu),
        )
    ),
    "invweibull": Known(
        (
            lambda x, c: (c * np.power(x, -c) - c - 1) / x,
            lambda x, c: 1 / c - np.log(x) * (1 - np.power(x, -c)),
        ),
        (log_ratio,),
    ),
    "laplace": Known((lambda x: -np.sign(x),)),
    "levy": Known((lambda x: (0.5 / x - 1.5) / x,)),
    "logistic": Known((lambda x: -np.tanh(x / 2),)),
    "lognorm": Known(
        (
            lambda x, s: -(1 + np.log(x) / (s * s)) / x,
            lambda x, s: (np.square(np.log(x) / s) - 1) / s,
        ),
        (lambda x, s: -log_ratio(x, s),),
    ),
    "lomax": Known(
        (lambda x, c: -(c + 1) / (1 + x), lambda x, c: 1 / c - np.log1p(x)),
        (lambda x, c: (1 + x) * np.log1p(x) / c,),
    ),
    "maxwell": Known((lambda x: 2 / x - x,)),
    "norm": Known((lambda x: -x,)),
    "pareto": Known((lambda x, b: -(b + 1) / x, lambda x, b: 1 / b - np.log(x)), (log_ratio,)),
    "powerlaw": Known((lambda x, a: (a - 1) / x, lambda x, a: 1 / a + np.log(x)), (log_ratio,)),
    "rayleigh": Known((lambda x: 1 / x - x,)),
    "skewnorm": Known((lambda x, a: a * hazard(a * x) - x, lambda x, a: x * hazard(a * x))),
    "t": Known((lambda x, df: -x * (1 + 1 / df) / (1 + x * x / df), t_in_df)),
    "triang": Known(
        (
            lambda x, c: np.where(x < c, 1 / x, -1 / (1 - x)),
            lambda x, c: np.where(x < c, -1 / c, 1 / (1 - c)),
        )
    ),
    "uniform": Known((lambda x: np.zeros_like(x),)),
    "weibull_max": Known(
        (
            lambda x, c: (c - 1 - c * np.power(-x, c)) / x,
            lambda x, c: 1 / c + np.log(-x) * (1 - np.power(-x, c)),
        ),
        (lambda x, c: x * np.log(-x) / c,),
    ),
    "weibull_min": Known(
        (
            lambda x, c: (c - 1 - c * np.power(x, c)) / x,
            lambda x, c: 1 / c + np.log(x) * (1 - np.power(x, c)),
        ),
        (log_ratio,),
    ),
}

# What is known by quadrature or differences only: its density is no derivative to rounding.
APPROXIMATE = frozenset({"levy_stable", "studentized_range", "vonmises_fisher"})


def is_scipys(dist: Any) -> bool:
    """Whether a distribution is one of SciPy's own, with a density of its own."""
    home = type(dist).__module__
    own = any(name in vars(cls) for cls in type(dist).__mro__[:-1] for name in ("_pdf", "_logpdf", "_pmf", "_logpmf")
              if cls.__name__ not in ("rv_continuous", "rv_discrete", "rv_generic"))  # fmt: skip
    return home.startswith("scipy.stats.") and own and dist.name not in APPROXIMATE


def without(dist: Any, kind: str, parameter: str) -> UnsupportedFunctionError:
    """The error for a derivative that is not known."""
    return UnsupportedFunctionError(
        f"scipy.stats: {getattr(dist, 'name', dist)}.{kind} has no known derivative with respect to {parameter}; hold "
        "it constant, or write the formula with NumPy and scipy.special"
    )


@dispatched
def standard(x: Any, *shapes: Any, dist: Any, kind: str) -> Any:
    """A function of a distribution with location 0 and scale 1, by the method's name."""
    return getattr(dist, kind)(x, *shapes)


def shape_name(dist: Any, k: int) -> str:
    """What SciPy calls the k-th shape."""
    return f"'{dist.shapes.split(',')[k].strip()}'"


def known(dist: Any) -> Known:
    """The line of the table, empty where there is none."""
    n = len(dist.shapes.split(",")) if dist.shapes else 0
    return CONTINUOUS.get(dist.name, Known(()) if n else Known((None,)))


def score(call: Call, k: int) -> Any:
    """The derivative of the logarithm of the density by the variable (k = 0) or a shape."""
    dist, kind = call.params["dist"], call.params["kind"]
    partials = known(dist).score
    partial = partials[k] if k < len(partials) else None
    if partial is None:
        raise without(dist, kind, "its variable" if k == 0 else shape_name(dist, k - 1))
    return partial(*call.operands)


def drift(call: Call, k: int, x: Any) -> Any:
    """The negative of what holds the distribution function as a shape changes, at x."""
    dist, kind = call.params["dist"], call.params["kind"]
    drifts = known(dist).drift
    partial = drifts[k - 1] if k - 1 < len(drifts) else None
    if partial is None:
        raise without(dist, kind, shape_name(dist, k - 1))
    return partial(x, *call.operands[1:])


def continuous_local(call: Call, k: int) -> Format:
    """Densities by their score, distribution functions and quantiles by density and drift."""
    dist, kind = call.params["dist"], call.params["kind"]
    x, shapes, out = call.operands[0], call.operands[1:], call.out

    def density(kind: str, at: Any) -> Any:
        return standard(at, *shapes, dist=dist, kind=kind)

    sign = -1 if kind in ("sf", "logsf", "isf") else 1
    if kind == "pdf":
        weights = np.where(np.equal(out, 0), 0, out * score(call, k))
    elif kind == "logpdf":
        weights = np.where(np.equal(out, -np.inf), 0, score(call, k))
    elif kind in ("ppf", "isf"):
        weights = sign / density("pdf", out) if k == 0 else -drift(call, k, out)
    else:
        weights = density("pdf", x) if kind in ("cdf", "sf") else np.exp(density("logpdf", x) - out)
        weights = sign * weights
        if k:
            # Outside the support there is no drift, though its formula may say nan.
            weights = np.where(np.equal(weights, 0), 0, weights * drift(call, k, x))
    return diagonal(weights, call.shape(k), call.out_shape)


def method(kind: str) -> Rule:
    """A method of continuous distributions: location and scale around the standard one."""

    def function(self: Any, x: Any, *args: Any, **kwds: Any) -> Any:
        if not is_scipys(self):
            raise without(self, kind, "anything (it is no distribution of SciPy's with a closed density)")
        shapes, loc, scale = self._parse_args(*args, **kwds)
        x, shapes = as_array(x), tuple(as_array(s) for s in shapes)
        quantile = kind in ("ppf", "isf")
        moved = not (is_plain(loc, scale) and np.ndim(loc) == np.ndim(scale) == 0 and loc == 0 and scale == 1)
        if not moved:
            return standard(x, *shapes, dist=self, kind=kind)
        loc, scale = as_array(loc), as_array(scale)
        out = standard(x if quantile else (x - loc) / scale, *shapes, dist=self, kind=kind)
        if quantile:
            out = out * scale + loc
        elif kind == "pdf":
            out = out / scale
        elif kind == "logpdf":
            out = out - np.log(scale)
        return out if is_plain(scale) and np.all(scale > 0) else np.where(np.greater(scale, 0), out, np.nan)

    return composed(function)


# Discrete distributions: the variable counts, so only shapes have derivatives


def below(k: Any, values: Any) -> Any:
    """Values where anything is counted, zero below."""
    return np.where(np.less(k, 0), 0, values)


def binomial_step(k: Any, n: Any, p: Any) -> Any:
    """`-n` times the probability of k among n - 1, by that of k among n."""
    inside = np.greater_equal(k, 0) & np.less(k, n)
    at, of = np.where(inside, k, 0), np.where(inside, n, 1)
    log = special.gammaln(of + 1) - special.gammaln(at + 1) - special.gammaln(of - at)
    return np.where(inside, -np.exp(log + special.xlogy(at, p) + special.xlog1py(of - 1 - at, -p)), 0)


def poisson_step(k: Any, mu: Any) -> Any:
    """Minus the probability of k."""
    at = np.where(np.less(k, 0), 0, k)
    return below(k, -np.exp(special.xlogy(at, mu) - mu - special.gammaln(at + 1)))


def nbinom_step(k: Any, n: Any, p: Any) -> Any:
    """`p^(n-1) (1-p)^k / B(n, k + 1)`."""
    at = np.where(np.less(k, 0), 0, k)
    log = special.xlogy(n - 1, p) + special.xlog1py(at, -p) - special.betaln(n, at + 1)
    return below(k, np.exp(log))


DISCRETE: dict[str, tuple[tuple[Partial | None, ...], tuple[Partial | None, ...]]] = {
    # of the logarithm of the probability by each shape; of the distribution function, with k rounded down
    "bernoulli": (
        (lambda k, p: k / p - (1 - k) / (1 - p),),
        (lambda k, p: np.where(np.equal(k, 0), -1.0, 0.0) * np.ones_like(p),),
    ),
    "binom": ((None, lambda k, n, p: k / p - (n - k) / (1 - p)), (None, binomial_step)),
    "geom": (
        (lambda k, p: 1 / p - (k - 1) / (1 - p),),
        (lambda k, p: np.where(np.less(k, 1), 0, k * np.exp(special.xlog1py(k - 1, -p))),),
    ),
    "nbinom": (
        (
            lambda k, n, p: digamma(k + n) - digamma(n) + np.log(p),
            lambda k, n, p: n / p - k / (1 - p),
        ),
        (None, nbinom_step),
    ),
    "poisson": ((lambda k, mu: k / mu - 1,), (poisson_step,)),
}


@dispatched
def counted(k: Any, *shapes: Any, dist: Any, kind: str) -> Any:
    """A function of a discrete distribution at location 0, by the method's name."""
    return getattr(dist, kind)(k, *shapes)


def discrete_local(call: Call, k: int) -> Format | None:
    """Zero in the variable; by the table in the shapes."""
    dist, kind, out = call.params["dist"], call.params["kind"], call.out
    if k == 0:
        return None
    of_mass, of_sum = DISCRETE.get(dist.name, ((), ()))
    partials = of_mass if kind.endswith("pmf") else of_sum
    partial = partials[k - 1] if k - 1 < len(partials) else None
    if partial is None:
        raise without(dist, kind, shape_name(dist, k - 1))
    if kind.endswith("pmf"):
        weights = partial(*call.operands)
        weights = np.where(np.equal(out, 0), 0, out * weights) if kind == "pmf" else weights
        weights = np.where(np.equal(out, -np.inf), 0, weights) if kind == "logpmf" else weights
    else:
        weights = partial(np.floor(call.operands[0]), *call.operands[1:])
        weights = -weights if kind in ("sf", "logsf") else weights
        weights = weights * np.exp(-out) if kind.startswith("log") else weights
    return diagonal(weights, call.shape(k), call.out_shape)


def counting(kind: str) -> Rule:
    """A method of discrete distributions: location around the standard one."""

    def function(self: Any, k: Any, *args: Any, **kwds: Any) -> Any:
        if not is_scipys(self):
            raise without(self, kind, "anything (it is no distribution of SciPy's with closed probabilities)")
        shapes, loc, _ = self._parse_args(*args, **kwds)
        k, shapes = as_array(k), tuple(as_array(s) for s in shapes)
        k = k if is_plain(loc) and np.ndim(loc) == 0 and loc == 0 else k - as_array(loc)
        return counted(k, *shapes, dist=self, kind=kind)

    return composed(function)


# The normal distribution in several dimensions


def normal_logpdf(self: Any, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    """`-(n log(2 pi) + log det C + d^T C^-1 d) / 2` with d = x - mean."""
    if allow_singular or hasattr(cov, "whiten"):
        raise UnsupportedFunctionError(
            "multivariate_normal: allow_singular=True and Covariance objects have no derivative rule; give the matrix"
        )
    cov, x = as_array(cov), as_array(x)
    n = np.shape(cov)[-1] if np.ndim(cov) else np.size(mean) if mean is not None else 1
    if np.ndim(cov) < 2:
        cov = np.diag(np.broadcast_to(cov, (n,)) if np.ndim(cov) == 0 or n == 1 else cov)
    mean = np.zeros(n) if mean is None else np.reshape(as_array(mean), (n,))
    points = x if np.ndim(x) and np.shape(x)[-1] == n else np.reshape(x, (*np.shape(x), 1))
    if n == 1 and np.ndim(x) == 1:
        points = np.reshape(x, (-1, 1))
    d = points - mean
    rows = np.reshape(d, (-1, n))
    square = np.sum(rows * np.transpose(np.linalg.solve(cov, np.transpose(rows))), axis=-1)
    out = -0.5 * (n * math.log(2 * math.pi) + np.linalg.slogdet(cov)[1] + square)
    return np.squeeze(np.reshape(out, np.shape(d)[:-1]))[()]


def normal_pdf(self: Any, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    """The exponential of its logarithm."""
    return np.exp(normal_logpdf(self, x, mean, cov, allow_singular))


KINDS = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf")
COUNTS = ("pmf", "logpmf", "cdf", "logcdf", "sf", "logsf")
NORMAL = "scipy.stats._multivariate:multivariate_normal"

RULES: dict[Any, Rule] = {
    standard: local_rule(continuous_local),
    counted: local_rule(discrete_local),
    **{f"scipy.stats:rv_continuous.{kind}": method(kind) for kind in KINDS},
    **{f"scipy.stats:rv_discrete.{kind}": counting(kind) for kind in COUNTS},
    # quantiles of what is counted are steps
    "scipy.stats:rv_discrete.ppf": constant().on("q", signature="self, q, *args, **kwds"),
    f"{NORMAL}_gen.logpdf": composed(normal_logpdf),
    f"{NORMAL}_gen.pdf": composed(normal_pdf),
    f"{NORMAL}_frozen.logpdf": composed(
        lambda self, x: normal_logpdf(self, x, self.mean, self.cov, self.allow_singular)
    ),
    f"{NORMAL}_frozen.pdf": composed(lambda self, x: normal_pdf(self, x, self.mean, self.cov, self.allow_singular)),
}
