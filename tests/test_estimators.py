"""nn.Classifier and nn.Regressor: estimators of scikit-learn's."""

from __future__ import annotations

import copy
import pickle
import sys
import warnings
from typing import Any

import numpy as np
import pytest

import nn

pytest.importorskip("sklearn")
pd = pytest.importorskip("pandas")
from sklearn.base import clone  # noqa: E402
from sklearn.calibration import CalibratedClassifierCV  # noqa: E402
from sklearn.inspection import permutation_importance  # noqa: E402
from sklearn.metrics import accuracy_score  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

FAST: dict[str, Any] = {"module": (16,), "optimizer__lr": 0.01, "epochs": 30}
CHECKS = parametrize_with_checks([nn.Classifier(**FAST), nn.Regressor(**FAST)])
BRIEF: dict[str, Any] = {"module": (4,), "epochs": 3, "random_state": 0}
IRIS = nn.datasets.iris()
X, Y = nn.Standardizer().fit_transform(IRIS.x).astype(float), IRIS.y
NAMES = np.array(IRIS.about["class_names"])[Y]


@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def weights_of(model: Any) -> list[np.ndarray]:
    return list(model.module_.state_dict().values())


def equal(one: Any, other: Any, tolerance: float = 0.0) -> None:
    for a, b in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


# -------------------------------------------------------------------- what it is made from


def make_network(in_features: int, out_features: int, hidden: int = 4) -> nn.Module:
    return nn.Sequential(
        nn.Dense(in_features, hidden), nn.ReLU(), nn.Dense(hidden, out_features)
    )  # fmt: skip


@pytest.mark.parametrize(
    "parameters",
    [
        {"module": nn.MLP, "module__hidden": (4,)},
        {"module": (7,), "module__hidden": (4,)},
        {"module": make_network},
        {"module": lambda: nn.MLP(4, [4], 3, dtype=np.float64)},
    ],
)
def test_sizes_and_factories_make_the_same_network(parameters: Any) -> None:
    equal(nn.Classifier(**BRIEF).fit(X, Y), nn.Classifier(**{**BRIEF, **parameters}).fit(X, Y))


def test_a_module_is_copied() -> None:
    module = nn.MLP(4, [4], 3)
    before = module.state_dict()
    model = nn.Classifier(module, epochs=1, optimizer__lr=0.1).fit(X, Y)
    assert model.module is module is not model.module_
    for name, values in module.state_dict().items():
        np.testing.assert_array_equal(values, before[name])
    assert not np.array_equal(model.module_[0].weight.data, before["0.weight"])
    assert clone(model).module is not module


def test_images_and_indices() -> None:
    images = nn.datasets.digits().x.reshape(-1, 1, 8, 8)[:200]
    labels = nn.datasets.digits().y[:200]
    convnet = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Dense(144, 10))
    model = nn.Classifier(convnet, epochs=5, optimizer__lr=0.01, random_state=0)
    assert model.fit(images, labels).score(images, labels) > 0.8
    words = np.random.default_rng(0).integers(0, 9, (60, 5))
    texts = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Dense(20, 2))
    model = nn.Classifier(texts, epochs=30, optimizer__lr=0.05, random_state=0)
    assert model.fit(words, words[:, 0] > 4).score(words, words[:, 0] > 4) > 0.9


@pytest.mark.parametrize(
    ("given", "made"),
    [(np.float32, np.float32), (np.float64, np.float64), (np.int64, np.float32)],
)
def test_the_network_has_the_dtype_of_the_data(given: Any, made: Any) -> None:
    model = nn.Classifier(**BRIEF).fit(X.astype(given), Y)
    assert {p.dtype for p in model.module_.parameters()} == {np.dtype(made)}
    assert model.predict_proba(X.astype(given)).dtype == made
    assert nn.get_default_dtype() == np.float32


@pytest.mark.parametrize(
    ("loss", "last"),
    [
        ("cross_entropy", None),
        (nn.CrossEntropyLoss(), None),
        ("nll", nn.LogSoftmax),
        (nn.NLLLoss, nn.LogSoftmax),
        ("categorical_cross_entropy", nn.Softmax),
    ],
)
def test_probabilities_whatever_the_loss(loss: Any, last: Any) -> None:
    module = [nn.Dense(4, 3, dtype=np.float64), *([last()] if last else [])]
    model = nn.Classifier(nn.Sequential(*module), loss=loss, epochs=20, optimizer__lr=0.1)
    probabilities = model.fit(X, Y).predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert probabilities[np.arange(150), Y].mean() > 0.8


# -------------------------------------------------------------------- parameters


def test_options_of_parts_are_parameters() -> None:
    model = nn.Classifier(optimizer__lr=0.5, module__activation="tanh")
    assert model.get_params()["optimizer__lr"] == 0.5
    assert "optimizer__lr=0.5" in repr(model)
    assert model._repr_html_()
    copied = clone(model).set_params(optimizer__lr=0.1, loss__label_smoothing=0.1, epochs=2)
    assert (model.get_params()["optimizer__lr"], model.epochs) == (0.5, 100)
    assert {k: v for k, v in copied.get_params().items() if "__" in k} == {
        "optimizer__lr": 0.1,
        "module__activation": "tanh",
        "loss__label_smoothing": 0.1,
    }
    copied.set_params(
        optimizer=nn.SGD, optimizer__momentum=0.9, scheduler=nn.StepLR, scheduler__step_size=1,
        trainer__clip_norm=1.0, trainer__metrics=["accuracy"],
    ).fit(X, Y)  # fmt: skip
    assert isinstance(copied.module_[1], nn.Tanh)
    assert copied.optimizer_.groups[0]["momentum"] == 0.9
    np.testing.assert_allclose(copied.history_["lr"], [0.1, 0.01])
    assert 0 < copied.history_["accuracy"][0] <= 1


MISTAKES = [
    ({"optimizer": "adam"}, TypeError, "optimizer is a class, with its options by name, as in"),
    ({"optimizer__learning_rate": 1}, TypeError, "Adam has no argument learning_rate; did you"),
    ({"optim__lr": 1}, ValueError, "unknown part in optim__lr: .optim.; did you mean"),
    ({"module": nn.MLP(4, [3], 2)}, ValueError, r"returns shape \(1, 2\) .* a score for each"),
    ({"module": nn.Dense(4, 3), "module__bias": True}, ValueError, "is made already, and has no"),
    ({"epochs": 0}, ValueError, "epochs must be a positive integer"),
    ({"loss": "crossentropy"}, ValueError, "did you mean 'cross_entropy'"),
    ({"class_weight": {0: 0, 1: 0, 2: 0}}, ValueError, "at least 0, and some above it"),
    ({"loss": lambda y, t: nn.cross_entropy(y, t), "class_weight": {0: 2}}, ValueError, "no opt"),
]


@pytest.mark.parametrize(("parameters", "error", "message"), MISTAKES)
def test_mistakes_are_told_by_fit(parameters: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        nn.Classifier(**parameters).fit(X, Y)


def test_unknown_parameters_are_told_at_once() -> None:
    with pytest.raises(TypeError, match="Regressor has no argument n_epochs; did you mean epochs"):
        nn.Regressor(n_epochs=3)
    with pytest.raises(TypeError, match="class_weight"):
        nn.Regressor(class_weight="balanced")
    with pytest.raises(ValueError, match="Invalid parameter 'lr'"):
        nn.Regressor().set_params(lr=0.1)


def test_pickles_and_copies_go_on_alike() -> None:
    model = nn.Classifier(**BRIEF, scheduler=nn.StepLR, scheduler__step_size=2).fit(X, NAMES)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(other.predict(X), model.predict(X))
        equal(other.partial_fit(X, NAMES), copy.deepcopy(model).partial_fit(X, NAMES))
    assert all(p.grad is None for p in model.module_.parameters())


# -------------------------------------------------------------------- randomness


@pytest.mark.parametrize("state", [0, np.random.RandomState(0)])
def test_random_state_decides_alone(state: Any) -> None:
    nn.manual_seed(0)
    expected = nn.init.generator().random(2)
    nn.manual_seed(0)
    drawn = [nn.init.generator().random()]
    options: dict[str, Any] = {**BRIEF, "module__dropout": 0.2, "early_stopping": True}
    fits = [
        nn.Classifier(**{**options, "random_state": copy.deepcopy(state)}).fit(X, Y)
        for _ in range(2)
    ]
    drawn.append(nn.init.generator().random())
    np.testing.assert_array_equal(drawn, expected)
    equal(*fits)


def test_without_random_state_the_seed_of_nn_decides() -> None:
    fits = []
    for seed in (1, 1, 2):
        nn.manual_seed(seed)
        fits.append(nn.Classifier(**{**BRIEF, "random_state": None}).fit(X, Y))
    equal(*fits[:2])
    with pytest.raises(AssertionError):
        equal(*fits[1:])


def test_seeds_of_numpy_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.init, "_seeded", False)  # so that np.random.seed counts
    drawn = []
    for fits in range(2):
        np.random.seed(3)  # noqa: NPY002
        for _ in range(fits):
            nn.Classifier(**BRIEF).fit(X, Y)
        drawn.append(nn.Dense(2, 2).weight.data)
    np.testing.assert_array_equal(*drawn)


# -------------------------------------------------------------------- going on


def test_partial_fits_are_the_epochs_of_a_fit() -> None:
    options: dict[str, Any] = {**BRIEF, "scheduler": nn.StepLR, "scheduler__step_size": 2}
    model = nn.Classifier(**options)
    model.partial_fit(X, NAMES, classes=np.unique(NAMES))
    model.partial_fit(X, NAMES).partial_fit(X, NAMES)
    whole = nn.Classifier(**options).fit(X, NAMES)
    equal(model, whole)
    assert model.history_["epoch"] == [1, 2, 3]
    assert model.history_["loss"] == whole.history_["loss"]
    assert model.history_["lr"] == whole.history_["lr"]
    regressor = nn.Regressor(**BRIEF).partial_fit(X, Y).partial_fit(X, Y).partial_fit(X, Y)
    equal(regressor, nn.Regressor(**BRIEF).fit(X, Y))


def test_partial_fit_knows_all_classes_from_the_first() -> None:
    model = nn.Classifier(**BRIEF)
    with pytest.raises(ValueError, match="classes must be passed"):
        model.partial_fit(X[:50], NAMES[:50])
    model.partial_fit(X[:50], NAMES[:50], classes=np.unique(NAMES))
    assert model.predict_proba(X).shape == (150, 3)
    with pytest.raises(ValueError, match=r"the labels \['rose'\], which were not among"):
        model.partial_fit(X[:2], ["rose", "setosa"])
    with pytest.raises(ValueError, match="class_weight='balanced' needs all data at once"):
        nn.Classifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])


def test_warm_start_goes_on_from_the_weights() -> None:
    model = nn.Classifier(**FAST, warm_start=True, random_state=0).fit(X, Y)
    loss = model.history_["loss"][-1]
    module = model.module_
    model.set_params(epochs=1, optimizer__lr=0.0).fit(X, Y)
    assert model.module_ is module
    assert len(model.history_) == 31
    assert model.history_["loss"][-1] < 1.5 * loss
    with pytest.raises(ValueError, match="4 features"):
        model.fit(X[:, :3], Y)
    model.set_params(warm_start=False).fit(X, Y)
    assert len(model.history_) == 1


def test_early_stopping_holds_out_a_share_of_every_class() -> None:
    sizes = []

    def look(trainer: Any) -> None:
        sizes.append([np.bincount(each.dataset.y).tolist() for each in trainer._loaders])

    model = nn.Classifier(
        **{**FAST, "epochs": 200}, early_stopping=True, validation_fraction=0.2, callbacks=[look],
        early_stopping__patience=3, early_stopping__min_delta=0.01, random_state=0,
    ).fit(X, Y)  # fmt: skip
    assert sizes[0] == [[40] * 3, [10] * 3]
    assert len(model.history_) < 200
    assert str(model.history_.stopped).startswith("no better val_loss for 3 epochs")


def test_verbose_shows_progress(capsys: pytest.CaptureFixture[str]) -> None:
    nn.Classifier(**BRIEF).fit(X, Y)
    assert capsys.readouterr().err == ""
    nn.Classifier(**BRIEF, verbose=True).fit(X, Y)
    assert "epoch 3/3" in capsys.readouterr().err


# -------------------------------------------------------------------- weights

WEIGHTS = np.random.default_rng(0).integers(0, 3, 150)


@pytest.mark.parametrize(
    ("kind", "loss", "target"),
    [
        (nn.Classifier, "cross_entropy", Y),
        (nn.Classifier, nn.CrossEntropyLoss(), Y),
        (nn.Regressor, "mse", X[:, 2:]),
        (nn.Regressor, nn.MSELoss, X[:, 2:]),
    ],
)
def test_weights_are_repetitions(kind: Any, loss: Any, target: Any) -> None:
    model = kind(**BRIEF, batch_size=None, shuffle=False, loss=loss)
    weighted = clone(model).fit(X[:, :2], target, sample_weight=5.0 * WEIGHTS)
    repeated = clone(model).fit(X[:, :2].repeat(WEIGHTS, 0), target.repeat(WEIGHTS, 0))
    equal(weighted, repeated, 1e-9)
    np.testing.assert_allclose(weighted.history_["loss"], repeated.history_["loss"], rtol=1e-9)


def test_metrics_know_no_weights() -> None:
    model = nn.Regressor(**BRIEF, batch_size=None, optimizer__lr=0.0, trainer__metrics=["mse"])
    weighted = clone(model).fit(X, Y, sample_weight=WEIGHTS)
    assert weighted.history_["mse"] == model.fit(X, Y).history_["mse"]
    assert weighted.history_["loss"] != model.history_["loss"]


def test_class_weights_are_weights_of_samples() -> None:
    some = np.r_[:50, 50:75, 100:110]
    by_name = {"setosa": 2.0, "versicolor": 0.5}
    each = np.array([by_name.get(name, 1.0) for name in NAMES[some]])
    a = nn.Classifier(**BRIEF, class_weight=by_name).fit(X[some], NAMES[some])
    equal(a, nn.Classifier(**BRIEF).fit(X[some], NAMES[some], sample_weight=each))
    balanced = 1 / np.bincount(Y[some])[Y[some]]
    b = nn.Classifier(**BRIEF, class_weight="balanced").fit(X[some], NAMES[some], each)
    equal(b, nn.Classifier(**BRIEF).fit(X[some], NAMES[some], each * balanced), 1e-12)


def test_weights_with_early_stopping_and_compile() -> None:
    options: dict[str, Any] = {**BRIEF, "early_stopping": True}
    plain = nn.Classifier(**options).fit(X, Y)
    equal(plain, nn.Classifier(**options, trainer__compile=True).fit(X, Y))
    even = nn.Classifier(**options, trainer__compile=True).fit(X, Y, sample_weight=np.ones(150))
    equal(plain, even, 1e-12)
    np.testing.assert_allclose(plain.history_["val_loss"], even.history_["val_loss"])


# -------------------------------------------------------------------- among scikit-learn's tools

FRAME = pd.DataFrame(IRIS.x.astype(float), columns=["a", "b", "c", "d"])
PIPE = make_pipeline(
    StandardScaler().set_output(transform="pandas"), nn.Classifier(**FAST, random_state=0)
)


def test_searches_in_two_processes_over_frames() -> None:
    grid = {"classifier__optimizer__lr": [1e-6, 0.03], "classifier__module__hidden": [(8,)]}
    search = GridSearchCV(PIPE, grid, n_jobs=2, cv=2).fit(FRAME, pd.Series(NAMES))
    assert search.best_params_["classifier__optimizer__lr"] == 0.03
    assert search.best_estimator_[-1].module_[0].weight.shape == (4, 8)
    assert search.best_estimator_[-1].feature_names_in_.tolist() == list(FRAME)
    assert search.score(FRAME, NAMES) > 0.9
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        search.best_estimator_[-1].predict(X)


def test_works_in_scikit_learns_tools() -> None:
    assert cross_val_score(PIPE, FRAME, NAMES, cv=2).min() > 0.9
    calibrated = CalibratedClassifierCV(PIPE, cv=2).fit(FRAME, NAMES)
    assert accuracy_score(NAMES, calibrated.predict(FRAME)) > 0.9
    fitted = clone(PIPE).fit(FRAME, NAMES)
    importance = permutation_importance(fitted, FRAME, NAMES, n_repeats=2, random_state=0)
    assert importance.importances_mean.argmax() in (2, 3)
    weighted = clone(PIPE).fit(FRAME, NAMES, classifier__sample_weight=(Y == 1) + 1e-9)
    assert (weighted.predict(FRAME) == "versicolor").all()


@pytest.mark.parametrize("name", ["load_digits", "load_breast_cancer"])
def test_is_as_accurate_as_scikit_learns(name: str) -> None:
    import sklearn.datasets
    from sklearn.neural_network import MLPClassifier

    x, y = getattr(sklearn.datasets, name)(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    x, test_x, y, test_y = x[::2], x[1::2], y[::2], y[1::2]
    ours = nn.Classifier(
        (50,), module__init="xavier_uniform", epochs=40, batch_size=100, random_state=0
    ).fit(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged
        theirs = MLPClassifier((50,), max_iter=40, batch_size=100, random_state=0).fit(x, y)
    assert ours.score(test_x, test_y) > theirs.score(test_x, test_y) - 0.01


def test_several_outputs() -> None:
    model = nn.Regressor(**FAST, random_state=0).fit(X[:, :2], X[:, 2:])
    assert model.predict(X[:, :2]).shape == (150, 2)
    assert model.score(X[:, :2], X[:, 2:]) > 0.5
    assert nn.Regressor(**FAST).fit(X, Y).predict(X).shape == (150,)


def test_without_scikit_learn_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ModuleNotFoundError, match=r"Classifier needs .* pip install scikit-learn"):
        nn.Classifier  # noqa: B018
