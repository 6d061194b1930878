"""Every solver with every method and kind of Jacobian: `python -m tests.solvers.table` writes the docs' table."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from jacfwd import solvers

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "solvers.md"
BEGIN, END = "<!-- made by python -m tests.solvers.table -->", "<!-- end -->"
KINDS = ("dense", "sparse", "operator", "products")
T = np.linspace(0, 1, 12)


def system(x):
    framed = np.pad(x, 1)
    return (3 - 2 * x) * x - framed[:-2] - 2 * framed[2:] + 1


def contraction(x):
    return 1 - x - 0.1 * np.sin(x)


def objective(x):
    return np.sum((x - 1) ** 4 + (x - 1) ** 2) + x[0] * x[1]


def curve(x, a, b):
    return a * np.exp(-b * x)


def least_squares(method: str, kind: str) -> dict:
    return solvers.least_squares(system, -np.ones(4), jac=kind, method=method)


def curve_fit(method: str, kind: str) -> dict:
    found = solvers.curve_fit(curve, T, curve(T, 2, 1), method=method, jac=kind, full_output=True)
    return {"success": found[-1] in (1, 2, 3, 4), "jacfwd": found[2]["jacfwd"]}


def root(method: str, kind: str) -> dict:
    return solvers.root(contraction, np.zeros(3), method=method, jac=kind)


def fsolve(_: str, kind: str) -> dict:
    found = solvers.fsolve(system, -np.ones(4), fprime=kind, full_output=True)
    return {"success": found[2] == 1, "jacfwd": found[1]["jacfwd"]}


def minimize(method: str, kind: str) -> dict:
    return solvers.minimize(objective, np.zeros(3), method=method, jac=kind)


def second(method: str, kind: str) -> dict:
    return solvers.minimize(objective, np.zeros(3), method=method, hess=kind)


def constraint(method: str, kind: str) -> dict:
    ring = solvers.NonlinearConstraint(lambda x: x * x, 0.0, 0.25, jac=kind)
    found = solvers.minimize(objective, np.full(3, 0.1), method=method, constraints=ring)
    return {"success": found.success, "jacfwd": ring.jacfwd}


def solve_ivp(method: str, kind: str) -> dict:
    return solvers.solve_ivp(lambda t, y: np.sin(np.roll(y, 1)) - y, (0, 1), np.ones(4), method, jac=kind)


def solve_bvp(_: str, kind: str) -> dict:
    return solvers.solve_bvp(
        lambda x, y: np.vstack((y[1], -np.exp(y[0]))), lambda ya, yb: np.array([ya[0], yb[0]]), T, np.zeros((2, 12)),
        fun_jac=kind,
    )  # fmt: skip


GRADIENT = "Nelder-Mead Powell CG BFGS Newton-CG L-BFGS-B TNC COBYLA COBYQA SLSQP trust-constr dogleg trust-ncg \
trust-exact trust-krylov".split()
SECOND = "Newton-CG trust-constr dogleg trust-ncg trust-exact trust-krylov BFGS".split()
ROOT = "hybr lm krylov broyden1 broyden2 anderson linearmixing diagbroyden excitingmixing df-sane".split()
# What is tried: name, function of method and kind, methods.
CASES: list[tuple[str, Callable, list[str]]] = [
    ("least_squares", least_squares, ["trf", "dogbox", "lm"]),
    ("curve_fit", curve_fit, ["lm", "trf", "dogbox"]),
    ("root", root, ROOT),
    ("fsolve", fsolve, [""]),
    ("solve_ivp", solve_ivp, ["RK45", "RK23", "DOP853", "Radau", "BDF", "LSODA"]),
    ("solve_bvp", solve_bvp, [""]),
    ("minimize, jac=", minimize, GRADIENT),
    ("minimize, hess=", second, SECOND),
    ("NonlinearConstraint", constraint, ["trust-constr", "SLSQP"]),
]


def tried(run: Callable, method: str, kind: str) -> tuple[str, str]:
    """What a cell says, and the message where the kind is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = run(method, kind)
        except ValueError as error:
            if " takes " not in str(error):
                raise
            return "refused", str(error)
    assert found["success"], (run.__name__, method, kind, found)
    return (found["jacfwd"].method if kind == "exact" else "runs"), ""


def rows() -> Iterator[tuple[list[str], list[str]]]:
    """Cells of each row, and the messages of what it refuses."""
    for name, run, methods in CASES:
        for method in methods:
            cells = {kind: tried(run, method, kind) for kind in ("exact", *KINDS)}
            messages = [f"| `{name}` | {kind} | {goes(message)} |" for kind, (_, message) in cells.items() if message]
            yield [f"`{name}`", method, *(cell for cell, _ in cells.values())], messages


def table() -> str:
    """The table, and under it where the refusals send their reader."""
    found = list(rows())
    head = ["solver", "method", "left out", *KINDS]
    lines = [head, ["---"] * len(head), *(cells for cells, _ in found)]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    told = dict.fromkeys(message for _, messages in found for message in messages if not message.endswith("|  |"))
    where = ["| solver | kind | where it is refused, the message says it goes with |", "| --- | --- | --- |", *told]
    return f"{text}\n\n" + "\n".join(where)


def goes(message: str) -> str:
    """What a message says of where a kind goes."""
    return message.partition(" goes with ")[2]


def page(made: str) -> str:
    """The page with the table in its place."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(table()), encoding="utf-8")
    print("written:", PAGE)
