"""``cloudify_rest_client.inter_deployment_dependencies``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, request

DEPENDENCY_CREATOR = "dependency_creator"


class InterDeploymentDependency(Record):
    pass


class InterDeploymentDependencyClient(Resource):
    @request(
        "PUT /deployments/inter-deployment-dependencies",
        InterDeploymentDependency,
        names={
            "_id": "id",
            "_visibility": "visibility",
            "_created_at": "created_at",
            "_created_by": "created_by",
        },
    )
    def create(
        self,
        dependency_creator,
        source_deployment,
        target_deployment=None,
        external_source=None,
        external_target=None,
        target_deployment_func=None,
        _id=None,
        _visibility=None,
        _created_at=None,
        _created_by=None,
    ): ...

    @request("POST /deployments/inter-deployment-dependencies", [InterDeploymentDependency])
    def create_many(self, source_deployment_id, inter_deployment_dependencies): ...

    @request(
        "DELETE /deployments/inter-deployment-dependencies",
        body=(
            "dependency_creator",
            "source_deployment",
            "target_deployment",
            "external_source",
            "external_target",
            "is_component_deletion",
        ),
    )
    def delete(
        self,
        dependency_creator,
        source_deployment,
        target_deployment=None,
        is_component_deletion=False,
        external_source=None,
        external_target=None,
    ): ...

    @request("POST /deployments/inter-deployment-dependencies/restore")
    def legacy_restore(self, deployment_id, update_service_composition): ...

    @request("GET /deployments/inter-deployment-dependencies", [InterDeploymentDependency])
    def list(self, _include=None, sort=None, is_descending=False, **kwargs): ...

    @request(
        "PUT /deployments/{source_deployment_id}/inter-deployment-dependencies", [InterDeploymentDependency]
    )
    def update_all(self, source_deployment_id, inter_deployment_dependencies): ...
