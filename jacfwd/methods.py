"""The Jacobian of a chain as one matrix, by any of the methods; all are the same product in another order."""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from jacfwd.accumulate import accumulate, to_csr, to_dense
from jacfwd.chain import Chain, Sides, storable
from jacfwd.formats.dispatch import as_dtype, is_tracer
from jacfwd.graph import Graph, Node, Output
from jacfwd.linear import check_holomorphic, pushed, transposed
from jacfwd.memory import SMALL, budget, require

__all__ = [
    "FORMATS",
    "METHODS",
    "check_choices",
    "choose",
    "choose_sparse",
    "cut",
    "dense",
    "in_format",
    "require_single",
    "shaped",
    "sloped",
    "sparse",
    "written",
]

METHODS = ("auto", "forward", "accumulate", "reverse")
FORMATS = ("csr", "csc", "coo", "bsr")
Spread = Callable[[Chain, str], Any]
# Numbers in a block of seeds that fills a structure.
BLOCK = 1 << 24


def check_choices(method: str, format: str = "csr") -> None:
    """Raise ValueError for a method or a format that does not exist."""
    for name, value, known in (("method", method, METHODS), ("format", format, FORMATS)):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")


def require_single(graph: Graph) -> None:
    """Raise ValueError unless a graph has one output, of size 1, as gradients need."""
    shapes = [out.shape for out in graph.outputs]
    if len(shapes) != 1 or math.prod(shapes[0]) != 1:
        listed = ", ".join(map(str, shapes)) or "none"
        raise ValueError(f"a gradient or hessian needs an output of size 1, got shapes {listed}; use jacobian")


def choose(chain: Chain, method: str, sparse: bool) -> str:
    """The method that `auto` stands for: accumulate for sparse results, else from the side with fewer seeds."""
    check_choices(method)
    if method != "auto":
        return method
    if sparse:
        return choose_sparse(method)
    return "reverse" if 2 * chain.m <= chain.n else "forward"


def choose_sparse(method: str) -> str:
    """The method for a sparse result: structured products give it directly."""
    return "accumulate" if method == "auto" else method


def dense(chain: Chain, method: str, spread: Spread | None = None) -> Any:
    """The Jacobian `(m, n)` as an array; under an outer recording a traced one.

    `spread(chain, method)`, if given, makes it of blocks.

    Raises NotDifferentiableError where inputs are complex and the function is not complex differentiable.
    """
    check_holomorphic(chain)
    require(chain.m * chain.n * chain.dtype.itemsize, f"a dense Jacobian of shape ({chain.m}, {chain.n})",
            "pass sparse=True, or use jf.linearize and products J @ v")  # fmt: skip
    chosen = choose(chain, method, False)
    if spread is not None:
        return spread(chain, chosen)
    return {"forward": _forward, "reverse": _reverse, "accumulate": _accumulated}[chosen](chain)


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
    dtype = np.result_type(chain.dtype, np.float16)
    row = chain.seed_bytes
    share = count if count * row <= SMALL else max(1, min(budget() // 8, 1 << 28) // row)
    blocks = []
    for first in range(0, count, share):
        last = min(first + share, count)
        seeds = np.zeros((last - first, count), dtype)
        seeds[np.arange(last - first), np.arange(first, last)] = 1
        blocks.append(product(seeds))
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def _accumulated(chain: Chain) -> Any:
    """Structured products, written out at the end."""
    return to_dense(chain, accumulate(chain))


def sparse(chain: Chain, method: str) -> sp.csr_array:
    """The Jacobian as a canonical CSR array; the structure does not depend on the point of the branch.

    Half precision is stored as single: scipy.sparse has no half precision. Raises
    NotDifferentiableError where inputs are complex and the function is not complex differentiable.
    """
    check_holomorphic(chain)
    matrix = to_csr(chain, accumulate(chain))
    if choose(chain, method, True) != "accumulate":
        matrix = _filled(chain, matrix, method)
    return matrix


def _filled(chain: Chain, structure: sp.csr_array, method: str) -> sp.csr_array:
    """The structure with values taken from seeds pushed through, block by block."""
    rows = np.repeat(np.arange(chain.m), np.diff(structure.indptr))
    data = np.zeros(structure.nnz, structure.dtype)
    forward = method == "forward"
    along, count = (structure.indices, chain.n) if forward else (rows, chain.m)
    across = rows if forward else structure.indices
    order = np.argsort(along, kind="stable")
    step = max(1, BLOCK // max(chain.m, chain.n, 1))
    for first in range(0, count, step):
        last = min(first + step, count)
        seeds = np.zeros((last - first, count), chain.dtype)
        seeds[np.arange(last - first), np.arange(first, last)] = 1
        block = pushed(chain, seeds) if forward else transposed(chain, seeds)
        own = order[slice(*np.searchsorted(along[order], [first, last]))]
        data[own] = block[along[own] - first, across[own]]
    return sp.csr_array((data, structure.indices, structure.indptr), shape=structure.shape)


def written(
    chain: Chain,
    nested: Callable[[Sides, Any, Callable], Any],
    method: str,
    sparse_format: str | None = None,
    flat: bool = False,
    spread: Spread | None = None,
) -> Any:
    """The Jacobian as it was asked for: dense, or sparse in a format; `nested` cuts it into its parts, unless flat.

    `spread` makes a dense one of blocks.
    """
    if sparse_format is None:
        matrix = dense(chain, method, spread)
        return matrix if flat else nested(chain, matrix, shaped)
    check_choices(method, sparse_format)
    return cut(chain, nested, sparse(chain, method), sparse_format, flat)


def cut(
    sides: Sides, nested: Callable[[Sides, Any, Callable], Any], matrix: sp.csr_array, format: str, flat: bool
) -> Any:
    """A sparse Jacobian `(m, n)` in a format, whole or cut into its parts."""
    if flat:
        return in_format(matrix, format)
    return nested(sides, matrix, functools.partial(stored, format=format))


def sloped(chain: Chain, row: Any) -> list[Any]:
    """A Jacobian `(1, n)` as the gradient: one array for each input, of its shape."""
    out = dataclasses.replace(chain.graph.outputs[0], shape=())
    bounds = zip(chain.wrt, chain.offsets[:-1], chain.offsets[1:], strict=True)
    return [shaped(row[:, a:b], out, chain.graph.nodes[at]) for at, a, b in bounds]


def shaped(part: Any, out: Output, node: Node) -> Any:
    """A dense part of a Jacobian in shape `out.shape + in.shape`; a NumPy scalar where that is ()."""
    part = as_dtype(np.reshape(part, (*out.shape, *node.shape)), np.result_type(out.dtype, node.dtype))
    return part[()] if part.ndim == 0 and not is_tracer(part) else part


def stored(part: Any, out: Output, node: Node, format: str) -> Any:
    """A sparse part of a Jacobian in its dtype and format."""
    dtype = storable(np.result_type(out.dtype, node.dtype))
    # Complex because of what stands beside it.
    part = part.real if part.dtype.kind == "c" and dtype.kind != "c" else part
    return in_format(part.astype(dtype, copy=False), format)


def in_format(matrix: sp.csr_array, format: str) -> Any:
    """A canonical matrix in a format, which knows that it is canonical in every release of SciPy."""
    out = matrix.asformat(format)
    if format == "coo":
        out.has_canonical_format = True
    return out
