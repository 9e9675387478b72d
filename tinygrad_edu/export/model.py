"""A traced function as an ONNX model."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..program.recording import Value, filled
from ..pytree import paths
from .batch import Batched, Call, Size, has_size, rule
from .graph import Array, Graph, identifier
from .table import TABLE, NoOperator, Out

__all__ = ["to_onnx"]

LEAST_OPSET = 23
_MOST_BYTES = 2**31 - 2**20
"""A file of the format, which is a protocol buffer, has less than 2 GiB."""


def to_onnx(
    f: Callable[..., Any],
    *args: Any,
    batch_axis: Any = 0,
    opset: int | None = None,
    names: Mapping[str, Any] | None = None,
    layers: Mapping[str, str] | None = None,
    title: str = "model",
) -> Any:
    """What a function of arrays computes, as an `onnx.ModelProto`.

    The function runs on `args`, and on batches of two other sizes; its steps become the nodes of
    the graph, each named after the module that it belongs to. `batch_axis` is the axis of the
    batch in each input, whose size is free, or one for each input; None for an input without, and
    whose shape is fixed. `opset` is by default the newest of the installed onnx. `names` of arrays
    are what the parameters are called in the file, `layers` the classes of modules by path, for
    messages, and `title` the name of the graph.

    Raises TraceError for what no program can repeat, NotImplementedError for an op without an
    operator, ValueError where the batch's size cannot be free, ModuleNotFoundError without onnx.

    >>> import numpy as np
    >>> from tinygrad_edu import to_onnx
    >>> graph = to_onnx(lambda x: np.tanh(x * 2.0), np.ones((3, 2))).graph
    >>> [(node.op_type, *node.input) for node in graph.node]
    [('Mul', 'x', 'constant'), ('Tanh', 'Mul')]
    """
    onnx = _library()
    newest = onnx.defs.onnx_opset_version()
    opset = newest if opset is None else opset
    if not LEAST_OPSET <= opset <= newest:
        raise ValueError(
            f"opset must be from {LEAST_OPSET} to {newest}, which is what the installed onnx has, "
            f"and is {opset}"
        )
    batched = Batched(f, args, batch_axis)
    writer = _Writer(onnx, batched, names or {}, layers or {})
    inputs = [writer.input(v) for v in batched.run.recording.inputs]
    for call in batched.calls:
        writer.write(call)
    outputs = writer.outputs()
    return writer.model(title, opset, inputs, outputs)


def _library() -> Any:
    try:
        return importlib.import_module("onnx")
    except ModuleNotFoundError:
        raise ModuleNotFoundError("An export to ONNX needs onnx: pip install onnx") from None


def _made(write: Callable[..., Any], out: Out, args: Any, kwargs: Any) -> tuple[Array, ...]:
    """The outputs of a call.  Raises NoOperator for arguments that its operators do not have."""
    try:
        inspect.signature(write).bind(out, *args, **kwargs)
    except TypeError as error:
        raise NoOperator(f"with these arguments ({error})") from None
    try:
        made = write(out, *args, **kwargs)
    except TypeError:
        if has_size([args, kwargs]):
            raise NoOperator("one of its arguments depends on the batch's size") from None
        raise
    return made if isinstance(made, tuple) else (made,)


class _Writer:
    """Writes the calls of a function into a graph."""

    def __init__(
        self, onnx: Any, batched: Batched, names: Mapping[str, Any], layers: Mapping[str, str]
    ) -> None:
        self.onnx, self.batched, self.layers = onnx, batched, layers
        self.names = {id(array): name for name, array in reversed(list(names.items()))}
        self.graph = Graph(onnx.helper.np_dtype_to_tensor_dtype)
        self.arrays: dict[Value, Array] = {}
        self.taken: set[str] = set()  # the names of inputs and outputs, which stay

    def input(self, value: Value) -> Array:
        name = self.graph.unique(identifier(value.name))
        array = Array(self.graph, name, value.array.dtype, self.batched.dims[value])
        self.arrays[value] = array
        if self.batched.source and self.batched.source[0] is value:
            self.graph.batch = array, self.batched.source[1]
        return array

    def write(self, call: Call) -> None:
        """Add the nodes of one call."""
        step, value = call.step, call.step.outs[0]
        self.graph.scope = step.scope
        write = TABLE.get(step.op if step.op is not None else step.function)
        try:
            if step.role == "effect":
                raise NoOperator("it draws at random or changes arrays, and a graph computes alone")
            if write is None:
                raise NoOperator("there is nothing like it")
            out = Out(self.graph, value.array.dtype, self.batched.dims[value])
            args, kwargs = filled(call.args, self.of), filled(call.kwargs, self.of)
            made = _made(write, out, args, kwargs)
        except NoOperator as why:
            raise NotImplementedError(self._refusal(step, why)) from None
        for each, array in zip(step.outs, made, strict=True):
            known = array.cast(each.array.dtype)
            dims = self.batched.dims[each]
            self.arrays[each] = Array(self.graph, known.name, known.dtype, dims, known.value)

    def _refusal(self, step: Any, why: Any) -> str:
        name = step.op.name if step.op is not None else getattr(step.function, "__name__", "?")
        kind = self.layers.get(step.scope)
        layer = f" of layer {step.scope}{f' ({kind})' if kind else ''}" if step.scope else ""
        path, line = step.location or ("?", 0)
        return (
            f"{name}{layer}, called at {os.path.basename(path)}:{line}, has no operator in ONNX: "
            f"{why}; compute it before the model and pass it as an input, compose it of other "
            "functions, or export the parts before and after it"
        )

    def of(self, value: Value) -> Array:
        """The array of the graph for a Value; constants are put in when they are first read."""
        if value not in self.arrays:
            array, dims = np.asarray(value.array), self.batched.dims[value]
            known = self.names.get(id(value.array)) or identifier(value.name) or "constant"
            if any(isinstance(n, Size) for n in dims):
                self.arrays[value] = self._growing(array, dims)
            else:
                self.arrays[value] = self.graph.constant(array, name=known)
        return self.arrays[value]

    def _growing(self, array: Any, dims: Any) -> Array:
        """A constant that has the batch's size."""
        axis = next(i for i, n in enumerate(dims) if isinstance(n, Size))
        other = tuple(n + 1 if i == axis else n for i, n in enumerate(array.shape))
        base, slope, _ = rule(array, other)
        start = self.graph.constant(base)
        if not slope.any():
            return start.expand(dims)
        zero, one = (self.graph.constant(n, np.int64) for n in (0, 1))
        end = self.graph.size(dims[axis])
        counted: Array = zero.node("Range", end, one).of((dims[axis],))
        counted = counted.reshape(tuple(n if i == axis else 1 for i, n in enumerate(dims)))
        return start + counted.cast(array.dtype) * self.graph.constant(slope, array.dtype)

    # ---------------------------------------------------------------- the whole

    def outputs(self) -> list[Array]:
        """What the function returns; each has a name and a node of its own."""
        run, graph, result = self.batched.run, self.graph, []
        graph.scope = ""
        self.taken = {self.arrays[v].name for v in run.recording.inputs}
        for path, value in zip(paths(run.output, "output"), run.outputs, strict=True):
            if value is None:
                raise ValueError(f"{path} is no Tensor; a model returns Tensors, or tuples of them")
            result.append(self._output(value, graph.unique(identifier(path))))
        if not result:
            raise ValueError("the model returns nothing; it must return a Tensor")
        return result

    def _output(self, value: Value, name: str) -> Array:
        array = self.of(value)
        y = Array(self.graph, name, array.dtype, self.batched.dims[value])
        if array.name in self.taken or array.name in self.graph.constants:
            array = self.graph.node("Identity", array, dtype=array.dtype)
        old = array.name
        self.graph.rename(old, name)
        for known in self.arrays.values():  # of which several may stand for one array
            known.name = name if known.name == old else known.name
        self.taken.add(name)
        return y

    def model(self, title: str, opset: int, inputs: list[Array], outputs: list[Array]) -> Any:
        helper, numpy = self.onnx.helper, self.onnx.numpy_helper
        nodes = [
            helper.make_node(n.kind, n.inputs, n.outputs, n.name, **n.attributes)
            for n in self.graph.pruned(y.name for y in outputs)
        ]
        constants = self.graph.constants
        size = sum(array.nbytes for array in constants.values())
        if size > _MOST_BYTES:
            raise ValueError(
                f"the model's arrays have {size / 2**30:.1f} GiB, and an ONNX file holds less than "
                "2; export its parts"
            )
        graph = helper.make_graph(
            nodes, identifier(title) or "model", *map(self._infos, (inputs, outputs)),
            [numpy.from_array(np.asarray(x, order="C"), name) for name, x in constants.items()],
        )  # fmt: skip
        imports = [helper.make_opsetid("", opset)]
        model = helper.make_model(graph, producer_name="tinygrad-edu", opset_imports=imports)
        model.ir_version = helper.find_min_ir_version_for(model.opset_import)
        self.onnx.checker.check_model(model, full_check=True)
        return model

    def _infos(self, arrays: list[Array]) -> Any:
        return [
            self.onnx.helper.make_tensor_value_info(
                x.name,
                self.graph.type_of(x.dtype),
                [str(n) if isinstance(n, Size) else int(n) for n in x.dims],
            )
            for x in arrays
        ]
