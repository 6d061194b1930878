"""What derivatives of one function cost here: counted, measured, compared with differences, and extrapolated."""

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.api import jacobian, jvp, trace
from jacfwd.chain import Chain
from jacfwd.cost import Cost, cost_of
from jacfwd.errors import MemoryBudgetError
from jacfwd.layers import layers
from jacfwd.methods import METHODS
from jacfwd.paths import walks
from jacfwd.traced import Graph

__all__ = ["Report", "report"]

MILLION = 10**6
# Larger dense Jacobians are not measured.
DENSE = 2 * 10**7
# Chains with more entries are not walked path by path.
ENTRIES = 200_000
# Fewer inputs say nothing about a million.
FEW = 16


@dataclasses.dataclass(frozen=True)
class Growth:
    """What has been passed up to a level: edges of the graph, and paths from all inputs."""

    level: int
    edges: int
    paths: int


@dataclasses.dataclass(frozen=True)
class Report:
    """Counts and times of a function of n inputs and m outputs and of its derivatives.

    `seconds` has the processor time of one call of `f`, of `jvp`, and of the Jacobian by each method, dense by forward
    and reverse, sparse by the others; `replayed` that of the recorded graph. `skipped` says what was not measured and
    why. `seeds` are pairs (k, seconds): derivatives in the first k inputs by forward mode. `growth` has edges and
    paths by level, empty where there are too many.
    """

    cost: Cost
    seconds: dict[str, float]
    replayed: dict[str, float]
    skipped: dict[str, str]
    seeds: list[tuple[int, float]]
    growth: list[Growth]

    @property
    def per_input(self) -> float:
        """Seconds that one more input takes by forward mode: the slope of `seeds`."""
        if len(self.seeds) == 1:
            return self.seeds[0][1]
        (a, before), (b, after) = self.seeds[-2:]
        return max((after - before) / (b - a), 0.0)

    @property
    def exponent(self) -> float:
        """The slope of `seeds` on logarithmic scales at its end: towards 1 for n-fold cost; nan for one input."""
        if len(self.seeds) < 2:
            return math.nan
        counts, times = zip(*self.seeds[-3:], strict=True)
        return float(np.polyfit(np.log(counts), np.log(times), 1)[0])

    @property
    def million(self) -> float:
        """What forward mode would cost for a million inputs like these, in runs of f; nan for fewer than 16."""
        few = self.seeds[-1][0] < FEW
        return math.nan if few else MILLION * self.per_input / self.seconds["f"]

    @property
    def differences(self) -> dict[str, float]:
        """Seconds of one-sided differences, for every input and with the columns in groups."""
        f = self.seconds["f"]
        return {"differences": (self.cost.n_inputs + 1) * f, "grouped differences": (self.cost.n_colors + 1) * f}

    @property
    def break_even(self) -> dict[str, float]:
        """From how many inputs on each method takes less time than differences do; inf: never.

        Forward mode grows with the inputs, as differences do. The others are taken to cost what they cost here.
        """
        f, found = self.seconds["f"], {}
        for method in self.seconds.keys() & set(METHODS):
            if method == "forward":
                fixed = self.seconds[method] - self.cost.n_inputs * self.per_input
                gain = f - self.per_input
                found[method] = max(1.0, math.ceil((fixed - f) / gain)) if gain > 0 else math.inf
            else:
                found[method] = max(1.0, math.ceil(self.seconds[method] / f - 1))
        return found

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data, for JSON."""
        return {
            **dataclasses.asdict(self),
            "differences": self.differences,
            "break_even": self.break_even,
            "per_input": self.per_input,
            "exponent": self.exponent,
            "million": self.million,
        }

    def plot(self) -> Any:
        """The n-fold cost on logarithmic scales, up to a million inputs, as a picture."""
        from jacfwd.draw.charts import nfold

        return nfold(self)

    def plot_paths(self) -> Any:
        """Paths against edges by level, as a picture."""
        from jacfwd.draw.charts import growth

        return growth(self)

    def __str__(self) -> str:
        return "\n\n".join(filter(None, [str(self.cost), self._times(), self._nfold(), self._paths()]))

    def _times(self) -> str:
        f = self.seconds["f"]
        lines = [f"{'':22}{'seconds':>12}{'runs of f':>12}{'pays from n =':>15}"]
        even = self.break_even
        listed = {**self.seconds, **{f"{name}, replayed": t for name, t in self.replayed.items()}, **self.differences}
        for name, seconds in listed.items():
            pays = f"{even[name]:.0f}" if name in even and even[name] < math.inf else "never" if name in even else ""
            lines.append(f"{name:22}{seconds:>12.3g}{seconds / f:>12.3g}{pays:>15}")
        lines += [f"{name}: not measured, {why}" for name, why in self.skipped.items()]
        return "\n".join(line.rstrip() for line in lines)

    def _nfold(self) -> str:
        f = self.seconds["f"]
        lines = [f"{'inputs':>10}{'seconds':>12}{'runs of f':>12}"]
        lines += [f"{k:>10,}{seconds:>12.3g}{seconds / f:>12.3g}" for k, seconds in self.seeds]
        if math.isfinite(self.million):
            lines.append(f"{MILLION:>10,}{self.million * f:>12.3g}{self.million:>12.3g}   extrapolated")
            lines.append(f"{'exponent':>10}{self.exponent:>12.2f}   1 is n-fold cost")
        return "\n".join(lines)

    def _paths(self) -> str:
        lines = [f"{'level':>10}{'edges':>12}{'paths':>24}"]
        shown = self.growth if len(self.growth) <= 20 else [*self.growth[:10], *self.growth[-10:]]
        lines += [f"{g.level:>10}{g.edges:>12,}{_count(g.paths):>24}" for g in shown]
        return "\n".join(lines) if self.growth else ""


def _count(paths: int) -> str:
    """Small numbers in full, others by their size."""
    return f"{paths:,}" if paths < 10**15 else f"about 10^{len(str(paths)) - 1}"


def report(f: Callable, *args: Any, seconds: float = 5.0, **kwargs: Any) -> Report:
    """Count and measure what derivatives of f cost at these arguments.

    What is foreseen to take longer than `seconds` is not measured. Times are processor times, the least of several.

    >>> found = report(lambda x: np.sum(np.sin(x) * x), np.ones(8))
    >>> found.cost.forward.mul // found.cost.jvp.mul, found.growth[-1].paths
    (8, 16)
    """
    graph = trace(f, *args, **kwargs)
    found = graph.at()
    chain = found.chain()
    counted = cost_of(chain)
    times = {"f": _least(lambda: f(*args, **kwargs))}
    seeds = _seeds(chain, seconds)
    times["jvp"] = _least(lambda: jvp(lambda *leaves: f(*leaves, **kwargs), args, _ones(args)))
    skipped: dict[str, str] = {}
    for method in (method for method in METHODS if method != "auto"):
        why = _measured(f, args, kwargs, method, counted, seeds, seconds, times)
        if why:
            skipped[method] = why
    replayed = _replayed(graph, args, kwargs, "accumulate" in times)
    return Report(counted, times, replayed, skipped, seeds, _growth(chain))


def _ones(args: tuple) -> tuple:
    """A tangent for every argument that is differentiated."""
    return tuple(_one(arg) for arg in args)


def _one(arg: Any) -> Any:
    if isinstance(arg, dict):
        return {key: _one(part) for key, part in arg.items()}
    if isinstance(arg, tuple):
        return tuple(_one(part) for part in arg)
    return np.ones_like(arg) if np.asarray(arg).dtype.kind in "fc" else None


def _least(call: Callable[[], object], enough: float = 0.05) -> float:
    """The least processor time of one call; the first is not counted."""
    call()
    best, spent, rounds = math.inf, 0.0, 0
    while rounds < 3 or (spent < enough and rounds < 50):
        number, taken = 1, 0.0
        while taken < 1e-3:
            start = time.process_time()
            for _ in range(number):
                call()
            taken = time.process_time() - start
            best, number = min(best, taken / number) if taken else best, number * 4
        spent, rounds = spent + taken, rounds + 1
    return best


def _seeds(chain: Chain, seconds: float) -> list[tuple[int, float]]:
    """Times of pushing 1, 2, 4 ... n seeds through the chain, as long as there is time."""
    found: list[tuple[int, float]] = []
    k, widest = 1, max([math.prod(node.shape) for node in chain.graph.nodes], default=1)
    while True:
        block = np.zeros((k, chain.n), np.result_type(chain.dtype, np.float16))
        block[np.arange(k), np.arange(k)] = 1
        found.append((k, _least(lambda block=block: chain.push(block), 0.01)))  # type: ignore[misc]
        if k == chain.n or 16 * found[-1][1] > seconds or 8 * k * widest > DENSE:
            return found
        k = min(4 * k, chain.n)


def _measured(
    f: Callable,
    args: tuple,
    kwargs: dict[str, Any],
    method: str,
    counted: Cost,
    seeds: list[tuple[int, float]],
    seconds: float,
    times: dict[str, float],
) -> str:
    """Measure one method, or say why not."""
    sparse = method in ("accumulate", "compress")
    count = {"forward": counted.n_inputs, "reverse": counted.n_outputs, "compress": counted.n_colors}.get(method, 1)
    if not sparse and counted.n_inputs * counted.n_outputs > DENSE:
        return f"a dense Jacobian of {counted.n_outputs:,} x {counted.n_inputs:,}"
    pushed, spent = seeds[-1]
    foreseen = count / pushed * spent
    if 5 * foreseen > seconds:
        return f"about {foreseen:.2g} s"
    try:
        derivative = jacobian(f, argnums=_selected(args), method=method, sparse=sparse)
        times[method] = _least(lambda: derivative(*args, **kwargs))
    except (MemoryBudgetError, ValueError) as error:
        return str(error).partition("\n")[0]
    return ""


def _selected(args: tuple) -> Any:
    """The positional arguments that are differentiated."""
    found = tuple(k for k, arg in enumerate(args) if _one(arg) is not None)
    return found[0] if len(found) == 1 else found


def _replayed(graph: Graph, args: tuple, kwargs: dict[str, Any], sparse: bool) -> dict[str, float]:
    """Times of the recorded graph."""
    found = {"f": _least(lambda: graph(*args, **kwargs))}
    if not kwargs:
        found["jvp"] = _least(lambda: graph.jvp(args, _ones(args)))
    if sparse:
        found["accumulate"] = _least(lambda: graph.jacobian(*args, sparse=True, **kwargs))
    return found


def _growth(chain: Chain) -> list[Growth]:
    """Edges and paths up to each level, unless there are too many."""
    if sum(fmt.nnz for _, _, fmt in chain.edges()) > ENTRIES:
        return []
    level, edges = chain.levels(), {0: 0}
    for _, child, fmt in chain.edges():
        edges[level[child]] = edges.get(level[child], 0) + fmt.nnz
    factors = [layer.matrix for layer in layers(chain)]
    paths = [sum(counts) for counts in walks(factors, [1] * chain.n)]
    passed = np.cumsum([edges.get(k, 0) for k in range(len(paths))]).tolist()
    return [Growth(k, passed[k], count) for k, count in enumerate(paths)]
