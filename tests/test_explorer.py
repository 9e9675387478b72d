"""What an explorer page says: its data, checked against the engine; sizes, escaping, files."""

import hashlib
import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu
from examples import see_backprop
from tests.explorer_graphs import blocks, elements, matrix, network, page_data, scalar
from tinygrad_edu import Tensor, draw_graph, observe, op, ops, scope
from tinygrad_edu.viz import arrays, mathml, render
from tinygrad_edu.viz.recording import Recording

WEB = Path(tinygrad_edu.__file__).parent / "viz" / "web"


def by_label(data):
    return {box["label"]: box for box in data["boxes"]}


# -------------------------------------------------------------------- steps


def test_the_steps_are_the_forward_pass_and_then_each_contribution():
    data = page_data(scalar())
    said = [step["say"] for step in data["steps"]]
    assert said[:4] == [
        "Forward: multiply(x, w)",
        "Forward: y = tanh(multiply)",
        "Forward: multiply(y, y)",
        "Forward: loss = add(multiply#2, x)",
    ]
    assert said[4] == "Backward begins: ∂loss/∂loss = 1"
    assert said[5] == "Backward: add sends 1 to multiply#2"
    assert said[6] == "Backward: add sends 1 to x, contribution 1 of 2: they are added"
    assert data["forward"] == 4
    assert len(said) == 4 + 1 + 7
    assert data["steps"][6]["previous"] is None
    last = max(i for i, step in enumerate(data["steps"]) if step.get("target_name") == "x")
    assert data["steps"][last]["previous"] == 6


@pytest.mark.parametrize("graph", [scalar, matrix, network])
def test_values_and_gradients_are_the_engines(graph):
    loss = graph()
    recording = Recording([loss.node])
    data = page_data(loss)
    boxes = by_label(data)
    assert len(recording.gradients) > 5
    for node, expected in {**recording.values, **recording.gradients}.items():
        kind = "gradient" if expected is recording.gradients.get(node) else "value"
        array = data["arrays"][boxes[recording.labels[node]][kind]]
        assert array["shape"] == list(np.shape(expected))
        found = elements(array)
        axes = [a or range(n) for a, n in zip(array.get("axes", []), array["shape"], strict=False)]
        shown = expected[np.ix_(*axes)] if axes else np.asarray(expected)
        scale = max(abs(np.asarray(expected)).max(), 1e-300)
        np.testing.assert_allclose(found / scale, shown / scale, atol=1e-5)


def test_every_contribution_names_its_arrow_and_its_box():
    loss = network()
    data, recording = page_data(loss), Recording([loss.node])
    steps = [step for step in data["steps"] if step["kind"] == "contribution"]
    assert len(steps) == len(recording.contributions)
    for step, contribution in zip(steps, recording.contributions, strict=True):
        arrow = data["arrows"][step["arrow"]]
        assert (arrow["tail"], arrow["head"]) == (step["target"], step["box"])
        assert data["boxes"][step["box"]]["op"] == contribution.node.op.name
        assert step["blocks"]


def test_an_equation_multiplies_out():
    """upstream × local = contribution, in the numbers that the page shows."""
    data = page_data(scalar())
    checked = 0
    for step in data["steps"]:
        for block in step.get("blocks", ()):
            if block["kind"] == "equation" and "×" in block["parts"]:
                upstream, local, result = (
                    elements(data["arrays"][part[0]])
                    for part in block["parts"]
                    if not isinstance(part, str)
                )
                np.testing.assert_allclose(upstream * local, result, rtol=1e-4)
                checked += 1
    assert checked == 7


def test_listed_terms_add_up_where_no_rule_gives_them():
    x = Tensor(np.linspace(-1, 1, 30).reshape(5, 6), requires_grad=True, name="x")
    with observe():
        loss = (ops.softmax(x) ** 2).sum()
        loss.backward()
    steps = page_data(loss)["steps"]
    (block,) = (b for s in steps for b in s.get("blocks", ()) if b.get("rule") == "listed")
    assert 10 < len(block["terms"]) <= 16
    largest = np.unravel_index(abs(x.grad).argmax(), x.shape)
    assert tuple(block["terms"][0]["cell"]) == largest
    for each in block["terms"]:
        assert each["total"] == pytest.approx(x.grad[tuple(each["cell"])], rel=1e-5)
        products = [upstream * local for upstream, _, local, _, _ in each["terms"]]
        assert products == pytest.approx([term[4] for term in each["terms"]], rel=1e-4)
        assert each["more"] == 0
        assert sum(products) == pytest.approx(each["total"], abs=1e-5)


def test_a_rule_names_the_arrays_that_it_multiplies():
    data = page_data(matrix())
    blocks = [b for s in data["steps"] for b in s.get("blocks", ()) if b["kind"] == "cells"]
    assert [block["rule"] for block in blocks].count("pairs") == 1
    (pairs,) = (block for block in blocks if block["rule"] == "pairs")
    assert elements(data["arrays"][pairs["kept"]]).tolist() == [[1, 2, -1], [0.5, -2, 3]]
    upstream, result = (elements(data["arrays"][pairs[key]]) for key in ("upstream", "result"))
    kept = elements(data["arrays"][pairs["kept"]])
    np.testing.assert_allclose(kept.T @ upstream, result, rtol=1e-4)
    headings = [b for s in data["steps"] for b in s.get("blocks", ()) if b["kind"] == "heading"]
    assert len(headings) == 1, "the bias is summed back over axis 0"


def test_what_a_selection_left_out_becomes_0():
    x = Tensor([0.0, 4.0], requires_grad=True, name="x")
    with observe():
        loss = np.where(x.data > 0, np.sqrt(x), 0.0).sum()
        loss.backward()
    data = page_data(loss)
    texts = [b["text"] for b in data["steps"][-1]["blocks"] if b["kind"] == "text"]
    assert texts == [
        "What a selection left out sends nothing back, so that what is not finite becomes 0:"
    ]


def test_what_only_moves_elements_says_whether_they_are_copied_or_added():
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True, name="x")
    with observe():
        loss = x[np.array([0, 0, 2])].sum()
        loss.backward()
    steps = page_data(loss)["steps"]
    texts = [b["text"] for s in steps for b in s.get("blocks", ()) if b["kind"] == "text"]
    assert texts == [
        "Elements are copied, nothing else. For example contribution[0] = upstream.",
        "Elements are added up; where nothing came from, the gradient is 0. "
        "For example contribution[0] = upstream[0] + upstream[1].",
    ]


def test_the_formula_of_the_right_argument_is_shown():
    y = Tensor(2.0, requires_grad=True, name="height")
    x = Tensor(3.0, requires_grad=True, name="width")
    with observe():
        angle = np.arctan2(y, x)
        angle.backward()
    data = page_data(angle)
    derivatives = data["ops"]["arctan2"]["derivatives"]
    assert "<mi>y</mi>" in derivatives[0].partition("=")[0]
    sent = {s["target_name"]: s["derivative"] for s in data["steps"] if "derivative" in s}
    assert len(derivatives) == 2
    assert sorted(sent.values()) == [0, 1]


def test_source_lines_are_marked_and_say_no_folder():
    data = page_data(scalar())
    where = by_label(data)["y"]["where"]
    assert where["file"] == "explorer_graphs.py"
    assert where["function"] == "scalar"
    assert "np.tanh(x * w)" in where["text"]
    assert str(Path(__file__).parent) not in draw_graph(scalar()).page()


# -------------------------------------------------------------------- what is not there


def test_a_page_without_values_says_how_to_get_them():
    x = Tensor(1.0, requires_grad=True, name="x")
    y = x.exp()
    page = draw_graph(y).page()
    assert "<code>with observe():</code>" in page
    data = page_data(y)
    assert (data["steps"], data["backward"]) == ([], False)
    assert "value" in data["boxes"][0]
    with observe():
        y = x.exp()
    page = draw_graph(y).page()
    assert "There are no gradients here" in page
    assert [step["kind"] for step in page_data(y)["steps"]] == ["forward"]


def test_an_op_that_failed_is_marked_and_says_why():
    w = Tensor(np.ones((2, 3)), requires_grad=True, name="w")
    with observe() as seen, pytest.raises(ValueError, match="matmul"):
        np.exp(w) @ np.ones((2, 2))
    drawing = draw_graph(seen)
    kinds = [box["kind"] for box in page_data(drawing)["boxes"]]
    assert kinds.count("failed") == 1
    (failed,) = (box for box in page_data(drawing)["boxes"] if box["kind"] == "failed")
    assert failed["lines"][-1] == "failed"
    steps = page_data(drawing)["steps"]
    assert steps[-1]["say"].startswith("Forward: matmul(exp")
    assert steps[-1]["say"].endswith("failed")
    assert "<p>matmul failed: " in drawing.page()


def test_a_drawing_colored_by_gradient_opens_so():
    assert page_data(draw_graph(scalar(), color="gradient"))["coloring"] == "gradient"


def test_a_constant_and_a_freed_graph_have_pages():
    data = page_data(Tensor([1.0, 2.0], name="c"))
    assert [box["kind"] for box in data["boxes"]] == ["input"]
    assert elements(data["arrays"][data["boxes"][0]["value"]]).tolist() == [1.0, 2.0]
    x = Tensor(1.0, requires_grad=True)
    y = x.exp()
    y.backward()
    assert page_data(y)["steps"] == []


def test_several_outputs_infinities_and_empty_arrays_have_pages():
    a = Tensor([[2.0, 1.0], [1.0, 3.0]], requires_grad=True, name="A")
    with observe():
        w, v = np.linalg.eigh(a)
        loss = w.sum() + v.sum()
        loss.backward()
    assert page_data(loss)["backward"]
    x = Tensor([0.0, -1.0], requires_grad=True)
    with observe():
        with np.errstate(all="ignore"):
            y = np.log(x).sum() + Tensor(np.zeros((0, 3)), requires_grad=True).sum()
        y.backward()
    texts = {str(x) for array in page_data(y)["arrays"] for x in array.get("values", ())}
    assert {"-Infinity", "NaN", "Infinity"} <= texts


def test_a_derivative_can_itself_be_stepped_through():
    x = Tensor(2.0, requires_grad=True, name="x")
    with observe():
        y = x**3
        (slope,) = tinygrad_edu.grad(y, [x], create_graph=True)
        slope.backward()
    data = page_data(slope)
    assert data["forward"] > 1
    x_box = by_label(data)["x"]
    assert elements(data["arrays"][x_box["gradient"]]) == pytest.approx(12.0)


# -------------------------------------------------------------------- names and sizes

EVIL = "</script><b>\"'&{{data}}\u2028\\"


class _Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_names_are_escaped_everywhere():
    plain = _Elements(draw_graph(_named("loss")).page()).found
    drawing = draw_graph(_named(EVIL))
    assert [tag for tag, _ in _Elements(drawing.page()).found] == [tag for tag, _ in plain]
    data = page_data(drawing)
    name = EVIL.replace("\u2028", "\\u2028")
    assert name in {box["title"] for box in data["boxes"]}
    assert name in {frame["name"] for frame in data["frames"]}
    ElementTree.fromstring(drawing.svg())
    shown = drawing._repr_mimebundle_()["text/html"]
    assert [tag for tag, _ in _Elements(shown).found] == ["div", "img", "p", "div", "iframe"]


def _named(name):
    x = Tensor(1.0, requires_grad=True, name=name)
    with observe(), scope(name):
        y = x * 2.0
        y.name = name
        y.backward()
    return y


def test_the_formula_of_an_op_of_ones_own_is_escaped():
    @op(None, lambda g, x: g, method=False)
    def odd(x):
        """</script><b>summary.
        y = <b> x² </script> & √,  ∂L/∂x = g"""
        return x

    y = odd(Tensor(1.0, requires_grad=True))
    entry = page_data(y)["ops"]["odd"]
    for markup in [entry["forward"], *entry["derivatives"]]:
        ElementTree.fromstring(markup)
    assert entry["summary"] == "</script><b>summary."


def test_a_page_of_a_small_network_is_below_300_kilobytes():
    assert len(draw_graph(network()).page().encode()) < 300_000


def test_any_page_is_below_5_megabytes(monkeypatch):
    big = draw_graph(network(1024, 256))
    assert len(big.page().encode()) < 5_000_000
    small = big.page(240_000)
    assert len(small.encode()) < 250_000
    assert "elements are shown, to keep the page small" in small
    assert "to keep the page small" not in draw_graph(scalar()).page()


def test_twelve_blocks_fit_and_open_folded():
    page = draw_graph(blocks(12)).page()
    assert len(page.encode()) < 5_000_000
    data = page_data(page)
    assert data["stride"] == "module"
    assert sum(frame["folded"] for frame in data["frames"]) >= 12


def test_a_page_opens_folded_as_the_drawing_was():
    loss = blocks(3)
    repeats = page_data(draw_graph(loss, fold_repeats=True))
    top = [f["folded"] for f in repeats["frames"] if f["outer"] == 0]
    assert top == [False, True, True], "the first block stands for all"
    by_depth = page_data(draw_graph(loss, depth=1))
    assert all(f["folded"] for f in by_depth["frames"] if f["outer"] == 0)


def test_a_graph_of_ten_thousand_nodes_has_a_page():
    y = Tensor(1.0, requires_grad=True)
    for i in range(100):
        with scope(f"layer{i}"):
            for _ in range(100):
                y = -y
    assert len(draw_graph(y).page().encode()) < 5_000_000


# -------------------------------------------------------------------- arrays


def test_samples_of_axes_of_one_length_are_at_the_same_indices():
    wide, _ = arrays.values(np.random.default_rng(0).normal(size=(200, 300)))
    other, _ = arrays.values(np.random.default_rng(0).normal(size=(300, 100)))
    assert wide["axes"][1] == other["axes"][0]
    assert (wide["axes"][1][0], wide["axes"][1][-1]) == (0, 299)


@pytest.mark.parametrize("shape", [(), (0,), (3,), (7, 7), (64, 1, 28, 28), (5000,), (1, 1, 9000)])
def test_arrays_are_encoded_within_the_limit(shape):
    array = np.asarray(np.random.default_rng(0).normal(size=shape))
    values, numbers = arrays.values(array, 256)
    entry = arrays.describe(array) | values
    if numbers is not None:
        entry["numbers"] = numbers
    found = elements(entry)
    assert found.size <= max(256, arrays.FULL)
    if array.size <= arrays.FULL:
        np.testing.assert_allclose(found, array, rtol=1e-5)
    assert entry.get("mean", 0.0) == pytest.approx(array.mean() if array.size else 0.0, rel=1e-5)


def test_statistics_are_of_finite_values_and_do_not_overflow():
    found = arrays.describe(np.array([1e300, -1e300, np.nan, np.inf, 0.0]))
    assert (found["nan"], found["inf"], found["zeros"]) == (1, 1, 1)
    assert found["norm"] == pytest.approx(1.41421e300)
    assert found["std"] == pytest.approx(8.16497e299)
    assert arrays.describe(np.array([True, False]))["mean"] == 0.5


@pytest.mark.parametrize("size", [1e-300, 1e-5, 1.0, 1e300])
def test_numbers_are_exact_to_single_precision_at_any_size(size):
    array = np.random.default_rng(0).normal(size=100) * size
    entry, numbers = arrays.values(array)
    np.testing.assert_allclose(numbers.astype(float) * entry["scale"], array, rtol=1e-7)


def test_equal_arrays_are_held_once():
    held = arrays.Arrays()
    assert held.number(np.ones(3)) == held.number(np.ones(3)) == 0
    assert held.number(np.ones(3, np.float32)) == 1
    assert held.number(None) is None


# -------------------------------------------------------------------- formulas


def test_every_formula_becomes_mathml_that_says_the_same():
    declared = {getattr(getattr(ops, name), "op", None) for name in dir(ops)} - {None}
    assert len(declared) > 100
    for each in declared:
        forward, derivatives = mathml.formulas(each.formula)
        parsed = [ElementTree.fromstring(markup) for markup in (forward, *derivatives)]
        text = unicodedata.normalize("NFKD", "".join("".join(e.itertext()) for e in parsed))
        plain = unicodedata.normalize("NFKD", each.formula).replace("∛", "∛3")
        for letter in "∂xygWLn0123456789":
            assert text.count(letter) == plain.count(letter), (each.formula, letter)


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("x²", "<msup><mi>x</mi><mn>2</mn></msup>"),
        ("aₖ₋₁", "<msub><mi>a</mi><mrow><mi>k</mi><mo>−</mo><mn>1</mn></mrow></msub>"),
        ("a / b", "<mfrac><mrow><mi>a</mi></mrow><mrow><mi>b</mi></mrow></mfrac>"),
        ("a / Σ b", "<mfrac><mrow><mi>a</mi></mrow><mrow><mo>Σ</mo>"),
        ("√(1 - x)", "<msqrt><mrow><mi>1</mi>"),
        ("a <b>", "<mo>&lt;</mo>"),
        ("((", "<mo>(</mo><mo>(</mo>"),
        ("", "<math></math>"),
    ],
)
def test_formulas_in_mathml(text, markup):
    found = mathml.mathml(text)
    ElementTree.fromstring(found)
    assert markup.replace("<mi>1</mi>", "<mn>1</mn>") in found


# -------------------------------------------------------------------- files


def test_what_is_vendored_is_what_was_published():
    table = (WEB / "vendor" / "README.md").read_text(encoding="utf-8")
    (name, digest), *others = re.findall(
        r"^\| `([^`]+)`.*`([0-9a-f]{64})` \|$", table, re.MULTILINE
    )
    assert not others
    content = (WEB / "vendor" / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest
    assert "Permission is hereby granted" in (WEB / "vendor" / "dagre.LICENSE.txt").read_text()


def test_a_page_names_no_address_to_fetch():
    page = draw_graph(scalar()).page()
    addresses = set(re.findall(r"\b(?:https?:)?//[\w.-]+\.\w+[^\s\"'<]*", page))
    assert all("www.w3.org" in address or "github" in address for address in addresses), addresses
    assert "default-src 'none'" in page
    for tag, attributes in _Elements(page).found:
        assert not (attributes.keys() & {"src", "href"}), tag


def test_the_example_writes_all_pages(tmp_path, capsys):
    see_backprop.main(["--blocks", "2", "--out", str(tmp_path)])
    pages = sorted(path.stem for path in tmp_path.glob("*.html"))
    assert pages == [
        "convolution", "matrices", "network", "numbers", "transformer", "vanishing"
    ]  # fmt: skip
    assert {*pages, "blocks"} == {path.stem for path in tmp_path.glob("*.svg")}
    assert f"open {tmp_path / 'numbers.html'}" in capsys.readouterr().out


def test_explore_opens_the_page_in_a_browser(monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(render.webbrowser, "open", opened.append)
    path = draw_graph(scalar()).explore(tmp_path / "x.html")
    assert opened == [path.as_uri()]
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert draw_graph(scalar()).explore().exists()


def test_a_notebook_has_the_picture_below_the_explorer():
    drawing = draw_graph(scalar())
    shown = drawing._repr_mimebundle_()
    assert list(shown) == ["text/html", "text/plain"]
    found = _Elements(shown["text/html"]).found
    (image,) = (attributes for tag, attributes in found if tag == "img")
    (frame,) = (attributes for tag, attributes in found if tag == "iframe")
    assert image["alt"] == repr(drawing)
    assert frame["sandbox"] == "allow-scripts"
    assert frame["srcdoc"] == drawing.page(render.NOTEBOOK_BYTES)
    assert "once the notebook is trusted" in shown["text/html"]
