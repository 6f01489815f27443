"""How commands end when something is wrong."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cfy_command import CFY, Run
from fake_api import TOKEN, FakeApi, Refusal


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nobody answers."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"


def test_a_refused_connection(bare: Run, nobody: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDWRIGHT_URL", nobody)
    result = bare("executions", "cancel", "e1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"Error: No manager answers at {nobody}: connection refused.",
        "  The address comes from CLOUDWRIGHT_URL. Check that the manager runs, and its port and protocol;",
        "  without that, it is the manager of the active profile, or else of this machine.",
    ]
    said = json.loads(bare("executions", "cancel", "e1", "--json").stderr)
    assert said["error"]["message"].endswith("connection refused.")


def test_an_unknown_host(bare: Run) -> None:
    result = bare("executions", "cancel", "e1", "--manager", "no-such-host.invalid")
    assert result.exit_code == 1
    assert "No manager answers at http://no-such-host.invalid:8100" in result.stderr


def test_missing_credentials(api: FakeApi, bare: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDWRIGHT_URL", api.url)
    result = bare("blueprints", "list")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: Say who you are.\n"
        "  Set CLOUDWRIGHT_TOKEN, or CLOUDWRIGHT_USERNAME and CLOUDWRIGHT_PASSWORD.\n",
    )


def test_wrong_credentials_of_the_environment_are_named(
    api: FakeApi, bare: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDWRIGHT_URL", api.url)
    monkeypatch.setenv("CLOUDWRIGHT_TOKEN", "of-yesterday")
    assert bare("blueprints", "list").stderr == (
        "Error: Say who you are.\n"
        "  The credentials come from CLOUDWRIGHT_TOKEN: set them again, or unset them.\n"
    )


def test_a_manager_that_does_not_speak_https(api: FakeApi, bare: Run) -> None:
    result = bare("blueprints", "list", "--manager", api.url.replace("http:", "https:"))
    assert "it does not speak HTTPS (" in result.stderr
    assert "without that, it is" in result.stderr


def test_a_home_that_is_a_file(bare: Run, home: Path) -> None:
    home.write_text("")
    for arguments in (["executions", "list"], ["profiles", "use", "local"]):
        result = bare(*arguments)
        assert result.exit_code == 1
        assert "defect" not in result.stderr
        assert str(home) in result.stderr
        assert "CLOUDWRIGHT_HOME" in result.stderr


@pytest.mark.parametrize("wrong", ["../x", "a/b", ".."])
def test_what_cannot_be_an_id_asks_for_nothing_else(api: FakeApi, cfy: Run, wrong: str) -> None:
    result = cfy("blueprints", "get", wrong)
    assert (result.exit_code, result.stderr) == (
        1, f"Error: `{wrong}` is not a valid ID: IDs are not empty and contain no `/`.\n",
    )  # fmt: skip
    assert api.requests == []


def test_a_full_disk(cfy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/home/me/it")

    monkeypatch.setattr("cloudwright.client.resources.Blueprints.list", write)
    result = cfy("blueprints", "list")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: There is no room left on the disk at /home/me/it: No space left")


def test_what_answers_is_no_manager(api: FakeApi, cfy: Run) -> None:
    api.get_blueprints = lambda *_: b"<html>Welcome to nginx</html>"  # type: ignore[method-assign]
    result = cfy("blueprints", "list")
    assert result.exit_code == 1
    assert "is not a Cloudwright manager (HTTP 200: <html>Welcome to nginx</html>)." in result.stderr


def test_a_defect_of_the_manager(api: FakeApi, cfy: Run) -> None:
    api.refuse["GET", "blueprints"] = Refusal(500, "internal_server_error", "It failed under incident 17.")
    result = cfy("blueprints", "list", "-v")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "Error: It failed under incident 17.\n  | HTTP 500, error_code internal_server_error: "
    )


def test_a_defect_of_the_command_is_no_traceback_unless_asked_for(
    api: FakeApi, cfy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.get_blueprints = lambda *_: ["unexpected"]  # type: ignore[method-assign]
    result = cfy("blueprints", "list")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Internal error: TypeError:")
    assert "Traceback" not in result.stderr
    assert "Traceback" in cfy("blueprints", "list", "-v").stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["exections"], "There is no command `exections`. Did you mean `executions`?"),
        (["executions", "cancl", "e1"], "There is no command `cancl`. Did you mean `cancel`?"),
        (["executions", "cancel"], "Which execution?"),
        (["executions", "start", "install"], "Missing option"),
        (["executions", "list", "--frobnicate"], "No such option"),
        (["deployments", "create", "-b", "b", "-i", "nowhere.yaml"], "there is no file `nowhere.yaml`"),
        (["executions", "start", "x", "-d", "y", "--queue", "--dry-run"], "cannot be given together"),
        (["status", "--manager", "a/b/c"], "is not the address of a manager"),
    ],
)
def test_what_is_asked_wrongly_is_exit_code_2(bare: Run, arguments: list[str], said: str) -> None:
    result = bare(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_nothing_at_all_shows_the_help(bare: Run) -> None:
    result = bare()
    assert "Usage: cfy" in result.output


def test_a_wrong_setting_names_its_variable(bare: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDWRIGHT_PORT", "many")
    result = bare("blueprints", "list")
    assert result.exit_code == 1
    assert "CLOUDWRIGHT_PORT is `many`" in result.stderr


def test_a_reader_that_has_seen_enough_is_no_error(api: FakeApi, home: Path) -> None:
    for number in range(2000):
        api.add_execution(f"execution-{number}")
    environ = {**os.environ, "CLOUDWRIGHT_URL": api.url, "CLOUDWRIGHT_TOKEN": TOKEN}
    command = [*CFY, "executions", "list", "-s", "2000"]
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ID")
    process.stdout.close()
    assert process.stderr is not None
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), errors) == (1, "")


def test_the_version_of_both_sides(
    api: FakeApi, cfy: Run, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cloudwright import __version__

    assert cfy("--version").stdout == f"cfy (Cloudwright) {__version__}\nmanager 9.9.9 at {api.url}\n"
    monkeypatch.setenv("CLOUDWRIGHT_URL", nobody)
    result = cfy("--version")
    assert result.exit_code == 0
    assert f"manager: No manager answers at {nobody}" in result.stdout


def test_the_version_starts_nothing(bare: Run, home: Path) -> None:
    assert len(bare("--version").stdout.splitlines()) == 1
    assert not home.exists()


def test_quiet_leaves_results_and_errors(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web")
    api.on_start = lambda execution: api.end(execution["id"])
    result = cfy("executions", "start", "install", "-d", "web", "-q")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    api.add_execution("e1")
    assert "e1" in cfy("-q", "executions", "list").stdout


def test_click_is_not_shown_as_it_is(bare: Run) -> None:
    """An error of usage still says how the command is used."""
    result = bare("executions", "cancel")
    assert result.stderr.startswith("Usage: cfy executions cancel [OPTIONS] [EXECUTION_ID]\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["licence"], "There is no command `licence`. Did you mean `license`? That is a command of Cloudify"),
        (["license", "list"], "`license` is a command of Cloudify that Cloudwright does not have."),
        (["blueprints", "package"], "`blueprints package` is a command of Cloudify that"),
        (["deployments", "histry"], "There is no command `histry`. Did you mean `history`?\n"),
        (["zzz"], "There is no command `zzz`.\n"),
    ],
)
def test_commands_of_cloudify_are_known(bare: Run, arguments: list[str], said: str) -> None:
    result = bare(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("noun", ["blueprint", "plugin"])
def test_a_missing_archive_is_guessed_and_no_file_is_left(
    api: FakeApi, cfy: Run, tmp_path: Path, noun: str
) -> None:
    api.add_blueprint("shop")
    api.get_plugins = lambda id, *_: api._get("plugin", {"shop": {"id": "shop"}}, "" if id == "x" else id, {})  # type: ignore[attr-defined]
    result = cfy(f"{noun}s", "download", "shpo", "-o", str(tmp_path))
    assert result.exit_code == 1
    assert f"There is no {noun} `shpo`." in result.stderr
    assert f"Did you mean `shop`? `cfy {noun}s list` shows what exists." in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_hint_is_about_what_is_missing(api: FakeApi, cfy: Run) -> None:
    api.add_deployment("web")
    api.add_blueprint("shop")
    message = "There is no blueprint `shpo` in tenant `default_tenant`."
    api.refuse["POST", "deployment-updates/web/update/initiate"] = Refusal(404, "not_found_error", message)
    result = cfy("deployments", "update", "web", "-b", "shpo")
    assert "Did you mean `shop`? `cfy blueprints list` shows what exists." in result.stderr


def test_there_is_no_local_mode(bare: Run, home: Path) -> None:
    for arguments in (["init"], ["init", "-b", "x", "--reset-context", "blueprint.yaml"]):
        result = bare(*arguments)
        assert result.exit_code == 1
        assert "there is no local mode" in result.stderr
    assert not home.exists()
