"""The n-fold cost over input count with pytest-benchmark: `python -m pytest bench/test_nfold.py`."""

import pytest

from bench.nfold import SIZES, contenders


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", ["f", "jvp", "jacfwd", "reverse"])
def test_cost_over_number_of_inputs(benchmark, name, n):
    benchmark.group = name
    benchmark.extra_info["n"] = n
    benchmark(contenders(n)[name])
