"""The Jacobian by products of structured local Jacobians: no seeds, no colours."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from jacfwd.chain import Chain, Step, storable
from jacfwd.formats import compose as algebra
from jacfwd.formats.base import Coo, Format
from jacfwd.formats.combined import Product, Sum
from jacfwd.formats.dispatch import as_dtype
from jacfwd.formats.entries import Entries
from jacfwd.formats.index import IndexMap
from jacfwd.formats.weights import numbers
from jacfwd.memory import require
from jacfwd.pattern import Pattern

__all__ = ["accumulate", "columns_of", "listed", "require_room", "structure", "to_csr", "to_dense"]

# Products with at most so many entries are not looked into.
FEW = 1 << 20


def columns_of(chain: Chain, k: int) -> Entries:
    """The Jacobian of input k itself: its stretch of the n columns."""
    shape = chain.graph.nodes[chain.wrt[k]].shape
    index = IndexMap.identity(shape, (chain.n,), offset=chain.offsets[k])
    return Entries((chain.n,), shape, None, index)


def rows_of(chain: Chain, o: int) -> Entries:
    """How output o becomes rows of the whole: its stretch of the m rows."""
    shape = chain.graph.outputs[o].shape
    return Entries(shape, (chain.m,), IndexMap.identity(shape, (chain.m,), offset=chain.out_offsets[o]), None)


def accumulate(chain: Chain, meet: int | None = None, columns: dict[int, Format] | None = None) -> list[Format | None]:
    """Jacobians of the outputs with respect to all n inputs; None means zero.

    The first `meet` steps of the chain are multiplied from the input side, `J_node = sum_parents L_parent J_parent`,
    the others from the output side, `A_parent = sum_children A_child L_child`; where they meet, `sum_v A_v J_v` is
    the whole Jacobian, as one part. By default all steps are multiplied from the input side: forward accumulation
    (Griewank and Walther 2008, section 3.2; on bracketings, Griewank and Naumann 2003). `columns` are Jacobians of the
    inputs to begin with, where others are wanted than those with respect to all n.
    """
    meet = len(chain.steps) if meet is None else meet
    with np.errstate(all="ignore"):
        held = _from_inputs(chain, chain.steps[:meet], columns)
        if meet == len(chain.steps):
            return [None if out.node is None else held.get(out.node) for out in chain.graph.outputs]
        behind = _from_outputs(chain, chain.steps[meet:])
        terms = [algebra.compose(after, held[at]) for at, after in behind.items() if at in held]
        return [algebra.add(terms)] if terms else []


def _from_inputs(chain: Chain, steps: Sequence[Step], columns: dict[int, Format] | None) -> dict[int, Format]:
    """Jacobians `(n,) -> node.shape` of what is needed after these steps."""
    held: dict[int, Format] = {}
    held.update({at: columns_of(chain, k) for k, at in enumerate(chain.wrt)} if columns is None else columns)
    last = chain.last_use
    for step in steps:
        terms = [_through(chain, held, parents, fmt) for parents, fmt in step.groups]
        for gone in last.get(step.node, ()):
            held.pop(gone, None)
        total = algebra.add(terms)
        real = chain.graph.nodes[step.node].dtype.kind != "c"
        held[step.node] = algebra.real_part(total) if real and _may_be_complex(chain, step) else total
    return held


def _from_outputs(chain: Chain, steps: Sequence[Step]) -> dict[int, Format]:
    """Derivatives `node.shape -> (m,)` of the outputs with respect to what goes into these steps. No complex nodes."""
    held: dict[int, list[Format]] = {}
    for k, out in enumerate(chain.graph.outputs):
        if out.node in chain.active:
            held.setdefault(out.node, []).append(rows_of(chain, k))
    for step in reversed(steps):
        terms = held.pop(step.node, None)
        if terms is None:
            continue
        after = algebra.add(terms)
        for parents, fmt in step.groups:
            joined = algebra.compose(after, fmt)
            for parent, part in zip(parents, _beside(chain, parents, joined), strict=True):
                held.setdefault(parent, []).append(part)
    return {at: algebra.add(terms) for at, terms in held.items()}


def _beside(chain: Chain, parents: tuple[int, ...], joined: Format) -> Iterator[Format]:
    """A map of joined parents as one map of each."""
    shapes = [chain.graph.nodes[q].shape for q in parents]
    if len(parents) == 1:
        yield joined
        return
    total, start = sum(map(math.prod, shapes)), 0
    for shape in shapes:
        place = Entries(shape, (total,), IndexMap.identity(shape, (total,), offset=start), None)
        yield algebra.compose(joined, place)
        start += math.prod(shape)


def _through(chain: Chain, held: dict[int, Format], parents: tuple[int, ...], fmt: Format) -> Format:
    """The Jacobians of joined parents, on top of each other, followed by a local one."""
    if len(parents) == 1:
        return algebra.compose(fmt, held[parents[0]])
    sizes = [math.prod(chain.graph.nodes[q].shape) for q in parents]
    return algebra.compose(fmt, algebra.stack([held[q] for q in parents], held[parents[0]].in_shape, sizes))


def _may_be_complex(chain: Chain, step: Any) -> bool:
    return any(chain.graph.nodes[q].dtype.kind == "c" for parents, _ in step.groups for q in parents)


def listed(chain: Chain, parts: Sequence[Format | None]) -> Iterator[Coo]:
    """Entries of the outputs' Jacobians, each at its rows of the whole; terms of sums one by one."""
    for part, start in zip(parts, chain.out_offsets, strict=False):
        for term in part.terms if isinstance(part, Sum) else [part]:
            if term is not None:
                rows, cols, values = term.coo()
                yield rows + start, cols, values


def most_entries(fmt: Format) -> int:
    """A bound on the number of entries that `coo` lists, found without listing them.

    The entries of a row of a product are at most those of the rows that it reads, added up.
    """
    if isinstance(fmt, Sum):
        return sum(map(most_entries, fmt.terms))
    if not isinstance(fmt, Product) or fmt.nnz <= FEW:
        return fmt.nnz
    count = np.ones(fmt.n_in)
    for factor in fmt.factors:
        if factor.nnz >= fmt.nnz:
            return fmt.nnz
        rows, cols, _ = factor.coo()
        count = np.minimum(np.bincount(rows, count[cols], factor.n_out), fmt.n_in)
    return int(count.sum())


def require_room(parts: Sequence[Format | None], nbytes: int) -> None:
    """Raise MemoryBudgetError where entries of so many bytes each would be too many."""
    listed = sum(most_entries(part) for part in parts if part is not None)
    require(listed * nbytes, f"a sparse Jacobian of {listed:,} entries", "use products J @ v")


def to_csr(chain: Chain, parts: Sequence[Format | None]) -> sp.csr_array:
    """Outputs' Jacobians as one canonical CSR matrix `(m, n)`; entries whose value is zero are stored.

    Raises TypeError under an outer recording, whose values scipy.sparse cannot hold, MemoryBudgetError where there
    would be too many entries.
    """
    chain.require_plain()
    require_room(parts, 8 + chain.dtype.itemsize)
    lists = list(listed(chain, parts))
    total = sum(len(rows) for rows, _, _ in lists)
    index = np.int32 if max(chain.m, chain.n, total) < 2**31 else np.int64
    rows, cols = np.empty(total, index), np.empty(total, index)
    values = np.empty(total, storable(chain.dtype))
    at = 0
    for r, c, v in lists:
        own = slice(at, at + len(r))
        rows[own], cols[own], values[own] = r, c, v
        at += len(r)
    matrix = sp.coo_array((values, (rows, cols)), shape=(chain.m, chain.n)).tocsr()
    matrix.sort_indices()
    return matrix


def to_dense(chain: Chain, parts: Sequence[Format | None]) -> Any:
    """Outputs' Jacobians as one array `(m, n)`; under an outer recording a traced one."""
    positions, values = [], []
    for rows, cols, own in listed(chain, parts):
        positions.append(rows.astype(np.intp) * chain.n + cols)
        values.append(as_dtype(numbers(own), chain.dtype))
    if not positions:
        return np.zeros((chain.m, chain.n), chain.dtype)
    index = IndexMap.of_positions(np.concatenate(positions), (chain.m * chain.n,))
    return np.reshape(index.add(np.reshape(np.concatenate(values), (1, -1))), (chain.m, chain.n))


def structure(chain: Chain, parts: Sequence[Format | None]) -> Pattern:
    """Where the outputs' Jacobians have entries, as one pattern `(m, n)`.

    Raises MemoryBudgetError where there would be too many entries.
    """
    require_room(parts, 16)
    found, none = list(listed(chain, parts)), np.zeros(0, np.intp)
    rows = np.concatenate([none, *(rows for rows, _, _ in found)])
    cols = np.concatenate([none, *(cols for _, cols, _ in found)])
    return Pattern.from_coo(rows, cols, (chain.m, chain.n))
