"""opfunu.name_based: `evaluate` of every named test function, in its default dimension."""

import inspect
from typing import Any

import numpy as np
import opfunu

from tests.corpora.case import Case, Cases, numbers

__all__ = ["cases"]

NAME = "opfunu"


def cases() -> Cases:
    """One case for each class."""
    seen = set()
    for name, cls in sorted(inspect.getmembers(opfunu.name_based, inspect.isclass)):
        if hasattr(cls, "evaluate") and cls.__name__ not in seen and cls.__name__ != "Benchmark":
            seen.add(cls.__name__)
            problem = made(cls)
            if problem is not None:
                low, high = np.asarray(problem.lb, float), np.asarray(problem.ub, float)
                at = low + (high - low) * numbers(0.53, 0.78, problem.ndim)
                yield Case(NAME, f"{name}.evaluate", problem.evaluate, (at,))


def made(cls: Any) -> Any:
    for arguments in ({}, {"ndim": 2}, {"ndim": 3}, {"ndim": 4}):
        try:
            return cls(**arguments)
        except Exception:
            continue
    return None
