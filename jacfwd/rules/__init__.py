"""The rule table: every primitive once, assembled here and nowhere else."""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import dispatched
from jacfwd.primitive import Primitive, Rule
from jacfwd.rules import (
    averages,
    bessel,
    calling,
    constant,
    cosines,
    covariance,
    distances,
    distributions,
    elementwise,
    factorizations,
    filters,
    fourier,
    gamma,
    general,
    histograms,
    hypergeometric,
    internal,
    interpolation,
    linalg,
    matrices,
    movement,
    norms,
    ordering,
    padding,
    phases,
    polynomials,
    products,
    quadrature,
    quantiles,
    ranges,
    reduction,
    rewritten,
    running,
    signals,
    solutions,
    sparse,
    special,
    spectral,
    splines,
    stencils,
)

__all__ = ["RESOLVED", "TABLE", "by_name", "find", "name_of", "resolve"]

FAMILIES = (
    elementwise.RULES,
    rewritten.RULES,
    movement.RULES,
    padding.RULES,
    calling.RULES,
    ranges.RULES,
    histograms.RULES,
    phases.RULES,
    reduction.RULES,
    running.RULES,
    averages.RULES,
    covariance.RULES,
    stencils.RULES,
    ordering.RULES,
    quantiles.RULES,
    products.RULES,
    norms.RULES,
    linalg.RULES,
    factorizations.RULES,
    spectral.RULES,
    general.RULES,
    interpolation.RULES,
    polynomials.RULES,
    fourier.RULES,
    cosines.RULES,
    special.RULES,
    gamma.RULES,
    bessel.RULES,
    hypergeometric.RULES,
    sparse.RULES,
    solutions.RULES,
    matrices.RULES,
    distributions.RULES,
    distances.RULES,
    filters.RULES,
    signals.RULES,
    splines.RULES,
    quadrature.RULES,
    constant.RULES,
    internal.RULES,
)


def name_of(function: Callable) -> str:
    """The key of a function: `module:name` with the public module."""
    name = getattr(function, "__qualname__", None) or function.__name__
    if isinstance(function, np.ufunc) and getattr(np, name, None) is not function:
        # Ufuncs of other packages do not say where they are from.
        home = sys.modules.get("scipy.special")
        if getattr(home, name, None) is function:
            return f"scipy.special:{name}"
    module = getattr(function, "__module__", None) or "numpy"
    return f"{'numpy' if isinstance(function, np.ufunc) and module.startswith('numpy') else module}:{name}"


def _assemble() -> dict[Any, Primitive]:
    """Merge the families; a key that stands twice is an error, a name this NumPy lacks is left out upstream."""
    table: dict[Any, Primitive] = {}
    names: set[str] = set()
    for family in FAMILIES:
        for key, rule in family.items():
            name = key if isinstance(key, str) else name_of(key)
            if name in names:
                raise ValueError(f"two rules for {name}")
            names.add(name)
            if isinstance(key, str):
                _PENDING[key] = rule
            else:
                table[key] = Primitive(name, key, rule)
    return table


_PENDING: dict[str, Rule] = {}
TABLE: dict[Any, Primitive] = _assemble()
_BY_NAME = {primitive.name: primitive for primitive in TABLE.values()}
_PENDING_MODULES = {name.partition(":")[0] for name in _PENDING}
RESOLVED: list[tuple[Callable, ModuleType, str]] = []
"""Functions that were keyed by name, their modules and the paths in them, until recordings know them too."""


def find(function: Callable) -> Primitive | None:
    """The primitive of a function, or None; rules keyed by name are resolved once their module is imported."""
    try:
        found = TABLE.get(function)
    except TypeError:  # unhashable callables have no rule
        return None
    if found is None and _PENDING:
        resolve()
        found = TABLE.get(function)
    if found is None:
        # Functions of the user's own bring their primitive along.
        own = getattr(function, "__jacfwd_primitive__", None)
        return own if isinstance(own, Primitive) else None
    return found


def resolve() -> None:
    """Turn names into primitives for all modules that have been imported meanwhile.

    What is no ufunc dispatches nothing of itself: its primitive evaluates it by a function of our own that does.
    """
    for module in [name for name in _PENDING_MODULES if name in sys.modules and not _is_loading(sys.modules[name])]:
        _PENDING_MODULES.discard(module)
        for name in [name for name in _PENDING if name.partition(":")[0] == module]:
            rule = _PENDING.pop(name)
            path = name.partition(":")[2]
            function = _attribute(sys.modules[module], path)
            if function is None or function in TABLE:
                continue
            own = function if isinstance(function, np.ufunc) else dispatched(function)
            TABLE[function] = TABLE[own] = _BY_NAME[name] = Primitive(name, own, rule)
            RESOLVED.append((function, sys.modules[module], path))


def _is_loading(module: ModuleType) -> bool:
    """Whether the module's body is still running, so that names may be missing."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def _attribute(holder: Any, path: str) -> Any:
    """What stands at a dotted path, None where this release has no such name."""
    for part in path.split("."):
        holder = getattr(holder, part, None)
    return holder


def by_name(name: str) -> Primitive:
    """The primitive with this name, for unpickling."""
    if name not in _BY_NAME:
        __import__(name.partition(":")[0])
        resolve()
    return _BY_NAME[name]
