from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from observing import in_loop, start_zygote

from cloudwright.errors import NotFound, Unavailable
from cloudwright.process import orphans
from cloudwright.process.frames import VERSION
from cloudwright.process.one_shot import CallFailed, run_once
from cloudwright.process.process_table import child_key
from cloudwright.process.rpc import Handler

NAME = f"test {os.getpid()} call"


async def ask(
    entry: str, *, timeout: float = 30.0, memory_limit: int | None = None, answer: Handler | None = None
) -> dict[str, Any]:
    zygote = await start_zygote()
    try:
        return await run_once(
            zygote,
            f"unruly:{entry}",
            {"n": 1},
            check=lambda frame: None,
            timeout=timeout,
            memory_limit=memory_limit,
            name=NAME,
            handler=answer,
        )
    finally:
        assert orphans.find({child_key(NAME): NAME}) == []


@in_loop
async def test_a_question_is_answered() -> None:
    end = await ask("succeed")
    assert (end["type"], end["result"]) == ("end", {"type": "begin", "version": VERSION, "n": 1})


@pytest.mark.parametrize(
    ("entry", "kind", "message"),
    [
        ("ignore_sigterm", "timeout", f"{NAME} did not finish within 0.1 s and was ended."),
        ("take_memory", "memory", f"{NAME} needs more than the 256 MiB of memory that it may use."),
        ("die_by_segmentation_fault", "died", f"{NAME} ended with signal 11 (SIGSEGV) and no answer."),
        ("leave_with_3", "died", f"{NAME} ended with exit code 3 and no answer. The last it printed:\ngoing"),
        (
            "say_garbage",
            "died",
            f"{NAME} ended with signal 9 (SIGKILL) and no answer: what it sent is not understood",
        ),
    ],
)
@in_loop
async def test_why_there_is_no_answer_is_told(entry: str, kind: str, message: str) -> None:
    timeout = 0.1 if kind == "timeout" else 30.0
    with pytest.raises(CallFailed) as failed:
        await ask(entry, timeout=timeout, memory_limit=256 * 2**20)
    assert failed.value.kind == kind
    assert str(failed.value).startswith(message)


@in_loop
async def test_one_that_is_killed_from_outside_may_be_asked_again() -> None:
    with pytest.raises(Unavailable, match="killed from outside"):
        await ask("kill_itself")


@in_loop
async def test_who_answers_and_stays_is_ended() -> None:
    assert (await ask("end_and_stay"))["result"] == "done"


@in_loop
async def test_what_it_asks_is_answered() -> None:
    async def answer(method: str, args: dict[str, Any]) -> object:
        if args["of"] == "a":
            return {"method": method}
        raise NotFound("there is none.")

    told = (await ask("ask_twice", answer=answer))["result"]
    assert told[0]["value"] == {"method": "look"}
    assert told[1]["error"] == {"kind": "NotFound", "message": "there is none."}
    told = (await ask("ask_twice"))["result"]
    assert [reply["error"]["kind"] for reply in told] == ["Unavailable", "Unavailable"]


@in_loop
async def test_a_fault_of_who_answers_is_raised_and_the_child_ended() -> None:
    async def answer(method: str, args: dict[str, Any]) -> object:
        raise ZeroDivisionError(method)

    with pytest.raises(ZeroDivisionError, match="look"):
        await ask("ask_twice", answer=answer)


@in_loop
async def test_an_answer_that_takes_too_long_is_given_up() -> None:
    ended = asyncio.Event()

    async def answer(method: str, args: dict[str, Any]) -> object:
        try:
            return await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(CallFailed, match="did not finish within"):
        await ask("ask_twice", answer=answer, timeout=0.3)
    await asyncio.wait_for(ended.wait(), 30)
