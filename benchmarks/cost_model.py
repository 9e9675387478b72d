"""What a step of data-parallel training costs with n processes, and a model that says so.

A step takes the time of forward, backward and update, which does not depend on n since every
process has its own batch, and that of the allreduce of the gradients.  A ring sends S bytes in
2 (n - 1) messages of S / n bytes each (Patarasuk and Yuan, 2009), and every process writes its
gradients into the buffer and adds up what it receives:

    T(n) = compute + 2 (n - 1) α + 2 (n - 1) / n · S / β + γ S

with the latency α in seconds, the bandwidth β in bytes a second, and γ seconds a byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Costs", "Network", "fitted"]

Point = tuple[float, float]  # bytes, seconds


@dataclass
class Costs:
    """Latency in seconds, bandwidth in bytes a second, and seconds a byte that is added up."""

    latency: float
    bandwidth: float
    adding: float = 0.0

    def exchange(self, n: int, size: float) -> float:
        """Seconds that a ring allreduce of `size` bytes takes, without the adding."""
        return 2 * (n - 1) * self.latency + 2 * (n - 1) / n * size / self.bandwidth

    def allreduce(self, n: int, size: float, half: bool = False) -> float:
        """Seconds of an allreduce among n processes; with `half` half as many bytes are sent."""
        if n == 1:
            return 0.0
        return self.exchange(n, size / 2 if half else size) + self.adding * size


def fitted(points: Sequence[Point], n: int) -> Costs:
    """The latency and bandwidth of n processes that exchanged so many bytes in so many seconds.

    The latency is that of the smallest message, the bandwidth that of the largest.
    """
    (_, shortest), (size, longest) = min(points), max(points)
    latency = shortest / (2 * (n - 1))
    return Costs(latency, 2 * (n - 1) / n * size / max(longest - shortest, 1e-12))


@dataclass
class Network:
    """A network: its layers' sizes, the bytes of its gradients, and seconds of a step alone."""

    sizes: tuple[int, ...]
    size: int
    compute: float

    @property
    def name(self) -> str:
        return "-".join(map(str, self.sizes))

    def step(self, costs: Costs, n: int, passes: int = 1, half: bool = False) -> float:
        """Seconds of a step of n processes that send gradients after so many passes."""
        return self.compute + costs.allreduce(n, self.size, half) / passes

    def speedup(self, costs: Costs, n: int, passes: int = 1, half: bool = False) -> float:
        """How many times as many samples n processes train on in the same time."""
        return n * self.compute / self.step(costs, n, passes, half)
