"""How the house is built: which module imports which, what is public, and how long things are.

Imports are read from the source, all of them: at the top of a module, in functions, under
TYPE_CHECKING, and in stub files.
"""

from __future__ import annotations

import ast
import functools
import graphlib
import importlib.util
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ("tinygrad_edu", "nn")
REPOSITORY = (*LIBRARY, "examples", "course", "benchmarks", "docs", "tests")

# What each room of the engine may import of the others, the ground floor first. The last four are
# leaves: the engine works without them.
ROOMS: dict[str, set[str]] = {
    "changes": set(),
    "context": set(),
    "guard": {"precision"},
    "memory": set(),
    "methods": set(),
    "observers": set(),
    "effects": {"array_interface", "observers"},
    "pytree": set(),
    "registry": set(),
    "habits": {"registry"},
    "graph": {"changes", "context", "errors", "guard", "observers", "precision"},
    "precision": set(),
    "errors": {"context", "habits"},
    "atomic_write": {"errors"},
    "tables": {"errors"},
    "where": {"errors"},
    "array_interface": {
        "conversion", "errors", "habits", "methods", "observers", "registry", "unrecorded",
    },
    "unrecorded": set(),
    "conversion": {"errors"},
    "tensor": {
        "array_interface", "changes", "context", "conversion", "errors", "graph", "methods",
        "registry",
    },
    "declare": {"context", "errors", "graph", "methods", "observers", "registry", "tensor"},
    "ops": {
        "array_interface", "context", "declare", "errors", "graph", "habits", "methods",
        "precision", "registry", "tensor",
    },
    "operators": {"array_interface", "context", "methods", "ops", "unrecorded"},
    "gradient": {"context", "graph", "observers", "pytree", "tensor"},
    "differentiated_call": {"context", "gradient", "observers", "pytree", "tensor"},
    "functional": {"differentiated_call", "gradient", "pytree", "tensor"},
    "checks": {"context", "declare", "errors", "functional", "graph", "pytree", "tables", "tensor"},
    "program": {
        "array_interface", "atomic_write", "changes", "context", "declare", "effects", "errors",
        "gradient", "graph", "guard", "methods", "observers", "ops", "precision", "pytree",
        "registry", "tensor", "where",
    },
    "viz": {
        "atomic_write", "context", "declare", "errors", "gradient", "graph", "observers", "ops",
        "precision", "program", "tensor", "where",
    },
    "export": {"ops", "program", "pytree", "tensor"},
}  # fmt: skip
OPTIONAL = {"viz": {"graphviz", "pygraphviz"}, "ops": {"scipy"}, "export": {"onnx"}}
"""What a room may import besides the standard library and NumPy."""

CORE = ("context", "graph", "tensor", "registry", "operators", "declare", "methods")
CORE_LINES = 1081
FILE_LINES = 420
FUNCTION_LINES = 45

LONG_FILES: dict[str, str] = {}
"""Files that may be longer, and why."""

LONG_FUNCTIONS: dict[str, str] = {
    "tinygrad_edu.graph.sweep": "the hot loop: a function call for each edge costs 3 to 5 %",
}
"""Functions that may be longer, and why."""


# -------------------------------------------------------------------- reading the source


class Import(NamedTuple):
    """`from source import name`, or `import source` where the name is None."""

    source: str
    name: str | None
    line: int


def found(folders: tuple[str, ...]) -> dict[str, list[Path]]:
    """Every module by its dotted name, with its source and its stub."""
    modules: dict[str, list[Path]] = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py*")):
            if path.suffix in (".py", ".pyi"):
                parts = path.relative_to(ROOT).with_suffix("").parts
                name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                modules.setdefault(name, []).append(path)
    return modules


MODULES = found(REPOSITORY)
PACKAGES = sorted(
    name
    for name, paths in MODULES.items()
    if name.startswith(LIBRARY) and paths[0].stem == "__init__"
)


def within(package: str) -> list[str]:
    """The package itself and all modules below it."""
    return [name for name in MODULES if name == package or name.startswith(f"{package}.")]


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def imports(module: str) -> list[Import]:
    """Every import of a module, with its absolute name."""
    result = []
    for path in MODULES[module]:
        package = module if path.stem == "__init__" else module.rpartition(".")[0]
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Import):
                result += [Import(alias.name, None, node.lineno) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                name = "." * node.level + (node.module or "")
                source = importlib.util.resolve_name(name, package)
                result += [Import(source, alias.name, node.lineno) for alias in node.names]
    return result


def target(imported: Import) -> str:
    """The module that an import leads to: `from . import graph` leads to the module graph."""
    inner = f"{imported.source}.{imported.name}"
    return inner if inner in MODULES else imported.source


def targets(module: str) -> set[str]:
    return {target(imported) for imported in imports(module)}


def room(module: str) -> str:
    """The part of a module's name after the package: `ops` for tinygrad_edu.ops.shape."""
    return module.split(".")[1] if "." in module else ""


# -------------------------------------------------------------------- the arrows run one way


def test_no_import_circle() -> None:
    graph = {name: targets(name) & set(MODULES) for name in MODULES}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"imports in a circle: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize(
    ("package", "may"),
    [
        ("tinygrad_edu", set()),
        ("nn", {"tinygrad_edu"}),
        ("examples", {"tinygrad_edu", "nn"}),
        ("course", {"tinygrad_edu", "nn"}),
        ("benchmarks", {"tinygrad_edu", "nn"}),
    ],
)
def test_packages_import_only_those_below(package: str, may: set[str]) -> None:
    for module in within(package):
        used = {name.partition(".")[0] for name in targets(module)} & set(REPOSITORY)
        assert used <= may | {package}, f"{module} imports {used - may - {package}}"


def test_rooms_of_the_engine_import_only_those_below() -> None:
    wrong = []
    for module in within("tinygrad_edu"):
        if own := room(module):
            if own not in ROOMS:
                wrong.append(f"{module} needs a row in ROOMS: what may it import?")
            used = {room(name) for name in targets(module) if name in within("tinygrad_edu")}
            above = used - ROOMS.get(own, used) - {own}
            wrong += [f"{module} imports {name or 'tinygrad_edu'}" for name in sorted(above)]
    assert not wrong, "\n".join(wrong)


def test_the_engine_needs_numpy_alone() -> None:
    known = {"tinygrad_edu", "numpy", *sys.stdlib_module_names}
    for module in within("tinygrad_edu"):
        used = {name.partition(".")[0] for name in targets(module)}
        others = used - known - OPTIONAL.get(room(module), set())
        assert not others, f"{module} imports {others}"


# -------------------------------------------------------------------- one writer of files

WRITERS = ("savefig", "savez", "savez_compressed", "tofile", "write_bytes", "write_text")
NO_WRITER: dict[str, set[str]] = {
    "tinygrad_edu.program.script": {"savez"},  # into the writer's file
    "tinygrad_edu.atomic_write": {"open"},
    "tinygrad_edu.viz.render": {"write_text"},  # into a temporary folder
    "nn.history": {"savefig"},  # into memory
    "benchmarks.plot": {"savefig"},  # into memory
    "examples.common": {"savez"},  # into a file of the writer
}
"""What may call a function that writes files, since no file of the user's is at stake."""


@pytest.mark.parametrize("package", [*LIBRARY, "examples", "course", "benchmarks"])
def test_every_file_is_written_by_the_one_writer(package: str) -> None:
    wrong = []
    for module in within(package):
        for node in (node for path in MODULES[module] for node in ast.walk(tree(path))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func).rpartition(".")[2]
                if name == "open" and writes(node):
                    name = "open"
                elif name not in WRITERS:
                    continue
                if name not in NO_WRITER.get(module, set()):
                    wrong.append(f"{module}:{node.lineno}: {name}; use written_whole")
    assert not wrong, "\n".join(wrong)


def writes(call: ast.Call) -> bool:
    """Whether a call of `open` is given a mode to write in."""
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    modes = [arg.value for arg in given if isinstance(arg, ast.Constant)]
    return any(
        isinstance(mode, str) and re.fullmatch("[rwaxbt+]*[wax+][bt+]*", mode) for mode in modes
    )


# -------------------------------------------------------------------- what is public


def public(module: str) -> set[str]:
    names: list[str] = importlib.import_module(module).__all__
    return set(names)


def test_nn_uses_only_public_names_of_the_engine() -> None:
    rooms = [f"tinygrad_edu.{name}" for name in ("atomic_write", "ops", "tables")]
    allowed = {name: public(name) for name in ("tinygrad_edu", *rooms)}
    allowed["tinygrad_edu.errors"] = {
        name for name in vars(importlib.import_module("tinygrad_edu.errors")) if name[0] != "_"
    }
    wrong = []
    for module in within("nn"):
        for used in [*imports(module), *attributes(module)]:
            if used.source.partition(".")[0] == "tinygrad_edu" and used.name is not None:
                is_module = f"{used.source}.{used.name}" in allowed
                if not is_module and used.name not in allowed.get(used.source, set()):
                    wrong.append(f"{module}:{used.line}: {used.source}.{used.name}")
    assert not wrong, "\n".join(wrong)


def attributes(module: str) -> Iterator[Import]:
    """What a module takes from others by a dot: `ops.relu` after `from tinygrad_edu import ops`."""
    nodes = [node for path in MODULES[module] for node in ast.walk(tree(path))]
    aliases = {}
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not getattr(node, "level", 0):
            for alias in node.names:
                name = ".".join(filter(None, [getattr(node, "module", ""), alias.name]))
                if name in MODULES:
                    aliases[alias.asname or alias.name] = name
    for node in nodes:
        if isinstance(node, ast.Attribute) and (source := aliases.get(ast.unparse(node.value))):
            yield Import(source, node.attr, node.lineno)


@pytest.mark.parametrize(
    "module",
    sorted({*PACKAGES, *within("tinygrad_edu.ops"), *within("nn")}),
)
def test_a_module_says_what_is_public(module: str) -> None:
    loaded = importlib.import_module(module)
    names: list[str] | None = getattr(loaded, "__all__", None)
    assert names is not None, f"{module} has no __all__"
    assert len(set(names)) == len(names)
    assert not [name for name in names if not hasattr(loaded, name)]


def test_dir_of_ops_is_the_ops() -> None:
    from tinygrad_edu import ops

    names = {name for name in dir(ops) if not name.startswith("__")}
    assert names == set(ops.__all__)
    assert not [name for name in names if isinstance(getattr(ops, name), ModuleType)]
    assert not [name for name in names if not callable(getattr(ops, name))]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_function_hides_a_module_of_its_name(package: str) -> None:
    loaded = importlib.import_module(package)
    children = [name for name in within(package) if name.rpartition(".")[0] == package]
    modules = {name.rpartition(".")[2]: importlib.import_module(name) for name in children}
    assert not [name for name, module in modules.items() if getattr(loaded, name) is not module]


# -------------------------------------------------------------------- how long things are

SOURCES = [
    (module, path)
    for module in (*within("tinygrad_edu"), *within("nn"))
    for path in MODULES[module]
    if path.suffix == ".py"
]


def test_no_file_is_long() -> None:
    lengths = {str(path.relative_to(ROOT).as_posix()): lines(path) for _, path in SOURCES}
    long = {name: n for name, n in lengths.items() if n > FILE_LINES and name not in LONG_FILES}
    assert not long
    assert not [name for name in LONG_FILES if lengths.get(name, 0) <= FILE_LINES], "not needed"


def test_no_function_is_long() -> None:
    lengths = {name: n for module, path in SOURCES for name, n in functions(module, path)}
    long = {n: k for n, k in lengths.items() if k > FUNCTION_LINES and n not in LONG_FUNCTIONS}
    assert not long
    needless = [name for name in LONG_FUNCTIONS if lengths.get(name, 0) <= FUNCTION_LINES]
    assert not needless, "these need no exception"


def test_the_core_can_be_read_in_an_evening() -> None:
    lengths = {name: lines(MODULES[f"tinygrad_edu.{name}"][0]) for name in CORE}
    assert sum(lengths.values()) <= CORE_LINES, lengths


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def functions(module: str, path: Path) -> Iterator[tuple[str, int]]:
    """Each function and method with its number of lines of code.

    Docstrings, comments and empty lines do not count.
    """
    text = path.read_text(encoding="utf-8")
    ignored = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    code = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in ignored
        for line in range(token.start[0], token.end[0] + 1)
    }

    def walk(node: ast.AST, owner: str) -> Iterator[tuple[str, int]]:
        for child in ast.iter_child_nodes(node):
            name = f"{owner}.{getattr(child, 'name', '')}".rstrip(".")
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                own = code & set(range(child.lineno, (child.end_lineno or child.lineno) + 1))
                if ast.get_docstring(child) is not None:
                    doc = child.body[0]
                    own -= set(range(doc.lineno, (doc.end_lineno or doc.lineno) + 1))
                yield name, len(own)
            yield from walk(child, name)

    yield from walk(tree(path), module)
