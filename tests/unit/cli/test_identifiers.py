"""Naming executions and plugins: by the beginning of an id, by deployment, the last one."""

from __future__ import annotations

import pytest
from cfy_command import Run
from fake_api import FakeApi

FIRST = "3672fcd3-59f7-4e98-9d9d-ae6648ae9a46"
SECOND = "3672fcd4-59f7-4e98-9d9d-ae6648ae9a46"
THIRD = "c88aabfd-e4c4-4c1c-8e97-948304fa0484"


@pytest.fixture
def three(api: FakeApi) -> FakeApi:
    """Three executions of two deployments, the newest first, as the manager lists them."""
    api.add_deployment("web")
    api.add_deployment("shop")
    api.add_execution(FIRST, "heal", deployment_id="shop")
    api.add_execution(SECOND, status="failed", deployment_id="web")
    api.add_execution(THIRD, status="terminated", deployment_id="web")
    return api


@pytest.mark.parametrize(
    ("arguments", "id"),
    [
        (["c88a"], THIRD),
        (["C88AABFD-e4c4"], THIRD),
        ([THIRD], THIRD),
        (["-d", "web"], SECOND),
        (["--last"], FIRST),
        (["--status", "terminated"], THIRD),
        (["-d", "web", "--status", "failed"], SECOND),
    ],
)
def test_an_execution_is_named_by_what_distinguishes_it(
    three: FakeApi, cfy: Run, arguments: list[str], id: str
) -> None:
    assert f"{id}\n" in cfy("executions", "get", *arguments).stdout
    assert cfy("events", "list", *arguments).exit_code == 0
    assert three.requests[-1][2]["execution_id"] == id
    assert cfy("executions", "operations", "list", *arguments).exit_code == 0


def test_an_ambiguous_beginning_lists_the_candidates(three: FakeApi, cfy: Run) -> None:
    result = cfy("executions", "cancel", "3672fcd")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: The ids of 2 executions begin with `3672fcd`:\n")
    assert f"  {FIRST}  heal on shop  started" in result.stderr
    assert f"  {SECOND}  install on web  failed" in result.stderr
    assert three.actions() == []


def test_what_runs_of_a_deployment_is_cancelled(three: FakeApi, cfy: Run) -> None:
    assert cfy("executions", "cancel", "-d", "shop").exit_code == 0
    assert three.requests[-1][:2] == ("POST", f"executions/{FIRST}")
    over = cfy("executions", "cancel", "-d", "web")
    assert over.exit_code == 1
    assert (
        "No execution of deployment `web` runs. The newest, 3672fcd4 of `install`, is `failed`."
        in over.stderr
    )


def test_several_that_run_have_to_be_named(three: FakeApi, cfy: Run) -> None:
    three.set(THIRD, status="queued")
    result = cfy("executions", "cancel", "--last")
    assert result.exit_code == 1
    assert "2 executions have not ended; name one of them:" in result.stderr
    assert three.actions() == []


def test_what_failed_is_resumed(three: FakeApi, cfy: Run) -> None:
    assert cfy("executions", "resume", "-d", "web").exit_code == 0
    assert three.requests[-1][:2] == ("POST", f"executions/{SECOND}")


def test_an_older_failure_is_not_resumed_by_the_way(three: FakeApi, cfy: Run) -> None:
    # Found by a trial: after a good end, `resume --last` ran something of the day before again.
    three.executions = {THIRD: three.executions[THIRD], **three.executions}
    for arguments in (["--last"], ["-d", "web"]):
        result = cfy("executions", "resume", *arguments)
        assert result.exit_code == 1
        assert "c88aabfd of `install`, is `terminated`: it did not fail" in result.stderr
        assert f"An older one did; name it by its id if that is meant:\n  {SECOND}" in result.stderr
    assert three.actions() == []
    assert cfy("executions", "resume", "--status", "failed").exit_code == 0


def test_what_the_manager_does_for_itself_is_not_resumed(three: FakeApi, cfy: Run) -> None:
    three.executions = {"e9": {**three.executions[THIRD], "workflow_id": "upload_blueprint"}}
    assert "There is no execution." in cfy("executions", "resume", "--last").stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "Which execution?"),
        (["c88a", "--last"], 2, "by its id, or with -d, --last and --status"),
        (["-d", "shpo"], 1, "Did you mean `shop`?"),
        (
            ["-d", "shop", "--status", "failed"],
            1,
            "of deployment `shop` with status `failed`.",
        ),
        (["dead"], 1, "There is no execution `dead`."),
        (["abc"], 1, "There is no execution `abc`."),
    ],
)
def test_what_names_no_execution_is_said(
    three: FakeApi, cfy: Run, arguments: list[str], code: int, said: str
) -> None:
    result = cfy("executions", "get", *arguments)
    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr


def test_a_pipe_gets_the_tables_that_scripts_of_cloudify_read(
    three: FakeApi, cfy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLOUDWRIGHT_FORMAT")
    rule, heading, _, first, *_ = cfy("executions", "list").stdout.splitlines()
    assert rule.startswith("+--------------------------------------+-------------+")
    assert heading.startswith("|                  id                  | workflow_id |")
    assert [cell.strip() for cell in first.split("|")][1:5] == [FIRST, "heal", "started", "shop"]
    assert cfy("executions", "list", "--format", "plain").stdout.startswith("ID  ")
    assert three.requests[-1][2]["_sort"] == "-created_at"
