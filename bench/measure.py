"""Timing tools: interleaved repeats after a warm-up, and ratios of their medians.

Every round times each contender once, and what is compared is their ratio within the round. The clock is
the processor time of this process: on a machine that has other work too, elapsed time counts the slices that
went to others, and these fall on a short function and on a long one unequally (they made a ratio of 63 look
like 40). It adds up the time of threads, so that contenders have to be compared on one thread.
"""

import dataclasses
import gc
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.problems import Problem
from jacfwd.differences import complex_step, richardson

Array = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True)
class Timings:
    """Seconds per call of several contenders: `samples[name]` has one element for each round."""

    samples: Mapping[str, Array]

    def seconds(self, name: str) -> float:
        """Median time of one call."""
        return float(np.median(self.samples[name]))

    def ratio(self, name: str, base: str) -> float:
        """Median over the rounds of time over time in the same round."""
        return float(np.median(self.samples[name] / self.samples[base]))


def interleaved(calls: Mapping[str, Callable[[], object]], *, rounds: int = 9, at_least: float = 0.01) -> Timings:
    """Time every call once per round, each sample as many calls long as last `at_least` seconds.

    The first call of each, with whatever it prepares, is the warm-up and stays outside the clock.
    """
    numbers = {name: repetitions(call, at_least) for name, call in calls.items()}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            samples[name].append(seconds_per_call(call, numbers[name]))
    return Timings({name: np.array(times) for name, times in samples.items()})


def repetitions(call: Callable[[], object], at_least: float) -> int:
    """How many calls last about `at_least` seconds, after one call that is not counted."""
    call()
    number = 1
    while True:
        spent = seconds_per_call(call, number) * number
        if spent >= at_least:
            return number
        number = max(2 * number, min(10 * number, int(number * 1.2 * at_least / max(spent, 1e-9))))


def seconds_per_call(call: Callable[[], object], number: int) -> float:
    """Mean processor time of `number` calls in a row, with the garbage collector at rest."""
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        for _ in range(number):
            call()
        return (time.process_time() - start) / number
    finally:
        gc.enable()


def peak_memory(call: Callable[[], object]) -> int:
    """Largest number of bytes allocated at one time during the call, beyond what was there before it."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def growth(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Slope of log(values) over log(sizes) by least squares: the exponent p of values ~ sizes^p."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def direction_of(problem: Problem) -> Array:
    """A seeded random direction at the problem's point."""
    return np.random.default_rng(99).normal(size=problem.point.shape)


def verify(problem: Problem, direction: Array, derivative: npt.ArrayLike) -> None:
    """Confirm a directional derivative by a complex step, or by differences where that is impossible.

    Raises
    ------
    AssertionError
        A benchmark of a wrong result is a defect.
    """
    if problem.analytic:
        expected, tolerance = complex_step(problem.function, problem.point, direction), 1e-12
    else:
        expected, tolerance = richardson(problem.function, problem.point, direction)[0], 1e-8
    bound = tolerance * np.max(np.abs(expected))
    np.testing.assert_allclose(derivative, expected, rtol=0, atol=bound, err_msg=problem.title)
