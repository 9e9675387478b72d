"""Functions as modules: the activations of `tinygrad_edu.ops`, and any other by `Lambda`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu import Tensor, ops
from tinygrad_edu.errors import place

from .module import Module, Parameter, get_default_dtype, like
from .names import unknown, whole

__all__ = [
    "ELU", "GELU", "SELU", "Hardtanh", "Identity", "Lambda", "LeakyReLU", "LogSigmoid",
    "LogSoftmax", "Mish", "PReLU", "ReLU", "SiLU", "Sigmoid", "Softmax", "Softplus", "Softsign",
    "Tanh", "activation",
]  # fmt: skip


class Activation(Module):
    """A function as a module: `class Name(Activation, of=function)`.

    The parameters of the class's constructor are the function's arguments after x, in its order,
    and are kept as attributes.

    >>> class Scaled(Activation, of=lambda x, scale: x * scale):
    ...     def __init__(self, scale=2.0):
    ...         self.scale = scale
    >>> Scaled(3.0), float(Scaled(3.0)(Tensor(2.0)))
    (Scaled(scale=3.0), 6.0)
    """

    _function: ClassVar[Callable[..., Any]]
    _options: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, of: Callable[..., Any] | None = None) -> None:
        if of is not None:
            code = getattr(vars(cls).get("__init__"), "__code__", None)
            cls._function = staticmethod(of)
            cls._options = code.co_varnames[1 : code.co_argcount] if code else ()

    def forward(self, x: Tensor) -> Tensor:
        """The function of x."""
        y: Tensor = self._function(x, *(getattr(self, name) for name in self._options))
        return y

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in self._options)


# -------------------------------------------------------------------- bent at 0


class ReLU(Activation, of=ops.relu):
    """max(x, 0), elementwise (Nair and Hinton, 2010).

    >>> import numpy as np
    >>> ReLU()(np.array([-1.0, 2.0]))
    Tensor([0., 2.])
    """


class LeakyReLU(Activation, of=ops.leaky_relu):
    """x if x > 0 else negative_slope · x, elementwise, so that no unit dies (Maas et al., 2013)."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope


class ELU(Activation, of=ops.elu):
    """x if x > 0 else alpha (eˣ - 1), elementwise (Clevert et al., 2016)."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha


class SELU(Activation, of=ops.selu):
    """1.05 times ELU with alpha 1.67: keeps mean 0 and variance 1 (Klambauer et al., 2017)."""


class Hardtanh(Activation, of=ops.hardtanh):
    """x between min_val and max_val, elementwise.  Raises ValueError unless min_val < max_val."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        if not min_val < max_val:
            raise ValueError(f"Hardtanh: min_val={min_val} is not below max_val={max_val}")
        self.min_val, self.max_val = min_val, max_val


# -------------------------------------------------------------------- smooth


class GELU(Activation, of=ops.gelu):
    """x Φ(x), Φ the normal distribution function, elementwise (Hendrycks and Gimpel, 2016).

    `approximate="tanh"` is the formula by tanh that GPT-2 has; raises ValueError for other names.
    """

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate is 'none' or 'tanh', not {approximate!r}")
        self.approximate = approximate


class SiLU(Activation, of=ops.silu):
    """x σ(x), elementwise, also called swish (Ramachandran et al., 2017)."""


class Mish(Activation, of=ops.mish):
    """x tanh(ln(1 + eˣ)), elementwise (Misra, 2019)."""


class Softplus(Activation, of=ops.softplus):
    """ln(1 + eᵝˣ) / β, elementwise: a smooth ReLU.  Raises ValueError unless beta > 0."""

    def __init__(self, beta: float = 1.0) -> None:
        if not beta > 0:
            raise ValueError(f"Softplus: beta must be positive, and is {beta}")
        self.beta = beta


class Softsign(Activation, of=ops.softsign):
    """x / (1 + |x|), elementwise."""


class Tanh(Activation, of=ops.tanh):
    """tanh x, elementwise."""


class Sigmoid(Activation, of=ops.sigmoid):
    """1 / (1 + e⁻ˣ), elementwise: the probability of one class against the other."""


class LogSigmoid(Activation, of=ops.logsigmoid):
    """ln σ(x) = -ln(1 + e⁻ˣ), elementwise, stable where σ(x) is 0."""


# -------------------------------------------------------------------- along an axis


class Softmax(Activation, of=ops.softmax):
    """eˣ / Σ eˣ along an axis: probabilities.  `CrossEntropyLoss` wants the logits before it."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis


class LogSoftmax(Activation, of=ops.log_softmax):
    """x - ln Σ eˣ along an axis: logarithms of probabilities."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis


# -------------------------------------------------------------------- the others


class PReLU(Module):
    """x if x > 0 else a x, where the slope a is learned (He et al., 2015).

    `weight`, of shape (num_parameters,), holds one slope, or one for each channel on axis 1, and
    starts at `init`.  Raises ValueError for an input with another number of channels.

    >>> import numpy as np
    >>> PReLU(init=0.5)(np.array([-1.0, 2.0]))
    Tensor([-0.5,  2. ], dtype=float32, op=<where>)
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *, dtype: Any = None) -> None:
        self.num_parameters = whole("PReLU: num_parameters", num_parameters)
        self.weight = Parameter(np.full(self.num_parameters, init, dtype or get_default_dtype()))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        x = like(x, self.weight)
        slope: Tensor = self.weight
        if self.num_parameters > 1:
            if x.ndim < 2 or x.shape[1] != self.num_parameters:
                raise ValueError(
                    f"PReLU: expected {self.num_parameters} channels on axis 1 of the input, and "
                    f"was given shape {x.shape}{place()}"
                )
            slope = slope.reshape((-1, *(1,) * (x.ndim - 2)))
        return ops.where(x > 0, x, x * slope)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Identity(Module):
    """x, unchanged: where a module must stand and nothing is to happen."""

    def forward(self, x: Any) -> Any:
        """x itself."""
        return x


class Lambda(Module):
    """Any function as a module.  Raises TypeError for what cannot be called.

    >>> import numpy as np
    >>> Lambda(np.square)(np.array([1.0, 2.0]))
    Tensor([1., 4.])
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise TypeError(f"Lambda takes a function, not {type(function).__name__}")
        self.function = function

    def forward(self, *inputs: Any) -> Any:
        """The function of the inputs."""
        return self.function(*inputs)

    def extra_repr(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))


NAMES: dict[str, type[Module]] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "prelu": PReLU,
    "elu": ELU,
    "selu": SELU,
    "hardtanh": Hardtanh,
    "gelu": GELU,
    "silu": SiLU,
    "swish": SiLU,
    "mish": Mish,
    "softplus": Softplus,
    "softsign": Softsign,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "logsigmoid": LogSigmoid,
    "softmax": Softmax,
    "log_softmax": LogSoftmax,
    "identity": Identity,
    "linear": Identity,
}


AnyActivation = str | type[Module] | Module | Callable[..., Any]
"""The name of an activation, a module or a function."""


def activation(of: AnyActivation) -> Module:
    """A module for the name of an activation, for a class of modules, or for a function.

    A module is answered as it is.  Raises ValueError for an unknown name, TypeError for what
    cannot be called.

    >>> activation("tanh"), activation(GELU), activation(ELU(0.5)), activation(np.sin)
    (Tanh(), GELU(approximate='none'), ELU(alpha=0.5), Lambda(sin))
    """
    if isinstance(of, str):
        if of not in NAMES:
            raise unknown("activation", of, NAMES)
        return NAMES[of]()
    if isinstance(of, Module):
        return of
    if isinstance(of, type) and issubclass(of, Module):
        return of()
    if not callable(of):
        raise TypeError(f"an activation is a name, a module or a function, not {of!r}")
    return Lambda(of)
