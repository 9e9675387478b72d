"""Arguments as they come: in lists, tuples, dicts and dataclasses, chosen by position or name."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any


def _fields(structure: Any) -> list[str] | None:
    """The names of the fields of a dataclass, an attrs class or a pydantic model."""
    kind = type(structure)
    if hasattr(kind, "__attrs_attrs__"):
        return [field.name for field in kind.__attrs_attrs__]
    fields = getattr(kind, "__dataclass_fields__", None) or getattr(kind, "model_fields", None)
    return None if fields is None else list(fields)


def _parts(structure: Any) -> list[Any] | None:
    """What a container holds; None holds nothing; a leaf has no parts."""
    if structure is None:
        return []
    if isinstance(structure, Mapping):
        return list(structure.values())
    if isinstance(structure, (list, tuple)):
        return list(structure)
    fields = _fields(structure)
    return None if fields is None else [getattr(structure, name) for name in fields]


def flat(structure: Any) -> list[Any]:
    """The leaves of a nested structure, in order.

    >>> flat({"w": [1.0, 2.0], "b": (3.0, None)})
    [1.0, 2.0, 3.0]
    """
    parts = _parts(structure)
    return [structure] if parts is None else [leaf for part in parts for leaf in flat(part)]


def like(structure: Any, leaves: Iterator[Any]) -> Any:
    """The same structure with other leaves.

    >>> like({"w": [1.0, 2.0], "b": (3.0, None)}, iter("xyz"))
    {'w': ['x', 'y'], 'b': ('z', None)}
    """
    parts = _parts(structure)
    if parts is None:
        return next(leaves)
    if structure is None:
        return None
    filled = [like(part, leaves) for part in parts]
    if isinstance(structure, Mapping):
        return _mapping(structure, dict(zip(structure, filled, strict=True)))
    if hasattr(structure, "_make"):  # a named tuple
        return structure._make(filled)
    if isinstance(structure, (list, tuple)):
        return type(structure)(filled)
    fields = dict(zip(_fields(structure) or (), filled, strict=True))
    if hasattr(structure, "model_copy"):  # pydantic
        return structure.model_copy(update=fields)
    fresh = object.__new__(type(structure))
    for name, value in fields.items():
        object.__setattr__(fresh, name, value)
    return fresh


def _mapping(structure: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    """A mapping of the same type, also of a subclass whose constructor is not dict's."""
    if type(structure) is dict:
        return items
    if not isinstance(structure, MutableMapping):
        return type(structure)(items)  # type: ignore[call-arg]
    fresh = copy.copy(structure)
    fresh.update(items)
    return fresh


def paths(structure: Any, root: str) -> list[str]:
    """What to call each leaf.

    >>> paths({"w": [1.0, 2.0], "b": 3.0}, "p")
    ["p['w'][0]", "p['w'][1]", "p['b']"]
    """
    parts = _parts(structure)
    if parts is None:
        return [root]
    keys: list[str] = [f"[{key!r}]" for key in structure] if isinstance(structure, Mapping) else []
    if isinstance(structure, (list, tuple)):
        keys = [f".{key}" for key in getattr(structure, "_fields", ())]
        keys = keys or [f"[{i}]" for i in range(len(parts))]
    keys = keys or [f".{key}" for key in _fields(structure) or ()]
    return [path for key, part in zip(keys, parts, strict=True) for path in paths(part, root + key)]


def matching(what: str, value: Any, structure: Any) -> list[Any]:
    """The leaves of `value`, one for each of the structure's. Raises ValueError if they differ.

    >>> matching("g", [[1.0, 2.0], 3.0], ["x", "y"])
    [[1.0, 2.0], 3.0]
    """
    parts, given = _parts(structure), _parts(value)
    if parts is None:
        return [value]
    if isinstance(structure, Mapping) and isinstance(value, Mapping):
        given = [value[key] for key in structure if key in value]
    if given is None or len(given) != len(parts) or len(given) != len(_parts(value) or ()):
        raise ValueError(
            f"{what} must have the structure of {_form(structure)}, not {_form(value)}"
        )
    return [leaf for v, s in zip(given, parts, strict=True) for leaf in matching(what, v, s)]


def _form(structure: Any) -> str:
    """The outermost level of a structure, in words."""
    kind = type(structure).__name__
    if isinstance(structure, Mapping):
        return f"a {kind} of {', '.join(map(repr, structure))}"
    parts = _parts(structure)
    return f"a {kind}" if parts is None else f"a {kind} of {len(parts)}"


# -------------------------------------------------------------------- choosing arguments


def choice(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    argnums: Any,
    argnames: Any,
) -> tuple[bool, list[Any]]:
    """Whether one argument was chosen by itself, and where each is: a position or a keyword.

    >>> choice(lambda x, y: x, (1.0,), {"y": 2.0}, (0, 1), None)
    (False, [0, 'y'])
    """
    if argnums is None and argnames is None:
        argnums = 0
    numbers = list(argnums or ()) if isinstance(argnums, (Sequence, type(None))) else [argnums]
    names = [argnames] if isinstance(argnames, str) else list(argnames or ())
    keys = [position(f, args, kwargs, chosen) for chosen in [*numbers, *names]]
    if len(set(keys)) < len(keys):
        raise ValueError(f"argnums={argnums} and argnames={argnames!r} choose an argument twice")
    several = isinstance(argnums, Sequence) or not isinstance(argnames, (str, type(None)))
    return len(keys) == 1 and not several, keys


def position(
    f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], chosen: Any
) -> Any:
    """Where the argument with a number or a name was given. Raises TypeError if it was not."""
    by_name = isinstance(chosen, str)
    if by_name and chosen in kwargs:
        return chosen
    if not by_name and -len(args) <= chosen < len(args):
        return int(chosen) % len(args)
    names = parameters(f)
    if by_name and chosen in names[: len(args)]:
        return names.index(chosen)
    if not by_name and 0 <= chosen < len(names) and names[chosen] in kwargs:
        return names[chosen]
    raise TypeError(
        f"argument {chosen!r} of {name(f)}() was chosen for a derivative and not given; given were "
        f"{len(args)} by position" + (f", and by keyword {', '.join(kwargs)}" if kwargs else "")
    )


def parameters(f: Callable[..., Any]) -> list[str]:
    """The names of a function's parameters but for *args and **kwargs, as far as they are known."""
    try:
        found = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def name(f: Callable[..., Any]) -> str:
    """What to call a function."""
    return getattr(f, "__name__", type(f).__name__)
