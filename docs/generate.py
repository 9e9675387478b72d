"""Generates methods.pyi and derivatives.md from the ops: `python -m docs.generate`."""

from __future__ import annotations

import importlib
import inspect
import operator
import re
import textwrap
from pathlib import Path
from typing import Any

import tinygrad_edu
from tinygrad_edu.methods import Methods
from tinygrad_edu.operators import BINARY, OTHERS
from tinygrad_edu.ops.index import getitem
from tinygrad_edu.registry import NONDIFFERENTIABLE, OPS
from tinygrad_edu.unrecorded import full_name

from .coverage import HAS_SCIPY, coverage

if HAS_SCIPY:  # its functions are registered when the first of them is called
    importlib.import_module("tinygrad_edu.ops.extended.scipy_special")
ROOT = Path(__file__).parent.parent
STUB_HEAD = '''"""The methods of Tensor, generated from the ops by `make stubs`."""

from typing import Any, Generic, TypeVar

import numpy as np

Result = TypeVar("Result")
Operand = Methods[Any] | np.ndarray[Any, np.dtype[Any]] | float
Axis = int | tuple[int, ...] | None

class Methods(Generic[Result]):
'''


def stub() -> str:
    """The content of methods.pyi."""
    found = {
        name: f
        for name, f in vars(Methods).items()
        if inspect.isfunction(f) and f.__module__.startswith("tinygrad_edu.")  # not a user's own
    }
    properties = {name: p for name, p in vars(Methods).items() if isinstance(p, property)}
    named = [_method(name, f) for name, f in sorted(found.items()) if name[0] != "_"]
    special = [_operator(name, f) for name, f in found.items() if name in SPECIAL]
    return STUB_HEAD + "\n".join([*special, *map(_property, properties.items()), *named])


COMPARISONS = [f"__{name}__" for name in ("eq", "ne", "lt", "le", "gt", "ge")]
SPECIAL = [f"__{reflected}{name}__" for name in BINARY for reflected in ("", "r")] + list(OTHERS)


def _operator(name: str, function: Any) -> str:
    if name in COMPARISONS:
        kind = "object" if name in ("__eq__", "__ne__") else "Any"
        return f"    def {name}(self, other: {kind}) -> Any: ...\n"
    operator_name = name.strip("_").removeprefix("r") if name not in OTHERS else ""
    function = BINARY.get(name.strip("_"), BINARY.get(operator_name, function))
    parameters = "self, other: Operand" if name not in OTHERS else "self"
    parameters = "self, index: Any" if name == "__getitem__" else parameters
    declared = getitem if name == "__getitem__" else function
    return _definition(name, parameters, "Result", declared)


def _property(item: tuple[str, property]) -> str:
    name, value = item
    return f'    @property\n    def {name}(self) -> Result:\n        """{value.__doc__}"""\n'


def _definition(name: str, parameters: str, returns: str, function: Any) -> str:
    file = function.__module__.removeprefix("tinygrad_edu.").replace(".", "/") + ".py"
    doc = f"{inspect.getdoc(function) or ''}\n\nDeclared in {file}.\n"
    body = '"""' + textwrap.indent(doc, " " * 8).lstrip() + '        """'
    return f"    def {name}({parameters}) -> {returns}:\n        {body}\n"


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
    if rarer := getattr(function, "keywords", {}):
        parameters += ["*", *(f"{name}: Any = {value}" for name, value in rarer.items())]
    returns = "Result" if op else inspect.signature(function).return_annotation
    return _definition(name, ", ".join(parameters), returns.replace("Tensor", "Result"), function)


# -------------------------------------------------------------------- the table of derivatives

TABLE_HEAD = """# The table of derivatives

Every op as it is declared: its formula; its vector-Jacobian product, with g the upstream gradient;
the convention where it has no derivative; and the interval of its arguments in the property test.
Generated from the declarations by `make stubs`, in reading order; a test checks that it is current.
[NumPy's functions](numpy-coverage.md) lists them by the names that NumPy and SciPy have for them.
"""
OP_COLUMNS = ("op", "NumPy", "formula", "derivative", "by convention", "tested in")
CONVENTION = re.compile(r"^\d|ties| at ")
READING_ORDER = [
    *(
        "elementwise",
        "selections",
        "trigonometric",
        "activations",
        "reduce",
        "statistics",
        "shape",
        "joining",
    ),
    *("index", "products", "linear", "losses", "normalization", "dropout"),
    *("windows", "convolution", "pooling", "recurrent", "creation"),
]


def derivatives() -> str:
    """The content of derivatives.md."""
    folder = Path(tinygrad_edu.__file__).parent / "ops"
    paths = (path.relative_to(folder).with_suffix("") for path in folder.rglob("*.py"))
    names = [
        path.as_posix()
        for path in paths
        if path.stem not in ("__init__", "nondifferentiable")
        and (HAS_SCIPY or path.parent.name != "scipy_special")
    ]
    order = {name: i for i, name in enumerate(READING_ORDER)}
    names.sort(key=lambda name: (order.get(name, len(order) + ("/" in name)), name))
    sections = [
        _family(name, importlib.import_module(f"tinygrad_edu.ops.{name.replace('/', '.')}"))
        for name in names
    ]
    listed = ", ".join(
        f"`{name}`" for name in sorted(filter(None, map(_numpy_name, NONDIFFERENTIABLE)))
    )
    last = f"## Functions without a derivative\n\nThey return plain arrays: {listed}.\n"
    return "\n".join([TABLE_HEAD, *filter(None, sections), last])


def _family(name: str, module: Any) -> str:
    own = [f for f in vars(module).values() if getattr(f, "__module__", "") == module.__name__]
    found = {*OPS.values(), *filter(inspect.isfunction, vars(Methods).values())}
    ops = [_row(f) for f in own if hasattr(f, "op")]
    composed = [
        _cells(_name(f), _numpy_names(f), (f.__doc__ or "").strip().partition("\n")[0])
        for f in own
        if f in found and not hasattr(f, "op")
    ]
    lines = [f"## {re.split('[.:;]', module.__doc__ or name)[0]}\n"]
    lines.append(f"[`ops/{name}.py`](../tinygrad_edu/ops/{name}.py)\n")
    if ops:
        lines += [_cells(*OP_COLUMNS), _cells(*["---"] * len(OP_COLUMNS)), *ops, ""]
    if composed:
        head = ["Composed of other ops:\n"] if ops else []
        lines += [*head, _cells("function", "NumPy", "what it is"), _cells(*["---"] * 3)]
        lines += [*composed, ""]
    return "\n".join(lines) if ops or composed else ""


def _row(function: Any) -> str:
    op = function.op
    formula, derivative, convention = _formula(op)
    if op.kinks:
        kinks = ", ".join(f"{kink:g}" for kink in op.kinks)
        convention = f"kink at {kinks}" + (f": {convention}" if convention else "")
    return _cells(
        f"`{op.name}`", _numpy_names(function), formula, derivative, convention, _domain(op)
    )


def _name(function: Any) -> str:
    """The name of a composed function, or nothing if it is called through NumPy only."""
    return "" if function.__name__.startswith("_") else f"`{function.__name__}`"


def _numpy_names(function: Any) -> str:
    """The NumPy functions that call this one."""
    names = [_numpy_name(key) for key, value in OPS.items() if value is function]
    return ", ".join(f"`{name}`" for name in names if name)


def _numpy_name(function: Any) -> str:
    return "x[i]" if function is operator.getitem else full_name(function)


def _formula(op: Any) -> tuple[str, str, str]:
    """The formula in an op's docstring, its derivatives, and its convention at kinks."""
    first, *paragraphs = (inspect.getdoc(op.forward) or "").split("\n\n")
    paragraphs = [first.partition("\n")[2], *paragraphs]
    last = max((i for i, text in enumerate(paragraphs) if "∂" in text), default=len(paragraphs))
    parts = re.split(r"[,;]\s{2,}|[,;]\n+", "\n\n".join(paragraphs[: last + 1]))
    parts = [" ".join(part.split()).rstrip(",;") for part in parts if part.strip()]
    start = next((i for i, part in enumerate(parts) if "∂" in part), len(parts))
    apart = [part for part in parts[start:] if "∂" not in part and CONVENTION.search(part)]
    derivative = [part for part in parts[start:] if part not in apart]
    return ", ".join(parts[:start]), ", ".join(derivative), ", ".join(apart)


def _domain(op: Any) -> str:
    if not op.elementwise:
        return ""
    domains = op.domain if isinstance(op.domain[0], tuple) else [op.domain]
    return ", ".join(f"[{low:g}, {high:g}]" for low, high in domains)


def _cells(*texts: str) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


FILES = {
    ROOT / "tinygrad_edu" / "methods.pyi": stub,
    ROOT / "docs" / "derivatives.md": derivatives,
    ROOT / "docs" / "numpy-coverage.md": coverage,
}


def main() -> None:
    for path, text in FILES.items():
        path.write_text(text(), encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: tinygrad_edu {tinygrad_edu.__version__}")


if __name__ == "__main__":
    main()
