"""Methods exchanged on classes, and factorizations exchanged where functions hold them."""

import threading

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as sl

import jacfwd as jf
from jacfwd.recording.interpose import INTERPOSITION, Interposition, running
from jacfwd.recording.objects import Factorization, factorization

S = sp.csc_array(np.array([[2.0, 1.0], [0.0, 4.0]]))
LU = sl.splu(S)


def test_what_stands_for_a_factorization():
    assert type(factorization(LU)) is Factorization
    assert type(factorization(LU.solve).__self__) is Factorization
    assert factorization(S) is None
    assert factorization(len) is None


def test_what_was_adopted_is_forgotten():
    lu = sl.splu(S)
    seen = []

    def f(x):
        seen.append(type(lu))
        assert INTERPOSITION.exchange.adopted
        return lu.solve(x)

    jf.jacobian(f)(np.ones(2))
    assert seen[0] is Factorization
    assert type(lu) is sl.SuperLU
    assert not INTERPOSITION.exchange.adopted
    assert not INTERPOSITION.exchange.holds(lu)


def test_other_threads_meet_an_object_that_works():
    lu = sl.splu(S)
    found = []

    def f(x):
        thread = threading.Thread(target=lambda: found.append(lu.solve(np.ones(2))))
        thread.start()
        thread.join()
        return lu.solve(x)

    jf.jacobian(f)(np.ones(2))
    np.testing.assert_array_equal(found[0], lu.solve(np.ones(2)))


class Base:
    def double(self, x):
        return 2 * x


class Derived(Base):
    pass


def test_methods_are_substituted_while_a_recording_runs_only():
    here = Interposition()
    here.register_methods(Base, {"double": lambda self, x: 3 * x if running() else None})
    plain = Base.double
    with here.interposed(lambda: None):
        assert Base.double is not plain
        assert Base.double.__name__ == "double"
        assert Base().double(1) == 2  # no recording runs
    assert Base.double is plain

    def f(x):
        with here.interposed(lambda: None):
            return Derived().double(x)

    np.testing.assert_array_equal(jf.jacobian(f)(np.ones(2)), 3 * np.eye(2))
    assert vars(Base)["double"] is plain


def test_methods_registered_late_join_in():
    here = Interposition()
    with here.interposed(lambda: None):
        here.register_methods(Derived, {})
        here.register_methods(Base, {"double": lambda self, x: x})
        assert hasattr(Base.double, "__wrapped__")
    assert not hasattr(Base.double, "__wrapped__")


def test_what_is_recorded_may_itself_be_exchanged():
    inverse = np.linalg.inv(S.toarray())
    np.testing.assert_allclose(jf.jacobian(LU.solve)(np.ones(2)), inverse)
    np.testing.assert_allclose(jf.jacobian(sl.aslinearoperator(S).matvec)(np.ones(2)), S.toarray())
    np.testing.assert_allclose(jf.jacobian(sl.aslinearoperator(S))(np.ones(2)), S.toarray())
