"""The nonlinear regression data sets of NIST, with certified parameters.

Statistical Reference Datasets, National Institute of Standards and Technology, Information Technology Laboratory,
https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml: 27 data sets, two starts each, parameters and residual
sums of squares certified to 11 digits. The numbers are in `nist.json`; the models are here.
"""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["MODELS", "Data", "data_sets", "digits"]

Array = npt.NDArray[Any]


def rational(x: Array, above: tuple, below: tuple) -> Array:
    """A quotient of polynomials, coefficients of rising powers; the denominator's begin with 1."""
    return sum(b * x**k for k, b in enumerate(above)) / (1 + sum(b * x**k for k, b in enumerate(below, 1)))


def exponentials(x: Array, *b: Any) -> Array:
    """Sum of `b1 exp(-b2 x)`, `b3 exp(-b4 x)` ..."""
    return sum(a * np.exp(-rate * x) for a, rate in zip(b[::2], b[1::2], strict=True))


def peaks(x: Array, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any, b6: Any, b7: Any, b8: Any) -> Array:
    """Two Gaussian peaks on a decaying exponential."""
    left, right = b3 * np.exp(-((x - b4) ** 2) / b5**2), b6 * np.exp(-((x - b7) ** 2) / b8**2)
    return b1 * np.exp(-b2 * x) + left + right


def cycles(x: Array, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any, b6: Any, b7: Any, b8: Any, b9: Any) -> Array:
    """A mean and three cycles, one of them of 12 months."""
    year, first, second = (2 * np.pi * x / period for period in (12, b4, b7))
    return (
        b1 + b2 * np.cos(year) + b3 * np.sin(year) + b5 * np.cos(first) + b6 * np.sin(first)
        + b8 * np.cos(second) + b9 * np.sin(second)
    )  # fmt: skip


MODELS: dict[str, Callable] = {
    "Bennett5": lambda x, b1, b2, b3: b1 * (b2 + x) ** (-1 / b3),
    "BoxBOD": lambda x, b1, b2: b1 * (1 - np.exp(-b2 * x)),
    "Chwirut1": lambda x, b1, b2, b3: np.exp(-b1 * x) / (b2 + b3 * x),
    "Chwirut2": lambda x, b1, b2, b3: np.exp(-b1 * x) / (b2 + b3 * x),
    "DanWood": lambda x, b1, b2: b1 * x**b2,
    "ENSO": cycles,
    "Eckerle4": lambda x, b1, b2, b3: (b1 / b2) * np.exp(-0.5 * ((x - b3) / b2) ** 2),
    "Gauss1": peaks,
    "Gauss2": peaks,
    "Gauss3": peaks,
    "Hahn1": lambda x, b1, b2, b3, b4, b5, b6, b7: rational(x, (b1, b2, b3, b4), (b5, b6, b7)),
    "Kirby2": lambda x, b1, b2, b3, b4, b5: rational(x, (b1, b2, b3), (b4, b5)),
    "Lanczos1": exponentials,
    "Lanczos2": exponentials,
    "Lanczos3": exponentials,
    "MGH09": lambda x, b1, b2, b3, b4: b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4),
    "MGH10": lambda x, b1, b2, b3: b1 * np.exp(b2 / (x + b3)),
    "MGH17": lambda x, b1, b2, b3, b4, b5: b1 + b2 * np.exp(-x * b4) + b3 * np.exp(-x * b5),
    "Misra1a": lambda x, b1, b2: b1 * (1 - np.exp(-b2 * x)),
    "Misra1b": lambda x, b1, b2: b1 * (1 - (1 + b2 * x / 2) ** -2.0),
    "Misra1c": lambda x, b1, b2: b1 * (1 - (1 + 2 * b2 * x) ** -0.5),
    "Misra1d": lambda x, b1, b2: b1 * b2 * x / (1 + b2 * x),
    "Nelson": lambda x, b1, b2, b3: b1 - b2 * x[0] * np.exp(-b3 * x[1]),  # of log y
    "Rat42": lambda x, b1, b2, b3: b1 / (1 + np.exp(b2 - b3 * x)),
    "Rat43": lambda x, b1, b2, b3, b4: b1 / (1 + np.exp(b2 - b3 * x)) ** (1 / b4),
    "Roszman1": lambda x, b1, b2, b3, b4: b1 - b2 * x - np.arctan(b3 / (x - b4)) / np.pi,
    "Thurber": lambda x, b1, b2, b3, b4, b5, b6, b7: rational(x, (b1, b2, b3, b4), (b5, b6, b7)),
}


@dataclasses.dataclass(frozen=True)
class Data:
    """One data set: observations y at x (two rows for Nelson), the model, two starts and the certified values."""

    name: str
    level: str
    model: Callable
    x: Array
    y: Array
    starts: tuple[Array, Array]
    certified: Array
    deviations: Array
    rss: float


def data_sets() -> dict[str, Data]:
    """All 27, by name."""
    numbers = json.loads((Path(__file__).parent / "nist.json").read_text(encoding="utf-8"))
    return {name: data_set(name, **parts) for name, parts in numbers.items()}


def data_set(name: str, *, level: str, starts: list, certified: list, deviations: list, rss: float, y: list,
             x: list) -> Data:  # fmt: skip
    """One of them; the model of Nelson is one of the logarithm."""
    first, second = map(np.array, starts)
    observed = np.log(y) if name == "Nelson" else np.array(y)
    at = np.array(x) if len(x) > 1 else np.array(x[0])
    return Data(
        name, level, MODELS[name], at, observed, (first, second), np.array(certified), np.array(deviations), rss
    )


def digits(found: Array, certified: Array) -> float:
    """How many digits the worst parameter has right: `-log10` of its relative error, at most 11."""
    with np.errstate(divide="ignore"):
        return float(np.clip(-np.log10(np.max(np.abs(found - certified) / np.abs(certified))), 0, 11))
