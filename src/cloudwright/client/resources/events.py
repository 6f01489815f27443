"""Events and log lines: lists, and streams of what happens now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import WHOLE, Collection, as_text

if TYPE_CHECKING:
    from cloudwright.model.rest import Event, Execution


class Events(Collection["Event"]):
    path = "/events"

    def list(
        self,
        part: Slice = WHOLE,
        *,
        execution_id: str | None = None,
        include_logs: bool = True,
        since: str | None = None,
        until: str | None = None,
        **filters: str | None,
    ) -> Page[Event]:
        """Return a page of events and, with ``include_logs``, log lines, in the order of storing.

        ``since`` and ``until`` are ISO 8601 times; ``filters`` are fields such as ``operation``.
        """
        return self._list(
            part,
            execution_id=execution_id,
            type=_types(include_logs),
            _range=f"@timestamp,{since or ''},{until or ''}" if since or until else None,
            **filters,
        )

    def delete(
        self,
        deployment_id: str,
        *,
        include_logs: bool = True,
        since: str | None = None,
        until: str | None = None,
    ) -> int:
        """Delete the events of a deployment's executions, and return how many there were."""
        params: dict[str, Any] = {"deployment_id": deployment_id, "type": _types(include_logs)}
        params |= {"from_datetime": since} if since else {}
        params |= {"to_datetime": until} if until else {}
        answer = self._transport.request("DELETE", self.path, params=params)
        return int(answer["items"][0])

    def stream(
        self, execution_id: str, *, after: int = 0, include_logs: bool = True
    ) -> Iterator[Event | Execution]:
        """Yield the events of an execution after the one with the ID ``after``, as they happen.

        The execution itself is yielded first, and whenever its status has changed; ``is_execution`` is
        true of it, and false of events. Ends when the execution has ended and everything was sent, or when
        the manager shuts down. Raises NotFound, and ConnectionFailed if the connection broke: call again
        with the last event's ID.
        """
        params = {"execution_id": execution_id, "after": str(after), "include_logs": as_text(include_logs)}
        with self._transport.messages(f"{self.path}/stream", params=params) as messages:
            for message in messages:
                if message.kind == "status":
                    yield cast("Execution", message.data)
                elif message.kind == "event":
                    yield cast("Event", message.data)


def _types(include_logs: bool) -> list[str]:
    return ["cloudify_event", "cloudify_log"] if include_logs else ["cloudify_event"]
