"""One execution as an object: follow it, wait for its end, stop it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, cast

from cloudwright.client.api import Client
from cloudwright.client.errors import ClientError
from cloudwright.client.following import follow
from cloudwright.client.records import END_STATUSES, is_execution

if TYPE_CHECKING:
    from cloudwright.model.rest import Event, Execution, Operation

#: Seconds between two looks at an execution whose end is waited for with a timeout.
LOOK_INTERVAL = 0.2


class ExecutionFailed(ClientError):
    """An execution did not end well. ``execution`` is its record, with ``status`` and ``error``."""

    def __init__(self, execution: Execution) -> None:
        why = f": {execution['error']}" if execution.get("error") else "."
        super().__init__(
            f"Execution {execution['id']} of `{execution['workflow_id']}` is {execution['status']}{why}"
        )
        self.execution = execution


class ExecutionHandle:
    """An execution of a manager. May be used by several threads at once.

    Parameters:
        client: The client of its manager.
        id: Its id.
    """

    def __init__(self, client: Client, id: str) -> None:
        self.client = client
        self.id = id

    def __repr__(self) -> str:
        return f"ExecutionHandle({self.id!r})"

    def record(self) -> Execution:
        """Return the execution as it is now. Raises NotFound."""
        return self.client.executions.get(self.id)

    @property
    def status(self) -> str:
        """Its status now, such as `started`."""
        return self.record()["status"]

    def events(self, *, include_logs: bool = True) -> Iterator[Event]:
        """Yield every event once and in order, from the first to the end of the execution.

        A connection that breaks is made again, and the events continue where they stopped. Raises
        ConnectionFailed if no manager responds for a minute.
        """
        for item in follow(self.client, self.id, include_logs=include_logs):
            if not is_execution(item):
                yield cast("Event", item)

    def wait(self, timeout: float | None = None) -> Execution:
        """Return the execution when it has ended, however it did.

        Raises TimeoutError after ``timeout`` seconds; the execution continues then.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            execution = self.record()
            if execution["status"] in END_STATUSES:
                return execution
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"Execution {self.id} has not ended within {timeout:g} s.")
            time.sleep(LOOK_INTERVAL)

    def result(self, timeout: float | None = None) -> Execution:
        """Return the execution when it has ended well.

        Raises ExecutionFailed if it failed or was cancelled, and TimeoutError after ``timeout`` seconds.
        """
        execution = self.wait(timeout)
        if execution["status"] != "terminated":
            raise ExecutionFailed(execution)
        return execution

    # Stopping it.

    def cancel(self, *, grace: float | None = None) -> Execution:
        """Ask the workflow to stop; it may roll back, and running operations end by themselves.

        ``grace`` is the number of seconds after which it is forced to. Returns when the request is stored.
        Raises IllegalAction if the execution has ended, or if as much was requested before.
        """
        return self.client.executions.cancel(self.id, grace=grace)

    def force_cancel(self) -> Execution:
        """End the workflow's process at once; running operations continue. Raises as ``cancel`` does."""
        return self.client.executions.cancel(self.id, "force-cancel")

    def kill(self) -> Execution:
        """End the workflow's process and the processes of all its operations at once.

        It is allowed after the end too, for what still runs. Raises as ``cancel`` does.
        """
        return self.client.executions.cancel(self.id, "kill")

    def resume(self) -> Execution:
        """Continue a failed or cancelled execution where it stopped. Raises IllegalAction."""
        return self.client.executions.resume(self.id)

    def retry_now(self) -> Execution:
        """Try again at once what waits for another attempt. Raises IllegalAction if it does not run."""
        return self.client.executions.retry_now(self.id)

    def running_operations(self) -> list[Operation]:
        """Return the operations that run now, those too that outlived the execution's end."""
        return self.client.operations.list(execution_id=self.id, state="started").items

    # In an event loop.

    async def async_wait(self, timeout: float | None = None) -> Execution:  # noqa: ASYNC109 - as `wait` has it
        """Return the execution when it has ended, as ``wait`` does, and let the event loop run."""
        async with asyncio.timeout(timeout):
            while True:
                execution = await asyncio.to_thread(self.record)
                if execution["status"] in END_STATUSES:
                    return execution
                await asyncio.sleep(LOOK_INTERVAL)

    async def async_events(self, *, include_logs: bool = True) -> AsyncIterator[Event]:
        """Yield the events as ``events`` does, and let the event loop run."""
        feed = _Feed(lambda: self.events(include_logs=include_logs))
        try:
            while (event := await feed.next()) is not None:
                yield event
        finally:
            feed.close()


class _Feed:
    """Events that a thread reads, for an event loop. The thread is a daemon: nothing waits for its end."""

    def __init__(self, source: Callable[[], Iterator[Event]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Event | BaseException | None] = asyncio.Queue()
        self._closed = False
        threading.Thread(target=self._read, args=(source,), daemon=True).start()

    def _read(self, source: Callable[[], Iterator[Event]]) -> None:
        try:
            for event in source():
                if self._closed:
                    return
                self._put(event)
            self._put(None)
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who reads the events gets it
            self._put(error)

    def _put(self, item: Event | BaseException | None) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)

    async def next(self) -> Event | None:
        item = await self._queue.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def close(self) -> None:
        self._closed = True
