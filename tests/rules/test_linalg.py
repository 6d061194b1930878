"""Products, norms, linear algebra, interpolation: against differences, recorded, twice, at conventions."""

import itertools

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.differences import richardson
from jacfwd.errors import JacobianMismatchError, NotDifferentiableError, UnsupportedFunctionError
from jacfwd.formats.operators import Operator
from jacfwd.primitive import Call, structured
from jacfwd.rules import factorizations, find, interpolation, linalg, norms, products, spectral
from jacfwd.testing import check_rule
from tests.rules.recorded import call_label, check_recorded, flat_function
from tests.rules.samples_linalg import SAMPLES

FAMILIES = (products, norms, linalg, factorizations, spectral, interpolation)
TABLES = [family.RULES for family in FAMILIES]
CALLS = [(function, args, kwargs) for function, samples in SAMPLES.items() for args, kwargs in samples]
FEW = [(function, args, kwargs) for function, samples in SAMPLES.items() for args, kwargs in samples[::3]]


def test_every_rule_has_a_sample():
    assert SAMPLES.keys() == {function for table in TABLES for function in table}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=map(call_label, CALLS))
def test_rule(function, args, kwargs):
    check_rule(function, *args, **kwargs)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS, ids=map(call_label, CALLS))
def test_recorded(function, args, kwargs):
    check_recorded(function, args, kwargs, rounding=1e-14)


def weighted(outputs):
    """One number made of all floating outputs, neither linear nor symmetric in them."""
    total = 0.0
    for out in outputs:
        if out.dtype.kind in "fc":
            weights = np.cos(np.arange(out.size) + 1.0).reshape(out.shape)
            total = total + np.sum(weights * out.real)
            if out.dtype.kind == "c":
                total = total + np.sum(np.sin(weights) * out.imag)
    return np.exp(0.1 * total)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "args", "kwargs"), FEW, ids=map(call_label, FEW))
def test_second_order(function, args, kwargs):
    """Rules are computed with functions of the table, so that they can be differentiated themselves."""
    f, primals = flat_function(function, args, kwargs)
    for k in range(len(primals[:2])):
        x = primals[k]

        def scalar(x, k=k):
            return weighted(f(*primals[:k], x, *primals[k + 1 :]))

        if x.dtype != np.float64 or not x.size:
            continue
        v = np.sin(np.arange(x.size) + 1.0).reshape(x.shape)
        with np.errstate(all="ignore"):
            _, got = jf.hvp(scalar, x, v)
            expected, _ = richardson(jf.gradient(scalar), x, v, steps=6, step=1e-3)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6 * max(1, np.abs(expected).max()))


# Conventions


SINGULAR = {
    "slogdet": (lambda a: np.linalg.slogdet(a)[1], np.ones((3, 3))),
    "slogdet_complex": (lambda a: np.real(np.linalg.slogdet(a * 1j)[1]), np.ones((3, 3))),
    "cond": (lambda a: np.linalg.cond(a, 1), np.ones((3, 3))),
    "q": (lambda a: np.linalg.qr(a)[0], np.ones((4, 3))),
    "r": (lambda a: np.linalg.qr(a, "r"), np.zeros((4, 3))),
    "u": (lambda a: np.linalg.svd(a, full_matrices=False)[0], np.array([[1.0, 0], [0, 0], [0, 0]])),
    "v": (lambda a: np.linalg.svd(a, full_matrices=False)[2], np.array([[1.0, 0, 0], [0, 0, 0]])),
    "det twice": (jf.gradient(np.linalg.det), np.ones((4, 4))),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("f", "a"), SINGULAR.values(), ids=SINGULAR)
@pytest.mark.parametrize("method", ["forward", "reverse", "accumulate"])
def test_matrices_without_full_rank_are_refused(f, a, method):
    with pytest.raises(NotDifferentiableError):
        jf.jacobian(f, method=method)(a)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_degenerate_values():
    for a in (np.zeros((3, 3)), np.ones((3, 3))):
        for p in (None, 2, -2):
            assert jf.value_and_gradient(lambda a, p=p: np.linalg.cond(a, p))(a)[0] == np.linalg.cond(a, p)
    a = np.eye(4)
    a[0, 0] = np.nan
    assert np.isnan(jf.value_and_gradient(np.linalg.det)(a)[0])


ORDERS = [None, 1, 2, 3, 0.5, np.inf, -np.inf, 0, -1]


@pytest.mark.parametrize("order", ORDERS)
def test_norm_of_zero_has_derivative_zero(order):
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(jf.gradient(lambda x: np.linalg.norm(x, order))(np.zeros(3)), np.zeros(3))
        _, tangent = jf.jvp(lambda x: np.linalg.norm(x * (1 + 2j), order), np.zeros(3), np.ones(3))
    assert tangent == 0


def test_norm_of_one_zero_row_spares_the_others():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    jacobian = jf.jacobian(lambda x: np.linalg.norm(x, axis=1))(x)
    np.testing.assert_allclose(jacobian, [[[0.6, 0.8], [0, 0]], np.zeros((2, 2))])
    hessian = jf.hessian(lambda x: np.sum(np.linalg.norm(x, axis=1)))(x)
    assert np.isfinite(hessian).all()


@pytest.mark.parametrize("order", [0.5, 1, 1.5, 3])
def test_elements_that_are_zero_have_derivative_zero_in_every_norm(order):
    with np.errstate(all="ignore"):
        gradient = jf.gradient(lambda x: np.linalg.norm(x, order))(np.array([0.0, -2.0]))
    np.testing.assert_allclose(gradient, [0, -1], rtol=1e-15)


def test_largest_elements_share_the_maximum_norm():
    np.testing.assert_array_equal(
        jf.gradient(lambda x: np.linalg.norm(x, np.inf))(np.array([-2.0, 1.0, 2.0])), [-0.5, 0, 0.5]
    )


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_det_of_singular_matrices(n, rank):
    """The gradient of the determinant is the matrix of cofactors, whatever the rank."""
    rng = np.random.default_rng(n)
    a = rng.normal(size=(n, rank)) @ rng.normal(size=(rank, n))
    cofactors = np.empty((n, n))
    for i, j in itertools.product(range(n), repeat=2):
        cofactors[i, j] = (-1) ** (i + j) * np.linalg.det(np.delete(np.delete(a, i, 0), j, 1))
    np.testing.assert_allclose(jf.gradient(np.linalg.det)(a), cofactors, rtol=1e-10, atol=1e-12)


def test_det_of_an_exactly_singular_matrix_of_four():
    a = np.diag([1.0, 2.0, 0.0, 3.0])
    expected = np.zeros((4, 4))
    expected[2, 2] = 6
    np.testing.assert_allclose(jf.gradient(np.linalg.det)(a), expected, atol=1e-14)


def test_hessian_of_a_small_determinant_where_it_is_singular():
    hessian = jf.hessian(np.linalg.det)(np.zeros((2, 2))).reshape(4, 4)
    np.testing.assert_array_equal(hessian, [[0, 0, 0, 1], [0, 0, -1, 0], [0, -1, 0, 0], [1, 0, 0, 0]])


def test_repeated_eigenvalues_have_derivatives_but_their_vectors_have_none():
    jacobian = jf.jacobian(np.linalg.eigvalsh)(np.eye(3))
    np.testing.assert_allclose(jacobian.sum(axis=0), np.eye(3), atol=1e-14)
    with pytest.raises(NotDifferentiableError, match="eigvalsh"):
        jf.jacobian(lambda a: np.linalg.eigh(a)[1])(np.eye(3))
    with pytest.raises(NotDifferentiableError, match="compute_uv=False"):
        jf.jacobian(lambda a: np.linalg.svd(a)[0])(np.diag([1.0, 2.0, 2.0]))


def test_singular_values_of_a_matrix_of_lower_rank():
    """A singular value that is zero has derivative zero; the nuclear norm then has the gradient U V^T."""
    a = np.outer([1.0, 2.0, 2.0], [3.0, 4.0])
    np.testing.assert_allclose(
        jf.gradient(lambda a: np.linalg.norm(a, "nuc"))(a), np.outer([1, 2, 2], [3, 4]) / 15, atol=1e-14
    )


@pytest.mark.parametrize("f", [np.linalg.cholesky, np.linalg.eigvalsh, lambda a: np.linalg.eigh(a)[1]])
def test_only_the_triangle_that_is_read_counts(f):
    a = np.array([[4.0, 9.0], [1.0, 3.0]])
    jacobian = jf.jacobian(f)(a)
    assert np.all(jacobian[..., 0, 1] == 0)
    assert np.any(jacobian[..., 1, 0] != 0)


def test_interp_at_knots_and_outside():
    def slope(x):
        return jf.gradient(lambda x: np.interp(x, [0.0, 1.0, 3.0], [0.0, 2.0, 0.0]))(x)

    assert [float(slope(x)) for x in (-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0)] == [0, 2, 2, -1, -1, -1, 0]


def test_cross_products_in_the_plane():
    """Vectors of two components, of which NumPy warns, have a third one that is zero."""
    x, y = np.array([1.0, 2.0, -3.0]), np.array([0.5, -1.0, 2.0])
    flat, tall = np.eye(3) * [1, 1, 0], np.eye(3)
    for n, m in ((2, 3), (3, 2), (2, 2)):
        p, q = (tall if size == 3 else flat for size in (n, m))
        expected = jf.jacobian(lambda v, p=p, q=q: np.cross(p @ v, q @ y))(x)[:, :n]
        found = jf.jacobian(lambda v, m=m: np.cross(v, y[:m]))(x[:n])
        np.testing.assert_array_equal(found, expected[2] if n == m == 2 else expected)


# Zeros and patterns


def test_zeros_of_a_matrix_meet_infinite_derivatives():
    a = np.array([[1.0, 0.0], [0.0, 2.0]])
    for method in ("forward", "accumulate", "reverse"):
        jacobian = jf.jacobian(lambda x: a @ np.sqrt(x), method=method)(np.array([0.0, 4.0]))
        np.testing.assert_array_equal(jacobian, [[np.inf, 0], [0, 0.5]])


def test_patterns():
    x = np.arange(1.0, 7.0)
    assert jf.sparsity(lambda x: np.convolve(x, [1.0, 2.0]), x).nnz == 12
    assert jf.sparsity(lambda x: np.convolve(x, np.ones(3), "valid"), x).nnz == 12
    assert jf.sparsity(lambda x: np.cross(x[:3], [1.0, 2.0, 3.0]), x).nnz == 6
    assert jf.sparsity(lambda x: np.kron(x[:2], np.ones(4)), x).nnz == 8
    assert jf.sparsity(lambda x: np.outer(x, [1.0, 2.0]), x).nnz == 12
    assert jf.sparsity(lambda x: np.einsum("ij,ij->i", x.reshape(2, 3), np.ones((2, 3))), x).nnz == 6
    assert jf.sparsity(lambda x: np.matmul(x.reshape(2, 1, 3), np.ones((2, 3, 4))), x).nnz == 24
    assert jf.sparsity(lambda x: np.linalg.cholesky(x[:4].reshape(2, 2) + 4 * np.eye(2)), x).nnz == 6


def test_short_kernels_are_bands_of_strides():
    x, h = np.arange(9.0), np.array([1.0, 2.0, 3.0])
    for mode in ("full", "valid"):
        call = Call(find(np.convolve), np.convolve(x, h, mode), (x, h), {"mode": mode})
        fmt = call.primitive.local(call, 0)
        assert fmt.rows.affine is not None
        assert fmt.cols.affine is not None
        assert np.size(fmt.weights) == 3


def test_a_long_kernel_is_kept_as_what_it_does():
    rng = np.random.default_rng(0)
    x, h = rng.normal(size=200), rng.normal(size=100)
    call = Call(find(np.convolve), np.convolve(x, h), (x, h), {})
    fmt = call.primitive.local(call, 0)
    assert isinstance(fmt, Operator)
    assert fmt.nnz == 200 * 100
    assert fmt.push(np.zeros((0, 200))).shape == (0, 299)
    assert fmt.T.push(np.zeros((0, 299))).shape == (0, 200)


LISTS = {
    "norm": lambda x, y: np.linalg.norm([x, y]),
    "det": lambda x, y: np.linalg.det([[x, y], [1.0, x]]),
    "slogdet": lambda x, y: np.linalg.slogdet([[x, y], [1.0, x]]).logabsdet,
    "inv": lambda x, y: np.linalg.inv([[x, y], [1.0, x]]),
    "solve": lambda x, y: np.linalg.solve([[x, y], [1.0, x]], [y, 1.0]),
    "eigvalsh": lambda x, y: np.linalg.eigvalsh([[x, 0.0], [y, 3.0]]),
    "matrix_power": lambda x, y: np.linalg.matrix_power([[x, y], [1.0, x]], 3),
    "multi_dot": lambda x, y: np.linalg.multi_dot([[[x, y]], [[1.0, x], [2.0, y]]]),
    "cross": lambda x, y: np.cross([x, y, 1.0], [1.0, 2.0, x]),
    "kron": lambda x, y: np.kron([x, y], [[1.0], [y]]),
    "trace": lambda x, y: np.trace([[x, y], [1.0, x]]),
    "vdot": lambda x, y: np.vdot([x, y], [y, 1.0]),
    "dot": lambda x, y: np.dot([x, y], [[y], [1.0]]),
    "einsum": lambda x, y: np.einsum("i,i", [x, y], [y, 1.0]),
    "tensordot": lambda x, y: np.tensordot([x, y], [y, 1.0], 1),
    "outer": lambda x, y: np.outer([x, y], [y, 1.0]),
    "convolve": lambda x, y: np.convolve([x, y], [1.0, 2.0, y]),
    "interp": lambda x, y: np.interp([x, 1.5], [0.0, 1.0, 3.0], [1.0, y, 4.0]),
    "polyval": lambda x, y: np.polyval([x, y, 2.0], [y, 1.0]),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_numbers_stand_for_arrays(name):
    point = np.float64(0.75), np.float64(1.25)
    f = LISTS[name]
    jf.check_jacobian(f, *point)


@pytest.mark.parametrize("method", ["forward", "accumulate", "reverse"])
def test_methods_operators_and_attributes(method):
    """Products as they are mostly written."""
    a = np.arange(8.0).reshape(2, 4)

    def f(x):
        square = x.reshape(2, 2)
        return (a @ x).dot(square).T @ square + x.dot(x) * square.trace() - x[:2] @ a[:, 1:3]

    x = np.array([1.0, -2.0, 0.5, 3.0])
    jacobian = jf.jacobian(f, method=method)(x)
    for v, column in zip(np.eye(4), jacobian.T, strict=True):
        np.testing.assert_allclose(column, richardson(f, x, v)[0], atol=1e-9)


def test_rank_is_a_constant():
    np.testing.assert_array_equal(
        jf.gradient(lambda a: a[0, 0] * np.linalg.matrix_rank(a))(np.eye(2)), [[2, 0], [0, 0]]
    )


# Refusals


REFUSED = [
    (lambda a: np.linalg.svd(a)[0], np.ones((3, 2)), "full_matrices=False"),
    (lambda a: np.linalg.svd(a, hermitian=True)[0], np.ones((2, 2)), "hermitian"),
    (lambda a: np.linalg.qr(a, "complete")[0], np.ones((3, 2)), "mode='reduced'"),
    (lambda a: np.linalg.qr(a, "raw")[0], np.ones((3, 2)), "mode='reduced'"),
    (lambda a: np.linalg.qr(a * 1j)[0], np.eye(2), "complex"),
    (lambda a: np.linalg.eigh(a * 1j)[0], np.eye(2), "eigvalsh"),
    (lambda a: np.linalg.pinv(a, 0.5), np.eye(2), "default"),
    (lambda a: np.linalg.pinv(a, hermitian=True), np.eye(2), "hermitian"),
    (lambda a: np.linalg.lstsq(a, np.ones(3))[0], np.ones((3, 2)), "pinv"),
]


@pytest.mark.parametrize(("f", "x", "remedy"), REFUSED)
def test_what_has_no_derivative_is_refused_with_a_remedy(f, x, remedy):
    with pytest.raises(UnsupportedFunctionError, match=remedy):
        jf.jacobian(f)(x)


MISTAKES = [
    lambda x: np.linalg.norm(x, "nuc"),
    lambda x: np.linalg.norm(x, axis=(0, 0)),
    lambda x: np.linalg.norm(np.reshape(x, (1, 1, 3)), 1),
    lambda x: np.linalg.norm(np.outer(x, x), 5),
    lambda x: np.linalg.norm(np.outer(x, x), axis=(0, 0)),
    lambda x: np.cross(x, np.ones(4)),
    lambda x: np.einsum("ij", x),
    lambda x: np.einsum("i,i->ij", x, x),
    lambda x: x @ np.ones(4),
    lambda x: np.convolve(x, np.ones(2), "none"),
    lambda x: np.linalg.eigvalsh(np.outer(x, x), "X"),
    lambda x: np.linalg.inv(x),
]


@pytest.mark.parametrize("f", MISTAKES)
def test_mistakes_are_the_errors_of_numpy(f):
    x = np.arange(3.0)
    with pytest.raises((ValueError, TypeError, np.linalg.LinAlgError)) as plain:
        f(x)
    with pytest.raises(type(plain.value)):
        jf.jvp(f, x, x)


# Wrong rules are noticed


def wrong_matmul(call):
    return products.contracted(products.gufunc("km", "kn", out="mn")).local(call, 0)


WRONG = [
    (np.matmul, (np.arange(9.0).reshape(3, 3), np.eye(3)[::-1] + 1), wrong_matmul),
    (
        np.linalg.det,
        (np.array([[1.0, 2.0], [3.0, 5.0]]),),
        lambda call: linalg.sum_with(call.operands[0], call),
    ),
    (np.linalg.inv, (np.array([[1.0, 2.0], [3.0, 5.0]]),), lambda call: linalg.around(call.out, call.out)),
]


@pytest.mark.parametrize(("function", "args", "local"), WRONG)
def test_a_wrong_rule_is_noticed(function, args, local):
    names = find(function).rule.operands or ()
    with pytest.raises(JacobianMismatchError):
        check_rule(function, *args, rule=structured(local, *[None] * (len(args) - 1)).on(*names))


@pytest.mark.parametrize("b", [(5, 3), (5, 3, 2), (5, 4, 3, 2)])
@pytest.mark.parametrize("a", [(5, 3, 3), (5, 4, 3, 3)])
def test_solutions_of_stacked_operands_are_those_of_each(a, b):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=a) + 4 * np.eye(3), rng.normal(size=b)
    expected = [np.linalg.solve(*each) for each in zip(a, b, strict=True)]
    np.testing.assert_allclose(linalg.solve_stacks(a, b), expected, rtol=1e-12)
