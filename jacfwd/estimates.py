"""What a Jacobian would cost by each method, from sizes and structure alone, and which one to take.

The unit of cost is about the time of one multiplication within a large array; handing one operation to NumPy takes as
long as thousands of these, which decides for small functions.
"""

import dataclasses
import functools

from jacfwd.accumulate import accumulate, structure
from jacfwd.bracketing import Bracketing, bracketing, elimination
from jacfwd.chain import Chain
from jacfwd.coloring import Coloring, fewest
from jacfwd.formats.base import Format
from jacfwd.formats.blocks import Contraction, Dense
from jacfwd.formats.combined import Product, Sum
from jacfwd.formats.entries import Entries

__all__ = ["Estimate", "Estimator", "Explanation", "choice"]

# Pushing a block of tangents through one format, and composing one with a Jacobian: in the latter, structure is found.
PUSH, COMPOSE = 1e4, 5e4
# From the output side formats are transposed first, and cotangents added up.
PULL = 1.3
# One multiplication within a matrix product.
IN_BLAS = 0.05
# One entry, found, sorted and stored: by one call, and where its place has been found before.
ENTRY, STORED = 20.0, 1.5
# Where places are known, others than structured products must be so much cheaper: constants fold in these.
BETTER = 0.5


@dataclasses.dataclass(frozen=True)
class Estimate:
    """One method: seeds (None where it needs none), multiplications and additions, bytes that it goes through, cost."""

    method: str
    seeds: int | None
    multiply_adds: int
    bytes: int
    cost: float

    def __str__(self) -> str:
        seeds = "" if self.seeds is None else f"{self.seeds:,} {'seed' if self.seeds == 1 else 'seeds'}, "
        return f"{self.method}: {seeds}{amount(self.multiply_adds)} multiply-adds"


@dataclasses.dataclass(frozen=True)
class Explanation:
    """The method that is chosen, what each of them would cost, and how structured products would go.

    `estimates` maps methods to their estimates. As text, the choice in a line, then the figures.
    """

    chosen: str
    estimates: dict[str, Estimate]
    bracketing: Bracketing
    formats: str
    shape: tuple[int, int]
    nnz: int
    prepared: bool
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        order = sorted(self.estimates.values(), key=lambda each: (each.method != self.chosen, each.cost))
        line = " · ".join(self._phrase(k, each) for k, each in enumerate(order))
        rows = [f"{'':12}{'seeds':>12}{'multiply-adds':>18}{'bytes':>20}"]
        for each in order:
            seeds = "" if each.seeds is None else f"{each.seeds:,}"
            rows.append(f"{each.method:12}{seeds:>12}{each.multiply_adds:>18,}{each.bytes:>20,}")
        m, n = self.shape
        about = f"{m:,} x {n:,}, {self.nnz:,} entries; structured products {self.bracketing}: {self.formats}"
        when = "each call, once prepared" if self.prepared else "one call, structure included"
        return "\n".join([line, *rows, about, f"estimated for {when}", *self.notes])

    def _phrase(self, place: int, each: Estimate) -> str:
        if place == 0:
            return f"{each}, chosen"
        if each.seeds is None:
            return f"{each.method}: {amount(each.multiply_adds)}"
        unit = " seed" if each.seeds == 1 else " seeds" if each.method != "reverse" else ""
        counted = f", {amount(each.multiply_adds)}" if each.method == "compress" else ""
        return f"{each.method}: {each.seeds:,}{unit}{counted}"

    __repr__ = __str__


def amount(count: float) -> str:
    """A number of operations, short.

    >>> amount(119_648), amount(3_400_000_000), amount(85)
    ('0.12 M', '3,400 M', '85')
    """
    if count < 1e4:
        return f"{count:,.0f}"
    millions = count / 1e6
    return f"{millions:.2g} M" if millions < 100 else f"{millions:,.0f} M"


class Estimator:
    """Costs of a chain's Jacobian; `prepared` where structure and programs are there already.

    Orders that cannot be better are counted if it is to be `thorough`.
    """

    def __init__(
        self, chain: Chain, sparse: bool, prepared: bool, symmetric: bool = False, thorough: bool = True
    ) -> None:
        self.chain, self.sparse, self.prepared, self.symmetric = chain, sparse, prepared, symmetric
        self.thorough = thorough
        formats = [fmt for step in chain.steps for _, fmt in step.groups]
        self.count = len(formats)
        self.push = sum(map(pushing, formats))
        self.work = sum(sum(fmt.work()) for fmt in formats)
        self.moved = sum(8 * (fmt.n_in + fmt.n_out) for fmt in formats)

    # What takes a moment to know

    @functools.cached_property
    def bracketing(self) -> Bracketing:
        """How structured products would go."""
        return bracketing(self.chain, self.prepared, self.thorough)

    @functools.cached_property
    def coloring(self) -> Coloring:
        """How seeds would go together."""
        return fewest(structure(self.chain, accumulate(self.chain)), self.symmetric)

    @property
    def nnz(self) -> int:
        """Entries of the Jacobian, about."""
        return self.bracketing.entries

    # Methods

    def seeded(self, method: str, seeds: int) -> Estimate:
        """So many seeds, pushed or pulled, and what is read off them."""
        chain = self.chain
        cost = seeds * self.push + (0 if self.prepared else PUSH * self.count)
        cost *= PULL if method == "reverse" else 1
        read = self.nnz if self.sparse else chain.m * chain.n
        if self.sparse or method == "compress":
            cost += STORED * self.nnz if self.prepared else self.accumulated().cost
        cost += 0 if self.sparse else STORED * chain.m * chain.n
        return Estimate(method, seeds, seeds * self.work, seeds * self.moved + 8 * read, cost)

    @property
    def least(self) -> float:
        """What structured products cost at least in one call."""
        return COMPOSE * self.count + (0 if self.sparse else STORED * self.chain.m * self.chain.n)

    def accumulated(self) -> Estimate:
        """Structured products, in the order found."""
        chain, found = self.chain, self.bracketing
        entries = found.multiply_adds - found.full + IN_BLAS * found.full + self.nnz
        cost = STORED * entries if self.prepared else COMPOSE * self.count + ENTRY * entries
        cost += 0 if self.sparse else STORED * chain.m * chain.n
        read = self.nnz if self.sparse else chain.m * chain.n
        return Estimate("accumulate", None, found.multiply_adds, 24 * found.multiply_adds + 8 * read, cost)

    def seeds(self) -> dict[str, Estimate]:
        """Plain seeds, from either side."""
        return {"forward": self.seeded("forward", self.chain.n), "reverse": self.seeded("reverse", self.chain.m)}

    def estimates(self) -> dict[str, Estimate]:
        """All methods."""
        compress = self.seeded("compress", self.coloring.n_colors)
        return {"accumulate": self.accumulated(), "compress": compress, **self.seeds()}

    def explain(self, method: str = "auto", notes: tuple[str, ...] = ()) -> Explanation:
        """All estimates, and the choice, or the method that the user has chosen."""
        estimates, chain = self.estimates(), self.chain
        parts = accumulate(chain, self.bracketing.order)
        formats = ", ".join(dict.fromkeys(named(part) for part in parts if part is not None)) or "nothing"
        shape = chain.m, chain.n
        if method == "auto":
            method = obvious(chain, self.sparse, self.prepared) or chosen(estimates, self.sparse, self.prepared)
        return Explanation(
            method,
            estimates,
            self.bracketing,
            formats,
            shape,
            self.coloring.pattern.nnz,
            self.prepared,
            notes,
        )


def chosen(estimates: dict[str, Estimate], sparse: bool, prepared: bool) -> str:
    """The method with the least cost; structured products unless another one is clearly cheaper, once prepared.

    A single seed is a single product with the chain: no other order can undercut that, but for as many seeds from the
    input side where these are few and small, since products from the output side take longer. Colored seeds are never
    cheaper than structured products: whatever an element of a node depends on, some output does, so that rows of its
    Jacobian have no more entries than there are colors.
    """
    others = [each for each in estimates.values() if each.method != "compress"]
    best = min(others, key=lambda each: each.cost)
    single = [each for each in others if each.seeds == 1]
    if single and not sparse:
        return min((each for each in others if each.seeds is not None), key=lambda each: each.cost).method
    structured = estimates.get("accumulate")
    if prepared and structured is not None and best.cost > BETTER * structured.cost:
        return "accumulate"
    return best.method


def choice(chain: Chain, sparse: bool) -> tuple[str, tuple[int, ...] | None]:
    """The method for a Jacobian, and the order of its structured products.

    Of a chain of plain values it is for one call; structure is then looked into no further than the choice needs.
    """
    method = obvious(chain, sparse, not chain.plain)
    if method is not None:
        return method, None
    each = Estimator(chain, sparse, prepared=not chain.plain, thorough=False)
    if chain.plain:
        if sparse:
            return "accumulate", elimination(chain)
        seeds = each.seeds()
        if 1 in (chain.n, chain.m) or min(one.cost for one in seeds.values()) <= each.least:
            return chosen(seeds, sparse, False), None
    method = chosen({**each.seeds(), "accumulate": each.accumulated()}, sparse, each.prepared)
    return method, each.bracketing.order


def obvious(chain: Chain, sparse: bool, prepared: bool) -> str | None:
    """The method where any will do, as there is little to compute; None where a choice is worth the time."""
    if sparse or not is_little(chain):
        return None
    if not prepared:
        return "forward"
    return "accumulate" if 1 < chain.n <= chain.m else None


def is_little(chain: Chain) -> bool:
    """Whether all seeds together take hardly longer than one: less than `PULL` times as long.

    Told without the costs, which would take a good part of the time that such a Jacobian takes.
    """
    least = (PULL - 1) * PUSH / (3 * max(chain.n, 1))
    return all(type(fmt) is Entries and fmt.nnz <= least for step in chain.steps for _, fmt in step.groups)


def pushing(fmt: Format) -> float:
    """The cost of one tangent on its way through a format."""
    if isinstance(fmt, Sum):
        return sum(map(pushing, fmt.terms)) + (len(fmt.terms) - 1) * fmt.n_out
    if isinstance(fmt, Product):
        return sum(map(pushing, fmt.factors))
    mul, add = fmt.work()
    inside = isinstance(fmt, Contraction | Dense)
    return IN_BLAS * mul + fmt.n_out if inside else mul + add + fmt.n_out


def named(fmt: Format) -> str:
    """A format and what it is made of."""
    if isinstance(fmt, Sum | Product):
        parts = fmt.terms if isinstance(fmt, Sum) else fmt.factors
        kinds = [type(part).__name__ for part in parts]
        counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
        return f"{type(fmt).__name__} of {counts}"
    return type(fmt).__name__
