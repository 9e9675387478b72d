"""What each process of benchmarks/parallel.py measures; rank 0 prints it as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

import nn
from nn import parallel

BATCH = 256
NETWORKS = ((784, 128, 64, 10), (784, 1024, 1024, 10), (784, 4096, 4096, 10))
SIZES = (64, 1_000, 10_000, 100_000, 1_000_000, 4_000_000)  # of buffers, in float32 values
Times = dict[str, list[float]]


def wait(communicator: Any) -> None:
    """A barrier at which a process that waits leaves its core to others."""
    request = communicator.Ibarrier()
    while not request.Test():
        time.sleep(2e-4)


class Steps:
    """Training steps of a network, alone, beside others, and together with them."""

    def __init__(self, sizes: tuple[int, ...], **options: Any) -> None:
        nn.manual_seed(0)
        layers: list[nn.Module] = []
        for i, o in pairwise(sizes):
            layers += [nn.Dense(i, o), nn.ReLU()]
        self.model = nn.Sequential(*layers[:-1])
        rng = np.random.default_rng(parallel.rank())
        self.x = rng.random((BATCH, sizes[0]), np.float32)
        self.t = rng.integers(0, sizes[-1], BATCH)
        self.plain = nn.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        self.optimizer: Any = parallel.DistributedOptimizer(self.plain, **options)
        self.exchange = 0.0
        self.parameters = sum(p.size for p in self.model.parameters())

    def gradients(self) -> None:
        loss = nn.cross_entropy(self.model(self.x), self.t)
        self.plain.zero_grad()
        loss.backward()

    def apart(self) -> None:
        """A step of this process's own."""
        self.gradients()
        self.plain.step()

    def together(self) -> None:
        """A step with the gradients of all."""
        self.gradients()
        start = time.thread_time()
        self.optimizer.synchronize(BATCH)
        self.exchange = time.thread_time() - start
        self.optimizer.step()


def timed(function: Callable[[], None]) -> float:
    """Seconds on a core; MPI waits at work, so that they hold what it waits."""
    start = time.thread_time()
    function()
    return time.thread_time() - start


def measured(steps: Steps, communicator: Any, rounds: int, repeats: int = 3) -> Times:
    """Each round takes a few steps of each kind, so that all see the same machine."""
    times: Times = {"alone": [], "apart": [], "together": [], "exchange": []}
    for _ in range(rounds):
        wait(communicator)
        if communicator.rank == 0:
            steps.apart()
            times["alone"] += [timed(steps.apart) for _ in range(repeats)]
        wait(communicator)
        for kind in ("apart", "together"):
            step = getattr(steps, kind)
            step()
            for _ in range(repeats):
                communicator.Barrier()
                times[kind].append(timed(step))
                if kind == "together":
                    times["exchange"].append(steps.exchange)
    return times


def exchanges(communicator: Any, rounds: int) -> list[tuple[int, float, float]]:
    """Bytes, the seconds to send so many by an allreduce, and to fill the buffer and add up."""
    n, found = communicator.size, []
    for size in SIZES:
        size += -size % n
        mine, theirs = np.ones(size, np.float32), np.empty(size, np.float32)
        gradient, piece = np.ones(size, np.float32), np.empty(size // n, np.float32)

        def send(mine: Any = mine, theirs: Any = theirs, piece: Any = piece) -> None:
            communicator.Alltoall(mine, theirs)
            communicator.Allgather(piece, mine)

        def add(mine: Any = mine, theirs: Any = theirs, gradient: Any = gradient) -> None:
            np.multiply(gradient, 0.5, out=mine)
            np.add.reduce(theirs.reshape(n, -1), axis=0)

        sent, added = [], []
        for _ in range(rounds):
            communicator.Barrier()
            sent.append(timed(send))
            added.append(timed(add))
        found.append((size * 4, min(sent[1:]), min(added[1:])))
    return found


def overlap(communicator: Any, rounds: int) -> Times:
    """Sending while a matrix product is computed, and one after the other."""
    size = 1_863_690 + -1_863_690 % communicator.size
    mine, theirs = np.ones(size, np.float32), np.empty(size, np.float32)
    a, b = np.ones((512, 1024), np.float32), np.ones((1024, 1024), np.float32)
    times: Times = {"blocking": [], "overlapped": []}
    for _ in range(rounds):
        for kind in times:
            communicator.Barrier()
            start = time.thread_time()
            if kind == "blocking":
                communicator.Alltoall(mine, theirs)
                a @ b
            else:
                request = communicator.Ialltoall(mine, theirs)
                a @ b
                request.Wait()
            times[kind].append(time.thread_time() - start)
    return times


def main(rounds: int) -> None:
    """Measure, and print at rank 0."""
    communicator = nn.parallel.ranks.world().communicator
    result: dict[str, Any] = {"networks": [], "n": communicator.size}
    for sizes in NETWORKS:
        few = max(rounds // 6, 2) if max(sizes) > 2000 else rounds
        steps = Steps(sizes)
        times = {k: min(v, default=0.0) for k, v in measured(steps, communicator, few).items()}
        result["networks"].append({"sizes": sizes, "bytes": 4 * steps.parameters, **times})
    half = Steps(NETWORKS[1], compression="fp16")
    times = measured(half, communicator, rounds // 2 or 1)
    result["half"] = {k: min(times[k]) for k in ("together", "exchange")}
    result["exchanges"] = exchanges(communicator, 20 * rounds)
    result["overlap"] = {k: min(v) for k, v in overlap(communicator, 4 * rounds).items()}
    if communicator.rank == 0:
        print(json.dumps(result))
