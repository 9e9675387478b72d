"""The IDX format of MNIST: big-endian, checked before it is believed."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np

__all__ = ["read_idx"]

TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(path: str | os.PathLike[str], axes: int | None = None) -> np.ndarray:
    """The array in an IDX file, gzipped or not; with `axes` one of that many: 3 images, 1 labels.

    Raises ValueError, with the file's name and what is wrong with it, if it is not an IDX file, is
    damaged, holds more or less than its header says, or an array of another number of axes.
    """
    path = Path(path)
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} is damaged: {error}; delete it and load it again") from None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES:
        raise ValueError(f"{path} is not an IDX file: it begins with {content[:4]!r}")
    kind, ndim = np.dtype(TYPES[content[2]]), content[3]
    start = 4 + 4 * ndim
    if len(content) < start:
        raise ValueError(f"{path} ends within its header")
    shape = struct.unpack(f">{ndim}I", content[4:start])
    expected = start + kind.itemsize * math.prod(shape)
    if len(content) != expected:
        raise ValueError(
            f"{path} should hold {expected} bytes for an array of shape {shape}, and holds "
            f"{len(content)}; delete it and load it again"
        )
    if axes is not None and ndim != axes:
        raise ValueError(
            f"{path} holds an array of shape {shape}, where {axes} axes were expected; images "
            "have 3 and labels 1: is it the right file?"
        )
    try:
        array = np.frombuffer(content, kind, offset=start).reshape(shape)
    except ValueError as error:  # a shape that no array can have
        raise ValueError(f"{path} is damaged: {error}; delete it and load it again") from None
    return array.astype(kind.newbyteorder("="))
