"""Files from the network: from one of several mirrors, checked, and written whole or not at all."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinygrad_edu.atomic_write import written_whole
from tinygrad_edu.errors import printable

from .idx import at_most

__all__ = ["fetch", "folder"]

SCHEMES = ("https",)
MOST_BYTES = 100_000_000  # of a file, packed or unpacked; MNIST's largest has 47 million
MOST_SECONDS = 600.0  # for all of one file from one mirror


def folder() -> Path:
    """Where data lie: $TINYGRAD_EDU_DATA, else a cache folder in the home directory."""
    given = os.environ.get("TINYGRAD_EDU_DATA")
    if given:
        return Path(given)
    home = Path(os.path.expanduser("~"))  # which remains "~" where there is none
    if home.is_dir():
        return home / ".cache" / "tinygrad-edu"
    import tempfile

    return Path(tempfile.gettempdir()) / "tinygrad-edu"


def fetch(name: str, checksum: str, mirrors: Sequence[str]) -> Path:
    """The path of a file of the data folder, downloaded from the first mirror that has it right.

    A file that lies there, or in the folder itself under its last name, is used only if it has the
    `checksum`, its SHA-256 or MD5, or that of its unpacked content; one in the folder itself may be
    of another data set, and is left alone then.  Raises ValueError for a wrong one that lies there,
    ConnectionError if no mirror responds with the right file, saying what each did.
    """
    target, failures = folder() / name, []
    if target.exists():
        if not _right(_content(target), checksum):
            raise ValueError(
                f"{target} is not the file it should be: its checksum is wrong; move it elsewhere "
                "or delete it, and it is downloaded again"
            )
        return target
    shared = folder() / target.name
    if shared.exists():
        if _right(_content(shared), checksum):
            return shared
        failures.append(f"{shared}: another file, its checksum is wrong")
    target.parent.mkdir(parents=True, exist_ok=True)
    for mirror in mirrors:
        url = mirror + target.name
        try:
            _download(url, target, checksum)
            return target
        except Exception as error:  # whatever a broken server makes the libraries raise
            failures.append(f"{url}: {str(error).strip('<>') or type(error).__name__}")
    raise ConnectionError(
        printable(
            f"{target.name} could not be downloaded ({'; '.join(failures)}); put it into "
            f"{target.parent} by hand, or set $TINYGRAD_EDU_DATA to its folder"
        )
    )


def _download(url: str, target: Path, checksum: str) -> None:
    """Write the response of `url` to `target`, if its checksum is right."""
    import urllib.parse
    import urllib.request  # which takes as long to import as all of nn

    from tqdm import tqdm

    if urllib.parse.urlsplit(url).scheme not in SCHEMES:
        raise ValueError("is not https")
    deadline = time.monotonic() + MOST_SECONDS
    request = urllib.request.Request(url, headers={"User-Agent": "tinygrad-edu"})
    with _opened(request) as response, written_whole(target) as out:
        if urllib.parse.urlsplit(response.url).scheme not in SCHEMES:
            raise ValueError("leads to an address that is not https")
        size = int(response.headers.get("Content-Length") or 0) or None
        got = 0
        with tqdm(total=size, unit="B", unit_scale=True, desc=target.name) as progress:
            for chunk in iter(lambda: response.read1(1 << 16), b""):
                got += len(chunk)
                if max(got, size or 0) > MOST_BYTES:
                    raise ValueError(f"responded with more than {MOST_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise ValueError(f"took more than {MOST_SECONDS:g} seconds")
                out.write(chunk)
                progress.update(len(chunk))
        out.seek(0)
        if not _right(out.read(), checksum):
            raise ValueError("responded with another file: its checksum is wrong")


def _opened(request: Any) -> Any:
    """The response, its head read within the limit of time however slowly it comes."""
    import queue
    import threading
    import urllib.request

    arrived: queue.Queue[Any] = queue.Queue()

    def wait() -> None:
        try:
            arrived.put(urllib.request.urlopen(request, timeout=30))
        except Exception as error:
            arrived.put(error.with_traceback(None))  # whose frames hold an open connection

    threading.Thread(target=wait, daemon=True).start()
    try:
        response = arrived.get(timeout=MOST_SECONDS)
        if isinstance(response, Exception):
            raise response
        return response
    except queue.Empty:
        raise TimeoutError(f"took more than {MOST_SECONDS:g} seconds") from None
    finally:
        response = None


def _content(path: Path) -> bytes:
    """What a file holds, or as much of it as tells that it is too large."""
    with open(path, "rb") as file:
        return bytes(at_most(MOST_BYTES + 1, file))


def _right(content: bytes, checksum: str) -> bool:
    """Whether the content, packed as it is or unpacked, has the checksum."""
    import gzip
    import zlib

    if _sum(content, checksum) == checksum:
        return True
    try:
        with gzip.open(io.BytesIO(content)) as file:
            unpacked = at_most(MOST_BYTES + 1, file)
    except (OSError, EOFError, zlib.error):
        return False
    return _sum(unpacked, checksum) == checksum


def _sum(content: bytes | bytearray, like: str) -> str:
    """The checksum of the kind that one of this length is."""
    import hashlib

    kind = "sha256" if len(like) == 64 else "md5"
    return hashlib.new(kind, content, usedforsecurity=False).hexdigest()
