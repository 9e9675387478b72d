"""Initializers: their spread, their bounds, what they promise, and how they are asked for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import nn
from nn import init

SHAPES = [(300, 500), (64, 32, 5, 5), (40, 30, 25)]


def draw(initializer: Any, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    nn.manual_seed(seed)
    return init.initial(initializer, shape, np.float64)


# -------------------------------------------------------------------- fans and gains


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((), (1, 1)),
        ((7,), (7, 7)),
        ((4, 8), (4, 8)),
        ((16, 3, 5), (15, 80)),
        ((16, 3, 5, 2), (30, 160)),
    ],
)
def test_fans(shape: tuple[int, ...], expected: tuple[int, int]) -> None:
    assert init.fans(shape) == expected


def test_unknown_gain_and_mode() -> None:
    with pytest.raises(ValueError, match=r"'gelu'; there are linear, .*relu"):
        init.gain("gelu")
    for make in (init.he, init.he_uniform):
        with pytest.raises(ValueError, match="'fan_in', 'fan_out' or 'fan_avg', not 'in'"):
            make(mode="in")


# -------------------------------------------------------------------- spread and bounds


def expected_deviation(name: str, shape: tuple[int, ...], gain: float, mode: str) -> float:
    fan_in, fan_out = init.fans(shape)
    if name.startswith("he"):
        return gain / math.sqrt(fan_in if mode == "fan_in" else fan_out)
    return gain * math.sqrt(2 / (fan_in + fan_out))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
@pytest.mark.parametrize("name", ["he_normal", "he_uniform", "xavier_normal", "xavier_uniform"])
def test_scaled_initializers(name: str, mode: str, shape: tuple[int, ...]) -> None:
    options = {"mode": mode} if name.startswith("he") else {}
    values = draw(getattr(init, name)(gain=1.7, **options), shape)
    deviation = expected_deviation(name, shape, 1.7, mode)
    np.testing.assert_allclose(values.std(), deviation, rtol=0.02)
    assert abs(values.mean()) < 5 * deviation / math.sqrt(values.size)
    bound = deviation * math.sqrt(3)
    if name.endswith("uniform"):
        np.testing.assert_allclose([values.min(), values.max()], [-bound, bound], rtol=0.01)
    else:
        assert np.abs(values).max() > 1.5 * bound


def test_he_keeps_the_size_of_signals_through_relu_layers() -> None:
    nn.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(200, 300))
    model = nn.Sequential(*[m for _ in range(10) for m in (nn.Dense(300, 300), nn.ReLU())])
    assert 0.5 < (model(x).data ** 2).mean() / (x**2).mean() * 2 < 2
    plain = nn.Sequential(
        *[m for _ in range(10) for m in (nn.Dense(300, 300, init="normal"), nn.ReLU())]
    )
    assert (plain(x).data ** 2).mean() < 1e-6


def test_normal_uniform_and_constant() -> None:
    values = draw(init.normal(mean=2.0, std=0.5), (300, 300))
    np.testing.assert_allclose([values.mean(), values.std()], [2.0, 0.5], rtol=0.01)
    np.testing.assert_allclose(draw("normal", (300, 300)).std(), 0.01, rtol=0.01)
    values = draw(init.uniform(1.0, 3.0), (300, 300))
    np.testing.assert_allclose([values.min(), values.max()], [1.0, 3.0], rtol=1e-3)
    values = draw(init.uniform(), (64, 3, 5, 5))
    np.testing.assert_allclose([values.min(), values.max()], [-(75**-0.5), 75**-0.5], rtol=1e-2)
    assert (draw(init.constant(0.3), (2, 3)) == 0.3).all()
    assert (draw(init.ones(), ()) == 1).all()
    assert not draw(init.zeros(), (2, 3)).any()


def test_truncated_normal_stays_inside_and_is_normal_there() -> None:
    values = draw(init.truncated_normal(std=0.5), (400, 400))
    assert -1 <= values.min() < -0.99
    assert 0.99 < values.max() <= 1
    np.testing.assert_allclose(values.std(), 0.5 * 0.8796, rtol=0.01)
    values = draw(init.truncated_normal(1.0, 2.0, a=0.0, b=1.5), (400, 400))
    assert 0 <= values.min() < 0.01
    assert 1.49 < values.max() <= 1.5
    share = (values < 1).mean()  # Φ((1 - 1) / 2) and so on, from a table
    np.testing.assert_allclose(share, (0.5 - 0.30854) / (0.59871 - 0.30854), rtol=0.02)


@pytest.mark.parametrize("shape", [(6, 6), (30, 7), (7, 30), (8, 3, 2, 2), (20, 3, 2)])
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_orthogonal(shape: tuple[int, ...], gain: float) -> None:
    w = draw(init.orthogonal(gain), shape).reshape(shape[0], -1)
    small = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(small, gain**2 * np.eye(len(small)), atol=1e-12)


def test_orthogonal_matrices_are_all_equally_likely() -> None:
    nn.manual_seed(0)
    corners = [init.initial("orthogonal", (3, 3), np.float64)[0, 0] for _ in range(300)]
    assert abs(np.mean(corners)) < 0.1  # QR as it comes makes them negative


# -------------------------------------------------------------------- how they are asked for


@pytest.mark.parametrize("name", list(init.NAMES))
def test_names_and_seeds(name: str) -> None:
    first, again, other = (draw(name, (5, 4), seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.array_equal(first, other) == (name in ("zero", "zeros", "ones"))
    np.testing.assert_array_equal(first, draw(init.NAMES[name](), (5, 4), 1))
    function = {"zero": "zeros", "random": "normal"}.get(name, name)  # words alone
    assert getattr(init, function) is init.NAMES[name]
    assert init.initial(name, (5, 4), np.float32).dtype == np.float32


def test_layers_take_them() -> None:
    layer = nn.Dense(300, 500, init=nn.init.normal(std=0.2))
    np.testing.assert_allclose(layer.weight.data.std(), 0.2, rtol=0.01)
    layer = nn.Dense(300, 500, init=nn.init.he(mode="fan_out", gain=nn.init.gain("tanh")))
    np.testing.assert_allclose(layer.weight.data.std(), 5 / 3 / math.sqrt(500), rtol=0.01)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: init.initial("hee", (2,), float), ValueError, "'hee'; did you mean 'he'"),
        (lambda: init.initial(init.he, (2,), float), TypeError, r"write nn.init.he_normal\("),
        (lambda: init.initial(init.constant, (2,), float), TypeError, r"nn.init.constant\("),
        (lambda: init.initial(3, (2,), float), TypeError, "a name or a function .* not 3"),
        (lambda: init.initial(lambda s, r: 1, (2,), float), ValueError, r"shape \(\) for"),
        (lambda: init.normal(std=-1), ValueError, "std must not be negative, and is -1"),
        (lambda: init.truncated_normal(std=math.nan), ValueError, "std must not be negative"),
        (lambda: init.truncated_normal(a=1.0, b=2.0), ValueError, "less than 1% of N"),
        (lambda: init.truncated_normal(a=1.0, b=-1.0), ValueError, "less than 1% of N"),
        (lambda: init.uniform(1.0), ValueError, "two bounds"),
        (lambda: init.uniform(1.0, 0.0), ValueError, "two bounds"),
        (lambda: draw("orthogonal", (3,)), ValueError, r"two axes or more is needed, not \(3,\)"),
    ],
)
def test_what_is_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


# -------------------------------------------------------------------- PyTorch's formulas


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
def test_torch_spreads(shape: tuple[int, ...], mode: str) -> None:
    torch = pytest.importorskip("torch")
    other = torch.empty(shape if len(shape) > 2 else shape[::-1])
    torch.manual_seed(0)
    gain = init.gain("leaky_relu", 0.2)
    pairs = [
        (init.he_normal(gain, mode), lambda t: torch.nn.init.kaiming_normal_(t, 0.2, mode)),
        (init.he_uniform(gain, mode), lambda t: torch.nn.init.kaiming_uniform_(t, 0.2, mode)),
        (init.he(mode=mode), lambda t: torch.nn.init.kaiming_normal_(t, 0, mode, "relu")),
        (init.xavier_normal(1.5), lambda t: torch.nn.init.xavier_normal_(t, 1.5)),
        (init.xavier_uniform(1.5), lambda t: torch.nn.init.xavier_uniform_(t, 1.5)),
        (init.orthogonal(1.5), lambda t: torch.nn.init.orthogonal_(t, 1.5)),
        (init.truncated_normal(0, 1, -1, 2), lambda t: torch.nn.init.trunc_normal_(t, 0, 1, -1, 2)),
    ]
    for ours, theirs in pairs:
        values, expected = draw(ours, shape), theirs(other).numpy()
        np.testing.assert_allclose(values.std(), expected.std(), rtol=0.03)
        if np.abs(expected).max() < 2.1 * expected.std():  # both are bounded, not normal
            np.testing.assert_allclose(values.max(), expected.max(), rtol=0.02)


def test_an_array_is_no_initializer() -> None:
    with pytest.raises(TypeError, match="a function of a shape and a generator, not array"):
        nn.Dense(2, 2, init=np.eye(2))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_torch_gains(name: str) -> None:
    torch = pytest.importorskip("torch")
    assert init.gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))
    expected = torch.nn.init.calculate_gain("leaky_relu", 0.3)
    assert init.gain("leaky_relu", 0.3) == pytest.approx(expected)
