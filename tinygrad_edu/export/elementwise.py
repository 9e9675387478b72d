"""Elementwise ops and activations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..ops.extended import elementwise as extended
from ..ops.extended import special
from .table import Array, Out, pointwise, writes

__all__: list[str] = []

OPERATORS: dict[Any, str] = {
    ops.add: "Add", ops.subtract: "Sub", ops.multiply: "Mul", ops.divide: "Div", ops.power: "Pow",
    ops.negative: "Neg", ops.absolute: "Abs", ops.fabs: "Abs", ops.reciprocal: "Reciprocal",
    ops.sqrt: "Sqrt", ops.exp: "Exp", ops.log: "Log", ops.sin: "Sin", ops.cos: "Cos",
    ops.tan: "Tan", ops.arcsin: "Asin", ops.arccos: "Acos", ops.arctan: "Atan", ops.sinh: "Sinh",
    ops.cosh: "Cosh", ops.tanh: "Tanh", ops.arcsinh: "Asinh", ops.arccosh: "Acosh",
    ops.arctanh: "Atanh", ops.floor: "Floor", ops.ceil: "Ceil", ops.rint: "Round",
    ops.sign: "Sign", ops.maximum: "Max", ops.minimum: "Min", ops.selu: "Selu",
    ops.sigmoid: "Sigmoid", ops.erf: "Erf", ops.softsign: "Softsign", ops.mish: "Mish",
    ops.dropout: "Mul",
}  # fmt: skip
"""Ops for which there is an operator of the same meaning."""


def _one_operator(kind: str) -> Any:
    def write(x: Array, *others: Array) -> Array:
        return x.pointwise(kind, *others)

    return write


for _op, _kind in OPERATORS.items():
    pointwise(_op)(_one_operator(_kind))


@pointwise(ops.positive)
def _positive(x: Array) -> Array:
    return x


@pointwise(ops.square)
def _square(x: Array) -> Array:
    return x * x


@pointwise(ops.cbrt)
def _cbrt(x: Array) -> Array:
    return x.pointwise("Sign") * abs(x).pointwise("Pow", 1 / 3)


@pointwise(ops.hypot)
def _hypot(x: Array, y: Array) -> Array:
    return (x * x + y * y).pointwise("Sqrt")


@pointwise(ops.degrees)
def _degrees(x: Array) -> Array:
    return x * (180 / math.pi)


@pointwise(ops.radians)
def _radians(x: Array) -> Array:
    return x * (math.pi / 180)


@pointwise(ops.arctan2)
def _arctan2(y: Array, x: Array) -> Array:
    behind = (x < 0).where((y < 0).where(y * 0 - math.pi, y * 0 + math.pi), y * 0)
    upright = y.pointwise("Sign") * (math.pi / 2)
    return x.equals(0).where(upright, (y / x).pointwise("Atan") + behind)


@pointwise(special.sinc)
def _sinc(x: Array) -> Array:
    angle = x * math.pi
    return x.equals(0).where(1, angle.pointwise("Sin") / angle)


@pointwise(extended.angle)
def _angle(z: Array, deg: bool = False) -> Array:
    return (z < 0).where(180.0 if deg else math.pi, z * 0)


@pointwise(extended.imag)
def _imag(val: Array) -> Array:
    return val * 0


@pointwise(extended.heaviside)
def _heaviside(x: Array, middle: Array) -> Array:
    return x.equals(0).where(middle, (x > 0).cast(x.dtype))


@pointwise(extended.copysign)
def _copysign(x: Array, sign: Array) -> Array:
    return (sign < 0).where(-abs(x), abs(x))


@pointwise(extended.ldexp)
def _ldexp(x: Array, exponent: Array) -> Array:
    return x * (exponent * math.log(2)).pointwise("Exp")


# -------------------------------------------------------------------- exponentials, logarithms


@pointwise(ops.exp2)
def _exp2(x: Array) -> Array:
    return (x * math.log(2)).pointwise("Exp")


@pointwise(ops.expm1)
def expm1(x: Array) -> Array:
    """eˣ - 1 is 2 t / (1 - t) for t = tanh(x / 2), which is precise near 0."""
    t = (x * 0.5).pointwise("Tanh")
    return (abs(x) < 1).where(t * 2 / (1 - t), x.pointwise("Exp") - 1)


@pointwise(ops.log2)
def _log2(x: Array) -> Array:
    return x.pointwise("Log") / math.log(2)


@pointwise(ops.log10)
def _log10(x: Array) -> Array:
    return x.pointwise("Log") / math.log(10)


@pointwise(ops.log1p)
def log1p(x: Array) -> Array:
    """ln(1 + x), near 0 by x ln u / (u - 1) for u = 1 + x as it was rounded (Kahan)."""
    u = x + 1
    logarithm, step = u.pointwise("Log"), u - 1
    near = step.equals(0).where(x, logarithm * x / step)
    return (abs(x) < 1).where(near, logarithm)


def softplus(x: Array) -> Array:
    """ln(1 + eˣ)."""
    return x.pointwise("Softplus")


@pointwise(ops.logaddexp)
def _logaddexp(x: Array, y: Array) -> Array:
    return y + softplus(x - y)


@pointwise(ops.logaddexp2)
def _logaddexp2(x: Array, y: Array) -> Array:
    return y + softplus((x - y) * math.log(2)) / math.log(2)


# -------------------------------------------------------------------- rounding, remainders


@pointwise(ops.trunc)
def _trunc(x: Array) -> Array:
    return x.pointwise("Sign") * abs(x).pointwise("Floor")


@pointwise(extended.modf)
def _modf(x: Array) -> tuple[Array, Array]:
    whole: Array = _trunc(x)
    return x - whole, whole


@pointwise(ops.round)
def _round(x: Array, decimals: int = 0) -> Array:
    if x.dtype.kind != "f":
        return x
    scale = 10.0**decimals
    return (x * scale).pointwise("Round") / scale if decimals else x.pointwise("Round")


@pointwise(ops.floor_divide)
def _floor_divide(x: Array, y: Array) -> Array:
    if x.dtype.kind == "f":
        return (x / y).pointwise("Floor")
    return (x - x.pointwise("Mod", y)) / y


@pointwise(ops.remainder)
def _remainder(x: Array, y: Array) -> Array:
    if x.dtype.kind == "f":
        return x - y * (x / y).pointwise("Floor")
    return x.pointwise("Mod", y)


@pointwise(ops.fmod)
def _fmod(x: Array, y: Array) -> Any:
    return x.node("Mod", y, fmod=1)


# -------------------------------------------------------------------- selections


@writes(ops.where)
def _where(out: Out, condition: Any, x: Any, y: Any) -> Array:
    return out.graph.array(condition, bool).cast(bool).where(out.like(x), out.like(y))


def _missing(x: Array) -> Array:
    return x.pointwise("IsNaN", dtype=bool)


@pointwise(ops.fmax)
def _fmax(x: Array, y: Array) -> Array:
    return _missing(x).where(y, _missing(y).where(x, x.pointwise("Max", y)))


@pointwise(ops.fmin)
def _fmin(x: Array, y: Array) -> Array:
    return _missing(x).where(y, _missing(y).where(x, x.pointwise("Min", y)))


@pointwise(ops.clamp)
def _clamp(x: Array, low: Any = None, high: Any = None) -> Array:
    if all(bound is None or bound.ndim == 0 for bound in (low, high)):
        return x.node("Clip", low, high)  # type: ignore[no-any-return]
    x = x if low is None else x.pointwise("Max", low)
    return x if high is None else x.pointwise("Min", high)


@pointwise(ops.nan_to_num)
def _nan_to_num(
    x: Array, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None
) -> Array:
    largest = float(np.finfo(x.dtype).max)
    y = _missing(x).where(nan, x)
    y = y.equals(math.inf).where(largest if posinf is None else posinf, y)
    return y.equals(-math.inf).where(-largest if neginf is None else neginf, y)


# -------------------------------------------------------------------- activations


@pointwise(ops.relu)
def _relu(x: Array) -> Array:
    return x.pointwise("Relu") if x.dtype.kind == "f" else x.pointwise("Max", 0)


@pointwise(ops.leaky_relu)
def _leaky_relu(x: Array, negative_slope: float = 0.01) -> Any:
    return x.node("LeakyRelu", alpha=float(negative_slope))


@pointwise(ops.elu)
def _elu(x: Array, alpha: float = 1.0) -> Any:
    return x.node("Elu", alpha=float(alpha))


@pointwise(ops.softplus)
def _softplus(x: Array, beta: float = 1.0) -> Array:
    return softplus(x * beta) / beta


@pointwise(ops.logsigmoid)
def _logsigmoid(x: Array) -> Array:
    return -softplus(-x)


@pointwise(ops.silu)
def _silu(x: Array) -> Array:
    return x * x.pointwise("Sigmoid")


@pointwise(ops.normal_cdf)
def _normal_cdf(x: Array) -> Array:
    return (x * math.sqrt(0.5)).pointwise("Erf") * 0.5 + 0.5


@pointwise(ops.gelu_tanh)
def _gelu_tanh(x: Array) -> Any:
    return x.node("Gelu", approximate="tanh")


# -------------------------------------------------------------------- without a derivative

COMPARISONS: dict[Any, str] = {
    np.equal: "Equal", np.less: "Less", np.greater: "Greater", np.less_equal: "LessOrEqual",
    np.greater_equal: "GreaterOrEqual",
}  # fmt: skip
LOGICAL: dict[Any, str] = {
    np.logical_and: "And", np.logical_or: "Or", np.logical_xor: "Xor", np.logical_not: "Not",
}  # fmt: skip
BITWISE: dict[Any, str] = {
    np.bitwise_and: "And", np.bitwise_or: "Or", np.bitwise_xor: "Xor", np.invert: "Not",
}  # fmt: skip


def together(graph: Any, *operands: Any) -> list[Array]:
    """Operands of a comparison in the dtype that they have together."""
    kinds = [x.dtype if isinstance(x, Array) else x for x in operands]
    dtype = np.result_type(*kinds)
    return [graph.array(x, dtype).cast(dtype) for x in operands]


def _comparison(kind: str) -> Any:
    def write(out: Out, x: Any, y: Any) -> Array:
        x, y = together(out.graph, x, y)
        return x.pointwise(kind, y, dtype=bool)  # type: ignore[no-any-return]

    return write


for _function, _kind in COMPARISONS.items():
    writes(_function)(_comparison(_kind))


@writes(np.not_equal)
def _not_equal(out: Out, x: Any, y: Any) -> Array:
    x, y = together(out.graph, x, y)
    return x.equals(y).pointwise("Not")  # type: ignore[no-any-return]


def _logical(kind: str, bits: bool) -> Any:
    def write(out: Out, *operands: Any) -> Array:
        if bits and out.dtype != bool:
            x, *others = map(out.like, operands)
            return x.pointwise(f"Bitwise{kind}", *others)  # type: ignore[no-any-return]
        x, *others = (out.graph.array(x, bool).cast(bool) for x in operands)
        return x.pointwise(kind, *others)

    return write


for _function, _kind in LOGICAL.items():
    writes(_function)(_logical(_kind, bits=False))
for _function, _kind in BITWISE.items():
    writes(_function)(_logical(_kind, bits=True))


@writes(np.isnan)
def _isnan(out: Out, x: Array) -> Array:
    return _missing(_floating(x))


@writes(np.isinf)
def _isinf(out: Out, x: Array) -> Array:
    return abs(_floating(x)).equals(math.inf)


@writes(np.isfinite)
def _isfinite(out: Out, x: Array) -> Array:
    return abs(_floating(x)) < math.inf


def _floating(x: Array) -> Array:
    return x if x.dtype.kind == "f" else x.cast(np.float64)


def _full_of(value: Any) -> Any:
    def write(out: Out, like: Any, *given: Any, **options: Any) -> Array:
        fill = value if value is not None else given[0]
        return out.like(fill).expand(out.dims)  # type: ignore[no-any-return]

    return write


for _function, _value in ((np.zeros_like, 0), (np.ones_like, 1), (np.full_like, None)):
    writes(_function)(_full_of(_value))
