"""``scale`` on a real manager: what is there afterwards is what is listed, however it ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from ledger import Ledger
from manager_process import ManagerProcess


@pytest.fixture
def ledger(manager: ManagerProcess, tmp_path: Path) -> Ledger:
    return Ledger(manager, tmp_path)


def agrees(ledger: Ledger) -> None:
    assert ledger.things() == ledger.live() == set(ledger.instances())
    assert "started" not in ledger.modifications()


def test_out_and_in(ledger: Ledger) -> None:
    ledger.run("scale", scalable_entity_name="host", delta=1)
    assert sorted(ledger.ran()) == ["create app", "create host", "establish app", "start app", "start host"]
    assert ledger.counts() == {"db": (1, 1), "host": (3, 3), "app": (3, 1)}
    assert ledger.modifications() == ["finished"]
    agrees(ledger)
    before = set(ledger.instances())
    ledger.forget()
    ledger.run("scale", scalable_entity_name="host", delta=-2)
    assert sorted(ledger.ran()) == sorted(
        2 * ["stop app", "unlink app", "delete app", "stop host", "delete host"]
    )
    assert ledger.counts() == {"db": (1, 1), "host": (1, 1), "app": (1, 1)}
    assert set(ledger.instances()) < before
    agrees(ledger)
    ledger.run("uninstall")
    assert ledger.things() == set()


def test_the_plan_names_instances_and_a_dry_run_changes_nothing(ledger: Ledger) -> None:
    before = ledger.instances()
    second = max((id for id in before if id.startswith("host")), key=lambda id: before[id]["index"])
    for dry_run in (True, False):
        started = ledger.client.executions.start(
            "scale", ledger.id, parameters={"scalable_entity_name": "host", "delta": -1}, dry_run=dry_run
        )
        assert ledger.manager.end(started["id"])["status"] == "terminated"
        [plan] = [
            event["details"]["instance_changes"]
            for event in ledger.manager.events(started["id"])
            if "instance_changes" in (event.get("details") or {})
        ]
        reasons = {one["id"]: (one["action"], one["reason"]) for one in plan}
        assert reasons.pop(second) == ("remove", "the newest")
        assert list(reasons.values()) == [("remove", f"contained in {second}")]
        if dry_run:
            assert ledger.instances() == before
            assert ledger.log() == []
    assert second not in ledger.instances()


def test_what_is_included_goes_and_what_is_excluded_stays(ledger: Ledger) -> None:
    first, second = sorted(id for id in ledger.instances() if id.startswith("host"))
    ledger.run("scale", scalable_entity_name="host", delta=-1, include_instances=[first])
    assert first not in ledger.instances()
    ledger.run("scale", scalable_entity_name="host", delta=2)
    ledger.run("scale", scalable_entity_name="host", delta=-2, exclude_instances=second)
    assert [id for id in ledger.instances() if id.startswith("host")] == [second]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"delta": -3}, "cannot be removed"),
        ({"delta": 3}, "allows 4 at most"),
        ({"scalable_entity_name": "none"}, "no node and no scaling group `none`"),
        ({"delta": 1, "include_instances": ["x"]}, "only if there are to be fewer"),
        ({"delta": -1, "include_instances": ["x"]}, "do not exist: x"),
    ],
)
def test_what_cannot_be_is_refused(ledger: Ledger, parameters: dict[str, object], said: str) -> None:
    before = ledger.instances()
    ended = ledger.run("scale", status="failed", **{"scalable_entity_name": "host"} | parameters)
    assert said in ended["error"]
    assert ledger.instances() == before
    assert ledger.modifications() == []
    assert ledger.log() == []


def test_a_failed_scale_out_takes_back_everything_that_it_began(ledger: Ledger) -> None:
    before = set(ledger.instances())
    ledger.control("start.app", "fail")
    ended = ledger.run("scale", status="failed", scalable_entity_name="host", delta=1)
    assert ended["error"].index("start of app") < ended["error"].index("Rolled back: 2 undone")
    assert set(ledger.instances()) == before
    assert ledger.counts()["host"] == (2, 2)
    assert ledger.modifications() == ["rolledback"]
    agrees(ledger)


def test_without_rollback_what_began_stays_and_a_resume_continues(ledger: Ledger) -> None:
    ledger.control("start.app", "fail")
    ended = ledger.run(
        "scale", status="failed", scalable_entity_name="host", delta=1, rollback_if_failed=False
    )
    agrees(ledger)
    assert ledger.counts()["host"] == (3, 3)
    assert ledger.modifications() == ["failed"]
    ledger.control("start.app", None)
    ledger.client.executions.resume(ended["id"])
    assert ledger.manager.end(ended["id"])["status"] == "terminated"
    assert ledger.modifications() == ["finished"]
    assert {one["state"] for one in ledger.instances().values()} == {"started"}
    agrees(ledger)


def test_a_failed_scale_in_keeps_what_is_still_there(ledger: Ledger) -> None:
    ledger.control("delete.host", "fail")
    ledger.run("scale", status="failed", scalable_entity_name="host", delta=-1)
    assert ledger.counts()["host"] == (2, 2)
    kept = {id for id, one in ledger.instances().items() if one["state"] == "deleting"}
    assert len(kept) == 1
    agrees(ledger)
    ledger.control("delete.host", None)
    ledger.run("scale", scalable_entity_name="host", delta=-1)
    assert not kept & set(ledger.instances())
    agrees(ledger)


@pytest.mark.parametrize("how", ["cancel", "force-cancel", "kill"])
@pytest.mark.parametrize("delta", [1, -1])
def test_a_cancel_leaves_what_is_listed_and_blocks_nothing(ledger: Ledger, how: str, delta: int) -> None:
    held = "create.app" if delta > 0 else "stop.host"
    ledger.control(held, "hold")
    id = ledger.start("scale", scalable_entity_name="host", delta=delta)
    ledger.manager.event(id, lambda event: held.partition(".")[0] in str(event.get("operation")))
    ledger.manager.cancel(id, how)
    if how == "cancel":
        assert ledger.manager.status(id) in ("cancelling", "cancelled")
    assert ledger.manager.end(id)["status"] == "cancelled"
    ledger.control(held, None)
    assert ledger.modifications() == ["cancelled"]
    ledger.run("scale", scalable_entity_name="host", delta=-1)
    assert ledger.modifications() == ["cancelled", "finished"]
    ledger.run("uninstall")
    assert ledger.live() == set()


def test_a_cancel_with_rollback_takes_back(ledger: Ledger) -> None:
    before = set(ledger.instances())
    ledger.control("create.app", "hold")
    id = ledger.start("scale", scalable_entity_name="host", delta=1, on_cancel="rollback")
    ledger.manager.event(id, lambda event: "create" in str(event.get("operation")))
    ledger.manager.cancel(id)
    ledger.control("create.app", None)
    assert ledger.manager.end(id)["status"] == "cancelled"
    assert set(ledger.instances()) == before
    assert ledger.modifications() == ["rolledback"]
