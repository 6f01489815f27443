"""A server that receives webhooks, checks their signatures by its own means, and responds as it is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT_SECONDS = 60


@dataclass(frozen=True)
class Received:
    """One request, in which nothing is missing and whose signature is right."""

    id: str
    payload: dict[str, Any]
    path: str
    host: str


@dataclass
class Receiver:
    """``responses`` are the statuses of the next responses, 200 for all others. A response waits while
    ``open`` is not set.
    """

    secret: str
    url: str = ""
    received: queue.Queue[Received] = field(default_factory=queue.Queue)
    responses: queue.Queue[int] = field(default_factory=queue.Queue)
    open: threading.Event = field(default_factory=threading.Event)
    faults: list[str] = field(default_factory=list)

    def next(self) -> Received:
        return self.received.get(timeout=WAIT_SECONDS)

    def accept(self, request: BaseHTTPRequestHandler) -> int:
        body = request.rfile.read(int(request.headers["content-length"]))
        id, timestamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        signed = id.encode() + b"." + timestamp.encode() + b"." + body
        digest = hmac.new(self.secret.encode(), signed, hashlib.sha256).digest()
        expected = "v1," + base64.b64encode(digest).decode()
        if not hmac.compare_digest(expected, request.headers["webhook-signature"]):
            self.faults.append(f"{id}: the signature is wrong")
        self.received.put(Received(id, json.loads(body), request.path, request.headers["host"]))
        self.open.wait(WAIT_SECONDS)
        try:
            return self.responses.get_nowait()
        except queue.Empty:
            return 200


@contextmanager
def receiving(secret: str = "sign with this") -> Iterator[Receiver]:
    """A receiver on a free port of the loopback."""
    receiver = Receiver(secret)
    receiver.open.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = receiver.accept(self)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", receiver.url + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="webhook receiver")
    thread.start()
    try:
        yield receiver
    finally:
        receiver.open.set()
        server.shutdown()
        thread.join()
        server.server_close()
    assert receiver.faults == []
