"""Terms of a sum and entries of a list: which stand at the same places, and what becomes of them."""

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

# Rows or columns that are looked at to see how much terms overlap.
SAMPLED = 128


def merge_equal(terms: Sequence[Entries]) -> list[Entries]:
    """Terms whose entries stand at the same places in the same order become one: paths that meet collapse."""
    kept: list[Entries] = []
    places: dict[Any, int] = {}
    for term in terms:
        key = _key(term.rows, term.nnz), _key(term.cols, term.nnz)
        at = places.get(key)
        if at is not None and kept[at].same_places(term):
            kept[at] = kept[at].scaled(_summed(kept[at], term))
        else:
            places[key] = len(kept)
            kept.append(term)
    return kept


def _key(index: IndexMap | None, size: int) -> tuple:
    """A map's key; None is the identity."""
    return (IndexMap.identity((size,)) if index is None else index).key


def _summed(a: Entries, b: Entries) -> Any:
    """The weights of two lists with the same places; they may be laid out in different shapes."""
    x, y = a.weights, b.weights
    if a.shape != b.shape and np.ndim(y) > 0:
        y = np.reshape(np.broadcast_to(y, b.shape), a.shape)
    return plus(x, y)


def crowded(terms: Sequence[Entries]) -> bool:
    """Whether terms have more than twice as many entries together as places they stand at.

    Counted on a sample of the rows (or of the columns, where there are more of those): the answer chooses
    between two ways to store the same matrix, and must not cost more than either.
    """
    if len(terms) < 3:  # two terms that are not equal stand at more than half as many places
        return False
    n_out, n_in = terms[0].n_out, terms[0].n_in
    # Where every term has one entry per row, rows are read off without a search.
    by_rows = n_out >= n_in or (n_out >= SAMPLED and all(term.rows is None for term in terms))
    stride = max(1, (n_out if by_rows else n_in) // SAMPLED)
    places = [_sampled(term, by_rows, stride) for term in terms]
    rows, cols = (np.concatenate(part) for part in zip(*places, strict=True))
    return len(rows) > 2 * coo.distinct(rows, cols, terms[0].n_in)


def _sampled(term: Entries, by_rows: bool, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the entries in every `stride`-th row (or column)."""
    along, across = (term.rows, term.cols) if by_rows else (term.cols, term.rows)
    if along is None:
        found = np.arange(0, term.nnz, stride)
        other = found if across is None else across.flat[::stride]
    else:
        chosen = np.flatnonzero(along.flat % stride == 0) if stride > 1 else np.arange(term.nnz)
        found = along.flat[chosen]
        other = chosen if across is None else across.flat[chosen]
    return (found, other) if by_rows else (other, found)


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
        values = weights if np.ndim(weights) == 0 else found.flat_weights()
        return coo_entries(entries.in_shape, entries.out_shape, rows.flat, cols.flat, values)
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
