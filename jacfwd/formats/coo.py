"""Entries written out, `(rows, cols, values)`: merging those at one place, joining two lists to a product.

The symbolic part is on plain integers; values are taken, multiplied and summed by NumPy calls that can be
recorded.
"""

from typing import Any

import numpy as np

from jacfwd.formats.base import Coo
from jacfwd.formats.index import IndexMap
from jacfwd.formats.weights import numbers, times

__all__ = ["distinct", "joined", "merged", "partners", "ranked"]


def merged(rows: np.ndarray, cols: np.ndarray, values: Any, n_in: int) -> Coo:
    """Entries with equal places summed; sorted by rows, then columns, if there were any."""
    unique, slot = ranked(_places(rows, cols, n_in))
    if len(unique) == len(rows):
        return rows, cols, values
    summed = IndexMap.of_positions(slot, (len(unique),)).add(np.reshape(numbers(values), (1, -1)))[0]
    return *np.divmod(unique, max(n_in, 1)), summed


def ranked(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different ones among some integers, upwards, and for every integer which of them it is.

    >>> ranked(np.array([7, 3, 7, 5]))
    (array([3, 5, 7]), array([2, 0, 2, 1]))
    """
    if np.all(keys[1:] > keys[:-1]):
        return keys, np.arange(len(keys))
    # Terms run along rows, so that there are long sorted stretches: this kind of sort makes use of them, and is many
    # times faster there than the one within `np.unique`.
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    first = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    slot = np.empty(len(keys), np.intp)
    slot[order] = np.cumsum(first) - 1
    return keys[first], slot


def distinct(rows: np.ndarray, cols: np.ndarray, n_in: int) -> int:
    """At how many places the entries stand."""
    places = np.sort(_places(rows, cols, n_in))
    return int(np.count_nonzero(places[1:] != places[:-1])) + min(len(places), 1)


def _places(rows: np.ndarray, cols: np.ndarray, n_in: int) -> np.ndarray:
    return rows.astype(np.int64) * max(n_in, 1) + cols


def partners(cols: np.ndarray, rows: np.ndarray, middle: int) -> np.ndarray:
    """How many of the entries in `rows` each entry in `cols` meets."""
    return np.bincount(rows, minlength=middle)[cols]


def joined(after: Coo, before: Coo, middle: int) -> Coo:
    """All pairs of entries that meet: pair q is entry `left[q]` of `after` times `right[q]` of `before`."""
    rows_a, cols_a, values_a = after
    rows_b, cols_b, values_b = before
    count = np.bincount(rows_b, minlength=middle)
    if count.max(initial=0) <= 1:
        place = np.zeros(middle, np.intp)
        place[rows_b] = np.arange(len(rows_b))
        left = np.flatnonzero(count[cols_a])
        right = place[cols_a[left]]
    else:
        meets = count[cols_a]
        left = np.repeat(np.arange(len(cols_a)), meets)
        within = np.arange(len(left)) - np.repeat(np.cumsum(meets) - meets, meets)
        order = np.argsort(rows_b, kind="stable")
        right = order[(np.cumsum(count) - count)[cols_a[left]] + within]
    values = times(np.take(values_a, left), np.take(values_b, right))
    return rows_a[left], cols_b[right], values
