"""Other libraries on the same problems: `python -m bench.peers P1-20000` measures one case in a process of its own.

Each peer is given its best form: compiled, with buffers or in double precision, its colouring done before. Those that
are not installed (`pip install jacfwd[peers]`) are left out. Cases on one thread are held on one core from the start,
since XLA otherwise uses all of them.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

import jacfwd as jf
from bench import problems
from bench.problems import Problem
from bench.replay import best, confirmed, direction_of, logistic
from bench.report import Row, Section

Array = npt.NDArray[Any]
Calls = dict[str, Callable[[], object]]
KEPT: list[Any] = []
NAMES = ("jax", "asdex", "casadi", "autograd", "numdifftools")


def has(name: str) -> bool:
    """Whether a peer is installed."""
    return importlib.util.find_spec(name) is not None


def jax_double() -> Any:
    """JAX in double precision."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


# P1: a sparse Jacobian


def brusselator_in(xp: Any, x: Any, side: int) -> Any:
    """P1 in another library's NumPy."""
    u, v = x.reshape(2, side, side)
    diffusion = 10.0 * side**2

    def laplacian(w: Any) -> Any:
        return xp.roll(w, 1, 0) + xp.roll(w, -1, 0) + xp.roll(w, 1, 1) + xp.roll(w, -1, 1) - 4 * w

    du = 1.0 + u**2 * v - 4.4 * u + diffusion * laplacian(u)
    dv = 3.4 * u - u**2 * v + diffusion * laplacian(v)
    return xp.concatenate([du.ravel(), dv.ravel()])


def asdex_jacobian(problem: Problem) -> Callable[[], object]:
    """asdex: coloured once, compiled by XLA."""
    import asdex

    jax = jax_double()
    side = int(np.sqrt(problem.n // 2))
    J = jax.jit(asdex.jacobian(lambda x: brusselator_in(jax.numpy, x, side), problem.point))
    x = jax.numpy.asarray(problem.point)
    found = J(x)
    dense = np.asarray(found @ np.ones(problem.n))
    np.testing.assert_allclose(dense, problem.jacobian(problem.point) @ np.ones(problem.n), rtol=1e-9, atol=1e-6)
    return lambda: J(x).data.block_until_ready()


def casadi_jacobian(problem: Problem) -> Callable[[], object]:
    """CasADi: scalar expressions, called through buffers."""
    import casadi

    n, side = problem.n, int(np.sqrt(problem.n // 2))
    grid = np.arange(side * side).reshape(side, side)
    x = casadi.SX.sym("x", n)
    u, v = x[: n // 2], x[n // 2 :]

    def laplacian(w: Any) -> Any:
        moved = [np.roll(grid, k, axis).ravel().tolist() for axis in (0, 1) for k in (1, -1)]
        return w[moved[0]] + w[moved[1]] + w[moved[2]] + w[moved[3]] - 4 * w

    diffusion = 10.0 * side**2
    du = 1.0 + u**2 * v - 4.4 * u + diffusion * laplacian(u)
    dv = 3.4 * u - u**2 * v + diffusion * laplacian(v)
    function = casadi.Function("J", [x], [casadi.jacobian(casadi.vertcat(du, dv), x)])
    buffer, call = function.buffer()
    point, out = problem.point.copy(), np.zeros(function.nnz_out(0))
    buffer.set_arg(0, memoryview(point))
    buffer.set_res(0, memoryview(out))
    call()
    rows, cols = function.sparsity_out(0).get_triplet()
    sums = np.bincount(rows, out, n)
    np.testing.assert_allclose(sums, problem.jacobian(problem.point) @ np.ones(n), rtol=1e-9, atol=1e-6)
    assert len(cols) == problem.nnz
    # What the call works on lives as long as the call: CasADi does not see to that.
    KEPT.append((function, buffer, point, out))
    return call


def scipy_differences(problem: Problem) -> Callable[[], object]:
    """SciPy: forward differences, coloured once."""
    from scipy.optimize._numdiff import approx_derivative, group_columns

    structure = jf.sparsity(problem.function, problem.point).tocsr().astype(np.int8)
    groups = group_columns(structure)
    return lambda: approx_derivative(problem.function, problem.point, method="2-point", sparsity=(structure, groups))


def brusselator(side: int) -> tuple[Problem, Calls]:
    """Sparse Jacobians of P1."""
    problem = problems.brusselator(side)
    f, x = problem.function, problem.point
    G = jf.trace(f, x)
    out = G.jacobian(x, sparse=True)
    confirmed(problem, out)
    calls: Calls = {"f": partial(f, x), "jacfwd": partial(G.jacobian, x, sparse=True, out=out)}
    if has("casadi"):
        calls["casadi SX, buffers"] = casadi_jacobian(problem)
    if has("asdex"):
        calls["asdex, jit"] = asdex_jacobian(problem)
    if side <= 100:
        calls["scipy, coloured differences"] = scipy_differences(problem)
    return problem, calls


# P7, P8, P11, P13


def gradient(n: int) -> tuple[Problem, Calls]:
    """The gradient of P7, Rosenbrock."""
    problem = problems.rosenbrock(n)
    f, x = problem.function, problem.point
    G = jf.trace(f, x)
    confirmed(problem, np.reshape(G.gradient(x), (1, -1)))
    calls: Calls = {"f": partial(f, x), "jacfwd": partial(G.gradient, x)}

    def rosenbrock_in(xp: Any, x: Any) -> Any:
        return xp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    if has("jax"):
        jax = jax_double()
        g, point = jax.jit(jax.grad(partial(rosenbrock_in, jax.numpy))), jax.numpy.asarray(x)
        np.testing.assert_allclose(g(point), G.gradient(x), rtol=1e-9)
        calls["jax.grad, jit"] = lambda: g(point).block_until_ready()
    if has("autograd"):
        import autograd

        calls["autograd"] = partial(autograd.grad(partial(rosenbrock_in, autograd.numpy)), x)
    if has("numdifftools") and n <= 100:
        import numdifftools

        calls["numdifftools"] = partial(numdifftools.Gradient(f), x)
    return problem, calls


def scalar() -> tuple[Problem, Calls]:
    """The gradient of P8 of three numbers."""
    problem = problems.logistic_scalar()
    args = tuple(map(float, problem.point))
    g = jf.gradient(logistic, argnums=(0, 1, 2), record=True)
    np.testing.assert_allclose(g(*args), problem.jacobian(problem.point)[0], rtol=1e-12)
    calls: Calls = {"f": partial(logistic, *args), "jacfwd": partial(g, *args)}
    if has("jax"):
        jax = jax_double()
        own = jax.jit(jax.grad(lambda a, b, x: 1 / (1 + jax.numpy.exp(-(a * x + b))), argnums=(0, 1, 2)))
        np.testing.assert_allclose(own(*args), g(*args), rtol=1e-12)
        calls["jax.grad, jit"] = lambda: jax.block_until_ready(own(*args))
    return problem, calls


def perceptron(n: int) -> tuple[Problem, Calls]:
    """The dense Jacobian of P11."""
    problem = problems.perceptron(n)
    f, x = problem.function, problem.point
    G = jf.trace(f, x)
    confirmed(problem, G.jacobian(x))
    calls: Calls = {"f": partial(f, x), "jacfwd": partial(G.jacobian, x)}
    if has("jax"):
        jax, data = jax_double(), problems.perceptron_data(n)
        np_ = jax.numpy
        W1, b1, W2, b2 = (np_.asarray(data[name]) for name in ("W1", "b1", "W2", "b2"))
        J, point = jax.jit(jax.jacfwd(lambda x: np_.tanh(np_.tanh(x @ W1 + b1) @ W2 + b2))), np_.asarray(x)
        np.testing.assert_allclose(J(point), G.jacobian(x), rtol=0, atol=1e-12)
        calls["jax.jacfwd, jit"] = lambda: J(point).block_until_ready()
    return problem, calls


def chain(n: int) -> tuple[Problem, Calls]:
    """Value and JVP of P13 on all cores."""
    problem = problems.elementwise_chain(n)
    f, x, v = problem.function, problem.point, direction_of(problem)
    jf.set_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    G = jf.trace(f, x)
    expected = np.diagonal(problem.jacobian(x)) * v if n <= 1000 else problem.jacobian(x) @ v
    np.testing.assert_allclose(G.jvp(x, v)[1], expected, rtol=0, atol=1e-12)
    calls: Calls = {"f": partial(f, x), "jacfwd": partial(G.jvp, x, v)}
    if has("jax"):
        jax = jax_double()
        np_ = jax.numpy

        def chain_in(x: Any) -> Any:
            y = np_.sin(x) * np_.exp(-(x**2))
            z = np_.tanh(y) + x * y / 2
            return z / (1 + z**2)

        own = jax.jit(lambda x, v: jax.jvp(chain_in, (x,), (v,)))
        point, direction = np_.asarray(x), np_.asarray(v)
        np.testing.assert_allclose(own(point, direction)[1], expected, rtol=0, atol=1e-12)
        calls["jax.jvp, jit"] = lambda: jax.block_until_ready(own(point, direction))
    return problem, calls


# Name: what is built, whether on one core, and how many times faster than each peer it should be.
Case = tuple[Callable[[], tuple[Problem, Calls]], bool, dict[str, float]]
CASES: dict[str, Case] = {
    "P1-2048": (partial(brusselator, 32), True, {"casadi": 2, "asdex": 3}),
    "P1-20000": (partial(brusselator, 100), True, {"casadi": 2, "asdex": 3}),
    "P1-199712": (partial(brusselator, 316), True, {"casadi": 1, "asdex": 1}),
    "P7-100": (partial(gradient, 100), True, {}),
    "P7-1000000": (partial(gradient, 10**6), True, {}),
    "P8": (scalar, True, {"jax": 5}),
    "P11-512": (partial(perceptron, 512), True, {"jax": 1}),
    "P13-1000000": (partial(chain, 10**6), False, {"jax": 1 / 1.1}),
}


def measured(name: str) -> list[Row]:
    """One case in a process of its own: for each peer its time over that of jacfwd, and over f."""
    found = subprocess.run(
        [sys.executable, "-m", "bench.peers", name], capture_output=True, text=True, timeout=600, check=True
    )
    seconds, wanted = json.loads(found.stdout.splitlines()[-1]), CASES[name][2]
    rows: list[Row] = []
    for peer, taken in seconds.items():
        if peer not in ("f", "jacfwd"):
            row: dict[str, str | float | None] = {"case": name, "peer": peer, "peer / f": taken / seconds["f"]}
            row["jacfwd / f"] = seconds["jacfwd"] / seconds["f"]
            row["peer / jacfwd"] = taken / seconds["jacfwd"]
            row["at least"] = next((factor for start, factor in wanted.items() if peer.startswith(start)), None)
            rows.append(row)
    return rows


def rows(names: Iterator[str] | list[str]) -> Iterator[Row]:
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
        "compute on threads of their own. All on one core, but for P13, which has all of them. P1 is a sparse "
        f"Jacobian, P7 and P8 gradients, P11 a dense Jacobian, P13 value and JVP. Versions: {', '.join(installed)}.",
        rows=table,
        result=f"jacfwd is ahead in {ahead} of {len(table)} comparisons"
        + (f"; ahead of it are {', '.join(behind)}." if behind else "."),
    )


def main() -> None:
    """Measure one case and print the seconds as JSON."""
    build, one_core, _ = CASES[sys.argv[1]]
    if one_core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    _, calls = build()
    print(json.dumps(best(calls, 4.0, time.perf_counter)))


if __name__ == "__main__":
    main()
