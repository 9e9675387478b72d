"""`sanity`: what is wrong with a model, a loss, a batch and an optimizer before a long training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..module import Module
from ..validation import unknown_name
from .experiments import EXPERIMENTS
from .report import SanityReport
from .structure import STRUCTURAL, Check
from .subject import Subject

__all__ = ["sanity"]


def sanity(
    model: Module[Any],
    loss: Any,
    batch: Any,
    optimizer: Any = None,
    *,
    ignore: Iterable[str] = (),
) -> SanityReport:
    """Look for common mistakes before a long training; afterwards everything is as it was.

    `loss` is a function or module of (prediction, target), or a name such as "cross_entropy";
    `batch` is a tuple (x, y), or (x1, x2, y) for a model of two inputs, a Dataset or a DataLoader,
    of which up to 256 samples are used.  With the optimizer, its parameters and its learning rate
    are checked too.  `ignore` names checks to skip, by their ids.

    What follows from the structure is stated as a fact.  What was measured in experiments, such as
    learning a few samples by heart, is stated with the numbers and a likely cause.  Returns a
    report that is true if nothing was found, and prints as a list.  Raises what the model or the
    loss raises, and ValueError for unknown ids.  After Karpathy, A Recipe for Training Neural
    Networks, 2019.

    >>> import nn, numpy as np
    >>> _ = nn.manual_seed(0)
    >>> x, y = nn.datasets.iris()[::5]
    >>> x = nn.Standardizer().fit(x).transform(x)
    >>> model = nn.Sequential(nn.Dense(4, 16), nn.Dense(16, 3))
    >>> report = nn.sanity(model, "cross_entropy", (x, y), nn.Adam(model.parameters()))
    >>> bool(report), [finding.id for finding in report.findings]
    (False, ['dense-after-dense'])
    """
    ignored = {ignore} if isinstance(ignore, str) else {*ignore}
    for name in ignored - {*STRUCTURAL, *EXPERIMENTS}:
        raise unknown_name("check", name, [*STRUCTURAL, *EXPERIMENTS])
    subject = Subject(model, loss, batch, optimizer)

    def results(checks: dict[str, Check]) -> list[Any]:
        return [replace(check(subject), id=k) for k, check in checks.items() if k not in ignored]

    opening = f"Sanity of {type(model).__name__} on {subject.n} samples"
    return SanityReport(opening, results(STRUCTURAL), results(EXPERIMENTS))
