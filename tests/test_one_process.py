"""What nn.parallel needs of the rest of nn, in one process and without MPI."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from benchmarks.cost_model import Costs, Network, fitted
from nn.parallel import ranks

ROOT = Path(__file__).parents[1]


class Reversed:
    """A sampler that gives the last samples first, and the second half of each batch as a share."""

    def __init__(self, n: int, parts: int = 1) -> None:
        self.n, self.parts = n, parts

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Any:
        return iter(range(self.n - 1, -1, -1))


class Half(Reversed):
    def share(self, batch: np.ndarray) -> np.ndarray:
        return batch[len(batch) // 2 :]


def test_a_sampler_gives_the_order() -> None:
    loader = nn.DataLoader(np.arange(5), 2, sampler=Reversed(5))
    assert [x.tolist() for x in loader] == [[4, 3], [2, 1], [0]]
    assert len(nn.DataLoader(np.arange(9), 2, sampler=Reversed(5), drop_last=True)) == 2


def test_a_sampler_may_give_a_share_of_each_batch() -> None:
    loader = nn.DataLoader(np.arange(6), 4, sampler=Half(6))
    assert [x.tolist() for x in loader] == [[3, 2], [0]]


@pytest.mark.parametrize("options", [{"shuffle": True}, {"seed": 0}])
def test_a_sampler_and_shuffling_exclude_each_other(options: Any) -> None:
    with pytest.raises(ValueError, match="a sampler gives the order, so that shuffle and seed are"):
        nn.DataLoader(np.arange(5), 2, sampler=Reversed(5), **options)


def test_shares_of_a_batch_need_a_parallel_trainer() -> None:
    model = nn.Dense(1, 1)
    trainer = nn.Trainer(model, "mse", nn.SGD(model.parameters()))
    x = np.ones((6, 1))
    loader = nn.DataLoader((x, x), 4, sampler=Half(6, parts=2))
    for use in (trainer.fit, trainer.evaluate):
        with pytest.raises(ValueError, match=r"a DistributedSampler needs nn\.Trainer"):
            use(loader)


def test_importing_nn_imports_neither_mpi_nor_what_uses_it() -> None:
    code = "import sys, nn; print({'mpi4py', 'nn.parallel'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_without_mpi_the_install_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", None)
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    ranks.world.cache_clear()
    model = nn.Dense(1, 1)
    said = r"nn\.parallel needs mpi4py: pip install mpi4py mpich"
    with pytest.raises(ModuleNotFoundError, match=said):
        nn.Trainer(model, "mse", nn.SGD(model.parameters()), parallel=True)


# -------------------------------------------------------------------- the cost model


def test_a_ring_sends_nearly_twice_the_gradients() -> None:
    costs = Costs(latency=0.0, bandwidth=1.0)
    assert costs.allreduce(1, 100) == 0
    assert costs.allreduce(2, 100) == 100
    assert costs.allreduce(4, 100) == 150
    assert costs.allreduce(4, 100, half=True) == 75
    assert Costs(latency=1.0, bandwidth=1e99).allreduce(5, 100) == 8


def test_latency_and_bandwidth_are_found_in_what_was_measured() -> None:
    true = Costs(latency=2e-6, bandwidth=5e9)
    points = [(size, true.exchange(3, size)) for size in (8.0, 1e4, 1e8)]
    found = fitted(points, 3)
    assert found.latency == pytest.approx(true.latency, rel=1e-3)
    assert found.bandwidth == pytest.approx(true.bandwidth, rel=1e-3)


def test_accumulated_gradients_are_sent_once_in_several_passes() -> None:
    network, costs = Network((1, 1), 100, compute=3.0), Costs(0.0, 100.0)
    assert network.speedup(costs, 1) == 1
    assert network.speedup(costs, 2) == pytest.approx(2 * 3 / 4)
    assert network.speedup(costs, 2, passes=4) == pytest.approx(2 * 3 / 3.25)


def test_the_model_is_near_what_was_measured() -> None:
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    tables = page.split("|ratio|")[1:]
    points, steps = ([float(r) for r in re.findall(r"\|(\d\.\d\d)\|$", t, re.M)] for t in tables)
    assert len(points) == 6
    assert len(steps) == 3
    assert all(1 / 3 < ratio < 3 for ratio in points)
    assert all(0.6 < ratio < 1.5 for ratio in steps)
