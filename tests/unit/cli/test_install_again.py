"""`cfy install` a second time: what has not changed is used, what was never installed is replaced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cfy_command import Run
from fake_api import FakeApi, Refusal


@pytest.fixture
def blueprint(tmp_path: Path, api: FakeApi) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "blueprint.yaml").write_text("node_templates: {}\n")
    api.on_start = lambda execution: api.end(execution["id"])
    return folder


def uploads(api: FakeApi) -> int:
    return len(api.asked("PUT", "blueprints/shop"))


def created(api: FakeApi) -> int:
    return len(api.asked("PUT", "deployments/shop"))


def test_the_corrected_command_works_after_a_bad_input(api: FakeApi, cfy: Run, blueprint: Path) -> None:
    refusal = Refusal(400, "missing_required_deployment_input_error", "`seconds` was not given.")
    api.refuse["PUT", "deployments/shop"] = refusal
    failed = cfy("install", str(blueprint))
    assert failed.exit_code == 1
    assert "run the same command again with what was wrong corrected" in failed.stderr
    api.refuse.clear()
    again = cfy("install", str(blueprint), "-i", "seconds=1")
    assert again.exit_code == 0, again.output
    assert "Blueprint `shop` has not changed." in again.stdout
    assert (uploads(api), created(api)) == (1, 2)


def test_what_has_not_changed_is_used(api: FakeApi, cfy: Run, blueprint: Path) -> None:
    for _ in range(2):
        result = cfy("install", str(blueprint), "-i", "port=8080")
        assert result.exit_code == 0, result.output
        api.deployments["shop"]["inputs"] = {"port": 8080, "zone": "a"}
    assert "Deployment `shop` has not changed." in result.stdout
    assert (uploads(api), created(api), len(api.executions)) == (1, 1, 2)


def test_there_is_nothing_to_do_if_all_is_installed(api: FakeApi, cfy: Run, blueprint: Path) -> None:
    assert cfy("install", str(blueprint)).exit_code == 0
    message = "The workflow `install` of deployment `shop` is not available."
    api.refuse["POST", "executions"] = Refusal(400, "unavailable_workflow_error", message)
    again = cfy("install", str(blueprint))
    assert (again.exit_code, again.stderr) == (0, "")
    assert f"Nothing to do: {message}" in again.stdout


def test_a_changed_blueprint_is_replaced_if_nothing_uses_it(api: FakeApi, cfy: Run, blueprint: Path) -> None:
    assert cfy("blueprints", "upload", str(blueprint)).exit_code == 0
    (blueprint / "run.sh").write_text("true\n")
    result = cfy("install", str(blueprint))
    assert result.exit_code == 0, result.output
    assert "Blueprint `shop` has changed; the one that nothing used is replaced." in result.stdout
    assert uploads(api) == 2


def test_a_changed_blueprint_in_use_is_refused(api: FakeApi, cfy: Run, blueprint: Path) -> None:
    assert cfy("install", str(blueprint)).exit_code == 0
    (blueprint / "blueprint.yaml").write_text("node_templates: {x: {}}\n")
    result = cfy("install", str(blueprint))
    assert result.exit_code == 1
    assert "Blueprint `shop` has changed, and is used by `shop`." in result.stderr
    assert f"cfy blueprints upload -b shop-2 {blueprint}\n" in result.stderr
    assert "cfy deployments update shop -b shop-2\n" in result.stderr
    assert uploads(api) == 1


@pytest.mark.parametrize(("state", "code"), [("uninitialized", 0), ("deleted", 0), ("started", 1)])
def test_other_inputs_make_a_deployment_anew_unless_it_is_installed(
    api: FakeApi, cfy: Run, blueprint: Path, state: str, code: int
) -> None:
    assert cfy("install", str(blueprint), "-i", "port=1").exit_code == 0
    api.deployments["shop"]["inputs"] = {"port": 1}
    api.instances = [{"id": "vm_1", "node_id": "vm", "deployment_id": "shop", "state": state}]
    result = cfy("install", str(blueprint), "-i", "port=2")
    assert result.exit_code == code, result.output
    assert created(api) == 2 - code
    if code:
        assert "its inputs `port` would change" in result.stderr
        assert "`cfy deployments update shop -i port=...` does that" in result.stderr


def test_lines_of_json_are_alone_on_standard_output(api: FakeApi, cfy: Run, blueprint: Path) -> None:

    def play(execution: dict[str, Any]) -> None:
        api.push(execution["id"], "done")
        api.end(execution["id"])

    api.on_start = play
    result = cfy("install", str(blueprint), "--json-output")
    assert [json.loads(line)["message"] for line in result.stdout.splitlines()] == ["done"]
    assert "Blueprint `shop` is uploaded." in result.stderr
    assert "has ended well" in result.stderr


def test_an_installation_need_not_be_followed(api: FakeApi, cfy: Run, blueprint: Path) -> None:
    api.on_start = lambda execution: None
    result = cfy("install", str(blueprint), "--no-follow")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "`cfy events list --tail execution-1` follows it."
    result = cfy("uninstall", "shop", "--no-follow")
    assert result.exit_code == 0
    assert "After its end, `cfy deployments delete shop` deletes the deployment." in result.stdout
    assert "shop" in api.deployments
