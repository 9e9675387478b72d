"""The table of derivatives, one file a family; every op is declared in one place (see `..op`).

NumPy's functions find the ops that bear their names; the others are called from here, as in
`ops.relu(x)`, or as methods, `x.relu()`.
"""

from .activations import *
from .composed import *
from .composed_math import *
from .composed_shape import *
from .convolution import *
from .creation import *
from .decompositions import *
from .dropout import *
from .einsum import *
from .elementwise import *
from .index import *
from .linalg import *
from .linear import *
from .losses import *
from .normalization import *
from .norms import *
from .plain import *
from .pooling import *
from .recurrent import *
from .reduce import *
from .shape import *
from .trigonometric import *
