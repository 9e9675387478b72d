"""Data to learn on: shipped (see SOURCES.md), generated, or downloaded and kept."""

import typing as _typing

from .downloaded import *
from .generated import *
from .idx import *
from .shipped import *

if not _typing.TYPE_CHECKING:  # type checkers know what star imports bring
    __all__ = [*generated.__all__, *idx.__all__, *downloaded.__all__, *shipped.__all__]
