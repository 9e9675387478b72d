"""Habits from elsewhere: they work, or the message says what to write."""

from __future__ import annotations

import functools
import pickle
import re
from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor

X, T = np.ones((4, 3)), np.zeros((4, 3))

# -------------------------------------------------------------------- swapped arguments

SWAPPED: list[tuple[Any, Any]] = [
    *((f, T) for f in (nn.mse_loss, nn.l1_loss, nn.huber_loss, nn.smooth_l1_loss, nn.kl_div)),
    *((f, T) for f in (nn.binary_cross_entropy, nn.binary_cross_entropy_with_logits)),
    *((f, T) for f in (nn.hinge_loss, nn.MSELoss(), nn.CrossEntropyLoss())),
    *((f, T) for f in (nn.soft_margin_loss, nn.sigmoid_focal_loss, nn.poisson_nll_loss)),
    *((f, T) for f in (nn.hinge_embedding_loss, nn.multilabel_soft_margin_loss)),
    *((f, np.array([0, 1, 2, 0])) for f in (nn.cross_entropy, nn.nll_loss, nn.focal_loss)),
    *((f, np.array([0, 1, 2, 0])) for f in (nn.multi_margin_loss, nn.multiclass_hinge_loss)),
    (lambda *pair: nn.gaussian_nll_loss(*pair, np.ones((4, 3))), T),
    *((f, Tensor(T)) for f in (nn.categorical_cross_entropy, nn.cross_entropy)),
]


@pytest.mark.parametrize(("loss", "target"), SWAPPED)
def test_a_target_that_requires_a_gradient_is_told_the_order(loss: Any, target: Any) -> None:
    prediction = Tensor(np.full((4, 3), 0.5), requires_grad=True)
    with pytest.raises(TypeError, match=r"prediction comes first, as in \w+\(prediction, target\)"):
        loss(target, prediction)
    signs = Tensor(np.ones(4), requires_grad=True)
    for inputs in ((X, X), (X, prediction), (prediction, X)):
        with pytest.raises(TypeError, match="prediction comes first"):
            nn.cosine_embedding_loss(*inputs, signs)
        with pytest.raises(TypeError, match="prediction comes first"):
            nn.margin_ranking_loss(*(x[:, 0] for x in inputs), signs)
    nn.cosine_similarity(X, prediction)


# -------------------------------------------------------------------- ignored labels


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("options", [{}, {"weight": np.ones(3)}, {"label_smoothing": 0.1}])
def test_an_ignored_row_may_hold_anything(bad: float, options: dict[str, Any]) -> None:
    values = np.array([[1.0, 2.0, 0.5], [bad, bad, 0.0], [0.0, 1.0, 2.0]])
    t = np.array([0, -100, 2])
    losses: list[Any] = [nn.cross_entropy]
    losses += [] if "label_smoothing" in options else [nn.nll_loss, nn.focal_loss]
    for loss in losses:
        x, rest = Tensor(values, requires_grad=True), Tensor(values[[0, 2]], requires_grad=True)
        y, expected = loss(x, t, **options), loss(rest, t[[0, 2]], **options)
        assert float(y) == pytest.approx(float(expected))
        y.backward()
        expected.backward()
        np.testing.assert_allclose(x.grad[[0, 2]], rest.grad)
        np.testing.assert_array_equal(x.grad[1], 0)
        image = Tensor(values.T[None], requires_grad=True)  # (1, classes, 3)
        first = loss(image, t[None], axis=1, **options)
        assert float(first) == pytest.approx(float(expected))
        first.backward()
        np.testing.assert_allclose(image.grad[0].T, x.grad)
        assert loss(Tensor(values), t, "none", **options).data[1] == 0


# -------------------------------------------------------------------- data


def test_times_keep_their_digits() -> None:
    times = 1_700_000_000 + np.arange(10)[:, None]
    for scaler in (nn.Standardizer(), nn.transforms.MinMax()):
        z = scaler.fit_transform(times)
        assert z.dtype == np.float32
        steps = np.diff(z[:, 0])
        assert (steps > 0.1).all()
        np.testing.assert_allclose(steps, steps[0], rtol=1e-5)
        np.testing.assert_allclose(scaler.inverse_transform(z), times, rtol=0, atol=1e-5)


def test_a_list_of_samples_is_not_transposed() -> None:
    x, y = np.arange(12.0).reshape(4, 3), np.array([0, 1, 0, 1])
    samples = list(zip(x, y, strict=True))
    for a, b in nn.DataLoader(samples, batch_size=4):
        np.testing.assert_array_equal(a, x)
        np.testing.assert_array_equal(b, y)
    assert len(nn.DataLoader([x, y], batch_size=4)) == 1
    for ambiguous in (list(x), [[1, 2], [3, 4]]):
        with pytest.raises(TypeError, match=r"np\.stack\(samples\).*\(x, y\)"):
            nn.DataLoader(ambiguous)
    with pytest.raises(ValueError, match="equal length"):
        nn.DataLoader([(1, 2), (3,)])


# -------------------------------------------------------------------- wrong values


def test_wrong_values_are_refused() -> None:
    model = nn.Sequential(nn.Dense(3, 2))
    for make in (nn.Dense, nn.Linear, lambda a, b, c: nn.Conv2d(a, b, 3, bias=c)):
        with pytest.raises(TypeError, match=r"bias must be True or False, not 'relu'.*nn\.ReLU"):
            make(2, 16, "relu")
    for bias in (1, None, 0.5):
        with pytest.raises(TypeError, match="bias must be True or False"):
            nn.Neuron(2, "tanh", bias)  # type: ignore[arg-type]
    assert nn.Dense(2, 3, np.bool(False)).bias is None  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"nn\.Trainer\(.*\)\.fit"):
        model.train(X)  # type: ignore[arg-type]
    for bad in ("0.1", None, True, [0.1]):
        with pytest.raises(TypeError, match="lr must be a number"):
            nn.SGD(model.parameters(), lr=bad)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="betas are two numbers"):
        nn.Adam(model.parameters(), betas=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="lr must be at least 0 and finite"):
        nn.SGD(model.parameters(), lr=np.inf)
    for given in (model, nn.Dense(2, 2)):
        with pytest.raises(TypeError, match=r"model\.parameters\(\), not a \w+ itself"):
            nn.SGD(given)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"fit\(\(x, y\)\)"):
        nn.Trainer(model, "mse", nn.SGD(model.parameters())).fit(X, T)  # type: ignore[arg-type]


def fitted(**options: Any) -> Any:
    model = nn.Dense(3, 3)
    return nn.Trainer(model, "mse", nn.SGD(model.parameters())).fit((X, T), **options)


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda p: nn.SGD(p, learning_rate=0.1), "SGD has no argument learning_rate; .*mean lr?"),
        (lambda p: nn.Dense(input_size=2, out_features=3), "mean in_features"),
        (lambda p: nn.Dense(2, units=3), "mean out_features"),
        (lambda p: nn.Dense(2, 3, l2_lambda=0.1), "mean l2"),
        (lambda p: nn.Dropout(rate=0.5), "Dropout .*mean p?"),
        (lambda p: nn.Softmax(dim=1), "Softmax .*mean axis"),
        (lambda p: nn.MLP(2, [3], 1, activaton="tanh"), "mean activation"),
        (lambda p: nn.StepLR(nn.SGD(p), step=3), "mean step_size"),
        (lambda p: nn.DataLoader(X, batchsize=2), "mean batch_size"),
        (lambda p: fitted(verbose=0), "fit has no argument verbose; did you mean progress"),
        (lambda p: nn.Dense(2, 2).fit(X, T), r"nn\.Trainer"),
        (lambda p: nn.Sequential().add(nn.ReLU()), r"append\(module\)"),
        (lambda p: nn.Dense(2, 3, activation="relu"), "activation is a layer of its own"),
        (lambda p: nn.Dense(2, 3, device="cpu"), "device: all runs on the CPU: leave it out"),
        (lambda p: nn.ReLU(inplace=True), "results are new Tensors: leave it out"),
        (lambda p: nn.LSTM(2, 3, return_sequences=True), r"output\[:, -1\] is the last"),
        (lambda p: nn.GRU(in_features=2, hidden=3), "mean input_size"),
        (lambda p: nn.Embedding(vocab_size=9, embed_dim=3), "mean num_embeddings"),
        (lambda p: nn.Conv2d(filters=2, kernel_size=3), "mean out_channels"),
        (lambda p: nn.MaxPool2d(pool_size=2), "mean kernel_size"),
        (lambda p: nn.LeakyReLU(alpha=0.1), "mean negative_slope"),
        (lambda p: nn.Flatten(start_dim=1), "mean start_axis"),
        (
            lambda p: nn.CrossEntropyLoss(from_logits=True),
            "nll_loss and binary_cross_entropy what comes out",
        ),
        (lambda p: nn.MSELoss(size_average=True), "mean reduction"),
        (lambda p: nn.DataLoader(X, num_workers=2), "leave it out"),
        (lambda p: nn.Trainer(nn.Dense(2, 2), "mse", optim=1), "mean optimizer"),
        (lambda p: nn.CosineAnnealingLR(nn.SGD(p), epochs=3), "mean T_max"),
        (lambda p: nn.Dense(2, 2)(X[:, :2], training=True), r"Dense .* training: model\.train\(\)"),
        (
            lambda p: nn.Dense(2, 2)(X[:, :2], mask=X),
            "Dense has no argument mask; it takes x, at t",
        ),
        (lambda p: nn.Module().register_buffer("b", 1, persistent=False), "does not belong to the"),
    ],
)
def test_foreign_words_are_told_ours(call: Any, meant: str) -> None:
    model = nn.Dense(2, 2)
    with pytest.raises((TypeError, AttributeError, ValueError), match=meant):
        call(list(model.parameters()))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: nn.Dense(16), r"Dense\(in_features, out_features, bias\) lacks out_features"),
        (lambda: nn.Conv2d(1, 2), r"Conv2d\(.*\) lacks kernel_size"),
        (lambda: nn.SGD(lr=0.1), "lacks parameters"),
        (lambda: nn.MLP([3, 4, 2]), "lacks hidden, out_features"),
        (lambda: nn.Network(3, 4, 2), r"Network\(layers\) was given 3 arguments; by name .* init"),
        (lambda: nn.Network([3, 2], "tanh"), "by name it takes activation"),
        (lambda: nn.ReLU(True), "too many positional arguments"),
        (lambda: nn.Dense(2, 3, l2="0.1"), "Dense: l2 must be a number, not '0.1'"),
        (lambda: nn.Dense(2, 3, l2=None), "l2 must be a number, not None"),
        (lambda: nn.Dropout("0.5"), "Dropout: p must be a number, not '0.5'"),
        (lambda: nn.Dropout(True), "p must be a number, not True"),
        (lambda: nn.ELU("x"), "alpha must be a number"),
        (lambda: nn.LeakyReLU(None), "negative_slope must be a number"),
        (lambda: nn.Softmax("1"), "axis must be an integer, not '1'"),
        (lambda: nn.Softmax(1.5), "axis must be an integer"),
        (lambda: nn.Flatten("1"), "start_axis must be an integer"),
        (lambda: nn.HuberLoss(delta="x"), "delta must be a number"),
        (lambda: nn.functional.huber_loss(X, X, delta="x"), "huber_loss: delta must be a number"),
        (lambda: nn.CrossEntropyLoss(label_smoothing="0.1"), "label_smoothing must be a number"),
        (lambda: nn.Dense(2, 2).requires_grad_("no"), "requires_grad must be True or False"),
        (lambda: nn.Dense(2, 2).load_state_dict("model.npz"), r"write nn\.load\(path, model\)"),
    ],
)
def test_wrong_arguments_of_constructors_and_methods(call: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        call()


def test_options_that_numbers_of_any_kind_may_be() -> None:
    assert nn.Dropout(np.float32(0.5)).p == 0.5
    assert nn.ELU(1)(X).shape == X.shape
    assert nn.Dense(2, 3, l2=np.int64(1)).l2 == 1
    assert pickle.loads(pickle.dumps(nn.Dense(2, 3))).bias.shape == (3,)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("Conv2D", r"nn\.Conv2d"),
        ("relu", r"nn\.(functional\.relu|ReLU)"),
        ("MultiHeadAttention", r"nn\.MultiheadAttention"),
        ("Tensor", "from tinygrad_edu import Tensor"),
        ("Activation", r"nn\.ReLU\(\)"),
        ("optimizers", r"nn\.optim"),
        ("concatenate", r"np\.concatenate"),
        ("Nonsense", "has no attribute 'Nonsense'$"),
    ],
)
def test_names_that_nn_does_not_have(name: str, advice: str) -> None:
    assert not hasattr(nn, name)
    with pytest.raises(AttributeError, match=advice):
        getattr(nn, name)
    with pytest.raises(AttributeError, match=r"write np\.pad"):
        _ = nn.functional.pad


def test_what_the_tables_name_exists() -> None:
    from nn import habits
    from tinygrad_edu import habits as of_the_engine
    from tinygrad_edu import ops

    tables = (habits.MODULE, habits.NAMES, habits.OTHERWISE)
    engine = (of_the_engine.TENSOR, of_the_engine.FUNCTIONS, {"": of_the_engine.IN_PLACE})
    text = "\n".join(line for table in (*tables, *engine) for line in table.values())
    known = {"nn": nn, "np": np, "ops": ops, "x": Tensor([[1.0]], requires_grad=True)}
    known |= {"model": nn.Sequential(), "optimizer": nn.SGD([nn.Parameter([1.0])])}
    paths = set(re.findall(rf"\b(?:{'|'.join(known)})(?:\.\w+)+", text))
    assert len(paths) > 60
    for path in paths:
        first, *names = path.split(".")
        functools.reduce(getattr, names, known[first])
    assert not [name for name in habits.MODULE if hasattr(nn.Module, name)]
    assert not [name for name in habits.NAMES if hasattr(nn, name)]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("summary", r"nn\.summary\(model, input_shape\)"),
        ("compile", r"nn\.Trainer"),
        ("backward", r"loss\.backward\(\)"),
        ("get_submodule", r"dict\(model\.named_modules\(\)\)"),
        ("add_module", "setattr"),
        ("save_weights", r"nn\.save\(path, model\)"),
        ("device", "all runs on the CPU"),
        ("freeze", r"requires_grad_\(False\)"),
        ("nonsense", "has no attribute 'nonsense'$"),
    ],
)
def test_names_that_models_do_not_have(name: str, advice: str) -> None:
    model = nn.Dense(3, 2)
    assert not hasattr(model, name)
    with pytest.raises(AttributeError, match=advice):
        getattr(model, name)


def test_initializers_by_other_names() -> None:
    assert not nn.Dense(2, 3, init="zero").weight.data.any()
    assert 0 < nn.Dense(50, 50, init="random").weight.data.std() < 0.02


# -------------------------------------------------------------------- names of PyTorch and Keras


def test_names_of_modules() -> None:
    model = nn.Sequential(nn.Dense(3, 4), nn.BatchNorm1d(4), nn.Sequential(nn.Dense(4, 2)))
    assert [type(m).__name__ for m in model.children()] == ["Dense", "BatchNorm1d", "Sequential"]
    assert len(list(model.modules())) == 5
    assert len(list(model.buffers())) == 3
    order: list[Any] = []
    assert model.apply(order.append) is model
    assert order[-1] is model
    assert order.index(model[2][0]) < order.index(model[2])
    part = model[:2]
    assert isinstance(part, nn.Sequential)
    assert part[0] is model[0]
    assert part(X).shape == (4, 4)
    assert model[2:][0] is model[2]
    assert model[2]._name == "2"
    model[-1] = nn.Dense(4, 5)
    assert model.append(nn.ReLU())(X).shape == (4, 5)
    with pytest.raises(TypeError, match="takes modules"):
        model[0] = np.tanh  # type: ignore[assignment]
    with pytest.raises(IndexError):
        model[7] = nn.ReLU()
    assert pickle.loads(pickle.dumps(model))(X).shape == (4, 5)


def test_names_of_optimizers_and_schedules() -> None:
    layer = nn.Dense(3, 2)
    optimizer = nn.SGD(layer.parameters(), lr=0.5)
    assert optimizer.param_groups[0]["lr"] == 0.5
    for part in (optimizer, layer):
        layer(X).sum().backward()
        part.zero_grad(set_to_none=False)
        assert not layer.weight.grad.any()
        part.zero_grad()
        assert layer.weight.grad is None
    schedule = nn.optim.lr_scheduler.StepLR(optimizer, 1)
    assert schedule.get_last_lr() == [0.5]
    with nn.no_grad():
        assert not layer(X).requires_grad
    history = nn.History([{"epoch": 1, "loss": 0.5}])
    assert history.history == {"epoch": [1], "loss": [0.5]}


def test_initializers_in_place_follow_torch() -> None:
    torch = pytest.importorskip("torch")
    shape = (200, 100)
    for name, options in (
        ("uniform_", {}), ("normal_", {}), ("trunc_normal_", {}), ("constant_", {"val": 3.0}),
        ("zeros_", {}), ("ones_", {}), ("xavier_uniform_", {}), ("xavier_normal_", {"gain": 2.0}),
        ("kaiming_uniform_", {"a": 5**0.5}), ("kaiming_normal_", {"nonlinearity": "relu"}),
        ("orthogonal_", {}),
    ):  # fmt: skip
        ours = nn.Parameter(np.empty(shape, np.float32))
        assert getattr(nn.init, name)(ours, **options) is ours
        theirs = getattr(torch.nn.init, name)(torch.empty(shape[::-1]), **options)
        assert ours.data.std() == pytest.approx(float(theirs.std(correction=0)), rel=0.05)
        assert ours.data.max() == pytest.approx(float(theirs.max()), rel=0.3)
