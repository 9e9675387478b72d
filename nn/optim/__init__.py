"""Optimizers: `step()` changes the parameters in place by their gradients."""

from .adam import Adam
from .optimizer import Optimizer
from .sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer"]
