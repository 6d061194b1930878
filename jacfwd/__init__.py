"""Forward-mode derivatives of ordinary NumPy functions: graphs are matrices, made concrete.

`jvp` pushes one direction forward; `jacobian` gives dense or scipy.sparse Jacobians; `linearize` the derivative as
one object; `trace` the computational graph itself.
"""

import importlib
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from jacfwd import cost, draw, solvers, testing
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


# Names that are imported when first used, and the modules that have them; modules that are names themselves.
LATER = {
    "Primitive": "jacfwd.own.base",
    "black_box": "jacfwd.own.opaque",
    "custom_jvp": "jacfwd.own.custom",
    "propagate": "jacfwd.uncertainty",
    "set_threads": "jacfwd.program.threads",
}
MODULES = ("cost", "draw", "solvers", "testing")


def __getattr__(name: str) -> Any:
    """What most programs do without is imported when it is first used."""
    if name in MODULES:
        return importlib.import_module(f"jacfwd.{name}")
    if name in LATER:
        found = globals()[name] = getattr(importlib.import_module(LATER[name]), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
