"""SciPy's solvers with exact derivatives: the same signatures, results and keyword arguments.

Each call records the user's function once, on stand-in arrays, and replays the derivative at every step; where the
function takes another branch, it is recorded again. `result.jacfwd` says what that took.
"""

from jacfwd.solvers.boundary import solve_bvp
from jacfwd.solvers.exact import Report
from jacfwd.solvers.fits import curve_fit, least_squares
from jacfwd.solvers.initial import solve_ivp
from jacfwd.solvers.minimum import NonlinearConstraint, minimize
from jacfwd.solvers.roots import fsolve, newton_krylov, root
from jacfwd.solvers.sensitivity import root_sensitivity, sensitivities

__all__ = [
    "NonlinearConstraint",
    "Report",
    "curve_fit",
    "fsolve",
    "least_squares",
    "minimize",
    "newton_krylov",
    "root",
    "root_sensitivity",
    "sensitivities",
    "solve_bvp",
    "solve_ivp",
]
