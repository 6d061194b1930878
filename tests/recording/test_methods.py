"""Every method and attribute of ndarray works on traced arrays as on plain ones, or says why it cannot."""

import io
import os

import numpy as np
import pytest

import jacfwd as jf
from tests.recording.agreement import agrees, assert_same

X = np.array([0.53, -1.21, 2.37, 0.74])
NEW = np.lib.NumpyVersion(np.__version__) >= "2.1.0"  # `copy=` is new; reductions into `out` mend reversed operands
M = 1.33 * np.sin(1.7 * np.arange(1.0, 13)).reshape(3, 4)
T = np.sin(np.arange(1.0, 25)).reshape(2, 3, 4)
PICK = np.array([0, 2])
MASK = np.array([True, False, True, True])


def in_place(change):
    """A function that changes a copy of its argument, of which it keeps a view."""

    def f(x):
        y = x * 1.0
        part = y[..., 1:]
        change(y)
        return np.concatenate([y.ravel(), 2 * part.ravel()])

    return f


def written(name):
    def f(x):
        out = np.zeros(4)
        assert getattr(x, name)(0, out=out) is out
        return out

    return f


# name -> functions of M that use the method or attribute
WORKS = {
    "T": [lambda x: x.T * 2, lambda x: x[0].T, lambda x: x[:, None].T],
    "all": [lambda x: x * x.all(), lambda x: x * (x > 0).all(axis=1, keepdims=True)],
    "any": [lambda x: x * x.any(), lambda x: x * (x > 0).any(1)[:, None]],
    "argmax": [lambda x: x.ravel()[x.argmax()], lambda x: x[x.argmax(0), np.arange(4)]],
    "argmin": [lambda x: x.ravel()[x.argmin()], lambda x: x[x.argmin(axis=0), np.arange(4)]],
    "argpartition": [lambda x: x[0][x[0].argpartition(1)[:1]]],
    "argsort": [lambda x: x[0][x[0].argsort()], lambda x: x * x.argsort(axis=0)],
    "astype": [
        lambda x: x * x.astype(int),
        lambda x: x * x.astype(bool),
        lambda x: x.astype(complex) * 1j,
        lambda x: x.astype("f8", order="F", copy=False).ravel(order="K"),
        lambda x: x.astype(float, casting="safe") * 2,
    ],
    "base": [lambda x: x * (x.base is None or 1)],
    "choose": [lambda x: np.choose((x[0] > 0).astype(int), [x[1], x[2]])],
    "clip": [
        lambda x: x.clip(-0.5, 0.6),
        lambda x: x.clip(max=0.3),
        lambda x: x.clip(min=x[0]),
        lambda x: x.clip(x[0] - 0.1, x[0] + 0.1, out=np.zeros((3, 4))),
    ],
    "compress": [
        lambda x: x.compress([True, False, True]),
        lambda x: x.compress([True, False, True], axis=1),
        lambda x: x.compress([False, True], axis=0, out=np.zeros((1, 4))),
    ],
    "conj": [lambda x: x.conj() * 2],
    "conjugate": [lambda x: x.conjugate() * 2, lambda x: ((1j * x).conjugate() * (1 + 2j)).imag],
    "copy": [
        in_place(lambda y: y.copy().fill(3.0)),
        lambda x: x.T.copy("K").ravel("K"),
        lambda x: x.copy(order="F"),
    ],
    "cumprod": [lambda x: x.cumprod(), lambda x: x.cumprod(axis=0)],
    "cumsum": [lambda x: x.cumsum(), lambda x: x.cumsum(1, out=np.zeros((3, 4)))],
    "device": [lambda x: x * (2 if x.device == "cpu" else 3)],
    "diagonal": [
        lambda x: x.diagonal(),
        lambda x: x.diagonal(1),
        lambda x: x.diagonal(offset=-1, axis1=1, axis2=0),
    ],
    "dot": [lambda x: x.dot(np.ones(4)), lambda x: x.dot(x.T), lambda x: x[0].dot(x[1])],
    "dtype": [lambda x: x * x.dtype.itemsize * (x.dtype == float)],
    "fill": [in_place(lambda y: y.fill(2.5)), in_place(lambda y: y[1:].fill(y[0, 0]))],
    "flags": [lambda x: x.T * (2 if x.T.flags.f_contiguous else 3), lambda x: x * x.flags["C_CONTIGUOUS"]],
    "flat": [
        lambda x: sum(x.flat) * x.flat[3],
        lambda x: x.flat[2:5] * x.T.flat[[1, 2, 2]],
        lambda x: x * len(x.flat) + x.flat.copy()[0],
        lambda x: x.flat.base * next(x.flat) * next(iter(x.flat)),
        in_place(lambda y: y.flat.__setitem__(2, y[0, 0])),
        in_place(lambda y: y.T.flat.__setitem__(slice(2, 7), [y[0, 0], 1.0, 2.0])),
        in_place(lambda y: setattr(y, "flat", y[0, 0])),
        in_place(lambda y: setattr(y, "flat", [1.0, y[0, 0]])),
        in_place(lambda y: setattr(y.T, "flat", np.arange(12.0))),
    ],
    "flatten": [lambda x: x.flatten(), lambda x: x.T.flatten("F"), in_place(lambda y: y.flatten().fill(1.0))],
    "imag": [lambda x: x.imag + x, lambda x: (x * (2 + 3j)).imag],
    "item": [
        lambda x: x.item(3) * x,
        lambda x: x.item(1, 2) * x[0, :1].item(),
        lambda x: x * x.argsort().item((0, 1)),
    ],
    "itemsize": [lambda x: x * x.itemsize],
    "mT": [lambda x: x.mT * 2],
    "max": [lambda x: x.max(), lambda x: x.max(axis=0), lambda x: x.max(1, keepdims=True), written("max")],
    "mean": [lambda x: x.mean(), lambda x: x.mean(0), lambda x: x.mean(axis=(0, 1)), written("mean")],
    "min": [
        lambda x: x.min(),
        lambda x: x.min(-1),
        lambda x: x.min(initial=-0.2),
        lambda x: x.min(0, where=x < 2, initial=9),
    ],
    "nbytes": [lambda x: x * x.nbytes],
    "ndim": [lambda x: x * x.ndim],
    "nonzero": [lambda x: x[(x > 0).nonzero()], lambda x: x[x.nonzero()] * 2],
    "prod": [lambda x: x.prod(), lambda x: x.prod(axis=0), written("prod")],
    "partition": [in_place(lambda y: y.partition(1)), in_place(lambda y: y.partition((0, 2), axis=0))],
    "put": [
        in_place(lambda y: y.put([0, 5, 5], [y[0, 1], 2.0, y[0, 2]])),
        in_place(lambda y: y.put([13, -1], y[0], mode="wrap")),
        in_place(lambda y: y.T.put([1, 2], 3.0)),
    ],
    "ravel": [
        lambda x: x.ravel() * 2 + x.T.ravel("A") * x.ravel("K") * np.ravel(x.T, "K"),
        lambda x: x.ravel("F"),
        in_place(lambda y: y.ravel().fill(y[0, 0])),
    ],
    "real": [
        lambda x: x.real * 2,
        lambda x: (x * (2 + 3j)).real,
        in_place(lambda y: setattr(y, "real", 2.0)),
    ],
    "repeat": [lambda x: x.repeat(2), lambda x: x.repeat([1, 0, 2], axis=0)],
    "reshape": [
        lambda x: x.reshape(4, 3),
        lambda x: x.reshape((2, -1)),
        lambda x: x.reshape(-1, order="F"),
        *([lambda x: x.copy().reshape(4, 3, copy=False)] if NEW else []),
        lambda x: x.reshape(4, 3, order="A") * x.T.reshape(4, 3, order="A"),
        in_place(lambda y: y.reshape(4, 3).fill(y[0, 0])),
        *([in_place(lambda y: y.reshape(4, 3, copy=True).fill(1.0))] if NEW else []),
        in_place(lambda y: y.T.reshape(3, 4).fill(1.0)),
    ],
    "round": [lambda x: x * x.round(1), lambda x: x * x.round()],
    "searchsorted": [
        lambda x: x * np.sort(M[0]).searchsorted(0.1),
        lambda x: x[0, (x[0] * 0 + PICK[0]).astype(int)],
    ],
    "shape": [lambda x: x * x.shape[1], lambda x: reshaped_in_place(x) * 2],
    "size": [lambda x: x * x.size],
    "sort": [
        in_place(lambda y: y.sort()),
        in_place(lambda y: y.sort(0, kind="stable")),
        in_place(lambda y: y[1].sort()),
        in_place(lambda y: y.T.sort()),
    ],
    "squeeze": [
        lambda x: x[None, :, None].squeeze(),
        lambda x: x[:, None].squeeze(1),
        in_place(lambda y: y[None].squeeze().fill(1)),
    ],
    "std": [lambda x: x.std(), lambda x: x.std(axis=0, ddof=1), lambda x: x.std(1, keepdims=True)],
    "strides": [lambda x: x * x.strides[0] * x[:, ::-2].strides[1]],
    "sum": [
        lambda x: x.sum(),
        lambda x: x.sum(0),
        lambda x: x.sum(axis=1, keepdims=True),
        lambda x: x.sum(0, where=x > 0),
        written("sum"),
    ],
    "swapaxes": [lambda x: x.swapaxes(0, 1) * 2, in_place(lambda y: y.swapaxes(0, 1)[0].fill(1.0))],
    "take": [
        lambda x: x.take([1, 5, 5]),
        lambda x: x.take(PICK, axis=1),
        lambda x: x.take([7, -1], mode="wrap"),
    ],
    "tobytes": [lambda x: x * len(np.zeros(3).tobytes())],
    "tolist": [
        lambda x: np.array(x.tolist()) * 2,
        lambda x: x[0, 0].tolist() * x,
        lambda x: x * x.argsort().tolist()[0],
    ],
    "trace": [lambda x: x.trace(), lambda x: x.trace(offset=1)],
    "transpose": [
        lambda x: x.transpose() * 2,
        lambda x: x.transpose(1, 0),
        lambda x: x[None].transpose((2, 0, 1)),
    ],
    "var": [lambda x: x.var(), lambda x: x.var(axis=0), lambda x: x.var(1, ddof=1, keepdims=True)],
    "view": [
        in_place(lambda y: y.view().fill(2.0)),
        lambda x: x.view(np.ndarray) * 2,
        lambda x: x.view(float) * 2,
    ],
}

# What a traced array refuses: an error that says so, with the user's line.
REFUSED = {
    "byteswap": lambda x: x.byteswap(),
    "ctypes": lambda x: x.ctypes.data,
    "data": lambda x: x.data,
    "dump": lambda x: x.dump(io.BytesIO()),
    "dumps": lambda x: x.dumps(),
    "getfield": lambda x: x.getfield(float),
    "resize": lambda x: x.resize(3, 3),
    "setfield": lambda x: x.setfield(1.0, float),
    "setflags": lambda x: x.setflags(write=False),
    "to_device": lambda x: x.to_device("cpu"),
    "tobytes": lambda x: x.tobytes(),
    "tofile": lambda x: x.tofile(os.devnull),
    "view": lambda x: x.view(np.int64),
}


def reshaped_in_place(x):
    y = (x * 1.0).copy()
    z = y[:2]
    y.shape = (2, 6)
    y[0] = y[1]
    return y[0] * np.sum(z)


def cases():
    return [pytest.param(f, id=f"{name}-{k}") for name, fs in WORKS.items() for k, f in enumerate(fs)]


def test_every_public_name_of_ndarray_is_accounted_for():
    gone = {"itemset", "newbyteorder", "ptp", "tostring"}  # stubs in NumPy 2.0 that say so
    names = {name for name in dir(np.ndarray) if not name.startswith("_")} - gone
    assert names - WORKS.keys() - REFUSED.keys() == set()


@pytest.mark.parametrize("f", cases())
def test_works_as_on_plain_arrays(f):
    agrees(f, M)


@pytest.mark.parametrize("f", cases())
def test_works_in_other_layouts(f):
    agrees(f, np.asfortranarray(M))
    agrees(f, np.repeat(M, 2, axis=1)[:: -1 if NEW else 1, ::2])


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("run", [lambda f: jf.jvp(f, M, M), lambda f: jf.linearize(f, M)], ids=["jvp", "linearize"])
def test_refusals_name_the_line(name, run):
    with pytest.raises((jf.TracerConversionError, AttributeError), match=r"test_methods\.py"):
        run(REFUSED[name])


@pytest.mark.parametrize("name", ["as_integer_ratio", "hex"])
def test_exact_texts_and_ratios_of_scalars_are_refused(name):
    with pytest.raises(jf.TracerConversionError, match=r"test_methods\.py"):
        jf.jvp(lambda x: getattr(x[0], name)(), X, X)


def test_scalars_know_whether_they_are_whole():
    graph = agrees(lambda x: x * (2 if x[0].is_integer() else 3), X)
    with pytest.raises(jf.BranchChangedError, match=r"test_methods\.py"):
        graph(np.ceil(X))


KINDS = {
    "transposed": lambda s: s.T,
    "raveled": lambda s: s.ravel(),
    "reshaped": lambda s: s.reshape(()),
    "squeezed": lambda s: s.squeeze(),
    "copied": lambda s: s.copy(),
    "flattened": lambda s: s.flatten(),
    "real part": lambda s: s.real,
    "imaginary part": lambda s: s.imag,
    "cast": lambda s: s.astype("f4"),
    "conjugated": lambda s: s.conj(),
    "viewed": lambda s: s.view(),
    "clipped": lambda s: s.clip(0, 1),
    "rounded": lambda s: s.round(2),
    "summed": lambda s: s.sum(),
    "cumulated": lambda s: s.cumsum(),
    "element": lambda s: s[()],
    "view": lambda s: s[...],
    "lengthened": lambda s: s[None],
    "np.transpose": lambda s: np.transpose(s),
    "np.copy": lambda s: np.copy(s),
    "np.asarray": lambda s: np.asarray(s),
    "np.array": lambda s: np.array(s),
    "np.real": lambda s: np.real(s),
    "np.minimum": lambda s: np.minimum(s, 1.0),
    "negative": lambda s: -s,
    "np.dot": lambda s: np.dot(s, s),
    "np.zeros_like": lambda s: np.zeros_like(s),
    "first of np.stack": lambda s: np.stack([s, s])[0],
    "np.where": lambda s: np.where(True, s, s),
}


@pytest.mark.parametrize("f", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("start", [lambda x: x[0], lambda x: np.array(x[0])], ids=["scalar", "0-d array"])
def test_scalars_and_arrays_of_no_dimension_stay_what_numpy_makes_of_them(f, start):
    def g(x):
        s = start(x)
        s[None]  # a view of it must not make an array of a scalar
        y = f(s)
        kinds.append((isinstance(y, np.generic), isinstance(y, np.ndarray), isinstance(y, float), y.flags.writeable))
        return x * y

    kinds = []
    g(X.copy())
    jf.jvp(g, X, X)
    jf.linearize(g, X)
    jf.jvp(lambda x: jf.jvp(g, x, X)[1], X, X)
    assert len(set(kinds)) == 1


def test_unknown_names_are_no_attributes():
    assert not jf.jvp(lambda x: x * hasattr(x, "nonsense"), X, X)[0].any()
    with pytest.raises(AttributeError, match="nonsense"):
        jf.jvp(lambda x: x.nonsense, X, X)


def test_items_and_lists_of_numbers_are_python_numbers():
    def f(x):
        constant = np.arange(3.0)
        order = x.argsort()
        assert type(constant.item(1)) is float
        assert type(order.item(0)) is int
        assert all(type(k) is int for k in order.tolist())
        assert type((x > 0).tolist()[0]) is bool
        return x * sum(constant.tolist())

    graph = agrees(f, X)
    assert len(graph.guards)


def test_item_takes_what_numpy_takes():
    for wrong in ((), (7,), (1, 2), ("a",)):
        with pytest.raises((ValueError, IndexError, TypeError)):
            jf.jvp(lambda x, wrong=wrong: x.item(*wrong), X, X)


def test_layout_is_numpys():
    def f(x):
        for y in (
            x,
            x.T,
            x[::-1],
            x[:, ::2],
            np.sin(x.T),
            x.transpose(1, 0, 2) * 2,
            np.sin(x[::2].swapaxes(0, 2)),
        ):
            z = np.empty(y.shape)
            assert z.flags.c_contiguous
            seen.append((y.shape, y.strides, y.flags.c_contiguous, y.flags.f_contiguous, y.flags.writeable))
        return x

    for start in (T, np.asfortranarray(T), T[:, ::-1], np.ones((4, 3, 2)).T * T[0, 0, 0]):
        seen: list = []
        f(start.copy("K") if start.flags.forc else start)
        plain, seen = seen, []
        jf.jvp(f, start, np.ones(start.shape))
        assert seen == plain
        seen = []
        jf.linearize(f, start)
        assert seen == plain


def test_reshape_without_a_copy_raises_where_numpy_would_copy():
    for run in (lambda f: jf.jvp(f, M, M), lambda f: jf.linearize(f, M)):
        with pytest.raises(ValueError, match="copy"):
            run(lambda x: x.T.reshape(-1, copy=False))
        with pytest.raises(AttributeError, match="incompatible shape"):
            run(lambda x: setattr(x.T, "shape", (12,)))
        with pytest.raises(ValueError, match="reshape"):
            run(lambda x: setattr(x, "shape", (5,)))


def test_astype_refuses_what_it_cannot_keep():
    for dtype in ("U8", "M8[s]"):
        with pytest.raises(jf.TracerConversionError, match=r"test_methods\.py"):
            jf.jvp(lambda x, dtype=dtype: x.astype(dtype), X, X)
    with pytest.raises(TypeError, match="safe"):
        jf.jvp(lambda x: x.astype(np.float32, casting="safe"), X, X)
    y, dy = jf.jvp(lambda x: x.astype(np.float32), X, X)
    assert_same(y, X.astype(np.float32))
    assert_same(dy, X.astype(np.float32))
    agrees(lambda x: sum(x.astype(object)), X)


# Complex arrays and their parts

W = np.array([1 + 2j, 0.5 - 1j, -1.5 + 0.3j, 2 - 0.7j])
PARTS = {
    "a part is a view that sees later writes": lambda z: seen_later(z),
    "a part is a view that writes": lambda z: through_parts(z),
    "np.real and np.imag view as well": lambda z: through_functions(z),
    "assigned": lambda z: assigned(z),
    "augmented": lambda z: augmented(z),
    "masks and fancy indices": lambda z: fancy(z),
    "views of parts of views": lambda z: part_of_view(z),
    "infinities stay apart": lambda z: infinite(z),
}


def both(z):
    return np.concatenate([np.real(z), np.imag(z)])


def seen_later(z):
    real, imag = z.real, z.imag
    z[0] = z[1] * 1j
    z[2:] *= 2 - 1j
    return np.concatenate([real * 2, imag[::-1]])


def through_parts(z):
    real = z.real
    real[1] = real[0] * 2
    z.imag[2:] = real[1]
    z.imag[0] += z.real[3]
    return both(z)


def through_functions(z):
    np.real(z)[1] = z.imag[0]
    part = np.imag(z)
    part[...] = part[::-1].copy()
    return both(z)


def assigned(z):
    z.imag = z.real * 2
    z.real = 3.0
    z.real = z.imag[0]
    z[1:].imag = [1.0, z.real[0], 2.0]
    return both(z)


def augmented(z):
    z.real += 3
    z.imag *= z.real
    part = z.real
    part -= 1
    return both(z)


def fancy(z):
    z.real[[0, 2, 0]] = z.imag[:3]
    z.imag[z.real > 0] = 0.25
    z.imag[np.array([False, True, True, False])] = z.real[[3, 3]]
    return np.concatenate([both(z), z.real[[1, 1, 2]], z.imag[z.imag > 0.3]])


def part_of_view(z):
    corner = z.reshape(2, 2).T[::-1]
    corner.imag[0] = corner.real[1]
    corner.real.T[1, 0] = z.imag[3] * 2
    assert not corner.real.flags.c_contiguous
    np.ravel(corner.real)[0] = 7.0
    return both(z)


def infinite(z):
    z.real = np.inf
    y = z.imag * 2
    z.real = 0.0
    z.imag[1] = np.nan
    z.imag[1] = z.real[1]
    return np.concatenate([y, both(z)])


@pytest.mark.parametrize("f", PARTS.values(), ids=PARTS.keys())
def test_parts_of_complex_arrays(f):
    agrees(lambda x: f(x * W), X)
    agrees(lambda x: f(x[::-1] * W[0] + W), X)
    agrees(lambda x: f(np.array(W) * 1 + 0 * x), X)


def test_parts_of_real_arrays():
    def f(x):
        x.real[0] = 3.0
        assert not x.imag.any()
        return x * np.real(x)

    agrees(f, X)
    for run in (lambda f: jf.jvp(f, X, X), lambda f: jf.linearize(f, X)):
        with pytest.raises(TypeError, match="imaginary part"):
            run(lambda x: setattr(x, "imag", 2.0))
        with pytest.raises(AttributeError, match="not writable"):
            run(lambda x: setattr(x[0], "real", 2.0))
        with pytest.raises(TypeError, match="complex"):
            run(lambda x: setattr(x * 1j, "real", x * 1j))


def test_parts_of_scalars():
    agrees(lambda x: (x[0] * W[0]).real * (x[1] * W[1]).imag, X)
    agrees(lambda x: (x[0] * W).real[2] * x[1].real, X)


def test_parts_keep_single_precision():
    def f(x):
        z = x * np.complex64(1 + 2j)
        z.real[0] = np.float64(2.5) * z.imag[1]
        z.imag = z.imag.astype(np.float64)
        return z

    x = X.astype(np.float32)
    y, dy = jf.jvp(f, x, x)
    assert_same(y, f(x.copy()))
    assert dy.dtype == np.complex64
