"""A proxy is as good as its module."""

import copy
import pickle
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy

from jacfwd.recording.names import Exchange
from jacfwd.recording.proxies import ModuleProxy, refresh

SOURCE = """
def f(): pass
def g(): pass
def __getattr__(name):
    if name == "lazy":
        return f
    raise AttributeError(name)
"""


def replacement(*args: Any) -> str:
    return "replacement"


def proxy_of(module: types.ModuleType, *originals: Any) -> Any:
    exchange = Exchange()
    for original in originals:
        exchange.add(original, replacement)
    proxy = ModuleProxy(module, exchange)
    exchange.add(module, proxy)
    refresh(proxy)
    return proxy


@pytest.fixture
def module() -> Iterator[Any]:
    """A module of two functions and an attribute made on demand."""
    module = types.ModuleType("some_module", "Its docstring.")
    exec(SOURCE, vars(module))
    sys.modules["some_module"] = module
    yield module
    del sys.modules["some_module"]


@pytest.fixture
def proxy(module: Any) -> Any:
    return proxy_of(module, module.f)


def test_attributes(module: Any, proxy: Any) -> None:
    assert proxy.f is replacement
    assert proxy.g is module.g
    assert proxy.__doc__ == "Its docstring."
    assert proxy.__name__ == "some_module"
    assert "f" in dir(proxy)
    with pytest.raises(AttributeError, match="no_such"):
        _ = proxy.no_such


def test_attributes_made_on_demand(proxy: Any) -> None:
    assert proxy.lazy is replacement


def test_modules_imported_on_demand() -> None:
    proxy = proxy_of(scipy)
    assert proxy.integrate is scipy.integrate
    assert proxy.__version__ == scipy.__version__


def test_it_is_a_module(proxy: Any) -> None:
    assert isinstance(proxy, types.ModuleType)
    assert repr(proxy_of(np)) == repr(np)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickled_it_is_the_module(module: Any, proxy: Any, protocol: int) -> None:
    data = pickle.dumps(proxy, protocol)
    assert pickle.loads(data) is module
    assert b"jacfwd" not in data


def test_copies(proxy: Any) -> None:
    assert copy.copy(proxy) is proxy
    assert copy.deepcopy([proxy])[0] is proxy


def test_assignments_go_to_the_module(module: Any, proxy: Any) -> None:
    proxy.new = 3
    assert module.new == proxy.new == 3
    proxy.g = 4
    assert module.g == proxy.g == 4
    del proxy.new
    assert not hasattr(module, "new")
    assert not hasattr(proxy, "new")
    with pytest.raises(AttributeError, match="new"):
        del proxy.new


def test_an_attribute_made_on_demand_is_deleted_from_the_module(module: Any, proxy: Any) -> None:
    module.new = 3
    del proxy.new
    assert not hasattr(module, "new")


def test_a_replacement_is_never_assigned_to_the_module(module: Any, proxy: Any) -> None:
    original, module.f = module.f, None
    proxy.f = replacement
    assert module.f is original
    assert proxy.f is replacement


def test_refresh_follows_the_module(module: Any, proxy: Any) -> None:
    module.g, module.h = module.f, 1
    refresh(proxy)
    assert proxy.g is replacement
    assert proxy.h == 1
    module.f = None
    del module.h
    refresh(proxy)
    assert proxy.f is None
    assert not hasattr(proxy, "h")


def test_refresh_without_a_change_copies_nothing(proxy: Any) -> None:
    vars(proxy)["g"] = "still here"
    refresh(proxy)
    assert proxy.g == "still here"


def test_refresh_of_attributes_that_cannot_be_compared(module: Any, proxy: Any) -> None:
    for _ in range(2):
        module.g = np.zeros(3)
        refresh(proxy)
        assert proxy.g is module.g
