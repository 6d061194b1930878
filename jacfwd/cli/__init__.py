"""The command line, `python -m jacfwd COMMAND`: what each command is called, takes and answers.

Exit status: 0, or 1 if a check failed, or 2 if the input was no good.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

from jacfwd import logistic
from jacfwd.cli.fit import run_logistic
from jacfwd.cli.graphs import run_graph, run_html
from jacfwd.cli.matrices import run_check, run_cost, run_jacobian, run_pattern, run_source
from jacfwd.cli.output import say
from jacfwd.cli.subject import PointError, TargetError
from jacfwd.errors import JacfwdError
from jacfwd.expression import ExpressionError
from jacfwd.methods import METHODS

__all__ = ["main"]

Commands = Any  # argparse has no public name for it
CHAIN = '"g = 3*x; f = g**2" --at x=4'

EXAMPLES = {
    "logistic": ["", "--data table.csv"],
    "graph": [
        CHAIN,
        f"{CHAIN} --lanes",
        '"sin(x)*y" --at x=2 --at y=pi/3 --svg graph.svg',
        "model.py:f --at x.npy --json",
    ],
    "html": [f"{CHAIN} -o graph.html", "model:f --at x.npy -o graph.html"],
    "jacobian": [
        '"sin(x)*y" --at x=2 --at y=1',
        "model:f --at x.npy --sparse -o J.npz",
        "model.py:f --at 0 --at [1,2] --argnum 1",
    ],
    "pattern": ["model:f --at x.npy", "model:f --at x.npy --svg pattern.svg -o pattern.npz"],
    "cost": ["model:f --at x.npy", "model:f --at x.npy --svg nfold.svg --json"],
    "check": ["model:f --at x.npy", '"x**3" --at x=2 --rtol 1e-8'],
    "source": [CHAIN, "model:f --at x.npy"],
    "bench": ["", "--quick --folder /tmp/tables"],
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 if a check failed, or 2 if the input was no good."""
    args = _parser().parse_args(argv)
    try:
        status: int = args.run(args)
    except (ExpressionError, PointError, TargetError, logistic.DataError) as error:
        say(args.command, error)
        return 2
    except BrokenPipeError:
        # Who reads has read enough, as `head` does; nothing more is to be written, not at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (JacfwdError, OSError, ValueError) as error:
        say(args.command, f"{type(error).__name__}: {error}")
        return 2
    except Exception:
        traceback.print_exc()
        say(args.command, "the function raised the error above")
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m jacfwd",
        description="Forward-mode derivatives of NumPy code.",
        epilog="python -m jacfwd COMMAND --help tells more, with examples.",
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    fit = _command(
        commands, "logistic", run_logistic, "fit a logistic regression and measure what its gradient costs", False
    )
    fit.add_argument(
        "--data",
        metavar="FILE.csv",
        help="a table of your own: a line of column names, numeric features, and the two classes in the"
        " column 'target' or else in the last one (default: two species of Fisher's irises)",
    )
    graph = _command(commands, "graph", run_graph, "show the derivative graphs of a formula, one per input")
    graph.add_argument("--wrt", type=int, metavar="K", help="only the graph of flat input K (0, 1, ...)")
    graph.add_argument("--lanes", action="store_true", help="one line for each node, with lanes for who reads whom")
    graph.add_argument("--dot", action="store_true", help="in Graphviz's language")
    graph.add_argument("--svg", metavar="FILE.svg", help="draw it, too")
    page = _command(commands, "html", run_html, "write a page that steps through the forward sweep", json=False)
    page.add_argument("-o", "--output", metavar="FILE.html", default="graph.html", help="default: graph.html")
    _matrix_commands(commands)
    bench = _command(commands, "bench", run_bench, "run the benchmarks, in a checkout of the repository", False, False)
    bench.add_argument("--quick", action="store_true", help="small sizes and few repeats")
    bench.add_argument("--folder", default="docs", help="where the tables go (default: docs)")
    return parser


def _matrix_commands(commands: Commands) -> None:
    jacobian = _command(commands, "jacobian", run_jacobian, "print a Jacobian or write it to a file")
    jacobian.add_argument("--sparse", action="store_true", help="as a sparse matrix, its pattern found by itself")
    jacobian.add_argument("--argnum", type=int, default=0, metavar="K", help="differentiate argument K (default: 0)")
    jacobian.add_argument("--method", choices=METHODS, default="auto", help="default: auto")
    jacobian.add_argument(
        "-o", "--output", metavar="FILE", help="J.npz, read by scipy.sparse.load_npz or numpy.load; J.npy"
    )
    jacobian.add_argument("-q", "--quiet", action="store_true", help="say nothing of what was written")
    pattern = _command(commands, "pattern", run_pattern, "show where a Jacobian has entries, and its colors")
    pattern.add_argument("-o", "--output", metavar="FILE.npz", help="write it, for jacfwd's Pattern.load")
    pattern.add_argument("--svg", metavar="FILE.svg", help="draw it, columns in their colors")
    cost = _command(commands, "cost", run_cost, "count and measure what derivatives cost")
    cost.add_argument("--seconds", type=float, default=5.0, help="leave out what would take longer (default: 5)")
    cost.add_argument("--svg", metavar="FILE.svg", help="draw the n-fold cost")
    check = _command(commands, "check", run_check, "compare a Jacobian with differences of the function")
    check.add_argument("--rtol", type=float, default=1e-6, help="relative tolerance (default: 1e-6)")
    _command(commands, "source", run_source, "print the NumPy program generated for a function")


def _command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    summary: str,
    subject: bool = True,
    json: bool = True,
) -> argparse.ArgumentParser:
    """A command with its help and examples; most are about a function at a point."""
    lines = [f"  python -m jacfwd {name} {example}".rstrip() for example in EXAMPLES[name]]
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog="\n".join(["examples:", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    if subject:
        parser.add_argument(
            "target",
            metavar="EXPRESSION",
            help="a formula, or assignments such as 'g = 3*x; f = g**2'; or module:function, or file.py:function",
        )
        parser.add_argument(
            "--at",
            metavar="VALUE",
            action="append",
            default=[],
            help="the value of an input, once for each: x=4 or x=pi/2; of a function's argument also in order and"
            " without a name: 4, [1, 2.5], x.npy, y=table.csv",
        )
    if json:
        parser.add_argument("--json", action="store_true", help="answer as JSON")
    return parser


def run_bench(args: argparse.Namespace) -> int:
    """Run the repository's benchmarks in a process of their own."""
    if importlib.util.find_spec("bench") is None:
        raise TargetError("the benchmarks are in the repository, not in the installed package: run this in a checkout")
    quick = ["--quick"] if args.quick else []
    return subprocess.call([sys.executable, "-m", "bench", "--folder", args.folder, *quick])


def _version() -> str:
    """The installed version; a checkout that is not installed has none."""
    try:
        return metadata.version("jacfwd")
    except metadata.PackageNotFoundError:
        return "jacfwd, not installed"
