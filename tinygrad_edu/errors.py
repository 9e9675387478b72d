"""What an op says when it is called wrongly: what went wrong, where, and what to do.

A message is given its location once, by `locate`: in the op call, in `Module.__call__`, and by the
decorator `located` around the functions of a layer on top.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .context import state
from .habits import missing_function, unknown_keyword

__all__ = [
    "LOCATED", "internal", "line_of", "locate", "located", "location", "missing_function",
    "printable", "unknown_keyword", "variable", "warn",
]  # fmt: skip

Function = TypeVar("Function", bound=Callable[..., Any])

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
    hint = "; to repeat all of it along each axis, write np.tile(x, times)"
    return TypeError(
        f"{op.name}({', '.join(op.parameters)}) was given {len(args)} arguments"
        + (hint if op.name == "repeat" else "")
    )


def missing(op: Any, names: list[str]) -> TypeError:
    """For arguments without a default that were not given."""
    return TypeError(f"{op.name}({', '.join(op.parameters)}) lacks {', '.join(names)}")


def keyword(op: Any, name: str, value: Any) -> TypeError:
    """For a keyword that the op does not have, or has by position already."""
    signature = f"{op.name}({', '.join(op.parameters)})"
    if name in ("out", "where", "casting", "order", "subok", "initial"):
        return TypeError(
            f"{signature} is recorded without `{name}=`; use the value that it returns"
            + (", and np.where to choose among values" if name == "where" else "")
        )
    if name in op.parameters:
        return TypeError(f"{signature} was given `{name}` twice, by position and by name")
    return unknown_keyword(op.name, name, op.parameters)


def operand(op: Any, position: int, value: Any) -> Any:
    """`value` as an array for a tensor argument, if it can be one."""
    name = op.parameters[0 if op.sequence else position]
    if value is None and not op.sequence and op.defaults[position] is None:
        return None
    remedy = foreign(value)
    if isinstance(value, (list, tuple)) or (isinstance(value, _NUMBERS) and not remedy):
        value = np.asarray(value)
        if value.dtype.kind in "fiub":
            return value
    kind = f"dtype {value.dtype}" if hasattr(value, "dtype") else type(value).__name__
    if remedy:
        kind = f"{type(value).__module__.split('.')[0]}'s {type(value).__name__}; write {remedy}"
    raise TypeError(
        f"{op.name}: argument `{name}` must be a Tensor, an array or a real number, not {kind}"
    )


_NUMBERS = (np.ndarray, float, int, np.floating, np.integer, np.bool)


def foreign(value: Any) -> str:
    """How to make an array of what looks like one and computes otherwise; "" for anything else."""
    if isinstance(value, np.matrix):
        return "np.asarray(m), since a matrix multiplies otherwise than an array"
    if isinstance(value, np.ma.MaskedArray):
        return "m.filled(0) and, where the mask matters, np.where(m.mask, ...)"
    if hasattr(value, "toarray"):  # SciPy's sparse matrices
        return "s.toarray()"
    if hasattr(value, "to_numpy"):  # pandas, polars
        return "s.to_numpy()"
    if hasattr(value, "detach") and hasattr(value, "numpy"):  # PyTorch
        return "t.detach().numpy()"
    return ""


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
    example = ", as in np.where(x > 0, x, other)" if op.name == "where" else ""
    return TypeError(
        f"{op.name} has no derivative with respect to `{op.parameters[position]}`; "
        f"give it .detach() or an array{example}"
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


def upstream_shape(caller: str, given: tuple[int, ...], shape: tuple[int, ...]) -> ValueError:
    """For an upstream gradient of another shape than its Tensor."""
    return ValueError(
        f"{caller}: the upstream gradient has shape {given}, the Tensor {shape}; they must be equal"
    )


# -------------------------------------------------------------------- what goes wrong backwards


def in_backward(error: Exception, node: Any) -> Exception:
    """What a VJP raised, with the op and its layer; or that it returned no array."""
    what = f"the derivative of {node.op.name}" + (f" in layer {node.scope}" if node.scope else "")
    trace = error.__traceback__
    if isinstance(error, AttributeError) and trace and not trace.tb_next:  # of part.shape
        return TypeError(
            f"{what}: its VJP returned {error.obj!r} and must return an array of the shape of the "
            "argument; for a derivative of 0 return np.zeros_like(g)"
        )
    kind = next((kind for kind in _KINDS if isinstance(error, kind)), None)
    return error if kind is None else kind(f"{what}: {error}")


def vjp_shape(node: Any, given: tuple[int, ...], expected: tuple[int, ...]) -> ValueError:
    """For what cannot be the gradient of an argument."""
    return ValueError(
        f"a VJP of {node.op.name} returned shape {given} for an argument of shape {expected}"
    )


def no_result(op: Any) -> TypeError:
    """For a forward without a return."""
    return TypeError(f"the forward of {op.name} returned None; it must return an array")


def taken_name(name: str) -> ValueError:
    """For an op whose method would replace one that Tensors have."""
    return ValueError(
        f"Tensors have an attribute {name!r} already, which the op would replace; give it another "
        "name, or method=False and call it as a function"
    )


# -------------------------------------------------------------------- where it happened


def location() -> str:
    """The caller's line outside this package and the path of the layer at work, "at file:line"."""
    frame, _ = _caller()
    layer = f", in layer {state.scope}" if state.scope else ""
    return printable(f"at {line_of(frame.f_code.co_filename, frame.f_lineno)}{layer}")


def line_of(path: str, line: int) -> str:
    """ "file:line", or "cell In[3], line 1" for the file that a notebook makes of a cell."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    with contextlib.suppress(Exception):  # another version's
        kind, cell = shell.compile.format_code_name(path)
        return f"{kind.lower()} {cell}, line {line}"
    return f"{os.path.basename(path)}:{line}"


def locate(error: Exception, name: str = "") -> Exception:
    """The error with the `location` in its message, once, unless the caller's own code raised it.

    A name, of a function or a class, goes before the message; a message that ends in a parenthesis,
    such as "(shapes: ...)", takes the location into it.
    """
    if getattr(error, "located", False) or not _is_raised_internally(error):
        return error
    message = f"{name}: {error}" if name else str(error)
    within = message.endswith(")") and "(shape" in message
    message = f"{message[:-1]}; {location()})" if within else f"{message}, {location()}"
    if isinstance(error, np.exceptions.AxisError):  # its text is not made of its args
        error = np.exceptions.AxisError(message).with_traceback(error.__traceback__)
    error.args = (message,)
    error.located = True  # type: ignore[attr-defined]
    return error


def _of_keyword(function: Any, kwargs: dict[str, Any], error: TypeError) -> TypeError:
    """The error that says which keyword was meant, if one is unknown to the function."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_flags & 0x08:  # it takes any
        return error
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    names = [name for name in names if name != "self"]
    unknown = [name for name in kwargs if name not in names]
    return unknown_keyword(function.__name__, unknown[0], names) if unknown else error


def located(function: Function) -> Function:
    """Decorator: the errors that the function raises say on which line of the caller's code."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except LOCATED as error:
            if kwargs and isinstance(error, TypeError):
                error = _of_keyword(function, kwargs, error)
            raise locate(error) from error.__cause__

    return call  # type: ignore[return-value]


def printable(text: str) -> str:
    """The text, its control characters escaped, so that a name in it cannot steer a terminal.

    >>> print(printable("weight\\n\\x1b[2J"))
    weight\\n\\x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def warn(message: str) -> None:
    """Warn, with the location, of the caller's line, so that Python shows it once for each."""
    warnings.warn(f"{message}, {location()}", stacklevel=_caller()[1])


def variable(values: tuple[Any, ...], otherwise: str) -> str:
    """The name of the variable in which the caller holds one of these objects."""
    frame, _ = _caller()
    for held in (frame.f_locals, frame.f_globals):
        for name, value in held.items():
            if name[0] != "_" and any(value is x for x in values):
                return str(name)
    return otherwise


def _caller() -> tuple[Any, int]:
    """The innermost frame outside this package, and how many frames it is from here, less one."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back and _is_internal(frame):
        frame, depth = frame.f_back, depth + 1
    return frame, depth


def _is_internal(frame: Any) -> bool:
    return frame.f_globals.get("__name__", "").split(".")[0] in internal


def _is_raised_internally(error: Exception) -> bool:
    """Whether the innermost Python frame is this package's: a user's own error stays untouched."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return trace is None or _is_internal(trace.tb_frame)


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
    if isinstance(values[2], int):  # PyTorch's x.flatten(1)
        return "flatten makes one axis of all; to keep the first, write x.reshape(len(x), -1)"
    if "order" in str(error):
        return _other(shapes, values, error)
    return (
        f"{np.prod(shapes[0], dtype=int)} elements do not fill shape {values[1]}; its product must "
        "equal their number, or one size be -1"
    )


def _transpose(shapes: list[Any], values: list[Any], error: Exception) -> str:
    axes = values[1]
    if axes is not None and np.size(axes) == 2 != len(shapes[0]):  # PyTorch's transpose(1, 2)
        return (
            f"needs all {len(shapes[0])} axes in their new order; to exchange two, write "
            f"x.swapaxes({', '.join(map(str, axes))})"
        )
    return _other(shapes, values, error)


def _other(shapes: list[Any], values: list[Any], error: Exception) -> str:
    return str(error).rstrip(".")


_REMEDIES = {"matmul": _matmul, "dense": _dense, "reshape": _reshape, "transpose": _transpose}
