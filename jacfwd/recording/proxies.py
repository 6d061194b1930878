"""Modules as they look while a recording runs: the same attributes, with replacements among them.

Other threads meet a proxy too, so it is as close to its module as Python code can tell.
"""

import importlib
from types import ModuleType
from typing import Any

from jacfwd.recording.names import Exchange

__all__ = ["ModuleProxy", "refresh"]


class ModuleProxy(ModuleType):
    """A module's attributes, exchanged for their replacements; assignments go to the module itself."""

    __slots__ = ("_proxied",)
    _proxied: "Proxied"

    def __init__(self, module: ModuleType, exchange: Exchange) -> None:
        super().__init__(module.__name__)
        object.__setattr__(self, "_proxied", Proxied(module, exchange))

    def __getattr__(self, name: str) -> Any:
        # Attributes that the module makes on demand, and those it got since the last refresh.
        return attribute(self._proxied.exchange, getattr(self._proxied.module, name))

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._proxied.module, name, self._proxied.exchange.original(value))
        vars(self)[name] = self._proxied.exchange.replacement(value)

    def __delattr__(self, name: str) -> None:
        delattr(self._proxied.module, name)
        vars(self).pop(name, None)

    def __copy__(self) -> "ModuleProxy":
        return self

    def __deepcopy__(self, memo: Any) -> "ModuleProxy":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return importlib.import_module, (self.__name__,)


class Proxied:
    """What a proxy knows of its module; ``values`` are the attributes that it copied last."""

    def __init__(self, module: ModuleType, exchange: Exchange) -> None:
        self.module, self.exchange = module, exchange
        self.values: list[Any] = []


def attribute(exchange: Exchange, value: Any) -> Any:
    """What stands for an attribute of a module; its classes stay themselves."""
    return value if isinstance(value, type) else exchange.replacement(value)


def refresh(proxy: ModuleProxy) -> None:
    """Copy a module's attributes into its proxy, if any of them is another object than at the last call."""
    source = proxy._proxied
    attributes = vars(source.module)
    values = list(attributes.values())
    try:
        if values == source.values:  # runs in C, and compares no further where both are the same object
            return
    except Exception:  # an attribute became something that can't be compared, such as an array
        pass
    # One update with the replacements already in it: a thread that records never meets an original.
    fresh = {name: attribute(source.exchange, value) for name, value in attributes.items()}
    # Left to the class, because what a module makes on demand has to pass the exchange too.
    fresh.pop("__getattr__", None)
    vars(proxy).update(fresh)
    for name in vars(proxy).keys() - fresh.keys():
        vars(proxy).pop(name, None)
    source.values = values
