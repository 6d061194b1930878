"""Batched graphs compute what the graphs they were made of compute, and refuse the same points."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import jacfwd as jf
from bench.problems import PROBLEMS
from jacfwd.program import batches
from jacfwd.program.batches import batched
from tests.awkward import FUNCTIONS, POINT
from tests.laws.programs import programs


@pytest.fixture
def eager(monkeypatch):
    """Batches from the first pair of operations on."""
    monkeypatch.setattr(batches, "WORTH", 1)
    monkeypatch.setattr(batches, "FEWEST", 2)


def agree(f, points):
    G = jf.trace(f, points[0])
    made = batches.Batches(G.data).graph()
    for x in points:
        try:
            expected = G.data.results(G.data.evaluate([x]))
        except jf.BranchChangedError:
            with pytest.raises(jf.BranchChangedError):
                made.evaluate([x])
            continue
        for value, other in zip(made.results(made.evaluate([x])), expected, strict=True):
            np.testing.assert_allclose(value, other, rtol=1e-14, atol=1e-14 * np.abs(other).max(initial=0))
            assert np.shape(value) == np.shape(other) and np.asarray(value).dtype == np.asarray(other).dtype
    return made


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.title)
def test_problems(problem):
    agree(problem.function, [problem.point, problem.point * 1.01])


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_awkward_graphs(f):
    agree(f, [POINT, POINT * 1.02])


@pytest.mark.usefixtures("eager")
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_random_programs(program):
    with np.errstate(all="ignore"):
        agree(program, [program.point, program.point * 1.01])


def stencil(x):
    out = np.zeros(len(x))
    for i in range(1, len(x) - 1):
        out[i] = (1 + x[i] ** 2) * (x[i - 1] - 2 * x[i] + x[i + 1])
    return out


def with_constants(x):
    return np.array([np.sin(i * x[i]) + i**0.5 / x[i] ** i - np.float32(i) * x[i] for i in range(len(x))])


def branching(x):
    return np.array([x[i] ** 2 if x[i] > 0 else np.exp(x[i]) for i in range(len(x))])


def rows(x):
    a = np.reshape(x, (-1, 4))
    found = [np.cross(a[i, :3], a[i - 1, 1:]) * a[i, 0] + np.sqrt(a[i, 3] ** 2 + 1) for i in range(len(a))]
    return np.stack(found)


def running(x):
    total, found = 0.0, []
    for value in x:
        total = total + np.tanh(value)
        found.append(total * value)
    return np.array(found)


def shared(x):
    scale = np.sum(x**2)
    return np.stack([np.maximum(x[i], scale) * scale - 1 / scale for i in range(len(x))])


def narrow(x):
    return np.array([x[i].astype(np.float32) * 2 + np.float32(0.1) * x[i].astype(np.float32) for i in range(len(x))])


def holes(x):
    a = np.reshape(x, (-1, 2, 2))
    return np.stack([np.tril(m) @ np.sin(m).T for m in a])


def neighbours(x):
    """A loop in a loop, with a matrix that is filled and read."""
    n = 6
    a = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            a[i, j] = x[i] * x[n + j] - np.abs(x[i] - x[j])
    return a @ x[:n] + a[:, 0]


LOOPS = [stencil, with_constants, branching, rows, running, shared, narrow, holes, neighbours]


@pytest.mark.parametrize("f", LOOPS, ids=lambda f: f.__name__)
def test_loops(f):
    x = np.random.default_rng(5).uniform(0.3, 1.7, 40)
    points = [x, x * 1.01, np.where(np.arange(40) == 30, -x, x)]
    made = agree(f, points)
    # Where each step needs the one before, there is nothing to join.
    assert f is running or len(made.nodes) < len(jf.trace(f, x).data.nodes)


@pytest.mark.parametrize("f", LOOPS, ids=lambda f: f.__name__)
def test_loops_as_programs(f):
    x = np.random.default_rng(5).uniform(0.3, 1.7, 40)
    G = jf.trace(f, x)
    v = np.cos(np.arange(40.0))
    for point in (x, x * 1.01):
        np.testing.assert_allclose(G(point), f(point), rtol=1e-6 if f is narrow else 1e-13)
        J = np.reshape(jf.jacobian(f)(point), (-1, 40))
        atol = (1e-6 if f is narrow else 1e-13) * np.abs(J).max()
        np.testing.assert_allclose(np.reshape(G.jacobian(point), J.shape), J, rtol=0, atol=atol)
        np.testing.assert_allclose(G.jacobian(point, sparse=True).toarray(), J, rtol=0, atol=atol)
        np.testing.assert_allclose(np.ravel(G.jvp(point, v)[1]), J @ v, rtol=0, atol=40 * atol)


def test_a_guard_of_the_loop_names_the_line():
    x = np.linspace(0.5, 1, 100)
    G = jf.trace(branching, x)
    assert len(batched(G.data).guards) == 1
    with pytest.raises(jf.BranchChangedError, match=r"test_batches\.py"):
        G(np.where(np.arange(100) == 70, -x, x))


def test_nothing_is_done_where_little_is_gained():
    G = jf.trace(lambda x: np.sin(x) * x[0], np.ones(3))
    assert batched(G.data) is G.data


def test_long_loops_stay_few_operations():
    x = np.linspace(0.5, 1, 500)
    assert len(batched(jf.trace(stencil, x).data).nodes) < 20
