"""What an explorer page says, as plain data: boxes, arrows, modules, steps and arrays."""

from __future__ import annotations

import contextlib
import functools
import html
import json
import math
import os
import re
from typing import Any

import numpy as np

from ..errors import printable
from ..graph import Node
from ..program.lines import lines_of
from ..tensor import Tensor
from . import labels
from .arrays import SAMPLED, Arrays
from .cells import Rules
from .explanation import PLUMBING, amount, blocks, forward_sentence, sentence
from .folding import repeats
from .mathml import formulas
from .outline import Box, Frame, Outline
from .recording import Contribution, Recording

COMFORTABLE = 60
"""Boxes that are shown unfolded without being asked for."""
LARGE, LARGEST_OPERANDS = 600, 1_000_000
"""Boxes, and elements of an op's arguments, beyond which lines of code are left out."""
DETAILED = 2000
"""Contributions whose arithmetic is written out; of more, only the arrays are shown."""


class Content:
    """The content of a page about what `outputs` were computed from."""

    def __init__(self, outputs: list[Tensor], opening: dict[str, Any]) -> None:
        self.outline = Outline(outputs)
        self.recording = Recording(self.outline.ends)
        self.opening = opening
        self.recorded = self.recording.observed
        self.backward = bool(self.recording.contributions)
        self.boxes = self.outline.boxes
        self.number = {box: i for i, box in enumerate(self.boxes)}
        self.frames = [self.outline.root, *self.outline.frames]
        self.frame_number = {frame: i for i, frame in enumerate(self.frames)}
        self.arrows = {
            (a.head.node, a.number): i for i, a in enumerate(self.outline.arrows) if a.head.node
        }
        self.arrays, self.rules = Arrays(), Rules()
        self.ops: dict[str, Any] = {}
        ends = [self.recording.names.get(n) or self.recording.labels[n] for n in self.outline.ends]
        self.name = labels.shortened(outputs[0].name or (ends[0] if ends else "a constant"))

    def data(self, budget: int) -> tuple[dict[str, Any], str, list[str]]:
        """All of it within about `budget` bytes, the numbers of large arrays, and notes."""
        steps = self._steps()
        found = {
            "frames": self._frames(),
            "boxes": [self._box(box) for box in self.boxes],
            "arrows": [
                {"tail": self.number[a.tail], "head": self.number[a.head], "number": a.number}
                for a in self.outline.arrows
            ],
            "ops": self.ops,
            "steps": steps,
            "forward": sum(step["kind"] == "forward" for step in steps),
            "backward": self.backward,
            "stride": self._stride(steps),
            "coloring": self.opening.get("color") or "kind",
        }
        left = budget - len(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
        found["arrays"], numbers, limit = self.arrays.encoded(left)
        notes = [
            f"{html.escape(box.node.op.name)} failed: {html.escape(self._failure(box))}"
            for box in self.boxes
            if box.kind == "failed" and box.node
        ]
        if limit < SAMPLED:
            notes.append(
                f"Of large arrays only {limit} elements are shown, to keep the page small; "
                "statistics are of all elements."
            )
        if len(self.recording.contributions) > DETAILED:
            notes.append(f"Only the first {DETAILED} contributions are written out in terms.")
        return found, numbers, notes

    # ---------------------------------------------------------------- modules and boxes

    def _frames(self) -> list[dict[str, Any]]:
        operations, parameters = dict.fromkeys(self.frames, 0), dict.fromkeys(self.frames, 0)
        for box in self.boxes:
            frame: Frame | None = box.frame
            while frame is not None:
                operations[frame] += box.kind == "operation"
                parameters[frame] += math.prod(box.shape) if box.kind == "parameter" else 0
                frame = frame.outer
        folded = self._folded()
        found = []
        for frame in self.frames:
            n, p = operations[frame], parameters[frame]
            lines = [f"{n} operation" + "s" * (n != 1)] + [
                f"{p:,} parameter" + "s" * (p != 1)
            ] * bool(p)
            found.append(
                {
                    "name": labels.shortened(frame.name),
                    "path": labels.shortened(frame.path),
                    "outer": self.frame_number[frame.outer] if frame.outer else -1,
                    "lines": lines,
                    "folded": frame in folded,
                }
            )
        return found

    def _folded(self) -> set[Frame]:
        """The frames that are folded when the page opens: as asked for, or else if it is large."""
        found = set()
        if self.opening.get("fold_repeats"):
            found = {frame for run in repeats(self.outline) for frame in run[1:]}
        depth = self.opening.get("depth")
        if depth is None and not found and len(self.boxes) > COMFORTABLE:
            depth = self._readable_depth()
        return found | {f for f in self.frames if depth is not None and f.depth >= depth}

    def _readable_depth(self) -> int:
        """The largest depth at which folding leaves few enough boxes to read."""
        depths = sorted({frame.depth for frame in self.frames if frame.depth}, reverse=True)
        for depth in depths:
            shown = sum(box.frame.depth < depth for box in self.boxes)
            if shown + sum(frame.depth == depth for frame in self.frames) <= COMFORTABLE:
                return depth
        return 1

    def _box(self, box: Box) -> dict[str, Any]:
        node, recording = box.node, self.recording
        found: dict[str, Any] = {
            "kind": box.kind,
            "frame": self.frame_number[box.frame],
            "module": self.frame_number[box.frame.within(2)],
            "label": labels.shortened(self._label(box)),
            "shape": None if box.shape is None else list(box.shape),
            "dtype": None if box.dtype is None else str(box.dtype),
            "name": box.name and labels.shortened(box.name),
            "value": None,
            "gradient": None,
            "where": None,
        }
        shape = "" if box.shape is None else str(box.shape)
        value = None if node is None else recording.values.get(node)
        title, lines = box.name or found["label"], [f"{shape} {box.dtype}"]
        if isinstance(value, np.ndarray) and value.size == 1:
            shape = f"= {value.item():.4g}"
            lines = [f"{shape} {box.dtype}"]
        if box.kind in ("operation", "failed"):
            assert node is not None
            title, lines = self._operation(node, found, shape)
            lines += ["failed"] * (box.kind == "failed")
        elif box.kind == "input":
            found["value"] = self.arrays.number(self._constant(box))
        elif box.kind == "output":
            data = box.source.data
            title, found["value"] = box.name or "output", self.arrays.number(data)
            if data.size == 1:
                lines = [f"= {data.item():.4g} {box.dtype}"]
        if node is not None:
            found["name"] = (
                labels.shortened(recording.names[node]) if node in recording.names else None
            )
            found["value"] = self._array(recording.values.get(node))
            found["gradient"] = self._array(recording.gradients.get(node))
            line = recording.line(node)
            if line is not None:
                found["where"] = line._asdict() | {"file": _file(line.file)}
        return found | {"title": labels.shortened(title), "lines": lines}

    def _operation(self, node: Node, found: dict[str, Any], shape: str) -> tuple[str, list[str]]:
        op = node.op
        if op.name not in self.ops:
            forward, derivatives = formulas(op.formula)
            self.ops[op.name] = {
                "summary": op.summary, "forward": forward, "derivatives": derivatives
            }  # fmt: skip
        found["op"], found["statics"] = op.name, labels.statics(node)
        found["code"] = self._code(node)
        name = self.recording.names.get(node)
        named = f"{labels.shortened(name)} {shape}" if name else shape
        shown = [labels.formula(op), found["statics"], named]
        return op.name, [labels.shortened(line) for line in shown if line]

    def _code(self, node: Node) -> str | None:
        """The op and its derivatives as lines of NumPy; only shapes and dtypes matter for them."""
        sizes = sum(math.prod(edge.shape or ()) for edge in node.edges)
        if len(self.boxes) > LARGE or sizes > LARGEST_OPERANDS or node.op.outputs > 1:
            return None
        edges = range(len(node.edges))
        names = [self.recording.operand(node, i) for i in edges]
        arrays = [e.name if e.dtype is None else np.zeros(e.shape, e.dtype) for e in node.edges]
        with contextlib.suppress(Exception):  # some branch on values, and zeros have none
            target = self.recording.labels[node]
            return "\n".join(lines_of(node.op, names, arrays, node.statics, target))
        return None

    def _failure(self, box: Box) -> str:
        return printable(labels.failure(self.outline.outputs, box.node))

    def _label(self, box: Box) -> str:
        if box.node is not None:
            return self.recording.labels[box.node]
        return box.name or box.kind

    def _constant(self, box: Box) -> Any:
        """What was observed of an input; a Tensor that is drawn by itself has its data."""
        if isinstance(box.source, Tensor):
            return box.source.data
        return self._constants.get(id(box.source))

    @functools.cached_property
    def _constants(self) -> dict[int, Any]:
        """The values of edges without a source, by id."""
        return {
            id(edge): value
            for node, trace in self.recording.traces.items()
            for edge, value in zip(node.edges, trace.operands(node.op), strict=False)
            if edge.source is None
        }

    def _array(self, value: Any) -> int | None:
        return None if value is None or isinstance(value, tuple) else self.arrays.number(value)

    # ---------------------------------------------------------------- steps

    def _steps(self) -> list[dict[str, Any]]:
        recording = self.recording
        steps = [
            self._forward(node) for node in reversed(recording.order) if node in recording.traces
        ]
        if not self.backward:
            return steps
        landed: dict[Node, int] = {}
        for node, trace in recording.traces.items():
            passed = trace.passes.get(recording.number or 0)
            if passed is not None and passed.seed is not None:
                landed[node] = len(steps)
                steps.append(self._seed(node, passed.seed))
        for i, step in enumerate(recording.contributions):
            steps.append(self._contribution(step, landed.get(step.source), i < DETAILED))
            landed[step.source] = len(steps) - 1
        return steps

    def _forward(self, node: Node) -> dict[str, Any]:
        trace, recording, box = self.recording.traces[node], self.recording, self.outline.of[node]
        operands = [
            [self._array(value), labels.shortened(recording.operand(node, i))]
            for i, value in enumerate(trace.operands(node.op))
            if i < len(node.edges)
        ]
        return {
            "kind": "forward",
            "box": self.number[box],
            "say": forward_sentence(recording, node) + " failed" * (box.kind == "failed"),
            "operands": operands[:4],
            "result": self._array(trace.out),
            "name": labels.shortened(recording.names.get(node, "result")),
            "plumbing": node.op.name in PLUMBING,
        }

    def _seed(self, node: Node, seed: Any) -> dict[str, Any]:
        name = labels.shortened(self.recording.labels[node])
        return {
            "kind": "seed",
            "box": self.number[self.outline.of[node]],
            "say": f"Backward begins: ∂{name}/∂{name} = {amount(seed)}",
            "total": self._array(seed),
            "turn": 1,
            "count": 1,
        }

    def _contribution(
        self, step: Contribution, before: int | None, detailed: bool
    ) -> dict[str, Any]:
        several = step.count > 1
        return {
            "kind": "contribution",
            "box": self.number[self.outline.of[step.node]],
            "target": self.number[self.outline.of[step.source]],
            "target_name": labels.shortened(self.recording.labels[step.source]),
            "arrow": self.arrows.get((step.node, step.position)),
            "say": sentence(self.recording, step),
            "turn": step.turn,
            "count": step.count,
            "derivative": _derivative(step),
            "part": self._array(step.part),
            "before": self._array(step.before) if several else None,
            "total": self._array(step.total),
            "previous": before,
            "blocks": blocks(step, self.arrays, self.rules) if detailed else [],
            "plumbing": step.node.op.name in PLUMBING,
        }

    def _stride(self, steps: list[dict[str, Any]]) -> str:
        """The finest stride with which the backward pass takes some 20 steps at most."""
        sent = [self.boxes[step["box"]] for step in steps if step["kind"] == "contribution"]
        if len(sent) <= 40:
            return "contribution"
        return "operation" if len(set(sent)) <= 40 or len(self.frames) < 3 else "module"


def _file(path: str) -> str:
    """A file without its folder, which is nobody's business; notebooks number their cells."""
    name = os.path.basename(path)
    return "notebook cell" if name.removesuffix(".py").isdigit() else name


def _derivative(step: Contribution) -> int:
    """Which of the formulas of an op's derivatives is this argument's; past the last if unclear."""
    op = step.node.op
    found = re.findall(r"∂\w/∂(\w)\w*\s*=", op.formula)
    argument = op.tensors[0] if op.sequence else op.tensors[step.position]
    if argument in found:
        return found.index(argument)
    return step.position if len(found) == len(op.tensors) else len(found)
