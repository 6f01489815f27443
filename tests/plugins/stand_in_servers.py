"""Stand-ins for what plugins speak to over HTTP: the API of Kubernetes, and one of users and posts."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class Resources:
    """What clients have made, by the path of each, and what they asked."""

    def __init__(self) -> None:
        self.there: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.url = ""

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append((method, path))
        if method == "GET":
            return self._found(path)
        if method == "POST":
            return self._made(path, body)
        if path not in self.there:
            return 404, missing(path)
        if method == "DELETE":
            return 200, self.there.pop(path)
        self.there[path] = self.there[path] | body
        return 200, self.there[path]

    def _found(self, path: str) -> tuple[int, dict[str, Any]]:
        if path in self.there:
            return 200, self.there[path]
        return 404, missing(path)

    def _made(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        raise NotImplementedError


class Cluster(Resources):
    """Kubernetes, as far as a plugin needs it: what is made is ready at once."""

    def _found(self, path: str) -> tuple[int, dict[str, Any]]:
        if path == "/version/":
            return 200, {"major": "1", "minor": "26", "gitVersion": "v1.26.0"}
        if path.count("/") == 1 or path.rstrip("/") in ("/api", "/apis"):
            return 200, {"versions": ["v1"], "groups": []}
        return super()._found(path)

    def _made(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name = body["metadata"]["name"]
        one = f"{path}/{name}"
        if one in self.there:
            return 409, missing(one) | {"reason": "AlreadyExists", "code": 409}
        metadata = body["metadata"] | {"uid": f"uid-{len(self.asked)}", "namespace": "default"}
        replicas = body.get("spec", {}).get("replicas", 1)
        status = {
            "replicas": replicas,
            "readyReplicas": replicas,
            "availableReplicas": replicas,
            "updatedReplicas": replicas,
            "observedGeneration": 1,
            "conditions": [{"type": "Available", "status": "True"}],
        }
        self.there[one] = body | {"metadata": metadata, "status": status}
        return 201, self.there[one]


class Users(Resources):
    """Users and posts, as the examples of the plugin for REST APIs expect them."""

    def __init__(self) -> None:
        super().__init__()
        self.there["/users/10"] = {
            "id": "10",
            "name": "Clementina DuBuque",
            "username": "Moriah.Stanton",
            "email": "Rey.Padberg@karina.biz",
            "website": "ambrose.net",
        }

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if method == "PUT" and path.startswith("/posts/"):
            self.there[path] = {"id": path.rpartition("/")[2]}
        return super().answer(method, path, body)


def missing(path: str) -> dict[str, Any]:
    return {"kind": "Status", "status": "Failure", "reason": "NotFound", "message": path, "code": 404}


@contextmanager
def serving(
    resources: Resources, address: tuple[str, int] = ("127.0.0.1", 0), certificate: Path | None = None
) -> Iterator[None]:
    """Answer requests, over HTTPS if there is a ``certificate`` (a PEM file with its key)."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size) or b"{}")
            code, said = resources.answer(self.command, urlsplit(self.path).path, body)
            # As Go writes it: plugins look for `"code":404` in the text.
            answer = json.dumps(said, separators=(",", ":")).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(address, Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    resources.url = f"http{'s' if certificate else ''}://{address[0]}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
