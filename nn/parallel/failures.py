"""One process that fails ends all: the others would wait for it without end."""

from __future__ import annotations

import atexit
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

__all__ = ["end_all_on_errors", "ending_all"]

_STAGGER, _LONGEST = 0.2, 2.0  # seconds that a rank waits for those before it


def end_all_on_errors(communicator: Any) -> None:
    """From here on an error that nothing catches ends all processes of the communicator.

    So does `sys.exit` with a status that says that something went wrong.
    """
    leave = sys.exit

    def leave_with_all(status: Any = None, /) -> NoReturn:
        if status not in (None, 0):
            atexit.register(_abort, communicator, status if isinstance(status, int) else 1)
        leave(status)

    def end(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        _end_all(communicator, error.with_traceback(trace))

    sys.excepthook, sys.exit = end, leave_with_all


@contextmanager
def ending_all(communicator: Any) -> Iterator[None]:
    """Within the block any error ends all processes at once, caught further out or not.

    What other ranks wait for in the block would never come, whatever became of the error.
    """
    try:
        yield
    except BaseException as error:
        _end_all(communicator, error)
        raise


def _end_all(communicator: Any, error: BaseException) -> None:
    """Print the traceback, and end all processes.

    The ranks do so one after the other, so that an error of all is printed once; first those of
    which the values made a loss that is not finite.
    """
    text = "".join(traceback.format_exception(error))
    elsewhere = "the loss itself is not finite" in text
    _take_turns(communicator, _LONGEST * elsewhere)
    head = f"rank {communicator.rank} of {communicator.size} failed and ends all:\n"
    print(head + text, end="", file=sys.stderr, flush=True)
    sys.stdout.flush()
    communicator.Abort(130 if isinstance(error, KeyboardInterrupt) else 1)


def _abort(communicator: Any, status: int) -> None:
    _take_turns(communicator)
    sys.stderr.flush()
    communicator.Abort(status)


def _take_turns(communicator: Any, more: float = 0.0) -> None:
    time.sleep(min(_STAGGER * communicator.rank, _LONGEST) + more)
