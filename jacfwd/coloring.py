"""Colorings: partitions of the columns of a pattern into structurally orthogonal groups.

Columns of one color have no row in common. One seed, the sum of their unit vectors, therefore yields all
their entries at once: `J @ seed` holds in row i the one entry that row i has in that group (Curtis,
Powell and Reid 1974).
"""

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from jacfwd.pattern import Pattern

__all__ = ["check", "greedy"]


def greedy(pattern: Pattern) -> npt.NDArray[np.intp]:
    """Color the columns greedily in their natural order; returns colors 0, 1, ... of shape (n,).

    Each column takes the smallest color that none of the columns sharing a row with it has: a partial
    distance-2 coloring of the bipartite graph of rows and columns. Gebremedhin, Manne and Pothen, "What
    color is your Jacobian?", SIAM Review 47 (2005), Algorithm 3.2, visits all those columns; the result
    is the same, but here every row carries the set of colors met in it so far, as the bits of one integer,
    so that the work is proportional to nnz and not to the sum of squares of the row lengths. An empty
    column has color 0.

    >>> greedy(Pattern.from_coo([0, 0, 1, 1], [0, 1, 1, 2], (2, 3)))
    array([0, 1, 0])
    """
    transposed = pattern.T
    starts, rows = transposed.indptr.tolist(), transposed.indices.tolist()
    met = [0] * pattern.shape[0]
    colors = []
    for start, stop in itertools.pairwise(starts):
        own_rows = rows[start:stop]
        taken = 0
        for row in own_rows:
            taken |= met[row]
        color_bit = ~taken & (taken + 1)  # the lowest bit that is not set in `taken`
        for row in own_rows:
            met[row] |= color_bit
        colors.append(color_bit.bit_length() - 1)
    return np.array(colors, dtype=np.intp)


def check(pattern: Pattern, colors: npt.ArrayLike) -> None:
    """Verify the slow, obvious way that no two columns of one color share a row.

    Parameters
    ----------
    colors : integer array of shape (n,), the color of each column

    Raises
    ------
    ValueError
        If there is not one non-negative integer for each column, or two columns of one color have
        entries in one row; the message names them.
    """
    given: npt.NDArray[Any] = np.asarray(colors)
    n = pattern.shape[1]
    if given.shape != (n,) or (n and (given.dtype.kind not in "iu" or given.min() < 0)):
        got = f"{given.dtype} of shape {given.shape}"
        raise ValueError(f"colors must be {n} non-negative integers, one for each column, got {got}")
    for row in range(pattern.shape[0]):
        seen: dict[int, int] = {}
        for column in pattern.indices[pattern.indptr[row] : pattern.indptr[row + 1]].tolist():
            color = int(given[column])
            if color in seen:
                both = f"columns {seen[color]} and {column}"
                raise ValueError(f"{both} share color {color}, and both have an entry in row {row}")
            seen[color] = column
