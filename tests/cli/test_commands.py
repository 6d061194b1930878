"""The command line: what it prints, and what it says to bad input."""

import json
import runpy
import subprocess
import sys

import numpy as np
import pytest

from jacfwd import logistic
from jacfwd.cli import fit, graphs


class TestGraph:
    def test_the_chain(self, run):
        status, lines, err = run("graph", "g = 3*x; f = g**2", "--at", "x=4")
        assert (status, err) == (0, "")
        assert lines == [
            "Derivative graph of x, at x = 4",
            "",
            "node value forward derivative",
            "x 4 dx/dx = 1",
            "g 12 dg/dx = 3",
            "f 144 df/dx = 72",
            "",
            "edge local derivative",
            "x -> g dg/dx = 3",
            "g -> f df/dg = 24",
            "",
            "path product of its local derivatives",
            "x -> g -> f 3 * 24 = 72",
            "1 path, together df/dx = 72",
        ]

    def test_two_paths_with_partial_derivatives_where_they_meet(self, run):
        _, lines, _ = run("graph", "sin(x)*cos(x)", "--at", "x=2")
        sin, cos = f"{np.sin(2):.10g}", f"{np.cos(2):.10g}"
        assert f"sin(x) {sin} d(sin(x))/dx = {cos}" in lines
        assert f"sin(x) -> f ∂f/∂(sin(x)) = {cos}" in lines
        assert f"cos(x) -> f ∂f/∂(cos(x)) = {sin}" in lines
        assert f"x -> sin(x) -> f {cos} * {cos} = {np.cos(2) ** 2:.10g}" in lines
        assert f"2 paths, together df/dx = {np.cos(4):.10g}" in lines

    def test_one_block_for_each_input(self, run):
        status, lines, _ = run("graph", "a*x + b", "--at", "x=3", "--at", "b=1", "--at", "a=2")
        assert status == 0
        where = "at a = 2, x = 3, b = 1"
        assert [line for line in lines if "graph" in line] == [f"Derivative graph of {v}, {where}" for v in "axb"]
        assert "1 path, together df/da = 3" in lines
        assert "1 path, together df/dx = 2" in lines
        assert "1 path, together df/db = 1" in lines

    def test_partial_and_total(self, run):
        # f(g(x, y), y) = g + y^2 with g = sin(x) cos(y): the partial is 2 y, the total has both paths.
        _, lines, _ = run("graph", "g = sin(x)*cos(y); s = y**2; f = g + s", "--at", "x=1", "--at", "y=2")
        assert "y -> s ds/dy = 4" in lines
        total = 4 - np.sin(1) * np.sin(2)
        assert f"2 paths, together df/dy = {total:.10g}" in lines

    def test_an_input_without_a_path(self, run):
        _, lines, _ = run("graph", "g = y; f = 2*x", "--at", "x=1", "--at", "y=2")
        assert "0 paths, together df/dy = 0" in lines

    def test_many_paths_are_cut(self, run):
        steps = "; ".join(f"g{k} = {g}*{g} + {g}" for k, g in enumerate(["x", "g0", "g1", "g2", "g3"]))
        _, lines, _ = run("graph", steps, "--at", "x=0.5")
        assert "... and 12 more" in lines
        assert any(line.startswith("32 paths, together dg4/dx = ") for line in lines)
        assert sum(line.startswith("x -> ") and line.count("->") > 1 for line in lines) == graphs.SHOWN_PATHS

    def test_singular_points_print_without_warnings(self, run):
        status, lines, err = run("graph", "sqrt(x)", "--at", "x=0")
        assert (status, err) == (0, "")
        assert "1 path, together df/dx = inf" in lines

    @pytest.mark.parametrize("value", ["-1.5", "pi/2", "2**0.5", " 1e-3 "])
    def test_values_are_formulas_without_variables(self, run, value):
        status, lines, _ = run("graph", "2*x", "--at", f"x={value}")
        number = eval(value.strip(), {"pi": np.pi})
        assert (status, lines[0]) == (0, f"Derivative graph of x, at x = {number:.10g}")

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["x.real", "--at", "x=1"], "column 1: 'x.real' is none of"),
            (["__import__('os')"], "not a function known here"),
            (["x", "--at", "y=1"], "'y' is not among the inputs x"),
            (["x + y", "--at", "x=1"], "no value for y; add --at y=VALUE"),
            (["x"], "no value for x"),
            (["x", "--at", "x"], "expected NAME=VALUE"),
            (["x", "--at", "x=1", "--at", "x=1"], "has a value already"),
            (["x", "--at", "x=y"], "'y' is no number"),
            (["x", "--at", "x=z=2"], "'z=2' is no number"),
            (["x", "--at", "x="], "in '', the expression is empty"),
            (["x", "--at", "x=1/0"], "'1/0' is inf"),
            (["3"], "no variable"),
            ([], "required: EXPRESSION"),
        ],
    )
    def test_bad_input(self, run, argv, message):
        status, lines, err = run("graph", *argv)
        assert (status, lines) == (2, [])
        assert message in err


class TestLogistic:
    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch):
        monkeypatch.setattr(fit, "INPUT_COUNTS", (1, 2, 4))
        monkeypatch.setattr(fit, "_measured", lambda counts: map(logistic.measure, counts))

    def test_irises(self, run):
        status, lines, err = run("logistic")
        assert (status, err) == (0, "")
        slope = np.exp(-2.0) / (1 + np.exp(-2.0)) ** 2
        for variable, derivative in {"a": 1.5 * slope, "b": slope, "x": 2 * slope}.items():
            assert f"1 path, together df/d{variable} = {derivative:.10g}" in lines
        assert f"g -> f df/dg = {slope:.10g}" in lines
        assert "Logistic regression on Fisher's irises, 100 rows" in lines
        assert any(line.startswith("petal_width 18.286") for line in lines)
        assert any(line.startswith("1 -42.63") for line in lines)
        (check,) = (line for line in lines if "closed form" in line)
        assert float(check.rpartition(": ")[2]) <= 1e-12

    def test_as_data(self, run):
        status, lines, _ = run("logistic", "--json")
        found = json.loads("".join(lines))
        assert (status, found["rows"], found["classes"]) == (0, 100, ["versicolor", "virginica"])
        assert found["gradient_difference"] <= 1e-12
        assert [row["n"] for row in found["costs"]] == [1, 2, 4]

    def test_a_table_of_the_users_own(self, run, tmp_path):
        path = tmp_path / "own.csv"
        path.write_text("dose,target\n1,alive\n2,dead\n3,alive\n4,dead\n")
        status, lines, _ = run("logistic", "--data", str(path))
        assert status == 0
        assert f"Logistic regression on {path}, 4 rows" in lines
        assert "feature coefficient for dead against alive" in lines

    def test_a_bad_file(self, run, tmp_path):
        status, lines, err = run("logistic", "--data", str(tmp_path / "none.csv"))
        assert (status, lines) == (2, [])
        assert err == f"jacfwd logistic: {tmp_path / 'none.csv'}: No such file or directory\n"

    def test_classes_without_a_fit(self, run, tmp_path):
        path = tmp_path / "separate.csv"
        path.write_text("dose,target\n1,a\n2,b\n")
        status, lines, err = run("logistic", "--data", str(path))
        assert (status, lines) == (2, [])
        assert "a plane separates" in err

    def test_gradients_that_differ_fail(self, run, monkeypatch):
        monkeypatch.setattr(logistic, "gradient_difference", lambda table: 1e-9)
        status, _, err = run("logistic")
        assert status == 1
        assert "differ by more than 1e-12" in err


def test_the_table_of_costs(run, monkeypatch):
    monkeypatch.setattr(fit, "INPUT_COUNTS", (1, 2, 4))
    _, lines, _ = run("logistic")
    start = lines.index("inputs n one JVP jacfwd reverse")
    assert [line.split()[0] for line in lines[start + 1 :]] == ["1", "2", "4", "1000000", "exponent"]
    assert all(float(cell) > 0 for line in lines[start + 1 : -1] for cell in line.split()[1:4])


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["graph", "x", "--nonsense"]])
def test_wrong_commands_explain_themselves(run, argv):
    status, _, err = run(*argv)
    assert status == 2
    assert "usage: python -m jacfwd" in err


def test_help(run):
    status, lines, _ = run("--help")
    assert status == 0
    assert any(line.startswith("logistic") for line in lines)


def test_python_m_hands_on_the_exit_status(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["jacfwd", "graph", "x ="])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_module("jacfwd", run_name="__main__")
    assert "column 4: invalid syntax" in capsys.readouterr().err


def test_as_a_program():
    command = [sys.executable, "-m", "jacfwd", "graph", "sin(x)*cos(x)", "--at", "x=2"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env={"PYTHONIOENCODING": "utf-8"})
    assert done.returncode == 0, done.stderr
    assert "2 paths, together df/dx = -0.6536436209" in done.stdout
