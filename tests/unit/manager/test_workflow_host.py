"""The host of a workflow's process, where the process says more than can be stored."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cloudwright.manager import workflow_host as host
from cloudwright.manager.workflow_host import MAX_WAITING, WorkflowHost
from cloudwright.model.execution import Outcome
from cloudwright.process.supervisor import Zygote

FRAMES = 4 * MAX_WAITING
TALKATIVE = f"""
def main(channel):
    channel.receive()
    for number in range({FRAMES}):
        line = {{"level": "info", "message": f"{{number}} " + "x" * 10000, "logger": "test"}}
        channel.send({{"type": "journal", "aware": False, "entries": [["log", line]]}})
    channel.send({{"type": "end", "outcome": "terminated", "result": None, "error": None}})
"""


class Outage:
    """A journal whose database is away until it is told otherwise."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.numbers: list[int] = []

    async def apply(self, entries: list[list[Any]], aware: bool) -> None:
        await self.over.wait()
        self.numbers += [int(line["message"].split()[0]) for _, line in entries]

    async def answer(self, method: str, args: dict[str, Any]) -> Any:
        raise AssertionError(f"nobody asks for {method}")

    def output(self, line: str, level: str) -> None:
        raise AssertionError(line)


def test_a_process_that_says_more_than_is_stored_is_not_listened_to_until_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "talkative.py").write_text(TALKATIVE)
    monkeypatch.setattr(host, "ENTRY", "talkative:main")

    async def listen() -> None:
        zygote = await Zygote.start(name="test", path=[str(tmp_path)])
        journal = Outage()
        works = WorkflowHost("e", journal)
        running = asyncio.create_task(works.run(zygote, {"blueprint": {"path": "/"}}, memory_limit=None))
        while len(works._writes) < MAX_WAITING:
            await asyncio.sleep(0.001)
        assert len(works._writes) == MAX_WAITING
        assert works._child is not None
        assert not works._child._reading
        journal.over.set()
        assert (await running).outcome is Outcome.TERMINATED
        assert journal.numbers == list(range(FRAMES))
        await zygote.close()

    asyncio.run(asyncio.wait_for(listen(), 20))
