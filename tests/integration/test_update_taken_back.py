"""Updates that are taken back, and what beside instances they change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ledger import Ledger
from manager_process import ManagerProcess
from test_update import NEW, NODES, agrees, update

from cloudwright.client.errors import ApiError

SCHEDULED = """\
labels: {shade: {values: [dark]}}
deployment_settings:
  default_schedules:
    kept: {workflow: check_status, since: '+1h', recurrence: 1d}
    changed: {workflow: check_status, since: '+1h', recurrence: 2d}
    gone: {workflow: check_drift, since: '+1h', recurrence: 1w}
"""
OTHERS = SCHEDULED.replace("2d", "3d").replace("gone:", "new:").replace("dark", "light")
MOVED = """\
node_templates:
  one: {type: thing}
  two: {type: thing}
  app:
    type: thing
    relationships: [{type: cloudify.relationships.contained_in, target: HOST}]
"""

ONE = "node_templates: {one: {type: thing}}\n"
GIVEN = "capabilities: {color: {value: red}, unread: {value: nobody}}\n"
READ = "outputs: {read: {value: {get_capability: [ID, color]}}}\n"


@pytest.fixture
def ledger(manager: ManagerProcess, tmp_path: Path) -> Ledger:
    return Ledger(manager, tmp_path, NODES.replace("COLOR", "red"))


def back(ledger: Ledger, status: str, **more: Any) -> dict[str, Any]:
    started = ledger.client.deployment_updates.rollback(ledger.id, **more)
    assert started["new_blueprint_id"] == ledger.id
    assert started["is_rollback"]
    ended: dict[str, Any] = ledger.manager.end(str(started["execution_id"]))
    assert ended["status"] == status, f"{ended['error']}\n{ledger.manager.story(ended['id'])}"
    return ended


def test_a_failed_rollback_goes_on_past_what_cannot_be_undone(ledger: Ledger) -> None:
    update(ledger, blueprint_id=ledger.upload(f"{ledger.id}-new", NEW))
    [stuck] = [id for id, one in ledger.instances().items() if one["node_id"] == "extra"]
    ledger.control("delete.extra", "fail")
    back(ledger, "failed")
    # A second one leads to the same, and not to where the first came from.
    back(ledger, "failed")
    with pytest.raises(ApiError, match="`skip` names what deployment"):
        ledger.client.deployment_updates.rollback(ledger.id, skip=["nothing"])
    shown = ledger.client.deployment_updates.rollback(ledger.id, preview=True, skip=[stuck])
    [reason] = [one["reason"] for one in shown["instance_changes"] if one["id"] == stuck]
    assert "left behind" in reason
    back(ledger, "terminated", skip=[stuck], digest=shown["digest"])
    assert ledger.things() - ledger.live() == {stuck}
    assert {one["node_id"] for one in ledger.instances().values()} == {"db", "web", "old"}
    ledger.run("uninstall")
    [left] = ledger.client.deployments.get(ledger.id)["left_behind"]
    assert (left["id"], left["node_id"]) == (stuck, "extra")
    assert left["runtime_properties"] == {"made": "red"}


def test_a_rollback_of_a_rollback_goes_forward(ledger: Ledger) -> None:
    new = ledger.upload(f"{ledger.id}-new", NEW)
    update(ledger, blueprint_id=new)
    back(ledger, "terminated")
    agrees(ledger)
    shown = ledger.client.deployment_updates.rollback(ledger.id, preview=True)
    assert shown["new_blueprint_id"] == new


def test_other_files_make_another_plan(ledger: Ledger) -> None:
    new = ledger.upload(f"{ledger.id}-new", NEW)
    shown = ledger.client.deployment_updates.start(ledger.id, blueprint_id=new, preview=True)
    ledger.client.blueprints.delete(new)
    ledger.upload(new, NEW, inner=NODES)
    with pytest.raises(ApiError, match="is not the one that was shown"):
        ledger.client.deployment_updates.start(ledger.id, blueprint_id=new, digest=shown["digest"])
    assert ledger.updates() == []


def test_two_at_once_are_refused_with_the_one_that_runs(ledger: Ledger) -> None:
    new = ledger.upload(f"{ledger.id}-new", NEW)
    ledger.control("stop.old", "hold")
    first = ledger.client.deployment_updates.start(ledger.id, blueprint_id=new)
    ledger.await_held()
    with pytest.raises(ApiError) as update_error:
        ledger.client.deployment_updates.start(ledger.id, blueprint_id=new)
    with pytest.raises(ApiError) as rollback_error:
        ledger.client.deployment_updates.rollback(ledger.id)
    for error in (update_error, rollback_error):
        assert error.value.code == "existing_running_execution_error"
        assert str(first["execution_id"]) in str(error.value)
    ledger.control("stop.old", None)
    assert ledger.manager.end(str(first["execution_id"]))["status"] == "terminated"
    assert ledger.updates() == ["successful"]


def test_schedules_and_labels_are_those_of_the_blueprint(ledger: Ledger) -> None:
    def schedules() -> dict[str, str]:
        rows = ledger.client.execution_schedules.list(deployment_id=ledger.id).items
        return {str(row["id"]): str(row["rule"].get("recurrence")) for row in rows}

    def labels() -> list[str]:
        rows = ledger.client.deployments.get(ledger.id)["labels"]
        return [row["value"] for row in rows if row["key"] == "shade"]

    before = ledger.upload(f"{ledger.id}-dark", NODES.replace("COLOR", "red") + SCHEDULED)
    update(ledger, blueprint_id=before)
    assert schedules() == {"kept": "1d", "changed": "2d", "gone": "1w"}
    after = ledger.upload(f"{ledger.id}-light", NODES.replace("COLOR", "red") + OTHERS)
    shown = ledger.client.deployment_updates.start(ledger.id, blueprint_id=after, preview=True)
    assert {one["id"] for one in shown["schedules_to_create"]} == {"changed", "new"}
    assert shown["schedules_to_delete"] == ["changed", "gone"]
    assert shown["instance_changes"] == []
    assert ["schedules", "gone"] in [step["entity_id"] for step in shown["steps"]]
    update(ledger, blueprint_id=after)
    assert schedules() == {"kept": "1d", "changed": "3d", "new": "1w"}
    assert labels() == ["light"]
    ledger.client.deployment_updates.rollback(ledger.id)
    last = ledger.client.deployment_updates.list(deployment_id=ledger.id).items[-1]
    assert ledger.manager.end(str(last["execution_id"]))["status"] == "terminated"
    assert schedules() == {"kept": "1d", "changed": "2d", "gone": "1w"}
    assert labels() == ["dark"]


def test_what_changes_its_host_is_made_anew_there(manager: ManagerProcess, tmp_path: Path) -> None:
    ledger = Ledger(manager, tmp_path, MOVED.replace("HOST", "one"))
    update(ledger, blueprint_id=ledger.upload(f"{ledger.id}-two", MOVED.replace("HOST", "two")))
    assert ledger.ran() == ["stop app", "delete app", "create app", "start app"]
    agrees(ledger)
    rows = ledger.instances().values()
    [app] = [one for one in rows if one["node_id"] == "app"]
    assert app["relationships"][0]["target_name"] == "two"


def test_what_others_read_is_not_removed(manager: ManagerProcess, tmp_path: Path) -> None:
    ledger = Ledger(manager, tmp_path, ONE + GIVEN)
    client, user = ledger.client, f"reader-of-{ledger.id}"
    ledger.upload(user, ONE + READ.replace("ID", ledger.id))
    client.deployments.create(user, blueprint_id=user, inputs={"ledger": str(ledger.folder)})
    without = ledger.upload(f"{ledger.id}-without", ONE)
    for preview in (True, False):
        with pytest.raises(ApiError) as error:
            client.deployment_updates.start(ledger.id, blueprint_id=without, preview=preview)
        assert error.value.code == "dependent_exists_error"
        assert f"capability `color`, by `{user}` (`outputs.read.get_capability`)" in str(error.value)
    assert ledger.updates() == []
    other = ledger.upload(f"{ledger.id}-other", ONE + GIVEN.replace("unread:", "new:"))
    update(ledger, blueprint_id=other)
    update(ledger, blueprint_id=without, force=True)
    assert "no capability `color`" in client.deployments.outputs(user)["read"]
