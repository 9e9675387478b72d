"""Modules and parameters in containers where no walk finds them: refused with what to write."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterator
from typing import Any, cast

import numpy as np

__all__ = ["CONTAINERS", "holds_any", "refuse_hidden"]

CONTAINERS = (dict, list, tuple, set, frozenset, deque, np.ndarray)
Kinds = tuple[type, ...]


def holds_any(value: Any, kinds: Kinds) -> bool:
    """Whether a container holds an instance of these kinds, somewhere inside."""
    if isinstance(value, np.ndarray):
        value = value.ravel().tolist() if value.dtype == object else ()
    elif isinstance(value, dict):
        value = (*value.keys(), *value.values())
    for each in value:
        if isinstance(each, kinds) or (isinstance(each, CONTAINERS) and holds_any(each, kinds)):
            return True
    return False


def refuse_hidden(modules: Iterator[Any], kinds: Kinds) -> None:
    """Raise TypeError if an attribute of the modules holds some of these kinds in a container."""
    for module in modules:
        own, cls = vars(module), cast(Any, type(module))
        for name, value in own.items():
            if isinstance(value, CONTAINERS) and holds_any(value, kinds):
                raise TypeError(
                    f"{cls.__name__}.{name}: modules and parameters in a {type(value).__name__} "
                    f"are not found; start with self.{name} = nn.ModuleList() and append to that "
                    "(there are nn.ModuleDict, nn.ParameterList and nn.ParameterDict, too), or "
                    "assign a list of modules when it is complete"
                )
        for name in _containers_of_class(cls, kinds):
            if name not in own and holds_any((getattr(module, name),), kinds):
                raise TypeError(
                    f"{cls.__name__}.{name} belongs to the class, where its parameters are not "
                    f"found and all instances would share them; assign self.{name} in __init__"
                )


@functools.cache
def _containers_of_class(cls: type[Any], kinds: Kinds) -> list[str]:
    """The attributes of the class itself that hold these kinds, or could come to hold them."""
    values = {k: v for each in cls.__mro__[::-1] for k, v in vars(each).items() if k[:2] != "__"}
    held = {k: v for k, v in values.items() if isinstance(v, (*kinds, *CONTAINERS))}
    return [k for k, v in held.items() if not isinstance(v, tuple) or holds_any(v, kinds)]
