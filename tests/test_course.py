"""The course: lessons run, solutions pass, blanks and mistakes get the verdict they should."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from course.catalog import declared
from course.exercise import Exercise
from course.judges import Gradients
from course.judging import Verdict, verdict
from course.lessons import SOLUTION, Lesson, cells, lessons, relinked, solution_of
from course.markdown import anchor
from course.pages import run_cell
from course.stage import Stage, staged

ROOT = Path(__file__).parents[1]
LESSONS = [pytest.param(lesson, id=lesson.path.stem) for lesson in lessons().values()]
EXERCISES = [pytest.param(exercise, id=number) for number, exercise in declared().items()]
every_lesson = pytest.mark.parametrize("lesson", LESSONS)
every_exercise = pytest.mark.parametrize("exercise", EXERCISES)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches a learner's files."""
    monkeypatch.setenv("TINYGRAD_EDU_COURSE", str(tmp_path / "course"))
    return tmp_path / "course"


def run(text: str) -> dict[str, Verdict]:
    """Run a lesson from its first cell to its last; the verdicts on its exercises."""
    verdicts: dict[str, Verdict] = {}

    def check(number: str, function: Any) -> None:
        verdicts[number] = verdict(declared()[number], function)

    drawings: list[str] = []

    def show(drawing: Any, name: str) -> None:
        assert name not in drawings
        drawings.append(name)

    with staged(Stage(check, lambda guess, actual: None, show)):
        names: dict[str, Any] = {"__name__": "__main__"}
        for cell in cells(text):
            if cell.kind == "code":
                run_cell(cell.source, names, "<lesson>")
    return verdicts


# -------------------------------------------------------------------- lessons


@every_lesson
def test_a_lesson_runs_alone_and_its_solutions_pass(lesson: Lesson) -> None:
    start = time.monotonic()
    verdicts = run(lesson.text)
    assert time.monotonic() - start < 60
    assert list(verdicts) == lesson.exercises
    assert {number: found.text for number, found in verdicts.items() if not found.right} == {}


@every_lesson
def test_blanks_fail_kindly_and_stop_nothing(lesson: Lesson) -> None:
    verdicts = run(lesson.stripped)
    assert {found.text for found in verdicts.values()} == {"still blank"}
    assert list(verdicts) == lesson.exercises


@every_lesson
def test_what_learners_get_shows_no_solution(lesson: Lesson) -> None:
    solutions = SOLUTION.findall(lesson.text)
    assert {number for _, number, _ in solutions} == set(lesson.exercises)
    assert not re.search("^ *# (solution|end)", lesson.stripped, re.MULTILINE)
    for _, number, body in solutions:
        assert body.strip()
        assert body not in lesson.stripped, f"{number} can be read off"
        assert body.strip() in (solution_of(number) or "")


@every_lesson
def test_a_lesson_has_the_parts_of_a_lesson(lesson: Lesson) -> None:
    first = cells(lesson.text)[0].source
    assert first.startswith(f"# {lesson.number} ")
    assert "**You need**" in first
    assert "**You will be able to**" in first
    assert 20 <= int((re.search(r"About (\d+) minutes", first) or ["", "0"])[1]) <= 40
    assert 3 <= len(lesson.exercises) <= 5
    assert re.search(r"^from course import check, hint, .*\bsolution\b", lesson.text, re.MULTILINE)
    text = lesson.text
    assert len(re.findall(r"^reveal\(guess, ", text, re.MULTILINE)) >= 2, "predictions"
    assert re.findall(r"^show\(", text, re.MULTILINE), "something to look at"
    assert "# ## How the engine does it" in text
    assert re.findall(r"^source_of\(", text, re.MULTILINE), "the very lines of the source"
    assert "$" not in text, "pages show no TeX"


@every_lesson
def test_links_of_a_lesson_hold(lesson: Lesson) -> None:
    text = "\n\n".join(cell.source for cell in cells(lesson.text) if cell.kind == "markdown")
    for target, _, heading in (each.partition("#") for each in re.findall(r"\]\(([^)]+)\)", text)):
        if "://" in target:
            continue
        path = lesson.path.parent / target if target else lesson.path
        assert path.exists(), target
        content = path.read_text(encoding="utf-8")
        titles = re.findall(r"^(?:# )?#+ (.+)$", content, re.MULTILINE)
        assert not heading or heading in {anchor(title) for title in titles}, heading


@every_lesson
def test_a_lesson_is_listed(lesson: Lesson) -> None:
    text = (ROOT / "docs" / "course.md").read_text(encoding="utf-8")
    assert f"[{lesson.title}](../course/{lesson.path.name})" in text


def test_lessons_are_numbered_without_gaps() -> None:
    assert list(lessons()) == list(range(1, len(lessons()) + 1))


def test_links_are_those_of_the_folder_and_the_kind_of_file() -> None:
    text = "[next](02_a_graph_is_a_recipe.py#x), [why](../docs/why.md), [site](https://a.b/c.py)"
    found = relinked(text, ROOT / "out" / "course", ".html")
    assert found == (
        "[next](02_a_graph_is_a_recipe.html#x), [why](../../docs/why.md), [site](https://a.b/c.py)"
    )


# -------------------------------------------------------------------- exercises


@every_exercise
def test_mistakes_get_their_verdict(exercise: Exercise) -> None:
    assert len(exercise.mistakes) >= 3
    for mistake in exercise.mistakes:
        found = verdict(exercise, mistake.function)
        assert not found.right
        assert mistake.verdict, "what should be said?"
        assert mistake.verdict in found.text
        assert found.explanation == mistake.explanation


@every_exercise
def test_an_exercise_is_declared_whole(exercise: Exercise) -> None:
    lesson = lessons().get(int(exercise.number.partition(".")[0])) if exercise.published else None
    assert len(exercise.hints) >= 2
    assert exercise.task
    assert (exercise.number in lesson.exercises) if lesson else not exercise.published
    if lesson:
        assert f'check("{exercise.number}", {exercise.name})' in lesson.text


def test_names_of_exercises_differ() -> None:
    names = [exercise.name for exercise in declared().values()]
    assert len(set(names)) == len(names)


@every_exercise
def test_arguments_are_those_of_the_seed_and_differ_between_trials(exercise: Exercise) -> None:
    def shown(trial: int) -> str:
        named = exercise.drawn(0, trial)
        return re.sub(r"0x\w+", "", repr({k: v for k, v in named.items() if not callable(v)}))

    assert shown(0) == shown(0) != shown(1)


BY_ENGINE = [
    pytest.param(exercise, id=number)
    for number, exercise in declared().items()
    if isinstance(exercise.judge, Gradients)
]


@pytest.mark.parametrize("exercise", BY_ENGINE)
def test_gradients_by_finite_differences_are_right(exercise: Exercise) -> None:
    for trial in range(2):
        arguments = exercise.drawn(0, trial)
        assert isinstance(exercise.judge, Gradients)
        numeric = exercise.judge.by_finite_differences(arguments)
        assert exercise.judge(arguments, numeric) == "right"


def test_unpublished_solutions_are_nowhere() -> None:
    unpublished = [each for each in declared().values() if not each.published]
    assert len(unpublished) >= 4
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "course").glob("*.py")]
    for exercise in unpublished:
        assert solution_of(exercise.number) is None
        assert not any(f"def {exercise.name}" in source for source in sources)
