"""What a function reads besides its arguments."""

import functools

import numpy as np

from jacfwd.captured import Captured
from jacfwd.recording.interpose import interposed

CONSTANT = 2.0
OTHER = 5.0


def helper(x):
    return OTHER * x


def reading(x):
    return np.sin(x) * CONSTANT


def calling(x):
    return [helper(part) for part in (x, CONSTANT)]


class Model:
    def __init__(self):
        self.k = 1.0

    def rhs(self, x):
        return self.k * x

    def __call__(self, x):
        return self.rhs(x) + CONSTANT


class Slotted:
    __slots__ = ("k",)

    def rhs(self, x):
        return self.k * x


def changes(f, change):
    """Whether a change is seen."""
    captured = Captured(f)
    before = captured.values()
    assert captured.same(before, captured.values())
    change()
    return not captured.same(before, captured.values())


def test_globals_by_name_also_inside_comprehensions_and_helpers(monkeypatch):
    assert changes(reading, lambda: monkeypatch.setitem(globals(), "CONSTANT", 3.0))
    assert changes(calling, lambda: monkeypatch.setitem(globals(), "CONSTANT", 4.0))
    assert changes(calling, lambda: monkeypatch.setitem(globals(), "OTHER", 6.0))
    assert changes(lambda x: x * CONSTANT, lambda: monkeypatch.setitem(globals(), "CONSTANT", 8.0))
    assert not changes(reading, lambda: monkeypatch.setitem(globals(), "OTHER", 7.0))


def test_names_that_go_and_builtins_that_become_globals(monkeypatch):
    assert changes(reading, lambda: monkeypatch.delitem(globals(), "CONSTANT"))
    assert changes(lambda x: abs(x), lambda: monkeypatch.setitem(globals(), "abs", max))


def test_cells_and_the_cells_of_functions_in_cells():
    k, unused = 2.0, 1.0

    def inner(x):
        return k * x

    def outer(x):
        return inner(x)

    def set_k():
        nonlocal k
        k = 3.0

    def set_unused():
        nonlocal unused
        unused = 2.0
        return unused

    assert not changes(outer, set_unused)
    assert changes(outer, set_k)


def test_an_empty_cell_that_is_filled():
    def make(defined):
        if defined:
            later = 1.0
        return lambda x: later * x

    f = make(False)
    assert changes(f, lambda: setattr(f.__closure__[0], "cell_contents", 2.0))


def test_defaults():
    def f(x, a=1.0, *, b=2.0):
        return a * b * x

    assert changes(f, lambda: setattr(f, "__defaults__", (1.5,)))
    assert changes(f, lambda: f.__kwdefaults__.update(b=3.0))


def test_attributes_of_the_object_of_a_method_or_that_is_called():
    for make in (lambda m: m.rhs, lambda m: m, lambda m: functools.partial(m.rhs)):
        model = Model()
        assert changes(make(model), lambda model=model: setattr(model, "k", 2.0))
        assert changes(make(model), lambda model=model: setattr(model, "new", 2.0))
    slotted = Slotted()
    slotted.k = 1.0
    assert changes(slotted.rhs, lambda: setattr(slotted, "k", 2.0))


def test_partials_and_wrappers_are_seen_through(monkeypatch):
    assert changes(functools.partial(reading), lambda: monkeypatch.setitem(globals(), "CONSTANT", 3.5))

    @functools.wraps(reading)
    def wrapper(*args):
        return reading(*args)

    assert changes(wrapper, lambda: monkeypatch.setitem(globals(), "CONSTANT", 4.5))


def test_what_stands_for_numpy_during_a_recording_is_numpy():
    captured = Captured(reading)
    before = captured.values()
    with interposed(reading):
        during = captured.values()
        assert any(a is not b for a, b in zip(before, during, strict=True))
        assert captured.same(before, during)


def test_compiled_functions_read_nothing():
    assert Captured(np.sin).values() == ()
