"""Laws on random programs: every reading of the rules says the same, and so do differences."""

import functools

import numpy as np
from hypothesis import HealthCheck, assume, given, settings

import jacfwd as jf
from jacfwd.differences import difference_jacobian
from tests.laws.programs import Program, programs

law = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def flat(program: Program, method: str) -> np.ndarray:
    x = program.point
    return np.reshape(jf.jacobian(program, method=method)(x), (np.size(program(x)), x.size))


def close(a: np.ndarray, b: np.ndarray, tolerance: float) -> bool:
    scale = max(np.abs(b).max(initial=0), 1.0)
    return bool(np.abs(a - b).max(initial=0) <= tolerance * scale)


@law
@given(programs())
def test_methods_layers_and_differences_agree(program):
    x = program.point
    before = x.copy()
    expected = difference_jacobian(program, x)
    assume(np.isfinite(expected).all() and np.abs(expected).max(initial=0) < 1e6)
    J = flat(program, "forward")
    assert close(J, expected, 1e-6)
    for method in ("reverse", "accumulate"):
        assert close(flat(program, method), J, 1e-11)
    sparse = jf.jacobian(program, sparse=True)(x)
    assert sparse.has_canonical_format
    assert close(sparse.toarray(), J, 1e-11)
    _, L = jf.linearize(program, x)
    product = functools.reduce(lambda a, b: b @ a, L.layers).toarray()
    assert close(product, J, 1e-11)
    assert L.pattern.toarray()[J != 0].all()
    assert np.array_equal(x, before)


@law
@given(programs())
def test_a_sweep_is_a_product_and_its_transpose(program):
    x = program.point
    rng = np.random.default_rng(0)
    y, L = jf.linearize(program, x)
    v, w = rng.standard_normal(x.shape), rng.standard_normal(np.shape(y))
    once, dy = jf.jvp(program, x, v)
    assert np.array_equal(once, program(x), equal_nan=True)
    assert np.array_equal(y, program(x), equal_nan=True)
    assert np.shape(dy) == np.shape(y)
    assume(np.isfinite(dy).all())
    assert close(np.ravel(L @ np.ravel(v)), np.ravel(dy), 1e-12)
    assert close(np.ravel(L(v)), np.ravel(dy), 1e-12)
    there, back = np.sum(w * dy), np.sum(np.ravel(L.T @ np.ravel(w)) * np.ravel(v))
    assert abs(there - back) <= 1e-10 * (1 + np.sum(np.abs(w * dy)) + abs(back))


@law
@given(programs(8))
def test_replay_is_a_fresh_run(program):
    x = program.point
    G = jf.trace(program, x)
    other = x * 1.01
    try:
        replayed = G(other)
    except jf.BranchChangedError:
        assume(False)
    fresh = program(other)
    assert np.allclose(replayed, fresh, rtol=1e-13, atol=1e-13, equal_nan=True)
    assert np.allclose(G.jacobian(other), jf.jacobian(program)(other), rtol=1e-12, atol=1e-12, equal_nan=True)


@settings(parent=law, max_examples=60)
@given(programs(5))
def test_second_order(program):
    def f(x):
        return np.sum(np.sin(program(x)))

    x = program.point
    H = np.reshape(jf.hessian(f)(x), (x.size, x.size))
    expected = difference_jacobian(jf.gradient(f), x)
    assume(np.isfinite(expected).all() and np.abs(expected).max(initial=0) < 1e5)
    assert close(H, expected, 1e-5)
    assert close(H, H.T, 1e-10)
    v = np.random.default_rng(0).standard_normal(x.shape)
    _, Hv = jf.hvp(f, x, v)
    assert close(np.ravel(Hv), H @ np.ravel(v), 1e-10)
    forward = jf.jacobian(jf.jacfwd(f))(x)
    assert close(np.reshape(forward, H.shape), H, 1e-10)


@settings(parent=law, max_examples=60)
@given(programs(4), programs(4))
def test_the_chain_rule(inner, outer):
    x = inner.point
    with np.errstate(all="ignore"):  # values may overflow
        y = inner(x)
        outer = Program(np.shape(y), outer.steps, outer.seed)
        whole = jf.jacobian(lambda x: outer(inner(x)), flat=True)(x)
        last, first = jf.jacobian(outer, flat=True)(y), jf.jacobian(inner, flat=True)(x)
    assume(np.isfinite(whole).all())
    assert close(whole, last @ first, 1e-10)
