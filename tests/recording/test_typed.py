"""Which code calls the builtin `type`."""

from types import FunctionType

import pytest

from jacfwd.recording.typed import TypedNames, calls_type, code_calls


def function_of(source: str) -> FunctionType:
    names: dict = {"__name__": "made"}
    exec(source, names)
    return names["f"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(x): return type(x)", True),
        ("def f(x): return type(x) is int, x.type", True),
        ("f = lambda x: lambda: type(x)", True),
        ("def f(x): return [type(v) for v in x]", True),
        ("def f(x): return isinstance(x, type)", False),
        ("def f(x): return x.type(x)", False),
        ("def f(x, type): return type(x)", False),
        ("def f(x): return len(x), 'type'", False),
    ],
)
def test_code(source: str, expected: bool) -> None:
    assert code_calls(function_of(source).__code__) == expected
    assert calls_type(function_of(source).__globals__) == expected


def test_functions_of_other_modules_do_not_count() -> None:
    names = {"__name__": "other", "f": function_of("def f(x): return type(x)"), "n": 3, "int": int}
    assert not calls_type(names)


def test_the_gate_is_there_between_put_and_take() -> None:
    typed, gate = TypedNames(), object()
    names: dict = {"a": 1}
    taken: dict = {"type": 3}
    typed.note(names, True)
    typed.put()
    assert names == {"a": 1}  # no gate yet
    typed.gate = gate
    for each in (names, taken):
        typed.note(each, True)
    typed.put()
    assert (names["type"], taken["type"], typed.size(names), typed.size(taken)) == (gate, 3, 1, 1)
    typed.take()
    assert (names, taken) == ({"a": 1}, {"type": 3})
    typed.put()
    typed.note(names, False)
    typed.keep({})
    assert not typed.namespaces
    assert (names, taken) == ({"a": 1}, {"type": 3})
