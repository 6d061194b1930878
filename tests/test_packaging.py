"""The project's outside: what the wheel carries, and what the README tells people to run."""

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import jacfwd

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_carries_the_data_and_the_marker_of_types(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "jacfwd/data/iris.csv",
        "jacfwd/data/README.md",
        "jacfwd/py.typed",
        "jacfwd/__main__.py",
        "jacfwd/draw/page.html",
    } <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert all(name.startswith(("jacfwd/", "jacfwd-")) for name in names)


def test_the_wheel_finds_its_data(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "import jacfwd.logistic as l; print(l.__file__); print(l.iris().X.shape)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.stdout.split("\n")[:2] == [str(tmp_path / "jacfwd" / "logistic.py"), "(100, 4)"], done.stderr


@pytest.mark.slow
def test_the_wheel_installs_alone_and_runs_the_main_job(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)
    subprocess.run([python, "-m", "jacfwd", "logistic"], cwd=tmp_path, check=True)


def test_the_wheel_has_the_packages_version(wheel):
    assert wheel.name.startswith(f"jacfwd-{jacfwd.__version__}-")


def test_numpy_and_scipy_are_all_that_is_needed_to_run():
    assert [re.match(r"\w+", need).group() for need in PROJECT["dependencies"]] == ["numpy", "scipy"]


def test_the_oldest_releases_are_the_ones_tested():
    script = (ROOT / ".ci" / "oldest").read_text()
    for need in PROJECT["dependencies"]:
        assert re.sub(">=(.*)", r"==\1.0", need) in script


def test_the_citation_has_the_packages_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", citation, re.MULTILINE)[1] == jacfwd.__version__


def test_the_readme_has_two_commands_of_one_line_each():
    main_job, tests = (block.splitlines() for block in blocks("bash"))
    assert len(main_job) == len(tests) == 1
    assert main_job[0].endswith("-m jacfwd logistic")
    assert "[test]" in tests[0]


def test_the_readmes_example_runs(capsys):
    (example,) = blocks("python")
    exec(compile(example, "<README.md>", "exec"), {})
    assert "12 of 36" in capsys.readouterr().out


@pytest.mark.parametrize("script", ["run", "oldest", "browser", "docs"])
def test_the_scripts_can_be_run(script):
    path = ROOT / ".ci" / script
    assert os.access(path, os.X_OK)
    subprocess.run(["bash", "-n", path], check=True)


def run(code):
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_public_names_are_there_before_their_modules_are_imported():
    run("import sys, jacfwd\nassert set(jacfwd.__all__) <= set(dir(jacfwd)) and 'jacfwd.testing' not in sys.modules")
    run(
        "from jacfwd import *\n"
        "import jacfwd as jf\n"
        "assert all(globals()[name] is getattr(jf, name) for name in jf.__all__)"
    )
    run("from jacfwd import Primitive; import jacfwd.own.base; assert Primitive is jacfwd.own.base.Primitive")
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = jacfwd.no_such_name


def test_names_that_are_imported_later_are_public():
    assert {*jacfwd.LATER, *jacfwd.MODULES} <= set(jacfwd.__all__)


def test_plain_use_imports_no_programs():
    run(
        "import sys, numpy as np, jacfwd\n"
        "jacfwd.jacobian(np.sin)(np.ones(2)), jacfwd.jvp(np.sin, 1.0, 1.0)\n"
        "jacfwd.hessian(lambda x: x @ x)(np.ones(2))\n"
        "late = 'program.jacobian', 'kept', 'batch.call', 'own', 'testing', 'solvers', 'cost', 'draw', 'traced'\n"
        "assert not {'jacfwd.' + name for name in late} & sys.modules.keys()"
    )
