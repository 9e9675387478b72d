"""Every declared op in ONNX: it computes the same there, or is refused by name."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from tinygrad_edu import Tensor, to_onnx
from tinygrad_edu.pytree import flat

from .onnx_runtime import newest, runtime, session
from .samples import ALL, calls

REFUSED = {
    "bessel_i", "cholesky", "cofactor", "convolve", "correlate", "correlate_input",
    "correlate_weight", "eigh", "fold", "i0", "inv", "pinv", "qr", "sinc_slope", "slogdet",
    "solve", "solve_triangular", "svd", "unfold", "unpad", "window_spread", "window_sum",
}  # fmt: skip
"""What has no operator, and no short composition of operators."""

PARTLY = {"avg_pool1d", "avg_pool2d", "avg_pool3d", "getitem", "pad"}
"""Ops of which ONNX lacks some variants: a divisor, x[True], a border of several numbers."""

UNSUPPORTED = dict.fromkeys(
    ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    "an output_padding of the stride or more",
)
"""What the standard has, and onnxruntime does not run."""


def test_what_is_refused_is_known() -> None:
    assert REFUSED | PARTLY | UNSUPPORTED.keys() <= ALL.keys()


@pytest.mark.parametrize("name", sorted(ALL))
def test_ops_compute_the_same(name: str) -> None:
    call = ALL[name]
    seen: list[str] = []
    examples = 20 if name in PARTLY else 5

    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        drawn, statics = data.draw(calls(call.op))
        arrays = [_single(np.asarray(x)) for x in drawn]
        assume(all(x.size for x in arrays))

        def f(*xs: Any) -> Any:
            return call(*([list(xs)] if call.op.sequence else xs), **statics)

        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                expected = [t.data for t in flat(f(*map(Tensor, arrays)))]
            except Exception:
                return  # the draw is outside of the op's domain
            try:
                model = to_onnx(f, *arrays, batch_axis=None, opset=newest())
            except np.linalg.LinAlgError:
                return  # of another order of the rows
            except NotImplementedError as error:
                seen.append(str(error))
                return
        seen.append("written")
        compare(name, model, arrays, expected)

    run()
    refusals = [each for each in seen if each != "written"]
    assert all(each.startswith(f"{call.op.name}, called at") for each in refusals)
    assert seen
    assert ("written" in seen) == (name not in REFUSED)
    assert not refusals or name in REFUSED | PARTLY


def _single(x: Any) -> Any:
    """Floats as float32, for which onnxruntime has all operators."""
    return x.astype(np.float32) if x.dtype.kind == "f" else x


def compare(name: str, model: Any, arrays: list[Any], expected: list[Any]) -> None:
    missing = (runtime.capi.onnxruntime_pybind11_state.NotImplemented,)  # as of some integers
    if name in UNSUPPORTED:
        missing += (runtime.capi.onnxruntime_pybind11_state.InvalidArgument,)
    try:
        loaded = session(model)
        names = [each.name for each in loaded.get_inputs()]
        found = loaded.run(None, dict(zip(names, arrays, strict=True)))
    except missing:
        return
    for y, wanted in zip(found, expected, strict=True):
        assert y.dtype == wanted.dtype
        assert y.shape == wanted.shape
        with np.errstate(invalid="ignore"):
            finite = np.isfinite(wanted)
        scale = 1 + np.max(np.abs(wanted[finite]), initial=0)
        np.testing.assert_allclose(y[finite], wanted[finite], rtol=1e-5, atol=1e-5 * float(scale))
