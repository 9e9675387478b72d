"""What other libraries need in order to run here, and for their first run to be a first one."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from typing import Any

import numpy as np


def import_dezero() -> tuple[Any, Any]:
    """DeZero and its functions, which still use an alias that NumPy 1.24 removed."""
    setattr(np, alias := "int", int)
    try:
        import dezero
        import dezero.functions
    finally:
        delattr(np, alias)
    return dezero, dezero.functions


def import_tinygrad() -> None:
    """tinygrad, on the processor; raises ImportError if its compiler is not installed."""
    from tinygrad.helpers import CACHELEVEL, DEV

    need_compiler("CC", "clang")
    DEV.value = "CPU"
    CACHELEVEL.value = 0  # no files of compiled code


def need_compiler(variable: str, *names: str) -> None:
    """Raise ImportError unless the environment variable or one of the names is a compiler."""
    given = os.environ.get(variable)
    if not any(map(shutil.which, [given] if given else names)):
        raise ImportError(f"its compiler is not installed: {given or ' or '.join(names)}")


def forget_compiled() -> None:
    """Let `torch.compile` find no code that it wrote to files earlier."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.mkdtemp(dir=_folder().name)


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Removed when the process ends."""
    return tempfile.TemporaryDirectory(prefix="benchmarks-", ignore_cleanup_errors=True)
