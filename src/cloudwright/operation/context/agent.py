"""``ctx.agent``."""

from __future__ import annotations

from typing import Any

from cloudwright.child.errors import NonRecoverableError
from cloudwright.operation.context.node import NodeContext


class AgentContext:
    """``ctx.agent``: how an agent gets onto a machine that an operation makes."""

    def __init__(self, node: NodeContext) -> None:
        self._node = node

    def init_script(self, agent_config: dict[str, Any] | None = None) -> str | None:
        """Return the script that installs an agent when a machine starts first, or None if none is wanted.

        Raises NonRecoverableError if it wants one: there is no such script.
        """
        properties = self._node.properties
        method = (properties.get("agent_config") or {}).get("install_method")
        if method not in ("init_script", "provided", "plugin") or properties.get("install_agent") is False:
            return None
        raise NonRecoverableError(
            f"Node `{self._node.name}` has the agent install_method `{method}`, for which there is no "
            "script. Put the agent onto the machine's image, and set agent_config.install_method to `none`."
        )
