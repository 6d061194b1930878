"""Which names are searched for, and when the search is repeated."""

import sys
import types
from typing import Any

import numpy as np
import pytest

from jacfwd.recording.names import (
    CellNames,
    Exchange,
    ModuleNames,
    function_places,
    is_exempt,
    last_module,
    pairs,
    reachable,
    swap,
)

ORIGINAL, REPLACEMENT = ["original"], ["replacement"]


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange(exempt={"exempt"}, usual_names=frozenset({"usual"}))
    exchange.add(ORIGINAL, REPLACEMENT)
    return exchange


def test_exchange(exchange: Exchange) -> None:
    equal = ["original"]
    assert exchange.replacement(ORIGINAL) is REPLACEMENT
    assert exchange.replacement(equal) is equal
    assert exchange.original(REPLACEMENT) is ORIGINAL
    assert exchange.original(ORIGINAL) is ORIGINAL
    assert [exchange.holds(value) for value in (ORIGINAL, REPLACEMENT, equal)] == [True, True, False]


def test_swap_takes_objects_not_values(exchange: Exchange) -> None:
    names = {"a": ORIGINAL, "b": ["original"], "c": np.zeros(3)}
    swap(pairs((names, ["a", "b", "c", "absent"])), exchange.forward)
    assert names["a"] is REPLACEMENT
    assert names["b"] == ["original"]
    assert names.keys() == {"a", "b", "c"}
    swap(pairs((names, ["a", "b"])), exchange.backward)
    assert names["a"] is ORIGINAL


def test_cells() -> None:
    cell = types.CellType()
    names = CellNames(cell)
    assert names.get("") is None
    names[""] = 3
    assert names.get("") == cell.cell_contents == 3


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (vars(sys), True),
        (vars(sys.modules["numpy._core._multiarray_umath"]), True),
        (vars(sys.modules["textwrap" if "textwrap" in sys.modules else "types"]), False),
        ({"__name__": "exempt"}, True),
        ({"__name__": "exempt.inside"}, True),
        ({"__name__": "exempt_not"}, False),
        (vars(sys.modules["numpy.lib"]), True),
        ({"__name__": "numpy.polynomial"}, False),
        ({"__name__": "numpy.polynomial.chebyshev"}, False),
        ({"__name__": "numpy.polynomials"}, True),
        (
            {"__name__": "compiled", "__file__": "compiled.cpython-311-x86_64-linux-gnu.so"},
            sys.platform == "linux",
        ),
        ({"__name__": None, "__file__": None}, False),
        ({}, False),
    ],
)
def test_exempt_globals(names: dict[str, Any], expected: bool, exchange: Exchange) -> None:
    assert is_exempt(names, {*exchange.exempt, "numpy"}) == expected


def module_with(**attributes: Any) -> Any:
    module = types.ModuleType("searched_module")
    vars(module).update(attributes)
    return module


def names_in(module: Any, search: ModuleNames) -> list[str]:
    return [name for namespace, name in search.pairs() if namespace is vars(module)]


def test_modules_are_searched_when_they_change(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    search = ModuleNames(exchange)
    module = module_with(a=ORIGINAL, b=1, usual=None)
    monkeypatch.setitem(sys.modules, "class_module", Exchange)
    assert search.refresh()
    assert not search.refresh()
    monkeypatch.setitem(sys.modules, "searched_module", module)
    assert search.outdated()
    assert search.refresh()
    assert names_in(module, search) == ["a", "usual"]
    assert not search.refresh()
    module.c = REPLACEMENT
    assert not search.outdated()
    assert search.refresh()
    assert names_in(module, search) == ["a", "usual", "c"]
    del module.a, module.c, module.usual
    assert search.refresh()
    assert names_in(module, search) == []


def test_an_overwritten_global_is_missed(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    search = ModuleNames(exchange)
    module = module_with(a=None)
    monkeypatch.setitem(sys.modules, "searched_module", module)
    search.refresh()
    module.a = ORIGINAL
    assert not search.refresh()
    assert names_in(module, search) == []
    module.b = None
    search.refresh()
    assert names_in(module, search) == ["a"]


def test_modules_of_the_standard_library_are_searched_once(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    search = ModuleNames(exchange)
    monkeypatch.setattr(sys.modules["types"], "added_for_a_test", ORIGINAL, raising=False)
    search.refresh()
    assert names_in(types, search) == ["added_for_a_test"]
    monkeypatch.setattr(sys.modules["types"], "added_later", ORIGINAL, raising=False)
    search.refresh()
    assert names_in(types, search) == ["added_for_a_test"]
    search.invalidate()
    search.refresh()
    assert names_in(types, search) == ["added_for_a_test", "added_later"]


def test_new_modules_of_the_standard_library(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    search = ModuleNames(exchange)
    search.refresh()
    module = types.ModuleType("this")
    vars(module)["a"] = ORIGINAL
    monkeypatch.setitem(sys.modules, "this", module)
    assert search.refresh()
    assert names_in(module, search) == ["a"]


def test_a_module_added_before_the_last_one(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    search = ModuleNames(exchange)
    module = module_with(a=ORIGINAL)
    last = types.ModuleType("last_module")
    monkeypatch.setitem(sys.modules, "last_module", last)
    search.refresh()
    del sys.modules["last_module"]
    monkeypatch.setitem(sys.modules, "searched_module", module)
    sys.modules["last_module"] = last
    search.refresh()
    assert names_in(module, search) == ["a"]


def test_forgetting_modules(exchange: Exchange) -> None:
    search = ModuleNames(exchange)
    module = sys.modules["searched_module"] = module_with(a=ORIGINAL)
    search.refresh()
    del sys.modules["searched_module"]
    search.refresh()
    assert names_in(module, search) == ["a"]  # as a recording may be using them
    sys.modules["searched_module"] = module_with()
    search.refresh(prune=True)
    del sys.modules["searched_module"]
    assert names_in(module, search) == []


def test_names_taken_up_for_a_module(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    search = ModuleNames(exchange)
    module = module_with(a=REPLACEMENT, b=None)
    monkeypatch.setitem(sys.modules, "searched_module", module)
    search.refresh()
    assert search.note(vars(module), ["b"])
    assert module.a is ORIGINAL  # left out, so it keeps no replacement
    assert names_in(module, search) == ["b"]
    assert not search.note({}, ["b"])


def test_the_last_module(monkeypatch: pytest.MonkeyPatch) -> None:
    module = module_with()
    monkeypatch.setitem(sys.modules, "searched_module", module)
    assert last_module() is module

    class Changing(dict[str, Any]):
        def values(self) -> Any:
            raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr(sys, "modules", Changing(sys.modules))
    assert last_module() is not last_module()


def function_with(names: dict[str, Any]) -> Any:
    exec("def f(): pass", names)
    return names["f"]


def test_places_of_a_function(exchange: Exchange) -> None:
    captured, other = ORIGINAL, 3

    def outer() -> Any:
        return captured, other, inner()

    inner = function_with({"a": ORIGINAL, "b": 1})
    places = [place for _, place in function_places(reachable(outer, exchange), exchange)]
    assert [names for _, names in places] == [["ORIGINAL", "REPLACEMENT"], [""], ["a"]]
    owners = [owner for owner, _ in function_places(reachable(outer, exchange), exchange)]
    assert owners == [outer.__globals__, outer.__closure__[0], inner.__globals__]


def test_globals_are_read_once(exchange: Exchange) -> None:
    names: dict[str, Any] = {"a": ORIGINAL}
    f = function_with(names)
    f.__wrapped__ = function_with(names)
    assert len(list(function_places(reachable(f, exchange), exchange))) == 1


def test_a_function_that_holds_itself(exchange: Exchange) -> None:
    def f() -> Any:
        return f

    assert list(reachable(f, exchange)) == [f]


def test_classes_and_replacements_are_not_entered(exchange: Exchange) -> None:
    class Callable_:
        held = staticmethod(function_with({}))

        def __call__(self) -> None: ...

    exchange.add(original := function_with({}), Callable_())
    part = Callable_()
    assert list(reachable(part, exchange)) == [Callable_.__call__]
    assert list(reachable(original, exchange)) == []
    assert list(reachable(Callable_, exchange)) == []
