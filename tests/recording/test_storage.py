"""Memory: layouts and places, owner maps, loans to plain code, and what kept graphs own."""

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jacfwd as jf
from jacfwd.recording.layout import Place, cell_of, entry_of, opened, place_of, replica, view_of
from jacfwd.recording.storage import Storage
from tests.recording.agreement import agrees

X = np.array([0.53, -1.21, 2.37, 0.74])
M = 1.33 * np.sin(1.7 * np.arange(1.0, 13)).reshape(3, 4)
# Names in containers are not exchanged for substitutes: what is called by them is the real function.
REAL = {"asarray": np.asarray, "array": np.array, "zeros": np.zeros}


def both(f, *args):
    return [lambda: jf.jvp(f, args, args), lambda: jf.linearize(f, *args)]


# Layouts


@st.composite
def laid_out(draw):
    """Arrays of up to three dimensions: slices and transposes of something contiguous."""
    shape = draw(st.lists(st.integers(0, 4), max_size=3))
    steps = [draw(st.sampled_from([1, 2, -1, -2])) for _ in shape]
    base = np.arange(np.prod([n * abs(s) for n, s in zip(shape, steps, strict=True)], dtype=int), dtype=float)
    array = base.reshape([n * abs(s) for n, s in zip(shape, steps, strict=True)])
    array = array[tuple(slice(None, None, s) for s in steps)]
    return array.transpose(draw(st.permutations(range(len(shape)))))


class TestLayouts:
    @settings(deadline=None)
    @given(laid_out())
    def test_replicas_lie_in_memory_in_the_same_way(self, array):
        copy = replica(array)
        np.testing.assert_array_equal(copy, array)
        assert not np.may_share_memory(copy, array)
        wide = [k for k, n in enumerate(array.shape) if n > 1]
        if array.size:
            assert [copy.strides[k] for k in wide] == [array.strides[k] for k in wide]

    @settings(deadline=None)
    @given(laid_out())
    def test_opened_memory_holds_every_element_at_its_cell(self, array):
        memory, place = opened(array)
        assert memory.ndim == 1 and memory.flags.c_contiguous
        seen = view_of(memory, place)
        np.testing.assert_array_equal(seen, array)
        assert seen.flags.forc == array.flags.forc
        for entry, index in enumerate(np.ndindex(array.shape)):
            cell = cell_of(place, index)
            assert memory[cell] == array[index]
            assert entry_of(place, cell) == entry
            assert place.cells(memory.size).flat[entry] == cell

    @settings(deadline=None)
    @given(laid_out(), laid_out())
    def test_places_of_views(self, array, other):
        memory, place = opened(array)
        for view in (view_of(memory, place).T, view_of(memory, place)[..., None][:1]):
            np.testing.assert_array_equal(view_of(memory, place_of(view, memory)), view)

    def test_broadcast_and_unaligned_arrays_are_copied_out(self):
        records = np.zeros(3, [("a", "u1"), ("b", "f8")])
        for array in (np.broadcast_to(np.arange(3.0), (2, 3)), records["b"]):
            np.testing.assert_array_equal(replica(array), array)
            assert replica(array).flags.writeable

    def test_cells_are_named_by_full_indices_only(self):
        place = Place((2, 3), (3, 1), 0)
        assert cell_of(place, (1, -1)) == 5
        for key in ((1,), (1, 3), (-3, 0), (1, None), (1, True), (1, slice(None)), (0, 0, 0)):
            assert cell_of(place, key) is None

    def test_read_only_views_stay_read_only(self):
        memory, place = opened(np.broadcast_to(np.arange(3.0), (2, 3)))
        assert memory.flags.writeable and not place.writeable
        assert not view_of(memory, place).flags.writeable
        assert not view_of(np.empty(0), Place((0, 2), (2, 1), 0, writeable=False)).flags.writeable


# Owner maps


class Notes:
    """A recording that keeps what it is told."""

    keeps = True
    level = 0

    def __init__(self):
        self.emitted = []

    def value_of(self, handle, shape):
        return np.zeros(shape)

    def emit(self, primitive, handles, operands, params, out):
        self.emitted.append((primitive.short, handles, np.array(out)))
        return f"node {len(self.emitted)}"


class TestOwners:
    def test_one_owner_is_handed_out_as_it_is(self):
        notes = Notes()
        storage = Storage(notes, np.arange(6.0).reshape(2, 3), "x")
        assert storage.read(storage.opened) == "x"
        assert not notes.emitted

    def test_a_part_of_one_owner_is_one_view_until_the_next_write(self):
        notes = Notes()
        storage = Storage(notes, np.arange(6.0).reshape(2, 3), "x")
        row = place_of(storage.shape_view(storage.opened)[1], storage.twin)
        assert storage.read(row) == storage.read(row) == "node 1"
        assert [(name, handles) for name, handles, _ in notes.emitted] == [("view", ["x"])]
        storage.write(row, np.ones(3), "y", (3,))
        assert storage.read(row) == "y"
        assert storage.read(storage.opened) == "node 2"
        assert notes.emitted[1][:2] == ("assemble", ["x", "y"])
        np.testing.assert_array_equal(notes.emitted[1][2], [[0, 1, 2], [1, 1, 1]])

    def test_a_write_over_everything_has_one_owner_again(self):
        notes = Notes()
        storage = Storage(notes, np.zeros(4), None)
        assert storage.constant
        for cell in range(4):
            storage.write_cell(cell, 1.0, f"scalar {cell}")
        assert [storage.cell(k)[0] for k in range(4)] == [f"scalar {k}" for k in range(4)]
        storage.write(storage.opened, np.ones(4), "y", (4,))
        assert storage.read(storage.opened) == "y" and not notes.emitted
        storage.write(storage.opened, np.ones(4), None, (4,))
        assert storage.constant and storage.read(storage.opened) is None

    def test_an_element_of_a_scalar_owner_is_that_owner(self):
        notes = Notes()
        storage = Storage(notes, np.zeros(3), None)
        storage.write(Place((), (), 1), 2.0, "s", ())
        assert storage.cell(1) == ("s", 0, ())
        assert storage.cell(0) == (None, 0, ())

    def test_memory_that_nodes_look_at_is_copied_before_a_write(self):
        notes = Notes()
        value = np.arange(4.0)
        storage = Storage(notes, value, "x")
        storage.write_cell(0, 9.0, "s")
        np.testing.assert_array_equal(value, np.arange(4.0))
        seen = storage.look(storage.opened)
        storage.read(storage.opened)
        storage.write_cell(1, 9.0, "t")
        np.testing.assert_array_equal(seen, [9, 1, 2, 3])

    def test_writes_cost_what_they_write(self):
        storage = Storage(Notes(), np.zeros(1000), None)
        for cell in range(1000):
            storage.write_cell(cell, float(cell), cell)
        assert len(storage.written) == 1000


# What kept graphs own


def mutating(change):
    """Functions that use an array, change it, and use it again."""

    def f(x):
        captured = np.array([1.0, 2.0, 3.0, 4.0])
        return change(x, captured)

    return f


def by_operator(x, c):
    y = x * c
    c[:] = 7.0
    return y + c


def by_operator_twice(x, c):
    c[0] = 2.0
    y = x * c
    c[:] = 7.0
    z = x * c
    c[1:] = 5.0
    return y * z + c


def by_reflected_operator(x, c):
    c[1] = 5.0
    y = c - x
    c *= 3.0
    return y * c * x


def by_ufunc(x, c):
    c[1] = 5.0
    y = np.arctan2(c, x)
    c.fill(1.0)
    return y * np.hypot(x, c)


def by_view(x, c):
    view = c[::-1]
    y = x * view
    c[0] = 9.0
    return y * view


def by_sign_of_zero(x, c):
    c[:] = 0.0
    y = np.copysign(x, c)
    c[:] = -0.0
    return y * x + np.copysign(x, c)


def by_index_parameter(x, c):
    index = (c % 4).astype(int)
    y = np.take(x, index)
    index += 1
    index %= 4
    return y * x[index] + np.repeat(x, index, axis=0)[:4]


def by_list_parameter(x, c):
    shape, order = [2, 2], [1, 0]
    y = np.transpose(np.reshape(x, shape), order)
    shape[:] = [4, 1]
    order[:] = [0, 1]
    return y.ravel() * x


def by_index_key(x, c):
    key, mask = [0, 1, 2, 2], np.array([True, False, True, True])
    y, z = x[key], x[mask]
    key[:] = [3, 3, 3, 3]
    mask[:] = False
    return np.append(y, z)


def by_mask_operand(x, c):
    mask = np.array([True, False, True, True])
    y = np.where(mask, x, 0)
    mask[:] = False
    return y * x


def by_written_value(x, c):
    buffer, value = np.zeros(4), np.ones(4)
    buffer[:2] = value[:2]
    buffer[2:] = x[2:]
    value[:] = 9.0
    y = buffer * x
    buffer[0] = 3.0
    return y * buffer


def by_result(x, c):
    y = np.sin(x)
    z = y * x
    y[0] = 2.0
    w = y * x
    y[...] = 1.0
    return z + w * y


def by_input(x, c):
    y = x * x
    x[0] = 4.0
    z = x * y
    x[1:] = x[:-1]
    return z * x


MUTATIONS = [
    *(by_operator, by_operator_twice, by_reflected_operator, by_ufunc, by_view, by_sign_of_zero),
    *(by_index_parameter, by_list_parameter, by_index_key, by_mask_operand, by_written_value, by_result, by_input),
]


@pytest.mark.parametrize("change", MUTATIONS, ids=lambda change: change.__name__)
def test_changes_during_the_recording_do_not_reach_kept_nodes(change):
    agrees(mutating(change), X)


def test_changes_after_the_recording_do_not_reach_kept_nodes():
    weights, index, x, v = np.array([1.0, 2.0, 3.0, 4.0]), np.array([3, 2, 1, 0]), X.copy(), X.copy()
    shape = [2, 2]

    def f(x):
        buffer = np.zeros(4)
        buffer[:2] = weights[:2]
        buffer[2:] = x[2:]
        held.append(buffer)
        return np.reshape(np.take(x * weights + np.sin(buffer), index), shape), weights, weights[1:] * 1.0

    held = []
    expected = [np.array(value) for value in f(x.copy())]
    J0 = jf.jacobian(lambda x: f(x)[0])(x)
    held.clear()
    y, J = jf.linearize(f, x)
    G = jf.trace(f, x)
    for array in (weights, x, y[0], y[1]):
        array[...] = 99.0
    index[:] = 0
    shape[:] = [4, 1]
    np.testing.assert_array_equal(J(v)[0], J0 @ v)
    np.testing.assert_allclose(G.jvp(X, v)[1][0], J0 @ v, rtol=1e-14)
    for got, value in zip(G(X), expected, strict=True):
        np.testing.assert_array_equal(got, value)


def test_outputs_are_new_arrays():
    captured = np.arange(3.0)

    def f(x):
        buffer = np.ones(3)
        return x, x[1:], x, captured, buffer, buffer[1:], np.zeros(2) + 1

    for y in (jf.jvp(f, X, X)[0], jf.linearize(f, X)[0], jf.trace(f, X)(X)):
        arrays = [*y, captured, X]
        for k, a in enumerate(arrays):
            assert all(not np.shares_memory(a, b) for b in arrays[k + 1 :] if b is not a)
            if k < len(y):
                assert a.flags.writeable


def test_inputs_are_never_changed():
    def f(x, y):
        x *= y
        x[0] = y[1]
        y.fill(2.0)
        r = x.ravel()
        r += 1
        return x * y

    for start in (M.copy(), np.asfortranarray(M), M[:, ::-2].copy()[:, ::-1]):
        x, y = start.copy("K"), start.copy("K")
        for run in both(f, x, y):
            run()
            np.testing.assert_array_equal(x, start)
            np.testing.assert_array_equal(y, start)
        x.flags.writeable = False
        both(lambda x: x * 2, x)[0]()


# Loans of plain memory


class TestLoans:
    def test_plain_code_sees_and_writes_the_memory_of_constants(self):
        def f(x):
            buffer = np.zeros(4)
            plain = REAL["asarray"](buffer)
            plain[0] = 5.0
            part = REAL["asarray"](buffer[1:])
            part[...] = 2.0
            buffer[3] = 7.0
            assert plain[3] == 7.0
            total = plain.sum()
            del plain, part
            buffer[1] = x[1]
            return buffer * x + total

        agrees(f, X)

    def test_a_write_that_plain_code_would_not_see_is_refused(self):
        def f(x):
            buffer = np.zeros(4)
            plain = REAL["asarray"](buffer[1:])[1:]
            buffer[0] = x[0]
            return buffer + plain.sum()

        for run in both(f, X):
            with pytest.raises(jf.TracerConversionError, match=r"(?s)handed out.*np\.array") as caught:
                run()
            assert str(caught.value).count("test_storage.py") == 2

    @pytest.mark.parametrize("write", ["whole", "mask", "fancy", "augmented", "out"])
    def test_whatever_the_write(self, write):
        def f(x):
            buffer = np.zeros(4)
            plain = memory(buffer)
            if write == "whole":
                buffer[:] = x
            elif write == "mask":
                buffer[x > 0] = x[0]
            elif write == "fancy":
                buffer[[0, 1]] = x[:2]
            elif write == "augmented":
                buffer += x
            else:
                np.add(x, 1, out=buffer)
            return plain

        for run in both(f, X):
            with pytest.raises(jf.TracerConversionError, match="handed out"):
                run()

    def test_copies_are_no_loans(self):
        def f(x):
            buffer = np.ones(4)
            plain = REAL["array"](buffer)
            single = REAL["asarray"](buffer, dtype=np.float32)
            buffer[0] = x[0]
            plain[0] = 9.0
            return buffer * (plain.sum() + single.sum())

        agrees(f, X)

    def test_a_loan_ends_with_the_last_view(self):
        def f(x):
            buffer = np.ones(4)
            plain = REAL["asarray"](buffer)
            view = plain.reshape(2, 2)[1:]
            del plain
            gc.collect()
            try:
                buffer[0] = x[0]
            except jf.TracerConversionError:
                refused.append(True)
            del view
            buffer[0] = x[0]
            return buffer

        for run in both(f, X):
            refused = []
            np.testing.assert_array_equal(run()[0], [X[0], 1, 1, 1])
            assert refused

    def test_parts_of_complex_constants_are_lent_as_well(self):
        def f(x):
            buffer = np.zeros(4, complex)
            REAL["asarray"](buffer.imag)[1] = 3.0
            REAL["asarray"](buffer.real)[...] += 1.0
            return (buffer * (x + 1j)).imag

        agrees(f, X)

    def test_memory_read_again_as_another_type(self):
        def f(x):
            buffer = np.ones(4)
            buffer.view(np.int64)[0] = 0
            return buffer * x + len(buffer.tobytes()) + len(buffer.dumps()) * 0 + buffer.byteswap().size

        agrees(f, X)

    def test_constants_of_outer_recordings(self):
        def f(x):
            outer = np.ones(4)

            def g(y):
                plain = REAL["asarray"](outer)
                plain[0] = 4.0
                return y * outer * plain[0]

            return jf.jvp(g, x, x * 1.0)[1]

        agrees(f, X)


def memory(buffer):
    return REAL["asarray"](buffer)
