"""SciPy's solvers with exact derivatives: answers, reports, and whatever else SciPy does, unchanged."""

import inspect

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.sparse as sp
from scipy.optimize import NoConvergence

import jacfwd as jf
from bench.problems import brusselator
from jacfwd import solvers

ROSEN = np.array([-1.2, 1.0])


def rosenbrock(x):
    return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])


def rosen(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def tridiagonal(x):
    framed = np.pad(x, 1)
    return (3 - 2 * x) * x - framed[:-2] - 2 * framed[2:] + 1


def decay(t, y, rate=1.0):
    return -rate * y * (1 + 0.1 * np.sin(t))


@pytest.mark.parametrize(
    "name", ["least_squares", "curve_fit", "root", "fsolve", "minimize", "solve_ivp", "solve_bvp", "newton_krylov"]
)
def test_signatures_are_those_of_scipy(name):
    original = getattr(scipy.optimize, name, None) or getattr(scipy.integrate, name)
    assert inspect.signature(getattr(solvers, name)) == inspect.signature(original)
    with pytest.raises(TypeError, match="missing"):
        getattr(solvers, name)()


def test_the_package_is_found_as_an_attribute():
    assert jf.solvers is solvers
    with pytest.raises(AttributeError, match="no attribute 'solver'"):
        jf.solver  # noqa: B018 - the access is the test


# Least squares


@pytest.mark.parametrize("method", ["trf", "dogbox", "lm"])
def test_least_squares_counts_what_it_took(method):
    calls = []

    def fun(x):
        calls.append(x)
        return rosenbrock(x)

    found = solvers.least_squares(fun, ROSEN, method=method)
    np.testing.assert_allclose(found.x, [1, 1], atol=1e-8)
    assert found.jacfwd.recordings == 1
    assert found.jacfwd.method == "dense"
    assert found.jacfwd.evaluations >= found.nfev
    assert len(calls) == found.jacfwd.evaluations + 1  # the recording is a run, too
    assert found.jacfwd.seconds > 0


@pytest.mark.parametrize("kind", ["exact", "dense", "sparse", "operator"])
@pytest.mark.parametrize("method", ["trf", "dogbox"])
def test_kinds_of_jacobian_reach_the_solver(method, kind):
    found = solvers.least_squares(tridiagonal, -np.ones(60), jac=kind, method=method)
    assert found.cost < 1e-12
    types = {"exact": sp.csr_array, "dense": np.ndarray, "sparse": sp.csr_array}
    expected = types.get(kind, scipy.sparse.linalg.LinearOperator)
    assert sp.issparse(found.jac) if kind in ("exact", "sparse") else isinstance(found.jac, expected)
    assert found.jacfwd.method == ("sparse" if kind == "exact" else kind)


def test_jac_sparsity_asks_for_a_sparse_jacobian():
    found = solvers.least_squares(tridiagonal, -np.ones(9), jac_sparsity=np.ones((9, 9)))
    assert sp.issparse(found.jac)


def test_lm_says_where_sparse_ones_go():
    with pytest.raises(ValueError, match="method='lm' takes 'dense', not 'sparse'.*method='trf' or 'dogbox'"):
        solvers.least_squares(rosenbrock, ROSEN, jac="sparse", method="lm")


@pytest.mark.parametrize("jac", ["2-point", "3-point", "cs", lambda x: jf.jacobian(rosenbrock)(x)])
def test_what_scipy_takes_is_passed_on(jac):
    ours, theirs = (each(rosenbrock, ROSEN, jac) for each in (solvers.least_squares, scipy.optimize.least_squares))
    assert not hasattr(ours, "jacfwd")
    np.testing.assert_array_equal(ours.x, theirs.x)


def test_arguments_bounds_losses_and_callbacks():
    seen = []
    found = solvers.least_squares(
        lambda x, a, *, b: np.array([a * (x[1] - x[0] ** 2), b - x[0], x[0] * x[1]]), [0, 2], args=(10.0,),
        kwargs={"b": 1.0}, bounds=([-1, 0.5], [0.5, 3]), loss="soft_l1", x_scale="jac", verbose=0,
        max_nfev=50,
    )  # fmt: skip
    expected = scipy.optimize.least_squares(
        lambda x, a, *, b: np.array([a * (x[1] - x[0] ** 2), b - x[0], x[0] * x[1]]), [0, 2], args=(10.0,),
        kwargs={"b": 1.0}, bounds=([-1, 0.5], [0.5, 3]), loss="soft_l1", x_scale="jac", jac="cs",
    )  # fmt: skip
    np.testing.assert_allclose(found.x, expected.x, atol=1e-7)
    if "callback" in inspect.signature(scipy.optimize.least_squares).parameters:
        solvers.least_squares(rosenbrock, ROSEN, callback=lambda intermediate_result: seen.append(1))
        assert seen


def test_exceptions_of_the_function_pass():
    class Own(Exception):
        pass

    def fun(x):
        if x[0] > 0.5:
            raise Own("too far")
        return rosenbrock(x)

    with pytest.raises(Own, match="too far"):
        solvers.least_squares(fun, ROSEN)


def test_unknown_keywords_are_refused_by_scipy():
    with pytest.raises(TypeError, match="nonsense"):
        solvers.least_squares(rosenbrock, ROSEN, nonsense=1)


@pytest.mark.parametrize("method", ["lm", "trf", "dogbox", None])
def test_curve_fit(method):
    x = np.linspace(0, 4, 30)
    y = 2.5 * np.exp(-1.3 * x) + 0.5 + 0.01 * np.sin(9 * x)

    def model(x, a, b, c):
        return a * np.exp(-b * x) + c

    bounds = {"bounds": (0, [5, 5, 5])} if method != "lm" else {}
    popt, pcov, info, *_ = solvers.curve_fit(
        model, x, y, sigma=np.full(30, 0.1), absolute_sigma=True, method=method, full_output=True, **bounds
    )
    theirs = scipy.optimize.curve_fit(model, x, y, sigma=np.full(30, 0.1), absolute_sigma=True, method=method, **bounds)
    np.testing.assert_allclose(popt, theirs[0], rtol=1e-6)
    np.testing.assert_allclose(pcov, theirs[1], rtol=1e-4)
    assert info["jacfwd"].recordings == 1
    assert info["jacfwd"].method == "dense"


def test_curve_fit_takes_lists_and_leaves_gaps_out():
    popt, _ = solvers.curve_fit(
        lambda x, a, b: a * x + b, [0, 1, 2, 3], [1, 3, np.nan, 7], nan_policy="omit", p0=[1, 1]
    )
    np.testing.assert_allclose(popt, [2, 1], atol=1e-8)
    with pytest.raises(ValueError, match="jf.solvers.least_squares"):
        solvers.curve_fit(lambda x, a: a * x, [0, 1], [0, 1], jac="sparse")


# Roots


@pytest.mark.parametrize("method", ["hybr", "lm", "krylov"])
def test_roots(method):
    found = solvers.root(lambda x, a: [x[0] + 0.5 * x[1] - a, 0.5 * (x[1] - x[0]) ** 3 + x[1]], [0, 0], 1.0, method)
    assert found.success
    np.testing.assert_allclose(found.fun, 0, atol=1e-5)
    assert found.jacfwd.recordings == 1
    assert found.jacfwd.method == ("products" if method == "krylov" else "dense")


def test_krylov_has_scipys_options_and_result():
    seen = []
    settings = {"tol": 1e-12, "options": {"maxiter": 40, "jac_options": {"method": "gmres"}}}
    ours, theirs = (
        each(tridiagonal, -np.ones(30), method="krylov", callback=lambda x, f: seen.append(x), **settings)
        for each in (solvers.root, scipy.optimize.root)
    )
    assert ours.success
    assert {*ours.keys()} >= {*theirs.keys(), "jacfwd", "nfev"}
    assert abs(ours.fun).max() < 1e-11
    assert ours.nfev == ours.nit
    assert len(seen) == ours.nit + theirs.nit - 2  # none when it has converged
    with pytest.raises(ValueError, match=r"unknown options \['fatal'\]"):
        solvers.root(tridiagonal, -np.ones(3), method="krylov", options={"fatal": 1})


@pytest.mark.parametrize("method", ["broyden1", "anderson", "df-sane"])
def test_methods_without_derivatives_run_or_refuse(method):
    found = solvers.root(lambda x: x + 0.1 * np.sin(x) - 1, np.zeros(3), method=method)
    assert found.success
    assert found.jacfwd.method == "none"
    with pytest.raises(ValueError, match="takes no derivative at all"):
        solvers.root(lambda x: x, np.zeros(3), method=method, jac="dense")


@pytest.mark.parametrize("col_deriv", [0, 1])
def test_fsolve(col_deriv):
    x, info, ier, _ = solvers.fsolve(
        lambda x, a: [x[0] * np.cos(x[1]) - a, x[1] * x[0] - x[1] - 5], [1, 1], args=4, full_output=True,
        col_deriv=col_deriv,
    )  # fmt: skip
    assert ier == 1
    np.testing.assert_allclose(x, [6.50409711, 0.90841421], atol=1e-7)
    assert info["jacfwd"].recordings == 1
    np.testing.assert_array_equal(
        scipy.optimize.fsolve(rosenbrock, ROSEN), solvers.fsolve(rosenbrock, ROSEN, fprime=None)
    )


def test_newton_krylov_takes_shapes_and_exact_products():
    def poisson(u):
        framed = np.pad(u, 1)
        return framed[:-2, 1:-1] + framed[2:, 1:-1] + framed[1:-1, :-2] + framed[1:-1, 2:] - 4 * u + 0.1 * np.exp(u)

    u = solvers.newton_krylov(poisson, np.zeros((6, 7)), f_tol=1e-12, method="gmres", inner_maxiter=42)
    assert u.shape == (6, 7)
    assert abs(poisson(u)).max() < 1e-12
    with pytest.raises(ValueError, match="rdiff"):
        solvers.newton_krylov(poisson, np.zeros((6, 7)), rdiff=1e-8)
    with pytest.raises(NoConvergence):
        solvers.newton_krylov(lambda x: x**2 + 1, np.array([0.5]), maxiter=3)


def test_newton_krylov_in_the_complex():
    z = solvers.newton_krylov(lambda z: z**2 - np.array([2j, 3 + 4j]), np.array([1 + 0.5j, 1 + 1j]), f_tol=1e-12)
    np.testing.assert_allclose(z**2, [2j, 3 + 4j], atol=1e-11)


# Minima

GRADIENTS = ["CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP"]
SECOND = ["Newton-CG", "trust-ncg", "trust-krylov", "trust-constr", "trust-exact", "dogleg"]
START = np.array([0.8, 1.2, 0.7])


@pytest.mark.parametrize("method", GRADIENTS + SECOND)
def test_minimize(method):
    found = solvers.minimize(rosen, START, method=method)
    np.testing.assert_allclose(found.x, 1, atol=2e-3)
    assert found.jacfwd.method.startswith("gradient")
    assert ("+" in found.jacfwd.method) == (method in SECOND)
    assert found.jacfwd.recordings == 1 + (method in SECOND)


@pytest.mark.parametrize("method", ["Nelder-Mead", "COBYLA"])
def test_methods_without_gradients_run_or_refuse(method):
    assert solvers.minimize(rosen, START, method=method, options={"maxiter": 30}).jacfwd.method == "none"
    with pytest.raises(ValueError, match="takes no derivative at all.*BFGS"):
        solvers.minimize(rosen, START, method=method, jac="dense")


def test_sparse_hessians_have_their_methods():
    assert solvers.minimize(rosen, START, method="Newton-CG", hess="sparse").success
    with pytest.raises(ValueError, match="takes 'products' or 'dense', not 'sparse'"):
        solvers.minimize(rosen, START, method="trust-ncg", hess="sparse")


def test_derivatives_of_the_users_are_kept():
    found = solvers.minimize(rosen, START, method="Newton-CG", jac=jf.gradient(rosen))
    assert found.jacfwd.method == "products"
    both = jf.value_and_gradient(rosen)
    np.testing.assert_allclose(solvers.minimize(both, START, method="BFGS", jac=True).x, 1, atol=1e-4)
    found = solvers.minimize(both, START, method="Newton-CG", jac=True, hess="dense")
    assert found.jacfwd.method == "dense Hessian"
    assert found.nhev > 0
    found = solvers.minimize(rosen, START, method="trust-constr", hess=scipy.optimize.BFGS())
    assert found.jacfwd.method == "gradient"


def test_minimize_chooses_as_scipy_does_and_passes_the_rest_on():
    seen = []
    found = solvers.minimize(
        lambda x, a: np.sum((x - a) ** 2), [0, 0], args=3.0, bounds=[(0, 1), (0, 5)], callback=lambda x: seen.append(x),
        options={"maxiter": 30},
    )  # fmt: skip
    np.testing.assert_allclose(found.x, [1, 3], atol=1e-6)
    assert seen
    with pytest.raises(ValueError, match="scalar value"):
        solvers.minimize(lambda x: x[:1] * x, [1.0, 2.0])


@pytest.mark.parametrize("method", ["trust-constr", "SLSQP", "COBYLA", "COBYQA"])
def test_constraints(method):
    if method == "COBYQA" and not hasattr(scipy.optimize._minimize, "_minimize_cobyqa"):
        pytest.skip("this SciPy has no COBYQA")
    ring = solvers.NonlinearConstraint(lambda x: x[0] ** 2 + x[1] ** 2, -np.inf, 2.0)
    found = solvers.minimize(lambda x: x[0] + x[1], [1.0, 0.0], method=method, constraints=ring)
    np.testing.assert_allclose(found.x, [-1, -1], atol=2e-3)
    as_dict = {"type": "ineq", "fun": lambda x, r: r - x[0] ** 2 - x[1] ** 2, "args": (2.0,)}
    found = solvers.minimize(lambda x: x[0] + x[1], [1.0, 0.0], method=method, constraints=[as_dict])
    np.testing.assert_allclose(found.x, [-1, -1], atol=2e-3)


def test_constraints_are_sparse_where_the_pattern_is():
    chain = solvers.NonlinearConstraint(lambda x: x[1:] ** 2 + x[:-1], 1.0, 3.0)
    x = np.linspace(0.5, 1, 60)
    assert sp.issparse(chain.jac(x))
    H = chain.hess(x, np.arange(59.0))
    np.testing.assert_allclose(H.toarray(), np.diag(np.concatenate([[0.0], 2 * np.arange(59.0)])))
    found = solvers.minimize(lambda x: np.sum(x**2), x, method="trust-constr", constraints=chain)
    assert found.constr_violation < 1e-8
    assert scipy.optimize.minimize(lambda x: np.sum(x**2), x, method="trust-constr", constraints=chain).success
    with pytest.raises(ValueError, match="takes 'dense' or 'sparse', not 'operator'"):
        solvers.NonlinearConstraint(np.sin, 0, 1, jac="operator")


# Initial value problems


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA", scipy.integrate.BDF])
def test_implicit_methods(method):
    found = solvers.solve_ivp(decay, (0, 3), [1, 2], method, args=(2.0,), rtol=1e-8, atol=1e-10)
    exact = np.array([1, 2]) * np.exp(-2.0 * (3 + 0.1 * (1 - np.cos(3))))
    np.testing.assert_allclose(found.y[:, -1], exact, rtol=1e-5)
    assert found.jacfwd.recordings == (method != "LSODA")  # that one finds that the problem is not stiff
    assert found.jacfwd.method == "dense"


@pytest.mark.parametrize("method", ["RK45", "RK23", "DOP853"])
def test_explicit_methods_need_no_jacobian(method):
    found = solvers.solve_ivp(decay, (0, 1), [1.0], method)
    assert found.success
    assert found.jacfwd == solvers.Report(evaluations=found.nfev)
    with pytest.raises(ValueError, match="takes no derivative at all.*Radau"):
        solvers.solve_ivp(decay, (0, 1), [1.0], method, jac="dense")


@pytest.mark.parametrize("method", ["Radau", "BDF"])
def test_large_patterns_are_sparse(method):
    problem = brusselator(8)
    found = solvers.solve_ivp(lambda t, y: problem.function(y), (0, 0.01), problem.point, method, rtol=1e-6, atol=1e-8)
    other = scipy.integrate.solve_ivp(
        lambda t, y: problem.function(y), (0, 0.01), problem.point, method, rtol=1e-6, atol=1e-8
    )
    assert found.jacfwd.method == "sparse"
    np.testing.assert_allclose(found.y[:, -1], other.y[:, -1], rtol=1e-4)


def test_events_dense_output_and_vectorised_functions():
    def half(t, y, rate):
        return y[0] - 0.5

    half.terminal = True
    found = solvers.solve_ivp(
        lambda t, y, rate: -rate * y, (0, 5), [1.0, 3.0], method="Radau", events=half, args=(2.0,), vectorized=True,
        dense_output=True, rtol=1e-9, atol=1e-12,
    )  # fmt: skip
    np.testing.assert_allclose(found.t_events[0], np.log(2) / 2, rtol=1e-6)
    np.testing.assert_allclose(found.sol(0.1), np.exp(-0.2) * np.array([1, 3]), rtol=1e-6)


def test_complex_states():
    def turn(t, y):
        return 1j * y + 0 * y**2

    found = solvers.solve_ivp(turn, (0, 1), np.array([1 + 0j]), "BDF", rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.y[0, -1], np.exp(1j), rtol=1e-5)
    with pytest.raises(jf.NotDifferentiableError, match="complex differentiable"):
        solvers.solve_ivp(lambda t, y: 1j * np.conj(y), (0, 1), np.array([1 + 0j]), "BDF")
    for each in (solvers.solve_ivp, scipy.integrate.solve_ivp):
        with pytest.raises(ValueError, match="`y0` is complex"):
            each(turn, (0, 1), np.array([1 + 0j]), "Radau")


def test_bands():
    n = 30

    def heat(t, y):
        framed = np.pad(y, 1)
        return 10 * (framed[2:] - 2 * y + framed[:-2]) - y**3

    found = solvers.solve_ivp(heat, (0, 1), np.ones(n), method="LSODA", lband=1, uband=1, rtol=1e-8, atol=1e-10)
    full = solvers.solve_ivp(heat, (0, 1), np.ones(n), method="LSODA", rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.y[:, -1], full.y[:, -1], rtol=1e-6)
    with pytest.raises(ValueError, match="outside the bands"):
        solvers.solve_ivp(heat, (0, 1), np.ones(n), method="LSODA", lband=0, uband=1)


# Boundary value problems


def test_bratu_in_one_dimension():
    x = np.linspace(0, 1, 11)
    settings = {
        "fun": lambda x, y: np.vstack((y[1], -np.exp(y[0]))),
        "bc": lambda ya, yb: np.array([ya[0], yb[0]]),
        "x": x,
        "y": np.zeros((2, 11)),
        "tol": 1e-8,
    }
    ours, theirs = solvers.solve_bvp(**settings), scipy.integrate.solve_bvp(**settings)
    assert ours.success
    np.testing.assert_allclose(ours.sol(x), theirs.sol(x), atol=1e-7)
    assert ours.jacfwd.evaluations < theirs.niter * 1000
    assert ours.jacfwd.method == "dense"


def test_parameters_of_a_boundary_value_problem():
    x = np.linspace(0, 1, 9)
    found = solvers.solve_bvp(
        lambda x, y, p: np.vstack((y[1], -(p[0] ** 2) * y[0])),
        lambda ya, yb, p: np.array([ya[0], yb[0], ya[1] - p[0]]), x, np.vstack((np.sin(3 * x), np.cos(3 * x))),
        p=[3.0], tol=1e-8,
    )  # fmt: skip
    assert found.success
    np.testing.assert_allclose(found.p, np.pi, rtol=1e-7)


def test_singular_terms_and_jacobians_of_the_users():
    x = np.linspace(0, 1, 5)
    found = solvers.solve_bvp(
        lambda x, y: np.vstack((y[1], -(y[0] ** 5))), lambda ya, yb: np.array([ya[1], yb[0] - (3 / 4) ** 0.5]), x,
        np.array([np.full(5, 0.75**0.5), np.full(5, 1e-4)]), S=np.array([[0, 0], [0, -2.0]]), tol=1e-6,
        bc_jac=lambda ya, yb: (np.array([[0, 1.0], [0, 0]]), np.array([[0, 0.0], [1, 0]])),
    )  # fmt: skip
    assert found.success
    np.testing.assert_allclose(found.sol(0)[0], 1, atol=1e-5)


def test_functions_that_mix_mesh_points_are_refused():
    x = np.linspace(0, 1, 5)
    with pytest.raises(ValueError, match="mixes mesh points"):
        solvers.solve_bvp(
            lambda x, y: np.vstack((y[1], -np.roll(y[0], 1))), lambda ya, yb: np.array([ya[0], yb[0] - 1]), x,
            np.zeros((2, 5)),
        )  # fmt: skip
    with pytest.raises(ValueError, match="not 'sparse'"):
        solvers.solve_bvp(lambda x, y: y, lambda ya, yb: ya, x, np.zeros((1, 5)), fun_jac="sparse")


# The same derivatives in SciPy's own functions


def test_derivatives_go_into_scipys_functions_directly():
    J = jf.jacobian(rosenbrock, record=True)
    for method in ("trf", "dogbox", "lm"):
        np.testing.assert_allclose(scipy.optimize.least_squares(rosenbrock, ROSEN, J, method=method).x, 1, atol=1e-8)
    sparse = jf.jacobian(tridiagonal, sparse=True, record=True)
    assert scipy.optimize.least_squares(tridiagonal, -np.ones(30), sparse).cost < 1e-15
    for method in ("hybr", "lm"):
        assert scipy.optimize.root(rosenbrock, ROSEN, method=method, jac=J).success
    for method in ("BDF", "Radau", "LSODA"):
        of_state = jf.jacobian(lambda t, y: -y * (1 + t), argnums=1, record=True)
        assert scipy.integrate.solve_ivp(lambda t, y: -y * (1 + t), (0, 1), [1.0, 2.0], method, jac=of_state).success
    found = scipy.optimize.minimize(rosen, START, method="trust-exact", jac=jf.gradient(rosen), hess=jf.hessian(rosen))
    assert found.success
    both = jf.value_and_gradient(rosen, record=True)
    assert scipy.optimize.minimize(both, START, method="L-BFGS-B", jac=True).success
    found = scipy.optimize.minimize(
        rosen, START, method="trust-ncg", jac=jf.gradient(rosen), hessp=lambda x, p: jf.hvp(rosen, x, p)[1]
    )
    assert found.success
    chain = scipy.optimize.NonlinearConstraint(tridiagonal, 0, 1, jac=sparse, hess=scipy.optimize.BFGS())
    assert scipy.optimize.minimize(rosen, np.zeros(5), method="trust-constr", constraints=chain).constr_violation < 1e-6


@pytest.mark.parametrize(
    "solve",
    [
        lambda f: solvers.root(f, ROSEN),
        lambda f: solvers.root(f, ROSEN, method="krylov"),
        lambda f: solvers.fsolve(f, ROSEN),
        lambda f: solvers.newton_krylov(f, ROSEN),
        lambda f: solvers.minimize(lambda x: np.sum(f(x) ** 2), ROSEN),
        lambda f: solvers.solve_ivp(lambda t, y: -f(y), (0, 9), ROSEN, "BDF"),
        lambda f: solvers.curve_fit(lambda x, *p: f(np.array(p)), [0.0, 1.0], [0.0, 0.0], p0=ROSEN),
    ],
    ids=["root", "krylov", "fsolve", "newton_krylov", "minimize", "solve_ivp", "curve_fit"],
)
def test_exceptions_pass_through_every_solver(solve):
    class Own(Exception):
        pass

    calls = []

    def f(x):
        calls.append(x)
        if len(calls) > 4:
            raise Own("enough")
        return rosenbrock(x)

    with pytest.raises(Own, match="enough"):
        solve(f)
