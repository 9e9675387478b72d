"""What the examples share: their options, the folder for their pictures, and how they end."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

import nn
from tinygrad_edu import Graph, Tensor

try:
    import matplotlib
except ImportError:
    print(
        "the examples draw with matplotlib, which is missing: pip install 'tinygrad-edu[plot]'",
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
    "whole",
]


def arguments(name: str, description: str | None) -> argparse.ArgumentParser:
    """The options that every example has; it adds its own."""
    parser = _Parser(
        prog=f"python -m examples.{name}",
        description=description,
        formatter_class=_Help,
    )
    parser.add_argument("--seed", type=whole, default=0, help="of everything drawn at random")
    parser.add_argument("--out", type=Path, default=Path("out", name), help="folder for pictures")
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """What is wrong in one sentence, without the options, which --help tells."""
        self.exit(2, f"{self.prog}: error: {message}\n")


class _Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    pass


def whole(text: str) -> int:
    """The type of an option that may be 0, 1, 2 and so on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not 0 or a positive whole number")
    return int(text)


def count(text: str) -> int:
    """The type of an option that counts: 1, 2, 3 and so on."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def positive(text: str) -> float:
    """The type of an option that measures, such as a learning rate."""
    if not 0 < (number := _number(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return number


def not_negative(text: str) -> float:
    """The type of an option that measures and may be 0, such as noise."""
    if not 0 <= (number := _number(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not 0 or a positive number")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def needs(parser: argparse.ArgumentParser, module: str, extra: str) -> None:
    """End at once, and not after minutes of work, if a package is missing."""
    if find_spec(module) is None:
        parser.error(f"{module} is missing: pip install 'tinygrad-edu[{extra}]'")


class Run:
    """An example under way: its options, its folder, and what an interrupt would keep."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.out: Path = options.out
        self.kept: dict[str, Any] = {}

    def keep(self, **parts: Any) -> None:
        """Say what is learned: models, Tensors, numbers, or lists, dicts and dataclasses of them.

        Ctrl-C saves them as they are by then, so a model or a list that grows is told once.
        """
        self.kept |= parts

    def end_if_interrupted(self, history: nn.History) -> None:
        """Trainer.fit returns after Ctrl-C, so that nothing is lost; this ends the example then."""
        if history.interrupted:
            raise KeyboardInterrupt

    def save(self, picture: Any, name: str) -> None:
        """Write a matplotlib figure or a drawn graph into the folder."""
        path = self.out / name
        if isinstance(picture, Graph):
            try:
                picture.save(path)
            except RuntimeError as error:  # there is no Graphviz
                print(f"{path} left out: {error}", file=sys.stderr)
                return
        else:
            picture.savefig(path, dpi=120)
            plt.close(picture)
        print(f"wrote {path}")


@contextmanager
def script(parser: argparse.ArgumentParser, argv: list[str] | None = None) -> Iterator[Run]:
    """Read the options, make the folder, and end in order whatever happens.

    What the system refuses, such as a file that is missing, ends the script with one sentence and
    exit status 2.  Ctrl-C saves what was kept, says where, and ends it with 130.
    """
    options = parser.parse_args(argv)
    _make_folder(parser, options.out)
    run = Run(options)
    print(f"seed {options.seed}, pictures go to {options.out}")
    try:
        yield run
    except KeyboardInterrupt:
        print(f"\ninterrupted: {_rescue(run)}", file=sys.stderr)
        raise SystemExit(130) from None
    except OSError as error:
        _refuse(parser, error)
    finally:
        plt.close("all")


def _make_folder(parser: argparse.ArgumentParser, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        reason = error.strerror or error
        parser.error(f"cannot write to the folder {folder}: {reason}; choose another by --out")


def _refuse(parser: argparse.ArgumentParser, error: OSError) -> NoReturn:
    named = error.filename and error.strerror
    parser.error(f"{error.filename}: {error.strerror}" if named else str(error))


def _rescue(run: Run) -> str:
    """Save what was kept; answers what and where."""
    arrays = dict(_arrays(run.kept))
    if not arrays:
        return "nothing was learned yet"
    path = run.out / "interrupted.npz"
    try:
        np.savez(path, **arrays)
    except OSError as error:
        return f"what was learned is lost, since {path} could not be written: {error}"
    return f"{', '.join(run.kept)} so far saved in {path}, to be read by np.load"


def _arrays(part: Any, name: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Every array in a model, Tensor, dict, dataclass or list, under its path."""
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
