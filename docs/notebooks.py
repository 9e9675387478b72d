"""Generates each notebook, with its outputs, from its text source: `python -m docs.notebooks`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from .generate import ROOT

FOLDER = ROOT / "notebooks"


def executed(source: Path) -> Any:
    """The notebook of a source in jupytext's percent format, executed from top to bottom."""
    import jupytext
    from nbclient import NotebookClient

    notebook = jupytext.read(source, fmt="py:percent")
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        client = NotebookClient(notebook, timeout=300, resources=resources, coalesce_streams=True)
        client.execute()
    for i, cell in enumerate(notebook.cells):  # the same source gives the same file
        cell["id"], cell["metadata"] = f"cell-{i}", {}
        if cell["cell_type"] == "code":
            cell["outputs"] = [o for o in cell["outputs"] if o.get("name") != "stderr"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return notebook


def main() -> None:
    import nbformat

    os.environ["PYTHONPATH"] = str(ROOT)
    for source in sorted(FOLDER.glob("*.py")):
        target = source.with_suffix(".ipynb")
        nbformat.write(executed(source), target)
        print(f"wrote {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
