"""Functions of modules that numba compiles in: recorded as the Python functions that they are made of.

numba reads globals when it compiles, at a dispatcher's first call, and knows only the real functions. So names in a
module that holds any object of numba's are never exchanged. Instead a function of such a module runs as a copy, whose
globals are a view of the module's with replacements in it: substitutes of NumPy's functions, and for a dispatcher
`Jitted`, which calls its `py_func` where Tracers are given and the compiled code everywhere else.
"""

import sys
from types import FunctionType
from typing import Any

import numpy as np

from jacfwd.recording.apply import any_tracer, boxed, unboxed
from jacfwd.recording.interpose import INTERPOSITION, running
from jacfwd.recording.types import TYPE_GATE

__all__ = ["Jitted", "register_jitted", "stand_in_of"]


def is_numba(value: Any) -> bool:
    """Whether an object is of a class of numba's."""
    return is_numba_class(type(value))


def is_numba_class(kind: type) -> bool:
    """Whether a class is numba's."""
    return str(kind.__module__).startswith("numba")


class Globals(dict[str, Any]):
    """The globals of a module, looked up anew at each use, with replacements; assignments are written back."""

    def __init__(self, module: dict[str, Any]) -> None:
        super().__init__()
        self.module = module
        # The interpreter reads this one without asking.
        self["__builtins__"] = module.get("__builtins__", __builtins__)

    def __missing__(self, name: str) -> Any:
        if name == "type" and name not in self.module:
            return TYPE_GATE
        value = self.module[name]
        return stand_in_of(value) or INTERPOSITION.exchange.replacement(value)

    def write_back(self) -> None:
        """Hand on what `global` statements assigned."""
        for name in [name for name in self if name != "__builtins__"]:
            self.module[name] = INTERPOSITION.exchange.original(self.pop(name))


class Copied:
    """A Python function with other globals."""

    def __init__(self, function: FunctionType) -> None:
        self._globals = Globals(function.__globals__)
        self._function = FunctionType(
            function.__code__, self._globals, function.__name__, function.__defaults__, function.__closure__
        )
        self._function.__kwdefaults__ = function.__kwdefaults__
        self.__wrapped__ = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._function(*args, **kwargs)
        finally:
            self._globals.write_back()


class Jitted:
    """A function compiled by numba; with Tracers as arguments, the Python function it was compiled from."""

    def __init__(self, compiled: Any, python: FunctionType, elementwise: bool) -> None:
        self._compiled, self._python, self._elementwise = compiled, Copied(python), elementwise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._compiled, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if running() is None or not any(map(any_tracer, (*args, *kwargs.values()))):
            return self._compiled(*args, **kwargs)
        if self._elementwise:
            found = np.frompyfunc(self._python, len(args), 1)(*map(boxed, args), **kwargs)
            return unboxed(found)
        return self._python(*args, **kwargs)


def stand_in_of(value: Any) -> Any:
    """What is called in place of a function of numba's, or of a module that holds any; None for all else."""
    if is_numba(value):
        inner = getattr(value, "_dispatcher", value)
        python = getattr(inner, "py_func", None)
        return Jitted(value, python, inner is not value) if type(python) is FunctionType else None
    if type(value) is FunctionType and any(map(is_numba, list(value.__globals__.values()))):
        return Copied(value)
    return None


def in_a_cell(value: Any) -> Any:
    """What stands for a function compiled by numba in a closure cell of the recorded function."""
    return stand_in_of(value) if is_numba(value) else None


def register_jitted() -> None:
    """Once numba is imported, ask of what is to be called whether it is numba's."""
    if "numba" in sys.modules and in_a_cell not in INTERPOSITION.exchange.adopters:
        INTERPOSITION.stand_ins.append(stand_in_of)
        INTERPOSITION.exchange.adopters[in_a_cell] = is_numba_class
