"""Lists, conversions to plain numbers and arrays, functions that ask no argument what to do."""

import math
import operator
from collections import deque, namedtuple
from fractions import Fraction

import numpy as np
from numpy import array, asarray, concatenate, sort, where

from tests.never_silent.table import case

GROUP = "a list as result"


@case(GROUP)
def list_of_scalars(x):
    return [x[0] * x[1], x[2] ** 2]


@case(GROUP)
def list_with_a_constant(x):
    return [x[0] * x[1], 3.0, x[2]]


@case(GROUP)
def list_of_arrays(x):
    return [x * 2.0, np.sin(x)]


@case(GROUP)
def nested_lists(x):
    return [[x[0], x[1]], [x[1] * x[2], 1.0]]


@case(GROUP)
def appended_in_a_loop(x):
    out = []
    for k in range(3):
        out.append(x[k] * x[k - 1])
    return out


@case(GROUP)
def a_comprehension_over_elements(x):
    return [v * v for v in x]


@case(GROUP)
def tuple_of_list_and_array(x):
    return [x[0], x[1]], x * x


GROUP = "np.asarray and np.array"


@case(GROUP)
def asarray_of_the_argument(x):
    return asarray(x) ** 2


@case(GROUP)
def asarray_with_dtype(x):
    return np.asarray(x, dtype=float) * 3.0


@case(GROUP)
def array_of_a_list(x):
    return np.array([x[0] * x[1], x[2]])


@case(GROUP)
def array_of_nested_lists(x):
    return np.array([[x[0], 1.0], [0.0, x[1] * x[2]]]) @ np.array([1.0, 2.0])


@case(GROUP)
def array_imported_by_name(x):
    return array([x[0], x[1]]) * x[2]


@case(GROUP)
def array_imported_inside(x):
    from numpy import array as make

    return make([x[0] * x[0], x[1]])


@case(GROUP)
def array_of_a_generator_list(x):
    return np.array(list(v * v for v in x))  # noqa: C400  as people write it


@case(GROUP)
def ascontiguous_and_atleast(x):
    return np.ascontiguousarray(np.atleast_2d(x).T) * 2.0


@case(GROUP)
def asfarray_through_a_local_module(x):
    import numpy

    return numpy.asanyarray(x) * numpy.array(x)


@case(GROUP)
def fromiter_of_elements(x):
    return np.fromiter((v * 2.0 for v in x), float)


@case(GROUP, fresh=True)
def array_in_a_closure():
    make = np.array
    return lambda x: make([x[0] * x[1], x[2]])


GROUP = "functions of plain NumPy that stack and select"


@case(GROUP)
def where_with_a_scalar(x):
    return np.where(x > 1.0, x * x, 0.0)


@case(GROUP)
def where_imported_by_name(x):
    return where(x > 1.0, np.sin(x), x)


@case(GROUP)
def where_of_lists(x):
    return np.where([True, False, True], [x[0], x[1], x[2]], 0.0)


@case(GROUP)
def sort_of_a_list(x):
    return sort([x[2], x[0], x[1]])


@case(GROUP)
def concatenate_of_lists(x):
    return concatenate([[x[0] * x[1]], x, [1.0]])


@case(GROUP)
def hstack_and_vstack(x):
    return np.vstack([np.hstack([x[0], x[1]]), [x[2], 1.0]])


@case(GROUP)
def stack_of_scalars(x):
    return np.stack([x[0], x[1] * x[2]])


@case(GROUP, refused="NumPy functions")
def r_and_c(x):
    return np.r_[x[0], x[1:], 3.0] * 2.0


@case(GROUP)
def block_of_pieces(x):
    return np.block([[x[:2], x[2]], [1.0, x[1:]]])


@case(GROUP)
def maximum_of_a_list(x):
    return np.maximum([x[0], x[1]], x[1:])


@case(GROUP)
def sum_of_a_list(x):
    return np.sum([x[0], x[1] * x[2]])


@case(GROUP)
def dot_of_lists(x):
    return np.dot([x[0], x[1]], [x[1], x[2]])


@case(GROUP, refused="rule")
def apply_along_an_axis(x):
    return np.apply_along_axis(lambda row: row * row[0], 0, x)


@case(GROUP, refused="NumPy functions")
def vectorized(x):
    return np.vectorize(lambda v: v * v if v > 1.0 else v)(x)


GROUP = "float() and its kin"


@case(GROUP, refused="NumPy functions")
def float_of_an_element(x):
    return float(x[0]) * x


@case(GROUP, refused="NumPy functions")
def float_as_the_result(x):
    return float(np.sum(x * x))


@case(GROUP)
def item(x):
    return x[1].item() * x


@case(GROUP)
def tolist(x):
    return np.array([v * v for v in x.tolist()])


@case(GROUP)
def int_of_an_element(x):
    return int(x[2]) * x


@case(GROUP, refused="NumPy functions")
def complex_of_an_element(x):
    return np.abs(complex(x[0]) * x)


@case(GROUP, refused="text")
def through_text(x):
    return float(str(float(f"{x[0]}"))) * np.ones(2)


@case(GROUP, refused="text|NumPy functions")
def through_repr(x):
    return np.array([float(f"{v:.17g}") for v in x])


@case(GROUP, refused="NumPy functions")
def through_a_fraction(x):
    return np.array([float(Fraction(v)) for v in x])


@case(GROUP, refused="NumPy functions")
def through_bytes(x):
    return np.frombuffer(x.tobytes())


@case(GROUP, refused="NumPy functions")
def as_the_key_of_a_dict(x):
    table = {x[0]: 1.0}
    return x * next(iter(table))


@case(GROUP)
def rounded(x):
    return round(x[0]) * x + np.round(x[1], 1)


GROUP = "the math module and builtins"


@case(GROUP)
def math_of_an_element(x):
    return np.array([math.sin(x[0]), math.exp(x[1]), math.sqrt(x[2])])


@case(GROUP)
def math_imported_inside(x):
    from math import hypot, pow

    return hypot(x[0], x[1]) + pow(x[2], 2.0)


@case(GROUP, fresh=True)
def math_in_a_closure():
    sine = math.sin
    return lambda x: sine(x[0]) * x


@case(GROUP)
def math_fsum_and_prod(x):
    return math.fsum(x) * math.prod(list(x))


@case(GROUP)
def math_of_a_branch(x):
    return math.log(x[0]) if x[0] > 1.0 else math.cos(x[0])


@case(GROUP)
def builtin_sum_and_max(x):
    return sum(x) * max(x) + min(x)


@case(GROUP)
def builtin_abs_and_pow(x):
    return abs(-x) ** 2 + pow(x, 3)


@case(GROUP)
def builtin_divmod(x):
    whole, rest = divmod(x, 0.4)
    return whole * x + rest


@case(GROUP)
def builtin_sorted(x):
    return np.array(sorted(x, key=lambda v: -v)) * np.array([1.0, 2.0, 3.0])


@case(GROUP)
def builtin_map_and_zip(x):
    return np.array(list(map(operator.mul, x, reversed(list(x)))))


@case(GROUP, refused="NumPy functions|math")
def math_as_a_default_argument(x, sine=math.sin):
    return sine(x[0]) * x


@case(GROUP, refused="NumPy functions|math", fresh=True)
def math_in_a_table():
    table = {"sin": math.sin}
    return lambda x: table["sin"](x[0]) * x


@case(GROUP)
def containers_of_elements(x):
    queue = deque(x)
    queue.rotate(1)
    Point = namedtuple("Point", "a b c")
    p = Point(*queue)
    return np.array([p.a * p.b, p.c])


GROUP = "what isinstance and dtype say"


@case(GROUP)
def isinstance_of_ndarray(x):
    return x * x if isinstance(x, np.ndarray) else np.zeros(3)


@case(GROUP)
def isinstance_of_a_buffer(x):
    out = np.zeros(3)
    out[:] = x
    return out * 2.0 if isinstance(out, np.ndarray) else out * 0.0


@case(GROUP)
def isinstance_of_an_element(x):
    return x[0] * 2.0 if isinstance(x[0], (float, np.floating)) else x[0] * 0.0


@case(GROUP)
def dtype_is_checked(x):
    return x * 3.0 if x.dtype == np.float64 and x.dtype.kind == "f" else np.zeros(3)


@case(GROUP)
def issubdtype_and_isscalar(x):
    scale = 2.0 if np.issubdtype(x.dtype, np.floating) and not np.isscalar(x) else 0.0
    return scale * x


@case(GROUP)
def hasattr_of_len(x):
    return x * x if hasattr(x, "__len__") and len(x) == x.size == x.shape[0] else x * 0.0


@case(GROUP)
def asked_for_complex(x):
    return np.sin(x) if np.isrealobj(x) and not np.iscomplexobj(x) else x * 0.0
