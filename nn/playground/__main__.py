"""`python -m nn.playground`: the playground, with a model and data of your own on request."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .start import playground

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and run the playground until Ctrl-C."""
    parser = argparse.ArgumentParser("python -m nn.playground", description=__doc__)
    parser.add_argument("--data", metavar="FILE.csv", help="data; the last column is the target")
    parser.add_argument(
        "--model", metavar="FILE.py:NAME", help="a function or class that makes the network"
    )
    parser.add_argument("--loss", help="the name of a loss, for a network of your own")
    parser.add_argument("--port", type=int, default=0, help="0, the default, is any free one")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    given = parser.parse_args(arguments)
    try:
        model = None if given.model is None else _loaded(given.model)
        options = {"loss": given.loss, "port": given.port, "browser": not given.no_browser}
        playground(model, given.data, **options)
    except (OSError, ValueError, TypeError, OverflowError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


def _loaded(named: str) -> Any:
    """What stands under a name in a file of Python."""
    file, _, name = named.rpartition(":")
    path = Path(file)
    if path.suffix != ".py" or not path.is_file():
        raise ValueError(f"--model is FILE.py:NAME with a file that exists, not {named!r}")
    sys.path.insert(0, str(path.resolve().parent))
    module = importlib.import_module(path.stem)
    if not hasattr(module, name):
        raise ValueError(f"{file} has no {name!r}")
    return getattr(module, name)


if __name__ == "__main__":
    main()
