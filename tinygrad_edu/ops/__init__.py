"""The table of derivatives, one file a family; every op is declared in one place (see `..declare`).

NumPy's functions find the ops that bear their names; the others are called from here, as in
`ops.relu(x)`, or as methods, `x.relu()`.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from .. import habits as _habits
from . import (
    activations,
    convolution,
    creation,
    elementwise,
    extended,
    index,
    joining,
    linear,
    losses,
    nondifferentiable,
    normalization,
    pooling,
    products,
    recurrent,
    reduce,
    regularization,
    selections,
    shape,
    statistics,
    transformer,
    trigonometric,
    windows,
)
from .activations import *
from .convolution import *
from .creation import *
from .elementwise import *
from .extended import *
from .index import *
from .joining import *
from .linear import *
from .losses import *
from .nondifferentiable import *
from .normalization import *
from .pooling import *
from .products import *
from .recurrent import *
from .reduce import *
from .regularization import *
from .selections import *
from .shape import *
from .statistics import *
from .transformer import *
from .trigonometric import *
from .windows import *

_FAMILIES = (
    *(activations, convolution, creation, elementwise, extended, index, joining, linear),
    *(
        losses,
        nondifferentiable,
        normalization,
        pooling,
        products,
        recurrent,
        reduce,
        regularization,
    ),
    *(selections, shape, statistics, transformer, trigonometric, windows),
)
if not _TYPE_CHECKING:  # type checkers know what star imports bring
    __all__ = sorted(name for family in _FAMILIES for name in family.__all__)

    def __dir__() -> list[str]:
        return __all__

    def __getattr__(name: str) -> object:
        raise _habits.missing_function(__name__, name)
