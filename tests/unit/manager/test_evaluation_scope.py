"""Functions find what they refer to in the database, and read nothing else of a large deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from cloudwright.errors import NotFound
from cloudwright.manager.evaluation_scope import stored_scope
from cloudwright.manager.secrets import SecretReader, Viewer
from cloudwright.model.topology import NodeInstance
from cloudwright.planning import EvaluationError, evaluate
from cloudwright.storage import blueprints, deployments
from cloudwright.storage.records import Blueprint, Deployment
from cloudwright.storage.store import Store

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
TENANT = "default_tenant"

NO_SECRETS = SecretReader(dict[str, str]().__getitem__, lambda: Viewer("ann"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(f"sqlite:///{tmp_path}/test.db")
    made.write_sync(blueprints.create, Blueprint("b"), NOON)
    for id in ("d", "other"):
        nodes = [{"id": f"n{place}", "properties": {"place": place}} for place in range(50)]
        instances = [
            NodeInstance(f"{id}{place}", f"n{place}", id, runtime_properties={"ip": f"10.0.0.{place}"})
            for place in range(50)
        ]
        made.write_sync(deployments.create, Deployment(id, "b"), nodes, instances, NOON)
    yield made
    made.close()


def evaluated(store: Store, value: Any, **ids: Any) -> Any:
    def look(conn: Connection) -> Any:
        return evaluate(value, stored_scope(conn, deployments.get(conn, TENANT, "d"), NO_SECRETS, **ids))

    return store.read_sync(look)


def test_a_function_reads_what_it_refers_to_and_no_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = NodeInstance.__init__

    def init(self: NodeInstance, *args: Any, **fields: Any) -> None:
        real(self, *args, **fields)
        read.append(self.id)

    monkeypatch.setattr(NodeInstance, "__init__", init)
    assert evaluated(store, {"get_attribute": ["n7", "ip"]}) == "10.0.0.7"
    assert read == ["d7"]
    assert evaluated(store, {"get_attribute": ["SELF", "ip"]}, self_id="d9") == "10.0.0.9"
    assert evaluated(store, {"get_attribute": ["SELF", "place"]}, self_id="d9") == 9
    assert set(read) == {"d7", "d9"}


def test_what_is_not_there_is_not_found(store: Store) -> None:
    def scope(conn: Connection, what: str) -> Any:
        found = stored_scope(conn, deployments.get(conn, TENANT, "d"), NO_SECRETS)
        looks: dict[str, Callable[[], object]] = {
            "node": lambda: found.node("nope"),
            "instances": lambda: found.instances_of("nope"),
            "instance": lambda: found.instance("nope"),
            "another's": lambda: found.instance("other3"),
        }
        return looks[what]()

    for what in ("node", "instances", "instance", "another's"):
        with pytest.raises(NotFound, match=r"`(nope|other3)`"):
            store.read_sync(scope, what)


def test_capabilities_of_a_private_deployment_are_those_who_see_it(store: Store) -> None:
    port = {"port": {"value": 80}}
    private = Deployment("p", "b", created_by="ann", visibility="private", capabilities=port)
    store.write_sync(deployments.create, private, [], [], NOON)
    relay = {"port": {"value": {"get_capability": ["p", "port"]}}}
    store.write_sync(deployments.create, Deployment("relay", "b", capabilities=relay), [], [], NOON)

    def look(conn: Connection, viewer: Viewer, of: str) -> Any:
        reader = SecretReader(dict[str, str]().__getitem__, lambda: viewer)
        scope = stored_scope(conn, deployments.get(conn, TENANT, "d"), reader)
        return evaluate({"get_capability": [of, "port"]}, scope)

    for viewer in (Viewer("ann"), Viewer("root", True), Viewer("max", administers=frozenset({TENANT}))):
        assert store.read_sync(look, viewer, "p") == 80
        assert store.read_sync(look, viewer, "relay") == 80
    for viewer in (Viewer("ben"), Viewer(None), Viewer("ben", administers=frozenset({"blue"}))):
        for of in ("p", "relay"):
            with pytest.raises(EvaluationError, match="There is no deployment `p` in tenant"):
                store.read_sync(look, viewer, of)
