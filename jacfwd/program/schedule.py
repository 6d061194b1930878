"""In which order a program computes, and which operations share a loop over blocks."""

import math
from collections.abc import Container, Sequence

import numpy as np

from jacfwd.graph import Graph, Node
from jacfwd.program.kinds import is_elementwise, is_gather, is_total
from jacfwd.program.places import Place

__all__ = ["block", "scheduled"]

# Elements in a block, most and least of them, and the least number of elements that are worth blocks.
BLOCK, SHORT, LEAST = 1 << 14, 1 << 12, 1 << 15
# Bytes of a block's arrays that stay near the processor. Shorter blocks than these have threads wait for each other.
NEAR = 1 << 21


def block(nbytes: int) -> int:
    """How many elements go through a region at a time, if each takes so many bytes of memory in between.

    >>> block(8 * 12), block(8 * 24), block(8 * 60)
    (16384, 8192, 4096)
    """
    return min(BLOCK, max(SHORT, 1 << (NEAR // max(nbytes, 1)).bit_length() - 1))


def scheduled(
    graph: Graph, where: Sequence[Place], careful: bool, alone: Container[int] = frozenset()
) -> list[list[int]]:
    """The nodes in an order to compute them in: one after the other, or as regions of several; some always alone."""
    sizes = [
        _size(node, where, careful) if where[at].root == at and at not in alone else None
        for at, node in enumerate(graph.nodes)
    ]
    if not any(sizes):
        return [[at] for at in range(len(graph.nodes))]
    done: set[int] = set()
    left = list(range(len(graph.nodes)))
    order: list[list[int]] = []
    while left:
        later, waiting = [], []
        for at in left:
            if not all(p is None or p in done for p in graph.nodes[at].parents):
                later.append(at)
            elif sizes[at] is None:
                done.add(at)
                order.append([at])
            else:
                waiting.append(at)
                later.append(at)
        left = later
        if waiting:
            size = sizes[waiting[0]]
            assert size is not None
            region = _collected(graph, where, sizes, left, done, size)
            order.append(region)
            done.update(region)
            left = [at for at in left if at not in done]
    return order


def _size(node: Node, where: Sequence[Place], careful: bool) -> int | None:
    """The number of elements of a node that can be part of a region, else None."""
    size = math.prod(node.shape)
    if node.primitive is None or size < LEAST:
        return None
    if is_gather(node):
        return size
    return size if is_elementwise(node, careful) and _flat(node, where, size) else None


def _flat(node: Node, where: Sequence[Place], size: int) -> bool:
    """Whether all operands are flat arrays of this size, or numbers."""
    for parent, constant in zip(node.parents, node.constants, strict=True):
        if parent is None:
            if np.size(constant) not in (1, size):
                return False
        elif where[parent].size != 1 and (where[parent].size != size or where[parent].linear is None):
            return False
    return True


def _collected(
    graph: Graph, where: Sequence[Place], sizes: Sequence[int | None], left: list[int], done: set[int], size: int
) -> list[int]:
    """All nodes of one size that can be computed now, element by element, and views of stretches of these."""
    region: list[int] = []
    inside: set[int] = set()
    for at in left:
        node = graph.nodes[at]
        if node.primitive is not None and is_total(node, graph.nodes):
            # Known only when all blocks are done: nothing in this region can read it.
            if node.parents[0] in inside and where[node.parents[0]].size == size and where[node.parents[0]].whole:
                region.append(at)
            continue
        is_view = where[at].root in inside
        if sizes[at] != size and not (is_view and _is_stretch(where[at])):
            continue
        if all(
            p is None or p in done or (p in inside and (is_view or _in_step(node, p, where, size)))
            for p in node.parents
        ):
            region.append(at)
            inside.add(at)
    return region


def _is_stretch(place: Place) -> bool:
    """Whether a view sees a run of elements in order."""
    linear = place.linear
    return place.size > 1 and linear is not None and linear[1] == 1


def _in_step(node: Node, parent: int, where: Sequence[Place], size: int) -> bool:
    """Whether a value of the same region is read element by element, as it is computed."""
    place = where[parent]
    whole = place.size == size and place.whole
    return whole and (not is_gather(node) or node.params["index"].is_identity)
