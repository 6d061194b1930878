"""Rewriting a derived graph: neutral factors, powers, signs, and data movement that composes.

Each rule looks at one operation and answers with a simpler one, or with a node that holds the same; None where it
has nothing to say. Values agree to rounding, and wherever a strong product was replaced no factor is zero.
"""

import collections
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from jacfwd.formats.base import Format
from jacfwd.formats.dispatch import strong_product
from jacfwd.formats.entries import Entries
from jacfwd.formats.index import IndexMap, scattered
from jacfwd.graph import Graph, Node
from jacfwd.primitive import Call
from jacfwd.program.kinds import is_placed, is_total
from jacfwd.program.optimise import optimised, rewired
from jacfwd.rules import TABLE
from jacfwd.rules.internal import element, view

__all__ = ["moved", "simplified"]

VIEW, MULTIPLY, NEGATIVE = TABLE[view], TABLE[np.multiply], TABLE[np.negative]
ADD, SUBTRACT, SQUARE = TABLE[np.add], TABLE[np.subtract], TABLE[np.square]
SQRT, DIVIDE, EXP, ABSOLUTE = TABLE[np.sqrt], TABLE[np.divide], TABLE[np.exp], TABLE[np.absolute]
MAXIMUM = TABLE[np.maximum]
# Powers that are products or quotients; and those that are so with a square root, times two.
WHOLE, ODD = (-4, -3, -2, -1, 2, 3, 4), (-7, -5, -3, -1, 1, 3, 5, 7)
# Constants up to this size are looked at.
SMALL = 1 << 22
# Factors up to this one are moved out of products.
LARGEST_FACTOR = 1 << 20
# Few elements are picked by their places in less time than it takes to call what moves them.
FEW = 1 << 10
# Operands of so many elements together are looked at, to see whether they stand one after the other.
SEVERAL = 1 << 16

Answer = Node | int | None


class Rewriter:
    """The nodes of the new graph so far."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        # How often the nodes are read, as far as the old graph told.
        self.uses: collections.Counter[int] = collections.Counter()

    def add(self, node: Node) -> int:
        """Append a node, or find one that holds the same."""
        answer: Answer = node
        while isinstance(answer, Node):
            node = answer
            answer = next((a for rule in RULES.get(node.primitive, ANY) if (a := rule(self, node)) is not None), None)
        if answer is not None:
            return answer
        self.nodes.append(node)
        return len(self.nodes) - 1

    def made(self, like: Node, primitive: Any, *operands: Any, **params: Any) -> Node:
        """A node for the same value; operands are positions, or `Constant`s."""
        node = Node(primitive, *parts(list(operands)), params, like.shape, like.dtype, like.location)
        node.name = like.name
        return node

    def fits(self, at: int, like: Node) -> bool:
        """Whether a node has the shape and dtype of another."""
        return self.nodes[at].shape == like.shape and self.nodes[at].dtype == like.dtype


class Constant:
    """An operand that is no node."""

    def __init__(self, value: Any) -> None:
        self.value = value


def simplified(graph: Graph) -> Graph:
    """The same function with simpler operations, none twice and none for nothing."""
    rewriter = Rewriter()
    stands_for: list[int] = []
    uses = collections.Counter(out.node for out in graph.outputs)
    uses.update(guard.node for guard in graph.guards)
    for node in graph.nodes:
        uses.update(node.parents)
    for at, old in enumerate(graph.nodes):
        parents = tuple(None if p is None else stands_for[p] for p in old.parents)
        node = Node(old.primitive, parents, old.constants, old.params, old.shape, old.dtype, old.location)
        node.name = old.name
        stands_for.append(rewriter.add(node))
        rewriter.uses[stands_for[-1]] += uses[at]
    return optimised(rewired(graph, rewriter.nodes, stands_for))


# Factors


def scaled(rewriter: Rewriter, node: Node) -> Answer:
    """Products with a constant: one, minus one, and strong ones without a zero."""
    if node.params or len(node.parents) != 2 or (node.parents[0] is None) == (node.parents[1] is None):
        return None
    at, constant = (0, 1) if node.parents[1] is None else (1, 0)
    x, value = node.parents[at], node.constants[constant]
    assert x is not None
    single = single_value(value)
    if single is not None and single == 1 and rewriter.nodes[x].dtype == node.dtype:
        return x if rewriter.nodes[x].shape == node.shape else spread(rewriter, node, x)
    if single is not None and single == -1 and rewriter.fits(x, node):
        return rewriter.made(node, NEGATIVE, x)
    if single is not None and np.ndim(value):
        like = rewriter.nodes[x]
        if like.shape == node.shape:
            return rewriter.made(node, node.primitive, x, Constant(single))
        # One number everywhere: computed in the shape that x has, and spread then.
        small = Node(node.primitive, *parts([x, Constant(single)]), {}, like.shape, node.dtype, node.location)
        return spread(rewriter, node, rewriter.add(small))
    if single is not None and single != 0:
        again = scaled_again(rewriter, node, x, single)
        if again is not None:
            return again
    if node.primitive is STRONG and np.size(value) <= SMALL and np.isfinite(value).all() and np.all(value):
        return rewriter.made(node, MULTIPLY, x, Constant(value))
    return None


def single_value(value: Any) -> Any:
    """The one number that a constant holds everywhere, None where it holds several."""
    if isinstance(value, bool) or not isinstance(value, int | float | complex | np.generic | np.ndarray):
        return None
    if not isinstance(value, np.ndarray):
        return value if np.isfinite(value) and getattr(value, "dtype", None) != np.bool_ else None
    if not value.size or value.size > SMALL or value.dtype.kind not in "iufc":
        return None
    first = value.flat[0]
    return first if np.isfinite(first) and np.all(value == first) else None


def scaled_again(rewriter: Rewriter, node: Node, x: int, factor: Any) -> Answer:
    """`c (d y)` and `c (-y)` with one factor."""
    inner = rewriter.nodes[x]
    if inner.dtype != node.dtype or inner.shape != node.shape or inner.dtype.kind not in "fc":
        return None
    if inner.primitive is NEGATIVE:
        y = inner.parents[0]
        assert y is not None
        return rewriter.made(node, MULTIPLY, y, Constant(-factor)) if rewriter.fits(y, node) else None
    if inner.primitive is not MULTIPLY or inner.params or None not in inner.parents:
        return None
    at = 0 if inner.parents[1] is None else 1
    y, own = inner.parents[at], single_value(inner.constants[1 - at])
    if y is None or own is None or not rewriter.fits(y, node):
        return None
    product = factor * own
    return rewriter.made(node, MULTIPLY, y, Constant(product)) if np.isfinite(product) and product != 0 else None


def factor_of(rewriter: Rewriter, at: int, like: Node) -> tuple[Any, int]:
    """A node as a constant times another one, where the constant cannot make the difference between finite and not.

    That is so for constants of at least one: without them no product is larger. They are not so large that products
    without them are lost near zero.
    """
    base = at
    while rewriter.uses[base] <= 1 and is_reshaped(rewriter, base):
        base = rewriter.nodes[base].parents[0] or 0
    inner = rewriter.nodes[base]
    if rewriter.uses[base] > 1 or inner.dtype != like.dtype or inner.params or like.dtype.kind not in "fc":
        return 1, at
    if math.prod(inner.shape) != math.prod(like.shape):
        return 1, at
    y: int | None = None
    own: Any = -1
    if inner.primitive is NEGATIVE:
        y = inner.parents[0]
    elif inner.primitive is MULTIPLY and None in inner.parents:
        k = 0 if inner.parents[1] is None else 1
        y, own = inner.parents[k], single_value(inner.constants[1 - k])
    if y is None or own is None or not rewriter.fits(y, inner) or not 1 <= abs(own) <= LARGEST_FACTOR:
        return 1, at
    if inner.shape != like.shape:
        y = rewriter.add(rewriter.made(like, VIEW, y, index=IndexMap.identity(like.shape, inner.shape)))
    return own, y


def is_reshaped(rewriter: Rewriter, at: int) -> bool:
    """Whether a node holds all of another one's elements in the same order."""
    node = rewriter.nodes[at]
    if node.primitive is not VIEW or node.parents[0] is None:
        return False
    size = math.prod(rewriter.nodes[node.parents[0]].shape)
    return math.prod(node.shape) == size and node.params["index"].linear == (0, 1)


def product_of_scaled(rewriter: Rewriter, node: Node) -> Answer:
    """`(c x) (d y)` as `(c d) (x y)`, and `x x` as a square."""
    a, b = node.parents if len(node.parents) == 2 else (None, None)
    if node.params or a is None or b is None:
        return None
    if a == b:
        return rewriter.made(node, SQUARE, a) if rewriter.fits(a, node) and node.dtype.kind in "fc" else None
    (c, x), (d, y) = factor_of(rewriter, a, node), factor_of(rewriter, b, node)
    if (x, y) == (a, b):
        return None
    product = rewriter.add(rewriter.made(node, node.primitive, x, y))
    return product if c * d == 1 else rewriter.made(node, MULTIPLY, product, Constant(c * d))


def sum_of_scaled(rewriter: Rewriter, node: Node) -> Answer:
    """`c x + c y` as `c (x + y)`, and so for differences."""
    a, b = node.parents
    if node.params or a is None or b is None or a == b:
        return None
    (c, x), (d, y) = factor_of(rewriter, a, node), factor_of(rewriter, b, node)
    if abs(c) == 1 or c not in (d, -d):
        return None
    added = (node.primitive is ADD) == (c == d)
    total = rewriter.add(rewriter.made(node, ADD if added else SUBTRACT, x, y))
    return rewriter.made(node, MULTIPLY, total, Constant(c))


def total_of_scaled(rewriter: Rewriter, node: Node) -> Answer:
    """The sum of all `c x` as `c` times that of all `x`, and of sums of squares as sums of their sums.

    Squares have one sign, so that nothing is lost where they are summed apart.
    """
    if not is_total(node, rewriter.nodes) or node.dtype.kind != "f":
        return None
    x = node.parents[0] or 0
    like = rewriter.nodes[x]
    c, y = factor_of(rewriter, x, like)
    if y != x:
        return rewriter.made(
            node, MULTIPLY, rewriter.add(rewriter.made(node, node.primitive, y, **node.params)), Constant(c)
        )
    if like.primitive is not ADD or None in like.parents or rewriter.uses[x] > 1:
        return None
    terms = [at for at in like.parents if at is not None]
    if not all(rewriter.fits(at, like) and is_square(rewriter, at) for at in terms):
        return None
    return rewriter.made(
        node, ADD, *(rewriter.add(rewriter.made(node, node.primitive, at, **node.params)) for at in terms)
    )


def is_square(rewriter: Rewriter, at: int) -> bool:
    """Whether a node that is read once is a positive constant times a square, or sums of such."""
    c, y = factor_of(rewriter, at, rewriter.nodes[at])
    node = rewriter.nodes[y]
    if rewriter.uses[y] > 1 or c <= 0:
        return False
    if node.primitive is ADD:
        return all(p is not None and rewriter.fits(p, node) and is_square(rewriter, p) for p in node.parents)
    return node.primitive is SQUARE


def spread(rewriter: Rewriter, node: Node, x: int) -> Node:
    """A node broadcast to the shape of another."""
    return rewriter.made(node, VIEW, x, index=IndexMap.broadcast(rewriter.nodes[x].shape, node.shape))


def powers(rewriter: Rewriter, node: Node) -> Answer:
    """Small integer powers as products or one over them; half-integer ones with a root, where nothing is negative."""
    x, exponent = node.parents[0], node.constants[1]
    if x is None or node.parents[1] is not None or node.params or np.size(exponent) != 1:
        return None
    number = float(np.reshape(exponent, (-1,))[0]) if np.isrealobj(exponent) else 0.5
    if rewriter.nodes[x].dtype != node.dtype or node.dtype.kind not in "fc" or rewriter.nodes[x].shape != node.shape:
        return None
    if number == 1:
        return x
    root = 2 * number in ODD and node.dtype.kind == "f" and is_nonnegative(rewriter, x)
    if not root and (number not in WHOLE or (number < 0 and node.dtype.kind != "f")):
        return None
    factors = [whole_power(rewriter, node, x, int(abs(number)))] if abs(number) >= 1 else []
    if root:
        factors.insert(0, rewriter.add(rewriter.made(node, SQRT, x)))
    product = factors[0] if len(factors) == 1 else rewriter.add(rewriter.made(node, MULTIPLY, *factors))
    return product if number > 0 else rewriter.made(node, DIVIDE, Constant(1), product)


def whole_power(rewriter: Rewriter, node: Node, x: int, number: int) -> int:
    """A power of one to four."""
    if number == 1:
        return x
    square = rewriter.add(rewriter.made(node, SQUARE, x))
    if number == 2:
        return square
    return rewriter.add(
        rewriter.made(node, SQUARE, square) if number == 4 else rewriter.made(node, MULTIPLY, square, x)
    )


def is_nonnegative(rewriter: Rewriter, at: int) -> bool:
    """Whether no element can be less than zero, minus infinity included: then a power is one of its square root."""
    node = rewriter.nodes[at]
    if node.primitive in (SQUARE, EXP, ABSOLUTE):
        return node.dtype.kind == "f"
    if node.primitive in (ADD, MULTIPLY, MAXIMUM) and not node.params:
        pairs = zip(node.parents, node.constants, strict=True)
        return all(is_nonnegative(rewriter, p) if p is not None else (single_value(c) or -1) > 0 for p, c in pairs)
    return node.primitive is VIEW and node.parents[0] is not None and is_nonnegative(rewriter, node.parents[0])


# Signs


def twice_negated(rewriter: Rewriter, node: Node) -> Answer:
    """`-(-x)`, `-(c x)` and `-(a (-b))`."""
    x = node.parents[0]
    if x is None or node.params or not rewriter.fits(x, node) or node.dtype.kind not in "fc":
        return None
    if rewriter.nodes[x].primitive is not NEGATIVE and rewriter.uses[x] > 1:
        return None  # computed anyway: where it is added, it can be subtracted
    found = negated(rewriter, x)
    return scaled_again(rewriter, node, x, -1) if found is None else found


def negated(rewriter: Rewriter, at: int) -> int | None:
    """A node that holds minus what this one does, where that costs nothing."""
    inner = rewriter.nodes[at]
    source = inner.parents[0] if inner.parents else None
    if inner.dtype.kind not in "fc" or (inner.params and inner.primitive not in (VIEW, SCATTERED)):
        return None
    if inner.primitive is NEGATIVE:
        return source
    if rewriter.uses[at] > 1:
        return None
    if inner.primitive is MULTIPLY and None in inner.parents:
        k = 0 if inner.parents[1] is None else 1
        y, own = inner.parents[k], single_value(inner.constants[1 - k])
        if y is None or own is None or not np.isrealobj(own) or not own < 0 or not rewriter.fits(y, inner):
            return None
        return rewriter.add(rewriter.made(inner, MULTIPLY, y, Constant(-own)))
    if inner.primitive in (MULTIPLY, STRONG) and None not in inner.parents:
        return negated_product(rewriter, inner)
    if source is None or not (inner.primitive is VIEW or (inner.primitive is SCATTERED and is_placed(inner))):
        return None
    found = negated(rewriter, source) if rewriter.nodes[source].dtype == inner.dtype else None
    return None if found is None else rewriter.add(rewriter.made(inner, inner.primitive, found, **inner.params))


def negated_product(rewriter: Rewriter, node: Node) -> int | None:
    """The product with one of its factors negated, where that costs nothing."""
    for k in (1, 0):
        x, other = node.parents[k], node.parents[1 - k]
        assert x is not None
        found = negated(rewriter, x)
        if found is not None:
            return rewriter.add(rewriter.made(node, node.primitive, found, other))
    return None


def signed_sum(rewriter: Rewriter, node: Node) -> Answer:
    """`a + -b` and `-a + b` as differences."""
    if None in node.parents or node.params:
        return None
    for at in (1, 0):
        term, other = node.parents[at], node.parents[1 - at]
        assert term is not None and other is not None
        found = negated(rewriter, term)
        if found is not None:
            return rewriter.made(node, SUBTRACT, other, found)
    return None


def signed_difference(rewriter: Rewriter, node: Node) -> Answer:
    """`a - -b` as a sum."""
    a, b = node.parents
    if a is None or b is None or node.params:
        return None
    found = negated(rewriter, b)
    return None if found is None else rewriter.made(node, ADD, a, found)


# Movement


def moved(node: Node, shape: tuple[int, ...]) -> IndexMap | None:
    """Where each element of a node comes from, if it only moves those of its one operand, of this shape."""
    if len(node.parents) != 1 or node.parents[0] is None or node.primitive is None:
        return None
    if node.primitive is VIEW:
        return node.params["index"]
    if node.primitive is ELEMENT:
        return IndexMap((), shape, affine=(node.params["position"], ()))
    if node.primitive is TAKE:
        return taken(node, shape)
    if not node.primitive.moves:
        return None
    if node.primitive is ROLL:
        return IndexMap.of_positions(np.roll(np.arange(math.prod(shape)).reshape(shape), **node.params), shape)
    fmt = local(node, shape)
    return fmt.cols if isinstance(fmt, Entries) and fmt.rows is None else None


def local(node: Node, shape: tuple[int, ...]) -> Format | None:
    """The local Jacobian of a movement, which no value has to be known for."""
    assert node.primitive is not None
    out, x = np.broadcast_to(np.float64(0), node.shape), np.broadcast_to(np.float64(0), shape)
    return node.primitive.local(Call(node.primitive, out, (x, *node.constants[1:]), node.params), 0)


def taken(node: Node, shape: tuple[int, ...]) -> IndexMap | None:
    """Elements picked out of a flat array, or of one row."""
    indices, axis = np.asarray(node.params["indices"]), node.params.get("axis")
    flat = axis is None or (axis % max(len(shape), 1) == len(shape) - 1 and shape[:-1] == (1,) * (len(shape) - 1))
    if not flat or node.params.get("mode", "raise") != "raise" or not indices.size or indices.min() < 0:
        return None
    return IndexMap.of_positions(indices.reshape(node.shape), shape)


def movement(rewriter: Rewriter, node: Node) -> Answer:
    """Movement of what was moved is one movement; to where everything is already, none."""
    x = node.parents[0] if len(node.parents) == 1 else None
    if x is None or node.primitive is None:
        return None
    inner = rewriter.nodes[x]
    if inner.dtype != node.dtype:
        return None
    index = moved(node, inner.shape)
    if index is None or index.shape != node.shape:
        return None
    if index.is_identity and index.shape == inner.shape:
        return x
    if inner.primitive is VIEW and inner.parents[0] is not None:
        return rewriter.made(node, VIEW, inner.parents[0], index=inner.params["index"].at(index))
    if inner.primitive is SCATTERED and inner.parents[0] is not None:
        back = gathered_back(inner, index, rewriter.nodes[inner.parents[0]].shape)
        if back is not None:
            return rewriter.made(node, VIEW, inner.parents[0], index=back)
    if node.primitive is VIEW or (node.primitive not in (TAKE, ROLL) and index.affine is None and index.size > FEW):
        return None
    return rewriter.made(node, VIEW, x, index=index)


def among_zeros(rewriter: Rewriter, node: Node) -> Answer:
    """Few elements that are moved to places among zeros, as by `np.pad` and `np.tril`, in two steps."""
    x, size = node.parents[0] if node.parents else None, math.prod(node.shape)
    if x is None or node.primitive is None or not node.primitive.moves or not 0 < size <= FEW or node.dtype != float:
        return None
    inner = rewriter.nodes[x]
    if any(p is not None or c is not None for p, c in zip(node.parents[1:], node.constants[1:], strict=True)):
        return None
    fmt = local(node, inner.shape) if inner.dtype == node.dtype else None
    if not isinstance(fmt, Entries) or fmt.rows is None or type(fmt.weights) is not int or not fmt.nnz:
        return None
    count = fmt.nnz
    cols = np.arange(count) if fmt.cols is None else fmt.cols.flat
    like = Node(VIEW, (x,), (None,), {}, (1, count), node.dtype, node.location)
    row = rewriter.add(rewriter.made(like, VIEW, x, index=IndexMap.of_positions(cols.reshape(1, -1), inner.shape)))
    like = Node(VIEW, (row,), (None,), {}, (1, size), node.dtype, node.location)
    into = IndexMap.of_positions(fmt.rows.flat, (size,))
    placed = rewriter.add(rewriter.made(like, SCATTERED, row, index=into))
    return rewriter.made(node, VIEW, placed, index=IndexMap.identity(node.shape, (1, size)))


def in_order(rewriter: Rewriter, node: Node) -> Answer:
    """Operands one after the other, as by `np.stack` and `np.hstack`, as one flat row of them."""
    if len(node.parents) < 2 or node.primitive is None or not node.primitive.moves or None in node.parents:
        return None
    size, operands = math.prod(node.shape), [at for at in node.parents if at is not None]
    inner = [rewriter.nodes[at] for at in operands]
    if not 0 < size <= SEVERAL or any(each.dtype != node.dtype for each in inner) or node.primitive.rule.joint is None:
        return None
    if node.primitive is CONCATENATE and len(node.shape) == 1:
        return None
    like = [np.broadcast_to(np.float64(0), each.shape) for each in inner]
    call = Call(node.primitive, np.broadcast_to(np.float64(0), node.shape), tuple(like), node.params)
    fmt = node.primitive.rule.joint(call, tuple(range(len(like))))
    if not isinstance(fmt, Entries) or fmt.rows is not None or not (fmt.cols is None or fmt.cols.is_identity):
        return None
    flat = [rewriter.add(flattened(at, each)) for at, each in zip(operands, inner, strict=True)]
    row = Node(CONCATENATE, tuple(flat), (None,) * len(flat), {}, (size,), node.dtype, node.location)
    return rewriter.made(node, VIEW, rewriter.add(row), index=IndexMap.identity(node.shape, (size,)))


def flattened(at: int, node: Node) -> Node:
    """A node as a row of its elements."""
    size = math.prod(node.shape)
    index = IndexMap.identity((size,), node.shape)
    return Node(VIEW, (at,), (None,), {"index": index}, (size,), node.dtype, node.location)


def differences(rewriter: Rewriter, node: Node) -> Answer:
    """`np.diff` of order one as the difference of two views."""
    x = node.parents[0]
    if x is None or len(node.parents) != 1 or node.params.get("n", 1) != 1 or 0 in node.shape:
        return None
    shape, dtype = rewriter.nodes[x].shape, rewriter.nodes[x].dtype
    axis = node.params.get("axis", -1) % len(shape)
    if dtype != node.dtype or dtype.kind not in "fc":
        return None
    ends = []
    for stretch in (slice(1, None), slice(-1)):
        part = (slice(None),) * axis + (stretch,)
        index = IndexMap.of_view(operator.itemgetter(part), shape)
        ends.append(rewriter.add(rewriter.made(node, VIEW, x, index=index)))
    return rewriter.made(node, SUBTRACT, *ends)


def gathered_back(node: Node, index: IndexMap, shape: tuple[int, ...]) -> IndexMap | None:
    """Where a selection of scattered elements comes from, if no two of them met and none is a hole."""
    into: IndexMap = node.params["index"]
    if shape[0] != 1 or not into.size:
        return None
    source = np.full(math.prod(into.target), -1, np.intp)
    source[into.flat] = np.arange(into.size)
    picked = source[index.flat]
    if picked.min(initial=0) < 0 or not np.array_equal(source[into.flat], np.arange(into.size)):
        return None
    return IndexMap.of_positions(picked.reshape(index.shape), shape)


def computed_early(rewriter: Rewriter, node: Node) -> Answer:
    """A function of selected elements as a selection of its values, where that is no more work."""
    at = next((k for k, parent in enumerate(node.parents) if parent is not None), None)
    if at is None or node.params or sum(parent is not None for parent in node.parents) != 1:
        return None
    if any(np.size(c) != 1 or np.ndim(c) for k, c in enumerate(node.constants) if k != at):
        return None
    parent = node.parents[at]
    assert parent is not None
    inner = rewriter.nodes[parent]
    if inner.primitive is not VIEW or inner.parents[0] is None or inner.shape != node.shape:
        return None
    index = inner.params["index"]
    source = rewriter.nodes[inner.parents[0]]
    count = math.prod(source.shape)
    if source.primitive is None or index.size < count / 2 or (index.affine is not None and index.size > count):
        return None
    operands = [inner.parents[0] if k == at else Constant(c) for k, c in enumerate(node.constants)]
    early = Node(node.primitive, *parts(operands), {}, source.shape, node.dtype, node.location)
    return rewriter.made(node, VIEW, rewriter.add(early), index=index)


def parts(operands: list[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Parents and constants of a list of operands."""
    return tuple(x if isinstance(x, int) else None for x in operands), tuple(
        None if isinstance(x, int) else x.value for x in operands
    )


STRONG, ELEMENT, TAKE, ROLL = TABLE[strong_product], TABLE[element], TABLE[np.take], TABLE[np.roll]
SCATTERED, CONCATENATE = TABLE[scattered], TABLE[np.concatenate]
# Functions that are defined everywhere, so that computing them at more points does no harm.
EVERYWHERE = (np.sin, np.cos, np.tanh, np.arctan, np.exp, np.square, np.positive, np.conjugate, np.absolute)
RULES: dict[Any, tuple[Callable[[Rewriter, Node], Answer], ...]] = {
    **{TABLE[function]: (computed_early,) for function in EVERYWHERE},
    STRONG: (scaled, product_of_scaled),
    MULTIPLY: (scaled, product_of_scaled, computed_early),
    TABLE[np.power]: (powers,),
    NEGATIVE: (twice_negated, computed_early),
    TABLE[np.diff]: (differences,),
    TABLE[np.sum]: (total_of_scaled,),
    TABLE[np.mean]: (total_of_scaled,),
    ADD: (signed_sum, sum_of_scaled, computed_early),
    SUBTRACT: (signed_difference, sum_of_scaled, computed_early),
}
# What else there is may be movement.
ANY = (movement, among_zeros, in_order)
