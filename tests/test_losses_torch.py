"""The losses of nn against PyTorch's: values and gradients, every option."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from tinygrad_edu import Tensor

torch = pytest.importorskip("torch")

REDUCTIONS = ["mean", "sum", "none"]
DTYPES = [np.float64, np.float32]
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 4))
P, Q = RNG.uniform(0.05, 0.95, (6, 4)), RNG.uniform(0, 1, (6, 4))
W = RNG.uniform(0.5, 2, 4)
ROWS = P / P.sum(-1, keepdims=True)
CLASSES = np.array([0, 3, 1, 1, 2, 0])
PART = np.array([0, -100, 1, 3, -100, 0])
SIGNS = np.array([1, -1, 1, -1, -1, 1])


def compare(ours: Any, theirs: Any, arrays: list[Any], constants: list[Any], dtype: Any) -> None:
    """Values, and gradients by the `arrays` of a random combination of the losses."""
    fixed = [c.astype(dtype) if c.dtype.kind == "f" else c for c in constants]
    mine = [Tensor(a.astype(dtype), requires_grad=True) for a in arrays]
    other = [torch.tensor(a.astype(dtype), requires_grad=True) for a in arrays]
    y, z = ours(*mine, *fixed), theirs(*other, *map(torch.tensor, fixed))
    tolerance = (
        {"rtol": 1e-10, "atol": 1e-12} if dtype == np.float64 else {"rtol": 2e-5, "atol": 1e-6}
    )
    assert y.dtype == dtype
    np.testing.assert_allclose(y.data, z.detach().numpy(), **tolerance)
    upstream = np.random.default_rng(1).normal(size=y.shape).astype(dtype)
    y.backward(upstream)
    z.backward(torch.tensor(upstream))
    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(a.grad, b.grad.numpy(), **tolerance)


def both(name: str, reduction: str, dtype: Any, **options: Any) -> tuple[Any, Any]:
    """Our module and PyTorch's, arrays among the options for each in its own kind."""
    cast = {k: v.astype(dtype) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    tensors = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in cast.items()}
    ours = getattr(nn, name)(reduction, **cast)
    return ours, getattr(torch.nn, name)(reduction=reduction, **tensors)


PAIRS = [
    ("MSELoss", {}),
    ("L1Loss", {}),
    ("HuberLoss", {"delta": 0.7}),
    ("SmoothL1Loss", {"beta": 0.7}),
    ("SmoothL1Loss", {"beta": 0.0}),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("name", "options"), PAIRS)
def test_torch_numbers(name: str, options: Any, reduction: str, dtype: Any) -> None:
    compare(*both(name, reduction, dtype, **options), [X, Y], [], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, W, P])
def test_torch_one_class_against_the_other(weight: Any, reduction: str, dtype: Any) -> None:
    compare(*both("BCELoss", reduction, dtype, weight=weight), [P], [Q], dtype)
    name = "BCEWithLogitsLoss"
    for p in (None, 2 * W):
        pair = both(name, reduction, dtype, weight=weight, pos_weight=p)
        compare(*pair, [3 * X], [Q], dtype)
        compare(*pair, [30 * X], [(Q > 0.5) * 1.0], dtype)


def at_end(theirs: Any) -> Any:
    """PyTorch has the classes on axis 1."""

    def call(x: Any, t: Any) -> Any:
        rows = t.reshape(-1, t.shape[-1]) if t.shape == x.shape else t.ravel()
        losses = theirs(x.reshape(-1, x.shape[-1]), rows)
        return losses.reshape(x.shape[:-1]) if losses.ndim else losses

    return call


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_torch_cross_entropy(dtype: Any, data: Any) -> None:
    reduction = data.draw(st.sampled_from(REDUCTIONS))
    options: dict[str, Any] = {
        "weight": data.draw(st.sampled_from([None, W])),
        "label_smoothing": data.draw(st.sampled_from([0.0, 0.1, 1.0])),
    }
    targets = data.draw(st.sampled_from([CLASSES, PART, ROWS]))
    if targets is CLASSES:
        options["ignore_index"] = data.draw(st.sampled_from([-100, 0, 3]))
    scale = data.draw(st.sampled_from([1.0, 50.0]))
    ours, theirs = both("CrossEntropyLoss", reduction, dtype, **options)
    x = scale * Y
    if data.draw(st.booleans()):  # sequences
        x, targets = x.reshape(2, 3, 4), targets.reshape((2, 3, 4)[: targets.ndim + 1])
    compare(ours, at_end(theirs), [x], [targets], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, W])
@pytest.mark.parametrize("targets", [CLASSES, PART])
def test_torch_nll(targets: Any, weight: Any, reduction: str, dtype: Any) -> None:
    pair = both("NLLLoss", reduction, dtype, weight=weight)
    compare(*pair, [np.log(ROWS)], [targets], dtype)
    ours = nn.CategoricalCrossEntropyLoss(reduction, weight=weight)
    compare(ours, lambda p, t: pair[1](p.log(), t), [ROWS], [targets], dtype)


# -------------------------------------------------------------------- classes on axis 1


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_torch_classes_on_axis_1(dtype: Any, data: Any) -> None:
    """Images, signals and rows as PyTorch has them."""
    space = data.draw(st.sampled_from([(), (3,), (2, 3), (2, 1, 2)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 3)))
    name = data.draw(st.sampled_from(["CrossEntropyLoss", "NLLLoss"]))
    options: dict[str, Any] = {"weight": data.draw(st.sampled_from([None, W]))}
    x, t = rng.normal(size=(3, 4, *space)), rng.integers(0, 4, (3, *space))
    options["ignore_index"] = data.draw(st.sampled_from([-100, 0, 3]))
    t[rng.random(t.shape) < 0.3] = options["ignore_index"]
    if name == "CrossEntropyLoss":
        options["label_smoothing"] = data.draw(st.sampled_from([0.0, 0.1]))
        if data.draw(st.booleans()):
            t = np.exp(rng.normal(size=x.shape))
            t /= t.sum(1, keepdims=True)
            options["ignore_index"] = -100
    ours, theirs = both(name, data.draw(st.sampled_from(REDUCTIONS)), dtype, **options)
    ours.axis = data.draw(st.sampled_from([1, -1 - len(space)]))
    compare(ours, theirs, [x], [t], dtype)


def test_torch_ignored_pixels_of_infinite_logits() -> None:
    x, t = RNG.normal(size=(2, 4, 3, 3)), RNG.integers(0, 4, (2, 3, 3))
    t[0, 1], t[1, :, 2] = -100, -100
    clean = torch.tensor(x, requires_grad=True)
    torch.nn.CrossEntropyLoss(torch.tensor(W))(clean, torch.tensor(t)).backward()
    x[0, :, 1], x[1, 1, :, 2] = np.inf, -np.inf
    ours = Tensor(x, requires_grad=True)
    nn.CrossEntropyLoss(weight=W, axis=1)(ours, t).backward()
    np.testing.assert_allclose(ours.grad, clean.grad.numpy(), rtol=1e-10, atol=1e-12)


# -------------------------------------------------------------------- margins


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, W])
@pytest.mark.parametrize("options", [{}, {"p": 2}, {"margin": 0.4}, {"p": 2, "margin": 2.0}])
def test_torch_multi_margin(options: Any, weight: Any, reduction: str, dtype: Any) -> None:
    pair = both("MultiMarginLoss", reduction, dtype, weight=weight, **options)
    compare(*pair, [X], [CLASSES], dtype)
    compare(*pair, [np.round(X)], [CLASSES], dtype)  # many at the margin exactly
    compare(*pair, [X[0]], [np.array(2)], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_torch_margins(reduction: str, dtype: Any) -> None:
    signs = np.where(Q > 0.5, 1, -1)
    for margin in (0.0, 0.5, 1.0):
        pair = both("MarginRankingLoss", reduction, dtype, margin=margin)
        compare(*pair, [X, Y], [signs], dtype)
        compare(*pair, [np.round(X), np.round(X)], [signs], dtype)  # at the kink
        pair = both("HingeEmbeddingLoss", reduction, dtype, margin=margin)
        compare(*pair, [X], [signs], dtype)
        compare(*pair, [np.round(X)], [signs], dtype)
    pair = both("SoftMarginLoss", reduction, dtype)
    compare(*pair, [5 * X], [signs], dtype)
    for weight in (None, W):
        pair = both("MultiLabelSoftMarginLoss", reduction, dtype, weight=weight)
        compare(*pair, [5 * X], [Q], dtype)
        compare(*pair, [X.reshape(2, 3, 4)], [Q.reshape(2, 3, 4)], dtype)


TRIPLETS = [{}, {"margin": 3.0}, {"p": 1.0}, {"p": 3.0, "eps": 0.1}, {"p": np.inf}, {"swap": True}]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("options", TRIPLETS, ids=str)
def test_torch_triplets(options: Any, reduction: str, dtype: Any) -> None:
    pair = both("TripletMarginLoss", reduction, dtype, **options)
    compare(*pair, [X, Y, P], [], dtype)
    compare(*pair, [X, X + 0.1 * Y, P], [], dtype)
    compare(*pair, [X, X, X], [], dtype)
    compare(*pair, [X[0], Y[0], P[0]], [], dtype)


# -------------------------------------------------------------------- distributions, rare classes


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("full", [False, True])
def test_torch_poisson(full: bool, reduction: str, dtype: Any) -> None:
    counts = np.random.default_rng(3).poisson(1.5, (6, 4)).astype(float)
    pair = both("PoissonNLLLoss", reduction, dtype, full=full)
    compare(*pair, [X], [counts], dtype)
    compare(*pair, [X, 3 * P], [], dtype)
    pair = both("PoissonNLLLoss", reduction, dtype, full=full, log_input=False, eps=1e-3)
    compare(*pair, [P], [counts], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("full", [False, True])
def test_torch_gaussian(full: bool, reduction: str, dtype: Any) -> None:
    pair = both("GaussianNLLLoss", reduction, dtype, full=full)
    for variance in (P, P[:, :1], P[:, 0]):
        compare(*pair, [X, Y, variance], [], dtype)
    small = np.where(P > 0.5, P, 0)  # below eps, where the gradient passes all the same
    pair = both("GaussianNLLLoss", reduction, dtype, full=full, eps=1e-2)
    compare(*pair, [X, Y, small], [], dtype)
    one = (
        nn.GaussianNLLLoss(reduction, full=full),
        torch.nn.GaussianNLLLoss(reduction=reduction, full=full),
    )
    compare(lambda x, t: one[0](x, t, 0.5), lambda x, t: one[1](x, t, 0.5), [X], [Y], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("alpha", [None, 0.25, 0.9])
@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 3.5])
def test_torch_sigmoid_focal(gamma: float, alpha: Any, reduction: str, dtype: Any) -> None:
    def theirs(x: Any, t: Any) -> Any:  # the paper's formula
        p = x.sigmoid()
        p = p * t + (1 - p) * (1 - t)
        a = 1 if alpha is None else alpha * t + (1 - alpha) * (1 - t)
        losses = -a * (1 - p) ** gamma * p.log()
        return losses if reduction == "none" else getattr(losses, reduction)()

    ours = nn.SigmoidFocalLoss(reduction, alpha=alpha, gamma=gamma)
    compare(ours, theirs, [3 * X], [np.where(Q > 0.5, 1.0, 0.0)], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, W])
@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 3.5])
def test_torch_focal(gamma: float, weight: Any, reduction: str, dtype: Any) -> None:
    shares = None if weight is None else torch.tensor(weight.astype(dtype))

    def theirs(x: Any, t: Any) -> Any:  # the cross-entropy of each pixel, times a factor
        p = x.softmax(1).gather(1, t.clamp_min(0)[:, None])[:, 0]
        losses = torch.nn.CrossEntropyLoss(shares, reduction="none")(x, t) * (1 - p) ** gamma
        own = torch.ones(4, dtype=x.dtype) if shares is None else shares
        counted = (own[t.clamp_min(0)] * (t >= 0)).sum()
        return {"none": losses, "sum": losses.sum(), "mean": losses.sum() / counted}[reduction]

    rng = np.random.default_rng(5)
    x, t = 2 * rng.normal(size=(2, 4, 3, 2)), rng.integers(0, 4, (2, 3, 2))
    t[0, 1] = -100
    ours = nn.FocalLoss(reduction, gamma=gamma, weight=weight, axis=1)
    compare(ours, theirs, [x], [t], dtype)


@pytest.mark.filterwarnings("ignore:reduction")  # PyTorch's own about "mean"
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", [*REDUCTIONS, "batchmean"])
def test_torch_kl_div(reduction: str, dtype: Any) -> None:
    some = np.where(Q > 0.5, Q, 0)  # PyTorch counts 0 ln 0 as 0 too
    compare(*both("KLDivLoss", reduction, dtype), [np.log(ROWS)], [some], dtype)
    pair = both("KLDivLoss", reduction, dtype, log_target=True)
    compare(*pair, [np.log(ROWS), np.log(P)], [], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("margin", [0.0, -0.4, 0.3])
def test_torch_cosine(margin: float, reduction: str, dtype: Any) -> None:
    pair = both("CosineEmbeddingLoss", reduction, dtype, margin=margin)
    compare(*pair, [X, Y], [SIGNS], dtype)
    if margin == 0:  # at the kink
        compare(*pair, [X[:, :2], np.stack([-X[:, 1], X[:, 0]], 1)], [-abs(SIGNS)], dtype)
    compare(nn.cosine_similarity, lambda x, y: torch.cosine_similarity(x, y, -1), [X, Y], [], dtype)


def test_torch_at_certainty() -> None:
    """A certain mistake costs 100 and pulls with 1e12, as there."""
    x, t = np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0, 1.0])
    ours, theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    mine, other = (
        nn.BCELoss("sum")(ours, t),
        torch.nn.BCELoss(reduction="sum")(theirs, torch.tensor(t)),
    )
    assert mine.data == other.item() == 200
    mine.backward()
    other.backward()
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-6)  # 1e-12 in single there
