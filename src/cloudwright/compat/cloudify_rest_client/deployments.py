"""``cloudify_rest_client.deployments``."""

from __future__ import annotations

from typing import Any

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, ordered, request

EMPTY_B64_ZIP = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="


class Deployment(Record):
    def is_environment(self):
        """Return whether its labels say that others are deployed into it."""
        for label in self.get("labels") or ():
            if label["key"].lower() == "csys-obj-type":
                return label["value"].lower() == "environment"
        return False


class Workflow(Record):
    @property
    def id(self):
        return self["name"]

    @property
    def is_available(self):
        return self.get("is_available", True)


class DeploymentOutputs(Record):
    pass


class DeploymentCapabilities(Record):
    pass


class DeploymentScalingGroup(Record):
    pass


class DeploymentGroup(Record):
    pass


class DeploymentsClient(Resource):
    def __init__(self, api):
        super().__init__(api)
        self.outputs = DeploymentOutputsClient(api)
        self.capabilities = DeploymentCapabilitiesClient(api)
        self.scaling_groups = DeploymentScalingGroupsClient(api)

    @request(
        "PUT /deployments/{deployment_id}",
        Deployment,
        names={"_workdir_zip": "workdir_zip"},
        query=("async_create",),
    )
    def create(
        self,
        blueprint_id,
        deployment_id,
        inputs=None,
        visibility="tenant",
        skip_plugins_validation=False,
        site_name=None,
        runtime_only_evaluation=False,
        labels=None,
        display_name=None,
        async_create=None,
        created_at=None,
        created_by=None,
        workflows=None,
        groups=None,
        scaling_groups=None,
        policy_triggers=None,
        policy_types=None,
        outputs=None,
        capabilities=None,
        resource_tags=None,
        description=None,
        deployment_status=None,
        installation_status=None,
        sub_services_status=None,
        sub_environments_status=None,
        sub_services_count=None,
        sub_environments_count=None,
        _workdir_zip=None,
    ): ...

    @request(
        "DELETE /deployments/{deployment_id}", names={"with_logs": "delete_logs"}, never=("delete_db_mode",)
    )
    def delete(self, deployment_id, force=False, delete_db_mode=False, with_logs=False, recursive=False): ...

    @request("GET /deployments/{deployment_id}", Deployment)
    def get(self, deployment_id, _include=None, all_sub_deployments=True, include_workdir=False): ...

    def list(
        self,
        _include=None,
        sort=None,
        is_descending=False,
        filter_id=None,
        filter_rules=None,
        constraints=None,
        **kwargs,
    ):
        """Raises ValueError for rules and constraints at once."""
        if constraints and (filter_id or filter_rules):
            raise ValueError(
                "It is filtered by `constraints` or by `filter_id` and `filter_rules`, not by both."
            )
        params = ordered(kwargs, sort, is_descending)
        if filter_id:
            params["_filter_id"] = filter_id
        return self.filtered(
            "/deployments",
            "/searches/deployments",
            Deployment,
            params,
            filter_rules=filter_rules or None,
            constraints=constraints or None,
            _include=_include,
        )

    @request("PATCH /deployments/{deployment_id}", Deployment)
    def set_attributes(self, deployment_id, **kwargs): ...

    @request("POST /deployments/{deployment_id}/set-site", dict)
    def set_site(self, deployment_id, site_name=None, detach_site=False): ...

    @request("PATCH /deployments/{deployment_id}/set-visibility", dict)
    def set_visibility(self, deployment_id, visibility): ...

    @request("PATCH /deployments/{deployment_id}", Deployment)
    def update_labels(self, deployment_id, labels, creator=None, created_at=None): ...


class DeploymentOutputsClient(Resource):
    @request("GET /deployments/{deployment_id}/outputs", DeploymentOutputs)
    def get(self, deployment_id): ...


class DeploymentCapabilitiesClient(Resource):
    @request("GET /deployments/{deployment_id}/capabilities", DeploymentCapabilities)
    def get(self, deployment_id): ...

    def list(self, deployment_id, _include=None, constraints=None, **kwargs):
        constraints = {**(constraints or {}), "deployment_id": deployment_id}
        return self.filtered(
            "",
            "/searches/capabilities",
            DeploymentCapabilities,
            kwargs,
            constraints=constraints,
            _include=_include,
        )


class DeploymentScalingGroupsClient(Resource):
    def list(self, blueprint_id=None, deployment_id=None, constraints=None, _include=None, **kwargs):
        params = {"blueprint_id": blueprint_id, "deployment_id": deployment_id, **kwargs}
        params = {key: value for key, value in params.items() if value is not None}
        return self.filtered(
            "",
            "/searches/scaling-groups",
            DeploymentScalingGroup,
            params,
            constraints=constraints or {},
            _include=_include,
        )


class DeploymentGroupsClient(Resource):
    def add_deployments(
        self,
        group_id,
        deployment_ids=None,
        count=None,
        new_deployments=None,
        filter_id=None,
        filter_rules=None,
        deployments_from_group=None,
        batch_size=5000,
    ):
        """Add deployments, new ones at most ``batch_size`` at once. Raises ValueError."""
        if new_deployments is not None and count is not None:
            raise ValueError("New deployments are given by `count` or by `new_deployments`, not by both.")
        new = [{}] * count if count else new_deployments or []
        size = batch_size or len(new) or 1
        added = {
            "deployment_ids": deployment_ids,
            "filter_id": filter_id,
            "filter_rules": filter_rules,
            "deployments_from_group": deployments_from_group,
        }
        answer: dict[str, Any] = {}
        for start in range(0, len(new) or 1, size):
            part = {**added, "new_deployments": new[start : start + size] or None}
            answer = self.api.patch(f"/deployment-groups/{group_id}", data={"add": part})
            added = dict.fromkeys(added)
        return DeploymentGroup(answer)

    @request("DELETE /deployment-groups/{group_id}", dict, names={"with_logs": "delete_logs"})
    def delete(self, group_id, delete_deployments=False, force=False, with_logs=False, recursive=False): ...

    @request("GET /deployment-groups/{group_id}", DeploymentGroup)
    def get(self, group_id): ...

    @request("GET /deployment-groups", [DeploymentGroup])
    def list(self, _include=None, **kwargs): ...

    @request(
        "PUT /deployment-groups/{group_id}",
        DeploymentGroup,
        always=(
            "description",
            "blueprint_id",
            "default_inputs",
            "labels",
            "filter_id",
            "deployment_ids",
            "new_deployments",
            "deployments_from_group",
        ),
    )
    def put(
        self,
        group_id,
        visibility="tenant",
        description=None,
        blueprint_id=None,
        default_inputs=None,
        labels=None,
        filter_id=None,
        deployment_ids=None,
        new_deployments=None,
        deployments_from_group=None,
        created_by=None,
        created_at=None,
        creation_counter=None,
    ): ...

    def remove_deployments(
        self, group_id, deployment_ids=None, filter_id=None, filter_rules=None, deployments_from_group=None
    ):
        removed = {
            "deployment_ids": deployment_ids,
            "filter_id": filter_id,
            "filter_rules": filter_rules,
            "deployments_from_group": deployments_from_group,
        }
        return DeploymentGroup(self.api.patch(f"/deployment-groups/{group_id}", data={"remove": removed}))
