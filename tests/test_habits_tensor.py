"""Names of PyTorch, Keras and other engines on Tensors: the message says what to write."""

from __future__ import annotations

import copy
import importlib
import pickle
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
import tinygrad_edu
from tinygrad_edu import Tensor, habits, op, ops
from tinygrad_edu.methods import Methods


def x() -> Any:
    return Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)


# -------------------------------------------------------------------- attributes


@pytest.mark.parametrize(
    ("use", "advice"),
    [
        (lambda x: x.view(3, 2), r"has no attribute 'view'; write x\.reshape\(shape\)"),
        (lambda x: x.permute(1, 0), r"write x\.transpose\(axes\)"),
        (lambda x: x.unsqueeze(0), r"write np\.expand_dims\(x, axis\)"),
        (lambda x: x.masked_fill(x > 1, 0), r"write np\.where\(mask, value, x\)"),
        (lambda x: x.numel(), r"write x\.size"),
        (lambda x: x.cpu(), "write x itself, since all runs on the CPU"),
        (lambda x: x.to("cuda"), "all runs on the CPU"),
        (lambda x: x.device, "write no device"),
        (lambda x: x.float(), r"write x\.astype\(np\.float32\)"),
        (lambda x: x.add_(1), r"each returns a new Tensor; .* x\.data\[\.\.\.\] = values"),
        (lambda x: x.zero_(), r"x\.mark_changed\(\)"),
        (lambda x: x.register_hook(print), r"retain_grad\(\)"),
        (lambda x: x.nbytes, r"write x\.data\.nbytes"),
        (lambda x: x.fill(0), r"write x\.data\.fill"),
        (lambda x: x.ptp(), r"write np\.ptp\(x, \.\.\.\)"),
        (lambda x: Tensor.randn(2, 3), r"write ops\.normal"),
    ],
)
def test_foreign_attributes_say_what_to_write(use: Any, advice: str) -> None:
    with pytest.raises(AttributeError, match=advice):
        use(x())


def test_foreign_attributes_are_absent() -> None:
    t, inner = x(), x() * 2
    for name in ("view", "cuda", "add_", "nbytes", "device", "isnan"):
        assert not hasattr(t, name)
        assert getattr(t, name, None) is None
        assert name not in dir(t)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "reshape" in dir(inner)
    with pytest.raises(AttributeError):
        t.view = 3
    assert copy.deepcopy(t).requires_grad
    assert pickle.loads(pickle.dumps(t)).requires_grad
    with pytest.raises(AttributeError, match="no attribute 'sofmax'"):
        _ = t.sofmax


def test_no_advice_hides_what_tensors_have() -> None:
    assert not [name for name in habits.TENSOR if hasattr(Tensor, name)]
    assert not [
        name for name in habits.FUNCTIONS if hasattr(ops, name) and name not in habits._MADE
    ]
    assert hasattr(Tensor, "sum")
    assert hasattr(Tensor, "T")


def test_an_op_of_ones_own_may_take_a_foreign_name() -> None:
    before = vars(Methods)["permute"]
    try:

        @op(None, lambda g: g)
        def permute(x: Any) -> Any:
            """Nothing.
            y = x,  ∂L/∂x = g"""
            return x.copy()

        assert getattr(x(), "permute")().shape == (2, 3)  # noqa: B009
    finally:
        setattr(Methods, "permute", before)  # noqa: B010


def test_size_called_as_a_method() -> None:
    t = x()
    for call in (lambda: t.size(), lambda: t.size(0), lambda: Tensor([1.0]).size(-1)):
        with pytest.raises(TypeError, match=r"size is a number.*write x\.shape"):
            call()
    assert t.size == 6
    assert type(t.size) is int
    assert t.size * 2 == 12
    assert str(t.size) == "6"
    assert getattr(t, "size") == max(t.size, 2)  # noqa: B009
    assert (t.sum() / t.size).item() == t.mean().item()


# -------------------------------------------------------------------- keywords


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda x: x.sum(dim=0), "sum has no argument dim; did you mean axis"),
        (lambda x: x.sum(0, keepdim=True), "did you mean keepdims"),
        (lambda x: x.max(dim=1), "did you mean axis"),
        (lambda x: x.std(0, unbiased=False), "did you mean ddof"),
        (lambda x: x.norm(dim=1), "norm has no argument dim; did you mean axis"),
        (lambda x: x.argmax(dim=1), "argmax has no argument dim; .* axis\\? It takes axis"),
        (lambda x: x.all(dim=1), "did you mean axis"),
        (lambda x: ops.softmax(x, dim=1), "did you mean axis"),
        (lambda x: x.moveaxis(source=0, destinaton=1), "did you mean destination"),
        (lambda x: ops.concatenate([x, x], dim=0), "did you mean axis"),
        (lambda x: x.sum(0, axis=0), "was given `axis` twice"),
        (lambda x: nn.functional.softmax(x, dim=1), "did you mean axis"),
        (lambda x: nn.functional.dropout(x, rate=0.5), "dropout has no argument rate; .*mean p"),
        (lambda x: nn.functional.mse_loss(x, x, reduce="sum"), "did you mean reduction"),
    ],
)
def test_foreign_keywords_are_told_ours(call: Any, meant: str) -> None:
    with pytest.raises(TypeError, match=f"{meant}.*, at test_habits_tensor.py"):
        call(x())


def test_other_arguments_of_pytorch() -> None:
    with pytest.raises(ValueError, match=r"x\.reshape\(len\(x\), -1\)"):
        x().flatten(1)
    with pytest.raises(ValueError, match="order is 'C'"):
        x().flatten("A")
    with pytest.raises(TypeError, match=r"np\.tile\(x, times\)"):
        x().repeat(2, 1, 1)
    with pytest.raises(ValueError, match=r"x\.swapaxes\(1, 2\)"):
        Tensor(np.ones((2, 3, 4))).transpose(1, 2)
    t = x()
    with pytest.raises(TypeError, match=r"np\.where\(x > 0, x, other\)"):
        t.where(t > 0, t)


# -------------------------------------------------------------------- functions


@pytest.mark.parametrize(
    ("use", "advice"),
    [
        (lambda: ops.cat, r"np\.concatenate\(tensors, axis\)"),
        (lambda: ops.unsqueeze, r"np\.expand_dims"),
        (lambda: ops.pad_sequence, "has no attribute 'pad_sequence'$"),
        (lambda: getattr(tinygrad_edu, "zeros"), r"ops\.zeros\(shape\)"),  # noqa: B009
        (lambda: tinygrad_edu.relu, r"write tinygrad_edu\.ops\.relu"),
        (lambda: tinygrad_edu.stack, r"write np\.stack"),
        (lambda: tinygrad_edu.randn, r"ops\.normal"),
        (lambda: tinygrad_edu.manual_seed, r"nn\.manual_seed\(seed\)"),
        (lambda: tinygrad_edu.frobnicate, "has no attribute 'frobnicate'$"),
    ],
)
def test_foreign_functions_say_what_to_write(use: Any, advice: str) -> None:
    with pytest.raises(AttributeError, match=advice):
        use()


def test_the_module_tensor_is_no_function() -> None:
    module: Any = importlib.import_module("tinygrad_edu.tensor")
    with pytest.raises(TypeError, match=r"write Tensor\(data\), with a capital T"):
        module([1.0])


# -------------------------------------------------------------------- nn, by its second name


def run(code: str, *path: Path) -> str:
    paths = [str(p) for p in (*path, Path(nn.__file__).parents[1])]
    code = f"import sys; sys.path[:0] = {paths!r}\n{textwrap.dedent(code)}"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_nn_is_found_by_way_of_the_engine() -> None:
    assert tinygrad_edu.nn is nn
    engine_alone = """
        import tinygrad_edu
        print("nn" in sys.modules, end=" ")
        from tinygrad_edu import nn
        print(nn.__name__, nn is sys.modules["nn"])"""
    assert run(engine_alone) == "False nn True"


def test_an_nn_of_ones_own_is_told(tmp_path: Path) -> None:
    (tmp_path / "nn.py").write_text("class Dense: pass\n")
    code = """
        try:
            from tinygrad_edu import nn
        except ImportError as error:
            print(error)"""
    message = run(code, tmp_path)
    assert str(tmp_path / "nn.py") in message
    assert "give that file another name" in message
