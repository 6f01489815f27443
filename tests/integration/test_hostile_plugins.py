"""Workflows and operations that do what they should not: each ends in a clear error, and the manager is
untouched.
"""

from __future__ import annotations

import os
import signal

import pytest
from manager_process import ManagerProcess, await_death, workflow_processes

pytestmark = pytest.mark.usefixtures("event_log")


@pytest.mark.parametrize(
    ("how", "status", "error"),
    [
        ("exit", "failed", "exit code 3"),
        ("raise", "failed", "a wrong value"),
        ("recurse", "failed", "recursion"),
        ("memory", "failed", "emory"),
        ("close", "failed", "closed its connection"),
        ("print", "terminated", None),
        ("binary", "terminated", None),
        ("system_exit", "failed", "4"),
    ],
)
def test_a_workflow_that_misbehaves_ends_with_a_clear_error(
    manager: ManagerProcess, how: str, status: str, error: str
) -> None:
    execution = manager.end(manager.run("misbehaving", how=how))
    assert execution["status"] == status
    if error is None:
        assert not execution["error"]
    else:
        assert error in execution["error"]
    assert manager.client.status()["status"] == "OK"


def test_a_question_that_nobody_can_answer_is_answered_with_an_error_and_the_workflow_goes_on(
    manager: ManagerProcess,
) -> None:
    id = manager.run("misbehaving", how="ask")
    told = manager.event(id, "it was told")["message"]
    assert "The argument `id` of `node_instance` is missing" in told
    assert manager.end(id)["status"] == "terminated"
    assert manager.logged("end", "after")
    assert manager.client.status()["status"] == "OK"


def test_what_a_workflow_printed_last_is_in_its_error(manager: ManagerProcess) -> None:
    assert "about to leave" in manager.end(manager.run("misbehaving", how="exit"))["error"]


def test_a_workflow_whose_module_does_not_exist_is_named(manager: ManagerProcess) -> None:
    execution = manager.end(manager.run("missing_module"))
    assert execution["status"] == "failed"
    assert "nowhere" in execution["error"]


@pytest.mark.parametrize(
    ("fail", "error"), [("never", "this cannot work"), ("exit", "exit code 7"), ("signal", "SIGSEGV")]
)
def test_an_operation_that_fails_for_good_fails_its_workflow_by_name(
    manager: ManagerProcess, fail: str, error: str
) -> None:
    os.environ.pop("nothing", None)
    id = manager.run("chain", steps=1, kwargs={"fail": fail})
    if fail != "never":
        # These may be retried; enough was seen once the first attempt is recorded.
        assert error in manager.event(id, "task_failed")["message"]
        manager.cancel(id, "kill")
        assert manager.end(id)["status"] in {"cancelled", "failed"}
        return
    execution = manager.end(id)
    assert execution["status"] == "failed"
    assert error in execution["error"]


def test_an_operation_that_asks_to_be_retried_is(manager: ManagerProcess) -> None:
    assert manager.end(manager.run("chain", steps=1, kwargs={"fail": "retry"}))["status"] == "terminated"
    assert len(manager.logged("start", "step0")) == 3
    assert len(manager.logged("end", "step0")) == 1


@pytest.mark.parametrize(("first", "status"), [(None, "failed"), ("cancel", "cancelled")])
def test_a_workflow_s_process_that_is_killed_from_outside(
    manager: ManagerProcess, first: str | None, status: str
) -> None:
    # Elsewhere its status stayed `started`, and no cancel of any kind ever ended it.
    id = manager.run("ignoring", steps=1, seconds=60)
    _, _, operation = manager.await_logged("start", "step0")
    if first:
        manager.cancel(id, first)
    (pid,) = workflow_processes(id)
    os.kill(pid, signal.SIGKILL)
    execution = manager.end(id)
    assert execution["status"] == status
    if status == "failed":
        assert "SIGKILL" in execution["error"]
    manager.cancel(id, "kill")
    await_death(operation)
