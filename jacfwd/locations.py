"""Where in the user's code something happened: a pair that costs little to take and is read later.

A location is `(code, lasti)`: the code object of the user's frame and the byte offset of the instruction
that this frame is executing. Both are at hand in the frame, so that every recorded operation can keep
one; file, line, source text and the name assigned to are worked out only when somebody asks.
"""

import dis
import linecache
import os
import sys
from bisect import bisect_right
from functools import lru_cache
from importlib.util import find_spec
from types import CodeType
from typing import Any, TypeVar

__all__ = ["Location", "assigned_name", "called", "describe", "here", "line", "placed", "source"]

Location = tuple[CodeType, int]
Error = TypeVar("Error", bound=Exception)

# The worked example that ships with the package is written as a user would write it.
EXAMPLES = ("logistic.py",)

# Names of code that no file holds: programs generated here, and Python's own frozen modules.
INTERNAL_NAMES = ("<jacfwd", "<frozen ", "<__array_function__")

# Every `exec` of a plain string shares the first of these names with `python -c`, so that no source can be
# looked up by it: Python 3.13 keeps the lines of `python -c` and would show one of them for any of these.
SHARED_NAMES = frozenset({"<string>", "<stdin>"})

STORES = frozenset({"STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF"})
# Python 3.13 fuses a store with the instruction after it; what is stored first is the first of two names.
FUSED_STORES = frozenset({"STORE_FAST_STORE_FAST", "STORE_FAST_LOAD_FAST"})
PADDING = frozenset({"CACHE", "EXTENDED_ARG", "NOP"})
# What these hand on to the store is an element of what they work on, or several.
UNPACKING = frozenset({"UNPACK_SEQUENCE", "UNPACK_EX"})


def package_directories() -> tuple[str, ...]:
    """The directories, each with a closing separator, whose code is not the user's."""
    directories = [os.path.dirname(__file__)]
    for name in ("numpy", "scipy", "numba"):
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            directories.extend(spec.submodule_search_locations)
    return tuple(os.path.join(directory, "") for directory in directories)


DIRECTORIES = package_directories()
# The standard library is not the user's either, but for what is installed into a directory of it.
STANDARD = os.path.join(os.path.dirname(os.__file__), "")
INSTALLED = ("site-packages", "dist-packages")
# Keyed by file name, not by code object: a string keeps its hash, a code object hashes its instructions.
INTERNAL: dict[str, bool] = {os.path.join(DIRECTORIES[0], example): False for example in EXAMPLES}


def here(depth: int = 1) -> Location:
    """The innermost frame that runs code outside jacfwd, NumPy, SciPy and the standard library, or the outermost.

    The search begins with the function that calls `here` (`depth=1`), its caller (`depth=2`) and so on.
    """
    frame = sys._getframe(depth)
    while True:
        code = frame.f_code
        internal = INTERNAL.get(code.co_filename)
        if internal is None:
            internal = is_internal(code.co_filename)
        outer = frame.f_back
        if not internal or outer is None:
            return code, frame.f_lasti
        frame = outer


def called(depth: int = 1) -> str | None:
    """The function of SciPy that the user's innermost frame is calling, None for any other."""
    frame = sys._getframe(depth)
    found = None
    while frame.f_back is not None and is_internal(frame.f_code.co_filename):
        module, name = str(frame.f_globals.get("__name__")), frame.f_code.co_qualname
        if module.startswith("scipy._lib"):
            # A wrapper, which may convert before the function it wraps is called.
            wrapped = next(filter(callable, map(frame.f_locals.get, ("f", "func", "fun"))), None)
            module, name = str(getattr(wrapped, "__module__", "")), str(getattr(wrapped, "__qualname__", ""))
        if module.startswith("scipy.") and not module.startswith("scipy._lib"):
            public = [part for part in module.split(".") if not part.startswith("_")]
            found = ".".join([*public, name.partition(".<locals>")[0]])
        frame = frame.f_back
    return found


def is_internal(filename: str) -> bool:
    """Whether code of this file is not the user's; the answer is kept in `INTERNAL`."""
    internal = filename.startswith((*DIRECTORIES, *INTERNAL_NAMES)) or is_standard(filename)
    INTERNAL[filename] = internal
    return internal


def is_standard(filename: str) -> bool:
    """Whether a file belongs to Python's standard library."""
    return filename.startswith(STANDARD) and not filename.removeprefix(STANDARD).startswith(INSTALLED)


def line(location: Location) -> int:
    """The number of the line in its file; the function's first line where Python kept none."""
    code, lasti = location
    for start, end, number in code.co_lines():
        if start <= lasti < end and number is not None:
            return number
    return code.co_firstlineno


def source(location: Location) -> str | None:
    """The line's text without indentation, or None where Python has none (`exec`, `python -c`)."""
    filename = location[0].co_filename
    if filename in SHARED_NAMES:
        return None
    linecache.checkcache(filename)
    try:
        return linecache.getline(filename, line(location)).strip() or None
    except IndexError:  # while a doctest runs, lines of another one with the same name are looked for in it
        return None


def placed(error: Error, location: Location | None) -> Error:
    """An error of the same kind with the user's line in its text; the same one where that has a line already.

    >>> placed(TypeError("no derivative"), None)
    TypeError('no derivative')
    """
    text = str(error)
    return error if location is None or ", at " in text else type(error)(f"{text}, at {describe(location)}")


def describe(location: Location) -> str:
    """File, line and function as in a traceback, with the line's text below where there is one.

    >>> scope = {"here": here}
    >>> exec(compile("def f():\\n    return here()", "<cell 1>", "exec"), scope)
    >>> print(describe(scope["f"]()))
    File "<cell 1>", line 2, in f
    """
    code = location[0]
    text = source(location)
    place = f"{cell(code.co_filename) or f'File {quoted(code.co_filename)}'}, line {line(location)}, in {code.co_name}"
    return place if text is None else f"{place}\n    {text}"


def quoted(filename: str) -> str:
    """A file's name as tracebacks show it."""
    return f'"{filename}"'


def cell(filename: str) -> str | None:
    """What IPython calls a file that it made of a notebook's cell, such as `Cell In[3]`; None for other files."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    words = shell.compile.format_code_name(filename) if shell is not None else None
    return " ".join(words) if words else None


def assigned_name(location: Location) -> str | None:
    """The variable to which the instruction at the location assigns its result, or None.

    In `g = np.sin(x) + 1` that is `g` for the sum, whose result is stored, and None for the sine. Targets
    that are no plain names (`x[0]`, `self.g`) and unpacked results (`a, b = f(x)`) give None, too.
    """
    code, lasti = location
    offsets, names = assignments(code)
    # A frame that has called a Python function points into the cache behind its call instruction.
    position = bisect_right(offsets, lasti) - 1
    return names[position] if position >= 0 else None


@lru_cache(maxsize=1024)
def assignments(code: CodeType) -> tuple[list[int], list[str | None]]:
    """Offsets of the code's instructions and, for each, the name its result is assigned to at once."""
    instructions = [each for each in dis.get_instructions(code) if each.opname not in PADDING]
    names = [stored_name(instructions[k : k + 4]) for k in range(len(instructions))]
    return [each.offset for each in instructions], names


def stored_name(instructions: list[dis.Instruction]) -> str | None:
    """The name that receives the result of the first of these successive instructions, or None."""
    first, *rest = instructions
    if first.opname in UNPACKING:
        return None
    # Python 3.11 calls some builtins in PRECALL already; the CALL after it passes their result on.
    if first.opname == "PRECALL" and rest:
        rest = rest[1:]
    # `a = b = ...` and `(a := ...)` copy the result before they store it.
    if rest and rest[0].opname == "COPY" and rest[0].arg == 1:
        rest = rest[1:]
    if not rest:
        return None
    store = rest[0]
    if store.opname in STORES:
        return str(store.argval)
    return str(store.argval[0]) if store.opname in FUSED_STORES else None
