"""The losses of nn as modules and by name, and what they say when they are called wrongly."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import nn
from nn import losses
from tinygrad_edu import Tensor, no_grad, ops

from .test_losses import (
    CLASSES,
    COUNTS,
    ELEMENTWISE,
    OF_CLASSES,
    OF_SINGLE_CLASSES,
    ONE_HOT,
    ROWS,
    SIGNS,
    P,
    X,
    Y,
    leaf,
)

# -------------------------------------------------------------------- modules

MODULES = [
    (nn.MSELoss, nn.mse_loss, {}),
    (nn.MSELoss, nn.mse_loss, {"weight": P[0]}),
    (nn.L1Loss, nn.l1_loss, {"reduction": "sum"}),
    (nn.HuberLoss, nn.huber_loss, {"delta": 0.25}),
    (nn.SmoothL1Loss, nn.smooth_l1_loss, {"beta": 0.25}),
    (nn.BCELoss, nn.binary_cross_entropy, {"weight": P[0]}),
    (nn.BCEWithLogitsLoss, nn.binary_cross_entropy_with_logits, {"pos_weight": P[0]}),
    (nn.HingeLoss, nn.hinge_loss, {"reduction": "none"}),
    (nn.CrossEntropyLoss, nn.cross_entropy, {"weight": P[0], "label_smoothing": 0.1}),
    (nn.CrossEntropyLoss, nn.cross_entropy, {"ignore_index": 0}),
    (nn.CategoricalCrossEntropyLoss, nn.categorical_cross_entropy, {"label_smoothing": 0.1}),
    (nn.NLLLoss, nn.nll_loss, {"ignore_index": 1, "weight": P[0]}),
    (nn.KLDivLoss, nn.kl_div, {"reduction": "batchmean", "log_target": True}),
    (nn.SoftMarginLoss, nn.soft_margin_loss, {"weight": P[0]}),
    (nn.MultiLabelSoftMarginLoss, nn.multilabel_soft_margin_loss, {"reduction": "sum"}),
    (nn.SigmoidFocalLoss, nn.sigmoid_focal_loss, {"alpha": None, "gamma": 1.0}),
    (nn.HingeEmbeddingLoss, nn.hinge_embedding_loss, {"margin": 0.25}),
    (nn.PoissonNLLLoss, nn.poisson_nll_loss, {"full": True, "eps": 0.1}),
    (nn.FocalLoss, nn.focal_loss, {"gamma": 1.0, "ignore_index": 1}),
    (nn.MultiMarginLoss, nn.multi_margin_loss, {"p": 2, "margin": 0.5}),
    (nn.MulticlassHingeLoss, nn.multiclass_hinge_loss, {"weight": P[0]}),
]  # fmt: skip
OF_LABELS: dict[str, Any] = {
    **ELEMENTWISE,
    **{name: (x, CLASSES) for name, x in OF_CLASSES.items()},
    **dict.fromkeys(OF_SINGLE_CLASSES, (X, CLASSES)),
    "multilabel_soft_margin_loss": (X, P),
}
"""Prediction and target of every loss that has these two."""


@pytest.mark.parametrize(("kind", "function", "options"), MODULES)
def test_a_module_is_its_function(kind: Any, function: Any, options: Any) -> None:
    x, t = OF_LABELS[function.__name__]
    module = kind(**options)
    expected = function(Tensor(x), t, **options)
    for twin in (module, pickle.loads(pickle.dumps(module)), copy.deepcopy(module)):
        y = twin(x, t)
        assert isinstance(y, Tensor)
        np.testing.assert_array_equal(y.data, expected.data)
        assert repr(twin) == repr(module)
    assert all(f"{option}=" in repr(module) for option in options)
    assert repr(kind()) == f"{kind.__name__}()"
    assert not list(module.parameters())
    assert not module.state_dict()


def test_how_modules_look() -> None:
    assert repr(nn.HuberLoss("sum", delta=0.5)) == "HuberLoss(reduction='sum', delta=0.5)"
    assert repr(nn.HuberLoss(delta=float("1.0"))) == "HuberLoss()"
    assert (
        repr(nn.CrossEntropyLoss(weight=np.ones(2))) == "CrossEntropyLoss(weight=array([1., 1.]))"
    )
    assert "\n" not in repr(nn.MSELoss(weight=np.ones((40, 40))))


def test_a_loss_names_its_layer_where_it_is_part_of_a_model() -> None:
    class Judged(nn.Module):
        def __init__(self) -> None:
            self.criterion = nn.CrossEntropyLoss()

        def forward(self, x: Any, t: Any) -> Any:
            return self.criterion(x, t)

    with pytest.raises(ValueError, match=r"these have \(3,\); .*, at .*, in layer criterion"):
        Judged()(X, CLASSES[:3])


# -------------------------------------------------------------------- names


def test_losses_by_name() -> None:
    assert losses.get("mse") is losses.get("mse_loss") is nn.mse_loss
    assert losses.get("mae") is losses.get("l1") is nn.l1_loss
    assert losses.get("cce") is losses.get("categorical_cross_entropy")
    assert losses.get("bce_with_logits") is nn.binary_cross_entropy_with_logits
    module = nn.HuberLoss()
    assert losses.get(module) is module
    assert losses.get(np.hypot) is np.hypot
    for name in (
        "huber", "smooth_l1", "bce", "cross_entropy", "nll", "kl_div", "hinge",
    ):  # fmt: skip
        assert name in losses.NAMES
    assert {function.__name__ for function in losses.NAMES.values()} == OF_LABELS.keys()
    for name, function in losses.NAMES.items():
        x, t = OF_LABELS[function.__name__]
        assert function(Tensor(x), t).shape == (), name


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match=r"'CrossEntropy'; did you mean 'cross_entropy'\?"):
        losses.get("CrossEntropy")
    with pytest.raises(ValueError, match=r"unknown loss 'zzz'; there are mse_loss, l1_loss"):
        losses.get("zzz")
    with pytest.raises(TypeError, match=r"write MSELoss\(\) with parentheses"):
        losses.get(nn.MSELoss)
    with pytest.raises(TypeError, match="a name, a function or a module, not 3"):
        losses.get(3)  # type: ignore[arg-type]


# -------------------------------------------------------------------- mistakes

BCE = nn.binary_cross_entropy
LOGITS = nn.binary_cross_entropy_with_logits
MISTAKES = [
    (lambda: nn.mse_loss(X, Y, "average"), ValueError,
     "mse_loss: reduction is 'mean', 'sum' or 'none', not 'average', at"),
    (lambda: nn.mse_loss(X, Y, P), TypeError,
     "not of type ndarray; all other options, such as weight=, are given by name"),
    (lambda: nn.cross_entropy(X, CLASSES, P[0]), TypeError, "cross_entropy: reduction is"),
    (lambda: nn.cross_entropy(X, CLASSES, "batchmean"), ValueError, "not 'batchmean'"),
    (lambda: nn.kl_div(X, P, "batch"), ValueError, "'none' or 'batchmean', not 'batch'"),
    (lambda: nn.huber_loss(X, Y, delta=0), ValueError, "delta must be positive, and is 0"),
    (lambda: nn.smooth_l1_loss(X, Y, beta=-1), ValueError, "beta must be 0 or more, and is -1"),
    (lambda: nn.cross_entropy(X, CLASSES, label_smoothing=1.5), ValueError,
     "cross_entropy: label_smoothing must be from 0 to 1"),
    (lambda: nn.HuberLoss(delta=-1.0), ValueError, "HuberLoss: delta must be positive"),
    (lambda: nn.CrossEntropyLoss(label_smoothing=-0.1), ValueError, "CrossEntropyLoss: label_"),
    (lambda: nn.CosineEmbeddingLoss(margin=2), ValueError, "margin must be from -1 to 1"),
    (lambda: nn.MSELoss("average"), ValueError, "MSELoss: reduction is"),
    (lambda: nn.CrossEntropyLoss(P[0]), TypeError, "CrossEntropyLoss: reduction is"),
    (lambda: nn.mse_loss(X, Y, weight=np.ones(4)), ValueError,
     "weight has shape (4,) and does not broadcast to the losses, of shape (N, 3); give it that"),
    (lambda: nn.mse_loss(X, Y, weight=np.ones((2, 4, 3))), ValueError, "does not broadcast"),
    (lambda: nn.mse_loss(X[:, :1], Y[:, :1], weight=np.ones((4, 3))), ValueError,
     "weight has shape (4, 3)"),
    (lambda: LOGITS(X, P, pos_weight=np.ones(4)), ValueError, "pos_weight has shape (4,)"),
    (lambda: BCE(X, P), ValueError, "the predictions must be probabilities, from 0 to 1; put a"),
    (lambda: nn.BCELoss()(X, P), ValueError, "use binary_cross_entropy_with_logits"),
    (lambda: BCE(P, SIGNS), ValueError, "targets must be from 0 to 1, and are from -1 to 1"),
    (lambda: LOGITS(X, SIGNS), ValueError, "of labels -1 and 1 take (target + 1) / 2"),
    (lambda: nn.hinge_loss(X, ONE_HOT), ValueError, "of labels 0 and 1 take 2 * target - 1"),
    (lambda: nn.cosine_embedding_loss(X, Y, np.array([0, 1, 1, 1])), ValueError, "must be -1 or 1"),
    (lambda: nn.cosine_embedding_loss(X, Y, np.ones((4, 1))), ValueError,
     "cosine_embedding_loss: the prediction has shape (N,) and the target (N, 1)"),
    (lambda: nn.categorical_cross_entropy(X, CLASSES), ValueError,
     "must be probabilities, from 0 to 1; put a softmax before it, or give logits to cross_entr"),
    (lambda: nn.cross_entropy(X, CLASSES.astype(float)), TypeError,
     "class indices must be integers, and are float64; write targets.astype(int)"),
    (lambda: nn.cross_entropy(X, CLASSES == 0), TypeError, "must be integers, and are bool"),
    (lambda: nn.cross_entropy(X, CLASSES[:, None]), ValueError,
     "the classes are on the last axis of the scores, so targets have shape (N,) (indices) or "
     "(N, 3) (one-hot or probabilities), and these have (N, 1); write targets[:, 0], at"),
    (lambda: nn.cross_entropy(np.ones((2, 3, 5, 5)), np.ones((2, 5, 5), int)), ValueError,
     "and these have (N, 5, 5); if they are on axis 1, give axis=1, at"),
    (lambda: nn.cross_entropy(np.ones((2, 3, 5, 5)), np.ones((2, 1, 5, 5), int), axis=1),
     ValueError, "the classes are on axis 1 of the scores, so targets have shape (N, 5, 5) "
     "(indices) or (N, 3, 5, 5) (one-hot or probabilities), and these have (N, 1, 5, 5); write "
     "targets[:, 0], at"),
    (lambda: nn.cross_entropy(X, CLASSES, axis=2), ValueError,
     "cross_entropy: scores of 2 axes have no axis 2 for the classes, at"),
    (lambda: nn.nll_loss(X, CLASSES[:3]), ValueError, "nll_loss: the classes are on the last"),
    (lambda: nn.cross_entropy(1.0, 0), ValueError, "scores of 0 axes have no axis -1 for the"),
    (lambda: nn.cross_entropy(X, CLASSES + 1), ValueError,
     "class indices from 1 to 3 were given, and logits for classes 0 to 2"),
    (lambda: nn.cross_entropy(X, CLASSES - 1), ValueError, "class indices from -1 to 1"),
    (lambda: nn.cross_entropy(X, CLASSES + 1, label_smoothing=0.1), ValueError, "from 1 to 3"),
    (lambda: nn.nll_loss(X, CLASSES - 1, weight=P[0]), ValueError,
     "nll_loss: class indices from -1 to 1"),
    (lambda: nn.categorical_cross_entropy(ROWS, CLASSES + 1), ValueError,
     "categorical_cross_entropy: class indices from 1 to 3"),
    (lambda: nn.cross_entropy(X, ONE_HOT * 2), ValueError, "are one-hot, a single 1 in each row"),
    (lambda: nn.cross_entropy(X, np.ones((4, 3), int)), ValueError, "are one-hot"),
    (lambda: nn.cross_entropy(X, P), ValueError, "none below 0 and each row with sum 1; if sev"),
    (lambda: nn.cross_entropy(X, np.array([[2.0, -1.0, 0.0]] * 4)), ValueError, "none below 0"),
    (lambda: nn.cross_entropy(X, ROWS, ignore_index=1), ValueError,
     "ignore_index=1 is for class indices, and these targets are probabilities"),
    (lambda: nn.cross_entropy(X, CLASSES, weight=np.ones(4)), ValueError,
     "weight must be one number, 0 or more, for each of the 3 classes, and has shape (4,)"),
    (lambda: nn.nll_loss(X, CLASSES, weight=[1, -1, 1]), ValueError, "0 or more, for each of"),
    (lambda: nn.soft_margin_loss(X, ONE_HOT), ValueError, "soft_margin_loss: the targets must be"),
    (lambda: nn.hinge_embedding_loss(X, ONE_HOT), ValueError, "of labels 0 and 1 take 2 * target"),
    (lambda: nn.margin_ranking_loss(X, Y, ONE_HOT), ValueError, "the targets must be -1 or 1"),
    (lambda: nn.sigmoid_focal_loss(X, SIGNS), ValueError,
     "the targets must be 0 or 1; of labels -1 and 1 take (target + 1) / 2"),
    (lambda: nn.sigmoid_focal_loss(X, P), ValueError, "the targets must be 0 or 1"),
    (lambda: nn.SigmoidFocalLoss(alpha=2), ValueError, "alpha must be from 0 to 1, or None"),
    (lambda: nn.FocalLoss(gamma=-1), ValueError, "FocalLoss: gamma must be 0 or more, and is -1"),
    (lambda: nn.focal_loss(X, ROWS), ValueError, "and these are other floats; cross_entropy takes"),
    (lambda: nn.focal_loss(X, CLASSES + 1), ValueError, "class indices from 1 to 3"),
    (lambda: nn.multi_margin_loss(X, CLASSES + 1), ValueError, "class indices from 1 to 3"),
    (lambda: nn.multiclass_hinge_loss(X, CLASSES - 1), ValueError, "class indices from -1 to 1"),
    (lambda: nn.multiclass_hinge_loss(X, CLASSES * 1.0), TypeError, "must be integers, and are fl"),
    (lambda: nn.multi_margin_loss(X, CLASSES, p=3), ValueError, "p must be 1 or 2, and is 3"),
    (lambda: nn.triplet_margin_loss(X, Y, P, margin=0), ValueError, "margin must be positive"),
    (lambda: nn.TripletMarginLoss(p=0), ValueError, "TripletMarginLoss: p must be positive"),
    (lambda: nn.poisson_nll_loss(X, Y), ValueError, "the targets must be counts, 0 or more"),
    (lambda: nn.poisson_nll_loss(X, COUNTS, log_input=False), ValueError,
     "must be expected counts, 0 or more; with log_input=True they are logarithms"),
    (lambda: nn.gaussian_nll_loss(X, Y, X), ValueError,
     "var must not be negative; take np.exp or F.softplus of what is predicted"),
    (lambda: nn.multilabel_soft_margin_loss(X, SIGNS), ValueError, "must be from 0 to 1"),
    (lambda: nn.multilabel_soft_margin_loss(X, P, weight=np.ones(4)), ValueError,
     "weight has shape (4,) and does not broadcast"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "words"), MISTAKES, ids=lambda a: "")
def test_mistakes(call: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert "test_losses_mistakes.py:" in str(caught.value)
    assert "\n" not in str(caught.value)


UNEQUAL = [
    ((4, 1), (4,), "(N, 1)", "(N,)", "write t[:, None] for the target"),
    ((4,), (4, 1), "(N,)", "(N, 1)", "write t[:, 0] for the target"),
    ((4, 1, 2, 2), (4, 2, 2), "(N, 1, 2, 2)", "(N, 2, 2)", "write t[:, None] for the target"),
    ((4, 2, 1), (4, 2), "(N, 2, 1)", "(N, 2)", "write t[:, :, None] for the target"),
    ((3, 1), (3, 2), "(N, 1)", "(N, 2)", "reshape one of them"),
    ((5, 1), (4,), "(5, 1)", "(4,)", "reshape one of them"),
    ((), (1,), "()", "(1,)", "write t[0] for the target"),
]


@pytest.mark.parametrize("shapes", UNEQUAL, ids=str)
@pytest.mark.parametrize("weight", [None, 2.0])
@pytest.mark.parametrize("name", [*ELEMENTWISE, "cosine_similarity", "multilabel_soft_margin_loss"])
def test_nothing_broadcasts_silently(name: str, weight: Any, shapes: Any) -> None:
    x, t = np.full(shapes[0], 0.5), np.ones(shapes[1])
    options = {} if name == "cosine_similarity" else {"weight": weight}
    for prediction in (x, leaf(x)):
        with pytest.raises(ValueError, match="compare every prediction with every") as caught:
            getattr(nn, name)(prediction, t, **options)
        assert (
            f"{name}: the prediction has shape {shapes[2]} and the target {shapes[3]}; they must "
            "be equal, since broadcasting would compare every prediction with every target; "
            f"{shapes[4]}, at test_losses_mistakes.py:"
        ) in str(caught.value)


def test_losses_of_several_inputs_do_not_broadcast() -> None:
    column, row, signs = np.ones((4, 1)), np.ones(4), np.ones(4)
    rows = np.ones((4, 3))
    calls = [
        (lambda: nn.margin_ranking_loss(column, row, signs), "row[:, None] for the second input"),
        (lambda: nn.margin_ranking_loss(column, column, signs), "signs[:, None] for the target"),
        (lambda: nn.triplet_margin_loss(rows[:, :1], row, rows), "row[:, None] for the positive"),
        (lambda: nn.triplet_margin_loss(column, column, row), "row[:, None] for the negative"),
        (lambda: nn.gaussian_nll_loss(column, row, column), "row[:, None] for the target"),
        (lambda: nn.gaussian_nll_loss(row, row, column), "var (N, 1); write column[:, 0], at"),
        (lambda: nn.gaussian_nll_loss(rows, rows, np.ones(3)), "var (3,); give it that shape, at"),
        (lambda: nn.multi_margin_loss(rows, column.astype(int)), "write targets[:, 0]"),
        (lambda: nn.cosine_embedding_loss(rows, rows, column), "write column[:, 0] for the target"),
    ]
    for call, words in calls:
        with pytest.raises(ValueError, match=r"test_losses_mistakes\.py:\d+$") as caught:
            call()
        assert words in str(caught.value)


def test_the_line_to_write_has_the_callers_names() -> None:
    y, labels = [1.0, 2.0], Tensor(np.ones(2), name="labels")
    x = leaf(np.ones((2, 1)))
    for call, line in (
        (lambda: nn.mse_loss(x, y), "write np.asarray(y)[:, None] for"),
        (lambda: nn.mse_loss(x, labels), "write labels[:, None] for"),
        (lambda: nn.MSELoss()(x, np.ones(2)), "write target[:, None] for"),
        (lambda: nn.MSELoss()(x, CLASSES[:2]), "write target[:, None] for"),
        (lambda: nn.L1Loss()(x, TWO), "write TWO[:, None] for"),
        (lambda: nn.mse_loss(X, CLASSES), "target holds classes, write nn.one_hot(CLASSES, 3), at"),
        (lambda: nn.mse_loss(X, Y[:, 0]), "with every target; reshape one of them, at"),
    ):
        with pytest.raises(ValueError, match="must be equal") as caught:
            call()
        assert line in str(caught.value)


TWO = np.array([0.0, 1.0])


@pytest.mark.parametrize("loss", ["mse", "bce_with_logits", "hinge", nn.BCEWithLogitsLoss()])
def test_the_trainer_speaks_of_the_data_and_not_of_the_part_it_tries(loss: Any) -> None:
    model = nn.Dense(3, 1)
    trainer = nn.Trainer(model, loss, nn.SGD(model.parameters(), lr=0.1))
    with pytest.raises(ValueError, match="must be equal") as caught:
        trainer.fit((np.random.default_rng(0).normal(size=(50, 3)), np.arange(50) % 2))
    assert "the prediction has shape (N, 1) and the target (N,)" in str(caught.value)
    assert "write target[:, None] for the target, at test_losses_mistakes.py" in str(caught.value)


@pytest.mark.parametrize(
    "loss",
    [
        *(nn.soft_margin_loss, nn.SoftMarginLoss(), nn.sigmoid_focal_loss, nn.SigmoidFocalLoss()),
        *(nn.multilabel_soft_margin_loss, nn.MultiLabelSoftMarginLoss(), nn.HingeLoss()),
    ],
)
def test_metrics_of_logits_have_the_threshold_zero(loss: Any) -> None:
    accuracy = nn.metrics.by_name(["accuracy"], loss)["accuracy"]
    assert accuracy(np.array([0.2, -0.2]), np.array([1, 0])) == 1


HALVES = np.arange(50) % 2


@pytest.mark.parametrize("targets", [HALVES, HALVES[:, None], HALVES * 1.0])
def test_two_classes_of_one_output_are_shown_the_way(targets: np.ndarray) -> None:
    model = nn.Dense(3, 1)
    trainer = nn.Trainer(model, "cross_entropy", nn.SGD(model.parameters(), lr=0.1))
    with pytest.raises(
        (ValueError, TypeError), match="take binary_cross_entropy_with_logits, at"
    ) as caught:
        trainer.fit((np.ones((50, 3)), targets))
    assert "(2, 1)" not in str(caught.value)


# -------------------------------------------------------------------- probabilities for logits


@pytest.mark.parametrize(
    ("loss", "squash", "words"),
    [
        (nn.cross_entropy, ops.softmax, "come from softmax; give cross_entropy what comes before"),
        (nn.cross_entropy, ops.sigmoid, "or use categorical_cross_entropy"),
        (nn.CrossEntropyLoss(), ops.softmax, "cross_entropy: the logits look like probabilities"),
        (nn.nll_loss, ops.softmax, "nll_loss: the log-probabilities look like probabilities"),
        (LOGITS, ops.sigmoid, "or use binary_cross_entropy"),
        (nn.kl_div, ops.softmax, "give kl_div what log_softmax returns"),
        (nn.focal_loss, ops.softmax, "give focal_loss what comes before the softmax"),
        (nn.sigmoid_focal_loss, ops.sigmoid, "give sigmoid_focal_loss what comes before the sig"),
        (nn.multilabel_soft_margin_loss, ops.sigmoid, "or use binary_cross_entropy"),
    ],
)
def test_probabilities_for_logits_are_warned_of(loss: Any, squash: Any, words: str) -> None:
    t = CLASSES if getattr(loss, "__name__", "") not in ELEMENTWISE else P.round()
    t = P if loss is nn.multilabel_soft_margin_loss else t
    with pytest.warns(UserWarning, match="look like probabilities") as caught:
        y = loss(squash(leaf(X)), t)
    assert y.requires_grad
    assert words in str(caught[0].message)
    assert "test_losses_mistakes.py:" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_a_line_is_warned_of_once() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            nn.cross_entropy(ops.softmax(leaf(X)), CLASSES)
            nn.CrossEntropyLoss()(ops.softmax(leaf(X)), CLASSES)
    assert len(caught) == 2
    assert len({warning.lineno for warning in caught}) == 2


def test_probabilities_on_another_axis_are_seen() -> None:
    image = np.moveaxis(np.stack([ROWS, ROWS]), -1, 1)
    with pytest.warns(UserWarning, match=r"rows sum to 1 and lie in \[0, 1\]"):
        nn.cross_entropy(image, np.stack([CLASSES, CLASSES]), axis=1)
    with pytest.warns(UserWarning, match="come from softmax"):
        nn.cross_entropy(ops.softmax(leaf(X.T[None]), 1), CLASSES[None], axis=1)


def test_probabilities_without_history_are_seen() -> None:
    with pytest.warns(UserWarning, match=r"rows sum to 1 and lie in \[0, 1\]"), no_grad():
        nn.cross_entropy(ops.softmax(leaf(X, np.float32), -1), CLASSES)


@pytest.mark.parametrize(
    "logits",
    [
        X,
        P,
        np.full((4, 3), 1 / 3),
        ONE_HOT * 1.0,
        ONE_HOT * 3 - 2 / 3,
        ROWS[:1],
        np.log(ROWS),
        P[:, :1],
    ],
)
def test_logits_are_not_warned_of(logits: np.ndarray) -> None:
    t = np.zeros(len(logits), int)
    nn.cross_entropy(logits, t)
    nn.cross_entropy(leaf(logits), t)
    nn.cross_entropy(leaf(logits) * 1, t)
    nn.nll_loss(ops.log_softmax(leaf(logits), -1), t)
    nn.categorical_cross_entropy(ops.softmax(leaf(logits), -1), t)
