"""Derivatives at many points, through the public interface."""

import dataclasses
import logging
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import scipy.sparse as sp

import jacfwd as jf

POINTS = np.random.default_rng(0).normal(size=(40, 5))


def f(x):
    out = np.zeros(4)
    out[0] = np.sin(x[0]) * x[1] if x[0] > 0 else x[1] ** 2
    out[1:] = np.cumsum(x[:3] * x[2:])
    return out


def at_each(derivative, *batches):
    return np.stack([derivative(*point) for point in zip(*batches, strict=True)])


@pytest.mark.parametrize("method", ["auto", "forward", "reverse", "accumulate"])
@pytest.mark.parametrize("record", [False, True])
def test_jacobians_are_stacked(method, record):
    derivative = jf.jacobian(f, batch=True, method=method, record=record)
    for _ in range(2):
        found = derivative(POINTS)
        assert found.flags.c_contiguous and found.flags.writeable
        np.testing.assert_allclose(found, at_each(jf.jacobian(f), POINTS), rtol=1e-13, atol=1e-14)


def test_values_too():
    y, J = jf.value_and_jacobian(f, batch=True)(POINTS)
    np.testing.assert_allclose(y, at_each(f, POINTS), rtol=1e-14)
    assert J.shape == (40, 4, 5)


@pytest.mark.parametrize("format", ["csr", "csc", "coo", "bsr"])
@pytest.mark.parametrize("record", [False, True])
def test_sparse_ones_are_block_diagonal(format, record):
    expected = sp.block_diag([jf.jacobian(f, sparse=True)(x) for x in POINTS], format="csr")
    found = jf.jacobian(f, batch=True, sparse=True, format=format, record=record)(POINTS)
    assert found.format == format
    assert found.shape == (160, 200)
    np.testing.assert_allclose(found.toarray(), expected.toarray(), rtol=1e-13, atol=1e-14)
    if format == "csr":
        np.testing.assert_array_equal(found.indptr, expected.indptr)
        np.testing.assert_array_equal(found.indices, expected.indices)
    if format == "bsr":
        assert found.blocksize == (4, 5)


def test_several_arguments_and_outputs():
    def g(x, scale, y):
        return {"a": x[:2] * y * scale, "b": np.sum(y)}

    Y = POINTS[:, 0]
    J = jf.jacobian(g, argnums=(0, 2), batch=True)(POINTS, 3.0, Y)
    S = jf.jacobian(g, argnums=(0, 2), batch=True, sparse=True)(POINTS, 3.0, Y)
    F = jf.jacobian(g, argnums=(0, 2), batch=True, sparse=True, flat=True, record=True)(POINTS, 3.0, Y)
    assert J["a"][0].shape == (40, 2, 5)
    assert J["a"][1].shape == (40, 2)
    assert J["b"][1].shape == (40,)
    assert F.shape == (120, 240)
    for k in range(40):
        one = jf.jacobian(g, argnums=(0, 2))(POINTS[k], 3.0, Y[k])
        for name in "ab":
            for i in (0, 1):
                np.testing.assert_allclose(J[name][i][k], one[name][i], rtol=1e-14)
        np.testing.assert_allclose(S["a"][0][2 * k : 2 * k + 2, 5 * k : 5 * k + 5].toarray(), one["a"][0], rtol=1e-14)
    whole = F[3:6, 6:12].toarray()
    np.testing.assert_allclose(whole[:2, :5], J["a"][0][1], rtol=1e-14)
    np.testing.assert_array_equal(whole[2], [0, 0, 0, 0, 0, 1])


@dataclasses.dataclass
class Params:
    w: np.ndarray
    b: float


def test_structured_inputs():
    def g(p):
        return np.tanh(p.w) * p.b

    b = np.linspace(1, 2, 40)
    J = jf.jacobian(g, batch=True)(Params(POINTS, b))
    assert J.w.shape == (40, 5, 5)
    np.testing.assert_allclose(J.b, np.tanh(POINTS), rtol=1e-15)


def test_gradients_and_hessians():
    def g(x):
        return np.sum(x**3) * x[0]

    found = jf.gradient(g, batch=True)(POINTS)
    np.testing.assert_allclose(found, at_each(jf.gradient(g), POINTS), rtol=1e-12, atol=1e-13)
    y, found = jf.value_and_gradient(g, batch=True, record=True)(POINTS)
    np.testing.assert_allclose(found, at_each(jf.gradient(g), POINTS), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(y, at_each(g, POINTS), rtol=1e-12)
    H = jf.hessian(g, batch=True)(POINTS)
    np.testing.assert_allclose(H, at_each(jf.hessian(g), POINTS), rtol=1e-12, atol=1e-12)


def test_every_point_a_branch_of_its_own():
    def g(x):
        return x[np.argsort(x)] * np.arange(1.0, 6.0)

    found = jf.jacobian(g, batch=True)(POINTS)
    np.testing.assert_array_equal(found, at_each(jf.jacobian(g), POINTS))


def test_recordings_are_kept(caplog):
    caplog.set_level(logging.INFO, "jacfwd")
    derivative = jf.jacobian(f, batch=True, record=True)
    derivative(POINTS)
    derivative(POINTS[::-1])
    assert len(caplog.records) == 2  # one for each branch
    derivative.clear()
    derivative(POINTS[:1])
    assert len(caplog.records) == 3


def test_floats_that_are_not_differentiated_are_the_same_at_all_points():
    derivative = jf.jacobian(lambda x, s: x * s * s, batch=True, record=True)
    for s in (2.0, 3.0):
        np.testing.assert_allclose(derivative(POINTS, s), np.broadcast_to(s * s * np.eye(5), (40, 5, 5)))


@pytest.mark.parametrize("chunk_size", [None, 7, 100])
def test_executors(chunk_size):
    local = jf.value_and_jacobian(f, batch=True, chunk_size=chunk_size)(POINTS)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes, ThreadPoolExecutor(2) as threads:
        for executor in (processes, threads):
            found = jf.value_and_jacobian(f, batch=True, chunk_size=chunk_size, executor=executor)(POINTS)
            for a, b in zip(found, local, strict=True):
                np.testing.assert_array_equal(a, b)


def test_progress():
    told = []
    jf.jacobian(lambda x: x * x, batch=True, chunk_size=15, progress=lambda *done: told.append(done))(POINTS)
    assert told == [(0, 40), (15, 40), (30, 40), (40, 40)]


def test_complex_points():
    z = POINTS + 1j * POINTS[::-1]
    found = jf.jacobian(lambda z: z * z[0], batch=True, holomorphic=True)(z)
    np.testing.assert_allclose(found, at_each(jf.jacobian(lambda z: z * z[0], holomorphic=True), z), rtol=1e-14)


def test_single_precision():
    found = jf.jacobian(f, batch=True)(POINTS.astype(np.float32))
    assert found.dtype == at_each(jf.jacobian(f), POINTS[:1].astype(np.float32)).dtype


def test_mistakes():
    with pytest.raises(ValueError, match=r"leading axis of points of one length in x \(5,\), y \(4,\)"):
        jf.jacobian(lambda x, y: x, argnums=(0, 1), batch=True)(np.ones(5), np.ones(4))
    with pytest.raises(ValueError, match="leading axis"):
        jf.jacobian(lambda x: x, batch=True)(1.0)
    with pytest.raises(ValueError, match="at least one point"):
        jf.jacobian(lambda x: x, batch=True)(np.zeros((0, 3)))
    with pytest.raises(ValueError, match="aux"):
        jf.jacobian(lambda x: (x, 1), batch=True, has_aux=True)
    with pytest.raises(TypeError, match="batch=True takes plain arrays"):
        jf.jacobian(lambda x: np.sum(jf.jacobian(np.sin, batch=True)(x)))(np.ones((2, 2)))
    with pytest.raises(ValueError, match="output of size 1"):
        jf.gradient(lambda x: x, batch=True)(np.ones((2, 2)))


def test_inputs_are_unchanged():
    before = POINTS.copy()
    jf.value_and_jacobian(lambda x: x, batch=True)(POINTS)[0][...] = 7
    np.testing.assert_array_equal(POINTS, before)
