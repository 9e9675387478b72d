"""Names that other libraries have: what to write here in their place.

Tensors speak NumPy, so PyTorch's `view` and `dim=` are no second names for `reshape` and `axis=`.
Who writes them is told the line to write, by one table for the attributes of Tensors, one for
functions and one for keywords.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from .registry import NONDIFFERENTIABLE, OPS

_CPU = "x itself, since all runs on the CPU"
_NO_DEVICE = "no device, since all runs on the CPU"
_RANDOM = "np.random.default_rng(seed)"
_MADE = {
    **{name: f"ops.{name}(shape)" for name in ("zeros", "ones")}, "empty": "ops.zeros(shape)",
    "full": "ops.full(shape, value)", "eye": "ops.eye(n)", "arange": "ops.arange(n)",
    "linspace": "ops.linspace(start, stop, n)", "from_numpy": "Tensor(array)",
    "rand": f"ops.uniform({_RANDOM}, shape)", "randn": f"ops.normal({_RANDOM}, shape)",
    "randint": f"{_RANDOM}.integers(low, high, shape)",
}  # fmt: skip

TENSOR: dict[str, str] = {
    # the shape
    "view": "x.reshape(shape)", "view_as": "x.reshape(y.shape)", "reshape_as": "x.reshape(y.shape)",
    "permute": "x.transpose(axes)", "unsqueeze": "np.expand_dims(x, axis)", "t": "x.T", "H": "x.T",
    "mH": "x.mT", "movedim": "x.moveaxis(source, destination)", "unflatten": "x.reshape(shape)",
    "expand": "np.broadcast_to(x, shape)", "expand_as": "np.broadcast_to(x, y.shape)",
    "dim": "x.ndim", "ndimension": "x.ndim", "numel": "x.size", "nelement": "x.size",
    "contiguous": "x itself, since NumPy copies where it must", "stride": "x.data.strides",
    "is_contiguous": "x.data.flags.c_contiguous",
    # parts
    "chunk": "np.array_split(x, n, axis)", "split": "np.split(x, positions, axis)",
    "unbind": "list(x), after x.moveaxis(axis, 0) for another axis", "narrow": "x[start:stop]",
    "select": "x.take(i, axis)", "index_select": "x.take(indices, axis)",
    "masked_select": "x[mask]", "masked_fill": "np.where(mask, value, x)",
    "topk": "np.sort(x, axis)[..., -k:]", "sort": "np.sort(x, axis)",
    # types and devices
    "float": "x.astype(np.float32)", "double": "x.astype(np.float64)",
    "half": "x.astype(np.float16)", "bfloat16": "x.astype(np.float16)",
    "long": "x.data.astype(np.int64)", "int": "x.data.astype(np.int32)",
    "short": "x.data.astype(np.int16)", "byte": "x.data.astype(np.uint8)",
    "bool": "x.data.astype(bool)", "type": "x.astype(dtype)", "type_as": "x.astype(y.dtype)",
    "to": "x.astype(dtype); or x itself instead of another device, since all runs on the CPU",
    "cpu": _CPU, "cuda": _CPU, "pin_memory": _CPU, "device": _NO_DEVICE, "is_cuda": _NO_DEVICE,
    "get_device": _NO_DEVICE, "is_floating_point": 'x.dtype.kind == "f"',
    "element_size": "x.dtype.itemsize",
    # arithmetic
    "mm": "x @ y", "bmm": "x @ y", "mv": "x @ y", "addmm": "x + a @ b", "mul": "x * y",
    "sub": "x - y", "div": "x / y", "true_divide": "x / y", "pow": "x ** y", "neg": "-x",
    "ger": "x.outer(y)", "rsqrt": "1 / x.sqrt()", "lerp": "x + w * (y - x)",
    "eq": "x == y", "ne": "x != y", "lt": "x < y", "le": "x <= y", "gt": "x > y", "ge": "x >= y",
    "amax": "x.max(axis)", "amin": "x.min(axis)", "equal": "np.array_equal(x, y)",
    "softplus": "ops.softplus(x)",
    # copies and gradients
    "clone": "x.copy()", "requires_grad_": "x.requires_grad = True", "grad_fn": "x.node",
    "detach_": "x.detach()", "assign": "x.data = values", "new_tensor": "Tensor(data)",
    "new_zeros": "ops.zeros(shape)", "new_ones": "ops.ones(shape)",
    "realize": "x itself, since all is computed at once",
    "register_hook": (
        "x.retain_grad() before backward(), and read x.grad after it; to change a gradient on its "
        "way, declare an op with a VJP of your own (tinygrad_edu.op)"
    ),
    **_MADE,
}  # fmt: skip
"""Attribute that a Tensor `x` has elsewhere -> what to write here."""

IN_PLACE = (
    "x = x + y, or another operation, since each returns a new Tensor; to change the values of a "
    "leaf, x.data[...] = values and then x.mark_changed()"
)
"""For the names of PyTorch that end in `_`."""

_CHANGING = (
    "abs add addcdiv addcmul ceil clamp clip copy cos cumsum div exp fill floor index_add "
    "index_copy index_fill lerp log masked_fill masked_scatter mul neg normal pow reciprocal relu "
    "round rsqrt scatter scatter_add sigmoid sin sqrt square squeeze sub t tanh transpose tril "
    "triu trunc uniform unsqueeze zero"
)

FUNCTIONS: dict[str, str] = {
    **_MADE, "tensor": "Tensor(data)", "as_tensor": "Tensor(data)", "Variable": "Tensor(data)",
    "cat": "np.concatenate(tensors, axis)", "mm": "x @ y", "bmm": "x @ y", "mv": "x @ y",
    "mul": "x * y", "sub": "x - y", "div": "x / y", "neg": "-x",
    "unsqueeze": "np.expand_dims(x, axis)", "movedim": "np.moveaxis(x, source, destination)",
    "chunk": "np.array_split(x, n, axis)", "unbind": "list(x)", "index_select": "x.take(i, axis)",
    "masked_fill": "np.where(mask, value, x)", "masked_select": "x[mask]",
    "topk": "np.sort(x, axis)[..., -k:]",
    "randperm": f"{_RANDOM}.permutation(n)", "manual_seed": "nn.manual_seed(seed)",
    "save": "nn.save(path, model)", "load": "nn.load(path)",
    "optim": "import nn, and then nn.Adam(model.parameters())",
    "Module": "import nn, and then class Model(nn.Module)", "device": _NO_DEVICE,
    "cuda": _NO_DEVICE, "set_grad_enabled": "with no_grad(), or with enable_grad()",
    "inference_mode": "with no_grad()", "autograd": "grad, jacobian or hessian of tinygrad_edu",
}  # fmt: skip
"""Function of another library -> what to write here, besides what NumPy has under the same name."""

KEYWORDS: dict[str, tuple[str, ...]] = {
    "dim": ("axis", "axes"), "dims": ("axis", "axes"), "dim0": ("axis1",), "dim1": ("axis2",),
    "keepdim": ("keepdims",), "keep_dims": ("keepdims",), "unbiased": ("ddof",),
    "correction": ("ddof",), "input": ("x", "a"), "tensors": ("arrays",), "size": ("shape",),
}  # fmt: skip
"""Keyword of another library -> the parameters here that it may stand for."""


class Elsewhere:
    """An attribute that other libraries have: reading it raises AttributeError with the advice.

    One for each name costs nothing otherwise, where a `__getattr__` would make every attribute of
    every Tensor slower to read.
    """

    __slots__ = ("name", "instead")

    def __init__(self, name: str, instead: str) -> None:
        self.name, self.instead = name, instead

    def __get__(self, instance: Any, owner: Any) -> NoReturn:
        raise AttributeError(f"a Tensor has no attribute {self.name!r}; write {self.instead}")


def advise(tensor: type, base: type) -> None:
    """Let Tensors say what to write for names that they do not have.

    The advice stands in the `base` that ops fill with methods, so that a user's own op may take the
    name.
    """
    numpy = {name for f in {*OPS, *NONDIFFERENTIABLE} if hasattr(np, name := f.__name__)}
    advice = {
        **{name: f"x.data.{name}" for name in dir(np.ndarray) if name[0] != "_"},
        **{name: f"np.{name}(x, ...)" for name in numpy},
        **{f"{name}_": IN_PLACE for name in _CHANGING.split()},
        **TENSOR,
    }
    for name, instead in advice.items():
        if not hasattr(tensor, name):
            setattr(base, name, Elsewhere(name, instead))


class _NotCallable(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"{self.__name__} is a module; write Tensor(data), with a capital T")


def refuse_calls(module: str) -> None:
    """Let a module say what to write when it is called, as PyTorch's function `tensor` is."""
    sys.modules[module].__class__ = _NotCallable


def missing_function(module: str, name: str, ops: Iterable[str] = ()) -> AttributeError:
    """For a name that a module does not have, with NumPy's function or the op of that name."""
    instead = FUNCTIONS.get(name)
    if instead is None and name[0] != "_" and hasattr(np, name):
        instead = f"np.{name}"
    elif instead is None and name in ops:
        instead = f"tinygrad_edu.ops.{name}"
    advice = f"; write {instead}" if instead else ""
    return AttributeError(f"module {module!r} has no attribute {name!r}{advice}", name=name)


def unknown_keyword(
    owner: str, given: str, names: Sequence[str], meant: Mapping[str, Sequence[str]] = KEYWORDS
) -> TypeError:
    """For a keyword that is none of `names`, with the one that was probably meant.

    >>> print(unknown_keyword("softmax", "dim", ["x", "axis"]))
    softmax has no argument dim; did you mean axis? It takes x, axis
    """
    import difflib

    near = [name for name in meant.get(given, ()) if name in names]
    near += difflib.get_close_matches(given, names, 1)
    question = f"; did you mean {near[0]}? It" if near else "; it"
    return TypeError(
        f"{owner} has no argument {given}{question} takes {', '.join(names) or 'none'}"
    )
