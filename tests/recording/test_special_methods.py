"""Arrays and scalars told apart, as NumPy's are, by what they have."""

import collections.abc
import typing

import numpy as np
import pytest

import jacfwd as jf
from tests.recording.agreement import agrees

X = np.array([0.5, 1.5, 2.5])
ABSTRACT = [getattr(collections.abc, name) for name in collections.abc.__all__ if name != "ByteString"]


def of_a_scalar(x):
    return x[0]


def of_an_array(x):
    return x


def of_no_dimension(x):
    return np.asarray(x[0]).reshape(())


@pytest.mark.parametrize("part", [of_a_scalar, of_an_array, of_no_dimension])
@pytest.mark.parametrize("abstract", ABSTRACT, ids=lambda kind: kind.__name__)
def test_abstract_classes(part, abstract):
    if abstract is collections.abc.Buffer if hasattr(collections.abc, "Buffer") else False:
        pytest.skip("memory is not handed out")
    agrees(lambda x: x * (2.0 if isinstance(part(x), abstract) else 3.0), X)


@pytest.mark.parametrize("part", [of_a_scalar, of_an_array, of_no_dimension])
def test_what_is_had(part):
    names = ["__len__", "__iter__", "__getitem__", "__float__", "__array__", "shape", "T", "sum", "nothing"]
    agrees(lambda x: x * sum(2.0**k for k, name in enumerate(names) if hasattr(part(x), name)), X)
    agrees(lambda x: x * (2.0 if isinstance(part(x), typing.SupportsFloat) else 3.0), X)


@pytest.mark.parametrize("part", [of_a_scalar, of_an_array, of_no_dimension])
@pytest.mark.parametrize(
    "ask", [len, iter, list, tuple, lambda v: [*v], lambda v: [w + 1.0 for w in v], lambda v: 1.0 in v]
)
def test_mistakes_raise_as_numpys_do(part, ask):
    def f(x):
        try:
            ask(part(x))
        except TypeError:
            return x * 3.0
        return x * 2.0

    agrees(f, X)


def test_a_loop_over_a_scalar_raises_though_hasattr_is_asked_beside_it():
    def f(x):
        out, v = x * 1.0, x[0]
        if not hasattr(v, "__iter__"):
            try:
                for w in v:
                    out = out * w
            except TypeError:
                out = out * 3.0
        return out

    agrees(f, X)


def test_what_a_stand_in_lacks_is_noted_where_the_user_asks_for_it():
    with pytest.raises(jf.TracerConversionError, match=r"no 'data'(.|\n)*test_special_methods\.py(.|\n)*caught"):
        jf.jvp(lambda x: x * (2.0 if hasattr(x, "data") else 3.0), X, X)
    agrees(lambda x: x * (2.0 if hasattr(x, "data") or True else 3.0), X)
    agrees(lambda x: x * (2.0 if hasattr(x, "to_pandas") else 3.0), X)
    with pytest.raises(AttributeError, match="no attribute 'to_pandas'"):
        jf.jvp(lambda x: x.to_pandas(), X, X)
