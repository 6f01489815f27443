"""Nothing that is meant for a host runs on the manager."""

from __future__ import annotations

import io
import tarfile

import pytest
from manager_process import ManagerProcess

from cloudwright.client.errors import BadRequest

BLUEPRINT = """\
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
plugins:
  hosted: {executor: host_agent, source: p}
  central: {executor: central_deployment_agent, source: p}
workflows:
  run: {mapping: central.p.run, parameters: {operation: {}}}
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
    "plugins/p/__init__.py": """
from cloudify.decorators import workflow


def touch(ctx, **_):
    return "ran"


@workflow
def run(ctx, operation, **_):
    [instance] = ctx.get_node("app").instances
    instance.execute_operation(operation).get()
""",
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
    # A workflow of the blueprint's own: what it runs is known only when it asks.
    id = manager.run("run", deployment, operation=operation)
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
    id = manager.run("run", deployment, operation="do.central")
    assert manager.end(id)["status"] == "terminated"
    [run] = [entry for entry in manager.operations(id) if entry["type"] == "operation"]
    assert (run["result"], run["agent_name"]) == ("ran", None)
    assert run["manager_name"]


def test_a_workflow_that_would_run_one_is_refused_before_it_begins(
    manager: ManagerProcess, deployment: str
) -> None:
    with pytest.raises(BadRequest, match=r"`do\.script`.*`executor: central_deployment_agent`"):
        manager.run("execute_operation", deployment, operation="do.script", node_ids=["app"])
    id = manager.run("execute_operation", deployment, operation="do.central", node_ids=["app"])
    assert manager.end(id)["status"] == "terminated"
