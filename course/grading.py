"""Grades one file: a limited process calls its functions, this one judges what they return."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .catalog import declared
from .judging import Outcome, verdict_on
from .lessons import FOLDER
from .results import decoded

__all__ = ["Grade", "Limits", "grade_file"]


STARTING = 60
"""Seconds that the process may take until it reads the file: for a busy machine."""


@dataclass(frozen=True)
class Limits:
    """What a student's code may use: seconds for each exercise, and memory."""

    seconds: int = 10
    megabytes: int = 1024


class Grade(NamedTuple):
    """A mark, "right", "wrong", "blank" or "missing", and what is to be said."""

    mark: str
    said: str = ""


def grade_file(
    path: Path, numbers: Sequence[str], seed: int = 1, limits: Limits | None = None
) -> dict[str, Grade]:
    """The grade of each exercise.

    A function that hangs, or that ends its process, costs its own exercise: the others are called
    in a new process.
    """
    limits = limits or Limits()
    grades: dict[str, Grade] = {}
    left = list(numbers)
    while left:
        lines, end = _run(path, left, seed, limits)
        done, begun, problem = _read(lines, left, seed)
        grades |= done
        left = [number for number in left if number not in grades]
        if not left:
            break
        if begun is None:
            said = f"the file could not be loaded: {problem or end}"
            return grades | dict.fromkeys(left, Grade("wrong", said))
        grades[begun] = Grade("wrong", f"{declared()[begun].name} {end}")
        left.remove(begun)
    return grades


def _run(
    path: Path, numbers: Sequence[str], seed: int, limits: Limits
) -> tuple[list[dict[str, Any]], str]:
    """The lines of a process that runs the file, and how it ended."""
    job = {
        "path": str(path.resolve()), "numbers": list(numbers), "seed": seed,
        "seconds": limits.seconds * len(numbers), "megabytes": limits.megabytes,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "course.sandbox"],
            stdin=subprocess.PIPE, stdout=out, stderr=subprocess.DEVNULL,
            cwd=folder, env=_environment(folder), start_new_session=True,
        )  # fmt: skip
        end = _waited(process, json.dumps(job).encode(), out, limits.seconds, len(numbers))
        out.seek(0)
        return list(_lines(out)), end


def _environment(folder: str) -> dict[str, str]:
    """Little of the teacher's own, and one thread, since more processes are not allowed."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH")}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    own = {"PYTHONPATH": str(FOLDER.parent), "HOME": folder, "PYTHONDONTWRITEBYTECODE": "1"}
    return kept | threads | own | {"TINYGRAD_EDU_COURSE": folder}


def _waited(
    process: subprocess.Popen[bytes], job: bytes, out: Any, seconds: int, exercises: int
) -> str:
    """Wait until the process ends, or writes nothing for so many seconds; and say how it ended."""
    assert process.stdin is not None
    with suppress(OSError), process.stdin as pipe:
        pipe.write(job)
    start = progress = time.monotonic()
    size = 0
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(timeout=0.2)
                how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
                return f"ended the process {how}"
            now, written = time.monotonic(), os.fstat(out.fileno()).st_size
            if written != size:
                size, progress = written, now
            patience = seconds if size else STARTING
            if now - progress > patience or now - start > STARTING + seconds * exercises:
                return f"took longer than {seconds} s"
    finally:
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it started."""
    with suppress(OSError, AttributeError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _lines(out: Any) -> Iterator[dict[str, Any]]:
    """What the process wrote, without what is no line of a job."""
    for line in out:
        with suppress(ValueError, RecursionError):
            given = json.loads(line)
            if isinstance(given, dict):
                yield given


def _read(
    lines: Iterable[dict[str, Any]], numbers: Sequence[str], seed: int
) -> tuple[dict[str, Grade], str | None, str]:
    """The grades, the exercise that was begun and not ended, and what was wrong with the file."""
    grades: dict[str, Grade] = {}
    calls: dict[tuple[str, str], Outcome] = {}
    begun, problem = None, ""
    for line in lines:
        event, number = line.get("event"), str(line.get("number"))
        if event == "loaded":
            problem = "; ".join(map(str, line.get("problems") or []))[:500]
        if number not in numbers:
            continue
        if event == "missing":
            grades[number] = Grade("missing", problem)
        elif event == "begin":
            begun = number
        elif event == "call":
            calls[number, str(line.get("trial"))] = _outcome(line)
        elif event == "end":
            grades[number] = _graded(number, calls, seed)
            begun = None
    return grades, begun, problem


def _outcome(line: dict[str, Any]) -> Outcome:
    try:
        return Outcome(decoded(str(line["value"])), str(line["problem"])[:500])
    except (ValueError, KeyError, MemoryError) as error:
        return Outcome(problem=f"the result cannot be read: {error}")


def _graded(number: str, calls: dict[tuple[str, str], Outcome], seed: int) -> Grade:
    missing = Outcome(problem="gave no result")
    found = verdict_on(
        declared()[number], lambda trial: calls.get((number, str(trial)), missing), seed
    )
    if found.right:
        return Grade("right")
    return Grade("blank" if found.text == "still blank" else "wrong", found.text)
