"""One record for every change: who, what, when, from where, and to what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from served_api import Api
from tenant_users import TenantUser, create_tenant

from cloudwright.api.app import create_app
from cloudwright.api.internal_client import InProcessClient
from cloudwright.model.execution import Caller
from cloudwright.model.frames.methods import RestRequest


def records(api: Api, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.items("/audit", **{"size": 0, **params})
    return found


def last(api: Api) -> tuple[str, str, str, str | None]:
    row = records(api)[-1]
    return row["creator_name"], row["action"], row["ref_table"], row["ref_id"]


def test_a_change_is_recorded_once_with_who_what_when_and_where(api: Api) -> None:
    create_tenant(api, "red")
    ann = TenantUser(api, "ann", "red", "user")
    before = api.manager.clock() - timedelta(seconds=1)
    ann.upload("app")
    ann.deploy("app", "app")
    execution = ann.start("app")
    ann.done("POST", f"/executions/{execution}", json={"action": "cancel"})
    ann.done("PUT", "/secrets/key", json={"value": "not to be recorded"})
    ann.done("DELETE", "/secrets/key")
    found = records(api, creator_name="ann", since=before.isoformat())
    tenant = {"tenant_name": "red"}
    run = {"id": execution, "deployment_id": "app", "workflow_id": "install"}
    assert [(row["action"], row["operation"], row["ref_table"], row["ref_identifier"]) for row in found] == [
        ("blueprint_upload", "create", "blueprints", {"id": "app"} | tenant),
        ("deployment_create", "create", "deployments", {"id": "app"} | tenant),
        ("execution_start", "create", "executions", run | tenant),
        ("execution_cancel", "update", "executions", {"id": execution} | tenant),
        ("secret_create", "create", "secrets", {"id": "key"} | tenant),
        ("secret_delete", "delete", "secrets", {"id": "key"} | tenant),
    ]
    assert {row["address"] for row in found} == {"127.0.0.1"}
    assert {row["execution_id"] for row in found} == {None}
    assert "not to be recorded" not in str(found)


def test_what_is_refused_or_only_looked_at_is_not_recorded(api: Api) -> None:
    known = len(records(api))
    api.items("/blueprints")
    api.post("/searches/deployments", {"filter_rules": []})
    body = {"deployment_id": "nothing", "workflow_id": "install"}
    api.refused("POST", "/executions", 404, "not_found_error", json=body)
    api.refused("PUT", "/users", 400, "bad_parameters_error", json={"username": "x", "password": "1"})
    api.refused("PUT", "/users", 409, "conflict_error", json={"username": "admin", "password": "12345"})
    api.refused("DELETE", "/blueprints/nothing", 404, "not_found_error")
    assert len(records(api)) == known


def test_changes_of_accounts_say_whose(api: Api) -> None:
    api.put("/users", {"username": "bob", "password": "a password"})
    assert last(api) == ("admin", "user_create", "users", "bob")
    api.post("/tenants/blue", {})
    assert last(api) == ("admin", "tenant_create", "tenants", "blue")
    api.http.put("/tenants/users", json={"username": "bob", "tenant_name": "blue", "role": "viewer"})
    assert records(api)[-1]["ref_identifier"] == {"id": "blue", "username": "bob", "role": "viewer"}
    api.post("/user-groups", {"group_name": "ops"})
    assert last(api) == ("admin", "user_group_create", "user_groups", "ops")
    token = api.post("/tokens", {})
    assert last(api) == ("admin", "create_token", "tokens", token["id"])
    assert token["value"] not in str(records(api))
    api.http.delete(f"/tokens/{token['id']}")
    assert records(api)[-1]["operation"] == "delete"
    api.post("/users/bob", {"password": "another one"})
    assert (last(api), records(api)[-1]["operation"]) == (("admin", "user_update", "users", "bob"), "update")
    assert "another one" not in str(records(api))


def test_a_change_by_an_execution_says_which(api: Api) -> None:
    inside = InProcessClient(create_app(api.manager), api.manager.accounts)  # type: ignore[arg-type]
    id = api.execution()
    api.start(id)
    request: RestRequest = {"method": "put", "path": "/sites/made", "body": {}}
    caller = Caller(execution_id=id, aware=False)
    reply = api.do(inside.request("admin", "default_tenant", request, caller=caller))
    assert reply["status"] == 200
    (row,) = records(api, execution_id=id)
    assert (row["creator_name"], row["action"], row["address"]) == ("admin", "site_create", None)
    # As the console does it, for a browser somewhere.
    request["path"] = "/sites/clicked"
    api.do(inside.request("admin", "default_tenant", request, address="192.0.2.7"))
    assert (records(api)[-1]["ref_id"], records(api)[-1]["address"]) == ("clicked", "192.0.2.7")


def test_the_log_is_cut_and_that_is_recorded(api: Api) -> None:
    api.put("/sites/old", {})
    now = api.manager.clock().isoformat()
    api.put("/sites/new", {})
    kept = records(api)[-1]
    count = len(records(api))
    cut = api.http.request("DELETE", "/audit", params={"before": now})
    assert cut.json() == {"deleted": count - 1}
    assert [row["id"] for row in records(api)][:1] == [kept["id"]]
    assert last(api)[1:3] == ("audit_log_truncate", "audit")
    api.refused("DELETE", "/audit", 400, "bad_parameters_error")


def test_the_list_is_in_pages_and_sorted(api: Api) -> None:
    for name in ("one", "two", "three"):
        api.put(f"/sites/{name}", {})
    page = api.get("/audit", size=2, order_by="created_at", desc=True)
    assert [row["ref_id"] for row in page["items"]] == ["three", "two"]
    assert page["metadata"]["pagination"]["size"] == 2
    assert page["metadata"]["pagination"]["total"] >= 3
    api.refused("GET", "/audit", 400, "bad_parameters_error", params={"order_by": "address"})


def test_only_administrators_see_it(api: Api) -> None:
    create_tenant(api, "green")
    user = TenantUser(api, "gus", "green", "manager")
    assert user("GET", "/audit").status_code == 403
    assert user("DELETE", "/audit?before=2030-01-01").status_code == 403
