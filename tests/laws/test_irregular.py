"""Laws on random irregular functions: gathers, items, sums of what meets; the ways made for them change nothing."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import jacfwd as jf
from jacfwd.formats import entries, fixed, sums
from jacfwd.program import apart, stores
from jacfwd.program.jacobian import SparseJacobian

law = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
NEVER = 1 << 60

ITEMWISE = {
    "columns": lambda u: u * u[:, :1] + np.sin(u[:, -1:]),
    "sum": lambda u: np.sum(u * u, axis=1, keepdims=True) / u,
    "norm": lambda u: u / np.linalg.norm(u, axis=1, keepdims=True),
    "where": lambda u: np.where(u > 1.0, u**3, 2 * u),
    "stack": lambda u: np.stack([u[:, 0] * u[:, -1], np.exp(-u[:, 0])], axis=1),
    "joined": lambda u: np.concatenate([u[:, ::-1], u[:, :1] ** 2], axis=1),
    "reversed": lambda u: u[::-1] * u,
    "outer": lambda u: (u[:, :, None] * u[:, None, :]).reshape(len(u), -1)[:, :3],
}


@st.composite
def functions(draw):
    """Gather rows of a few numbers, compute with them, and sum into fewer places; twice at most."""
    n, steps, seed = draw(st.integers(2, 9)), [], draw(st.integers(0, 999))
    rng = np.random.default_rng(seed)
    for _ in range(draw(st.integers(1, 2))):
        items, width = draw(st.integers(2, 12)), draw(st.integers(1, 3))
        inside = draw(st.lists(st.sampled_from(sorted(ITEMWISE)), max_size=3))
        scatter = draw(st.sampled_from(["bincount", "add.at", "matrix", "none"]))
        steps.append((rng.integers(0, n, (items, width)), inside, scatter, draw(st.integers(2, 9))))

    def f(x):
        for gathered, inside, scatter, places in steps:
            u = x[gathered % x.size]
            for name in inside:
                u = ITEMWISE[name](u)
            size = int(np.prod(u.shape))
            at = np.random.default_rng(seed).integers(0, places, size)
            weights = np.random.default_rng(seed + 1).uniform(0.5, 2, size)
            if scatter == "bincount":
                x = np.bincount(at, weights * u.ravel(), places)
            elif scatter == "add.at":
                x = np.zeros(places)
                np.add.at(x, at.reshape(u.shape), u)
            elif scatter == "matrix":
                x = sp.csr_array(sp.coo_array((weights, (at, np.arange(size))), shape=(places, size))) @ u.ravel()
            else:
                x = u.ravel()
            x = x + 0.5
        return x

    return f, rng.uniform(0.5, 1.5, n)


@pytest.fixture(params=[1, NEVER], ids=["always", "never"], scope="module")
def threshold(request):
    """From how many elements on the ways for many of them are taken."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((sums, "MANY"), (stores, "MANY"), (fixed, "MANY"), (entries, "LEAST")):
            patch.setattr(module, name, request.param)
        patch.setattr(apart, "ITEMS", 2 if request.param == 1 else NEVER)
        patch.setattr(apart, "GAIN", 1e9)
        yield request.param


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(b).max(initial=0)))


@law
@given(functions())
def test_every_reading_is_that_of_seeds(threshold, made):
    f, x = made
    G = jf.trace(f, x)
    rng = np.random.default_rng(0)
    for point in (x, 1.1 * x):
        y = f(point)
        v, w, V = rng.normal(size=x.size), rng.normal(size=y.size), rng.normal(size=(5, x.size))
        J = np.stack([jf.jvp(f, point, e)[1] for e in np.eye(x.size)], axis=-1)
        close(G(point), y)
        program = SparseJacobian(G.data, [point], G.data.inputs)
        close(program([point])[1].toarray(), J)
        close(program.interpreted([point])[1].toarray(), J)
        close(G.jacobian(point), J)
        close(G.jvp(point, v)[1], J @ v)
        close(G.push(point, V), V @ J.T)
        close(jf.gradient(lambda x, w=w: np.sum(w * f(x)), record=True)(point), w @ J)
        L = jf.linearize(f, point)[1]
        for _ in range(2):  # the second product may be another one
            close(L @ v, J @ v)
            close(L.T @ w, w @ J)


@law
@given(functions())
def test_same_bits_again_and_from_threads(threshold, made):
    f, x = made
    G = jf.trace(f, x)
    points = [factor * x for factor in (1.0, 0.9, 1.2)]
    program = SparseJacobian(G.data, [x], G.data.inputs)
    found = [program([point])[1].data for point in points]
    again = program([points[0]])[1]
    for point, data in zip(points, found, strict=True):
        np.testing.assert_array_equal(program([point], again)[1].data, data)
    with ThreadPoolExecutor(3) as pool:
        for data, other in zip(found, pool.map(lambda point: program([point])[1].data, points), strict=True):
            np.testing.assert_array_equal(other, data)
