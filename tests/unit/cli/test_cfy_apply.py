"""`cfy apply`: what it asks before it destroys, and how it is used wrongly. See also the integration test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cfy_command import Run
from fake_api import FakeApi


@pytest.fixture
def folder(tmp_path: Path, api: FakeApi) -> Path:
    """A blueprint that has changed since it was deployed and installed."""
    path = tmp_path / "web"
    path.mkdir()
    (path / "blueprint.yaml").write_text("node_templates: {}\n")
    api.add_blueprint("web")
    api.archives["web"] = b"something else"
    api.add_deployment("web")
    api.instances = [{"id": "vm_1", "node_id": "vm", "deployment_id": "web", "state": "started"}]
    return path


def plan(action: str) -> dict[str, Any]:
    change = {"id": "vm_1", "node_id": "vm", "action": action, "reason": "why"}
    return {
        "id": "u1",
        "deployment_id": "web",
        "execution_id": "e1",
        "digest": "d1",
        "steps": [],
        "changed": {},
        "options": {"skip_heal": True},
        "deployment_update_nodes": [],
        "instance_changes": [change],
    }


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 130)])
def test_what_is_destroyed_is_asked_about_on_a_terminal(
    api: FakeApi, cfy: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    api.post_deployment_updates = lambda *_: plan("remove")  # type: ignore[attr-defined]
    api.add_execution("e1", "update", "terminated")
    api.end("e1")
    asked: list[str] = []

    def confirm(text: str, **_: Any) -> bool:
        asked.append(text)
        return answer == "y"

    monkeypatch.setattr("cloudwright.cli.apply._is_watched", lambda: True)
    monkeypatch.setattr("click.confirm", confirm)
    result = cfy("apply", str(folder))
    assert result.exit_code == code, result.output
    assert "Instances: 1 to remove." in result.output
    assert asked == ["Do this?"]
    bodies = api.asked("POST", "deployment-updates/web/update/initiate")
    # What was shown is what is done.
    assert [(body["preview"], body["digest"]) for body in bodies[1:]] == ([(False, "d1")] if not code else [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.yaml", "-p", "b.yaml"], "Name the blueprint once"),
        (["a.yaml", "--detailed-exitcode"], "--detailed-exitcode is for --preview"),
    ],
)
def test_what_is_asked_wrongly_is_said(cfy: Run, arguments: list[str], said: str) -> None:
    result = cfy("apply", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_blueprint_that_is_not_there(cfy: Run) -> None:
    result = cfy("apply", "nowhere.yaml")
    assert result.exit_code in (1, 2)
    assert "nowhere.yaml" in result.stderr
