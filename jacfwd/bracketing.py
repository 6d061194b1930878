"""Bracketing: in which order the factors of a chain are multiplied.

All orders give the same Jacobian; they differ in how many entries they go through. An order eliminates the nodes
between inputs and outputs one by one (`orders`): in the order of recording, all products are made from the input side,
in the opposite one from the output side. Sizes are those of the local Jacobians, and of what stands between the inputs
and a node, or a node and the outputs: these are found by pushing a few unit seeds through the structure alone.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from jacfwd.chain import Chain
from jacfwd.formats.base import Format
from jacfwd.formats.combined import Product, Sum
from jacfwd.formats.entries import Entries
from jacfwd.orders import FIRST, LAST, Edge, Factor, Tally, Vertices, cheapest, spent, summed

__all__ = ["Bracketing", "bracketing", "elimination"]

# At least and at most so many seeds, with so many booleans of the widest node, are pushed through, the fewest for one
# call; so many are drawn to see of what kinds there are.
FEWEST_SEEDS, MOST_SEEDS, MOST_BOOLEANS, LOOKED_AT = 8, 32, 1 << 22, 1 << 12
# Joined parents, if more than this, are not taken apart: a loop's buffer is gathered from the input side.
MOST_PARENTS = 64
# Longer chains, which consist of scalars mostly, are not looked at.
MOST_STEPS = 4096
# For one call are looked at such as handle so many numbers, or whose Jacobian, if full, has so many entries, with
# steps to so small a part of its width, or of so many times as many entries as they have rows and columns.
MUCH, LARGE, NARROW, FULL = 1 << 20, 1 << 16, 16, 4
# Another order than the one from the input side must be so much cheaper: what is known is an estimate.
BETTER = 0.6
# One side alone is taken where a mixed order is hardly cheaper.
ABOUT = 1.1


@dataclasses.dataclass(frozen=True)
class Bracketing:
    """The order in which nodes are eliminated, and what it takes.

    `order` holds the nodes of all steps of the chain. `multiply_adds` is what it takes, `forward` and `reverse` what
    one side alone would; the latter None where the chain allows no multiplication from the output side. `entries` is
    about the number of the Jacobian's entries. Of the multiply-adds, `full` belong to products of full matrices.
    `steps` counts those from the input side, those from the output side, and those in between.
    """

    order: tuple[int, ...]
    steps: tuple[int, int, int]
    multiply_adds: int
    forward: int
    reverse: int | None
    entries: int
    full: int = 0

    def __str__(self) -> str:
        first, last, inner = self.steps
        total = sum(self.steps)
        if not last and not inner:
            return "from the input side"
        if not first and not inner:
            return "from the output side"
        parts = [(inner, "in between"), (first, "from the input side"), (last, "from the output side")]
        some = [f"{count} {side}" for count, side in parts if count]
        return f"{some[0].replace(' ', f' of {total} steps ', 1)}" + "".join(f", {part}" for part in some[1:])


def bracketing(chain: Chain, prepared: bool = True, thorough: bool = True) -> Bracketing:
    """The cheapest order known, from structure alone.

    Compared are: from the input side, from the output side, always the node next that takes least, and block by block
    with the best bracketing of the chain of blocks, where a block is what stands between two nodes that all ways go
    through. For one call, not `prepared`, another order than from the input side must be worth the look. Unless
    `thorough`, nothing is compared where no order can be much better.
    """
    forward = [step.node for step in chain.steps]
    seeds = MOST_SEEDS if prepared else FEWEST_SEEDS
    ahead, tally = from_inputs(chain, seeds)
    entries = round(sum(ahead[out.node] for out in chain.graph.outputs if out.node in ahead))
    possible = reversible(chain)
    choose = possible and (prepared or promising(chain)) and tally.count > least(chain) / BETTER
    if not possible or not (thorough or choose):
        count = round(tally.count)
        return Bracketing(tuple(forward), (len(forward), 0, 0), count, count, None, entries)
    vertices = vertices_of(chain, ahead, from_outputs(chain, seeds))
    reverse = sorted(forward, key=lambda at: (at in vertices.held, at if at in vertices.held else -at))
    first, last = spent(vertices, forward), spent(vertices, reverse)
    tally, order = first, forward
    if choose:
        mixed = [(spent(vertices, order), order) for order in cheapest(vertices)]
        best = min([(last, reverse), *mixed], key=lambda found: found[0].cost)
        if best[0].cost <= BETTER * first.cost:
            tally, order = (last, reverse) if last.cost <= ABOUT * best[0].cost else best
    counts = round(tally.count), round(first.count), round(last.count)
    return Bracketing(tuple(order), vertices.sides(order), *counts, entries, round(tally.full))


def elimination(chain: Chain) -> tuple[int, ...] | None:
    """The order for structured products; None, all from the input side, where there is little to gain.

    Of a chain of plain values it is for one call.
    """
    if len(chain.steps) < 2 or not reversible(chain) or (chain.plain and not promising(chain)):
        return None
    return bracketing(chain, not chain.plain, thorough=False).order


def promising(chain: Chain) -> bool:
    """Whether for one call an order is worth a look: much work, or full or narrow steps within a large Jacobian."""
    formats = [fmt for step in chain.steps for _, fmt in step.groups]
    if sum(fmt.size for fmt in formats) >= MUCH:
        return True
    few = min(chain.n, chain.m) // NARROW
    if chain.n * chain.m < LARGE or not few:
        return False
    # A slice is narrow as well, but nothing comes together there.
    return any(fmt.n_out <= min(few, fmt.nnz - 1) or fmt.nnz >= FULL * (fmt.n_in + fmt.n_out) for fmt in formats)


def least(chain: Chain) -> float:
    """What structured products take in any order: each entry of a local Jacobian meets one of another matrix.

    Less than one multiplication for each step is no work at all.
    """
    entries = sum(fmt.nnz for step in chain.steps for _, fmt in step.groups if not is_unit(fmt))
    return max(entries / 2, len(chain.steps))


def reversible(chain: Chain) -> bool:
    """Whether other orders than that of recording are looked at: no complex nodes, no very long chain."""
    nodes = chain.graph.nodes
    return len(chain.steps) <= MOST_STEPS and all(nodes[at].dtype.kind != "c" for at in chain.active)


# Sizes of local Jacobians


def vertices_of(chain: Chain, ahead: dict[int, float], behind: dict[int, float]) -> Vertices:
    """The chain as a graph of sizes, inputs together as its first vertex, outputs as its last."""
    inputs = set(chain.wrt)
    held: set[int] = set()
    edges: dict[int, dict[int, list[Edge]]] = {}
    for step in chain.steps:
        into = edges.setdefault(step.node, {})
        for parents, fmt in step.groups:
            held.update(parents if len(parents) > MOST_PARENTS else ())
            edge = sized(fmt)
            for q in parents:
                part = share(edge, len_of(chain, q), chain.n if q in inputs else len_of(chain, q))
                into.setdefault(FIRST if q in inputs else q, []).append(part)
    for out, size in zip(chain.graph.outputs, chain.out_sizes, strict=False):
        if out.node in chain.active:
            at, cols = (FIRST, chain.n) if out.node in inputs else (out.node, size)
            last = Factor(chain.m, cols, size, size, True, 1, 1)
            edges.setdefault(LAST, {}).setdefault(at, []).append(((last,),))

    def most(parent: int, child: int) -> float:
        known = ahead.get(child) if parent == FIRST else behind.get(parent) if child == LAST else None
        return math.inf if known is None else known

    held -= inputs
    added = {c: {p: summed(itertools.chain(*found), Tally()) for p, found in into.items()} for c, into in edges.items()}
    return Vertices(added, most, frozenset(held))


def sized(fmt: Format) -> Edge:
    """A local Jacobian by its sizes."""
    if isinstance(fmt, Sum):
        return summed(itertools.chain(*(sized(part) for part in fmt.terms)), Tally())
    if isinstance(fmt, Product):
        return (tuple(factor_of(part) for part in fmt.factors),)
    return ((factor_of(fmt),),)


def factor_of(fmt: Format) -> Factor:
    """A format as one matrix."""
    if type(fmt) is Entries:
        by_row, by_column = int(fmt.rows is None), int(fmt.cols is None)
        return Factor(fmt.n_out, fmt.n_in, fmt.nnz, fmt.nnz, is_unit(fmt), by_row, by_column)
    return Factor(fmt.n_out, fmt.n_in, fmt.nnz, fmt.size)


def share(edge: Edge, size: int, cols: int) -> Edge:
    """What is one of several joined parents' of a matrix, with `cols` columns."""

    def of(factor: Factor) -> Factor:
        part = size / max(factor.cols, 1)
        return factor._replace(cols=cols, entries=factor.entries * part, size=factor.size * part)

    return tuple((of(first), *rest) for first, *rest in edge)


# Sizes of what stands between the inputs and a node, or a node and the outputs


def sampled(chain: Chain, touched: Sequence[np.ndarray], count: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Some of so many unit seeds, and for how many seeds each of them stands.

    `touched` tells for each of the nearest steps which seeds it meets. Seeds that meet the same steps are alike: some
    of every such kind are taken, since few of one kind may have more entries than many of another.
    """
    widest = max([1, *(len_of(chain, at) for at in chain.active)])
    some = min(count, most, max(FEWEST_SEEDS, MOST_BOOLEANS // widest))
    if some == count:
        return np.arange(count), np.ones(count)
    drawn = np.random.default_rng(0).choice(count, min(count, LOOKED_AT), replace=False)
    share = count / len(drawn)
    kinds = np.stack([np.zeros(len(drawn), bool), *(each[drawn] for each in touched)], axis=1)
    # What no step reads has no entries.
    drawn, kinds = (drawn[kinds.any(axis=1)], kinds[kinds.any(axis=1)]) if kinds.any() else (drawn, kinds)
    # Rows are alike where their sums with random weights are: a chance of 1 in 10^12 or so, and only for an estimate.
    weights = np.random.default_rng(1).integers(1, 1 << 62, kinds.shape[1], np.int64)
    _, kind, members = np.unique(kinds @ weights, return_inverse=True, return_counts=True)
    each = max(1, some // len(members))
    # The first few of every kind, in the order in which they were drawn.
    order = np.argsort(kind.reshape(-1), kind="stable")
    starts = np.cumsum(members) - members
    largest = np.argsort(-members, kind="stable")[:some]
    chosen = [order[starts[k] : starts[k] + min(each, members[k])] for k in largest]
    scales = [np.full(len(own), members[k] / len(own)) for k, own in zip(largest, chosen, strict=True)]
    return drawn[np.concatenate(chosen)], np.concatenate(scales) * share


def met_by_inputs(chain: Chain) -> Iterator[np.ndarray]:
    """For every step next to the inputs, which of the n columns it reads."""
    place = dict(zip(chain.wrt, chain.offsets, strict=False))
    for step in chain.steps:
        for parents, fmt in step.groups:
            if not place.keys().isdisjoint(parents):
                read, touched = fmt.T.reach(np.ones((1, *fmt.out_shape), bool)), np.zeros(chain.n, bool)
                for parent, part in zip(parents, apart(chain, parents, read), strict=True):
                    if parent in place:
                        touched[place[parent] : place[parent] + part.size] = part.reshape(-1)
                yield touched


def met_by_outputs(chain: Chain) -> Iterator[np.ndarray]:
    """For every parent of the outputs' nodes, which of the m rows it reaches."""
    place = {out.node: at for out, at in zip(chain.graph.outputs, chain.out_offsets, strict=False)}
    for step in chain.steps:
        for parents, fmt in step.groups if step.node in place else ():
            sizes = [len_of(chain, q) for q in parents]
            for k in range(len(parents)):
                ones = [np.full((1, size), k == j) for j, size in enumerate(sizes)]
                reached, touched = (
                    fmt.reach(np.concatenate(ones, axis=1).reshape(1, *fmt.in_shape)),
                    np.zeros(chain.m, bool),
                )
                touched[place[step.node] : place[step.node] + reached.size] = reached.reshape(-1)
                yield touched


def len_of(chain: Chain, at: int) -> int:
    """The number of elements of a node."""
    return int(np.prod(chain.graph.nodes[at].shape, dtype=int))


def from_inputs(chain: Chain, most: int = MOST_SEEDS) -> tuple[dict[int, float], Tally]:
    """Entries of every node's Jacobian, and what products from the input side take."""
    picked, scales = sampled(chain, list(met_by_inputs(chain)), chain.n, most)
    reached: dict[int, np.ndarray] = {}
    for at, start, size in zip(chain.wrt, chain.offsets, chain.sizes, strict=False):
        reached[at] = unit_seeds(picked, start, size, chain.graph.nodes[at].shape)
    entries = dict(zip(chain.wrt, map(float, chain.sizes), strict=True))
    units = set(chain.wrt)
    last, tally = chain.last_use, Tally()
    for step in chain.steps:
        found, unit = None, len(step.groups) == 1
        for parents, fmt in step.groups:
            ones = units.issuperset(parents)
            tally.add(fmt.nnz * sum(entries[q] for q in parents) / max(fmt.n_in, 1), is_unit(fmt) or ones)
            unit = unit and ones and is_unit(fmt)
            moved = fmt.reach(joined([reached[q] for q in parents]))
            found = moved if found is None else found | moved
        assert found is not None
        for gone in last.get(step.node, ()):
            reached.pop(gone, None)
        reached[step.node], entries[step.node] = found, counted(found, scales)
        units.update([step.node] if unit else ())
    return entries, tally


def from_outputs(chain: Chain, most: int = MOST_SEEDS) -> dict[int, float]:
    """Entries of the outputs' derivatives by every node."""
    picked, scales = sampled(chain, list(met_by_outputs(chain)), chain.m, most)
    reached: dict[int, np.ndarray] = {}
    entries: dict[int, float] = {}

    def give(at: int, block: np.ndarray) -> None:
        known = reached.get(at)
        reached[at] = block if known is None else known | block

    for out, start, size in zip(chain.graph.outputs, chain.out_offsets, chain.out_sizes, strict=False):
        if out.node in chain.active:
            give(out.node, unit_seeds(picked, start, size, out.shape))
    for step in reversed(chain.steps):
        block = reached.pop(step.node, None)
        if block is None:  # only integers depend on it
            continue
        entries[step.node] = counted(block, scales)
        for parents, fmt in step.groups:
            for parent, part in zip(parents, apart(chain, parents, fmt.T.reach(block)), strict=True):
                give(parent, part)
    return entries | {at: counted(block, scales) for at, block in reached.items()}


def unit_seeds(picked: np.ndarray, start: int, size: int, shape: tuple[int, ...]) -> np.ndarray:
    """Of some seeds, which are one of a node whose elements begin at a place."""
    return (picked[:, None] == np.arange(start, start + size)).reshape(len(picked), *shape)


def is_unit(fmt: Format) -> bool:
    """Whether a product with it multiplies nothing."""
    return type(fmt) is Entries and fmt.work()[0] == 0


def counted(block: np.ndarray, scales: np.ndarray) -> float:
    """Entries of all seeds, from those of some."""
    return float(np.array([np.count_nonzero(seed) for seed in block]) @ scales)


def joined(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """Blocks of joined parents side by side."""
    if len(blocks) == 1:
        return blocks[0]
    return np.concatenate([block.reshape(len(block), math.prod(block.shape[1:])) for block in blocks], axis=1)


def apart(chain: Chain, parents: tuple[int, ...], block: np.ndarray) -> Iterator[np.ndarray]:
    """A block of joined parents as one of each."""
    if len(parents) == 1:
        yield block
        return
    bounds = np.cumsum([0, *(len_of(chain, q) for q in parents)]).tolist()
    for parent, (start, stop) in zip(parents, itertools.pairwise(bounds), strict=True):
        yield block[:, start:stop].reshape(len(block), *chain.graph.nodes[parent].shape)
