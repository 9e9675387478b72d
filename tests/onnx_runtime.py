"""ONNX models, run by onnxruntime."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import to_onnx
from tinygrad_edu.pytree import flat

onnx: Any = pytest.importorskip("onnx", reason="an export needs onnx: pip install onnx")
runtime: Any = pytest.importorskip("onnxruntime", reason="models are run by onnxruntime")
runtime.set_default_logger_severity(4)

OLDEST = 23


def session(model: Any) -> Any:
    """A model, ready to run; it is a `ModelProto` or a path."""
    content = str(model) if not hasattr(model, "SerializeToString") else model.SerializeToString()
    return runtime.InferenceSession(content, providers=["CPUExecutionProvider"])


@functools.cache
def newest() -> int:
    """The newest opset that the installed onnx has and onnxruntime takes."""
    for opset in range(onnx.defs.onnx_opset_version(), OLDEST, -1):
        try:
            session(to_onnx(np.tanh, np.ones((2, 2), np.float32), opset=opset))
        except Exception:
            continue
        return opset
    return OLDEST


def assert_computes(model: Any, expected: Any, arrays: list[Any]) -> None:
    """Compare what a model computes of the arrays with Tensors, to 1e-5."""
    loaded = session(model)
    names = [each.name for each in loaded.get_inputs()]
    found = loaded.run(None, dict(zip(names, arrays, strict=True)))
    expected = [t.data for t in flat(expected)]
    assert len(found) == len(expected)
    for y, wanted in zip(found, expected, strict=True):
        assert y.dtype == wanted.dtype
        assert y.shape == wanted.shape
        np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-5)
