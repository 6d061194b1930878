"""Code that asks for the class of its argument, in every way it can: it takes the branch that arrays take."""

import collections.abc
import functools
import numbers
import operator

import numpy as np

from tests.never_silent.table import case

CONSTANTS = np.ones(3)
CLASSES = (np.ndarray, list)
kind_of = type

GROUP = "what type says"


@case(GROUP)
def type_is_ndarray(x):
    return x**2 if type(x) is np.ndarray else x**3


@case(GROUP)
def type_equals_ndarray(x):
    return x**2 if type(x) == np.ndarray else x**3  # noqa: E721  as people write it


@case(GROUP)
def type_among_others(x):
    return x**2 if type(x) in (np.ndarray, float) else x**3


@case(GROUP)
def type_of_elements(x):
    return x**2 if [type(v) is np.float64 for v in x] == [True] * 3 else x**3


@case(GROUP)
def type_of_results(x):
    kinds = [type(v) for v in (x * 2.0, x.sum(), x > 0.0, (x > 0.0).any(), x.argmax(), x.dot(x))]
    return x**2 if kinds == [np.ndarray, np.float64, np.ndarray, np.bool, np.int64, np.float64] else x**3


@case(GROUP)
def type_of_a_constant(x):
    made = np.array([1.0, 2.0, 3.0])
    return x**2 if type(x) is type(CONSTANTS) is type(made) else x**3


@case(GROUP)
def type_as_a_key(x):
    return {np.ndarray: lambda x: x**2}.get(type(x), lambda x: x**3)(x)


@case(GROUP)
def type_mapped(x):
    return x**2 if {*map(type, [x])} == {np.ndarray} == {type(x)} else x**3


@case(GROUP)
def type_by_name(x):
    return x**2 if type(x).__name__ == "ndarray" and type(x).__mro__[0] is np.ndarray else x**3


@case(GROUP)
def type_among_captured_classes(x):
    return x**2 if any(type(x) is kind for kind in CLASSES) else x**3


@case(GROUP)
def issubclass_of_the_type(x):
    return x**2 if issubclass(type(x), np.ndarray) and np.issubdtype(type(x[0]), np.floating) else x**3


@case(GROUP, fresh=True)
def type_by_another_name():
    ask = type
    return lambda x: x**2 if ask(x) is kind_of(x) is np.ndarray else x**3


@case(GROUP)
def type_in_an_inner_function(x):
    def is_array(y):
        return type(y) is np.ndarray

    return x**2 if is_array(x) else x**3


@case(GROUP, refused="NumPy functions")
def type_as_a_constructor(x):
    return type(x[0])(2) * type(x[0])(x[1]) * x


@case(GROUP)
def type_of_everything_else(x):
    class Meta(type):
        def __new__(mcs, *args):
            return type.__new__(mcs, *args)

    class Model(metaclass=Meta):
        value = 2.0

    Made = type("Made", (), {"value": 1.0})
    kinds = int is int and type(np.ndarray) is type is type(type) and type(Model) is Meta and type([]) is list
    checks = isinstance(Model, type) and issubclass(Meta, type) and isinstance(int, type | None)
    return (Made().value + Model().value) * (x if kinds and checks and Made.__module__ == __name__ else -x)


GROUP = "what classes say"


@case(GROUP)
def class_is_ndarray(x):
    return x**2 if x.__class__ is np.ndarray and x[0].__class__ is np.float64 else x**3


@case(GROUP)
def class_by_name(x):
    return x**2 if x.__class__.__name__ == "ndarray" else x**3


@case(GROUP)
def class_by_getattr(x):
    found = getattr(x, "__class__"), operator.attrgetter("__class__")(x)  # noqa: B009  as generic code does
    return x**2 if found == (np.ndarray, np.ndarray) else x**3


@case(GROUP)
def class_of_the_dtype(x):
    return x**2 if x.dtype.type is np.float64 and x[0].dtype == float else x**3


@case(GROUP)
def matched_by_class(x):
    match x:
        case np.ndarray():
            return x**2
        case _:
            return x**3


@functools.singledispatch
def dispatched(x):
    return x**3


@dispatched.register(np.ndarray)
def of_array(x):
    return x**2


@dispatched.register(float)
def of_scalar(x):
    return x**4


@case(GROUP)
def singledispatch(x):
    return dispatched(x) + dispatched(x[0])


@case(GROUP)
def isinstance_of_numbers(x):
    real = isinstance(x[0], numbers.Number) and isinstance(x[0], numbers.Real) and not isinstance(x, numbers.Number)
    return x**2 if real and isinstance(x[0], np.inexact) and not isinstance(x, np.generic) else x**3


@case(GROUP, refused="ndarray")
def methods_of_the_class(x):
    return np.ndarray.sum(np.ndarray.__add__(x, x * x)) * x


GROUP = "what arrays have and scalars lack"


@case(GROUP)
def abstract_classes_of_arrays(x):
    abc = collections.abc
    iterable = isinstance(x, abc.Iterable) and isinstance(x, abc.Sized) and isinstance(x, abc.Collection)
    return x**2 if iterable and not isinstance(x, abc.Hashable) and not isinstance(x, abc.Sequence) else x**3


@case(GROUP)
def abstract_classes_of_scalars(x):
    abc = collections.abc
    return x**2 if isinstance(x[0], abc.Hashable) and not isinstance(x[0], abc.Iterable | abc.Sized) else x**3


@case(GROUP)
def hasattr_of_scalars(x):
    return x**2 if not hasattr(x[0], "__len__") and not hasattr(x[0], "__iter__") else x**3


@case(GROUP)
def len_and_iter_are_tried(x):
    def shape(v):
        try:
            return [shape(w) for w in iter(v)]
        except TypeError:
            pass
        try:
            return len(v)
        except TypeError:
            return v**2

    return np.array(shape(x))


@case(GROUP, refused="memory")
def hasattr_of_memory(x):
    return x**2 if hasattr(x, "__array_interface__") and hasattr(x, "ctypes") else x**3


@case(GROUP, refused="memory")
def getattr_with_a_default(x):
    return x**3 if getattr(x, "data", None) is None else x**2


@case(GROUP)
def flags_and_base(x):
    owned = x.flags.owndata and x.base is None and x.flags["C_CONTIGUOUS"]
    return x**2 if owned and not x[1:].flags.owndata and x[::-1].base is not None else x**3
