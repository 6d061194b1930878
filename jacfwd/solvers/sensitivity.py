"""How solutions move with parameters: the variational equations, and the implicit function theorem."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from jacfwd.api import gradient
from jacfwd.solvers.exact import Exact
from jacfwd.structure import Spec, flatten

__all__ = ["Solution", "root_sensitivity", "sensitivities"]

IMPLICIT = ("Radau", "BDF", "LSODA")
# Keywords of `solve_ivp` that would replace what is exact here, or contradict it.
REFUSED = ("jac", "jac_sparsity", "lband", "uband", "vectorized")
# A Newton step of this length, relative to the solution's, says that it is none.
NEAR = 1e-4
# Above so many unknowns the matrix of an implicit method is sparse.
LARGE = 50


def sensitivities(
    fun: Callable, span: Any, y0: Any, params: Any, *, method: Any = "RK45", args: tuple = (), **keywords: Any
) -> Any:
    """Solve `y' = f(t, y, p)` together with its derivatives with respect to parameters and initial state.

    `S = dy/dp` and `Y = dy/dy0` obey the variational equations `S' = J S + df/dp`, `S(t0) = 0`, and `Y' = J Y`,
    `Y(t0) = 1`, with `J = df/dy` (Hairer, Norsett and Wanner, Solving ODEs I, section I.14). J and df/dp are exact;
    S and Y are under the same control of errors as y. The matrix of implicit methods leaves out the second
    derivatives that couple S and Y to y, which costs iterations, not accuracy.

    Parameters
    ----------
    fun : `fun(t, y, params, *args)`, as for `solve_ivp(..., args=(params, *args))`
    span, y0, method, t_eval, events, rtol, atol, dense_output, ... : as for `scipy.integrate.solve_ivp`; events are
        called with `(t, y, params, *args)`, and derivatives are at fixed t also where one has ended the integration
    params : a number, an array or a structure of these

    Returns
    -------
    result : that of `solve_ivp`, with `dy_dp (len(t), n, n_params)`, over all entries of `params`, and
        `dy_dy0 (len(t), n, n)`; `sol(t)` is y, `sol.derivatives(t)` both derivatives; `jacfwd` is the `Report`

    Raises
    ------
    ValueError : a complex state, or a keyword that has no place here
    JacfwdError : `fun` cannot be recorded

    >>> import numpy as np
    >>> found = sensitivities(lambda t, y, k: -k * y, (0, 1), [2.0], 3.0, rtol=1e-9, atol=1e-9)
    >>> np.round(found.dy_dp[-1], 6), np.round(found.dy_dy0[-1], 6)      # -2 t exp(-k t), exp(-k t)
    (array([[-0.099574]]), array([[0.049787]]))
    """
    for name in REFUSED:
        if keywords.get(name) not in (None, False):
            raise ValueError(f"{name}= has no place in sensitivities: the Jacobian is exact, for one state at a time")
    y0 = np.asarray(y0)
    if y0.dtype.kind == "c":
        raise ValueError("sensitivities are of real states: integrate real and imaginary parts")
    leaves, spec = flatten(params, root="params")
    system = Variational(fun, Parameters(spec, leaves), y0.size, args)
    if _takes_jacobian(method):
        keywords["jac"] = system.jacobian
    if keywords.get("events") is not None:
        keywords["events"] = system.events(keywords["events"], params)
    if np.ndim(keywords.get("atol", 0)):
        # Those of a state hold for its derivatives, too.
        keywords["atol"] = np.concatenate([keywords["atol"], np.repeat(keywords["atol"], system.columns)])
    found = scipy.integrate.solve_ivp(system.slope, span, system.start(y0), method=method, **keywords)
    return system.cut(found)


def _takes_jacobian(method: Any) -> bool:
    classes = tuple(getattr(scipy.integrate, name) for name in IMPLICIT)
    return method in IMPLICIT or (isinstance(method, type) and issubclass(method, classes))


class Parameters:
    """Parameters of any structure as one vector, and back."""

    def __init__(self, spec: Spec, leaves: list[Any]) -> None:
        self.spec = spec
        self.shapes = [np.shape(leaf) for leaf in leaves]
        self.bounds = np.concatenate([[0], np.cumsum([np.size(leaf) for leaf in leaves])]).astype(int)
        self.vector = np.concatenate([np.zeros(0), *(np.ravel(leaf) for leaf in leaves)])

    def shaped(self, p: Any) -> Any:
        """The structure with the entries of a vector, traced ones too."""
        parts = zip(self.bounds[:-1], self.bounds[1:], self.shapes, strict=True)
        return self.spec.unflatten([np.reshape(p[a:b], shape) if shape else p[a] for a, b, shape in parts])

    def cut(self, columns: np.ndarray, shape: tuple[int, ...]) -> Any:
        """A derivative `(n, n_params)` as a structure of arrays `shape + parameter's shape`."""
        parts = zip(self.bounds[:-1], self.bounds[1:], self.shapes, strict=True)
        return self.spec.unflatten([np.reshape(columns[:, a:b], (*shape, *own))[()] for a, b, own in parts])


class Variational:
    """State and derivatives as one system: `z = (y, S)`, where S has a column per parameter and per initial value."""

    def __init__(self, fun: Callable, parameters: Parameters, n: int, args: tuple) -> None:
        self.parameters, self.n, self.args = parameters, n, args
        self.k = len(parameters.vector)
        self.columns = self.k + n
        self.exact = Exact(lambda t, y, p: fun(t, y, parameters.shaped(p), *args), 3, (1, 2))

    def start(self, y0: np.ndarray) -> np.ndarray:
        """The initial state with derivatives 0 and 1."""
        return np.concatenate([y0.astype(float), np.eye(self.n, self.columns, self.k).ravel()])

    def at(self, t: float, y: np.ndarray) -> Any:
        """`(df/dy, df/dp)` side by side, `(n, n + k)`."""
        return self.exact.automatic(t, y, self.parameters.vector)

    def slope(self, t: float, z: np.ndarray) -> np.ndarray:
        """`z'`."""
        n = self.n
        y, S = z[:n], z[n:].reshape(n, self.columns)
        value = np.ravel(self.exact.value(t, y, self.parameters.vector))
        J = self.at(t, y)
        moved = J[:, :n] @ S
        moved[:, : self.k] += J[:, n:].toarray() if sp.issparse(J) else J[:, n:]
        return np.concatenate([value, moved.ravel()])

    def jacobian(self, t: float, z: np.ndarray) -> Any:
        """`df/dy` once for y and once for each column of S."""
        J = sp.csr_array(self.at(t, z[: self.n])[:, : self.n])
        whole = sp.block_diag([J, sp.kron(J, sp.eye_array(self.columns))], format="csc")
        return whole if len(z) > LARGE else whole.toarray()

    def events(self, events: Any, params: Any) -> Any:
        """The user's events as functions of z."""

        def of_state(event: Callable) -> Callable:
            def reduced(t: float, z: np.ndarray) -> Any:
                return event(t, z[: self.n], params, *self.args)

            for name in ("terminal", "direction"):
                if hasattr(event, name):
                    setattr(reduced, name, getattr(event, name))
            return reduced

        return of_state(events) if callable(events) else [of_state(event) for event in events]

    def cut(self, found: Any) -> Any:
        """SciPy's result for y, and the derivatives."""
        n = self.n
        found.dy_dp, found.dy_dy0 = self.derivatives(found.y)
        found.y = found.y[:n]
        if found.y_events is not None:
            found.y_events = [states[:, :n] if states.size else states for states in found.y_events]
        if found.sol is not None:
            found.sol = Solution(self, found.sol)
        found.jacfwd = self.exact.done("automatic")
        return found

    def derivatives(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """dy/dp and dy/dy0 from states `(len(z), times)`."""
        S = np.moveaxis(z[self.n :].reshape(self.n, self.columns, -1), -1, 0)
        return S[:, :, : self.k], S[:, :, self.k :]


@dataclasses.dataclass(frozen=True)
class Solution:
    """Dense output: called with times it gives y, `(n,)` or `(n, times)`, as SciPy's does."""

    system: Variational
    whole: Any

    def __call__(self, t: Any) -> np.ndarray:
        """The state."""
        return self.whole(t)[: self.system.n]

    def derivatives(self, t: Any) -> tuple[np.ndarray, np.ndarray]:
        """`dy_dp` and `dy_dy0`, with a leading axis of times unless t is a number."""
        dy_dp, dy_dy0 = self.system.derivatives(self.whole(np.atleast_1d(t)))
        return (dy_dp[0], dy_dy0[0]) if np.ndim(t) == 0 else (dy_dp, dy_dy0)

    @property
    def ts(self) -> np.ndarray:
        """The steps' ends."""
        return self.whole.ts


def root_sensitivity(fun: Callable, x: Any, params: Any, *, args: tuple = (), least_squares: bool | None = None) -> Any:
    """The derivative `dx/dp` of a solution x(p) of `F(x, p) = 0`, or of `min |F(x, p)|^2`.

    By the implicit function theorem `dx/dp = -(dF/dx)^-1 dF/dp`; at a minimum of least squares the same holds of the
    condition `J^T F = 0`, second derivatives included, and variables that rest on a bound stay there.

    Parameters
    ----------
    fun : `fun(x, params, *args)`, F
    x : the solution, an array, a number or the result of a solver (its `x`, and its `active_mask` if there is one)
    params : a number, an array or a structure of these
    least_squares : whether x minimises the sum of squares (without a loss function) instead of being a root; by
        default if F has more entries than x

    Returns
    -------
    dx_dp : shape `x.shape + params.shape`, in the structure of `params`

    Raises
    ------
    ValueError : x is no solution (the next Newton step would be longer than 1e-4 of it), F has too few entries
    numpy.linalg.LinAlgError : the solution is not isolated
    JacfwdError : `fun` cannot be recorded

    >>> import numpy as np
    >>> dx = root_sensitivity(lambda x, p: x**2 - p, np.sqrt(2.0), 2.0)     # 1 / (2 sqrt(p))
    >>> round(float(dx), 6)
    0.353553
    """
    free = np.ravel(getattr(x, "active_mask", 0)) == 0
    point = np.asarray(getattr(x, "x", x), float)
    leaves, spec = flatten(params, root="params")
    parameters = Parameters(spec, leaves)

    def flat(x: Any, p: Any) -> Any:
        return np.reshape(fun(np.reshape(x, point.shape)[()], parameters.shaped(p), *args), (-1,))

    def half_square(x: Any, p: Any) -> Any:
        return 0.5 * np.sum(flat(x, p) ** 2)

    start = point.reshape(-1), parameters.vector
    m, n = len(flat(*start)), point.size
    if m < n:
        raise ValueError(f"fun has {m} entries and x {n}: such a system has no isolated solution")
    squares = m > n if least_squares is None else least_squares
    exact = Exact(gradient(half_square, method="reverse") if squares else flat, 2, (0, 1))
    moved = _implicit(exact.automatic(*start), np.asarray(exact.value(*start)), start[0], np.broadcast_to(free, n))
    return parameters.cut(moved, point.shape)


def _implicit(J: Any, residual: np.ndarray, x: np.ndarray, free: np.ndarray) -> np.ndarray:
    """`dx/dp (n, k)` from `(dF/dx, dF/dp)`; variables that are not free stay."""
    n, inside = len(x), np.flatnonzero(free)
    of_x, of_p = J[:, :n][inside][:, inside], J[:, n:][inside]
    right = np.column_stack([residual[inside], of_p.toarray() if sp.issparse(of_p) else of_p])
    try:
        solved = splu(sp.csc_array(of_x)).solve(right) if sp.issparse(of_x) else np.linalg.solve(of_x, right)
    except (np.linalg.LinAlgError, RuntimeError) as error:
        message = "dF/dx is singular at x: the solution is not isolated, and has no derivative"
        raise np.linalg.LinAlgError(message) from error
    step = np.linalg.norm(solved[:, 0])
    if not step <= NEAR * max(1.0, float(np.linalg.norm(x))):
        raise ValueError(f"x is no solution: the next Newton step would have length {step:.3g}; solve to more digits")
    moved = np.zeros((n, right.shape[1] - 1))
    moved[inside] = -solved[:, 1:]
    return moved
