"""``cloudify_rest_client.client``."""

from __future__ import annotations

import importlib
from typing import Any

from cloudwright.compat.cloudify_rest_client._http import (
    BASIC_AUTH_PREFIX,
    CLOUDIFY_TENANT_HEADER,
    DEFAULT_API_VERSION,
    DEFAULT_PORT,
    DEFAULT_PROTOCOL,
    SECURED_PORT,
    SECURED_PROTOCOL,
    HTTPClient,
)
from cloudwright.compat.cloudify_rest_client._supervised import SupervisorClient

__all__ = [
    "BASIC_AUTH_PREFIX",
    "CLOUDIFY_TENANT_HEADER",
    "DEFAULT_API_VERSION",
    "DEFAULT_PORT",
    "DEFAULT_PROTOCOL",
    "SECURED_PORT",
    "SECURED_PROTOCOL",
    "CloudifyClient",
    "HTTPClient",
    "HTTPKerberosAuth",
]

#: There is no Kerberos here.
HTTPKerberosAuth = None

#: The class of each resource, as module and name. Most processes ask for few of them.
_RESOURCES = {
    "agents": "agents.AgentsClient",
    "auditlog": "audit_log.AuditLogClient",
    "blueprints": "blueprints.BlueprintsClient",
    "blueprints_filters": "filters.BlueprintsFiltersClient",
    "blueprints_labels": "labels.BlueprintsLabelsClient",
    "cluster_status": "cluster.ClusterStatusClient",
    "community_contacts": "community_contacts.CommunityContactsClient",
    "deployment_groups": "deployments.DeploymentGroupsClient",
    "deployment_modifications": "deployment_modifications.DeploymentModificationsClient",
    "deployment_updates": "deployment_updates.DeploymentUpdatesClient",
    "deployments": "deployments.DeploymentsClient",
    "deployments_filters": "filters.DeploymentsFiltersClient",
    "deployments_labels": "labels.DeploymentsLabelsClient",
    "evaluate": "evaluate.EvaluateClient",
    "events": "events.EventsClient",
    "execution_groups": "executions.ExecutionGroupsClient",
    "execution_schedules": "execution_schedules.ExecutionSchedulesClient",
    "executions": "executions.ExecutionsClient",
    "idp": "idp.IdentityProviderClient",
    "inter_deployment_dependencies": "inter_deployment_dependencies.InterDeploymentDependencyClient",
    "ldap": "ldap.LdapClient",
    "license": "license.LicenseClient",
    "log_bundles": "log_bundles.LogBundlesClient",
    "maintenance_mode": "maintenance.MaintenanceModeClient",
    "manager": "manager.ManagerClient",
    "node_instances": "node_instances.NodeInstancesClient",
    "nodes": "nodes.NodesClient",
    "operations": "operations.OperationsClient",
    "permissions": "permissions.PermissionsClient",
    "plugins": "plugins.PluginsClient",
    "plugins_update": "plugins_update.PluginsUpdateClient",
    "resources": "resources.ResourcesClient",
    "secrets": "secrets.SecretsClient",
    "secrets_providers": "secrets_providers.SecretsProvidersClient",
    "sites": "sites.SitesClient",
    "snapshots": "snapshots.SnapshotsClient",
    "summary": "summary.SummariesClient",
    "tasks_graphs": "operations.TasksGraphClient",
    "tenants": "tenants.TenantsClient",
    "tokens": "tokens.TokensClient",
    "user_groups": "user_groups.UserGroupsClient",
    "users": "users.UsersClient",
    "workflows": "workflows.WorkflowsClient",
}


class CloudifyClient:
    """A manager: that of the current operation or workflow, or the one at ``host`` if it is given.

    This manager is asked through the process's supervisor, with the rights of the execution's user and no
    credentials; another one over HTTP, with the credentials that are given.
    """

    client_class = HTTPClient

    def __init__(
        self,
        host: str | None = None,
        port: int | None = None,
        protocol: str = DEFAULT_PROTOCOL,
        api_version: str = DEFAULT_API_VERSION,
        headers: dict[str, str] | None = None,
        query_params: dict[str, Any] | None = None,
        cert: str | None = None,
        trust_all: bool = False,
        username: str | None = None,
        password: str | None = None,
        token: str | None = None,
        tenant: str | None = None,
        kerberos_env: bool | None = None,
        timeout: Any = None,
        session: Any = None,
    ) -> None:
        self._client: Any
        if host is None:
            self._client = SupervisorClient(tenant or (headers or {}).get(CLOUDIFY_TENANT_HEADER))
        else:
            self._client = self.client_class(
                host,
                port or (SECURED_PORT if protocol == SECURED_PROTOCOL else DEFAULT_PORT),
                protocol,
                api_version,
                headers,
                query_params,
                cert,
                trust_all,
                username,
                password,
                token,
                tenant,
                kerberos_env,
                timeout,
                session,
            )
        self.host = self._client.host

    def __getattr__(self, name: str) -> Any:
        where = _RESOURCES.get(name)
        if where is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        module, _, kind = where.partition(".")
        resource = getattr(importlib.import_module(f"{__package__}.{module}"), kind)(self._client)
        self.__dict__[name] = resource
        return resource
