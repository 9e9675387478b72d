"""The IDX format of MNIST: big-endian, its header validated before use."""

from __future__ import annotations

import math
import os
import struct
from typing import Any

import numpy as np

from tinygrad_edu.errors import printable

__all__ = ["read_idx"]

TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(path: str | os.PathLike[str], axes: int | None = None) -> np.ndarray:
    """The array in an IDX file, gzipped or not; with `axes` one of that many: 3 images, 1 labels.

    Raises ValueError, with the file's name and what is wrong with it, if it is not an IDX file, is
    damaged, holds more or less than its header says, or an array of another number of axes.
    """
    import gzip
    import zlib

    name = printable(str(path))
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            return _read(name, gzip.open(file) if packed else file, axes)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{name} is damaged: {error}; delete it and load it again") from None


def _read(path: str, file: Any, axes: int | None) -> np.ndarray:
    """The array; no more is unpacked than the header says there is, and one byte."""
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in TYPES:
        at_most(1 << 20, file)  # raises if the packing is damaged, which tells more
        raise ValueError(f"{path} is not an IDX file: it begins with {start!r}")
    kind, ndim = np.dtype(TYPES[start[2]]), start[3]
    header = file.read(4 * ndim)
    if len(header) < 4 * ndim:
        raise ValueError(f"{path} ends within its header")
    shape = struct.unpack(f">{ndim}I", header)
    if axes is not None and ndim != axes:
        raise ValueError(
            f"{path} holds an array of shape {shape}, where {axes} axes were expected; images "
            "have 3 and labels 1: is it the right file?"
        )
    size = kind.itemsize * math.prod(shape)
    content = at_most(size + 1, file)
    if len(content) != size:
        before, more = 4 + 4 * ndim, " or more" if len(content) > size else ""
        raise ValueError(
            f"{path} should hold {before + size} bytes for an array of shape {shape}, and holds "
            f"{before + len(content)}{more}; delete it and load it again"
        )
    try:
        array = np.frombuffer(content, kind).reshape(shape)
    except ValueError as error:  # a shape that no array can have
        raise ValueError(f"{path} is damaged: {error}; delete it and load it again") from None
    return array.astype(kind.newbyteorder("="))


def at_most(size: int, file: Any) -> bytearray:
    """The next `size` bytes of a file, or what it has: memory goes by what comes, not by `size`."""
    content = bytearray()
    while chunk := file.read(min(size - len(content), 1 << 20)):
        content += chunk
    return content
