"""Components that bring their blueprint along: what dies between their steps, or does not stop."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from composition import LOW, Composition, component
from ledger import Ledger
from manager_process import ManagerProcess

from cloudwright.client.errors import ApiError

BROKEN = "node_templates: {thing: {type: nothing_of_that_name}}\n"


class Brought(Ledger):
    """A deployment with a component whose blueprint lies in its own."""

    def __init__(
        self, manager: ManagerProcess, folder: Path, inner: str = LOW, *more: str, instances: int = 1
    ) -> None:
        self.part = f"part-{next(self._numbers)}"
        nodes = (
            component(self.part, self.part, *more)
            .replace("external_resource: true", "blueprint_archive: inner, main_file_name: blueprint.yaml")
            .replace("  part:\n", f"  part:\n    instances: {{deploy: {instances}}}\n")
        )
        super().__init__(manager, folder, nodes, install=False, inner=inner)

    def made(self) -> tuple[int, int, list[str]]:
        """How many blueprints and deployments the component has, and the statuses of its installations."""
        client = self.client
        return (
            sum(row["id"] == self.part for row in client.blueprints.list().items),
            sum(row["id"] == self.part for row in client.deployments.list().items),
            [
                row["status"]
                for row in client.executions.list(deployment_id=self.part).items
                if row["workflow_id"] == "install"
            ],
        )


@pytest.mark.parametrize(
    "said", ["Uploading blueprint", "lifecycle.create succeeded", "Created deployment", "Started `install`"]
)
@pytest.mark.parametrize("dies", ["manager", "operation"])
def test_what_dies_between_its_steps_makes_nothing_twice_and_loses_nothing(
    manager: ManagerProcess, tmp_path: Path, said: str, dies: str
) -> None:
    made = Brought(manager, tmp_path)
    id = made.start("install")
    manager.event(id, said)
    if dies == "manager":
        manager.kill9()
        manager.restart()
    else:
        for one in manager.operations(id):
            if one["state"] == "started" and one["pid"]:
                # It may have ended by itself.
                with suppress(ProcessLookupError):
                    os.kill(one["pid"], signal.SIGKILL)
    ended = manager.end(id)
    assert ended["status"] == "terminated", manager.story(id)
    assert made.made() == (1, 1, ["terminated"])
    assert "Traceback" not in manager.log()
    # A thing that was half made when its manager died may be taken down and made again.
    assert made.ran()[-4:] == ["create thing", "start thing", "create after", "start after"]
    assert sorted(name.partition("_")[0] for name in made.things()) == ["after", "thing"]
    made.run("uninstall")
    assert made.made()[:2] == (0, 0)
    assert made.things() == set()


def test_instances_that_bring_the_same_blueprint_at_once_share_it(
    manager: ManagerProcess, tmp_path: Path
) -> None:
    made = Brought(manager, tmp_path, LOW, ", auto_inc_suffix: true", instances=4)
    made.run("install")
    assert made.made()[0] == 1
    deployments = {row["id"] for row in made.client.deployments.list().items}
    assert {f"{made.part}-{number}" for number in range(4)} <= deployments
    made.run("uninstall")
    assert made.made()[0] == 0
    assert made.things() == set()


def test_a_blueprint_that_does_not_parse_is_named_once(manager: ManagerProcess, tmp_path: Path) -> None:
    made = Brought(manager, tmp_path, BROKEN)
    ended = made.run("install", status="failed")
    assert "nothing_of_that_name" in ended["error"]
    assert made.part in ended["error"]
    assert made.ran() == []
    assert manager.story(ended["id"]).count("Uploading blueprint") == 1
    # What came of the upload goes, too.
    made.run("uninstall")
    assert made.made() == (0, 0, [])


@pytest.mark.parametrize("held", ["create.thing", "create.after"])
def test_a_cancel_takes_components_back(manager: ManagerProcess, tmp_path: Path, held: str) -> None:
    made = Brought(manager, tmp_path)
    made.control(held, "hold")
    id = made.start("install", on_cancel="rollback")
    made.await_held()
    manager.cancel(id)
    made.control(held, None)
    ended = manager.end(id)
    assert ended["status"] == "cancelled", manager.story(id)
    assert made.made()[:2] == (0, 0), manager.story(id)
    assert made.things() == made.live() == set()
    made.run("install")
    made.run("uninstall")


def test_children_of_a_silent_manager_are_named_after_the_bound(
    manager: ManagerProcess, tmp_path: Path
) -> None:
    made: dict[str, tuple[Composition, str, str]] = {}
    for how in ("force-cancel", "kill"):
        one = Composition(manager, tmp_path / how, install=False, workflow="stubborn")
        one.control("stubborn", "hold")
        id = one.start("install")
        one.await_held()
        made[how] = one, id, one.only(one.mid)["id"]
        # The component's execution belongs to another manager from here on, of which nothing is heard.
        with store(manager) as database:
            database.execute(
                "UPDATE executions SET owner = 'elsewhere', term = term + 1, lease_until = ? WHERE id = ?",
                ("2999-01-01T00:00:00.000000+00:00", made[how][2]),
            )
        manager.cancel(id, how)
    for how, (one, id, mid) in made.items():
        ended = manager.end(id)
        assert (ended["status"], ended["cancel_mode"]) == ("cancelled", how)
        assert f"These executions that it started are not over: `{mid}` (`install`" in ended["error"]
        assert manager.status(mid) == f"{how.partition('-')[0]}_cancelling"
        assert manager.end(one.only(one.low, "stubborn")["id"])["status"] == "cancelled"
        # That manager's lease runs out.
        with store(manager) as database:
            database.execute("UPDATE executions SET lease_until = NULL WHERE id = ?", (mid,))
        assert manager.end(mid)["status"] == "cancelled"
        one.control("stubborn", None)
        manager.client.executions.resume(id)
        assert manager.end(id)["status"] == "terminated", manager.story(id)


@contextmanager
def store(manager: ManagerProcess) -> Iterator[sqlite3.Connection]:
    """The manager's database, in one transaction."""
    connection = sqlite3.connect(manager.home / "cloudwright.db", timeout=60)
    with closing(connection), connection:
        yield connection


def test_a_shared_resource_that_is_deleted_by_force_is_missing(
    manager: ManagerProcess, tmp_path: Path
) -> None:
    made = Ledger(manager, tmp_path, LOW)
    user = made.upload(f"user-of-{made.id}", SHARED.format(id=made.id))
    client = made.client
    client.deployments.create(user, blueprint_id=user, inputs={"ledger": str(made.folder)})
    run: Callable[[str], dict[str, str]] = lambda workflow: manager.end(manager.run(workflow, user))  # noqa: E731
    assert run("install")["status"] == "terminated"
    with pytest.raises(ApiError) as error:
        client.deployments.delete(made.id)
    assert error.value.code == "dependent_exists_error"
    client.deployments.delete(made.id, force=True)
    ended = run("check_status")
    assert ended["status"] == "failed"
    assert f"Deployment `{made.id}`, which" in ended["error"]
    assert "is missing" in ended["error"]
    # Its user can be taken away, and installed again once there is one.
    assert run("uninstall")["status"] == "terminated"
    ended = run("install")
    assert ended["status"] == "failed"
    assert f"`{made.id}`, which does not exist" in ended["error"]


SHARED = """\
node_templates:
  shared:
    type: cloudify.nodes.SharedResource
    properties: {{resource_config: {{deployment: {{id: {id}}}}}}}
"""
