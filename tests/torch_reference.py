"""The PyTorch function for each op: it takes operands by position and static arguments by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume

torch = pytest.importorskip("torch")
F = torch.nn.functional

MISSING = {"floor_divide", "heaviside", "imag", "scatter", "unpad", "sinc", "sinc_slope"}
"""Ops that PyTorch does not have, or not with a derivative."""


def _dims(axis: Any, x: Any) -> Any:
    return tuple(range(x.ndim)) if axis is None else axis


def _spread(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(a: Any, axis: Any, dtype: Any, ddof: Any, keepdims: Any) -> Any:
        return function(a, dim=_dims(axis, a), correction=ddof, keepdim=keepdims)

    return call


def _index(index: Any) -> Any:
    """Convert an index for PyTorch, which does not support negative steps."""
    parts = index if isinstance(index, tuple) else (index,)
    assume(not any(isinstance(p, slice) and (p.step or 1) < 0 for p in parts))
    tensors = (torch.tensor(p) if isinstance(p, (np.ndarray, list)) else p for p in parts)
    return tuple(tensors)


def _prod(a: Any, axis: Any, dtype: Any, keepdims: bool) -> Any:
    for i in sorted((d % a.ndim for d in np.atleast_1d(_dims(axis, a)).astype(int)), reverse=True):
        a = a.prod(int(i), keepdim=keepdims)
    return a


def _axes(axis: Any, x: Any) -> Any:
    return _dims(axis, x) if axis is None or isinstance(axis, tuple) else (axis,)


def _matrix(x: Any) -> Any:
    assume(x.ndim > 1)
    return x


def _reshape(a: Any, shape: Any, order: str) -> Any:
    assume(order == "C")
    return a.reshape(shape)


def _sort(a: Any, axis: Any, kind: Any, stable: Any) -> Any:
    return a.ravel().sort().values if axis is None else a.sort(dim=axis).values


ELSEWHERE = {  # compared with PyTorch in test_neural_torch
    *(
        f"{name}{n}d"
        for name in ("avg_pool", "max_pool", "conv", "conv_transpose")
        for n in (1, 2, 3)
    ),
    *("bernoulli", "unit_rms"),
    *(
        "correlate",
        "correlate_input",
        "correlate_weight",
        "fold",
        "unfold",
        "window_spread",
        "window_sum",
    ),
}


def _by_columns(a: Any, shape: Any) -> Any:
    shape = np.empty(tuple(a.shape)).reshape(shape).shape
    return a.permute(*range(a.ndim)[::-1]).reshape(shape[::-1]).permute(*range(len(shape))[::-1])


def _pad(array: Any, pad_width: Any, mode: str, constant_values: Any) -> Any:
    positions = np.pad(np.arange(array.numel()).reshape(array.shape), pad_width, mode)
    if mode != "constant":
        return array.ravel()[torch.tensor(positions)]
    inside = np.pad(np.ones(array.shape, bool), pad_width)
    border = np.pad(np.zeros(array.shape), pad_width, constant_values=constant_values or 0)
    padded = torch.zeros(positions.shape, dtype=array.dtype)
    padded = padded.masked_scatter(torch.tensor(inside), array)
    return padded + torch.tensor(border).to(array.dtype)


def _take(a: Any, indices: Any, axis: Any, mode: str) -> Any:
    n = a.numel() if axis is None else a.shape[axis]
    positions = np.take(np.arange(n), indices, mode=mode)
    if axis is None:
        return a.ravel()[torch.tensor(positions)]
    return a[(slice(None),) * (axis % a.ndim) + (torch.tensor(positions),)]


def _repeat(a: Any, repeats: Any, axis: Any) -> Any:
    repeats = torch.tensor(np.broadcast_to(repeats, a.numel() if axis is None else a.shape[axis]))
    return torch.repeat_interleave(a.ravel() if axis is None else a, repeats, dim=axis or 0)


def _vector_norm(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    assume(x.numel())
    return torch.linalg.vector_norm(x, ord, _dims(axis, x), keepdim=keepdims)


def _symmetric(a: Any, lower: bool) -> Any:
    """The symmetric matrix with the triangle that NumPy reads."""
    return a.tril() + a.tril(-1).mT if lower else a.triu() + a.triu(1).mT


def _aligned(theirs: Any, ours: Any) -> Any:
    """The column vectors, with the signs of NumPy's."""
    return theirs * torch.tensor(np.sign((theirs.detach().numpy() * ours).sum(-2, keepdims=True)))


def _eigh(a: Any, UPLO: str) -> Any:
    w, v = torch.linalg.eigh(_symmetric(a, UPLO.upper() == "L"))
    return w, _aligned(v, np.linalg.eigh(a.detach().numpy(), UPLO)[1])


def _svd(a: Any, full_matrices: bool) -> Any:
    u, s, vh = torch.linalg.svd(a, full_matrices=full_matrices)
    ours = np.linalg.svd(a.detach().numpy(), full_matrices)
    return _aligned(u, ours[0]), s, _aligned(vh.mT, ours[2].mT).mT


def _qr(a: Any) -> Any:
    q, r = torch.linalg.qr(a)
    aligned = _aligned(q, np.linalg.qr(a.detach().numpy())[0])
    return aligned, aligned.mT @ q @ r


def _solve_triangular(a: Any, b: Any, trans: Any, lower: bool, unit_diagonal: bool) -> Any:
    if trans in (1, "T"):
        a, lower = a.mT, not lower
    columns = b[:, None] if b.ndim == 1 else b
    x = torch.linalg.solve_triangular(a, columns, upper=not lower, unitriangular=unit_diagonal)
    return x[..., 0] if b.ndim == 1 else x


def _bessel_i(x: Any, order: int) -> Any:
    assume(order < 2)
    return torch.special.i1(x) if order else torch.special.i0(x)


def _convolve(a: Any, v: Any, mode: str) -> Any:
    a, v = a.ravel(), v.ravel()
    full = F.conv1d(a[None, None], v.flip(0)[None, None], padding=len(v) - 1)[0, 0]
    size = len(np.convolve(np.zeros(len(a)), np.zeros(len(v)), mode))
    start = (len(full) - size) // 2
    return full[start : start + size]


def _lstm_cell(a: Any, c: Any) -> Any:
    i, f, n, o = a.chunk(4, -1)
    i, f, n, o = i.sigmoid(), f.sigmoid(), n.tanh(), o.sigmoid()
    c = f * c + i * n
    return o * c.tanh(), c, torch.stack([i, f, n, o])


def _gru_cell(x: Any, a: Any, h: Any) -> Any:
    (x_r, x_z, x_n), (a_r, a_z, a_n) = x.chunk(3, -1), a.chunk(3, -1)
    r, z = (x_r + a_r).sigmoid(), (x_z + a_z).sigmoid()
    n = (x_n + r * a_n).tanh()
    return (1 - z) * n + z * h, torch.stack([r, z, n])


def _lstm(x: Any, h: Any, c: Any, weight: Any) -> Any:
    steps = []
    for each in x:
        h, c, gates = _lstm_cell(each + h @ weight, c)
        steps.append((h, c, gates))
    return tuple(torch.stack(each) for each in zip(*steps, strict=True))


def _gru(x: Any, h: Any, weight: Any, bias: Any) -> Any:
    steps = []
    for each in x:
        h, gates = _gru_cell(each, h @ weight + bias, h)
        steps.append((h, gates))
    return tuple(torch.stack(each) for each in zip(*steps, strict=True))


def _attention(q: Any, k: Any, v: Any, bias: Any, kept: Any, scale: float) -> Any:
    scores = q @ k.mT * scale
    weights = (scores if bias is None else scores + bias).softmax(-1)
    return (weights if kept is None else weights * kept) @ v, weights


def _standardize(x: Any, weight: Any, bias: Any, axis: Any, eps: float) -> Any:
    axes = tuple(range(x.ndim)) if axis is None else axis
    var, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    return (x - mean) / (var + eps).sqrt() * weight + bias, mean, var


def _gelu_and_slope(x: Any) -> tuple[Any, Any]:
    cdf, density = torch.special.ndtr(x), torch.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return F.gelu(x), cdf + x * density


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
    "floor": torch.floor,
    "ceil": torch.ceil,
    "trunc": torch.trunc,
    "rint": torch.round,
    "round": lambda a, decimals: torch.round(a, decimals=decimals),
    "fmod": torch.fmod,
    "square": torch.square,
    "cbrt": lambda x: x ** (1 / 3),
    "reciprocal": torch.reciprocal,
    "fabs": torch.abs,
    "exp2": torch.exp2,
    "expm1": torch.expm1,
    "log2": torch.log2,
    "log10": torch.log10,
    "log1p": torch.log1p,
    "logaddexp": torch.logaddexp,
    "logaddexp2": torch.logaddexp2,
    "fmax": torch.fmax,
    "fmin": torch.fmin,
    "nan_to_num": lambda x, copy, nan, posinf, neginf: torch.nan_to_num(x, nan, posinf, neginf),
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "arcsin": torch.arcsin,
    "arccos": torch.arccos,
    "arctan": torch.arctan,
    "arctan2": torch.arctan2,
    "hypot": torch.hypot,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "arcsinh": torch.arcsinh,
    "arccosh": torch.arccosh,
    "arctanh": torch.arctanh,
    "degrees": torch.rad2deg,
    "radians": torch.deg2rad,
    "erf": torch.erf,
    "copysign": torch.copysign,
    "ldexp": lambda x, n: x * 2.0 ** n.to(x.dtype),
    "modf": lambda x: (x.frac(), x.trunc()),
    "angle": lambda z, deg: z.angle().rad2deg() if deg else z.angle(),
    "i0": torch.special.i0,
    "bessel_i": _bessel_i,
    "convolve": _convolve,
    "leaky_relu": lambda x, negative_slope: F.leaky_relu(x, negative_slope),
    "elu": lambda x, alpha: F.elu(x, alpha),
    "selu": F.selu,
    "softplus": lambda x, beta: F.softplus(x, beta, 1e9),
    "logsigmoid": F.logsigmoid,
    "softsign": F.softsign,
    "silu": F.silu,
    "mish": F.mish,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "prod": _prod,
    "cumsum": lambda a, axis, dtype: a.ravel().cumsum(0) if axis is None else a.cumsum(axis),
    "cumprod": lambda a, axis, dtype: a.ravel().cumprod(0) if axis is None else a.cumprod(axis),
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
    "reshape": _reshape,
    "transpose": lambda a, axes: a.permute(
        list(range(a.ndim))[::-1] if axes is None else list(axes)
    ),
    "swapaxes": lambda a, axis1, axis2: a.swapaxes(axis1, axis2),
    "squeeze": lambda a, axis: a.squeeze() if axis is None else a.squeeze(axis),
    "expand_dims": lambda a, axis: a.reshape(np.expand_dims(np.zeros(a.shape), axis).shape),
    "broadcast_to": lambda array, shape: array.broadcast_to(shape),
    "copy": lambda a: a.clone(),
    "cast": lambda a, dtype: a.clone(),
    "concatenate": lambda arrays, axis, dtype, casting: torch.cat(
        [a.ravel() for a in arrays] if axis is None else arrays, axis or 0
    ),
    "stack": lambda arrays, axis, dtype, casting: torch.stack(arrays, axis),
    "roll": lambda a, shift, axis: a.roll(
        shift if not isinstance(axis, tuple) else np.broadcast_to(shift, len(axis)).tolist(), axis
    ),
    "repeat": _repeat,
    "pad": _pad,
    "take": _take,
    "einsum": lambda operands, subscripts, optimize: torch.einsum(subscripts, *operands),
    "vector_norm": _vector_norm,
    "vecdot": torch.linalg.vecdot,
    "outer": lambda a, b: torch.outer(a.ravel(), b.ravel()),
    "pinv": lambda a, rcond, hermitian, rtol: torch.linalg.pinv(
        _symmetric(a, True) if hermitian else a
    ),
    "solve_triangular": _solve_triangular,
    "solve": lambda a, b: (
        torch.linalg.solve(a, b[..., None])[..., 0] if b.ndim == 1 else torch.linalg.solve(a, b)
    ),
    "cofactor": lambda a: torch.linalg.det(a)[..., None, None] * torch.linalg.inv(a).mT,
    "cholesky": lambda a, upper: torch.linalg.cholesky(_symmetric(a, not upper), upper=upper),
    "eigh": _eigh,
    "svd": _svd,
    "qr": _qr,
    "getitem": lambda a, index: a[_index(index)],
    "matmul": torch.matmul,
    "dense": lambda x, weight, bias: x @ weight + bias,
    "cross_entropy": lambda x, targets, reduction: F.cross_entropy(
        x.reshape(-1, x.shape[-1]), targets.ravel(), reduction=reduction
    ).reshape(targets.shape if reduction == "none" else ()),
    "binary_cross_entropy_with_logits": lambda x, targets, reduction: (
        F.binary_cross_entropy_with_logits(
            *torch.broadcast_tensors(x, targets), reduction=reduction
        )
    ),
    "log_probability": lambda x: x.log(),
    "squared_error": lambda x, targets, reduction: F.mse_loss(x, targets, reduction=reduction),
    "dropout": torch.multiply,
    "attention": _attention,
    "standardize": _standardize,
    "normal_cdf": torch.special.ndtr,
    "gelu_and_slope": _gelu_and_slope,
    "gru": _gru,
    "lstm": _lstm,
    "lstm_cell": _lstm_cell,
    "gru_cell": _gru_cell,
    "flip": lambda m, axis: m.flip(_axes(axis, m)),
    "moveaxis": lambda a, source, destination: a.movedim(source, destination),
    "rot90": lambda m, k, axes: m.rot90(k, axes),
    "tril": lambda m, k: _matrix(m).tril(k),
    "triu": lambda m, k: _matrix(m).triu(k),
    "sort": _sort,
    "inv": torch.linalg.inv,
    "det": torch.linalg.det,
    "slogdet": lambda a: tuple(torch.linalg.slogdet(a)),
}
