"""Smaller drawings of large graphs: clusters by call, folded modules, equal modules shown once."""

import re
import time

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor, draw_graph, scope
from tinygrad_edu.viz.outline import Outline


class Blocks(nn.Module):
    def __init__(self, n=12):
        self.blocks = nn.ModuleList([nn.TransformerBlock(8, 2) for _ in range(n)])
        self.head = nn.Dense(8, 4)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def batch():
    return Tensor(np.ones((2, 3, 8), np.float32), requires_grad=True, name="x")


def frames(drawing):
    """The labels of all clusters, sorted."""
    return sorted(re.findall(r"label=<<FONT[^>]*>(.*?)<", drawing.source))


def boxes(drawing):
    return re.findall(r"<B>(.*?)</B>", drawing.source)


def test_a_layer_used_twice_has_two_frames():
    layer = nn.Dense(3, 3)

    class Twice(nn.Module):
        def __init__(self):
            self.inner = nn.Sequential(layer, nn.Tanh())

        def forward(self, x):
            return self.inner(self.inner(x))

    drawing = draw_graph(Twice(), np.ones((2, 3)))
    assert frames(drawing) == ["0", "0", "1", "1", "inner", "inner #2"]
    tanh = [line for line in drawing.source.splitlines() if "<B>tanh</B>" in line]
    assert [len(line) - len(line.lstrip("\t")) for line in tanh] == [3, 3]


def test_a_path_entered_by_hand_is_one_call_each_time():
    x = Tensor(1.0, requires_grad=True)
    for _ in range(2):
        with scope("a.b"):
            x = x.exp()
    assert frames(draw_graph(x)) == ["a", "b", "b #2"]
    assert x.node.scope == "a.b"


def test_an_unnamed_constant_is_drawn_in_the_module_that_uses_it_and_a_named_one_outside():
    w = Tensor([1.0], requires_grad=True)
    with scope("layer"):
        y = (w * Tensor([1.0])) * Tensor([2.0, 3.0]) + Tensor([3.0], name="c")
    outline = Outline([y])
    homes = [(box.shape, box.frame.path) for box in outline.boxes if box.kind == "input"]
    assert homes == [((1,), ""), ((2,), "layer"), ((1,), "")]


def test_depth_folds_modules_into_one_box_each():
    model = Blocks(3)
    drawing = draw_graph(model, batch(), depth=1)
    assert boxes(drawing) == ["blocks", "head", "output"]
    assert "12 parameters" not in drawing.source
    parameters = sum(p.size for p in model.head.parameters())
    assert f"{parameters} parameters" in drawing.source
    assert drawing.source.count("->") == 2
    by_block = draw_graph(model, batch(), depth=2)
    assert [name for name in boxes(by_block) if name.isdigit()] == ["0", "1", "2"]
    assert "module" in by_block.source
    assert repr(by_block) == repr(draw_graph(model, batch())), "what was computed is the same"


def test_equal_modules_in_a_row_are_shown_once_with_their_number():
    x = batch() * 1.0
    whole, once = draw_graph(Blocks(4), x), draw_graph(Blocks(4), x, fold_repeats=True)
    single = draw_graph(Blocks(1), x)
    assert len(boxes(once)) == len(boxes(single)) < len(boxes(whole))
    assert "0  × 4" in frames(once)
    assert once.source.count("->") == single.source.count("->")


def test_modules_that_differ_are_not_taken_for_one():
    model = nn.Sequential(nn.Dense(3, 3), nn.Dense(3, 3), nn.Dense(3, 4), nn.Dense(4, 3))
    drawing = draw_graph(model, np.ones((2, 3)), fold_repeats=True)
    assert frames(drawing) == ["0  × 2", "2", "3"]
    both = draw_graph(model, np.ones((2, 3)), fold_repeats=True, depth=1)
    assert [name for name in boxes(both) if "×" in name] == ["0  × 2"]


def test_equal_modules_with_something_between_stay_apart():
    """One box for all of them would be computed from itself."""

    class Residual(nn.Module):
        def __init__(self):
            self.layers = nn.ModuleList([nn.Dense(3, 3) for _ in range(3)])

        def forward(self, x):
            for layer in self.layers:
                x = np.tanh(layer(x))
            return x

    drawing = draw_graph(Residual(), np.ones((2, 3)), fold_repeats=True)
    assert frames(drawing) == ["0", "1", "2", "layers"]


def test_a_model_or_a_function_is_drawn_with_its_inputs():
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    assert repr(draw_graph(lambda x: (x.exp(), [x.sum()]), x)) == "Graph(2 operations, 1 tensor)"
    with pytest.raises(TypeError, match="returned no Tensor"):
        draw_graph(lambda x: 3, x)
    with pytest.raises(TypeError, match=r"draw_graph\(model, x\)"):
        draw_graph(nn.Dense(2, 2))
    with pytest.raises(TypeError, match="not a model"):
        draw_graph(x, x)


@pytest.mark.parametrize("depth", [0, -1, 1.5, True, "1"])
def test_other_depths_are_an_error(depth):
    with pytest.raises(ValueError, match="positive integer"):
        draw_graph(Tensor(1.0, requires_grad=True).exp(), depth=depth)


def test_a_transformer_of_twelve_blocks_is_drawn_folded_soon():
    y = Blocks()(batch())
    start = time.perf_counter()
    draw_graph(y, depth=2)
    draw_graph(y, fold_repeats=True)
    assert time.perf_counter() - start < 5, "a fifth of a second, where nothing else is at work"


def test_ten_thousand_operations_are_drawn_with_a_note():
    y = Tensor(1.0, requires_grad=True)
    for i in range(100):
        with scope(f"layer{i}"):
            for _ in range(100):
                y = -y
    drawing = draw_graph(y)
    assert "too many to read" in drawing.source
    folded = draw_graph(y, depth=1)
    assert "too many to read" not in folded.source
    assert len(boxes(folded)) == 101
