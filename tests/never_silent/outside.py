"""SciPy's sparse matrices, objects with methods, keywords: right, or refused where they stand."""

import math

import numpy as np
import scipy.sparse as sp
from numpy.polynomial import Polynomial
from scipy import interpolate
from scipy.sparse.linalg import LinearOperator, aslinearoperator, factorized, splu, spsolve

from tests.never_silent.table import case

GROUP = "a constant sparse matrix"
A = sp.csr_array(np.array([[4.0, 1.0, 0.0], [1.0, 5.0, 2.0], [0.0, 2.0, 6.0]]))
M = sp.csc_matrix(A)
FORMATS = ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"]


@case(GROUP)
def matrix_times_vector(x):
    return A @ (x * x)


@case(GROUP)
def vector_times_matrix(x):
    return (x * x) @ A


@case(GROUP)
def transposed(x):
    return A.T @ x * x


@case(GROUP)
def dot(x):
    return A.dot(x) * M.dot(x)


@case(GROUP)
def star_of_a_matrix(x):
    return M * x


@case(GROUP)
def every_format(x):
    return np.concatenate([A.asformat(name) @ (x * x) for name in FORMATS])


@case(GROUP)
def every_format_by_dot(x):
    return np.concatenate([M.asformat(name).dot(x * x) for name in FORMATS])


@case(GROUP)
def times_a_block(x):
    return A @ np.stack([x, x * x], axis=1)


@case(GROUP)
def a_buffer_times_a_matrix(x):
    out = np.zeros(3)
    out[:2] = x[1:]
    return A @ out


@case(GROUP)
def a_matrix_made_inside(x):
    return sp.diags_array([1.0, 2.0, 3.0]) @ x


@case(GROUP, refused="sparse|NumPy functions|toarray")
def a_sum_with_a_dense_array(x):
    return np.asarray(A + np.outer(x, x)) @ x


@case(GROUP, refused="sparse|NumPy functions|toarray")
def multiply(x):
    return A.multiply(x).sum(axis=1) * 1.0


@case(GROUP, refused="sparse|NumPy functions|toarray|plain|numbers")
def a_matrix_built_from_traced_values(x):
    return sp.diags_array(x) @ np.ones(3)


@case(GROUP, refused="sparse|NumPy functions|toarray|plain|numbers")
def a_csr_built_from_traced_values(x):
    return sp.csr_array((x, ([0, 1, 2], [0, 1, 2])), shape=(3, 3)) @ np.ones(3)


@case(GROUP, refused="sparse|NumPy functions|black_box|numbers|rule")
def spsolve_with_it(x):
    return spsolve(A.tocsc(), x * x)


GROUP = "objects with methods"
KNOTS = np.linspace(0.0, 3.0, 7)
SPLINE = interpolate.CubicSpline(KNOTS, np.sin(KNOTS))
LU = splu(sp.csc_matrix(A))
SOLVE = factorized(sp.csc_matrix(A))
ANY_REMEDY = "NumPy functions|black_box|numbers|rule"


@case(GROUP, refused=ANY_REMEDY)
def a_cubic_spline(x):
    return SPLINE(x)


@case(GROUP, refused=ANY_REMEDY)
def pchip(x):
    return interpolate.PchipInterpolator(KNOTS, np.cos(KNOTS))(x)


@case(GROUP, refused=ANY_REMEDY)
def a_b_spline(x):
    return interpolate.make_interp_spline(KNOTS, np.sin(KNOTS))(x)


@case(GROUP, refused=ANY_REMEDY)
def interp1d(x):
    return interpolate.interp1d(KNOTS, np.sin(KNOTS))(x)


@case(GROUP, refused=ANY_REMEDY)
def regular_grid(x):
    return interpolate.RegularGridInterpolator((KNOTS,), np.sin(KNOTS))(x)


@case(GROUP, refused=ANY_REMEDY)
def a_linear_operator(x):
    return LinearOperator((3, 3), matvec=lambda v: A @ v, rmatvec=lambda v: A.T @ v) @ (x * x)


@case(GROUP, refused=ANY_REMEDY)
def a_linear_operator_of_a_matrix(x):
    return aslinearoperator(A).matvec(x * x)


@case(GROUP, refused=ANY_REMEDY)
def a_factorization(x):
    return LU.solve(x * x)


@case(GROUP, refused=ANY_REMEDY)
def a_factorized_solver(x):
    return SOLVE(x * x)


@case(GROUP)
def a_polynomial(x):
    return Polynomial([1.0, 2.0, 3.0])(x)


@case(GROUP)
def a_poly1d(x):
    return np.poly1d([1.0, 2.0, 3.0])(x)


@case(GROUP, refused=ANY_REMEDY)
def a_vectorized_function(x):
    return np.vectorize(math.sin)(x)


@case(GROUP, refused=ANY_REMEDY)
def a_spline_through_traced_values(x):
    return interpolate.CubicSpline(np.arange(3.0), x)(0.5) * np.ones(1)


GROUP = "keywords"


@case(GROUP, at=np.array([[0.7, 1.3, 2.1], [0.2, 0.4, 0.8]]))
def axis_and_keepdims(x):
    return np.sum(x * x, axis=1, keepdims=True) * x


@case(GROUP)
def where_and_initial(x):
    return np.sum(x, where=[True, False, True], initial=5.0) * np.max(x, initial=0.3, where=[True, True, False])


@case(GROUP)
def dtype_of_a_reduction(x):
    return np.sum(x * x, dtype=np.float64) + np.mean(x, dtype=np.float64)


@case(GROUP)
def ddof(x):
    return np.var(x, ddof=1) + np.std(x, ddof=1)


@case(GROUP)
def operands_by_keyword(x):
    return np.clip(a=x, a_min=x[0] * 1.1, a_max=3.0) + np.average(x, weights=x * x)


@case(GROUP, refused="differentiate|NumPy functions|with respect")
def a_traced_parameter(x):
    return np.quantile(np.array([1.0, 2.0, 4.0]), np.minimum(x / 3.0, 1.0))


@case(GROUP)
def order_of_a_reshape(x):
    return np.reshape(np.concatenate([x, x * x]), (2, 3), order="F") @ x


@case(GROUP)
def casting_and_subok(x):
    return np.add(x, x * 2, casting="same_kind", subok=False, order="C")


@case(GROUP)
def ord_of_a_norm(x):
    return np.linalg.norm(x, ord=3) + np.linalg.norm(np.outer(x, x) + np.eye(3), ord="nuc")


@case(GROUP)
def right_and_left_of_interp(x):
    return np.interp(x, [1.0, 2.0], [3.0, 5.0], left=-1.0, right=9.0)


@case(GROUP)
def prepend_of_diff(x):
    return np.diff(x * x, prepend=x[2], append=0.0)


@case(GROUP, refused="differentiate|with respect|rule|NumPy functions")
def a_traced_spacing(x):
    return np.trapezoid(np.array([1.0, 2.0, 4.0]), dx=x[0])
