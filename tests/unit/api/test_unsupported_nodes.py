"""Blueprints with what cannot run here yet: taken with a warning, and refused before anything begins."""

from __future__ import annotations

import pytest
from served_api import BLUEPRINT, Api, archive

HEAD = "tosca_definitions_version: cloudify_dsl_1_4\nimports: [cloudify/types/types.yaml]\n"
LATER = (
    HEAD
    + """
plugins: { later: { executor: central_deployment_agent, install: false } }
node_types:
  later:
    derived_from: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: later.cloudify_types.later.create
        stop: later.cloudify_types.later.stop
node_templates:
  c: { type: later }
"""
)
HOST = (
    HEAD
    + """
node_templates:
  host: { type: cloudify.nodes.Compute, properties: { agent_config: { install_method: winrm } } }
  plain: { type: cloudify.nodes.Root }
"""
)
HOSTED = (
    HEAD
    + """
node_templates:
  host: { type: cloudify.nodes.Compute, properties: { agent_config: { install_method: none } } }
  app:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: |
          #!/bin/sh
          true
    relationships: [{ type: cloudify.relationships.contained_in, target: host }]
"""
)
NAMED = {
    LATER: ["`c`", "`later`"],
    HOST: ["`host`", "install_method"],
    HOSTED: ["`app`", "`host`", "cloudify.interfaces.lifecycle.create"],
}


@pytest.mark.parametrize("text", NAMED)
def test_it_is_taken_with_a_warning_and_refused_at_the_start(api: Api, text: str) -> None:
    validated = api.http.put("/blueprints/x/validate?warnings=true", content=archive(text)).json()["warnings"]
    id = api.unique("blueprint")
    uploaded = api.http.put(f"/blueprints/{id}", content=archive(text)).json()["warnings"]
    assert validated == uploaded
    [warning] = uploaded
    assert warning["file"] == "blueprint.yaml"
    deployment = api.unique("deployment")
    created = api.put(f"/deployments/{deployment}", {"blueprint_id": id})["warnings"]
    assert [each["message"] for each in created] == [warning["message"]]
    body = {"deployment_id": deployment, "workflow_id": "install"}
    said = api.refused("POST", "/executions", 400, "unsupported_operation_error", json=body)
    for name in NAMED[text]:
        assert name in warning["message"]
        assert name in said
    assert warning["expected"] in said
    api.refused("POST", "/executions", 400, "unsupported_operation_error", json=body | {"force": True})
    assert api.items("/executions", deployment_id=deployment, workflow_id="install") == []
    assert api.post("/executions", body | {"workflow_id": "uninstall"})["status"] == "pending"


def test_what_is_not_chosen_is_not_in_the_way(api: Api) -> None:
    deployment = api.deployment(api.blueprint(HOST))
    body = {"deployment_id": deployment, "workflow_id": "install", "parameters": {"node_ids": ["plain"]}}
    assert api.post("/executions", body)["status"] == "pending"


def test_a_dry_run_runs_nothing(api: Api) -> None:
    deployment = api.deployment(api.blueprint(LATER))
    body = {"deployment_id": deployment, "workflow_id": "install", "dry_run": True}
    assert api.post("/executions", body)["status"] == "pending"


def test_an_uninstallation_says_how_it_can_pass_over(api: Api) -> None:
    deployment = api.deployment(api.blueprint(LATER))
    [instance] = api.items("/node-instances", deployment_id=deployment)
    api.http.patch(f"/node-instances/{instance['id']}", json={"state": "started"})
    body = {"deployment_id": deployment, "workflow_id": "uninstall"}
    said = api.refused("POST", "/executions", 400, "unsupported_operation_error", json=body)
    assert "`ignore_failure: true`" in said
    assert api.post("/executions", body | {"parameters": {"ignore_failure": True}})["status"] == "pending"


def test_a_deployment_without_them_is_warned_of_nothing(api: Api) -> None:
    id = api.unique("blueprint")
    assert api.http.put(f"/blueprints/{id}", content=archive(BLUEPRINT)).json()["warnings"] == []
    execution = api.execution(api.deployment(id))
    assert api.get(f"/executions/{execution}")["status"] == "pending"
