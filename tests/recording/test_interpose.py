"""Which code meets substitutes while a recording runs, and that nothing of them is left behind."""

import asyncio
import builtins
import contextvars
import copy
import functools
import importlib.util
import inspect
import math
import operator
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jacfwd.recording.interpose import RUNNING, Gate, Interposition, running, suspended
from jacfwd.recording.proxies import ModuleProxy

# Names of this module are exchanged too; what is kept in a container is not.
REAL = {
    "numpy": np,
    "zeros": np.zeros,
    "ones": np.ones,
    "norm": np.linalg.norm,
    "sin": math.sin,
    "math": math,
}
SOURCE = Path(__file__).with_name("user_code.py").read_text()
NAMES = ["zeros", "empty", "ones", "full", "array"]


class Buffer:
    """What every substitute returns."""

    def __init__(self, /, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs


class Recording:
    """As little of a recording as the gates look at."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.outer = RUNNING.get()
        self.closed = False


Record = Callable[..., Any]
Module = Any


def substituted() -> Interposition:
    interposition = Interposition()
    originals = [*(getattr(np, name) for name in NAMES), np.linalg.norm, np.maximum, math.sin]
    interposition.register(dict.fromkeys(originals, Buffer), [np, np.linalg, math])
    return interposition


@pytest.fixture
def interposition() -> Iterator[Interposition]:
    """Substitutes for some constructors; afterwards nothing in the process may be left of them."""
    importing = builtins.__import__
    interposition = substituted()
    yield interposition
    assert not interposition.users
    assert not interposition.loans
    assert builtins.__import__ is importing
    assert not left_behind()
    assert np.zeros is REAL["zeros"]
    assert np.linalg.norm is REAL["norm"]


def left_behind() -> list[tuple[str, str]]:
    """Module globals that hold a gate or a proxy."""
    return [
        (module.__name__, name)
        for module in list(sys.modules.values())
        if type(module) is types.ModuleType
        for name, value in list(vars(module).items())
        if type(value) in (Gate, ModuleProxy)
    ]


@pytest.fixture
def record(interposition: Interposition) -> Record:
    """A context in which the names that a function may meet are exchanged, and this thread records."""

    @contextmanager
    def recording(function: Callable[..., Any] = len) -> Iterator[Recording]:
        now = Recording()
        token = RUNNING.set(now)
        try:
            with interposition.interposed(function):
                yield now
        finally:
            RUNNING.reset(token)
            now.closed = True

    return recording


REACHED = [
    *("module_attribute", "full_module_name", "module_alias", "submodule", "submodule_alias", "other_module"),
    *("from_import", "from_import_math", "from_import_renamed", "by_getattr", "by_eval", "comprehension"),
    *("call_back", "method", "static_method", "class_method", "property_", "cached_property", "keyword"),
    *(
        "import_module",
        "import_submodule",
        "import_submodule_renamed",
        "import_from",
        "import_from_submodule",
    ),
    *("import_module_from", "import_called", "exec_with_import", "made_with_import", "lambda_", "decorated"),
    "cached",
]
# Documented: these keep the original, which is for a recording to refuse where it matters.
MISSED = ["default", "default_module", "in_container", "by_partial", "class_attribute", "class_module"]


def made_module(name: str, source: str) -> Module:
    module = types.ModuleType(name)
    exec(compile(textwrap.dedent(source), f"<{name}>", "exec"), vars(module))
    return module


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> Module:
    """A module of user code, one that is imported like any other."""
    module = made_module("user_code", SOURCE)
    module.instance = module.Model()
    monkeypatch.setitem(sys.modules, "user_code", module)
    return module


# What is reached


@pytest.mark.parametrize("name", REACHED)
def test_user_code_meets_substitutes(name: str, user: Module, record: Record) -> None:
    function = getattr(user, name)
    before = dict(vars(user))
    with record(function):
        assert isinstance(function(), Buffer)
    assert all(vars(user)[key] is value for key, value in before.items())


@pytest.mark.parametrize("name", [name for name in REACHED if name != "cached"])
def test_user_code_meets_the_originals_afterwards(name: str, user: Module, record: Record) -> None:
    function = getattr(user, name)
    with record(function):
        function()
    assert not isinstance(function(), Buffer)


@pytest.mark.parametrize("name", MISSED)
def test_originals_outside_of_names_stay(name: str, user: Module, record: Record) -> None:
    with record(getattr(user, name)):
        assert isinstance(getattr(user, name)(), REAL["numpy"].ndarray)


def test_instance_attributes_stay(user: Module, record: Record) -> None:
    with record(user.instance_module):
        assert isinstance(user.instance_module(user.instance), REAL["numpy"].ndarray)


def test_functions_called_from_other_modules_are_reached(
    user: Module, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = made_module("other_user_code", "import user_code\ndef g(): return user_code.from_import()")
    monkeypatch.setitem(sys.modules, "other_user_code", other)
    with record(other.g):
        assert isinstance(other.g(), Buffer)


def test_substitutes_receive_the_arguments(user: Module, record: Record) -> None:
    with record(user.keyword):
        assert user.keyword().kwargs == {"shape": 3, "fill_value": 1.0}
        assert user.from_import().args == (3,)


def test_substitutes_may_call_their_originals(user: Module) -> None:
    interposition = Interposition()
    interposition.register({REAL["zeros"]: lambda *a: ("made", REAL["zeros"](*a))}, [np])
    token = RUNNING.set(Recording())
    try:
        with interposition.interposed(user.from_import):
            assert user.from_import()[0] == "made"
    finally:
        RUNNING.reset(token)


def test_numpy_itself_is_untouched(user: Module, record: Record) -> None:
    with record(user.random):
        numpy = REAL["numpy"]
        assert vars(numpy)["zeros"] is REAL["zeros"]
        assert vars(numpy.linalg)["norm"] is REAL["norm"]
        assert sys.modules["numpy"] is numpy
        assert vars(np).keys() >= vars(numpy).keys() - {"__getattr__"}


def test_compiled_code_runs_while_names_are_exchanged(user: Module, record: Record) -> None:
    with record(user.random):
        assert user.random().shape == (5,)
        assert np.random.default_rng(0).normal(size=3).shape == (3,)
        assert np.linalg.solve(REAL["numpy"].eye(2), [1.0, 2.0]).tolist() == [1.0, 2.0]


# Functions that no module holds


def test_globals_without_a_module(record: Record) -> None:
    names: dict[str, Any] = {}
    exec("import numpy as np\nfrom numpy import ones\ndef f(): return np.zeros(3), ones(3)", names)
    with record(names["f"]):
        assert all(isinstance(value, Buffer) for value in names["f"]())
    assert names["np"] is np
    assert names["ones"] is np.ones


def test_globals_are_read_at_every_recording(record: Record) -> None:
    names: dict[str, Any] = {"constructor": None}
    exec("def f(): return constructor(3)", names)
    with record(names["f"]):
        pass
    names["constructor"] = np.zeros
    with record(names["f"]):
        assert isinstance(names["f"](), Buffer)
    assert names["constructor"] is np.zeros


def test_a_modules_globals_are_read_at_every_recording(user: Module, record: Record) -> None:
    user.fake = None
    exec("def late(): return fake(3)", vars(user))
    with record(user.late):
        pass
    user.fake = np.zeros
    with record(user.late):
        assert isinstance(user.late(), Buffer)
    assert user.fake is np.zeros


def test_closure_cells(record: Record) -> None:
    def outer(module: Any, constructor: Any) -> Callable[[], Any]:
        def f() -> Any:
            return module.zeros(3), constructor(3)

        return f

    f = outer(np, np.ones)
    with record(f):
        assert all(isinstance(value, Buffer) for value in f())
    assert inspect.getclosurevars(f).nonlocals == {"module": np, "constructor": np.ones}


def capturing(module: Any) -> Callable[[], Any]:
    """A function with a module in a cell, which is where this module's globals don't help."""

    def captured(*_: Any) -> Any:
        return module.zeros(3)

    return captured


class Holder:
    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function

    def method(self) -> Any:
        return self.function()

    def __call__(self) -> Any:
        return self.function()


class PlainHolder:
    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function

    def method(self) -> Any:
        return self.function()


class Slotted:
    __slots__ = ("value",)

    def __call__(self) -> Any:
        return np.zeros(3)


def through_cells(f: Callable[[], Any]) -> Callable[[], Any]:
    def second() -> Any:
        return f()

    return lambda: second()


def through_wrapped(f: Callable[[], Any]) -> Callable[[], Any]:
    calls: list[Any] = [f]

    @functools.wraps(f)
    def wrapper() -> Any:
        return calls[0]()

    return wrapper


def through_default(f: Callable[[], Any]) -> Callable[[], Any]:
    def g(f: Callable[[], Any] = f) -> Any:
        return f()

    return g


def through_keyword_default(f: Callable[[], Any]) -> Callable[[], Any]:
    def g(*, f: Callable[[], Any] = f) -> Any:
        return f()

    return g


WAYS = {
    "itself": lambda f: f,
    "cells": through_cells,
    "wrapped": through_wrapped,
    "default": through_default,
    "keyword default": through_keyword_default,
    "partial": lambda f: functools.partial(f, 1),
    "partial's argument": lambda f: functools.partial(operator.call, f),
    "partial's keyword": lambda f: functools.partial(through_keyword_default(len), f=f),
    "method": lambda f: Holder(f).method,
    "method of an object that can't be called": lambda f: PlainHolder(f).method,
    "method of a function": lambda f: types.MethodType(operator.call, f),
    "method with cells": lambda f: type("Model", (), {"method": f})().method,
    "callable object": Holder,
    "cache": functools.lru_cache,
    "all of them": lambda f: functools.partial(Holder(through_wrapped(through_cells(f))).method),
}


@pytest.mark.parametrize("way", WAYS)
def test_cells_of_inner_functions(way: str, record: Record) -> None:
    inner = capturing(np)
    function = WAYS[way](inner)
    with record(function):
        assert isinstance(function(), Buffer)
    assert isinstance(inner(), np.ndarray)


def test_callables_without_a_dictionary(record: Record) -> None:
    with record(Slotted()):
        assert isinstance(Slotted()(), Buffer)


@pytest.mark.parametrize("function", [len, np.sin, np.zeros, dict, Holder, functools.reduce])
def test_callables_without_python_code(function: Any, record: Record) -> None:
    with record(function):
        assert isinstance(np.zeros(3), Buffer)


def test_empty_cells_and_cycles(record: Record) -> None:
    def f() -> Any:
        return np.zeros(3) if f else unset

    with record(f):
        assert isinstance(f(), Buffer)
    unset = 1


# Imports during a recording


@pytest.fixture
def late(user: Module, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Name of a module that was not imported yet; its body makes an array with what other user code has."""
    name = "late_user_code"
    source = """
        import numpy as np
        from user_code import from_import, zeros as copied
        TABLE = from_import()
        def go(): return np.zeros(3)
    """
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


def test_modules_imported_by_the_function(late: str, record: Record) -> None:
    def f() -> Any:
        import late_user_code

        return late_user_code.TABLE, late_user_code.go()

    with record(f):
        table, made = f()
    assert isinstance(table, np.ndarray)  # made once, for later recordings too
    assert isinstance(made, Buffer)
    assert isinstance(sys.modules[late].go(), np.ndarray)


def test_modules_imported_without_a_statement(late: str, record: Record) -> None:
    def f() -> Any:
        return importlib.import_module(late)

    with record(f):
        assert f().np is REAL["numpy"]
        with record(f):  # looks at modules again
            assert isinstance(f().go(), Buffer)
    assert sys.modules[late].np is np


def test_names_that_a_new_module_copied_are_put_back(late: str, record: Record) -> None:
    with record():
        module = importlib.import_module(late)
        assert type(module.copied) is Gate
    assert module.copied is np.zeros


def test_modules_imported_between_recordings(late: str, record: Record) -> None:
    with record():
        pass
    module = importlib.import_module(late)
    with record():
        assert isinstance(module.go(), Buffer)


def test_modules_imported_anew(late: str, record: Record) -> None:
    first = importlib.import_module(late)
    with record():
        assert isinstance(first.go(), Buffer)
    del sys.modules[late]
    second = importlib.import_module(late)
    with record():
        assert isinstance(second.go(), Buffer)


def test_modules_that_go_away_during_a_recording(late: str, record: Record) -> None:
    module = importlib.import_module(late)
    with record():
        del sys.modules[late]
        with record():
            assert isinstance(module.go(), Buffer)
    assert module.np is np


def test_modules_that_came_to_be_ones_during_a_recording(late: str, record: Record) -> None:
    module = made_module(late, "import numpy as np\ndef go(): return np.zeros(3)")
    with record(module.go):
        sys.modules[late] = module
        with record(module.go):
            pass
        assert isinstance(module.go(), Buffer)
    assert module.np is np


def test_names_added_to_a_module(user: Module, record: Record) -> None:
    with record():
        pass
    user.added = np.zeros
    exec("def use_added(): return added(3)", vars(user))
    with record():
        assert isinstance(user.use_added(), Buffer)


def test_usual_names_are_remembered_while_they_hold_none(user: Module, record: Record) -> None:
    user.xp = None
    exec("def use_xp():\n global xp\n import numpy as xp\n return xp.zeros(3)", vars(user))
    with record():
        assert isinstance(user.use_xp(), Buffer)
    assert user.xp is np


def test_failing_imports_pass(record: Record) -> None:
    def f() -> None:
        import no_such_module  # noqa: F401

    with record(f), pytest.raises(ModuleNotFoundError, match="no_such_module"):
        f()


def test_relative_imports_pass(record: Record) -> None:
    names = {"__name__": "numpy.linalg._user", "__package__": "numpy.linalg"}
    exec("def f():\n from . import norm\n return norm", names)
    with record(names["f"]):  # a module of numpy, by its name: it imports the real function
        assert names["f"]() is REAL["norm"]


def test_another_import_function_is_respected(user: Module, record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def importing(name: str, *args: Any) -> Any:
        calls.append(name)
        return found(name, *args)

    found = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", importing)
    with record(user.import_module):
        assert isinstance(user.import_module(), Buffer)
    assert calls == ["numpy"]
    assert builtins.__import__ is importing
    monkeypatch.undo()


def test_an_import_function_put_in_place_meanwhile_stays(user: Module, record: Record) -> None:
    found = builtins.__import__
    with record():
        ours = builtins.__import__
        theirs = functools.partial(ours)
        builtins.__import__ = theirs
    assert builtins.__import__ is theirs
    assert user.import_module().tolist() == [0.0, 0.0, 0.0]
    with record():
        assert isinstance(user.import_module(), Buffer)
    builtins.__import__ = found


# For whom the gates are open


def test_other_threads_meet_the_originals(user: Module, record: Record) -> None:
    with record(), ThreadPoolExecutor(1) as pool:
        assert isinstance(pool.submit(user.module_attribute).result(), REAL["numpy"].ndarray)
        assert isinstance(pool.submit(user.import_module).result(), REAL["numpy"].ndarray)
        assert isinstance(user.in_thread(), REAL["numpy"].ndarray)
        assert isinstance(user.module_attribute(), Buffer)


def test_threads_that_take_the_context_with_them(user: Module, record: Record) -> None:
    with record(), ThreadPoolExecutor(1) as pool:
        context = contextvars.copy_context()
        result = pool.submit(context.run, user.module_attribute).result()
        assert isinstance(result, REAL["numpy"].ndarray)
        assert isinstance(context.run(user.module_attribute), Buffer)


def test_asyncio(user: Module, record: Record) -> None:
    async def here() -> Any:
        return user.module_attribute()

    async def task() -> list[Any]:
        with record():
            inside = await asyncio.create_task(here()), await asyncio.to_thread(user.module_attribute)
            later = asyncio.create_task(here())
        return [type(value).__name__ for value in (*inside, await later)]

    assert asyncio.run(task()) == ["Buffer", "ndarray", "ndarray"]


def test_tasks_that_do_not_record(user: Module, record: Record) -> None:
    async def recorder(ready: asyncio.Event, done: asyncio.Event) -> str:
        with record():
            ready.set()
            await done.wait()
            return type(user.module_attribute()).__name__

    async def main() -> list[str]:
        ready, done = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(recorder(ready, done))
        await ready.wait()
        other = type(user.module_attribute()).__name__
        done.set()
        return [other, await task]

    assert asyncio.run(main()) == ["ndarray", "Buffer"]


def test_generators(user: Module, record: Record) -> None:
    outside = user.generator()
    with record():
        inside = user.generator()
        assert isinstance(next(inside), Buffer)
        assert isinstance(next(outside), Buffer)
    assert isinstance(next(inside), np.ndarray)
    assert isinstance(next(outside), np.ndarray)


def test_running() -> None:
    assert running() is None
    mine = Recording()
    token = RUNNING.set(mine)
    try:
        assert running() is mine
        with suspended():
            assert running() is None
        assert running() is mine
        mine.closed = True
        assert running() is None
        mine.closed, mine.thread = False, -1
        assert running() is None
    finally:
        RUNNING.reset(token)


def test_no_recording_no_substitutes(interposition: Interposition, user: Module) -> None:
    with interposition.interposed(user.module_attribute):
        assert isinstance(user.module_attribute(), REAL["numpy"].ndarray)


# What other code sees of a gate


@pytest.fixture
def gate(record: Record) -> Any:
    with record():
        return np.zeros


def test_gates_look_like_their_originals(gate: Any, record: Record) -> None:
    original: Any = np.zeros
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "__self__"):
        assert getattr(gate, name) == getattr(original, name)
    assert gate.__wrapped__ is original
    assert repr(gate) == repr(original)
    assert callable(gate)
    assert hash(gate) == hash(gate)
    assert gate == gate
    assert gate != original
    with pytest.raises(AttributeError, match="no_such_attribute"):
        _ = gate.no_such_attribute
    with record():
        norm = np.linalg.norm
    assert inspect.signature(norm) == inspect.signature(np.linalg.norm)


def test_gates_of_ufuncs_have_their_methods(record: Record) -> None:
    with record():
        gate: Any = np.maximum
    assert isinstance(gate, Gate)
    assert gate.nin == 2
    assert gate.reduce([1.0, 3.0, 2.0]) == 3.0
    assert gate.outer([1.0], [2.0]).shape == (1, 1)


def test_gates_follow_their_originals(interposition: Interposition, user: Module, record: Record) -> None:
    def original() -> None: ...

    original.setting = 1
    interposition.register({original: Buffer}, [])
    user.original = original
    with record():
        original.setting = 2
        assert type(user.original) is Gate
        assert user.original.setting == 2


def test_gates_do_not_bind(gate: Any) -> None:
    class Model:
        constructor = gate

    assert Model().constructor(3).shape == (3,)


def test_gates_take_any_keyword(interposition: Interposition, user: Module, record: Record) -> None:
    def original(**kwargs: Any) -> Any:
        return kwargs

    interposition.register({original: Buffer}, [])
    user.original = original
    exec("def f(): return original(self=1, args=2)", vars(user))
    with record():
        assert user.f().kwargs == {"self": 1, "args": 2}
        with suspended():
            assert user.f() == {"self": 1, "args": 2}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_gates_pickle_as_their_originals(gate: Any, protocol: int) -> None:
    data = pickle.dumps([gate], protocol)
    assert pickle.loads(data) == [np.zeros]
    assert b"jacfwd" not in data


def test_copies_of_gates(gate: Any) -> None:
    assert copy.copy(gate) is gate
    assert copy.deepcopy([gate])[0] is gate


def test_pickling_from_another_thread(user: Module, record: Record) -> None:
    def other() -> list[Any]:
        return [
            pickle.loads(pickle.dumps(user.zeros)),
            pickle.loads(pickle.dumps(user.np)),
            copy.deepcopy(user.zeros) is user.zeros,
            user.zeros is user.np.zeros,
            isinstance(user.np, types.ModuleType),
        ]

    with record(), ThreadPoolExecutor(1) as pool:
        results = pool.submit(other).result()
        assert results[0] is REAL["zeros"]
        assert results[1] is REAL["numpy"]
        assert results[2:] == [True, True, True]


# Nested, overlapping, failing recordings; names that user code changes


def test_nested_recordings(user: Module, record: Record) -> None:
    with record(user.module_attribute):
        with record(user.module_attribute):
            assert isinstance(user.module_attribute(), Buffer)
        assert isinstance(user.module_attribute(), Buffer)
    assert user.np is np


def test_nested_recordings_share_cells_and_globals(record: Record) -> None:
    names: dict[str, Any] = {}
    exec("import numpy as np\ndef f(): return np.zeros(3)", names)
    captured = capturing(np)

    def both() -> Any:
        return names["f"](), captured()

    def all_buffers() -> bool:
        return all(isinstance(value, Buffer) for value in both())

    with record(names["f"]), record(captured):
        with record(captured), record(names["f"]):
            assert all_buffers()
        assert all_buffers()
    assert not any(isinstance(value, Buffer) for value in both())
    assert names["np"] is np


@contextmanager
def overlapping(interposition: Interposition, *functions: Callable[..., Any]) -> Iterator[Callable[[], None]]:
    """Recordings of two functions, the first of which ends when the yielded function is called."""
    first, second = (interposition.interposed(function) for function in functions)
    token = RUNNING.set(Recording())
    try:
        first.__enter__()
        with second:
            yield lambda: first.__exit__(None, None, None)
    finally:
        RUNNING.reset(token)


def test_overlapping_recordings_share_modules(interposition: Interposition, user: Module) -> None:
    with overlapping(interposition, user.from_import, capturing(np)) as end_first:
        end_first()
        assert isinstance(user.from_import(), Buffer)


def test_overlapping_recordings_share_what_became_a_module(
    interposition: Interposition, late: str, record: Record
) -> None:
    module = made_module(late, "import numpy as np\ndef go(): return np.zeros(3)")
    first = interposition.interposed(module.go)
    first.__enter__()
    sys.modules[late] = module
    with record():
        first.__exit__(None, None, None)
        assert isinstance(module.go(), Buffer)


def test_threads_record_at_the_same_time(user: Module, record: Record) -> None:
    stop = threading.Event()
    names: dict[str, Any] = {}
    exec("import numpy as np\ndef f(): return np.zeros(3)", names)

    def recorder(rounds: int) -> set[str]:
        seen = set()
        for _ in range(rounds):
            captured = capturing(sys.modules["numpy"])
            with record(captured), record(names["f"]):
                results = [f() for f in (captured, names["f"], user.from_import, user.import_module) for _ in range(5)]
                seen |= {type(value).__name__ for value in results}
        return seen

    def bystander() -> set[str]:
        seen = set()
        while not stop.is_set():
            seen |= {type(f()).__name__ for f in (user.from_import, user.module_attribute, names["f"])}
        return seen

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    with ThreadPoolExecutor(4) as pool:
        watching = pool.submit(bystander)
        recorders = [pool.submit(recorder, rounds) for rounds in (20, 30, 40)]
        seen = [future.exception() or future.result() for future in recorders]
        stop.set()
    sys.setswitchinterval(interval)
    assert seen == [{"Buffer"}] * 3
    assert watching.result() == {"ndarray"}
    assert names["np"] is np


def test_exceptions_restore(user: Module, record: Record) -> None:
    with pytest.raises(ZeroDivisionError), record(user.fail):
        user.fail()
    assert user.np is np


def test_an_interrupted_search_restores(
    interposition: Interposition, user: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(interposition, "_borrow", interrupted)
    with pytest.raises(KeyboardInterrupt), interposition.interposed(capturing(np)):
        pass
    monkeypatch.undo()
    with interposition.interposed(user.from_import):
        assert type(user.np) is ModuleProxy
    assert user.np is np


def test_names_that_user_code_assigns_stay(user: Module, record: Record) -> None:
    user.fake = types.SimpleNamespace(zeros=user.fake_zeros)
    with record(user.rebind):
        assert user.rebind() == "the user's"
    assert user.np is user.fake


def test_names_that_user_code_deletes_stay_away(user: Module, record: Record) -> None:
    with record():
        del user.zeros
    assert not hasattr(user, "zeros")


def test_a_name_kept_elsewhere_works_afterwards(user: Module, record: Record) -> None:
    exec("def keep(): return [np, zeros]", vars(user))
    with record():
        module, function = user.keep()
    assert module.zeros(3).tolist() == function(3).tolist() == [0.0, 0.0, 0.0]


def test_a_kept_replacement_is_put_right_by_the_next_recording(user: Module, record: Record) -> None:
    exec("def keep():\n global kept\n kept = np\ndef use(): return kept.zeros(3)", vars(user))
    with record():
        user.keep()
    with record(user.use):
        assert isinstance(user.use(), Buffer)
    assert user.kept is np


# Registration


def test_classes_have_no_substitutes() -> None:
    with pytest.raises(TypeError, match="vectorize"):
        Interposition().register({np.vectorize: Buffer}, [np])


def test_an_original_has_one_substitute(interposition: Interposition) -> None:
    with pytest.raises(ValueError, match="zeros"):
        interposition.register({np.zeros: len}, [np])


def test_registration_during_a_recording(interposition: Interposition, user: Module, record: Record) -> None:
    code = "def f(): return np.hypot(3.0, 4.0), hypot(3.0, 4.0), np.linalg.det([[1.0]]), math.cos(0.0)"
    exec("from numpy import hypot\n" + code, vars(user))
    with record():
        assert not any(isinstance(value, Buffer) for value in user.f())
        originals = dict.fromkeys([REAL["numpy"].hypot, REAL["numpy"].linalg.det, REAL["math"].cos], Buffer)
        interposition.register(originals, [REAL["numpy"].linalg, REAL["math"]])
        assert all(isinstance(value, Buffer) for value in user.f())


def test_registration_between_recordings(interposition: Interposition, user: Module, record: Record) -> None:
    exec("from numpy import hypot\ndef f(): return hypot(3.0, 4.0)", vars(user))
    with record():
        assert user.f() == 5.0
    interposition.register({np.hypot: Buffer}, [np])
    with record():
        assert isinstance(user.f(), Buffer)


def test_packages_that_originals_come_from_keep_them(
    interposition: Interposition, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = made_module("user_package", "def make(): pass\ndef use(): return make()")
    code = made_module("user_package.code", "import numpy as np\ndef use(): return np.zeros(3)")
    monkeypatch.setitem(sys.modules, "user_package", package)
    monkeypatch.setitem(sys.modules, "user_package.code", code)
    interposition.register({package.make: Buffer}, [package])
    with record(code.use):
        assert package.use() is None
        assert isinstance(code.use(), REAL["numpy"].ndarray)


def test_packages_lead_to_their_modules(user: Module) -> None:
    interposition = Interposition()
    interposition.register({np.linalg.norm: Buffer}, [np.linalg])
    token = RUNNING.set(Recording())
    try:
        with interposition.interposed(len):
            assert isinstance(user.submodule(), Buffer)
    finally:
        RUNNING.reset(token)


def test_code_of_the_packages_keeps_the_originals(interposition: Interposition, record: Record) -> None:
    for name in ("jacfwd.user", "numpy.user", "scipy.user"):
        names: dict[str, Any] = {"__name__": name}
        exec("import numpy as np\ndef f():\n import numpy\n return np, numpy", names)
        with record(names["f"]):
            assert names["f"]() == (REAL["numpy"], REAL["numpy"])


def test_doctests_of_the_packages_are_user_code(record: Record) -> None:
    names = dict(vars(sys.modules["jacfwd.recording.names"]))
    exec("import numpy as np\ndef f(): return np.zeros(3)", names)
    with record(names["f"]):
        assert isinstance(names["f"](), Buffer)
    assert names["np"] is np


def test_functions_behind_the_librarys_own_wrappers(record: Record) -> None:
    names: dict[str, Any] = {"__name__": "jacfwd.user", "f": capturing(np)}
    exec("def wrap(f):\n def g(): return f()\n return g", names)
    wrapped = names["wrap"](names["f"])
    with record(wrapped):
        assert isinstance(wrapped(), Buffer)


def test_modules_with_compiled_dispatchers_keep_their_names(
    user: Module, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dispatcher:
        def __init__(self, function: Callable[[], Any]) -> None:
            self.py_func = function

        def __call__(self) -> Any:
            return self.py_func()

    Dispatcher.__module__ = "numba.core.registry"
    monkeypatch.setitem(sys.modules, "numba", types.ModuleType("numba"))
    captured = capturing(np)
    with record():
        assert isinstance(user.from_import(), Buffer)
        user.kernel = Dispatcher(captured)
        with record(user.kernel):
            assert user.np is REAL["numpy"]
            assert isinstance(user.kernel(), REAL["numpy"].ndarray)
    with record(user.from_import):
        assert isinstance(user.from_import(), REAL["numpy"].ndarray)


def test_lazy_modules_are_left_alone(late: str, record: Record) -> None:
    spec = importlib.util.find_spec(late)
    assert spec is not None
    assert spec.loader is not None
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[late] = module
    loader.exec_module(module)
    with record():
        assert "TABLE" not in object.__getattribute__(module, "__dict__")
    assert isinstance(module.TABLE, np.ndarray)


def test_things_in_sys_modules_that_are_no_modules(
    user: Module, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "blocked_module", None)
    monkeypatch.setitem(sys.modules, "object_module", object())
    monkeypatch.setitem(sys.modules, "class_module", Buffer)
    with record():
        assert isinstance(user.from_import(), Buffer)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_process_can_record() -> None:
    code = """
        import os, threading
        from jacfwd.recording.interpose import interposed
        stop = threading.Event()
        def record():
            with interposed(record):
                pass
        def records():
            while not stop.is_set():
                record()
        thread = threading.Thread(target=records)
        thread.start()
        for _ in range(20):
            child = os.fork()
            if not child:
                record()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        thread.join()
    """
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    subprocess.run(command, check=True, timeout=60, cwd=Path(__file__).parents[2])


# Functions that have rules by name


@pytest.mark.parametrize("inside", [False, True])
def test_functions_keyed_by_name_join_in_when_their_module_is_imported(inside):
    """In an interpreter of its own: which modules are imported is the same for all tests."""
    code = f"""
        import sys
        import numpy as np
        import jacfwd as jf

        assert "scipy.fft" not in sys.modules
        np.testing.assert_array_equal(jf.jacobian(np.sin)(np.zeros(1)), [[1.0]])

        if not {inside}:
            import scipy.fft
            from scipy.fft import rfft as renamed

        def f(x):
            import scipy.fft
            from scipy.fft import rfft
            return scipy.fft.irfft(rfft(x), 3) if {inside} else scipy.fft.irfft(renamed(x), 3)

        for _ in range(2):
            np.testing.assert_allclose(jf.jacobian(f)(np.ones(3)), np.eye(3), atol=1e-15)
        import scipy.fft
        assert type(scipy.fft.rfft).__name__ != "Gate"
        np.testing.assert_array_equal(scipy.fft.rfft(np.ones(3)), np.fft.rfft(np.ones(3)))
    """
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
