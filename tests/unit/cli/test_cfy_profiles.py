"""Profiles: which manager is spoken to, and as whom."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from cfy_command import Run
from click.testing import CliRunner
from fake_api import TOKEN, FakeApi

from cloudwright.cli import profiles


def use(bare: Run, api: FakeApi, *more: str) -> str:
    """Make a profile for the fake manager; return its port."""
    port = api.url.rpartition(":")[2]
    result = bare("profiles", "use", "127.0.0.1", "--rest-port", port, "-T", TOKEN, *more)
    assert result.exit_code == 0, result.output
    return port


def test_use_checks_and_keeps_the_credentials(api: FakeApi, bare: Run, home: Path) -> None:
    port = use(bare, api, "-t", "blue", "-s", "ubuntu")
    file = home / "profiles" / "127.0.0.1.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert (home / "profiles").stat().st_mode & 0o077 == 0
    kept = json.loads(file.read_text())
    assert (kept["rest_port"], kept["manager_token"], kept["ssh_user"]) == (int(port), TOKEN, "ubuntu")
    assert bare("deployments", "list").exit_code == 0
    assert api.headers[-1]["Tenant"] == "blue"
    assert api.headers[-1]["Authentication-Token"] == TOKEN
    shown = bare("profiles", "show-current").stdout
    assert "blue" in shown
    assert TOKEN not in shown + bare("profiles", "show-current", "--json").stdout


def test_wrong_credentials_are_not_kept(api: FakeApi, bare: Run, home: Path) -> None:
    port = api.url.rpartition(":")[2]
    result = bare("profiles", "use", "127.0.0.1", "--rest-port", port, "--profile-name", "lab")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "Error: Say who you are.\n  No profile was changed. Give the right -u USER"
    )
    assert not (home / "profiles").exists()
    skip = "--skip-credentials-validation"
    result = bare("profiles", "use", "127.0.0.1", "--rest-port", port, "--profile-name", "lab", skip)
    assert result.exit_code == 0


def test_a_user_and_a_password(api: FakeApi, bare: Run) -> None:
    port = api.url.rpartition(":")[2]
    assert bare("profiles", "use", f"http://localhost:{port}", "-u", "admin", "-p", "pass").exit_code == 0
    assert api.headers[-1]["Authorization"] == "Basic YWRtaW46cGFzcw=="


def test_several_profiles_and_back_to_the_local_one(api: FakeApi, bare: Run) -> None:
    use(bare, api, "--profile-name", "one")
    use(bare, api, "--profile-name", "two")
    rows = [line.split()[:3] for line in bare("profiles", "list").stdout.splitlines()[1:]]
    assert rows == [["local", "-", "this"], ["one", "-", "127.0.0.1"], ["two", "*", "127.0.0.1"]]
    result = bare("profiles", "use", "one", "-u", "somebody")
    assert "--manager-username is ignored" in result.stderr
    assert json.loads(bare("profiles", "show-current", "--json").stdout)["name"] == "one"
    assert bare("profiles", "use", "local").exit_code == 0
    assert "this machine" in bare("profiles", "show-current").stdout
    listed = json.loads(bare("profiles", "list", "--json").stdout)
    assert [(row["name"], row["active"]) for row in listed] == [
        ("local", True),
        ("one", False),
        ("two", False),
    ]


def test_set_and_unset(api: FakeApi, bare: Run, home: Path) -> None:
    use(bare, api, "--profile-name", "lab")
    assert bare("profiles", "set", "-u", "me", "-p", "word", "--profile-name", "work").exit_code == 0
    kept = json.loads((home / "profiles" / "work.json").read_text())
    assert (kept["manager_username"], kept["manager_password"], kept["manager_token"]) == ("me", "word", None)
    assert not (home / "profiles" / "lab.json").exists()
    assert bare("profiles", "set", "-T", TOKEN, "-t", "green").exit_code == 0
    kept = json.loads((home / "profiles" / "work.json").read_text())
    assert (kept["manager_username"], kept["manager_token"], kept["manager_tenant"]) == (None, TOKEN, "green")
    assert bare("profiles", "unset", "-t").exit_code == 0
    assert json.loads((home / "profiles" / "work.json").read_text())["manager_tenant"] == "default_tenant"
    skip = "--skip-credentials-validation"
    assert bare("profiles", "set", "--ssl", "on", "-m", "manager.example", skip).exit_code == 0
    kept = json.loads((home / "profiles" / "work.json").read_text())
    assert (kept["rest_protocol"], kept["manager_ip"]) == ("https", "manager.example")
    assert bare("profiles", "set").exit_code == 2
    assert bare("profiles", "unset").exit_code == 2


def test_delete(api: FakeApi, bare: Run) -> None:
    use(bare, api, "--profile-name", "lab")
    assert bare("profiles", "delete", "lab").exit_code == 0
    assert "this machine" in bare("profiles", "show-current").stdout
    missing = bare("profiles", "delete", "lab")
    assert (missing.exit_code, missing.stderr.splitlines()[0]) == (1, "Error: There is no profile `lab`.")
    assert bare("profiles", "delete", "local").exit_code == 2
    assert bare("profiles", "set", "-t", "x").exit_code == 1


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "local"])
def test_names_that_are_none(bare: Run, name: str) -> None:
    result = bare("profiles", "use", "127.0.0.1", "--profile-name", name, "--skip-credentials-validation")
    assert result.exit_code == (0 if name == "" else 2)


def test_a_profile_that_cannot_be_read(api: FakeApi, bare: Run, home: Path) -> None:
    use(bare, api, "--profile-name", "lab")
    (home / "profiles" / "lab.json").write_text("{")
    result = bare("deployments", "list")
    assert result.exit_code == 1
    assert "lab.json cannot be read" in result.stderr
    assert "cfy profiles delete lab" in result.stderr


def test_manager_names_a_profile_or_an_address(api: FakeApi, bare: Run) -> None:
    port = use(bare, api, "--profile-name", "lab")
    bare("profiles", "use", "elsewhere.example", "-T", "other", "--skip-credentials-validation")
    assert bare("deployments", "list", "--manager", "lab").exit_code == 0
    assert bare("deployments", "list", "--manager", "127.0.0.1").exit_code == 0
    assert api.headers[-1]["Authentication-Token"] == TOKEN
    result = bare("deployments", "list", "--manager", f"localhost:{port}")
    assert result.exit_code == 1, "the active profile's token is another manager's"
    assert "Say who you are." in result.stderr


@pytest.mark.parametrize("command", [("use",), ("set",)])
def test_a_password_is_read_from_standard_input(
    api: FakeApi, bare: Run, home: Path, command: tuple[str, ...]
) -> None:
    from cloudwright.cli.main import cfy

    address = [api.url] if command == ("use",) else []
    if not address:
        bare("profiles", "use", api.url, "-T", TOKEN)
    arguments = [
        "profiles",
        *command,
        *address,
        "-u",
        "ann",
        "--password-stdin",
        "--skip-credentials-validation",
    ]
    done = CliRunner().invoke(cfy, arguments, input="secret\n")
    assert done.exit_code == 0, done.output
    assert "secret" not in done.output
    [profile] = [json.loads(path.read_text()) for path in (home / "profiles").glob("*.json")]
    assert (profile["manager_username"], profile["manager_password"]) == ("ann", "secret")
    empty = CliRunner().invoke(cfy, [*arguments[:-1], "--profile-name", "other"], input="")
    assert empty.exit_code == 2


def test_a_password_is_asked_for_on_a_terminal(
    api: FakeApi, bare: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def prompt(text: str, **how: object) -> str:
        asked.append((text, how))
        return "secret"

    monkeypatch.setattr(profiles, "stdin_is_terminal", lambda: True)
    monkeypatch.setattr(click, "prompt", prompt)
    bare("profiles", "use", api.url, "-u", "ann", "--skip-credentials-validation")
    assert asked == [("Password of ann", {"hide_input": True, "err": True})]
    [profile] = [json.loads(path.read_text()) for path in (home / "profiles").glob("*.json")]
    assert profile["manager_password"] == "secret"
