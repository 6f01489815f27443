"""Inputs that name what is on the manager: a deployment is made only where that exists."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloudwright.bus.local import LocalBus
from cloudwright.dsl import parse_blueprint
from cloudwright.errors import BadInputs, InvalidInput
from cloudwright.manager.deployments import Deployments
from cloudwright.manager.labels import make_labels
from cloudwright.manager.secret_keys import KEY_FILE, SecretKeys
from cloudwright.manager.secrets import Secrets, Viewer
from cloudwright.storage import blueprints, instances, secrets
from cloudwright.storage.records import Blueprint, Secret
from cloudwright.storage.store import Store
from cloudwright.storage.stored_filters import FILTERS, StoredFilter

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
TENANT = "default_tenant"
HEAD = "tosca_definitions_version: cloudify_dsl_1_5\n"
SHOP = """
node_types: {base: {interfaces: {i: {go: p.x}}}, box: {derived_from: base}}
plugins: {p: {executor: central_deployment_agent, install: false}}
node_templates: {db: {type: box}, web: {type: box}}
groups: {all: {members: [db, web]}}
policies: {s: {type: cloudify.policies.scaling, targets: [all]}}
capabilities: {port: {value: 80}}
"""


class World:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = Store.open(f"sqlite:///{home / 'test.db'}")
        ids = itertools.count()
        secrets_kept = Secrets(self.store, SecretKeys.open(home / KEY_FILE), lambda: NOON)
        self.service = Deployments(
            self.store, LocalBus(), lambda: NOON, lambda: f"id{next(ids)}", home / "workdirs", secrets_kept
        )
        self.blueprint("shop", SHOP)
        asyncio.run(
            self.service.create(TENANT, "d", "shop", {}, viewer=Viewer("ann"), labels=[("Env", "prod")])
        )
        self.store.write_sync(secrets.create, Secret("key", "x"), now=NOON)
        for resource, key in (("deployments", "env"), ("blueprints", "kind")):
            rule = {"type": "label", "key": key, "operator": "any_of", "values": ["prod", "shop"]}
            made = StoredFilter(TENANT, "mine", [rule], "tenant", None, NOON, NOON)
            self.store.write_sync(FILTERS[resource].create, made)

    def blueprint(
        self, id: str, text: str, tenant: str = TENANT, visibility: str = "tenant", by: str | None = None
    ) -> None:
        file = self.home / "blueprint.yaml"
        file.write_text(HEAD + text)
        labels = make_labels([("kind", id)], by=None, now=NOON)
        row = Blueprint(
            id=id,
            tenant=tenant,
            state="uploaded",
            plan=parse_blueprint(file).pack(),
            labels=labels,
            visibility=visibility,
            created_by=by,
        )
        self.store.write_sync(blueprints.create, row, NOON)

    def take(self, definition: str, value: Any, by: str = "ann") -> None:
        """Make a deployment of a blueprint with one input, which is given ``value``."""
        id = f"of{len(list(self.home.iterdir()))}-{abs(hash((definition, str(value), by)))}"
        self.blueprint(id, f"{SHOP}inputs: {{a: {definition}}}\n")
        asyncio.run(self.service.create(TENANT, id, id, {"a": value}, viewer=Viewer(by)))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("world"))
    world.blueprint("elsewhere", SHOP, tenant="other")
    world.blueprint("common", SHOP, tenant="other", visibility="global")
    yield world
    world.store.close()


@pytest.fixture(scope="module")
def world_with_private(world: World) -> World:
    world.blueprint("hidden", SHOP, visibility="private", by="eve")
    asyncio.run(
        world.service.create(TENANT, "hidden", "hidden", {}, viewer=Viewer("eve"), visibility="private")
    )
    hidden = Secret("hidden", "x", created_by="eve", visibility="private")
    world.store.write_sync(secrets.create, hidden, now=NOON)
    return world


IN_D = "constraints: [{deployment_id: d}]"


@pytest.mark.parametrize(
    ("definition", "good", "bad"),
    [
        ("{type: blueprint_id}", "shop", "elsewhere"),
        ("{type: blueprint_id}", "common", "nothing"),
        ("{type: blueprint_id, constraints: [{labels: [{kind: shop}]}]}", "shop", "common"),
        ("{type: blueprint_id, constraints: [{labels: [{kind: [shop, x]}]}]}", "shop", "common"),
        ("{type: blueprint_id, constraints: [{tenants: [other]}]}", "common", "shop"),
        ("{type: blueprint_id, constraints: [{name_pattern: {ends_with: op}}]}", "shop", "common"),
        ("{type: blueprint_id, constraints: [{filter_id: mine}]}", "shop", "common"),
        ("{type: deployment_id, constraints: [{filter_id: mine}]}", "d", "e"),
        ("{type: deployment_id}", "d", "e"),
        ("{type: deployment_id, constraints: [{labels: [{env: prod}]}]}", "d", "shop"),
        ("{type: list, item_type: deployment_id}", ["d"], ["d", "e"]),
        ("{type: secret_key}", "key", "lock"),
        ("{type: secret_key, constraints: [{name_pattern: {contains: e, starts_with: k}}]}", "key", "lock"),
        (f"{{type: node_id, {IN_D}}}", "db", "cache"),
        ("{type: node_id, constraints: [{valid_values: [db, cache]}]}", "db", "cache"),
        (f"{{type: node_type, {IN_D}}}", "box", "crate"),
        ("{type: node_type, constraints: [{valid_values: [base]}]}", "box", "base"),
        ("{type: node_type, constraints: [{deployment_id: d}, {valid_values: [base, x]}]}", "box", "x"),
        (f"{{type: scaling_group, {IN_D}}}", "all", "some"),
        (f"{{type: operation_name, {IN_D}}}", "i.go", "i.stop"),
        (f"{{type: capability_value, {IN_D}}}", 80, 81),
        ("{type: capability_value, constraints: [{deployment_id: d}, {valid_values: [80, 9]}]}", 80, 9),
        (
            "{type: capability_value, constraints: [{deployment_id: d}, {name_pattern: {equals_to: port}}]}",
            80,
            1,
        ),
    ],
)
def test_what_exists_is_taken_and_nothing_else(world: World, definition: str, good: Any, bad: Any) -> None:
    world.take(definition, good)
    with pytest.raises(BadInputs, match=r"the input `a.*there is no"):
        world.take(definition, bad)


def test_a_node_instance(world: World) -> None:
    instance = world.store.read_sync(instances.node_instances, TENANT, "d")[0].id
    world.take(f"{{type: node_instance, {IN_D}}}", instance)
    with pytest.raises(BadInputs, match="there is no node_instance 'db' with deployment_id 'd'"):
        world.take(f"{{type: node_instance, {IN_D}}}", "db")
    with pytest.raises(BadInputs, match="needs the constraint `deployment_id`"):
        world.take("{type: node_instance}", instance)


@pytest.mark.parametrize("type_name", ["node_id", "node_instance", "capability_value"])
def test_a_deployment_that_does_not_exist_has_nothing(world: World, type_name: str) -> None:
    with pytest.raises(BadInputs, match="with deployment_id 'gone'"):
        world.take(f"{{type: {type_name}, constraints: [{{deployment_id: gone}}]}}", "db")


def test_what_cannot_be_answered_is_said(world: World) -> None:
    with pytest.raises(InvalidInput, match=r"`filter_id` names no filter.*no filter of deployments `f`"):
        world.take("{type: deployment_id, constraints: [{filter_id: f}]}", "d")
    with pytest.raises(InvalidInput, match="`name_pattern` has no `begins_with`"):
        world.take("{type: deployment_id, constraints: [{name_pattern: {begins_with: f}}]}", "d")


@pytest.mark.parametrize(
    ("definition", "value"),
    [
        ("{type: blueprint_id}", "hidden"),
        ("{type: deployment_id}", "hidden"),
        ("{type: secret_key}", "hidden"),
        ("{type: node_id, constraints: [{deployment_id: hidden}]}", "db"),
        ("{type: node_type, constraints: [{deployment_id: hidden}]}", "box"),
        ("{type: scaling_group, constraints: [{deployment_id: hidden}]}", "all"),
        ("{type: capability_value, constraints: [{deployment_id: hidden}]}", 80),
    ],
)
def test_what_is_private_to_somebody_else_does_not_exist(
    world_with_private: World, definition: str, value: Any
) -> None:
    world_with_private.take(definition, value, by="eve")
    with pytest.raises(BadInputs, match=r"the input `a.*there is no"):
        world_with_private.take(definition, value)
