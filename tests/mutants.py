"""Mutants: the places of a syntax tree where a small mistake can be made, and the mistakes."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["Mutant", "mutants"]

OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
COMPARISONS: dict[type, type] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
# What a reader sees or a type checker, but no result depends on.
SKIPPED = ("annotation", "returns", "type_params", "decorator_list")


@dataclass(frozen=True, eq=False)
class Mutant:
    """One change at a line of a tree, and the lines of the statement around it; `apply` makes it, for good."""

    line: int
    statement: range
    change: str
    apply: Callable[[], None]


def mutants(tree: ast.Module) -> list[Mutant]:
    """All mutants of a module, in the order of its text."""
    return list(_within(tree, range(0)))


def _within(node: ast.AST, statement: range) -> Iterator[Mutant]:
    if isinstance(node, ast.stmt):
        statement = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    for field, value in ast.iter_fields(node):
        if field in SKIPPED or _is_for_people(node):
            continue
        children = value if isinstance(value, list) else [value]
        for k, child in enumerate(children):
            if isinstance(child, ast.AST):
                place = (value, k) if isinstance(value, list) else (node, field)
                yield from _changes(child, place, statement)
                yield from _within(child, statement)


def _is_for_people(node: ast.AST) -> bool:
    """Errors, representations, lists of names, type aliases."""
    if isinstance(node, ast.FunctionDef):
        return node.name in ("__repr__", "__str__")
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)
    return isinstance(node, ast.Raise | ast.AnnAssign | ast.Import | ast.ImportFrom | ast.JoinedStr)


def _changes(node: ast.AST, place: tuple, statement: range) -> Iterator[Mutant]:
    """The mistakes that can be made at one node, which stands at `place`."""
    line = getattr(node, "lineno", statement.start)

    def replaced(new: ast.AST, change: str) -> Mutant:
        def apply() -> None:
            where, key = place
            if isinstance(where, list):
                where[key] = ast.copy_location(new, node)
            else:
                setattr(where, key, ast.copy_location(new, node))

        return Mutant(line, statement or range(line, line + 1), change, apply)

    match node:
        case ast.BinOp(left, op, right) if type(op) in OPERATORS:
            other = OPERATORS[type(op)]()
            yield replaced(ast.BinOp(left, other, right), f"{_name(op)} becomes {_name(other)}")
        case ast.Compare(left, [op, *rest], comparators) if type(op) in COMPARISONS:
            other = COMPARISONS[type(op)]()
            yield replaced(ast.Compare(left, [other, *rest], comparators), f"{_name(op)} becomes {_name(other)}")
        case ast.BoolOp(op, values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield replaced(ast.BoolOp(other, values), f"{_name(op)} becomes {_name(other)}")
        case ast.UnaryOp(ast.Not() | ast.USub() as op, operand):
            yield replaced(operand, f"{_name(op)} is dropped")
        case ast.Constant(bool() as value):
            yield replaced(ast.Constant(not value), f"{value} becomes {not value}")
        case ast.Constant(int() | float() | complex() as value):
            yield replaced(ast.Constant(value + 1), f"{value} becomes {value + 1}")
        case ast.IfExp(test, body, orelse):
            yield replaced(ast.IfExp(test, orelse, body), "branches are swapped")
        case ast.If(test, body, orelse):
            yield replaced(ast.If(ast.UnaryOp(ast.Not(), test), body, orelse), "condition is negated")
        case ast.Return(value) if value is not None:
            yield replaced(ast.Return(None), "result is None")
        case ast.AugAssign() | ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield replaced(ast.Pass(), "statement is dropped")
        case ast.Expr(ast.Call()):
            yield replaced(ast.Pass(), "call is dropped")


def _name(op: ast.AST) -> str:
    return type(op).__name__
