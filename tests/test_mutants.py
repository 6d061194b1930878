"""The tool that measures the tests: its mutants, and how they are put in place."""

import ast

import pytest

from tests.mutant_runs import identity, swapped_codes
from tests.mutants import mutants

SOURCE = """
TABLE = {"twice": lambda x: 2 * x}
def outer(x, k=3):
    if x > 0 and not k:
        return [x - y for y in range(k)]
    return lambda z: z + 1
class Thing:
    size = 5
    def method(self):
        return self.size ** 2
"""
CHANGES = {
    "2 becomes 3": "<lambda>", "Mult becomes Div": "<lambda>", "3 becomes 4": None, "condition is negated": "outer",
    "And becomes Or": "outer", "Gt becomes GtE": "outer", "Not is dropped": "outer", "Add becomes Sub": "outer",
    "5 becomes 6": None, "Pow becomes Mult": "Thing.method", "result is None": "outer",
}  # fmt: skip


def changed(change):
    tree = ast.parse(SOURCE)
    next(m for m in mutants(tree) if m.change == change).apply()
    return compile(ast.fix_missing_locations(tree), "x", "exec")


@pytest.mark.parametrize("change", CHANGES)
def test_changes_within_functions_are_swapped_in_and_those_at_import_are_not(change):
    codes = swapped_codes(compile(SOURCE, "x", "exec"), changed(change))
    names = {name for name, *_ in codes} if codes is not None else {None}
    assert CHANGES[change] in names


def test_a_function_does_what_its_changed_code_says():
    names = {}
    exec(compile(SOURCE, "x", "exec"), names)
    twice = names["TABLE"]["twice"]
    codes = swapped_codes(compile(SOURCE, "x", "exec"), changed("2 becomes 3"))
    twice.__code__ = codes[identity(twice.__code__)]
    assert twice(5) == 15


def test_nothing_is_swapped_where_nothing_is_changed():
    code = compile(SOURCE, "x", "exec")
    assert swapped_codes(code, compile(SOURCE, "x", "exec")) == {}
