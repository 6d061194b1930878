"""What a function reads besides its arguments, so that a kept recording notices when it changes.

These are the globals that its code names, its closure cells, its defaults, and the attributes of the object that it
is a method of. The same holds for the helpers that stand in the same module or in its cells. Values are compared by
identity: what changes *inside* an array, a list or another object is not seen, and neither are attributes of objects
that are globals.
"""

import dis
import functools
import operator
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

from jacfwd.recording.interpose import INTERPOSITION

__all__ = ["Captured"]

MISSING = object()
READS = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
# Functions of these packages are not followed: what they read is no business of the user's.
CLOSED = frozenset({"jacfwd", "numpy", "scipy"})
# So many values at most are compared at each call; what a function reads goes before what its helpers read.
MOST = 256


class Captured:
    """What a function reads besides its arguments, as a tuple of objects to compare by identity.

    >>> scale = 2.0
    >>> def make():
    ...     k = 3.0
    ...     return lambda x: k * x
    >>> f = make()
    >>> captured = Captured(f)
    >>> captured.values()
    (3.0,)
    """

    def __init__(self, f: Callable) -> None:
        self._cells: list[CellType] = []
        self._state: list[Any] = []
        globals_: dict[int, tuple[dict[str, Any], dict[str, None]]] = {}
        count = 0
        for part in readers(f):
            if type(part) is not FunctionType:
                self._state.append(part)
                continue
            names = names_read(part.__code__)
            cells = part.__closure__ or ()
            count += len(names) + len(cells)
            if count > MOST and globals_:
                break
            globals_.setdefault(id(part.__globals__), (part.__globals__, {}))[1].update(dict.fromkeys(names))
            self._cells += [cell for cell in cells if all(cell is not known for known in self._cells)]
            if part.__defaults__ or part.__kwdefaults__:
                self._state.append(part)
        # Names of builtins are among them: they may become globals.
        self._globals = [(names, list(wanted)) for names, wanted in globals_.values()]

    def values(self) -> tuple[Any, ...]:
        """Everything as it is now."""
        found = [names.get(name, MISSING) for names, wanted in self._globals for name in wanted]
        for cell in self._cells:
            try:
                found.append(cell.cell_contents)
            except ValueError:
                found.append(MISSING)
        for part in self._state:
            found += state(part)
        return tuple(found)

    def conditions(self, then: tuple[Any, ...], scope: dict[str, Any]) -> list[str]:
        """Python source, one expression for each change; names in it are added to `scope`.

        A name that is gone raises KeyError, an empty cell ValueError. Without these, all false means that nothing
        changed; else the values tell, since modules and functions that a recording stands in for count as changed.
        """
        left, found = iter(then), []
        for k, (names, wanted) in enumerate(self._globals):
            scope[f"names{k}"] = names
            for name in wanted:
                value = next(left)
                if value is MISSING:
                    found.append(f"{name!r} in names{k}")
                else:
                    scope[f"then{len(found)}"] = value
                    found.append(f"names{k}[{name!r}] is not then{len(found)}")
        for k, cell in enumerate(self._cells):
            scope[f"cell{k}"], scope[f"then{len(found)}"] = cell, next(left)
            found.append(f"cell{k}.cell_contents is not then{len(found)}")
        if self._state:
            scope["state_changed"] = partial(state_changed, self._state, tuple(left))
            found.append("state_changed()")
        return found

    def same(self, then: tuple[Any, ...], now: tuple[Any, ...]) -> bool:
        """Whether nothing changed; modules and functions that a recording stands in for count as themselves."""
        if len(then) != len(now):
            return False
        if all(map(operator.is_, then, now)):
            return True
        original = INTERPOSITION.exchange.original
        return all(original(a) is original(b) for a, b in zip(then, now, strict=True))


def state_changed(parts: list[Any], then: tuple[Any, ...]) -> bool:
    """Whether something else was assigned to functions or objects."""
    now = [value for part in parts for value in state(part)]
    return len(now) != len(then) or not all(map(operator.is_, now, then))


@lru_cache(maxsize=1024)
def names_read(code: CodeType) -> tuple[str, ...]:
    """The globals that code names, that of functions and comprehensions inside it too."""
    found = {each.argval: None for each in dis.get_instructions(code) if each.opname in READS}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found.update(dict.fromkeys(names_read(constant)))
    return tuple(found)


def readers(f: Callable) -> Iterator[Any]:
    """Python functions that `f` is made of or calls by names of its own module, and objects whose attributes matter."""
    waiting: list[Any] = [f]
    seen: dict[int, Any] = {}
    while waiting:
        part = waiting.pop(0)
        if id(part) in seen:
            continue
        seen[id(part)] = part
        kind = type(part)
        if kind is FunctionType:
            if part is f or str(part.__module__).partition(".")[0] not in CLOSED:
                yield part
                waiting += helpers(part)
        elif kind is MethodType:
            waiting += [part.__func__, State(part.__self__)]
        elif kind is State:
            if attributes(part.of) is not None:
                yield part.of
                waiting += [value for value in attributes(part.of) or () if is_function(value)]
        elif issubclass(kind, functools.partial):
            waiting += [part.func, *filter(is_function, part.args), *filter(is_function, part.keywords.values())]
        elif is_function(part):
            waiting += [getattr(kind, "__call__", None), State(part)]  # noqa: B004  the function in the class


class State:
    """An object of which the attributes matter."""

    def __init__(self, of: Any) -> None:
        self.of = of


def is_function(value: Any) -> bool:
    """Whether a value is called for what it computes: not a class, nothing compiled."""
    if type(value) in (FunctionType, MethodType):
        return True
    return callable(value) and not isinstance(value, type) and type(value).__module__ not in ("builtins", "numpy")


def helpers(f: FunctionType) -> Iterator[Any]:
    """Functions in the cells of a function, and those of its module that it names."""
    for cell in f.__closure__ or ():
        try:
            found = cell.cell_contents
        except ValueError:
            continue
        if is_function(found):
            yield found
    for name in names_read(f.__code__):
        found = f.__globals__.get(name)
        if type(found) is FunctionType and found.__globals__ is f.__globals__:
            yield found


def attributes(thing: Any) -> list[Any] | None:
    """The values in an object's dictionary and slots; None where it has neither."""
    names = [name for kind in type(thing).__mro__ for name in slots_of(kind)]
    try:
        held = list(object.__getattribute__(thing, "__dict__").values())
    except AttributeError:
        if not names:
            return None
        held = []
    return held + [getattr(thing, name, MISSING) for name in names]


def slots_of(kind: type) -> tuple[str, ...]:
    """The slots that a class of the user's adds."""
    slots = vars(kind).get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def state(part: Any) -> list[Any]:
    """What may be assigned to a function or an object: defaults, or attributes."""
    if type(part) is FunctionType:
        return [*(part.__defaults__ or ()), *(part.__kwdefaults__ or {}).values()]
    return attributes(part) or []
