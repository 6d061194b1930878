"""The pictures of the documentation and the README's table, made by the library itself.

    python docs/pictures.py            write what has changed
    python docs/pictures.py --check    exit status 1 if something would change
    python docs/pictures.py --screenshots FOLDER    the page of a graph at three steps, from a real Chromium

Pictures stand in `docs/pictures/`. The table's numbers are those of `docs/benchmarks.json`.
"""

import argparse
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import jacfwd as jf
from jacfwd.draw.boxes import draw_placed
from jacfwd.draw.chart import Chart
from jacfwd.draw.geometry import place
from jacfwd.draw.scene import Edge, Node, Scene

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"
FOLDER = DOCS / "pictures"
MARKS = "<!-- measured -->", "<!-- /measured -->"

# Rows of the README's table: what it is called, the section, the row that has these values, the column. What the last
# run of the benchmarks did not measure is left out.
JVP, NFOLD, REPLAY = "One Jacobian-vector product", "The n-fold cost of forward mode", "Replay"
ROWS = [
    ("sparse Jacobian of a reaction-diffusion system, 20,000 unknowns, replayed", REPLAY,
     {"problem": "P1", "measure": "Jacobian", "n": 20_000}, "measured"),
    ("sparse Jacobian of a Python loop over 10,000 elements, replayed", REPLAY,
     {"problem": "P4", "measure": "Jacobian", "n": 10_000}, "measured"),
    ("value and one directional derivative, 10^6 inputs", JVP, {"problem": "P13", "n": 10**6}, "jvp / f"),
    ("the same, recorded once and replayed", JVP, {"problem": "P13", "n": 10**6}, "replay / f"),
    ('gradient of a loss with 4,096 inputs, `method="reverse"`', NFOLD, {"n": 4096}, "reverse / f"),
    ("the same by forward mode, 4,096 directions", NFOLD, {"n": 4096}, "jacfwd / f"),
    ("one direction, for a function of 10 µs, not recorded", JVP, {"problem": "P7-rosenbrock", "n": 10}, "jvp / f"),
]  # fmt: skip


def sigma(z):
    return 1 / (1 + np.exp(-z))


def logistic(a, b, x):
    p = a * x
    g = p + b
    return jf.name("f", sigma(g))


def partial_and_total(x, y):
    g = jf.name("g", np.sin(x) * np.cos(y))
    q = y**2
    h = g + q
    return h


def chain(x):
    g = 3 * x
    f = g**2
    return f


def product(x):
    s = np.sin(x)
    c = np.cos(x)
    p = s * c
    return p


def fork(x):
    u = x**2
    c = np.cos(u)
    s = np.sin(u)
    p = c * s
    return p


def two_branches(x):
    h1 = np.exp(x)
    g1 = np.sin(h1)
    h2 = x**3
    g2 = np.sqrt(h2)
    f = g1 / g2
    return f


def two_inputs(x, y):
    p = x * y
    s = np.sin(p)
    return s


def four_paths(x, y):
    a = x * y
    b = x + y
    f = a * b
    return f


def network(x):
    random = np.random.default_rng(8)
    W1, W2 = random.standard_normal((6, 4)), random.standard_normal((5, 6))
    h = np.tanh(W1 @ x)
    return np.sum(np.sin(W2 @ h))


def neighbours(x):
    return x[1:] * x[:-1]


def pictures() -> Iterator[tuple[str, str]]:
    """Name and SVG of every picture."""
    G = jf.trace(logistic, 2.0, -1.0, 1.5)
    yield "01-logistic-a", G.draw(wrt=0).svg
    yield "01-logistic-b", G.draw(wrt=1).svg
    yield "02-tangent-line", jf.draw.tangent_line(lambda x: x**2, 3.0, step=1.0).svg
    yield "02-tangent-plane", jf.draw.tangent_plane(lambda x, y: x**2 + y**2, 1.0, 2.0).svg
    yield "02-corner", jf.draw.tangent_line(np.abs, 0.0).svg
    yield "03-partial-and-total", jf.trace(partial_and_total, 1.2, 0.7).draw(wrt=1).svg
    yield "04-chain", jf.trace(chain, 4.0).draw().svg
    G = jf.trace(product, 2.0)
    yield "05-product", G.draw().svg
    yield "05-paths", jf.draw.paths(G).svg
    yield "05-fork", jf.trace(fork, 0.9).draw().svg
    yield "05-two-branches", jf.trace(two_branches, 0.8).draw().svg
    G = jf.trace(two_inputs, 0.5, 3.0)
    yield "06-in-x", G.draw(wrt=0).svg
    yield "06-in-y", G.draw(wrt=1).svg
    yield "06-nfold", nfold()
    yield "06-sparse", jf.draw.pattern(*coloured()).svg
    yield "07-four-paths", jf.trace(four_paths, 2.0, 3.0).draw().svg
    yield "07-paths-and-edges", growth()
    yield "architecture", architecture()
    yield "08-layers", jf.linearize(network, np.random.default_rng(9).standard_normal(4))[1].draw_layers().svg


def coloured() -> tuple:
    """A sparse pattern with its coloring."""
    S = jf.sparsity(neighbours, np.ones(16))
    return S, jf.coloring(S)


def nfold() -> str:
    """The measured n-fold cost, from the benchmarks."""
    rows = section(NFOLD)
    chart = Chart(
        "The cost of a gradient, measured", (1, 10**4), (1, 10**4), ("inputs", "runs of the function"), log=True
    )
    for ink, name in enumerate(("jacfwd", "reverse", "jvp")):
        label = {"jacfwd": "forward, all inputs", "reverse": "reverse", "jvp": "one direction"}[name]
        chart.curve([(row["n"], row[f"{name} / f"]) for row in rows], label, ink, dots=True)
    return chart.svg.drawing().svg


def growth() -> str:
    """Paths against edges for networks of one to forty layers, counted."""
    depths, paths, edges = range(1, 41), [], []
    W = np.full((3, 3), 0.5)
    for depth in depths:

        def f(x, depth=depth):
            for _ in range(depth):
                x = W @ x
            return np.sum(x)

        G = jf.trace(f, np.ones(3))
        paths.append(int(G.count_paths().sum()))
        edges.append(sum(layer.nnz for layer in G.layers()))
    chart = Chart("Networks of three numbers a layer", (0, 40), (0, 20), ("layers", "powers of ten"))
    for ink, (name, counts) in enumerate({"edges": edges, "paths": paths}.items()):
        chart.curve([(d, float(np.log10(float(n)))) for d, n in zip(depths, counts, strict=True)], name, ink)
    return chart.svg.drawing().svg


# What the package is made of: name, what it is, level; and who hands what to whom.
PARTS = [
    ("your function", "NumPy and SciPy", 0),
    ("rules", "one per function", 1),
    ("recording", "Tracers, storages", 1),
    ("Graph", "nodes, guards", 2),
    ("Chain", "local Jacobians at a point", 3),
    ("program", "generated NumPy source", 4),
    ("products", "forward, reverse", 4),
    ("accumulate", "structured products", 4),
    ("layers", "sparse matrices", 4),
    ("jvp, gradient", "values, tangents", 5),
    ("Jacobian", "dense or scipy.sparse", 5),
    ("pictures", "graphs, paths, costs", 5),
]
HANDS = [
    ("your function", "recording", "runs once"),
    ("recording", "Graph", ""),
    ("rules", "Chain", "local Jacobians"),
    ("Graph", "Chain", ""),
    ("Chain", "program", "recorded itself"),
    ("Chain", "products", "seeds"),
    ("Chain", "accumulate", "formats"),
    ("Chain", "layers", "written out"),
    ("program", "jvp, gradient", "replay"),
    ("program", "Jacobian", "replay"),
    ("products", "jvp, gradient", ""),
    ("products", "Jacobian", "colors"),
    ("accumulate", "Jacobian", ""),
    ("layers", "pictures", ""),
]


def architecture() -> str:
    """The parts of the package, placed as a derivative graph is."""
    keys = {name: k for k, (name, _, _) in enumerate(PARTS)}
    nodes = [Node(keys[name], name, about, "", "", level, "inner", ()) for name, about, level in PARTS]
    edges = [Edge(keys[a], keys[b], "", text) for a, b, text in HANDS]
    return draw_placed(place(Scene("From a function to its derivatives", nodes, edges))).svg


def section(title: str) -> list[dict]:
    """The rows of a section of the benchmarks; none where it was not measured."""
    found = json.loads((DOCS / "benchmarks.json").read_text(encoding="utf-8"))
    return next((each["rows"] for each in found["sections"] if each["title"] == title), [])


def measured() -> str:
    """The README's table."""
    lines = ["| what | times the function itself |", "| --- | ---: |"]
    for label, title, wanted, column in ROWS:
        matching = [row for row in section(title) if wanted.items() <= row.items()]
        lines += [f"| {label} | {row[column]:.3g} |" for row in matching[:1]]
    return "\n".join(lines)


def files() -> Iterator[tuple[Path, str]]:
    """Every file that this script keeps, and what it should hold."""
    for name, svg in pictures():
        yield FOLDER / f"{name}.svg", svg
    text = README.read_text(encoding="utf-8")
    begin, end = MARKS
    table = f"{begin}\n{measured()}\n{end}"
    yield README, re.sub(f"{begin}.*{end}", lambda _: table, text, flags=re.DOTALL)
    yield DOCS / "pictures" / "chain.html", jf.trace(chain, 4.0).to_html()


def screenshots(folder: Path) -> None:
    """The page of the chain at three steps."""
    from selenium import webdriver
    from selenium.webdriver.common.by import By

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        page = Path(scratch) / "chain.html"
        jf.trace(partial_and_total, 1.2, 0.7).to_html(page)
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        quiet = (
            "--disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
        )
        for flag in f"--headless --no-sandbox --disable-gpu {quiet} --user-data-dir={scratch}/profile".split():
            options.add_argument(flag)
        browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
        browser.set_window_size(1000, 980)
        browser.get(page.as_uri())
        browser.execute_script("setInput(1)")
        for step in range(1, 4):
            browser.find_element(By.ID, "next").click()
            browser.save_screenshot(str(folder / f"page-{step}.png"))
        browser.quit()


def main() -> int:
    """Write or check; the exit status is 1 where a check finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER")
    args = parser.parse_args()
    if args.screenshots is not None:
        screenshots(args.screenshots)
        return 0
    FOLDER.mkdir(exist_ok=True)
    kept = dict(files())
    stale = [path for path, text in kept.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    unknown = [path for path in FOLDER.glob("*.svg") if path not in kept]
    if args.check:
        for path in stale + unknown:
            print(f"{path.relative_to(DOCS.parent)} is not what docs/pictures.py makes", file=sys.stderr)
        return 1 if stale or unknown else 0
    for path in stale:
        path.write_text(kept[path], encoding="utf-8")
    for path in unknown:
        path.unlink()
    print(f"{len(stale)} written, {len(unknown)} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
