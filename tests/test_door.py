"""The short way to a kept recording: what it lets through and what not."""

import types

import numpy as np
import pytest

from jacfwd.arguments import select
from jacfwd.calls import Call
from jacfwd.captured import Captured
from jacfwd.door import MISS, Computing, door
from jacfwd.errors import BranchChangedError

CONSTANT = 2.0


def f(x, n=None, *rest):
    return CONSTANT * x


def made(*args, run=lambda leaves: leaves, result="found", f=f):
    call, captured = Call(select(f, args, {})), Captured(f)
    signature = types.SimpleNamespace(misses=3)
    return door(args, call, captured, captured.values(), Computing(run, result), signature), signature


def test_leaves_and_the_reset_of_misses():
    way, signature = made(1.0, "s", np.ones(2), np.float32(2), 1j)
    x = np.zeros(2)
    found = way((2.0, "s", x, np.float32(3), 2j))
    assert [type(leaf) for leaf in found] == [np.float64, np.ndarray, np.float32, np.complex128]
    assert found[1] is x and signature.misses == 0


@pytest.mark.parametrize("other", [np.zeros(3), np.zeros(2, np.float32), np.zeros((2, 1))])
def test_other_arrays(other):
    assert made(np.ones(2))[0]((other,)) is MISS


def test_other_held_objects():
    way, _ = made(1.0, "s")
    assert way((1.0, "s")) is not MISS and way((1.0, "t")) is MISS


def test_changes_of_what_is_captured(monkeypatch):
    way, _ = made(1.0)
    assert way((1.0,)) is not MISS
    monkeypatch.setitem(globals(), "CONSTANT", 3.0)
    assert way((1.0,)) is MISS
    monkeypatch.delitem(globals(), "CONSTANT")
    assert way((1.0,)) is MISS


def test_an_empty_cell_misses():
    def outer():
        k = 1.0

        def g(x):
            return k * x

        def forget():
            nonlocal k
            del k

        return g, forget

    g, forget = outer()
    way, _ = made(1.0, f=g)
    assert way((1.0,)) is not MISS
    forget()
    assert way((1.0,)) is MISS


def test_another_branch_misses_and_other_errors_pass():
    def fail(leaves):
        raise BranchChangedError if leaves[0] > 1 else ZeroDivisionError

    way, signature = made(1.0, run=fail)
    assert way((2.0,)) is MISS and signature.misses == 3
    with pytest.raises(ZeroDivisionError):
        way((0.0,))


@pytest.mark.parametrize("arg", [np.arange(2), [1.0], (1.0, 2.0), {"a": 1.0}, np.array(1.0)])
def test_no_short_way_for_other_arguments(arg):
    assert made(1.0, arg)[0] is None


def test_floats_first_then_arrays():
    def on_floats(x, y):
        assert type(x) is float and type(y) is float
        return [1 / x, y]

    call, captured = Call(select(f, (1.0, np.float64(2.0)), {})), Captured(f)
    computing = Computing(lambda leaves: leaves, "found", None, on_floats, (ArithmeticError,))
    way = door((1.0, np.float64(2.0)), call, captured, captured.values(), computing, types.SimpleNamespace(misses=3))
    assert way((4.0, np.float64(3.0))) == [0.25, 3.0]
    assert way((0.0, np.float64(3.0))) == [0.0, 3.0]
