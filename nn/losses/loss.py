"""Loss: a function of prediction and target as a module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..function_module import FunctionModule, dataclass_transform
from ..functional.targets import REDUCTION

__all__ = ["Loss"]


@dataclass_transform(kw_only_default=True)
class Loss(FunctionModule):
    """A function of prediction and target as a module that keeps the function's options.

    A loss of one's own is two lines: a function, and annotated names for its options, of which all
    but the reduction are given by name.

    >>> import nn
    >>> def power_loss(prediction, target, reduction="mean", power=2.0):
    ...     return (abs(prediction - target) ** power).mean()
    >>> class PowerLoss(nn.Loss, of=power_loss):
    ...     power: float = 2.0
    >>> from tinygrad_edu import Tensor
    >>> PowerLoss(power=3.0), float(PowerLoss(power=3.0)(Tensor([2.0]), Tensor([0.0])))
    (PowerLoss(power=3.0), 8.0)
    """

    reduction: str = "mean"
    _rules = (REDUCTION,)
    _terse = True

    def __init_subclass__(cls, of: Callable[..., Any] | None = None, kw_only: bool = True) -> None:
        super().__init_subclass__(of, kw_only)
