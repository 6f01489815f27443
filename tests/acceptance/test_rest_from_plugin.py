"""Plugins ask the REST API as they always did, with the rights of the user who started the execution."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from manager_process import ManagerProcess

REST_PLUGIN = Path(__file__).parents[1] / "fixtures" / "rest_plugin"


def test_a_plugin_asks_the_rest_api(manager: ManagerProcess) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(REST_PLUGIN, "asking", filter=lambda info: None if "__pycache__" in info.name else info)
    archive.seek(0)
    client = manager.client
    assert client is not None
    client.blueprints.upload("asking", archive, main_file="blueprint.yaml")
    client.deployments.create("asking", blueprint_id="asking")
    assert manager.end(manager.run("install", "asking"))["status"] == "terminated"

    [instance] = client.node_instances.list(deployment_id="asking").items
    found = instance["runtime_properties"]
    assert found["nodes"] == ["asker"]
    assert "There is no blueprint `none`" in found["refusal"]
    [label] = client.deployments.get("asking")["labels"]
    assert (label["key"], label["value"], label["created_by"]) == ("asked-by", instance["id"], "admin")
