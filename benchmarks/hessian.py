"""A Hessian-vector product of a multilayer perceptron's loss: a derivative of a derivative.

Every contestant takes the gradient of the loss with respect to all parameters, and then that of its
inner product with given vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from .harness import Contestant, Table, available, compare, first_runs
from .layers import Layers, flat, layer
from .training import torch_compile

SIZES, BATCH = (784, 128, 64, 10), 64
Vectors = list[np.ndarray]


def pytorch(layers: Layers, vectors: Vectors, x: np.ndarray, t: np.ndarray) -> Contestant:
    """PyTorch, by two calls of `torch.autograd.grad`."""
    import torch
    from torch.nn import functional as F

    ps = [torch.tensor(p, requires_grad=True) for p in flat(layers)]
    w1, b1, w2, b2, w3, b3 = ps
    inputs, targets, vs = torch.tensor(x), torch.tensor(t), list(map(torch.tensor, vectors))

    def product() -> Any:
        h = F.relu(inputs @ w1 + b1)
        loss = F.cross_entropy(F.relu(h @ w2 + b2) @ w3 + b3, targets)
        gs = torch.autograd.grad(loss, ps, create_graph=True)
        return torch.autograd.grad(gs, ps, vs)

    return product


def torch_compiled(layers: Layers, vectors: Vectors, x: np.ndarray, t: np.ndarray) -> Contestant:
    """PyTorch, forward over backward, compiled; it compiles no second `torch.autograd.grad`."""
    import torch
    from torch.nn import functional as F

    def loss(ps: Any, x: Any, t: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = ps
        h = F.relu(x @ w1 + b1)
        return F.cross_entropy(F.relu(h @ w2 + b2) @ w3 + b3, t)

    def product(ps: Any, vs: Any, x: Any, t: Any) -> Any:
        gradient = torch.func.grad(lambda ps: loss(ps, x, t))
        return torch.func.jvp(gradient, (ps,), (vs,))[1]

    compute = torch_compile(product)
    ps, vs = (tuple(map(torch.tensor, arrays)) for arrays in (flat(layers), vectors))
    inputs, targets = torch.tensor(x), torch.tensor(t)
    return lambda: compute(ps, vs, inputs, targets)


def ours(
    layers: Layers, vectors: Vectors, x: np.ndarray, t: np.ndarray, *, compiled: bool = False
) -> Contestant:
    """This project, by two calls of `grad`; or with both compiled into one op."""
    import tinygrad_edu
    from tinygrad_edu import Tensor, grad
    from tinygrad_edu.ops import cross_entropy, dense

    ps = [Tensor(p, requires_grad=True) for p in flat(layers)]
    w1, b1, w2, b2, w3, b3 = ps

    def product(x: Any, t: Any, vs: Any) -> Any:
        h = dense(dense(x, w1, b1).relu(), w2, b2).relu()
        gs = grad(cross_entropy(dense(h, w3, b3), t), ps, create_graph=True)
        return grad(gs, ps, vs)

    compute: Any = tinygrad_edu.compile(product) if compiled else product
    return lambda: compute(x, t, vectors)


def jax_jit(layers: Layers, vectors: Vectors, x: np.ndarray, t: np.ndarray) -> Contestant:
    """JAX, forward over backward as its documentation recommends, compiled by jit."""
    import jax
    import jax.numpy as jnp

    def loss(ps: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = ps
        h = jax.nn.relu(jax.nn.relu(x @ w1 + b1) @ w2 + b2) @ w3 + b3
        return -jax.nn.log_softmax(h)[jnp.arange(len(t)), t].mean()

    product = jax.jit(lambda ps, vs: jax.jvp(jax.grad(loss), (ps,), (vs,))[1])
    ps, vs = list(map(jnp.asarray, flat(layers))), list(map(jnp.asarray, vectors))
    return lambda: jax.block_until_ready(product(ps, vs))


MAKERS: dict[str, Callable[..., Contestant]] = {
    "PyTorch": pytorch,
    "tinygrad-edu": ours,
    "tinygrad-edu, compiled": partial(ours, compiled=True),
    "JAX jit": jax_jit,
    "torch.compile": torch_compiled,
}


def tables(rounds: int) -> Iterator[Table]:
    """The product on one batch."""
    random = np.random.default_rng(0)
    layers = [layer(random, *pair) for pair in pairwise(SIZES)]
    vectors = [random.standard_normal(p.shape, np.float32) for p in flat(layers)]
    x = random.random((BATCH, SIZES[0]), np.float32)
    t = random.integers(0, SIZES[-1], BATCH)
    made: dict[str, Any] = {
        name: partial(make, layers, vectors, x, t) for name, make in MAKERS.items()
    }
    notes = first_runs(made)
    contestants, missing = available(made)
    _agree(contestants)
    title = f"Hessian-vector product of an MLP {'-'.join(map(str, SIZES))}, batch {BATCH}, float32"
    yield Table(title, compare(contestants, rounds=rounds), notes + missing)


def _agree(contestants: dict[str, Contestant]) -> None:
    """Assert that all products are equal."""
    expected: Any = None
    for name, run in contestants.items():
        found = [np.asarray(getattr(g, "data", g)) for g in run()]
        expected = expected or found
        for g, e in zip(found, expected, strict=True):
            np.testing.assert_allclose(g, e, rtol=1e-3, atol=1e-4, err_msg=name)
