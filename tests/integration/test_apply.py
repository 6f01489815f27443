"""`cfy apply` against a real manager: the same command installs, updates, and then has nothing to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from manager_process import ManagerProcess

CFY = [sys.executable, "-c", "from cloudwright.cli.main import main; main()"]
BLUEPRINT = """
tosca_definitions_version: cloudify_dsl_1_5
imports: [cloudify/types/types.yaml]
inputs: {port: {type: integer, default: 80}}
node_types: {app: {derived_from: cloudify.nodes.Root, properties: {port: {default: 1}}}}
node_templates:
  web: {type: app, properties: {port: {get_input: port}}}
"""
MORE = "  db: {type: app}\n"
Apply = Callable[..., tuple[int, str]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "blueprint.yaml").write_text(BLUEPRINT)
    return folder


@pytest.fixture
def apply(manager: ManagerProcess, shop: Path) -> Apply:
    """Runs `cfy apply` in the folder of the blueprint; returns its exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [*CFY, "apply", *arguments],
            cwd=shop,
            env=os.environ | {"CLOUDWRIGHT_HOME": str(manager.home)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_apply_installs_updates_and_then_does_nothing(
    manager: ManagerProcess, apply: Apply, shop: Path
) -> None:
    client = manager.client
    code, said = apply("--preview", "--detailed-exitcode")
    assert (code, "+ deployment shop\n+ node web (app)\n" in said) == (3, True), said
    assert "uploaded" not in said
    assert [one for one in client.blueprints.list().items if one["id"].startswith("shop")] == []

    code, said = apply("-i", "port=8080")
    assert (code, "has ended well" in said) == (0, True), said
    executions = client.executions.list(deployment_id="shop").total
    code, said = apply()
    assert (code, said) == (0, "Deployment `shop` is as its blueprint says: nothing to do.\n")
    assert apply("--preview", "--detailed-exitcode")[0] == 0
    assert client.executions.list(deployment_id="shop").total == executions

    (shop / "blueprint.yaml").write_text(BLUEPRINT + MORE)
    code, said = apply("--preview", "--json")
    changes = json.loads(said)["instance_changes"]
    assert [(change["node_id"], change["action"]) for change in changes] == [("db", "add")]
    code, said = apply()
    assert code == 0, said
    deployment = client.deployments.get("shop")
    # What was given once stays, and the blueprint of another content has another id.
    assert deployment["inputs"] == {"port": 8080}
    assert deployment["blueprint_id"].startswith("shop-")
    states = {one["node_id"]: one["state"] for one in client.node_instances.list(deployment_id="shop").items}
    assert states == {"web": "started", "db": "started"}
    assert apply()[1].endswith("nothing to do.\n")


def test_a_script_that_changed_is_used_from_then_on(
    manager: ManagerProcess, apply: Apply, shop: Path
) -> None:
    # Found by a trial: the plan of an update knows no scripts, so that there seemed to be nothing to do.
    (shop / "script.sh").write_text("#!/bin/sh\n")
    interfaces = "interfaces: {cloudify.interfaces.lifecycle: {stop: script.sh}}"
    (shop / "blueprint.yaml").write_text(f"{BLUEPRINT}  db: {{type: app, {interfaces}}}\n")
    assert apply("-d", "scripted")[0] == 0
    before = manager.client.deployments.get("scripted")["blueprint_id"]
    (shop / "script.sh").write_text("#!/bin/sh\nctx logger info changed\n")
    code, said = apply("-d", "scripted", "--preview", "--detailed-exitcode")
    assert (code, "~   files of the blueprint" in said) == (3, True), said
    assert manager.client.deployments.get("scripted")["blueprint_id"] == before
    assert apply("-d", "scripted")[0] == 0
    assert manager.client.deployments.get("scripted")["blueprint_id"] != before
    assert apply("-d", "scripted")[1].endswith("nothing to do.\n")
    execution = manager.run("uninstall", deployment="scripted")
    assert manager.end(execution)["status"] == "terminated"
    assert "info: changed" in manager.story(execution)


def test_apply_says_what_it_leaves_half_stopped(manager: ManagerProcess, apply: Apply, shop: Path) -> None:
    (shop / "stop.sh").write_text("#!/bin/sh\nexit 1\n")
    hook = "stop: {implementation: stop.sh, max_retries: 0}"
    interfaces = f"interfaces: {{cloudify.interfaces.lifecycle: {{{hook}}}}}"
    (shop / "blueprint.yaml").write_text(f"{BLUEPRINT}  db: {{type: app, {interfaces}}}\n")
    assert apply("-d", "stuck")[0] == 0
    assert manager.end(manager.run("uninstall", deployment="stuck"))["status"] == "failed"
    code, said = apply("-d", "stuck", "--preview")
    assert (code, "(it is deleted, not started)" in said, "is stopping and stays so" in said) == (
        0,
        True,
        True,
    )
    assert "nothing to do" not in said


def test_apply_finishes_what_an_earlier_try_left(manager: ManagerProcess, apply: Apply, shop: Path) -> None:
    script = shop / "create.sh"
    script.write_text("#!/bin/sh\nexit 1\n")
    hook = "create: {implementation: create.sh, max_retries: 0}"
    interfaces = f"interfaces: {{cloudify.interfaces.lifecycle: {{{hook}}}}}"
    (shop / "blueprint.yaml").write_text(f"{BLUEPRINT}  db: {{type: app, {interfaces}}}\n")
    code, said = apply("-d", "late")
    assert (code, "failed after" in said) == (1, True), said
    code, said = apply("-d", "late", "--preview", "--detailed-exitcode")
    assert (code, "(it is creating, not started)" in said) == (3, True), said
    script.write_text("#!/bin/sh\nexit 0\n")
    assert apply("-d", "late")[0] == 0
    assert apply("-d", "late")[1].endswith("nothing to do.\n")


def test_a_new_project_is_installed_at_once(manager: ManagerProcess, apply: Apply, tmp_path: Path) -> None:
    folder = tmp_path / "my-shop"
    program = [sys.executable, "-c", "from cloudwright.cli.server import main; main()", "init", str(folder)]
    made = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert (made.returncode, "blueprint.yaml" in made.stdout) == (0, True), made.stderr
    code, said = apply(str(folder), "-i", str(folder / "inputs.yaml"))
    assert code == 0, said
    outputs = manager.client.deployments.outputs("my-shop")
    assert outputs == {"said": "Hello"}
    again = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert again.returncode == 1
    assert "has `blueprint.yaml`" in again.stderr
    bad = subprocess.run(
        [*program[:-1], str(tmp_path / "1 shop")], capture_output=True, text=True, timeout=60
    )
    assert (bad.returncode, "cannot be the name of a project" in bad.stderr) == (2, True)
