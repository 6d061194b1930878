"""One function of a package that nobody wrote for this, with arguments in its domain."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Case", "Cases", "near", "numbers"]


@dataclass(frozen=True)
class Case:
    """`f(*args)`, all arguments floats or float arrays; `own(*args, *tangents)` is the package's own derivative."""

    package: str
    name: str
    f: Callable
    args: tuple[Any, ...]
    own: Callable | None = field(default=None, compare=False)


Cases = Iterator[Case]


def near(values: Any, seed: int = 0) -> Any:
    """Values moved by up to three per cent: off the points where packages put their kinks and special values."""
    values = np.asarray(values, float)
    moved = values * (1 + 0.03 * np.random.default_rng(seed).uniform(0.2, 1.0, values.shape))
    moved = np.where(values == 0, 0.017, moved)
    return moved if moved.ndim else float(moved)


def numbers(low: float, high: float, n: int) -> np.ndarray:
    """Numbers in an interval, in no particular order and at no round places."""
    return low + (high - low) * np.modf(np.arange(1, n + 1) * 0.6180339887498949 + 0.11)[0]
