"""Activations as modules: functions of the engine and nn.functional, and any other by `Lambda`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops

from . import functional as F
from .function_module import FunctionModule
from .module import Module, Parameter, cast_like, get_default_dtype
from .validation import integer, unknown_name

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh",
    "Identity", "Lambda", "LeakyReLU", "LogSigmoid", "LogSoftmax", "Mish", "PReLU", "ReLU",
    "ReLU6", "SELU", "SiLU", "Sigmoid", "Softmax", "Softmin", "Softplus", "Softshrink",
    "Softsign", "Tanh", "Tanhshrink", "Threshold", "activation",
]  # fmt: skip


class ReLU(FunctionModule, of=ops.relu):
    """max(x, 0), elementwise (Nair and Hinton, 2010).

    >>> ReLU()(np.array([-1.0, 2.0]))
    Tensor([0., 2.])
    """


class ReLU6(FunctionModule, of=F.relu6):
    """min(max(x, 0), 6), elementwise (Krizhevsky, 2010)."""


class LeakyReLU(FunctionModule, of=ops.leaky_relu):
    """x if x > 0 else negative_slope · x, elementwise, so that no unit dies (Maas et al., 2013)."""

    negative_slope: float = 0.01


class ELU(FunctionModule, of=ops.elu):
    """x if x > 0 else alpha (eˣ - 1), elementwise (Clevert et al., 2016)."""

    alpha: float = 1.0


class CELU(FunctionModule, of=F.celu):
    """x if x > 0 else alpha (eˣᐟᵅ - 1), elementwise (Barron, 2017).

    Raises ValueError unless alpha > 0.
    """

    alpha: float = 1.0


class SELU(FunctionModule, of=ops.selu):
    """1.05 times ELU with alpha 1.67: keeps mean 0 and variance 1 (Klambauer et al., 2017)."""


class Hardtanh(FunctionModule, of=F.hardtanh):
    """x between min_val and max_val, elementwise.  Raises ValueError unless min_val < max_val."""

    min_val: float = -1.0
    max_val: float = 1.0


class Hardsigmoid(FunctionModule, of=F.hardsigmoid):
    """min(max(x + 3, 0), 6) / 6, elementwise (Courbariaux et al., 2015)."""


class Hardswish(FunctionModule, of=F.hardswish):
    """x min(max(x + 3, 0), 6) / 6, elementwise (Howard et al., 2019)."""


class Hardshrink(FunctionModule, of=F.hardshrink):
    """0 where |x| ≤ lambd, x elsewhere.  Raises ValueError for a negative lambd."""

    lambd: float = 0.5


class Softshrink(FunctionModule, of=F.softshrink):
    """0 where |x| ≤ lambd, elsewhere lambd nearer to 0 than x.  Raises ValueError for lambd < 0."""

    lambd: float = 0.5


class Tanhshrink(FunctionModule, of=F.tanhshrink):
    """x - tanh x, elementwise."""


class Threshold(FunctionModule, of=F.threshold):
    """x where it is above the threshold, elsewhere the value.

    >>> Threshold(1.0, 0.0)(np.array([0.5, 2.0]))
    Tensor([0., 2.])
    """

    threshold: float
    value: float


class GLU(FunctionModule, of=F.glu):
    """a σ(b), where a and b are the halves of x along an axis (Dauphin et al., 2017).

    Raises ValueError for an axis of odd size.
    """

    axis: int = -1


class GELU(FunctionModule, of=F.gelu):
    """x Φ(x), Φ the normal distribution function, elementwise (Hendrycks and Gimpel, 2016).

    `approximate="tanh"` is the formula by tanh that GPT-2 has; raises ValueError for other names.
    """

    approximate: str = "none"


class SiLU(FunctionModule, of=ops.silu):
    """x σ(x), elementwise, also called swish (Ramachandran et al., 2017)."""


class Mish(FunctionModule, of=ops.mish):
    """x tanh(ln(1 + eˣ)), elementwise (Misra, 2019)."""


class Softplus(FunctionModule, of=F.softplus):
    """ln(1 + eᵝˣ) / β, or x where β x > threshold, elementwise: a smooth ReLU.

    Raises ValueError unless beta > 0.
    """

    beta: float = 1.0
    threshold: float = 20.0


class Softsign(FunctionModule, of=ops.softsign):
    """x / (1 + |x|), elementwise."""


class Tanh(FunctionModule, of=ops.tanh):
    """tanh x, elementwise."""


class Sigmoid(FunctionModule, of=ops.sigmoid):
    """1 / (1 + e⁻ˣ), elementwise: the probability of one class against the other."""


class LogSigmoid(FunctionModule, of=ops.logsigmoid):
    """ln σ(x) = -ln(1 + e⁻ˣ), elementwise, stable where σ(x) is 0."""


class Softmax(FunctionModule, of=ops.softmax):
    """eˣ / Σ eˣ along an axis: probabilities.  `CrossEntropyLoss` wants the logits before it."""

    axis: int = -1


class Softmin(FunctionModule, of=F.softmin):
    """e⁻ˣ / Σ e⁻ˣ along an axis: probabilities, high where x is low."""

    axis: int = -1


class LogSoftmax(FunctionModule, of=ops.log_softmax):
    """x - ln Σ eˣ along an axis: logarithms of probabilities."""

    axis: int = -1


class PReLU(Module):
    """x if x > 0 else a x, where the slope a is learned (He et al., 2015).

    `weight`, of shape (num_parameters,), holds one slope, or one for each channel on axis 1, and
    starts at `init`.  Raises ValueError for an input with another number of channels.

    >>> PReLU(init=0.5)(np.array([-1.0, 2.0]))
    Tensor([-0.5,  2. ], dtype=float32, op=<where>)
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *, dtype: Any = None) -> None:
        self.num_parameters = integer("PReLU: num_parameters", num_parameters)
        self.weight = Parameter(np.full(self.num_parameters, init, dtype or get_default_dtype()))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return F.prelu(cast_like(x, self.weight), self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Identity(Module):
    """x, unchanged: where a module must stand and nothing is to happen."""

    def forward(self, x: Any) -> Any:
        """x itself."""
        return x


class Lambda(Module):
    """Any function as a module.  Raises TypeError for what cannot be called.

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
    "relu": ReLU, "relu6": ReLU6, "leaky_relu": LeakyReLU, "prelu": PReLU, "elu": ELU,
    "celu": CELU, "selu": SELU, "hardtanh": Hardtanh, "hardsigmoid": Hardsigmoid,
    "hardswish": Hardswish, "hardshrink": Hardshrink, "softshrink": Softshrink,
    "tanhshrink": Tanhshrink, "gelu": GELU, "glu": GLU, "silu": SiLU, "swish": SiLU, "mish": Mish,
    "softplus": Softplus, "softsign": Softsign, "tanh": Tanh, "sigmoid": Sigmoid,
    "logsigmoid": LogSigmoid, "softmax": Softmax, "softmin": Softmin, "log_softmax": LogSoftmax,
    "identity": Identity, "linear": Identity,
}  # fmt: skip

AnyActivation = str | type[Module] | Module | Callable[..., Any]
"""The name of an activation, a module or a function."""


def activation(of: AnyActivation) -> Module:
    """A module for the name of an activation, for a class of modules, or for a function.

    A module is returned as it is.  Raises ValueError for an unknown name, TypeError for what
    cannot be called.

    >>> activation("tanh"), activation(GELU), activation(ELU(0.5)), activation(np.sin)
    (Tanh(), GELU(approximate='none'), ELU(alpha=0.5), Lambda(sin))
    """
    if isinstance(of, str):
        if of not in NAMES:
            raise unknown_name("activation", of, NAMES)
        return NAMES[of]()
    if isinstance(of, Module):
        return of
    if isinstance(of, type) and issubclass(of, Module):
        return of()
    if not callable(of):
        raise TypeError(f"an activation is a name, a module or a function, not {of!r}")
    return Lambda(of)
