"""Graphs element by element."""

import itertools

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.errors import BranchChangedError, UnsupportedFunctionError
from jacfwd.program.run import Interpreter
from jacfwd.program.scalars import scalarised
from tests.rules.every import every_call
from tests.rules.recorded import flat_function

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
FUNCTIONS = [
    (function, [(args, kwargs) for _, args, kwargs in group])
    for function, group in itertools.groupby(every_call(), key=lambda call: call[0])
    if function is not np.einsum_path  # its result holds text
]


def flat(arrays):
    return [x for array in arrays for x in np.ravel(array)]


@pytest.mark.parametrize(("function", "samples"), FUNCTIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_every_rule(function, samples):
    for args, kwargs in samples:
        f, primals = flat_function(function, args, kwargs)
        try:
            graph = jf.trace(f, *primals).data if primals else None
        except UnsupportedFunctionError:
            continue
        small = None if graph is None else scalarised(graph)
        if small is None:
            continue
        found, expected = Interpreter(small)(flat(primals)), flat(Interpreter(graph)(primals))
        for x, wanted in zip(found, expected, strict=True):
            np.testing.assert_allclose(x, wanted, rtol=1e-13, atol=1e-13)


def test_structure_is_left_out():
    def f(x):
        y = np.zeros(3)
        y[1] = 2.0
        return np.concatenate([x, y]) * np.array([1.0, 0.0, 3.0, 1.0, 1.0])

    small = scalarised(jf.trace(f, np.ones(2)).data)
    # x[0] * 1 and x[1] * 0: one is x[0] itself; a plain zero is not strong, for x[1] may be infinite.
    assert str(small).count("multiply") == 1
    assert small.outputs[0].node == 0
    assert [out.value for out in small.outputs[2:]] == [0.0, 2.0, 0.0]


def test_the_derivative_of_a_small_function_has_no_zeros():
    graph = jf.trace(jf.jacobian(lambda x: np.stack([x[0] * x[1], np.sin(x[1])])), np.ones(2)).data
    small = scalarised(graph)
    assert [node.primitive.short for node in small.nodes if node.primitive is not None] == ["cos"]


def test_guards_are_checked_element_by_element():
    graph = jf.trace(lambda x: x[np.argsort(x)], np.array([3.0, 1.0])).data
    small = scalarised(graph)
    if small is not None:
        with pytest.raises(BranchChangedError):
            Interpreter(small)([1.0, 3.0])


def test_large_and_special_graphs_are_not_written_out():
    assert scalarised(jf.trace(np.sin, np.ones(5000)).data) is None
    assert scalarised(jf.trace(np.linalg.inv, np.eye(2)).data) is None
    assert scalarised(jf.trace(np.sin, np.ones(2, np.float32)).data) is None
    assert scalarised(jf.trace(lambda a: a @ a, np.eye(9)).data, most=700) is None
