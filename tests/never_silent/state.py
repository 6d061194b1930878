"""What functions keep and catch: branches, caches, captured arrays, swallowed errors, threads, nested derivatives."""

import contextlib
import functools
import math
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import jacfwd as jf
from tests.never_silent.table import case

GROUP = "a branch that flips"


@case(GROUP)
def an_if(x):
    return x * x if x[0] > 0.705 else x * 3.0


@case(GROUP)
def a_while(x):
    y = x * 1.0
    while y.sum() < 42.0:
        y = y * 1.1
    return y


@case(GROUP)
def an_index_computed_from_values(x):
    return x[int(x[2] * 10.1) % 3] * x


@case(GROUP)
def argmax(x):
    return x[np.argmax(np.sin(40 * x))] * x


@case(GROUP)
def a_mask_read(x):
    return np.sum(x[x > 0.704] ** 2)


@case(GROUP)
def a_sort(x):
    return np.sort(np.sin(300 * x))


@case(GROUP)
def searchsorted(x):
    return np.array([1.0, 5.0, 7.0])[np.searchsorted([0.3, 2.12], x[2])] * x


@case(GROUP)
def any_and_all(x):
    return x * 2.0 if np.any(x > 2.11) or not np.all(x > 0.0) else x * x


@case(GROUP)
def a_loop_bound(x):
    total = 0.0
    for k in range(int(x[0] * 101)):
        total = total + x[1] * k
    return total


@case(GROUP)
def a_comparison_in_a_list(x):
    return np.array([v if v < 1.31 else v * v for v in x])


@case(GROUP)
def floor_as_a_key(x):
    table = {0: 1.0, 1: 2.0, 2: 3.0}
    return table[math.floor(x[2])] * x


GROUP = "a cache inside f"


@case(GROUP, fresh=True, refused="hash|NumPy functions")
def lru_cache():
    @functools.lru_cache
    def square(v):
        return v * v

    return lambda x: np.array([square(v) for v in x])


@case(GROUP, fresh=True, refused="hash|NumPy functions")
def a_dictionary_of_results():
    seen = {}

    def f(x):
        if x[0] not in seen:
            seen[x[0]] = x * x
        return seen[x[0]] * 2.0

    return f


class Cached:
    """Keeps its last argument and result, as models do."""

    def __init__(self):
        self.argument = self.result = None

    def __call__(self, x):
        if self.argument is None or not np.array_equal(self.argument, x):
            self.argument, self.result = x, np.sin(x) * x[0]
        return self.result


@case(GROUP, fresh=True, refused="recorded function|recording|return")
def the_last_result_is_kept():
    model = Cached()
    return lambda x: model(x) * model(x)


@case(GROUP, fresh=True, refused="recorded function|cache")
def the_last_result_is_from_a_plain_call():
    model = Cached()
    model(np.array([0.7, 1.3, 2.1]))

    def f(x):
        return model(x) * 2.0

    return f


@case(GROUP, fresh=True, refused="recorded function|cache")
def a_cache_that_compares_numbers():
    kept = {"at": 0.7, "result": np.sin(0.7)}

    def f(x):
        if x[0] != kept["at"]:
            kept["at"], kept["result"] = x[0], np.sin(x[0])
        return kept["result"] * x

    return f


@case(GROUP, fresh=True, refused="recorded function|cache")
def a_cache_with_a_tolerance():
    kept = {"at": np.array([0.7, 1.3, 2.1]), "result": np.full(3, 0.5)}

    def f(x):
        if not np.allclose(x, kept["at"], rtol=1e-12):
            kept["at"], kept["result"] = x, x * x[0]
        return kept["result"] + x

    return f


@case(GROUP, expected=np.diag([1.4, 2.6, 4.2]))
def a_constant_is_no_cache(x):
    return x * x if np.array_equal(x, [0.7, 1.3, 2.1]) else x * 5.0


@case(GROUP, refused="recorded function|recording|return")
def an_object_kept_between_calls(x):
    if not np.array_equal(KEPT.get("argument"), x):
        KEPT["argument"], KEPT["result"] = x, np.sin(x) * x[0]
    return KEPT["result"] * x


KEPT = {}


@case(GROUP, fresh=True, refused="recorded function|recording|return")
def a_value_left_from_another_run():
    left = []

    def f(x):
        left.append(x * x)
        return left[0] + x

    return f


@case(GROUP, refused="recorded function|recording|return|another")
def a_global_left_from_another_run(x):
    LEFT.append(np.sum(x * x))
    return LEFT[0] * x


LEFT = []


GROUP = "a captured constant that is written to"
C3 = np.array([1.0, 2.0, 3.0])


@case(GROUP, refused=r"np\.array")
def a_product_of_a_captured_array(x):
    c = C3 * 2.0
    c[0] = x[0]
    return c * x


@case(GROUP, refused=r"np\.array")
def a_captured_array(x):
    c = C3
    c[1] = x[1]
    return c * x


@case(GROUP)
def made_with_np_array(x):
    c = np.array(C3 * 2.0)
    c[0] = x[0]
    return c * x


@case(GROUP)
def copied_first(x):
    c = np.copy(C3)
    c[:2] = x[1:]
    return c * x


@case(GROUP, refused=r"np\.array")
def copied_by_the_method(x):
    c = C3.copy()
    c[0] = x[0] * x[1]
    return c * x


@case(GROUP, refused=r"np\.array|plain")
def added_in_place(x):
    c = C3.copy()
    c[0] += x[0]
    return c * x


@case(GROUP)
def augmented_in_whole(x):
    c = C3 * 2.0
    c += x
    return c * x


@case(GROUP, refused=r"np\.array|plain")
def a_view_of_a_captured_array(x):
    c = C3[1:]
    c[...] = x[1:]
    return c * x[1:]


GROUP = "a captured array that changes"


@case(GROUP, fresh=True)
def between_two_uses():
    table = np.array([1.0, 2.0, 3.0])

    def f(x):
        y = table * x
        table[0] += 5.0
        return y + table * x * x

    return f


@case(GROUP, fresh=True)
def after_its_use():
    table = np.ones(3)

    def f(x):
        y = x * table
        table[:] = 0.0
        return y

    return f


@case(GROUP, fresh=True)
def as_an_index():
    at = np.array([0, 1])

    def f(x):
        y = x[at]
        at[:] = 2
        return y * x[at]

    return f


@case(GROUP, fresh=True)
def as_a_mask():
    mask = np.array([True, False, True])

    def f(x):
        y = np.where(mask, x * x, x)
        mask[:] = False
        return y + np.where(mask, 7.0, x)

    return f


@case(GROUP, fresh=True)
def in_a_matrix_product():
    A = np.arange(9.0).reshape(3, 3)

    def f(x):
        y = A @ x
        A[...] = np.eye(3)
        return y * (A @ x)

    return f


@case(GROUP, fresh=True)
def written_into_a_buffer():
    table = np.array([4.0, 5.0, 6.0])

    def f(x):
        out = np.zeros(6)
        out[:3] = table
        table[1] = -1.0
        out[3:] = x * table
        return out * 2.0

    return f


GROUP = "errors that are swallowed"


@case(GROUP, fresh=True, refused="NumPy functions|caught")
def float_tried_first():
    def f(x):
        try:
            return float(x[0]) * np.ones(2)
        except Exception:
            return np.zeros(2)

    return f


@case(GROUP, refused="rule|caught|NumPy functions")
def a_default_argument_tried(x, sine=math.sin):
    try:
        return sine(x[0]) * x
    except Exception:
        return x * 0.0


@case(GROUP, refused="caught|plain|NumPy functions|np.array|float or complex")
def a_write_into_integers_tried(x):
    out = np.zeros(3, int)
    try:
        out[0] = x[0] * 9.0
    except Exception:
        out[0] = -1
    return out * x


@case(GROUP, refused="rule|caught")
def a_function_without_a_rule_tried(x):
    try:
        return np.roots(x) * x[:2]
    except TypeError:
        return x[:2] * 2.0


@case(GROUP)
def the_same_value_by_another_way(x):
    try:
        y = float(x[0]) * x
    except TypeError:
        y = x[0] * x
    return y


@case(GROUP, refused="caught|NumPy functions")
def suppressed(x):
    total = np.zeros(3)
    for v in x:
        with contextlib.suppress(TypeError):
            total += float(v) * x
    return total + x


@case(GROUP)
def an_error_of_the_user_own(x):
    try:
        raise ValueError("mine")
    except ValueError:
        return x * x


GROUP = "perturbation confusion"


@case(GROUP)
def a_derivative_inside(x):
    return x * jf.gradient(lambda y: y * y * x[0])(x[1])


@case(GROUP)
def the_classic(x):
    return x[0] * jf.gradient(lambda y: x[0] + y)(1.0)


@case(GROUP)
def a_jvp_inside(x):
    _, dy = jf.jvp(lambda y: np.sin(y * x[0]), (x,), (x * 2.0,))
    return dy


@case(GROUP)
def a_hessian_inside(x):
    return jf.hessian(lambda y: np.sum(y**3) * x[1])(x) @ x


@case(GROUP)
def three_levels(x):
    def inner(y):
        return jf.gradient(lambda z: z * y * x[0] + z**3)(y)

    return jf.gradient(inner)(x[2]) * x


@case(GROUP)
def a_write_of_an_outer_value(x):
    def inner(y):
        out = np.zeros(3)
        out[0], out[1:] = y * x[0], x[1:] * y
        return out

    return jf.jacobian(inner)(x[1]) * x


@case(GROUP)
def constant_inside(x):
    return jf.gradient(lambda y: x[0] * x[1] + 0.0 * y)(3.0) + x


GROUP = "threads"


@case(GROUP, refused="thread")
def a_traced_value_in_a_thread(x):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: x * x).result() + x


@case(GROUP, refused="thread")
def the_rest_in_a_thread(x):
    with ThreadPoolExecutor(1) as pool:
        return np.array(list(pool.map(lambda v: v * v, list(x))))


@case(GROUP)
def other_work_in_a_thread(x):
    made = []
    worker = threading.Thread(target=lambda: made.append(np.zeros(3) + 2.0))
    worker.start()
    worker.join()
    assert type(made[0]) is np.ndarray
    return made[0] * x


@case(GROUP)
def derivatives_in_threads(x):
    def f(y):
        out = np.zeros(2)
        out[0], out[1] = y[0] * y[1], np.sin(y[0])
        return out

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda k: jf.jacobian(f)(np.array([1.0 + k, 2.0])), range(4)))
    return np.sum(found, axis=0) @ x[:2]


@case(GROUP, refused="thread")
def a_write_in_a_thread(x):
    out = np.zeros(3)

    def write():
        out[:] = x * x

    with ThreadPoolExecutor(1) as pool:
        pool.submit(write).result()
    return out * 2.0
