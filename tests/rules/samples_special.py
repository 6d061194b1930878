"""Special functions: domains of the operands that have a derivative, held parameters, and what mpmath calls them."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import mpmath as mp
import numpy as np

__all__ = ["SPECIAL", "Special", "points", "special_calls"]

Interval = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Special:
    """A function of scipy.special: its operands, of which intervals are differentiated and numbers held.

    `exact` computes it with mpmath (None: as the integral or sum that differences confirm); `complex_too` says that
    complex numbers near the interval belong to its domain.
    """

    operands: tuple[Any, ...]
    exact: Callable[..., Any] | None = None
    complex_too: bool = False
    part: int | None = None


def of(*operands: Any, exact: Any = None, complex_too: bool = False, part: int | None = None) -> Special:
    return Special(operands, exact, complex_too, part)


def normal(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def betainc(a: Any, b: Any, x: Any) -> Any:
    return mp.betainc(a, b, 0, x, regularized=True)


def gammainc(a: Any, x: Any) -> Any:
    return mp.gammainc(a, 0, x, regularized=True)


def student(v: Any, t: Any) -> Any:
    half = betainc(v / mp.mpf(2), mp.mpf(0.5), v / (v + t * t)) / 2
    return 1 - half if t > 0 else half


def fisher(d1: Any, d2: Any, x: Any) -> Any:
    return betainc(d1 / mp.mpf(2), d2 / mp.mpf(2), d1 * x / (d1 * x + d2))


def owens_t(h: Any, a: Any) -> Any:
    return mp.quad(lambda t: mp.exp(-h * h * (1 + t * t) / 2) / (1 + t * t), [0, a]) / (2 * mp.pi)


def dawson(x: Any) -> Any:
    return mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)


def spherical(bessel: Any) -> Any:
    return lambda n, z: mp.sqrt(mp.pi / (2 * z)) * bessel(n + mp.mpf(0.5), z)


def kelvin(name: str) -> Any:
    return lambda x: getattr(mp, name)(0, x)


PLUS, UNIT, LINE, SMALL = (0.2, 4), (0.1, 0.9), (-2, 2), (0.5, 3)

SPECIAL: dict[str, Special] = {
    "expit": of(LINE, exact=lambda x: 1 / (1 + mp.exp(-x))),
    "logit": of(UNIT, exact=lambda x: mp.log(x / (1 - x))),
    "log_expit": of(LINE, exact=lambda x: -mp.log(1 + mp.exp(-x))),
    "erf": of(LINE, exact=mp.erf, complex_too=True),
    "erfc": of(LINE, exact=mp.erfc, complex_too=True),
    "erfcx": of(LINE, exact=lambda x: mp.exp(x * x) * mp.erfc(x), complex_too=True),
    "erfi": of(LINE, exact=mp.erfi, complex_too=True),
    "erfinv": of((-0.9, 0.9), exact=mp.erfinv),
    "erfcinv": of((0.1, 1.9), exact=lambda x: mp.erfinv(1 - x)),
    "wofz": of((0.3, 2), complex_too=True),
    "dawsn": of(LINE, exact=dawson, complex_too=True),
    "owens_t": of(LINE, LINE, exact=owens_t),
    "ndtr": of(LINE, exact=normal),
    "log_ndtr": of((-6, 3), exact=lambda x: mp.log(normal(x))),
    "ndtri": of(UNIT, exact=lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1)),
    "ndtri_exp": of((-3, -0.1), exact=lambda y: mp.sqrt(2) * mp.erfinv(2 * mp.exp(y) - 1)),
    "xlogy": of(PLUS, PLUS, exact=lambda x, y: x * mp.log(y), complex_too=True),
    "xlog1py": of(PLUS, PLUS, exact=lambda x, y: x * mp.log(1 + y), complex_too=True),
    "entr": of(PLUS, exact=lambda x: -x * mp.log(x)),
    "rel_entr": of(PLUS, PLUS, exact=lambda x, y: x * mp.log(x / y)),
    "kl_div": of(PLUS, PLUS, exact=lambda x, y: x * mp.log(x / y) - x + y),
    "huber": of((0.5, 1.5), (-3, 3)),
    "pseudo_huber": of((0.5, 1.5), (-3, 3), exact=lambda d, r: d * d * (mp.sqrt(1 + (r / d) ** 2) - 1)),
    "boxcox": of(PLUS, LINE, exact=lambda x, lam: (x**lam - 1) / lam),
    "boxcox1p": of(PLUS, LINE, exact=lambda x, lam: ((1 + x) ** lam - 1) / lam),
    "inv_boxcox": of(PLUS, PLUS, exact=lambda y, lam: (lam * y + 1) ** (1 / lam)),
    "inv_boxcox1p": of(PLUS, PLUS, exact=lambda y, lam: (lam * y + 1) ** (1 / lam) - 1),
    "exprel": of(LINE, exact=lambda x: mp.expm1(x) / x),
    "expm1": of(LINE, exact=mp.expm1, complex_too=True),
    "log1p": of((-0.5, 3), exact=mp.log1p, complex_too=True),
    "cosm1": of(LINE, exact=lambda x: mp.cos(x) - 1),
    "exp2": of(LINE, exact=lambda x: mp.mpf(2) ** x),
    "exp10": of(LINE, exact=lambda x: mp.mpf(10) ** x),
    "cbrt": of(PLUS, exact=mp.cbrt),
    "sindg": of((-80, 80), exact=lambda x: mp.sin(mp.radians(x))),
    "cosdg": of((-80, 80), exact=lambda x: mp.cos(mp.radians(x))),
    "tandg": of((-80, 80), exact=lambda x: mp.tan(mp.radians(x))),
    "cotdg": of((10, 80), exact=lambda x: mp.cot(mp.radians(x))),
    # gamma and beta
    "gamma": of((0.3, 4), exact=mp.gamma, complex_too=True),
    "gammaln": of((0.3, 4), exact=mp.loggamma),
    "loggamma": of((0.3, 4), exact=mp.loggamma, complex_too=True),
    "rgamma": of((-2.5, 3), exact=mp.rgamma, complex_too=True),
    "psi": of((0.3, 4), exact=mp.digamma),
    "polygamma": of(2, (0.3, 4), exact=mp.polygamma),
    "multigammaln": of((2.0, 4), 3, exact=lambda a, d: sum(mp.loggamma(a - mp.mpf(j) / 2) for j in range(d))),
    "poch": of((0.5, 3), (0.5, 3), exact=lambda z, m: mp.gamma(z + m) / mp.gamma(z)),
    "beta": of(SMALL, SMALL, exact=mp.beta),
    "betaln": of(SMALL, SMALL, exact=lambda a, b: mp.log(mp.beta(a, b))),
    "binom": of((3.2, 6), (0.5, 2.5), exact=mp.binomial),
    "comb": of((3.2, 6), (0.5, 2.5), exact=mp.binomial),
    "factorial": of((0.5, 4), exact=lambda n: mp.gamma(n + 1)),
    "gammainc": of(1.7, PLUS, exact=gammainc),
    "gammaincc": of(1.7, PLUS, exact=lambda a, x: 1 - gammainc(a, x)),
    "gammaincinv": of(1.7, UNIT),
    "gammainccinv": of(1.7, UNIT),
    "betainc": of(1.7, 2.3, UNIT, exact=betainc),
    "betaincc": of(1.7, 2.3, UNIT, exact=lambda a, b, x: 1 - betainc(a, b, x)),
    "betaincinv": of(1.7, 2.3, UNIT),
    "betainccinv": of(1.7, 2.3, UNIT),
    "chdtr": of(3.0, PLUS, exact=lambda v, x: gammainc(v / 2, x / 2)),
    "chdtrc": of(3.0, PLUS, exact=lambda v, x: 1 - gammainc(v / 2, x / 2)),
    "chdtri": of(3.0, UNIT),
    "gdtr": of((0.5, 2), 1.7, PLUS, exact=lambda a, b, x: gammainc(b, a * x)),
    "gdtrc": of((0.5, 2), 1.7, PLUS, exact=lambda a, b, x: 1 - gammainc(b, a * x)),
    "stdtr": of(4.0, LINE, exact=student),
    "stdtrit": of(4.0, UNIT),
    "fdtr": of(3.0, 5.0, PLUS, exact=fisher),
    "fdtrc": of(3.0, 5.0, PLUS, exact=lambda a, b, x: 1 - fisher(a, b, x)),
    "fdtri": of(3.0, 5.0, UNIT),
    "pdtr": of(2.0, PLUS, exact=lambda k, m: mp.gammainc(k + 1, m, regularized=True)),
    "pdtrc": of(2.0, PLUS, exact=lambda k, m: 1 - mp.gammainc(k + 1, m, regularized=True)),
    "bdtr": of(2.0, 5, UNIT, exact=lambda k, n, p: betainc(n - k, k + 1, 1 - p)),
    "bdtrc": of(2.0, 5, UNIT, exact=lambda k, n, p: betainc(k + 1, n - k, p)),
    # Bessel functions
    "jv": of(1.3, SMALL, exact=mp.besselj, complex_too=True),
    "yv": of(1.3, SMALL, exact=mp.bessely, complex_too=True),
    "yn": of(2, SMALL, exact=mp.bessely),
    "iv": of(1.3, SMALL, exact=mp.besseli, complex_too=True),
    "kv": of(1.3, SMALL, exact=mp.besselk, complex_too=True),
    "kn": of(2, SMALL, exact=mp.besselk),
    "hankel1": of(1.3, SMALL, complex_too=True),
    "hankel2": of(1.3, SMALL, complex_too=True),
    "hankel1e": of(1.3, SMALL, complex_too=True),
    "hankel2e": of(1.3, SMALL, complex_too=True),
    "jve": of(1.3, SMALL, exact=mp.besselj),
    "yve": of(1.3, SMALL, exact=mp.bessely),
    "ive": of(1.3, SMALL, exact=lambda v, x: mp.exp(-x) * mp.besseli(v, x)),
    "kve": of(1.3, SMALL, exact=lambda v, x: mp.exp(x) * mp.besselk(v, x), complex_too=True),
    "j0": of(SMALL, exact=lambda x: mp.besselj(0, x)),
    "j1": of(SMALL, exact=lambda x: mp.besselj(1, x)),
    "y0": of(SMALL, exact=lambda x: mp.bessely(0, x)),
    "y1": of(SMALL, exact=lambda x: mp.bessely(1, x)),
    "i0": of(LINE, exact=lambda x: mp.besseli(0, x)),
    "i1": of(LINE, exact=lambda x: mp.besseli(1, x)),
    "i0e": of(SMALL, exact=lambda x: mp.exp(-x) * mp.besseli(0, x)),
    "i1e": of(SMALL, exact=lambda x: mp.exp(-x) * mp.besseli(1, x)),
    "k0": of(SMALL, exact=lambda x: mp.besselk(0, x)),
    "k1": of(SMALL, exact=lambda x: mp.besselk(1, x)),
    "k0e": of(SMALL, exact=lambda x: mp.exp(x) * mp.besselk(0, x)),
    "k1e": of(SMALL, exact=lambda x: mp.exp(x) * mp.besselk(1, x)),
    "spherical_jn": of(2, SMALL, exact=spherical(mp.besselj)),
    "spherical_yn": of(2, SMALL, exact=spherical(mp.bessely)),
    "spherical_in": of(2, SMALL, exact=spherical(mp.besseli)),
    "spherical_kn": of(2, SMALL, exact=lambda n, z: mp.sqrt(mp.pi / (2 * z)) * mp.besselk(n + mp.mpf(0.5), z)),
    "airy": of(
        LINE, exact=lambda z: (mp.airyai(z), mp.airyai(z, derivative=1), mp.airybi(z), mp.airybi(z, derivative=1))
    ),
    **{name: of(SMALL, exact=kelvin(name)) for name in ("ber", "bei", "ker", "kei")},
    **{name: of(SMALL) for name in ("berp", "beip", "kerp", "keip")},
    "struve": of(1.3, SMALL, exact=mp.struveh),
    "modstruve": of(1.3, SMALL, exact=mp.struvel),
    # integrals, elliptic and hypergeometric functions
    "exp1": of(SMALL, exact=mp.e1, complex_too=True),
    "expi": of(SMALL, exact=mp.ei, complex_too=True),
    "expn": of(2, SMALL, exact=mp.expint),
    "sici": of(SMALL, exact=lambda x: (mp.si(x), mp.ci(x)), complex_too=True),
    "shichi": of(SMALL, exact=lambda x: (mp.shi(x), mp.chi(x))),
    "fresnel": of(SMALL, exact=lambda x: (mp.fresnels(x), mp.fresnelc(x)), complex_too=True),
    "spence": of(SMALL, exact=lambda z: mp.polylog(2, 1 - z)),
    "lambertw": of(SMALL, exact=mp.lambertw, complex_too=True),
    "wrightomega": of(SMALL, complex_too=True),
    "ellipk": of((-2, 0.9), exact=mp.ellipk),
    "ellipkm1": of((0.1, 2), exact=lambda p: mp.ellipk(1 - p)),
    "ellipe": of((-2, 0.9), exact=mp.ellipe),
    "ellipkinc": of((0.2, 1.4), (-1, 0.8), exact=mp.ellipf),
    "ellipeinc": of((0.2, 1.4), (-1, 0.8), exact=mp.ellipe),
    "ellipj": of(LINE, 0.4),
    "hyp2f1": of(0.7, 1.2, 2.1, (-0.8, 0.6), exact=mp.hyp2f1),
    "hyp1f1": of(0.7, 1.2, LINE, exact=mp.hyp1f1),
    "hyp0f1": of(1.2, LINE, exact=mp.hyp0f1),
    "hyperu": of(0.7, 1.2, SMALL, exact=mp.hyperu),
    "zeta": of(2.5, PLUS, exact=mp.zeta),
    "sph_harm_y": of(3, 1, (0.3, 2.5), (-2, 2), exact=mp.spherharm),
    "eval_legendre": of(4, (-0.9, 0.9), exact=mp.legendre),
    "eval_chebyt": of(4, (-0.9, 0.9), exact=mp.chebyt),
    "eval_chebyu": of(4, (-0.9, 0.9), exact=mp.chebyu),
    "eval_gegenbauer": of(4, 0.7, (-0.9, 0.9), exact=mp.gegenbauer),
    "eval_jacobi": of(4, 0.7, 0.4, (-0.9, 0.9), exact=mp.jacobi),
    "eval_laguerre": of(4, SMALL, exact=lambda n, x: mp.laguerre(n, 0, x)),
    "eval_genlaguerre": of(4, 0.7, SMALL, exact=mp.laguerre),
    "eval_hermite": of(4, SMALL, exact=mp.hermite),
    "eval_hermitenorm": of(4, SMALL, exact=lambda n, x: mp.mpf(2) ** (-mp.mpf(n) / 2) * mp.hermite(n, x / mp.sqrt(2))),
    # sums of exponentials
    "logsumexp": of(LINE),
    "softmax": of(LINE),
    "log_softmax": of(LINE),
}


def points(interval: Interval, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Random numbers in an interval."""
    return np.random.default_rng(seed).uniform(*interval, shape)


def special_calls(name: str) -> Iterator[tuple]:
    """Scalars, rows, a matrix with gaps, Fortran order, nothing, broadcast, single precision, complex."""
    sample = SPECIAL[name]
    intervals = [k for k, x in enumerate(sample.operands) if isinstance(x, tuple)]

    def call(*shapes: tuple[int, ...], dtype: Any = float, imag: int = 0) -> tuple:
        operands = list(sample.operands)
        for seed, (k, shape) in enumerate(zip(intervals, itertools.cycle(shapes), strict=False)):
            x = points(sample.operands[k], shape, seed)
            x = x + 1j * points((0.2, 0.7), shape, seed + 9) if imag else x.astype(dtype)
            operands[k] = x if shape else x[()]
        return tuple(operands)

    yield call(())
    yield call((4,))
    yield call((2, 3), (3,))
    yield tuple(np.asfortranarray(x) if np.ndim(x) else x for x in call((2, 3)))
    yield tuple(x[::-1, ::2] if np.ndim(x) else x for x in call((3, 4)))
    if name not in ("softmax", "log_softmax", "logsumexp"):
        yield call((0, 2))
    if name not in ("polygamma", "multigammaln", "zeta", "comb", "factorial", "bdtr", "bdtrc"):
        yield call((3,), dtype=np.float32)
    if sample.complex_too:
        yield call((2, 2), imag=1)
