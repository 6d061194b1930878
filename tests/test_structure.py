"""Structure at the door: what is a container, what is a leaf, and what is refused."""

import copy
import pickle
import random
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import InitVar, dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse, stats

from jacfwd.structure import LEAF, Spec, as_value, flatten, is_number_or_array, kind_of, nest

Point = namedtuple("Point", "x y")


class Line(NamedTuple):
    start: Any
    end: Any


@dataclass
class State:
    pos: Any
    vel: Any


@dataclass(frozen=True, slots=True)
class Frozen:
    mass: Any
    state: Any


class Own:
    """Stands for a leaf of the caller's: it has a shape and must never be converted."""

    def __init__(self, shape=(), label=""):
        self.shape = shape
        self.label = label

    def __array__(self, *_, **__):
        raise AssertionError("converted")


def is_own(value):
    return type(value) is Own


def stack_own(elements):
    return Own((len(elements), *np.shape(elements[0])), elements)


def leaves_of(value, **options):
    return flatten(value, **options)[0]


def spec_of(value, **options):
    return flatten(value, **options)[1]


# ------------------------------------------------------------------ leaves


@pytest.mark.parametrize(
    "value",
    [
        2.0,
        3,
        True,
        1j,
        np.float32(1),
        np.longdouble(1),
        np.bool_(True),
        np.int8(3),
        np.zeros(3),
        np.zeros(()),
        np.zeros((0, 2), int),
        np.zeros(2, bool),
        np.zeros(2, np.float16),
    ],
)
def test_numbers_and_arrays_are_leaves_and_stay_what_they_are(value):
    leaves, spec = flatten(value)
    assert leaves[0] is value
    assert spec is LEAF
    assert spec.unflatten(leaves) is value


def test_subclasses_of_python_numbers_are_leaves(tmp_path):
    class Colour(IntEnum):
        RED = 1

    mapped = np.memmap(tmp_path / "x", dtype=float, mode="w+", shape=2)
    assert flatten(Colour.RED) == ([Colour.RED], LEAF)
    assert leaves_of(mapped)[0] is mapped


@pytest.mark.parametrize("value", [Own(), Own((3,)), [Own(), Own()]])
def test_leaves_of_the_callers_are_asked_for_first(value):
    leaves, spec = flatten(value, is_leaf=lambda x: is_own(x) or type(x) is list)
    assert leaves[0] is value
    assert spec is LEAF


def test_an_array_of_objects_is_a_leaf_where_the_caller_takes_it():
    array = np.array([None, 1.0])
    array[0] = Own()
    assert leaves_of(array, is_leaf=lambda x: type(x) is np.ndarray)[0] is array


# ------------------------------------------------------------------ containers


def test_tuples():
    leaves, spec = flatten((1.0, (2.0,), ()))
    assert leaves == [1.0, 2.0]
    assert spec.unflatten([5, 6]) == (5, (6,), ())


def test_namedtuples_come_back_as_their_class():
    leaves, spec = flatten(Line(Point(1.0, 2.0), Point(3.0, 4.0)))
    assert leaves == [1.0, 2.0, 3.0, 4.0]
    again = spec.unflatten(leaves)
    assert type(again) is Line
    assert type(again.end) is Point
    assert again == ((1.0, 2.0), (3.0, 4.0))


def test_results_of_numpys_own_namedtuples():
    leaves, spec = flatten(np.linalg.eigh(np.eye(2)))
    assert [leaf.shape for leaf in leaves] == [(2,), (2, 2)]
    assert spec.unflatten(leaves).eigenvectors is leaves[1]


def test_dicts_have_their_leaves_in_the_order_of_sorted_keys():
    leaves, spec = flatten({"w": 1.0, "b": 2.0, "a": 3.0})
    assert leaves == [3.0, 2.0, 1.0]
    assert spec.unflatten(leaves) == {"w": 1.0, "b": 2.0, "a": 3.0}


def test_a_rebuilt_dict_iterates_as_the_one_it_came_from():
    original = {"w": 1.0, "b": 2.0, "a": 3.0}
    leaves, spec = flatten(original)
    assert list(spec.unflatten(leaves).items()) == list(original.items())


def test_ordered_dicts_come_back_as_such():
    leaves, spec = flatten(OrderedDict(z=1.0, a=2.0))
    again = spec.unflatten(leaves)
    assert type(again) is OrderedDict
    assert list(again.items()) == [("z", 1.0), ("a", 2.0)]


def test_keys_of_any_sortable_kind():
    assert leaves_of({3: 1.0, 1: 2.0}) == [2.0, 1.0]
    assert leaves_of({(1, "b"): 1.0, (1, "a"): 2.0}) == [2.0, 1.0]


def test_keys_that_cannot_be_sorted_are_refused():
    with pytest.raises(TypeError, match=r"the keys of the dict out\[0\] cannot be sorted \(int, str\)"):
        flatten(({"a": 1.0, 1: 2.0},))


def test_dataclasses_in_the_order_of_their_fields():
    leaves, spec = flatten(State(vel=2.0, pos=1.0))
    assert leaves == [1.0, 2.0]
    assert spec.unflatten([3.0, 4.0]) == State(3.0, 4.0)


def test_frozen_dataclasses_with_slots():
    leaves, spec = flatten(Frozen(1.0, State(2.0, 3.0)))
    assert leaves == [1.0, 2.0, 3.0]
    assert spec.unflatten(leaves) == Frozen(1.0, State(2.0, 3.0))


def test_dataclasses_are_rebuilt_without_their_init():
    @dataclass
    class Checked:
        x: Any
        length: Any = field(init=False)
        scale: InitVar[float] = 1.0
        unit: ClassVar[str] = "m"

        def __post_init__(self, scale):
            assert np.shape(self.x) == (2,)
            self.length = scale * np.hypot(*self.x)

    leaves, spec = flatten(Checked(np.array([3.0, 4.0]), 2.0))
    assert leaves[1] == 10.0
    block = np.zeros((4, 2))
    assert spec.unflatten([block, 0.0]).x is block


def test_what_a_cached_property_keeps_is_computed_anew():
    @dataclass
    class Ball:
        radius: Any

        @cached_property
        def volume(self):
            return self.radius**3

    ball = Ball(2.0)
    assert ball.volume == 8.0
    leaves, spec = flatten(ball)
    assert leaves == [2.0]
    assert spec.unflatten([3.0]).volume == 27.0


def test_attributes_that_would_be_lost_are_refused():
    state = State(1.0, 2.0)
    state.extra = 3.0
    with pytest.raises(TypeError, match=r"out\[1\]\.extra is no field of State"):
        flatten((1.0, state))

    class Labelled(Point):
        pass

    point = Labelled(1.0, 2.0)
    assert spec_of(point).unflatten([1.0, 2.0]) == point
    point.label = "origin"
    with pytest.raises(TypeError, match=r"out\.label is no field of .*Labelled"):
        flatten(point)


def test_empty_containers_have_no_leaves():
    for empty in ((), {}, {"a": ()}):
        leaves, spec = flatten(empty)
        assert leaves == []
        assert spec.n_leaves == 0
        assert spec.unflatten([]) == empty


# ------------------------------------------------------------------ lists count as arrays


@pytest.mark.parametrize(
    "value",
    [
        [1.0, 2.0],
        [1, 2],
        [1, 2.5, True],
        [1.0, 2j],
        [[1.0, 2.0], [3.0, 4.0]],
        [(1.0, 2.0), (3.0, 4.0)],
        [np.zeros(2), np.ones(2)],
        [np.zeros(2), [1.0, 2.0]],
        [np.float32(1), np.float32(2)],
        [[[1.0]], [[2.0]]],
        [],
        [[], []],
        [np.zeros((0, 3))],
    ],
)
def test_a_list_of_numbers_or_equal_arrays_is_the_array_numpy_makes_of_it(value):
    leaves, spec = flatten(value)
    expected = np.array(value)
    assert spec is LEAF
    assert type(leaves[0]) is np.ndarray
    assert leaves[0].dtype == expected.dtype
    np.testing.assert_array_equal(leaves[0], expected)


@pytest.mark.parametrize(
    "value",
    [
        [1.0, [2.0]],
        [1.0, (2.0, 3.0)],
        [[1.0], [2.0, 3.0]],
        [np.zeros(2), np.zeros(3)],
        [np.zeros(2), np.zeros((2, 1))],
        [[], 1.0],
        [1.0, None],
        ["a"],
        [1.0, "a"],
        [{"a": 1.0}],
        [Point(1.0, 2.0)],
        [State(1.0, 2.0)],
        [object()],
        [np.array(["a"])],
        [np.array([None])],
        [np.ma.zeros(2)],
        [2**70],
    ],
)
def test_any_other_list_asks_for_a_tuple(value):
    with pytest.raises(TypeError, match="use a tuple"):
        flatten(value)


def test_the_error_names_the_elements_that_differ():
    with pytest.raises(TypeError, match=r"\(2,\) at out\['a'\]\[0\] and \(3,\) at out\['a'\]\[1\]"):
        flatten({"a": [np.zeros(2), np.zeros(3)]})
    with pytest.raises(TypeError, match=r"out\[0\]\[1\] is None, but out\[0\] is a list"):
        flatten([[1.0, None]])


def test_lists_with_leaves_of_the_callers_go_through_stack():
    first, second = Own((2,)), Own((2,))
    (leaf,) = leaves_of([first, second, np.zeros(2), [3, 4]], is_leaf=is_own, stack=stack_own)
    assert leaf.shape == (4, 2)
    assert leaf.label[:2] == [first, second]
    np.testing.assert_array_equal(leaf.label[3], [3, 4])


def test_inner_lists_are_stacked_first():
    scalar = Own()
    (leaf,) = leaves_of([[scalar, 1.0], (2.0, 3.0)], is_leaf=is_own, stack=stack_own)
    assert leaf.shape == (2, 2)
    inner, row = leaf.label
    assert inner.label == [scalar, 1.0]
    np.testing.assert_array_equal(row, [2.0, 3.0])


def test_plain_lists_never_reach_stack():
    def stack(_):
        raise AssertionError("stacked")

    np.testing.assert_array_equal(leaves_of([[1.0], [2.0]], is_leaf=is_own, stack=stack)[0], [[1.0], [2.0]])


def test_leaves_of_the_callers_must_agree_in_shape():
    with pytest.raises(TypeError, match="use a tuple"):
        flatten([Own((2,)), Own((3,))], is_leaf=is_own, stack=stack_own)
    with pytest.raises(TypeError, match="use a tuple"):
        flatten([Own(()), np.zeros(1)], is_leaf=is_own, stack=stack_own)


def test_a_leaf_without_a_shape_makes_no_array():
    with pytest.raises(TypeError, match="use a tuple"):
        flatten([None, 1.0], is_leaf=lambda x: x is None)


def test_the_default_stack_dispatches_by_numpys_protocol():
    class Dispatching(Own):
        def __array_function__(self, function, types, args, kwargs):
            return function, args

    element = Dispatching()
    function, (elements,) = leaves_of([element, 1.0], is_leaf=lambda x: type(x) is Dispatching)[0]
    assert function is np.stack
    assert elements == [element, 1.0]


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    "value",
    [
        None,
        "a",
        b"a",
        object(),
        np.str_("a"),
        np.array(["a"]),
        np.array([None]),
        np.datetime64(0, "s"),
        np.zeros(1, [("a", float)]),
        {1.0, 2.0},
        range(3),
        (x for x in (1.0,)),
        np.sin,
        State,
        sparse.eye_array(2),
        defaultdict(float, a=1.0),
    ],
)
def test_other_objects_belong_into_aux(value):
    with pytest.raises(TypeError, match=r"^out\['a'\]\[1\] is .*belong into aux"):
        flatten({"a": (1.0, value)})


@pytest.mark.parametrize("value", [np.ma.zeros(2), np.matrix([[1.0]])])
def test_arrays_with_a_meaning_of_their_own_are_refused(value):
    with pytest.raises(TypeError, match=f"out is an object of class {type(value).__name__}; .*plain array"):
        flatten(value)


def test_tuples_that_cannot_be_rebuilt_are_refused():
    class Pair(tuple):
        __slots__ = ()

    with pytest.raises(TypeError, match=r"out is an object of class .*Pair"):
        flatten(Pair((1.0, 2.0)))
    # SciPy's own kind of named tuple keeps a further result outside the tuple.
    with pytest.raises(TypeError, match="out is an object of class LinregressResult"):
        flatten(stats.linregress(np.arange(4.0), np.arange(4.0)))


def test_the_caller_may_make_the_exception():
    def refuse(path, value):
        return KeyError(path, value)

    with pytest.raises(KeyError) as caught:
        flatten({"a": (1.0, "b")}, root="params", refuse=refuse)
    assert caught.value.args == ("params['a'][1]", "b")


def test_kind_of_is_short():
    assert len(kind_of("x" * 1000)) < 60
    assert kind_of(np.ma.zeros(1)) == "an object of class MaskedArray"


@pytest.mark.parametrize("value", [None, "1", Own(), [1.0], np.array([None]), np.ma.zeros(1)])
def test_neither_numbers_nor_arrays(value):
    assert not is_number_or_array(value)


# ------------------------------------------------------------------ Spec

NESTED = {"w": (1.0, [2.0, 3.0]), "b": Point(State(4.0, 5.0), 6.0), 'say "x"': {1: 7.0}}


def test_paths_say_how_to_write_each_leaf():
    leaves, spec = flatten(NESTED)
    paths = spec.paths("params")
    assert paths == [
        "params['b'].x.pos",
        "params['b'].x.vel",
        "params['b'].y",
        "params['say \"x\"'][1]",
        "params['w'][0]",
        "params['w'][1]",
    ]
    for path, leaf in zip(paths, leaves, strict=True):
        np.testing.assert_array_equal(eval(path, {"params": NESTED}), leaf)
    assert LEAF.paths("x") == LEAF.paths() == ["x"]
    assert spec_of((1.0, 2.0)).paths("x") == ["x[0]", "x[1]"]
    assert spec_of(State(1.0, 2.0)).paths("state") == ["state.pos", "state.vel"]


def test_repr_shows_the_structure():
    assert repr(LEAF) == "*"
    assert repr(spec_of(((1.0,), (), 2.0))) == "((*,), (), *)"
    assert repr(spec_of({"b": 1.0, "a": Point(1.0, (2.0,))})) == "{'a': Point(x=*, y=(*,)), 'b': *}"
    assert repr(spec_of(Frozen(1.0, 2.0))) == "Frozen(mass=*, state=*)"


@pytest.mark.parametrize("value", [1.0, (1.0,), NESTED, OrderedDict(b=1.0, a=State(1.0, (2.0,)))])
def test_specs_compare_hash_copy_and_pickle(value):
    spec = spec_of(value)
    assert spec == spec_of(value)
    assert hash(spec) == hash(spec_of(value))
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert copy.deepcopy(spec) == spec
    assert spec.matches(spec_of(value))


def test_different_structures_are_unequal():
    values = [1.0, (1.0,), (1.0, 1.0), Point(1.0, 1.0), State(1.0, 1.0), {"x": 1.0, "y": 1.0}]
    values += [{"x": 1.0, "z": 1.0}, OrderedDict(x=1.0, y=1.0), ((1.0,), 1.0), (1.0, (1.0,))]
    specs = [spec_of(value) for value in values]
    assert len(set(specs)) == len(specs)
    for one in specs:
        assert [one.matches(other) for other in specs].count(True) == 1


def test_the_order_in_which_a_dict_was_filled_counts_for_equality_only():
    one, other = spec_of({"a": 1.0, "b": 2.0}), spec_of({"b": 1.0, "a": 2.0})
    assert one != other
    assert one.matches(other)
    assert not one.matches(spec_of({"a": 1.0, "b": (2.0,)}))


def test_specs_are_immutable():
    with pytest.raises(AttributeError):
        LEAF.container = tuple


def test_a_wrong_number_of_leaves():
    spec = spec_of((1.0, 2.0))
    for leaves in ([1.0], [1.0, 2.0, 3.0]):
        with pytest.raises(ValueError, match=rf"expected 2 leaves for \(\*, \*\), got {len(leaves)}"):
            spec.unflatten(leaves)
    with pytest.raises(ValueError, match=r"expected 1 leaves for \*, got 0"):
        LEAF.unflatten([])


# ------------------------------------------------------------------ results


def test_nest_is_indexed_by_output_then_input():
    out, inputs = spec_of({"y": (1.0, 2.0)}), spec_of(State(1.0, (2.0, 3.0)))
    J = nest(out, inputs, lambda o, i: (o, i))
    assert J["y"][1].pos == (1, 0)
    assert J["y"][0].vel[1] == (0, 2)
    assert nest(LEAF, LEAF, lambda o, i: "J") == "J"


def test_shape_nothing_comes_back_as_a_numpy_scalar():
    for leaf in (2.0, np.float64(2.0), np.array(2.0)):
        value = as_value(leaf)
        assert type(value) is np.float64
        assert value == 2.0
    assert type(as_value(np.array(1, np.float32))) is np.float32
    assert type(as_value(True)) is np.bool_
    assert as_value(np.ones(1)).shape == (1,)


def test_values_are_new_and_writeable():
    array = np.arange(4.0)
    array.flags.writeable = False
    value = as_value(array[::2])
    assert value.flags.writeable
    assert not np.shares_memory(value, array)
    value[0] = 5.0


def test_arrays_nobody_else_holds_are_handed_on():
    array = np.arange(4.0)
    assert as_value(array, copy=False) is array
    assert type(as_value(np.array(1.0), copy=False)) is np.float64


# ------------------------------------------------------------------ laws

STRUCTURES = st.recursive(
    st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.builds(Point, inner, inner)
        | st.builds(State, inner, inner)
        | st.builds(Frozen, inner, inner)
    ),
    max_leaves=12,
)


@given(STRUCTURES)
def test_unflatten_undoes_flatten(value):
    leaves, spec = flatten(value)
    again = spec.unflatten(leaves)
    assert again == value
    assert flatten(again) == (leaves, spec)
    assert len(spec.paths()) == len(set(spec.paths())) == spec.n_leaves == len(leaves)


@given(STRUCTURES)
def test_paths_lead_to_the_leaves(value):
    leaves, spec = flatten(value)
    assert [eval(path, {"x": value}) for path in spec.paths("x")] == leaves


@given(st.dictionaries(st.text(max_size=3), st.floats(allow_nan=False), max_size=5), st.randoms())
def test_leaves_do_not_depend_on_the_order_in_which_a_dict_was_filled(value, rng: random.Random):
    keys = list(value)
    rng.shuffle(keys)
    other = {key: value[key] for key in keys}
    assert leaves_of(other) == leaves_of(value)
    assert spec_of(other).matches(spec_of(value))


def test_a_spec_can_be_written_by_hand():
    assert Spec(tuple, (0, 1), (LEAF, LEAF)) == spec_of((1.0, 2.0))
