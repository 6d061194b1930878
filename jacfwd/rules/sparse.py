"""Products with constant scipy.sparse matrices: the local Jacobian of `A @ x` is A itself."""

from typing import Any

import numpy as np

from jacfwd.formats.base import Format
from jacfwd.formats.dispatch import dispatched
from jacfwd.formats.entries import Entries
from jacfwd.formats.index import IndexMap
from jacfwd.primitive import Call, Rule, local_rule

__all__ = ["RULES", "after_sparse", "before_sparse"]


@dispatched
def before_sparse(x: Any, *, matrix: Any) -> Any:
    """`A @ x` for a constant sparse A `(m, n)` and x of shape `(n,)` or `(n, k)`."""
    return matrix @ x


@dispatched
def after_sparse(x: Any, *, matrix: Any) -> Any:
    """`x @ A` for a constant sparse A `(n, m)` and x of shape `(n,)` or `(k, n)`."""
    return x @ matrix


def _before(call: Call, k: int) -> Format:
    """Entry (i, j) of A, once for each of the k columns."""
    coo = call.params["matrix"].tocoo()
    columns = call.shape(0)[1:]
    along = np.arange(columns[0]) if columns else np.zeros((), np.intp)
    width = columns[0] if columns else 1
    spread = (len(coo.data), *(1 for _ in columns))
    rows, cols = (np.reshape(part, spread).astype(np.intp) * width + along for part in (coo.row, coo.col))
    return _entries(call, rows, cols, np.reshape(coo.data, spread))


def _after(call: Call, k: int) -> Format:
    """Entry (j, i) of A, once for each of the k rows."""
    coo = call.params["matrix"].tocoo()
    lead = call.shape(0)[:-1]
    along = np.arange(lead[0])[:, None] if lead else np.zeros((), np.intp)
    n, m = call.params["matrix"].shape
    return _entries(call, coo.col + along * m, coo.row + along * n, coo.data)


def _entries(call: Call, rows: Any, cols: Any, weights: Any) -> Format:
    shape, out = call.shape(0), call.out_shape
    return Entries(shape, out, IndexMap.of_positions(rows, out), IndexMap.of_positions(cols, shape), weights)


RULES: dict[Any, Rule] = {before_sparse: local_rule(_before), after_sparse: local_rule(_after)}
