"""Files from the network: from one of several mirrors, checked, and written whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import os
import urllib.error
import urllib.request
import zlib
from collections.abc import Sequence
from pathlib import Path

from ..atomic_write import written_whole

__all__ = ["fetch", "folder"]


def folder() -> Path:
    """Where data lie: $TINYGRAD_EDU_DATA, else a cache folder in the home directory."""
    given = os.environ.get("TINYGRAD_EDU_DATA")
    return Path(given) if given else Path.home() / ".cache" / "tinygrad-edu"


def fetch(name: str, sums: Sequence[str], mirrors: Sequence[str]) -> Path:
    """The path of a file of the data folder, downloaded from the first mirror that has it right.

    A file that lies there, or in the folder itself under its last name, is used only if its MD5
    checksum, or that of its unpacked content, is one of `sums`.  Raises ValueError for one that is
    not, ConnectionError if no mirror responds with the right file, saying what each did.
    """
    target = folder() / name
    for path in (target, folder() / target.name):
        if path.exists():
            if not _right(path.read_bytes(), sums):
                raise ValueError(
                    f"{path} is not the file it should be: its checksum is wrong; delete it, and "
                    "it is downloaded again"
                )
            return path
    target.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for mirror in mirrors:
        url = mirror + target.name
        try:
            _download(url, target, sums)
            return target
        except (OSError, ValueError) as error:
            failures.append(f"{url}: {str(error).strip('<>')}")
    raise ConnectionError(
        f"{target.name} could not be downloaded ({'; '.join(failures)}); put it into "
        f"{target.parent} by hand, or set $TINYGRAD_EDU_DATA to its folder"
    )


def _download(url: str, target: Path, sums: Sequence[str]) -> None:
    """Write the response of `url` to `target`, if its checksum is right."""
    from tqdm import tqdm

    request = urllib.request.Request(url, headers={"User-Agent": "tinygrad-edu"})
    with urllib.request.urlopen(request, timeout=30) as response, written_whole(target) as out:
        size = int(response.headers.get("Content-Length") or 0) or None
        with tqdm(total=size, unit="B", unit_scale=True, desc=target.name) as progress:
            for chunk in iter(lambda: response.read(1 << 16), b""):
                out.write(chunk)
                progress.update(len(chunk))
        out.seek(0)
        if not _right(out.read(), sums):
            raise ValueError("responded with another file: its checksum is wrong")


def _right(content: bytes, sums: Sequence[str]) -> bool:
    """Whether the content, packed as it is or unpacked, has one of the checksums."""
    if hashlib.md5(content, usedforsecurity=False).hexdigest() in sums:
        return True
    try:
        unpacked = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return False
    return hashlib.md5(unpacked, usedforsecurity=False).hexdigest() in sums
