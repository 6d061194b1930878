"""Constant scipy.sparse matrices, factorizations and linear operators: the local Jacobian is the matrix itself."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.errors import UnsupportedFunctionError
from jacfwd.formats.base import Format
from jacfwd.formats.dispatch import as_array, dispatched
from jacfwd.formats.entries import Entries
from jacfwd.formats.index import IndexMap
from jacfwd.formats.operators import Operator
from jacfwd.primitive import Call, Rule, composed, local_rule, structured

__all__ = ["RULES", "Factors", "after_sparse", "before_sparse", "sparse_solution"]


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
    return _entries(call, rows, cols, np.reshape(coo.data, spread), None if columns else call.params["matrix"])


def _after(call: Call, k: int) -> Format:
    """Entry (j, i) of A, once for each of the k rows."""
    coo = call.params["matrix"].tocoo()
    lead = call.shape(0)[:-1]
    along = np.arange(lead[0])[:, None] if lead else np.zeros((), np.intp)
    n, m = call.params["matrix"].shape
    return _entries(call, coo.col + along * m, coo.row + along * n, coo.data)


def _entries(call: Call, rows: Any, cols: Any, weights: Any, matrix: Any = None) -> Format:
    shape, out = call.shape(0), call.out_shape
    return Entries(shape, out, IndexMap.of_positions(rows, out), IndexMap.of_positions(cols, shape), weights, matrix)


# Solutions


class Factors:
    """A constant sparse matrix and its factorization by SuperLU, made at the first solution.

    Of a factorization made by the user there is no matrix: `lu` stands alone.
    """

    def __init__(self, matrix: Any = None, lu: Any = None, order: str | None = None) -> None:
        self.matrix, self.lu, self.order = matrix, lu, order

    def __reduce__(self) -> tuple:
        return Factors, (self.matrix, self.lu if self.matrix is None else None, self.order)

    def solve(self, b: np.ndarray, trans: str) -> np.ndarray:
        """`A^-1 b`, `A^-T b` or `A^-H b`; real factors solve for the parts of complex b."""
        from scipy.sparse import linalg

        if self.lu is None:
            self.lu = linalg.splu(self.matrix, permc_spec=self.order)
        dtype = self.lu.U.dtype
        if np.iscomplexobj(b) and dtype.kind != "c":
            return self.solve(b.real, trans) + 1j * self.solve(b.imag, trans)
        # SuperLU takes columns, and numbers of its own kind only.
        solved = self.lu.solve(np.asarray(b, dtype, order="F"), trans)
        return solved.astype(np.result_type(dtype, b.dtype), copy=False)


@dispatched
def sparse_solution(b: Any, *, factors: Factors, trans: str = "N") -> Any:
    """The solution of a sparse system for b of shape `(n,)` or `(n, k)`."""
    return factors.solve(b, trans)


def columns(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of vectors `(n,)` as columns `(n, k)`, on blocks of them."""

    def apply(block: Any) -> Any:
        beside = np.moveaxis(block, 0, -1)
        out = function(np.reshape(beside, (beside.shape[0], -1)))
        return np.moveaxis(np.reshape(out, (out.shape[0], *beside.shape[1:])), -1, 0)

    return apply


def solution_local(call: Call) -> Format:
    """`A^-1` on columns; its transpose solves with the same factors."""
    factors, trans = call.params["factors"], call.params.get("trans", "N")

    def there(b: Any) -> Any:
        return sparse_solution(b, factors=factors, trans=trans)

    def back(b: Any) -> Any:
        if trans == "H":
            return np.conjugate(sparse_solution(np.conjugate(b), factors=factors, trans="N"))
        return sparse_solution(b, factors=factors, trans="T" if trans == "N" else "N")

    return Operator(call.shape(0), call.out_shape, columns(there), columns(back), ((0,), (0,)))


def spsolve(A: Any, b: Any, permc_spec: str | None = None, use_umfpack: bool = True) -> Any:
    """`scipy.sparse.linalg.spsolve` with a constant matrix, factorized once."""
    b = as_array(b)
    if hasattr(b, "tocsc"):
        raise UnsupportedFunctionError("spsolve: a sparse right-hand side has no derivative; write b.toarray()")
    if not hasattr(A, "tocsc"):
        raise UnsupportedFunctionError("spsolve: the matrix must be a constant scipy.sparse one; use np.linalg.solve")
    dtype = np.result_type(A.dtype, b.dtype, np.float32)
    factors = Factors(A.tocsc().astype(dtype), order=permc_spec)
    b = np.reshape(b, (-1,)) if np.ndim(b) == 2 and b.shape[1] == 1 else b
    return sparse_solution(b if b.dtype == dtype else b.astype(dtype), factors=factors)


# Linear operators of the user's


@dispatched
def operator_product(x: Any, *, operator: Any) -> Any:
    """A constant LinearOperator times x of shape `(n,)` or `(n, k)`."""
    return operator.matvec(x) if np.ndim(x) == 1 else operator.matmat(x)


def has_adjoint(operator: Any) -> bool:
    """Whether a LinearOperator can be multiplied from the other side."""
    try:
        operator.rmatvec(np.zeros(operator.shape[0]))
    except NotImplementedError:
        return False
    return True


def operator_local(call: Call) -> Format:
    """The operator itself: its transpose takes `rmatvec`."""
    operator = call.params["operator"]

    def there(columns: Any) -> Any:
        return operator_product(columns, operator=operator)

    def back(columns: Any) -> Any:
        try:
            return operator_product(columns, operator=operator.T)
        except (NotImplementedError, TypeError) as error:
            if has_adjoint(operator):
                raise
            raise UnsupportedFunctionError(
                "a derivative from the output side needs the transpose of a LinearOperator that has no rmatvec; "
                "give it rmatvec=, or choose method='forward'"
            ) from error

    return Operator(call.shape(0), call.out_shape, columns(there), columns(back), ((0,), (0,)))


def matvec(self: Any, x: Any) -> Any:
    """`LinearOperator.matvec` of shape `(n,)` or `(n, 1)`."""
    m, n = self.shape
    if np.shape(x) not in ((n,), (n, 1)):
        raise ValueError(f"dimension mismatch: the operator is {m} x {n}, x has shape {np.shape(x)}")
    return operator_product(x, operator=self)


def matmat(self: Any, X: Any) -> Any:
    """`LinearOperator.matmat` of shape `(n, k)`."""
    m, n = self.shape
    if np.ndim(X) != 2 or np.shape(X)[0] != n:
        raise ValueError(f"dimension mismatch: the operator is {m} x {n}, X has shape {np.shape(X)}")
    return operator_product(X, operator=self)


def dot(self: Any, x: Any) -> Any:
    """`LinearOperator.dot`, which all products from the left come to."""
    if np.ndim(x) == 0 or hasattr(x, "matvec"):
        raise UnsupportedFunctionError(
            "a LinearOperator times a traced number would be an operator of traced values; multiply its product"
        )
    column = np.ndim(x) == 2 and np.shape(x)[1] == 1
    return matvec(self, x) if np.ndim(x) == 1 or column else matmat(self, x)


def rdot(self: Any, x: Any) -> Any:
    """`x @ operator`, by the transpose."""
    if np.ndim(x) == 0:
        raise UnsupportedFunctionError(
            "a traced number times a LinearOperator would be an operator of traced values; multiply its product"
        )
    return dot(self.T, x) if np.ndim(x) == 1 else np.transpose(dot(self.T, np.transpose(x)))


OPERATOR = "scipy.sparse.linalg:LinearOperator"

RULES: dict[Any, Rule] = {
    before_sparse: local_rule(_before),
    after_sparse: local_rule(_after),
    sparse_solution: structured(solution_local),
    "scipy.sparse.linalg:spsolve": composed(spsolve),
    operator_product: structured(operator_local),
    f"{OPERATOR}.matvec": composed(matvec),
    f"{OPERATOR}.matmat": composed(matmat),
    f"{OPERATOR}.rmatvec": composed(lambda self, x: matvec(self.H, x)),
    f"{OPERATOR}.rmatmat": composed(lambda self, X: matmat(self.H, X)),
    f"{OPERATOR}.dot": composed(dot),
    f"{OPERATOR}._rdot": composed(rdot),
}
