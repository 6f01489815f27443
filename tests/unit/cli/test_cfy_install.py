"""From a blueprint to an installed deployment, and back."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from cfy_command import Run
from fake_api import FakeApi, Refusal

PROBLEMS = [
    {
        "message": "`tpe` is not a key of a node template.",
        "file": "blueprint.yaml",
        "line": 3,
        "column": 5,
        "path": "node_templates.vm",
        "expected": "one of type, properties",
        "suggestion": "type",
    },
    {"message": "There is no node type `x`.", "file": "types/other.yaml", "line": 7, "column": None},
]
INVALID = Refusal(400, "invalid_blueprint_error", "The blueprint is not valid: ...", problems=PROBLEMS)


@pytest.fixture
def blueprint(tmp_path: Path) -> Path:
    folder = tmp_path / "my_shop"
    folder.mkdir()
    (folder / "blueprint.yaml").write_text("node_templates:\n  vm:\n    tpe: x\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    return folder / "blueprint.yaml"


@pytest.fixture
def ending(api: FakeApi) -> FakeApi:
    """A manager whose executions end well at once."""

    def play(execution: dict[str, Any]) -> None:
        api.push(execution["id"], f"'{execution['workflow_id']}' done", event_type="workflow_succeeded")
        api.end(execution["id"])

    api.on_start = play
    return api


def test_install_uploads_creates_and_runs(ending: FakeApi, cfy: Run, blueprint: Path) -> None:
    result = cfy("install", str(blueprint), "-i", "size=3")
    assert result.exit_code == 0, result.output
    [upload] = ending.asked("PUT", "blueprints/my-shop")
    assert upload["params"]["application_file_name"] == "blueprint.yaml"
    with tarfile.open(fileobj=io.BytesIO(upload["blueprint_archive"])) as archive:
        assert set(archive.getnames()) == {"my_shop/blueprint.yaml", "my_shop/run.sh"}
    [created] = ending.asked("PUT", "deployments/my-shop")
    assert (created["blueprint_id"], created["inputs"]) == ("my-shop", {"size": "3"})
    assert created["auto_correct_types"] is True
    [started] = ending.asked("POST", "executions")
    assert (started["workflow_id"], started["deployment_id"]) == ("install", "my-shop")
    assert result.stdout.splitlines() == [
        "Blueprint `my-shop` is uploaded.",
        "Deployment `my-shop` is created.",
        "Execution execution-1: `install` on deployment `my-shop`.",
        "2024-05-01 12:00:02.345  CFY <web> 'install' done",
        "Execution execution-1 of `install` on deployment `my-shop` has ended well after 4.5 s.",
    ]


def test_install_takes_names_labels_and_another_workflow(ending: FakeApi, cfy: Run, blueprint: Path) -> None:
    result = cfy(
        "install", str(blueprint), "-b", "bp", "-d", "dep", "-w", "bring_up", "-p", "x=1", "-l", "private",
        "--blueprint-labels", "env:prod", "--deployment-labels", r"Owner:a\,b", "--validate", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["status"] == "terminated"
    assert len(ending.asked("PUT", "blueprints/bp/validate")) == 1
    params = ending.asked("PUT", "blueprints/bp")[0]["params"]
    assert (params["labels"], params["visibility"]) == ([{"key": "env", "value": "prod"}], "private")
    assert ending.asked("PUT", "deployments/dep")[0]["labels"] == [{"owner": "a,b"}]
    assert ending.asked("POST", "executions")[0]["workflow_id"] == "bring_up"


def test_install_says_how_to_go_on_where_the_deployment_is_refused(
    api: FakeApi, cfy: Run, blueprint: Path
) -> None:
    message = "The input `size` is required."
    api.refuse["PUT", "deployments/my-shop"] = Refusal(
        400, "missing_required_deployment_input_error", message
    )
    result = cfy("install", str(blueprint))
    assert result.exit_code == 1
    assert "could not be created: The input `size` is required." in result.stderr
    assert "run the same command again with what was wrong corrected" in result.stderr
    assert "cfy blueprints delete my-shop" in result.stderr


def test_problems_are_shown_beside_the_text_that_has_them(api: FakeApi, cfy: Run, blueprint: Path) -> None:
    api.refuse["PUT", "blueprints/my-shop"] = INVALID
    result = cfy("install", str(blueprint))
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Error: The blueprint is not valid: 2 problems were found.",
        f"  {blueprint}:3:5: `tpe` is not a key of a node template.",
        "      3 |     tpe: x",
        "        |     ^",
        "      expected: one of type, properties",
        "      did you mean `type`?",
        "  types/other.yaml:7: There is no node type `x`.",
    ]
    said = json.loads(cfy("blueprints", "upload", str(blueprint), "--json").stderr)
    assert said["error"]["problems"] == PROBLEMS


def test_validate_prints_problems_on_standard_output(api: FakeApi, cfy: Run, blueprint: Path) -> None:
    api.refuse["PUT", "blueprints/blueprint/validate"] = INVALID
    result = cfy("blueprints", "validate", str(blueprint))
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == f"{blueprint}:3:5: `tpe` is not a key of a node template."
    assert result.stderr == "Error: The blueprint is not valid: 2 problems were found.\n"
    result = cfy("blueprints", "validate", str(blueprint), "--json")
    assert (result.exit_code, result.stderr) == (1, "")
    assert json.loads(result.stdout) == {"valid": False, "problems": PROBLEMS, "warnings": []}


def test_validate_of_a_valid_blueprint(cfy: Run, blueprint: Path) -> None:
    assert cfy("blueprints", "validate", str(blueprint)).stdout == "The blueprint is valid.\n"
    assert json.loads(cfy("blueprints", "validate", str(blueprint), "--json").stdout) == {
        "valid": True,
        "problems": [],
        "warnings": [],
    }


WARNING = {"message": "`x` is in this mapping twice.", "file": "blueprint.yaml", "line": 2, "column": 1}


def test_warnings_are_told_and_refuse_nothing(api: FakeApi, cfy: Run, blueprint: Path) -> None:
    api.warnings = [WARNING]
    told = f"{blueprint}:2:1: warning: `x` is in this mapping twice."
    result = cfy("blueprints", "validate", str(blueprint))
    assert (result.exit_code, result.stderr) == (0, "")
    assert (result.stdout.splitlines()[0], result.stdout.splitlines()[-1]) == (
        told, "The blueprint is valid.",
    )  # fmt: skip
    assert json.loads(cfy("blueprints", "validate", str(blueprint), "--json").stdout) == {
        "valid": True,
        "problems": [],
        "warnings": [WARNING],
    }
    result = cfy("blueprints", "upload", str(blueprint), "-b", "warned")
    assert (result.exit_code, result.stdout) == (0, "Blueprint `warned` is uploaded.\n")
    assert result.stderr.splitlines()[0] == told


def test_warnings_come_after_the_problems(api: FakeApi, cfy: Run, blueprint: Path) -> None:
    api.refuse["PUT", "blueprints/blueprint/validate"] = Refusal(
        400, "invalid_blueprint_error", "...", problems=PROBLEMS, warnings=[WARNING]
    )
    lines = cfy("blueprints", "validate", str(blueprint)).stdout.splitlines()
    assert lines[0].endswith("`tpe` is not a key of a node template.")
    assert any("warning: `x`" in line for line in lines[2:])


def test_upload(api: FakeApi, cfy: Run, blueprint: Path) -> None:
    assert (
        cfy("blueprints", "upload", str(blueprint.parent), "-b", "b").stdout == "Blueprint `b` is uploaded.\n"
    )
    assert "is being uploaded" in cfy("blueprints", "upload", str(blueprint), "-b", "c", "-a").stdout
    assert [body["params"]["async_upload"] for body in api.asked("PUT", "blueprints/c")] == [True]
    again = cfy("blueprints", "upload", str(blueprint), "-b", "b")
    assert (again.exit_code, again.stderr) == (1, "Error: There is a blueprint `b` already.\n")
    assert "plan" not in json.loads(cfy("blueprints", "upload", str(blueprint), "-b", "d", "--json").stdout)


def test_a_download_replaces_no_pipe_and_no_link(
    api: FakeApi, cfy: Run, blueprint: Path, tmp_path: Path
) -> None:
    # Found by a trial: `-o /dev/full`, as root, put a file in the place of the device.
    assert cfy("blueprints", "upload", str(blueprint), "-b", "b").exit_code == 0
    pipe, target, link = tmp_path / "pipe", tmp_path / "target", tmp_path / "link"
    os.mkfifo(pipe)
    target.touch()
    link.symlink_to(target)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert cfy("blueprints", "download", "b", "-o", str(pipe)).exit_code == 0
        assert os.read(reader, 1_000_000) == api.archives["b"]
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert cfy("blueprints", "download", "b", "-o", str(link)).exit_code == 0
    assert link.is_symlink()
    assert target.read_bytes() == api.archives["b"]


def test_download_and_delete(api: FakeApi, cfy: Run, blueprint: Path, tmp_path: Path) -> None:
    cfy("blueprints", "upload", str(blueprint), "-b", "b")
    target = tmp_path / "got"
    target.mkdir()
    result = cfy("blueprints", "download", "b", "-o", str(target))
    assert (target / "b.tar.gz").read_bytes() == api.archives["b"]
    assert str(target / "b.tar.gz") in result.stdout
    missing = cfy("blueprints", "download", "nope", "-o", str(target))
    assert (missing.exit_code, [path.name for path in target.iterdir()]) == (1, ["b.tar.gz"])
    assert cfy("blueprints", "delete", "b").stdout == "Blueprint `b` is deleted.\n"
    assert cfy("blueprints", "delete", "b").exit_code == 1


def test_create_and_delete_a_deployment(api: FakeApi, cfy: Run) -> None:
    assert (
        cfy("deployments", "create", "-b", "web", "-n", "The shop").stdout == "Deployment `web` is created.\n"
    )
    assert api.asked("PUT", "deployments/web")[0]["display_name"] == "The shop"
    made = json.loads(cfy("deployments", "create", "-b", "web", "--generate-id", "--json").stdout)
    assert len(made["id"]) == 36
    assert cfy("deployments", "create", "x", "-b", "web", "--generate-id").exit_code == 2
    assert cfy("deployments", "delete", "web", "-f", "--recursive", "-l").exit_code == 0
    query = api.requests[-1][2]
    assert query == {"force": "true", "delete_logs": "true", "recursive": "true"}


def test_uninstall_deletes_the_deployment_and_a_blueprint_that_nothing_uses(
    ending: FakeApi, cfy: Run
) -> None:
    ending.add_blueprint("web")
    ending.add_deployment("one")
    ending.deployments["one"]["blueprint_id"] = "web"
    result = cfy("uninstall", "one", "--recursive", "-p", "ignore_failure=true")
    assert result.exit_code == 0, result.output
    assert ending.asked("POST", "executions")[0]["parameters"] == {
        "ignore_failure": "true",
        "recursive": True,
    }
    assert (ending.deployments, ending.blueprints) == ({}, {})
    assert result.stdout.splitlines()[-2:] == ["Deployment `one` is deleted.", "Blueprint `web` is deleted."]


def test_uninstall_keeps_a_blueprint_that_is_used(ending: FakeApi, cfy: Run) -> None:
    ending.add_blueprint("web")
    ending.add_deployment("one")
    ending.add_deployment("two")
    assert cfy("uninstall", "one").exit_code == 0
    assert (list(ending.deployments), list(ending.blueprints)) == (["two"], ["web"])


def test_uninstall_that_fails_deletes_nothing(api: FakeApi, cfy: Run) -> None:
    api.add_blueprint("web")
    api.add_deployment("one")
    api.on_start = lambda execution: api.end(execution["id"], "failed", error="no")
    assert cfy("uninstall", "one").exit_code == 1
    assert (list(api.deployments), list(api.blueprints)) == (["one"], ["web"])
