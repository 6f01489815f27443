"""``cloudify.proxy.server``: answers the ``ctx`` command of scripts on other machines.

The plugin leads a port of the other machine to this one (SSH does). Who does not know the address's random
part is refused, so that other users of either machine cannot ask.
"""

from __future__ import annotations

import json
import secrets
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from cloudwright.operation.scripts.ctx_command import Result, evaluate

__all__ = ["HTTPCtxProxy", "StubCtxProxy", "get_unused_port", "process_ctx_request"]

#: The longest question (bytes).
_MAX_QUESTION = 64 * 1024 * 1024


class StubCtxProxy:
    """What a script gets that is not to ask anything."""

    socket_url = ""

    def close(self) -> None:
        pass


class HTTPCtxProxy:
    """Serves on a port of the loopback until it is closed."""

    def __init__(self, ctx: Any, port: int | None = None) -> None:
        self.ctx = ctx
        self._secret = "/" + secrets.token_urlsafe(24)
        self._asking = Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port or 0), self._handler())
        self._server.daemon_threads = True
        self.port: int = self._server.server_port
        self.socket_url = f"http://localhost:{self.port}{self._secret}"
        Thread(target=self._server.serve_forever, name="ctx", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                if not secrets.compare_digest(self.path, proxy._secret) or size > _MAX_QUESTION:
                    self.send_error(403)
                    return
                asked = json.loads(self.rfile.read(size))
                with proxy._asking:
                    result = evaluate(proxy.ctx, [str(word) for word in asked["words"]], str(asked["cwd"]))
                answer = json.dumps({"code": result.code, "out": result.out, "err": result.err}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def process_ctx_request(ctx: Any, args: list[str]) -> Result:
    """Return the code and the output of a ``ctx`` command with these words."""
    return evaluate(ctx, [str(arg) for arg in args], "/")


def get_unused_port() -> int:
    """Return a port of the loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
