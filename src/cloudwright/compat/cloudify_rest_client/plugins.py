"""``cloudify_rest_client.plugins``."""

from __future__ import annotations

import re

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._files import download, is_url, read
from cloudwright.compat.cloudify_rest_client._resource import Resource, page, request


class Plugin(Record):
    pass


class PluginsClient(Resource):
    @request("DELETE /plugins/{plugin_id}", body=("force",))
    def delete(self, plugin_id, force=False): ...

    def download(self, plugin_id, output_file, progress_callback=None, full_archive=False):
        """Write the plugin"s archive to a file, and return its path."""
        query = "?full_archive=true" if full_archive else ""
        return download(self.api, f"/plugins/{plugin_id}/archive{query}", output_file, progress_callback)

    def download_yaml(self, plugin_id, output_file, progress_callback=None):
        return download(self.api, f"/plugins/{plugin_id}/yaml", output_file, progress_callback)

    @request("GET /plugins/{plugin_id}", Plugin)
    def get(self, plugin_id, _include=None, **kwargs): ...

    def get_yaml(self, plugin_id, dsl_version=None, progress_callback=None):
        """Return the text of the plugin"s yaml file for that version of the language."""
        params = {"dsl_version": dsl_version} if dsl_version else {}
        return self.api.get(f"/plugins/{plugin_id}/yaml", params=params, stream=True).content.decode()

    def install(self, plugin_id, managers=None, agents=None):
        """Raises RuntimeError if neither managers nor agents are given."""
        if not managers and not agents:
            raise RuntimeError("A plugin is installed on `managers` or on `agents`: give one of them.")
        data = {"action": "install", "managers": managers, "agents": agents}
        data = {key: value for key, value in data.items() if value}
        return Plugin(self.api.post(f"/plugins/{plugin_id}", data=data))

    @request("GET /plugins", [Plugin])
    def list(self, _include=None, sort=None, is_descending=False, **kwargs): ...

    def list_yaml_files(self, plugin_id, dsl_version=None):
        """Return the paths of the plugin"s yaml files; of the one for ``dsl_version`` if there is one."""
        files = self.get(plugin_id).yaml_files_paths or []
        if not dsl_version:
            return files
        own = [file for file in files if file.endswith(f"{dsl_version}.yaml")]
        return own[:1] or [file for file in files if not re.search(r"_\d_\d+\.yaml$", file)]

    @request("PATCH /plugins/{plugin_id}/set-visibility", dict, fixed={"visibility": "global"})
    def set_global(self, plugin_id): ...

    @request("PATCH /plugins/{plugin_id}", Plugin)
    def set_owner(self, plugin_id, creator): ...

    def set_state(self, plugin_id, state, agent_name=None, manager_name=None, error=None):
        """Raises RuntimeError if an agent and a manager are given."""
        if agent_name and manager_name:
            raise RuntimeError("The state of a plugin is that on an agent or on a manager, not on both.")
        data = {"state": state, "agent": agent_name, "manager": manager_name, "error": error}
        data = {key: value for key, value in data.items() if value}
        return Plugin(self.api.put(f"/plugins/{plugin_id}", data=data))

    @request("PATCH /plugins/{plugin_id}/set-visibility", dict)
    def set_visibility(self, plugin_id, visibility): ...

    @request("PATCH /plugins/{plugin_id}", Plugin)
    def update(self, plugin_id, **kwargs): ...

    def upload(
        self,
        plugin_path,
        plugin_title=None,
        visibility="tenant",
        progress_callback=None,
        _plugin_id=None,
        _uploaded_at=None,
        _created_by=None,
    ):
        """Upload a wagon, or a zip of wagons and yaml files: a file, or a URL that the manager reads."""
        params = {
            "visibility": visibility,
            "id": _plugin_id,
            "uploaded_at": _uploaded_at,
            "created_by": _created_by,
            "title": plugin_title,
        }
        params = {key: value for key, value in params.items() if value}
        if is_url(plugin_path):
            answer = self.api.post("/plugins", params={**params, "plugin_archive_url": plugin_path})
        else:
            answer = self.api.post("/plugins", params=params, data=read(plugin_path, progress_callback))
        return page(answer, Plugin) if "items" in answer and "metadata" in answer else Plugin(answer)
