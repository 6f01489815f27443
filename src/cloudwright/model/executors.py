"""Executors: where an operation runs. A blueprint names them for plugins and for single operations."""

from __future__ import annotations

#: On the manager.
CENTRAL = "central_deployment_agent"
#: On the host of the operation's node, by the agent there.
HOST_AGENT = "host_agent"
#: What a plan says of a script whose operation names no executor: see ``resolve``.
AUTO = "auto"
#: Those that a blueprint may name.
EXECUTORS = (CENTRAL, HOST_AGENT)


def resolve(executor: str | None, host: str | None) -> str:
    """Return the executor of an operation, given what its plan says and the host of its node.

    A script that names no executor runs on its node's host, or on the manager if the node has no host.
    """
    if executor == AUTO:
        return CENTRAL if host is None else HOST_AGENT
    return executor or CENTRAL
