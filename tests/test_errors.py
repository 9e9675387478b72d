"""Error messages of common mistakes: what went wrong, where, and what to do.

The messages are part of the interface, so they are compared in full, with N for the line number.
"""

from __future__ import annotations

import re
import sys
import types
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor, errors, grad, ops


def x() -> Tensor:
    return Tensor([1.0, 2.0, 3.0], requires_grad=True)


def swept() -> Tensor:
    y = (x() * 2).sum()
    y.backward()
    return y


MISTAKES: list[tuple[Any, type[Exception], str]] = [
    (
        lambda: x() + np.ones(4),
        ValueError,
        "add: sizes 3 and 4 meet at axis -1 and do not broadcast, being neither equal nor 1; "
        "transpose or reshape one, or give it an axis of size 1 with np.expand_dims "
        "(shapes: (3,), (4,); at test_errors.py:N)",
    ),
    (
        lambda: np.ones((2, 3)) @ Tensor(np.ones((2, 3)), requires_grad=True),
        ValueError,
        "matmul: the last axis of the first (3) must meet as many rows (2); transpose one with .T "
        "(shapes: (2, 3), (2, 3); at test_errors.py:N)",
    ),
    (
        lambda: x() @ 2.0,
        ValueError,
        "matmul: needs at least 1-d arguments; multiply by a scalar with * "
        "(shapes: (3,), (); at test_errors.py:N)",
    ),
    (
        lambda: nn.Sequential(nn.Dense(4, 2))(np.ones((8, 28, 28))),
        ValueError,
        "dense: expected input of 4 features on its last axis and was given 28 features; check "
        "the layer's in_features, or flatten the input with x.reshape(len(x), -1) "
        "(shapes: (8, 28, 28), (4, 2), (2,); at test_errors.py:N, in layer 0)",
    ),
    (
        lambda: x().reshape(2, 2),
        ValueError,
        "reshape: 3 elements do not fill shape (2, 2); its product must equal their number, or "
        "one size be -1 (shapes: (3,); at test_errors.py:N)",
    ),
    (
        lambda: x().sum(axis=1),
        np.exceptions.AxisError,
        "sum: axis 1 is out of bounds for array of dimension 1 (shapes: (3,); at test_errors.py:N)",
    ),
    (
        lambda: x()[5],
        IndexError,
        "getitem: index 5 is out of bounds for axis 0 with size 3 "
        "(shapes: (3,); at test_errors.py:N)",
    ),
    (
        lambda: x().sum(axis=Tensor(0)),
        TypeError,
        "sum: `axis` is a static argument, which no gradient can reach, so it cannot be a Tensor; "
        "write axis=int(t), at test_errors.py:N",
    ),
    (
        lambda: x() * "2",
        TypeError,
        "multiply: argument `y` must be a Tensor, an array or a real number, not str, "
        "at test_errors.py:N",
    ),
    (
        lambda: x() * np.array(["a"]),
        TypeError,
        "multiply: argument `y` must be a Tensor, an array or a real number, not dtype <U1, "
        "at test_errors.py:N",
    ),
    (
        lambda: x() * np.array(1j),
        TypeError,
        "multiply: argument `y` must be a Tensor, an array or a real number, not dtype "
        "complex128, at test_errors.py:N",
    ),
    (
        lambda: Tensor(1 + 2j),
        TypeError,
        "Tensor holds real numbers, not dtype complex128; give it floats, integers or booleans",
    ),
    (
        lambda: Tensor([x()[0], x()[1]]),
        TypeError,
        "turning a Tensor that requires a gradient into an ndarray would cut it off from its "
        "graph unseen; write t.data, or t.detach() for a constant Tensor (and np.stack(list) to "
        "build one Tensor of several)",
    ),
    (
        lambda: Tensor(x()),
        TypeError,
        "Tensor() was given a Tensor; use it as it is, or .detach() for one without history",
    ),
    (
        lambda: x().backward(),
        RuntimeError,
        "backward() without a gradient needs a scalar, and this Tensor has shape (3,); reduce it "
        "first, as in .sum() or .mean(), or give the upstream gradient, an array of that shape",
    ),
    (
        lambda: x().backward(np.ones(2)),
        ValueError,
        "backward(): the upstream gradient has shape (2,), the Tensor (3,); they must be equal",
    ),
    (
        lambda: Tensor(1.0).backward(),
        RuntimeError,
        "backward() on a Tensor that was computed from none that requires grad; give one of them "
        "requires_grad=True, and compute outside no_grad()",
    ),
    (
        lambda: swept().backward(),
        RuntimeError,
        "this graph was already swept backwards, and the values it kept were freed on the way "
        "to save memory; run the forward pass again, or give retain_graph=True to the first sweep",
    ),
    (
        lambda: grad(x().sum(), Tensor(1.0, name="w")),
        RuntimeError,
        "grad() with respect to input 0 ('w'), which does not require a gradient; make it with "
        "Tensor(..., requires_grad=True)",
    ),
    (
        lambda: x().__setitem__(0, 1.0),
        TypeError,
        "item assignment is not recorded, so Tensors have none; write np.where(mask, value, x) "
        "or ops.index_put(x, index, value) for a new Tensor, or x.data[...] = value outside the "
        "graph",
    ),
    (
        lambda: np.fft.fft(x()),
        TypeError,
        "np.fft.fft has no derivative here (its values are complex, and there are only real "
        "numbers here); compose it of functions that have, declare it with tinygrad_edu.op, or "
        "pass t.data to compute outside the graph, at test_errors.py:N",
    ),
    (
        lambda: np.add(x(), 1, out=np.ones(3)),
        TypeError,
        "np.add(..., out=), or an update in place such as `a -= t`, would write a value with a "
        "gradient into an array, which cannot hold its graph; use the value that it returns, as in "
        "`a = a - t`, or write t.data to update outside the graph, at test_errors.py:N",
    ),
    (
        lambda: np.greater(x(), 1, out=np.ones(3, bool)),
        TypeError,
        "np.greater(..., out=), or an update in place such as `a -= t`, would write a value with a "
        "gradient into an array, which cannot hold its graph; use the value that it returns, as in "
        "`a = a - t`, or write t.data to update outside the graph, at test_errors.py:N",
    ),
    (
        lambda: np.add.at(x(), 0, 1),
        TypeError,
        "np.add.at is not recorded; write x[index] and arithmetic, or ops.scatter, at "
        "test_errors.py:N",
    ),
    (
        lambda: np.add.reduce(x()),
        TypeError,
        "np.add.reduce is not recorded; write np.sum, at test_errors.py:N",
    ),
    (
        lambda: np.asarray(x()),
        TypeError,
        "turning a Tensor that requires a gradient into an ndarray would cut it off from its "
        "graph unseen; write t.data, or t.detach() for a constant Tensor (and np.stack(list) to "
        "build one Tensor of several)",
    ),
    (
        lambda: float(x()),
        ValueError,
        "item() needs exactly one element, and this Tensor of shape (3,) has 3; reduce it first, "
        "for example with .mean()",
    ),
    (
        lambda: nn.mse_loss(Tensor(np.ones((5, 1))), np.ones(5)),
        ValueError,
        "mse_loss: the prediction has shape (N, 1) and the target (N,); they must be equal, since "
        "broadcasting would compare every prediction with every target; write target[:, None] for "
        "the target, at test_errors.py:N",
    ),
    (
        lambda: nn.cross_entropy(Tensor(np.ones((2, 3))), np.array([0, 3])),
        ValueError,
        "cross_entropy: class indices from 0 to 3 were given, and logits for classes 0 to 2, "
        "at test_errors.py:N",
    ),
    (
        lambda: nn.cross_entropy(Tensor(np.ones((2, 3))), np.ones(2)),
        TypeError,
        "cross_entropy: class indices must be integers, and are float64; write "
        "targets.astype(int), at test_errors.py:N",
    ),
    (
        lambda: np.concatenate([x(), x()[None]]),
        ValueError,
        "concatenate: all the input arrays must have same number of dimensions, but the array at "
        "index 0 has 1 dimension(s) and the array at index 1 has 2 dimension(s) "
        "(shapes: (3,), (1, 3); at test_errors.py:N)",
    ),
    (
        lambda: np.stack([x(), None]),
        TypeError,
        "stack: argument `arrays` must be a Tensor, an array or a real number, not NoneType, "
        "at test_errors.py:N",
    ),
    (
        lambda: np.where(x(), 1.0, x()),
        TypeError,
        "where has no derivative with respect to `condition`; give it .detach() or an array, "
        "as in np.where(x > 0, x, other), at test_errors.py:N",
    ),
    (
        lambda: x().exp(2),
        TypeError,
        "exp(x) was given 2 arguments, at test_errors.py:N",
    ),
    (
        lambda: ops.dense(x()),
        TypeError,
        "dense(x, weight, bias) lacks weight, at test_errors.py:N",
    ),
    (
        lambda: np.log(x(), where=[True]),
        TypeError,
        "np.log(..., where=mask) leaves elements undefined where the mask is False; write "
        "np.where(mask, np.log(...), other), at test_errors.py:N",
    ),
    (
        lambda: x().sum(axes=0),
        TypeError,
        "sum has no argument axes; did you mean axis? It takes a, axis, dtype, keepdims, at "
        "test_errors.py:N",
    ),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_message(number: int) -> None:
    mistake, kind, text = MISTAKES[number]
    with pytest.raises(kind) as caught:
        mistake()
    message = str(caught.value.args[0] if isinstance(caught.value, KeyError) else caught.value)
    assert re.sub(r"(test_errors\.py:)\d+", r"\1N", message) == text


def test_a_vjp_with_an_unknown_parameter() -> None:
    from tinygrad_edu import op

    with pytest.raises(TypeError, match=r"VJP of twice for `x` names \['z'\].* x, out, like"):

        @op(None, lambda g, z: g * z, method=False)
        def twice(x: Any) -> Any:
            """Double.
            y = 2x"""
            return 2 * x


def test_a_vjp_of_the_wrong_shape_is_named() -> None:
    from tinygrad_edu import op

    @op(None, lambda g: g[:2], method=False)
    def wrong(x: Any) -> Any:
        """Identity.
        y = x"""
        return x.copy()

    with pytest.raises(ValueError, match=r"a VJP of wrong returned shape \(2,\).*\(3,\)"):
        wrong(x()).sum().backward()


def test_grad_of_an_array_instead_of_a_tensor() -> None:
    with pytest.raises(TypeError, match="differentiates a Tensor, not a ndarray"):
        grad([np.ones(3)], x())


def test_a_cell_of_a_notebook_is_named_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """As IPython's own tracebacks name it, and not the temporary file that was made of it."""
    ipython, shell = types.ModuleType("IPython"), SimpleNamespace()
    names = {"/tmp/ipykernel_123/456.py": ("Cell", "In[3]")}
    shell.compile = SimpleNamespace(format_code_name=names.get)
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    code = compile("a @ a", "/tmp/ipykernel_123/456.py", "exec")
    with pytest.raises(ValueError, match=r"; at cell In\[3\], line 1\)$"):
        exec(code, {"a": Tensor(np.ones((2, 3)), requires_grad=True)})
    with pytest.raises(ValueError, match=r"; at test_errors\.py:\d+\)$"):
        Tensor(np.ones((2, 3))).exp() @ Tensor(np.ones((2, 3)), requires_grad=True)
    shell.compile = None
    assert errors.line_of("/tmp/ipykernel_123/456.py", 7) == "456.py:7"
    ipython.get_ipython = lambda: None  # type: ignore[attr-defined]
    assert errors.line_of("/a/train.py", 7) == "train.py:7"
