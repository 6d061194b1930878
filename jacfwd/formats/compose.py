"""Composition of formats and sums of them: which format a result takes is decided here, by structure alone.

Lists of entries (identity, diagonal, selection, segment sums) stay such lists: the result follows the side
that has one entry per middle element; two that have several are joined. A result becomes dense where it is
hardly larger than its factors, or short on one side; where writing it out costs more they stay apart.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from jacfwd.formats import coo
from jacfwd.formats.base import Format, Shape
from jacfwd.formats.blocks import Contraction, Dense
from jacfwd.formats.combined import Pair, Product, Sum
from jacfwd.formats.entries import Entries, coo_entries, nothing
from jacfwd.formats.index import IndexMap
from jacfwd.formats.terms import crowded, folded, merge_equal, settled
from jacfwd.formats.weights import numbers, times

__all__ = ["MOST_TERMS", "add", "as_entries", "compose", "filled", "real_part", "stack"]

MOST_TERMS = 32
# A matrix with at most this many rows or columns is written out.
SHORT = 8
# Joining up to this many pairs of entries is never worth a thought.
FEW = 1024
# Entries of a contraction that may be listed although its factors have fewer elements.
LISTED = 4096


def compose(after: Format, before: Format) -> Format:
    """The product `after . before`, in the format that structure suggests.

    Pairs compose as `(A, B) (C, D) = (A C + B conj(D), A D + B conj(C))`. A `before` that is no pair takes
    real tangents: then `(A, B) . J = A J + B conj(J)`.
    """
    if type(after) is Entries and type(before) is Entries:
        return _entries_product(after, before)
    if isinstance(before, Pair):
        return _pair_product(after, before)
    if isinstance(after, Pair):
        return add([compose(after.holomorphic, before), compose(after.conjugate, before.conj())])
    if isinstance(after, Product):
        return functools.reduce(lambda product, factor: compose(factor, product), after.factors, before)
    if isinstance(before, Product):
        return _continued(after, before)
    if isinstance(before, Sum) and isinstance(after, Entries):
        return add([compose(after, term) for term in before.terms])
    if isinstance(after, Sum):
        return add([compose(term, before) for term in after.terms])
    left, right = _slim(after), _slim(before)
    if left is after and right is before:
        if _is_cheap_when_full(after, before):
            return _dense_product(after, before)
        left, right = _listed(after), _listed(before)
    if left is not after or right is not before:
        return compose(left, right)
    if isinstance(before, Dense) and isinstance(after, Entries):
        return _entries_product(after, as_entries(before))
    return Product([before, after])


def _slim(fmt: Format) -> Format:
    """A contraction with no more entries than elements as those entries, which merge with others."""
    return fmt.entries() if isinstance(fmt, Contraction) and fmt.slim else fmt


def _listed(fmt: Format) -> Format:
    """A contraction as entries where these are hardly more than its factors have elements."""
    if isinstance(fmt, Contraction) and fmt.nnz <= max(LISTED, 2 * fmt.elements):
        return fmt.entries()
    return fmt


def _is_short(after: Format, before: Format) -> bool:
    return min(before.n_in, after.n_out) <= SHORT


def _is_cheap_when_full(after: Format, before: Format) -> bool:
    return _is_short(after, before) or before.n_in * after.n_out <= 2 * (after.size + before.size)


def _pair_product(after: Format, before: Pair) -> Pair:
    a, b = (after.holomorphic, after.conjugate) if isinstance(after, Pair) else (after, None)
    c, d = before.holomorphic, before.conjugate
    holomorphic, conjugate = [compose(a, c)], [compose(a, d)]
    if b is not None:
        holomorphic.append(compose(b, d.conj()))
        conjugate.append(compose(b, c.conj()))
    return Pair(add(holomorphic), add(conjugate))


def _continued(after: Format, before: Product) -> Format:
    """A product with one more factor: composed with the last, and further while that makes it no larger."""
    *front, last = before.factors
    made = compose(after, last)
    if isinstance(made, Product):
        return Product([*front, *made.factors])
    while front:
        last = front[-1]
        # Rows that the one writes times columns that the other reads.
        bound = min(made.n_out, made.nnz) * min(last.n_in, last.nnz)
        if bound > 2 * (made.size + last.size) and not _is_short(made, last):
            return Product([*front, made])
        product = compose(made, last)
        if isinstance(product, Product):
            return Product([*front[:-1], *product.factors])
        made = product
        front.pop()
    return made


def _dense_product(after: Format, before: Format) -> Dense:
    """All columns pushed, or all rows pulled, whichever are fewer."""
    if before.n_in > after.n_out:
        return _dense_product(before.T, after.T).T
    block, present = before.columns()
    return Dense(after.push(block), before.in_shape, after.reach(present))


# Lists of entries


def _entries_product(after: Entries, before: Entries) -> Format:
    """Two lists of entries: follow the side with one entry per middle element; else join, or leave apart."""
    if before.rows is None:
        reach, cols = after.cols, before.cols
        if reach is not None:
            cols = reach if cols is None else cols.at(reach)
        weights = _weights(after.weights, after.shape, before.weights, before.shape, reach)
        return _tidy(Entries(before.in_shape, after.out_shape, after.rows, cols, weights))
    if after.cols is None:
        reach = before.rows
        rows = reach if after.rows is None else after.rows.at(reach)
        weights = _weights(before.weights, before.shape, after.weights, after.shape, reach)
        return _tidy(Entries(before.in_shape, after.out_shape, rows, before.cols, weights))
    return _join(after, before)


def _tidy(entries: Entries) -> Format:
    """Entries with rows and columns of their own: what is summed anyway is summed, and many become dense."""
    entries = folded(entries)
    if entries.rows is None or entries.cols is None or 4 * entries.nnz <= entries.n_in * entries.n_out:
        return entries
    return settled(entries)


def _weights(outer: Any, shape: Shape, inner: Any, inner_shape: Shape, reach: IndexMap | None) -> Any:
    """Weights of a product whose entries run like `outer`'s and find their partner by `reach`."""
    if reach is not None and (np.size(inner) != 1 or np.ndim(inner) > len(shape)):
        full = inner if np.shape(inner) == inner_shape else np.broadcast_to(inner, inner_shape)
        inner = reach.take(np.reshape(full, (1, *inner_shape)))[0]
    return times(outer, inner)


def _join(after: Entries, before: Entries) -> Format:
    """Join on the middle index, unless that multiplies entries out: then leave the product unmultiplied."""
    left, right = after.coo(), before.coo()
    total = int(coo.partners(left[1], right[0], after.n_in).sum())
    size, full = after.nnz + before.nnz, before.n_in * after.n_out
    if total > max(FEW, 2 * size):
        return _dense_product(after, before) if full <= 2 * size else Product([before, after])
    return settled(coo_entries(before.in_shape, after.out_shape, *coo.joined(left, right, after.n_in)))


def as_entries(fmt: Format) -> Entries:
    """Any format as entries."""
    if isinstance(fmt, Entries):
        return fmt
    if isinstance(fmt, Contraction):
        return fmt.entries()
    return coo_entries(fmt.in_shape, fmt.out_shape, *fmt.coo())


# Sums


def add(terms: Sequence[Format]) -> Format:
    """The sum: equal places merge, dense swallows, many or overlapping terms become one list, or dense."""
    flat = [part for term in terms for part in (term.terms if isinstance(term, Sum) else [term])]
    if len(flat) == 1:
        return flat[0]
    flat = [_slim(term) for term in flat if type(term) is not Entries or term.nnz] or flat[:1]
    if any(isinstance(term, Pair) for term in flat):
        return _pair_sum(flat)
    if any(isinstance(term, Dense) for term in flat):
        return _dense_sum(flat)
    lists = merge_equal([term for term in flat if isinstance(term, Entries)])
    others = [term for term in flat if not isinstance(term, Entries)]
    if len(lists) > MOST_TERMS or crowded(lists):
        rows, cols, weights = Sum(list(lists)).coo()
        one = settled(coo_entries(flat[0].in_shape, flat[0].out_shape, rows, cols, weights))
        return add([one, *others]) if others else one
    if len(others) > MOST_TERMS and flat[0].n_in * flat[0].n_out <= 2 * sum(term.size for term in flat):
        return _dense_sum(flat)
    kept = [*lists, *others]
    return kept[0] if len(kept) == 1 else Sum(kept)


def _pair_sum(terms: Sequence[Format]) -> Pair:
    holomorphic = [term.holomorphic if isinstance(term, Pair) else term for term in terms]
    return Pair(add(holomorphic), add([term.conjugate for term in terms if isinstance(term, Pair)]))


def _dense_sum(terms: Sequence[Format]) -> Dense:
    blocks, present = zip(*(term.columns() for term in terms), strict=True)
    return Dense(functools.reduce(np.add, blocks), terms[0].in_shape, functools.reduce(np.logical_or, present))


def filled(fmt: Format) -> Format:
    """The same map, in which unmultiplied products that are full are one block: low rank, written out at last."""
    terms = fmt.terms if isinstance(fmt, Sum) else [fmt]
    full = [isinstance(term, Product) and term.is_full for term in terms]
    if not any(full):
        return fmt
    block = _dense_sum([_in_blocks(term).T for term, is_full in zip(terms, full, strict=True) if is_full]).T
    rest = [term for term, is_full in zip(terms, full, strict=True) if not is_full]
    return Sum([block, *rest]) if rest else block


def _in_blocks(fmt: Format) -> Format:
    """A product of which lists of entries that are nearly full are blocks."""
    assert isinstance(fmt, Product)
    return Product([_tidy(factor) if type(factor) is Entries else factor for factor in fmt.factors])


def stack(parts: Sequence[Format | None], in_shape: Shape, sizes: Sequence[int]) -> Format:
    """Formats of one input on top of each other, each flattened: `out_shape = (sum of sizes,)`.

    A few stay apart as terms, so that what comes after may follow their structure; many become one list.
    """
    starts = list(itertools.accumulate(sizes, initial=0))
    total = starts[-1]
    placed = [(part, start) for part, start in zip(parts, starts, strict=False) if part is not None]
    terms = [(term, start) for part, start in placed for term in (part.terms if isinstance(part, Sum) else [part])]
    if not terms:
        return nothing(in_shape, (total,))
    if len(terms) <= MOST_TERMS:
        lowered = [_lowered(term, start, total) for term, start in terms]
        return lowered[0] if len(lowered) == 1 else Sum(lowered)
    rows, cols, weights = zip(*(part.coo() for part, _ in placed), strict=True)
    lowered_rows = np.concatenate([r + start for r, (_, start) in zip(rows, placed, strict=True)])
    values = np.concatenate([numbers(w) for w in weights])
    return coo_entries(in_shape, (total,), lowered_rows, np.concatenate(cols), values)


def _lowered(fmt: Format, start: int, total: int) -> Format:
    """A format as rows `start, start + 1, ...` of a taller matrix."""
    rows = IndexMap.identity(fmt.out_shape, (total,), offset=start)
    if isinstance(fmt, Dense) and 4 * fmt.n_out < total:
        fmt = as_entries(fmt)
    if isinstance(fmt, Entries):
        return Entries(fmt.in_shape, (total,), rows if fmt.rows is None else rows.at(fmt.rows), fmt.cols, fmt.weights)
    return compose(Entries(fmt.out_shape, (total,), rows, None), fmt)


def real_part(fmt: Format) -> Format:
    """The map followed by taking the real part, for a real node behind complex ones."""
    if isinstance(fmt, Sum):
        return Sum([real_part(term) for term in fmt.terms])
    if isinstance(fmt, Dense):
        present = None if fmt.present is None else fmt.present.reshape(fmt.block.shape)
        return Dense(np.real(fmt.block), fmt.in_shape, present)
    entries = as_entries(fmt)
    return entries.scaled(np.real(entries.weights)) if np.iscomplexobj(entries.weights) else entries
