"""Names, order and defaults of options, of functions and modules, against PyTorch's."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import nn
import nn.functional as F
from nn.functional.options import REQUIRED, parameters

torch = pytest.importorskip("torch")

NOT_LIKE_PYTORCH = {("softmax", "dim"), ("log_softmax", "dim"), ("softmin", "dim")}
"""There an axis is guessed, with a warning; here it is the last one."""


def defaults_of(function: Any) -> dict[str, Any]:
    """Those of PyTorch's options, of which some functions have no signature that Python can see."""
    try:
        options = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {option.name: option.default for option in options}


def agree(name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> int:
    """Check the defaults of options that both have; how many these are."""
    common = 0
    for option, default in theirs.items():
        own = {"dim": "axis"}.get(option, option)
        if own in ours and default is not inspect.Parameter.empty:
            if (name, option) not in NOT_LIKE_PYTORCH:
                assert ours[own] == default, f"{name}: {own}"
            common += 1
    return common


def test_torch_functions_have_these_defaults() -> None:
    common = 0
    for name in F.__all__:
        function = getattr(F, name)
        positional, by_name = parameters(getattr(function, "forward", function))
        ours = {k: v for k, v in (positional | by_name).items() if v is not REQUIRED}
        common += agree(name, ours, defaults_of(getattr(torch.nn.functional, name, None)))
    assert common > 60


def test_torch_modules_have_these_defaults() -> None:
    common = 0
    for name in [*nn.activations.__all__, *nn.losses.__all__, *nn.layers.normalization.__all__]:
        theirs, ours = getattr(torch.nn, name, None), getattr(nn, name)
        if isinstance(theirs, type) and name not in (
            "Identity",
            "Softmax",
            "Softmin",
            "LogSoftmax",
        ):
            own = {p.name: p.default for p in inspect.signature(ours).parameters.values()}
            common += agree(name, own, defaults_of(theirs))
    assert common > 60
