"""The ``Worker`` protocol."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from cloudwright.errors import CloudwrightError
from cloudwright.manager.operation_run import OperationRun
from cloudwright.model.execution import CancelMode
from cloudwright.model.topology import NodeInstance

#: The node instances that an operation is about, by id; or the error with which they could not be read.
Subjects = dict[str, NodeInstance] | CloudwrightError


class Worker(Protocol):
    """Runs the operations that are granted to it. Its methods are called in the event loop."""

    @property
    def name(self) -> str:
        """The name that is stored with every operation that was granted to it."""

    def run(self, run: OperationRun, subjects: Subjects) -> None:
        """Start an operation that was granted. Its end is reported to the sink, whatever happens."""

    def revoke(self, run: OperationRun) -> bool:
        """Keep an operation from beginning; False if ``begin`` was sent already. Its end is `cancelled`."""

    async def settle(self, run: OperationRun) -> bool:
        """Wait until an operation that was granted has begun or has ended; revoke it if it was not sent
        ``begin``. False if it has done neither, and cannot be killed.
        """

    def cancel(self, operation_id: str, mode: CancelMode) -> None:
        """Notify the operation, if it runs here, that its execution was asked to stop."""

    async def kill(self, run: OperationRun, reason: str) -> bool:
        """End the operation's processes; True if they are gone and its end was reported."""

    def inventory(self) -> Collection[str]:
        """Return the ids of the operations that it holds: granted, with an end that is not stored yet."""

    async def close(self) -> None:
        """Kill all that runs and accept nothing more."""
