"""Rules of scipy.special for Bessel functions and their kin: recurrences in the order.

Formulas: NIST Digital Library of Mathematical Functions, 9.2, 10.6, 10.29, 10.51, 10.61, 11.4.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import dispatched
from jacfwd.primitive import Rule, composed, elementwise
from jacfwd.rules.lazy import refused, special

__all__ = ["RULES"]

Partial = Callable[..., Any]


def by_order(name: str, before: float, after: float, rest: Partial | None = None) -> Rule:
    """`f_v' = before f_(v-1) + after f_(v+1) + rest(out, z)`; orders have no derivative here."""

    def partial(out: Any, v: Any, z: Any) -> Any:
        function = getattr(special, name)
        slope = before * function(v - 1, z) + after * function(v + 1, z)
        return slope if rest is None else slope + rest(out, z)

    return elementwise(refused(name, "v"), partial)


def scaled_real(sign: int) -> Partial:
    """What the factor `e^(-|Re z|)` adds: known for real arguments only, where it is `-sign(z) f`."""

    def rest(out: Any, z: Any) -> Any:
        if np.iscomplexobj(z):
            refused("ive", "z", "the scaled function of complex numbers is not analytic")()
        return sign * np.sign(z) * out

    return rest


def real_only(name: str, partial: Partial) -> Partial:
    """A derivative that holds for real arguments; elsewhere the scaled function is not analytic."""

    def checked(out: Any, v: Any, z: Any) -> Any:
        if np.iscomplexobj(z):
            refused(name, "z", "the scaled function of complex numbers is not analytic")()
        return partial(out, v, z)

    return checked


def spherical(name: str, sign: int) -> Rule:
    """Spherical Bessel functions: the derivative is the function's own, the second one from the equation.

    `z^2 f'' + 2 z f' + (sign z^2 - n (n + 1)) f = 0`.
    """

    def partial(out: Any, n: Any, z: Any, derivative: bool = False) -> Any:
        function = getattr(special, name)
        if not derivative:
            return function(n, z, True)
        return (n * (n + 1) / (z * z) - sign) * function(n, z) - 2 / z * out

    return elementwise(refused(name, "n"), partial).on("n", "z", signature="n, z, derivative=False")


# Functions with several results, one at a time


@dispatched
def airy_part(z: Any, *, part: int) -> Any:
    """Ai, Ai', Bi, Bi'."""
    from scipy import special as scipy_special

    return scipy_special.airy(z)[part]


def airy_slope(out: Any, z: Any, part: int) -> Any:
    """The derivative of a function is the next part, that of a derivative `z` times the function."""
    return airy_part(z, part=part + 1) if part % 2 == 0 else z * airy_part(z, part=part - 1)


def airy(z: Any) -> Any:
    """`scipy.special.airy`."""
    return tuple(airy_part(z, part=part) for part in range(4))


def kelvin_slope(sign: int, other: str, derivative: str) -> Partial:
    """The second derivative of a Kelvin function: `sign other(x) - f'(x) / x`."""
    return lambda out, x: sign * getattr(special, other)(x) - out / x


def struve_slope(name: str) -> Partial:
    """`f_(v-1) - v f_v / x`, likewise for the modified function."""
    return lambda out, v, x: getattr(special, name)(v - 1, x) - v * out / x


RULES: dict[Any, Rule] = {
    "scipy.special:jv": by_order("jv", 0.5, -0.5),
    "scipy.special:yv": by_order("yv", 0.5, -0.5),
    "scipy.special:yn": by_order("yv", 0.5, -0.5),
    "scipy.special:iv": by_order("iv", 0.5, 0.5),
    "scipy.special:kv": by_order("kv", -0.5, -0.5),
    "scipy.special:kn": by_order("kv", -0.5, -0.5),
    "scipy.special:hankel1": by_order("hankel1", 0.5, -0.5),
    "scipy.special:hankel2": by_order("hankel2", 0.5, -0.5),
    "scipy.special:hankel1e": by_order("hankel1e", 0.5, -0.5, lambda out, z: -1j * out),
    "scipy.special:hankel2e": by_order("hankel2e", 0.5, -0.5, lambda out, z: 1j * out),
    "scipy.special:jve": elementwise(
        refused("jve", "v"),
        real_only("jve", lambda out, v, z: 0.5 * special.jve(v - 1, z) - 0.5 * special.jve(v + 1, z)),
    ),
    "scipy.special:yve": elementwise(
        refused("yve", "v"),
        real_only("yve", lambda out, v, z: 0.5 * special.yve(v - 1, z) - 0.5 * special.yve(v + 1, z)),
    ),
    "scipy.special:ive": by_order("ive", 0.5, 0.5, scaled_real(-1)),
    "scipy.special:kve": by_order("kve", -0.5, -0.5, lambda out, z: out),
    # the first orders
    "scipy.special:j0": elementwise(lambda out, x: -special.j1(x)),
    "scipy.special:j1": elementwise(lambda out, x: 0.5 * special.j0(x) - 0.5 * special.jv(2, x)),
    "scipy.special:y0": elementwise(lambda out, x: -special.y1(x)),
    "scipy.special:y1": elementwise(lambda out, x: 0.5 * special.y0(x) - 0.5 * special.yv(2, x)),
    "scipy.special:i0": elementwise(lambda out, x: special.i1(x)),
    "scipy.special:i1": elementwise(lambda out, x: 0.5 * special.i0(x) + 0.5 * special.iv(2, x)),
    "scipy.special:i0e": elementwise(lambda out, x: special.i1e(x) - np.sign(x) * out),
    "scipy.special:i1e": elementwise(lambda out, x: 0.5 * special.i0e(x) + 0.5 * special.ive(2, x) - np.sign(x) * out),
    "scipy.special:k0": elementwise(lambda out, x: -special.k1(x)),
    "scipy.special:k1": elementwise(lambda out, x: -0.5 * special.k0(x) - 0.5 * special.kv(2, x)),
    "scipy.special:k0e": elementwise(lambda out, x: out - special.k1e(x)),
    "scipy.special:k1e": elementwise(lambda out, x: out - 0.5 * special.k0e(x) - 0.5 * special.kve(2, x)),
    # spherical, Airy, Kelvin and Struve functions
    "scipy.special:spherical_jn": spherical("spherical_jn", 1),
    "scipy.special:spherical_yn": spherical("spherical_yn", 1),
    "scipy.special:spherical_in": spherical("spherical_in", -1),
    "scipy.special:spherical_kn": spherical("spherical_kn", -1),
    "scipy.special:airy": composed(airy),
    airy_part: elementwise(airy_slope),
    "scipy.special:ber": elementwise(lambda out, x: special.berp(x)),
    "scipy.special:bei": elementwise(lambda out, x: special.beip(x)),
    "scipy.special:ker": elementwise(lambda out, x: special.kerp(x)),
    "scipy.special:kei": elementwise(lambda out, x: special.keip(x)),
    "scipy.special:berp": elementwise(kelvin_slope(-1, "bei", "berp")),
    "scipy.special:beip": elementwise(kelvin_slope(1, "ber", "beip")),
    "scipy.special:kerp": elementwise(kelvin_slope(-1, "kei", "kerp")),
    "scipy.special:keip": elementwise(kelvin_slope(1, "ker", "keip")),
    "scipy.special:struve": elementwise(refused("struve", "v"), struve_slope("struve")),
    "scipy.special:modstruve": elementwise(refused("modstruve", "v"), struve_slope("modstruve")),
}
