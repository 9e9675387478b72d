"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["written_whole"]


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file to write and read, which gets its name when the block ends without an error.

    Until then `path` is what it was, also if the process is killed.  A link is followed, and the
    file is as readable to others as one from `open`.  Raises an OSError of the usual kind where no
    file can be made.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written_whole(Path(folder, "a.txt")) as file:
    ...         _ = file.write(b"all of it")
    ...     Path(folder, "a.txt").read_text()
    'all of it'
    """
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".unfinished-{secrets.token_hex(8)}")
    if target.is_dir():
        raise IsADirectoryError(f"{path} cannot be written: it is a folder")
    try:
        file = open(draft, "x+b")  # noqa: SIM115
    except OSError as error:
        raise type(error)(
            f"{path} cannot be written: {error.strerror} for a new file in {target.parent}"
        ) from None
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # else a power failure could leave the name without the content
        if target.exists():
            shutil.copymode(target, draft)
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)
