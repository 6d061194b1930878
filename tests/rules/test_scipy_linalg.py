"""scipy.linalg: rules against differences, recorded, twice; structure, keywords, what is refused."""

import numpy as np
import pytest
import scipy.fft as sf
import scipy.linalg as sl

import jacfwd as jf
from jacfwd.differences import difference_jacobian, richardson
from jacfwd.errors import JacfwdError, NotDifferentiableError, UnsupportedFunctionError
from jacfwd.rules import find, matrices, solutions
from jacfwd.testing import bound, check_rule
from tests.rules.recorded import at, call_label, check_recorded, flat_function, places
from tests.rules.samples_scipy_linalg import B4, P4, S3, S4, SAMPLES
from tests.rules.test_fourier import resolved
from tests.rules.test_linalg import weighted

CALLS = [(function, args, kwargs) for function, samples in SAMPLES.items() for args, kwargs in samples]
CONSTANT = (solutions.permutation, solutions.pivots, matrices.pivoted)
FLOATING = [call for call in CALLS if call[0] not in CONSTANT and places(call[1])]
FEW = [call for function in SAMPLES for call in [c for c in FLOATING if c[0] is function][::4]]
PARAMETERS = ("function", "args", "kwargs")


def existing(key):
    """Whether this SciPy has the function."""
    try:
        return resolved(key) is not None
    except AttributeError:
        return False


def test_every_rule_has_a_sample():
    keys = [*solutions.RULES, *matrices.RULES]
    assert SAMPLES.keys() == {resolved(key) for key in keys if existing(key)} - {getattr(sl, "kron", None)}


@pytest.mark.parametrize(PARAMETERS, CALLS, ids=map(call_label, CALLS))
def test_rule(function, args, kwargs):
    check_rule(function, *args, **kwargs)


@pytest.mark.parametrize(PARAMETERS, FLOATING, ids=map(call_label, FLOATING))
def test_recorded(function, args, kwargs):
    single = any(np.result_type(at(args, path)).itemsize == 4 for path in places(args))
    check_recorded(function, args, kwargs, rounding=1e-5 if single else 1e-12)


@pytest.mark.parametrize(PARAMETERS, FEW, ids=map(call_label, FEW))
def test_second_order(function, args, kwargs):
    f, primals = flat_function(function, args, kwargs)

    def scalar(x):
        return weighted([out for out in f(x, *primals[1:]) if hasattr(out, "dtype")])

    x = primals[0]
    v = np.sin(np.arange(x.size) + 1.0).reshape(x.shape)
    _, got = jf.hvp(scalar, x, v)
    expected, _ = richardson(jf.gradient(scalar), x, v, steps=6, step=1e-3)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6 * max(1, np.abs(expected).max()))


# Keywords


def test_a_subset_of_the_eigenvalues():
    w, V = jf.value_and_jacobian(lambda a: sl.eigh(a, subset_by_index=[1, 2]))(P4)
    plain = sl.eigh(P4, subset_by_index=[1, 2])
    whole = jf.jacobian(lambda a: sl.eigh(a))(P4)
    for k in range(2):
        np.testing.assert_allclose(w[k], plain[k], atol=1e-14)
        np.testing.assert_allclose(V[k], whole[k][..., 1:3, :, :] if k == 0 else whole[k][:, 1:3], atol=1e-13)


@pytest.mark.parametrize(
    "f",
    [
        lambda a: sl.solve(a, B4, overwrite_a=True, overwrite_b=True),
        lambda a: sl.inv(a, overwrite_a=True),
        lambda a: sl.cholesky(a @ a.T, overwrite_a=True),
        lambda a: sl.solve_triangular(a, a[0] * 1, overwrite_b=True),
        lambda a: sl.lu_factor(a, overwrite_a=True)[0],
        lambda a: sl.eigvalsh(a, overwrite_a=True),
        lambda a: sl.qr(a, overwrite_a=True, mode="r")[0],
    ],
)
def test_what_may_be_overwritten_is_not(f):
    """SciPy may destroy its operands, and their values differ from then on; Tracers keep theirs."""
    before = S4.copy()
    value, J = jf.value_and_jacobian(f)(S4)
    np.testing.assert_array_equal(S4, before)
    np.testing.assert_allclose(value, f(S4.copy()), rtol=1e-11, atol=1e-13)
    assert np.isfinite(J).all()


def test_names_by_which_functions_are_called():
    from scipy.linalg import inv

    def inside(a):
        from scipy import linalg

        return linalg.inv(a)

    expected = jf.jacobian(np.linalg.inv)(S3)
    for f in (sl.inv, inv, lambda a: inv(a), lambda a: sl.inv(a), inside):
        np.testing.assert_allclose(jf.jacobian(f)(S3), expected, atol=1e-13)


def test_a_replay_takes_other_pivots():
    """The pivots are recomputed, not relied on."""
    graph = jf.trace(lambda a, b: sl.lu_solve(sl.lu_factor(a), b), S4, B4)
    other = S4[::-1].copy()
    np.testing.assert_allclose(graph(other, B4), np.linalg.solve(other, B4))
    expected = jf.jacobian(lambda a: np.linalg.solve(a, B4))(other)
    np.testing.assert_allclose(graph.jacobian(other, B4)[0], expected, atol=1e-10)


# Structure


def test_only_the_triangle_that_is_read_has_entries():
    lower = np.tri(4, dtype=bool)
    pattern = jf.sparsity(lambda a: sl.cholesky(a, lower=True), P4).toarray().reshape(4, 4, 4, 4)
    assert not pattern[:, :, ~lower].any()
    for kind in ("pos", "her", "sym"):
        J = jf.jacobian(lambda a, kind=kind: sl.solve(a, B4, assume_a=kind, lower=True))(P4)
        assert (J[:, ~lower] == 0).all()


def test_a_band_stays_one():
    n = 2000
    ab = np.ones((3, n)) * np.array([[1.0], [4.0], [1.0]])

    def f(x):
        return sl.solve_banded((1, 1), ab, x)

    _, J = jf.linearize(f, np.ones(n))
    v = np.sin(np.arange(n))
    np.testing.assert_allclose(J @ v, f(v), atol=1e-12)
    np.testing.assert_allclose(J.T @ v, f(v), atol=1e-12)  # the matrix is symmetric
    inner = solutions.banded_local_ab(bound(find(solutions.banded_solution), (ab, v), {"below": 1, "above": 1}))
    assert inner.factors[0].nnz == 3 * n - 2


def test_special_forms_are_selections():
    J = jf.jacobian(lambda c: sl.toeplitz(c), sparse=True)(B4)
    assert J.nnz == 16
    assert (J.data == 1).all()
    J = jf.jacobian(lambda a, b: sl.block_diag(a, b), argnums=(0, 1), sparse=True)(S3, B4)
    assert [part.nnz for part in J] == [9, 4]


# Against closed forms


def test_functions_of_commuting_matrices():
    """Along the identity a matrix function changes by its derivative: of exp, log, square root, cosine."""
    derivatives = {
        "expm": sl.expm,
        "logm": np.linalg.inv,
        "sqrtm": lambda a: np.linalg.inv(sl.sqrtm(a)) / 2,
        "cosm": lambda a: -sl.sinm(a),
        "sinhm": sl.coshm,
    }
    for name, derivative in derivatives.items():
        _, dy = jf.jvp(getattr(sl, name), P4 / 3, 1e9 * np.eye(4))
        np.testing.assert_allclose(dy / 1e9, derivative(P4 / 3), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("method", ["forward", "reverse", "accumulate"])
def test_vectors_of_pairs_without_their_signs(lower, method):
    def squares(a, b):
        w, v = sl.eigh(a, b, lower=lower)
        return np.concatenate([w[None], v * v, v * v[:1]])

    b = np.diag([3.0, 4.0, 3.5, 4.5]) + P4 / 50
    found = jf.jacobian(squares, (0, 1), method=method)(P4, b)
    for J, g, x in ((found[0], lambda a: squares(a, b), P4), (found[1], lambda b: squares(P4, b), b)):
        np.testing.assert_allclose(J.reshape(36, 16), difference_jacobian(g, x), rtol=0, atol=1e-8)
    alone = jf.jacobian(lambda a: squares(a, None), method=method)(P4)
    expected = difference_jacobian(lambda a: squares(a, None), P4)
    np.testing.assert_allclose(alone.reshape(36, 16), expected, rtol=0, atol=1e-8)


def test_expm_against_its_own_derivative():
    direction = np.cos(np.arange(9.0)).reshape(3, 3)
    _, dy = jf.jvp(sl.expm, S3, direction)
    expected = sl.expm_frechet(S3, direction)[1]
    np.testing.assert_allclose(dy, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_tiny_and_huge_directions_lose_no_digits():
    steep = np.diag(np.arange(1.0, 5.0)) + 10 * np.triu(np.ones((4, 4)), 1)
    for f, point in ((sl.expm, steep), (sl.expm, P4 / 3), (sl.logm, P4 / 3), (sl.sqrtm, P4 / 3), (sl.cosm, P4 / 3)):
        direction = np.cos(np.arange(16.0)).reshape(4, 4)
        _, expected = jf.jvp(f, point, direction)
        for size in (2.0**-100, 2.0**100):
            _, dy = jf.jvp(f, point, size * direction)
            np.testing.assert_allclose(dy / size, expected, rtol=0, atol=2e-14 * np.abs(expected).max())


def test_unchecked_matrices_may_hold_nan():
    a = np.array([[1.0, 2.0], [3.0, np.nan]])
    (lu, places), dy = jf.jvp(lambda a: sl.lu_factor(a, check_finite=False), a, np.ones((2, 2)))
    np.testing.assert_array_equal(places, sl.lu_factor(a, check_finite=False)[1])
    assert np.isnan(lu[1, 1]) and np.isnan(dy[0][1, 1])


# What is refused


@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (2, 3, 4), (4, 4, 3), (3, 4, 3, 4)])
def test_stacks_of_matrices_that_are_not_square_are_refused(shape):
    with pytest.raises(UnsupportedFunctionError, match="only square"):
        solutions.only_square("f", np.zeros(shape))
    solutions.only_square("f", np.zeros((*shape[:-2], 3, 3)))


@pytest.mark.parametrize(
    ("f", "error", "words"),
    [
        (lambda a: sl.lu_factor(a[:, :2])[0], UnsupportedFunctionError, "only square"),
        (lambda a: sl.lu(a, p_indices=True)[1], UnsupportedFunctionError, "p_indices"),
        (lambda a: sl.qr(a[:, :2])[0], UnsupportedFunctionError, "economic"),
        (lambda a: sl.svd(a[:, :2])[0], UnsupportedFunctionError, "full_matrices=False"),
        (lambda a: sl.svd(a, lapack_driver="gesvd")[0], UnsupportedFunctionError, "lapack_driver"),
        (lambda a: sl.eigh(a, type=2, b=a)[0], UnsupportedFunctionError, "type="),
        (lambda a: sl.eigh(a, subset_by_value=(0, 1))[0], UnsupportedFunctionError, "subset_by_value"),
        (lambda a: sl.eigh(a + 0j)[1].real, UnsupportedFunctionError, "phases"),
        (lambda a: sl.eigh(a * 0 + np.eye(4))[1], NotDifferentiableError, "two eigenvalues"),
        (lambda a: sl.pinv(a, rtol=1e-3), UnsupportedFunctionError, "rank"),
        (lambda a: sl.lstsq(np.outer(a[0], B4), B4)[0], UnsupportedFunctionError, "full rank"),
        (lambda a: sl.toeplitz(a[0] + 0j).real, UnsupportedFunctionError, "conjugate"),
        (lambda a: sl.logm(a, disp=False)[0], UnsupportedFunctionError, "disp"),
        (lambda a: sl.fractional_matrix_power(P4, a[0, 0]), UnsupportedFunctionError, "'t'"),
        (lambda a: sl.solve(a, B4, assume_a="triangle"), ValueError, "not a recognized"),
        (lambda a: sl.polar(a, side="top")[0], ValueError, "side"),
        (lambda a: sl.schur(a)[0], JacfwdError, "test_scipy_linalg.py"),
        (lambda a: sl.null_space(a[:2]), JacfwdError, "test_scipy_linalg.py"),
        (lambda a: sl.solve_continuous_are(a, a, a, a), JacfwdError, "test_scipy_linalg.py"),
        (lambda a: sl.eig(a)[0].real, JacfwdError, "test_scipy_linalg.py"),
        (lambda a: sl.pinvh(a), JacfwdError, "test_scipy_linalg.py"),
    ],
)
def test_what_has_no_derivative_is_refused(f, error, words):
    with pytest.raises(error, match=words):
        jf.jacobian(f)(P4)


def test_square_roots_on_the_branch_cut_have_the_derivative_of_the_equation():
    a = np.random.default_rng(12).normal(size=(3, 3))
    a = (a + a.T) / 2
    assert np.linalg.eigvalsh(a)[0] < 0
    x, J = jf.linearize(sl.sqrtm, a)
    v, w = np.arange(9.0).reshape(3, 3), np.linspace(-1, 1, 9)
    np.testing.assert_allclose(x @ J(v) + J(v) @ x, v, atol=1e-10)
    np.testing.assert_allclose(J.T @ w, J.toarray().T @ w, atol=1e-10)


@pytest.mark.filterwarnings("ignore:Matrix is singular")
def test_square_roots_that_add_to_zero_have_none():
    with pytest.raises(NotDifferentiableError, match="add to zero"):
        jf.jacobian(sl.sqrtm)(np.diag([0.0, 1.0]))


@pytest.mark.parametrize("function", [sl.expm, sl.logm, sl.sqrtm, sl.sinm, sl.coshm])
def test_hessians_of_functions_of_matrices(function):
    A = np.array([[1.0, 0.5], [0.25, 2.0]])

    def f(A):
        return np.sum(function(A) * np.array([[1.0, 2.0], [3.0, 4.0]]))

    H = jf.hessian(f)(A)
    np.testing.assert_allclose(H, H.transpose(2, 3, 0, 1), rtol=1e-9)
    for unit in np.eye(4).reshape(4, 2, 2):
        expected, _ = richardson(jf.gradient(f), A, unit, steps=6, step=1e-2)
        np.testing.assert_allclose(np.sum(H * unit, axis=(2, 3)), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("overwriting", "keeping"),
    [
        (lambda A: sf.dct(A, overwrite_x=True), sf.dct),
        (lambda A: sf.fft(A + 0j, overwrite_x=True).real, lambda A: sf.fft(A + 0j).real),
        (lambda A: sl.solve(A, A[0], overwrite_a=True, overwrite_b=True), lambda A: sl.solve(A, A[0])),
    ],
)
def test_permissions_to_overwrite_are_not_used(overwriting, keeping):
    graph = jf.trace(lambda A: (B := A * 1.0, np.sin(B)[0] * overwriting(B))[1], S3)
    for _ in range(2):
        np.testing.assert_allclose(graph(S3), keeping(S3) * np.sin(S3)[0], rtol=1e-13)
        expected = jf.jacobian(lambda A: keeping(A) * np.sin(A)[0])(S3)
        np.testing.assert_allclose(graph.jacobian(S3), expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(graph.jvp(S3, S3)[1], np.tensordot(expected, S3, 2), rtol=1e-12, atol=1e-12)
