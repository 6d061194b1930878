"""The rule table: every primitive once, assembled here and nowhere else."""

import importlib
import sys
import threading
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import dispatched
from jacfwd.primitive import Primitive, Rule
from jacfwd.rules import (
    averages,
    calling,
    constant,
    covariance,
    elementwise,
    factorizations,
    fourier,
    general,
    histograms,
    internal,
    interpolation,
    linalg,
    movement,
    norms,
    ordering,
    padding,
    phases,
    polynomials,
    products,
    quantiles,
    ranges,
    reduction,
    rewritten,
    running,
    sparse,
    spectral,
    stencils,
)

__all__ = ["RESOLVED", "TABLE", "by_name", "every_family", "find", "name_of", "resolve"]

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
    sparse.RULES,
    constant.RULES,
    internal.RULES,
)


# Families of functions outside NumPy, by the module that has these functions: they join in once it is imported.
LATER: dict[str, tuple[str, ...]] = {
    "scipy.fft": ("cosines",),
    "scipy.integrate": ("quadrature",),
    "scipy.interpolate": ("splines",),
    "scipy.linalg": ("solutions", "matrices"),
    "scipy.ndimage": ("filters",),
    "scipy.optimize": ("distances",),
    "scipy.signal": ("filters", "signals"),
    "scipy.spatial.distance": ("distances",),
    "scipy.special": ("special", "gamma", "bessel", "hypergeometric"),
    "scipy.stats": ("distributions",),
}


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


TABLE: dict[Any, Primitive] = {}
_BY_NAME: dict[str, Primitive] = {}
_NAMES: set[str] = set()
_PENDING: dict[str, Rule] = {}
_PENDING_MODULES = set(LATER)
_JOINED: set[str] = set()
_LOCK = threading.RLock()
RESOLVED: list[tuple[Callable, ModuleType, str]] = []
"""Functions that were keyed by name, their modules and the paths in them, until recordings know them too."""


def _join(family: dict[Any, Rule]) -> None:
    """Add a family; a key that stands twice is an error, a name this NumPy lacks is left out upstream."""
    for key, rule in family.items():
        name = key if isinstance(key, str) else name_of(key)
        if name in _NAMES:
            raise ValueError(f"two rules for {name}")
        _NAMES.add(name)
        if isinstance(key, str):
            _PENDING[key] = rule
            _PENDING_MODULES.add(name.partition(":")[0])
        else:
            TABLE[key] = _BY_NAME[name] = Primitive(name, key, rule)


def _join_later(families: Sequence[str]) -> None:
    """Import families that nobody has needed so far, and add them."""
    for name in families:
        if name not in _JOINED:
            _JOINED.add(name)
            _join(importlib.import_module(f"jacfwd.rules.{name}").RULES)


def every_family() -> list[dict[Any, Rule]]:
    """All families, those of functions outside NumPy too."""
    later = dict.fromkeys(name for names in LATER.values() for name in names)
    return [*FAMILIES, *(importlib.import_module(f"jacfwd.rules.{name}").RULES for name in later)]


for _family in FAMILIES:
    _join(_family)


def find(function: Callable) -> Primitive | None:
    """The primitive of a function, or None; rules keyed by name are resolved once their module is imported."""
    try:
        found = TABLE.get(function)
    except TypeError:  # unhashable callables have no rule
        return None
    if found is None and _PENDING_MODULES:
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
    if sys.modules.keys().isdisjoint(_PENDING_MODULES):
        return
    with _LOCK:
        while ready := [name for name in sorted(_PENDING_MODULES) if _is_ready(name)]:
            for module in ready:
                _join_later(LATER.get(module, ()))
                _PENDING_MODULES.discard(module)
                _resolve_module(module)


def _resolve_module(module: str) -> None:
    for name in [name for name in _PENDING if name.partition(":")[0] == module]:
        rule = _PENDING.pop(name)
        path = name.partition(":")[2]
        function = _attribute(sys.modules[module], path)
        if function is None or function in TABLE:
            continue
        own = function if isinstance(function, np.ufunc) else dispatched(function)
        TABLE[function] = TABLE[own] = _BY_NAME[name] = Primitive(name, own, rule)
        RESOLVED.append((function, sys.modules[module], path))


def _is_ready(module: str) -> bool:
    """Whether a module has been imported, its body included."""
    return module in sys.modules and not _is_loading(sys.modules[module])


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
        module = name.partition(":")[0]
        __import__(module)
        if module.startswith("jacfwd.rules."):  # a function of a family's own
            with _LOCK:
                _join_later([module.rpartition(".")[2]])
        resolve()
    return _BY_NAME[name]
