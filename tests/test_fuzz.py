"""Damaged and hostile files, thousands of them: refused with ValueError, nothing changed, or read.

`make fuzz` tries more of them, `make fuzz SEED=1` others.
"""

from __future__ import annotations

import copy
import gzip
import json
import math
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import numpy as safetensors

import nn
from nn.datasets import read_idx

from .test_checkpoint import same
from .test_datasets import idx
from .test_hostile_files import Changed, Watched, saved  # noqa: F401  a fixture

MUTANTS = int(os.environ.get("FUZZ_MUTANTS", 2000))
SEED = int(os.environ.get("FUZZ_SEED", 0))
BOUND = 64 * 2**20
"""Bytes that reading a file of a few kilobytes may take."""


@contextmanager
def bounded() -> Iterator[None]:
    """What the process grows by in the block is bounded."""
    before = largest()
    yield
    assert largest() - before < BOUND


@contextmanager
def traced() -> Iterator[None]:
    """What Python and NumPy hold at most in the block is bounded."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < BOUND


def refusal(function: Callable[..., Any], *arguments: Any) -> str | None:
    """The message of the ValueError that the function raised, None if it raised nothing."""
    try:
        function(*arguments)
    except ValueError as error:
        return str(error)
    return None


def largest() -> int:
    """The most memory that the process has had, in bytes; 0 where it cannot be asked."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def damaged(content: bytes, rng: np.random.Generator, head: int) -> bytes:
    """The file with some bytes changed, cut or added, mostly in its first ones, or cut off."""
    result = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        end = min(head, len(result)) if rng.random() < 0.7 else len(result)
        i = int(rng.integers(0, end + 1))
        result[i : i + rng.integers(0, 3)] = rng.bytes(int(rng.integers(0, 3)))
    return bytes(result[: rng.integers(len(result) + 1)] if rng.random() < 0.1 else result)


def test_idx(tmp_path: Path) -> None:
    rng, path, refused = np.random.default_rng(SEED), tmp_path / "x", 0
    arrays = [rng.integers(0, 256, shape).astype(np.uint8) for shape in [(9,), (5, 4, 3), (0,)]]
    originals = [idx(array) for array in arrays]
    originals += [gzip.compress(content) for content in originals]
    originals.append(gzip.compress(originals[0] + bytes(1_000_000)))  # which is far too much
    with bounded(), traced():
        for i in range(MUTANTS):
            path.write_bytes(damaged(originals[i % len(originals)], rng, 16))
            message = refusal(read_idx, path, (None, 1, 3)[i % 3])
            refused += message is not None
            assert message is None or str(path) in message
    assert MUTANTS / 2 < refused < MUTANTS


def test_safetensors(tmp_path: Path) -> None:
    rng, path, refused = np.random.default_rng(SEED), tmp_path / "x", 0
    model = nn.Sequential(nn.Dense(3, 4), nn.BatchNorm1d(4), nn.Dense(4, 2))
    nn.save(path, model, epoch=7, seen=[np.arange(3), (1, 2.5, None)])
    ours, before = path.read_bytes(), model.state_dict()
    others = bytes(safetensors.save(before))  # as another tool writes them
    with bounded(), traced():
        for i in range(MUTANTS):
            content = (ours, others)[i % 2]
            path.write_bytes(damaged(content, rng, 8 + int.from_bytes(content[:8], "little")))
            message = refusal(nn.load, path, model)
            refused += message is not None
            if message is None:
                model.load_state_dict(before)
            else:
                assert str(path) in message
                assert same(model.state_dict(), before)
    assert MUTANTS / 2 < refused < MUTANTS


VALUES = [None, True, -1, 0, 3, 2**70, 10**400, 1e300, math.nan, -math.inf, "", "x", [], {}, [[1]]]


def mutated(content: bytes, text: str, rng: np.random.Generator) -> bytes:
    """The file damaged, or with a value of its text replaced."""
    if rng.random() < 0.4:
        return damaged(content, rng, 8 + int.from_bytes(content[:8], "little"))
    rest = json.loads(text)
    for _ in range(rng.integers(1, 3)):
        inner = rest
        while True:
            keys: Any = list(inner) if isinstance(inner, dict) else range(len(inner))
            key = keys[rng.integers(len(keys))]
            if not isinstance(inner[key], (dict, list)) or not inner[key] or rng.random() < 0.1:
                break
            inner = inner[key]
        value = copy.deepcopy(VALUES[rng.integers(len(VALUES))])
        if rng.random() < 0.8:
            inner[key] = value
        elif isinstance(inner, dict):
            inner[str(value)] = inner.pop(key)
        else:
            inner.append(value)
    return bytes(safetensors.save(safetensors.load(content), {"tinygrad_edu": json.dumps(rest)}))


def test_resume_files(saved: Path, tmp_path: Path) -> None:  # noqa: F811
    rng, watched, path = np.random.default_rng(SEED), Watched(), tmp_path / "x"
    content, text, refused = saved.read_bytes(), json.dumps(Changed(saved).rest), 0
    with bounded():
        for _ in range(MUTANTS):
            path.write_bytes(mutated(content, text, rng))
            message = refusal(watched.resume, path)
            refused += message is not None
            if message is None:
                watched = Watched()
            else:
                assert str(path) in message
                assert watched.unchanged()
    assert MUTANTS / 2 < refused < MUTANTS


# -------------------------------------------------------------------- memory that runs out


@pytest.mark.parametrize("n", range(12))
def test_no_memory_is_no_damage_and_changes_nothing(
    n: int,
    saved: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """MemoryError at the n-th array or text that is made of a file, wherever that is."""
    watched, calls = Watched(), 0

    def failing(function: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > n:
                raise MemoryError
            return function(*arguments, **options)

        return call

    monkeypatch.setattr(nn.checkpoint, "_array", failing(nn.checkpoint._array))
    monkeypatch.setattr(nn.checkpoint, "_unpack", failing(nn.checkpoint._unpack))
    monkeypatch.setattr(nn.checkpoint.json, "loads", failing(json.loads))
    t = watched.trainer
    with pytest.raises(MemoryError):
        nn.load(saved, t.model, t.optimizer, t.scheduler)
    assert watched.unchanged()


@pytest.mark.parametrize("part", ["model", "optimizer", "scheduler"])
def test_no_memory_for_a_part_changes_nothing(
    part: str,
    saved: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched()
    t = watched.trainer

    def fail(*arguments: Any, **options: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(type(getattr(t, part)), "load_state_dict", fail)
    with pytest.raises(MemoryError):
        nn.load(saved, t.model, t.optimizer, t.scheduler)
    assert watched.unchanged()
