"""What an op says when it is called wrongly: what went wrong, where, and what to do."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .context import state

_KINDS: tuple[type[Exception], ...] = (
    np.exceptions.AxisError,
    np.linalg.LinAlgError,
    IndexError,
    ValueError,
    TypeError,
)

LOCATED = (ValueError, TypeError, IndexError)
"""The kinds of error that are given the location where they happened."""

internal = {__package__}
"""Packages whose own lines are never the caller's; a layer on top of the engine adds itself."""


def explain(op: Any, values: list[Any], error: Exception) -> Exception:
    """The error NumPy raised, of the same kind, with the op, the shapes and a remedy."""
    operands = values[0] if op.sequence else values[: len(op.tensors)]
    for i, value in enumerate(operands):
        if getattr(value, "dtype", np.dtype(float)).kind not in "fiub":
            operand(op, i, value)
    shapes = [np.shape(value) for value in operands if value is not None]
    remedy = _REMEDIES.get(op.name) or (_broadcast if op.elementwise else _other)
    listed = ", ".join(map(str, shapes[:6])) + (", ..." if len(shapes) > 6 else "")
    message = f"{op.name}: {remedy(shapes, values, error)} (shapes: {listed})"
    return next(kind for kind in _KINDS if isinstance(error, kind))(message)


def too_many(op: Any, args: Any) -> TypeError:
    """For more arguments than the op has."""
    return TypeError(f"{op.name}({', '.join(op.parameters)}) was given {len(args)} arguments")


def missing(op: Any, names: list[str]) -> TypeError:
    """For arguments without a default that were not given."""
    return TypeError(f"{op.name}({', '.join(op.parameters)}) lacks {', '.join(names)}")


def keyword(op: Any, name: str, value: Any) -> TypeError:
    """For a keyword that the op does not have."""
    signature = f"{op.name}({', '.join(op.parameters)})"
    if name in ("out", "where", "casting", "order", "subok", "initial"):
        return TypeError(
            f"{signature} is recorded without `{name}=`; use the value that it returns"
            + (", and np.where to choose among values" if name == "where" else "")
        )
    return TypeError(f"{signature} got an argument `{name}` that it does not have, or has twice")


def operand(op: Any, position: int, value: Any) -> Any:
    """`value` as an array for a tensor argument, if it can be one."""
    name = op.parameters[0 if op.sequence else position]
    if value is None and not op.sequence and op.defaults[position] is None:
        return None
    if isinstance(value, (list, tuple)):
        value = np.asarray(value)
        if value.dtype.kind in "fiub":
            return value
    kind = f"dtype {value.dtype}" if hasattr(value, "dtype") else type(value).__name__
    raise TypeError(
        f"{op.name}: argument `{name}` must be a Tensor, an array or a real number, not {kind}"
    )


def static(op: Any, value: Any, position: int) -> TypeError:
    """For a Tensor where only a constant can stand."""
    name = op.parameters[position]
    example = "int(t)" if value.ndim == 0 else "t.data"
    return TypeError(
        f"{op.name}: `{name}` is a static argument, which no gradient can reach, so it cannot be a "
        f"Tensor; write {name}={example}"
    )


def constant(op: Any, position: int) -> TypeError:
    """For a gradient wanted through an argument that has no derivative."""
    return TypeError(
        f"{op.name} has no derivative with respect to `{op.parameters[position]}`; "
        "give it .detach() or an array"
    )


# -------------------------------------------------------------------- what has no gradient

INNER_GRAD = (
    "reading .grad of an inner Tensor (computed by {}), which is not stored; call .retain_grad() "
    "on it before backward(), or use grad(loss, tensor)"
)


def not_leaf(node: Any) -> RuntimeError:
    """For requires_grad set on what was computed."""
    return RuntimeError(
        f"requires_grad can only be set on a leaf, and this was computed by {node.op.name}; "
        ".detach() gives one without history"
    )


def no_history(caller: str) -> RuntimeError:
    """For a derivative of what does not require grad."""
    return RuntimeError(
        f"{caller} on a Tensor that was computed from none that requires grad; give one of them "
        "requires_grad=True, and compute outside no_grad()"
    )


def not_scalar(caller: str, shape: tuple[int, ...]) -> RuntimeError:
    """For a derivative of several numbers without the upstream gradient."""
    return RuntimeError(
        f"{caller} without a gradient needs a scalar, and this Tensor has shape {shape}; reduce it "
        "first, as in .sum() or .mean(), or give the upstream gradient, an array of that shape"
    )


# -------------------------------------------------------------------- what cannot be recorded

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
    """For a NumPy function that shall write into an array."""
    return TypeError(f"{name}(..., out=) would write past the graph; use the value that it returns")


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


# -------------------------------------------------------------------- where it happened


def location() -> str:
    """The caller's line outside this package and the path of the layer at work, "at file:line"."""
    frame = sys._getframe(1)
    while frame.f_back and _is_internal(frame):
        frame = frame.f_back
    layer = f", in layer {state.scope}" if state.scope else ""
    return f"at {os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}{layer}"


def locate(error: Exception) -> Exception:
    """The error with the `location` in its message, once, unless the caller's own code raised it.

    A message that ends in a parenthesis, such as "(shapes: ...)", takes the location into it.
    """
    if getattr(error, "located", False) or not _is_raised_internally(error):
        return error
    message = str(error)
    within = message.endswith(")") and "(shape" in message
    message = f"{message[:-1]}; {location()})" if within else f"{message}, {location()}"
    if isinstance(error, np.exceptions.AxisError):  # its text is not made of its args
        error = np.exceptions.AxisError(message).with_traceback(error.__traceback__)
    error.args = (message,)
    error.located = True  # type: ignore[attr-defined]
    return error


def located(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: what the function raises says on which line of the caller's code, and where."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except LOCATED as error:
            raise locate(error) from error.__cause__

    return call


def _is_internal(frame: Any) -> bool:
    return frame.f_globals.get("__name__", "").split(".")[0] in internal


def _is_raised_internally(error: Exception) -> bool:
    """Whether the innermost Python frame is this package's: a user's own error stays untouched."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return trace is None or _is_internal(trace.tb_frame)


def place(opening: str = "; at ") -> str:
    """Superseded by `locate`, which adds the location once."""
    return opening.removesuffix("at ") + location()


# -------------------------------------------------------------------- the rule broken, the remedy


def _broadcast(shapes: list[Any], values: list[Any], error: Exception) -> str:
    for axis in range(1, max(map(len, shapes), default=0) + 1):
        sizes = {shape[-axis] for shape in shapes if len(shape) >= axis} - {1}
        if len(sizes) > 1:
            a, b = sorted(sizes)[:2]
            return (
                f"sizes {a} and {b} meet at axis {-axis} and do not broadcast, being neither equal "
                "nor 1; transpose or reshape one, or give it an axis of size 1 with np.expand_dims"
            )
    return _other(shapes, values, error)


def _matmul(shapes: list[Any], values: list[Any], error: Exception) -> str:
    x, y = shapes[:2]
    if not x or not y:
        return "needs at least 1-d arguments; multiply by a scalar with *"
    inner = y[-2] if len(y) > 1 else y[0]
    if x[-1] != inner:
        advice = "transpose one with .T" if inner in x or x[-1] in y else "check the sizes"
        return f"the last axis of the first ({x[-1]}) must meet as many rows ({inner}); {advice}"
    return _broadcast([x[:-2], y[:-2]], values, error)


def _dense(shapes: list[Any], values: list[Any], error: Exception) -> str:
    x, weight = shapes[:2]
    if not x or x[-1] != weight[0]:
        given = f"{x[-1]} features" if x else "a scalar"
        return (
            f"expected input of {weight[0]} features on its last axis and was given {given}; "
            "check the layer's in_features, or flatten the input with x.reshape(len(x), -1)"
        )
    return _broadcast([weight[1:], *shapes[2:]], values, error)


def _reshape(shapes: list[Any], values: list[Any], error: Exception) -> str:
    if "order" in str(error):
        return _other(shapes, values, error)
    return (
        f"{np.prod(shapes[0], dtype=int)} elements do not fill shape {values[1]}; its product must "
        "equal their number, or one size be -1"
    )


def _other(shapes: list[Any], values: list[Any], error: Exception) -> str:
    return str(error).rstrip(".")


_REMEDIES = {"matmul": _matmul, "dense": _dense, "reshape": _reshape}
