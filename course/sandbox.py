"""The process that runs a student's file: `python -m course.sandbox`, started by `grading`.

It reads a job from standard input, and writes a line for each exercise it begins and for each call.
It judges nothing: what a student's code does to this process changes its own results only. Limits
of time, memory, processes and size of files hold, and an audit hook refuses to write to files
outside of the working folder, to start programs and to use the network. That keeps accidents and
pranks away; it is no wall against an attacker, who needs a container or an account of their own.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO

from .catalog import declared
from .judging import TRIALS, called
from .results import encoded
from .submissions import definitions

__all__ = ["FILE_BYTES", "limit", "main"]

FILE_BYTES = 64_000_000
REFUSED = (
    "ctypes.dlopen", "os.chmod", "os.chown", "os.exec", "os.fork", "os.forkpty", "os.kill",
    "os.killpg", "os.link", "os.mkdir", "os.posix_spawn", "os.putenv", "os.remove", "os.rename",
    "os.rmdir", "os.spawn", "os.symlink", "os.system", "os.truncate", "pty.spawn",
    "resource.setrlimit", "shutil.rmtree", "signal.pthread_kill", "socket.bind", "socket.connect",
    "socket.getaddrinfo", "socket.sendto", "subprocess.Popen", "webbrowser.open",
)  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main() -> None:
    """Run one job."""
    job = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    declared()  # before the student's code, which could change what is imported after it
    limit(job["seconds"], job["megabytes"])
    sys.addaudithook(_refuse)
    _run(job, out)
    out.flush()
    os._exit(0)  # without what the student's code may have left for the end


def limit(seconds: int, megabytes: int) -> None:
    """Limit this process for good, where the system can: not on Windows."""
    try:
        import resource
    except ModuleNotFoundError:
        return
    for name, value in (
        ("RLIMIT_CPU", seconds + 1),
        ("RLIMIT_AS", megabytes * 2**20),
        ("RLIMIT_FSIZE", FILE_BYTES),
        ("RLIMIT_NPROC", 0),
        ("RLIMIT_CORE", 0),
    ):
        kind = getattr(resource, name, None)
        if kind is not None:
            hard = resource.getrlimit(kind)[1]
            allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
            try:
                resource.setrlimit(kind, (allowed, allowed))
            except (ValueError, OSError):  # macOS refuses some
                continue


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """The audit hook."""
    if event in REFUSED:
        raise PermissionError(f"{event} is not allowed while grading")
    if event == "open":
        path, _, flags = arguments
        if flags & WRITING and not _is_here(path):
            raise PermissionError("writing to files is not allowed while grading")


def _is_here(path: Any) -> bool:
    if isinstance(path, int):
        return True
    where = os.path.realpath(os.fsdecode(path))
    return where == os.devnull or where.startswith(os.path.realpath(os.getcwd()) + os.sep)


def _run(job: dict[str, Any], out: TextIO) -> None:
    def tell(**line: Any) -> None:
        print(json.dumps(line), file=out, flush=True)

    tell(event="loading")
    names, problems = definitions(Path(job["path"]))
    tell(event="loaded", problems=problems[:5])
    for number in job["numbers"]:
        exercise = declared()[number]
        if exercise.name not in names:
            tell(event="missing", number=number)
            continue
        tell(event="begin", number=number)
        for trial in range(TRIALS):
            value, problem = called(exercise, names[exercise.name], job["seed"], trial)
            tell(event="call", number=number, trial=trial, value=encoded(value), problem=problem)
        tell(event="end", number=number)


if __name__ == "__main__":
    main()
