"""``cloudify_rest_client.plugins_update``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class PluginsUpdate(Record):
    pass


class PluginsUpdateClient(Resource):
    @request("POST /plugins-updates/{plugins_update_id}/update/finalize", PluginsUpdate)
    def finalize_plugins_update(self, plugins_update_id): ...

    @request("GET /plugins-updates/{plugins_update_id}", PluginsUpdate)
    def get(self, plugins_update_id, _include=None, **kwargs): ...

    @request("POST /plugins-updates/{blueprint_id}/update/initiate", PluginsUpdate, if_set=("force",))
    def inject(
        self,
        blueprint_id,
        force=False,
        created_by=None,
        created_at=None,
        execution_id=None,
        state=None,
        update_id=None,
        affected_deployments=None,
        deployments_per_tenant=None,
        all_tenants=None,
        temp_blueprint_id=None,
    ): ...

    @request("GET /plugins-updates", [PluginsUpdate])
    def list(self, _include=None, sort=None, is_descending=False, **kwargs): ...

    def update_plugins(
        self,
        blueprint_id,
        force=False,
        plugin_names=None,
        to_latest=None,
        all_to_latest=True,
        to_minor=None,
        all_to_minor=False,
        mapping=None,
        auto_correct_types=False,
        reevaluate_active_statuses=False,
        all_tenants=False,
    ):
        data = {
            "force": force,
            "plugin_names": plugin_names,
            "to_latest": to_latest,
            "all_to_latest": all_to_latest,
            "to_minor": to_minor,
            "all_to_minor": all_to_minor,
            "mapping": mapping if (mapping or {}).get("updates") else None,
            "auto_correct_types": auto_correct_types,
            "reevaluate_active_statuses": reevaluate_active_statuses,
            "all_tenants": all_tenants,
        }
        data = {key: value for key, value in data.items() if value}
        where = f"/plugins-updates/{blueprint_id}/update/initiate"
        return PluginsUpdate(self.api.post(where, data=data or None))
