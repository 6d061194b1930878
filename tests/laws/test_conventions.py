"""The table of conventions, row by row: what is answered where no derivative exists, by every method."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import special

import jacfwd as jf

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "conventions.md"
INF, NAN = math.inf, math.nan
METHODS = ("forward", "accumulate", "reverse", "auto")


def diag(*values):
    """A diagonal matrix, whatever the values."""
    matrix = np.zeros((len(values), len(values)))
    np.fill_diagonal(matrix, values)
    return matrix


def square(function):
    """A function of the four entries of a 2 x 2 matrix."""
    return lambda x: function(np.reshape(x, (2, 2)))


# Label in the table -> cases: functions, the point, the Jacobian there.
ROWS = {
    "`abs`, `fabs` at 0": [([np.abs, np.fabs, abs], [0.0, 2.0, -3.0], diag(0, 1, -1))],
    "`abs` of a complex number at 0": [
        ([lambda x: np.abs(x * (3 + 4j)), lambda x: abs(x * 5j)], [0.0, 1.0], diag(0, 5))
    ],
    "`copysign(x, y)` at x = 0": [
        ([lambda x: np.copysign(x, [1, -1, 1])], [0.0, 0.0, -2.0], diag(0, 0, -1)),
    ],
    "`sign`, `heaviside`": [([np.sign, lambda x: np.heaviside(x, 0.5)], [0.0, 2.0, -3.0], np.zeros((3, 3)))],
    "`floor`, `ceil`, `rint`, `round`, `trunc`, `fix`, `//`": [
        (
            [np.floor, np.ceil, np.rint, np.round, np.trunc, np.fix, lambda x: x // 1.0],
            [0.0, 0.5, -3.0],
            np.zeros((3, 3)),
        )
    ],
    "`x % y`, `mod`, `remainder`": [
        ([lambda x: x % 2.0, lambda x: np.mod(x, 2.0), lambda x: np.remainder(x, 2.0)], [-4, 1.5], np.eye(2)),
        ([lambda y: 5.0 % y, lambda y: np.mod(5.0, y)], [2.5, -2.0], diag(-2, 3)),
    ],
    "`fmod(x, y)`": [
        ([lambda x: np.fmod(x, 2.0)], [-4.0, 1.5], np.eye(2)),
        ([lambda y: np.fmod(5.0, y)], [2.5, -2.0], diag(-2, 2)),
    ],
    "`maximum`, `minimum`, `fmax`, `fmin` of two equal numbers": [
        ([lambda x: np.maximum(x, [1, 3, 2]), lambda x: np.fmax(x, [1, 3, 2])], [1, 2, 3], diag(0.5, 0, 1)),
        ([lambda x: np.minimum(x, [1, 3, 2]), lambda x: np.fmin(x, [1, 3, 2])], [1, 2, 3], diag(0.5, 1, 0)),
        ([lambda x: np.maximum(x[0], x[1]), lambda x: np.fmin(x[0], x[1])], [2, 2], [0.5, 0.5]),
    ],
    "`max`, `min`, `nanmax`, `nanmin`, where k elements are equal": [
        ([np.max, np.nanmax], [2, 1, 2, 2], [1 / 3, 0, 1 / 3, 1 / 3]),
        ([np.min, np.nanmin], [2, 1, 2, 1], [0, 0.5, 0, 0.5]),
        ([lambda x: np.max(np.reshape(x, (2, 2)), axis=1)], [2, 2, 1, 3], [[0.5, 0.5, 0, 0], [0, 0, 0, 1]]),
    ],
    "`ptp` where elements are equal": [([np.ptp], [2, 1, 2, 1], [0.5, -0.5, 0.5, -0.5])],
    "`maximum.accumulate` of equal elements": [
        ([np.maximum.accumulate], [1, 1, 2], [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1]])
    ],
    "`sort`, `partition`, `unique`, where elements are equal": [
        ([np.sort, lambda x: np.partition(x, 1)], [2, 1, 2], [[0, 1, 0], [1, 0, 0], [0, 0, 1]]),
        ([np.unique], [2, 1, 2], [[0, 1, 0], [1, 0, 0]]),
    ],
    "`median`, `percentile`, `quantile`, where elements are equal": [
        ([np.median, lambda x: np.percentile(x, 50), lambda x: np.quantile(x, 0.5)], [2, 1, 2], [1, 0, 0]),
        ([np.median], [2, 1, 1, 2], [0.5, 0, 0.5, 0]),
    ],
    "`norm` of order infinity, where k elements are equal": [
        ([lambda x: np.linalg.norm(x, np.inf)], [2.0, -2.0, 1.0], [0.5, -0.5, 0])
    ],
    "`clip` at a bound": [
        ([lambda x: np.clip(x, 0, 1), lambda x: x.clip(0, 1)], [-1, 0, 0.5, 1], diag(0, 0.5, 1, 0.5))
    ],
    "`piecewise`, `select` at a border": [
        (
            [
                lambda x: np.piecewise(x, [x < 0, x >= 0], [np.negative, lambda v: 2 * v]),
                lambda x: np.select([x < 0], [-x], 2 * x),
            ],
            [0.0, 1.0, -1.0],
            diag(2, 2, -1),
        )
    ],
    "`where(c, x, y)`": [([lambda x: np.where(x > 0, np.log(x), 0)], [0.0, 1.0], diag(0, 1))],
    "`linalg.norm` of zeros": [([np.linalg.norm, lambda x: np.linalg.norm(x, 2)], [0.0, 0.0], [0, 0])],
    "`std` of equal elements": [([np.std, lambda x: np.std(x, ddof=1)], [3.0, 3.0], [0, 0])],
    "`hypot(0, 0)`": [([lambda x: np.hypot(x[0], x[1])], [0.0, 0.0], [0, 0])],
    "`hypot(±inf, y)` with y finite": [
        ([lambda x: np.hypot(x[0], x[1])], [INF, 2.0], [1, 0]),
        ([lambda x: np.hypot(x[0], x[1])], [2.0, -INF], [0, -1]),
        ([lambda x: np.hypot(x[0], x[1])], [INF, INF], [NAN, NAN]),
    ],
    "`arctan2(0, 0)`, `angle(0)`, `arctan2` where an operand is infinite": [
        ([lambda x: np.arctan2(x[0], x[1]), lambda x: np.angle(x[0] + 1j * x[1])], [0.0, 0.0], [0, 0]),
        *(([lambda x: np.arctan2(x[0], x[1])], point, [0, 0]) for point in ([INF, 2], [2, -INF], [INF, INF])),
        ([lambda x: np.arctan2(x[0], x[1])], [INF, NAN], [NAN, NAN]),
    ],
    "`x**0`": [([lambda x: x**0, lambda x: np.power(x, 0.0), lambda x: x ** np.zeros(2)], [0, 2], np.zeros((2, 2)))],
    "`0**y` with y ≥ 0": [([lambda y: 0.0**y, lambda y: np.zeros(2) ** y], [0.0, 2.0], np.zeros((2, 2)))],
    "`x**y` with x < 0": [([lambda x: x[0] ** x[1]], [-2.0, 2.0], [-4, NAN])],
    "`xlogy(0, 0)`, `xlog1py(0, -1)`": [
        ([lambda x: special.xlogy(x[0], x[1])], [0.0, 0.0], [0, 0]),
        ([lambda x: special.xlog1py(x[0], x[1])], [0.0, -1.0], [0, 0]),
    ],
    "`sqrt`, `cbrt` at 0": [
        ([np.sqrt], [0.0, 1.0, 4.0], diag(INF, 0.5, 0.25)),
        ([np.cbrt], [0.0, 1.0, 8.0], diag(INF, 1 / 3, 1 / 12)),
    ],
    "`log` at 0, `arcsin` at 1, `arccosh` at 1, `arctanh` at 1": [
        ([np.log], [0.0, 2.0], diag(INF, 0.5)),
        ([np.arcsin], [1.0, 0.0], diag(INF, 1)),
        ([np.arccosh], [1.0, math.sqrt(2)], diag(INF, 1)),
        ([np.arctanh], [1.0, 0.0], diag(INF, 1)),
    ],
    "`prod`, `cumprod` with zeros among the factors": [
        ([np.prod], [0.0, 2.0, 3.0], [6, 0, 0]),
        ([np.prod], [0.0, 0.0, 3.0], [0, 0, 0]),
        ([np.cumprod], [2.0, 0.0, 3.0], [[1, 0, 0], [0, 2, 0], [0, 6, 0]]),
    ],
    "`max`, `maximum` where an element is `nan`": [
        ([np.max, np.min], [1.0, NAN, 2.0], [0, 1, 0]),
        ([lambda x: np.maximum(x, 1.0), lambda x: np.minimum(x, 1.0)], [NAN], [[1]]),
    ],
    "`fmax`, `nanmax` where an element is `nan`": [
        ([lambda x: np.fmax(x, 1.0), lambda x: np.fmin(x, 1.0)], [NAN], [[0]]),
        ([np.nanmax], [1.0, NAN, 2.0], [0, 0, 1]),
        ([np.nanmin], [1.0, NAN, 2.0], [1, 0, 0]),
    ],
    "`nan_to_num` where a value is put in": [([np.nan_to_num], [NAN, INF, 3.0], diag(0, 0, 1))],
    "`sinc` at 0": [([np.sinc], [0.0, 1.0], diag(0, -1))],
    "`logaddexp(x, y)` with x = y = -inf": [
        ([lambda x: np.logaddexp(x[0], x[1]), lambda x: np.logaddexp2(x[0], x[1])], [-INF, -INF], [0.5, 0.5])
    ],
    "`unwrap` at a jump": [([np.unwrap], [0.0, math.pi], np.eye(2)), ([np.unwrap], [0.0, 6.0], np.eye(2))],
    "`nextafter(x, y)`, `spacing`": [
        ([lambda x: np.nextafter(x[0], x[1])], [1.0, 2.0], [1, 0]),
        ([np.spacing], [1.0, 3.0], np.zeros((2, 2))),
    ],
    "`interp` at a knot": [([lambda x: np.interp(x, [0, 1, 2], [0, 5, 2])], [0.0, 1.0, 1.5, 2.0], diag(5, -3, -3, -3))],
    "`cholesky`, `eigh`, `eigvalsh`": [
        ([square(lambda a: np.linalg.cholesky(a)[0, 0])], [4, 7, 1, 3], [0.25, 0, 0, 0]),
        ([square(lambda a: np.linalg.cholesky(a)[1, 0])], [4, 7, 1, 3], [-1 / 16, 0, 0.5, 0]),
        ([square(np.linalg.eigvalsh)], [1, 7, 0, 3], [[1, 0, 0, 0], [0, 0, 0, 1]]),
        ([square(lambda a: np.linalg.eigh(a)[0])], [1, 7, 0, 3], [[1, 0, 0, 0], [0, 0, 0, 1]]),
    ],
    "`eigvalsh`, `eigvals` of a matrix with repeated eigenvalues": [
        ([square(np.linalg.eigvalsh), square(np.linalg.eigvals)], [1, 0, 0, 1], [[1, 0, 0, 0], [0, 0, 0, 1]])
    ],
    "singular values that are equal; that are zero": [
        ([square(np.linalg.svdvals)], [1, 0, 0, 1], [[1, 0, 0, 0], [0, 0, 0, 1]]),
        ([square(np.linalg.svdvals)], [2, 0, 0, 0], [[1, 0, 0, 0], [0, 0, 0, 0]]),
    ],
    '`norm` of orders 2 and `"nuc"` of a matrix': [
        ([square(lambda a: np.linalg.norm(a, 2))], [1, 0, 0, 1], [0.5, 0, 0, 0.5]),
        ([square(lambda a: np.linalg.norm(a, "nuc"))], [1, 0, 0, 1], [1, 0, 0, 1]),
        ([square(lambda a, order=order: np.linalg.norm(a, order)) for order in (2, "nuc")], [0, 0, 0, 0], [0, 0, 0, 0]),
    ],
    "`det` of a singular matrix": [
        ([square(np.linalg.det)], [1, 1, 1, 1], [1, -1, -1, 1]),
        ([square(np.linalg.det)], [0, 0, 0, 0], [0, 0, 0, 0]),
    ],
    "`pinv`": [([square(lambda a: np.linalg.pinv(a)[0])], [1, 0, 0, 0], [[-1, 0, 0, 0], [0, 0, 1, 0]])],
}
# Label in the table -> functions, the point, the error there.
ERRORS = {
    "`eigh`, `eig` of a matrix with repeated eigenvalues": [
        ([square(lambda a: np.linalg.eigh(a)[1]), square(lambda a: np.linalg.eig(a)[1])], [1, 0, 0, 1])
    ],
    "`eigvals`, `eig` of a matrix without a basis of eigenvectors": [
        ([square(np.linalg.eigvals), square(lambda a: np.linalg.eig(a)[0])], [1, 1, 0, 1])
    ],
    "singular vectors where singular values are equal": [
        ([square(lambda a: np.linalg.svd(a)[0]), square(lambda a: np.linalg.svd(a)[2])], [1, 0, 0, 1])
    ],
    "`slogdet` of a singular matrix": [([square(lambda a: np.linalg.slogdet(a)[1])], [1, 1, 1, 1])],
    "`qr` of a matrix with dependent columns": [([square(lambda a: np.linalg.qr(a)[0])], [1, 1, 1, 1])],
    "`lstsq` of a matrix without full rank": [
        ([square(lambda a: np.linalg.lstsq(a, np.ones(2), rcond=None)[0])], [1, 1, 1, 1])
    ],
    "`roots` at a double zero": [([np.roots], [1, -2, 1])],
}
CASES = [
    pytest.param(function, point, expected, id=f"{label} {k}.{i}")
    for label, cases in ROWS.items()
    for k, (functions, point, expected) in enumerate(cases)
    for i, function in enumerate(functions)
]


@pytest.fixture(autouse=True)
def _quiet():
    """The values of these functions warn; their derivatives do not, and have a test of that."""
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("function", "point", "expected"), CASES)
def test_row(function, point, expected, method):
    x, expected = np.array(point, float), np.asarray(expected, float)
    J = jf.jacobian(function, method=method)(x)
    assert J.shape == expected.shape
    np.testing.assert_allclose(J, expected, rtol=1e-14, atol=1e-15)
    sparse = jf.jacobian(function, method=method, sparse=True)(x)
    np.testing.assert_allclose(sparse.toarray(), expected.reshape(-1, x.size), rtol=1e-14, atol=1e-15)


REFUSED = [
    pytest.param(function, point, id=f"{label} {i}")
    for label, cases in ERRORS.items()
    for functions, point in cases
    for i, function in enumerate(functions)
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("function", "point"), REFUSED)
def test_row_with_an_error(function, point, method):
    with pytest.raises((jf.NotDifferentiableError, jf.UnsupportedFunctionError)):
        jf.jacobian(function, method=method)(np.array(point, float))


def test_the_table_has_these_rows():
    """Every row of the page has cases here, and every case a row."""
    rows = {line.split("|")[1].strip() for line in PAGE.read_text(encoding="utf-8").splitlines() if "|" in line}
    tested = ROWS.keys() | ERRORS.keys()
    assert rows - {"where", "---"} == tested


@pytest.mark.parametrize("function", [np.log, np.sqrt, np.cbrt, np.reciprocal])
def test_no_warning_of_the_derivative_at_a_pole(function):
    """Warnings concern the user's own operations only."""
    x = np.array([0.0, 1.0])
    with np.errstate(all="ignore"):
        _, J = jf.linearize(function, x)
    with np.errstate(all="raise"):
        J @ np.ones(2)
        J.T @ np.ones(2)
        J.toarray()


@pytest.mark.parametrize(
    ("function", "second"),
    [
        (np.abs, 0),
        (lambda x: np.maximum(x, 0.0), 0),
        (lambda x: np.clip(x, 0.0, 1.0), 0),
        (lambda x: x**2.0, 2),
    ],
)
def test_second_derivatives_at_corners(function, second):
    assert jf.hessian(function)(0.0) == second
