"""Buffers, views and writes: what was written last decides, as in NumPy, and the caller's arrays stay as they are."""

import numpy as np

from tests.never_silent.table import case

GROUP = "writes into a fresh array"


@case(GROUP)
def zeros_and_integers(x):
    out = np.zeros(3)
    for k in range(3):
        out[k] = x[k] * x[k - 1]
    return out


@case(GROUP)
def empty_and_slices(x):
    out = np.empty(6)
    out[::2], out[1::2] = x, np.sin(x)
    return out


@case(GROUP)
def ones_and_a_mask(x):
    out = np.ones_like(x)
    out[x > 1.0] = x[x > 1.0] ** 2
    return out


@case(GROUP)
def full_and_an_index_array(x):
    out = np.full(4, 2.0)
    out[[3, 0]] = x[:2] * x[2]
    return out


@case(GROUP)
def zeros_like_and_augmented(x):
    out = np.zeros_like(x)
    out += x * x
    out[1:] -= x[:-1]
    out *= 2.0
    return out


@case(GROUP)
def eye_and_a_diagonal(x):
    out = np.eye(3)
    out[np.arange(3), np.arange(3)] = x
    np.fill_diagonal(out, out.sum(axis=0) * 2.0)
    return out @ x


@case(GROUP)
def linspace_and_arange(x):
    grid = np.linspace(0.0, 1.0, 3)
    steps = np.arange(3.0)
    grid[1], steps[0] = x[1], x[0]
    return grid * steps


@case(GROUP)
def copied_and_written(x):
    out = x.copy()
    out[0] = out[1] * out[2]
    return out


@case(GROUP)
def the_argument_itself(x):
    x[1] = x[0] * x[0]
    return x * 2.0


@case(GROUP)
def overwritten_by_a_constant(x):
    out = x * x
    out[1] = 5.0
    return out


@case(GROUP)
def a_list_made_an_array(x):
    out = np.array([0.0, 0.0, 1.0])
    out[:2] = x[1:]
    return out


@case(GROUP)
def a_matrix_row_by_row(x):
    out = np.zeros((3, 3))
    for k, row in enumerate(out):
        row[:] = x * x[k]
    return out


GROUP = "functions that write"


@case(GROUP)
def add_at(x):
    out = np.zeros(2)
    np.add.at(out, [0, 1, 0], x)
    return out


@case(GROUP)
def put(x):
    out = np.zeros(4)
    np.put(out, [0, 3], x[:2])
    return out


@case(GROUP)
def copyto(x):
    out = np.zeros(3)
    np.copyto(out, x, where=[True, False, True])
    return out


@case(GROUP)
def place_and_putmask(x):
    out = np.zeros(3)
    np.place(out, np.array([True, True, False]), x)
    np.putmask(out, np.array([False, False, True]), x * 2.0)
    return out


@case(GROUP)
def fill(x):
    out = np.empty(3)
    out.fill(x[0] * x[1])
    return out


@case(GROUP)
def sort_in_place(x):
    out = -x
    out.sort()
    return out * np.arange(3.0)


@case(GROUP)
def flat_assigned(x):
    out = np.zeros((2, 2))
    out.flat[1:] = x
    out.flat[0] = x[0] * 2.0
    return out


@case(GROUP)
def real_and_imag_assigned(x):
    z = np.zeros(3, complex)
    z.real, z.imag = x, x * x
    return np.abs(z) + z.imag


@case(GROUP)
def put_along_axis(x):
    out = np.zeros((2, 3))
    np.put_along_axis(out, np.array([[2], [0]]), np.reshape(x[:2], (2, 1)), axis=1)
    return out


GROUP = "out="


@case(GROUP)
def out_of_a_ufunc(x):
    out = np.empty(3)
    np.multiply(x, x, out=out)
    return out


@case(GROUP)
def out_by_position(x):
    out = np.empty(3)
    np.sin(x, out)
    return out


@case(GROUP)
def out_of_a_reduction(x):
    out = np.zeros(())
    np.sum(x * x, out=out)
    return out * 2.0


@case(GROUP)
def out_of_a_method(x):
    out = np.zeros(3)
    x.cumsum(out=out)
    return out


@case(GROUP)
def out_of_dot(x):
    out = np.zeros(3)
    np.dot(np.arange(9.0).reshape(3, 3), x, out=out)
    return out


@case(GROUP)
def out_of_clip_through_a_view(x):
    out = np.zeros((2, 3))
    np.clip(x, 0.0, 2.0, out=out[1])
    return out


@case(GROUP)
def out_with_where(x):
    out = np.ones(3)
    np.multiply(x, x, out=out, where=[True, False, True])
    return out


@case(GROUP, fresh=True, refused="plain")
def out_into_a_captured_array():
    buffer = np.zeros(3)

    def f(x):
        np.multiply(x, x, out=buffer)
        return buffer * 1.0

    return f


@case(GROUP)
def out_is_an_operand(x):
    y = x * 1.0
    np.multiply(y, x, out=y)
    np.add(y, 1.0, y)
    return y


GROUP = "views"


@case(GROUP)
def a_slice_changes_its_base(x):
    out = np.zeros(4)
    part = out[1:]
    part[:] = x
    part[0] *= 2.0
    return out


@case(GROUP)
def a_view_of_a_view(x):
    out = np.zeros((4, 4))
    out[1:][:, ::2][1] = x[:2]
    return out


@case(GROUP)
def transposed(x):
    out = np.zeros((2, 3))
    turned = out.T
    turned[:, 1] = x
    return out * 2.0


@case(GROUP)
def reshaped(x):
    out = np.zeros(6)
    out.reshape(2, 3)[1] = x
    out.ravel()[0] = x[0]
    return out


@case(GROUP)
def diagonal_and_swapaxes(x):
    out = np.zeros((1, 3, 2))
    np.swapaxes(out, 1, 2)[0, 1] = x
    return np.squeeze(out)


@case(GROUP)
def an_alias_sees_the_write(x):
    a = x * 1.0
    b = a
    b[0] = x[1] * x[2]
    return a


@case(GROUP)
def a_read_before_the_write(x):
    a = x * 1.0
    first, view = a[0], a[:1]
    a[0] = a[1] * 2.0
    return np.array([first, view[0], a[0]])


@case(GROUP)
def overlapping_shift(x):
    a = x * x
    a[1:] = a[:-1]
    return a


@case(GROUP)
def overlapping_augmented(x):
    a = x * x
    a[1:] += a[:-1]
    return a


@case(GROUP)
def reversed_onto_itself(x):
    a = x * x
    a[:] = a[::-1]
    return a


@case(GROUP)
def a_fancy_read_is_a_copy(x):
    a = x * 1.0
    part = a[[0, 1]]
    part[0] = 7.0
    return a * a


@case(GROUP)
def newaxis_and_broadcast(x):
    a = np.zeros((3, 1))
    a[:, 0] = x
    return np.broadcast_to(a, (3, 2)) * np.arange(2.0)


GROUP = "repeated indices"


@case(GROUP)
def the_last_write_counts(x):
    out = np.zeros(2)
    out[[0, 0, 1]] = x
    return out


@case(GROUP)
def augmented_counts_once(x):
    out = np.zeros(2)
    out[[0, 0, 1]] += x
    return out


@case(GROUP)
def a_loop_writes_again(x):
    out = np.zeros(1)
    for k in range(3):
        out[0] = out[0] * x[k] + x[k]
    return out


@case(GROUP)
def read_twice(x):
    return x[[0, 0, 2, 0]] * x[[1, 0, 0, 0]]


@case(GROUP)
def bincount_adds(x):
    return np.bincount([1, 1, 0], weights=x)


GROUP = "buffers that cannot hold a derivative"


@case(GROUP, refused="float or complex")
def integers(x):
    out = np.zeros(3, int)
    for k in range(3):
        out[k] = x[k] * 2.5
    return out * x


@case(GROUP, refused="float or complex|integer|plain")
def integers_by_slice(x):
    out = np.zeros(3, dtype=np.int64)
    out[:] = x * 2.5
    return out * x


@case(GROUP, refused="float or complex|integer|plain")
def an_array_of_integers_from_a_list(x):
    out = np.array([1, 2, 3])
    out[0] = x[0]
    return out * x


@case(GROUP)
def booleans_of_comparisons(x):
    out = np.zeros(3, bool)
    out[:] = x > 1.0
    out[0] = x[0] < 1.0
    return np.where(out, x * x, x)


@case(GROUP, refused="text|NumPy functions|plain|become")
def strings(x):
    out = np.array(["", "", ""], dtype="U20")
    out[:] = x
    return out.astype(float)


@case(GROUP)
def objects(x):
    out = np.empty(2, object)
    out[0], out[1] = x[0] * x[1], x[2]
    return out[0] + out[1]


@case(GROUP)
def astype_int_decides(x):
    return x.astype(int) * x


@case(GROUP, refused="float or complex|same_kind|plain|integer")
def augmented_integers(x):
    out = np.arange(3)
    out[1] += x[0]
    return out * x


GROUP = "plain memory handed out"


@case(GROUP, refused="plain|memory|np.array")
def written_through_the_array_protocol(x):
    out = np.zeros(3)
    plain = out.__array__()
    plain[1] = 2.0
    out[0] = x[0]
    return out + plain


@case(GROUP, refused="plain|memory|view")
def a_plain_view_lives_on(x):
    out = np.zeros(3)
    plain = memoryview(out.__array__())
    out[0] = x[0] * x[1]
    return np.asarray(plain) * x


@case(GROUP, refused="NumPy functions")
def memory_of_a_traced_array(x):
    return np.asarray((x * x).__array__()) * 2.0


@case(GROUP)
def constants_become_plain(x):
    grid = np.linspace(0.0, 1.0, 3)
    return np.asarray(grid.tolist()) * x


@case(GROUP, refused="memory|data")
def the_buffer_of_a_traced_array(x):
    return np.frombuffer((x * x).data) * 2.0


@case(GROUP, refused="bytes|NumPy functions|view")
def bits_of_a_traced_array(x):
    return (x * 1.0).view(np.int64).view(float)
