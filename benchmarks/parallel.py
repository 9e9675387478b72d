"""`python -m benchmarks.parallel`: training in two processes, and what more of them would give.

It starts two processes by `mpiexec`, with one thread each. `--write docs/scaling.md` writes the
page, for which nothing else should use the machine. Every kind of step runs in every round, and the
shortest of its times are compared.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tinygrad_edu.atomic_write import written_whole

from . import machine
from .cost_model import Costs, Network, fitted
from .harness import duration

RANKS = (2, 8, 64, 1024)
ETHERNET = Costs(latency=30e-6, bandwidth=1.25e9)  # of 10 Gbit/s
PAGE = """\
# Scaling

How much faster many processes train, measured with two and computed for more. Written by
`python -m benchmarks.parallel --write docs/scaling.md`. How to train in many processes:
[parallel.md](parallel.md).

{machine}
- {load}

Measured on {date}. Times are those on a core, of which other programs take nothing away, waits for
the other process included, and the shortest of many steps that ran in turns. Each process has one
thread, a batch of {batch} samples of its own, float32, and takes steps of SGD with momentum.

## Two processes

*Alone*: one process, while the other sleeps. *Apart*: both, each for itself; what that takes longer
is lost to memory and caches that they share. *Together*: with the gradients of both. The speed-up
is that of samples a second, 2 · alone / together; communication is the share of the step from the
end of the backward pass until the gradients of all are there, the wait for the other process
included. Where other programs want the cores too, a process often waits for one that is not
running, which makes *together* and the communication longer than they are on free cores.

{measured}

## The cost model

A step of n processes takes

    T(n) = compute + 2 (n - 1) α + 2 (n - 1) / n · S / β + γ S

where S is the size of the gradients: a ring sends them in 2 (n - 1) messages of S / n bytes each
(Patarasuk and Yuan, 2009), and every process fills the buffer and adds up pieces of it. From the
smallest and the largest buffer, sent between two processes here:

- latency α = {latency}
- bandwidth β = {bandwidth:.2f} GB/s
- filling and adding γ = {adding:.2f} ns a byte

Against what was measured between them:

{points}

And for whole steps of two processes, compute being that of *apart*:

{steps}

## What more processes would give

The speed-up, if every process had a core as the ones here, with α and β between neighbors in the
ring as measured here, in shared memory; and with those of a network of 10 Gbit/s (α = 30 µs,
β = 1.25 GB/s), which are assumed. The batch of all grows with the processes.

{predicted}

A ring's time hardly grows with n while S / β dominates; its latency grows with n, so that with many
processes and small networks nothing else counts. What one can do about it:

- **Accumulate gradients**: with `backward_passes_per_step=k` they are sent once in k passes, and
  both terms shrink to a k-th; the batch grows by k.
- **Half precision on the wire**: `compression="fp16"` halves S / β, not the latency. Casting takes
  time too: on this machine, where sending is a copy in memory, a step of {middle} takes {half} with
  it and {full} without.
- **A larger batch or a larger network**: more to compute for each byte that is sent.

The same for {middle} on 10 Gbit/s:

{levers}

## Sending before the backward pass ends

The gradients of the last layers are there long before those of the first, and could be sent
meanwhile. That pays where something else than the processor sends them. Here it does not: sending
{overlap_bytes} one after the other with a matrix product takes {blocking}, and both at once
{overlapped}, since between processes of one machine MPI copies with the same core, when it is
called. So all gradients are sent in one buffer after the backward pass.
"""


def table(head: str, rows: list[list[str]]) -> str:
    columns = head.split("|")
    lines = [head, "|".join(["---", *["---:"] * (len(columns) - 1)]), *(map("|".join, rows))]
    return "\n".join(f"|{line}|" for line in lines)


def run(rounds: int, n: int = 2) -> dict[str, Any]:
    """What the processes measured."""
    folders = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    mpiexec = shutil.which("mpiexec", path=folders)
    if mpiexec is None:
        raise SystemExit("mpiexec is missing: pip install mpi4py mpich")
    code = f"from benchmarks import parallel_worker; parallel_worker.main({rounds})"
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [mpiexec, "-n", str(n), sys.executable, "-c", code]
    done = subprocess.run(command, env=os.environ | threads, stdout=subprocess.PIPE, text=True)
    done.check_returncode()
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def page(found: dict[str, Any], load: float) -> str:
    """The page of what was measured, and of what the model makes of it."""
    n, each = found["n"], found["networks"]
    costs = fitted([(size, sent) for size, sent, _ in found["exchanges"]], n)
    costs.adding = found["exchanges"][-1][2] / found["exchanges"][-1][0]
    apart = [Network(tuple(e["sizes"]), e["bytes"], e["apart"]) for e in each]
    alone = [Network(tuple(e["sizes"]), e["bytes"], e["alone"]) for e in each]
    cores = Costs(costs.latency, costs.bandwidth, costs.adding)
    wire = Costs(ETHERNET.latency, ETHERNET.bandwidth, costs.adding)
    middle = each[1]
    return PAGE.format(
        machine="\n".join(f"- {fact}" for fact in machine.describe()),
        load=f"{load:.1f} other processes wanted a core on average in the minute before the start",
        date=datetime.date.today().isoformat(),
        batch=256,
        measured=_measured(each, alone, n),
        latency=duration(costs.latency),
        bandwidth=costs.bandwidth / 1e9,
        adding=costs.adding * 1e9,
        points=_points(found["exchanges"], costs, n),
        steps=table(
            "network|measured|model|ratio",
            [
                [
                    a.name,
                    duration(e["together"]),
                    duration(s := a.step(costs, n)),
                    f"{s / e['together']:.2f}",
                ]
                for a, e in zip(apart, each, strict=True)
            ],
        ),
        predicted=_predicted(alone, {"here": cores, "10 Gbit/s": wire}),
        middle=alone[1].name,
        half=duration(found["half"]["together"]),
        full=duration(middle["together"]),
        levers=_levers(alone[1], wire),
        overlap_bytes=f"{4 * 1_863_690 / 1e6:.1f} MB",
        blocking=duration(found["overlap"]["blocking"]),
        overlapped=duration(found["overlap"]["overlapped"]),
    )


def _measured(each: list[dict[str, Any]], networks: list[Network], n: int) -> str:
    rows = []
    for e, a in zip(each, networks, strict=True):
        times = [duration(e[kind]) for kind in ("alone", "apart", "together")]
        ratios = [f"{n * e['alone'] / e['together']:.2f}", f"{e['exchange'] / e['together']:.0%}"]
        rows.append([a.name, f"{a.size / 1e6:.2f} MB", *times, *ratios])
    return table("network|gradients|alone|apart|together|speed-up|communication", rows)


def _points(exchanges: list[tuple[int, float, float]], costs: Costs, n: int) -> str:
    rows = [
        [f"{size:,}", duration(sent), duration(m := costs.exchange(n, size)), f"{m / sent:.2f}"]
        for size, sent, _ in exchanges
    ]
    return table("bytes|measured|model|ratio", rows)


def _predicted(networks: list[Network], costs: dict[str, Costs]) -> str:
    rows = [
        [a.name, where, *(f"{a.speedup(c, n):,.1f}" for n in RANKS)]
        for a in networks
        for where, c in costs.items()
    ]
    return table("network|where|" + "|".join(f"{n:,} ranks" for n in RANKS), rows)


def _levers(network: Network, costs: Costs) -> str:
    levers: dict[str, dict[str, Any]] = {
        "as it is": {},
        "half precision": {"half": True},
        "8 passes a step": {"passes": 8},
        "both": {"half": True, "passes": 8},
    }
    rows = [
        [name, *(f"{network.speedup(costs, n, **options):,.1f}" for n in RANKS)]
        for name, options in levers.items()
    ]
    return table("lever|" + "|".join(f"{n:,} ranks" for n in RANKS), rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parallel", description=__doc__)
    parser.add_argument("--rounds", type=int, default=25, help="how often each kind of step runs")
    parser.add_argument("--write", type=Path, metavar="PATH", help="write the page to a file")
    options = parser.parse_args()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    text = page(run(options.rounds), load)
    print(text)
    if options.write:
        with written_whole(options.write) as file:
            file.write(text.encode())


if __name__ == "__main__":
    main()
