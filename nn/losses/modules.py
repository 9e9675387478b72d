"""The losses as modules: their options as fields, their functions called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from tinygrad_edu import Tensor

from ..module import Module
from . import classes, numbers
from .arguments import REDUCTIONS, check
from .classes import IGNORED


@dataclass(repr=False, eq=False)
class Loss(Module):
    """A function of prediction and target as a module that remembers the function's options.

    A loss of one's own is two lines: a function, and fields for its options.

    >>> from dataclasses import dataclass
    >>> import nn
    >>> @dataclass(repr=False, eq=False)
    ... class PowerLoss(nn.Loss):
    ...     function = staticmethod(lambda y, t, reduction, power: (abs(y - t) ** power).mean())
    ...     power: float = 2.0
    >>> PowerLoss(power=3.0), float(PowerLoss(power=3.0)(Tensor([2.0]), Tensor([0.0])))
    (PowerLoss(power=3.0), 8.0)
    """

    function: ClassVar[Callable[..., Tensor]]
    reductions: ClassVar[tuple[str, ...]] = REDUCTIONS
    reduction: str = "mean"

    def __post_init__(self) -> None:
        check(type(self).__name__, allowed=self.reductions, **self._options())

    def _options(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def forward(self, *inputs: Any) -> Tensor:
        return type(self).function(*inputs, **self._options())

    def extra_repr(self) -> str:
        shown = ((f.name, _shown(getattr(self, f.name)), _shown(f.default)) for f in fields(self))
        return ", ".join(f"{name}={value}" for name, value, default in shown if value != default)


def _shown(value: Any) -> str:
    return " ".join(repr(value).split())  # an array on one line


@dataclass(repr=False, eq=False, kw_only=True)
class MSELoss(Loss):
    """`mse_loss` as a module."""

    function = staticmethod(numbers.mse_loss)
    weight: Any = None


@dataclass(repr=False, eq=False, kw_only=True)
class L1Loss(Loss):
    """`l1_loss` as a module."""

    function = staticmethod(numbers.l1_loss)
    weight: Any = None


@dataclass(repr=False, eq=False, kw_only=True)
class HuberLoss(Loss):
    """`huber_loss` as a module."""

    function = staticmethod(numbers.huber_loss)
    delta: float = 1.0
    weight: Any = None


@dataclass(repr=False, eq=False, kw_only=True)
class SmoothL1Loss(Loss):
    """`smooth_l1_loss` as a module."""

    function = staticmethod(numbers.smooth_l1_loss)
    beta: float = 1.0
    weight: Any = None


@dataclass(repr=False, eq=False, kw_only=True)
class CosineEmbeddingLoss(Loss):
    """`cosine_embedding_loss` as a module."""

    function = staticmethod(numbers.cosine_embedding_loss)
    margin: float = 0.0
    weight: Any = None


@dataclass(repr=False, eq=False, kw_only=True)
class BCELoss(Loss):
    """`binary_cross_entropy` as a module."""

    function = staticmethod(classes.binary_cross_entropy)
    weight: Any = None


@dataclass(repr=False, eq=False, kw_only=True)
class BCEWithLogitsLoss(Loss):
    """`binary_cross_entropy_with_logits` as a module."""

    function = staticmethod(classes.binary_cross_entropy_with_logits)
    weight: Any = None
    pos_weight: Any = None


@dataclass(repr=False, eq=False, kw_only=True)
class HingeLoss(Loss):
    """`hinge_loss` as a module."""

    function = staticmethod(classes.hinge_loss)
    weight: Any = None


@dataclass(repr=False, eq=False, kw_only=True)
class CrossEntropyLoss(Loss):
    """`cross_entropy` as a module."""

    function = staticmethod(classes.cross_entropy)
    weight: Any = None
    ignore_index: int = IGNORED
    label_smoothing: float = 0.0


@dataclass(repr=False, eq=False, kw_only=True)
class CategoricalCrossEntropyLoss(Loss):
    """`categorical_cross_entropy` as a module."""

    function = staticmethod(classes.categorical_cross_entropy)
    weight: Any = None
    ignore_index: int = IGNORED
    label_smoothing: float = 0.0


@dataclass(repr=False, eq=False, kw_only=True)
class NLLLoss(Loss):
    """`nll_loss` as a module."""

    function = staticmethod(classes.nll_loss)
    weight: Any = None
    ignore_index: int = IGNORED


@dataclass(repr=False, eq=False, kw_only=True)
class KLDivLoss(Loss):
    """`kl_div` as a module."""

    function = staticmethod(classes.kl_div)
    reductions = (*REDUCTIONS, "batchmean")
    log_target: bool = False
    weight: Any = None
