"""What arrays have and scalars lack, and what neither a Tracer has: code that asks takes the branch it would take.

One class stands for arrays and for scalars. `hasattr(x, "__len__")`, `isinstance(x, Iterable)`, `len(x)` and `iter(x)`
are asked to tell them apart.
"""

import sys
from collections.abc import Callable
from opcode import opname
from types import CodeType, MethodType
from typing import Any

from jacfwd.errors import TracerConversionError
from jacfwd.locations import describe, here, is_internal
from jacfwd.recording.apply import noted

__all__ = ["Kinds", "MissingAttributeError", "OfArrays", "missing", "reads"]


class MissingAttributeError(TracerConversionError, AttributeError):
    """An attribute that arrays have and stand-ins don't: `hasattr` may go on to another branch."""


class NoSpecialMethodError(AttributeError, TypeError):
    """What `len` of a scalar raises, and `hasattr` takes for an answer."""


class Kinds(type):
    """The class of classes whose instances say themselves which class they stand for.

    Abstract base classes look methods up in the classes that `__mro__` lists. Here these are none: what `__class__`
    says is looked at as well, and decides.
    """

    @property
    def __mro__(cls) -> tuple[type, ...]:
        return ()


class OfArrays:
    """A special method that arrays have and scalars lack."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.function, self.name = function, name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self.function
        if not instance.is_scalar:
            return MethodType(self.function, instance)
        if self.name == "__iter__" and not asks_for_iter(sys._getframe(1)):
            return None  # as good as absent to the interpreter, which would try `x[0]`, `x[1]` ... after an exception
        raise NoSpecialMethodError(f"object of type '{instance.__class__.__name__}' has no {self.name.strip('_')}()")


def asks_for_iter(frame: Any) -> bool:
    """Whether code may ask for the attribute `__iter__`, and is not at a loop."""
    code = frame.f_code
    asks = any(name in code.co_names for name in ("hasattr", "getattr", "__iter__"))
    return asks and opname[code.co_code[frame.f_lasti]] != "GET_ITER"


def reads(code: CodeType, name: str) -> bool:
    """Whether code of the user's spells an attribute's name, and so asks for it by itself."""
    return (name in code.co_names or name in code.co_consts) and not is_internal(code.co_filename)


def missing(tracer: Any, name: str, reason: str) -> AttributeError:
    """The error for an attribute; recordings take note where the user's code asks for one that NumPy has."""
    kind = tracer.__class__
    if hasattr(kind, name) and reads(sys._getframe(2).f_code, name):
        raise noted(MissingAttributeError(f"a traced array has no '{name}', at {describe(here())}: {reason}"))
    return AttributeError(f"'{kind.__name__}' object has no attribute '{name}'")
