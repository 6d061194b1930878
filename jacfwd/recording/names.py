"""Where in a running program names stand that hold certain objects, and how to exchange those objects.

A *place* is a namespace (a module's globals, or one closure cell) with the names in it that are of interest.
Which objects are exchanged for which is a table, ``Exchange``; what they are does not matter here.
"""

import functools
import importlib.machinery
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any, Protocol, TypeAlias

from jacfwd.recording.typed import TypedNames, calls_type, code_calls

__all__ = [
    "ClassNames",
    "Exchange",
    "ModuleNames",
    "Place",
    "function_places",
    "is_exempt",
    "pairs",
    "reachable",
    "rebound",
    "swap",
    "typed_globals",
]

COMPILED = tuple(importlib.machinery.EXTENSION_SUFFIXES)
# Pure Python inside exempt packages that nothing compiled looks names up in: treated like a user's module, so that
# what it makes of coefficients may be traced.
OPEN = ("numpy.polynomial",)


class Namespace(Protocol):
    """The part of a dictionary that exchanging a name's value takes."""

    def get(self, name: str, /) -> Any: ...

    def __setitem__(self, name: str, value: Any, /) -> None: ...


Place: TypeAlias = tuple[Namespace, list[str]]


class CellNames:
    """A closure cell as a namespace of one name; an empty cell holds None."""

    def __init__(self, cell: CellType) -> None:
        self.cell = cell

    def get(self, name: str, /) -> Any:
        try:
            return self.cell.cell_contents
        except ValueError:
            return None

    def __setitem__(self, name: str, value: Any, /) -> None:
        self.cell.cell_contents = value


class ClassNames:
    """A class's own attributes as a namespace."""

    def __init__(self, cls: type) -> None:
        self.cls = cls

    def get(self, name: str, /) -> Any:
        return vars(self.cls).get(name)

    def __setitem__(self, name: str, value: Any, /) -> None:
        setattr(self.cls, name, value)


class Exchange:
    """Originals and their replacements, found by ``id`` in either direction.

    The tables keep both alive, so an ``id`` in them never comes to belong to anything else.  Globals of
    packages in ``exempt`` are left alone; those named in ``usual_names`` are of interest whatever they hold.
    ``adopters`` are asked for a replacement of objects that are not in the tables, until ``release``; each says of
    which classes these may be.
    """

    def __init__(self, exempt: Iterable[str] = (), usual_names: frozenset[str] = frozenset()) -> None:
        self.forward: dict[int, Any] = {}
        self.backward: dict[int, Any] = {}
        self.either: set[int] = set()
        self.exempt, self.usual_names = set(exempt), usual_names
        self.adopters: dict[Callable[[Any], Any], Callable[[type], bool]] = {}
        self.adopted: list[tuple[Any, Any]] = []

    def add(self, original: Any, replacement: Any) -> None:
        """Enter a pair."""
        self.backward[id(replacement)] = original
        self.forward[id(original)] = replacement
        self.either.update((id(original), id(replacement)))

    def adopt(self, values: Iterable[Any]) -> None:
        """Enter those values that an adopter has a replacement for."""
        values = list(values)
        for kind in set(map(type, values)):  # most values are of classes that no adopter takes
            adopters = [adopt for adopt, takes in self.adopters.items() if takes(kind)]
            for value in [value for value in values if type(value) is kind] if adopters else ():
                for replacement in () if self.holds(value) else filter(None, (adopt(value) for adopt in adopters)):
                    self.add(value, replacement)
                    self.adopted.append((value, replacement))

    def release(self) -> None:
        """Forget what was adopted, which is nobody else's to keep alive."""
        while self.adopted:
            value, replacement = self.adopted[-1]
            self.forward.pop(id(value), None)
            self.backward.pop(id(replacement), None)
            self.either.difference_update((id(value), id(replacement)))
            self.adopted.pop()

    def replacement(self, value: Any) -> Any:
        """What stands for a value while names are exchanged: most values stand for themselves."""
        return self.forward.get(id(value), value)

    def original(self, value: Any) -> Any:
        """What a replacement stands for; other values stand for themselves."""
        return self.backward.get(id(value), value)

    def holds(self, value: Any) -> bool:
        """Whether a value is an original or a replacement."""
        return id(value) in self.either


def rebound(value: Any, exchange: Exchange) -> Any:
    """A bound method of which the function has a replacement, with that; None for anything else."""
    if type(value) is not MethodType:
        return None
    function = exchange.forward.get(id(value.__func__))
    return None if function is None else MethodType(function, value.__self__)


def pairs(*places: Place) -> list[tuple[Namespace, str]]:
    """The single names of places, as ``swap`` takes them."""
    return [(namespace, name) for namespace, names in places for name in names]


def swap(names: Iterable[tuple[Namespace, str]], table: dict[int, Any]) -> None:
    """Put ``table[id(value)]`` wherever a name holds such a value; any other value stays.

    Hence what user code assigned to a name in the meantime is respected.
    """
    for namespace, name in names:
        other = table.get(id(namespace.get(name)))
        if other is not None:
            namespace[name] = other


def is_exempt(names: Mapping[str, Any], exempt: set[str]) -> bool:
    """Whether globals belong to compiled code, or to a package in ``exempt``."""
    module = str(names.get("__name__"))
    if module in sys.builtin_module_names:
        return True
    if module.partition(".")[0] in exempt and not is_open(module):
        # A doctest in such a package runs in a copy of a module's globals, but is code of a user's kind.
        return getattr(sys.modules.get(module), "__dict__", names) is names
    return str(names.get("__file__")).endswith(COMPILED)


def is_open(module: str) -> bool:
    """Whether a module of an exempt package is treated like a user's."""
    return any(module == name or module.startswith(name + ".") for name in OPEN)


def names_of_interest(names: dict[str, Any], exchange: Exchange) -> list[str]:
    """Names in globals that hold, or by their spelling may come to hold, something to exchange."""
    # numba reads globals when it compiles, at a dispatcher's first call, and knows only the real functions.
    # So a module that holds any object of numba's keeps all its names; buffers made there are plain arrays.
    if holds_numba(names):
        return []
    items = list(names.items())  # made in C, in one step: other threads may be assigning globals
    wanted, usual = exchange.either, exchange.usual_names
    return [name for name, value in items if (id(value) in wanted and not is_own_name(name, value)) or name in usual]


def holds_numba(names: dict[str, Any]) -> bool:
    """Whether an object of numba's is among the globals."""
    if "numba" not in sys.modules:
        return False
    return any(str(type(value).__module__).startswith("numba") for value in list(names.values()))


def is_own_name(name: str, value: Any) -> bool:
    """Whether a class goes by its own name: then code may ask whether a type is this class."""
    return isinstance(value, type) and value.__name__ == name


class ModuleNames:
    """The places in the globals of all pure-Python modules, searched again only where something changed.

    A module counts as changed if its number of globals did, and ``sys.modules`` if its length or its last
    entry did.  That is one ``len`` for each module outside the standard library; inside, globals are settled
    once imported.  Missed, until the number changes: a global of unusual name that held something else when
    it was searched and is assigned an original later, and an entry of ``sys.modules`` that is overwritten in
    place.  There the original goes on to run.  A recorded function's own globals are always read in full.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.places: dict[int, Place] = {}  # by id of the globals, which the place keeps alive
        self._namespaces: dict[int, dict[str, Any]] = {}
        self._growing: list[dict[str, Any]] = []
        self.typed = TypedNames()
        self._sizes: list[int] = []  # as they were seen last, and without the gate of `type`
        self._own_sizes: list[int] = []
        self._modules: tuple[int, Any] = (0, None)
        self._pairs: list[tuple[Namespace, str]] | None = None

    def pairs(self) -> list[tuple[Namespace, str]]:
        """The single names of all places."""
        if self._pairs is None:
            self._pairs = pairs(*self.places.values())
        return self._pairs

    def invalidate(self) -> None:
        """Search everything at the next refresh: the exchange has new pairs."""
        self._namespaces, self._growing, self._modules = {}, [], (0, None)
        self._sizes, self._own_sizes = [], []

    def outdated(self) -> bool:
        """Whether modules came or went since the last refresh."""
        length, last = self._modules
        return length != len(sys.modules) or last is not last_module()

    def refresh(self, *, prune: bool = False) -> bool:
        """Search new and changed modules, ``prune`` those that are gone; True if there were any."""
        outdated = self.outdated()
        if outdated:
            self._modules = len(sys.modules), last_module()
            self._list_modules()
            if prune:
                self.places = {key: place for key, place in self.places.items() if key in self._namespaces}
                self.typed.keep(self._namespaces)
                self._pairs = None
        sizes = list(map(len, self._growing))
        if sizes == self._sizes:
            return outdated
        changed = [self._search(k) for k, (old, new) in enumerate(zip(self._sizes, sizes, strict=True)) if old != new]
        self._sizes = sizes
        return outdated or any(changed)

    def _search(self, k: int) -> bool:
        """Search a module if the number of its own names has changed."""
        names = self._growing[k]
        size = self.typed.size(names)
        if size == self._own_sizes[k]:
            return False
        self._own_sizes[k] = size
        found = names_of_interest(names, self.exchange)
        self.note(names, found)
        self.typed.note(names, not holds_numba(names) and calls_type(names))
        return True

    def has(self, names: Namespace) -> bool:
        """Whether globals are a module's."""
        return id(names) in self._namespaces

    def note(self, names: Namespace, found: list[str]) -> bool:
        """Take up a module's names of interest; False if the globals are not a module's."""
        if not self.has(names):
            return False
        place = self.places.get(id(names), (names, []))
        if place[1] != found:
            self._pairs = None
            self.places[id(names)] = names, found
            # Those left out, as they hold something else by now or because of numba, keep no replacement.
            swap(pairs((names, [name for name in place[1] if name not in found])), self.exchange.backward)
        return True

    def _list_modules(self) -> None:
        known = self._namespaces
        sizes = dict(zip(map(id, self._growing), zip(self._sizes, self._own_sizes, strict=True), strict=True))
        namespaces = filter(None, map(self._globals, list(sys.modules.values())))
        self._namespaces = {id(names): names for names in namespaces}
        settled = {key for key, names in self._namespaces.items() if in_standard_library(names)}
        self._growing = [names for key, names in self._namespaces.items() if key not in settled]
        found = [sizes.get(id(names), (-1, -1)) for names in self._growing]
        self._sizes, self._own_sizes = [seen for seen, _ in found], [own for _, own in found]
        for key in settled - known.keys():
            self.note(self._namespaces[key], names_of_interest(self._namespaces[key], self.exchange))

    def _globals(self, module: ModuleType) -> dict[str, Any] | None:
        try:
            # Not vars(): it would load the modules that importlib.util.LazyLoader prepared.
            names = object.__getattribute__(module, "__dict__")
        except AttributeError:
            return None
        # There are classes in sys.modules too, whose __dict__ is another object each time.
        return names if type(names) is dict and not is_exempt(names, self.exchange.exempt) else None


def last_module() -> Any:
    """The entry of ``sys.modules`` made last, or a new object while another thread is making one."""
    try:
        return next(reversed(sys.modules.values()))
    except RuntimeError:
        return object()


def in_standard_library(names: dict[str, Any]) -> bool:
    return str(names.get("__name__")).partition(".")[0] in sys.stdlib_module_names


def function_places(parts: Iterable[FunctionType], exchange: Exchange) -> Iterator[tuple[object, Place]]:
    """Globals, read in full, and closure cells of Python functions.

    Each place comes with the object that owns it, the dictionary or the cell.
    """
    seen: set[int] = set()
    for part in parts:
        names = part.__globals__
        if is_exempt(names, exchange.exempt):
            continue
        if id(names) not in seen:
            seen.add(id(names))
            exchange.adopt(list(names.values()))
            yield names, (names, names_of_interest(names, exchange))
        for cell in part.__closure__ or ():
            place = CellNames(cell)
            exchange.adopt([place.get("")])
            if exchange.holds(place.get("")):
                yield cell, (place, [""])


def typed_globals(parts: Iterable[FunctionType], exchange: Exchange) -> Iterator[dict[str, Any]]:
    """Globals of those of these functions that call the builtin `type`."""
    for part in parts:
        names = part.__globals__
        if code_calls(part.__code__) and not is_exempt(names, exchange.exempt) and not holds_numba(names):
            yield names


def reachable(function: Callable[..., Any], exchange: Exchange) -> Iterator[FunctionType]:
    """Python functions found by way of cells, wrappers, defaults, partials, methods and callable objects."""
    waiting: list[Any] = [function]
    seen: dict[int, Any] = {}
    while waiting:
        part = waiting.pop()
        # Not isinstance, which believes what an object says of its class and may run its code.
        if id(part) in seen or not callable(part) or issubclass(type(part), (type, BuiltinFunctionType)):
            continue
        if exchange.holds(part):
            continue
        seen[id(part)] = part
        if type(part) is FunctionType:
            yield part
        waiting.extend(components(part))


def components(part: Any) -> Iterator[Any]:
    """What a callable is made of: other callables, and objects of other kinds that need no attention."""
    kind = type(part)
    if kind is FunctionType:
        yield from (CellNames(cell).get("") for cell in part.__closure__ or ())
        # Their cells may hold originals.
        named = map(part.__globals__.get, part.__code__.co_names)
        yield from (value for value in named if type(value) is FunctionType and value.__module__ == part.__module__)
        yield from part.__defaults__ or ()
        yield from (part.__kwdefaults__ or {}).values()
        yield from attributes(part)
    elif kind is MethodType:
        yield part.__func__
        yield part.__self__
        yield from attributes(part.__self__)
    elif issubclass(kind, functools.partial):
        yield part.func
        yield from part.args
        yield from part.keywords.values()
    elif not str(kind.__module__).startswith("numba"):  # a dispatcher's function wants the real names
        yield getattr(kind, "__call__", None)  # noqa: B004  the function in the class, not the bound method
        yield from attributes(part)


def attributes(thing: Any) -> list[Any]:
    """The values in an object's own dictionary, ``__wrapped__`` among them."""
    try:
        return list(object.__getattribute__(thing, "__dict__").values())
    except AttributeError:
        return []
