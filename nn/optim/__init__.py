"""Optimizers, in order of increasing complexity: `step()` changes parameters by their gradients."""

import typing as _typing

from .adafactor import *
from .adagrad import *
from .adam import *
from .clip import *
from .lbfgs import *
from .muon import *
from .optimizer import *
from .rprop import *
from .sgd import *

if not _typing.TYPE_CHECKING:  # type checkers know what star imports bring
    __all__ = [
        *(*optimizer.__all__, *sgd.__all__, *rprop.__all__, *adagrad.__all__, *adam.__all__),
        *(*adafactor.__all__, *muon.__all__, *lbfgs.__all__, *clip.__all__),
    ]
