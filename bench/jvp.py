"""What does one Jacobian-vector product cost? P7, P8 and P13 at several sizes."""

from collections.abc import Callable, Sequence

import jacfwd as jf
from bench.measure import direction_of, interleaved, verify
from bench.problems import Problem, ackley, elementwise_chain, logistic_regression, rosenbrock
from bench.report import Row, Section

SMALL = (
    rosenbrock(10),
    ackley(10),
    logistic_regression(9),
    elementwise_chain(1000),
)


def problems() -> tuple[Problem, ...]:
    """The problems of the published table, from tiny to large."""
    return (
        *(rosenbrock(n) for n in (2, 10, 100, 10**4, 10**6)),
        *(ackley(n) for n in (2, 10, 100, 10**4, 10**6)),
        *(logistic_regression(n - 1, samples=500) for n in (8, 64, 512, 4096)),
        *(elementwise_chain(n) for n in (10**3, 10**4, 10**5, 10**6)),
    )


def contenders(problem: Problem) -> dict[str, Callable[[], object]]:
    """The function, a JVP that runs it on stand-ins, one of a recorded graph, and the recording; verified."""
    f, x, v = problem.function, problem.point, direction_of(problem)
    graph = jf.trace(f, x)
    verify(problem, v, jf.jvp(f, x, v)[1])
    verify(problem, v, graph.jvp(x, v)[1])
    return {
        "f": lambda: f(x),
        "jvp": lambda: jf.jvp(f, x, v),
        "replay": lambda: graph.jvp(x, v),
        "trace": lambda: jf.trace(f, x),
    }


def measure(cases: Sequence[Problem], rounds: int = 9) -> list[Row]:
    """One row per problem."""
    rows: list[Row] = []
    for problem in cases:
        timings = interleaved(contenders(problem), rounds=rounds)
        row: dict[str, str | int | float] = {"problem": problem.name, "n": problem.n}
        row["f [us]"] = 1e6 * timings.seconds("f")
        row |= {f"{name} / f": timings.ratio(name, "f") for name in ("jvp", "replay", "trace")}
        rows.append(row)
    return rows


def section(cases: Sequence[Problem], rounds: int = 9) -> Section:
    """The table, with the ratio at the largest size."""
    rows = measure(cases, rounds)
    last = rows[-1]
    return Section(
        title="One Jacobian-vector product",
        about="`jvp` runs f once on stand-in arrays and returns value and derivative; `trace` records the "
        "graph and `replay` is the JVP of that graph, value included.",
        rows=rows,
        result=f"For {last['problem']} at n = {last['n']} value and JVP cost {last['jvp / f']:.2f} x f.",
    )
