"""Terms of a sum and entries of a list: which stand at the same places, and what becomes of them."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jacfwd.formats import coo
from jacfwd.formats.blocks import Dense
from jacfwd.formats.entries import Entries, coo_entries
from jacfwd.formats.index import IndexMap
from jacfwd.formats.weights import numbers, plus

__all__ = ["crowded", "folded", "merge_equal", "settled"]

# Overlaps of pairs of maps found before, by the maps' keys; they decide between formats and nothing else.
OVERLAPS: dict[Any, int] = {}
MOST_OVERLAPS = 4096


def merge_equal(terms: Sequence[Entries]) -> list[Entries]:
    """Terms whose entries stand at the same places in the same order become one: paths that meet collapse."""
    kept: list[Entries] = []
    places: dict[Any, int] = {}
    for term in terms:
        key = (term.rows and term.rows.key, term.cols and term.cols.key, term.nnz)
        at = places.get(key)
        if at is not None and kept[at].same_places(term):
            kept[at] = kept[at].scaled(_summed(kept[at], term))
        else:
            places[key] = len(kept)
            kept.append(term)
    return kept


def _summed(a: Entries, b: Entries) -> Any:
    """The weights of two lists with the same places; they may be laid out in different shapes."""
    x, y = a.weights, b.weights
    if a.shape != b.shape and np.ndim(y) > 0:
        y = np.reshape(np.broadcast_to(y, b.shape), a.shape)
    return plus(x, y)


def crowded(terms: Sequence[Entries]) -> bool:
    """Whether terms have more than twice as many entries together as places they stand at."""
    total = sum(term.nnz for term in terms)
    if total <= 2 * max((_own_places(term) for term in terms), default=0) or not total:
        return False
    by_rows = [term.cols for term in terms] if all(term.rows is None for term in terms) else None
    by_cols = [term.rows for term in terms] if all(term.cols is None for term in terms) else None
    aligned = by_rows if by_rows is not None else by_cols
    if aligned is not None:
        # Every term has one entry for each row (or column): places they share are counted pair by pair.
        most = total // 2
        for a, b in itertools.combinations(aligned, 2):
            most -= _overlap(a, b, terms[0].nnz)
            if most < 0:
                break
        else:
            return False
    rows, cols, _ = zip(*(term.coo() for term in terms), strict=True)
    i, j = np.concatenate(rows), np.concatenate(cols)
    if total <= 2 * max(np.count_nonzero(np.bincount(i)), np.count_nonzero(np.bincount(j))):
        return False
    return total > 2 * coo.distinct(i, j, terms[0].n_in)


def _own_places(term: Entries) -> int:
    """A number of places that the entries of a term stand at, at the least."""
    return term.nnz if term.rows is None or term.cols is None else 0


def _overlap(a: IndexMap | None, b: IndexMap | None, size: int) -> int:
    """At how many of `size` positions two maps agree; None is the identity."""
    a, b = (IndexMap.identity((size,)) if index is None else index for index in (a, b))
    key = a.key, b.key
    if key[0][0] == key[1][0] == "affine" and key[0][3] == key[1][3]:
        return size if key[0][2] == key[1][2] else 0
    if key not in OVERLAPS:
        if len(OVERLAPS) >= MOST_OVERLAPS:
            OVERLAPS.clear()
        OVERLAPS[key] = int(np.count_nonzero(a.flat == b.flat))
    return OVERLAPS.get(key, 0)


def settled(entries: Entries) -> Entries | Dense:
    """Entries with equal places summed; dense where more than a quarter of all entries are present."""
    if entries.rows is not None and entries.cols is not None:
        found = coo.merged(*entries.coo(), entries.n_in)
        entries = coo_entries(entries.in_shape, entries.out_shape, *found)
    if 4 * entries.nnz <= entries.n_in * entries.n_out or entries.rows is None or entries.cols is None:
        return entries
    block, present = entries.columns()
    return Dense(block, entries.in_shape, present)


def folded(entries: Entries) -> Entries:
    """Sum the weights along axes on which neither rows nor columns move, as of a broadcast that is summed."""
    rows, cols = entries.rows, entries.cols
    if rows is None or cols is None or rows.affine is None or cols.affine is None or rows.shape != cols.shape:
        return entries
    shape = entries.shape
    steps = zip(shape, rows.affine[1], cols.affine[1], strict=True)
    axes = tuple(k for k, (n, down, along) in enumerate(steps) if n > 1 and down == along == 0)
    if not axes:
        return entries
    left = tuple(1 if k in axes else n for k, n in enumerate(shape))
    weights = _summed_along(entries.weights, shape, axes)
    rows = IndexMap(left, rows.target, affine=rows.affine)
    cols = IndexMap(left, cols.target, affine=cols.affine)
    found = Entries(entries.in_shape, entries.out_shape, rows, cols, weights)
    if rows.is_identity or cols.is_identity:
        return coo_entries(entries.in_shape, entries.out_shape, *found.coo())
    return found


def _summed_along(weights: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """Weights summed over some axes of the shape they broadcast to; the axes stay, with length one."""
    if type(weights) is int:
        return weights * math.prod(shape[k] for k in axes)
    weights = numbers(weights)
    lead = len(shape) - np.ndim(weights)
    full = np.reshape(weights, (1,) * lead + np.shape(weights))
    spread = [k for k in axes if np.shape(full)[k] == 1]
    total = np.sum(full, axis=tuple(k for k in axes if k not in spread), keepdims=True)
    return total * math.prod(shape[k] for k in spread) if spread else total
