"""Recordings: nesting, threads, tasks, Tracers that escape, guards with the user's line."""

import asyncio
import builtins
import contextvars
import functools
import math
import pickle
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.recording.interpose import RUNNING, running
from jacfwd.recording.record import Forward, Record
from tests.recording.agreement import agrees

X = np.array([0.53, -1.21, 2.37, 0.74])
ONE = np.ones(4)


def both(f, *args):
    return [lambda: jf.jvp(f, args, args), lambda: jf.linearize(f, *args)]


def D(f, kind="jvp"):
    """The derivative of a function of one number, by either kind of recording."""
    if kind == "jvp":
        return lambda x: jf.jvp(f, x, x * 0 + 1.0)[1]
    if kind == "linearize":
        return lambda x: jf.linearize(f, x)[1](x * 0 + 1.0)
    if kind == "trace":
        return lambda x: jf.trace(f, x).jvp(x, x * 0 + 1.0)[1]
    return lambda x: jf.jacobian(f, method=kind)(x)


# A graph is recorded at a point of plain numbers, so that `trace` is an outer one only.
KINDS = ["jvp", "linearize", "forward", "reverse", "accumulate"]


# Perturbation confusion


@pytest.mark.parametrize("inner", KINDS)
@pytest.mark.parametrize("outer", [*KINDS, "trace"])
class TestNesting:
    def test_of_a_sum_inside_a_product(self, inner, outer):
        # d/dx [x * d/dy (x + y)] at y = 1: the inner derivative is 1 whatever x is
        f = D(lambda x: x * D(lambda y: x + y, inner)(1.0), outer)
        assert f(3.0) == 1.0

    def test_of_a_product_inside_a_product(self, inner, outer):
        # d/dx [x * d/dy (x * y)] = d/dx x^2
        assert D(lambda x: x * D(lambda y: x * y, inner)(2.0), outer)(3.0) == 6.0

    def test_of_a_power(self, inner, outer):
        # d/dx [d/dy (x y)^2 at y = x] = d/dx 2 x^3
        f = D(lambda x: D(lambda y: (x * y) ** 2, inner)(x), outer)
        assert f(3.0) == pytest.approx(2 * 3 * 9.0)

    def test_with_the_inner_variable_from_outside(self, inner, outer):
        # d/dx [d/dy (sin(x y)) at y = x^2]
        f = D(lambda x: D(lambda y: np.sin(x * y), inner)(x * x), outer)
        x = 0.7
        assert f(x) == pytest.approx(np.cos(x**3) - x * np.sin(x**3) * 3 * x**2)

    def test_second_derivatives(self, inner, outer):
        assert D(D(np.sin, inner), outer)(0.7) == pytest.approx(-np.sin(0.7))

    def test_of_arrays(self, inner, outer):
        def f(x):
            total = D(lambda t: np.sum(np.sin(t * x) * x), inner)(1.0)
            return total * x[0]

        agrees(f, X)
        J = jf.jacobian(f, method=outer if outer in ("forward", "reverse", "accumulate") else "auto")(X)
        np.testing.assert_allclose(J, jf.jacobian(lambda x: np.sum(x * x * np.cos(x)) * x[0])(X), rtol=1e-13)

    def test_outer_values_written_into_inner_buffers(self, inner, outer):
        def g(x):
            def f(y):
                out = np.zeros(3)
                out[0] = x * x
                out[1:] = y * out[0]
                out[2] *= x
                part = out[::-1]
                part[1] += x * y
                return np.sum(part * part)

            return D(f, inner)(x * 2)

        def by_hand(x):
            # out = [x^2, y x^2 + x y, y x^3]: the derivative of its square in y, at y = 2 x
            a, b = x**2 + x, x**3
            return 2 * (2 * x) * (a * a + b * b)

        x, h = 0.8, 1e-30
        derivative = by_hand(x + 1j * h).imag / h
        assert g(x) == pytest.approx(by_hand(x))
        assert D(g, outer)(x) == pytest.approx(derivative)


def test_three_deep_with_closures_over_each():
    def f(x):
        def g(y):
            def h(z):
                buffer = np.zeros(4)
                buffer[0], buffer[1], buffer[2] = x, y, z
                buffer[3] = buffer[0] * buffer[1] * buffer[2] + z * z * y
                return np.sum(buffer) * x * y

            return D(h)(x * y) * y

        return D(g, "linearize")(x * 2)

    def symbolic(x):
        # h_z = x y (1 + x y + 2 z y) at z = x y; g = y h_z; then the derivative in y at 2 x
        def inner(y):
            return x * y**2 * (1 + x * y + 2 * x * y**2)

        y, h = 2 * x, 1e-30
        return inner(y + 1j * h).imag / h

    assert f(0.7) == pytest.approx(symbolic(0.7))
    step = 1e-5
    difference = (symbolic(0.7 + step) - symbolic(0.7 - step)) / (2 * step)
    for kind in (*KINDS, "trace"):
        assert D(f, kind)(0.7) == pytest.approx(difference, rel=1e-8)


def test_third_derivatives_by_every_order_of_kinds():
    for a in KINDS[:4]:
        for b in KINDS[1:]:
            for c in (*KINDS[::2], "trace"):
                assert D(D(D(lambda x: x**4, a), b), c)(0.5) == pytest.approx(24 * 0.5)


def test_inner_values_do_not_fit_into_outer_arrays():
    def f(x):
        buffer = np.zeros(4)

        def g(y):
            buffer[0] = y[0]
            return y * buffer

        return jf.jvp(g, x, ONE)[1]

    for run in both(f, X):
        with pytest.raises(jf.TracerConversionError, match=r"inner derivative.*\n.*buffer\[0\] = y\[0\]"):
            run()


def test_outer_arrays_augmented_by_inner_values_are_refused():
    def f(x):
        y = x * 2

        def g(z):
            nonlocal y
            y += z
            return y

        return jf.jvp(g, x, ONE)[1]

    for run in both(f, X):
        with pytest.raises(jf.TracerConversionError, match="inner derivative"):
            run()


def test_inner_recordings_of_outer_buffers():
    def f(x):
        buffer = np.zeros(4)
        buffer[1:] = x[1:] * x[0]
        inner = jf.jvp(lambda y: y * buffer * np.sum(buffer[::2]), x * 2, ONE)[1]
        buffer[0] = np.sum(inner)
        return inner * buffer

    agrees(f, X)


def test_guards_inside_are_guards_outside():
    def f(x):
        return jf.jvp(lambda y: y * y if y[0] > 1 else y * 3, x * 2, ONE)[1]

    graph = agrees(f, X)
    assert len(graph.guards) == 1
    with pytest.raises(jf.BranchChangedError, match=r"y\[0\] > 1"):
        graph(X * 0.5)


def test_layouts_of_outer_arrays():
    def f(x):
        def g(y):
            r = y.ravel()
            r[0] = y[-1, -1] * 2
            z = y.T.reshape(-1)
            z[1] = r[2]
            return np.concatenate([y.ravel(), r, z, y[::-1].ravel()])

        return [jf.jvp(g, view, view * 0 + 1.0)[1] for view in (x, x.T, x[:, ::-1], x[::2], np.sin(x.T), x[:1])]

    def joined(x):
        return np.concatenate(f(x))

    M = 1.33 * np.sin(1.7 * np.arange(1.0, 13)).reshape(3, 4)
    for start in (M, np.asfortranarray(M), M[::-1, ::-1]):
        agrees(joined, start)


def test_parts_of_outer_complex_arrays():
    def f(x):
        def g(y):
            z = y * (1 + 2j) + 1j * x
            part = z.imag
            part[0] = z.real[1] * x[2]
            z.real = x
            return part * y

        return jf.jvp(g, x, ONE)[1]

    agrees(f, X)


# What is running


def test_levels():
    levels = []

    def f(x):
        levels.append(running().level)
        return jf.jvp(lambda y: levels.append(running().level) or y, x, ONE)[1]

    jf.linearize(f, X)
    assert levels == [0, 1]
    assert running() is None and RUNNING.get() is None


def test_a_recording_closes_when_the_function_raises():
    held = []

    def f(x):
        held.append(x)
        raise LookupError

    for run in both(f, X):
        with pytest.raises(LookupError):
            run()
        assert running() is None
        assert held[-1]._rec.closed
    assert len(held) == 2


def test_recordings_of_both_kinds_start_open():
    for rec in (Forward(), Record()):
        assert not rec.closed and rec.is_running() and rec.level == 0


# Tracers that escape


class Holder:
    kept = None


def escaping_by_global(x):
    global GLOBAL
    GLOBAL = x * 2
    return x


def escaping_by_attribute(x):
    Holder.kept = np.sin(x)[1:]
    return x


def escaping_by_closure(x):
    FOUND.append(x[0] * x[1])
    return x


def escaping_by_buffer(x):
    buffer = np.zeros(3)
    FOUND.append(buffer)
    buffer[0] = x[0]
    return x


def escaping_by_view(x):
    FOUND.append(x[1:])
    return x


def escaping_by_input(x):
    FOUND.append(x)
    return x


FOUND = []
ESCAPES = [
    (escaping_by_global, lambda: GLOBAL, r"GLOBAL = x \* 2"),
    (escaping_by_attribute, lambda: Holder.kept, r"Holder\.kept = np\.sin\(x\)\[1:\]"),
    (escaping_by_closure, lambda: FOUND[-1], r"FOUND\.append\(x\[0\] \* x\[1\]\)"),
    (escaping_by_buffer, lambda: FOUND[-1], ""),
    (escaping_by_view, lambda: FOUND[-1], r"FOUND\.append\(x\[1:\]\)"),
    (escaping_by_input, lambda: FOUND[-1], "in <lambda>|in both|in record"),
]
USES = [
    *(lambda t: t + 1, lambda t: 1.5 * t, lambda t: t * t, np.sin, np.sum, float, int, bool, np.asarray, list),
    *(lambda t: t.sum(), lambda t: t.reshape(-1), lambda t: t.copy(), lambda t: t[()], lambda t: t[..., None]),
    *(lambda t: t.astype(int), lambda t: t > 0, lambda t: t.tolist(), lambda t: t.item(), lambda t: X[0] + t),
    *(lambda t: put(t, 1.0), lambda t: put(t, t), lambda t: t.real + t, lambda t: -t, lambda t: abs(t), hash),
    *(lambda t: np.add(1, 2, out=t), lambda t: np.concatenate([t, t]), lambda t: {t: 1}, lambda t: pickle.dumps(t)),
]


def put(target, value):
    target[...] = value


@pytest.mark.parametrize(("f", "found", "line"), ESCAPES, ids=lambda value: getattr(value, "__name__", None))
@pytest.mark.parametrize("kind", [0, 1], ids=["jvp", "linearize"])
def test_tracers_that_escape_are_of_no_use(f, found, line, kind):
    both(f, X)[kind]()
    for use in USES:
        with pytest.raises((jf.LeakedTracerError, TypeError, ValueError)) as caught:
            use(found())
        if type(caught.value) is jf.LeakedTracerError:
            assert "test_record.py" in str(caught.value)
    with pytest.raises(jf.LeakedTracerError, match=line or None):
        found() + 1
    assert str(found())


def test_a_generator_that_goes_on_afterwards():
    held = []

    def f(x):
        held.append(x[k] * 2 for k in range(3))
        return x * next(held[-1])

    for run in both(f, X):
        run()
        with pytest.raises(jf.LeakedTracerError, match=r"held\.append"):
            next(held[-1])


def test_escaped_tracers_in_a_later_recording():
    kept = []

    def first(x):
        kept.append(x[0] * 2)
        return x

    uses = [
        lambda x: kept[-1],
        lambda x: (x, kept[-1]),
        lambda x: x * kept[-1],
        lambda x: kept[-1] * x,
        lambda x: np.arctan2(x, kept[-1]),
        lambda x: np.array([x[0], kept[-1]]),
        lambda x: put(np.zeros(4), kept[-1]),
        lambda x: np.stack([kept[-1], kept[-1]]),
    ]
    for kind in (0, 1):
        both(first, X)[kind]()
        for use in uses:
            for run in both(use, X):
                with pytest.raises(jf.LeakedTracerError, match=r"kept\.append\(x\[0\] \* 2\)"):
                    run()


def test_inner_tracers_used_outside():
    def f(x):
        held = []
        jf.jvp(lambda y: held.append(y * x) or y, x, ONE)
        return held[0] + x

    for run in both(f, X):
        with pytest.raises(jf.LeakedTracerError, match="held"):
            run()


@functools.lru_cache
def grid(n):
    return np.linspace(0.0, 1.0, n)


def test_constants_that_escape_stay_numbers():
    grid.cache_clear()

    def f(x):
        return x * grid(4) + np.sin(grid(4))[0] + float(grid(4)[1])

    agrees(f, X)
    np.testing.assert_array_equal(np.asarray(grid(4)), np.linspace(0, 1, 4))
    assert grid(4)[1:].sum() == np.linspace(0, 1, 4)[1:].sum()
    assert (grid(4) * 2)[3] == 2.0 and np.concatenate([grid(4), [1.0]]).size == 5
    assert type(grid(4) + 1) is np.ndarray
    grid(4)[0] = 0.5
    assert grid(4)[0] == 0.5

    def g(x):
        return jf.jvp(lambda y: y * grid(4), x, ONE)[1] * grid(4)

    agrees(g, X)

    def h(x):
        grid(4)[0] = x[0]
        return x

    for run in both(h, X):
        with pytest.raises(jf.TracerConversionError, match=r"grid\(4\)\[0\] = x\[0\]"):
            run()


def test_constants_of_an_inner_recording_are_numbers_outside():
    def f(x):
        held = []
        inner = jf.jvp(lambda y: held.append(np.ones(4) * 2) or y * held[0], x, ONE)[1]
        return held[0] * x * inner + held[0].sum()

    agrees(f, X)


def test_constants_with_outer_values_are_outer_values_outside():
    def f(x):
        held = []

        def g(y):
            buffer = np.zeros(4)
            buffer[1:] = x[1:] * 2
            held.append(buffer)
            return y * buffer

        inner = jf.jvp(g, x, ONE)[1]
        return held[0] * x * inner

    agrees(f, X)


# Threads and tasks


def work(x):
    buffer = np.zeros(4)
    for k in range(4):
        buffer[k] = np.sin(x[k]) * x[k - 1]
    total = np.array([x[0], 2.0]).sum()
    return buffer * total * math_like(x[1])


def math_like(t):
    import math

    return math.exp(t)


def test_several_threads_at_once():
    expected = jf.jacobian(work)(X)
    starts = threading.Barrier(8)

    def one(k):
        starts.wait()
        for _ in range(10):
            y, dy = jf.jvp(work, X, ONE)
            J = jf.linearize(work, X)[1]
            np.testing.assert_array_equal(y, work(X))
            np.testing.assert_allclose(dy, expected @ ONE, rtol=1e-14)
            np.testing.assert_allclose(J.toarray(), expected, rtol=1e-14)
        return k

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(8))) == list(range(8))
    assert running() is None


def test_plain_threads_beside_a_recording_stay_plain():
    started, done, results = threading.Event(), threading.Event(), []

    def beside():
        started.wait()
        made = np.zeros(3)
        made[0] = 1.0
        results.append((type(made), type(np.array([1.0]))))
        done.set()

    def f(x):
        started.set()
        assert done.wait(10)
        return x * 2

    thread = threading.Thread(target=beside)
    thread.start()
    jf.jvp(f, X, ONE)
    thread.join()
    assert results == [(np.ndarray, np.ndarray)]


def test_tracers_stay_in_their_thread():
    def f(x):
        with ThreadPoolExecutor(1) as pool:
            return np.stack(list(pool.map(lambda k: x[k] * 2, range(4))))

    def g(x):
        context = contextvars.copy_context()
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(context.run, lambda: np.sin(x)).result()

    for function in (f, g):
        for run in both(function, X):
            with pytest.raises(jf.LeakedTracerError, match=r"another thread.*test_record\.py"):
                run()


def test_derivatives_in_threads_inside_a_recording():
    def f(x):
        with ThreadPoolExecutor(2) as pool:
            slopes = list(pool.map(lambda k: jf.jvp(work, X + k, ONE)[1], range(3)))
        return x * sum(slopes)

    agrees(f, X)


def test_tasks():
    expected = jf.jvp(work, X, ONE)[1]

    async def one(k):
        await asyncio.sleep(0.001 * (k % 3))
        dy = jf.jvp(work, X, ONE)[1]
        await asyncio.sleep(0)
        np.testing.assert_array_equal(jf.linearize(work, X)[1](ONE), expected)
        return dy

    async def main():
        assert running() is None
        return await asyncio.gather(*(one(k) for k in range(10)))

    for dy in asyncio.run(main()):
        np.testing.assert_array_equal(dy, expected)


def test_an_event_loop_inside_a_function():
    async def part(x, k):
        buffer = np.zeros(1)
        await asyncio.sleep(0)
        buffer[0] = x[k] * 2
        return buffer

    def f(x):
        async def main():
            return await asyncio.gather(*(part(x, k) for k in range(4)))

        return np.concatenate(asyncio.run(main())) * x

    agrees(f, X)


def test_work_handed_to_another_thread_by_a_task():
    def f(x):
        async def main():
            return await asyncio.to_thread(lambda: np.zeros(3))

        made = asyncio.run(main())
        assert type(made) is np.ndarray
        return x * made.sum()

    for run in both(f, X):
        run()


# The graph


def test_branches_are_named_by_the_users_line():
    def f(x):
        y = x * 2
        if y[1] > -9:
            y = y * y
        return y

    graph = jf.trace(f, X)
    with pytest.raises(jf.BranchChangedError) as caught:
        graph(X - 10)
    assert "test_record.py" in str(caught.value) and "if y[1] > -9:" in str(caught.value)
    assert isinstance(caught.value, RuntimeError)
    again = pickle.loads(pickle.dumps(graph.data))
    with pytest.raises(jf.BranchChangedError, match="if y"):
        again.evaluate([X - 10])


def test_functions_are_called_once():
    calls = []

    def f(x):
        calls.append(1)
        return x * len(f"{x}")

    for run in both(f, X):
        run()
    assert len(calls) == 2


def test_many_guards_take_linear_time():
    def f(x):
        total = 0.0
        for k in range(2000):
            total = total + x[k] if x[k] > 0 else total - x[k]
        return total

    graph = jf.trace(f, np.sin(np.arange(2000.0)))
    assert len(graph.guards) == 2000


# Interrupts


def names_are_restored():
    """Whether NumPy, math and the import statement are what they always are."""
    modules = np is sys.modules["numpy"] and math is sys.modules["math"]
    return modules and builtins.__import__ is IMPORT and type(np.zeros(2)) is np.ndarray and running() is None


IMPORT = builtins.__import__
LEAVING = [
    KeyboardInterrupt,
    SystemExit,
    GeneratorExit,
    MemoryError,
    RecursionError,
    asyncio.CancelledError,
    ValueError,
]


@pytest.mark.parametrize("error", LEAVING)
def test_whatever_leaves_the_function_names_are_restored(error):
    def f(x):
        np.zeros(3)[0] = math.sin(x[0])
        raise error("mine")

    runs = [*both(f, X), lambda: jf.trace(f, X), lambda: jf.hessian(f)(X), lambda: jf.jacobian(f, record=True)(X)]
    for run in runs:
        with pytest.raises(error, match="mine"):
            run()
        assert names_are_restored()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers")
def test_an_interrupt_at_any_moment_leaves_nothing_open():
    def interrupt(*_):
        raise KeyboardInterrupt

    J = jf.jacobian(lambda x: np.zeros(4) + np.sin(x))
    J(X)
    before, interrupted = signal.signal(signal.SIGALRM, interrupt), 0
    try:
        for k in range(150):
            try:
                signal.setitimer(signal.ITIMER_REAL, 2e-5 + 3e-6 * k)
                for _ in range(1000):
                    J(X)
            except KeyboardInterrupt:
                interrupted += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert names_are_restored()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupted > 100
    np.testing.assert_allclose(J(X), np.diag(np.cos(X)))


def test_generators_left_open_and_resumed():
    def generator(x):
        out = np.zeros(4)
        for k in range(4):
            out[k] = x[k]
            yield out

    held = []

    def f(x):
        held.append(generator(x))
        return next(held[-1]) * 2

    jf.jacobian(f)(X)
    assert names_are_restored()
    with pytest.raises(jf.LeakedTracerError):
        next(held[0])
    assert names_are_restored()
