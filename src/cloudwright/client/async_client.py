"""The client for event loops: the same requests, each made by a thread while the loop runs.

Whatever is awaited may be cancelled; a request that was sent by then still arrives.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from cloudwright.client.connecting import ManagerClient, connect
from cloudwright.client.handles import ExecutionFailed, ExecutionHandle

if TYPE_CHECKING:
    from cloudwright.model.rest import Event, Execution, Operation

P = ParamSpec("P")
T = TypeVar("T")


class AsyncManagerClient:
    """A client of a manager for an event loop. An asynchronous context manager.

    Parameters:
        client: Makes the requests.
    """

    def __init__(self, client: ManagerClient) -> None:
        self.client = client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.client.close)

    async def call(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Await any method of ``client``: ``await manager.call(manager.client.deployments.list)``."""
        return await asyncio.to_thread(method, *args, **kwargs)

    async def start(self, workflow_id: str, deployment_id: str, **options: Any) -> AsyncExecutionHandle:
        """Start a workflow, as ``ManagerClient.start`` does."""
        handle = await self.call(self.client.start, workflow_id, deployment_id, **options)
        return AsyncExecutionHandle(handle)

    def execution(self, id: str) -> AsyncExecutionHandle:
        """Return the execution of that id; nothing is requested yet."""
        return AsyncExecutionHandle(self.client.execution(id))


class AsyncExecutionHandle:
    """An execution of a manager, for an event loop.

    Parameters:
        handle: Makes the requests.
    """

    def __init__(self, handle: ExecutionHandle) -> None:
        self.handle = handle
        self.id = handle.id

    def __repr__(self) -> str:
        return f"AsyncExecutionHandle({self.id!r})"

    async def record(self) -> Execution:
        """Return the execution as it is now. Raises NotFound."""
        return await asyncio.to_thread(self.handle.record)

    def events(self, *, include_logs: bool = True) -> AsyncIterator[Event]:
        """Yield every event once and in order, as ``ExecutionHandle.events`` does."""
        return self.handle.async_events(include_logs=include_logs)

    async def wait(self, timeout: float | None = None) -> Execution:  # noqa: ASYNC109 - as the handle has it
        """Return the execution when it has ended, however it did. Raises TimeoutError after ``timeout``
        seconds.
        """
        return await self.handle.async_wait(timeout)

    async def result(self, timeout: float | None = None) -> Execution:  # noqa: ASYNC109 - as the handle has it
        """Return the execution when it has ended well. Raises ExecutionFailed, and TimeoutError after
        ``timeout`` seconds.
        """
        execution = await self.wait(timeout)
        if execution["status"] != "terminated":
            raise ExecutionFailed(execution)
        return execution

    async def cancel(self, *, grace: float | None = None) -> Execution:
        """Ask the workflow to stop, and return when that is stored, as ``ExecutionHandle.cancel`` does."""
        return await asyncio.to_thread(self.handle.cancel, grace=grace)

    async def force_cancel(self) -> Execution:
        """End the workflow's process at once; running operations continue."""
        return await asyncio.to_thread(self.handle.force_cancel)

    async def kill(self) -> Execution:
        """End the workflow's process and the processes of all its operations at once."""
        return await asyncio.to_thread(self.handle.kill)

    async def resume(self) -> Execution:
        """Continue a failed or cancelled execution where it stopped. Raises IllegalAction."""
        return await asyncio.to_thread(self.handle.resume)

    async def retry_now(self) -> Execution:
        """Try again at once what waits for another attempt. Raises IllegalAction if it does not run."""
        return await asyncio.to_thread(self.handle.retry_now)

    async def running_operations(self) -> list[Operation]:
        """Return the operations that run now, those too that outlived the execution's end."""
        return await asyncio.to_thread(self.handle.running_operations)


def connect_async(url: str | None = None, **options: Any) -> AsyncManagerClient:
    """Return a client for an event loop; the parameters are those of ``connect``. Nothing is requested yet.

    Raises:
        ConnectionFailed: There is no address, and no manager of this home.
    """
    return AsyncManagerClient(connect(url, **options))
