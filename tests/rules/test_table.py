"""The table: what is found in it, and when names become functions."""

import importlib
import subprocess
import sys
import types

import numpy as np
import pytest

import jacfwd as jf
from jacfwd import rules
from jacfwd.primitive import Primitive


def test_functions_of_the_users_own_bring_their_primitive():
    def f(x):
        return x

    assert rules.find(f) is None
    f.__jacfwd_primitive__ = own = Primitive("own:f", f, rules.TABLE[np.sin].rule)
    assert rules.find(f) is own
    f.__jacfwd_primitive__ = "something else"
    assert rules.find(f) is None


def test_what_cannot_be_hashed_has_no_rule():
    class Unhashable:
        __hash__ = None

        def __call__(self, x):
            return x

    assert rules.find(Unhashable()) is None


@pytest.fixture
def later(tmp_path, monkeypatch):
    """A module that the table knows by name and nobody has imported yet."""
    (tmp_path / "imported_later.py").write_text("class Inner:\n    def f(x):\n        return 2 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("TABLE", "_BY_NAME", "_PENDING"):
        monkeypatch.setattr(rules, name, dict(getattr(rules, name)))
    monkeypatch.setattr(rules, "RESOLVED", [])
    monkeypatch.setattr(rules, "_PENDING_MODULES", {"imported_later"})
    for missing in ("Inner.f", "Inner.gone", "Gone.f"):
        rules._PENDING[f"imported_later:{missing}"] = rules.TABLE[np.sin].rule
    yield "imported_later"
    sys.modules.pop("imported_later", None)


def test_a_name_is_imported_when_it_is_asked_for(later):
    rules.resolve()
    assert later not in sys.modules and not rules.RESOLVED
    found = rules.by_name(f"{later}:Inner.f")
    function = sys.modules[later].Inner.f
    assert found is rules.find(function) is rules.by_name(f"{later}:Inner.f")
    assert [(function, sys.modules[later], "Inner.f")] == rules.RESOLVED
    with pytest.raises(KeyError):
        rules.by_name(f"{later}:Inner.gone")


def test_a_module_is_left_until_its_body_has_run(later, monkeypatch):
    __import__(later)
    monkeypatch.setattr(sys.modules[later].__spec__, "_initializing", True, raising=False)
    rules.resolve()
    assert f"{later}:Inner.f" in rules._PENDING
    monkeypatch.setattr(sys.modules[later].__spec__, "_initializing", False)
    assert rules.find(sys.modules[later].Inner.f) is rules._BY_NAME[f"{later}:Inner.f"]


def test_names_are_of_the_public_module():
    from scipy import special

    assert rules.name_of(np.sin) == "numpy:sin"
    assert rules.name_of(special.expit) == "scipy.special:expit"
    assert rules.name_of(np.linalg.norm) == "numpy.linalg:norm"
    assert rules.name_of(jf.jvp).endswith(":jvp")
    assert all(rules.by_name(p.name) is p for p in set(rules.TABLE.values()))


def emptied(monkeypatch):
    for name in ("TABLE", "_BY_NAME", "_PENDING"):
        monkeypatch.setattr(rules, name, {})
    monkeypatch.setattr(rules, "_NAMES", set())
    monkeypatch.setattr(rules, "_PENDING_MODULES", set())


def test_no_function_has_two_rules(monkeypatch):
    emptied(monkeypatch)
    family = {np.sin: rules.elementwise.RULES[np.sin]}
    rules._join(family)
    with pytest.raises(ValueError, match="two rules for numpy:sin"):
        rules._join(family)


def test_neither_has_one_in_families_that_join_later(monkeypatch):
    emptied(monkeypatch)
    for family in rules.every_family():
        rules._join(family)
    assert len(rules.TABLE) + len(rules._PENDING) > 630


def test_families_join_with_the_module_of_their_functions():
    for module, names in rules.LATER.items():
        for name in names:
            keys = importlib.import_module(f"jacfwd.rules.{name}").RULES
            homes = {key.partition(":")[0] for key in keys if isinstance(key, str)}
            assert all(any(home == m or home.startswith(m + "._") for m in rules.LATER) for home in homes), name
        own = {key for name in names for key in importlib.import_module(f"jacfwd.rules.{name}").RULES}
        assert any(isinstance(key, str) and key.startswith(f"{module}:") for key in own), module


def test_families_outside_numpy_are_imported_when_needed():
    code = """if True:
        import pickle, sys
        import jacfwd
        assert not {"jacfwd.rules.special", "jacfwd.rules.signals"} & sys.modules.keys()
        import numpy as np, scipy.special
        assert jacfwd.jacobian(lambda x: scipy.special.erf(x))(0.0) > 1
        assert "jacfwd.rules.special" in sys.modules
        from jacfwd import rules
        name = "jacfwd.rules.splines:bspline"
        family = __import__("jacfwd.rules.splines", fromlist=["RULES"]).RULES
        own = next(key for key in family if not isinstance(key, str))
        assert rules.by_name(rules.name_of(own)).function is own
        rules.by_name("scipy.stats._multivariate:multivariate_normal_gen.pdf")
    """
    subprocess.run([sys.executable, "-c", code], check=True)


def test_modules_made_by_hand_are_ready():
    module = types.ModuleType("made_by_hand")
    assert not rules._is_loading(module)
    del module.__spec__
    assert not rules._is_loading(module)
