"""Names that do not dispatch lead to substitutes while a recording runs.

``np.zeros``, ``np.array``, ``math.sin`` never ask their arguments what to do, so a recording has to stand
between such a callable and the code that names it.  The names are changed, never the callables or the modules
that own them: compiled code relies on those (with ``numpy.empty`` replaced, ``numpy.random.uniform`` crashes
the interpreter).

    original callable       -> Gate         calls the substitute where this thread records, else the original
    module that contains it -> ModuleProxy  the same attributes, with gates and proxies among them

``interposed`` exchanges the left for the right in the globals of pure-Python modules, in the globals and
cells of the function to be recorded, and in what ``import`` returns to code that is being recorded.  Methods
are exchanged on the classes that were registered with them.  Objects of compiled classes, whose methods can't
be, are *adopted*: exchanged themselves, where the function's globals and cells hold them.  Not reached:
attributes of other classes and of instances, default arguments, and containers or partials that hold an
original.  There the original runs.
"""

import builtins
import functools
import importlib
import operator
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MethodType, ModuleType
from typing import Any

from jacfwd.recording.names import (
    ClassNames,
    Exchange,
    ModuleNames,
    Place,
    function_places,
    is_exempt,
    pairs,
    reachable,
    rebound,
    swap,
    typed_globals,
)
from jacfwd.recording.proxies import ModuleProxy, refresh

__all__ = ["INTERPOSITION", "RUNNING", "Interposition", "interposed", "register", "running", "suspended"]

RUNNING: ContextVar[Any] = ContextVar("jacfwd_running", default=None)
"""The innermost recording: an object with ``thread`` (its owner's identifier), ``closed`` and ``outer``."""

# Packages whose own code keeps the real callables, beside the packages that the originals come from.
EXEMPT = frozenset({"jacfwd", "numpy", "scipy", "importlib", "_frozen_importlib", "encodings"})
# A global of such a name is remembered even while it holds something else (``np = None`` until it is needed).
USUAL_NAMES = frozenset({"np", "xp", "sp", "numpy", "scipy"})


def running() -> Any:
    """The innermost recording if it is this thread's own and not closed, else None.

    The thread is compared because asyncio's tasks and ``to_thread`` take the context with them.
    """
    recording = RUNNING.get()
    if recording is None or recording.closed or recording.thread != threading.get_ident():
        return None
    return recording


@contextmanager
def suspended() -> Iterator[None]:
    """Let all names lead to the originals for the code inside."""
    token = RUNNING.set(None)
    try:
        yield
    finally:
        RUNNING.reset(token)


class Gate:
    """A callable that is its original, except where this thread records: there it is the substitute.

    It has the original's attributes and pickles as the original.  It is no descriptor: like a builtin, it
    does not bind when it is stored on a class.
    """

    def __init__(self, original: Callable[..., Any], substitute: Callable[..., Any]) -> None:
        functools.update_wrapper(self, original, updated=())
        self._original, self._substitute = original, substitute

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        # The first half is part of running(), and spares threads that never record the call.
        if RUNNING.get() is None or running() is None:
            return self._original(*args, **kwargs)
        return self._substitute(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def __repr__(self) -> str:
        return repr(self._original)

    def __copy__(self) -> "Gate":
        return self

    def __deepcopy__(self, memo: Any) -> "Gate":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # The standard library takes the original out of a tuple: whoever unpickles it needs no jacfwd.
        return operator.getitem, ((self._original,), 0)


def method_gate(original: Callable[..., Any], substitute: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a method: a function, so that it binds."""

    @functools.wraps(original)
    def method(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        if RUNNING.get() is None or running() is None:
            return original(self, *args, **kwargs)
        return substitute(self, *args, **kwargs)

    return method


class Loan:
    """A place outside the modules, exchanged for as long as it has users."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.users: set[object] = set()


class Interposition:
    """Substitutes, and the names exchanged for them while at least one recording needs that.

    The names are common to all threads; the gates decide for which of them they lead to the substitutes.
    """

    def __init__(self) -> None:
        self.exchange = Exchange(exempt=set(EXEMPT), usual_names=USUAL_NAMES)
        self.modules = ModuleNames(self.exchange)
        self.proxies: list[ModuleProxy] = []
        self.classes: list[Place] = []
        self.stand_ins: list[Callable[[Any], Any]] = []  # asked for what is called in place of a function
        self.loans: dict[int, Loan] = {}  # by id of the globals or the cell, which the place keeps alive
        self.users: set[object] = set()
        self.imports: tuple[Any, Any] = (None, None)  # the import function that was found, and ours over it
        self.lock = threading.RLock()  # reentrant: a finalizer that records may run at any allocation
        self.latecomers: Callable[[], None] = lambda: None  # registers what has been imported since it was last called

    def register(
        self, substitutes: Mapping[Callable[..., Any], Callable[..., Any]], modules: Iterable[ModuleType]
    ) -> None:
        """Have substitutes called in place of their originals, by any name and as attributes of ``modules``.

        The packages around a module get a proxy too, since ``np.linalg`` is reached through ``np``.
        A package that a module belongs to keeps the real names in its own code.

        Raises
        ------
        TypeError
            An original is a class: ``isinstance`` would meet the gate in its place.
        ValueError
            An original has a substitute already.
        """
        for original in substitutes:
            if isinstance(original, type):
                raise TypeError(f"{original!r} is a class, and can't have a substitute")
            if self.exchange.holds(original):
                raise ValueError(f"{original!r} has a substitute already")
        with self.lock:
            for original, substitute in substitutes.items():
                self.exchange.add(original, Gate(original, substitute))
            for module in with_packages(modules):
                self.exchange.exempt.add(module.__name__.partition(".")[0])
                if not self.exchange.holds(module):
                    self.proxies.append(ModuleProxy(module, self.exchange))
                    self.exchange.add(module, self.proxies[-1])
            for proxy in self.proxies:
                proxy._proxied.values = []
            self.modules.invalidate()
            if self.users:
                self.modules.refresh()
                self._exchange_modules()

    def register_methods(self, cls: type, substitutes: Mapping[str, Callable[..., Any]]) -> None:
        """Have substitutes called in place of a class's methods, by name, also for classes derived from it."""
        with self.lock:
            for name, substitute in substitutes.items():
                original = vars(cls)[name]
                self.exchange.add(original, method_gate(original, substitute))
            if not self.classes:
                self.exchange.adopters[lambda value: rebound(value, self.exchange)] = is_method
            self.classes.append((ClassNames(cls), list(substitutes)))
            if self.users:
                swap(pairs(self.classes[-1]), self.exchange.forward)

    def stand_in(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """What is called in place of a function that is itself the one to be recorded, or a method of an object."""
        for make in self.stand_ins:
            found = make(function)
            if found is not None:
                return found
        return rebound(function, self.exchange) or self.exchange.replacement(function)

    def register_class(self, original: type, gate: Any) -> None:
        """Have a gate that passes for a class take its place under names that are not the class's own."""
        with self.lock:
            self.exchange.add(original, gate)
            self.modules.invalidate()

    def register_type(self, gate: Any) -> None:
        """Have a gate take the place of the builtin `type`, wherever code calls that."""
        with self.lock:
            self.modules.typed.gate = gate
            self.register_class(type, gate)

    @contextmanager
    def interposed(self, function: Callable[..., Any]) -> Iterator[None]:
        """Exchange the names that ``function`` may meet; put them back when no recording needs them any more.

        Only names that still hold a replacement are put back: what user code assigned meanwhile stays.
        """
        user = object()
        try:
            self.open(user, function)
            yield
        finally:
            try:
                self.close(user)
            except BaseException:  # an interrupt in between: what is done twice is done once
                self.close(user)
                raise

    def open(self, user: object, function: Callable[..., Any]) -> None:
        """Exchange the names that ``function`` may meet, on behalf of ``user``."""
        with self.lock:
            self._open(user, function)

    def close(self, user: object) -> None:
        """Put back what nobody but ``user`` needs; it may be called again where an interrupt cut it short."""
        with self.lock:
            self._close(user)

    def _open(self, user: object, function: Callable[..., Any]) -> None:
        self.latecomers()
        first = not self.users
        self.users.add(user)
        if first:
            self.imports = builtins.__import__, self._import_over(builtins.__import__)
            builtins.__import__ = self.imports[1]
        if self.modules.refresh(prune=first) or first:
            self._exchange_modules()
        self.exchange.adopt([function])
        parts = list(reachable(function, self.exchange))
        for owner, place in function_places(parts, self.exchange):
            if not self.modules.note(*place):
                self._borrow(owner, place, user)
            swap(pairs(place), self.exchange.forward)
        for names in typed_globals(parts, self.exchange):
            self.modules.typed.note(names, True)
            if not self.modules.has(names):
                self._borrow(names, (names, []), user)
            self.modules.typed.put()

    def _close(self, user: object) -> None:
        for key, loan in list(self.loans.items()):
            loan.users.discard(user)
            if not loan.users:
                # Globals that have become a module's are put back with the modules.
                if not self.modules.note(*loan.place):
                    swap(pairs(loan.place), self.exchange.backward)
                    self.modules.typed.forget(key)
                del self.loans[key]
        self.users.discard(user)
        if self.users:
            return
        if self.modules.outdated():  # a new module may have copied replacements from another
            self.modules.refresh()
        swap([*self.modules.pairs(), *pairs(*self.classes)], self.exchange.backward)
        self.modules.typed.take()
        self.exchange.release()
        found, ours = self.imports
        if builtins.__import__ is ours:  # else somebody has put another over it, and it only passes calls on
            builtins.__import__ = found

    def _borrow(self, owner: object, place: Place, user: object) -> None:
        namespace, names = place
        loan = self.loans.setdefault(id(owner), Loan((namespace, [])))
        loan.place[1].extend(set(names).difference(loan.place[1]))
        loan.users.add(user)

    def _exchange_modules(self) -> None:
        for proxy in self.proxies:
            refresh(proxy)
        swap([*self.modules.pairs(), *pairs(*self.classes)], self.exchange.forward)
        self.modules.typed.put()

    def notice(self) -> None:
        """Exchange names in modules that have been imported since the last time."""
        if self.modules.outdated():
            with self.lock:
                self.latecomers()
                self.modules.refresh()
                self._exchange_modules()

    def import_module(self, name: str, package: str | None = None) -> ModuleType:
        """`importlib.import_module` for code that is being recorded."""
        with suspended():
            module = importlib.import_module(name, package)
        self.notice()
        found: ModuleType = self.exchange.replacement(module)
        return found

    def _import_over(self, found: Callable[..., Any]) -> Callable[..., Any]:
        """An import function that calls the one found, and gives proxies to code that is being recorded."""

        def import_(
            name: str,
            globals: Mapping[str, Any] | None = None,
            locals: Mapping[str, Any] | None = None,
            fromlist: Any = (),
            level: int = 0,
        ) -> Any:
            if running() is None:
                return found(name, globals, locals, fromlist, level)
            # The body of a module runs once: the arrays it makes must not belong to this recording.
            with suspended():
                module = found(name, globals, locals, fromlist, level)
            importer = sys._getframe(1).f_globals if globals is None else globals
            if is_exempt(importer, self.exchange.exempt) or is_loading(importer):
                return module
            self.notice()
            return self.exchange.replacement(module)

        return import_


def is_method(kind: type) -> bool:
    """Whether objects of a class are bound methods."""
    return kind is MethodType


def with_packages(modules: Iterable[ModuleType]) -> list[ModuleType]:
    """Modules and the packages that contain them, each once."""
    found: dict[str, ModuleType] = {}
    for module in modules:
        parts = module.__name__.split(".")
        for end in range(1, len(parts)):
            package = ".".join(parts[:end])
            found.setdefault(package, sys.modules[package])
        found[module.__name__] = module
    return list(found.values())


def is_loading(names: Mapping[str, Any]) -> bool:
    """Whether globals are those of a module whose body is running, in an import begun without a statement."""
    return bool(getattr(names.get("__spec__"), "_initializing", False))


INTERPOSITION = Interposition()
register = INTERPOSITION.register
register({importlib.import_module: INTERPOSITION.import_module}, [importlib])
interposed = INTERPOSITION.interposed
if hasattr(os, "register_at_fork"):  # a child must not inherit the lock from a thread that it does not have
    os.register_at_fork(
        before=INTERPOSITION.lock.acquire,
        after_in_parent=INTERPOSITION.lock.release,
        after_in_child=INTERPOSITION.lock.release,
    )
