"""Where the memory of arrays comes from."""

from __future__ import annotations

import numpy as np

LARGEST = 32 << 20
"""Bytes: the largest that glibc lets its threshold rise to."""


def keep_freed_memory() -> None:
    """Let the C library keep the memory of freed arrays of up to 32 MB for the next ones.

    glibc returns a block above its threshold, at first 128 kB, to the system when it is freed, and
    the next array of that size is given page after page anew: a step of a small transformer then
    takes 4,000 page faults and a third more time. The threshold rises to the size of what is freed
    (`man mallopt`: M_MMAP_THRESHOLD), so it is enough to free one large array, of which no page is
    ever touched. Elsewhere this does nothing.
    """
    np.empty(LARGEST - (64 << 10), np.uint8)
