"""Blueprints, deployments, nodes and their instances, accounts, secrets and plugins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from stored import NOW, TENANT, at, create, deploy, grant, run, send, start

from cloudwright.errors import Conflict, DependentExists, NotFound
from cloudwright.model.execution import Outcome
from cloudwright.model.operation import OperationState
from cloudwright.model.topology import NodeInstance
from cloudwright.storage import (
    accounts,
    blueprints,
    deployments,
    instances,
    manager_queries,
    operations,
    plugins,
    secrets,
)
from cloudwright.storage.executions import ending
from cloudwright.storage.filters import (
    BlueprintFilter,
    DeploymentFilter,
    ExecutionFilter,
    InstanceFilter,
    NodeFilter,
    PluginFilter,
    SecretFilter,
)
from cloudwright.storage.instances import set_states
from cloudwright.storage.paging import EVERYTHING, Page
from cloudwright.storage.records import Blueprint, Deployment, Plugin, Secret, Token
from cloudwright.storage.store import Store
from cloudwright.storage.visibility import Scope


def test_blueprints(store: Store) -> None:
    new = Blueprint(
        "b1", main_file_name="app.yaml", labels=[{"key": "env", "value": "test"}], created_by="eve"
    )
    created = store.write_sync(blueprints.create, new, NOW)
    assert created == replace(new, created_at=NOW, updated_at=NOW)
    with pytest.raises(Conflict, match="There is a blueprint `b1` in tenant `default_tenant` already"):
        store.write_sync(blueprints.create, new, NOW)
    store.write_sync(blueprints.create, replace(new, tenant="other"), NOW)
    plan = {"nodes": [{"id": "n1"}]}
    store.write_sync(blueprints.update, TENANT, "b1", at(1), plan=plan)
    failed = store.write_sync(blueprints.set_state, TENANT, "b1", "failed_parsing", error="line 3", now=at(2))
    assert (failed.state, failed.error, failed.plan, failed.updated_at) == (
        "failed_parsing",
        "line 3",
        None,
        at(2),
    )
    assert store.write_sync(blueprints.set_state, TENANT, "b1", "uploaded", now=at(2)).error is None
    assert store.read_sync(blueprints.get, TENANT, "b1").plan is None
    assert store.read_sync(blueprints.get, TENANT, "b1", with_plan=True).plan == plan
    assert (
        store.write_sync(blueprints.update, TENANT, "b1", at(3), visibility="global").visibility == "global"
    )
    with pytest.raises(ValueError, match="created_at can not be changed"):
        store.write_sync(blueprints.update, TENANT, "b1", at(3), created_at=NOW)
    with pytest.raises(NotFound, match="There is no blueprint `b9` in tenant `default_tenant`"):
        store.write_sync(blueprints.set_state, TENANT, "b9", "uploaded", now=NOW)
    rows, total = store.read_sync(blueprints.list_blueprints, BlueprintFilter(TENANT, search="B"), EVERYTHING)
    assert ([row.id for row in rows], rows[0].plan, total) == (["b1"], None, 1)
    assert store.read_sync(blueprints.list_blueprints, BlueprintFilter(states=["pending"]), Page())[1] == 1
    assert store.write_sync(blueprints.delete, TENANT, "b1").main_file_name == "app.yaml"
    with pytest.raises(NotFound):
        store.write_sync(blueprints.delete, TENANT, "b1")


def test_a_blueprint_in_use_stays(store: Store) -> None:
    deploy(store)
    with pytest.raises(DependentExists, match="`of-d1` is used by the deployments `d1`"):
        store.write_sync(blueprints.delete, TENANT, "of-d1")
    store.write_sync(deployments.delete, TENANT, "d1")
    store.write_sync(blueprints.delete, TENANT, "of-d1")


def test_deployments(store: Store) -> None:
    deploy(store)
    stored = store.read_sync(deployments.get, TENANT, "d1")
    assert (stored.display_name, stored.created_at, stored.runtime_only_evaluation) == ("d1", NOW, False)
    with pytest.raises(Conflict):
        store.write_sync(deployments.create, Deployment("d1", "of-d1"), [], [], NOW)
    with pytest.raises(NotFound, match="`nope`"):
        store.write_sync(deployments.create, Deployment("d2", "nope"), [], [], NOW)
    changed = store.write_sync(
        deployments.update, TENANT, "d1", at(1), labels=[{"key": "a", "value": "b"}], site_name="s"
    )
    assert (changed.labels, changed.site_name, changed.updated_at) == (
        [{"key": "a", "value": "b"}],
        "s",
        at(1),
    )
    for filter, count in [
        (DeploymentFilter(), 1),
        (DeploymentFilter(tenant="other"), 0),
        (DeploymentFilter(blueprint_ids=["of-d1"], site_names=["s"], search="D1"), 1),
        (DeploymentFilter(created_by="eve"), 0),
    ]:
        assert store.read_sync(deployments.list_deployments, filter, EVERYTHING)[1] == count


def test_owners_are_told_of_the_deployments_that_exist(store: Store) -> None:
    deploy(store, "d1")
    deploy(store, "d2", instances=0)
    deploy(store, "d1", tenant="other")

    def owners(tenant: str | None, *ids: str) -> set[tuple[str, str, str]]:
        rows = store.read_sync(deployments.owners, tenant, ids)
        return {(row.tenant, row.id, row.blueprint_id) for row in rows}

    assert owners(TENANT, "d1", "gone") == {(TENANT, "d1", "of-d1")}
    assert owners(None, "d1", "d2") == {
        (TENANT, "d1", "of-d1"),
        (TENANT, "d2", "of-d2"),
        ("other", "d1", "of-d1"),
    }
    assert owners(TENANT) == set()


def test_a_deployment_whose_operations_run_on_stays_unless_forced(store: Store) -> None:
    deploy(store)
    start(store)
    run(store, "o1")
    store.write_sync(ending.finish, "e1", 1, Outcome.TERMINATED, now=NOW)
    with pytest.raises(DependentExists, match=r"still run: `e1` \(install, terminated\).*--kill"):
        store.write_sync(deployments.delete, TENANT, "d1")
    assert store.write_sync(deployments.delete, TENANT, "d1", force=True).id == "d1"
    # What has ended is in nobody's way.
    deploy(store, "d2")
    start(store, "e2", "d2")
    send(store, "o2", execution="e2")
    grant(store, "o2", execution="e2")
    store.write_sync(operations.end, "o2", 1, state=OperationState.SUCCEEDED, now=NOW)
    store.write_sync(ending.finish, "e2", 1, Outcome.TERMINATED, now=NOW)
    assert store.write_sync(deployments.delete, TENANT, "d2").id == "d2"


def test_a_deployment_in_use_stays_unless_forced(store: Store) -> None:
    deploy(store)
    start(store)
    with pytest.raises(DependentExists, match=r"not over: `e1` \(install, started\)"):
        store.write_sync(deployments.delete, TENANT, "d1")
    store.write_sync(ending.finish, "e1", 1, Outcome.TERMINATED, now=NOW)
    store.write_sync(instances.update_instance, TENANT, "n1_b", state="started", now=NOW)
    with pytest.raises(DependentExists, match="live node instances: `n1_b`"):
        store.write_sync(deployments.delete, TENANT, "d1")
    assert store.write_sync(deployments.delete, TENANT, "d1", force=True).id == "d1"
    assert store.read_sync(deployments.nodes, TENANT, "d1") == []
    assert store.read_sync(instances.node_instances, TENANT, "d1") == []
    with pytest.raises(NotFound):
        store.read_sync(deployments.get, TENANT, "d1")
    # Its history stays.
    rows, _ = store.read_sync(
        manager_queries.list_executions, ExecutionFilter(deployment_ids=["d1"]), EVERYTHING
    )
    assert [row.id for row in rows] == ["e1"]


def test_nodes(store: Store) -> None:
    store.write_sync(blueprints.create, Blueprint("b1"), NOW)
    scalable = {"scalable": {"properties": {"planned_instances": 3}}}
    nodes: list[dict[str, Any]] = [
        {"id": "web", "capabilities": scalable, "instances": {"deploy": 1}},
        {"id": "db", "instances": {"deploy": 2}},
        {"id": "app"},
    ]
    instances = [NodeInstance("db_1", "db", "d1"), NodeInstance("db_2", "db", "d1", index=2)]
    store.write_sync(deployments.create, Deployment("d1", "b1"), nodes, instances, NOW)
    rows = store.read_sync(deployments.nodes, TENANT, "d1")
    assert [(row.id, row.planned_instances, row.instances) for row in rows] == [
        ("web", 3, 0),
        ("db", 2, 2),
        ("app", 1, 0),
    ]
    assert rows[0].node == nodes[0]
    assert store.read_sync(deployments.list_nodes, NodeFilter(ids=["db"], search="D"), Page())[1] == 1
    with pytest.raises(NotFound, match="There is no node"):
        store.read_sync(deployments.get_node, TENANT, "d2", "db")


def test_node_instances(store: Store) -> None:
    deploy(store)
    first = store.read_sync(instances.get_instance, TENANT, "n1_a")
    assert (first.state, first.version, first.runtime_properties) == ("uninitialized", 1, {})

    def update(**changes: Any) -> NodeInstance:
        return store.write_sync(instances.update_instance, TENANT, "n1_a", now=NOW, **changes)

    assert update(state="creating").version == 1
    changed = update(runtime_properties={"ip": "10.0.0.1"}, version=1)
    assert (changed.version, changed.state) == (2, "creating")
    assert changed == store.read_sync(instances.get_instance, TENANT, "n1_a")
    with pytest.raises(Conflict, match="its version is 2, not 1"):
        update(runtime_properties={}, version=1, state="started")
    assert update() == changed
    assert update(runtime_properties={}).version == 3
    with pytest.raises(NotFound):
        store.read_sync(instances.get_instance, "other", "n1_a")
    with pytest.raises(NotFound):
        store.write_sync(instances.update_instance, TENANT, "gone", state="x", now=NOW)


def test_an_instance_that_becomes_deleted_keeps_its_runtime_properties(store: Store) -> None:
    deploy(store)
    kept = {"address": "10.0.0.1"}
    for id in ("n1_a", "n1_b"):
        store.write_sync(instances.update_instance, TENANT, id, version=1, runtime_properties=kept, now=NOW)
    store.write_sync(
        set_states, TENANT, "d1", [("n1_a", "deleting"), ("n1_a", "deleted"), ("n1_b", "stopped")]
    )
    gone = store.read_sync(instances.get_instance, TENANT, "n1_a")
    there = store.read_sync(instances.get_instance, TENANT, "n1_b")
    assert (gone.state, gone.runtime_properties, gone.version) == ("deleted", kept, 2)
    assert (there.state, there.runtime_properties, there.version) == ("stopped", kept, 2)


def test_instances_are_added(store: Store) -> None:
    deploy(store)
    more = [
        NodeInstance("n1_c", "n1", "d1", index=3, host_id="n1_c", scaling_groups=[{"name": "g", "id": "g_1"}])
    ]
    store.write_sync(instances.add_instances, TENANT, more)
    store.write_sync(instances.add_instances, TENANT, [])
    rows, total = store.read_sync(instances.list_instances, InstanceFilter(host_ids=["n1_c"]), EVERYTHING)
    assert (rows, total) == (more, 1)
    of_deployment = store.read_sync(instances.node_instances, TENANT, "d1")
    assert [row.id for row in of_deployment] == ["n1_a", "n1_b", "n1_c"]


def test_accounts(store: Store) -> None:
    created = store.write_sync(accounts.create_user, "eve", "hash", "user", NOW)
    assert created.active
    with pytest.raises(Conflict, match="There is a user `eve` already"):
        store.write_sync(accounts.create_user, "eve", "hash", "user", NOW)
    assert store.write_sync(accounts.set_password, "eve", "new").password_hash == "new"
    assert store.write_sync(accounts.set_role, "eve", "sys_admin").role == "sys_admin"
    assert store.write_sync(accounts.set_active, "eve", False).active is False
    assert store.read_sync(accounts.list_users, Page(sort=(("role", True),)))[1] == 1
    with pytest.raises(NotFound):
        store.read_sync(accounts.get_user, "adam")

    token = Token("t1", "eve", "hash", "for the pipeline", NOW, at(60), None)
    assert store.write_sync(accounts.add_token, token) == token
    with pytest.raises(NotFound):
        store.write_sync(accounts.add_token, replace(token, username="adam"))
    store.write_sync(accounts.use_token, "t1", at(5))
    store.write_sync(accounts.use_token, "gone", at(5))
    assert store.read_sync(accounts.get_token, "t1") == replace(token, last_used=at(5))
    assert store.read_sync(accounts.list_tokens, None, Page())[1] == 1
    assert store.read_sync(accounts.list_tokens, "adam", Page())[1] == 0
    store.write_sync(accounts.add_token, replace(token, id="t2"))
    assert store.write_sync(accounts.delete_token, "t2").id == "t2"
    store.write_sync(accounts.delete_user, "eve")
    with pytest.raises(NotFound):
        store.read_sync(accounts.get_token, "t1")


def test_tenants(store: Store) -> None:
    store.write_sync(accounts.create_tenant, TENANT, NOW)
    with pytest.raises(Conflict):
        store.write_sync(accounts.create_tenant, TENANT, NOW)
    assert store.read_sync(accounts.get_tenant, TENANT).created_at == NOW
    assert store.read_sync(accounts.list_tenants, Page())[1] == 1
    store.write_sync(accounts.delete_tenant, TENANT, NOW)
    with pytest.raises(NotFound, match="There is no tenant `default_tenant`"):
        store.read_sync(accounts.get_tenant, TENANT)


def test_secrets(store: Store) -> None:
    secret = Secret("key", "xxxx", created_by="eve")
    store.write_sync(secrets.create, secret, now=NOW)
    with pytest.raises(Conflict):
        store.write_sync(secrets.create, secret, now=NOW)
    updated = store.write_sync(secrets.update, TENANT, "key", at(1), value_encrypted="yyyy")
    assert (updated.created_at, updated.updated_at) == (NOW, at(1))
    assert store.read_sync(secrets.get, TENANT, "key").value_encrypted == "yyyy"
    store.write_sync(secrets.create, replace(secret, key="new", json_schema={"type": "array"}), now=at(1))
    store.write_sync(secrets.update, TENANT, "new", at(2), visibility="global")
    assert store.read_sync(secrets.get, TENANT, "new").json_schema == {"type": "array"}
    rows, total = store.read_sync(secrets.list_secrets, SecretFilter(TENANT, search="K"), Page())
    assert ([row.value_encrypted for row in rows], total) == ([None], 1)
    store.write_sync(secrets.reencrypt, TENANT, "key", "changed meanwhile", "zzzz")
    store.write_sync(secrets.reencrypt, TENANT, "new", "xxxx", "zzzz")
    whole = store.read_sync(secrets.whole, SecretFilter())
    assert [row.value_encrypted for row in whole] == ["yyyy", "zzzz"]
    assert store.write_sync(secrets.delete, TENANT, "key").key == "key"
    with pytest.raises(NotFound, match="There is no secret `key` in tenant"):
        store.read_sync(secrets.get, TENANT, "key")


def test_a_key_means_a_tenants_own_secret_or_else_a_global_one(store: Store) -> None:
    own = frozenset({TENANT})
    mine = Secret("key", "mine", created_by="eve", visibility="private")
    store.write_sync(secrets.create, mine, now=NOW)
    store.write_sync(secrets.create, replace(mine, tenant="other", value_encrypted="other's"), now=NOW)
    assert store.read_sync(secrets.find, "other", "key").value_encrypted == "other's"
    with pytest.raises(NotFound):
        store.read_sync(secrets.find, "third", "key")
    with pytest.raises(Conflict, match="another tenant has"):
        store.write_sync(secrets.update, "other", "key", at(1), visibility="global")
    shared = replace(mine, key="shared", tenant="other", visibility="global")
    store.write_sync(secrets.create, shared, now=NOW)
    assert store.read_sync(secrets.find, "third", "shared").tenant == "other"
    with pytest.raises(Conflict, match="in tenant `other` already"):
        store.write_sync(secrets.create, replace(shared, tenant="third", visibility="tenant"), now=NOW)
    for filter, keys in [
        (SecretFilter(TENANT), ["key", "shared"]),
        (SecretFilter(Scope("ann", own, own)), ["key", "shared"]),
        (SecretFilter(Scope("bob", own)), ["shared"]),
        (SecretFilter(Scope("eve", own)), ["key", "shared"]),
        (SecretFilter(visibilities=["private"]), ["key", "key"]),
    ]:
        rows, _ = store.read_sync(secrets.list_secrets, filter, EVERYTHING)
        assert [row.key for row in rows] == keys


def test_plugins(store: Store) -> None:
    plugin = Plugin("p1", "cloudify-aws-plugin", "3.1.7", plugin_yaml={"plugins": {"aws": {}}})
    assert store.write_sync(plugins.create, plugin, NOW) == replace(plugin, created_at=NOW)
    with pytest.raises(Conflict):
        store.write_sync(plugins.create, plugin, NOW)
    assert store.write_sync(plugins.update, TENANT, "p1", state="failed", error="no").error == "no"
    filter = PluginFilter(
        TENANT, package_names=["cloudify-aws-plugin"], package_versions=["3.1.7"], search="AWS"
    )
    assert store.read_sync(plugins.list_plugins, filter, Page())[1] == 1
    assert store.write_sync(plugins.delete, TENANT, "p1").plugin_yaml == {"plugins": {"aws": {}}}
    with pytest.raises(NotFound):
        store.read_sync(plugins.get, TENANT, "p1")


def test_ids_are_a_tenants_own(store: Store) -> None:
    deploy(store)
    deploy(store, tenant="other")
    create(store)
    store.write_sync(instances.update_instance, "other", "n1_a", state="started", now=NOW)
    assert store.read_sync(instances.get_instance, TENANT, "n1_a").state == "uninitialized"
    store.write_sync(deployments.delete, "other", "d1", force=True)
    assert len(store.read_sync(instances.node_instances, TENANT, "d1")) == 2


def test_what_nodes_share_is_stored_once(store: Store) -> None:
    """Every way to read a node returns a whole one, whichever deployment it is of."""
    store.write_sync(blueprints.create, Blueprint("b1"), NOW)
    made: dict[str, list[dict[str, Any]]] = {}
    for deployment_id in ("d1", "d2"):
        create = {"operation": f"{deployment_id}.create", "inputs": {"text": "x" * 1000}}
        made[deployment_id] = [
            {"id": f"n{index}", "properties": {"own": index}, "operations": {"create": dict(create)}}
            for index in range(20)
        ]
        nodes = made[deployment_id]
        store.write_sync(deployments.create, Deployment(deployment_id, "b1"), nodes, [], NOW)
    rows, total = store.read_sync(deployments.list_nodes, NodeFilter(tenant=TENANT), Page(size=30))
    assert ([row.node for row in rows], total) == ([*made["d1"], *made["d2"][:10]], 40)
    assert [row.node for row in store.read_sync(deployments.nodes, TENANT, "d2")] == made["d2"]
    assert store.read_sync(deployments.get_node, TENANT, "d2", "n7").node == made["d2"][7]
    packed, shared = store.read_sync(deployments.packed_nodes, TENANT, "d1")
    assert packed[3] == {"id": "n3", "properties": {"own": 3}, "operations": 0}
    assert shared == {
        "values": [],
        "operations": [],
        "tables": [{"create": made["d1"][0]["operations"]["create"]}],
    }
    store.write_sync(deployments.update, TENANT, "d1", NOW, description="other")
    assert store.read_sync(deployments.get_node, TENANT, "d1", "n7").node == made["d1"][7]
