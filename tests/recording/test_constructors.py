"""Arrays made inside a recorded function, by every route to a constructor, and the functions of `math`."""

import cmath
import contextlib
import functools
import math
import operator
from math import sin as sine

import numpy
import numpy as np
import pytest
from numpy import zeros as nothing

import jacfwd as jf
from tests.recording.agreement import agrees, assert_same

X = np.array([0.53, -1.21, 2.37, 0.74])
M = 1.33 * np.sin(1.7 * np.arange(1.0, 13)).reshape(3, 4)
LAYOUTS = [M, np.asfortranarray(M), np.repeat(M, 2, axis=1)[::-1, ::2], M.T]


def both(f, *args):
    return [lambda: jf.jvp(f, args, args), lambda: jf.linearize(f, *args)]


def filled(make):
    """A function that writes its argument into an array just made."""

    def f(x):
        out = make(x)
        out[0] = x[0] * x[1]
        out[1:3] = x[1:3] * 2
        return out * x[3]

    return f


def made_in_a_closure():
    zeros = np.zeros
    return lambda x: zeros(4)


def made_with_an_import(x):
    import numpy as other
    from numpy import empty_like

    other.testing.assert_equal(empty_like(x).shape, (4,))
    return other.zeros(4)


ROUTES = {
    "attribute of the module": lambda x: np.zeros(4),
    "full name": lambda x: numpy.zeros(4),
    "from-import": lambda x: nothing(4),
    "closure": made_in_a_closure(),
    "import in the function": made_with_an_import,
    "by getattr": lambda x: getattr(np, "ones")(4),  # noqa: B009  the case in question
    "lambda": lambda x: (lambda: np.zeros(4))(),
    "comprehension": lambda x: [np.zeros(n) for n in (3, 4)][1],
    "callback": lambda x: functools.reduce(lambda a, n: np.zeros(n), [4], None),
    "zeros": lambda x: np.zeros((4,), dtype=float),
    "ones": lambda x: np.ones(4, "f8"),
    "empty": lambda x: np.empty(4) * 0 + np.zeros(4),
    "full": lambda x: np.full(4, 2.5),
    "full of a traced value": lambda x: np.full(4, x[2]),
    "full of a list": lambda x: np.full((4,), [x[2], 1, 2.0, x[0]]),
    "full of integers": lambda x: np.full(4, 2, dtype=float),
    "arange": lambda x: np.arange(4.0),
    "arange by steps": lambda x: np.arange(1.0, 3.0, 0.5),
    "linspace": lambda x: np.linspace(0, 1, 4),
    "linspace with its step": lambda x: np.linspace(0, 1, 4, retstep=True)[0],
    "logspace and geomspace": lambda x: np.logspace(0, 1, 4) * np.geomspace(1, 2, 4),
    "eye": lambda x: np.eye(4)[1] * 1.0,
    "identity and tri": lambda x: np.identity(4)[0] + np.tri(4)[2],
    "row of eye": lambda x: np.eye(4)[1],
    "row of tri": lambda x: np.tri(4, 4, 1)[0],
    "array of numbers": lambda x: np.array([1.0, 2.0, 3.0, 4.0]),
    "array of an array": lambda x: np.array(X),
    "array of a traced array": lambda x: np.array(x),
    "asarray of a list": lambda x: np.asarray([1.0, 2, 3, 4]),
    "asarray of traced scalars": lambda x: np.asarray([x[0], 2, 3.0, x[1]]),
    "asarray that converts": lambda x: np.asarray(np.arange(4), dtype=float),
    "asanyarray of a tuple": lambda x: np.asanyarray((1.0, 2.0, 3.0, 4.0)),
    "ascontiguousarray": lambda x: np.ascontiguousarray([1.0, 2.0, 3.0, 4.0]),
    "asfortranarray": lambda x: np.asfortranarray([1.0, 2.0, x[2], 4.0]),
    "asarray_chkfinite": lambda x: np.asarray_chkfinite([1.0, 2.0, 3.0, 4.0]),
    "copy": lambda x: np.copy(X),
    "fromiter": lambda x: np.fromiter(range(4), float),
    "fromiter of traced values": lambda x: np.fromiter((v * v for v in x), float, count=4),
    "zeros_like": lambda x: np.zeros_like(x),
    "ones_like": lambda x: np.ones_like(X),
    "empty_like": lambda x: np.empty_like(x, shape=(4,)) * 0 + np.empty_like(X) * 0,
    "full_like": lambda x: np.full_like(x, 2.0),
    "full_like of a traced value": lambda x: np.full_like(X, x[2]),
    "full_like, traced": lambda x: np.full_like(x, [x[2], 2, 3, x[1]]),
    "vander": lambda x: np.vander([1.0, 2.0], 4)[1],
    "result of an operation": lambda x: np.zeros(4) + 1,
    "method of a buffer": lambda x: np.zeros((2, 2)).ravel(),
    "copy of a buffer": lambda x: np.zeros(4).copy(),
    "lengths from traced values": lambda x: np.zeros(np.argmax(x) + 2),
    "shapes from traced values": lambda x: np.ones((np.argmax(x) + 2, 1))[:, 0],
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("make", ROUTES.values(), ids=ROUTES)
def test_arrays_made_inside_can_be_written_to(make):
    agrees(filled(make), X)


LISTS = {
    "vector": lambda x: np.array([x[0], 1, 2.5, x[1] * x[2]]),
    "matrix": lambda x: np.array([[x[0], 1], [2.0, x[1]]]),
    "nested tuples": lambda x: np.array(((x[0], 1), [2.0, x[1]])),
    "rows": lambda x: np.array([x, 2 * x, np.ones(4)]),
    "rows and lists": lambda x: np.array([x[:2], [1.0, x[3]]]),
    "deep": lambda x: np.array([[[x[0]], [x[1]]], [[1], [2]]]),
    "of arrays of no dimension": lambda x: np.array([np.array(x[0]), np.float64(2.0), np.array(1.0)]),
    "booleans and integers": lambda x: np.array([True, 2, x[0]]),
    "traced integers": lambda x: np.array([np.argmax(x), 2]) * x[0],
    "complex": lambda x: np.array([x[0], 1j]).imag * np.array([x[0] * 1j, 2]).imag,
    "with a dtype": lambda x: np.array([x[0], 2], dtype=complex).real,
    "to integers": lambda x: np.array([x[2], 2], dtype=int) * x[0],
    "at least two dimensions": lambda x: np.array([x[0], x[1]], ndmin=3),
    "objects": lambda x: np.array([x[0], x[1]], dtype=object)[1] * np.array(x, dtype=object)[0],
    "functions of lists": lambda x: np.sum([x[0], x[1]]) * np.linalg.norm([x[0], 2.0]) * np.prod([x[0], 3]),
    "ufuncs of lists": lambda x: np.sin([x[0], 1.0]) * np.add([1, 2], [x[0], x[1]]),
    "keywords": lambda x: np.mean(a=[x[0], x[1]]),
    "shapes of lists": lambda x: x * np.shape([x[0], x[1]])[0] * np.ndim([[x[0]]]) * np.size([x, x], 1),
    "joins": lambda x: np.concatenate([[x[0]], x[1:]]) * np.hstack([x[0], x[1:]]),
    "a single scalar": lambda x: np.array(x[0]) * np.asarray(x[1]),
    "empty lists inside": lambda x: x * (1 + np.array([]).size),
}


@pytest.mark.parametrize("f", LISTS.values(), ids=LISTS)
def test_lists_of_traced_values(f):
    agrees(f, X)


def test_ragged_lists_raise_as_numpy_does():
    for run in both(lambda x: np.array([x, x[:2]]), X):
        with pytest.raises(ValueError, match="shape"):
            run()


CONVERSIONS = {
    "asarray": lambda x: np.asarray(x),
    "asarray in order": lambda x: np.asarray(x, order="C"),
    "asarray in Fortran order": lambda x: np.asarray(x, order="F"),
    "asarray of its dtype": lambda x: np.asarray(x, dtype=float),
    "asarray copied": lambda x: np.asarray(x, copy=True),
    "asarray uncopied": lambda x: np.asarray(x, copy=None),
    "array": lambda x: np.array(x),
    "array uncopied": lambda x: np.array(x, copy=None),
    "array, ndmin": lambda x: np.array(x, copy=None, ndmin=3),
    "array in Fortran order": lambda x: np.array(x, order="F"),
    "array as it lies": lambda x: np.array(x, order="K"),
    "ascontiguousarray": lambda x: np.ascontiguousarray(x),
    "asfortranarray": lambda x: np.asfortranarray(x),
    "asarray_chkfinite": lambda x: np.asarray_chkfinite(x),
    "copy": lambda x: np.copy(x),
    "copy in order": lambda x: np.copy(x, "C"),
    "atleast_1d": lambda x: np.atleast_1d(x),
    "ravel": lambda x: np.ravel(x),
    "require": lambda x: x.astype(float, copy=False),
}


@pytest.mark.parametrize("convert", CONVERSIONS.values(), ids=CONVERSIONS)
@pytest.mark.parametrize("layout", range(len(LAYOUTS)), ids=["C", "Fortran", "gaps", "transposed"])
def test_conversions_copy_where_numpy_copies(convert, layout):
    def f(x):
        y = convert(x)
        y[0] = 5.0
        flags.append((y.flags.c_contiguous, y.flags.f_contiguous, y.shape))
        return np.concatenate([x.ravel(), 2 * y.ravel()])

    flags = []
    agrees(f, LAYOUTS[layout])
    assert len(set(flags)) == 1


def test_conversions_that_may_not_copy():
    for run in both(lambda x: np.array(x.T, order="C", copy=False), M):
        with pytest.raises(ValueError, match="copy"):
            run()
    agrees(lambda x: np.array(x, copy=False) * 2, M)


def test_scalars_become_arrays():
    def f(x):
        a = np.asarray(x[0])
        a[()] = a * x[1]
        b = np.array(x[2])
        b += a
        c = np.ascontiguousarray(x[3])
        c[0] *= b
        return np.append(c, np.copy(x[0])[...] * a)

    agrees(f, X)


def test_constants_keep_what_numpy_says_of_sharing():
    captured = np.arange(4.0)

    def f(x):
        assert np.asarray(captured) is captured
        assert np.asarray(memoryview(captured)).base is not None
        assert np.shares_memory(x, x[1:]) and np.may_share_memory(x.reshape(2, 2), x)
        assert not np.shares_memory(x[:2], x[2:]) and not np.shares_memory(x, x.copy())
        assert not np.shares_memory(x, captured)
        z = x * 1j
        assert np.shares_memory(z.real, z[1:]) and not np.shares_memory(z.real, z.imag)
        return x * np.asarray(captured)

    agrees(f, X)


def test_arrays_that_share_memory_with_others_stay_plain():
    captured = np.arange(4.0)

    def f(x):
        shared = np.asarray(memoryview(captured))
        shared[0] = x[0]
        return shared

    for run in both(f, X):
        with pytest.raises(jf.TracerConversionError, match=r"np\.array.*np\.zeros") as caught:
            run()
        assert "test_constructors.py" in str(caught.value)


def test_layouts_of_the_like():
    def f(x):
        for like in (np.zeros_like, np.ones_like, np.empty_like, lambda a: np.full_like(a, 2.0)):
            for a in (x, x.T, x[:, ::2], np.sin(x.T), x[0, 0]):
                made = like(a)
                seen.append((made.shape, made.strides, made.dtype))
        seen.append(np.zeros_like(x, dtype=int, order="F").strides)
        return x

    for start in (M, np.asfortranarray(M)):
        seen = []
        f(start)
        plain, seen = seen, []
        jf.jvp(f, start, start)
        assert seen == plain
        seen = []
        jf.linearize(f, start)
        assert seen == plain


def test_dtypes_are_numpys():
    def f(x):
        for made in (
            np.zeros(2, np.float32),
            np.array([x[0], 1]),
            np.array([x.astype(np.float32)[0], 1]),
            np.full(2, x[0], np.float32),
            np.full(2, 1),
            np.full_like(np.arange(3), x[2]),
            np.arange(3),
            np.linspace(x[0], 1, 3, dtype=np.float32),
            np.linspace(x.astype(np.float32)[0], 1, 3),
            np.arange(x[1], 2, dtype=np.float32),
            np.asarray(x, np.float32),
            np.fromiter(x, np.float32),
            np.zeros_like(x, complex),
            np.array([x[2], 2.9], dtype=int),
        ):
            seen.append((made.dtype, made.shape))
        return x

    seen = []
    f(X)
    plain, seen = seen, []
    jf.jvp(f, X, X)
    assert seen == plain
    seen = []
    jf.linearize(f, X)
    assert seen == plain


RANGES = {
    "linspace": lambda x: np.linspace(x[0], x[2], 5),
    "linspace to a constant": lambda x: np.linspace(x[0], 2, 3) * np.linspace(2.0, x[0], 3),
    "linspace without the end": lambda x: np.linspace(x[0], x[2], 5, endpoint=False),
    "linspace with its step": lambda x: operator.mul(*np.linspace(x[0], x[2], 5, retstep=True)),
    "linspace of arrays": lambda x: np.linspace(x, x[2], 3, axis=-1),
    "linspace of arrays, first": lambda x: np.linspace(x[:, None], [0.0, x[1]], 3),
    "linspace of one": lambda x: np.linspace(x[0], x[2], 1) * np.linspace(x, 1, 1, endpoint=False)[0],
    "linspace of none": lambda x: np.append(np.linspace(x[0], 1, 0), x),
    "linspace of integers": lambda x: np.linspace(x[0], x[2] + 3, 4, dtype=int) * x[0],
    "arange": lambda x: np.arange(x[0], x[2], x[3]),
    "arange to": lambda x: np.arange(x[2]) * x[0],
    "arange from": lambda x: np.arange(x[1], 3),
    "arange by keywords": lambda x: np.arange(start=x[1], stop=3.0, step=0.5),
    "arange of nothing": lambda x: np.append(np.arange(x[0], x[1]), x),
    "arange of one": lambda x: np.arange(x[0], x[3]),
    "arange of traced integers": lambda x: np.arange(np.argmax(x) + 1) * x[0],
}


@pytest.mark.parametrize("f", RANGES.values(), ids=RANGES)
def test_ranges_with_traced_limits(f):
    agrees(f, X)


def test_the_length_of_a_range_is_relied_on():
    graph = agrees(lambda x: np.sum(np.arange(x[0], 3.0)), X)
    with pytest.raises(jf.BranchChangedError, match=r"test_constructors\.py"):
        graph(X + 1)


def test_too_short_an_iterator():
    for run in both(lambda x: np.fromiter(iter(x), float, count=9), X):
        with pytest.raises(ValueError, match="too short"):
            run()


def test_what_only_asks_for_types():
    def f(x):
        assert np.result_type(x, np.float32) == np.float64
        assert np.can_cast(x, np.complex128) and not np.can_cast(x, np.float32)
        assert np.common_type(x, x.astype(np.float32)) is np.float64
        assert np.min_scalar_type(x) == np.float64
        assert np.iscomplexobj(x * 1j) and np.isrealobj(x)
        assert np.isscalar(x[0]) and not np.isscalar(x)
        assert np.shape(x) == (4,) and np.ndim(x) == 1 and np.size(x) == 4 and np.size(x[None], 0) == 1
        return x * 2

    agrees(f, X)


SCALAR = {
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh", "exp")},
    **{name: getattr(math, name) for name in ("expm1", "fabs", "degrees", "radians", "exp2", "cbrt")},
}


def test_functions_of_math_by_all_names():
    agrees(lambda x: math.sin(x[0]) * sine(x[1]) * functools.reduce(math.hypot, x), X)
    agrees(lambda x: sum(map(math.exp, x)) + sum(math.cos(v) for v in x), X)


def positive(name, *rest):
    return lambda x: getattr(math, name)(abs(x[0]), *rest)


MATH = {
    **{name: lambda x, name=name: getattr(math, name)(x[0]) for name in SCALAR},
    **{name: positive(name) for name in ("log", "log2", "log10", "log1p", "sqrt", "asin", "acos", "atanh")},
    "acosh": lambda x: math.acosh(x[2]),
    "log to a base": lambda x: math.log(x[2], 3) * math.log(3, x[2]),
    "pow": lambda x: math.pow(x[2], x[0]) * math.pow(x[0], 3),
    "atan2": lambda x: math.atan2(x[0], x[1]) * math.atan2(1.0, x[0]),
    "copysign": lambda x: math.copysign(x[0], x[1]),
    "fmod": lambda x: math.fmod(x[2], x[0]),
    "remainder": lambda x: math.remainder(x[2], x[0]),
    "modf": lambda x: math.modf(x[2])[0] * math.modf(x[2])[1],
    "ldexp": lambda x: math.ldexp(x[0], 3),
    "hypot": lambda x: math.hypot(x[0], x[1]) * math.hypot(x[0], 1.0, x[2]) * math.hypot(x[1]),
    "dist": lambda x: math.dist(x[:2], [1.0, 2.0]) * math.dist([x[0], 1], x[2:]),
    "fsum": lambda x: math.fsum(x) * math.fsum([x[0], 1e16, -1e16, x[1]]) * math.fsum(v for v in x),
    "prod": lambda x: math.prod(x) * math.prod([x[0], 2], start=x[1]),
    "floor, ceil, trunc": lambda x: x * math.floor(x[2]) * math.ceil(x[2]) * math.trunc(x[1]),
    "tests": lambda x: x * (1 if math.isnan(x[0]) or math.isinf(x[0]) else 2) * math.isfinite(x[0]),
    "isclose": lambda x: x * (1 + math.isclose(x[0], x[0] + 1e-12)) * (1 + math.isclose(x[0], 0.6, abs_tol=1e-3)),
    "integers": lambda x: x * math.comb(np.argmax(x) + 3, 2) * math.gcd(np.argmax(x), 4) * math.factorial(np.argmax(x)),
    "square roots of integers": lambda x: x * math.sqrt(np.argmax(x)),
    "arrays of one element": lambda x: math.sin(x[:1].reshape(())) * math.exp(np.array(x[0])),
    "constants": lambda x: x * math.pi,
}


@pytest.mark.parametrize("f", MATH.values(), ids=MATH)
def test_functions_of_math(f):
    # The math module of C and NumPy's functions may differ in the last bit.
    agrees(f, X, exactly=False)


def test_the_exact_sum_is_exact():
    def f(x):
        return math.fsum([x[0], 1e16, 1.0, -1e16, x[1], 1e-3])

    y, dy = jf.jvp(f, X, X)
    assert y == f(X)
    assert dy == X[0] + X[1]


def test_functions_of_cmath():
    agrees(lambda x: abs(cmath.exp(1j * x[0]) + x[1]), X, exactly=False)
    agrees(lambda x: cmath.sqrt(x[1]).imag * cmath.log(x[0] * 1j).real, X, exactly=False)
    agrees(lambda x: cmath.phase(x[0] + 2j) * cmath.polar(x[0] + 2j)[0], X, exactly=False)
    agrees(lambda x: cmath.rect(x[2], x[0]).imag * cmath.isfinite(x[0]), X, exactly=False)


def test_math_of_single_precision_is_double():
    x = X.astype(np.float32)
    y, dy = jf.jvp(lambda x: math.sin(x[0]), x, x)
    assert y.dtype == dy.dtype == np.float64
    assert y == math.sin(x[0])


def test_math_without_a_rule_is_refused():
    for name in ("frexp", "nextafter", "ulp"):
        args = (2.0,) if name == "nextafter" else ()
        for run in both(lambda x, name=name, args=args: getattr(math, name)(x[0], *args), X):
            with pytest.raises(jf.UnsupportedFunctionError, match=r"test_constructors\.py"):
                run()


def test_exceptions_of_math_are_raised_and_relied_on():
    def f(x):
        root = 0.0
        with contextlib.suppress(ValueError):
            root = math.sqrt(x[0] - 2)
        return x * (root + 1)

    graph = agrees(f, X)
    with pytest.raises(jf.BranchChangedError, match=r"test_constructors\.py"):
        graph(X + 9)
    for run in both(lambda x: math.log(x[1]), X):
        with pytest.raises(ValueError, match="math domain error|positive"):
            run()
    for run in both(lambda x: math.exp(x[2] * 1e4), X):
        with pytest.raises(OverflowError):
            run()


def test_math_of_larger_arrays_raises_as_it_does():
    for run in both(lambda x: math.sin(x), X):
        with pytest.raises(TypeError):
            run()


def test_made_constants_need_no_recording():
    made = []

    def f(x):
        made.append(np.zeros(3))
        made.append(np.array([1.0, 2.0]))
        return x

    jf.jvp(f, X, X)
    for constant in made:
        assert_same(np.asarray(constant) + 1, np.asarray(constant + 1))
        constant[0] = 7.0
        assert constant[0] == 7.0 and constant[:2].sum() == 7.0 + constant[1]


MADE_OF_OUTER = {
    "full": lambda c: np.full((3,), c[0]),
    "full_like": lambda c: np.full_like(c, c[0]),
    "array": lambda c: np.array(c),
    "list": lambda c: np.array([c[0], c[1], 0.0]),
    "asarray": lambda c: np.asarray(c, dtype=np.longdouble),
    "copy": lambda c: np.copy(c),
    "linspace": lambda c: np.linspace(c[0], c[1], 3),
    "zeros_like": lambda c: np.zeros_like(c),
}


@pytest.mark.parametrize("make", MADE_OF_OUTER.values(), ids=MADE_OF_OUTER.keys())
def test_what_is_made_of_an_outer_recording_takes_values_of_the_inner_one(make):
    def outer(c):
        def inner(y):
            out = make(c)
            out[1] = y * y * c[2]
            return out

        return jf.jvp(inner, c[2], 1.0)[1]

    np.testing.assert_array_equal(jf.jacobian(outer)(np.array([2.0, 3.0, 5.0]))[1], [0, 0, 20])
