"""Agents that are not what they say, or say what is not so: nothing of others is touched."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from agent_site import Site, running_site
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from cloudwright.model.frames.worker import PROTOCOL


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("hostile")) as running:
        yield running.ready()


class Liar:
    """A connection of an agent that the test is."""

    def __init__(self, site: Site, token: str) -> None:
        url = site.manager.client.target.url.replace("http", "ws", 1)
        headers = {"Authorization": f"Bearer {token}"}
        self._open = contextlib.ExitStack()
        self._socket: ClientConnection = self._open.enter_context(
            connect(f"{url}/agents/v1/connect", additional_headers=headers, compression=None, proxy=None)
        )

    def say(self, type: str, **fields: Any) -> None:
        self._socket.send(json.dumps({"type": type, **fields}))

    def hello(self, **fields: Any) -> dict[str, Any]:
        facts = {"version": "0", "life": "l", "machine": "m", "system": "s", "host": "h", "capacity": 1}
        self.say("hello", **{"protocol": PROTOCOL, **facts, **fields})
        return self.hear()

    def arrive(self) -> None:
        assert self.hello()["type"] == "welcome"
        self.say("inventory", operations=[], journal_broken=False)

    def send(self, text: str) -> None:
        self._socket.send(text)

    def hear(self, kind: str | None = None) -> dict[str, Any]:
        """Return the next frame, of this kind if one is given."""
        while True:
            frame: dict[str, Any] = json.loads(self._socket.recv(timeout=30))
            if kind in (None, frame["type"]):
                return frame

    def await_close(self) -> None:
        """Wait until the manager has closed the connection."""
        with contextlib.suppress(ConnectionClosed):
            for _ in self._socket:
                pass
        assert self._socket.close_code is not None

    def close(self) -> None:
        self._open.close()


def other_host(site: Site, deployment: str) -> tuple[str, str]:
    """Make another host; returns its id and a token for its agent."""
    client = site.manager.client
    inputs = {"event_log": str(site.manager.event_log)}
    client.deployments.create(deployment, blueprint_id="hosted", inputs=inputs)
    [host] = client.node_instances.list(deployment_id=deployment, node_id="host").items
    return host["id"], client.agents.enroll(host["id"])["token"]


@pytest.mark.parametrize("token", ["", "cwa", "cwa.x.y", "cwa..", "Basic", "x" * 4000])
def test_a_token_that_is_not_known_is_refused(site: Site, token: str) -> None:
    liar = Liar(site, token)
    said = liar.hello()
    assert (said["type"], said["reason"]) == ("refused", "unknown")
    liar.close()
    assert site.state() == "connected"


def test_a_token_of_a_user_is_none_of_an_agent_and_the_other_way_round(site: Site) -> None:
    liar = Liar(site, str(site.manager.client.target.token))
    assert liar.hello()["reason"] == "unknown"
    liar.close()


def test_another_machine_with_the_token_is_refused_and_the_first_stays(site: Site) -> None:
    liar = Liar(site, site.agent.token)
    said = liar.hello(machine="another")
    assert said["reason"] == "duplicate"
    assert "cfy agents enroll" in said["message"]
    liar.close()
    assert site.state() == "connected"
    id = site.run("script", word="still")
    assert site.manager.end(id)["status"] == "terminated"


def test_another_version_of_the_protocol_is_refused(site: Site) -> None:
    liar = Liar(site, site.agent.token)
    assert liar.hello(protocol=PROTOCOL + 1)["reason"] == "protocol"
    liar.close()


def test_ends_of_operations_that_it_never_got_change_nothing(site: Site) -> None:
    id = site.run("act", name="honest", seconds=600)
    site.started("honest")
    operation = site.operation(id)["id"]
    _, token = other_host(site, "liar")
    liar = Liar(site, token)
    liar.arrive()
    end: dict[str, Any] = {"state": "succeeded", "result": "lie", "failure": None, "updates": []}
    end |= {"exit": [0, None], "tree_gone": True}
    for number, known in enumerate((operation, "no-such-operation"), 1):
        about = {"operation": known, "attempt": 1}
        liar.say("report", number=number, kind="ended", content=end, **about)
        assert liar.hear("stored")["numbers"] == [number]
        liar.say("asks", asking=1, **about)
        assert liar.hear("revoke")["operation"] == known
        liar.say("call", id=number, method="node_instances", args={}, **about)
    liar.close()
    assert site.operation(id)["state"] == "started"
    site.manager.cancel(id, "kill")
    assert site.operation(id)["state"] == "failed" or site.await_operation(id, "failed")


def test_an_end_that_makes_no_sense_fails_its_operation_and_only_that(site: Site) -> None:
    _, token = other_host(site, "odd")
    liar = Liar(site, token)
    liar.arrive()
    id = site.manager.run(
        "execute_operation", "odd", operation="do.once", node_ids=["app"], operation_kwargs={}
    )
    run = liar.hear("run")
    about = {"operation": run["operation"], "attempt": run["attempt"]}
    [host] = site.manager.client.node_instances.list(deployment_id="odd", node_id="host").items
    foreign = {"id": host["id"], "version": host["version"], "runtime_properties": {"stolen": True}}
    content = {"state": "succeeded", "result": 1, "failure": None, "updates": [foreign], "exit": None}
    liar.say("report", number=1, kind="ended", content=content | {"tree_gone": True}, **about)
    liar.hear("stored")
    story = site.manager.event(id, "task_failed")
    assert "another node instance" in story["message"]
    [host] = site.manager.client.node_instances.list(deployment_id="odd", node_id="host").items
    assert host["runtime_properties"] == {}
    site.manager.cancel(id, "kill")
    site.manager.end(id)
    liar.close()


def test_what_comes_by_an_older_connection_counts_no_more(site: Site) -> None:
    _, token = other_host(site, "twice")
    first = Liar(site, token)
    first.arrive()
    second = Liar(site, token)
    second.arrive()
    first.await_close()
    second.say("heartbeat")
    second.close()


@pytest.mark.parametrize(
    "text", ["x" * 200_000, "+" + "x" * 200_000, "[]", "{", '{"type": "welcome"}', '{"type": "asks"}']
)
def test_what_is_no_frame_ends_the_connection_and_no_other(site: Site, text: str) -> None:
    _, token = other_host(site, f"noise{len(text)}")
    liar = Liar(site, token)
    liar.arrive()
    liar.send(text)
    liar.await_close()
    assert site.state() == "connected"
