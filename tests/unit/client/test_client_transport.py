"""Requests over real sockets: what is repeated, what is not, and what failures become."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from certificates import self_signed
from cloudwright.client import errors
from cloudwright.client.records import Slice
from cloudwright.client.resources import Executions
from cloudwright.client.target import Target
from cloudwright.client.transport import RETRY_DELAYS, Transport

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers requests with what a test put into ``answers``, the last one for ever; keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[BaseHTTPRequestHandler] = []
        self.answers: list[Answer] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append(self)
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                answer(self)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def say(status: int, body: Any, kind: str = "application/json") -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


def refuse(status: int, code: str, **more: Any) -> Answer:
    return say(
        status, {"message": f"the words of {code}", "error_code": code, "server_traceback": None, **more}
    )


def hang_up(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True
    request.connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def transport(server: Server) -> Iterator[Transport]:
    made = Transport(Target(server.url, token="t"), sleep=lambda _: None)
    yield made
    made.close()


def test_reading_is_repeated_where_the_connection_breaks(server: Server, transport: Transport) -> None:
    server.answers = [hang_up, hang_up, say(200, {"id": "x"})]
    assert transport.request("GET", "/executions/x") == {"id": "x"}
    assert len(server.asked) == 3


def test_reading_is_not_repeated_for_ever(server: Server, transport: Transport) -> None:
    server.answers = [hang_up]
    with pytest.raises(errors.ConnectionFailed):
        transport.request("GET", "/executions/x")
    assert len(server.asked) == len(RETRY_DELAYS) + 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_may_have_changed_something_is_sent_once(
    server: Server, transport: Transport, method: str
) -> None:
    server.answers = [hang_up]
    with pytest.raises(errors.ConnectionFailed):
        transport.request(method, "/executions/x", json={})
    assert len(server.asked) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refusal_is_never_repeated(server: Server, transport: Transport, method: str) -> None:
    server.answers = [refuse(503, "service_unavailable_error")]
    with pytest.raises(errors.Unavailable):
        transport.request(method, "/executions")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "not_found_error", errors.NotFound),
        (409, "conflict_error", errors.Conflict),
        (400, "illegal_action_error", errors.IllegalAction),
        (400, "dependent_exists_error", errors.IllegalAction),
        (400, "existing_running_execution_error", errors.ExecutionRunning),
        (400, "nonexistent_workflow_error", errors.NoSuchWorkflow),
        (400, "missing_execution_parameters_error", errors.BadParameters),
        (400, "missing_required_deployment_input_error", errors.BadInputs),
        (400, "something_new_error", errors.BadRequest),
        (422, "", errors.BadRequest),
        (401, "unauthorized_error", errors.Unauthorized),
        (401, "", errors.Unauthorized),
        (403, "forbidden_error", errors.Forbidden),
        (500, "internal_server_error", errors.ServerError),
        (502, "", errors.ServerError),
    ],
)
def test_refusals_have_types(
    server: Server, transport: Transport, status: int, code: str, kind: type[errors.ApiError]
) -> None:
    server.answers = [refuse(status, code)]
    with pytest.raises(errors.ApiError) as caught:
        transport.request("POST", "/executions", json={})
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.code) == (status, code)
    assert str(caught.value) == f"the words of {code}"


def test_an_invalid_blueprint_carries_its_problems(server: Server, transport: Transport) -> None:
    problem = {"message": "wrong", "file": "blueprint.yaml", "line": 3, "column": 1}
    server.answers = [refuse(400, "invalid_blueprint_error", problems=[problem])]
    with pytest.raises(errors.InvalidBlueprint) as caught:
        transport.request("PUT", "/blueprints/x")
    assert caught.value.problems == [problem]


@pytest.mark.parametrize(
    "answer", [say(200, "<html>hello"), say(502, "Bad gateway"), say(404, [1]), say(400, {"a": 1})]
)
def test_what_is_no_manager(server: Server, transport: Transport, answer: Answer) -> None:
    server.answers = [answer]
    with pytest.raises(errors.NotAManager) as caught:
        transport.request("GET", "/version")
    assert server.url in str(caught.value)


def test_nobody_there() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        with pytest.raises(errors.ConnectionFailed, match="connection refused"):
            Transport(Target(url), sleep=lambda _: None).request("GET", "/version")


def test_no_answer_in_time_is_not_asked_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        transport = Transport(Target(f"http://127.0.0.1:{silent.getsockname()[1]}"))
        with pytest.raises(errors.TimedOut, match="nothing came back"):
            transport.request("GET", "/version", timeout=0.1)
        transport.close()


def test_who_is_asking(server: Server) -> None:
    server.answers = [say(200, {})]
    Transport(Target(server.url, token="t", username="u", tenant="blue")).request("GET", "/version")
    Transport(Target(server.url, username="u", password="p")).request("GET", "/version")
    with_token, with_password = (request.headers for request in server.asked)
    assert (with_token["Authentication-Token"], with_token["Authorization"]) == ("t", None)
    assert (with_token["Tenant"], with_password["Tenant"]) == ("blue", "default_tenant")
    assert with_password["Authorization"] == "Basic dTpw"


def test_no_proxy_stands_before_this_machine(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    server.answers = [say(200, {"version": "1"})]
    assert Transport(Target(server.url)).request("GET", "/version") == {"version": "1"}
    assert Target("http://localhost:1").is_loopback
    assert Target("http://[::1]:1").is_loopback
    assert not Target("https://manager.example").is_loopback


def test_an_untrusted_certificate(server: Server, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
    server.answers = [say(200, {"version": "1"})]
    url = server.url.replace("http:", "https:")
    with pytest.raises(errors.Untrusted, match="self-signed certificate"):
        Transport(Target(url), sleep=lambda _: None).request("GET", "/version")
    trusting = Transport(Target(url, certificate=str(tmp_path / "server.pem")))
    assert trusting.request("GET", "/version") == {"version": "1"}
    with pytest.raises(errors.ClientError, match=r"nowhere.pem cannot be used: No such file"):
        Transport(Target(url, certificate=str(tmp_path / "nowhere.pem")))


def test_a_download_is_written_as_it_comes(server: Server, transport: Transport, tmp_path: Path) -> None:
    server.answers = [say(200, "x" * 100_000, "application/octet-stream")]
    with open(tmp_path / "got", "wb") as file:
        assert transport.download("/blueprints/x/archive", file) == 100_000
    assert (tmp_path / "got").read_text() == "x" * 100_000
    server.answers = [refuse(404, "not_found_error")]
    with open(tmp_path / "got", "wb") as file, pytest.raises(errors.NotFound):
        transport.download("/blueprints/y/archive", file)


def test_an_id_cannot_lead_elsewhere(server: Server, transport: Transport) -> None:
    server.answers = [say(200, {})]
    Executions(transport).get("x?y#z")
    assert server.asked[0].path == "/api/v3.1/executions/x%3Fy%23z"
    for wrong in ("../blueprints/x", "..", ""):
        with pytest.raises(errors.ClientError, match="is not a valid ID"):
            Executions(transport).get(wrong)
    assert len(server.asked) == 1


def test_a_list_is_a_page(server: Server, transport: Transport) -> None:
    page = {"items": [{"id": "e"}], "metadata": {"pagination": {"total": 7, "size": 1, "offset": 2}}}
    server.answers = [say(200, page)]
    found = Executions(transport).list(
        Slice(size=1, offset=2, sort="created_at", descending=True, search="a b", fields=("id", "status")),
        deployment_id="d",
        include_system_workflows=True,
    )
    assert (found.items, found.total) == ([{"id": "e"}], 7)
    asked = server.asked[0].path.partition("?")[2].split("&")
    assert sorted(asked) == [
        "_include=id%2Cstatus", "_include_system_workflows=true", "_offset=2", "_search=a+b", "_size=1",
        "_sort=-created_at", "deployment_id=d",
    ]  # fmt: skip
