"""Webhooks of a real manager that is killed while it posts them."""

from __future__ import annotations

from pathlib import Path

from manager_process import running_manager

from webhook_receiver import receiving


def test_what_happened_before_a_crash_is_received_after_it_with_the_same_id(tmp_path: Path) -> None:
    with receiving() as receiver, running_manager(tmp_path) as manager:
        manager.client.secrets.create("signing", "sign with this")
        manager.client.hooks.create_webhook("ends", receiver.url, "signing", statuses=["terminated"])
        receiver.open.clear()
        ended = {manager.run("chain", steps=1) for _ in range(3)}
        for id in ended:
            assert manager.end(id)["status"] == "terminated"
        # It is being received when the manager dies.
        before = receiver.next()
        manager.kill9()
        receiver.open.set()
        manager.restart()
        seen = {before.payload["execution"]["id"]: {before.id}}
        again = False
        while not again or not ended <= seen.keys():
            received = receiver.next()
            again = again or received.id == before.id
            seen.setdefault(received.payload["execution"]["id"], set()).add(received.id)
        # Whatever was received twice had one id.
        assert [ids for ids in seen.values() if len(ids) > 1] == []


def test_nothing_waits_for_a_receiver_that_is_dead(tmp_path: Path) -> None:
    with receiving() as receiver, running_manager(tmp_path) as manager:
        manager.client.secrets.create("signing", "sign with this")
        manager.client.hooks.create_webhook("all", receiver.url, "signing", event_types=["*"])
        receiver.open.clear()
        id = manager.run("chain", steps=3)
        assert manager.end(id)["status"] == "terminated"
        assert manager.client.hooks.deliveries("all", states=["pending"]).total > 0
        # Nor does the manager's end, which is in good order.
