"""What a workflow asks its manager beside its own deployment's nodes, by the names of Cloudify's context."""

from __future__ import annotations

from typing import Any, ClassVar

from cloudwright.child import rest
from cloudwright.child.rest import Record, Records
from cloudwright.workflow.runtime import WorkflowRuntime


class ManagerQuestions:
    """Part of ``ctx``. A process has no credentials, so what would be one is None.

    Each method raises RequestRefused, with a ``status_code``, if the manager refuses.
    """

    internal: WorkflowRuntime

    rest_token: ClassVar[None] = None
    rest_host: ClassVar[None] = None
    rest_port: ClassVar[None] = None
    execution_token: ClassVar[None] = None
    bypass_maintenance: ClassVar[bool] = False

    @property
    def bootstrap_context(self) -> Record:
        """Settings of Cloudify's installation: there are none, and each is None."""
        return Record()

    def list_nodes(self, **kwargs: Any) -> Records:
        """Return nodes as the REST API lists them, of all deployments; arguments are its parameters."""
        return self._list("/nodes", kwargs)

    def list_node_instances(self, **kwargs: Any) -> Records:
        """Return node instances as the REST API lists them."""
        return self._list("/node-instances", kwargs)

    def list_execution_schedules(self, **kwargs: Any) -> Records:
        """Return schedules as the REST API lists them."""
        return self._list("/execution-schedules", kwargs)

    def list_idds(self, **kwargs: Any) -> Records:
        """Return dependencies between deployments as the REST API lists them."""
        return self._list("/inter-deployment-dependencies", kwargs)

    def get_operations(self, graph_id: str) -> Records:
        """Return the stored tasks of a graph."""
        return self._list("/operations", {"graph_id": graph_id})

    def get_managers(self) -> Records:
        """Return the managers."""
        return self._list("/managers", {})

    def get_blueprint(self, blueprint_id: str) -> Record:
        return rest.record(self.internal.call, f"/blueprints/{blueprint_id}")

    def get_deployment_update(self, update_id: str) -> Record:
        return rest.record(self.internal.call, f"/deployment-updates/{update_id}")

    def get_secret(self, key: str) -> Record:
        """Return a secret, with its ``value``."""
        return rest.record(self.internal.call, f"/secrets/{key}")

    def start_execution(self, deployment_id: str, workflow_id: str, **kwargs: Any) -> Record:
        """Start a workflow of a deployment; arguments are those of the REST API, such as ``parameters``."""
        body = {"deployment_id": deployment_id, "workflow_id": workflow_id, **kwargs}
        return Record(rest.request(self.internal.call, "POST", "/executions", body=body).body or {})

    def _list(self, path: str, params: dict[str, Any]) -> Records:
        return rest.records(self.internal.call, path, {"_get_all_results": "true", **params})
