"""Files are written whole or not at all, and are otherwise as `open` makes them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from nn.atomic_write import written_whole


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
