"""An execution from wherever it stands to its end, whatever happens to the connection meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

from cloudwright.client.api import Client
from cloudwright.client.errors import Broken, ConnectionFailed, Unavailable
from cloudwright.client.records import END_STATUSES, is_execution

if TYPE_CHECKING:
    from cloudwright.model.rest import Event, Execution

#: Seconds to wait for a manager that stopped responding: long enough for it to be restarted.
PATIENCE = 60.0
#: Seconds until the first new try, and until any later one.
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0


def follow(
    client: Client,
    execution_id: str,
    *,
    include_logs: bool = True,
    on_trouble: Callable[[str], None] | None = None,
    reconnect: Callable[[], Client] | None = None,
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Event | Execution]:
    """Yield every event of an execution once and in order, and the execution whenever its status changes.

    The last item is the execution when it has ended; ``records.is_execution`` is true of it alone. A broken
    connection is reported to ``on_trouble`` once, and the stream continues where it stopped, with the client
    that ``reconnect`` returns, which may find the manager elsewhere or start it. ``reconnect`` is not called
    if the manager shut down in order. Raises ConnectionFailed if no manager responded for ``patience``
    seconds, and any other ClientError at once.
    """
    after = 0
    shut_down = False
    silent_since: float | None = None
    pause = FIRST_PAUSE
    while True:
        try:
            for item in client.events.stream(execution_id, after=after, include_logs=include_logs):
                silent_since, pause, shut_down = None, FIRST_PAUSE, False
                yield item
                if not is_execution(item):
                    after = cast("Event", item)["id"]
                elif item["status"] in END_STATUSES:
                    return
            # It ended, but the execution has not.
            shut_down = True
            trouble: ConnectionFailed | Unavailable = Broken(client.target.url, "it is shutting down")
        except (ConnectionFailed, Unavailable) as error:
            trouble = error
        now = clock()
        if silent_since is None:
            silent_since = now
            if on_trouble is not None:
                on_trouble(str(trouble))
        elif now - silent_since > patience:
            raise trouble
        sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
        if reconnect is not None and not shut_down:
            client = reconnect()
