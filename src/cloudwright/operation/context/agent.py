"""``ctx.agent``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloudwright.child import rest
from cloudwright.operation.context.node import NodeContext

#: How long a machine has to make use of its script, if its node does not say (seconds).
_EXPIRES_IN = 3600.0


class AgentContext:
    """``ctx.agent``: how an agent gets onto a machine that an operation makes."""

    def __init__(self, node: NodeContext, instance_id: str, call: Callable[..., Any]) -> None:
        self._node = node
        self._instance_id = instance_id
        self._call = call

    def init_script(self, agent_config: dict[str, Any] | None = None) -> str | None:
        """Return the script that installs an agent when a machine starts first, or None if none is wanted.

        ``agent_config`` adds to that of the node. The token in the script works once, within an hour, or
        within ``extra.expires_in`` seconds; a script that was made before works no more. Raises
        RequestRefused if the manager is not set up for agents of other machines.
        """
        properties = self._node.properties
        config = {**(properties.get("agent_config") or {}), **(agent_config or {})}
        method = config.get("install_method")
        if method not in ("init_script", "provided", "plugin") or properties.get("install_agent") is False:
            return None
        from cloudwright.operation.init_script import init_script  # noqa: PLC0415 - few operations make one

        expires = float((config.get("extra") or {}).get("expires_in") or _EXPIRES_IN)
        path = f"/agents/{self._instance_id}/enrolment"
        enrolled = rest.request(self._call, "POST", path, body={"expires_in": expires}).body
        return init_script(self._instance_id, enrolled, config)
