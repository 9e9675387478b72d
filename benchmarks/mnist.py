"""Training on all of MNIST, as whole processes: imports, data, epochs and the test.

The files are read from $TINYGRAD_EDU_DATA; they are downloaded if they are not there.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .harness import Contestant, Row, Table, available, rows_of

ROOT = Path(__file__).resolve().parent.parent
EPOCHS, BATCH, LEAST = 5, 64, 0.96

OURS = f"""
import nn

nn.manual_seed(0)
train, test = nn.datasets.mnist()
model = nn.Sequential(nn.Dense(784, 128), nn.ReLU(), nn.Dense(128, 64), nn.ReLU(), nn.Dense(64, 10))
adam = nn.Adam(model.parameters())
trainer = nn.Trainer(model, nn.cross_entropy, adam, ["accuracy"], compile=COMPILE)
trainer.fit(nn.DataLoader(train, {BATCH}, shuffle=True), epochs={EPOCHS}, progress=False)
print("test accuracy", trainer.evaluate(test)["accuracy"])
"""

PYTORCH = f"""
import gzip
from pathlib import Path
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

def content(name, offset):
    with gzip.open(Path(FOLDER, name)) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)

def dataset(name):
    x = content(name + "-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype(np.float32) / 255
    y = content(name + "-labels-idx1-ubyte.gz", 8).astype(np.int64)
    return TensorDataset(torch.from_numpy(x), torch.from_numpy(y))

train, test = dataset("train"), dataset("t10k")
model = nn.Sequential(
    nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)
)
loss_of, adam = nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters())

def correct(output, targets):
    return int((output.argmax(1) == targets).sum())

for epoch in range({EPOCHS}):
    total = right = 0
    for x, t in DataLoader(train, {BATCH}, shuffle=True):
        output = model(x)
        loss = loss_of(output, t)
        adam.zero_grad()
        loss.backward()
        adam.step()
        total += loss.item() * len(t)
        right += correct(output, t)
with torch.no_grad():
    right = sum(correct(model(x), t) for x, t in DataLoader(test, 256))
print("test accuracy", right / len(test))
"""


def tables(rounds: int) -> Iterator[Table]:
    """One table; a few processes of each, since each takes seconds."""
    from nn.datasets.download import fetch
    from nn.datasets.downloaded import FILES, MNIST_MIRRORS, MNIST_SUMS

    paths = [
        fetch(f"mnist/{name}", checksum, MNIST_MIRRORS)
        for name, checksum in zip(FILES, MNIST_SUMS, strict=True)
    ]
    makers: dict[str, Callable[[], Contestant]] = {
        "PyTorch with its DataLoader": lambda: _process(
            PYTORCH.replace("FOLDER", repr(str(paths[0].parent))), "torch"
        ),
        "tinygrad-edu, Trainer, compiled": lambda: _process(OURS.replace("COMPILE", "True")),
        "tinygrad-edu, Trainer": lambda: _process(OURS.replace("COMPILE", "False")),
    }
    contestants, notes = available(makers)
    title = f"MNIST, MLP 784-128-64-10, Adam, batch {BATCH}, {EPOCHS} epochs, a process each"
    yield Table(title, _compared(contestants, max(1, rounds // 8)), notes)


def _compared(contestants: dict[str, Contestant], rounds: int) -> list[Row]:
    """As `harness.compare`, without runs that warm up: a new process is always cold."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name in random.sample(list(contestants), len(contestants)):
            start = time.perf_counter()
            contestants[name]()
            times[name].append(time.perf_counter() - start)
    return rows_of(times)


def _process(code: str, *needed: str) -> Contestant:
    """A new process that runs the code and must reach the accuracy expected."""
    for package in needed:
        __import__(package)

    def run() -> None:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        found = re.search(r"test accuracy ([\d.]+)", done.stdout)
        if found is None or float(found[1]) < LEAST:
            raise ValueError(f"the training reached no accuracy of {LEAST}: {done.stdout!r}")

    return run
