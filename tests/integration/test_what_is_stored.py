"""What is stored is carried out, whatever messages are lost and wherever the manager dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest
from manager_process import ManagerProcess, alive, await_death, running_manager

import chaos
from cloudwright.client.errors import ConnectionFailed

#: A manager that loses messages, or kills itself at a named point.
PROGRAM = next(iter(chaos.__path__)) + "/manager.py"
FUSE = "CHAOS_FUSE"


def faulty_manager(folder: Path, fuse: str = "", **settings: Any) -> AbstractContextManager[ManagerProcess]:
    environment = {FUSE: fuse, "CHAOS_BLOWN": str(folder / "blown")}
    return running_manager(folder, program=PROGRAM, environment=environment, **settings)


@pytest.fixture(params=["sqlite", "postgresql"])
def deaf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ManagerProcess]:
    """Every message on its bus is lost."""
    settings = {"kill_grace": 0.3, "reconcile_interval": 0.2, "task_retry_interval": 0.1}
    if request.param == "postgresql":
        settings["database_url"] = request.getfixturevalue("postgres").create_empty_database()
    with faulty_manager(tmp_path, "bus=1", **settings) as manager:
        yield manager


def leave_running(manager: ManagerProcess, **more: Any) -> tuple[str, str]:
    """An execution that is over, with an operation that runs on and ignores SIGTERM; its id and theirs."""
    id = manager.run("chain", steps=1, seconds=600, kwargs={"ignore_sigterm": True, **more})
    _, _, pid = manager.await_logged("start", "step0")
    manager.cancel(id, "force-cancel")
    assert manager.end(id)["residual_operations"] == 1
    assert alive(pid)
    return id, pid


def states(manager: ManagerProcess, id: str) -> list[str]:
    return [operation["state"] for operation in manager.operations(id)]


def test_a_kill_of_what_is_left_reaches_it_without_any_message(deaf: ManagerProcess) -> None:
    id, pid = leave_running(deaf, children=1)
    child = deaf.logged("child", "step0")[0][2]
    deaf.cancel(id, "kill")
    await_death(pid)
    await_death(child)
    while states(deaf, id) == ["started"]:
        pass
    assert states(deaf, id) == ["failed"]
    assert deaf.status(id) == "cancelled"
    # It is carried out once.
    signals = [event["message"] for event in deaf.events(id) if event["event_type"] == "operation_signalled"]
    assert [signal.split()[0] for signal in signals] == ["SIGTERM", "SIGKILL"]


def test_a_kill_of_what_is_left_survives_the_manager_that_answered_it(tmp_path: Path) -> None:
    # SIGTERM is ignored and SIGKILL far away: it is for the manager that starts next.
    with faulty_manager(tmp_path, kill_grace=600) as manager:
        id, pid = leave_running(manager)
        manager.cancel(id, "kill")
        manager.kill9()
        manager.restart()
        assert not alive(pid)
        assert states(manager, id) == ["failed"]
        assert manager.status(id) == "cancelled"


def test_a_resume_after_the_kill_keeps_its_own_operations(deaf: ManagerProcess) -> None:
    id, pid = leave_running(deaf)
    deaf.event_log.write_text("")
    deaf.cancel(id, "kill")
    deaf.client.executions.resume(id)
    # It waits for the end of what is killed, and runs it again: that is not meant.
    _, _, again = deaf.await_logged("start", "step0")
    assert not alive(pid)
    other = deaf.run("chain", steps=1)
    assert deaf.end(other)["status"] == "terminated"
    assert alive(again)
    assert deaf.status(id) == "started"
    deaf.cancel(id, "kill")
    assert deaf.end(id)["status"] == "cancelled"
    assert not alive(again)


@pytest.mark.parametrize(
    ("point", "status"),
    [
        # Before its function could be called: it is run as if nothing had been.
        ("fork.before=1", "terminated"),
        ("fork.after=1", "terminated"),
        ("hear.before=1", "terminated"),
        # It was about to be, and may have done anything.
        ("send.before=2", "failed"),
    ],
)
def test_a_workflow_that_cannot_be_resumed_fails_only_if_it_may_have_begun(
    tmp_path: Path, point: str, status: str
) -> None:
    with faulty_manager(tmp_path) as manager:
        deployment = manager.deploy()
        manager.kill9()
        manager._settings[FUSE] = point
        manager.restart()
        with suppress(ConnectionFailed):
            manager.run("unresumable", deployment, seconds=0)
        manager.process.wait(30)
        manager.kill9()
        assert point.partition("=")[0] in (tmp_path / "blown").read_text()
        manager._settings[FUSE] = ""
        manager.restart()
        (_created, found) = manager.client.executions.list(deployment_id=deployment).items
        execution = manager.end(found["id"])
        assert execution["status"] == status, execution["error"]
        assert len(manager.logged("start")) == (status == "terminated")
        if status == "failed":
            assert "cannot be resumed" in execution["error"]
