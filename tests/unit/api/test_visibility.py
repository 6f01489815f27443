"""What users see of their tenant, of other tenants, and of what others keep private."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from served_api import Api, served
from tenant_users import TenantUser, create_tenant

from cloudwright.api.middleware import PREFIX
from cloudwright.storage import memberships
from cloudwright.storage.records import UserGroup
from cloudwright.storage.visibility import KINDS


@dataclass
class World:
    """``ann`` and ``ben`` are users of the tenant red, ``max`` manages it; ``zoe`` is a user of blue."""

    api: Api
    ann: TenantUser
    ben: TenantUser
    max: TenantUser
    zoe: TenantUser


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with served(tmp_path_factory.mktemp("api")) as api:
        for tenant in ("red", "blue"):
            create_tenant(api, tenant)
        yield World(
            api,
            TenantUser(api, "ann", "red", "user"),
            TenantUser(api, "ben", "red", "user"),
            TenantUser(api, "max", "red", "manager"),
            TenantUser(api, "zoe", "blue", "user"),
        )


@pytest.fixture(scope="module")
def private(world: World) -> dict[str, str]:
    """What Ann keeps private, by the path of each."""
    ann = world.ann
    ann.upload("secretive", visibility="private")
    ann.deploy("secretive", "secretive", visibility="private", labels=[{"team": "red"}])
    execution = ann.start("secretive")
    world.api.start(execution)
    (operation,) = world.api.operate(execution, "create")
    world.api.happen(execution, "whispered")
    ann.done("PUT", "/sites/hideout", json={"visibility": "private"})
    ann.done("PUT", "/secrets/key", json={"value": "x", "visibility": "private"})
    members = {"visibility": "private", "deployment_ids": ["secretive"]}
    ann.done("PUT", "/deployment-groups/hidden", json=members)
    rules = [{"key": "a", "values": ["b"], "operator": "any_of", "type": "label"}]
    for kind in ("deployments", "blueprints"):
        ann.done("PUT", f"/filters/{kind}/mine", json={"filter_rules": rules, "visibility": "private"})
    instance = ann.ids("/node-instances")[0]
    body = {"deployment_id": "secretive", "nodes": {"app": {"instances": 2}}}
    world.api.end(execution)
    modification = ann.done("POST", "/deployment-modifications", json=body)["id"]
    group = {"deployment_group_id": "hidden", "workflow_id": "install", "force": True}
    executions_of_group = ann.done("POST", "/execution-groups", json=group)["id"]
    return {
        "/blueprints": "secretive",
        "/deployments": "secretive",
        "/executions": execution,
        "/operations": operation,
        "/sites": "hideout",
        "/deployment-groups": "hidden",
        "/execution-groups": executions_of_group,
        "/secrets": "key",
        "/filters/deployments": "mine",
        "/filters/blueprints": "mine",
        "/node-instances": instance,
        "/deployment-modifications": modification,
    }


def test_what_is_private_is_its_creators_and_its_managers(world: World, private: dict[str, str]) -> None:
    assert {path.removeprefix("/") for path in private} >= KINDS - {"plugins", "deployment-updates", "agents"}
    keys = {"/sites": "name", "/secrets": "key"}
    for path, id in private.items():
        for user in (world.ann, world.max):
            assert user.status(f"{path}/{id}") == 200, (path, user.name)
        assert world.ben.status(f"{path}/{id}") == 404, path
        if path == "/operations":
            continue
        key = keys.get(path, "id")
        assert id in world.ann.ids(path, key), path
        assert id in world.max.ids(path, key), path
        assert id not in world.ben.ids(path, key), path


def test_what_belongs_to_a_private_deployment_is_private(world: World, private: dict[str, str]) -> None:
    execution = {"execution_id": private["/executions"]}
    for path in (
        "/deployments/secretive/outputs",
        "/deployments/secretive/capabilities",
        "/deployments/secretive/inputs",
        "/deployments/secretive/labels",
        "/deployments/secretive/workflows",
        "/blueprints/secretive/archive",
        f"/executions/{private['/executions']}/operations",
    ):
        assert world.ann.status(path) == 200, path
        assert world.ben.status(path) == 404, path
    for path in ("/operations", "/tasks_graphs", "/events/stream"):
        assert world.ben.status(path, params=execution) == 404, path
    assert "whispered" in world.ann.ids("/events", "message")
    for params in ({}, execution, {"deployment_id": "secretive"}):
        assert "whispered" not in world.ben.ids("/events", "message", **params)
    everything: dict[str, Any] = {"_include_system_workflows": True, "blueprint_id": "secretive"}
    assert len(world.ann.ids("/executions", **everything)) > 1
    assert world.ben.ids("/executions", **everything) == []
    assert world.ben.ids("/nodes") == []
    assert world.ben.ids("/executions", deployment_id="secretive") == []
    for path in ("/labels/deployments", "/labels/blueprints"):
        assert world.ben("GET", path).json()["items"] == []
        assert world.ann("GET", path).json()["items"] == ["team"]


def test_what_is_private_is_not_changed_by_others(world: World, private: dict[str, str]) -> None:
    run = {"deployment_id": "secretive", "workflow_id": "install"}
    used = {"dependency_creator": "c", "source_deployment": "secretive", "target_deployment": "secretive"}
    uses: dict[str, Any] = {"inter_deployment_dependencies": [used]}
    for method, path, body in (
        ("POST", "/executions", run),
        ("POST", f"/executions/{private['/executions']}", {"action": "cancel"}),
        ("POST", f"/execution-groups/{private['/execution-groups']}", {"action": "cancel"}),
        ("PATCH", "/deployments/secretive", {"labels": []}),
        ("PATCH", "/deployments/secretive/set-visibility", {"visibility": "tenant"}),
        ("POST", "/deployments/secretive/set-site", {"site_name": "hideout"}),
        ("DELETE", "/deployments/secretive", None),
        ("DELETE", "/blueprints/secretive", None),
        ("PUT", "/deployments/theirs", {"blueprint_id": "secretive"}),
        ("POST", "/events", {"execution_id": private["/executions"], "events": []}),
        ("POST", "/deployment-updates/secretive/update/initiate", {"inputs": {}}),
        ("POST", f"/deployment-modifications/{private['/deployment-modifications']}/finish", None),
        ("PATCH", f"/node-instances/{private['/node-instances']}", {"version": 1, "state": "x"}),
        ("PUT", "/deployments/secretive/inter-deployment-dependencies", uses | {"source_deployment_id": "x"}),
        ("PUT", "/deployments/inter-deployment-dependencies", uses["inter_deployment_dependencies"][0]),
        ("POST", "/deployments/inter-deployment-dependencies", uses | {"source_deployment_id": "secretive"}),
        ("PUT", "/agents/theirs", {"node_instance_id": private["/node-instances"]}),
        ("POST", f"/agents/{private['/node-instances']}/enrolment", None),
        ("DELETE", "/filters/deployments/mine", None),
        ("DELETE", "/sites/hideout", None),
        ("DELETE", "/secrets/key", None),
    ):
        answer = world.ben(method, path, json=body)
        assert (answer.status_code, answer.json()["error_code"]) == (404, "not_found_error"), (method, path)
    assert world.ben("PUT", "/deployments/secretive", json={"blueprint_id": "x"}).status_code in (404, 409)


def test_another_tenant_has_nothing_of_it(world: World, private: dict[str, str]) -> None:
    for path, id in private.items():
        assert world.zoe.status(f"{path}/{id}") == 404, path
        if path != "/operations":
            assert world.zoe("GET", path).json()["items"] == [], path
        assert world.zoe.status(f"{path}/{id}", headers={"Tenant": "red"}) == 403, path
    assert world.zoe("GET", "/events").json()["items"] == []


def test_who_keeps_something_private_is_not_deleted(world: World, private: dict[str, str]) -> None:
    message = world.api.refused("DELETE", "/users/ann", 400, "dependent_exists_error")
    assert "1 deployments" in message
    assert "1 secrets" in message


def test_all_tenants_are_those_of_the_user(world: World) -> None:
    world.ann.upload("of-red")
    world.zoe.upload("of-blue")
    assert "of-blue" in world.zoe.ids("/blueprints", _all_tenants=True)
    assert "of-red" not in world.zoe.ids("/blueprints", _all_tenants=True)
    assert "secretive" not in world.ben.ids("/blueprints", _all_tenants=True)
    everything = {row["id"] for row in world.api.items("/blueprints", _all_tenants=True)}
    assert everything >= {"of-red", "of-blue", "secretive"}


def test_what_is_global_is_seen_elsewhere_and_changed_at_home(world: World) -> None:
    world.ann.upload("shared")
    world.ann.deploy("shared", "shared")
    path = "/blueprints/shared/set-visibility"
    assert world.ann("PATCH", path, json={"visibility": "global"}).status_code == 403
    admin = {"Tenant": "red"}
    put = world.api.http.patch
    refused = put("/deployments/shared/set-visibility", json={"visibility": "global"}, headers=admin)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "illegal_action_error")
    for noun in ("blueprints", "deployments"):
        changed = put(f"/{noun}/shared/set-visibility", json={"visibility": "global"}, headers=admin)
        assert (changed.status_code, changed.json()["visibility"]) == (200, "global")
        assert "shared" in world.zoe.ids(f"/{noun}")
        assert world.zoe.done("GET", f"/{noun}/shared")["tenant_name"] == "red"
        assert world.zoe("DELETE", f"/{noun}/shared").status_code == 404
    for path in ("/blueprints/shared/archive", "/deployments/shared/outputs"):
        assert world.zoe.status(path) == 200
    narrowed = put("/blueprints/shared/set-visibility", json={"visibility": "private"}, headers=admin)
    assert narrowed.json()["error_code"] == "illegal_action_error"
    # A tenant's own comes before one that is shared; a second one cannot be shared.
    world.zoe.upload("shared")
    assert world.zoe.done("GET", "/blueprints/shared")["tenant_name"] == "blue"
    taken = put(
        "/blueprints/shared/set-visibility", json={"visibility": "global"}, headers={"Tenant": "blue"}
    )
    assert taken.status_code == 409


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/blueprints/x"), ("PUT", "/sites/x"), ("PUT", "/filters/deployments/x")]
)
def test_only_administrators_make_something_global(world: World, method: str, path: str) -> None:
    rules = [{"key": "a", "values": ["b"], "operator": "any_of", "type": "label"}]
    body = {"visibility": "global", "filter_rules": rules}
    more = {"content": b"x", "params": body} if "blueprints" in path else {"json": body}
    assert world.ann(method, path, **more).status_code == 403


def test_a_stream_ends_when_its_user_may_not_follow_any_more(world: World) -> None:
    api, eve = world.api, TenantUser(world.api, "eve", "red", None)
    api.store.write_sync(
        memberships.create_group, UserGroup("watchers", "default", None, api.manager.clock())
    )
    api.store.write_sync(memberships.add_member, "eve", "watchers")
    api.store.write_sync(memberships.add_group, "watchers", "red", "viewer")
    world.ann.upload("watched")
    world.ann.deploy("watched", "watched")
    id = world.ann.start("watched")
    api.start(id)
    url = f"{PREFIX}/events/stream?execution_id={id}"
    with api.anonymous.stream("GET", url, headers=eve.headers, timeout=20) as response:
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith("event:")) == "event: status"
        member = {"username": "eve", "group_name": "watchers"}
        assert api.http.request("DELETE", "/user-groups/users", json=member).status_code == 204
        api.happen(id, "not for eve")
        assert not [line for line in lines if "not for eve" in line]
    assert eve.status(f"/events/stream?execution_id={id}") == 403


def test_changes_of_what_is_private_are_not_announced(world: World, private: dict[str, str]) -> None:
    api = world.api
    world.ann.upload("announced")
    world.ann.deploy("announced", "announced")
    seen = world.ann.start("announced")
    url = f"{PREFIX}/changes/stream"
    for user, expected in ((world.ben, {seen}), (world.ann, {private["/executions"], seen})):
        with api.anonymous.stream("GET", url, headers=user.headers, timeout=20) as response:
            lines = response.iter_lines()
            assert next(lines) == "event: ready"
            api.changed(private["/executions"])
            api.changed(seen)
            found: set[str] = set()
            while seen not in found:
                line = next(lines)
                if line.startswith("data:") and '"execution"' in line:
                    found.add(orjson.loads(line.removeprefix("data:"))["id"])
            assert found == expected, user.name
