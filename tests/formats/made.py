"""Random formats, each with its matrix written out by loops that know nothing of the formats' own code."""

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from jacfwd.formats.base import Format
from jacfwd.formats.blocks import Contraction, Dense
from jacfwd.formats.combined import Product, Sum
from jacfwd.formats.entries import Entries
from jacfwd.formats.index import IndexMap
from jacfwd.formats.operators import Operator

__all__ = ["Made", "blocks", "chains", "index_maps", "made", "positions_of", "shapes"]

shapes = st.sampled_from([(), (1,), (2,), (4,), (2, 3), (3, 1), (2, 2, 2), (0,), (2, 0)])


class Made(NamedTuple):
    """A format, its matrix, and where the matrix has entries."""

    format: Format
    matrix: np.ndarray
    pattern: np.ndarray


def positions_of(shape: tuple[int, ...], affine: tuple[int, tuple[int, ...]]) -> list[int]:
    """The positions of an affine map, one by one."""
    offset, strides = affine
    places = itertools.product(*(range(n) for n in shape))
    return [offset + sum(s * i for s, i in zip(strides, place, strict=True)) for place in places]


@st.composite
def index_maps(draw: Any, shape: tuple[int, ...], target: tuple[int, ...]) -> tuple[IndexMap, list[int]]:
    """A map of positions, affine (of either sign, with steps of zero), as an array or made when needed."""
    size, n = math.prod(shape), math.prod(target)
    if draw(st.booleans()):
        strides, low, high = [], 0, 0
        for length in shape:
            room = max(n - 1 - (high - low), 0)
            most = room // (length - 1) if length > 1 else 3
            stride = draw(st.integers(-most, most))
            low, high = low + min(stride * (length - 1), 0), high + max(stride * (length - 1), 0)
            strides.append(stride)
        affine = draw(st.integers(-low, max(n - 1 - high, -low))), tuple(strides)
        return IndexMap(shape, target, affine=affine), positions_of(shape, affine) if size else []
    flat = draw(st.lists(st.integers(0, max(n - 1, 0)), min_size=size, max_size=size))
    array = np.array(flat, np.intp)
    if draw(st.booleans()):
        return IndexMap.of_positions(array.reshape(shape), target), flat
    return IndexMap(shape, target, make=lambda: array), flat


numbers = st.sampled_from([0.0, 1.0, -2.0, 0.5, 3.0])


@st.composite
def weights(draw: Any, shape: tuple[int, ...], complex_: bool) -> Any:
    """Integers, numbers, masks, arrays; of the full shape or broadcast to it."""
    kind = draw(st.sampled_from(["one", "minus", "int", "float", "mask", "array", "single"]))
    if kind in ("one", "minus", "int"):
        return {"one": 1, "minus": -1, "int": 3}[kind]
    if kind == "float":
        return draw(numbers)
    lead = draw(st.integers(0, len(shape)))
    spread = tuple(1 if draw(st.booleans()) else n for n in shape[lead:])
    values = draw(st.lists(numbers, min_size=math.prod(spread), max_size=math.prod(spread)))
    array = np.array(values).reshape(spread)
    if kind == "mask":
        return array > 0
    if complex_ and draw(st.booleans()):
        return array * (1 - 2j)
    return array.astype(np.float32) if kind == "single" else array


def written(n_out: int, n_in: int, rows: Any, cols: Any, values: Any) -> tuple[np.ndarray, np.ndarray]:
    """The matrix of a list of entries, and its pattern."""
    matrix, pattern = np.zeros((n_out, n_in), complex), np.zeros((n_out, n_in), bool)
    for row, col, value in zip(rows, cols, values, strict=True):
        matrix[row, col] += value
        pattern[row, col] = True
    return matrix, pattern


@st.composite
def entries(draw: Any, in_shape: tuple[int, ...], out_shape: tuple[int, ...], complex_: bool) -> Made:
    """Lists that run as the outputs, as the inputs, or in a shape of their own."""
    n_in, n_out = math.prod(in_shape), math.prod(out_shape)
    kinds = ["none"]
    if n_in and n_out:
        kinds = ["rows", "cols", "both", "both"]
    elif not n_out:
        kinds = ["rows", "none"]
    elif not n_in:
        kinds = ["cols", "none"]
    kind = draw(st.sampled_from(kinds))
    shape = {"rows": out_shape, "cols": in_shape, "none": (0,)}.get(kind) if kind != "both" else draw(shapes)
    rows, i = (None, range(n_out)) if kind == "rows" else draw(index_maps(shape, out_shape))
    cols, j = (None, range(n_in)) if kind == "cols" else draw(index_maps(shape, in_shape))
    if kind == "rows" and in_shape == out_shape and draw(st.booleans()):
        cols, j = None, range(n_in)
    w = draw(weights(shape, complex_))
    values = np.broadcast_to(np.asarray(w), shape).reshape(-1)
    fmt = Entries(in_shape, out_shape, rows, cols, w)
    return Made(fmt, *written(n_out, n_in, i, j, values))


@st.composite
def dense(draw: Any, in_shape: tuple[int, ...], out_shape: tuple[int, ...], complex_: bool) -> Made:
    """Full blocks, and blocks that know where they have entries."""
    n_in, n_out = math.prod(in_shape), math.prod(out_shape)
    random = np.random.default_rng(draw(st.integers(0, 99)))
    matrix = random.integers(-2, 3, (n_in, n_out)).astype(float)
    if complex_ and draw(st.booleans()):
        matrix = matrix * (2 + 1j)
    present = None
    pattern = np.ones((n_in, n_out), bool)
    if draw(st.booleans()):
        pattern = random.random((n_in, n_out)) < 0.5
        matrix = np.where(pattern, matrix, 0)
        present = pattern.reshape(n_in, *out_shape)
    return Made(Dense(matrix.reshape(n_in, *out_shape), in_shape, present), matrix.T.astype(complex), pattern.T)


@st.composite
def contractions(draw: Any, in_shape: tuple[int, ...], out_shape: tuple[int, ...], complex_: bool) -> Made:
    """Axes of the output are new, shared with the input, or equal to each other; up to two factors."""
    sizes: dict[str, int] = {}
    free = iter("abcdefghij")

    def label(n: int) -> str:
        known = [name for name, size in sizes.items() if size == n]
        name = draw(st.sampled_from([*known, ""])) or next(free)
        sizes[name] = n
        return name

    x, out = "".join(label(n) for n in in_shape), "".join(label(n) for n in out_shape)
    random = np.random.default_rng(draw(st.integers(0, 99)))
    factors = []
    for _ in range(draw(st.integers(0, 2))):
        own = "".join(draw(st.lists(st.sampled_from([*sizes]), max_size=3))) if sizes else ""
        values = random.integers(-2, 3, [sizes[name] for name in own]).astype(float)
        factors.append((values * 1j if complex_ and draw(st.booleans()) else values, own))
    n_in, n_out = math.prod(in_shape), math.prod(out_shape)
    matrix, pattern = np.zeros((n_out, n_in), complex), np.zeros((n_out, n_in), bool)
    for values in itertools.product(*(range(n) for n in sizes.values())):
        at = dict(zip(sizes, values, strict=True))
        row, col = flat(at, out, out_shape), flat(at, x, in_shape)
        pattern[row, col] = True
        matrix[row, col] += math.prod(complex(f[tuple(at[name] for name in own)]) for f, own in factors)
    return Made(Contraction(x, factors, out, sizes), matrix, pattern)


def flat(at: dict[str, int], labels: str, shape: tuple[int, ...]) -> int:
    """The flat position that the labels name."""
    position = 0
    for name, n in zip(labels, shape, strict=True):
        position = position * n + at[name]
    return position


@st.composite
def operators(draw: Any, in_shape: tuple[int, ...], out_shape: tuple[int, ...], complex_: bool) -> Made:
    """One matrix along all axes, or, where first axes agree, for each position of these."""
    shared = draw(st.integers(0, 1)) if in_shape and out_shape and in_shape[0] == out_shape[0] else 0
    k_in, k_out = math.prod(in_shape[shared:]), math.prod(out_shape[shared:])
    random = np.random.default_rng(draw(st.integers(0, 99)))
    small = random.integers(-2, 3, (k_in, k_out)).astype(float)
    if complex_ and draw(st.booleans()):
        small = small * 1j
    kept = np.ones((k_in, k_out), bool)
    if bounded := draw(st.booleans()):
        kept = random.random((k_in, k_out)) < 0.5
        small = np.where(kept, small, 0)
    fibres = math.prod(in_shape[:shared])

    def through(matrix: np.ndarray, target: tuple[int, ...]) -> Any:
        def apply(block: np.ndarray) -> np.ndarray:
            rows = block.reshape(len(block), fibres, matrix.shape[0])
            return (rows @ matrix).reshape(len(block), *target)

        return apply

    fmt = Operator(
        in_shape,
        out_shape,
        through(small, out_shape),
        through(small.T, in_shape),
        (tuple(range(shared, len(in_shape))), tuple(range(shared, len(out_shape)))),
        (lambda i, o: kept[i, o]) if bounded else None,
        cost=draw(st.sampled_from([None, (3, 4)])),
    )
    eye = np.eye(fibres)
    return Made(fmt, np.kron(eye, small.T).astype(complex), np.kron(eye, kept.T) > 0)


@st.composite
def sums(draw: Any, in_shape: tuple[int, ...], out_shape: tuple[int, ...], complex_: bool) -> Made:
    """Two or three terms of any simple kind."""
    parts = [draw(simple(in_shape, out_shape, complex_)) for _ in range(draw(st.integers(2, 3)))]
    matrix = np.sum([part.matrix for part in parts], axis=0)
    return Made(Sum([part.format for part in parts]), matrix, np.any([part.pattern for part in parts], axis=0))


@st.composite
def products(draw: Any, in_shape: tuple[int, ...], out_shape: tuple[int, ...], complex_: bool) -> Made:
    """Two factors through a shape between."""
    middle = draw(shapes)
    before, after = draw(simple(in_shape, middle, complex_)), draw(simple(middle, out_shape, complex_))
    fmt = Product([before.format, after.format])
    return Made(fmt, after.matrix @ before.matrix, joined_pattern(after, before))


def joined_pattern(after: Made, before: Made) -> np.ndarray:
    """The pattern of a product."""
    return after.pattern.astype(int) @ before.pattern.astype(int) > 0


def simple(in_shape: tuple[int, ...], out_shape: tuple[int, ...], complex_: bool) -> Any:
    """Formats that are not made of formats."""
    kinds = [entries, entries, dense, contractions, operators]
    return st.one_of([kind(in_shape, out_shape, complex_) for kind in kinds])


def made(in_shape: tuple[int, ...], out_shape: tuple[int, ...], complex_: bool = False) -> Any:
    """Any format but pairs."""
    combined = [kind(in_shape, out_shape, complex_) for kind in (sums, products)]
    return st.one_of(simple(in_shape, out_shape, complex_), *combined)


@st.composite
def chains(draw: Any, length: int, complex_: bool = False) -> list[Made]:
    """Formats that can follow each other, nearest the input first."""
    sizes = [draw(shapes) for _ in range(length + 1)]
    return [draw(made(*sizes[k : k + 2], complex_)) for k in range(length)]


def blocks(shape: tuple[int, ...], seed: int = 0, p: int = 3, complex_: bool = False) -> np.ndarray:
    """A tangent block of small whole numbers, so that sums are exact."""
    random = np.random.default_rng(seed)
    block = random.integers(-3, 4, (p, *shape)).astype(float)
    return block + 1j * random.integers(-3, 4, (p, *shape)) if complex_ else block
