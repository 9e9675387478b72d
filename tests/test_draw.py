"""Drawings of graphs: their DOT source, files and notebooks."""

import base64
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from tinygrad_edu import Tensor, op, ops, scope
from tinygrad_edu.viz import Graph, draw_graph, render


def parameter(*shape, name=None):
    return Tensor(np.ones(shape), requires_grad=True, name=name)


def arrows(drawing):
    """The edges as (tail, head without its side), in order."""
    return re.findall(r"^\t(n\d+) -> (n\d+(?::p\d+)?)", drawing.source, re.MULTILINE)


def box(drawing, word):
    """The id and the line of the only box with `word` in bold in its label."""
    found = [
        line.strip() for line in drawing.source.splitlines() if re.match(rf".*<B>{word}</B>", line)
    ]
    assert len(found) == 1, found
    return found[0].split()[0], found[0]


def legend(drawing):
    last = drawing.source.rstrip().splitlines()[-2]
    return re.findall(r">(operation|parameter|input|output)<", last)


def mlp():
    x, targets = Tensor(np.ones((4, 3)), name="x"), Tensor([0, 1, 0, 1], name="targets")
    with scope("layers"):
        with scope("0"):
            h = ops.dense(x, parameter(3, 5, name="W0"), parameter(5, name="b0")).relu()
        with scope("1"):
            h = ops.dense(h, parameter(5, 2, name="W1"), parameter(2, name="b1"))
    loss = ops.cross_entropy(h, targets).mean()
    loss.name = "loss"
    return loss


# -------------------------------------------------------------------- DOT source


def test_both_edges_of_x_times_x_are_drawn():
    x = parameter(2, name="x")
    drawing = draw_graph(x * x)
    (leaf, _), (product, _), (end, _) = (box(drawing, w) for w in ("x", "multiply", "output"))
    assert arrows(drawing) == [(leaf, f"{product}:p0"), (leaf, f"{product}:p1"), (product, end)]
    assert repr(drawing) == "Graph(1 operation, 1 tensor)"


def test_operations_show_formula_statics_shape_and_name_and_derivative_as_tooltip():
    h = parameter(2, 3).sum(axis=0, keepdims=True)
    h.name = "hidden"
    drawing = draw_graph(h.tanh())
    _, line = box(drawing, "sum")
    label, tooltip = line.split("tooltip=")
    assert ">y = Σ xᵢ<" in label
    assert ">axis=0, keepdims=True<" in label
    assert ">hidden<" in label
    assert ">(1, 3)<" in label
    assert "∂" not in label
    assert "∂L/∂xᵢ = g" in tooltip
    assert "axis" not in box(draw_graph(parameter(2).sum()), "sum")[1]


def test_static_arguments_are_shown_as_in_code_and_arrays_by_dtype_and_shape():
    x = parameter(9, 4)
    assert "index=(1:, ::2)" in draw_graph(x[1:, ::2]).source
    assert "index=int64[9]" in draw_graph(x[np.arange(9)]).source
    assert "shape=(4, 9)" in draw_graph(x.reshape(4, 9)).source


def test_parameters_inputs_and_outputs_differ_in_outline_and_color():
    w = parameter(3, name="w")
    drawing = draw_graph((w * Tensor([1.0, 2.0, 3.0], name="x")).sum())
    w_line, x_line = box(drawing, "w")[1], box(drawing, "x")[1]
    assert "(3,) float64" in w_line
    assert "(3,) float64" in x_line
    styles = [
        re.search(r"<<TABLE (.*?) CELLBORDER", line)[1]
        for line in (w_line, x_line, box(drawing, "sum")[1], box(drawing, "output")[1])
    ]
    assert len(set(styles)) == 4
    outlines = [re.sub(r"\w*COLOR=\S+", "", style) for style in styles]
    assert len(set(outlines)) == 4


def test_the_legend_lists_only_kinds_that_occur():
    w = parameter(3, name="w")
    assert legend(draw_graph(w * w)) == ["operation", "parameter", "output"]
    assert legend(draw_graph(w)) == ["parameter"]
    assert legend(draw_graph(Tensor(1.0))) == ["input"]
    assert legend(draw_graph(mlp())) == ["operation", "parameter", "input", "output"]


def test_a_tensor_without_a_graph_is_drawn_as_one_box():
    for tensor, kind in [(Tensor([1.0], name="c"), "input"), (parameter(1, name="c"), "parameter")]:
        drawing = draw_graph(tensor)
        assert kind in box(drawing, "c")[1]
        assert arrows(drawing) == []
        assert repr(drawing) == "Graph(0 operations, 1 tensor)"


def test_numbers_are_shown_in_the_operation_and_omitted_arguments_are_not():
    drawing = draw_graph((parameter(2, name="x") ** 2) * 0.1)
    assert ">y = 2<" in drawing.source
    assert ">y = 0.1<" in drawing.source
    assert repr(drawing) == "Graph(2 operations, 1 tensor)"

    @op(None, lambda g: g, lambda g: g, method=False)
    def shifted(x, by=None):
        """Shift.
        z = x + by"""
        return x if by is None else x + by

    w = parameter(2, name="w")
    assert "PORT" not in draw_graph(shifted(w)).source
    assert draw_graph(shifted(w, w)).source.count("PORT") == 2


def test_a_named_constant_used_twice_is_one_box_and_unnamed_ones_are_separate():
    w, c = parameter(2, name="w"), Tensor([1.0, 2.0], name="c")
    drawing = draw_graph(w * c + c)
    assert len([tail for tail, _ in arrows(drawing) if tail == box(drawing, "c")[0]]) == 2
    assert repr(draw_graph(w * Tensor([1.0, 2.0]) + Tensor([3.0, 4.0]))).endswith("3 tensors)")


def test_several_outputs_with_intermediate_tensors_and_leaves_among_them():
    w = parameter(2, name="w")
    h = w.exp()
    loss = h.sum()
    h.name, loss.name = "h", "loss"
    c = Tensor(0.0, name="c")
    drawing = draw_graph([loss, h, w, c, loss])
    source = drawing.source
    for word, times in {"h": 1, "loss": 1, "w": 2, "c": 2}.items():
        assert source.count(f"<B>{word}</B>") == times
    assert (box(drawing, "exp")[0], box(drawing, "h")[0]) in arrows(drawing)
    assert len(arrows(drawing)) == 6
    assert draw_graph((loss, h)).source == draw_graph([loss, h]).source


@pytest.mark.parametrize("join", [np.stack, np.concatenate])
def test_every_item_of_a_sequence_has_its_port(join):
    a, b = parameter(2, name="a"), parameter(2, name="b")
    drawing = draw_graph(join([a, Tensor([1.0, 2.0], name="c"), b, a]))
    tails = [box(drawing, word)[0] for word in "acba"]
    joined = box(drawing, join.__name__)[0]
    assert arrows(drawing)[:-1] == [(tail, f"{joined}:p{i}") for i, tail in enumerate(tails)]


def test_modules_are_nested_frames_with_their_parameters_inside():
    frame, inside = [], {}
    for line in draw_graph(mlp()).source.splitlines():
        if "subgraph cluster_" in line:
            frame.append("?")
        elif frame and (label := re.match(r".*label=<<FONT[^>]*>(.*?)<", line)):
            frame[-1] = label[1]
        elif frame and line.strip() == "}":
            frame.pop()
        elif word := re.match(r"\s*n\d+ \[.*?<B>(\w+)</B>", line):
            inside.setdefault(word[1], []).append(".".join(frame))
    assert {word: sorted(frames) for word, frames in inside.items()} == {
        "x": [""],
        "targets": [""],
        "W0": ["layers.0"],
        "b0": ["layers.0"],
        "W1": ["layers.1"],
        "b1": ["layers.1"],
        "relu": ["layers.0"],
        "dense": ["layers.0", "layers.1"],
        "cross_entropy": [""],
        "mean": [""],
        "loss": [""],
    }


def test_a_parameter_shared_by_two_modules_is_in_neither():
    w = parameter(2, name="w")
    with scope("a.x"):
        y = w.exp()
    with scope("a.y"):
        y = y * w
    lines = draw_graph(y).source.splitlines()
    at = next(i for i, line in enumerate(lines) if "<B>w</B>" in line)
    assert lines[at].startswith("\t\tn")
    assert not lines[at].startswith("\t\t\t")


def test_the_source_is_the_same_each_time_and_after_backward():
    loss = mlp()
    before = draw_graph(loss).source
    assert draw_graph(mlp()).source == before
    loss.backward()
    assert draw_graph(loss).source == before


def test_direction():
    assert "rankdir=LR" in draw_graph(mlp()).source
    down = draw_graph(mlp(), direction="TB")
    assert "rankdir=TB" in down.source
    assert down.svg()
    with pytest.raises(ValueError, match="LR"):
        draw_graph(mlp(), direction="BT")


def test_other_types_are_an_error():
    with pytest.raises(TypeError, match="not ndarray"):
        draw_graph(np.ones(2))
    with pytest.raises(TypeError, match="not float"):
        draw_graph([parameter(2), 1.0])
    with pytest.raises(ValueError, match="at least one"):
        draw_graph([])


@pytest.mark.parametrize(
    "name", ['<b>&"x\n', "\\N", "]]>", "a\\", "<>", " ", "&amp;", "\x00\ud800", "名前", "x" * 500]
)
def test_any_name_is_drawn(name):
    x = parameter(2, name=name)
    with scope(name.replace(".", "")):
        y = x * 2.0
    y.name = name
    drawing = draw_graph([y.sum(), y])
    texts = [e.text for e in ElementTree.fromstring(drawing.svg()).iter() if e.text]
    printed = "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)
    if len(name) < 40 and printed.strip():
        assert sum(text.replace("\xa0", " ") == printed for text in texts) >= 3
    else:
        assert "x" * 41 not in re.sub(r"tooltip=.*", "", drawing.source)


def test_a_long_chain_is_drawn_without_recursion():
    y = x = parameter()
    for _ in range(20_000):
        y = -y
    drawing = draw_graph(y)
    assert drawing.source.count("<B>negative</B>") == 20_000
    assert "too large" in drawing._repr_mimebundle_()["text/plain"]
    assert x.node is not None


# -------------------------------------------------------------------- files and notebooks


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


@pytest.fixture
def no_renderer(no_dot, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


@pytest.mark.parametrize(
    ("suffix", "signature"),
    [("svg", b"<?xml"), ("png", b"\x89PNG\r\n\x1a\n"), ("pdf", b"%PDF"), ("dot", b"digraph {")],
)
def test_files_have_the_format_of_their_suffix(suffix, signature, tmp_path):
    path = draw_graph(mlp()).save(str(tmp_path / f"x.{suffix}"))
    assert path == tmp_path / f"x.{suffix}"
    assert path.read_bytes().startswith(signature)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_pygraphviz_renders_where_there_is_no_dot(no_dot):
    pytest.importorskip("pygraphviz")
    svg = draw_graph(mlp()).svg()
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert "cross_entropy" in svg


def test_png_has_twice_the_resolution_of_the_svg(tmp_path):
    drawing = draw_graph(mlp())
    width = float(re.search(r'width="(\d+)pt"', drawing.svg())[1])
    png = drawing.save(tmp_path / "x.png").read_bytes()
    assert int.from_bytes(png[16:20], "big") == pytest.approx(2 * width, rel=0.05)
    assert "dpi" not in drawing.source


def test_without_a_renderer_the_error_names_both_remedies_and_dot_still_works(
    no_renderer, tmp_path
):
    drawing = draw_graph(mlp())
    for suffix in ("svg", "png", "pdf"):
        with pytest.raises(RuntimeError, match=r"pip install pygraphviz.*install Graphviz.*x\.dot"):
            drawing.save(tmp_path / f"x.{suffix}")
        assert not (tmp_path / f"x.{suffix}").exists()
    assert drawing.save(tmp_path / "x.dot").read_text("utf-8") == drawing.source


def test_a_notebook_shows_the_drawing_or_why_it_cannot(no_renderer, monkeypatch):
    shown = draw_graph(mlp())._repr_mimebundle_()
    assert list(shown) == ["text/plain"]
    assert "pip install pygraphviz" in shown["text/plain"]
    assert "digraph {" in shown["text/plain"]
    monkeypatch.undo()
    shown = draw_graph(mlp())._repr_mimebundle_()
    assert list(shown) == ["text/html", "text/plain"], "JupyterLab shows others as text, untrusted"
    image = ElementTree.fromstring(shown["text/html"].replace(">", "/>"))
    kind, _, content = image.attrib["src"].partition(",")
    assert (image.tag, kind) == ("img", "data:image/svg+xml;base64")
    assert "cross_entropy" in base64.b64decode(content).decode()
    assert image.attrib["alt"] == shown["text/plain"] == "Graph(5 operations, 6 tensors)"


def test_the_image_of_a_notebook_escapes_what_it_is_called():
    image = render.as_image("<svg/>", '"><script>\n')
    assert image.startswith('<img alt="&quot;&gt;&lt;script&gt;\\n" src=')


def test_drawing_says_nothing_of_fonts():
    """Whatever the system's settings of Fontconfig."""
    pytest.importorskip("pygraphviz")
    code = "from tinygrad_edu import Tensor, draw_graph; draw_graph(Tensor(1.0)).svg()"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr == ""


@pytest.mark.parametrize("broken", ["render", "write"])
def test_files_are_replaced_atomically(broken, monkeypatch, tmp_path):
    def fail(*args):
        raise OSError("broken")

    path = tmp_path / "x.svg"
    path.write_text("old")
    drawing = draw_graph(mlp())
    if broken == "render":
        monkeypatch.setattr(render, "render", fail)
    else:
        monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="broken"):
        drawing.save(path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.svg"]


def test_other_suffixes_and_missing_folders_are_errors(tmp_path):
    drawing = draw_graph(mlp())
    for name in ("x.gif", "x"):
        with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.dot"):
            drawing.save(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        drawing.save(tmp_path / "missing" / "x.dot")
    assert isinstance(drawing, Graph)
    assert list(tmp_path.iterdir()) == []
