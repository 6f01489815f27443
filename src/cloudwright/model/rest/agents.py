"""Agents of hosts."""

from __future__ import annotations

from typing_extensions import TypedDict


class Agent(TypedDict, total=False):
    """The agent of a host. ``connection`` is `created`, `connected`, `unreachable` or `stopped`, since
    ``state_since``; ``state`` is Cloudify's name for it.
    """

    id: str
    name: str
    host_id: str | None
    node_instance_id: str | None
    node: str | None
    deployment: str | None
    ip: str | None
    install_method: str | None
    system: str | None
    version: str | None
    state: str
    connection: str
    state_since: str
    last_seen: str | None
    operations: list[str]
    created_at: str
    created_by: str | None
    tenant_name: str


class Enrolment(Agent, total=False):
    """An agent, and its new token: no other response contains it.

    ``manager_url`` is where it connects to (`0.0.0.0` in it stands for any address of the manager), and
    ``manager_certificate`` is the manager's own, as PEM, if it serves HTTPS.
    """

    token: str
    expires_at: str | None
    manager_url: str
    manager_certificate: str | None
