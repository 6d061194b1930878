"""Functions that no constant of the library was tuned with: other shapes than those of P1 to P13, for one question
each. Every builder takes a size.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.problems import Problem

__all__ = ["FURTHER"]

Array = npt.NDArray[Any]


def problem(name: str, function: Callable[[Array], Array], point: Array) -> Problem:
    """A function at a point; what its Jacobian is nobody wrote down."""
    return Problem(name, f"{name}, n = {point.size}", function, point, np.size(function(point)), analytic=False)


def uniform(n: int) -> Array:
    """A seeded point."""
    return np.random.default_rng(n).uniform(0.2, 1.2, n)


def normal(*shape: int) -> Array:
    """A seeded matrix whose products keep sizes."""
    return np.random.default_rng(sum(shape)).standard_normal(shape) / np.sqrt(shape[-1])


def network(*widths: int) -> Callable[[Array], Array]:
    """Layers of these widths, each followed by tanh."""
    matrices = [normal(b, a) for a, b in itertools.pairwise(widths)]

    def f(x: Array) -> Array:
        for matrix in matrices:
            x = np.tanh(matrix @ x)
        return x

    return f


def hourglass(n: int) -> Problem:
    """Wide, narrow, wide, narrow, wide."""
    few = max(2, n // 20)
    return problem("hourglass", network(n, few, n, n, few, n), uniform(n))


def autoencoder(n: int) -> Problem:
    """Ever narrower, then ever wider."""
    return problem("encoder-decoder", network(n, n // 2, max(2, n // 10), n // 2, n), uniform(n))


def waists(n: int) -> Problem:
    """Long elementwise passages between three places of a few numbers."""
    few = 3
    down, up = normal(few, n), normal(n, few)

    def f(x: Array) -> Array:
        for _ in range(3):
            x = np.sin(x) * np.cos(x) + x
            x = up @ np.tanh(down @ x)
            x = np.exp(-x * x) * x
        return x

    return problem("several waists", f, uniform(n))


def segments(n: int) -> Problem:
    """Sums over groups of unequal size, given back to their members."""
    groups = np.random.default_rng(n).integers(0, max(2, n // 8), n)

    def f(x: Array) -> Array:
        total = np.bincount(groups, weights=x * x)
        return x / np.sqrt(total + 1)[groups]

    return problem("segment sums", f, uniform(n))


def trajectory(n: int) -> Problem:
    """A driven oscillator summed up in time: cumulative sums of a control."""
    h = 1.0 / n

    def f(u: Array) -> Array:
        v = np.cumsum(h * (u - 0.1 * u**3))
        x = np.cumsum(h * np.sin(v))
        return x * v

    return problem("cumsum ODE", f, uniform(n))


def small_dense(n: int) -> Problem:
    """A few rational functions of all inputs."""
    A, B = normal(n, n), normal(n, n)

    def f(x: Array) -> Array:
        return (A @ x) * (B @ (x * x)) / (1 + x @ x)

    return problem("small dense", f, uniform(n))


def gathers(n: int) -> Problem:
    """Every output reads ten inputs, twice over."""
    rng = np.random.default_rng(n)
    one, two = rng.integers(0, n, (n, 10)), rng.integers(0, n, (n, 3))

    def f(x: Array) -> Array:
        y = np.sum(np.sin(x[one]) * x[one][:, ::-1], axis=1)
        return np.prod(y[two], axis=1) + y

    return problem("gathers", f, uniform(n))


def convolution(n: int) -> Problem:
    """Two filters with a rectifier between them, and pooling by two."""
    a, b = np.array([0.2, 0.5, 0.2, -0.1]), np.array([1.0, -2.0, 1.0])

    def f(x: Array) -> Array:
        y = np.maximum(np.convolve(x, a, "same"), 0)
        z = np.convolve(y, b, "same")
        return np.tanh(z[: 2 * (n // 2)].reshape(-1, 2).mean(axis=1))

    return problem("convolution", f, uniform(n) - 0.5)


def reactions(cells: int) -> Problem:
    """Five species that react in every cell and diffuse along a line."""
    stoichiometry = np.array([[-1, 1, 0, 0], [-1, 0, -1, 0], [1, -1, 0, -1], [0, 0, 1, -1], [0, 1, 0, 1.0]])

    def f(x: Array) -> Array:
        c = x.reshape(5, cells)
        rates = np.stack([c[0] * c[1], c[2] ** 2, c[1] * c[4] / (1 + c[0]), c[2] * np.exp(-c[3])])
        lap = np.pad(c, ((0, 0), (1, 1)), mode="edge")
        lap = lap[:, 2:] - 2 * c + lap[:, :-2]
        return (stoichiometry @ rates + 10.0 * lap).reshape(-1)

    return problem("reactions and diffusion", f, uniform(5 * cells))


def stencil(side: int) -> Problem:
    """A nonlinear heat equation on a cube: conductivity depends on temperature."""

    def f(x: Array) -> Array:
        u = x.reshape(side, side, side)
        k = 1 + u**2
        out = np.zeros_like(u)
        for axis in range(3):
            flux = 0.5 * (np.roll(k, -1, axis) + k) * (np.roll(u, -1, axis) - u)
            out += flux - np.roll(flux, 1, axis)
        return out.reshape(-1)

    return problem("3-D stencil", f, uniform(side**3))


def normalised(n: int) -> Problem:
    """A vector field divided by its norm, step after step."""

    def f(x: Array) -> Array:
        for _ in range(3):
            x = np.sin(x) + 0.1 * np.roll(x, 1)
            x = x * np.tanh(np.linalg.norm(x)) / np.linalg.norm(x)
        return x

    return problem("normalised field", f, uniform(n))


def quadratic(n: int) -> Problem:
    """A quadratic form, a logarithm and a barrier: one output."""
    A = normal(n, n)

    def f(x: Array) -> Array:
        return 0.5 * x @ A @ x - np.sum(np.log(x)) + np.log(1 + x @ x)

    return problem("quadratic form", f, uniform(n))


def attention(n: int) -> Problem:
    """Softmax weights of all pairs of points in three dimensions."""

    def f(x: Array) -> Array:
        p = x.reshape(-1, 3)
        scores = p @ p.T
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        return ((weights / weights.sum(axis=1, keepdims=True)) @ p).reshape(-1)

    return problem("attention", f, uniform(3 * n))


def feedback(n: int) -> Problem:
    """Elementwise steps of which each is scaled by one number that a small network makes of all."""
    A = normal(n, n)

    def f(x: Array) -> Array:
        for _ in range(3):
            energy = np.sum(np.tanh(A @ np.tanh(A @ x)) ** 2)
            x = x - 0.1 * np.sin(x) * np.exp(-energy / n)
        return x

    return problem("scalar feedback", f, uniform(n))


def residuals(n: int) -> Problem:
    """A model with four parameters at n times: many more rows than columns."""
    t = np.linspace(0, 3, n)

    def f(p: Array) -> Array:
        return p[0] * np.exp(-p[1] * t) * np.cos(p[2] * t) + p[3] * np.arctan(t * p[1])

    return problem("residuals", f, uniform(4))


def pendulum(steps: int) -> Problem:
    """A Python loop over time steps of a small state, all of which are returned."""

    def f(x: Array) -> Array:
        state, states = x, []
        for _ in range(steps):
            state = np.stack([state[0] + 0.01 * state[1], state[1] - 0.01 * np.sin(state[0]) * state[2], state[2]])
            states.append(state)
        return np.concatenate(states)

    return problem("time steps", f, uniform(3))


FURTHER: dict[str, tuple[Callable[[int], Problem], tuple[int, ...]]] = {
    "hourglass": (hourglass, (20, 200, 600)),
    "encoder-decoder": (autoencoder, (20, 200, 600)),
    "several waists": (waists, (20, 500, 2000)),
    "segment sums": (segments, (40, 10**4)),
    "cumsum ODE": (trajectory, (20, 500)),
    "small dense": (small_dense, (4, 30, 300)),
    "gathers": (gathers, (50, 2000)),
    "convolution": (convolution, (30, 10**4)),
    "reactions and diffusion": (reactions, (10, 2000)),
    "3-D stencil": (stencil, (4, 25)),
    "normalised field": (normalised, (20, 1000)),
    "quadratic form": (quadratic, (5, 500)),
    "attention": (attention, (5, 60)),
    "scalar feedback": (feedback, (20, 300)),
    "residuals": (residuals, (30, 10**4)),
    "time steps": (pendulum, (10, 100)),
}
