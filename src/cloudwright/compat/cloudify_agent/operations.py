"""``cloudify_agent.operations``: operations that ask a host's agent."""

from __future__ import annotations

import time
from typing import Any

from cloudwright.child.errors import NonRecoverableError
from cloudwright.compat.cloudify.manager import get_rest_client
from cloudwright.compat.cloudify_agent.installer.operations import create
from cloudwright.operation.context import Context
from cloudwright.operation.decorators import operation


@operation(resumable=True)  # type: ignore[untyped-decorator]
def validate_agent_amqp(ctx: Context, validate_agent_timeout: float = 20, **_: Any) -> None:
    """Fail unless the agent is connected within the time."""
    agents, name = get_rest_client().agents, ctx.instance.id
    end = time.monotonic() + float(validate_agent_timeout)
    while (agent := agents.get(name))["connection"] != "connected":
        if time.monotonic() > end:
            raise NonRecoverableError(
                f"Agent `{name}` is {agent['connection']} since {agent['state_since']}."
            )
        time.sleep(0.5)


@operation(resumable=True)  # type: ignore[untyped-decorator]
def create_agent_amqp(ctx: Context, **_: Any) -> None:
    """Wait for the agent, which its user starts again."""
    create(ctx=ctx)


@operation(resumable=True)  # type: ignore[untyped-decorator]
def stop(ctx: Context, **_: Any) -> None:
    """Do nothing: an agent is ordered to stop when it is deleted."""


@operation(resumable=True)  # type: ignore[untyped-decorator]
def install_plugins(ctx: Context, **_: Any) -> None:
    """Do nothing: an agent installs a plugin when it first needs it."""


@operation(resumable=True)  # type: ignore[untyped-decorator]
def uninstall_plugins(ctx: Context, **_: Any) -> None:
    """Do nothing: an agent removes what was not used for long when it needs the room."""
