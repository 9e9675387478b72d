"""Module: a part of a network that holds parameters and other modules, visible as attributes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic

import numpy as np

from tinygrad_edu import Tensor, scope
from tinygrad_edu.errors import LOCATED, locate

from .casting import cast, floating
from .casting import cast_like as cast_like
from .habits import MODULE
from .hidden import CONTAINERS, holds_any, refuse_hidden
from .hooks import Hooked, as_tensors
from .numbered import Numbered
from .parameter import Parameter, forget_gradient, get_default_dtype, set_default_dtype
from .state_dict import KeyDifference, key_difference
from .validation import (
    TOO_DEEP,
    KeywordsChecked,
    boolean,
    keywords_checked,
    several_values,
    unexpected,
)  # fmt: skip

if TYPE_CHECKING:
    from typing_extensions import Self, TypeVar

    Output = TypeVar("Output", default=Tensor)
else:
    from typing import TypeVar

    Output = TypeVar("Output")

__all__ = [
    "Module", "ModuleList", "Parameter", "Regularized", "Sequential", "get_default_dtype",
    "set_default_dtype",
]  # fmt: skip


class Module(Hooked, KeywordsChecked, Generic[Output]):
    """A part of a network: assign Parameters and Modules to attributes and define `forward`.

    A list or tuple of Modules assigned to an attribute becomes a `ModuleList`, so that its
    parameters are found; any other container that holds modules or parameters is a TypeError, when
    it is assigned or, if it was filled later, when the parameters are asked for.
    Calling the module turns arrays into constant Tensors, calls `forward` and returns Tensors.
    To a type checker a module returns one Tensor; one that returns something else says so, as in
    `class Pair(nn.Module[tuple[Tensor, Tensor]])`.

    >>> import nn
    >>> class Twice(nn.Module):
    ...     def __init__(self):
    ...         self.inner = nn.Dense(3, 3)
    ...     def forward(self, x):
    ...         return self.inner(self.inner(x))
    >>> [name for name, _ in Twice().named_parameters()]
    ['inner.weight', 'inner.bias']
    """

    training: bool = True
    _rests: bool = False  # whether a Trainer leaves it in evaluation mode
    _fitted: bool = False  # whether a Trainer was the last to put it into training mode
    _name: str = ""
    _buffers: tuple[str, ...] = ()
    _transposed: tuple[str, ...] = ()  # parameters that PyTorch holds the other way round

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """What the module computes; defined by each kind of module."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward(self, x)")

    def __call__(self, *inputs: Any, **options: Any) -> Output:
        for x in inputs:
            if isinstance(x, np.ndarray):
                inputs = as_tensors(inputs)
                break
        forward = self.forward
        for around in self._around:
            forward = functools.partial(around, self, forward)
        with scope(self._name):
            try:
                output = forward(*inputs, **options)
            except LOCATED as error:
                wrong = unexpected(type(self).__name__, self.forward, options) if options else None
                raise locate(wrong or error) from error.__cause__
            except RecursionError as error:
                if "maximum recursion" in str(error):  # Python's own
                    raise RecursionError(TOO_DEEP) from None
                raise
        return Tensor(output) if isinstance(output, np.ndarray) else output  # type: ignore[return-value]

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            if value.name is None:
                value.name = name
        elif isinstance(vars(self).get(name), Parameter) and value is not None:
            raise TypeError(
                f"{type(self).__name__}.{name} is a Parameter and can be replaced only by one; "
                f"to change its values write module.{name}.data[...] = array"
            )
        elif (
            isinstance(value, (list, tuple)) and value and all(isinstance(m, Module) for m in value)
        ):
            value = ModuleList(value)
        elif isinstance(value, CONTAINERS) and holds_any(value, _KINDS):
            raise TypeError(
                f"{type(self).__name__}.{name}: modules and parameters in a {type(value).__name__} "
                "would not be found; write nn.ModuleList, nn.ModuleDict, nn.ParameterList or "
                "nn.ParameterDict of them, or give each an attribute of its own"
            )
        elif name in self._buffers and value is not None:
            value = np.asarray(value)
        if isinstance(value, Module):
            value._rename(name)
        object.__setattr__(self, name, value)

    if not TYPE_CHECKING:  # or type checkers would take any attribute

        def __getattr__(self, name: str) -> Any:
            hint = f"; write {MODULE[name]}" if name in MODULE else ""
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}{hint}", name=name, obj=self
            )

    def _rename(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    # ---------------------------------------------------------------- what it holds

    def named_children(self) -> Iterator[tuple[str, Module[Any]]]:
        """The modules directly inside, with their names."""
        return ((k, v) for k, v in vars(self).items() if isinstance(v, Module))

    def _refuse_hidden(self) -> None:
        """Raise TypeError for modules and parameters that no walk would find."""
        refuse_hidden((module for _, module in self._walk()), _KINDS)

    def _walk(self, prefix: str = "") -> Iterator[tuple[str, Module[Any]]]:
        stack: list[tuple[str, Module[Any]]] = [(prefix, self)]
        while stack:  # no recursion, for modules nested deeply
            path, module = stack.pop()
            yield path, module
            if path.count(".") > 10_000:
                raise RecursionError("a module holds itself, without end")
            stack += reversed([(f"{path}{k}.", child) for k, child in module.named_children()])

    def named_modules(self) -> Iterator[tuple[str, Module[Any]]]:
        """This module ('') and all inside it, each once, with their dotted paths."""
        return _each_once((path[:-1], module) for path, module in self._walk())

    def _named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        for path, module in self._walk():
            for name, value in vars(module).items():
                if isinstance(value, Parameter):
                    yield path + name, value

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Every parameter inside, each once, with its dotted path."""
        self._refuse_hidden()
        return _each_once(self._named_parameters())

    def parameters(self) -> Iterator[Parameter]:
        """Every parameter inside, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def modules(self) -> Iterator[Module[Any]]:
        """This module and all inside it, each once."""
        return (module for _, module in self.named_modules())

    def children(self) -> Iterator[Module[Any]]:
        """The modules directly inside."""
        return (module for _, module in self.named_children())

    def buffers(self) -> Iterator[np.ndarray]:
        """Every buffer inside."""
        return (buffer for _, buffer in self.named_buffers())

    def apply(self, function: Callable[[Module[Any]], Any]) -> Self:
        """Call a function of each module: those inside before the one that holds them."""
        for module in reversed(list(self.modules())):
            function(module)
        return self

    @keywords_checked
    def register_buffer(self, name: str, value: Any) -> None:
        """An array that belongs to the state but is not trained, such as running statistics."""
        self._buffers = (*self._buffers, name)
        setattr(self, name, np.asarray(value))

    def named_buffers(self) -> Iterator[tuple[str, np.ndarray]]:
        """Every buffer inside, with its dotted path."""
        for path, module in self._walk():
            for name in module._buffers:
                yield path + name, getattr(module, name)

    # ---------------------------------------------------------------- its state

    def _arrays(self) -> dict[str, np.ndarray]:
        """Every parameter's and buffer's values by path; a shared one under each path."""
        self._refuse_hidden()
        return {path: p.data for path, p in self._named_parameters()} | dict(self.named_buffers())

    def state_dict(self) -> dict[str, np.ndarray]:
        """A copy of every parameter's and buffer's values by path; a shared one under each path."""
        return {path: np.array(values) for path, values in self._arrays().items()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> KeyDifference:
        """Set every parameter and buffer to the values of a `state_dict`, or of `nn.load`.

        Raises ValueError, with all that differs, for missing or unexpected paths (unless
        `strict=False`, which returns them) and for other shapes; nothing is changed then.
        """
        given: Mapping[str, Any] = getattr(state, "state", state)  # of what nn.load returns
        if not isinstance(given, Mapping):
            raise TypeError(
                "load_state_dict takes what state_dict() returned, not a "
                f"{type(state).__name__}; to read a file write nn.load(path, model)"
            )
        own, state = self._arrays(), {path: np.asarray(value) for path, value in given.items()}
        opening = f"the state does not fit {type(self).__name__}:"
        difference = key_difference(opening, own, state, strict)
        for path in own.keys() & state.keys():
            own[path][...] = state[path]
        for path, parameter in self._named_parameters():
            if path in state:
                parameter.mark_changed()
        return difference

    def to(self, dtype: Any) -> Self:
        """Cast all floating parameters and buffers, in place: `model.to(np.float64)`.

        Optimizers cast what they keep at their next step.  As all runs on the CPU, "cpu" is taken
        and changes nothing.  Raises ValueError for other devices, TypeError for other types.

        >>> import nn, numpy as np
        >>> nn.Dense(3, 2).to(np.float64)(np.ones(3)).dtype
        dtype('float64')
        """
        given = floating(dtype)
        if given is not None:
            cast(self, given)
        return self

    def float(self) -> Self:
        """Cast to float32; see `to`."""
        return self.to(np.float32)

    def double(self) -> Self:
        """Cast to float64; see `to`."""
        return self.to(np.float64)

    def half(self) -> Self:
        """Cast to float16; see `to`."""
        return self.to(np.float16)

    def train(self, mode: bool = True) -> Self:
        """Switch to training, in which Dropout drops and BatchNorm learns its statistics."""
        if not isinstance(mode, (bool, np.bool)):
            raise TypeError(
                "train(True) or train(False) switches the mode; to fit data write "
                "nn.Trainer(model, loss, optimizer).fit((x, y))"
            )
        self._fitted = self._fitted and not mode
        for _, module in self._walk():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch to evaluation; the opposite of `train()`."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: each becomes None, or with `set_to_none=False` zero."""
        for _, parameter in self._named_parameters():
            forget_gradient(parameter, set_to_none)

    def penalty(self) -> Tensor:
        """Σ λ/2 ‖W‖² over the layers that were given `l2=λ`: what to add to the loss.

        >>> import nn
        >>> layer = nn.Dense(2, 1, init="ones", l2=0.5)
        >>> float(layer.penalty())
        0.5
        """
        layers = [m for _, m in self.named_modules() if isinstance(m, Regularized) and m.l2]
        terms = [(layer.weight * layer.weight).sum() * (layer.l2 / 2) for layer in layers]
        return sum(terms[1:], terms[0]) if terms else Tensor(0.0)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze (False) or unfreeze all parameters."""
        requires_grad = boolean("requires_grad", requires_grad)
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    # ---------------------------------------------------------------- how it looks

    def extra_repr(self) -> str:
        """What stands between the parentheses of the repr of a module without children."""
        return ""

    def __repr__(self) -> str:
        try:
            children = [f"({name}): {child!r}" for name, child in self.named_children()]
        except RecursionError:
            children = ["... modules nested too deeply to be shown"]
        if not children:
            return f"{type(self).__name__}({self.extra_repr()})"
        body = "\n".join(children).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {body}\n)"


class Regularized(Module):
    """The base of layers with an option `l2`: l2/2 ‖weight‖² is part of a model's `penalty()`."""

    weight: Parameter
    l2: float = 0.0


_KINDS = (Module, Parameter)


def _each_once(pairs: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    seen: set[int] = set()
    for path, value in pairs:
        if id(value) not in seen:
            seen.add(id(value))
            yield path, value


class ModuleList(Numbered, Module):
    """Modules in a list, found under their numbers; it computes nothing itself."""

    _holds = Module

    def __init__(self, modules: Iterable[Module[Any]] = ()) -> None:
        self.extend(modules)

    def _rename(self, name: str) -> None:
        super()._rename(name)
        for key, child in self.named_children():
            child._rename(f"{name}.{key}" if name else key)


class Sequential(Numbered, Module):
    """Modules one after the other.

    >>> import nn
    >>> nn.Sequential(nn.Dense(4, 8), nn.ReLU(), nn.Dense(8, 3))
    Sequential(
      (0): Dense(4, 8)
      (1): ReLU()
      (2): Dense(8, 3)
    )
    """

    _holds = Module

    def __init__(self, *modules: Module[Any]) -> None:
        self.extend(modules)

    def forward(self, x: Any) -> Any:
        for name, module in self.named_children():
            try:
                x = module(x)
            except (AttributeError, TypeError) as error:
                if not isinstance(x, tuple):
                    raise
                raise TypeError(
                    f"{several_values(f'layer {name} ({type(module).__name__})')}; put "
                    "nn.Lambda(lambda values: values[0]) before it, or values[0][:, -1] for the "
                    "last step alone"
                ) from error
        return x
