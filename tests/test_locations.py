"""Locations, taken as a recording takes them: from inside the operations of a stand-in for an array."""

import functools
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import optimize

from jacfwd import locations
from jacfwd.locations import assigned_name, describe, here, line, source


class Spy:
    """Takes part in NumPy's protocols and keeps the location of every operation it sees."""

    def __init__(self):
        self.seen = []

    def note(self, *_):
        self.seen.append(here(depth=2))
        return self

    __mul__ = __rmul__ = __add__ = __radd__ = __sub__ = __neg__ = __gt__ = __getitem__ = __setitem__ = note

    def __array_ufunc__(self, *_, **__):
        self.seen.append(here(depth=2))
        return self

    def __array_function__(self, *_, **__):
        self.seen.append(here(depth=2))
        return self

    def sum(self):
        self.seen.append(here(depth=2))
        return self

    @property
    def T(self):
        self.seen.append(here(depth=2))
        return self

    def __iter__(self):
        self.seen.append(here(depth=2))
        yield self
        yield self

    @property
    def names(self):
        return [assigned_name(location) for location in self.seen]


def names_in(function):
    spy = Spy()
    function(spy)
    return spy.names


def run(text, filename, x):
    scope = {"x": x, "np": np}
    exec(compile(text, filename, "exec"), scope)
    return scope


# ------------------------------------------------------------------ the frame


def test_here_is_the_function_that_calls_it():
    location = here()
    assert location[0] is test_here_is_the_function_that_calls_it.__code__
    assert source(location) == "location = here()"


def test_depth_starts_further_out():
    def inner():
        return here(depth=2)

    location = inner()
    assert location[0].co_name == "test_depth_starts_further_out"
    assert source(location) == "location = inner()"


def test_frames_inside_numpy_are_passed_over():
    seen = []
    np.apply_along_axis(lambda v: seen.append(here(depth=2)) or v, 0, np.zeros((2, 1)))
    assert seen[0][0].co_name == "test_frames_inside_numpy_are_passed_over"
    assert source(seen[0]).startswith("np.apply_along_axis")


def test_frames_inside_scipy_are_passed_over():
    seen = []
    optimize.brentq(lambda v: seen.append(here(depth=2)) or v, -1.0, 2.0)
    assert seen[0][0].co_name == "test_frames_inside_scipy_are_passed_over"


def test_the_innermost_user_frame_wins_over_the_one_that_called_scipy():
    seen = []

    def user(v):
        seen.append(here())
        return v

    optimize.brentq(user, -1.0, 2.0)
    assert seen[0][0] is user.__code__


def test_frames_inside_jacfwd_are_passed_over():
    package = locations.__file__.removesuffix("locations.py")
    scope = run("def engine():\n    return here()\n", package + "recording/tracer.py", None)
    scope["here"] = here
    location = scope["engine"]()
    assert source(location) == 'location = scope["engine"]()'


@pytest.mark.parametrize("filename", ["<jacfwd program 1>", "<frozen importlib._bootstrap>"])
def test_generated_and_frozen_code_is_passed_over(filename):
    scope = run("def f():\n    return here()\n", filename, None)
    scope["here"] = here
    assert scope["f"]()[0].co_name == "test_generated_and_frozen_code_is_passed_over"


def test_the_worked_example_counts_as_a_users_code():
    filename = locations.__file__.replace("locations.py", "logistic.py")
    scope = run("def sigma():\n    return here()\n", filename, None)
    scope["here"] = here
    assert scope["sigma"]()[0].co_name == "sigma"


def test_a_directory_whose_name_only_begins_like_a_package_is_the_users():
    neighbour = locations.DIRECTORIES[0].rstrip("/\\") + "_extras/f.py"
    assert not locations.is_internal(neighbour)
    assert locations.is_internal(locations.DIRECTORIES[0] + "api.py")


def test_without_a_user_frame_the_outermost_one_is_given():
    program = "import sys; sys.path.insert(0, {path!r}); exec(compile({body!r}, '<jacfwd test>', 'exec'))"
    path = locations.__file__.removesuffix("locations.py") + ".."
    body = "from jacfwd.locations import here; print(here()[0].co_name)"
    done = subprocess.run(
        [sys.executable, "-c", program.format(path=path, body=body)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "<module>"


# ------------------------------------------------------------------ file, line, text


def test_describe_reads_like_a_traceback():
    location = here()
    number = location[0].co_firstlineno + 1
    place = f'File "{__file__}", line {number}, in test_describe_reads_like_a_traceback'
    assert describe(location) == f"{place}\n    location = here()"
    assert line(location) == number


def test_each_operation_has_its_own_line():
    spy = Spy()

    def f(x):
        g = 3 * x
        h = np.sin(
            g,
        )
        return h + 1

    f(spy)
    first = f.__code__.co_firstlineno
    assert [line(location) - first for location in spy.seen] == [1, 2, 5]
    assert [source(location) for location in spy.seen] == ["g = 3 * x", "h = np.sin(", "return h + 1"]


def test_the_first_line_stands_in_where_python_kept_none():
    bare = here.__code__.replace(co_linetable=b"")
    assert line((bare, 4)) == bare.co_firstlineno


@pytest.mark.parametrize("filename", ["<string>", "<stdin>", "<cell 7>", "/no/such/file.py"])
def test_code_without_source_is_described_without_it(filename):
    spy = Spy()
    run("def f(x):\n    return x * 2\nf(x)\n", filename, spy)
    assert source(spy.seen[0]) is None
    assert describe(spy.seen[0]) == f'File "{filename}", line 2, in f'


def test_source_that_a_notebook_registers_is_shown(monkeypatch):
    import linecache

    text = "def f(x):\n    return x * 2\nf(x)\n"
    monkeypatch.setitem(linecache.cache, "<notebook 3>", (len(text), None, text.splitlines(True), "<notebook 3>"))
    spy = Spy()
    run(text, "<notebook 3>", spy)
    assert describe(spy.seen[0]) == 'File "<notebook 3>", line 2, in f\n    return x * 2'


def test_a_file_that_changed_on_disk_is_read_again(tmp_path):
    path = tmp_path / "user.py"
    path.write_text("x * 2\n")
    spy = Spy()
    run(path.read_text(), str(path), spy)
    assert source(spy.seen[0]) == "x * 2"
    path.write_text("x * 2  # doubled\n")
    assert source(spy.seen[0]) == "x * 2  # doubled"


COMMAND = """
import sys; sys.path.insert(0, {path!r})
from jacfwd.locations import describe, here
def f():
    return here()
print(describe(f()))
scope = {{"here": here}}
exec("def g():\\n    return here()", scope)
print(describe(scope["g"]()))
"""


@pytest.mark.parametrize("how", ["-c", "stdin"])
def test_a_command_and_exec_within_it_never_show_each_others_lines(how):
    program = COMMAND.format(path=locations.__file__.removesuffix("locations.py") + "..")
    arguments, given = (["-c", program], None) if how == "-c" else (["-"], program)
    done = subprocess.run([sys.executable, *arguments], input=given, capture_output=True, text=True, check=True)
    name = "<string>" if how == "-c" else "<stdin>"
    assert done.stdout.splitlines() == [f'File "{name}", line 5, in f', 'File "<string>", line 2, in g']


def test_a_doctest_shows_its_example():
    """
    >>> location = here()
    >>> print(describe(location).splitlines()[1].strip())
    location = here()
    """
    import doctest

    example = doctest.DocTestFinder().find(test_a_doctest_shows_its_example, globs=globals())[0]
    assert doctest.DocTestRunner().run(example).failed == 0


# ------------------------------------------------------------------ the variable assigned to


def test_operators_and_calls_name_the_variable():
    def f(x):
        a = 3 * x
        b = np.sin(a)
        c = -b
        d = c[0]
        e = d.sum()
        g = e.T
        h = g > 0
        k = np.linalg.norm(h)
        return k

    assert names_in(f) == ["a", "b", "c", "d", "e", "g", "h", "k"]


def test_only_the_last_operation_of_an_expression_gets_the_name():
    def f(x):
        g = np.sin(x) + 1
        return g * g

    assert names_in(f) == [None, "g", None]


def test_the_load_that_follows_a_store_does_not_confuse():
    def f(x):
        y = x * 2
        z = y * 2
        return z

    assert names_in(f) == ["y", "z"]


def test_chained_augmented_annotated_and_walrus_assignment():
    def f(x):
        a = b = x * 2
        a += b
        c: float = a * 2
        if (d := c * 2) is None:
            return d
        return a

    assert names_in(f) == ["a", "a", "c", "d"]


def test_elements_of_an_unpacked_result_get_no_name():
    def f(x):
        a, b = x.sum()
        (c, *d) = np.split(x, 2)
        return a, b, c, d

    assert names_in(f) == [None] * 4


def test_a_pair_of_expressions_names_at_most_what_is_stored_at_once():
    def f(x):
        a, b = np.sin(x), 3 * x
        return a, b

    sine, product = names_in(f)
    assert sine is None
    assert product in (None, "b")


def test_targets_that_are_no_variables_give_none():
    class Holder:
        pass

    def f(x):
        holder = Holder()
        holder.g = 3 * x
        values = {}
        values["g"] = 3 * x
        x[0] = 1.0
        np.sin(x)
        return x * x

    assert names_in(f) == [None] * 5


def test_a_name_shared_with_an_inner_function():
    def f(x):
        g = 3 * x
        return lambda: g

    assert names_in(f) == ["g"]


def test_global_and_module_level_names():
    spy = Spy()
    run("def f(x):\n    global g\n    g = 3 * x\nf(x)\nh = np.sin(x)\n", "<cell 8>", spy)
    assert spy.names == ["g", "h"]


def test_a_python_function_names_what_it_returns_to():
    # The caller's frame points behind the call instruction here, not at it.
    def noted(x):
        x.seen.append(here(depth=2))
        return x

    def f(x):
        g = noted(x)
        return noted(g)

    assert names_in(f) == ["g", None]


def test_builtins_still_name_when_the_interpreter_has_specialised_the_call():
    def f(x):
        g = functools.reduce(np.add, [x, x])
        h = sum([x], x)
        return g, h

    spy = Spy()
    for _ in range(50):
        f(spy)
    assert spy.names == ["g", "h"] * 50


def test_many_names_and_constants_need_extended_arguments():
    assignments = "".join(f"    v{k} = x * {k}.5\n" for k in range(300))
    spy = Spy()
    run(f"def f(x):\n{assignments}f(x)\n", "<cell 9>", spy)
    assert spy.names == [f"v{k}" for k in range(300)]


def test_a_loop_names_every_pass():
    def f(x):
        for _ in range(3):
            x = x * 2
        return x

    assert names_in(f) == ["x"] * 3


def test_code_is_read_once():
    def f(x):
        g = x * 2
        return g

    locations.assignments.cache_clear()
    for _ in range(5):
        names_in(f)
    assert locations.assignments.cache_info().misses == 1


def test_a_location_before_the_first_instruction_has_no_name():
    assert assigned_name((here.__code__, -1)) is None


def test_the_last_instruction_has_no_name():
    last = locations.assignments(here.__code__)[0][-1]
    assert assigned_name((here.__code__, last)) is None


def test_a_notebooks_cell_goes_by_its_number(monkeypatch):
    """IPython compiles cells under names of files in a temporary folder, and knows which cell each is."""

    class Compiler:
        def format_code_name(self, name):
            return ("Cell", "In[3]") if name == "/tmp/ipykernel_1/2.py" else None

    shell = SimpleNamespace(compile=Compiler())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    scope = {"here": locations.here}
    exec(compile("def f():\n    return here()", "/tmp/ipykernel_1/2.py", "exec"), scope)
    assert locations.describe(scope["f"]()) == "Cell In[3], line 2, in f"
    exec(compile("def f():\n    return here()", "<other>", "exec"), scope)
    assert locations.describe(scope["f"]()) == 'File "<other>", line 2, in f'
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert locations.cell("/tmp/ipykernel_1/2.py") is None
