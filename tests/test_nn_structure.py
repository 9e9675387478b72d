"""How nn is built: no import circle, public names said once, and only the engine's public names."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

import nn
import tinygrad_edu
from tinygrad_edu import atomic_write, errors, ops, tables

FOLDER = Path(nn.__file__).parent
"""What nn may use of tinygrad_edu.errors."""


def name_of(path: Path) -> str:
    parts = path.relative_to(FOLDER.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


FILES = {name_of(path): path for path in sorted(FOLDER.rglob("*.py"))}
LEAVES = [name for name, path in FILES.items() if path.name != "__init__.py"]


def imports(name: str) -> list[tuple[str, str]]:
    """Every module that a module imports from, also for types alone, with the name."""
    path, found = FILES[name], []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = node.level - (path.name == "__init__.py")
            package = ".".join(name.split(".")[: -above or None]) if node.level else ""
            source = ".".join(filter(None, [package, node.module or ""]))
            found += [(source, alias.name) for alias in node.names]
    return found


def test_there_is_no_import_circle_not_even_for_types() -> None:
    graph: dict[str, set[str]] = {}
    for name in FILES:
        sources = {f"{a}.{b}" if f"{a}.{b}" in FILES else a for a, b in imports(name)}
        graph[name] = sources & FILES.keys()
    assert graph["nn.trainer"] >= {"nn.callbacks", "nn.checkpoint", "nn.evaluation", "nn.module"}
    assert all("nn" not in sources for sources in graph.values())
    TopologicalSorter(graph).prepare()  # raises CycleError


@pytest.mark.parametrize("name", FILES)
def test_nn_uses_public_names_of_the_engine_only(name: str) -> None:
    public = {
        "tinygrad_edu": {*tinygrad_edu.__all__},
        "tinygrad_edu.ops": {name for name in dir(ops) if name[0] != "_"},
        "tinygrad_edu.errors": {*errors.__all__},
        "tinygrad_edu.atomic_write": {*atomic_write.__all__},
        "tinygrad_edu.tables": {*tables.__all__},
    }
    for source, imported in imports(name):
        if source.partition(".")[0] == "tinygrad_edu":
            assert imported in public[source], f"{name} imports {imported} from {source}"


@pytest.mark.parametrize("name", LEAVES)
def test_every_leaf_says_what_is_public(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__all__
    assert [n for n in module.__all__ if not hasattr(module, n)] == []


def test_names_in_nn_are_public_or_modules() -> None:
    for package in (nn, nn.optim, nn.datasets):
        assert len(package.__all__) == len(set(package.__all__))
        for name in dir(package):
            public = name in package.__all__ or isinstance(getattr(package, name), ModuleType)
            assert public or name[0] == "_", f"{package.__name__}.{name}"


def test_no_function_hides_the_module_of_its_name() -> None:
    for name in LEAVES:
        package, _, leaf = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(package), leaf), ModuleType), name


def test_names_imported_late_are_those_of_their_packages() -> None:
    plots = [name for name, package in nn._LEAVES.items() if package == "plots"]
    assert sorted(plots) == sorted(importlib.import_module("nn.plots").__all__)
    for name, package in nn._LEAVES.items():
        assert getattr(nn, name) is getattr(importlib.import_module(f"nn.{package}"), name)


def test_what_few_programs_need_is_imported_late() -> None:
    late = {
        *("nn.plots", "nn.sanity_check", "tinygrad_edu.checks", "tinygrad_edu.program"),
        *("tinygrad_edu.export", "tinygrad_edu.viz", "numpy.random", "urllib.request"),
    }
    code = f"import sys, nn; print(*sorted({late} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
