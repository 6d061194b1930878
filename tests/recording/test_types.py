"""`type` while a recording runs: what stand-ins stand for, and `type` itself in all else; names are put back."""

import builtins
import copy
import pickle
import sys
import types
from typing import Any

import numpy as np
import pytest

import jacfwd as jf
from jacfwd.recording import types as gates
from jacfwd.recording.interpose import INTERPOSITION
from tests.recording.agreement import agrees

X = np.array([0.5, 1.5, 2.5])


class GateOfTheTest:
    """Not under a global name, which a recording would put back to what it stands for."""

    gate: Any = gates.TYPE_GATE


def test_it_passes_for_type():
    Gate = GateOfTheTest.gate
    assert isinstance(int, Gate) and not isinstance(3, Gate) and issubclass(Gate(int), type)
    assert Gate in (type,) and Gate in {type: 1} and {type: 1}[Gate] == 1 and repr(Gate) == "<class 'type'>"
    assert Gate(Gate) is Gate and Gate(int) is Gate and Gate(3) is int
    assert isinstance(int, Gate | None) and isinstance(int, None | Gate) and Gate[int] == type[int]
    assert copy.copy(Gate) is copy.deepcopy(Gate) is Gate and pickle.loads(pickle.dumps(Gate)) is type
    assert Gate.__name__ == "type" and Gate.__new__ is type.__new__ and Gate.mro(int) == int.mro()
    with pytest.raises(TypeError):
        Gate()


def test_classes_are_made_with_it():
    Gate = GateOfTheTest.gate

    class Meta(Gate):
        def __call__(cls, *args: Any) -> Any:
            return Gate.__call__(cls, *args)

    class Model(metaclass=Gate):
        pass

    Made = Gate("Made", (Model,), {"a": 1})
    assert type(Meta) is type(Model) is type(Made) is type
    assert Made.__module__ == __name__ and Made.a == 1
    assert type(Meta("Other", (), {})()).__name__ == "Other"


def test_the_name_is_put_into_globals_and_taken_out():
    seen = []

    def f(x: Any) -> Any:
        seen.append((globals().get("type"), vars(builtins)["type"], type(np), type(np.zeros), type(X)))
        return x * x

    jf.jvp(f, X, X)
    [(inside, outside, *kinds)] = seen
    assert inside is GateOfTheTest.gate and type(outside) is type
    assert kinds == [types.ModuleType, type(np.zeros), np.ndarray]
    assert "type" not in globals()
    assert all("type" not in names for names in INTERPOSITION.modules.typed.namespaces.values())


def module_of(source: str, name: str = "typed_module") -> Any:
    module = types.ModuleType(name)
    exec(source, vars(module))
    return module


WAYS = {
    "function": "def kind(x): return type(x)",
    "inner": "def kind(x):\n    def inner(): return type(x)\n    return inner()",
    "method": "class A:\n    def kind(self, x): return type(x)\nkind = A().kind",
    "static": "class A:\n    @staticmethod\n    def kind(x): return type(x)\nkind = A.kind",
    "class method": "class A:\n    @classmethod\n    def kind(cls, x): return type(x)\nkind = A.kind",
    "property": "class A:\n    @property\n    def kind(self): return lambda x: type(x)\nkind = A().kind",
    "wrapped": "import functools\ndef deco(f): return functools.wraps(f)(lambda x: f(x))\n"
    "@deco\ndef kind(x): return type(x)",
    "cached": "import functools\n@functools.lru_cache\ndef make(): return lambda x: type(x)\n"
    "def kind(x): return make()(x)",
    "many names": "def kind(x):\n    if x is None: "
    + "; ".join(f"a{k}()" for k in range(300))
    + "\n    return type(x)",
}


@pytest.mark.parametrize("way", WAYS)
def test_modules_that_call_it(way, monkeypatch):
    module = module_of(WAYS[way])
    monkeypatch.setitem(sys.modules, module.__name__, module)
    before = dict(vars(module))
    agrees(lambda x: x * x if module.kind(x) is np.ndarray else x, X)
    assert vars(module) == before


def test_modules_that_do_not_call_it_are_left_alone(monkeypatch):
    module = module_of("def f(x): return isinstance(x, type), x.type, 'type' in vars(__import__('typed_module'))")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    jf.jvp(lambda x: x * (2.0 if module.f(types.SimpleNamespace(type=1)) == (False, 1, False) else 1.0), X, X)
    _, dy = jf.jvp(lambda x: x * (2.0 if module.f(types.SimpleNamespace(type=1))[2] else 1.0), X, X)
    assert np.array_equal(dy, X)


def test_a_name_of_the_users_stays(monkeypatch):
    module = module_of("def kind(x): return type(x)\ndef assign(): global type; type = len")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def f(x: Any) -> Any:
        module.assign()
        return x * module.kind(x)

    assert np.array_equal(jf.jvp(f, X, X)[1], 3 * X)
    assert module.type is len
    assert np.array_equal(jf.jvp(lambda x: x * module.kind(x), X, X)[1], 3 * X)
    assert module.type is len


def test_functions_defined_anew(monkeypatch):
    module = module_of("def kind(x): return 0")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    jf.jvp(lambda x: x * module.kind(x), X, X)
    exec("def kind(x): return 2.0 if type(x) is array else 3.0", vars(module) | {}, vars(module))
    exec("def kind(x): return 2.0 if type(x) is array else 3.0", vars(module))
    module.array = np.ndarray
    assert np.array_equal(jf.jvp(lambda x: x * module.kind(x), X, X)[1], 2 * X)


def test_nested_recordings():
    def inner(x: Any) -> Any:
        return x**3 if type(x) is np.ndarray and type(x[0]) is np.float64 else x

    H = jf.jacobian(jf.jacobian(inner))(X)
    assert np.allclose(H, np.einsum("i,ij,ik->ijk", 6 * X, np.eye(3), np.eye(3)))


def test_threads_that_do_not_record_meet_a_type_like_any_other():
    Gate = GateOfTheTest.gate
    assert Gate("a") is str and Gate(X) is np.ndarray and Gate(types) is types.ModuleType


def test_globals_without_a_module():
    names: dict[str, Any] = {"array": np.ndarray}
    exec("def f(x): return x**2 if type(x) is array else x**3", names)
    before = dict(names)
    agrees(names["f"], X)
    assert names == before and not INTERPOSITION.modules.typed.namespaces.get(id(names))
