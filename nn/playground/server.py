"""The server: pages for this machine only, commands for this page only.

What a request must have: a Host that is this server's address (a name elsewhere that leads here is
refused), an Origin, where there is one, that is this page, and for commands the token, which only
the address printed in the terminal holds.  It stands behind a #, which browsers never send.
"""

from __future__ import annotations

import hmac
import json
import math
import os
import secrets
import traceback
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from socketserver import TCPServer
from typing import Any, NamedTuple

from . import script
from .session import COMMANDS, Session
from .tables import Table

__all__ = ["MOST_BYTES", "Refused", "Server", "encoded"]

MOST_BYTES = 2_000_000
"""Of a request's body."""

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
}

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Refused(Exception):
    """A request that gets an error in place of a result."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class File(NamedTuple):
    kind: str
    content: bytes


def _files() -> dict[str, File]:
    """The page's files by their addresses: these and no others are served."""
    found = {}
    for each in resources.files(__package__).joinpath("web").iterdir():
        kind = _TYPES.get(each.name.rpartition(".")[2])
        if kind is not None:
            found[f"/{each.name}"] = File(kind, each.read_bytes())
    found["/"] = found.pop("/index.html")
    return found


class Server(ThreadingHTTPServer):
    """Serves the page and one session; `url` is the address to open.

    One thread does all the work on the model, so that commands come one after the other and draw
    from one generator.
    """

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere it would let others take the port over

    def __init__(
        self,
        table: Table | None = None,
        own: script.Own | None = None,
        loss: str | None = None,
        *,
        port: int = 0,
    ) -> None:
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="playground")
        try:
            self.session = self.worker.submit(Session, table, own, loss).result()
            super().__init__(("127.0.0.1", port), Handler)
        except BaseException:
            self.worker.shutdown()
            raise
        self.token = secrets.token_urlsafe(32)
        self.files = _files()
        self.hosts = {f"{name}:{self.server_port}" for name in ("127.0.0.1", "localhost")}
        self.hosts |= {"127.0.0.1", "localhost"} if self.server_port == 80 else set()
        self.origins = {f"http://{host}" for host in self.hosts}

    def server_bind(self) -> None:
        """As usual, but without asking for this machine's name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/#{self.token}"

    def close(self, serving: bool = True) -> None:
        """End it; `serving` says whether another thread runs `serve_forever`."""
        if serving:
            self.shutdown()
        self.server_close()
        self.worker.shutdown(cancel_futures=True)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle of a request is no error."""


class Handler(BaseHTTPRequestHandler):
    """One connection of the browser."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "playground", ""
    timeout = 60
    disable_nagle_algorithm = True
    wbufsize = -1  # a response goes out in one piece

    def do_GET(self) -> None:
        """A file of the page."""
        try:
            self._check_sender(required=False)
            path = self.path.partition("?")[0]
            if path not in self.server.files:
                raise Refused(HTTPStatus.NOT_FOUND, "there is no such page")
            file = self.server.files[path]
            self._send(HTTPStatus.OK, file.kind, file.content)
        except Refused as refused:
            self._refuse(refused)

    def do_POST(self) -> None:
        """A command of the page: its name is the address, its values are the JSON body."""
        try:
            self._check_sender(required=True)
            self._check_token()
            result = self._run(self._body())
            self._send(HTTPStatus.OK, "application/json", encoded(result))
        except Refused as refused:
            self._refuse(refused)

    # ---------------------------------------------------------------- who asks

    def _check_sender(self, required: bool) -> None:
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self.server.hosts:
            raise Refused(HTTPStatus.FORBIDDEN, "this Host is not the playground's address")
        origins = self.headers.get_all("Origin", [])
        if len(origins) > 1 or (required and not origins):
            raise Refused(HTTPStatus.FORBIDDEN, "a command needs the Origin of the page")
        if origins and origins[0].lower() not in self.server.origins:
            raise Refused(HTTPStatus.FORBIDDEN, "this Origin is another page")

    def _check_token(self) -> None:
        given = self.headers.get("X-Playground-Token", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self.server.token.encode()):
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "open the address that the terminal printed, with all that follows the #",
            )

    # ---------------------------------------------------------------- what is asked

    def _body(self) -> dict[str, Any]:
        if self.headers.get_content_type() != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "commands are application/json")
        lengths = self.headers.get_all("Content-Length", [])
        if len(lengths) != 1 or not lengths[0].isascii() or not lengths[0].isdigit():
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "a command needs its Content-Length")
        if len(lengths[0]) > 12 or int(lengths[0]) > MOST_BYTES:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"a command, or a file, has at most {MOST_BYTES:,} bytes",
            )
        body = self.rfile.read(int(lengths[0]))
        if len(body) != int(lengths[0]):
            raise Refused(HTTPStatus.BAD_REQUEST, "the body ended too early")
        try:
            values = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise Refused(HTTPStatus.BAD_REQUEST, "the body is not JSON") from None
        if not isinstance(values, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "the body must be a JSON object")
        return values

    def _run(self, values: dict[str, Any]) -> dict[str, Any]:
        command = self.path.removeprefix("/api/")
        if command not in COMMANDS:
            raise Refused(HTTPStatus.NOT_FOUND, "there is no such command")
        try:
            return self.server.worker.submit(self.server.session.run, command, values).result()
        except (ValueError, TypeError, FloatingPointError) as error:
            raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from error
        except RuntimeError as error:
            if "shutdown" in str(error):
                raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the playground is closed") from None
            raise self._unexpected(error) from error
        except Exception as error:
            raise self._unexpected(error) from error

    def _unexpected(self, error: Exception) -> Refused:
        """For what the user's model raised: the terminal shows all of it."""
        traceback.print_exception(error)
        message = f"{type(error).__name__}: {error}; the terminal shows where"
        return Refused(HTTPStatus.INTERNAL_SERVER_ERROR, message)

    # ---------------------------------------------------------------- what is sent

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self, refused: Refused) -> None:
        known = refused.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)
        if not known or str(refused).startswith("the body ended"):
            self.close_connection = True  # its body may not have been read
        self._send(refused.status, "application/json", encoded({"error": str(refused)}))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged: the page asks many times a second."""


def encoded(values: Any) -> bytes:
    """JSON, in which null stands for numbers that are not finite.

    >>> encoded({"a": [1.5, float("nan")]})
    b'{"a": [1.5, null]}'
    """
    try:
        return json.dumps(values, allow_nan=False).encode()
    except ValueError:
        return json.dumps(_finite(values)).encode()


def _finite(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: _finite(value) for name, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [_finite(value) for value in values]
    return None if isinstance(values, float) and not math.isfinite(values) else values


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
