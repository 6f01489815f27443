"""Nothing that is meant for a host runs on the manager."""

from __future__ import annotations

import io
import tarfile

import pytest
from manager_process import ManagerProcess

BLUEPRINT = """\
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
plugins:
  hosted: {executor: host_agent, source: p}
node_types:
  app:
    derived_from: cloudify.nodes.Root
    interfaces:
      do:
        script: touch.sh
        function: hosted.p.touch
        central: {implementation: touch.sh, executor: central_deployment_agent}
node_templates:
  host: {type: cloudify.nodes.Compute, properties: {agent_config: {install_method: none}}}
  app:
    type: app
    relationships: [{type: cloudify.relationships.contained_in, target: host}]
"""
FILES = {
    "blueprint.yaml": BLUEPRINT,
    "touch.sh": "ctx returns ran\n",
    "plugins/p/__init__.py": "def touch(ctx, **_):\n    return 'ran'\n",
}


@pytest.fixture(scope="module")
def deployment(manager: ManagerProcess) -> str:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, text in FILES.items():
            entry = tarfile.TarInfo(f"hosts/{name}")
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    archive.seek(0)
    manager.client.blueprints.upload("hosts", archive, main_file="blueprint.yaml")
    manager.client.deployments.create("hosts", blueprint_id="hosts", inputs={})
    return "hosts"


@pytest.mark.parametrize("operation", ["do.script", "do.function"])
def test_an_operation_of_a_node_on_a_host_is_refused(
    manager: ManagerProcess, deployment: str, operation: str
) -> None:
    # As a workflow of the blueprint's own would start it: what it runs is known only when it asks.
    id = manager.run("execute_operation", deployment, operation=operation)
    end = manager.end(id)
    assert end["status"] == "failed"
    [run] = [entry for entry in manager.operations(id) if entry["type"] == "operation"]
    [host] = manager.client.node_instances.list(deployment_id=deployment, node_id="host").items
    assert (run["state"], run["result"], run["attempt"], run["pid"]) == ("failed", None, 1, None)
    assert host["id"] in run["failure"]["message"]
    assert "executor: central_deployment_agent" in run["failure"]["message"]
    assert not run["failure"]["recoverable"]


def test_an_operation_that_is_meant_for_the_manager_runs_there(
    manager: ManagerProcess, deployment: str
) -> None:
    id = manager.run("execute_operation", deployment, operation="do.central")
    assert manager.end(id)["status"] == "terminated"
    [run] = [entry for entry in manager.operations(id) if entry["type"] == "operation"]
    assert (run["result"], run["agent_name"]) == ("ran", None)
    assert run["manager_name"]
