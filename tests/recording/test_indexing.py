"""Reading and writing items through views, as NumPy does it."""

import operator

import numpy as np
import pytest

import jacfwd as jf
from tests.recording.agreement import agrees

X = np.array([0.53, -1.21, 2.37, 0.74])
M = 1.33 * np.sin(1.7 * np.arange(1.0, 13)).reshape(3, 4)
T = np.sin(1.3 * np.arange(1.0, 25)).reshape(2, 3, 4)
LAYOUTS = {
    "C": M,
    "Fortran": np.asfortranarray(M),
    "gaps": np.repeat(M, 2, axis=1)[:, ::2],
    "backwards": M[::-1, ::-1].copy()[::-1, ::-1],
}


class One:
    def __index__(self):
        return 1


READS = {
    "integer": lambda x: x[1] * x[-1],
    "element": lambda x: x[1, 2] * x[-1, -4],
    "nested": lambda x: x[1][2] * x[2][0],
    "numpy integers": lambda x: x[np.int64(1)] * x[np.uint8(2), np.int32(-1)],
    "objects with an index": lambda x: x[One()] * x[One(), One()],
    "slices": lambda x: x[1:, :3] * x[:-1, 1:],
    "steps": lambda x: x[::2, ::3] * x[::-2, ::-3],
    "mixed": lambda x: x[1, 1:] * x[::-1, 0].sum(),
    "ellipsis": lambda x: x[..., 1] * x[0, ..., 1] * x[...][:, 0],
    "new axes": lambda x: x[None, :, None] * x[:, None, :1, np.newaxis][0],
    "empty": lambda x: np.concatenate([x[:0].ravel(), x[:, 4:].ravel(), x[1]]),
    "whole": lambda x: x[()] * x[:],
    "array of integers": lambda x: x[np.array([2, 0, 0])] * 2,
    "list": lambda x: x[[0, 2]] * x[[-1]],
    "arrays": lambda x: x[[0, 1, 1], [3, 2, 2]],
    "broadcast arrays": lambda x: x[np.array([[0], [2]]), np.array([1, 3])],
    "array and slice": lambda x: x[[2, 0], 1:] * x[:2, [0, 1, 3]],
    "array and integer": lambda x: x[1, [0, 2]] * x[[0, 2], 1],
    "array, new axis, integer": lambda x: x[[0, 1], None, 2],
    "open mesh": lambda x: x[np.ix_([0, 2], [1, 3])],
    "mask": lambda x: x[M > 0.3],
    "mask of rows": lambda x: x[[True, False, True]] * 2,
    "mask and slice": lambda x: x[np.array([True, False, True]), 1:],
    "mask and integers": lambda x: x[1, np.array([True, False, True, False])],
    "traced mask": lambda x: x[x > 0.3] * 2,
    "boolean scalars": lambda x: x[True][0] * x[np.True_, 1] * x[None][False].sum(),
    "integer arrays of no dimension": lambda x: x[np.array(1)] * x[np.array(2), np.array(0)],
    "traced integers": lambda x: x[np.argmax(x[:, 0])] * x[x[:, 1].argmin(), x[0].argmax()],
    "traced integers in slices": lambda x: x[: np.argmax(x[0]) + 1, 0].sum() * x[np.argmin(x[:, 0]) :: 1][0],
    "traced integers in lists": lambda x: x[[np.argmax(x[:, 0]), 0], [1, np.argmin(x[0])]],
    "traced arrays": lambda x: x[np.argsort(x[:, 0])] * 2,
    "empty list": lambda x: np.append(x[[]].ravel(), x[0]),
    "views of views": lambda x: x[1:][:, 1:][::-1].T[1:, 0],
    "transposed": lambda x: x.T[1] * x.T[2, 0] * x.T[::-1, ::-1][0, 0],
    "take and nonzero": lambda x: x[np.nonzero(x > 0.3)] + np.take(x, [0]),
    "where": lambda x: x[np.where(x > 0.3)] * 2,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_reads(read, layout):
    agrees(read, LAYOUTS[layout])


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_reads_of_assembled_arrays(read):
    def f(x):
        y = np.zeros((3, 4))
        y[1:] = x[:2] * 2
        y[0, ::2] = x[2, :2]
        y.T[3, 1] = x[0, 0] * x[0, 1]
        return read(y)

    agrees(f, M + 0.01)


class TestWrites:
    """Each write is seen by every view, and by nothing else."""

    @staticmethod
    def seen(change):
        def f(x):
            y = x * 1.0
            before = y.copy()
            row, column, turned, flat = y[1], y[:, 2], y.T[::-1], y.reshape(-1)
            change(y, x)
            later = np.concatenate([v.ravel() for v in (y, 2 * row, 3 * column, turned, flat[::5], before)])
            y[2] = 0.5
            return np.concatenate([later, flat])

        return f

    CHANGES = {
        "element": lambda y, x: operator.setitem(y, (1, 2), x[0, 0]),
        "negative element": lambda y, x: operator.setitem(y, (-1, -4), x[0, 0] * 2),
        "number": lambda y, x: operator.setitem(y, (1, 2), 3),
        "row": lambda y, x: operator.setitem(y, 1, x[0]),
        "row of a list": lambda y, x: operator.setitem(y, 1, [x[0, 0], 1, 2.0, x[1, 1]]),
        "column": lambda y, x: operator.setitem(y, (slice(None), 2), x[:, 0] * x[:, 1]),
        "broadcast": lambda y, x: operator.setitem(y, slice(1, None), x[0]),
        "broadcast scalar": lambda y, x: operator.setitem(y, ..., x[0, 1]),
        "broadcast column": lambda y, x: operator.setitem(y, (slice(None), slice(1, 3)), x[:, :1]),
        "leading ones": lambda y, x: operator.setitem(y, 0, x[None, None, 2]),
        "step": lambda y, x: operator.setitem(y, (slice(None, None, -2), slice(None, None, 3)), x[:2, :2]),
        "whole": lambda y, x: operator.setitem(y, slice(None), x[::-1]),
        "itself": lambda y, x: operator.setitem(y, ..., y),
        "overlap forwards": lambda y, x: operator.setitem(y, slice(1, None), y[:-1]),
        "overlap backwards": lambda y, x: operator.setitem(y, slice(None, -1), y[1:]),
        "reversed": lambda y, x: operator.setitem(y, ..., y[::-1, ::-1]),
        "transposed": lambda y, x: operator.setitem(y[:, :3], ..., y[:, :3].T),
        "through a view of a view": lambda y, x: operator.setitem(y[1:].T[::2], 0, x[0, :2]),
        "through a reshape": lambda y, x: operator.setitem(y.reshape(2, 6), (1, slice(None, None, 2)), x[0, :3]),
        "through a ravel": lambda y, x: operator.setitem(y.ravel(), slice(3, 5), x[0, 0]),
        "not through a copying ravel": lambda y, x: operator.setitem(y.T.ravel(), slice(3, 5), x[0, 0]),
        "not through a gathered copy": lambda y, x: operator.setitem(y[[0, 1]], 0, x[0]),
        "not through a consecutive copy": lambda y, x: operator.setitem(y.reshape(-1)[[0, 1, 2]], 0, x[0, 0]),
        "through a diagonal slice": lambda y, x: operator.setitem(y.reshape(-1), slice(None, None, 5), x[0, 0]),
        "integers": lambda y, x: operator.setitem(y, [2, 0], x[:2]),
        "repeated integers": lambda y, x: operator.setitem(y, [0, 0, 2], x),
        "repeated pairs": lambda y, x: operator.setitem(y, ([0, 0, 1], [1, 1, 2]), x[0, :3]),
        "repeated in Fortran order": lambda y, x: operator.setitem(
            y, (np.array([[0, 0], [0, 2]], order="F"), 1), np.sin(x.T[:2, :2])
        ),
        "added to repeated": lambda y, x: operator.setitem(y, [0, 0], y[[0, 0]] + x[:2]),
        "mask, scalar": lambda y, x: operator.setitem(y, M > 0.3, x[0, 0]),
        "mask, array": lambda y, x: operator.setitem(y, M > 0.3, x[M > 0.3] * 2),
        "traced mask, scalar": lambda y, x: operator.setitem(y, x > 0.3, x[0, 0]),
        "traced mask, number": lambda y, x: operator.setitem(y, x > 0.3, 2),
        "traced mask, array": lambda y, x: operator.setitem(y, y > 0.3, x[x > 0.3] * 2),
        "traced mask of rows": lambda y, x: operator.setitem(y, y[:, 0] > 0.3, x[0]),
        "mask of rows": lambda y, x: operator.setitem(y, np.array([True, False, True]), x[:2]),
        "traced mask augmented": lambda y, x: operator.setitem(y, y > 0.3, y[y > 0.3] * x[0, 0]),
        "mesh": lambda y, x: operator.setitem(y, np.ix_([0, 2], [1, 3]), x[:2, :2]),
        "integer and array": lambda y, x: operator.setitem(y, (1, [0, 2]), x[0, :2]),
        "array of no dimension": lambda y, x: operator.setitem(y, (np.array(1), np.array(2)), x[0, 0]),
        "traced integers": lambda y, x: operator.setitem(y, (np.argmax(x[:, 0]), x[0].argmin()), x[0, 0]),
        "nothing": lambda y, x: operator.setitem(y, slice(3, None), x[:0]),
        "nothing by a list": lambda y, x: operator.setitem(y, [], x[:0]),
        "integers into floats": lambda y, x: operator.setitem(y, 1, np.argsort(x[0])),
        "booleans into floats": lambda y, x: operator.setitem(y, 1, x[0] > 0),
    }

    @pytest.mark.parametrize("layout", ["C", "Fortran"])
    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    def test_is_seen_by_views(self, change, layout):
        agrees(self.seen(change), LAYOUTS[layout])

    @pytest.mark.parametrize("key", [1, [0, 0], ([[0, 0], [0, 2]], 1), (slice(None), 2)], ids=str)
    def test_of_single_precision(self, key):
        f = self.seen(lambda y, x: operator.setitem(y, key, np.resize(x.astype(np.float32).T, y[key].shape)))
        v = np.cos(M)
        y, dy = jf.jvp(f, M, v)
        np.testing.assert_array_equal(y, f(M.copy()))
        linear_part = f(v.copy()) - f(np.zeros_like(v))
        np.testing.assert_array_equal(dy, linear_part)
        np.testing.assert_array_equal(jf.linearize(f, M)[1](v), linear_part)

    def test_into_the_argument_itself(self):
        def f(x):
            r = x.ravel()
            r[0] = r[1] * 3
            s = x.reshape(2, 6)
            s[1] = 4 * s[0]
            t = x.T.ravel()
            t[3] = 9.0
            return np.concatenate([x.ravel(), r, t])

        for layout in LAYOUTS.values():
            agrees(f, layout)

    def test_in_a_loop(self):
        def f(x):
            y = np.empty(8)
            y[0] = x[0]
            for i in range(1, 8):
                y[i] = y[i - 1] * x[i % 4] + y[max(i - 3, 0)]
            y[1:-1] += y[2:] * y[:-2]
            return y

        agrees(f, X)

    def test_in_a_loop_over_two_axes(self):
        def f(x):
            y = np.zeros((4, 3))
            for i in range(4):
                for j in range(3):
                    y[i, j] = x[i] * x[j] + (y[i - 1, j] if i else y[0, j - 1] if j else 1.0)
                y[i] *= y[i, 0]
            return y

        agrees(f, X)

    def test_between_reads_of_the_whole(self):
        def f(x):
            y, total = np.zeros(4), 0
            for i in range(4):
                y[i] = x[i] * total + 1
                total = total + np.sum(y * x) + np.sin(y[::2]).sum()
            return total

        agrees(f, X)

    def test_scalars_written_over_and_over(self):
        def f(x):
            y = np.zeros(1)
            for v in x:
                y[0] = y[0] * v + 1
                y[0] += v
            return y

        agrees(f, X)


def run_both(f, x=M):
    return [lambda: jf.jvp(f, x, np.ones(np.shape(x))), lambda: jf.linearize(f, x)]


@pytest.mark.parametrize(
    ("error", "match", "f"),
    [
        (IndexError, "out of bounds", lambda x: x[3]),
        (IndexError, "out of bounds", lambda x: x[0][-5]),
        (IndexError, "out of bounds", lambda x: x[0, 4]),
        (IndexError, "out of bounds", lambda x: operator.setitem(x, (3, 0), 1.0)),
        (IndexError, "out of bounds", lambda x: operator.setitem(x[0], 4, x[0, 0])),
        (IndexError, "out of bounds", lambda x: x[[5]]),
        (IndexError, "too many indices", lambda x: x[0, 0, 0]),
        (IndexError, "integer", lambda x: x[1.0]),
        (IndexError, "integer", lambda x: x[x[0, 0]]),
        (IndexError, "integer", lambda x: x[x > 0, x[0]]),
        (IndexError, "boolean", lambda x: x[np.array([True, False])]),
        (IndexError, "indices", lambda x: x["a"]),
        (ValueError, "broadcast", lambda x: operator.setitem(x, 0, x[:, 0])),
        (ValueError, "broadcast", lambda x: operator.setitem(x, [0, 1], np.ones((3, 4)))),
        (ValueError, "sequence|broadcast", lambda x: operator.setitem(x, (0, 0), x[0])),
        (ValueError, "read-only", lambda x: operator.setitem(np.broadcast_to(x, (2, 3, 4)), 0, 1.0)),
        (ValueError, "read-only", lambda x: operator.setitem(x.diagonal(), 0, x[0, 0])),
        (TypeError, "item assignment", lambda x: operator.setitem(x[0, 0], (), 1.0)),
        (TypeError, "item assignment", lambda x: operator.setitem(x.sum(), ..., x[0, 0])),
        (TypeError, "has no len", lambda x: len(x[0, 0])),
        (TypeError, "0-d", lambda x: list(np.array(x[0, 0]))),
        ((TypeError, ValueError), "delet", lambda x: operator.delitem(x, 0)),
    ],
)
def test_mistakes_raise_as_numpy_does(error, match, f):
    with pytest.raises(error):
        f(M.copy())
    for run in run_both(f):
        with pytest.raises(error, match=match):
            run()


def test_complex_values_do_not_fit_into_real_arrays():
    for run in (*run_both(lambda x: operator.setitem(x, 0, x[0] * 1j)), *run_both(put_complex_scalar)):
        with pytest.raises(TypeError, match=r"complex value.*float64.*test_indexing\.py"):
            run()


def put_complex_scalar(x):
    x[0, 0] = x[0, 0] * 1j
    return x


def test_views_that_must_not_be_written_to_see_later_writes():
    def f(x):
        wide, diagonal = np.broadcast_to(x[0], (2, 4)), x.diagonal()
        windows = np.lib.stride_tricks.sliding_window_view(x[1], 2)
        x[0] = x[1] * 2
        x[1, 1] = x[2, 2]
        return np.concatenate([wide.ravel(), diagonal, windows.ravel()])

    agrees(f, M)


def test_results_that_numpy_copies_are_copies():
    def f(x):
        copies = [
            np.real(x).copy(),
            x[[0, 1, 2]],
            x + 0,
            np.array(x),
            np.tile(x, 1),
            np.append(x, 1.0),
            x.repeat(1),
        ]
        for copy in copies:
            copy[0] = 7.0
        return np.concatenate([x, *copies])

    agrees(f, X)


def test_iteration_and_unpacking():
    agrees(lambda x: sum(row.sum() * k for k, row in enumerate(x)), M)
    agrees(lambda x: unpacked(*x), X)
    agrees(lambda x: first_and_rest(x), X)
    agrees(lambda x: np.array([a * b for a, b in zip(x, x[::-1], strict=True)]), X)
    agrees(lambda x: sum(a @ a for a in x.T) * len(x), M)
    agrees(lambda x: written_while_iterating(x), M)
    agrees(lambda x: np.array(list(reversed(x))) * [v * v for v in x], X)
    agrees(lambda x: {"a": x[0], "b": x[1]}["b"] * dict(zip("abcd", x, strict=True))["c"], X)


def unpacked(a, b, c, d):
    return a * b + c / d


def first_and_rest(x):
    a, *rest = x
    (b, c), d = rest[:2], rest[2]
    return a * b + c * d


def written_while_iterating(x):
    for row in x:
        row *= row[0]
    return x


def test_membership():
    agrees(lambda x: x * (2 if 2.38 in x else 3), X)
    agrees(lambda x: x * (2 if x[1] in x else 3) * (2 if x[0] in [1.0, 2.0] else 5), X)
    assert jf.jvp(lambda x: x * (2 if 2.37 in x else 3), X, X)[1][0] == 2 * X[0]
    agrees(lambda x: x * [1.0, x[2], 3.0].index(x[2]), X)


def test_arrays_of_no_dimension():
    def f(x):
        a = np.array(x[0])
        b = a[...]
        a[()] = a * x[1]
        a[...] = a + 1
        b += x[2]
        c = a[None]
        c[0] = c[0] * 2
        return a[()] * x[3] + b.sum()

    agrees(f, X)
    agrees(lambda x: x[()] * x, np.float64(1.7))
    agrees(lambda x: x[...] * x[None] * x.reshape(1, 1), np.float64(1.7))
    agrees(f, X)


def test_empty_arrays():
    def f(x):
        y = np.zeros((0, 3))
        y[...] = x[:0, :3]
        y[:, 0] = 1.0
        return np.concatenate([y.ravel(), x[:0].T.ravel(), x[1:1].reshape(-1), x.ravel()])

    agrees(f, M)
    agrees(lambda x: x * 2, np.zeros((0, 3)))
    agrees(lambda x: np.sum(x.T, axis=0), np.zeros((2, 0)))


def test_a_scalar_stays_one_after_a_mask_was_taken_of_it():
    def f(x):
        a = x[()]
        taken = a[a > 0.1]
        b = a.T
        assert not b.flags.writeable
        return b * 2.0 + taken.sum()

    assert jf.gradient(f)(np.array(-0.43)) == 2.0
    assert jf.jvp(f, np.array(-0.43), np.array(1.0)) == (-0.86, 2.0)
