"""Modules nested 1,000 deep: what does not call them works, and a call says one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn

DEPTH = 1000
X = np.ones((4, 2), np.float32)


@pytest.fixture
def deep() -> nn.Module:
    model: nn.Module = nn.Sequential(nn.Dense(2, 2, l2=0.5))
    for _ in range(DEPTH):
        model = nn.Sequential(model)
    return model


def test_the_state_of_deep_modules(deep: nn.Module, tmp_path: Any) -> None:
    (first, weight), (_, bias) = deep.named_parameters()
    assert first == "0." * (DEPTH + 1) + "weight"
    assert len(list(deep.named_modules())) == DEPTH + 2
    state = deep.state_dict()
    weight.data += 1
    deep.load_state_dict(state)
    np.testing.assert_array_equal(weight.data, state[first])
    nn.save(tmp_path / "deep", deep)
    bias.data += 1
    nn.load(tmp_path / "deep", deep)
    np.testing.assert_array_equal(bias.data, 0)
    assert not any(m.training for m in deep.eval().modules())
    assert all(m.training for m in deep.train().modules())
    assert float(deep.penalty()) > 0
    deep.zero_grad()
    deep.requires_grad_(False).apply(lambda module: None)
    assert not weight.requires_grad
    assert "nested too deeply to be shown" in repr(deep)
    shallow = nn.Sequential(nn.Sequential(nn.ReLU()))
    assert repr(shallow) == "Sequential(\n  (0): Sequential(\n    (0): ReLU()\n  )\n)"


def test_a_call_of_deep_modules_says_one_sentence(deep: nn.Module) -> None:
    trainer = nn.Trainer(deep, "mse", nn.SGD(deep.parameters()))
    for call in (
        lambda: deep(X),
        lambda: nn.summary(deep, (2,)),
        lambda: trainer.fit((X, X), progress=False),
        lambda: trainer.predict(X),
    ):
        with pytest.raises(
            RecursionError, match=r"nested too deeply .* one nn\.Sequential"
        ) as info:
            call()
        assert len(str(info.value).splitlines()[0]) < 250
        assert info.value.__suppress_context__ or info.value.__cause__ is not None


def test_many_modules_side_by_side_are_called() -> None:
    model = nn.Sequential(*[nn.ReLU() for _ in range(3 * DEPTH)])
    np.testing.assert_array_equal(model(X).data, X)
    assert repr(model).count("ReLU()") == 3 * DEPTH


def test_a_module_that_holds_itself_is_told() -> None:
    model = nn.Sequential(nn.ReLU())
    model.again = model
    with pytest.raises(RecursionError, match="a module holds itself"):
        model.state_dict()
