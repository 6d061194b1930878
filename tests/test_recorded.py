"""One run of a function: outputs, tangents and auxiliary values as the user gets them."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field

import numpy as np
import pytest

import jacfwd as jf
from tests.awkward import FUNCTIONS, POINT

Pair = namedtuple("Pair", "first second")
every = pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())


@dataclass
class Report:
    total: object
    note: str = "none"
    computed: object = field(init=False, default=1.0)


def leaves(value):
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple):
        return [leaf for part in value for leaf in leaves(part)]
    return [value]


READINGS = {
    "jvp": lambda f, x: jf.jvp(f, x, x),
    "linearize": lambda f, x: (jf.linearize(f, x)[0], jf.linearize(f, x)[1](x)),
    "value_and_jacobian": lambda f, x: jf.value_and_jacobian(f)(x),
    "forward": lambda f, x: jf.jacobian(f, method="forward")(x),
    "reverse": lambda f, x: jf.jacobian(f, method="reverse")(x),
    "accumulate": lambda f, x: jf.jacobian(f, method="accumulate")(x),
    "graph": lambda f, x: (jf.trace(f, x)(x), jf.trace(f, x).jvp(x, x)),
}


@every
@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS.keys())
def test_results_are_numbers_or_new_writeable_arrays(f, reading):
    x = POINT.copy()
    found = leaves(reading(f, x))
    for k, leaf in enumerate(found):
        if isinstance(leaf, np.generic):
            continue
        assert type(leaf) is np.ndarray and leaf.ndim > 0
        assert leaf.flags.writeable and not np.shares_memory(leaf, x)
        assert not any(np.shares_memory(leaf, other) for other in found[:k])
    np.testing.assert_array_equal(x, POINT)


@every
def test_values_are_those_of_plain_arrays(f):
    expected, shape = leaves(f(POINT)), type(f(POINT))
    for y in (jf.jvp(f, POINT, POINT)[0], jf.linearize(f, POINT)[0], jf.trace(f, POINT)(POINT)):
        assert type(y) is shape or shape not in (tuple, dict)
        for leaf, other in zip(leaves(y), expected, strict=True):
            np.testing.assert_array_equal(leaf, other)
            assert leaf.dtype == np.asarray(other).dtype


@every
def test_the_tape_and_the_sweep_agree(f):
    v = np.array([1.0, -2.0, 0.5])
    y, dy = jf.jvp(f, POINT, v)
    _, J = jf.linearize(f, POINT)
    assert type(J(v)) is type(dy) is type(y)
    for a, b, value in zip(leaves(dy), leaves(J(v)), leaves(y), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-13)
        assert a.dtype == b.dtype == value.dtype and np.shape(a) == np.shape(value)


def test_results_do_not_change_with_the_functions_own_buffers():
    kept = []

    def f(x):
        buffer = np.zeros(3)
        buffer[:] = x * 2
        kept.append(buffer)
        return buffer, buffer[:2]

    (y, part), (dy, _) = jf.jvp(f, POINT, POINT)
    y[:] = 0
    np.testing.assert_array_equal(part, 2 * POINT[:2])
    np.testing.assert_array_equal(dy, 2 * POINT)


def test_outputs_that_are_the_functions_constants():
    constant = np.array([1.0, 2.0])
    for y in (
        jf.jvp(lambda x: constant, POINT, POINT)[0],
        jf.linearize(lambda x: constant, POINT)[0],
        jf.trace(lambda x: constant, POINT)(POINT),
    ):
        assert y is not constant and not np.shares_memory(y, constant)


# Auxiliary values


def with_aux(x):
    total = np.sum(x)
    aux = {
        "total": total,
        "list": [x, 1, "text"],
        "ordered": OrderedDict(a=x[0]),
        "pair": Pair(x, None),
        "tuple": (x * 2, total > 0),
        "report": Report(total, "fine"),
        "class": Report,
        "plain": np.arange(3),
    }
    return x * x, aux


@pytest.mark.parametrize(
    "aux_of",
    [
        lambda f: jf.jacobian(f, has_aux=True)(POINT)[1],
        lambda f: jf.value_and_jacobian(f, has_aux=True)(POINT)[0][1],
        lambda f: jf.jacfwd(f, has_aux=True)(POINT)[1],
        lambda f: jf.jvp(f, POINT, POINT, has_aux=True)[2],
        lambda f: jf.linearize(f, POINT, has_aux=True)[2],
    ],
)
def test_tracers_in_aux_become_values(aux_of):
    aux = aux_of(with_aux)
    assert type(aux["total"]) is np.float64 and aux["total"] == np.sum(POINT)
    assert type(aux["list"]) is list and type(aux["list"][0]) is np.ndarray and aux["list"][1:] == [1, "text"]
    assert type(aux["ordered"]) is OrderedDict and aux["ordered"]["a"] == POINT[0]
    assert type(aux["pair"]) is Pair and aux["pair"].second is None
    np.testing.assert_array_equal(aux["pair"].first, POINT)
    assert type(aux["tuple"]) is tuple and aux["tuple"][1] == np.True_
    assert type(aux["report"]) is Report and aux["report"].total == np.sum(POINT)
    assert aux["class"] is Report
    np.testing.assert_array_equal(aux["plain"], np.arange(3))


@pytest.mark.parametrize("out", [lambda x: x, lambda x: (x, x, x), lambda x: [x, x]])
def test_aux_needs_a_pair(out):
    for call in (
        lambda: jf.jacobian(out, has_aux=True)(POINT),
        lambda: jf.jvp(out, POINT, POINT, has_aux=True),
        lambda: jf.linearize(out, POINT, has_aux=True),
    ):
        with pytest.raises(TypeError, match=r"the function must return \(out, aux\), got"):
            call()


def test_aux_of_an_outer_derivative_stays_traced():
    def f(x):
        J, aux = jf.jacobian(lambda y: (y * x, y), has_aux=True)(x)
        return J @ aux

    np.testing.assert_allclose(jf.jacobian(f)(POINT), np.diag(2 * POINT))


def test_in_place_changes_of_an_input_stay_inside():
    def f(x):
        x *= 2
        return x * x

    x = POINT.copy()
    np.testing.assert_array_equal(jf.jacobian(f)(x), np.diag(8 * POINT))
    jf.jvp(f, x, x)
    jf.linearize(f, x)
    jf.trace(f, x)(x)
    np.testing.assert_array_equal(x, POINT)
