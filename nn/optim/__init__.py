"""Optimizers, in order of increasing complexity: `step()` changes parameters by their gradients."""

# ruff: noqa: F403
from . import adagrad, adam, clip, optimizer, sgd
from .adagrad import *
from .adam import *
from .clip import *
from .optimizer import *
from .sgd import *

__all__: list[str] = []
__all__ += optimizer.__all__
__all__ += sgd.__all__
__all__ += adagrad.__all__
__all__ += adam.__all__
__all__ += clip.__all__
