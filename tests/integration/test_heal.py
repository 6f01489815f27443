"""``heal`` on a real manager: what is ill is mended, and what is not known to be ill is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from ledger import Ledger
from manager_process import ManagerProcess

from cloudwright.client.errors import BadParameters

NODES = """\
node_templates:
  host: {type: checked}
  app:
    type: healing
    relationships: [{type: cloudify.relationships.contained_in, target: host}]
  plain: {type: thing}
"""


@pytest.fixture
def ledger(manager: ManagerProcess, tmp_path: Path) -> Ledger:
    return Ledger(manager, tmp_path, NODES)


CHECKS = ["check_status app", "check_status host"]


def test_what_is_healthy_is_left_alone(ledger: Ledger) -> None:
    ledger.run("heal")
    assert sorted(ledger.ran()) == CHECKS


def test_what_is_ill_is_healed_if_it_can_be(ledger: Ledger) -> None:
    ledger.control("check_status.app", "fail")
    ledger.run("heal")
    assert sorted(ledger.ran()) == [*CHECKS, "heal app"]
    [app] = [one for id, one in ledger.instances().items() if id.startswith("app")]
    assert app["is_status_check_ok"]


def test_what_cannot_be_healed_is_made_anew_with_what_is_in_it(ledger: Ledger) -> None:
    ledger.control("check_status.host", "fail")
    ended = ledger.run("heal", status="failed", allow_reinstall=False)
    assert "`allow_reinstall` is false" in ended["error"]
    ledger.forget()
    ledger.run("heal")
    assert ledger.ran()[2:] == [
        "stop app",
        "delete app",
        "stop host",
        "delete host",
        "create host",
        "start host",
        "create app",
        "start app",
    ]
    assert ledger.things() == ledger.live()
    ledger.forget()
    ledger.run("heal", check_status=False)
    assert ledger.log() == []


def test_what_fails_to_heal_is_made_anew(ledger: Ledger) -> None:
    ledger.control("check_status.app", "fail")
    ledger.control("heal.app", "fail")
    ledger.run("heal")
    assert ledger.ran()[2:] == ["heal app", "stop app", "delete app", "create app", "start app"]
    assert all("heal_failed" not in one["system_properties"] for one in ledger.instances().values())


def test_a_check_that_was_killed_is_no_reason(ledger: Ledger) -> None:
    ledger.control("check_status.host", "die")
    ended = ledger.run("heal", status="failed")
    [host] = [id for id in ledger.instances() if id.startswith("host")]
    assert f"`{host}`" in ended["error"]
    assert sorted(ledger.ran()) == CHECKS
    assert ledger.instances()[host]["is_status_check_ok"]


def test_a_cancel_during_the_checks_destroys_nothing(ledger: Ledger) -> None:
    ledger.control("check_status.host", "hold")
    id = ledger.start("heal", force_reinstall=False)
    ledger.manager.event(id, lambda event: "check_status" in str(event.get("operation")))
    ledger.manager.cancel(id)
    assert ledger.manager.end(id)["status"] == "cancelled"
    ledger.control("check_status.host", None)
    assert set(ledger.ran()) <= set(CHECKS)


def test_one_instance_is_healed_with_what_shares_its_place(ledger: Ledger) -> None:
    [app] = [id for id in ledger.instances() if id.startswith("app")]
    ledger.run("heal", node_instance_id=app, check_status=False)
    assert ledger.ran() == ["heal app"]
    with pytest.raises(BadParameters, match="`node_instance_id` names 'none'"):
        ledger.start("heal", node_instance_id="none")


def test_agents_are_looked_for_where_there_is_none(ledger: Ledger) -> None:
    for workflow in ("validate_agents", "install_new_agents"):
        id = ledger.client.executions.start(workflow, ledger.id, force=True)["id"]
        assert ledger.manager.end(id)["status"] == "terminated"
    assert ledger.log() == []
