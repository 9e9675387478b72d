"""Generated data have the documented properties; files from outside are validated before use."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import os
import socket
import struct
import tempfile
import threading
import time
import tracemalloc
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from nn.datasets import download, downloaded, generated, read_idx

# -------------------------------------------------------------------- generated


@pytest.mark.parametrize("name", ["circles", "moons", "spirals", "blobs"])
def test_points(name: str) -> None:
    make = getattr(nn.datasets, name)
    data, again, other = make(101, seed=1), make(101, seed=1), make(101, seed=2)
    assert (data.x.shape, data.x.dtype, data.y.dtype) == ((101, 2), np.float32, np.int64)
    np.testing.assert_array_equal(data.x, again.x)
    assert not np.array_equal(data.x, other.x)
    counts = np.bincount(data.y)
    assert counts.max() - counts.min() <= 1
    assert (np.diff(data.y) != 0).sum() > 20, "in random order"
    nn.manual_seed(3)
    first = make(20)
    nn.manual_seed(3)
    np.testing.assert_array_equal(first.x, make(20).x)


def test_circles_and_moons_have_the_documented_radii() -> None:
    data = nn.datasets.circles(400, noise=0.0, factor=0.3, seed=0)
    np.testing.assert_allclose(
        np.linalg.norm(data.x, axis=1), np.where(data.y == 0, 1, 0.3), rtol=1e-6
    )
    data = nn.datasets.moons(400, noise=0.0, seed=0)
    centers = np.where(data.y[:, None] == 0, [0.0, 0.0], [1.0, 0.5])
    np.testing.assert_allclose(np.linalg.norm(data.x - centers, axis=1), 1, rtol=1e-5)
    with pytest.raises(ValueError, match="2 samples cannot show 3 classes"):
        nn.datasets.blobs(2)


def test_housing_is_linear_up_to_noise() -> None:
    data = nn.datasets.housing(4000, noise=10.0, seed=0)
    design = np.c_[np.ones(4000), data.x.astype(np.float64)]
    solution, residual, *_ = np.linalg.lstsq(design, data.y[:, 0].astype(np.float64))
    np.testing.assert_allclose(solution, [generated.BASE_PRICE, *data.about["weights"]], rtol=0.1)
    np.testing.assert_allclose(residual[0] / 4000, 100, rtol=0.1)
    assert data.x[:, 1].min() >= 1


def test_sine() -> None:
    data = nn.datasets.sine(100, noise=0.0, seed=0)
    np.testing.assert_allclose(data.y, np.sin(data.x), atol=1e-6)


# -------------------------------------------------------------------- files


def idx(array: np.ndarray) -> bytes:
    return (
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.tobytes()
    )


IMAGES = np.arange(3 * 2 * 2, dtype=np.uint8).reshape(3, 2, 2)


def test_idx(tmp_path: Path) -> None:
    for content in (idx(IMAGES), gzip.compress(idx(IMAGES))):
        (tmp_path / "images").write_bytes(content)
        np.testing.assert_array_equal(read_idx(tmp_path / "images"), IMAGES)
    (tmp_path / "floats").write_bytes(bytes([0, 0, 13, 1]) + struct.pack(">I2f", 2, 0.5, -1.0))
    np.testing.assert_array_equal(read_idx(tmp_path / "floats"), [0.5, -1.0])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "not an IDX file"),
        (b"<html>403 Forbidden</html>", "not an IDX file"),
        (b"\0\0\x07\x01\0\0\0\x01a", "not an IDX file"),
        (idx(IMAGES)[:9], "ends within its header"),
        (idx(IMAGES)[:-1], "should hold 28 bytes .* holds 27"),
        (idx(IMAGES) + b"x", "should hold 28 bytes .* holds 29"),
        (gzip.compress(idx(IMAGES))[:-9], "is damaged"),
        (gzip.compress(idx(IMAGES))[:12] + b"junk" * 9, "is damaged"),
        (gzip.compress(idx(IMAGES))[:10] + b"\xff" * 20, "is damaged: Error -3 while"),
        (gzip.compress(idx(IMAGES))[:2], "is damaged"),
        (gzip.compress(idx(IMAGES)) + b"x", "is damaged"),
        (gzip.compress(idx(IMAGES))[:-8] + b"wrongsum", "is damaged: CRC check failed"),
        (gzip.compress(idx(IMAGES)[:-1]), "should hold 28 bytes .* holds 27"),
        (b"\1" + idx(IMAGES)[1:], "not an IDX file: it begins with"),
        (bytes([0, 0, 8, 70]) + bytes(4 * 70), "is damaged: maximum supported dimension"),
    ],
    ids=[
        "empty",
        "page",
        "type",
        "header",
        "short",
        "long",
        "cut",
        "junk",
        "code",
        "start",
        "tail",
        "sum",
        "packed",
        "magic",
        "axes",
    ],
)
def test_damaged_idx_files_are_errors(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=text) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_idx_files_with_an_unexpected_number_of_axes(tmp_path: Path) -> None:
    (tmp_path / "labels").write_bytes(idx(IMAGES[:, 0, 0]))
    assert read_idx(tmp_path / "labels", axes=1).shape == (3,)
    with pytest.raises(ValueError, match=r"labels holds an array of shape \(3,\), where 3 axes"):
        read_idx(tmp_path / "labels", axes=3)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """A web server on this machine, and the folder it serves."""
    monkeypatch.setattr(download, "SCHEMES", ("http",))
    served = tmp_path / "served"
    (served / "good").mkdir(parents=True)
    (served / "wrong").mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", served
    server.shutdown()
    thread.join()
    server.server_close()


def test_download_tries_mirrors_and_keeps_only_a_verified_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: tuple[str, Path]
) -> None:
    url, served = mirror
    home = tmp_path / "data"
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(home))
    (served / "good" / "a.gz").write_bytes(b"right")
    (served / "wrong" / "a.gz").write_bytes(b"<html>moved</html>")
    checksum = hashlib.sha256(b"right").hexdigest()
    bad = [url + "missing/", url + "wrong/"]

    with pytest.raises(
        ConnectionError, match=r"missing/a.gz: .*404.*wrong/a.gz: responded with ano"
    ):
        download.fetch("set/a.gz", checksum, bad)
    assert list((home / "set").iterdir()) == []

    path = download.fetch("set/a.gz", checksum, [*bad, url + "good/"])
    assert path == home / "set" / "a.gz"
    assert path.read_bytes() == b"right"
    assert list((home / "set").iterdir()) == [path]
    assert download.fetch("set/a.gz", checksum, []) == path, "not downloaded again"

    path.write_bytes(b"damaged")
    with pytest.raises(ValueError, match="checksum is wrong; move it elsewhere or delete it"):
        download.fetch("set/a.gz", checksum, [url + "good/"])


def test_each_failure_of_a_mirror_asks_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: tuple[str, Path]
) -> None:
    url, served = mirror
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(tmp_path / "data"))
    (served / "good" / "a.gz").write_bytes(b"right")
    checksum = hashlib.sha256(b"right").hexdigest()

    def fail_with(**limits: Any) -> str:
        with monkeypatch.context() as patch:
            for name, limit in limits.items():
                patch.setattr(download, name, limit)
            with pytest.raises(ConnectionError) as caught:
                download.fetch("set/a.gz", checksum, [url + "good/"])
        assert list((tmp_path / "data" / "set").iterdir()) == []
        return str(caught.value)

    assert "is not https" in fail_with(SCHEMES=("https",))
    packed = gzip.compress(bytes(10_000_000))
    (served / "good" / "a.gz").write_bytes(packed)
    assert "another file" in fail_with(MOST_BYTES=len(packed) + 1), "not unpacked to the end"
    (served / "good" / "a.gz").write_bytes(b"right")
    assert "more than 4 bytes" in fail_with(MOST_BYTES=4)
    assert "took more than 0 seconds" in fail_with(MOST_SECONDS=0.0)
    opened = urllib.request.urlopen

    def broken(request: Any, **options: Any) -> Any:
        if "broken" in request.full_url:
            raise http.client.BadStatusLine("no HTTP")
        return opened(request, **options)

    monkeypatch.setattr(urllib.request, "urlopen", broken)
    path = download.fetch("set/a.gz", checksum, [url + "broken/", url + "good/"])
    assert path.read_bytes() == b"right"


RESPONSES = {
    "nothing": b"",
    "no HTTP": b"\x00\xff\x00\xff" * 99,
    "endless line": b"HTTP/1.1 200 OK\r\nx: " + b"x" * 100_000,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"x: 1\r\n" * 200,
    "status": b"HTTP/1.1 999999 OK\r\n\r\n",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nright",
    "no length": b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nright!",
    "a large one": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nright",
    "cut": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nrig",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nright\r\n",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\nright",
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
    "no address": b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n",
    "circle": b"HTTP/1.1 302 Found\r\nLocation: /a.gz\r\n\r\n",
}


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_broken_responses_ask_the_next_mirror(
    response: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: tuple[str, Path]
) -> None:
    url, served = mirror
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(tmp_path / "data"))
    (served / "good" / "a.gz").write_bytes(b"right")
    checksum = hashlib.sha256(b"right").hexdigest()
    with responding(lambda connection: connection.sendall(response)) as broken:
        path = download.fetch("set/a.gz", checksum, [broken, url + "good/"])
    assert path.read_bytes() == b"right"


def test_a_head_that_never_ends_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: tuple[str, Path]
) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(download, "MOST_SECONDS", 0.3)

    def drip(connection: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" + b"x" * 40:
            connection.sendall(bytes([byte]))
            time.sleep(0.03)

    with (
        responding(drip) as slow,
        pytest.raises(ConnectionError, match=r"took more than 0\.3 seconds"),
    ):
        download.fetch("set/a.gz", "0" * 64, [slow])


@contextmanager
def responding(respond: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a server that responds to every connection by a function of it."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection, suppress(OSError):
                    connection.recv(9999)
                    respond(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/"
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def test_the_real_files_have_their_checksums() -> None:
    """Where they lie in $TINYGRAD_EDU_DATA."""
    folder = download.folder()
    for name, checksum in zip(downloaded.FILES, downloaded.MNIST_SUMS, strict=True):
        found = [path for path in (folder / "mnist" / name, folder / name) if path.exists()]
        if not found:
            pytest.skip("the files are not here")
        assert download.fetch(f"mnist/{name}", checksum, []) == found[0]


def test_files_of_mnist_are_not_taken_for_those_of_fashion_mnist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (images, labels), (test_images, test_labels) = digits(20), digits(5)
    contents = [idx(array) for array in (images, labels, test_images, test_labels)]
    fake_mnist(monkeypatch, tmp_path, contents)
    monkeypatch.setattr(downloaded, "FASHION_MIRRORS", ())
    with pytest.raises(ConnectionError, match="another file") as caught:
        nn.datasets.fashion_mnist()
    assert "delete" not in str(caught.value)
    assert len(nn.datasets.mnist()[0]) == 20


def test_a_file_of_another_data_set_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: tuple[str, Path]
) -> None:
    url, served = mirror
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(tmp_path))
    (tmp_path / "a.gz").write_bytes(b"of another data set")
    checksum = hashlib.sha256(b"right").hexdigest()
    with pytest.raises(ConnectionError, match=r"a\.gz: another file, its checksum is wrong"):
        download.fetch("set/a.gz", checksum, [])
    (served / "good" / "a.gz").write_bytes(b"right")
    assert download.fetch("set/a.gz", checksum, [url + "good/"]) == tmp_path / "set" / "a.gz"
    assert (tmp_path / "a.gz").read_bytes() == b"of another data set"


@pytest.mark.skipif(os.name == "nt", reason="home directories are POSIX's")
@pytest.mark.parametrize("home", ["/nonexistent", None])
def test_without_a_home_directory(home: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    def getpwuid(uid: int) -> Any:
        raise KeyError(uid)

    monkeypatch.delenv("TINYGRAD_EDU_DATA", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", getpwuid)
    monkeypatch.setenv("HOME", home) if home else monkeypatch.delenv("HOME")
    assert download.folder() == Path(tempfile.gettempdir(), "tinygrad-edu")


@pytest.mark.parametrize("shape", [(3,), (2**31, 2**31, 2**31)])
def test_no_more_is_unpacked_than_the_header_says(tmp_path: Path, shape: tuple[int, ...]) -> None:
    header = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    (tmp_path / "bomb").write_bytes(gzip.compress(header + bytes(20_000_000)))
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"should hold \d+ bytes .* holds \d+( or more)?; delete"):
        read_idx(tmp_path / "bomb")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (2_000_000 if len(shape) == 1 else 60_000_000)


def fake_mnist(monkeypatch: pytest.MonkeyPatch, folder: Path, contents: list[bytes]) -> None:
    """Write files for `nn.datasets.mnist()`, and make it expect their checksums."""
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(folder))
    for name, content in zip(downloaded.FILES, contents, strict=True):
        (folder / name).write_bytes(gzip.compress(content, compresslevel=1))
    sums = tuple(hashlib.sha256(content).hexdigest() for content in contents)
    monkeypatch.setattr(downloaded, "MNIST_SUMS", sums)


def digits(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Random images and labels."""
    rng = np.random.default_rng(n)
    images, labels = rng.integers(0, 256, (n, 28, 28)), rng.integers(0, 10, n)
    return images.astype(np.uint8), labels.astype(np.uint8)


def test_mnist_is_read_from_the_folder_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the files were compressed again."""
    (images, labels), (test_images, test_labels) = digits(20), digits(5)
    contents = [idx(array) for array in (images, labels, test_images, test_labels)]
    fake_mnist(monkeypatch, tmp_path, contents)
    train, test = nn.datasets.mnist()
    assert (train.x.shape, train.x.dtype, len(test)) == ((20, 784), np.float32, 5)
    np.testing.assert_array_equal(train.x[3], images[3].ravel() / np.float32(255))
    np.testing.assert_array_equal(test.y, test_labels)


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("fewer", "idx3-ubyte.gz holds 20 images, and .*idx1-ubyte.gz 19 labels"),
        ("exchanged", r"train-images.* holds an array of shape \(20,\), where 3 axes were"),
        ("images", r"train-labels.* holds an array of shape \(20, 28, 28\), where 1 axes"),
        ("label", "train-labels.* holds the label 10, and there are 10 classes, from 0 to 9"),
        ("empty", r"train-images.* should hold bytes, and holds uint8\(0, 28, 28\)"),
        ("signed", r"train-labels.* should hold bytes, and holds int8\(20,\)"),
    ],
)
def test_inconsistent_mnist_files_are_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, text: str
) -> None:
    images, labels = digits(20)
    labels[7] = 10 if case == "label" else labels[7]
    first, second = idx(images), idx(labels)
    if case == "fewer":
        second = idx(labels[:-1])
    elif case == "exchanged":
        first, second = second, first
    elif case == "images":
        second = first
    elif case == "empty":
        first = idx(images[:0])
    elif case == "signed":
        second = second.replace(b"\0\0\x08", b"\0\0\x09", 1)
    fake_mnist(monkeypatch, tmp_path, [first, second, idx(images), idx(labels)])
    with pytest.raises(ValueError, match=text):
        nn.datasets.mnist()
