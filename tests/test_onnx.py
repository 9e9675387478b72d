"""Models exported to ONNX: every layer and example computes there what it computes here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from examples import autoencoder, circles, gpt, mnist, mnist_conv, sine_rnn
from nn.activations import NAMES
from nn.watching import evaluating
from tinygrad_edu import Tensor, TraceError, ops, to_onnx

from .onnx_runtime import OLDEST, assert_computes, newest, onnx, session

rng = np.random.default_rng(0)


def drawn(*shape: int) -> Any:
    return rng.standard_normal(shape).astype(np.float32)


def indices(*shape: int) -> Any:
    return rng.integers(0, 9, shape)


def rows(x: Any, n: int, axis: int | None) -> Any:
    """Other rows than were given, so many."""
    return x if axis is None else np.take(x, rng.permutation(np.arange(n) % x.shape[axis]), axis)


def check(
    path: Path, model: nn.Module[Any], *inputs: Any, batch_axis: Any = 0, opset: Any = None,
    **options: Any,
) -> Any:  # fmt: skip
    """Export a model, and compare it on batches of several sizes; returns the file's content."""
    for array in [*(p.data for p in model.parameters()), *model.buffers()]:
        if array.ndim:  # nothing is 0 or 1 by chance
            array += rng.uniform(0.1, 0.3, array.shape).astype(array.dtype)
    opset = opset or newest()
    nn.export_onnx(path, model, *inputs, batch_axis=batch_axis, opset=opset, **options)
    axes = batch_axis if isinstance(batch_axis, tuple) else (batch_axis,) * len(inputs)
    for n in (1, 5, 8) if any(axis is not None for axis in axes) else (0,):
        given = [rows(x, n, axis) for x, axis in zip(inputs, axes, strict=True)]
        with evaluating(model):
            expected = model(*given, **options)
        assert_computes(path, expected, given)
    content = onnx.load(path)
    onnx.checker.check_model(content, full_check=True)
    assert [each.version for each in content.opset_import] == [opset]
    return content


LAYERS: dict[str, tuple[Callable[[], nn.Module[Any]], Any]] = {
    "Dense": (lambda: nn.Dense(4, 3), (5, 4)),
    "Dense without bias": (lambda: nn.Dense(4, 3, bias=False), (5, 4)),
    "Dense of sequences": (lambda: nn.Dense(4, 3), (5, 2, 4)),
    "Conv1d": (lambda: nn.Conv1d(4, 6, 3, padding="same", dilation=2), (5, 4, 10)),
    "Conv2d": (lambda: nn.Conv2d(4, 6, 3, stride=(2, 1), padding=1, groups=2), (5, 4, 9, 8)),
    "ConvTranspose2d": (
        lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
        (5, 4, 6, 7),
    ),
    "Conv3d": (lambda: nn.Conv3d(2, 4, (1, 2, 3), 2, (0, 1, 1), groups=2), (5, 2, 4, 5, 6)),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(4, 6, 3, 3, 1, 2), (5, 4, 7)),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(2, 3, 2, (1, 2, 2)), (5, 2, 2, 3, 4)),
    "MaxPool1d": (lambda: nn.MaxPool1d(3, 2, 1), (5, 4, 10)),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), (5, 4, 9, 8)),
    "MaxPool2d beyond the border": (
        lambda: nn.MaxPool2d(2, 3, 1, dilation=2, ceil_mode=True),
        (5, 4, 9, 8),
    ),
    "MaxPool3d": (lambda: nn.MaxPool3d((1, 2, 2)), (5, 2, 3, 4, 5)),
    "AvgPool1d": (lambda: nn.AvgPool1d(3, 2, 1), (5, 4, 10)),
    "AvgPool2d": (lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False), (5, 4, 9, 8)),
    "AvgPool2d beyond the border": (lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True), (5, 4, 8, 9)),
    "AvgPool3d": (lambda: nn.AvgPool3d(2, (1, 2, 2)), (5, 2, 3, 4, 5)),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(3), (5, 4, 7)),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((3, 2)), (5, 4, 9, 8)),
    "AdaptiveAvgPool2d of one": (lambda: nn.AdaptiveAvgPool2d(1), (5, 4, 9, 8)),
    "AdaptiveAvgPool3d": (lambda: nn.AdaptiveAvgPool3d((2, None, 1)), (5, 2, 3, 4, 5)),
    "AdaptiveMaxPool1d": (lambda: nn.AdaptiveMaxPool1d(2), (5, 4, 8)),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d((3, 2)), (5, 4, 10, 7)),
    "AdaptiveMaxPool3d": (lambda: nn.AdaptiveMaxPool3d(2), (5, 2, 3, 4, 5)),
    "GlobalAvgPool": (nn.GlobalAvgPool, (5, 4, 9, 8)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(4), (5, 4)),
    "BatchNorm1d of signals": (lambda: nn.BatchNorm1d(4, affine=False), (5, 4, 3)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(4, momentum=None), (5, 4, 3, 3)),
    "BatchNorm2d of the batch": (
        lambda: nn.BatchNorm2d(4, track_running_stats=False),
        (5, 4, 3, 3),
    ),
    "BatchNorm3d": (lambda: nn.BatchNorm3d(2), (5, 2, 2, 3, 2)),
    "LayerNorm": (lambda: nn.LayerNorm(4), (5, 2, 4)),
    "LayerNorm of two axes": (lambda: nn.LayerNorm((2, 4), bias=False), (5, 2, 4)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), (5, 4, 3, 3)),
    "RMSNorm": (lambda: nn.RMSNorm(4), (5, 2, 4)),
    "Dropout": (lambda: nn.Dropout(0.3), (5, 4)),
    "Dropout2d": (lambda: nn.Dropout2d(0.3), (5, 4, 2, 2)),
    "Flatten": (nn.Flatten, (5, 4, 3)),
    "Flatten of the last axes": (lambda: nn.Flatten(-2), (5, 4, 3, 2)),
    "Reshape": (lambda: nn.Reshape(2, -1), (5, 4, 3)),
    "Residual": (lambda: nn.Residual(nn.Dense(4, 4), nn.Tanh()), (5, 4)),
    "RNN": (lambda: nn.RNN(3, 4, 2, nonlinearity="relu"), (5, 6, 3)),
    "LSTM": (lambda: nn.LSTM(3, 4, 2, bidirectional=True), (5, 6, 3)),
    "LSTM with a projection": (lambda: nn.LSTM(3, 4, proj_size=2), (5, 6, 3)),
    "GRU": (lambda: nn.GRU(3, 4, bias=False), (5, 6, 3)),
    "RNNCell": (lambda: nn.RNNCell(3, 4), (5, 3)),
    "LSTMCell": (lambda: nn.LSTMCell(3, 4), (5, 3)),
    "GRUCell": (lambda: nn.GRUCell(3, 4), (5, 3)),
    "Embedding": (lambda: nn.Embedding(9, 3), indices(5, 4)),
    "Embedding with padding": (lambda: nn.Embedding(9, 3, padding_idx=2), indices(5, 4)),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(8, 2), (5, 3, 8)),
    "TransformerBlock": (lambda: nn.TransformerBlock(8, 2, activation="gelu"), (5, 3, 8)),
    "PReLU": (lambda: nn.PReLU(4), (5, 4, 3)),
    "Identity": (nn.Identity, (5, 4)),
    "Lambda": (lambda: nn.Lambda(np.square), (5, 4)),
    "Neuron": (lambda: nn.Neuron(4), (5, 4)),
    "MLP": (lambda: nn.MLP(4, [8], 3, dropout=0.1), (5, 4)),
    "Network": (lambda: nn.Network([4, 8, 3]), (5, 4)),
    "ModuleList": (lambda: Listed(), (5, 4)),
    "Sequential": (lambda: nn.Sequential(nn.Dense(4, 3), nn.GELU("tanh")), (5, 4)),
}


class Listed(nn.Module):
    def __init__(self) -> None:
        self.parts = nn.ModuleList([nn.Dense(4, 4), nn.Dense(4, 4)])

    def forward(self, x: Any) -> Any:
        return [part(x) for part in self.parts]


@pytest.mark.parametrize("opset", [OLDEST, newest()])
@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str, opset: int, tmp_path: Path) -> None:
    build, x = LAYERS[name]
    x = drawn(*x) if isinstance(x, tuple) else x
    check(tmp_path / "model.onnx", build(), x, opset=opset)


def test_the_layers_are_all_layers() -> None:
    tested = {name.partition(" ")[0] for name in LAYERS}
    unpooling = {"MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"}  # refused, see below
    assert {*nn.layers.__all__, *nn.networks.__all__} <= tested | unpooling


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda: nn.Conv1d(4, 6, 3), (4, 10)),
        (lambda: nn.Conv2d(4, 6, 3), (4, 9, 8)),
        (lambda: nn.Conv3d(2, 4, 2), (2, 3, 4, 5)),
        (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2), (4, 5, 6)),
        (lambda: nn.MaxPool2d(2, ceil_mode=True), (4, 9, 8)),
        (lambda: nn.AvgPool3d(2), (2, 3, 4, 5)),
        (lambda: nn.LSTM(3, 4), (6, 3)),
        (lambda: nn.RNNCell(3, 4), (3,)),
        (lambda: nn.LSTMCell(3, 4), (3,)),
        (lambda: nn.GRUCell(3, 4), (3,)),
    ],
)
def test_single_samples(build: Any, shape: tuple[int, ...], tmp_path: Path) -> None:
    check(tmp_path / "model.onnx", build(), drawn(*shape), batch_axis=None)


def test_a_free_length_without_a_batch(tmp_path: Path) -> None:
    check(tmp_path / "model.onnx", nn.Conv1d(4, 6, 3, padding=1), drawn(4, 10), batch_axis=1)


@pytest.mark.parametrize("name", NAMES)
def test_activations(name: str, tmp_path: Path) -> None:
    check(tmp_path / "model.onnx", NAMES[name](), 2 * drawn(5, 4))


@pytest.mark.parametrize(
    "kind",
    [nn.BCELoss, nn.BCEWithLogitsLoss, nn.HuberLoss, nn.KLDivLoss, nn.L1Loss, nn.MSELoss],
)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses(kind: Any, reduction: str, tmp_path: Path) -> None:
    prediction, target = abs(drawn(5, 4)) % 1, abs(drawn(5, 4)) % 1
    check(tmp_path / "model.onnx", kind(reduction=reduction), prediction, target)


def test_cross_entropy(tmp_path: Path) -> None:
    check(tmp_path / "model.onnx", nn.CrossEntropyLoss(), drawn(5, 4), indices(5) % 4)


EXAMPLES: dict[str, tuple[Callable[[], nn.Module[Any]], Any]] = {
    "autoencoder": (lambda: autoencoder.Autoencoder(16, 8, 2), (5, 16)),
    "circles": (circles.network, (5, 2)),
    "decision_boundary": (lambda: nn.Network([2, 8, 1], output="sigmoid"), (5, 2)),
    "mnist": (mnist.network, (5, 784)),
    "mnist_conv": (mnist_conv.network, (5, 1, 28, 28)),
    "gpt": (lambda: gpt.GPT("abcdefghi", 6, 8, 2, 0.1), indices(5, 6)),
    "sine_rnn": (lambda: sine_rnn.Forecaster(5), (5, 6, 1)),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_networks_of_the_examples(name: str, tmp_path: Path) -> None:
    build, x = EXAMPLES[name]
    x = drawn(*x) if isinstance(x, tuple) else x
    check(tmp_path / "model.onnx", build(), x)


# -------------------------------------------------------------------- inputs and outputs


def test_several_inputs_with_their_names(tmp_path: Path) -> None:
    content = check(
        tmp_path / "model.onnx", nn.MultiheadAttention(8, 2), drawn(5, 3, 8), drawn(5, 4, 8),
        is_causal=True, average_attn_weights=False,
    )  # fmt: skip
    assert [each.name for each in content.graph.input] == ["query", "key"]
    assert [each.name for each in content.graph.output] == ["output_0", "output_1"]


@pytest.mark.parametrize("kind", [bool, np.float32])
def test_masks_are_inputs(kind: Any, tmp_path: Path) -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            self.attention = nn.MultiheadAttention(8, 2)

        def forward(self, x: Any, padding: Any, mask: Any) -> Any:
            return self.attention(x, key_padding_mask=padding, attn_mask=mask)

    nothing_forbidden = np.zeros((5, 4), bool)
    mask = np.tril(np.ones((4, 4))).astype(kind)
    path, model = tmp_path / "model.onnx", Masked()
    check(path, model, drawn(5, 4, 8), nothing_forbidden, mask, batch_axis=(0, 0, None))
    x, padding = drawn(2, 4, 8), np.array([[True] * 4, [False, True, False, False]])
    assert_computes(path, model(x, padding, mask), [x, padding, mask])


def test_a_state_to_start_from_and_the_batch_on_another_axis(tmp_path: Path) -> None:
    class Going(nn.Module[Any]):
        def __init__(self) -> None:
            self.lstm = nn.LSTM(3, 4, batch_first=False, bidirectional=True)

        def forward(self, x: Any, h: Any, c: Any) -> Any:
            return self.lstm(x, (h, c))

    states = drawn(2, 5, 4), drawn(2, 5, 4)
    content = check(tmp_path / "model.onnx", Going(), drawn(6, 5, 3), *states, batch_axis=1)
    sizes = content.graph.output[0].type.tensor_type.shape.dim
    assert [each.dim_param or each.dim_value for each in sizes] == [6, "batch", 8]


def test_without_a_batch(tmp_path: Path) -> None:
    content = check(tmp_path / "model.onnx", nn.Dense(4, 3), drawn(5, 4), batch_axis=None)
    assert content.graph.output[0].type.tensor_type.shape.dim[0].dim_value == 5


def test_an_example_of_one_row_stands_for_any_number(tmp_path: Path) -> None:
    path, model = tmp_path / "model.onnx", nn.GRU(3, 4)
    nn.export_onnx(path, model, drawn(1, 6, 3), opset=newest())
    x = drawn(7, 6, 3)
    assert_computes(path, model(x), [x])


def test_parameters_have_the_names_of_the_state(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Dense(4, 8), nn.BatchNorm1d(8), nn.Dense(8, 3))
    model[0].requires_grad_(False)
    nn.export_onnx(tmp_path / "model.onnx", model, drawn(5, 4))
    content = onnx.load(tmp_path / "model.onnx")
    arrays = {each.name: onnx.numpy_helper.to_array(each) for each in content.graph.initializer}
    state = model.state_dict()
    del state["1.num_batches_tracked"]
    assert state.keys() <= arrays.keys()
    for name, array in state.items():
        np.testing.assert_array_equal(arrays[name], array)
    assert content.graph.name == "Sequential"
    assert {node.name for node in content.graph.node} >= {"0.Gemm", "2.Gemm"}


def test_float64_and_integers_stay(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Dense(4, 8, dtype=np.float64), nn.ReLU(), nn.Dense(8, 3, dtype="f8"))
    check(tmp_path / "model.onnx", model, rng.standard_normal((5, 4)))
    check(tmp_path / "model.onnx", nn.Lambda(lambda x: x.argmax(-1)), drawn(5, 4))
    check(tmp_path / "model.onnx", nn.Lambda(lambda x: x * 2 + 1), indices(5, 4))


@pytest.mark.parametrize(
    "build",
    [
        lambda: nn.Conv2d(4, 6, 3, padding=1, dtype=np.float64),
        lambda: nn.Sequential(nn.AvgPool2d(2), nn.ELU(0.5), nn.GELU(), nn.Softplus(2.0)),
        lambda: nn.Sequential(nn.Flatten(), nn.LayerNorm(64, dtype=np.float64), nn.Mish()),
    ],
)
def test_float64_by_the_reference(build: Any, tmp_path: Path) -> None:
    """onnxruntime has these operators in float32 only, and onnx itself in float64 too."""
    from onnx.reference import ReferenceEvaluator

    model, x = build(), rng.standard_normal((3, 4, 4, 4))
    nn.export_onnx(tmp_path / "model.onnx", model, x, opset=newest())
    (y,) = ReferenceEvaluator(str(tmp_path / "model.onnx")).run(None, {"x": x[:2]})
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, model(x[:2]).data, rtol=1e-7, atol=1e-7)


def test_inputs_of_another_dtype_are_cast_as_in_the_model(tmp_path: Path) -> None:
    check(tmp_path / "model.onnx", nn.Dense(4, 3), rng.standard_normal((5, 4)))
    check(tmp_path / "model.onnx", nn.Dense(4, 3), rng.integers(0, 255, (5, 4)).astype(np.uint8))


def test_tied_weights_are_stored_once(tmp_path: Path) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            self.table = nn.Embedding(9, 4)

        def forward(self, codes: Any) -> Any:
            return self.table(codes) @ self.table.weight.T

    content = check(tmp_path / "model.onnx", Tied(), indices(5, 3))
    assert [each.name for each in content.graph.initializer] == ["table.weight"]


def test_outputs_that_are_inputs_parameters_and_twice_the_same(tmp_path: Path) -> None:
    class Odd(nn.Module[Any]):
        def __init__(self) -> None:
            self.inner = nn.Dense(4, 4)

        def forward(self, x: Any) -> Any:
            y = self.inner(x)
            outputs = {"x": x, "w": self.inner.weight, "y": y, "again": [y, None], "same": +y}
            return outputs | {"z": self.inner.bias * 2, "b": Tensor(np.arange(3))}

    content = check(tmp_path / "model.onnx", Odd(), drawn(5, 4))
    names = ["x", "w", "y", "again_0", "same", "z", "b"]
    assert [each.name for each in content.graph.output] == [f"output_{name}" for name in names]


# -------------------------------------------------------------------- what stays as it was


def test_the_model_is_in_its_mode_afterwards(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(4).eval())
    before, state = model.state_dict(), repr(nn.manual_seed(0).bit_generator.state)
    nn.export_onnx(tmp_path / "model.onnx", model, drawn(5, 4))
    assert [module.training for module in model.modules()] == [True, True, False]
    assert repr(nn.init.generator().bit_generator.state) == state
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_refusal_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_text("before")
    with pytest.raises(NotImplementedError):
        nn.export_onnx(path, nn.Lambda(np.linalg.inv), drawn(5, 4, 4))
    assert path.read_text() == "before"
    nn.export_onnx(path, nn.Dense(4, 3), drawn(5, 4))
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]


# -------------------------------------------------------------------- refusals


def refused(kind: type[Exception], match: str, model: Any, *inputs: Any, **options: Any) -> None:
    with pytest.raises(kind, match=match):
        nn.export_onnx("never written", model, *inputs, **options)
    assert not Path("never written").exists()


def test_ops_without_an_operator_are_named_with_their_layer() -> None:
    class Spectrum(nn.Module):
        def forward(self, x: Any) -> Any:
            return np.linalg.svd(x)[1]

    model = nn.Sequential(nn.Tanh(), Spectrum())
    text = r"svd of layer 1 \(Spectrum\), called at test_onnx.py:\d+, has no operator in ONNX"
    refused(NotImplementedError, text, model, drawn(5, 3, 3))
    mask = nn.Lambda(lambda x: x[x > 0])
    x = np.ones((5, 3), np.float32)
    x[0] = -1  # so that other sizes of the batch pick other numbers of elements
    refused(ValueError, r"depends on values.*at test_onnx.py", mask, x)
    text = "how many elements a mask picks"
    refused(NotImplementedError, text, mask, drawn(5, 3), batch_axis=None)
    random = nn.Lambda(lambda x: nn.functional.dropout(x, 0.5))
    refused(NotImplementedError, "it draws at random", random, drawn(5, 3))


def test_pooling_that_onnx_does_not_have() -> None:
    x = drawn(5, 4, 6, 6)
    text = r"avg_pool2d, called at .*AveragePool divides by the number of elements"
    refused(NotImplementedError, text, nn.AvgPool2d(2, divisor_override=3), x)
    refused(ValueError, "output.1. is no Tensor", nn.MaxPool2d(2, return_indices=True), x)
    for axes, unpool in enumerate((nn.MaxUnpool1d, nn.MaxUnpool2d, nn.MaxUnpool3d), 1):
        shape = 5, 2, *(3,) * axes
        rows = rng.permuted(np.tile(np.arange(3**axes), (10, 1)), axis=1).reshape(shape)
        for axis in (0, None):
            model, pooled = unpool(2), drawn(*shape)
            refused(TraceError, "outside of the ops", model, pooled, rows, batch_axis=axis)
    one, at = drawn(1, 1, 2, 2), np.array([[[[5, 2], [8, 15]]]])  # which no roll of rows changes
    refused(TraceError, "outside of the ops", nn.MaxUnpool2d(2), one, at, batch_axis=None)


def test_what_cannot_be_traced() -> None:
    refused(TraceError, "bool", nn.Lambda(lambda x: x if (x > 0).all() else -x), drawn(5, 3))
    refused(TraceError, "item", nn.Lambda(lambda x: x * x.max().item()), drawn(5, 3))
    smuggled = nn.Lambda(lambda x: x * np.max(memoryview(x._array)))
    for axis in (0, None):
        refused(ValueError, "depends on values", smuggled, drawn(5, 3), batch_axis=axis)
    random = nn.Lambda(lambda x: x * rng.standard_normal(3))
    refused(TraceError, "another at each run", random, drawn(5, 3))


def test_a_batch_whose_size_cannot_be_free(tmp_path: Path) -> None:
    fixed = nn.Lambda(lambda x: x.reshape((5, 2, 2)))
    refused(
        ValueError, "does not take a batch of another size.*batch_axis=None", fixed, drawn(5, 4)
    )
    check(tmp_path / "model.onnx", fixed, drawn(5, 4), batch_axis=None)
    half = nn.Lambda(lambda x: x[: len(x) // 2])
    refused(ValueError, "on the batch's size otherwise than by", half, drawn(5, 4))
    branch = nn.Lambda(lambda x: np.tanh(x) if len(x) % 2 else np.exp(x))
    refused(ValueError, "calls other ops for a batch of another size", branch, drawn(5, 4))
    some = nn.Lambda(lambda x: x[list(range(len(x)))])
    refused(ValueError, "on the batch's size otherwise than by", some, drawn(5, 4))
    shifted = nn.Lambda(lambda x: np.roll(x, len(x) - 1, 1))
    text = "one of its arguments depends on the batch's size"
    refused(NotImplementedError, text, shifted, drawn(5, 4))
    loop = nn.Lambda(lambda x: sum(x[i] for i in range(len(x))))
    refused(ValueError, "calls other ops for a batch of another size", loop, drawn(5, 4))
    weights = nn.Lambda(lambda x: x * np.sqrt(np.arange(len(x)))[:, None])
    refused(ValueError, "on the batch's size otherwise than by", weights, drawn(5, 4))


def test_arguments() -> None:
    dense = nn.Dense(4, 3)
    refused(TypeError, "write nn.export_onnx", np.tanh, drawn(5, 4))
    refused(TypeError, "an example of each input", dense)
    refused(ValueError, "opset must be from 23 to", dense, drawn(5, 4), opset=7)
    refused(ValueError, "x has shape .4,., and no axis 1", dense, drawn(4), batch_axis=1)
    refused(ValueError, "and not 0", dense, drawn(0, 4))
    attention = nn.MultiheadAttention(8, 2)
    refused(ValueError, "key 4", attention, drawn(5, 3, 8), drawn(4, 3, 8))
    refused(
        ValueError, "names 1 axes for 2 inputs", attention, *[drawn(5, 3, 8)] * 2, batch_axis=(0,)
    )
    refused(ValueError, "output is no Tensor", nn.Lambda(lambda x: x.shape[1]), drawn(5, 4))


def test_without_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    text = "^An export to ONNX needs onnx: pip install onnx$"
    refused(ModuleNotFoundError, text, nn.Dense(4, 3), drawn(5, 4))


# -------------------------------------------------------------------- sizes that follow the batch's

FREE: dict[str, Callable[[Any], Any]] = {
    "two sizes in a reshape": lambda x: (x[:, None] + x).reshape((len(x), len(x), 2, 2)),
    "the batch with another axis": lambda x: x.reshape((len(x) * 2, 2)),
    "all elements": lambda x: x.reshape(-1),
    "a number": lambda x: x.sum(0) / len(x),
    "a number less one": lambda x: x.sum(0) / (len(x) - 1),
    "a slice": lambda x: x[1 : len(x) - 1],
    "backwards": lambda x: x[::-1],
    "the last row": lambda x: x[len(x) - 1],
    "zeros": lambda x: x + np.zeros((len(x), 1), np.float32),
    "counting": lambda x: x[np.arange(len(x)), np.argmax(x, -1)],
    "counting as a grid": lambda x: np.take_along_axis(x, np.argsort(x, -1), -1),
    "counting by two": lambda x: np.concatenate([x, x])[np.arange(0, 2 * len(x), 2)],
    "statistics": lambda x: np.stack([x.std(0), x.var(0, ddof=1), x.max(0)]),
    "running sums": lambda x: np.cumsum(x, 0) + np.cumsum(x.T, -1).T,
    "in order": lambda x: np.sort(x, 0) + np.sort(x, None)[0],
    "all pairs": lambda x: x @ x.T,
    "outer": lambda x: np.outer(x[:, 0], x[:, 1]),
    "rolled": lambda x: np.roll(x, 7, 0) + np.roll(x, -1, 0) + np.roll(x, 3),
    "repeated": lambda x: np.repeat(x, 3, 0),
    "tiled": lambda x: np.tile(x, (2, 1)),
    "broadcast": lambda x: np.broadcast_to(x[0], x.shape) + np.broadcast_to(x, (2, *x.shape)),
    "a border": lambda x: np.pad(x, ((1, 2), (0, 1)), "edge"),
    "a triangle": lambda x: np.tril(x, -1) + np.triu(x, 1),
    "standardized": lambda x: ops.standardize(x, axis=0)[0] + sum(ops.standardize(x, axis=(0, 1))),
    "turned": lambda x: np.rot90(x),
    "joined": lambda x: np.concatenate([x, x[:2], x], 0),
    "stacked": lambda x: np.vstack([x, x[0]]) + np.hstack([x, x]).max(),
    "a new axis": lambda x: x[:, None, [0, 2]] + x[..., None, 1:3],
    "columns by index": lambda x: x[:, [0, 2], None] * np.moveaxis(x[None, :, [1]], 1, 0),
    "ranges of indices": lambda x: x[None, [0, 1], :, None][:, :, [0, 2]] + x[[[0], [1]], [1, 2]],
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x),
    "compared": lambda x: np.where((x > 0) & ~np.isnan(x), x, len(x)),
    "zeros like": lambda x: np.zeros_like(x) + np.full_like(x, 2.0) + x,
}


@pytest.mark.parametrize("name", FREE)
def test_sizes_follow_the_batch(name: str, tmp_path: Path) -> None:
    path, model = tmp_path / "model.onnx", nn.Lambda(FREE[name])
    nn.export_onnx(path, model, drawn(5, 4), opset=newest())
    for n in (4, 5, 9):
        x = drawn(n, 4)
        assert_computes(path, model(x), [x])


def test_a_function_without_a_model() -> None:
    weight = Tensor(drawn(4, 3), requires_grad=True, name="weight")
    model = to_onnx(lambda x: np.tanh(x @ weight), drawn(5, 4), opset=newest())
    assert [each.name for each in model.graph.initializer] == ["weight"]
    x = drawn(2, 4)
    assert_computes(model, np.tanh(Tensor(x) @ weight), [x])
    assert session(model).get_inputs()[0].shape == ["batch", 4]
