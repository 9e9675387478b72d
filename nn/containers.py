"""Containers by name, and of parameters: ModuleDict, ParameterList, ParameterDict."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any

from .module import Module
from .numbered import Numbered
from .parameter import Parameter

__all__ = ["ModuleDict", "ParameterDict", "ParameterList"]


def _name_parameters(module: Module[Any], name: str) -> None:
    """Call the parameters of a container by its name and their keys, as in "weights.0"."""
    for key, value in vars(module).items():
        if isinstance(value, Parameter) and value.name in (None, key):
            value.name = f"{name}.{key}"


class ParameterList(Numbered, Module):
    """Parameters in a list, found under their numbers.

    >>> import nn, numpy as np
    >>> class Polynomial(nn.Module):
    ...     def __init__(self, degree):
    ...         self.w = nn.ParameterList(nn.Parameter(1.0) for _ in range(degree + 1))
    ...     def forward(self, x):
    ...         return sum(w * x**i for i, w in enumerate(self.w))
    >>> [name for name, _ in Polynomial(2).named_parameters()]
    ['w.0', 'w.1', 'w.2']
    >>> float(Polynomial(2)(np.array(3.0)))
    13.0
    """

    _holds = Parameter

    def __init__(self, parameters: Iterable[Parameter] = ()) -> None:
        self.extend(parameters)

    def _rename(self, name: str) -> None:
        super()._rename(name)
        if name:
            _name_parameters(self, name)

    def extra_repr(self) -> str:
        return ", ".join(str(parameter.shape) for parameter in self)


class _Named(Module):
    """Modules, or parameters, found under names, in the order in which they were added."""

    _holds: type[Any]

    def _held(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if isinstance(value, self._holds)}

    def __setitem__(self, name: str, value: Any) -> None:
        own, kind = type(self).__name__, self._holds.__name__
        if not isinstance(name, str):
            raise TypeError(f"the names in a {own} are text, not {name!r}")
        if not name or "." in name or hasattr(type(self), name):
            raise ValueError(f"{own} cannot call a {kind.lower()} {name!r}; give it another name")
        if not isinstance(value, self._holds):
            remedy = "; write nn.ReLU() with parentheses" if isinstance(value, type) else ""
            given = type(value).__name__
            raise TypeError(f"{own} takes {kind.lower()}s, and {name!r} is a {given}{remedy}")
        setattr(self, name, value)
        self._rename(self._name)

    def __getitem__(self, name: str) -> Any:
        held = self._held()
        if name not in held:
            raise KeyError(f"{type(self).__name__} holds no {name!r}, but {', '.join(held)}")
        return held[name]

    def __delitem__(self, name: str) -> None:
        self[name]
        delattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in self._held()

    def __len__(self) -> int:
        return len(self._held())

    def __iter__(self) -> Iterator[str]:
        return iter(self._held())

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._held().keys()

    def values(self) -> ValuesView[Any]:
        """What stands under the names."""
        return self._held().values()

    def items(self) -> ItemsView[str, Any]:
        """The names, with what stands under them."""
        return self._held().items()

    def update(self, others: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add several, or put them in the place of those of the same names."""
        for name, value in dict(others).items():
            self[name] = value

    def pop(self, name: str) -> Any:
        """Take one out and return it."""
        value = self[name]
        del self[name]
        return value


class ModuleDict(_Named):
    """Modules under names; it computes nothing itself.

    >>> import nn
    >>> heads = nn.ModuleDict({"species": nn.Dense(8, 3), "length": nn.Dense(8, 1)})
    >>> heads["length"], "species" in heads, [name for name, _ in heads.named_parameters()][0]
    (Dense(8, 1), True, 'species.weight')
    """

    _holds = Module

    def __init__(self, modules: Mapping[str, Module[Any]] | Iterable[tuple[str, Any]] = ()) -> None:
        self.update(modules)

    def _rename(self, name: str) -> None:
        super()._rename(name)
        for key, child in self.named_children():
            child._rename(f"{name}.{key}" if name else key)


class ParameterDict(_Named):
    """Parameters under names.

    >>> import nn
    >>> line = nn.ParameterDict({"slope": nn.Parameter(2.0), "offset": nn.Parameter(1.0)})
    >>> float(line["slope"] * 3.0 + line["offset"])
    7.0
    """

    _holds = Parameter

    def __init__(
        self, parameters: Mapping[str, Parameter] | Iterable[tuple[str, Any]] = ()
    ) -> None:
        self.update(parameters)

    def _rename(self, name: str) -> None:
        super()._rename(name)
        if name:
            _name_parameters(self, name)

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={parameter.shape}" for name, parameter in self.items())
