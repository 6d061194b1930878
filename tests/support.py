"""The support table: what jacfwd makes of each public function of NumPy and SciPy. `python -m tests.support` writes it.

What a rule says of itself, and what happens to a traced array at a call, decides; nothing is entered by hand but the
reasons why a function has no rule. The version since which a function is supported is kept from the page as it is.
"""

import fnmatch
import importlib
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy
import scipy.fft
import scipy.linalg
import scipy.special

import jacfwd as jf
from jacfwd.recording.apply import SPECIAL
from jacfwd.recording.constructors import SUBSTITUTES
from jacfwd.rules import every_family, find, resolve
from tests.rules.every import every_call

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "numpy.md"
COMMAND = "python -m tests.support"
MODULES = ("numpy", "numpy.linalg", "numpy.fft", "scipy.special", "scipy.linalg")
HEAD = """# Support table

What becomes of each public function of {modules}
when its argument is traced. This page is written by
`{command}` from the table of rules, with NumPy {numpy} and SciPy {scipy}; a test fails when it is stale.

* **differentiable**: there is an exact derivative, checked in the tests. Parameters that must be constant are refused
  otherwise, by name.
* **constant**: integers, booleans, or steps; the derivative is zero, and a recording computes the value anew.
* **unsupported**: raises `UnsupportedFunctionError` or `TracerConversionError`, with the place in your code. A
  [rule of your own](../how-to/own-rule.md) supports it.

What stands where no derivative exists is in [conventions](conventions.md). Functions of other modules have rules too:
{others}.

| module | differentiable | constant | unsupported |
|---|---|---|---|
{counts}
"""

# Why functions have no rule: patterns, the first that fits.
REASONS = {
    "numpy": {
        "fromfunction": "calls your function with plain indices, which works",
        "load* save* fromfile fromregex fromstring genfromtxt frombuffer from_dlpack": "files, memory",
        "busday* datetime* is_busday isnat": "dates",
        "*print* array2string array_repr array_str base_repr binary_repr format_float* typename show_* info": "text",
        "set* get*": "settings",
        "bartlett blackman hamming hanning *indices* broadcast_shapes indices": "takes integers",
        "can_cast isdtype issubdtype promote_types mintypecode iterable is[fs]* ix_ test": "looks at types",
        "asmatrix bmat frompyfunc nested_iters": "makes objects with operations of their own",
        "kaiser": "no rule yet; written with `i0` it is differentiable",
    },
    "scipy.special": {
        "*_zeros roots_* *_roots": "takes integers; gives tables of constants",
        "bernoulli euler stirling2 factorial2 factorialk perm": "integers",
        "cheby? sh_cheby? hermite hermitenorm *gegenbauer *jacobi *laguerre *legendre": "makes polynomial objects",
        "geterr seterr errstate test": "settings",
        "*cv *cv_seq *_coef mathieu_[ab]": "characteristic values: no closed form is known",
        "nct* ncf* chnd* nrd* nbdtri* pdtri* bdtri* btdtri* fdtri* stdtridf gdtri*": "distributions: no rule yet",
    },
    "scipy.linalg": {
        "get_* find_* test": "looks up compiled functions",
        "dft hadamard hilbert invhilbert helmert pascal invpascal": "takes integers",
        "issymmetric ishermitian bandwidth": "looks at values",
    },
}  # fmt: skip


NO_RULE = "no rule yet"
STATUSES = ("differentiable", "constant", "unsupported")


class Row(NamedTuple):
    """One function: what becomes of it, since when, and what there is to say."""

    name: str
    status: str
    since: str
    note: str


def functions(module: str) -> dict[str, Callable]:
    """The public functions of a module by name; classes are none."""
    space = importlib.import_module(module)
    found = {name: getattr(space, name, None) for name in sorted(set(space.__all__))}
    return {name: f for name, f in found.items() if callable(f) and not isinstance(f, type)}


SAMPLES = {}
for _function, _args, _kwargs in every_call():
    SAMPLES.setdefault(_function, (_args, _kwargs))


def status(module: str, name: str, function: Callable) -> tuple[str, str]:
    """What becomes of a function, and a note."""
    primitive = find(function)
    if primitive is None and function in SPECIAL:
        return "differentiable", "writes into a traced array"
    if primitive is not None and primitive.rule.kind == "constant":
        return "constant", ""
    if primitive is not None and primitive.rewrite is not None and function in SAMPLES and not floats(function):
        return "constant", ""
    if primitive is not None:
        refuses = ", ".join(f"`{parameter}`" for parameter in primitive.rule.refuses)
        return "differentiable", f"refuses {refuses}" if refuses else ""
    if function in SUBSTITUTES:
        return by_trial(function)
    why = reason(module, name)
    if why == NO_RULE and passes(function):
        return "differentiable", "through the functions that it calls"
    return "unsupported", why


def floats(function: Callable) -> bool:
    """Whether a sample call gives floating numbers."""
    args, kwargs = SAMPLES[function]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        out = function(*args, **kwargs)
    parts = out if isinstance(out, tuple) else (out,)
    return any(getattr(part, "dtype", np.dtype(object)).kind in "fc" for part in parts)


def passes(function: Callable) -> bool:
    """Whether a function without a rule has the right derivative by what it calls."""
    row, square = np.array([0.5, 1.5, 0.75]), np.array([[2.0, 0.5, 0.25], [0.5, 3.0, 1.0], [0.25, 1.0, 4.0]])
    for args in ((row,), (square,), (row, row + 1), (square, row), (square, square + 1)):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                plain = function(*args)
                if getattr(plain, "dtype", np.dtype(object)).kind not in "fc" or not np.isfinite(plain).all():
                    continue
                jf.check_jacobian(function, *args)
            except Exception:
                continue
        return True
    return False


def by_trial(function: Callable) -> tuple[str, str]:
    """Constructors and conversions: tried on a traced array, as a fill value, or as the end of a range."""
    x = np.array([1.5, 2.5])
    tries = (
        lambda x: function(x),
        lambda x: function(2, x[0]),
        lambda x: function((v for v in x), float),
    )
    for attempt in tries:
        try:
            y, dy = jf.jvp(attempt, x, np.ones(2))
        except (TypeError, ValueError, jf.JacfwdError):
            continue
        if np.asarray(y).dtype.kind in "fc" and np.any(dy):
            return "differentiable", ""
    return "constant", ""


def reason(module: str, name: str) -> str:
    """Why there is no rule."""
    for patterns, why in REASONS.get(module, {}).items():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns.split()):
            return why
    return NO_RULE


def known() -> dict[tuple[str, str], str]:
    """Since which version functions are supported, from the page as it is."""
    found, module = {}, ""
    for line in PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else ():
        if line.startswith("## "):
            module = line[3:].strip("`")
        cells = [cell.strip() for cell in line.split("|")]
        if module and len(cells) == 6 and cells[1].startswith("`") and cells[3]:
            found[module, cells[1].strip("`")] = cells[3]
    return found


def rows(module: str) -> Iterator[Row]:
    """The table of one module."""
    since = known()
    for name, function in functions(module).items():
        what, note = status(module, name, function)
        version = "" if what == "unsupported" else since.get((module, name), jf.__version__)
        yield Row(name, what, version, note)


def others() -> str:
    """Names of further modules whose functions have rules."""
    keys = (key for family in every_family() for key in family if isinstance(key, str))
    modules = {key.partition(":")[0] for key in keys} - set(MODULES) - {"numpy._core.umath"}
    return ", ".join(f"`{module}`" for module in sorted(modules))


def page() -> str:
    """The whole page."""
    resolve()
    tables = {module: list(rows(module)) for module in MODULES}
    counts = "\n".join(
        f"| `{module}` | "
        + " | ".join(
            str(sum(row.status == what for row in table)) for what in ("differentiable", "constant", "unsupported")
        )
        + " |"
        for module, table in tables.items()
    )
    head = HEAD.format(
        modules=", ".join(f"`{module}`" for module in MODULES), command=COMMAND, counts=counts, others=others(),
        numpy=np.__version__, scipy=scipy.__version__,
    )  # fmt: skip
    parts = [head]
    for module, table in tables.items():
        lines = [f"| `{row.name}` | {row.status} | {row.since} | {row.note} |" for row in table]
        parts.append(
            f"\n## `{module}`\n\n| function | derivative | since | |\n|---|---|---|---|\n" + "\n".join(lines) + "\n"
        )
    return "".join(parts)


def made_with() -> tuple[str, str]:
    """The versions of NumPy and SciPy that the page was written with."""
    found = re.search(r"with NumPy (\S+) and SciPy (\S+);", PAGE.read_text(encoding="utf-8"))
    assert found is not None
    return found[1], found[2]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
