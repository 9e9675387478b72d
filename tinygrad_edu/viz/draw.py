"""A Tensor's graph in the DOT language: what was computed, from what, and in which module."""

from __future__ import annotations

import html
from typing import Any

import numpy as np

from ..errors import printable
from ..graph import Edge, Node, topological_order
from ..tensor import Tensor
from .render import Graph

_KINDS = {  # outlines differ as well as colors, for those who cannot tell these apart
    "operation": 'STYLE="ROUNDED" BORDER="1" COLOR="#94a3b8" BGCOLOR="#ffffff"',
    "parameter": 'BORDER="1" COLOR="#d97706" BGCOLOR="#fef3c7"',
    "input": 'STYLE="DASHED" BORDER="1" COLOR="#2563eb" BGCOLOR="#dbeafe"',
    "output": 'STYLE="ROUNDED" BORDER="2" COLOR="#059669" BGCOLOR="#d1fae5"',
}
_FONT = "Helvetica,Arial,DejaVu Sans,sans-serif"
_INK, _GRAY, _FAINT = "#1e293b", "#64748b", "#cbd5e1"
_LINES, _PORTS = 'BORDER="0" CELLPADDING="1"', 'BORDER="0" CELLPADDING="3"'
_LONGEST = 40


def draw_graph(t: Any, *, direction: str = "LR") -> Graph:
    """Draw what `t`, a Tensor or a list of Tensors, was computed from.

    Operations carry their formula, and their derivatives as a tooltip; boxes are the Tensors that
    went in, with name, shape and dtype; frames are the modules (`scope`) that computed.
    `direction` is "LR", left to right, or "TB", top to bottom.

    >>> from tinygrad_edu import Tensor
    >>> x = Tensor(3.0, requires_grad=True, name="x")
    >>> drawing = draw_graph(x * x)
    >>> drawing
    Graph(1 operation, 1 tensor)
    >>> "z = x y" in drawing.source
    True
    """
    outputs = list(t) if isinstance(t, (list, tuple)) else [t]
    for y in outputs:
        if not isinstance(y, Tensor):
            raise TypeError(
                "draw_graph draws a Tensor or a list of Tensors, such as the loss, not "
                f"{type(y).__name__}"
            )
    if not outputs:
        raise ValueError("draw_graph was given an empty list; give it at least one Tensor")
    if direction not in ("LR", "TB"):
        raise ValueError(f'direction is "LR" or "TB", not {direction!r}')

    drawing = _Drawing(direction, outputs)
    for node in reversed(drawing.order):
        (drawing.operation if node.edges else drawing.parameter)(node)
    for y in outputs:
        drawing.output(y)
    return drawing.finished()


class _Drawing:
    """A digraph in the making: what is drawn gets an id by its turn, so the text is repeatable."""

    def __init__(self, direction: str, outputs: list[Tensor]) -> None:
        import graphviz

        self.across = direction == "LR"
        self.graphviz: Any = graphviz
        self.sheet = graphviz.Digraph(
            graph_attr={"rankdir": direction, "bgcolor": "white", "fontname": _FONT},
            node_attr={"shape": "plain", "fontname": _FONT, "fontsize": "12", "fontcolor": _INK},
            edge_attr={"color": _GRAY, "arrowsize": "0.6", "tailport": "e" if self.across else "s"},
        )
        self.frames = {"": self.sheet}
        self.arrows: list[tuple[str, str, str]] = []
        self.ids: dict[Any, str] = {}
        self.counts = dict.fromkeys(_KINDS, 0)
        self.several = len(outputs) > 1
        self.outputs = dict.fromkeys(y.node for y in outputs if y.node is not None)
        self.order = topological_order(self.outputs)
        self.results: dict[Node, tuple[Any, Any]] = {
            y.node: (y.shape, y.dtype) for y in outputs if y.node is not None
        }
        self.homes: dict[Node, str] = dict.fromkeys(self.outputs, "")
        self._measure()

    def _measure(self) -> None:
        """Learn every result's shape and dtype, and the innermost module around its consumers."""
        for node in self.order:
            for edge in node.edges:
                source = edge.source
                if source is not None:
                    self.results[source] = edge.shape, edge.dtype
                    home = self.homes.get(source)
                    self.homes[source] = node.scope if home is None else _common(home, node.scope)

    # ---------------------------------------------------------------- what is drawn

    def operation(self, node: Node) -> None:
        """A box with a port for each operand, if there are several, and the arrows to them."""
        op = node.op
        given = [
            (i, e) for i, e in enumerate(node.edges) if e.dtype is not None or e.name is not None
        ]
        ports = {f"p{i}": _operand(op, i, edge) for i, edge in given} if len(given) > 1 else {}
        formula = op.formula.partition("∂")[0].rstrip(" ,;")
        lines = [f"<B>{_text(op.name)}</B>", _small(formula), _small(_statics(node))]
        if node not in self.outputs:
            shape, _ = self.results[node]
            name = f"{_small(node.name, _INK)} " if node.name else ""
            lines.append(name + _small(shape, _INK))
        label = self._table("operation", lines, ports)
        box = self._box("operation", node, node.scope, label, f"{op.summary}  {op.formula}")
        for i, edge in given:
            if edge.dtype is not None:
                tail = self._constant(edge) if edge.source is None else self.ids[edge.source]
                entry = f"{box}:p{i}" if ports else box
                straight = "8" if edge.source in self.results and edge.source.edges else "1"
                self.arrows.append((tail, f"{entry}:{'w' if self.across else 'n'}", straight))

    def parameter(self, node: Node) -> None:
        """A leaf, among the operations of the module that uses it."""
        self._tensor("parameter", node, node.name, *self.results[node], self.homes[node])

    def output(self, y: Tensor) -> None:
        """The mark behind a result that was asked for; a leaf drawn by itself needs none."""
        box = self._constant(y) if y.node is None else self.ids[y.node]
        mark = ("output", box)
        if (not y.is_leaf or self.several) and mark not in self.ids:
            self._tensor("output", mark, y.name or "output", y.shape, y.dtype)
            self.arrows.append((box, self.ids[mark], "8"))

    def _constant(self, a: Edge | Tensor) -> str:
        """What has no gradient: one box wherever it has the same name, shape and dtype."""
        key = (a.name, a.shape, a.dtype) if a.name else id(a)
        if key not in self.ids:
            self._tensor("input", key, a.name, a.shape, a.dtype)
        return self.ids[key]

    def _tensor(
        self, kind: str, key: Any, name: Any, shape: Any, dtype: Any, scope: str = ""
    ) -> None:
        lines = [f"<B>{_text(name)}</B>" if name else "", _small(f"{shape} {dtype}")]
        label = self._table(kind, lines)
        self._box(kind, key, scope, label, f"{kind} {name or ''} {shape} {dtype}")

    def _box(self, kind: str, key: Any, scope: str, label: str, tooltip: str) -> str:
        self.counts[kind] += 1
        name = self.ids[key] = f"n{len(self.ids)}"
        self._frame(scope).node(name, label, tooltip=self.graphviz.escape(printable(tooltip)))
        return name

    def _frame(self, scope: str) -> Any:
        """The cluster of a module; those of the modules around it are made first."""
        missing = []
        while scope not in self.frames:
            missing.append(scope)
            scope = scope.rpartition(".")[0]
        for scope in reversed(missing):
            frame = self.graphviz.Digraph(name=f"cluster_{len(self.frames)}")
            local = _small(scope.rpartition(".")[2] or scope)
            frame.attr(label=f"<{local}>", labeljust="l", style="rounded,filled")
            frame.attr(color=_FAINT, fillcolor="#64748b0d", margin="10")
            self.frames[scope] = frame
        return self.frames[scope]

    def finished(self) -> Graph:
        """Frames into the frames around them, then the arrows and the legend."""
        for scope in reversed([scope for scope in self.frames if scope]):
            self.frames[scope.rpartition(".")[0]].subgraph(self.frames[scope])
        for tail, head, weight in self.arrows:
            self.sheet.edge(tail, head, weight=weight)
        kinds = [kind for kind, n in self.counts.items() if n]
        swatches = "".join(f"<TD>{self._table(kind, [_small(kind)])[1:-1]}</TD>" for kind in kinds)
        self.sheet.attr(
            labelloc="b", label=f'<<TABLE BORDER="0" CELLSPACING="6"><TR>{swatches}</TR></TABLE>>'
        )
        tensors = self.counts["parameter"] + self.counts["input"]
        return Graph(self.sheet, self.counts["operation"], tensors)

    def _table(self, kind: str, lines: list[str], ports: dict[str, str] | None = None) -> str:
        """An HTML-like label: the lines, and a cell per port where the arrows come from."""
        body = f"<TD>{_grid(''.join(f'<TR><TD>{line}</TD></TR>' for line in lines if line))}</TD>"
        if ports:
            cells = [f'<TD ALIGN="LEFT" PORT="{port}">{text}</TD>' for port, text in ports.items()]
            between, rule = ("</TR><TR>", "<VR/>") if self.across else ("", "</TR><HR/><TR>")
            body = f"<TD>{_grid(f'<TR>{between.join(cells)}</TR>', _PORTS)}</TD>{rule}{body}"
        return f"<{_grid(f'<TR>{body}</TR>', _KINDS[kind])}>"


# -------------------------------------------------------------------- what is written


def _operand(op: Any, i: int, edge: Edge) -> str:
    """An operand's name in the op, with its value if it is a Python number."""
    name = str(i) if op.sequence else op.tensors[i]
    if edge.dtype is None:
        number = edge.name
        name += f" = {number:.6g}" if isinstance(number, (float, np.floating)) else f" = {number}"
    return _small(name)


def _statics(node: Node) -> str:
    """The arguments which are no tensors and not left at their defaults."""
    op, first = node.op, len(node.op.tensors)
    named = zip(op.parameters[first:], op.defaults[first:], node.statics, strict=True)
    return ", ".join(
        f"{name}={_value(value)}"
        for name, default, value in named
        if not (type(value) is type(default) and _value(value) == _value(default))
    )


def _value(value: Any) -> str:
    """A static argument as its author would write it, but an array only in outline."""
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, (tuple, list)):
        parts = [_value(part) for part in value[:8]] + ["…"] * (len(value) > 8)
        return f"[{', '.join(parts)}]" if isinstance(value, list) else f"({', '.join(parts)})"
    if isinstance(value, slice):
        ends = (value.start, value.stop, value.step)[: 2 if value.step is None else 3]
        return ":".join("" if end is None else str(end) for end in ends)
    if value is Ellipsis:
        return "..."
    if isinstance(value, (np.ndarray, np.generic)):
        return str(value.tolist())
    return value.__name__ if isinstance(value, type) else str(value)


def _common(a: str, b: str) -> str:
    """The innermost module around two."""
    while not f"{b}.".startswith(f"{a}.") and a:
        a = a.rpartition(".")[0]
    return a


def _grid(rows: str, style: str = _LINES) -> str:
    return f'<TABLE {style} CELLBORDER="0" CELLSPACING="0">{rows}</TABLE>'


def _small(text: Any, color: str = _GRAY) -> str:
    return f'<FONT POINT-SIZE="9" COLOR="{color}">{_text(text)}</FONT>' if text else ""


def _text(text: Any) -> str:
    """Shortened, with control characters visible and HTML's own characters escaped."""
    text = printable(str(text))
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return html.escape(text).replace("\\", "\\\\")  # Graphviz would read \N as the node's id
