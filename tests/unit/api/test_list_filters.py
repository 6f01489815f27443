"""Lists are narrowed by what a request says, or refuse it: nothing of a request is silently ignored."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any

import pytest
from served_api import Api


def ids(api: Api, path: str, **filters: Any) -> set[str]:
    return {item["id"] for item in api.items(path, **filters)}


LISTS = (
    "blueprints",
    "deployments",
    "executions",
    "nodes",
    "node-instances",
    "events",
    "plugins",
    "workflows",
    "tokens",
    "tenants",
    "config",
)


@pytest.mark.parametrize("path", LISTS)
def test_an_unknown_filter_is_refused(api: Api, path: str) -> None:
    message = api.refused("GET", f"/{path}", 400, "bad_parameters_error", params={"colour": "red"})
    assert "`colour`" in message


def test_deployments(api: Api) -> None:
    blueprint = api.blueprint()
    made = {}
    for name, visibility in (("One", "private"), ("Two", "tenant")):
        id = api.unique("deployment")
        body = {"blueprint_id": blueprint, "display_name": name, "visibility": visibility}
        made[name] = api.put(f"/deployments/{id}", body)["id"]
    one, two = made.values()

    def found(**filters: Any) -> set[str]:
        return ids(api, "/deployments", blueprint_id=blueprint, **filters)

    assert found(display_name="One") == {one}
    assert found(visibility="private") == {one}
    assert found(_search_name="wo") == {two}
    for instance in api.items("/node-instances", deployment_id=one):
        api.http.patch(f"/node-instances/{instance['id']}", json={"state": "started"})
    assert found(installation_status="active") == {one}
    assert found(installation_status="inactive") == {two}
    assert found(deployment_status="good") == {one}
    assert found(deployment_status=["good", "requires_attention"]) == {one, two}
    page = api.get("/deployments", blueprint_id=blueprint, installation_status="inactive", _size=1, _offset=1)
    assert (page["items"], page["metadata"]["pagination"]["total"]) == ([], 1)
    api.refused("GET", "/deployments?installation_status=odd", 400, "bad_parameters_error")


def test_nodes_and_their_instances(api: Api) -> None:
    blueprint = api.blueprint()
    deployment, _other = api.deployment(blueprint), api.deployment()
    assert ids(api, "/nodes", blueprint_id=blueprint) == {"host", "app"}
    assert ids(api, "/nodes", blueprint_id=blueprint, type="cloudify.nodes.Root") == {"app"}
    assert ids(api, "/nodes", deployment_id=deployment, node_id="host") == {"host"}
    assert ids(api, "/nodes", deployment_id=deployment, host_id="host") == {"host", "app"}
    assert ids(api, "/nodes", deployment_id=deployment, created_by="nobody") == set()
    page = api.get("/nodes", blueprint_id=blueprint, host_id="host", _size=1, _sort="-id")
    assert ([node["id"] for node in page["items"]], page["metadata"]["pagination"]["total"]) == (["host"], 2)
    assert {item["deployment_id"] for item in api.items("/node-instances", blueprint_id=blueprint)} == {
        deployment
    }
    assert api.items("/node-instances", blueprint_id=blueprint, created_by="nobody") == []


def test_blueprints_and_executions(api: Api) -> None:
    blueprint = api.blueprint()
    assert ids(api, "/blueprints", id=blueprint, main_file_name="blueprint.yaml") == {blueprint}
    assert ids(api, "/blueprints", id=blueprint, main_file_name="app.yaml") == set()
    assert ids(api, "/blueprints", id=blueprint, visibility="global") == set()
    deployment = api.deployment(blueprint)
    dry = api.execution(deployment, dry_run=True)
    assert ids(api, "/executions", deployment_id=deployment, is_dry_run=True) == {dry}
    assert ids(api, "/executions", deployment_id=deployment, is_system_workflow=True) == set()
    assert dry in ids(api, "/executions", deployment_id=deployment, is_system_workflow=False)


def test_a_deployment_with_its_working_folder(api: Api) -> None:
    deployment = api.deployment()
    folder = api.manager.home / "workdirs" / "default_tenant" / deployment
    folder.mkdir(parents=True)
    (folder / "state").write_text("kept")
    got = api.get(f"/deployments/{deployment}", include_workdir=True)
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(got["workdir_zip"]))) as packed:
        assert packed.read("state") == b"kept"
    assert "workdir_zip" not in api.get(f"/deployments/{deployment}")


def test_what_clients_add_to_choose_fields_is_accepted_everywhere(api: Api) -> None:
    # Cloudify's cfy sends these with requests of its own, to routes that have no use for them.
    id = api.deployment()
    for name in ("_include", "_get_data", "_evaluate_functions", "_instance_counts", "_include_hash"):
        assert api.http.get(f"/deployments/{id}/labels", params={name: "true"}).status_code == 200
