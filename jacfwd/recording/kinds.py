"""NumPy's classes of scalars under names of the user's: `DTYPE = np.float64`, and `DTYPE(x)` keeps a derivative.

Such a class converts, in C, without asking its argument what to do. A name that is not the class's own says which
dtype a library computes with, and stands for conversions and for the dtype; there a gate that passes for the class
takes its place. `np.float64` itself stays what it is, since code asks `type(a) is np.float64` of it.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.recording.interpose import running

__all__ = ["CLASSES", "ClassGate"]

CLASSES: tuple[Any, ...] = (np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128)


class ClassGate:
    """A class of scalars, except where this thread records and converts: there it is a function.

    To `isinstance`, `issubclass`, `np.dtype`, `==`, dictionaries and pickles it is the class.
    """

    def __init__(self, original: type, convert: Callable[..., Any]) -> None:
        self._original, self._convert = original, convert

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and running() is not None:
            return self._convert(self._original, args[0])
        return self._original(*args, **kwargs)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type

    @property
    def dtype(self) -> np.dtype:
        """Which dtype it stands for."""
        return np.dtype(self._original)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, self._original)

    def __subclasscheck__(self, cls: Any) -> bool:
        return issubclass(cls, self._original)

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        return (self._original,)

    def __eq__(self, other: Any) -> bool:
        return other is self or bool(self._original == other)

    def __hash__(self) -> int:
        return hash(self._original)

    def __or__(self, other: Any) -> Any:
        return self._original | other

    def __ror__(self, other: Any) -> Any:
        return other | self._original

    def __repr__(self) -> str:
        return repr(self._original)

    def __copy__(self) -> "ClassGate":
        return self

    def __deepcopy__(self, memo: Any) -> "ClassGate":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return operator.getitem, ((self._original,), 0)
