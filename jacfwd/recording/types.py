"""`type` in code that is recorded: it answers what a stand-in stands for, so that `type(x) is np.ndarray` holds.

`type` is found among the builtins, which are everybody's. So the name is put into the globals of the modules whose
code calls it, for as long as names are exchanged, and taken out again.
"""

import operator
import sys
from types import ModuleType
from typing import Any

from jacfwd.recording.interpose import Gate
from jacfwd.recording.kinds import ClassGate
from jacfwd.recording.proxies import ModuleProxy
from jacfwd.recording.tracer import Tracer, plain_value

__all__ = ["TYPE_GATE", "TypeGate"]

# What passes for something else, and the class to answer with.
STANDING_IN: dict[type, Any] = {
    Tracer: lambda x: type(plain_value(x)),
    Gate: lambda x: type(x._original),
    ClassGate: lambda x: type,
    ModuleProxy: lambda x: ModuleType,
}


class TypeGate:
    """`type`, but for the type of a stand-in: it can be called, derived from and asked for like `type` itself.

    Where the answer is `type` itself, it is this object, since code compares it with what it knows by that name.
    """

    __slots__ = ()

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            found = type(args[0])
            if found is type:
                return self
            stands_for = STANDING_IN.get(found)
            return found if stands_for is None else stands_for(args[0])
        if len(args) == 3 and isinstance(args[2], dict):  # the new class belongs to the module that makes it
            args = (*args[:2], {"__module__": sys._getframe(1).f_globals.get("__name__")} | args[2])
        return type(*args, **kwargs)

    def __getattribute__(self, name: str) -> Any:
        # `type.__new__(metaclass, ...)` and the like; what is looked up on the class does not come by here.
        return object.__getattribute__(self, name) if name in OWN else getattr(type, name)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, type)

    def __subclasscheck__(self, cls: Any) -> bool:
        return issubclass(cls, type)

    @property
    def __bases__(self) -> tuple[type, ...]:
        """What `issubclass` looks at where this is asked about."""
        return (type,)

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        return (type,)

    def __eq__(self, other: Any) -> bool:
        return other is self or other is type

    def __hash__(self) -> int:
        return hash(type)

    def __or__(self, other: Any) -> Any:
        return type | other

    def __ror__(self, other: Any) -> Any:
        return other | type

    def __getitem__(self, item: Any) -> Any:
        return type[item]

    def __repr__(self) -> str:
        return repr(type)

    def __copy__(self) -> "TypeGate":
        return self

    def __deepcopy__(self, memo: Any) -> "TypeGate":
        return self

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return operator.getitem, ((type,), 0)


STANDING_IN[TypeGate] = lambda x: x
OWN = frozenset(("__bases__", "__mro_entries__", "__copy__", "__deepcopy__", "__reduce_ex__"))
TYPE_GATE = TypeGate()
