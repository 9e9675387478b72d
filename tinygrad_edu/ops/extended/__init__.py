"""The rest of NumPy's functions: nothing here is needed to understand the engine."""

from . import decompositions, diagonals, norms, products, special
from .decompositions import *
from .diagonals import *
from .norms import *
from .products import *
from .special import *

__all__: list[str] = []
for _leaf in (decompositions, diagonals, norms, products, special):
    __all__ += _leaf.__all__
