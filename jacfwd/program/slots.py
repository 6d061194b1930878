"""Final slots: where the entries of a sum of terms stand in the data of one canonical CSR matrix.

The symbolic phase sorts all entries once by row and column; entries that meet share a slot. What is constant is
summed into a template. The numeric phase copies it and writes the rest, each term with one assignment: strided
where its slots are (nearly) evenly spaced.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from jacfwd.formats.weights import numbers

__all__ = ["Entry", "Slots", "arranged"]

Array = np.ndarray
# A stretch is written as one slice where at most one in so many of its slots must be mended afterwards.
MENDED = 8


@dataclasses.dataclass(frozen=True)
class Entry:
    """One term: flat rows and columns of its entries, and their weights; `constant` weights never change."""

    rows: Array
    cols: Array
    weights: Any
    constant: bool


@dataclasses.dataclass(frozen=True)
class Write:
    """How one changing term gets into the data.

    It is assigned to `slots` together with `base`, the constant part that shares them; then `mended` pairs of slots
    and entries are put right, which slices ran over or left out. Where other terms have assigned to its slots
    before, it is added; `repeats` says that some of its own entries meet.
    """

    slots: Array | slice
    base: Any = None
    mended: tuple[Array, Array] | None = None
    adds: bool = False
    repeats: bool = False

    def assign(self, data: Array, value: Any) -> None:
        """Write the term, in bulk."""
        data[self.slots] = value if self.base is None else self.base + value

    def mend(self, data: Array, value: Any) -> None:
        """Put right what slices got wrong."""
        if self.mended is not None:
            slots, entries = self.mended
            own = value if np.ndim(value) == 0 else value[entries]
            data[slots] = own if self.base is None else (self.base[entries] if np.ndim(self.base) else self.base) + own

    def add(self, data: Array, value: Any) -> None:
        """Add the term to what is there."""
        if self.repeats:
            places: Any = self.slots
            np.add.at(data, places, value)
        else:
            data[self.slots] += value


@dataclasses.dataclass(frozen=True)
class Slots:
    """A canonical CSR structure, the constant part of its data, and one `Write` for each changing term.

    `restored` are constant slots that slices run over, and those that are only ever added to.
    """

    matrix: sp.csr_array
    writes: list[Write]
    restored: Array

    def fill(self, weights: Sequence[Any], data: Array | None = None) -> Array:
        """The data at a point; with `data`, which was filled before, only what changes is written."""
        template = self.matrix.data
        data = template.copy() if data is None else data
        values = [_flat(weight) for weight in weights]
        assigned = [(write, value) for write, value in zip(self.writes, values, strict=True) if not write.adds]
        for write, value in assigned:
            write.assign(data, value)
        data[self.restored] = template[self.restored]
        for write, value in assigned:
            write.mend(data, value)
        for write, value in zip(self.writes, values, strict=True):
            if write.adds:
                write.add(data, value)
        return data


def _flat(weight: Any) -> Any:
    weight = numbers(weight)
    return np.reshape(weight, (-1,) if np.size(weight) > 1 or np.ndim(weight) == 1 else ())


def arranged(entries: Sequence[Entry], shape: tuple[int, int], dtype: np.dtype) -> Slots:
    """The symbolic phase: one slot for each place that has entries, sorted by row, then column."""
    slots, indptr, indices = _sorted(entries, shape)
    nnz = len(indices)
    template = np.zeros(nnz, dtype)
    constant = np.zeros(nnz, bool)
    for entry, own in zip(entries, slots, strict=True):
        if entry.constant:
            if increasing(own):
                template[own] += _flat(entry.weights)
            else:
                np.add.at(template, own, _flat(entry.weights))
            constant[own] = True
    template.flags.writeable = indices.flags.writeable = indptr.flags.writeable = False
    matrix = sp.csr_array((template, indices, indptr), shape=shape)
    changing = [own for entry, own in zip(entries, slots, strict=True) if not entry.constant]
    return _writes(matrix, changing, constant)


def increasing(slots: Array) -> bool:
    """Whether slots run upwards, so that none occurs twice."""
    return bool(np.all(slots[1:] > slots[:-1]))


def _sorted(entries: Sequence[Entry], shape: tuple[int, int]) -> tuple[list[Array], Array, Array]:
    """The slot of every entry, term by term, and the canonical CSR structure."""
    m, n = shape
    none = np.zeros(0, np.int64)
    keys = np.concatenate([none, *(entry.rows.astype(np.int64) * max(n, 1) + entry.cols for entry in entries)])
    # Terms run along the rows, so that there are long sorted stretches, which this kind of sort makes use of.
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    first = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    places = np.empty(len(keys), np.intp)
    places[order] = np.cumsum(first) - 1
    keys = keys[first]
    index = np.int32 if max(m, n, len(keys)) < 2**31 else np.int64
    rows, cols = np.divmod(keys, max(n, 1))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=m))]).astype(index)
    bounds = np.cumsum([0, *(len(entry.rows) for entry in entries)])
    return [places[a:b] for a, b in itertools.pairwise(bounds)], indptr, cols.astype(index)


def _writes(matrix: sp.csr_array, changing: Sequence[Array], constant: Array) -> Slots:
    """Who assigns, who adds, and what has to be put right afterwards."""
    nnz = matrix.nnz
    taken = np.zeros(nnz, bool)
    plans: list[tuple[Array, bool, bool]] = []
    for own in changing:
        repeats = not increasing(own) and bool(np.bincount(own).max() > 1)
        adds = repeats or bool(taken[own].any())
        plans.append((own, adds, repeats))
        if not adds:
            taken[own] = True
    bulk = [None if adds else stretch(own, nnz) for own, adds, _ in plans]
    wrong = np.zeros(nnz, bool)
    for (own, _, _), run in zip(plans, bulk, strict=True):
        if run is not None:
            hit = np.arange(run.start, run.stop, run.step)
            wrong[hit[hit != own]] = True
    writes = []
    for (own, adds, repeats), run in zip(plans, bulk, strict=True):
        writes.append(_write(matrix.data, own, run, adds, repeats, wrong, constant))
    only_added = np.zeros(nnz, bool)
    for own, adds, _ in plans:
        if adds:
            only_added[own] = True
    return Slots(matrix, writes, np.flatnonzero((wrong | only_added) & ~taken))


def _write(
    template: Array, own: Array, run: slice | None, adds: bool, repeats: bool, wrong: Array, constant: Array
) -> Write:
    if adds:
        return Write(own, adds=True, repeats=repeats)
    base = template[own] if constant[own].any() else None
    if base is not None and len(base) and np.all(base == base[0]):
        base = base[0]
    if run is None:
        bad = np.flatnonzero(wrong[own])
    else:
        bad = np.flatnonzero(wrong[own] | (np.arange(run.start, run.stop, run.step) != own))
    return Write(own if run is None else run, base, (own[bad], bad) if len(bad) else None)


def stretch(slots: Array, nnz: int) -> slice | None:
    """Evenly spaced slots as a slice; where most are, the slice they are on, the others being left to mending.

    >>> stretch(np.array([1, 3, 5, 7]), 9)
    slice(1, 8, 2)
    """
    count = len(slots)
    if count < 2:
        return None
    steps = np.diff(slots)
    step = int(np.median(steps))
    if step < 1:
        return None
    offsets = slots - step * np.arange(count)
    offset = int(np.median(offsets))
    last = offset + step * (count - 1)
    if offset < 0 or last >= nnz or MENDED * np.count_nonzero(offsets != offset) > count:
        return None
    return slice(offset, last + 1, step)
