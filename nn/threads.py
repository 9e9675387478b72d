"""How many threads NumPy's matrix products run on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from tinygrad_edu import Tensor

from .validation import integer, required

__all__ = ["set_num_threads"]

LARGE = 2**24
"""Multiplications from which a product gains by a second thread although it must be waited for."""

_COLUMNS = 2**17  # elements of an image's columns that a convolution multiplies at a time
_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_chosen = False  # by set_num_threads


def set_num_threads(n: int) -> AbstractContextManager[Any]:
    """Let matrix products use n threads of the processor, in this process.

    It holds from now on, or as a context manager until the end of the block.  Without it, the
    library that NumPy is linked to (OpenBLAS, MKL) takes a thread for each core, unless the
    environment says otherwise (`OMP_NUM_THREADS=1 python train.py`); `Trainer.fit` takes one for
    networks whose products are small.  Needs threadpoolctl.

    >>> import numpy as np
    >>> with set_num_threads(1):
    ...     y = np.ones((64, 784)) @ np.ones((784, 128))
    """
    global _chosen
    pools = required("threadpoolctl", "nn.set_num_threads needs", "threadpoolctl")
    limited: AbstractContextManager[Any] = pools.threadpool_limits(integer("n", n), "blas")
    _chosen = True
    return limited


def for_products(parameters: Iterable[Tensor], batch_size: Any) -> AbstractContextManager[Any]:
    """One thread for a training whose products are all small; else, or if chosen, as it is."""
    if _chosen or any(os.environ.get(name) for name in _VARIABLES):
        return nullcontext()
    try:
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError:
        return nullcontext()
    sizes = [_COLUMNS * len(p) if p.ndim > 2 else batch_size * p.size for p in parameters if p.ndim]
    small = max(sizes, default=0) < LARGE
    return threadpool_limits(1, "blas") if small else nullcontext()
