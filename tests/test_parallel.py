"""Training in many processes gives what one process gives; a failed one ends all.

`mpiexec` runs the cases of tests/parallel_cases.py, most of them in one launch for each number of
processes.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from examples import mnist_parallel

from . import parallel_cases

ROOT = Path(__file__).parents[1]
FOLDERS = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
MPIEXEC = shutil.which("mpiexec", path=FOLDERS)
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None or MPIEXEC is None,
    reason="needs MPI: pip install '.[mpi]'",
)
CASES = (
    "sgd", "adam", "total", "lbfgs", "accumulate", "half", "loop", "streams", "evaluated", "bits",
    "infinite",
)  # fmt: skip
WITHIN = 10.0  # seconds, in which a failure of one process ends all

Result = dict[str, Any]


def mpiexec(n: int, out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert MPIEXEC is not None
    command = [MPIEXEC, "-n", str(n), sys.executable, "-m", "tests.parallel_cases", str(out)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=240,
    )  # fmt: skip


class Launch:
    """What all ranks of a launch came to."""

    def __init__(self, n: int, out: Path, *arguments: str) -> None:
        out.mkdir()
        self.n, self.out = n, out
        self.done = mpiexec(n, out, *arguments)
        assert self.done.returncode == 0, self.done.stderr
        self.ranks = [dict(np.load(out / f"rank{rank}.npz")) for rank in range(n)]

    def case(self, name: str, rank: int = 0) -> Result:
        found = self.ranks[rank].items()
        return {k.removeprefix(f"{name}/"): v for k, v in found if k.startswith(f"{name}/")}


@pytest.fixture(scope="module", autouse=True)
def double_precision() -> Iterator[None]:
    before = nn.get_default_dtype()
    nn.set_default_dtype(np.float64)
    yield
    nn.set_default_dtype(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parallel")


@pytest.fixture(scope="module")
def alone(folder: Path) -> dict[str, Result]:
    """What one process comes to, without MPI."""
    (folder / "alone").mkdir()
    found = {}
    for name in (*CASES, "resume"):
        nn.manual_seed(3)
        found[name] = parallel_cases.CASES[name](False, folder / "alone")
    return found


@pytest.fixture(scope="module")
def launches(folder: Path, alone: dict[str, Result]) -> dict[int, Launch]:
    """Launches of 1 to 4 ranks, each of which resumes what the one before it has saved."""
    found, path = {}, folder / "alone" / "three.safetensors"
    for n in (1, 2, 3, 4):
        found[n] = Launch(n, folder / f"of{n}", *CASES, f"resume={path}")
        first = Launch(n, folder / f"first{n}", "resume", "bits") if n == 3 else None
        path = (first or found[n]).out / "three.safetensors"
        path = path if path.exists() else folder / "alone" / "three.safetensors"
    return found


def farthest(one: Result, other: Result) -> float:
    """The largest difference of any number."""
    numbers = [k for k in other if not k.startswith(("names", "draws", "own"))]
    assert set(numbers) <= set(one)
    assert len(numbers) > 3
    return max(float(np.max(np.abs(np.asarray(one[k]) - np.asarray(other[k])))) for k in numbers)


ranks = pytest.mark.parametrize("n", [1, 2, 3, 4])


@ranks
@pytest.mark.parametrize("case", ["sgd", "adam", "total", "accumulate", "loop"])
def test_losses_and_weights_are_those_of_one_process(
    n: int, case: str, launches: dict[int, Launch], alone: dict[str, Result]
) -> None:
    assert farthest(launches[n].case(case), alone[case]) < 1e-12


@ranks
def test_a_line_search_is_that_of_one_process(n: int, launches: Any, alone: Any) -> None:
    assert farthest(launches[n].case("lbfgs"), alone["lbfgs"]) < 1e-8  # it magnifies rounding


@ranks
def test_a_loss_that_is_infinite_in_one_rank_upsets_no_exchange(n: int, launches: Any) -> None:
    found = [launches[n].case("infinite", rank)["own"] for rank in range(n)]
    np.testing.assert_array_equal(found[0][2], found[0][0])
    assert all(np.isfinite(each[[0, 2]]).all() for each in found)
    assert not np.isfinite(found[-1][1]).all()


@ranks
def test_a_parameter_without_gradients_stays(n: int, launches: dict[int, Launch]) -> None:
    found = launches[n].case("loop")
    assert (found["unused"] == 1).all()
    assert not (found["sometimes"] == 1).any()


@ranks
def test_the_bits_are_the_same_in_every_rank(n: int, launches: dict[int, Launch]) -> None:
    assert len({str(rank["digest"]) for rank in launches[n].ranks}) == 1


def test_the_bits_are_the_same_in_every_run(folder: Path, launches: dict[int, Launch]) -> None:
    again = dict(np.load(folder / "first3" / "rank0.npz"))
    found = launches[3].case("bits")
    for name, values in found.items():
        assert values.tobytes() == again[f"bits/{name}"].tobytes(), name


@ranks
def test_messages_and_shared_memory_give_the_same_bits(n: int, launches: dict[int, Launch]) -> None:
    found = launches[n].case("bits")
    names = [name.removesuffix(" 0") for name in found if name.endswith(" 0")]
    assert len(names) == 8
    for name in names:
        assert found[f"{name} 0"].tobytes() == found[f"{name} 4"].tobytes(), name


@ranks
def test_training_goes_on_with_another_number_of_ranks(
    n: int, launches: dict[int, Launch], alone: dict[str, Result]
) -> None:
    assert farthest(launches[n].case("resume"), alone["resume"]) < 1e-12


def test_one_process_goes_on_from_several(folder: Path, alone: Any, launches: Any) -> None:
    nn.manual_seed(9)
    path = str(folder / "first3" / "three.safetensors")
    found = parallel_cases.resume(False, folder / "alone", path)
    assert farthest(found, alone["resume"]) < 1e-12


@ranks
def test_half_precision_on_the_wire_is_nearly_as_good(
    n: int, launches: dict[int, Launch], alone: dict[str, Result]
) -> None:
    nn.manual_seed(3)
    start = parallel_cases.network().state_dict()
    for name, values in launches[n].case("half").items():
        if name in start:
            moved = alone["half"][name] - start[name]
            error = values - alone["half"][name]
            assert np.abs(error).max() < 3e-3 * np.abs(moved).max()
            assert n == 1 or np.abs(error).max() > 0


@pytest.mark.parametrize("n", [2, 4])
def test_dropout_and_shuffling_come_from_independent_streams(
    n: int, launches: dict[int, Launch]
) -> None:
    found = [launches[n].case("streams", rank) for rank in range(n)]
    draws = np.concatenate([each["draws first"] for each in found])
    assert len(np.unique(draws)) == len(draws) == 6 * n, "each rank, epoch and batch has its own"
    assert all((each["draws first"] == each["draws again"]).all() for each in found)
    assert len(np.unique([each["own"] for each in found])) == 4 * n
    for name in ("order", "next order"):
        assert all((each[name] == found[0][name]).all() for each in found)
    assert (found[0]["order"] != found[0]["next order"]).any()
    assert sorted(found[0]["order"]) == list(range(30))
    assert farthest(found[0], found[1]) == 0


@ranks
def test_one_rank_can_evaluate(n: int, launches: Any, alone: Any) -> None:
    assert farthest(launches[n].case("evaluated"), alone["evaluated"]) < 1e-12


@ranks
def test_rank_0_writes_and_shows(n: int, launches: dict[int, Launch]) -> None:
    launch = launches[n]
    writers = {"CSVLog", "ModelCheckpoint", "Progress"}
    for rank in range(n):
        names = {str(name) for name in launch.case("sgd", rank)["names"]}
        assert names == {"EarlyStopping", *(writers if rank == 0 else ())}
    assert "epoch 10/10: 100%" in launch.done.stderr
    assert len((launch.out / "log.csv").read_text().splitlines()) == 11
    assert nn.load(launch.out / "run.safetensors").more["epochs"] == 10
    assert not list(launch.out.glob(".unfinished*"))


# -------------------------------------------------------------------- failures


def failed(n: int, out: Path, how: str) -> str:
    """What a launch printed of which one rank fails, and all end in time."""
    done, end = mpiexec(n, out, f"fail:{how}"), time.time()
    assert done.returncode != 0
    assert end - max(map(float, re.findall(r"at (\d+\.\d+)", done.stdout))) < WITHIN
    return done.stderr


@pytest.mark.parametrize(("how", "n"), [("raise", 2), ("before", 3)])
def test_an_error_of_one_rank_ends_all_with_its_traceback(how: str, n: int, tmp_path: Path) -> None:
    said = failed(n, tmp_path, how)
    assert f"rank {n - 1} of {n} failed and ends all:\nTraceback" in said
    assert said.count("ZeroDivisionError: ") == 1
    assert said.count("failed and ends all") == 1
    if how == "raise":
        whole(tmp_path)


def test_a_rank_that_leaves_with_a_message_ends_all(tmp_path: Path) -> None:
    assert failed(2, tmp_path, "leave").count("why one rank leaves") == 1


def test_a_killed_rank_ends_all(tmp_path: Path) -> None:
    failed(3, tmp_path, "kill")
    whole(tmp_path)


def test_a_rank_that_diverges_ends_all(tmp_path: Path) -> None:
    said = failed(4, tmp_path, "diverge")
    assert "rank 3 of 4 failed" in said
    assert "FloatingPointError: the loss is nan in epoch 1, batch 1: the input holds" in said
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_being_written_stays_as_it_was(tmp_path: Path) -> None:
    failed(2, tmp_path, "write")
    whole(tmp_path)


def whole(folder: Path) -> None:
    """The files are those after the first epoch."""
    model = parallel_cases.network(nn.BatchNorm1d(16))
    assert nn.load(folder / "run.safetensors", model).more["epochs"] == 1
    assert len((folder / "log.csv").read_text().splitlines()) in (2, 3)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("model", "parameter 3.weight: (16, 3) float64 in rank 0, (16, 4) float64 in rank 1"),
        ("data", "training data: 43 samples of (5,) float64 and () int64, batch_size=8, "
                 "drop_last=False in rank 0, 40 samples of (5,) float64"),
    ],
)  # fmt: skip
def test_ranks_that_disagree_are_told_before_training(how: str, told: str, tmp_path: Path) -> None:
    said = failed(2, tmp_path, how)
    assert "ValueError: the ranks disagree, and cannot train together:" in said
    assert told in said
    assert said.count("failed and ends all") == 1
    assert not list(tmp_path.iterdir())


# -------------------------------------------------------------------- the example


def test_the_example_learns_digits(tmp_path: Path) -> None:
    assert MPIEXEC is not None
    command = [MPIEXEC, "-n", "2", sys.executable, "-m", mnist_parallel.__name__, "--small"]
    command += ["--epochs", "6", "--batch-size", "64", "--lr", "0.005", "--hidden", "128"]
    command += ["--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("2 processes, 1318 digits") == 1
    accuracy = re.search(r"test accuracy ([\d.]+)%", done.stdout)
    assert accuracy
    assert float(accuracy[1]) > 94
    assert [path.name for path in tmp_path.iterdir()] == ["history.png"]


def test_the_code_of_the_guide_runs(tmp_path: Path) -> None:
    assert MPIEXEC is not None
    guide = (ROOT / "docs" / "parallel.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```py\n(.*?)^```", guide, re.M | re.S)
    assert len(blocks) == 3
    code = "\n".join(blocks).replace("epochs=20", "epochs=2").replace("range(20)", "range(2)")
    (tmp_path / "train.py").write_text(code, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [MPIEXEC, "-n", "2", sys.executable, "-W", "error", "train.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run.safetensors").exists()
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["0", "1"]
