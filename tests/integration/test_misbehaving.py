"""Workflows and operations that do what they should not: each ends in a clear error, and the manager is
untouched.
"""

from __future__ import annotations

import os
import signal

import pytest

from lab import await_death, workflow_processes

pytestmark = pytest.mark.usefixtures("tape")


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
def test_a_workflow_that_misbehaves_ends_with_a_clear_error(lab, how, status, error):
    execution = lab.end(lab.run("misbehaving", how=how))
    assert execution["status"] == status
    if error is None:
        assert not execution["error"]
    else:
        assert error in execution["error"]
    assert lab.client.status()["status"] == "OK"


def test_a_question_that_nobody_can_answer_is_answered_with_an_error_and_the_workflow_goes_on(lab):
    id = lab.run("misbehaving", how="ask")
    told = lab.event(id, "it was told")["message"]
    assert "KeyError" in told
    assert lab.end(id)["status"] == "terminated"
    assert lab.on_tape("end", "after")
    assert lab.client.status()["status"] == "OK"


def test_what_a_workflow_printed_last_is_in_its_error(lab):
    assert "about to leave" in lab.end(lab.run("misbehaving", how="exit"))["error"]


def test_a_workflow_whose_module_does_not_exist_is_named(lab):
    execution = lab.end(lab.run("missing_module"))
    assert execution["status"] == "failed"
    assert "nowhere" in execution["error"]


@pytest.mark.parametrize(
    ("fail", "error"), [("never", "this cannot work"), ("exit", "exit code 7"), ("signal", "SIGSEGV")]
)
def test_an_operation_that_fails_for_good_fails_its_workflow_by_name(lab, fail, error):
    os.environ.pop("nothing", None)
    id = lab.run("chain", steps=1, kwargs={"fail": fail})
    if fail != "never":
        # These may be retried; enough was seen when the first attempt is booked.
        assert error in lab.event(id, "task_failed")["message"]
        lab.cancel(id, "kill")
        assert lab.end(id)["status"] in {"cancelled", "failed"}
        return
    execution = lab.end(id)
    assert execution["status"] == "failed"
    assert error in execution["error"]


def test_an_operation_that_asks_to_be_retried_is(lab):
    assert lab.end(lab.run("chain", steps=1, kwargs={"fail": "retry"}))["status"] == "terminated"
    assert len(lab.on_tape("start", "step0")) == 3
    assert len(lab.on_tape("end", "step0")) == 1


@pytest.mark.parametrize(("first", "status"), [(None, "failed"), ("cancel", "cancelled")])
def test_a_workflow_s_process_that_is_killed_from_outside(lab, first, status):
    # Elsewhere its status stayed `started`, and no cancel of any kind ever ended it.
    id = lab.run("ignoring", steps=1, seconds=60)
    _, _, operation = lab.await_tape("start", "step0")
    if first:
        lab.cancel(id, first)
    (pid,) = workflow_processes(id)
    os.kill(pid, signal.SIGKILL)
    execution = lab.end(id)
    assert execution["status"] == status
    if status == "failed":
        assert "SIGKILL" in execution["error"]
    lab.cancel(id, "kill")
    await_death(operation)
