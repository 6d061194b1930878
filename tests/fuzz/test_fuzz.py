"""The fuzzer: its programs are varied and repeatable, a few dozen pass, a wrong rule is caught; and what it found."""

import numpy as np
import pytest

from jacfwd.rules import TABLE
from tests.fuzz.generate import Program, generate
from tests.fuzz.judge import judge

pytestmark = pytest.mark.filterwarnings("ignore")

# Programs that came out wrong once, as small as they got: statements, result, shape of the input.
FOUND = [
    ("v = x + 0.5; w = v[::2]; w[-1] = w", "np.expand_dims(w, 0)", (2, 3)),
    ("v = np.cos(x[None]); v[-1] = v", "np.array([r * 0.36 for r in v])", (2, 1, 2)),
    ("v = np.zeros((2, 3)); v[:1] = x[None]; v[1] = x", "v * x", (1, 3)),
    ("v = np.cumprod(x * 0.9, 0); w = np.cumsum(x, -1)", "v * w", ()),
    ("np.place(x, x > -0.1, [0.9, 0.3]); v = np.array([e for e in x.ravel()])", "np.fmin(x, v)", ()),
    ("v = x * 2.0; v.flat[:2] = [-1.2, 3.0]", "np.abs(v) + x", ()),
    ("v = np.ones(()); np.put(v, [0, -1], x)", "v * x", (3,)),
    ("v = x.copy(); v.flat = np.diagonal(v)", "v * v", (2, 3)),
    ("v = np.rot90(x); v.flat = v[None][..., ::-1]", "v * v", (2, 3)),
    ("x.flat = np.moveaxis(x, 0, -1)", "x * x", (2, 2)),
    ("v = x * 1.0; v.flat = v[..., ::-1]", "v * v", (4,)),
    ("v = x * 1.0; v.flat[1:] = v[:-1]", "v * v", (4,)),
    ("z = (x * (1 + 2j)).reshape(2, 2); z.real.flat = z.real.T", "z.real * z.imag", (4,)),
    ("v = x[0]; np.copyto(v, x)", "x * v", (1, 3)),
    ("v = np.array([x.ravel()[0]]); np.copyto(x, v)", "x * v", ()),
    ("v = -x; np.put(v[::-1], [0, -1], np.zeros(0))", "v * v", (5,)),
    ("v = x * x; v.flat = v[3:]; v.flat[:2] = v[3:]", "v * 2.0", (3,)),
    ("v = np.max(x, 0) * np.prod(x, -1) + np.ptp(x, 0)", "v * x", ()),
    ("v = np.maximum.accumulate(x, -1); w = np.stack([v, v * v], 2); u = np.ravel(w); w[1:] = 2", "u", (2, 1, 2)),
    ("v = x.copy(); v.flat[:2] = (x * x)[None, :2, None]", "v", (3,)),
    ("v = np.ascontiguousarray(x.imag.astype(complex))", "np.array(v.T) * x", ()),
    ("v = np.pad(x * 0.3, 1); v[...] = x * 0.3", "np.std(v + 0.1, 0)", (1,)),
    ("v = np.linspace(0.0, 1.0, 3).astype(complex); v.imag.flat = v.real; w = v.real * x; v.real.flat = w", "v", ()),
    ("v = np.pad(0.5, 0); v *= x; v[...] = x * v", "v * x", ()),
    ("v = np.zeros(2) * x; w = v @ np.ones((2, 2)) + v.imag @ np.ones((2, 2))", "w * x", ()),
    ("v = np.percentile(x[:0].astype(np.float32), 30.0, 1)", "v", (2, 3)),
    ("v = x[1:].sum(1)", "np.linalg.norm(v * 2.0 + 0.1, axis=-1)", (1, 3)),
    ("v = x * x; v.flat = np.zeros(0); np.putmask(v, v > 0, v[3:])", "v * 2.0", (3,)),
]


@pytest.mark.parametrize(("statements", "returned", "shape"), FOUND)
def test_found_and_mended(statements, returned, shape):
    verdict = judge(Program(7, tuple(statements.split("; ")), returned, shape))
    assert verdict.kind == "right", verdict


def test_a_few_dozen_programs():
    verdicts = {seed: judge(generate(seed)) for seed in range(60)}
    assert {seed: verdict for seed, verdict in verdicts.items() if verdict.bad} == {}
    assert sum(verdict.kind == "right" for verdict in verdicts.values()) >= 50


def test_programs_are_repeatable_and_of_all_kinds():
    made = [generate(seed) for seed in range(150)]
    assert made == [generate(seed) for seed in range(150)]
    assert all(len(program.statements) <= 30 for program in made)
    text = [program.source for program in made]
    assert sum("] = " in source or "] +=" in source or "[...]" in source for source in text) > 50
    for piece in ("if ", "for ", "while ", "complex", "float32", "1j", "out=", ".flat", ".T", "np.sort", "@"):
        assert any(piece in source for source in text), piece


def test_a_wrong_rule_is_found(monkeypatch):
    monkeypatch.setattr(TABLE[np.sin], "rule", TABLE[np.cos].rule)
    verdict = judge(Program(3, ("v = np.sin(x) * x",), "v", (3,)))
    assert verdict.kind == "jvp"


def test_names_left_exchanged_are_found(monkeypatch):
    monkeypatch.setattr(np, "zeros", lambda *args: None)
    with pytest.raises(AssertionError, match="other functions"):
        judge(Program(3, ("v = x * 2.0",), "v", (3,)))


def test_programs_that_found_something_stay_right():
    # A product that broadcasts, computed where its elements stand among zeros.
    assert not judge(generate(9102330000640)).bad
