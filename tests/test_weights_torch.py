"""Whole networks exchange their weights with PyTorch by files: LeNet and a small ResNet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")
T = torch.nn

IMAGES = np.random.default_rng(0).normal(size=(3, 1, 28, 28)).astype(np.float32)


def lenet() -> nn.Module:
    """LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Dense(400, 120), nn.Tanh(), nn.Dense(120, 84), nn.Tanh(), nn.Dense(84, 10),
    )  # fmt: skip


def torchs_lenet() -> Any:
    return T.Sequential(
        T.Conv2d(1, 6, 5, padding=2), T.Tanh(), T.AvgPool2d(2),
        T.Conv2d(6, 16, 5), T.Tanh(), T.AvgPool2d(2), T.Flatten(),
        T.Linear(400, 120), T.Tanh(), T.Linear(120, 84), T.Tanh(), T.Linear(84, 10),
    )  # fmt: skip


class Residual(nn.Module):
    """Two convolutions, and what came before them added, halved in size (He et al., 2016)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = nn.Sequential(
            nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
        )

    def forward(self, x: Any) -> Any:
        y = nn.functional.relu(self.bn1(self.conv1(x)))
        return nn.functional.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class TorchsResidual(T.Module):  # type: ignore[misc,name-defined]
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = T.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = T.BatchNorm2d(after)
        self.conv2 = T.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = T.BatchNorm2d(after)
        self.downsample = T.Sequential(
            T.Conv2d(before, after, 1, stride, bias=False), T.BatchNorm2d(after)
        )

    def forward(self, x: Any) -> Any:
        y = self.bn1(self.conv1(x)).relu()
        return (self.bn2(self.conv2(y)) + self.downsample(x)).relu()


def resnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        Residual(8, 8, 1), Residual(8, 16, 2), Residual(16, 32, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dense(32, 10),
    )  # fmt: skip


def torchs_resnet() -> Any:
    return T.Sequential(
        T.Conv2d(1, 8, 3, padding=1, bias=False), T.BatchNorm2d(8), T.ReLU(),
        TorchsResidual(8, 8, 1), TorchsResidual(8, 16, 2), TorchsResidual(16, 32, 2),
        T.AdaptiveAvgPool2d(1), T.Flatten(), T.Linear(32, 10),
    )  # fmt: skip


EACH = pytest.mark.parametrize(("ours", "theirs"), [(lenet, torchs_lenet), (resnet, torchs_resnet)])
Make = Callable[[], Any]


def agree(ours: Any, theirs: Any) -> None:
    with torch.no_grad():
        expected = theirs.eval()(torch.from_numpy(IMAGES)).numpy()
    np.testing.assert_allclose(ours.eval()(IMAGES).data, expected, rtol=1e-4, atol=1e-5)


@EACH
def test_torch_weights_come_by_file(ours: Make, theirs: Make, tmp_path: Path) -> None:
    torch.manual_seed(0)
    trained, model = theirs(), ours()
    trained(torch.from_numpy(IMAGES))  # so that the statistics of norms are not at their start
    safetensors.save_file(trained.state_dict(), tmp_path / "theirs")
    found = nn.load(tmp_path / "theirs", model, layout="torch")
    assert found.difference == ([], [])
    agree(model, trained)


@EACH
def test_torch_takes_weights_by_file(ours: Make, theirs: Make, tmp_path: Path) -> None:
    nn.manual_seed(0)
    model, other = ours(), theirs()
    model(IMAGES)
    nn.save(tmp_path / "ours", model, layout="torch")
    other.load_state_dict(safetensors.load_file(tmp_path / "ours"))
    agree(model, other)
    again = ours()
    nn.load(tmp_path / "ours", again)  # the file says its layout
    for name, values in model.state_dict().items():
        np.testing.assert_array_equal(again.state_dict()[name], values)
