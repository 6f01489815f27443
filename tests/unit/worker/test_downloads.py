"""Downloads from a manager that cuts, lies and refuses."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cloudwright.errors import Unavailable
from cloudwright.worker.downloads import Downloads

CONTENT = bytes(range(256)) * 4096
DIGEST = hashlib.sha256(CONTENT).hexdigest()
Answer = Callable[[BaseHTTPRequestHandler, int], None]


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Downloads, list[int]]]]:
    """Makes a server that answers each request by the next function, with where the file is wanted from."""
    servers = []

    def start(*answers: Answer) -> tuple[Downloads, list[int]]:
        left, asked = list(answers), list[int]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(int(self.headers.get("Range", "bytes=0-")[6:-1]))
                left.pop(0)(self, asked[-1])

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return Downloads(f"http://127.0.0.1:{server.server_port}", {}, None), asked

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def send(handler: BaseHTTPRequestHandler, content: bytes, start: int, size: int | None = None) -> None:
    handler.send_response(206 if start else 200)
    handler.send_header("Content-Length", str(len(content) - start))
    handler.end_headers()
    handler.wfile.write(content[start:] if size is None else content[start : start + size])
    handler.close_connection = True


def whole(handler: BaseHTTPRequestHandler, start: int) -> None:
    send(handler, CONTENT, start)


def half(handler: BaseHTTPRequestHandler, start: int) -> None:
    send(handler, CONTENT, start, len(CONTENT) // 2)


def another(handler: BaseHTTPRequestHandler, start: int) -> None:
    send(handler, b"another", start)


def refused(code: int) -> Answer:
    return lambda handler, _: handler.send_error(code)


def test_what_was_cut_goes_on_where_it_was(serve: Any, tmp_path: Path) -> None:
    downloads, asked = serve(half, refused(503), whole)
    asyncio.run(downloads.file("wheels/x", tmp_path / "x", DIGEST))
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert asked == [0, len(CONTENT) // 2, len(CONTENT) // 2]


def test_another_file_than_was_asked_for_is_thrown_away(serve: Any, tmp_path: Path) -> None:
    downloads, asked = serve(another, whole)
    asyncio.run(downloads.file("wheels/x", tmp_path / "x", DIGEST))
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert asked == [0, 0]


def test_what_the_manager_does_not_have_is_said(serve: Any, tmp_path: Path) -> None:
    downloads, _ = serve(refused(404))
    with pytest.raises(Unavailable, match="does not send wheels/x"):
        asyncio.run(downloads.file("wheels/x", tmp_path / "x", DIGEST))


def test_a_disk_that_does_not_take_it_is_said(serve: Any) -> None:
    downloads, _ = serve(whole)
    with pytest.raises(Unavailable, match=r"could not store wheels/x: .*No space left"):
        asyncio.run(downloads.file("wheels/x", Path("/dev/full"), DIGEST))
