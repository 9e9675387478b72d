"""Classify handwritten digits in several processes: mpiexec -n 2 python -m examples.mnist_parallel

Each process trains on its share of every batch, and all average their gradients before each step,
so that the weights are those that one process would have found, but for rounding and the dropout,
which each process draws for itself.

What to look at: the seconds, with -n 1 and with -n 2; the loss, which hardly depends on the number
of processes. Each process uses one thread unless OMP_NUM_THREADS says otherwise. Needs
pip install mpi4py mpich."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is imported

import io
import sys
from contextlib import redirect_stdout
from importlib.util import find_spec

import nn
from nn import parallel

from .common import arguments, count, needs, positive, script


def data(small: bool) -> tuple[nn.Dataset, nn.Dataset]:
    """Training and test digits.  Rank 0 downloads them, if need be, while the others wait."""
    if small:
        return nn.datasets.digits().split(0.2, seed=0)
    if parallel.rank() == 0:
        nn.datasets.mnist()
    parallel.barrier()
    return nn.datasets.mnist()


def network(pixels: int, hidden: int) -> nn.Module:
    """Images (n, pixels) -> logits (n, 10), normalized by the batch of all processes."""
    return nn.Sequential(
        nn.Dense(pixels, hidden, bias=False),
        parallel.SyncBatchNorm(hidden),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Dense(hidden, 10),
    )


def main(argv: list[str] | None = None) -> None:
    parser = arguments("mnist_parallel", __doc__)
    parser.add_argument("--epochs", type=count, default=5, help="passes over the digits")
    parser.add_argument("--batch-size", type=count, default=512, help="of all processes together")
    parser.add_argument("--hidden", type=count, default=512, help="hidden units")
    parser.add_argument("--lr", type=positive, default=2e-3, help="learning rate of Adam")
    parser.add_argument("--small", action="store_true", help="8 x 8 digits, without a download")
    silent = io.StringIO() if find_spec("mpi4py") and parallel.rank() else sys.stdout
    with redirect_stdout(silent), script(parser, argv) as run:
        needs(parser, "mpi4py")
        options = run.options
        nn.manual_seed(options.seed)
        train, test = data(options.small)
        train, validation = train.split(1 / 12, seed=options.seed)
        model = network(train.x.shape[1], options.hidden)
        optimizer = nn.Adam(model.parameters(), options.lr)
        trainer = nn.Trainer(model, "cross_entropy", optimizer, ["accuracy"], parallel=True)
        print(f"{parallel.size()} processes, {len(train)} digits, batches of {options.batch_size}")
        history = trainer.fit(
            train, validation, epochs=options.epochs, batch_size=options.batch_size
        )
        print(history)
        print(f"{len(train) / min(history['seconds']):.0f} digits per second")
        sampler = parallel.DistributedSampler(test, shuffle=False)
        scores = trainer.evaluate(nn.DataLoader(test, 1000, sampler=sampler))
        print(f"test accuracy {scores['accuracy']:.2%} ({len(test)} digits)")
        if parallel.rank() == 0:
            run.save(history.plot()[0].figure, "history.png")


if __name__ == "__main__":
    main()
