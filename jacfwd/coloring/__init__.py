"""Colorings: few seeds that yield a whole sparse matrix.

Columns of one color have no row in common. One seed, the sum of their unit vectors, therefore yields all
their entries at once: `J @ seed` holds in row i the one entry that row i has in that group (Curtis,
Powell and Reid 1974).
"""

import dataclasses
import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from jacfwd.coloring.greedy import greedy
from jacfwd.coloring.orders import ORDERS, ordered
from jacfwd.coloring.star import fewest_star_colors, is_symmetric, star
from jacfwd.pattern import Pattern

__all__ = ["KINDS", "Coloring", "coloring", "fewest", "lower_bound"]

KINDS = ("columns", "rows", "star")
# Of larger patterns only the natural order is tried where nobody asks for the best one.
FEW_ENTRIES = 1 << 16


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Coloring:
    """A partition of the columns (or rows) of a pattern `(m, n)`, and how a matrix is read off its products.

    Parameters
    ----------
    pattern : the pattern `(m, n)`
    kind : "columns" and "rows" are groups without a common row or column; "star" is a coloring of the adjacency
        graph of a symmetric pattern in which every path of four vertices has three colors
    order : in which columns were colored
    colors : integers `0 ... n_colors - 1`, shape (n,), for rows (m,)
    """

    pattern: Pattern
    kind: str
    order: str
    colors: npt.NDArray[np.intp]

    @property
    def n_colors(self) -> int:
        """The number of colors, which is the number of seeds."""
        return int(self.colors.max(initial=-1)) + 1

    @functools.cached_property
    def lower_bound(self) -> int:
        """A number of colors below which there is no such coloring: the longest row, for rows the longest column.

        In a star coloring any two colors a, b make a forest, which has less than `n_a + n_b` edges: p colors of n
        vertices allow at most `(p - 1) n - p (p - 1) / 2` edges.
        """
        return lower_bound(self.pattern, self.kind)

    def seeds(self) -> npt.NDArray[np.float64]:
        """One seed per color, shape (n_colors, n), for rows (n_colors, m): ones at the members of the group."""
        seeds = np.zeros((self.n_colors, self.colors.size))
        seeds[self.colors, np.arange(self.colors.size)] = 1
        return seeds

    def decompress(self, products: npt.ArrayLike) -> sp.csr_array:
        """The matrix of which `products` holds the products with the seeds, one row per seed: `(J @ seeds.T).T`.

        Shape (n_colors, m); for rows `seeds @ J`, shape (n_colors, n). Each entry of the result is one number of
        `products`, nothing is computed. Star colorings: direct recovery, Coleman and Moré (1984).

        Raises
        ------
        ValueError
            If the shape is another one.
        """
        B = np.asarray(products)
        expected = self.n_colors, self.pattern.shape[self.kind == "rows"]
        if B.shape != expected:
            raise ValueError(f"expected products with {expected[0]} seeds, shape {expected}, got {B.shape}")
        data = np.take(B.reshape(-1), self.places)
        return sp.csr_array((data, self.pattern.indices, self.pattern.indptr), shape=self.pattern.shape)

    @functools.cached_property
    def places(self) -> npt.NDArray[np.intp]:
        """Where in the flat products with the seeds every entry of the pattern stands, shape (nnz,)."""
        rows, cols = self.pattern.rows.astype(np.intp), self.pattern.indices.astype(np.intp)
        if self.kind == "rows":
            return self.colors[rows] * self.pattern.shape[1] + cols
        m = self.pattern.shape[0]
        across = self.colors[cols] * m + rows
        if self.kind == "columns":
            return across
        # Entry (i, j) stands alone among i's neighbours of j's color, or (j, i) among j's neighbours of i's color.
        alone = np.bincount(across, minlength=self.n_colors * m) == 1
        return np.where(alone[across], across, self.colors[rows] * m + cols)

    def __repr__(self) -> str:
        colors = f"{self.n_colors} colors (at least {self.lower_bound})"
        return f"<Coloring of the {self.kind} of {self.pattern.shape}: {colors}, {self.order}>"


def lower_bound(pattern: Pattern, kind: str) -> int:
    """A number of colors that no coloring of this kind can do without."""
    if kind == "columns":
        return int(np.diff(pattern.indptr).max(initial=0)) or min(pattern.shape[1], 1)
    if kind == "rows":
        return int(np.bincount(pattern.indices).max(initial=0)) or min(pattern.shape[0], 1)
    return fewest_star_colors(pattern)


def coloring(S: Any, kind: str = "columns", order: str = "best") -> Coloring:
    """Color the columns, the rows or, for a Hessian, the adjacency graph of a pattern, greedily.

    Parameters
    ----------
    S : Pattern or two-dimensional scipy.sparse array, shape (m, n); stored zeros are entries
    kind : "columns" (for forward mode), "rows" (for reverse mode) or "star" (symmetric patterns: fewer colors,
        since an entry may be read off its mirror image)
    order : in which order columns take the least color that is free: "natural", "largest_first",
        "smallest_last", "incidence_degree", or "best", the coloring with fewest colors among these

    Raises
    ------
    ValueError : an unknown kind or order, or a star coloring of a pattern that is not symmetric
    TypeError : S is neither

    Gebremedhin, Manne and Pothen, "What color is your Jacobian?", SIAM Review 47 (2005), sections 3 and 7.

    >>> import scipy.sparse as sp
    >>> band = sp.diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(6, 6))
    >>> C = coloring(band)
    >>> C.n_colors, C.colors
    (3, array([0, 1, 2, 0, 1, 2]))
    >>> C.seeds()[0]
    array([1., 0., 0., 1., 0., 0.])
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(map(repr, KINDS))}, got {kind!r}")
    if order != "best" and order not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(map(repr, ('best', *ORDERS)))}, got {order!r}")
    pattern = S if isinstance(S, Pattern) else Pattern.from_sparse(S)
    if kind == "star" and not is_symmetric(pattern):
        raise ValueError("a star coloring needs a symmetric pattern; use kind='columns'")
    columns = pattern.T if kind == "rows" else pattern
    paint = star if kind == "star" else greedy
    least = lower_bound(pattern, kind)
    found: Coloring | None = None
    for name in ORDERS if order == "best" else (order,):
        made = Coloring(pattern, kind, name, paint(columns, ordered(columns, name)))
        if found is None or made.n_colors < found.n_colors:
            found = made
        if found.n_colors == least:
            break
    assert found is not None
    return found


def fewest(pattern: Pattern, symmetric: bool = False) -> Coloring:
    """A coloring of columns, or of rows where these need fewer colors; of a Hessian, which is `symmetric`, star.

    The Hessians of several outputs, one below the other, are no square matrix and have no symmetry. All orders are
    tried where that takes a moment.
    """
    order = "best" if pattern.nnz <= FEW_ENTRIES else "natural"
    if symmetric and pattern.shape[0] == pattern.shape[1]:
        return coloring(pattern | pattern.T, "star", order)
    columns = coloring(pattern, "columns", order)
    if lower_bound(pattern, "rows") >= columns.n_colors:
        return columns
    rows = coloring(pattern, "rows", order)
    return rows if rows.n_colors < columns.n_colors else columns
