"""Training in many processes on MPI: `mpiexec -n 4 python train.py` (docs/parallel.md)."""

import typing as _typing

from .batch_norm import *
from .broadcast import *
from .optimizer import *
from .random import manual_seed as manual_seed
from .ranks import barrier as barrier
from .ranks import rank as rank
from .ranks import size as size
from .sampler import *

if not _typing.TYPE_CHECKING:  # type checkers know what star imports bring
    __all__ = [
        *("barrier", "manual_seed", "rank", "size"),
        *(*batch_norm.__all__, *broadcast.__all__, *optimizer.__all__, *sampler.__all__),
    ]
