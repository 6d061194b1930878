"""The Jacobian of a chain as one matrix, by any of the methods; all are the same product in another order."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from jacfwd.accumulate import accumulate, listed, require_room, structure, to_csr, to_dense
from jacfwd.bracketing import elimination
from jacfwd.chain import Chain, Sides, storable
from jacfwd.coloring import Coloring, fewest
from jacfwd.estimates import choice
from jacfwd.formats.base import Coo
from jacfwd.formats.dispatch import as_dtype, is_tracer
from jacfwd.formats.index import IndexMap
from jacfwd.graph import Graph, Node, Output
from jacfwd.linear import check_holomorphic, pushed, transposed
from jacfwd.memory import SMALL, budget, require
from jacfwd.pattern import Pattern

__all__ = [
    "FORMATS",
    "METHODS",
    "check_choices",
    "choose",
    "cut",
    "dense",
    "dense_terms",
    "in_format",
    "require_blocks",
    "require_single",
    "seeded",
    "shaped",
    "sloped",
    "sparse",
    "terms",
    "written",
]

METHODS = ("auto", "forward", "compress", "accumulate", "reverse")
FORMATS = ("csr", "csc", "coo", "bsr")
# Makes a Jacobian of blocks: the matrix by a method, or the blocks of a seeding.
Spread = Callable[[Chain, Any], Any]


def check_choices(method: str, format: str = "csr") -> None:
    """Raise ValueError for a method or a format that does not exist."""
    for name, value, known in (("method", method, METHODS), ("format", format, FORMATS)):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")


def require_blocks(method: str, known: tuple[str, ...] = ("forward", "reverse", "compress")) -> None:
    """Raise ValueError for a method that is not made of independent blocks of seeds."""
    if method not in known:
        raise ValueError(
            f"chunk_size=, executor= and progress= are for blocks of seeds, and method={method!r} has none here; pass "
            f"method={' or '.join(map(repr, known))}, or batch=True"
        )


def require_single(graph: Graph) -> None:
    """Raise ValueError unless a graph has one output, of size 1, as gradients need."""
    shapes = [out.shape for out in graph.outputs]
    if len(shapes) != 1 or math.prod(shapes[0]) != 1:
        listed = ", ".join(map(str, shapes)) or "none"
        raise ValueError(f"a gradient or hessian needs an output of size 1, got shapes {listed}; use jacobian")


def choose(chain: Chain, method: str, sparse: bool) -> tuple[str, tuple[int, ...] | None]:
    """The method, in place of `auto` the one that is estimated cheapest, and the order of structured products."""
    if method == "auto":
        return choice(chain, sparse)
    if method != "star":
        check_choices(method)
    return method, elimination(chain) if method == "accumulate" else None


def dense(chain: Chain, method: str, spread: Spread | None = None) -> Any:
    """The Jacobian `(m, n)` as an array; under an outer recording a traced one.

    `spread(chain, method)`, if given, makes it of blocks.

    Raises NotDifferentiableError where inputs are complex and the function is not complex differentiable.
    """
    check_holomorphic(chain)
    require(chain.m * chain.n * chain.dtype.itemsize, f"a dense Jacobian of shape ({chain.m}, {chain.n})",
            "pass sparse=True, or use jf.linearize and products J @ v")  # fmt: skip
    if spread is not None:
        chosen = method if method != "auto" else "reverse" if 2 * chain.m <= chain.n else "forward"
        require_blocks(chosen, ("forward", "reverse"))
        return spread(chain, chosen)
    chosen, order = choose(chain, method, False)
    return to_dense(chain, accumulate(chain, order)) if chosen == "accumulate" else SEEDED[chosen](chain)


def _forward(chain: Chain) -> Any:
    """One seed per input, `n` of them."""
    if not chain.n:
        return np.zeros((chain.m, 0), chain.dtype)
    return _in_blocks(chain, chain.n, lambda seeds: chain.push(seeds)).T


def _reverse(chain: Chain) -> Any:
    """One seed per output, `m` of them."""
    if not chain.m:
        return np.zeros((0, chain.n), chain.dtype)
    return _in_blocks(chain, chain.m, lambda seeds: transposed(chain, seeds))


def _in_blocks(chain: Chain, count: int, product: Callable) -> Any:
    """Products with all unit seeds, as many at a time as memory holds."""
    blocks = [product(unit_seeds(chain, first, last, count)) for first, last in _stretches(chain, count)]
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def unit_seeds(chain: Chain, first: int, last: int, count: int) -> np.ndarray:
    """Some of so many unit seeds."""
    seeds = np.zeros((last - first, count), np.result_type(chain.dtype, np.float16))
    seeds[np.arange(last - first), np.arange(first, last)] = 1
    return seeds


def _stretches(chain: Chain, count: int) -> list[tuple[int, int]]:
    """So many seeds in stretches that memory holds."""
    row = chain.seed_bytes
    share = max(count, 1) if count * row <= SMALL else max(1, min(budget() // 8, 1 << 28) // row)
    return [(first, min(first + share, count)) for first in range(0, count, share)]


def _compressed(chain: Chain, method: str = "compress") -> Any:
    """Colored seeds, read off into an array of zeros."""
    rows, cols, values = seeded(chain, method)
    places = IndexMap.of_positions(rows.astype(np.intp) * chain.n + cols, (chain.m * chain.n,))
    return np.reshape(places.add(np.reshape(as_dtype(values, chain.dtype), (1, -1))), (chain.m, chain.n))


def seeded(chain: Chain, method: str, spread: Spread | None = None) -> Coo:
    """The entries in canonical order, by seeds: "forward", "reverse", "compress", or "star" for a Hessian.

    Colored seeds: Curtis, Powell and Reid (1974). From the output side where rows need fewer colors than columns.
    `spread(chain, seeding)`, if given, makes the blocks of values.
    """
    seeding = Seeding(chain, _coloring(chain, method, structure(chain, accumulate(chain))))
    if spread is not None:
        found = spread(chain, seeding)
    else:
        found = [seeding.block(chain, first, last) for first, last in _stretches(chain, seeding.count)]
    return seeding.entries(found)


class Seeding:
    """Colored seeds in order, and which entries of their products are those of the Jacobian."""

    def __init__(self, chain: Chain, colors: Coloring) -> None:
        self.colors, self.count, self.dtype = colors, colors.n_colors, chain.dtype
        self.width = chain.n if colors.kind == "rows" else chain.m
        self.order = np.argsort(colors.places // max(self.width, 1), kind="stable")
        self.places = colors.places[self.order]

    def block(self, chain: Chain, first: int, last: int) -> Any:
        """The values that the seeds `first:last` give."""
        colors = self.colors.colors
        seeds = np.zeros((last - first, colors.size), np.result_type(chain.dtype, np.float16))
        own = np.flatnonzero((colors >= first) & (colors < last))
        seeds[colors[own] - first, own] = 1
        moved = transposed(chain, seeds) if self.colors.kind == "rows" else pushed(chain, seeds)
        start, stop = np.searchsorted(self.places, [first * self.width, last * self.width])
        return np.take(np.reshape(moved, (-1,)), self.places[start:stop] - first * self.width)

    def entries(self, found: list[Any]) -> Coo:
        """Rows, columns and values, from the blocks of values in order."""
        values = found[0] if len(found) == 1 else np.concatenate([np.zeros(0, self.dtype), *found])
        back = np.empty(len(self.order), np.intp)
        back[self.order] = np.arange(len(self.order))
        return self.colors.pattern.rows, self.colors.pattern.indices, np.take(values, back)


def _coloring(chain: Chain, method: str, pattern: Pattern) -> Coloring:
    """Which seeds go together: none for plain forward and reverse."""
    if method == "forward":
        return Coloring(pattern, "columns", "natural", np.arange(chain.n))
    if method == "reverse":
        return Coloring(pattern, "rows", "natural", np.arange(chain.m))
    return fewest(pattern, symmetric=method == "star")


def terms(chain: Chain, method: str) -> list[Coo]:
    """The entries of the Jacobian by a method, as lists to be summed; those of a seeded method are canonical.

    Raises MemoryBudgetError where there would be too many, NotDifferentiableError where inputs are complex and the
    function is not complex differentiable.
    """
    chosen, order = choose(chain, method, True)
    if chosen != "accumulate":
        return [seeded(chain, chosen)]
    parts = accumulate(chain, order)
    require_room(parts, 8 + chain.dtype.itemsize)
    return list(listed(chain, parts))


def dense_terms(chain: Chain, method: str) -> list[Coo]:
    """The entries of a dense Jacobian by a method, as lists to be summed; of plain seeds all of them, row by row."""
    chosen, order = choose(chain, method, False)
    if chosen == "accumulate":
        return list(listed(chain, accumulate(chain, order)))
    if chosen in ("compress", "star"):
        return [seeded(chain, chosen)]
    rows, cols = (at.reshape(-1) for at in np.indices((chain.m, chain.n)))
    return [(rows, cols, np.reshape(dense(chain, chosen), (-1,)))]


def sparse(chain: Chain, method: str, spread: Spread | None = None) -> sp.csr_array:
    """The Jacobian as a canonical CSR array; the structure does not depend on the point of the branch.

    `spread` makes it of blocks of seeds, compressed ones by default.

    Half precision is stored as single: scipy.sparse has no half precision. Raises
    NotDifferentiableError where inputs are complex and the function is not complex differentiable.
    """
    check_holomorphic(chain)
    chain.require_plain()
    chosen, order = choose(chain, "compress" if method == "auto" and spread is not None else method, True)
    if chosen == "accumulate":
        if spread is not None:
            require_blocks(chosen)
        return to_csr(chain, accumulate(chain, order))
    rows, cols, values = seeded(chain, chosen, spread)
    values = values.astype(storable(chain.dtype), copy=False)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=chain.m))]).astype(cols.dtype)
    return sp.csr_array((values, cols.copy(), indptr), shape=(chain.m, chain.n))


SEEDED: dict[str, Callable[[Chain], Any]] = {
    "forward": _forward,
    "compress": _compressed,
    "star": functools.partial(_compressed, method="star"),
    "reverse": _reverse,
}


def written(
    chain: Chain,
    nested: Callable[[Sides, Any, Callable], Any],
    method: str,
    sparse_format: str | None = None,
    flat: bool = False,
    spread: Spread | None = None,
) -> Any:
    """The Jacobian as it was asked for: dense, or sparse in a format; `nested` cuts it into its parts, unless flat.

    `spread` makes it of blocks.
    """
    if sparse_format is None:
        matrix = dense(chain, method, spread)
        return matrix if flat else nested(chain, matrix, shaped)
    check_choices("auto", sparse_format)
    return cut(chain, nested, sparse(chain, method, spread), sparse_format, flat)


def cut(
    sides: Sides, nested: Callable[[Sides, Any, Callable], Any], matrix: sp.csr_array, format: str, flat: bool
) -> Any:
    """A sparse Jacobian `(m, n)` in a format, whole or cut into its parts."""
    if flat:
        return in_format(matrix, format)
    return nested(sides, matrix, functools.partial(stored, format=format))


def sloped(chain: Chain, row: Any) -> list[Any]:
    """A Jacobian `(1, n)` as the gradient: one array for each input, of its shape."""
    out = chain.graph.outputs[0]._replace(shape=())
    bounds = zip(chain.wrt, chain.offsets[:-1], chain.offsets[1:], strict=True)
    return [shaped(row[:, a:b], out, chain.graph.nodes[at]) for at, a, b in bounds]


def shaped(part: Any, out: Output, node: Node) -> Any:
    """A dense part of a Jacobian in shape `out.shape + in.shape`; a NumPy scalar where that is ()."""
    dtype = out.dtype if out.dtype == node.dtype else np.result_type(out.dtype, node.dtype)
    part = as_dtype(np.reshape(part, (*out.shape, *node.shape)), dtype)
    return part[()] if part.ndim == 0 and not is_tracer(part) else part


def stored(part: Any, out: Output, node: Node, format: str) -> Any:
    """A sparse part of a Jacobian in its dtype and format."""
    dtype = storable(np.result_type(out.dtype, node.dtype))
    # Complex because of what stands beside it.
    part = part.real if part.dtype.kind == "c" and dtype.kind != "c" else part
    return in_format(part.astype(dtype, copy=False), format)


def in_format(matrix: sp.csr_array, format: str) -> Any:
    """A canonical matrix in a format, which knows that it is canonical in every release of SciPy; indices read-only."""
    out = matrix.asformat(format)
    if format == "coo":
        out.has_canonical_format = True
    for index in out.coords if format == "coo" else (out.indices, out.indptr):
        index.flags.writeable = False
    return out
