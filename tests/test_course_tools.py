"""What stands around the lessons: check, hint, solution, the list, the build, pages, progress."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import course.__main__ as terminal
from course import check, hint, reveal, show, solution, source_of
from course.build import build, build_site
from course.catalog import declared
from course.curves import curves
from course.judges import values
from course.lessons import SOLUTION, lessons
from course.markdown import to_html
from course.progress import entry, read
from course.results import Other, decoded, encoded, plain
from tinygrad_edu import Tensor, ops

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches a learner's files."""
    monkeypatch.setenv("TINYGRAD_EDU_COURSE", str(tmp_path / "course"))
    return tmp_path / "course"


def twice(a: float, b: float) -> Any:
    return 2 * b, 2 * a


class TestCheck:
    def test_a_right_function_passes_and_is_remembered(self, capsys: Any) -> None:
        check("1.2", lambda a, b: (b, a))
        assert capsys.readouterr().out == (
            "1.2 slopes_of_product: right, in 5 random cases. Next: 1.1.\n"
        )
        assert entry("1.2") == {"tries": 1, "passed": True, "hints": 0}

    def test_a_wrong_one_is_told_what_is_wrong_and_where_help_is(self, capsys: Any) -> None:
        check("1.2", twice)
        first, where, last = capsys.readouterr().out.splitlines()
        assert first.startswith(
            "1.2 slopes_of_product: not yet. the gradient of a is wrong: twice what is right; "
            "was a factor 1/2 forgotten? ("
        )
        assert where.startswith("    with a = ")
        assert last == '    hint("1.2") gives a hint; solution("1.2") shows a solution.'
        assert entry("1.2")["passed"] is False

    def test_a_listed_mistake_is_explained(self, capsys: Any) -> None:
        check("1.2", lambda a, b: (a, b))
        assert "Each factor's slope is the other factor" in capsys.readouterr().out

    def test_an_error_is_shown_with_the_learners_line(self, capsys: Any) -> None:
        def slopes_of_product(a: float, b: float) -> Any:
            return a / 0

        check("1.2", slopes_of_product)
        out = capsys.readouterr().out
        assert "raised ZeroDivisionError" in out
        assert ": return a / 0" in out

    def test_a_missing_return_is_named(self, capsys: Any) -> None:
        check("1.2", lambda a, b: None)
        assert "slopes_of_product returned None; is a `return` missing?" in capsys.readouterr().out

    def test_a_result_in_place_of_the_function_is_refused(self) -> None:
        with pytest.raises(TypeError, match=r'function itself: check\("1.2", slopes_of_product\)'):
            check("1.2", 3.0)

    def test_an_unknown_number_is_refused_with_those_nearby(self) -> None:
        with pytest.raises(ValueError, match=r"no exercise '1.9'; there are 1.1, 1.2, 1.3, 1.4"):
            check("1.9", twice)

    def test_changing_an_argument_does_not_change_what_it_is_compared_with(
        self, capsys: Any
    ) -> None:
        def changing(contributions: Any) -> Any:
            found: dict[str, Any] = {}
            for name, array in contributions:
                found[name] = found.get(name, 0) + array
                array[:] = 0
            return found

        check("4.2", changing)
        assert "the contributions themselves were changed" in capsys.readouterr().out

    def test_a_folder_that_cannot_be_written_to_stops_nobody(
        self, folder: Path, capsys: Any
    ) -> None:
        folder.parent.mkdir(exist_ok=True)
        folder.write_text("a file")
        check("1.2", lambda a, b: (b, a))
        assert "right" in capsys.readouterr().out


class TestHelp:
    def test_hints_come_one_by_one_and_then_all(self, capsys: Any) -> None:
        hints = declared()["1.2"].hints
        hint("1.2")
        assert capsys.readouterr().out == f"Hint 1 of 2: {hints[0]}\n"
        hint("1.2")
        assert capsys.readouterr().out.startswith(f"Hint 2 of 2: {hints[1]}\nAll hints are told")
        hint("1.2")
        assert capsys.readouterr().out.startswith(f"Hint 1: {hints[0]}\nHint 2: {hints[1]}\n")

    def test_the_solution_is_there_at_once_and_passes(self, capsys: Any) -> None:
        solution("1.2")
        code = capsys.readouterr().out
        assert "# solution" not in code
        assert "check(" not in code
        names: dict[str, Any] = {}
        exec(code, names)
        assert names["slopes_of_product"](2, 3) == (3, 2)

    def test_an_unpublished_solution_is_not_there(self, capsys: Any) -> None:
        solution("A.1")
        assert "nowhere written" in capsys.readouterr().out

    def test_damaged_progress_counts_as_none(self, folder: Path) -> None:
        folder.mkdir()
        for text in ("", "[]", '{"1.1": 3}', '{"1.1": {"tries": []}}', "[" * 100_000):
            (folder / "progress.json").write_text(text)
            assert read() == {}


class TestTerminal:
    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "course", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")

    def test_it_lists_lessons_and_progress(self) -> None:
        check("1.1", lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h))
        done = self.run()
        assert done.returncode == 0, done.stderr
        assert f"{'1 Slope by hand':40}"[:15] in done.stdout
        assert "1, next is 1.2" in done.stdout
        assert all(lesson.title in done.stdout for lesson in lessons().values())

    def test_it_opens_a_page_without_jupyterlab(
        self, folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[str] = []
        monkeypatch.setattr(terminal, "find_spec", lambda name: None)
        monkeypatch.setattr("webbrowser.open", opened.append)
        terminal.main(["2"])
        assert opened == [(folder / "02_a_graph_is_a_recipe.html").as_uri()]
        assert "02_a_graph_is_a_recipe.py, and run it" in capsys.readouterr().out

    def test_it_opens_jupyterlab_where_it_is(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls: list[Any] = []
        monkeypatch.setattr(terminal, "find_spec", lambda name: True)
        monkeypatch.setattr("subprocess.run", lambda command, **rest: calls.append((command, rest)))
        terminal.main(["2"])
        [(command, rest)] = calls
        assert command[1:] == ["-m", "jupyterlab", "02_a_graph_is_a_recipe.ipynb"]
        assert (rest["cwd"] / command[-1]).exists()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["99"], "there is no lesson 99; there are 1 to"),
            (["hint", "99.1"], "there is no exercise '99.1'"),
            (["nonsense"], "give the number of a lesson"),
        ],
    )
    def test_mistakes_are_one_sentence(self, arguments: list[str], said: str, capsys: Any) -> None:
        with pytest.raises(SystemExit) as ended:
            terminal.main(arguments)
        assert ended.value.code == 2
        assert said in capsys.readouterr().err

    def test_hints_and_solutions_by_terminal(self, capsys: Any) -> None:
        terminal.main(["hint", "1.1"])
        terminal.main(["solution", "1.1"])
        out = capsys.readouterr().out
        assert "Hint 1 of 2" in out
        assert "return (f(x + h)" in out


class TestBuild:
    def test_scripts_notebooks_and_pages_without_solutions(self, folder: Path) -> None:
        assert build([1], pages=True) == []
        [lesson] = [each for each in lessons().values() if each.number == 1]
        book = json.loads((folder / "01_slope_by_hand.ipynb").read_text(encoding="utf-8"))
        assert book["nbformat"] == 4
        texts = {
            "py": (folder / "01_slope_by_hand.py").read_text(encoding="utf-8"),
            "ipynb": "\n".join("".join(cell["source"]) for cell in book["cells"]) + "\n",
            "html": (folder / "01_slope_by_hand.html").read_text(encoding="utf-8"),
        }
        for _, _, body in SOLUTION.findall(lesson.text):
            for kind, text in texts.items():
                assert body.strip() not in text, kind
        assert 'raise NotImplementedError("1.1 is still blank")' in texts["py"]
        assert "Hint 1 of 2" in texts["html"]
        assert "<iframe" in texts["html"], "the explorer"

    def test_pages_of_a_site_link_each_other_and_documents(self, tmp_path: Path) -> None:
        build_site(tmp_path / "site" / "course")
        pages = sorted((tmp_path / "site" / "course").glob("*.html"))
        assert [path.stem for path in pages] == [
            *(lesson.path.stem for lesson in lessons().values()),
            "index",
        ]
        for path in pages:
            text = re.sub(r"<iframe.*?</iframe>", "", path.read_text(encoding="utf-8"), flags=re.S)
            for target in re.findall(r'href="([^"#]+)', text):
                where = (path.parent / target).resolve()
                document = ROOT / where.relative_to(tmp_path / "site").with_suffix(".md")
                assert where.exists() or document.exists() or "://" in target, target

    def test_work_is_not_overwritten(self, folder: Path) -> None:
        build([1])
        path = folder / "01_slope_by_hand.py"
        fresh = path.read_text(encoding="utf-8")
        assert build([1]) == []
        path.write_text("my work")
        assert build([1]) == [path]
        assert path.read_text() == "my work"
        path.unlink()
        assert build([1]) == []
        assert path.read_text(encoding="utf-8") == fresh

    def test_a_lesson_runs_as_a_script_from_anywhere(self, folder: Path, tmp_path: Path) -> None:
        build([1])
        script = folder / "01_slope_by_hand.py"
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            [sys.executable, str(script)], cwd=tmp_path, capture_output=True, encoding="utf-8",
            env=environment | {"PYTHONUTF8": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "1.1 slope is still blank: replace its line" in done.stdout
        assert (folder / "pages" / "01-error.html").stat().st_size > 50_000


class TestShowing:
    def test_source_of_prints_the_lines_as_they_are(self, capsys: Any) -> None:
        source_of(ops.multiply, "def multiply", "return")
        out = capsys.readouterr().out
        assert out.startswith("tinygrad_edu/ops/elementwise.py, from line ")
        text = (ROOT / "tinygrad_edu/ops/elementwise.py").read_text(encoding="utf-8")
        assert out.partition("\n\n")[2].strip() in text

    def test_a_line_that_is_gone_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="no line with 'def add'"):
            source_of(ops.multiply, "def add")

    def test_guesses(self, capsys: Any) -> None:
        for guess in (True, None, "larger", [1, 2]):
            reveal(guess, {"larger": "larger"}.get(str(guess), np.array([1.0, 2.0])))
        assert capsys.readouterr().out.splitlines() == [
            "You guessed True. It is [1, 2].",
            "It is [1, 2].",
            "You guessed larger, and it is larger. Right!",
            "You guessed [1, 2], and it is [1, 2]. Right!",
        ]

    def test_curves_say_if_there_is_nothing_to_draw(self) -> None:
        with pytest.raises(ValueError, match="nothing finite"):
            curves({"nan": ([0.0], [np.nan])})

    def test_curves_leave_out_what_is_not_finite(self) -> None:
        svg = curves({"1/x": ([-1.0, 0.0, 1.0], [-1.0, np.inf, 1.0])}).svg()
        assert "nan" not in svg
        assert "inf" not in svg

    def test_a_plot_is_shown_as_a_page_in_a_script(self, folder: Path, capsys: Any) -> None:
        show(curves({"<x>": ([0, 1], [0, 1])}), "line")
        assert "&lt;x&gt;" in (folder / "pages" / "line.html").read_text(encoding="utf-8")
        assert "open " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a\nb\n\nc", "<p>a\nb</p>\n<p>c</p>"),
        ("Text:\n- one\n  more\n- two", "<p>Text:</p>\n<ul><li>one\nmore</li><li>two</li></ul>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("```python\n# *x*\n\nx < 1\n```", "<pre><code># *x*\n\nx &lt; 1</code></pre>"),
        ("a * b * c, **x** and *y*", "<p>a * b * c, <strong>x</strong> and <em>y</em></p>"),
        ("| a | b |\n|---|---|\n| `1` | 2 |",
         "<table><tr><th>a</th><th>b</th></tr><tr><td><code>1</code></td><td>2</td></tr></table>"),
        ("> wise\n> words", "<blockquote><p>wise\nwords</p></blockquote>"),
        ("# One\ntext", '<h1 id="one">One</h1>\n<p>text</p>'),
        ("<b>x</b>", "<b>x</b>"),
    ],
)  # fmt: skip
def test_markdown(text: str, html: str) -> None:
    assert to_html(text) == html


class TestResults:
    @pytest.mark.parametrize(
        "value",
        [None, True, 3, -0.5, float("inf"), "x", [1, ("a", 2.5)], {"a": {1: [None]}}, 2**70 * 1.0],
    )
    def test_data_survives(self, value: Any) -> None:
        assert plain(value) == value

    def test_arrays_survive(self) -> None:
        for array in (np.eye(3)[:, :2], np.array(2.0), np.zeros((0, 3)), np.arange(3, dtype=">i2")):
            found = plain(array)
            assert found.dtype == array.dtype
            assert found.shape == array.shape
            assert np.array_equal(found, array)
        assert np.array_equal(plain(Tensor([1.0])), [1.0])

    def test_what_is_no_data_is_named(self) -> None:
        for value in (object(), np.array(["a"]), np.zeros((1,) * 9), 1j):
            assert isinstance(plain(value), Other)

    @pytest.mark.parametrize(
        "text",
        [
            "", "3", "[]", '{"value": [1]}', '{"array": "AAAA", "dtype": "O", "shape": [1]}',
            '{"array": "", "dtype": "<f8", "shape": [-1, 0]}', '{"float": "0x1p99999"}',
            '{"array": "AAAA", "dtype": "<f8", "shape": [1e999]}', '{"dict": [[{"list": []}, 1]]}',
            '{"list": ' * 3000,
        ],
    )  # fmt: skip
    def test_other_text_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"."):
            decoded(text)

    def test_deep_lists_end(self) -> None:
        nested: list[Any] = []
        nested.append(nested)
        assert "other" in encoded(nested)


@pytest.mark.parametrize(
    ("expected", "result", "said"),
    [
        (4, 5, "returned 5; expected is 4"),
        (["p", "q"], ["q"], "wrong: p missing (expected is ['p', 'q'])"),
        (["p", "q"], ["p", "q", "r"], "wrong: 'r' should not be there (expected is ['p', 'q'])"),
        (["p", "q"], ["q", "p"], "wrong: the order of ['q', 'p'] (expected is ['p', 'q'])"),
        (True, 1, "returned 1; expected is True"),
        ((1.0, 2.0), (1.0, 4.0), "item 1 of the result is wrong: twice what is right; was a factor "
         "1/2 forgotten? (4 instead of 2)"),
        ((1.0, 2.0), 3.0, "returned 1 values; expected are 2"),
        ([1.0, 2.0, 3.0], [1.0], "returned 1 values; expected are 3"),
        ({"a": 1.0}, {"b": 1.0}, "returned a dict of 1; expected is a dict with the keys 'a'"),
        (np.eye(2), "x", "returned 'x'; expected is an array of shape (2, 2)"),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 3.0], [2.0, 4.0]]),
         "wrong: transposed"),
        (2.0, 3.0, "wrong: 3 instead of 2"),
        (2.0, -3.0, "wrong: -3 instead of 2"),
        (2.0, -2.0, "wrong: its sign is flipped (-2 instead of 2)"),
        (2.0, {"a": 1}, "returned a dict of 1; expected is 2.0"),
        (np.array(2.0), "x", "returned 'x'; expected is a number, 2"),
        (1.0, 1.001, "wrong: a little off (1.001 instead of 1)"),
        (float("inf"), 2.0, "wrong: 2 instead of inf at []"),
        (np.array([np.nan, 1.0]), np.array([np.nan, np.inf]), "wrong: not finite at [1]"),
    ],
)  # fmt: skip
def test_verdicts_on_values(expected: Any, result: Any, said: str) -> None:
    assert values(lambda: expected)({}, result) == said
    assert values(lambda: expected)({}, expected) == "right"


def test_modules_of_the_course_are_no_longer_than_others() -> None:
    for path in (ROOT / "course").rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 420, path.name


def test_lessons_run_as_text_notebooks_from_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.print", lambda *words, **rest: None)
    runpy.run_path(str(ROOT / "course" / "01_slope_by_hand.py"))
    assert entry("1.4")["passed"]
