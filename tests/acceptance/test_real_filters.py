"""Labels, filters, searches and more of Cloudify 7.0.5: its command line, and scripts around its REST
client.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from cloudify_client_env import CLOUDIFY_CFY, Cfy
from manager_process import ManagerProcess

from cloudwright.cli.main import cfy as our_cfy

HERE = Path(__file__).parent
BLUEPRINT = HERE.parent / "fixtures" / "script_plugin" / "blueprint.yaml"


@pytest.mark.parametrize("script", ["filters_script.py", "breadth_script.py", "snapshots_script.py"])
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


def test_the_same_with_our_command_line(
    credentials: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLOUDWRIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CLOUDWRIGHT_URL", credentials["url"])
    monkeypatch.setenv("CLOUDWRIGHT_TOKEN", credentials["token"])

    def ours(*words: object, code: int = 0) -> str:
        result = CliRunner().invoke(our_cfy, [str(word) for word in words])
        assert result.exit_code == code, f"cfy {words} ended with {result.exit_code}:\n{result.output}"
        return result.output

    ours("blueprints", "upload", BLUEPRINT, "-b", "ours")
    ours("deployments", "create", "mine", "-b", "ours", "--labels", "tier:web")
    assert "added tier:db, zone:a,b" in ours("deployments", "labels", "add", "tier:db,zone:a\\,b", "mine")
    assert "has all of them already" in ours("deployments", "labels", "add", "tier:db", "mine")
    assert "deleted tier:db, zone:a,b" in ours("deployments", "labels", "delete", "zone,tier:db", "mine")
    assert json.loads(ours("deployments", "labels", "list", "mine", "--json")) == {"tier": ["web"]}
    assert "has none of them" in ours("deployments", "labels", "delete", "zone", "mine")
    assert "added kind:x" in ours("blueprints", "labels", "add", "kind:x", "ours")

    rules = ("-lr", "tier=[web,db]", "-ar", "blueprint_id=ours")
    assert "is created" in ours("deployments", "filters", "create", "fine", *rules)
    assert "tier=[web,db]" in ours("deployments", "filters", "get", "fine")
    assert "is changed" in ours("deployments", "filters", "update", "fine", "-lr", "tier is not null")
    assert "tier is not null" in ours("deployments", "filters", "list")
    found = json.loads(ours("deployments", "list", "--filter-id", "fine", "--json"))
    assert [row["id"] for row in found] == ["mine"]
    assert json.loads(ours("deployments", "list", "-lr", "tier is-not web", "-ar", "id=mine", "--json")) == []
    found = json.loads(ours("blueprints", "list", "-lr", "kind=x", "--json"))
    assert "ours" in [row["id"] for row in found]
    assert "is deleted" in ours("deployments", "filters", "delete", "fine")
    assert "is not a rule" in ours("deployments", "list", "-lr", "tier ~ web", code=2)
    assert "no attribute `colour`" in ours("deployments", "list", "-ar", "colour=red", code=1)
    assert "Give what to change" in ours("deployments", "filters", "update", "fine", code=2)

    assert "TOTAL" in ours("deployments", "summary", "blueprint_id", "deployment_status")
    counted = json.loads(ours("node-instances", "summary", "node_id", "--json"))
    assert "echo" in [row["node_id"] for row in counted]
    assert "is created" in ours("sites", "create", "attic", "--location", "32.1,34.8")
    assert "belongs to the site `attic`" in ours("deployments", "set-site", "mine", "-s", "attic")
    assert "is changed" in ours("sites", "update", "attic", "-n", "cellar", "--location", "")
    assert "cellar" in ours("sites", "list")
    assert "is deleted" in ours("sites", "delete", "cellar")
    assert "task_retries` is 7" in ours("config", "update", "task_retries=7")
    assert "task_retries" in ours("config", "list")
    assert "activated" in ours("maintenance-mode", "activate", "--wait")
    assert "activated" in ours("maintenance-mode", "status")
    assert "maintenance" in ours("deployments", "create", "late", "-b", "ours", code=1)
    assert "is off" in ours("maintenance-mode", "deactivate")
    assert "is made" in ours("snapshots", "create", "mine", "--wait-for-status")
    assert "is in" in ours("snapshots", "download", "mine", "-o", tmp_path / "mine.zip")
    assert "is uploaded" in ours("snapshots", "upload", tmp_path / "mine.zip", "-s", "again")
    assert "has blueprints or deployments" in ours("snapshots", "restore", "again", code=1)
    assert "is restored" in ours("snapshots", "restore", "again", "--force", "--wait-for-status")
    assert "No snapshot" in ours("snapshots", "status")
    assert "is deleted" in ours("snapshots", "delete", "mine")
    assert "again" in ours("snapshots", "list")
    file = tmp_path / "events.jsonl"
    ours("executions", "start", "install", "-d", "mine")
    assert "Deleted" in ours("events", "delete", "mine", "--store-before", "-o", file)
    assert "clearing my throat" in file.read_text()
    assert "Deleted" in ours("executions", "delete", "--keep-last", "1")
    assert "There are no executions to delete" in ours("executions", "delete", "--before", "2 weeks")
    assert "is not an age" in ours("executions", "delete", "--before", "soon", code=2)


def test_snapshots_on_the_command_line(cfy: Cfy, tmp_path: Path) -> None:
    assert "The execution's id is" in cfy("snapshots", "create", "typed", "--wait-for-status")
    assert "typed" in cfy("snapshots", "list")
    assert "downloaded as" in cfy("snapshots", "download", "typed", "-o", tmp_path / "typed.zip")
    assert "No snapshot is currently being restored" in cfy("snapshots", "status")
    assert "deleted successfully" in cfy("snapshots", "delete", "typed")
