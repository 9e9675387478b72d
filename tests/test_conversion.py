"""Nothing leaves the graph unasked: what `float()` nobody wrote does with a tracked value."""

from __future__ import annotations

import array
import math
import struct
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, grad, no_grad

L = Tensor([3.0, 4.0], requires_grad=True, name="L")


def item() -> None:
    np.zeros(2)[0] = L[0] ** 2


def flat() -> None:
    np.zeros(2).flat[0] = L[0]


def last_axis() -> None:
    np.zeros((2, 2))[1, 0] = L[0]


def in_a_loop() -> None:
    a = np.zeros(2)
    for i, x in enumerate(L):
        a[i] = x


def in_an_array() -> None:
    array.array("d", [0.0])[0] = L[0]


@pytest.mark.parametrize("assign", [item, flat, last_axis, in_a_loop, in_an_array])
def test_assigning_to_an_element_is_refused(assign: Callable[[], None]) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        assign()
    error = caught.value.__cause__ or caught.value
    if assign is not flat:  # where NumPy keeps the cause to itself
        assert "would lose its gradient; build one Tensor" in str(error)
        assert "test_conversion.py:" in str(error)


@pytest.mark.parametrize("assign", [lambda a: a.__setitem__(slice(0, 1), L[:1])])
def test_assigning_to_a_slice_is_refused(assign: Any) -> None:
    with pytest.raises(TypeError, match="cut it off from its graph"):
        assign(np.zeros(2))


UNSEEN: dict[str, Callable[[], Any]] = {
    "math.sin": lambda: math.sin(L[0]),
    "math.exp": lambda: 2 * math.exp(L.sum() / 10),
    "np.zeros(2).fill": lambda: np.zeros(2).fill(L[0]),
    "np.fromiter": lambda: np.fromiter(L, float),
    "array.array": lambda: array.array("d", [L[0]]),
    "struct.pack": lambda: struct.pack("d", L[0]),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_a_function_that_takes_the_number_unseen_is_remarked(name: str) -> None:
    pattern = (
        rf"{name.split('(')[0]}.* takes the number of .* out of the graph.*item\(\).*test_conv"
    )
    with pytest.warns(UserWarning, match=pattern):
        UNSEEN[name]()


def test_an_integral_over_a_tracked_value_is_remarked() -> None:
    integrate = pytest.importorskip("scipy.integrate")
    with pytest.warns(UserWarning, match="takes the number of"):
        integrate.quad(lambda x: L[0] * x, 0, 1)


MEANT: dict[str, Callable[[], Any]] = {
    "float": lambda: float(L[0]),
    "int": lambda: int(L[0] * 2),
    "item": lambda: L[0].item(),
    "of an expression": lambda: [float((L * L).sum()), max(float(x) for x in L)],
    "over several lines": lambda: (
        float(
            L.sum(),
        )
        + 1.0
    ),
    "in a format": lambda: f"{float(L[0]):.3f} {L[0]:.2f} {L[0]}",
    "percent": lambda: "%.2f" % L[0],  # noqa: UP031
    "np.float64": lambda: np.float64(L[0].item()),
    "a question": lambda: math.isnan(L[0]) or math.isfinite(L[0]),
    "bool": lambda: bool(L[0]) and L[0] > 2,
    "of each": lambda: [float(x) for x in L],
    "map": lambda: list(map(float, L)),
    "a key": lambda: (max(L, key=float), sorted(L, key=int)),
    "non-ascii text before it": lambda: ["∂∂∂", float(L[0])],
}


@pytest.mark.parametrize("name", MEANT)
def test_reading_a_loss_stays_silent(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MEANT[name]()


def test_constants_are_numbers() -> None:
    a = np.zeros(3)
    with warnings.catch_warnings(), no_grad():
        warnings.simplefilter("error")
        a[0] = Tensor(2.0)
        a[1] = L[1] * 2
        a[2] = math.sqrt(Tensor(4.0))
    assert a.tolist() == [2, 8, 2]


def test_code_without_source() -> None:
    names: dict[str, Any] = {"t": L[0], "math": math, "a": np.zeros(1)}
    with pytest.warns(UserWarning, match="takes the number"):
        exec("math.sin(t)", names)
    with pytest.raises(ValueError, match="setting an array element"):
        exec("a[0] = t", names)
    exec("x = float(t)", names)
    assert names["x"] == 3


def test_the_right_way_has_the_right_gradient() -> None:
    a = np.stack([L[0] ** 2, np.sin(L[1])])
    np.testing.assert_allclose(grad(a.sum(), L).data, [6, np.cos(4.0)])
