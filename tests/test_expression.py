"""Formulas given as text: what is read, how it is evaluated, and what is refused with which reason."""

import inspect

import numpy as np
import pytest

from jacfwd.expression import CONSTANTS, FUNCTIONS, MAX_DEPTH, ExpressionError, parse


def value(source, **known):
    expression = parse(source)
    return expression.function()(*(known[v] for v in expression.variables))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x", 2.0),
        ("3", 3.0),
        ("+x - -y", 5.0),
        ("x + y*2", 8.0),
        ("(x + y)*2", 10.0),
        ("x**y", 8.0),
        ("-x**2", -4.0),
        ("2**-x", 0.25),
        ("y/x/2", 0.75),
        ("1 - 2 - 3", -4.0),
        ("sin(x)*cos(y)", np.sin(2.0) * np.cos(3.0)),
        ("arctan2(x, y)", np.arctan2(2.0, 3.0)),
        ("log(e**x) + sin(pi/2)", 3.0),
        ("sigmoid(x)", 1 / (1 + np.exp(-2.0))),
        ("1e-3*x + .5", 0.502),
        ("g = 3*x; f = g**2", 36.0),
        ("g = 3*x; g**2 + x;", 38.0),
        ("  x + y  ", 5.0),
    ],
)
def test_value(source, expected):
    assert value(source, x=2.0, y=3.0) == pytest.approx(expected, rel=1e-15)


def test_every_function_of_one_argument_is_numpys():
    for label, function in FUNCTIONS.items():
        if function.nin == 1:
            point = 1.5 if label == "arccosh" else 0.5
            assert value(f"{label}(x)", x=point) == function(point)


def test_sigmoid_does_not_overflow():
    np.testing.assert_array_equal(value("sigmoid(x)", x=np.array([-1e4, 0.0, 1e4])), [0.0, 0.5, 1.0])


def test_variables_come_in_order_of_first_appearance():
    assert parse("b*x + a*b").variables == ("b", "x", "a")
    assert parse("g = z + y; f = g*x*z").variables == ("z", "y", "x")
    assert parse("pi*e").variables == ()


def test_the_function_says_what_its_arguments_are_called():
    assert list(inspect.signature(parse("b*x + a").function()).parameters) == ["b", "x", "a"]


def test_the_number_of_arguments_is_checked():
    with pytest.raises(ValueError, match="zip"):
        parse("x + y").function()(1.0)


def labels(source, *args):
    seen = {}
    parse(source).function(name=lambda label, value: seen.setdefault(label, value))(*args)
    return seen


def test_every_operation_passes_the_hook_under_its_variable_or_its_text():
    assert labels("g = 3*x; h = g*g + x; -h", 1.0) == {"g": 3.0, "g*g": 9.0, "h": 10.0, "f": -10.0}
    assert labels("sin(x)*2", 0.0) == {"sin(x)": 0.0, "f": 0.0}


def test_what_the_hook_returns_is_used():
    f = parse("g = 3*x; h = g*g; h - x").function(name=lambda label, value: value + 1)
    assert f(1.0) == (4.0 * 4.0 + 1) - 1 + 1


def test_the_result_has_a_name():
    assert parse("g = 3*x; h = g**2").result == "h"
    assert parse("3*x").result == "f"
    assert parse("f = 3*x; f**2").result == "f_"
    assert parse("f + 1").result == "f_"


def test_a_copy_is_a_variable_of_its_own():
    assert labels("g = x; g", 2.0) == {"g": 2.0, "f": 2.0}


def test_long_labels_are_cut():
    assert "sin(x+11111111111111111111111..." not in labels("sin(x + 1)*2", 0.0)
    assert "sin(x*1.2345678901234567+2.34..." in labels("sin(x*1.2345678901234567 + 2.3456789)*2", 0.0)


def test_numbers_are_floats_so_that_no_power_runs_away():
    with np.errstate(over="ignore"):
        assert value("9**9**9**9") == np.inf
    with np.errstate(invalid="ignore"):
        assert np.isnan(value("(-1)**0.5"))
    with np.errstate(divide="ignore"):
        assert value("1/0") == np.inf


@pytest.mark.parametrize(
    ("source", "column", "reason"),
    [
        ("x.real", 1, "'x.real' is none of"),
        ("y + x[0]", 5, r"'x\[0\]' is none of"),
        ("x if x else y", 1, "is none of"),
        ("lambda: 0", 1, "is none of"),
        ("x % 2", 1, "'x % 2' is none of"),
        ("x @ y", 1, "is none of"),
        ("~x", 1, "is none of"),
        ("x < y", 1, "is none of"),
        ("(g := x)", 2, "is none of"),
        ("f'{x}'", 1, "is none of"),
        ("x()()", 1, "is none of"),
        ("x; y = 2", 1, "not used"),
        ("import os", 1, "expected a formula"),
        ("x += 1", 1, "expected a formula"),
        ("a = b = 1", 1, "expected a formula"),
        ("a, b = 1, 2", 1, "expected a formula"),
        ("x.y = 1", 1, "expected a formula"),
        ("del x", 1, "expected a formula"),
        ("g = x; x = 2", 8, "'x' is assigned after it was read"),
        ("g = g + 1", 1, "'g' is assigned after it was read"),
        ("g = x; g = 2", 8, "'g' is assigned twice"),
        ("pi = 3", 1, "'pi' has a meaning already"),
        ("sin = 3", 1, "'sin' has a meaning already"),
        ("1 + sin", 5, r"'sin' is a function; write sin\(...\)"),
        ("foo(x)", 1, "'foo' is not a function known here"),
        ("__import__('os')", 1, "'__import__' is not a function known here"),
        ("sin(x, y)", 1, "'sin' takes 1 argument"),
        ("arctan2(x)", 1, "'arctan2' takes 2 arguments"),
        ("sin(x=1)", 1, "'sin' takes 1 argument"),
        ("sin(*x)", 1, "'sin' takes 1 argument"),
        ("2j*x", 1, "2j is not a real number"),
        ("x + True", 5, "True is not a real number"),
        ("None", 1, "None is not a real number"),
        ("'a' + x", 1, "'a' is not a real number"),
        ("1e999", 1, "too large"),
        ("9" * 400, 1, "too large"),
        ("x +", 4, "invalid syntax"),
        ("  x + ;", 7, "invalid syntax"),
        ("  ä + ö.a", 7, "is none of"),
        ("(" * 300, 201, "nested"),
        ("+".join("x" * (MAX_DEPTH + 2)), 1, f"nested more than {MAX_DEPTH} deep"),
    ],
)
def test_rejected_with_column_and_reason(source, column, reason):
    with pytest.raises(ExpressionError, match=rf"^column {column}: .*{reason}"):
        parse(source)


@pytest.mark.parametrize("source", ["", "   ", "# nothing", "x\ny", "-" * 5000 + "x"])
def test_rejected_as_a_whole(source):
    with pytest.raises(ExpressionError, match="the expression"):
        parse(source)


@pytest.mark.parametrize("source", ["x\0", "9" * 5000])
def test_what_the_parser_refuses_is_a_value_error_as_well(source):
    with pytest.raises(ExpressionError):
        parse(source)


def test_the_deepest_formula_still_evaluates():
    assert value("+".join("x" * (MAX_DEPTH - 1)), x=1.0) == MAX_DEPTH - 1


def test_functions_and_constants_share_no_name():
    assert not FUNCTIONS.keys() & CONSTANTS.keys()
