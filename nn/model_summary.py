"""A table of a model's modules: their outputs, and the memory of these and of the parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, no_grad
from tinygrad_edu.tables import folded, html_table, text_table

from .init import unmoved
from .module import Module, Parameter, get_default_dtype
from .validation import TOO_DEEP
from .watching import evaluating, watched

__all__ = ["summary"]

Shape = tuple[int, ...]
_ALIGN = "lllrrr"  # of the columns
_KINDS = (  # of errors that can be raised again with a longer message
    np.exceptions.AxisError,
    np.linalg.LinAlgError,
    IndexError,
    ValueError,
    TypeError,
    NotImplementedError,
    RuntimeError,
)


@dataclass
class Row:
    """One module.  A parameter counts in the row of the first module that holds it itself."""

    path: str
    kind: str
    parameters: int
    parameter_bytes: int
    given: list[Shape] | None = None  # None until it is called
    shapes: list[Shape] = field(default_factory=list)  # of its last output
    output_bytes: int = 0  # of arrays that are new, in all calls
    calls: int = 0

    def cells(self) -> tuple[str, ...]:
        """The row's texts."""
        output = ", ".join(map(str, self.shapes)) or "-"
        return (
            self.path or "(model)",
            self.kind,
            output + (f" x {self.calls}" if self.calls > 1 else ""),
            human(self.output_bytes),
            f"{self.parameters:,}" if self.parameters else "-",
            human(self.parameter_bytes),
        )


@dataclass
class Summary:
    """The rows in the model's order, and the totals; printing it shows the table."""

    rows: list[Row]
    trainable: int
    frozen: int
    failed: Row | None = None

    @property
    def parameters(self) -> int:
        """All parameters, trainable and frozen."""
        return self.trainable + self.frozen

    @property
    def parameter_bytes(self) -> int:
        """The memory of all parameters."""
        return sum(row.parameter_bytes for row in self.rows)

    @property
    def output_bytes(self) -> int:
        """The memory of all modules' outputs, without those that are views of others."""
        return sum(row.output_bytes for row in self.rows)

    def __str__(self) -> str:
        if self.failed is not None:
            return text_table(self._table(), rule=True)
        table = text_table(self._table(), _ALIGN, rule=True)
        width = max(map(len, table.splitlines()))
        return f"{table}\n{'-' * width}\n{folded(self._totals())}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"{html_table(self._table(), _ALIGN)}<p>{self._totals()}</p>"

    def _table(self) -> list[tuple[str, ...]]:
        head = ("layer", "kind", "output", "memory", "parameters", "memory")
        rows = [head, *(row.cells() for row in self.rows)]
        if self.failed is None:
            return rows
        given = ", ".join(map(str, self.failed.given or ()))
        marks = [f"<-- failed, given {given}" * (row is self.failed) for row in self.rows]
        return [(*row[:3], mark) for row, mark in zip(rows, ["", *marks], strict=True)]

    def _totals(self) -> str:
        return (
            f"{self.parameters:,} parameters in {human(self.parameter_bytes)}: "
            f"{self.trainable:,} trainable, {self.frozen:,} frozen; "
            f"outputs in {human(self.output_bytes)}"
        )


def summary(
    model: Module[Any],
    input_shape: int | Shape | Sequence[Shape],
    *,
    batch_size: int = 1,
    dtype: Any = None,
) -> Summary:
    """The outputs and the parameters of all modules, found by one call in evaluation mode.

    `input_shape` is without the batch axis; a list of shapes is for a model of several inputs.
    `dtype` is theirs, or a list of one for each: int for a model that begins with an Embedding,
    else that of the parameters.  The model stays as it was.  What is not a module does not show,
    such as `np.tanh` in a `forward`; a module that is not called has no output.  An error of the
    model comes with the table up to the layer that failed.

    >>> import nn
    >>> nn.summary(nn.Sequential(nn.Dense(784, 64), nn.ReLU(), nn.Dense(64, 10)), (784,))
    layer    kind        output   memory  parameters    memory
    ----------------------------------------------------------
    (model)  Sequential  (1, 10)       -           -         -
    0        Dense       (1, 64)   256 B      50,240   196 KiB
    1        ReLU        (1, 64)   256 B           -         -
    2        Dense       (1, 10)    40 B         650  2.54 KiB
    ----------------------------------------------------------
    50,890 parameters in 199 KiB: 50,890 trainable, 0 frozen; outputs in 552 B
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary takes a Module first, not {type(model).__name__}")
    inputs = _inputs(model, input_shape, batch_size, dtype)
    watch = _Watch(model, inputs)
    sizes = [(p.size, p.requires_grad) for p in model.parameters()]
    trainable = sum(size for size, learns in sizes if learns)
    table = Summary(list(watch.rows.values()), trainable, sum(n for n, _ in sizes) - trainable)
    try:
        with (
            _left_as_it_was(model),
            evaluating(model),
            no_grad(),
            np.errstate(all="ignore"),
            watched(model, watch),
        ):
            model(*inputs)
    except _KINDS as error:
        if str(error) == TOO_DEEP:  # the table would be as deep
            raise
        table.rows = [row for row in table.rows if row.given is not None]
        table.failed = watch.failed
        kind = next(kind for kind in _KINDS if isinstance(error, kind))
        raise kind(f"{error}\n\n{table}") from error
    return table


def human(size: int) -> str:
    """A number of bytes with three significant digits, in the unit that reads best; 0 is "-".

    >>> human(0), human(1000), human(1536), human(300 * 2**20)
    ('-', '1000 B', '1.50 KiB', '300 MiB')
    """
    if size < 1024:
        return f"{size} B" if size else "-"
    units = ("KiB", "MiB", "GiB", "TiB")
    power = min((size.bit_length() - 1) // 10, len(units))
    number = size / 1024**power
    return f"{number:.{max(0, 3 - len(str(int(number))))}f} {units[power - 1]}"


def _inputs(model: Module[Any], shape: Any, batch_size: int, dtype: Any) -> list[np.ndarray]:
    """Ones, or zeros as indices, for every input."""
    if isinstance(shape, (int, np.integer)):
        shape = (shape,)
    several = bool(len(shape)) and all(isinstance(each, (tuple, list)) for each in shape)
    shapes = [(batch_size, *each) for each in (shape if several else [shape])]
    if not all(isinstance(n, (int, np.integer)) and n >= 0 for each in shapes for n in each):
        raise ValueError(
            "input_shape is a tuple of sizes without the batch axis, as (784,) or (1, 28, 28), or "
            f"a list of such tuples, not {shape!r}; batch_size is {batch_size!r}"
        )
    dtypes = dtype if isinstance(dtype, (list, tuple)) else [dtype] * len(shapes)
    if len(dtypes) != len(shapes):
        raise ValueError(f"there are {len(dtypes)} dtypes for {len(shapes)} input shapes")
    own = next((p.dtype for p in model.parameters()), get_default_dtype())
    kinds = [np.dtype(own if each is None else each) for each in dtypes]
    return [np.full(n, kind.kind == "f", kind) for n, kind in zip(shapes, kinds, strict=True)]


class _Watch:
    """A row for each module, by path, and what the modules take and return; for `watched`."""

    def __init__(self, model: Module[Any], inputs: Sequence[np.ndarray]) -> None:
        self.rows: dict[str, Row] = {}
        self.failed: Row | None = None
        self.known = {id(x): x for x in inputs}  # not freed, so that no id comes twice
        counted: set[int] = set()
        for path, module in model.named_modules():
            own = {id(p): p for p in vars(module).values() if isinstance(p, Parameter)}
            new = [p for i, p in own.items() if i not in counted]
            counted |= own.keys()
            size, memory = sum(p.size for p in new), sum(p.data.nbytes for p in new)
            self.rows[path] = Row(path, type(module).__name__, size, memory)

    def __call__(
        self, path: str, module: Module[Any], forward: Any, *inputs: Any, **options: Any
    ) -> Any:
        row = self.rows[path]
        row.given = [x.shape for x in _arrays(inputs)]
        try:
            output = forward(*inputs, **options)
        except Exception:
            self.failed = self.failed or row
            raise
        arrays = list(_arrays(output))
        row.shapes, row.calls = [x.shape for x in arrays], row.calls + 1
        for array in arrays:
            owner = array
            while isinstance(owner.base, np.ndarray):  # of the memory that a view shows
                owner = owner.base
            if id(owner) not in self.known:
                self.known[id(owner)] = owner
                row.output_bytes += array.nbytes
        return output


def _arrays(values: Any) -> Iterator[np.ndarray]:
    """The arrays in a Tensor, or in tuples, lists and dicts of them."""
    if isinstance(values, (Tensor, np.ndarray)):
        yield values.data if isinstance(values, Tensor) else values
    elif isinstance(values, (tuple, list, dict)):
        for value in values.values() if isinstance(values, dict) else values:
            yield from _arrays(value)


@contextmanager
def _left_as_it_was(model: Module[Any]) -> Iterator[None]:
    """Afterwards its buffers and the generator of nn are as before."""
    modules = [module for _, module in model.named_modules()]
    buffers = [(m, name, getattr(m, name)) for m in modules for name in m._buffers]
    values = [buffer.copy() for _, _, buffer in buffers]
    try:
        with unmoved():
            yield
    finally:
        for (module, name, buffer), value in zip(buffers, values, strict=True):
            buffer[...] = value
            setattr(module, name, buffer)
