"""Files that are written whole or not at all: every file that this project writes."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from .errors import printable

try:
    import fcntl
except ModuleNotFoundError:  # Windows, which does not delete a file that is open
    fcntl = None  # type: ignore[assignment]

__all__ = ["written_whole"]

PREFIX = ".unfinished-"


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file to write and read, which gets its name when the block ends without an error.

    Until then `path` is what it was, also if the process is killed; what killed processes left
    unfinished in the folder is removed.  A link is followed, the file is as readable to others as
    the one before, else as one from `open`, and a device, pipe or socket is written to, not
    replaced.  Raises an OSError of the usual kind that names the file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written_whole(Path(folder, "a.txt")) as file:
    ...         _ = file.write(b"all of it")
    ...     Path(folder, "a.txt").read_text()
    'all of it'
    """
    if os.path.isdir(path):
        raise _named(IsADirectoryError(errno.EISDIR, "it is a folder"), path)
    if os.path.exists(path) and not os.path.isfile(path):
        import shutil
        import tempfile

        with tempfile.TemporaryFile() as whole:
            yield whole
            whole.seek(0)
            with _named_errors(path), open(path, "wb") as device:
                shutil.copyfileobj(whole, device)
        return
    target = Path(os.path.realpath(path))
    _sweep(target.parent)
    with _named_errors(path, f" for a new file in {target.parent}"):
        draft = _Draft(target, path)
    try:
        with io.BufferedRandom(draft) as file:
            yield file
            file.flush()
            with _named_errors(path):  # else a power failure could leave the name without content
                os.fsync(draft.fileno())
        with _named_errors(path):
            os.replace(draft.name, target)
        _sync(target.parent)
    finally:
        with suppress(OSError):
            os.unlink(draft.name)


class _Draft(io.FileIO):
    """A new file beside the target, which has its mode before anything is in it, and is locked."""

    def __init__(self, target: Path, path: Any) -> None:
        self.path = path
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None

        def opened(name: str, flags: int) -> int:
            return os.open(name, flags, 0o666 if mode is None else 0o600)

        while True:
            super().__init__(target.with_name(PREFIX + os.urandom(8).hex()), "x+", opener=opened)
            try:
                if fcntl is None or self._is_locked():
                    if fcntl is not None and mode is not None:
                        os.fchmod(self.fileno(), mode)
                    return
            except OSError:
                os.unlink(self.name)
                self.close()
                raise
            self.close()

    def _is_locked(self) -> bool:
        """Lock it against being swept; false if it was swept before."""
        with suppress(OSError):  # some network drives have no locks, and are not swept
            fcntl.flock(self, fcntl.LOCK_EX)
        return os.fstat(self.fileno()).st_nlink > 0

    def write(self, content: Any, /) -> int:
        """As any file, with the target's name in the error where the disk is full or broken."""
        with _named_errors(self.path):
            return super().write(content)


def _sweep(folder: Path) -> None:
    """Remove the drafts that nobody writes any more, which is what their locks tell."""
    for draft in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if fcntl is None:
                draft.unlink()
                continue
            with open(draft, "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                draft.unlink()


def _sync(folder: Path) -> None:
    """Make the new name last, where folders can be synced."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _named_errors(path: Any, where: str = "") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _named(error, path, where) from None


def _named(error: OSError, path: Any, where: str = "") -> OSError:
    """The error as one of the same kind and number that names the file."""
    reason = error.strerror or error
    named = type(error)(printable(f"{path} cannot be written: {reason}{where}"))
    named.errno = error.errno
    return named
