"""The support table is that of the rules as they are."""

import numpy as np
import pytest
import scipy

import jacfwd as jf
from tests import support


def test_the_page_is_not_stale():
    if support.made_with() != (np.__version__, scipy.__version__):
        pytest.skip("the page was written with other versions of NumPy and SciPy")
    assert support.page() == support.PAGE.read_text(encoding="utf-8"), f"stale: run `{support.COMMAND}`"


def test_every_function_is_in_it():
    text = support.PAGE.read_text(encoding="utf-8")
    for module in support.MODULES:
        table = text.partition(f"## `{module}`\n")[2].partition("\n## ")[0]
        for row in support.rows(module):
            if support.made_with() == (np.__version__, scipy.__version__):
                assert f"| `{row.name}` | {row.status} |" in table, f"stale: run `{support.COMMAND}`"


def test_what_is_called_unsupported_raises_or_is_right():
    x = np.array([0.5, 1.5])
    for module in support.MODULES:
        for row in support.rows(module):
            if row.status != "unsupported" or row.note != support.NO_RULE:
                continue
            function = support.functions(module)[row.name]
            try:
                plain = function(x)
            except Exception:
                continue
            if getattr(plain, "dtype", np.dtype(object)).kind in "fc":
                try:
                    jf.jvp(function, x, x)
                except (jf.UnsupportedFunctionError, jf.TracerConversionError):
                    continue
                jf.check_jacobian(function, x)


def test_a_function_without_a_rule_may_be_right_by_what_it_calls():
    assert support.passes(lambda x: np.sin(x) * 2)
    assert not support.passes(lambda x: np.asarray(memoryview(np.ascontiguousarray(x)), float))


def test_versions_are_kept(tmp_path, monkeypatch):
    page = tmp_path / "numpy.md"
    page.write_text("## `numpy`\n\n| `sin` | differentiable | 0.0.7 | |\n")
    monkeypatch.setattr(support, "PAGE", page)
    table = {row.name: row for row in support.rows("numpy")}
    assert table["sin"].since == "0.0.7"
    assert table["cos"].since == jf.__version__
    assert table["savetxt"].since == ""
