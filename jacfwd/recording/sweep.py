"""Whether a value changes with the inputs of a recording that still runs: one sweep back through its nodes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jacfwd.formats.dispatch import is_tracer
from jacfwd.graph import Node
from jacfwd.primitive import Call

__all__ = ["innermost", "moves"]


def innermost(value: Any) -> Any:
    """The plain value under any number of recordings."""
    while is_tracer(value):
        value = value.value
    return value


def moves(nodes: Sequence[Node], values: Sequence[Any], at: int) -> bool:
    """Whether node `at` has a derivative that is not zero with respect to some input."""
    shape = nodes[at].shape
    held: dict[int, Any] = {at: np.eye(math.prod(shape)).reshape(-1, *shape)}
    for place in range(at, -1, -1):
        block, node = held.pop(place, None), nodes[place]
        if block is None or not node.differentiable or not np.any(block):
            continue
        if node.primitive is None:
            return True
        wanted = tuple(k for k, parent in enumerate(node.parents) if parent is not None)
        call = Call(node.primitive, values[place], node.operands(values), node.params)
        for ks, fmt in node.primitive.groups(call, wanted):
            back, start = np.reshape(innermost(fmt.pull(block)), (len(block), -1)), 0
            for k in ks:
                parent = node.parents[k]
                assert parent is not None
                stop = start + math.prod(nodes[parent].shape)
                held[parent] = held.get(parent, 0) + back[:, start:stop].reshape(-1, *nodes[parent].shape)
                start = stop
    return False
