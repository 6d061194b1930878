"""Random programs: straight-line NumPy code over arrays, as a recipe that runs on plain and traced arrays alike."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

__all__ = ["Program", "programs"]

UNARY: dict[str, Callable] = {
    "sin": np.sin,
    "tanh": np.tanh,
    "exp_of_sin": lambda a: np.exp(np.sin(a)),
    "square": np.square,
    "negative": np.negative,
    "arctan": np.arctan,
    "log1p_square": lambda a: np.log1p(a * a),
    "sqrt_shifted": lambda a: np.sqrt(a * a + 1.0),
    "cube": lambda a: a**3 * 0.1,
    "transpose": lambda a: a.T,
    "flip": lambda a: a[::-1] if a.ndim else a,
    "roll": lambda a: np.roll(a, 1),
    "ravel": np.ravel,
    "sum_first": lambda a: a.sum(axis=0) if a.ndim else a,
    "mean_last": lambda a: a.mean(axis=-1, keepdims=True) if a.ndim and a.size else a,
    "cumsum": lambda a: np.cumsum(a, axis=0) if a.ndim else a,
    "row": lambda a: a[0] if a.ndim and len(a) else a,
    "steps": lambda a: a[::2] if a.ndim else a,
    "outer": lambda a: np.outer(a, a[:2]) if a.ndim == 1 and a.size <= 6 else a,
    "gram": lambda a: a @ a.T * 0.1 if a.ndim == 2 else a,
    "where": lambda a: np.where(a > 0.1, a * a, np.sin(a)),
    "maximum": lambda a: np.maximum(a, 0.123),
    "through_complex": lambda a: np.abs(np.exp(1j * a) + 2.0),
    "real_part": lambda a: np.real(np.exp((0.3 + 1j) * a)),
    "assigned": lambda a: _assigned(a),
    "through_a_view": lambda a: _through_a_view(a),
    "softmax": lambda a: np.exp(np.sin(a)) / np.sum(np.exp(np.sin(a))),
    "repeated": lambda a: np.concatenate([np.ravel(a), np.ravel(a)[:1]]),
    "listed": lambda a: np.array([a.ravel()[0], 1.5, a.ravel()[-1] * 2]) if a.size else a,
}
BINARY: dict[str, Callable] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": lambda a, b: a / (2.0 + b * b),
    "hypot": lambda a, b: np.hypot(a, b + 3.0),
    "arctan2": lambda a, b: np.arctan2(a, 2.0 + b * b),
    "power": lambda a, b: (1.0 + a * a) ** np.sin(b),
}


def _assigned(a: Any) -> Any:
    out = np.zeros(a.shape)
    for k in range(len(a) if a.ndim else 0):
        out[k] = a[k] * (k + 1) + out[k - 1]
    return out + a


def _through_a_view(a: Any) -> Any:
    out = np.ones((2, *a.shape))
    turned = out.T
    turned[..., 1] = np.sin(a.T)
    out[0] += out[1] * 2.0
    out.reshape(-1)[:1] *= 3.0
    return out


@dataclasses.dataclass(frozen=True)
class Program:
    """Steps `(name, i, j)` on a stack of values; the result is the last value, flattened and scaled."""

    shape: tuple[int, ...]
    steps: tuple[tuple[str, int, int], ...]
    seed: int

    @property
    def point(self) -> np.ndarray:
        """Where the program is differentiated."""
        return np.random.default_rng(self.seed).uniform(0.2, 1.2, self.shape)

    def __call__(self, x: Any) -> Any:
        stack = [x]
        for name, i, j in self.steps:
            a, b = stack[i % len(stack)], stack[j % len(stack)]
            if name in UNARY:
                made = UNARY[name](a)
            else:
                made = BINARY[name](a, b if np.shape(a) == np.shape(b) else np.sum(b))
            if np.size(made) <= 200:
                stack.append(made)
        return stack[-1]


def programs(most: int = 12) -> st.SearchStrategy[Program]:
    """Programs of 1 to `most` operations on arrays of up to two dimensions, empty ones included."""
    step = st.tuples(st.sampled_from([*UNARY, *BINARY]), st.integers(0, 20), st.integers(0, 20))
    shapes = st.sampled_from([(), (1,), (3,), (5,), (2, 3), (3, 2), (1, 4), (0,)])
    steps = st.lists(step, min_size=1, max_size=most).map(tuple)
    return st.builds(Program, shapes, steps, st.integers(0, 1000))
