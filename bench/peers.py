"""Other libraries on the same problems: `python -m bench.peers P1-20000` measures one case in a process of its own.

Each peer is given its best form (`bench.peer_forms`): compiled, with buffers or in double precision, its colouring done
before. Those that are not installed (`pip install jacfwd[peers]`) are left out. Cases on one thread are held on one
core from the start, since XLA otherwise uses all of them.
"""

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import metadata

import numpy as np

import jacfwd as jf
from bench import peer_forms as forms
from bench import problems
from bench.peer_forms import Call
from bench.problems import Problem
from bench.replay import best, confirmed, direction_of, logistic
from bench.report import Row, Section

Calls = dict[str, Call]
NAMES = ("jax", "asdex", "casadi", "sparsediffpy", "autograd", "numdifftools")


@dataclasses.dataclass(frozen=True)
class Case:
    """What is built, and how many times faster than each peer it should be; `all_cores` where threads may be used."""

    build: Callable[[], Calls]
    at_least: Mapping[str, float] = dataclasses.field(default_factory=dict)
    all_cores: bool = False


def has(name: str) -> bool:
    """Whether a peer is installed."""
    return importlib.util.find_spec(name) is not None


# What is compared, each on the problems that the case names


def scipy_differences(problem: Problem) -> Call:
    """SciPy: forward differences, coloured once."""
    from scipy.optimize._numdiff import approx_derivative, group_columns

    structure = jf.sparsity(problem.function, problem.point).tocsr().astype(np.int8)
    groups = group_columns(structure)
    return lambda: approx_derivative(problem.function, problem.point, method="2-point", sparsity=(structure, groups))


def sparse(problem: Problem, peers: Sequence[str] = ("casadi", "asdex")) -> Calls:
    """Sparse Jacobians, into the same matrix."""
    f, x = problem.function, problem.point
    G = jf.trace(f, x)
    out = G.jacobian(x, sparse=True)
    confirmed(problem, out)
    expected = out.copy()
    calls: Calls = {"f": partial(f, x), "jacfwd": partial(G.jacobian, x, sparse=True, out=out)}
    if "casadi" in peers and has("casadi"):
        calls["casadi SX, buffers"] = forms.casadi_sparse(problem, expected)
        if problem.n <= 2048:
            calls["casadi SX, plain call"] = forms.casadi_sparse(problem, expected, buffers=False)
    if "asdex" in peers and has("asdex"):
        calls["asdex, jit"] = forms.asdex_sparse(problem, expected)
    if problem.name in forms.ENGINE and has("sparsediffpy"):
        calls["sparsediffpy"] = forms.engine_sparse(problem, expected)
    if "scipy" in peers:
        calls["scipy, coloured differences"] = scipy_differences(problem)
    return calls


def dense(problem: Problem) -> Calls:
    """Dense Jacobians of small systems, and of P11."""
    f, x = problem.function, problem.point
    J = jf.jacobian(f, record=True)
    expected = J(x)
    confirmed(problem, expected)
    calls: Calls = {"f": partial(f, x), "jacfwd": partial(J, x)}
    if has("jax"):
        calls["jax.jacfwd, jit"] = forms.jax_dense(problem, expected)
    if has("casadi"):
        if problem.name == "P11-input":
            calls["casadi MX, buffers"] = forms.casadi_dense(problem.n, problem, expected)
        else:
            calls["casadi SX, buffers"] = forms.casadi_sparse(problem, expected)
    if has("numdifftools") and problem.n <= 100:
        import numdifftools

        calls["numdifftools"] = partial(numdifftools.Jacobian(f), x)
    return calls


def gradient(problem: Problem) -> Calls:
    """Gradients."""
    f, x = problem.function, problem.point
    G = jf.trace(f, x)
    expected = G.gradient(x)
    confirmed(problem, np.reshape(expected, (1, -1)))
    calls: Calls = {"f": partial(f, x), "jacfwd": partial(G.gradient, x)}
    if has("jax"):
        calls["jax.grad, jit"] = forms.jax_dense(problem, expected, "grad")
    if has("autograd"):
        calls["autograd"] = forms.autograd_gradient(problem, expected)
    if has("numdifftools") and problem.n <= 100:
        import numdifftools

        calls["numdifftools"] = partial(numdifftools.Gradient(f), x)
    return calls


def scalar() -> Calls:
    """The gradient of P8 of three numbers."""
    problem = problems.logistic_scalar()
    args = tuple(map(float, problem.point))
    g = jf.gradient(logistic, argnums=(0, 1, 2), record=True)
    np.testing.assert_allclose(g(*args), problem.jacobian(problem.point)[0], rtol=1e-12)
    calls: Calls = {"f": partial(logistic, *args), "jacfwd": partial(g, *args)}
    if has("jax"):
        jax = forms.jax_double()
        own = jax.jit(jax.grad(lambda a, b, x: 1 / (1 + jax.numpy.exp(-(a * x + b))), argnums=(0, 1, 2)))
        np.testing.assert_allclose(own(*args), g(*args), rtol=1e-12)
        calls["jax.grad, jit"] = lambda: jax.block_until_ready(own(*args))
    return calls


def product(problem: Problem) -> Calls:
    """Value and JVP on all cores."""
    f, x, v = problem.function, problem.point, direction_of(problem)
    jf.set_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    G = jf.trace(f, x)
    assert problem.jacobian is not None
    expected = problem.jacobian(x) @ v
    np.testing.assert_allclose(G.jvp(x, v)[1], expected, rtol=0, atol=1e-12)
    calls: Calls = {"f": partial(f, x), "jacfwd": partial(G.jvp, x, v)}
    if has("jax"):
        calls["jax.jvp, jit"] = forms.jax_jvp(problem, v, expected)
    return calls


ALL = ("casadi", "asdex", "scipy")
CASES: dict[str, Case] = {
    "P1-2048": Case(lambda: sparse(problems.brusselator(32), ALL), {"casadi": 2, "asdex": 3}),
    "P1-20000": Case(lambda: sparse(problems.brusselator(100), ALL), {"casadi": 2, "asdex": 3}),
    "P1-199712": Case(lambda: sparse(problems.brusselator(316)), {"casadi": 1, "asdex": 1}),
    "P2-10000": Case(lambda: sparse(problems.bratu(100), ALL)),
    "P3-8192": Case(lambda: sparse(problems.burgers(64), ALL)),
    "P3-131072": Case(lambda: sparse(problems.burgers(256))),
    "P3-upwind-8192": Case(lambda: sparse(problems.burgers(64, upwind=True), ("asdex",))),
    "P4-1000": Case(lambda: sparse(problems.heat(1000), ("casadi",))),
    "P5-tridiagonal-10000": Case(lambda: sparse(problems.broyden_tridiagonal(10**4), ALL)),
    "P5-banded-10000": Case(lambda: sparse(problems.broyden_banded(10**4), ALL)),
    "P6-1000": Case(lambda: sparse(problems.arrowhead(1000), ALL)),
    "P7-100": Case(lambda: gradient(problems.rosenbrock(100))),
    "P7-1000000": Case(lambda: gradient(problems.rosenbrock(10**6))),
    "P7-ackley-10000": Case(lambda: gradient(problems.ackley(10**4))),
    "P8": Case(scalar, {"jax": 5}),
    "P8-512": Case(lambda: gradient(problems.logistic_regression(512, 500))),
    "P9": Case(lambda: sparse(problems.bundle_adjustment(21, 1131, 3645))),
    "P10": Case(lambda: sparse(problems.gather_scatter(2000))),
    "P11-512": Case(lambda: dense(problems.perceptron(512)), {"jax": 1}),
    "P12-robertson": Case(lambda: dense(problems.robertson())),
    "P12-network": Case(lambda: dense(problems.mass_action())),
    "P13-1000000": Case(lambda: product(problems.elementwise_chain(10**6)), {"jax": 1 / 1.1}, all_cores=True),
}


def measured(name: str) -> list[Row]:
    """One case in a process of its own: for each peer its time over that of jacfwd, and over f."""
    found = subprocess.run(
        [sys.executable, "-m", "bench.peers", name], stdout=subprocess.PIPE, text=True, timeout=600, check=True
    )
    seconds = json.loads(found.stdout.splitlines()[-1])
    rows: list[Row] = []
    for peer, taken in seconds.items():
        if peer not in ("f", "jacfwd"):
            row: dict[str, str | float | None] = {"case": name, "peer": peer, "peer / f": taken / seconds["f"]}
            row["jacfwd / f"] = seconds["jacfwd"] / seconds["f"]
            row["peer / jacfwd"] = taken / seconds["jacfwd"]
            wanted = CASES[name].at_least
            row["at least"] = next((factor for start, factor in wanted.items() if peer.startswith(start)), None)
            rows.append(row)
    return rows


def rows(names: Sequence[str]) -> Iterator[Row]:
    """The rows of several cases."""
    for name in names:
        yield from measured(name)


def section(quick: bool = False) -> Section | None:
    """The table; None where no peer is installed."""
    installed = [f"{name} {metadata.version(name)}" for name in NAMES if has(name)]
    names = ["P1-2048", "P8"] if quick else list(CASES)
    table = list(rows(names))
    if not table:
        return None
    ahead = sum(float(row["peer / jacfwd"] or 0) > 1 for row in table)
    behind = [f"{row['peer']} on {row['case']}" for row in table if float(row["peer / jacfwd"] or 0) <= 1]
    return Section(
        title="Other libraries",
        about="Replay of a prepared derivative beside other libraries, each prepared and compiled before and in its "
        "best form, in the same process, as shortest times of many calls in turn: elapsed time, since some of them "
        "compute on threads of their own. All on one core, but for P13, which has all of them. P7, P8: gradients; "
        "P11, P12: dense Jacobians; P13: value and JVP; all others: sparse Jacobians. The number is "
        f"that of the unknowns, of features for P8. Versions: {', '.join(installed)}.",
        rows=table,
        result=f"jacfwd is ahead in {ahead} of {len(table)} comparisons"
        + (f"; ahead of it are {', '.join(behind)}." if behind else "."),
    )


def main() -> None:
    """Measure one case and print the seconds as JSON."""
    case = CASES[sys.argv[1]]
    if not case.all_cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(json.dumps(best(case.build(), 4.0, time.perf_counter)))


if __name__ == "__main__":
    main()
