"""Agents of hosts: list, make, enroll, delete."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, Field

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep, ListQueryDep, check_fields, split_values
from cloudwright.api.responses import JsonResponse, list_page, optional_timestamp, timestamp
from cloudwright.api.routing import resource_router
from cloudwright.manager.agents import Agents
from cloudwright.manager.identifiers import check_id
from cloudwright.model import rest
from cloudwright.model.permissions import Permission
from cloudwright.storage import workers
from cloudwright.storage.workers import WorkerRow

router = resource_router("agents", "/agents")

_Names = Annotated[list[str] | None, Query()]
#: Cloudify's names of the states: its command line lists what is `started` if nothing is said.
_STATES = {
    workers.CREATED: "created",
    workers.CONNECTED: "started",
    workers.UNREACHABLE: "nonresponsive",
    workers.STOPPED: "stopped",
}
#: The names of columns that lists can be sorted by.
_COLUMNS = {"id": "name", "node": "node_id", "deployment": "deployment_id", "node_instance_id": "host_id"}


class NewAgent(BaseModel):
    """``state`` and ``create_rabbitmq_user`` are accepted for Cloudify's client, and ignored."""

    node_instance_id: str
    state: str | None = None
    create_rabbitmq_user: bool | None = None


class EnrolmentWish(BaseModel):
    """With ``expires_in`` the token gets the agent its own one: once, and within so many seconds."""

    expires_in: float | None = Field(default=None, gt=0, le=7 * 86400)


class AgentChanges(BaseModel):
    """``state`` is accepted for Cloudify's client, and ignored: an agent's state is what it is."""

    state: str | None = None


@router.get("", response_model=rest.Page[rest.Agent])
@requires(Permission.AGENT_LIST)
async def list_agents(
    context: ContextDep,
    query: ListQueryDep,
    deployment_id: _Names = None,
    node_ids: _Names = None,
    node_instance_ids: _Names = None,
    install_methods: _Names = None,
    state: _Names = None,
) -> JsonResponse:
    check_fields(query.fields, rest.Agent)
    wanted = {
        "deployment_id": split_values(deployment_id),
        "node_id": split_values(node_ids),
        "host_id": split_values(node_instance_ids),
        "install_method": split_values(install_methods),
        "state": _connections(split_values(state)),
    }
    rows, total = await context.manager.store.read_page(
        workers.list_workers, query.tenant(context), wanted, query.search, query.sorted_page(**_COLUMNS)
    )
    agents = context.manager.agents
    return list_page((_agent(agents, row) for row in rows), total, query.page, query.fields)


@router.get("/{name}", response_model=rest.Agent)
@requires(Permission.AGENT_GET)
async def get_agent(context: ContextDep, name: str) -> JsonResponse:
    row = await context.manager.store.read(workers.get_in, context.tenant, name)
    return JsonResponse(_agent(context.manager.agents, row))


@router.put("/{name}", response_model=rest.Agent)
@requires(Permission.AGENT_CREATE)
async def create_agent(context: ContextDep, name: str, new: NewAgent) -> JsonResponse:
    """Make the agent of a host, or return the one that there is."""
    check_id("agent", name)
    await context.check_seen("agents", name)
    await context.check_seen("node-instances", new.node_instance_id)
    row = await context.manager.agents.create(context.tenant, name, new.node_instance_id, context.by)
    return JsonResponse(_agent(context.manager.agents, row))


@router.patch("/{name}", response_model=rest.Agent)
@requires(Permission.AGENT_UPDATE)
async def update_agent(context: ContextDep, name: str, _changes: AgentChanges) -> JsonResponse:
    """Return the agent as it is: nothing of it can be changed."""
    row = await context.manager.store.read(workers.get_in, context.tenant, name)
    return JsonResponse(_agent(context.manager.agents, row))


@router.post("/{name}/enrolment", response_model=rest.Enrolment)
@requires(Permission.AGENT_CREATE)
async def enroll_agent(context: ContextDep, name: str, wish: EnrolmentWish | None = None) -> JsonResponse:
    """Make a new token for the agent of the host ``name``, which is made if there is none."""
    check_id("agent", name)
    await context.check_seen("node-instances", name)
    agents, certificate = context.manager.agents, context.manager.settings.tls_cert
    if wish is not None and wish.expires_in is not None:
        row, token = await agents.offer(context.tenant, name, context.by, wish.expires_in)
    else:
        row, token = await agents.enroll(context.tenant, name, context.by)
    pem = await asyncio.to_thread(Path(certificate).read_text, "ascii") if certificate else None
    enrolled = {"token": token, "manager_url": agents.url, "manager_certificate": pem}
    enrolled["expires_at"] = optional_timestamp(row.enrolment_expires)
    return JsonResponse({**_agent(agents, row), **enrolled})


@router.delete("/{name}", status_code=204)
@requires(Permission.AGENT_CREATE)
async def delete_agent(
    context: ContextDep,
    name: str,
    force: Annotated[bool, Query(description="What runs on it is lost: its machine is gone.")] = False,
) -> Response:
    """Delete an agent, and order it to stop; refused while operations run on it."""
    await context.manager.agents.delete(context.tenant, name, force=force)
    return Response(status_code=204)


def _connections(states: Collection[str] | None) -> list[str] | None:
    """Return the states in which the rows are whose agents are in one of ``states``, by either name."""
    if states is None:
        return None
    return [ours for ours, theirs in _STATES.items() if ours in states or theirs in states]


def _agent(agents: Agents, row: WorkerRow) -> rest.Agent:
    return {
        "id": row.name,
        "name": row.name,
        "host_id": row.host_id,
        "node_instance_id": row.host_id,
        "node": row.node_id,
        "deployment": row.deployment_id,
        "ip": row.ip,
        "install_method": row.install_method,
        "system": row.system,
        "version": row.version,
        "state": _STATES[row.state],
        "connection": row.state,
        "state_since": timestamp(row.state_since),
        "last_seen": None if row.last_seen is None else timestamp(row.last_seen),
        "operations": sorted(run.id for run in agents.hosts.operations(row.name)),
        "created_at": timestamp(row.created_at),
        "created_by": row.created_by,
        "tenant_name": row.tenant,
    }
