"""Final slots: where the entries of a sum of terms stand in the data of one canonical CSR matrix.

The symbolic phase sorts all entries once by row and column; entries that meet share a slot. What is constant is
summed into a template. The numeric phase copies it and writes the rest, each term with one assignment: strided
where its slots are (nearly) evenly spaced.
"""

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from jacfwd.formats.coo import ranked
from jacfwd.formats.weights import numbers

__all__ = ["Entry", "Slots", "arranged", "spaced"]

Array = np.ndarray
# A stretch is written as one slice where at most one in so many of its slots must be mended afterwards.
MENDED = 8
# Slots that are filled at a time: they stay in a cache while one term after the other is written.
BLOCK = 1 << 16
# Entries that are few enough to be listed one by one.
FEW = 4096
# Among so many the usual value is looked for.
LOOKED_AT = 4096


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

    Its entries, or the `part` of them that a slice can take, are assigned to `slots` together with `base`, the
    constant part that shares them; then `mended` pairs of slots and entries are put right, which slices ran over or
    left out. `extra` pairs are added: entries that meet later ones of the same term, or some of other terms that assign
    to their slots. A term of which most are such is added as a whole; `repeats` says that then some of its own entries
    meet.
    """

    slots: Array | slice
    part: slice | None = None
    base: Any = None
    mended: tuple[Array, Array] | None = None
    extra: tuple[Array, Array] | None = None
    adds: bool = False
    repeats: bool = False

    def assign(self, data: Array, value: Any, low: int | None = None, high: int | None = None) -> None:
        """Write the term, in bulk; of a slice perhaps only what lies between two slots."""
        slots, part = self.slots, self.part
        if low is not None and high is not None:
            assert isinstance(slots, slice)
            first, last = (max(0, -((slots.start - at) // slots.step)) for at in (low, min(high, slots.stop)))
            begin = 0 if part is None else part.start
            part = slice(begin + first, begin + last)
            slots = slice(slots.start + first * slots.step, min(high, slots.stop), slots.step)
        own = value if part is None or value.ndim == 0 else value[part]
        if self.base is None:
            data[slots] = own
            return
        base = self.base if part is None or np.ndim(self.base) == 0 else self.base[part]
        if isinstance(slots, slice):
            np.add(base, own, out=data[slots], casting="same_kind")
        else:
            data[slots] = base + own

    def mend(self, data: Array, value: Any) -> None:
        """Put right what slices got wrong."""
        if self.mended is not None:
            slots, entries = self.mended
            own = value if np.ndim(value) == 0 else value[entries]
            data[slots] = own if self.base is None else (self.base[entries] if np.ndim(self.base) else self.base) + own

    def add(self, data: Array, value: Any) -> None:
        """Add the term, or what is left of it, to what is there."""
        if self.extra is not None:
            slots, entries = self.extra
            np.add.at(data, slots, value if np.ndim(value) == 0 else value[entries])
        elif self.repeats:
            places: Any = self.slots
            np.add.at(data, places, value)
        elif self.adds:
            data[self.slots] += value


@dataclasses.dataclass(frozen=True)
class Slots:
    """The constant part of a matrix's data, and one `Write` for each changing term.

    `matrix` is the canonical CSR structure whose data they are; None stands for the whole matrix, row by row.
    `restored` are constant slots that slices run over, and those that are only ever added to. Where entries are few,
    `own` lists the slots of each changing term.
    """

    template: Array
    writes: list[Write]
    restored: Array
    matrix: sp.csr_array | None = None
    own: list[Array] | None = None

    @functools.cached_property
    def left(self) -> Array:
        """The slots that nothing is assigned to: their part of the template has to be there."""
        found = np.zeros(len(self.template), bool)
        found[self.restored] = True
        for write in self.writes:
            if not write.adds:
                found[write.slots] = True
            if write.mended is not None:
                found[write.mended[0]] = True
        return np.flatnonzero(~found)

    def blank(self) -> Array:
        """New data in which what is constant stands, and anything where terms are assigned."""
        if len(self.template) < BLOCK or MENDED * len(self.left) > len(self.template):
            return self.template.copy()
        data = np.empty_like(self.template)
        data[self.left] = self.template[self.left]
        return data

    def fill(self, weights: Sequence[Any], data: Array | None = None) -> Array:
        """The data at a point; with `data`, which was filled before, only what changes is written."""
        template, new = self.template, data is None
        if data is None:
            data = np.empty_like(template)
        values = [_flat(weight) for weight in weights]
        assigned = [(write, value) for write, value in zip(self.writes, values, strict=True) if not write.adds]
        even = [(write, value) for write, value in assigned if isinstance(write.slots, slice)]
        copied = new and MENDED * len(self.left) > len(data)
        for low, high in blocks(len(data)):
            if copied:
                data[low:high] = template[low:high]
            for write, value in even:
                write.assign(data, value, *((low, high) if high - low < len(data) else ()))
        if new and not copied and len(self.left):
            data[self.left] = template[self.left]
        for write, value in assigned:
            if not isinstance(write.slots, slice):
                write.assign(data, value)
        if len(self.restored):
            data[self.restored] = template[self.restored]
        for write, value in assigned:
            write.mend(data, value)
        for write, value in zip(self.writes, values, strict=True):
            write.add(data, value)
        return data


def blocks(count: int) -> list[tuple[int, int]]:
    """Slots in blocks; few slots are one."""
    size = count if count <= 4 * BLOCK else BLOCK
    return [(low, min(low + size, count)) for low in range(0, count, max(size, 1))]


def _flat(weight: Any) -> Any:
    if type(weight) is Array and weight.ndim == 1 and weight.dtype != np.bool_:
        return weight
    weight = numbers(weight)
    return np.reshape(weight, (-1,) if np.size(weight) > 1 or np.ndim(weight) == 1 else ())


def arranged(entries: Sequence[Entry], shape: tuple[int, int], dtype: np.dtype) -> Slots:
    """The symbolic phase: one slot for each place that has entries, sorted by row, then column."""
    slots, indptr, indices = _sorted(entries, shape)
    indices.flags.writeable = indptr.flags.writeable = False
    found = _filling(entries, slots, len(indices), dtype)
    return dataclasses.replace(found, matrix=sp.csr_array((found.template, indices, indptr), shape=shape))


def spaced(entries: Sequence[Entry], shape: tuple[int, int], dtype: np.dtype) -> Slots:
    """The same for a dense matrix: one slot for each place, whether it has entries or not."""
    m, n = shape
    slots = [entry.rows.astype(np.intp) * n + entry.cols for entry in entries]
    return _filling(entries, slots, m * n, dtype)


def _filling(entries: Sequence[Entry], slots: Sequence[Array], size: int, dtype: np.dtype) -> Slots:
    """Constants and writes, given the slots of every entry."""
    template = np.zeros(size, dtype)
    constant = np.zeros(size, bool)
    for entry, own in zip(entries, slots, strict=True):
        if entry.constant:
            if increasing(own):
                template[own] += _flat(entry.weights)
            else:
                np.add.at(template, own, _flat(entry.weights))
            constant[own] = True
    template.flags.writeable = False
    changing = [own for entry, own in zip(entries, slots, strict=True) if not entry.constant]
    found = _writes(template, changing, constant)
    return dataclasses.replace(found, own=changing) if sum(map(len, changing)) <= FEW else found


def increasing(slots: Array) -> bool:
    """Whether slots run upwards, so that none occurs twice."""
    return bool(np.all(slots[1:] > slots[:-1]))


def _sorted(entries: Sequence[Entry], shape: tuple[int, int]) -> tuple[list[Array], Array, Array]:
    """The slot of every entry, term by term, and the canonical CSR structure."""
    m, n = shape
    none = np.zeros(0, np.int64)
    keys = np.concatenate([none, *(entry.rows.astype(np.int64) * max(n, 1) + entry.cols for entry in entries)])
    keys, places = ranked(keys)
    index = np.int32 if max(m, n, len(keys)) < 2**31 else np.int64
    rows, cols = np.divmod(keys, max(n, 1))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=m))]).astype(index)
    bounds = np.cumsum([0, *(len(entry.rows) for entry in entries)])
    return [places[a:b] for a, b in itertools.pairwise(bounds)], indptr, cols.astype(index)


@dataclasses.dataclass(frozen=True)
class Plan:
    """One term's slots, how they are reached in bulk, and whether somebody assigns to them before."""

    own: Array
    run: tuple[slice, slice] | None
    extra: Array
    adds: bool
    repeats: bool


def _writes(template: Array, changing: Sequence[Array], constant: Array) -> Slots:
    """Who assigns, who adds, and what has to be put right afterwards."""
    nnz = len(template)
    taken = np.zeros(nnz, bool)
    plans = []
    for own in changing:
        plan = _plan(own, taken)
        plans.append(plan)
        if not plan.adds:
            taken[own] = True
    wrong, only_added = np.zeros(nnz, bool), np.zeros(nnz, bool)
    for plan in plans:
        wrong[plan.own[plan.extra]] = True  # whoever comes last would win there
        if plan.run is not None:
            slots, part = plan.run
            hit = np.arange(slots.start, slots.stop, slots.step)
            wrong[hit[hit != plan.own[part]]] = True
        if plan.adds:
            only_added[plan.own] = True
    writes = [_write(template, plan, wrong, constant) for plan in plans]
    return Slots(template, writes, np.flatnonzero((wrong | only_added) & ~taken))


def _plan(own: Array, taken: Array) -> Plan:
    """How a term gets to its slots, of which those `taken` are assigned to before."""
    met = taken[own]
    if not increasing(own):
        last = np.empty(len(taken), np.intp)
        last[own] = np.arange(len(own))
        met |= last[own] != np.arange(len(own))
    extra = np.flatnonzero(met)
    if 2 * len(extra) > len(own):
        return Plan(own, None, np.zeros(0, np.intp), True, len(np.unique(own)) < len(own))
    return Plan(own, stretch(own, len(taken)), extra, False, False)


def _write(template: Array, plan: Plan, wrong: Array, constant: Array) -> Write:
    own = plan.own
    if plan.adds:
        return Write(own, adds=True, repeats=plan.repeats)
    base = template[own] if constant[own].any() else None
    if base is not None and len(base) and np.all(base == base[0]):
        base = base[0]
    extra = (own[plan.extra], plan.extra) if len(plan.extra) else None
    slots, part = (own, slice(0, len(own))) if plan.run is None else plan.run
    right = ~wrong[own]
    if isinstance(slots, slice):
        right[part] &= np.arange(slots.start, slots.stop, slots.step) == own[part]
        right[: part.start] = right[part.stop :] = False
    right[plan.extra] = True  # they are added
    bad = np.flatnonzero(~right)
    whole = part == slice(0, len(own))
    return Write(slots, None if whole else part, base, (own[bad], bad) if len(bad) else None, extra)


def stretch(slots: Array, nnz: int) -> tuple[slice, slice] | None:
    """Evenly spaced slots as a slice, and which of them it takes; where most are, the slice they are on.

    The others are left to mending. None where fewer are on one slice.

    >>> stretch(np.array([1, 3, 5, 7]), 9)
    (slice(1, 8, 2), slice(0, 4, None))
    """
    count = len(slots)
    if count < 2:
        return None
    steps = np.diff(slots)
    step = usual(steps)
    if step < 1:
        return None
    offsets = slots - step * np.arange(count)
    offset = usual(offsets)
    if MENDED * np.count_nonzero(offsets != offset) > count:
        return None
    first, last = max(0, -(offset // step)), min(count, (nnz - 1 - offset) // step + 1)
    return slice(offset + step * first, offset + step * (last - 1) + 1, step), slice(first, last)


def usual(values: Array) -> int:
    """About the median of some integers, found among a few thousand of them."""
    if len(values) > LOOKED_AT:
        values = values[np.random.default_rng(0).integers(0, len(values), LOOKED_AT)]
    return int(np.median(values))
