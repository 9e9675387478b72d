"""A statement of a program."""

from __future__ import annotations

import ast
from typing import Any


class Statement:
    """`targets = expression`, and the arrays that came out.

    `temporary` are the local variables of a body that was inlined; an `effect` is never left out,
    such as writing to the elements `into`, in place of targets, or adding to them.
    """

    __slots__ = (
        "targets", "expression", "arrays", "temporary", "effect", "into", "adds", "step",
        "backward", "names",
    )  # fmt: skip

    def __init__(self, targets: list[str], expression: ast.expr, arrays: list[Any]) -> None:
        self.targets = targets
        self.expression = expression
        self.arrays = arrays
        self.temporary = True
        self.effect = False
        self.into: ast.expr | None = None
        self.adds = False
        self.names: Any = None  # that it reads, once they were counted
        self.step: Any = None
        self.backward = False
