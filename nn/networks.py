"""Networks given by their layer sizes, and the smallest one, a single unit."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, scope

from .activations import AnyActivation, LogSoftmax, Sigmoid, Softmax
from .activations import activation as as_module
from .init import Initializer, initial
from .layers import Dense, Dropout
from .module import Module, Parameter, Regularized, Sequential, cast_like, get_default_dtype
from .validation import has_bias, integer, not_negative

__all__ = ["MLP", "Network", "Neuron"]


class Neuron(Regularized):
    """One unit: y = f(x · w + b), on the last axis: (..., in_features) -> (...,).

    `weight` has shape (in_features,) and starts by `init`; `bias` is a scalar that starts at 0.
    `activation` is a name ("sigmoid", "tanh", ...), a module or a function.  With `l2` the model's
    `penalty()` holds l2/2 ‖w‖².  Raises ValueError for sizes below 1 and unknown names.

    >>> import numpy as np
    >>> neuron = Neuron(2, "tanh")
    >>> neuron, neuron(np.ones((5, 2))).shape
    (Neuron(2, Tanh()), (5,))
    """

    def __init__(
        self,
        in_features: int,
        activation: AnyActivation = "sigmoid",
        bias: bool = True,
        *,
        init: str | Initializer = "xavier",
        l2: float = 0.0,
        dtype: Any = None,
    ) -> None:
        dtype = dtype or get_default_dtype()
        self.l2 = not_negative("Neuron: l2", l2)
        self.in_features = integer("Neuron: in_features", in_features)
        self.weight = Parameter(initial(init, (self.in_features,), dtype))
        self.bias = Parameter(initial("zeros", (), dtype)) if has_bias("Neuron", bias) else None
        self.activation = as_module(activation)

    def forward(self, x: Tensor) -> Any:
        """x (..., in_features) -> (...,)."""
        y = cast_like(x, self.weight) @ self.weight
        return self.activation(y if self.bias is None else y + self.bias)

    def __repr__(self) -> str:
        bias = ", bias=False" if self.bias is None else ""
        return f"Neuron({self.in_features}, {self.activation!r}{bias})"


class Network(Sequential):
    """Dense layers by their sizes, with ReLU between and softmax at the end.

    `activation` is what stands between and `output` what stands at the end, each a name, a module
    or a function; `output=None` for nothing.  Modules in the list stand where they are: after the
    activation of the size before them.  A list that ends with a module gets no `output`, so that
    a list of modules alone is a `Sequential`.  `init`, `l2` and `dtype` are those of each `Dense`;
    with init="zeros" all units of a layer stay the same, and a network with ReLU learns no more
    than the shares of the classes.

    Training wants `logits`: nn.cross_entropy(network.logits(x), y).

    Raises ValueError for fewer than two sizes, sizes below 1 and unknown names, TypeError for what
    is neither a size nor a module.

    >>> import nn
    >>> nn.Network([4, 8, nn.Dropout(0.2), 3])
    Network(
      (0): Dense(4, 8)
      (1): ReLU()
      (2): Dropout(p=0.2)
      (3): Dense(8, 3)
      (4): Softmax(axis=-1)
    )
    """

    def __init__(
        self,
        layers: Sequence[int | Module[Any]],
        *,
        activation: AnyActivation = "relu",
        output: AnyActivation | None = "softmax",
        init: str | Initializer = "he",
        l2: float = 0.0,
        dtype: Any = None,
    ) -> None:
        sizes = _sizes(layers)
        if len(sizes) == 1 or not len(layers):
            raise ValueError(
                "Network needs at least two sizes, the number of inputs and that of outputs, and "
                f"was given {layers}"
            )
        if isinstance(layers[-1], Module):
            output = None
        modules: list[Module[Any]] = []
        left, before = len(sizes) - 1, 0
        for item in layers:
            if isinstance(item, Module):
                modules.append(item)
                continue
            if before:
                left -= 1
                modules.append(Dense(before, item, init=init, l2=l2, dtype=dtype))
                chosen = activation if left else output
                if chosen is not None:  # each its own, if it has parameters
                    modules.append(as_module(copy.deepcopy(chosen)))
            before = item
        super().__init__(*modules)

    def logits(self, x: Any) -> Any:
        """What the network gives before a softmax, log-softmax or sigmoid at its end.

        >>> import numpy as np, nn
        >>> network = nn.Network([4, 8, 3])
        >>> x = np.ones((5, 4))
        >>> np.allclose(nn.Softmax()(network.logits(x)).data, network(x).data)
        True
        """
        modules = list(self)
        if modules and isinstance(modules[-1], (Softmax, LogSoftmax, Sigmoid)):
            modules.pop()
        with scope(self._name):
            for module in modules:
                x = module(x)
        return x


class MLP(Network):
    """A multilayer perceptron: (..., in_features) -> (..., out_features), without a softmax.

    After each of the `hidden` sizes stands the `activation`, a name, a module or a function, and
    with `dropout` > 0 a Dropout.  What comes out are the logits that `nn.cross_entropy` wants, or
    a regression's predictions.  Raises ValueError for sizes below 1, unknown names and a dropout
    that is no probability.

    >>> import nn
    >>> nn.MLP(4, [16], 3, activation="gelu", dropout=0.1)
    MLP(
      (0): Dense(4, 16)
      (1): GELU(approximate='none')
      (2): Dropout(p=0.1)
      (3): Dense(16, 3)
    )
    """

    def __init__(
        self,
        in_features: int,
        hidden: Sequence[int],
        out_features: int,
        *,
        activation: AnyActivation = "relu",
        dropout: float = 0.0,
        init: str | Initializer = "he",
        l2: float = 0.0,
        dtype: Any = None,
    ) -> None:
        if not isinstance(hidden, (list, tuple)):
            raise TypeError(f"MLP: the hidden sizes are a list, such as [16], not {hidden!r}")
        layers: list[int | Module[Any]] = [in_features]
        for size in hidden:
            layers += [size, Dropout(dropout)] if dropout else [size]
        layers.append(out_features)
        options: dict[str, Any] = {"init": init, "l2": l2, "dtype": dtype}
        super().__init__(layers, activation=activation, output=None, **options)


def _sizes(layers: Sequence[Any]) -> list[int]:
    """The sizes among sizes and modules, all checked."""
    if not isinstance(layers, (list, tuple)):
        raise TypeError(f"the layers are a list, such as [4, 8, 3], not {layers!r}")
    for i, item in enumerate(layers):
        if not isinstance(item, (int, np.integer, Module)):
            raise TypeError(
                f"the layers are sizes or modules, and number {i} is a {type(item).__name__}"
                + ("; write nn.ReLU() with parentheses" if isinstance(item, type) else "")
            )
    sizes = [item for item in layers if not isinstance(item, Module)]
    if any(size < 1 for size in sizes):
        raise ValueError(f"sizes must be positive integers, and are {sizes}")
    return sizes
