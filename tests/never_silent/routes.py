"""Further routes out of NumPy's sight: originals kept in odd places, the standard library, SciPy's solvers, types."""

import array as arrays
import bisect
import copy
import dataclasses
import functools
import heapq
import itertools
import json
import operator
import statistics
import struct
from decimal import Decimal

import numpy as np
import scipy
from scipy import integrate, linalg, optimize

from tests.never_silent.table import case

NUMBERS = "NumPy functions|numbers|np.array"

GROUP = "constructors kept in odd places"


@case(GROUP, refused=NUMBERS)
def as_a_default_argument(x, zeros=np.zeros):
    out = zeros(3)
    out[0] = x[0]
    return out * x


@case(GROUP, refused=NUMBERS)
def in_a_partial(x):
    out = MAKE()
    out[1:] = x[1:]
    return out * x


MAKE = functools.partial(np.zeros, 3)


@case(GROUP, refused=NUMBERS)
def in_a_dictionary(x):
    out = TABLE["zeros"](3)
    out[x > 1.0] = x[x > 1.0]
    return out * x


TABLE = {"zeros": np.zeros, "array": np.array}


@case(GROUP, refused=NUMBERS)
def in_a_class(x):
    class Maker:
        zeros = staticmethod(np.zeros)

    out = Maker.zeros(3)
    out[0] = x[0] * x[1]
    return out


@case(GROUP, refused=NUMBERS)
def array_in_a_dictionary(x):
    return TABLE["array"]([x[0], x[1]]) * 2.0


@case(GROUP, refused=NUMBERS)
def an_attribute_fetched_by_name(x):
    out = getattr(np, "ze" + "ros")(3)
    out[0] = x[0]
    return out * x


@case(GROUP, refused=NUMBERS)
def random_numbers(x):
    out = np.random.default_rng(0).normal(size=3)
    out[0] = x[0]
    return out * x


@case(GROUP, fresh=True, refused=NUMBERS + "|plain")
def a_buffer_kept_on_an_object():
    @dataclasses.dataclass
    class Model:
        buffer: np.ndarray

        def __call__(self, x):
            self.buffer[0] = x[0] * x[0]
            return self.buffer * x

    model = Model(np.zeros(3))
    return lambda x: model(x)


@case(GROUP, fresh=True)
def a_buffer_replaced_on_an_object():
    class Model:
        def __call__(self, x):
            self.state = np.zeros(3)
            self.state[0] = x[0] * x[0]
            return self.state * x

    model = Model()
    return lambda x: model(x)


GROUP = "the standard library"


@case(GROUP)
def deepcopy(x):
    y = copy.deepcopy(x)
    y[0] = y[1] * y[2]
    return y + copy.copy(x)


@case(GROUP)
def reduce_and_accumulate(x):
    return functools.reduce(operator.mul, x) + np.array(list(itertools.accumulate(x, operator.mul)))


@case(GROUP)
def heap(x):
    return np.array(heapq.nsmallest(2, list(x))) * np.array([1.0, 3.0])


@case(GROUP)
def bisection_of_a_list(x):
    return x * bisect.bisect([0.2, 0.9, 1.9], x[2])


@case(GROUP, refused=NUMBERS)
def mean_of_statistics(x):
    return statistics.fmean(x) * x


@case(GROUP, refused=NUMBERS)
def decimals(x):
    return np.array([float(Decimal(v) * 2) for v in x.tolist()])


@case(GROUP, refused=NUMBERS)
def packed(x):
    return np.array(struct.unpack("3d", struct.pack("3d", *x)))


@case(GROUP, refused=NUMBERS)
def an_array_of_the_array_module(x):
    return np.frombuffer(arrays.array("d", x)) * 2.0


@case(GROUP, refused=NUMBERS + "|JSON|text")
def json_and_back(x):
    return np.array(json.loads(json.dumps(x.tolist()))) * 2.0


@case(GROUP, refused="text|" + NUMBERS)
def percent_format(x):
    return np.array([float("%.17g" % v) for v in x])  # noqa: UP031  old code does


@case(GROUP, refused=NUMBERS)
def a_memoryview(x):
    return np.array(memoryview(x)) * 2.0


@case(GROUP)
def printed_only(x):
    text = f"{x} {x[0]:.3f} {x!r}"
    return x * x if text else x


GROUP = "scalars and their types"


@case(GROUP, refused=NUMBERS)
def a_numpy_scalar_made_of_an_element(x):
    return np.float64(x[0]) * x


@case(GROUP, refused=NUMBERS)
def a_numpy_type_called_on_an_array(x):
    return np.float32(x) * 1.0


@case(GROUP, refused=NUMBERS)
def the_own_dtype_called(x):
    return x.dtype.type(x[0]) * x


@case(GROUP, expected=np.diag([1.4, 2.6, 4.2]))
def an_element_in_a_list_of_numbers(x):
    return x * x if x[0] in [0.5, 0.7] else x


@case(GROUP, expected=[[0, 1, 0], [0, 0, 1]])
def and_or_not(x):
    y = x[0] and x[1]
    z = 0.0 or x[2]
    return np.array([y, z]) if not (x[0] - 0.7) else x[:2] * 9.0


@case(GROUP, expected=np.diag([1.4, 2.6, 4.2]))
def a_match_statement(x):
    match x[0]:
        case 0.7:
            return x * x
        case _:
            return x * 3.0


@case(GROUP, expected=np.diag([1.4, 2.6, 4.2]))
def isclose(x):
    return x * x if np.isclose(x[0], 0.7) and np.allclose(x, x) else x * 3.0


@case(GROUP, verify=True, refused="types of its arguments")
def exactly_an_ndarray(x):
    return x * x if type(x) is np.ndarray else np.zeros(3)


@case(GROUP, verify=True, refused="types of its arguments")
def exactly_a_float(x):
    return np.float64(2.0) * x[0] if type(x[0]) is np.float64 else x[0] * 0.0


@case(GROUP)
def augmented_matmul(x):
    y = np.eye(3) * x
    y @= np.ones((3, 3)) * x
    return y


@case(GROUP)
def operator_iadd(x):
    y = x * 1.0
    operator.iadd(y, x * x)
    operator.imul(y[1:], 2.0)
    return y


GROUP = "dtypes without derivatives"


@case(GROUP, refused=NUMBERS + "|field|plain")
def a_structured_array(x):
    table = np.zeros(3, dtype=[("a", float), ("b", int)])
    table["a"] = x * x
    return table["a"] * 2.0


@case(GROUP, refused=NUMBERS + "|class|ordinary|rule")
def a_masked_array(x):
    return np.ma.array(x, mask=[False, True, False]).sum() * 1.0


class Mine(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return getattr(ufunc, method)(*(np.asarray(x) * 2.0 for x in inputs), **kwargs)


@case(GROUP, refused="ordinary|rule|NumPy functions")
def a_subclass_with_operations_of_its_own(x):
    return np.arange(3.0).view(Mine) * x


@case(GROUP, refused=NUMBERS + "|ordinary|objects")
def an_array_of_objects(x):
    return np.array([x[0], "text"], dtype=object)[0] * x


@case(GROUP)
def half_and_back(x):
    return x * x + 0.0 * x.astype(np.float16).astype(float)


@case(GROUP)
def booleans_of_values(x):
    return x.astype(bool) * x + (x != 0.0) * x


@case(GROUP)
def bits_and_signs(x):
    return np.signbit(x - 1.0) * x * x + np.where(x > 1.0, 1, 2) * x


GROUP = "iterators of NumPy"


@case(GROUP, refused=NUMBERS)
def nditer(x):
    return np.array([float(v) for v in np.nditer(x)]) * 2.0


@case(GROUP, refused=NUMBERS)
def ndenumerate(x):
    out = np.zeros(3)
    for k, v in np.ndenumerate(x):
        out[k] = v * v
    return out


@case(GROUP)
def ndindex(x):
    out = np.zeros((2, 3))
    for i, j in np.ndindex(2, 3):
        out[i, j] = x[j] * (i + 1)
    return out


@case(GROUP, refused=NUMBERS + "|rule|window")
def a_sliding_window(x):
    return np.lib.stride_tricks.sliding_window_view(x, 2).sum(axis=1) * 1.0


@case(GROUP, refused=NUMBERS + "|rule|stride")
def as_strided(x):
    return np.lib.stride_tricks.as_strided(x, (2, 2), (8, 8)) * 1.0


@case(GROUP, refused=NUMBERS + "|rule")
def frompyfunc(x):
    return np.asarray(np.frompyfunc(lambda v: v * v, 1, 1)(x), float)


@case(GROUP)
def broadcast(x):
    a, b = np.broadcast_arrays(x, np.ones((2, 1)))
    return a * b


GROUP = "ufunc methods"


@case(GROUP)
def reduce_and_outer(x):
    return np.multiply.outer(x, x) * np.add.reduce(x) + np.multiply.reduce(x)


@case(GROUP)
def accumulate(x):
    return np.add.accumulate(x * x) + np.multiply.accumulate(x)


@case(GROUP, refused="rule|" + NUMBERS)
def reduceat(x):
    return np.add.reduceat(x * x, [0, 2])


@case(GROUP, refused="rule|" + NUMBERS)
def multiply_at(x):
    out = np.ones(3)
    np.multiply.at(out, [0, 0, 2], x)
    return out


@case(GROUP)
def two_outputs(x):
    whole, part = np.empty(3), np.empty(3)
    np.modf(x * 3.0, out=(part, whole))
    return part * whole


@case(GROUP)
def where_of_a_reduction(x):
    return np.add.reduce(x, where=[True, False, True], initial=2.0) * x


@case(GROUP)
def maximum_reduce(x):
    return np.maximum.reduce(x) * np.minimum.accumulate(x)


GROUP = "SciPy's solvers and integrals of traced functions"
ANY = NUMBERS + "|rule|plain arrays|black_box"


@case(GROUP, refused=ANY)
def quad(x):
    return integrate.quad(lambda t: t * x[0], 0.0, 1.0)[0] * np.ones(1)


@case(GROUP, refused=ANY)
def brentq(x):
    return optimize.brentq(lambda t: t**3 - x[0], 0.0, 5.0) * np.ones(1)


@case(GROUP, refused=ANY)
def newton(x):
    return optimize.newton(lambda t: t * t - x[0], 1.0) * np.ones(1)


@case(GROUP, refused=ANY)
def solve_ivp(x):
    return integrate.solve_ivp(lambda t, y: -x[0] * y, (0.0, 1.0), [1.0], rtol=1e-8).y[0, -1:]


@case(GROUP, refused=ANY)
def fsolve(x):
    return optimize.fsolve(lambda t: t**3 - x[0], 1.0) * np.ones(1)


@case(GROUP, refused=ANY)
def minimize(x):
    return optimize.minimize(lambda t: (t[0] - x[0]) ** 2, [0.0], tol=1e-12).x


@case(GROUP, refused=ANY)
def linear_algebra(x):
    return linalg.lu(np.outer(x, x) + np.eye(3))[2] @ x


@case(GROUP, refused=ANY)
def a_distribution(x):
    return scipy.stats.weibull_min(1.5).pdf(x)


@case(GROUP, refused=ANY)
def roots_of_a_polynomial(x):
    return np.abs(np.roots(x))
