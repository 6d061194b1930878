"""What derivatives cost: multiplications, additions and bytes, read off the formats of a chain."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from jacfwd.accumulate import columns_of, structure
from jacfwd.chain import Chain
from jacfwd.coloring.greedy import greedy
from jacfwd.formats import compose as algebra
from jacfwd.formats.base import Format
from jacfwd.graph import Graph
from jacfwd.pattern import Pattern

__all__ = ["Cost", "Count", "cost_of", "plot", "report"]

SUMS = {"add", "subtract", "sum", "mean", "cumsum", "diff"}
# What recordings insert to read and assemble buffers.
MOVEMENT = {"assemble", "cast", "element", "view"}


@dataclasses.dataclass(frozen=True)
class Count:
    """Scalar multiplications (with divisions and function values), additions, and bytes moved."""

    mul: int
    add: int
    bytes: int

    def __add__(self, other: "Count") -> "Count":
        return Count(self.mul + other.mul, self.add + other.add, self.bytes + other.bytes)

    def times(self, k: int) -> "Count":
        """k times as much."""
        return Count(k * self.mul, k * self.add, k * self.bytes)


NOTHING = Count(0, 0, 0)


@dataclasses.dataclass(frozen=True)
class Cost:
    """Counts for the value, for one tangent, and for the whole Jacobian by each method.

    `forward` is n times `jvp` for n inputs, `compress` as many times as the pattern needs colours, `reverse` m
    times for m outputs, `accumulate` the products of structured local Jacobians.
    """

    value: Count
    jvp: Count
    forward: Count
    compress: Count
    accumulate: Count
    reverse: Count
    n_inputs: int
    n_outputs: int
    n_colors: int

    def __str__(self) -> str:
        rows = [(field.name, getattr(self, field.name)) for field in dataclasses.fields(self)][:6]
        seeds = {"jvp": 1, "forward": self.n_inputs, "compress": self.n_colors, "reverse": self.n_outputs}
        lines = [f"{'':12}{'seeds':>10}{'multiply':>16}{'add':>16}{'bytes':>18}"]
        for name, count in rows:
            lines.append(f"{name:12}{seeds.get(name, ''):>10}{count.mul:>16,}{count.add:>16,}{count.bytes:>18,}")
        return "\n".join(lines)


def cost_of(chain: Chain) -> Cost:
    """The cost of a chain's derivatives, from sizes and structure."""
    value = _value(chain)
    jvp = sum((_push(fmt) for step in chain.steps for _, fmt in step.groups), NOTHING)
    joins = sum(max(len(step.groups) - 1, 0) * step.groups[0][1].n_out for step in chain.steps)
    jvp = jvp + Count(0, joins, 0)
    accumulated, pattern = _accumulate(chain)
    n_colors = int(greedy(pattern).max(initial=-1)) + 1
    return Cost(
        value,
        jvp,
        jvp.times(chain.n),
        jvp.times(n_colors),
        accumulated,
        jvp.times(chain.m),
        chain.n,
        chain.m,
        n_colors,
    )


def _push(fmt: Format) -> Count:
    mul, add = fmt.work()
    return Count(mul, add, 8 * (fmt.n_in + fmt.n_out + mul))


def _value(chain: Chain) -> Count:
    formats = {step.node: [fmt for _, fmt in step.groups] for step in chain.steps}
    return sum((_node(chain.graph, at, formats.get(at, [])) for at in range(len(chain.graph.nodes))), NOTHING)


def _node(graph: Graph, at: int, formats: list[Format]) -> Count:
    """One operation: an addition or a multiplication per element it computes or sums.

    Contractions and the like are what one product with their local Jacobian is.
    """
    node = graph.nodes[at]
    if node.primitive is None or node.primitive.moves or node.primitive.short in MOVEMENT:
        return NOTHING
    size, kind = math.prod(node.shape), node.primitive.rule.kind
    read = sum(math.prod(graph.nodes[p].shape) for p in node.parents if p is not None)
    plain = size if kind == "elementwise" else max(read, size)
    if node.primitive.short in SUMS or kind == "reduction":
        mul, add = 0, plain
    elif kind == "elementwise":
        mul, add = plain, 0
    else:
        mul, add = max((fmt.work() for fmt in formats), default=(plain, 0))
    return Count(mul, add, 8 * (read + size))


def _accumulate(chain: Chain) -> tuple[Count, Pattern]:
    """Multiplications and additions of the structured products, and the pattern they end in."""
    held: dict[int, Format] = {at: columns_of(chain, k) for k, at in enumerate(chain.wrt)}
    total = NOTHING
    for parent, child, fmt in chain.edges():
        product = algebra.compose(fmt, held[parent])
        unit = fmt.work()[0] == 0 or held[parent].work()[0] == 0
        total = total + Count(0 if unit else product.nnz, 0, 8 * product.nnz)
        if child in held:
            total = total + Count(0, product.nnz, 8 * product.nnz)
            product = algebra.add([held[child], product])
        held[child] = product
    parts = [None if out.node is None else held.get(out.node) for out in chain.graph.outputs]
    return total, structure(chain, parts)


def report(f: Callable, *args: Any, seconds: float = 5.0, **kwargs: Any) -> Any:
    """Count and measure what derivatives of f cost at these arguments.

    The result's text is a table of counts, measured times, break-even against differences, the n-fold cost with its
    extrapolation to a million inputs, and paths against edges; `.plot()` and `.plot_paths()` are pictures. What is
    foreseen to take longer than `seconds` is not measured. Processor times, the least of several.
    """
    from jacfwd.report import report as made

    return made(f, *args, seconds=seconds, **kwargs)


def plot(f: Callable, *args: Any, seconds: float = 5.0, **kwargs: Any) -> Any:
    """The n-fold cost of forward mode for f, measured, on logarithmic scales up to a million inputs, as a picture."""
    return report(f, *args, seconds=seconds, **kwargs).plot()
