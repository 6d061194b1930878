"""Functions of modules that numba compiles in. What numba makes is imitated: it must see nothing but real names."""

import math
import sys
import types

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.recording.interpose import INTERPOSITION
from jacfwd.recording.jitted import in_a_cell, stand_in_of
from tests.recording.agreement import agrees

X = np.array([0.5, 1.5, 2.5])
SOURCE = """
import math
import numpy as np

CALLS = 0
K = 2.0

def helper(x):
    out = np.zeros(3)
    out[:] = x * K
    return out

def counting(x):
    global CALLS
    CALLS += 1
    return helper(x) * compiled(x)

def with_cells(x):
    def inner(v):
        out = np.zeros(3)
        out[0] = math.sin(v)
        return compiled(out)
    return inner(x[0])

def loop(x):
    out = np.empty(3)
    for i in range(3):
        out[i] = x[i] ** 2 + K
    return out

def twice(x, n=2):
    return compiled(x) * n

def element(a):
    return math.sin(a) if a > 1 else a * a

def of_elements(x):
    return elementwise(x) * elementwise(x[0])

def of_plain(x):
    return x * compiled(np.arange(3.0)).sum()
"""


class Dispatcher:
    """As numba's: it compiles at its first call, for which the globals must be the real ones; then it runs."""

    def __init__(self, py_func):
        self.py_func, self.__name__ = py_func, py_func.__name__

    def __call__(self, *args):
        names = self.py_func.__globals__
        assert names["np"] is sys.modules["numpy"] and names["math"] is sys.modules["math"]
        if not all(type(arg) is np.ndarray or isinstance(arg, float) for arg in args):
            raise TypeError("can't unbox array from PyObject into native value")
        return self.py_func(*args)


class DUFunc(Dispatcher):
    def __init__(self, py_func):
        self._dispatcher, self.__name__ = Dispatcher(py_func), py_func.__name__

    def __call__(self, *args):
        return np.vectorize(self._dispatcher)(*args)


Dispatcher.__module__ = DUFunc.__module__ = "numba.core.registry"


@pytest.fixture
def module(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", types.ModuleType("numba"))
    made = types.ModuleType("compiling")
    monkeypatch.setitem(sys.modules, "compiling", made)
    exec(SOURCE, made.__dict__)
    made.compiled, made.jitted, made.elementwise = map(Dispatcher, (made.loop, made.twice, made.element))
    made.elementwise = DUFunc(made.element)
    yield made
    if stand_in_of in INTERPOSITION.stand_ins:
        INTERPOSITION.stand_ins.remove(stand_in_of)
    INTERPOSITION.exchange.adopters.pop(in_a_cell, None)


@pytest.mark.parametrize("name", ["counting", "with_cells", "of_elements", "of_plain", "compiled", "jitted", "helper"])
def test_they_are_recorded_as_python(module, name):
    agrees(getattr(module, name), X, exactly=False)
    assert module.np is np and module.math is math


def test_globals_are_read_anew_and_written_back(module):
    J = jf.jacobian(module.counting, record=True)
    J(X)
    assert module.CALLS == 2  # the recording and its verification
    module.K = 3.0
    np.testing.assert_allclose(J(X), jf.jacobian(module.counting)(X))
    np.testing.assert_allclose(np.diag(J(X)), 3 * (3 * X**2 + 3))


def test_a_function_elsewhere_that_calls_them_in_its_cells(module):
    compiled = module.compiled

    def f(x):
        return compiled(x) * 2

    agrees(f, X, exactly=False)
    assert f.__closure__[0].cell_contents is compiled


def test_what_has_no_python_function_is_refused_with_the_line(module):
    opaque = type("Opaque", (), {"__module__": "numba.other", "__call__": lambda self, x: math.sin(x.ctypes.data)})()
    with pytest.raises(jf.TracerConversionError, match=r"test_jitted\.py"):
        jf.jacobian(lambda x: opaque(x) * x)(X)
