"""Compiled programs: the same numbers as interpretation, quick and careful, in blocks, on threads, again and again."""

import pickle
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import jacfwd as jf
from bench.problems import PROBLEMS
from jacfwd.program import schedule, threads
from jacfwd.program.jacobian import SparseJacobian
from tests.awkward import FUNCTIONS, POINT
from tests.laws.programs import programs

every_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name + "-" + p.title.replace(" ", "_"))


@pytest.fixture(params=["whole", "blocks", "threads"])
def sizes(request, monkeypatch):
    """Arrays as they are, in blocks of four elements, and these shared by two threads."""
    if request.param != "whole":
        monkeypatch.setattr(schedule, "BLOCK", 4)
        monkeypatch.setattr(schedule, "LEAST", 5)
    monkeypatch.setattr(threads.POOL, "count", 2 if request.param == "threads" else 1)
    monkeypatch.setattr(threads, "WORTH", 1)


@np.errstate(all="ignore")
def agree(function, points, least=0.0):
    """All programs of a function's Jacobian, values included, at several points."""
    G = jf.trace(function, points[0])
    J = SparseJacobian(G.data, [points[0]], G.data.inputs, values=True)
    for x in points:
        kept = np.array(x)
        try:
            values, expected = J.interpreted([x])
        except jf.BranchChangedError:
            with pytest.raises(jf.BranchChangedError):
                J([x])
            continue
        for careful in (False, True):
            data = J.slots.template.copy()
            try:
                with np.errstate(all="ignore", invalid="ignore" if careful else "raise"):
                    found = J.run.program(careful)([x], data)
            except FloatingPointError:
                assert not careful
                continue
            close(data, expected.data, least)
            for value, other in zip(found, values, strict=True):
                close(value, other, least)
                assert np.shape(value) == np.shape(other) and value.dtype == other.dtype
        found, matrix = J([x])
        close(matrix.data, expected.data, least)
        np.testing.assert_array_equal(x, kept)
        assert not any(np.shares_memory(value, x) for value in found)


def close(value, expected, least=0.0):
    """Agreement to 1e-13 of the largest entry, or of what it is the difference of."""
    scale = np.abs(np.where(np.isfinite(expected), expected, 0)).max(initial=least)
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-13 * scale)


@every_problem
@pytest.mark.usefixtures("sizes")
def test_problems(problem):
    agree(problem.function, [problem.point, problem.point * 1.01, problem.point * 0.98])


@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())
@pytest.mark.usefixtures("sizes")
def test_awkward_graphs(f):
    agree(lambda x: first_leaf(f(x)), [POINT, POINT * 1.02])


def first_leaf(value):
    if isinstance(value, tuple) and not value:
        return np.zeros(0)
    while isinstance(value, dict | tuple):
        value = next(iter(value.values())) if isinstance(value, dict) else value[0]
    return value


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
@pytest.mark.usefixtures("sizes")
def test_random_programs(program):
    # Values are of order one, and derivatives as small as `1 - tanh(x)^2` are differences of such.
    agree(program, [program.point, program.point * 1.01], least=1.0)


def test_products_are_strong_where_they_meet_what_is_not_finite():
    # At 0 the square root has an infinite derivative, which its neighbours' zeros must not meet.
    G = jf.trace(lambda x: np.concatenate([np.sqrt(x), x * 2])[:4] * np.array([1.0, 0, 1, 1]), np.array([1.0, 4.0]))
    J = G.jacobian(np.array([0.0, 0.0]), sparse=True).toarray()
    np.testing.assert_array_equal(J, [[np.inf, 0], [0, 0], [2, 0], [0, 2]])
    np.testing.assert_array_equal(G.jacobian(np.array([4.0, 1.0]), sparse=True).toarray()[0], [0.25, 0])


def test_many_points_that_are_not_finite():
    def f(x):
        return np.sqrt(x) * np.exp(-x) * x

    G = jf.trace(f, np.array([1.0, 4.0]))
    fresh = jf.jacobian(f, sparse=True)
    for k in range(12):
        x = np.array([0.0 if k % 5 else 1.0, float(k)])
        np.testing.assert_allclose(G.jacobian(x, sparse=True).toarray(), fresh(x).toarray(), rtol=1e-14)


def test_runs_may_overlap():
    problem = PROBLEMS[0]
    G = jf.trace(problem.function, problem.point)
    points = [problem.point * (1 + 0.01 * k) for k in range(8)]
    expected = [G.jacobian(x, sparse=True).data for x in points]
    wrong = []

    def work(k):
        for _ in range(50):
            if not np.array_equal(G.jacobian(points[k], sparse=True).data, expected[k]):
                wrong.append(k)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_an_error_in_the_middle_leaves_nothing_behind():
    G = jf.trace(lambda x: np.linalg.inv(np.reshape(x, (2, 2))), np.array([2.0, 1, 1, 3]))
    good = G.jacobian(np.array([2.0, 1, 1, 3]), sparse=True).toarray()
    with pytest.raises(np.linalg.LinAlgError):
        G.jacobian(np.ones(4), sparse=True)
    np.testing.assert_array_equal(G.jacobian(np.array([2.0, 1, 1, 3]), sparse=True).toarray(), good)


def test_programs_are_not_pickled_but_made_again():
    G = jf.trace(lambda x: np.sin(x) * x[0], np.arange(3.0))
    x = np.array([0.3, 0.2, 0.1])
    expected = G.jacobian(x, sparse=True).toarray()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(G)).jacobian(x, sparse=True).toarray(), expected)


def test_the_source_names_the_users_lines():
    G = jf.trace(lambda x: np.sin(x) ** 3, np.arange(3.0))
    J = SparseJacobian(G.data, [np.arange(3.0)], G.data.inputs)
    assert "test_compiled.py" in J.run.text and "sin(x0" in J.run.text


@pytest.mark.parametrize("n", [0, -1, 1.5, True, "2"])
def test_threads_are_counted(n):
    with pytest.raises(ValueError, match="positive number of threads"):
        threads.set_threads(n)
