"""Running tests against mutants: in forks of a process that has collected the tests already.

A change within functions is made by giving every live function its changed code; so nothing is imported or collected
anew, and what was made from those functions before (primitives, samples, closures) has the change as well. Changes of
what runs at import need the module to be imported with them: in a fork from before any import of the package.
"""

import ast
import gc
import importlib.util
import inspect
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType

import hypothesis
import pytest

__all__ = ["SAME", "Collected", "Verdict", "collect", "fresh", "identity", "swapped_codes"]

# Whether a test fails is all that is asked: no smaller example of it.
PHASES = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
hypothesis.settings.register_profile("mutants", deadline=None, phases=PHASES)
# The same examples each time, and no trace left of failures; nothing captured.
SAME = "-q --hypothesis-seed=0 -p no:cacheprovider".split()
QUIET = [*SAME, *"-s --assert=plain --hypothesis-profile=mutants -p no:xdist".split()]
# A mutant whose tests pass for so long counts as survived; a single test that takes longer is an endless loop.
SECONDS = 8
ENDLESS = 45

Verdict = str | None  # the test that fails, or None: the mutant survived


class MutantLoader(SourceFileLoader):
    """Loads a module from the syntax tree of its mutant."""

    tree: ast.Module

    def get_code(self, fullname):
        return compile(self.tree, self.path, "exec")


class MutantFinder:
    """Finds the mutant where its module is looked for."""

    def __init__(self, module: str, path: str, tree: ast.Module) -> None:
        self.module, self.path, self.tree = module, path, tree

    def find_spec(self, name, path=None, target=None):
        if name != self.module:
            return None
        loader = MutantLoader(name, self.path)
        loader.tree = self.tree
        return importlib.util.spec_from_file_location(name, self.path, loader=loader)


def swapped_codes(original: CodeType, changed: CodeType, runs: bool = True) -> dict[tuple, CodeType] | None:
    """Where functions of a module differ between two versions, by `identity`; None if what runs at import differs."""
    before, after = ([c for c in code.co_consts if isinstance(c, CodeType)] for code in (original, changed))
    alike = [identity(c)[:2] for c in before] == [identity(c)[:2] for c in after]
    if runs and not (alike and plain(original) == plain(changed)):
        return None
    found = {identity(original): changed} if original != changed and not runs else {}
    # Functions within that are gone or have changed places are made by the changed one.
    for a, b in zip(before, after, strict=True) if alike else ():
        below = swapped_codes(a, b, runs and not a.co_flags & inspect.CO_NEWLOCALS)  # a class body
        if below is None:
            return None
        found |= below
    return found


def identity(code: CodeType) -> tuple:
    """What tells a function's code from all others of its module."""
    return code.co_qualname, code.co_firstlineno, code.co_linetable, code.co_code


def plain(code: CodeType) -> tuple:
    """What a code does, apart from the codes within it; with the types of constants, since 1 == True == 1.0."""
    constants = [(type(c), repr(c)) for c in code.co_consts if not isinstance(c, CodeType)]
    return code.co_code, code.co_names, code.co_varnames, constants


class Judge:
    """The pytest plugin that runs chosen tests instead of all, up to the first failure, and then ends the process."""

    def __init__(self, tests: list[str], tell: int) -> None:
        self.tests, self.tell = tests, tell

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        run(session, self.tests, self.tell)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        if report.failed:
            finish(self.tell, report.nodeid)


def finish(tell: int, text: str) -> None:
    os.write(tell, text.encode())
    os._exit(0)


def run(session: pytest.Session, tests: list[str], tell: int) -> None:
    """Run tests of a session, by their ids; never returns."""
    by_id = {item.nodeid: item for item in session.items}
    items = [by_id[test] for test in tests if test in by_id]
    started = time.process_time()
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if time.process_time() - started > SECONDS:
            break
    finish(tell, "passed" if items else "nothing ran")


def forked(action: Callable[[int], None]) -> str:
    """What an action in a forked process tells."""
    listen, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(listen)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (ENDLESS, ENDLESS))
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        signal.alarm(6 * ENDLESS)
        try:
            action(tell)
        except BaseException as error:
            finish(tell, f"import: {type(error).__name__}")
        os._exit(1)
    os.close(tell)
    with os.fdopen(listen) as told:
        text = told.read()
    status = os.waitpid(child, 0)[1]
    return text or f"ended by {status}"


def verdict(text: str) -> Verdict:
    return None if text in ("passed", "nothing ran") else text


def fresh(path: Path, root: Path, tree: ast.Module | None, tests: list[str]) -> Verdict:
    """Run tests in a process that imports a mutant in place of its module."""
    module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")

    def action(tell: int) -> None:
        if tree is not None:
            sys.meta_path.insert(0, MutantFinder(module, str(path), tree))
        files = sorted({test.partition("::")[0] for test in tests})
        code = pytest.main([*QUIET, *files], plugins=[Judge(tests, tell)])
        finish(tell, f"collection: {code}")

    return verdict(forked(action))


class Collected:
    """The pytest plugin that hands a session with its tests collected, and the functions alive then, to a caller."""

    def __init__(self, work: Callable[["Collected"], None]) -> None:
        self.work = work
        self.tell = -1

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        self.session = session
        self.functions: dict[str, list[FunctionType]] = {}
        for found in gc.get_objects():
            if isinstance(found, FunctionType):
                self.functions.setdefault(found.__code__.co_filename, []).append(found)
        gc.freeze()
        self.work(self)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        if report.failed and self.tell >= 0:
            finish(self.tell, report.nodeid)

    def judged(self, path: Path, codes: dict[tuple, CodeType], tests: list[str]) -> tuple[bool, Verdict]:
        """Whether the change could be made in what is alive, and the verdict then."""

        def action(tell: int) -> None:
            self.tell = tell
            made = 0
            try:
                for function in self.functions.get(str(path), ()):
                    if changed := codes.get(identity(function.__code__)):
                        function.__code__ = changed
                        made += 1
            except ValueError:  # it closes over other variables
                made = 0
            if codes and not made:
                finish(tell, "unchanged")
            run(self.session, tests, tell)

        text = forked(action)
        return text != "unchanged", verdict(text)


def collect(tests: list[str], work: Callable[[Collected], None]) -> None:
    """Collect tests, and do some work with them."""
    pytest.main([*QUIET, *tests], plugins=[Collected(work)])
