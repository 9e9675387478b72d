"""Initial values of parameters, drawn from the generator that `manual_seed` sets.

An initializer is a function of a shape and a generator that returns values.  The functions here
make one from its settings; layers take an initializer, or the name of one with usual settings:

>>> import nn
>>> layer = nn.Dense(4, 8, init="he")
>>> layer = nn.Dense(4, 8, init=nn.init.he(mode="fan_out"))
>>> layer = nn.Dense(4, 8, init=nn.init.normal(std=0.02))
>>> layer = nn.Dense(4, 8, init=lambda shape, rng: rng.integers(-1, 2, shape))

Pre-activations keep their inputs' variance if the variance of the weights is 1 / fan_in, where
fan_in is the number of a unit's inputs; `gain` makes up for what an activation takes away.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

from .validation import choice, not_negative, unknown_name

__all__ = [
    "Initializer", "constant", "drawing_from", "fans", "gain", "generator", "glorot",
    "glorot_normal", "glorot_uniform", "he", "he_normal", "he_uniform", "initial", "kaiming",
    "kaiming_normal", "kaiming_uniform", "manual_seed", "normal", "ones", "orthogonal",
    "truncated_normal", "uniform", "unmoved", "xavier", "xavier_normal", "xavier_uniform",
    "zeros", "constant_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_",
    "orthogonal_", "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip

Initializer = Callable[[tuple[int, ...], "np.random.Generator"], Any]

_seeds: np.random.SeedSequence | None = None  # of other threads and processes
_seeded = False  # here, and not by np.random.seed


class _Own(threading.local):
    """The generator of a thread, made when it first draws: np.random is slow to import."""

    generator: np.random.Generator | None = None
    lent = False  # whether it is that of `drawing_from`


_own = _Own()


def _spawned() -> np.random.SeedSequence:
    """The seed of another thread or process."""
    global _seeds
    _seeds = _seeds or np.random.SeedSequence()
    seeds: np.random.SeedSequence = _seeds.spawn(1)[0]
    return seeds


def _reseed(seeds: np.random.SeedSequence) -> None:
    """Begin anew, as the main thread of this process."""
    global _seeds, _seeded
    _seeds, _seeded = seeds, True
    _own.generator = np.random.default_rng(seeds)


if hasattr(os, "register_at_fork"):
    _forked: list[np.random.SeedSequence] = []  # else a forked worker would draw what we draw
    os.register_at_fork(
        before=lambda: _forked.append(_spawned()),
        after_in_parent=lambda: _forked.clear(),
        after_in_child=lambda: _reseed(_forked.pop()),
    )


def manual_seed(seed: int) -> np.random.Generator:
    """Make initial values, shuffling and dropout repeat from here on, in this thread.

    Other threads and forked processes have generators of their own, seeded in the order in which
    they begin to draw by what the main thread's `manual_seed` was given last.  Where it was never
    called, `np.random.seed` makes the main thread's draws repeat.

    >>> import nn
    >>> _ = nn.manual_seed(0); a = nn.Dense(2, 2).weight
    >>> _ = nn.manual_seed(0); b = nn.Dense(2, 2).weight
    >>> bool((a == b).all())
    True
    """
    if threading.current_thread() is threading.main_thread():
        _reseed(np.random.SeedSequence(seed))
    else:
        _own.generator = np.random.default_rng(seed)
    return generator()


def generator(seed: int | None = None) -> np.random.Generator:
    """The generator in use in this thread, or with a seed one of its own."""
    if seed is not None:
        return np.random.default_rng(seed)
    if _own.generator is None:
        _own.generator = np.random.default_rng(_spawned())
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and not (_seeded or _own.lent):
        numpys = np.random.mtrand.get_bit_generator()
        seeded = getattr(numpys, "seed_seq", numpys) is None  # by np.random.seed
        if seeded and _own.generator.bit_generator is not numpys:
            _own.generator = np.random.Generator(numpys)
    return _own.generator


@contextmanager
def unmoved() -> Iterator[None]:
    """What the block draws from the thread's generator is drawn again after it."""
    rng = generator()
    state = rng.bit_generator.state
    try:
        yield
    finally:
        rng.bit_generator.state = state


@contextmanager
def drawing_from(rng: np.random.Generator) -> Iterator[None]:
    """Within the block `rng` is the generator in use in this thread; after it, the one before."""
    before = generator(), _own.lent
    _own.generator, _own.lent = rng, True
    try:
        yield
    finally:
        _own.generator, _own.lent = before


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan_in, fan_out): how many inputs a unit has, and how many units an input reaches.

    They are a Dense weight's axes (in, out); of a convolution's kernel (out, in, ...) each is
    multiplied by the size of the window.

    >>> fans((4, 8)), fans((16, 3, 5, 5))
    ((4, 8), (75, 400))
    """
    if len(shape) < 2:
        return math.prod(shape), math.prod(shape)
    if len(shape) == 2:
        return shape[0], shape[1]
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def gain(nonlinearity: str, slope: float = 0.01) -> float:
    """By what an activation's inputs should be scaled up: 1 for "linear", √2 for "relu", ...

    `slope` is that of "leaky_relu", √(2 / (1 + slope²)).  Raises ValueError for others than
    "linear", "identity", "sigmoid", "tanh", "relu", "leaky_relu" and "selu".

    >>> gain("relu") == math.sqrt(2)
    True
    """
    gains = dict.fromkeys(("linear", "identity", "sigmoid"), 1.0)
    gains |= {"tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
    gains["leaky_relu"] = math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in gains:
        raise ValueError(f"no gain is known for {nonlinearity!r}; there are {', '.join(gains)}")
    return gains[nonlinearity]


# -------------------------------------------------------------------- the same for every shape


def constant(value: float) -> Initializer:
    """The same value everywhere."""
    return lambda shape, rng: np.full(shape, value, np.float64)


def zeros() -> Initializer:
    """All zero: right for biases; a network of such weights never learns."""
    return constant(0.0)


def ones() -> Initializer:
    """All one."""
    return constant(1.0)


def normal(mean: float = 0.0, std: float = 0.01) -> Initializer:
    """N(mean, std²).

    >>> _ = manual_seed(0)
    >>> float(normal(std=3.0)((400, 400), generator()).std().round(1))
    3.0
    """
    not_negative("normal: std", std)
    return lambda shape, rng: rng.normal(mean, std, shape)


def truncated_normal(
    mean: float = 0.0, std: float = 0.01, a: float | None = None, b: float | None = None
) -> Initializer:
    """N(mean, std²) without what lies outside a to b, which by default are mean ∓ 2 std.

    What falls outside is drawn again, so the spread is less than std: 0.88 std by default.  Raises
    ValueError if less than 1% lies inside.
    """
    not_negative("truncated_normal: std", std)
    low = mean - 2 * std if a is None else a
    high = mean + 2 * std if b is None else b
    below = [math.erf((x - mean) / std * math.sqrt(0.5)) / 2 if std else 0 for x in (low, high)]
    if low > high or (std and below[1] - below[0] < 0.01):
        raise ValueError(
            f"truncated_normal: less than 1% of N({mean}, {std}**2) lies from a={low} to b={high}; "
            "move the bounds around the mean"
        )

    def draw(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        values = np.asarray(rng.normal(mean, std, shape))
        while (outside := (values < low) | (values > high)).any():
            values[outside] = rng.normal(mean, std, int(outside.sum()))
        return values

    return draw


# -------------------------------------------------------------------- by the shape


def uniform(a: float | None = None, b: float | None = None) -> Initializer:
    """U(a, b); without bounds U(-1/√fan_in, 1/√fan_in), with which PyTorch's layers start."""
    if a is None and b is None:
        return he_uniform(1 / math.sqrt(3))
    if a is None or b is None or a > b:
        raise ValueError(f"uniform needs two bounds, the lower one first, not a={a}, b={b}")
    return lambda shape, rng: rng.uniform(a, b, shape)


def he_normal(gain: float = math.sqrt(2), mode: str = "fan_in") -> Initializer:
    """N(0, gain² / fan), for ReLU, which halves the variance (He et al., 2015).

    `mode` "fan_in" keeps the variance forward, "fan_out" that of the gradients backward, and
    "fan_avg", the mean of both, is a compromise.
    """
    choice("mode", mode, _MODES)
    return lambda shape, rng: rng.normal(0.0, _deviation(shape, gain, mode), shape)


def he_uniform(gain: float = math.sqrt(2), mode: str = "fan_in") -> Initializer:
    """U(-a, a), a = gain √(3 / fan), for ReLU (He et al., 2015); `mode` as in `he_normal`."""
    choice("mode", mode, _MODES)

    def draw(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        bound = math.sqrt(3) * _deviation(shape, gain, mode)
        return rng.uniform(-bound, bound, shape)

    return draw


def xavier_normal(gain: float = 1.0) -> Initializer:
    """N(0, gain² 2 / (fan_in + fan_out)), for tanh and sigmoid (Glorot and Bengio, 2010)."""
    return he_normal(gain, "fan_avg")


def xavier_uniform(gain: float = 1.0) -> Initializer:
    """U(-a, a), a = gain √(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    return he_uniform(gain, "fan_avg")


def orthogonal(gain: float = 1.0) -> Initializer:
    """gain times a matrix whose rows or columns, the fewer, are orthonormal (Saxe et al., 2014).

    It keeps lengths, so signals neither grow nor fade, however many layers follow each other.  The
    axes of a kernel after its first count as one.  Raises ValueError for a shape with one axis.
    """

    def draw(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        if len(shape) < 2:
            raise ValueError(f"orthogonal: a shape with two axes or more is needed, not {shape}")
        rows, columns = shape[0], math.prod(shape[1:])
        q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
        q *= np.sign(np.diagonal(r))  # otherwise not every orthogonal matrix is equally likely
        return gain * (q if rows >= columns else q.T).reshape(shape)

    return draw


_MODES = ("fan_in", "fan_out", "fan_avg")


def _deviation(shape: tuple[int, ...], gain: float, mode: str) -> float:
    fan_in, fan_out = fans(shape)
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    return gain / math.sqrt(fan)


# -------------------------------------------------------------------- by name

xavier = glorot = glorot_normal = xavier_normal
glorot_uniform = xavier_uniform
he = kaiming = kaiming_normal = he_normal
kaiming_uniform = he_uniform

NAMES: dict[str, Callable[..., Initializer]] = {
    "zeros": zeros, "zero": zeros, "ones": ones, "normal": normal, "random": normal,
    "truncated_normal": truncated_normal,
    "uniform": uniform, "orthogonal": orthogonal,
    "xavier": xavier, "xavier_normal": xavier, "glorot": xavier, "glorot_normal": xavier,
    "xavier_uniform": xavier_uniform, "glorot_uniform": xavier_uniform,
    "he": he, "he_normal": he, "kaiming": he, "kaiming_normal": he,
    "he_uniform": he_uniform, "kaiming_uniform": he_uniform,
}  # fmt: skip
_MAKERS: tuple[Any, ...] = (constant, *NAMES.values())


def initial(init: str | Initializer, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Values by an initializer or its name, in a dtype.

    Raises ValueError for an unknown name or for values of another shape, TypeError for what is no
    initializer.

    >>> initial("ones", (2,), np.float32)
    array([1., 1.], dtype=float32)
    """
    if isinstance(init, str):
        if init == "constant":
            raise ValueError("a constant needs its value: init=nn.init.constant(0.1)")
        if init not in NAMES:
            raise unknown_name("initializer", init, NAMES)
        init = NAMES[init]()
    elif not callable(init):
        raise TypeError(f"init is a name or a function of a shape and a generator, not {init!r}")
    elif init in _MAKERS:
        name = init.__name__
        raise TypeError(f"nn.init.{name} makes an initializer; write nn.init.{name}(...)")
    values = np.asarray(init(shape, generator()), dtype)
    if values.shape != shape:
        raise ValueError(f"the initializer returned shape {values.shape} for shape {shape}")
    return values


# -------------------------------------------------------------------- in place, as PyTorch's


def _fill(tensor: Tensor, init: Initializer) -> Tensor:
    tensor.data[...] = init(tensor.shape, generator())
    tensor.mark_changed()
    return tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Fill a parameter with U(a, b); returns it, as all these do."""
    return _fill(tensor, uniform(a, b))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Fill a parameter with N(mean, std²)."""
    return _fill(tensor, normal(mean, std))


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0
) -> Tensor:
    """Fill a parameter with N(mean, std²) between a and b."""
    return _fill(tensor, truncated_normal(mean, std, a, b))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill a parameter with one value."""
    return _fill(tensor, constant(val))


def zeros_(tensor: Tensor) -> Tensor:
    """Fill a parameter with 0."""
    return _fill(tensor, zeros())


def ones_(tensor: Tensor) -> Tensor:
    """Fill a parameter with 1."""
    return _fill(tensor, ones())


def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Fill a parameter as `xavier_uniform` does.

    >>> import nn
    >>> layer = nn.Dense(2, 2)
    >>> bool((abs(xavier_uniform_(layer.weight)) <= math.sqrt(6 / 4)).all())
    True
    """
    return _fill(tensor, xavier_uniform(gain))


def xavier_normal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Fill a parameter as `xavier_normal` does."""
    return _fill(tensor, xavier_normal(gain))


def kaiming_uniform_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Tensor:
    """Fill a parameter as `he_uniform` does, with the gain of a nonlinearity of slope `a`."""
    return _fill(tensor, he_uniform(gain(nonlinearity, a), mode))


def kaiming_normal_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Tensor:
    """Fill a parameter as `he_normal` does, with the gain of a nonlinearity of slope `a`."""
    return _fill(tensor, he_normal(gain(nonlinearity, a), mode))


def orthogonal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Fill a parameter as `orthogonal` does."""
    return _fill(tensor, orthogonal(gain))
