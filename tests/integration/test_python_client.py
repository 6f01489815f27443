"""The client under its public name: the page that explains it is run against a real manager."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from manager_process import ManagerProcess

from cloudwright.cli.blueprint_source import open_source
from cloudwright.client import (
    ClientError,
    ConnectionFailed,
    ExecutionFailed,
    ManagerClient,
    NotFound,
    connect,
    connect_async,
)

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "use-from-python.md"
BLUEPRINT = """
tosca_definitions_version: cloudify_dsl_1_5
imports: [cloudify/types/types.yaml]
node_templates:
  app:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: create.sh}
        stop: {implementation: stop.sh}
"""


@pytest.fixture(scope="module")
def deployed(manager: ManagerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagerProcess]:
    """A deployment that is installed at once, and whose stop takes an hour."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "blueprint.yaml").write_text(BLUEPRINT)
    (folder / "create.sh").write_text("#!/bin/sh\nctx logger info ready\n")
    (folder / "stop.sh").write_text("#!/bin/sh\nexec sleep 3600\n")
    with open_source(str(folder), None) as source:
        manager.client.blueprints.upload("shop", source.archive, main_file=source.main_file)
    manager.client.deployments.create("shop", blueprint_id="shop")
    yield manager
    for execution in manager.client.executions.list(deployment_id="shop").items:
        if execution["residual_operations"]:
            manager.client.executions.cancel(execution["id"], "kill")


@pytest.fixture
def shop(deployed: ManagerProcess, monkeypatch: pytest.MonkeyPatch) -> ManagerProcess:
    monkeypatch.setenv("CLOUDWRIGHT_HOME", str(deployed.home))
    return deployed


def test_the_page_does_what_it_says(shop: ManagerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {"__name__": "page"}
    printed = []
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
        printed.append(capsys.readouterr().out)
    version, followed, stopped, listed, awaited = printed
    assert version == f"{shop.client.version()['version']}\n"
    assert "ready" in followed
    assert followed.endswith("terminated\n")
    # An operation that was granted and had not begun does not begin: then none runs on.
    assert stopped in ("cancelled\ncancelled 1\n", "cancelled\ncancelled 0\n")
    assert "uninstall cancelled" in listed
    assert "There is no deployment `nothing`" in listed
    assert awaited.endswith("terminated\n")
    # The kill has reached what the force-cancel had left.
    assert names["run"].running_operations() == []
    names["client"].close()


def test_what_did_not_end_well_is_raised(shop: ManagerProcess) -> None:
    with connect() as client:
        run = client.start("install", "shop", force=True)
        assert client.execution(run.id).result()["status"] == "terminated"
        run = client.start("uninstall", "shop")
        with pytest.raises(TimeoutError, match=r"has not ended within 0\.1 s"):
            run.wait(timeout=0.1)
        with pytest.raises(TimeoutError):
            asyncio.run(run.async_wait(timeout=0.1))
        run.kill()
        with pytest.raises(ExecutionFailed, match="is cancelled") as failed:
            run.result()
        assert failed.value.execution["id"] == run.id
        assert run.running_operations() == []
        with pytest.raises(NotFound):
            _ = client.execution("nothing").status


def test_events_that_nobody_reads_any_more_hold_nothing_up(shop: ManagerProcess) -> None:
    async def first(client: ManagerClient) -> str:
        events = client.start("install", "shop", force=True).async_events()
        try:
            return str((await anext(events))["message"])
        finally:
            await events.aclose()  # type: ignore[attr-defined]

    with connect() as client:
        assert asyncio.run(first(client)).startswith("Workflow `install`")


def test_a_home_without_a_manager_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConnectionFailed, match="it has no credentials"):
        connect(environ={"CLOUDWRIGHT_HOME": str(tmp_path)})
    environ = {"CLOUDWRIGHT_URL": "http://127.0.0.1:1/", "CLOUDWRIGHT_TOKEN": "t", "CLOUDWRIGHT_TENANT": "x"}
    with connect(environ=environ) as client:
        assert client.target.url == "http://127.0.0.1:1"
        assert (client.target.token, client.target.tenant) == ("t", "x")
    with connect("http://127.0.0.1:2", username="u", password="p", environ=environ) as client:
        assert (client.target.url, client.target.username, client.target.token) == (
            "http://127.0.0.1:2",
            "u",
            None,
        )


def test_an_event_loop_starts_follows_and_stops_executions(shop: ManagerProcess) -> None:
    async def drive() -> tuple[str, str, list[str]]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.ensure_future(tick())
        async with connect_async() as manager:
            page = await manager.call(manager.client.deployments.list)
            assert [item["id"] for item in page.items] == ["shop"]
            run = await manager.start("uninstall", "shop", force=True)
            async for event in run.events():
                if event["event_type"] == "task_started":
                    break
            with pytest.raises(TimeoutError):
                await run.wait(timeout=0.01)
            await run.force_cancel()
            ended = await run.wait()
            with pytest.raises(ClientError, match="it is over already"):
                await run.cancel()
            left = [operation["name"] for operation in await run.running_operations()]
            await run.kill()
            with pytest.raises(ExecutionFailed):
                await manager.execution(run.id).result()
            again = await manager.start("install", "shop", force=True)
            installed = await again.result()
        ticking.cancel()
        assert ticks > 100, "the loop did not run meanwhile"
        return ended["status"], installed["status"], left

    ended, installed, left = asyncio.run(drive())
    assert (ended, installed) == ("cancelled", "terminated")
    # An operation that was granted and had not begun does not begin: then none runs on.
    assert left in (["cloudify.interfaces.lifecycle.stop"], [])
