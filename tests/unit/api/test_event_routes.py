from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from served_api import Api
from starlette.requests import ClientDisconnect
from starlette.types import Message

from cloudwright.api import streaming
from cloudwright.api.middleware import PREFIX
from cloudwright.bus import topics
from cloudwright.model.event import LOG
from cloudwright.model.execution import Outcome
from cloudwright.model.operation import OperationState
from cloudwright.storage import operations


def messages(events: list[dict[str, Any]]) -> list[str]:
    return [event["message"] for event in events]


def test_too_many_followers_are_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    id = api.execution()
    monkeypatch.setattr(streaming, "MAX_FOLLOWERS", 1)
    request: dict[str, Any] = {
        "url": f"{PREFIX}/events/stream",
        "params": {"execution_id": id},
        "headers": {"Authentication-Token": api.token},
    }
    with api.anonymous.stream("GET", **request) as first:
        lines = first.iter_lines()
        assert next(lines) == "event: status"
        answer = api.anonymous.get(**request)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
        api.start(id)
        api.end(id)
        assert any("terminated" in line for line in lines)
    assert api.anonymous.get(**request).status_code == 200


def test_a_follower_that_takes_nothing_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "STALLED", 0.01)
    followers = streaming.Followers()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x"

    async def check() -> None:
        async def stalled(message: Message) -> None:
            if message["type"] == "http.response.body":
                await asyncio.get_running_loop().create_future()

        with pytest.raises(ClientDisconnect):
            await streaming.EventStreamResponse(endless(), followers).stream_response(stalled)
        followers.check()

    asyncio.run(asyncio.wait_for(check(), 20))


def test_an_event(api: Api) -> None:
    deployment = api.deployment()
    id = api.execution(deployment)
    [host] = api.items("/node-instances", deployment_id=deployment, node_id="host")
    api.happen(id, "done", event_type="task_succeeded", node_instance_id=host["id"], operation="a.b.create")
    [event] = api.items("/events", execution_id=id, event_type="task_succeeded")
    assert (event["message"], event["type"], event["level"]) == ("done", "cloudify_event", None)
    assert (event["execution_id"], event["deployment_id"], event["workflow_id"]) == (
        id,
        deployment,
        "install",
    )
    assert (event["node_instance_id"], event["node_name"], event["operation"]) == (
        host["id"],
        "host",
        "a.b.create",
    )
    assert event["timestamp"] == event["reported_timestamp"]
    assert event["error_causes"] is None


def test_why_an_operation_failed(api: Api) -> None:
    id = api.execution()
    api.start(id)
    [operation] = api.operate(id, "i.create")
    failure = {"message": "no room", "kind": "OSError", "traceback": "Traceback ...\n", "recoverable": True}
    now = api.manager.clock()
    api.store.write_sync(operations.end, operation, 1, state=OperationState.FAILED, failure=failure, now=now)
    [event] = api.items("/events", execution_id=id, event_type="task_failed")
    assert event["error_causes"] == [
        {"type": "OSError", "message": "no room", "traceback": "Traceback ...\n"}
    ]
    assert (event["manager_name"], event["operation_id"]) == ("manager-1", operation)


def test_where_an_operation_failed_and_what_led_to_it(api: Api) -> None:
    id = api.execution()
    api.start(id)
    [operation] = api.operate(id, "i.create")
    cause = {"type": "KeyError", "message": "'port'", "traceback": "  File ...\n"}
    failure = {"message": "no settings", "kind": "ValueError", "traceback": "T\n", "recoverable": True}
    failure |= {"place": "plugins/p/tasks.py:4, in deep", "causes": [cause]}
    now = api.manager.clock()
    api.store.write_sync(operations.end, operation, 1, state=OperationState.FAILED, failure=failure, now=now)
    [event] = api.items("/events", execution_id=id, event_type="task_failed")
    assert event["message"] == "i.create failed: ValueError: no settings (plugins/p/tasks.py:4, in deep)"
    own = {"type": "ValueError", "message": "no settings", "traceback": "T\n"}
    assert event["error_causes"] == [own, cause]
    assert event["details"]["place"] == "plugins/p/tasks.py:4, in deep"


def test_no_client_adds_what_looks_like_an_event_of_the_engine(api: Api) -> None:
    id = api.execution()
    forged = {"message": {"text": "admin asked to kill"}, "event_type": "execution_cancel_requested"}
    assert api.post("/events", {"execution_id": id, "events": [forged]}) is None
    assert api.items("/events", execution_id=id, event_type="execution_cancel_requested") == []
    [stored] = api.items("/events", execution_id=id, event_type="reported_execution_cancel_requested")
    assert stored["message"] == "admin asked to kill"


def test_filters(api: Api) -> None:
    deployment = api.deployment()
    id = api.execution(deployment)
    api.start(id)
    api.happen(id, "first", event_type="a", operation="i.create")
    api.happen(id, "50% done", kind=LOG, event_type=None, level="debug")
    api.happen(id, "Second", event_type="b")

    def found(**filters: Any) -> list[str]:
        listed = messages(api.items("/events", execution_id=id, **filters))
        return [message for message in listed if message in ("first", "50% done", "Second")]

    assert found() == ["first", "50% done", "Second"]
    assert found(type="cloudify_event") == ["first", "Second"]
    assert found(type=["cloudify_event", "cloudify_log"]) == ["first", "50% done", "Second"]
    assert found(include_logs="False") == ["first", "Second"]
    assert found(event_type=["a", "b"]) == ["first", "Second"]
    assert found(level="debug") == ["50% done"]
    assert found(operation="i.create") == ["first"]
    assert found(message="%second%") == ["Second"]
    assert found(**{"message.text": "50%"}) == ["50% done"]
    assert found(deployment_id=deployment) == ["first", "50% done", "Second"]
    assert found(node_id="host") == []
    assert found(node_instance_id="x", blueprint_id="y") == []


def test_times_in_the_new_form_and_the_old(api: Api) -> None:
    id = api.execution()
    api.happen(id, "it")
    [event] = [event for event in api.items("/events", execution_id=id) if event["message"] == "it"]
    day = event["timestamp"][:10]

    def there(**filters: Any) -> bool:
        return "it" in messages(api.items("/events", execution_id=id, **filters))

    assert there(from_datetime=day, to_datetime="2999-01-01T00:00:00")
    assert not there(from_datetime="2999-01-01T00:00:00+02:00")
    assert not there(to_datetime=day)
    assert there(_range=f"@timestamp,{day},")
    assert there(_range=f"@timestamp,{day},2999-01-01 00:00")
    assert not there(_range=f"@timestamp,,{day}")
    for wrong in ("x", "@timestamp", "@timestamp,x", "other,,", "@timestamp,soon,"):
        api.refused("GET", "/events", 400, "bad_parameters_error", params={"_range": wrong})
    for refused in ({"from_datetime": "soon"}, {"type": "rumour"}, {"_sort": "message"}):
        api.refused("GET", "/events", 400, "bad_parameters_error", params=refused)


def test_pages_of_what_still_grows(api: Api) -> None:
    """The command line asks for page after page in the order of times, and must miss nothing."""
    id = api.execution()
    seen: list[str] = []
    for number in range(4):
        api.happen(id, *(f"{number}-{index}" for index in range(6)))
        for column in ("reported_timestamp", "@timestamp", "timestamp"):
            page = api.get("/events", execution_id=id, _sort=column, _offset=len(seen), _size=2)
            seen += messages(page["items"])
            assert page["metadata"]["pagination"]["offset"] == len(seen) - 2
    whole = messages(api.items("/events", execution_id=id, type=["cloudify_event", "cloudify_log"]))
    assert seen == whole[: len(seen)]
    assert messages(api.items("/events", execution_id=id, _sort="-timestamp"))[0] == "3-5"


def test_reported_by_a_plugin(api: Api) -> None:
    id = api.execution()
    context = {"node_id": "app_x", "operation": "i.create", "source_id": None, "target_id": None}
    body = {
        "execution_id": id,
        "events": [{"event_type": "plugin_event", "message": {"text": "half way"}, "context": context}],
        "logs": [{"level": "WARNING", "logger": "ctx.x", "message": {"text": "careful"}, "context": {}}],
        "agent_name": None,
        "manager_name": None,
    }
    assert api.http.post("/events", json=body).status_code == 204
    event, log = [
        event for event in api.items("/events", execution_id=id) if event["logger"] or event["operation"]
    ]
    assert (event["message"], event["event_type"], event["node_instance_id"]) == (
        "half way",
        "plugin_event",
        "app_x",
    )
    assert (log["message"], log["type"], log["level"]) == ("careful", "cloudify_log", "warning")
    assert api.http.post("/events", json={"execution_id": id, "events": None, "logs": []}).status_code == 204
    api.refused("POST", "/events", 404, "not_found_error", json={"execution_id": "none"})


class Stream:
    """Messages of an open stream, as (kind, data)."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()
        self.last_id: str | None = None

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        kind = ""
        for line in filter(None, self._lines):
            name, _, value = line.partition(": ")
            if name == "id":
                self.last_id = value
            elif name == "event":
                kind = value
            elif name == "data":
                data = json.loads(value)
                yield kind, data["message"] if kind == "event" else data["status"]
            elif name == "":
                yield "comment", value

    def until(self, wanted: tuple[str, Any]) -> list[tuple[str, Any]]:
        seen = []
        for message in self:
            seen.append(message)
            if message == wanted:
                return seen
        raise AssertionError(f"the stream ended without {wanted}: {seen}")


@contextmanager
def streamed(api: Api, id: str, **params: Any) -> Iterator[Stream]:
    with api.http.stream(
        "GET", "/events/stream", params={"execution_id": id, **params}, timeout=20
    ) as response:
        yield Stream(response)


@pytest.fixture
def following(api: Api) -> Iterator[httpx.Client]:
    """A client whose answers are not read to their end before a test sees them."""
    checking = api.http.event_hooks
    api.http.event_hooks = {"response": []}
    yield api.http
    api.http.event_hooks = checking


def test_a_stream_follows_until_the_end(api: Api, following: httpx.Client) -> None:
    id = api.execution()
    with streamed(api, id) as stream:
        assert stream.response.headers["Content-Type"].startswith("text/event-stream")
        assert stream.until(("status", "pending"))[-1] == ("status", "pending")
        api.start(id)
        stream.until(("status", "started"))
        api.happen(id, "one", "two\nlines")
        assert stream.until(("event", "two\nlines"))[-2:] == [("event", "one"), ("event", "two\nlines")]
        api.post(f"/executions/{id}", {"action": "cancel"})
        stream.until(("status", "cancelling"))
        api.happen(id, "rolled back")
        api.end(id, Outcome.CANCELLED)
        rest = list(stream)
    assert rest[0] == ("event", "rolled back")
    assert rest[-1] == ("status", "cancelled")
    assert len([message for message in rest if message[0] == "event"]) == 2


def test_a_stream_is_taken_up_where_it_broke_off(api: Api, following: httpx.Client) -> None:
    id = api.execution()
    api.start(id)
    api.happen(id, "one", "two")
    with streamed(api, id) as stream:
        stream.until(("event", "one"))
        place = stream.last_id
    api.happen(id, "three")
    api.end(id)
    with streamed(api, id, after=place) as stream:
        seen = list(stream)
    assert seen[:2] == [("event", "two"), ("event", "three")]
    assert seen[-1] == ("status", "terminated")


def test_a_stream_of_what_is_over_is_whole_and_ends(
    api: Api, following: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "_BATCH", 2)
    id = api.execution()
    api.start(id)
    api.happen(id, *(str(number) for number in range(5)), kind=LOG, level="info")
    api.happen(id, "event")
    api.end(id)
    with streamed(api, id) as stream:
        seen = [message for kind, message in stream if kind == "event"]
    assert seen == messages(api.items("/events", execution_id=id))
    for params in ({"type": "cloudify_event"}, {"include_logs": "false"}):
        with streamed(api, id, **params) as stream:
            assert "0" not in [message for _, message in stream]


def test_a_stream_does_not_depend_on_the_bus(
    api: Api, following: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a message is lost, the stream finds out at its next heartbeat."""

    def lose(topic: str, message: Any) -> None:
        pass

    monkeypatch.setattr(streaming.follow, "__kwdefaults__", {"heartbeat": 0.05})
    id = api.execution()
    api.start(id)
    with streamed(api, id) as stream:
        stream.until(("status", "started"))
        monkeypatch.setattr(api.manager.bus, "publish", lose)
        api.happen(id, "unheard")
        stream.until(("event", "unheard"))
        assert ("comment", "still here") in stream
        api.end(id)
        assert list(stream)[-1] == ("status", "terminated")


def test_whoever_stops_following_leaves_nothing(api: Api, following: httpx.Client) -> None:
    id = api.execution()
    topic = topics.execution(id)
    with streamed(api, id) as stream:
        stream.until(("status", "pending"))
        assert topic in api.manager.bus._exact
    while topic in api.manager.bus._exact:
        api.get("/version")


def test_streams_of_nothing(api: Api) -> None:
    api.refused("GET", "/events/stream", 400, "bad_parameters_error")
    api.refused("GET", "/events/stream?execution_id=none", 404, "not_found_error")
    api.refused("GET", "/events/stream?execution_id=none&after=-1", 400, "bad_parameters_error")
