"""How many threads matrix products run on: as set, and in a training as its products ask for."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

import nn
from nn import threads

threadpoolctl = pytest.importorskip("threadpoolctl")


def blas() -> list[int]:
    """The threads of each library that multiplies matrices."""
    pools = threadpoolctl.threadpool_info()
    return [pool["num_threads"] for pool in pools if pool["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def _unchosen(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two threads, as by default on a machine with two cores."""
    for name in threads._VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads, "_chosen", False)
    with threadpoolctl.threadpool_limits(2, "blas"):
        yield


def during_fit(width: int) -> list[int]:
    """The threads while a network of this width is trained."""
    seen: list[list[int]] = []
    model = nn.Dense(4, width)
    trainer = nn.Trainer(model, nn.mse_loss, nn.SGD(model.parameters()))
    data = np.ones((8, 4), np.float32), np.ones((8, width), np.float32)
    trainer.fit(data, epochs=1, progress=False, callbacks=[lambda _: seen.append(blas())])
    return seen[0]


def test_a_number_holds_from_now_on_or_for_a_block() -> None:
    assert set(blas()) == {2}
    with nn.set_num_threads(1):
        assert set(blas()) == {1}
    assert set(blas()) == {2}
    nn.set_num_threads(1)
    assert set(blas()) == {1}
    with pytest.raises(ValueError, match="n must be a positive integer"):
        nn.set_num_threads(0)


def test_a_training_of_small_products_takes_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(during_fit(8)) == {1}
    assert set(blas()) == {2}
    monkeypatch.setattr(threads, "LARGE", 100)
    assert set(during_fit(8)) == {2}


def test_what_was_chosen_holds_in_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    nn.set_num_threads(2)
    assert set(during_fit(8)) == {2}
    monkeypatch.setattr(threads, "_chosen", False)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert set(during_fit(8)) == {2}


def test_without_threadpoolctl(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("threadpoolctl"):
            raise ModuleNotFoundError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setitem(__import__("sys").modules, "threadpoolctl", None)
    with pytest.raises(ModuleNotFoundError, match="pip install threadpoolctl"):
        nn.set_num_threads(1)
    monkeypatch.undo()
    assert set(blas()) == {2}
