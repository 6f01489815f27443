"""What people type who come from Cloudify, typed into the command line that they have."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from pathlib import Path
from typing import Any

import pytest
from cloudify_client_env import Cfy
from manager_process import ManagerProcess, alive, await_death

SCRIPTED = Path(__file__).parents[1] / "fixtures" / "script_plugin" / "blueprint.yaml"


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def rows(cfy: Cfy, *words: object) -> list[dict[str, Any]]:
    """The table that a command prints."""
    found: list[dict[str, Any]] = json.loads(cfy(*words, "--json"))
    return found


@pytest.fixture(scope="module")
def blueprint(cfy: Cfy) -> str:
    id = unique("scripted")
    cfy("blueprints", "upload", SCRIPTED, "-b", id)
    return id


@pytest.fixture
def deployment(cfy: Cfy, blueprint: str) -> str:
    id = unique("deployment")
    cfy("deployments", "create", id, "-b", blueprint, "-i", "greeting=good morning")
    return id


@pytest.fixture(scope="module")
def installed(cfy: Cfy, blueprint: str) -> str:
    id = unique("installed")
    cfy("deployments", "create", id, "-b", blueprint, "-i", "greeting=good morning")
    cfy("executions", "start", "install", "-d", id)
    return id


def test_profiles(credentials: dict[str, str], tmp_path: Path) -> None:
    use = ["profiles", "use", "127.0.0.1", "--rest-port", credentials["url"].rpartition(":")[2]]
    stranger = Cfy(tmp_path / "home")
    said = stranger(*use, "-u", credentials["username"], "-p", "wrong", code=1)
    assert "Can't use manager 127.0.0.1" in said
    assert "The user name or the password is wrong" in said
    assert "Using manager 127.0.0.1" in stranger(*use, "--manager-token", credentials["token"])
    assert "127.0.0.1" in stranger("profiles", "show-current")
    assert "Cloudify Manager 0.2.0" in stranger("--version")


def test_status(cfy: Cfy) -> None:
    said = cfy("status")
    assert "is not responding" not in said
    for service in ("REST API", "Database", "Workflow engine"):
        assert re.search(rf"\| {service} +\| Active \|", said)
    assert json.loads(cfy("status", "--json"))["status"] == "OK"


def test_blueprints(cfy: Cfy, tmp_path: Path) -> None:
    id = unique("blueprint")
    said = cfy("blueprints", "upload", SCRIPTED, "-b", id, "--labels", "env:test")
    assert f"Blueprint uploaded. The blueprint's id is {id}" in said
    [listed] = [row for row in rows(cfy, "blueprints", "list") if row["id"] == id]
    assert (listed["state"], listed["main_file_name"]) == ("uploaded", "blueprint.yaml")
    assert "A greeting, and who repeats it." in cfy("blueprints", "get", id)
    assert "greeting" in cfy("blueprints", "inputs", id)
    assert "env" in cfy("blueprints", "labels", "list", id)
    assert "added successfully" in cfy("blueprints", "labels", "add", "team:red", id)

    target = tmp_path / "back.tar.gz"
    cfy("blueprints", "download", id, "-o", target)
    assert target.stat().st_size > 500
    again = unique("again")
    cfy("blueprints", "upload", target, "-b", again)

    assert "409" in cfy("blueprints", "upload", SCRIPTED, "-b", id, code=1)
    assert "Blueprint deleted" in cfy("blueprints", "delete", id)
    assert f"no blueprint `{id}`" in cfy("blueprints", "delete", id, code=1)


def test_a_blueprint_that_is_wrong(cfy: Cfy, tmp_path: Path) -> None:
    shutil.copytree(SCRIPTED.parent, tmp_path / "app")
    wrong = tmp_path / "app" / "blueprint.yaml"
    wrong.write_text(SCRIPTED.read_text().replace("cloudify.nodes.Root", "no.such.Type", 1))
    line = next(n for n, text in enumerate(wrong.read_text().splitlines(), 1) if "no.such.Type" in text)
    id = unique("wrong")
    said = cfy("blueprints", "upload", wrong, "-b", id, code=1)
    assert "Invalid blueprint" in said
    assert re.search(rf"(^| )blueprint.yaml:{line}:", said, re.MULTILINE)
    assert "default_tenant/" not in said, "where the manager keeps it is nobody's matter"
    assert "Traceback" not in said

    wrong.write_text(SCRIPTED.read_text())
    cfy("blueprints", "upload", wrong, "-b", id)
    cfy("blueprints", "delete", id)


def test_deployments(cfy: Cfy, blueprint: str, deployment: str) -> None:
    said = cfy("deployments", "create", unique("x"), "-b", blueprint, "-i", "other=1", code=1)
    assert "Unable to create deployment" in said
    assert "`other`" in said
    assert "404" in cfy("deployments", "create", unique("x"), "-b", "none", code=1)

    [listed] = [row for row in rows(cfy, "deployments", "list", "-b", blueprint) if row["id"] == deployment]
    assert listed["blueprint_id"] == blueprint
    assert "good morning" in cfy("deployments", "inputs", deployment)
    assert "say:good morning" in cfy("deployments", "capabilities", deployment)
    assert "added successfully" in cfy("deployments", "labels", "add", "env:test", deployment)
    assert "dependent" not in cfy("deployments", "labels", "list", deployment)
    assert "Missing" not in cfy("workflows", "list", "-d", deployment)
    assert "is used by the deployments" in cfy("blueprints", "delete", blueprint, code=1)
    assert "Deployment deleted" in cfy("deployments", "delete", deployment)
    assert "404" in cfy("deployments", "delete", deployment, code=1)


def test_install_and_uninstall(cfy: Cfy) -> None:
    blueprint, deployment = unique("app"), unique("app")
    said = cfy("install", SCRIPTED, "-b", blueprint, "-d", deployment, "-i", "greeting=hi")
    assert "Finished executing workflow install" in said
    assert "clearing my throat" in said
    [_created, execution] = rows(cfy, "executions", "list", "-d", deployment)
    assert (execution["workflow_id"], execution["status"]) == ("install", "completed")
    assert "hi world" in cfy("deployments", "outputs", deployment)

    assert "live node instances" in cfy("deployments", "delete", deployment, code=1)
    said = cfy("uninstall", deployment)
    assert "Finished executing workflow uninstall" in said
    assert "Deployment deleted" in said
    assert "Blueprint deleted" in said
    assert deployment not in cfy("deployments", "list")


def test_node_instances(cfy: Cfy, installed: str) -> None:
    listed = rows(cfy, "node-instances", "list", "-d", installed)
    assert {row["node_id"]: row["state"] for row in listed} == {"speaker": "started", "echo": "started"}
    speaker = next(row["id"] for row in listed if row["node_id"] == "speaker")
    assert "good morning world" in cfy("node-instances", "get", speaker)
    assert "Successfully updated" in cfy("node-instances", "update-runtime", speaker, "-p", "volume=11")
    assert "11" in cfy("node-instances", "get", speaker)
    assert "not found" in cfy("node-instances", "get", "none", code=1)
    assert {row["id"] for row in rows(cfy, "nodes", "list", "-d", installed)} == {"speaker", "echo"}
    assert "cloudify.interfaces.lifecycle.create" in cfy("nodes", "get", "speaker", "-d", installed)


def test_executions_and_their_events(cfy: Cfy, installed: str) -> None:
    [_created, execution] = rows(cfy, "executions", "list", "-d", installed)
    id = execution["id"]
    said = cfy("executions", "get", id)
    assert id in said
    assert "completed" in said
    said = cfy("events", "list", id)
    assert "clearing my throat" in said
    assert "cloudify.interfaces.lifecycle.create succeeded" in said
    [started] = [line for line in said.splitlines() if "Workflow `install` of" in line]
    assert "<" + installed + ">" in started
    assert "clearing" not in cfy("events", "list", id, "--no-logs")
    assert "clearing" not in cfy("events", "list", id, "--node", "echo")
    assert "Finished executing workflow install" in cfy("events", "list", id, "--tail")
    assert "create" in cfy("executions", "operations", "list", id)
    assert "install" in cfy("executions", "graphs", "list", id)
    assert "not found" in cfy("executions", "get", "none", code=1)
    assert "404" in cfy("events", "list", "none", code=1)


def test_what_cannot_be_started(cfy: Cfy, installed: str) -> None:
    assert "has no workflow `fly`" in cfy("executions", "start", "fly", "-d", installed, code=1)
    said = cfy("executions", "start", "install", "-d", installed, "-p", "speed=9", code=1)
    assert "`speed`" in said


def started(cfy: Cfy, manager: ManagerProcess, *parameters: str) -> tuple[str, Any, str]:
    """An execution whose first operation sleeps: its id, the command that follows it, and the process."""
    manager.event_log.write_text("")
    deployment = manager.deploy()
    given = [word for parameter in parameters for word in ("-p", parameter)]
    following = cfy.begin("executions", "start", "chain", "-d", deployment, "-p", "seconds=600", *given)
    pid = manager.await_logged("start", "step0")[-1]
    [_created, execution] = rows(cfy, "executions", "list", "-d", deployment)
    assert execution["status"] == "started"
    return execution["id"], following, pid


def followed(following: Any) -> str:
    said, _ = following.communicate(timeout=60)
    assert following.returncode == 0, said
    return str(said)


def test_cancel_and_resume(cfy: Cfy, manager: ManagerProcess) -> None:
    id, following, pid = started(cfy, manager)
    assert "has been sent" in cfy("executions", "cancel", id)
    manager.end(id)
    assert "cancelled" in followed(following)
    assert "cancelled" in cfy("executions", "get", id)
    # What the workflow had started runs on, and is told of.
    assert alive(pid)
    [left] = [row for row in rows(cfy, "executions", "operations", "list", id) if row["state"] == "started"]
    assert left["manager_name"]
    assert "400" in cfy("executions", "cancel", id, code=1)
    assert "400" in cfy("executions", "cancel", id, "-f", code=1)

    assert "has been sent" in cfy("executions", "cancel", id, "--kill")
    await_death(pid)
    manager.event_log.write_text("")
    assert "has been sent" in cfy("executions", "resume", id)
    again = manager.await_logged("start", "step0")[-1]
    cfy("executions", "cancel", id, "--kill")
    await_death(again)
    assert manager.end(id)["status"] == "cancelled"


def test_force_cancel(cfy: Cfy, manager: ManagerProcess) -> None:
    id, following, pid = started(cfy, manager)
    assert "Force-cancelling" in cfy("executions", "cancel", id, "-f")
    assert manager.end(id)["status"] == "cancelled"
    followed(following)
    assert alive(pid)
    cfy("executions", "cancel", id, "--kill")
    await_death(pid)


def test_kill(cfy: Cfy, manager: ManagerProcess) -> None:
    id, following, pid = started(cfy, manager)
    assert "Killing" in cfy("executions", "cancel", id, "--kill")
    assert manager.end(id)["status"] == "cancelled"
    assert not alive(pid)
    followed(following)
    assert cfy("executions", "operations", "list", id, "--state", "started").count("RemoteTask") == 0


def test_a_workflow_that_fails(cfy: Cfy, manager: ManagerProcess) -> None:
    deployment = manager.deploy()
    said = cfy(
        "executions", "start", "chain", "-d", deployment,
        "-p", "steps=1", "-p", "operation=sleeper.act", "-p", '{"kwargs": {"fail": "never"}}', code=1,
    )  # fmt: skip
    assert "failed" in said
    assert "this cannot work" in said
    [_created, execution] = rows(cfy, "executions", "list", "-d", deployment)
    assert execution["status"] == "failed"
    assert "this cannot work" in cfy("executions", "get", execution["id"])


def test_queue_and_schedule(cfy: Cfy, manager: ManagerProcess) -> None:
    deployment = manager.deploy()
    said = cfy("executions", "start", "chain", "-d", deployment, "--schedule", "203012312359+0000")
    assert "is scheduled for" in said
    [_created, execution] = rows(cfy, "executions", "list", "-d", deployment)
    assert execution["scheduled_for"] == "2030-12-31T23:59:00.000Z"
    cfy("executions", "cancel", execution["id"])
    assert "cancelled" in cfy("executions", "get", execution["id"])


def test_tokens(cfy: Cfy) -> None:
    made = json.loads(cfy("tokens", "create", "-d", "for a test", "-e", "+10h", "--json"))
    assert made["value"].startswith("cwt-")
    assert made["id"] in cfy("tokens", "list")
    cfy("tokens", "delete", made["id"])
    assert made["id"] not in cfy("tokens", "list")


def test_what_there_is_none_of(cfy: Cfy) -> None:
    for noun in ("plugins", "sites", "snapshots"):
        assert "0 of 0" in cfy(noun, "list")
    assert "default_tenant" in cfy("tenants", "list")
