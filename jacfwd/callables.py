"""What a derivative keeps of the function it was made of: name, doc, signature, and the way it pickles."""

import functools
import inspect
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import FunctionType, MethodType
from typing import Any, ClassVar

from jacfwd.structure import kind_of

__all__ = ["Derivative", "name_of", "parameter_names"]


def parameter_names(f: Callable, n: int) -> list[str]:
    """What f calls its first n positional arguments; `x0`, `x1` ... where that cannot be known.

    >>> parameter_names(lambda a, *rest: a, 3)
    ['a', 'rest[0]', 'rest[1]']
    """
    names, variadic = positional_parameters(f)
    more = range(n - len(names))
    rest = [f"x{len(names) + k}" if variadic is None else f"{variadic}[{k}]" for k in more]
    return [*names[:n], *rest]


def positional_parameters(f: Callable) -> tuple[list[str], str | None]:
    """Names of the positional parameters of f, and of the one that takes the rest, if any."""
    if type(f) is FunctionType and not f.__dict__:
        # What inspect.signature would say, in a hundredth of the time.
        code = f.__code__
        taken, total = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
        names = code.co_varnames
        return list(names[:taken]), names[total] if code.co_flags & inspect.CO_VARARGS else None
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return [], None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    rest = [each.name for each in parameters if each.kind is inspect.Parameter.VAR_POSITIONAL]
    return [each.name for each in parameters if each.kind in positional], rest[0] if rest else None


def innermost(f: Callable) -> Callable:
    """The function that a partial, or a partial of partials, fills in."""
    while isinstance(f, functools.partial):
        f = f.func
    return f


def name_of(f: Callable) -> str:
    """The name of a function, of the function in a partial, or of a callable object's class."""
    f = innermost(f)
    return getattr(f, "__name__", None) or type(f).__name__


class Derivative(ABC):
    """A callable made of a function: it has that function's name, doc, module and signature.

    Subclasses say how they are called, name themselves for `repr` and list the defaults of their options,
    which `repr` leaves out. As an attribute of a class it is a method, like the function it was made of. It
    pickles if the function does, also where it took the function's place as a decorator.
    """

    public_name: ClassVar[str]
    defaults: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, f: Callable, **options: Any) -> None:
        if not callable(f):
            raise TypeError(f"jacfwd.{self.public_name} expects a function, got {kind_of(f)}")
        inner: Any = innermost(f)
        self.f = f
        self.options = options
        self.__wrapped__ = f  # inspect.signature follows it
        self.__name__ = name_of(f)
        self.__qualname__ = getattr(inner, "__qualname__", self.__name__)
        self.__module__ = getattr(inner, "__module__", None) or type(self).__module__
        self.__doc__ = inner.__doc__

    @abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The derivative at these arguments of f."""

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:
        found: Any = sys.modules.get(self.__module__)
        for name in self.__qualname__.split("."):
            found = getattr(found, name, None)
        # Under the function's own name stands this object: it is found again where the function would be.
        if found is self:
            return self.__qualname__
        return functools.partial(type(self), **self.options), (self.f,)

    def __repr__(self) -> str:
        shown = [
            f", {name}={value!r}"
            for name, value in self.options.items()
            if name not in self.defaults or not is_default(value, self.defaults[name])
        ]
        return f"jacfwd.{self.public_name}({self.__name__}{''.join(shown)})"


def is_default(value: Any, default: Any) -> bool:
    """Whether an option was left at its default."""
    return value is default or (type(value) is type(default) and bool(value == default))
