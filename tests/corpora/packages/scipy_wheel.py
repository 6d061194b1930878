"""SciPy's own test problems, from its wheel: `rosen*`, least squares, right-hand sides of differential equations."""

import inspect
from typing import Any

import numpy as np
from scipy import optimize
from scipy.integrate._ivp.tests import test_ivp
from scipy.optimize.tests import test_least_squares

from tests.corpora.case import Case, Cases, numbers

__all__ = ["cases"]

NAME = "scipy"
# How many numbers a problem takes.
SIZES = {
    "fun_trivial": 1, "fun_rosenbrock": 2, "fun_2d_trivial": 2, "fun_rosenbrock_cropped": 2, "fun_bvp": 16,
    "jac_rosenbrock_cropped": 2, "fun_wrong_dimensions": 1, "jac_wrong_dimensions": 1, "jac_trivial": 1,
    "jac_2d_trivial": 2, "jac_rosenbrock": 2,
    "jac_rosenbrock_bad_dim": 2,
}  # fmt: skip


def cases() -> Cases:
    """All of them."""
    x = numbers(0.5, 1.5, 6)
    yield Case(NAME, "optimize.rosen", optimize.rosen, (x,), lambda x, v: optimize.rosen_der(x) @ v)
    yield Case(NAME, "optimize.rosen_der", optimize.rosen_der, (x,), lambda x, v: optimize.rosen_hess(x) @ v)
    yield Case(NAME, "optimize.rosen_hess", optimize.rosen_hess, (x,))
    yield Case(NAME, "optimize.rosen_hess_prod", optimize.rosen_hess_prod, (x, numbers(-1, 1, 6)))
    for name, function in functions(test_least_squares):
        if name in SIZES:
            own = vars(test_least_squares).get(name.replace("fun_", "jac_")) if name.startswith("fun_") else None
            yield Case(NAME, f"least_squares.{name}", function, (numbers(0.6, 1.4, SIZES[name]),), product(own))
    broyden = test_least_squares.BroydenTridiagonal(n=8, mode="dense")
    yield Case(NAME, "least_squares.BroydenTridiagonal.fun", broyden.fun, (numbers(-1, 1, 8),), product(broyden.jac))
    yield Case(NAME, "least_squares.BroydenTridiagonal._jac", broyden._jac, (numbers(-1, 1, 8),))
    fitting = test_least_squares.ExponentialFittingProblem(1, 0.1, 0.1, rng=0)
    yield Case(NAME, "least_squares.ExponentialFitting.fun", fitting.fun, (np.array([0.9, 1.2]),), product(fitting.jac))
    yield Case(NAME, "least_squares.ExponentialFitting.jac", fitting.jac, (np.array([0.9, 1.2]),))
    for name, function in functions(test_ivp):
        if name.startswith(("fun_", "jac_")):
            size = 16 if "medazko" in name else 2
            yield Case(NAME, f"solve_ivp.{name}", function, (1.3, numbers(0.2, 0.9, size)))
        elif name.startswith("sol_"):
            yield Case(NAME, f"solve_ivp.{name}", function, (numbers(1.1, 2.0, 5),))


def functions(module: Any) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in vars(module).items() if inspect.isfunction(value)]


def product(jacobian: Any) -> Any:
    """A Jacobian as a derivative in a direction."""
    if jacobian is None:
        return None
    return lambda x, v: np.atleast_2d(np.asarray(jacobian(x))) @ v
