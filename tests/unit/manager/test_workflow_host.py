"""The host of a workflow's process: what it does when the process says what it cannot store, or much."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cloudwright.manager import workflow_host as host
from cloudwright.manager.workflow_host import MAX_WAITING, WorkflowEnd, WorkflowHost
from cloudwright.model.execution import Outcome
from cloudwright.process import fast_json
from cloudwright.process.frames import MAX_FRAME, MAX_FROM_CHILD, FrameError, encode, pack
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


SAYING = """
def main(channel):
    begin = channel.receive()
    for frame in begin["say"]:
        channel.send(frame)
    channel.receive()
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


def hosted(folder: Path, monkeypatch: pytest.MonkeyPatch, *say: dict[str, Any], **update: Any) -> WorkflowEnd:
    """How a process ends that sends these frames and waits, and is sent ``update`` of an operation."""
    (folder / "saying.py").write_text(SAYING)
    monkeypatch.setattr(host, "ENTRY", "saying:main")

    async def run() -> WorkflowEnd:
        zygote = await Zygote.start(name="test", path=[str(folder)])
        works = WorkflowHost("e", Outage())
        if update:
            works.operation({"id": "o", "attempt": 1, "state": "succeeded", "failure": None, **update})
        end = await works.run(zygote, {"blueprint": {"path": "/"}, "say": list(say)}, memory_limit=None)
        await zygote.close()
        return end

    return asyncio.run(asyncio.wait_for(run(), 30))


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        ({"type": "end", "outcome": "done"}, "the field `outcome` of the `end` frame must be `terminated`"),
        (
            {"type": "journal", "aware": False, "entries": [["state", "i"]]},
            "the field `entries[0]` of the `journal` frame must have 3 items",
        ),
        (
            {"type": "journal", "aware": False, "entries": [["poem", "i"]]},
            "the field `entries[0][0]` of the `journal` frame must be one of `graph`",
        ),
    ],
)
def test_a_malformed_frame_ends_its_execution_with_an_error_that_names_the_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frame: dict[str, Any], fault: str
) -> None:
    end = hosted(tmp_path, monkeypatch, frame)
    assert end.outcome is Outcome.DIED
    assert end.error is not None
    assert fault in end.error


def test_an_update_that_no_frame_holds_ends_the_workflow_that_would_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = hosted(tmp_path, monkeypatch, result="x" * MAX_FRAME)
    assert end.outcome is Outcome.DIED
    assert end.error is not None
    assert "it could not be sent what became of operation o (a frame of" in end.error


def test_the_largest_result_of_an_operation_fits_into_the_frame_to_its_workflow() -> None:
    end: dict[str, Any] = {"type": "end", "outcome": "succeeded", "failure": None, "updates": []}
    room = MAX_FROM_CHILD - len(encode({**end, "result": ""})) + 4
    result = "x" * room
    encode({**end, "result": result})
    with pytest.raises(FrameError):
        encode({**end, "result": result + "x"})
    update = {"id": "o" * 4096, "attempt": 1, "state": "succeeded", "result": result, "failure": None}
    pack(fast_json.dumps({"type": "operation", **update}))
