"""What does it cost to record an operation? A chain of scalar operations, and the loop of P4."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

import jacfwd as jf
from bench.measure import Timings, direction_of, growth, interleaved, verify
from bench.problems import heat
from bench.report import Row, Section

Array = npt.NDArray[Any]

CHAIN_LENGTHS = (500, 1000, 2000, 4000)
LOOP_SIZES = (100, 1000, 10**4)


def scalar_chain(x: Array, length: int) -> Array:
    """`length` scalar operations, sums and products in turn, that neither grow nor vanish."""
    for _ in range(length // 2):
        x = x * 0.75 + 0.25
    return x


def measure_chain(lengths: Sequence[int] = CHAIN_LENGTHS, rounds: int = 9) -> list[Row]:
    """Time to trace chains of scalar operations; verified against 0.75^(length / 2)."""
    x = np.float64(0.5)
    rows: list[Row] = []
    for length in lengths:
        f = partial(scalar_chain, length=length)
        np.testing.assert_allclose(jf.jvp(f, x, np.float64(1))[1], 0.75 ** (length // 2), rtol=1e-12)
        timings = interleaved({"f": partial(f, x), "trace": partial(jf.trace, f, x)}, rounds=rounds)
        rows.append(recording_row("scalar chain", length, timings, operations=length))
    return rows


def measure_loop(sizes: Sequence[int] = LOOP_SIZES, rounds: int = 5) -> list[Row]:
    """Time to trace P4 as a loop, six operations, four reads and a write per element; verified first."""
    rows: list[Row] = []
    for n in sizes:
        problem = heat(n)
        f, x, v = problem.function, problem.point, direction_of(problem)
        verify(problem, v, jf.jvp(f, x, v)[1])
        layers = len(jf.linearize(f, x)[1].layers)
        timings = interleaved({"f": partial(f, x), "trace": partial(jf.trace, f, x)}, rounds=rounds)
        rows.append({**recording_row("P4 loop", n, timings, operations=11 * n), "layers": layers})
    return rows


def recording_row(name: str, size: int, timings: Timings, operations: int) -> Row:
    """One row; `operations` counts what the stand-ins met, reads and writes of elements included."""
    return {
        "function": name,
        "size": size,
        "f [ms]": 1e3 * timings.seconds("f"),
        "trace [ms]": 1e3 * timings.seconds("trace"),
        "trace per operation [us]": 1e6 * timings.seconds("trace") / operations,
        "trace / f": timings.ratio("trace", "f"),
        "layers": None,
    }


def section(quick: bool = False) -> Section:
    """The table, with the exponent at which recording P4 grows."""
    chain = measure_chain(CHAIN_LENGTHS[:2] if quick else CHAIN_LENGTHS)
    loop = measure_loop(LOOP_SIZES[:2] if quick else LOOP_SIZES)
    slope = growth([float(row["size"]) for row in loop], [float(row["trace [ms]"]) for row in loop])
    return Section(
        title="Recording",
        about="The time of `trace`, fixed costs and the check of the recorded value included, for a chain of "
        "scalar operations and for P4, the heat equation as a Python loop (six operations, four reads and a "
        "write per element).",
        rows=[*chain, *loop],
        result=f"Recording P4 takes time proportional to n^{slope:.2f}.",
    )
