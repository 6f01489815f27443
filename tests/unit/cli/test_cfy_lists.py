"""Lists and single records: tables, lines, JSON."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cfy_command import CFY, Run
from fake_api import TOKEN, FakeApi


def test_a_list_in_a_pipe_is_aligned_lines_without_tabs(api: FakeApi, cfy: Run) -> None:
    api.add_execution("e1")
    api.add_execution("a-longer-id", "uninstall", "terminated", ended_at="2024-05-01T12:00:05.500Z")
    lines = cfy("executions", "list").stdout.splitlines()
    assert lines[0].split() == [
        "ID", "WORKFLOW", "STATUS", "DEPLOYMENT", "CREATED_AT", "STARTED_AT", "ENDED_AT", "CREATED_BY",
        "IS_DRY_RUN",
    ]  # fmt: skip
    assert lines[1].split() == ["e1", "install", "started", "web", *["2024-05-01", "12:00:00Z"], "2024-05-01", "12:00:01Z", "-", "admin", "-"]  # fmt: skip # noqa: E501
    assert lines[2].index("uninstall") == lines[1].index("install") == lines[0].index("WORKFLOW")
    assert "\t" not in "".join(lines)


def test_json_is_one_document_wherever_the_option_stands(api: FakeApi, cfy: Run) -> None:
    api.add_execution("e1")
    for arguments in (
        ["--json", "executions", "list"],
        ["executions", "--json", "list"],
        ["executions", "list", "--json"],
        ["executions", "list", "--format", "json"],
    ):
        result = cfy(*arguments)
        assert [item["id"] for item in json.loads(result.stdout)] == ["e1"], arguments
        assert result.stderr == ""


def test_empty_lists_say_so(api: FakeApi, cfy: Run) -> None:
    missing = cfy("executions", "list", "-d", "web")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "There is no deployment `web`." in missing.stderr
    api.add_deployment("web")
    assert cfy("executions", "list", "-d", "web").stdout == "There are no executions of deployment `web`.\n"
    assert cfy("blueprints", "list").stdout == "There are no blueprints.\n"
    assert json.loads(cfy("blueprints", "list", "--json").stdout) == []


def test_a_list_asks_for_the_part_that_was_named(api: FakeApi, cfy: Run) -> None:
    for number in range(5):
        api.add_execution(f"e{number}")
    result = cfy("executions", "list", "-o", "1", "-s", "2", "--sort-by", "status", "--descending", "-a")
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == ["e1", "e2"]
    assert "Showing 2 of 5 executions" in result.stderr
    assert api.requests[0][2] == {"_size": "2", "_offset": "1", "_sort": "-status", "_all_tenants": "true"}


def test_extended_view_is_a_line_per_field(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web")
    lines = cfy("deployments", "list", "-x").stdout.splitlines()
    assert lines[0] == "[1]"
    assert lines[1].split() == ["id", "web"]


def test_a_terminal_without_all_characters_is_no_error(api: FakeApi, home: Path) -> None:
    api.add_blueprint("web", description="größer – und schöner")
    environ = {**os.environ, "CLOUDWRIGHT_URL": api.url, "CLOUDWRIGHT_TOKEN": TOKEN}
    environ["PYTHONIOENCODING"] = "latin-1"
    shown = []
    for options in ([], ["--json"]):
        command = [*CFY, "blueprints", "list", *options]
        done = subprocess.run(command, env=environ, capture_output=True, encoding="latin-1")
        assert (done.returncode, done.stderr) == (0, "")
        shown.append(done.stdout)
    assert r"größer \u2013 und schöner" in shown[0]
    assert json.loads(shown[1])[0]["description"] == "größer – und schöner"


def test_the_tenant_reaches_the_manager(api: FakeApi, cfy: Run) -> None:
    cfy("deployments", "list", "-t", "blue")
    assert api.headers[-1]["Tenant"] == "blue"


def test_a_record_shows_its_fields_and_its_parameters(api: FakeApi, cfy: Run) -> None:
    api.add_execution("e1", status="cancelled", parameters={"nodes": ["a", "b"]}, residual_operations=2)
    text = cfy("executions", "get", "e1").stdout
    assert "status               cancelled" in text
    assert '  nodes: ["a", "b"]' in text
    assert "2 operations of it still run.\n`cfy executions operations list e1`" in text
    assert "scheduled for" not in text


def test_operations_show_where_they_run_and_what_is_left(api: FakeApi, cfy: Run) -> None:
    api.add_execution("e1", status="cancelled")
    api.operations = [
        {
            "id": "o1",
            "execution_id": "e1",
            "name": "script_runner.tasks.run",
            "state": "started",
            "residual": True,
            "attempt": 1,
            "agent_name": None,
            "manager_name": "here",
            "node_instance_id": "vm_1",
            "pid": 4711,
            "started_at": "2024-05-01T12:00:02.000Z",
            "ended_at": None,
        }
    ]
    result = cfy("executions", "operations", "list", "e1")
    assert result.stdout.splitlines()[1].split()[:7] == [
        "script_runner.tasks.run", "vm_1", "started", "yes", "1", "here", "4711",
    ]  # fmt: skip
    assert cfy("executions", "operations", "list").exit_code == 2
    assert cfy("executions", "operations", "list", "nope").exit_code == 1


def test_a_blueprint_shows_who_uses_it_and_its_inputs(api: FakeApi, cfy: Run) -> None:
    inputs = {"size": {"type": "integer", "default": 1, "description": "how large"}}
    api.add_blueprint("web", plan={"inputs": inputs, "metadata": {"owner": "me"}})
    api.add_deployment("site")
    text = cfy("blueprints", "get", "web").stdout
    assert "deployments  site" in text
    assert "owner: me" in text
    whole = json.loads(cfy("blueprints", "get", "web", "--json").stdout)
    assert (whole["deployments"], whole["metadata"]) == (["site"], {"owner": "me"})
    assert cfy("blueprints", "inputs", "web").stdout.splitlines()[1].split() == [
        "size",
        "integer",
        "1",
        "how",
        "large",
    ]


def test_a_deployment_shows_inputs_outputs_and_capabilities(api: FakeApi, cfy: Run) -> None:
    api.add_deployment(
        "web",
        inputs={"port": 80},
        outputs={"url": {"value": "http://x", "description": "where it is"}},
        capabilities={"nodes": {"value": {"a": [1, 2]}}},
    )
    assert cfy("deployments", "inputs", "web").stdout == "\nInputs of deployment `web`:\n  port: 80\n"
    assert "  url (where it is): http://x\n" in cfy("deployments", "outputs", "web").stdout
    assert json.loads(cfy("deployments", "outputs", "web", "--json").stdout) == {
        "url": {"value": "http://x", "description": "where it is"}
    }
    assert '  nodes: {"a": [1, 2]}\n' in cfy("deployments", "capabilities", "web").stdout
    api.add_deployment("bare")
    assert "Deployment `bare` has no outputs." in cfy("deployments", "outputs", "bare").stdout
    assert "blueprint  web" in cfy("deployments", "get", "bare").stdout.replace(
        "blueprint     ", "blueprint  "
    )


def test_workflows_that_cannot_be_run_are_hidden_unless_asked_for(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web")
    result = cfy("workflows", "list", "-d", "web")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["NAME", "install"]
    assert "1 cannot be run now" in result.stderr
    assert "scale" in cfy("workflows", "list", "-d", "web", "--all").stdout
    text = cfy("workflows", "get", "scale", "-d", "web").stdout
    assert ["by", "integer", "yes", "-", "how", "many"] in [line.split() for line in text.splitlines()]
    missing = cfy("workflows", "get", "scal", "-d", "web")
    assert missing.exit_code == 1
    assert "Its workflows are: install, scale." in missing.stderr


def test_nodes_and_their_instances(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web")
    api.nodes = [
        {
            "id": "vm",
            "deployment_id": "web",
            "type": "cloudify.nodes.Compute",
            "properties": {"ip": "10.0.0.1"},
            "operations": {
                "create": {"plugin": "p", "operation": "p.create", "executor": "host_agent"},
                "a.lifecycle.create": {"plugin": "p", "operation": "p.create", "executor": "host_agent"},
                "a.lifecycle.start": {"plugin": "", "operation": ""},
            },
            "actual_number_of_instances": 1,
        }
    ]
    api.instances = [
        {
            "id": "vm_1",
            "node_id": "vm",
            "deployment_id": "web",
            "state": "started",
            "runtime_properties": {"pid": 7},
            "relationships": [{"target_id": "net_1", "target_name": "net", "type": "connected_to"}],
        }
    ]
    assert cfy("nodes", "list", "-d", "web").stdout.splitlines()[1].split()[0] == "vm"
    text = cfy("nodes", "get", "vm", "-d", "web").stdout
    assert "ip: 10.0.0.1" in text
    assert "a.lifecycle.create" in text
    assert "a.lifecycle.start" not in text
    assert "node instances  vm_1" in text
    assert json.loads(cfy("nodes", "get", "vm", "-d", "web", "--json").stdout)["instances"] == ["vm_1"]
    assert cfy("nodes", "get", "db", "-d", "web").exit_code == 1
    assert "vm_1  web" in cfy("node-instances", "list", "-n", "vm").stdout
    text = cfy("node-instances", "get", "vm_1").stdout
    assert "pid: 7" in text
    assert "net_1: connected_to" in text
    assert "Did you mean `vm_1`?" in cfy("node-instances", "get", "vm_2").stderr


def test_an_unknown_id_is_answered_with_the_closest_known_one(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("webshop")
    result = cfy("deployments", "get", "webshpo")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: There is no deployment `webshpo`.\n"
        "  Did you mean `webshop`? `cfy deployments list` shows what exists.\n"
    )


def test_the_status_of_the_manager_and_tokens(api: FakeApi, cfy: Run) -> None:
    result = cfy("status")
    assert result.exit_code == 0
    assert api.url in result.stdout
    assert "Database  Active" in result.stdout
    assert "705 MiB (plugins 700 MiB, database 5 MiB); 20 GiB free" in " ".join(result.stdout.split())
    assert "cwt-t1-secret" in cfy("tokens", "create", "-d", "for tests", "-e", "+10h").stdout
    assert api.asked("POST", "tokens") == [{"description": "for tests", "expiration_date": "+10h"}]
    listing = cfy("tokens", "list").stdout
    assert "for tests" in listing
    assert "secret" not in listing
    assert "for tests" in cfy("tokens", "get", "t1").stdout
    assert cfy("tokens", "delete", "t1").stdout == "Token `t1` is deleted.\n"
    assert cfy("tokens", "get", "t1").exit_code == 1


def test_the_status_says_what_keeps_the_database_from_writing_and_how_late_the_manager_is(
    api: FakeApi, cfy: Run
) -> None:
    lag = {"last": 1.5, "largest_of_last_minute": 41.4}
    api.status = {
        "status": "Fail",
        "services": {
            "REST API": {"status": "Active", "extra_info": {"event_loop_lag_ms": lag}},
            "Database": {"status": "Inactive", "extra_info": {"trouble": "database or disk is full"}},
        },
    }
    result = cfy("status")
    assert result.exit_code == 1
    assert "The database takes no writes: database or disk is full." in result.stdout
    assert "1.5 ms (largest of the last minute: 41.4 ms)" in result.stdout


@pytest.mark.parametrize(
    ("checks", "health", "reason"),
    [
        ({}, "", ""),
        ({"system_properties": {"status": {"ok": True, "task": "t"}}}, "ok", ""),
        (
            {
                "is_status_check_ok": False,
                "system_properties": {"status": {"ok": False, "task": "t", "result": "no answer on port 80"}},
            },
            "ill",
            "no answer on port 80",
        ),
        (
            {
                "has_configuration_drift": True,
                "system_properties": {"configuration_drift": {"ok": True, "result": {"size": 2}}},
            },
            "drifted",
            "size",
        ),
        ({"system_properties": {"status_unknown": {"reason": "it was killed"}}}, "unknown", "it was killed"),
    ],
)
def test_what_checks_said_of_instances(
    api: FakeApi, cfy: Run, checks: dict[str, Any], health: str, reason: str
) -> None:
    api.instances = [
        {
            "id": "vm_1",
            "node_id": "vm",
            "deployment_id": "web",
            "state": "started",
            "host_id": "vm_1",
            **checks,
        }
    ]
    assert f"vm_1  started  {health}".rstrip() in cfy("node-instances", "list").stdout
    shown = cfy("node-instances", "get", "vm_1").stdout
    assert (f"health      {health}" in shown) == bool(health)
    assert reason in shown
    [listed] = json.loads(cfy("node-instances", "list", "--json").stdout)
    assert "health" not in listed
