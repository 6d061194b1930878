"""Greedy colorings of columns: each takes the least color that no column sharing a row with it has."""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from jacfwd.pattern import Pattern

__all__ = ["greedy"]


def greedy(pattern: Pattern, order: Sequence[int] | None = None) -> npt.NDArray[np.intp]:
    """Color the columns in an order, by default the natural one; returns colors 0, 1, ... of shape (n,).

    A partial distance-2 coloring of the bipartite graph of rows and columns. Gebremedhin, Manne and Pothen, "What
    color is your Jacobian?", SIAM Review 47 (2005), Algorithm 3.2, visits all columns that share a row; the result
    is the same, but here every row carries the set of colors met in it so far, as the bits of one integer, so that
    the work is proportional to nnz and not to the sum of squares of the row lengths. An empty column has color 0.

    >>> greedy(Pattern.from_coo([0, 0, 1, 1], [0, 1, 1, 2], (2, 3)))
    array([0, 1, 0])
    """
    n = pattern.shape[1]
    if n and np.diff(pattern.indptr).max(initial=0) == n:
        return np.arange(n)  # a full row leaves no choice but the colors' names
    transposed = pattern.T
    starts, rows = transposed.indptr.tolist(), transposed.indices.tolist()
    met = [0] * pattern.shape[0]
    colors = [0] * n
    bounds = itertools.pairwise(starts) if order is None else ((starts[v], starts[v + 1]) for v in order)
    for column, (start, stop) in zip(range(n) if order is None else order, bounds, strict=True):
        own_rows = rows[start:stop]
        taken = 0
        for row in own_rows:
            taken |= met[row]
        color_bit = ~taken & (taken + 1)  # the lowest bit that is not set in `taken`
        for row in own_rows:
            met[row] |= color_bit
        colors[column] = color_bit.bit_length() - 1
    return np.array(colors, dtype=np.intp)
