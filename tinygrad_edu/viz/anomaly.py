"""`detect_anomaly`: a backward pass that is wrong, or not finite, is an error that says where."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph import Node
from ..observers import Observer
from . import nonfinite, tampering, text
from .findings import Finding
from .observation import Observation, observe
from .recording import Recording, finite


class detect_anomaly:
    """Within the block, `backward()` raises where a value or a gradient goes wrong, and says why.

    FloatingPointError names the op that first made a NaN or an infinity of finite values, in the
    forward pass if the loss is not finite, else in the backward pass: its line, the element, the
    operands. What a selection such as `np.where` left out may be as it likes. RuntimeError names
    an array that was changed after an op had kept it. It observes every op, so it is for looking
    for an error, and not for training.

    >>> import numpy as np
    >>> from tinygrad_edu import Tensor, detect_anomaly
    >>> x = Tensor([0.0, 1.0], requires_grad=True, name="x")
    >>> with detect_anomaly():
    ...     np.sqrt(x).sum().backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    FloatingPointError: the gradient of sqrt is finite; what it sends to x is inf at [0]
      - upstream 1 × local inf, where x = 0
      ...
    """

    def __init__(self) -> None:
        self._entered: list[tuple[observe, _Detector]] = []

    def __enter__(self) -> Observation:
        context = observe()
        seen = context.__enter__()
        detector = _Detector(seen)
        detector.__enter__()
        self._entered.append((context, detector))
        return seen

    def __exit__(self, *exc: object) -> None:
        context, detector = self._entered.pop()
        detector.__exit__(*exc)
        context.__exit__(*exc)


class _Detector(Observer):
    """Told after the observation, so that each op has its trace already."""

    def __init__(self, seen: Observation) -> None:
        self.seen = seen
        self.sums: dict[int, int] = {}  # by birth, of what ops returned

    def operation(self, op: Any, operands: Any, values: Any, out: Any, result: Any) -> None:
        if op.outputs == 1 and result.node is not None:
            self.sums[result.node.birth] = tampering.checksum(result._array)

    def sweep_begins(self, order: Any, seeds: Any) -> None:
        changed = next((c for c in self.seen.changes if c.number == self.seen.number), None)
        changed = changed or self._computed(order)
        if changed is not None:
            raise RuntimeError(_message(changed.finding()))
        for node in seeds:
            value = getattr(getattr(node, "trace", None), "out", None)
            if isinstance(value, np.ndarray) and not finite(value):
                raise FloatingPointError(_message(nonfinite.forward(Recording([node]), node)))
        self.sums.clear()

    def _computed(self, order: list[Node]) -> tampering.Change | None:
        """A result that was changed since its op returned it."""
        for node in order:
            trace: Any = getattr(node, "trace", None)
            before = self.sums.get(node.birth)
            if before is not None and tampering.checksum(trace.out) != before:
                name = Recording([node]).labels[node]
                return tampering.Change(
                    self.seen.number, node, name, trace.out.shape, trace.line, self.seen.swept_at
                )
        return None

    def contribution(self, node: Any, edge: Any, g: Any, raw: Any, part: Any) -> None:
        if not hasattr(node, "trace") or (_finite(g) and _finite(part)):
            return
        recording = Recording(self.seen.roots)
        if not _finite(g):  # it was given so, or is a sum that overflows
            finding = nonfinite.backward(recording, node)
        else:
            steps = recording.by_node[node]
            step = next(each for each in steps if node.edges[each.position] is edge)
            finding = nonfinite.derivative(recording, step)
        raise FloatingPointError(_message(finding))


def _finite(gradient: Any) -> bool:
    if isinstance(gradient, tuple):
        return all(map(_finite, gradient))
    return bool(np.isfinite(getattr(gradient, "_array", gradient)).all())


def _message(finding: Finding) -> str:
    lines = str(finding).splitlines()
    return "\n".join([text.printable(lines[0].removeprefix("  - ")), *lines[1:]])
