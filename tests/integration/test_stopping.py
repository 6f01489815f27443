"""Cancelling in every way, of workflows of every temper, looked at from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from manager_process import ManagerProcess, alive, await_death, running_manager, workflow_processes

import chaos
from cloudwright.client.errors import IllegalAction

pytestmark = pytest.mark.usefixtures("event_log")


def started_after(manager: ManagerProcess, id: str, event_type: str) -> list[str]:
    """Operations that started after the first event of that type was stored."""
    events = manager.events(id)
    kinds = [event["event_type"] for event in events]
    assert event_type in kinds, kinds
    return [kind for kind in kinds[kinds.index(event_type) :] if kind == "task_started"]


def residual(manager: ManagerProcess, id: str) -> list[dict[str, Any]]:
    return [operation for operation in manager.operations(id) if operation["residual"]]


# A standard cancel.


def test_a_graph_stops_starting_tasks_and_what_runs_runs_on_as_a_residual(manager: ManagerProcess) -> None:
    id = manager.run("chain", steps=3, seconds=60)
    _, _, pid = manager.await_logged("start", "step0")
    assert manager.cancel(id)["status"] in {"cancelling", "cancelled"}
    execution = manager.end(id)
    assert execution["status"] == "cancelled"
    assert execution["residual_operations"] == 1
    assert alive(pid)
    assert started_after(manager, id, "execution_cancel_requested") == []
    (running,) = residual(manager, id)
    while running["pid"] is None:
        # It is stored of what has run for a moment.
        (running,) = residual(manager, id)
    assert running["pid"] == int(pid)
    # A later kill ends it and leaves the status alone.
    manager.cancel(id, "kill")
    await_death(pid)
    assert manager.end(id)["status"] == "cancelled"
    assert manager.client.executions.get(id)["status"] == "cancelled"


def test_no_operation_of_a_fast_chain_starts_after_the_request_was_stored(manager: ManagerProcess) -> None:
    # Elsewhere up to eight more started after the request was answered, and one after the recorded end.
    for _round in range(3):
        id = manager.run("chain", steps=200)
        manager.event(id, "task_succeeded")
        manager.cancel(id)
        assert manager.end(id)["status"] == "cancelled"
        assert started_after(manager, id, "execution_cancel_requested") == []


@pytest.mark.parametrize("waits", [True, False])
def test_what_a_workflow_asks_for_before_it_hears_of_a_stored_request_does_not_start(
    tmp_path: Path, waits: bool
) -> None:
    # Every message to its owner is lost, so the workflow hears of it when the reconciler looks next.
    environment = {"CHAOS_FUSE": "bus=1", "CHAOS_BLOWN": str(tmp_path / "blown")}
    program = Path(next(iter(chaos.__path__)), "manager.py")
    with running_manager(tmp_path, program=program, environment=environment, reconcile_interval=2) as deaf:
        gate = tmp_path / "gate"
        id = deaf.run("gated", gate=str(gate), event_log=str(deaf.event_log), waits=waits)
        deaf.event(id, "at the gate")
        assert deaf.cancel(id)["status"] == "cancelling"
        gate.touch()
        deaf.await_logged("asked")
        assert deaf.end(id)["status"] == "cancelled"
        assert deaf.logged("start", "late") == []


@pytest.mark.parametrize("workflow", ["polite", "old_polite"])
def test_a_workflow_that_asks_can_stop(manager: ManagerProcess, workflow: str) -> None:
    id = manager.run(workflow)
    manager.event(id, "started" if workflow == "polite" else "waiting for a cancel request")
    manager.cancel(id)
    assert manager.end(id)["status"] == "cancelled"
    manager.cancel(id, "kill")


def test_a_workflow_can_roll_back_with_operations_while_it_is_cancelling(manager: ManagerProcess) -> None:
    id = manager.run("rolling_back", steps=3)
    manager.event(id, "waiting for a cancel request")
    manager.cancel(id)
    assert manager.end(id)["status"] == "cancelled"
    assert [line[1] for line in manager.logged("end")] == [
        "step0", "step1", "step2", "undo-step2", "undo-step1", "undo-step0"
    ]  # fmt: skip


def test_an_operation_starts_nothing_once_its_execution_was_asked_to_stop(
    manager: ManagerProcess, event_log: Path
) -> None:
    deployment = manager.deploy()
    id = manager.run("patient", deployment)
    manager.await_logged("start", "creep")
    manager.cancel(id)
    assert manager.end(id)["status"] == "cancelled"
    assert manager.logged("refused")[0][1:3] == ["403", "forbidden_while_cancelling"]
    listed = manager.client.executions.list(deployment_id=deployment).items
    assert [item["id"] for item in listed if item["workflow_id"] != "create_deployment_environment"] == [id]


@pytest.mark.parametrize("how", ["force-cancel", "kill"])
def test_a_raised_request_reaches_what_a_workflow_started_to_clean_up(
    manager: ManagerProcess, how: str, event_log: Path
) -> None:
    id = manager.run("delegating")
    manager.event(id, "waiting for a cancel request")
    manager.cancel(id)
    other = manager.event(id, "execution_cleanup_started")["details"]["execution"]
    manager.await_logged("start", "step0")
    manager.cancel(id, how)
    assert manager.end(id)["status"] == "cancelled"
    assert manager.end(other)["status"] == "cancelled"
    assert (residual(manager, other) == []) == (how == "kill")


def test_a_workflow_that_ends_by_itself_while_cancelling_ends_as_it_says(
    manager: ManagerProcess, tmp_path: Path
) -> None:
    # Elsewhere it stayed `cancelling` for ever, and its deployment refused every new workflow.
    gate = tmp_path / "gate"
    deployment = manager.deploy()
    id = manager.run("ignoring", deployment, steps=1, gate=str(gate))
    manager.event(id, "at the gate")
    assert manager.cancel(id)["status"] == "cancelling"
    gate.touch()
    assert manager.end(id)["status"] == "terminated"
    assert manager.end(manager.run("ignoring", deployment, steps=1))["status"] == "terminated"


def test_a_workflow_that_fails_while_it_cleans_up_has_failed(manager: ManagerProcess) -> None:
    id = manager.run("fails_while_cancelling")
    manager.event(id, "waiting for a cancel request")
    manager.cancel(id)
    execution = manager.end(id)
    assert execution["status"] == "failed"
    assert "the clean-up went wrong" in execution["error"]


def test_a_deadline_makes_a_standard_cancel_a_forced_one(manager: ManagerProcess) -> None:
    id = manager.run("spinning")
    manager.event(id, "round and round")
    assert manager.cancel(id, grace=0.3)["status"] == "cancelling"
    assert manager.end(id)["status"] == "cancelled"
    requests = [event for event in manager.events(id) if event["event_type"] == "execution_cancel_requested"]
    assert len(requests) == 2


def test_an_execution_is_cancelled_at_its_longest_age(manager: ManagerProcess) -> None:
    deployment = manager.deploy()
    start = manager.client.executions.start
    id = start("chain", deployment, parameters={"steps": 1, "seconds": 600}, timeout=1.5)["id"]
    execution = manager.end(id)
    assert (execution["status"], execution["residual_operations"]) == ("cancelled", 1)
    assert "its timeout asked to cancel" in manager.story(id)
    manager.cancel(id, "kill")
    # It counts again, from when it is started again.
    manager.client.executions.resume(id)
    assert manager.end(id)["status"] == "cancelled"
    assert manager.story(id).count("its timeout asked to cancel") == 2
    manager.cancel(id, "kill")


# Force.


def test_force_ends_a_workflow_that_never_asks(manager: ManagerProcess) -> None:
    id = manager.run("spinning")
    manager.event(id, "round and round")
    assert len(workflow_processes(id)) == 1
    manager.cancel(id, "force-cancel")
    assert manager.end(id)["status"] == "cancelled"
    # Elsewhere it ran on, and started its next task.
    assert workflow_processes(id) == []
    (dead,) = [event for event in manager.events(id) if event["event_type"] == "workflow_process_dead"]
    assert "SIGKILL" in dead["message"]


def test_force_goes_over_a_standard_cancel_and_leaves_operations_running(manager: ManagerProcess) -> None:
    id = manager.run("ignoring", steps=2, seconds=60)
    _, _, pid = manager.await_logged("start", "step0")
    manager.cancel(id)
    manager.cancel(id, "force-cancel")
    assert manager.end(id)["status"] == "cancelled"
    assert alive(pid)
    assert workflow_processes(id) == []
    assert started_after(manager, id, "execution_cancel_requested") == []
    manager.cancel(id, "kill")
    await_death(pid)


# Kill.


def test_a_kill_ends_operations_their_children_and_what_ignores_sigterm(manager: ManagerProcess) -> None:
    id = manager.run("chain", steps=2, seconds=600, kwargs={"ignore_sigterm": True, "children": 2})
    _, _, pid = manager.await_logged("start", "step0")
    pids = [pid, *(line[2] for line in manager.logged("child", "step0"))]
    assert len(pids) == 3
    manager.cancel(id, "kill")
    assert manager.end(id)["status"] == "cancelled"
    # Elsewhere `cancelled` was said four seconds before the process was gone.
    assert [pid for pid in pids if alive(pid)] == []
    signals = [
        event["message"].split()[0]
        for event in manager.events(id)
        if event["event_type"] == "operation_signalled"
    ]
    assert signals == ["SIGTERM", "SIGKILL"]
    # Elsewhere the operation's record stayed `started` for ever.
    assert "started" not in {operation["state"] for operation in manager.operations(id)}


def test_a_kill_ends_a_script_and_the_program_that_it_runs(manager: ManagerProcess) -> None:
    # Elsewhere the plugin's process was ended, and the script and its child ran on.
    id = manager.run("chain", steps=1, seconds=600, operation="sleeper.script")
    _, _, child, script = manager.await_logged(
        "child", "script" if manager.logged("start", "script") else "step0"
    )
    manager.cancel(id, "kill")
    assert manager.end(id)["status"] == "cancelled"
    assert not alive(child)
    assert not alive(script)


def test_what_a_killed_script_kept_in_the_temporary_folder_goes_with_it(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with running_manager(tmp_path, environment={"TMPDIR": str(temporary)}, kill_grace=0.1) as manager:
        id = manager.run("chain", steps=1, seconds=600, operation="sleeper.script")
        manager.await_logged("child", "script" if manager.logged("start", "script") else "step0")
        assert [path for path in temporary.rglob("*") if path.is_file()]
        manager.cancel(id, "kill")
        manager.end(id)
    # No later script came by to remove it: the manager did, by its own end at the latest.
    assert [path for path in temporary.rglob("*") if not path.is_dir()] == []


def test_a_kill_goes_over_a_forced_and_a_standard_cancel(manager: ManagerProcess) -> None:
    id = manager.run("ignoring", steps=1, seconds=600)
    _, _, pid = manager.await_logged("start", "step0")
    manager.cancel(id)
    manager.cancel(id, "kill")
    assert manager.end(id)["status"] == "cancelled"
    assert not alive(pid)


def test_a_kill_of_what_terminated_does_not_rewrite_its_history(manager: ManagerProcess) -> None:
    id = manager.run("ignoring", steps=1)
    assert manager.end(id)["status"] == "terminated"
    assert manager.cancel(id, "kill")["status"] == "terminated"
    assert manager.status(id) == "terminated"


# What waits.


def test_what_is_queued_is_cancelled_at_once_and_what_is_behind_it_moves_up(manager: ManagerProcess) -> None:
    deployment = manager.deploy()
    running = manager.run("spinning", deployment)
    manager.event(running, "round and round")
    second = manager.run("ignoring", deployment, queue=True, steps=0)
    third = manager.run("ignoring", deployment, queue=True, steps=0)
    assert manager.status(second) == "queued"
    assert manager.cancel(second)["status"] == "cancelled"
    assert manager.status(third) == "queued"
    manager.cancel(running, "force-cancel")
    assert manager.end(third)["status"] == "terminated"


def test_what_is_pending_behind_busy_workers_is_cancelled_at_once(tmp_path: Path) -> None:
    # Elsewhere this took 29 seconds.
    with running_manager(tmp_path, max_workflows=1) as manager:
        running = manager.run("spinning")
        manager.event(running, "round and round")
        for how in ("cancel", "force-cancel", "kill"):
            waiting = manager.run("ignoring", steps=0)
            assert manager.status(waiting) == "pending"
            assert manager.cancel(waiting, how)["status"] == "cancelled"
        manager.cancel(running, "force-cancel")
        assert manager.end(manager.run("ignoring", steps=0))["status"] == "terminated"


def test_a_kill_of_what_waits_to_be_resumed_ends_what_it_had_left_running(tmp_path: Path) -> None:
    with running_manager(tmp_path, max_workflows=1) as manager:
        id = manager.run("chain", steps=2, seconds=600)
        _, _, pid = manager.await_logged("start", "step0")
        manager.cancel(id, "force-cancel")
        assert manager.end(id)["residual_operations"] == 1
        busy = manager.run("spinning")
        manager.event(busy, "round and round")
        manager.client.executions.resume(id)
        assert manager.status(id) == "pending"
        assert manager.cancel(id, "kill")["status"] == "cancelled"
        await_death(pid)
        assert not alive(pid)
        manager.cancel(busy, "force-cancel")
        assert manager.end(busy)["status"] == "cancelled"


# What is refused.


def test_a_request_is_raised_never_lowered_never_repeated(manager: ManagerProcess) -> None:
    id = manager.run("ignoring", steps=1, seconds=60)
    manager.await_logged("start", "step0")
    manager.cancel(id)
    with pytest.raises(IllegalAction, match="asked already"):
        manager.cancel(id)
    manager.cancel(id, "kill")
    assert manager.end(id)["status"] == "cancelled"
    for how in ("cancel", "force-cancel"):
        with pytest.raises(IllegalAction, match="over already"):
            manager.cancel(id, how)
    before = len(manager.events(id))
    assert manager.status(id) == "cancelled"
    assert len(manager.events(id)) == before


def test_who_asked_and_when_is_an_event(manager: ManagerProcess) -> None:
    id = manager.run("old_polite")
    manager.event(id, "waiting for a cancel request")
    manager.cancel(id)
    manager.end(id)
    (request,) = [
        event for event in manager.events(id) if event["event_type"] == "execution_cancel_requested"
    ]
    assert "admin" in request["message"]


# Resume.


def test_a_resumed_execution_runs_what_was_left_and_nothing_twice(manager: ManagerProcess) -> None:
    id = manager.run("chain", steps=4, seconds=0.3)
    manager.await_logged("end", "step0")
    manager.cancel(id)
    assert manager.end(id)["status"] == "cancelled"
    manager.client.executions.resume(id)
    assert manager.end(id)["status"] == "terminated"
    assert [line[1] for line in manager.logged("start")] == ["step0", "step1", "step2", "step3"]
    assert [line[1] for line in manager.logged("end")] == ["step0", "step1", "step2", "step3"]


def test_a_resume_waits_for_an_operation_that_still_runs_and_never_starts_a_twin(
    manager: ManagerProcess,
) -> None:
    # Elsewhere it was run a second time beside its own end.
    id = manager.run("chain", steps=2, seconds=2)
    manager.await_logged("start", "step0")
    manager.cancel(id)
    assert manager.end(id)["residual_operations"] == 1
    manager.client.executions.resume(id)
    assert manager.end(id)["status"] == "terminated"
    assert [line[1] for line in manager.logged("start")] == ["step0", "step1"]
    assert len({line[2] for line in manager.logged("start", "step0")}) == 1


def test_results_of_operations_that_end_after_their_execution_are_kept(manager: ManagerProcess) -> None:
    deployment = manager.deploy()
    id = manager.run("chain", deployment, steps=2, seconds=1)
    manager.await_logged("start", "step0")
    manager.cancel(id, "force-cancel")
    assert manager.end(id)["status"] == "cancelled"
    manager.await_logged("end", "step0")
    manager.client.executions.resume(id)
    assert manager.end(id)["status"] == "terminated"
    (thing,) = manager.client.node_instances.list(deployment_id=deployment, node_id="thing").items
    assert thing["runtime_properties"] == {"step0": 1, "step1": 1}
