"""Orders in which columns are colored.

Two columns are neighbours where they share a row. Degrees count neighbours once for each row they share, which for
a row of k entries takes one addition and not the k^2 / 2 pairs of its columns.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from jacfwd.pattern import Pattern

__all__ = ["ORDERS", "ordered"]

ORDERS = ("natural", "largest_first", "smallest_last", "incidence_degree")
# Degrees that change on the way follow rows of at most so many entries: all columns of a longer one change alike.
LONG = 100


def ordered(pattern: Pattern, name: str) -> Sequence[int] | None:
    """The columns in an order; None is the natural one.

    "largest_first" (Welsh and Powell 1967): falling degree. "smallest_last" (Matula and Beck 1983): the last column
    is the one of least degree, the one before it has least degree among the rest, and so on. "incidence_degree"
    (Brélaz 1979; Coleman and Moré 1983): next comes the column with most neighbours that have come already.

    >>> ordered(Pattern.from_coo([0, 0, 1, 1, 1], [1, 2, 2, 3, 0], (2, 4)), "largest_first")
    [2, 0, 3, 1]
    """
    if name == "natural":
        return None
    degrees = degrees_of(pattern)
    falling = np.argsort(-degrees, kind="stable")
    if name == "largest_first":
        return list(falling.tolist())
    if name == "smallest_last":
        return removed(pattern, degrees, np.arange(len(degrees))[::-1])[::-1]
    return removed(pattern, np.full_like(degrees, degrees.max(initial=0)), falling[::-1])


def degrees_of(pattern: Pattern) -> npt.NDArray[np.int64]:
    """For each column the other entries in its rows."""
    lengths = np.diff(pattern.indptr).astype(np.int64)
    others = np.repeat(lengths - 1, lengths)
    return np.bincount(pattern.indices, others, pattern.shape[1]).astype(np.int64)


def removed(pattern: Pattern, degrees: npt.NDArray[np.int64], first: npt.NDArray[np.intp]) -> list[int]:
    """Take out a column of least degree again and again; those that share a row with it then lose one degree.

    With equal degrees at the start, the column with most neighbours among those taken out is next. Of columns with
    equal degrees the last one of `first`, or the one that changed last, is taken.
    """
    rows_of, columns_of = lists(pattern.T), lists(pattern)
    short = [len(columns) <= LONG for columns in columns_of]
    degree = degrees.tolist()
    waiting: list[list[int]] = [[] for _ in range(max(degree, default=0) + 1)]
    for column in first.tolist():
        waiting[degree[column]].append(column)
    order: list[int] = []
    least = 0
    while len(order) < len(degree):
        while not waiting[least]:
            least += 1
        column = waiting[least].pop()
        if degree[column] != least:
            continue  # it has changed since it was put here
        degree[column] = -1
        order.append(column)
        for row in rows_of[column]:
            for other in columns_of[row] if short[row] else ():
                left = degree[other] - 1
                if left >= 0:
                    degree[other] = left
                    waiting[left].append(other)
                    least = min(least, left)
    return order


def lists(pattern: Pattern) -> list[list[int]]:
    """The columns of every row."""
    starts, indices = pattern.indptr.tolist(), pattern.indices.tolist()
    return [indices[a:b] for a, b in itertools.pairwise(starts)]
