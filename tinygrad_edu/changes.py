"""What was changed in place between the forward and the backward pass.

Births are the clock: every node has a number, and a change of a leaf's data takes the next one. In
ordinary training every op is younger than the last change, which one comparison tells.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable
from typing import Any

import numpy as np

births = itertools.count()
_last_change = -1
_marking = threading.Lock()  # the last change of all threads is the last


def mark(leaf: Any, data: np.ndarray) -> None:
    """Note that the data of a leaf's node was changed."""
    global _last_change
    with _marking:
        _last_change = next(births)
        leaf.changed = _last_change, data


def check(order: list[Any], path: set[Any] | None) -> None:
    """Raise RuntimeError if a VJP would read a leaf's data that was changed since it was kept.

    `order` are the nodes that are to be swept, and `path`, if not None, those that the gradient
    is to reach. The data are known by their memory, so that views of them are found too.
    """
    oldest = next((node for node in reversed(order) if node.edges), None)
    if oldest is None or oldest.birth > _last_change:
        return
    changed = [node for node in order if getattr(node, "changed", None)]
    buffers = {id(leaf.changed[1]): leaf for leaf in changed}
    for node in order:
        for edge in node.edges:
            if path is not None and edge.source not in path:
                continue
            for leaf in map(buffers.get, map(id, map(_owner, _arrays(edge.kept)))):
                if leaf is not None and leaf.changed[0] > node.birth:
                    raise RuntimeError(_complaint(leaf, node))


def _arrays(kept: Any) -> Iterable[Any]:
    """The arrays among the values kept for a VJP, also those in a list."""
    for value in kept or ():
        yield from value if type(value) is list else (value,)


def _owner(value: Any) -> Any:
    """The array that owns the memory of a view."""
    while isinstance(value, np.ndarray) and value.base is not None:
        value = value.base
    return value


def _complaint(leaf: Any, node: Any) -> str:
    name = repr(leaf.name) if leaf.name else "a leaf"
    layer = f" in layer {node.scope}" if node.scope else ""
    return (
        f"{name} was changed in place after {node.op.name}{layer} had kept its values for the "
        "backward pass, so the gradient would be wrong; call backward() before the update, or run "
        "the forward pass again after it"
    )
