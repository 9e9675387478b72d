"""Optimizers, in order of increasing complexity: `step()` changes parameters by their gradients."""

import typing as _typing

from .adagrad import *
from .adam import *
from .clip import *
from .optimizer import *
from .sgd import *

if not _typing.TYPE_CHECKING:  # type checkers know what star imports bring
    __all__ = [*optimizer.__all__, *sgd.__all__, *adagrad.__all__, *adam.__all__, *clip.__all__]
