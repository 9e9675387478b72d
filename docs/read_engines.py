"""Reads off which of NumPy's and SciPy's functions autograd and MyGrad differentiate.

    pip install autograd mygrad scipy
    python docs/read_engines.py

It writes other_engines.json, from which `docs.generate` makes the table of numpy-coverage.md: only
this script needs the two.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

PATH = Path(__file__).with_name("other_engines.json")
NUMPY = ("numpy", "numpy.linalg", "numpy.fft")
SCIPY = ("scipy.special", "scipy.linalg", "scipy.signal", "scipy.integrate")


def autograd_functions() -> Iterator[str]:
    """Those with a vector-Jacobian product, and those that autograd itself composes of such."""
    from autograd.core import primitive_vjps

    for name in NUMPY + SCIPY:
        original = importlib.import_module(name)
        for function, value in vars(importlib.import_module(f"autograd.{name}")).items():
            if isinstance(value, FunctionType) and callable(getattr(original, function, None)):
                composed = name in NUMPY and value.__module__.startswith("autograd.numpy")
                if value in primitive_vjps or composed:
                    yield written(getattr(original, function), name, function)


CONSTANT = {"any", "argmax", "argmin", "empty_like", "full_like", "ones_like", "zeros_like"}
"""Functions in MyGrad's table of differentiable ones that have no derivative."""


def mygrad_functions() -> Iterator[str]:
    """Those that find a differentiable operation of MyGrad's; mygrad.sinc NumPy does not find."""
    from mygrad import tensor_base

    yield "np.sinc"
    tables: Any = (
        tensor_base._REGISTERED_UFUNC,
        tensor_base._REGISTERED_DIFFERENTIABLE_NUMPY_FUNCS,
    )
    for function in (function for table in tables for function in table):
        if function.__name__ not in CONSTANT:
            yield written(function, getattr(function, "__module__", None) or "numpy")


def written(function: Any, module: str, name: str = "") -> str:
    """How a person calls it, by its first name if it has several."""
    if getattr(importlib.import_module(module), function.__name__, None) is function:
        name = function.__name__
    return f"{module}.{name}".replace("numpy", "np", 1)


def main() -> None:
    engines = {"autograd": autograd_functions, "mygrad": mygrad_functions}
    found = {
        engine: {
            "version": importlib.metadata.version(engine),
            "functions": sorted(set(functions())),
        }
        for engine, functions in engines.items()
    }
    PATH.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
