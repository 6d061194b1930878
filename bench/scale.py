"""Many points, many cores: what batches, executors, threads and blocks on disk cost, and a model of it.

`python -m bench.scale` measures and prints; `python -m bench` puts the table on the page.
"""

import os
import pickle
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import jacfwd as jf
from bench import problems
from bench.report import Row, Section, markdown_table
from jacfwd.spread import Columns, spread

Array = npt.NDArray[Any]
POINTS, FEW = 100_000, 200


def ten(x: Array) -> Array:
    """A function of ten inputs with a branch."""
    a, b = x[:5], x[5:]
    r = np.sqrt(np.sum(a * a)) + np.exp(-(b[0] ** 2))
    if x[0] > 0.5:
        r = r * np.sin(b).sum()
    out = np.zeros(4)
    out[0] = r
    out[1:] = np.cumsum(a[:3] * b[1:4])
    return out


def ten_by_hand(X: Array) -> tuple[Array, Array]:
    """Values and Jacobians of `ten` at the rows of X, vectorised and differentiated by hand."""
    a, b, high = X[:, :5], X[:, 5:], X[:, 0] > 0.5
    length, bell = np.sqrt(np.sum(a * a, axis=1)), np.exp(-(b[:, 0] ** 2))
    waves, r = np.sin(b).sum(axis=1), length + bell
    out, J = np.zeros((len(X), 4)), np.zeros((len(X), 4, 10))
    out[:, 0] = np.where(high, r * waves, r)
    out[:, 1:] = np.cumsum(a[:, :3] * b[:, 1:4], axis=1)
    scale = np.where(high, waves, 1.0)
    J[:, 0, :5] = (scale / length)[:, None] * a
    J[:, 0, 5] = scale * bell * -2 * b[:, 0]
    J[:, 0, 5:] += np.where(high, r, 0.0)[:, None] * np.cos(b)
    for i in range(3):
        J[:, i + 1 :, i] = b[:, 1 + i, None]
        J[:, i + 1 :, 6 + i] = a[:, i, None]
    return out, J


def python_bound(x: Array) -> float:
    """A loop of scalar operations, which Python and not BLAS spends its time on."""
    total = 0.0
    for k in range(400):
        total = total + x[k % len(x)] * np.sin(total)
    return total


def ends(x: Array) -> Array:
    """Sums of a thousand stretches of a million inputs."""
    return np.add.reduceat(x * np.sin(x), np.arange(0, len(x), len(x) // 100))


def elapsed(call: Callable[[], object], repeats: int = 5) -> float:
    """The least time of several calls on the clock on the wall, after one that is not counted."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


@contextmanager
def workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """Processes with one BLAS thread each, warmed up."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as executor:
            list(executor.map(warm, range(4 * count)))
            yield executor
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def warm(k: int) -> float:
    """Import what a worker needs, and give every worker a turn."""
    time.sleep(0.05)
    return float(jf.gradient(np.sum)(np.ones(2))[0])


def batches(points: int) -> list[Row]:
    """One vectorised pass against the hand-written one, and against a loop."""
    X = np.random.default_rng(0).normal(size=(points, 10))
    derivative = jf.value_and_jacobian(ten, batch=True)
    y, J = derivative(X)
    expected = ten_by_hand(X)
    np.testing.assert_allclose(y, expected[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(J, expected[1], rtol=1e-12, atol=1e-12)
    by_hand, batch = elapsed(lambda: ten_by_hand(X)), elapsed(lambda: derivative(X))
    kept = jf.value_and_jacobian(ten, batch=True, record=True)
    again = elapsed(lambda: kept(X))
    single = jf.value_and_jacobian(ten)
    loop = elapsed(lambda: [single(x) for x in X[:FEW]], 3) * points / FEW
    return [
        row("batch, recorded anew, over the derivative by hand", batch / by_hand, "at most 3"),
        row("batch, record=True, over the derivative by hand", again / by_hand, ""),
        row("a loop of one-off calls over the batch", loop / batch, "at least 50"),
    ]


def row(measure: str, value: float, target: str) -> Row:
    """One line of the table."""
    return {"measure": measure, "value": float(value), "target": target}


def processes(scale: int) -> list[Row]:
    """Two processes against one: columns of bundle adjustment, and one-off calls of a loop in Python."""
    problem = problems.bundle_adjustment(21 // scale + 1, 11315 // scale, 36455 // scale)
    x = problem.point
    graph = jf.trace(problem.function, x).data
    task = Columns(graph, [x], graph.inputs)
    count, size = 16 * 128, 128
    xs = [np.linspace(0.1, 1.0, 8) + 0.01 * k for k in range(64)]
    gradient = jf.gradient(python_bound)
    times: dict[tuple[str, int], float] = {}
    for number in (1, 2):
        with workers(number) as executor:
            times["columns", number] = elapsed(lambda e=executor: drain(task, count, size, e), 3)
            times["one-off", number] = elapsed(lambda e=executor: list(e.map(gradient, xs, chunksize=4)), 3)
    names = {"columns": f"columns of bundle adjustment, {count} of {x.size}", "one-off": "one-off calls of a loop"}
    return [
        row(f"{text}: one process over two", times[key, 1] / times[key, 2], "at least 1.7")
        for key, text in names.items()
    ]


def drain(task: Columns, count: int, size: int, executor: Any) -> None:
    """All blocks, of which only the sums are kept."""
    for _ in spread(Summed(task), count, size, executor):
        pass


class Summed:
    """Blocks of columns, each summed where it is made, so that work and not traffic is measured."""

    def __init__(self, task: Columns) -> None:
        self.task = task

    def __call__(self, start: int, stop: int) -> float:
        return float(self.task(start, stop).sum())


def threads(n: int) -> list[Row]:
    """Two threads against one on the replay of an elementwise chain."""
    problem = problems.elementwise_chain(n)
    G, x = jf.trace(problem.function, problem.point), problem.point
    v = np.ones(n)
    one = elapsed(lambda: G.jvp(x, v))
    jf.set_threads(2)
    try:
        two = elapsed(lambda: G.jvp(x, v))
    finally:
        jf.set_threads(1)
    return [row(f"replay of P13, n = {n:,}: one thread over two", one / two, "at least 1.5")]


def on_disk(columns: int) -> list[Row]:
    """A forward Jacobian written to disk block by block within a budget of 1 GiB."""
    x = np.linspace(0.0, 1.0, columns)
    jf.set_memory_budget(1 << 30)
    try:
        with tempfile.TemporaryDirectory() as folder:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            start = time.perf_counter()
            shape = (len(ends(x)), columns)
            J = np.lib.format.open_memmap(Path(folder) / "J.npy", mode="w+", dtype=float, shape=shape)
            for part, block in jf.jacobian(ends, chunk_size=1000).blocks(x):
                J[:, part] = block
            spent = time.perf_counter() - start
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            rows = np.arange(columns) // (columns // shape[0])
            np.testing.assert_allclose(J[rows, np.arange(columns)], np.sin(x) + x * np.cos(x), rtol=1e-12)
            assert np.count_nonzero(J[:, ::997]) <= len(range(0, columns, 997))
    finally:
        jf.set_memory_budget(None)
    return [
        row(f"{columns:,} columns written to disk, {shape[0] * columns * 8 / 2**20:.0f} MiB: seconds", spent, ""),
        row(
            "memory for it beyond what was there, MiB (pages of the file included)",
            (after - before) / 1024,
            "at most 1024",
        ),
    ]


def model() -> list[Row]:
    """Parameters of the model in the documentation, and its prediction for two workers."""
    n = 4000
    W = np.random.default_rng(1).normal(size=(n, n)) / n

    def layer(x: Array) -> Array:
        return np.tanh(W @ np.tanh(W @ x))

    x = np.linspace(-1, 1, n)
    graph = jf.trace(layer, x).data
    task = Columns(graph, [x], graph.inputs)
    size, blocks = 100, 16
    sent = len(pickle.dumps(task))
    assert task.chain.n == n
    alone = elapsed(lambda: task(0, size), 3)
    with workers(2) as executor:
        first = time.perf_counter()
        executor.submit(shipped, task).result()
        shipping = time.perf_counter() - first
        latency = elapsed(lambda: executor.submit(warm_free).result(), 20)
        block = np.zeros((n, size))
        back = elapsed(lambda: executor.submit(echo, block).result(), 5) / 2
        measured = elapsed(lambda: [None for _ in spread(task, size * blocks, size, executor)], 3)
    predicted = max(blocks * alone / 2, blocks * (shipping + back)) + latency
    return [
        row("one block of 100 columns, alone: ms", 1e3 * alone, ""),
        row(f"the graph there, {sent / 2**20:.0f} MiB: ms", 1e3 * shipping, ""),
        row("a block back: ms", 1e3 * back, ""),
        row("an empty task: ms", 1e3 * latency, ""),
        row("16 blocks on two processes: ms", 1e3 * measured, ""),
        row("the same by the model: ms", 1e3 * predicted, "within a factor of 2"),
    ]


def shipped(task: Any) -> int:
    """Takes a task and gives nothing back."""
    return len(task.leaves)


def warm_free() -> None:
    """Nothing."""


def echo(block: Array) -> Array:
    """A block there and back."""
    return block


def rows(quick: bool = False) -> list[Row]:
    """Everything that is measured."""
    found = batches(2000 if quick else POINTS)
    found += processes(20 if quick else 1)
    found += threads(10**5 if quick else 10**6)
    found += on_disk(10**4 if quick else 10**6)
    return found + model()


def section(quick: bool = False) -> Section:
    """The table for the page."""
    return Section(
        "Many points and many cores",
        f"A function of ten inputs with a branch at {POINTS:,} points; bundle adjustment, a loop in Python and an "
        "elementwise chain on two cores; a million columns to disk; and the parameters of the model in "
        "[Past one machine](explanation/scale.md). Times of the clock on the wall, the least of several.",
        rows(quick),
        "Each Jacobian was compared with one derived by hand before it was timed.",
    )


if __name__ == "__main__":
    print(markdown_table(rows()))
