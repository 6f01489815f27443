"""``cloudify_rest_client.deployment_modifications``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class DeploymentModificationNodeInstances(Record):
    pass


class DeploymentModification(Record):
    STARTED = "started"
    FINISHED = "finished"
    ROLLEDBACK = "rolledback"

    @property
    def node_instances(self):
        return DeploymentModificationNodeInstances(self.get("node_instances") or {})


class DeploymentModificationsClient(Resource):
    @request("POST /deployment-modifications/{modification_id}/finish", DeploymentModification)
    def finish(self, modification_id): ...

    @request("GET /deployment-modifications/{modification_id}", DeploymentModification)
    def get(self, modification_id, _include=None): ...

    @request("GET /deployment-modifications", [DeploymentModification])
    def list(self, deployment_id=None, _include=None, **kwargs): ...

    @request("POST /deployment-modifications/{modification_id}/rollback", DeploymentModification)
    def rollback(self, modification_id): ...

    @request("POST /deployment-modifications", DeploymentModification)
    def start(self, deployment_id, nodes, context=None): ...
