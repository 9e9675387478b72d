"""The playground's page in a real browser: every control, in both color schemes, no errors."""

from __future__ import annotations

import importlib.util
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nn
from nn.playground.server import Server

pytest.importorskip("playwright", reason="needs pip install 'tinygrad-edu[browser]'")
from playwright.sync_api import Browser, Page

RUDE = "</script><b id='rude'>x</b>"


class Opened:
    """A page with a server of its own; it must neither complain nor fetch from elsewhere."""

    def __init__(self, browser: Browser, model: Any = None, data: Any = None, **options: Any):
        self.server: Server = nn.playground(model, data, browser=False, block=False)
        options.setdefault("viewport", {"width": 1400, "height": 1000})
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(8000)
        self.wrong: list[str] = []
        self.expected: tuple[str, ...] = ()
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", self._requested)
        self.page.goto(self.server.url)
        self.page.wait_for_selector("body[data-ready]", timeout=30_000)

    def _requested(self, request: Any) -> None:
        home = self.server.url.partition("#")[0]
        if not request.url.startswith((home, "data:", f"blob:{home}")):
            self.wrong.append(f"fetches {request.url}")

    @property
    def session(self) -> Any:
        return self.server.session

    def wait(self, condition: Any, seconds: float = 15) -> Any:
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end, self.text("#message") or "waited too long"
            self.page.wait_for_timeout(20)
        return found

    def paused(self) -> bool:
        """Whether the page neither trains nor waits for the server."""
        waiting = self.page.get_attribute("body", "data-waiting")
        return self.text("#play") == "▶ Train" and waiting == "0"

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def close(self) -> None:
        self.context.close()
        self.server.close()
        assert [text for text in self.wrong if not text.startswith(self.expected or "\0")] == []


@pytest.fixture
def opened(browser: Browser) -> Iterator[Any]:
    pages: list[Opened] = []

    def open_page(*given: Any, **options: Any) -> Opened:
        pages.append(Opened(browser, *given, **options))
        return pages[-1]

    yield open_page
    for each in pages:
        each.close()


def number(text: str) -> float:
    return float(text.replace("−", "-"))


# -------------------------------------------------------------------- training


def test_it_trains_and_pauses(opened: Any) -> None:
    tab = opened()
    page = tab.page
    assert "Press ▶ Train" in tab.text("#opening")
    before = page.locator("#canvas").screenshot()
    page.click("#play")
    assert tab.text("#play") == "❚❚ Pause"
    tab.wait(lambda: tab.session.trained.step > 50)
    page.click("#play")
    tab.wait(tab.paused)
    step = tab.session.trained.step
    tab.wait(lambda: tab.text("#counts").startswith(f"step {step},"))
    shown = re.findall(r"loss ([\d.]+)", tab.text("#losses"))
    losses = tab.session.trained.losses()
    assert [number(text) for text in shown] == pytest.approx(
        [losses["training"], losses["test"]], rel=1e-3
    )
    assert page.locator("#canvas").screenshot() != before
    assert "training loss" in (page.get_attribute("#chart svg", "aria-label") or "")
    assert len((page.get_attribute("#chart .training", "points") or "").split()) > 5
    page.click("#reset")
    tab.wait(lambda: tab.text("#counts").startswith("step 0,"))


def test_keys_train_step_and_reset(opened: Any) -> None:
    tab = opened()
    tab.page.keyboard.press("Space")
    tab.wait(lambda: tab.session.trained.step > 5)
    tab.page.keyboard.press("Space")
    tab.page.keyboard.press("s")
    tab.wait(lambda: "One step of training" in tab.text("#inspector"))
    tab.page.keyboard.press("r")
    tab.wait(lambda: tab.session.trained.step == 0)


def test_the_loss_that_is_not_finite_pauses_and_says_so(opened: Any) -> None:
    tab = opened()
    tab.expected = ("Failed to load resource: the server responded with a status of 400",)
    settings = {"data": "waves", "scale": False, "activation": "relu", "lr": 100}
    tab.session.run("configure", {"settings": settings})
    tab.page.reload()
    tab.page.wait_for_selector("body[data-ready]")
    tab.page.click("#play")
    tab.wait(lambda: "lower the learning rate" in tab.text("#message"))
    tab.wait(lambda: tab.text("#play") == "▶ Train")
    tab.page.select_option("#lr", "0.01")
    tab.wait(lambda: tab.session.trained.names["optimizer"].groups[0]["lr"] == 0.01)
    tab.wait(lambda: tab.text("#message") == "")


# -------------------------------------------------------------------- settings


def test_every_setting_reaches_the_session(opened: Any) -> None:
    tab = opened()
    page = tab.page
    chosen = {
        "data": "xor", "activation": "elu", "init": "orthogonal", "optimizer": "Adam",
    }  # fmt: skip
    for name, value in chosen.items():
        page.select_option(f"[name={name}]", value)
        tab.wait(lambda n=name, v=value: getattr(tab.session.trained.settings, n) == v)
    numbers = {
        "points": 300, "noise": 0.25, "test_share": 0.5, "batch_size": 32, "weight_decay": 0.1,
        "seed": 7,
    }  # fmt: skip
    for name, value in numbers.items():
        page.fill(f"[name={name}]", str(value))
        page.press(f"[name={name}]", "Tab")
        tab.wait(lambda n=name, v=value: getattr(tab.session.trained.settings, n) == v)
    settings = lambda: tab.session.trained.settings
    page.uncheck("[name=scale]")
    tab.wait(lambda: not settings().scale)
    page.check("#features input[value='x1·x2']")
    tab.wait(lambda: settings().features == ("x1", "x2", "x1·x2"))
    tab.wait(lambda: page.locator(".input").all_inner_texts() == ["x1", "x2", "x1·x2"])
    page.click("[aria-label='one hidden layer more']")
    tab.wait(lambda: settings().hidden == (6, 4, 4))
    page.fill("[aria-label='units of hidden layer 1']", "3")
    page.press("[aria-label='units of hidden layer 1']", "Enter")
    tab.wait(lambda: settings().hidden == (3, 4, 4))
    tab.wait(lambda: page.locator(".unit").count() == 3 + 4 + 4 + 2)
    tab.wait(lambda: page.locator("#edges line").count() == 9 + 12 + 16 + 8)
    page.click("[aria-label='one hidden layer less']")
    tab.wait(lambda: settings().hidden == (3, 4))
    page.select_option("[name=data]", "iris")
    tab.wait(lambda: settings().data == "iris")
    page.select_option("[name=across]", "2")
    page.select_option("[name=up]", "3")
    tab.wait(lambda: settings().axes == (2, 3))
    tab.wait(lambda: "Across: petal length; up: petal width" in tab.text("#axes"))


def test_nothing_is_lost_between_a_change_and_its_answer(opened: Any) -> None:
    tab = opened()
    page, held = tab.page, []
    page.route("**/api/configure", lambda route: held.append(route))
    more = "[aria-label='one hidden layer more']"
    page.click(more)
    page.click(more)
    page.fill("[aria-label='units of hidden layer 1']", "3")
    page.press("[aria-label='units of hidden layer 1']", "Enter")
    page.uncheck("[name=scale]")
    page.check("#features input[value='x1·x2']")
    page.select_option("[name=activation]", "elu")
    for _ in range(6):
        tab.wait(lambda: held)
        held.pop(0).continue_()
    tab.wait(tab.paused)
    settings = tab.session.trained.settings
    assert settings.hidden == (3, 4, 4, 4)
    assert settings.features == ("x1", "x2", "x1·x2")
    assert (settings.scale, settings.activation) == (False, "elu")
    assert page.locator(".unit").count() == 3 + 4 + 4 + 4 + 2
    assert not page.is_checked("[name=scale]")


def test_what_was_accepted_before_a_refusal_is_shown(opened: Any) -> None:
    tab = opened()
    tab.expected = ("Failed to load resource: the server responded with a status of 400",)
    page, held = tab.page, []
    page.route("**/api/configure", lambda route: held.append(route))
    page.click("[aria-label='one hidden layer more']")
    page.fill("[name=points]", "5")
    page.press("[name=points]", "Tab")
    for _ in range(2):
        tab.wait(lambda: held)
        held.pop(0).continue_()
    tab.wait(tab.paused)
    assert "points must be an integer of at least 10, not 5" in tab.text("#message")
    assert page.locator(".size").count() == 3
    assert page.locator(".unit").count() == 6 + 4 + 4 + 2
    assert page.input_value("[name=points]") == "200"


def test_a_setting_that_cannot_be_is_refused_and_put_back(opened: Any) -> None:
    tab = opened()
    tab.expected = ("Failed to load resource: the server responded with a status of 400",)
    tab.page.fill("[name=points]", "5")
    tab.page.press("[name=points]", "Tab")
    tab.wait(lambda: "points must be an integer of at least 10, not 5" in tab.text("#message"))
    tab.wait(lambda: tab.page.input_value("[name=points]") == "200")


def test_the_color_scheme_can_be_chosen(opened: Any) -> None:
    page = opened(color_scheme="light").page
    color = "getComputedStyle(document.body).backgroundColor"
    light, plane = page.evaluate(color), page.locator("#canvas").screenshot()
    page.select_option("#theme", "dark")
    assert page.evaluate(color) != light
    assert page.locator("#canvas").screenshot() != plane
    page.select_option("#theme", "light dark")
    assert page.evaluate(color) == light


# -------------------------------------------------------------------- looking closer


def test_the_arithmetic_of_a_unit(opened: Any) -> None:
    tab = opened()
    page = tab.page
    page.locator(".unit").nth(2).click()
    tab.wait(lambda: "Unit 3 of layer 1" in tab.text("#inspector"))
    found = tab.session.run("neuron", {"layer": 0, "unit": 2, "index": 0})
    rows = [row.split("\t") for row in tab.text("#inspector tbody").splitlines()]
    products = [number(row[-2]) for row in rows[:2]]
    expected = [x * w for x, w in zip(found["inputs"], found["weights"], strict=True)]
    assert products == pytest.approx(expected, rel=1e-3)
    assert f"= {found['output']:.4g}".replace("-", "−")[:7] in tab.text("#inspector")
    page.get_by_label("weight of x2").fill("1.5")
    page.get_by_label("weight of x2").press("Enter")
    tab.wait(lambda: tab.session.trained.model[0].weight.data[1, 2] == 1.5)
    assert "data[1, 2] = 1.5" in tab.session.run("script", {})["code"]
    page.focus(".unit >> nth=2")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    tab.wait(lambda: "Unit 4 of layer 2" in tab.text("#inspector"))


def test_one_step_in_numbers(opened: Any) -> None:
    tab = opened()
    page = tab.page
    page.click("#one")
    tab.wait(lambda: "Stage 1 of 11" in tab.text("#inspector"))
    assert tab.session.trained.step == 1
    seen = [tab.text("#inspector h3 >> nth=0")]
    while page.is_enabled(".forward"):
        page.click(".forward")
        seen.append(tab.text("#inspector h3 >> nth=0"))
        if "layer" in seen[-1]:
            assert page.locator(".column.now").count() == 1
    kinds = [text.split(":")[0] for text in seen]
    assert kinds == [
        "The batch",
        *["Forward"] * 3,
        "The loss L",
        *["Backward"] * 3,
        *["Update"] * 3,
    ]
    row = page.locator("#inspector tbody tr").first.locator("th, td").all_inner_texts()
    gradient, sum_, new = number(row[1]), row[2], number(row[3])
    old = number(sum_.split(" − 0.3")[0])
    assert new == pytest.approx(old - 0.3 * gradient, abs=1e-5)
    assert new == pytest.approx(tab.session.trained.model[4].weight.data[0, 0], abs=1e-5)
    page.click(".back")
    page.click(".again")
    tab.wait(lambda: tab.session.trained.step == 2)


def test_the_loss_under_the_pointer(opened: Any) -> None:
    tab = opened()
    page = tab.page
    box = page.locator("#canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    tab.wait(lambda: "loss if so" in tab.text("#tip"))
    state = tab.session.run("state", {})
    (left, right), (bottom, top) = state["bounds"]
    x, y = state["points"]["x"][0]
    side = box["width"]
    page.mouse.move(
        box["x"] + (x - left) / (right - left) * side, box["y"] + (top - y) / (top - bottom) * side
    )
    tab.wait(lambda: "training point" in tab.text("#tip"))
    page.mouse.move(2, 2)
    tab.wait(lambda: page.is_hidden("#tip"))
    page.hover("#chart svg")
    assert re.match(r"Step 0: training loss [\d.]+, test [\d.]+", tab.text("#chart p"))


# -------------------------------------------------------------------- points and files


def test_points_by_click_and_by_key(opened: Any) -> None:
    tab = opened()
    page = tab.page
    page.select_option("[name=data]", "points")
    tab.wait(lambda: tab.session.trained.settings.data == "points")
    page.click("#canvas", position={"x": 100, "y": 100})
    tab.wait(lambda: len(tab.session.trained.x) == 1)
    page.click("#class-buttons button >> nth=1")
    page.focus("#canvas")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    tab.wait(lambda: len(tab.session.trained.x) == 2)
    assert tab.session.trained.targets.tolist() == [0, 1]
    assert tab.session.trained.x[1].tolist() == pytest.approx([0.3, 0])
    page.click("#play")
    tab.wait(lambda: "100 % right" in tab.text("#losses"))
    page.click("#play")
    page.click("#undo")
    tab.wait(lambda: len(tab.session.trained.x) == 1)


def test_names_in_a_file_are_shown_as_they_are(opened: Any, tmp_path: Path) -> None:
    tab = opened()
    path = tmp_path / "rude.csv"
    rows = "".join(f"{i},{i % 3},{'a' if i % 2 else RUDE}\n" for i in range(20))
    path.write_text(f"{RUDE},<img src=x onerror=alert(1)>,kind\n{rows}")
    tab.page.set_input_files("#file", path)
    tab.wait(lambda: "rude.csv: 20 points, 2 inputs" in tab.text("#message"))
    tab.wait(lambda: RUDE in tab.text("#classes") and RUDE in tab.text("#axes"))
    assert tab.page.locator("#rude, img").count() == 0
    tab.page.locator(".unit").first.click()
    tab.wait(lambda: RUDE in tab.text("#inspector"))
    assert tab.page.locator("#rude, img").count() == 0


def test_a_dropped_file_and_what_is_wrong_with_it(opened: Any) -> None:
    tab = opened()
    tab.expected = ("Failed to load resource: the server responded with a status of 400",)
    drop = """text => {
      const data = new DataTransfer();
      data.items.add(new File([text], "data.csv"));
      dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true }));
    }"""
    tab.page.evaluate(drop, "a,b,c\n1,2,3\n1,two,3\n")
    tab.wait(lambda: tab.text("#message") == "line 3, column 'b': 'two' is not a number")
    tab.page.evaluate(drop, "1,2,0.5\n2,3,1.5\n4,5,1.25\n")
    tab.wait(lambda: "data.csv: 3 points" in tab.text("#message"))
    assert tab.session.trained.loss_name == "mse_loss"


def test_a_model_and_data_of_your_own(opened: Any) -> None:
    model = nn.Sequential(nn.Dense(4, 20), nn.ReLU(), nn.Dropout(0.1), nn.Dense(20, 3))
    tab = opened(model, nn.datasets.iris())
    assert "and 4 more" in tab.text("#columns")
    assert "virginica" in tab.text("#columns")
    assert tab.page.is_hidden("[name=activation]")
    tab.page.click("#play")
    tab.wait(lambda: tab.session.trained.step > 20)
    tab.page.click("#play")
    tab.page.select_option("[name=network]", "built")
    tab.wait(lambda: "Dense(4, 6)" in tab.text("#columns"))


# -------------------------------------------------------------------- the script, and the end


def test_the_script_is_shown_and_saved(opened: Any, tmp_path: Path) -> None:
    tab = opened()
    tab.page.click("#one")
    tab.wait(lambda: tab.session.trained.step == 1)
    code = tab.session.run("script", {})["code"]
    tab.page.click("#show")
    tab.wait(lambda: tab.page.text_content("#script pre") == code)
    tab.page.click("#close")
    with tab.page.expect_download() as download:
        tab.page.click("#save")
    assert download.value.suggested_filename == "playground.py"
    download.value.save_as(tmp_path / "playground.py")
    assert (tmp_path / "playground.py").read_text(encoding="utf-8") == code


def test_without_the_token_and_after_the_end(opened: Any) -> None:
    tab = opened()
    tab.expected = ("Failed to load resource",)
    assert tab.page.evaluate("location.hash") == "", "no picture of the page shows the token"
    tab.page.reload()
    tab.page.wait_for_selector("body[data-ready]")
    assert tab.text("#message") == ""
    other = tab.context.new_page()
    other.goto(tab.server.url.partition("#")[0])
    other.wait_for_selector("#message.wrong")
    assert "open the address that the terminal printed" in other.inner_text("#message")
    tab.server.close()
    tab.page.click("#one")
    tab.wait(lambda: "closed" in tab.text("#message"))
    assert tab.session.trained.step == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_there_is_no_violation_of_accessibility_rules(opened: Any, scheme: Any) -> None:
    if importlib.util.find_spec("axe_playwright_python") is None:
        pytest.skip("needs axe-core: pip install 'tinygrad-edu[browser]'")
    from axe_playwright_python.sync_playwright import Axe

    tab = opened(color_scheme=scheme, bypass_csp=True)
    page = tab.page
    for act in (
        lambda: page.locator(".unit").first.click(),
        lambda: page.click("#one"),
        lambda: page.select_option("[name=data]", "housing"),
        lambda: page.click("#show"),
    ):
        act()
        page.wait_for_timeout(300)
        found = Axe().run(page).response["violations"]
        briefly = [(v["id"], [n["html"][:160] for n in v["nodes"][:3]]) for v in found]
        assert briefly == [], json.dumps(briefly, indent=1)
