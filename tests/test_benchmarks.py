"""The contestants of the benchmarks compute the same, and those that cannot run are left out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks import compat, hessian, mlp, ops, recurrent, transformer
from benchmarks.harness import Row, available, first_runs
from benchmarks.training import step_of

from .samples import ALL


def test_a_missing_compiler_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("CC", raising=False)
    makers: dict[str, Callable[[], Any]] = {
        "runs": lambda: lambda: None,
        "tinygrad": lambda: compat.need_compiler("CC", "clang"),
        "torch.compile": lambda: compat.need_compiler("CXX", "no compiler", "none either"),
    }
    contestants, notes = available(makers)
    assert list(contestants) == ["runs"]
    assert notes[0] == "tinygrad is left out: its compiler is not installed: clang."
    monkeypatch.setenv("CC", "my-clang")
    assert available(makers)[1][0].endswith("not installed: my-clang.")
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "my-clang" else None)
    compat.need_compiler("CC", "clang")


def test_what_compiles_has_its_first_run_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "of the user")
    folders = []

    def make() -> Callable[[], None]:
        folders.append(os.environ["TORCHINDUCTOR_CACHE_DIR"])
        return lambda: None

    names = ["JAX jit", "tinygrad-edu, nn, compiled", "torch.compile", "tinygrad"]
    notes = first_runs(dict.fromkeys([*names, "tinygrad-edu, nn", "PyTorch"], make))
    assert [note.partition(": ")[0] for note in notes] == names
    assert len(set(folders)) == len(names)
    assert not any(map(os.listdir, folders))


def test_a_step_subtracts_the_gradient() -> None:
    import nn

    p = nn.Parameter(np.array([1.0, 2.0]))
    step = step_of(lambda x: (p * x).sum(), nn.SGD([p], lr=0.5), np.array([2.0, 4.0]))
    assert step() == 10
    np.testing.assert_allclose(p.data, [0, 0])
    assert step() == 0  # of the new parameters
    np.testing.assert_allclose(p.data, [-1, -2])  # gradients do not add up


@pytest.mark.parametrize("module", [hessian, recurrent, transformer])
def test_contestants_agree(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On small networks, without those that take long to compile."""
    small = {"BATCH": 3, "STEPS": 4, "WIDTH": 8, "HEADS": 2, "LENGTH": 4, "CHARACTERS": 5}
    for name, value in small.items():
        if hasattr(module, name):
            monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    for name in ("CC", "CXX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "compare", lambda contestants, **options: list(contestants))
    for table in module.tables(1):
        assert "tinygrad-edu, nn" in table.rows or "tinygrad-edu" in table.rows


def test_every_table_of_networks_has_all_peers() -> None:
    peers = {"JAX jit", "PyTorch", "torch.compile", "tinygrad"}
    assert peers <= mlp.WITH_SGD.keys()
    assert peers <= mlp.WITH_ADAM.keys()


def test_every_op_has_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Computed once, and compared with the same by hand or as declared."""
    monkeypatch.setattr(ops, "compare", lambda contestants, **options: [Row("ours", 1.0, [1.0])])
    (table,) = ops.tables(1)
    assert {row.name.removesuffix(" *") for row in table.rows} == {
        call.op.name for call in ALL.values()
    }
