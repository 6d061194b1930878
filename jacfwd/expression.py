"""Formulas given as text, read against a whitelist and never run as Python code.

    program  = { name "=" formula ";" } ( formula | name "=" formula )
    formula  = number | name | ("+" | "-") formula | formula ("+" | "-" | "*" | "/" | "**") formula
             | function "(" formula { "," formula } ")" | "(" formula ")"

`FUNCTIONS` and `CONSTANTS` are the whole vocabulary. A name is assigned at most once and never after it
was read, so that it means one variable; names that are read without being assigned are the inputs.
"""

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from scipy.special import expit

__all__ = ["CONSTANTS", "FUNCTIONS", "Expression", "ExpressionError", "parse"]

MAX_DEPTH = 100

CONSTANTS = {"pi": np.pi, "e": np.e}


FUNCTIONS: dict[str, np.ufunc] = {
    "abs": np.abs,
    "arccos": np.arccos,
    "arccosh": np.arccosh,
    "arcsin": np.arcsin,
    "arcsinh": np.arcsinh,
    "arctan": np.arctan,
    "arctan2": np.arctan2,
    "arctanh": np.arctanh,
    "cbrt": np.cbrt,
    "cos": np.cos,
    "cosh": np.cosh,
    "exp": np.exp,
    "expm1": np.expm1,
    "hypot": np.hypot,
    "log": np.log,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "sigmoid": expit,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}

_BINARY = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_UNARY = {ast.UAdd: np.positive, ast.USub: np.negative}

NameHook = Callable[[str, Any], Any]


@dataclass(frozen=True)
class Run:
    """One evaluation: the values of the variables so far, and what is called with every new value."""

    values: dict[str, Any]
    name: NameHook


Formula = Callable[[Run], Any]


class ExpressionError(ValueError):
    """A text that is no program of this grammar; the message gives the column, counted from 1."""


@dataclass(frozen=True)
class Expression:
    """A program: its inputs in order of first appearance, and its steps (variable, formula).

    The last variable is the result; a last formula without one is called `f`, or `f_` if f is taken.
    """

    variables: tuple[str, ...]
    steps: tuple[tuple[str, Formula], ...]

    @property
    def result(self) -> str:
        """The variable whose value the program returns."""
        return self.steps[-1][0]

    def function(self, name: NameHook = lambda label, value: value) -> Callable[..., Any]:
        """The program as a function of its inputs that returns its result.

        `name(label, value)` is called with the value of every operation, and what it returns is used instead;
        the label is the variable that is assigned to, and inside a formula the text of the operation.
        """

        def program(*args: Any) -> Any:
            run = Run(dict(zip(self.variables, args, strict=True)), name)
            for label, formula in self.steps:
                run.values[label] = name(label, formula(run))
            return run.values[self.result]

        kind = inspect.Parameter.POSITIONAL_ONLY
        signature = inspect.Signature([inspect.Parameter(v, kind) for v in self.variables])
        program.__signature__ = signature  # type: ignore[attr-defined]
        return program


def parse(source: str) -> Expression:
    """Read a program.

    Raises:
        ExpressionError: with the column and the reason, if `source` is not in the grammar.

    >>> h = parse("g = 3*x; f = g**2")
    >>> h.variables, float(h.function()(4.0))
    (('x',), 144.0)
    """
    return _Reader(source).program()


class _Reader:
    """Turns the syntax tree of one source into formulas, collecting the inputs on the way."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.indent = len(source) - len(source.lstrip())
        self.inputs: list[str] = []
        self.assigned: list[str] = []

    def program(self) -> Expression:
        statements = self._statements()
        steps = [self._step(s, last=s is statements[-1]) for s in statements]
        return Expression(tuple(self.inputs), tuple(steps))

    def _statements(self) -> list[ast.stmt]:
        text = self.source.strip()
        if not text:
            raise ExpressionError("the expression is empty")
        if len(text.splitlines()) > 1:
            raise ExpressionError("the expression has several lines; separate assignments by semicolons")
        try:
            statements = ast.parse(text).body
        except SyntaxError as error:
            at = self.indent + max(error.offset or 1, 1)
            raise ExpressionError(f"column {at}: {error.msg}") from None
        except (ValueError, RecursionError, MemoryError) as error:
            # Null bytes, and nesting that the parser itself gives up on.
            raise ExpressionError(f"the expression cannot be read: {error or 'nested too deeply'}") from None
        if not statements:
            raise ExpressionError("the expression is empty")
        return statements

    def _step(self, statement: ast.stmt, last: bool) -> tuple[str, Formula]:
        match statement:
            case ast.Assign(targets=[ast.Name(id=label)], value=value):
                formula = self._step_formula(value)
                self._assign(label, statement)
                return label, formula
            case ast.Expr(value=value) if last:
                formula = self._step_formula(value)
                return self._free_label(), formula
            case ast.Expr():
                self._reject(statement, "this value is not used; assign it to a variable")
        self._reject(statement, "expected a formula or an assignment 'variable = formula'")

    def _assign(self, label: str, statement: ast.stmt) -> None:
        if label in CONSTANTS or label in FUNCTIONS:
            self._reject(statement, f"{label!r} has a meaning already; choose another name")
        if label in self.assigned:
            self._reject(statement, f"{label!r} is assigned twice; choose another name")
        if label in self.inputs:
            self._reject(statement, f"{label!r} is assigned after it was read; choose another name")
        self.assigned.append(label)

    def _free_label(self) -> str:
        """`f`, with underscores where that is a variable already."""
        label = "f"
        while label in self.inputs or label in self.assigned:
            label += "_"
        return label

    def _step_formula(self, node: ast.expr) -> Formula:
        """The formula of a whole step; a lone variable counts as an operation, so that it is a new value."""
        if isinstance(node, ast.Name):
            return _applied(np.positive, [self._variable(node.id, node)])
        return self._formula(node, MAX_DEPTH)

    def _formula(self, node: ast.expr, depth: int) -> Formula:
        if depth == 0:
            self._reject(node, f"nested more than {MAX_DEPTH} deep; assign parts of it to variables")
        match node:
            case ast.Constant(value=value):
                return self._number(node, value)
            case ast.Name(id=label):
                return self._variable(label, node)
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
                return _applied(_UNARY[type(op)], self._operands([operand], depth))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return _applied(_BINARY[type(op)], self._operands([left, right], depth))
            case ast.Call(func=ast.Name(id=label)):
                return _applied(self._function(label, node), self._operands(node.args, depth))
        self._reject(node, f"{ast.unparse(node)[:40]!r} is none of: number, variable, + - * / **, function")

    def _operands(self, nodes: list[ast.expr], depth: int) -> list[Formula]:
        formulas = [self._formula(node, depth - 1) for node in nodes]
        return [
            formula if isinstance(node, ast.Name | ast.Constant) else _labelled(_label(node), formula)
            for node, formula in zip(nodes, formulas, strict=True)
        ]

    def _number(self, node: ast.expr, value: object) -> Formula:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._reject(node, f"{value!r} is not a real number")
        try:
            number = np.float64(value)
        except OverflowError:
            number = np.float64(np.inf)
        if not np.isfinite(number):
            self._reject(node, "the number is too large")
        return lambda run: number

    def _variable(self, label: str, node: ast.expr) -> Formula:
        if label in CONSTANTS:
            constant = np.float64(CONSTANTS[label])
            return lambda run: constant
        if label in FUNCTIONS:
            self._reject(node, f"{label!r} is a function; write {label}(...)")
        if label not in self.assigned and label not in self.inputs:
            self.inputs.append(label)
        return lambda run: run.values[label]

    def _function(self, label: str, node: ast.Call) -> np.ufunc:
        if label not in FUNCTIONS:
            self._reject(node, f"{label!r} is not a function known here; known are {', '.join(FUNCTIONS)}")
        function = FUNCTIONS[label]
        wanted = function.nin
        if node.keywords or any(isinstance(x, ast.Starred) for x in node.args) or len(node.args) != wanted:
            self._reject(node, f"{label!r} takes {wanted} argument{'s' if wanted > 1 else ''}")
        return function

    def _reject(self, node: ast.stmt | ast.expr, reason: str) -> NoReturn:
        # The syntax tree counts bytes of UTF-8 from the first character that is not blank.
        start = self.source.lstrip().encode()[: node.col_offset]
        raise ExpressionError(f"column {self.indent + len(start.decode()) + 1}: {reason}")


def _applied(function: np.ufunc, operands: list[Formula]) -> Formula:
    return lambda run: function(*(operand(run) for operand in operands))


def _labelled(label: str, formula: Formula) -> Formula:
    return lambda run: run.name(label, formula(run))


def _label(node: ast.expr) -> str:
    """The formula as text without blanks, cut where it gets long."""
    text = ast.unparse(node).replace(" ", "")
    return text if len(text) <= 32 else text[:29] + "..."
