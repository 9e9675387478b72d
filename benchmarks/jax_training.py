"""One step of training with JAX, all of it compiled by jit, as its users write it without Optax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .harness import Contestant

__all__ = [
    "Optimizer",
    "adam",
    "convolution",
    "cross_entropy",
    "jax_training_step",
    "jitted_step",
    "sgd",
]


class Optimizer(NamedTuple):
    """`start(ps)` makes what it keeps; `move(ps, gradients, kept)` returns new ps, and new kept."""

    start: Callable[[Any], Any]
    move: Callable[[Any, Any, Any], tuple[Any, Any]]


def sgd(rate: float, momentum: float = 0.0) -> Optimizer:
    """Gradient descent."""
    from jax import numpy as jnp
    from jax import tree

    def start(ps: Any) -> Any:
        return tree.map(jnp.zeros_like, ps) if momentum else None

    def move(ps: Any, gradients: Any, velocity: Any) -> tuple[Any, Any]:
        if momentum:
            velocity = tree.map(lambda v, g: momentum * v + g, velocity, gradients)
            gradients = velocity
        return tree.map(lambda p, g: p - rate * g, ps, gradients), velocity

    return Optimizer(start, move)


def adam(rate: float, decay: float = 0.0) -> Optimizer:
    """Adam, or AdamW with a decay of the parameters."""
    from jax import numpy as jnp
    from jax import tree

    def start(ps: Any) -> Any:
        return tree.map(jnp.zeros_like, ps), tree.map(jnp.zeros_like, ps), jnp.zeros((), "float32")

    def move(ps: Any, gradients: Any, kept: Any) -> tuple[Any, Any]:
        ms, vs, t = kept
        t = t + 1
        ms = tree.map(lambda m, g: 0.9 * m + 0.1 * g, ms, gradients)
        vs = tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, vs, gradients)
        root, now = jnp.sqrt(1 - 0.999**t), rate / (1 - 0.9**t)

        def moved(p: Any, m: Any, v: Any) -> Any:
            return p * (1 - rate * decay) - now * m / (jnp.sqrt(v) / root + 1e-8)

        return tree.map(moved, ps, ms, vs), (ms, vs, t)

    return Optimizer(start, move)


def cross_entropy(scores: Any, t: Any) -> Any:
    """The mean of -log softmax(scores)[t]."""
    import jax
    from jax import numpy as jnp

    chosen = jnp.take_along_axis(jax.nn.log_softmax(scores), t[..., None], axis=-1)
    return -chosen.mean()


def convolution(x: Any, kernel: Any) -> Any:
    """Images NHWC and a kernel HWIO, which XLA computes faster than NCHW on the CPU."""
    import jax

    axes = "NHWC", "HWIO", "NHWC"
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=axes)


def jax_training_step(
    loss: Callable[..., Any], optimizer: Optimizer, ps: Any, *batch: Any
) -> Contestant:
    """`loss(ps, *batch)`, its gradients and the optimizer's step."""
    import jax

    def update(state: Any, *batch: Any) -> tuple[Any, Any]:
        ps, kept = state
        value, gradients = jax.value_and_grad(loss)(ps, *batch)
        return value, optimizer.move(ps, gradients, kept)

    return jitted_step(update, (ps, optimizer.start(ps)), *batch)


def jitted_step(update: Callable[..., tuple[Any, Any]], state: Any, *batch: Any) -> Contestant:
    """`update(state, *batch)` returns the loss and the new state, which takes the old one's place
    in memory."""
    import jax

    jitted = jax.jit(update, donate_argnums=0)
    state, batch = jax.tree.map(jax.numpy.array, (state, batch))

    def step() -> Any:
        nonlocal state
        loss, state = jax.block_until_ready(jitted(state, *batch))
        return loss

    return step
