"""`jacobian`, `pattern`, `cost`, `check` and `source`: what there is to know of a function at a point."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from jacfwd.api import check_jacobian, jacobian, sparsity, trace
from jacfwd.cli.output import as_json, progress, say, styled
from jacfwd.cli.subject import PointError, subject
from jacfwd.coloring import coloring
from jacfwd.cost import report
from jacfwd.draw import pattern as draw_pattern
from jacfwd.errors import JacobianMismatchError
from jacfwd.pattern import Pattern

__all__ = ["run_check", "run_cost", "run_jacobian", "run_pattern", "run_source"]

# Larger matrices are described, not printed.
PRINTED = 400


def run_jacobian(args: argparse.Namespace) -> int:
    """Print the Jacobian or write it to a file."""
    _check_output(args)
    found = subject(args.target, args.at)
    options = {"argnums": args.argnum, "sparse": args.sparse, "method": args.method}
    bar = progress("jacobian")
    matrix = jacobian(found.function, **options, progress=bar if bar is not None else False)(*found.args)
    if isinstance(matrix, dict | list | tuple):
        raise PointError("the function takes or returns a structure; the command is for arrays and numbers")
    if args.output is not None:
        _write(matrix, args.output)
    if args.json:
        print(as_json({"shape": np.shape(matrix), "jacobian": matrix}))
    elif args.output is None or not args.quiet:
        print(_described(matrix, args.output))
    return 0


def _check_output(args: argparse.Namespace) -> None:
    wanted = (".npz",) if args.sparse else (".npy", ".npz")
    if args.output is not None and Path(args.output).suffix not in wanted:
        kind = "sparse" if args.sparse else "dense"
        raise PointError(f"-o {args.output}: a {kind} Jacobian is written as {' or '.join(wanted)}")


def _write(matrix: Any, path: str) -> None:
    if sp.issparse(matrix):
        sp.save_npz(path, matrix)
    elif path.endswith(".npy"):
        np.save(path, matrix)
    else:
        np.savez(path, jacobian=matrix)


def _described(matrix: Any, path: str | None) -> str:
    """The numbers where there are few, else shape, entries and a picture of the pattern."""
    size = int(np.prod(np.shape(matrix)))
    written = f", written to {path}" if path is not None else ""
    if sp.issparse(matrix):
        shape = " x ".join(map(str, matrix.shape))
        head = f"{shape}, {matrix.nnz} entries{written}"
        if matrix.nnz <= PRINTED and path is None:
            listed = matrix.tocoo()
            lines = [f"  ({i}, {j})  {v:.12g}" for i, j, v in zip(*listed.coords, listed.data, strict=True)]
            return "\n".join([styled(head, "bold"), *lines])
        return f"{styled(head, 'bold')}\n{_picture(matrix)}"
    if size <= PRINTED and path is None:
        with np.printoptions(threshold=PRINTED + 1, linewidth=110, precision=12):
            return str(np.asarray(matrix))
    shape = " x ".join(map(str, np.shape(matrix))) or "one number"
    return styled(
        f"{shape}, {np.asarray(matrix).dtype}, largest entry {np.abs(matrix).max(initial=0):.6g}{written}", "bold"
    )


def _picture(matrix: Any) -> str:
    return repr(Pattern.from_sparse(matrix)).partition("\n")[2]


def run_pattern(args: argparse.Namespace) -> int:
    """Print the Jacobian's pattern and its number of colors."""
    found = subject(args.target, args.at)
    structure = sparsity(found.function, *found.args)
    groups = coloring(structure)
    if args.output is not None:
        structure.save(args.output)
    if args.svg is not None:
        draw_pattern(structure, groups).save(args.svg)
    if args.json:
        columns = {"rows": structure.rows, "cols": structure.indices, "colors": groups.colors}
        print(as_json({"shape": structure.shape, "nnz": structure.nnz, "n_colors": groups.n_colors, **columns}))
    else:
        print(repr(structure))
        print(f"{groups.n_colors} colors: so many directions, in place of {structure.shape[1]}, give all entries")
    return 0


def run_cost(args: argparse.Namespace) -> int:
    """Print the cost report."""
    found = subject(args.target, args.at)
    made = report(found.function, *found.args, seconds=args.seconds)
    if args.svg is not None:
        made.plot().save(args.svg)
    print(as_json(made.as_dict()) if args.json else made)
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Compare the Jacobian with differences; exit status 1 where they differ."""
    found = subject(args.target, args.at)
    message = ""
    try:
        check_jacobian(found.function, *found.args, rtol=args.rtol)
    except JacobianMismatchError as error:
        message = str(error)
    if args.json:
        print(as_json({"agrees": not message, "message": message or None}))
    elif not message:
        print(f"{styled('ok', 'good')}: the Jacobian agrees with differences of the function to {args.rtol:g}")
    else:
        say("check", message)
    return 1 if message else 0


def run_source(args: argparse.Namespace) -> int:
    """Print the NumPy programs generated for the value and the sparse Jacobian."""
    found = subject(args.target, args.at)
    graph = trace(found.function, *found.args)
    graph.jacobian(*found.args, sparse=True)
    source = graph.source
    print(as_json({"source": source}) if args.json else source.rstrip())
    return 0
