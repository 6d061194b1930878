"""The worked example: its data, its model, its fit, and the measurement of what a gradient costs."""

import csv
from importlib import resources

import numpy as np
import pytest

import jacfwd as jf
from jacfwd import logistic
from jacfwd.differences import difference_jacobian
from jacfwd.expression import parse
from jacfwd.logistic import DataError, Table, closed_gradient, fit, gradient_difference, iris, load_csv, loss


def file(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


def random_table(rows=60, n=3, seed=0):
    random = np.random.default_rng(seed)
    X = random.standard_normal((rows, n))
    y = (random.random(rows) < 1 / (1 + np.exp(-X[:, 0]))).astype(float)
    return Table(X, y, tuple(f"x{k}" for k in range(n)), ("no", "yes"))


@pytest.fixture
def rows():
    """The lines of the file of irises."""
    return list(csv.reader((resources.files("jacfwd") / "data" / "iris.csv").read_text().splitlines()))


class TestIris:
    def test_all_flowers_are_there(self, rows):
        assert rows[0] == ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"]
        assert [row[-1] for row in rows[1:]] == ["setosa"] * 50 + ["versicolor"] * 50 + ["virginica"] * 50

    def test_values_are_fishers_not_those_of_the_copy_with_errors(self, rows):
        assert rows[35][:4] == ["4.9", "3.1", "1.5", "0.2"]
        assert rows[38][:4] == ["4.9", "3.6", "1.4", "0.1"]
        # The means of table II of the paper.
        means = np.array([row[:4] for row in rows[1:]], float).reshape(3, 50, 4).mean(axis=1)
        expected = [[5.006, 3.428, 1.462, 0.246], [5.936, 2.770, 4.260, 1.326], [6.588, 2.974, 5.552, 2.026]]
        np.testing.assert_allclose(means, expected, rtol=1e-12)

    def test_two_species(self):
        table = iris()
        assert table.X.shape == (100, 4)
        assert table.y.tolist() == [0.0] * 50 + [1.0] * 50
        assert table.features == ("sepal_length", "sepal_width", "petal_length", "petal_width")
        assert table.classes == ("versicolor", "virginica")


class TestLoad:
    def test_classes_in_the_last_column(self, tmp_path):
        table = load_csv(file(tmp_path, "a, b ,kind\n1,2,yes\n-3e2, .5 ,no\n\n1,1,no\n"))
        np.testing.assert_array_equal(table.X, [[1, 2], [-300, 0.5], [1, 1]])
        assert table.y.tolist() == [1, 0, 0]
        assert (table.features, table.classes) == (("a", "b"), ("no", "yes"))

    def test_classes_in_the_column_called_target(self, tmp_path):
        table = load_csv(file(tmp_path, "a,target,b\r\n1,0,2\r\n3,1,4\r\n"))
        np.testing.assert_array_equal(table.X, [[1, 2], [3, 4]])
        assert table.y.tolist() == [0, 1]
        assert table.features == ("a", "b")

    def test_a_byte_order_mark_and_quotes_are_read(self, tmp_path):
        table = load_csv(file(tmp_path, '"a,b",kind\n1,"x"\n2,"y"\n', encoding="utf-8-sig"))
        assert table.features == ("a,b",)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "empty"),
            ("\n \n", "empty"),
            ("a\n1\n", "at least one column of features"),
            ("1,2,x\n3,4,y\n", "names of the columns"),
            ("a,a,kind\n1,2,x\n", "same name"),
            ("a,kind\n", "two classes, found none: there are no rows"),
            ("a,kind\n1,x\n2,x\n", "two classes, found 1: 'x'"),
            ("a,kind\n1,x\n2,y\n3,z\n", "two classes, found 3: 'x', 'y', 'z'"),
            ("a,kind\n1,x\n2,y\n3,z\n4,u\n5,v", r"found 5: 'u', 'v', 'x', 'y', \.\.\."),
            ("a,b,kind\n1,2,x\n3,y\n", "line 3 has 2 cells, the line of column names has 3"),
            ("a,kind\n1,x,2\n", "line 2 has 3 cells"),
            ("a,kind\n1,x\nred,y\n", "line 3: 'red' in column 'a' is not a number"),
            ("a,kind\n1,x\n,y\n", "line 3: '' in column 'a' is not a number"),
            ("a,kind\n1,x\nnan,y\n", "line 3: 'nan' in column 'a' is not finite"),
            ("a,kind\n1,x\n\n-inf,y\n", "line 4: '-inf' in column 'a' is not finite"),
            ("a,kind\n1,x\n2,\n", r"line 3: the class \(column 'kind'\) is missing"),
            ("a,kind\n1,x\n" + "2" * 200_000 + ",y\n", "field larger than field limit"),
        ],
    )
    def test_a_bad_file_says_what_is_wrong_and_where(self, tmp_path, text, message):
        path = file(tmp_path, text)
        with pytest.raises(DataError, match=message) as caught:
            load_csv(path)
        assert str(caught.value).startswith(f"{path}: ")

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(ValueError, match=r"none\.csv: No such file"):
            load_csv(tmp_path / "none.csv")

    def test_a_folder(self, tmp_path):
        with pytest.raises(DataError, match="directory"):
            load_csv(tmp_path)

    def test_a_file_in_another_encoding(self, tmp_path):
        with pytest.raises(DataError, match="UTF-8"):
            load_csv(file(tmp_path, "grün,kind\n1,x\n2,y\n", encoding="latin-1"))


class TestModel:
    def test_scalar_example(self):
        example = parse(logistic.SCALAR)
        assert example.variables == ("a", "x", "b")
        assert example.function()(2.0, 1.5, -1.0) == pytest.approx(1 / (1 + np.exp(-2.0)), rel=1e-15)

    def test_loss_is_the_mean_of_minus_log_probability(self):
        table = random_table()
        theta = np.array([0.3, -0.2, 0.5, 0.1])
        p = 1 / (1 + np.exp(-(table.X @ theta[:-1] + theta[-1])))
        expected = -np.mean(np.log(np.where(table.y == 1, p, 1 - p)))
        assert loss(theta, table.X, table.y) == pytest.approx(expected, rel=1e-14)

    def test_loss_does_not_overflow(self):
        X, y = np.array([[1.0], [1.0]]), np.array([0.0, 1.0])
        assert loss(np.array([1e4, 0.0]), X, y) == 5e3

    def test_closed_gradient_against_differences(self):
        table = random_table()
        theta = np.array([0.3, -0.2, 0.5, 0.1])
        slope = difference_jacobian(lambda t: loss(t, table.X, table.y), theta)
        closed = closed_gradient(theta, table.X, table.y)
        np.testing.assert_allclose(np.ravel(slope), closed, atol=1e-10)

    @pytest.mark.parametrize("method", ["forward", "reverse"])
    def test_gradient_is_the_closed_form(self, method):
        table = random_table()
        theta = np.array([0.3, -0.2, 0.5, 0.1])
        g = jf.gradient(loss, method=method)(theta, table.X, table.y)
        closed = closed_gradient(theta, table.X, table.y)
        np.testing.assert_allclose(g, closed, rtol=0, atol=1e-14 * np.abs(closed).max())

    def test_gradient_difference(self):
        assert gradient_difference(iris()) <= 1e-12
        assert gradient_difference(random_table()) <= 1e-12


class TestFit:
    def test_irises(self):
        # The coefficients that R's glm gives: constant, sepal length and width, petal length and width.
        found = fit(iris())
        assert found.b == pytest.approx(-42.638, abs=5e-4)
        np.testing.assert_allclose(found.w, [-2.465, -6.681, 9.429, 18.286], atol=5e-4)
        assert found.loss == pytest.approx(11.899 / 200, abs=5e-6)  # half its residual deviance per row

    def test_the_gradient_vanishes(self):
        table = random_table()
        found = fit(table)
        assert np.abs(closed_gradient(np.append(found.w, found.b), table.X, table.y)).max() < 1e-10

    def test_units_do_not_matter(self):
        table, factor = random_table(), np.array([1e3, 1e-3, 1.0])
        scaled = fit(Table(table.X * factor + 5, table.y, table.features, table.classes))
        found = fit(table)
        np.testing.assert_allclose(scaled.w * factor, found.w, rtol=1e-8)
        assert scaled.b == pytest.approx(found.b - 5 * scaled.w.sum(), rel=1e-8)

    def test_features_that_depend_on_each_other(self):
        table = random_table()
        X = np.column_stack([table.X, table.X.sum(axis=1), np.ones(len(table.y))])
        found = fit(Table(X, table.y, tuple("abcde"), table.classes))
        assert found.loss == pytest.approx(fit(table).loss, rel=1e-12)

    def test_a_step_that_overshoots_is_damped(self):
        # Far from the optimum the loss is almost straight, and a Newton step goes much too far.
        X, y = np.array([[-1.0], [0.5], [1.0]]), np.array([0.0, 0.0, 1.0])
        theta = np.array([0.0, 6.0])
        g = jf.gradient(loss)(theta, X, y)
        step = np.linalg.solve(jf.hessian(loss)(theta, X, y), g)
        assert loss(theta - step, X, y) > loss(theta, X, y)
        assert loss(logistic._damped(theta, step, g @ step, X, y), X, y) < loss(theta, X, y)

    def test_steps_are_counted_and_limited(self, monkeypatch):
        steps = fit(random_table()).steps
        monkeypatch.setattr(logistic, "NEWTON_STEPS", steps - 1)
        with pytest.raises(DataError, match=f"in {steps - 1} Newton steps"):
            fit(random_table())

    def test_classes_that_a_plane_separates(self):
        table = Table(np.array([[1.0], [2.0], [3.0]]), np.array([0.0, 0.0, 1.0]), ("x",), ("no", "yes"))
        with pytest.raises(DataError, match="a plane separates"):
            fit(table)

    def test_classes_that_touch(self):
        # Separated but for rows on the boundary: the likelihood has no maximum either.
        table = Table(np.array([[1.0], [2.0], [2.0], [3.0]]), np.array([0.0, 0.0, 1.0, 1.0]), ("x",), ("a", "b"))
        with pytest.raises(DataError, match="a plane separates"):
            fit(table)

    def test_numbers_too_large(self):
        table = Table(np.array([[1e308], [-1e308], [1e308]]), np.array([0.0, 1.0, 1.0]), ("x",), ("a", "b"))
        with pytest.raises(DataError, match="too large"):
            fit(table)


class TestCosts:
    @pytest.mark.parametrize("n", [1, 5])
    def test_measure(self, n):
        costs = logistic.measure(n, rows=10)
        assert costs.n == n
        assert min(costs.jvp, costs.jacfwd, costs.reverse) > 0

    def test_extrapolation_follows_the_large_sizes(self):
        ratio, exponent = logistic.extrapolate([1, 10, 100, 1000], [50.0, 20.0, 200.0, 2000.0], 1e6)
        assert (ratio, exponent) == (pytest.approx(2e6), pytest.approx(1.0))

    def test_a_falling_ratio_is_taken_to_stay(self):
        assert logistic.extrapolate([1, 10, 100], [9.0, 5.0, 3.0], 1e6) == (3.0, 0.0)
