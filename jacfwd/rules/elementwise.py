"""Elementwise functions: partial derivatives, one per operand, given the output and the operands.

Weights are kept small, for they broadcast: the Python integers 1 and -1 pass through and negate, booleans are
masks, and Python floats leave the dtype of float32 alone. Where no derivative exists the conventions of the
documentation hold; each exception is a `where` whose other branch is strong zero, so that it holds for second
derivatives too.
"""

import math
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import is_plain
from jacfwd.primitive import Rule, elementwise, wirtinger
from jacfwd.rules.angles import cosine, sine

__all__ = ["RULES"]

LN2, LN10 = math.log(2), math.log(10)
DEGREE = math.pi / 180

# d sinc / du = sum_k (-1)^k 2k u^(2k-1) / (2k+1)! for u = pi x, as a polynomial in u^2 times u.
SINC_SLOPE = [(-1) ** k * 2 * k / math.factorial(2 * k + 1) for k in range(1, 9)]


def reals(x: Any, on_real: Any, on_complex: Any) -> Any:
    """One formula for real operands, another for complex ones, where rounding or branch cuts ask for it."""
    return on_complex(x) if np.iscomplexobj(x) else on_real(x)


def unless(singular: Any, weights: Any) -> Any:
    """Weights that are zero by convention where `singular` holds."""
    return np.where(singular, 0, weights)


# Quotients and powers


def inverse(y: Any) -> Any:
    """`1 / y`; a Python number stays one, so that it leaves the dtype of others alone."""
    return 1 / y if type(y) in (int, float) and y else np.divide(1, y)


def logarithm(x: Any) -> Any:
    """`log x`, likewise."""
    return math.log(x) if type(x) in (int, float) and x > 0 else np.log(x)


def power_in_base(x: Any, y: Any, power: Any) -> Any:
    """`y x^(y-1)`, and 0 for `0^0` and `nan^0`; exponents that are one constant number keep it cheap.

    Only there: elsewhere `x^0` has the mixed second derivative 1/x.
    """
    if np.ndim(y) or not is_plain(y):
        somewhere = np.greater(np.abs(x), 0)
        return unless(np.equal(y, 0) & np.logical_not(somewhere), y * power(x, y - 1))
    if y == 0:
        return 0
    if y == 1:
        return 1
    return 2 * x if y == 2 else y * power(x, y - 1)


def power_in_exponent(out: Any, x: Any, y: Any) -> Any:
    """`x^y log x`, and 0 for `0^y` where y >= 0."""
    negative_too = np.iscomplexobj(y) and not np.iscomplexobj(x)
    slope = out * logarithm(x + 0j if negative_too else x)
    if is_plain(x) and np.all(x):
        return slope
    return unless(np.equal(x, 0) & np.greater_equal(np.real(y), 0), slope)


# Choices: ties share equally


def shared(taken: Any, x: Any, y: Any, out: Any) -> Any:
    """The weight of the operand that was `taken`: one half where both are equal."""
    tie = np.equal(x, y)
    if is_plain(tie) and not np.any(tie):
        return taken
    return np.where(tie, out.dtype.type(0.5), taken)


def choice(better: Any, decides: Any) -> Rule:
    """A choice between two operands; `decides(x, y)` tells where a nan settles it in favour of the first.

    The second operand is taken exactly where the first is not, ties aside.
    """

    def first(x: Any, y: Any) -> Any:
        return better(x, y) | decides(x, y)

    return elementwise(
        lambda out, x, y: shared(first(x, y), x, y, out),
        lambda out, x, y: shared(np.logical_not(first(x, y)), x, y, out),
    )


def nan_first(x: Any, y: Any) -> Any:
    """maximum, minimum: a nan wins, the first one of two."""
    return np.isnan(x)


def nan_last(x: Any, y: Any) -> Any:
    """fmax, fmin: a nan loses, and of two the first one is the result."""
    return np.isnan(y)


def truth(condition: Any) -> Any:
    """A condition as a mask."""
    return condition if getattr(condition, "dtype", None) == np.bool_ else np.not_equal(condition, 0)


# Angles, lengths, logarithms of sums


def is_finite(values: Any) -> bool:
    """Whether plain values are finite, so that limits at infinity need no thought."""
    return is_plain(values) and bool(np.all(np.isfinite(values)))


def arctan2_weight(leg: Any, y: Any, x: Any) -> Any:
    """`leg / (x^2 + y^2)` without overflow, 0 at the origin and where either is infinite."""
    length = np.hypot(x, y)
    weight = unless(np.equal(length, 0), leg / length / length)
    if is_finite(length):
        return weight
    return unless(np.isinf(length) & np.logical_not(np.isnan(x) | np.isnan(y)), weight)


def hypot_weight(out: Any, leg: Any, other: Any) -> Any:
    """`leg / hypot`, 0 at the origin; an infinite leg beside a finite one counts by itself."""
    weight = unless(np.equal(out, 0), leg / out)
    if is_finite(out):
        return weight
    return np.where(np.isinf(leg) & np.isfinite(other), np.sign(leg), weight)


def logaddexp_weight(x: Any, y: Any, exp: Any) -> Any:
    """`e^x / (e^x + e^y)` from the difference alone; equal infinities share equally."""
    gap = unless(np.isinf(x) & np.equal(x, y), np.subtract(y, x))
    return 1 / (1 + exp(gap))


def sinc_slope(out: Any, x: Any) -> Any:
    """`(cos(pi x) - sinc x) / x`, by its series near 0 where the difference cancels."""
    u = math.pi * x
    series: Any = SINC_SLOPE[-1]
    for coefficient in reversed(SINC_SLOPE[:-1]):
        series = series * (u * u) + coefficient
    return np.where(np.abs(u) < 0.5, math.pi * u * series, (np.cos(u) - out) / x)


# Complex parts


def sign_weight(out: Any, x: Any) -> Any:
    """Zero for real operands; `z/|z|` turns with z: `(dz - sign^2 conj(dz)) / (2 |z|)`, 0 at 0."""
    if not np.iscomplexobj(x):
        return None
    turn = unless(np.equal(x, 0), 0.5 / np.abs(x))
    return wirtinger(turn, -out * out * turn)


def absolute_weight(out: Any, x: Any) -> Any:
    """The sign, 0 at 0; `Re(conj(sign) dz)` for complex operands."""
    if not np.iscomplexobj(x):
        return np.sign(x)
    half = 0.5 * np.sign(x)
    return wirtinger(np.conjugate(half), half)


def parts(test: Any, x: Any) -> Any:
    """What `test` says of the real and the imaginary part, as weights of the pair `(v, conj v)`."""
    if not np.iscomplexobj(x):
        return test(x)
    real, imag = test(np.real(x)) * 0.5, test(np.imag(x)) * 0.5
    return wirtinger(real + imag, real - imag)


def filled(test: Any, x: Any) -> Any:
    """Where a fill value was put in, for one or both parts."""
    return test(np.real(x)) + 1j * test(np.imag(x)) if np.iscomplexobj(x) else test(x)


def i1(x: Any) -> Any:
    """The derivative of `i0`; SciPy's special functions are loaded when first needed."""
    from scipy import special

    return special.i1(x)


RULES: dict[Any, Rule] = {
    # arithmetic
    np.add: elementwise(lambda out, x, y: 1, lambda out, x, y: 1),
    np.subtract: elementwise(lambda out, x, y: 1, lambda out, x, y: -1),
    np.multiply: elementwise(lambda out, x, y: y, lambda out, x, y: x),
    np.divide: elementwise(lambda out, x, y: inverse(y), lambda out, x, y: -out / y),
    np.negative: elementwise(lambda out, x: -1),
    np.positive: elementwise(lambda out, x: 1),
    np.reciprocal: elementwise(lambda out, x: -out * out),
    np.square: elementwise(lambda out, x: 2 * x),
    np.sqrt: elementwise(lambda out, x: 0.5 / out),
    np.cbrt: elementwise(lambda out, x: 1 / (3 * out * out)),
    np.power: elementwise(
        lambda out, x, y: power_in_base(x, y, np.power), lambda out, x, y: power_in_exponent(out, x, y)
    ),
    np.float_power: elementwise(
        lambda out, x, y: power_in_base(x, y, np.float_power), lambda out, x, y: power_in_exponent(out, x, y)
    ),
    np.remainder: elementwise(lambda out, x, y: 1, lambda out, x, y: -np.floor_divide(x, y)),
    # The quotient is rounded from what fmod took away: trunc(x / y) is off by one where x / y rounds up.
    np.fmod: elementwise(lambda out, x, y: 1, lambda out, x, y: -np.rint((x - out) / y)),
    np.ldexp: elementwise(lambda out, x, n: np.ldexp(out.dtype.type(1), n), None),
    # A neighbour in floating point moves along; it is constant in the direction.
    np.nextafter: elementwise(lambda out, x, y: 1, None),
    # exponentials and logarithms
    np.exp: elementwise(lambda out, x: out),
    np.exp2: elementwise(lambda out, x: LN2 * out),
    np.expm1: elementwise(lambda out, x: np.exp(x)),
    np.log: elementwise(lambda out, x: 1 / x),
    np.log2: elementwise(lambda out, x: 1 / (LN2 * x)),
    np.log10: elementwise(lambda out, x: 1 / (LN10 * x)),
    np.log1p: elementwise(lambda out, x: 1 / (1 + x)),
    np.logaddexp: elementwise(
        lambda out, x, y: logaddexp_weight(x, y, np.exp), lambda out, x, y: logaddexp_weight(y, x, np.exp)
    ),
    np.logaddexp2: elementwise(
        lambda out, x, y: logaddexp_weight(x, y, np.exp2), lambda out, x, y: logaddexp_weight(y, x, np.exp2)
    ),
    # trigonometry
    np.sin: elementwise(lambda out, x: cosine(x)),
    np.cos: elementwise(lambda out, x: -sine(x)),
    np.tan: elementwise(lambda out, x: 1 + out * out),
    np.arcsin: elementwise(
        lambda out, x: reals(x, lambda x: 1 / np.sqrt((1 - x) * (1 + x)), lambda x: 1 / np.cos(out))
    ),
    np.arccos: elementwise(
        lambda out, x: reals(x, lambda x: -1 / np.sqrt((1 - x) * (1 + x)), lambda x: -1 / np.sin(out))
    ),
    np.arctan: elementwise(lambda out, x: 1 / (1 + x * x)),
    np.arctan2: elementwise(lambda out, y, x: arctan2_weight(x, y, x), lambda out, y, x: -arctan2_weight(y, y, x)),
    np.hypot: elementwise(lambda out, x, y: hypot_weight(out, x, y), lambda out, x, y: hypot_weight(out, y, x)),
    np.degrees: elementwise(lambda out, x: 1 / DEGREE),
    np.rad2deg: elementwise(lambda out, x: 1 / DEGREE),
    np.radians: elementwise(lambda out, x: DEGREE),
    np.deg2rad: elementwise(lambda out, x: DEGREE),
    np.sinc: elementwise(sinc_slope),
    # hyperbolic functions
    np.sinh: elementwise(lambda out, x: np.cosh(x)),
    np.cosh: elementwise(lambda out, x: np.sinh(x)),
    np.tanh: elementwise(lambda out, x: 1 - out * out),
    np.arcsinh: elementwise(lambda out, x: reals(x, lambda x: 1 / np.hypot(1, x), lambda x: 1 / np.cosh(out))),
    np.arccosh: elementwise(
        lambda out, x: reals(x, lambda x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)), lambda x: 1 / np.sinh(out))
    ),
    np.arctanh: elementwise(lambda out, x: 1 / ((1 - x) * (1 + x))),
    np.i0: elementwise(lambda out, x: i1(x)),
    # signs and choices
    np.absolute: elementwise(absolute_weight),
    np.fabs: elementwise(lambda out, x: np.sign(x)),
    np.sign: elementwise(sign_weight),
    np.copysign: elementwise(lambda out, x, y: np.sign(x) * np.sign(out), None),
    np.heaviside: elementwise(None, lambda out, x, y: np.equal(x, 0)),
    np.maximum: choice(np.greater, nan_first),
    np.minimum: choice(np.less, nan_first),
    np.fmax: choice(np.greater, nan_last),
    np.fmin: choice(np.less, nan_last),
    np.where: elementwise(
        None,
        lambda out, condition, x, y: truth(condition),
        lambda out, condition, x, y: np.logical_not(condition),
    ).on("condition", "x", "y", signature="condition, x=None, y=None, /"),
    np.nan_to_num: elementwise(
        lambda out, x, *fills, copy=True: parts(np.isfinite, x),
        lambda out, x, *fills, copy=True: filled(np.isnan, x),
        lambda out, x, *fills, copy=True: filled(np.isposinf, x),
        lambda out, x, *fills, copy=True: filled(np.isneginf, x),
    ).on("x", "nan", "posinf", "neginf", copy="copy=False writes into x; write x = np.nan_to_num(x)"),
    np.full_like: elementwise(None, lambda out, a, fill_value, **options: 1).on("a", "fill_value"),
    # complex parts
    np.conjugate: elementwise(lambda out, x: wirtinger(0, 1) if np.iscomplexobj(x) else 1),
    np.real: elementwise(lambda out, val: wirtinger(0.5, 0.5) if np.iscomplexobj(val) else 1).on("val"),
    np.imag: elementwise(lambda out, val: wirtinger(-0.5j, 0.5j) if np.iscomplexobj(val) else None).on("val"),
}
