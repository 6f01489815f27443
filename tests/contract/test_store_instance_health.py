"""What checks said of node instances, and what is counted of it."""

from __future__ import annotations

from stored import NOW, TENANT, deploy, start

from cloudwright.storage import instance_health, instances, journal
from cloudwright.storage.instance_health import Health
from cloudwright.storage.store import Store

ILL = {"ok": False, "result": "it is ill"}
DRIFTED = {"ok": True, "result": {"size": 3}}


def put(store: Store, id: str, **values: object) -> None:
    store.write_sync(journal.apply, "e1", 1, [["system", id, values]], NOW)


def test_system_properties_are_put_and_taken_out_key_by_key(store: Store) -> None:
    deploy(store)
    start(store)
    id = store.read_sync(instances.node_instances, TENANT, "d1")[0].id
    put(store, id, status=ILL, other=1)
    put(store, id, other=None, previous_status=ILL)
    put(store, "no_such_instance", status=ILL)
    kept = store.read_sync(instances.get_instance, TENANT, id)
    assert kept.system_properties == {"status": ILL, "previous_status": ILL}
    assert kept.version == 1


def test_what_is_ill_or_drifted_is_counted(store: Store) -> None:
    deploy(store)
    start(store)
    first = store.read_sync(instances.node_instances, TENANT, "d1")[0]
    assert store.read_sync(instance_health.of_deployment, TENANT, "d1") == Health(0, 0)
    put(store, first.id, status=ILL, configuration_drift=DRIFTED)
    assert store.read_sync(instance_health.by_node, TENANT, "d1") == {first.node_id: Health(1, 1)}
    put(store, first.id, status=None, configuration_drift={"ok": False, "result": "it failed"})
    assert store.read_sync(instance_health.of_deployment, TENANT, "d1") == Health(0, 0)
    put(store, first.id, source_relationships_configuration_drift={"x_1": DRIFTED})
    assert store.read_sync(instance_health.of_deployment, TENANT, "d1") == Health(0, 1)
