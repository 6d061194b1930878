"""Forward-mode derivatives of ordinary NumPy functions: graphs are matrices, made concrete.

`jvp` pushes one direction forward; `jacobian` gives dense or scipy.sparse Jacobians; `linearize` the derivative as
one object; `trace` the computational graph itself.
"""

import importlib
from typing import Any

from jacfwd import cost, testing
from jacfwd.api import (
    check_jacobian,
    gradient,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jvp,
    linearize,
    name,
    sparsity,
    trace,
    value_and_gradient,
    value_and_jacobian,
)
from jacfwd.coloring import coloring
from jacfwd.errors import (
    BranchChangedError,
    JacfwdError,
    JacobianMismatchError,
    LeakedTracerError,
    MemoryBudgetError,
    NotDifferentiableError,
    TracerConversionError,
    UnsupportedFunctionError,
)
from jacfwd.memory import set_memory_budget
from jacfwd.own.base import Primitive
from jacfwd.own.custom import custom_jvp
from jacfwd.own.opaque import black_box
from jacfwd.program.threads import set_threads
from jacfwd.uncertainty import propagate

__version__ = "0.1.0"

__all__ = [
    "BranchChangedError",
    "JacfwdError",
    "JacobianMismatchError",
    "LeakedTracerError",
    "MemoryBudgetError",
    "NotDifferentiableError",
    "Primitive",
    "TracerConversionError",
    "UnsupportedFunctionError",
    "black_box",
    "check_jacobian",
    "coloring",
    "cost",
    "custom_jvp",
    "draw",
    "gradient",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jvp",
    "linearize",
    "name",
    "propagate",
    "set_memory_budget",
    "set_threads",
    "solvers",
    "sparsity",
    "testing",
    "trace",
    "value_and_gradient",
    "value_and_jacobian",
]


def __getattr__(name: str) -> Any:
    """`jacfwd.solvers`, with SciPy's solvers, and `jacfwd.draw` are imported when first used."""
    if name in ("draw", "solvers"):
        return importlib.import_module(f"jacfwd.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
