"""Code as users write it: the many ways in which a function comes to call a constructor."""

import functools
import math
import threading
from math import sin

import numpy
import numpy as np
import numpy.linalg as la
from numpy import ones as one
from numpy import zeros

alias = np
container = {"zeros": np.zeros}
seen = []
partial = functools.partial(np.zeros, 3)


class Model:
    constructor = np.zeros
    module = np

    def __init__(self):
        self.own = np
        self.value = 3

    def method(self):
        return np.zeros(self.value)

    def __call__(self):
        return np.zeros(self.value)

    @staticmethod
    def static():
        return np.zeros(3)

    @classmethod
    def of_class(cls):
        return np.zeros(3)

    @property
    def as_property(self):
        return np.zeros(3)

    @functools.cached_property
    def as_cached_property(self):
        return np.zeros(3)


def module_attribute():
    return np.zeros(3)


def full_module_name():
    return numpy.zeros(3)


def module_alias():
    return alias.zeros(3)


def submodule():
    return np.linalg.norm([3.0])


def submodule_alias():
    return la.norm([3.0])


def other_module():
    return math.sin(3.0)


def from_import():
    return zeros(3)


def from_import_math():
    return sin(3.0)


def from_import_renamed():
    return one(3)


def by_getattr():
    return getattr(np, "zeros")(3)  # noqa: B009  the point of it


def by_eval():
    return eval("np.zeros(3)")


def comprehension():
    return [np.zeros(n) for n in (2, 3)].pop()


def call_back():
    return max([3], key=lambda n: seen.append(np.zeros(n)) or n) and seen.pop()


def method():
    return Model().method()


def static_method():
    return Model.static()


def class_method():
    return Model.of_class()


def property_():
    return Model().as_property


def cached_property():
    return Model().as_cached_property


def keyword():
    return np.full(shape=3, fill_value=1.0)


def import_module():
    import numpy as imported

    return imported.zeros(3)


def import_submodule():
    import numpy.linalg

    return numpy.linalg.norm([3.0])


def import_submodule_renamed():
    import numpy.linalg as imported

    return imported.norm([3.0])


def import_from():
    from numpy import zeros as imported

    return imported(3)


def import_from_submodule():
    from numpy.linalg import norm as imported

    return imported([3.0])


def import_module_from():
    from numpy import linalg as imported

    return imported.norm([3.0])


def import_called():
    return __import__("numpy").zeros(3)


def exec_with_import():
    names = {}
    exec("import numpy as np\ndef g(): return np.zeros(3)", names)
    return names["g"]()


def made_with_import():
    import numpy as captured

    def inner():
        return captured.zeros(3)

    return inner()


lambda_ = (lambda: np.zeros(3),)[0]


@functools.wraps(module_attribute)
def decorated(*args):
    return module_attribute(*args)


cached = functools.lru_cache(lambda: np.zeros(3))


def default(constructor=np.zeros):
    return constructor(3)


def default_module(module=np):
    return module.zeros(3)


def in_container():
    return container["zeros"](3)


def by_partial():
    return partial()


def class_attribute():
    return Model.constructor(3)


def class_module():
    return Model.module.zeros(3)


def instance_module(instance):
    return instance.own.zeros(3)


def generator():
    yield np.zeros(3)
    yield np.zeros(3)


def in_thread():
    results = []
    thread = threading.Thread(target=lambda: results.append(np.zeros(3)))
    thread.start()
    thread.join()
    return results[0]


def random():
    return np.random.uniform(0.0, 1.0, 5)  # noqa: NPY002  compiled code that calls np.empty


def fail():
    raise ZeroDivisionError(np.zeros(3))


def rebind():
    global np
    np = fake  # noqa: F821  a test puts it there
    return np.zeros(3)


def fake_zeros(n):
    return "the user's"
