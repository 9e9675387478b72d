"""Files are written whole or not at all, and are otherwise as `open` makes them."""

from __future__ import annotations

import errno
import io
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import nn
from nn.history import History
from tinygrad_edu import Tensor, atomic_write, draw_graph
from tinygrad_edu.atomic_write import written_whole


def write(path: Path, error: type[BaseException] | None = None) -> None:
    with written_whole(path) as file:
        before = path.read_bytes() if path.exists() else None
        file.write(b"new")
        file.flush()
        assert before == (path.read_bytes() if path.exists() else None)
        if error:
            raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_file_and_no_litter(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(error):
        write(path, error)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    write(path)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_modes_and_links_are_as_with_open(tmp_path: Path) -> None:
    for mask, mode in ((0o022, 0o644), (0o077, 0o600), (0o002, 0o664)):
        path = tmp_path / f"{mask}"
        before = os.umask(mask)
        try:
            write(path)
        finally:
            os.umask(before)
        assert stat.S_IMODE(path.stat().st_mode) == mode
    path.chmod(0o640)
    (tmp_path / "link").symlink_to(path.name)
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    write(tmp_path / ("n" * 255))  # the longest name there can be


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(FileNotFoundError, match=r"c cannot be written: No such .* in .*nowhere$"):
        write(tmp_path / "nowhere" / "c")
    with pytest.raises(NotADirectoryError, match="c cannot be written: Not a directory"):
        write(tmp_path / "file" / "c")
    with pytest.raises(IsADirectoryError, match="cannot be written: it is a folder"):
        write(tmp_path)
    (tmp_path / "closed").mkdir(mode=0o500)
    if not os.access(tmp_path / "closed", os.W_OK):
        with pytest.raises(PermissionError, match="c cannot be written: Permission denied for a"):
            write(tmp_path / "closed" / "c")
    assert {p.name for p in tmp_path.iterdir()} == {"file", "closed"}


def test_errors_keep_their_number_and_name_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write(tmp_path / "nowhere" / "c")
    assert caught.value.errno == errno.ENOENT
    path = tmp_path / "a"
    path.write_bytes(b"old")
    for name in ("fsync", "replace", "open"):

        def fail(*arguments: Any, **options: Any) -> Any:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(OSError, match="a cannot be written: No space left") as failed:
                write(path)
        assert failed.value.errno == errno.ENOSPC
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]


def test_an_error_of_the_block_stays_what_it_was(tmp_path: Path) -> None:
    with (
        pytest.raises(ConnectionResetError, match=r"^\[Errno 104\] reset$"),
        written_whole(tmp_path / "a"),
    ):
        raise ConnectionResetError(104, "reset")


@pytest.mark.skipif(os.name == "nt", reason="locks are POSIX's")
def test_drafts_of_killed_writers_are_swept_and_of_living_ones_kept(tmp_path: Path) -> None:
    (tmp_path / ".unfinished-0123").write_bytes(b"killed")
    with written_whole(tmp_path / "slow") as slow:
        slow.write(b"slow")
        write(tmp_path / "fast")
        assert not (tmp_path / ".unfinished-0123").exists()
    assert (tmp_path / "slow").read_bytes() == b"slow"
    assert {p.name for p in tmp_path.iterdir()} == {"slow", "fast"}


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_a_draft_has_the_mode_of_its_target_from_the_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    path.chmod(0o600)
    with written_whole(path) as file:
        assert stat.S_IMODE(os.stat(file.name).st_mode) == 0o600


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_and_a_device_are_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with written_whole(tmp_path / "pipe") as file:
        file.write(b"through")
    assert os.read(reader, 99) == b"through"
    os.close(reader)
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)
    with written_whole(os.devnull) as file:
        file.write(b"away")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@pytest.mark.skipif(os.name == "nt", reason="sockets and descriptors are POSIX's")
def test_what_cannot_be_written_through_is_named(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        with pytest.raises(OSError, match="socket cannot be written: ") as caught:
            write_in_pieces(tmp_path / "socket")
    assert caught.value.errno in (errno.ENXIO, errno.EOPNOTSUPP)
    assert stat.S_ISSOCK((tmp_path / "socket").stat().st_mode)
    reader, writer = os.pipe()
    with written_whole(f"/dev/fd/{writer}") as file:
        file.write(b"through")
    assert os.read(reader, 99) == b"through"
    os.close(reader)
    with pytest.raises(BrokenPipeError, match=r"/dev/fd/\d+ cannot be written: Broken pipe$"):
        write_in_pieces(Path(f"/dev/fd/{writer}"))
    os.close(writer)


# -------------------------------------------------------------------- faults


def faults() -> Iterator[str]:
    """What the writer asks of the system, "name 2" for the second time."""
    names = {"open": 1, "fsync": 1, "replace": 1, "write": 3, "fstat": 1}
    if os.name != "nt":
        names["fchmod"] = 1
    for name, times in names.items():
        yield from (f"{name} {i}" for i in range(1, times + 1))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("fault", list(faults()))
def test_a_fault_at_any_step_leaves_the_file_and_names_it(
    fault: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    name, _, time = fault.partition(" ")
    left = int(time)

    def failing(function: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if not left:
                raise OSError(number, os.strerror(number))
            return function(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        if name == "write":
            patch.setattr(atomic_write, "_Draft", Draft)
            patch.setattr(Draft, "to_disk", failing(Draft.to_disk))
        else:
            patch.setattr(os, name, failing(getattr(os, name)))
        with pytest.raises(OSError, match=r"a cannot be written: ") as caught:
            write_in_pieces(path)
    assert not left, "it was asked for"
    assert caught.value.errno == number
    assert type(caught.value) is type(OSError(number, ""))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def write_in_pieces(path: Path) -> None:
    with written_whole(path) as file:
        for _ in range(3):
            file.write(bytes(100_000))


class Disk(io.FileIO):
    """What is below a draft: a file whose writing can be made to fail."""

    def write(self, content: Any, /) -> Any:
        return self.to_disk(content)

    def to_disk(self, content: Any) -> Any:
        return super().write(content)


class Draft(atomic_write._Draft, Disk):
    pass


def test_a_folder_that_cannot_be_synced_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_file_and_folder_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []

    def fsync(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        synced.append(f"{kind}, {'after' if (tmp_path / 'a').exists() else 'before'} the rename")

    monkeypatch.setattr(os, "fsync", fsync)
    write(tmp_path / "a")
    assert synced == ["file, before the rename", "folder, after the rename"]


def writers() -> dict[str, Callable[[Path], Any]]:
    """Every kind of file that is written."""
    w = Tensor([1.0, 2.0], requires_grad=True)
    model = nn.Dense(300, 3)
    history = History([{"epoch": 1, "loss": 0.5, "x" * 5000: 1.0}])
    log = nn.CSVLog("")

    def csv(path: Path) -> None:
        log.path = path
        log.on_epoch_end(SimpleNamespace(history=history))  # type: ignore[arg-type]

    return {
        "x.safetensors": lambda path: nn.save(path, model),
        "x.csv": csv,
        "x.svg": lambda path: draw_graph((w * w).sum()).save(path),
        "x.dot": lambda path: draw_graph((w * w).sum()).save(path),
        "x.png": history.plot,
        "x.pdf": history.plot,
    }


@pytest.mark.parametrize("name", writers())
def test_every_file_is_whole_or_as_it_was(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    path, write = tmp_path / name, writers()[name]
    path.write_bytes(b"old")
    path.chmod(0o600)

    def fsync(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(OSError, match=f"{name} cannot be written: No space left") as caught:
            write(path)
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    write(path)
    assert path.stat().st_size > 500
    assert os.name == "nt" or stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="limits are POSIX's")
def test_a_file_too_large_for_the_system(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "a"
    path.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, before[1]))
    try:
        with pytest.raises(OSError, match="a cannot be written: File too large") as caught:
            write_in_pieces(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.errno == errno.EFBIG
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_control_characters_in_a_name_are_escaped(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"\\x1b\[2J/a cannot be written"):
        write(tmp_path / "\x1b[2J" / "a")
