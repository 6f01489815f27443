from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloudwright.bus import topics
from cloudwright.bus.local import LocalBus
from cloudwright.dsl import parse_blueprint
from cloudwright.dsl.patterns import Patience
from cloudwright.errors import BadInputs, Conflict, DependentExists, IllegalAction, InvalidInput, NotFound
from cloudwright.manager.deployments import Deployments
from cloudwright.manager.identifiers import instance_suffix
from cloudwright.manager.secret_keys import KEY_FILE, SecretKeys
from cloudwright.manager.secrets import Secrets, Viewer
from cloudwright.model.topology import NodeInstance
from cloudwright.planning import EvaluationError
from cloudwright.storage import blueprints, deployments, instances
from cloudwright.storage.filters import DeploymentFilter
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.records import Blueprint, Deployment
from cloudwright.storage.store import Store

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
TENANT = "default_tenant"
TEXT = """
tosca_definitions_version: cloudify_dsl_1_4
description: Hosts and what runs on them.
imports: [cloudify/types/types.yaml]
inputs:
  hosts: { type: integer, default: 2 }
  name: { type: string, default: web }
labels:
  tier: { values: [front, { get_input: name }] }
deployment_settings:
  display_name: { concat: ["the ", { get_input: name }] }
node_templates:
  host:
    type: cloudify.nodes.Compute
    properties: { ip: 10.0.0.1 }
    capabilities: { scalable: { properties: { default_instances: { get_input: hosts } } } }
  app:
    type: cloudify.nodes.Root
    relationships: [{ type: cloudify.relationships.contained_in, target: host }]
outputs:
  name: { value: { get_input: name } }
  owner: { value: { get_sys: [deployment, owner] } }
  tier: { value: { get_label: [tier, 0] } }
capabilities:
  name: { value: { get_input: name } }
"""

ANN = Viewer("ann")


class World:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = Store.open(f"sqlite:///{home / 'test.db'}")
        self.bus = LocalBus()
        ids = itertools.count()
        secrets_kept = Secrets(self.store, SecretKeys.open(home / KEY_FILE), lambda: NOON)
        self.service = Deployments(
            self.store, self.bus, lambda: NOON, lambda: f"id{next(ids)}", home / "workdirs", secrets_kept
        )
        self.blueprint("web", TEXT)

    def blueprint(self, id: str, text: str, state: str = "uploaded") -> None:
        file = self.home / "blueprint.yaml"
        file.write_text(text)
        row = Blueprint(id=id, state=state, plan=parse_blueprint(file).pack())
        self.store.write_sync(blueprints.create, row, NOON)

    def create(self, id: str = "shop", blueprint: str = "web", **given: Any) -> Deployment:
        inputs = given.pop("inputs", {})
        return asyncio.run(
            self.service.create(TENANT, id, blueprint, inputs, **({"viewer": Viewer("ann")} | given))
        )

    def instances(self, id: str = "shop") -> list[NodeInstance]:
        return self.store.read_sync(instances.node_instances, TENANT, id)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.store.close()


def test_everything_of_a_deployment_is_made_at_once(world: World) -> None:
    made = world.create(inputs={"hosts": 3}, settings={"cancel_grace_seconds": 5})
    assert made == world.store.read_sync(deployments.get, TENANT, "shop")
    assert (made.inputs, made.description) == ({"hosts": 3, "name": "web"}, "Hosts and what runs on them.")
    assert (made.created_by, made.created_at, made.settings) == ("ann", NOON, {"cancel_grace_seconds": 5})
    assert [row.id for row in world.store.read_sync(deployments.nodes, TENANT, "shop")] == ["host", "app"]
    by_node = {name: [i for i in world.instances() if i.node_id == name] for name in ("host", "app")}
    assert [len(found) for found in by_node.values()] == [3, 3]
    assert {app.host_id for app in by_node["app"]} == {host.id for host in by_node["host"]}
    assert all(re.fullmatch(r"host_[0-9a-z]{8}", host.id) for host in by_node["host"])


def test_names_and_labels_of_the_user_and_of_the_blueprint(world: World) -> None:
    made = world.create(labels=[("Env", "test"), ("tier", "front")])
    assert [(label["key"], label["value"]) for label in made.labels] == [
        ("env", "test"), ("tier", "front"), ("tier", "web"),
    ]  # fmt: skip
    assert made.display_name == "the web"
    assert world.create("other", display_name="Mine").display_name == "Mine"


def test_it_is_told(world: World) -> None:
    async def scene() -> list[Any]:
        async with world.bus.subscribe(topics.deployment(TENANT, "shop")) as told:
            await world.service.create(TENANT, "shop", "web", {}, viewer=Viewer("ann"))
            await world.service.delete(TENANT, "shop")
            return [
                message and message[1]
                for message in [await told.get(0), await told.get(0), await told.get(0)]
            ]

    assert asyncio.run(scene()) == [{"state": "created"}, {"state": "deleted"}, None]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"id": "a b"}, InvalidInput),
        ({"blueprint": "none"}, NotFound),
        ({"blueprint": "parsing"}, IllegalAction),
        ({"inputs": {"hosts": "many"}}, BadInputs),
        ({"inputs": {"other": 1}}, BadInputs),
        ({"inputs": {"hosts": -1}}, EvaluationError),
        ({"inputs": {"hosts": 10_000_000}}, EvaluationError),
        ({"visibility": "all"}, InvalidInput),
        ({"site_name": "moon"}, NotFound),
        ({"settings": {"task_retries": -2}}, InvalidInput),
        ({"settings": {"task_retries": True}}, InvalidInput),
        ({"settings": {"colour": 1}}, InvalidInput),
    ],
)
def test_nothing_is_made_of_what_is_wrong(
    world: World, given: dict[str, Any], error: type[Exception]
) -> None:
    world.blueprint("parsing", TEXT, state="parsing")
    with pytest.raises(error):
        world.create(**given)
    assert world.store.read_sync(deployments.list_deployments, DeploymentFilter(), EVERYTHING) == ([], 0)
    assert world.instances() == []


def test_an_id_is_used_once(world: World) -> None:
    world.create()
    with pytest.raises(Conflict, match="`shop` already"):
        world.create()
    before = world.instances()

    async def at_once() -> list[Any]:
        making = [
            world.service.create(TENANT, "twin", "web", {}, viewer=Viewer(name)) for name in ("ann", "bob")
        ]
        return await asyncio.gather(*making, return_exceptions=True)

    made = asyncio.run(at_once())
    assert {type(one) for one in made} == {Deployment, Conflict}
    assert len(world.instances("twin")) == 4
    assert world.instances() == before


def test_what_it_puts_out(world: World) -> None:
    world.create(inputs={"name": "x"})
    assert asyncio.run(world.service.outputs(ANN, TENANT, "shop")) == {
        "name": "x",
        "owner": "ann",
        "tier": "front",
    }
    assert asyncio.run(world.service.capabilities(ANN, TENANT, "shop")) == {"name": "x"}
    for ask in (world.service.outputs, world.service.capabilities):
        with pytest.raises(NotFound):
            asyncio.run(ask(ANN, TENANT, "none"))


def test_evaluating_for_an_instance(world: World) -> None:
    world.create()
    host = next(instance for instance in world.instances() if instance.node_id == "host")
    value = {"a": [{"get_property": ["SELF", "ip"]}], "b": 1}
    assert asyncio.run(world.service.evaluate(ANN, TENANT, "shop", value, self_id=host.id)) == {
        "a": ["10.0.0.1"],
        "b": 1,
    }
    with pytest.raises(EvaluationError):
        asyncio.run(world.service.evaluate(ANN, TENANT, "shop", {"get_property": ["none", "ip"]}))


def test_an_instance_is_changed_from_its_latest_version(world: World) -> None:
    world.create()
    id = world.instances()[0].id

    def change(version: int | None, **properties: Any) -> NodeInstance:
        return asyncio.run(
            world.service.update_instance(
                TENANT, id, version=version, runtime_properties=properties, state=None
            )
        )

    assert change(1, a=1).version == 2
    assert change(3, a=2).version == 3
    for version in (1, 2, 5):
        with pytest.raises(Conflict):
            change(version, a=3)
    assert change(None, a=4).runtime_properties == {"a": 4}


def test_a_pattern_that_never_ends_hangs_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = "inputs: {code: {type: string, constraints: [{pattern: '^(a+)+$'}]}}\n"
    world.blueprint("slow", f"tosca_definitions_version: cloudify_dsl_1_4\n{pattern}")
    monkeypatch.setattr(Patience, "__init__", lambda patience: setattr(patience, "left", 0.3))

    async def scene() -> None:
        creating = asyncio.create_task(
            world.service.create(TENANT, "slow", "slow", {"code": "a" * 60 + "b"}, viewer=ANN)
        )
        turns = 0
        while not creating.done():
            await asyncio.sleep(0.01)
            turns += 1
        assert turns > 5
        with pytest.raises(BadInputs, match="took too long to be compared with the constraint `pattern"):
            await creating

    asyncio.run(scene())
    assert world.create("quick", "slow", inputs={"code": "aaa"}).inputs == {"code": "aaa"}


def test_delete(world: World) -> None:
    world.create()
    host = world.instances()[0]
    asyncio.run(
        world.service.update_instance(TENANT, host.id, version=None, runtime_properties=None, state="started")
    )
    with pytest.raises(DependentExists, match=host.id):
        asyncio.run(world.service.delete(TENANT, "shop"))
    asyncio.run(world.service.delete(TENANT, "shop", force=True))
    assert world.instances() == []
    with pytest.raises(NotFound):
        asyncio.run(world.service.delete(TENANT, "shop"))


def test_suffixes_are_as_new_as_what_they_are_made_of() -> None:
    made = {instance_suffix(str(number)) for number in range(20_000)}
    assert len(made) == 20_000
    assert all(re.fullmatch(r"[0-9a-z]{8}", suffix) for suffix in made)
