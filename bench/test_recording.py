"""Recording with pytest-benchmark: `python -m pytest bench/test_recording.py`."""

import functools

import numpy as np
import pytest

import jacfwd as jf
from bench.problems import heat
from bench.recording import CHAIN_LENGTHS, LOOP_SIZES, scalar_chain


@pytest.mark.parametrize("length", CHAIN_LENGTHS)
def test_recording_a_scalar_chain(benchmark, length):
    benchmark.group = "scalar chain"
    benchmark(jf.trace, functools.partial(scalar_chain, length=length), np.float64(0.5))


@pytest.mark.parametrize("n", LOOP_SIZES)
def test_recording_a_loop(benchmark, n):
    benchmark.group = "P4"
    problem = heat(n)
    benchmark(jf.trace, problem.function, problem.point)
