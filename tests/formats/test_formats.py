"""Every format against its matrix: products from both sides, entries, structure, composition and sums."""

import functools
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jacfwd.formats.combined import Pair, Product, Sum
from jacfwd.formats.compose import add, as_entries, compose, real_part, stack
from jacfwd.formats.entries import nothing
from jacfwd.formats.operators import Operator
from tests.formats.made import Made, blocks, chains, joined_pattern, made, shapes

EXAMPLES = settings(max_examples=60, deadline=None)

real_or_complex = st.booleans()


@st.composite
def one(draw, complex_=None):
    """One format between random shapes."""
    complex_ = draw(real_or_complex) if complex_ is None else complex_
    return draw(made(draw(shapes), draw(shapes), complex_))


def matrix_of(fmt):
    """The matrix that the listed entries add up to, and where they stand."""
    rows, cols, values = fmt.coo()
    assert rows.shape == cols.shape == values.shape == (len(rows),)
    matrix, pattern = np.zeros((fmt.n_out, fmt.n_in), complex), np.zeros((fmt.n_out, fmt.n_in), bool)
    np.add.at(matrix, (rows, cols), values)
    pattern[rows, cols] = True
    return matrix, pattern


def check(fmt, expected: Made, tight=True):
    """All readings of a format against its matrix."""
    n_in, n_out = fmt.n_in, fmt.n_out
    assert expected.matrix.shape == (n_out, n_in)
    for p, complex_ in ((0, False), (1, False), (3, True)):
        v, w = blocks(fmt.in_shape, 1, p, complex_), blocks(fmt.out_shape, 2, p, complex_)
        pushed, pulled = fmt.push(v), fmt.T.push(w)
        assert pushed.shape == (p, *fmt.out_shape)
        assert pulled.shape == (p, *fmt.in_shape)
        np.testing.assert_allclose(pushed.reshape(p, n_out), v.reshape(p, n_in) @ expected.matrix.T, atol=1e-9)
        np.testing.assert_allclose(pulled.reshape(p, n_in), w.reshape(p, n_out) @ expected.matrix, atol=1e-9)
        np.testing.assert_array_equal(fmt.pull(w), pulled)
    np.testing.assert_allclose(fmt.todense(), expected.matrix, atol=1e-9)
    matrix, pattern = matrix_of(fmt)
    np.testing.assert_allclose(matrix, expected.matrix, atol=1e-9)
    np.testing.assert_array_equal(fmt.pattern().toarray(), pattern)
    np.testing.assert_array_equal(
        fmt.reach(np.eye(n_in, dtype=bool).reshape(n_in, *fmt.in_shape)).reshape(n_in, n_out).T, pattern
    )
    assert not np.any((expected.matrix != 0) & ~pattern)
    if tight:
        np.testing.assert_array_equal(pattern, expected.pattern)
    conjugate = fmt.conj().push(blocks(fmt.in_shape, 3)).reshape(3, n_out)
    np.testing.assert_allclose(
        conjugate, blocks(fmt.in_shape, 3).reshape(3, n_in) @ expected.matrix.T.conj(), atol=1e-9
    )


@EXAMPLES
@given(one())
def test_a_format_is_its_matrix(case):
    check(case.format, case)
    check(case.format.T, Made(case.format.T, case.matrix.T, case.pattern.T))


@EXAMPLES
@given(one())
def test_sizes(case):
    fmt = case.format
    listed = len(fmt.coo()[0])
    assert listed <= fmt.nnz if isinstance(fmt, Product) or contains(fmt, Operator) else listed == fmt.nnz
    assert fmt.size >= 0
    assert all(count >= 0 for count in fmt.work())
    if isinstance(fmt, Sum):
        assert fmt.size == sum(term.size for term in fmt.terms)
        multiplied, added = map(sum, zip(*(term.work() for term in fmt.terms), strict=True))
        assert fmt.work() == (multiplied, added + (len(fmt.terms) - 1) * fmt.n_out)
    assert repr(fmt).endswith(f"{fmt.in_shape} -> {fmt.out_shape}, {fmt.nnz} entries>")
    block, present = fmt.columns()
    np.testing.assert_allclose(np.reshape(block, (fmt.n_in, fmt.n_out)).T, case.matrix, atol=1e-9)
    np.testing.assert_array_equal(present.reshape(fmt.n_in, fmt.n_out).T, case.pattern)


def contains(fmt, kind):
    """Whether a format is of a kind or made of such."""
    return isinstance(fmt, kind) or any(
        contains(part, kind) for part in getattr(fmt, "terms", ()) if hasattr(part, "push")
    )


@EXAMPLES
@given(one())
def test_entries_of_any_format(case):
    check(as_entries(case.format), case)


@EXAMPLES
@given(st.integers(2, 4).flatmap(chains))
def test_composition(chain):
    product = functools.reduce(lambda before, after: composed(after, before), chain)
    check(product.format, product)


def composed(after, before):
    return Made(compose(after.format, before.format), after.matrix @ before.matrix, joined_pattern(after, before))


@EXAMPLES
@given(chains(3, complex_=True))
def test_composition_is_associative(chain):
    a, b, c = chain
    check(composed(composed(c, b), a).format, composed(c, composed(b, a)))


@st.composite
def alike(draw, most=5):
    """Formats between the same shapes."""
    in_shape, out_shape, complex_ = draw(shapes), draw(shapes), draw(real_or_complex)
    return draw(st.lists(made(in_shape, out_shape, complex_), min_size=1, max_size=most))


def total_of(parts):
    return np.sum([part.matrix for part in parts], axis=0), np.any([part.pattern for part in parts], axis=0)


@EXAMPLES
@given(alike())
def test_sums(parts):
    total = add([part.format for part in parts])
    check(total, Made(total, *total_of(parts)))


@EXAMPLES
@given(alike(), st.data())
def test_sums_compose(parts, data):
    total = Made(add([part.format for part in parts]), *total_of(parts))
    after = data.draw(made(total.format.out_shape, data.draw(shapes)))
    before = data.draw(made(data.draw(shapes), total.format.in_shape))
    for product in (composed(after, total), composed(total, before)):
        check(product.format, product)


@EXAMPLES
@given(shapes, st.lists(st.tuples(shapes, st.booleans()), min_size=1, max_size=4), st.data())
def test_stacks(in_shape, rows, data):
    parts = [data.draw(made(in_shape, shape)) if known else None for shape, known in rows]
    sizes = [math.prod(shape) for shape, _ in rows]
    n_in = math.prod(in_shape)
    nothing = [(np.zeros((size, n_in), complex), np.zeros((size, n_in), bool)) for size in sizes]
    filled = [none if part is None else part[1:] for part, none in zip(parts, nothing, strict=True)]
    stacked = stack([part and part.format for part in parts], in_shape, sizes)
    check(stacked, Made(stacked, *(np.concatenate(list(halves)) for halves in zip(*filled, strict=True))))


@EXAMPLES
@given(one(complex_=True))
def test_real_part(case):
    v = blocks(case.format.in_shape)
    real = real_part(case.format)
    assert not np.iscomplexobj(real.push(v))
    np.testing.assert_allclose(real.push(v), case.format.push(v).real, atol=1e-9)


# Pairs


@st.composite
def pairs(draw, in_shape, out_shape):
    """A pair, or a format alone, with the matrices of both halves."""
    a = draw(made(in_shape, out_shape, True))
    if draw(st.booleans()):
        return a.format, a.matrix, np.zeros_like(a.matrix)
    b = draw(made(in_shape, out_shape, True))
    return Pair(a.format, b.format), a.matrix, b.matrix


def as_real(a, b):
    """`v -> a v + b conj(v)` as a real matrix on real and imaginary parts."""
    return np.block([[(a + b).real, (b - a).imag], [(a + b).imag, (a - b).real]])


def parts(block, n):
    """Real and imaginary parts side by side."""
    flat = block.reshape(len(block), n)
    return np.concatenate([flat.real, flat.imag], axis=1)


def apply_real(fmt, block):
    return parts(fmt.push(block), fmt.n_out)


@EXAMPLES
@given(shapes, shapes, st.data())
def test_pairs_are_real_linear_maps(in_shape, out_shape, data):
    fmt, a, b = data.draw(pairs(in_shape, out_shape))
    v, w = blocks(in_shape, 1, 2, True), blocks(out_shape, 2, 2, True)
    real = as_real(a, b)
    np.testing.assert_allclose(apply_real(fmt, v), parts(v, fmt.n_in) @ real.T, atol=1e-9)
    np.testing.assert_allclose(
        apply_real(fmt.conj(), v), parts(np.conjugate(fmt.push(v)), fmt.n_out), atol=1e-9
    ) if isinstance(fmt, Pair) else None
    # Transposed under Re(w . v): the second half of the real matrix changes sign with the imaginary part.
    for k in range(2):
        left = np.real(np.sum(w[k] * fmt.push(v)[k]))
        right = np.real(np.sum(fmt.T.push(w)[k] * v[k]))
        np.testing.assert_allclose(left, right, atol=1e-9)
    matrix, pattern = matrix_of(fmt)
    np.testing.assert_allclose(matrix, a + b, atol=1e-9)
    reached = fmt.reach(np.eye(fmt.n_in, dtype=bool).reshape(fmt.n_in, *in_shape))
    np.testing.assert_array_equal(reached.reshape(fmt.n_in, fmt.n_out).T, pattern)
    if isinstance(fmt, Pair):
        halves = fmt.holomorphic, fmt.conjugate
        assert fmt.nnz == sum(half.nnz for half in halves)
        assert fmt.size == sum(half.size for half in halves)
        assert fmt.work()[0] == sum(half.work()[0] for half in halves)
        assert fmt.work()[1] == sum(half.work()[1] for half in halves) + fmt.n_out


@EXAMPLES
@given(shapes, shapes, shapes, st.data())
def test_pairs_compose(first, second, third, data):
    before, after = data.draw(pairs(first, second)), data.draw(pairs(second, third))
    if not isinstance(before[0], Pair):
        before = Pair(before[0], nothing(first, second)), *before[1:]
    product = compose(after[0], before[0])
    v = blocks(first, 1, 2, True)
    expected = parts(v, math.prod(first)) @ (as_real(*after[1:]) @ as_real(*before[1:])).T
    np.testing.assert_allclose(apply_real(product, v), expected, atol=1e-9)


@EXAMPLES
@given(shapes, shapes, shapes, st.data())
def test_pairs_meet_real_tangents(first, second, third, data):
    """Behind real inputs a Jacobian is one complex matrix: `(A, B) J = A J + B conj(J)`."""
    before = data.draw(made(first, second, True))
    after, a, b = data.draw(pairs(second, third))
    product = compose(after, before.format)
    assert not isinstance(product, Pair)
    np.testing.assert_allclose(product.todense(), a @ before.matrix + b @ before.matrix.conj(), atol=1e-9)


@EXAMPLES
@given(shapes, shapes, st.data())
def test_pairs_add(in_shape, out_shape, data):
    terms = [data.draw(pairs(in_shape, out_shape)) for _ in range(3)]
    v = blocks(in_shape, 1, 2, True)
    total = add([fmt for fmt, _, _ in terms])
    expected = sum(fmt.push(v) for fmt, _, _ in terms)
    np.testing.assert_allclose(total.push(v), expected, atol=1e-9)
