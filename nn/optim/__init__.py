"""Optimizers, in order of increasing complexity: `step()` changes parameters by their gradients."""

from .adagrad import Adadelta, Adagrad, RMSprop
from .adam import Adam, AdamW, NAdam, RAdam
from .clip import clip_grad_norm, clip_grad_value
from .optimizer import Optimizer
from .sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "clip_grad_norm",
    "clip_grad_value",
]
