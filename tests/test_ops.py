"""Every declared op by itself, in calls drawn from its declaration.

What is checked, and how, is in `tinygrad_edu.checks.op_check`.
"""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu import ops
from tinygrad_edu.checks import UndefinedValue, check_op
from tinygrad_edu.ops.windows import Geometry

from .samples import ALL, SAMPLERS, calls


def test_every_op_has_samples() -> None:
    without = [n for n, f in ALL.items() if not f.op.elementwise and n not in SAMPLERS]
    assert not without, f"write a sampler in tests/samples for {without}"


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_op(name: str, data: st.DataObject) -> None:
    op = ALL[name].op
    arrays, statics = data.draw(calls(op))
    with contextlib.suppress(UndefinedValue):
        check_op(ALL[name], *([arrays] if op.sequence else arrays), **statics)


def test_a_kernel_of_one_element_may_stand_outside_of_the_input() -> None:
    """Where it meets 0, also if it stands at as many positions as there are elements."""
    x, weight = np.array([[[1.0, 2.0]]]), np.array([[[3.0]]])
    geometry = Geometry(kernel=(1,), stride=(2,), dilation=(1,), before=(0,), after=(0,))
    y = ops.correlate(x, weight, (2,), geometry)
    np.testing.assert_array_equal(y, [[[3.0, 0.0]]])
    check_op(ops.correlate, x, weight, positions=(2,), geometry=geometry)
