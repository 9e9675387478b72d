"""What tests/test_parallel.py runs: `mpiexec -n 3 python -m tests.parallel_cases OUT CASE ...`.

Each case is a training, in this process alone or with others, which returns arrays.  Every rank
saves what it has come to in the folder OUT.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import nn
from nn import parallel
from nn.callbacks import Callback
from nn.parallel import exchange
from tinygrad_edu import compile

Result = dict[str, Any]
SLOW = 60.0  # seconds


def table(n: int, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 5))
    return x, (x[:, 0] * x[:, 1] > 0).astype(int) + (x[:, 2] > 1) * (classes == 3)


def network(*more: nn.Module, classes: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Dense(5, 16, bias=not more), *more, nn.Tanh(), nn.Dense(16, classes))


def synchronized(model: Any, many: bool) -> Any:
    return parallel.SyncBatchNorm.convert_sync_batchnorm(model) if many else model


def result(trainer: nn.Trainer) -> Result:
    state = trainer.model.state_dict()
    history = {f"history {k}": v for k, v in trainer.history.as_dict().items() if k != "seconds"}
    return {**state, **history, "names": [type(each).__name__ for each in trainer._callbacks]}


def sgd(many: bool, out: Path) -> Result:
    """110 steps: the last batch of an epoch has 3 samples, fewer than 4 ranks."""
    model = synchronized(network(nn.BatchNorm1d(16)), many)
    optimizer = nn.SGD(model.parameters(), 0.1, momentum=0.9)
    schedule = nn.StepLR(optimizer, 4)
    trainer = nn.Trainer(
        model, "cross_entropy", optimizer, ["accuracy", "f1"], scheduler=schedule, clip_norm=1.0,
        parallel=many,
    )  # fmt: skip
    files = [nn.CSVLog(out / "log.csv"), nn.ModelCheckpoint(out / "run.safetensors")]
    callbacks = [*(files if many else []), nn.EarlyStopping(patience=30)]
    x, y = table(83)
    trainer.fit(
        (x, y), (x[:21], y[:21]), epochs=10, batch_size=8, callbacks=callbacks, progress=many
    )
    return result(trainer)


def adam(many: bool, out: Path) -> Result:
    """104 steps of a compiled convolutional network; the last batch has one sample."""
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2, momentum=None), nn.Tanh(), nn.Flatten(),
        nn.Dense(8, 3, l2=0.01),
    )  # fmt: skip
    model = synchronized(model, many)
    optimizer = nn.Adam(model.parameters(), 0.01)
    schedule = nn.ReduceLROnPlateau(optimizer, patience=1)
    trainer = nn.Trainer(
        model, "cross_entropy", optimizer, scheduler=schedule, compile=True, parallel=many
    )
    x = np.random.default_rng(1).normal(size=(43, 1, 4, 4))
    y = (x.sum((1, 2, 3)) > 0).astype(int) + (x[:, 0, 0, 0] > 1)
    loader = nn.DataLoader((x, y), 6, shuffle=True, seed=7)
    trainer.fit(loader, (x[:3], np.array([0, 1, 2])), epochs=13, progress=False)
    return result(trainer)


def total(many: bool, out: Path) -> Result:
    """A loss that is the sum over the samples."""
    model = synchronized(network(nn.BatchNorm1d(16)), many)
    optimizer = nn.SGD(model.parameters(), 0.01)
    loss = nn.CrossEntropyLoss(reduction="sum")
    trainer = nn.Trainer(model, loss, optimizer, parallel=many)
    trainer.fit(table(13), epochs=2, batch_size=5, progress=False)
    return result(trainer)


def lbfgs(many: bool, out: Path) -> Result:
    """The line search needs the loss of all samples."""
    model = network()
    optimizer = nn.LBFGS(model.parameters(), max_iter=4, line_search_fn="strong_wolfe")
    trainer = nn.Trainer(model, "cross_entropy", optimizer, parallel=many)
    trainer.fit(table(31), epochs=2, batch_size=None, progress=False)
    return result(trainer)


def accumulate(many: bool, out: Path) -> Result:
    """Two passes for each step; the last one of an epoch has a single pass."""
    model = network()
    optimizer: nn.Optimizer = nn.Adam(model.parameters(), 0.01)
    if many:
        optimizer = parallel.DistributedOptimizer(optimizer, backward_passes_per_step=2)
    trainer = nn.Trainer(model, "cross_entropy", optimizer, clip_norm=0.5, parallel=many)
    trainer.fit(table(43), epochs=2, batch_size=4 if many else 8, progress=False)
    return result(trainer)


def half(many: bool, out: Path) -> Result:
    """Gradients in half precision on the wire, of very different sizes."""
    model = network()
    optimizer: nn.Optimizer = nn.SGD(model.parameters(), 1e-4)
    if many:
        optimizer = parallel.DistributedOptimizer(optimizer, compression="fp16")
    trainer = nn.Trainer(model, lambda y, t: nn.cross_entropy(y, t) * 1e4, optimizer, parallel=many)
    trainer.fit(table(24), epochs=2, batch_size=8, progress=False)
    return {k: v for k, v in result(trainer).items() if "history" not in k}


def loop(many: bool, out: Path) -> Result:
    """A loop of one's own, in which one parameter gets no gradient, and one only in some ranks."""
    model = network()
    unused = nn.Parameter(np.ones(3), name="unused")
    sometimes = nn.Parameter(np.ones(2), name="sometimes")
    x, y = table(19)
    optimizer: Any = nn.Adam([*model.parameters(), unused, sometimes], 0.01, weight_decay=0.1)
    if many:
        for p in model.parameters():
            p.data *= 1 + parallel.rank()
        parallel.broadcast_parameters(model)
        optimizer = parallel.DistributedOptimizer(optimizer)
        sampler = parallel.DistributedSampler((x, y)[1], seed=5)
        loader = nn.DataLoader((x, y), 4, sampler=sampler)
    else:
        loader = nn.DataLoader((x, y), 4, shuffle=True, seed=5)
    for _ in range(2):
        for a, t in loader:
            loss = nn.cross_entropy(model(a), t)
            if (a[:, 0] > 0).any():
                loss = loss + (sometimes * (a[:, :2] * (a[:, :1] > 0)).mean(0)).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step(**({"samples": len(a)} if many else {}))
    return {**model.state_dict(), "unused": unused.data, "sometimes": sometimes.data}


class Draws(Callback):
    """What this rank's dropout would draw, and the first samples that it is given."""

    def __init__(self) -> None:
        self.numbers: list[float] = []

    def on_batch_end(self, trainer: Any) -> None:
        self.numbers.append(nn.init.generator().random())


def streams(many: bool, out: Path) -> Result:
    """Dropout of each rank on its own, shuffling of all together."""
    found = {}
    for run in ("first", "again"):
        nn.manual_seed(4 + parallel.rank() if many else 4)  # rank 0's is taken
        model = nn.Sequential(nn.Dense(5, 6), nn.Dropout(0.5), nn.Dense(6, 3))
        trainer = nn.Trainer(model, "cross_entropy", nn.SGD(model.parameters(), 0.1), parallel=many)
        draws = Draws()
        trainer.fit(table(24), epochs=2, batch_size=8, callbacks=[draws], progress=False)
        found |= {
            f"draws {run}": draws.numbers,
            **{f"{k} {run}": v for k, v in result(trainer).items()},
        }
    parallel.manual_seed(9)
    sampler = parallel.DistributedSampler(range(30))
    found |= {"own": nn.init.generator().random(4), "order": [*sampler], "next order": [*sampler]}
    return found


def resume(many: bool, out: Path, path: str | None = None) -> Result:
    """Six epochs, or from a file on to six; what three of them come to is saved."""
    model = synchronized(network(nn.BatchNorm1d(16)), many)
    optimizer = nn.Adam(model.parameters(), 0.01)
    schedule = nn.CosineAnnealingLR(optimizer, T_max=9)
    trainer = nn.Trainer(model, "cross_entropy", optimizer, scheduler=schedule, parallel=many)

    def keep(trainer: Any) -> None:
        if len(trainer.history) == 3:
            trainer.save(out / "three.safetensors")

    x, y = table(26)
    trainer.fit(
        (x, y),
        (x[:9], y[:9]),
        epochs=6,
        batch_size=8,
        callbacks=[keep],
        progress=False,
        resume=path,
    )
    return result(trainer)


def bits(many: bool, out: Path) -> Result:
    """In single precision, of sizes that no number of ranks divides; then by messages."""
    nn.set_default_dtype(np.float32)
    found: Result = {}
    for most in (exchange._MOST, 0):
        exchange._MOST = most
        nn.manual_seed(0)
        model = synchronized(network(nn.BatchNorm1d(16)), many)
        optimizer = nn.SGD(model.parameters(), 0.1, momentum=0.9)
        trainer = nn.Trainer(model, "cross_entropy", optimizer, parallel=many)
        trainer.fit(table(27), epochs=2, batch_size=8, progress=False)
        found |= {f"{key} {most}": value for key, value in model.state_dict().items()}
    nn.set_default_dtype(np.float64)
    return found


def evaluated(many: bool, out: Path) -> Result:
    """Data as they are are judged whole by who asks; those of a sampler by all together."""
    model = network()
    trainer = nn.Trainer(
        model, "cross_entropy", nn.SGD(model.parameters(), 0.1), ["accuracy"], parallel=many
    )
    x, y = table(13)
    found = {**trainer.evaluate((x, y)), "predicted": trainer.predict(x)}
    if not many or parallel.rank() == 0:  # for whom nobody has to wait
        found["again"] = trainer.evaluate((x, y))["loss"]
    else:
        found["again"] = found["loss"]
    sampler = parallel.DistributedSampler(x, shuffle=False) if many else None
    together = trainer.evaluate(nn.DataLoader((x, y), 5, sampler=sampler))
    return found | {f"together {name}": value for name, value in together.items()}


def infinite(many: bool, out: Path) -> Result:
    """A compiled loss that is infinite in the last rank only, and finite again in the next step."""
    model = synchronized(network(nn.BatchNorm1d(16)), many)
    compiled = compile(lambda x, factor: (model(x) * factor).mean())
    x, found, last = table(8)[0], [], parallel.rank() == parallel.size() - 1
    for factor in (1.0, np.inf if last else 1.0, 1.0):
        model.zero_grad()
        with np.errstate(invalid="ignore"):
            loss = compiled(x, np.full((8, 1), factor))
        loss.backward()
        found.append([loss.data, *(np.abs(p.grad).sum() for p in model.parameters())])
    return {"own": np.array(found)}


EACH = (
    sgd, adam, total, lbfgs, accumulate, half, loop, streams, resume, bits, evaluated, infinite,
)  # fmt: skip
CASES: dict[str, Callable[..., Result]] = {each.__name__: each for each in EACH}


# -------------------------------------------------------------------- what can go wrong


class At(Callback):
    """Does something after the third batch of the second epoch, in one rank."""

    def __init__(self, rank: int, what: Callable[[], Any]) -> None:
        self.rank, self.what = rank, what

    def on_batch_end(self, trainer: Any) -> None:
        if len(trainer.history) == 1 and trainer.batch == 3 and parallel.rank() == self.rank:
            say_time()
            self.what()


def say_time() -> None:
    print(f"at {time.time()}", flush=True)


def raise_error() -> None:
    raise ZeroDivisionError("in the callback of one rank")


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class WhileWriting(Callback):
    """Rank 1 is killed while rank 0 writes the second checkpoint."""

    def on_epoch_end(self, trainer: Any) -> None:
        if len(trainer.history) == 2 and parallel.rank() == 1:
            time.sleep(1)
            say_time()
            kill()
        if len(trainer.history) == 2 and parallel.rank() == 0:
            os.fsync = lambda file: time.sleep(SLOW)


def fail(how: str, out: Path) -> None:
    """A training in which one rank fails, the last."""
    last, (x, y) = parallel.size() - 1, table(43)
    model = network(nn.BatchNorm1d(16), classes=4 if how == "model" and parallel.rank() else 3)
    model = parallel.SyncBatchNorm.convert_sync_batchnorm(model)
    here = parallel.rank() == last
    if how == "data" and here:
        x, y = x[:40], y[:40]
    if how == "diverge" and here:
        x[:] = np.nan
    if how == "before" and here:
        say_time()
        raise ZeroDivisionError("before the training")
    if how == "leave" and here:
        say_time()
        sys.exit("why one rank leaves")
    trainer = nn.Trainer(
        model, "cross_entropy", nn.SGD(model.parameters(), 0.1, momentum=0.9), parallel=True
    )
    at = {"raise": At(last, raise_error), "kill": At(last, kill), "write": WhileWriting()}
    files = [nn.ModelCheckpoint(out / "run.safetensors"), nn.CSVLog(out / "log.csv")]
    callbacks = [*files, *([at[how]] if how in at else [])]
    if how in ("model", "data", "diverge") and here:
        say_time()
    try:
        trainer.fit((x, y), epochs=3, batch_size=8, callbacks=callbacks, progress=False)
    except ZeroDivisionError:
        print("the error was caught, and the others wait")
        time.sleep(SLOW)


def main(out: Path, names: list[str]) -> None:
    nn.set_default_dtype(np.float64)
    results: Result = {}
    for name in names:
        if name.startswith("fail:"):
            fail(name[5:], out)
            return
        name, _, path = name.partition("=")
        nn.manual_seed(3)
        found = CASES[name](True, out, *([path] if path else []))
        results |= {f"{name}/{key}": value for key, value in found.items()}
    digest = hashlib.sha256(repr(sorted(results)).encode())
    for key in sorted(results):
        if not key.endswith(("/names", "/own")) and "/draws" not in key:
            digest.update(np.asarray(results[key]).tobytes())
    np.savez(out / f"rank{parallel.rank()}.npz", digest=digest.hexdigest(), **results)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
