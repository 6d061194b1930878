"""Items taken apart: the same Jacobians as without, and where it pays the shape of what a hand would write."""

import numpy as np
import pytest

import jacfwd as jf
from bench import problems
from jacfwd.program import apart
from jacfwd.program.jacobian import SparseJacobian
from jacfwd.program.kinds import SCATTERED

N = 12
RNG = np.random.default_rng(0)
FEW, ANY = RNG.integers(0, 4, N), RNG.integers(0, N, N)
WEIGHTS = RNG.uniform(0.5, 1.5, (N, 3))
TRIANGLES = RNG.integers(0, N, (N, 3))


@pytest.fixture
def eager(monkeypatch):
    """Few items are enough, and it need not pay."""
    monkeypatch.setattr(apart, "ITEMS", 8)
    monkeypatch.setattr(apart, "GAIN", 1e9)


def points(x):
    return np.reshape(x[: 3 * N], (N, 3))


def normalised(x):
    p = points(x)
    return p / np.linalg.norm(p, axis=1, keepdims=True)


def crossed(x):
    p = points(x)
    return np.cross(p, p[FEW] + WEIGHTS) * p[:, :1]


def summed(x):
    p = points(x)
    q = np.stack([p[:, 0] * p[:, 1], p[:, 2], np.sin(p[:, 0])], axis=1)
    return (np.sum(q * p, axis=1, keepdims=True) - q) ** 2


def joined(x):
    p = points(x)
    return np.concatenate([p[:, :2] * p[:, 2:], np.exp(p[:, 1:]), np.ones((N, 1))], axis=1)


def chosen(x):
    p = points(x)
    return np.where(p > 0.2, p * p[ANY], np.maximum(p, 0.1) / 2)


def with_one_for_all(x):
    p = points(x)
    return p * x[-1] + np.array([1.0, 2.0, 3.0]) * p**2 * np.cos(x[:3])


def with_one_gathered_for_all(x):
    p, same = points(x), x[np.full((N, 1), 2)]
    return p * same + np.sin(same) * x[np.full((1, 3), 1)]


def assembled(x):
    p, out = points(x), np.zeros((N, 4))
    out[:, 1:] = p * p[:, ::-1]
    out[:, 0] = p[:, 1] ** 3
    return out


def elements(x):
    u = x[:N][TRIANGLES]
    return u * np.sum(u * u, axis=1)[:, None]


def scattered(x):
    u = x[:N][TRIANGLES]
    out = np.zeros(N)
    np.add.at(out, TRIANGLES, u**2 * u[:, :1] * WEIGHTS)
    return out


def branching(x):
    p = points(x)
    return p * (p[:, :1] if p[0, 0] > -100 else 1)


def cumulated(x):
    p = points(x)
    return np.cumsum(p * p, axis=1) * p


def multiplied(x):
    p = points(x)
    return np.tanh(p @ np.arange(9.0).reshape(3, 3)) * p


def blocks(x):
    p = points(x)
    return np.einsum("ni,nj->nij", p, p * p) * np.sum(p, axis=1)[:, None, None]


FUNCTIONS = [
    *(
        normalised,
        crossed,
        summed,
        joined,
        chosen,
        with_one_for_all,
        with_one_gathered_for_all,
        assembled,
        elements,
        scattered,
        branching,
    ),
    *(cumulated, multiplied, blocks),
]


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_same_jacobian(f, dtype):
    x = RNG.uniform(0.3, 1.5, 3 * N + 1).astype(dtype)
    if dtype == np.complex128:
        if f in (chosen, branching, scattered, assembled, normalised):
            pytest.skip("for real numbers")
        x = x * np.exp(0.3j)
    G = jf.trace(f, x)
    program = SparseJacobian(G.data, [x], G.data.inputs)
    tolerance = 2e-5 if dtype == np.float32 else 1e-12
    for factor in (1.0, 0.8):
        point = (factor * x).astype(dtype)
        options = {"holomorphic": True} if dtype == np.complex128 else {}
        expected = jf.jacobian(f, sparse=True, method="forward", **options)(point).toarray()
        for J in (program([point])[1], program.interpreted([point])[1]):
            assert J.has_canonical_format and J.dtype == expected.dtype
            np.testing.assert_allclose(J.toarray(), expected, rtol=tolerance, atol=tolerance * abs(expected).max())


@pytest.mark.usefixtures("eager")
def test_what_is_taken_apart_leaves_no_gathers_inside_of_items():
    x = RNG.uniform(0.3, 1.5, 3 * N + 1)
    G = jf.trace(crossed, x)
    program = SparseJacobian(G.data, [x], G.data.inputs)
    assert not any(node.primitive is SCATTERED for node in program.graph.nodes)
    assert {node.shape for node in program.graph.nodes[1:] if node.primitive is not apart.VIEW} == {(N,)}
    assert all(isinstance(write.slots, slice) or len(write.slots) == N for write in program.slots.writes)


@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_zeros_stay_strong():
    def f(x):
        p = points(x)
        return np.sqrt(p) * np.where(p > 0.5, 0.0, p) * 0.0 + p[:, :1] * p

    x = RNG.uniform(0.3, 1.5, 3 * N + 1)
    G = jf.trace(f, x)
    x[4] = 0.0  # where the root has an infinite derivative
    np.testing.assert_allclose(
        SparseJacobian(G.data, [x], G.data.inputs)([x])[1].toarray(),
        jf.jacobian(f, sparse=True, method="forward")(x).toarray(),
        rtol=1e-13,
    )


def test_small_problems_and_those_without_items_stay_as_they_are():
    for problem in (problems.bundle_adjustment(2, 30, 100), problems.brusselator(80), problems.rosenbrock(5000)):
        G = jf.trace(problem.function, problem.point)
        assert apart.taken_apart(G.data, 1) is None
        program = SparseJacobian(G.data, [problem.point], G.data.inputs)
        assert apart.taken_apart(program.graph, program.n_values) is None


def test_bundle_adjustment_is_taken_apart_because_it_pays():
    problem = problems.bundle_adjustment(5, 900, 5000)
    x = problem.point
    G = jf.trace(problem.function, x)
    program = SparseJacobian(G.data, [x], G.data.inputs)
    assert not any(node.primitive is SCATTERED for node in program.graph.nodes)
    assert all(isinstance(write.slots, slice) for write in program.slots.writes)
    v = RNG.normal(size=x.size)
    expected = jf.jvp(problem.function, (x,), (v,))[1]
    np.testing.assert_allclose(program([x])[1] @ v, expected, rtol=1e-11, atol=1e-11)
