"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

try:
    import fcntl
except ModuleNotFoundError:  # Windows, which does not delete a file that is open
    fcntl = None  # type: ignore[assignment]

__all__ = ["written_whole"]

PREFIX = ".unfinished-"
NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC))


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file to write and read, which gets its name when the block ends without an error.

    Until then `path` is what it was, also if the process is killed; what killed processes left
    unfinished in the folder is removed.  A link is followed, the file is as readable to others as
    the one before, else as one from `open`, and a device or pipe is written to, not replaced.
    Raises an OSError of the usual kind that names the file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written_whole(Path(folder, "a.txt")) as file:
    ...         _ = file.write(b"all of it")
    ...     Path(folder, "a.txt").read_text()
    'all of it'
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise _named(IsADirectoryError(errno.EISDIR, "it is a folder"), path)
    if target.exists() and not target.is_file():
        with tempfile.NamedTemporaryFile() as whole:
            yield whole  # type: ignore[misc]
            whole.seek(0)
            with open(target, "wb") as device:
                shutil.copyfileobj(whole, device)
        return
    _sweep(target.parent)
    try:
        file = _draft(target)
    except OSError as error:
        raise _named(error, path, f" for a new file in {target.parent}") from None
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # else a power failure could leave the name without the content
        os.replace(file.name, target)
        _sync(target.parent)
    except OSError as error:
        if error.errno in NO_ROOM or error.filename == file.name:
            raise _named(error, path) from None
        raise
    finally:
        with suppress(OSError):
            os.unlink(file.name)


def _draft(target: Path) -> BinaryIO:
    """A new file beside the target, with its mode before anything is in it, and locked."""
    while True:
        name = target.with_name(PREFIX + secrets.token_hex(8))
        file = open(name, "x+b", opener=_private)  # noqa: SIM115
        if fcntl is None:
            return file
        with suppress(OSError):  # some network drives have no locks, and are not swept
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:  # not swept before it was locked
            mode = target.stat().st_mode if target.exists() else 0o666 & ~_umask()
            os.fchmod(file.fileno(), stat.S_IMODE(mode))
            return file
        file.close()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


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


def _named(error: OSError, path: Any, where: str = "") -> OSError:
    """The error as one of the same kind and number that names the file."""
    named = type(error)(f"{path} cannot be written: {error.strerror}{where}")
    named.errno = error.errno
    return named
