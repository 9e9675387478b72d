"""How the time of an operation grows with the number of them in one graph."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .harness import Table, rows_of

LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
COMPILED = (250, 1_000, 4_000)
MOST_AT_A_TIME = 100_000


def tables(rounds: int) -> Iterator[Table]:
    """The time of an operation, forward and backward, and of compiling it."""
    yield _eager(max(1, rounds // 5))
    for kind, x, w in (
        ("vectors of 10 elements", np.full(10, 0.6), np.full(10, 0.8)),
        ("scalars", np.array(0.6), np.array(0.8)),
    ):
        yield _compiled(kind, x, w, max(3, rounds // 8))


def chain(x: Any, w: Any, length: int) -> Callable[[], Any]:
    """Multiply, add, tanh or relu, multiply, again and again; the sum of the last."""
    from tinygrad_edu import Tensor

    activation: Any = np.tanh if np.ndim(x) else Tensor.relu  # type: ignore[attr-defined]
    xt, wt = Tensor(x, requires_grad=True), Tensor(w, requires_grad=True)

    def run() -> Any:
        h = xt
        for _ in range(length // 4):
            h = activation(h * wt + xt) * 0.9
        return h.sum()

    return run


def _eager(rounds: int) -> Table:
    """Chains of some lengths, each as often as makes the same number of operations."""
    runs = {n: chain(np.full(10, 0.6), np.full(10, 0.8), n) for n in LENGTHS}
    times: dict[int, list[float]] = {n: [] for n in LENGTHS}
    for _ in range(rounds):
        for n, run in runs.items():
            times[n].append(_time_of_an_op(run, n))
    named = {f"{n:,} operations": each for n, each in times.items()}
    title = "Time of an operation in one graph, forward and backward, vectors of 10 elements"
    return Table(title, rows_of(named), plotted=False, order=0)


def _time_of_an_op(run: Callable[[], Any], length: int) -> float:
    """The mean over about as many operations for each length, the graph's end included."""
    repeats = max(1, MOST_AT_A_TIME // length)
    gc.collect()
    gc.disable()  # which would walk through a million nodes again and again
    try:
        start = time.perf_counter()
        for _ in range(repeats):
            run().backward()
        return (time.perf_counter() - start) / (repeats * length)
    finally:
        gc.enable()


def _compiled(kind: str, x: Any, w: Any, rounds: int) -> Table:
    from tinygrad_edu import compile

    times: dict[int, list[float]] = {n: [] for n in COMPILED}
    start = time.perf_counter()
    compile(chain(x, w, 40))().backward()
    first_program = time.perf_counter() - start
    for _ in range(rounds):
        for n in COMPILED:
            compiled = compile(chain(x, w, n))
            gc.collect()
            start = time.perf_counter()
            compiled()
            times[n].append((time.perf_counter() - start) / n)
    named = {f"{n:,} operations": each for n, each in times.items()}
    note = f"A first program, of 40 operations, took {first_program * 1e3:.0f} ms."
    title = f"Compile time of an operation on {kind}"
    return Table(title, rows_of(named), [note], plotted=False, order=0)
