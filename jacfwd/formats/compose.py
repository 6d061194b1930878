"""Composition and sums of formats: which format a product takes is decided here, from structure alone."""

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from jacfwd.formats.base import Format, Shape
from jacfwd.formats.blocks import Contraction, Dense
from jacfwd.formats.combined import Pair, Product, Sum
from jacfwd.formats.dispatch import is_plain
from jacfwd.formats.entries import Entries, coo_entries, weigh
from jacfwd.formats.index import IndexMap

__all__ = ["add", "as_entries", "compose", "multiply_out", "real_part", "stack"]

MOST_TERMS = 32


def compose(after: Format, before: Format) -> Format:
    """The product `after . before`, in the format that structure suggests.

    Between complex nodes `(A, B) . J = A J + B conj(J)` for a J that takes real tangents.
    """
    if isinstance(after, Pair):
        return add([compose(after.holomorphic, before), compose(after.conjugate, before.conj())])
    if isinstance(before, Dense):
        return Dense(after.push(before.block), before.in_shape)
    after, before = _slim(after), _slim(before)
    if isinstance(before, Product):
        return Product([*before.factors[:-1], *_factors(compose(after, before.factors[-1]))])
    if isinstance(before, Sum) and not _is_wide(after):
        return add([compose(after, term) for term in before.terms])
    if isinstance(after, Sum):
        return add([compose(term, before) for term in after.terms])
    if isinstance(after, Entries) and isinstance(before, Entries):
        return _entries_product(after, before)
    return _dense_or_product(after, before)


def _slim(fmt: Format) -> Format:
    """A contraction with no more entries than elements as those entries, which merge with others."""
    return fmt.entries() if isinstance(fmt, Contraction) and fmt.slim else fmt


def _factors(fmt: Format) -> list[Format]:
    return fmt.factors if isinstance(fmt, Product) else [fmt]


def _is_wide(fmt: Format) -> bool:
    return not isinstance(fmt, Entries)


def _entries_product(after: Entries, before: Entries) -> Format:
    """Two lists of entries: follow the side that has one entry per middle element; else join, or leave apart."""
    if before.rows is None:
        reach = after.cols
        cols = before.cols
        if reach is not None:
            cols = reach if cols is None else cols.at(reach)
        weights = _weights(after.weights, after.shape, before.weights, before.shape, reach)
        return Entries(before.in_shape, after.out_shape, after.rows, cols, weights)
    if after.cols is None:
        reach = before.rows
        rows = reach if after.rows is None else after.rows.at(reach)
        weights = _weights(before.weights, before.shape, after.weights, after.shape, reach)
        return Entries(before.in_shape, after.out_shape, rows, before.cols, weights)
    return _join(after, before)


def _weights(outer: Any, shape: Shape, inner: Any, inner_shape: Shape, reach: IndexMap | None) -> Any:
    """Weights of a product whose entries run like `outer`'s and find their partner by `reach`."""
    spread = np.size(inner) != 1 or np.ndim(inner) > len(shape)
    if spread and not (reach is None and shape == inner_shape):
        full = inner if np.shape(inner) == inner_shape else np.broadcast_to(inner, inner_shape)
        inner = np.reshape(full, shape) if reach is None else reach.take(np.reshape(full, (1, *inner_shape)))[0]
    return times(outer, inner)


def times(a: Any, b: Any) -> Any:
    """The product of two weights: ones vanish, masks meet, zeros are strong."""
    if _is_bool(a) and _is_bool(b):
        return np.logical_and(a, b)
    if type(a) is int:
        a, b = b, a
    if type(b) is int:
        return a if b == 1 else a * b
    return weigh(b, a) if _is_bool(b) else weigh(a, b)


def _is_bool(weights: Any) -> bool:
    return getattr(weights, "dtype", None) == np.bool_


def _join(after: Entries, before: Entries) -> Format:
    """Join on the middle index, unless that multiplies entries out: then leave the product unmultiplied."""
    assert after.cols is not None and before.rows is not None
    middle = after.n_in
    count = np.bincount(before.rows.flat, minlength=middle)
    partners = count[after.cols.flat]
    total = int(partners.sum())
    if total > 2 * (after.nnz + before.nnz) and total > 1024:
        return Product([before, after])
    return _joined(after, before, count, partners, total)


def _joined(after: Entries, before: Entries, count: np.ndarray, partners: np.ndarray, total: int) -> Entries:
    """All pairs of entries that meet: pair q takes entry `left[q]` of `after` and `right[q]` of `before`."""
    rows_a, cols_a, weights_a = after.coo()
    rows_b, cols_b, weights_b = before.coo()
    order = np.argsort(rows_b, kind="stable")
    starts = np.concatenate([[0], np.cumsum(count)[:-1]]) if len(count) else np.zeros(0, np.intp)
    left = np.repeat(np.arange(len(cols_a)), partners)
    within = np.arange(total) - np.repeat(np.cumsum(partners) - partners, partners)
    right = order[starts[cols_a[left]] + within]
    values = times(np.take(weights_a, left), np.take(weights_b, right))
    return coo_entries(before.in_shape, after.out_shape, rows_a[left], cols_b[right], values)


def _dense_or_product(after: Format, before: Format) -> Format:
    """An operand that is no list of entries: a dense block where the result is about full, else unmultiplied."""
    if isinstance(before, Contraction) and isinstance(after, Entries) and after.rows is None and before.nnz <= 4096:
        return _entries_product(after, before.entries())
    full = before.n_in * after.n_out
    if before.n_in <= max(8, 2 * (after.nnz + before.nnz) // max(after.n_out, 1)) and full <= 1 << 24:
        return Dense(after.push(dense_block(before)), before.in_shape)
    return Product([before, after])


def dense_block(fmt: Format) -> Any:
    """The tangent block of all unit seeds, `(n_in,) + out_shape`."""
    if isinstance(fmt, Dense):
        return fmt.block
    eye = np.eye(fmt.n_in).reshape(fmt.n_in, *fmt.in_shape)
    return fmt.push(eye)


def multiply_out(factors: Sequence[Format]) -> Entries:
    """A product written out as entries, whatever it costs."""

    def step(before: Entries, after: Format) -> Entries:
        right = as_entries(after)
        if before.rows is None or right.cols is None:
            product = _entries_product(right, before)
            assert isinstance(product, Entries)
            return product
        assert before.rows is not None and right.cols is not None
        count = np.bincount(before.rows.flat, minlength=right.n_in)
        partners = count[right.cols.flat]
        return merged(_joined(right, before, count, partners, int(partners.sum())))

    return functools.reduce(step, factors[1:], as_entries(factors[0]))


def as_entries(fmt: Format) -> Entries:
    """Any format as entries."""
    if isinstance(fmt, Entries):
        return fmt
    if isinstance(fmt, Contraction):
        return fmt.entries()
    if isinstance(fmt, Product):
        return multiply_out(fmt.factors)
    return coo_entries(fmt.in_shape, fmt.out_shape, *fmt.coo())


def add(terms: Sequence[Format]) -> Format:
    """The sum: equal places merge, dense swallows, many terms become one list of entries."""
    flat = [part for term in terms for part in (term.terms if isinstance(term, Sum) else [term])]
    if len(flat) == 1:
        return flat[0]
    dense = [term for term in flat if isinstance(term, Dense)]
    if dense:
        block = functools.reduce(np.add, (dense_block(term) for term in flat))
        return Dense(block, dense[0].in_shape)
    kept: list[Format] = []
    places: dict[Any, int] = {}
    for term in flat:
        _merge_into(kept, places, term)
    if len(kept) > MOST_TERMS:
        return merged(_concatenated([as_entries(term) for term in kept]))
    return kept[0] if len(kept) == 1 else Sum(kept)


def _merge_into(kept: list[Format], places: dict[Any, int], term: Format) -> None:
    term = _slim(term)
    if not isinstance(term, Entries):
        kept.append(term)
        return
    key = (term.rows and term.rows.key, term.cols and term.cols.key, term.nnz)
    at = places.get(key)
    if at is not None:
        other = kept[at]
        assert isinstance(other, Entries)
        if other.same_places(term):
            kept[at] = other.scaled(plus(other, term))
            return
    places[key] = len(kept)
    kept.append(term)


def plus(a: Entries, b: Entries) -> Any:
    """The sum of weights of two formats with the same places."""
    x, y = (np.asarray(w, np.int8) if _is_bool(w) and is_plain(w) else w for w in (a.weights, b.weights))
    if a.shape != b.shape:
        x, y = (w if np.ndim(w) == 0 else np.reshape(np.broadcast_to(w, f.shape), a.shape) for w, f in ((x, a), (y, b)))
    if type(x) is int and type(y) is int:
        return x + y
    return np.add(x, y)


def _concatenated(parts: list[Entries]) -> Entries:
    rows, cols, weights = zip(*(part.coo() for part in parts), strict=True)
    first = parts[0]
    return coo_entries(
        first.in_shape, first.out_shape, np.concatenate(rows), np.concatenate(cols), np.concatenate(weights)
    )


def merged(entries: Entries) -> Entries:
    """Entries with equal places summed, in sorted order."""
    rows, cols, values = entries.coo()
    place = rows.astype(np.int64) * max(entries.n_in, 1) + cols
    unique, slot = np.unique(place, return_inverse=True)
    if len(unique) == len(place):
        return entries
    summed = IndexMap.of_positions(slot, (len(unique),)).add(np.reshape(_numeric(values), (1, -1)))[0]
    rows, cols = np.divmod(unique, max(entries.n_in, 1))
    return coo_entries(entries.in_shape, entries.out_shape, rows, cols, summed)


def _numeric(values: Any) -> Any:
    return values.astype(float) if values.dtype.kind in "bi" else values


def stack(parts: Sequence[Format | None], in_shape: Shape, sizes: Sequence[int]) -> Format:
    """Formats of one input on top of each other, each flattened: `out_shape = (sum of sizes,)`.

    A few stay apart as terms, so that what comes after may follow their structure; many become one list.
    """
    starts = list(itertools.accumulate(sizes, initial=0))
    placed = [(part, start) for part, start in zip(parts, starts, strict=False) if part is not None]
    terms = [(term, start) for part, start in placed for term in (part.terms if isinstance(part, Sum) else [part])]
    if 0 < len(terms) <= MOST_TERMS:
        return add([_lowered(as_entries(term), start, starts[-1]) for term, start in terms])
    rows, cols, weights = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)], [np.zeros(0)]
    for part, start in placed:
        r, c, w = part.coo()
        rows.append(r + start)
        cols.append(c)
        weights.append(w)
    total = (starts[-1],)
    return coo_entries(in_shape, total, np.concatenate(rows), np.concatenate(cols), np.concatenate(weights))


def _lowered(entries: Entries, start: int, total: int) -> Entries:
    """Entries as rows `start, start + 1, ...` of a taller matrix."""
    rows = IndexMap.identity(entries.out_shape, (total,), offset=start)
    rows = rows if entries.rows is None else rows.at(entries.rows)
    return Entries(entries.in_shape, (total,), rows, entries.cols, entries.weights)


def real_part(fmt: Format) -> Format:
    """The map followed by taking the real part, for a real node behind complex ones."""
    if isinstance(fmt, Sum):
        return Sum([real_part(term) for term in fmt.terms])
    if isinstance(fmt, Dense):
        return Dense(np.real(fmt.block), fmt.in_shape)
    entries = as_entries(fmt)
    return entries.scaled(np.real(entries.weights)) if np.iscomplexobj(entries.weights) else entries
