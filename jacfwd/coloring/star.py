"""Star colorings: neighbours differ, and no path of four vertices has only two colors.

Then of every entry (i, j) of a symmetric matrix, i's only neighbour of j's color is j, or j's only neighbour of i's
color is i: the entry, or its mirror image, stands alone in a product with a seed.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from jacfwd.coloring.orders import lists
from jacfwd.pattern import Pattern

__all__ = ["fewest_star_colors", "is_symmetric", "star"]


def is_symmetric(pattern: Pattern) -> bool:
    """Whether (j, i) is an entry where (i, j) is."""
    return pattern.shape[0] == pattern.shape[1] and pattern == pattern.T


def fewest_star_colors(pattern: Pattern) -> int:
    """The least p for which `(p - 1) n - p (p - 1) / 2` is not less than the number of edges.

    >>> fewest_star_colors(Pattern.from_coo([0, 1, 2, 0, 1, 2], [1, 2, 0, 2, 0, 1], (3, 3)))
    3
    """
    n = pattern.shape[0]
    edges = np.count_nonzero(pattern.rows < pattern.indices)
    return next((p for p in range(1, n) if (p - 1) * n - p * (p - 1) // 2 >= edges), n)


def star(pattern: Pattern, order: Sequence[int] | None = None) -> npt.NDArray[np.intp]:
    """Color the vertices greedily; returns colors of shape (n,).

    Each vertex v takes the least color that is allowed. Not allowed are the colors of its neighbours and what would
    finish a path v-w-x-y or w-v-x-y of two colors (Gebremedhin, Tarafdar, Manne and Pothen, SIAM J. Sci. Comput. 29
    (2007)). For these, every vertex carries the sets of colors that its neighbours have, and have more than once,
    as bits of integers, and those that a vertex next to it must not take: the work is proportional to nnz.
    """
    n = pattern.shape[0]
    neighbours = [[x for x in row if x != v] for v, row in enumerate(lists(pattern))]
    bit, met, twice, ends = [0] * n, [0] * n, [0] * n, [0] * n
    first: dict[tuple[int, int], int] = {}
    for v in range(n) if order is None else order:
        taken = 0
        for w in neighbours[v]:
            taken |= bit[w] | ends[w]
            if bit[w] & twice[v]:  # w-v-x and then y next to x
                taken |= met[w]
        own = bit[v] = ~taken & (taken + 1)
        for x in neighbours[v]:
            if not met[x] & own:
                met[x] |= own
                first[x, own] = v
            else:  # x, where it has a color, ends paths of two colors through v and through the first like it
                twice[x] |= own
                ends[v] |= bit[x]
                ends[first[x, own]] |= bit[x]
            if bit[x] & twice[v]:
                ends[x] |= own
    return np.array([color.bit_length() - 1 for color in bit], dtype=np.intp)
