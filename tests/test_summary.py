"""The summary counts what is there, leaves the model as it was, and marks the layer that failed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn
from nn.init import generator
from nn.model_summary import human
from tinygrad_edu import Tensor


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Dense(784, 128), nn.ReLU(), nn.Sequential(nn.Dense(128, 10)))


def test_rows_and_totals() -> None:
    model = mlp()
    model[0].requires_grad_(False)
    table = nn.summary(model, (784,), batch_size=32)
    assert [(row.path, row.kind, row.shapes) for row in table.rows] == [
        ("", "Sequential", [(32, 10)]),
        ("0", "Dense", [(32, 128)]),
        ("1", "ReLU", [(32, 128)]),
        ("2", "Sequential", [(32, 10)]),
        ("2.0", "Dense", [(32, 10)]),
    ]
    assert [row.parameters for row in table.rows] == [0, 784 * 128 + 128, 0, 0, 1290]
    assert (table.trainable, table.frozen, table.parameters) == (1290, 100_480, 101_770)
    assert table.parameter_bytes == 4 * 101_770 == sum(p.data.nbytes for p in model.parameters())
    assert [row.output_bytes for row in table.rows] == [0, 16384, 16384, 0, 1280]
    assert table.output_bytes == 16384 * 2 + 1280


def test_the_table() -> None:
    text = str(nn.summary(mlp(), 784))
    assert text == repr(nn.summary(mlp(), (784,)))
    lines = text.splitlines()
    assert len({len(line) for line in lines[:-1]}) == 1
    assert lines[0].split() == ["layer", "kind", "output", "memory", "parameters", "memory"]
    assert lines[3] == "0        Dense       (1, 128)   512 B     100,480   392 KiB"
    assert lines[-1] == (
        "101,770 parameters in 398 KiB: 101,770 trainable, 0 frozen; outputs in 1.04 KiB"
    )


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "-"), (1, "1 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (11 * 1024, "11.0 KiB"),
     (2**20, "1.00 MiB"), (3 * 2**40, "3.00 TiB"), (2**52, "4096 TiB")],
)  # fmt: skip
def test_human(size: int, text: str) -> None:
    assert human(size) == text


class Several(nn.Module):
    """Two inputs, a shared layer called twice, one never called, an array and a dict put out."""

    def __init__(self) -> None:
        self.shared = nn.Dense(4, 4)
        self.again = self.shared
        self.tied = nn.Dense(4, 4)
        self.tied.weight = self.shared.weight
        self.unused = nn.Dense(9, 9)
        self.list = [nn.ReLU()]

    def forward(self, x: Tensor, indices: Tensor) -> Any:
        assert indices.dtype == np.int64
        y = self.list[0](self.again(self.shared(x)))
        return y, {"sum": self.tied(y).sum(axis=-1), "shape": y.shape}


def test_several_inputs_and_outputs_shared_and_unused_modules() -> None:
    table = nn.summary(Several(), [(3, 4), (7,)], batch_size=2, dtype=[None, int])
    rows = {row.path: row for row in table.rows}
    assert list(rows) == ["", "shared", "tied", "unused", "list", "list.0"]
    assert rows[""].given == [(2, 3, 4), (2, 7)]
    assert rows[""].shapes == [(2, 3, 4), (2, 3)]
    assert rows[""].output_bytes == 2 * 3 * 4, "the sum alone; the other is the ReLU's"
    assert (rows["shared"].calls, rows["shared"].output_bytes) == (2, 2 * 96)
    assert (rows["shared"].parameters, rows["tied"].parameters) == (20, 4), "the weight once"
    assert (rows["unused"].shapes, rows["unused"].calls) == ([], 0)
    assert table.parameters == 20 + 4 + 90
    lines = str(table).splitlines()
    assert "(2, 3, 4) x 2 " in lines[3]
    assert lines[5].split()[:3] == ["unused", "Dense", "-"]


def test_views_take_no_memory_of_their_own() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Dense(12, 3))
    rows = nn.summary(model, (3, 4)).rows
    assert [row.output_bytes for row in rows] == [0, 0, 0, 12]
    assert rows[1].shapes == [(1, 12)]


def test_indices_for_an_embedding() -> None:
    model = nn.Sequential(nn.Lambda(lambda x: np.eye(3, dtype=np.float32)[x.data]), nn.Dense(3, 2))
    assert nn.summary(model, (5,), dtype=int).rows[0].shapes == [(1, 5, 2)]


class Restless(nn.Module):
    """Changes what it can at every call, in whichever mode."""

    def __init__(self) -> None:
        self.register_buffer("count", np.zeros(2))
        self.register_buffer("replaced", np.zeros(2))
        self.inner = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        assert not self.training
        assert not self.inner.training
        self.count += 1
        self.replaced = self.replaced + generator().random(2)
        if x.shape[-1] == 3:
            raise ValueError("three")
        return self.inner(x)


@pytest.mark.parametrize("features", [2, 3])
def test_the_model_stays_as_it_was(features: int) -> None:
    model = Restless()
    model.inner.eval()
    count, random = model.count, generator().bit_generator.state
    if features == 3:
        with pytest.raises(ValueError, match="three"):
            nn.summary(model, (3,))
    else:
        nn.summary(model, (2,))
    assert model.count is count
    assert not model.count.any()
    assert not model.replaced.any()
    assert model.training
    assert not model.inner.training
    assert generator().bit_generator.state == random
    assert "forward" not in vars(model)
    assert Tensor(1.0, requires_grad=True).exp().requires_grad, "recording goes on"


def test_running_statistics_stay() -> None:
    model = nn.Sequential(nn.Dense(3, 4), nn.BatchNorm1d(4))
    before = model.state_dict()
    nn.summary(model, (3,))
    for path, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[path], err_msg=path)


def test_dtype_is_that_of_the_parameters() -> None:
    seen = []

    def look(x: Tensor) -> Tensor:
        seen.append((x.dtype, float(x.data.min())))
        return x

    model = nn.Sequential(nn.Lambda(look), nn.Dense(3, 2, dtype=np.float64))
    for dtype in (None, np.float16, int):
        nn.summary(model, (3,), dtype=dtype)
    assert seen == [(np.float64, 1.0), (np.float16, 1.0), (np.int64, 0.0)]


def test_no_graph_is_recorded() -> None:
    recorded = []
    model = nn.Sequential(nn.Dense(3, 2), nn.Lambda(lambda x: recorded.append(x.node) or x))
    nn.summary(model, (3,))
    assert recorded == [None]


# -------------------------------------------------------------------- what goes wrong


def test_the_layer_that_failed_is_marked_and_ends_the_table() -> None:
    model = nn.Sequential(
        nn.Dense(8, 6), nn.Sequential(nn.ReLU(), nn.Dense(5, 4), nn.ReLU()), nn.Dense(4, 2)
    )
    with pytest.raises(ValueError, match="dense: expected input of 5 features") as caught:
        nn.summary(model, (8,), batch_size=7)
    sentence, gap, *table = str(caught.value).splitlines()
    assert sentence.endswith("in layer 1.1)")
    assert "test_summary.py" in sentence
    assert gap == ""
    assert [line.split()[0] for line in table[2:]] == ["(model)", "0", "1", "1.0", "1.1"]
    assert table[-1].endswith("<-- failed, given (7, 6)")
    assert sum("failed" in line for line in table) == 1
    assert table[3].split()[1:4] == ["Dense", "(7,", "6)"]
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_container_that_fails_itself() -> None:
    class Broken(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Dense(2, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x).reshape(5)

    with pytest.raises(ValueError, match=r"reshape") as caught:
        nn.summary(Broken(), (2,))
    table = str(caught.value).splitlines()[2:]
    assert table[2].endswith("<-- failed, given (1, 2)")
    assert table[3].startswith("layer ")


@pytest.mark.parametrize(
    "error",
    [np.exceptions.AxisError(3, 2), np.linalg.LinAlgError("x"), IndexError("x"), TypeError("x"),
     NotImplementedError("x"), RecursionError("x")],
)  # fmt: skip
def test_errors_keep_their_kind(error: Exception) -> None:
    def fail(x: Tensor) -> Tensor:
        raise error

    kind = RuntimeError if isinstance(error, RecursionError) else type(error)
    with pytest.raises(kind, match="<-- failed"):
        nn.summary(nn.Sequential(nn.Lambda(fail)), (2,))


def test_bad_arguments() -> None:
    with pytest.raises(TypeError, match="summary takes a Module first, not function"):
        nn.summary(lambda x: x, (3,))  # type: ignore[arg-type]
    for shape in (("a",), (3, None), (2.5,), (-1,)):
        with pytest.raises(ValueError, match="input_shape is a tuple of sizes without the batch"):
            nn.summary(mlp(), shape)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2 dtypes for 1 input shapes"):
        nn.summary(mlp(), (784,), dtype=[int, float])
