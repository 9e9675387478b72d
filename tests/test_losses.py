"""The losses of nn: their values by hand, their gradients, their options, the extremes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor, grad, gradcheck, ops

DTYPES = [np.float64, np.float32]
REDUCTIONS = ["none", "mean", "sum"]
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3))
P = RNG.uniform(0.1, 0.9, (4, 3))
ROWS = P / P.sum(-1, keepdims=True)
SIGNS = np.where(Y > 0, 1, -1)
CLASSES = np.array([0, 2, 1, 2])
ONE_HOT = np.eye(3, dtype=int)[CLASSES]
LABELS = (Y > 0).astype(int)
COUNTS = np.array([[0, 1, 7], [2, 0, 3], [1, 1, 0], [12, 4, 0]])

ELEMENTWISE = {
    "mse_loss": (X, Y),
    "l1_loss": (X, Y),
    "huber_loss": (X, Y),
    "smooth_l1_loss": (X, Y),
    "binary_cross_entropy": (P, ROWS),
    "binary_cross_entropy_with_logits": (X, P),
    "hinge_loss": (X, SIGNS),
    "kl_div": (np.log(ROWS), P),
    "soft_margin_loss": (X, SIGNS),
    "sigmoid_focal_loss": (X, LABELS),
    "hinge_embedding_loss": (X, SIGNS),
    "poisson_nll_loss": (X, COUNTS),
}
OF_CLASSES = {
    "cross_entropy": X,
    "categorical_cross_entropy": ROWS,
    "nll_loss": np.log(ROWS),
}
OF_SINGLE_CLASSES = ["focal_loss", "multi_margin_loss", "multiclass_hinge_loss"]


def leaf(data: Any, dtype: Any = np.float64) -> Tensor:
    return Tensor(np.asarray(data, dtype), requires_grad=True)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# -------------------------------------------------------------------- all of them


def calls() -> list[Any]:
    """A variant of each loss, a function of its input, with the input."""
    weight = RNG.uniform(0.5, 2, (4, 3))
    found = [
        pytest.param(
            lambda x, n=name, t=t, r=r, w=w: getattr(nn, n)(x, t, r, weight=w),
            x,
            id=f"{name}-{r}-{w is not None}",
        )
        for name, (x, t) in ELEMENTWISE.items()
        for r in REDUCTIONS
        for w in (None, weight)
    ]
    for name, x in OF_CLASSES.items():
        for t, label in ((CLASSES, "indices"), (ONE_HOT, "one-hot"), (softmax(Y), "soft")):
            for options in _options(name, label):
                found.append(
                    pytest.param(
                        lambda x, n=name, t=t, o=options: getattr(nn, n)(x, t, **o),
                        x,
                        id=f"{name}-{label}-{','.join(map(str, options))}",
                    )
                )
    weights = np.array([0.5, 2.0, 1.0])
    for name in OF_SINGLE_CLASSES:
        for t, label in ((CLASSES, "indices"), (ONE_HOT, "one-hot"), (ONE_HOT * 1.0, "floats")):
            for options in ({}, {"weight": weights}, {"reduction": "none"}):
                found.append(
                    pytest.param(
                        lambda x, n=name, t=t, o=options: getattr(nn, n)(x, t, **o),
                        X,
                        id=f"{name}-{label}-{','.join(options)}",
                    )
                )
    return found + [pytest.param(*case, id=name) for name, case in _more().items()]


def _more() -> dict[str, tuple[Any, Any]]:
    """Calls with options of a single loss, or with several inputs."""
    classes_first = np.moveaxis(np.stack([X, Y]), -1, 1)
    indices, ranks = np.stack([CLASSES, CLASSES[::-1]]), np.array([1, -1, 1, -1])
    return {
        "huber": (lambda x: nn.huber_loss(x, Y, delta=0.3), X),
        "smooth": (lambda x: nn.smooth_l1_loss(x, Y, beta=2.0), X),
        "pos": (
            lambda x: nn.binary_cross_entropy_with_logits(x, P, pos_weight=np.array([1, 2.5, 0])),
            X,
        ),
        "log": (lambda x: nn.kl_div(x, np.log(P), "batchmean", log_target=True), X),
        "cosine": (lambda x: nn.cosine_similarity(x, Y), X),
        "cosine_loss": (
            lambda x: nn.cosine_embedding_loss(x, Y, np.array([1, -1, 1, -1]), margin=-0.5),
            X,
        ),
        "focal": (
            lambda x: nn.focal_loss(x, indices, gamma=0.5, ignore_index=1, axis=1),
            classes_first,
        ),
        "sigmoid_focal": (lambda x: nn.sigmoid_focal_loss(x, LABELS, alpha=None, gamma=0.5), X),
        "axis": (
            lambda x: nn.cross_entropy(x, indices, label_smoothing=0.1, axis=1),
            classes_first,
        ),
        "axis of rows": (
            lambda x: nn.nll_loss(x, softmax(classes_first.swapaxes(1, 2)).swapaxes(1, 2), axis=1),
            classes_first,
        ),
        "multilabel": (lambda x: nn.multilabel_soft_margin_loss(x, P, "none", weight=P[0]), X),
        "squared margins": (lambda x: nn.multi_margin_loss(x, CLASSES, p=2, margin=0.7), X),
        "ranking": (lambda x: nn.margin_ranking_loss(x, Y[:, 0], ranks, margin=0.3), X[:, 0]),
        "triplet": (lambda x: nn.triplet_margin_loss(x, Y, P, p=3.0, margin=2.0), X),
        "triplet swapped": (lambda x: nn.triplet_margin_loss(x, P, Y, "none", swap=True), X),
        "poisson": (lambda x: nn.poisson_nll_loss(x, COUNTS, log_input=False, full=True), P),
        "gaussian": (lambda x: nn.gaussian_nll_loss(x, Y, P, full=True), X),
        "gaussian variance": (lambda v: nn.gaussian_nll_loss(v * 0.5, Y, v, "none"), P),
    }


def _options(name: str, label: str) -> list[dict[str, Any]]:
    weight = np.array([0.5, 2.0, 1.0])
    options: list[dict[str, Any]] = [{}, {"weight": weight}, {"reduction": "none"}]
    if name != "nll_loss":
        options += [{"label_smoothing": 0.2, "weight": weight}]
    return options + ([] if label == "soft" else [{"ignore_index": 2, "weight": weight}])


@pytest.mark.parametrize(("call", "x"), calls())
def test_gradients_agree_with_differences(call: Any, x: Any) -> None:
    report = gradcheck(call, x, order=2)
    assert report, report


@pytest.mark.parametrize(("call", "x"), calls())
def test_float32_stays(call: Any, x: Any) -> None:
    x = leaf(x, np.float32)
    y = call(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.data, call(leaf(x.data)).data, rtol=1e-4, atol=1e-6)
    y.sum().backward()
    assert np.isfinite(x.grad).all()


def test_gradients_reach_targets_that_want_them() -> None:
    def soft(t: Any) -> Any:
        return nn.cross_entropy(leaf(X), ops.softmax(t, -1), label_smoothing=0.1)

    assert gradcheck(soft, Y)
    assert gradcheck(lambda t: nn.mse_loss(leaf(X), t, weight=P), Y)
    assert gradcheck(lambda t: nn.binary_cross_entropy_with_logits(leaf(X), t, pos_weight=2.0), P)
    assert gradcheck(lambda t: nn.kl_div(leaf(X), t, log_target=True), Y)
    assert gradcheck(lambda w: nn.mse_loss(X, Y, weight=w), P[:, :1])
    assert gradcheck(lambda w: nn.cross_entropy(X, CLASSES, weight=w), P[0])
    assert gradcheck(lambda w: nn.nll_loss(X, ROWS, weight=w), P[0])
    assert gradcheck(lambda v: nn.gaussian_nll_loss(X, Y, v), P[:, 0])
    assert gradcheck(lambda t: nn.poisson_nll_loss(leaf(X), t, full=True), 3 * P)
    assert gradcheck(lambda x, y: nn.triplet_margin_loss(X, x, y, swap=True), Y, P)
    assert gradcheck(lambda y: nn.margin_ranking_loss(X, y, SIGNS), Y)


# -------------------------------------------------------------------- values by hand


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_weight_multiplies_and_the_mean_counts_elements(name: str) -> None:
    loss, (x, t) = getattr(nn, name), ELEMENTWISE[name]
    each = loss(Tensor(x), t, "none").data
    for weight in (P, P[0], P[:, :1], 2.0, [1.0, 0.0, 3.0]):
        expected = each * weight
        for reduction, value in (
            ("none", expected),
            ("sum", expected.sum()),
            ("mean", expected.sum() / 12),
        ):
            np.testing.assert_allclose(loss(Tensor(x), t, reduction, weight=weight).data, value)


def test_elementwise_by_hand() -> None:
    x, t = Tensor([0.5, 3.0]), np.array([0.0, 1.0])
    np.testing.assert_allclose(nn.mse_loss(x, t, "none").data, [0.25, 4])
    np.testing.assert_allclose(nn.l1_loss(x, t, "none").data, [0.5, 2])
    np.testing.assert_allclose(nn.huber_loss(x, t, "none", delta=1.5).data, [0.125, 1.875])
    np.testing.assert_allclose(nn.smooth_l1_loss(x, t, "none", beta=0.0).data, [0.5, 2])
    np.testing.assert_allclose(nn.smooth_l1_loss(x, t, "none", beta=4.0).data, [1 / 32, 0.5])
    y = nn.binary_cross_entropy(Tensor([0.25, 0.25]), t, "none").data
    np.testing.assert_allclose(y, [-np.log(0.75), np.log(4)])
    y = nn.binary_cross_entropy_with_logits(x, t, "none", pos_weight=3.0).data
    np.testing.assert_allclose(y, [np.log(1 + np.exp(0.5)), 3 * np.log(1 + np.exp(-3.0))])
    np.testing.assert_allclose(nn.hinge_loss(x, np.array([-1, 1]), "none").data, [1.5, 0])


@pytest.mark.parametrize("name", OF_CLASSES)
def test_targets_of_every_form_agree(name: str) -> None:
    loss, x = getattr(nn, name), Tensor(OF_CLASSES[name])
    options: dict[str, Any] = {} if name == "nll_loss" else {"label_smoothing": 0.25}
    for chosen in ({}, options):
        for reduction in REDUCTIONS:
            value = loss(x, CLASSES, reduction, **chosen).data
            for t in (
                ONE_HOT,
                ONE_HOT > 0,
                ONE_HOT.astype(float),
                Tensor(ONE_HOT),
                CLASSES.tolist(),
            ):
                np.testing.assert_allclose(loss(x, t, reduction, **chosen).data, value)
    rows = np.stack([x.data, x.data])
    both = loss(Tensor(rows), np.stack([CLASSES, CLASSES]), "none").data
    np.testing.assert_allclose(both, np.stack([loss(x, CLASSES, "none").data] * 2))


def test_cross_entropies_are_one() -> None:
    weight = np.array([0.5, 2.0, 1.0])
    for options in ({}, {"weight": weight}, {"ignore_index": 1}):
        expected = nn.cross_entropy(X, CLASSES, **options).data
        logs = ops.log_softmax(leaf(X), -1)
        np.testing.assert_allclose(nn.nll_loss(logs, CLASSES, **options).data, expected)
        y = nn.categorical_cross_entropy(softmax(X), CLASSES, **options)
        np.testing.assert_allclose(y.data, expected)


def test_class_weights_by_hand() -> None:
    logs, weight = np.log(ROWS), np.array([0.5, 2.0, 1.0])
    own = weight[CLASSES]
    each = -logs[np.arange(4), CLASSES] * own
    np.testing.assert_allclose(nn.nll_loss(logs, CLASSES, "none", weight=weight).data, each)
    np.testing.assert_allclose(
        nn.nll_loss(logs, CLASSES, weight=weight).data, each.sum() / own.sum()
    )
    soft = -(softmax(Y) * weight * logs).sum(-1)
    np.testing.assert_allclose(nn.nll_loss(logs, softmax(Y), weight=weight).data, soft.mean())


def test_smoothing_shares_out_among_all_classes() -> None:
    logs = np.log(softmax(X))
    q = 0.7 * np.eye(3)[CLASSES] + 0.1
    given = {"reduction": "none", "label_smoothing": 0.3}
    for targets in (CLASSES, np.eye(3)[CLASSES]):
        y = nn.cross_entropy(X, targets, **given)
        np.testing.assert_allclose(y.data, -(q * logs).sum(-1))


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("ignored", [-100, -1, 1])
def test_ignored_rows_count_nothing(smoothing: float, ignored: int) -> None:
    t = np.array([0, ignored, 2, ignored])
    x = leaf(X)
    y = nn.cross_entropy(x, t, ignore_index=ignored, label_smoothing=smoothing)
    kept = nn.cross_entropy(X[::2], t[::2], label_smoothing=smoothing)
    np.testing.assert_allclose(y.data, kept.data)
    y.backward()
    assert (x.grad[1::2] == 0).all()
    assert (x.grad[::2] != 0).all()
    each = nn.cross_entropy(X, t, "none", ignore_index=ignored, label_smoothing=smoothing).data
    assert (each[1::2] == 0).all()
    nothing = nn.cross_entropy(x, np.full(4, ignored), ignore_index=ignored)
    assert nothing.data == 0


def test_minus_100_is_ignored_by_itself() -> None:
    t = np.array([0, -100, 2, -100])
    np.testing.assert_allclose(
        nn.cross_entropy(leaf(X), t).data, nn.cross_entropy(X[::2], t[::2]).data
    )
    assert (t == [0, -100, 2, -100]).all(), "the targets must not change"


def test_kl_div_by_hand() -> None:
    x, t = np.log(ROWS), softmax(Y)
    each = t * (np.log(t) - x)
    for target, options in ((t, {}), (np.log(t), {"log_target": True})):
        np.testing.assert_allclose(nn.kl_div(x, target, "none", **options).data, each)
        y = nn.kl_div(x, target, "batchmean", **options).data
        np.testing.assert_allclose(y, each.sum() / 4)
        y = nn.kl_div(x, target, "batchmean", weight=P[0], **options).data
        np.testing.assert_allclose(y, (each * P[0]).sum() / 4)
    impossible = nn.kl_div(leaf([-1.0, -2.0]), np.array([-np.inf, 0.0]), "none", log_target=True)
    np.testing.assert_array_equal(impossible.data, [0, 2])
    np.testing.assert_array_equal(nn.kl_div(leaf(-1.0), np.array(1.0), "batchmean").data, 1)


def test_cosine_by_hand() -> None:
    x, y = leaf([[3.0, 4.0], [1.0, 0.0], [1.0, 0.0]]), np.array([[6.0, 8.0], [0.0, 2.0], [5, 0]])
    np.testing.assert_allclose(nn.cosine_similarity(x, y).data, [1, 0, 1])
    np.testing.assert_allclose(nn.cosine_similarity(x.T, y.T, 0).data, [1, 0, 1])
    each = nn.cosine_embedding_loss(x, y, np.array([1, 1, -1]), "none", margin=0.25)
    np.testing.assert_allclose(each.data, [0, 1, 0.75])
    weighted = nn.CosineEmbeddingLoss("sum", weight=[1.0, 2.0, 4.0])(x, y, np.array([1, 1, -1]))
    assert weighted == 6


def test_classes_on_any_axis_are_those_on_the_last() -> None:
    rng = np.random.default_rng(2)
    x, t = rng.normal(size=(2, 5, 3, 4)), rng.integers(0, 4, (2, 5, 3))
    one_hot = np.eye(4, dtype=int)[t]
    for loss in (nn.cross_entropy, nn.nll_loss, nn.focal_loss, nn.categorical_cross_entropy):
        scores = softmax(x) if loss is nn.categorical_cross_entropy else x
        for options in ({}, {"weight": [1.0, 2.0, 0.5, 0.0]}, {"ignore_index": 2}):
            each = loss(scores, t, "none", **options).data
            for axis in (0, 1, 2, -2, 3):
                moved, rows = np.moveaxis(scores, -1, axis), np.moveaxis(one_hot, -1, axis)
                for targets in (t, rows, rows.tolist(), Tensor(rows)):
                    y = loss(moved, targets, "none", axis=axis, **options)
                    np.testing.assert_allclose(y.data, each)
    soft = softmax(rng.normal(size=x.shape))
    expected = nn.cross_entropy(x, soft, label_smoothing=0.1).data
    moved, rows = np.moveaxis(x, -1, 1), leaf(np.moveaxis(soft, -1, 1))
    y = nn.cross_entropy(leaf(moved), rows, label_smoothing=0.1, axis=1)
    np.testing.assert_allclose(y.data, expected)
    y.backward()
    assert rows.grad.shape == moved.shape


def test_margins_of_classes_by_hand() -> None:
    weight = np.array([0.5, 2.0, 1.0])
    for margin in (1.0, 0.3):
        others = [
            [max(0.0, margin - x[t] + x[j]) for j in range(3) if j != t]
            for x, t in zip(X, CLASSES, strict=True)
        ]
        added = np.array([sum(row) / 3 for row in others])
        squared = np.array([sum(m * m for m in row) / 3 for row in others])
        largest = np.array([max(row) for row in others])
        for t in (CLASSES, ONE_HOT, ONE_HOT * 1.0):
            y = nn.multi_margin_loss(X, t, "none", margin=margin)
            np.testing.assert_allclose(y.data, added)
            y = nn.multi_margin_loss(X, t, "none", p=2, margin=margin)
            np.testing.assert_allclose(y.data, squared)
            y = nn.multiclass_hinge_loss(X, t, "none", margin=margin)
            np.testing.assert_allclose(y.data, largest)
            y = nn.multiclass_hinge_loss(X, t, margin=margin, weight=weight)
            np.testing.assert_allclose(y.data, (largest * weight[CLASSES]).mean())
    assert nn.multiclass_hinge_loss(leaf([[3.0]]), np.array([0])).data == 0
    two = nn.multiclass_hinge_loss(np.stack([0 * X[:, 0], X[:, 0]], 1), LABELS[:, 0], "none").data
    np.testing.assert_allclose(two, nn.hinge_loss(X[:, 0], SIGNS[:, 0], "none").data)


def test_focal_losses_without_focus_are_cross_entropies() -> None:
    for options in ({}, {"weight": [0.5, 2.0, 1.0]}, {"ignore_index": 2}, {"reduction": "none"}):
        x, y = leaf(X), leaf(X)
        focal = nn.focal_loss(x, CLASSES, gamma=0.0, **options)
        entropy = nn.cross_entropy(y, CLASSES, **options)
        np.testing.assert_allclose(focal.data, entropy.data)
        focal.sum().backward()
        entropy.sum().backward()
        np.testing.assert_allclose(x.grad, y.grad, atol=1e-15)
    plain = nn.binary_cross_entropy_with_logits(X, LABELS, "none").data
    y = nn.sigmoid_focal_loss(X, LABELS, "none", alpha=None, gamma=0.0)
    np.testing.assert_allclose(y.data, plain)
    p = 1 / (1 + np.exp(-X))
    wrong, share = np.where(LABELS, 1 - p, p), np.where(LABELS, 0.25, 0.75)
    y = nn.sigmoid_focal_loss(X, LABELS, "none")
    np.testing.assert_allclose(y.data, share * wrong**2 * plain)


def test_distances_and_ranks_by_hand() -> None:
    far = np.array([[3.0, 4.0], [0.0, 0.0]])
    a = np.zeros((2, 2))
    y = nn.triplet_margin_loss(a, far, far[::-1], "none", eps=0.0)
    np.testing.assert_allclose(y.data, [6, 0])
    y = nn.triplet_margin_loss(a, far[:1].repeat(2, 0), a + far[0] * 2, "none", eps=0.0, margin=5.5)
    np.testing.assert_allclose(y.data, [0.5, 0.5])
    y = nn.triplet_margin_loss(a, -far, far, "none", eps=0.0, swap=True)
    np.testing.assert_allclose(y.data, [1, 1])
    signs = np.array([1, -1])
    y = nn.margin_ranking_loss([2.0, 2.0], [1.0, 1.0], signs, "none", margin=0.25)
    np.testing.assert_allclose(y.data, [0, 1.25])
    y = nn.hinge_embedding_loss([0.5, 0.5], signs, "none", margin=2.0)
    np.testing.assert_allclose(y.data, [0.5, 1.5])


def test_distributions_by_hand() -> None:
    rate, counts = np.array([0.5, 3.0]), np.array([0, 4])
    each = rate - counts * np.log(rate)
    np.testing.assert_allclose(nn.poisson_nll_loss(np.log(rate), counts, "none").data, each)
    y = nn.poisson_nll_loss(rate, counts, "none", log_input=False, full=True, eps=0.0)
    stirling = np.array([0, 4 * np.log(4) - 4 + np.log(8 * np.pi) / 2])
    np.testing.assert_allclose(y.data, each + stirling)
    mean, t, var = np.array([0.0, 1.0]), np.array([2.0, 1.0]), np.array([4.0, 0.25])
    density = np.exp(-((mean - t) ** 2) / (2 * var)) / np.sqrt(2 * np.pi * var)
    y = nn.gaussian_nll_loss(mean, t, var, "none", full=True)
    np.testing.assert_allclose(y.data, -np.log(density))
    flat = leaf([0.0, 0.0])
    nn.gaussian_nll_loss(mean, t, flat, "sum", eps=0.5).backward()
    np.testing.assert_allclose(flat.grad, [0.5 * (2 - 4 * 4), 1])  # as if it were 0.5


@pytest.mark.parametrize(
    ("loss", "x", "slope"),
    [
        (nn.l1_loss, [-2.0, 0.0, 1.0], [-1.0, 0.0, 1.0]),
        (nn.huber_loss, [0.5, 3.0, 0.0], [0.5, 1.0, 0.0]),
        (nn.smooth_l1_loss, [0.5, -3.0, 0.0], [0.5, -1.0, 0.0]),
    ],
)
def test_slopes_at_zero_and_beyond(loss: Any, x: Any, slope: Any) -> None:
    x = leaf(x)
    loss(x, np.zeros(3), "sum").backward()
    np.testing.assert_array_equal(x.grad, slope)


def test_huber_is_a_parabola_at_zero() -> None:
    x = leaf([0.0, 2.0])
    (slope,) = grad(nn.huber_loss(x, np.zeros(2), "sum"), [x], create_graph=True)
    np.testing.assert_array_equal(grad(slope.sum(), x).data, [1, 0])


def test_gradients_are_finite_where_a_value_is_zero() -> None:
    x, t = leaf([[-1.0, -2.0]]), leaf([[0.0, 1.0]])
    for g in grad(nn.kl_div(x, t, "sum"), [x, t]):
        assert np.isfinite(g.data).all()
    x, y = leaf([[0.0, 0.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [6.0, 8.0]])
    np.testing.assert_allclose(nn.cosine_similarity(x, y).data, [0, 1])
    assert np.isfinite(grad(nn.cosine_similarity(x, y).sum(), x).data).all()


# -------------------------------------------------------------------- extremes


@pytest.mark.parametrize("dtype", DTYPES)
def test_logits_of_ten_thousand(dtype: Any) -> None:
    x = leaf([[1e4, -1e4, 0.0], [-1e4, -1e4, 1e4]], dtype)
    for t in (np.array([0, 0]), np.array([[1.0, 0, 0], [1.0, 0, 0]])):
        y = nn.cross_entropy(x, t, "none")
        np.testing.assert_array_equal(y.data, [0, 2e4])
        x.zero_grad()
        y.sum().backward()
        np.testing.assert_array_equal(x.grad, [[0, 0, 0], [-1, 0, 1]])
    y = nn.cross_entropy(x, np.array([0, 0]), weight=[1.0, 2.0, 3.0], label_smoothing=0.5)
    assert np.isfinite(y.data)
    x = leaf([1e4, 1e4, -1e4, -1e4], dtype)
    for p, slope in ((1.0, [1, 0, 0, -1]), (3.0, [1, 0, 0, -3])):
        y = nn.binary_cross_entropy_with_logits(x, np.array([0, 1, 0, 1]), "none", pos_weight=p)
        np.testing.assert_array_equal(y.data, [1e4, 0, 0, p * 1e4])
        x.zero_grad()
        y.sum().backward()
        np.testing.assert_array_equal(x.grad, slope)


@pytest.mark.parametrize(
    "name",
    ["mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "hinge_loss", "soft_margin_loss"],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_of_ten_thousand(name: str, dtype: Any) -> None:
    x = leaf([1e4, -1e4], dtype)
    y = getattr(nn, name)(x, np.array([-1, 1]))
    y.backward()
    assert np.isfinite(y.data)
    assert np.isfinite(x.grad).all()
    assert (np.sign(x.grad) == [1, -1]).all()


FAR = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, 1e4], [1e4, 1e4, 1e4], [-1e4, 1e4, 1e4]])
EXTREMES = {
    "focal": lambda x: nn.focal_loss(x, CLASSES, "none"),
    "focal 0.5": lambda x: nn.focal_loss(x, CLASSES, "none", gamma=0.5),
    "sigmoid focal": lambda x: nn.sigmoid_focal_loss(x, LABELS, "none"),
    "sigmoid focal 0.5": lambda x: nn.sigmoid_focal_loss(x, LABELS, "none", gamma=0.5),
    "soft margin": lambda x: nn.soft_margin_loss(x, SIGNS, "none"),
    "multilabel": lambda x: nn.multilabel_soft_margin_loss(x, LABELS, "none"),
    "multi margin": lambda x: nn.multi_margin_loss(x, CLASSES, "none", p=2),
    "multiclass": lambda x: nn.multiclass_hinge_loss(x, CLASSES, "none"),
    "ranking": lambda x: nn.margin_ranking_loss(x, -x, SIGNS, "none"),
    "embedding": lambda x: nn.hinge_embedding_loss(x, SIGNS, "none"),
    "triplet": lambda x: nn.triplet_margin_loss(x, -x, x * 0.5, "none"),
    "gaussian": lambda x: nn.gaussian_nll_loss(x, -FAR, ops.softplus(x) + 1.0, "none"),
    "poisson": lambda x: nn.poisson_nll_loss(ops.minimum(x, 5.0), COUNTS, "none"),
    "axis": lambda x: nn.cross_entropy(x, np.array([0, 1, 2]), "none", axis=0),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXTREMES)
def test_values_and_two_derivatives_at_extremes(name: str, dtype: Any) -> None:
    x = leaf(FAR, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = EXTREMES[name](x)
        (first,) = grad(y.sum(), [x], create_graph=True)
        second = grad(first.sum(), x, allow_unused=True) if first.requires_grad else None
    assert y.dtype == first.dtype == dtype
    for values in (y, first) if second is None else (y, first, second):
        assert np.isfinite(values.data).all()
    exact = EXTREMES[name](leaf(FAR)).data
    np.testing.assert_allclose(y.data, exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [*ELEMENTWISE, *OF_SINGLE_CLASSES, "multilabel_soft_margin_loss"])
def test_half_precision_counts_beyond_2048(name: str) -> None:
    x, t = ELEMENTWISE.get(name) or (X, P if name.startswith("multilabel") else CLASSES)
    many = np.repeat(x, 1000, 0).astype(np.float16)
    y = getattr(nn, name)(leaf(many, np.float16), np.repeat(t, 1000, 0))
    assert y.dtype == np.float16
    np.testing.assert_allclose(float(y), float(getattr(nn, name)(leaf(x), t)), rtol=5e-3)


@pytest.mark.parametrize("dtype", DTYPES)
def test_certain_mistakes_still_learn(dtype: Any) -> None:
    x, t = leaf([0.0, 0.0, 1.0, 1.0], dtype), np.array([0, 1, 0, 1])
    y = nn.binary_cross_entropy(x, t, "none")
    np.testing.assert_array_equal(y.data, [0, 100, 100, 0])
    y.sum().backward()
    np.testing.assert_allclose(x.grad, [0, -1e12, 1e12, 0])
    for targets in (np.array([1, 0]), np.array([[0.0, 1.0], [1.0, 0.0]])):
        x = leaf([[1.0, 0.0], [1.0, 0.0]], dtype)
        y = nn.categorical_cross_entropy(x, targets, "none")
        np.testing.assert_array_equal(y.data, [100, 0])
        y.sum().backward()
        np.testing.assert_allclose(x.grad, [[0, -1e12], [-1, 0]])


def test_extremes_warn_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.categorical_cross_entropy(leaf([[0.0, 1.0]]), np.array([0])).backward()
        nn.kl_div(leaf([[-1.0, -1.0]]), np.array([[0.0, 1.0]])).backward()


def test_targets_keep_their_names_in_the_graph() -> None:
    logits = Tensor(np.zeros((2, 3), np.float32), requires_grad=True)
    labels = Tensor(np.array([0, 2]), name="labels")
    assert [edge.name for edge in nn.cross_entropy(logits, labels).node.edges] == [None, "labels"]
    prices = Tensor(np.zeros((2, 3)), name="prices")
    loss = nn.mse_loss(logits, prices)
    assert [edge.name for edge in loss.node.edges] == [None, "prices"]
    assert loss.dtype == np.float32
