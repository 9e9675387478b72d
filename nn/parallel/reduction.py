"""The mean of all processes' gradients, by way of one flat buffer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

from .exchange import Exchange, exchange_for
from .ranks import Ranks

__all__ = ["Reduction"]

_HALF = 2.0**15  # the largest sum that is sent in half precision, which ends at 65504


class Reduction:
    """Sets gradients to their mean over all ranks, each weighted by its number of samples.

    With `compression` "fp16" they are sent in half precision, scaled so that no sum overflows.
    Those of several `passes` are accumulated here before they are sent.
    """

    def __init__(self, ranks: Ranks, compression: str | None, passes: int) -> None:
        self.ranks, self.compression, self.passes = ranks, compression, passes
        self.done = False  # whether the gradients are those of all ranks already
        self.calls, self.samples = 0, 0.0  # of the passes that wait to be sent
        self._sums: list[Any] = []
        self._exchange: Exchange | None = None
        self._holds: tuple[int, Any] = (0, None)

    def accumulate(self, parameters: Sequence[Tensor], samples: float) -> None:
        """Add the gradients, means over so many samples, to those of the passes before it."""
        self.calls, self.samples = self.calls + 1, self.samples + samples
        sums = self._sums or [None] * len(parameters)
        for i, p in enumerate(parameters):
            if p.grad is not None:
                part = p.grad * samples
                sums[i] = part if sums[i] is None else sums[i] + part
            p.grad = None
        self._sums = sums

    def release(self, parameters: Sequence[Tensor]) -> float:
        """Give the parameters the means of all passes; returns the number of their samples."""
        for p, total in zip(parameters, self._sums, strict=True):
            p.grad = None if total is None else np.asarray(total / (self.samples or 1.0))
        samples, self.calls, self.samples, self._sums = self.samples, 0, 0.0, []
        return samples

    def mean(self, parameters: Sequence[Tensor], samples: float, average: bool = True) -> None:
        """The gradients become those of the mean of all samples, or without `average` of the sum.

        A parameter that has a gradient in no rank stays without.
        """
        told = self.ranks.rows(self._header(parameters, samples))
        total = float(told[:, 0].sum()) if average else 1.0
        if not total:
            raise ValueError("no rank has a sample that the gradients could be a mean of")
        peak = float((told[:, 0] * told[:, 1]).max()) / total
        unit = peak * self.ranks.size / _HALF or 1.0
        unit = unit if self.compression else 1.0
        whole = self._filled(parameters, samples / total / unit).sum()
        if self.compression:
            whole *= unit
        start = 0
        known = np.asarray(told[:, 2:].any(axis=0))
        for p, has_gradient in zip(parameters, known, strict=True):
            part = whole[start : start + p.size].reshape(p.shape)
            p.grad = part.astype(p.dtype, copy=False) if has_gradient else None
            start += p.size

    def _header(self, parameters: Sequence[Tensor], samples: float) -> np.ndarray:
        """What each rank tells first: its samples, its largest gradient, and which there are."""
        gradients = [p.grad for p in parameters]
        largest = 0.0
        if self.compression:
            each = [float(np.absolute(g).max(initial=0)) for g in gradients if g is not None]
            largest = math.nan if any(map(math.isnan, each)) else max(each, default=0.0)
        return np.array([samples, largest, *(g is not None for g in gradients)], np.float64)

    def _filled(self, parameters: Sequence[Tensor], weight: float) -> Exchange:
        """The flat buffer, with all gradients times a weight."""
        dtype = np.result_type(*(p.dtype for p in parameters))
        n = sum(p.size for p in parameters)
        if (n, dtype) != self._holds:
            if self._exchange is not None:
                self._exchange.free()
            wire = np.float16 if self.compression else None
            self._exchange, self._holds = exchange_for(self.ranks, n, dtype, wire), (n, dtype)
        assert self._exchange is not None
        buffer, start = self._exchange.buffer, 0
        for p in parameters:
            part = buffer[start : start + p.size]
            if p.grad is None:
                part[:] = 0
            else:
                np.multiply(p.grad.ravel(), weight, out=part)
            start += p.size
        return self._exchange
