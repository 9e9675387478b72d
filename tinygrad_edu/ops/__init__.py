"""The table of derivatives, one file a family; every op is declared in one place (see `..op`).

NumPy's functions find the ops that bear their names; the others are called from here, as in
`ops.relu(x)`, or as methods, `x.relu()`.
"""

from .composed import *
from .elementwise import *
from .index import *
from .linalg import *
from .neural import *
from .plain import *
from .reduce import *
from .shape import *
