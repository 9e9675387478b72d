"""An outline in the DOT language, which Graphviz lays out."""

from __future__ import annotations

import html
import textwrap
from typing import Any

from ..errors import printable
from . import labels
from .annotations import Annotations
from .outline import Box, Frame, Outline

KINDS = {  # outlines differ as well as colors, for those who cannot tell these apart
    "operation": 'STYLE="ROUNDED" BORDER="1" COLOR="#94a3b8" BGCOLOR="#ffffff"',
    "failed": 'STYLE="ROUNDED" BORDER="4" COLOR="#dc2626" BGCOLOR="#fee2e2"',
    "module": 'STYLE="ROUNDED" BORDER="3" COLOR="#94a3b8" BGCOLOR="#f1f5f9"',
    "parameter": 'BORDER="1" COLOR="#d97706" BGCOLOR="#fef3c7"',
    "input": 'STYLE="DASHED" BORDER="1" COLOR="#2563eb" BGCOLOR="#dbeafe"',
    "output": 'STYLE="ROUNDED" BORDER="2" COLOR="#059669" BGCOLOR="#d1fae5"',
}
FONT = "Helvetica,Arial,DejaVu Sans,sans-serif"
_INK, _GRAY, _FAINT = "#1e293b", "#64748b", "#cbd5e1"
_LINES, _PORTS = 'BORDER="0" CELLPADDING="1"', 'BORDER="0" CELLPADDING="3"'
READABLE = 300
"""Boxes; a picture of more is too large to read."""
HASTE = {"splines": "line", "nslimit": "0.1", "nslimit1": "0.1", "mclimit": "0.1"}
"""Attributes with which Graphviz lays out larger graphs sooner, and less well."""


class DotDrawing:
    """A digraph in the making: what is drawn gets an id by its turn, so the text is repeatable."""

    def __init__(self, outline: Outline, direction: str, annotations: Annotations) -> None:
        import graphviz

        self.outline = outline
        self.annotations = annotations
        self.across = direction == "LR"
        self.graphviz: Any = graphviz
        self.large = len(outline.boxes) > READABLE
        self.sheet = graphviz.Digraph(
            graph_attr={"rankdir": direction, "bgcolor": "white", "fontname": FONT}
            | (HASTE if self.large else {}),
            node_attr={"shape": "plain", "fontname": FONT, "fontsize": "12", "fontcolor": _INK},
            edge_attr={"color": _GRAY, "arrowsize": "0.6", "tailport": "e" if self.across else "s"},
        )
        self.frames: dict[Frame, Any] = {outline.root: self.sheet}
        self.ids = {box: f"n{i}" for i, box in enumerate(outline.boxes)}
        for box in outline.boxes:
            label, tooltip = getattr(self, f"_{box.kind}")(box)
            tooltip = self.graphviz.escape(printable(tooltip))
            self._frame(box.frame).node(self.ids[box], label, tooltip=tooltip)

    # ---------------------------------------------------------------- boxes: label and tooltip

    def _operation(self, box: Box) -> tuple[str, str]:
        """With a port for each operand, if there are several."""
        node = box.node
        assert node is not None
        op, several = node.op, len(box.operands) > 1
        ports = {f"p{i}": _small(labels.operand(op, i, edge)) for i, edge in box.operands}
        lines = [_bold(op.name), _small(labels.formula(op)), _small(labels.statics(node))]
        if node not in self.outline.ends:
            name = box.name or self.annotations.name(node)
            lines.append(f"{_small(name, _INK)} " * bool(name) + _small(box.shape, _INK))
        lines += self._observed(node)
        if box.kind == "failed":
            message = textwrap.wrap(labels.failure(self.outline.outputs, node), labels.LONGEST)
            lines += [_small(line, _INK) for line in message]
        fill = self.annotations.fill(node)
        label = _table(box.kind, lines, ports if several else {}, self.across, fill)
        return label, f"{op.summary}  {op.formula}"

    def _failed(self, box: Box) -> tuple[str, str]:
        """The op that raised an error, with its message."""
        return self._operation(box)[0], labels.failure(self.outline.outputs, box.node)

    def _observed(self, node: Any) -> list[str]:
        return [_small(line, _INK) for line in self.annotations.lines(node)]

    def _module(self, box: Box) -> tuple[str, str]:
        operations = f"{box.operations} operation" + "s" * (box.operations != 1)
        n = box.parameters
        parameters = f"{n:,} parameter" + "s" * (n != 1) if n else ""
        lines = [_bold(box.name), _small(operations), _small(parameters), _small(box.shape, _INK)]
        return _table("module", lines), f"module {box.name}: {operations} {parameters}"

    def _tensor(self, box: Box) -> tuple[str, str]:
        described = f"{box.shape} {box.dtype}"
        name = box.name or (self.annotations.name(box.node) if box.node else None)
        lines = [_bold(name) if name else "", _small(described)]
        fill = None
        if box.kind == "parameter":
            lines += self._observed(box.node)
            fill = self.annotations.fill(box.node)
        return _table(box.kind, lines, fill=fill), f"{box.kind} {name or ''} {described}"

    _parameter = _input = _output = _tensor

    # ---------------------------------------------------------------- frames, arrows, legend

    def _frame(self, frame: Frame) -> Any:
        """The cluster of a module; those of the modules around it are made first."""
        missing = []
        while frame not in self.frames:
            missing.append(frame)
            assert frame.outer is not None
            frame = frame.outer
        for frame in reversed(missing):
            cluster = self.graphviz.Digraph(name=f"cluster_{len(self.frames)}")
            times = f"  × {frame.times}" if frame.times > 1 else ""
            cluster.attr(label=f"<{_small(frame.name + times)}>", labeljust="l")
            cluster.attr(style="rounded,filled", color=_FAINT, fillcolor="#64748b0d", margin="10")
            self.frames[frame] = cluster
        return self.frames[frame]

    def digraph(self) -> Any:
        """Frames into the frames around them, then the arrows and the legend."""
        for frame in reversed(list(self.frames)):
            if frame.outer is not None:
                self.frames[frame.outer].subgraph(self.frames[frame])
        computed = ("operation", "module")
        for arrow in self.outline.arrows:
            entry = self.ids[arrow.head] + (
                f":p{arrow.operand}" if arrow.operand is not None else ""
            )
            if arrow.head.kind != "output":
                entry += ":w" if self.across else ":n"
            straight = arrow.tail.kind in computed or arrow.head.kind == "output"
            self.sheet.edge(self.ids[arrow.tail], entry, weight="8" if straight else "1")
        present = {box.kind for box in self.outline.boxes}
        swatches = [f"<TD>{_table(k, [_small(k)])[1:-1]}</TD>" for k in KINDS if k in present]
        for note, fill in self.annotations.notes():
            style = f'BORDER="0" BGCOLOR="{fill}"' if fill else 'BORDER="0"'
            swatches.append(f"<TD {style}>{_small(note)}</TD>")
        if self.large:
            swatches.append(f"<TD>{self._note()}</TD>")
        row = f"<TR>{''.join(swatches)}</TR>"
        self.sheet.attr(labelloc="b", label=f'<<TABLE BORDER="0" CELLSPACING="6">{row}</TABLE>>')
        return self.sheet

    def _note(self) -> str:
        lines = (
            f"{len(self.outline.boxes):,} boxes are too many to read:",
            "draw_graph(..., depth=1) folds modules,",
            '.save("x.html") makes a page to explore',
        )
        return "<BR/>".join(map(_small, lines))


def _table(
    kind: str,
    lines: list[str],
    ports: dict[str, str] | None = None,
    across: bool = True,
    fill: str | None = None,
) -> str:
    """An HTML-like label: the lines, and a cell per port where the arrows come from."""
    body = f"<TD>{_grid(''.join(f'<TR><TD>{line}</TD></TR>' for line in lines if line))}</TD>"
    if ports:
        cells = [f'<TD ALIGN="LEFT" PORT="{port}">{text}</TD>' for port, text in ports.items()]
        between, rule = ("</TR><TR>", "<VR/>") if across else ("", "</TR><HR/><TR>")
        body = f"<TD>{_grid(f'<TR>{between.join(cells)}</TR>', _PORTS)}</TD>{rule}{body}"
    style = KINDS[kind]
    if fill:
        body = body.replace(_GRAY, _INK)
        style = f'{style.partition(" BGCOLOR")[0]} BGCOLOR="{fill}"'
    return f"<{_grid(f'<TR>{body}</TR>', style)}>"


def _grid(rows: str, style: str = _LINES) -> str:
    return f'<TABLE {style} CELLBORDER="0" CELLSPACING="0">{rows}</TABLE>'


def _bold(text: Any) -> str:
    return f"<B>{_text(text)}</B>"


def _small(text: Any, color: str = _GRAY) -> str:
    return f'<FONT POINT-SIZE="9" COLOR="{color}">{_text(text)}</FONT>' if text else ""


def _text(text: Any) -> str:
    """Shortened, and with HTML's own characters escaped."""
    escaped = html.escape(labels.shortened(text))
    return escaped.replace("\\", "\\\\")  # Graphviz would read \N as the node's id
