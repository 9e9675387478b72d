"""Grading a class: right and wrong files, and hostile ones, which harm only themselves."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from course import grade
from course.grading import Grade, Limits, _outcome, _read, grade_file
from course.lessons import cells, lessons
from course.submissions import definitions, submissions

LIMITS = Limits(seconds=6, megabytes=1024)
SOLVED = lessons()[1].text
BLANK = lessons()[1].stripped
LESSON = ("1.1", "1.2", "1.3", "1.4")
HOSTILE = """
import os, sys, course.judging, tinygrad_edu, numpy as np
from course import check

course.judging.judged = lambda *a, **k: "right"
tinygrad_edu.compare = lambda *a, **k: True
check = print

def slope(f, x, h):
    while True:
        pass

def slopes_of_product(a, b):
    print("x" * 10**7)
    sys.exit(0)

def slope_of_error(w, x, t):
    os._exit(0)

def descend(f, x, rate, steps):
    return [0] * 10**10

sys.exit(3)
"""
REACHING_OUT = """
import os, subprocess

def slope(f, x, h):
    open("{target}", "w")

def slopes_of_product(a, b):
    os.system("touch {target}")

def slope_of_error(w, x, t):
    import socket
    socket.create_connection(("127.0.0.1", 9))

def descend(f, x, rate, steps):
    import numpy as np
    return np.zeros((1,) * 32)
"""


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def written(text: str, name: str = "student.py") -> Path:
        path = tmp_path / "class" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_solutions_are_right_and_the_stripped_file_is_blank(file: Any) -> None:
    assert set(grade_file(file(SOLVED), LESSON).values()) == {Grade("right")}
    assert {g.mark for g in grade_file(file(BLANK), LESSON).values()} == {"blank"}


def test_a_hostile_file_fails_and_costs_only_its_own_exercises(file: Any) -> None:
    grades = grade_file(file(HOSTILE), LESSON, limits=LIMITS)
    assert {grade.mark for grade in grades.values()} == {"wrong"}
    assert grades["1.1"].said == "slope took longer than 6 s"
    assert grades["1.2"].said.startswith("raised SystemExit: 0\n    in line 15: sys.exit(0)")
    assert grades["1.3"].said == "slope_of_error ended the process with exit code 0"
    assert grades["1.4"].said.startswith("raised MemoryError")


def test_files_programs_and_the_network_are_out_of_reach(file: Any, tmp_path: Path) -> None:
    target = tmp_path / "target"
    grades = grade_file(file(REACHING_OUT.format(target=target)), LESSON, limits=LIMITS)
    assert "writing to files is not allowed while grading" in grades["1.1"].said
    assert "os.system is not allowed while grading" in grades["1.2"].said
    assert "is not allowed while grading" in grades["1.3"].said
    assert "returned an object of type ndarray" in grades["1.4"].said
    assert not target.exists()


def test_a_mistake_spoils_only_what_needs_it(file: Any) -> None:
    text = "half = 1 / 0\n\n# %%\ndef slopes_of_product(a, b:\n\n# %%\n" + SOLVED
    names, problems = definitions(file(text))
    assert callable(names["slopes_of_product"])
    assert problems[0] == "cell 1, line 1: ZeroDivisionError: division by zero"
    assert problems[1].startswith("cell 2: SyntaxError")


def test_the_lines_of_a_lesson_are_not_run_again(file: Any) -> None:
    _, problems = definitions(file("print(1 / 0)\nfor i in [1]: 1 / 0\nwhile True: pass\n"))
    assert problems == []


def test_a_file_that_hangs_while_it_is_loaded_says_so(file: Any) -> None:
    text = "def forever():\n    while True: pass\nx = forever()\n"
    [found] = set(grade_file(file(text), LESSON, limits=Limits(seconds=2)).values())
    assert found == Grade("wrong", "the file could not be loaded: took longer than 2 s")


def test_forged_lines_give_no_marks() -> None:
    forged = [
        {"event": "begin", "number": "1.2"},
        {"event": "call", "number": "1.2", "trial": 0, "value": '{"value": "x"}', "problem": ""},
        {"event": "call", "number": "9.9", "trial": [], "value": 3, "problem": ""},
        {"event": "end", "number": "1.2"},
        {"event": "end", "number": ["1.1"]},
    ]  # fmt: skip
    grades, begun, _ = _read(forged, LESSON, 1)
    assert begun is None
    assert {number: grade.mark for number, grade in grades.items()} == {"1.2": "wrong"}
    assert _outcome({"value": "{", "problem": ""}).problem.startswith("the result cannot be read")


class TestAClass:
    @pytest.fixture
    def folder(self, file: Any, tmp_path: Path) -> Path:
        book = {"cells": [{"cell_type": c.kind, "source": c.source} for c in cells(SOLVED)]}
        book["cells"].insert(0, {"cell_type": "code", "source": "%matplotlib inline\n!ls"})
        file(json.dumps(book), "anna/lesson.ipynb")
        file(BLANK, "anna/lesson.py")
        file("def slope(f, x, h):\n    return 0 * x\n", "=bob.py")
        file("import course", "anna/course.py")
        file("no code", "readme.txt")
        (tmp_path / "class" / "link.py").symlink_to(tmp_path / "class" / "=bob.py")
        return tmp_path / "class"

    def test_students_are_files_and_folders(self, folder: Path) -> None:
        found = {name: [path.name for path in paths] for name, paths in submissions(folder).items()}
        assert found == {"=bob": ["=bob.py"], "anna": ["lesson.ipynb", "lesson.py"]}

    def test_one_command_makes_the_table(self, folder: Path, tmp_path: Path, capsys: Any) -> None:
        path = tmp_path / "marks.csv"
        grade.main([str(folder), "--verdicts", "--csv", str(path), "--only", *LESSON[:2]])
        out = capsys.readouterr().out
        assert out.splitlines()[:3] == [
            "student  1.1    1.2    right",
            "=bob     wrong  -      0 of 2",
            "anna     right  right  2 of 2",
        ]
        assert "=bob, 1.1: wrong: all of it is 0" in out
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
        assert rows[0] == ["student", "exercise", "mark", "verdict"]
        assert [row[:3] for row in rows[1:]] == [
            ["'=bob", "1.1", "wrong"], ["'=bob", "1.2", "missing"],
            ["anna", "1.1", "right"], ["anna", "1.2", "right"],
        ]  # fmt: skip

    def test_without_numbers_the_table_has_what_was_handed_in(self, folder: Path) -> None:
        (folder / "anna" / "lesson.ipynb").unlink()
        (folder / "anna" / "lesson.py").unlink()
        assert list(grade.grade_class(folder)["=bob"]) == ["1.1"]

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["nowhere"], "nowhere is no folder; give the one with the students' files"),
            (["class", "--only", "1.9"], "there is no exercise '1.9'"),
            (["empty"], "has no .py or .ipynb in it"),
        ],
    )
    def test_mistakes_of_the_teacher_are_one_sentence(
        self, folder: Path, arguments: list[str], said: str, capsys: Any, monkeypatch: Any
    ) -> None:
        (folder.parent / "empty").mkdir()
        monkeypatch.chdir(folder.parent)
        with pytest.raises(SystemExit) as ended:
            grade.main(arguments)
        assert ended.value.code == 2
        assert said in capsys.readouterr().err
