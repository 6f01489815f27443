"""Refuses operations that are meant for a host which has no agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudwright.errors import IllegalAction
from cloudwright.model.executors import CENTRAL
from cloudwright.model.topology import NodeInstance

ADVICE = (
    f"Set `executor: {CENTRAL}` for the operation, or for its plugin, if it is meant to run on the manager; "
    "or `agent_config: {install_method: remote}` for the host, which has an agent installed over SSH; or "
    "`provided`, and start its agent: `cfy agents enroll`."
)


class NoAgent(IllegalAction):
    """An operation is meant for a host that has no agent."""

    code = "no_agent_error"


class AgentIsAway(IllegalAction):
    """An operation waits no longer for its agent: its workflow passes over it (model.operation)."""

    code = "agent_is_away_error"


def check_executor(operation: Mapping[str, Any], instances: Mapping[str, NodeInstance]) -> None:
    """Raise NoAgent unless the manager may run ``operation`` (docs/concepts/frames.md) itself.

    ``instances`` are the node instances that the operation is about, by id.
    """
    executor = operation["executor"]
    if executor == CENTRAL:
        return
    subject = instances[operation.get("instance") or operation[operation["side"]]]
    host = f"its host `{subject.host_id}`" if subject.host_id else "its host, and the instance is on none"
    raise NoAgent(
        f"`{operation['name']}` of `{subject.id}` has the executor `{executor}`, so it runs on the agent of "
        f"{host}, which has none. {ADVICE}"
    )
