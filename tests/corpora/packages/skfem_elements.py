"""scikit-fem: every local basis function of every element, against the derivatives that it comes with."""

import inspect
from typing import Any

import numpy as np
import skfem.element

from tests.corpora.case import Case, Cases, numbers

__all__ = ["cases"]

NAME = "skfem"
MADE = {"ElementTriP0DG": (), "ElementLineLegendre": (4,), "ElementLinePp": (5,), "ElementQuadP": (3,)}


def cases() -> Cases:
    """`lbasis(X, i)[0]` for every element and i."""
    for name, cls in inspect.getmembers(skfem.element, inspect.isclass):
        element = made(name, cls)
        if element is None:
            continue
        dimension = element.dim
        X = np.stack([numbers(0.07 + 0.01 * k, 0.3 + 0.01 * k, 5) for k in range(dimension)])
        for i in range(64):
            try:
                phi, dphi = element.lbasis(X, i)[:2]
            except Exception:
                break
            yield Case(NAME, f"{name}.lbasis({i})", basis(element, i), (X,), own(element, i, phi, dphi, dimension))


def made(name: str, cls: Any) -> Any:
    try:
        element = cls(*MADE.get(name, ()))
        element.lbasis(np.full((element.dim, 2), 0.21), 0)
    except Exception:
        return None
    return element


def basis(element: Any, i: int) -> Any:
    return lambda X: element.lbasis(X, i)[0]


def own(element: Any, i: int, phi: Any, dphi: Any, dimension: int) -> Any:
    """The gradient that comes with a scalar basis function; others come with a divergence or a curl."""
    if np.shape(dphi) != (dimension, *np.shape(phi)) or np.ndim(phi) != 1:
        return None
    return lambda X, v: np.sum(element.lbasis(X, i)[1] * v, axis=0)
