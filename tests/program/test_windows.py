"""Windows: rows of a matrix that are neighbouring elements of one array, copied row by row."""

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.program.jacobian import SparseJacobian
from jacfwd.program.places import Place
from jacfwd.program.slots import Write
from jacfwd.program.threads import starts
from jacfwd.program.windows import windows


def framed(x):
    n = len(x)
    y = np.concatenate([np.zeros(5), x * (1 + x), np.zeros(1)])
    return x * (2 + 5 * x**2) - sum(y[k : k + n] for k in range(7) if k != 5)


def smoothed(x):
    y = np.sin(x)
    return y[5:] + y[4:-1] + y[3:-2] + y[2:-3] + y[1:-4] + y[:-5]


def of_the_input(x):
    return 0.5 * sum(x[k : len(x) - 5 + k] ** 2 for k in range(6))


def two_windows(x):
    y, z = np.exp(-x), x * x
    m = len(x) // 2
    near = sum(y[k : k + m - 8] for k in range(4))
    far = sum(z[m + k : 2 * m - 8 + k] for k in range(5))
    return near + far, y * z


def around(x):
    y = x**3
    return sum(np.roll(y, k) for k in range(-2, 4))


FUNCTIONS = [framed, smoothed, of_the_input, two_windows, around]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("n", [5000, 40_000])
@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_jacobians_of_sums_over_neighbours(f, n, dtype):
    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 1.5, n).astype(dtype)
    G = jf.trace(f, x)
    program = SparseJacobian(G.data, [x], G.data.inputs)
    for point in (x, x * x):
        tangent = np.hstack(G.jvp(point, x)[1])
        J = program([point])[1]
        single = np.dtype(dtype).itemsize == 4
        np.testing.assert_allclose(J @ x, tangent, rtol=1e-4 if single else 1e-12, atol=1e-3 if single else 1e-12)
        data, expected = J.data, program.interpreted([point])[1].data
        np.testing.assert_allclose(data, expected, rtol=1e-5 if single else 1e-13)
        try:
            jf.set_threads(2)
            np.testing.assert_array_equal(program([point])[1].data, data)
        finally:
            jf.set_threads(1)
    assert "item" in program.run.text or n < 8192 or f is around


def test_what_slices_get_wrong_is_written_afterwards():
    n, step = 8000, 6
    columns = [(slice(step * (5 - c) + c, None, step), slice(c, n - 5 + c)) for c in range(5)]
    where = [Place(0, (n,), 0, (1,))]
    writes = []
    for slots, part in columns:
        start = slots.start + step * part.start - step * 5
        count = part.stop - part.start
        writes.append(Write(slice(start, start + step * (count - 1) + 1, step), part))
    left, found = windows({0: writes}, where, [0], {0})
    (window,) = found[0]
    assert left == {0: []}
    assert (window.width, window.step, window.high - window.low) == (5, step, n - 5)
    values, data, other = np.arange(n) + 1.0, np.zeros(step * n), np.zeros(step * n)
    for write in writes:
        write.assign(data, values)
    for e in range(window.low, window.high):
        other[window.base + step * e : window.base + step * e + 5] = values[e : e + 5]
    other[window.slots] = values[window.elements]
    np.testing.assert_array_equal(data, other)


def test_bytes_of_another_dtype_are_not_copied():
    where = [Place(0, (9000,), 0, (1,))]
    writes = [Write(slice(c, c + 7 * 8000 + 1, 7), slice(c, c + 8001)) for c in range(5)]
    assert windows({0: writes}, where, [0], set()) == ({0: writes}, {})
    assert windows({0: writes}, where, [0], {0})[0] == {0: []}


def test_few_rows_and_few_columns_stay_columns():
    where = [Place(0, (100,), 0, (1,))]
    writes = [Write(slice(c, c + 7 * 93 + 1, 7), slice(c, c + 94)) for c in range(5)]
    assert windows({0: writes}, where, [0], {0}) == ({0: writes}, {})
    where = [Place(0, (9000,), 0, (1,))]
    writes = [Write(slice(c, c + 7 * 8000 + 1, 7), slice(c, c + 8001)) for c in range(3)]
    assert windows({0: writes}, where, [0], {0}) == ({0: writes}, {})


def test_many_columns_are_several_windows():
    n, width = 40_000, 150
    where = [Place(0, (n,), 0, (1,))]
    rows = n - width
    writes = [Write(slice(c, c + width * (rows - 1) + 1, width), slice(c, c + rows)) for c in range(width)]
    left, found = windows({0: writes}, where, [0], {0})
    assert left == {0: []} and [window.width for window in found[0]] == [64, 64, 22]
    G = jf.trace(lambda x: sum(np.sin(x)[k : rows + k] for k in range(width)), np.ones(n))
    x = np.linspace(0, 1, n)
    J = G.jacobian(x, sparse=True)
    np.testing.assert_allclose(J @ x, G.jvp(x, x)[1], rtol=1e-12)
    assert J.nnz == rows * width


def test_blocks_with_elements_in_common():
    assert starts(10, 4) == [0, 4, 6]
    assert starts(10, 4, 1) == [0, 3, 6]
    assert starts(11, 4, 2) == [0, 2, 4, 6, 7]
