"""Initial value problems: Jacobians for implicit methods, and sensitivities."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate

from jacfwd.solvers.calls import KINDS, kind_for, like, taking
from jacfwd.solvers.exact import Exact, Report

__all__ = ["right_hand_side", "solve_ivp"]

IMPLICIT = {"Radau": ("dense", "sparse"), "BDF": ("dense", "sparse"), "LSODA": ("dense",)}
OTHERWISE = {
    "dense": "method='Radau', 'BDF' or 'LSODA'",
    "sparse": "method='Radau' or 'BDF'",
}


@like(scipy.integrate.solve_ivp)
def solve_ivp(given: dict[str, Any]) -> Any:
    """`scipy.integrate.solve_ivp` with the exact Jacobian of the right-hand side: `y' = f(t, y)`.

    `Radau` and `BDF` get `J[i, j] = d f_i / d y_j`, sparse where the pattern is large and sparse, or where
    `jac_sparsity` is given (the pattern itself is found, not used); `LSODA` dense, or in bands as `lband` and
    `uband` say. Explicit methods take none and run as in SciPy. The state may be complex.

    Parameters
    ----------
    fun, t_span, y0, method, t_eval, events, args, vectorized, ... : as for `scipy.integrate.solve_ivp`
    jac : "exact" (also if left out), "dense", "sparse" (`Radau`, `BDF`); what SciPy takes is passed on

    Returns
    -------
    result : SciPy's, with `jacfwd`, the `Report`

    Raises
    ------
    ValueError : the method does not take this kind of Jacobian
    JacfwdError : `fun` cannot be recorded
    NotDifferentiableError : `fun` is not complex differentiable in a complex state

    >>> import numpy as np
    >>> def robertson(t, y):
    ...     a, b, c = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
    ...     return np.array([b - a, a - b - c, c])
    >>> found = solve_ivp(robertson, (0, 40), [1.0, 0.0, 0.0], method="BDF")
    >>> found.success, found.jacfwd.recordings, found.jacfwd.method
    (True, 1, 'dense')
    """
    jac, method = given.get("jac"), _name(given.get("method", "RK45"))
    if jac is not None and not (isinstance(jac, str) and jac in KINDS):
        return scipy.integrate.solve_ivp(**given)
    given.pop("jac", None)
    if given.get("jac_sparsity") is not None and jac is None and "sparse" in IMPLICIT.get(method, ()):
        jac = "sparse"
    kind = kind_for(jac or "exact", method, IMPLICIT.get(method, ()), OTHERWISE)
    if kind == "none":
        found = scipy.integrate.solve_ivp(**given)
        found.jacfwd = Report(evaluations=found.nfev)
        return found
    given.pop("jac_sparsity", None)
    exact = Exact(right_hand_side(given["fun"], given.get("args"), given.get("vectorized", False)), 2, (1,))
    if jac in (None, "exact") and method != "LSODA":
        kind = "automatic"
    supplied = _of_time_and_state(getattr(exact, kind))
    bands = given.get("lband"), given.get("uband")
    if method == "LSODA" and bands != (None, None):
        supplied = _of_time_and_state(_packed(exact, *(0 if band is None else band for band in bands)))
    fun = _counted(exact, given["fun"]) if given.get("vectorized") else exact.value
    given.update(fun=fun, jac=supplied)
    found = scipy.integrate.solve_ivp(**given)
    found.jacfwd = exact.done(kind)
    return found


def right_hand_side(fun: Callable, args: Any, vectorized: bool) -> Callable:
    """`f(t, y)` for one state, whatever else the user's function takes."""
    rest = () if args is None else tuple(args)

    def f(t: Any, y: Any) -> Any:
        return np.reshape(fun(t, y[:, None], *rest), (-1,)) if vectorized else fun(t, y, *rest)

    return taking("t y", f, fun)


def _name(method: Any) -> str:
    """The method's name; a class counts as the method that it refines."""
    if isinstance(method, type):
        known = [name for name in IMPLICIT if issubclass(method, getattr(scipy.integrate, name))]
        return known[0] if known else method.__name__
    return str(method)


def _counted(exact: Exact, fun: Callable) -> Callable:
    """A vectorised function, whose calls the report counts."""

    def value(t: Any, y: Any, *args: Any) -> Any:
        exact.report.evaluations += 1
        return fun(t, y, *args)

    return value


def _of_time_and_state(jacobian: Callable) -> Callable:
    """A function with two arguments, which the interface of LSODA counts in older releases of SciPy."""

    def jac(t: Any, y: Any, *args: Any) -> Any:
        return jacobian(t, y)

    return jac


def _packed(exact: Exact, lower: int, upper: int) -> Callable:
    """The Jacobian in LSODA's bands: `packed[upper + i - j, j] = J[i, j]`."""

    def bands(*inputs: Any) -> np.ndarray:
        matrix = exact.dense(*inputs)
        n = matrix.shape[0]
        i, j = np.broadcast_arrays(np.arange(n)[:, None], np.arange(n))
        inside = (i - j <= lower) & (j - i <= upper)
        if matrix[~inside].any():
            raise ValueError(f"the Jacobian has entries outside the bands lband={lower}, uband={upper}")
        packed = np.zeros((lower + upper + 1, n))
        packed[(upper + i - j)[inside], j[inside]] = matrix[inside]
        return packed

    return bands
