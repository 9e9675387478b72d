"""What PyTorch calls our ops.  Each takes an op's operands by position and its statics by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume

torch = pytest.importorskip("torch")
F = torch.nn.functional

MISSING = {"floor_divide", "scatter"}
"""Ops that PyTorch has not, or not with a derivative."""


def _dims(axis: Any, x: Any) -> Any:
    return tuple(range(x.ndim)) if axis is None else axis


def _spread(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(a: Any, axis: Any, dtype: Any, ddof: Any, keepdims: Any) -> Any:
        return function(a, dim=_dims(axis, a), correction=ddof, keepdim=keepdims)

    return call


def _index(index: Any) -> Any:
    """NumPy's index for PyTorch, which has no negative steps."""
    parts = index if isinstance(index, tuple) else (index,)
    assume(not any(isinstance(p, slice) and (p.step or 1) < 0 for p in parts))
    tensors = (torch.tensor(p) if isinstance(p, (np.ndarray, list)) else p for p in parts)
    return tuple(tensors)


REFERENCE: dict[str, Callable[..., Any]] = {
    "add": torch.add,
    "subtract": torch.subtract,
    "multiply": torch.multiply,
    "divide": torch.divide,
    "remainder": torch.remainder,
    "negative": torch.negative,
    "positive": torch.positive,
    "power": torch.pow,
    "absolute": torch.absolute,
    "sign": torch.sign,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "clamp": lambda x, a, b: torch.clamp(*torch.broadcast_tensors(x, a, b)),
    "where": torch.where,
    "sum": lambda a, axis, dtype, keepdims: a.sum(dim=_dims(axis, a), keepdim=keepdims),
    "mean": lambda a, axis, dtype, keepdims: a.mean(dim=_dims(axis, a), keepdim=keepdims),
    "var": _spread(torch.var),
    "std": _spread(torch.std),
    "max": lambda a, axis, keepdims: a.amax(dim=_dims(axis, a), keepdim=keepdims),
    "min": lambda a, axis, keepdims: a.amin(dim=_dims(axis, a), keepdim=keepdims),
    "logsumexp": lambda x, axis, keepdims: x.logsumexp(dim=_dims(axis, x), keepdim=keepdims),
    "softmax": lambda x, axis: x.softmax(axis),
    "log_softmax": lambda x, axis: x.log_softmax(axis),
    "reshape": lambda a, shape: a.reshape(shape),
    "transpose": lambda a, axes: a.permute(
        list(range(a.ndim))[::-1] if axes is None else list(axes)
    ),
    "swapaxes": lambda a, axis1, axis2: a.swapaxes(axis1, axis2),
    "squeeze": lambda a, axis: a.squeeze() if axis is None else a.squeeze(axis),
    "expand_dims": lambda a, axis: a.reshape(np.expand_dims(np.zeros(a.shape), axis).shape),
    "broadcast_to": lambda array, shape: array.broadcast_to(shape),
    "copy": lambda a: a.clone(),
    "cast": lambda a, dtype: a.clone(),
    "concatenate": lambda arrays, axis: torch.cat(
        [a.ravel() for a in arrays] if axis is None else arrays, axis or 0
    ),
    "stack": lambda arrays, axis: torch.stack(arrays, axis),
    "getitem": lambda a, index: a[_index(index)],
    "matmul": torch.matmul,
    "dense": lambda x, weight, bias: x @ weight + bias,
    "cross_entropy": lambda x, targets, reduction: F.cross_entropy(
        x.reshape(-1, x.shape[-1]), targets.ravel(), reduction=reduction
    ).reshape(targets.shape if reduction == "none" else ()),
    "binary_cross_entropy_with_logits": lambda x, targets: F.binary_cross_entropy_with_logits(
        *torch.broadcast_tensors(x, targets), reduction="none"
    ),
}
