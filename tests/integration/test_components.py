"""Components on a real manager, three levels deep: made once, stopped in every way, resumed, taken away."""

from __future__ import annotations

from pathlib import Path

import pytest
from composition import Composition
from manager_process import ManagerProcess, alive


def test_what_it_makes_goes_with_it(manager: ManagerProcess, tmp_path: Path) -> None:
    made = Composition(manager, tmp_path)
    assert made.deployments() == {made.id, made.mid, made.low}
    assert sorted(name.partition("_")[0] for name in made.things()) == ["after", "after", "thing"]
    part = made.part()["runtime_properties"]
    assert part["deployment"]["id"] == made.mid
    assert part["capabilities"]["below"] == {"color": "red", "made": "red"}
    top, mid, low = (made.only(id) for id in (made.id, made.mid, made.low))
    assert [one["parent_id"] for one in (top, mid, low)] == [None, top["id"], mid["id"]]
    made.run("uninstall")
    assert made.deployments() == {made.id}
    assert made.things() == set()
    assert made.part()["runtime_properties"] == {}
    # What was there before stays.
    assert made.client.blueprints.get(made.low)["state"] == "uploaded"


@pytest.mark.parametrize("how", ["cancel", "force-cancel", "kill"])
def test_a_request_reaches_the_lowest_and_a_resume_goes_on(
    manager: ManagerProcess, tmp_path: Path, how: str
) -> None:
    made = Composition(manager, tmp_path, install=False)
    made.control("create.thing", "hold")
    id = made.start("install")
    operation = made.await_held()
    manager.cancel(id, how)
    assert manager.end(id)["status"] == "cancelled"
    # Three levels below, it is dead when the topmost is over.
    assert alive(operation) == (how != "kill")
    children = [made.only(made.mid), made.only(made.low)]
    assert [one["status"] for one in children] == ["cancelled"] * 2
    made.control("create.thing", None)
    manager.client.executions.resume(id)
    ended = manager.end(id)
    assert ended["status"] == "terminated", manager.story(id)
    assert [made.only(one)["id"] for one in (made.mid, made.low)] == [one["id"] for one in children]
    assert made.ran().count("create thing") == (2 if how == "kill" else 1)
    assert len(made.things()) == 3
    made.run("uninstall")
    assert made.deployments() == {made.id}


def test_a_parent_waits_for_what_does_not_stop_and_says_so(manager: ManagerProcess, tmp_path: Path) -> None:
    made = Composition(manager, tmp_path, install=False, workflow="stubborn")
    made.control("stubborn", "hold")
    id = made.start("install")
    made.await_held()
    manager.cancel(id)
    mid = made.only(made.mid)["id"]
    low = made.only(made.low, "stubborn")["id"]
    assert low in manager.event(mid, "execution_waits_for_children")["message"]
    assert mid in manager.event(id, "execution_waits_for_children")["message"]
    assert [manager.status(one) for one in (id, mid, low)] == ["cancelling"] * 3
    manager.cancel(id, "force-cancel")
    ended = manager.end(id)
    assert (ended["status"], ended["error"]) == ("cancelled", None)
    assert [manager.status(one) for one in (mid, low)] == ["cancelled"] * 2


def test_a_grace_is_that_of_the_children_too(manager: ManagerProcess, tmp_path: Path) -> None:
    made = Composition(manager, tmp_path, install=False, workflow="stubborn")
    made.control("stubborn", "hold")
    id = made.start("install")
    made.await_held()
    manager.cancel(id, grace=0.2)
    assert manager.end(id)["status"] == "cancelled"
    low = made.only(made.low, "stubborn")
    assert (low["status"], low["cancel_mode"]) == ("cancelled", "force-cancel")


def test_a_child_that_is_cancelled_alone_fails_what_waits_for_it(
    manager: ManagerProcess, tmp_path: Path
) -> None:
    made = Composition(manager, tmp_path, install=False, workflow="stubborn")
    made.control("stubborn", "hold")
    id = made.start("install")
    made.await_held()
    low = made.only(made.low, "stubborn")["id"]
    manager.cancel(low, "kill")
    ended = manager.end(id)
    assert ended["status"] == "failed"
    assert low in ended["error"]
    assert "was cancelled by admin" in ended["error"]


def test_the_cause_is_named_up_to_the_top(manager: ManagerProcess, tmp_path: Path) -> None:
    made = Composition(manager, tmp_path, install=False)
    made.control("create.thing", "fail")
    ended = made.run("install", status="failed")
    assert made.only(made.mid)["id"] in ended["error"]
    assert made.only(made.low)["id"] in ended["error"]
    assert "is to fail" in ended["error"]
    # What is final is tried once.
    assert made.ran() == ["create thing"]


@pytest.mark.parametrize("said", ["Created deployment `mid", "execution_child_started", None])
def test_a_manager_that_dies_makes_nothing_twice(
    manager: ManagerProcess, tmp_path: Path, said: str | None
) -> None:
    made = Composition(manager, tmp_path, install=False)
    made.control("create.thing", "hold")
    id = made.start("install")
    if said is None:
        made.await_held()
    else:
        manager.event(id, said)
    manager.kill9()
    manager.restart()
    made.control("create.thing", None)
    ended = manager.end(id)
    assert ended["status"] == "terminated", manager.story(id)
    assert {made.only(one)["status"] for one in (made.mid, made.low)} == {"terminated"}
    assert len(made.things()) == 3
