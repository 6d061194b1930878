"""The 35 problems of More, Garbow and Hillstrom: sums of squares with starts and minima.

J. J. More, B. S. Garbow and K. E. Hillstrom, "Testing unconstrained optimization software", ACM Transactions on
Mathematical Software 7 (1981), 17-41. Numbers of the problems are theirs. Problem 11 (gulf) is taken in the form in
which its residuals vanish at (50, 25, 1.5).
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["PROBLEMS", "SumOfSquares"]

Array = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True)
class SumOfSquares:
    """Residuals f, a start, and sums of squares at the known minima, local ones included."""

    number: int
    name: str
    residuals: Callable[[Array], Array]
    start: Array
    minima: tuple[float, ...]

    @property
    def square(self) -> bool:
        """Whether it is a system with as many equations as unknowns and a root."""
        return 0.0 in self.minima and len(self.residuals(self.start)) == len(self.start)


def rosenbrock(x: Array) -> Array:  # 1, 21
    return np.concatenate([10 * (x[1::2] - x[::2] ** 2), 1 - x[::2]])


def freudenstein_roth(x: Array) -> Array:
    a, b = x
    return np.array([-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b])


def powell_badly_scaled(x: Array) -> Array:
    return np.array([1e4 * x[0] * x[1] - 1, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001])


def brown_badly_scaled(x: Array) -> Array:
    return np.array([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2])


def beale(x: Array) -> Array:
    return np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** np.arange(1, 4))


def jennrich_sampson(x: Array) -> Array:
    i = np.arange(1, 11)
    return 2 + 2 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))


def helical_valley(x: Array) -> Array:
    angle = np.arctan(x[1] / x[0]) / (2 * np.pi) + (0.5 if x[0] < 0 else 0.0)
    return np.array([10 * (x[2] - 10 * angle), 10 * (np.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]])


BARD = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])


def bard(x: Array) -> Array:
    u = np.arange(1, 16)
    v = 16 - u
    return BARD - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))


HALF = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521]
GAUSSIAN = np.array([*HALF, 0.3989, *HALF[::-1]])


def gaussian(x: Array) -> Array:
    t = (8 - np.arange(1, 16)) / 2
    return x[0] * np.exp(-x[1] * (t - x[2]) ** 2 / 2) - GAUSSIAN


MEYER = np.array([34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307,
                  2872.0])  # fmt: skip


def meyer(x: Array) -> Array:
    return x[0] * np.exp(x[1] / (45 + 5 * np.arange(1, 17) + x[2])) - MEYER


def gulf(x: Array) -> Array:
    t = np.arange(1, 11) / 100
    y = 25 + (-50 * np.log(t)) ** (2 / 3)
    return np.exp(-(np.abs(y - x[1]) ** x[2]) / x[0]) - t


def box(x: Array) -> Array:
    t = 0.1 * np.arange(1, 11)
    return np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


def powell_singular(x: Array) -> Array:  # 13, 22
    a, b, c, d = x.reshape(-1, 4).T
    return np.concatenate([a + 10 * b, 5**0.5 * (c - d), (b - 2 * c) ** 2, 10**0.5 * (a - d) ** 2])


def wood(x: Array) -> Array:
    a, b, c, d = x
    return np.array(
        [10 * (b - a**2), 1 - a, 90**0.5 * (d - c**2), 1 - c, 10**0.5 * (b + d - 2), (b - d) / 10**0.5]
    )  # fmt: skip


KOWALIK = np.array([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
KOWALIK_AT = np.array([4, 2, 1, 0.5, 0.25, 0.1670, 0.1250, 0.1, 0.0833, 0.0714, 0.0625])


def kowalik_osborne(x: Array) -> Array:
    u = KOWALIK_AT
    return KOWALIK - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def brown_dennis(x: Array) -> Array:
    t = np.arange(1, 21) / 5
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


OSBORNE_1 = np.array([
    0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658, 0.628, 0.603,
    0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.420, 0.414, 0.411,
    0.406,
])  # fmt: skip


def osborne_1(x: Array) -> Array:
    t = 10.0 * np.arange(33)
    return OSBORNE_1 - (x[0] + x[1] * np.exp(-t * x[3]) + x[2] * np.exp(-t * x[4]))


def biggs(x: Array) -> Array:
    t = 0.1 * np.arange(1, 14)
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    return x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - y


OSBORNE_2 = np.array([
    1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608, 0.655, 0.616, 0.606,
    0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661, 0.612, 0.558, 0.533, 0.495, 0.500, 0.423,
    0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428, 0.429, 0.523, 0.562, 0.607, 0.653, 0.672, 0.708, 0.633, 0.668,
    0.645, 0.632, 0.591, 0.559, 0.597, 0.625, 0.739, 0.710, 0.729, 0.720, 0.636, 0.581, 0.428, 0.292, 0.162, 0.098,
    0.054,
])  # fmt: skip


def osborne_2(x: Array) -> Array:
    t = np.arange(65) / 10
    peaks = sum(x[k] * np.exp(-((t - x[k + 7]) ** 2) * x[k + 4]) for k in (1, 2, 3))
    return OSBORNE_2 - (x[0] * np.exp(-t * x[4]) + peaks)


def watson(x: Array) -> Array:
    t, j = np.arange(1, 30)[:, None] / 29, np.arange(len(x))
    slope = (j[1:] * t ** (j[1:] - 1)) @ x[1:]
    return np.concatenate([slope - (t**j @ x) ** 2 - 1, [x[0], x[1] - x[0] ** 2 - 1]])


def penalty_1(x: Array) -> Array:
    return np.append(1e-5**0.5 * (x - 1), np.sum(x**2) - 0.25)


def penalty_2(x: Array) -> Array:
    n, e = len(x), np.exp(x / 10)
    i = np.arange(2, n + 1)
    y = np.exp(i / 10) + np.exp((i - 1) / 10)
    return np.concatenate(
        [[x[0] - 0.2], 1e-5**0.5 * (e[1:] + e[:-1] - y), 1e-5**0.5 * (e[1:] - np.exp(-0.1)),
         [np.sum(np.arange(n, 0, -1) * x**2) - 1]]
    )  # fmt: skip


def variably_dimensioned(x: Array) -> Array:
    total = np.sum(np.arange(1, len(x) + 1) * (x - 1))
    return np.concatenate([x - 1, [total, total**2]])


def trigonometric(x: Array) -> Array:
    i = np.arange(1, len(x) + 1)
    return len(x) - np.sum(np.cos(x)) + i * (1 - np.cos(x)) - np.sin(x)


def brown_almost_linear(x: Array) -> Array:
    return np.append(x[:-1] + np.sum(x) - (len(x) + 1), np.prod(x) - 1)


def discrete_boundary(x: Array) -> Array:
    h = 1 / (len(x) + 1)
    t, framed = h * np.arange(1, len(x) + 1), np.pad(x, 1)
    return 2 * x - framed[:-2] - framed[2:] + h**2 * (x + t + 1) ** 3 / 2


def discrete_integral(x: Array) -> Array:
    h = 1 / (len(x) + 1)
    t = h * np.arange(1, len(x) + 1)
    cubes = (x + t + 1) ** 3
    below, above = np.tril(np.tile(t, (len(x), 1))), np.triu(np.tile(1 - t, (len(x), 1)), 1)
    return x + h * ((1 - t) * (below @ cubes) + t * (above @ cubes)) / 2


def broyden_tridiagonal(x: Array) -> Array:
    framed = np.pad(x, 1)
    return (3 - 2 * x) * x - framed[:-2] - 2 * framed[2:] + 1


def broyden_banded(x: Array) -> Array:
    n, terms = len(x), x * (1 + x)
    out = x * (2 + 5 * x**2) + 1
    for k in (-1, 1, 2, 3, 4, 5):
        out = out - np.concatenate([np.zeros(max(k, 0)), terms, np.zeros(max(-k, 0))])[max(-k, 0) : max(-k, 0) + n]
    return out


def linear_full_rank(x: Array, m: int = 20) -> Array:
    return np.concatenate([x, np.zeros(m - len(x))]) - 2 / m * np.sum(x) - 1


def linear_rank_one(x: Array, m: int = 20) -> Array:
    return np.arange(1, m + 1) * np.sum(np.arange(1, len(x) + 1) * x) - 1


def linear_rank_one_zeros(x: Array, m: int = 20) -> Array:
    middle = np.sum(np.arange(2, len(x)) * x[1:-1])
    return np.concatenate([[-1], np.arange(1, m - 1) * middle - 1, [-1]])


def chebyquad(x: Array) -> Array:
    n, y = len(x), 2 * x - 1
    below, at, means = np.ones(n), y, [np.mean(y)]
    for _ in range(n - 1):
        below, at = at, 2 * y * at - below
        means.append(np.mean(at))
    i = np.arange(1, n + 1)
    integral = np.where(i % 2 == 0, -1 / np.where(i % 2 == 0, i**2 - 1, 1), 0)
    return np.array(means) - integral


def inner(n: int) -> Array:
    """The points t_j = j / (n + 1)."""
    return np.arange(1, n + 1) / (n + 1)


PROBLEMS = [
    SumOfSquares(1, "Rosenbrock", rosenbrock, np.array([-1.2, 1]), (0.0,)),
    SumOfSquares(2, "Freudenstein and Roth", freudenstein_roth, np.array([0.5, -2]), (0.0, 48.9842)),
    SumOfSquares(3, "Powell badly scaled", powell_badly_scaled, np.array([0.0, 1]), (0.0,)),
    SumOfSquares(4, "Brown badly scaled", brown_badly_scaled, np.array([1.0, 1]), (0.0,)),
    SumOfSquares(5, "Beale", beale, np.array([1.0, 1]), (0.0,)),
    SumOfSquares(6, "Jennrich and Sampson", jennrich_sampson, np.array([0.3, 0.4]), (124.362,)),
    SumOfSquares(7, "helical valley", helical_valley, np.array([-1.0, 0, 0]), (0.0,)),
    SumOfSquares(8, "Bard", bard, np.array([1.0, 1, 1]), (8.21487e-3, 17.4286)),
    SumOfSquares(9, "Gaussian", gaussian, np.array([0.4, 1, 0]), (1.12793e-8,)),
    SumOfSquares(10, "Meyer", meyer, np.array([0.02, 4000, 250]), (87.9458,)),
    SumOfSquares(11, "gulf", gulf, np.array([5, 2.5, 0.15]), (0.0,)),
    SumOfSquares(12, "Box", box, np.array([0.0, 10, 20]), (0.0,)),
    SumOfSquares(13, "Powell singular", powell_singular, np.array([3.0, -1, 0, 1]), (0.0,)),
    SumOfSquares(14, "Wood", wood, np.array([-3.0, -1, -3, -1]), (0.0,)),
    SumOfSquares(15, "Kowalik and Osborne", kowalik_osborne, np.array([0.25, 0.39, 0.415, 0.39]),
                 (3.07505e-4, 1.02734e-3)),
    SumOfSquares(16, "Brown and Dennis", brown_dennis, np.array([25.0, 5, -5, -1]), (85822.2,)),
    SumOfSquares(17, "Osborne 1", osborne_1, np.array([0.5, 1.5, -1, 0.01, 0.02]), (5.46489e-5,)),
    SumOfSquares(18, "Biggs EXP6", biggs, np.array([1.0, 2, 1, 1, 1, 1]), (0.0, 5.65565e-3)),
    SumOfSquares(19, "Osborne 2", osborne_2, np.array([1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5]),
                 (4.01377e-2,)),
    SumOfSquares(20, "Watson", watson, np.zeros(6), (2.28767e-3,)),
    SumOfSquares(21, "extended Rosenbrock", rosenbrock, np.tile([-1.2, 1], 10), (0.0,)),
    SumOfSquares(22, "extended Powell singular", powell_singular, np.tile([3.0, -1, 0, 1], 5), (0.0,)),
    SumOfSquares(23, "penalty I", penalty_1, np.arange(1.0, 11), (7.08765e-5,)),
    SumOfSquares(24, "penalty II", penalty_2, np.full(4, 0.5), (9.37629e-6,)),
    SumOfSquares(25, "variably dimensioned", variably_dimensioned, 1 - np.arange(1, 11) / 10, (0.0,)),
    SumOfSquares(26, "trigonometric", trigonometric, np.full(10, 0.1), (0.0, 2.79506e-5)),
    SumOfSquares(27, "Brown almost linear", brown_almost_linear, np.full(10, 0.5), (0.0, 1.0)),
    SumOfSquares(28, "discrete boundary value", discrete_boundary, inner(10) * (inner(10) - 1), (0.0,)),
    SumOfSquares(29, "discrete integral equation", discrete_integral, inner(10) * (inner(10) - 1), (0.0,)),
    SumOfSquares(30, "Broyden tridiagonal", broyden_tridiagonal, -np.ones(10), (0.0,)),
    SumOfSquares(31, "Broyden banded", broyden_banded, -np.ones(10), (0.0,)),
    SumOfSquares(32, "linear, full rank", linear_full_rank, np.ones(5), (15.0,)),
    SumOfSquares(33, "linear, rank 1", linear_rank_one, np.ones(5), (20 * 19 / (2 * 41),)),
    SumOfSquares(34, "linear, rank 1, zeros", linear_rank_one_zeros, np.ones(5), ((400 + 60 - 6) / (2 * 37),)),
    SumOfSquares(35, "Chebyquad", chebyquad, inner(8), (3.51687e-3,)),
]  # fmt: skip
