"""A REST API over a real store, served on a real socket; only that nobody runs the executions.

Every answer is compared with the OpenAPI document on its way to the test.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import re
import socket
import tarfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import httpx
import uvicorn
from argon2 import PasswordHasher
from jsonschema_rs import Validator, validator_for

import workflow_frames
from cloudwright.api.app import create_app
from cloudwright.api.http_protocol import TimedHttpProtocol
from cloudwright.api.middleware import PREFIX
from cloudwright.artifacts.folder import FolderArtifacts
from cloudwright.bus import topics
from cloudwright.bus.local import LocalBus
from cloudwright.dsl import parse_blueprint
from cloudwright.manager.accounts import Accounts
from cloudwright.manager.agents import Agents
from cloudwright.manager.artifacts import Artifacts
from cloudwright.manager.blueprints import Blueprints
from cloudwright.manager.child_rpc import ChildRpc
from cloudwright.manager.configuration import Configuration
from cloudwright.manager.deployment_groups import DeploymentGroups
from cloudwright.manager.deployment_updates import DeploymentUpdates
from cloudwright.manager.deployments import Deployments
from cloudwright.manager.disk_use import DiskMeter
from cloudwright.manager.event_recorder import EventRecorder
from cloudwright.manager.execution_groups import ExecutionGroups
from cloudwright.manager.executions import Executions
from cloudwright.manager.hook_sender import HookSender
from cloudwright.manager.hooks import Hooks
from cloudwright.manager.host_agents import HostAgents
from cloudwright.manager.maintenance import Maintenance
from cloudwright.manager.metrics import Metrics
from cloudwright.manager.metrics_token import metrics_token
from cloudwright.manager.modifications import Modifications
from cloudwright.manager.plugin_wheels import PluginWheels
from cloudwright.manager.plugins import Plugins
from cloudwright.manager.redaction import Concealments
from cloudwright.manager.schedules import Schedules
from cloudwright.manager.secret_keys import KEY_FILE, SecretKeys
from cloudwright.manager.secrets import Secrets
from cloudwright.manager.sessions import Sessions
from cloudwright.manager.snapshots import Snapshots
from cloudwright.manager.webhooks import Webhooks
from cloudwright.manager.workers.remote_begin import RemoteBegin
from cloudwright.model.event import Event
from cloudwright.model.execution import Outcome
from cloudwright.settings import Settings
from cloudwright.storage import events, manager_queries, operations
from cloudwright.storage.executions import claims, ending
from cloudwright.storage.store import Store

BLUEPRINT = """
tosca_definitions_version: cloudify_dsl_1_3
description: Two nodes, one in the other.
imports: [cloudify/types/types.yaml]
inputs:
  size: { type: integer, default: 1 }
blueprint_labels:
  team: { values: [red] }
node_templates:
  host:
    type: cloudify.nodes.Compute
    properties: { ip: 10.0.0.1, agent_config: { install_method: none } }
  app:
    type: cloudify.nodes.Root
    relationships: [{ type: cloudify.relationships.contained_in, target: host }]
outputs:
  address: { description: Where it is., value: { get_attribute: [host, ip] } }
  size: { value: { get_input: size } }
capabilities:
  endpoint: { value: { concat: ["http://", { get_property: [host, ip] }] } }
"""


class NothingGranted:
    """``Begins`` of a manager that runs nothing."""

    def hold(self, execution_id: str) -> AbstractContextManager[None]:
        return nullcontext()

    def revoke_granted(self, execution_id: str) -> None:
        pass


def nothing_connects(_: object) -> NoReturn:
    raise AssertionError("no agent connects to this manager")


@dataclass
class Managing:
    """What the API needs of a manager, without processes."""

    home: Path
    settings: Settings
    store: Store
    bus: LocalBus = field(default_factory=LocalBus)
    name: str = "manager-1"
    version: str = "1.2.3"
    tracking: str = "cgroup"

    def __post_init__(self) -> None:
        ids = (f"{number:06d}" for number in itertools.count())
        self.metrics = Metrics()
        self.store.on_commit = self.metrics.committed
        self.metrics_token = metrics_token(self.home)
        self.disk = DiskMeter(self.home)
        self.accounts = Accounts(
            self.store,
            self.clock,
            hasher=PasswordHasher(1, 8, 1),
            announce=lambda: self.bus.publish(topics.ACCOUNTS, {}),
        )
        self.sessions = Sessions(self.store, self.accounts, self.clock)
        artifacts = Artifacts(self.store, FolderArtifacts(self.home / "artifacts"))
        self.blueprints = Blueprints(
            self.store, self.bus, self.home, artifacts, self.parse, self.clock, lambda: uuid.uuid4().hex
        )
        self.plugins = Plugins(self.store, self.home, artifacts, self.clock, lambda: uuid.uuid4().hex)
        self.configuration = Configuration(self.store, self.settings, self.clock)
        self.maintenance = Maintenance(self.store, self.bus, self.clock)
        keys = SecretKeys.open(self.home / KEY_FILE)
        self.secrets = Secrets(self.store, keys, self.clock)
        self.snapshots = Snapshots(
            self.store, self.home, artifacts, keys, self.reload, self.clock, lambda: uuid.uuid4().hex
        )
        self.deployments = Deployments(
            self.store, self.bus, self.clock, lambda: next(ids), self.home / "workdirs", self.secrets
        )
        rpc = ChildRpc(self.store, self.bus, self.secrets, self.clock)
        hosts = HostAgents(
            self.store,
            EventRecorder(self.store, self.bus, self.clock, Concealments()),
            self.clock,
            make=nothing_connects,
            refuse=nothing_connects,
            silence=15.0,
            home=self.home,
        )
        begin = RemoteBegin(self.store, rpc, PluginWheels(self.home), None)
        self.agents = Agents(self.store, hosts, begin, self.clock, self.name)
        self.modifications = Modifications(self.store, self.clock, lambda: uuid.uuid4().hex)
        self.executions = Executions(
            self.store,
            self.bus,
            NothingGranted(),
            apply_cancel=lambda id, term, mode: None,
            secrets=self.secrets,
            clock=self.clock,
            new_id=lambda: f"e{next(ids)}",
        )
        self.deployment_groups = DeploymentGroups(self.store, self.deployments, self.executions, self.clock)
        self.execution_groups = ExecutionGroups(
            self.store,
            self.bus,
            self.executions,
            NothingGranted(),
            self.clock,
            lambda: f"group-{next(ids)}",
        )
        self.schedules = Schedules(self.store, self.bus, self.executions, self.maintenance, self.clock)
        self.hook_sender = HookSender(
            self.store,
            self.executions,
            self.accounts,
            self.secrets,
            self.maintenance,
            Webhooks("test", timeout=5.0),
            self.clock,
            name=self.name,
            retry_after=(0.0, 0.0),
            first_rest=0.0,
        )
        self.hooks = Hooks(self.store, self.secrets, self.hook_sender, self.clock)
        self.deployment_updates = DeploymentUpdates(
            self.store, self.executions, self.secrets, self.home, self.clock, lambda: uuid.uuid4().hex
        )

    def clock(self) -> datetime:
        return datetime.now(UTC)

    async def reload(self) -> None:
        await self.blueprints.unpack_again()

    async def parse(self, tenant: str, path: Path, by: str | None) -> dict[str, Any]:
        plan = await asyncio.to_thread(parse_blueprint, path)
        return plan.pack()


class Api:
    """The served API, and ways to do behind it what a manager does."""

    def __init__(self, manager: Managing, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.manager = manager
        self.url = url
        self.loop = loop
        self.store = manager.store
        self._numbers = itertools.count()
        self._usual_blueprint: str | None = None
        credentials = httpx.Response(200, content=(manager.home / "credentials.json").read_bytes()).json()
        self.token: str = credentials["token"]
        self.password: str = credentials["password"]
        self.anonymous = httpx.Client(base_url=url, timeout=60)
        self._document = self.anonymous.get(f"{PREFIX}/openapi.json").json()
        self._validators: dict[tuple[str, str, str], Validator | None] = {}
        self.http = httpx.Client(
            base_url=url + PREFIX,
            timeout=60,
            headers={"Authentication-Token": self.token},
            event_hooks={"response": [self._check]},
        )

    def close(self) -> None:
        self.http.close()
        self.anonymous.close()

    def get(self, path: str, **params: Any) -> Any:
        return self._ok(self.http.get(path, params=params))

    def put(self, path: str, json: Any) -> Any:
        return self._ok(self.http.put(path, json=json))

    def post(self, path: str, json: Any) -> Any:
        return self._ok(self.http.post(path, json=json))

    def patch(self, path: str, json: Any) -> Any:
        return self._ok(self.http.patch(path, json=json))

    def items(self, path: str, **params: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.get(path, **params)["items"]
        return items

    def refused(self, method: str, path: str, status: int, code: str, **request: Any) -> str:
        """The message of an answer that is a refusal."""
        response = self.http.request(method, path, **request)
        assert (response.status_code, response.json()["error_code"]) == (status, code), response.text
        return str(response.json()["message"])

    # What there may be.

    def unique(self, name: str) -> str:
        return f"{name}-{next(self._numbers)}"

    def blueprint(self, text: str = BLUEPRINT) -> str:
        id = self.unique("blueprint")
        self._ok(self.http.put(f"/blueprints/{id}", content=archive(text)))
        return id

    def deployment(self, blueprint_id: str | None = None, **inputs: Any) -> str:
        """A deployment, of a blueprint that is uploaded once where none is given."""
        id = self.unique("deployment")
        if blueprint_id is None:
            blueprint_id = self._usual_blueprint = self._usual_blueprint or self.blueprint()
        self.put(f"/deployments/{id}", {"blueprint_id": blueprint_id, "inputs": inputs})
        return id

    def execution(self, deployment_id: str | None = None, **more: Any) -> str:
        deployment_id = deployment_id or self.deployment()
        body = {"deployment_id": deployment_id, "workflow_id": "install", **more}
        return str(self.post("/executions", body)["id"])

    # What a manager does.

    def do(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def changed(self, execution_id: str) -> None:
        message = {"kind": "status"}
        self.loop.call_soon_threadsafe(self.manager.bus.publish, topics.execution(execution_id), message)

    def start(self, execution_id: str) -> None:
        now = self.manager.clock()
        assert self.store.write_sync(claims.claim, execution_id, "manager-1", None, now)
        self.changed(execution_id)

    def end(self, execution_id: str, outcome: Outcome = Outcome.TERMINATED, **more: Any) -> None:
        term = self.store.read_sync(manager_queries.get, execution_id).term
        now = self.manager.clock()
        assert self.store.write_sync(ending.finish, execution_id, term, outcome, now=now, **more)
        self.changed(execution_id)

    def happen(self, execution_id: str, *messages: str, **more: Any) -> None:
        now = self.manager.clock()
        made = [Event(execution_id, now, message, **{"event_type": "it", **more}) for message in messages]
        self.store.write_sync(events.add, made)
        self.changed(execution_id)

    def operate(self, execution_id: str, *names: str) -> list[str]:
        """Store a graph of operations, one after the other, and start each."""
        now = self.manager.clock()
        term = self.store.read_sync(manager_queries.get, execution_id).term
        made: list[dict[str, Any]] = []
        for name in names:
            id = self.unique("operation")
            made.append(
                {
                    "id": id,
                    "name": name,
                    "kind": "operation",
                    "depends_on": [],
                    "parameters": OPERATION | {"id": id},
                }
            )
        self.store.write_sync(
            workflow_frames.store_graph, execution_id, term, self.unique("graph"), "main", made, now
        )
        for task in made:
            assert self.store.write_sync(workflow_frames.send, execution_id, term, task["parameters"], now)
        granted = [(execution_id, term, task["id"], 1) for task in made]
        assert len(self.store.write_sync(operations.grant, granted, "manager-1", now)) == len(names)
        return [task["id"] for task in made]

    # The document.

    def _ok(self, response: httpx.Response) -> Any:
        assert response.is_success, response.text
        return response.json() if response.content else None

    def _check(self, response: httpx.Response) -> None:
        response.read()
        self.check(response)

    def check(self, response: httpx.Response) -> None:
        """The answer is one that the OpenAPI document promises."""
        if not response.headers.get("content-type", "").startswith("application/json"):
            return
        path = response.request.url.path
        for template, item in self._document["paths"].items():
            method = response.request.method.lower()
            if method in item and re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), path):
                break
        else:
            assert response.status_code in (404, 405), path
            return
        status = str(response.status_code)
        if status not in item[method]["responses"]:
            status = f"{status[0]}XX"
        key = (template, method, status)
        if key not in self._validators:
            schema = item[method]["responses"][status]["content"]["application/json"]["schema"]
            self._validators[key] = validator_for({**schema, "components": self._document["components"]})
        validator = self._validators[key]
        assert validator is not None
        for error in validator.iter_errors(response.json()):
            raise AssertionError(f"{key}: {error}")


OPERATION: dict[str, Any] = {
    "name": "cloudify.interfaces.lifecycle.create",
    "graph_id": None,
    "attempt": 1,
    "max_retries": 3,
    "instance": None,
    "plugin": "lab",
    "mapping": "lab.act",
    "executor": "central_deployment_agent",
    "inputs": {},
    "evaluate": False,
    "timeout": None,
    "timeout_recoverable": True,
}


def archive(text: str, name: str = "blueprint.yaml") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        info = tarfile.TarInfo(f"app/{name}")
        info.size = len(text.encode())
        tar.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


@contextmanager
def served(home: Path, **settings: Any) -> Iterator[Api]:
    """An API of its own, on a free port."""
    started: list[Any] = []
    ready = threading.Event()
    failures: list[BaseException] = []

    async def serve() -> None:
        store = Store.open(f"sqlite:///{home / 'test.db'}")
        # asyncio sends small answers at once only where the protocol was named.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.bind(("127.0.0.1", 0))
        try:
            manager = Managing(home, Settings(home=home, **settings), store)
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            await manager.accounts.bootstrap(home, url)
            config = uvicorn.Config(
                create_app(manager),  # type: ignore[arg-type]
                log_config=None,
                lifespan="off",
                http=TimedHttpProtocol,
            )
            server = uvicorn.Server(config)
            server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
            started.extend((manager, url, asyncio.get_running_loop(), server))
            serving = asyncio.ensure_future(server.serve(sockets=[listening]))
            while not server.started and not serving.done():
                await asyncio.sleep(0)
            ready.set()
            await serving
            await manager.blueprints.close()
        finally:
            store.close()
            listening.close()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            failures.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="api")
    thread.start()
    ready.wait()
    if failures:
        raise failures[0]
    manager, url, loop, server = started
    api = Api(manager, url, loop)
    try:
        yield api
    finally:
        api.close()
        asyncio.run_coroutine_threadsafe(manager.bus.close(), loop).result(30)
        server.should_exit = True
        thread.join(30)
        assert not failures, failures
