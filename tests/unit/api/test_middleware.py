"""Who may ask, how much may be sent, and what every answer looks like."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from served_api import Api, archive, served
from starlette.types import Receive, Scope, Send

from cloudwright.api import middleware
from cloudwright.api.middleware import PREFIX
from cloudwright.api.public_address import PublicAddress, PublicAddressMiddleware
from cloudwright.errors import CloudwrightError, InvalidInput


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def test_a_name_and_password_or_a_token(api: Api) -> None:
    for headers in ({"Authorization": basic("admin", api.password)}, {"Authentication-Token": api.token}):
        assert api.anonymous.get(f"{PREFIX}/version", headers=headers).json()["version"] == "1.2.3"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": basic("admin", "wrong")},
        {"Authorization": basic("admin", "")},
        {"Authorization": basic("nobody", "x")},
        {"Authorization": basic("adm\0in", "x")},
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(b"no colon").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
        {"Authorization": "Bearer x"},
        {"Authentication-Token": ""},
        {"Authentication-Token": "cwt-1-2"},
    ],
)
def test_anybody_else_is_refused(api: Api, headers: dict[str, str]) -> None:
    answer = api.anonymous.get(f"{PREFIX}/blueprints", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    body = answer.json()
    assert set(body) == {"message", "error_code", "server_traceback"}
    assert (body["error_code"], body["server_traceback"]) == ("unauthorized_error", None)


def test_a_browser_is_not_made_to_ask_for_a_password(api: Api) -> None:
    for headers in ({"Sec-Fetch-Mode": "navigate"}, {"X-Requested-With": "XMLHttpRequest"}):
        answer = api.anonymous.get(f"{PREFIX}/blueprints", headers=headers)
        assert answer.status_code == 401
        assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost:8100"}, 200),
        ({"Host": "10.1.2.3"}, 200),
        ({"Host": "[::1]:8100"}, 200),
        ({"Host": socket.gethostname()}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:8100"}, 403),
        ({"Host": "[::1"}, 403),
        ({"Host": "localhost:8100", "Origin": "http://localhost:8100"}, 200),
        ({"Host": "localhost:8100", "Origin": "http://localhost:8101"}, 403),
        ({"Host": "localhost:8100", "Origin": "https://evil.example"}, 403),
        ({"Host": "localhost:8100", "Origin": "null"}, 403),
    ],
)
def test_only_its_own_names_and_pages(api: Api, headers: dict[str, str], status: int) -> None:
    assert api.http.get("/version", headers=headers).status_code == status


def test_a_name_that_was_allowed(tmp_path: Path) -> None:
    with served(tmp_path, allowed_host="manager.example, other.example") as running:
        assert running.http.get("/version", headers={"Host": "Manager.example:80"}).status_code == 200
        assert running.http.get("/version", headers={"Host": "third.example"}).status_code == 403


def test_a_public_address_is_one_of_its_own(tmp_path: Path) -> None:
    requests: list[tuple[dict[str, str], int]] = [
        ({"Host": "ops.example"}, 200),
        ({"Host": "other.example"}, 403),
        ({"Host": "127.0.0.1:8100", "Origin": "https://ops.example"}, 200),
        ({"Host": "127.0.0.1:8100", "Origin": "http://ops.example"}, 403),
        ({"Host": "127.0.0.1:8100", "Origin": "https://ops.example:444"}, 403),
        ({"Host": "127.0.0.1:8100", "Origin": "https://evil.example"}, 403),
    ]
    with served(tmp_path, public_url="https://ops.example/a/b") as running:
        for headers, status in requests:
            answer = running.http.get("/version", headers=headers)
            assert answer.status_code == status, headers
            if status == 403 and "Origin" in headers:
                assert headers["Origin"] in answer.json()["message"]
                assert "`public_url`" in answer.json()["message"]


@pytest.mark.parametrize(
    "url", ["ops.example", "ftp://ops.example", "https://", "https://ops.example/?a=b", "https://o/console"]
)
def test_a_public_address_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="`public_url` is"):
        PublicAddress.parse(url)


@pytest.mark.parametrize(
    ("path", "inner"),
    [("/a/b/api", "/api"), ("/a/b", "/"), ("/a/b/", "/"), ("/api", "/api"), ("/a/bc", "/a/bc"), ("/", "/")],
)
def test_a_path_before_everything_is_taken_away(path: str, inner: str) -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    served_there = PublicAddressMiddleware(app, PublicAddress.parse("https://ops.example/a/b/"))
    for type, scheme in (("http", "http"), ("websocket", "ws")):
        asyncio.run(served_there({"type": type, "scheme": scheme, "path": path}, None, None))  # type: ignore[arg-type]
    assert [(scope["path"], scope["root_path"], scope["scheme"]) for scope in seen] == [
        (inner, "/a/b", "https"),
        (inner, "/a/b", "wss"),
    ]


def test_every_path_needs_credentials(api: Api) -> None:
    for path in ("/", "/console", "/api/v3.1", "/docs", f"{PREFIX}/ok/", f"{PREFIX}/ok/../version"):
        assert api.anonymous.get(path).status_code == 401, path


def test_a_web_socket_needs_credentials(api: Api) -> None:
    where = urlsplit(api.url)
    with socket.create_connection((where.hostname, where.port)) as connection:
        connection.sendall(
            b"GET /agents HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert connection.recv(4096).split(b" ")[1] in (b"401", b"403")


def test_a_body_that_is_nested_too_deep_does_nothing(api: Api) -> None:
    instance = api.items("/node-instances", deployment_id=api.deployment())[0]
    deep: object = {}
    for _ in range(101):
        deep = {"a": deep}
    change = {"version": instance["version"], "runtime_properties": deep}
    message = api.refused(
        "PATCH", f"/node-instances/{instance['id']}", 400, "bad_parameters_error", json=change
    )
    assert "nested" in message
    assert api.get(f"/node-instances/{instance['id']}") == instance


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
def test_a_plugin_is_not_taken_from_a_form(api: Api, kind: str) -> None:
    api.refused(
        "POST",
        "/plugins",
        415,
        "unsupported_content_type_error",
        content=b"x",
        headers={"Content-Type": kind},
    )


def test_whoever_is_refused_is_not_read(api: Api) -> None:
    """The answer comes before any of the body was sent."""
    where = urlsplit(api.url)
    with socket.create_connection((where.hostname, where.port)) as connection:
        connection.sendall(
            f"PUT {PREFIX}/blueprints/x HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 1000000\r\n\r\n".encode()
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")


def test_a_large_body_without_credentials_is_not_read_to_its_end(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "_MOST_DROPPED", 1 << 20)
    where = urlsplit(api.url)
    size = 1 << 30

    def send_whole(connection: socket.socket) -> None:
        for _ in range(size >> 20):
            connection.sendall(bytes(1 << 20))

    with socket.create_connection((where.hostname, where.port)) as connection:
        connection.sendall(
            f"PUT {PREFIX}/blueprints/x HTTP/1.1\r\nHost: [::1]\r\nContent-Length: {size}\r\n\r\n".encode()
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            send_whole(connection)


def test_what_needs_no_credentials(api: Api) -> None:
    assert api.anonymous.get(f"{PREFIX}/ok").json() == "OK"
    document = api.anonymous.get(f"{PREFIX}/openapi.json").json()
    assert document["info"]["version"] == "1.2.3"
    assert document["paths"][f"{PREFIX}/blueprints"]["get"]["security"]


@pytest.mark.parametrize("version", ["v3.1", "v3", "v2.1", "v2"])
def test_earlier_versions_of_the_api_are_this_one(api: Api, version: str) -> None:
    headers = {"Authentication-Token": api.token}
    assert api.anonymous.get(f"/api/{version}/version", headers=headers).status_code == 200
    assert api.anonymous.get(f"/api/{version}/version").status_code == 401


def test_the_version_without_a_version(api: Api) -> None:
    assert api.anonymous.get("/api/version").status_code == 401
    answer = api.anonymous.get("/api/version", headers={"Authentication-Token": api.token})
    assert answer.json() == {
        "version": "1.2.3",
        "edition": "community",
        "distribution": None,
        "distro_release": None,
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found_error"),
        ("GET", "/blueprints/none", 404, "not_found_error"),
        ("GET", "/blueprints/", 404, "not_found_error"),
        ("DELETE", "/version", 405, "method_not_allowed_error"),
        ("GET", "/blueprints?_size=-1", 400, "bad_parameters_error"),
        ("GET", "/blueprints?_size=99999999999999999999", 400, "bad_parameters_error"),
        ("GET", "/blueprints?_size=many", 400, "bad_parameters_error"),
        ("GET", "/blueprints?_include=secret", 400, "no_such_include_field_error"),
        ("GET", "/blueprints?_sort=plan", 400, "bad_parameters_error"),
        ("GET", "/blueprints?_search=%00", 400, "bad_parameters_error"),
        ("GET", "/blueprints/a%00b", 400, "bad_parameters_error"),
    ],
)
def test_refusals_have_one_shape(api: Api, method: str, path: str, status: int, code: str) -> None:
    answer = api.http.request(method, path)
    body = answer.json()
    assert (answer.status_code, body["error_code"], body["server_traceback"]) == (status, code, None)
    assert body["message"].endswith(".")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"deployment_id": 7, "workflow_id": "x"}',
        b'{"deployment_id": "d"}',
        b'{"deployment_id": "d", "workflow_id": "x", "parameters": []}',
        b'{"deployment_id": "d", "workflow_id": "x", "parameters": {"a": NaN}}',
        b'{"deployment_id": "d", "workflow_id": "x", "parameters": {"a": "\\ud800"}}',
        b'{"deployment_id": "d\\u0000", "workflow_id": "x"}',
        b'{"deployment_id": "d", "workflow_id": "x", "parameters": ' + b"[" * 100_000,
    ],
)
def test_bodies_that_cannot_be_understood(api: Api, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    message = api.refused("POST", "/executions", 400, "bad_parameters_error", content=body, headers=headers)
    assert len(message) < 2_000


def test_a_backslash_before_zeros_is_no_nul(api: Api) -> None:
    api.refused(
        "POST",
        "/executions",
        404,
        "not_found_error",
        content=b'{"deployment_id": "d", "workflow_id": "\\\\u0000"}',
        headers={"Content-Type": "application/json"},
    )


def test_a_body_that_is_no_json_is_not_read_as_one(api: Api) -> None:
    """A form on somebody's web page cannot send anything else."""
    api.refused(
        "POST",
        "/executions",
        400,
        "bad_parameters_error",
        content=json.dumps({"deployment_id": "d", "workflow_id": "x"}),
        headers={"Content-Type": "text/plain"},
    )


def test_headers_that_protect(api: Api) -> None:
    for path in ("/version", "/nothing", "/blueprints?_size=x"):
        headers = api.http.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_an_unknown_tenant_is_forbidden(api: Api) -> None:
    api.refused("GET", "/blueprints", 403, "forbidden_error", headers={"Tenant": "other"})
    assert api.get("/blueprints") == api.http.get("/blueprints", headers={"Tenant": "default_tenant"}).json()


@pytest.fixture
def failing(api: Api, monkeypatch: pytest.MonkeyPatch) -> Exception:
    error = RuntimeError("the inside of the server")

    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(api.manager.accounts, "user", fail)
    return error


def test_what_nobody_foresaw_is_logged_and_not_told(
    api: Api, failing: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = api.http.get("/tokens")
    body = answer.json()
    assert (answer.status_code, body["error_code"], body["server_traceback"]) == (
        500,
        "internal_server_error",
        None,
    )
    assert "inside" not in answer.text
    assert "Traceback" not in answer.text
    record = next(record for record in caplog.records if body["incident"] in record.getMessage())
    assert record.exc_info is not None
    assert record.exc_info[1] is failing


def test_an_error_without_a_status_is_a_defect(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise CloudwrightError("the inside of the server")

    monkeypatch.setattr(api.manager.accounts, "user", fail)
    answer = api.http.get("/tokens")
    assert answer.status_code == 500
    assert "inside" not in answer.text


def test_large_bodies_are_refused(tmp_path: Path) -> None:
    with served(tmp_path, max_archive=1000) as api:
        limit = 1000 + (1 << 20)
        for content in (b"x" * (limit + 1), (b"x" * 65536 for _ in range(40))):
            api.refused("PUT", "/blueprints/x", 413, "request_too_large_error", content=content)
        form = {"blueprint_archive": ("a", b"x" * (limit + 1))}
        api.refused("PUT", "/blueprints/x", 413, "request_too_large_error", files=form)
        headers = {"Content-Type": "application/json"}
        for content in (b" " * ((16 << 20) + 1), (b" " * 65536 for _ in range(300))):
            api.refused(
                "POST", "/executions", 413, "request_too_large_error", content=content, headers=headers
            )
        assert api.items("/blueprints") == []
        assert list((tmp_path / "uploads").iterdir()) == []


def test_whoever_goes_away_while_sending_leaves_nothing(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    where = urlsplit(api.url)
    id = api.unique("blueprint")
    uploads = api.manager.blueprints.incoming
    with socket.create_connection((where.hostname, where.port)) as connection:
        connection.sendall(
            f"PUT {PREFIX}/blueprints/{id} HTTP/1.1\r\nHost: [::1]\r\nAuthentication-Token: {api.token}\r\n"
            f"Content-Length: 1000000\r\n\r\nsome".encode()
        )
        while not list(uploads.iterdir()):
            api.get("/version")
    while list(uploads.iterdir()):
        api.get("/version")
    assert not [record for record in caplog.records if "incident" in record.getMessage()]
    api.refused("GET", f"/blueprints/{id}", 404, "not_found_error")


def test_parallel_requests(api: Api) -> None:
    """Nothing of one request's identity or tenant reaches another."""
    with httpx.Client(base_url=api.url + PREFIX) as other:
        for _ in range(3):
            assert api.http.get("/version").status_code == 200
            assert other.get("/version").status_code == 401


def test_archives_of_the_right_size_pass(tmp_path: Path) -> None:
    with served(tmp_path, max_archive=100_000) as api:
        content = archive("tosca_definitions_version: cloudify_dsl_1_3\n")
        assert api.http.put("/blueprints/x", content=content).status_code == 201
