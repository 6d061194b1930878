"""Graphs at many points: every rule against itself at one point after the other, branches, and failing points."""

import itertools
import pickle

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.batch.points import Points
from jacfwd.errors import BranchChangedError, UnsupportedFunctionError
from jacfwd.program.run import Interpreter
from tests.rules.every import every_call
from tests.rules.recorded import flat_function

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
FUNCTIONS = [
    (function, [(args, kwargs) for _, args, kwargs in group])
    for function, group in itertools.groupby(every_call(), key=lambda call: call[0])
    if function is not np.einsum_path  # its result holds text
]


def near(x, k):
    """The same point a little further."""
    return np.asarray(x) * (1 + 0.01 * k) if np.asarray(x).dtype.kind in "fc" else np.asarray(x)


def agree(graph, leaves):
    """The batch and the interpreter agree at every point, also on which points are of this branch."""
    count = len(leaves[0])
    outs, taken = Points(graph)(leaves)
    for k in range(count):
        try:
            expected = Interpreter(graph)([leaf[k] for leaf in leaves])
        except BranchChangedError:
            assert not taken[k]
            continue
        assert taken[k]
        for out, wanted in zip(outs, expected, strict=True):
            size = np.abs(np.asarray(wanted)[np.isfinite(wanted)]).max(initial=1) if out.dtype.kind in "fc" else 1
            rounding = 256 * np.finfo(out.dtype).eps * size if out.dtype.kind in "fc" else 0
            np.testing.assert_allclose(out[k], wanted, rtol=0, atol=rounding)
            assert out.dtype == np.asarray(wanted).dtype


@pytest.mark.parametrize(("function", "samples"), FUNCTIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_every_rule(function, samples):
    for args, kwargs in samples:
        f, primals = flat_function(function, args, kwargs)
        if not primals:
            continue
        try:
            graph = jf.trace(f, *primals).data
        except UnsupportedFunctionError:
            continue
        agree(graph, [np.stack([near(x, k) for k in range(3)]) for x in primals])


def wavy(x):
    out = np.zeros(3)
    out[0] = np.sin(x[0]) * x[1] if x[0] > 0 else x[1] / x[0]
    out[1:] = np.cumsum(x[:2] * x[1:])
    return out


X = np.random.default_rng(4).normal(size=(50, 3))


@pytest.mark.parametrize("chunk", [1, 7, 50, 1000])
def test_points_of_another_branch_are_told_apart(chunk):
    graph = jf.trace(wavy, np.ones(3)).data
    outs, taken = Points(graph)([X], chunk)
    np.testing.assert_array_equal(taken, X[:, 0] > 0)
    expected = np.array([wavy(x) for x in X[taken]])
    np.testing.assert_allclose(outs[0][taken], expected, rtol=1e-14)


def test_large_nodes_stay_arrays():
    graph = jf.trace(lambda x: np.sort(np.tanh(x))[::-1] * x.max(), np.arange(3000.0)).data
    points = Points(graph)
    assert not points.by_element
    agree(graph, [np.arange(3000.0) * np.linspace(1, 2, 5)[:, None]])


def test_points_pickle():
    points = pickle.loads(pickle.dumps(Points(jf.trace(wavy, np.ones(3)).data)))
    np.testing.assert_array_equal(points([X])[1], X[:, 0] > 0)


def test_a_point_that_fails_is_named():
    graph = jf.trace(np.linalg.inv, np.eye(2)).data
    batch = np.stack([np.eye(2), np.zeros((2, 2)), np.eye(2)])
    with pytest.raises(np.linalg.LinAlgError) as failure:
        Points(graph)([batch])
    assert "at point 1 of a block of 3 points" in failure.value.__notes__


def test_a_point_of_another_branch_may_fail():
    def f(a):
        return np.linalg.inv(a) if a[0, 0] > 0 else a

    graph = jf.trace(f, np.eye(2)).data
    batch = np.stack([np.eye(2), np.zeros((2, 2)), 2 * np.eye(2)])
    outs, taken = Points(graph)([batch])
    np.testing.assert_array_equal(taken, [True, False, True])
    np.testing.assert_array_equal(outs[0][2], np.eye(2) / 2)


def test_no_points():
    outs, taken = Points(jf.trace(wavy, np.ones(3)).data)([np.zeros((0, 3))])
    assert outs[0].shape == (0, 3)
    assert taken.shape == (0,)


def test_zeros_are_strong():
    graph = jf.trace(jf.gradient(lambda x: np.sum(np.sqrt(x)), method="reverse"), np.ones(2)).data
    batch = np.array([[1.0, 4.0], [0.0, 1.0]])
    np.testing.assert_array_equal(Points(graph)([batch])[0][0], [[0.5, 0.25], [np.inf, 0.5]])


def test_equal_points_do_not_decide_how_others_are_computed():
    graph = jf.trace(lambda x: np.cumprod(x) * np.std(np.tile(x, 2000)), np.ones(3)).data
    points = Points(graph)
    same, others = np.ones((4, 3)), np.random.default_rng(1).normal(size=(4, 3))
    assert not points.by_element
    for batch in (same, others, same):
        outs, taken = points([batch])
        assert taken.all()
        expected = [Interpreter(graph)([x])[0] for x in batch]
        np.testing.assert_allclose(outs[0], expected, rtol=1e-13, atol=1e-15)
