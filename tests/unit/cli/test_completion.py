"""What a shell completes: the ids that the manager has, and files."""

from __future__ import annotations

import pytest
from cfy_command import Run
from click.shell_completion import ShellComplete
from fake_api import FakeApi

from cloudwright.cli.main import cfy as program


def completed(*words: str) -> list[tuple[str, str]]:
    *before, last = words
    items = ShellComplete(program, {}, "cfy", "_CFY_COMPLETE").get_completions(list(before), last)
    return [(item.type, str(item.value)) for item in items]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (("executions", "cancel", "e"), ["e1"]),
        (("executions", "list", "-d", "w"), ["web"]),
        (("executions", "start", "install", "-d", ""), ["web", "shop"]),
        (("executions", "start", "-d", "web", "s"), ["scale"]),
        (("executions", "start", "un"), ["uninstall"]),
        (("uninstall", "sh"), ["shop"]),
        (("blueprints", "get", ""), ["base"]),
        (("node-instances", "get", "vm"), ["vm_1"]),
    ],
)
def test_ids_and_names(api: FakeApi, cfy: Run, words: tuple[str, ...], values: list[str]) -> None:
    api.add_blueprint("base")
    api.add_deployment("web")
    api.add_deployment("shop")
    api.add_execution("e1")
    api.instances = [{"id": "vm_1", "node_id": "vm", "deployment_id": "web", "state": "started"}]
    assert [value for _, value in completed(*words)] == values


@pytest.mark.parametrize(
    "words", [("install", "./sh"), ("install", "x", "-i", "in"), ("blueprints", "upload", "b")]
)
def test_files(cfy: Run, words: tuple[str, ...]) -> None:
    assert completed(*words) == [("file", words[-1])]


def test_no_manager_is_started_for_a_hint_and_no_error_is_shown(
    bare: Run, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert completed("executions", "cancel", "") == []
    monkeypatch.setenv("CLOUDWRIGHT_URL", "http://127.0.0.1:9")
    assert completed("executions", "cancel", "") == []
    assert capfd.readouterr() == ("", "")
