"""Boundary value problems."""

from typing import Any

import numpy as np
import scipy.integrate

from jacfwd.solvers.calls import KINDS, kind_for, like
from jacfwd.solvers.exact import Exact, Report

__all__ = ["solve_bvp"]

OTHERWISE = {"sparse": "'dense': SciPy puts the blocks into a sparse matrix itself"}

# Rounding in the comparison that finds mixed points, relative to the largest sum.
MIXED = 1e-9


@like(scipy.integrate.solve_bvp)
def solve_bvp(given: dict[str, Any]) -> Any:
    """`scipy.integrate.solve_bvp` with exact derivatives of the equations and of the boundary conditions.

    `y' = f(x, y, p)`, `bc(y(a), y(b), p) = 0`. `fun` works on all mesh points at once, and is recorded once
    for each number of them; its blocks `df_dy (n, n, m)` and `df_dp (n, k, m)` come from n + k pushed tangents.

    Parameters
    ----------
    fun, bc, x, y, p, S, tol, ... : as for `scipy.integrate.solve_bvp`
    fun_jac, bc_jac : "exact" (also if left out); a function is passed on to SciPy

    Returns
    -------
    result : SciPy's, with `jacfwd`, the `Report`

    Raises
    ------
    ValueError : `fun` mixes mesh points, so that no blocks hold its derivative; another kind of Jacobian
    JacfwdError : a function cannot be recorded

    >>> import numpy as np
    >>> x = np.linspace(0, 1, 5)
    >>> found = solve_bvp(
    ...     lambda x, y: np.vstack((y[1], -np.exp(y[0]))),
    ...     lambda ya, yb: np.array([ya[0], yb[0]]),
    ...     x, np.zeros((2, 5)))
    >>> found.success, round(float(found.sol(0.5)[0]), 3)
    (True, 0.141)
    """
    report = Report(method="none")
    with_p = given.get("p") is not None
    for name, f, make in (("fun_jac", "fun", Equations), ("bc_jac", "bc", Conditions)):
        jac = given.get(name)
        if jac is None or (isinstance(jac, str) and jac in KINDS):
            kind_for(jac or "exact", "solve_bvp", ("dense",), OTHERWISE)
            maker = make(given[f], with_p, report)
            given[name], given[f] = maker.jacobian, maker.exact.value
            report.method = "dense"
    found = scipy.integrate.solve_bvp(**given)
    found.jacfwd = report
    return found


class Equations:
    """The right-hand side at all mesh points, and the blocks of its derivative.

    The columns of `fun(x, y)` belong to different points, so that the unit tangent of one component at all points
    gives one column of every block: n seeds, and one for each parameter. A random tangent more tells whether points
    are mixed.
    """

    def __init__(self, fun: Any, with_p: bool, report: Report) -> None:
        self.with_p = with_p
        self.exact = Exact(fun, 3 if with_p else 2, (1, 2) if with_p else (1,), report)

    def jacobian(self, x: np.ndarray, y: np.ndarray, *p: Any) -> Any:
        """`df_dy (n, n, m)`, and `df_dp (n, k, m)` where there are parameters."""
        n, m = y.shape
        k = np.size(p[0]) if self.with_p else 0
        random = np.random.default_rng(m).uniform(0.5, 1.5, (n, m))
        seeds = np.zeros((m + n * m + k, n + k + 1))
        of_y = seeds[m : m + n * m].reshape(n, m, -1)
        of_y[np.arange(n), :, np.arange(n)] = 1
        of_y[:, :, -1] = random
        seeds[m + n * m + np.arange(k), n + np.arange(k)] = 1
        columns = np.reshape(self.exact.operator(x, y, *p) @ seeds, (n, m, -1))
        df_dy = np.ascontiguousarray(np.moveaxis(columns[:, :, :n], 1, 2))
        mixed = columns[:, :, -1] - np.einsum("ijm,jm->im", df_dy, random)
        scale = np.einsum("ijm,jm->im", np.abs(df_dy), random).max(initial=1)
        if np.isfinite(scale) and np.abs(mixed).max(initial=0) > MIXED * scale:
            raise ValueError(
                "fun mixes mesh points: its value at one depends on y at another, and solve_bvp has no place for "
                "such a derivative; write each column of fun(x, y) in terms of the same column of y"
            )
        return (df_dy, np.ascontiguousarray(np.moveaxis(columns[:, :, n:-1], 1, 2))) if self.with_p else df_dy


class Conditions:
    """The boundary conditions and their derivatives."""

    def __init__(self, bc: Any, with_p: bool, report: Report) -> None:
        count = 3 if with_p else 2
        self.exact = Exact(bc, count, range(count), report)

    def jacobian(self, ya: np.ndarray, yb: np.ndarray, *p: Any) -> Any:
        """`dbc_dya`, `dbc_dyb` and, where there are parameters, `dbc_dp`, each with a row per condition."""
        matrix = self.exact.dense(ya, yb, *p)
        n = len(ya)
        blocks = matrix[:, :n], matrix[:, n : 2 * n]
        return (*blocks, matrix[:, 2 * n :]) if p else blocks
