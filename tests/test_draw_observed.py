"""Drawings of what was observed: names, values, gradients, their size as color, and failures."""

from __future__ import annotations

import re

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor, draw_graph, observe
from tinygrad_edu.viz import annotations


def leaf(values, name=None):
    return Tensor(np.array(values, float), requires_grad=True, name=name)


def box(drawing, word):
    (found,) = (s for s in drawing.source.splitlines() if re.match(rf".*<B>{word}</B>", s))
    return found


def fills(drawing):
    return re.findall(r'BGCOLOR="(#\w+)"', drawing.source)


def test_names_values_and_gradients():
    w = leaf([1.0, 2.0])
    with observe():
        h = np.tanh(w)
        loss = (h * 3.0).sum()
        loss.backward()
    drawing = draw_graph(loss)
    assert re.search(r">h</FONT> <FONT[^>]*>\(2,\)<", box(drawing, "tanh"))
    assert "= [0.7616, 0.964]" in box(drawing, "tanh")
    assert "∂ 3 everywhere" in box(drawing, "tanh")
    assert "= [1, 2]" in box(drawing, "w")
    assert "∂ [1.26, 0.212]" in box(drawing, "w")
    assert "did not run" not in drawing.source


def test_unobserved_is_drawn_as_ever():
    w = leaf([1.0, 2.0], "w")
    loss = np.tanh(w).sum()
    before = draw_graph(loss).source
    loss.backward()
    assert draw_graph(loss).source == before
    assert "∂ [" not in before
    assert "rms" not in before


def test_without_a_backward_pass_the_drawing_says_so():
    with observe():
        y = leaf([1.0], "w") * 2
    drawing = draw_graph(y)
    assert "no gradients: backward() did not run" in drawing.source
    assert "= 2" in drawing.source


def test_gradients_are_drawn_only_where_backward_ran():
    v, w = leaf([1.0], "v"), leaf([2.0], "w")
    with observe():
        a, b = v * 2, w * 3
        a.backward()
    drawing = draw_graph([a, b])
    assert "∂ [2]" in box(drawing, "v")
    assert "∂" not in box(drawing, "w").replace("∂L", "")


def test_large_arrays_by_their_size():
    w = leaf(np.full((3, 3), 2.0) + np.eye(3), "w")
    with observe():
        loss = (w * w).sum()
        loss.backward()
    assert f"rms {np.sqrt((w.data**2).mean()):.3g}" in box(draw_graph(loss), "w")


def test_color_by_the_size_of_the_gradient():
    x = leaf([1.0], "x")
    with observe():
        y = x * 1e-3
        loss = (y * 1e-3).sum()
        loss.backward()
    drawing = draw_graph(loss, color="gradient")
    assert annotations.SCALE[0] in box(drawing, "x")
    assert annotations.SCALE[-1] in box(drawing, "sum")
    assert "rms of ∂ 1.0e-06" in drawing.source
    assert annotations.SCALE[-1] not in fills(draw_graph(loss))


@pytest.mark.parametrize(("f", "fill"), [("zero", annotations.DEAD), ("inf", annotations.BROKEN)])
def test_dead_and_broken_gradients_have_colors_of_their_own(f, fill):
    x = leaf([0.0], "x")
    with observe():
        loss = (np.maximum(x - 1, 0) if f == "zero" else np.sqrt(x)).sum()
        loss.backward()
    assert f'BGCOLOR="{fill}"' in box(draw_graph(loss, color="gradient"), "x")


def test_color_has_one_other_value():
    with pytest.raises(ValueError, match='color is None or "gradient"'):
        draw_graph(leaf(1.0), color="blue")


def test_the_op_that_failed_is_marked():
    layer = nn.Dense(4, 8)
    with observe() as seen:
        h = layer(np.ones((5, 4)))
        with pytest.raises(ValueError, match="matmul"):
            h @ layer.weight
    drawing = draw_graph(seen)
    failed = box(drawing, "matmul")
    assert 'BORDER="4" COLOR="#dc2626"' in failed
    assert "the last axis of the first (8)" in re.sub(r"<[^>]*>", " ", failed)
    assert "(5, 8)" in box(drawing, "dense")
    assert repr(drawing) == "Graph(2 operations, 3 tensors)"
    assert "output" not in drawing.source


def test_an_observation_without_a_failure():
    with observe() as seen:
        pass
    with pytest.raises(ValueError, match="draws the op that failed, and none did"):
        draw_graph(seen)


def test_names_of_users_are_escaped():
    x = leaf([1.0])
    names = {"x": x, "np": np}
    with observe():
        exec(compile("d = {}\nd['</script><b>'] = np.exp(x)\ny = d['</script><b>'] * 2", "a", "exec"), names)  # fmt: skip  # noqa: E501
        names["y"].backward()
    source = draw_graph(names["y"]).source
    assert "</script><b>" not in source
    assert "&lt;/script&gt;&lt;b&gt;" in source


def test_ops_with_several_outputs():
    x = leaf([[2.0, 1.0], [1.0, 3.0]], "x")
    with observe():
        values, _ = np.linalg.eigh(x)
        loss = values.sum()
        loss.backward()
    assert "∂ [[1, 0], [" in box(draw_graph(loss, color="gradient"), "x")
