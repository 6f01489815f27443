"""What modules of plugins import and do while they are imported, in an operation's process."""

from __future__ import annotations

import io
import os
import signal
import tarfile
from pathlib import Path

import pytest
from manager_process import ManagerProcess, alive, await_death

HERE = Path(__file__).parents[1] / "fixtures" / "importing_plugin"


@pytest.fixture(scope="module")
def deployment(manager: ManagerProcess) -> str:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(HERE, "importing", filter=lambda info: None if "__pycache__" in info.name else info)
    archive.seek(0)
    manager.client.blueprints.upload("importing", archive, main_file="blueprint.yaml")
    manager.client.deployments.create("importing", blueprint_id="importing")
    return "importing"


def started(manager: ManagerProcess, deployment: str, operation: str) -> str:
    return manager.run(
        "execute_operation", deployment, operation=f"lab.{operation}", node_ids=["missing"], queue=True
    )


def result(manager: ManagerProcess, deployment: str, operation: str) -> object:
    execution = started(manager, deployment, operation)
    ended = manager.end(execution)
    assert ended["status"] == "terminated", manager.story(execution)
    [row] = manager.operations(execution)
    return row["result"]


def test_what_plugins_import_is_there(manager: ManagerProcess, deployment: str) -> None:
    names = (HERE / "plugins" / "importing" / "names.txt").read_text().splitlines()[1:]
    assert sum(len(line.partition(":")[2].split()) or 1 for line in names) >= 84
    execution = manager.run("install", deployment)
    assert manager.end(execution)["status"] == "terminated", manager.story(execution)
    [instance] = manager.client.node_instances.list(deployment_id=deployment, node_id="every").items
    assert instance["runtime_properties"]["missing"] == []


@pytest.mark.parametrize(
    ("operation", "missing"),
    [
        ("module", "`cloudify_types.component.component`"),
        ("name", "`CLUSTER_SETTINGS_PATH_KEY` of `cloudify.constants`"),
    ],
)
def test_what_cloudify_has_and_is_not_here_is_named(
    manager: ManagerProcess, deployment: str, operation: str, missing: str
) -> None:
    ended = manager.end(started(manager, deployment, operation))
    assert ended["status"] == "failed"
    assert missing in ended["error"]
    assert "What Cloudify has under these names, Cloudwright brings itself" in ended["error"]


def test_an_import_that_starts_a_thread(manager: ManagerProcess, deployment: str) -> None:
    assert result(manager, deployment, "thread") == 2


def test_an_import_that_forks(manager: ManagerProcess, deployment: str) -> None:
    child = result(manager, deployment, "fork")
    # The operation succeeded, and so leaves what it started.
    assert isinstance(child, int)
    assert alive(child)
    os.kill(child, signal.SIGKILL)


def test_an_import_that_ends_the_process(manager: ManagerProcess, deployment: str) -> None:
    ended = manager.end(started(manager, deployment, "exit"))
    assert ended["status"] == "failed"
    assert "exit code 7" in ended["error"]


def test_an_import_that_hangs_is_killed(manager: ManagerProcess, deployment: str) -> None:
    execution = started(manager, deployment, "hang")
    pid = manager.event(execution, "hanging")["message"].split()[-1]
    manager.cancel(execution, "kill")
    assert manager.end(execution)["status"] == "cancelled"
    await_death(pid)


def test_an_import_that_writes_a_gigabyte(manager: ManagerProcess, deployment: str) -> None:
    execution = started(manager, deployment, "write")
    assert manager.end(execution)["status"] == "terminated", manager.story(execution)
    logged = manager.client.events.list(execution_id=execution).items
    assert sum(len(event["message"]) for event in logged) < 2 << 20
    assert any("dropped" in event["message"] for event in logged)
