"""What repeats in a program, written once as functions: bit for bit what the engine computes."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Program, Tensor, trace

from .test_program_ops import check_format

rng = np.random.default_rng(0)
Loss = Callable[..., Any]

RUNNER = """
    import pickle, sys
    sys.modules["tinygrad_edu"] = None  # so that importing it fails
    import numpy as np

    for case in pickle.load(open(sys.argv[1], "rb")):
        name, code, function, args, named, seed, value, gradients = case
        space = {}
        exec(code, space)
        if seed is not None:
            space["_generator"] = np.random.default_rng(seed)
        found, slopes = space[function](*args, **named)
        assert np.array_equal(found, value), (name, found, value)
        for key, g in gradients.items():
            assert np.array_equal(slopes[key], g) and slopes[key].dtype == g.dtype, (name, key)
"""


def lines(program: Program) -> int:
    return program.code.count("\n")


class Blocks(nn.Module):
    def __init__(self, n: int, **options: Any) -> None:
        self.blocks = nn.ModuleList([nn.TransformerBlock(8, 2, **options) for _ in range(n)])
        self.head = nn.Dense(8, 3)

    def forward(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        return self.head(x)


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Any) -> Any:
        return (x + self.second(self.norm(self.first(x)).relu())).relu()


def dense_layers(*between: Callable[[], nn.Module]) -> nn.Sequential:
    parts = [part for _ in range(4) for part in (nn.Dense(6, 6), *(make() for make in between))]
    return nn.Sequential(nn.Dense(5, 6), *parts, nn.Dense(6, 3))


def of_classes(model: Any) -> Loss:
    return lambda x, t: nn.cross_entropy(model(x), t)


def of_squares(model: Any) -> Loss:
    return lambda x: (model(x) ** 2).sum()


def unrolled(cell: Any, steps: int) -> Loss:
    def loss(x: Any) -> Any:
        state = None
        for i in range(steps):
            state = cell(x[i], state)
        last = state[0] if isinstance(state, tuple) else state
        return (last**2).sum()

    return loss


def frozen() -> Blocks:
    model = Blocks(3)
    for parameter in model.blocks[1].parameters():
        parameter.requires_grad = False
    return model


def tied() -> Blocks:
    model = Blocks(3)
    model.blocks[2].linear1 = model.blocks[1].linear1
    return model


def single(*shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


rows, classes = single(7, 5), rng.integers(0, 3, 7)
texts, images = single(2, 3, 8), single(2, 4, 6, 6)
lstm, gru = nn.LSTM(4, 4, 2), nn.GRU(4, 4, 2, bidirectional=True)
convolutions = nn.Sequential(*(Residual(4) for _ in range(3)), nn.Conv2d(4, 6, 2, stride=2),
                             *(Residual(6) for _ in range(3)))  # fmt: skip
NETWORKS: dict[str, tuple[Loss, tuple[Any, ...]]] = {
    "equal layers": (of_classes(dense_layers(nn.ReLU)), (rows, classes)),
    "five modules a layer": (
        of_classes(dense_layers(nn.Tanh, lambda: nn.LayerNorm(6), nn.Dropout)), (rows, classes),
    ),
    "batch normalization": (
        of_classes(dense_layers(lambda: nn.BatchNorm1d(6), nn.ReLU)), (rows, classes),
    ),
    "transformer": (of_squares(Blocks(3)), (texts,)),
    "frozen block": (of_squares(frozen()), (texts,)),
    "tied weights": (of_squares(tied()), (texts,)),
    "convolutions": (of_squares(convolutions), (images,)),
    "stacked LSTM": (of_squares(lambda x: lstm(x)[0]), (single(2, 6, 4),)),
    "stacked GRU": (of_squares(lambda x: gru(x)[0]), (single(2, 5, 4),)),
    "LSTM cell": (unrolled(nn.LSTMCell(4, 4), 6), (single(6, 2, 4),)),
    "GRU cell": (unrolled(nn.GRUCell(4, 4), 6), (single(6, 2, 4),)),
}  # fmt: skip


def test_folded_programs_equal_the_engine(tmp_path: Path) -> None:
    cases, for_ruff = [], []
    for name, (f, args) in NETWORKS.items():
        program = trace(f, *args, fold=True)
        assert "_backward(" in program.code or name.startswith("stacked"), name
        tensors = {key: v.tensor for key, v in program.written.parameters.items()}
        arrays = {key: t.data.copy() for key, t in tensors.items()}
        arrays |= {key: array.copy() for key, array in program.constants.items()}
        nn.manual_seed(4)
        value, gradients = program(*args)
        for key, array in program.constants.items():
            if array.flags.writeable:
                array[...] = arrays[key]  # the running statistics, as before
        nn.manual_seed(4)
        for t in tensors.values():
            t.zero_grad()
        y = f(*args)
        y.backward()
        assert np.array_equal(value, y.data), name
        assert gradients.keys() == {k for k, t in tensors.items() if t.grad is not None}
        for key, g in gradients.items():
            assert np.array_equal(g, tensors[key].grad), (name, key)
            assert g.dtype == tensors[key].dtype
        case = (name, program.code, program.name, args, arrays, 4, y.data, gradients)
        cases.append(case)
        for_ruff.append((name.replace(" ", "_"), program.code, [], None, {}))
    run_elsewhere(cases, tmp_path)
    check_format(for_ruff, tmp_path)


def run_elsewhere(cases: list[Any], folder: Path) -> None:
    path = folder / "cases.pickle"
    path.write_bytes(pickle.dumps(cases))
    runner = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(RUNNER), str(path)]
    done = subprocess.run(runner, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_twelve_blocks_are_about_as_long_as_one() -> None:
    short, long = (trace(of_squares(Blocks(n)), texts, fold=n > 1) for n in (1, 12))
    assert lines(long) < 1.7 * lines(short)
    assert long.code.count("def block(x, constant, parameters):") == 1
    assert "x3, saved2 = block(x2, constant2, blocks[1])" in long.code
    assert "blocks11_norm1_weight" in long(texts)[1]


def test_equal_layers_read_as_one_would_write_them() -> None:
    model = nn.Sequential(nn.Dense(5, 6), nn.ReLU(), *(part for _ in range(3)
                          for part in (nn.Dense(6, 6), nn.ReLU())), nn.Dense(6, 3))  # fmt: skip
    code = trace(of_classes(model), rows, classes, fold=True).code
    written = [line.partition("  #")[0] for line in code.splitlines()]
    for line in (
        "def layer(x, weight, bias):",
        "    dense = x @ weight + bias",
        "    relu = np.maximum(dense, 0)",
        "    return relu",
        "def layer_backward(d_relu, relu, x, weight):",
        "    d_dense = d_relu * (relu > 0)",
        "    d_x = d_dense @ weight.T",
        "    return d_x, d_weight, d_bias",
        "    layer5_relu = layer(layer3_relu, layer4_weight, layer4_bias)",
    ):
        assert line in written, code


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Dense(5, 6), nn.ReLU(), nn.Dense(6, 3)),
        nn.Sequential(nn.Dense(5, 8), nn.Tanh(), nn.Dense(8, 4), nn.Tanh(), nn.Dense(4, 3)),
    ],
)
def test_without_repetition_the_code_is_as_before(model: Any) -> None:
    f = of_classes(model)
    assert trace(f, rows, classes, fold=True).code == trace(f, rows, classes).code


def test_equality_of_steps_decides_and_not_the_class() -> None:
    """Another slope makes another function of the same module."""
    slopes = (0.1, 0.1, 0.1, 0.2)
    parts = [part for a in slopes for part in (nn.Dense(6, 6), nn.LeakyReLU(a))]
    model = nn.Sequential(nn.Dense(5, 6), *parts, nn.Dense(6, 3))
    program = trace(of_classes(model), rows, classes, fold=True)
    assert program.code.count(" = layer(") in (0, 3)
    assert np.array_equal(program(rows, classes)[0], of_classes(model)(rows, classes).data)


def test_names_that_the_functions_use_are_not_shadowed() -> None:
    def enumerate(range: Any) -> Any:
        for w in weights:
            range = np.tanh(range @ w) + w[0]
        return (range**2).sum()

    arrays = rng.normal(size=(3, 4, 4))
    weights = [
        Tensor(w, requires_grad=True, name=f"zip{i}")
        for i, w in zip((1, 2, 3), arrays, strict=True)
    ]
    x = rng.normal(size=(3, 4))
    program = trace(enumerate, x, fold=True)
    value, gradients = program(x)
    y = enumerate(x)
    y.backward()
    assert value == y.data
    for i, w in zip((1, 2, 3), weights, strict=True):
        np.testing.assert_array_equal(gradients[f"zip{i}"], w.grad)


def test_a_saved_folded_program_checks_itself(tmp_path: Path) -> None:
    path = trace(of_squares(Blocks(2, dropout=0.0)), texts, fold=True).save(tmp_path / "p.py")
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "blocks1_linear2_weight" in done.stdout
