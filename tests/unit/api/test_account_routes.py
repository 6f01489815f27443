"""Users, user groups and tenants: what their routes say, and whom they let in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from served_api import BLUEPRINT, Api, archive

from cloudwright.api.middleware import PREFIX
from cloudwright.manager.accounts import MAX_FAILED_LOGINS

PASSWORD = "a password"


def create_user(api: Api, name: str, role: str = "default") -> None:
    user = {"username": name, "password": PASSWORD, "role": role}
    assert api.http.put("/users", json=user).status_code == 201


def add(api: Api, username: str, tenant: str, role: str) -> None:
    given = {"username": username, "tenant_name": tenant, "role": role}
    assert api.http.put("/tenants/users", json=given).status_code == 200


def call(
    api: Api,
    user: str,
    method: str,
    path: str,
    *,
    tenant: str | None = None,
    password: str = PASSWORD,
    **more: Any,
) -> httpx.Response:
    headers = {} if tenant is None else {"Tenant": tenant}
    return api.anonymous.request(method, PREFIX + path, auth=(user, password), headers=headers, **more)


def status(api: Api, user: str, path: str, **more: Any) -> int:
    return call(api, user, "GET", path, **more).status_code


def test_a_users_life(api: Api) -> None:
    made = api.http.put("/users", json={"username": "ann@example.org", "password": PASSWORD})
    assert (made.status_code, made.json()["role"], made.json()["active"]) == (201, "default", True)
    assert status(api, "ann@example.org", "/user") == 200
    assert api.get("/users", _search="ANN")["metadata"]["pagination"]["total"] == 1
    assert [
        user["username"] for user in api.items("/users", _sort="-username", _include="username", _size=2)
    ] == [
        "ann@example.org",
        "admin",
    ]

    changed = api.post("/users/ann@example.org", {"role": "sys_admin"})
    assert changed["role"] == "sys_admin"
    assert status(api, "ann@example.org", "/users") == 200
    api.post("/users/ann@example.org", {"role": "default"})
    assert status(api, "ann@example.org", "/users") == 403

    api.post("/users/ann@example.org", {"password": "another one"})
    assert status(api, "ann@example.org", "/user") == 401
    assert status(api, "ann@example.org", "/user", password="another one") == 200

    assert api.http.delete("/users/ann@example.org").status_code == 204
    assert status(api, "ann@example.org", "/user", password="another one") == 401
    api.refused("GET", "/users/ann@example.org", 404, "not_found_error")


def test_users_change_their_own_password_and_nothing_else(api: Api) -> None:
    create_user(api, "carl")
    create_user(api, "dora")
    changed = call(api, "carl", "POST", "/users/carl", json={"password": "my new one"})
    assert changed.status_code == 200
    new = {"password": "my new one"}
    for path, body in (("/users/carl", {"role": "sys_admin"}), ("/users/dora", {"password": "stolen"})):
        assert call(api, "carl", "POST", path, json=body, **new).status_code == 403
    for path in ("/users", "/user-groups", "/users/dora"):
        assert status(api, "carl", path, **new) == 403
    assert status(api, "dora", "/user") == 200


def test_what_is_wrong_with_a_user_is_said(api: Api) -> None:
    create_user(api, "once")
    for user, code in (
        ({"username": "once", "password": PASSWORD}, 409),
        ({"username": "x", "password": "abcd"}, 400),
        ({"username": "a b", "password": PASSWORD}, 400),
        ({"username": "../x", "password": PASSWORD}, 400),
        ({"username": "x", "password": PASSWORD, "role": "manager"}, 400),
        ({"username": "x"}, 400),
    ):
        answer = api.http.put("/users", json=user)
        assert answer.status_code == code, user
        assert PASSWORD not in answer.text
    for body in ({}, {"password": "12345", "role": "default"}, {"show_getting_started": False}):
        api.refused("POST", "/users/once", 400, "bad_parameters_error", json=body)
    assert api.http.post("/users/nobody", json={"password": "12345"}).status_code == 404


def test_a_user_who_is_deactivated_is_kept_out_with_their_tokens(api: Api) -> None:
    create_user(api, "eve")
    token = call(api, "eve", "POST", "/tokens", json={}).json()["value"]
    headers = {"Authentication-Token": token}
    assert api.anonymous.get(f"{PREFIX}/user", headers=headers).status_code == 200
    assert api.post("/users/active/eve", {"action": "deactivate"})["active"] is False
    assert api.anonymous.get(f"{PREFIX}/user", headers=headers).status_code == 401
    assert status(api, "eve", "/user") == 401
    api.refused("POST", "/users/active/eve", 409, "conflict_error", json={"action": "deactivate"})
    api.post("/users/active/eve", {"action": "activate"})
    assert api.anonymous.get(f"{PREFIX}/user", headers=headers).status_code == 200


def test_nobody_locks_themselves_out(api: Api) -> None:
    create_user(api, "boss", "sys_admin")
    for name in ("boss", "admin"):
        assert call(api, "boss", "DELETE", f"/users/{name}").status_code == 403
        body = {"action": "deactivate"}
        assert call(api, "boss", "POST", f"/users/active/{name}", json=body).status_code == 403
        assert call(api, "boss", "POST", f"/users/{name}", json={"role": "default"}).status_code == 403


def test_wrong_passwords_lock_a_user_until_an_administrator_unlocks(api: Api) -> None:
    create_user(api, "forgetful")
    api.refused("POST", "/users/unlock/forgetful", 409, "conflict_error")
    for _ in range(MAX_FAILED_LOGINS):
        assert status(api, "forgetful", "/user", password="wrong") == 401
    api.store.write_sync(lambda conn: None)  # what is noted is written before this
    assert api.get("/users/forgetful")["is_locked"] is True
    assert status(api, "forgetful", "/user") == 401
    assert api.post("/users/unlock/forgetful", {})["is_locked"] is False
    assert status(api, "forgetful", "/user") == 200


def test_groups_give_their_members_roles(api: Api) -> None:
    create_user(api, "gina")
    api.post("/tenants/lab", {})
    group = {"group_name": "ops", "role": "default", "ldap_group_dn": "cn=ops"}
    assert api.post("/user-groups", group) == {
        "name": "ops",
        "role": "default",
        "ldap_dn": "cn=ops",
        "users": 0,
        "tenants": 0,
    }
    api.refused("POST", "/user-groups", 409, "conflict_error", json=group)
    api.refused("POST", "/user-groups", 400, "bad_parameters_error", json={"group_name": "users"})
    given = {"group_name": "ops", "tenant_name": "lab", "role": "operations"}
    assert api.http.put("/tenants/user-groups", json=given).json()["groups"] == 1
    assert status(api, "gina", "/deployments", tenant="lab") == 403

    member = {"username": "gina", "group_name": "ops"}
    assert api.http.put("/user-groups/users", json=member).json()["users"] == 1
    assert api.http.put("/user-groups/users", json=member).status_code == 409
    assert status(api, "gina", "/deployments", tenant="lab") == 200
    assert api.get("/user-groups/ops", _get_data=True) == {
        "name": "ops",
        "role": "default",
        "ldap_dn": "cn=ops",
        "users": ["gina"],
        "tenants": {"lab": "operations"},
    }
    assert api.get("/users/gina", _get_data=True)["tenant_roles"] == {
        "direct": {},
        "groups": {"lab": {"operations": ["ops"]}},
    }
    assert api.get("/tenants/lab", _get_data=True)["user_roles"] == {
        "direct": {},
        "groups": {"ops": {"role": "operations", "users": ["gina"]}},
    }
    given["role"] = "viewer"
    api.http.patch("/tenants/user-groups", json=given)
    assert api.get("/tenants/lab", _get_data=True)["users"] == {
        "gina": {"tenant-role": None, "roles": ["viewer"]}
    }

    api.post("/user-groups/ops", {"role": "sys_admin"})
    assert api.get("/users/gina")["group_system_roles"] == {"sys_admin": ["ops"]}
    assert status(api, "gina", "/users") == 200
    assert api.http.request("DELETE", "/user-groups/users", json=member).status_code == 204
    assert api.http.request("DELETE", "/user-groups/users", json=member).status_code == 404
    assert status(api, "gina", "/users") == 403
    assert api.http.delete("/user-groups/ops").status_code == 204
    api.refused("GET", "/user-groups/ops", 404, "not_found_error")
    assert api.get("/tenants/lab")["groups"] == 0


def test_a_tenants_members_and_its_end(api: Api) -> None:
    create_user(api, "hugo")
    api.post("/tenants/shop", {"rabbitmq_password": ""})
    api.refused("POST", "/tenants/shop", 409, "conflict_error")
    api.refused("POST", "/tenants/a%20b", 400, "bad_parameters_error")
    assert status(api, "hugo", "/blueprints", tenant="shop") == 403
    add(api, "hugo", "shop", "user")
    given = {"username": "hugo", "tenant_name": "shop", "role": "viewer"}
    assert api.http.put("/tenants/users", json=given).status_code == 409
    assert call(api, "hugo", "PUT", "/sites/here", tenant="shop", json={}).status_code == 200
    assert api.http.patch("/tenants/users", json=given).status_code == 200
    assert call(api, "hugo", "PUT", "/sites/there", tenant="shop", json={}).status_code == 403
    assert status(api, "hugo", "/sites/here", tenant="shop") == 200
    for body in ({"role": "sys_admin"}, {"role": "default"}):
        assert api.http.patch("/tenants/users", json=given | body).status_code == 400
    assert [tenant["name"] for tenant in call(api, "hugo", "GET", "/tenants").json()["items"]] == ["shop"]
    # A viewer has not the permission to look at the tenant itself.
    assert status(api, "hugo", "/tenants/shop", tenant="shop") == 403

    refused = api.http.delete("/tenants/shop")
    assert (refused.status_code, refused.json()["error_code"]) == (400, "dependent_exists_error")
    assert "1 sites" in refused.json()["message"]
    api.http.delete("/sites/here", headers={"Tenant": "shop"})
    assert api.http.request("DELETE", "/tenants/users", json=given).status_code == 204
    assert api.http.request("DELETE", "/tenants/users", json=given).status_code == 404
    assert status(api, "hugo", "/sites", tenant="shop") == 403
    assert api.http.delete("/tenants/shop").status_code == 204
    assert api.http.get("/sites", headers={"Tenant": "shop"}).status_code == 403
    api.refused("DELETE", "/tenants/default_tenant", 403, "forbidden_error")


def test_who_belongs_to_no_tenant_learns_nothing_of_any(api: Api) -> None:
    create_user(api, "ivan")
    api.post("/tenants/hidden", {})
    answers = [
        call(api, "ivan", "GET", "/status", tenant=tenant).json()["message"].replace(tenant, "X")
        for tenant in ("hidden", "nothing")
    ]
    assert answers[0] == answers[1]
    assert status(api, "ivan", "/status") == 200
    assert status(api, "ivan", "/blueprints") == 403
    assert status(api, "ivan", "/tenants/hidden") == status(api, "ivan", "/tenants/nothing") == 403
    assert call(api, "ivan", "GET", "/tenants").json()["items"] == []


def test_permissions_are_shown_and_fixed(api: Api) -> None:
    rows = api.items("/permissions/viewer")
    assert {"role": "viewer", "permission": "execution_list"} in rows
    assert {row["role"] for row in rows} == {"viewer"}
    assert len(api.items("/permissions")) > 500
    api.refused("GET", "/permissions/nobody", 404, "not_found_error")
    for method in ("PUT", "DELETE"):
        api.refused(method, "/permissions/viewer/user_create", 400, "illegal_action_error")


@pytest.mark.parametrize("tenant", ["red", "blue"])
def test_tenants_may_have_the_same_names(api: Api, tenant: str) -> None:
    api.post(f"/tenants/{tenant}", {})
    create_user(api, f"{tenant}-user")
    add(api, f"{tenant}-user", tenant, "user")
    made = call(
        api,
        f"{tenant}-user",
        "PUT",
        "/blueprints/same",
        tenant=tenant,
        params={"application_file_name": "blueprint.yaml"},
        content=archive(BLUEPRINT),
    )
    assert made.status_code == 201
    rows = call(api, f"{tenant}-user", "GET", "/blueprints", tenant=tenant).json()["items"]
    assert [(row["id"], row["tenant_name"], row["created_by"]) for row in rows] == [
        ("same", tenant, f"{tenant}-user")
    ]
