"""Sample calls for the elementwise rules, from domains: shapes, layouts and dtypes come by themselves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Sample:
    """One call, and whether the function is analytic there."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    analytic: bool = False


def uniform(low: float, high: float, shape: tuple[int, ...], seed: int = 0) -> Any:
    """Random numbers, a NumPy scalar for shape `()`."""
    values = np.random.default_rng(seed).uniform(low, high, shape)
    return values if shape else np.float64(values)


def boxed(low: float, high: float, shape: tuple[int, ...], seed: int = 0) -> Any:
    """Complex numbers near an interval, off the axis."""
    return uniform(low, high, shape, seed) + 1j * uniform(0.2, 0.8, shape, seed + 7)


def unary(low: float, high: float, analytic: bool, complex_too: bool) -> list[Sample]:
    """Calls of a function of one operand on an interval."""
    calls = [
        Sample((uniform(low, high, ()),)),
        Sample((np.zeros((0, 2)),)),
        Sample((uniform(low, high, (4,)),)),
        Sample((np.asfortranarray(uniform(low, high, (2, 3))),)),
        Sample((uniform(low, high, (3, 4))[::-1, ::2],)),
        Sample((uniform(low, high, (2, 2)).astype(np.float32),)),
        Sample((uniform(low, high, (3,)),), {"dtype": np.float32}),
        Sample((uniform(low, high, (3,)).astype(np.longdouble),)),
    ]
    if analytic:
        calls.append(Sample((uniform(low, high, (2, 3), 1),), {}, True))
    if complex_too:
        calls += [Sample((boxed(low, high, ()),)), Sample((boxed(low, high, (2, 2)),))]
        calls += [Sample((boxed(low, high, (3,)).astype(np.complex64),))]
    return calls


def binary(first: tuple[float, float], second: tuple[float, float], analytic: bool, complex_too: bool) -> list[Sample]:
    """Calls of a function of two operands on two intervals."""

    def pair(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[Any, Any]:
        return uniform(*first, a, 2), uniform(*second, b, 3)

    x, y = pair((2, 3), (2, 3))
    calls = [Sample(pair(a, b)) for a, b in [((), ()), ((0,), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3))]]
    calls += [
        Sample((x, 2.0)),
        Sample((1.5, y)),
        Sample((np.asfortranarray(x), y[:, ::-1])),
        Sample((x.astype(np.float32), y.astype(np.float32))),
        Sample((x, y), {"dtype": np.float32}),
        Sample((x.astype(np.float32), y)),
    ]
    if analytic:
        calls.append(Sample((x, y), {}, True))
    if complex_too:
        z, w = boxed(*first, (2, 3), 4), boxed(*second, (3,), 5)
        calls += [Sample((z, w)), Sample((z, y)), Sample((x, w)), Sample((z, 3))]
    return calls


# Domains: inside them functions are smooth, or piecewise so.

ANALYTIC: dict[np.ufunc, tuple[float, float]] = {
    np.negative: (-2, 2),
    np.positive: (-2, 2),
    np.reciprocal: (0.5, 2),
    np.square: (-2, 2),
    np.sqrt: (0.1, 4),
    np.exp: (-2, 2),
    np.exp2: (-2, 2),
    np.expm1: (-2, 2),
    np.log: (0.2, 3),
    np.log2: (0.2, 3),
    np.log10: (0.2, 3),
    np.log1p: (-0.7, 3),
    np.sin: (-3, 3),
    np.cos: (-3, 3),
    np.tan: (-1, 1),
    np.arcsin: (-0.8, 0.8),
    np.arccos: (-0.8, 0.8),
    np.arctan: (-3, 3),
    np.sinh: (-2, 2),
    np.cosh: (-2, 2),
    np.tanh: (-2, 2),
    np.arcsinh: (-2, 2),
    np.arccosh: (1.2, 3),
    np.arctanh: (-0.8, 0.8),
}
REAL: dict[np.ufunc, tuple[float, float]] = {
    np.cbrt: (-2, 2),
    np.degrees: (-3, 3),
    np.rad2deg: (-3, 3),
    np.radians: (-300, 300),
    np.deg2rad: (-300, 300),
    np.fabs: (-2, 2),
}
NOT_HOLOMORPHIC: dict[np.ufunc, tuple[float, float]] = {
    np.absolute: (-2, 2),
    np.sign: (-2, 2),
    np.conjugate: (-2, 2),
}
ANALYTIC_BINARY: dict[np.ufunc, tuple[tuple[float, float], tuple[float, float]]] = {
    np.add: ((-2, 2), (-2, 2)),
    np.subtract: ((-2, 2), (-2, 2)),
    np.multiply: ((-2, 2), (-2, 2)),
    np.divide: ((-2, 2), (0.5, 2)),
    np.power: ((0.3, 2), (-2, 3)),
    np.float_power: ((0.3, 2), (-2, 3)),
}
REAL_BINARY: dict[np.ufunc, tuple[tuple[float, float], tuple[float, float]]] = {
    np.arctan2: ((-2, 2), (-2, 2)),
    np.hypot: ((-2, 2), (-2, 2)),
    np.logaddexp: ((-2, 2), (-2, 2)),
    np.logaddexp2: ((-2, 2), (-2, 2)),
    np.remainder: ((-9, 9), (1, 2)),
    np.fmod: ((-9, 9), (1, 2)),
    np.copysign: ((-2, 2), (-2, 2)),
    np.heaviside: ((-2, 2), (-2, 2)),
    np.nextafter: ((-2, 2), (-2, 2)),
}
CHOICES = (np.maximum, np.minimum, np.fmax, np.fmin)
ROWS = uniform(-2, 2, (2, 3))
SPECIAL_VALUES = np.array([np.nan, np.inf, -np.inf, 1.5])
ENDS = uniform(-1, 1, (3,), 8)


def power_samples() -> Iterator[Sample]:
    """Exponents that are one number, zeros, negative bases."""
    x = np.array([-1.5, 0.0, 2.0])
    for y in (0, 1, 2, 3, 0.0, 2.0, np.float64(2), np.array(3.0), True):
        yield Sample((x, y))
    yield Sample((np.array([-1.5, 2.0]), -2))
    yield Sample((x, np.array([0, 2, 3])))
    yield Sample((x, np.array([2.0, 2.0, 0.0])))
    yield Sample((np.array([0.5, 0.5]), np.array([0.0, 1.0])))
    yield Sample((2, np.array([-1.0, 0.0, 2.0])))
    yield Sample((-2.0, np.array([0.5j, 1 + 1j])))
    yield Sample((boxed(-2, 2, (3,)), 2))


def nan_to_num_samples() -> Iterator[Sample]:
    """Fills, also as operands; parts of complex numbers."""
    yield Sample((SPECIAL_VALUES,))
    yield Sample((SPECIAL_VALUES, True, 2.0, 3.0, 4.0))
    yield Sample((SPECIAL_VALUES.astype(np.float32),), {"posinf": 7.0, "copy": True})
    yield Sample((ROWS[:, ::2],), {"nan": np.array([1.0, 2.0])})
    yield Sample((np.array([complex(np.nan, 1), complex(2, np.inf), complex(-np.inf, np.nan), 1 + 2j]),))
    yield Sample((np.float64(0.5),))
    yield Sample((np.zeros(0),))


SAMPLES: dict[Callable, list[Sample]] = {
    **{f: unary(*domain, analytic=True, complex_too=True) for f, domain in ANALYTIC.items()},
    **{f: unary(*domain, analytic=False, complex_too=False) for f, domain in REAL.items()},
    **{f: unary(*domain, analytic=False, complex_too=True) for f, domain in NOT_HOLOMORPHIC.items()},
    **{f: binary(*domains, analytic=True, complex_too=True) for f, domains in ANALYTIC_BINARY.items()},
    **{f: binary(*domains, analytic=False, complex_too=False) for f, domains in REAL_BINARY.items()},
    **{
        f: [
            *binary((-2, 2), (-2, 2), analytic=False, complex_too=True),
            Sample((np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))),
            Sample((np.array([np.nan, 1.0, np.nan]), np.array([1.0, np.nan, np.nan]))),
        ]
        for f in CHOICES
    },
    np.ldexp: [
        Sample((ROWS, 3)),
        Sample((ROWS.astype(np.float32), np.array([1, -2, 0]))),
        Sample((1.5, np.arange(3))),
        Sample((ROWS, -2), {"casting": "same_kind"}),
    ],
    np.sinc: [
        Sample((np.array([-1.5, -1e-3, 0.0, 1e-9, 0.1, 1.0, 2.5]),)),
        Sample((ROWS,), {}, True),
        Sample((boxed(-1, 1, (2, 2)),)),
        Sample((np.float32(0.3),)),
        Sample((np.zeros((0,)),)),
    ],
    np.i0: [Sample((ROWS,)), Sample((np.array([0.0, 9.5]),)), Sample((0.5,))],
    np.where: [
        Sample((ROWS > 0, ROWS, 2.0)),
        Sample((ROWS, 3.0, ENDS)),
        Sample((np.array([True, False]), np.zeros((3, 1)), np.ones((1, 2), np.float32))),
        Sample((True, ROWS, np.zeros(3))),
        Sample((np.array([1, 0]), np.array([1.0, np.nan]), np.array([np.inf, 2 + 1j]))),
        Sample((np.zeros(0, bool), np.zeros(0), 1.0)),
    ],
    np.nan_to_num: list(nan_to_num_samples()),
    np.full_like: [
        Sample((ROWS, 2.5)),
        Sample((ROWS, ENDS), {"order": "F"}),
        Sample((ROWS, np.float32(2)), {"dtype": np.float32, "shape": (4,)}),
        Sample((np.zeros((0, 3)), ENDS)),
    ],
    np.real: [Sample((boxed(-1, 1, (2, 2)),)), Sample((ROWS,)), Sample((np.complex64(1 + 2j),))],
    np.imag: [Sample((boxed(-1, 1, (2, 2)),)), Sample((ROWS,)), Sample((np.complex64(1 + 2j),))],
}
SAMPLES[np.power] += power_samples()
SAMPLES[np.float_power] = [s for s in SAMPLES[np.float_power] if "dtype" not in s.kwargs] + [*power_samples()]
SAMPLES[np.absolute].append(Sample((np.array([0.0, -1.0, 2.0]),)))
SAMPLES[np.absolute].append(Sample((np.array([0j, 1 - 1j]),)))
SAMPLES[np.sqrt].append(Sample((np.array([0.0, 1.0, 4.0]),)))
SAMPLES[np.heaviside].append(Sample((np.array([0.0, -1.0, 1.0]), ENDS)))
SAMPLES[np.copysign].append(Sample((np.array([0.0, -1.0]), np.array([1.0, -0.0]))))
