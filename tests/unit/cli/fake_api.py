"""A manager's REST API for tests of the command line: over real HTTP, with everything in memory.

It is not a manager: a test says what an execution does, by pushing events and changing its status.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "a-token"
PREFIX = "/api/v3.1/"
ENDED = ("terminated", "failed", "cancelled")


DISK = {
    "status": "Active",
    "extra_info": {"free_bytes": 20 << 30, "used_bytes": {"database": 5 << 20, "plugins": 700 << 20}},
}


class Refusal(Exception):
    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, "error_code": code, "server_traceback": None, **more}


class FakeApi:
    """``requests`` holds what was asked: (method, path, query, body). ``on_action`` decides what a request to
    cancel does; by default it only changes the status, as a manager does at first.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.headers: list[dict[str, str]] = []
        self.blueprints: dict[str, dict[str, Any]] = {}
        self.archives: dict[str, bytes] = {}
        self.warnings: list[dict[str, Any]] = []
        self.status: dict[str, Any] = {
            "status": "OK",
            "services": {"Database": {"status": "Active"}, "Disk": DISK},
        }
        self.deployments: dict[str, dict[str, Any]] = {}
        self.executions: dict[str, dict[str, Any]] = {}
        self.instances: list[dict[str, Any]] = []
        self.nodes: list[dict[str, Any]] = []
        self.operations: list[dict[str, Any]] = []
        self.tokens: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.refuse: dict[tuple[str, str], Refusal] = {}
        #: Requests that are cut off without an answer: their methods.
        self.cut: set[str] = set()
        self.cut_streams = 0
        self.on_start: Callable[[dict[str, Any]], None] = lambda execution: None
        self.on_action: Callable[[dict[str, Any], str], None] = self._act
        api = self

        class Handler(_Handler):
            fake = api

        #: The id of the next execution, if it is to be a certain one.
        self.next_id = ""
        self.server = _Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        with self.changed:
            for execution in self.executions.values():
                execution["status"] = (
                    "terminated" if execution["status"] not in ENDED else execution["status"]
                )
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def add_blueprint(self, id: str, **more: Any) -> None:
        self.blueprints[id] = {
            "id": id,
            "main_file_name": "blueprint.yaml",
            "description": None,
            "state": "uploaded",
            "created_at": "2024-05-01T12:00:00.123Z",
            "created_by": "admin",
            "labels": [],
            "plan": {"inputs": {}, "metadata": None},
            **more,
        }

    def add_deployment(self, id: str, blueprint_id: str = "web", **more: Any) -> None:
        self.deployments[id] = {
            "id": id,
            "display_name": id,
            "blueprint_id": blueprint_id,
            "created_at": "2024-05-01T12:00:00.123Z",
            "created_by": "admin",
            "installation_status": "inactive",
            "inputs": {},
            "outputs": {},
            "capabilities": {},
            "workflows": [
                {"name": "install", "plugin": "default_workflows", "operation": "a.b", "parameters": {}},
                {
                    "name": "scale",
                    "plugin": "default_workflows",
                    "operation": "a.c",
                    "is_available": False,
                    "parameters": {
                        "by": {"type": "integer", "description": "how many"},
                        "up": {"default": 1},
                    },
                },
            ],
            "labels": [],
            **more,
        }

    def add_execution(
        self, id: str, workflow_id: str = "install", status: str = "started", **more: Any
    ) -> None:
        self.executions[id] = {
            "id": id,
            "workflow_id": workflow_id,
            "deployment_id": "web",
            "blueprint_id": "web",
            "status": status,
            "error": None,
            "parameters": {},
            "created_at": "2024-05-01T12:00:00.123Z",
            "started_at": "2024-05-01T12:00:01.000Z",
            "ended_at": None,
            "created_by": "admin",
            "total_operations": 4,
            "finished_operations": 0,
            "residual_operations": 0,
            **more,
        }

    def push(self, execution_id: str, message: str, **more: Any) -> None:
        """Let something happen in an execution."""
        with self.changed:
            self.events.append(
                {
                    "id": len(self.events) + 1,
                    "timestamp": "2024-05-01T12:00:02.345Z",
                    "type": "cloudify_event",
                    "event_type": "task_started",
                    "message": message,
                    "execution_id": execution_id,
                    "deployment_id": "web",
                    "node_instance_id": None,
                    "operation": None,
                    **more,
                }
            )
            self.changed.notify_all()

    def set(self, execution_id: str, **more: Any) -> None:
        with self.changed:
            self.executions[execution_id].update(more)
            self.changed.notify_all()

    def end(self, execution_id: str, status: str = "terminated", **more: Any) -> None:
        self.set(execution_id, status=status, ended_at="2024-05-01T12:00:05.500Z", **more)

    def wait_for(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, seconds), self.requests

    def asked(self, method: str, path: str) -> list[Any]:
        """The bodies of the requests of that kind."""
        return [body for asked, where, _, body in self.requests if (asked, where) == (method, path)]

    def actions(self) -> list[str]:
        return [body["action"] for method, path, _, body in self.requests if method == "POST" and "/" in path]

    def _act(self, execution: dict[str, Any], action: str) -> None:
        statuses = {"cancel": "cancelling", "force-cancel": "force_cancelling", "kill": "kill_cancelling"}
        self.set(execution["id"], status=statuses.get(action, "pending"))

    # The routes.

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        refusal = self.refuse.get((method, path))
        if refusal is not None:
            raise refusal
        noun, _, rest = path.partition("/")
        identifier, _, what = rest.partition("/")
        handler = getattr(self, f"{method.lower()}_{noun.replace('-', '_')}", None)
        if handler is None:
            raise Refusal(404, "not_found_error", f"There is nothing at {path}.")
        return handler(unquote(identifier), what, query, body)

    def get_version(self, *_: Any) -> Any:
        return {"version": "9.9.9", "edition": "community"}

    def get_status(self, *_: Any) -> Any:
        return self.status

    def get_blueprints(self, id: str, what: str, query: dict[str, str], _: Any) -> Any:
        if what == "archive":
            self._get("blueprint", self.blueprints, id, query)
            return self.archives[id]
        return self._get("blueprint", self.blueprints, id, query)

    def put_blueprints(self, id: str, what: str, query: dict[str, str], body: Any) -> Any:
        if what == "validate":
            return {"warnings": self.warnings}
        if id in self.blueprints:
            raise Refusal(409, "conflict_error", f"There is a blueprint `{id}` already.")
        self.archives[id] = body["blueprint_archive"]
        self.add_blueprint(id)
        return {**self.blueprints[id], "warnings": self.warnings}

    def delete_blueprints(self, id: str, what: str, query: dict[str, str], _: Any) -> Any:
        self._get("blueprint", self.blueprints, id, {})
        del self.blueprints[id]

    def get_deployments(self, id: str, what: str, query: dict[str, str], _: Any) -> Any:
        if what in ("outputs", "capabilities"):
            values = {name: details["value"] for name, details in self.deployments[id][what].items()}
            return {"deployment_id": id, what: values}
        return self._get("deployment", self.deployments, id, query)

    def put_deployments(self, id: str, what: str, query: dict[str, str], body: Any) -> Any:
        self.add_deployment(id, body["blueprint_id"], inputs=body["inputs"])
        return self.deployments[id]

    def delete_deployments(self, id: str, what: str, query: dict[str, str], _: Any) -> Any:
        self._get("deployment", self.deployments, id, {})
        del self.deployments[id]

    def get_executions(self, id: str, what: str, query: dict[str, str], _: Any) -> Any:
        return self._get("execution", self.executions, id, query)

    def post_executions(self, id: str, what: str, query: dict[str, str], body: Any) -> Any:
        if id:
            execution = self._get("execution", self.executions, id, {})
            self.on_action(execution, body["action"])
            return execution
        self._get("deployment", self.deployments, body["deployment_id"], {})
        id = self.next_id or f"execution-{len(self.executions) + 1}"
        self.add_execution(id, body["workflow_id"], "pending", deployment_id=body["deployment_id"])
        self.on_start(self.executions[id])
        return dict(self.executions[id], status="pending")

    def get_node_instances(self, id: str, what: str, query: dict[str, str], _: Any) -> Any:
        return self._get("node instance", {item["id"]: item for item in self.instances}, id, query)

    def get_nodes(self, id: str, what: str, query: dict[str, str], _: Any) -> Any:
        return self._get("node", {item["id"]: item for item in self.nodes}, id, query)

    def get_operations(self, id: str, what: str, query: dict[str, str], _: Any) -> Any:
        return self._get("operation", {item["id"]: item for item in self.operations}, id, query)

    def get_events(self, id: str, what: str, query: dict[str, str], _: Any) -> Any:
        return self._get("event", {str(item["id"]): item for item in self.events}, id, query)

    def get_tokens(self, id: str, what: str, query: dict[str, str], _: Any) -> Any:
        return self._get("token", self.tokens, id, query)

    def post_tokens(self, id: str, what: str, query: dict[str, str], body: Any) -> Any:
        token = {"id": "t1", "username": "admin", "value": "cwt-t1-secret", **body}
        self.tokens["t1"] = {**token, "value": "********"}
        return token

    def delete_tokens(self, id: str, what: str, query: dict[str, str], _: Any) -> Any:
        self._get("token", self.tokens, id, {})
        del self.tokens[id]

    def _get(self, noun: str, things: dict[str, dict[str, Any]], id: str, query: dict[str, str]) -> Any:
        if id:
            if id not in things:
                raise Refusal(404, "not_found_error", f"There is no {noun} `{id}`.")
            return things[id]
        filters = {
            name: value for name, value in query.items() if name in ("deployment_id", "execution_id", "id")
        }
        statuses = query.get("status", "").split(",")
        found = [
            item
            for item in things.values()
            if all(item.get(name) == value for name, value in filters.items())
            and (item.get("status") in statuses or statuses == [""])
            and query.get("_search", "").lower() in str(item["id"])
        ]
        offset, size = int(query.get("_offset", 0)), int(query.get("_size", 1000))
        page = {"total": len(found), "size": size, "offset": offset}
        return {"items": found[offset : offset + size], "metadata": {"pagination": page, "filtered": None}}


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A command that was interrupted goes away in the middle of an answer; anything else is a defect."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    fake: FakeApi
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        path = parts.path.removeprefix(PREFIX)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self._body()
        with self.fake.changed:
            self.fake.requests.append((self.command, path, query, body))
            self.fake.headers.append(dict(self.headers))
            self.fake.changed.notify_all()
        if self.command in self.fake.cut:
            self.close_connection = True
            return
        try:
            if self.headers.get("Authentication-Token") != TOKEN and not self.headers.get("Authorization"):
                raise Refusal(401, "unauthorized_error", "Say who you are.")
            if path == "events/stream":
                self._stream(query)
                return
            answer = self.fake.answer(self.command, path, query, body)
        except Refusal as refusal:
            self._send(refusal.status, refusal.body)
            return
        created = (self.command == "POST" and path == "executions") or self.command == "PUT"
        self._send(204 if answer is None else 201 if created else 200, answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _handle

    def _body(self) -> Any:
        if self.headers.get("Transfer-Encoding") == "chunked":
            raw = b""
            while size := int(self.rfile.readline(), 16):
                raw += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.headers.get("Content-Type") or ""
        if kind.startswith("multipart/"):
            message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + raw)
            parts = {
                part.get_param("name", header="content-disposition"): part for part in message.iter_parts()
            }
            return {
                "params": json.loads(parts["params"].get_content()),
                "blueprint_archive": parts["blueprint_archive"].get_payload(decode=True),
            }
        return json.loads(raw) if raw else None

    def _send(self, status: int, answer: Any) -> None:
        content = (
            b"" if answer is None else answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        )
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, query: dict[str, str]) -> None:
        fake, id, after = self.fake, query["execution_id"], int(query.get("after", 0))
        execution = fake._get("execution", fake.executions, id, {})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        told = None
        while told not in ENDED:
            with fake.changed:
                while not (fresh := self._events(id, after)) and execution["status"] == told:
                    fake.changed.wait()
                now = dict(execution)
            for event in fresh:
                after = event["id"]
                self._message("event", event)
                if fake.cut_streams:
                    fake.cut_streams -= 1
                    return
            if now["status"] != told:
                told = now["status"]
                self._message("status", now)

    def _events(self, id: str, after: int) -> list[dict[str, Any]]:
        return [event for event in self.fake.events if event["execution_id"] == id and event["id"] > after]

    def _message(self, kind: str, data: Any) -> None:
        self.wfile.write(f": alive\n\nevent: {kind}\nid: {data['id']}\ndata: {json.dumps(data)}\n\n".encode())
        self.wfile.flush()
