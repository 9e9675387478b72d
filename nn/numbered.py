"""Containers by number: what lists of modules and of parameters share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Numbered"]


class Numbered:
    """Modules, or parameters, found under their numbers."""

    _holds: type[Any]
    _name: str
    _rename: Callable[[str], None]

    def _held(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if isinstance(value, self._holds)}

    def _check(self, number: int, value: Any) -> None:
        if not isinstance(value, self._holds):
            own, given = type(self).__name__, type(value).__name__
            remedy = "; write nn.ReLU() with parentheses" if isinstance(value, type) else ""
            if isinstance(value, (list, tuple, dict)) and not number:
                remedy = f"; write {own}(*modules{'.values()' * isinstance(value, dict)})"
            kind = f"{self._holds.__name__.lower()}s"
            raise TypeError(f"{own} takes {kind}, and number {number} is a {given}{remedy}")

    def _refill(self, values: Iterable[Any]) -> None:
        values, held = list(values), self._held()
        for i, value in enumerate(values):
            self._check(i, value)
        names = {id(value): name for name, value in held.items() if not name.isdigit()}
        for name in held:
            object.__delattr__(self, name)
        for i, value in enumerate(values):
            setattr(self, names.get(id(value), str(i)), value)
        self._rename(self._name)

    def __len__(self) -> int:
        return len(self._held())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._held().values())

    def __getitem__(self, index: Any) -> Any:
        """What has a number, or for a slice a container of its own."""
        chosen = list(self)[index]
        if not isinstance(index, slice):
            return chosen
        part = next(kind for kind in type(self).__mro__ if Numbered in kind.__bases__)()
        for i, value in enumerate(chosen):
            object.__setattr__(part, str(i), value)  # shared, and under its old name in graphs
        return part

    def __setitem__(self, index: int, value: Any) -> None:
        name = list(self._held())[index]
        self._check(index, value)
        setattr(self, name, value)
        self._rename(self._name)

    def __delitem__(self, index: int | slice) -> None:
        values = list(self)
        del values[index]
        self._refill(values)

    def append(self, value: Any) -> Self:
        """Add one at the end; returns the container."""
        return self.extend([value])

    def insert(self, index: int, value: Any) -> Self:
        """Add one before another; those after it get other numbers.  Returns the container."""
        values = list(self)
        values.insert(index, value)
        self._refill(values)
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add several at the end; returns the container."""
        numbered = list(enumerate(values, len(self)))
        for i, value in numbered:
            self._check(i, value)
        for i, value in numbered:
            setattr(self, str(i), value)
        self._rename(self._name)
        return self
