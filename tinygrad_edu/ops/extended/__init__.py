"""The rest of NumPy's functions: nothing here is needed to understand the engine.

SciPy's special functions are in `scipy_special`, which is imported when one is first called.
"""

from . import (
    counts,
    decompositions,
    diagonals,
    differences,
    elementwise,
    interpolation,
    linear_equations,
    moments,
    nan,
    norms,
    polynomials,
    products,
    rearrangements,
    selections,
    special,
)
from .counts import *
from .decompositions import *
from .diagonals import *
from .differences import *
from .elementwise import *
from .interpolation import *
from .linear_equations import *
from .moments import *
from .nan import *
from .norms import *
from .polynomials import *
from .products import *
from .rearrangements import *
from .selections import *
from .special import *

__all__: list[str] = []
for _leaf in (
    counts,
    decompositions,
    diagonals,
    differences,
    elementwise,
    interpolation,
    linear_equations,
    moments,
    nan,
    norms,
    polynomials,
    products,
    rearrangements,
    selections,
    special,
):
    __all__ += _leaf.__all__
