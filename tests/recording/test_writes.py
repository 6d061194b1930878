"""Random programs of views, writes and operations: plain NumPy and recordings must agree to the last bit.

A program is a list of statements over a growing list of arrays. It holds for any dtype, so that complex steps
on plain arrays give its derivative; at least every third statement writes, most often through a view.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import jacfwd as jf

SHAPES = [(6,), (2, 3), (3, 2), (1, 6), (2, 1, 3), ()]
LAYOUTS = ["C", "F", "strided", "reversed"]
STEP = 1e-30


class Chooser:
    """Takes one decision after another from a list of numbers; zeros when they are used up."""

    def __init__(self, numbers: tuple[int, ...]) -> None:
        self.numbers = list(numbers)

    def __call__(self, options: Any) -> Any:
        number = self.numbers.pop() if self.numbers else 0
        options = range(options) if isinstance(options, int) else list(options)
        return options[number % len(options)]


@dataclass(frozen=True)
class Program:
    """A function of one array, the same for plain and traced ones."""

    shape: tuple[int, ...]
    layout: str
    statements: tuple[tuple[int, ...], ...]

    def start(self, dtype: Any = float) -> np.ndarray:
        """The point, laid out in memory in one of the ways that arrays are."""
        values = (np.arange(1, np.prod(self.shape, dtype=int) + 1) * 0.37) % 1.9 - 0.8
        return laid_out(values.astype(dtype).reshape(self.shape), self.layout)

    def __call__(self, x: Any) -> Any:
        arrays = [x]
        for numbers in self.statements:
            statement(Chooser(numbers), arrays)
        return np.concatenate([np.cos(a).ravel() for a in arrays])


def laid_out(values: np.ndarray, layout: str) -> np.ndarray:
    """A copy of values in C or Fortran order, with gaps, or backwards."""
    if layout == "F":
        return np.array(values, order="F")
    if layout == "C" or not values.ndim:
        return np.array(values, order="C")
    step = 2 if layout == "strided" else -1
    memory = np.zeros((*values.shape[:-1], 2 * values.shape[-1]), values.dtype)
    out = memory[..., ::2] if step == 2 else memory[..., ::-2]
    out[...] = values
    return out


def statement(choose: Chooser, arrays: list[Any]) -> None:
    """Do one thing with the arrays that there are: write, view, or compute."""
    kind = choose(9)
    if kind < 4:
        write(choose, arrays)
    elif len(arrays) < 7:
        make = [view, view, gather, operation, copy][kind - 4]
        made = make(choose, arrays)
        # Methods of scalars that no input reaches give plain arrays, which refuse traced values.
        arrays.append(np.array(made) if isinstance(made, np.generic) else made)


def basic_index(choose: Chooser, shape: tuple[int, ...]) -> Any:
    """Slices, integers, an ellipsis or a new axis."""
    parts: list[Any] = []
    for n in shape:
        kind = choose(7)
        if kind == 6 and Ellipsis not in parts:
            parts.append(Ellipsis)
            break
        if kind == 5:
            parts.append(None)
        parts.append(
            choose(range(-n, n))
            if kind == 1 and n
            else slice(choose((None, 0, 1, -1)), choose((None, n, -1, 2)), choose((None, 1, -1, 2, -2)))
        )
    return tuple(parts) if len(parts) != 1 or choose(2) else parts[0]


def advanced_index(choose: Chooser, a: Any) -> Any:
    """Arrays of integers with repeats, masks, mixtures with slices."""
    shape = a.shape
    kind = choose(6)
    if kind == 0:
        return np.real(a) > 0.1
    n = shape[choose(len(shape))] if shape else 0
    if not all(shape) or not shape:
        return np.zeros(shape, bool)
    numbers = [choose(range(-shape[0], shape[0])) for _ in range(1 + choose(3))]
    if kind == 1:
        return numbers
    if kind == 2:
        return np.array([numbers, numbers[::-1]], order="F")
    if kind == 3 and len(shape) > 1:
        return (slice(None, None, -1), [choose(shape[1]), choose(shape[1])])
    if kind == 4 and len(shape) > 1:
        return (np.array(numbers)[:, None], np.arange(shape[1])[::-1])
    if kind == 5:
        return np.array(choose(range(-shape[0], shape[0])))
    return (np.array(numbers) + n - n, ...)


def view(choose: Chooser, arrays: list[Any]) -> Any:
    """What NumPy answers with a view where it can."""
    a = choose(arrays)
    kind = choose(10)
    if kind < 3:
        return a[basic_index(choose, a.shape)]
    if kind == 3:
        return a.T
    if kind == 4:
        return a.ravel() if choose(2) else a.ravel(order="F")
    if kind == 5:
        return a.reshape(choose(factorizations(a.size)))
    if kind == 6:
        return np.asarray(a) if choose(2) else a.view()
    if kind == 7 and a.ndim > 1:
        return np.swapaxes(a, 0, choose(a.ndim))
    if kind == 8:
        return np.broadcast_to(a, (2, *a.shape))
    if kind == 9 and a.ndim > 1:
        return a.diagonal()
    return np.squeeze(a)


def factorizations(size: int) -> list[tuple[int, ...]]:
    """Some shapes with so many elements."""
    found = [(size,), (-1,), (1, size), (size, 1)]
    return [*found, (2, -1), (-1, 2), (2, 1, size // 2)] if size and size % 2 == 0 else found[: 4 if size else 1]


def gather(choose: Chooser, arrays: list[Any]) -> Any:
    a = choose(arrays)
    return a[advanced_index(choose, a)]


def copy(choose: Chooser, arrays: list[Any]) -> Any:
    """Copies, conversions and fresh buffers."""
    a = choose(arrays)
    kind = choose(8)
    if kind == 0:
        return a.copy()
    if kind == 1:
        return np.array(a)
    if kind == 2:
        return np.zeros_like(a)
    if kind == 3:
        return np.full((2, 2), a.ravel()[0] if a.size else 1.0)
    if kind == 4:
        return np.asfortranarray(a)
    if kind == 5:
        return np.ones((3, 2), a.dtype, order="F")
    if kind == 6 and a.size:
        return np.array([[a.ravel()[0], 2.0], [3.0, a.ravel()[-1]]])
    return a.flatten()


def operation(choose: Chooser, arrays: list[Any]) -> Any:
    a, b = choose(arrays), choose(arrays)
    kind = choose(6)
    if kind == 0:
        return np.sin(a)
    if kind == 1:
        return a * 0.5 + 1
    if kind == 2 and a.shape == b.shape:
        return a * b
    if kind == 3:
        return a + (b.ravel()[0] if b.size else 1)
    if kind == 4:
        return a.sum(axis=0) if a.ndim else -a
    return np.multiply(a, 0.3)


def source(choose: Chooser, arrays: list[Any], shape: tuple[int, ...], old: Any) -> Any:
    """A value that broadcasts to a shape: traced, plain or mixed; often one that overlaps what is written."""
    kind = choose(7)
    if kind == 0:
        return 0.25
    if kind == 1:
        return np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)
    fitting = [a for a in arrays if fits(a.shape, shape)]
    if kind < 5 and fitting:
        return choose(fitting)
    if kind == 5:
        return old * 0.5 if shape == np.shape(old) else 0.5
    a = choose(arrays)
    return a.ravel()[choose(a.size)] if a.size else 1.5


def fits(source_shape: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(source_shape, shape) == shape
    except ValueError:
        return False


def write(choose: Chooser, arrays: list[Any]) -> None:
    """Write into an array, by one of the ways there are."""
    writeable = [k for k, a in enumerate(arrays) if not isinstance(a, np.generic) and a.flags.writeable]
    if not writeable:
        return
    at = choose(writeable)
    a = arrays[at]
    kind = choose(12)
    key = ... if kind == 0 else basic_index(choose, a.shape) if kind < 6 or kind > 8 else advanced_index(choose, a)
    old = a[key]
    value = source(choose, arrays, np.shape(old), old)
    if kind == 9:
        a[key] *= 0.5 if np.ndim(value) else value
    elif kind == 10 and fits(np.shape(value), a.shape):
        np.copyto(a, value) if choose(2) else np.multiply(value, 0.5, out=a)
    elif kind == 11:
        if choose(2):
            a += 0.1
        else:
            a.fill(value if not np.ndim(value) else 0.7)
    elif kind == 5:
        a[key] += value
    else:
        a[key] = value


numbers = st.lists(st.integers(0, 2**10), min_size=4, max_size=14).map(tuple)
programs = st.builds(
    Program,
    st.sampled_from(SHAPES),
    st.sampled_from(LAYOUTS),
    st.lists(numbers, min_size=2, max_size=12).map(tuple),
)
several = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


def complex_step(program: Program, x: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The derivative in a direction, by arithmetic that shares nothing with ours."""
    return program(laid_out(x + 1j * STEP * v, program.layout)).imag / STEP


def check(program: Program) -> None:
    x = program.start()
    v = laid_out(np.cos(np.arange(x.size)).reshape(x.shape), program.layout)
    plain, expected = program(program.start()), complex_step(program, x, v)

    def close(tangent: np.ndarray) -> None:
        np.testing.assert_allclose(tangent, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max(initial=1))

    y, dy = jf.jvp(program, x, v)
    np.testing.assert_array_equal(y, plain)
    close(dy)
    y, J = jf.linearize(program, x)
    np.testing.assert_array_equal(y, plain)
    close(J(v))
    G = jf.trace(program, x)
    np.testing.assert_allclose(G(x), plain, rtol=1e-14, atol=1e-14)
    close(G.jvp(x, v)[1])
    np.testing.assert_array_equal(x, program.start())
    check_elsewhere(program, G, x)


def check_elsewhere(program: Program, G: Any, x: np.ndarray) -> None:
    other = laid_out(x * 0.9, program.layout)
    try:
        replayed = G(other)
    except jf.BranchChangedError:
        return
    np.testing.assert_allclose(replayed, program(laid_out(x * 0.9, program.layout)), rtol=1e-13, atol=1e-13)


@several
@given(programs)
def test_recorded_programs_agree_with_plain_ones(program):
    check(program)


@settings(parent=several, max_examples=60)
@given(programs)
def test_second_derivatives_of_programs(program):
    x, v = (
        program.start(),
        laid_out(np.cos(np.arange(program.start().size)).reshape(program.shape), program.layout),
    )
    _, second = jf.jvp(lambda x: jf.jvp(program, x, v)[1], x, v)
    h = 1e-5
    expected = (complex_step(program, x + h * v, v) - complex_step(program, x - h * v, v)) / (2 * h)
    np.testing.assert_allclose(second, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max(initial=1))


@pytest.mark.slow
@settings(parent=several, max_examples=20_000)
@given(programs)
def test_many_programs(program):
    check(program)
