"""`cfy` as a user has it: nothing is configured, nothing runs, and the first command starts a manager."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psutil
import pytest
from manager_process import leftovers

CFY = [sys.executable, "-c", "from cloudwright.cli.main import main; main()"]
BLUEPRINT = """
tosca_definitions_version: cloudify_dsl_1_3
imports:
  - cloudify/types/types.yaml
inputs:
  pause: { default: "0" }
node_types:
  shop.Part:
    derived_from: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create:
          implementation: work.sh
          inputs: { pause: { default: { get_input: pause } } }
node_templates:
  db: { type: shop.Part }
  web:
    type: shop.Part
    relationships: [{ target: db, type: cloudify.relationships.connected_to }]
outputs:
  port: { value: 80, description: where it listens }
"""
SCRIPT = "#!/bin/sh\nctx logger info 'at work'\nsleep $pause\n"
WAIT_SECONDS = 60


class User:
    """Somebody with a home of their own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.shop = folder / "shop"
        self.shop.mkdir()
        (self.shop / "blueprint.yaml").write_text(BLUEPRINT)
        (self.shop / "work.sh").write_text(SCRIPT)
        environ = {key: value for key, value in os.environ.items() if not key.startswith("CLOUDWRIGHT_")}
        self.environ = environ | {"CLOUDWRIGHT_HOME": str(self.home), "CLOUDWRIGHT_KILL_GRACE": "1"}

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen([*CFY, *arguments], env=self.environ, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.begin(*arguments)
        out, err = process.communicate(timeout=WAIT_SECONDS)
        return process.returncode, out, err

    def json(self, *arguments: str) -> Any:
        code, out, err = self.run(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    def manager(self) -> psutil.Process:
        return psutil.Process(int((self.home / "manager.lock").read_text()))

    def go(self) -> None:
        manager = self.manager()
        manager.terminate()
        manager.wait(WAIT_SECONDS)
        assert not leftovers(self.home), (self.home / "manager.log").read_text()


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[User]:
    """A user whose manager does not run yet."""
    somebody = User(tmp_path)
    yield somebody
    somebody.go()


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user whose manager runs. Each test uses names of its own."""
    somebody = User(tmp_path_factory.mktemp("user"))
    assert somebody.json("status")["status"] == "OK"
    yield somebody
    somebody.go()


def await_line(process: subprocess.Popen[str], wanted: str, stream: IO[str] | None = None) -> str:
    """Read what a command prints up to the line that has the text, and return that line."""
    printed = stream or process.stdout
    assert printed is not None
    assert process.stderr is not None
    for line in printed:
        if wanted in line:
            return line
    raise AssertionError(f"`{wanted}` was not printed: {process.stderr.read()}")


def test_commands_that_start_at_once_start_one_manager(newcomer: User) -> None:
    started = [newcomer.begin("status", "--json") for _ in range(3)]
    answers = [process.communicate(timeout=WAIT_SECONDS) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], answers
    assert {json.loads(out)["status"] for out, _ in answers} == {"OK"}
    told = "".join(err for _, err in answers)
    assert (
        told == f"Started a manager in the background (pid {newcomer.manager().pid}, home {newcomer.home})\n"
    )
    assert (newcomer.home / "manager.log").stat().st_mode & 0o077 == 0


def test_from_a_blueprint_to_its_end(user: User) -> None:
    code, out, err = user.run("install", str(user.shop / "blueprint.yaml"))
    assert (code, err) == (0, ""), out
    assert out.startswith("Blueprint `shop` is uploaded.\nDeployment `shop` is created.\n")
    assert "INFO: at work" in out
    assert "has ended well" in out.splitlines()[-1]
    assert [item["state"] for item in user.json("node-instances", "list", "-d", "shop")] == ["started"] * 2
    assert user.json("deployments", "outputs", "shop")["port"]["value"] == 80
    [execution, _created] = user.json("executions", "list", "-d", "shop")
    assert execution["status"] == "terminated"
    assert len(user.json("executions", "operations", "list", execution["id"])) == 2
    assert user.json("events", "list", execution["id"])[-1]["event_type"] == "workflow_succeeded"
    code, out, err = user.run("uninstall", "shop")
    assert (code, err) == (0, ""), out
    assert out.splitlines()[-2:] == ["Deployment `shop` is deleted.", "Blueprint `shop` is deleted."]
    assert user.json("deployments", "list", "--search", "shop") == []
    assert user.json("blueprints", "list", "--search", "shop") == []


def test_an_invalid_blueprint(user: User) -> None:
    bad = user.shop / "bad.yaml"
    bad.write_text(BLUEPRINT.replace("cloudify.nodes.Root", "cloudify.nodes.Rot"))
    code, out, _ = user.run("blueprints", "validate", str(bad), "--json")
    [problem] = json.loads(out)["problems"]
    assert (code, problem["suggestion"]) == (1, "cloudify.nodes.Root")
    line = bad.read_text().splitlines()[problem["line"] - 1]
    assert line[problem["column"] - 1 :] == "cloudify.nodes.Rot"
    bad.unlink()


def test_ctrl_c_and_what_still_runs_after_it(user: User) -> None:
    process = user.begin("install", str(user.shop), "-b", "slow", "-i", "pause=300")
    await_line(process, "INFO: at work")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline() == "Ctrl-C: asking the workflow to cancel ...\n"
    await_line(process, "1 operation still runs. Ctrl-C kills what still runs", process.stderr)
    [execution, _created] = user.json("executions", "list", "-d", "slow")
    assert execution["status"] == "cancelled"
    [operation] = user.json("executions", "operations", "list", execution["id"], "--state", "started")
    assert operation["residual"]
    running = psutil.Process(operation["pid"])
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 1
    assert "was cancelled after" in err
    running.wait(WAIT_SECONDS)
    assert user.run("executions", "cancel", execution["id"])[0] == 1


def test_a_manager_that_dies_is_brought_back_by_who_follows_it(newcomer: User) -> None:
    assert newcomer.run("blueprints", "upload", str(newcomer.shop), "-b", "slow")[0] == 0
    assert newcomer.run("deployments", "create", "slow", "-b", "slow", "-i", "pause=300")[0] == 0
    process = newcomer.begin("executions", "start", "install", "-d", "slow")
    await_line(process, "INFO: at work")
    newcomer.manager().kill()
    out, err = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 1, out
    assert "broke: it closed it without a whole answer. Trying again ..." in err
    assert f"Started a manager in the background (pid {newcomer.manager().pid}" in err
    [execution, _created] = newcomer.json("executions", "list", "-d", "slow")
    assert execution["status"] == "failed"
