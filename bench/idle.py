"""What do others pay for a recording, and a replay for its guards? `python -m bench.idle`.

Names that lead to substitutes are common to all threads, so that a call of `np.zeros` in another thread costs a little
more while a recording runs, and nothing when none does. Guards compare what the recording relied on with what the
replay has computed.
"""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

import jacfwd as jf
from bench import report
from bench.measure import interleaved
from bench.report import Row, Section
from jacfwd.graph import Graph, Output
from jacfwd.program import reading as programs

Array = npt.NDArray[Any]


def zeros() -> Array:
    """What other threads do."""
    return np.zeros(3)


@contextmanager
def recording_elsewhere() -> Iterator[None]:
    """A recording that is running, in another thread, which sleeps meanwhile."""
    entered, done = threading.Event(), threading.Event()

    def f(x: Array) -> Array:
        entered.set()
        done.wait()
        return x * np.ones(3)

    thread = threading.Thread(target=jf.linearize, args=(f, np.ones(3)))
    thread.start()
    entered.wait()
    try:
        yield
    finally:
        done.set()
        thread.join()


def idle_rows(rounds: int = 15) -> list[Row]:
    """Time of `np.zeros` before, during and after a recording in another thread."""
    rows: list[Row] = []
    never = interleaved({"zeros": zeros}, rounds=rounds).seconds("zeros")
    jf.linearize(lambda x: x * np.ones(3), np.ones(3))
    idle = interleaved({"zeros": zeros}, rounds=rounds).seconds("zeros")
    with recording_elsewhere():
        busy = interleaved({"zeros": zeros}, rounds=rounds).seconds("zeros")
    after = interleaved({"zeros": zeros}, rounds=rounds).seconds("zeros")
    for name, seconds in (("before any", never), ("between", idle), ("during one", busy), ("after", after)):
        rows.append({"recording": name, "np.zeros [us]": 1e6 * seconds, "more [us]": 1e6 * (seconds - never)})
    return rows


def sorted_weights(x: Array) -> Array:
    """An order that is relied on."""
    return np.sort(x) * np.cos(x[np.argsort(-x)])


def selected(x: Array) -> Array:
    """Masks that are relied on."""
    return x[x > 0] ** 2 if np.max(x) < 10 else x


def robertson(y: Array) -> Array:
    """A branch on a number."""
    a, b, c = y
    rate = 3e7 if b < 0.5 else 1e7
    slow, fast = -0.04 * a + 1e4 * b * c, rate * b**2
    return np.array([slow, -slow - fast, fast])


def newton(x: Array) -> Array:
    """A loop whose length is relied on."""
    y = x
    while np.max(np.abs(y * y - x)) > 1e-12:
        y = 0.5 * (y + x / y)
    return y


GUARDED: dict[str, tuple[Callable[[Array], Array], Array]] = {
    "sort, 10,000": (sorted_weights, np.random.default_rng(1).normal(size=10_000)),
    "mask, 10,000": (selected, np.random.default_rng(2).normal(size=10_000)),
    "if, 3": (robertson, np.array([0.7, 1e-5, 0.3])),
    "while, 1,000": (newton, np.linspace(1.0, 2.0, 1_000)),
}


def guard_rows(rounds: int = 9) -> list[Row]:
    """Replays of a graph with its guards; without comparing, though all that is compared is computed; without both.

    The function itself computes what is compared as well, so that the comparing is what guards cost.
    """
    rows: list[Row] = []
    for name, (f, x) in GUARDED.items():
        graph = jf.trace(f, x)
        nodes = graph.data.nodes
        watched = [Output(g.node, None, nodes[g.node].shape, nodes[g.node].dtype) for g in graph.data.guards]
        for reading in ("value", "value and tangent"):
            graphs = {
                "guarded": graph.data,
                "computed": dataclasses.replace(graph.data, outputs=[*graph.data.outputs, *watched], guards=[]),
                "blind": dataclasses.replace(graph.data, guards=[]),
            }
            runs = {kind: program_of(data, x, reading) for kind, data in graphs.items()}
            timings = interleaved(runs, rounds=rounds)
            rows.append(
                {
                    "function": name,
                    "reading": reading,
                    "guards": len(watched),
                    "replay [us]": 1e6 * timings.seconds("guarded"),
                    "comparing [%]": 100 * (1 - timings.ratio("computed", "guarded")),
                    "and computing [%]": 100 * (1 - timings.ratio("blind", "guarded")),
                }
            )
    return rows


def program_of(graph: Graph, x: Array, reading: str) -> Callable[[], object]:
    """A replay of the values, or of the values and their tangents."""
    if reading == "value":
        return partial(programs.value(graph, [x]), [x])
    return partial(programs.pushed(graph, [x], [x]), [x], [x])


def sections(rounds: int = 9) -> list[Section]:
    """Both tables."""
    idle, guards = idle_rows(rounds), guard_rows(rounds)
    more = max(float(row["more [us]"] or 0) for row in idle)
    worst = max(float(row["comparing [%]"] or 0) for row in guards)
    return [
        Section("Other threads", "np.zeros(3) in a thread that records nothing.", idle, f"At most {more:.2f} us more."),
        Section(
            "Guards",
            "Their share of a replay: comparing alone, and with computing what is compared but not needed.",
            guards,
            f"At most {worst:.0f} %.",
        ),
    ]


if __name__ == "__main__":
    print(report.markdown(sections()))
