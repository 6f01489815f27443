"""Agents that a machine installs by itself when it first starts, by the script that its plugin gave it."""

from __future__ import annotations

import io
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from manager_process import WAIT_SECONDS, ManagerProcess, leftovers

BLUEPRINT = """\
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
inputs: {folder: {}, expires: {default: 600}}
plugins: {cloud: {executor: central_deployment_agent, source: cloud}}
node_types:
  vm:
    derived_from: cloudify.nodes.Compute
    interfaces: {cloudify.interfaces.lifecycle: {create: cloud.cloud.create}}
node_templates:
  host:
    type: vm
    properties:
      agent_config:
        install_method: init_script
        extra: {folder: {get_input: folder}, expires_in: {get_input: expires}}
  app:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: |
          #!/bin/sh
          ctx instance runtime_properties where "$PWD"
    relationships: [{type: cloudify.relationships.contained_in, target: host}]
"""
CODE = """
def create(ctx, **_):
    ctx.instance.runtime_properties["user_data"] = ctx.agent.init_script()
"""


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagerProcess]:
    folder = tmp_path_factory.mktemp("scripts")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    manager = ManagerProcess(folder, task_retry_interval=0.1, agent_url=f"http://127.0.0.1:{port}")
    manager.port = port
    manager.start()
    try:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            for name, text in (("blueprint.yaml", BLUEPRINT), ("plugins/cloud/__init__.py", CODE)):
                entry = tarfile.TarInfo(f"scripted/{name}")
                entry.size = len(text.encode())
                tar.addfile(entry, io.BytesIO(text.encode()))
        archive.seek(0)
        manager.client.blueprints.upload("scripted", archive, main_file="blueprint.yaml")
        yield manager
    finally:
        manager.stop()
        left = leftovers(folder)
        for process in left:
            process.kill()
        assert not left


def begin(manager: ManagerProcess, id: str, folder: Path, **inputs: object) -> tuple[str, str]:
    """Begin to install; return the execution and the script that its machine is given."""
    manager.client.deployments.create(id, blueprint_id="scripted", inputs={"folder": str(folder), **inputs})
    execution = manager.run("install", id)
    manager.event(execution, "Its machine installs it when it first starts")
    [host] = manager.client.node_instances.list(deployment_id=id, node_id="host").items
    return execution, host["runtime_properties"]["user_data"]


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=WAIT_SECONDS)


def test_a_machine_installs_its_agent_and_its_script_may_run_again(
    manager: ManagerProcess, tmp_path: Path
) -> None:
    folder = tmp_path / "agent"
    execution, script = begin(manager, "whole", folder)
    for _ in range(2):
        ran = run(script)
        assert ran.returncode == 0, ran.stderr
    assert manager.end(execution)["status"] == "terminated", manager.story(execution)
    [app] = manager.client.node_instances.list(deployment_id="whole", node_id="app").items
    assert app["runtime_properties"]["where"].startswith(str(folder / "home"))
    assert not (folder / "enrolment").exists()
    # A second machine with the same script gets nothing.
    other = run(script.replace(str(folder), str(tmp_path / "other")))
    assert other.returncode == 0, other.stderr
    log = tmp_path / "other" / "agent.log"
    supervisor = leftovers(tmp_path / "other")
    for process in supervisor:
        process.wait(WAIT_SECONDS)
    assert "was used before, by another agent at 127.0.0.1: it works once" in log.read_text()
    id = manager.run("uninstall", "whole")
    assert manager.end(id)["status"] == "terminated", manager.story(id)
    for process in leftovers(tmp_path):
        process.wait(WAIT_SECONDS)


def test_a_script_whose_time_is_over_says_so(manager: ManagerProcess, tmp_path: Path) -> None:
    execution, script = begin(manager, "late", tmp_path / "late", expires=0.001)
    ran = run(script)
    assert ran.returncode == 1
    assert "cloudwright: The token of enrolment has expired" in ran.stderr
    manager.cancel(execution, "kill")
    manager.end(execution)
