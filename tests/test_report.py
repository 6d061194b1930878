"""The cost report: counts are exact, times are plausible, and what follows from them is arithmetic."""

import json
import math

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.cost import cost_of
from jacfwd.report import Growth, Report
from tests.draw.test_boxes import words

W = np.array([[1.0, 0.5, -0.3], [0.2, -1.0, 0.7], [-0.4, 0.9, 1.1]]) / 2


def loss(x):
    return np.sum(np.sin(x) * np.exp(x))


def network(depth):
    def f(x):
        for _ in range(depth):
            x = W @ x
        return np.sum(x)

    return f


@pytest.fixture(scope="module")
def measured():
    return jf.cost.report(loss, np.linspace(0, 1, 64), seconds=1.0)


def made(**changes):
    """A report with times chosen here: 1 s for f, 2 s for one seed and 1/2 s for each further one."""
    cost = cost_of(jf.trace(loss, np.ones(64)).at().chain())
    seeds = [(k, 1.5 + 0.5 * k) for k in (1, 4, 16, 64)]
    fields = {
        "cost": cost,
        "seconds": {"f": 1.0, "jvp": 2.0, "forward": 34.0, "reverse": 6.0},
        "replayed": {"f": 1.0},
        "skipped": {"accumulate": "about 9 s"},
        "seeds": seeds,
        "growth": [Growth(0, 0, 64), Growth(1, 128, 128)],
    }
    return Report(**fields | changes)


def test_counts_times_and_methods(measured):
    assert measured.cost == jf.trace(loss, np.linspace(0, 1, 64)).cost()
    assert {"f", "jvp", "forward", "accumulate", "reverse"} <= measured.seconds.keys()
    assert all(0 < t < 1 for t in measured.seconds.values())
    assert not measured.skipped
    assert measured.replayed.keys() == {"f", "jvp", "accumulate"}
    assert [k for k, _ in measured.seeds] == [1, 4, 16, 64]


def test_the_text_has_every_part(measured):
    lines = str(measured).splitlines()
    heads = [line.split()[0] for line in lines if line.strip()]
    assert {"value", "f", "jvp", "forward", "differences", "grouped", "1,000,000", "exponent", "level"} <= set(heads)


def test_what_follows_from_the_times():
    found = made()
    assert found.per_input == 0.5
    assert found.million == 500_000
    assert found.differences == {"differences": 65.0, "grouped differences": 65.0}
    # Forward: 2 + n / 2 against n + 1; it pays from n = 2. Reverse: 6 against n + 1, from n = 5.
    assert found.break_even == {"forward": 2.0, "reverse": 5.0}
    assert 0.5 < found.exponent < 1


def test_forward_never_pays_where_a_seed_costs_more_than_a_run():
    found = made(seeds=[(1, 2.0), (64, 2.0 + 63 * 1.5)])
    assert found.break_even["forward"] == math.inf
    assert "never" in str(found)


def test_few_inputs_are_not_extrapolated():
    found = jf.cost.report(lambda x, y: x * np.sin(y), 1.0, 2.0, seconds=0.5)
    assert math.isnan(found.million)
    assert "1,000,000" not in str(found)
    assert math.isnan(made(seeds=[(1, 2.0)]).exponent)
    found.plot()


@pytest.mark.parametrize(("depth", "paths"), [(1, 9), (2, 27), (10, 3**11), (40, 3**41)])
def test_paths_grow_exponentially_and_edges_linearly(depth, paths):
    found = jf.cost.report(network(depth), np.ones(3), seconds=0.0).growth
    assert found[-1] == Growth(depth + 1, 9 * depth + 3, paths)


def test_what_would_take_long_is_left_out():
    found = jf.cost.report(loss, np.ones(64), seconds=0.0)
    assert "forward" in found.skipped
    assert "forward: not measured, about" in str(found)
    assert "about 9 s" in str(made())


def test_large_chains_are_not_walked():
    found = jf.cost.report(lambda x: np.cumsum(x), np.ones(700), seconds=0.0)
    assert found.growth == []
    with pytest.raises(ValueError, match="too many edges"):
        found.plot_paths()


def test_structured_and_keyword_arguments():
    found = jf.cost.report(lambda p, k, s=1.0: s * p["a"] ** k, {"a": np.ones(3)}, 2, s=3.0, seconds=1.0)
    assert found.cost.n_inputs == 3
    assert "forward" in found.seconds


def test_as_json():
    data = json.loads(json.dumps(made().as_dict()))
    assert data["cost"]["jvp"]["mul"] == 4 * 64
    assert data["growth"][1] == {"level": 1, "edges": 128, "paths": 128}


def test_pictures():
    found = words(made().plot())
    assert {"The n-fold cost of forward mode", "forward, measured", "forward, extrapolated", "10⁶"} <= set(found)
    assert {"edges: 128", "paths: 128"} <= set(words(made().plot_paths()))
    assert "forward, measured" in words(jf.cost.plot(loss, np.ones(16), seconds=0.2))
