"""Examples for names whose docstrings have none: run when the site is built, so that they are true.

An op is called on small arrays that its property test would draw; for the rest, the statement of a
document that uses the name is quoted, since the tests run the documents.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import nn
import tinygrad_edu
from tinygrad_edu import Tensor, no_grad, ops

from ..generate import ROOT
from .calls import CALLS, UNRUN

__all__ = ["Quotes", "of_module", "of_op", "written"]

_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NO_EXAMPLE = (AttributeError, NameError, SyntaxError, TypeError, ValueError)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def console(*statements: str) -> str:
    """What Python's prompt shows when the statements are typed in."""
    scope = {
        "np": np,
        "nn": nn,
        "F": nn.functional,
        "te": tinygrad_edu,
        "ops": ops,
        "Tensor": Tensor,
    }
    lines = []
    for statement in statements:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(f"{statement}\n", "<console>", "single"), scope)
        shown = statement.replace("\n", "\n... ")
        lines += [f">>> {shown}", *printed.getvalue().splitlines()]
    return "\n".join(lines)


def written(full_name: str) -> str:
    """The example in CALLS; or nothing."""
    short = full_name.replace("nn.functional.", "F.").replace("tinygrad_edu.ops.", "ops.")
    if short in UNRUN:
        return f">>> {UNRUN[short]}"
    return console(*CALLS[short]) if short in CALLS else ""


def of_op(function: Any) -> str:
    """A call of an op, and its gradients if it has one result; or nothing.

    There is none where an argument is written neither as a number nor as an array.
    """
    arrays, statics = _call(function.op)
    arrays = [np.array(a, order="C") for a in arrays]
    with contextlib.suppress(TypeError, ValueError):  # two decimals can leave the domain
        short = [np.round(a, 2) if a.dtype == float else a for a in arrays]
        function(*short, **statics)
        arrays = short
    names = function.op.tensors[: len(arrays)]
    keywords = "".join(f", {name}={_literal(value)}" for name, value in statics.items())
    given = [
        f"{n} = Tensor({_literal(a)}, requires_grad=True)"
        for n, a in zip(names, arrays, strict=False)
    ]
    call = f"out = ops.{function.__name__}({', '.join(names)}{keywords}); out"
    slopes = f"out.sum().backward(); {', '.join(f'{n}.grad' for n in names)}"
    plain = ", ".join(f"np.array({_literal(a)})" for a in arrays)
    for statements in [*given, call, slopes], [f"ops.{function.__name__}({plain}{keywords})"]:
        with contextlib.suppress(*_NO_EXAMPLE), np.printoptions(precision=4, suppress=True):
            return console(*statements)
    return ""


def _call(op: Any) -> tuple[list[np.ndarray], dict[str, Any]]:
    if op.elementwise:
        return [
            _within(op, i) if vjp else np.array([True, False]) for i, vjp in enumerate(op.vjps)
        ], {}
    found = _drawn(op, 9) or _drawn(op, 1000)
    return found.operands, found.statics


def _drawn(op: Any, size: int) -> Any:
    """A call with arrays of at most `size` elements, as the op's property test draws them."""
    from hypothesis import Phase, find, settings
    from hypothesis.errors import NoSuchExample

    from tests.samples import calls

    def fits(call: Any) -> bool:
        return all(1 <= a.size <= size for a in call.operands) and call.operands[0].size > 1

    quick = settings(
        database=None, derandomize=True, max_examples=100, deadline=None, phases=[Phase.generate]
    )
    with contextlib.suppress(NoSuchExample):
        return find(calls(op), fits, settings=quick)


def _within(op: Any, i: int) -> np.ndarray:
    low, high = op.domain[i] if isinstance(op.domain[0], tuple) else op.domain
    values: np.ndarray = low + (high - low) * np.array([0.3, 0.8]) + 0.01 * i
    return np.round(values, 2)


def _literal(value: Any) -> str:
    return repr(value.tolist()) if isinstance(value, np.ndarray) else repr(value)


def of_module(cls: Any) -> str:
    """An activation module with its defaults, applied to three numbers; or nothing."""
    if not (isinstance(cls, type) and issubclass(cls, nn.FunctionModule)) or issubclass(
        cls, nn.Loss
    ):
        return ""
    with contextlib.suppress(TypeError, ValueError), no_grad(), np.printoptions(precision=4):
        return console(f"nn.{cls.__name__}()(np.array([-1.0, 0.5, 2.0, 4.0]))")
    return ""


class Quote(NamedTuple):
    """A statement of a document, and the heading it stands under."""

    code: str
    page: str
    heading: str


class Quotes:
    """The first statement that uses each name, from the documents whose code the tests run."""

    def __init__(self, pages: tuple[str, ...]) -> None:
        self.found: dict[str, Quote] = {}
        for page in pages:
            text = Path(ROOT, page).read_text(encoding="utf-8")
            for block in _BLOCK.finditer(text):
                headings = _HEADING.findall(_BLOCK.sub("", text[: block.start()]))
                for statement in ast.parse(block[1]).body:
                    code = ast.get_source_segment(block[1], statement) or ""
                    self._read(statement, Quote(code, page, headings[-1] if headings else ""))

    def _read(self, statement: ast.stmt, quote: Quote) -> None:
        for node in ast.walk(statement):
            short = (
                isinstance(node, (ast.Attribute, ast.Name)) and len(quote.code.splitlines()) < 12
            )
            if short and not isinstance(statement, (ast.Import, ast.ImportFrom)):
                self.found.setdefault(ast.unparse(node), quote)

    def __getitem__(self, name: str) -> Quote | None:
        return self.found.get(name)


warnings.filterwarnings("ignore", category=RuntimeWarning)
