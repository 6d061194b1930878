"""Contractions of two arrays in Einstein's notation, as one batched matrix product that BLAS computes."""

import functools
import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from jacfwd.formats.base import Shape
from jacfwd.formats.dispatch import strong_matmul, strong_product

__all__ = ["contract"]

# What a further call of the matrix product costs, in elements that could be moved meanwhile.
CALL = 64


def contract(a: Any, a_labels: str, b: Any, b_labels: str, out_labels: str) -> Any:
    """`out[out_labels] = sum a[a_labels] b[b_labels]`; zeros are strong.

    The labels of each array are distinct, and every label of the output is one of an operand. Those in both
    and in the output are batch axes, those in both alone are summed, those in one operand only are free if
    the output has them and summed beforehand if not.
    """
    plan = _plan(a_labels, b_labels, out_labels, a.shape, b.shape)
    left, right = plan.a.of(a), plan.b.of(b)
    if plan.elementwise:
        return strong_product(left, right)
    out = strong_matmul(right, left) if plan.swapped else strong_matmul(left, right)
    if plan.shape is not None:
        out = out.reshape(plan.shape)
    return out if plan.order is None else out.transpose(plan.order)


class Side(NamedTuple):
    """How an operand is brought into place: axes summed away, reordered, merged. None: nothing to do."""

    summed: Shape | None
    order: Shape | None
    shape: Shape | None

    def of(self, array: Any) -> Any:
        """The operand, brought into place."""
        if self.summed is not None:
            array = array.sum(axis=self.summed)
        if self.order is not None:
            array = array.transpose(self.order)
        return array if self.shape is None else array.reshape(self.shape)


class Plan(NamedTuple):
    """Both operands' way into the product, and the product's way into the output."""

    a: Side
    b: Side
    elementwise: bool = False
    swapped: bool = False
    shape: Shape | None = None
    order: Shape | None = None


@functools.lru_cache(maxsize=4096)
def _plan(a_labels: str, b_labels: str, out_labels: str, a_shape: Shape, b_shape: Shape) -> Plan:
    """The cheapest plan; it depends on labels and shapes only."""
    sizes = dict(zip(a_labels + b_labels, (*a_shape, *b_shape), strict=True))
    a = "".join(label for label in a_labels if label in b_labels or label in out_labels)
    b = "".join(label for label in b_labels if label in a_labels or label in out_labels)
    inner = [label for label in a if label in b and label not in out_labels]
    if not inner:
        left, right = (_spread(full, own, out_labels, sizes) for full, own in ((a_labels, a), (b_labels, b)))
        return Plan(left, right, elementwise=True)
    layouts = _layouts(a, b, out_labels, inner)
    best = min(layouts, key=lambda layout: layout.cost(a, b, out_labels, sizes))
    stack = [sizes[label] for label in best.stack]
    sides = (
        _side(a_labels, a, best.stack, best.a_groups, sizes),
        _side(b_labels, b, best.stack, best.b_groups, sizes),
    )
    made = best.made
    rows, cols = best.free_groups
    product = (*stack, _size(rows, sizes), _size(cols, sizes))
    shape = tuple(sizes[label] for label in made)
    order = tuple(made.index(label) for label in out_labels)
    return Plan(
        *sides,
        swapped=best.swapped,
        shape=None if shape == product else shape,
        order=None if order == tuple(range(len(order))) else order,
    )


class Layout(NamedTuple):
    """One way to write a contraction as a stack of matrix products."""

    stack: list[str]
    inner: list[str]
    free_a: list[str]
    free_b: list[str]
    swapped: bool

    @property
    def a_groups(self) -> tuple[list[str], list[str]]:
        """Labels merged into the rows and into the columns of the first operand."""
        return (self.inner, self.free_a) if self.swapped else (self.free_a, self.inner)

    @property
    def b_groups(self) -> tuple[list[str], list[str]]:
        """The same of the second operand, which stands on the left if swapped."""
        return (self.free_b, self.inner) if self.swapped else (self.inner, self.free_b)

    @property
    def free_groups(self) -> tuple[list[str], list[str]]:
        """The same of the product."""
        return (self.free_b, self.free_a) if self.swapped else (self.free_a, self.free_b)

    @property
    def made(self) -> str:
        """The labels of the product as it is made."""
        rows, cols = self.free_groups
        return "".join(self.stack + rows + cols)

    def cost(self, a: str, b: str, out: str, sizes: dict[str, int]) -> int:
        """Elements moved: copies into place, what the stacked products read and write, strided output."""
        copies = _copied(a, self.a_groups) * _size(a, sizes) + _copied(b, self.b_groups) * _size(b, sizes)
        rows, cols = (_size(group, sizes) for group in self.free_groups)
        k = _size(self.inner, sizes)
        products = _size(self.stack, sizes) * (CALL + rows * k + k * cols + rows * cols)
        return copies + products + 2 * (self.made != out) * _size(out, sizes)


def _layouts(a: str, b: str, out: str, inner: list[str]) -> Iterator[Layout]:
    """All layouts worth considering: leading axes stacked or merged, either operand on the left."""
    batch = [label for label in out if label in a and label in b]
    lead = [x for x, y in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(a, out, strict=False))]
    free = [label for label in lead if label not in b]
    inner_orders = [inner]
    if len(inner) > 1:
        inner_orders.append([label for label in b if label in inner])
    for stacked in (free[:n] for n in range(len(free) + 1)):
        stack = [label for label in out if label in batch or label in stacked]
        free_a = [label for label in out if label in a and label not in stack]
        free_b = [label for label in out if label in b and label not in stack]
        for order, swapped in itertools.product(inner_orders, (False, True)):
            yield Layout(stack, order, free_a, free_b, swapped)


def _copied(labels: str, groups: tuple[list[str], list[str]]) -> bool:
    """Whether an operand in C order must be copied for axes to merge, and for BLAS to find a unit stride."""
    at = [[labels.index(label) for label in group] for group in groups]
    if any(place != group[0] + k for group in at for k, place in enumerate(group)):
        return True
    return len(labels) - 1 not in {group[-1] for group in at if group}


def _size(labels: Any, sizes: dict[str, int]) -> int:
    return math.prod(sizes[label] for label in labels)


def _side(full: str, kept: str, stack: list[str], groups: tuple[list[str], list[str]], sizes: dict[str, int]) -> Side:
    """Stack axes first (of size one where the operand lacks them), then rows and columns."""
    order = [label for label in stack if label in kept] + groups[0] + groups[1]
    shape = [sizes[label] if label in kept else 1 for label in stack]
    shape += [_size(group, sizes) for group in groups]
    return _placed(full, kept, order, shape, sizes)


def _spread(full: str, kept: str, out: str, sizes: dict[str, int]) -> Side:
    """The operand's axes in the output's order, with axes of size one where it has none."""
    order = [label for label in out if label in kept]
    return _placed(full, kept, order, [sizes[label] if label in kept else 1 for label in out], sizes)


def _placed(full: str, kept: str, order: list[str], shape: list[int], sizes: dict[str, int]) -> Side:
    """Axes nobody else knows are summed away (those of size one merely dropped), the others put in order."""
    lonely = [label for label in full if label not in kept]
    summed = None
    if any(sizes[label] != 1 for label in lonely):
        summed, full, lonely = tuple(full.index(label) for label in lonely), kept, []
    places = tuple(full.index(label) for label in (*order, *lonely))
    before = [sizes[label] for label in (*order, *lonely)]
    return Side(
        summed,
        None if places == tuple(range(len(places))) else places,
        None if before == shape else tuple(shape),
    )
