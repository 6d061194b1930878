"""What a traced array says of itself, how it becomes plain, and every way in which a derivative might get lost."""

import array
import contextlib
import copy
import ctypes
import decimal
import functools
import io
import json
import pickle
import random
import struct

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.arguments import select
from jacfwd.recorded import record
from tests.recording.agreement import agrees

X = np.array([0.53, -1.21, 2.37, 0.74])
W = np.array([1.0, 2.0, 3.0, 4.0])
# Names in containers are not exchanged for substitutes: what is called by them is the real function.
REAL = {"asarray": np.asarray, "array": np.array, "zeros": np.zeros, "sin": __import__("math").sin}
REAL |= {"exp": np.exp, "arctan2": np.arctan2, "sort": np.sort, "isfinite": np.isfinite}


def both(f, *args):
    return [lambda: jf.jvp(f, args, args), lambda: jf.linearize(f, *args), lambda: jf.trace(f, *args)]


def refuses(f, match=r"test_tracer\.py", error=jf.TracerConversionError, x=X):
    """All recordings refuse, with the user's line in the message."""
    for run in both(f, x):
        with pytest.raises(error, match=match) as caught:
            run()
        assert "test_tracer.py" in str(caught.value)


# What it says of itself


def test_classes():
    def f(x):
        assert isinstance(x, np.ndarray) and not isinstance(x, np.generic | float)
        assert type(x) is np.ndarray or (x.__class__ is not np.ndarray and issubclass(x.__class__, np.ndarray))
        for scalar, kind in ((x[0], float), (x[0], np.floating), (x[0] * 1j, complex), (np.sum(x), np.float64)):
            assert isinstance(scalar, kind) and not isinstance(scalar, np.ndarray)
        assert isinstance(np.array(x[0]), np.ndarray)
        assert isinstance(x.astype(np.float32)[0], np.float32)
        return x * 2 if isinstance(x[1], float) else x * 3

    agrees(f, X)
    agrees(lambda x: jf.jvp(f, x, x * 1.0)[1], X)


def test_scalar_arguments_are_scalars():
    agrees(lambda x: x * 2 if isinstance(x, float) and not isinstance(x, np.ndarray) else x * 3, 4.0)
    agrees(lambda x: x * 2 if isinstance(x, np.ndarray) else x * 3, np.array(4.0))


def test_traced_integers_and_booleans_are_such():
    def f(x):
        order, mask = np.argsort(x), x > 0
        assert isinstance(order, np.ndarray) and isinstance(order[0], np.integer)
        assert isinstance(mask[0], np.bool) and isinstance(np.argmax(x), np.integer)
        return x[order[::-1]] * mask

    agrees(f, X)


def test_text():
    def f(x):
        lines.append(f"{x} {x[0]:.3f} {x[1]!s} {x[0]:8} {np.array_str(x)} {np.array2string(x[:2])}")
        repr(x), np.array_repr(x)
        return x * 2

    lines = []
    f(X)
    for run in both(f, X):
        run()
    assert len(lines) == 5 and len(set(lines)) == 1
    assert "Tracer" not in lines[1]
    jf.jvp(lambda x: lines.append(repr(x)) or x, X, X)
    assert lines[-1].startswith("Tracer(array(")


def test_lengths_and_truth():
    refuses(lambda x: "%g" % x[0], match="float")  # noqa: UP031  the case in question
    for run in both(lambda x: x * bool(x), X):
        with pytest.raises(ValueError, match="ambiguous"):
            run()
    agrees(lambda x: x * (2 if x[:1] else 3) * (5 if x[0] - x[0] else 7), X)


# Becoming plain: by permission


def test_constants_become_plain():
    def f(x):
        c = np.ones(3) * 2
        assert float(c[0]) == 2.0 and int(c[1]) == 2 and complex(c[2]) == 2.0
        assert REAL["asarray"](c).sum() == 6.0 and REAL["array"](c, dtype=np.float32).dtype == np.float32
        assert hash(c[0]) == hash(2.0) and {c[0]: 3}[2.0] == 3
        assert float(np.zeros(1)[0]) == 0.0 and type(c.tolist()[0]) is float
        return x * REAL["sin"](c[0]) * float(c.sum())

    agrees(f, X)


def test_conversions_of_constants():
    def f(x):
        c = np.ones(3)
        with pytest.raises(ValueError, match="copy"):
            np.asarray(REAL["array"](c, copy=False, dtype=np.float32))
        assert REAL["array"](c, copy=False).sum() == 3
        return x

    agrees(f, X)


def test_integers_become_plain_with_a_guard():
    def f(x):
        k = np.argmax(x)
        y = x * [3, 5, 7, 11][k] * (0, 1, 2, 3)[k] * {2: 13}[k] * len("a" * k)
        y = y + sum(x[i] for i in range(k)) + W[k] + W[np.argsort(x)[0]] * x[0] + W[[k, 0]].sum() * x[1]
        return y * int(k) * float(k) * (1 << k) * np.float64(k) * REAL["asarray"](k) * W[REAL["asarray"](x > 0)].sum()

    graph = agrees(f, X)
    assert any(guard.value == 2 for guard in graph.guards)
    with pytest.raises(jf.BranchChangedError, match=r"2 when recorded, 0 now.*test_tracer\.py"):
        graph(X[[2, 1, 0, 3]])


def test_whole_parts_are_relied_on():
    graph = agrees(lambda x: x * int(x[2]) * W[int(x[2])] * round(x[2]), X)
    assert graph(X + 0.05)[0] == (X[0] + 0.05) * 2 * 3 * 2
    with pytest.raises(jf.BranchChangedError, match=r"int\(x\[2\]\)"):
        graph(X + 1)
    assert jf.linearize(lambda x: x * (int(x[2] * 1e25) > 10**25), X)[0][0] == X[0]
    for run in both(lambda x: int(x[0] * np.inf), X):
        with pytest.raises(OverflowError):
            run()


def test_branches_are_relied_on():
    def f(x):
        if x[0] > 0.5:
            y = x * 2
        elif x[1] > 0:
            y = x * 3
        else:
            y = x * 5
        while np.sum(y) < 20:
            y = y * 1.5
        return y if np.all(x < 9) and not np.any(x > 8) else -y

    for x in (X, X - 0.1, X + 1.3):
        graph = agrees(f, x)
    with pytest.raises(jf.BranchChangedError, match=r"x\[0\] > 0\.5"):
        graph(X - 1)
    graph = agrees(f, X)
    with pytest.raises(jf.BranchChangedError, match="while"):
        graph(X * 3)


def test_values_that_decide_nothing_need_no_guard():
    def f(x):
        y = np.where(x > 0, x * x, -x)
        y[x > 1] = 0.5
        np.copyto(y, 2.0, where=x < -1)
        return y * x.astype(int) * np.floor(x) * (x > 0) * np.maximum(x, 0.1) * x.argsort()

    graph = agrees(f, X)
    assert not graph.guards
    other = X[::-1].copy()
    np.testing.assert_allclose(graph(other), f(other.copy()), rtol=1e-14)
    np.testing.assert_array_equal(graph.jvp(other, W)[1], jf.jvp(f, other, W)[1])


def test_each_value_is_guarded_once():
    def f(x):
        positive, k = x[0] > 0, np.argmax(x)
        return sum(x[k] * bool(positive) for _ in range(20))

    graph = agrees(f, X)
    assert len(graph.guards) == 2


# Becoming plain: refused


LOST = {
    "float": lambda x: float(x[0]) * x,
    "float of an array": lambda x: float(x[:1].reshape(())) * x,
    "complex": lambda x: complex(x[0], x[1]).real * x,
    "np.float64": lambda x: np.float64(x[0]) * x,
    "np.float64 of an array": lambda x: np.float64(x) * x,
    "np.float32": lambda x: np.float32(x[0]) * x,
    "real math.sin": lambda x: REAL["sin"](x[0]),
    "element into a real array": lambda x: put(REAL["zeros"](4), 0, x[0]),
    "array into a real array": lambda x: put(REAL["zeros"](4), ..., x),
    "mask into a real array": lambda x: put(REAL["zeros"](4), W > 2, x[0]),
    "fill of a real array": lambda x: filled(REAL["zeros"](4), x[0]),
    "element into captured": lambda x: put(W * 2.0, 0, x[0]),
    "into an array of integers": lambda x: put(np.zeros(4, int), 0, x[0]),
    "all into an array of integers": lambda x: put(np.zeros(4, int), slice(None), x),
    "put into an array of integers": lambda x: np.zeros(4, int).put([0], x[0]),
    "np.put into an array of integers": lambda x: np.put(np.zeros(4, int), [0], x[0]),
    "lists of numbers and objects": lambda x: np.sum([x[0], None]),
    "into an array of booleans": lambda x: put(np.zeros(4, bool), slice(None), x),
    "into traced integers": lambda x: put(np.argsort(x), 0, x[0]),
    "into text": lambda x: put(np.zeros(4, "U3"), slice(None), x),
    "into a record": lambda x: put(np.zeros(2, [("a", float)])["a"], 0, x[0]),
    "into array.array": lambda x: put(array.array("d", [0.0]), 0, x[0]),
    "array.array": lambda x: np.array(array.array("d", x)),
    "default argument": lambda x, make=np.zeros: put(make(4), 0, x[0]),
    "class attribute": lambda x: put(Maker.zeros(4), 0, x[0]),
    "attribute's array": lambda x: put(Maker.array, slice(None), x),
    "generator, mean": lambda x: np.random.default_rng(0).normal(x[0], 1.0) * x,
    "generator, means": lambda x: np.random.default_rng(0).normal(x, 1.0),
    "legacy generator": lambda x: np.random.RandomState(0).normal(x[0], 1.0),
    "into a constant's memory": lambda x: np.random.default_rng(0).random(out=np.zeros(4)) * x,
    "key of a dict": lambda x: {x[0]: 1}[x[0]] * x,
    "in a set": lambda x: len({x[0], x[1]}) * x,
    "cached function": lambda x: cached(x[0]),
    "struct": lambda x: x * struct.unpack("d", struct.pack("d", x[0]))[0],
    "decimal": lambda x: x * float(decimal.Decimal(x[0])),
    "ctypes": lambda x: ctypes.c_double(x[0]).value * x,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "bytes": lambda x: np.frombuffer(x.tobytes()),
    "memory": lambda x: np.array(memoryview(x)),
    "np.nditer": lambda x: sum(float(v) for v in np.nditer(x)),
    "all that was said": lambda x: np.array([float(t) for t in str(x).strip("[]").split()]),
    "text of scalars": lambda x: np.loadtxt(io.StringIO("\n".join(f"{v}" for v in x))),
    "np.testing": lambda x: np.testing.assert_allclose(x, x) or x,
}


def put(target, key, value):
    target[key] = value
    return target


def filled(target, value):
    target.fill(value)
    return target


class Maker:
    zeros = np.zeros
    array = np.zeros(4)


@functools.lru_cache
def cached(t):
    return t * t


@pytest.mark.parametrize("f", LOST.values(), ids=LOST)
def test_no_derivative_is_lost_in_silence(f):
    refuses(f)
    Maker.array[:] = 0


OBJECTS = {
    "real np.asarray": lambda x: REAL["asarray"](x) * x,
    "real np.array": lambda x: REAL["array"](x) * x,
    "real np.array of a list": lambda x: REAL["array"]([x[0], x[1]]),
    "real np.array of objects": lambda x: (REAL["array"](x, dtype=object) * x).sum(),
    "permutation": lambda x: np.random.default_rng(0).permutation(x),
    "choice": lambda x: np.random.default_rng(0).choice(x, 2),
    "np.vectorize": lambda x: np.vectorize(lambda t: t * t)(x),
    "np.ndenumerate": lambda x: sum(k[0] * v for k, v in np.ndenumerate(x)),
    "np.r_": lambda x: np.r_[x, 1.0],
    "np.c_": lambda x: np.c_[x, x],
    "masked array": lambda x: np.ma.masked_where(x > 0, x).filled(0),
    "product with a masked array": lambda x: (np.ma.array(W, mask=[1, 0, 0, 0]) * x).sum(),
    "mathematics": lambda x: REAL["exp"](REAL["asarray"](x)) + REAL["arctan2"](REAL["array"](x), W),
    "reductions": lambda x: REAL["asarray"](x).sum() + REAL["asarray"](x).prod(),
    "sorted": lambda x: REAL["sort"](REAL["asarray"](x)) * W,
    "dot": lambda x: W.dot(x) + np.diag(W).dot(x).sum(),
    "into the traced world again": lambda x: np.linalg.norm(REAL["asarray"](x) * 2) * np.array(REAL["asarray"](x)),
    "in lists": lambda x: np.stack([REAL["asarray"](x), x]) + np.sum([REAL["asarray"](x[0]), 2.0]),
    "written into": lambda x: put(REAL["asarray"](x), 0, x[1] ** 2) * 2,
    "branches": lambda x: np.array([t if t > 1 else t * t for t in REAL["asarray"](x)]),
}


@pytest.mark.parametrize("f", OBJECTS.values(), ids=OBJECTS)
def test_the_last_resort_is_an_array_of_objects(f):
    agrees(f, X)


def test_the_last_resort_has_a_limit_and_counts():
    def f(x):
        return REAL["asarray"](x).sum()

    assert record(select(f, (np.ones(4096),), {})).boxes == 1
    with pytest.raises(jf.TracerConversionError, match=r"shape \(4097,\)"):
        jf.gradient(f)(np.ones(4097))


def test_the_last_resort_is_checked_whatever_verify_says():
    calls = []

    def f(x):
        calls.append(None)
        return REAL["asarray"](x) * len(calls)

    with pytest.raises(jf.TracerConversionError, match="called on plain arrays"):
        jf.jacobian(f, verify=False)(X)


def test_where_objects_do_not_do_the_conversion_is_named():
    for f in (
        lambda x: REAL["asarray"](x).astype(float),
        lambda x: REAL["asarray"](x).mean(),
        lambda x: REAL["isfinite"](REAL["asarray"](x)) * x,
        lambda x: REAL["asarray"](x, dtype=float) * x,
    ):
        refuses(f, match=r"(?s)would turn a traced float64.*lambda x: REAL")


def test_what_is_no_number_of_pythons_is_refused():
    # These complain in words of their own, about places in the standard library.
    for f in (
        lambda x: x * len(json.dumps(x[0])),
        lambda x: x * len(json.dumps(x.tolist())),
    ):
        for run in both(f, X):
            with pytest.raises(jf.TracerConversionError, match="works on plain arrays but not on traced ones"):
                run()


@pytest.mark.parametrize(
    ("f", "remedy"),
    [
        (lambda x: float(x[0]), "NumPy functions of the array itself"),
        (lambda x: put(W * 2.0, 0, x[0]), r"np\.array\(\.\.\.\) or np\.zeros"),
        (lambda x: np.add(x, 1, out=W), r"np\.array\(\.\.\.\)"),
        (lambda x: np.add(np.ma.array(W), x), "ordinary array of numbers"),
    ],
)
def test_refusals_say_what_to_write_instead(f, remedy):
    refuses(f, match=remedy)


KEPT = {
    "copy": lambda x: copy.copy(x) * x,
    "deep copy": lambda x: copy.deepcopy([x, {"a": x[0]}])[1]["a"] * x,
    "deep copy is a copy": lambda x: put(copy.deepcopy(x), 0, 3.0) * x,
    "attribute": lambda x: kept_in_attribute(x),
    "random of Python": lambda x: random.Random(0).gauss(x[0], 1.0) + random.Random(0).uniform(x[0], x[1]),
    "noise": lambda x: x + np.random.default_rng(0).normal(size=4) * x,
    "shuffled in place": lambda x: shuffled(x),
    "sum of a list": lambda x: sum([x[0], x[1] * 2, 3]),
    "item": lambda x: x[0].item() * x,
    "list": lambda x: np.array(x.tolist()) * 2,
    "list of objects": lambda x: first_of_objects(x),
    "array of objects": lambda x: np.array([x[0], None], dtype=object)[0] * x,
    "array of things": lambda x: np.array([[x[0], "text"], [None, x[1]]])[1, 1] * x,
    "array of rows of objects": lambda x: np.array([x, x * 2], dtype=object)[1, 1] * x,
}


def kept_in_attribute(x):
    holder = Maker()
    holder.own = x
    holder.own[0] = 3.0
    return x * holder.own


def shuffled(x):
    np.random.default_rng(0).shuffle(x)
    return x * W


def first_of_objects(x):
    objects = np.empty(2, object)
    objects[0], objects[1] = x[0], "text"
    return (objects[:1] * 3)[0] * x


@pytest.mark.filterwarnings("ignore:you are shuffling:UserWarning")
@pytest.mark.parametrize("f", KEPT.values(), ids=KEPT)
def test_what_keeps_the_derivative(f):
    agrees(f, X)


# Errors that are swallowed or turned into others


def swallowing(x):
    try:
        return float(x[0]) * 2
    except TypeError:
        return 0.0


def swallowing_c_code(x):
    try:
        return REAL["sin"](x[0])
    except Exception:
        return x[0] * 0


def swallowing_what_is_always_refused(x):
    try:
        return np.frombuffer(x.tobytes())
    except TypeError:
        return x * 0


def swallowing_a_plain_target(x):
    out = W * 2.0
    try:
        np.add(x, 1, out=out)
    except TypeError:
        return x * 0
    return out


def swallowing_a_write(x):
    out = W * 2.0
    try:
        out[0] = x[0]
    except (TypeError, ValueError):
        out[0] = 0.0
    return out * x


def swallowing_inside_a_derivative(x):
    def g(y):
        try:
            return y * float(x[0])
        except TypeError:
            return y

    return jf.jvp(g, x, W)[1]


SWALLOWING = [
    *(swallowing, swallowing_c_code, swallowing_what_is_always_refused, swallowing_a_plain_target),
    *(swallowing_a_write, swallowing_inside_a_derivative),
]


@pytest.mark.parametrize("f", SWALLOWING, ids=lambda f: f.__name__)
def test_swallowed_refusals_are_raised_where_they_changed_the_value(f):
    refuses(f, error=(jf.TracerConversionError, jf.UnsupportedFunctionError), match="caught this error")


def test_swallowed_refusals_pass_where_the_value_is_the_same():
    def f(x):
        try:
            scale = float(x)
        except TypeError:
            scale = x[0] / x[0] * 2
        return x * scale

    agrees(f, X)
    agrees(lambda x: x * (1 + probing(x[0])), X)

    def g(x):
        with contextlib.suppress(TypeError):
            float(x[0])
        return np.array([True, np.nan, x[1]])

    y, dy = jf.jvp(g, X, X)
    np.testing.assert_array_equal(y, [1.0, np.nan, X[1]])
    np.testing.assert_array_equal(dy, [0, 0, X[1]])


def probing(x):
    try:
        return float(x) is not None
    except TypeError:
        return True


def test_errors_that_the_function_has_anyway_pass():
    def f(x):
        with contextlib.suppress(TypeError):
            float(x[0])
        raise LookupError("the user's own")

    for run in both(f, X):
        with pytest.raises(LookupError, match="the user's own"):
            run()
    for run in both(lambda x: x.nonsense, X):
        with pytest.raises(AttributeError, match="nonsense"):
            run()


def test_plain_calls_that_fail_leave_the_refusal():
    calls = []

    def f(x):
        calls.append(1)
        if len(calls) > 1:
            raise LookupError
        try:
            float(x[0])
        except TypeError:
            return x

    with pytest.raises(jf.TracerConversionError, match=r"test_tracer\.py"):
        jf.jvp(f, X, X)

    calls.clear()

    def g(x):
        calls.append(1)
        if len(calls) > 1:
            raise LookupError
        return np.array([float(t) for t in str(x).strip("[]").split()])

    y, dy = jf.jvp(g, X, X)
    assert np.allclose(y, X) and not dy.any()


def test_text_that_does_not_come_back_is_harmless():
    calls = []

    def f(x):
        calls.append(f"{x}")
        return np.ones(3)

    agrees(f, X)
    agrees(lambda x: np.ones(len(str(x)) // 100 + 1), X)
