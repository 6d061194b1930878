"""A runner for commands, and a module of the user's to run them on."""

import textwrap

import numpy as np
import pytest

from jacfwd.cli import main

MODEL = '''
    """A model, as a user writes one."""

    import numpy as np


    def heat(u):
        out = np.zeros(u.size)
        out[1:-1] = (1 + u[1:-1] ** 2) * (u[:-2] - 2 * u[1:-1] + u[2:])
        return out


    def oscillator(t, y, stiffness=2.0):
        return np.array([y[1], -stiffness * y[0] * np.cos(t)])


    def lost(x):
        return float(x)


    def broken(x):
        return x / undefined


    def nested(x):
        return {"a": x, "b": 2 * x}


    def only(*, x):
        return x


    class Scale:
        @staticmethod
        def twice(x):
            return 2 * x


    NUMBER = 3
'''


@pytest.fixture
def run(capsys):
    """Run a command: exit status, lines of output with single blanks, message."""

    def run(*argv):
        try:
            status = main(argv)
        except SystemExit as stop:  # how argparse ends a program
            status = stop.code
        out, err = capsys.readouterr()
        return status, [" ".join(line.split()) for line in out.splitlines()], err

    return run


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A folder to work in, with `model.py` and `x.npy`."""
    (tmp_path / "model.py").write_text(textwrap.dedent(MODEL))
    np.save(tmp_path / "x.npy", np.linspace(0, 1, 6) ** 2)
    monkeypatch.chdir(tmp_path)
    return tmp_path
