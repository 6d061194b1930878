"""Random programs as Python source: 5 to 30 statements on arrays, with views, writes, branches, loops, complex numbers.

A statement is drawn from templates, filled with variables that fit, and run at once, so that the next one knows the
shapes at hand. Statements that fail are left out. What comes out is a function as a user would write it.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Program", "generate"]

MOST_ELEMENTS = 40
SHAPES = [(), (1,), (2,), (3,), (5,), (2, 3), (3, 2), (2, 2), (1, 3), (3, 3), (2, 1, 2)]


@dataclass(frozen=True)
class Program:
    """The statements of a function of `x`, the point where it is differentiated, and what it returns."""

    seed: int
    statements: tuple[str, ...]
    returned: str
    shape: tuple[int, ...]
    dtype: str = "float64"

    @property
    def source(self) -> str:
        """The function's text."""
        lines = [line for statement in self.statements for line in statement.split("\n")]
        return "\n".join(["def f(x):", *(f"    {line}" for line in lines), f"    return {self.returned}", ""])

    @property
    def point(self) -> np.ndarray:
        """Where it is differentiated."""
        return np.random.default_rng(self.seed).uniform(0.2, 1.3, self.shape).astype(self.dtype)

    def function(self, doubled: bool = False) -> Callable:
        """The function, in globals of its own; `doubled`: in double precision throughout."""
        text = self.source
        if doubled:
            text = text.replace("float32", "float64").replace("complex64", "complex128")
        scope: dict[str, Any] = {"np": np, "math": math, "__name__": "fuzzed"}
        exec(compile(text, f"<fuzz {self.seed}>", "exec"), scope)
        return scope["f"]


@dataclass
class State:
    """A program in the making: its statements, and the variables as they are by now."""

    rng: random.Random
    names: dict[str, Any]
    statements: list[str] = field(default_factory=list)

    def pick(self, test: Callable[[Any], bool] = lambda a: True) -> str | None:
        """A variable that fits, later ones more likely."""
        found = [name for name, value in self.names.items() if name[0] in "xvz" and test(value)]
        return found[max(self.rng.randrange(len(found)), self.rng.randrange(len(found)))] if found else None

    def new(self) -> str:
        """A name not used yet, or now and then one that is."""
        return f"v{len(self.names)}"

    def try_statement(self, text: str) -> bool:
        """Run a statement; keep it if nothing is wrong with what it makes."""
        scope = {"np": np, "math": math, **self.names}
        try:
            with np.errstate(all="ignore"):
                exec(text, scope)
        except (ArithmeticError, LookupError, TypeError, ValueError, np.linalg.LinAlgError):
            return False
        made = {name: value for name, value in scope.items() if name[0] in "xvmz" and name != "math"}
        if not all(sound(value) for value in made.values()):
            return False
        self.names.update(made)
        self.statements.append(text)
        return True


def sound(value: Any) -> bool:
    """Whether a value is small, finite and of moderate size."""
    value = np.asarray(value)
    if value.dtype.kind not in "biufc" or value.size > MOST_ELEMENTS:
        return False
    return value.dtype.kind in "bi" or bool(np.isfinite(value).all() and np.abs(value).max(initial=0) < 50.0)


def real(a: Any) -> bool:
    return np.asarray(a).dtype.kind == "f"


def array(a: Any) -> bool:
    return isinstance(a, np.ndarray)


def real_array(a: Any) -> bool:
    return array(a) and real(a)


def number(rng: random.Random) -> str:
    return repr(round(rng.uniform(-1.5, 1.5), 2))


UNARY = (
    "np.sin({a})|np.cos({a})|np.tanh({a})|np.arctan({a})|np.square({a})|-{a}|{a} ** 3 * 0.1|np.exp(np.sin({a}))|"
    "np.sqrt({a} * {a} + 1.0)|np.log1p({a} * {a})|abs({a})|np.cbrt({a})|{a} ** 2|2.0 ** {a}|np.sinc({a})|"
    "np.maximum({a}, {c})|np.minimum({c}, {a})|np.clip({a}, -0.5, 0.9)|np.where({a} > {c}, {a} * {a}, np.sin({a}))|"
    "np.floor({a}) * {a}|np.fmod({a}, 0.7)|{a} % 0.8|np.round({a}, 1) + {a}|np.nan_to_num({a})|np.hypot({a}, 1.5)|"
    "np.arctan2({a}, 2.0)|np.logaddexp({a}, 0.3)|np.heaviside({a}, 0.5) + {a}|np.sign({a}) * {a}|np.expm1({a} * 0.5)"
).split("|")
ANY_UNARY = (
    "{a} * {c}|{a} + {c}|{a} / (2.0 + {c})|np.exp({a} * 0.3)|np.cos({a} * 0.5)|np.abs({a})|np.conj({a})|np.real({a})|"
    "np.imag({a})|np.angle({a} + 3.0)|{a}.real * {a}.real|{a} * (0.5 + 1j)|np.array({a})|np.asarray({a})|{a}.copy()|"
    "np.copy({a})|+{a}|np.exp(1j * {a}.real)|1.0 / (3.0 + {a} * {a})|np.ascontiguousarray({a})"
).split("|")
REDUCED = (
    "{a}.sum({axis})|np.sum({a}, {axis}, keepdims=True)|np.mean({a}, {axis})|np.prod({a} * 0.9, {axis})|"
    "np.cumsum({a}, {axis})|np.diff({a}, axis={axis})|np.roll({a}, 1, {axis})|np.flip({a}, {axis})|"
    "np.repeat({a}, 2, {axis})|np.concatenate([{a}, {a} * 2.0], {axis})|np.stack([{a}, np.sin({a})], {axis})|"
    "np.fft.fft({a}, axis={axis})|np.take({a}, [0, -1, 0], {axis})|np.delete({a}, 0, {axis})|"
    "np.insert({a}, 1, 0.5, {axis})|np.cumprod({a} * 0.9, {axis})|np.trapezoid({a}, axis={axis})"
).split("|")
REAL_REDUCED = (
    "np.max({a}, {axis})|{a}.min({axis})|np.sort({a}, {axis})|np.median({a}, {axis})|np.std({a} + 0.1, {axis})|"
    "np.var({a}, {axis})|np.linalg.norm({a} + 0.1, axis={axis})|np.argmax({a}, {axis}) * np.sum({a})|"
    "np.percentile({a}, 30.0, {axis})|np.fft.irfft(np.fft.rfft({a}, axis={axis}) * 2.0, axis={axis})|"
    "np.gradient({a}, axis={axis})|np.maximum.accumulate({a}, {axis})|np.ptp({a}, {axis})|"
    "np.take_along_axis({a}, np.argsort({a}, {axis}), {axis})|np.average({a}, {axis}, {a} * {a} + 0.1)"
).split("|")
VIEWS = (
    "{a}[1:]|{a}[:-1]|{a}[::-1]|{a}[::2]|{a}.T|{a}.reshape(-1)|np.ravel({a})|{a}[None]|{a}[..., 0]|{a}[0]|{a}[-1]|"
    "{a}[..., ::-1]|{a}[:, 0]|{a}[:, 1:]|np.swapaxes({a}, 0, -1)|np.squeeze({a})|np.transpose({a})|{a}[...]|"
    "np.expand_dims({a}, 0)|np.moveaxis({a}, 0, -1)|np.atleast_2d({a})|{a}.real|{a}.imag|np.diagonal({a})|{a}"
).split("|")
SELECTED = (
    "{a}[[0, -1, 0]]|{a}[np.array([0, 0])]|{a}[{a}.real > {c}]|{a}[np.arange(len({a})) % 2 == 0]|{a}.flat[0]|"
    "np.array([{a}.ravel()[0], 1.5, {a}.ravel()[-1] * 2.0])|np.array([v for v in {a}.ravel()])|{a}.flatten()|"
    "np.pad({a}, 1)|np.tile({a}, 2)|np.broadcast_to({a}, (2, *{a}.shape))|np.outer({a}, {a}.ravel()[:2])|"
    "{a}.ravel()[0] * np.ones(3)|np.triu({a})|np.trace({a})|np.rot90({a})|np.stack([{a}.ravel()[0], {a}.ravel()[-1]])|"
    "np.compress([True] * len({a}), {a}, axis=0)|np.hstack([{a}, {a}])|np.vstack([{a}, {a} * 0.5])"
).split("|")
BINARY = (
    "{a} + {b}|{a} - {b}|{a} * {b}|{a} / (2.0 + {b} * {b})|np.multiply({a}, {b})|np.where({m}, {a}, {b})|"
    "{a} * np.sum({b})|np.concatenate([np.ravel({a}), np.ravel({b})])|{a} @ {b}|np.dot({a}, {b})|np.outer({a}, {b})|"
    "np.einsum('i,i->i', {a}, {b})|np.tensordot({a}, {b}, 1)|np.kron({a}, {b})|np.inner({a}, {b})"
).split("|")
REAL_BINARY = (
    "np.arctan2({a}, 2.0 + {b} * {b})|np.hypot({a}, {b} + 3.0)|np.maximum({a}, {b})|np.fmin({a}, {b})|"
    "(1.0 + {a} * {a}) ** np.sin({b})|np.logaddexp({a}, {b})|np.interp({a}, [-1.0, 0.0, 1.0], [0.5, 0.1, 2.0]) + {b}|"
    "{a} + 1j * {b}|np.convolve({a}, {b})|np.linalg.solve({a} @ {a}.T + 3.0 * np.eye(len({a})), {b})|"
    "np.linalg.inv({a} @ {a}.T + 3.0 * np.eye(len({a})))|np.linalg.det({a} @ {a}.T + np.eye(len({a}))) * {b}|"
    "np.copysign({a}, {b})|np.select([{a} > {c}], [{a} * {b}], {b})|np.linalg.norm({a}) * {b}"
).split("|")
FRESH = (
    "np.zeros({a}.shape)|np.ones({a}.shape)|np.full({a}.shape, 0.5)|np.zeros_like({a})|np.ones((2, *{a}.shape))|"
    "np.zeros(3)|np.eye(2)|np.linspace(0.0, 1.0, 3)|{a}.copy()|{a} * 1.0|np.zeros({a}.shape, complex)|np.array({a})|"
    "np.empty({a}.shape); {v}[...] = 0.25|{a}.astype(np.float32)|{a}.astype(complex)|np.zeros({a}.shape, np.float32)|"
    "np.array([0.1, 0.2, 0.3])|{a}.astype(np.complex64)|np.full_like({a}, {a}.ravel()[0])|np.arange(3.0)"
).split("|")
KEYS = (
    "[0]|[-1]|[1:]|[:-1]|[::2]|[::-1]|[...]|[..., 0]|[:, 0]|[0, 0]|[[0, -1]]|[[0, 0]]|[{a}.real > {c}]|[..., 1:]|[()]|"
    "[None]|[np.arange(len({a})) % 2 == 0]|.T[...]|.reshape(-1)[:2]|[1:][::-1]|.ravel()[:1]|.real[...]|.imag[...]|"
    ".flat[0]|.flat[:2]"
).split("|")
WRITES = (
    "{a}{key} = {b}|{a}{key} += {b}|{a}{key} *= {b}|{a}{key} = {a}{key} * {c}|{a}{key} -= {c}|{a} += {b}|{a} *= {b}|"
    "{a}{key} = np.sin({b}{key})|{a}{key} = {b}{key}|{a}.fill({c})|np.copyto({a}, {b})|np.add.at({a}, [0, 0], {b})|"
    "np.multiply({a}, {b}, out={a})|np.add({b}, {c}, out={a})|np.put({a}, [0, -1], {b})|np.putmask({a}, {m}, {b})|"
    "{a}[1:] = {a}[:-1]|{a}[1:] += {a}[:-1]|{a}[:] = {a}[::-1]|{a}.sort(axis=-1)|{a}[0], {a}[-1] = {a}[-1], {a}[0]|"
    "np.fill_diagonal({a}, {c})|{a}.real = {b}|{a}.imag = {b}|np.cumsum({a}, axis=0, out={a})|{a}[...] = {b}|"
    "{a} /= 2.0 + {b} * {b}|np.place({a}, {m}, [{c}, 0.3])|{a}{key} = [{c}] * 2|np.subtract.at({a}, 0, {b})|"
    "{a}.flat = {b}|{a} -= {b}.sum()"
).split("|")
BLOCKS = (
    "if {a}.sum().real > {c}:\n    {v} = {b} * 2.0\nelse:\n    {v} = np.sin({b})",
    "{v} = {b} * 1.0\nfor k in range(len({v})):\n    {v}[k] = {v}[k] * (k + 1) * 0.5 + {v}[k - 1]",
    "{v} = np.zeros(len({b}))\nfor k in range(len({b})):\n    {v}[k] = {b}[k].sum().real * {c}",
    "{v} = {b} * 1.0\nwhile np.abs({v}).sum() > 2.0:\n    {v} = {v} * 0.7",
    "{v} = 0.0\nfor row in {b}:\n    {v} = {v} + row * row",
    "{v} = []\nfor row in {b}:\n    {v}.append(row * {c})\n{v} = np.array({v})",
    "{v} = {b} if np.any({a}.real > {c}) else {b} * {b}",
    "{v} = np.array([math.sin(e) for e in {b}.real.ravel()])",
    "{v} = {b} * 1.0\nfor row in {v}:\n    row[...] = row * {c}",
    "{v} = {b}.ravel()[int(np.argmax({b}.real))] * {a}",
    "if {a}.ravel()[0].real > {c}:\n    {a}[0] = {c}",
    "{v} = sum({b}) * max({b}.real.ravel())",
    "def g(t):\n    return t * {a}.sum()\n{v} = g({b}) + g({a})",
)


def templates(rng: random.Random) -> tuple[str, list[str], Callable[[Any], bool]]:
    """A kind of statement, its templates, and which values they take."""
    kind = rng.random()
    if kind < 0.36:
        return "write", WRITES, array
    if kind < 0.48:
        return "make", FRESH, array
    if kind < 0.62:
        return "make", VIEWS, array
    if kind < 0.70:
        return "make", SELECTED, array
    if kind < 0.78:
        return "block", list(BLOCKS), array
    group, test = rng.choice(
        [(UNARY, real), (ANY_UNARY, array), (REDUCED, array), (REAL_REDUCED, real_array), (BINARY, array)]
        + [(REAL_BINARY, real_array)]
    )
    return "make", group, test


def add_statement(state: State) -> bool:
    """Draw one statement and keep it if it runs."""
    rng = state.rng
    kind, group, test = templates(rng)
    template = rng.choice(group)
    a, b = state.pick(test), state.pick(test)
    if a is None or b is None:
        return False
    if rng.random() < 0.5:
        b = state.pick(lambda value: test(value) and np.shape(value) == np.shape(state.names[a])) or b
    axis = rng.randrange(max(np.ndim(state.names[a]), 1)) - (rng.random() < 0.3)
    fill = {"a": a, "b": b, "c": number(rng), "v": state.new(), "axis": axis, "m": f"({b}.real > {number(rng)})"}
    text = template.replace("{key}", rng.choice(KEYS)).format(**fill)
    if kind == "make":
        text = f"{fill['v']} = {text}"
    return state.try_statement(text)


def generate(seed: int) -> Program:
    """A program of 5 to 30 statements, of which at least a third of all programs write through views."""
    rng = random.Random(seed)
    shape = rng.choice(SHAPES)
    dtype = "float32" if rng.random() < 0.1 else "float64"
    start = Program(seed, (), "x", shape, dtype).point
    state = State(rng, {"x": start})
    wanted = rng.randint(5, 30)
    for _ in range(6 * wanted):
        if len(state.statements) >= wanted:
            break
        add_statement(state)
    results = [name for name, value in state.names.items() if name[0] in "xv" and np.asarray(value).dtype.kind in "fc"]
    shown = results[-1:] + rng.sample(results, min(2, len(results)))
    returned = shown[0] if rng.random() < 0.5 else ", ".join(dict.fromkeys(shown)) + ","
    return Program(seed, tuple(state.statements), returned, shape, dtype)
