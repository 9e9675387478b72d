"""The table of derivatives, one file a family; every op is declared in one place (see `..declare`).

NumPy's functions find the ops that bear their names; the others are called from here, as in
`ops.relu(x)`, or as methods, `x.relu()`.
"""

from . import (
    creation,
    elementwise,
    extended,
    index,
    joining,
    nondifferentiable,
    products,
    reduce,
    shape,
    statistics,
    trigonometric,
)
from .activations import *
from .convolution import *
from .creation import *
from .elementwise import *
from .extended import *
from .index import *
from .joining import *
from .losses import *
from .neural import *
from .nondifferentiable import *
from .pooling import *
from .products import *
from .recurrent import *
from .reduce import *
from .shape import *
from .statistics import *
from .trigonometric import *

_FAMILIES = (
    *(creation, elementwise, extended, index, joining, nondifferentiable, products, reduce),
    *(shape, statistics, trigonometric),
)
