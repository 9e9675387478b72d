"""Writes what the declarations already say: `python -m docs.generate`, kept current by a test."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import tinygrad_edu
from tinygrad_edu.methods import Methods

ROOT = Path(__file__).parent.parent
STUB_HEAD = '''"""The methods of Tensor, generated from the ops by `make stubs`."""

from typing import Any

import numpy as np

from .tensor import Tensor

Operand = Tensor | np.ndarray[Any, np.dtype[Any]] | float
Axis = int | tuple[int, ...] | None

class Methods:
'''


def stub() -> str:
    """The text of methods.pyi."""
    methods = {name: f for name, f in vars(Methods).items() if inspect.isfunction(f)}
    return STUB_HEAD + "\n".join(_method(name, f) for name, f in sorted(methods.items()))


def _method(name: str, function: Any) -> str:
    op = getattr(function, "op", None)
    tensors = op.tensors if op else ()
    parameters = []
    for i, parameter in enumerate(inspect.signature(function).parameters.values()):
        text = str(parameter.replace(annotation=parameter.empty)).replace(" = ", "=")
        head, _, default = text.partition("=")
        kind = "Operand" if parameter.name in tensors else parameter.annotation
        if op and default == "None" and parameter.name in tensors:
            kind = "Operand | None"
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in "".join(parameters):
            parameters.append("*")
        value = f" = {default}" if default else ""
        parameters.append(f"{head}: {kind}{value}" if i else "self")
    answer = "Tensor" if op else inspect.signature(function).return_annotation
    doc = inspect.getdoc(function) or ""
    body = '"""' + doc.replace("\n", "\n        ") + '"""'
    return f"    def {name}({', '.join(parameters)}) -> {answer}:\n        {body}\n"


FILES = {ROOT / "tinygrad_edu" / "methods.pyi": stub}


def main() -> None:
    for path, text in FILES.items():
        path.write_text(text(), encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: tinygrad_edu {tinygrad_edu.__version__}")


if __name__ == "__main__":
    main()
