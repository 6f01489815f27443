"""Scaling and updating with Cloudify 7.0.5: its command line, and a script around its REST client."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest
from cloudify_client_env import CLOUDIFY_CFY, Cfy
from manager_process import ManagerProcess

HERE = Path(__file__).parent
OLD = """\
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
inputs: {color: {default: red}}
node_types:
  Web: {derived_from: cloudify.nodes.Root, properties: {color: {default: {get_input: color}}}}
node_templates:
  web: {type: Web, instances: {deploy: 2}}
"""
NEW = f"{OLD}  extra: {{type: Web}}\n"


@pytest.fixture
def deployment(manager: ManagerProcess, request: pytest.FixtureRequest) -> str:
    """An installed deployment; there is a new blueprint for it, of its id with ``-new``."""
    id = str(request.node.name).replace("_", "-")
    for name, text in ((id, OLD), (f"{id}-new", NEW)):
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            info = tarfile.TarInfo("b/blueprint.yaml")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
        archive.seek(0)
        manager.client.blueprints.upload(name, archive, main_file="blueprint.yaml")
    manager.client.deployments.create(id, blueprint_id=id)
    assert manager.end(manager.run("install", id))["status"] == "terminated"
    return id


def test_a_script_with_the_real_client(
    manager: ManagerProcess, credentials: dict[str, str], deployment: str
) -> None:
    port = credentials["url"].rpartition(":")[2]
    python = CLOUDIFY_CFY.with_name("python")
    script = HERE / "changes_script.py"
    ran = subprocess.run(
        [python, "-W", "ignore", script, port, credentials["token"], deployment, f"{deployment}-new"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(manager.home)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "ok"), ran.stdout + ran.stderr


def test_scaled_and_updated_by_the_real_cfy(cfy: Cfy, deployment: str) -> None:
    def webs() -> int:
        rows = json.loads(cfy("node-instances", "list", "-d", deployment, "--json"))
        return sum(row["node_id"] == "web" for row in rows)

    scale = ("executions", "start", "scale", "-d", deployment, "-p", "scalable_entity_name=web", "-p")
    assert "Finished executing workflow scale" in cfy(*scale, "delta=1")
    assert webs() == 3
    cfy(*scale, "delta=-2")
    assert webs() == 1
    said = cfy("deployments", "update", deployment, "-b", f"{deployment}-new", "--preview")
    assert "nodes: extra" in said
    assert "Installed nodes:" in said
    cfy("deployments", "update", deployment, "-b", f"{deployment}-new", "-i", "color=blue")
    [done] = json.loads(cfy("deployments", "history", "-d", deployment, "--json"))
    assert done["state"] == "successful"
    assert "successful" in cfy("deployments", "get-update", done["id"])
    assert f"{deployment}-new" in cfy("deployments", "list")
