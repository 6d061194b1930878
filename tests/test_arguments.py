"""Which arguments are differentiated: DESIGN's conventions on arguments, tangents, dtypes and flat order."""

import functools
import inspect
from collections import namedtuple
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from jacfwd.arguments import FIRST, as_leaf, has_floats, select
from jacfwd.errors import NotDifferentiableError
from jacfwd.structure import LEAF
from jacfwd.tangents import argument_list, match_tangents, select_primals

Pair = namedtuple("Pair", "a b")


@dataclass
class State:
    pos: Any
    vel: Any


class Stand:
    """Stands for a Tracer of an outer recording: it may be looked at, not converted."""

    __jacfwd_tracer__ = True

    def __init__(self, shape=(), dtype=float):
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.size = int(np.prod(shape))

    def __array__(self, *_, **__):
        raise AssertionError("converted")

    def __array_function__(self, function, types, args, kwargs):
        if function is np.stack:
            return Stand((len(args[0]), *args[0][0].shape), self.dtype)
        return function._implementation(*args, **kwargs)

    def astype(self, dtype):
        return Stand(self.shape, dtype)


def f(x, y=1.0, *rest, scale=1.0, shift=0.0, **more):
    return x, y, rest, scale, shift, more


def places(args, kwargs=None, **chosen):
    return select(f, args, kwargs or {}, **chosen).places


# ------------------------------------------------------------------ argnums


def test_the_default_is_the_first_argument_and_stands_for_itself():
    selection = select(f, (1.0, 2.0), {})
    assert selection.places == (0,)
    assert selection.single
    assert selection.wrap(["J"]) == "J"


def test_an_int_stands_for_itself_and_a_tuple_for_a_tuple():
    assert select(f, (1.0, 2.0), {}, 1).wrap(["J"]) == "J"
    assert select(f, (1.0, 2.0), {}, (1,)).wrap(["J"]) == ("J",)
    assert select(f, (1.0, 2.0), {}, (1, 0)).wrap(["J1", "J0"]) == ("J1", "J0")


def test_negative_numbers_count_from_the_end():
    assert places((1.0, 2.0, 3.0), argnums=-1) == (2,)
    assert places((1.0, 2.0, 3.0), argnums=(-3, 1)) == (0, 1)


def test_numpy_integers_are_integers():
    assert places((1.0, 2.0), argnums=np.int64(1)) == (1,)
    assert type(places((1.0, 2.0), argnums=(np.int64(1),))[0]) is int


@pytest.mark.parametrize(
    ("argnums", "words"),
    [
        ((), "argnums is empty"),
        ((0, 0), "more than once"),
        ((0, -2), "more than once"),
        (2, r"argnums=2 is out of range: f was called with 2 positional arguments \(x, y\)"),
        (-3, "out of range"),
        ((0, 5), "argnums=5 is out of range"),
    ],
)
def test_empty_repeated_and_out_of_range_positions(argnums, words):
    with pytest.raises(ValueError, match=words):
        select(f, (1.0, 2.0), {}, argnums)


def test_an_argument_passed_by_keyword_has_no_position():
    with pytest.raises(ValueError, match=r"called with 0 positional arguments; .* selected with argnames"):
        select(f, (), {"x": 1.0})
    with pytest.raises(ValueError, match=r"called with 1 positional argument \(x\)"):
        select(f, (1.0,), {"y": 1.0}, 1)


@pytest.mark.parametrize("argnums", [True, (True,), (0, False), np.True_, 1.0, "x", [0, 1], (0.0,), {0}])
def test_only_integers_are_positions(argnums):
    with pytest.raises(TypeError, match="argnums must be an integer or a tuple of integers"):
        select(f, (1.0, 2.0), {}, argnums)


def test_the_default_is_shown_and_behaves_as_zero():
    def g(argnums=FIRST):
        return argnums

    assert str(inspect.signature(g)) == "(argnums=0)"
    assert FIRST == 0


# ------------------------------------------------------------------ argnames


def test_names_alone_select_only_those():
    selection = select(f, (1.0,), {"scale": 2.0, "shift": 3.0}, argnames="shift")
    assert selection.places == ("shift",)
    assert selection.leaves == [3.0]
    assert selection.wrap(["J"]) == "J"
    assert select(f, (1.0,), {"scale": 2.0}, argnames=("scale",)).wrap(["J"]) == ("J",)


def test_positions_come_before_names_and_both_make_a_tuple():
    kwargs = {"scale": 2.0, "shift": 3.0}
    selection = select(f, (1.0,), kwargs, 0, ("shift", "scale"))
    assert selection.places == (0, "shift", "scale")
    assert selection.wrap("abc") == ("a", "b", "c")
    assert not select(f, (1.0,), kwargs, 0, "shift").single
    assert places((1.0,), kwargs, argnums=None, argnames="shift") == (0, "shift")


@pytest.mark.parametrize(
    ("argnames", "error", "words"),
    [
        ((), ValueError, "argnames is empty"),
        (("scale", "scale"), ValueError, "more than once"),
        ("shift", ValueError, r"without a keyword argument of this name \(got scale\); pass shift=\.\.\."),
        ("x", ValueError, "select a positional argument with argnums"),
        (1, TypeError, "argnames must be a string or a tuple of strings, got 1"),
        (["scale"], TypeError, "argnames must be a string or a tuple of strings"),
        (("scale", 0), TypeError, "argnames must be a string or a tuple of strings"),
    ],
)
def test_wrong_names(argnames, error, words):
    with pytest.raises(error, match=words):
        select(f, (1.0,), {"scale": 2.0}, argnames=argnames)


def test_a_call_without_keywords_says_so():
    with pytest.raises(ValueError, match=r"\(got none\)"):
        select(f, (1.0,), {}, argnames="scale")


# ------------------------------------------------------------------ every float or complex argument


def test_none_selects_every_positional_argument_that_is_float_or_complex():
    args = (
        1.0,
        2,
        np.zeros(2),
        np.zeros(2, int),
        "a",
        None,
        [1.0],
        (np.float32(1), 2.0),
        {"a": 1.0},
        1j,
        len,
    )
    assert places(args, {"scale": 2.0}, argnums=None, holomorphic=True) == (0, 2, 6, 7, 8, 9)


def test_the_only_argument_that_none_finds_stands_for_itself():
    assert select(f, (3, 1.0), {}, None).wrap(["J"]) == "J"
    assert not select(f, (1.0, 1.0), {}, None).single


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        1j,
        np.float16(1),
        np.zeros(0),
        [[1, 2.0]],
        (1, (2, np.zeros(2))),
        {"a": {"b": 1.0}},
        Pair(1, 1.0),
        State(1, (1.0,)),
        Stand((2,)),
        Stand((), complex),
        np.ma.zeros(2),
    ],
)
def test_has_floats(value):
    assert has_floats(value)


@pytest.mark.parametrize(
    "value",
    [
        1,
        True,
        None,
        "1.0",
        [],
        (),
        [1, 2],
        {"a": 1},
        State(1, None),
        State,
        np.zeros(2, int),
        Stand((2,), int),
    ],
)
def test_has_no_floats(value):
    assert not has_floats(value)


def test_nothing_to_differentiate_is_an_error_that_says_why():
    words = r"f has no float .* argument here: x: 3 is an integer; write 3\.0; y is the string 'a'"
    with pytest.raises(NotDifferentiableError, match=words):
        select(f, (3, "a"), {}, None)
    with pytest.raises(NotDifferentiableError, match="it was called with none"):
        select(f, (), {"x": 1.0}, None)


def test_structure_that_is_partly_float_is_never_held_constant_in_silence():
    with pytest.raises(NotDifferentiableError, match=r"y\['n'\]: 3 is an integer; write 3\.0"):
        select(f, (1.0, {"w": 1.0, "n": 3}), {}, None)
    with pytest.raises(NotDifferentiableError, match=r"y\['method'\] is the string 'bdf'.*by keyword"):
        select(f, (1.0, {"method": "bdf", "tol": 1e-6}), {}, None)
    with pytest.raises(NotDifferentiableError, match=r"y is an object of class MaskedArray.*plain array"):
        select(f, (1.0, np.ma.zeros(2)), {}, None)


# ------------------------------------------------------------------ dtypes


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_every_float_is_followed(dtype):
    (leaf,) = select(f, (np.ones(2, dtype),), {}).leaves
    assert leaf.dtype == dtype


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3, r"^x: 3 is an integer; write 3\.0$"),
        (np.int8(3), r"^x: 3 is an integer; write 3\.0$"),
        (np.array(3), r"^x: 3 is an integer; write 3\.0$"),
        (2**70, r"^x: 1180591620717411303424 is an integer; write"),
        (np.arange(2), r"^x is an array of integers \(int64\); write floats, or x\.astype\(float\)$"),
        ([1, 2], r"^x is an array of integers"),
        (True, "^x: True is a boolean; leave it out of argnums$"),
        (np.zeros(2, bool), r"^x is an array of booleans \(bool\); leave it out"),
        (Stand((), int), r"^x is an array of integers \(int64\)"),
        ({"a": (1.0, 2)}, r"^x\['a'\]\[1\]: 2 is an integer"),
        (State(1.0, "a"), r"^x\.vel is the string 'a', which has no derivative"),
        ("a", "^x is the string 'a', which has no derivative"),
        (None, "^x is None"),
        (len, "^x is an object of class builtin_function_or_method"),
        (np.array([None]), "^x is an array of dtype object"),
        (np.array(["a"]), "^x is an array of dtype <U1"),
        (sparse.eye_array(2), "^x is an object of class"),
        (np.ma.zeros(2), "pass a plain array"),
    ],
)
def test_what_has_no_derivative_is_named(value, words):
    with pytest.raises(NotDifferentiableError, match=words):
        select(f, (value,), {})


def test_complex_arguments_need_holomorphic():
    for value in (1j, np.zeros(2, complex), {"a": 1.0, "b": 1j}):
        with pytest.raises(NotDifferentiableError, match=r"is complex \(complex128\).*holomorphic=True"):
            select(f, (value,), {})
        select(f, (value,), {}, holomorphic=True)
    select(f, (1.0,), {}, holomorphic=True)


def test_unselected_arguments_may_be_anything():
    marker = object()
    selection = select(f, (1.0, marker), {"scale": None, "extra": "a"})
    out = selection.call(selection.leaves)
    assert out[1] is marker
    assert out[3] is None
    assert out[5] == {"extra": "a"}


# ------------------------------------------------------------------ leaves


def test_arrays_are_not_copied():
    x = np.arange(4.0)
    view = x[::2]
    assert select(f, (view,), {}).leaves[0] is view


def test_scalars_are_numpy_scalars_and_arrays_of_shape_nothing_stay_arrays():
    for value in (2.0, np.float64(2.0)):
        assert type(select(f, (value,), {}).leaves[0]) is np.float64
    assert type(select(f, (np.float32(2),), {}).leaves[0]) is np.float32
    zero_d = np.array(2.0)
    assert select(f, (zero_d,), {}).leaves[0] is zero_d


def test_a_list_of_numbers_is_the_array_that_f_is_called_with():
    selection = select(f, ([1, 2.5],), {})
    assert selection.specs == [LEAF]
    (leaf,) = selection.leaves
    np.testing.assert_array_equal(leaf, [1.0, 2.5])
    assert selection.call([leaf])[0] is leaf


def test_lists_that_are_no_arrays_ask_for_a_tuple():
    with pytest.raises(TypeError, match=r"x\[1\].*use a tuple"):
        select(f, ([1.0, [2.0]],), {})


def test_tracers_are_leaves_and_never_converted():
    outer = Stand((3,))
    selection = select(f, (outer, {"a": Stand(), "b": [Stand((2,)), Stand((2,))]}), {}, None)
    assert selection.leaves[0] is outer
    assert [leaf.shape for leaf in selection.leaves] == [(3,), (), (2, 2)]
    assert selection.sizes == [3, 1, 4]
    assert as_leaf(outer) is outer


def test_read_only_memory_maps_are_plain_arrays(tmp_path):
    mapped = np.memmap(tmp_path / "x", dtype=float, mode="w+", shape=2)
    (leaf,) = select(f, (mapped,), {}).leaves
    assert type(leaf) is np.ndarray
    assert np.shares_memory(leaf, mapped)


def test_fields_that_a_dataclass_computes_are_no_inputs():
    @dataclass
    class Moving:
        pos: Any
        speed: Any = field(init=False)

        def __post_init__(self):
            self.speed = np.sum(self.pos)

    with pytest.raises(NotDifferentiableError, match=r"x\['m'\]\.speed is computed when a .*Moving is made"):
        select(f, ({"m": Moving(1.0)},), {})


# ------------------------------------------------------------------ flat order, labels


def test_leaves_in_the_order_of_argnums_then_of_their_structure():
    args = ({"w": np.zeros((2, 3)), "b": np.ones(2)}, np.zeros(0), (4.0, Pair(5.0, np.zeros(2))))
    selection = select(f, args, {"scale": np.zeros(4)}, (2, 0, 1), "scale")
    assert selection.labels == [
        "rest[0][0]",
        "rest[0][1].a",
        "rest[0][1].b",
        "x['b']",
        "x['w']",
        "y",
        "scale",
    ]
    assert selection.sizes == [1, 1, 2, 2, 6, 0, 4]
    assert selection.offsets == [0, 1, 2, 4, 6, 12, 12, 16]
    assert [spec.n_leaves for spec in selection.specs] == [3, 2, 1, 1]


def test_call_puts_the_leaves_back_where_they_were():
    args = ({"w": 1.0, "b": 2.0}, "constant", State(3.0, (4.0,)))
    selection = select(f, args, {"scale": 5.0, "shift": 6.0}, (2, 0), "scale")
    x, y, rest, scale, shift, more = selection.call([10, 20, 30, 40, 50])
    assert x == {"w": 40, "b": 30}
    assert list(x) == ["w", "b"]
    assert y == "constant"
    assert rest == (State(10, (20,)),)
    assert (scale, shift, more) == (50, 6.0, {})


def test_call_leaves_the_selection_and_the_inputs_as_they_are():
    original = {"w": 1.0}
    selection = select(f, (original,), {"scale": 5.0})
    selection.call([7.0])
    assert original == {"w": 1.0}
    assert selection.call(selection.leaves)[0] == original


def test_a_wrong_number_of_leaves():
    selection = select(f, (Pair(1.0, 2.0),), {})
    with pytest.raises(ValueError, match=r"expected 2 leaves \(x\.a, x\.b\), got 1"):
        selection.call([1.0])


def test_any_callable_has_labels():
    class Model:
        def method(self, u, v):
            return u

        def __call__(self, a, b):
            return a

    def labels(g):
        return select(g, (1.0, 2.0), {}, None).labels

    assert labels(lambda p, q: p) == ["p", "q"]
    assert labels(Model().method) == ["u", "v"]
    assert labels(Model()) == ["a", "b"]
    assert labels(functools.partial(f, 0.0)) == ["y", "rest[0]"]
    assert labels(functools.partial(lambda a, b, c: a, c=1.0)) == ["a", "b"]
    assert labels(dict.fromkeys) in (["iterable", "value"], ["x0", "x1"])
    assert labels(max) == ["x0", "x1"]
    assert labels(lambda *values: values) == ["values[0]", "values[1]"]
    assert labels(lambda only: only) == ["only", "x1"]


# ------------------------------------------------------------------ tangents


def pushed(primals, tangents, g=f):
    return match_tangents(select_primals(g, primals, tangents), primals, tangents)


def test_only_a_tuple_is_a_list_of_arguments():
    pair, array = Pair(1.0, 2.0), np.zeros(2)
    assert argument_list((1.0, 2.0)) == (1.0, 2.0)
    for one in (pair, [1.0, 2.0], {"a": 1.0}, 1.0):
        assert argument_list(one) == (one,)
    assert argument_list(array)[0] is array


def test_tangents_of_one_argument_and_of_several():
    (v,) = pushed(2.0, 1.0)
    assert v == 1.0
    v, w = pushed((np.zeros(2), 3.0), ([1.0, 2.0], 4.0))
    np.testing.assert_array_equal(v, [1.0, 2.0])
    assert w == 4.0
    a, b = pushed(Pair(1.0, 2.0), Pair(3.0, 4.0))
    assert (a, b) == (3.0, 4.0)


def test_none_holds_an_argument_constant():
    selection = select_primals(f, (1.0, 2.0), (None, 1.0))
    assert selection.places == (1,)
    everything = select(f, (1.0, {"a": 1.0, "b": 2.0}), {}, None)
    assert match_tangents(everything, (1.0, {"a": 1.0, "b": 2.0}), (3.0, None)) == [3.0, None, None]


def test_none_holds_a_leaf_constant():
    assert pushed({"a": 1.0, "b": 2.0}, {"a": None, "b": 5.0}) == [None, 5.0]


def test_none_for_what_has_no_derivative():
    args = (1.0, 3, "a", {"w": 1.0, "kind": "b"}, np.zeros(2, int))
    assert pushed(args, (2.0, None, None, None, None)) == [2.0]


def test_everything_may_be_held_constant():
    selection = select_primals(f, 1.0, None)
    assert selection.leaves == []
    assert not selection.single
    assert match_tangents(selection, 1.0, None) == []


@pytest.mark.parametrize(
    ("primal", "words"),
    [
        (3, r"y: 3 is an integer; write 3\.0"),
        (True, "y: True is a boolean"),
        (np.arange(2), "y is an array of integers"),
        ("a", "y is the string 'a'"),
        (None, "y is None"),
        (np.array([None]), "y is an array of dtype object"),
    ],
)
def test_a_tangent_for_what_has_no_derivative(primal, words):
    with pytest.raises(NotDifferentiableError, match=words):
        pushed((1.0, primal), (1.0, 1.0))
    selection = select(f, (1.0, primal), {}, None)
    with pytest.raises(NotDifferentiableError, match=f"{words}.*tangent must be None"):
        match_tangents(selection, (1.0, primal), (1.0, 1.0))


def test_a_tangent_for_an_argument_that_was_not_selected():
    selection = select(f, (1.0, 2.0), {})
    with pytest.raises(NotDifferentiableError, match="y is held constant; its tangent must be None"):
        match_tangents(selection, (1.0, 2.0), (1.0, 1.0))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, np.complex64])
def test_tangents_are_cast_to_the_dtype_of_the_primal(dtype):
    for tangent in (1, 1.0, np.float64(1), True):
        (v,) = pushed(dtype(2), tangent)
        assert v.dtype == dtype
    (v,) = pushed(np.zeros(2, dtype), [1, 2])
    assert v.dtype == dtype


def test_a_tangent_of_the_right_dtype_is_not_copied():
    v = np.ones(2)
    assert pushed(np.zeros(2), v)[0] is v


def test_a_complex_tangent_of_a_real_primal_would_lose_its_imaginary_part():
    with pytest.raises(TypeError, match="the tangent of x is complex128, but x is float64"):
        pushed(1.0, 1j)
    assert pushed(1j, 1j) == [1j]


def test_tracers_as_primals_and_tangents():
    v = Stand((2,))
    assert pushed(Stand((2,)), v)[0] is v
    (cast,) = pushed(np.zeros(2, np.float32), v)
    assert cast.dtype == np.float32


@pytest.mark.parametrize(
    ("primals", "tangents", "lines"),
    [
        (np.zeros(3), np.zeros(2), ["x: expected shape (3,), got shape (2,)  <- differs"]),
        (np.zeros(3), 1.0, ["x: expected shape (3,), got shape ()  <- differs"]),
        (1.0, np.zeros(1), ["x: expected shape (), got shape (1,)  <- differs"]),
        (
            (np.zeros(3), np.zeros((2, 2))),
            (np.zeros(3), np.zeros(4)),
            [
                "x: expected shape (3,), got shape (3,)",
                "y: expected shape (2, 2), got shape (4,)  <- differs",
            ],
        ),
        (
            ({"w": np.zeros(2), "b": 1.0}, 1.0),
            ({"w": np.zeros(3), "b": None}, 1.0),
            [
                "x['b']: expected shape (), got None",
                "x['w']: expected shape (2,), got shape (3,)  <- differs",
                "y: expected shape (), got shape ()",
            ],
        ),
        (
            ({"w": 1.0}, 1.0),
            ({"v": 1.0}, 1.0),
            ["x: expected {'w': *}, got {'v': *}  <- differs", "y: expected shape (), got shape ()"],
        ),
        (Pair(1.0, 2.0), [1.0, 2.0], ["x: expected Pair(a=*, b=*), got *  <- differs"]),
    ],
)
def test_shapes_and_structures_must_agree_argument_by_argument(primals, tangents, lines):
    with pytest.raises(ValueError, match="tangents do not fit the primals") as caught:
        pushed(primals, tangents)
    assert str(caught.value).splitlines()[1:] == ["  " + line for line in lines]


def test_dicts_may_be_filled_in_another_order():
    assert pushed({"a": 1.0, "b": 2.0}, {"b": 4.0, "a": 3.0}) == [3.0, 4.0]


def test_as_many_tangents_as_primals():
    with pytest.raises(ValueError, match=r"expected 2 tangents, one for each of \(x, y\), got 1"):
        pushed((1.0, 2.0), (1.0,))
    for primals, tangents in (((1.0,), 1.0), (1.0, (1.0,))):
        with pytest.raises(ValueError, match="both tuples of arguments or neither"):
            pushed(primals, tangents)


@pytest.mark.parametrize("tangent", ["a", object(), {"a": "b"}, np.array(["a"])])
def test_a_tangent_must_be_numbers(tangent):
    primal = {"a": 1.0} if isinstance(tangent, dict) else 1.0
    with pytest.raises(TypeError, match=r"the tangent of x.* is .*; expected numbers, an array or None"):
        pushed(primal, tangent)


def test_a_list_with_none_is_no_tangent():
    with pytest.raises(TypeError, match="use a tuple"):
        pushed(np.zeros(2), [1.0, None])
