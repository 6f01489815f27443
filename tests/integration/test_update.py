"""``update`` on a real manager: old instances go by the old plan, and the new one holds afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ledger import Ledger
from manager_process import ManagerProcess

NODES = """\
node_templates:
  db: {type: thing}
  web:
    type: thing
    properties: {color: COLOR}
    relationships: [{type: uses, target: db}]
  old: {type: thing}
"""
NEW = """\
node_templates:
  db: {type: thing}
  web:
    type: thing
    properties: {color: blue}
    relationships: [{type: uses, target: db}, {type: uses, target: extra}]
  extra: {type: thing}
outputs: {where: {value: here}}
"""


@pytest.fixture
def ledger(manager: ManagerProcess, tmp_path: Path) -> Ledger:
    return Ledger(manager, tmp_path, NODES.replace("COLOR", "red"))


def update(ledger: Ledger, status: str = "terminated", **more: Any) -> dict[str, Any]:
    started = ledger.client.deployment_updates.start(ledger.id, **more)
    ended: dict[str, Any] = ledger.manager.end(str(started["execution_id"]))
    assert ended["status"] == status, f"{ended['error']}\n{ledger.manager.story(ended['id'])}"
    return ended


def agrees(ledger: Ledger) -> None:
    assert ledger.things() == ledger.live() == set(ledger.instances())
    rows = ledger.client.deployment_updates.list(deployment_id=ledger.id).items
    assert not [row for row in rows if row["state"] in ("updating", "executing_workflow")]


def test_what_changed_is_made_anew_by_the_plan_of_its_time(ledger: Ledger) -> None:
    before = ledger.instances()
    update(ledger, blueprint_id=ledger.upload(f"{ledger.id}-new", NEW))
    log = [" ".join(line.split()[i] for i in (0, 1, 2)) for line in ledger.log()]
    colors = {line.split()[0]: line.split()[2] for line in log if line.split()[1].startswith("web")}
    assert (colors["stop"], colors["delete"], colors["create"]) == ("red", "red", "blue")
    ran = ledger.ran()
    assert ran.count("establish web") == 2
    assert "delete old" in ran
    assert "create extra" in ran
    assert not {"create db", "delete db"} & set(ran)
    after = ledger.instances()
    assert {id for id in before if id.startswith(("db", "web"))} <= set(after)
    assert not [id for id in after if id.startswith("old")]
    assert {one["state"] for one in after.values()} == {"started"}
    deployment = ledger.client.deployments.get(ledger.id)
    assert (deployment["blueprint_id"], set(deployment["outputs"])) == (f"{ledger.id}-new", {"where"})
    agrees(ledger)
    [row] = ledger.client.deployment_updates.list(deployment_id=ledger.id).items
    assert (row["state"], row["old_blueprint_id"]) == ("successful", ledger.id)
    ledger.run("uninstall")
    assert ledger.things() == set()


def test_new_inputs_alone(ledger: Ledger) -> None:
    update(ledger, inputs={"color": "green"})
    assert sorted(ledger.ran())[:2] == ["create db", "create old"]
    assert ledger.client.deployments.get(ledger.id)["inputs"]["color"] == "green"
    agrees(ledger)


def test_a_preview_changes_nothing_and_its_digest_is_kept_to(ledger: Ledger) -> None:
    blueprint = ledger.upload(f"{ledger.id}-new", NEW)
    shown = ledger.client.deployment_updates.start(ledger.id, blueprint_id=blueprint, preview=True)
    assert (shown["state"], shown["execution_id"]) == ("preview", None)
    steps = {(step["action"], ":".join(step["entity_id"])) for step in shown["steps"]}
    assert {
        ("add", "nodes:extra"),
        ("remove", "nodes:old"),
        ("modify", "nodes:web:properties:color"),
    } <= steps
    db, old, web = sorted(ledger.instances())
    [extra] = [one["id"] for one in shown["deployment_update_node_instances"]["added_and_related"]]
    assert [(one["action"], one["id"], one["reason"]) for one in shown["instance_changes"]] == [
        ("replace", web, "property color changed"),
        ("add", extra, "new node; is it old, renamed?"),
        ("remove", old, "its node goes"),
    ]
    assert ledger.client.deployment_updates.list(deployment_id=ledger.id).items == []
    assert ledger.log() == []
    ledger.run("execute_operation", operation="cloudify.interfaces.lifecycle.poststart")
    with pytest.raises(Exception, match="not the one that was shown"):
        update(ledger, blueprint_id=blueprint, digest=shown["digest"], skip_reinstall=True)
    update(ledger, blueprint_id=blueprint, digest=shown["digest"])
    # What was shown is what was made.
    assert {web, db, extra} == set(ledger.instances())
    with pytest.raises(Exception, match="not the one that was shown"):
        ledger.client.deployment_updates.start(ledger.id, blueprint_id=blueprint, digest=shown["digest"])


def test_what_is_skipped_is_not_done(ledger: Ledger) -> None:
    update(
        ledger,
        blueprint_id=ledger.upload(f"{ledger.id}-new", NEW),
        skip_install=True,
        skip_uninstall=True,
        skip_reinstall=True,
    )
    assert "create extra" not in ledger.ran()
    assert "delete old" not in ledger.ran()
    assert "create web" not in ledger.ran()


def test_a_list_is_made_anew(ledger: Ledger) -> None:
    [db] = [id for id in ledger.instances() if id.startswith("db")]
    with pytest.raises(Exception, match="does not have: none"):
        update(ledger, reinstall_list=["none"])
    update(ledger, reinstall_list=[db])
    assert ledger.ran() == [
        "unlink web",
        "stop db",
        "delete db",
        "create db",
        "start db",
        "establish web",
    ]


def test_a_failed_update_is_resumed_and_then_taken_back(ledger: Ledger) -> None:
    ledger.control("create.extra", "fail")
    ended = update(ledger, "failed", blueprint_id=ledger.upload(f"{ledger.id}-new", NEW))
    [row] = ledger.client.deployment_updates.list(deployment_id=ledger.id).items
    assert row["state"] == "failed"
    ledger.control("create.extra", None)
    ledger.client.executions.resume(ended["id"])
    assert ledger.manager.end(ended["id"])["status"] == "terminated"
    agrees(ledger)
    ledger.forget()
    shown = ledger.client.deployment_updates.rollback(ledger.id, preview=True)
    assert {(one["node_id"], one["action"]) for one in shown["instance_changes"]} == {
        ("web", "replace"),
        ("old", "add"),
        ("extra", "remove"),
    }
    assert ledger.log() == []
    back = ledger.client.deployment_updates.rollback(ledger.id, digest=shown["digest"])
    assert ledger.manager.end(str(back["execution_id"]))["status"] == "terminated"
    assert {"create old", "delete extra", "create web"} <= set(ledger.ran())
    assert ledger.client.deployments.get(ledger.id)["blueprint_id"] == ledger.id
    agrees(ledger)


@pytest.mark.parametrize("held", ["stop.old", "create.extra"])
@pytest.mark.parametrize("how", ["cancel", "force-cancel", "kill"])
def test_a_cancel_blocks_nothing(ledger: Ledger, how: str, held: str) -> None:
    blueprint = ledger.upload(f"{ledger.id}-new", NEW)
    ledger.control(held, "hold")
    started = ledger.client.deployment_updates.start(ledger.id, blueprint_id=blueprint)
    id = str(started["execution_id"])
    ledger.manager.event(id, lambda event: held.partition(".")[0] in str(event.get("operation")))
    ledger.manager.cancel(id, how)
    assert ledger.manager.end(id)["status"] == "cancelled"
    ledger.control(held, None)
    update(ledger, blueprint_id=blueprint)
    # What the cancelled one had taken down, or not yet installed, is there.
    assert {(one["node_id"], one["state"]) for one in ledger.instances().values()} == {
        ("db", "started"),
        ("web", "started"),
        ("extra", "started"),
    }
    ledger.run("uninstall")
    assert ledger.live() == set()


UPDATABLE = """\
node_templates:
  it: {type: updatable, properties: {color: COLOR}}
"""


@pytest.mark.parametrize("answer", ["answer differs", ""])
def test_what_can_be_updated_is_not_made_anew(manager: ManagerProcess, tmp_path: Path, answer: str) -> None:
    ledger = Ledger(manager, tmp_path, UPDATABLE.replace("COLOR", "red"))
    ledger.control("check_drift.it", answer or "answer ")
    update(ledger, blueprint_id=ledger.upload(f"{ledger.id}-new", UPDATABLE.replace("COLOR", "blue")))
    assert ledger.ran() == ["check_drift it", *(["update it"] if answer else [])]
    assert not next(iter(ledger.instances().values()))["has_configuration_drift"]


def test_what_cannot_be_brought_in_line_is_made_anew(manager: ManagerProcess, tmp_path: Path) -> None:
    ledger = Ledger(manager, tmp_path, UPDATABLE.replace("COLOR", "red"))
    ledger.control("check_drift.it", "answer differs")
    ledger.control("update.it", "fail")
    update(ledger, blueprint_id=ledger.upload(f"{ledger.id}-new", UPDATABLE.replace("COLOR", "blue")))
    assert ledger.ran()[2:] == ["stop it", "delete it", "create it", "start it"]
    agrees(ledger)
