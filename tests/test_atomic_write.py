"""Files are written whole or not at all, and are otherwise as `open` makes them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

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
