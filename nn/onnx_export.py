"""Models as ONNX files, which other programs and languages run."""

from __future__ import annotations

import inspect
import os
from typing import Any

from tinygrad_edu.atomic_write import written_whole

from .module import Module
from .watching import evaluating

__all__ = ["export_onnx"]


def export_onnx(
    path: str | os.PathLike[str],
    model: Module[Any],
    *inputs: Any,
    batch_axis: Any = 0,
    opset: int | None = None,
    **options: Any,
) -> None:
    """Write what a model computes in evaluation mode as an ONNX file.

    The model runs on the `inputs`, examples of what it will be given: their dtypes and shapes are
    the file's, except for the size of the batch, which is free.  `batch_axis` says which axis that
    is, for all inputs or, as a tuple, for each; None for an input without.  With `batch_axis=None`
    all sizes are fixed.  `options` go to the model's forward, as in `is_causal=True`.

    Inputs are called as forward calls them, parameters as in `state_dict`, and the output "output",
    or "output_0" and so on.  `opset` is the version of ONNX's operators, by default the newest of
    the installed onnx; an older runtime may need an older one, from 23 on.

    The file is written whole or not at all.  Raises NotImplementedError for an op that ONNX has no
    operator for, with the layer that calls it; TraceError for a model whose steps depend on values;
    ValueError for one that takes batches of one size only; ModuleNotFoundError without onnx.

    >>> import nn, numpy as np, tempfile
    >>> model = nn.Sequential(nn.Dense(4, 8), nn.ReLU(), nn.Dense(8, 3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nn.export_onnx(folder + "/model.onnx", model, np.ones((1, 4), np.float32))
    """
    from tinygrad_edu import to_onnx

    if not isinstance(model, Module):
        kind = type(model).__name__
        raise TypeError(f"write nn.export_onnx(path, model, x); the model given is a {kind}")
    if not inputs:
        raise TypeError(
            "an example of each input tells its shape and dtype: nn.export_onnx(path, model, x)"
        )

    def forward(*given: Any) -> Any:
        return model(*given, **options)

    forward.__signature__ = inspect.signature(model.forward)  # type: ignore[attr-defined]
    names = {name: p.data for name, p in model._named_parameters()} | dict(model.named_buffers())
    layers = {name: type(module).__name__ for name, module in model.named_modules()}
    with evaluating(model):
        content = to_onnx(
            forward, *inputs, batch_axis=batch_axis, opset=opset, names=names, layers=layers,
            title=type(model).__name__,
        ).SerializeToString()  # fmt: skip
    with written_whole(path) as file:
        file.write(content)
