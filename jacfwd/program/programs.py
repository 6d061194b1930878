"""The programs of one recorded graph, each made when it is first asked for."""

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from jacfwd.graph import Graph
from jacfwd.program import reading
from jacfwd.program.batches import batched
from jacfwd.program.jacobian import DenseJacobian, SparseJacobian
from jacfwd.program.reading import Reading

__all__ = ["Programs"]


class Programs:
    """Value, tangents, Jacobians, gradient and Hessian products of a graph as programs, prepared at one point.

    None stands for what cannot be recorded again, which is then interpreted. `wrt` are input nodes. They hold for all
    points of the branch and may be called from several threads.
    """

    def __init__(self, graph: Graph, point: Sequence[Any]) -> None:
        self.point = point
        self.graph = batched(graph)
        self._input = dict(zip(graph.inputs, self.graph.inputs, strict=True))
        self._made: dict[Hashable, Any] = {}
        self._lock = threading.RLock()

    def _inputs(self, wrt: Sequence[int]) -> list[int]:
        return [self._input[at] for at in wrt]

    def _get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        try:
            return self._made[key]
        except KeyError:
            with self._lock:
                if key not in self._made:
                    try:
                        self._made[key] = make()
                    except (TypeError, ValueError, NotImplementedError):
                        self._made[key] = None
                return self._made[key]

    def value(self) -> Reading | None:
        """The outputs."""
        return self._get(("value",), lambda: reading.value(self.graph, self.point))

    def pushed(self, tangents: Sequence[Any]) -> Reading | None:
        """Outputs and their tangents, for one tangent for each input; None holds it."""
        key = "value and tangent", tuple(v is None for v in tangents)
        return self._get(key, lambda: reading.pushed(self.graph, self.point, tangents))

    def block(self, wrt: Sequence[int], seeds: Any) -> Reading | None:
        """Tangents `(p, m)` for seeds `(p, n)`."""
        key = f"{seeds.shape[0]} tangents", tuple(wrt)
        return self._get(key, lambda: reading.block_pushed(self.graph, self.point, self._inputs(wrt), seeds))

    def dense(self, wrt: Sequence[int], method: str = "auto", values: bool = False) -> DenseJacobian | None:
        """The Jacobian `(m, n)` as an array, and the outputs if they are wanted."""
        key = "Jacobian", tuple(wrt), values, method
        return self._get(key, lambda: DenseJacobian(self.graph, self.point, self._inputs(wrt), values, method))

    def sparse(self, wrt: Sequence[int], values: bool = False, method: str = "auto") -> SparseJacobian | None:
        """The Jacobian as canonical CSR, and the outputs if they are wanted."""
        key = "sparse Jacobian", tuple(wrt), values, method
        return self._get(key, lambda: SparseJacobian(self.graph, self.point, self._inputs(wrt), values, method))

    def gradient(self, wrt: Sequence[int], method: str = "auto") -> Reading | None:
        """The gradient of the one output, one array for each input."""
        key = "gradient", tuple(wrt), method
        return self._get(key, lambda: reading.gradient(self.graph, self.point, self._inputs(wrt), method, False))

    def hessian_product(self, tangents: Sequence[Any]) -> Reading | None:
        """The output and the derivative of its gradient in one direction."""
        key = "value and Hessian product", tuple(v is None for v in tangents)
        return self._get(key, lambda: reading.hessian_product(self.graph, self.point, tangents))

    def slope(self, wrt: Sequence[int]) -> Graph | None:
        """The gradient as a graph of its own, whose Jacobian is the Hessian."""

        def make() -> Graph:
            return reading.gradient(self.graph, self.point, self._inputs(wrt), "reverse", False).graph

        return self._get(("gradient's graph", tuple(wrt)), make)

    @property
    def text(self) -> str:
        """The sources of all that was made so far, the value's at least."""
        self.value()
        parts = []
        for key, made in list(self._made.items()):
            if hasattr(made, "run"):
                parts.append(f"# {key[0]}\n{made.run.text}")  # type: ignore[index]
        return "\n".join(parts)
