"""Checkpoints are validated before use, and are written whole or not at all."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from safetensors import numpy as safetensors

import nn

from .test_checkpoint import everything, mlp, same

# -------------------------------------------------------------------- damaged files

HEADER = b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'


def with_metadata(text: str) -> bytes:
    return bytes(safetensors.save({"a": np.ones(2)}, {"tinygrad_edu": text}))


DAMAGED = {
    "empty": b"",
    "short": b"abc",
    "zip": b"PK\x03\x04" + bytes(100),
    "pickle": b"\x80\x02}q\x00." + bytes(20),
    "text": b"<html>403 Forbidden</html>",
    "long header": b"\xff" * 8 + HEADER + bytes(8),
    "header": len(HEADER).to_bytes(8, "little") + HEADER.replace(b":", b";") + bytes(8),
    "cut": len(HEADER).to_bytes(8, "little") + HEADER + bytes(7),
    "metadata": with_metadata("{"),
    "no object": with_metadata("3"),
    "nothing": with_metadata("{}"),
    "lost array": with_metadata('{"more": {"x": {"$array": "b"}}}'),
    "strange array": with_metadata('{"more": {"x": {"$array": ["a"]}}}'),
    "strange more": with_metadata('{"more": 3}'),
    "strange scalar": with_metadata('{"more": {"x": {"$scalar": ["float32", [1, "x"]]}}}'),
    "deep": with_metadata('{"more":' * 100_000),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_damaged_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path, model = tmp_path / "c", nn.Dense(2, 2)
    path.write_bytes(content)
    before = model.state_dict()
    with pytest.raises(ValueError, match="is damaged, or no safetensors file: ") as caught:
        nn.load(path, model)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert same(model.state_dict(), before)


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "c"
    nn.save(path, mlp(2, 1), epoch=1)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="is damaged"):
            nn.load(path)


def test_a_state_made_up_is_refused(tmp_path: Path) -> None:
    model, optimizer, _ = everything()
    text = json.dumps({"more": {}, "optimizer": {"sizes": [2]}})
    (tmp_path / "c").write_bytes(safetensors.save(model.state_dict(), {"tinygrad_edu": text}))
    with pytest.raises(
        ValueError, match="does not fit the optimizer: the state has sizes, where groups, sizes, "
    ):
        nn.load(tmp_path / "c", model, optimizer)


def test_a_missing_file_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        nn.load(tmp_path / "nowhere")


def test_dtypes_that_numpy_lacks(tmp_path: Path) -> None:
    header = b'{"a":{"dtype":"BF16","shape":[3],"data_offsets":[0,6]}}'
    halves = np.array([1.5, -2.0, math.inf], np.float32).view(np.uint16)[1::2]
    content = len(header).to_bytes(8, "little") + header + halves.tobytes()
    (tmp_path / "c").write_bytes(content)
    assert same(nn.load(tmp_path / "c").state["a"], np.array([1.5, -2.0, math.inf], np.float32))
    header = header.replace(b'"BF16","shape":[3]', b'"F8_E4M3","shape":[6]')
    (tmp_path / "c").write_bytes(len(header).to_bytes(8, "little") + header + halves.tobytes())
    with pytest.raises(ValueError, match=r"c cannot be read: a has dtype F8_E4M3, which NumPy"):
        nn.load(tmp_path / "c")


def test_without_safetensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("safetensors", "safetensors.numpy"):
        monkeypatch.setitem(sys.modules, name, None)
    text = r"^Checkpoints need safetensors: pip install safetensors$"
    with pytest.raises(ModuleNotFoundError, match=text):
        nn.save(tmp_path / "c", mlp(1, 1))
    with pytest.raises(ModuleNotFoundError, match=text):
        nn.load(tmp_path / "c")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match=r"^to_torch_state_dict needs torch: pip install"):
        nn.to_torch_state_dict(mlp(1, 1))


# -------------------------------------------------------------------- whole or not at all

KILLING = """
    import os, random, signal, sys, time
    import numpy as np
    import nn

    path, rounds = sys.argv[1], int(sys.argv[2])
    random.seed(0)
    model = nn.Dense(600, 800, init="zeros")

    def write(i):
        model.weight.data[...] = model.bias.data[...] = i
        nn.save(path, model, step=i, again=[np.full(100_000, i)])

    cut, started = 0, time.perf_counter()
    write(0)
    longest = 6 * (time.perf_counter() - started)
    for _ in range(rounds):
        first = nn.load(path).more["step"]
        child = os.fork()
        if not child:
            i = first
            while True:
                i += 1
                write(i)
        time.sleep(random.uniform(0, longest))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        left = len(os.listdir(os.path.dirname(path))) - 1
        assert left <= 1, "what the last killed one left is swept"
        cut += left
        found = nn.load(path, model)
        last = found.more["step"]
        assert last >= first
        for array in (*model.state_dict().values(), *found.more["again"]):
            assert (array == last).all(), last
    print(last, cut)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_killed_process_leaves_the_old_checkpoint_whole(tmp_path: Path) -> None:
    program = [sys.executable, "-c", textwrap.dedent(KILLING), tmp_path / "c", "40"]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    written, cut = map(int, done.stdout.split())
    assert written > 5, "some were written to the end"
    assert cut > 0, "some were killed while they wrote"


def test_a_full_disk_leaves_the_old_checkpoint_whole(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path, model = tmp_path / "c", mlp(50, 50)
    nn.save(path, model, step=1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            nn.save(path, model, step=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert nn.load(path, model).more == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]
