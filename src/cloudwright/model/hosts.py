"""Hosts: nodes that an agent may run on, and how the agent gets there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

COMPUTE = "cloudify.nodes.Compute"
AGENT_INTERFACE = "cloudify.interfaces.cloudify_agent"
#: The interface that hosts of blueprints before 3.3 have instead.
WORKER_INSTALLER = "cloudify.interfaces.worker_installer"

#: The install method of a host whose agent the manager installs over SSH.
REMOTE = "remote"
#: The install method of a host whose agent the user starts.
PROVIDED = "provided"
#: The install method of a host without an agent.
NO_AGENT = "none"
#: The install methods of a host that runs a script of the manager when it first starts, and of one whose
#: plugin sees to it.
INIT_SCRIPT = "init_script"
PLUGIN = "plugin"
# Install methods of agents that start by themselves and are waited for, and of those that stop by themselves.
_STARTED_BY_HOST = frozenset({INIT_SCRIPT, PLUGIN})
_STOPPED_BY_ITSELF = frozenset({INIT_SCRIPT, PLUGIN})


def install_method(properties: Mapping[str, Any]) -> str | None:
    """Return how the agent gets onto a host with these properties, or None if they do not say."""
    if isinstance(properties.get("install_agent"), bool):
        return REMOTE if properties["install_agent"] else NO_AGENT
    method = (properties.get("agent_config") or {}).get("install_method")
    return None if method is None else str(method)


def installing_operations(method: str | None, has: Callable[[str], bool]) -> list[str]:
    """Return the operations that bring the agent to life, in their order; ``has`` says which the host has."""
    if method == NO_AGENT:
        return []
    if has(f"{WORKER_INSTALLER}.install"):
        return [f"{WORKER_INSTALLER}.install", f"{WORKER_INSTALLER}.start"]
    start = [f"{AGENT_INTERFACE}.start"] if method in _STARTED_BY_HOST else []
    return [f"{AGENT_INTERFACE}.create", *start]


def removing_operations(method: str | None, has: Callable[[str], bool]) -> list[str]:
    """Return the operations that take the agent off its host, in their order."""
    if method == NO_AGENT:
        return []
    if method == PROVIDED:
        # The manager tells it to stop when it is deleted.
        return [f"{AGENT_INTERFACE}.delete"]
    if method in _STOPPED_BY_ITSELF:
        return [f"{AGENT_INTERFACE}.stop_amqp", f"{AGENT_INTERFACE}.delete"]
    if has(f"{WORKER_INSTALLER}.stop"):
        return [f"{WORKER_INSTALLER}.stop", f"{WORKER_INSTALLER}.uninstall"]
    return [f"{AGENT_INTERFACE}.stop", f"{AGENT_INTERFACE}.delete"]
