"""Ufuncs with `out=` and `where=`, their methods, and the functions that write into their first argument."""

import numpy as np
import pytest

import jacfwd as jf
from tests.recording.agreement import agrees

X = np.array([0.53, -1.21, 2.37, 0.74])
Y = np.array([1.57, 0.43, -0.62, 2.29])
M = 1.33 * np.sin(1.7 * np.arange(1.0, 13)).reshape(3, 4)
WHERE = np.array([True, False, True, False])


def both(f, *args):
    return [lambda: jf.jvp(f, args, args), lambda: jf.linearize(f, *args)]


class TestOut:
    def test_is_written_to_and_returned(self):
        def f(x, y):
            out = np.empty(4)
            part = out[1:3]
            assert np.add(x, y, out=out) is out
            np.multiply(out, x, out)
            np.sin(part, out=(part,))
            return out * part[0]

        agrees(f, X, Y)

    def test_may_be_an_operand(self):
        def f(x):
            y = x * 1.0
            np.multiply(y, y[::-1], out=y)
            np.add(y[1:], y[:-1], out=y[1:])
            np.negative(y, out=y[::-1])
            return y

        agrees(f, X)

    def test_takes_part_in_broadcasting(self):
        def f(x):
            out = np.zeros((2, 4))
            np.add(x, 1, out=out)
            np.multiply(x[None], 2, out=out[:1])
            np.subtract(out, x[None], out=out)
            return out

        agrees(f, X)

    def test_may_be_given_in_part(self):
        def f(x):
            whole = np.zeros(4)
            fraction, _ = np.modf(x, out=(None, whole))
            return fraction * whole

        agrees(f, X)

    def test_of_functions_that_are_no_ufuncs(self):
        def f(x):
            out, total = np.zeros(4), np.zeros(())
            np.clip(x, -1, 1, out=out)
            np.cumsum(out, out=out)
            np.sum(out * x, out=total)
            np.concatenate([x[:2], x[2:]], out=out[::-1])
            return np.append(out, total)

        agrees(f, X)

    def test_into_traced_arrays_by_plain_operands(self):
        def f(x):
            y = x * 1.0
            np.add(np.ones(4), 2.0, out=y)
            np.exp(np.zeros(2), out=y[:2])
            return y * x

        agrees(f, X)

    def test_keeps_its_dtype(self):
        def f(x):
            out = np.empty(4, np.float32)
            np.multiply(x, 2, out=out)
            return out

        y, dy = jf.jvp(f, X, X)
        assert y.dtype == dy.dtype == np.float32

    @pytest.mark.parametrize(
        ("error", "match", "f"),
        [
            (ValueError, "non-broadcastable", lambda x: np.add(x, 1, out=np.zeros(3))),
            (ValueError, "non-broadcastable", lambda x: np.add(x[:, None], x, out=np.zeros(4))),
            (ValueError, "shape", lambda x: np.sum(x, out=np.zeros(4))),
            (ValueError, "shape", lambda x: np.cumsum(x, out=np.zeros(5))),
            (TypeError, "same_kind", lambda x: np.add(x, 1j, out=np.zeros(4))),
        ],
    )
    def test_that_does_not_fit(self, error, match, f):
        with pytest.raises(error):
            f(X)
        for run in both(f, X):
            with pytest.raises(error, match=match):
                run()


def test_plain_targets_that_are_held_elsewhere_are_refused():
    target = np.zeros(4)
    for f in (
        lambda x: np.add(x, 1, out=target),
        lambda x: np.add(x, 1, out=target[:]),
        lambda x: np.clip(x, 0, 1, out=target),
        lambda x: np.add.at(target, [0, 1], x[:2]),
        lambda x: np.add.reduce(x, out=target[0, ...]),
        lambda x: np.copyto(target, x),
        lambda x: np.put(target, [0], x[0]),
        lambda x: np.place(target, WHERE, x),
        lambda x: np.putmask(target, WHERE, x),
        lambda x: np.fill_diagonal(target.reshape(2, 2), x[0]),
        lambda x: np.put_along_axis(target, np.array([1]), x[:1], 0),
    ):
        for run in both(f, X):
            with pytest.raises(jf.TracerConversionError, match=r"test_ufuncs\.py"):
                run()
    assert not target.any()


class TestAugmentedPlainArrays:
    """`a += traced` makes a new array for a local name that alone holds a plain one."""

    def test_of_a_local_name(self):
        def f(x):
            w = Y * 2.0
            w += x
            w *= w
            return w

        agrees(f, X)

    def test_broadcasts_the_value(self):
        def f(x):
            w = M * 2.0
            w += x
            w -= x[0]
            return w

        agrees(f, X)

    def test_keeps_the_dtype(self):
        def f(x):
            w = (Y * 2.0).astype(np.float32)
            w += x
            return w

        assert jf.jvp(f, X, X)[0].dtype == np.float32

    @pytest.mark.parametrize(
        ("error", "match", "start"),
        [
            (ValueError, "non-broadcastable", lambda: Y[:1] * 2.0),
            (TypeError, "same_kind", lambda: np.array([1, 2, 3, 4]) * 2),
        ],
    )
    def test_refuses_what_numpy_refuses(self, error, match, start):
        def f(x):
            w = start()
            w += x
            return w

        for run in both(f, X):
            with pytest.raises(error, match=match):
                run()

    def test_with_another_name_for_it_is_refused(self):
        def alias(x):
            w = Y * 2.0
            other = w
            w += x
            return other

        def view(x):
            w = Y * 2.0
            w[1:] += x[1:]
            return w

        def element(x):
            held = [Y * 2.0]
            held[0] += x
            return held[0]

        def attribute(x):
            Held.array += x
            return Held.array

        def default(x, w=np.zeros(4)):  # noqa: B008  the case in question
            w += x
            return w

        for f in (alias, view, element, attribute, default):
            for run in both(f, X):
                with pytest.raises(jf.TracerConversionError, match=r"test_ufuncs\.py"):
                    run()
        assert not Held.array.any()


class Held:
    array = np.zeros(4)


class TestWhere:
    def test_leaves_the_rest_of_out(self):
        def f(x):
            out = np.full(4, 7.0)
            np.log(x, out=out, where=x > 0)
            np.multiply(out, x, out=out, where=WHERE)
            np.add(out, 1.0, out=out, where=True)
            return out

        agrees(f, X)

    def test_of_reductions(self):
        agrees(lambda x: np.sum(x, where=WHERE), X)
        agrees(lambda x: np.add.reduce(x, where=WHERE), X)
        agrees(lambda x: np.maximum.reduce(x, where=WHERE, initial=-9.0), X)

    def test_without_out_is_refused(self):
        for run in both(lambda x: np.log(x, where=x > 0), X):
            with pytest.raises(jf.UnsupportedFunctionError, match=r"out=.*test_ufuncs\.py"):
                run()

    def test_of_single_precision(self):
        def f(x):
            out = np.zeros(4, np.float32)
            np.multiply(x, 2, out=out, where=WHERE)
            return out

        assert jf.jvp(f, X, X)[1].dtype == np.float32


REDUCTIONS = {
    "sum": lambda x: np.add.reduce(x),
    "sum of rows": lambda x: np.add.reduce(x, axis=1, keepdims=True),
    "sum of all": lambda x: np.add.reduce(x, axis=None),
    "sum from a start": lambda x: np.add.reduce(x, 0, initial=2.5),
    "product": lambda x: np.multiply.reduce(x, axis=-1),
    "largest": lambda x: np.maximum.reduce(x, axis=(0, 1)),
    "smallest": lambda x: np.minimum.reduce(x, axis=0),
    "all and any": lambda x: x * np.logical_and.reduce(x > -2, None) * np.logical_or.reduce(x > 0, 0),
    "differences": lambda x: np.subtract.reduce(x),
    "quotients": lambda x: np.divide.reduce(x, axis=1),
    "hypot": lambda x: np.hypot.reduce(x, axis=1, keepdims=True),
    "hypot of one": lambda x: np.hypot.reduce(x[:1]),
    "logaddexp": lambda x: np.logaddexp.reduce(x, 1),
    "into out": lambda x: np.add.reduce(x, out=np.zeros(4)) * np.hypot.reduce(x, out=np.zeros(4)),
}


@pytest.mark.parametrize("f", REDUCTIONS.values(), ids=REDUCTIONS)
def test_reduce(f):
    agrees(f, M)


def test_reduce_of_nothing():
    agrees(lambda x: x + np.hypot.reduce(x[:0]) + np.add.reduce(x[:0]) + np.multiply.reduce(x[:0]), X)
    for run in both(lambda x: np.subtract.reduce(x[:0]), X):
        with pytest.raises(ValueError, match="no identity"):
            run()


def test_reduce_of_one_is_a_copy():
    def f(x):
        y = np.subtract.reduce(x[:1])
        y[0] = 5.0
        return x * y

    agrees(f, M)


ACCUMULATIONS = {
    "sum": lambda x: np.add.accumulate(x),
    "product": lambda x: np.multiply.accumulate(x, axis=1),
    "largest": lambda x: np.maximum.accumulate(x, axis=-1),
    "smallest": lambda x: np.minimum.accumulate(x),
    "quotients": lambda x: np.divide.accumulate(x, axis=1),
    "of nothing": lambda x: x * np.subtract.accumulate(x[:0]).size + x,
    "into out": lambda x: np.add.accumulate(x, 1, out=np.zeros((3, 4))) * np.hypot.accumulate(x, out=np.zeros((3, 4))),
}


@pytest.mark.parametrize("f", ACCUMULATIONS.values(), ids=ACCUMULATIONS)
def test_accumulate(f):
    agrees(f, M)


OUTER = {
    "product": lambda x: np.multiply.outer(x[0], x[1]),
    "of matrices": lambda x: np.add.outer(x, x[:2]),
    "with constants": lambda x: np.subtract.outer([1.0, 2.0], x[0]) * np.subtract.outer(x[0], np.arange(2.0)).T,
    "with scalars": lambda x: np.arctan2.outer(x[0], 2.0) * np.arctan2.outer(x[0, 0], x[0]),
    "with lists": lambda x: np.multiply.outer([x[0, 0], 2.0], x[0]),
    "into out": lambda x: np.multiply.outer(x[0], x[1], out=np.zeros((4, 4))),
}


@pytest.mark.parametrize("f", OUTER.values(), ids=OUTER)
def test_outer(f):
    agrees(f, M)


REDUCEAT = {
    "sums": lambda x: np.add.reduceat(x[0], [0, 2]),
    "sums of columns": lambda x: np.add.reduceat(x, [0, 3, 1], axis=1),
    "products": lambda x: np.multiply.reduceat(x[0], [0, 2, 1]),
    "largest": lambda x: np.maximum.reduceat(x, [0, 1]),
    "at traced places": lambda x: np.add.reduceat(x[0], np.argsort(x[1])[:2]),
    "into out": lambda x: np.add.reduceat(x, [0, 2], out=np.zeros((2, 4))),
}


@pytest.mark.parametrize("f", REDUCEAT.values(), ids=REDUCEAT)
def test_reduceat(f):
    agrees(f, M)


def test_reduceat_out_of_bounds():
    for run in both(lambda x: np.add.reduceat(x, [0, 4]), X):
        with pytest.raises(IndexError, match="out of bounds"):
            run()


def at(ufunc, *args):
    def f(x):
        y = x * 1.0
        part = y[0]
        ufunc.at(y, *(arg(x) if callable(arg) else arg for arg in args))
        return np.concatenate([y.ravel(), part])

    return f


AT = {
    "sums that meet": at(np.add, [0, 1, 0, 2], lambda x: x[[0, 1, 2, 0]] * 2),
    "a scalar": at(np.add, ([0, 0, 1], [1, 1, 2]), lambda x: x[0, 0]),
    "a plain number": at(np.add, ([0, 0, 1], [1, 1, 2]), 2.0),
    "a list": at(np.add, ([0, 0, 1], [1, 1, 2]), lambda x: [x[0, 0], 2.0, x[1, 1]]),
    "a single place": at(np.add, (1, 2), lambda x: x[0, 0]),
    "a slice": at(np.add, slice(1, None), lambda x: x[0]),
    "a mask": at(np.add, M > 0, lambda x: x[0, 0]),
    "differences": at(np.subtract, ([0, 0, 1], 1), lambda x: x[0, :3]),
    "products that meet": at(np.multiply, ([0, 0, 1], [1, 1, 2]), lambda x: x[0, :3]),
    "products that do not meet": at(np.multiply, ([0, 2, 1], [1, 1, 2]), lambda x: x[0, :3]),
    "largest": at(np.maximum, ([0, 0, 1], [1, 1, 2]), lambda x: x[1, :3]),
    "negatives, once and twice": at(np.negative, ([0, 0, 1], [1, 1, 2])),
    "sines": at(np.sin, ([0, 2, 1], [1, 1, 2])),
    "traced places": at(np.add, lambda x: (np.argsort(x[0])[:2] % 3, [0, 1]), lambda x: x[0, :2]),
    "nowhere": at(np.add, ([], []), 1.0),
}


@pytest.mark.parametrize("f", AT.values(), ids=AT)
def test_at(f):
    agrees(f, M)


def test_at_into_a_buffer():
    def f(x):
        histogram = np.zeros(3)
        np.add.at(histogram, [0, 1, 0, 2], x)
        np.subtract.at(histogram, 1, x[0])
        return histogram

    agrees(f, X)
    for run in both(lambda x: np.add.at(np.zeros(3), [0, 1], x[:2] * 1j), X):
        with pytest.raises(TypeError, match="cast"):
            run()


def written(change):
    def f(x):
        y = x * 1.0
        row, turned = y[1], y.T
        change(y, x)
        return np.concatenate([y.ravel(), 2 * row, turned[::-1].ravel()])

    return f


WRITERS = {
    "copyto": written(lambda y, x: np.copyto(y, x[0])),
    "copyto a view": written(lambda y, x: np.copyto(y.T[1:], 2.0)),
    "copyto where": written(lambda y, x: np.copyto(y, x[0], where=M > 0)),
    "copyto where traced": written(lambda y, x: np.copyto(y, [x[0, 0], 1, 2, 3], where=x > 0)),
    "copyto integers": written(lambda y, x: np.copyto(y, np.argsort(x, axis=1))),
    "copyto unsafely": written(lambda y, x: np.copyto(y[0], x[0], casting="unsafe")),
    "put": written(lambda y, x: np.put(y, [0, 5, 5], [x[0, 1], 2.0, x[0, 2]])),
    "put fewer values": written(lambda y, x: np.put(y, [0, 5, 3], [x[0, 1], 2.0])),
    "put clipped": written(lambda y, x: np.put(y.T, [0, 50], x[0, :2], mode="clip")),
    "put nothing": written(lambda y, x: np.put(y, [], x[0, 0])),
    "place": written(lambda y, x: np.place(y, M > 0, [x[0, 0], 2.0])),
    "place traced": written(lambda y, x: np.place(y, x > 0.3, x[0, :1])),
    "putmask": written(lambda y, x: np.putmask(y, M > 0, x * 2)),
    "putmask repeated": written(lambda y, x: np.putmask(y, x > 0.3, [x[0, 0], 2.0, x[0, 1]])),
    "fill_diagonal": written(lambda y, x: np.fill_diagonal(y, x[0, 1])),
    "fill_diagonal by values": written(lambda y, x: np.fill_diagonal(y[:, 1:], x[0, :3])),
    "fill_diagonal wrapped": written(lambda y, x: np.fill_diagonal(y.T, [x[0, 1], 2.0], wrap=True)),
    "put_along_axis": written(lambda y, x: np.put_along_axis(y, np.argmax(x, 1)[:, None], x[:, :1], 1)),
    "put_along_axis 0": written(lambda y, x: np.put_along_axis(y, np.array([[0, 1, 2, 0]]), x[:1], axis=0)),
}


@pytest.mark.parametrize("f", WRITERS.values(), ids=WRITERS)
def test_functions_that_write(f):
    agrees(f, M)
    agrees(f, np.asfortranarray(M))


def test_put_along_no_axis():
    # NumPy itself cannot do this to arrays in Fortran order.
    agrees(written(lambda y, x: np.put_along_axis(y, np.array([0, 7]), x[0, :2], None)), M)


@pytest.mark.parametrize(
    ("error", "match", "f"),
    [
        (TypeError, "same_kind", lambda x: np.copyto(x, x * 1j)),
        (TypeError, "safe", lambda x: np.copyto(x.astype(np.float32), x, casting="safe")),
        (ValueError, "broadcast", lambda x: np.copyto(x, np.ones(3))),
        (IndexError, "out of bounds", lambda x: np.put(x, 9, 1.0)),
        (ValueError, "empty", lambda x: np.place(x, x < 5, [])),
    ],
)
def test_mistakes_in_writing(error, match, f):
    with pytest.raises(error):
        f(X.copy())
    for run in both(f, X):
        with pytest.raises(error, match=match):
            run()


def test_reductions_over_several_axes():
    x = np.array([[0.5, 2.0], [1.5, 0.25]])
    for f in (
        lambda x: np.logaddexp.reduce(x, axis=(0, 1)),
        lambda x: np.hypot.reduce(x, axis=None, keepdims=True),
        lambda x: np.logaddexp.reduce(x[None] * x, axis=(0, -1), keepdims=True),
        lambda x: np.logaddexp.reduce(x, axis=()),
        lambda x: np.logaddexp.accumulate(x, dtype=float),
    ):
        jf.check_jacobian(f, x)
        np.testing.assert_allclose(jf.jvp(f, x, x)[0], f(x), rtol=1e-15)
    for run in both(lambda x: np.subtract.reduce(x[None], axis=(0, 1)), X):
        with pytest.raises(ValueError, match="not reorderable"):
            run()


def test_without_rules():
    for f in (
        lambda x: np.subtract.reduce(x, initial=1.0),
        lambda x: np.divide.accumulate(x, dtype=np.float32),
        lambda x: np.add.reduceat(x, [0], dtype=np.float32),
    ):
        for run in both(f, X):
            with pytest.raises(jf.UnsupportedFunctionError, match=r"test_ufuncs\.py"):
                run()
