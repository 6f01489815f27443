"""Starting, following, cancelling and resuming executions, as far as no terminal is needed."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from cfy_command import Run
from fake_api import FakeApi, Refusal


def ends(api: FakeApi, status: str = "terminated", **more: Any) -> None:
    """Let the next execution do two things and end."""

    def play(execution: dict[str, Any]) -> None:
        api.push(execution["id"], "Task started 'p.create'", node_instance_id="vm_1", operation="a.b.create")
        api.push(execution["id"], "hello", type="cloudify_log", level="info")
        api.push(execution["id"], "noise", type="cloudify_log", level="debug")
        api.end(execution["id"], status, **more)

    api.on_start = play


def test_start_follows_to_the_end(api: FakeApi, cfy: Run, tmp_path: Path) -> None:
    api.add_deployment("web")
    ends(api)
    values = tmp_path / "values.yaml"
    values.write_text("size: 3\nname: x\n")
    result = cfy(
        "executions", "start", "scale", "-d", "web", "-p", str(values), "-p", "name=y", "-p", '{"on": true}'
    )
    assert result.exit_code == 0
    assert api.asked("POST", "executions") == [
        {
            "workflow_id": "scale",
            "deployment_id": "web",
            "parameters": {"size": 3, "name": "y", "on": True},
            "allow_custom_parameters": False,
            "force": False,
            "dry_run": False,
            "queue": False,
        }
    ]
    assert result.stdout.splitlines() == [
        "Execution execution-1: `scale` on deployment `web`.",
        "2024-05-01 12:00:02.345  CFY <web> [vm_1.create] Task started 'p.create'",
        "2024-05-01 12:00:02.345  LOG <web> INFO: hello",
        "Execution execution-1 of `scale` on deployment `web` has ended well after 4.5 s.",
    ]


def test_options_of_start_reach_the_manager(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web")
    ends(api)
    more = (
        "--allow-custom-parameters",
        "-f",
        "--dry-run",
        "--wait-after-fail",
        "5",
        "--no-logs",
        "-vv",
        "--cancel-after",
        "2m",
    )
    result = cfy("executions", "start", "scale", "-d", "web", "--cancel-after", "2m", *more)
    body = api.asked("POST", "executions")[0]
    assert body["timeout"] == 120
    assert (body["allow_custom_parameters"], body["force"], body["dry_run"], body["wait_after_fail"]) == (
        True, True, True, 5,
    )  # fmt: skip
    assert [query["include_logs"] for _, path, query, _ in api.requests if path == "events/stream"] == [
        "false"
    ]
    assert "LOG <web> DEBUG: noise" in result.stdout


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_bad_end_is_exit_code_1_and_says_what_to_do(api: FakeApi, cfy: Run, status: str) -> None:
    api.add_deployment("web")
    ends(api, status, error="task failed: no space" if status == "failed" else None, residual_operations=1)
    result = cfy("executions", "start", "install", "-d", "web")
    assert result.exit_code == 1
    assert (
        "failed after 4.5 s: task failed: no space" if status == "failed" else "was cancelled"
    ) in result.stderr
    assert "cfy events list execution-1" in result.stderr
    assert "1 operation of it still runs" in result.stderr


def test_the_end_is_told_with_the_traceback_of_the_users_code(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web")
    ends(api, "failed", error='RuntimeError: no\nTraceback (most recent call last):\n  File "x.py", line 1\n')
    shown = cfy("executions", "start", "install", "-d", "web").stderr
    assert (
        'failed after 4.5 s: RuntimeError: no\n  | Traceback (most recent call last):\n  |   File "x.py"'
        in shown
    )
    assert "resume" not in shown


def test_a_resume_is_advised_only_if_it_can_help(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web")
    ends(api, "failed", error="RuntimeError: no", is_resumable=True)
    shown = cfy("executions", "start", "install", "-d", "web").stderr
    assert "`cfy executions resume execution-1` continues where it stopped." in shown


def test_what_cannot_be_started_says_what_there_is(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web", workflows=[{"name": "install"}, {"name": "scale"}])

    def refuse(code: str) -> None:
        def post(*_: Any) -> Any:
            raise Refusal(400, code, "That will not do.")

        api.post_executions = post  # type: ignore[method-assign, assignment]

    refuse("nonexistent_workflow_error")
    shown = cfy("executions", "start", "instal", "-d", "web")
    assert shown.exit_code == 1
    assert "Did you mean `install`? `cfy workflows list -d web` shows what exists." in shown.stderr
    assert "Did you mean" not in cfy("executions", "start", "xyz", "-d", "web").stderr
    refuse("missing_execution_parameters_error")
    missing = cfy("executions", "start", "scale", "-d", "web").stderr
    assert "`cfy workflows get scale -d web` shows what it takes." in missing
    assert "--allow-custom-parameters" not in missing
    refuse("illegal_execution_parameters_error")
    assert (
        "--allow-custom-parameters takes those too" in cfy("executions", "start", "scale", "-d", "web").stderr
    )


def test_json_is_the_execution_at_the_end_whatever_the_end(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web")
    ends(api, "failed", error="no")
    result = cfy("executions", "start", "install", "-d", "web", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"] == "no"
    assert result.stderr == ""


def test_json_output_is_a_line_per_event(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web")
    ends(api)
    result = cfy("executions", "start", "install", "-d", "web", "--json-output", "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line.get("message") for line in lines] == ["Task started 'p.create'", "hello", "noise", None]
    assert lines[-1]["status"] == "terminated"


def test_no_follow_returns_at_once(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web")
    result = cfy("executions", "start", "install", "-d", "web", "--no-follow", "--json")
    assert (result.exit_code, json.loads(result.stdout)["id"]) == (0, "execution-1")


def test_what_is_queued_is_not_followed(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web")
    api.post_executions = lambda *_: {"id": "e7", "status": "queued", "workflow_id": "install"}  # type: ignore[method-assign]
    result = cfy("executions", "start", "install", "-d", "web", "--queue")
    assert result.exit_code == 0
    assert "It is queued; `cfy events list --tail e7` follows it." in result.stdout
    assert cfy("executions", "start", "install", "-d", "web", "--queue", "--force").exit_code == 2


def test_the_end_of_patience_is_exit_code_1(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web")
    result = cfy("executions", "start", "install", "-d", "web", "--timeout", "1")
    assert result.exit_code == 1
    assert "Timed out after 1 s; execution execution-1 is still running." in result.stderr
    assert api.actions() == []


def test_a_broken_stream_is_taken_up_where_it_stopped(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web")
    ends(api)
    api.cut_streams = 2
    result = cfy("executions", "start", "install", "-d", "web", "-vv")
    assert result.exit_code == 0
    assert [line.partition("> ")[2] for line in result.stdout.splitlines()[1:-1]] == [
        "[vm_1.create] Task started 'p.create'",
        "INFO: hello",
        "DEBUG: noise",
    ]
    assert "Trying again" in result.stderr


def test_starting_on_an_unknown_deployment(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web")
    result = cfy("executions", "start", "install", "-d", "wbe")
    assert result.exit_code == 1
    assert "Did you mean `web`?" in result.stderr


def test_what_the_manager_refuses_is_said_in_its_words(api: FakeApi, cfy: Run) -> None:
    api.refuse["POST", "executions"] = Refusal(400, "nonexistent_workflow_error", "There is no workflow `x`.")
    result = cfy("executions", "start", "x", "-d", "web")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: There is no workflow `x`.\n  `cfy workflows list -d web` shows what exists.\n",
    )
    said = json.loads(cfy("executions", "start", "x", "-d", "web", "--json").stderr)
    assert said["error"]["error_code"] == "nonexistent_workflow_error"
    assert '"server_traceback": null' in cfy("executions", "start", "x", "-d", "web", "-v").stderr


@pytest.mark.parametrize(
    ("options", "action", "status"),
    [
        ([], "cancel", "cancelling"),
        (["-f"], "force-cancel", "force_cancelling"),
        (["--kill"], "kill", "kill_cancelling"),
        (["-f", "-k"], "kill", "kill_cancelling"),
    ],
)
def test_cancel_returns_when_the_request_is_stored(
    api: FakeApi, cfy: Run, options: list[str], action: str, status: str
) -> None:
    api.add_execution("e1")
    result = cfy("executions", "cancel", "e1", *options)
    assert result.exit_code == 0
    assert api.asked("POST", "executions/e1") == [{"action": action}]
    assert f"its status is `{status}`" in result.stdout


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("30s", 30.0), ("2m", 120.0), ("1h30m", 5400.0), ("500ms", 0.5), ("12", 12.0), ("1.5", 1.5)],
)
def test_grace_is_a_duration(api: FakeApi, cfy: Run, given: str, seconds: float) -> None:
    api.add_execution("e1")
    assert cfy("executions", "cancel", "e1", "--grace", given).exit_code == 0
    assert api.asked("POST", "executions/e1") == [{"action": "cancel", "grace": seconds}]


@pytest.mark.parametrize("given", ["soon", "30 parsecs", "s30", "30s x", ""])
def test_other_durations_are_refused(api: FakeApi, cfy: Run, given: str) -> None:
    result = cfy("executions", "cancel", "e1", "--grace", given)
    assert (result.exit_code, api.requests) == (2, [])
    assert "is not a duration" in result.stderr


def test_grace_goes_with_a_standard_cancellation_only(cfy: Run) -> None:
    assert cfy("executions", "cancel", "e1", "--grace", "30s", "--force").exit_code == 2


def test_cancel_and_wait(api: FakeApi, cfy: Run) -> None:
    api.add_execution("e1")

    def end_once_followed() -> None:
        api.wait_for(lambda: any(path == "events/stream" for _, path, _, _ in api.requests))
        api.end("e1", "cancelled")

    def obey(execution: dict[str, Any], action: str) -> None:
        api.set("e1", status="cancelling")
        threading.Thread(target=end_once_followed).start()

    api.on_action = obey
    result = cfy("executions", "cancel", "e1", "--wait")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Asked execution e1 to cancel; its status is `cancelling`.",
        "Execution e1 is over; its status is `cancelled`.",
    ]


def test_a_refused_cancellation_is_exit_code_1(api: FakeApi, cfy: Run) -> None:
    refusal = Refusal(400, "illegal_action_error", "It is over already: its status is `terminated`.")
    api.refuse["POST", "executions/e1"] = refusal
    result = cfy("executions", "cancel", "e1")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: It is over already: its status is `terminated`.\n",
    )


def test_resume(api: FakeApi, cfy: Run) -> None:
    api.add_execution("e1", status="failed")
    assert "Resumed execution e1" in cfy("executions", "resume", "e1").stdout
    assert cfy("executions", "resume", "e1", "--reset-operations", "--json").exit_code == 0
    assert cfy("executions", "resume", "e1", "--force").exit_code == 0
    assert api.asked("POST", "executions/e1") == [
        {"action": "resume"},
        {"action": "force-resume"},
        {"action": "force-resume"},
    ]


def test_events_of_an_execution(api: FakeApi, cfy: Run) -> None:
    api.add_execution("e1")
    for number in range(3):
        api.push("e1", f"event {number}")
    result = cfy(
        "events", "list", "e1", "--no-logs", "--from", "2024-05-01", "--to", "2024-05-02 12:00:00",
        "--node", "vm", "-s", "2",
    )  # fmt: skip
    assert [line.partition("> ")[2] for line in result.stdout.splitlines()] == ["event 0", "event 1"]
    assert "Showing 2 of 3 events" in result.stderr
    query = api.requests[-1][2]
    assert query["_range"] == "@timestamp,2024-05-01T00:00:00.000Z,2024-05-02T12:00:00.000Z"
    assert (query["type"], query["node_id"], query["_size"]) == ("cloudify_event", "vm", "2")
    assert len(json.loads(cfy("events", "list", "-e", "e1", "--json").stdout)) == 3
    assert len(cfy("events", "list", "-e", "e1", "--json-output").stdout.splitlines()) == 3


@pytest.mark.parametrize("options", [[], ["e1", "-e", "e1"], ["e1", "--tail", "--from", "2024-01-01"], ["e1", "--from", "x"], ["e1", "--before", "x"]])  # fmt: skip # noqa: E501
def test_events_asked_for_wrongly(cfy: Run, options: list[str]) -> None:
    assert cfy("events", "list", *options).exit_code == 2


def test_tail_shows_everything_to_the_end_and_its_exit_code_is_that_of_the_end(
    api: FakeApi, cfy: Run
) -> None:
    api.add_execution("e1")
    api.push("e1", "before")
    api.end("e1", "failed", error="no")
    result = cfy("events", "list", "--tail", "e1")
    assert result.exit_code == 1
    assert "CFY <web> before" in result.stdout
    assert "failed after 4.5 s: no" in result.stderr
    assert cfy("events", "list", "--tail", "nope").exit_code == 1


def test_an_empty_range_of_events_says_so(api: FakeApi, cfy: Run) -> None:
    api.add_execution("e1")
    assert cfy("events", "list", "e1").stdout == "There are no events of execution e1 that fit.\n"
    assert cfy("events", "list", "e1", "--before", "2 weeks ago").exit_code == 0


def test_a_kill_of_what_is_over_does_not_say_that_it_killed(api: FakeApi, cfy: Run) -> None:
    # Found by a trial: "Killed execution e1", of which nothing had run for long.
    api.add_execution("e1", status="terminated", residual_operations=0)
    api.on_action = lambda execution, action: None
    assert cfy("executions", "cancel", "e1", "--kill").stdout == (
        "Execution e1 is `terminated`, and no operations are running.\n"
    )


def test_a_kill_of_what_is_over_says_what_it_ends(api: FakeApi, cfy: Run) -> None:
    api.add_execution("e1", status="cancelled", residual_operations=2)
    api.on_action = lambda execution, action: None
    assert cfy("executions", "cancel", "e1", "--kill").stdout.splitlines() == [
        "Killed execution e1; its status is `cancelled`.",
        "Operations that it left running are being ended: 2.",
    ]


def test_a_dry_run_is_a_plan(api: FakeApi, cfy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    api.add_deployment("web")

    def play(execution: dict[str, Any]) -> None:
        for instance, operation, runs in (
            ("vm_1", "create", "scripts/create.sh"),
            ("database_1", "create", "shop.database.create"),
            ("vm_1", "start", "scripts/start.sh"),
        ):
            about = {"node_instance_id": instance, "operation": f"cloudify.interfaces.lifecycle.{operation}"}
            for kind in ("task_started", "task_succeeded"):
                api.push(execution["id"], "dry", event_type=kind, details={"dry_run": runs}, **about)
        for instance, word in (("old_1", "Deleted"), ("app_1", "Stopping"), ("app_1", "Started")):
            api.push(execution["id"], word, event_type="workflow_node_event", node_instance_id=instance)
        changes = [{"id": "web_1", "node_id": "web", "action": "remove", "reason": "the newest"}]
        api.push(execution["id"], "Plan: 1 to remove", details={"instance_changes": changes})
        api.end(execution["id"], is_dry_run=True)

    api.on_start = play
    real = api.post_executions
    monkeypatch.setattr(api, "post_executions", lambda *given: {**real(*given), "is_dry_run": True})
    result = cfy("executions", "start", "install", "-d", "web", "--dry-run")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[1:] == [
        "- web_1 (the newest)",
        "- old_1       no operations",
        "~ app_1       no operations",
        "+ vm_1        create (scripts/create.sh) -> start (scripts/start.sh)",
        "+ database_1  create (shop.database.create)",
        "Plan: 2 to make, 1 to change, 2 to remove. Nothing was run.",
    ]
