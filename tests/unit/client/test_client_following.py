"""Streams of events, and an execution followed over connections that break."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwright.client.api import Client
from cloudwright.client.errors import ConnectionFailed, NotFound, Unavailable
from cloudwright.client.following import follow
from cloudwright.client.records import is_execution
from cloudwright.client.streaming import Message, read_messages
from cloudwright.client.target import Target

BROKEN = ConnectionFailed("http://m", "connection reset by peer")


@given(
    st.lists(
        st.tuples(st.sampled_from(["event", "status"]), st.dictionaries(st.text(), st.text())), max_size=5
    )
)
def test_what_was_sent_is_read(sent: list[tuple[str, dict[str, str]]]) -> None:
    text = "".join(f": alive\n\nid: 7\nevent: {kind}\ndata: {json.dumps(data)}\n\n" for kind, data in sent)
    assert list(read_messages(text.split("\n"))) == [Message(kind, data) for kind, data in sent]


def test_data_may_take_several_lines_and_a_cut_message_is_dropped() -> None:
    lines = ["data: [1,", "data:2]", "", "event: event", 'data: {"a": 1}']
    assert list(read_messages(lines)) == [Message("message", [1, 2])]


class Scripted:
    """A client whose streams go as a test says: each is a list of items, and an error may end it."""

    def __init__(self, *streams: list[Any]) -> None:
        self.target = Target("http://m")
        self.events = self
        self.streams = list(streams)
        self.after: list[int] = []

    def stream(self, execution_id: str, *, after: int, include_logs: bool) -> Iterator[Any]:
        self.after.append(after)
        for item in self.streams.pop(0):
            if isinstance(item, Exception):
                raise item
            yield item


def event(id: int) -> dict[str, Any]:
    return {"id": id, "message": f"event {id}"}


def status(name: str) -> dict[str, Any]:
    return {"id": "e", "status": name}


def run(*streams: list[Any], **how: Any) -> tuple[list[Any], Scripted, list[str], list[float]]:
    scripted = Scripted(*streams)
    troubles: list[str] = []
    pauses: list[float] = []
    items = list(follow(scripted, "e", on_trouble=troubles.append, sleep=pauses.append, **how))  # type: ignore[arg-type]
    return items, scripted, troubles, pauses


def test_from_the_beginning_to_the_end() -> None:
    told = [status("started"), event(1), event(2), status("terminated")]
    items, _, troubles, pauses = run(told)
    assert items == told
    assert (troubles, pauses) == ([], [])
    assert [is_execution(item) for item in items] == [True, False, False, True]


def test_a_broken_connection_is_told_once_and_nothing_twice() -> None:
    items, scripted, troubles, pauses = run(
        [status("started"), event(1), event(5), BROKEN],
        [BROKEN],
        [Unavailable("busy", status=503, code="", body={})],
        [event(6), BROKEN],
        [],
        [event(9), status("cancelled")],
    )
    assert [item["id"] for item in items if not is_execution(item)] == [1, 5, 6, 9]
    assert scripted.after == [0, 5, 5, 5, 6, 6]
    assert troubles == [str(BROKEN), str(BROKEN)]
    assert pauses == [0.1, 0.2, 0.4, 0.1, 0.2]


def test_after_a_break_it_goes_on_with_the_client_that_it_is_given() -> None:
    elsewhere = Scripted([event(2), status("terminated")])
    items, scripted, _, _ = run([event(1), BROKEN], reconnect=lambda: elsewhere)
    assert [item.get("status", item["id"]) for item in items] == [1, 2, "terminated"]
    assert (scripted.after, elsewhere.after) == ([0], [1])


def test_a_manager_that_shuts_down_in_order_is_not_brought_back() -> None:
    brought_back: list[int] = []

    def reconnect() -> Any:
        brought_back.append(1)

    items, scripted, troubles, _ = run([event(1)], [BROKEN], [status("cancelled")], reconnect=reconnect)
    assert items[-1] == status("cancelled")
    assert (scripted.after, brought_back) == ([0, 1, 1], [])
    assert troubles == ["The connection to the manager at http://m broke: it is shutting down."]


def test_patience_ends() -> None:
    clock = iter(range(0, 1000, 25))
    with pytest.raises(ConnectionFailed):
        run(*[[BROKEN]] * 10, clock=clock.__next__)
    assert next(clock) == 100


def test_what_is_not_the_connection_is_not_tried_again() -> None:
    with pytest.raises(NotFound):
        run([NotFound("none", status=404, code="not_found_error", body={})])


def test_an_execution_that_is_over_ends_at_once() -> None:
    items, scripted, _, _ = run([event(1), status("failed")])
    assert (items[-1]["status"], len(scripted.after)) == ("failed", 1)


def test_the_client_closes_what_it_opened() -> None:
    with Client(Target("http://127.0.0.1:1")) as client:
        pass
    with pytest.raises(RuntimeError):
        client.version()
