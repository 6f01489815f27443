"""The connection of a workflow's process to its host: a journal out, news of operations, replies and
cancellations in.

There is no reader thread: the thread that waits reads, for all. Other threads that wait meanwhile are woken
when something was read, and one of them reads on when the reader has what it waited for.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from cloudwright.child.errors import NonRecoverableError
from cloudwright.child.rpc import Calls
from cloudwright.model.json_values import offence
from cloudwright.process.channel import Channel, ChannelClosed
from cloudwright.process.frames import FrameError
from cloudwright.workflow.cancellation import Cancellation

#: As many entries are sent without waiting for more, each task of a graph counted as one: a large graph goes
#: out piece by piece, so that the frames of others can be stored in between.
MAX_ENTRIES = 500

# Kinds of entries that end with a list of tasks.
_GRAPHS = frozenset({"graph", "tasks"})

#: News of operations and of tasks that ran in threads, for one graph.
Updates = deque[Any]


class HostConnection:
    """Any thread may use it. Every method that sends or waits raises ChannelClosed when the host is gone."""

    def __init__(self, channel: Channel, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.cancellation = Cancellation()
        #: Who asked, each time, to retry at once what waits.
        self.retry_requests: list[str] = []
        self.clock = clock
        self._channel = channel
        self._sending = threading.RLock()
        self._entries: list[list[Any]] = []
        self._weight = 0
        # Whether entries were gathered that were decided on without knowing of a request to cancel.
        self._unaware = False
        self._gatherer: int | None = None
        # Everything below is guarded by `_changed`.
        self._changed = threading.Condition()
        self._reading = False
        self._closed = False
        self._waiting = 0
        self._calls = Calls(channel)
        self._routes: dict[str, Updates] = {}
        self._unclaimed: dict[str, list[dict[str, Any]]] = {}
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(channel, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)

    def close(self) -> None:
        """Let go of what the connection holds beside its channel."""
        os.close(self._wake)

    # Out.

    def journal(self, *entries: list[Any], aware: bool = True) -> None:
        """Report what the workflow did: at once, or with what else this thread gathers."""
        with self._sending:
            self._entries.extend(entries)
            self._unaware = self._unaware or not aware
            self._weight += sum(len(entry[-1]) if entry[0] in _GRAPHS else 1 for entry in entries)
            if self._gatherer != threading.get_ident() or self._weight >= MAX_ENTRIES:
                self.flush()

    def flush(self) -> None:
        """Send what was gathered. Raises NonRecoverableError if something of it cannot be stored."""
        with self._sending:
            if self._entries:
                entries, self._entries, self._weight = self._entries, [], 0
                aware = self.cancellation.requested is not None and not self._unaware
                self._unaware = False
                for start in range(0, len(entries), MAX_ENTRIES):
                    self._send_entries(entries[start : start + MAX_ENTRIES], aware)

    def _send_entries(self, entries: list[list[Any]], aware: bool) -> None:
        try:
            self._channel.send({"type": "journal", "aware": aware, "entries": entries})
        except FrameError as error:
            if len(entries) == 1:
                raise NonRecoverableError(
                    f"What the workflow did is too large to be stored: {error}."
                ) from error
            middle = len(entries) // 2
            self._send_entries(entries[:middle], aware)
            self._send_entries(entries[middle:], aware)
        except (TypeError, ValueError) as error:
            what = next((found for entry in entries if (found := offence(entry, str(entry[0])))), str(error))
            raise NonRecoverableError(f"What the workflow did could not be stored: {what}.") from error

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Keep what this thread journals until it is flushed or the block ends: it travels together."""
        outer, self._gatherer = self._gatherer, threading.get_ident()
        try:
            yield
        finally:
            self._gatherer = outer
            self.flush()

    def call(self, method: str, /, **args: Any) -> Any:
        """Return the answer of the host to a call.

        Raises RequestRefused if it refuses, NonRecoverableError if the arguments cannot be sent.
        """
        if method == "rest":
            args["aware"] = self.cancellation.acknowledged
        with self._changed:
            number = self._calls.number()
        self.flush()
        self._calls.ask(number, method, args)
        # An answer comes soon, cancelled or not, and a call that was sent is worth its answer.
        self.wait(lambda: self._calls.answered(number))
        with self._changed:
            return self._calls.value(number)

    # In.

    def expect(self, operation_id: str, updates: Updates) -> None:
        """News of this operation go to ``updates`` from now on, those that came before first."""
        with self._changed:
            self._routes[operation_id] = updates
            updates.extend(self._unclaimed.pop(operation_id, ()))

    def forget(self, operation_id: str) -> None:
        """Ignore further news of this operation."""
        with self._changed:
            self._routes.pop(operation_id, None)

    def post(self, updates: Updates, update: Any) -> None:
        """Hand ``update`` to the thread that waits for ``updates``; for threads that run tasks."""
        with self._changed:
            updates.append(update)
        self.poke()

    def poke(self) -> None:
        """Let every thread that waits look again at what it waits for."""
        with self._changed:
            if self._waiting:
                self._changed.notify_all()
                if self._reading:
                    os.eventfd_write(self._wake, 1)

    def look(self) -> None:
        """Take in what has arrived, without waiting."""
        with self._changed:
            if self._reading:
                return  # the thread that reads takes it in
            self._reading = True
        self._read(0)

    def wait(self, ready: Callable[[], bool], deadline: float | None = None) -> None:
        """Return when ``ready()``, or when ``clock()`` has reached ``deadline``.

        ``ready`` is asked whenever something arrived. It must be quick and must not use the connection.
        """
        self.flush()
        with self._changed:
            self._waiting += 1
        try:
            while True:
                with self._changed:
                    if ready():
                        return
                    timeout = None if deadline is None else deadline - self.clock()
                    if timeout is not None and timeout <= 0:
                        return
                    if self._closed:
                        raise ChannelClosed("The host of this workflow is gone.")
                    if self._reading:
                        self._changed.wait(timeout)
                        continue
                    self._reading = True
                self._read(timeout)
        finally:
            with self._changed:
                self._waiting -= 1

    def _read(self, timeout: float | None) -> None:
        # Only the thread that set `_reading` comes here.
        frames: list[dict[str, Any]] = []
        try:
            frame = self._channel.receive(0)
            if frame is None and timeout != 0:
                self._poll.poll(None if timeout is None else timeout * 1000)
                frame = self._channel.receive(0)
            while frame is not None:
                frames.append(frame)
                frame = self._channel.receive(0)
        except (ChannelClosed, FrameError):
            self._closed = True
            raise
        finally:
            with self._changed:
                self._reading = False
                with suppress(BlockingIOError):  # no poke
                    os.eventfd_read(self._wake)
                for received in frames:
                    self._take(received)
                self._changed.notify_all()

    def _take(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        if kind == "operation":
            updates = self._routes.get(frame["id"])
            if updates is None:
                self._unclaimed.setdefault(frame["id"], []).append(frame)
            else:
                updates.append(frame)
        elif kind == "reply":
            self._calls.take(frame)
        elif kind == "cancel":
            self.cancellation.requested = frame["mode"]
        elif kind == "retry":
            self.retry_requests.append(frame["by"])
