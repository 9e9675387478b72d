"""Grades a class offline: `python -m course.grade folder` prints a table of students and exercises.

In the folder is a file (.py or .ipynb) or a folder of files for each student. Their functions are
called in processes with limits of time and memory; what they return is judged outside of these.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Sequence
from pathlib import Path

from tinygrad_edu.atomic_write import written_whole
from tinygrad_edu.errors import printable
from tinygrad_edu.tables import text_table

from .catalog import declared, find
from .grading import Grade, Limits, grade_file
from .stage import say
from .submissions import submissions

__all__ = ["grade_class", "main", "table"]

Grades = dict[str, dict[str, Grade]]
ORDER = ("right", "wrong", "blank", "missing")
SHOWN = {"right": "right", "wrong": "wrong", "blank": "blank", "missing": "-"}


def grade_class(
    folder: Path, numbers: Sequence[str] | None = None, seed: int = 1, limits: Limits | None = None
) -> Grades:
    """The grade of each student in each exercise; of several files the best counts.

    Without `numbers` those exercises are graded that at least one student handed in. Raises
    FileNotFoundError if there are no files, ValueError for the number of no exercise.
    """
    asked = [find(number).number for number in numbers or declared()]
    grades: Grades = {}
    for student, files in submissions(folder).items():
        best = dict.fromkeys(asked, Grade("missing"))
        for path in files:
            for number, grade in grade_file(path, asked, seed, limits).items():
                best[number] = min(best[number], grade, key=lambda each: ORDER.index(each.mark))
        grades[student] = best
    if numbers is None:
        seen = [n for n in asked if any(best[n].mark != "missing" for best in grades.values())]
        grades = {student: {n: best[n] for n in seen} for student, best in grades.items()}
    return grades


def table(grades: Grades) -> str:
    """A row for each student, a column for each exercise, and the number of right ones."""
    numbers = list(next(iter(grades.values())))
    rows = [("student", *numbers, "right")]
    for student, best in grades.items():
        count = sum(grade.mark == "right" for grade in best.values())
        marks = [SHOWN[best[number].mark] for number in numbers]
        rows.append((student, *marks, f"{count} of {len(numbers)}"))
    return text_table(rows)


def as_csv(grades: Grades) -> bytes:
    """A line for each student and exercise; no cell is taken for a formula by a spreadsheet."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("student", "exercise", "mark", "verdict"))
    for student, best in grades.items():
        for number, grade in best.items():
            said = printable(" ".join(grade.said.split()))
            writer.writerow([_harmless(cell) for cell in (student, number, grade.mark, said)])
    return text.getvalue().encode("utf-8", "backslashreplace")


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, grade, and print the table."""
    parser = argparse.ArgumentParser("python -m course.grade", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", metavar="NUMBER", help="these exercises, as 5.1 5.2")
    parser.add_argument("--verdicts", action="store_true", help="also what is wrong with each")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write all of it to a file, too")
    parser.add_argument("--seed", type=int, default=1, help="draws other arguments")
    parser.add_argument("--seconds", type=int, default=10, help="time for each exercise")
    parser.add_argument("--megabytes", type=int, default=1024, help="memory for each student")
    given = parser.parse_args(arguments)
    try:
        limits = Limits(given.seconds, given.megabytes)
        grades = grade_class(given.folder, given.only, given.seed, limits)
        if given.csv:
            with written_whole(given.csv) as file:
                file.write(as_csv(grades))
    except (OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {printable(str(error))}\n")
    print(table(grades))
    if given.verdicts:
        for student, best in grades.items():
            for number, grade in best.items():
                if grade.mark == "wrong":
                    say(f"\n{student}, {number}: {grade.said}")


if __name__ == "__main__":
    main()
