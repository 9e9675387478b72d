"""What a function reads besides its arguments: variables around it, and the modules among them."""

from __future__ import annotations

import functools
import operator
import types
from collections.abc import Callable, Iterator
from typing import Any

SIMPLE = (int, float, str, bool, type(None))


class Surroundings:
    """A note of what stood in a function's closure, in its globals and in its modules.

    `unchanged` leaves out what the function itself has changed since; `hold` tells whether all the
    rest is as it was.
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        self.cells: list[Any] = []
        self.tables: list[tuple[dict[str, Any], list[str]]] = []
        self.modules: list[dict[str, Any]] = []
        _look(f, self, set())
        self._before = self._now()
        self._watched: list[tuple[Any, Any, Any]] = []

    def _now(self) -> list[list[Any]]:
        tables = [[_mark(table.get(name)) for name in names] for table, names in self.tables]
        return [[_mark(_content(cell)) for cell in self.cells], *tables]

    def unchanged(self) -> Surroundings:
        """Watch, from now on, what is now as it was."""
        cells, *tables = self._now()
        before_cells, *before = self._before
        self.cells = [c for c, a, b in zip(self.cells, before_cells, cells, strict=True) if a == b]
        for (table, names), was, marks in zip(self.tables, before, tables, strict=True):
            kept = [n for n, a, b in zip(names, was, marks, strict=True) if a == b and n in table]
            if kept:
                get = operator.itemgetter(*kept) if len(kept) > 1 else _one(kept[0])
                self._watched.append((get, table, get(table)))
        # an attribute of its class that a module sets for itself, as eval() does, is a new entry
        self._sizes = [(table, len(table)) for table in self.modules]
        self._cells = [(cell, _content(cell)) for cell in self.cells]
        return self

    def hold(self) -> bool:
        """Whether everything that is watched is as it was."""
        for table, size in self._sizes:
            if len(table) != size:
                return False
        for cell, content in self._cells:
            if _mark(_content(cell)) != _mark(content):
                return False
        try:
            for get, table, was in self._watched:
                now = get(table)
                if not all(map(operator.is_, now, was)) and not _is_equal(now, was):
                    return False
        except KeyError:
            return False
        return True


def _is_equal(now: Any, was: Any) -> bool:
    return list(map(_mark, now)) == list(map(_mark, was))


def _one(name: str) -> Callable[[dict[str, Any]], tuple[Any]]:
    return lambda table: (table[name],)


def _mark(value: Any) -> Any:
    """A number by its value, anything else by its identity."""
    return value if type(value) in SIMPLE else id(value)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _look(value: Any, found: Surroundings, seen: set[int]) -> None:
    """Note what a function, a module or a container of them refers to."""
    if id(value) in seen or isinstance(value, SIMPLE):
        return
    seen.add(id(value))
    if isinstance(value, functools.partial):
        for each in (value.func, *value.args, *value.keywords.values()):
            _look(each, found, seen)
    elif isinstance(value, types.MethodType):
        _look(value.__func__, found, seen)
        _look(value.__self__, found, seen)
    elif isinstance(value, types.FunctionType):
        _look_in_function(value, found, seen)
    elif hasattr(value, "named_parameters") and hasattr(value, "modules"):
        for module in value.modules():
            seen.add(id(module))
            table = vars(module)
            found.tables.append((table, list(table)))
            found.modules.append(table)
    elif isinstance(value, (list, tuple)) and len(value) < 100:
        for each in value:
            _look(each, found, seen)


def _look_in_function(f: types.FunctionType, found: Surroundings, seen: set[int]) -> None:
    cells = list(f.__closure__ or ())
    found.cells += cells
    names = [name for name in _names(f.__code__) if name in f.__globals__]
    if names:
        found.tables.append((f.__globals__, names))
    defaults = [*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()]
    for value in (*defaults, *map(_content, cells), *(f.__globals__[name] for name in names)):
        module = (getattr(value, "__module__", None) or "").split(".")[0]
        if module not in ("numpy", "tinygrad_edu", "nn") or hasattr(value, "named_parameters"):
            _look(value, found, seen)


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
