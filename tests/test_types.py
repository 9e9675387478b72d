"""What type checkers make of a program that uses nn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PROGRAM = """
from __future__ import annotations

import numpy as np
from typing_extensions import assert_type

import nn
from nn import Adam, Dense, Linear, init, manual_seed, mse_loss
from nn.datasets import iris
from nn.optim import SGD
from tinygrad_edu import Tensor, grad, ops, value_and_grad


class Twice(nn.Module):
    def __init__(self) -> None:
        self.inner = Linear(3, 3, init=init.he(mode="fan_out"))
        self.layers = [nn.Dense(3, 3), nn.Dense(3, 3)]

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.inner(x)


class Pair(nn.Module[tuple[Tensor, Tensor]]):
    def forward(self, x: Tensor, scale: float = 1.0) -> tuple[Tensor, Tensor]:
        return x, x * scale


class Sum(nn.Module):
    def __init__(self) -> None:
        self.pair = Pair()

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.pair(x, scale=2.0)
        return a + b


class SignSGD(nn.Optimizer):
    def __init__(self, parameters: list[nn.Parameter], lr: float) -> None:
        super().__init__(parameters, lr=lr)

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, int], scratch: np.ndarray, *, lr: float
    ) -> None:
        p -= lr * np.sign(g)


class Impatient(nn.Callback):
    def on_epoch_end(self, trainer: nn.TrainerLike) -> None:
        if trainer.history["loss"][-1] < 0.1:
            trainer.stop("good enough")


t = Tensor([[1.0, 2.0]], requires_grad=True)
assert_type(t.relu(), Tensor)
assert_type(t.sum(axis=0, keepdims=True), Tensor)
assert_type(t[0], Tensor)
assert_type(t.T @ t, Tensor)
assert_type(2 * t - 1, Tensor)
assert_type(-abs(t) ** 2 / 3.0, Tensor)
assert_type(t.reshape(2, 1).swapaxes(0, 1), Tensor)
assert_type(ops.relu(t), Tensor)
assert_type(ops.concatenate([t, t]), Tensor)
for row in t:
    assert_type(row, Tensor)
t += 1
mask: np.ndarray = t.data > 0
chosen: np.ndarray = t > 0
t.mean().backward()
if t.grad is not None:
    t.data -= 0.1 * t.grad
value, gradients = value_and_grad(lambda p: (p["w"] ** 2).sum())({"w": np.ones(2)})
slope = grad((t * t).sum(), t, create_graph=True)

model = nn.Sequential(nn.Dense(3, 4), nn.ReLU(), Twice(), Pair())
x = np.ones((2, 3))
assert_type(model(x), Tensor)
assert_type(Twice()(x), Tensor)
assert_type(Pair()(x), tuple[Tensor, Tensor])
assert_type(Twice().eval(), Twice)
assert_type(mse_loss(model(x), x), Tensor)
SGD([{"params": Dense(2, 2).parameters(), "lr": 1.0}])
manual_seed(0)
iris().split(0.2)
optimizer = Adam(model.parameters(), lr=0.1)
schedule = nn.StepLR(optimizer, step_size=2)
trainer = nn.Trainer(model, nn.cross_entropy, optimizer, ["accuracy"], scheduler=schedule)
history = trainer.fit((x, np.array([0, 1])), callbacks=[Impatient(), lambda t: t.stop("once")])
nn.save("model.safetensors", Pair(), optimizer, schedule, epochs=len(history))
"""
WRONG = "nn.Adam([nn.Parameter([1.0])], rate=0.1)\nnn.Dense(3, 4, bias='no')\nt.rellu()\n"


def complaints(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def test_mypy_understands_modules_and_their_results(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "wrong.py").write_text(PROGRAM + WRONG)
    options = ["--strict", "--follow-imports=silent", "--config-file=", "--cache-dir", tmp_path]
    environment = dict(os.environ, MYPYPATH=str(ROOT))
    for name, expected in (("program", 0), ("wrong", 3)):
        done = subprocess.run(
            [sys.executable, "-m", "mypy", *options, f"{name}.py"],
            cwd=tmp_path, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.stdout.count("error:") == expected, complaints(done)


def test_pyright_understands_modules_and_their_results(tmp_path: Path) -> None:
    pytest.importorskip("pyright")
    started = subprocess.run([sys.executable, "-m", "pyright", "--version"], capture_output=True)
    if started.returncode:
        pytest.skip("pyright could not fetch what it runs on")
    (tmp_path / "program.py").write_text(PROGRAM)
    settings = {"extraPaths": [str(ROOT)], "typeCheckingMode": "standard"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "program.py"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, complaints(done)
