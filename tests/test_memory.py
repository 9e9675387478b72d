"""The memory of freed arrays serves the next ones."""

from __future__ import annotations

import platform
import subprocess
import sys
import textwrap

import pytest

CHURN = """
    import resource
    import numpy as np
    import tinygrad_edu

    x = np.ones((4, 1 << 18), np.float32)
    for i in range(12):
        if i == 2:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        y = [row * row for row in x]
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="about the allocator of glibc")
def test_arrays_of_a_megabyte_are_not_mapped_anew() -> None:
    """Each of the 40 would otherwise take 256 page faults."""
    code = textwrap.dedent(CHURN)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1000
