"""Programs on floats against interpretation: everywhere, at singular points too, with NumPy's types."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import jacfwd as jf
from bench.problems import PROBLEMS, logistic_scalar, mass_action, robertson
from jacfwd.program import numbers, reading
from jacfwd.program.jacobian import DenseJacobian, SparseJacobian
from jacfwd.program.numbers import UNLIKE, in_numbers
from jacfwd.rules import TABLE
from tests.awkward import FUNCTIONS, POINT
from tests.laws.programs import programs


@pytest.fixture
def always(monkeypatch):
    """Numbers wherever they can be had."""
    monkeypatch.setattr(numbers, "ARRAY", 1e9)


def close(value, expected, least=0.0):
    """Agreement to 1e-13 of the largest entry, or of what it is the difference of."""
    scale = np.abs(np.where(np.isfinite(expected), expected, 0)).max(initial=least)
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-13 * scale)
    assert np.shape(value) == np.shape(expected) and value.dtype == np.asarray(expected).dtype
    assert type(value) is type(np.asarray(value)[()]) if np.ndim(value) == 0 else type(value) is np.ndarray


@np.errstate(all="ignore")
def agree(f, points, least=0.0):
    """Whether a function's programs run on floats at all; they must give what interpretation gives."""
    G = jf.trace(f, points[0])
    dense = DenseJacobian(G.data, [points[0]], G.data.inputs, values=True)
    sparse = SparseJacobian(G.data, [points[0]], G.data.inputs, values=True)
    for x in points:
        for made in (dense, sparse):
            try:
                values, expected = made.interpreted([x])
            except jf.BranchChangedError:
                with pytest.raises(jf.BranchChangedError):
                    made([x])
                continue
            found, J = made([x])
            for value, other in zip(found, values, strict=True):
                close(value, other)
            close(J.data if made is sparse else J, expected.data if made is sparse else expected)
    return dense.run.small() is not None


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.title)
def test_problems(problem):
    agree(problem.function, [problem.point, problem.point * 1.01, problem.point * 0, -problem.point])


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_awkward_graphs(f):
    def first(x):
        value = f(x)
        while isinstance(value, dict | tuple):
            value = np.zeros(0) if not value else next(iter(value.values())) if isinstance(value, dict) else value[0]
        return value

    agree(first, [POINT, POINT * 1.02, POINT * 0])


@pytest.mark.usefixtures("always")
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_random_programs(program):
    # Values are of order one, and derivatives as small as `1 - tanh(x)^2` are differences of such.
    agree(program, [program.point, program.point * 1.01], least=1.0)


SPECIAL = [0.0, -0.0, 1.0, -2.0, 0.5, 1e308, -1e308, np.inf, np.nan]
WRITTEN = [f for f in numbers.CALLED if isinstance(f, np.ufunc)] + [
    f for f in numbers.SPELLED if isinstance(f, np.ufunc)
]


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("f", WRITTEN, ids=lambda f: f.__name__)
def test_every_function_at_special_points(f):
    logical = TABLE[f] in numbers.LOGICAL

    def function(x):
        operands = [x[k] > 0.25 for k in range(f.nin)] if logical else [x[k] for k in range(f.nin)]
        value = f(*operands)
        return np.array([np.where(value, x[0], x[1]) if value.dtype == bool else value * x[1]])

    points = [np.array([a, b]) for a in SPECIAL for b in SPECIAL]
    points.sort(key=lambda x: not np.isfinite(x).all())
    start = np.array([1.5, 2.5]) if f is np.arccosh else np.array([0.3, 0.4])
    assert agree(function, [start, *points])


@pytest.mark.parametrize("problem", [logistic_scalar(), robertson()], ids=lambda p: p.name)
def test_tiny_systems_run_on_floats(problem):
    assert agree(problem.function, [problem.point])


def test_systems_run_on_arrays_where_these_are_faster():
    x = np.linspace(0.1, 1, 300)
    G = jf.trace(lambda x: np.sin(x) * x, x)
    made = reading.value(G.data, [x])
    assert in_numbers(made.graph, 1, None) is None
    close(made([x])[0][0], np.sin(x) * x)
    p = mass_action()
    assert agree(p.function, [p.point]) is False


def test_branches_are_guarded():
    G = jf.trace(lambda a, b: a * b if a > b else a - b, 3.0, 2.0)
    assert G(5.0, 4.0) == 20 and type(G(5.0, 4.0)) is np.float64
    assert "> x1" in G.source
    with pytest.raises(jf.BranchChangedError, match=r"test_numbers\.py"):
        G(1.0, 2.0)


def test_what_python_refuses_is_left_to_arrays():
    G = jf.trace(lambda x: np.exp(x) / x, 1.0)
    small = reading.value(G.data, [np.float64(1.0)]).run.small()
    for x in (1000.0, 0.0):
        with pytest.raises(UNLIKE):
            small(x, None)
        with np.errstate(all="ignore"):
            assert G(x) == np.exp(x) / x


def test_zeros_stay_strong():
    def f(x):
        return np.array([np.sqrt(x[0]) * 0.0 + x[1], x[0] * np.sqrt(x[1])])

    G = jf.trace(f, np.ones(2))
    for x in (np.array([0.0, 2.0]), np.array([0.0, 0.0])):
        np.testing.assert_array_equal(G.jacobian(x), jf.jacobian(f)(x))


def test_functions_that_have_no_counterpart():
    for f in (lambda x: np.floor(x) * x, lambda x: (x * 1j).imag, lambda x: np.float32(2) * x.astype(np.float32)):
        G = jf.trace(f, 1.5)
        assert reading.value(G.data, [np.float64(1.5)]).run.small() is None
        assert G(2.5) == f(np.float64(2.5))
