"""HIPS autograd's own gradient checks, replayed: `autograd.numpy` is NumPy itself, `check_grads` asks this library.

Its tests are in its source distribution only. They run unmodified, in modules made from their text, with a stand-in
for the package `autograd`: what differentiates leads here, what belongs to autograd's own machinery raises, and the
test that asks for it counts as not replayed.
"""

import functools
import itertools
import sys
import tarfile
import types
import unittest
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import scipy.integrate
import scipy.linalg
import scipy.signal
import scipy.special
import scipy.stats

import jacfwd as jf
from tests.corpora.judge import Verdict, judge

__all__ = ["replay"]

STATS = "beta chi2 dirichlet gamma multivariate_normal norm poisson t".split()


class Stub(types.ModuleType):
    """A module of autograd's: what is not put into it belongs to machinery that has no counterpart."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def missing(*args: Any, **kwargs: Any) -> Any:
            raise unittest.SkipTest(f"{self.__name__}.{name} belongs to autograd itself")

        return missing


class Suite:
    """The checks as they are made: `(test, verdict)` each."""

    def __init__(self) -> None:
        self.checks: list[tuple[str, Verdict]] = []
        self.skipped: list[tuple[str, str]] = []
        self.test = ""

    def check_grads(self, fun: Callable, argnum: Any = 0, modes: Any = None, order: int = 2) -> Callable:
        """One check: the derivatives of `fun` in the arguments `argnum`, to second order unless told otherwise."""

        def check(*args: Any, **kwargs: Any) -> None:
            at = [argnum] if isinstance(argnum, int) else list(argnum)
            chosen = [plain(args[k]) for k in at]
            if any(np.iscomplexobj(leaf) for leaf in tree_leaves(chosen)):
                return

            def f(*values: Any) -> Any:
                full = list(args)
                for k, value in zip(at, values, strict=True):
                    full[k] = value
                return structured(fun(*full, **kwargs))

            self.checks.append((self.test, judge(f, chosen, second=order > 1)))

        return check

    def combo_check(self, fun: Callable, argnum: Any = 0, **options: Any) -> Callable:
        """Checks for all combinations of arguments."""

        def check(*args: Any, **kwargs: Any) -> None:
            named = [[(name, value) for value in values] for name, values in kwargs.items()]
            for combination in itertools.product(*args):
                for chosen in itertools.product(*named):
                    self.check_grads(fun, argnum, **options)(*combination, **dict(chosen))

        return check


def structured(value: Any) -> Any:
    """A result with tuples for lists: autograd's lists are structure, here they count as one array."""
    if isinstance(value, list | tuple):
        return tuple(structured(part) for part in value)
    return {key: structured(part) for key, part in value.items()} if isinstance(value, dict) else value


def plain(value: Any) -> Any:
    """An argument as it is differentiated: integers as floats, as autograd has it, and tuples for lists."""
    if isinstance(value, tuple | list):
        return tuple(plain(v) for v in value)
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    return float(value) if type(value) is int else value


def tree_leaves(value: Any) -> Iterator[Any]:
    """The leaves of nested structure."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        for part in value:
            yield from tree_leaves(part)
    else:
        yield value


def elementwise_grad(fun: Callable, argnum: int = 0) -> Callable:
    """The gradient of the sum of all results."""
    return jf.gradient(lambda *args, **kwargs: np.sum(fun(*args, **kwargs)), argnums=argnum)


def stand_in(suite: Suite) -> dict[str, types.ModuleType]:
    """What is imported in place of autograd and its modules."""
    root, util, stats = Stub("autograd"), Stub("autograd.test_util"), Stub("autograd.scipy.stats")
    util.check_grads, util.combo_check = suite.check_grads, suite.combo_check
    root.grad = lambda fun, argnum=0: jf.gradient(fun, argnums=argnum)
    root.jacobian = lambda fun, argnum=0: jf.jacobian(fun, argnums=argnum)
    root.hessian = lambda fun, argnum=0: jf.hessian(fun, argnums=argnum)
    root.value_and_grad = lambda fun, argnum=0: jf.value_and_gradient(fun, argnums=argnum)
    root.elementwise_grad = root.deriv = elementwise_grad
    root.tuple, root.list, root.dict, root.isinstance = tuple, list, dict, isinstance
    scipy_ = Stub("autograd.scipy")
    found = {"autograd": root, "autograd.numpy": np, "autograd.scipy": scipy_, "autograd.test_util": util}
    for name in ("random", "linalg", "fft"):
        found[f"autograd.numpy.{name}"] = getattr(np, name)
    for name in ("integrate", "linalg", "special", "signal"):
        found[f"autograd.scipy.{name}"] = getattr(scipy, name)
    found["autograd.scipy.stats"] = stats
    for name in STATS:
        found[f"autograd.scipy.stats.{name}"] = getattr(scipy.stats, name)
    for name in (
        "core",
        "extend",
        "tracer",
        "util",
        "misc",
        "misc.optimizers",
        "wrap_util",
        "builtins",
        "differential_operators",
    ):
        found[f"autograd.{name}"] = Stub(f"autograd.{name}")
    for name, module in found.items():
        package, _, last = name.rpartition(".")
        if package and package != "autograd.numpy":
            setattr(found[package], last, module)
    return found


@contextmanager
def imported(modules: dict[str, types.ModuleType]) -> Iterator[None]:
    """Have these modules found by `import`, and no others of their names."""
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "autograd"}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            sys.modules.pop(name, None)
        sys.modules.update(before)


def sources(path: Path) -> dict[str, str]:
    """The test files of a source distribution, `numpy_utils` first."""
    with tarfile.open(path) as archive:
        found = {}
        for member in sorted(archive.getnames()):
            parts = Path(member).parts
            wanted = (
                len(parts) == 3
                and parts[1] == "tests"
                and (parts[2].startswith("test_") or parts[2] == "numpy_utils.py")
            )
            file = archive.extractfile(member) if wanted and member.endswith(".py") else None
            if file is not None:
                found[parts[2].removesuffix(".py")] = file.read().decode()
    return {name: found[name] for name in sorted(found, key=lambda name: (not name.startswith("numpy_utils"), name))}


def replay(path: Path) -> Suite:
    """Run every test function of the distribution; the suite holds what was checked and what was not."""
    suite = Suite()
    with imported(stand_in(suite)), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        made = []
        for name, text in sources(path).items():
            module = types.ModuleType(name)
            module.__file__ = f"{name}.py"
            sys.modules[name] = module
            made.append(name)
            try:
                exec(compile(text, f"{name}.py", "exec"), module.__dict__)
            except Exception as error:
                suite.skipped.append((name, f"{type(error).__name__}: {error}"))
                continue
            for test, function in list(vars(module).items()):
                if test.startswith("test_") and isinstance(function, types.FunctionType):
                    for arguments in parameters(function):
                        run(suite, f"{name}::{test}", functools.partial(function, **arguments))
        for name in made:
            del sys.modules[name]
    return suite


def parameters(function: Callable) -> list[dict[str, Any]]:
    """The arguments that pytest would give to a parametrised test, every combination of them."""
    chosen: list[dict[str, Any]] = [{}]
    for mark in getattr(function, "pytestmark", []):
        if mark.name == "parametrize":
            names = (
                [name.strip() for name in mark.args[0].split(",")] if isinstance(mark.args[0], str) else mark.args[0]
            )
            rows = [dict(zip(names, value if len(names) > 1 else (value,), strict=True)) for value in mark.args[1]]
            chosen = [before | row for before in chosen for row in rows]
    return chosen


def run(suite: Suite, test: str, function: Callable) -> None:
    """One test function; what it raises itself is a reason why it is not replayed."""
    suite.test = test
    try:
        function()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        suite.skipped.append((test, f"{type(error).__name__}: {str(error)[:150]}"))
