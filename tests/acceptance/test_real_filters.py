"""Labels, filters, searches and more of Cloudify 7.0.5: its command line, and scripts around its REST
client.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cloudify_client_env import CLOUDIFY_CFY, Cfy
from manager_process import ManagerProcess

HERE = Path(__file__).parent
BLUEPRINT = HERE.parent / "fixtures" / "script_plugin" / "blueprint.yaml"


@pytest.mark.parametrize("script", ["filters_script.py", "breadth_script.py"])
def test_scripts_with_the_real_client(
    manager: ManagerProcess, credentials: dict[str, str], script: str
) -> None:
    port = credentials["url"].rpartition(":")[2]
    ran = subprocess.run(
        [
            str(CLOUDIFY_CFY.with_name("python")),
            "-W",
            "ignore",
            str(HERE / script),
            port,
            credentials["token"],
            str(BLUEPRINT),
        ],
        env={"PATH": "/usr/bin:/bin", "HOME": str(manager.home)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "ok"), ran.stdout + ran.stderr


def test_labels_and_filters_on_the_command_line(cfy: Cfy) -> None:
    cfy("blueprints", "upload", BLUEPRINT, "-b", "sorted")
    cfy("deployments", "create", "kept", "-b", "sorted", "--labels", "tier:web")
    assert "added successfully" in cfy("deployments", "labels", "add", "tier:db,zone:a\\,b", "kept")
    shown = json.loads(cfy("deployments", "labels", "list", "kept", "--json"))
    assert {key: sorted(values) for key, values in shown.items()} == {"tier": ["db", "web"], "zone": ["a,b"]}
    assert "deleted successfully" in cfy("deployments", "labels", "delete", "tier:db", "kept")
    assert "added successfully" in cfy("blueprints", "labels", "add", "kind:x", "sorted")

    rule = ("--labels-rule", "tier=[web,db]", "--attrs-rule", "blueprint_id=sorted")
    assert "created" in cfy("deployments", "filters", "create", "web", *rule)
    assert "tier=[web,db]" in cfy("deployments", "filters", "get", "web")
    assert "updated" in cfy("deployments", "filters", "update", "web", "-lr", "tier is not null")
    assert "tier is not null" in cfy("deployments", "filters", "list")
    rows = json.loads(cfy("deployments", "list", "--filter-id", "web", "--json"))
    assert [row["id"] for row in rows] == ["kept"]
    assert json.loads(cfy("deployments", "list", "-lr", "tier is-not web", "-ar", "id=kept", "--json")) == []
    rows = json.loads(cfy("blueprints", "list", "-lr", "kind=x", "--json"))
    assert [row["id"] for row in rows] == ["sorted"]
    assert "removed" in cfy("deployments", "filters", "delete", "web")
    assert "is invalid" in cfy("deployments", "filters", "create", "web", "-ar", "colour=red", code=1)
