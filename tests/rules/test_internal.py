"""Rules of the functions that recordings insert themselves, and the table that holds all rules."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from jacfwd import rules
from jacfwd.formats.dispatch import strong_product
from jacfwd.formats.fixed import FixedMatrix, fixed_product
from jacfwd.formats.index import IndexMap, scattered
from jacfwd.rules import internal
from jacfwd.testing import check_rule

X = np.array([[0.3, -1.2, 0.7], [2.1, 0.4, -0.9]])
HERE = IndexMap.of_positions(np.array([[4, 0], [4, 2]]), (2, 3))
CALLS = [
    (strong_product, (X, X[::-1] + 2), {}),
    (internal.view, (X,), {"index": HERE}),
    (internal.view, (X,), {"index": IndexMap((3, 2), (2, 3), affine=(0, (1, 3)))}),
    (internal.element, (X,), {"position": 4}),
    (internal.assemble, (X, X[0] * 2), {"index": IndexMap.of_positions(np.array([8, 0, 5, 6]), (9,))}),
    (internal.cast, (X,), {"dtype": np.dtype(np.float32)}),
    (internal.compound, (X, X[0]), {}),
    (internal.exact_sum, (X[0],), {}),
    (internal.add_at, (X, X[0]), {"positions": np.array([1, 1, 5])}),
    (internal.add_at, (X[:, ::2], np.float64(0.5)), {"positions": np.array([1, 1])}),
    (internal.segment_sums, (X,), {"starts": np.array([0, 1]), "axis": 1}),
    (internal.segment_sums, (X,), {"starts": np.array([2, 0, 1]), "axis": 1}),
    (internal.segment_sums, (X,), {"starts": np.array([1, 0]), "axis": 0}),
    (scattered, (X,), {"index": IndexMap.of_positions(np.array([3, 0, 3]), (4,))}),
    (fixed_product, (X,), {"matrix": FixedMatrix(*np.array([[3, 0, 3], [2, 0, 1]]), np.array([2.0, 0, -1]), (4, 3))}),
]


@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=lambda v: getattr(v, "__name__", ""))
def test_rules(function, args, kwargs):
    kept = [np.array(x) for x in args]
    check_rule(function, *args, **kwargs)
    for x, before in zip(args, kept, strict=True):
        np.testing.assert_array_equal(x, before)


def test_every_function_has_a_call():
    assert {function for function, _, _ in CALLS} | {internal.fails, internal.held} == set(internal.RULES)


def test_values():
    np.testing.assert_array_equal(internal.view(X, index=HERE), [[0.4, 0.3], [0.4, 0.7]])
    assert internal.element(X, position=4) == 0.4
    index = IndexMap.of_positions(np.array([[6, 0], [5, 7]]), (8,))
    np.testing.assert_array_equal(internal.assemble(X, np.array([7.0, 8.0]), index=index), [[7.0, 0.3], [-0.9, 8.0]])
    assert type(internal.cast(np.float64(1.5), dtype=np.dtype(np.float32))) is np.float32
    assert internal.cast(X, dtype=np.dtype(np.float32)).dtype == np.float32
    z = internal.compound(np.array([1.0, -0.0]), np.inf)
    np.testing.assert_array_equal(z.real, [1, -0.0])
    assert z.imag.tolist() == [np.inf, np.inf] and z.dtype == np.complex128
    assert internal.compound(np.float32(1), np.float32(2)).dtype == np.complex64
    assert internal.exact_sum(np.array([1e100, 1.0, -1e100])) == 1.0
    np.testing.assert_array_equal(internal.add_at(X, np.array([1.0, 2, 3]), positions=np.array([1, 1, 5]))[0, 1], 1.8)
    sums = internal.segment_sums(np.arange(6.0), starts=np.array([0, 4, 2]), axis=0)
    np.testing.assert_array_equal(sums, np.add.reduceat(np.arange(6.0), [0, 4, 2]))


def test_a_copy_is_added_to():
    x = np.zeros((2, 2), order="F")
    out = internal.add_at(x, 1.0, positions=np.array([1]))
    np.testing.assert_array_equal(out, [[0, 1], [0, 0]])
    assert not x.any()


def test_what_fails():
    import math

    assert not internal.fails(np.float64(1.0), function=math.sqrt)
    assert internal.fails(np.float64(-1.0), function=math.sqrt)
    assert internal.fails(np.float64(1e9), function=math.exp)
    assert internal.fails(1.0, function=math.sqrt) is np.False_


def test_segments_that_hold_a_single_element():
    call = rules.TABLE[internal.segment_sums]
    from jacfwd.primitive import Call

    x, params = np.arange(4.0), {"starts": np.array([3, 1, 2]), "axis": 0}
    fmt = call.local(Call(call, internal.segment_sums(x, **params), (x,), params), 0)
    rows, cols, _ = fmt.coo()
    assert sorted(zip(rows.tolist(), cols.tolist(), strict=True)) == [(0, 3), (1, 1), (2, 2), (2, 3)]


class TestTheTable:
    def test_functions_are_found(self):
        assert rules.find(np.sin) is rules.TABLE[np.sin]
        assert rules.find(len) is None and rules.find([]) is None

    def test_primitives_are_found_by_name(self):
        assert rules.by_name("numpy:sin") is rules.TABLE[np.sin]
        assert pickle.loads(pickle.dumps(rules.TABLE[np.sin])) is rules.TABLE[np.sin]
        with pytest.raises(KeyError):
            rules.by_name("numpy:no_such_name")

    def test_names_of_scipy_join_in_when_it_is_imported(self):
        script = """
import sys, pickle
import jacfwd.rules as rules
assert "scipy.special" not in sys.modules
assert rules.by_name("scipy.special:erf").name == "scipy.special:erf"
import scipy.special
assert rules.find(scipy.special.expit).name == "scipy.special:expit"
assert rules.find(scipy.special.expit) is rules.by_name("scipy.special:expit")
"""
        subprocess.run([sys.executable, "-c", script], check=True)

    def test_a_function_has_one_rule(self):
        primitives = {id(primitive): primitive.name for primitive in rules.TABLE.values()}
        assert len(primitives) == len(set(primitives.values()))
