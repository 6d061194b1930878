"""Least squares: residuals and curves."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

from jacfwd.solvers.calls import KINDS, kind_for, like, taking, with_rest
from jacfwd.solvers.exact import Exact

__all__ = ["curve_fit", "least_squares"]

# What each method takes, the best first; `trf` and `dogbox` get sparse ones where the pattern is sparse.
LEAST_SQUARES = {
    "trf": ("dense", "sparse", "operator"),
    "dogbox": ("dense", "sparse", "operator"),
    "lm": ("dense",),
}
OTHERWISE = dict.fromkeys(("sparse", "operator"), "method='trf' or 'dogbox'")
CURVE = {"lm": ("dense",), "trf": ("dense",), "dogbox": ("dense",)}
CURVE_OTHERWISE = dict.fromkeys(("sparse", "operator"), "jf.solvers.least_squares, given the residuals")


@like(scipy.optimize.least_squares)
def least_squares(given: dict[str, Any]) -> Any:
    """`scipy.optimize.least_squares` with the exact Jacobian of the residuals.

    Minimises `F(x) = 1/2 sum rho(f_i(x)^2)`, where `J[i, j] = d f_i / d x_j` comes from a recording of `fun` that
    is made in this call and replayed at every step.

    Parameters
    ----------
    fun, x0, bounds, method, ... : as for `scipy.optimize.least_squares`
    jac : "exact" (also if left out: sparse for `trf` and `dogbox` if the pattern is large and sparse, or
        `jac_sparsity` is given, else dense), "dense", "sparse", "operator" (products with J and its transpose);
        what SciPy takes, as '2-point' or a function, is passed on to it

    Returns
    -------
    OptimizeResult : SciPy's, with `jacfwd`, the `Report` of evaluations, recordings, kind of Jacobian and time

    Raises
    ------
    ValueError : the method does not take this kind of Jacobian
    JacfwdError : `fun` cannot be recorded

    >>> import numpy as np
    >>> fit = least_squares(lambda x: np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]]), [-1.2, 1.0])
    >>> np.round(fit.x, 9), fit.jacfwd.recordings, fit.jacfwd.method
    (array([1., 1.]), 1, 'dense')
    """
    jac, method = given.get("jac", "exact"), given.get("method", "trf")
    if not _names_kind(jac) or method not in LEAST_SQUARES:
        return scipy.optimize.least_squares(**given)
    if given.pop("jac_sparsity", None) is not None and method != "lm" and jac == "exact":
        jac = "sparse"
    fun = given["fun"]
    exact = Exact(with_rest(fun, given.get("args", ()), given.get("kwargs")))
    kind = kind_for(jac, method, LEAST_SQUARES[method], OTHERWISE)
    if jac == "exact" and method != "lm" and given.get("tr_solver") != "exact":
        kind = "automatic"
    given.update(fun=exact.value, jac=getattr(exact, kind))
    found = scipy.optimize.least_squares(**given)
    found.jacfwd = exact.done(kind)
    return found


@like(scipy.optimize.curve_fit)
def curve_fit(given: dict[str, Any]) -> Any:
    """`scipy.optimize.curve_fit` with the exact derivative of the model with respect to its parameters.

    Minimises `sum ((f(xdata, *p) - ydata) / sigma)^2`; the Jacobian `(M, k)` has `d f(xdata_i) / d p_j`.

    Parameters
    ----------
    f, xdata, ydata, p0, sigma, bounds, method, ... : as for `scipy.optimize.curve_fit`
    jac : "exact" or "dense" (also if left out); what SciPy takes is passed on to it

    Returns
    -------
    popt, pcov : as SciPy's; with `full_output=True` the dictionary of details has the `Report` as `"jacfwd"`

    Raises
    ------
    ValueError : a kind of Jacobian other than dense
    JacfwdError : `f` cannot be recorded

    >>> import numpy as np
    >>> x = np.linspace(0, 4, 20)
    >>> popt, pcov = curve_fit(lambda x, a, b: a * np.exp(-b * x), x, 2.5 * np.exp(-1.3 * x), p0=(1.0, 1.0))
    >>> np.round(popt, 9)
    array([2.5, 1.3])
    """
    jac = given.get("jac")
    if jac is not None and not _names_kind(jac):
        return scipy.optimize.curve_fit(**given)
    method = given.get("method") or "trf"
    kind = kind_for(jac or "exact", method, CURVE.get(method, ("dense",)), CURVE_OTHERWISE)
    model = Model(given["f"])
    given.update(f=model.value_like(given["f"]), jac=model.jacobian)
    found = scipy.optimize.curve_fit(**given)
    if given.get("full_output"):
        found[2]["jacfwd"] = model.report(kind)
    return found


class Model:
    """A model `f(xdata, *p)` as a function of the vector p, recorded for the data that it is given."""

    def __init__(self, f: Callable) -> None:
        self.f = f
        self.xdata: Any = None
        self.exact: Exact | None = None

    def value_like(self, f: Callable) -> Callable:
        """The model with counted calls, in the signature of which SciPy counts the parameters."""

        def value(xdata: Any, *p: Any) -> Any:
            return self.at(xdata).value(np.asarray(p))

        value.__wrapped__ = f  # type: ignore[attr-defined]
        return value

    def jacobian(self, xdata: Any, *p: Any) -> np.ndarray:
        """The derivative `(M, k)`."""
        return self.at(xdata).dense(np.asarray(p))

    def at(self, xdata: Any) -> Exact:
        """The model at these data; SciPy keeps to one array of them."""
        if self.exact is None or xdata is not self.xdata:
            report = None if self.exact is None else self.exact.report
            self.xdata, self.exact = xdata, Exact(of_parameters(self.f, xdata), report=report)
        return self.exact

    def report(self, kind: str) -> Any:
        """What it took."""
        return self.at(self.xdata).done(kind)


def of_parameters(f: Callable, xdata: Any) -> Callable:
    """The model at fixed data as a function of the vector of its parameters."""
    return taking("p", lambda p: f(xdata, *p), f)


def _names_kind(jac: Any) -> bool:
    return isinstance(jac, str) and jac in KINDS
