"""Operators known by what they do, against the matrices they stand for."""

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.formats import operators
from jacfwd.formats.entries import coo_entries
from jacfwd.formats.operators import Operator, real_linear

RANDOM = np.random.default_rng(0)


def along(matrix, axis):
    """Multiply a block by a matrix along one axis of its arrays."""
    return lambda block: np.moveaxis(np.tensordot(block, matrix, (axis + 1, 1)), -1, axis + 1)


def on_axis(matrix, shape, axis, **options):
    """The operator that multiplies by a matrix along an axis."""
    out_shape = tuple(matrix.shape[0] if k == axis else n for k, n in enumerate(shape))
    mixed = ((axis,), (axis,))
    return Operator(shape, out_shape, along(matrix, axis), along(matrix.T, axis), mixed, **options)


def written_out(matrix, shape, axis):
    """The Kronecker product with identities on either side."""
    before, after = (int(np.prod(part)) for part in (shape[:axis], shape[axis + 1 :]))
    return np.kron(np.kron(np.eye(before), matrix), np.eye(after))


def written_out_rows(n, m, k):
    """All first and last indices meet where the middle ones are equal."""
    middle = np.broadcast_to(np.arange(m)[:, None], (n, m, k)).reshape(-1)
    return middle[:, None] == middle


def dense(fmt):
    """The matrix of the listed entries."""
    rows, cols, values = fmt.coo()
    out = np.zeros((fmt.n_out, fmt.n_in), np.result_type(values, float))
    np.add.at(out, (rows, cols), values)
    return out


def reached(fmt):
    """Which outputs each input reaches, as a matrix: one input at a time, and two together."""
    eye = np.eye(fmt.n_in, dtype=bool)
    alone = fmt.reach(eye.reshape(-1, *fmt.in_shape)).reshape(fmt.n_in, fmt.n_out)
    if fmt.n_in > 1:
        both = fmt.reach((eye[:1] | eye[1:2]).reshape(1, *fmt.in_shape)).reshape(fmt.n_out)
        np.testing.assert_array_equal(both, alone[0] | alone[1])
    return alone.T


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("n_out", [2, 3, 4])
def test_readings_agree(axis, n_out):
    shape = (2, 3, 4)
    matrix = RANDOM.normal(size=(n_out, shape[axis]))
    fmt = on_axis(matrix, shape, axis)
    expected = written_out(matrix, shape, axis)
    np.testing.assert_allclose(fmt.todense(), expected, atol=1e-14)
    np.testing.assert_allclose(fmt.T.todense(), expected.T, atol=1e-14)
    for own, matrix_of in ((fmt, expected), (fmt.T, expected.T), (fmt.conj(), expected)):
        np.testing.assert_allclose(dense(own), matrix_of, atol=1e-14)
        assert own.nnz == len(own.coo()[0]) == n_out * 24
        assert own.work() == (own.nnz, own.nnz)
        np.testing.assert_array_equal(reached(own), matrix_of != 0)


def test_several_mixed_axes():
    """Reversing the order of rows and columns together."""
    fmt = Operator((2, 3, 4), (2, 3, 4), lambda b: b[:, ::-1, :, ::-1], lambda b: b[:, ::-1, :, ::-1], ((0, 2), (0, 2)))
    np.testing.assert_array_equal(dense(fmt), fmt.todense())
    assert fmt.nnz == 8 * 24
    np.testing.assert_array_equal(reached(fmt), written_out_rows(2, 3, 4))


def test_mixed_axes_into_one():
    fmt = Operator(
        (2, 3), (6,), lambda b: np.cumsum(b.reshape(-1, 6), axis=1),
        lambda b: np.cumsum(b[:, ::-1], axis=1)[:, ::-1].reshape(-1, 2, 3), ((0, 1), (0,)),
        support=lambda i, o: i <= o, cost=(0, 5),
    )  # fmt: skip
    np.testing.assert_array_equal(dense(fmt), np.tri(6))
    np.testing.assert_array_equal(dense(fmt.T), np.tri(6).T)
    assert fmt.nnz == fmt.T.nnz == len(fmt.coo()[0]) == 21
    assert fmt.work() == fmt.T.work() == fmt.conj().work() == (0, 5)
    np.testing.assert_array_equal(fmt.pattern().toarray(), np.tri(6, dtype=bool))
    np.testing.assert_array_equal(reached(fmt), np.tri(6))
    np.testing.assert_array_equal(reached(fmt.T), np.tri(6).T)


def test_support_repeats_over_the_other_axes():
    fmt = on_axis(np.tri(3), (2, 3, 2), 1, support=lambda i, o: i <= o)
    np.testing.assert_array_equal(dense(fmt), written_out(np.tri(3), (2, 3, 2), 1))
    assert fmt.nnz == len(fmt.coo()[0]) == 6 * 4
    np.testing.assert_array_equal(reached(fmt), written_out(np.tri(3), (2, 3, 2), 1))


def test_entries_written_directly():
    matrix = np.diag([1.0, 2.0, 3.0]) + np.diag([4.0, 5.0], 1)
    calls = []

    def written():
        calls.append(1)
        return coo_entries((3,), (3,), *np.nonzero(matrix), matrix[np.nonzero(matrix)])

    fmt = on_axis(matrix, (3,), 0, written=written)
    np.testing.assert_array_equal(dense(fmt), matrix)
    np.testing.assert_array_equal(dense(fmt.T), matrix.T)
    np.testing.assert_array_equal(dense(fmt.conj()), matrix)
    assert fmt.nnz == 5
    np.testing.assert_array_equal(reached(fmt), matrix != 0)
    assert calls


def test_conjugate_values():
    matrix = RANDOM.normal(size=(3, 3)) + 1j * RANDOM.normal(size=(3, 3))
    fmt = on_axis(matrix, (3,), 0)
    np.testing.assert_allclose(fmt.conj().todense(), matrix.conj())
    np.testing.assert_allclose(fmt.conj().T.todense(), matrix.conj().T)


def test_empty_axes():
    fmt = on_axis(np.zeros((2, 0)), (3, 0), 1)
    assert fmt.push(np.zeros((1, 3, 0))).shape == (1, 3, 2)
    assert fmt.nnz == len(fmt.coo()[0]) == 0


class TestRealLinear:
    """A map that is linear over the reals only, as a pair of maps linear over the complex numbers."""

    def made(self):
        a, b = (RANDOM.normal(size=(2, 3)) + 1j * RANDOM.normal(size=(2, 3)) for _ in range(2))

        def apply(block):
            return block @ a.T + np.conjugate(block) @ b.T

        def transposed(block):
            return block @ a + np.conjugate(block) @ np.conjugate(b)

        return a, b, real_linear(Operator((3,), (2,), apply, transposed, ((0,), (0,))))

    def test_parts(self):
        a, b, pair = self.made()
        np.testing.assert_allclose(pair.holomorphic.todense(), a, atol=1e-14)
        np.testing.assert_allclose(pair.conjugate.todense(), b, atol=1e-14)
        np.testing.assert_allclose(pair.T.holomorphic.todense(), a.T, atol=1e-14)
        np.testing.assert_allclose(pair.T.conjugate.todense(), b.conj().T, atol=1e-14)

    def test_transpose_law(self):
        _, _, pair = self.made()
        v = RANDOM.normal(size=(1, 3)) + 1j * RANDOM.normal(size=(1, 3))
        w = RANDOM.normal(size=(1, 2)) + 1j * RANDOM.normal(size=(1, 2))
        np.testing.assert_allclose(np.sum(w * pair.push(v)).real, np.sum(pair.T.push(w) * v).real)


@pytest.mark.parametrize("limits", [(0, 1 << 24, 1 << 26, 8), (0, 1 << 24, 0, 8), (1 << 16, 1 << 24, 0, 8)])
def test_what_a_block_reaches_is_found_alike_in_every_way(monkeypatch, limits):
    """By the support as a matrix, element by element, and in pieces."""
    for name, limit in zip(("MOST_PAIRS", "MATRIX", "ONE_BY_ONE", "AT_A_TIME"), limits, strict=True):
        monkeypatch.setattr(operators, name, limit)
    fmt = on_axis(np.tril(np.ones((5, 5))), (3, 5, 2), 1, support=lambda i, o: i <= o)
    block = RANDOM.random((4, 3, 5, 2)) < 0.3
    block[2] = False
    expected = np.tensordot(block, np.tril(np.ones((5, 5))), (2, 1)).transpose(0, 1, 3, 2) > 0
    np.testing.assert_array_equal(fmt.reach(block), expected)


@pytest.mark.parametrize("n", [200, 300, 700])
def test_the_pattern_of_a_running_sum_is_a_triangle_at_every_size(n):
    S = jf.sparsity(lambda x: np.cumsum(np.sin(x)), np.ones(n))
    assert S.nnz == n * (n + 1) // 2
