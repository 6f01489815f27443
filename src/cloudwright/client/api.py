"""The client: a manager's REST API as attributes and methods."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import quote

from cloudwright.client.resources import (
    Administration,
    Agents,
    AuditLog,
    Blueprints,
    ConsoleLinks,
    DeploymentGroups,
    DeploymentModifications,
    Deployments,
    DeploymentUpdates,
    Events,
    ExecutionGroups,
    Executions,
    ExecutionSchedules,
    Filters,
    Hooks,
    NodeInstances,
    Nodes,
    Operations,
    Permissions,
    Plugins,
    Secrets,
    Sites,
    Snapshots,
    Tenants,
    Tokens,
    UserGroups,
    Users,
)
from cloudwright.client.target import Target
from cloudwright.client.transport import Transport


class Client:
    """Speaks to one manager as one user. A context manager; may be shared by threads."""

    def __init__(self, target: Target, *, user_agent: str = "cloudwright-client") -> None:
        self.target = target
        self._transport = Transport(target, user_agent=user_agent)
        self.blueprints = Blueprints(self._transport)
        self.deployments = Deployments(self._transport)
        self.deployment_groups = DeploymentGroups(self._transport)
        self.deployment_modifications = DeploymentModifications(self._transport)
        self.deployment_updates = DeploymentUpdates(self._transport)
        self.executions = Executions(self._transport)
        self.execution_groups = ExecutionGroups(self._transport)
        self.execution_schedules = ExecutionSchedules(self._transport)
        self.operations = Operations(self._transport)
        self.events = Events(self._transport)
        self.nodes = Nodes(self._transport)
        self.node_instances = NodeInstances(self._transport)
        self.plugins = Plugins(self._transport)
        self.secrets = Secrets(self._transport)
        self.sites = Sites(self._transport)
        self.snapshots = Snapshots(self._transport)
        self.deployment_filters = Filters(self._transport, "deployments")
        self.blueprint_filters = Filters(self._transport, "blueprints")
        self.administration = Administration(self._transport)
        self.tokens = Tokens(self._transport)
        self.console_links = ConsoleLinks(self._transport)
        self.users = Users(self._transport)
        self.user_groups = UserGroups(self._transport)
        self.tenants = Tenants(self._transport)
        self.permissions = Permissions(self._transport)
        self.audit_log = AuditLog(self._transport)
        self.agents = Agents(self._transport)
        self.hooks = Hooks(self._transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def set_visibility(self, noun: str, identifier: str, visibility: str) -> dict[str, Any]:
        """Let more users see a blueprint, plugin or deployment: ``noun`` is its plural. Returns it.

        Raises NotFound, Forbidden, and IllegalAction if more users see it already.
        """
        path = f"/{noun}/{quote(identifier, safe='')}/set-visibility"
        return cast("dict[str, Any]", self._transport.request("PATCH", path, json={"visibility": visibility}))

    def set_owner(self, noun: str, identifier: str, username: str) -> dict[str, Any]:
        """Give a blueprint, plugin or deployment to another user: ``noun`` is its plural. Returns it.

        Raises NotFound, also if there is no such user, and Forbidden.
        """
        path = f"/{noun}/{quote(identifier, safe='')}"
        return cast("dict[str, Any]", self._transport.request("PATCH", path, json={"creator": username}))

    def version(self) -> dict[str, Any]:
        """``{"version", "edition", ...}`` of the manager."""
        return cast("dict[str, Any]", self._transport.request("GET", "/version"))

    def status(self, *, disk: bool = False) -> dict[str, Any]:
        """Whether the manager is well, and its parts; ``disk`` measures what its home takes. Needs valid
        credentials.
        """
        params = {"disk": "true"} if disk else {}
        return cast("dict[str, Any]", self._transport.request("GET", "/status", params=params))
