"""Learning-rate schedules (as `torch.optim.lr_scheduler`): `step()` once an epoch, or a batch."""

import typing as _typing

from .cycles import *
from .formulas import *
from .plateau import *
from .scheduler import *
from .sequences import *

if not _typing.TYPE_CHECKING:  # type checkers know what star imports bring
    __all__ = [
        *(*scheduler.__all__, *formulas.__all__, *cycles.__all__),
        *(*plateau.__all__, *sequences.__all__),
    ]
