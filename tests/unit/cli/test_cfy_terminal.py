"""`cfy` on a terminal: the live view, Ctrl-C, tables. A real process on a real pseudo terminal."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_api import FakeApi
from terminal import Terminal

INSTANCES = [
    {"id": "vm_1", "node_id": "vm", "deployment_id": "web", "state": "creating"},
    {"id": "db_1", "node_id": "db", "deployment_id": "web", "state": "uninitialized"},
]


def running(api: FakeApi) -> None:
    """Let what is started next be running, with things to see."""
    api.add_deployment("web")
    api.instances = [dict(instance) for instance in INSTANCES]
    api.on_start = lambda execution: api.set(execution["id"], status="started", finished_operations=1)


def test_the_live_view(api: FakeApi, terminal: Callable[..., Terminal]) -> None:
    running(api)
    screen = terminal("executions", "start", "install", "-d", "web")
    screen.await_text("install on web  started  0 s  1 of 4 tasks")
    screen.await_text("◐ vm_1  creating")
    screen.await_text("○ db_1  uninitialized")
    api.push("execution-1", "Task started 'p.run'", node_instance_id="vm_1", operation="x.y.create")
    screen.await_text("12:00:02.345  vm_1.create  Task started 'p.run'")
    api.push("execution-1", "Task failed 'p.run'", event_type="task_failed", node_instance_id="vm_1")
    screen.await_text("1 failed")
    api.instances[0]["state"] = "started"
    screen.await_text("● vm_1  started")
    api.end("execution-1", finished_operations=4)
    assert screen.finish() == 0
    last = screen.text.rpartition("install on web")[2]
    assert "terminated" in last
    assert "4 of 4 tasks" in last
    assert "has ended well after 4.5 s." in last
    assert "latest events" not in last
    # What went wrong stays, above the picture.
    assert "12:00:02.345  vm_1  Task failed 'p.run'" in screen.text


def test_ctrl_c_asks_then_forces_then_kills(api: FakeApi, terminal: Callable[..., Terminal]) -> None:
    running(api)
    screen = terminal("executions", "start", "install", "-d", "web")
    screen.await_text("started")
    screen.press_ctrl_c()
    screen.await_text("Asked the workflow to cancel. Ctrl-C again forces it to end.")
    screen.await_text("install on web  cancelling")
    screen.press_ctrl_c()
    screen.await_text("Forced the workflow to end; running operations continue. Ctrl-C again kills them too.")
    screen.press_ctrl_c()
    screen.await_text("Killed the workflow and its operations.")
    assert api.actions() == ["cancel", "force-cancel", "kill"]
    api.push("execution-1", "still followed")
    screen.await_text("still followed")
    api.end("execution-1", "cancelled")
    assert screen.finish() == 1
    assert "was cancelled after 4.5 s." in screen.text


def test_ctrl_c_may_end_well_too(api: FakeApi, terminal: Callable[..., Terminal]) -> None:
    running(api)
    screen = terminal("executions", "start", "install", "-d", "web", "-v")
    screen.await_text("Execution execution-1")
    api.push("execution-1", "plain lines with -v")
    screen.await_text("CFY <web> plain lines with -v")
    screen.press_ctrl_c()
    screen.await_text("Asked the workflow to cancel.")
    api.end("execution-1", "terminated")
    assert screen.finish() == 0


def test_a_refused_request_is_told_and_following_goes_on(
    api: FakeApi, terminal: Callable[..., Terminal]
) -> None:
    from fake_api import Refusal

    running(api)
    api.refuse["POST", "executions/execution-1"] = Refusal(
        400, "illegal_action_error", "that was asked already"
    )
    screen = terminal("executions", "start", "install", "-d", "web")
    screen.await_text("started")
    screen.press_ctrl_c()
    screen.await_text("that was asked already")
    api.end("execution-1")
    assert screen.finish() == 0


def test_a_request_is_sent_until_it_arrives(api: FakeApi, terminal: Callable[..., Terminal]) -> None:
    # Found by a trial: Ctrl-C while the manager was down was lost, and the next one forced.
    running(api)
    screen = terminal("executions", "start", "install", "-d", "web")
    screen.await_text("started")
    api.cut = {"POST", "GET"}
    screen.press_ctrl_c()
    screen.await_text("The request did not arrive, and is sent until it does: ")
    screen.await_text("install on web  no answer for 0 s, last seen started")
    api.cut = set()
    screen.await_text("Asked the workflow to cancel. Ctrl-C again forces it to end.")
    screen.await_text("install on web  cancelling")
    assert api.actions()[-1] == "cancel"
    api.end("execution-1", "cancelled")
    assert screen.finish() == 1
    assert screen.text.count("did not arrive") == 1


def test_a_higher_request_takes_the_place_of_one_that_did_not_arrive(
    api: FakeApi, terminal: Callable[..., Terminal]
) -> None:
    running(api)
    screen = terminal("executions", "start", "install", "-d", "web")
    screen.await_text("started")
    api.cut = {"POST"}
    screen.press_ctrl_c()
    screen.await_text("The request did not arrive, and is sent until it does: ")
    screen.press_ctrl_c()
    screen.await_text("Ctrl-C again: forcing the workflow to end")
    api.cut = set()
    screen.await_text("Forced the workflow to end")
    assert api.executions["execution-1"]["status"] == "force_cancelling"
    api.end("execution-1", "cancelled")
    assert screen.finish() == 1


def test_a_request_that_never_arrived_is_told(api: FakeApi, terminal: Callable[..., Terminal]) -> None:
    running(api)
    screen = terminal("executions", "start", "install", "-d", "web")
    screen.await_text("started")
    api.cut = {"POST"}
    screen.press_ctrl_c()
    screen.await_text("The request did not arrive, and is sent until it does: ")
    api.end("execution-1")
    assert screen.finish() == 0
    assert "The request to cancel did not arrive." in screen.text


def test_the_fourth_ctrl_c_only_stops_following(api: FakeApi, terminal: Callable[..., Terminal]) -> None:
    running(api)
    screen = terminal("executions", "start", "install", "-d", "web")
    screen.await_text("started")
    for text in ("Asked the workflow", "Forced the workflow", "Killed the workflow"):
        screen.press_ctrl_c()
        screen.await_text(text)
    screen.press_ctrl_c()
    assert screen.finish() == 130
    assert "Stopped following execution execution-1." in screen.text
    assert api.executions["execution-1"]["status"] == "kill_cancelling"


def test_ctrl_c_while_waiting_for_a_cancellation_asks_for_more(
    api: FakeApi, terminal: Callable[..., Terminal]
) -> None:
    api.add_execution("e1")
    screen = terminal("executions", "cancel", "e1", "--wait")
    screen.await_text("Asked execution e1 to cancel; its status is `cancelling`.")
    api.wait_for(lambda: any(path == "events/stream" for _, path, _, _ in api.requests))
    screen.press_ctrl_c()
    screen.await_text("Forced the workflow to end")
    api.end("e1", "cancelled")
    assert screen.finish() == 0
    assert api.actions() == ["cancel", "force-cancel"]


def test_ctrl_c_while_only_looking_leaves_the_execution_alone(
    api: FakeApi, terminal: Callable[..., Terminal]
) -> None:
    api.add_execution("e1")
    api.push("e1", "something")
    screen = terminal("events", "list", "e1", "--tail")
    screen.await_text("something")
    screen.press_ctrl_c()
    assert screen.finish() == 130
    assert api.actions() == []
    assert "Traceback" not in screen.text


def test_ctrl_c_while_a_request_is_answered_slowly(api: FakeApi, terminal: Callable[..., Terminal]) -> None:
    def dawdle(*_: Any) -> Any:
        api.wait_for(lambda: bool(interrupted), 20)
        return {"items": [], "metadata": {"pagination": {"total": 0}}}

    interrupted: list[bool] = []
    api.get_deployments = dawdle  # type: ignore[method-assign, assignment]
    screen = terminal("deployments", "list")
    api.wait_for(lambda: bool(api.requests))
    screen.press_ctrl_c()
    assert screen.finish() == 130
    assert "Traceback" not in screen.text
    interrupted.append(True)
    with api.changed:
        api.changed.notify_all()


IDS = [f"{number}f04fc3d-23a6-4a57-a8bc-ce5c95e58ac{number}" for number in range(3)]


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        (
            80,
            """
 id        workflow           deployment  status      age  took        by
 0f04fc3d  install            shop        started     3 h  2 h 59 min  admin
 1f04fc3d  install (dry run)  shop        terminated  2 d  4.5 s       admin
 2f04fc3d  uninstall          shop        failed      2 d  4.5 s       admin
""",
        ),
        (
            140,
            """
 id        workflow           deployment  status      age  took        by     error
 0f04fc3d  install            shop        started     3 h  2 h 59 min  admin
 1f04fc3d  install (dry run)  shop        terminated  2 d  4.5 s       admin
 2f04fc3d  uninstall          shop        failed      2 d  4.5 s       admin  KeyError: 'port' (p.py:4)
""",
        ),
    ],
)
def test_executions_fit_a_terminal(
    api: FakeApi, terminal: Callable[..., Terminal], columns: int, wanted: str
) -> None:
    now = datetime.now(UTC)
    begun = {
        "created_at": (now - timedelta(hours=3, seconds=20)).isoformat().replace("+00:00", "Z"),
        "started_at": (now - timedelta(hours=2, minutes=59, seconds=20)).isoformat().replace("+00:00", "Z"),
    }
    old = {
        "created_at": (now - timedelta(days=2, seconds=20)).isoformat().replace("+00:00", "Z"),
        "started_at": "2024-05-01T12:00:01.000Z",
        "ended_at": "2024-05-01T12:00:05.500Z",
    }
    error = "KeyError: 'port' (p.py:4)\nTraceback ..."
    api.add_execution(IDS[0], deployment_id="shop", **begun)
    api.add_execution(IDS[1], status="terminated", deployment_id="shop", is_dry_run=True, **old)
    api.add_execution(IDS[2], "uninstall", "failed", deployment_id="shop", **{**old, "error": error})
    screen = terminal("executions", "list", COLUMNS=str(columns))
    assert screen.finish() == 0
    shown = screen.text.splitlines()
    lines = [f" {shown[0]}".rstrip(), *(f" {line}".rstrip() for line in shown[2:5])]
    assert lines == wanted.strip("\n").splitlines()
    assert all(len(line) <= columns for line in shown)


def test_columns_on_a_terminal_fold_what_does_not_fit(
    api: FakeApi, terminal: Callable[..., Terminal]
) -> None:
    long = "a-deployment-with-a-name-that-is-much-longer-than-its-column-can-ever-be"
    api.add_execution("e1", deployment_id=long, status="failed", error="no room for this one " * 3)
    screen = terminal("executions", "list", COLUMNS="70")
    assert screen.finish() == 0
    lines = screen.text.splitlines()
    assert lines[0].split() == ["id", "workflow", "deployment", "status", "age"]
    assert all(len(line) <= 70 for line in lines[:-1])
    assert lines[-1] == "Hidden to fit the terminal: took, by, error. -x shows all."
    column, end = lines[0].index("deployment"), lines[0].index("status")
    assert "".join(line[column:end].strip() for line in lines[2:-1]) == long
    assert "\x1b[31m" in screen.raw


@pytest.mark.parametrize("arguments", [["executions", "list", "-x"], ["executions", "get", "nope"]])
def test_no_colour_where_none_is_wanted(
    api: FakeApi, terminal: Callable[..., Terminal], arguments: list[str]
) -> None:
    api.add_execution("e1", status="failed")
    coloured = terminal(*arguments)
    coloured.finish()
    assert "\x1b[31m" in coloured.raw
    for environ in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        plain = terminal(*arguments, **environ)
        plain.finish()
        assert "\x1b" not in plain.raw


def test_json_on_a_terminal_is_indented_and_nothing_is_painted(
    api: FakeApi, terminal: Callable[..., Terminal]
) -> None:
    running(api)
    api.on_start = lambda execution: api.end(execution["id"])
    screen = terminal("executions", "start", "install", "-d", "web", "--json")
    assert screen.finish() == 0
    assert screen.text.startswith('{\n  "id": "execution-1"')
    assert "\x1b" not in screen.raw


def test_ctrl_c_kills_what_runs_on_after_a_forced_end(
    api: FakeApi, terminal: Callable[..., Terminal]
) -> None:
    running(api)

    def act(execution: dict[str, Any], action: str) -> None:
        if action == "force-cancel":
            api.end(execution["id"], "cancelled", residual_operations=1)
        elif action == "kill":
            api.set(execution["id"], residual_operations=0)

    api.on_action = act
    screen = terminal("executions", "start", "install", "-d", "web")
    screen.await_text("started")
    screen.press_ctrl_c()
    screen.await_text("Asked the workflow to cancel.")
    screen.press_ctrl_c()
    screen.await_text("1 operation still runs. Ctrl-C kills what still runs; once more leaves it.")
    screen.press_ctrl_c()
    assert screen.finish() == 1
    assert api.actions() == ["cancel", "force-cancel", "kill"]
    assert "was cancelled after 4.5 s." in screen.text
    assert "still runs.\n  `cfy executions operations list" not in screen.text


def test_what_runs_on_can_be_left_alone(api: FakeApi, terminal: Callable[..., Terminal]) -> None:
    running(api)

    def act(execution: dict[str, Any], action: str) -> None:
        if action == "cancel":
            api.end(execution["id"], "cancelled", residual_operations=2)

    api.on_action = act
    screen = terminal("executions", "start", "install", "-d", "web")
    screen.await_text("started")
    screen.press_ctrl_c()
    screen.await_text("The execution is over; 2 operations still run.")
    screen.press_ctrl_c()
    screen.await_text("Killed the workflow and its operations.")
    screen.press_ctrl_c()
    assert screen.finish() == 130
    assert api.actions() == ["cancel", "kill"]


def test_what_runs_on_is_not_waited_for_if_nobody_pressed_a_key(
    api: FakeApi, terminal: Callable[..., Terminal]
) -> None:
    running(api)
    api.on_start = lambda execution: api.end(execution["id"], "cancelled", residual_operations=1)
    screen = terminal("executions", "start", "install", "-d", "web")
    assert screen.finish() == 1
    assert "1 operation of it still runs" in screen.text


def test_a_key_detaches_and_the_execution_goes_on(api: FakeApi, terminal: Callable[..., Terminal]) -> None:
    running(api)
    screen = terminal("uninstall", "web")
    screen.await_text("(d detaches)")
    screen.press("xd")
    assert screen.finish() == 1
    # On the screen, and not painted over.
    assert "Detached: execution execution-1 continues." in screen.screen
    assert "`cfy events list --tail execution-1`" in screen.screen
    assert screen.screen.count("uninstall on web") == 1
    assert api.actions() == []
    assert api.executions["execution-1"]["status"] == "started"
    # What comes after a good end has to wait for one.
    assert "web" in api.deployments


def test_the_terminal_echoes_again_after_the_end(api: FakeApi, terminal: Callable[..., Terminal]) -> None:
    running(api)
    screen = terminal("executions", "start", "install", "-d", "web")
    screen.await_text("◐ vm_1")
    assert not screen.echoes()
    screen.press("d")
    assert screen.finish() == 1
    assert screen.echoed_at_end


def test_a_large_upload_shows_how_far_it_is(
    api: FakeApi, terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "blueprint.yaml").write_text("node_templates: {}\n")
    screen = terminal("blueprints", "upload", str(folder))
    assert screen.finish() == 0
    assert "Uploading" not in screen.text
    (folder / "noise").write_bytes(os.urandom(3_000_000))
    screen = terminal("blueprints", "upload", str(folder), "-b", "noisy")
    assert screen.finish() == 0
    assert "Uploading noisy" in screen.text
    assert "/3.0 MB" in screen.text
    assert len(api.archives["noisy"]) > 3_000_000
    # Nothing of it stays.
    assert screen.screen == "Blueprint `noisy` is uploaded.\n"
