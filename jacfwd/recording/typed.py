"""The globals of which code calls the builtin `type`, and the gate that is put there under this name."""

import functools
from collections.abc import Callable, Iterable, Mapping
from opcode import opmap
from types import CodeType, FunctionType
from typing import Any

__all__ = ["TypedNames", "calls_type", "code_calls"]

LOAD_GLOBAL = opmap["LOAD_GLOBAL"]
# The lowest bit of the argument says that what is loaded will be called.
CALLED = 1
DEEPEST = 4
# What stands in a module or a class in a function's place, and how to find the function.
HOLDERS: dict[type, Callable[[Any], Any]] = {
    staticmethod: lambda value: value.__func__,
    classmethod: lambda value: value.__func__,
    property: lambda value: value.fget,
    functools.cached_property: lambda value: value.func,
    type(functools.lru_cache(len)): lambda value: value.__wrapped__,
}


class TypedNames:
    """Namespaces by their ``id``, which they are kept alive for; the gate is there between ``put`` and ``take``."""

    def __init__(self) -> None:
        self.gate: Any = None
        self.namespaces: dict[int, dict[str, Any]] = {}

    def note(self, names: dict[str, Any], wanted: bool) -> None:
        """Have the gate put into globals, or no longer."""
        if not wanted:
            self.forget(id(names))
        elif self.gate is not None:
            self.namespaces[id(names)] = names

    def forget(self, key: int) -> None:
        """Leave the globals with this ``id`` as they are without the gate."""
        names = self.namespaces.pop(key, None)
        if names is not None:
            self.withdraw(names)

    def keep(self, namespaces: Mapping[int, Any]) -> None:
        """Forget all other namespaces."""
        for key in self.namespaces.keys() - namespaces.keys():
            self.forget(key)

    def put(self) -> None:
        """Put the gate wherever the name is not taken."""
        for names in list(self.namespaces.values()):
            names.setdefault("type", self.gate)

    def take(self) -> None:
        """Take the gate out; what user code assigned to the name in the meantime stays."""
        for names in list(self.namespaces.values()):
            self.withdraw(names)

    def withdraw(self, names: dict[str, Any]) -> None:
        """Take the gate out of one namespace."""
        if self.gate is not None and names.get("type") is self.gate:
            names.pop("type", None)

    def size(self, names: dict[str, Any]) -> int:
        """The number of names without the gate."""
        return len(names) - (self.gate is not None and names.get("type") is self.gate)


def calls_type(names: dict[str, Any]) -> bool:
    """Whether a function defined in a module with these globals calls `type`, a method or a function inside one too."""
    return any_calls(list(names.values()), names.get("__name__"), set(), 0)


def any_calls(values: Iterable[Any], module: Any, seen: set[int], depth: int) -> bool:
    """Whether one of these values is, or contains, a function of the module's that calls `type`."""
    return depth < DEEPEST and any(value_calls(value, module, seen, depth) for value in values)


def value_calls(value: Any, module: Any, seen: set[int], depth: int) -> bool:
    """Whether a global or an attribute of a class is, or contains, such a function."""
    kind = type(value)
    if kind in HOLDERS:
        value = HOLDERS[kind](value)
    if type(value) is FunctionType:
        if value.__module__ != module:
            return False
        inner = value.__dict__.get("__wrapped__")
        return code_calls(value.__code__) or (inner is not None and any_calls([inner], module, seen, depth + 1))
    if issubclass(kind, type) and value.__module__ == module and id(value) not in seen:
        seen.add(id(value))
        return any_calls(list(vars(value).values()), module, seen, depth + 1)
    return False


def code_calls(code: CodeType) -> bool:
    """Whether code calls the global name `type`, or a function defined in it does."""
    names = code.co_names
    if "type" in names:
        at = names.index("type")
        if at > 127 or loads(code.co_code, bytes((LOAD_GLOBAL, at << 1 | CALLED))):
            return True
    return any(type(constant) is CodeType and code_calls(constant) for constant in code.co_consts)


def loads(code: bytes, instruction: bytes) -> bool:
    """Whether an instruction of two bytes is there, at an even position."""
    at = code.find(instruction)
    while at % 2 and at >= 0:
        at = code.find(instruction, at + 1)
    return at >= 0
