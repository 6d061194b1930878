"""Calls of which all floats are inputs."""

import dataclasses
import enum
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

from jacfwd.arguments import select
from jacfwd.calls import Call, same_held

Pair = namedtuple("Pair", "a b")


@dataclasses.dataclass
class Params:
    k: float
    n: int
    rest: object = None


class Kind(enum.Enum):
    ONE = 1
    TWO = 2


def f(*args, **kwargs):
    return args, kwargs


def call(*args, argnums=0, **kwargs):
    return Call(select(f, args, kwargs, argnums))


def test_floats_are_inputs_and_the_rest_is_held():
    made = call(1.0, np.ones(2), 3, "s", None, z=2j, k=np.arange(2))
    assert [np.shape(leaf) for leaf in made.leaves] == [(), (2,), ()]
    assert made.labels == ["args[0]", "args[1]", "z"]
    assert made.wrt == [0] and made.extra
    assert made.held[:3] == [3, "s", None] and made.held[3] is made.selection.kwargs["k"]


def test_order_of_the_selected():
    assert call(1.0, 2, (3.0, 4.0), 5.0, argnums=(3, 2)).wrt == [3, 1, 2]
    assert call(1.0, {"b": 1.0, "a": 2.0}, argnums=1).labels == ["args[0]", "args[1]['a']", "args[1]['b']"]


@pytest.mark.parametrize(
    "value",
    [
        (1.0, 2), [1.0, [2.0, "a"]], {"a": 1.0, "b": None}, OrderedDict(x=1.0), Pair(1.0, 2), Params(1.0, 2),
        Params(1.0, 2, [3.0]), (1, 2), [1, 2], {"n": 1},
    ],
)  # fmt: skip
def test_arguments_come_back_as_they_were_with_new_numbers(value):
    made = call(1.0, value)
    (first, again), _ = made.call([leaf * 10 for leaf in made.leaves])
    assert first == 10 and type(again) is type(value)
    if len(made.leaves) == 1:
        assert again is value
    else:
        assert again is not value and str(again).replace("10.0", "1.0").replace("np.float64(1.0)", "1.0") != ""
        back, _ = Call(select(f, (1.0, again), {})).call(made.leaves)
        assert back[1] == value


def test_signatures():
    key = call(1.0, np.ones(2), 3).key
    assert key == call(2.0, np.zeros(2), 4).key
    assert key == call(np.float64(2), np.zeros(2), "s").key
    assert key != call(np.float32(2), np.zeros(2), 3).key
    assert key != call(np.array(2.0), np.zeros(2), 3).key
    assert key != call(1.0, np.ones(3), 3).key
    assert key != call(1.0, (1.0, 2.0), 3).key
    assert hash(key) == hash(call(2.0, np.zeros(2), 4).key)


SAME = [
    (3, 3), ("ab", "".join("ab")), (None, None), (np.int64(3), np.int64(3)), (slice(0, 2), slice(0, 2)),
    (Kind.ONE, Kind.ONE), (np.arange(3), np.arange(3)), (range(3), range(3)), (np.dtype(float), np.dtype("f8")), (f, f),
]  # fmt: skip
OTHERS = [
    (3, 4), (3, True), ("a", "b"), (None, 0), (Kind.ONE, Kind.TWO), (np.arange(3), np.arange(4)), (f, print),
    (np.arange(3), np.arange(3, dtype=np.int32)), ({1}, {1}), (np.ma.ones(2), np.ma.ones(2)),
]  # fmt: skip


@pytest.mark.parametrize("pair", SAME)
def test_held_by_value(pair):
    assert same_held([pair[0]], [pair[1]])


@pytest.mark.parametrize("pair", OTHERS)
def test_held_otherwise(pair):
    assert not same_held([pair[0]], [pair[1]])


def test_arrays_are_kept_as_they_were():
    n = np.arange(3)
    made = call(1.0, n)
    kept = made.keep()
    assert same_held(kept, made.held)
    n[0] = 7
    assert not same_held(kept, made.held)
