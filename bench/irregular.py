"""Irregular products: `python -m bench.irregular` measures sums of what meets, and derivatives on graphs and meshes.

Derivatives are compared with code written by hand for NumPy and SciPy with everything that is constant prepared: index
arrays, stoichiometry, and the sparse matrix of ones that sums contributions into the entries of a Jacobian.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

import jacfwd as jf
from bench.replay import best
from bench.report import Row, Section, markdown_table
from jacfwd.formats.sums import Sums

__all__ = ["KINDS", "Kind", "derivatives", "sections", "sums"]

Array = npt.NDArray[Any]
SIZES = (10**4, 10**5)


@dataclasses.dataclass(frozen=True)
class Kind:
    """A function of one array and its derivatives by hand: Jacobian, tangent `(x, v)`, and pullback `(x, w)`."""

    name: str
    function: Callable[[Array], Array]
    point: Array
    jacobian: Callable[[Array], sp.csr_array]
    tangent: Callable[[Array, Array], Array]
    pullback: Callable[[Array, Array], Array]

    def energy(self, x: Array) -> Any:
        """Half the square of the function, whose gradient is a pullback."""
        f = self.function(x)
        return np.sum(f * f) / 2


def summed_into(rows: Array, cols: Array, n: int) -> tuple[sp.csr_array, sp.csr_array]:
    """A CSR pattern, and the matrix of ones that sums contributions at rows and columns into its data."""
    keys, places = np.unique(rows * n + cols, return_inverse=True)
    pattern = sp.csr_array((np.zeros(len(keys)), (keys // n, keys % n)), shape=(n, n))
    ones = np.ones(len(rows))
    return pattern, sp.csr_array(sp.coo_array((ones, (places, np.arange(len(rows)))), shape=(len(keys), len(rows))))


def with_data(pattern: sp.csr_array, data: Array) -> sp.csr_array:
    """The matrix with these data."""
    return sp.csr_array((data, pattern.indices, pattern.indptr), shape=pattern.shape)


def springs(n: int) -> Kind:
    """Forces on n nodes from 3 n springs that get harder: s = k d (1 + d^2) with d = x_j - x_i."""
    rng = np.random.default_rng(20)
    i = rng.integers(0, n, 3 * n)
    j = (i + rng.integers(1, n, 3 * n)) % n
    k = rng.uniform(0.5, 2, 3 * n)
    pattern, ones = summed_into(np.concatenate([i, j, i, j]), np.concatenate([j, i, i, j]), n)
    edges = len(i)
    signed = (
        ones[:, :edges] + ones[:, edges : 2 * edges] - ones[:, 2 * edges : 3 * edges] - ones[:, 3 * edges :]
    ).tocsr()

    def function(x: Array) -> Array:
        d = x[j] - x[i]
        s = k * d * (1 + d * d)
        return np.bincount(i, s, n) - np.bincount(j, s, n)

    def stiffness(x: Array) -> Array:
        d = x[j] - x[i]
        return k * (1 + 3 * d * d)

    def tangent(x: Array, v: Array) -> Array:
        s = stiffness(x) * (v[j] - v[i])
        return np.bincount(i, s, n) - np.bincount(j, s, n)

    point = rng.normal(size=n)
    return Kind("springs", function, point, lambda x: with_data(pattern, signed @ stiffness(x)), tangent, tangent)


def elements(n: int) -> Kind:
    """Nonlinear diffusion by linear elements on about 2 n triangles, assembled with `np.add.at`."""
    rng = np.random.default_rng(21)
    side = int(np.sqrt(n))
    n = side * side
    node = rng.permutation(n).reshape(side, side)
    a, b, c, d = (part.ravel() for part in (node[:-1, :-1], node[1:, :-1], node[:-1, 1:], node[1:, 1:]))
    corners = np.concatenate([np.stack([a, b, c], 1), np.stack([d, c, b], 1)])
    corners = corners[rng.permutation(len(corners))]
    gradients, area = rng.normal(size=(len(corners), 2, 3)) / 2, rng.uniform(0.4, 0.6, len(corners))
    flat = corners.ravel()
    pattern, ones = summed_into(np.repeat(corners, 3, 1).ravel(), np.tile(corners, 3).ravel(), n)

    def function(u: Array) -> Array:
        g = np.einsum("tij,tj->ti", gradients, u[corners])
        flux = (area * (1 + np.sum(g * g, axis=1)))[:, None] * g
        out = np.zeros(n)
        np.add.at(out, corners, np.einsum("tij,ti->tj", gradients, flux))
        return out

    def conductivity(u: Array) -> Array:
        g = np.einsum("tij,tj->ti", gradients, u[corners])
        own = 2 * area[:, None, None] * g[:, :, None] * g[:, None, :]
        plain = area * (1 + np.sum(g * g, axis=1))
        own[:, 0, 0] += plain
        own[:, 1, 1] += plain
        return own

    def jacobian(u: Array) -> sp.csr_array:
        each = np.matmul(gradients.transpose(0, 2, 1), np.matmul(conductivity(u), gradients))
        return with_data(pattern, ones @ each.ravel())

    def tangent(u: Array, v: Array) -> Array:
        dg = np.einsum("tij,tj->ti", gradients, v[corners])
        dflux = np.einsum("tij,tj->ti", conductivity(u), dg)
        return np.bincount(flat, np.einsum("tij,ti->tj", gradients, dflux).ravel(), n)

    return Kind("elements", function, rng.normal(size=n), jacobian, tangent, tangent)


def reactions(n: int) -> Kind:
    """Rates of n species in 2 n reactions of two species each, four of which every reaction changes."""
    rng = np.random.default_rng(22)
    count = 2 * n
    a, b, k = rng.integers(0, n, count), rng.integers(0, n, count), rng.uniform(0.1, 2, count)
    changed = rng.integers(0, n, 4 * count), np.repeat(np.arange(count), 4)
    S = sp.csr_array(sp.coo_array((rng.choice([-1.0, 1.0], 4 * count), changed), shape=(n, count)))
    T = S.T.tocsr()
    each = S.tocoo()
    rows, which = np.concatenate([each.row, each.row]), np.concatenate([each.col, each.col + count])
    pattern, ones = summed_into(rows.astype(int), np.concatenate([a, b])[which], n)
    picked = sp.csr_array((np.concatenate([each.data, each.data]), which, np.arange(len(which) + 1)))
    weighted = (ones @ picked).tocsr()

    def function(x: Array) -> Array:
        return S @ (k * x[a] * x[b])

    def jacobian(x: Array) -> sp.csr_array:
        return with_data(pattern, weighted @ np.concatenate([k * x[b], k * x[a]]))

    def tangent(x: Array, v: Array) -> Array:
        return S @ (k * (v[a] * x[b] + x[a] * v[b]))

    def pullback(x: Array, w: Array) -> Array:
        r = k * (T @ w)
        return np.bincount(a, r * x[b], n) + np.bincount(b, r * x[a], n)

    return Kind("reactions", function, rng.uniform(0.5, 1.5, n), jacobian, tangent, pullback)


def ranks(n: int) -> Kind:
    """A tanh(x) for a constant sparse matrix with five entries to a row."""
    rng = np.random.default_rng(23)
    places = rng.integers(0, n, (2, 5 * n))
    A = sp.csr_array(sp.coo_array((rng.uniform(0.1, 1, 5 * n), tuple(places)), shape=(n, n)))
    T = A.T.tocsr()

    def slope(x: Array) -> Array:
        y = np.tanh(x)
        return 1 - y * y

    return Kind(
        "ranks",
        lambda x: A @ np.tanh(x),
        rng.normal(size=n),
        lambda x: with_data(A, A.data * slope(x)[A.indices]),
        lambda x, v: A @ (slope(x) * v),
        lambda x, w: slope(x) * (T @ w),
    )


KINDS: Mapping[str, Callable[[int], Kind]] = {
    "springs": springs,
    "elements": elements,
    "reactions": reactions,
    "ranks": ranks,
}


def derivatives(kind: Kind, seconds: float = 1.0) -> list[Row]:
    """Jacobian, tangent and gradient beside those by hand, which confirm them; each as a multiple of f.

    Value and tangent come together, as do value and gradient by hand.
    """
    f, x = kind.function, kind.point
    v = np.random.default_rng(0).normal(size=x.size)
    G, E = jf.trace(f, x), jf.trace(kind.energy, x)
    out = G.jacobian(x, sparse=True)
    by_hand = kind.jacobian(x)
    difference = abs(out - by_hand)
    assert difference.max() <= 1e-11 * abs(by_hand).max(), f"{kind.name}: wrong Jacobian"
    for found, expected in ((G.jvp(x, v)[1], kind.tangent(x, v)), (E.gradient(x), kind.pullback(x, f(x)))):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * np.abs(expected).max())
    times = best(
        {
            "f": partial(f, x),
            "Jacobian": partial(G.jacobian, x, sparse=True, out=out),
            "Jacobian by hand": partial(kind.jacobian, x),
            "value and tangent": partial(G.jvp, x, v),
            "value and tangent by hand": lambda: (f(x), kind.tangent(x, v)),
            "gradient of the square": partial(E.gradient, x),
            "gradient of the square by hand": lambda: kind.pullback(x, f(x)),
        },
        seconds,
    )
    return [
        {
            "function": kind.name,
            "derivative": what,
            "n": x.size,
            "f [ms]": 1e3 * times["f"],
            "x f": times[what] / times["f"],
            "by hand, x f": times[f"{what} by hand"] / times["f"],
            "over by hand": times[what] / times[f"{what} by hand"],
        }
        for what in ("Jacobian", "value and tangent", "gradient of the square")
    ]


# Sums of what meets


def sums(size: int, dtype: Any, in_order: bool, seconds: float = 0.3) -> Row:
    """Microseconds to sum so many elements into a fifth as many places, in each of the ways there are."""
    rng = np.random.default_rng(24)
    n = max(size // 5, 1)
    at = np.arange(size) * n // size if in_order else rng.integers(0, n, size)
    x = rng.normal(size=size).astype(dtype)
    prepared = Sums(at, n)
    product = sp.csr_array(sp.coo_array((np.ones(size, dtype), (at, np.arange(size))), shape=(n, size)))
    starts = np.searchsorted(at, np.arange(n))
    expected = prepared(x)[0]
    np.testing.assert_allclose(product @ x, expected, rtol=0, atol=1e-4 * np.abs(expected).max())

    def added() -> Array:
        out = np.zeros(n, dtype)
        np.add.at(out, at, x)
        return out

    calls: dict[str, Callable[[], object]] = {
        "ours": lambda: prepared(x),
        "bincount": lambda: np.bincount(at, x, n),
        "add.at": added,
        "product": lambda: product @ x,
        "reduceat": lambda: np.add.reduceat(x, starts),
    }
    if np.dtype(dtype).kind == "c":
        calls["bincount"] = lambda: np.bincount(at, x.real, n) + 1j * np.bincount(at, x.imag, n)
    if not in_order:
        del calls["reduceat"]
    times = best(calls, seconds)
    row: Row = {
        "elements": size,
        "dtype": np.dtype(dtype).name,
        "places": "ascending" if in_order else "at random",
        **{f"{name} [us]": 1e6 * times[name] if name in times else None for name in NAMES},
    }
    return row


NAMES = ("ours", "bincount", "add.at", "product", "reduceat")


def sections(quick: bool = False) -> list[Section]:
    """Both tables."""
    sizes = (1000,) if quick else (1000, 10**4, 10**5, 10**6)
    dtypes = (np.float64,) if quick else (np.float64, np.float32, np.complex128)
    table = [sums(size, dtype, order) for dtype in dtypes for size in sizes for order in (False, True)]
    ahead = sum(
        all(float(row["ours [us]"] or 0) <= 1.1 * float(row[f"{name} [us]"] or np.inf) for name in NAMES)
        for row in table
    )
    rows = [row for n in ((1000,) if quick else SIZES) for make in KINDS.values() for row in derivatives(make(n))]
    slow = [
        f"{row['derivative']} of {row['function']}, n = {row['n']}"
        for row in rows
        if float(row["over by hand"] or 0) > 2
    ]
    return [
        Section(
            title="Irregular sums",
            about="Sums of elements by where they go, five to a place: the prepared sums of `jacfwd.formats.sums` "
            "beside `np.bincount`, `np.add.at`, SciPy's product with a sparse matrix of ones, and `np.add.reduceat` "
            "where elements are in order.",
            rows=table,
            result=f"In {ahead} of {len(table)} rows nothing is more than a tenth faster.",
        ),
        Section(
            title="Irregular functions",
            about="Forces from springs on a random graph, finite elements on a shuffled mesh, mass action in a "
            "random network, and a constant sparse matrix times tanh(x). By hand: NumPy and SciPy with all that is "
            "constant prepared, the sums into the entries of the Jacobian included.",
            rows=rows,
            result="More than twice as slow as by hand: " + ("; ".join(slow) or "none") + ".",
        ),
    ]


def main(arguments: Sequence[str] = ()) -> None:
    """Print both tables."""
    for section in sections("--quick" in arguments):
        print(markdown_table(section.rows), section.result, sep="\n\n", end="\n\n")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
