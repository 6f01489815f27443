"""Following an execution on a command line: its events as they happen, and Ctrl-C as a request to stop it.

Ctrl-C asks for a standard cancellation and continues to follow; again forces it; a third time kills; a fourth
only stops following. On a terminal `d` stops following at once, and leaves the execution alone. The requests
go out from a thread of their own, in order, so that neither a slow manager nor a broken connection can keep
the next Ctrl-C from being handled.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from cloudwright.cli.failure import FAILED, INTERRUPTED, Failure, Silent
from cloudwright.cli.keys import heard_keys
from cloudwright.cli.session import Session
from cloudwright.client.api import Client
from cloudwright.client.errors import ClientError, ConnectionFailed
from cloudwright.client.following import follow
from cloudwright.client.records import END_STATUSES, Slice, is_execution

if TYPE_CHECKING:
    from cloudwright.model.rest import Event, Execution, NodeInstance

#: What stops following on a terminal, and leaves the execution alone.
DETACH_KEY = "d"
#: What a Ctrl-C asks for, each time more.
LADDER = ("cancel", "force-cancel", "kill")
ASKED = {
    "cancel": "Asked the workflow to cancel. Ctrl-C again forces it to end.",
    "force-cancel": "Forced the workflow to end; running operations continue. Ctrl-C again kills them too.",
    "kill": "Killed the workflow and its operations. Ctrl-C again stops following.",
}
ASKING = {
    "cancel": "Ctrl-C: asking the workflow to cancel",
    "force-cancel": "Ctrl-C again: forcing the workflow to end",
    "kill": "Ctrl-C again: killing the workflow and its operations",
}
#: Seconds between two polls of what the stream of events does not contain: counts, states of node instances.
REFRESH_INTERVAL = 0.5
#: Seconds after which a request that did not arrive is sent again.
RESEND_INTERVAL = 1.0
#: Seconds that requests on their way are given when the command ends.
DELIVERY_TIMEOUT = 2.0
INSTANCES = Slice(size=1000, sort="id", fields=("id", "node_id", "state"))


class View(Protocol):
    """Where an execution is shown. Everything is called from one thread."""

    #: Seconds until `tick` wants to be called again; None for never.
    interval: float | None
    #: Whether it shows node instances and counts, which costs requests.
    wants_details: bool

    def event(self, event: Event) -> None: ...

    def note(self, text: str) -> None:
        """Something about the following itself: a request, a lost connection."""

    def lost(self) -> None:
        """The manager does not respond: what is shown stays as it was until a later call succeeds."""

    def standing(self, execution: Execution) -> None: ...

    def instances(self, instances: Sequence[NodeInstance]) -> None: ...

    def tick(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Happened:
    """Something came up in one of the threads: ``kind`` says what, ``value`` what it carries."""

    kind: str
    value: Any = None


class ExecutionFollower:
    """One execution, from now to its end.

    ``asked`` counts how far up the ladder the request to stop has gone already; ``escalates`` is whether
    Ctrl-C asks for more, or just ends the command.
    """

    def __init__(
        self,
        session: Session,
        execution: Execution,
        view: View,
        *,
        include_logs: bool = True,
        timeout: float | None = None,
        asked: int = 0,
        escalates: bool = True,
    ) -> None:
        self._session = session
        self._client = session.client
        self._execution = execution
        self._view = view
        self._include_logs = include_logs
        self._timeout = timeout
        self._asked = asked
        self._escalates = escalates
        self._happenings: SimpleQueue[_Happened] = SimpleQueue()
        self._requests: SimpleQueue[str | None] = SimpleQueue()
        self._over = threading.Event()
        self._undelivered = ""
        # Whether Ctrl-C was pressed, and the execution once it is over while something of it still runs.
        self._pressed = False
        self._ended: Execution | None = None

    def run(self) -> Execution:
        """Return the execution when it has ended. Raises Failure if it cannot be followed to its end."""
        asking = self._thread(self._ask)
        with self._hearing_interrupts():
            self._thread(self._read).start()
            asking.start()
            if self._view.wants_details:
                self._thread(self._look).start()
            try:
                with heard_keys(self._press) if self._view.wants_details else nullcontext():
                    return self._show()
            finally:
                self._over.set()
                self._requests.put(None)
                asking.join(DELIVERY_TIMEOUT)
                if self._undelivered:
                    self._view.note(f"The request to {self._undelivered} did not arrive.")

    def _thread(self, work: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - whatever it is, it must end the command, not just a thread
                self._happenings.put(_Happened("failure", error))

        return threading.Thread(target=guarded, daemon=True)

    @contextmanager
    def _hearing_interrupts(self) -> Iterator[None]:
        if not self._escalates:
            yield
            return

        def heard(signum: int, frame: FrameType | None) -> None:
            self._happenings.put(_Happened("interrupt"))

        earlier = signal.signal(signal.SIGINT, heard)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, earlier)

    def _show(self) -> Execution:
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        while True:
            happened = self._next(deadline)
            if happened is None:
                self._view.tick()
            elif happened.kind == "event":
                self._view.event(happened.value)
            elif happened.kind == "end":
                if not self._waits_for(happened.value):
                    return self._last_look(happened.value)
            elif happened.kind == "interrupt":
                self._escalate()
            elif happened.kind == "detach":
                self._detach()
            elif happened.kind == "note":
                self._view.note(happened.value)
            elif happened.kind == "lost":
                self._view.lost()
            elif happened.kind == "standing":
                self._view.standing(happened.value)
            elif happened.kind == "instances":
                self._view.instances(happened.value)
            elif happened.kind == "failure":
                raise happened.value

    def _waits_for(self, execution: Execution) -> bool:
        """Return whether the command continues after the end: its user pressed Ctrl-C, and operations still
        run that the next Ctrl-C is to reach.
        """
        left = execution.get("residual_operations") or 0
        if not left or not self._pressed:
            return False
        if self._ended is None:
            self._view.standing(execution)
            still = "1 operation still runs" if left == 1 else f"{left} operations still run"
            more = "Ctrl-C kills what still runs; once more leaves it." if self._asked < len(LADDER) else ""
            self._view.note(f"The execution is over; {still}. {more}".rstrip())
            self._thread(self._await_residuals).start()
        self._ended = execution
        return True

    def _await_residuals(self) -> None:
        """Run the thread that waits for what still runs after the end: nothing tells of it."""
        while not self._over.wait(REFRESH_INTERVAL):
            with suppress(ConnectionFailed):
                execution = self._client.executions.get(self._execution["id"])
                if not execution.get("residual_operations"):
                    self._happenings.put(_Happened("end", execution))
                    return

    def _next(self, deadline: float | None) -> _Happened | None:
        """What happened next, or None when it is time to paint again. Raises Failure when time is up."""
        wait = self._view.interval
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._time_is_up()
            wait = left if wait is None else min(wait, left)
        try:
            return self._happenings.get(timeout=wait)
        except Empty:
            return None

    def _time_is_up(self) -> Failure:
        id = self._execution["id"]
        return Failure(
            f"Timed out after {self._timeout:.0f} s; execution {id} is still running.",
            f"`cfy events list --tail {id}` follows it further, `cfy executions cancel {id}` cancels it.",
            details={"execution_id": id, "timeout": self._timeout},
        )

    def _press(self, key: str) -> None:
        if key == DETACH_KEY:
            self._happenings.put(_Happened("detach"))

    def _detach(self) -> NoReturn:
        id = self._execution["id"]
        self._view.note(
            f"Detached: execution {id} continues. `cfy events list --tail {id}` follows it further."
        )
        raise Silent(FAILED)

    def _escalate(self) -> None:
        self._pressed = True
        if self._ended is not None:
            # Less than a kill does nothing to what runs after the end.
            self._asked = max(self._asked, len(LADDER) - 1)
        if self._asked >= len(LADDER):
            id = self._execution["id"]
            raise Failure(
                f"Stopped following execution {id}. The requested cancellation is still in progress.",
                f"`cfy executions get {id}` shows its status.",
                exit_code=INTERRUPTED,
            )
        action = LADDER[self._asked]
        self._asked += 1
        self._view.note(f"{ASKING[action]} ...")
        self._requests.put(action)

    def _last_look(self, execution: Execution) -> Execution:
        self._view.standing(execution)
        if self._view.wants_details:
            # What became of the execution is known; a picture that is not the newest is no reason to fail.
            with suppress(ConnectionFailed):
                self._view.instances(self._instances(execution))
        return execution

    def _instances(self, execution: Execution) -> list[NodeInstance]:
        """Return the node instances of the deployment, if there is one."""
        deployment_id = execution.get("deployment_id")
        if not deployment_id:
            return []
        return self._client.node_instances.list(INSTANCES, deployment_id=deployment_id).items

    def _read(self) -> None:
        """The thread that reads the stream."""
        for item in follow(
            self._client,
            self._execution["id"],
            include_logs=self._include_logs,
            on_trouble=self._lose,
            reconnect=self._reconnect,
        ):
            if not is_execution(item):
                self._happenings.put(_Happened("event", item))
            elif item["status"] in END_STATUSES:
                self._happenings.put(_Happened("end", item))
            else:
                self._happenings.put(_Happened("standing", item))

    def _reconnect(self) -> Client:
        self._client = self._session.reconnect(self._tell)
        return self._client

    def _lose(self, trouble: str) -> None:
        self._tell(f"{trouble} Trying again ...")
        self._happenings.put(_Happened("lost"))

    def _ask(self) -> None:
        """The thread that sends requests, one after the other."""
        while (action := self._requests.get()) is not None:
            self._undelivered = action
            self._deliver(action)

    def _deliver(self, action: str) -> None:
        """Send a request until it arrives, or a higher one takes its place, or all is over."""
        was_reported = False
        while True:
            try:
                self._client.executions.cancel(self._execution["id"], action)
                self._tell(ASKED[action])
            except ConnectionFailed as error:
                if not was_reported:
                    self._tell(f"The request did not arrive, and is sent until it does: {error}")
                    was_reported = True
                if self._over.wait(RESEND_INTERVAL) or not self._requests.empty():
                    return
                continue
            except ClientError as error:
                self._tell(str(error))
            self._undelivered = ""
            return

    def _look(self) -> None:
        """Run the thread that polls for what the stream does not contain."""
        while True:
            # The thread that reads the stream gets the same error and reports it.
            try:
                execution = self._client.executions.get(self._execution["id"])
                self._happenings.put(_Happened("instances", self._instances(execution)))
                if execution["status"] in END_STATUSES:
                    return
                self._happenings.put(_Happened("standing", execution))
            except ConnectionFailed:
                self._happenings.put(_Happened("lost"))
            if self._over.wait(REFRESH_INTERVAL):
                return

    def _tell(self, text: str) -> None:
        self._happenings.put(_Happened("note", text))
