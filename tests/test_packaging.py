"""What a release holds: a source distribution of the checkout, and the wheel built from it."""

from __future__ import annotations

import configparser
import email
import email.message
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import tinygrad_edu

ROOT = Path(__file__).parents[1]
PACKAGES = ("tinygrad_edu", "nn")


@dataclass
class Release:
    """The two distributions, and the files of the two packages that they were built from."""

    sdist: Path
    wheel: Path
    sources: set[str]


def checked_out() -> list[str]:
    """The files of the checkout that git knows or would add, as paths with forward slashes."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    if done.returncode:
        pytest.skip("needs a git checkout, which says what belongs to the project")
    return [path for path in done.stdout.split("\0") if (ROOT / path).is_file()]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    if importlib.util.find_spec("build") is None:
        pytest.skip("needs build: pip install build")
    if shutil.which("git") is None:
        pytest.skip("needs git, which says what belongs to the project")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    paths = checked_out()
    for path in paths:  # a copy, so that neither old build folders nor other tests interfere
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, source / path)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)]
    done = subprocess.run(command, cwd=out, capture_output=True, encoding="utf-8", errors="replace")
    assert done.returncode == 0, done.stdout + done.stderr
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return Release(sdist, wheel, {p for p in paths if p.partition("/")[0] in PACKAGES})


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(path))


def test_the_wheel_holds_both_packages_and_nothing_else(release: Release) -> None:
    information = f"tinygrad_edu-{tinygrad_edu.__version__}.dist-info/"
    assert release.wheel.name == f"tinygrad_edu-{tinygrad_edu.__version__}-py3-none-any.whl"
    held = names(release.wheel)
    assert {name for name in held if not name.startswith(information)} == release.sources
    assert {"METADATA", "RECORD", "WHEEL", "licenses/LICENSE"} <= {
        name.removeprefix(information) for name in held
    }


def test_the_wheel_holds_types_and_data(release: Release) -> None:
    held = names(release.wheel)
    assert {f"{package}/py.typed" for package in PACKAGES} <= held
    assert "tinygrad_edu/methods.pyi" in held
    data = {"digits.npz", "iris.csv", "SOURCES.md"}
    assert data <= {name.removeprefix("nn/datasets/") for name in held}


def test_the_source_distribution_builds_the_wheel_and_holds_no_tests(release: Release) -> None:
    with tarfile.open(release.sdist) as archive:
        held = {m.name.partition("/")[2] for m in archive.getmembers() if m.isfile()}
    assert release.sources <= held
    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "setup.cfg"} <= held
    folders = {name.partition("/")[0] for name in held if "/" in name}
    assert folders == {*PACKAGES, "tinygrad_edu.egg-info"}


def test_metadata(release: Release) -> None:
    declared = configparser.ConfigParser()
    declared.read(ROOT / "setup.cfg", encoding="utf-8")
    said = metadata(release.wheel)
    assert said["Name"] == "tinygrad-edu"
    assert said["Version"] == tinygrad_edu.__version__
    assert said["Requires-Python"] == ">=3.10"
    assert said["License-Expression"] == "MIT"
    assert set(said.get_all("Provides-Extra", [])) == set(declared["options.extras_require"])
    required = {line for line in said.get_all("Requires-Dist", []) if "extra ==" not in line}
    assert required == set(declared["options"]["install_requires"].split())
    assert said["Description-Content-Type"] == "text/markdown"
    description = said.get_payload(decode=True)
    assert isinstance(description, bytes)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert description.decode("utf-8").split() == readme.split()


def test_an_installed_wheel_works_away_from_the_checkout(release: Release, tmp_path: Path) -> None:
    with zipfile.ZipFile(release.wheel) as archive:
        archive.extractall(tmp_path / "installed")
    code = (
        "import nn, tinygrad_edu; print(nn.__file__); print(tinygrad_edu.__file__); "
        "print(len(nn.datasets.iris()), len(nn.datasets.digits()))"
    )
    environment = dict(os.environ, PYTHONPATH=str(tmp_path / "installed"), PYTHONUTF8="1")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *files, sizes = done.stdout.splitlines()
    assert [Path(file).parent for file in files] == [
        tmp_path / "installed" / package for package in ("nn", "tinygrad_edu")
    ]
    assert sizes == "150 1797"


def test_one_version_everywhere() -> None:
    version = re.escape(tinygrad_edu.__version__)
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^version: {version}$", citation, re.MULTILINE)
    heading = re.search(rf"^## \[{version}\] - (\S+)$", changelog, re.MULTILINE)
    assert heading, "CHANGELOG.md has no section for this version"
    released = re.search(r'^date-released: "(\S+)"$', citation, re.MULTILINE)
    assert released
    assert heading[1] in (released[1], "unreleased")
