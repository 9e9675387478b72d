"""Functions as modules: `class LeakyReLU(FunctionModule, of=ops.leaky_relu)` and its options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tinygrad_edu.errors import LOCATED, locate

from .functional.options import REQUIRED, Rule, parameters
from .module import Module
from .validation import boolean, number

if TYPE_CHECKING:
    from inspect import Signature

    from typing_extensions import dataclass_transform as dataclass_transform
else:

    def dataclass_transform(**options: Any) -> Any:
        """Tells type checkers that a class's annotated names are its constructor's arguments."""
        return lambda cls: cls


__all__ = ["FunctionModule"]

_AXES = ("axis", "start_axis")


def described(module: Module[Any], defaults: Mapping[str, Any], terse: bool = True) -> str:
    """The arguments a module was made with, if `terse` less those at their defaults."""
    shown = []
    for name, default in defaults.items():
        value = getattr(module, name, default)
        if name == "bias":  # a parameter or None
            value = value is not None and value is not False
        text = " ".join(repr(value).split())  # an array on one line
        usual = repr((default,) * len(value) if isinstance(value, tuple) else default)
        if default is REQUIRED or not (terse and text == usual):
            shown.append(text if default is REQUIRED else f"{name}={text}")
    return ", ".join(shown)


def _signature(cls: Any) -> Signature:
    """The constructor's parameters: the options of the class."""
    from inspect import Parameter, Signature

    options = [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY if name in cls._by_name else Parameter.POSITIONAL_OR_KEYWORD,
            default=Parameter.empty if default is REQUIRED else default,
        )
        for name, default in cls._options.items()
    ]
    return Signature(sorted(options, key=lambda option: option.kind))


class _Shown:
    """What `inspect.signature` and `help` show of a class."""

    def __get__(self, instance: Any, cls: Any) -> Signature | None:
        own = instance is None and cls.__init__ is FunctionModule.__init__
        return _signature(cls) if own else None


@dataclass_transform()
class FunctionModule(Module):
    """A function as a module: its options are given when it is made, its inputs when it is called.

    The annotated names of the class are options of the function, with their defaults, and are kept
    as attributes.  With `kw_only=True`, those of this class are given by name only.

    >>> from tinygrad_edu import Tensor
    >>> class Scaled(FunctionModule, of=lambda x, scale: x * scale):
    ...     scale: float = 2.0
    >>> Scaled(3.0), float(Scaled(3.0)(Tensor(2.0)))
    (Scaled(scale=3.0), 6.0)
    """

    __signature__ = _Shown()
    _function: ClassVar[Callable[..., Any]]
    _rules: ClassVar[tuple[Rule, ...]] = ()
    _options: ClassVar[Mapping[str, Any]] = {}
    _by_name: ClassVar[frozenset[str]] = frozenset()
    _inputs: ClassVar[int]  # so many come before the options, if these follow in order; else -1
    _terse: ClassVar[bool] = False  # whether the repr leaves out options at their defaults

    def __init_subclass__(cls, of: Callable[..., Any] | None = None, kw_only: bool = False) -> None:
        super().__init_subclass__()
        own = [name for name in cls.__annotations__ if name[0] != "_"]
        cls._options = {**cls._options, **{name: vars(cls).get(name, REQUIRED) for name in own}}
        cls._by_name = cls._by_name.union(own if kw_only else ())
        of = of or getattr(cls, "_function", None)
        if of is None:
            return
        cls._rules = getattr(of, "rules", cls._rules)
        cls._function = staticmethod(getattr(of, "unchecked", of))
        positional, by_name = parameters(of)
        names, options = [*positional, *by_name], [*cls._options]
        if unknown := [name for name in options if name not in names]:
            raise TypeError(
                f"{cls.__name__}: {of.__name__}({', '.join(names)}) has no parameter {unknown[0]}"
            )
        names = [*positional]
        first = next((i for i, name in enumerate(names) if name in options), 1)
        cls._inputs = first if names[first : first + len(options)] == options else -1

    def __init__(self, *args: Any, **options: Any) -> None:
        signature = _signature(type(self))
        try:
            given = signature.bind(*args, **options)
        except TypeError as error:
            raise locate(TypeError(f"{type(self).__name__}{signature}: {error}")) from None
        given.apply_defaults()
        self._bind(given.arguments)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._options:
            self._bind({name: value})
        else:
            super().__setattr__(name, value)

    def _may_lack(self, name: str) -> bool:
        """Whether an option may be None."""
        annotations = (getattr(kind, "__annotations__", {}) for kind in type(self).__mro__)
        return any("None" in str(each.get(name, "")) for each in annotations)

    def _bind(self, options: Mapping[str, Any]) -> None:
        """Check the options once, and keep them, for the calls and as attributes."""
        bound = {**self._options, **vars(self).get("_bound", {}), **options}
        try:
            for name, value in options.items():
                default = self._options[name]
                if isinstance(default, bool):
                    boolean(name, value)
                elif isinstance(default, float) and not (value is None and self._may_lack(name)):
                    number(name, value)
                elif name in _AXES and not isinstance(value, (int, np.integer, type(default))):
                    raise TypeError(f"{name} must be an integer, not {value!r}")
            for rule in self._rules:
                rule(bound)
        except LOCATED as error:
            raise locate(error, type(self).__name__) from error.__cause__
        for name, value in options.items():
            super().__setattr__(name, value)
        self._bound = bound

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """The function of the inputs."""
        if len(inputs) == self._inputs and not named:
            return self._function(*inputs, *self._bound.values())
        return self._function(*inputs, **named, **self._bound)

    def extra_repr(self) -> str:
        return described(self, self._options, self._terse)
