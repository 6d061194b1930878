"""Blocks of columns, rows and points: here, in threads, processes and on a cluster whose workers die."""

import os
import signal
import threading
import time
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.errors import MemoryBudgetError
from jacfwd.memory import set_memory_budget
from jacfwd.spread import Columns, Rows, check_chunk, chunk_of, progress_of, spread


def f(x, y):
    a = np.sin(x) * y[0]
    return {"sums": np.add.reduceat(a, [0, 3, 7]), "all": np.cumsum(a * a) * y[1]}


X, Y = np.linspace(0.1, 2.0, 11), np.array([2.0, -1.5])
GRAPH = jf.trace(f, X, Y).data


def blocks_of(kind, graph=GRAPH, leaves=(X, Y)):
    """A task for all inputs of a graph."""
    return kind(graph, leaves, graph.inputs)


WHOLE = jf.linearize(f, X, Y)[1].toarray()


@pytest.mark.parametrize("size", [1, 4, 13, 100])
@pytest.mark.parametrize(("task", "axis"), [(Columns, 1), (Rows, 0)])
def test_blocks_make_up_the_jacobian(task, axis, size):
    made = blocks_of(task)
    found = list(spread(made, made.count, size))
    assert found[0][0] == slice(0, min(size, made.count))
    np.testing.assert_allclose(np.concatenate([block for _, block in found], axis=axis), WHOLE, rtol=1e-13, atol=1e-14)


def test_complex_outputs():
    def g(x):
        return np.fft.fft(x) * x[0]

    x = np.arange(1.0, 6.0)
    made = blocks_of(Columns, jf.trace(g, x).data, [x])
    found = np.concatenate([block for _, block in spread(made, 5, 2)], axis=1)
    np.testing.assert_allclose(found, jf.jacobian(g)(x), rtol=1e-12, atol=1e-13)


def test_outputs_without_derivative():
    x = np.ones(3)
    made = blocks_of(Columns, jf.trace(lambda x: (x[:2], np.zeros(2)), x).data, [x])
    np.testing.assert_array_equal(made(0, 3), [[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]])


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        yield executor


@pytest.mark.parametrize("task", [Columns, Rows])
def test_executors_give_the_same_bits(task, processes):
    made = blocks_of(task)
    local = [block for _, block in spread(made, made.count, 3)]
    with ThreadPoolExecutor(3) as threads:
        for executor in (threads, processes):
            found = [block for _, block in spread(blocks_of(task), made.count, 3, executor)]
            for a, b in zip(found, local, strict=True):
                np.testing.assert_array_equal(a, b)


def failing(start, stop):
    """Fails in one block."""
    if start == 6:
        raise ZeroDivisionError("no")
    return start


def dying(start, stop):
    """Kills its process in one block."""
    if start == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return start


def test_a_failure_names_its_block(processes):
    with pytest.raises(ZeroDivisionError) as failure:
        list(spread(failing, 10, 3, processes, what="columns"))
    assert "columns 6:9 of 10" in failure.value.__notes__[0]


def test_a_dead_worker_is_an_error_that_names_a_block():
    one = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    with one as executor, pytest.raises(BrokenExecutor) as failure:
        list(spread(dying, 10, 3, executor))
    assert "of 10 were computed by the executor" in failure.value.__notes__[0]


class Never:
    """An executor whose futures never run."""

    def __init__(self):
        self.futures = []

    def submit(self, *args):
        self.futures.append(Future())
        return self.futures[-1]


def test_what_waits_is_cancelled_and_limited():
    executor = Never()
    blocks = spread(failing, 10_000, 1, executor)
    threading.Timer(0.1, lambda: executor.futures[0].set_exception(KeyboardInterrupt())).start()
    with pytest.raises(KeyboardInterrupt):
        next(blocks)
    assert len(executor.futures) == 64
    assert all(future.cancelled() for future in executor.futures[1:])


def test_progress_is_told():
    told = []
    list(spread(lambda a, b: None, 10, 4, progress=lambda done, total: told.append((done, total))))
    assert told == [(0, 10), (4, 10), (8, 10), (10, 10)]


def test_progress_of():
    assert progress_of(False, "column") is None
    assert progress_of(print, "column") is print
    with pytest.raises(TypeError, match="progress must be"):
        progress_of(3, "column")


def test_a_bar(capsys):
    pytest.importorskip("tqdm")
    show = progress_of(True, "column")
    show(0, 3)
    show(3, 3)
    assert "3/3" in capsys.readouterr().err


def test_chunks():
    assert chunk_of(8, 13, 5) == 5
    assert chunk_of(8, 13, None) == 13
    for wrong in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match="chunk_size"):
            check_chunk(wrong)


def test_chunks_that_do_not_fit():
    set_memory_budget(400)
    try:
        assert chunk_of(100, 1000, None) == 2
        with pytest.raises(MemoryBudgetError, match="pass chunk_size=2"):
            chunk_of(100, 1000, 500)
        assert chunk_of(100, 1000, 2) == 2
    finally:
        set_memory_budget(None)


def test_what_a_seed_needs():
    assert blocks_of(Rows).each == 8 * 11 * 8
    # A column reaches eleven elements at most, and is fourteen long.
    assert blocks_of(Columns).each == 8 * 14 * 8
    x = np.ones(10_000)
    narrow = blocks_of(Columns, jf.trace(lambda x: np.sum(np.sin(x)), x).data, [x])
    assert narrow.each == 8 * 8


def slow_dying(start, stop):
    """Kills its worker the first time that it is asked for one block."""
    mark = os.environ["JACFWD_TEST_MARK"]
    if start == 6 and not os.path.exists(mark):
        open(mark, "w").close()
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    return start


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_repeats_what_a_killed_worker_had(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("JACFWD_TEST_MARK", str(tmp_path / "died"))
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        executor = client.get_executor()
        assert [block for _, block in spread(slow_dying, 10, 3, executor)] == [0, 3, 6, 9]
        made = blocks_of(Columns)
        found = np.concatenate([block for _, block in spread(made, made.count, 3, executor)], axis=1)
    assert (tmp_path / "died").exists()
    np.testing.assert_array_equal(found, np.concatenate([block for _, block in spread(made, made.count, 3)], axis=1))


# Through the public interface


def test_jacobians_by_executors(processes):
    for method in ("auto", "forward", "reverse"):
        options = {"argnums": (0, 1), "method": method, "chunk_size": 4}
        local = jf.jacobian(f, **options)(X, Y)
        there = jf.jacobian(f, **options, executor=processes)(X, Y)
        plain = jf.jacobian(f, argnums=(0, 1))(X, Y)
        for name in ("sums", "all"):
            for k in (0, 1):
                np.testing.assert_array_equal(local[name][k], there[name][k])
                np.testing.assert_allclose(local[name][k], plain[name][k], rtol=1e-13, atol=1e-14)


def stencil(x):
    return x[1:-1] ** 2 * (x[:-2] - 2 * x[1:-1] + x[2:])


@pytest.mark.parametrize("method", ["auto", "compress", "forward", "reverse"])
def test_sparse_jacobians_by_executors(method, processes):
    x = np.linspace(0, 1, 30)
    plain = jf.jacobian(stencil, sparse=True)(x)
    for executor in (None, processes):
        found = jf.jacobian(stencil, sparse=True, method=method, chunk_size=2, executor=executor)(x)
        np.testing.assert_array_equal(found.indices, plain.indices)
        np.testing.assert_allclose(found.data, plain.data, rtol=1e-13)
    with pytest.raises(ValueError, match="accumulate"):
        jf.jacobian(stencil, sparse=True, method="accumulate", chunk_size=2)(x)


def test_compressed_seeds_are_told():
    told = []
    x = np.linspace(0, 1, 30)
    jf.jacobian(stencil, sparse=True, method="compress", chunk_size=2, progress=lambda *done: told.append(done))(x)
    assert told == [(0, 3), (2, 3), (3, 3)]


def test_the_function_itself_does_not_travel(processes):
    captured = threading.Lock()  # does not pickle

    def g(x):
        assert captured
        return np.sin(x) * x[0]

    J = jf.value_and_jacobian(g, executor=processes, record=True)
    for x in (np.ones(3), np.arange(3.0)):
        y, found = J(x)
        np.testing.assert_array_equal(y, g(x))
        np.testing.assert_allclose(found, jf.jacobian(g)(x), rtol=1e-14)


def test_progress_of_a_jacobian():
    told = []
    jf.jacobian(np.sin, chunk_size=2, progress=lambda *done: told.append(done))(np.ones(5))
    assert told == [(0, 5), (2, 5), (4, 5), (5, 5)]


def test_methods_without_blocks_are_refused():
    with pytest.raises(ValueError, match="accumulate"):
        jf.jacobian(np.sin, method="accumulate", chunk_size=2)(np.ones(5))


def test_blocks_of_a_jacobian():
    def g(x):
        return np.cumsum(np.sin(x))[::3]

    x = np.linspace(0, 1, 10)
    J = jf.jacobian(g)(x)
    for part, block in jf.jacobian(g, chunk_size=3).blocks(x):
        np.testing.assert_allclose(block, J[:, part], rtol=1e-14)
    for part, block in jf.jacobian(g, method="reverse", chunk_size=3, record=True).blocks(x):
        np.testing.assert_allclose(block, J[part], rtol=1e-14)


def test_memory_for_blocks_is_bounded():
    def g(x):
        return np.add.reduceat(x * np.sin(x), np.arange(0, len(x), 100))

    x = np.linspace(0, 1, 100_000)
    jf.set_memory_budget(1 << 27)
    try:
        columns, block = next(jf.jacobian(g).blocks(x))
        assert block.nbytes < 1 << 27
        assert columns.start == 0
        with pytest.raises(MemoryBudgetError, match="chunk_size="):
            next(jf.jacobian(g, chunk_size=100_000).blocks(x))
    finally:
        jf.set_memory_budget(None)


@pytest.mark.filterwarnings("ignore")
def test_dask_arrays():
    pytest.importorskip("dask.array")
    x = np.linspace(0, 1, 30)
    J = jf.jacobian(stencil)(x)
    columns, rows = (jf.jacobian(stencil, chunk_size=7, method=method).dask(x) for method in ("forward", "reverse"))
    assert columns.chunks == ((28,), (7, 7, 7, 7, 2))
    assert rows.chunks[1] == (30,)
    np.testing.assert_allclose(columns[:, 5:11].compute(scheduler="synchronous"), J[:, 5:11], rtol=1e-14)
    np.testing.assert_allclose(rows.sum(axis=0).compute(scheduler="threads"), J.sum(axis=0), rtol=1e-12)
