"""Background tasks: kept, cancelled together, and logged once if they fail."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from cloudwright.background import SharedWork, TaskSet


def test_a_task_is_kept_until_it_ends() -> None:
    async def check() -> None:
        tasks, over = TaskSet(), asyncio.Event()
        tasks.spawn(over.wait(), "waiting")
        gc.collect()
        assert len(tasks) == 1
        over.set()
        await tasks.join()
        assert len(tasks) == 0

    asyncio.run(check())


def test_join_waits_for_what_is_spawned_meanwhile() -> None:
    async def check() -> None:
        tasks, ended = TaskSet(), []

        async def second() -> None:
            ended.append(2)

        async def first() -> None:
            tasks.spawn(second(), "the second")
            ended.append(1)

        tasks.spawn(first(), "the first")
        await tasks.join()
        assert ended == [1, 2]

    asyncio.run(check())


def test_a_failure_is_logged_once_by_name_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    async def check() -> None:
        failed: list[None] = []
        tasks = TaskSet(on_failure=lambda: failed.append(None))

        async def fall() -> None:
            raise RuntimeError("out of luck")

        tasks.spawn(fall(), "the end of operation X")
        await tasks.join()
        await asyncio.sleep(0)
        assert len(failed) == 1

    with caplog.at_level(logging.ERROR):
        asyncio.run(check())
    assert [record.getMessage() for record in caplog.records] == ["the end of operation X failed"]


def test_close_cancels_and_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def check() -> None:
        tasks = TaskSet()
        task = tasks.spawn(asyncio.Event().wait(), "waiting")
        await tasks.close()
        assert task.cancelled()

    asyncio.run(check())
    assert caplog.records == []


def test_shared_work_is_done_once_and_cancelled_without_a_waiter() -> None:
    async def check() -> None:
        shared, begun, log = SharedWork(), asyncio.Event(), list[str]()

        async def work() -> None:
            log.append("begun")
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                log.append("ended")

        first, second = (asyncio.ensure_future(shared.join("k", work)) for _ in range(2))
        await begun.wait()
        first.cancel()
        await asyncio.wait([first])
        assert log == ["begun"]
        second.cancel()
        await asyncio.wait([second])
        begun.clear()
        again = asyncio.ensure_future(shared.join("k", work))
        await begun.wait()
        assert log == ["begun", "ended", "begun"]
        await shared.close()
        await asyncio.wait([again])
        assert again.cancelled()

    asyncio.run(check())
