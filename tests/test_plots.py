"""Plots of training: what is drawn, into which Axes, and what is said of data that do not fit."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor

pytest.importorskip("matplotlib")
import matplotlib.pyplot as plt
from PIL import Image  # comes with matplotlib

plt.switch_backend("Agg")


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    nn.manual_seed(0)
    yield
    plt.close("all")


def mlp(*sizes: int, activation: Any = nn.ReLU, init: Any = "he") -> nn.Sequential:
    layers = [
        module for n, m in pairwise(sizes) for module in (nn.Dense(n, m, init=init), activation())
    ]
    return nn.Sequential(*layers[:-1])


def classes() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    return x, x[:, :3].argmax(axis=1)


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts if text.get_text()]


# -------------------------------------------------------------------- plot_history


def test_history_has_a_panel_for_each_quantity() -> None:
    model = mlp(4, 8, 3)
    trainer = nn.Trainer(model, "cross_entropy", nn.Adam(model.parameters()), ["accuracy"])
    history = trainer.fit(classes(), classes(), epochs=3, progress=False)
    left, right = nn.plot_history(history)
    assert (left.get_title(), right.get_title()) == ("loss", "accuracy")
    trained, validated = left.get_lines()
    np.testing.assert_array_equal(trained.get_ydata(), history["loss"])
    np.testing.assert_array_equal(validated.get_ydata(), history["val_loss"])
    assert [t.get_text() for t in left.get_legend().texts] == ["training", "validation"]
    assert trained.get_linestyle() != validated.get_linestyle(), "also in black and white"


def test_histories_are_compared() -> None:
    slow, fast = {"loss": [3.0, 2.0, 1.0]}, {"loss": [3.0, 0.1], "epoch": [1, 3]}
    (axes,) = nn.plot_history({"slow": slow, "fast": fast}, log=True)
    assert axes.get_yscale() == "log"
    assert [line.get_label() for line in axes.get_lines()] == ["slow", "fast"]
    assert list(axes.get_lines()[1].get_xdata()) == [1, 3]


def test_history_is_drawn_into_given_axes() -> None:
    history = {"loss": [2.0, 1.0], "accuracy": [0.1, 0.9], "val_accuracy": [0.2, 0.8]}
    axes = plt.figure().add_subplot()
    assert nn.plot_history(history, "accuracy", labels=("training", "test"), ax=axes) is axes
    assert [line.get_label() for line in axes.get_lines()] == ["training", "test"]
    panels = plt.subplots(2)[1]
    assert nn.plot_history(history, ax=panels)[0] is panels[0]
    with pytest.raises(ValueError, match="1 Axes for 2 quantities, loss, accuracy"):
        nn.plot_history(history, ax=axes)
    with pytest.raises(TypeError, match=r"ax of plot_history is matplotlib Axes.*not 3"):
        nn.plot_history(history, "loss", ax=3)


@pytest.mark.parametrize("history", [nn.History(), {}, {"loss": []}])
def test_an_empty_history_is_refused(history: Any) -> None:
    with pytest.raises(ValueError, match="the history is empty"):
        nn.plot_history(history)


def test_a_quantity_that_a_history_lacks_is_named() -> None:
    with pytest.raises(KeyError, match="the history has no 'f1'; it has loss"):
        nn.plot_history({"loss": [1.0]}, "f1")


# -------------------------------------------------------------------- plot_decision_boundary


def test_points_of_the_right_dtype_and_range_are_evaluated() -> None:
    seen: list[np.ndarray] = []

    def score(points: np.ndarray) -> Tensor:
        seen.append(points)
        return Tensor(points[:, :1])

    x = np.array([[0, 0], [1, 3]], np.float32)
    axes = nn.plot_decision_boundary(score, x, [-1, 1], level=0.25)
    assert seen[0].dtype == np.float32
    np.testing.assert_allclose(seen[0].max(axis=0), [1.24, 3.24], rtol=1e-6)
    line = axes.collections[1].get_paths()[0].vertices
    np.testing.assert_allclose(line[:, 0], 0.25, atol=1e-6)


@pytest.mark.parametrize("probable", [True, False])
def test_the_level_is_that_of_probabilities_or_of_logits(probable: bool) -> None:
    def score(points: np.ndarray) -> np.ndarray:
        value: np.ndarray = points[:, 0]
        return 1 / (1 + np.exp(-value)) if probable else value

    axes = nn.plot_decision_boundary(score, np.array([[-1.0, 0.0], [1.0, 1.0]]))
    line = axes.collections[1].get_paths()[0].vertices
    np.testing.assert_allclose(line[:, 0], 0, atol=1e-2)


def test_a_constant_score_has_no_line() -> None:
    x = np.zeros((2, 2), np.float32)
    axes = nn.plot_decision_boundary(lambda p: np.full(len(p), 0.2), x, [0, 1])
    assert axes.get_xlim() == (-0.5, 0.5)


def test_each_of_several_classes_has_its_color_and_marker() -> None:
    x = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    corners = x * 2 - 0.5

    def logits(points: np.ndarray) -> Any:
        return -((points[:, None] - corners) ** 2).sum(axis=2)

    axes = nn.plot_decision_boundary(logits, x, [0, 1, 2])
    colors = {tuple(each.get_facecolor()[0]) for each in axes.collections[-3:]}
    shapes = {each.get_paths()[0].vertices.shape for each in axes.collections[-3:]}
    assert len(colors) == 3
    assert len(shapes) > 1
    image = axes.images[0].get_array()
    assert image.shape == (200, 200, 3)
    assert 0 <= image.min() <= image.max() <= 1


def test_a_model_is_evaluated_and_left_in_its_mode() -> None:
    model = nn.Sequential(nn.Dense(2, 8), nn.Dropout(0.5), nn.Dense(8, 1))
    x = np.random.default_rng(0).normal(size=(10, 2))
    one, two = (nn.plot_decision_boundary(model, x).collections[1] for _ in range(2))
    np.testing.assert_array_equal(one.get_paths()[0].vertices, two.get_paths()[0].vertices)
    assert model[1].training


def test_points_that_are_not_in_a_plane_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(n, 2\), and x has shape \(40, 4\)"):
        nn.plot_decision_boundary(mlp(4, 3), classes()[0])


# -------------------------------------------------------------------- predictions and filters


def test_misclassified_images_come_first_by_confidence() -> None:
    images = np.random.default_rng(0).random((4, 1, 5, 5))
    scores = np.array([[0.0, 2, 1], [9, 0, 0], [0, 0, 9], [1, 2, 0]])
    axes = nn.plot_predictions(scores, images, np.array([2, 1, 2, 0]))
    assert axes.get_title() == "3 of 4 misclassified"
    assert texts(axes) == ["0, is 1", "1, is 2", "1, is 0", "2"]
    assert len({text.get_color() for text in axes.texts[:3]}) == 1
    assert axes.texts[3].get_color() == "black"
    np.testing.assert_array_equal(axes.images[0].get_array(), images[1, 0])
    few = nn.plot_predictions(scores, images, np.array([2, 1, 2, 0]), rows=1, columns=1)
    assert texts(few) == ["0, is 1"]


def test_predictions_of_a_model_and_names_of_classes() -> None:
    model, (x, y) = mlp(4, 8, 3), classes()
    axes = nn.plot_predictions(model, x, y, image_shape=(2, 2), class_names="abc", rows=2)
    predicted = model(x).data.argmax(axis=1)
    assert axes.get_title() == f"{(predicted != y).sum()} of 40 misclassified"
    assert set("".join(texts(axes))) <= set("abc, is")
    assert len(axes.images) == 20


def test_colored_images() -> None:
    x = np.random.default_rng(0).random((2, 3, 4, 4))
    axes = nn.plot_predictions(np.array([0, 1]), x, np.array([0, 1]))
    assert axes.images[0].get_array().shape == (4, 4, 3)


def test_numbers_are_compared_with_a_line() -> None:
    y = np.linspace(0, 1, 9)
    axes = nn.plot_predictions(y[:, None] + 0.1, None, y)
    np.testing.assert_allclose(axes.collections[0].get_offsets(), np.stack([y, y + 0.1], axis=1))
    assert axes.get_title() == "RMSE 0.1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((3, 2)), np.zeros((4, 2, 2)), np.zeros(4, int)), "3 predictions for 4 targets"),
        ((np.zeros((4, 2)), np.zeros((4, 5)), np.zeros(4, int)), "give image_shape"),
        ((np.zeros((4, 2)), None, np.zeros(4)), "one column at a time"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nn.plot_predictions(*arguments)


def test_pixels_that_are_no_image_are_refused() -> None:
    zeros = np.zeros(4, int)
    with pytest.raises(ValueError, match="5 values of a sample are no image"):
        nn.plot_predictions(zeros, np.zeros((4, 5)), zeros, image_shape=(2, 2))


def test_filters_are_white_at_zero() -> None:
    axes = nn.plot_filters(np.array([[[[0.0, -3.0], [1.0, 2.0]]]]))
    image = axes.images[0]
    colors = np.array(image.cmap(image.norm(np.array([0.0, -3.0, 3.0]))))
    assert colors[0, :3].min() > 0.95
    assert colors[1, 2] > colors[1, 0], "blue below"
    assert colors[2, 0] > colors[2, 2], "red above"
    nn.plot_filters(np.zeros((2, 1, 3, 3)))


def test_filters_of_layers() -> None:
    assert len(nn.plot_filters(nn.Conv2d(3, 5, 3)).images) == 5
    dense = nn.Dense(6, 70)
    axes = nn.plot_filters(dense, image_shape=(2, 3), most=4)
    second = dense.weight.data[:, 1].reshape(2, 3)
    np.testing.assert_array_equal(axes.images[1].get_array(), second)
    assert axes.get_title().startswith("70 filters, the first 4 of them")
    with pytest.raises(ValueError, match="image_shape="):
        nn.plot_filters(dense)
    with pytest.raises(ValueError, match=r"not those of \(3,\)"):
        nn.plot_filters(np.zeros(3))


# -------------------------------------------------------------------- plot_attention


def test_attention_has_a_row_for_each_query() -> None:
    weights = np.array([[1.0, 0.0], [0.25, 0.75]])
    axes = nn.plot_attention(weights, ["to", "be"])
    np.testing.assert_array_equal(axes.images[0].get_array(), weights)
    assert [t.get_text() for t in axes.get_xticklabels()] == ["to", "be"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("looked at (key)", "looking (query)")


def test_heads_have_panels_or_are_averaged() -> None:
    weights = np.random.default_rng(0).dirichlet(np.ones(3), (5, 2))
    panels = nn.plot_attention(Tensor(weights), "ab", "xyz")
    assert len(panels) == len(panels[0].figure.axes) == 5
    one = plt.figure().add_subplot()
    assert nn.plot_attention(weights, ax=one) is one
    np.testing.assert_allclose(one.images[0].get_array(), weights.mean(axis=0))
    with pytest.raises(ValueError, match="2 Axes for 5 heads"):
        nn.plot_attention(weights, ax=plt.subplots(2)[1])


def test_labels_are_shown_as_they_are_and_counted() -> None:
    axes = nn.plot_attention(np.eye(2), ["$x^$", "b"])
    axes.figure.canvas.draw()
    with pytest.raises(ValueError, match="3 labels for 2 positions"):
        nn.plot_attention(np.eye(2), ["a", "b", "c"])
    with pytest.raises(ValueError, match=r"weights\[0\] is the first sample's"):
        nn.plot_attention(np.zeros((1, 2, 3, 3)))


# -------------------------------------------------------------------- plot_gradient_flow


def test_a_gradient_that_comes_through() -> None:
    model = mlp(4, 32, 32, 32, 3)
    optimizer = nn.Adam(model.parameters())
    axes = nn.plot_gradient_flow(model, "cross_entropy", classes(), optimizer)
    assert axes.get_title(loc="left") == "The gradient comes through all layers"
    assert axes.get_xscale() == "log"
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert [label.split(",")[0] for label in labels] == [
        "0 Dense", "1 relu", "2 Dense", "3 relu", "4 Dense", "5 relu", "6 Dense",
    ]  # fmt: skip
    gradients, updates = axes.get_lines()
    assert len(gradients.get_xdata()) == len(updates.get_xdata()) == 4
    assert all(1e-4 < ratio < 1e-1 for ratio in updates.get_xdata())


def test_the_gradients_are_those_of_backward() -> None:
    model, (x, y) = mlp(4, 8, 3), classes()
    axes = nn.plot_gradient_flow(model, "cross_entropy", (x, y))
    hidden = model[0](x)
    hidden.retain_grad()
    nn.cross_entropy(model[2](model[1](hidden)), y).backward()
    drawn = axes.get_lines()[0].get_xdata()[0]
    np.testing.assert_allclose(drawn, np.linalg.norm(hidden.grad), rtol=1e-5)


def test_the_updates_are_those_of_the_optimizer() -> None:
    model, batch = mlp(4, 8, 3), classes()
    optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    axes = nn.plot_gradient_flow(model, "cross_entropy", batch, optimizer)
    before = model[0].weight.data.copy()
    nn.cross_entropy(model(batch[0]), batch[1]).backward()
    optimizer.step()
    ratio = np.linalg.norm(model[0].weight.data - before) / np.linalg.norm(before)
    np.testing.assert_allclose(axes.get_lines()[1].get_xdata()[0], ratio, rtol=1e-4)


def test_a_gradient_that_vanishes_and_one_that_explodes() -> None:
    deep = mlp(4, *[16] * 8, 3, activation=nn.Sigmoid)
    title = nn.plot_gradient_flow(deep, "cross_entropy", classes()).get_title(loc="left")
    assert title.startswith("The gradient vanishes: at layer 0 it is")
    large = mlp(4, *[16] * 8, 3, init=nn.init.normal(std=1.5))
    title = nn.plot_gradient_flow(large, "cross_entropy", classes()).get_title(loc="left")
    assert title.startswith("The gradient explodes")


def test_dead_units_and_large_steps_are_told() -> None:
    model = mlp(4, 8, 3)
    model[0].bias.data[...] = -50
    optimizer = nn.Adam(model.parameters(), lr=1.0)
    axes = nn.plot_gradient_flow(model, "cross_entropy", classes(), optimizer)
    assert "Layer 1 relu, 100% dead" in axes.get_title(loc="left")
    assert "gradient 0, update 0" in texts(axes)
    fine = mlp(4, 8, 3)
    optimizer = nn.SGD(fine.parameters(), lr=100.0)
    axes = nn.plot_gradient_flow(fine, "cross_entropy", classes(), optimizer)
    assert "try a smaller learning rate" in axes.get_title(loc="left")


def test_a_model_without_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="no layers with parameters"):
        nn.plot_gradient_flow(nn.ReLU(), "mse", (np.ones((2, 2)), np.ones((2, 2))))


# -------------------------------------------------------------------- animate_learning


def test_a_trainer_is_animated(tmp_path: Path) -> None:
    drawn: list[int] = []

    def draw(axes: Any, trainer: nn.Trainer) -> None:
        assert not axes.lines, "it begins empty"
        axes.plot([len(trainer.history), 1])
        drawn.append(len(trainer.history))

    model = mlp(4, 8, 3)
    movie = nn.animate_learning(tmp_path / "learning.gif", draw, frames=4, fps=10, size=(2, 2))
    trainer = nn.Trainer(model, "cross_entropy", nn.Adam(model.parameters()))
    trainer.fit(classes(), epochs=20, progress=False, callbacks=[movie])
    assert drawn == [0, 1, 3, 7, 20]
    with Image.open(tmp_path / "learning.gif") as image:
        assert 5 <= getattr(image, "n_frames", 1) <= 25  # Pillow joins equal frames
        assert image.size == (200, 200)
    assert [path.name for path in tmp_path.iterdir()] == ["learning.gif"]
    assert not plt.get_fignums()


def test_a_loop_of_ones_own_is_animated(tmp_path: Path) -> None:
    def draw(axes: Any, i: int) -> None:
        axes.set_title(str(i))

    movie = nn.animate_learning(tmp_path / "a.gif", draw, size=(1, 1))
    with pytest.raises(ValueError, match="there is no frame yet"):
        movie.save()
    for i in range(3):
        movie.frame(i)
    movie.save(hold=0)
    with Image.open(tmp_path / "a.gif") as image:
        assert getattr(image, "n_frames", 1) == 3


def test_a_failed_animation_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    path.write_bytes(b"before")

    def draw(axes: Any, i: int) -> None:
        if i == 2:
            raise RuntimeError("of drawing")

    movie = nn.animate_learning(path, draw, size=(1, 1))
    movie.frame(0)
    with pytest.raises(RuntimeError, match="of drawing"):
        movie.frame(2)
    assert path.read_bytes() == b"before"
    with pytest.raises(ValueError, match=r"a GIF, as in learning\.gif, not a\.mp4"):
        nn.animate_learning("a.mp4", draw)


# -------------------------------------------------------------------- without matplotlib


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("plot_history", ({"loss": [1.0]},)),
        ("plot_decision_boundary", (lambda p: p[:, 0], np.eye(2))),
        ("plot_gradient_flow", (mlp(4, 3), "cross_entropy", classes())),
        ("plot_predictions", (np.array([0]), np.zeros((1, 2, 2)), np.array([0]))),
        ("plot_filters", (np.zeros((1, 1, 2, 2)),)),
        ("plot_attention", (np.eye(2),)),
        ("animate_learning", ("a.gif", print)),
    ],
)
def test_without_matplotlib_the_remedy_is_told(
    name: str, arguments: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(module: str) -> Any:
        raise ModuleNotFoundError(module)

    function = getattr(nn, name)
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(
        ModuleNotFoundError, match=rf"^{name} needs matplotlib: pip install matplotlib$"
    ):
        function(*arguments)
