"""Callables made of a function: names, signatures, pickling, methods, repr."""

import copy
import functools
import inspect
import pickle
import sys
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest

from jacfwd.callables import Derivative, name_of, parameter_names


class Twice(Derivative):
    """Calls the function and doubles the result."""

    public_name = "twice"
    defaults: ClassVar = {"argnums": 0, "sparse": False, "weights": None}

    def __call__(self, *args, **kwargs):
        return 2 * self.f(*args, **kwargs)


def plain(x, y: float = 1.0, *, scale=1.0):
    """The plain function."""
    return scale * x + y


def decorated_by(make):
    def decorated(x):
        """Replaced under its own name."""
        return x + 1

    decorated.__qualname__ = "replaced"
    return make(decorated)


replaced = decorated_by(Twice)


class Model:
    def __init__(self, slope):
        self.slope = slope

    @Twice
    def value(self, x):
        """The model's value."""
        return self.slope * x

    def __call__(self, x, t=0.0):
        return self.slope * x + t


def test_name_doc_module_and_signature_are_the_functions():
    derivative = Twice(plain)
    assert derivative.__name__ == "plain"
    assert derivative.__qualname__ == "plain"
    assert derivative.__doc__ == "The plain function."
    assert derivative.__module__ == __name__
    assert derivative.__wrapped__ is plain
    assert inspect.signature(derivative) == inspect.signature(plain)
    assert derivative(3.0, scale=2.0) == 14.0


def test_partials_keep_what_their_function_is_called():
    f = functools.partial(functools.partial(plain, scale=2.0), y=0.0)
    derivative = Twice(f)
    assert derivative.__name__ == "plain"
    assert derivative.__doc__ == "The plain function."
    assert inspect.signature(derivative) == inspect.signature(f)


def test_callable_objects_are_called_after_their_class():
    derivative = Twice(Model(3.0))
    assert derivative.__name__ == "Model"
    assert list(inspect.signature(derivative).parameters) == ["x", "t"]
    assert derivative(2.0) == 12.0


def test_functions_without_a_signature_have_none_here_either():
    for g in (max, dict):
        with pytest.raises(ValueError, match="no signature"):
            inspect.signature(Twice(g))
    assert Twice(max).__name__ == "max"
    assert Twice(np.sin)(0.0) == 0.0
    assert Twice(np.sin).__name__ == "sin"


def test_a_derivative_can_be_differentiated():
    outer = Twice(Twice(plain))
    assert outer(1.0) == 8.0
    assert outer.__name__ == "plain"
    assert inspect.signature(outer) == inspect.signature(plain)


def test_only_what_can_be_called_is_accepted():
    with pytest.raises(TypeError, match=r"jacfwd\.twice expects a function, got an array of dtype float64"):
        Twice(np.zeros(2))


def test_the_base_class_says_nothing_of_how_it_is_called():
    with pytest.raises(TypeError, match="abstract"):
        Derivative(plain)


def test_pickles_with_its_options_where_the_function_does():
    derivative = pickle.loads(pickle.dumps(Twice(plain, argnums=1, sparse=True)))
    assert type(derivative) is Twice
    assert derivative.f is plain
    assert derivative.options == {"argnums": 1, "sparse": True}
    assert derivative(1.0) == 4.0
    assert pickle.loads(pickle.dumps(Twice(np.sin))).f is np.sin
    assert pickle.loads(pickle.dumps(Twice(functools.partial(plain, y=0.0))))(1.0) == 2.0
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(Twice(lambda x: x))


def test_pickles_where_it_took_the_functions_name(monkeypatch):
    module = ModuleType("users_module")
    module.replaced = replaced
    monkeypatch.setitem(sys.modules, "users_module", module)
    monkeypatch.setattr(replaced, "__module__", "users_module")
    assert pickle.loads(pickle.dumps(replaced)) is replaced


def test_copies():
    derivative = Twice(plain, argnums=1)
    for again in (copy.copy(derivative), copy.deepcopy(derivative)):
        assert again.f is plain
        assert again.options == {"argnums": 1}


def test_works_as_a_method():
    model = Model(3.0)
    assert model.value(2.0) == 12.0
    assert isinstance(Model.value, Twice)
    assert Model.value(model, 2.0) == 12.0
    assert list(inspect.signature(model.value).parameters) == ["x"]
    assert model.value.__doc__ == "The model's value."


def test_a_bound_method_is_a_function_like_any_other():
    derivative = Twice(Model(3.0).__call__)
    assert derivative(2.0) == 12.0
    assert list(inspect.signature(derivative).parameters) == ["x", "t"]


def test_repr_shows_the_options_that_differ_from_their_defaults():
    assert repr(Twice(plain)) == "jacfwd.twice(plain)"
    assert repr(Twice(plain, argnums=0, sparse=False)) == "jacfwd.twice(plain)"
    assert repr(Twice(plain, argnums=1, sparse=True)) == "jacfwd.twice(plain, argnums=1, sparse=True)"
    assert repr(Twice(plain, argnums=(0,), new="a")) == "jacfwd.twice(plain, argnums=(0,), new='a')"
    assert repr(Twice(plain, argnums=False)) == "jacfwd.twice(plain, argnums=False)"
    assert repr(Twice(plain, weights=np.ones(1))) == "jacfwd.twice(plain, weights=array([1.]))"


def test_names_of_callables():
    assert name_of(plain) == "plain"
    assert name_of(functools.partial(plain)) == "plain"
    assert name_of(Model(1.0)) == "Model"
    assert name_of(np.sin) == "sin"
    assert name_of(Twice(plain)) == "plain"


def keyword_only(a, *, b):
    return a


def rest_and_keywords(a, b, *rest, c=1, **more):
    local = a
    return local


@functools.wraps(plain)
def wrapped(*args, **kwargs):
    return plain(*args, **kwargs)


@pytest.mark.parametrize(
    ("g", "n", "names"),
    [
        (plain, 2, ["x", "y"]),
        (plain, 1, ["x"]),
        (plain, 0, []),
        (keyword_only, 2, ["a", "x1"]),
        (rest_and_keywords, 4, ["a", "b", "rest[0]", "rest[1]"]),
        (wrapped, 2, ["x", "y"]),
        (Twice(plain), 2, ["x", "y"]),
        (Model(1.0).value, 1, ["x"]),
        (max, 2, ["x0", "x1"]),
    ],
)
def test_parameter_names(g, n, names):
    assert parameter_names(g, n) == names
