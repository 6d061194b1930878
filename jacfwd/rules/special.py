"""Rules of scipy.special, keyed by name: logistic and error functions, entropies, transforms of data.

Nothing is imported for them. Formulas: NIST Digital Library of Mathematical Functions, chapters 4, 6 and 7.
"""

import math
from typing import Any

import numpy as np

from jacfwd.primitive import Rule, composed, constant, elementwise, reduction
from jacfwd.rules.internal import held
from jacfwd.rules.lazy import special

__all__ = ["RULES"]

ROOT_PI = math.sqrt(math.pi)
ROOT_2PI = math.sqrt(2 * math.pi)
LN2, LN10, DEGREE = math.log(2), math.log(10), math.pi / 180


def polynomial(coefficients: list[float], x: Any) -> Any:
    """`sum_k c_k x^k`."""
    total: Any = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = total * x + c
    return total


def unless(singular: Any, weights: Any) -> Any:
    """Weights that are zero by convention where `singular` holds."""
    return np.where(singular, 0, weights)


def safe(singular: Any, x: Any) -> Any:
    """Operands with ones in place of those for which another formula is taken."""
    return np.where(singular, 1, x)


# Error functions and the normal distribution


def log_density(x: Any) -> Any:
    """The logarithm of the normal density."""
    return -0.5 * x * x - math.log(ROOT_2PI)


def owens_t_in_h(out: Any, h: Any, a: Any) -> Any:
    """`-exp(-h^2/2) erf(a h / sqrt 2) / (2 sqrt(2 pi))`."""
    return -0.5 / ROOT_2PI * np.exp(-0.5 * h * h) * special.erf(a * h / math.sqrt(2))


# Logarithms of data, their transforms and penalties


def xlogy_in_x(out: Any, x: Any, y: Any) -> Any:
    """`log y`, and 0 at (0, 0) where the function is 0 as well."""
    return unless(np.equal(x, 0) & np.equal(y, 0), np.log(y))


def quotient(x: Any, y: Any) -> Any:
    """`x / y`, and 0 where x is 0."""
    return unless(np.equal(x, 0), x / y)


def huber_in_delta(out: Any, delta: Any, r: Any) -> Any:
    """Nothing inside, `|r| - delta` outside."""
    return np.where(np.abs(r) > delta, np.abs(r) - delta, 0)


def huber_in_r(out: Any, delta: Any, r: Any) -> Any:
    """The residual, cut off at delta."""
    return np.where(np.abs(r) > delta, delta * np.sign(r), r)


def pseudo_huber_in_delta(out: Any, delta: Any, r: Any) -> Any:
    """`2 delta (s - 1) - r^2 / (delta s)` with `s = sqrt(1 + u^2)`, u = r / delta, without cancellation."""
    square = np.square(r / delta)
    s = np.sqrt(1 + square)
    return delta * square * (2 / (1 + s) - 1 / s)


POWER_SLOPE = [(k + 1) / math.factorial(k + 2) for k in range(20)]


def power_slope(t: Any) -> Any:
    """`(t e^t - e^t + 1) / t^2`, the derivative of exprel, by its series near 0."""
    near = np.abs(t) < 0.7
    far = safe(near, t)
    return np.where(near, polynomial(POWER_SLOPE, np.where(near, t, 0)), ((far - 1) * np.exp(far) + 1) / (far * far))


def boxcox_in_lambda(log: Any, lmbda: Any) -> Any:
    """The derivative of `(e^(lambda log) - 1) / lambda` by lambda."""
    return log * log * power_slope(lmbda * log)


ROOT_SLOPE = [(-1) ** (k + 1) * (k + 1) / (k + 2) for k in range(40)]


def inv_boxcox_in_lambda(power: Any, y: Any, lmbda: Any) -> Any:
    """`power y^2 (u / (1 + u) - log(1 + u)) / u^2` for u = lambda y, power = (1 + u)^(1 / lambda)."""
    u = lmbda * y
    near = np.abs(u) < 0.3
    far = safe(near, u)
    slope = np.where(near, polynomial(ROOT_SLOPE, np.where(near, u, 0)), (far / (1 + far) - np.log1p(far)) / far / far)
    return power * y * y * slope


# Sums of exponentials


def share(out: Any, a: Any, b: Any = None, **options: Any) -> Any:
    """The weight of a term of `log sum b exp(a)`: `b exp(a - out)`, one for an infinite one."""
    weights = np.where(np.equal(a, out), 1, np.exp(a - out)) if b is None else b * np.exp(a - out)
    return unless(np.equal(np.real(a), -np.inf), weights)


def softmax(x: Any, axis: Any = None) -> Any:
    """`scipy.special.softmax`; the shift by the largest changes nothing, so it has no derivative."""
    e = np.exp(x - held(np.max(x, axis=axis, keepdims=True)))
    return e / np.sum(e, axis=axis, keepdims=True)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """`scipy.special.log_softmax`, likewise."""
    largest = held(np.max(x, axis=axis, keepdims=True))
    shifted = x - np.where(np.isfinite(largest), largest, 0)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


RULES: dict[Any, Rule] = {
    # logistic functions
    "scipy.special:expit": elementwise(lambda out, x: out * (1 - out)),
    "scipy.special:logit": elementwise(lambda out, x: 1 / (x * (1 - x))),
    "scipy.special:log_expit": elementwise(lambda out, x: -np.expm1(out)),
    # error functions
    "scipy.special:erf": elementwise(lambda out, x: 2 / ROOT_PI * np.exp(-x * x)),
    "scipy.special:erfc": elementwise(lambda out, x: -2 / ROOT_PI * np.exp(-x * x)),
    "scipy.special:erfcx": elementwise(lambda out, x: 2 * x * out - 2 / ROOT_PI),
    "scipy.special:erfi": elementwise(lambda out, x: 2 / ROOT_PI * np.exp(x * x)),
    "scipy.special:erfinv": elementwise(lambda out, x: ROOT_PI / 2 * np.exp(out * out)),
    "scipy.special:erfcinv": elementwise(lambda out, x: -ROOT_PI / 2 * np.exp(out * out)),
    "scipy.special:wofz": elementwise(lambda out, x: -2 * x * out + 2j / ROOT_PI),
    "scipy.special:dawsn": elementwise(lambda out, x: 1 - 2 * x * out),
    "scipy.special:owens_t": elementwise(
        owens_t_in_h, lambda out, h, a: np.exp(-0.5 * h * h * (1 + a * a)) / (2 * math.pi * (1 + a * a))
    ),
    "scipy.special:ndtr": elementwise(lambda out, x: np.exp(log_density(x))),
    "scipy.special:log_ndtr": elementwise(lambda out, x: np.exp(log_density(x) - out)),
    "scipy.special:ndtri": elementwise(lambda out, p: np.exp(-log_density(out))),
    "scipy.special:ndtri_exp": elementwise(lambda out, y: np.exp(y - log_density(out))),
    # entropies and penalties
    "scipy.special:xlogy": elementwise(xlogy_in_x, lambda out, x, y: quotient(x, y)),
    "scipy.special:xlog1py": elementwise(
        lambda out, x, y: unless(np.equal(x, 0) & np.equal(y, -1), np.log1p(y)), lambda out, x, y: quotient(x, 1 + y)
    ),
    "scipy.special:entr": elementwise(lambda out, x: -np.log(x) - 1),
    "scipy.special:rel_entr": elementwise(lambda out, x, y: np.log(x / y) + 1, lambda out, x, y: -quotient(x, y)),
    "scipy.special:kl_div": elementwise(lambda out, x, y: np.log(x / y), lambda out, x, y: 1 - quotient(x, y)),
    "scipy.special:huber": elementwise(huber_in_delta, huber_in_r),
    "scipy.special:pseudo_huber": elementwise(
        pseudo_huber_in_delta, lambda out, delta, r: r / np.sqrt(1 + np.square(r / delta))
    ),
    # powers, exponentials, angles
    "scipy.special:boxcox": elementwise(
        lambda out, x, lmbda: np.power(x, lmbda - 1), lambda out, x, lmbda: boxcox_in_lambda(np.log(x), lmbda)
    ),
    "scipy.special:boxcox1p": elementwise(
        lambda out, x, lmbda: np.power(1 + x, lmbda - 1), lambda out, x, lmbda: boxcox_in_lambda(np.log1p(x), lmbda)
    ),
    "scipy.special:inv_boxcox": elementwise(
        lambda out, y, lmbda: np.power(out, 1 - lmbda), lambda out, y, lmbda: inv_boxcox_in_lambda(out, y, lmbda)
    ),
    "scipy.special:inv_boxcox1p": elementwise(
        lambda out, y, lmbda: np.power(out + 1, 1 - lmbda),
        lambda out, y, lmbda: inv_boxcox_in_lambda(out + 1, y, lmbda),
    ),
    "scipy.special:exprel": elementwise(lambda out, x: power_slope(x)),
    "scipy.special:expm1": elementwise(lambda out, x: np.exp(x)),
    "scipy.special:log1p": elementwise(lambda out, x: 1 / (1 + x)),
    "scipy.special:cosm1": elementwise(lambda out, x: -np.sin(x)),
    "scipy.special:exp2": elementwise(lambda out, x: LN2 * out),
    "scipy.special:exp10": elementwise(lambda out, x: LN10 * out),
    "scipy.special:cbrt": elementwise(lambda out, x: 1 / (3 * out * out)),
    "scipy.special:sindg": elementwise(lambda out, x: DEGREE * special.cosdg(x)),
    "scipy.special:cosdg": elementwise(lambda out, x: -DEGREE * special.sindg(x)),
    "scipy.special:tandg": elementwise(lambda out, x: DEGREE * (1 + out * out)),
    "scipy.special:cotdg": elementwise(lambda out, x: -DEGREE * (1 + out * out)),
    "scipy.special:round": constant(),
    # sums of exponentials
    "scipy.special:logsumexp": reduction(share).on(
        "a",
        signature="a, axis=None, b=None, keepdims=False, return_sign=False",
        return_sign="the sign has no derivative; take np.sign of the sum",
    ),
    "scipy.special:softmax": composed(softmax),
    "scipy.special:log_softmax": composed(log_softmax),
}
