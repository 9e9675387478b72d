"""The playground: a page on this machine on which the real engine trains a network.

`python -m nn.playground` opens it, and so does calling this module:

    nn.playground(model, data)

See `playground` in `nn.playground.start` for the arguments.
"""

from __future__ import annotations

import sys as _sys
import types as _types
from typing import Any as _Any

from .start import playground

__all__ = ["playground"]


class _Callable(_types.ModuleType):
    """A module that can be called: its name is also that of its one function."""

    def __call__(self, *args: _Any, **options: _Any) -> _Any:
        return playground(*args, **options)


_sys.modules[__name__].__class__ = _Callable
