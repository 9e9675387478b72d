"""Data as a table of numbers: from arrays, or from the text of a CSV file."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data import Dataset
from .settings import MOST_CLASSES, MOST_POINTS

__all__ = ["Table", "from_csv", "from_data"]

MOST_COLUMNS = 256
_MOST_INPUTS = 64  # of a CSV file
_LONGEST_CELL = 200


@dataclass
class Table:
    """Inputs x (n, k) and targets y: classes (n,), or numbers (n, 1) where `classes` is empty."""

    name: str
    x: np.ndarray
    y: np.ndarray
    inputs: list[str]
    classes: list[str]


def from_data(data: Any) -> Table:
    """A table of a Dataset or a tuple of arrays.

    Raises ValueError for other than inputs (n, k) and one target for each.
    """
    dataset = data if isinstance(data, Dataset) else Dataset(*data)
    x, y = np.asarray(dataset.x, np.float32), np.asarray(dataset.y)
    if len(dataset.arrays) != 2 or x.ndim != 2 or not 1 <= x.shape[1] <= MOST_COLUMNS:
        shapes = [a.shape for a in dataset.arrays]
        raise ValueError(
            f"the playground takes inputs (n, k), k from 1 to {MOST_COLUMNS}, and targets, and was "
            f"given shapes {', '.join(map(str, shapes))}"
        )
    _check_size(len(x))
    about = dataset.about
    inputs = [str(name) for name in about.get("feature_names", _numbered(x.shape[1]))]
    if y.dtype.kind in "biu" and (y.ndim == 1 or y.shape[1:] == (1,)):
        y = y.reshape(-1).astype(np.int64)
        classes = [str(name) for name in about.get("class_names", range(max(2, y.max() + 1)))]
        _check_classes(len(classes), y)
    elif y.dtype.kind == "f" and y.reshape(len(y), -1).shape[1] == 1:
        y, classes = y.reshape(-1, 1).astype(np.float32), []
    else:
        raise ValueError(
            f"targets are classes, integers (n,), or numbers (n, 1), and have {y.dtype}{y.shape}"
        )
    if not np.isfinite(x).all() or not np.isfinite(y).all():
        raise ValueError("the data hold NaN or infinity; leave those samples out")
    return Table("your data", x, y, inputs, classes)


def from_csv(name: str, text: str) -> Table:
    """A table of the text of a CSV file, whose last column is the target.

    Cells are separated by commas, semicolons or tabs.  A first line with text above numbers holds
    the names of the columns.  The target is a class if it is a text or if its column holds at
    most 10 different integers, and otherwise a number.

    Raises ValueError, with the line, for cells that are no numbers and for lines of another length,
    and for more rows, columns or classes than the playground takes.

    >>> table = from_csv("a.csv", "width,height,kind\\n1,2,cat\\n2,3,dog\\n")
    >>> table.inputs, table.classes, table.x.tolist(), table.y.tolist()
    (['width', 'height'], ['cat', 'dog'], [[1.0, 2.0], [2.0, 3.0]], [0, 1])
    """
    lines = _cells(text)
    first = lines[0][1]
    has_names = len(lines) > 1 and all(_number(cell) is None for cell in first[:-1])
    names = first if has_names else [*_numbered(len(first) - 1), "target"]
    rows = lines[1:] if has_names else lines
    if not 2 <= len(names) <= _MOST_INPUTS + 1:
        raise ValueError(
            f"line 1 has {len(names)} columns; the playground takes 1 to {_MOST_INPUTS} "
            "columns of inputs and, last, one of targets"
        )
    _check_size(len(rows))
    values = []
    for line, row in rows:
        if len(row) != len(names):
            raise ValueError(f"line {line} has {len(row)} cells, and line 1 has {len(names)}")
        values.append([_input(line, n, c) for n, c in zip(names, row[:-1], strict=False)])
    y, classes = _targets([(line, row[-1]) for line, row in rows])
    return Table(name or "your file", np.array(values, np.float32), y, names[:-1], classes)


def _cells(text: str) -> list[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers."""
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                lines.append((reader.line_num, [cell.strip() for cell in row]))
            if len(lines) > MOST_POINTS + 1:
                break
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None
    if not lines:
        raise ValueError("the file is empty")
    long = next((n for n, row in lines if any(len(cell) > _LONGEST_CELL for cell in row)), None)
    if long is not None:
        raise ValueError(f"line {long} has a cell of more than {_LONGEST_CELL} characters")
    return lines


def _number(cell: str) -> float | None:
    """The value of a cell, if it is a number that float32 can hold."""
    try:
        value = float(cell) if "_" not in cell else math.nan
    except ValueError:
        return None
    return value if abs(value) < 1e30 else None


def _input(line: int, name: str, cell: str) -> float:
    value = _number(cell)
    if value is None:
        hint = "; write decimals with a point" if cell.replace(",", "", 1).isdecimal() else ""
        raise ValueError(f"line {line}, column {name!r:.60}: {cell!r:.60} is not a number{hint}")
    return value


def _targets(cells: Sequence[tuple[int, str]]) -> tuple[np.ndarray, list[str]]:
    numbers = [_number(cell) for _, cell in cells]
    values = [value for value in numbers if value is not None]
    different = sorted(set(values))
    if len(values) == len(cells):
        integers = all(value == int(value) for value in different)
        if not integers or len(different) > MOST_CLASSES:
            return np.array(values, np.float32)[:, None], []
        named = [f"{value:g}" for value in different]
        return np.searchsorted(different, values).astype(np.int64), _two(named)
    if values and len(values) > len(cells) / 2:  # numbers, but for a few mistakes
        i = numbers.index(None)
        raise ValueError(f"line {cells[i][0]}, the target: {cells[i][1]!r:.60} is not a number")
    classes = sorted({cell for _, cell in cells})
    if "" in classes:
        line = next(line for line, cell in cells if not cell)
        raise ValueError(f"line {line}: the target, its last cell, is empty")
    y = np.array([classes.index(cell) for _, cell in cells] if len(classes) < 99 else [0])
    _check_classes(len(classes), y)
    return y.astype(np.int64), _two(classes)


def _two(classes: list[str]) -> list[str]:
    return classes if len(classes) > 1 else [*classes, "another"]


def _numbered(n: int) -> list[str]:
    return [f"x{i + 1}" for i in range(n)]


def _check_size(rows: int) -> None:
    if not 1 <= rows <= MOST_POINTS:
        more = f"more than {MOST_POINTS}" if rows > MOST_POINTS else "no"
        raise ValueError(f"there are {more} rows; the playground takes 1 to {MOST_POINTS}")


def _check_classes(n: int, y: np.ndarray) -> None:
    if n > MOST_CLASSES:
        raise ValueError(
            f"the target has {n} different classes, and the playground takes {MOST_CLASSES}; for a "
            "number to predict write decimals"
        )
    if y.min() < 0 or y.max() >= n:
        raise ValueError(
            f"classes are integers 0 to {n - 1}, and reach from {y.min()} to {y.max()}"
        )
