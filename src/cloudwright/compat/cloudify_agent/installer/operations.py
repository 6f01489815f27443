"""``cloudify_agent.installer.operations``: the operations of a host that bring its agent and take it away."""

from __future__ import annotations

import time
from typing import Any

from cloudwright.child.errors import NonRecoverableError, RecoverableError
from cloudwright.compat.cloudify.manager import get_rest_client
from cloudwright.compat.cloudify_agent.installer import remote
from cloudwright.compat.cloudify_rest_client.exceptions import CloudifyClientError
from cloudwright.model.hosts import PROVIDED, REMOTE, install_method
from cloudwright.operation.context import Context
from cloudwright.operation.decorators import operation

#: How long one attempt waits for the agent, and how often it looks (seconds).
WAIT_SECONDS = 60.0
LOOK_SECONDS = 0.5
_CONNECTED = "connected"
_NOT_FOUND = 404


@operation(resumable=True)  # type: ignore[untyped-decorator]
def create(ctx: Context, **_: Any) -> None:
    """Make the agent, if there is none, and wait until it is connected."""
    if _method(ctx) == REMOTE:
        remote.install(ctx)
        return
    _await_connected(ctx)


def _method(ctx: Context) -> str:
    return install_method(ctx.node.properties) or REMOTE


def _await_connected(ctx: Context) -> None:
    agents = get_rest_client().agents
    name = ctx.instance.id
    agent = agents.create(name, name)
    how = f"Start it on its host: `cfy agents enroll {name}` shows how."
    if _method(ctx) != PROVIDED:
        how = "Its machine installs it when it first starts: look at the log of that (cloud-init)."
    if agent["connection"] != _CONNECTED:
        ctx.logger.info("Waiting for agent `%s`. %s", name, how)
    end = time.monotonic() + WAIT_SECONDS
    while agent["connection"] != _CONNECTED:
        if time.monotonic() > end:
            raise RecoverableError(
                f"Agent `{name}` is {agent['connection']}, and not connected. {how}",
                retry_after=1,
            )
        time.sleep(LOOK_SECONDS)
        agent = agents.get(name)
    ctx.logger.info("Agent `%s` is connected (%s).", name, agent["system"])


@operation(resumable=True)  # type: ignore[untyped-decorator]
def start(ctx: Context, **_: Any) -> None:
    """Wait until the agent is connected."""
    _await_connected(ctx)


@operation(resumable=True)  # type: ignore[untyped-decorator]
def configure(ctx: Context, **_: Any) -> None:
    """Do nothing: an agent has no configuration of its own."""


@operation(resumable=True)  # type: ignore[untyped-decorator]
def stop(ctx: Context, **_: Any) -> None:
    """Do nothing: an agent is ordered to stop when it is deleted."""


@operation(resumable=True)  # type: ignore[untyped-decorator]
def delete(ctx: Context, **_: Any) -> None:
    """Delete the agent, and order it to stop."""
    name = ctx.instance.id
    try:
        get_rest_client().agents.api.delete(f"/agents/{name}")
    except CloudifyClientError as error:
        if error.status_code != _NOT_FOUND:
            raise NonRecoverableError(
                f"{error} If its machine does not exist any more: `cfy agents delete --force {name}`, and "
                "uninstall again."
            ) from error
        ctx.logger.info("There is no agent `%s` any more.", name)
    if _method(ctx) == REMOTE:
        remote.remove(ctx)


@operation(resumable=True)  # type: ignore[untyped-decorator]
def restart(ctx: Context, **_: Any) -> None:
    """Start an agent again that was installed over SSH; others are their users' to restart."""
    if _method(ctx) == REMOTE:
        remote.restart(ctx)
        return
    raise NonRecoverableError(
        f"Agent `{ctx.instance.id}` was started by hand (`install_method: provided`); restart it so."
    )
