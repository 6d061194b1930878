"""Minimisation: gradients, Hessians or products with them, constraints."""

from collections.abc import Callable, Sequence
from typing import Any

import scipy.optimize

from jacfwd.solvers.calls import KINDS, kind_for, like, taking, with_rest
from jacfwd.solvers.exact import Exact, Report
from jacfwd.solvers.second import Scalar, Second, weighted

__all__ = ["NonlinearConstraint", "minimize"]

GRADIENTS = ("cg", "bfgs", "newton-cg", "l-bfgs-b", "tnc", "slsqp", "dogleg", "trust-ncg", "trust-krylov",
             "trust-exact", "trust-constr")  # fmt: skip
WITHOUT = ("nelder-mead", "powell", "cobyla", "cobyqa")
# Second derivatives that each method takes, the best first.
HESSIANS = {
    "newton-cg": ("products", "dense", "sparse"),
    "trust-ncg": ("products", "dense"),
    "trust-krylov": ("products", "dense"),
    "trust-constr": ("products", "dense", "sparse"),
    "trust-exact": ("dense",),
    "dogleg": ("dense",),
}
OTHERWISE = {
    "products": "method='trust-ncg', 'trust-krylov', 'newton-cg' or 'trust-constr'",
    "sparse": "method='newton-cg' or 'trust-constr', or hess='products' with trust-ncg or trust-krylov",
    "dense": "method='trust-exact'",
}
NO_GRADIENT = {"dense": "a method that uses gradients, such as method='BFGS' or 'L-BFGS-B'"}


@like(scipy.optimize.minimize)
def minimize(given: dict[str, Any]) -> Any:
    """`scipy.optimize.minimize` with the exact gradient, and exact second derivatives where the method takes them.

    The gradient is `grad f(x)`, by reverse products of the recorded chain; `newton-cg`, `trust-ncg`,
    `trust-krylov` and `trust-constr` get products `H v` (forward over reverse, whatever the number of variables),
    `trust-exact` and `dogleg` the dense Hessian. Constraints given as dictionaries without "jac" get theirs, too.

    Parameters
    ----------
    fun, x0, args, method, bounds, constraints, ... : as for `scipy.optimize.minimize`
    jac : "exact" or "dense" (also if left out); what SciPy takes is passed on
    hess : "exact" (also if left out, unless `hessp` is given), "products", "dense", "sparse"; what SciPy takes is
        passed on

    Returns
    -------
    OptimizeResult : SciPy's, with `jacfwd`, the `Report`

    Raises
    ------
    ValueError : the method does not take this kind of derivative
    JacfwdError : `fun` cannot be recorded

    >>> import numpy as np
    >>> rosen = lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    >>> found = minimize(rosen, [-1.2, 1.0, 0.7], method="trust-ncg")
    >>> np.round(found.x, 6), found.jacfwd.method
    (array([1., 1., 1.]), 'gradient + products')
    """
    method = _method(given)
    if method is not None and method not in (*GRADIENTS, *WITHOUT):
        return scipy.optimize.minimize(**given)
    fun = with_rest(given["fun"], _as_tuple(given.get("args", ())))
    both = given.get("jac") is True
    if both:
        pair = fun
        fun = taking("x", lambda x: pair(x)[0], pair)
    report = Report()
    exact = Scalar(fun, report=report)
    kinds = [_give_gradient(exact, given, method), _give_hessian(exact, fun, given, method)]
    given["fun"] = given["fun"] if both else exact.value
    given["constraints"] = _constraints(given.get("constraints", ()), method, report)
    found = scipy.optimize.minimize(**given)
    report.method = " + ".join(kind for kind in kinds if kind) or "none"
    found.jacfwd = report
    return found


def _method(given: dict[str, Any]) -> str | None:
    """The method's name in small letters, as SciPy chooses it; None for a function of the user's."""
    method = given.get("method")
    if callable(method):
        return None
    if method is not None:
        return str(method).lower()
    if _given_any(given.get("constraints", ())):
        return "slsqp"
    return "bfgs" if given.get("bounds") is None else "l-bfgs-b"


def _given_any(constraints: Any) -> bool:
    return bool(constraints) if isinstance(constraints, Sequence) else True


def _give_gradient(exact: Exact, given: dict[str, Any], method: str | None) -> str:
    """Put the gradient into the call, unless another one is given."""
    jac = given.get("jac")
    if jac is not None and not (isinstance(jac, str) and jac in KINDS):
        return ""
    allowed = () if method in WITHOUT else ("dense",)
    if kind_for(jac or "exact", str(given.get("method")), allowed, NO_GRADIENT) == "none":
        given.pop("jac", None)
        return ""
    given["jac"] = exact.dense
    return "gradient"


def _give_hessian(exact: Scalar, fun: Callable, given: dict[str, Any], method: str | None) -> str:
    """Put second derivatives into the call where the method takes them, unless others are given."""
    hess = given.get("hess")
    named = isinstance(hess, str) and hess in KINDS
    if (hess is not None and not named) or (hess is None and given.get("hessp") is not None):
        return ""
    kind = kind_for(hess or "exact", str(given.get("method")), HESSIANS.get(str(method), ()), OTHERWISE)
    given.pop("hess", None)
    if kind == "none":
        return ""
    if kind == "products":
        given["hessp"] = exact.hessian_product
    else:
        given["hess"] = getattr(Second(fun, report=exact.report), kind)
    return f"{kind} Hessian" if kind != "products" else kind


def NonlinearConstraint(
    fun: Callable, lb: Any, ub: Any, jac: Any = "exact", hess: Any = "exact", **keywords: Any
) -> Any:
    """`scipy.optimize.NonlinearConstraint`, `lb <= c(x) <= ub`, with exact first and second derivatives.

    The Jacobian is sparse where its pattern is large and sparse, else dense (`trust-constr` takes both, SciPy makes
    it dense for `SLSQP`); the Hessian is that of `v^T c(x)` for the multipliers v, of the same kind.

    Parameters
    ----------
    fun, lb, ub, keep_feasible, ... : as for `scipy.optimize.NonlinearConstraint`
    jac : "exact", "dense" or "sparse"; what SciPy takes is passed on
    hess : "exact", "dense", "sparse"; what SciPy takes, such as `BFGS()`, is passed on

    Returns
    -------
    scipy.optimize.NonlinearConstraint : with `jacfwd`, the `Report`

    Raises
    ------
    ValueError : another kind of Jacobian

    >>> import numpy as np
    >>> ring = NonlinearConstraint(lambda x: x[0] ** 2 + x[1] ** 2, 1.0, 1.0)
    >>> found = minimize(lambda x: x[0] + x[1], [1.0, 0.0], method="trust-constr", constraints=ring)
    >>> np.round(found.x, 4)
    array([-0.7071, -0.7071])
    """
    report = Report()
    exact = Exact(fun, report=report)
    named = isinstance(jac, str) and jac in KINDS
    if named:
        kind = kind_for(jac, "NonlinearConstraint", ("dense", "sparse"), {})
        report.method = f"constraint {kind}"
        jac = exact.automatic if jac == "exact" else getattr(exact, kind)
    if isinstance(hess, str) and hess in KINDS:
        kind = kind_for(hess, "NonlinearConstraint", ("dense", "sparse"), {})
        second = Second(weighted(fun), count=2, report=report)
        hess = second.automatic if hess == "exact" else getattr(second, kind)
    made = scipy.optimize.NonlinearConstraint(exact.value, lb, ub, jac=jac, hess=hess, **keywords)
    made.jacfwd = report
    return made


def _constraints(constraints: Any, method: str | None, report: Report) -> Any:
    """Constraints as this method has them best."""
    many = isinstance(constraints, list | tuple)
    made = [_constraint(one, method, report) for one in (constraints if many else [constraints])]
    return made if many else made[0]


def _constraint(one: Any, method: str | None, report: Report) -> Any:
    if isinstance(one, dict) and one.get("jac") is None and "fun" in one and method in ("slsqp", "trust-constr"):
        exact = Exact(with_rest(one["fun"], _as_tuple(one.get("args", ()))), report=report)
        return {**one, "jac": exact.dense}
    if isinstance(one, scipy.optimize.NonlinearConstraint) and hasattr(one, "jacfwd") and method != "trust-constr":
        # The others take no second derivatives of constraints, and warn if there are any.
        return scipy.optimize.NonlinearConstraint(
            one.fun, one.lb, one.ub, jac=one.jac, hess=scipy.optimize.BFGS(), keep_feasible=one.keep_feasible
        )
    return one


def _as_tuple(args: Any) -> tuple:
    return args if isinstance(args, tuple) else (args,)
