"""What layers with parameters share: initial values, and arguments shown again."""

from __future__ import annotations

from typing import Any

from ..function_module import described
from ..functional.options import parameters
from ..init import Initializer, initial
from ..module import Module, Output, Parameter, get_default_dtype

__all__ = ["Layer", "parameter"]


class Layer(Module[Output]):
    """A module whose repr shows the arguments it was made with, less those at their defaults."""

    def extra_repr(self) -> str:
        positional, by_name = parameters(type(self).__init__)
        defaults = positional | by_name
        del defaults["self"]
        return described(self, defaults)


def parameter(init: str | Initializer, shape: tuple[int, ...], dtype: Any) -> Parameter:
    """A parameter of initial values, of nn's default dtype unless one is given."""
    return Parameter(initial(init, shape, dtype or get_default_dtype()))
