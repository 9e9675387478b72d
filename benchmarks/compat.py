"""What other libraries need in order to run with a current NumPy."""

from __future__ import annotations

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
