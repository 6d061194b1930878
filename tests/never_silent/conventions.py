"""Points without a derivative, zeros times infinity, patterns that depend on values, dtypes, large products."""

import numpy as np

from tests.never_silent.table import case

GROUP = "where hides nan"
AROUND = np.array([0.0, 1.3, -2.0])


@case(GROUP, at=AROUND, expected=[[0, 0, 0], [0, 1 / 1.3, 0], [0, 0, 0]])
def log_under_where(x):
    return np.where(x > 0.0, np.log(x), 0.0)


@case(GROUP, at=AROUND, expected=np.diag([0, 0.5 / np.sqrt(1.3), 0]))
def sqrt_under_where(x):
    return np.where(x > 0.0, np.sqrt(x), 0.0)


@case(GROUP, at=AROUND, expected=np.diag([0, -1 / 1.69, -1 / 4.0]))
def reciprocal_under_where(x):
    return np.where(x == 0.0, 1.0, 1.0 / x)


@case(GROUP, at=AROUND, expected=np.diag([0, np.cos(1.3) / 1.3 - np.sin(1.3) / 1.69, np.sin(2) / 4 - np.cos(2) / 2]))
def sinc_by_hand(x):
    safe = np.where(x == 0.0, 1.0, x)
    return np.where(x == 0.0, 1.0, np.sin(safe) / safe)


@case(GROUP, at=AROUND, expected=np.diag([0, 1 / 1.3, 0]))
def a_mask_write(x):
    out = np.zeros(3)
    out[x > 0] = np.log(x)[x > 0]
    return out


@case(GROUP, at=AROUND, expected=np.diag([0, 1 / 1.3, 0]))
def where_of_the_ufunc(x):
    return np.log(x, where=x > 0, out=np.zeros(3))


@case(GROUP, at=AROUND, expected=np.diag([0.0, 1 / 1.3, 0.0]))
def nan_to_num(x):
    return np.where(x > 0, np.nan_to_num(np.log(np.abs(x))), 0.0)


GROUP = "zero times infinity"
WITH_ZERO = np.array([0.0, 1.0, 4.0])


@case(GROUP, at=WITH_ZERO, expected=np.diag([np.inf, 0.5, 0.25]))
def sqrt_at_zero(x):
    return np.sqrt(x)


@case(GROUP, at=WITH_ZERO, expected=[[0, 0.5, 0.25]])
def sqrt_times_zero(x):
    return np.sum(np.sqrt(x) * np.array([0.0, 1.0, 1.0]))


@case(GROUP, at=WITH_ZERO, expected=np.diag([np.inf, 1 / 3, 4 ** (-2 / 3) / 3]))
def cbrt_at_zero(x):
    return np.cbrt(x)


@case(GROUP, at=WITH_ZERO, expected=[[0, 0.5, 0]])
def picked_after_sqrt(x):
    return np.sqrt(x)[1:2]


@case(GROUP, at=WITH_ZERO, expected=np.diag([np.inf, 0.5 * 1.0**-0.5, 0.5 * 4**-0.5]))
def power_of_one_half(x):
    return x**0.5


@case(GROUP, at=WITH_ZERO, expected=[[0, 0.5, 0], [0, 0, 0.25]])
def a_matrix_of_zeros_and_ones(x):
    return np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]) @ np.sqrt(x)


GROUP = "degenerate points"


@case(GROUP, at=np.array([0.0, 2.0, 3.0]), expected=[[6, 0, 0]])
def prod_with_one_zero(x):
    return np.prod(x)


@case(GROUP, at=np.array([0.0, 2.0, 0.0]), expected=[[0, 0, 0]])
def prod_with_two_zeros(x):
    return np.prod(x)


@case(GROUP, at=np.array([0.0, 2.0, 3.0]), expected=[[1, 0, 0], [2, 0, 0], [6, 0, 0]])
def cumprod_with_a_zero(x):
    return np.cumprod(x)


@case(GROUP, at=np.array([0.0, 2.0, -3.0]), expected=np.zeros((3, 3)))
def power_zero(x):
    return x**0.0


@case(GROUP, at=np.array([0.0, 2.0, 3.0]), expected=np.diag([0, 0, 0]))
def zero_to_the_power(x):
    return np.zeros(3) ** x


@case(GROUP, at=np.zeros(3), expected=[[0, 0, 0]])
def norm_of_zeros(x):
    return np.linalg.norm(x)


@case(GROUP, at=np.zeros(2), expected=[[0, 0]])
def hypot_of_zeros(x):
    return np.hypot(x[0], x[1])


@case(GROUP, at=np.zeros(2), expected=[[0, 0]])
def arctan2_of_zeros(x):
    return np.arctan2(x[0], x[1])


@case(GROUP, at=np.ones(3), expected=[[0, 0, 0]])
def std_of_equals(x):
    return np.std(x)


@case(GROUP, at=np.zeros(3), expected=np.zeros((3, 3)))
def abs_at_zero(x):
    return np.abs(x) + abs(x * 1j)


GROUP = "ties"


@case(GROUP, at=np.array([2.0, 1.0, 2.0]), expected=[[0.5, 0, 0.5]])
def of_max(x):
    return np.max(x)


@case(GROUP, at=np.array([1.0, 1.0, 1.0]), expected=[[1 / 3, 1 / 3, 1 / 3]])
def of_min(x):
    return x.min()


@case(GROUP, at=np.array([2.0, 2.0]), expected=[[0.5, 0.5]])
def of_maximum(x):
    return np.maximum(x[0], x[1])


@case(GROUP, at=np.array([2.0, 1.0, 2.0]), expected=[[0, 1, 0], [1, 0, 0], [0, 0, 1]])
def of_sort(x):
    return np.sort(x)


@case(GROUP, at=np.array([0.0, 1.0, 2.0]), expected=np.diag([0.5, 1.0, 0.5]))
def of_clip(x):
    return np.clip(x, 0.0, 2.0)


@case(GROUP, at=np.array([2.0, 1.0, 2.0]), expected=[[1, 0, 0]])
def of_argmax(x):
    return x[np.argmax(x)]


@case(GROUP, at=np.array([2.0, 1.0, 2.0]), expected=[[1, 0, 0]])
def of_median(x):
    return np.median(x)


GROUP = "a pattern that must not depend on values"


@case(GROUP, at=np.array([0.0, 2.0]))
def a_factor_that_is_zero(x):
    return x[0] * x[1]


@case(GROUP, at=np.zeros(3))
def a_square_at_zero(x):
    return x * x


@case(GROUP, at=np.array([0.0, 1.0, 2.0]))
def a_product_of_shifts(x):
    return x[1:] * x[:-1]


@case(GROUP, at=np.zeros((2, 2)))
def a_matrix_product_at_zero(x):
    return x @ x


@case(GROUP, at=np.array([0.0, 0.0, 1.0]))
def where_both_branches(x):
    return np.where(x > 0.5, x * x[0], x * x[1])


GROUP = "dtypes"
SINGLE = np.array([0.7, 1.3, 2.1], np.float32)


@case(GROUP, at=SINGLE)
def single_stays_single(x):
    y = np.sin(x) * 2.0
    assert y.dtype == np.float32
    return y


@case(GROUP, at=SINGLE)
def single_into_a_double_buffer(x):
    out = np.zeros(3)
    out[:] = x * x
    return out


@case(GROUP, at=SINGLE)
def double_into_a_single_buffer(x):
    out = np.zeros(3, np.float32)
    out[:] = x.astype(float) * 1.5
    assert out.dtype == np.float32
    return out


@case(GROUP)
def through_single(x):
    return x.astype(np.float32).astype(np.float64) * 0.0 + x * x


@case(GROUP)
def through_complex(x):
    z = x.astype(complex) * (1.0 + 2.0j)
    return z.real * z.imag + np.abs(z)


@case(GROUP, at=SINGLE)
def single_and_a_python_number(x):
    y = 3 * x + 1.5
    assert y.dtype == np.float32
    return y


@case(GROUP)
def complex_into_a_real_buffer(x):
    out = np.zeros(3)
    out[:] = (x * (1.0 + 1.0j)).real
    return out


GROUP = "large products"


@case(GROUP, at=np.linspace(0.5, 1.5, 9).reshape(3, 3))
def a_product_of_matrices(x):
    return np.sum(np.kron(x, np.eye(2)) @ np.ones(6))


@case(GROUP, at=np.linspace(0.5, 1.5, 6).reshape(2, 3))
def two_matrix_factors(x):
    return np.trace(x @ x.T @ x @ x.T)


@case(GROUP, at=np.array([[2.0, 0.5], [0.3, 1.5]]))
def an_inverse(x):
    return np.linalg.inv(x) @ x.T


@case(GROUP, at=np.array([[2.0, 0.5], [0.3, 1.5]]))
def a_solve_and_a_determinant(x):
    return np.linalg.solve(x, np.array([1.0, 2.0])) * np.linalg.det(x)


@case(GROUP, at=np.linspace(0.5, 1.5, 4).reshape(2, 2))
def an_einsum(x):
    return np.einsum("ij,jk,kl->il", x, x, x)


@case(GROUP, at=np.linspace(0.5, 1.5, 12).reshape(3, 2, 2))
def a_stack_of_products(x):
    return np.matmul(x, x)
