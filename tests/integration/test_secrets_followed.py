"""One value is followed through everything that is recorded of executions that read it and say it."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from manager_process import ManagerProcess, running_manager

from cloudwright.client.api import Client

BLUEPRINT = Path(__file__).parents[1] / "fixtures" / "secret_plugin"
SENTINEL = "s3ntinel-of&a secret"
#: In the ways in which texts quote it too.
FORMS = ("s3ntinel", "of&a", "of%26a")


def client_of(manager: ManagerProcess) -> Client:
    assert manager.client is not None
    return manager.client


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[ManagerProcess]:
    with running_manager(tmp_path, kill_grace=0.3, task_retry_interval=0.1) as running:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            tar.add(BLUEPRINT, "leaky", filter=lambda info: None if "__pycache__" in info.name else info)
        archive.seek(0)
        client_of(running).blueprints.upload("leaky", archive, main_file="blueprint.yaml")
        client_of(running).secrets.create("password", SENTINEL)
        client_of(running).deployments.create("leaky", blueprint_id="leaky")
        yield running


def everything(manager: ManagerProcess, execution: str) -> str:
    """All that the REST API, the log and the files of the manager say, but for the secret itself."""
    client = client_of(manager)
    told = [
        client.executions.get(execution),
        manager.events(execution),
        manager.operations(execution),
        client.operations.list(execution_id=execution, skip_internal=False).items,
        client.deployments.get("leaky"),
        client.nodes.list(deployment_id="leaky").items,
        client.node_instances.list(deployment_id="leaky").items,
        client.blueprints.get("leaky"),
        client.secrets.list().items,
    ]
    files = [
        file.read_bytes().decode("latin-1")
        for file in manager.home.rglob("*")
        if file.is_file() and not file.is_symlink()
    ]
    return "\n".join([json.dumps(told), manager.log(), *files])


def test_a_secret_is_in_no_record(manager: ManagerProcess) -> None:
    first = manager.run("leak", "leaky")
    end = manager.end(first)
    story = manager.story(first)
    assert end["status"] == "failed", story
    for said in ("logged: ***", "printed: ***", "quoted:", "evented: ***", "evented by the workflow: ***"):
        assert said in story, said
    assert "raised: ***" in story
    assert "last words: ***" in story
    assert "***" in end["error"]
    names = {operation["name"]: operation for operation in manager.operations(first)}
    assert {name: operation["state"] for name, operation in names.items()} == {
        "talk.aloud": "succeeded",
        "talk.plain": "succeeded",
        "talk.dying": "failed",
    }, story
    recorded = everything(manager, first)
    assert "logged" in recorded
    for form in FORMS:
        assert form not in recorded, recorded[max(0, recorded.index(form) - 300) :][:400]
    assert client_of(manager).secrets.get("made")["value"] == f"{SENTINEL}-made"
    assert client_of(manager).deployments.outputs("leaky") == {"password": SENTINEL}

    # Its manager dies, and a user resumes it: the workflow gets the result back, and says it again.
    manager.kill9()
    manager.restart()
    client_of(manager).executions.resume(first)
    assert manager.end(first)["status"] == "failed"
    recorded = everything(manager, first)
    for form in FORMS:
        assert form not in recorded, recorded[max(0, recorded.index(form) - 300) :][:400]
