"""Roots of systems, and how they move with parameters."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

from jacfwd.solvers.calls import KINDS, kind_for, like, with_rest
from jacfwd.solvers.exact import Exact

__all__ = ["fsolve", "newton_krylov", "root"]

ROOT = {"hybr": ("dense",), "lm": ("dense",), "krylov": ("products",)}
# Their approximations of the Jacobian come from the steps taken.
WITHOUT = ("broyden1", "broyden2", "anderson", "linearmixing", "diagbroyden", "excitingmixing", "df-sane")
OTHERWISE = {
    "dense": "method='hybr' or 'lm'",
    "products": "method='krylov'",
    "sparse": "jf.solvers.least_squares, method='trf' or 'dogbox'",
    "operator": "jf.solvers.least_squares, method='trf' or 'dogbox', or as 'products' with method='krylov'",
}
# Options of `root(method='krylov')` by the names that the solver itself has for them.
KRYLOV = {"nit": "iter", "disp": "verbose", "maxiter": "maxiter", "ftol": "f_rtol", "fatol": "f_tol",
          "xtol": "x_rtol", "xatol": "x_tol", "tol_norm": "tol_norm", "line_search": "line_search"}  # fmt: skip
# How many products SciPy's LGMRES makes at most, and a residual below which nothing is gained.
INNER, TINY = 30, float(np.finfo(float).tiny)


@like(scipy.optimize.root)
def root(given: dict[str, Any]) -> Any:
    """`scipy.optimize.root` with exact derivatives: `F(x) = 0`.

    `hybr` and `lm` get the dense Jacobian, `krylov` exact products `J v`; the other methods take no derivative and
    run as in SciPy.

    Parameters
    ----------
    fun, x0, args, method, ... : as for `scipy.optimize.root`
    jac : "exact" (also if left out), "dense" (`hybr`, `lm`), "products" (`krylov`); what SciPy takes is passed on

    Returns
    -------
    OptimizeResult : SciPy's, with `jacfwd`, the `Report`

    Raises
    ------
    ValueError : the method does not take this kind of Jacobian
    JacfwdError : `fun` cannot be recorded

    >>> import numpy as np
    >>> found = root(lambda x: [x[0] + 0.5 * x[1] - 1, 0.5 * (x[1] - x[0]) ** 2], [0.0, 0.3])
    >>> found.success, found.jacfwd.method
    (True, 'dense')
    """
    jac, method = given.get("jac"), given.get("method", "hybr").lower()
    known = method in ROOT or method in WITHOUT
    if not known or (jac is not None and not (isinstance(jac, str) and jac in KINDS)):
        return scipy.optimize.root(**given)
    kind = kind_for(jac or "exact", method, ROOT.get(method, ()), OTHERWISE)
    exact = Exact(with_rest(given["fun"], _as_tuple(given.get("args", ()))))
    given["fun"] = exact.value
    given.pop("jac", None)
    if kind == "dense":
        found = scipy.optimize.root(**given, jac=exact.dense)
    elif kind == "products":
        found = _krylov(exact, given)
    else:
        found = scipy.optimize.root(**given)
    found.jacfwd = exact.done(kind)
    return found


@like(scipy.optimize.fsolve)
def fsolve(given: dict[str, Any]) -> Any:
    """`scipy.optimize.fsolve` with the exact dense Jacobian.

    Parameters
    ----------
    func, x0, args, ... : as for `scipy.optimize.fsolve`
    fprime : "exact" or "dense" (also if left out); a function is passed on to SciPy

    Returns
    -------
    x : as SciPy's; with `full_output=True` the dictionary of details has the `Report` as `"jacfwd"`

    Raises
    ------
    ValueError : a kind of Jacobian other than dense
    JacfwdError : `func` cannot be recorded

    >>> import numpy as np
    >>> np.round(fsolve(lambda x: [x[0] * np.cos(x[1]) - 4, x[1] * x[0] - x[1] - 5], [1, 1]), 4)
    array([6.5041, 0.9084])
    """
    fprime = given.get("fprime")
    if fprime is not None and not (isinstance(fprime, str) and fprime in KINDS):
        return scipy.optimize.fsolve(**given)
    kind = kind_for(fprime or "exact", "fsolve", ("dense",), OTHERWISE)
    exact = Exact(with_rest(given["func"], _as_tuple(given.get("args", ()))))

    def turned(*inputs: Any) -> np.ndarray:
        return np.ascontiguousarray(exact.dense(*inputs).T)

    given.update(func=exact.value, fprime=turned if given.get("col_deriv") else exact.dense)
    found = scipy.optimize.fsolve(**given)
    if given.get("full_output"):
        found[1]["jacfwd"] = exact.done(kind)
    return found


@like(scipy.optimize.newton_krylov)
def newton_krylov(given: dict[str, Any]) -> Any:
    """`scipy.optimize.newton_krylov` with exact products `J v` in place of differences.

    Each Newton step solves `J(x) s = -F(x)` by a Krylov method, for which `J v` is pushed forward: one sweep, no
    step length to choose (Knoll and Keyes, J. Comput. Phys. 193, 2004, take differences).

    Parameters
    ----------
    F, xin, method, inner_M, f_tol, ... : as for `scipy.optimize.newton_krylov`
    rdiff : the step of differences; must be left out

    Returns
    -------
    x : as SciPy's

    Raises
    ------
    ValueError : `rdiff` is given
    scipy.optimize.NoConvergence : as SciPy's
    JacfwdError : `F` cannot be recorded

    >>> import numpy as np
    >>> x = newton_krylov(lambda x: x + np.tanh(np.roll(x, 1)) - 1, np.zeros(5))
    >>> bool(np.allclose(x + np.tanh(x), 1, atol=1e-5))
    True
    """
    solve, jacobian = _inexact_newton()
    exact = Exact(given.pop("F"))
    xin = given.pop("xin")
    inner = {name: given.pop(name) for name in list(given) if _belongs_to_krylov(name)}
    return solve(exact.value, xin, jacobian(exact, np.shape(xin), **inner), **given)


def _belongs_to_krylov(name: str) -> bool:
    return name in ("rdiff", "method", "outer_k") or name.startswith("inner_")


def _krylov(exact: Exact, given: dict[str, Any]) -> Any:
    """`root(method='krylov')` with exact products."""
    options = dict(given.get("options") or {})
    if given.get("tol") is not None:
        # What SciPy makes of the one tolerance: the step alone decides.
        options = {"xtol": given["tol"], "xatol": np.inf, "ftol": np.inf, "fatol": np.inf} | options
    inner = options.pop("jac_options", None) or {}
    unknown = options.keys() - KRYLOV.keys()
    if unknown:
        raise ValueError(f"unknown options {sorted(unknown)}: method='krylov' has {sorted([*KRYLOV, 'jac_options'])}")
    solve, jacobian = _inexact_newton()
    x, details = solve(
        exact.value,
        given["x0"],
        jacobian(exact, np.shape(given["x0"]), **inner),
        callback=given.get("callback"),
        full_output=True,
        raise_exception=False,
        **{KRYLOV[name]: value for name, value in options.items()},
    )
    found = scipy.optimize.OptimizeResult(x=x, method="krylov", nfev=exact.report.evaluations)
    found.update(details)
    return found


def _inexact_newton() -> tuple[Callable, type]:
    """SciPy's inexact Newton method, and a Jacobian for it with exact products.

    `nonlin_solve` is what `newton_krylov` calls; no public function takes a Jacobian of one's own.
    """
    from scipy.optimize._nonlin import KrylovJacobian, nonlin_solve

    class ExactKrylov(KrylovJacobian):
        """`J v` at the current point by a pushed tangent."""

        def __init__(self, exact: Exact, shape: tuple[int, ...], rdiff: Any = None, **settings: Any) -> None:
            if rdiff is not None:
                raise ValueError("rdiff is a step of differences, and products are exact here: leave it out")
            self.exact, self.point_shape, self.products = exact, shape, 0
            super().__init__(**settings)

        def matvec(self, v: np.ndarray) -> np.ndarray:
            """The product, flat."""
            self.products += 1
            product = self.exact.product(self.x0.reshape(self.point_shape), v)
            if not np.isfinite(product).all() and np.isfinite(v).all():
                raise ValueError("the derivative is not finite here")
            return product

        def solve(self, rhs: np.ndarray, tol: float = 0) -> np.ndarray:
            """The Newton step, solved again without the steps that LGMRES carries along where these stopped it early.

            Exact products make them exactly dependent, which SciPy's LGMRES takes for convergence.
            """
            before = self.products
            found = super().solve(rhs, tol)
            carried = self.method_kw.get("outer_v")
            early = self.products - before < self.method_kw.get("inner_m", INNER)
            reached = self.method_kw.get("rtol", tol) * np.linalg.norm(rhs)
            if not carried or not early or np.linalg.norm(rhs - self.matvec(found)) <= max(reached, TINY):
                return found
            carried.clear()
            return super().solve(rhs, tol)

    return nonlin_solve, ExactKrylov


def _as_tuple(args: Any) -> tuple:
    return args if isinstance(args, tuple) else (args,)
