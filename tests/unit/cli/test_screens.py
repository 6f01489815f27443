"""What a person sees, kept as text: a change of looks is a change of these files, for a reviewer to judge.

`SCREENS=write pytest tests/unit/cli/test_screens.py` writes them again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_api import FakeApi
from terminal import Terminal

SCREENS = Path(__file__).with_name("screens")
ID = "3672fcd3-59f7-4e98-9d9d-ae6648ae9a46"
REFUSED = "psql: could not connect to server: Connection refused"
FAILED = (
    "cloudify.interfaces.lifecycle.create failed: `scripts/create.sh` ended with exit code 7. "
    f"The last lines of its error output:\n{REFUSED}"
)
WIDTHS = (80, 140)
Open = Callable[..., Terminal]


def compare(screen: Terminal, name: str, width: int) -> None:
    # How long it took is the machine's matter.
    shown = re.sub(r"(failed|terminated|cancelled)  \d+ s", r"\1  0 s", screen.screen)
    assert max(map(len, shown.splitlines())) <= width
    path = SCREENS / f"{name}-{width}.txt"
    if os.environ.get("SCREENS") == "write":
        path.write_text(shown, "utf-8")
    assert shown == path.read_text("utf-8")


@pytest.mark.parametrize("width", WIDTHS)
def test_an_installation_that_fails(api: FakeApi, terminal: Open, width: int) -> None:
    api.add_deployment("shop")
    api.instances = [{"id": "db_k3x9p1", "node_id": "db", "deployment_id": "shop", "state": "creating"}]
    about = {
        "node_instance_id": "db_k3x9p1",
        "operation": "cloudify.interfaces.lifecycle.create",
        "operation_id": "o1",
        "deployment_id": "shop",
    }

    def fail(execution: dict[str, object]) -> None:
        retry = {"retry_after": 15, "retry": 1, "max_retries": 1}
        api.push(ID, FAILED, event_type="task_failed", **about)
        api.push(ID, "again", event_type="task_rescheduled", details=retry, **about)
        api.push(ID, FAILED, event_type="task_failed", **about)
        error = (
            "`cloudify.interfaces.lifecycle.create` of `db_k3x9p1` (script_runner.tasks.run) failed in 2 "
            f"attempts:{FAILED.partition(' failed:')[2]}"
        )
        api.executions[ID].update(error=error, is_resumable=True, deployment_id="shop")
        api.end(ID, "failed", finished_operations=4)

    api.next_id = ID
    api.on_start = fail
    screen = terminal("executions", "start", "install", "-d", "shop", COLUMNS=str(width))
    assert screen.finish() == 1
    # Of the attempt that was repeated, and at the end.
    assert " ".join(screen.screen.split()).count(REFUSED) == 2
    compare(screen, "failed-install", width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_resume_that_is_not_meant(api: FakeApi, terminal: Open, width: int) -> None:
    api.add_deployment("shop")
    api.add_execution(ID, "install", "terminated", deployment_id="shop")
    screen = terminal("executions", "resume", "-d", "shop", COLUMNS=str(width))
    assert screen.finish() == 1
    compare(screen, "resume-refused", width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_list_with_long_cells(api: FakeApi, terminal: Open, width: int) -> None:
    api.add_blueprint("shop", description="A shop with a database, a cache and two web servers. " * 8)
    api.add_blueprint("short", description="Small.", labels=[{"key": "team", "value": "web"}])
    for blueprint in api.blueprints.values():
        blueprint["created_at"] = None
    screen = terminal("blueprints", "list", COLUMNS=str(width))
    assert screen.finish() == 0
    compare(screen, "long-cells", width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_command_of_cloudify_misspelt(api: FakeApi, terminal: Open, width: int) -> None:
    screen = terminal("certificate", "replace", COLUMNS=str(width))
    assert screen.finish() == 2
    compare(screen, "misspelt-cloudify", width)
