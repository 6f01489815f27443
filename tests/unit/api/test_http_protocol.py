"""Connections that do not ask for anything are closed."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
from served_api import Api

from cloudwright.api import http_protocol


def connect(api: Api) -> socket.socket:
    parts = urlsplit(api.url)
    return socket.create_connection((parts.hostname, parts.port), timeout=30)


@pytest.mark.parametrize("sent", [b"", b"GET /api/v3.1/ok HTTP/1.1\r\nHost: localhost\r\nX-More: "])
def test_headers_that_never_come(api: Api, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(http_protocol, "HEADER_SECONDS", 0.1)
    with connect(api) as connection:
        connection.sendall(sent)
        assert connection.recv(1) == b""


def test_headers_of_a_second_request_that_never_come(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEADER_SECONDS", 0.5)
    with connect(api) as connection:
        connection.sendall(b"GET /api/v3.1/ok HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in connection.recv(65536)
        connection.sendall(b"GET /api/v3.1/ok HTTP/1.1\r\n")
        rest = b""
        while part := connection.recv(65536):
            rest += part
        assert b"HTTP" not in rest
