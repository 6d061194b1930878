"""What does forward mode cost as the number of inputs grows? P8 with n = 1 ... 4096 weights."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import jacfwd as jf
from bench.functions import logistic, logistic_loss
from bench.measure import growth, interleaved
from bench.problems import logistic_data
from bench.report import Row, Section

Array = npt.NDArray[Any]

SIZES = tuple(2**k for k in range(13))
SAMPLES = 500
MILLION = 10**6


def loss_and_gradient(n: int) -> tuple[Callable[[Array], Array], Array, Array]:
    """The loss as a function of n weights, a point, and the gradient there in closed form."""
    X, y = logistic_data(n, SAMPLES)
    bias = 0.25

    def loss(w: Array) -> Array:
        return logistic_loss(w, bias, X, y)

    point = np.random.default_rng(n).normal(size=n)
    return loss, point, X.T @ (logistic(1.0, bias, X @ point) - y) / SAMPLES


def contenders(n: int) -> dict[str, Callable[[], object]]:
    """The loss, one JVP, the Jacobian from n seeds, and that from one cotangent; verified."""
    loss, w, gradient = loss_and_gradient(n)
    seed = np.ones(n)
    forward, reverse = jf.jacfwd(loss), jf.jacobian(loss, method="reverse")
    scale = np.max(np.abs(gradient))
    for jacobian in (forward, reverse):
        np.testing.assert_allclose(jacobian(w), gradient, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(jf.jvp(loss, w, seed)[1], gradient.sum(), rtol=0, atol=1e-12 * n * scale)
    return {
        "f": lambda: loss(w),
        "jvp": lambda: jf.jvp(loss, w, seed),
        "jacfwd": lambda: forward(w),
        "reverse": lambda: reverse(w),
    }


def measure(sizes: Sequence[int] = SIZES, rounds: int = 9) -> list[Row]:
    """One row per number of inputs."""
    rows: list[Row] = []
    for n in sizes:
        timings = interleaved(contenders(n), rounds=rounds)
        row: dict[str, int | float] = {"n": n, "f [us]": 1e6 * timings.seconds("f")}
        row |= {f"{name} / f": timings.ratio(name, "f") for name in ("jvp", "jacfwd", "reverse")}
        rows.append(row)
    return rows


def section(sizes: Sequence[int] = SIZES, rounds: int = 9) -> Section:
    """The table, with the exponents of growth and what they mean for a million inputs."""
    rows = measure(sizes, rounds)
    # Where n is small, the fixed cost of recording hides the growth.
    large = [row for row in rows if float(row["n"]) >= sizes[-1] / 16]
    n = [float(row["n"]) for row in large]
    slope = {name: growth(n, [float(row[name]) for row in large]) for name in ("jacfwd / f", "reverse / f")}
    per_input = float(large[-1]["jacfwd / f"]) / n[-1]
    return Section(
        title="The n-fold cost of forward mode",
        about=f"P8, logistic regression over {SAMPLES} samples, with respect to n weights. `jacfwd` pushes n "
        "seeds forward, as blocks, `reverse` multiplies the same chain of local Jacobians from the output "
        "side. Every call records the function anew.",
        rows=rows,
        result=f"Slopes on logarithmic scales for n = {n[0]:.0f} ... {n[-1]:.0f}: `jacfwd / f` ~ "
        f"n^{slope['jacfwd / f']:.2f}, `reverse / f` ~ n^{slope['reverse / f']:.2f}. At n = {n[-1]:.0f} an "
        f"input costs {per_input:.2g} x f by forward mode: a million inputs, {per_input * MILLION:.2g} x f.",
    )
