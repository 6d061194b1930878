"""Functions to draw: the article's, arrays, loops, and random graphs of any size."""

import numpy as np

import jacfwd as jf


def chain(x):
    g = 3 * x
    f = g**2
    return f


def product(x):
    s = np.sin(x)
    c = np.cos(x)
    p = s * c
    return p


def total(x, y):
    g = np.sin(x) * np.cos(y)
    q = y**2
    h = g + q
    return h


def arrays(x):
    u = np.exp(x)
    v = u[1:] * u[:-1]
    s = np.sum(v)
    return s


def loop(x):
    for _ in range(50):
        v = np.sin(x)
        x = x + 0.1 * v
    return x


def two_loops(x):
    y = x
    for _ in range(40):
        y = helper(y)
    z = y
    for _ in range(40):
        z = np.cos(z)
    return z


def helper(y):
    t = np.sin(y)
    return t * y


def tangle(operations):
    """A function of about so many operations, each of which reads one that nobody read and one at random."""

    def f(x):
        random = np.random.default_rng(operations)
        made, unread = [x, np.sin(x)], [1]
        for k in range(operations * 3 // 4):
            a, b = unread.pop(0), int(random.integers(max(0, len(made) - 12), len(made)))
            made.append(made[a] * made[b])
            unread.append(len(made) - 1)
            if k % 9 == 0:
                made.append(np.sin(made[b]))
                unread.append(len(made) - 1)
        return sum(made[k] for k in unread)

    return f


CASES = {
    "chain": (chain, 4.0),
    "product": (product, 2.0),
    "total": (total, 1.2, 0.7),
    "arrays": (arrays, np.arange(4.0)),
    "complex": (lambda z: np.abs(z * 1j) ** 2, np.array([1.0 + 2.0j, 3.0])),
    "two outputs": (lambda x: (x * 2, np.sin(x)), 1.0),
    "passed through": (lambda x: x, 1.0),
    "constant": (lambda x: np.float64(3.0), 1.0),
    "empty": (lambda x: x * 2, np.zeros(0)),
    "float32": (lambda x: np.tanh(x) @ x, np.ones(3, np.float32)),
    "dictionary": (lambda p: p["a"] * p["b"], {"a": 2.0, "b": np.ones(2)}),
}


def graph_of(name):
    f, *args = CASES[name]
    return jf.trace(f, *args)
