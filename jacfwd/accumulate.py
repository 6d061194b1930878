"""The Jacobian by products of structured local Jacobians: no seeds, no colours."""

import itertools
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
# The outputs together, as a node behind all others.
OUTPUTS = -1


def columns_of(chain: Chain, k: int) -> Entries:
    """The Jacobian of input k itself: its stretch of the n columns."""
    shape = chain.graph.nodes[chain.wrt[k]].shape
    index = IndexMap.identity(shape, (chain.n,), offset=chain.offsets[k])
    return Entries((chain.n,), shape, None, index)


def rows_of(chain: Chain, o: int) -> Entries:
    """How output o becomes rows of the whole: its stretch of the m rows."""
    shape = chain.graph.outputs[o].shape
    return Entries(shape, (chain.m,), IndexMap.identity(shape, (chain.m,), offset=chain.out_offsets[o]), None)


def accumulate(
    chain: Chain, order: Sequence[int] | None = None, columns: dict[int, Format] | None = None
) -> list[Format | None]:
    """Jacobians of the outputs with respect to all n inputs; None means zero.

    Nodes are eliminated in an order: where child c and parent p meet in node v, `L_cv L_vp` is added to `L_cp`, until
    nothing stands between inputs and outputs. Every bracketing of the chain is such an order. The order of recording,
    which is the default, multiplies from the input side, `J_node = sum_parents L_parent J_parent` (forward
    accumulation, Griewank and Walther 2008, section 3.2; on vertex elimination, Griewank and Naumann 2003); other
    orders give the whole Jacobian as one part. `columns` are Jacobians of the inputs to begin with, where others are
    wanted than those with respect to all n.
    """
    steps = chain.steps
    order = [step.node for step in steps] if order is None else order
    ahead = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1].node, zip(order, steps, strict=False)))
    with np.errstate(all="ignore"):
        known = _from_inputs(chain, steps[:ahead], columns)
        if ahead == len(steps):
            return [None if out.node is None else known.get(out.node) for out in chain.graph.outputs]
        rest = Elimination(chain, known, steps[ahead:])
        for at in order[ahead:]:
            rest.eliminate(at)
        return rest.whole()


def _from_inputs(chain: Chain, steps: Sequence[Step], columns: dict[int, Format] | None) -> dict[int, Format]:
    """Jacobians `(n,) -> node.shape` of what is needed after these steps."""
    known: dict[int, Format] = {}
    known.update({at: columns_of(chain, k) for k, at in enumerate(chain.wrt)} if columns is None else columns)
    last = chain.last_use
    for step in steps:
        terms = [_through(chain, known, parents, fmt) for parents, fmt in step.groups]
        for gone in last.get(step.node, ()):
            known.pop(gone, None)
        known[step.node] = _summed(chain, step, terms)
    return known


def _summed(chain: Chain, step: Step, terms: Sequence[Format]) -> Format:
    """The Jacobian of a node from what its parents contribute; real where the node is."""
    total = algebra.add(terms)
    real = chain.graph.nodes[step.node].dtype.kind != "c"
    return algebra.real_part(total) if real and _may_be_complex(chain, step) else total


class Elimination:
    """Steps of a chain without complex nodes, of which nodes are eliminated in any order.

    `known` are Jacobians of nodes with respect to all n inputs. `into[c]` holds for every node that is left what its
    parents contribute, joined parents together; what comes from the inputs by way of eliminated nodes stands at ().
    The outputs, put together to m rows, are a last node, OUTPUTS.
    """

    def __init__(self, chain: Chain, known: dict[int, Format], steps: Sequence[Step]) -> None:
        self.chain, self.known = chain, known
        self.into: dict[int, dict[tuple[int, ...], list[Format]]] = {}
        self.users: dict[int, dict[int, None]] = {}
        for step in steps:
            for parents, fmt in step.groups:
                self._contribute(step.node, parents, fmt)
        for k, out in enumerate(chain.graph.outputs):
            if out.node in chain.active:
                self._contribute(OUTPUTS, (out.node,), rows_of(chain, k))

    def eliminate(self, at: int) -> None:
        """Take a node out: what it contributes, its parents contribute by way of it."""
        groups, users = self.into.pop(at), self.users.pop(at, {})
        if all(q in self.known for parents in groups for q in parents):
            # Its own Jacobian is ready: those who use it take it when their turn comes.
            self.known[at] = algebra.add([self._from_known(parents, terms) for parents, terms in groups.items()])
            self.users[at] = users
        else:
            for user in users:
                after = self._contribution(user, at)
                for parents, terms in groups.items():
                    self._contribute(user, parents, algebra.compose(after, algebra.add(terms)))
        for q in {q for parents in groups for q in parents}:
            self._leave(q, at)

    def whole(self) -> list[Format | None]:
        """The Jacobian of all outputs, as one part, once all nodes are eliminated."""
        groups = self.into.get(OUTPUTS, {})
        return [algebra.add([self._from_known(parents, terms) for parents, terms in groups.items()])] if groups else []

    def _from_known(self, parents: tuple[int, ...], terms: list[Format]) -> Format:
        """What parents whose Jacobians are known contribute."""
        fmt = algebra.add(terms)
        return _through(self.chain, self.known, parents, fmt) if parents else fmt

    def _contribute(self, child: int, parents: tuple[int, ...], fmt: Format) -> None:
        self.into.setdefault(child, {}).setdefault(parents, []).append(fmt)
        for q in parents:
            self.users.setdefault(q, {})[child] = None

    def _contribution(self, child: int, at: int) -> Format:
        """What one parent contributes to a child, taken out; where it is joined with others, these are taken apart."""
        groups = self.into[child]
        for parents in [parents for parents in groups if at in parents and len(parents) > 1]:
            joined = algebra.add(groups.pop(parents))
            for parent, part in zip(parents, _beside(self.chain, parents, joined), strict=True):
                groups.setdefault((parent,), []).append(part)
        return algebra.add(groups.pop((at,)))

    def _leave(self, at: int, user: int) -> None:
        """A user of a node less; Jacobians that nobody uses are not kept."""
        del self.users[at][user]
        if not self.users[at]:
            self.known.pop(at, None)


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
        if part is not None:
            whole = algebra.filled(part)
            for term in whole.terms if isinstance(whole, Sum) else [whole]:
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
