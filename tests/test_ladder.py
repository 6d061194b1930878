"""Imports go down a ladder: every module has a rank, and what it imports from the package has a lower one."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "jacfwd"

# A package has one rank; its files may import each other, without cycles.
RANKS = {
    "errors": 0,
    "differences": 1,
    "expression": 1,
    "locations": 1,
    "memory": 1,
    "pattern": 1,
    "structure": 1,
    "coloring": 2,
    "formats": 2,
    "primitive": 3,
    "rules": 4,
    "graph": 5,
    "recording": 6,
    "chain": 7,
    "orders": 7,
    "accumulate": 8,
    "bracketing": 8,
    "callables": 8,
    "layers": 8,
    "arguments": 9,
    "cost": 9,
    "estimates": 9,
    "linear": 9,
    "paths": 9,
    "spread": 10,
    "calls": 10,
    "captured": 7,
    "methods": 10,
    "recorded": 10,
    "tangents": 10,
    "door": 11,
    "own": 11,
    "program": 11,
    "batch": 13,
    "kept": 12,
    "derivatives": 14,
    "traced": 14,
    "api": 15,
    "draw": 16,
    "logistic": 16,
    "report": 16,
    "solvers": 16,
    "testing": 16,
    "uncertainty": 16,
    "__init__": 17,
    "cli": 17,
    "__main__": 18,
}

# Imports inside a function that do not go down: (importing module, imported module), and why.
EXCEPTIONS = {
    ("cost", "report"): "`jf.cost.report` and `jf.cost.plot` measure, which needs everything above",
    ("report", "draw.charts"): "a report plots itself",
    ("linear", "draw.spy"): "a Jacobian draws its layers",
    ("pattern", "draw.spy"): "a pattern shows itself in notebooks",
    ("traced", "draw.export"): "a graph goes to Graphviz and networkx",
    ("traced", "draw.page"): "a graph writes its page",
    ("traced", "draw.boxes"): "a graph draws itself",
    ("primitive", "rules"): "unpickling looks a primitive up by its name in the table",
}


def modules():
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ROOT.rglob("*.py")}


def short(module):
    """The name inside the package; a package's `__init__` goes by the package's name."""
    return module.removesuffix(".__init__")


def rank(module):
    return RANKS[module.partition(".")[0]]


def imports(source, module, known):
    """Pairs (imported module, whether at module level), for imports from jacfwd in a file's source."""
    tree = ast.parse(source)
    nested = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            targets = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in targets:
            package, _, name = target.partition(".")
            if package == "jacfwd":
                yield resolve(name, known), id(node) not in nested


def resolve(name, known):
    """The module that `jacfwd.name` means: the longest prefix that is one, or the package's front."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name or "__init__"


def violations(sources):
    """Every import, in sources by module name, that does not go down; and packages with cycles inside."""
    known = {short(module) for module in sources}
    found, inside = [], {}
    for module, source in sources.items():
        importer = short(module)
        for imported, at_top in imports(source, importer, known):
            same_package = "." in importer and importer.partition(".")[0] == imported.partition(".")[0]
            if (importer, imported) in EXCEPTIONS and not at_top:
                continue
            if same_package or (importer == imported.partition(".")[0] and "." in imported):
                inside.setdefault(importer, set()).add(imported)
            elif rank(imported) >= rank(importer):
                found.append(f"{importer} (rank {rank(importer)}) imports {imported} ({rank(imported)})")
    try:
        TopologicalSorter(inside).prepare()
    except CycleError as error:
        found.append(" imports ".join(error.args[1]))
    return found


def test_every_module_has_a_rank():
    assert {module.partition(".")[0] for module in modules()} <= RANKS.keys()


def test_imports_go_down():
    assert not violations({module: path.read_text() for module, path in modules().items()})


def test_the_exceptions_are_needed():
    sources = {module: path.read_text() for module, path in modules().items()}
    known = {short(module) for module in sources}
    used = {(short(m), target) for m, source in sources.items() for target, _ in imports(source, short(m), known)}
    assert used >= EXCEPTIONS.keys()


@pytest.mark.parametrize(
    ("sources", "complaint"),
    [
        ({"graph": "from jacfwd.cli import main", "cli": ""}, "graph (rank 5) imports cli (17)"),
        ({"graph": "def f():\n    import jacfwd.cli", "cli": ""}, "graph (rank 5) imports cli (17)"),
        ({"graph": "from jacfwd import jvp", "__init__": ""}, "graph (rank 5) imports __init__ (17)"),
        ({"cost": "from jacfwd.linear import x", "linear": ""}, "cost (rank 9) imports linear (9)"),
        (
            {"primitive": "from jacfwd.rules import x", "rules.__init__": ""},
            "primitive (rank 3) imports rules (4)",
        ),
    ],
)
def test_a_wrong_import_is_found(sources, complaint):
    assert violations(sources) == [complaint]


def test_a_cycle_inside_a_package_is_found():
    sources = {"formats.a": "from jacfwd.formats.b import x", "formats.b": "from jacfwd.formats import a"}
    (cycle,) = violations(sources)
    assert set(cycle.split(" imports ")) == {"formats.a", "formats.b"}


def test_a_right_import_is_fine():
    sources = {
        "primitive": "def f():\n    from jacfwd.rules import by_name",
        "rules.__init__": "from jacfwd.rules import linalg",
        "rules.linalg": "import numpy\nfrom jacfwd.primitive import Rule",
    }
    assert not violations(sources)
