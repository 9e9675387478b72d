"""Starting the playground from Python."""

from __future__ import annotations

import threading
import webbrowser
from pathlib import Path
from typing import Any

from . import script, tables
from .server import Server

__all__ = ["playground"]


def playground(
    model: Any = None,
    data: Any = None,
    *,
    loss: str | None = None,
    port: int = 0,
    browser: bool = True,
    block: bool = True,
) -> Server:
    """Open the playground, a page on 127.0.0.1, with your own model and data if you give them.

    `model` is a module, which is then trained itself, or a function or class without arguments that
    makes one, which the page's script can import.  It is given inputs (n, k) and returns a row for
    each: logits, or a number.  `data` is a Dataset or a tuple of inputs (n, k) and targets, classes
    (n,) or numbers (n, 1), or the path of a CSV file whose last column is the target.  `loss` is
    the name of a loss, which by default is cross_entropy, binary_cross_entropy_with_logits or
    mse_loss.

    Runs until Ctrl-C; with `block=False` it runs in the background until `close()` of the server
    that is returned.  A `port` of 0 is any free one; `browser=False` opens no browser.

    Raises ValueError for a model, data and a loss that do not fit together.

    >>> import nn
    >>> model = nn.MLP(4, [8], 3)
    >>> server = nn.playground(model, nn.datasets.iris(), browser=False, block=False)
    ... # doctest: +ELLIPSIS
    The playground is at http://127.0.0.1:...
    >>> server.close()
    """
    if not isinstance(loss, (str, type(None))):
        raise ValueError(f"loss is the name of a loss, such as 'mse_loss', not {loss!r:.60}")
    table = None if data is None else _table(data)
    own = None if model is None else script.Own(model)
    server = Server(table, own, loss, port=port)
    print(f"The playground is at {server.url}", flush=True)
    if browser:
        threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
    if not block:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server
    print("Ctrl-C ends it.", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("\nThe playground is closed.")
    finally:
        server.close(serving=False)
    return server


def _table(data: Any) -> tables.Table:
    if isinstance(data, (str, Path)):
        path = Path(data)
        return tables.from_csv(path.name, path.read_text(encoding="utf-8"))
    return tables.from_data(data)
