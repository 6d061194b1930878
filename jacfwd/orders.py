"""Orders of elimination, by the sizes of matrices alone: which product is made when, and what it takes.

A graph of matrices stands between a first vertex and a last one. Eliminating a vertex adds, for every pair of a parent
p and a child c of it, the product of two matrices to the one between p and c, until one is left, from the first vertex
to the last. Matrices are known by their shapes and their numbers of entries; what a product or a sum of two has is
guessed by the rules by which formats are composed: low rank stays unmultiplied, lists of entries are joined.
"""

import dataclasses
import heapq
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

__all__ = ["FIRST", "LAST", "Factor", "Tally", "Vertices", "cheapest", "spent"]

FIRST, LAST = -2, -1
# A product with ones moves entries and multiplies nothing.
MOVED = 0.25
# What one product of more than two numbers takes beside its multiplications: it is an operation of NumPy's.
CALL = 1000
# As in `formats.compose`: with so few rows or columns, or pairs of entries, products are always written out.
SHORT, FEW, MOST_TERMS = 8, 1024, 32
# A sum of more products than this counts as one full matrix.
MOST_PRODUCTS = 16
# Chains of more vertices are shortened, the cheapest first, before all bracketings are looked at.
MOST_CUTS = 24
# So many products for each vertex are looked at before the cheapest next one is given up.
PATIENCE = 64


class Factor(NamedTuple):
    """A matrix by its sizes: rows, columns, entries, and the numbers that a product with a vector handles.

    `unit` if all entries are ones; `by_row` and `by_column` are the number of terms with at most one entry in each
    row, or column, of which it is the sum, 0 where it is none.
    """

    rows: int
    cols: int
    entries: float
    size: float
    unit: bool = False
    by_row: int = 0
    by_column: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it has all entries, in more than a row or a column."""
        return min(self.rows, self.cols) > 1 and self.entries >= self.rows * self.cols

    @property
    def terms(self) -> int:
        """Of how many lists of entries it consists."""
        return max(self.by_row, self.by_column, 1)


# An unmultiplied product, nearest factor first, and a sum of such.
Term = tuple[Factor, ...]
Edge = tuple[Term, ...]


@dataclasses.dataclass
class Tally:
    """Multiply-adds, and what they cost together with entries that are only moved and operations at all.

    `full` counts the multiply-adds of products of two full matrices.
    """

    count: float = 0.0
    cost: float = 0.0
    full: float = 0.0

    def add(self, products: float, unit: bool, calls: int = 1) -> None:
        """Take note of some products of entries, in so many operations; with ones, where `unit`."""
        self.count += 0 if unit else products
        self.cost += MOVED * products if unit else products
        self.cost += CALL * calls if products > 1 else 0


# Products and sums


def multiplied(after: Factor, before: Factor, tally: Tally, always: bool = False) -> Term:
    """The product of two matrices: one, or both where writing it out would be larger than they are."""
    rows, cols, middle = after.rows, before.cols, max(before.rows, 1)
    pairs = after.entries * before.entries / middle
    entries = min(pairs, rows * cols)
    size = after.size + before.size
    if not (
        always
        or after.by_column
        or before.by_row
        or min(rows, cols) <= SHORT
        or rows * cols <= 2 * size
        or pairs <= max(FEW, 2 * size)
    ):
        return before, after
    products = min(after.size * before.entries, after.entries * before.size) / middle
    # What consists of ones only is structure, for which nothing is computed.
    calls = 0 if after.unit or before.unit else after.terms * before.terms
    tally.add(products, after.unit or before.unit, calls)
    tally.full += products if after.is_full and before.is_full else 0
    by_row, by_column = after.by_row * before.by_row, after.by_column * before.by_column
    if max(by_row, by_column) > MOST_TERMS:
        by_row = by_column = 0
    return (Factor(rows, cols, entries, entries, after.unit and before.unit, by_row, by_column),)


def followed(factor: Factor, term: Term, tally: Tally) -> Term:
    """A product with one more factor: multiplied with the last, and with those before while that makes it no larger."""
    *front, last = term
    made = multiplied(factor, last, tally)
    while front and len(made) == 1:
        last = front[-1]
        bound = min(made[0].rows, made[0].entries) * min(last.cols, last.entries)
        if bound > 2 * (made[0].size + last.size) and min(made[0].rows, last.cols) > SHORT:
            break
        made = multiplied(made[0], front.pop(), tally)
    return (*front, *made)


def composed(after: Edge, before: Edge, tally: Tally) -> Edge:
    """The product of two sums."""
    if len(after) == len(before) == len(after[0]) == len(before[0]) == 1:  # nearly always
        return (multiplied(after[0][0], before[0][0], tally),)
    terms = []
    for left, right in itertools.product(after, before):
        for factor in left:
            right = followed(factor, right, tally)
        terms.append(right)
    return summed(terms, tally)


def summed(terms: Iterable[Term], tally: Tally, most: float = float("inf")) -> Edge:
    """The sum: single matrices are one, with `most` entries at most; too many products are written out."""
    one: Factor | None = None
    products: list[Term] = []
    for term in terms:
        if len(term) == 1:
            one = term[0] if one is None else together(one, term[0])
        else:
            products.append(term)
    if len(products) > MOST_PRODUCTS:
        full = written(products, tally)
        one, products = full if one is None else together(one, full), []
    if one is None:
        return tuple(products)
    if one.entries > most:
        one = one._replace(entries=most, size=min(one.size, most))
    return ((one,), *products)


def together(a: Factor, b: Factor) -> Factor:
    """The sum of two matrices; diagonals stand at the same places."""
    if a.by_row == b.by_row == a.by_column == b.by_column == 1 and a.entries == b.entries == a.rows == a.cols:
        return a._replace(unit=False)
    full = a.rows * a.cols
    by_row = a.by_row + b.by_row if a.by_row and b.by_row else 0
    by_column = a.by_column + b.by_column if a.by_column and b.by_column else 0
    if max(by_row, by_column) > MOST_TERMS:
        by_row = by_column = 0
    entries, size = min(a.entries + b.entries, full), min(a.size + b.size, full)
    return Factor(a.rows, a.cols, entries, size, a.unit and b.unit, by_row, by_column)


def size_of(edge: Edge) -> float:
    """The numbers that a product with a vector handles."""
    if len(edge) == 1 == len(edge[0]):
        return edge[0][0].size
    return sum(factor.size for term in edge for factor in term)


def written(edge: Sequence[Term], tally: Tally) -> Factor:
    """The sum written out: what lists of its entries take."""
    one: Factor | None = None
    for term in edge:
        factor = term[0]
        for after in term[1:]:
            (factor,) = multiplied(after, factor, tally, always=True)
        one = factor if one is None else together(one, factor)
    assert one is not None
    return one


# Graphs


class Vertices:
    """A graph of matrices. `most(p, c)` bounds the entries of the one between a parent and a child, if that is known.

    `held` vertices are eliminated only when FIRST is all they depend on.
    """

    def __init__(
        self,
        edges: Mapping[int, Mapping[int, Edge]],
        most: Callable[[int, int], float] = lambda p, c: float("inf"),
        held: frozenset[int] = frozenset(),
    ) -> None:
        """`edges[c][p]` are the matrices."""
        self.into = {c: dict(parents) for c, parents in edges.items()}
        self.users: dict[int, set[int]] = {}
        for c, parents in edges.items():
            for p in parents:
                self.users.setdefault(p, set()).add(c)
        self.most, self.held = most, held

    def copy(self) -> "Vertices":
        """One that may be changed."""
        return Vertices(self.into, self.most, self.held)

    def price(self, at: int) -> tuple[float, int]:
        """What eliminating a vertex takes, with what matrices grow by, and how many products that is.

        Each entry that is there afterwards has to be multiplied later.
        """
        tally, parents, users = Tally(), self.into[at], self.users.get(at, ())
        grown = -sum(map(size_of, parents.values()))
        for user in users:
            into = self.into[user]
            after = into[at]
            grown -= size_of(after)
            for p, before in parents.items():
                made = composed(after, before, tally)
                known = into.get(p, ())
                grown += size_of(summed([*known, *made], tally, self.most(p, user))) - size_of(known)
        return tally.cost + grown, len(parents) * len(users)

    def eliminate(self, at: int, tally: Tally) -> set[int]:
        """Take a vertex out; those next to it are returned."""
        parents, users = self.into.pop(at), self.users.pop(at, set())
        for p in parents:
            self.users[p].discard(at)
        for user in users:
            into = self.into[user]
            after = into.pop(at)
            for p, before in parents.items():
                made = composed(after, before, tally)
                into[p] = summed([*into.get(p, ()), *made], tally, self.most(p, user))
                self.users[p].add(user)
        return users | (set(parents) - {FIRST})

    def sides(self, order: Sequence[int]) -> tuple[int, int, int]:
        """How many vertices of an order have nothing but FIRST before them, nothing but LAST behind them, or neither.

        What has both counts like the one before it.
        """
        work, counts, side = self.copy(), [0, 0, 0], 0
        for at in order:
            first, last = work.into[at].keys() <= {FIRST}, work.users.get(at, set()) <= {LAST}
            side = side if first and last else 0 if first else 1 if last else 2
            counts[side] += 1
            work.eliminate(at, Tally())
        return counts[0], counts[1], counts[2]

    def allows(self, at: int) -> bool:
        """Whether a vertex may be eliminated now."""
        return at not in self.held or self.into[at].keys() <= {FIRST}


def spent(vertices: Vertices, order: Sequence[int]) -> Tally:
    """What eliminating all vertices in an order takes, the last matrix written out."""
    work, tally = vertices.copy(), Tally()
    for at in order:
        work.eliminate(at, tally)
    for edge in work.into.get(LAST, {}).values():
        written(edge, tally)
    return tally


def cheapest_next(vertices: Vertices, among: Iterable[int], left: int = 0) -> list[int] | None:
    """Always the vertex with the least price is next (Markowitz 1957), of equals the first, until `left` are left.

    Eliminates them. None where there are too many products to look at.
    """
    order: list[int] = []
    among = set(among)
    patience = PATIENCE * (len(among) + 8)
    keys: dict[int, float] = {}
    queue: list[tuple[float, int]] = []

    def look(at: int) -> None:
        nonlocal patience
        price, products = vertices.price(at)
        patience -= products
        keys[at] = price
        heapq.heappush(queue, (price, at))

    for at in among:
        if vertices.allows(at):
            look(at)
    tally = Tally()
    while queue and len(among) > left:
        price, at = heapq.heappop(queue)
        if at not in among or keys[at] != price:
            continue
        if patience < 0:
            return None
        among.remove(at)
        order.append(at)
        for near in vertices.eliminate(at, tally):
            if near in among and vertices.allows(near):
                look(near)
    return order


def cuts(vertices: Vertices) -> list[int]:
    """The vertices that every way from the first to the last goes through, in order."""
    order = sorted(at for at in vertices.into if at != LAST)
    place = {FIRST: -1, LAST: len(order)} | {at: k for k, at in enumerate(order)}
    reach, found = -1, []
    furthest = {p: max(place[c] for c in users) for p, users in vertices.users.items() if users}
    reach = furthest.get(FIRST, -1)
    for k, at in enumerate(order):
        if reach <= k:
            found.append(at)
        reach = max(reach, furthest.get(at, -1))
    return found


def by_blocks(vertices: Vertices) -> list[int] | None:
    """What lies between the cut vertices first, then the best bracketing of the chain of these; None without any."""
    work, chain = vertices.copy(), cuts(vertices)
    if len(chain) < 2:
        return None
    inner = cheapest_next(work, work.into.keys() - {LAST} - set(chain))
    if inner is None or work.into.keys() != {LAST, *chain}:
        return None
    front = cheapest_next(work, chain, left=MOST_CUTS)
    if front is None:
        return None
    rest = [at for at in chain if at in work.into]
    ends = [FIRST, *rest, LAST]
    if not all(work.into[c].keys() == {p} for p, c in itertools.pairwise(ends)):
        return None
    return [*inner, *front, *best_bracketing(ends, [work.into[c][p] for p, c in itertools.pairwise(ends)])]


def best_bracketing(ends: Sequence[int], factors: Sequence[Edge]) -> list[int]:
    """The order of elimination of a chain's inner vertices that takes least.

    Dynamic programming: `cost(j, i) = min_k cost(j, k + 1) + cost(k, i) + m_j m_k n_i` (Griewank and Naumann 2003),
    where the last term is what the product of the two parts takes, for full matrices of those sizes.
    """
    count = len(factors)
    best: dict[tuple[int, int], tuple[float, Edge, list[int]]] = {
        (k, k + 1): (0.0, factor, []) for k, factor in enumerate(factors)
    }
    for length in range(2, count + 1):
        for i in range(count - length + 1):
            j = i + length
            options = []
            for k in range(i + 1, j):
                (left, before, first), (right, after, second) = best[i, k], best[k, j]
                tally = Tally()
                edge = composed(after, before, tally)
                if length == count:
                    written(edge, tally)
                options.append((left + right + tally.cost, k, edge, first, second))
            cost, k, edge, first, second = min(options, key=lambda option: option[:2])
            best[i, j] = cost, edge, [*first, *second, ends[k]]
    return best[0, count][2]


def cheapest(vertices: Vertices) -> list[list[int]]:
    """Orders that are worth a comparison: always the cheapest vertex next, and block by block."""
    found = [cheapest_next(vertices.copy(), vertices.into.keys() - {LAST}), by_blocks(vertices)]
    return [order for order in found if order is not None and len(order) == len(vertices.into) - 1]
