"""Shared by the examples: options, the folder for plots, and how errors and Ctrl-C end them."""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

import nn
from nn.history import save_figure
from tinygrad_edu import Graph, Tensor
from tinygrad_edu.atomic_write import written_whole

try:
    import matplotlib
except ImportError:
    print(
        "the examples draw with matplotlib, which is missing: pip install matplotlib",
        file=sys.stderr,
    )
    raise SystemExit(2) from None
matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

__all__ = [
    "Figure",
    "Run",
    "arguments",
    "count",
    "needs",
    "not_negative",
    "plt",
    "positive",
    "script",
    "natural",
]


def arguments(name: str, description: str | None) -> argparse.ArgumentParser:
    """A parser with the options of every example, to which each example adds its own.

    What the terminal's encoding lacks is printed as an escape sequence from here on.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    parser = _Parser(
        prog=f"python -m examples.{name}",
        description=description,
        formatter_class=_Help,
    )
    parser.add_argument("--seed", type=natural, default=0, help="seed of the random numbers")
    parser.add_argument("--out", type=Path, default=Path("out", name), help="folder for plots")
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print the error on one line, without the usage, which --help prints."""
        self.exit(2, f"{self.prog}: error: {message}\n")


class _Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    pass


def natural(text: str) -> int:
    """The type of an option that may be 0, 1, 2 and so on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not 0 or a positive integer")
    return int(text)


def count(text: str) -> int:
    """The type of an option that may be 1, 2, 3 and so on."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return int(text)


def positive(text: str) -> float:
    """The type of an option such as a learning rate."""
    if not 0 < (number := _number(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return number


def not_negative(text: str) -> float:
    """The type of an option such as noise, which may be 0."""
    if not 0 <= (number := _number(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not 0 or a positive number")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def needs(parser: argparse.ArgumentParser, package: str) -> None:
    """End with an error at once, and not after minutes of training, if a package is missing."""
    if find_spec(package) is None:
        parser.error(f"{package} is missing: pip install {package}")


class Run:
    """A running example: its options, its folder, and the objects that Ctrl-C saves."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.out: Path = options.out
        self.kept: dict[str, Any] = {}

    def keep(self, **parts: Any) -> None:
        """Register objects to save: models, Tensors, numbers, or lists, dicts, dataclasses of them.

        Ctrl-C saves them in their current state, so a model or a growing list is registered once.
        """
        self.kept |= parts

    def end_if_interrupted(self, history: nn.History) -> None:
        """End the example after Ctrl-C, since Trainer.fit returns its history as usual."""
        if history.interrupted:
            raise KeyboardInterrupt

    def save(self, figure: Any, name: str) -> None:
        """Write a matplotlib figure or a drawn graph into the folder."""
        path = self.out / name
        if isinstance(figure, Graph):
            try:
                figure.save(path)
            except RuntimeError as error:  # there is no Graphviz
                print(f"{path} not written: {error}", file=sys.stderr)
                return
        else:
            plt.close(figure)
            save_figure(figure, path)
        print(f"wrote {path}")

    def write(self, content: bytes, name: str) -> None:
        """Write a file of any other kind into the folder."""
        with written_whole(self.out / name) as file:
            file.write(content)
        print(f"wrote {self.out / name}")


@contextmanager
def script(parser: argparse.ArgumentParser, argv: list[str] | None = None) -> Iterator[Run]:
    """Parse the options, make the folder, and handle system errors and Ctrl-C.

    A system error, such as a missing file, ends the script with a one-line message and exit status
    2. Ctrl-C saves what was registered by `Run.keep`, prints the path, and ends it with status 130.
    """
    options = parser.parse_args(argv)
    _make_folder(parser, options.out)
    run = Run(options)
    print(f"seed {options.seed}, plots are saved in {options.out}")
    try:
        yield run
    except KeyboardInterrupt:
        print(f"\ninterrupted: {_save_kept(run)}", file=sys.stderr)
        raise SystemExit(130) from None
    except OSError as error:
        _end_with(parser, error)
    finally:
        plt.close("all")


def _make_folder(parser: argparse.ArgumentParser, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        reason = error.strerror or error
        parser.error(f"cannot write to the folder {folder}: {reason}; choose another with --out")


def _end_with(parser: argparse.ArgumentParser, error: OSError) -> NoReturn:
    named = error.filename and error.strerror
    parser.error(f"{error.filename}: {error.strerror}" if named else str(error))


def _save_kept(run: Run) -> str:
    """Save the registered objects, and return a message that says which and where."""
    arrays = dict(_arrays(run.kept))
    if not arrays:
        return "nothing was learned yet"
    path = run.out / "interrupted.npz"
    try:
        with written_whole(path) as file:
            np.savez(file, **arrays)
    except OSError as error:
        return f"what was learned is lost, since {path} could not be written: {error}"
    return f"{', '.join(run.kept)} saved in {path}; read it with np.load"


def _arrays(part: Any, name: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Every array in a model, Tensor, dict, dataclass or list, with its path as name."""
    if isinstance(part, nn.Module):
        part = part.state_dict()
    elif hasattr(part, "__dataclass_fields__"):
        part = vars(part)
    elif isinstance(part, (list, tuple)) and any(isinstance(x, Tensor) for x in part):
        part = {str(i): x for i, x in enumerate(part)}
    if isinstance(part, Mapping):
        for key, value in part.items():
            yield from _arrays(value, f"{name}.{key}" if name else str(key))
    else:
        yield name, np.asarray(part.data if isinstance(part, Tensor) else part)
