"""Objects that hold constants and are given Tracers: classes with registered methods, and factorizations by SuperLU.

SuperLU is a compiled class, so the object itself is exchanged for a `Factorization`, made by `splu` or found in the
globals and cells of the recorded function. Where neither is the case, the conversion is refused.
"""

import sys
from collections.abc import Callable
from types import BuiltinFunctionType, ModuleType
from typing import Any

from jacfwd.recording.apply import any_tracer, stacked
from jacfwd.recording.interpose import INTERPOSITION
from jacfwd.rules.sparse import Factors, sparse_solution

__all__ = ["Factorization", "register_factorizations", "register_methods"]


class Factorization:
    """A `scipy.sparse.linalg.SuperLU` that solves for traced right-hand sides too."""

    def __init__(self, lu: Any) -> None:
        self._lu, self._factors = lu, Factors(lu=lu)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self._lu)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lu, name)

    def __repr__(self) -> str:
        return repr(self._lu)

    def solve(self, rhs: Any, trans: str = "N") -> Any:
        """`A^-1 rhs`, `A^-T rhs` or `A^-H rhs` for `trans` N, T, H."""
        if any_tracer(rhs):
            return sparse_solution(stacked(rhs), factors=self._factors, trans=trans)
        return self._lu.solve(rhs, trans)


def factorization(value: Any) -> Any:
    """What stands for a SuperLU object, or for the method `solve` of one, as `factorized` returns it; else None."""
    from scipy.sparse.linalg import SuperLU

    if type(value) is SuperLU:
        return Factorization(value)
    if type(value) is BuiltinFunctionType and type(value.__self__) is SuperLU and value.__name__ == "solve":
        return Factorization(value.__self__).solve
    return None


def may_factorize(kind: type) -> bool:
    """Whether objects of a class may be factorizations, or a method of one."""
    return kind.__name__ == "SuperLU" or kind is BuiltinFunctionType


def _factorizing(function: Callable) -> Callable:
    """A function that returns a SuperLU object, or its `solve`."""

    def call(*args: Any, **kwargs: Any) -> Any:
        made = function(*args, **kwargs)
        return factorization(made) or made

    return call


def register_factorizations() -> None:
    """Once sparse linear algebra is imported, have what it factorizes solve for Tracers."""
    module = sys.modules.get("scipy.sparse.linalg")
    adopters = INTERPOSITION.exchange.adopters
    if module is None or factorization in adopters or not hasattr(module, "SuperLU"):
        return
    makers = (getattr(module, name) for name in ("splu", "spilu", "factorized"))
    INTERPOSITION.register({maker: _factorizing(maker) for maker in makers}, [module])
    adopters[factorization] = may_factorize


def register_methods(found: list[tuple[Callable, ModuleType, str]], substitute: Callable[[Callable], Callable]) -> None:
    """Have methods with rules, given as paths in their modules, called through their substitutes."""
    for function, module, path in found:
        holder, _, name = path.rpartition(".")
        owner = next(cls for cls in getattr(module, holder).__mro__ if name in vars(cls))
        INTERPOSITION.register_methods(owner, {name: substitute(function)})
