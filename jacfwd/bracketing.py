"""Bracketing: how much of a chain is multiplied from the input side, how much from the output side.

All orders of multiplication give the same Jacobian; they differ in how many entries they go through. A step `L` costs
from the input side the entries of `L` times those of the Jacobians that it meets, from the output side times those of
the derivatives of the outputs behind it. Both are found by pushing a few unit seeds through the structure alone.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from jacfwd.chain import Chain
from jacfwd.formats.base import Format
from jacfwd.formats.entries import Entries

__all__ = ["Bracketing", "bracketing", "meeting"]

# At least and at most so many seeds, with so many booleans of the widest node, are pushed through; so many are drawn
# to see of what kinds there are.
FEWEST_SEEDS, MOST_SEEDS, MOST_BOOLEANS, LOOKED_AT = 8, 32, 1 << 22, 1 << 12
# A step into more parents than this is not taken apart: a loop's buffer is gathered from the input side.
MOST_PARENTS = 64
# Longer chains, which consist of scalars mostly, are not looked at, nor, for one call, such as handle fewer numbers.
MOST_STEPS, LITTLE = 4096, 1 << 21
# Another order than the one from the input side must be so much cheaper: what is known is an estimate.
BETTER = 0.6
# One side alone is taken where a meeting of both is hardly cheaper.
ABOUT = 1.1
# A product with ones moves entries and multiplies nothing.
MOVED = 0.25


@dataclasses.dataclass(frozen=True)
class Bracketing:
    """The first `meet` of `steps` steps from the input side, the others from the output side.

    `multiply_adds` is what it takes, `forward` and `reverse` what one side alone would; None where the chain allows
    no multiplication from the output side. `entries` is about the number of the Jacobian's entries.
    """

    steps: int
    meet: int
    multiply_adds: int
    forward: int
    reverse: int | None
    entries: int

    def __str__(self) -> str:
        if self.meet == self.steps:
            return "from the input side"
        return "from the output side" if self.meet == 0 else f"{self.meet} of {self.steps} steps from the input side"


@dataclasses.dataclass
class Tally:
    """Multiply-adds, and what they cost together with the entries that are only moved."""

    count: float = 0.0
    cost: float = 0.0

    def add(self, products: float, unit: bool) -> None:
        """Take note of some products of entries; with ones, where `unit`."""
        self.count += 0 if unit else products
        self.cost += MOVED * products if unit else products


@dataclasses.dataclass
class Size:
    """The number of entries of a node's Jacobian, or of the outputs' derivative by it; whether all of them are ones."""

    entries: float
    unit: bool


def bracketing(chain: Chain) -> Bracketing:
    """The cheapest place where products from both sides meet, from structure alone.

    Everything before some step is multiplied from the input side, everything after it from the output side: of all
    such bracketings the best is taken, in time proportional to the edges. (Where every graph is a chain, the dynamic
    program of Griewank and Naumann (2003) finds the best one with any number of such places.)
    """
    steps = len(chain.steps)
    ahead, forward = from_inputs(chain)
    total = forward[-1]
    entries = round(sum(ahead[out.node].entries for out in chain.graph.outputs if out.node in ahead))
    if not reversible(chain):
        return Bracketing(steps, steps, round(total.count), round(total.count), None, entries)
    behind, backward = from_outputs(chain)
    joins = crossings(chain, ahead, behind)
    reverse = backward[0].count + joins[0].count
    costs = [f.cost + j.cost + b.cost for f, j, b in zip(forward, joins, backward, strict=True)]
    meet = int(np.argmin(costs))
    if costs[meet] > BETTER * costs[steps]:
        meet = steps
    elif costs[0] <= ABOUT * costs[meet]:
        meet = 0
    count = forward[meet].count + joins[meet].count + backward[meet].count
    return Bracketing(steps, meet, round(count), round(total.count), round(reverse), entries)


def meeting(chain: Chain) -> int:
    """Where products from both sides should meet; all steps from the input side where there is little to gain."""
    steps = len(chain.steps)
    work = sum(fmt.size for step in chain.steps for _, fmt in step.groups)
    if steps < 2 or (chain.plain and work < LITTLE) or not reversible(chain):
        return steps
    return bracketing(chain).meet


def reversible(chain: Chain) -> bool:
    """Whether the chain can be multiplied from the output side: no complex nodes, no very long lists of parents."""
    nodes = chain.graph.nodes
    if len(chain.steps) > MOST_STEPS:
        return False
    return all(nodes[at].dtype.kind != "c" for at in chain.active) and all(
        len(parents) <= MOST_PARENTS for step in chain.steps for parents, _ in step.groups
    )


def sampled(chain: Chain, touched: Sequence[np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Some of so many unit seeds, and for how many seeds each of them stands.

    `touched` tells for each of the nearest steps which seeds it meets. Seeds that meet the same steps are alike: some
    of every such kind are taken, since few of one kind may have more entries than many of another.
    """
    widest = max([1, *(len_of(chain, at) for at in chain.active)])
    some = min(count, MOST_SEEDS, max(FEWEST_SEEDS, MOST_BOOLEANS // widest))
    if some == count:
        return np.arange(count), np.ones(count)
    drawn = np.random.default_rng(0).choice(count, min(count, LOOKED_AT), replace=False)
    share = count / len(drawn)
    kinds = np.stack([np.zeros(len(drawn), bool), *(each[drawn] for each in touched)], axis=1)
    # What no step reads has no entries.
    drawn, kinds = (drawn[kinds.any(axis=1)], kinds[kinds.any(axis=1)]) if kinds.any() else (drawn, kinds)
    _, kind, members = np.unique(kinds, axis=0, return_inverse=True, return_counts=True)
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


def from_inputs(chain: Chain) -> tuple[dict[int, Size], list[Tally]]:
    """Entries of every node's Jacobian, and what it costs to come so far, step by step."""
    picked, scales = sampled(chain, list(met_by_inputs(chain)), chain.n)
    reached: dict[int, np.ndarray] = {}
    sizes: dict[int, Size] = {}
    for at, start, size in zip(chain.wrt, chain.offsets, chain.sizes, strict=False):
        reached[at] = (picked[:, None] == np.arange(start, start + size)).reshape(
            len(picked), *chain.graph.nodes[at].shape
        )
        sizes[at] = Size(size, True)
    last, tallies, done = chain.last_use, [Tally()], Tally()
    for step in chain.steps:
        found, unit = None, len(step.groups) == 1
        for parents, fmt in step.groups:
            block = joined([reached[q] for q in parents])
            whole = Size(sum(sizes[q].entries for q in parents), all(sizes[q].unit for q in parents))
            done.add(products(fmt, whole.entries, fmt.n_in), is_unit(fmt) or whole.unit)
            unit = unit and is_unit(fmt) and whole.unit
            moved = fmt.reach(block)
            found = moved if found is None else found | moved
        assert found is not None
        for gone in last.get(step.node, ()):
            reached.pop(gone, None)
        reached[step.node] = found
        sizes[step.node] = Size(counted(found, scales), unit)
        tallies.append(dataclasses.replace(done))
    return sizes, tallies


def from_outputs(chain: Chain) -> tuple[dict[int, Size], list[Tally]]:
    """Entries of the outputs' derivatives by every node, and what it costs from every step to the end."""
    picked, scales = sampled(chain, list(met_by_outputs(chain)), chain.m)
    reached: dict[int, np.ndarray] = {}
    sizes: dict[int, Size] = {}

    def give(at: int, block: np.ndarray, unit: bool) -> None:
        known = reached.get(at)
        reached[at] = block if known is None else known | block
        unit = unit and known is None
        sizes[at] = Size(counted(reached[at], scales), unit)

    for out, start, size in zip(chain.graph.outputs, chain.out_offsets, chain.out_sizes, strict=False):
        if out.node in chain.active:
            give(out.node, (picked[:, None] == np.arange(start, start + size)).reshape(len(picked), *out.shape), True)
    tallies, done = [Tally()], Tally()
    for step in reversed(chain.steps):
        block = reached.pop(step.node, None)
        if block is None:  # only integers depend on it
            tallies.append(dataclasses.replace(done))
            continue
        own = sizes[step.node]
        for parents, fmt in step.groups:
            unit = is_unit(fmt) and own.unit
            done.add(products(fmt, own.entries, fmt.n_out), is_unit(fmt) or own.unit)
            for parent, part in zip(parents, apart(chain, parents, fmt.T.reach(block)), strict=True):
                give(parent, part, unit)
        tallies.append(dataclasses.replace(done))
    return sizes, tallies[::-1]


def crossings(chain: Chain, ahead: dict[int, Size], behind: dict[int, Size]) -> list[Tally]:
    """What the products of both sides cost at every place where they could meet."""
    changes: list[list[tuple[int, int]]] = [[] for _ in range(len(chain.steps) + 1)]
    outputs = {out.node for out in chain.graph.outputs}
    made = dict.fromkeys(chain.wrt, 0) | {step.node: k + 1 for k, step in enumerate(chain.steps)}
    used = {q: k for k, step in enumerate(chain.steps) for parents, _ in step.groups for q in parents}
    for at, begin in made.items():
        changes[begin].append((at, 1))
        if at not in outputs and used.get(at, begin) + 1 < len(changes):
            changes[used.get(at, begin) + 1].append((at, -1))
    tallies, now = [], Tally()
    for change in changes:
        for at, sign in change:
            if at in behind:
                a, b = ahead[at], behind[at]
                now.add(sign * a.entries * b.entries / max(len_of(chain, at), 1), a.unit or b.unit)
        tallies.append(dataclasses.replace(now))
    return tallies


def products(fmt: Format, entries: float, middle: int) -> float:
    """Products of a local Jacobian's entries with those of a matrix that it meets on so many elements."""
    return fmt.nnz * entries / max(middle, 1)


def is_unit(fmt: Format) -> bool:
    """Whether a product with it multiplies nothing."""
    return type(fmt) is Entries and fmt.work()[0] == 0


def counted(block: np.ndarray, scales: np.ndarray) -> float:
    """Entries of all seeds, from those of some."""
    return float(np.count_nonzero(block, axis=tuple(range(1, block.ndim))) @ scales)


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
