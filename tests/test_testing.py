"""The check of rules, with rules that are deliberately wrong: one for each way of being wrong."""

import numpy as np
import pytest

from jacfwd.errors import JacobianMismatchError, UnsupportedFunctionError
from jacfwd.formats.entries import Entries, coo_entries, diagonal
from jacfwd.formats.operators import Operator
from jacfwd.pattern import Pattern
from jacfwd.primitive import composed, constant, elementwise, local_rule, moves, reduction, wirtinger
from jacfwd.testing import check_coloring, check_rule

X = np.array([0.5, 1.5, -2.0])
Z = X + 1j * X[::-1]


def entries(weights, shape=(3,)):
    """A rule with these weights on the diagonal, whatever the operands are."""
    return local_rule(lambda call, k: diagonal(weights, shape, shape))


RIGHT = [
    (np.sin, (X,), {}),
    (np.sin, (X,), {"analytic": True}),
    (np.sin, ([0.5, 1.5],), {}),
    (np.sin, (np.float32(0.5),), {}),
    (np.sin, (0.5,), {}),
    (np.multiply, (Z, X), {}),
    (np.multiply, (Z, X), {"analytic": True}),
    (np.multiply, (X, 2), {"tolerance": 1e-10}),
    (np.conjugate, (Z,), {}),
    (np.sqrt, (np.array([0.0, 1.0]),), {}),
    (np.floor, (X,), {}),
    (np.divmod, (X, 0.7), {}),
    (np.isnan, (X,), {}),
    (np.sin, (np.linspace(0, 1, 100),), {}),
    (np.sin, (np.zeros((0, 3)),), {}),
]


@pytest.mark.parametrize(("function", "args", "options"), RIGHT)
def test_right_rules_pass(function, args, options):
    assert check_rule(function, *args, **options) is None


WRONG = [
    # a wrong slope, everywhere and in one place only
    (np.sin, (X,), elementwise(lambda out, x: 1.001 * np.cos(x)), "push disagrees .* operand 0"),
    (
        np.sin,
        (X,),
        elementwise(lambda out, x: np.where(x < 0, 0, np.cos(x))),
        r"1 of 9 entries\n  d out\[2\] / d in\[2\]",
    ),
    # a slope that is large, or small
    (np.multiply, (X, 1e6), elementwise(lambda out, x, y: 1.001 * y), "push disagrees"),
    (np.multiply, (X, 1e-6), elementwise(lambda out, x, y: 1.001 * y), "push disagrees"),
    # a slope for the wrong operand
    (np.subtract, (X, 2 * X), elementwise(lambda out, x, y: 1, lambda out, x, y: 1), "operand 1"),
    # a zero that is none, by name and by rule
    (np.sin, (X,), elementwise(None), "push disagrees"),
    (np.sin, (X,), constant(), "push disagrees"),
    # nan and inf where a derivative exists
    (np.sin, (X,), elementwise(lambda out, x: np.cos(x) * np.inf), "got -?inf"),
    (np.sin, (X,), elementwise(lambda out, x: np.cos(x) * np.nan), "got nan"),
    # complex: a function that is not holomorphic, or not what is said
    (np.conjugate, (Z,), elementwise(lambda out, x: 1), "push disagrees"),
    (np.conjugate, (Z,), elementwise(lambda out, x: wirtinger(1, 0)), "push disagrees"),
    (np.exp, (Z,), elementwise(lambda out, x: out.real), "push disagrees"),
    # structure: another shape, other places
    (np.sin, (X,), entries(np.cos(X), (1, 3)), r"expected a map \(3,\) -> \(3,\), got \(1, 3\)"),
    (np.roll, (X, 1), moves().on("a"), None),
    (np.sum, (X,), reduction(lambda out, x, **params: 2.0).on("a"), "push disagrees"),
    # the value itself
    (np.divmod, (X, 0.7), composed(lambda x, y: (*np.divmod(x, y), y)), "expected 2 results"),
    (np.square, (X,), composed(lambda x: np.where(x == X, x * x, 0)), "value at"),
    (np.divmod, (X, 0.7), composed(lambda x, y: (np.floor_divide(x, y), np.fmod(x, y))), "value at"),
    (np.divmod, (X, 0.7), composed(lambda x, y: np.floor_divide(x, y)), "expected 2 results"),
    (
        np.square,
        (X,),
        composed(lambda x: np.float32(x) * np.float32(x)),
        "expected float64 .*, got float32",
    ),
    (np.floor, (X + 0.5,), composed(lambda x: np.ceil(x)), "value at"),
]


@pytest.mark.parametrize(("function", "args", "rule", "verdict"), WRONG)
def test_wrong_rules_fail(function, args, rule, verdict):
    if verdict is None:
        check_rule(function, *args, rule=rule)
        return
    with pytest.raises(JacobianMismatchError, match=verdict):
        check_rule(function, *args, rule=rule)


class Crooked(Entries):
    """A diagonal some of whose readings are wrong."""

    def __init__(self, weights, **wrong):
        super().__init__((3,), (3,), None, None, weights)
        self.wrong = wrong

    @property
    def T(self):
        return Crooked(self.wrong.get("transposed", self.weights), **self.wrong)

    def push(self, block):
        return self.wrong["push"](block) if "push" in self.wrong else super().push(block)

    def coo(self):
        rows, cols, weights = super().coo()
        return rows, self.wrong.get("cols", cols), self.wrong.get("values", weights)

    def pattern(self):
        return self.wrong.get("pattern") or super().pattern()


@pytest.mark.parametrize(
    ("wrong", "verdict"),
    [
        ({"transposed": np.sin(X)}, "transpose disagrees with push"),
        ({"transposed": np.where(X > 0, np.cos(X), np.nan)}, r"entry \(2, 2\): expected -0.4161.*, got nan"),
        ({"values": np.sin(X)}, "coo disagrees with push"),
        ({"cols": np.array([0, 2, 1])}, r"coo disagrees with push .* 4 of 9"),
        (
            {"pattern": Pattern.from_coo([0, 1], [0, 1], (3, 3))},
            r"pattern misses entries .*: 1 of 9 .*\n.*\(2, 2\)",
        ),
        ({"push": lambda block: block[:, :2]}, "push gives shape"),
    ],
)
def test_every_reading_is_checked(wrong, verdict):
    fmt = Crooked(np.cos(X), **wrong)
    with pytest.raises(JacobianMismatchError, match=f"(?s){verdict}"):
        check_rule(np.sin, X, rule=local_rule(lambda call, k: fmt))


def test_a_transpose_of_another_shape():
    def local(call, k):
        return Operator((3,), (), lambda b: b.sum(1), lambda b: b, ((0,), ()))

    with pytest.raises(JacobianMismatchError, match="pull gives shape"):
        check_rule(np.sum, X, rule=local_rule(local).on("a"))


def test_infinite_entries_take_part_in_the_transpose():
    fmt = Crooked(np.array([np.inf, 0.5, 0.25]), transposed=np.array([-np.inf, 0.5, 0.25]))
    with pytest.raises(JacobianMismatchError, match="expected inf, got -inf"):
        check_rule(np.sqrt, np.array([0.0, 1, 4]), rule=local_rule(lambda call, k: fmt))


def test_joint_rules_are_checked_jointly():
    text = "arrays, /, axis=0"

    def swapped(call, wanted):
        n = 6 if len(wanted) > 1 else 3
        start = 0 if len(wanted) > 1 else 3 * wanted[0]
        rows = (np.arange(n) + start) if n == 3 else (np.arange(n) + 3) % 6
        return coo_entries((n,), (6,), rows, np.arange(n), 1)

    rule = local_rule(lambda call, k: swapped(call, (k,)), joint=swapped)
    with pytest.raises(JacobianMismatchError, match=r"operands 0, 1 together, shape \(6,\)"):
        check_rule(np.concatenate, [X, 2 * X], rule=rule.on("arrays", sequence=True, signature=text))
    check_rule(np.concatenate, [X, 2 * X], rule=moves().on("arrays", sequence=True, signature=text))


def test_only_the_worst_entries_are_listed():
    with pytest.raises(JacobianMismatchError) as caught:
        check_rule(np.sin, np.linspace(0, 1, 20), rule=elementwise(lambda out, x: -np.cos(x)))
    assert len(str(caught.value).splitlines()) == 6
    assert "20 of 400 entries\n  d out[0] / d in[0]: expected " in str(caught.value)


def test_without_a_rule_there_is_nothing_to_check():
    with pytest.raises(UnsupportedFunctionError, match="no rule to check"):
        check_rule(np.array2string, X)


def test_low_precision_is_judged_by_its_own_rounding():
    x = X.astype(np.float32)
    check_rule(np.sin, x, rule=elementwise(lambda out, x: np.cos(x) + 1e-5))
    with pytest.raises(JacobianMismatchError):
        check_rule(np.sin, x, rule=elementwise(lambda out, x: np.cos(x) + 1e-2))


# Colorings


@pytest.mark.parametrize(
    ("entries", "shape", "colors", "kind", "message"),
    [
        ([(1, 0), (1, 2)], (2, 3), [4, 0, 4], "columns", "columns 0 and 2 share color 4, and both have .* row 1"),
        ([(0, 1), (2, 1)], (3, 2), [4, 0, 4], "rows", "rows 0 and 2 share color 4, and both have .* column 1"),
        ([(0, 1), (1, 0)], (2, 2), [1, 1], "star", "columns 0 and 1 are neighbours and share color 1"),
        (
            [(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2)],
            (4, 4),
            [0, 1, 0, 1],
            "star",
            "the path of columns 0, 1, 2, 3 has only two colors",
        ),
    ],
)
def test_wrong_colorings_are_explained(entries, shape, colors, kind, message):
    pattern = Pattern.from_coo(*np.transpose(entries), shape)
    check_coloring(pattern, np.arange(len(colors)), kind)
    with pytest.raises(ValueError, match=message):
        check_coloring(pattern, colors, kind)


@pytest.mark.parametrize("colors", [[0, 1], [0.0, 1.0, 2.0], [0, -1, 2], [[0, 1, 2]]])
def test_one_color_is_wanted_for_each_column(colors):
    with pytest.raises(ValueError, match="3 non-negative integers, one for each of the columns"):
        check_coloring(Pattern.from_coo([], [], (2, 3)), colors)
