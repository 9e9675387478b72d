"""What is promised of threads and processes, which docs/gradient-contract.md says."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import nn
from nn.init import generator, unmoved
from tinygrad_edu import Tensor, changes, no_grad


@pytest.fixture(autouse=True)
def often_interrupted() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(function: Callable[[int], Any], n: int) -> list[Any]:
    """The results of n threads that run at once, each called with its number."""
    start = threading.Barrier(n)

    def run(i: int) -> Any:
        start.wait()
        return function(i)

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(run, range(n)))


class Interrupted(np.ndarray[Any, np.dtype[np.float64]]):
    """An array to which two threads can add at once, in the worst way."""

    def __iadd__(self, other: Any) -> Any:
        total = np.asarray(self) + other
        time.sleep(0.0002)
        self[...] = total
        return self


def test_no_gradient_into_a_shared_leaf_is_lost() -> None:
    shared = Tensor(np.zeros(3), requires_grad=True)
    assert shared.node
    shared.node.grad = np.zeros(3).view(Interrupted)

    def run(i: int) -> None:
        for _ in range(50):
            (shared * 1.0).sum().backward()

    in_threads(run, 4)
    assert shared.grad is not None
    np.testing.assert_array_equal(shared.grad, 200)


def trained(seed: int) -> dict[str, np.ndarray]:
    """A model after some epochs with dropout, shuffling and evaluation in between."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(60, 5)).astype(np.float32), rng.integers(0, 3, 60)
    model = nn.Sequential(nn.Dense(5, 16), nn.ReLU(), nn.Dropout(0.3), nn.Dense(16, 3))
    trainer = nn.Trainer(model, "cross_entropy", nn.Adam(model.parameters()))
    trainer.fit((x, y), (x, y), epochs=4, progress=False)
    return model.state_dict()


def test_trainings_in_threads_give_what_they_give_alone() -> None:
    together = in_threads(trained, 4)
    for seed, state in enumerate(together):
        for name, value in trained(seed).items():
            np.testing.assert_array_equal(state[name], value, strict=True)


def test_putting_a_generator_back_does_not_touch_another_threads() -> None:
    inside, drawn = threading.Event(), threading.Event()
    values: list[float] = []

    def other() -> None:
        inside.wait()
        values.append(generator().random())
        drawn.set()
        values.append(generator().random())

    thread = threading.Thread(target=other)
    thread.start()
    with unmoved():
        inside.set()
        drawn.wait()
    thread.join()
    assert values[0] != values[1]


def test_threads_draw_numbers_of_their_own_and_again_after_the_same_seed() -> None:
    def draws() -> list[float]:
        nn.manual_seed(7)
        values = [generator().random()]
        for _ in range(2):
            thread = threading.Thread(target=lambda: values.append(generator().random()))
            thread.start()
            thread.join()
        return values

    assert len(set(draws())) == 3
    assert draws() == draws()
    assert draws()[0] == np.random.default_rng(7).random()


def test_no_grad_in_threads_that_enter_it_again() -> None:
    x, leave = Tensor(1.0, requires_grad=True), no_grad()

    def run(i: int) -> list[bool]:
        seen = []
        for _ in range(500):
            with leave:
                with leave:
                    seen.append((x * x).requires_grad)
                seen.append((x * x).requires_grad)
            seen.append((x * x).requires_grad)
        return seen

    assert in_threads(run, 3) == [[False, False, True] * 500] * 3


def test_the_last_change_of_all_threads_is_the_last() -> None:
    leaves = [Tensor(np.ones(2), requires_grad=True) for _ in range(4)]

    def run(i: int) -> None:
        for _ in range(2000):
            leaves[i].mark_changed()

    in_threads(run, 4)
    latest = max(leaf.node.changed[0] for leaf in leaves if leaf.node)
    assert latest == changes._last_change


def draw(queue: Any) -> None:
    queue.put(generator().random(3).tolist())


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_worker_does_not_draw_its_parents_numbers(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"needs {method}")
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    nn.manual_seed(0)
    ours = generator().bit_generator.state
    workers = [context.Process(target=draw, args=(queue,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    theirs = [queue.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert generator().bit_generator.state == ours
    drawn = [generator().random(3).tolist(), *theirs]
    assert len({tuple(values) for values in drawn}) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_forked_workers_repeat_after_the_same_seed() -> None:
    def drawn() -> list[list[float]]:
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        nn.manual_seed(3)
        values = []
        for _ in range(2):
            worker = context.Process(target=draw, args=(queue,))
            worker.start()
            values.append(queue.get(timeout=60))
            worker.join()
        return values

    assert drawn() == drawn()
