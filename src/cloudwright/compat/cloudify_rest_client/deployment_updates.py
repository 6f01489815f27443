"""``cloudify_rest_client.deployment_updates``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class DeploymentUpdate(Record):
    pass


class DeploymentUpdatesClient(Resource):
    @request("POST /deployment-updates", names={"updates": "deployment_updates"})
    def bulk_insert(self, updates): ...

    @request("PUT /deployment-updates/{update_id}", DeploymentUpdate)
    def create(self, update_id, deployment_id, **kwargs): ...

    @request("POST /deployment-updates/{update_id}/update/finalize", DeploymentUpdate)
    def finalize_commit(self, update_id): ...

    @request("GET /deployment-updates/{update_id}", DeploymentUpdate)
    def get(self, update_id, _include=None): ...

    @request("GET /deployment-updates", [DeploymentUpdate])
    def list(self, _include=None, sort=None, is_descending=False, **kwargs): ...

    @request("PATCH /deployment-updates/{update_id}")
    def set_attributes(self, update_id, **kwargs): ...

    @request(
        "POST /deployment-updates/{deployment_id}/update/initiate",
        DeploymentUpdate,
        always=("workflow_id", "blueprint_id"),
    )
    def update_with_existing_blueprint(
        self,
        deployment_id,
        blueprint_id=None,
        inputs=None,
        skip_install=False,
        skip_uninstall=False,
        skip_reinstall=False,
        skip_drift_check=False,
        skip_heal=False,
        force_reinstall=False,
        workflow_id=None,
        force=False,
        ignore_failure=False,
        install_first=False,
        reinstall_list=None,
        preview=False,
        update_plugins=True,
        runtime_only_evaluation=None,
        auto_correct_types=None,
        reevaluate_active_statuses=None,
    ): ...
