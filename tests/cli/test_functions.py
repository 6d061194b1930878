"""Commands on functions of the user's: what they print and write, and what they say to bad input."""

import json
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import scipy.sparse as sp

import jacfwd as jf
from jacfwd.cli import EXAMPLES, main
from jacfwd.cli.output import Bar, as_json, followed, progress, styled
from jacfwd.pattern import Pattern

HEAT = ("model.py:heat", "--at", "x.npy")
CHAIN = ("g = 3*x; f = g**2", "--at", "x=4")


def heat_jacobian():
    def heat(u):
        out = np.zeros(u.size)
        out[1:-1] = (1 + u[1:-1] ** 2) * (u[:-2] - 2 * u[1:-1] + u[2:])
        return out

    return jf.jacobian(heat)(np.linspace(0, 1, 6) ** 2)


def data(run, *argv):
    status, lines, err = run(*argv, "--json")
    assert err == ""
    return status, json.loads("".join(lines))


class TestJacobian:
    def test_dense(self, run, model):
        status, lines, _ = run("jacobian", *HEAT)
        assert status == 0
        assert lines[1] == "[ 1.0016 -1.9968 1.0016 0. 0. 0. ]"

    def test_json(self, run, model):
        _, found = data(run, "jacobian", *HEAT)
        np.testing.assert_allclose(found["jacobian"], heat_jacobian())

    def test_sparse_to_a_file(self, run, model):
        status, lines, _ = run("jacobian", *HEAT, "--sparse", "-o", "J.npz")
        assert (status, lines[0]) == (0, "6 x 6, 12 entries, written to J.npz")
        np.testing.assert_allclose(sp.load_npz("J.npz").toarray(), heat_jacobian())

    def test_sparse_in_json(self, run, model):
        _, found = data(run, "jacobian", *HEAT, "--sparse")
        J = found["jacobian"]
        dense = sp.coo_array((J["values"], (J["rows"], J["cols"])), shape=J["shape"]).toarray()
        np.testing.assert_allclose(dense, heat_jacobian())

    @pytest.mark.parametrize("name", ["J.npy", "J.npz"])
    def test_dense_to_a_file(self, run, model, name):
        assert run("jacobian", *HEAT, "-o", name, "--quiet") == (0, [], "")
        loaded = np.load(name)
        np.testing.assert_allclose(loaded if name == "J.npy" else loaded["jacobian"], heat_jacobian())

    def test_arguments_in_order_and_by_name(self, run, model):
        expected = [[0.0, 1.0], [-3.0, 0.0]]
        for point in (["0", "[1, 2]", "3"], ["0", "stiffness=3", "y=[1, 2]"], ["t=0", "y=[1,2]", "stiffness=6/2"]):
            at = [part for value in point for part in ("--at", value)]
            _, found = data(run, "jacobian", "model:oscillator", *at, "--argnum", "1")
            assert found["jacobian"] == expected

    def test_a_formula(self, run):
        assert run("jacobian", "sin(x)*y", "--at", "x=0", "--at", "y=3")[1] == ["3.0"]

    def test_from_text(self, run, model):
        np.savetxt("y.csv", [1.0, 2.0], delimiter=",")
        _, found = data(run, "jacobian", "model:oscillator", "--at", "0", "--at", "y.csv", "--argnum", "1")
        assert found["jacobian"] == [[0.0, 1.0], [-2.0, 0.0]]

    def test_large_ones_are_described(self, run, model):
        np.save("x.npy", np.ones(100))
        _, lines, _ = run("jacobian", *HEAT)
        assert lines == ["100 x 100, float64, largest entry 4"]
        _, lines, _ = run("jacobian", *HEAT, "--sparse")
        assert lines[0] == "100 x 100, 294 entries"

    def test_attributes_of_a_module(self, run, model):
        assert run("jacobian", "model:Scale.twice", "--at", "1.5")[1] == ["2.0"]

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["model.py:heat"], "missing a required argument: 'u'; add --at"),
            (["model.py:heat", "--at", "none.npy"], "none.npy"),
            (["model.py:heat", "--at", "[1, two]"], "no list of numbers"),
            (["model.py:heat", "--at", "1", "--at", "2"], "too many positional arguments"),
            (["model.py:hat", "--at", "1"], "model.py has no 'hat'; it has NUMBER, Scale, broken, heat"),
            (["model:NUMBER", "--at", "1"], "model:NUMBER is no function but int"),
            (["none.py:f", "--at", "1"], "none.py: no such file"),
            (["nowhere.at.all:f", "--at", "1"], "no module 'nowhere'"),
            (["model:lost", "--at", "1"], "TracerConversionError: float() would turn"),
            (["model:only", "--at", "x=1"], "by keyword only"),
            (["model:nested", "--at", "1"], "structure"),
            ([*HEAT, "--sparse", "-o", "J.npy"], "a sparse Jacobian is written as .npz"),
            ([*HEAT, "-o", "J.txt"], "a dense Jacobian is written as .npy or .npz"),
            ([*HEAT, "--argnum", "3"], "ValueError: "),
        ],
    )
    def test_bad_input(self, run, model, argv, message):
        status, lines, err = run("jacobian", *argv)
        assert (status, lines) == (2, [])
        assert message in err

    def test_what_the_function_raises_is_shown(self, run, model):
        status, _, err = run("jacobian", "model:broken", "--at", "1")
        assert status == 2
        assert "NameError: name 'undefined' is not defined" in err
        assert "return x / undefined" in err

    def test_a_module_that_does_not_import(self, run, model):
        (model / "bad.py").write_text("def f(:\n")
        assert "bad.py cannot be imported: SyntaxError" in run("jacobian", "bad.py:f", "--at", "1")[2]

    def test_pickles_are_not_loaded(self, run, model):
        np.save("object.npy", np.array([{"a": 1}], object))
        status, _, err = run("jacobian", "model:heat", "--at", "object.npy")
        assert status == 2
        assert "allow_pickle=False" in err


class TestPattern:
    def test_text_picture_and_file(self, run, model):
        status, lines, _ = run("pattern", *HEAT, "-o", "S.npz", "--svg", "S.svg")
        assert status == 0
        assert lines[0] == "Pattern(shape=(6, 6), nnz=12)"
        assert lines[-1].startswith("3 colors")
        assert Pattern.load("S.npz").nnz == 12
        ET.parse("S.svg")

    def test_json(self, run, model):
        _, found = data(run, "pattern", *HEAT)
        assert found | {"shape": [6, 6], "nnz": 12, "n_colors": 3} == found
        assert len(found["rows"]) == len(found["cols"]) == 12


class TestCost:
    def test_text_and_picture(self, run, model):
        status, lines, _ = run("cost", *HEAT, "--seconds", "0.2", "--svg", "n.svg")
        assert status == 0
        assert any(line.startswith("jvp 1 ") for line in lines)
        ET.parse("n.svg")

    def test_json(self, run, model):
        _, found = data(run, "cost", *CHAIN, "--seconds", "0.2")
        assert found["cost"]["n_inputs"] == 1
        assert found["exponent"] is None  # of one input there is none


class TestCheck:
    def test_agreement(self, run, model):
        status, lines, _ = run("check", *HEAT)
        assert (status, lines) == (0, ["ok: the Jacobian agrees with differences of the function to 1e-06"])
        assert data(run, "check", *HEAT) == (0, {"agrees": True, "message": None})

    def test_a_wrong_rule_is_found(self, run, model):
        (model / "wrong.py").write_text(
            "import jacfwd as jf\nimport numpy as np\n\n@jf.custom_jvp\ndef f(x):\n    return np.sin(x)\n\n"
            "@f.defjvp\ndef _(primals, tangents):\n    return f(*primals), np.sin(primals[0]) * tangents[0]\n"
        )
        status, lines, err = run("check", "wrong.py:f", "--at", "1")
        assert (status, lines) == (1, [])
        assert err.startswith("jacfwd check: ")
        assert data(run, "check", "wrong.py:f", "--at", "1")[0] == 1


class TestSource:
    def test_the_users_line_is_in_it(self, run, model):
        _, lines, _ = run("source", *HEAT)
        assert any("def heat" in line or "in heat" in line for line in lines)
        assert data(run, "source", *CHAIN)[1]["source"]


class TestGraphAndPage:
    def test_lanes(self, run):
        _, lines, _ = run("graph", *CHAIN, "--lanes")
        assert lines[2:] == [
            "○ x = 4 dx/dx = 1",
            "└─● g = 3 · x = 12 dg/dx = 3 dg/dx = 3",
            "◉─┘ f = g^2 = 144 df/dx = 72 df/dg = 24",
        ]

    def test_functions_have_lanes(self, run, model):
        _, lines, _ = run("graph", *HEAT, "--wrt", "2")
        assert lines[0] == "Derivative graph of u[2]"

    def test_one_input(self, run):
        _, lines, _ = run("graph", "a*x", "--at", "a=1", "--at", "x=2", "--wrt", "1")
        assert [line for line in lines if "graph" in line] == ["Derivative graph of x, at a = 1, x = 2"]

    def test_dot_and_picture(self, run, model):
        status, lines, _ = run("graph", *CHAIN, "--dot", "--svg", "g.svg")
        assert (status, lines[0], lines[-1]) == (0, "digraph {", "}")
        ET.parse("g.svg")
        assert "saved as .svg" in run("graph", *CHAIN, "--svg", "g.png")[2]

    def test_json(self, run):
        (found,) = data(run, "graph", *CHAIN)[1]
        assert found["nodes"]["f"] == {"value": 144.0, "derivative": 72.0}
        assert found["edges"][1] == {"parent": "g", "child": "f", "local": 24.0}
        assert found["paths"] == [{"nodes": ["x", "g", "f"], "factors": [3.0, 24.0], "product": 72.0}]

    def test_wrt_out_of_range(self, run):
        assert "out of range" in run("graph", *CHAIN, "--wrt", "5")[2]

    def test_page(self, run, model):
        status, lines, _ = run("html", *CHAIN, "-o", "g.html")
        assert status == 0
        assert lines[0].startswith("g.html: ")
        assert "dg/dx = 3" in (model / "g.html").read_text(encoding="utf-8")


class TestHelp:
    @pytest.mark.parametrize("command", EXAMPLES)
    def test_every_command_has_examples(self, run, command):
        status, lines, _ = run(command, "--help")
        assert status == 0
        assert "examples:" in lines
        assert sum(line.startswith(f"python -m jacfwd {command}") for line in lines) >= len(EXAMPLES[command])

    def test_version(self, run):
        status, lines, _ = run("--version")
        assert status == 0
        assert lines

    def test_benchmarks_need_a_checkout(self, run, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        assert "in a checkout" in run("bench")[2]

    def test_benchmarks_run(self, run, monkeypatch):
        called = []
        monkeypatch.setattr("subprocess.call", lambda command: called.append(command) or 0)
        assert run("bench", "--quick")[0] == 0
        assert called == [[sys.executable, "-m", "bench", "--folder", "docs", "--quick"]]


class Terminal:
    """A stream that says it is a terminal."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


class TestOutput:
    def test_color_on_terminals_unless_told_otherwise(self, monkeypatch):
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        assert styled("ok", "good", Terminal()) == "\x1b[32mok\x1b[0m"
        monkeypatch.setenv("NO_COLOR", "1")
        assert styled("ok", "good", Terminal()) == "ok"

    def test_no_color_elsewhere(self, capsys, monkeypatch):
        monkeypatch.delenv("NO_COLOR", raising=False)
        main(["graph", *CHAIN])
        assert "\x1b" not in capsys.readouterr().out

    def test_a_bar_on_terminals(self, monkeypatch):
        terminal = Terminal()
        assert progress("work") is None
        monkeypatch.setattr(sys, "stderr", terminal)
        assert list(followed("ab", 2, "work")) == ["a", "b"]
        assert terminal.text.endswith(f"\rwork [{'#' * 30}] 2/2\n")
        Bar("x")(0, 0)

    def test_json_of_everything(self):
        found = json.loads(as_json({"z": 1 + 2j, "nan": np.nan, "a": np.arange(2), 3: (np.float32(0.5), None)}))
        assert found == {"z": {"real": 1.0, "imag": 2.0}, "nan": None, "a": [0, 1], "3": [0.5, None]}
