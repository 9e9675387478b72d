"""Files from the network: from one of several mirrors, checked, and written whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import os
import tempfile
import time
import urllib.parse
import urllib.request
import zlib
from collections.abc import Sequence
from pathlib import Path

from tinygrad_edu.atomic_write import written_whole

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
    try:
        return Path.home() / ".cache" / "tinygrad-edu"
    except RuntimeError:  # there is no home directory
        return Path(tempfile.gettempdir()) / "tinygrad-edu"


def fetch(name: str, sums: Sequence[str], mirrors: Sequence[str]) -> Path:
    """The path of a file of the data folder, downloaded from the first mirror that has it right.

    A file that lies there, or in the folder itself under its last name, is used only if its MD5
    checksum, or that of its unpacked content, is one of `sums`; one in the folder itself may be of
    another data set, and is left alone then.  Raises ValueError for a wrong one that lies there,
    ConnectionError if no mirror responds with the right file, saying what each did.
    """
    target, failures = folder() / name, []
    if target.exists():
        if not _right(_content(target), sums):
            raise ValueError(
                f"{target} is not the file it should be: its checksum is wrong; delete it, and "
                "it is downloaded again"
            )
        return target
    shared = folder() / target.name
    if shared.exists():
        if _right(_content(shared), sums):
            return shared
        failures.append(f"{shared}: another file, its checksum is wrong")
    target.parent.mkdir(parents=True, exist_ok=True)
    for mirror in mirrors:
        url = mirror + target.name
        try:
            _download(url, target, sums)
            return target
        except (OSError, ValueError, http.client.HTTPException) as error:
            failures.append(f"{url}: {str(error).strip('<>')}")
    raise ConnectionError(
        f"{target.name} could not be downloaded ({'; '.join(failures)}); put it into "
        f"{target.parent} by hand, or set $TINYGRAD_EDU_DATA to its folder"
    )


def _download(url: str, target: Path, sums: Sequence[str]) -> None:
    """Write the response of `url` to `target`, if its checksum is right."""
    from tqdm import tqdm

    if urllib.parse.urlsplit(url).scheme not in SCHEMES:
        raise ValueError("is not https")
    deadline = time.monotonic() + MOST_SECONDS
    request = urllib.request.Request(url, headers={"User-Agent": "tinygrad-edu"})
    with urllib.request.urlopen(request, timeout=30) as response, written_whole(target) as out:
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
        if not _right(out.read(), sums):
            raise ValueError("responded with another file: its checksum is wrong")


def _content(path: Path) -> bytes:
    """What a file holds, or as much of it as tells that it is too large."""
    with open(path, "rb") as file:
        return bytes(at_most(MOST_BYTES + 1, file))


def _right(content: bytes, sums: Sequence[str]) -> bool:
    """Whether the content, packed as it is or unpacked, has one of the checksums."""
    if hashlib.md5(content, usedforsecurity=False).hexdigest() in sums:
        return True
    try:
        with gzip.open(io.BytesIO(content)) as file:
            unpacked = at_most(MOST_BYTES + 1, file)
    except (OSError, EOFError, zlib.error):
        return False
    return hashlib.md5(unpacked, usedforsecurity=False).hexdigest() in sums
