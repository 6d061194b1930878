"""Graphs for other programs: DOT for Graphviz, and networkx."""

from typing import Any

from jacfwd.draw.fold import folded
from jacfwd.draw.scene import INPUT, OUTPUT, Node, forward_derivatives, input_name, links_of, scene_of
from jacfwd.graph import names_of
from jacfwd.layers import local_derivative
from jacfwd.recorded import Recorded

__all__ = ["to_dot", "to_networkx"]


def to_dot(found: Recorded, wrt: int = 0, fold: str | None = None) -> str:
    """The derivative graph in Graphviz's language, one rank for each level."""
    scene = folded(scene_of(found, wrt), found, fold)
    lines = ["digraph {", "  rankdir=LR;", f"  label={_quoted(scene.title)};", '  node [shape=box, fontname="sans"];']
    levels: dict[int, list[Node]] = {}
    for node in scene.nodes:
        levels.setdefault(node.level, []).append(node)
        shape = ', style="rounded"' if node.role == INPUT else ", peripheries=2" if node.role == OUTPUT else ""
        lines.append(f"  n{node.key} [label={_quoted(chr(10).join(node.lines))}{shape}];")
    for level in levels.values():
        lines.append("  {rank=same; " + " ".join(f"n{node.key};" for node in level) + "}")
    for edge in scene.edges:
        style = "" if edge.reached else ", style=dashed"
        lines.append(f"  n{edge.parent} -> n{edge.child} [label={_quoted(edge.text)}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def to_networkx(found: Recorded, wrt: int = 0) -> Any:
    """The derivative graph as a `networkx.DiGraph`.

    Nodes are names with `value`, `derivative` (0 where the input does not lead), `level`, `operation`, `role` and
    `shape`; edges have `local`, a number between scalars and a sparse matrix else, and `label`.

    Raises ImportError, with advice, where networkx is not installed.
    """
    try:
        import networkx
    except ImportError:
        raise ImportError("to_networkx needs networkx: python -m pip install networkx") from None
    scene, chain, names = scene_of(found, wrt), found.chain(), names_of(found.graph)
    moved = forward_derivatives(chain, wrt)
    graph = networkx.DiGraph(wrt=input_name(chain, wrt, names))
    for node in scene.nodes:
        graph.add_node(
            node.name,
            value=found.values[node.key],
            derivative=moved.get(node.key, 0.0),
            level=node.level,
            operation=node.operation,
            role=node.role,
            shape=node.shape,
        )
    links = links_of(chain)
    for edge in scene.edges:
        formats = links[edge.parent, edge.child].formats
        local = local_derivative(formats, found.graph.nodes[edge.child].dtype.kind == "c")
        graph.add_edge(names[edge.parent], names[edge.child], local=local, label=edge.label)
    return graph
