"""SciPy's special functions: importing this declares their ops, so it needs SciPy.

Nobody has to import it: `scipy.special.gammaln(t)` does when it meets its first Tensor. What SciPy
has as functions in Python turns Tensors into arrays at once; of these, `multigammaln` and
`polygamma` are here, and logsumexp, softmax and log_softmax are ops.
"""

import importlib.util

if importlib.util.find_spec("scipy") is None:
    raise ImportError("SciPy's functions need SciPy: pip install scipy")

from . import bessel, error_functions, gamma_functions, information
from .bessel import *
from .error_functions import *
from .gamma_functions import *
from .information import *

__all__: list[str] = []
for _leaf in (bessel, error_functions, gamma_functions, information):
    __all__ += _leaf.__all__
