"""JVP over f with pytest-benchmark: `python -m pytest bench/test_jvp.py`."""

import pytest

from bench.jvp import contenders, problems


@pytest.mark.parametrize("problem", problems(), ids=lambda problem: f"{problem.name}-{problem.n}")
@pytest.mark.parametrize("name", ["f", "jvp", "replay"])
def test_cost_of_one_jvp(benchmark, name, problem):
    benchmark.group = problem.title
    benchmark(contenders(problem)[name])
