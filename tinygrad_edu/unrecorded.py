"""What cannot be recorded, of NumPy's and SciPy's: why, and what to write instead."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

ITEM_ASSIGNMENT = (
    "item assignment is not recorded, so Tensors have none; write np.where(mask, value, x) or "
    "ops.index_put(x, index, value) for a new Tensor, or x.data[...] = value outside the graph"
)
TO_ARRAY = (
    "turning a Tensor that requires a gradient into an ndarray would cut it off from its graph "
    "unseen; write t.data, or t.detach() for a constant Tensor (and np.stack(list) to build one "
    "Tensor of several)"
)
IN_PLACE = (
    "`{}` in place on a leaf that requires a gradient would change what the graph has seen; update "
    "it under no_grad(), as in `with no_grad(): p -= lr * p.grad`, or write a new name, as in "
    "`q = p + x`"
)
_INSTEAD = {
    "np.add.reduce": "np.sum",
    "np.multiply.reduce": "np.prod",
    "np.maximum.reduce": "np.max",
    "np.minimum.reduce": "np.min",
    "np.add.accumulate": "np.cumsum",
    "np.multiply.accumulate": "np.cumprod",
    "np.add.at": "x[index] and arithmetic, or ops.scatter",
    "np.multiply.outer": "x[:, None] * y",
    "np.add.outer": "x[:, None] + y",
}


_ARRAYS_ONLY = {
    **{name: f"ops.{name}(x, axis)" for name in ("logsumexp", "softmax", "log_softmax")},
    "multigammaln": "tinygrad_edu.ops.extended.scipy_special.multigammaln(a, d)",
    "polygamma": "tinygrad_edu.ops.extended.scipy_special.polygamma(n, x)",
}
"""SciPy's functions that are written in Python, with what records in their place."""


def to_array() -> TypeError:
    """For a Tensor with a gradient that becomes an ndarray; if in SciPy, what to write."""
    frame, function = sys._getframe(1), ""
    while frame.f_back:
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package == "scipy":
            function = frame.f_code.co_name
        elif package not in (__package__, "numpy"):
            break
        frame = frame.f_back
    if not function:
        return TypeError(TO_ARRAY)
    instead = _ARRAYS_ONLY.get(function)
    return TypeError(
        f"SciPy's {function} makes plain arrays of its arguments, which would cut off the graph; "
        f"write {f'{instead}, or ' if instead else ''}t.data to compute outside the graph"
    )


def full_name(function: Callable[..., Any]) -> str:
    """What a person writes to call it: `np.linalg.inv`, `scipy.special.gammaln`."""
    name, module = function.__name__, getattr(function, "__module__", None)
    for library in ("scipy.special", "numpy"):  # a ufunc does not say where it comes from
        if getattr(sys.modules.get(library), name, None) is function:
            module = library
    return f"{module}.{name}".replace("numpy.", "np.", 1) if module else name


def ufunc_method(ufunc: str, method: str) -> TypeError:
    """For np.add.reduce and the other methods of a ufunc."""
    name = f"{ufunc}.{method}"
    instead = _INSTEAD.get(name, "np.sum, np.max or another function")
    return TypeError(f"{name} is not recorded; write {instead}")


def writes_out(name: str) -> TypeError:
    """For a NumPy function that shall write into an array, as `a -= t` does."""
    return TypeError(
        f"{name}(..., out=), or an update in place such as `a -= t`, would write a value with a "
        "gradient into an array, which cannot hold its graph; use the value that it returns, as in "
        "`a = a - t`, or write t.data to update outside the graph"
    )


def undefined_elsewhere(name: str) -> TypeError:
    """For the mask of a ufunc."""
    return TypeError(
        f"{name}(..., where=mask) leaves elements undefined where the mask is False; write "
        f"np.where(mask, {name}(...), other)"
    )


_WRITES = "it writes into an array; ops.index_put and np.where return a new one"
LEFT_OUT = {
    "np.fft": "its values are complex, and there are only real numbers here",
    "np.fft.fftshift": "write np.roll by half the length of each axis",
    "np.fft.ifftshift": "write np.roll by minus half the length of each axis",
    "np.linalg.eig": "its values are complex; for symmetric matrices write np.linalg.eigh",
    "np.linalg.eigvals": "its values are complex; for symmetric matrices write np.linalg.eigvalsh",
    **{f"np.{name}": _WRITES for name in ("copyto", "fill_diagonal", "place", "put", "putmask")},
    "np.lib.stride_tricks": "it makes views; index with an array of positions",
}
"""Functions, and modules of functions, that have no op: why, and what to write."""


def not_recorded(name: str) -> TypeError:
    """For a NumPy function that no op stands for."""
    why = LEFT_OUT.get(name) or LEFT_OUT.get(name.rpartition(".")[0])
    return TypeError(
        f"{name} has no derivative here{f' ({why})' if why else ''}; compose it of functions that "
        "have, declare it with tinygrad_edu.op, or pass t.data to compute outside the graph"
    )
