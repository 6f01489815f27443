"""Every route declares a permission, and a role without it is refused."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import APIRoute
from served_api import Api

from cloudwright.api.app import all_routes
from cloudwright.api.authorization import authorize, permission_of
from cloudwright.api.middleware import PUBLIC
from cloudwright.errors import Forbidden
from cloudwright.manager.principals import Principal
from cloudwright.model.permissions import PERMISSIONS, Permission, Role, is_permitted
from cloudwright.storage import accounts


def routes() -> list[APIRoute]:
    found = [route for route in all_routes() if isinstance(route, APIRoute)]
    assert len(found) > 60
    return found


def test_no_route_is_without_a_permission() -> None:
    undeclared = {route.path for route in routes() if permission_of(route.endpoint) is None}
    assert undeclared <= PUBLIC


def test_every_route_checks_its_permission(api: Api) -> None:
    """A user whose role is not known is refused everywhere, whatever the request says."""
    now = api.manager.clock()
    api.store.write_sync(accounts.create_user, "nobody", "x", "no_such_role", now)
    _, value = api.do(api.manager.accounts.create_token(Principal("nobody", "no_such_role"), None, None))
    for route in routes():
        if route.path in PUBLIC:
            continue
        path = re.sub(r"\{[^}]*\}", "x", route.path)
        for method in route.methods or ():
            answer = api.anonymous.request(
                method,
                path,
                headers={"Authentication-Token": value},
                params={"execution_id": "x"} if path.endswith(("events/stream", "/tasks_graphs")) else {},
                json={
                    "deployment_id": "x",
                    "workflow_id": "x",
                    "action": "kill",
                    "blueprint_id": "x",
                    "labels": [],
                    "execution_id": "x",
                },
            )
            assert (answer.status_code, answer.json()["error_code"]) == (403, "forbidden_error"), (
                method,
                path,
            )


@pytest.mark.parametrize(
    ("role", "last"),
    [
        ("default", Permission.TENANT_LIST),
        ("viewer", Permission.EVENT_LIST),
        ("operations", Permission.EXECUTION_CANCEL),
        ("user", Permission.BLUEPRINT_UPLOAD),
        ("manager", Permission.ADMINISTRATORS),
        ("sys_admin", Permission.MANAGER_CONFIG_PUT),
    ],
)
def test_each_role_may_do_more_than_the_one_before(role: Role, last: Permission) -> None:
    assert last.lowest_role == role
    before = list(Role)[: list(Role).index(Role(role))]
    authorize(Principal("u", role), last, "t")
    for lower in before:
        assert PERMISSIONS[lower] < PERMISSIONS[role]
        with pytest.raises(Forbidden, match=last):
            authorize(Principal("u", lower), last, "t")


def test_what_is_about_the_manager_itself_is_for_its_administrators() -> None:
    for permission in (
        Permission.ALL_TENANTS,
        Permission.MAINTENANCE_MODE_SET,
        Permission.MANAGER_CONFIG_PUT,
        Permission.PROVIDER_CONTEXT_CREATE,
        Permission.SNAPSHOT_RESTORE,
        Permission.USER_CREATE,
    ):
        assert [role for role in Role if is_permitted([role], permission)] == [Role.SYS_ADMIN]


def test_a_role_that_is_not_known_may_do_nothing() -> None:
    for permission in Permission:
        with pytest.raises(Forbidden, match=permission):
            authorize(Principal("u", "other"), permission, "t")
    with pytest.raises(Forbidden, match="none declared"):
        authorize(Principal("u", "sys_admin"), None, "t")
