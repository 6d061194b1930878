"""Logistic regression: the worked example of forward mode, of what it gives and of what it costs.

The scalar form is f(a, b, x) = sigma(a x + b); over a table of m rows the loss is the mean negative
log-likelihood of theta = (w, b),

    L(theta) = mean_i log(1 + exp(-s_i z_i)),   z = X w + b,   s_i = 2 y_i - 1,

whose gradient has the closed form (X^T (sigma(z) - y), sum(sigma(z) - y)) / m.
"""

import csv
import io
import math
import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from jacfwd.api import gradient, hessian, jacfwd, jvp

__all__ = [
    "SCALAR",
    "Costs",
    "DataError",
    "Fit",
    "Table",
    "closed_gradient",
    "extrapolate",
    "fit",
    "gradient_difference",
    "iris",
    "load_csv",
    "loss",
    "measure",
]

Array = npt.NDArray[np.float64]
Line = tuple[int, list[str]]
"""The number of a line in its file, counted from 1, and its cells."""

SCALAR = "g = a*x + b; f = sigmoid(g)"
"""The scalar form, as an expression."""

NEWTON_STEPS = 100
NEGLIGIBLE = 1e-14
"""A decrease of the loss that a Newton step foretells and that rounding hides."""


class DataError(ValueError):
    """A file that is no table of two classes, or a table to which no model can be fitted."""


@dataclass(frozen=True)
class Table:
    """Features `X` of shape (m, n) and classes `y` of shape (m,), 0.0 or 1.0, with their names."""

    X: Array
    y: Array
    features: tuple[str, ...]
    classes: tuple[str, str]


@dataclass(frozen=True)
class Fit:
    """The maximum-likelihood coefficients in the table's units, and the Newton steps they took."""

    w: Array
    b: float
    loss: float
    steps: int


@dataclass(frozen=True)
class Costs:
    """Times of one run each for `n` inputs, as multiples of the time of the function itself."""

    n: int
    jvp: float
    jacfwd: float
    reverse: float


def iris() -> Table:
    """Fisher's irises: the species versicolor and virginica, which no plane separates."""
    lines = _lines(resources.files("jacfwd") / "data" / "iris.csv")
    return _table([lines[0], *(line for line in lines[1:] if line[1][-1] != "setosa")])


def load_csv(path: str | Path) -> Table:
    """Read a comma-separated table: a line of column names, numeric features and two classes.

    The classes stand in the column named `target`, or else in the last one; the one that sorts second
    counts as 1.

    Raises:
        DataError: with the file and the line, if the file is not such a table.
    """
    try:
        return _table(_lines(Path(path)))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: this is not a text file in UTF-8") from None
    except (DataError, csv.Error) as error:
        raise DataError(f"{path}: {error}") from None


def _lines(path: Traversable) -> list[Line]:
    reader = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")))
    lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    return [line for line in lines if any(line[1])]


def _table(lines: list[Line]) -> Table:
    if not lines:
        raise DataError("the file is empty")
    (_, names), *rows = lines
    _check_names(names)
    target = names.index("target") if "target" in names else len(names) - 1
    for at, cells in rows:
        if len(cells) != len(names):
            raise DataError(f"line {at} has {len(cells)} cells, the line of column names has {len(names)}")
        if not cells[target]:
            raise DataError(f"line {at}: the class (column {names[target]!r}) is missing")
    classes = sorted({cells[target] for _, cells in rows})
    if len(classes) != 2:
        raise DataError(f"column {names[target]!r} must hold two classes, found {_listed(classes)}")
    columns = [k for k in range(len(names)) if k != target]
    X = [[_number(cells[k], at, names[k]) for k in columns] for at, cells in rows]
    y = [float(cells[target] == classes[1]) for _, cells in rows]
    return Table(np.array(X), np.array(y), tuple(names[k] for k in columns), (classes[0], classes[1]))


def _check_names(names: list[str]) -> None:
    if len(names) < 2:
        raise DataError("at least one column of features and one of classes are needed, separated by commas")
    if all(_is_number(name) for name in names[:-1]):
        raise DataError("the first line must hold the names of the columns, not numbers")
    if len(set(names)) < len(names):
        raise DataError("two columns have the same name")


def _number(cell: str, at: int, name: str) -> float:
    if not _is_number(cell):
        raise DataError(f"line {at}: {cell!r} in column {name!r} is not a number")
    number = float(cell)
    if not math.isfinite(number):
        raise DataError(f"line {at}: {cell!r} in column {name!r} is not finite")
    return number


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _listed(classes: list[str]) -> str:
    shown = ", ".join(repr(c) for c in classes[:4]) + (", ..." if len(classes) > 4 else "")
    return f"{len(classes)}: {shown}" if classes else "none: there are no rows"


def loss(theta: Any, X: Array, y: Array) -> Any:
    """Mean negative log-likelihood of `theta` = (w, b), shape (n + 1,), without overflow."""
    w, b = theta[:-1], theta[-1]
    return np.mean(np.logaddexp(0.0, (1 - 2 * y) * (X @ w + b)))


def closed_gradient(theta: Array, X: Array, y: Array) -> Array:
    """The gradient of `loss` by its formula, shape (n + 1,)."""
    residual = expit(X @ theta[:-1] + theta[-1]) - y
    return np.append(X.T @ residual, residual.sum()) / len(y)


def fit(table: Table) -> Fit:
    """Maximise the likelihood by damped Newton steps with forward-mode gradients and Hessians.

    Raises:
        DataError: if a plane separates the classes, because then no coefficients are best.
    """
    X, center, scale = _standardized(table)
    y = table.y
    theta = np.zeros(X.shape[1] + 1)
    for steps in range(1, NEWTON_STEPS + 1):
        g = gradient(loss, method="forward")(theta, X, y)
        # Least squares instead of solve: features may depend on each other linearly.
        step = np.linalg.lstsq(hessian(loss)(theta, X, y), g)[0]
        gain = g @ step
        if gain < NEGLIGIBLE:
            _refuse_separable(X, theta, step)
            w = (theta - step)[:-1] / scale
            b = (theta - step)[-1] - w @ center
            return Fit(w, float(b), float(loss(theta - step, X, y)), steps)
        theta = _damped(theta, step, gain, X, y)
    raise DataError(f"no most likely coefficients were found in {NEWTON_STEPS} Newton steps")


def _refuse_separable(X: Array, theta: Array, step: Array) -> None:
    """Where a plane separates the classes, the loss is flat but every step still moves z by about 1."""
    moved, z = (np.max(np.abs(X @ t[:-1] + t[-1])) for t in (step, theta))
    if moved > 1e-3 * (1 + z):
        raise DataError("a plane separates the two classes, so no coefficients are the most likely ones")


def gradient_difference(table: Table, points: int = 10) -> float:
    """Largest difference between forward mode and the closed form, relative to the largest entry.

    It is taken at the start of the fit and at random points: at the optimum both gradients are rounding.
    """
    X, _, _ = _standardized(table)
    random = np.random.default_rng(0)
    largest = 0.0
    for theta in [np.zeros(X.shape[1] + 1), *random.standard_normal((points, X.shape[1] + 1))]:
        closed = closed_gradient(theta, X, table.y)
        difference = gradient(loss, method="forward")(theta, X, table.y) - closed
        largest = max(largest, float(np.max(np.abs(difference)) / np.max(np.abs(closed))))
    return largest


def _standardized(table: Table) -> tuple[Array, Array, Array]:
    """The features with mean 0 and deviation 1 (constant ones: 0), their means and deviations."""
    with np.errstate(over="ignore", invalid="ignore"):
        center = table.X.mean(axis=0)
        deviation = table.X.std(axis=0)
    if not np.all(np.isfinite(deviation)):
        raise DataError("the numbers are too large to compute their deviation")
    scale = np.where(deviation > 0, deviation, 1.0)
    return (table.X - center) / scale, center, scale


def _damped(theta: Array, step: Array, gain: float, X: Array, y: Array) -> Array:
    """`theta - t step` with the first t in 1, 1/2, 1/4 ... that lowers the loss enough."""
    t = 1.0
    while loss(theta - t * step, X, y) > loss(theta, X, y) - 1e-4 * t * gain:
        t /= 2
    return theta - t * step


def measure(n: int, rows: int = 500) -> Costs:
    """Time forward and reverse mode on the loss of random data with `n` inputs.

    They are n - 1 coefficients and the constant; medians of repeated runs, first calls left out.
    """
    random = np.random.default_rng(n)
    X = random.standard_normal((rows, n - 1))
    y = (random.random(rows) < 0.5).astype(float)
    theta = random.standard_normal(n) / math.sqrt(n)
    seed = np.zeros(n)
    seed[0] = 1.0

    def f(theta: Any) -> Any:
        return loss(theta, X, y)

    value = _seconds(lambda: f(theta))
    return Costs(
        n,
        jvp=_seconds(lambda: jvp(f, theta, seed)) / value,
        jacfwd=_seconds(lambda: jacfwd(f)(theta)) / value,
        reverse=_seconds(lambda: gradient(f, method="reverse")(theta)) / value,
    )


def extrapolate(ns: Sequence[int], ratios: Sequence[float], n: float) -> tuple[float, float]:
    """The ratio expected for `n` inputs, and the exponent: ratio ~ n^exponent, by the three largest `ns`.

    A ratio that falls, because fixed costs still fade, is expected to stay: its exponent counts as 0.

    >>> ratio, exponent = extrapolate([10, 100, 1000], [30.0, 300.0, 3000.0], 1e6)
    >>> round(ratio), round(exponent, 6)
    (3000000, 1.0)
    """
    slope = float(np.polyfit(np.log(ns[-3:]), np.log(ratios[-3:]), 1)[0])
    exponent = max(slope, 0.0)
    return float(ratios[-1] * (n / ns[-1]) ** exponent), exponent


def _seconds(call: Callable[[], object]) -> float:
    """Median time of one call over 7 runs of at least a millisecond (3, where one takes 0.2 s)."""
    timer = timeit.Timer(call)
    timer.timeit(1)
    once = timer.timeit(1)
    number = max(1, math.ceil(1e-3 / once))
    return float(np.median(timer.repeat(3 if once > 0.2 else 7, number))) / number
