"""Agents as users and their own machines know them: made, enrolled, let in, deleted."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cloudwright.errors import CloudwrightError, IllegalAction, InvalidInput, NotFound, Unauthorized
from cloudwright.manager.host_agents import HostAgents
from cloudwright.manager.workers.remote import RemoteWorker
from cloudwright.manager.workers.remote_begin import RemoteBegin
from cloudwright.manager.workers.session import WorkerSession
from cloudwright.model.frames.worker import PROTOCOL
from cloudwright.model.hosts import COMPUTE, NO_AGENT, install_method
from cloudwright.storage import deployments, instances, workers
from cloudwright.storage.store import Connection, Store
from cloudwright.storage.workers import CREATED, DELETED, WorkerRow

_TOKEN_PREFIX = "cwa"  # noqa: S105 - what tokens begin with, no token
_ENROLMENT_PREFIX = "cwe"
#: What an address begins with that is of this machine, or of all its networks.
_LOCAL = ("127.", "::", "localhost", "0.0.0.0")  # noqa: S104 - compared with
#: How many operations an agent runs at once until it says.
DEFAULT_CAPACITY = 10


class Refusal(CloudwrightError):
    """A worker is not let in; ``reason`` is that of the `refused` frame."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Agents:
    def __init__(
        self,
        store: Store,
        hosts: HostAgents,
        begin: RemoteBegin,
        clock: Callable[[], datetime],
        manager: str,
    ) -> None:
        self.hosts = hosts
        #: Where agents connect to; its host may be that of all addresses of this machine.
        self.url = ""
        #: Whether an operator has said where that is.
        self.has_url = False
        self._store = store
        self._begin = begin
        self._clock = clock
        self._manager = manager

    async def create(self, tenant: str, name: str, host_id: str, by: str | None) -> WorkerRow:
        """Make the agent of a host, or return the one that there is. Raises NotFound, InvalidInput."""
        return await self._store.write(_create, tenant, name, host_id, by, self._clock())

    async def enroll(self, tenant: str, name: str, by: str | None) -> tuple[WorkerRow, str]:
        """Return the agent of the host ``name``, made if there is none, and a new token for it.

        The token before it is void, and the agent may be on another machine from here on.
        """
        secret = secrets.token_urlsafe(32)
        row = await self._store.write(_enroll, tenant, name, by, _digest(secret), self._clock())
        return row, f"{_TOKEN_PREFIX}.{row.name}.{secret}"

    async def offer(self, tenant: str, name: str, by: str | None, seconds: float) -> tuple[WorkerRow, str]:
        """Return the agent of the host ``name`` and a token with which it gets its own one: once, and within
        ``seconds``. The token before it is void. Raises IllegalAction if no other machine could use it.
        """
        host = urlsplit(self.url).hostname or ""
        if not self.has_url and host.startswith(_LOCAL):
            raise IllegalAction(
                f"The machine of agent `{name}` could not connect to this manager, which listens at "
                f"{self.url}: set CLOUDWRIGHT_AGENT_URL to the URL that agents can connect to."
            )
        secret, now = secrets.token_urlsafe(32), self._clock()
        expires = now + timedelta(seconds=seconds)
        row = await self._store.write(_offer, tenant, name, by, _digest(secret), now, expires)
        return row, f"{_ENROLMENT_PREFIX}.{row.name}.{secret}"

    async def redeem(self, token: str, digest: str) -> WorkerRow:
        """Give an agent the token of its own whose hash is ``digest``, for its token of enrolment.

        The same pair may come again: its answer may have been lost. Raises Unauthorized.
        """
        return await self._store.write(
            _redeem, _digest(_secret(token, _ENROLMENT_PREFIX)), digest, self._clock()
        )

    async def may_fetch_program(self, token: str) -> bool:
        """Return whether ``token`` is that of an agent, or one of enrolment that counts."""
        digest = _digest(_secret(token, _ENROLMENT_PREFIX))
        row = await self._store.read(workers.of_enrolment, digest)
        if row is not None:
            return (
                row.state != DELETED
                and row.enrolment_expires is not None
                and self._clock() < row.enrolment_expires
            )
        await self.authenticate(token)
        return True

    async def delete(self, tenant: str, name: str, *, force: bool = False) -> None:
        """Delete an agent, and order it to stop. Raises NotFound, IllegalAction if operations run on it.

        ``force``: someone vouches that nothing of them runs any more, so they are lost.
        """
        await self._store.read(workers.get_in, tenant, name)
        running = self.hosts.operations(name)
        if running and not force:
            raise IllegalAction(
                f"Agent `{name}` cannot be deleted, because operations run on it: "
                f"{', '.join(sorted(run.name for run in running))}. Wait for them, or kill their executions; "
                "with `force` they are recorded as lost, for a machine that does not exist any more."
            )
        await self._store.write(workers.delete, name, self._clock())
        self.hosts.forget(name, gone=force)

    async def authenticate(self, token: str) -> WorkerRow:
        """Return the worker of a token. Raises Unauthorized."""
        secret = _secret(token, _TOKEN_PREFIX)
        if secret:
            # By its hash, of which an attacker can choose no beginning.
            row = await self._store.read(workers.of_token, _digest(secret))
            if row is not None:
                return row
        raise Unauthorized("The agent's token is not known to this manager.")

    async def let_in(
        self, token: str, hello: dict[str, Any], ip: str, send: Any
    ) -> tuple[RemoteWorker, WorkerSession]:
        """Begin a session of the worker that said ``hello``. Raises Refusal."""
        if hello["protocol"] != PROTOCOL:
            raise Refusal(
                "protocol",
                f"This manager speaks version {PROTOCOL} of the protocol with agents, and the agent "
                f"{hello['protocol']}: both must be of one version of Cloudwright.",
            )
        try:
            row = await self.authenticate(token)
        except Unauthorized as error:
            raise Refusal("unknown", str(error)) from error
        if row.state == DELETED:
            raise Refusal("deleted", "This agent was deleted.")
        if row.machine is not None and row.machine != hello["machine"]:
            raise Refusal(
                "duplicate",
                f"Agent `{row.name}` is on another machine ({row.system}, {row.ip}). To move it here, run "
                f"`cfy agents enroll {row.name}` and start this one with the new token.",
            )
        facts = {
            "machine": hello["machine"],
            "life": hello["life"],
            "manager": self._manager,
            "version": hello["version"],
            "protocol": hello["protocol"],
            "system": f"{hello['host']}: {hello['system']}",
            "ip": ip,
            "capacity": max(1, min(int(hello["capacity"]), 1000)),
        }
        row = await self._store.write(workers.connect, row.name, facts, self._clock())
        session = WorkerSession(row.session, row.life or "", send)
        return self.hosts.connect(row, session), session

    def folder(self, key: str) -> Path | None:
        """Return the files that workers fetch by ``key``."""
        return self._begin.folders.get(key)

    def wheel(self, digest: str) -> Path | None:
        """Return the wheel that workers fetch by its digest."""
        return self._begin.wheels.path(digest)


def _secret(token: str, prefix: str) -> str:
    """Return the secret in a token that begins with ``prefix``, or nothing."""
    found, _, rest = token.partition(".")
    return rest.rpartition(".")[2] if found == prefix else ""


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _create(
    conn: Connection, tenant: str, name: str, host_id: str, by: str | None, now: datetime
) -> WorkerRow:
    instance = instances.get_instance(conn, tenant, host_id)
    node = deployments.get_node(conn, tenant, instance.deployment_id, instance.node_id)
    if COMPUTE not in node.node["type_hierarchy"]:
        raise InvalidInput(
            f"`{host_id}` is not a host: its type `{node.node['type']}` is not derived from `{COMPUTE}`."
        )
    method = install_method(node.node["properties"])
    if method == NO_AGENT:
        raise InvalidInput(
            f"`{host_id}` is to have no agent. Set `agent_config: {{install_method: provided}}` of its node "
            f"`{instance.node_id}` for an agent that you start yourself."
        )
    existing = workers.of_host(conn, tenant, host_id)
    if existing is not None:
        return existing
    return workers.create(
        conn,
        WorkerRow(
            name=name,
            tenant=tenant,
            kind="agent",
            deployment_id=instance.deployment_id,
            node_id=instance.node_id,
            host_id=host_id,
            install_method=method,
            token_hash=None,
            machine=None,
            life=None,
            session=0,
            manager=None,
            state=CREATED,
            state_since=now,
            last_seen=None,
            version=None,
            protocol=None,
            system=None,
            ip=None,
            capacity=DEFAULT_CAPACITY,
            labels={},
            created_by=by,
            created_at=now,
        ),
    )


def _enroll(
    conn: Connection, tenant: str, name: str, by: str | None, digest: str, now: datetime
) -> WorkerRow:
    row = _get_or_create(conn, tenant, name, by, now)
    changes = {"token_hash": digest, "machine": None, "enrolment_hash": None, "enrolment_expires": None}
    return workers.change(conn, row.name, changes)


def _offer(
    conn: Connection, tenant: str, name: str, by: str | None, digest: str, now: datetime, expires: datetime
) -> WorkerRow:
    row = _get_or_create(conn, tenant, name, by, now)
    changes = {"token_hash": None, "machine": None, "enrolment_hash": digest, "enrolment_expires": expires}
    return workers.change(conn, row.name, changes)


def _redeem(conn: Connection, enrolment: str, digest: str, now: datetime) -> WorkerRow:
    row = workers.of_enrolment(conn, enrolment)
    if row is None or row.enrolment_expires is None:
        raise Unauthorized("The agent's token of enrolment is not known to this manager.")
    if row.state == DELETED:
        raise Unauthorized(f"Agent `{row.name}` was deleted.")
    if row.token_hash == digest:
        return row
    if row.token_hash is not None:
        raise Unauthorized(
            f"The token of enrolment of agent `{row.name}` was used before, by another agent"
            f"{f' at {row.ip}' if row.ip else ''}: it works once."
        )
    if now >= row.enrolment_expires:
        raise Unauthorized(
            f"The token of enrolment of agent `{row.name}` has expired at {row.enrolment_expires:%F %T} UTC."
        )
    return workers.change(conn, row.name, {"token_hash": digest, "machine": None})


def _get_or_create(conn: Connection, tenant: str, name: str, by: str | None, now: datetime) -> WorkerRow:
    try:
        return workers.get_in(conn, tenant, name)
    except NotFound:
        return _create(conn, tenant, name, name, by, now)
